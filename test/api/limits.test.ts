import { postgraphile } from 'postgraphile';
import { beforeAll, describe, expect, test } from 'vitest';
import { graphqlLimits } from '../../src/graphql/limits.ts';
import { graphqlPreset } from '../../src/graphql/preset.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { makePerson, testApi } from './server.ts';

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'viewer']]);
const anna = await api.token('anna');

beforeAll(async () => {
  await putRecords(
    db,
    org,
    Array.from({ length: graphqlLimits.page + 1 }, (_, i) => ({ pfaId: `r${String(i).padStart(4, '0')}` })),
  );
});

const records = (args: string, fields = 'nodes { pfaId }') =>
  `{ organizationByCode(code: "HOLNG") { pfaRecords${args && `(${args})`} { ${fields} } } }`;

interface Records {
  organizationByCode: { pfaRecords: { nodes: { pfaId: string }[] } };
}

const idsOf = async (query: string, variables?: object) => {
  const data = await api.data<Records>(anna, query, variables);
  return data.organizationByCode.pfaRecords.nodes.map(({ pfaId }) => pfaId);
};

async function refusalOf(query: string, variables?: object) {
  const { status, body, text } = await api.graphql(anna, query, variables);
  expect(text).not.toContain('pfaId":');
  expect(status).toBeLessThan(500);
  return body.errors?.map(({ message, extensions }) => `${extensions?.code}: ${message}`).join('; ') ?? text;
}

describe('a page', () => {
  test('without a size gets the default size, from the requested end', async () => {
    expect(await idsOf(records(''))).toHaveLength(graphqlLimits.defaultPage);
    const whole = await idsOf(records(`first: ${graphqlLimits.page}`));
    const cursor = await api.data<{
      organizationByCode: { pfaRecords: { edges: { cursor: string }[] } };
    }>(anna, records('first: 1, offset: 500', 'edges { cursor }'));
    const before = JSON.stringify(cursor.organizationByCode.pfaRecords.edges[0]?.cursor);
    expect(await idsOf(records(`before: ${before}`))).toEqual(
      whole.slice(500 - graphqlLimits.defaultPage, 500),
    );
    expect(await idsOf(records(`after: ${before}`))).toEqual(
      whole.slice(501, 501 + graphqlLimits.defaultPage),
    );
    expect(await idsOf(records(`last: 3, before: ${before}`))).toEqual(whole.slice(497, 500));
  });

  test('gets the requested size, up to the maximum', async () => {
    expect(await idsOf(records('first: 0'))).toEqual([]);
    expect(await idsOf(records('last: 2'))).toEqual(['r0999', 'r1000']);
    expect(await idsOf(records(`first: ${graphqlLimits.page}`))).toHaveLength(graphqlLimits.page);
    expect(await idsOf(records(`last: ${graphqlLimits.page}`))).toHaveLength(graphqlLimits.page);
  });

  test.each(['first', 'last'])('that is larger is refused, also by variable: %s', async (argument) => {
    const variable = `query ($n: Int) { organizationByCode(code: "HOLNG") { pfaRecords(${argument}: $n) { nodes { pfaId } } } }`;
    for (const size of [graphqlLimits.page + 1, 1_000_000, 2_147_483_647, -1]) {
      const refused =
        size > 100_000 ? /QUERY_TOO_COSTLY|INVALID_INPUT/ : /INVALID_INPUT: A page has 0 to 1,000/;
      expect(await refusalOf(records(`${argument}: ${size}`))).toMatch(refused);
      expect(await refusalOf(variable, { n: size })).toMatch(refused);
    }
  });

  test('of a nested list keeps to the same limits', async () => {
    const query = (args: string) => `{ organizations { nodes { pfaRecords${args} { nodes { pfaId } } } } }`;
    const { organizations } = await api.data<{
      organizations: { nodes: { pfaRecords: { nodes: unknown[] } }[] };
    }>(anna, query(''));
    expect(organizations.nodes[0]?.pfaRecords.nodes).toHaveLength(graphqlLimits.defaultPage);
    expect(
      await refusalOf(query('(first: 1001)').replace('organizations', 'organizations(first: 1)')),
    ).toMatch(/INVALID_INPUT: A page/);
  });
});

const many = (count: number, made: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => made(i)).join(' ');

describe('a query for too much is refused before the database reads anything', () => {
  test.each<[string, string]>([
    [
      'large lists within lists',
      '{ organizations(first: 1000) { nodes { pfaRecords(first: 1000) { nodes { data } } } } }',
    ],
    [
      'lists within lists that say no size',
      '{ organizations(first: 1000) { nodes { pfaRecords { nodes { data } } } } }',
    ],
    [
      'many lists of nothing but their length',
      `{ organizations(first: 1000) { nodes { ${many(2, (i) => `a${i}: pfaRecords(first: 0) { totalCount }`)} } } }`,
    ],
    [
      'many values that are computed',
      `{ organizations(first: 1000) { nodes { ${many(34, (i) => `a${i}: myRole`)} } } }`,
    ],
    [
      'the same list under many names',
      `{ organizationByCode(code: "HOLNG") { ${many(30, (i) => `a${i}: pfaRecords(first: 1000) { nodes { data } }`)} } }`,
    ],
    [
      'the same list through a fragment that is used many times',
      `{ ${many(30, (i) => `a${i}: organizationByCode(code: "HOLNG") { ...F }`)} } fragment F on Organization { pfaRecords(first: 1000) { nodes { data } } }`,
    ],
    [
      'fragments that double each other',
      `{ organizationByCode(code: "HOLNG") { ...F0 } } ${many(20, (i) => `fragment F${i} on Organization { a${i}: myRole ...F${i + 1} ... on Organization { b${i}: pfaRecords(first: 1000) { nodes { data } } } }`)} fragment F20 on Organization { id }`,
    ],
    [
      'sums under many names',
      `{ organizationByCode(code: "HOLNG") { ${many(400, (i) => `a${i}: kpis { planCost }`)} } }`,
    ],
    [
      'many changes',
      `mutation { ${many(310, (i) => `a${i}: discardDrafts(input: {organizationId: 1}) { discarded }`)} }`,
    ],
  ])('%s', async (_what, query) => {
    expect(await refusalOf(query)).toMatch(/^QUERY_TOO_COSTLY: .* at most 1,300,000 is allowed/);
  });

  test('a page size in a variable counts like a literal', async () => {
    const query =
      'query ($n: Int = 1000) { organizations(first: $n) { nodes { pfaRecords(first: $n) { nodes { data } } } } }';
    expect(await refusalOf(query)).toMatch(/^QUERY_TOO_COSTLY/);
    expect(await refusalOf(query, { n: 500 })).toMatch(/^QUERY_TOO_COSTLY/);
    await api.data(anna, query, { n: 20 });
  });

  const one = (fields: string) => `{ organizationByCode(code: "HOLNG") { ${fields} } }`;
  const manyOfOne = (times: number, field: (i: number) => string) =>
    one(many(times, (i) => `a${i}: ${field(i)}`));

  // Each costs the database or the server seconds or hundreds of megabytes, with few values in the response.
  test.each<[string, string, object?]>([
    [
      'a count for each record',
      one('pfaRecords(first: 300) { nodes { organization { pfaRecords(first: 0) { totalCount } } } }'),
    ],
    [
      'a count for each record, in a fragment',
      `${one('pfaRecords(first: 300) { nodes { organization { pfaRecords(first: 0) { ...C } } } }')} fragment C on PfaRecordConnection { totalCount }`,
    ],
    ['many searches', manyOfOne(20, (i) => `foundRecords(first: 0, search: "a ${i}") { totalCount }`)],
    [
      'many lists that no index leads to',
      manyOfOne(150, (i) => `pfaRecords(first: 0, filter: {dor: {equalTo: "${i}"}}) { nodes { pfaId } }`),
    ],
    ['a list far behind its beginning', one('pfaRecords(first: 1, offset: 1000000) { nodes { pfaId } }')],
    [
      'thousands of conditions',
      'query ($f: PfaRecordFilter) { organizationByCode(code: "HOLNG") { pfaRecords(filter: $f) { nodes { pfaId } } } }',
      { f: { or: Array.from({ length: 5000 }, (_, i) => ({ dor: { equalTo: `${i}` } })) } },
    ],
    [
      'cursors of many columns',
      'query ($o: [PfaRecordOrderBy!]) { organizationByCode(code: "HOLNG") { pfaRecords(first: 1000, orderBy: $o) { edges { cursor } } } }',
      { o: Array<string>(1000).fill('CLASS_DESC') },
    ],
  ])('%s', async (_what, query, variables) => {
    expect(await refusalOf(query, variables)).toMatch(
      /^QUERY_TOO_COSTLY: .* at most (1,300,000 is|200 are) allowed/,
    );
  });

  // A plan takes about 100 kB for each of them, and the server caches plans.
  test('more database queries than a plan should have', async () => {
    const query = (times: number) => manyOfOne(times, (i) => `pfaRecords(first: ${i}) { nodes { pfaId } }`);
    expect(await refusalOf(query(graphqlLimits.reads))).toMatch(
      /^QUERY_TOO_COSTLY: .* it has 51 lists, related rows and calls, at most 50 are allowed/,
    );
    await api.data(anna, query(graphqlLimits.reads - 1));
  });

  test('the server caches few plans, whatever clients send', async () => {
    const graphql = postgraphile(graphqlPreset({ pool: db.owner, introspection: false }));
    const { extensions } = await graphql.getSchema();
    await graphql.release();
    expect(extensions.grafast).toMatchObject({
      operationsCacheMaxLength: 50,
      operationOperationPlansCacheMaxLength: 3,
    });
  });

  test('more fields than a plan should have, counted at each use of a fragment', async () => {
    const fields = Array.from({ length: 100 }, (_, i) => `b${i}: id`).join(' ');
    const spreads = Array.from({ length: 40 }, (_, i) => `a${i}: organizationByCode(code: "HOLNG") { ...F }`);
    expect(await refusalOf(`{ ${spreads.join(' ')} } fragment F on Organization { ${fields} }`)).toMatch(
      /^INVALID_QUERY: Query exceeds the maximum allowed number of nodes/,
    );
  });

  test('the queries of the web app and the README are far below the limits', async () => {
    await api.data(
      anna,
      '{ organizations { nodes { code myRole kpis { planCost forecastCost actualCost variance } } } }',
    );
    await api.data(
      anna,
      records(
        'first: 1000',
        'totalCount pageInfo { hasNextPage endCursor } nodes { pfaId revision hasDraft isPending hasProblem category class source dor planCost forecastCost actualCost data base }',
      ),
    );
  });
});

describe('nesting', () => {
  const cycle = (times: number) =>
    `{ organizationByCode(code: "HOLNG") { ${'pfaRecords(first: 1) { nodes { organization { '.repeat(times)}id${' } } }'.repeat(times)} } }`;
  test.each<[string, string]>([
    ['of the same field', cycle(3)],
    ['50 levels deep', cycle(17)],
    ['through the root', `{ ${'query { '.repeat(4)}__typename${' }'.repeat(4)} }`],
    [
      'through fragments',
      '{ organizationByCode(code: "HOLNG") { ...A } } fragment A on Organization { pfaRecords { nodes { organization { ...B } } } } fragment B on Organization { pfaRecords { nodes { organization { ...C } } } } fragment C on Organization { pfaRecords { nodes { pfaId } } }',
    ],
    ['of the schema', `{ __schema { types { ${'fields { type { '.repeat(6)}name${' } }'.repeat(6)} } } }`],
  ])('%s is refused', async (_what, query) => {
    expect(await refusalOf(query)).toMatch(/^INVALID_QUERY: .*exceeds operation depth limits/);
  });

  const nested = (path: string) => {
    const fields = path.split('.');
    return `{ ${fields.join(' { ')}${' }'.repeat(fields.length)}`;
  };
  test.each<[string, string, RegExp]>([
    [
      'of fields, no list among them too often',
      'organizationByCode(code: "HOLNG").syncLogs.nodes.organization.memberships.nodes.user.memberships.nodes.organization.aiConfig.primaryProvider.aiConfigsByPrimaryProviderId.nodes.organizationId',
      /: operation depth 14 exceeds maximum of 12\. Ask/,
    ],
    [
      'of lists',
      'organizations.nodes.syncLogs.nodes.rejects.nodes.run.rejects.nodes.run.sparedRemovals.nodes.pfaId',
      /: operation list depth 5 exceeds maximum of 4\. Ask/,
    ],
    [
      'of types of the schema',
      `__type(name: "Query").fields.type.fields.args.type.${'ofType.'.repeat(9)}name`,
      /: operation introspection depth 15 exceeds maximum of 14\b/,
    ],
  ])('%s has a limit of its own', async (_what, path, refused) => {
    expect(await refusalOf(nested(path))).toMatch(refused);
  });

  test('a fragment that includes itself is refused', async () => {
    expect(await refusalOf('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }')).toMatch(
      /^INVALID_QUERY/,
    );
  });

  const not = (depth: number) => {
    let filter: object = { category: { equalTo: 'x' } };
    for (let i = 0; i < depth; i++) filter = { not: filter };
    return filter;
  };
  const filtered =
    'query ($f: PfaRecordFilter) { organizationByCode(code: "HOLNG") { pfaRecords(filter: $f) { nodes { pfaId } } } }';
  test.each([19, 100, 3000])('of conditions in a variable: %i levels', async (depth) => {
    expect(await refusalOf(filtered, { f: not(depth) })).toMatch(
      /^INVALID_QUERY: A value has more than 20|MALFORMED_JSON.*nested too deeply/,
    );
  });
  test.each([19, 100, 1500])('of conditions in the query: %i levels', async (depth) => {
    const literal = `${'{not:'.repeat(depth)}{category:{equalTo:"x"}}${'}'.repeat(depth)}`;
    expect(await refusalOf(records(`filter: ${literal}`))).toMatch(
      /^INVALID_QUERY: (A value has more than 20|The query has)/,
    );
  });
  test('of conditions is allowed within reason', async () => {
    expect(await idsOf(filtered, { f: not(18) })).toEqual([]);
    expect(
      await idsOf(records(`filter: ${'{not:'.repeat(17)}{category:{equalTo:"x"}}${'}'.repeat(17)}`)),
    ).toEqual([]);
  });
});

describe('the text of a query', () => {
  test('has a maximum length, which the error names', async () => {
    const long = `{ ${' '.repeat(graphqlLimits.characters)}viewer { id } }`;
    expect(await refusalOf(long)).toMatch(/^INVALID_QUERY: The query has .* at most 20,000/);
    const { status, body } = await api.graphql(anna, long);
    expect({ status, extensions: body.errors?.[0]?.extensions }).toEqual({
      status: 400,
      extensions: { code: 'INVALID_QUERY' },
    });
  });
  test('has a maximum number of tokens', async () => {
    expect(await refusalOf(`{ ${'a:id '.repeat(3900)} }`)).toMatch(
      /^INVALID_QUERY: The query has more than 5,000/,
    );
  });
});

describe('a body', () => {
  test('of 5 MB is refused, and an anonymous request is refused before it is read', async () => {
    const big = { body: { changes: 'x'.repeat(5_000_000) } };
    for (const path of ['/api/pfa/HOLNG/draft', '/api/sync/trigger', '/api/auth/change-password'])
      expect(await api.rest('POST', path, big)).toMatchObject({
        status: path.startsWith('/api/auth/') ? 413 : 401,
      });
    const body = { recordId: 'r0000', changes: { category: 'x'.repeat(5_000_000) }, revision: 0 };
    for (const [method, path] of [
      ['POST', '/api/pfa/HOLNG/draft'],
      ['POST', '/api/sync/trigger'],
      ['POST', '/graphql'],
      ['POST', '/api/auth/login'],
    ] as const) {
      expect(await api.rest(method, path, { token: anna, body })).toMatchObject({
        status: 413,
        body: { error: { code: 'BODY_TOO_LARGE' } },
      });
    }
    for (const path of ['/api/pfa/HOLNG/draft', '/api/sync/trigger'])
      expect(await api.rest('POST', path, { body })).toMatchObject({ status: 401 });
  });

  test('for sign-in is small, since anonymous clients may send it', async () => {
    const login = (username: string) =>
      api.rest('POST', '/api/auth/login', { body: { username, password: 'x' } });
    expect((await login('a'.repeat(9_000))).status).toBe(400);
    expect((await login('a'.repeat(11_000))).status).toBe(413);
  });
});
