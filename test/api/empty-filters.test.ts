import { describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { makePerson, testApi } from './server.ts';

// An empty filter could mean all records or no records. The API refuses it everywhere.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);
const anna = await api.token('anna');
await putRecords(db, org, [{ pfaId: 'a' }, { pfaId: 'b' }]);

const empty: [string, object | unknown[]][] = [
  ['an empty filter', {}],
  ['or of nothing', { or: [] }],
  ['and of nothing', { and: [] }],
  ['not of nothing', { not: {} }],
  ['a key without a comparison', { category: {} }],
  ['one of no values', { category: { in: [] } }],
  ['or of an empty filter', { or: [{}] }],
  ['and with an empty filter beside a condition', { and: [{ category: { isNull: true } }, {}] }],
  ['an empty list beside a condition', { category: { isNull: true }, or: [] }],
  ['not of an empty list', { not: { or: [] } }],
  ['an empty list deep inside', { and: [{ or: [{ not: { pfaId: { in: [] } } }] }] }],
  ['a key that is null', { category: null }],
  ['a comparison with null', { category: { equalTo: null } }],
  ['or that is null', { or: null }],
  ['not that is null', { not: null }],
];

const inOrganization = (fields: string) =>
  `query ($f: PfaRecordFilter) { organizationByCode(code: "HOLNG") { ${fields} } }`;
const selection = 'selection: { filter: $f }';
const mutation = (fields: string) => `mutation ($f: PfaRecordFilter) { ${fields} }`;
const queries: [string, string][] = [
  ['a list', inOrganization('pfaRecords(filter: $f) { nodes { pfaId } }')],
  ['a count', inOrganization('pfaRecords(first: 0, filter: $f) { totalCount }')],
  ['found records', inOrganization('foundRecords(search: "a", filter: $f) { nodes { pfaId } }')],
  ['sums', inOrganization(`sums(${selection}) { nodes { recordCount } }`)],
  ['sums of the mirror', inOrganization(`sums(layer: mirror, ${selection}) { nodes { recordCount } }`)],
  ['my drafts', inOrganization(`myDraftTotals(${selection}) { recordCount }`)],
  ['a preview', inOrganization(`bulkPreview(operation: { shiftDays: 1 }, ${selection}) { changedCount }`)],
  [
    'a bulk operation',
    mutation(
      `applyBulk(input: { organizationId: ${org.id}, operation: { shiftDays: 1 }, ${selection} }) { clientMutationId }`,
    ),
  ],
  [
    'a commit',
    mutation(`commitDrafts(input: { organizationId: ${org.id}, ${selection} }) { clientMutationId }`),
  ],
];

describe.each(empty)('%s', (_what, filter) => {
  test.each(queries)('is refused for %s', async (_where, query) => {
    const { status, body, text } = await api.graphql(anna, query, { f: filter });
    expect(status, text).toBeLessThan(500);
    expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['INVALID_INPUT']);
    expect(text).not.toContain('pfaId":');
  });

  test('is refused in the text of a query', async () => {
    const literal = JSON.stringify(filter).replaceAll(/"(\w+)":/g, '$1:');
    const { body } = await api.graphql(
      anna,
      inOrganization(`pfaRecords(filter: ${literal}) { nodes { pfaId } }`).replace(
        '($f: PfaRecordFilter) ',
        '',
      ),
    );
    expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['INVALID_INPUT']);
  });

  test('is refused by a commit over REST', async () => {
    expect(await api.rest('POST', '/api/pfa/HOLNG/commit', { token: anna, body: { filter } })).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_INPUT' } },
    });
  });
});

test('no filter or a null filter means all records in a list', async () => {
  const query = inOrganization('pfaRecords(filter: $f) { totalCount }');
  expect((await api.graphql(anna, query)).text).toContain('"totalCount":2');
  const { body } = await api.graphql(anna, query, { f: null });
  expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['INVALID_INPUT']);
});

test.each(['users', 'organizations'])('lists of %s are no exception', async (list) => {
  for (const filter of ['{}', '{ or: [] }', '{ id: {} }', '{ id: { in: [] } }', '{ id: null }']) {
    const { body } = await api.graphql(anna, `{ ${list}(filter: ${filter}) { totalCount } }`);
    expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(['INVALID_INPUT']);
  }
});
