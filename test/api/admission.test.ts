import { afterEach, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { testDatabase } from '../support/database.ts';
import { untilBlocked } from '../support/ask.ts';
import { makeOrganization, one, putRecords } from '../support/make.ts';
import { makePerson, testApi } from './server.ts';

// One user sends more than a fair share of requests; other users notice nothing.

const db = await testDatabase();
const api = await testApi(db, { admin: { host: '127.0.0.1', port: 0 } });
const [org, other] = [await makeOrganization(db), await makeOrganization(db)];
const annaId = await makePerson(db, 'anna', [[org, 'member']]);
await makePerson(db, 'otto', [[other, 'viewer']]);
const miaId = await makePerson(db, 'mia', [
  [org, 'member'],
  [other, 'member'],
]);
await makePerson(db, 'max', [
  [org, 'member'],
  [other, 'member'],
]);
const [anna, otto] = [await api.token('anna'), await api.token('otto')];
const [mia, max] = [await api.token('mia'), await api.token('max')];

beforeAll(async () => {
  for (const each of [org, other]) await putRecords(db, each, [{ pfaId: 'r1', category: 'Crane' }]);
});

const undo = `mutation { undoDraft(input: { organizationId: ${org.id} }) { clientMutationId } }`;
const page = '{ organizations { nodes { pfaRecords(first: 10) { nodes { pfaId } } } } }';

/** Runs an action while another process locks the drafts of a user, so that an undo waits in the database. */
const whileBlocked = <T>(use: () => Promise<T>, userId = annaId): Promise<T> =>
  db.asOwner(async (client) => {
    await client.query('begin');
    await client.query('select app_private.lock_operations($1, $2)', [org.id, userId]);
    try {
      return await use();
    } finally {
      await client.query('rollback');
    }
  });

/** Number of connections of the server in this state. */
const busy = () =>
  withClient(db.superuserUrl, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::integer as n from pg_stat_activity
      where datname = current_database() and application_name = 'vanguard server' and state <> 'idle'`,
    );
    return one(rows).n;
  });

afterEach(() => expect.poll(busy, { timeout: 5000 }).toBe(0));

test('24 undo calls of a user hold one connection; most are refused at once, and other users are served', async () => {
  const refused: unknown[] = [];
  let attack: Promise<number[]> | undefined;
  await whileBlocked(async () => {
    attack = Promise.all(
      Array.from({ length: 24 }, async () => {
        const { status, headers, body } = await api.graphql(anna, undo);
        if (status === 429) refused.push({ body, retryAfter: headers.get('retry-after') });
        return status;
      }),
    );
    await expect.poll(() => refused.length, { timeout: 10_000 }).toBe(19);
    await untilBlocked(db);
    expect(refused[0]).toEqual({
      retryAfter: '5',
      body: {
        errors: [
          expect.objectContaining({
            message:
              'Too many of your requests wait already. Wait for the others, then send it again after 5 seconds.',
            extensions: { code: 'TOO_MANY_REQUESTS', retryAfter: 5 },
          }),
        ],
      },
    });
    expect(await busy()).toBe(1);
    expect(await api.rest('POST', `/api/pfa/${org.code}/commit`, { token: anna, body: {} })).toMatchObject({
      status: 429,
      body: { error: { code: 'TOO_MANY_REQUESTS' } },
    });
    const others = await Promise.all([
      api.rest('GET', '/api/ready'),
      api.login('otto'),
      api.graphql(otto, page),
      api.rest('GET', `/api/pfa/${other.code}?limit=1`, { token: otto }),
      // Also small requests of the same user.
      api.graphql(anna, page),
    ]);
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const figures = await (await fetch(`${api.adminUrl}/metrics`)).text();
    expect(figures).toContain('vanguard_requests_admitted{class="bulk",state="running",part="server"} 1');
    expect(figures).toContain('vanguard_requests_admitted{class="bulk",state="waiting",part="server"} 4');
    expect(figures).toContain('vanguard_requests_refused_total{class="bulk",part="server"} 20');
  });
  // GraphQL reports with status 200 that there was nothing to undo.
  expect((await attack)!.filter((status) => status === 200)).toHaveLength(5);
});

const undoOf = 'undoDraft(input: $input) { clientMutationId }';
test.each([
  ['a literal', max, { query: undo }],
  [
    'a variable',
    max,
    {
      query: 'mutation ($id: Int!) { undoDraft(input: { organizationId: $id }) { clientMutationId } }',
      variables: { id: org.id },
    },
  ],
  [
    'an input object',
    max,
    {
      query: `mutation ($input: UndoDraftInput!) { ${undoOf} }`,
      variables: { input: { organizationId: org.id } },
    },
  ],
])(
  'bulk work of users of several organizations waits for that of the organization named by %s',
  async (_name, token, body) => {
    const waiting = async () =>
      /requests_admitted\{class="bulk",state="waiting",part="server"\} (\d+)/.exec(
        await (await fetch(`${api.adminUrl}/metrics`)).text(),
      )?.[1];
    const send = (bearer: string, sent: object) =>
      api.rest('POST', '/graphql', { token: bearer, body: sent });
    let calls: Promise<{ status: number }>[] = [];
    await whileBlocked(async () => {
      calls = [send(mia, { query: undo })];
      await untilBlocked(db);
      calls.push(send(token, body));
      await expect.poll(waiting, { timeout: 5000 }).toBe('1');
      expect(await busy()).toBe(1);
      // Small requests do not wait.
      expect((await send(anna, { query: page })).status).toBe(200);
    }, miaId);
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200]);
  },
);

test('a query is canceled when its client disconnects, and its waiting requests leave the queue', async () => {
  await whileBlocked(async () => {
    const gone = new AbortController();
    const send = (path: string, body: object) =>
      fetch(`${api.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${anna}` },
        body: JSON.stringify(body),
        signal: gone.signal,
      });
    const calls = [send('/graphql', { query: undo })];
    await untilBlocked(db);
    calls.push(send('/graphql', { query: undo }), send(`/api/pfa/${org.code}/discard`, {}));
    const waiting = async () =>
      /requests_admitted\{class="bulk",state="waiting",part="server"\} (\d+)/.exec(
        await (await fetch(`${api.adminUrl}/metrics`)).text(),
      )?.[1];
    await expect.poll(waiting, { timeout: 5000 }).toBe('2');
    gone.abort();
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    // The other process still holds the lock: only a cancellation ends the statement.
    await expect.poll(busy, { timeout: 5000 }).toBe(0);
    await expect.poll(waiting, { timeout: 5000 }).toBe('0');
  });
  expect((await api.graphql(anna, page)).body.errors).toBeUndefined();
});

test('a REST request is canceled too when its client disconnects', async () => {
  await whileBlocked(async () => {
    const gone = new AbortController();
    const call = fetch(`${api.url}/api/pfa/${org.code}/draft/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${anna}` },
      body: JSON.stringify({ items: [{ recordId: 'r1', changes: { category: 'X' }, revision: 0 }] }),
      signal: gone.signal,
    });
    await untilBlocked(db);
    gone.abort();
    await expect(call).rejects.toThrow();
    await expect.poll(busy, { timeout: 5000 }).toBe(0);
  });
});
