import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatDate, formatDateToEdit, formatMonth, parseDate } from '../../web/src/format/dates.ts';
import {
  centsOf,
  formatDecimalToEdit,
  formatMoney,
  ofCents,
  parseDecimal,
  signOf,
} from '../../web/src/format/numbers.ts';

// A day is the same day, and an amount the same amount, wherever somebody reads it and types it again.

const zones = ['Pacific/Kiritimati', 'Asia/Kolkata', 'UTC', 'America/Chicago', 'Pacific/Pago_Pago'];
const locales = [
  'en-US',
  'en-GB',
  'de-DE',
  'de-CH',
  'fr-FR',
  'sv-SE',
  'ja-JP',
  'ar-EG',
  'fa-IR',
  'pt-BR',
  'ko-KR',
];

const here = process.env.TZ;
const be = (locale: string, zone = 'America/Chicago') => {
  process.env.TZ = zone;
  // Formatters are made once for each language: those of another zone are to be forgotten.
  for (const one of ['is-IS', locale]) {
    vi.stubGlobal('navigator', { language: one, languages: [one] });
    formatDate('2000-01-01');
    formatMonth('2000-01');
  }
};
afterEach(() => {
  vi.unstubAllGlobals();
  if (here === undefined) delete process.env.TZ;
  else process.env.TZ = here;
});

const isoDate = fc
  .date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('2199-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const amount = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }))
  .map(([isNegative, cents]) => ofCents(isNegative ? -cents : cents));

describe.each(zones)('in %s', (zone) => {
  test('a day is that day', () => {
    be('en-US', zone);
    expect(formatDate('2026-04-02')).toBe('Apr 2, 2026');
    expect(formatDate('2026-01-01')).toBe('Jan 1, 2026');
    expect(formatMonth('2026-01')).toBe('January 2026');
    expect(parseDate('4/2/2026')).toBe('2026-04-02');
  });

  test('property: what is typed again is the same day', () => {
    be('en-US', zone);
    fc.assert(
      fc.property(isoDate, (day) => {
        expect(parseDate(formatDateToEdit(day))).toBe(day);
      }),
    );
  });
});

describe.each(locales)('in %s', (locale) => {
  test('property: a day is read as it is written, and as ISO has it', () => {
    be(locale);
    fc.assert(
      fc.property(isoDate, (day) => {
        expect(parseDate(formatDateToEdit(day))).toBe(day);
        expect(parseDate(day)).toBe(day);
      }),
    );
  });

  test('property: an amount is read as it is written, to the cent', () => {
    be(locale);
    fc.assert(
      fc.property(amount, (value) => {
        const read = parseDecimal(formatDecimalToEdit(value));
        expect(read && centsOf(read)).toBe(centsOf(value));
      }),
    );
  });
});

test.each([
  ['en-US', '$1,234.50', '1234.50'],
  ['en-US', '1,23', undefined],
  ['de-DE', '1.234,50', '1234.50'],
  ['de-DE', '1.234,50 $', '1234.50'],
  ['de-DE', '1.23', undefined],
  ['en-US', '12.5.1', undefined],
  ['en-US', 'ten', undefined],
  ['en-US', '', undefined],
])('in %s, %s is %s', (locale, text, value) => {
  be(locale);
  expect(parseDecimal(text)).toBe(value);
});

test.each([['2/30/2026'], ['4/2/26'], ['2026-13-01'], ['soon'], ['4/2'], ['']])('%s is no day', (text) => {
  be('en-US');
  expect(parseDate(text)).toBeUndefined();
});

test('property: cents are counted exactly', () => {
  be('en-US');
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      const sum = ofCents(centsOf(a) + centsOf(b));
      expect(centsOf(sum)).toBe(centsOf(a) + centsOf(b));
      expect(signOf(sum)).toBe(centsOf(sum) === 0n ? 0 : centsOf(sum) < 0n ? -1 : 1);
    }),
  );
  // More digits than a number of JavaScript has.
  expect(formatMoney('9007199254740993.07')).toBe('$9,007,199,254,740,993.07');
});
