import { expect, test } from 'vitest';
import { refusal } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, makeUser, type MembershipRole } from '../../../support/make.ts';

const db = await testDatabase();
const [org, other] = [await makeOrganization(db), await makeOrganization(db)];

async function seen(userId: number) {
  return db.asUser(userId, async (client) => {
    const { rows } = await client.query<{ id: number; role: string | null }>(
      'select o.id, app_public.organizations_my_role(o) as role from app_public.organizations o order by id',
    );
    return rows;
  });
}

test.each<MembershipRole>(['owner', 'admin', 'member', 'viewer'])(
  'a %s sees their organization and their role',
  async (role) => {
    expect(await seen(await makeMember(db, org, role))).toEqual([{ id: org.id, role }]);
  },
);

test('an administrator sees all organizations', async () => {
  expect(await seen(await makeUser(db, 'admin'))).toEqual([
    { id: org.id, role: 'administrator' },
    { id: other.id, role: 'administrator' },
  ]);
});

test('a user without memberships sees none', async () => {
  expect(await seen(await makeUser(db))).toEqual([]);
});

test('no user sees a disabled organization', async () => {
  const closed = await makeOrganization(db);
  const owner = await makeMember(db, closed, 'owner');
  await db.owner.query('update app_public.organizations set is_active = false where id = $1', [closed.id]);
  expect(await seen(owner)).toEqual([]);
  expect((await seen(await makeUser(db, 'admin'))).map(({ id }) => id)).not.toContain(closed.id);
});

test('no user changes it directly', async () => {
  await db.asUser(await makeUser(db, 'admin'), async (client) => {
    for (const sql of [
      "update app_public.organizations set name = 'X'",
      "insert into app_public.organizations (code, name) values ('X', 'X')",
      'delete from app_public.organizations',
    ]) {
      expect(await refusal(client, () => client.query(sql))).toMatchObject({ code: '42501' });
    }
  });
});

test.each([
  ['twice the same', org.code],
  ['nothing', ''],
  ['blanks around it', ' RIO'],
  ['too much', 'X'.repeat(51)],
])('a code must not be %s', async (_, code) => {
  await expect(makeOrganization(db, code)).rejects.toMatchObject({ code: /^235(05|14)$/ });
});

test('codes that differ in case belong to two organizations', async () => {
  await makeOrganization(db, 'Rio');
  await makeOrganization(db, 'RIO');
});
