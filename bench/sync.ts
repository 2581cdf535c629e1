import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { withClient } from '../src/database/bootstrap.ts';
import { copied } from '../src/legacy/staging.ts';
import { judged, summarize, timed, type Result } from './measure.ts';
import type { Measurement } from './measurements.ts';
import type { Scale } from './scale.ts';
import type { Part, Run, World } from './world.ts';

/** Repetitions of each method; each plain COPY precedes the product's run, so that both meet the same conditions. */
const roundsOf = ({ repeat }: Scale) => Math.ceil(3 * repeat);

/** Simulated organizations that only these measurements read. */
const large = 'SYNC';
const small = 'SMALLSYNC';

/**
 * Times syncs of a large organization, from the first request to the commit of the merge: into an empty mirror, without
 * changes, and with one record in a hundred changed. They are compared with COPY of the same rows into a plain table
 * with the same key.
 */
export const sync: Measurement = async function* (world) {
  const { owner, say } = world;
  const organization = await world.organization(large);
  const worker = await world.startWorker();
  try {
    // Also lets the simulator generate its data, which a real PEMS already has.
    await forget(world, organization);
    const first = await world.sync(organization);
    const rows = first.rows_read;
    if (rows !== world.scale.large) throw new Error(`${rows} records were read.`);
    say(`  preparing COPY of ${rows} rows ...`);
    const text = await copyText(owner, organization);
    const changed = Math.ceil(rows / 100);
    const times = { copy: [], cold: [], unchanged: [], changed: [] } as Record<string, number[]>;
    const facts = { written: 0, wrong: 0 };
    const measured = async (way: string, prepare: () => Promise<void>, expected: Partial<Run>) => {
      await prepare();
      times.copy!.push(await plainCopy(world, text));
      await quiet(world);
      const before = await rowVersions(owner, organization);
      const run = await world.sync(organization);
      times[way]!.push(run.milliseconds);
      const after = await rowVersions(owner, organization);
      facts.wrong += Object.entries(expected).filter(
        ([key, value]) => run[key as keyof Run] !== value,
      ).length;
      return [...after].filter(([id, version]) => before.get(id) !== version).length;
    };
    for (let round = 0; round < roundsOf(world.scale); round++) {
      await measured('cold', () => forget(world, organization), { rows_inserted: rows });
      facts.written += await measured('unchanged', () => Promise.resolve(), { rows_unchanged: rows });
      const written = await measured('changed', () => change(world, changed, round), {
        rows_updated: changed,
        rows_unchanged: rows - changed,
      });
      if (written !== changed) facts.wrong++;
    }
    const copy = summarize(times.copy!);
    const [cold, unchanged, some] = [times.cold!, times.unchanged!, times.changed!].map(summarize);
    const result = (name: string, mine: typeof copy, rateAtLeast: number, note: string): Result => {
      const { held, ...rest } = judged(name, mine, copy, { rateAtLeast }, note);
      return { ...rest, held: held && facts.wrong === 0 };
    };
    const rate = (ms: number) => `${Math.round(rows / (ms / 1000)).toLocaleString('en')} rows/s`;
    yield result(`cold sync of ${rows}`, cold!, 0.25, rate(cold!.median));
    const again = result(
      'the same again, unchanged',
      unchanged!,
      0.45,
      `${rate(unchanged!.median)}; ${facts.written} row versions written`,
    );
    yield { ...again, held: again.held && facts.written === 0 };
    const more = some!.median - unchanged!.median;
    yield result(
      `the same again, ${changed} changed`,
      some!,
      0.45,
      `${rate(some!.median)}; ${more.toFixed(0)} ms more than unchanged, ${((more / changed) * 1000).toFixed(0)} us for each changed one`,
    );
  } finally {
    await worker.stop();
  }
};

/**
 * The prototype's method: one statement for each row. It receives the rows, while the product must also read and map
 * them.
 */
export const upsert: Measurement = async function* (world) {
  const { owner } = world;
  const organization = await world.organization(small);
  const worker = await world.startWorker();
  const legacy = new pg.Client({ connectionString: world.urls.owner });
  await legacy.connect();
  try {
    await forget(world, organization);
    await world.sync(organization);
    const { rows: records } = await owner.query<Record<string, string | null>>(
      `select m.pfa_id, ${legacyColumns.map(([, value], i) => `${value} as c${i}`).join(', ')}
      from app_core.pfa_mirror m where m.organization_id = $1 order by m.pfa_id`,
      [organization],
    );
    const values = records.map((row) => [String(organization), ...Object.values(row)]);
    const theirs: { cold: number[]; again: number[] } = { cold: [], again: [] };
    const ours: { cold: number[]; again: number[] } = { cold: [], again: [] };
    for (let round = 0; round < roundsOf(world.scale); round++) {
      await legacy.query(`drop table if exists app_private.bench_legacy; ${legacyTable}`);
      await forget(world, organization);
      for (const when of ['cold', 'again'] as const) {
        await quiet(world);
        theirs[when].push(await timed(() => upsertEach(legacy, values)));
        await quiet(world);
        ours[when].push((await world.sync(organization)).milliseconds);
      }
    }
    const goal = { timesFaster: 20 };
    const n = records.length;
    yield judged(`sync of ${n} against an upsert a row`, summarize(ours.cold), summarize(theirs.cold), goal);
    yield judged(`the same again`, summarize(ours.again), summarize(theirs.again), goal);
  } finally {
    await legacy.query('drop table if exists app_private.bench_legacy');
    await legacy.end();
    await worker.stop();
  }
};

/** Measures the peak memory of a fresh worker for each size. */
export const workerMemory: Measurement = async function* (world) {
  const most = { megabytes: 250, times: 1.1 };
  let first: number | undefined;
  for (const [code, size] of [
    [small, world.scale.ordinary],
    [large, world.scale.large],
  ] as const) {
    const organization = await world.organization(code);
    await forget(world, organization);
    const worker = await world.startWorker();
    await world.sync(organization);
    await world.sync(organization);
    const used = await peakMemory(worker);
    await worker.stop();
    const ratio = first === undefined ? null : used / first;
    first ??= used;
    yield {
      name: `worker memory, ${size} records`,
      ...{ median_ms: null, p95_ms: null, ratio },
      goal: `< ${most.megabytes} MB${ratio === null ? '' : `, <= ${most.times} x`}`,
      held: used < most.megabytes && (ratio ?? 0) <= most.times,
      note: `${used.toFixed(0)} MB at most`,
    };
  }
};

/** Empties an organization's mirror as if it had never been read, without leaving dead rows. */
async function forget({ owner, superuserUrl }: World, organization: number): Promise<void> {
  for (const table of ['app_core.pfa_change', 'app_core.pfa_mirror'])
    await owner.query(`delete from ${table} where organization_id = $1`, [organization]);
  await withClient(superuserUrl, (client) => client.query('vacuum app_core.pfa_mirror'));
}

/** Completes the work that a run leaves behind: the refresh of summaries, dead rows of staging, and unwritten pages. */
async function quiet({ owner, superuserUrl }: World): Promise<void> {
  // Runs at once, instead of waiting for other refreshes.
  await owner.query(
    `select graphile_worker.add_job('summaries__refresh', '{}', job_key => key)
    from graphile_worker.jobs where key = 'summaries:refresh' and locked_at is null`,
  );
  for (;;) {
    const { rowCount } = await owner.query('select from graphile_worker.jobs limit 1');
    if (rowCount === 0) break;
    await sleep(20);
  }
  await withClient(superuserUrl, async (client) => {
    await client.query('vacuum app_private.pfa_staging');
    await client.query('checkpoint');
  });
}

/** Changes the rate of records in PEMS, spread over all of them, as another writer. */
async function change({ simulator, scale }: World, count: number, round: number): Promise<void> {
  const step = Math.floor(scale.large / count);
  const records = Array.from({ length: count }, (_, i) => ({
    id: `${large}-${String(i * step + round + 1).padStart(7, '0')}`,
    values: { pfs_f_rate: 1000 + i, pfs_f_price: 50_000 + i },
  }));
  const response = await fetch(`${simulator.controlUrl}/records/${large}`, {
    method: 'PATCH',
    body: JSON.stringify({ records, by: `BENCH${round}` }),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Returns the stored version of each row. */
async function rowVersions(owner: pg.Client, organization: number): Promise<Map<string, string>> {
  const { rows } = await owner.query<{ pfa_id: string; version: string }>(
    `select pfa_id, ctid || ' ' || xmin as version from app_core.pfa_mirror where organization_id = $1`,
    [organization],
  );
  return new Map(rows.map(({ pfa_id, version }) => [pfa_id, version]));
}

/** Returns an organization's rows in chunks of COPY's text format. */
async function copyText(owner: pg.Client, organization: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (let after = ''; ;) {
    const { rows } = await owner.query<{ pfa_id: string; data: string }>(
      'select pfa_id, data from app_core.pfa_mirror where organization_id = $1 and pfa_id > $2 order by pfa_id limit 500',
      [organization, after],
    );
    if (rows.length === 0) return chunks;
    const lines = rows.map(({ pfa_id, data }) => `${organization}\t${copied(pfa_id)}\t${copied(data)}\n`);
    chunks.push(Buffer.from(lines.join('')));
    after = rows.at(-1)!.pfa_id;
  }
}

/** Times the plain alternative: COPY of these rows into a table with the same key. */
async function plainCopy(world: World, chunks: readonly Buffer[]): Promise<number> {
  const { owner } = world;
  await owner.query(`drop table if exists app_private.bench_copy;
    create table app_private.bench_copy (organization_id integer, pfa_id text, data jsonb not null, primary key (organization_id, pfa_id))`);
  await quiet(world);
  try {
    return await timed(async () => {
      await pipeline(Readable.from(chunks), owner.query(copyFrom('copy app_private.bench_copy from stdin')));
    });
  } finally {
    await owner.query('drop table app_private.bench_copy');
  }
}

/** Columns of the legacy table, with the place of their values in the mirror. */
const legacyColumns: readonly (readonly [column: string, value: string])[] = [
  ...['areaSilo', 'category', 'class', 'source', 'dor'].map(
    (key) => [`"${key}" text`, `m.data->>'${key}'`] as const,
  ),
  ...['monthlyRate', 'purchasePrice'].map(
    (key) => [`"${key}" double precision`, `m.data->>'${key}'`] as const,
  ),
  ...['manufacturer', 'model', 'contract', 'equipment'].map(
    (key) => [`"${key}" text`, `m.data->>'${key}'`] as const,
  ),
  ...['originalStart', 'originalEnd', 'forecastStart', 'forecastEnd', 'actualStart', 'actualEnd'].map(
    (key) => [`"${key}" timestamp(3)`, `m.data->>'${key}'`] as const,
  ),
  ...['isActualized', 'isDiscontinued', 'isFundsTransferable'].map(
    (key) => [`"${key}" boolean not null`, `coalesce(m.data->>'${key}', 'false')`] as const,
  ),
  [`"hasPlan" boolean not null`, `coalesce(m.data ?& array['originalStart', 'originalEnd'], false)`],
  [`"hasActuals" boolean not null`, `coalesce(m.data ?& array['actualStart', 'actualEnd'], false)`],
  [`"lastModified" timestamp(3)`, 'm.version::text'],
  [`"lastModifiedBy" text`, 'm.version_by'],
];
const legacyTable = `create table app_private.bench_legacy (
  id text primary key default gen_random_uuid()::text,
  "organizationId" text not null,
  "pfaId" text not null,
  ${legacyColumns.map(([column]) => column).join(',\n  ')},
  "createdAt" timestamp(3) not null default now(),
  "updatedAt" timestamp(3) not null default now(),
  unique ("pfaId", "organizationId")
)`;

async function upsertEach(client: pg.Client, rows: readonly (string | null)[][]): Promise<void> {
  const names = legacyColumns.map(([column]) => column.split(' ')[0]!);
  const text = `insert into app_private.bench_legacy ("organizationId", "pfaId", ${names.join(', ')})
    values (${[1, 2, ...names.map((_, i) => i + 3)].map((n) => `$${n}`).join(', ')})
    on conflict ("pfaId", "organizationId") do update set "updatedAt" = now(), ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;
  for (let start = 0; start < rows.length; start += 1000) {
    await client.query('begin');
    for (const values of rows.slice(start, start + 1000))
      await client.query({ name: 'upsert', text, values });
    await client.query('commit');
  }
}

/** Returns a process's peak memory in megabytes, from Linux. */
async function peakMemory({ pid }: Part): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s*(\d+) kB/.exec(status)![1]) / 1024;
}
