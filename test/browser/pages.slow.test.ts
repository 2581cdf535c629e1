import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { expectAccessible, expectNoSidewaysScroll } from './accessible.ts';
import { heading, makePerson, newPage, signIn, signInHeading } from './browser.ts';

// Holds on every page, in both colour schemes and on a phone: no violations from axe, and no sideways scrolling. Add a
// line here for each new page.

type Visit = (page: Page) => Promise<void>;

const at =
  (path: string, ready: Visit): Visit =>
  async (page) => {
    await page.goto(path);
    await ready(page);
  };
const board: Visit = async (page) => {
  await page.getByRole('table', { name: 'In PEMS' }).waitFor();
  await page.getByRole('table', { name: /^Costs by / }).waitFor();
};
const records: Visit = (page) => page.getByRole('rowheader').filter({ hasText: /^RIO-/ }).first().waitFor();

/** Opens an overlay on the board; Escape closes it. */
const opened =
  (button: RegExp, content: (page: Page) => Locator): Visit =>
  async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: button }).click();
    await content(page).first().waitFor();
  };

/** Pages that require signing in. */
const pages: [string, Visit][] = [
  [
    'an organization that one may not see',
    at('/o/NOSUCH/board', (page) => heading(page, 'Not available').waitFor()),
  ],
  ['an address that leads nowhere', at('/nowhere', (page) => heading(page, 'Not found').waitFor())],
  ['changing the password', at('/account/password', (page) => heading(page, 'Change password').waitFor())],
  [
    'the board',
    async (page) => {
      await page.goto('/o/RIO/board');
      await board(page);
      await page.getByRole('slider', { name: 'Cost by month, chart' }).waitFor();
    },
  ],
  [
    'the board in figures, with a filter, by class',
    at('/o/RIO/board?by=class&show=difference&months=table&cost=cumulative&q=crane', board),
  ],
  ['the records', at('/o/RIO/records', records)],
  [
    'the records with filters, by category',
    async (page) => {
      await page.goto('/o/RIO/records?source=%5B"Rental"%5D&q=1');
      await page.getByRole('button', { name: 'Category' }).click();
      await page.getByRole('dialog').getByRole('checkbox').first().waitFor();
    },
  ],
  ['no records', at('/o/RIO/records?q=nosuchthing', (page) => page.getByText('No records match.').waitFor())],
  ['the board', at('/o/RIO/board', board)],
  ['no changes', at('/o/RIO/changes', (page) => page.getByText('No drafts').waitFor())],
  [
    'nothing submitted',
    at('/o/RIO/changes?show=submitted', (page) => page.getByText('Nothing submitted yet').waitFor()),
  ],
  ['no problems', at('/o/RIO/problems', (page) => page.getByText('No problems').waitFor())],
  [
    'the history of a record',
    at('/o/RIO/records/RIO-0000001/history', (page) => heading(page, 'History of RIO-0000001').waitFor()),
  ],
  ['the switcher', opened(/^Organization RIO/, (page) => page.getByRole('option'))],
  ['the menu of colours', opened(/^Colours/, (page) => page.getByRole('menuitemradio'))],
  ['the menu of the account', opened(/^Your account/, (page) => page.getByRole('menuitem'))],
  ['how fresh the mirror is', opened(/^Sync/, (page) => page.getByRole('dialog'))],
];

describe.each([1440, 390])('at %i pixels, in both schemes,', (width) => {
  test('every page is accessible and does not scroll sideways', async () => {
    const page = await newPage({ viewport: { width, height: 800 } });
    await page.goto('/');
    await signInHeading(page).waitFor();
    await expectAccessible(page, 'signing in');
    await expectNoSidewaysScroll(page);
    await signIn(page, await makePerson({ RIO: 'owner' }), '/o/RIO/board');
    for (const [name, visit] of pages) {
      await visit(page);
      await expectAccessible(page, name);
      await expectNoSidewaysScroll(page);
    }
  }, 60_000);
});

test('the navigation opens, closes and links to pages on a phone', async () => {
  const page = await newPage({ viewport: { width: 390, height: 800 } });
  await signIn(page, await makePerson({ RIO: 'member' }), '/o/RIO/board');
  const link = page.getByRole('link', { name: 'Board' });
  await page.getByRole('button', { name: 'Open the navigation' }).click();
  await link.waitFor();
  expect(await page.evaluate('document.activeElement.textContent')).toContain('Board');
  await expectAccessible(page, 'the navigation');
  await page.keyboard.press('Escape');
  await link.waitFor({ state: 'hidden' });
  expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Open the navigation');
  await page.keyboard.press('Enter');
  await link.waitFor();
  await page.getByRole('button', { name: 'Close the navigation' }).click();
  await link.waitFor({ state: 'hidden' });
});

test('wide screens are used fully', async () => {
  const page = await newPage({ viewport: { width: 2560, height: 1200 } });
  await signIn(page, await makePerson({ RIO: 'member' }), '/o/RIO/board');
  await board(page);
  await expectNoSidewaysScroll(page);
  const boxes = await Promise.all(
    ['Including my drafts', 'In PEMS'].map((name) => page.getByRole('table', { name }).boundingBox()),
  );
  expect(boxes[0]?.y).toBe(boxes[1]?.y);
  expect((boxes[1]?.x ?? 0) + (boxes[1]?.width ?? 0)).toBeGreaterThan(2400);
});
