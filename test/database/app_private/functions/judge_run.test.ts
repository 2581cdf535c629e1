import { beforeEach, describe, expect, test } from 'vitest';
import { saveDraft, seenDrafts } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  beginSyncRun,
  makeMember,
  makeOrganization,
  one,
  putRecords,
  queueSync,
  stage,
  trustAll,
  type Json,
  type Organization,
  type RecordData,
  type StagedRow,
  type SyncRun,
} from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
beforeEach(async () => {
  org = await makeOrganization(db);
});

const columnsOfMapping = [
  ...['pfs_id', 'pfs_a_org', 'pfs_f_category', 'pfs_a_category', 'pfs_f_rate', 'pfs_a_rate', 'pfs_f_model'],
  ...['pfs_f_startdate', 'pfs_f_intlastupdated', 'pfa_act'],
];

/** Records with a value in each of these keys. */
const records = (
  count: number,
  change: (n: number) => Record<string, Json | undefined> = () => ({}),
): RecordData[] =>
  Array.from({ length: count }, (_, n) => ({
    pfaId: `R-${String(n).padStart(3, '0')}`,
    source: 'Rental',
    monthlyRate: 100 + n,
    forecastStart: `2026-03-${String((n % 12) + 1).padStart(2, '0')}`,
    ...(change(n) as Record<string, Json>),
  }));

/** Runs a whole sync with these rows, from pages with these columns. */
async function sync(
  rows: (RecordData & { [unknown]?: string[]; [problems]?: Json })[],
  {
    lost = [],
    partly = {},
    kind = 'full',
    more = [],
    types = {},
  }: {
    lost?: string[];
    partly?: Record<string, number>;
    kind?: 'full' | 'incremental';
    more?: string[];
    types?: Record<string, string>;
  } = {},
): Promise<SyncRun> {
  const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org, kind)).id);
  if (!run) throw new Error('The run did not begin.');
  const staged = rows.map(({ [unknown]: keys, [problems]: refused, ...data }): StagedRow => ({
    pfaId: data.pfaId,
    data: { organization: org.code, ...data },
    ...(keys && { unknown: keys }),
    ...(refused && { problems: refused, rowContent: {} }),
  }));
  await stage(db.worker, org, run.id, staged);
  const told = [...columnsOfMapping, ...more].filter((alias) => !lost.includes(alias));
  const columns = Object.fromEntries(told.map((alias) => [alias, partly[alias] ?? rows.length]));
  const merged = await db.worker.query<SyncRun>('select m.* from app_private.merge_sync_run($1, $2, $3) m', [
    org.id,
    run.id,
    { rows: rows.length, columns, types },
  ]);
  return one(merged.rows);
}
const unknown = Symbol('unknown');
const problems = Symbol('problems');

async function mirror() {
  const { rows } = await db.owner.query<{ pfa_id: string; data: Record<string, Json>; is_removed: boolean }>(
    'select pfa_id, data, removed_at is not null as is_removed from app_core.pfa_mirror where organization_id = $1 order by pfa_id',
    [org.id],
  );
  return rows;
}
const liveIds = async () => (await mirror()).filter((row) => !row.is_removed).map((row) => row.pfa_id);

async function columns() {
  const { rows } = await db.owner.query<{
    alias: string;
    last_seen_at: Date | null;
    missing_since: Date | null;
  }>('select * from app_public.pfa_column where organization_id = $1', [org.id]);
  return Object.fromEntries(rows.map(({ alias, ...row }) => [alias, row]));
}

const accept = (runId: string) =>
  db.owner.query('select app_private.accept_withheld_run($1, $2, null)', [org.id, runId]);

describe('a missing column', () => {
  test('keeps its values, and the run reports it', async () => {
    const author = await makeMember(db, org);
    await sync(records(60));
    await db.asUser(author, (client) => saveDraft(client, org, 'R-007', { monthlyRate: 1 }), {
      commit: true,
    });
    const before = await mirror();
    const run = await sync(
      records(60).map(({ monthlyRate: _, ...record }) => ({ ...record, [unknown]: ['monthlyRate'] })),
      { lost: ['pfs_f_rate'] },
    );
    expect(run).toMatchObject({ state: 'succeeded', rows_updated: 0, rows_unchanged: 60, conflicts: 0 });
    expect(await mirror()).toEqual(before);
    expect(await db.asUser(author, (client) => seenDrafts(client, org))).toMatchObject([{ problems: {} }]);
    expect(run.missing_columns).toContainEqual(
      expect.objectContaining({ alias: 'pfs_f_rate', keys: ['monthlyRate'], rows: 60 }),
    );
    expect(run).toMatchObject({
      notice: expect.stringContaining(
        'The column pfs_f_rate (monthlyRate) is missing in 60 of 60 rows',
      ) as string,
    });
  });

  test('has the age of the last run that had it', async () => {
    const first = await sync(records(3));
    await sync(records(3), { lost: ['pfs_f_rate'] });
    const missing = await columns();
    expect(missing.pfs_f_rate?.last_seen_at).toEqual(first.started_at);
    expect(missing.pfs_f_rate?.missing_since).not.toBeNull();
    expect(missing.pfs_f_model?.missing_since).toBeNull();
    const third = await sync(records(3));
    const back = await columns();
    expect(back.pfs_f_rate).toMatchObject({ last_seen_at: third.started_at, missing_since: null });
    expect(third.missing_columns.map(({ alias }) => alias)).not.toContain('pfs_f_rate');
  });

  test('on one page only is reported with the number of rows', async () => {
    await sync(records(60));
    const run = await sync(
      records(60, (n) => (n < 20 ? { monthlyRate: null } : {})).map((record, n) =>
        n < 20 ? { ...record, [unknown]: ['monthlyRate'] } : record,
      ),
      { partly: { pfs_f_rate: 40 } },
    );
    expect(run).toMatchObject({ state: 'succeeded', rows_updated: 0 });
    expect(run.missing_columns).toContainEqual(expect.objectContaining({ alias: 'pfs_f_rate', rows: 20 }));
  });

  test('does not block other changes of the record', async () => {
    await sync(records(60));
    const run = await sync(
      records(60, (n) => (n === 5 ? { category: 'Cranes' } : {})).map(({ monthlyRate: _, ...record }) => ({
        ...record,
        [unknown]: ['monthlyRate'],
      })),
      { lost: ['pfs_f_rate'] },
    );
    expect(run).toMatchObject({ rows_updated: 1 });
    expect((await mirror())[5]?.data).toMatchObject({ category: 'Cranes', monthlyRate: 105 });
  });

  test('of versions keeps the versions, and the next run reads everything', async () => {
    const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
    await stage(db.worker, org, run!.id, [
      { pfaId: 'A', data: {}, version: '2026-04-02 14:30', versionBy: 'ZOË' },
    ]);
    await db.worker.query('select app_private.merge_sync_run($1, $2)', [org.id, run!.id]);
    await sync([{ pfaId: 'A', [unknown]: ['version', 'versionBy'] }], { lost: ['pfs_f_intlastupdated'] });
    const { rows } = await db.owner.query(
      `select m.version::text, m.version_by, (app_private.plan_sync($1)).kind
      from app_core.pfa_mirror m where m.organization_id = $1`,
      [org.id],
    );
    expect(rows).toEqual([{ version: '2026-04-02 14:30:00', version_by: 'ZOË', kind: 'full' }]);
  });

  test('that the grid never had is reported by the first run only', async () => {
    const first = await sync(records(3), { lost: ['pfa_act'] });
    expect(first).toMatchObject({
      state: 'succeeded',
      notice: expect.stringContaining('never had the column pfa_act (isActualized)') as string,
    });
    const second = await sync(records(3), { lost: ['pfa_act'] });
    expect(JSON.stringify(second)).not.toContain('never had');
    expect(second.missing_columns).toContainEqual(
      expect.objectContaining({ alias: 'pfa_act', lastSeenAt: null }),
    );
  });

  test('existed before columns were recorded if the mirror has its values', async () => {
    await putRecords(
      db,
      org,
      records(3, () => ({ model: 'M' })),
    );
    const run = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org)).id);
    expect(run).not.toBeNull();
    const { rows } = await db.worker.query<{ alias: string }>(
      'select app_private.seen_columns($1) as alias',
      [org.id],
    );
    expect(rows.map(({ alias }) => alias)).toContain('pfs_f_model');
    expect(rows.map(({ alias }) => alias)).not.toContain('pfs_f_manufact');
  });

  test('can be forgotten: then its values are empty', async () => {
    await sync(records(3));
    await sync(records(3), { lost: ['pfs_f_rate'] });
    const forget = async (alias: string) =>
      one(
        (
          await db.owner.query<{ forget_column: boolean }>('select app_private.forget_column($1, $2)', [
            org.id,
            alias,
          ])
        ).rows,
      );
    expect(await forget('PFS_F_RATE')).toEqual({ forget_column: true });
    expect(await forget('pfs_f_model')).toEqual({ forget_column: false });
    expect(Object.keys(await columns())).not.toContain('pfs_f_rate');
  });
});

describe('the header of the grid', () => {
  const header = (of: { more?: string[]; lost?: string[]; types?: Record<string, string> }, count = 3) =>
    sync(records(count), of);

  test('is compared with the previous run: new, removed and retyped columns', async () => {
    expect(await header({ types: { pfs_f_rate: 'number', pfs_id: 'text' } })).toMatchObject({
      column_changes: {},
    });
    expect(await header({ types: { pfs_f_rate: 'number' } })).toMatchObject({ column_changes: {} });
    const run = await header({
      more: ['pfs_x_new'],
      lost: ['pfs_f_model'],
      types: { pfs_f_rate: 'text', pfs_x_new: 'date' },
    });
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(run.column_changes).toEqual({
      came: [{ alias: 'pfs_x_new', keys: [], type: 'date' }],
      went: [{ alias: 'pfs_f_model', keys: ['model'] }],
      retyped: [{ alias: 'pfs_f_rate', keys: ['monthlyRate'], type: 'text', was: 'number' }],
    });
    // Once.
    const same = { more: ['pfs_x_new'], lost: ['pfs_f_model'], types: { pfs_f_rate: 'text' } };
    expect(await header(same)).toMatchObject({ column_changes: {} });
    expect((await header({ more: ['pfs_x_new'] })).column_changes).toEqual({
      came: [{ alias: 'pfs_f_model', keys: ['model'] }],
    });
  });

  test('is not new for an organization with known values only', async () => {
    await sync(records(3));
    await db.owner.query('delete from app_public.pfa_column where organization_id = $1', [org.id]);
    expect(await header({ more: ['pfs_x_new'] })).toMatchObject({ column_changes: {} });
  });
});

describe('keys without earlier reads', () => {
  const history = async () =>
    (
      await db.owner.query<{ pfa_id: string; changes: Json }>(
        'select pfa_id, changes from app_core.pfa_change where organization_id = $1 order by id',
        [org.id],
      )
    ).rows;

  test('have no history and withhold nothing: a key that the mapping has gained', async () => {
    await sync(records(60));
    // As a migration does.
    await db.owner.query(
      "update app_public.pfa_field_mappings set created_at = now() where key = 'originalMonthlyRate'",
    );
    const run = await sync(
      records(60, (n) => ({ originalMonthlyRate: 90 + n, ...(n === 7 && { category: 'Cranes' }) })),
    );
    expect(run).toMatchObject({ state: 'succeeded', rows_updated: 60 });
    expect(await history()).toEqual([
      { pfa_id: 'R-007', changes: { category: { from: null, to: 'Cranes' } } },
    ]);
    // From now on it has a history.
    await sync(
      records(60, (n) => ({
        originalMonthlyRate: n === 3 ? 1 : 90 + n,
        ...(n === 7 && { category: 'Cranes' }),
      })),
    );
    expect((await history()).at(-1)).toEqual({
      pfa_id: 'R-003',
      changes: { originalMonthlyRate: { from: 93, to: 1 } },
    });
  });

  test('include a column that the grid has gained, or that moves to a key', async () => {
    await sync(
      records(60, () => ({ pfs_x_own: 'A' })),
      { more: ['pfs_x_own'] },
    );
    expect(
      await sync(
        records(60, () => ({ pfs_x_own: 'A', pfs_x_new: 'N' })),
        { more: ['pfs_x_own', 'pfs_x_new'] },
      ),
    ).toMatchObject({ rows_updated: 60 });
    await db.owner.query(
      `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'contract', '{pfs_x_own}')`,
      [org.id],
    );
    expect(
      await sync(
        records(60, () => ({ contract: 'A', pfs_x_new: 'N' })),
        { more: ['pfs_x_own', 'pfs_x_new'] },
      ),
    ).toMatchObject({ state: 'succeeded', rows_updated: 60 });
    expect((await history()).flatMap(({ changes }) => Object.keys(changes as object))).not.toContain(
      'pfs_x_own',
    );
    expect((await history()).flatMap(({ changes }) => Object.keys(changes as object))).not.toContain(
      'pfs_x_new',
    );
  });

  test('do not include a key that was only empty', async () => {
    await sync(records(3));
    await sync(records(3, (n) => (n === 1 ? { model: 'M' } : {})));
    expect(await history()).toEqual([{ pfa_id: 'R-001', changes: { model: { from: null, to: 'M' } } }]);
  });
});

describe('a run is withheld', () => {
  const bad = (key: string, value: string, proves?: string) => [
    { key, value, message: 'It cannot be read.', ...(proves && { proves }) },
  ];
  const reasonsOf = (run: SyncRun) => run.reasons.map(({ code, key, count, of }) => [code, key, count, of]);

  /** Returns the outcome of a run over 100 known records. */
  async function tried(rows: Parameters<typeof sync>[0], options?: Parameters<typeof sync>[1]) {
    await sync(records(100));
    const before = await mirror();
    const run = await sync(rows, options);
    if (run.state === 'withheld') expect(await mirror()).toEqual(before);
    return run;
  }

  test('if it refuses more than a fifth of its rows', async () => {
    const refused = (count: number) =>
      records(100).map((record, n) =>
        n < count ? { ...record, [problems]: bad('organization', 'x') } : record,
      );
    expect(reasonsOf(await tried(refused(21)))).toEqual([['SYNC_ROWS_REFUSED', 'organization', 21, 100]]);
    expect(await sync(refused(20))).toMatchObject({
      state: 'succeeded',
      rows_rejected: 20,
      notice: expect.stringContaining('20 of 100 rows were refused') as string,
    });
  });

  test('if it rejects a field of more than a fifth of its rows', async () => {
    const refused = (count: number) =>
      records(100).map((record, n) => {
        if (n >= count) return record;
        const { source: _, ...others } = record;
        return { ...others, [problems]: bad('source', 'LEASE'), [unknown]: ['source'] };
      });
    const run = await tried(refused(21));
    expect(reasonsOf(run)).toEqual([['SYNC_ROWS_REFUSED', 'source', 21, 100]]);
    expect(run).toMatchObject({ rows_rejected: 0, values_rejected: 21 });
    expect(run.reasons[0]?.message).toContain('21 of 100 rows are refused, whole or in part');
    expect(await sync(refused(20))).toMatchObject({
      state: 'succeeded',
      rows_updated: 0,
      values_rejected: 20,
      notice: expect.stringContaining('source of 20 rows cannot be read (as "LEASE"') as string,
    });
  });

  test('if it rejects nearly all values of a rarely used key', async () => {
    const some = (n: number, model: Json) => (n < 12 ? { model } : {});
    await sync(records(100, (n) => some(n, 'M')));
    const run = await sync(
      records(100).map((record, n) =>
        n < 12 ? { ...record, [problems]: bad('model', 'x'), [unknown]: ['model'] } : record,
      ),
    );
    expect(reasonsOf(run)).toEqual([['SYNC_VALUES_REFUSED', 'model', 12, 12]]);
  });

  test('if it rejects a field of all of a few rows', async () => {
    const all = records(12).map((record) => ({
      ...record,
      [problems]: bad('isActualized', 'ja'),
      [unknown]: ['isActualized'],
    }));
    expect(await sync(all)).toMatchObject({ state: 'withheld', values_rejected: 12, rows_inserted: 0 });
    expect(await mirror()).toEqual([]);
  });

  test.each([
    ['SYNC_DATE_ORDER', 'forecastStart', '23/04/2026', 'day-first'],
    ['SYNC_DATE_ORDER', 'lastModified', '23/04/2026 10:00', 'day-first'],
    ['SYNC_NUMBER_FORMAT', 'monthlyRate', '1.234,56', 'decimal-comma'],
  ])('if one value proves another notation: %s of %s', async (code, key, value, proves) => {
    const run = await tried(
      records(100).map((record, n) =>
        n === 7 ? { ...record, [problems]: bad(key, value, proves) } : record,
      ),
    );
    expect(reasonsOf(run)).toEqual([[code, key, 1, 100]]);
    expect(run.reasons[0]?.samples).toEqual([{ recordId: 'R-007', value }]);
    expect(run).toMatchObject({ error_code: code, error_message: run.reasons[0]?.message });
    expect(run.reasons[0]?.message).toContain(value);
  });

  test('if day and month are swapped, though no day is above 12', async () => {
    const swapped = records(100, (n) =>
      n < 5 ? { forecastStart: `2026-${String((n % 12) + 1).padStart(2, '0')}-03` } : {},
    );
    // 3 March is the same in both orders.
    expect(reasonsOf(await tried(swapped))).toEqual([['SYNC_DATE_ORDER', 'forecastStart', 4, 4]]);
  });

  test('if it empties a fifth of the values of a key', async () => {
    const emptied = (count: number) =>
      records(100, (n) => (n < count ? { monthlyRate: null } : {})).map((record) =>
        record.monthlyRate === null
          ? { pfaId: record.pfaId, source: 'Rental', forecastStart: record.forecastStart! }
          : record,
      );
    expect(reasonsOf(await tried(emptied(21)))).toEqual([['SYNC_COLUMN_EMPTIED', 'monthlyRate', 21, 100]]);
    expect(await sync(emptied(20))).toMatchObject({ state: 'succeeded', rows_updated: 20 });
  });

  test('if it empties all of ten values', async () => {
    await sync(records(15, (n) => (n < 10 ? { model: 'M' } : {})));
    expect(reasonsOf(await sync(records(15)))).toEqual([['SYNC_COLUMN_EMPTIED', 'model', 10, 10]]);
  });

  test('if it changes a key of more than half of the records', async () => {
    const changed = (count: number) => records(100, (n) => (n < count ? { monthlyRate: 7 } : {}));
    const run = await tried(changed(51));
    expect(reasonsOf(run)).toEqual([['SYNC_MANY_CHANGES', 'monthlyRate', 51, 100]]);
    expect(run.preview).toEqual({
      added: 0,
      changed: 51,
      rejected: 0,
      missing: 0,
      columns: [
        {
          key: 'monthlyRate',
          changed: 51,
          emptied: 0,
          samples: [
            { recordId: 'R-000', from: 100, to: 7 },
            { recordId: 'R-001', from: 101, to: 7 },
            { recordId: 'R-002', from: 102, to: 7 },
          ],
        },
      ],
    });
    expect(await sync(changed(50))).toMatchObject({ state: 'succeeded', rows_updated: 50 });
  });

  test('if it replaces many ids with others', async () => {
    const run = await tried(records(100).map((record) => ({ ...record, pfaId: `X${record.pfaId}` })));
    expect(reasonsOf(run)).toEqual([['SYNC_MANY_REPLACED', 'pfaId', 100, 100]]);
  });

  test('but not for a new unmapped column', async () => {
    expect(await tried(records(100, () => ({ pfs_x_new: 'text' })))).toMatchObject({
      state: 'succeeded',
      rows_updated: 100,
    });
  });

  test('only beyond the limits of its organization', async () => {
    await trustAll(db, org);
    expect(await tried(records(100, () => ({ monthlyRate: 7 })))).toMatchObject({ rows_updated: 100 });
  });

  test('with samples of its refused rows, and an empty staging table', async () => {
    const all = records(300).map((record, n) => ({
      ...record,
      [problems]: bad(n < 150 ? 'organization' : 'isActualized', 'ja'),
    }));
    expect(await sync(all)).toMatchObject({ state: 'withheld', rows_rejected: 150, values_rejected: 150 });
    const { rows } = await db.owner.query(
      `select (select count(*)::integer from app_public.pfa_sync_reject where organization_id = $1) as rejects,
        (select count(*)::integer from app_private.pfa_staging where organization_id = $1) as staged`,
      [org.id],
    );
    expect(rows).toEqual([{ rejects: 200, staged: 0 }]);
  });

  test('and the next one is due as after a success', async () => {
    const run = await tried(records(100, () => ({ monthlyRate: 7 })));
    const { rows } = await db.owner.query<{ is_begun: boolean }>(
      'select (b).id is not null as is_begun from app_private.begin_sync_run($1, $2) b',
      [org.id, run.id],
    );
    expect(rows).toEqual([{ is_begun: false }]);
  });

  describe('acceptance of a withheld run', () => {
    const other = records(100, () => ({ monthlyRate: 7 }));

    test('merges the same data with the next run, once', async () => {
      const run = await tried(other);
      await accept(run.id);
      expect(await sync(other)).toMatchObject({ state: 'succeeded', rows_updated: 100 });
      expect(await sync(records(100))).toMatchObject({ state: 'withheld' });
    });

    test('does not cover other reasons, or clearly more rows for the same reason', async () => {
      const run = await tried(records(100, (n) => (n < 60 ? { monthlyRate: 7 } : {})));
      await accept(run.id);
      expect(await sync(other)).toMatchObject({ state: 'withheld' });
      expect(await sync(records(100, (n) => (n < 60 ? { forecastStart: '2027-01-01' } : {})))).toMatchObject({
        state: 'withheld',
      });
      expect(await sync(records(100, (n) => (n < 65 ? { monthlyRate: 7 } : {})))).toMatchObject({
        state: 'succeeded',
        rows_updated: 65,
      });
    });

    test('queues a full run', async () => {
      const run = await tried(other);
      await accept(run.id);
      const { rows } = await db.owner.query(
        "select asked_kind, trigger from app_public.pfa_sync_log where organization_id = $1 and state = 'queued'",
        [org.id],
      );
      expect(rows).toEqual([{ asked_kind: 'full', trigger: 'command' }]);
    });

    test.each([
      ['that does not exist', () => Promise.resolve('999999999'), 'VG404'],
      ['that withheld nothing', async () => (await sync(records(3))).id, 'VG400'],
      [
        'after which another one succeeded',
        async () => {
          const run = await tried(other);
          await sync(records(100));
          return run.id;
        },
        'VG409',
      ],
    ])('is refused for a run %s', async (_what, runOf, code) => {
      await expect(accept(await runOf())).rejects.toMatchObject({ code });
    });
  });
});

describe('an id that differs from another one', () => {
  const row = (pfaId: string): RecordData => ({ pfaId, source: 'Purchase', purchasePrice: 1 });
  const twinsOf = async (known: string[], then: string[]) => {
    await sync(known.map(row));
    const run = await sync(then.map(row));
    return { twins: run.rows_twin, live: await liveIds() };
  };

  test.each([
    ['case', 'Crane-é', 'CRANE-É'],
    ['normal form', 'Kra\u0301n', 'Kr\u00e1n'],
    ['full width', 'Ａ-１', 'a-1'],
    ['blanks around', 'A-1', ' A-1 '],
    ['blanks between', 'A 1', 'A\u00a0 1'],
    ['a zero width space', 'A-1', 'A-1\ufeff'],
  ])('only by %s is refused, and the known one stays', async (_what, known, then) => {
    expect(await twinsOf([known, 'B'], [then, 'B'])).toEqual({
      twins: 1,
      live: [known, 'B'].sort(),
    });
    // A second run that misses it does not remove it either.
    await sync([then, 'B'].map(row));
    expect(await liveIds()).toContain(known);
  });

  test('by leading zeros is refused if the known one is missing, and is another record otherwise', async () => {
    expect(await twinsOf(['A-7', 'B'], ['A-007', 'B'])).toEqual({ twins: 1, live: ['A-7', 'B'] });
    expect(await twinsOf(['A-7', 'B'], ['A-7', 'A-007', 'B'])).toEqual({
      twins: 0,
      live: ['A-007', 'A-7', 'B'],
    });
  });

  test('within one read is refused together with it', async () => {
    expect(await sync(['a', 'A', 'b'].map(row))).toMatchObject({ rows_twin: 2, rows_inserted: 1 });
    expect(await liveIds()).toEqual(['b']);
  });

  test('is no twin of a removed record', async () => {
    expect(await twinsOf(['a', 'b'], ['b'])).toMatchObject({ twins: 0 });
    await sync(['b'].map(row));
    expect(await liveIds()).toEqual(['b']);
    expect(await sync(['A', 'b'].map(row))).toMatchObject({ rows_twin: 0, rows_inserted: 1 });
  });

  test('is added when an admin accepts it: beside the known one, or in its place', async () => {
    await sync(['a', 'b'].map(row));
    const beside = await sync(['a', 'A', 'b'].map(row));
    expect(beside).toMatchObject({ state: 'succeeded', rows_twin: 1 });
    await accept(beside.id);
    expect(await sync(['a', 'A', 'b'].map(row))).toMatchObject({ rows_inserted: 1, rows_twin: 0 });
    expect(await liveIds()).toEqual(['A', 'a', 'b']);
    const instead = await sync(['a', 'A', 'B'].map(row));
    expect(instead).toMatchObject({ rows_twin: 1 });
    await accept(instead.id);
    expect(await sync(['a', 'A', 'B'].map(row))).toMatchObject({ rows_inserted: 1, rows_removed: 1 });
    expect(await liveIds()).toEqual(['A', 'B', 'a']);
  });

  test('withholds the run if all ids differ, and no record is duplicated', async () => {
    const known = Array.from({ length: 60 }, (_, n) => `R-${n}`);
    await sync(known.map(row));
    const run = await sync(known.map((id) => row(id.toLowerCase())));
    expect(run).toMatchObject({
      state: 'withheld',
      error_code: 'SYNC_TWIN_IDS',
      rows_twin: 60,
      rows_inserted: 0,
    });
    expect(await liveIds()).toEqual([...known].sort());
    await accept(run.id);
    expect(await sync(known.map((id) => row(id.toLowerCase())))).toMatchObject({
      state: 'succeeded',
      rows_inserted: 60,
      rows_removed: 60,
    });
    expect(await liveIds()).toEqual(known.map((id) => id.toLowerCase()).sort());
  });
});
