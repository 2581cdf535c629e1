import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { openOrganization } from './browser.ts';
import { openRecords } from './grid.ts';

// Overlays are on top of everything, and no control moves the visible content.

/** The parts of an element in the browser that the script reads. */
interface Box {
  getBoundingClientRect: () => { left: number; top: number; width: number; height: number };
  contains: (other: unknown) => boolean;
  ownerDocument: {
    elementFromPoint: (x: number, y: number) => unknown;
    defaultView: {
      innerWidth: number;
      innerHeight: number;
      scrollBy: (x: number, y: number) => void;
      scrollY: number;
    };
  };
}

/** Counts those of 15 visible points of an element that another element covers. */
const hiddenPlaces = (at: Locator) =>
  at.evaluate((element: unknown) => {
    const box = element as Box;
    const { innerWidth, innerHeight } = box.ownerDocument.defaultView;
    const { left, top, width, height } = box.getBoundingClientRect();
    const inset = 4;
    let hidden = 0;
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 5; j++) {
        const x = left + inset + ((width - 2 * inset) * i) / 2;
        const y = top + inset + ((height - 2 * inset) * j) / 4;
        if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
        if (!box.contains(box.ownerDocument.elementFromPoint(x, y))) hidden++;
      }
    return hidden;
  });

/** Scrolls an element near the top of the window, where a page that becomes shorter would move it most. */
const bringUp = (at: Locator) =>
  at.evaluate((element: unknown) => {
    const box = element as Box;
    box.ownerDocument.defaultView.scrollBy(0, box.getBoundingClientRect().top - 200);
    return box.ownerDocument.defaultView.scrollY;
  });

const button = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name });

/** Overlays of the records page: how to open and how to find each. */
const layers: [string, (page: Page) => Locator, (page: Page) => Locator][] = [
  [
    'the organizations',
    button(/^Organization /),
    (page) => page.locator('.mantine-Combobox-dropdown:visible'),
  ],
  ['the colours', button(/^Colours/), (page) => page.getByRole('menu')],
  ['the help', button('Help'), (page) => page.getByRole('menu')],
  ['the account', button(/^Your account/), (page) => page.getByRole('menu')],
  ['the sync', button(/^Sync/), (page) => page.getByRole('dialog')],
  ['a filter', button('Category'), (page) => page.getByRole('dialog')],
  ['the columns', button('Columns'), (page) => page.getByRole('dialog')],
];

describe.each([
  [1440, 900],
  [1024, 768],
  [390, 844],
])('at %i by %i', (width, height) => {
  test('overlays cover the navigation, the grid and the header', async () => {
    const { page } = await openRecords('RIO', '', 'member', { viewport: { width, height } });
    const hidden: Record<string, number> = {};
    for (const [name, opener, opened] of layers) {
      await opener(page).first().click();
      await opened(page).waitFor();
      hidden[name] = await hiddenPlaces(opened(page));
      await page.keyboard.press('Escape');
      await opened(page).waitFor({ state: 'hidden' });
    }
    expect(hidden).toEqual(Object.fromEntries(layers.map(([name]) => [name, 0])));
  });

  test('no control of the board moves the visible content', async () => {
    const { page } = await openOrganization('RIO', { viewport: { width, height } });
    const groups = page.getByRole('table', { name: /^Costs by / });
    await groups.waitFor();
    const choice = (group: string, name: string) =>
      page.getByRole('radiogroup', { name: group }).getByText(name, { exact: true });
    const controls: [Locator, RegExp][] = [
      [choice('Months', 'Cumulative'), /cost=cumulative/],
      [choice('Shown', 'Table'), /months=table/],
      [choice('Shown', 'Chart'), /^(?!.*months)/],
      [choice('Group by', 'Class'), /by=class/],
      // Few groups make the page much shorter.
      [choice('Group by', 'Source'), /by=source/],
      [choice('Group by', 'Category'), /^(?!.*by=)/],
      [choice('Figures', 'Difference from PEMS'), /show=difference/],
      [choice('Figures', 'Amounts'), /^(?!.*show=)/],
    ];
    // Narrow screens have a list for the order instead.
    if (width > 736) controls.push([groups.getByRole('button', { name: 'Plan' }), /sort=planCost/]);
    const settled = () =>
      until('the figures are there', async () => {
        const waiting = page.locator('#main').locator('[aria-busy=true], [data-stale]');
        return (await waiting.count()) === 0;
      });
    await settled();
    const moved: Record<string, number> = {};
    let lowest = 0;
    for (const [control, address] of controls) {
      lowest = Math.max(lowest, await bringUp(control));
      const before = (await control.boundingBox())?.y ?? 0;
      await control.click();
      await page.waitForURL(address);
      await settled();
      const after = (await control.boundingBox())?.y ?? 0;
      if (Math.abs(after - before) > 1) moved[String(address)] = after - before;
    }
    expect(moved).toEqual({});
    expect(lowest).toBeGreaterThan(300);
  });
});
