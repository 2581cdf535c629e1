import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, makePerson } from './browser.ts';
import { cell, columns, openRecords, recordsOf, saved, total } from './grid.ts';

// Blocks of cells and texts of every kind, between the grid, spreadsheets, keyboards and input methods.

const pasteText = (page: Page, text: string) =>
  page.evaluate(`{
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', ${JSON.stringify(text)});
    document.activeElement.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  }`);
const undo = (page: Page) => page.keyboard.press('Control+z');
const noDrafts = (page: Page) =>
  until('no draft is left', async () => (await page.locator('[data-state="drafted"]').count()) === 0);

test('rows are checked one by one: a row with an end before its start does not affect the others', async () => {
  const { page } = await openRecords('RIO2');
  await cell(page, 1, 'forecastStart').click();
  const starts = Array.from({ length: 20 }, (_, i) => (i === 7 ? '1/1/2040' : '1/1/2020'));
  await pasteText(page, starts.join('\n'));
  await page.getByRole('dialog').getByText('1 of 20 cells weren’t pasted').waitFor();
  await page
    .getByRole('dialog')
    .getByText(/Forecast end lies before forecast start/i)
    .waitFor();
  await page.getByRole('button', { name: 'Close', exact: true }).last().click();
  expect(await cell(page, 7, 'forecastStart').innerText()).toContain('Jan 1, 2020');
  expect(await cell(page, 8, 'forecastStart').innerText()).not.toContain('2040');
  expect(await cell(page, 20, 'forecastStart').innerText()).toContain('Jan 1, 2020');
});

test('three pasted rows are undone at once, also on the screen', async () => {
  const { page } = await openRecords('RIO2');
  const was = await cell(page, 2, 'category').innerText();
  await cell(page, 1, 'category').click();
  await pasteText(page, 'ONE\nTWO\nTHREE');
  await saved(cell(page, 3, 'category'));
  await undo(page);
  await noDrafts(page);
  expect(await cell(page, 2, 'category').innerText()).toBe(was);
});

test('one value fills the selected rows, and a block repeats in them', async () => {
  const { page } = await openRecords('RIO2');
  await cell(page, 1, 'category').click();
  await page.keyboard.press('Shift+Space');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowDown');
  await pasteText(page, 'FILLED');
  for (const row of [1, 2, 3, 4]) await saved(cell(page, row, 'category'));
  for (const row of [1, 2, 3, 4]) expect(await cell(page, row, 'category').innerText()).toContain('FILLED');
  await pasteText(page, 'ODD\tX\nEVEN\tY');
  await until('it repeats', async () => (await cell(page, 4, 'category').innerText()).includes('EVEN'));
  expect(await cell(page, 3, 'category').innerText()).toContain('ODD');
  expect(await cell(page, 4, 'class').innerText()).toContain('Y');
  await undo(page);
  await until('it is undone', async () => (await cell(page, 4, 'category').innerText()).includes('FILLED'));
});

test('1,100 rows of six columns are pasted in parts and undone in one step', async () => {
  const { page, username } = await openRecords(
    'RIO2',
    '?columns=pfaId,category,class,manufacturer,model,contract,equipment',
  );
  await page.locator('[aria-rowindex="2"] [data-row="0"]').nth(1).click();
  const long = 'a text that is long enough for a request of more than one mega'.slice(0, 60);
  const rows = Array.from({ length: 1100 }, (_, i) =>
    Array.from({ length: 6 }, (_, j) => `${long} ${i} ${j}`).join('\t'),
  );
  await pasteText(page, rows.join('\n'));
  await page.getByText('6,600 of 6,600 cells have changed.').waitFor({ timeout: 60_000 });
  const drafted = async () =>
    (
      await ask<{ data: { organizations: { nodes: { myDraftTotals: { recordCount: number } | null }[] } } }>(
        username,
        'POST',
        '/graphql',
        { query: '{ organizations(first: 1) { nodes { myDraftTotals { recordCount } } } }' },
      )
    ).data.organizations.nodes[0]?.myDraftTotals?.recordCount ?? 0;
  expect(await drafted()).toBe(1100);
  await undo(page);
  await until('all of it is undone', async () => (await drafted()) === 0);
});

test('all rows are copied, including rows that are not loaded, and formulas become text', async () => {
  const { page } = await openRecords('RIO2');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const category = cell(page, 1, 'category');
  await category.click();
  await pasteText(page, '=HYPERLINK("http://evil")');
  await saved(category);
  await page.keyboard.press('Control+c');
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe('"\'=HYPERLINK(""http://evil"")"');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+c');
  const count = await total(page);
  await page.getByText(`${count.toLocaleString('en-US')} rows copied.`).waitFor();
  const copied = (await page.evaluate<string>('navigator.clipboard.readText()')).split('\r\n');
  expect(copied).toHaveLength(count);
  expect(copied[0]).toContain("'=HYPERLINK");
  expect(copied[0]?.split('\t')).toHaveLength(columns.length);
  // Pasting the same block again changes nothing.
  await cell(page, 1, 'pfaId').click();
  await page.keyboard.press('Escape');
  await pasteText(page, copied.slice(0, 5).join('\r\n'));
  await page.getByText(/0 of \d+ cells have changed/).waitFor();
});

describe('text', () => {
  test('composed by an input method starts an edit with all of it', async () => {
    const { page } = await openRecords('RIO2');
    const category = cell(page, 4, 'category');
    await category.click();
    const session = await page.context().newCDPSession(page);
    for (const text of ['k', 'か', 'かん', '漢'])
      await session.send('Input.imeSetComposition', {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      });
    await session.send('Input.insertText', { text: '漢字' });
    await until('the editor has it', async () => (await category.locator('input').count()) === 1);
    expect(await category.locator('input').inputValue()).toBe('漢字');
    await page.keyboard.press('Enter');
    await saved(category);
    expect(await category.textContent()).toMatch(/^漢字/);
  });

  test('composed and then cancelled leaves the cell unchanged', async () => {
    const { page } = await openRecords('RIO2');
    const category = cell(page, 5, 'category');
    const was = await category.textContent();
    await category.click();
    const session = await page.context().newCDPSession(page);
    await session.send('Input.imeSetComposition', { text: 'か', selectionStart: 1, selectionEnd: 1 });
    await session.send('Input.imeSetComposition', { text: '', selectionStart: 0, selectionEnd: 0 });
    expect(await category.textContent()).toBe(was);
    expect(await category.getAttribute('data-state')).toBeNull();
  });

  test('from AltGr, Option, a dead key or dictation starts an edit', async () => {
    const { page } = await openRecords('RIO2');
    const category = cell(page, 6, 'category');
    for (const text of ['€', 'ø', 'é', 'dictated words']) {
      await category.click();
      await page.keyboard.insertText(text);
      expect(await category.locator('input').inputValue()).toBe(text);
      await page.keyboard.press('Escape');
    }
    await category.click();
    await page.keyboard.type('Typed');
    expect(await category.locator('input').inputValue()).toBe('Typed');
    await page.keyboard.press('Enter');
    await saved(category);
    // The same holds for a cell with a draft.
    await page.keyboard.press('ArrowUp');
    await page.keyboard.type('Again');
    expect(await category.locator('input').inputValue()).toBe('Again');
  });

  test('changes no cell that cannot be edited', async () => {
    const { page } = await openRecords('RIO2');
    const plan = cell(page, 6, 'planCost');
    const was = await plan.innerText();
    await plan.click();
    await page.keyboard.type('5');
    await page.keyboard.insertText('€');
    expect(await plan.locator('input').count()).toBe(0);
    expect(await plan.innerText()).toBe(was);
  });
});

const press = (page: Page, key: string, code: string) =>
  page.evaluate(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {
    key: '${key}', code: '${code}', ctrlKey: true, bubbles: true, cancelable: true,
  }))`);

test('shortcuts work on a Cyrillic layout and with Caps Lock', async () => {
  const { page } = await openRecords('RIO2');
  const category = cell(page, 9, 'category');
  await category.click();
  await page.keyboard.type('X');
  await page.keyboard.press('Enter');
  await saved(category);
  await press(page, 'я', 'KeyZ');
  await noDrafts(page);
  await press(page, 'A', 'KeyA');
  const count = (await total(page)).toLocaleString('en-US');
  await page.getByText(`${count} selected`).waitFor();
  await page.keyboard.press('Escape');
  await press(page, 'ф', 'KeyA');
  await page.getByText(`${count} selected`).waitFor();
});

test("a colleague's withdrawn commit is no longer pending, without a reload", async () => {
  const { page, username } = await openRecords('RIO2');
  const colleague = await makePerson({ RIO2: 'member' });
  const [record] = (await recordsOf(username, 'RIO2')).slice(10);
  const pfaId = record?.pfaId ?? '';
  const row = page.getByRole('row', { name: pfaId });
  await ask(colleague, 'POST', '/api/pfa/RIO2/draft', {
    ...{ recordId: pfaId, changes: { model: 'PENDING 1' }, revision: record?.revision },
  });
  // No request is sent in the meantime.
  const owner = await makePerson({ RIO2: 'owner' });
  const graphql = (who: string, query: string) =>
    ask<{ errors?: unknown }>(who, 'POST', '/graphql', { query });
  const { data } = await ask<{ data: { organizations: { nodes: { id: number }[] } } }>(
    owner,
    'POST',
    '/graphql',
    {
      query: '{ organizations { nodes { id } } }',
    },
  );
  const id = data.organizations.nodes[0]?.id;
  expect(
    (await graphql(owner, `mutation { pausePush(input: {organizationId: ${id}}) { clientMutationId } }`))
      .errors,
  ).toBeUndefined();
  try {
    await ask(colleague, 'POST', '/api/pfa/RIO2/commit', { recordIds: [pfaId] });
    await row.getByText('Pending').waitFor();
    const withdrawn = await graphql(
      colleague,
      `mutation { withdrawCommits(input: {organizationId: ${id}}) { clientMutationId } }`,
    );
    expect(withdrawn.errors).toBeUndefined();
    await until('it is not pending any more', async () => (await row.getByText('Pending').count()) === 0);
  } finally {
    await graphql(owner, `mutation { resumePush(input: {organizationId: ${id}}) { clientMutationId } }`);
  }
});
