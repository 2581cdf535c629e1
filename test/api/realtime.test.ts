import { describe, expect, test } from 'vitest';
import { commitChange, commitDrafts, saveDraft, withdrawCommits } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import {
  beginSyncRun,
  makeOrganization,
  mergeSyncRun,
  putRecords,
  queueSync,
  stage,
  trustAll,
} from '../support/make.ts';
import { until } from '../support/until.ts';
import { makePerson, testApi } from './server.ts';
import { openClient, sleep, watch } from './subscribe.ts';

// Subscriptions over real websockets: which events reach which subscribers.

const db = await testDatabase();
const api = await testApi(db, { realtime: { together: 30, progress: 300 } });
const record = (pfaId: string, category = 'Old') => ({ pfaId, category });

let made = 0;
/** An organization of its own with two members, signed in, and four records. */
async function project() {
  const org = await makeOrganization(db);
  const people = await Promise.all(
    ['anna', 'ben'].map(async (name) => {
      const username = `${name}${++made}`;
      const id = await makePerson(db, username, [[org, 'member']]);
      return { id, token: await api.token(username) };
    }),
  );
  await putRecords(
    db,
    org,
    ['a', 'b', 'c', 'd'].map((id) => record(id)),
  );
  const [anna, ben] = people as [(typeof people)[0], (typeof people)[0]];
  // Notifications come in the order of commits. After this one, new subscribers receive no event of the records above.
  const first = await watch(api, anna.token, org.id);
  await db.owner.query(
    `update app_core.pfa_mirror set revision = nextval('app_core.revision_seq')
    where organization_id = $1 and pfa_id = 'd'`,
    [org.id],
  );
  await first.records('d');
  first.stop();
  const as = <T>({ id }: { id: number }, use: Parameters<typeof db.asUser<T>>[1]) =>
    db.asUser(id, use, { commit: true });
  return { org, anna, ben, as };
}

/** Long enough to show that no event arrives. */
const quiet = () => sleep(250);

describe('records', () => {
  test('a commit of one user reaches another user, with the new revision of the record', async () => {
    const { org, anna, ben, as } = await project();
    const bens = await watch(api, ben.token, org.id);
    await as(anna, (client) => commitChange(client, org, 'a', { category: 'New' }));
    const { records, revision, organizationId } = await bens.next('RECORDS');
    const seen = await as(ben, async (client) =>
      client.query<{ revision: string }>(
        "select revision from app_public.pfa_record where organization_id = $1 and pfa_id = 'a'",
        [org.id],
      ),
    );
    expect(records).toEqual([{ recordId: 'a', revision: seen.rows[0]!.revision }]);
    expect(organizationId).toBe(org.id);
    expect(BigInt(revision!)).toBeGreaterThan(BigInt(records![0]!.revision));
  });

  test('a draft reaches its author in another tab, and no other user', async () => {
    const { org, anna, ben, as } = await project();
    const [annas, bens] = [await watch(api, anna.token, org.id), await watch(api, ben.token, org.id)];
    await as(anna, (client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    expect(await annas.records('a')).toEqual(['a']);
    await quiet();
    expect(bens.events.map((e) => e.kind)).toEqual(['READY']);
    // Later changes of the draft do not reach other users either.
    await as(anna, (client) => saveDraft(client, org, 'a', { category: 'Old' }));
    expect(await annas.records('a')).toEqual(['a']);
    await quiet();
    expect(bens.events.map((e) => e.kind)).toEqual(['READY']);
  });

  test('a withdrawal reaches others', async () => {
    const { org, anna, ben, as } = await project();
    await as(anna, (client) => commitChange(client, org, 'b', { category: 'New' }));
    const bens = await watch(api, ben.token, org.id);
    await as(anna, (client) => withdrawCommits(client, org));
    expect(await bens.records('b')).toEqual(['b']);
    expect(bens.events.some((e) => e.commits)).toBe(false);
  });

  test('a subscriber to some records receives events of these records only', async () => {
    const { org, anna, as, ben } = await project();
    const bens = await watch(api, ben.token, org.id, ['a', 'c']);
    await as(anna, async (client) => {
      for (const id of ['a', 'b']) await saveDraft(client, org, id, { category: 'New' });
      await commitDrafts(client, org);
    });
    expect(await bens.records('a')).toEqual(['a']);
    await quiet();
    expect(bens.events.flatMap((e) => e.records ?? []).map((r) => r.recordId)).toEqual(['a']);
  });

  test('a sync sends events for changed and added records, push for written ones', async () => {
    const { org, ben } = await project();
    const bens = await watch(api, ben.token, org.id);
    await putRecords(db, org, [record('a', 'New'), record('b'), record('c'), record('d'), record('e')]);
    expect(await bens.records('a', 'e')).toEqual(['a', 'e']);
    await db.owner.query(
      `update app_core.pfa_mirror set data = data || '{"model": "M"}', revision = nextval('app_core.revision_seq')
      where organization_id = $1 and pfa_id = 'c'`,
      [org.id],
    );
    expect(await bens.records('c')).toEqual(['c']);
  });

  test('a transaction that was rolled back sends nothing', async () => {
    const { org, anna, ben } = await project();
    const bens = await watch(api, ben.token, org.id);
    await db.asUser(anna.id, (client) => commitChange(client, org, 'a', { category: 'New' }));
    await quiet();
    expect(bens.events.map((e) => e.kind)).toEqual(['READY']);
  });

  test('too many changed records to name: the client is asked to catch up', async () => {
    const { org, ben } = await project();
    await trustAll(db, org);
    const many = (category: string) => Array.from({ length: 1001 }, (_, i) => record(`r${i}`, category));
    await putRecords(db, org, many('Old'));
    const [bens, some] = [
      await watch(api, ben.token, org.id),
      await watch(api, ben.token, org.id, ['r1', 'r1000', 'x']),
    ];
    await putRecords(db, org, many('New'));
    expect((await bens.next('RESYNC')).revision).toBeNull();
    expect(await some.records('r1', 'r1000')).toEqual(['r1', 'r1000']);
    expect(bens.events.some((e) => e.records)).toBe(false);
  });

  test('the first sync reports everything as new', async () => {
    const org = await makeOrganization(db);
    await makePerson(db, 'first', [[org, 'viewer']]);
    const told = await watch(api, await api.token('first'), org.id);
    await putRecords(db, org, [record('a')]);
    await told.next('RESYNC');
  });
});

describe('states of changes', () => {
  test('only the author receives each state, whichever process set it', async () => {
    const { org, anna, ben, as } = await project();
    const [annas, bens] = [await watch(api, anna.token, org.id), await watch(api, ben.token, org.id)];
    await as(anna, (client) => commitChange(client, org, 'a', { category: 'New' }));
    const committed = (await annas.next('COMMITS')).commits!;
    expect(committed).toEqual([{ id: expect.any(String) as string, recordId: 'a', state: 'committed' }]);
    const { id } = committed[0]!;
    // Calls the function as its owner, like push.
    for (const state of ['syncing', 'synced']) {
      await db.owner.query(
        'update app_core.pfa_modification set state = $3 where organization_id = $1 and id = $2',
        [org.id, id, state],
      );
      expect((await annas.next('COMMITS')).commits).toEqual([{ id, recordId: 'a', state }]);
    }
    await quiet();
    expect(bens.events.some((e) => e.commits)).toBe(false);
  });

  test('withdrawals and problems, and the effect of a sync on drafts', async () => {
    const { org, anna, as } = await project();
    const annas = await watch(api, anna.token, org.id);
    await as(anna, (client) => commitChange(client, org, 'a', { category: 'New' }));
    const { id } = (await annas.next('COMMITS')).commits![0]!;
    await as(anna, (client) => withdrawCommits(client, org));
    expect((await annas.next('COMMITS')).commits).toContainEqual({
      id,
      recordId: 'a',
      state: 'gone',
    });
    await putRecords(db, org, [record('a', 'Theirs'), record('b'), record('c'), record('d')]);
    const { commits } = await annas.next('COMMITS');
    expect(commits).toEqual([{ id: expect.any(String) as string, recordId: 'a', state: 'problem' }]);
    await putRecords(
      db,
      org,
      ['a', 'b', 'c', 'd'].map((one) => record(one)),
    );
    expect((await annas.next('COMMITS')).commits).toEqual([
      { id: commits![0]!.id, recordId: 'a', state: 'draft' },
    ]);
  });

  test('saving and discarding drafts send no states', async () => {
    const { org, anna, as } = await project();
    const annas = await watch(api, anna.token, org.id);
    await as(anna, (client) => saveDraft(client, org, 'a', { category: 'New' }));
    await annas.records('a');
    await quiet();
    expect(annas.events.some((e) => e.commits)).toBe(false);
  });
});

describe('syncs', () => {
  test('start, progress and end send events, progress at a limited rate', async () => {
    const { org, ben } = await project();
    const bens = await watch(api, ben.token, org.id);
    const queued = await queueSync(db.worker, org);
    const run = (await beginSyncRun(db.worker, org, queued.id))!;
    const began = await bens.next('SYNC');
    expect(began.sync).toEqual({ runId: run.id, state: 'running', rowsRead: 0, errorCode: null });
    const before = bens.events.length;
    const startedAt = performance.now();
    for (let rows = 1; rows <= 20; rows++) {
      await db.worker.query('select app_private.report_sync_progress($1, $2, $3)', [org.id, run.id, rows]);
      await sleep(10);
    }
    await until('the last of it', () => bens.events.at(-1)?.sync?.rowsRead === 20);
    // At most one every 300 ms, however long the machine takes.
    const most = 2 + Math.floor((performance.now() - startedAt) / 300);
    expect(bens.events.length - before).toBeLessThanOrEqual(most);
    await stage(db.worker, org, run.id, []);
    await mergeSyncRun(db.worker, org, run.id);
    const ended = await until('the end', () => {
      const { sync } = bens.events.findLast((event) => event.sync) ?? {};
      return sync?.state === 'succeeded' && sync;
    });
    expect(ended).toMatchObject({ runId: run.id, errorCode: null });
  });

  test('a failure with its code', async () => {
    const { org, ben } = await project();
    const bens = await watch(api, ben.token, org.id);
    const queued = await queueSync(db.worker, org);
    await db.worker.query(
      "select app_private.fail_sync_run($1, $2, 'PEMS_UNREACHABLE', 'secret words', 'hint')",
      [org.id, queued.id],
    );
    const { sync } = await bens.next('SYNC');
    expect(sync).toEqual({ runId: queued.id, state: 'failed', rowsRead: 0, errorCode: 'PEMS_UNREACHABLE' });
  });
});

describe('catching up', () => {
  const since = (token: string, id: number, revision: string) =>
    api.data<{
      organization: { recordsChangedSince: { isComplete: boolean; records: { recordId: string }[] } };
    }>(
      token,
      `query ($id: Int!, $revision: BigInt!) { organization(id: $id) {
        recordsChangedSince(revision: $revision) { isComplete revision records { recordId revision } nextAfter } } }`,
      { id, revision },
    );

  test('a client that was disconnected continues from its last revision', async () => {
    const { org, anna, ben, as } = await project();
    const bens = await watch(api, ben.token, org.id);
    const commit = (pfaId: string) =>
      as(anna, (client) => commitChange(client, org, pfaId, { category: 'New' }));
    await commit('a');
    const { revision } = await bens.next('RECORDS');
    bens.stop();
    await commit('b');
    const { organization } = await since(ben.token, org.id, revision!);
    expect(organization.recordsChangedSince).toMatchObject({
      isComplete: true,
      records: [{ recordId: 'b' }],
      nextAfter: null,
    });
  });

  test('the event of an earlier transaction that commits late also reaches a client that was disconnected', async () => {
    const { org, ben } = await project();
    const bens = await watch(api, ben.token, org.id);
    const touch = `update app_core.pfa_mirror set data = data || '{"model": "M"}', revision = nextval('app_core.revision_seq')
      where organization_id = $1 and pfa_id = $2`;
    const slow = await db.owner.connect();
    try {
      await slow.query('begin');
      await slow.query(touch, [org.id, 'a']);
      await db.owner.query(touch, [org.id, 'b']);
      const first = await bens.next('RECORDS');
      expect(first.records?.map((r) => r.recordId)).toEqual(['b']);
      bens.stop();
      await slow.query('commit');
      const { organization } = await since(ben.token, org.id, first.revision!);
      expect(organization.recordsChangedSince.records.map((r) => r.recordId)).toEqual(['a']);
    } finally {
      slow.release();
    }
  });
});

test('one websocket carries several subscriptions, and each ends separately', async () => {
  const { org, anna, ben, as } = await project();
  const other = await project();
  await db.owner.query(
    "insert into app_public.user_organizations (organization_id, user_id, role) values ($1, $2, 'viewer')",
    [other.org.id, ben.id],
  );
  const client = openClient(api, ben.token);
  const [here, there] = [
    await watch(api, ben.token, org.id, undefined, client),
    await watch(api, ben.token, other.org.id, undefined, client),
  ];
  const commit = () =>
    as(anna, (database) => commitChange(database, org, 'a', { category: `New ${Math.random()}` }));
  await commit();
  await here.records('a');
  expect(there.events.map((e) => e.kind)).toEqual(['READY']);
  here.stop();
  await commit();
  await other.as(other.anna, (database) => commitChange(database, other.org, 'd', { category: 'New' }));
  expect(await there.records('d')).toEqual(['d']);
  expect(here.events.flatMap((e) => e.records ?? [])).toHaveLength(1);
});
