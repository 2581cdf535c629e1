import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { fillSignIn, heading, makePerson, newPage, signIn } from './browser.ts';
import { cell, grid, kpi, loaded, recordsOf, total } from './grid.ts';
import { changeInPems, untilRead, writesOf } from './pems.ts';

// A whole day of a project manager and a colleague, by mouse and keyboard, from signing in to the values that PEMS
// holds.

const code = 'MOZAFUNGI';

test('a manager and a colleague draft, submit, resolve a conflict, and PEMS holds the result', async () => {
  await untilRead(code);
  const [manager, colleague] = await Promise.all([
    makePerson({ [code]: 'owner' }),
    makePerson({ [code]: 'viewer' }),
  ]);
  const page = await newPage();
  await page.goto('/');
  await fillSignIn(page, manager);
  await heading(page, 'Board').waitFor();

  // From the board to the records of one category.
  const groups = page.getByRole('table', { name: /^Costs by / });
  await groups.getByRole('link').first().click();
  await heading(page, 'Records').waitFor();
  await loaded(page);
  await until('it is known how many', async () => (await total(page)) > 0);
  const count = await total(page);
  const ids: string[] = [];
  for (const row of [1, 2, 3]) ids.push((await cell(page, row, 'pfaId').textContent())?.trim() ?? '');
  const [first = '', second = ''] = ids;
  const before = await kpi(page, 'forecastCost').getAttribute('title');

  const other = await newPage();
  await signIn(other, colleague, `/o/${code}/records?q=${first}`);
  await loaded(other);
  const wasClass = await cell(other, 1, 'class').textContent();

  // Single edits and a bulk change, with a preview of the cost.
  await cell(page, 1, 'class').click();
  await page.keyboard.type('Of the day');
  await page.keyboard.press('Enter');
  await page.getByRole('list', { name: 'Your work' }).getByText('1 draft').waitFor();
  await page.keyboard.press('Control+a');
  await page.getByText(`${count.toLocaleString('en-US')} of`).waitFor();
  await page.getByRole('button', { name: /^Change …/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Operation').selectOption({ label: 'Change duration' });
  await dialog.getByLabel('Days').fill('14');
  const apply = dialog.getByRole('button', { name: /^Change \d/ });
  await apply.waitFor();
  const leaveOut = dialog.getByRole('checkbox', { name: /^Leave out/ });
  if ((await leaveOut.count()) > 0) await leaveOut.check();
  await apply.click();
  await dialog.waitFor({ state: 'detached' });
  await until(
    'the figures follow',
    async () => (await kpi(page, 'forecastCost').getAttribute('title')) !== before,
  );
  const longer = await kpi(page, 'forecastCost').getAttribute('title');

  // Undo after a reload, then redo.
  await page.reload();
  await loaded(page);
  await grid(page).locator('[tabindex="0"]').first().focus();
  await page.keyboard.press('Control+z');
  await until('it is undone', async () => (await kpi(page, 'forecastCost').getAttribute('title')) === before);
  const redo = page.getByRole('button', { name: 'Redo' });
  await until('it can be done again', async () => (await redo.getAttribute('aria-disabled')) === 'false');
  await page.keyboard.press('Control+Shift+z');
  await until(
    'it is done again',
    async () => (await kpi(page, 'forecastCost').getAttribute('title')) === longer,
  );
  expect(await cell(other, 1, 'class').textContent(), 'a draft is nobody else’s').toBe(wasClass);

  // Some drafts are submitted and confirmed.
  await page.getByRole('link', { name: /drafts?$/ }).click();
  // Waits for the changes page, because the records page stays until that is loaded.
  await page.getByRole('checkbox', { name: /^Select all [\d,]+ drafts$/ }).click();
  await page.getByRole('checkbox', { name: `Select ${first}` }).check();
  await page.getByLabel('Comment').fill('The storm');
  await page.getByRole('button', { name: 'Submit 1 record' }).click();
  await page.getByText('1 record submitted,').waitFor();
  await cell(other, 1, 'class').getByText('Of the day').waitFor();
  await page.getByRole('button', { name: 'Track progress' }).click();
  await page
    .getByRole('row', { name: first, exact: true })
    .getByText('Confirmed', { exact: true })
    .waitFor({ timeout: 30_000 });
  expect((await writesOf(first)).length).toBeGreaterThan(0);

  // PEMS changes a value that is still drafted; the conflict is resolved and the draft submitted.
  const drafted = (await recordsOf(manager, code)).find(({ pfaId }) => pfaId === second);
  const key = drafted?.data.isActualized === true ? 'actualEnd' : 'forecastEnd';
  const field = key === 'actualEnd' ? 'pfs_ac_enddate' : 'pfs_f_enddate';
  await changeInPems(manager, code, [{ id: second, values: { [field]: '2033-03-03' } }]);
  await page.getByRole('list', { name: 'Your work' }).getByText('1 problem').waitFor({ timeout: 30_000 });
  await page.getByRole('link', { name: 'Problems', exact: true }).click();
  const problem = page
    .getByRole('list', { name: 'Problems' })
    .getByRole('listitem', { name: second, exact: true });
  await problem.getByText('Mar 3, 2033').waitFor();
  await problem.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByText('No problems').waitFor();
  await page.getByRole('link', { name: 'Changes', exact: true }).click();
  await page.getByRole('tab', { name: /^To submit/ }).click();
  // Waits for the changes page, because the records page stays until that is loaded.
  await page.getByRole('checkbox', { name: /^Select all [\d,]+ drafts$/ }).click();
  await page.getByRole('checkbox', { name: `Select ${second}` }).check();
  const writesBefore = (await writesOf(second)).length;
  await page.getByRole('button', { name: 'Submit 1 record' }).click();
  await page.getByText('1 record submitted,').waitFor();
  await until('PEMS holds mine', async () => (await writesOf(second)).length > writesBefore, 30);
  const [written] = (await writesOf(second)).slice(-1);
  expect(JSON.stringify(written?.came)).not.toContain('2033');
}, 120_000);
