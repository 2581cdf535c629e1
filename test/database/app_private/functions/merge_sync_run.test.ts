import { beforeEach, describe, expect, test } from 'vitest';
import { saveDraft, seenDrafts, seenRecord, seenRecords, untilBlocked } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeMember,
  makeOrganization,
  mergeSyncRun,
  putRecords,
  queueSync,
  stage,
  syncRows,
  trustAll,
  type Organization,
  type RecordData,
  type StagedRow,
} from '../../../support/make.ts';

const db = await testDatabase();

// Each test has a separate organization.
let org: Organization;
let author: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  author = await makeMember(db, org);
});

const crane: RecordData = { pfaId: 'crane', category: 'Cranes', monthlyRate: 100 };
const pump: RecordData = { pfaId: 'pump', category: 'Pumps' };

async function mirror() {
  const { rows } = await db.owner.query<{
    pfa_id: string;
    data: Record<string, unknown>;
    xmin: string;
    revision: string;
    version: string | null;
    version_by: string | null;
    is_removed: boolean;
  }>(
    `select pfa_id, data, xmin::text, revision, version::text, version_by, removed_at is not null as is_removed
    from app_core.pfa_mirror where organization_id = $1 order by pfa_id`,
    [org.id],
  );
  return rows;
}

async function changes() {
  const { rows } = await db.owner.query<Record<string, unknown>>(
    `select pfa_id, user_id, route, event, changes from app_core.pfa_change
    where organization_id = $1 and route <> 'draft' order by id`,
    [org.id],
  );
  return rows;
}

async function rejects(runId: string) {
  const { rows } = await db.owner.query<Record<string, unknown>>(
    `select pfa_id, reason, problems, row_content from app_public.pfa_sync_reject
    where organization_id = $1 and run_id = $2 order by id`,
    [org.id, runId],
  );
  return rows;
}

async function now(): Promise<string> {
  const { rows } = await db.owner.query<{ now: string }>('select clock_timestamp()::text as now');
  return rows[0]?.now ?? '';
}

/** A run in progress without staged rows. */
async function begun() {
  const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
  if (!run) throw new Error('The run did not begin.');
  return run;
}

describe('read records', () => {
  test('the first run fills the mirror and writes no history', async () => {
    const run = await putRecords(db, org, [crane, pump]);
    expect(run).toMatchObject({
      state: 'succeeded',
      rows_read: 2,
      rows_inserted: 2,
      rows_updated: 0,
      rows_rejected: 0,
    });
    expect(run.finished_at).not.toBeNull();
    expect(await mirror()).toMatchObject([{ pfa_id: 'crane' }, { pfa_id: 'pump' }]);
    expect(await changes()).toEqual([]);
  });

  test('an unchanged record is not written at all', async () => {
    await putRecords(db, org, [crane, pump]);
    const before = await mirror();
    expect(await putRecords(db, org, [crane, pump])).toMatchObject({
      rows_updated: 0,
      rows_unchanged: 2,
      rows_inserted: 0,
    });
    expect(await mirror()).toEqual(before);
    expect(await changes()).toEqual([]);
  });

  test('a changed record gets a new revision, and the history names the changed keys', async () => {
    await putRecords(db, org, [crane, pump]);
    const [before] = await mirror();
    const run = await putRecords(db, org, [{ pfaId: 'crane', category: 'Lifting', class: 'Tower' }, pump]);
    expect(run).toMatchObject({ rows_updated: 1, rows_unchanged: 1 });
    const [after] = await mirror();
    expect(BigInt(after?.revision ?? 0)).toBeGreaterThan(BigInt(before?.revision ?? 0));
    expect(await changes()).toEqual([
      {
        ...{ pfa_id: 'crane', user_id: null, route: 'sync', event: 'update' },
        changes: {
          category: { from: 'Cranes', to: 'Lifting' },
          class: { from: null, to: 'Tower' },
          monthlyRate: { from: 100, to: null },
        },
      },
    ]);
  });

  test('a record that appears after the first run is recorded as added', async () => {
    await putRecords(db, org, [crane]);
    expect(await putRecords(db, org, [crane, pump])).toMatchObject({ rows_inserted: 1, rows_unchanged: 1 });
    expect(await changes()).toEqual([
      { pfa_id: 'pump', user_id: null, route: 'sync', event: 'add', changes: {} },
    ]);
  });

  test('of an organization without statistics, changed records are found one by one', async () => {
    // Statistics only know other organizations, so any index looks as good as the key.
    const others = await makeOrganization(db);
    await putRecords(
      db,
      others,
      Array.from({ length: 500 }, (_, n) => ({ pfaId: `other-${n}`, category: 'Cranes' })),
    );
    await db.owner.query('analyze app_core.pfa_mirror');
    const count = 600;
    const records = (rate: number): RecordData[] =>
      Array.from({ length: count }, (_, n) => ({
        pfaId: `P${1000 + n}`,
        category: 'Cranes',
        monthlyRate: rate,
      }));
    await trustAll(db, org);
    await putRecords(db, org, records(1));
    const run = await begun();
    await stage(
      db.worker,
      org,
      run.id,
      records(2).map((data) => ({ pfaId: String(data.pfaId), organizationCode: org.code, data })),
    );
    const client = await db.owner.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<{ rows_updated: number }>(
        'select rows_updated from app_private.merge_sync_run($1, $2)',
        [org.id, run.id],
      );
      expect(rows).toEqual([{ rows_updated: count }]);
      const read = await client.query<{ relname: string; tuples: string }>(
        `select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) as tuples from pg_stat_xact_user_tables
        where relname in ('pfa_mirror', 'pfa_staging')`,
      );
      // A cross join would have 360,000 rows.
      for (const { relname, tuples } of read.rows) expect(Number(tuples), relname).toBeLessThan(10 * count);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  test('a newer version of the same content is recorded, without a new revision or history', async () => {
    const row = (version: string, versionBy: string): StagedRow => ({
      pfaId: 'crane',
      data: { a: 1 },
      version,
      versionBy,
    });
    await syncRows(db, org, [row('2026-01-01 10:00', 'ann')]);
    const [before] = await mirror();
    expect(await syncRows(db, org, [row('2026-01-02 11:00', 'bob')])).toMatchObject({
      rows_updated: 0,
      rows_unchanged: 1,
    });
    const [after] = await mirror();
    expect(after).toMatchObject({
      version: '2026-01-02 11:00:00',
      version_by: 'bob',
      revision: before?.revision,
    });
    expect(await changes()).toEqual([]);
  });

  test('a newer version of the same content reaches the author of a draft, who may still save', async () => {
    const row = (version: string): StagedRow => ({ pfaId: 'crane', data: { category: 'Cranes' }, version });
    await syncRows(db, org, [row('2026-01-01 10:00')]);
    const drafted = await db.asUser(
      author,
      (client) => saveDraft(client, org, 'crane', { category: 'Mine' }),
      {
        commit: true,
      },
    );
    await syncRows(db, org, [row('2026-01-02 11:00')]);
    const { rows } = await db.asUser(author, (client) =>
      client.query(
        'select version::text, revision, category from app_public.pfa_record where organization_id = $1',
        [org.id],
      ),
    );
    expect(rows).toEqual([{ version: '2026-01-02 11:00:00', revision: drafted.revision, category: 'Mine' }]);
  });

  test('requests a refresh of the summaries only after changes', async () => {
    const queued = async () =>
      (await db.worker.query("select from graphile_worker.jobs where key = 'summaries:refresh'")).rows.length;
    await putRecords(db, org, [crane]);
    expect(await queued()).toBe(1);
    await db.worker.query("select graphile_worker.remove_job('summaries:refresh')");
    await putRecords(db, org, [crane]);
    expect(await queued()).toBe(0);
  });

  test('staging is empty afterwards', async () => {
    await putRecords(db, org, [crane]);
    const { rows } = await db.owner.query('select from app_private.pfa_staging where organization_id = $1', [
      org.id,
    ]);
    expect(rows).toEqual([]);
  });
});

const ofOrganization = [{ key: 'organization', value: 'long', message: 'is too long' }];

describe('an unreadable value', () => {
  const rate = { key: 'monthlyRate', alias: 'pfs_f_rate', value: 'much', message: 'is not a number' };
  const source = { key: 'source', alias: 'pfs_f_source', value: 'LEASE', message: 'is not one of them' };

  test('keeps the field, and the other fields are read', async () => {
    await putRecords(db, org, [{ ...crane, source: 'Rental' }, pump]);
    const before = await mirror();
    const run = await syncRows(db, org, [
      {
        pfaId: 'crane',
        data: { organization: org.code, pfaId: 'crane', category: 'Other' },
        problems: [rate, source],
        unknown: ['monthlyRate', 'source'],
      },
      { pfaId: 'pump', data: { organization: org.code, ...pump } },
    ]);
    expect(run).toMatchObject({
      state: 'succeeded',
      rows_updated: 1,
      rows_unchanged: 1,
      rows_rejected: 0,
      values_rejected: 2,
      rejected_fields: [
        {
          key: 'monthlyRate',
          alias: 'pfs_f_rate',
          count: 1,
          samples: [{ recordId: 'crane', value: 'much' }],
        },
        { key: 'source', alias: 'pfs_f_source', count: 1, samples: [{ recordId: 'crane', value: 'LEASE' }] },
      ],
      notice: expect.stringContaining(
        'source of 1 rows cannot be read (as "LEASE" in record crane)',
      ) as string,
    });
    const [first] = await mirror();
    const { monthlyRate, source: held } = before[0]!.data;
    expect(first?.data).toMatchObject({ category: 'Other', monthlyRate, source: held });
    expect(await changes()).toMatchObject([{ pfa_id: 'crane', changes: { category: { to: 'Other' } } }]);
    const { rows } = await db.owner.query(
      'select pfa_id, reason, key, alias, value, row_content from app_public.pfa_sync_reject where run_id = $1 order by key',
      [run.id],
    );
    expect(rows).toEqual([
      {
        ...{ pfa_id: 'crane', reason: 'field', key: 'monthlyRate', alias: 'pfs_f_rate', value: 'much' },
        row_content: { pfs_f_rate: 'much' },
      },
      {
        ...{ pfa_id: 'crane', reason: 'field', key: 'source', alias: 'pfs_f_source', value: 'LEASE' },
        row_content: { pfs_f_source: 'LEASE' },
      },
    ]);
  });

  test('of a new record is missing, and reported', async () => {
    const run = await syncRows(db, org, [
      { pfaId: 'crane', data: { category: 'A' }, problems: [source], unknown: ['source'] },
    ]);
    expect(run).toMatchObject({ rows_inserted: 1, values_rejected: 1 });
    expect(await mirror()).toMatchObject([{ pfa_id: 'crane', data: { category: 'A' } }]);
  });

  test('of another organization is not shown to members of this one', async () => {
    const run = await syncRows(db, org, [
      { pfaId: 'crane', data: {} },
      {
        pfaId: 'secret',
        organizationCode: `${org.code}2`,
        data: {},
        problems: [source],
        unknown: ['source'],
      },
    ]);
    expect(run).toMatchObject({ rows_rejected: 1, values_rejected: 0, rejected_fields: [] });
  });
});

describe('refused rows', () => {
  test('all rows of a duplicate id, also if they are equal', async () => {
    const run = await syncRows(db, org, [
      { pfaId: 'twice', data: { a: 1 } },
      { pfaId: 'twice', data: { a: 1 } },
      { pfaId: 'once', data: {} },
    ]);
    expect(run).toMatchObject({ rows_read: 3, rows_inserted: 1, rows_rejected: 2 });
    expect(await mirror()).toMatchObject([{ pfa_id: 'once' }]);
    expect(await rejects(run.id)).toMatchObject([
      { pfa_id: 'twice', reason: 'duplicate', row_content: { a: 1 } },
      { pfa_id: 'twice', reason: 'duplicate' },
    ]);
  });

  test('a row without an id', async () => {
    const run = await syncRows(db, org, [
      { pfaId: null, data: { a: 1 } },
      { pfaId: null, data: { a: 2 } },
    ]);
    expect(run).toMatchObject({ rows_inserted: 0, rows_rejected: 2 });
    expect(await rejects(run.id)).toMatchObject([{ reason: 'missing-id' }, { reason: 'missing-id' }]);
  });

  test('a row of another organization, whose id and contents no member of this one sees', async () => {
    const run = await syncRows(db, org, [
      { pfaId: 'crane', data: { a: 1 } },
      {
        pfaId: 'secret crane',
        organizationCode: `${org.code}2`,
        data: { secret: 1 },
        problems: [{ key: 'monthlyRate', value: 'secret', message: 'is not a number' }],
        rowContent: { secret: 1 },
      },
      { pfaId: null, organizationCode: `${org.code}2`, data: { secret: 1 } },
      { pfaId: 'nobodys', organizationCode: null, data: { secret: 1 } },
    ]);
    expect(run).toMatchObject({ rows_inserted: 1, rows_rejected: 3 });
    const refused = await rejects(run.id);
    expect(refused.map(({ reason }) => reason).toSorted()).toEqual([
      'missing-id',
      'other-organization',
      'other-organization',
    ]);
    expect(JSON.stringify(refused)).not.toContain('secret');
    expect(await mirror()).toMatchObject([{ pfa_id: 'crane', data: { a: 1 } }]);
  });

  test('a row with an unreadable id or organization', async () => {
    const problems = [
      { key: 'monthlyRate', value: 'much', message: 'is not a number' },
      { key: 'pfaId', value: 'long', message: 'is too long' },
    ];
    const run = await syncRows(db, org, [
      { pfaId: 'crane', data: {}, problems, rowContent: { pfs_f_rate: 'much' } },
    ]);
    expect(run).toMatchObject({ rows_inserted: 0, rows_rejected: 1, values_rejected: 0 });
    expect(await rejects(run.id)).toEqual([
      { pfa_id: 'crane', reason: 'value', problems, row_content: { pfs_f_rate: 'much' } },
    ]);
  });

  test('a record whose row is refused does not change, and does not count as missing', async () => {
    await putRecords(db, org, [crane, pump]);
    const before = await mirror();
    for (let run = 0; run < 3; run++) {
      expect(
        await syncRows(db, org, [
          { pfaId: 'crane', data: { category: 'A' } },
          { pfaId: 'crane', data: { category: 'B' } },
          { pfaId: 'pump', data: { category: 'C' }, problems: ofOrganization },
        ]),
      ).toMatchObject({ rows_rejected: 3, rows_missing: 0, rows_removed: 0 });
    }
    expect(await mirror()).toEqual(before);
  });
});

describe('outdated pages', () => {
  test("a page that was requested before the mirror's content arrived changes nothing", async () => {
    const run = await begun();
    const early = await now();
    // Another response arrived in the meantime.
    await db.owner.query(
      `insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at) values ($1, 'crane', '{"category": "Newer"}', clock_timestamp())`,
      [org.id],
    );
    await stage(db.worker, org, run.id, [
      { pfaId: 'crane', data: { category: 'Stale' }, version: '2020-01-01', requestedAt: early },
    ]);
    expect(await mergeSyncRun(db.worker, org, run.id)).toMatchObject({ rows_updated: 0, rows_unchanged: 1 });
    expect(await mirror()).toMatchObject([{ data: { category: 'Newer' }, version: null }]);
    expect(await changes()).toEqual([]);
  });

  test('a page that was requested later does, although it has an older version', async () => {
    await syncRows(db, org, [{ pfaId: 'crane', data: { category: 'A' }, version: '2026-01-02' }]);
    await syncRows(db, org, [{ pfaId: 'crane', data: { category: 'B' }, version: '2026-01-01' }]);
    expect(await mirror()).toMatchObject([{ data: { category: 'B' }, version: '2026-01-01 00:00:00' }]);
  });

  test('a record that arrived during a run does not count as missing', async () => {
    await putRecords(db, org, [crane]);
    for (let i = 0; i < 2; i++) {
      const run = await begun();
      await db.owner.query(
        `insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at) values ($1, 'new', '{}', clock_timestamp())
        on conflict (organization_id, pfa_id) do update set observed_at = excluded.observed_at`,
        [org.id],
      );
      await stage(db.worker, org, run.id, [{ pfaId: 'crane', data: crane }]);
      expect(await mergeSyncRun(db.worker, org, run.id)).toMatchObject({ rows_missing: 0, rows_removed: 0 });
    }
  });

  test('a record that was missed once is not removed by a run during which it was read', async () => {
    await putRecords(db, org, [crane, pump]);
    await putRecords(db, org, [crane]);
    const run = await begun();
    await db.owner.query(
      "update app_core.pfa_mirror set observed_at = clock_timestamp() where organization_id = $1 and pfa_id = 'pump'",
      [org.id],
    );
    await stage(db.worker, org, run.id, [{ pfaId: 'crane', data: crane }]);
    expect(await mergeSyncRun(db.worker, org, run.id)).toMatchObject({ rows_removed: 0 });
  });

  test('a record that was read between two runs that missed it must be missed twice again', async () => {
    await putRecords(db, org, [crane, pump]);
    await putRecords(db, org, [crane]);
    await db.owner.query(
      "update app_core.pfa_mirror set observed_at = clock_timestamp() where organization_id = $1 and pfa_id = 'pump'",
      [org.id],
    );
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_missing: 1, rows_removed: 0 });
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_removed: 1 });
  });

  test('the newest change includes only accepted rows', async () => {
    const run = await syncRows(db, org, [
      { pfaId: 'crane', data: {}, version: '2026-01-02 10:00' },
      { pfaId: 'pump', data: {}, version: '2031-01-01 10:00', problems: ofOrganization },
    ]);
    const { rows } = await db.owner.query(
      'select greatest_version::text from app_public.pfa_sync_log where id = $1',
      [run.id],
    );
    expect(rows).toEqual([{ greatest_version: '2026-01-02 10:00:00' }]);
  });

  test('a run whose token is no longer current merges nothing', async () => {
    await putRecords(db, org, [crane]);
    const before = await mirror();
    const lost = await begun();
    await stage(db.worker, org, lost.id, [{ pfaId: 'crane', data: { category: 'Lost' } }]);
    const current = await begun();
    await stage(db.worker, org, lost.id, [{ pfaId: 'crane', data: { category: 'Lost' } }]);
    await expect(mergeSyncRun(db.worker, org, lost.id)).rejects.toMatchObject({ code: 'VG409' });
    expect(await mirror()).toEqual(before);
    await stage(db.worker, org, current.id, [{ pfaId: 'crane', data: { category: 'Current' } }]);
    expect(await mergeSyncRun(db.worker, org, current.id)).toMatchObject({
      state: 'succeeded',
      rows_updated: 1,
      rows_read: 1,
    });
    expect(await mirror()).toMatchObject([{ data: { category: 'Current' } }]);
    await expect(mergeSyncRun(db.worker, org, current.id)).rejects.toMatchObject({ code: 'VG409' });
  });
});

describe('missing records', () => {
  const seen = () =>
    db.asUser(author, async (client) => (await seenRecords(client, org)).map(({ pfa_id }) => pfa_id));

  test('missing once is noted, missing twice removes it', async () => {
    await putRecords(db, org, [crane, pump]);
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_missing: 1, rows_removed: 0 });
    expect(await seen()).toEqual(['crane', 'pump']);
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_missing: 0, rows_removed: 1 });
    expect(await seen()).toEqual(['crane']);
    expect(await mirror()).toMatchObject([{ is_removed: false }, { pfa_id: 'pump', is_removed: true }]);
    expect(await changes()).toEqual([
      { pfa_id: 'pump', user_id: null, route: 'sync', event: 'remove', changes: {} },
    ]);
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_missing: 0, rows_removed: 0 });
  });

  test('a failed run in between has no effect', async () => {
    await putRecords(db, org, [crane, pump]);
    await putRecords(db, org, [crane]);
    const failed = await begun();
    await db.worker.query("select app_private.fail_sync_run($1, $2, 'PEMS_DOWN', 'Down.', null)", [
      org.id,
      failed.id,
    ]);
    expect(await seen()).toEqual(['crane', 'pump']);
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_removed: 1 });
  });

  test('seen again in between, it must be missed twice again', async () => {
    await putRecords(db, org, [crane, pump]);
    await putRecords(db, org, [crane]);
    await putRecords(db, org, [crane, pump]);
    expect(await putRecords(db, org, [crane])).toMatchObject({ rows_missing: 1, rows_removed: 0 });
    expect(await seen()).toEqual(['crane', 'pump']);
  });

  test('seen again after its removal, it is restored with its current content', async () => {
    await putRecords(db, org, [crane, pump]);
    await putRecords(db, org, [crane]);
    await putRecords(db, org, [crane]);
    expect(await putRecords(db, org, [crane, pump])).toMatchObject({ rows_updated: 1, rows_inserted: 0 });
    expect(await seen()).toEqual(['crane', 'pump']);
    expect((await changes()).at(-1)).toEqual({
      pfa_id: 'pump',
      user_id: null,
      route: 'sync',
      event: 'restore',
      changes: {},
    });
    await putRecords(db, org, [crane]);
    await putRecords(db, org, [crane]);
    await putRecords(db, org, [crane, { ...pump, category: 'Other' }]);
    expect((await changes()).at(-1)).toMatchObject({
      event: 'restore',
      changes: { category: { from: 'Pumps', to: 'Other' } },
    });
  });

  test('an incremental run does not affect records that it does not read', async () => {
    await putRecords(db, org, [crane, pump]);
    for (let i = 0; i < 3; i++) {
      const run = await begun();
      await db.owner.query("update app_public.pfa_sync_log set kind = 'incremental' where id = $1", [run.id]);
      expect(await mergeSyncRun(db.worker, org, run.id)).toMatchObject({ rows_missing: 0, rows_removed: 0 });
    }
    expect(await seen()).toEqual(['crane', 'pump']);
  });

  const many = (count: number) => Array.from({ length: count }, (_, i): RecordData => ({ pfaId: `r${i}` }));

  test.each([
    ['more than 20 % of more than 50 are spared', 51, 11, { rows_removed: 0, rows_spared: 11 }],
    ['20 % of more than 50 are removed', 55, 11, { rows_removed: 11, rows_spared: 0 }],
    ['of 50 all are removed', 50, 50, { rows_removed: 50, rows_spared: 0 }],
  ])('%s', async (_, count, gone, expected) => {
    await putRecords(db, org, many(count));
    await putRecords(db, org, many(count).slice(gone));
    expect(await putRecords(db, org, many(count).slice(gone))).toMatchObject(expected);
    expect(await seen()).toHaveLength(count - expected.rows_removed);
  });

  test('withheld again each time, until PEMS returns them', async () => {
    await putRecords(db, org, many(60));
    for (const spared of [0, 60, 60])
      expect(await putRecords(db, org, [])).toMatchObject({ rows_spared: spared, rows_removed: 0 });
    expect(await putRecords(db, org, many(60))).toMatchObject({ rows_spared: 0, rows_unchanged: 60 });
  });
});

describe('drafts', () => {
  const draft = (changes: Record<string, string | number | null>, pfaId = 'crane') =>
    db.asUser(author, (client) => saveDraft(client, org, pfaId, changes), { commit: true });
  const mine = (pfaId = 'crane') => db.asUser(author, (client) => seenRecord(client, org, pfaId));
  const drafts = () => db.asUser(author, (client) => seenDrafts(client, org));

  test('stay over changes of other keys in PEMS', async () => {
    await putRecords(db, org, [crane]);
    const before = await draft({ category: 'Mine' });
    expect(await putRecords(db, org, [{ ...crane, monthlyRate: 200 }])).toMatchObject({
      rows_updated: 1,
      conflicts: 0,
    });
    const after = await mine();
    expect(after).toMatchObject({ has_problem: false, data: { category: 'Mine', monthlyRate: 200 } });
    expect(BigInt(after.revision)).toBeGreaterThan(BigInt(before.revision));
  });

  test('have a conflict if PEMS changed the same key, until that change is reverted', async () => {
    await putRecords(db, org, [crane]);
    await draft({ category: 'Mine', monthlyRate: 7 });
    expect(await putRecords(db, org, [{ ...crane, category: 'Theirs' }])).toMatchObject({
      drafts_rebased: 1,
      conflicts: 1,
    });
    expect(await mine()).toMatchObject({ category: 'Mine', has_problem: true, data: { monthlyRate: 7 } });
    expect(await drafts()).toMatchObject([
      {
        base: { category: 'Cranes', monthlyRate: 100 },
        problems: { category: { kind: 'conflict', base: 'Cranes', theirs: 'Theirs', mine: 'Mine' } },
      },
    ]);
    expect(await putRecords(db, org, [{ ...crane, category: 'Theirs' }])).toMatchObject({
      rows_updated: 0,
      conflicts: 0,
    });
    await putRecords(db, org, [crane]);
    expect(await mine()).toMatchObject({ category: 'Mine', has_problem: false });
    expect(await drafts()).toMatchObject([{ problems: {} }]);
  });

  test('lose a key that PEMS now has as drafted, and end with the last key', async () => {
    await putRecords(db, org, [crane]);
    await draft({ category: 'Same', monthlyRate: 7 });
    await putRecords(db, org, [{ ...crane, category: 'Same' }]);
    expect(await drafts()).toMatchObject([{ delta: { monthlyRate: 7 }, base: { monthlyRate: 100 } }]);
    await putRecords(db, org, [{ ...crane, category: 'Same', monthlyRate: 7 }]);
    expect(await drafts()).toEqual([]);
    expect(await mine()).toMatchObject({ has_draft: false, category: 'Same' });
    const { rows } = await db.owner.query('select from app_core.pfa_overlay where organization_id = $1', [
      org.id,
    ]);
    expect(rows).toEqual([]);
  });

  test('stay visible with a problem while their record is missing, and recover when it returns', async () => {
    await putRecords(db, org, [crane, pump]);
    await draft({ category: 'Mine' });
    await putRecords(db, org, [pump]);
    await putRecords(db, org, [pump]);
    expect(await mine()).toMatchObject({ category: 'Mine', has_draft: true, has_problem: true });
    expect(await drafts()).toMatchObject([
      { problems: { category: { kind: 'removed', base: 'Cranes', mine: 'Mine' } } },
    ]);
    const other = await makeMember(db, org);
    expect(await db.asUser(other, (client) => seenRecords(client, org))).toMatchObject([{ pfa_id: 'pump' }]);
    await putRecords(db, org, [crane, pump]);
    expect(await mine()).toMatchObject({ category: 'Mine', has_problem: false });
    expect(await db.asUser(other, (client) => seenRecords(client, org))).toHaveLength(2);
  });

  test('are not touched by a run that does not change their record', async () => {
    await putRecords(db, org, [crane, pump]);
    await draft({ category: 'Mine' });
    const before = await mine();
    expect(await putRecords(db, org, [crane, { ...pump, category: 'X' }])).toMatchObject({
      drafts_rebased: 0,
    });
    expect(await mine()).toEqual(before);
  });

  test('pending values of other users override those of PEMS, for all users', async () => {
    await putRecords(db, org, [crane]);
    await db.owner.query(
      `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at)
      values ($1, $2, 'crane', '{"category": "Pending"}', '{"category": "Cranes"}', 'committed', 1, now())`,
      [org.id, author],
    );
    await db.owner.query("select app_private.rewrite_overlay($1, '{crane}')", [org.id]);
    await putRecords(db, org, [{ ...crane, category: 'Theirs', monthlyRate: 200 }]);
    const other = await makeMember(db, org, 'viewer');
    for (const user of [author, other]) {
      expect(await db.asUser(user, (client) => seenRecord(client, org, 'crane'))).toMatchObject({
        ...{ category: 'Pending', is_pending: true, has_draft: false },
        data: { monthlyRate: 200 },
      });
    }
  });
});

test('only the worker merges', async () => {
  const run = await begun();
  const merge = 'select app_private.merge_sync_run($1, $2)';
  await expect(db.authenticator.query(merge, [org.id, run.id])).rejects.toMatchObject({ code: '42501' });
  await expect(db.asUser(author, (client) => client.query(merge, [org.id, run.id]))).rejects.toMatchObject({
    code: '42501',
  });
});

test('waits for a user who drafts, without a lock that the user needs next, so that neither is lost', async () => {
  await putRecords(db, org, [crane, pump]);
  const queued = await queueSync(db.worker, org);
  const run = (await beginSyncRun(db.worker, org, queued.id))!;
  // One record is restamped and one changes: two reasons to write.
  await stage(db.worker, org, run.id, [
    { pfaId: 'crane', data: { organization: org.code, ...crane }, version: '2026-05-01 10:00' },
    { pfaId: 'pump', data: { organization: org.code, ...pump, category: 'Hoists' } },
  ]);
  await db.asOwner(async (client) => {
    const lock = (id: string) => client.query('select app_private.lock_records($1, $2)', [org.id, [id]]);
    await lock('crane');
    const merged = mergeSyncRun(db.worker, org, run.id);
    await untilBlocked(db);
    await lock('pump');
    await client.query('commit');
    expect(await merged).toMatchObject({ state: 'succeeded', rows_updated: 1 });
  });
});
