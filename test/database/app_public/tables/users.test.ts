import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, makeUser, one } from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const member = await makeMember(db, org);
const owner = await makeMember(db, org, 'owner');
const administrator = await makeUser(db, 'admin');

const ids = (userId: number, ask: string) =>
  db.asUser(userId, async (client) =>
    (await client.query<{ id: number }>(ask)).rows.map(({ id }) => id).sort(),
  );

test('users see themselves, administrators see all users', async () => {
  const ask = 'select id from app_public.users';
  expect(await ids(member, ask)).toEqual([member]);
  expect(await ids(owner, ask)).toEqual([owner]);
  expect(await ids(administrator, ask)).toEqual([member, owner, administrator].sort());
});

test('members see their own membership, managers of memberships see all of the organization', async () => {
  const ask = 'select user_id as id from app_public.user_organizations';
  expect(await ids(member, ask)).toEqual([member]);
  expect(await ids(owner, ask)).toEqual([member, owner].sort());
});

test('viewer() returns the signed-in user, or nothing without a sign-in', async () => {
  expect(await ids(member, 'select id from app_public.viewer()')).toEqual([member]);
  await db.asVisitor({}, async (client) => {
    const { rows } = await client.query<{ id: number | null }>('select id from app_public.viewer()');
    expect(one(rows).id).toBeNull();
  });
});

test('names are unique in any case', async () => {
  await makeUser(db, 'user', 'Ärger');
  await expect(makeUser(db, 'user', 'äRGER')).rejects.toMatchObject({ code: '23505' });
});

test('find_login finds a name in any case, unless the user is disabled or has no password', async () => {
  const id = await makeUser(db, 'user', 'Zoë');
  const find = async () =>
    (
      await db.authenticator.query<{ user_id: number }>("select * from app_private.find_login(' zOË ')")
    ).rows.map((row) => row.user_id);
  expect(await find()).toEqual([]);
  await db.authenticator.query("select app_private.set_password($1, '$argon2id$x', false)", [id]);
  expect(await find()).toEqual([id]);
  await db.owner.query('update app_public.users set is_active = false where id = $1', [id]);
  expect(await find()).toEqual([]);
});

test('stores a password as a hash or not at all', async () => {
  await expect(
    db.authenticator.query("select app_private.set_password($1, 'admin123', false)", [member]),
  ).rejects.toMatchObject({ code: '23514' });
});

test('replaces an old hash unless the password has changed in the meantime', async () => {
  const hash = async () =>
    (
      await db.owner.query<{ h: string }>(
        'select password_hash as h from app_private.user_passwords where user_id = $1',
        [member],
      )
    ).rows[0]?.h;
  const upgrade = (from: string) =>
    db.authenticator.query("select app_private.upgrade_password_hash($1, $2, '$argon2id$new')", [
      member,
      from,
    ]);
  await db.authenticator.query("select app_private.set_password($1, '$2b$old', false)", [member]);
  await upgrade('$2b$other');
  expect(await hash()).toBe('$2b$old');
  await upgrade('$2b$old');
  expect(await hash()).toBe('$argon2id$new');
});
