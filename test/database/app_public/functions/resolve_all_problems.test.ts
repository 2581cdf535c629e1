import type pg from 'pg';
import { expect, test } from 'vitest';
import {
  refusal,
  resolveAllProblems,
  saveDraft,
  seenDrafts,
  seenRecords,
  undoDraft,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();
const ids = ['a', 'b', 'c'];
const put = (org: Organization, category: (id: string) => string) =>
  putRecords(
    db,
    org,
    ids.map((pfaId) => ({ pfaId, category: category(pfaId), model: 'M' })),
  );

/** Three records, drafted by two members; PEMS has changed `a` and `b` since. */
async function project() {
  const org = await makeOrganization(db);
  const [author, colleague] = [await makeMember(db, org), await makeMember(db, org)];
  const as = <T>(user: number, use: (client: pg.PoolClient) => Promise<T>) =>
    db.asUser(user, use, { commit: true });
  await put(org, () => 'Base');
  for (const user of [author, colleague])
    for (const id of ids) await as(user, (client) => saveDraft(client, org, id, { category: 'Mine' }));
  await put(org, (id) => (id === 'c' ? 'Base' : 'Theirs'));
  const greatest = () =>
    as(author, async (client) =>
      Math.max(...(await seenRecords(client, org)).map(({ revision }) => Number(revision))),
    );
  return {
    ...{ org, author, colleague, greatest },
    act: <T>(use: (client: pg.PoolClient) => Promise<T>) => as(author, use),
    drafts: (user = author) => as(user, (client) => seenDrafts(client, org)),
    resolve: async (choice: string | null, revision?: number | null) => {
      const seen = revision === undefined ? await greatest() : revision;
      return as(author, (client) => resolveAllProblems(client, org, choice, seen));
    },
  };
}

test('all with theirs, in one operation that can be undone; keys without a problem stay', async () => {
  const { org, act, resolve, drafts, colleague } = await project();
  const others = await drafts(colleague);
  expect(await resolve('theirs')).toMatchObject({ record_count: 2, key_count: 2, refused: [] });
  expect(await drafts()).toMatchObject([
    { pfa_id: 'c', delta: { category: 'Mine' }, base: { category: 'Base' } },
  ]);
  expect(await drafts(colleague)).toEqual(others);
  expect(others).toMatchObject([{ problems: { category: { kind: 'conflict' } } }, {}, { problems: {} }]);

  expect(await act((client) => undoDraft(client, org))).toMatchObject({ kind: 'resolve', changed_count: 2 });
  expect(await drafts()).toMatchObject(
    ids.map((pfa_id) => ({ pfa_id, delta: { category: 'Mine' }, problems: {} })),
  );
});

test('all with mine, on the current values', async () => {
  const { resolve, drafts } = await project();
  expect(await resolve('mine')).toMatchObject({ operation_id: null, record_count: 2, key_count: 2 });
  expect(await drafts()).toMatchObject([
    { delta: { category: 'Mine' }, base: { category: 'Theirs' }, problems: {} },
    { delta: { category: 'Mine' }, base: { category: 'Theirs' }, problems: {} },
    { delta: { category: 'Mine' }, base: { category: 'Base' }, problems: {} },
  ]);
});

test('skips and lists records that have changed since they were seen', async () => {
  const { org, resolve, drafts, greatest } = await project();
  const seen = await greatest();
  await put(org, (id) => ({ a: 'Theirs', b: 'Theirs again' })[id] ?? 'Base');
  expect(await resolve('theirs', seen)).toMatchObject({
    record_count: 1,
    key_count: 1,
    refused: [{ recordId: 'b', problem: 'it changed since you saw it' }],
  });
  expect(await drafts()).toMatchObject([
    { pfa_id: 'b', problems: { category: { theirs: 'Theirs again' } } },
    { pfa_id: 'c' },
  ]);
});

test('mine skips a removed record, theirs discards its draft', async () => {
  const { org, resolve, drafts } = await project();
  await db.owner.query(
    "update app_core.pfa_mirror set removed_at = now() where organization_id = $1 and pfa_id = 'a'",
    [org.id],
  );
  await db.owner.query("select app_private.show_records($1, '{a}')", [org.id]);
  const { rows } = await db.owner.query<{ revision: string }>(
    'select last_value as revision from app_core.revision_seq',
  );
  const latest = Number(rows[0]?.revision);
  expect(await resolve('mine', latest)).toMatchObject({
    key_count: 1,
    refused: [{ recordId: 'a', problem: expect.stringContaining('removed from PEMS') as string }],
  });
  expect(await resolve('theirs', latest)).toMatchObject({ record_count: 1, refused: [] });
  expect((await drafts()).map(({ pfa_id }) => pfa_id)).toEqual(['b', 'c']);
});

test('does nothing without problems', async () => {
  const { resolve } = await project();
  await resolve('mine');
  expect(await resolve('theirs')).toMatchObject({
    operation_id: null,
    record_count: 0,
    key_count: 0,
    refused: [],
    revisions: {},
  });
});

test('refuses a third value, a missing choice and a missing revision', async () => {
  const { org, act } = await project();
  for (const [choice, revision, words] of [
    ['value', 1, /neither mine nor theirs/],
    [null, 1, /neither mine nor theirs/],
    ["mine' or true --", 1, /neither mine nor theirs/],
    ['mine', null, /revision is missing/],
  ] as const)
    expect(
      await act((client) => refusal(client, () => resolveAllProblems(client, org, choice, revision))),
    ).toMatchObject({ code: 'VG400', message: expect.stringMatching(words) as string });
});

test('refuses viewers, and treats the organization as unknown for outsiders', async () => {
  const { org, drafts } = await project();
  const before = await drafts();
  const ask = (client: pg.PoolClient) =>
    refusal(client, () => resolveAllProblems(client, org, 'theirs', 1e9));
  expect(await db.asUser(await makeMember(db, org, 'viewer'), ask)).toMatchObject({ code: 'VG403' });
  const stranger = await makeMember(db, await makeOrganization(db), 'owner');
  expect(await db.asUser(stranger, ask)).toMatchObject({ code: 'VG404' });
  expect(await db.asVisitor({}, ask)).toMatchObject({ code: 'VG404' });
  expect(await drafts()).toEqual(before);
});
