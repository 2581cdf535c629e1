import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, findOrganization, openOrganization } from './browser.ts';

// The board: costs by group and by month; each figure is compared with the API's.

interface Sum {
  groupValue: string | null;
  recordCount: string | null;
  planCost: string;
  forecastCost: string;
  actualCost: string;
  variance: string;
}
type Layer = 'merged' | 'mirror';

/** Exact figures, requested from the API outside the browser. */
async function sums(
  username: string,
  code: string,
  { groupBy, layer = 'merged', ...selection }: { groupBy?: string; layer?: Layer; filter?: unknown } = {},
): Promise<Sum[]> {
  const answer = await ask<{ data: { organization: { sums: { nodes: Sum[] } } } }>(
    username,
    'POST',
    '/graphql',
    {
      query: `query ($id: Int!, $groupBy: PfaDimension, $layer: PfaLayer, $selection: PfaSelectionInput) {
        organization(id: $id) { sums(groupBy: $groupBy, layer: $layer, selection: $selection, first: 1000) {
          nodes { groupValue recordCount planCost forecastCost actualCost variance } } } }`,
      variables: {
        id: (await findOrganization(code)).id,
        groupBy,
        layer,
        selection: selection.filter ? selection : { everything: true },
      },
    },
  );
  return answer.data.organization.sums.nodes;
}

const usd = { style: 'currency', currency: 'USD' } as const;
const formats = {
  count: new Intl.NumberFormat('en-US'),
  money: new Intl.NumberFormat('en-US', usd),
  difference: new Intl.NumberFormat('en-US', { ...usd, signDisplay: 'exceptZero' }),
};
const exact = (value: string) => value as Intl.StringNumericLiteral;
const words = (variance: string) =>
  Number(variance) > 0 ? 'over budget' : Number(variance) < 0 ? 'under budget' : 'on budget';

/** Formatted cells of a table row, without the first cell. */
const written = ({ recordCount, planCost, forecastCost, actualCost, variance }: Sum): string[] => [
  ...(recordCount === null ? [] : [formats.count.format(exact(recordCount))]),
  ...[planCost, forecastCost, actualCost].map((amount) => formats.money.format(exact(amount))),
  `${formats.difference.format(exact(variance))}${words(variance)}`,
];

const table = (page: Page, name: string | RegExp) => page.getByRole('table', { name });
/** The parts of a browser table that the script reads. */
interface Table {
  tBodies: Iterable<{ rows: Iterable<{ cells: Iterable<{ textContent: string }> }> }>;
}

/** Returns all rows of a table in order, by the text of their first cell. */
async function rows(at: Locator): Promise<Map<string, string[]>> {
  const texts = await at.evaluate((element: unknown) =>
    [...(element as Table).tBodies].flatMap((body) =>
      [...body.rows].map((row) => [...row.cells].map(({ textContent }) => textContent)),
    ),
  );
  return new Map(texts.map(([name = '', ...cells]) => [name, cells]));
}
const drafts = (page: Page) => table(page, 'Including my drafts');
const mirror = (page: Page) => table(page, 'In PEMS');
const groups = (page: Page) => table(page, /^Costs by /);
const months = (page: Page) => table(page, /^Cost (by|up to)/);
const chart = (page: Page) => page.getByRole('slider', { name: /^Cost (by|up to)/ });
const search = (page: Page) => new URL(page.url()).searchParams;

const monthName = new Intl.DateTimeFormat('en-US', { year: 'numeric', month: 'long', timeZone: 'UTC' });
const nameOfMonth = (value: string | null) =>
  value === null ? 'Without dates' : monthName.format(new Date(`${value}-01T00:00:00Z`));
const nothing = { planCost: '0.00', forecastCost: '0.00', actualCost: '0.00', variance: '0.00' };

/** Expected rows of the months table: each month from the first to the last. */
function everyMonth(answer: Sum[]): Sum[] {
  const known = new Map(answer.map((sum) => [sum.groupValue, sum]));
  const dated = answer.flatMap(({ groupValue }) => groupValue ?? []);
  const all: Sum[] = [];
  for (let at = new Date(`${dated[0]}-01T00:00:00Z`); ; at.setUTCMonth(at.getUTCMonth() + 1)) {
    const groupValue = at.toISOString().slice(0, 7);
    all.push(known.get(groupValue) ?? { groupValue, recordCount: null, ...nothing });
    if (groupValue === dated.at(-1)) break;
  }
  const undated = known.get(null);
  return undated ? [...all, undated] : all;
}

describe('the board', () => {
  test("shows the API's figures to the cent: by every group, by month, and with filters", async () => {
    const { page, username } = await openOrganization('HOLNG');
    const expectGroups = async (name: string, groupBy: string, filter?: unknown) => {
      const wanted = await sums(username, 'HOLNG', { groupBy, filter });
      await table(page, `Costs by ${name}`).waitFor();
      await until('the groups are there', async () => (await rows(groups(page))).size === wanted.length + 1);
      const shown = await rows(groups(page));
      for (const sum of wanted) expect(shown.get(sum.groupValue ?? 'Not known')).toEqual(written(sum));
      return [...shown.keys()];
    };
    const [all] = (await sums(username, 'HOLNG')) as [Sum];
    await drafts(page).waitFor();
    expect((await rows(drafts(page))).get('All')).toEqual(written(all));
    for (const sum of await sums(username, 'HOLNG', { groupBy: 'source' }))
      expect((await rows(drafts(page))).get(sum.groupValue ?? '')).toEqual(written(sum));
    await expectGroups('category', 'category');
    await page.getByText('Class', { exact: true }).last().click();
    // The highest costs come first, the total last.
    const names = await expectGroups('class', 'class');
    const byCost = await sums(username, 'HOLNG', { groupBy: 'class' });
    byCost.sort((a, b) => Number(b.forecastCost) - Number(a.forecastCost));
    expect(names).toEqual([...byCost.map(({ groupValue }) => groupValue), 'All']);

    await page.getByText('Table').click();
    await months(page).waitFor();
    const byMonth = everyMonth(await sums(username, 'HOLNG', { groupBy: 'month' }));
    expect([...(await rows(months(page)))]).toEqual(
      byMonth.map((sum) => [nameOfMonth(sum.groupValue), written(sum)]),
    );

    // Sets the records page's filter with its own buttons.
    await page.getByRole('button', { name: 'Area' }).click();
    await page.getByRole('checkbox', { name: /^Silo 4 / }).check();
    await page.keyboard.press('Escape');
    const filter = { and: [{ areaSilo: { in: ['Silo 4'] } }, { isDiscontinued: { equalTo: false } }] };
    const [silo] = (await sums(username, 'HOLNG', { filter })) as [Sum];
    expect(silo.forecastCost).not.toBe(all.forecastCost);
    await until(
      'the totals have followed',
      async () => JSON.stringify((await rows(drafts(page))).get('All')) === JSON.stringify(written(silo)),
    );
    await expectGroups('class', 'class', filter);
    await until('the months have followed', async () => {
      const wanted = everyMonth(await sums(username, 'HOLNG', { groupBy: 'month', filter }));
      const shown = [...(await rows(months(page)))];
      return (
        JSON.stringify(shown) ===
        JSON.stringify(wanted.map((sum) => [nameOfMonth(sum.groupValue), written(sum)]))
      );
    });

    // Cumulative costs end at the total.
    await page.getByText('Cumulative').click();
    await table(page, 'Cost up to each month').waitFor();
    const undated = (await sums(username, 'HOLNG', { groupBy: 'month', filter })).find(
      ({ groupValue }) => groupValue === null,
    );
    const cents = (value = '0') => BigInt(value.replace('.', ''));
    const last = [...(await rows(months(page)))].filter(([name]) => name !== 'Without dates').at(-1)?.[1];
    const dollars = (value: bigint) =>
      formats.money.format(exact(`${value / 100n}.${String(value % 100n).padStart(2, '0')}`));
    expect(last?.slice(0, 3)).toEqual(
      (['planCost', 'forecastCost', 'actualCost'] as const).map((key) =>
        dollars(cents(silo[key]) - cents(undated?.[key])),
      ),
    );
  }, 30_000);

  test('keeps its view in the address and for the organization, and links to the records of a group', async () => {
    const { page } = await openOrganization('RIO');
    await groups(page).waitFor();
    await page.getByText('DOR', { exact: true }).last().click();
    await table(page, 'Costs by DOR').waitFor();
    await page.getByRole('button', { name: 'Variance' }).click();
    await page
      .getByRole('columnheader', { name: 'Variance', exact: true })
      .and(page.locator('[aria-sort=descending]'))
      .waitFor();
    await page.getByRole('searchbox').fill('crane');
    await until('it is in the address', () => search(page).get('q') === 'crane');
    expect(Object.fromEntries(search(page))).toEqual({ by: 'dor', sort: 'variance.desc', q: 'crane' });
    await page.reload();
    await table(page, 'Costs by DOR').waitFor();
    await page.goto('/');
    await until('the first page leads back to it', () => search(page).get('by') === 'dor');
    const [name = '', [count] = []] = [...(await rowsOnce(page))][0] ?? [];
    expect(['BEO', 'PROJECT']).toContain(name);

    await groups(page).getByRole('link', { name }).click();
    await page.getByRole('grid', { name: 'Records' }).waitFor();
    await page.getByRole('status').getByText(`${count} records`).waitFor();
    await page.getByRole('list', { name: 'Active filters' }).getByText(`DOR: ${name}`).waitFor();
    await page.getByRole('link', { name: 'Open on board' }).click();
    await page.getByText(new RegExp(`^${count} of [\\d,]+ records$`)).waitFor();
    await page.getByRole('searchbox').fill('nosuchthing');
    await page.getByText('No records match.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).last().click();
    await groups(page).waitFor();
    expect(Object.fromEntries(search(page))).toEqual({});
  });

  test('shows a draft made elsewhere beside the PEMS data, as a difference and in the months', async () => {
    const { page, username } = await openOrganization('RIO');
    await groups(page).waitFor();
    const before = await rows(mirror(page));
    await page.getByRole('list', { name: 'Your work' }).getByText('0 drafts').waitFor();
    const { records } = await ask<{
      records: { pfaId: string; revision: number; data: Record<string, unknown> }[];
    }>(username, 'GET', '/api/pfa/RIO?limit=1000');
    const record = records.find(
      ({ data }) => data.source === 'Rental' && !data.isDiscontinued && data.forecastEnd && data.category,
    );
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: record?.pfaId,
      revision: record?.revision,
      changes: { forecastEnd: '2031-12-31' },
    });
    const category = String(record?.data.category);
    const [mine, theirs] = await Promise.all(
      (['merged', 'mirror'] as const).map(async (layer) =>
        (await sums(username, 'RIO', { groupBy: 'category', layer })).find(
          ({ groupValue }) => groupValue === category,
        ),
      ),
    );
    if (!mine || !theirs) throw new Error('The category has no costs.');
    const [costs, inPems] = [written(mine), written(theirs)];
    expect(costs[2]).not.toBe(inPems[2]);
    await until(
      'the group has both',
      async () => (await rows(groups(page))).get(category)?.[2] === `${costs[2]} PEMS ${inPems[2]}`,
    );
    expect(await rows(mirror(page))).toEqual(before);
    await until('the figures with drafts are others', async () => {
      const shown = await rows(drafts(page));
      return JSON.stringify([...shown]) !== JSON.stringify([...before]);
    });

    // The separate line appears only with a difference.
    await page.getByRole('list', { name: 'Lines' }).getByText('Forecast in PEMS').waitFor();
    await chart(page).focus();
    await page.keyboard.press('End');
    expect(await chart(page).getAttribute('aria-valuetext')).toMatch(
      /^December 2031, Plan \$0\.00, Forecast \$[\d,.]+, Forecast in PEMS \$0\.00$/,
    );
    await page.keyboard.press('ArrowLeft');
    expect(await chart(page).getAttribute('aria-valuetext')).toMatch(/^November 2031/);

    await page.getByText('Difference from PEMS').click();
    const cents = (value: string) => Number(value.replace('.', ''));
    const difference = (cents(mine.forecastCost) - cents(theirs.forecastCost)) / 100;
    await until('the difference is shown', async () => {
      const [first] = [...(await rows(groups(page)))];
      // The group has the largest difference, so it comes first.
      return first?.[0] === category && first[1][2] === formats.difference.format(difference);
    });
  });

  test('shows a draft made on another page of the app on return', async () => {
    const { page, username } = await openOrganization('RIO');
    await drafts(page).waitFor();
    const before = (await rows(drafts(page))).get('All');
    await page.getByRole('link', { name: 'Show records' }).click();
    const cell = page.locator('[aria-rowindex="2"] [data-row="0"]');
    await cell.first().getByText(/^RIO-/).waitFor();
    const { records } = await ask<{
      records: { pfaId: string; revision: number; data: { source?: string } }[];
    }>(username, 'GET', '/api/pfa/RIO?limit=300');
    const record = records.find(({ data }) => data.source === 'Rental');
    await ask(username, 'POST', '/api/pfa/RIO/draft', {
      recordId: record?.pfaId,
      revision: record?.revision,
      changes: { monthlyRate: 987_654.32 },
    });
    await page.getByRole('list', { name: 'Your work' }).getByText('1 draft').waitFor();
    await page.getByRole('link', { name: 'Open on board' }).click();
    const [all] = (await sums(username, 'RIO')) as [Sum];
    expect(written(all)).not.toEqual(before);
    await until(
      'the board has it',
      async () => JSON.stringify((await rows(drafts(page))).get('All')) === JSON.stringify(written(all)),
    );
  });
});

/** Returns the groups' rows once there are any. */
async function rowsOnce(page: Page): Promise<Map<string, string[]>> {
  await groups(page).waitFor();
  return rows(groups(page));
}
