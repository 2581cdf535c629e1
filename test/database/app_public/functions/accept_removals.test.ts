import { beforeEach, expect, test } from 'vitest';
import { refusal, saveDraft, seenDrafts, seenRecords } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeMember,
  makeOrganization,
  makeUser,
  mergeSyncRun,
  one,
  putRecords,
  queueSync,
  stage,
  type Organization,
  type RecordData,
} from '../../../support/make.ts';
import { answered, expected } from '../../../support/merged.ts';

const db = await testDatabase();

// 60 records, of which PEMS only holds the last 40: a third is gone, so the removals are withheld.
const records = Array.from({ length: 60 }, (_, i): RecordData => ({
  pfaId: `r${String(i).padStart(2, '0')}`,
  source: 'Purchase',
  purchasePrice: i + 1,
}));
const kept = records.slice(20);

let org: Organization;
let admin: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  admin = await makeMember(db, org, 'admin');
});

/** The run that withheld them. */
async function spared() {
  await putRecords(db, org, records);
  await putRecords(db, org, kept);
  const run = await putRecords(db, org, kept);
  expect(run).toMatchObject({ rows_spared: 20, rows_removed: 0 });
  return run;
}

const ask = 'select r.* from app_public.accept_removals($1, $2) r';
interface Accepted {
  rows_removed: number;
  rows_spared: number;
  removals_accepted_by: number | null;
  removals_accepted_at: Date | null;
}
const accept = (runId: string, user = admin) =>
  db.asUser(user, async (client) => one((await client.query<Accepted>(ask, [org.id, runId])).rows), {
    commit: true,
  });

async function listed(runId: string) {
  const { rows } = await db.asUser(admin, (client) =>
    client.query<{ pfa_id: string }>(
      `select c.pfa_id from app_public.pfa_sync_log l, app_public.pfa_sync_log_spared_removals(l) c
      where l.organization_id = $1 and l.id = $2`,
      [org.id, runId],
    ),
  );
  return rows.map(({ pfa_id }) => pfa_id);
}
const seen = () =>
  db.asUser(admin, async (client) => (await seenRecords(client, org)).map(({ pfa_id }) => pfa_id));
const ids = (of: RecordData[]) => of.map(({ pfaId }) => pfaId);

async function removals() {
  const { rows } = await db.owner.query<{ pfa_id: string; user_id: number | null }>(
    `select pfa_id, user_id from app_core.pfa_change where organization_id = $1 and event = 'remove' order by pfa_id`,
    [org.id],
  );
  return rows;
}

test('the run shows how many records of how many, and what to do; a list names them', async () => {
  const run = (await spared()) as Awaited<ReturnType<typeof spared>> & { notice: string };
  expect(run.notice).toContain('20 of 60 records are gone in PEMS');
  expect(run.notice).toContain(`npx vanguard sync accept-removals ${org.code}`);
  expect(await listed(run.id)).toEqual(ids(records.slice(0, 20)));
  const stranger = await makeMember(db, await makeOrganization(db), 'owner');
  const { rows } = await db.asUser(stranger, (client) =>
    client.query('select from app_public.pfa_removal_candidate'),
  );
  expect(rows).toEqual([]);
});

test('accepting removes them at once, in the name of the user; later runs say nothing', async () => {
  const { id } = await spared();
  const run = await accept(id);
  expect(run).toMatchObject({ rows_removed: 20, rows_spared: 20, removals_accepted_by: admin });
  expect(run.removals_accepted_at).not.toBeNull();
  expect(await seen()).toEqual(ids(kept));
  expect(await removals()).toEqual(ids(records.slice(0, 20)).map((pfa_id) => ({ pfa_id, user_id: admin })));
  expect(await listed(id)).toEqual([]);
  expect(await putRecords(db, org, kept)).toMatchObject({ rows_spared: 0, rows_missing: 0, rows_removed: 0 });
  expect(await putRecords(db, org, records)).toMatchObject({ rows_updated: 20, rows_inserted: 0 });
  expect(await seen()).toEqual(ids(records));
});

test('totals, drafts and the records of users change as after any removal', async () => {
  const member = await makeMember(db, org);
  await putRecords(db, org, records);
  await db.asUser(member, (client) => saveDraft(client, org, 'r03', { purchasePrice: 1000 }), {
    commit: true,
  });
  await putRecords(db, org, kept);
  const { id } = await putRecords(db, org, kept);
  await db.owner.query("select graphile_worker.remove_job('summaries:refresh')");
  await accept(id);
  for (const user of [member, admin])
    expect(await answered(db, org, user)).toEqual(await expected(db, org, user));
  expect(await db.asUser(member, (client) => seenDrafts(client, org))).toMatchObject([
    { pfa_id: 'r03', delta: { purchasePrice: 1000 }, problems: { purchasePrice: { kind: 'removed' } } },
  ]);
  const { rows } = await db.worker.query("select from graphile_worker.jobs where key = 'summaries:refresh'");
  expect(rows).toHaveLength(1);
});

test('a second call by any user changes nothing', async () => {
  const { id } = await spared();
  const first = await accept(id);
  expect(await accept(id, await makeMember(db, org, 'owner'))).toEqual(first);
  expect(await removals()).toHaveLength(20);
});

test('records that PEMS returned in the meantime stay', async () => {
  const { id } = await spared();
  const back = [...records.slice(0, 5), ...kept];
  await putRecords(db, org, back);
  expect(await listed(id)).toEqual(ids(records.slice(5, 20)));
  expect(await accept(id)).toMatchObject({ rows_removed: 15 });
  expect(await seen()).toEqual(ids(back));
});

test('a record that returned and disappears again must be missed twice again', async () => {
  const { id } = await spared();
  await putRecords(db, org, records);
  await putRecords(db, org, kept);
  expect(await accept(id)).toMatchObject({ rows_removed: 0 });
  expect(await seen()).toEqual(ids(records));
});

test('a record that another read saw after the miss stays', async () => {
  const { id } = await spared();
  await db.owner.query(
    "update app_core.pfa_mirror set observed_at = clock_timestamp() where organization_id = $1 and pfa_id = 'r00'",
    [org.id],
  );
  expect(await accept(id)).toMatchObject({ rows_removed: 19 });
  expect(await seen()).toEqual(['r00', ...ids(kept)]);
});

test('a record that an incremental run returns unchanged no longer counts as gone', async () => {
  const { id } = await spared();
  const incremental = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
  await db.owner.query("update app_public.pfa_sync_log set kind = 'incremental' where id = $1", [
    incremental?.id,
  ]);
  await stage(db.worker, org, incremental?.id ?? '', [
    { pfaId: 'r00', data: { organization: org.code, ...records[0] } },
  ]);
  expect(await mergeSyncRun(db.worker, org, incremental?.id ?? '')).toMatchObject({ rows_unchanged: 1 });
  expect(await accept(id)).toMatchObject({ rows_removed: 19 });
});

test('accepting an older run covers its withheld removals that are still gone; a newer run has its own', async () => {
  const { id: older } = await spared();
  // Only the newer run misses five more for the second time.
  await putRecords(db, org, kept.slice(5));
  const newer = await putRecords(db, org, kept.slice(5));
  expect(newer).toMatchObject({ rows_spared: 25 });
  expect(await listed(older)).toEqual(ids(records.slice(0, 20)));
  expect(await listed(newer.id)).toEqual(ids(records.slice(0, 25)));
  expect(await accept(older)).toMatchObject({ rows_removed: 20 });
  expect(await accept(newer.id)).toMatchObject({ rows_removed: 5 });
  expect(await seen()).toEqual(ids(kept.slice(5)));
});

/** A run that has read every record unchanged and has not merged yet. */
async function readEverything(): Promise<string> {
  const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
  if (!run) throw new Error('The run did not begin.');
  await stage(
    db.worker,
    org,
    run.id,
    records.map((record) => ({ pfaId: record.pfaId, data: { organization: org.code, ...record } })),
  );
  return run.id;
}

test('a page that was requested before the acceptance restores a record', async () => {
  const { id } = await spared();
  const runId = await readEverything();
  await accept(id);
  expect(await mergeSyncRun(db.worker, org, runId)).toMatchObject({ rows_updated: 20 });
  expect(await seen()).toEqual(ids(records));
});

test('waits while a run merges, and removes no record that the run has seen', async () => {
  const { id } = await spared();
  const runId = await readEverything();
  const merging = await db.worker.connect();
  try {
    await merging.query('begin');
    await mergeSyncRun(merging, org, runId);
    const accepted = accept(id);
    const waits = `select from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where not l.granted and l.locktype = 'advisory' and a.datname = current_database()`;
    await expect.poll(async () => (await db.owner.query(waits)).rows.length).toBe(1);
    await merging.query('commit');
    expect(await accepted).toMatchObject({ rows_removed: 0 });
  } finally {
    merging.release();
  }
  expect(await seen()).toEqual(ids(records));
});

test('owners, admins and administrators may; members, viewers and strangers may not', async () => {
  const { id } = await spared();
  for (const [user, code] of [
    [await makeMember(db, org, 'member'), 'VG403'],
    [await makeMember(db, org, 'viewer'), 'VG403'],
    [await makeMember(db, await makeOrganization(db), 'owner'), 'VG404'],
  ] as const) {
    const refused = await db.asUser(user, (client) => refusal(client, () => client.query(ask, [org.id, id])));
    expect(refused.code).toBe(code);
  }
  for (const user of [await makeMember(db, org, 'owner'), await makeUser(db, 'admin')]) {
    const { rows } = await db.asUser(user, (client) => client.query<Accepted>(ask, [org.id, id]));
    expect(rows).toMatchObject([{ rows_removed: 20, removals_accepted_by: user }]);
  }
});

test('refuses a run without withheld removals, of another organization, or that does not exist', async () => {
  const { id } = await spared();
  const quiet = await putRecords(db, org, records);
  const other = await makeOrganization(db);
  await db.asUser(await makeUser(db, 'admin'), async (client) => {
    expect((await refusal(client, () => client.query(ask, [org.id, quiet.id]))).code).toBe('VG400');
    expect((await refusal(client, () => client.query(ask, [other.id, id]))).code).toBe('VG404');
    expect((await refusal(client, () => client.query(ask, [org.id, '2000000000']))).code).toBe('VG404');
  });
});
