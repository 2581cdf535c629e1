import { describe, expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMembership, makeOrganization, makeUser, type MembershipRole } from '../../../support/make.ts';

const db = await testDatabase();
const here = await makeOrganization(db);
const there = await makeOrganization(db);
const closed = await makeOrganization(db);
await db.owner.query('update app_public.organizations set is_active = false where id = $1', [closed.id]);

/** Calls it as session_claims does, with the rights of its owner. Repeated organizations are listed once here. */
async function claims(userId: number): Promise<Record<string, unknown>[]> {
  const { rows } = await db.owner.query<Record<string, unknown>>(
    'select * from app_private.request_claims($1)',
    [userId],
  );
  return rows.map((row) => ({ ...row, organization_ids: [...new Set(row.organization_ids as number[])] }));
}

async function rights(userRole: 'admin' | 'user' | 'viewer', role?: MembershipRole) {
  const userId = await makeUser(db, userRole);
  if (role) await makeMembership(db, here, userId, role);
  const [row] = await claims(userId);
  const may = (list: string) =>
    (row?.[list] as number[]).map((id) => (id === here.id ? 'here' : id === there.id ? 'there' : id));
  return {
    admin: row?.is_administrator,
    read: may('organization_ids'),
    write: may('writable_organization_ids'),
    administer: may('administered_organization_ids'),
  };
}

describe('rights by role of the user and of the membership', () => {
  test.each<[MembershipRole, string[], string[]]>([
    ['owner', ['here'], ['here']],
    ['admin', ['here'], ['here']],
    ['member', ['here'], []],
    ['viewer', [], []],
  ])('a user who is %s', async (role, write, administer) => {
    expect(await rights('user', role)).toEqual({ admin: false, read: ['here'], write, administer });
  });

  test('a user without a membership has no rights', async () => {
    expect(await rights('user')).toEqual({ admin: false, read: [], write: [], administer: [] });
  });

  test.each<MembershipRole>(['owner', 'admin', 'member', 'viewer'])(
    'a viewer never writes, even as %s of an organization',
    async (role) => {
      expect(await rights('viewer', role)).toEqual({
        admin: false,
        read: ['here'],
        write: [],
        administer: [],
      });
    },
  );

  test('an administrator has all rights in every organization, member or not', async () => {
    const all = ['here', 'there'];
    expect(await rights('admin')).toEqual({ admin: true, read: all, write: all, administer: all });
    expect(await rights('admin', 'viewer')).toEqual({ admin: true, read: all, write: all, administer: all });
  });
});

test('disabled and unknown users have no row', async () => {
  const userId = await makeUser(db, 'admin');
  expect(await claims(userId)).toHaveLength(1);
  await db.owner.query('update app_public.users set is_active = false where id = $1', [userId]);
  expect(await claims(userId)).toEqual([]);
  expect(await claims(2_000_000_000)).toEqual([]);
});

test('a disabled organization is in no list', async () => {
  const member = await makeUser(db);
  await makeMembership(db, closed, member, 'owner');
  expect(await claims(member)).toMatchObject([
    { organization_ids: [], writable_organization_ids: [], administered_organization_ids: [] },
  ]);
});

test('a change of membership counts from the next lookup on', async () => {
  const member = await makeUser(db);
  await makeMembership(db, here, member, 'admin');
  expect(await claims(member)).toMatchObject([{ administered_organization_ids: [here.id] }]);
  await db.owner.query("update app_public.user_organizations set role = 'viewer' where user_id = $1", [
    member,
  ]);
  expect(await claims(member)).toMatchObject([
    { organization_ids: [here.id], writable_organization_ids: [] },
  ]);
  await db.owner.query('delete from app_public.user_organizations where user_id = $1', [member]);
  expect(await claims(member)).toMatchObject([{ organization_ids: [] }]);
});

test('returns whether the password must be changed', async () => {
  const member = await makeUser(db);
  expect(await claims(member)).toMatchObject([{ must_change_password: false }]);
  await db.authenticator.query("select app_private.set_password($1, '$argon2id$planted', true)", [member]);
  expect(await claims(member)).toMatchObject([{ must_change_password: true }]);
});

test('neither visitor, server nor worker may execute it, because an ended session would continue', async () => {
  const member = await makeUser(db);
  const ask = 'select * from app_private.request_claims($1)';
  await expect(db.asUser(member, (client) => client.query(ask, [member]))).rejects.toMatchObject({
    code: '42501',
  });
  for (const pool of [db.authenticator, db.worker])
    await expect(pool.query(ask, [member])).rejects.toMatchObject({ code: '42501' });
});

test('the list of readable organizations is as long as the list of all, but bounded', async () => {
  const one = await makeUser(db);
  await makeMembership(db, here, one);
  const lengths = async () => {
    const { rows } = await db.owner.query<{ organizations: number; named: number; readable: number }>(
      `select (select count(*)::integer from app_public.organizations) as organizations,
        cardinality(c.organization_ids) as named, (select count(distinct id)::integer from unnest(c.organization_ids) id) as readable
      from app_private.request_claims($1) c`,
      [one],
    );
    return rows[0]!;
  };
  const few = await lengths();
  expect(few.readable).toBe(1);
  expect(few.named).toBeGreaterThanOrEqual(few.organizations);
  await db.owner.query(
    "insert into app_public.organizations (code, name) select 'MANY' || n, 'many' from generate_series(1, 300) n",
  );
  expect(await lengths()).toMatchObject({ readable: 1, named: 201 });
  await db.owner.query(
    `insert into app_public.user_organizations (organization_id, user_id, role)
    select id, $1, 'viewer' from app_public.organizations where code like 'MANY%'`,
    [one],
  );
  expect(await lengths()).toMatchObject({ readable: 301, named: 301 });
});
