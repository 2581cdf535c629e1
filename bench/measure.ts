import { styleText } from 'node:util';
import pg from 'pg';
import type { Scale } from './scale.ts';

/** A line of the results. Times are in milliseconds; null where a column does not apply. */
export interface Result {
  name: string;
  median_ms: number | null;
  p95_ms: number | null;
  /** Ratio of the product to the plain alternative; the goal defines which of them is the larger. */
  ratio: number | null;
  /** The goal in words. */
  goal: string;
  held: boolean;
  /** Parts of the ratio, and notes on the figures. */
  note?: string;
}

/** The goal of a comparison. */
export interface Goal {
  /** Maximum ratio of the product's time to the plain alternative's. */
  atMostTimes?: number;
  /** Minimum speedup: the plain alternative's time divided by the product's. */
  timesFaster?: number;
  /** Minimum share of the plain alternative's throughput, for the same rows. */
  rateAtLeast?: number;
  /** Maximum 95th percentile, in milliseconds. */
  p95Below?: number;
}

export interface Sample {
  median: number;
  p95: number;
  /** Returns the time that this share of the samples did not exceed. */
  at: (share: number) => number;
  runs: number;
}

export function summarize(times: readonly number[]): Sample {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { median: at(0.5), p95: at(0.95), at, runs: sorted.length };
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  const said = await work();
  return typeof said === 'number' ? said : performance.now() - began;
}

/**
 * Returns a statement, prepared once, that measures the server's time to plan, to execute and to write all rows as
 * text, without the network and the driver.
 */
export function onServer(
  client: pg.Client,
  name: string,
  text: string,
): (values: unknown[]) => Promise<number> {
  let prepared: Promise<string> | undefined;
  const prepare = async () => {
    await client.query(`prepare ${name} as ${text}`);
    const { rows } = await client.query<{ version: string }>('select current_setting($1) as version', [
      'server_version_num',
    ]);
    // False measures only the time to find the rows.
    return Number(rows[0]!.version) >= 170000 ? 'serialize text,' : '';
  };
  return async (values) => {
    const serialize = await (prepared ??= prepare());
    const literals = values.map((value) => pg.escapeLiteral(String(value))).join(', ');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, ${serialize} timing off, format json) execute ${name} (${literals})`,
    );
    const [plan] = JSON.parse(rows[0]!['QUERY PLAN']) as [
      { 'Planning Time': number; 'Execution Time': number },
    ];
    return plan['Planning Time'] + plan['Execution Time'];
  };
}

interface Comparison {
  /** Does the work once; may return its own duration in milliseconds. */
  ours: () => Promise<unknown>;
  theirs?: () => Promise<unknown>;
  goal: Goal;
  note?: string;
  /** Repetitions of each side at full scale; by default as many as fit into two seconds, from 20 to 200. */
  runs?: number;
}

/** Warms both sides up, then measures them alternately, so that disturbances of the machine affect both. */
export async function compare(
  { repeat }: Scale,
  name: string,
  { ours, theirs, goal, note, runs }: Comparison,
): Promise<Result> {
  const sides = theirs ? [ours, theirs] : [ours];
  // PostgreSQL plans a named statement anew five times before it considers a generic plan.
  const warm = 6;
  const all = await timed(async () => {
    for (let i = 0; i < warm; i++) for (const side of sides) await side();
  });
  const each = all / warm;
  const times = sides.map((): number[] => []);
  const wanted = runs ?? Math.min(200, Math.max(20, 2000 / each));
  for (let i = 0; i < Math.max(10, wanted * repeat); i++) {
    for (const [k, side] of sides.entries()) times[k]!.push(await timed(side));
  }
  const [mine, plain] = times.map(summarize) as [Sample, Sample | undefined];
  return judged(name, mine, plain, goal, note);
}

export function judged(
  name: string,
  mine: Sample,
  plain: Sample | undefined,
  goal: Goal,
  note?: string,
): Result {
  const times = plain ? mine.median / plain.median : null;
  const faster = plain ? plain.median / mine.median : null;
  const { atMostTimes, timesFaster, rateAtLeast, p95Below } = goal;
  const words = [
    atMostTimes === undefined ? [] : [`<= ${atMostTimes} x`],
    timesFaster === undefined ? [] : [`>= ${timesFaster} x faster`],
    rateAtLeast === undefined ? [] : [`>= ${rateAtLeast} x rows/s`],
    p95Below === undefined ? [] : [`p95 < ${p95Below} ms`],
  ].flat();
  return {
    name,
    median_ms: mine.median,
    p95_ms: mine.p95,
    ratio: timesFaster === undefined && rateAtLeast === undefined ? times : faster,
    goal: words.join(', ') || '-',
    held:
      (atMostTimes === undefined || times! <= atMostTimes) &&
      (timesFaster === undefined || faster! >= timesFaster) &&
      (rateAtLeast === undefined || faster! >= rateAtLeast) &&
      (p95Below === undefined || mine.p95 < p95Below),
    note: [plain ? `plain ${digits(plain.median)} ms` : [], note ?? []].flat().join('; ') || undefined,
  };
}

export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Formats the results as a table. */
export function table(results: readonly Result[]): string {
  const rows = results.map((result) => [
    result.name,
    result.median_ms === null ? '' : digits(result.median_ms),
    result.p95_ms === null ? '' : digits(result.p95_ms),
    result.ratio === null ? '' : digits(result.ratio),
    result.goal,
    result.held ? 'yes' : 'NO',
    result.note ?? '',
  ]);
  const head = ['measurement', 'median ms', 'p95 ms', 'ratio', 'goal', 'held', ''];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i >= 1 && i <= 3 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [
    styleText('bold', line(head)),
    ...rows.map((row) => (row[5] === 'NO' ? styleText('red', line(row)) : line(row))),
  ].join('\n');
}
