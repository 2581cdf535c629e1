import { afterEach, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords } from '../support/make.ts';
import { makePerson, testApi, type Answer } from './server.ts';

// Internal failures: responses say so, reveal no details, and the server recovers.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
await makePerson(db, 'anna', [[org, 'member']]);
const anna = await api.token('anna');

const poison = 66_600;

beforeAll(async () => {
  await putRecords(db, org, [
    ...Array.from({ length: 2100 }, (_, i) => ({
      pfaId: `r${String(i).padStart(5, '0')}`,
      category: 'Crane',
    })),
    { pfaId: 'z', source: 'Purchase', purchasePrice: poison / 100 },
  ]);
});

/** Words that no response may contain. */
const internals =
  /app_core|app_public|app_private|pfa_|select|function|relation|terminating|administrator|stack|\.ts|postgres/i;

const query = '{ organizationByCode(code: "HOLNG") { pfaRecords(first: 1) { nodes { pfaId category } } } }';
const read = () => api.rest('GET', '/api/pfa/HOLNG?limit=1', { token: anna });
const draft = () =>
  api.rest('POST', '/api/pfa/HOLNG/draft', {
    token: anna,
    body: { recordId: 'r00000', changes: { category: 'X' }, revision: 0 },
  });
const draftInGraphql = () =>
  api.graphql(
    anna,
    `mutation { saveDraft(input: { organizationId: ${org.id}, recordId: "r00000", changes: { category: "X" }, revision: "0" }) { clientMutationId } }`,
  );

/** Connects as the superuser of the cluster, to another database. */
const asSuperuser = (text: string) => {
  return withClient(urlTo(db.superuserUrl, 'postgres'), (client) =>
    client.query<{ pid: number; ended: boolean }>(text),
  );
};
const endServersConnections = (which = 'true') =>
  asSuperuser(`select pid, pg_terminate_backend(pid) as ended from pg_stat_activity
    where datname = '${db.name}' and application_name = 'vanguard server' and ${which}`);

const works = async () => {
  await expect.poll(async () => (await read()).status).toBe(200);
  expect(await api.graphql(anna, query)).toMatchObject({
    status: 200,
    body: { data: { organizationByCode: {} } },
  });
};
afterEach(works);

test('the server survives the loss of its idle connections', async () => {
  await Promise.all(Array.from({ length: 5 }, read));
  expect((await endServersConnections()).rows.length).toBeGreaterThan(0);
  await works();
});

/** Starts requests that wait for a lock, terminates their connections, and returns the responses. */
async function interrupted<T>(...requests: (() => Promise<T>)[]): Promise<T[]> {
  return db.asOwner(async (client) => {
    await client.query("select from app_core.pfa_mirror where pfa_id = 'r00000' for update");
    const answers = Promise.all(requests.map((request) => request()));
    const waiting = async () =>
      (
        await asSuperuser(`select pid, true as ended from pg_stat_activity
          where datname = '${db.name}' and application_name = 'vanguard server' and wait_event_type = 'Lock'`)
      ).rows.length;
    await expect.poll(waiting, { timeout: 5000 }).toBe(requests.length);
    await endServersConnections("wait_event_type = 'Lock'");
    return answers;
  });
}

test('a request whose connection is terminated gets a hint to retry', async () => {
  const [rest, graphql] = await interrupted<Answer<unknown>>(draft, draftInGraphql);
  expect(rest).toMatchObject({
    status: 503,
    body: {
      error: {
        code: 'DATABASE_UNAVAILABLE',
        message: expect.stringContaining('Send the request again') as string,
      },
    },
  });
  expect(rest!.headers.get('retry-after')).toBe('5');
  expect(graphql).toMatchObject({ body: { errors: [{ extensions: { code: 'DATABASE_UNAVAILABLE' } }] } });
  for (const { text } of [rest!, graphql!]) expect(text.replaceAll(/saveDraft/g, '')).not.toMatch(internals);
});

test('a database that accepts no connections makes the server not ready, and it stays alive', async () => {
  await asSuperuser(`alter database ${db.name} with allow_connections false`);
  try {
    await endServersConnections();
    await expect.poll(async () => (await api.rest('GET', '/api/ready')).status).toBe(503);
    expect((await api.rest('GET', '/api/ready')).body).toEqual({
      status: 'not ready',
      code: 'DATABASE_UNAVAILABLE',
      checks: { database: false, writable: false, migrations: false, queue: false },
    });
    expect(await api.rest('GET', '/api/health')).toMatchObject({ status: 200, body: { status: 'alive' } });
    for (const answer of [await read(), await api.graphql(anna, query), await api.login('anna')]) {
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.text).not.toMatch(internals);
      expect(answer.text).not.toContain(db.name);
    }
  } finally {
    await asSuperuser(`alter database ${db.name} with allow_connections true`);
  }
});

test('a database that becomes read-only makes the server not ready until it accepts writes again', async () => {
  await asSuperuser(`alter database ${db.name} set default_transaction_read_only = on`);
  try {
    await endServersConnections();
    await expect
      .poll(async () => (await api.rest('GET', '/api/ready')).body)
      .toEqual({
        status: 'not ready',
        code: 'DATABASE_READ_ONLY',
        checks: { database: true, writable: false, migrations: true, queue: true },
      });
  } finally {
    await asSuperuser(`alter database ${db.name} reset default_transaction_read_only`);
    await endServersConnections();
  }
  await expect.poll(async () => (await api.rest('GET', '/api/ready')).status).toBe(200);
});

test('an internal error is a 500 without details', async () => {
  await db.owner.query('alter function app_public.save_draft rename to saved_draft');
  await db.owner.query('alter view app_public.pfa_record rename column category to categories');
  try {
    const internal = {
      code: 'INTERNAL',
      message: 'Internal error. The log of the server has the details.',
    };
    const rest = await draft();
    expect({ status: rest.status, body: rest.body }).toEqual({ status: 500, body: { error: internal } });
    const mutation = await draftInGraphql();
    const { code, message } = internal;
    expect(mutation.body.errors).toMatchObject([{ message, extensions: { code } }]);
    expect(Object.keys(mutation.body.errors![0]!.extensions!)).toEqual(['code']);
    const read = await api.graphql(anna, query);
    expect(read.body.errors).toMatchObject([{ message, extensions: { code } }]);
    for (const { text } of [rest, mutation, read]) {
      expect(text.replaceAll(/saveDraft|pfaRecords|organizationByCode/g, '')).not.toMatch(internals);
    }
  } finally {
    await db.owner.query('alter function app_public.saved_draft rename to save_draft');
    await db.owner.query('alter view app_public.pfa_record rename column categories to category');
  }
});

test('a stream that fails half way is cut off and never looks complete', async () => {
  const { rows } = await db.owner.query<{ definition: string }>(
    "select pg_get_functiondef('app_core.usd(numeric)'::regprocedure) as definition",
  );
  // The very last record, in the second batch, cannot be read.
  await db.owner
    .query(`create or replace function app_core.usd(cents numeric) returns numeric language sql immutable parallel safe
    return case when cents = ${poison} then 1 / (cents - ${poison}) else cents / 100.0 end`);
  try {
    await expect(api.rest('GET', '/api/pfa/HOLNG', { token: anna })).rejects.toThrow();
    const response = await fetch(`${api.url}/api/pfa/HOLNG`, {
      headers: { authorization: `Bearer ${anna}` },
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  } finally {
    await db.owner.query(rows[0]!.definition);
  }
});

test('a client that disconnects in the middle of a stream leaves nothing behind', async () => {
  for (let i = 0; i < 25; i++) {
    const controller = new AbortController();
    const response = await fetch(`${api.url}/api/pfa/HOLNG`, {
      headers: { authorization: `Bearer ${anna}` },
      signal: controller.signal,
    });
    await response.body!.getReader().read();
    controller.abort();
  }
  // More streams than the pool has connections: a leak would use up the pool.
  const busy = async () =>
    (
      await asSuperuser(`select pid, true as ended from pg_stat_activity
        where datname = '${db.name}' and application_name = 'vanguard server' and state <> 'idle'`)
    ).rows.length;
  await expect.poll(busy, { timeout: 5000 }).toBe(0);
});
