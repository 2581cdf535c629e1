import { expect, test } from 'vitest';
import { redoDraft, saveDrafts, seenRecords, undoDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Json } from '../../../support/make.ts';

// Tests that large work can be sent in parts with a single undo.

const db = await testDatabase();

async function project() {
  const org = await makeOrganization(db);
  const author = await makeMember(db, org);
  await putRecords(
    db,
    org,
    ['a', 'b', 'c'].map((pfaId) => ({ pfaId, category: 'Old', model: 'M' })),
  );
  return {
    save: (changes: Record<string, Json>, continues?: number) =>
      db.asUser(
        author,
        async (client) => {
          const revisions = new Map(
            (await seenRecords(client, org)).map(({ pfa_id, revision }) => [pfa_id, revision]),
          );
          const items = Object.entries(changes).map(([record_id, one]) => ({
            ...{ record_id, changes: one, revision: revisions.get(record_id) ?? null },
          }));
          return saveDrafts(client, org, items, continues);
        },
        { commit: true },
      ),
    undo: () => db.asUser(author, (client) => undoDraft(client, org), { commit: true }),
    redo: () => db.asUser(author, (client) => redoDraft(client, org), { commit: true }),
    categories: () =>
      db.asUser(author, async (client) =>
        (await seenRecords(client, org)).map(({ category }) => category).join(),
      ),
  };
}

test('a continued save is the same operation, with one undo and one redo for both', async () => {
  const { save, undo, redo, categories } = await project();
  const first = await save({ a: { category: 'A' } });
  const second = await save({ b: { category: 'B' }, c: { category: 'C' } }, first.operation_id!);
  expect(second.operation_id).toBe(first.operation_id);
  expect(await undo()).toMatchObject({ changed_count: 3, impossible: [] });
  expect(await categories()).toBe('Old,Old,Old');
  expect(await redo()).toMatchObject({ changed_count: 3 });
  expect(await categories()).toBe('A,B,C');
});

test('a record that both change returns to its value before the first', async () => {
  const { save, undo, categories } = await project();
  const first = await save({ a: { category: 'A' } });
  await save({ a: { category: 'AA', model: 'N' } }, first.operation_id!);
  expect(await undo()).toMatchObject({ changed_count: 1, impossible: [] });
  expect(await categories()).toBe('Old,Old,Old');
});

test('a record that the second save resets counts as untouched', async () => {
  const { save, undo, categories } = await project();
  const first = await save({ a: { category: 'A' }, b: { category: 'B' } });
  await save({ a: { category: 'Old' } }, first.operation_id!);
  expect(await categories()).toBe('Old,B,Old');
  expect(await undo()).toMatchObject({ impossible: [] });
  expect(await categories()).toBe('Old,Old,Old');
});

test('continues only the newest save in effect; otherwise it is a separate operation', async () => {
  const { save, undo, categories } = await project();
  const first = await save({ a: { category: 'A' } });
  const second = await save({ b: { category: 'B' } });
  const third = await save({ c: { category: 'C' } }, first.operation_id!);
  expect(new Set([first, second, third].map(({ operation_id }) => operation_id)).size).toBe(3);
  await undo();
  expect(await categories()).toBe('A,B,Old');
  const fourth = await save({ c: { category: 'D' } }, third.operation_id!);
  expect(fourth.operation_id).not.toBe(third.operation_id);
});

test('does not continue an operation of another user', async () => {
  const { save } = await project();
  const { save: saveElsewhere } = await project();
  const first = await save({ a: { category: 'A' } });
  expect((await saveElsewhere({ a: { category: 'A' } }, first.operation_id!)).operation_id).not.toBe(
    first.operation_id,
  );
});
