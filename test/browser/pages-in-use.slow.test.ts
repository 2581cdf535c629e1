import type { Page } from 'playwright-core';
import { describe, test } from 'vitest';
import { until } from '../support/until.ts';
import { expectAccessible, expectNoSidewaysScroll } from './accessible.ts';
import { ask, chooseFromAccount, db, findOrganization, openOrganization } from './browser.ts';
import { cell, columns, loaded, recordsOf, write } from './grid.ts';

// Accessibility, by axe, of pages with data and of everything that opens over them: dialogs, drawers, menus and notes.

const dialog = (page: Page) => page.getByRole('dialog');

/** Creates five drafts, one of them in conflict, and a submitted change. */
async function makeWork(username: string): Promise<void> {
  const records = (await recordsOf(username, 'RIO')).filter(({ data }) => !data.isDiscontinued);
  const draft = (index: number, changes: Record<string, unknown>) =>
    ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: records[index]?.pfaId,
      revision: records[index]?.revision,
      changes,
    });
  await draft(30, { model: username });
  await ask(username, 'POST', '/api/pfa/RIO/commit', {});
  for (const index of [0, 1, 2, 3, 4]) await draft(index, { category: 'IN USE', monthlyRate: 4321.5 });
  await db.owner.query(
    `update app_core.pfa_modification m
    set problems = '{"category": {"kind": "conflict", "base": "A", "theirs": "B", "mine": "IN USE"}}'
    from app_public.users u
    where u.username = $1 and m.user_id = u.id and m.state = 'draft' and m.pfa_id = $2`,
    [username, records[4]?.pfaId],
  );
  await db.owner.query('select app_private.rewrite_overlay($1, $2)', [
    (await findOrganization('RIO')).id,
    [records[4]?.pfaId],
  ]);
}

type Step = [name: string, visit: (page: Page) => Promise<unknown>];

const close = async (page: Page) => {
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
};

/** Each step continues from the previous one. */
const steps: Step[] = [
  [
    'a drafted cell, and what it was',
    async (page) => {
      await loaded(page);
      await cell(page, 1, 'category').click();
      await page.locator('#cell-note').getByText('Drafted. Before:').waitFor();
    },
  ],
  [
    'a cell that is edited',
    async (page) => {
      await cell(page, 2, 'category').click();
      await page.keyboard.press('Enter');
      await page.getByRole('grid').locator('input:not([type=checkbox])').waitFor();
    },
  ],
  [
    'a change that was refused',
    async (page) => {
      await page.keyboard.press('Escape');
      await write(page, cell(page, 2, 'forecastEnd'), '1/1/1999');
      await cell(page, 2, 'forecastEnd').and(page.locator('[data-state=refused]')).waitFor();
      await cell(page, 2, 'forecastEnd').click();
      await page.getByRole('alert').getByText('Not saved.').waitFor();
    },
  ],
  [
    'what is not saved',
    async (page) => {
      await page.getByRole('button', { name: /not saved$/ }).click();
      await dialog(page).getByRole('row').nth(1).waitFor();
    },
  ],
  [
    'asking before signing out',
    async (page) => {
      await close(page);
      await chooseFromAccount(page, 'Sign out');
      await dialog(page).getByRole('button', { name: 'Stay signed in' }).waitFor();
    },
  ],
  [
    'a paste that was refused in part',
    async (page) => {
      await close(page);
      await cell(page, 3, 'pfaId').click();
      for (let i = 0; i < columns.indexOf('source'); i++) await page.keyboard.press('ArrowRight');
      await page.evaluate(`(() => {
        const data = new DataTransfer();
        data.setData('text/plain', 'Rented\\tBEO');
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
      })()`);
      await dialog(page).getByText('of 2 cells weren’t pasted').waitFor();
    },
  ],
  [
    'selected records',
    async (page) => {
      await close(page);
      await cell(page, 1, 'pfaId').click();
      await page.keyboard.press('Shift+ ');
      await page.keyboard.press('Shift+ArrowDown');
      await page.getByRole('region', { name: 'Selected records' }).waitFor();
    },
  ],
  [
    'what changing many would do',
    async (page) => {
      await page.getByRole('button', { name: /^Change/ }).click();
      await dialog(page).getByLabel('Days').fill('14');
      await dialog(page)
        .getByRole('button', { name: /^Change \d/ })
        .waitFor();
    },
  ],
  [
    'setting a field of many',
    async (page) => {
      await dialog(page).getByLabel('Operation').selectOption({ label: 'Set field' });
      await dialog(page).getByLabel('Field').selectOption({ label: 'DOR' });
      await dialog(page).getByLabel('Value').selectOption({ label: 'BEO' });
      await dialog(page)
        .getByRole('button', { name: /^Change \d|^Nothing/ })
        .waitFor();
    },
  ],
  [
    'the columns',
    async (page) => {
      await close(page);
      await page.getByRole('button', { name: 'Columns' }).click();
      await dialog(page).getByRole('checkbox').first().waitFor();
    },
  ],
  [
    'dates and cost to filter by',
    async (page) => {
      await close(page);
      await page.getByRole('button', { name: 'Dates and cost' }).click();
      await dialog(page).waitFor();
    },
  ],
  [
    'the history of a record',
    async (page) => {
      await close(page);
      await cell(page, 1, 'pfaId').click();
      await page.keyboard.press('Enter');
      await dialog(page)
        .getByRole('list', { name: /^History of/ })
        .waitFor();
    },
  ],
  [
    'the board with drafts',
    async (page) => {
      await page.goto('/o/RIO/board');
      await page.getByRole('table', { name: 'Including my drafts' }).waitFor();
      await page.getByRole('slider', { name: 'Cost by month, chart' }).waitFor();
    },
  ],
  [
    'drafts to submit',
    async (page) => {
      await page.goto('/o/RIO/changes');
      await page.getByRole('table', { name: 'My drafts' }).waitFor();
      await page.locator('[data-total=forecastCostChange]').waitFor();
    },
  ],
  [
    'asking before discarding',
    async (page) => {
      await page.getByRole('button', { name: 'Discard …' }).click();
      await dialog(page).getByRole('button', { name: 'Cancel' }).waitFor();
    },
  ],
  [
    'what was submitted',
    async (page) => {
      await page.goto('/o/RIO/changes?show=submitted');
      await page.getByRole('table', { name: 'Submitted changes' }).waitFor();
    },
  ],
  [
    'a problem',
    async (page) => {
      await page.goto('/o/RIO/problems');
      await page.getByRole('list', { name: 'Problems' }).getByRole('listitem').first().waitFor();
    },
  ],
  [
    'a third value for it',
    (page) =>
      page
        .getByRole('button', { name: /another value/i })
        .first()
        .click(),
  ],
];

describe.each([1440, 390])('at %i pixels, in both schemes,', (width) => {
  test('pages with data are accessible', async () => {
    const { page, username } = await openOrganization('RIO', {
      path: 'records',
      role: 'owner',
      viewport: { width, height: 800 },
    });
    await makeWork(username);
    await page.reload();
    for (const [name, visit] of steps) {
      await visit(page);
      await until('nothing moves', () =>
        page.evaluate('document.getAnimations().every((one) => one.playState !== "running")'),
      );
      await expectAccessible(page, name);
      await expectNoSidewaysScroll(page);
    }
  }, 120_000);
});
