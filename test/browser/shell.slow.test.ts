import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import {
  ask,
  chooseFromAccount,
  db,
  findOrganization,
  heading,
  makePerson,
  newPage,
  openOrganization,
  signIn,
} from './browser.ts';
import { faults, untilRead } from './pems.ts';

// The frame of every page: organizations, freshness, counts, and addresses without a page.

const switcher = (page: Page) => page.getByRole('button', { name: /^Organization |^Choose an/ });
const figures = (page: Page, table: string) => page.getByRole('table', { name: table });

describe('organizations', () => {
  test('are switched by keyboard, with search, and the last one opens next time', async () => {
    const page = await newPage();
    await signIn(page, await makePerson({}, 'admin'), '/o/HOLNG/board');
    await switcher(page).focus();
    await page.keyboard.press('Enter');
    const options = page.getByRole('option');
    await options.first().waitFor();
    expect(await options.count()).toBeGreaterThanOrEqual(28);
    await page.keyboard.type('arthur');
    await until('one is left', async () => (await options.count()) === 1);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/o/PORTARTHUR/board');
    await page.getByRole('button', { name: /^Organization PORTARTHUR/ }).waitFor();
    await until(
      'the title says so',
      async () => (await page.title()) === 'Board · PORTARTHUR · PFA Vanguard',
    );

    await page.goto('/');
    await page.waitForURL('**/o/PORTARTHUR/board');
    await switcher(page).click();
    await page.getByLabel('Search organizations').fill('no such thing');
    await page.getByText('No matching organizations').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Search organizations').waitFor({ state: 'hidden' });
  });

  test("show only the user's own, and show viewers no actions that they may not use", async () => {
    const { page } = await openOrganization('RIO', { role: 'viewer' });
    await figures(page, 'Including my drafts').waitFor();
    expect(await page.getByRole('button', { name: 'Refresh now' }).count()).toBe(0);
    await switcher(page).click();
    await page.getByRole('option').first().waitFor();
    expect(await page.getByRole('option').allTextContents()).toEqual([
      expect.stringMatching(/^RIO.*view only$/),
    ]);
  });

  test('give the same response for unknown ones and for those of other users', async () => {
    const { page } = await openOrganization('RIO');
    for (const code of ['HOLNG', 'NOSUCH']) {
      await page.goto(`/o/${code}/board`);
      await page.getByText(`You can’t open the organization ${code}.`).waitFor();
    }
    await page.getByRole('link', { name: 'Go to your organizations' }).click();
    await page.waitForURL('**/o/RIO/board');
  });

  test('are explained to a user without any', async () => {
    const page = await newPage();
    const username = await makePerson();
    await signIn(page, username);
    await page.getByText('You are not a member of any organization.').waitFor();
    await page.getByText(`npx vanguard membership add ${username} CODE`).waitFor();
  });

  test('with HTML in their names show it as text', async () => {
    const name = '<img src=x onerror="document.title=`pwned`">';
    await db.owner.query(
      `insert into app_public.organizations (code, name) values ('<b>X</b>', $1)
      on conflict (code) do update set name = excluded.name`,
      [name],
    );
    try {
      const page = await newPage();
      await signIn(page, await makePerson({ '<b>X</b>': 'member' }));
      await page.waitForURL('**/o/%3Cb%3EX%3C%2Fb%3E/board');
      await page.getByRole('button', { name: `Organization <b>X</b> ${name}` }).waitFor();
      await switcher(page).click();
      await page.getByRole('option', { name: `<b>X</b> ${name}` }).waitFor();
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.title()).toBe('Board · <b>X</b> · PFA Vanguard');
    } finally {
      await db.owner.query(`update app_public.organizations set is_active = false where code = '<b>X</b>'`);
    }
  });
});

describe('addresses', () => {
  test('without a page show an explanation', async () => {
    const { page } = await openOrganization('RIO');
    for (const path of ['/no/such/page', '/o/RIO/nothing']) {
      await page.goto(path);
      await heading(page, 'Not found').waitFor();
      expect(await page.title()).toBe('Not found · PFA Vanguard');
    }
    await page.goto('/o/RIO');
    await page.waitForURL('**/o/RIO/board');
  });

  test('of the password page and of GraphiQL are in the menus', async () => {
    const { page } = await openOrganization('RIO');
    await chooseFromAccount(page, 'Change password');
    await heading(page, 'Change password').waitFor();
    await page.getByRole('button', { name: 'Help' }).click();
    const link = page.getByRole('menuitem', { name: /GraphiQL/ });
    expect(await link.getAttribute('href')).toBe('/graphiql');
  });
});

test('a keyboard reaches the content first, and the colour scheme is kept', async () => {
  const { page } = await openOrganization('RIO');
  await heading(page, 'Board').waitFor();
  await page.reload();
  await heading(page, 'Board').waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');

  const scheme = () => page.evaluate('document.documentElement.dataset.mantineColorScheme');
  expect(await scheme()).toBe('light');
  await page.getByRole('button', { name: /^Colours/ }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  expect(await scheme()).toBe('dark');
  await page.reload({ waitUntil: 'commit' });
  await page.locator('html[data-mantine-color-scheme=dark]').waitFor({ state: 'attached' });
});

describe('freshness', async () => {
  const organization = await findOrganization('BAYTOWN');
  const age = (minutes: number) =>
    db.owner.query(
      `update app_public.pfa_sync_log set finished_at = now() - make_interval(mins => $2) where organization_id = $1`,
      [organization.id, minutes],
    );

  beforeAll(async () => {
    // Scheduled runs would disturb the test.
    await db.owner.query(
      `insert into app_private.pfa_sync_schedule (organization_id, paused_at) values ($1, now())
      on conflict (organization_id) do update set paused_at = now()`,
      [organization.id],
    );
    await untilRead('BAYTOWN');
  });

  test('is shown in minutes, exactly on demand, with a warning if it is old, and a refresh renews it', async () => {
    await age(42);
    const { page } = await openOrganization('BAYTOWN', { role: 'owner' });
    const status = page.getByRole('button', { name: 'Synced 42 minutes ago' });
    await status.waitFor();
    await page.getByText('The data is more than 30 minutes old.').waitFor({ state: 'attached' });
    await status.hover();
    await page.getByRole('tooltip', { name: /^Last synced \w+day, .* C[SD]T$/ }).waitFor();
    await status.click();
    await page.getByText('The data is more than 30 minutes old. Newer').waitFor();
    await page.keyboard.press('Escape');

    await faults({ kind: 'latency', count: 3, ms: 600 });
    await page.getByRole('button', { name: 'Refresh now' }).click();
    await page.getByRole('button', { name: /^Syncing|^Waiting to sync/ }).waitFor();
    expect(await page.getByRole('button', { name: 'Refresh now' }).isDisabled()).toBe(true);
    // The subscription reports it; nothing polls within a minute.
    await page.getByRole('button', { name: 'Synced just now' }).waitFor();
  });

  test('after a failed sync shows the reason', async () => {
    await db.owner.query(
      `insert into app_public.pfa_sync_log (organization_id, kind, trigger, state, started_at, finished_at, error_code, error_message)
      values ($1, 'full', 'command', 'failed', now(), now(), 'PEMS_UNREACHABLE', 'PEMS cannot be reached.')`,
      [organization.id],
    );
    const { page } = await openOrganization('BAYTOWN', { role: 'owner' });
    await page.getByRole('button', { name: /^Sync failed, data from/ }).click();
    await page.getByText('The last sync failed: PEMS cannot be reached.').waitFor();
    await db.owner.query(
      `delete from app_public.pfa_sync_log where organization_id = $1 and state = 'failed'`,
      [organization.id],
    );
  });
});

interface Kpis {
  planCost: string;
  forecastCost: string;
  actualCost: string;
  variance: string;
}

describe('the board', () => {
  test('shows the exact figures of the API, and follows a draft made elsewhere without a reload', async () => {
    const { page, username } = await openOrganization('RIO');
    const money = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
    const seen = async () => {
      const texts = await figures(page, 'Including my drafts')
        .getByRole('row')
        .last()
        .getByRole('cell')
        .allTextContents();
      return texts.slice(1, 4);
    };
    const wanted = async () => {
      const { planCost, forecastCost, actualCost } = await ask<Kpis>(username, 'GET', '/api/pfa/RIO/kpis');
      return [planCost, forecastCost, actualCost].map((value) =>
        money.format(value as Intl.StringNumericLiteral),
      );
    };
    await figures(page, 'Including my drafts').waitFor();
    const before = await wanted();
    expect(await seen()).toEqual(before);
    await page.getByRole('list', { name: 'Your work' }).getByText('0 drafts').waitFor();

    const { records } = await ask<{
      records: { pfaId: string; revision: number; data: Record<string, unknown> }[];
    }>(username, 'GET', '/api/pfa/RIO?limit=1000');
    const record = records.find(
      ({ data }) => data.source === 'Rental' && !data.isDiscontinued && data.forecastEnd,
    );
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: record?.pfaId,
      revision: record?.revision,
      changes: { forecastEnd: '2031-12-31' },
    });
    await page.getByRole('list', { name: 'Your work' }).getByText('1 draft').waitFor();
    const after = await wanted();
    expect(after).not.toEqual(before);
    await until(
      'the figures have followed',
      async () => JSON.stringify(await seen()) === JSON.stringify(after),
    );
    // PEMS data contains no draft.
    expect(
      await figures(page, 'In PEMS').getByRole('row').last().getByRole('cell').allTextContents(),
    ).toContain(before[1]);
  });

  test('says what failed, and retries on request', async () => {
    const { page } = await openOrganization('RIO');
    await figures(page, 'Including my drafts').waitFor();
    let isDown = true;
    await page.route('**/graphql', (route) =>
      isDown && route.request().postData()?.includes('query Board(')
        ? route.fulfill({
            status: 500,
            json: {
              errors: [{ message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL' } }],
            },
          })
        : route.fallback(),
    );
    await page.reload();
    await page.getByRole('alert').getByText('The server had an internal error.').waitFor();
    // The subscription, once it is open, reads the board again. It must have failed, too, before the server is back.
    await page.waitForLoadState('networkidle');
    const retry = page.getByRole('button', { name: 'Try again' });
    await retry.waitFor();
    isDown = false;
    await retry.click();
    await figures(page, 'Including my drafts').waitFor();
  });
});
