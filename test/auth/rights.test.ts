import { beforeAll, expect, test } from 'vitest';
import { makePerson, testApi } from '../api/server.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, makeUser, putRecords, type Organization } from '../support/make.ts';

// Every request reads the rights anew: an older token does not preserve them.

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
const other = await makeOrganization(db, 'RIO');
const neither = await makeOrganization(db, 'PORTARTHUR');

beforeAll(async () => {
  for (const each of [org, other, neither]) await putRecords(db, each, [{ pfaId: 'a', category: each.code }]);
});

let made = 0;
async function person(role: 'admin' | 'user' | 'viewer' = 'user') {
  const username = `person ${++made}`;
  const userId = await makePerson(
    db,
    username,
    [
      [org, 'member'],
      [other, 'member'],
    ],
    role,
  );
  return { userId, username, token: await api.token(username) };
}

/** Returns the codes of the organizations that a token can read by list, by name and through a record, and by REST. */
async function reached(token: string) {
  const data = await api.data<{
    organizations: { nodes: { code: string; pfaRecords: { totalCount: number } }[] };
    organizationByCode: { code: string } | null;
    pfaRecord: { data: { category: string } } | null;
  }>(
    token,
    `query ($id: Int!) {
      organizations(first: 10) { nodes { code pfaRecords { totalCount } } }
      organizationByCode(code: "HOLNG") { code }
      pfaRecord(organizationId: $id, pfaId: "a") { data }
    }`,
    { id: org.id },
  );
  const page = await api.rest('GET', '/api/pfa/HOLNG?limit=1', { token });
  return {
    listed: data.organizations.nodes
      .filter((node) => node.pfaRecords.totalCount > 0)
      .map((node) => node.code)
      .sort(),
    byCode: data.organizationByCode?.code ?? null,
    record: data.pfaRecord?.data.category ?? null,
    rest: page.status,
  };
}

/** Returns whether REST and GraphQL accept a draft. */
async function drafted(token: string, organization: Organization) {
  const page = await api.rest<{ records?: { revision: number }[] }>(
    'GET',
    `/api/pfa/${organization.code}?limit=1`,
    { token },
  );
  const draft = {
    recordId: 'a',
    changes: { model: `by token ${++made}` },
    revision: page.body.records?.[0]?.revision ?? 1,
  };
  const rest = await api.rest('POST', `/api/pfa/${organization.code}/draft`, { token, body: draft });
  const graphql = await api.graphql(
    token,
    `mutation ($input: SaveDraftInput!) { saveDraft(input: $input) { record { revision } } }`,
    { input: { organizationId: organization.id, ...draft, revision: '0' } },
  );
  return { rest: rest.status, graphql: graphql.body.errors?.[0]?.extensions?.code };
}

// A stale revision is refused last, and proves the right to write.
const mayWrite = { rest: 200, graphql: 'REVISION_CONFLICT' };
const mayNotWrite = { rest: 403, graphql: 'FORBIDDEN' };
const everything = { byCode: 'HOLNG', record: 'HOLNG', rest: 200 };

test('a member reads and drafts in the organizations of the membership', async () => {
  const { token } = await person();
  expect(await reached(token)).toEqual({ listed: ['HOLNG', 'RIO'], ...everything });
  expect(await drafted(token, org)).toEqual(mayWrite);
});

test('a disabled user is refused from the next request on, and accepted again once enabled', async () => {
  const { token, userId, username } = await person();
  await db.owner.query('update app_public.users set is_active = false where id = $1', [userId]);
  for (const [method, path, body] of [
    ['GET', '/api/pfa/HOLNG'],
    ['GET', '/api/sync/status'],
    ['POST', '/graphql', { query: '{ organizations { nodes { id } } }' }],
    ['POST', '/graphql', { query: '{ __typename }' }],
  ] as const) {
    expect(await api.rest(method, path, { token, body })).toMatchObject({
      status: 401,
      body: { error: { code: 'UNAUTHENTICATED' } },
    });
  }
  expect(await api.login(username)).toMatchObject({
    status: 401,
    body: { error: { code: 'WRONG_CREDENTIALS' } },
  });

  await db.owner.query('update app_public.users set is_active = true where id = $1', [userId]);
  expect(await reached(token)).toMatchObject(everything);
});

test('a deleted user is refused from the next request on', async () => {
  const userId = await makePerson(db, 'leaver', [[org, 'viewer']]);
  const token = await api.token('leaver');
  await db.owner.query('delete from app_public.users where id = $1', [userId]);
  expect((await api.rest('GET', '/api/sync/status', { token })).status).toBe(401);
});

test('a removed member cannot read that organization from the next request on, but still reads the others', async () => {
  const { token, userId } = await person();
  expect((await drafted(token, org)).rest).toBe(200);
  await db.owner.query(
    'delete from app_public.user_organizations where user_id = $1 and organization_id = $2',
    [userId, org.id],
  );
  expect(await reached(token)).toEqual({ listed: ['RIO'], byCode: null, record: null, rest: 404 });
  expect(await drafted(token, org)).toEqual({ rest: 404, graphql: 'NOT_FOUND' });
  expect(await drafted(token, other)).toEqual(mayWrite);
});

test('a member who becomes a viewer can read but not write from the next request on', async () => {
  const { token, userId } = await person();
  expect(await drafted(token, org)).toEqual(mayWrite);
  await db.owner.query(
    "update app_public.user_organizations set role = 'viewer' where user_id = $1 and organization_id = $2",
    [userId, org.id],
  );
  expect(await reached(token)).toMatchObject(everything);
  expect(await drafted(token, org)).toEqual(mayNotWrite);
  expect(await drafted(token, other)).toEqual(mayWrite);
  const discarded = await api.rest('POST', '/api/pfa/HOLNG/discard', { token, body: {} });
  expect(discarded).toMatchObject({ status: 403, body: { error: { code: 'FORBIDDEN' } } });
});

test('the role viewer of a user overrides every membership', async () => {
  const { token, userId } = await person();
  await db.owner.query("update app_public.user_organizations set role = 'owner' where user_id = $1", [
    userId,
  ]);
  await db.owner.query("update app_public.users set role = 'viewer' where id = $1", [userId]);
  expect(await reached(token)).toMatchObject(everything);
  expect(await drafted(token, org)).toEqual(mayNotWrite);
  const trigger = await api.rest('POST', '/api/sync/trigger', { token, body: { organization: 'HOLNG' } });
  expect(trigger.status).toBe(403);
});

test('a new member reads the organization from the next request on', async () => {
  const { token, userId } = await person();
  await db.owner.query(
    'insert into app_public.user_organizations (organization_id, user_id) values ($1, $2)',
    [neither.id, userId],
  );
  expect((await reached(token)).listed).toEqual(['HOLNG', 'PORTARTHUR', 'RIO']);
});

test('an administrator needs no membership, and loses all rights with the role', async () => {
  const userId = await makePerson(db, 'root', [], 'admin');
  const token = await api.token('root');
  expect((await reached(token)).listed).toEqual(['HOLNG', 'PORTARTHUR', 'RIO']);
  expect(await drafted(token, org)).toEqual(mayWrite);
  await db.owner.query("update app_public.users set role = 'user' where id = $1", [userId]);
  expect(await reached(token)).toEqual({ listed: [], byCode: null, record: null, rest: 404 });
});

test('no user sees a disabled organization', async () => {
  const { token } = await person('admin');
  await db.owner.query('update app_public.organizations set is_active = false where id = $1', [neither.id]);
  expect((await reached(token)).listed).toEqual(['HOLNG', 'RIO']);
  expect((await api.rest('GET', '/api/pfa/PORTARTHUR', { token })).status).toBe(404);
});

test('requests of different users over the same connections do not mix', async () => {
  const [both, one, none] = [await person(), await person(), await person()];
  await db.owner.query(
    'delete from app_public.user_organizations where user_id = $1 and organization_id = $2',
    [one.userId, org.id],
  );
  await db.owner.query('delete from app_public.user_organizations where user_id = $1', [none.userId]);
  const listed = (token: string) =>
    api.data<{ viewer: { id: number }; organizations: { nodes: { code: string }[] } }>(
      token,
      '{ viewer { id } organizations { nodes { code } } }',
    );
  await makeUser(db);
  const asked = Array.from({ length: 60 }, (_, i) => [both, one, none][i % 3]!);
  const answers = await Promise.all(asked.map(async ({ token }) => listed(token)));
  asked.forEach((who, i) => {
    const answer = answers[i]!;
    expect(answer.viewer.id).toBe(who.userId);
    expect(answer.organizations.nodes.map(({ code }) => code).sort()).toEqual(
      who === both ? ['HOLNG', 'RIO'] : who === one ? ['RIO'] : [],
    );
  });
});
