import { expect, test } from 'vitest';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization } from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const other = await makeOrganization(db);
const admin = await makeMember(db, org, 'admin');
const member = await makeMember(db, org, 'member');
const outsider = await makeMember(db, other, 'owner');

const namesSeenBy = (userId: number) =>
  db.asUser(userId, async (client) => {
    const { rows } = await client.query<{ user_id: number; name: string | null }>(
      `select m.user_id, app_public.user_organizations_username(m) as name
      from app_public.user_organizations m where m.organization_id = $1 order by m.user_id`,
      [org.id],
    );
    return rows.map(({ user_id, name }) => [user_id, name !== null]);
  });

test('an admin sees the names of the members, a member only their own, an outsider none', async () => {
  expect(await namesSeenBy(admin)).toEqual([
    [admin, true],
    [member, true],
  ]);
  expect(await namesSeenBy(member)).toEqual([[member, true]]);
  expect(await namesSeenBy(outsider)).toEqual([]);
});

test('a made-up membership reveals no name', async () => {
  const madeUp = `row($1, $2, null, 'owner', now(), now())::app_public.user_organizations`;
  const name = (userId: number, organizationId: number, of: number) =>
    db.asUser(userId, async (client) => {
      const { rows } = await client.query<{ name: string | null }>(
        `select app_public.user_organizations_username(${madeUp}) as name`,
        [organizationId, of],
      );
      return rows[0]!.name;
    });
  expect(await name(outsider, other.id, member)).toBeNull();
  expect(await name(outsider, org.id, member)).toBeNull();
  expect(await name(member, org.id, admin)).toBeNull();
});
