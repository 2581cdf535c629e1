import { postgraphile } from 'postgraphile';
import { getNamedType, isCompositeType, isObjectType } from 'postgraphile/graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { dearest, excessOf, mostAccepted, mostTimes, requestFor } from '../../bench/dearest.ts';
import { graphqlPreset } from '../../src/graphql/preset.ts';
import { graphqlLimits } from '../../src/graphql/limits.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import * as web from '../../web/src/api/generated/graphql.ts';
import { makePerson, testApi } from './server.ts';

// The cost of a request, in rows touched, before the request runs. `npm run bench -- --only cost` measures the cost in
// the database.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'viewer']]);
const anna = await api.token('anna');
await putRecords(db, org, [{ pfaId: 'a', category: 'Crane' }]);

const graphql = postgraphile(graphqlPreset({ pool: db.owner, introspection: false }));
afterAll(() => graphql.release());
const schema = await graphql.getSchema();
const codeOf = async (query: string, variables: object) =>
  (await api.graphql(anna, query, variables)).body.errors?.[0]?.extensions?.code;

const types = Object.keys(dearest) as (keyof typeof dearest)[];

test.each(types)('each field of %s has its most expensive request here', (name) => {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`There is no type ${name}.`);
  const published = Object.values(type.getFields())
    .filter((field) => isCompositeType(getNamedType(field.type)) || field.args.length > 0)
    .map((field) => field.name);
  expect(Object.keys(dearest[name]).sort()).toEqual(published.sort());
});

describe.each(types)('of %s', (type) => {
  test.each(Object.entries(dearest[type]))(
    '%s is accepted up to this number and not beyond',
    async (_name, fields) => {
      for (const field of fields) {
        const times = mostAccepted(schema, type, field);
        expect(times, field.text(0)).toBeGreaterThan(0);
        const accepted = requestFor(type, field, times, org.code);
        expect(await codeOf(accepted.query, accepted.variables)).not.toBe('QUERY_TOO_COSTLY');
        // Too cheap to ever exceed the budget of a request.
        if (times === mostTimes) continue;
        const refused = requestFor(type, field, times + 1, org.code);
        expect(await codeOf(refused.query, refused.variables)).toBe('QUERY_TOO_COSTLY');
      }
    },
  );
});

// Each took the database 5 to 8 seconds before this limit.
const inOrganization = (fields: string) => `{ organizationByCode(code: "HOLNG") { ${fields} } }`;
const many = (count: number, made: (i: number) => string) =>
  inOrganization(Array.from({ length: count }, (_, i) => `a${i}: ${made(i)}`).join(' '));
const conditions = Array.from({ length: 4850 }, (_, i) => ({ dor: { notEqualTo: `${i}` } }));
const filtered = (field: string) => `query ($f: PfaRecordFilter) ${inOrganization(field)}`;
test.each<[string, string, object?]>([
  ['4,850 conditions', filtered('pfaRecords(filter: $f) { totalCount }'), { f: { and: conditions } }],
  ['4,850 alternatives', filtered('pfaRecords(filter: $f) { totalCount }'), { f: { or: conditions } }],
  [
    '4,850 conditions of a selection',
    filtered('sums(selection: {filter: $f}) { totalCount }'),
    { f: { and: conditions } },
  ],
  [
    '5,000 values that must not be',
    filtered('pfaRecords(filter: $f) { totalCount }'),
    { f: { not: { class: { in: conditions.map((_, i) => `${i}`) } } } },
  ],
  [
    'two previews',
    many(
      2,
      (i) => `bulkPreview(operation: {shiftDays: ${i}}, selection: {everything: true}) { changedCount }`,
    ),
  ],
  [
    '45 previews of a filter',
    many(
      45,
      (i) =>
        `bulkPreview(operation: {shiftDays: ${i}}, selection: {filter: {dor: {equalTo: "x"}}}) { changedCount }`,
    ),
  ],
  ['48 sums by month', many(48, (i) => `sums(groupBy: month, first: ${i + 1}) { nodes { planCost } }`)],
  ['12 searches', many(12, (i) => `foundRecords(first: ${i}, search: "a") { nodes { pfaId } }`)],
  ['12 sums of searches', many(12, (i) => `sums(selection: {search: "${i}"}) { nodes { planCost } }`)],
  ['12 drafts of searches', many(12, (i) => `myDraftTotals(selection: {search: "${i}"}) { recordCount }`)],
  [
    'two changes of everything',
    `mutation { a: undoDraft(input: {organizationId: ${org.id}}) { clientMutationId } b: redoDraft(input: {organizationId: ${org.id}}) { clientMutationId } }`,
  ],
])(
  '%s are refused, and the response names the cost, the limit and a remedy',
  async (_what, query, variables = {}) => {
    const { body, status } = await api.graphql(anna, query, variables);
    expect(status).toBeLessThan(500);
    const [error] = body.errors ?? [];
    expect(error?.extensions?.code).toBe('QUERY_TOO_COSTLY');
    expect(error?.message).toMatch(
      /The query asks for too much: .*[\d,]+.* at most [\d,]+ (is|are) allowed\. \w+/,
    );
  },
);

describe('the web app stays far below the limit', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `ID-${i}`);
  const filter = {
    and: [
      { category: { in: ids.slice(0, 20) } },
      { forecastStart: { greaterThanOrEqualTo: '2026-01-01', lessThanOrEqualTo: '2026-12-31' } },
      { hasDraft: { equalTo: true } },
      { forecastCostCents: { greaterThanOrEqualTo: '1' } },
    ],
  };
  const selection = { filter: { and: [filter, { not: { pfaId: { in: ids } } }] }, search: 'a' };
  const items = ids.map((recordId) => ({ recordId, revision: '1', changes: {} }));
  const variables: Record<string, unknown> = {
    ...{
      organizationId: 1,
      me: 1,
      userId: 1,
      operationId: '1',
      runId: '1',
      recordId: 'a',
      since: '2026-01-01',
      revision: '1',
    },
    ...{
      first: 200,
      offset: 1000,
      groupBy: 'month',
      withCount: true,
      withRows: true,
      search: 'a',
      choice: 'mine',
    },
    ...{
      orderBy: ['CLASS_DESC', 'PFA_ID_ASC'],
      selection,
      filter,
      recordIds: ids.slice(0, 200),
      ids: ids.map((_, i) => `${i}`),
    },
    ...{ list: 'equipment', category: 'A', manufacturer: 'A' },
    ...{ operation: { shiftDays: 1 }, comment: 'x', resolutions: [], after: null },
  };
  const inputs: Record<string, object> = {
    SaveDrafts: { organizationId: 1, items },
    SaveDraftsOnly: { organizationId: 1, items },
    DiscardDrafts: { organizationId: 1, recordIds: ids },
    ApplyBulk: { organizationId: 1, selection, operation: { shiftDays: 1 } },
  };
  const documents = Object.entries(web).flatMap(([name, document]) =>
    name.endsWith('Document') ? [[name.replace(/Document$/, ''), String(document)] as const] : [],
  );
  test.each(documents)('%s', (name, query) => {
    const asked = [...query.matchAll(/\$(\w+):\s*([\w![\]]+)/g)].map(([, variable, type]) => [
      variable!,
      variable === 'input'
        ? inputs[name]
        : type?.startsWith('PfaCommitFilter')
          ? { userId: { equalTo: 1 } }
          : variables[variable!],
    ]);
    expect(asked.filter(([, value]) => value === undefined)).toEqual([]);
    const excess = excessOf(schema, query, Object.fromEntries(asked) as object);
    expect(excess?.message).toBeUndefined();
  });
  test('there are documents', () => {
    expect(documents.length).toBeGreaterThan(30);
    expect(graphqlLimits.cost).toBe(1_300_000);
  });
});
