import type pg from 'pg';
import { expect, test } from 'vitest';
import {
  applyBulk,
  commitDrafts,
  discardDrafts,
  redoDraft,
  refusal,
  saveDraft,
  saveDrafts,
  seenDrafts,
  seenRecord,
  seenRecords,
  undoDraft,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Organization } from '../../../support/make.ts';
import { untilBlocked } from '../../../support/ask.ts';

const db = await testDatabase();
const records = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    pfaId: `r${i}`,
    category: 'Old',
    model: 'M',
    forecastStart: '2026-01-01',
    forecastEnd: '2026-02-01',
  }));

/** A separate organization with a member, whose drafts are kept. */
async function project(count = 3) {
  const org = await makeOrganization(db);
  const author = await makeMember(db, org);
  await putRecords(db, org, records(count));
  const act = <T>(use: (client: pg.PoolClient) => Promise<T>, as = author) =>
    db.asUser(as, use, { commit: true });
  return { org, author, act };
}

const categories = async (client: pg.ClientBase, org: Organization) =>
  (await seenRecords(client, org)).map(({ category }) => category);

test('undoes one operation at a time, the newest first, and redoes them in their order', async () => {
  const { org, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  await act((client) => applyBulk(client, org, { everything: true }, { set: { category: 'B' } }));
  await act((client) => discardDrafts(client, org, ['r1']));
  expect(await act((client) => categories(client, org))).toEqual(['B', 'Old', 'B']);

  expect(await act((client) => undoDraft(client, org))).toMatchObject({
    kind: 'discard',
    changed_count: 1,
    impossible: [],
  });
  expect(await act((client) => categories(client, org))).toEqual(['B', 'B', 'B']);
  expect(await act((client) => undoDraft(client, org))).toMatchObject({
    kind: 'set',
    changed_count: 3,
    impossible: [],
  });
  expect(await act((client) => categories(client, org))).toEqual(['A', 'Old', 'Old']);
  expect(await act((client) => undoDraft(client, org))).toMatchObject({ kind: 'save', changed_count: 1 });
  expect(await act((client) => seenDrafts(client, org))).toEqual([]);
  expect(await act((client) => refusal(client, () => undoDraft(client, org)))).toMatchObject({
    code: 'VG404',
  });

  for (const seen of [
    ['A', 'Old', 'Old'],
    ['B', 'B', 'B'],
    ['B', 'Old', 'B'],
  ]) {
    expect(await act((client) => redoDraft(client, org))).toMatchObject({ impossible: [] });
    expect(await act((client) => categories(client, org))).toEqual(seen);
  }
  expect(await act((client) => refusal(client, () => redoDraft(client, org)))).toMatchObject({
    code: 'VG404',
  });
});

test('a new operation removes undone ones for good; one without changes is no operation', async () => {
  const { org, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  await act((client) => undoDraft(client, org));
  expect(await act((client) => saveDraft(client, org, 'r0', { category: 'Old' }))).toMatchObject({
    has_draft: false,
  });
  expect(await act((client) => redoDraft(client, org))).toMatchObject({ changed_count: 1 });
  await act((client) => undoDraft(client, org));
  await act((client) => saveDraft(client, org, 'r1', { category: 'C' }));
  expect(await act((client) => refusal(client, () => redoDraft(client, org)))).toMatchObject({
    code: 'VG404',
  });
});

test('keeps keys of the same record that another operation drafted', async () => {
  const { org, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  await act((client) => saveDraft(client, org, 'r0', { model: 'X' }));
  await act((client) => undoDraft(client, org));
  expect(await act((client) => seenDrafts(client, org))).toMatchObject([
    { delta: { category: 'A' }, base: { category: 'Old' } },
  ]);
});

test('keeps fifty operations for each user', async () => {
  const { org, act } = await project();
  const colleague = await makeMember(db, org);
  await act((client) => saveDraft(client, org, 'r2', { category: 'Theirs' }), colleague);
  for (let i = 0; i < 55; i++) await act((client) => saveDraft(client, org, 'r0', { category: `v${i}` }));
  let undone = 0;
  await act(async (client) => {
    while (undone < 50) {
      await undoDraft(client, org);
      undone++;
    }
    expect(await refusal(client, () => undoDraft(client, org))).toMatchObject({ code: 'VG404' });
    expect((await seenRecord(client, org, 'r0')).category).toBe('v4');
    expect((await client.query('select from app_public.pfa_draft_operation')).rows).toHaveLength(50);
  });
  expect(await act((client) => undoDraft(client, org), colleague)).toMatchObject({
    kind: 'save',
    changed_count: 1,
  });
});

test('after a change of PEMS, the drafted value is restored with the current value as its base', async () => {
  const { org, act } = await project(1);
  await act((client) => saveDraft(client, org, 'r0', { category: 'Mine' }));
  await act((client) => discardDrafts(client, org));
  await putRecords(db, org, [{ ...records(1)[0]!, category: 'Theirs' }]);
  expect(await act((client) => undoDraft(client, org))).toMatchObject({ changed_count: 1, impossible: [] });
  expect(await act((client) => seenDrafts(client, org))).toEqual([
    { pfa_id: 'r0', delta: { category: 'Mine' }, base: { category: 'Theirs' }, problems: {} },
  ]);
});

test('a conflict stays when the draft returns to an earlier value', async () => {
  const { org, act } = await project(1);
  await act((client) => saveDraft(client, org, 'r0', { category: 'First' }));
  await act((client) => saveDraft(client, org, 'r0', { category: 'Second' }));
  await putRecords(db, org, [{ ...records(1)[0]!, category: 'Theirs' }]);
  await act((client) => undoDraft(client, org));
  expect(await act((client) => seenDrafts(client, org))).toEqual([
    {
      pfa_id: 'r0',
      delta: { category: 'First' },
      base: { category: 'Old' },
      problems: { category: { kind: 'conflict', base: 'Old', theirs: 'Theirs', mine: 'First' } },
    },
  ]);
});

test('lists values that cannot be undone, and undoes the rest', async () => {
  const { org, act } = await project();
  await act((client) => applyBulk(client, org, { everything: true }, { set: { category: 'New' } }));
  await act((client) => commitDrafts(client, org, { recordIds: ['r0'] }));
  // PEMS now holds the value of r1, so the key leaves the draft.
  await putRecords(db, org, [records(3)[0]!, { ...records(3)[1]!, category: 'New' }, records(3)[2]!]);
  expect(await act((client) => undoDraft(client, org))).toMatchObject({
    changed_count: 1,
    impossible: [
      { recordId: 'r0', key: 'category', kind: 'committed' },
      { recordId: 'r1', key: 'category', kind: 'settled' },
    ],
  });
  expect(await act((client) => seenDrafts(client, org))).toEqual([]);
  expect(await act((client) => categories(client, org))).toEqual(['New', 'New', 'Old']);
});

test('does not restore a draft of a removed record, and reports it', async () => {
  const { org, act } = await project(2);
  await act((client) => saveDraft(client, org, 'r1', { category: 'New' }));
  await act((client) => discardDrafts(client, org));
  for (let i = 0; i < 2; i++) await putRecords(db, org, records(1));
  expect(await act((client) => undoDraft(client, org))).toMatchObject({
    changed_count: 0,
    impossible: [{ recordId: 'r1', key: 'category', kind: 'removed' }],
  });
});

test('refuses the id of an operation that is not the next one, and returns the next one', async () => {
  const { org, act } = await project();
  const { operation_id: first } = await act(async (client) =>
    saveDrafts(client, org, [
      {
        record_id: 'r0',
        changes: { category: 'A' },
        revision: (await seenRecord(client, org, 'r0')).revision,
      },
    ]),
  );
  await act((client) => saveDraft(client, org, 'r1', { category: 'B' }));
  const { code, details } = await act((client) => refusal(client, () => undoDraft(client, org, first!)));
  expect(code).toBe('VG409');
  expect(details).toMatchObject([{ kind: 'save', recordCount: 1 }]);
  await act((client) => undoDraft(client, org));
  expect(await act((client) => undoDraft(client, org, first!))).toMatchObject({ operation_id: first });
});

test('two tabs undo two operations at once, not the same one twice', async () => {
  const { org, author, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  await act((client) => saveDraft(client, org, 'r1', { category: 'B' }));
  await db.asUser(author, async (client) => {
    await undoDraft(client, org);
    const second = act((other) => undoDraft(other, org));
    await untilBlocked(db);
    await client.query('commit');
    expect(await second).toMatchObject({ changed_count: 1, impossible: [] });
  });
  expect(await act((client) => seenDrafts(client, org))).toEqual([]);
});

test('during a save in another tab, undo reverts that save, not the operation before', async () => {
  const { org, author, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  await db.asUser(author, async (client) => {
    await saveDraft(client, org, 'r0', { category: 'B' });
    const undone = act((other) => undoDraft(other, org));
    await untilBlocked(db);
    await client.query('commit');
    expect(await undone).toMatchObject({ changed_count: 1, impossible: [] });
  });
  expect(await act((client) => seenDrafts(client, org))).toMatchObject([{ delta: { category: 'A' } }]);
});

test('refuses a viewer and an outsider, and undoes no operation of another user', async () => {
  const { org, act } = await project();
  await act((client) => saveDraft(client, org, 'r0', { category: 'A' }));
  const viewer = await makeMember(db, org, 'viewer');
  const colleague = await makeMember(db, org);
  const outsider = await makeMember(db, await makeOrganization(db));
  for (const [who, code] of [
    [viewer, 'VG403'],
    [outsider, 'VG404'],
    [colleague, 'VG404'],
  ] as const)
    for (const step of [undoDraft, redoDraft])
      expect(await db.asUser(who, (client) => refusal(client, () => step(client, org)))).toMatchObject({
        code,
      });
});
