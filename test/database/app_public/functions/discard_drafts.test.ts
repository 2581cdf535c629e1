import { expect, test } from 'vitest';
import type pg from 'pg';
import { refusal, saveDraft, seenDrafts, seenRecords, withoutRevision } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const other = await makeOrganization(db);
const author = await makeMember(db, org);
const colleague = await makeMember(db, org);
await putRecords(db, org, [
  { pfaId: 'a', category: 'Old' },
  { pfaId: 'b', category: 'Old' },
]);

async function discard(
  client: pg.ClientBase,
  organization: Organization,
  ids: string[] | null,
): Promise<number> {
  const { rows } = await client.query<{ discarded: number }>(
    'select app_public.discard_drafts($1, $2) as discarded',
    [organization.id, ids],
  );
  return rows[0]?.discarded ?? -1;
}

async function draftBoth(client: pg.ClientBase) {
  for (const id of ['a', 'b']) await saveDraft(client, org, id, { category: 'New', model: 'M' });
}

test('discards the listed drafts, and shows the underlying values again', async () => {
  await db.asUser(author, async (client) => {
    const before = await seenRecords(client, org);
    await draftBoth(client);
    expect(await discard(client, org, ['a', 'nobodys'])).toBe(1);
    expect(await seenDrafts(client, org)).toMatchObject([{ pfa_id: 'b' }]);
    const [after] = await seenRecords(client, org);
    expect(withoutRevision(after!)).toEqual(withoutRevision(before[0]!));
    expect(BigInt(after!.revision)).toBeGreaterThan(BigInt(before[0]!.revision));
  });
});

test('discards all drafts without a list', async () => {
  await db.asUser(author, async (client) => {
    const before = await seenRecords(client, org);
    await draftBoth(client);
    expect(await discard(client, org, null)).toBe(2);
    const after = await seenRecords(client, org);
    expect(after.map(withoutRevision)).toEqual(before.map(withoutRevision));
    after.forEach(({ revision }, at) =>
      expect(BigInt(revision)).toBeGreaterThan(BigInt(before[at]!.revision)),
    );
    expect((await client.query('select from app_core.pfa_overlay where has_draft')).rows).toEqual([]);
    expect(await discard(client, org, null)).toBe(0);
  });
});

test('discards none for an empty list', async () => {
  await db.asUser(author, async (client) => {
    await draftBoth(client);
    expect(await discard(client, org, [])).toBe(0);
    expect(await seenDrafts(client, org)).toHaveLength(2);
  });
});

test('records the discarded and the restored values', async () => {
  await db.asUser(author, async (client) => {
    await saveDraft(client, org, 'a', { category: 'New', model: 'M' });
    await discard(client, org, null);
    const { rows } = await client.query(
      'select pfa_id, user_id, route, changes from app_core.pfa_change order by id desc limit 1',
    );
    expect(rows).toEqual([
      {
        ...{ pfa_id: 'a', user_id: author, route: 'draft' },
        changes: { category: { from: 'New', to: 'Old' }, model: { from: 'M', to: null } },
      },
    ]);
  });
});

test('leaves drafts of other users alone', async () => {
  await db.asUser(colleague, draftBoth, { commit: true });
  await db.asUser(author, async (client) => {
    expect(await discard(client, org, ['a', 'b'])).toBe(0);
    expect(await discard(client, org, null)).toBe(0);
  });
  expect(await db.asUser(colleague, (client) => seenDrafts(client, org))).toHaveLength(2);
});

test('refuses a viewer, and treats another organization as unknown', async () => {
  const viewer = await makeMember(db, org, 'viewer');
  await db.asUser(viewer, async (client) => {
    expect(await refusal(client, () => discard(client, org, null))).toMatchObject({ code: 'VG403' });
    expect(await refusal(client, () => discard(client, other, null))).toMatchObject({ code: 'VG404' });
  });
});
