import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { heading, newPage, openOrganization, makePerson, signIn } from './browser.ts';
import { cell, grid, loaded, note, openRecords, total, write } from './grid.ts';

// Neither input, nor addresses, nor stored entries can stop a page.

describe('an address', () => {
  test.each([
    ['startFrom=2026-04-01)', 'startFrom=2026-04-01)'],
    ['startFrom=2026-02-30', 'startFrom=2026-02-30'],
    ['costFrom=abc', 'costFrom=abc'],
    ['q=[1]', 'q=1'],
    ['columns=[1]', 'columns=1'],
    ['flags=["constructor"]', 'flags=constructor'],
    ['sort=toString', 'sort=toString'],
    ['page={"a":1}&foo=bar', 'foo=bar'],
  ])('with ?%s shows the records and what was left out', async (search, leftOut) => {
    const { page } = await openRecords('RIO2', `?${search}`);
    await page.getByText('part of its address').getByText(leftOut).waitFor();
    expect(await total(page)).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await until(
      'the notice is gone',
      async () => (await page.getByText('part of its address').count()) === 0,
    );
    expect(page.url()).not.toContain(search.split('=')[0]);
  });

  test('with a number as a category filters by the category of that name', async () => {
    const { page } = await openOrganization('RIO2', { path: 'records?category=5' });
    await page.getByText('No records match.').waitFor();
    await page.getByText('Category: 5').waitFor();
  });

  test.each(['board?by=constructor&sort=valueOf', 'changes?page=x', 'problems?page=1e99'])(
    'of %s shows the page',
    async (path) => {
      const { page } = await openOrganization('RIO2', { path });
      await heading(page, /Board|Changes|Problems/).waitFor();
      await page.getByText('part of its address').waitFor();
    },
  );

  test.each([
    '/o/%E0%A4%A/records',
    '/o/RIO2/records/%00/history',
    '/o/RIO2/records/%2e%2e/history',
    '/o/constructor/board',
  ])('%s shows an explanation', async (path) => {
    const page = await newPage();
    await signIn(page, await makePerson({ RIO2: 'member' }));
    await page.goto(path);
    await page
      .getByRole('main')
      .getByText(/no |not |n’t /i)
      .first()
      .waitFor();
  });
});

describe('an invalid text', () => {
  test.each([
    ['en-US', '2026-02-30', 'There is no day 2026-02-30'],
    ['en-US', '01.02.2030', 'can mean Feb 1, 2030 or Jan 2, 2030'],
    ['de-DE', '04/02/2026', 'can mean'],
    ['fr-FR', '10abc12def2030', 'Enter a valid date'],
  ])('in %s, %s stays in the cell with an error, even after a reload', async (locale, text, reason) => {
    const { page } = await openOrganization('RIO2', { path: 'records', locale });
    await loaded(page);
    const end = cell(page, 2, 'forecastEnd');
    const before = await end.textContent();
    await write(page, end, text);
    await until('it is marked', async () => (await end.getAttribute('data-state')) === 'refused');
    expect(await end.innerText()).toContain(text);
    await end.click();
    await note(page).getByText(reason).waitFor();
    await page.reload();
    await loaded(page);
    expect(await end.innerText()).toContain(text);
    await end.click();
    await page.keyboard.press('F2');
    expect(await end.locator('input').inputValue()).toBe(text);
    await page.keyboard.press('Escape');
    await note(page).getByRole('button', { name: 'Discard' }).click();
    expect(await end.textContent()).toBe(before);
  });

  test.each([
    ['en-US', '12/24/30', 'Dec 24, 2030'],
    ['en-US', '24-Dec-30', 'Dec 24, 2030'],
    ['de-DE', '24.12.30', '24.12.2030'],
    ['fr-FR', '24 déc. 2030', '24 déc. 2030'],
  ])('in %s %s is a valid day', async (locale, text, shown) => {
    const { page } = await openOrganization('RIO2', { path: 'records', locale });
    await loaded(page);
    const end = cell(page, 3, 'forecastEnd');
    await write(page, end, text);
    await until('it is saved', async () => (await end.getAttribute('data-state')) === 'drafted');
    expect(await end.innerText()).toContain(shown);
  });
});

describe("an invalid entry in the browser's storage", () => {
  test.each([
    ['an edit of a day that there is not', { value: '2026-13-99', state: 'refused' }],
    ['an edit with an object for a value', { value: { a: 1 } }],
    ['an edit without a revision', { revision: 'x' }],
    ['an edit of a column that there is not', { key: '__proto__' }],
  ])('does no harm: %s', async (_, wrong) => {
    const { page } = await openRecords('RIO2');
    const pfaId = (await cell(page, 1, 'pfaId').innerText()).trim();
    const edit = {
      ...{ recordId: pfaId, key: 'forecastEnd', value: '2030-01-01', isAmount: false, seen: null },
      ...{ revision: '1', state: 'refused', message: 'No.' },
      ...wrong,
    };
    // Plants entries of another version of the app for every organization and user.
    await page.evaluate((item) => {
      for (const key of Object.keys(localStorage)) {
        const [, , person] = /^vanguard\.(view)\.(\d+)/.exec(key) ?? [];
        if (person === undefined) continue;
        localStorage.setItem(key, '{"flags":["constructor"],"costFrom":{}}');
        for (let organization = 0; organization < 60; organization++)
          localStorage.setItem(
            `vanguard.unsent.${person}.${organization}.left`,
            JSON.stringify([item, null, 7]),
          );
      }
    }, edit);
    await page.reload();
    await loaded(page);
    await page.getByRole('link', { name: 'Board' }).first().click();
    await heading(page, 'Board').waitFor();
  });
});

describe('a part of a page that fails to render', () => {
  test('does not affect the others and can be retried', async () => {
    const { page } = await openOrganization('RIO2', { path: 'records', expectedFaults: /./ });
    await loaded(page);
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query RecordSums')) return route.fallback();
      await route.fulfill({ json: { data: { organization: { seen: 5, mirror: { nodes: 7 } } } } });
    });
    await page.reload();
    await loaded(page);
    await page.getByText('The costs couldn’t be displayed.').waitFor();
    expect(await grid(page).count()).toBe(1);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Reload' }).click();
    await loaded(page);
    await until('the costs are there', async () => (await page.locator('[data-kpi] dd').count()) > 0);
  });
});
