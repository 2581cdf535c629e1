import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, db } from './browser.ts';
import { cell, grid, kpi, loaded, note, openRecords, recordsOf, saved, total } from './grid.ts';

// Many records at once: selecting, bulk changes with a preview of the cost, pasting, and waiting edits after a reload.

const bar = (page: Page) => page.getByRole('region', { name: 'Selected records' });
const dialog = (page: Page) => page.getByRole('dialog');
const drafts = async (username: string) => {
  const { rows } = await db.owner.query<{ count: number }>(
    `select count(*)::integer from app_core.pfa_modification m join app_public.users u on u.id = m.user_id
     where u.username = $1 and m.state = 'draft'`,
    [username],
  );
  return rows[0]?.count;
};

/** Pastes a text into the grid like Ctrl-V. */
const pasteText = (page: Page, text: string) =>
  page.evaluate(`(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', ${JSON.stringify(text)});
    const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(paste);
  })()`);

/** Returns the text that Ctrl-C would put onto the clipboard. */
const copyText = (page: Page) =>
  page.evaluate<string>(`(() => {
    const clipboardData = new DataTransfer();
    const copy = new ClipboardEvent('copy', { clipboardData, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(copy);
    return clipboardData.getData('text/plain');
  })()`);

const counted = (count: number) => count.toLocaleString('en-US');

test('records are selected by mouse, Shift and keyboard, and copied; another filter clears the selection', async () => {
  const { page } = await openRecords('RIO');
  await cell(page, 2, 'pfaId').getByRole('checkbox').click();
  await bar(page).getByText('1 of').waitFor();
  await cell(page, 6, 'pfaId')
    .getByRole('checkbox')
    .click({ modifiers: ['Shift'] });
  await bar(page).getByText('5 of').waitFor();
  await page.keyboard.press('Shift+ArrowDown');
  await bar(page).getByText('6 of').waitFor();
  await page.keyboard.press('Shift+Space');
  await bar(page).getByText('5 of').waitFor();
  expect(await grid(page).locator('[aria-selected="true"]').count()).toBe(5);
  const copied = (await copyText(page)).split('\r\n');
  expect(copied).toHaveLength(5);
  expect(copied[0]?.split('\t')[0]).toBe((await cell(page, 2, 'pfaId').textContent())?.trim());

  await page.keyboard.press('Control+a');
  const all = await total(page);
  await bar(page)
    .getByText(`${counted(all)} of`)
    .waitFor();
  await page.keyboard.press('Shift+Space');
  await bar(page)
    .getByText(`${counted(all - 1)} of`)
    .waitFor();
  await page.keyboard.press('Escape');
  await bar(page).waitFor({ state: 'detached' });
  await page.keyboard.press('Control+a');
  await page.getByRole('button', { name: 'Source' }).click();
  await dialog(page)
    .getByRole('checkbox', { name: /^Rental/ })
    .check();
  await bar(page).waitFor({ state: 'detached' });
});

describe('a bulk operation', () => {
  test('previews its cost, changes all matching records except one, and is undone in one step', async () => {
    const { page, username } = await openRecords('RIO', '?source=%5B"Rental"%5D');
    const all = await total(page);
    await page.getByRole('checkbox', { name: 'Select all records' }).click();
    await cell(page, 1, 'pfaId').getByRole('checkbox').click();
    const forecast = await kpi(page, 'forecastCost').getAttribute('title');
    await bar(page).getByRole('button', { name: 'Change' }).click();
    await dialog(page).getByLabel('Operation').selectOption({ label: 'Change duration' });
    await dialog(page).getByLabel('Days').fill('14');
    await dialog(page)
      .getByText(`Of ${counted(all - 1)} records`)
      .waitFor();
    const apply = dialog(page).getByRole('button', { name: /^(Change|Counting|Nothing)/ });
    const leaveOut = dialog(page).getByRole('checkbox', { name: /^Leave out/ });
    await until('its preview is there', async () => /^Change \d/.test((await apply.textContent()) ?? ''));
    expect(await dialog(page).locator('[data-cost="Forecast"] td').last().textContent()).toMatch(/^\+\$/);
    if ((await leaveOut.count()) > 0) {
      // A partial change needs the user's consent.
      expect(await apply.getAttribute('aria-disabled')).toBe('true');
      await leaveOut.check();
    }
    expect(await drafts(username)).toBe(0);
    const [, announced = ''] = /([\d,]+) record/.exec((await apply.textContent()) ?? '') ?? [];
    expect(Number(announced.replaceAll(',', ''))).toBeGreaterThan(0);
    await apply.click();
    await dialog(page).waitFor({ state: 'detached' });
    expect(await drafts(username)).toBe(Number(announced.replaceAll(',', '')));
    await until(
      'the figures follow',
      async () => (await kpi(page, 'forecastCost').getAttribute('title')) !== forecast,
    );
    await page.getByRole('alert').getByRole('button', { name: 'Undo' }).click();
    await until('all of it is undone', async () => (await drafts(username)) === 0);
    await until(
      'and so are the figures',
      async () => (await kpi(page, 'forecastCost').getAttribute('title')) === forecast,
    );
  });

  test('previews plan, forecast and actual costs, and names changed fields in hidden columns', async () => {
    const { page } = await openRecords('RIO', '?source=%5B"Rental"%5D');
    await page.getByRole('checkbox', { name: 'Select all records' }).click();
    await bar(page).getByRole('button', { name: 'Change' }).click();
    await dialog(page).getByLabel('Days').fill('5');
    await dialog(page)
      .getByRole('list', { name: 'Changed fields' })
      .getByText(/^Actual end in [\d,]+ records? \(column is hidden\)$/)
      .waitFor();
    const apply = dialog(page).getByRole('button', { name: /^Change \d/ });
    await apply.waitFor();
    const leaveOut = dialog(page).getByRole('checkbox', { name: /^Leave out/ });
    if ((await leaveOut.count()) > 0) await leaveOut.check();
    const actual = await dialog(page).locator('[data-cost="Actual"] td').last().textContent();
    expect(actual).toMatch(/^\+\$/);
    await apply.click();
    const notice = page.getByRole('alert');
    await notice.getByText(`Actual ${actual}`).waitFor();
    await notice.getByRole('button', { name: 'Show Actual end' }).click();
    await page.getByRole('columnheader', { name: 'Actual end' }).waitFor();

    await page.goto('/o/RIO/changes');
    expect(await page.locator('[data-total="actualCostChange"]').textContent()).toContain(actual);
  }, 40_000);

  test("is not applied after another user's change, and shows a new preview", async () => {
    const { page, username } = await openRecords('RIO', '?source=%5B"Rental"%5D');
    await cell(page, 8, 'pfaId').getByRole('checkbox').click();
    await bar(page).getByRole('button', { name: 'Change' }).click();
    await dialog(page).getByLabel('Operation').selectOption({ label: 'Set field' });
    await dialog(page).getByLabel('Field').selectOption({ label: 'Monthly rate' });
    const [value, apply] = [
      dialog(page).getByLabel('Value'),
      dialog(page).getByRole('button', { name: 'Change 1 record' }),
    ];
    await value.fill('lots');
    await dialog(page).getByText('Enter a valid amount, such as 1,234.50.').waitFor();
    await value.fill('12,345.67');
    await apply.waitFor();
    expect(await dialog(page).locator('[data-cost="Forecast"] td').last().textContent()).toMatch(
      /^[+-]\$[\d,]+\.\d\d$/,
    );
    const id = (await cell(page, 8, 'pfaId').textContent())?.trim();
    const record = (await recordsOf(username, 'RIO')).find(({ pfaId }) => pfaId === id);
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: id,
      revision: record?.revision,
      changes: { contract: 'QUICKER' },
    });
    await apply.click();
    await dialog(page).getByText('The selected records changed.').waitFor();
    await apply.click();
    await dialog(page).waitFor({ state: 'detached' });
    await saved(cell(page, 8, 'monthlyRate'));
    expect(await cell(page, 8, 'monthlyRate').textContent()).toContain('$12,345.67');
  });
});

test('a block is pasted in one step, and each refused cell has a reason', async () => {
  const { page, username } = await openRecords('RIO');
  await cell(page, 11, 'category').click();
  await pasteText(page, 'BLOCK A\tCLASS A\r\n"BLOCK ""B"""\tCLASS B\r\n');
  await saved(cell(page, 12, 'class'));
  expect(await cell(page, 11, 'category').textContent()).toContain('BLOCK A');
  expect(await cell(page, 12, 'category').textContent()).toContain('BLOCK "B"');
  expect(await drafts(username)).toBe(2);
  await page.keyboard.press('Control+z');
  await until('one step undoes all of it', async () => (await drafts(username)) === 0);

  // Into source, DOR, forecast start, forecast end and forecast.
  await cell(page, 13, 'source').click();
  await pasteText(page, 'Rented\tBEO\t1/1/2031\t1/1/2030\t5');
  await dialog(page)
    .getByText(/of 5 cells weren’t pasted/)
    .waitFor();
  const why = (value: string) =>
    dialog(page)
      .getByRole('row')
      .filter({ has: page.getByRole('cell', { name: value, exact: true }) })
      .textContent();
  expect(await why('Rented')).toContain('Rental');
  expect(await why('5')).toContain('This value is calculated.');
  await dialog(page).getByRole('button', { name: 'Close' }).last().click();
  expect(await cell(page, 13, 'source').getAttribute('data-state')).toBe(null);
});

test('undoing three pasted rows shows the old values at once, and they can be pasted again', async () => {
  const { page, username } = await openRecords('RIO');
  const cells = [21, 22, 23].map((row) => cell(page, row, 'category'));
  const texts = () => Promise.all(cells.map(async (at) => (await at.textContent())?.trim()));
  const before = await texts();
  for (const value of ['FIRST', 'SECOND']) {
    await cell(page, 21, 'category').click();
    await pasteText(page, [1, 2, 3].map((n) => `${value} ${n}`).join('\r\n'));
    for (const at of cells) await saved(at);
    expect(await texts()).toEqual([1, 2, 3].map((n) => expect.stringContaining(`${value} ${n}`) as string));
    await page.keyboard.press('Control+z');
    await until('all three are as before', async () => String(await texts()) === String(before));
    for (const row of [21, 22, 23])
      expect(await cell(page, row, 'status').textContent()).not.toContain('Draft');
    expect(await drafts(username)).toBe(0);
  }
});

test('edits that wait for the server survive a reload and are sent when it is back', async () => {
  const { page, username } = await openRecords('RIO');
  const at = cell(page, 15, 'category');
  await page.route('**/graphql', (route) =>
    route.request().postData()?.includes('mutation SaveDrafts') ? route.abort() : route.fallback(),
  );
  await at.click();
  await page.keyboard.type('AFTER ALL');
  await page.keyboard.press('Enter');
  await page.getByText('1 change is not saved yet.').waitFor();
  await page.reload();
  await loaded(page);
  await page.getByText('1 change is not saved yet.').waitFor();
  expect(await at.textContent()).toContain('AFTER ALL');
  expect(await drafts(username)).toBe(0);
  // The edits also survive a visit to another page.
  await page.goto('/o/RIO/board');
  await page.unroute('**/graphql');
  await until('it is saved', async () => (await drafts(username)) === 1);
  await page.goto('/o/RIO/records');
  await saved(at);
  expect(await drafts(username)).toBe(1);
  await at.click();
  await note(page).getByText('Drafted').waitFor();
  expect(
    await page.evaluate<string[]>(
      `Object.keys(localStorage).filter((key) => key.startsWith('vanguard.unsent'))`,
    ),
  ).toEqual([]);
});
