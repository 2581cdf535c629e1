import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { gzipSync } from 'node:zlib';
import { accountButton, heading, makePerson, newPage, signIn, signInHeading } from './browser.ts';

// What holds on every page: nothing that axe objects to, in both schemes and on a phone; nothing that scrolls sideways;
// and little to load. A new page is a line here.

type Visit = (page: Page) => Promise<void>;

const at =
  (path: string, ready: Visit): Visit =>
  async (page) => {
    await page.goto(path);
    await ready(page);
  };
const board: Visit = (page) => page.getByRole('table', { name: 'Mirror of PEMS' }).waitFor();
const open =
  (name: RegExp): Visit =>
  async (page) => {
    await page.getByRole('button', { name }).click();
  };

/** Pages of somebody who is signed in. */
const pages: [string, Visit][] = [
  ['the board', at('/o/RIO/board', board)],
  [
    'an organization that one may not see',
    at('/o/NOSUCH/board', (page) => heading(page, 'Not available').waitFor()),
  ],
  ['an address that leads nowhere', at('/nowhere', (page) => heading(page, 'Not found').waitFor())],
  ['changing the password', at('/account/password', (page) => heading(page, 'Change password').waitFor())],
  [
    'the switcher, open',
    async (page) => {
      await at('/o/RIO/board', board)(page);
      await open(/^Organization RIO/)(page);
      await page.getByRole('option').first().waitFor();
    },
  ],
  [
    'the menu of colours, open',
    async (page) => {
      await at('/o/RIO/board', board)(page);
      await open(/^Colours/)(page);
      await page.getByRole('menuitemradio').first().waitFor();
    },
  ],
  [
    'the menu of the account, open',
    async (page) => {
      await at('/o/RIO/board', board)(page);
      await accountButton(page).click();
      await page.getByRole('menuitem').first().waitFor();
    },
  ],
  [
    'how fresh the mirror is, open',
    async (page) => {
      await at('/o/RIO/board', board)(page);
      await open(/^Sync/)(page);
      await page.getByText('Last synced').last().waitFor();
    },
  ],
];

const schemes = ['light', 'dark'] as const;

async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    // Otherwise it opens another page for each look, to be safe from frames of strangers: we have none.
    const { violations } = await new AxeBuilder({ page })
      .setLegacyMode(true)
      .options({ resultTypes: ['violations'] })
      .analyze();
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
  await expectAccessible(page, 'the navigation');
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
  await signIn(page, await makePerson({ RIO: 'member' }), '/o/RIO/board');
  await board(page);
  await page.waitForLoadState('networkidle');
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  console.log(`JavaScript until the board: ${(total / 1000).toFixed(0)} kB in ${sizes.size} files, gzipped.`);
  expect(sizes.size).toBeGreaterThan(1);
  expect(total).toBeLessThan(350_000);
});
