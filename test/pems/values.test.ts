import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatTimestamp,
  makeStorable,
  parseDate,
  parseFlag,
  parseNumber,
  parseText,
  parseTimestamp,
} from '../../src/pems/values.ts';
import type { DateFormat, Parsed } from '../../src/pems/values.ts';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** Returns the value, or fails with the problem. */
function valueOf<T>(parsed: Parsed<T>): T | null {
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.value;
}

function problemOf(parsed: Parsed<unknown>): string {
  if (parsed.ok) throw new Error(`accepted as ${String(parsed.value)}`);
  return parsed.problem;
}

/** Every day of the years 1 to 9999, by a calendar independent of the tested code. */
const day = fc.integer({ min: -719_162, max: 2_932_896 }).map((n) => {
  return new Date(n * 86_400_000).toISOString().slice(0, 10).padStart(10, '0');
});
const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((n) => String(n).padStart(2, '0')).join(':'));
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
  fc.string({ unit: fc.constantFrom(...'0123456789.,-+/: aAprPR\0') }),
);

describe('a date', () => {
  test.each([
    ['02-APR-2026', '2026-04-02'],
    ['02-apr-2026', '2026-04-02'],
    ['02-Apr-2026 14:30', '2026-04-02'],
    ['2026-04-02', '2026-04-02'],
    [' 2026-04-02 00:00 ', '2026-04-02'],
    ['2026-04-02T00:00', '2026-04-02'],
    ['2026-04-02 1:00', '2026-04-02'],
    ['2-APR-2026', '2026-04-02'],
    ['02-APR-2026 14:30:15', '2026-04-02'],
    ['02-APR-2026 02:30 PM', '2026-04-02'],
    ['29-FEB-2024', '2024-02-29'],
    ['29-FEB-2000', '2000-02-29'],
  ])('%s is read as %s', (text, expected) => {
    expect(valueOf(parseDate(text, 'MDY'))).toBe(expected);
    expect(valueOf(parseDate(text, 'DMY'))).toBe(expected);
  });

  test('with dashes and a single digit follows the order of the tenant', () => {
    expect(valueOf(parseDate('02-04-2026', 'DMY'))).toBe('2026-04-02');
    expect(valueOf(parseDate('02-04-2026', 'MDY'))).toBe('2026-02-04');
    expect(valueOf(parseDate('4/2/2026', 'MDY'))).toBe('2026-04-02');
  });

  test('with slashes follows the order of the tenant', () => {
    expect(valueOf(parseDate('04/02/2026', 'MDY'))).toBe('2026-04-02');
    expect(valueOf(parseDate('04/02/2026', 'DMY'))).toBe('2026-02-04');
    expect(problemOf(parseDate('13/02/2026', 'MDY'))).toContain('2026-13-02');
    expect(problemOf(parseDate('02/13/2026', 'DMY'))).toContain('2026-13-02');
  });

  test.each(['', ' ', '\t'])('%j is blank', (text) => {
    expect(valueOf(parseDate(text, 'MDY'))).toBeNull();
  });

  test.each([
    '31-FEB-2026',
    '29-FEB-2100',
    '2025-02-30',
    '2026-00-10',
    '2026-13-01',
    '00-JAN-2026',
    '0000-01-01',
    '31-APR-2026',
    '02-APR-26',
    '02-MRZ-2026',
    '02-APRIL-2026',
    '2026-04-02 24:00',
    '2026-04-02 12:60',
    '2026-04-02 13:30 PM',
    '2026-04-02 00:30 AM',
    '04/02/26',
    '04/02-2026',
    '20260402',
    'tomorrow',
    '٠٢-APR-٢٠٢٦',
    '02-APR-2026\0',
  ])('%j is a problem with that text', (text) => {
    const problem = problemOf(parseDate(text, 'MDY'));
    expect(problem).toContain(JSON.stringify(makeStorable(text)));
    expect(problem.endsWith('.')).toBe(true);
  });

  test('of any calendar day is read from each notation', () => {
    fc.assert(
      fc.property(day, fc.option(time), fc.boolean(), (iso, hhmm, lower) => {
        const [year = '', month = '', date = ''] = iso.split('-');
        const tail = hhmm === null ? '' : ` ${hhmm}`;
        const name = MONTHS[Number(month) - 1] ?? '';
        expect(valueOf(parseDate(iso + tail, 'MDY'))).toBe(iso);
        expect(valueOf(parseDate(`${month}/${date}/${year}${tail}`, 'MDY'))).toBe(iso);
        expect(valueOf(parseDate(`${date}/${month}/${year}${tail}`, 'DMY'))).toBe(iso);
        const named = `${date}-${lower ? name.toLowerCase() : name}-${year}${tail}`;
        expect(valueOf(parseDate(named, 'DMY'))).toBe(iso);
        expect(valueOf(parseTimestamp(named, 'DMY'))).toBe(`${iso} ${hhmm ?? '00:00'}`);
      }),
    );
  });

  test('of eight digits is accepted exactly if the calendar has it', () => {
    const parts = fc.tuple(
      fc.integer({ min: 0, max: 9999 }),
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 0, max: 33 }),
    );
    fc.assert(
      fc.property(parts, ([y, m, d]) => {
        const iso = `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;
        const parsed = new Date(`${iso}T00:00:00Z`);
        const exists = y > 0 && !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(iso);
        expect(parseDate(iso, 'MDY').ok).toBe(exists);
      }),
    );
  });
});

describe('a timestamp', () => {
  test('keeps the minute without a zone, whatever the local zone', () => {
    expect(valueOf(parseTimestamp('02-APR-2026 14:30', 'MDY'))).toBe('2026-04-02 14:30');
    expect(valueOf(parseTimestamp('04/02/2026 02:30 PM', 'MDY'))).toBe('2026-04-02 14:30');
    expect(valueOf(parseTimestamp('04/02/2026 12:05:59 AM', 'MDY'))).toBe('2026-04-02 00:05');
    expect(valueOf(parseTimestamp('2026-04-02 12:05 pm', 'MDY'))).toBe('2026-04-02 12:05');
    // The hour that daylight saving skips in many zones.
    expect(valueOf(parseTimestamp('29-MAR-2026 02:30', 'MDY'))).toBe('2026-03-29 02:30');
    expect(valueOf(parseTimestamp('04/02/2026', 'DMY'))).toBe('2026-02-04 00:00');
    expect(valueOf(parseTimestamp('', 'MDY'))).toBeNull();
  });

  test.each<[DateFormat, string]>([
    ['DD-MON-YYYY', '02-APR-2026 14:30'],
    ['YYYY-MM-DD', '2026-04-02 14:30'],
    ['MM/DD/YYYY', '04/02/2026 14:30'],
    ['DD/MM/YYYY', '02/04/2026 14:30'],
  ])('is formatted for a filter as %s', (format, expected) => {
    expect(formatTimestamp('2026-04-02 14:30', format)).toBe(expected);
    expect(valueOf(parseTimestamp(expected, format === 'DD/MM/YYYY' ? 'DMY' : 'MDY'))).toBe(
      '2026-04-02 14:30',
    );
  });

  test.each(['2026-04-02', '2026-02-30 10:00', '02-APR-2026 14:30', '2026-04-02 14:30:00', ''])(
    '%j is invalid for a filter',
    (text) => {
      expect(formatTimestamp(text, 'DD-MON-YYYY')).toBeNull();
    },
  );
});

describe('a flag', () => {
  test.each([
    ['+', true],
    ['true', true],
    ['TRUE', true],
    ['1', true],
    ['-1', true],
    ['Y', true],
    ['YES', true],
    ['N', false],
    ['No', false],
    ['-', false],
    ['false', false],
    ['0', false],
    [' ', null],
    ['', null],
  ])('%j is %s', (text, expected) => {
    expect(valueOf(parseFlag(text))).toBe(expected);
  });

  test.each(['2', '--', '-2', 'ja', '+\0'])('%j is a problem', (text) => {
    expect(problemOf(parseFlag(text))).toContain(JSON.stringify(makeStorable(text)));
  });
});

describe('a number', () => {
  test.each([
    ['1,234.56', '1234.56'],
    ['1,234,567', '1234567'],
    ['-1,234.50', '-1234.5'],
    ['+7', '7'],
    ['007', '7'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['0.10', '0.1'],
    ['-0', '0'],
    ['-0.00', '0'],
    [' 12 ', '12'],
    ['999999999999999.99', '999999999999999.99'],
    ['0.1234567890', '0.123456789'],
    ['1.00000000000000000000', '1'],
  ])('%j is exactly %s', (text, expected) => {
    expect(valueOf(parseNumber(text))).toBe(expected);
  });

  test.each([
    '1,23,4.5',
    '1234,567',
    '0,125',
    '1,234.5,6',
    ',5',
    '5.',
    '.',
    '-',
    '+-1',
    '- 5',
    '5-',
    '(5)',
    '1e5',
    '1e-400',
    '1e400',
    '0x10',
    'NaN',
    'Infinity',
    '1 234',
    '$5',
    '−5',
    '1000000000000000',
    '0.12345678901',
  ])('%j is a problem', (text) => {
    expect(problemOf(parseNumber(text))).toContain(JSON.stringify(text));
  });

  test('of a million zeros is read at once', () => {
    const started = performance.now();
    expect(valueOf(parseNumber(`${'0'.repeat(1e6)}.${'0'.repeat(1e6)}`))).toBe('0');
    expect(parseNumber(`0.${'0'.repeat(1e6)}1`).ok).toBe(false);
    expect(parseNumber(`1${',000'.repeat(1e5)}x`).ok).toBe(false);
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('with or without separators, zeros and sign is the same exact number', () => {
    const digits = fc.bigInt({ min: 0n, max: 999_999_999_999_999n });
    const decimals = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 10 });
    fc.assert(
      fc.property(digits, decimals, fc.constantFrom('', '+', '-'), (whole, fraction, sign) => {
        const tail = fraction === '' ? '' : `.${fraction}`;
        const parsed = valueOf(parseNumber(`${sign}${whole}${tail}`));
        expect(valueOf(parseNumber(`${sign}${whole.toLocaleString('en-US')}${tail}`))).toBe(parsed);
        expect(valueOf(parseNumber(`${sign}000${whole}${tail}`))).toBe(parsed);
        // Exact: scaled to integers.
        const [, minus, int = '', frac = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(parsed ?? '') ?? [];
        const scaled = BigInt(int + frac.padEnd(10, '0'));
        expect(scaled).toBe(BigInt(whole.toString() + fraction.padEnd(10, '0')));
        expect(minus === '-').toBe(sign === '-' && scaled !== 0n);
        expect(parsed).toMatch(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/);
      }),
    );
  });
});

describe('a text', () => {
  test('is kept exactly, and blank is null', () => {
    expect(valueOf(parseText(' Crane "A" \n'))).toBe(' Crane "A" \n');
    expect(valueOf(parseText('😀 é'))).toBe('😀 é');
    expect(valueOf(parseText('  '))).toBeNull();
  });

  test('that PostgreSQL cannot store is a problem', () => {
    expect(problemOf(parseText('a\0b'))).toContain('U+0000');
    expect(problemOf(parseText('a\uD83Db'))).toContain('surrogate');
  });
});

test('any string is read or refused, and a problem can always be stored', () => {
  fc.assert(
    fc.property(anyText, fc.constantFrom('MDY' as const, 'DMY' as const), (text, order) => {
      const answers: Parsed<unknown>[] = [
        parseText(text),
        parseDate(text, order),
        parseTimestamp(text, order),
        parseFlag(text),
        parseNumber(text),
      ];
      for (const answer of answers) {
        const result = answer.ok ? String(answer.value) : answer.problem;
        expect(result).toBe(makeStorable(result));
      }
    }),
  );
});
