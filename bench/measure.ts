import { styleText } from 'node:util';
import pg from 'pg';
import type { Scale } from './scale.ts';

/** One line of the result. Times are milliseconds; what does not apply is null. */
export interface Result {
  name: string;
  median_ms: number | null;
  p95_ms: number | null;
  /** Ours to the plainest thing that could do the job; the goal says which of both is to be the larger. */
  ratio: number | null;
  /** What was asked for, in words. */
  goal: string;
  held: boolean;
  /** What the ratio is to, and whatever helps to read the figures. */
  note?: string;
}

/** What is asked of a comparison. */
export interface Goal {
  /** At most so many times the time of the plain thing. */
  atMostTimes?: number;
  /** At least so many times faster than the plain thing: its time to ours. */
  timesFaster?: number;
  /** At least so much of the plain thing's rows a second, of the same rows. */
  rateAtLeast?: number;
  /** The 95th percentile, milliseconds. */
  p95Below?: number;
}

export interface Sample {
  median: number;
  p95: number;
  /** The time that this share of them did not exceed. */
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
 * A statement, prepared by name once, that answers how long the server took for it: to plan, to execute and to write
 * all rows as text, without the way to the client and what the driver makes of them.
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
    // Without it the time is that of finding the rows alone.
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
  /** Each does its work once; one that answers a number says itself how many milliseconds it took. */
  ours: () => Promise<unknown>;
  theirs?: () => Promise<unknown>;
  goal: Goal;
  note?: string;
  /** Times of each side at full scale; default: as many as fit into two seconds, 20 at least and 200 at most. */
  runs?: number;
}

/** Warms both sides up, then measures them in turns, so that whatever else happens on the machine happens to both. */
export async function compare(
  { repeat }: Scale,
  name: string,
  { ours, theirs, goal, note, runs }: Comparison,
): Promise<Result> {
  const sides = theirs ? [ours, theirs] : [ours];
  // A named statement is planned anew five times before PostgreSQL thinks about keeping a plan.
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

/** The results as a table for people. */
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
