import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { until } from '../support/until.ts';
import { ask, openOrganization } from './browser.ts';

// The grid of the records page in tests.

export const cell = (page: Page, row: number, column: string): Locator =>
  page
    .locator(`[aria-rowindex="${row + 1}"]`)
    .locator(`[data-row="${row - 1}"]`)
    .nth(columns.indexOf(column));
/** The default columns. */
export const columns = [
  'pfaId',
  'status',
  'category',
  'class',
  'areaSilo',
  'source',
  'dor',
  'forecastStart',
  'forecastEnd',
  'forecastCost',
  'variance',
  'monthlyRate',
  'purchasePrice',
  'planCost',
];
export const grid = (page: Page) => page.getByRole('grid', { name: 'Records' });
export const total = async (page: Page) => Number(await grid(page).getAttribute('aria-rowcount')) - 1;
export const focused = (page: Page) => page.evaluate<string>('document.activeElement.textContent');
export const kpi = (page: Page, name: string) => page.locator(`[data-kpi="${name}"] dd`);
export const note = (page: Page) => page.locator('#cell-note');
export const loaded = (page: Page) => cell(page, 1, 'pfaId').getByText(/-\d+$/).waitFor();

export interface PfaRecord {
  pfaId: string;
  revision: number;
  data: Record<string, unknown>;
}

/** Returns records that no other test changes, in the order of their ids. */
export async function recordsOf(username: string, code: string, after = ''): Promise<PfaRecord[]> {
  const path = `/api/pfa/${code}?limit=1000&after=${after}`;
  return (await ask<{ records: PfaRecord[] }>(username, 'GET', path)).records;
}

export async function openRecords(
  code: string,
  search = '',
  role: 'member' | 'viewer' = 'member',
  options: BrowserContextOptions = {},
) {
  const opened = await openOrganization(code, { ...options, path: `records${search}`, role });
  await loaded(opened.page);
  return opened;
}

/** Edits a cell as a user does: click, type, Enter. */
export async function write(page: Page, at: Locator, text: string): Promise<void> {
  await at.click();
  await page.keyboard.press('Enter');
  await at.locator('input').fill(text);
  await page.keyboard.press('Enter');
}

export const saved = (at: Locator) =>
  until('it is saved as a draft', async () => (await at.getAttribute('data-state')) === 'drafted');
