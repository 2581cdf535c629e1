import { getIntrospectionQuery } from 'graphql';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { makePerson, testApi } from './server.ts';

const db = await testDatabase();
const api = await testApi(db);
const productionApi = await testApi(db, { production: true });
const introspectedApi = await testApi(db, { production: true, introspection: true });
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);
const anna = await api.token('anna');

beforeAll(async () => {
  await putRecords(
    db,
    org,
    Array.from({ length: 25 }, (_, i) => ({
      pfaId: `r${String(i).padStart(2, '0')}`,
      category: i % 2 ? 'Crane' : 'Loader',
      source: 'Rental',
      monthlyRate: i,
    })),
  );
});

const records = (args: string, fields = 'nodes { pfaId }') =>
  `{ organizationByCode(code: "HOLNG") { pfaRecords(${args}) { ${fields} } } }`;

interface Records {
  organizationByCode: {
    pfaRecords: {
      totalCount: number;
      nodes: { pfaId: string; category: string }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  };
}

describe('an anonymous client', () => {
  const unauthenticated = { status: 401, body: { error: { code: 'UNAUTHENTICATED' } } };

  test.each([
    ['data', '{ organizations { nodes { id } } }'],
    ['what everybody may read', '{ pfaFields { nodes { key } } }'],
    ['data beside the schema', '{ __typename viewer { id } }'],
    ['data under the name of the schema', '{ __schema: organizations { nodes { id } } }'],
    ['data through a fragment', 'query { ...F } fragment F on Query { organizations { nodes { id } } }'],
    ['data through an inline fragment', '{ ... { organizations { nodes { id } } } }'],
    [
      'data in the second of two operations',
      'query A { __typename } query B { organizations { nodes { id } } }',
    ],
    ['a mutation', 'mutation { requestSync(input: { organizationId: 1 }) { clientMutationId } }'],
    ['what does not parse', '{'],
  ])('gets a 401 for %s', async (_what, query) => {
    expect(await api.graphql(null, query)).toMatchObject(unauthenticated);
    expect(await productionApi.graphql(null, query)).toMatchObject(unauthenticated);
  });

  test.each<[string, object]>([
    ['a list of queries', { text: '[{"query": "{ organizations { nodes { id } } }"}]' }],
    [
      'a query as it is',
      { text: '{ organizations { nodes { id } } }', headers: { 'content-type': 'application/graphql' } },
    ],
    [
      'a query as a form',
      { text: 'query={viewer{id}}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    ['no query', { text: '{}' }],
  ])('gets a 401 for %s', async (_what, request) => {
    expect(await api.rest('POST', '/graphql', request)).toMatchObject(unauthenticated);
    expect(await api.rest('POST', '/GraphQL/', request)).toMatchObject(unauthenticated);
  });

  test('gets a 401 in production before the query is read, however large it is', async () => {
    const large = { query: ' '.repeat(5_000_000) };
    expect(await productionApi.rest('POST', '/graphql', { body: large })).toMatchObject(unauthenticated);
  });

  test('may read the schema outside production only', async () => {
    const outside = await api.graphql<{ __schema: { types: unknown[] } }>(null, getIntrospectionQuery());
    expect(outside.body.errors).toBeUndefined();
    expect(outside.body.data?.__schema.types.length).toBeGreaterThan(50);
    expect(await productionApi.graphql(null, getIntrospectionQuery())).toMatchObject(unauthenticated);
    expect(await productionApi.graphql(null, '{ __typename }')).toMatchObject(unauthenticated);
  });
});

describe('in production', () => {
  test('a signed-in user may read the schema only if the configuration allows it', async () => {
    for (const query of [
      getIntrospectionQuery(),
      '{ __schema { queryType { name } } }',
      '{ __type(name: "User") { name } }',
    ]) {
      const { status, body } = await productionApi.graphql(anna, query);
      expect({ status, error: body.errors?.[0] }).toMatchObject({
        status: 400,
        error: {
          message: expect.stringContaining('introspection has been disabled') as string,
          extensions: { code: 'INVALID_QUERY' },
        },
      });
      expect(body.errors?.length).toBeLessThanOrEqual(5);
      const open = await introspectedApi.graphql(anna, query);
      expect(open.body.errors).toBeUndefined();
    }
  });

  test('the error about a wrong name does not suggest the right one', async () => {
    for (const query of ['{ organisations { nodes { id } } }', '{ organization(idd: 1) { id } }']) {
      expect((await introspectedApi.graphql(anna, query)).text).toContain('Did you mean');
      expect((await productionApi.graphql(anna, query)).text).not.toContain('Did you mean');
    }
  });
});

test('GraphiQL exists outside production only', async () => {
  const page = await api.rest('GET', '/graphiql', { headers: { accept: 'text/html' } });
  expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
    status: 200,
    type: expect.stringMatching(/^text\/html/) as string,
  });
  for (const path of ['/graphiql', '/graphql', '/ruru-static/ruru.js']) {
    const { status, text } = await productionApi.rest('GET', path, { headers: { accept: 'text/html' } });
    expect(status).toBeGreaterThanOrEqual(401);
    expect(text).not.toMatch(/<html|<script|ruru-root/i);
  }
});

test('GET requests are refused: a link must not cause an action', async () => {
  for (const query of [
    '{ viewer { id } }',
    'mutation { requestSync(input: { organizationId: 1 }) { clientMutationId } }',
  ]) {
    const { status, body } = await api.rest('GET', `/graphql?query=${encodeURIComponent(query)}`, {
      token: anna,
    });
    expect({ status, body }).toMatchObject({
      status: 405,
      body: { errors: [{ extensions: { code: 'INVALID_QUERY' } }] },
    });
  }
});

describe('records of an organization', () => {
  test('are counted, filtered and sorted', async () => {
    const { organizationByCode } = await api.data<Records>(
      anna,
      records(
        'filter: { category: { equalTo: "Crane" } }, orderBy: [PFA_ID_DESC], first: 2',
        'totalCount nodes { pfaId category }',
      ),
    );
    expect(organizationByCode.pfaRecords).toEqual({
      totalCount: 12,
      nodes: [
        { pfaId: 'r23', category: 'Crane' },
        { pfaId: 'r21', category: 'Crane' },
      ],
    });
  });

  test('are paged by cursor, each exactly once', async () => {
    const seen: string[] = [];
    for (let after = 'null'; ;) {
      const data: Records = await api.data<Records>(
        anna,
        records(
          `first: 10, after: ${after}, orderBy: [CATEGORY_ASC]`,
          'nodes { pfaId } pageInfo { hasNextPage endCursor }',
        ),
      );
      const { nodes, pageInfo } = data.organizationByCode.pfaRecords;
      seen.push(...nodes.map(({ pfaId }) => pfaId));
      if (!pageInfo.hasNextPage) break;
      after = JSON.stringify(pageInfo.endCursor);
    }
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });
});

describe('errors carry a code of the same catalog as in REST', () => {
  const save = (changes: string, revision = '"0"', recordId = '"r00"') =>
    `mutation { saveDraft(input: { organizationId: ${org.id}, recordId: ${recordId}, changes: ${changes}, revision: ${revision} }) { record { pfaId } } }`;

  test.each([
    ['what does not parse', '{', 'INVALID_QUERY'],
    ['a field that there is not', '{ nothing }', 'INVALID_QUERY'],
    ['an argument of the wrong type', '{ organization(id: "one") { id } }', 'INVALID_QUERY'],
    ['a number beyond all', '{ organization(id: 99999999999) { id } }', 'INVALID_QUERY'],
    ['an argument that is missing', '{ organization { id } }', 'INVALID_QUERY'],
    ['a filter that is not offered', records('filter: { manufacturer: { equalTo: "X" } }'), 'INVALID_QUERY'],
    ['a filter that is empty', records('filter: { category: {} }'), 'INVALID_INPUT'],
    ['a filter that is null', records('filter: { category: null }'), 'INVALID_INPUT'],
    ['an order that is not offered', records('orderBy: [MODEL_ASC]'), 'INVALID_QUERY'],
    ['a cursor that is none', records('first: 1, after: "junk"'), 'INVALID_QUERY'],
    ['a negative page', records('first: -1'), 'INVALID_INPUT'],
    ['a date that is none', records('filter: { forecastEnd: { equalTo: "soon" } }'), 'INVALID_INPUT'],
    ['an id that is none', `{ pfaDraft(organizationId: ${org.id}, id: "abc") { id } }`, 'INVALID_INPUT'],
    [
      'an unknown organization',
      'mutation { discardDrafts(input: { organizationId: 999999999 }) { discarded } }',
      'NOT_FOUND',
    ],
    ['an unknown record', save('{ category: "X" }', '"0"', '"nothing"'), 'NOT_FOUND'],
    [
      'what only an owner may',
      `mutation { requestSync(input: { organizationId: ${org.id} }) { clientMutationId } }`,
      'FORBIDDEN',
    ],
    ['a stale revision', save('{ category: "X" }'), 'REVISION_CONFLICT'],
    ['empty changes', save('{}'), 'INVALID_INPUT'],
    ['changes that are text', save('"category"'), 'INVALID_INPUT'],
    ['a null character', save('{ category: "X" }', '"0"', '"r\\u0000"'), 'INVALID_INPUT'],
    ['a number too large to be one', save('{ monthlyRate: 1e400 }'), 'INVALID_QUERY'],
    ['a number too small to be one', save('{ monthlyRate: 1e-400 }'), 'INVALID_QUERY'],
    [
      'a query nested too deeply',
      `{ organizations { nodes { ${'pfaRecords(first: 1) { nodes { organization { '.repeat(40)}id${' } } }'.repeat(40)} } } }`,
      'INVALID_QUERY',
    ],
    [
      'a query nested much too deeply',
      `{ ${'query { '.repeat(5000)}__typename${' }'.repeat(5000)} }`,
      'INVALID_QUERY',
    ],
  ])('%s', async (_what, query, code) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined); // The GraphQL library reports errors there.
    const { status, body, text } = await api.graphql(anna, query);
    expect(body.errors?.map(({ extensions }) => extensions?.code)).toEqual(body.errors?.map(() => code));
    expect(body.errors?.length).toBeGreaterThan(0);
    for (const { message } of body.errors ?? []) expect(message).toMatch(/\S/);
    expect(status).toBeLessThan(500);
    expect(text).not.toMatch(/app_core|app_private|app_public|select |node_modules|\.ts:|\.js:|grafast/i);
  });

  test.each<[string, object]>([
    ['no query', { body: {} }],
    ['a list', { body: [{ query: '{ viewer { id } }' }] }],
    ['variables that are a number', { body: { query: '{ viewer { id } }', variables: 7 } }],
    ['an operation that there is not', { body: { query: 'query A { viewer { id } }', operationName: 'B' } }],
    [
      'two operations and no name',
      { body: { query: 'query A { viewer { id } } query B { viewer { id } }' } },
    ],
    [
      'a form',
      { text: 'query={viewer{id}}', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
  ])('a request with %s', async (_what, request) => {
    const { status, body } = await api.rest('POST', '/graphql', { token: anna, ...request });
    expect({ status: status >= 400 && status < 500, body }).toMatchObject({
      status: true,
      body: { errors: [{ extensions: { code: 'INVALID_QUERY' } }] },
    });
  });

  test.each<[string, object, string]>([
    [
      'a body that is not marked as JSON',
      { text: 'x', headers: { 'content-type': 'text/plain' } },
      'Send JSON with',
    ],
    ['no query', { body: {} }, 'Send `{"query"'],
    [
      'a query nested too deeply',
      {
        body: {
          query: `{ organizations { nodes { ${'pfaRecords { nodes { organization { '.repeat(9)}id${' } } }'.repeat(9)} } } }`,
        },
      },
      'Ask for fewer levels',
    ],
  ])('%s gets a hint what to send', async (_what, request, hint) => {
    const { body } = await api.rest<{ errors?: { message: string }[] }>('POST', '/graphql', {
      token: anna,
      ...request,
    });
    expect(body.errors?.[0]?.message).toContain(`. ${hint}`);
  });

  test('the error about a value names record and key, as in REST', async () => {
    const { pfaRecord } = await api.data<{ pfaRecord: { revision: string } }>(
      anna,
      `{ pfaRecord(organizationId: ${org.id}, pfaId: "r00") { revision } }`,
    );
    const { body } = await api.graphql(anna, save('{ monthlyRate: -1 }', JSON.stringify(pfaRecord.revision)));
    expect(body.errors).toMatchObject([
      {
        path: ['saveDraft'],
        extensions: { code: 'INVALID_VALUE', details: [{ recordId: 'r00', key: 'monthlyRate', value: -1 }] },
      },
    ]);
  });

  test('a client that prefers the older media type gets the codes too', async () => {
    const { body } = await api.rest('POST', '/graphql', {
      token: anna,
      body: { query: '{ nothing }' },
      headers: { accept: 'application/json' },
    });
    expect(body).toMatchObject({
      errors: [
        { message: expect.stringContaining('nothing') as string, extensions: { code: 'INVALID_QUERY' } },
      ],
    });
  });
});

test('records are found by their words, filtered, sorted and counted', async () => {
  const { organizationByCode } = await api.data<{
    organizationByCode: { foundRecords: { totalCount: number; nodes: { pfaId: string }[] } };
  }>(
    anna,
    '{ organizationByCode(code: "HOLNG") { foundRecords(search: "CRA r1", filter: { pfaId: { notEqualTo: "r15" } }, orderBy: [PFA_ID_DESC], first: 2) { totalCount nodes { pfaId } } } }',
  );
  expect(organizationByCode.foundRecords).toEqual({
    totalCount: 4,
    nodes: [{ pfaId: 'r19' }, { pfaId: 'r17' }],
  });
});
