import { describe, expect, test } from 'vitest';
import { saveDraft } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { recordOf } from '../support/merged.ts';
import { makePerson, testApi } from './server.ts';

// The pages of a list contain each record once, also records without a value in the ordering column.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'ORG');
const olga = await makePerson(db, 'olga', [[org, 'member']]);
const token = await api.token('olga');

const some = <T>(index: number, ...values: T[]) => values[index % values.length]!;
await putRecords(
  db,
  org,
  Array.from({ length: 24 }, (_, index) =>
    recordOf(index, {
      category: some(index, 'CRANES', null, 'PUMPS'),
      class: some(index, null, 'A', 'B', 'C'),
      areaSilo: some(index, 'Silo 1', null),
      forecastStart: some(index, '2026-01-01', null, null, '2026-02-01', '2026-01-01'),
      forecastEnd: some(index, null, '2026-03-01', '2026-04-01'),
    }),
  ),
);
// The list includes the drafts over the mirror.
for (const [pfaId, changes] of [
  ['r3', { class: null }],
  ['r4', { category: 'CRANES' }],
] as const)
  await db.asUser(olga, (client) => saveDraft(client, org, pfaId, changes), { commit: true });

interface Page {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  nodes: { pfaId: string }[];
}

const orders = [
  'PFA_ID',
  'CATEGORY',
  'CLASS',
  'AREA_SILO',
  'FORECAST_START',
  'FORECAST_END',
  'FORECAST_COST_CENTS',
];

describe.each([
  ['pfaRecords', ''],
  ['foundRecords', 'search: "r",'],
])('%s', (list, args) => {
  const read = async (order: string, paging: string): Promise<Page> => {
    const { organization } = await api.data<{ organization: { page: Page } }>(
      token,
      `{ organization(id: ${org.id}) {
        page: ${list}(${args} orderBy: [${order}, PFA_ID_ASC] ${paging}) {
          totalCount
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          nodes { pfaId }
        }
      } }`,
    );
    return organization.page;
  };
  const idsOf = ({ nodes }: Page) => nodes.map(({ pfaId }) => pfaId);

  test.each(orders.flatMap((order) => [`${order}_ASC`, `${order}_DESC`]))(
    'by %s, forwards and backwards',
    async (order) => {
      const whole = idsOf(await read(order, 'first: 1000'));
      expect(new Set(whole).size).toBe(24);

      const forwards: string[] = [];
      for (let after = ''; forwards.length < 50;) {
        const page = await read(order, `first: 5 ${after}`);
        forwards.push(...idsOf(page));
        if (!page.pageInfo.hasNextPage) break;
        after = `after: ${JSON.stringify(page.pageInfo.endCursor)}`;
      }
      expect(forwards).toEqual(whole);

      // Search results can only be read forwards.
      if (list === 'foundRecords') return;
      const backwards: string[] = [];
      for (let before = ''; backwards.length < 50;) {
        const page = await read(order, `last: 5 ${before}`);
        backwards.unshift(...idsOf(page));
        if (!page.pageInfo.hasPreviousPage) break;
        before = `before: ${JSON.stringify(page.pageInfo.startCursor)}`;
      }
      expect(backwards).toEqual(whole);
    },
  );
});

test('search results with equal rank have no cursor, and the error says so', async () => {
  const query = (order: string, after: string) => `{ organization(id: ${org.id}) {
    foundRecords(search: "r", first: 2, orderBy: [${order}]${after}) { pageInfo { endCursor } nodes { pfaId } }
  } }`;
  const { organization } = await api.data<{ organization: { foundRecords: Page } }>(
    token,
    query('CATEGORY_ASC', ''),
  );
  const { endCursor } = organization.foundRecords.pageInfo;
  const { body } = await api.graphql(token, query('CATEGORY_ASC', `, after: ${JSON.stringify(endCursor)}`));
  expect(body.errors?.[0]?.message).toContain('PFA_ID_ASC');
  expect(body.errors?.[0]?.extensions?.code).toBe('INVALID_QUERY');
});
