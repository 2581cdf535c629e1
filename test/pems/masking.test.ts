import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMasker } from '../../src/pems/index.ts';
import { parseDate, parseNumber, parseTimestamp } from '../../src/pems/values.ts';

const masker = createMasker(Buffer.alloc(32, 7));
const shapeOf = (text: string): string =>
  text.replaceAll(/[1-9]/g, '9').replaceAll(/[a-z]/g, 'a').replaceAll(/[A-Z]/g, 'A');

describe('a value becomes another one of the same shape', () => {
  test.each([
    'RIO-0000042',
    'CRANES - CRAWLER',
    "O'Brien Rentals",
    'jane.doe@example.com',
    'https://pems.example/axis',
    '1,234.50',
    '-17.05',
    '78001',
    'line\tone\u001b[2J',
  ])('%j', (value) => {
    const masked = masker.text(value);
    expect(masked).not.toBe(value);
    expect(masked).toHaveLength(value.length);
    const zeros = /^[-\d.,]+$/.test(value) ? shapeOf : (text: string) => shapeOf(text).replaceAll('0', '9');
    expect(zeros(masked)).toBe(zeros(value));
  });

  test('no letter or digit except zero keeps its place, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcXYZ0189 -.'), minLength: 4 }), (value) => {
        fc.pre(/[a-zA-Z]/.test(value));
        const masked = createMasker(randomBytes(32)).text(value);
        for (const [index, character] of [...value].entries())
          if (/[a-zA-Z0-9]/.test(character)) expect(masked[index]).not.toBe(character);
          else expect(masked[index]).toBe(character);
      }),
    );
  });

  test.each(['São Paulo', 'Müller & Söhne', '三一重工 SANY', 'Écully', 'Δοκιμή', '🏗️ on hold'])(
    'letters of any script stay letters: %s',
    (value) => {
      const masked = masker.text(value);
      for (const word of value.match(/\p{L}{2,}/gu) ?? []) expect(masked).not.toContain(word);
      expect([...masked].map((character) => /\p{L}/u.test(character))).toEqual(
        [...value].map((character) => /\p{L}/u.test(character)),
      );
    },
  );
});

test('equal values stay equal, different ones different, and common prefixes remain', () => {
  const ids = Array.from({ length: 500 }, (_, n) => `RIO-${String(n).padStart(7, '0')}`);
  expect(new Set(ids.map(masker.text)).size).toBe(500);
  expect(masker.text('RIO2').startsWith(masker.text('RIO'))).toBe(true);
  expect(ids.every((id) => masker.text(id).startsWith(masker.text('RIO')))).toBe(true);
  expect(createMasker().text('RIO-0000042')).not.toBe(createMasker().text('RIO-0000042'));
});

describe('dates keep their notation', () => {
  test.each([
    '02-APR-2026',
    '31-DEC-2026',
    '02-MRZ-2026',
    '29-Feb-2028',
    '2026-04-02',
    '04/13/2026',
    '13/04/2026',
  ])('%s', (value) => {
    const masked = masker.text(value);
    expect(masked).not.toBe(value);
    expect(shapeOf(masked).replaceAll(/A{3}|Aaa|\d/g, '')).toBe(
      shapeOf(value).replaceAll(/A{3}|Aaa|\d/g, ''),
    );
    for (const order of ['MDY', 'DMY'] as const)
      expect(parseDate(masked.replace('MRZ', 'MAR'), order).ok).toBe(
        parseDate(value.replace('MRZ', 'MAR'), order).ok || /-\p{L}+-/u.test(masked),
      );
  });

  test('the order of day and month remains visible, in any date', () => {
    const day = fc.date({ min: new Date('2020-01-01'), max: new Date('2031-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.uint8Array({ minLength: 32, maxLength: 32 }), (date, key) => {
        const [year = '', month = '', number = ''] = date.toISOString().slice(0, 10).split('-');
        const { text } = createMasker(Buffer.from(key));
        for (const value of [`${month}/${number}/${year}`, `${number}/${month}/${year}`]) {
          const masked = text(value);
          expect(masked).not.toBe(value);
          for (const order of ['MDY', 'DMY'] as const)
            expect(parseDate(masked, order).ok).toBe(parseDate(value, order).ok);
        }
      }),
    );
  });

  test.each(['02-APR-2026 14:30', '02-APR-2026 14:30:15', '04/02/2026 02:30 PM', '2026-04-02 00:00'])(
    'times stay times: %s',
    (value) => {
      const masked = masker.text(value);
      expect(parseTimestamp(masked, 'MDY')).toMatchObject({ ok: true });
      expect(/[AP]M$/.exec(masked)?.[0]).toBe(/[AP]M$/.exec(value)?.[0]);
    },
  );
});

test('flags and choices keep their spelling, longer texts that contain one do not', () => {
  for (const kept of ['+', '-', 'true', 'N', '-1', 'RENTAL', 'Purchase', 'BEO', 'PROJECT', ''])
    expect(masker.text(kept)).toBe(kept);
  for (const value of ['RENTAL CO', 'Projects', '11', 'BEO-2']) expect(masker.text(value)).not.toBe(value);
});

test('grid and screen of one record are masked alike', () => {
  const record = masker.json({
    cells: ['1,234.50', '0.50', '900.00', '02-APR-2026', '78001'],
    DATETIMEDATA: {
      YEAR: Date.UTC(2026, 0, 1, 5),
      MONTH: 4,
      DAY: 2,
      HOUR: 0,
      TIMEZONE: '-0500',
      qualifier: 'OTHER',
    },
    amounts: [
      { NUMERICDATA: { VALUE: 123450, NUMOFDEC: 2, SIGN: '+', CURRENCY: 'USD' } },
      { NUMERICDATA: { VALUE: 50, NUMOFDEC: 2, SIGN: '+' } },
      { NUMERICDATA: { VALUE: 90000, NUMOFDEC: 2, SIGN: '+' } },
    ],
    bare: [1234.5, 78001],
  }) as {
    cells: string[];
    DATETIMEDATA: { YEAR: number; MONTH: number; DAY: number; TIMEZONE: string };
    amounts: { NUMERICDATA: { VALUE: number; NUMOFDEC: number; CURRENCY?: string } }[];
    bare: number[];
  };
  const { cells, DATETIMEDATA: date, amounts, bare } = record;
  const amountOf = (text = ''): unknown => {
    const parsed = parseNumber(text);
    return parsed.ok ? Number(parsed.value) : text;
  };
  expect(amounts.map(({ NUMERICDATA: { VALUE, NUMOFDEC } }) => VALUE / 10 ** NUMOFDEC)).toEqual(
    cells.slice(0, 3).map(amountOf),
  );
  expect(bare).toEqual([amountOf(cells[0]), amountOf(cells[4])]);
  const { YEAR, MONTH, DAY, TIMEZONE } = date;
  const year = new Date(YEAR - 5 * 3_600_000).getUTCFullYear();
  expect(YEAR).toBe(Date.UTC(year, 0, 1, 5));
  expect(TIMEZONE).toBe('-0500');
  const iso = `${year}-${String(MONTH).padStart(2, '0')}-${String(DAY).padStart(2, '0')}`;
  expect(parseDate(cells[3] ?? '', 'MDY')).toEqual({ ok: true, value: iso });
  expect(iso).not.toBe('2026-04-02');
});

test('YEAR as an instant stays in one year, and a plain year stays plain', () => {
  const masked = (YEAR: number) =>
    (masker.json({ DATEUPDATED: { YEAR } }) as { DATEUPDATED: { YEAR: number } }).DATEUPDATED.YEAR;
  const given = 1_778_204_604_123;
  const moved = new Date(masked(given)).getUTCFullYear() - 2026;
  expect(Math.abs(moved)).toBeGreaterThan(1);
  expect(masked(given) % 1000).not.toBe(0);
  expect(masked(2026)).toBe(2026 + moved);
});

test('names and structure of a response remain, values do not', () => {
  const answer = {
    Result: {
      ResultData: {
        GRID: {
          GRIDNAME: 'CUPFAG',
          METADATA: { CURRENTCURSORPOSITION: '0', MORERECORDPRESENT: '+', RECORDS: '1' },
          FIELDS: { FIELD: [{ aliasnum: 3000, name: 'pfs_id', label: 'Jane’s requirement' }] },
          DATA: {
            ROW: [
              {
                id: 17,
                D: [
                  { n: 3000, value: 'RIO-0000042' },
                  { n: 3001, value: null },
                ],
              },
            ],
          },
          owner: { name: 'Jane' },
        },
        UserDefinedScreenService: {
          recordid: 4711,
          UPDATEDBY: { USERCODE: 'JDOE', DESCRIPTION: 'Jane Doe' },
          USERDEFINEDSCREENFIELDVALUELIST: {
            USERDEFINEDSCREENFIELDVALUEPAIR: [
              {
                USERDEFINEDSCREENFIELDNAME: 'PFS_F_MODEL',
                USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: 'LR 1300' },
              },
              { USERDEFINEDSCREENFIELDNAME: 'PFS_F_RATE' },
            ],
          },
        },
      },
    },
    ErrorAlert: [
      { Name: 'RECORD_NOT_FOUND', Message: 'Record RIO-0000042 was not found for JDOE on pems.example' },
      { Name: 'ACME_DEMO', Message: 'Authorization failed' },
    ],
    'Jane Doe': true,
  };
  const text = JSON.stringify(masker.json(answer));
  for (const secret of [
    'RIO',
    '0000042',
    'Jane',
    'JDOE',
    'Doe',
    '4711',
    '1300',
    'example',
    'ACME',
    'DEMO',
    'requirement',
  ])
    expect(text).not.toContain(secret);
  const kept = [
    'CUPFAG',
    '"RECORDS":"1"',
    '"MORERECORDPRESENT":"+"',
    '"aliasnum":3000,"name":"pfs_id"',
    '"n":3000',
  ];
  for (const one of [...kept, 'PFS_F_MODEL', 'RECORD_NOT_FOUND', 'Authorization failed', 'was not found for'])
    expect(text).toContain(one);
  // The structure: the same members in the same places, with the same types.
  const shape = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shape)
      : typeof value === 'object' && value !== null
        ? Object.values(value).map(shape)
        : value === null
          ? null
          : typeof value;
  expect(shape(JSON.parse(text))).toEqual(shape(answer));
});

test('text that is not JSON is masked entirely', () => {
  const masked = masker.plain('<html><title>ACME sign-in</title>');
  expect(masked).toMatch(/^<[a-z]{4}><[a-z]{5}>[A-Z]{4} [a-z]{4}-[a-z]{2}<\/[a-z]{5}>$/);
  expect(masked).not.toContain('ACME');
});
