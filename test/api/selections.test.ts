import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { saveDraft } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords, type Json } from '../support/make.ts';
import { arbitraryRecord, plantModification, recordOf } from '../support/merged.ts';
import { asOwnerFor, selectedIds } from '../support/select.ts';
import { makePerson, testApi } from './server.ts';

// Selections take the filter of the record list, with the same meaning.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'ORG');
const olga = await makePerson(db, 'olga', [[org, 'member']]);
const vera = await makePerson(db, 'vera', [[org, 'viewer']]);
const other = await makeOrganization(db, 'OTHER');
const [token, viewing] = [await api.token('olga'), await api.token('vera')];

const texts = ['A', 'b', 'Ü', "it's", '', 'r1', 'Rental'];
const days = ['2024-06-01', '2025-01-31', '2026-12-31'];
const data = fc.sample(
  fc.tuple(
    arbitraryRecord,
    fc.option(fc.constantFrom(...texts), { nil: undefined }),
    fc.constantFrom('BEO', 'PROJECT'),
  ),
  { numRuns: 30, seed: 7 },
);
await putRecords(
  db,
  org,
  data.map(([record, kind, dor], index) =>
    recordOf(index, { ...record, dor, ...(kind !== undefined && { class: kind, areaSilo: kind }) }),
  ),
);
await plantModification(db, org, 'r1', vera, { category: 'A' });
await plantModification(db, org, 'r2', olga, { class: null });
for (const [pfaId, changes] of [
  ['r1', { class: 'b' }],
  ['r5', { forecastStart: '2025-01-31', forecastEnd: '2026-12-31' }],
] as const)
  await db.asUser(olga, (client) => saveDraft(client, org, pfaId, changes), { commit: true });

const compared = (values: fc.Arbitrary<Json>) =>
  fc.oneof(
    fc.boolean().map((isNull) => ({ isNull })),
    values.map((equalTo) => ({ equalTo })),
    values.map((notEqualTo) => ({ notEqualTo })),
    fc.array(values, { minLength: 1, maxLength: 3 }).map((list) => ({ in: list })),
    fc.tuple(values, values).map(([greaterThan, lessThanOrEqualTo]) => ({ greaterThan, lessThanOrEqualTo })),
    fc.tuple(values, values).map(([greaterThanOrEqualTo, lessThan]) => ({ greaterThanOrEqualTo, lessThan })),
  ) as fc.Arbitrary<Json>;
const ofKey = (keys: string[], values: fc.Arbitrary<Json>) =>
  fc
    .tuple(fc.constantFrom(...keys), compared(values))
    .map(([key, condition]): Json => ({ [key]: condition }));
const condition = fc.oneof(
  ofKey(
    ['areaSilo', 'category', 'class', 'dor', 'pfaId', 'source'],
    fc.constantFrom(...texts, 'Cranes', 'BEO'),
  ),
  ofKey(['forecastStart', 'forecastEnd'], fc.constantFrom(...days)),
  ofKey(['forecastCostCents'], fc.constantFrom('0', '100000', '5000000000')),
  ofKey(
    ['hasDraft', 'hasProblem', 'isActualized', 'isDiscontinued', 'isFundsTransferable', 'isPending'],
    fc.boolean(),
  ),
);
const { filter: arbitraryFilter } = fc.letrec<{ filter: Json }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    condition,
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((and): Json => ({ and })),
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((or): Json => ({ or })),
    tie('filter').map((not): Json => ({ not })),
    fc.tuple(condition, condition).map(([a, b]): Json => ({ ...(a as object), ...(b as object) })),
  ),
}));

interface Answered {
  organization: {
    pfaRecords: { totalCount: number; nodes: { pfaId: string }[] };
    sums: { nodes: { recordCount: string }[] };
  };
}

test('a filter selects the same records as the list', async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(arbitraryFilter, async (filter) => {
      const { organization } = await api.data<Answered>(
        token,
        `query ($id: Int!, $filter: PfaRecordFilter!, $live: PfaRecordFilter!) { organization(id: $id) {
          pfaRecords(filter: $filter, orderBy: PFA_ID_ASC, first: 100) { totalCount nodes { pfaId } }
          sums(selection: {filter: $live}) { nodes { recordCount } }
        } }`,
        { id: org.id, filter, live: filter },
      );
      const listed = organization.pfaRecords.nodes.map(({ pfaId }) => pfaId);
      const { rows: live } = await db.owner.query<{ pfa_id: string }>(
        'select pfa_id from app_core.pfa_mirror where organization_id = $1 and is_discontinued',
        [org.id],
      );
      await asOwnerFor(db, olga, async (client) => {
        expect(await selectedIds(client, org, { filter })).toEqual(listed);
      });
      const summed = listed.filter((id) => !live.some(({ pfa_id }) => pfa_id === id)).length;
      expect(organization.sums.nodes).toEqual([{ recordCount: String(summed) }]);
      found += listed.length;
    }),
    { numRuns: 150 },
  );
  expect(found).toBeGreaterThan(150);
}, 60_000);

const sums =
  '{ nodes { groupValue recordCount planCost forecastCost actualCost variance planMonths forecastMonths actualMonths } }';

describe('sums', () => {
  test('of a filter written in the query, by group, without drafts', async () => {
    const { organization } = await api.data<{ organization: { sums: { nodes: { groupValue: string }[] } } }>(
      viewing,
      `{ organization(id: ${org.id}) { sums(groupBy: dor, layer: mirror, selection: {filter: {dor: {in: ["BEO", "PROJECT"]}, not: {isActualized: {isNull: true}}}}) ${sums} } }`,
    );
    expect(organization.sums.nodes.map(({ groupValue }) => groupValue)).toEqual(['BEO', 'PROJECT']);
  });

  test.each([
    ['{}', undefined],
    ['{filter: {}}', 'INVALID_INPUT'],
    ['{filter: {category: null}}', 'INVALID_INPUT'],
    ['{everything: true, search: "x"}', 'INVALID_INPUT'],
    ['{filter: {manufacturer: {equalTo: "x"}}}', 'INVALID_QUERY'],
    ['{filter: {forecastStart: {equalTo: "soon"}}}', 'INVALID_INPUT'],
    ['{recordIds: [null]}', 'INVALID_INPUT'],
  ])('of %s', async (selection, code) => {
    const { body } = await api.graphql(
      token,
      `{ organization(id: ${org.id}) { sums(selection: ${selection}) { nodes { recordCount } } } }`,
    );
    expect(body.errors?.[0]?.extensions?.code).toBe(code);
  });

  test('of another organization are not found', async () => {
    const { body } = await api.graphql<{ organization: null }>(
      token,
      `{ organization(id: ${other.id}) { sums { nodes { recordCount } } } }`,
    );
    expect(body).toEqual({ data: { organization: null } });
  });
});

test('history is paged, the newest first, and names the users', async () => {
  const ask = (more: string) =>
    api.data<{
      organization: {
        changes: {
          pageInfo: { endCursor: string };
          nodes: { pfaId: string; username: string; route: string }[];
        };
      };
    }>(
      token,
      `{ organization(id: ${org.id}) { changes(first: 1 ${more}) { pageInfo { endCursor } nodes { pfaId username route } } } }`,
    );
  const first = (await ask('')).organization.changes;
  expect(first.nodes).toEqual([{ pfaId: 'r5', username: 'olga', route: 'draft' }]);
  const next = (await ask(`after: "${first.pageInfo.endCursor}"`)).organization.changes;
  expect(next.nodes).toEqual([{ pfaId: 'r1', username: 'olga', route: 'draft' }]);
  const ofRecord = (await ask('recordId: "r1", key: "class", since: "2020-01-01T00:00:00Z"')).organization
    .changes;
  expect(ofRecord.nodes).toEqual(next.nodes);
});
