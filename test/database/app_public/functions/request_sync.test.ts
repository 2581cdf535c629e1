import { expect, test } from 'vitest';
import { refusal } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeMembership, makeOrganization, makeUser, one } from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const other = await makeOrganization(db);
const ask = 'select r.* from app_public.request_sync($1) r';

test.each(['owner', 'admin'] as const)('an %s requests a run in their own name', async (role) => {
  const user = await makeMember(db, org, role);
  await db.asUser(user, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(ask, [org.id]);
    expect(one(rows)).toMatchObject({
      organization_id: org.id,
      trigger: 'user',
      requested_by: user,
      state: 'queued',
    });
    const seen = await client.query('select state from app_public.pfa_sync_log where organization_id = $1', [
      org.id,
    ]);
    expect(seen.rows).toEqual([{ state: 'queued' }]);
  });
});

test('an administrator requests a run of any organization', async () => {
  await db.asUser(await makeUser(db, 'admin'), async (client) => {
    for (const { id } of [org, other]) expect((await client.query(ask, [id])).rows).toHaveLength(1);
  });
});

test.each(['member', 'viewer'] as const)('a %s may not', async (role) => {
  const user = await makeMember(db, org, role);
  expect(await db.asUser(user, (client) => refusal(client, () => client.query(ask, [org.id])))).toMatchObject(
    { code: 'VG403' },
  );
});

test('nor may an owner with the user role viewer', async () => {
  const user = await makeUser(db, 'viewer');
  await makeMembership(db, org, user, 'owner');
  expect(await db.asUser(user, (client) => refusal(client, () => client.query(ask, [org.id])))).toMatchObject(
    { code: 'VG403' },
  );
});

test('treats another organization as unknown, and queues nothing', async () => {
  const user = await makeMember(db, org, 'owner');
  await db.asUser(user, async (client) => {
    for (const id of [other.id, 2_000_000_000]) {
      expect(await refusal(client, () => client.query(ask, [id]))).toMatchObject({ code: 'VG404' });
    }
  });
  const { rows } = await db.owner.query('select from app_public.pfa_sync_log where organization_id = $1', [
    other.id,
  ]);
  expect(rows).toEqual([]);
});
