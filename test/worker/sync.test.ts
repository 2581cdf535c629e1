import { expect, test } from 'vitest';
import { makeOrganization, one } from '../support/make.ts';
import { boundsOf, costsOf } from '../support/plain.ts';
import { until } from '../support/until.ts';
import { idOf, mirrored, testWorld, type MirrorRow, type PemsRecord } from './world.ts';

const world = await testWorld({
  WHOLE: 150,
  SHAPES: 60,
  RIO: 8,
  RIO2: 5,
  WRITER: 20,
  QUIET: 20,
  GONE: 20,
  BAD: 30,
  TWICE: 5,
  SUMS: 120,
  DUE: 3,
  PAUSED: 3,
  FRESH: 3,
});
const { db } = world;
await world.startWorker();

const held = ({ pfa_id, data, version, version_by }: MirrorRow) => ({ pfa_id, data, version, version_by });
const asHeld = (record: PemsRecord) => ({
  pfa_id: record.id,
  data: mirrored(record),
  version: record.updatedAt.slice(0, 16),
  version_by: record.updatedBy,
});

test('a requested run reads every record exactly', async () => {
  const organization = await world.organization('WHOLE');
  const odd = {
    pfs_f_model: '=HYPERLINK("http://x")',
    pfs_f_manufact: 'Ångström 上海 👷‍♀️ \\N \\. \\t \\',
    pfs_equipment: 'tab\there, line\nend, return\r, "quoted" \'s',
    pfs_x_vendor_note: '+cmd|\' /C calc\'!A0\u2028{"a":[1]}',
    pfs_f_rate: 1234567.89,
    pfs_f_price: 0.01,
    pfs_f_startdate: '2024-02-29',
    pfs_f_enddate: null,
  };
  await world.control('PATCH', `/records/WHOLE/${idOf(organization, 7)}`, { values: odd, by: 'ZOË' });

  const queued = await world.request(organization);
  expect(queued).toMatchObject({ state: 'queued', trigger: 'user' });
  const run = await world.ended(organization, queued.id);
  expect(run).toMatchObject({ state: 'succeeded', rows_read: 150, rows_inserted: 150, rows_rejected: 0 });

  const records = await world.generated(organization);
  const mirror = await world.mirror(organization);
  expect(mirror.map(held)).toEqual(records.map(asHeld));
  expect(mirror[6]?.data).toMatchObject({
    model: odd.pfs_f_model,
    manufacturer: odd.pfs_f_manufact,
    equipment: odd.pfs_equipment,
    pfs_x_vendor_note: odd.pfs_x_vendor_note,
    monthlyRate: 1234567.89,
    purchasePrice: 0.01,
    forecastStart: '2024-02-29',
  });
  expect(mirror[6]?.data).not.toHaveProperty('forecastEnd');
  // The generated records include difficult values; otherwise this test would prove too little.
  const notes = records.map(({ values }) => String(values.pfs_x_vendor_note)).join();
  for (const trouble of ['\n', '\t', '\\', '=SUM', '设备', '"']) expect(notes).toContain(trouble);
  expect(await world.changes(organization)).toEqual([]);
});

test('both response shapes and every page size give the same mirror', async () => {
  const organization = await world.organization('SHAPES', {
    pageSize: 7,
    requestType: 'LIST.HEAD_DATA.STORED',
  });
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_inserted: 60 });
  const mirror = await world.mirror(organization);
  expect(mirror.map(held)).toEqual((await world.generated(organization)).map(asHeld));

  for (const [requestType, pageSize] of [
    ['LIST.DATA_ONLY.STORED', 10_000],
    ['LIST.DATA_ONLY.STORED', 7],
    ['LIST.DATA_ONLY.STORED', 1],
    ['LIST.HEAD_DATA.STORED', 60],
  ] as const) {
    await world.connect(organization, { requestType, pageSize });
    const run = await world.sync(organization);
    expect(run, `${requestType} by ${pageSize}`).toMatchObject({ rows_read: 60, rows_unchanged: 60 });
  }
  expect(await world.mirror(organization)).toEqual(mirror);
});

test('RIO neither reads the records of RIO2, nor refuses them again with every run', async () => {
  const rio = await world.organization('RIO', { pageSize: 4 });
  const rio2 = await world.organization('RIO2');
  expect(await world.sync(rio)).toMatchObject({ rows_read: 8, rows_inserted: 8, rows_rejected: 0 });
  expect((await world.mirror(rio)).map(held)).toEqual((await world.generated(rio)).map(asHeld));
  expect(await world.mirror(rio2)).toEqual([]);
});

test('a row of an unrelated organization is refused, and only its code is shown', async () => {
  const rio2 = one(
    (await db.owner.query("select id, code from app_public.organizations where code = 'RIO2'")).rows,
  ) as {
    id: number;
    code: string;
  };
  await world.fault({
    kind: 'foreign-row',
    count: 1,
    organization: 'WHOLE',
    match: { organization: 'RIO2' },
  });
  const run = await world.sync(rio2);
  expect(run).toMatchObject({ rows_read: 6, rows_inserted: 5, rows_rejected: 1 });
  expect(await rejects(run.id)).toEqual([
    expect.objectContaining({ reason: 'other-organization', row_content: { organization: 'WHOLE' } }),
  ]);
  expect(await world.mirror(rio2)).toHaveLength(5);
});

test('the next run reads a change of another writer, and notes its keys', async () => {
  const organization = await world.organization('WRITER');
  await world.sync(organization);
  const before = await world.mirror(organization);
  const id = idOf(organization, 3);
  const was = before[2]?.data ?? {};
  await world.control('PATCH', `/records/WRITER/${id}`, {
    values: {
      pfs_f_category: 'Çranes',
      pfs_f_rate: 77.5,
      pfs_f_enddate: '2028-05-06',
      pfa_dis: !was.isDiscontinued,
    },
    by: 'SOMEBODY',
  });

  expect(await world.sync(organization)).toMatchObject({
    rows_updated: 1,
    rows_unchanged: 19,
    rows_inserted: 0,
  });
  const after = await world.mirror(organization);
  expect(held(after[2] as MirrorRow)).toEqual(asHeld(await world.record(organization, id)));
  expect(after[2]).toMatchObject({ version_by: 'SOMEBODY', data: { category: 'Çranes', monthlyRate: 77.5 } });
  expect(Number(after[2]?.revision)).toBeGreaterThan(
    Math.max(...before.map(({ revision }) => Number(revision))),
  );
  expect(after.toSpliced(2, 1)).toEqual(before.toSpliced(2, 1));
  expect(await world.changes(organization)).toEqual([
    {
      pfa_id: id,
      route: 'sync',
      event: 'update',
      changes: {
        category: { from: was.category, to: 'Çranes' },
        monthlyRate: { from: was.monthlyRate ?? null, to: 77.5 },
        forecastEnd: { from: was.forecastEnd ?? null, to: '2028-05-06' },
        isDiscontinued: { from: was.isDiscontinued, to: !was.isDiscontinued },
      },
    },
  ]);
});

test('a run without changes writes nothing', async () => {
  const organization = await world.organization('QUIET');
  await world.sync(organization);
  const mirror = await world.mirror(organization);
  expect(await world.sync(organization)).toMatchObject({
    state: 'succeeded',
    rows_read: 20,
    rows_unchanged: 20,
    rows_inserted: 0,
    rows_updated: 0,
    rows_removed: 0,
  });
  // Includes the transaction that wrote each row.
  expect(await world.mirror(organization)).toEqual(mirror);
  expect(await world.changes(organization)).toEqual([]);
});

test('the second run that misses a record removes it, and the first run adds a new one', async () => {
  const organization = await world.organization('GONE');
  await world.sync(organization);
  const gone = idOf(organization, 4);
  await world.control('DELETE', `/records/GONE/${gone}`);
  await world.control('POST', '/records/GONE', { id: 'GONE-neu-Ü', values: { pfs_f_model: 'X' } });
  // Only one response lacks this record.
  await world.fault({ kind: 'vanish', count: 1, id: idOf(organization, 9), match: { organization: 'GONE' } });

  expect(await world.sync(organization)).toMatchObject({
    rows_inserted: 1,
    rows_missing: 2,
    rows_removed: 0,
  });
  expect((await world.mirror(organization)).filter(({ removed_at }) => removed_at)).toEqual([]);
  expect(await world.sync(organization)).toMatchObject({ rows_missing: 0, rows_removed: 1 });

  const mirror = await world.mirror(organization);
  expect(mirror.filter(({ removed_at }) => removed_at).map(({ pfa_id }) => pfa_id)).toEqual([gone]);
  const added = mirror.find(({ pfa_id }) => pfa_id === 'GONE-neu-Ü') as MirrorRow;
  expect(held(added)).toEqual(asHeld(await world.record(organization, 'GONE-neu-Ü')));
  expect(await world.changes(organization)).toEqual([
    { pfa_id: 'GONE-neu-Ü', route: 'sync', event: 'add', changes: {} },
    { pfa_id: gone, route: 'sync', event: 'remove', changes: {} },
  ]);
});

test('an unreadable value is rejected alone, and read once it is valid', async () => {
  const organization = await world.organization('BAD');
  await world.fault({
    ...{ kind: 'malformed', what: 'value', count: 1, match: { organization: 'BAD' } },
    ...{ field: 'pfs_f_startdate', text: '31-FEB-20Z6' },
  });
  await world.fault({
    kind: 'duplicate',
    count: 1,
    id: idOf(organization, 30),
    match: { organization: 'BAD' },
  });
  const run = await world.sync(organization);
  expect(run).toMatchObject({
    state: 'succeeded',
    rows_read: 31,
    rows_inserted: run.rows_read - run.rows_rejected,
    rows_rejected: 2,
    values_rejected: 1,
  });
  const rejected = await rejects(run.id);
  const value = one(rejected.filter(({ reason }) => reason === 'field'));
  expect(value).toMatchObject({
    problems: [{ value: '31-FEB-20Z6', message: expect.stringContaining('31-FEB-20Z6') as string }],
    row_content: { pfs_f_startdate: '31-FEB-20Z6' },
  });
  const twice = rejected.filter(({ reason }) => reason === 'duplicate').map(({ pfa_id }) => pfa_id);
  expect(twice).toEqual([idOf(organization, 30), idOf(organization, 30)]);
  const there = (await world.mirror(organization)).find(({ pfa_id }) => pfa_id === value.pfa_id);
  expect(there?.data).toMatchObject({ organization: 'BAD' });
  expect(there?.data).not.toHaveProperty('forecastStart');

  expect(await world.sync(organization)).toMatchObject({
    ...{ rows_inserted: 1, rows_updated: 1, rows_rejected: 0, values_rejected: 0 },
  });
  expect((await world.mirror(organization)).map(held)).toEqual(
    (await world.generated(organization)).map(asHeld),
  );
});

test('requests for a queued run join it', async () => {
  const organization = await world.organization('TWICE');
  await world.fault({ kind: 'hang', count: 1, match: { organization: 'TWICE' } });
  const first = await world.request(organization);
  await until('PEMS is asked', async () => (await world.faultHits()) > 0);

  const [second, third] = await Promise.all([world.request(organization), world.request(organization)]);
  expect(second.id).toBe(third.id);
  expect(second.id).not.toBe(first.id);
  await world.control('DELETE', '/faults');
  await world.ended(organization, second.id);
  expect((await world.runs(organization)).map(({ id, state }) => [id, state])).toEqual([
    [first.id, 'succeeded'],
    [second.id, 'succeeded'],
  ]);
});

test('the materialized totals and bounds are refreshed automatically', async () => {
  const organization = await world.organization('SUMS');
  await world.sync(organization);
  await world.control('PATCH', `/records/SUMS/${idOf(organization, 5)}`, {
    values: {
      pfs_f_source: 'Purchase',
      pfs_f_price: 999_999.99,
      pfa_dis: false,
      pfs_a_startdate: '2023-01-01',
    },
  });
  await world.sync(organization);

  const live = (await world.generated(organization))
    .map(mirrored)
    .filter((data) => data.isDiscontinued !== true);
  const expected = ['Purchase', 'Rental'].map((source) => {
    const of = live.filter((data) => data.source === source);
    const cents = (kind: 'plan' | 'forecast' | 'actual') =>
      String(of.reduce((sum, data) => sum + costsOf(data)[kind], 0n));
    return [source, String(of.length), cents('plan'), cents('forecast'), cents('actual')];
  });
  const sums = await until('the sums are computed anew', async () => {
    const { rows } = await db.owner.query<string[]>({
      text: `select source, record_count::text, plan_cost_cents::text, forecast_cost_cents::text, actual_cost_cents::text
        from app_private.pfa_kpi_summary where organization_id = $1 and record_count > 0 order by source`,
      values: [organization.id],
      rowMode: 'array',
    });
    return rows[0]?.[2] === expected[0]?.[2] && rows;
  });
  expect(sums).toEqual(expected);
  const { rows } = await db.owner.query(
    `select original_start::text, original_end::text, forecast_start::text, forecast_end::text, actual_start::text, actual_end::text
    from app_private.pfa_timeline_bounds where organization_id = $1`,
    [organization.id],
  );
  expect(rows).toEqual([boundsOf(live)]);
});

test('each minute, every due organization gets a run, and no other', async () => {
  const due = await world.organization('DUE');
  const paused = await world.organization('PAUSED');
  const fresh = await world.organization('FRESH');
  const unconnected = await makeOrganization(db, 'UNCONNECTED');
  await world.sync(fresh);
  await db.owner.query(
    'update app_private.pfa_sync_schedule set paused_at = null where organization_id = any ($1)',
    [[due.id, fresh.id]],
  );

  const { rows: crontab } = await db.owner.query(
    'select identifier from graphile_worker._private_known_crontabs order by identifier',
  );
  expect(crontab).toEqual([
    { identifier: 'pfa__dispatch_lists' },
    { identifier: 'pfa__dispatch_pushes' },
    { identifier: 'pfa__dispatch_syncs' },
    { identifier: 'retention__enforce' },
  ]);
  await db.owner.query("select graphile_worker.add_job('pfa__dispatch_syncs')");
  const run = await until('the run of the organization that is due', async () =>
    (await world.runs(due)).find(({ state }) => state === 'succeeded'),
  );
  expect(run).toMatchObject({ trigger: 'schedule', requested_by: null, rows_inserted: 3 });
  expect(await world.runs(paused)).toEqual([]);
  expect(await world.runs(fresh)).toHaveLength(1);
  expect(await world.runs(unconnected)).toEqual([]);
});

async function rejects(runId: string) {
  const { rows } = await db.owner.query<{
    pfa_id: string;
    reason: string;
    problems: unknown;
    row_content: Record<string, unknown>;
  }>(
    'select pfa_id, reason, problems, row_content from app_public.pfa_sync_reject where run_id = $1 order by id',
    [runId],
  );
  return rows;
}
