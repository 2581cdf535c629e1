import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

async function ask<T>(expression: string, values: unknown[]): Promise<T | null> {
  const { rows } = await db.owner.query<{ answer: T | null }>(`select ${expression} as answer`, values);
  return rows[0]?.answer ?? null;
}
const matches = (expression: string, at: string) =>
  ask<boolean>('app_private.cron_matches($1, $2)', [expression, at]);
const problem = (expression: string) => ask<string>('app_private.cron_problem($1)', [expression]);
const next = (expression: string, after: string, timeZone = 'UTC') =>
  ask<string>(`to_char(app_private.cron_next($1, $2, $3) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')`, [
    expression,
    after,
    timeZone,
  ]);

describe('meaning of an expression', () => {
  // 2026-11-27 is a Friday.
  test.each<[expression: string, yes: string[], no: string[]]>([
    ['* * * * *', ['2026-11-27 00:00', '2026-11-27 23:59:59'], []],
    ['5 * * * *', ['2026-11-27 13:05'], ['2026-11-27 13:04', '2026-11-27 13:06', '2026-11-27 13:50']],
    ['*/15 * * * *', ['2026-11-27 00:00', '2026-11-27 00:45'], ['2026-11-27 00:10', '2026-11-27 00:50']],
    ['7/20 * * * *', ['2026-11-27 00:07', '2026-11-27 00:27', '2026-11-27 00:47'], ['2026-11-27 00:00']],
    ['10-20/5 * * * *', ['2026-11-27 00:10', '2026-11-27 00:20'], ['2026-11-27 00:05', '2026-11-27 00:25']],
    [
      '0,30,50-52 * * * *',
      ['2026-11-27 00:30', '2026-11-27 00:51'],
      ['2026-11-27 00:49', '2026-11-27 00:53'],
    ],
    ['0 8-18/2 * * *', ['2026-11-27 08:00', '2026-11-27 18:00'], ['2026-11-27 09:00', '2026-11-27 20:00']],
    ['0 0 1 * *', ['2026-11-01 00:00'], ['2026-11-02 00:00', '2026-11-10 00:00']],
    ['0 0 * 2,4-6 *', ['2026-02-27 00:00', '2026-05-01 00:00'], ['2026-03-01 00:00', '2026-07-01 00:00']],
    ['0 0 * feb,apr-Jun *', ['2026-02-27 00:00', '2026-05-01 00:00'], ['2026-03-01 00:00']],
    ['0 0 * * 5', ['2026-11-27 00:00'], ['2026-11-26 00:00', '2026-11-28 00:00']],
    ['0 0 * * 0', ['2026-11-29 00:00'], ['2026-11-28 00:00']],
    ['0 0 * * 7', ['2026-11-29 00:00'], ['2026-11-28 00:00', '2026-11-30 00:00']],
    ['0 0 * * 6-7', ['2026-11-28 00:00', '2026-11-29 00:00'], ['2026-11-27 00:00', '2026-11-30 00:00']],
    ['0 0 * * MON-fri', ['2026-11-27 00:00'], ['2026-11-28 00:00', '2026-11-29 00:00']],
    // Both the day of the month and the day of the week are restricted: either matches.
    ['0 0 13 * 5', ['2026-11-13 00:00', '2026-11-27 00:00', '2026-10-13 00:00'], ['2026-11-14 00:00']],
    // One of them begins with a star: both must match.
    ['0 0 */2 * 5', ['2026-11-27 00:00'], ['2026-11-20 00:00', '2026-11-25 00:00']],
    ['0 0 13 * *', ['2026-11-13 00:00'], ['2026-11-27 00:00']],
    ['0 0 13 * */2', ['2026-10-13 00:00'], ['2026-10-15 00:00', '2026-11-13 00:00']],
    ['  0   0\t1 1   * ', ['2026-01-01 00:00'], ['2026-01-02 00:00']],
    ['59 23 31 12 *', ['2026-12-31 23:59'], ['2026-12-31 23:58', '2026-12-30 23:59']],
  ])('%s', async (expression, yes, no) => {
    expect(await problem(expression)).toBeNull();
    for (const at of yes) expect(await matches(expression, at), at).toBe(true);
    for (const at of no) expect(await matches(expression, at), at).toBe(false);
  });

  /** Spelled-out meaning of a field. */
  interface Field {
    text: string;
    values: Set<number>;
    star: boolean;
  }
  const field = (first: number, last: number): fc.Arbitrary<Field> => {
    const number = fc.integer({ min: first, max: last });
    const step = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined });
    const spread = (from: number, to: number, by = 1) => {
      const values: number[] = [];
      for (let value = from; value <= to; value += by) values.push(value);
      return values;
    };
    const part = fc.oneof(
      step.map((by) => ({ text: `*${by ? `/${by}` : ''}`, values: spread(first, last, by) })),
      number.map((value) => ({ text: String(value), values: [value] })),
      fc.tuple(number, fc.integer({ min: 1, max: 40 })).map(([from, by]) => ({
        text: `${from}/${by}`,
        values: spread(from, last, by),
      })),
      fc.tuple(number, number, step).map(([a, b, by]) => ({
        text: `${Math.min(a, b)}-${Math.max(a, b)}${by ? `/${by}` : ''}`,
        values: spread(Math.min(a, b), Math.max(a, b), by),
      })),
    );
    return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => ({
      text: parts.map(({ text }) => text).join(','),
      values: new Set(parts.flatMap(({ values }) => values)),
      star: parts[0]!.text.startsWith('*'),
    }));
  };

  test('equals a spelled-out evaluation, for any fields and times', async () => {
    const expression = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7));
    const time = fc.date({ min: new Date('2020-01-01Z'), max: new Date('2035-12-31Z'), noInvalidDate: true });
    const cases = fc.array(fc.tuple(expression, fc.array(time, { minLength: 5, maxLength: 5 })), {
      minLength: 100,
      maxLength: 100,
    });
    let [yes, no] = [0, 0];
    await fc.assert(
      fc.asyncProperty(cases, async (all) => {
        const asked = all.flatMap(([fields, times]) =>
          times.map((at) => {
            const [minute, hour, day, month, weekday] = fields;
            const onDay = day.values.has(at.getUTCDate());
            const onWeekday =
              weekday.values.has(at.getUTCDay()) || (at.getUTCDay() === 0 && weekday.values.has(7));
            const expected =
              minute.values.has(at.getUTCMinutes()) &&
              hour.values.has(at.getUTCHours()) &&
              month.values.has(at.getUTCMonth() + 1) &&
              (day.star || weekday.star ? onDay && onWeekday : onDay || onWeekday);
            return {
              e: fields.map(({ text }) => text).join(' '),
              at: at.toISOString().slice(0, 19),
              expected,
            };
          }),
        );
        const { rows } = await db.owner.query<{ matches: boolean | null }>(
          `select app_private.cron_matches(c.e, c.at) as matches
          from rows from (json_to_recordset($1) as (e text, at timestamp)) with ordinality c (e, at, n) order by n`,
          [JSON.stringify(asked)],
        );
        expect(rows.map((row, n) => ({ ...asked[n], expected: row.matches }))).toEqual(asked);
        yes += asked.filter(({ expected }) => expected).length;
        no += asked.filter(({ expected }) => !expected).length;
      }),
      { numRuns: 20 },
    );
    expect(Math.min(yes, no)).toBeGreaterThan(20);
  });
});

describe('invalid expressions', () => {
  test.each<[expression: string, words: string]>([
    ['', 'five fields'],
    ['* * * *', 'five fields'],
    ['* * * * * *', 'five fields'],
    ['@daily', 'five fields'],
    [`${'0,'.repeat(100)}0 * * * *`, 'five fields'],
    ['60 * * * *', 'minute'],
    ['-1 * * * *', 'minute'],
    ['1,,2 * * * *', 'minute'],
    ['1, * * * *', 'minute'],
    ['*/0 * * * *', 'minute'],
    ['20-10 * * * *', 'minute'],
    ['1-2-3 * * * *', 'minute'],
    ['*5 * * * *', 'minute'],
    ['1.5 * * * *', 'minute'],
    ['jan * * * *', 'minute'],
    ['123 * * * *', 'minute'],
    ['* 24 * * *', 'hour'],
    ['* * 0 * *', 'day of the month'],
    ['* * 32 * *', 'day of the month'],
    ['* * * 0 *', 'month'],
    ['* * * 13 *', 'month'],
    ['* * * foo *', 'month'],
    ['* * * * 8', 'day of the week'],
    ['* * * * fri-mon', 'day of the week'],
    ['*;\'"\\ * * * *', 'minute'],
  ])('%s', async (expression, words) => {
    expect(await problem(expression)).toContain(words);
    expect(await matches(expression, '2026-11-27 00:00')).toBeNull();
    expect(await next(expression, '2026-11-27 00:00Z')).toBeNull();
  });
});

describe('next time', () => {
  test.each<[expression: string, after: string, timeZone: string, expected: string | null]>([
    ['*/15 * * * *', '2026-11-27T08:07:30Z', 'UTC', '2026-11-27T08:15Z'],
    // The result is strictly later.
    ['*/15 * * * *', '2026-11-27T08:15:00Z', 'UTC', '2026-11-27T08:30Z'],
    ['0 6 * * *', '2026-11-27T06:00:01Z', 'UTC', '2026-11-28T06:00Z'],
    ['0 6 * * *', '2026-11-27T08:00:00Z', 'America/Chicago', '2026-11-27T12:00Z'],
    ['0 6 * * mon-fri', '2026-11-27T13:00:00Z', 'America/Chicago', '2026-11-30T12:00Z'],
    ['30 0 1 1 *', '2026-11-27T13:00:00Z', 'Asia/Kolkata', '2026-12-31T19:00Z'],
    ['0 0 29 2 *', '2026-03-01T00:00:00Z', 'UTC', '2028-02-29T00:00Z'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', 'UTC', '2104-02-29T00:00Z'],
    ['0 0 31 2 *', '2026-03-01T00:00:00Z', 'UTC', null],
    // Chicago, 8 March 2026: the hour from 02:00 to 03:00 is skipped. Times in the skipped hour count at the moment of
    // the skip.
    ['30 2 * * *', '2026-03-08T07:00:00Z', 'America/Chicago', '2026-03-08T08:30Z'],
    ['*/15 * * * *', '2026-03-08T07:50:00Z', 'America/Chicago', '2026-03-08T08:00Z'],
    // 1 November 2026: the hour from 01:00 to 02:00 occurs twice, and so do its times. Quarters of an hour simply
    // continue.
    ['30 1 * * *', '2026-11-01T05:00:00Z', 'America/Chicago', '2026-11-01T06:30Z'],
    ['30 1 * * *', '2026-11-01T06:30:00Z', 'America/Chicago', '2026-11-01T07:30Z'],
    ['*/15 * * * *', '2026-11-01T06:00:00Z', 'America/Chicago', '2026-11-01T06:15Z'],
    ['*/15 * * * *', '2026-11-01T06:45:00Z', 'America/Chicago', '2026-11-01T07:00Z'],
  ])('of %s after %s in %s', async (expression, after, timeZone, expected) => {
    expect(await next(expression, after, timeZone)).toBe(expected);
  });

  test('is the first matching minute, if the clock does not change', async () => {
    for (const expression of ['7 3,15 * * *', '*/40 */7 * * 0-5', '59 23 28-31 * 1-2']) {
      for (const after of ['2026-01-31 10:10', '2026-10-12 23:59', '2026-12-31 23:58']) {
        const { rows } = await db.owner.query<{ expected: string; found: string }>(
          `select min(t)::text as expected, n.at::text as found
          from (select app_private.cron_next($1, $2::timestamp at time zone 'UTC', 'UTC') at time zone 'UTC' as at) n
          cross join generate_series(greatest($2::timestamp + interval '1 minute', n.at - interval '4 hours'), n.at, interval '1 minute') t
          where app_private.cron_matches($1, t) group by n.at`,
          [expression, after],
        );
        expect(rows[0]?.found, `${expression} after ${after}`).toEqual(expect.any(String));
        expect(rows[0]?.found, `${expression} after ${after}`).toBe(rows[0]?.expected);
      }
    }
  });
});

test('quiet hours end in local time of their zone, also across midnight', async () => {
  const until = (at: string, from: string, to: string, timeZone = 'UTC') =>
    ask<string>(
      `to_char(app_private.quiet_until($1, $2, $3, $4) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')`,
      [at, from, to, timeZone],
    );
  expect(await until('2026-11-27T09:59:59Z', '10:00', '12:00')).toBeNull();
  expect(await until('2026-11-27T10:00:00Z', '10:00', '12:00')).toBe('2026-11-27T12:00Z');
  expect(await until('2026-11-27T11:59:59Z', '10:00', '12:00')).toBe('2026-11-27T12:00Z');
  expect(await until('2026-11-27T12:00:00Z', '10:00', '12:00')).toBeNull();
  expect(await until('2026-11-27T21:59:59Z', '22:00', '06:00')).toBeNull();
  expect(await until('2026-11-27T22:00:00Z', '22:00', '06:00')).toBe('2026-11-28T06:00Z');
  expect(await until('2026-11-28T05:59:00Z', '22:00', '06:00')).toBe('2026-11-28T06:00Z');
  expect(await until('2026-11-28T06:00:00Z', '22:00', '06:00')).toBeNull();
  expect(await until('2026-11-27T03:59:00Z', '22:00', '06:00', 'America/Chicago')).toBeNull();
  expect(await until('2026-11-27T04:00:00Z', '22:00', '06:00', 'America/Chicago')).toBe('2026-11-27T12:00Z');
  expect(await until('2026-11-27T00:00:00Z', '00:00', '23:59')).toBe('2026-11-27T23:59Z');
});
