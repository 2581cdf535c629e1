import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { expectAccessible, expectNoSidewaysScroll } from './accessible.ts';
import { ask, db, findOrganization, makePerson } from './browser.ts';
import { cell, focused, note, openRecords, recordsOf, saved } from './grid.ts';

// Suggestions from the lists of PEMS while a user types.

const code = 'BAYTOWN';
const columns = '?columns=category,class,manufacturer,model,equipment';
const at = (page: Page, row: number, key: string) =>
  cell(page, row, 'pfaId').locator('xpath=..').locator('[data-column]').nth(keys.indexOf(key));
const keys = ['pfaId', 'category', 'class', 'manufacturer', 'model', 'equipment'];
const listbox = (page: Page) => page.getByRole('listbox');
const options = (page: Page) => listbox(page).getByRole('option');
const active = (page: Page) => listbox(page).locator('[data-active]');

async function setCheck(mode: string): Promise<void> {
  await db.owner.query(
    `select app_private.write_reference_setting(app_private.pull_connection(id), $2, null)
    from app_public.organizations where code = $1`,
    [code, mode],
  );
}

beforeAll(async () => {
  const admin = await makePerson({ [code]: 'admin' });
  const { id } = await findOrganization(code);
  await ask(admin, 'POST', '/graphql', {
    query: 'mutation ($id: Int!) { requestLists(input: { organizationId: $id }) { referenceRuns { id } } }',
    variables: { id },
  });
  await until(
    'all lists are read',
    async () => {
      const { rows } = await db.owner.query(
        `select from app_public.reference_runs where organization_id = $1 and state = 'succeeded'`,
        [id],
      );
      return rows.length === 6;
    },
    30,
  );
}, 60_000);
afterAll(() => setCheck('warn'));

test('by keyboard: typing narrows, arrows reach, Enter takes, and the class is of the category', async () => {
  const { page, username } = await openRecords(code, columns);
  const [first] = await recordsOf(username, code);
  const before = await at(page, 2, 'category').boundingBox();
  await at(page, 1, 'category').click();
  await page.keyboard.press('Enter');
  await options(page).first().waitFor();
  const input = at(page, 1, 'category').getByRole('combobox', { name: 'Category' });
  expect(await input.getAttribute('aria-expanded')).toBe('true');
  expect(await options(page).count()).toBe(20);
  expect(await input.getAttribute('aria-controls')).toBe(await listbox(page).getAttribute('id'));
  await page.keyboard.type('cranes t');
  await until('one is left', async () => (await options(page).count()) === 1);
  await page.keyboard.press('ArrowDown');
  expect(await active(page).textContent()).toBe('CRANES - TOWER');
  expect(await input.getAttribute('aria-activedescendant')).toBe(await active(page).getAttribute('id'));
  // Nothing moves under the list.
  expect(await at(page, 2, 'category').boundingBox()).toEqual(before);
  await page.keyboard.press('Enter');
  expect(await listbox(page).count()).toBe(0);
  await saved(at(page, 1, 'category'));
  expect(await at(page, 1, 'category').textContent()).toContain('CRANES - TOWER');

  // The record has a new category, so other classes.
  await at(page, 1, 'class').click();
  await page.keyboard.press('Enter');
  await until('six classes are offered', async () => (await options(page).count()) === 6);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const wanted = await active(page).locator('span').first().textContent();
  await page.keyboard.press('Tab');
  await saved(at(page, 1, 'class'));
  expect(await at(page, 1, 'class').textContent()).toContain(wanted!);
  await until('Tab has gone on', async () => (await focused(page)) !== wanted);

  // Escape leaves the cell as it was, whatever was reached.
  await at(page, 1, 'manufacturer').click();
  await page.keyboard.type('lie');
  await options(page).filter({ hasText: 'Liebherr' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  expect(await listbox(page).count()).toBe(0);
  expect(await at(page, 1, 'manufacturer').getAttribute('data-state')).toBeNull();
  expect(first).toBeDefined();
});

test('thousands of assets are found by code and by description, and accessible', async () => {
  const { page } = await openRecords(code, columns);
  await at(page, 3, 'equipment').click();
  await page.keyboard.press('Enter');
  await options(page).first().waitFor();
  expect(await options(page).count()).toBe(50);
  await page.keyboard.type(`${code}-eq-0001`);
  await until('codes begin so', async () =>
    (await options(page).allTextContents()).every((text) => text.startsWith(`${code}-EQ-0001`)),
  );
  await expectAccessible(page, 'suggestions in the grid');
  await page.emulateMedia({ colorScheme: 'light' });
  await at(page, 3, 'equipment').locator('input').fill('liebherr crawler');
  await until('the description has both words', async () => {
    const found = await options(page).allTextContents();
    return found.length > 0 && found.every((text) => /liebherr/i.test(text) && /crawler/i.test(text));
  });
  const picked = await options(page).first().locator('span').first().textContent();
  await options(page).first().click();
  await saved(at(page, 3, 'equipment'));
  expect(await at(page, 3, 'equipment').textContent()).toContain(picked!);
});

test('another value gets a hint where it is allowed, in the cell, its note and the review', async () => {
  const { page } = await openRecords(code, columns);
  await at(page, 2, 'category').click();
  await page.keyboard.type('CRANES - TOWR');
  await page.getByText('PEMS lists nothing like this. You can still enter it.').waitFor();
  await page.keyboard.press('Enter');
  await saved(at(page, 2, 'category'));
  await at(page, 2, 'category').getByText('not in the list of PEMS').waitFor({ state: 'attached' });
  await at(page, 2, 'category').click();
  await note(page)
    .getByText(/PEMS does not list this value\. Near it: CRANES - TOWER/)
    .waitFor();
  await page
    .getByRole('link', { name: /Changes|Review/ })
    .first()
    .click();
  await page.getByText('Not in the list of PEMS').waitFor();
});

test('another value is refused where it is not allowed, with what is near', async () => {
  await setCheck('refuse');
  const { page } = await openRecords(code, columns);
  await at(page, 4, 'category').click();
  await page.keyboard.type('CRANES - TOWR');
  await page.getByText('PEMS lists nothing like this. Another value is refused.').waitFor();
  await page.keyboard.press('Enter');
  await until(
    'it is refused',
    async () => (await at(page, 4, 'category').getAttribute('data-state')) === 'refused',
  );
  await at(page, 4, 'category').click();
  await note(page)
    .getByText(/is "CRANES - TOWR", which is not among the 20 that PEMS lists; near it/)
    .waitFor();
  // Written in another case it is the listed one.
  await note(page).getByRole('button', { name: 'Correct' }).click();
  await at(page, 4, 'category').locator('input').fill('cranes - tower');
  await until('it is found', async () => (await options(page).count()) === 1);
  await page.keyboard.press('Enter');
  await saved(at(page, 4, 'category'));
  expect(await at(page, 4, 'category').textContent()).toContain('CRANES - TOWER');
  await setCheck('warn');
});

test('a list that cannot be loaded is said, and a value can be entered all the same', async () => {
  const { page } = await openRecords(code, columns, 'member');
  await page.route('**/graphql', async (route) =>
    route.request().postData()?.includes('query Suggestions') ? route.abort() : route.continue(),
  );
  await at(page, 5, 'model').click();
  await page.keyboard.type('LR 1300');
  await page
    .getByText('The list of PEMS can’t be loaded. You can still enter a value.')
    .waitFor({ timeout: 20_000 });
  await page.keyboard.press('Enter');
  await saved(at(page, 5, 'model'));
});

test('on a phone, and in the dialog for many records, by touch', async () => {
  const { page } = await openRecords(code, columns, 'member', {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await at(page, 6, 'category').dblclick();
  await options(page).first().waitFor();
  await expectNoSidewaysScroll(page);
  const box = await listbox(page).boundingBox();
  expect(box!.x).toBeGreaterThanOrEqual(0);
  expect(box!.x + box!.width).toBeLessThanOrEqual(390);
  expect((await options(page).first().boundingBox())!.height).toBeGreaterThanOrEqual(44);
  await options(page).nth(2).tap();
  await saved(at(page, 6, 'category'));

  await page.getByRole('checkbox', { name: 'Select all records' }).check();
  await page.getByRole('button', { name: /^Change/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Operation').selectOption('set');
  await dialog.getByLabel('Field').selectOption('class');
  await dialog.getByRole('combobox', { name: 'Value' }).fill('hammer');
  await options(page).first().waitFor();
  const within = (await dialog.boundingBox())!;
  const input = (await dialog.getByRole('combobox', { name: 'Value' }).boundingBox())!;
  await until('the list is at its input, in the dialog', async () => {
    const shown = await listbox(page).locator('..').boundingBox();
    if (!shown) return false;
    return (
      Math.abs(shown.y - (input.y + input.height)) < 8 &&
      shown.x >= within.x &&
      shown.x + shown.width <= within.x + within.width
    );
  });
  // While the preview loads, it is dimmed.
  await dialog.locator('[aria-label="Preview"][aria-busy="false"]').waitFor();
  await expectAccessible(page, 'suggestions in the dialog');
  await page.keyboard.press('Escape');
  expect(await listbox(page).count()).toBe(0);
  await dialog.getByRole('combobox', { name: 'Value' }).fill('hammerhead 1');
  await options(page).filter({ hasText: 'Hammerhead 10T' }).tap();
  expect(await dialog.getByRole('combobox', { name: 'Value' }).inputValue()).toBe('Hammerhead 10T');
  await dialog.getByText(/would change/).waitFor();
});
