import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { heading, makePerson, newPage, signIn, signInHeading } from './browser.ts';

// What holds on every page: nothing that axe objects to, in both schemes and on a phone; nothing that scrolls sideways;
// and little to load. A new page is a line here.

type Visit = (page: Page) => Promise<void>;

const at =
  (path: string, ready: Visit): Visit =>
  async (page) => {
    await page.goto(path);
    await ready(page);
  };
const board: Visit = async (page) => {
  await page.getByRole('table', { name: 'Mirror of PEMS' }).waitFor();
  await page.getByRole('table', { name: /^Costs by / }).waitFor();
};
const records: Visit = (page) => page.getByRole('rowheader').filter({ hasText: /^RIO-/ }).first().waitFor();

/** What opens in the board, and is closed again by Escape. */
const opened =
  (button: RegExp, content: (page: Page) => Locator): Visit =>
  async (page) => {
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: button }).click();
    await content(page).first().waitFor();
  };

/** Pages of somebody who is signed in. */
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
  ['no changes', at('/o/RIO/changes', (page) => page.getByText('You have no drafts here.').waitFor())],
  [
    'nothing submitted',
    at('/o/RIO/changes?show=submitted', (page) => page.getByText('Nothing was submitted yet.').waitFor()),
  ],
  ['no problems', at('/o/RIO/problems', (page) => page.getByText('There are no problems.').waitFor())],
  [
    'the history of a record',
    at('/o/RIO/records/RIO-0000001/history', (page) => heading(page, 'History of RIO-0000001').waitFor()),
  ],
  ['the switcher', opened(/^Organization RIO/, (page) => page.getByRole('option'))],
  ['the menu of colours', opened(/^Colours/, (page) => page.getByRole('menuitemradio'))],
  ['the menu of the account', opened(/^Your account/, (page) => page.getByRole('menuitem'))],
  ['how fresh the mirror is', opened(/^Sync/, (page) => page.getByRole('dialog'))],
];

const schemes = ['light', 'dark'] as const;

/** Goes in by way of the debugger, which the page's policy does not bind; once for each page that is loaded. */
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe);
    const violations = await page.evaluate<Violation[]>(
      "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
    );
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary}`),
    );
    expect(found, `${name}, ${colorScheme}`).toEqual([]);
  }
}

async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const [needed, there] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  expect(needed).toBeLessThanOrEqual(there);
}

describe.each([1440, 390])('at %i pixels, in both schemes,', (width) => {
  test('every page is for everybody, and none scrolls sideways', async () => {
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

test('on a phone the navigation opens and closes, and leads on', async () => {
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

test('a wide screen is used', async () => {
  const page = await newPage({ viewport: { width: 2560, height: 1200 } });
  await signIn(page, await makePerson({ RIO: 'member' }), '/o/RIO/board');
  await board(page);
  await expectNoSidewaysScroll(page);
  const boxes = await Promise.all(
    ['With my drafts', 'Mirror of PEMS'].map((name) => page.getByRole('table', { name }).boundingBox()),
  );
  expect(boxes[0]?.y).toBe(boxes[1]?.y);
  expect((boxes[1]?.x ?? 0) + (boxes[1]?.width ?? 0)).toBeGreaterThan(2400);
});

test('little is loaded before the first page: less than 350 kB of JavaScript, compressed', async () => {
  const page = await newPage();
  const sizes = new Map<string, number>();
  page.on('response', async (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.endsWith('.js')) sizes.set(pathname, gzipSync(await response.body()).length);
  });
  // The figures are there without what draws the chart; that is asked for after them.
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route('**/MonthChart-*.js', async (route) => {
    await held;
    await route.continue();
  });
  const total = () => [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const say = (what: string) =>
    console.log(`JavaScript ${what}: ${(total() / 1000).toFixed(0)} kB in ${sizes.size} files, gzipped.`);
  await signIn(page, await makePerson({ RIO: 'member' }), '/o/RIO/board');
  await board(page);
  say('until the board');
  expect(sizes.size).toBeGreaterThan(1);
  expect(total()).toBeLessThan(350_000);
  letGo();
  await page.getByRole('slider', { name: 'Cost by month, chart' }).waitFor();
  say('with its chart');
});
