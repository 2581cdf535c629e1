import { expect, test } from 'vitest';
import { commitChange, commitDrafts, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, trustAll } from '../../../support/make.ts';

const db = await testDatabase();
const record = (pfaId: string, category = 'Old') => ({ pfaId, category });

/** Returns the events as the server reads them. */
async function read(organizationId: number, ids: string[]) {
  const { rows } = await db.authenticator.query<Record<string, unknown>>(
    'select id, kind, viewer_id, record_ids, states from app_private.read_events($1, $2)',
    [organizationId, ids],
  );
  return rows;
}

async function events(organizationId: number) {
  const { rows } = await db.owner.query<{
    id: string;
    kind: string;
    viewer_id: number;
    record_ids: string[] | null;
  }>(
    'select id, kind, viewer_id, record_ids from app_core.pfa_event where organization_id = $1 order by id',
    [organizationId],
  );
  return rows;
}

test('an event comes with all others of its transaction, but none of other transactions or organizations', async () => {
  const [org, other] = [await makeOrganization(db), await makeOrganization(db)];
  const author = await makeMember(db, org);
  await putRecords(db, org, [record('a'), record('b')]);
  const before = await events(org.id);
  await db.asUser(author, (client) => commitChange(client, org, 'a', { category: 'New' }), { commit: true });
  const ids = (await events(org.id))
    .map(({ id }) => id)
    .filter((id) => !before.some((known) => known.id === id));
  expect(ids.length).toBeGreaterThan(2);
  for (const id of ids) {
    expect((await read(org.id, [id])).map((event) => event.id)).toEqual(ids);
    expect(await read(other.id, [id])).toEqual([]);
  }
});

test('one row describes a statement with any number of records, and the author of a commit gets each change', async () => {
  const org = await makeOrganization(db);
  const author = await makeMember(db, org);
  await trustAll(db, org);
  const ids = Array.from({ length: 500 }, (_, i) => `r${String(i).padStart(3, '0')}`);
  await putRecords(
    db,
    org,
    ids.map((id) => record(id)),
  );
  expect(await events(org.id)).toMatchObject([{ kind: 'records', viewer_id: 0, record_ids: null }]);
  await putRecords(
    db,
    org,
    ids.map((id) => record(id, 'New')),
  );
  expect((await events(org.id)).slice(1)).toMatchObject([{ kind: 'records', viewer_id: 0, record_ids: ids }]);
  await db.asUser(
    author,
    async (client) => {
      for (const id of ids.slice(0, 3)) await saveDraft(client, org, id, { category: 'Mine' });
      await commitDrafts(client, org);
    },
    { commit: true },
  );
  const told = (await events(org.id)).filter((event) => event.kind === 'modifications');
  expect(told).toMatchObject([{ viewer_id: author, record_ids: ids.slice(0, 3) }]);
  const [modification] = (await read(org.id, [one(told).id])).filter(
    (event) => event.kind === 'modifications',
  );
  expect(modification!.states).toEqual(['committed', 'committed', 'committed']);
});

test('more records than an event lists', async () => {
  const org = await makeOrganization(db);
  const ids = Array.from({ length: 10_001 }, (_, i) => `r${i}`);
  await putRecords(
    db,
    org,
    ids.map((id) => record(id)),
  );
  await putRecords(
    db,
    org,
    ids.map((id) => record(id, 'New')),
  );
  expect((await events(org.id)).at(-1)).toMatchObject({ kind: 'records', viewer_id: 0, record_ids: null });
});

test('only the server may read all events, or the rights of sessions', async () => {
  const member = await makeMember(db, await makeOrganization(db));
  for (const call of [
    'read_events(1, array[1::bigint])',
    "subscriber_rights('{}', '{}')",
    'subscriber_revision(1, 1)',
  ]) {
    await expect(db.asUser(member, (client) => client.query(`select app_private.${call}`))).rejects.toThrow(
      /permission denied/,
    );
    await expect(db.worker.query(`select app_private.${call}`)).rejects.toThrow(/permission denied/);
  }
});
