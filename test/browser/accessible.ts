import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const schemes = ['light', 'dark'] as const;

/** Injects axe through the debugger, which the page's policy does not restrict, once for each loaded page. */
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Expects no violations from axe in either colour scheme. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe);
    // Only colours differ between the schemes, so dark runs only the colour rule.
    const rules = colorScheme === 'light' ? undefined : ['color-contrast'];
    const violations = await page.evaluate<Violation[]>(
      `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], runOnly: rules })}).then(({ violations }) => violations)`,
    );
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary}`),
    );
    expect(found, `${name}, ${colorScheme}`).toEqual([]);
  }
}

/** Expects that the page is no wider than the window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const [needed, there] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  expect(needed).toBeLessThanOrEqual(there);
}
