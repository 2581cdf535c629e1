import { expect, test } from 'vitest';
import { commitChange, refusal } from '../../../support/ask.ts';
import { makeConnection } from '../../../support/connections.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, makeUser, one, putRecords } from '../../../support/make.ts';

// Tests the rights and effects of pause_push, resume_push, pause_connection and resume_connection, and push_status.

const db = await testDatabase();

/** Fields of a status that the tests compare. */
interface Status {
  state: string;
  waiting_count: number;
  writing_count: number;
  uncertain_count: number;
  paused_by: string | null;
}

async function project() {
  const org = await makeOrganization(db);
  const [owner, admin, member, viewer] = [
    await makeMember(db, org, 'owner'),
    await makeMember(db, org, 'admin'),
    await makeMember(db, org, 'member'),
    await makeMember(db, org, 'viewer'),
  ];
  const stranger = await makeMember(db, await makeOrganization(db), 'owner');
  const administrator = await makeUser(db, 'admin');
  const connection = await makeConnection(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Old' }]);
  await db.asUser(member, (client) => commitChange(client, org, 'a', { category: 'New' }), { commit: true });
  const as = (user: number, sql: string, value: unknown) =>
    db.asUser(
      user,
      async (client) => (await client.query<Status>(`select * from app_public.${sql}($1)`, [value])).rows,
      {
        commit: true,
      },
    );
  const refused = (user: number, sql: string, value: unknown) =>
    db.asUser(user, (client) => refusal(client, () => client.query(`select app_public.${sql}($1)`, [value])));
  const status = (user: number) =>
    db.asUser(user, async (client) =>
      one(
        (
          await client.query<Status>(
            'select s.* from app_public.organizations o, app_public.organizations_push_status(o) s where o.id = $1',
            [org.id],
          )
        ).rows,
      ),
    );
  const begun = async () =>
    (await db.worker.query('select * from app_private.begin_pushes($1, 10)', [org.id])).rows.length;
  return {
    org,
    owner,
    admin,
    member,
    viewer,
    stranger,
    administrator,
    connection,
    as,
    refused,
    status,
    begun,
  };
}

test('owners and admins pause and resume their organization; no write begins in between', async () => {
  const { org, owner, admin, member, as, status, begun } = await project();
  expect(await status(member)).toMatchObject({ state: 'open', waiting_count: 1, paused_at: null });
  expect(await as(admin, 'pause_push', org.id)).toMatchObject([{ state: 'paused', waiting_count: 1 }]);
  const name = one(
    (
      await db.owner.query<{ username: string }>('select username from app_public.users where id = $1', [
        admin,
      ])
    ).rows,
  );
  expect(await status(member)).toMatchObject({ state: 'paused', paused_by: name.username });
  expect(await begun()).toBe(0);
  // The first pause stays.
  await as(owner, 'pause_push', org.id);
  expect(await status(member)).toMatchObject({ paused_by: name.username });
  await db.owner.query('select graphile_worker.remove_job($1)', [`push:${org.id}`]);
  expect(await as(owner, 'resume_push', org.id)).toMatchObject([{ state: 'open', paused_at: null }]);
  const { rows } = await db.owner.query('select from graphile_worker.jobs where key = $1', [
    `push:${org.id}`,
  ]);
  expect(rows).toHaveLength(1);
  expect(await begun()).toBe(1);
});

test('readers of the organization get a hint to its admins; other users get an unknown organization', async () => {
  const { org, member, viewer, stranger, connection, refused, status } = await project();
  for (const sql of ['pause_push', 'resume_push']) {
    for (const user of [member, viewer])
      expect(await refused(user, sql, org.id)).toMatchObject({ code: 'VG403' });
    expect(await refused(stranger, sql, org.id)).toMatchObject({ code: 'VG404' });
    for (const id of [-1, null])
      for (const user of [stranger, member])
        expect(await refused(user, sql, id)).toMatchObject({ code: 'VG404' });
  }
  for (const sql of ['pause_connection', 'resume_connection'])
    for (const user of [member, viewer, stranger])
      expect(await refused(user, sql, connection)).toMatchObject({ code: 'VG404' });
  await expect(status(stranger)).rejects.toThrow(); // Row level security leaves no such organization
  expect(await status(viewer)).toMatchObject({ state: 'open' });
  const { rows } = await db.owner.query('select from app_private.pfa_push_pause where organization_id = $1', [
    org.id,
  ]);
  expect(rows).toEqual([]);
});

test('anonymous users, and users who lost their access, cannot pause anything', async () => {
  const { org, admin, refused } = await project();
  await expect(
    db.asVisitor({}, (client) => client.query('select app_public.pause_push($1)', [org.id])),
  ).rejects.toMatchObject({ code: 'VG404' });
  await db.owner.query('delete from app_public.user_organizations where user_id = $1', [admin]);
  expect(await refused(admin, 'pause_push', org.id)).toMatchObject({ code: 'VG404' });
});

test('an administrator without a membership sees the status with messages of PEMS, and pauses and resumes', async () => {
  const { org, administrator, member, connection, as, refused, status } = await project();
  expect(await status(administrator)).toMatchObject({ state: 'open', waiting_count: 1 });
  expect(await as(administrator, 'pause_push', org.id)).toMatchObject([{ state: 'paused' }]);
  expect(await status(member)).toMatchObject({
    state: 'paused',
    paused_by: expect.stringMatching(/^admin-/) as string,
  });
  expect(await as(administrator, 'resume_push', org.id)).toMatchObject([{ state: 'open' }]);
  await db.worker.query(
    "select app_private.note_pems_failure($1, 'PEMS_UNAUTHORIZED', 'user PFA_SVC is locked', true)",
    [connection],
  );
  expect(await status(administrator)).toMatchObject({ breaker_message: 'user PFA_SVC is locked' });
  expect(await refused(administrator, 'pause_push', -1)).toMatchObject({ code: 'VG404' });
});

test('counts written and uncertain changes; without a writing connection all changes wait', async () => {
  const { org, member, connection, status, begun } = await project();
  await putRecords(
    db,
    org,
    ['b', 'c'].map((pfaId) => ({ pfaId, category: 'Old' })),
  );
  for (const pfaId of ['b', 'c'])
    await db.asUser(member, (client) => commitChange(client, org, pfaId, { category: 'New' }), {
      commit: true,
    });
  expect(await status(member)).toMatchObject({ waiting_count: 3, writing_count: 0, uncertain_count: 0 });
  const { rows } = await db.worker.query<{ id: string; attempt: number; pfa_id: string }>(
    'select id, attempt, pfa_id from app_private.begin_pushes($1, 2)',
    [org.id],
  );
  expect(await status(member)).toMatchObject({ waiting_count: 1, writing_count: 2, uncertain_count: 0 });
  const { id, attempt, pfa_id } = rows[0]!;
  const now = '(extract(epoch from clock_timestamp()) * 1000000)::bigint::text';
  await db.worker.query(
    `select from app_private.plan_push($1, $2, $3, $4::jsonb || jsonb_build_object('requestedAt', ${now}, 'receivedAt', ${now}), null)`,
    [
      org.id,
      id,
      attempt,
      { pfaId: pfa_id, isWhole: false, data: { category: 'Old' }, blank: [], recordId: '7', version: null },
    ],
  );
  await db.worker.query(
    "select app_private.fail_push($1, $2, $3, 'uncertain', 'No answer.', 0, null, null)",
    [org.id, id, attempt],
  );
  expect(await status(member)).toMatchObject({ waiting_count: 1, writing_count: 2, uncertain_count: 1 });
  await db.owner.query("update app_public.api_configurations set operation_type = 'read' where id = $1", [
    connection,
  ]);
  expect(await status(member)).toMatchObject({
    state: 'no_connection',
    waiting_count: 1,
    breaker_code: null,
  });
  expect(await begun()).toBe(0);
});

test('a resumed organization leaves a paused one waiting', async () => {
  const [ours, theirs] = [await project(), await project()];
  await ours.as(ours.admin, 'pause_push', ours.org.id);
  await theirs.as(theirs.admin, 'pause_push', theirs.org.id);
  await ours.as(ours.admin, 'resume_push', ours.org.id);
  expect(await ours.status(ours.member)).toMatchObject({ state: 'open' });
  expect(await theirs.status(theirs.member)).toMatchObject({ state: 'paused' });
});

test('the first pause of a connection keeps its user and time; resuming queues the waiting changes', async () => {
  const { org, owner, admin, connection, as, status } = await project();
  await as(admin, 'pause_connection', connection);
  const first = await status(owner);
  await as(owner, 'pause_connection', connection);
  expect(await status(owner)).toEqual(first);
  await db.owner.query('select graphile_worker.remove_job($1)', [`push:${org.id}`]);
  await as(owner, 'resume_connection', connection);
  const { rows } = await db.owner.query('select from graphile_worker.jobs where key = $1', [
    `push:${org.id}`,
  ]);
  expect(rows).toHaveLength(1);
});

test('a made-up row of an organization reveals nothing', async () => {
  const { org, stranger } = await project();
  const made = "jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer))";
  await expect(
    db.asUser(stranger, (client) =>
      client.query(`select * from app_public.organizations_push_status(${made})`, [org.id]),
    ),
  ).rejects.toMatchObject({ code: 'VG404' });
});

test('admins manage the connection of their organization, administrators the shared one; a pause stops all organizations that use it', async () => {
  const { owner, administrator, member, connection, as, refused, status, begun } = await project();
  const global = await makeConnection(db, null);
  const reading = await makeConnection(db, null, { operation: 'read' });
  expect(await refused(owner, 'pause_connection', global)).toMatchObject({ code: 'VG404' });
  expect(await refused(administrator, 'pause_connection', reading)).toMatchObject({ code: 'VG404' });
  expect(await as(administrator, 'pause_connection', global)).toMatchObject([{ id: global }]);
  expect(await status(member)).toMatchObject({ state: 'open' });
  expect(await as(owner, 'pause_connection', connection)).toMatchObject([{ id: connection }]);
  expect(await status(member)).toMatchObject({ state: 'connection_paused' });
  expect(await begun()).toBe(0);
  await as(owner, 'resume_connection', connection);
  expect(await status(member)).toMatchObject({ state: 'open', paused_at: null, paused_by: null });
  await as(administrator, 'resume_connection', global);
});

test('owners and admins see messages of PEMS; all members see that it fails', async () => {
  const { owner, member, connection, status } = await project();
  await db.worker.query(
    "select app_private.note_pems_failure($1, 'PEMS_UNAUTHORIZED', 'user PFA_SVC is locked', true)",
    [connection],
  );
  const shown = { state: 'breaker_open', breaker_code: 'PEMS_UNAUTHORIZED' };
  expect(await status(owner)).toMatchObject({ ...shown, breaker_message: 'user PFA_SVC is locked' });
  expect(await status(member)).toMatchObject({ ...shown, breaker_message: null });
});
