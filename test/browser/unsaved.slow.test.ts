import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { chooseFromAccount, heading, signIn, signInHeading } from './browser.ts';
import { cell, openRecords, saved, write } from './grid.ts';

// Changes that have not reached the server stay visible on every page, and signing out asks about them.

const unsaved = (page: Page) => page.getByRole('button', { name: /not saved$/ });

/** Makes saving fail, as if only that part of the server were away. */
const breakSaving = (page: Page) =>
  page
    .context()
    .route('**/graphql', (route) =>
      route.request().postData()?.includes('mutation SaveDrafts') ? route.abort() : route.fallback(),
    );
const mendSaving = (page: Page) => page.context().unroute('**/graphql');

test('a refused change is reported on every page, with its reason, and can be discarded', async () => {
  const { page } = await openRecords('RIO');
  const end = cell(page, 2, 'forecastEnd');
  const id = (await cell(page, 2, 'pfaId').textContent())?.trim();
  const was = await end.textContent();
  expect(await unsaved(page).count()).toBe(0);
  await write(page, end, '1/1/1999');
  await until('it is refused', async () => (await end.getAttribute('data-state')) === 'refused');

  await page.getByRole('link', { name: 'Board', exact: true }).click();
  await heading(page, 'Board').waitFor();
  await page.reload();
  await unsaved(page).click();
  const dialog = page.getByRole('dialog', { name: '1 change isn’t saved' });
  await dialog.getByText(/^Forecast end lies before forecast start/).waitFor();
  await dialog.getByText('Jan 1, 1999').waitFor();
  await dialog.getByRole('link', { name: id ?? '' }).click();
  const found = cell(page, 1, 'forecastEnd');
  await until('it is led to', async () => (await found.getAttribute('data-state')) === 'refused');

  await unsaved(page).click();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await unsaved(page).waitFor({ state: 'detached' });
  expect(await found.textContent()).toBe(was);
});

test('signing out with waiting changes asks first, and the next sign-in restores them', async () => {
  const { page, username } = await openRecords('RIO');
  await breakSaving(page);
  const at = cell(page, 7, 'category');
  await write(page, at, 'NOT YET');
  await unsaved(page).waitFor();

  await chooseFromAccount(page, 'Sign out');
  const dialog = page.getByRole('dialog', { name: 'You have 1 unsaved change.' });
  await dialog.getByRole('button', { name: 'Stay signed in' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(await unsaved(page).count()).toBe(1);
  await chooseFromAccount(page, 'Sign out everywhere');
  await dialog.getByRole('button', { name: 'Sign out anyway' }).click();
  await signInHeading(page).waitFor();

  await mendSaving(page);
  await signIn(page, username, '/o/RIO/records');
  await saved(at);
  expect(await at.textContent()).toContain('NOT YET');
});

test('signing out with all changes saved does not ask', async () => {
  const { page } = await openRecords('RIO');
  await chooseFromAccount(page, 'Sign out');
  await signInHeading(page).waitFor();
});
