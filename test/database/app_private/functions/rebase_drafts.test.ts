import { beforeEach, expect, test } from 'vitest';
import { saveDraft, seenDrafts } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeOrganization,
  one,
  putRecords,
  type Json,
  type Organization,
} from '../../../support/make.ts';
import { plantModification } from '../../../support/merged.ts';

const db = await testDatabase();
let org: Organization;
let author: number;
let colleague: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  author = await makeMember(db, org);
  colleague = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Base', class: 'Base' }]);
});

const draft = (changes: Record<string, Json>) =>
  db.asUser(author, (client) => saveDraft(client, org, 'a', changes), { commit: true });
const drafts = () => db.asUser(author, (client) => seenDrafts(client, org));

/** Changes values of PEMS, as push or sync would write them. */
const setMirror = (data: Record<string, Json>) =>
  db.owner.query(`update app_core.pfa_mirror set data = data || $2 where organization_id = $1`, [
    org.id,
    data,
  ]);

async function rebase() {
  const { rows } = await db.owner.query<{ rebased: number; conflicts: number }>(
    "select * from app_private.rebase_drafts($1, '{a}')",
    [org.id],
  );
  return one(rows);
}

const setProblem = (key: string, problem: Record<string, Json>) =>
  db.owner.query(
    `update app_core.pfa_modification set problems = jsonb_build_object($2::text, $3::jsonb) where organization_id = $1 and state = 'draft'`,
    [org.id, key, problem],
  );

test('theirs equals the base: no change', async () => {
  await draft({ category: 'Mine' });
  const before = await drafts();
  expect(await rebase()).toEqual({ rebased: 0, conflicts: 0 });
  expect(await drafts()).toEqual(before);
});

test('theirs equals mine in the mirror itself: the key is dropped', async () => {
  await draft({ category: 'Mine', class: 'Mine' });
  await setMirror({ category: 'Mine' });
  expect(await rebase()).toEqual({ rebased: 1, conflicts: 0 });
  expect(await drafts()).toMatchObject([{ delta: { class: 'Mine' }, base: { class: 'Base' }, problems: {} }]);
  expect(Object.keys((await drafts())[0]?.delta ?? {})).toEqual(['class']);
});

test('theirs equals mine, but only as a pending change: the key stays, without a problem', async () => {
  await draft({ category: 'Mine' });
  await plantModification(db, org, 'a', colleague, { category: 'Mine' });
  await rebase();
  expect(await drafts()).toMatchObject([{ delta: { category: 'Mine' }, problems: {} }]);
});

test('theirs is another value: a conflict for each key, counted once', async () => {
  await draft({ category: 'Mine', class: 'Mine' });
  await setMirror({ category: 'Theirs' });
  expect(await rebase()).toEqual({ rebased: 1, conflicts: 1 });
  const conflict = { kind: 'conflict', base: 'Base', theirs: 'Theirs', mine: 'Mine' };
  expect(await drafts()).toMatchObject([{ delta: { category: 'Mine', class: 'Mine' } }]);
  expect((await drafts())[0]?.problems).toEqual({ category: conflict });
  expect(await rebase()).toEqual({ rebased: 0, conflicts: 0 });
  await setMirror({ category: 'Theirs again' });
  expect(await rebase()).toEqual({ rebased: 1, conflicts: 1 });
  expect((await drafts())[0]?.problems).toEqual({ category: { ...conflict, theirs: 'Theirs again' } });
});

test('a key that PEMS emptied is a conflict with null', async () => {
  await draft({ category: 'Mine' });
  await setMirror({ category: null });
  await rebase();
  expect((await drafts())[0]?.problems).toMatchObject({ category: { kind: 'conflict', theirs: null } });
});

test('a pending value of another user counts as theirs', async () => {
  await draft({ category: 'Mine' });
  await plantModification(db, org, 'a', colleague, { category: 'Pending' });
  expect(await rebase()).toEqual({ rebased: 1, conflicts: 1 });
  expect((await drafts())[0]?.problems).toMatchObject({ category: { theirs: 'Pending' } });
});

test('theirs returns to the base: the conflict is cleared', async () => {
  await draft({ category: 'Mine' });
  await setMirror({ category: 'Theirs' });
  await rebase();
  await setMirror({ category: 'Base' });
  expect(await rebase()).toEqual({ rebased: 1, conflicts: 0 });
  expect(await drafts()).toMatchObject([{ delta: { category: 'Mine' }, problems: {} }]);
});

test.each(['refused', 'altered', 'failed'])(
  'a problem from push (%s) stays until its author acts',
  async (kind) => {
    await draft({ category: 'Mine' });
    const problem = { kind, by: 'push', message: 'No.' };
    await setProblem('category', problem);
    await rebase();
    expect((await drafts())[0]?.problems).toEqual({ category: problem });
    await setMirror({ category: 'Theirs' });
    await rebase();
    expect((await drafts())[0]?.problems).toEqual({ category: problem });
  },
);

test('a conflict from push stays if theirs returns to the base, and shows the current value of PEMS', async () => {
  await draft({ category: 'Mine' });
  await setMirror({ category: 'Theirs' });
  const conflict = { kind: 'conflict', by: 'push', base: 'Base', mine: 'Mine' };
  await setProblem('category', { ...conflict, theirs: 'Theirs' });
  await setMirror({ category: 'Base' });
  await rebase();
  expect((await drafts())[0]?.problems).toEqual({ category: { ...conflict, theirs: 'Base' } });
  // PEMS itself holds the wanted value, so nothing is left to decide.
  await setMirror({ category: 'Mine' });
  await rebase();
  expect(await drafts()).toEqual([]);
});

test('the base never changes', async () => {
  await draft({ category: 'Mine' });
  await setMirror({ category: 'Theirs' });
  await rebase();
  await db.owner.query("select app_private.rewrite_overlay($1, '{a}')", [org.id]);
  await draft({ category: 'Mine too' });
  expect(await drafts()).toMatchObject([{ delta: { category: 'Mine too' }, base: { category: 'Base' } }]);
});

test('touches no committed change and no other record', async () => {
  await putRecords(db, org, [
    { pfaId: 'a', category: 'Base', class: 'Base' },
    { pfaId: 'b', category: 'Base' },
  ]);
  await db.asUser(author, (client) => saveDraft(client, org, 'b', { category: 'Mine' }), { commit: true });
  await plantModification(db, org, 'a', colleague, { category: 'Pending' });
  await db.owner.query(
    `update app_core.pfa_mirror set data = data || '{"category": "Theirs"}' where organization_id = $1`,
    [org.id],
  );
  expect(await rebase()).toEqual({ rebased: 0, conflicts: 0 });
  expect(await drafts()).toMatchObject([{ pfa_id: 'b', problems: {} }]);
});
