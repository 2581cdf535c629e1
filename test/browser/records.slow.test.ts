import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, db, findOrganization, makePerson, newBrowser, openOrganization, signIn } from './browser.ts';
import {
  cell,
  focused,
  grid,
  kpi,
  loaded,
  note,
  openRecords,
  recordsOf,
  saved,
  total,
  write,
} from './grid.ts';

// The records page: finding, reading by keyboard and eye, changing, undoing, and concurrent changes by other users.

describe('the list', () => {
  test('shows all records of HOLNG page by page, and requests only the fields of its columns', async () => {
    const asked: string[] = [];
    const { page } = await openOrganization('HOLNG');
    page.on('request', (request) => {
      const body = request.postData();
      if (body?.includes('query RecordPage')) asked.push(body);
    });
    await page.goto('/o/HOLNG/records');
    await loaded(page);
    const { rows } = await db.owner.query<{ count: number }>(
      `select count(*)::integer from app_core.pfa_mirror where organization_id = $1 and removed_at is null and not is_discontinued`,
      [(await findOrganization('HOLNG')).id],
    );
    expect(await total(page)).toBe(rows[0]?.count);
    expect(asked[0]).toContain('forecastEnd');
    expect(asked[0]).not.toContain('manufacturer');

    await cell(page, 1, 'category').click();
    await page.keyboard.press('Control+End');
    const last = await total(page);
    await until('the last row is there', async () => /^[+-]?\$/.test((await focused(page)).trim()));
    expect(await page.locator(`[aria-rowindex="${last + 1}"]`).count()).toBe(1);
    // The page renders few rows and requests few pages; it skips pages that the user scrolled past.
    expect(await page.getByRole('row').count()).toBeLessThan(80);
    expect(asked.length).toBeLessThan(6);
  });

  test('is sorted, filtered and searched, and its address shows a colleague the same', async () => {
    const { page } = await openRecords('RIO');
    const all = await total(page);
    await page.getByRole('columnheader', { name: 'Forecast end' }).click();
    await page.waitForURL(/sort=forecastEnd/);
    await page.getByRole('button', { name: 'Source' }).click();
    const choice = page.getByRole('dialog').getByRole('checkbox', { name: /^Rental/ });
    const label = await page.getByRole('dialog').locator('label', { hasText: 'Rental' }).textContent();
    const count = Number(label?.replace(/\D/g, ''));
    expect(count).toBeGreaterThan(0);
    await choice.check();
    await page.keyboard.press('Escape');
    await until('only those are left', async () => (await total(page)) === count);
    expect(count).toBeLessThan(all);
    const ids = await page.getByRole('rowheader').allTextContents();

    const colleague = await (await newBrowser()).newPage();
    await signIn(
      colleague,
      await makePerson({ RIO: 'viewer' }),
      new URL(page.url()).pathname + new URL(page.url()).search,
    );
    await loaded(colleague);
    expect(await colleague.getByRole('rowheader').allTextContents()).toEqual(ids);

    await page.getByRole('searchbox', { name: 'Search records' }).fill('nosuchthing');
    await page.getByText('No records match.').waitFor();
    await page.getByRole('button', { name: 'Remove filter Search: nosuchthing' }).click();
    await until('they are back', async () => (await total(page)) === count);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await until('all are back', async () => (await total(page)) === all);
  });

  test.each([
    ['found by words, ordered by what some have not', '?q=pump&sort=forecastStart'],
    ['ordered by what some have not', '?sort=-forecastStart&discontinued=true'],
    ['ordered by what some have not, those last', '?sort=forecastStart&discontinued=true'],
    ['by id', '?discontinued=true', 'HOLNG-0020280'],
  ])('reads page after page to the end: %s', async (_, search, last?: string) => {
    const { page } = await openRecords('HOLNG', search);
    await until('its length is known', async () => (await total(page)) > 200);
    const all = await total(page);
    await cell(page, 1, 'pfaId').click();
    const ids = new Set([await cell(page, 1, 'pfaId').textContent()]);
    // Each page begins where the previous one ended.
    for (const row of [61, 161, 261]) {
      await page.evaluate(
        `document.querySelector('[role=grid]').parentElement.scrollTop = ${(row - 1) * 32}`,
      );
      await cell(page, row, 'pfaId').getByText(/-\d+$/).waitFor();
      ids.add(await cell(page, row, 'pfaId').textContent());
    }
    await page.keyboard.press('Control+End');
    await cell(page, all, 'pfaId').getByText(/-\d+$/).waitFor();
    ids.add(await cell(page, all, 'pfaId').textContent());
    expect(ids.size).toBe(5);
    if (last) expect(await cell(page, all, 'pfaId').textContent()).toContain(last);
    expect(await page.getByRole('alert').count()).toBe(0);
    expect(await page.getByText('Refresh list').count()).toBe(0);
  });

  test('keeps its rows when more cannot be loaded, and retries', async () => {
    const { page } = await openRecords('RIO');
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('query RecordPage')
        ? route.fulfill({
            status: 500,
            json: {
              errors: [{ message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL' } }],
            },
          })
        : route.fallback(),
    );
    await page.getByRole('columnheader', { name: 'Category' }).click();
    await page.getByRole('alert').getByText('The server had an internal error.').waitFor();
    await loaded(page);
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await until(
      'it is sorted',
      async () =>
        (await page.getByRole('columnheader', { name: 'Category' }).getAttribute('aria-sort')) ===
        'ascending',
    );
  });

  test('keeps the chosen columns for the next visit', async () => {
    const { page } = await openRecords('RIO');
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('dialog').getByRole('checkbox', { name: 'Manufacturer' }).check();
    await page.getByRole('dialog').getByRole('checkbox', { name: 'Status' }).uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('columnheader', { name: 'Manufacturer' }).waitFor();
    const head = page.getByRole('columnheader', { name: 'Category' });
    const width = async () => (await head.boundingBox())?.width ?? 0;
    const before = await width();
    await cell(page, 1, 'pfaId').click();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    await until('it is wider', async () => (await width()) === before + 16);
    await page.goto('/o/RIO/board');
    await page.getByRole('link', { name: 'Records', exact: true }).click();
    await page.getByRole('columnheader', { name: 'Manufacturer' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'Status' }).count()).toBe(0);
    expect(await width()).toBe(before + 16);
  });
});

test('the whole list can be reached by keyboard, and one cell is in the tab order', async () => {
  const { page } = await openRecords('RIO');
  await cell(page, 1, 'pfaId').click();
  const first = await focused(page);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).not.toBe(first);
  await page.keyboard.press('End');
  expect(await focused(page)).toMatch(/^\$/);
  await page.keyboard.press('Control+Home');
  expect(await focused(page)).toBe(first);
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  const row = Number(await page.evaluate('document.activeElement.dataset.row'));
  expect(row).toBeGreaterThan(20);
  await page.keyboard.press('PageUp');
  await page.keyboard.press('PageUp');
  expect(await focused(page)).toBe(first);
  expect(await grid(page).locator('[tabindex="0"]').count()).toBe(1);
});

describe('a change', () => {
  test('is saved as a draft with new figures, marked, undone after a reload, and redone', async () => {
    const { page, username } = await openRecords('RIO');
    const [record] = await recordsOf(username, 'RIO');
    await page.goto(`/o/RIO/records?q=${record?.pfaId}`);
    await until('it alone is shown', async () => (await total(page)) === 1);
    const price = cell(page, 1, 'source');
    const category = cell(page, 1, 'category');
    const was = (await category.textContent())?.trim();
    // A delayed save is shown as pending, not as saved.
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('mutation SaveDrafts')) await held;
      await route.fallback();
    });
    await write(page, category, 'SPECIAL');
    expect(await category.getAttribute('data-state')).toBe('saving');
    expect(await category.textContent()).toContain('saving');
    answer();
    await saved(category);
    await cell(page, 1, 'status').getByText('Draft').waitFor();
    await category.click();
    await note(page).getByText(`Before: ${was}`).waitFor();

    const forecast = await kpi(page, 'forecastCost').getAttribute('title');
    await price.click();
    await page.keyboard.press('Enter');
    await price
      .locator('select')
      .selectOption((await price.textContent())?.includes('Rental') ? 'Purchase' : 'Rental');
    await page.keyboard.press('Tab');
    await saved(price);
    await until(
      'the figures follow',
      async () => (await kpi(page, 'forecastCost').getAttribute('title')) !== forecast,
    );

    await page.reload();
    await loaded(page);
    await page.keyboard.press('Control+z');
    await until('the source is back', async () => (await price.getAttribute('data-state')) === null);
    await until(
      'and so are the figures',
      async () => (await kpi(page, 'forecastCost').getAttribute('title')) === forecast,
    );
    await page.keyboard.press('Control+Shift+Z');
    await saved(price);

    await category.click();
    await page.keyboard.press('Control+Backspace');
    await until('it is as it was', async () => (await category.getAttribute('data-state')) === null);
    expect((await category.textContent())?.trim()).toBe(was);
    await price.click();
    await page.getByRole('button', { name: 'Revert' }).click();
    await page.getByRole('list', { name: 'Your work' }).getByText('0 drafts').waitFor();
  });

  test('shows the value below at once when undone, and the cell can be changed again', async () => {
    const { page, username } = await openRecords('RIO');
    const record = (await recordsOf(username, 'RIO'))[40];
    await page.goto(`/o/RIO/records?q=${record?.pfaId}`);
    await until('it alone is shown', async () => (await total(page)) === 1);
    const category = cell(page, 1, 'category');
    const was = (await category.textContent())?.trim();
    for (const value of ['UNDONE', 'UNDONE AGAIN']) {
      await write(page, category, value);
      await saved(category);
      await page.keyboard.press('Control+z');
      await until('the cell is as before', async () => (await category.textContent())?.trim() === was);
      expect(await category.getAttribute('data-state')).toBeNull();
      expect(await cell(page, 1, 'status').textContent()).not.toContain('Draft');
    }
    await write(page, category, 'KEPT');
    await saved(category);
    await category.click();
    await page.keyboard.press('Control+Backspace');
    await until('it is reverted', async () => (await category.textContent())?.trim() === was);
  });

  test('that is cancelled has no effect; a refused one gives its reason', async () => {
    const { page } = await openRecords('RIO');
    const end = cell(page, 2, 'forecastEnd');
    const was = await end.textContent();
    await end.click();
    await page.keyboard.type('1');
    await page.keyboard.press('Escape');
    expect(await end.textContent()).toBe(was);
    await write(page, end, '1/1/1999');
    await until('it is refused', async () => (await end.getAttribute('data-state')) === 'refused');
    expect(await end.getAttribute('aria-invalid')).toBe('true');
    await end.click();
    await note(page)
      .getByText(/Forecast end lies before forecast start \(\w+ \d+, \d+\)/)
      .waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    expect(await end.textContent()).toBe(was);
    await write(page, end, 'soon');
    await until('it is refused', async () => (await end.getAttribute('data-state')) === 'refused');
    // Entering the existing value saves nothing.
    await write(page, end, new Date(was ?? '').toLocaleDateString('en-US'));
    await until('nothing is left of it', async () => (await end.getAttribute('data-state')) === null);
  });

  test('of an amount is exact to the cent, and the figures follow', async () => {
    const { page } = await openRecords('RIO', '?source=%5B"Rental"%5D');
    const [rate, forecast] = [
      cell(page, 5, 'monthlyRate'),
      await kpi(page, 'forecastCost').getAttribute('title'),
    ];
    await write(page, rate, '$12,345.67');
    await saved(rate);
    expect(await rate.textContent()).toContain('$12,345.67');
    await until(
      'they follow',
      async () => (await kpi(page, 'forecastCost').getAttribute('title')) !== forecast,
    );
  });

  test("that conflicts with another user's shows both values, and the user decides", async () => {
    const { page, username } = await openRecords('RIO');
    const [, , third] = await recordsOf(username, 'RIO');
    const id = third?.pfaId;
    await page.goto(`/o/RIO/records?q=${id}`);
    await until('it alone is shown', async () => (await total(page)) === 1);
    const [at, before] = [cell(page, 1, 'class'), await recordsOf(username, 'RIO')];
    const revision = before.find(({ pfaId }) => pfaId === id)?.revision;
    await at.click();
    await page.keyboard.press('Enter');
    await at.locator('input').fill('Mine');
    // Change it in another tab after the edit has begun.
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: id,
      revision,
      changes: { class: 'Theirs' },
    });
    await page.getByRole('list', { name: 'Your work' }).getByText('1 draft').waitFor();
    await page.keyboard.press('Enter');
    await until('it is not overwritten', async () => (await at.getAttribute('data-state')) === 'conflict');
    await at.click();
    await note(page).getByText('Theirs', { exact: true }).last().waitFor();
    await page.getByRole('button', { name: 'Save mine' }).click();
    await saved(at);
    expect(await at.textContent()).toContain('Mine');
  });

  test('by another user arrives by itself, without moving focus or scroll position', async () => {
    const { page, username } = await openRecords('RIO');
    const records = await recordsOf(username, 'RIO');
    await cell(page, 1, 'pfaId').click();
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown');
    const place = await focused(page);
    const record = records.find(({ pfaId }) => pfaId === place);
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: record?.pfaId,
      revision: record?.revision,
      changes: { category: 'FROM ELSEWHERE' },
    });
    await cell(page, 6, 'category').getByText('FROM ELSEWHERE').waitFor();
    expect(await focused(page)).toBe(place);
  });

  test('that a colleague submits becomes pending here without a reload, and nothing moves', async () => {
    const [{ page }, colleague] = [await openRecords('RIO'), await makePerson({ RIO: 'member' })];
    await cell(page, 18, 'pfaId').click();
    const id = (await cell(page, 18, 'pfaId').textContent())?.trim();
    const place = await focused(page);
    const record = (await recordsOf(colleague, 'RIO')).find(({ pfaId }) => pfaId === id);
    await ask(colleague, 'POST', '/api/pfa/RIO/draft', {
      recordId: id,
      revision: record?.revision,
      changes: { class: 'OF A COLLEAGUE' },
    });
    // Only its author sees a draft.
    expect(await cell(page, 18, 'class').textContent()).not.toContain('OF A COLLEAGUE');
    await ask(colleague, 'POST', '/api/pfa/RIO/commit', {});
    await cell(page, 18, 'class').getByText('OF A COLLEAGUE').waitFor();
    expect(await focused(page)).toBe(place);
  });

  test('that a colleague submits and withdraws is no longer pending, without a reload', async () => {
    const [{ page }, colleague] = [await openRecords('RIO'), await makePerson({ RIO: 'member' })];
    const { id: organizationId } = await findOrganization('RIO');
    const [klass, status] = [cell(page, 20, 'class'), cell(page, 20, 'status')];
    const id = (await cell(page, 20, 'pfaId').textContent())?.trim();
    const was = await klass.textContent();
    await db.owner.query('insert into app_private.pfa_push_pause (organization_id) values ($1)', [
      organizationId,
    ]);
    try {
      const record = (await recordsOf(colleague, 'RIO')).find(({ pfaId }) => pfaId === id);
      await ask(colleague, 'POST', '/api/pfa/RIO/draft', {
        recordId: id,
        revision: record?.revision,
        changes: { class: 'WITHDRAWN' },
      });
      await ask(colleague, 'POST', '/api/pfa/RIO/commit', {});
      await klass.getByText('WITHDRAWN').waitFor();
      await status.getByText('Pending').waitFor();
      await ask(colleague, 'POST', '/graphql', {
        query: `mutation ($id: Int!) { withdrawCommits(input: { organizationId: $id }) { result { recordCount } } }`,
        variables: { id: organizationId },
      });
      await until('it is what it was', async () => (await klass.textContent()) === was);
      expect(await status.textContent()).not.toContain('Pending');
    } finally {
      await db.owner.query('delete from app_private.pfa_push_pause where organization_id = $1', [
        organizationId,
      ]);
    }
  });

  test('is impossible for viewers', async () => {
    const { page } = await openRecords('RIO', '', 'viewer');
    await cell(page, 1, 'category').click();
    await page.keyboard.press('Enter');
    expect(await grid(page).locator('input').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0);
  });

  test('waits visibly while the server is away, and is sent when it is back', async () => {
    const { page } = await openRecords('RIO');
    const at = cell(page, 4, 'category');
    await page.route('**/graphql', (route) =>
      route.request().postData()?.includes('mutation SaveDrafts') ? route.abort() : route.fallback(),
    );
    await write(page, at, 'LATER');
    await page.getByText('1 change is not saved yet.').waitFor();
    expect(await at.getAttribute('data-state')).toBe('waiting');
    await page.unroute('**/graphql');
    await saved(at);
    expect(await at.textContent()).toContain('LATER');
  });

  test('to HTML is shown as text', async () => {
    const { page } = await openRecords('RIO');
    const html = '<img src=x onerror=alert(1)>';
    const at = cell(page, 3, 'category');
    await write(page, at, html);
    await saved(at);
    expect(await at.textContent()).toContain(html);
    await page.getByRole('button', { name: 'Category' }).click();
    await page.getByRole('dialog').getByRole('checkbox', { name: html }).waitFor();
    expect(await grid(page).locator('img').count()).toBe(0);
  });
});
