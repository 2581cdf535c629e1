import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatDate, formatDateToEdit, formatMonth, isIsoDate } from '../../web/src/format/dates.ts';
import {
  centsOf,
  formatDecimalToEdit,
  formatDifference,
  formatMoney,
  ofCents,
  signOf,
} from '../../web/src/format/numbers.ts';
import { readAmount } from '../../web/src/format/readAmount.ts';
import { readDate } from '../../web/src/format/readDate.ts';
import { readFlag } from '../../web/src/format/readFlag.ts';
import type { Reading } from '../../web/src/format/reading.ts';

// A day or an amount stays the same in every locale when a user reads it and types it again.

const zones = ['Pacific/Kiritimati', 'Asia/Kolkata', 'UTC', 'America/Chicago', 'Pacific/Pago_Pago'];
const locales = [
  'en-US',
  'en-GB',
  'en-IN',
  'de-DE',
  'de-CH',
  'fr-FR',
  'sv-SE',
  'ja-JP',
  'ar-EG',
  'fa-IR',
  'pt-BR',
  'ko-KR',
  'pl-PL',
  'cs-CZ',
  'th-TH',
  'hi-IN',
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
    expect(readDate('4/2/2026')).toEqual({ value: '2026-04-02' });
  });

  test('property: what is typed again is the same day', () => {
    be('en-US', zone);
    fc.assert(
      fc.property(isoDate, (day) => {
        expect(readDate(formatDateToEdit(day))).toEqual({ value: day });
      }),
    );
  });
});

/** The styles of `Intl` in which a program might write a day with all four digits of its year. */
const styles: [string, Intl.DateTimeFormatOptions][] = [
  ['medium', { dateStyle: 'medium' }],
  ['long', { dateStyle: 'long' }],
  ['full', { dateStyle: 'full' }],
  ['numeric', { year: 'numeric', month: 'numeric', day: 'numeric' }],
  ['padded', { year: 'numeric', month: '2-digit', day: '2-digit' }],
];
const utc = { timeZone: 'UTC', calendar: 'gregory' } as const;
const read = <Value>(reading: Reading<Value>) => ('value' in reading ? reading.value : undefined);

describe.each(locales)('in %s', (locale) => {
  test('property: a day is read as this app shows it, as one edits it, and as ISO has it', () => {
    be(locale);
    fc.assert(
      fc.property(isoDate, (day) => {
        expect(readDate(formatDate(day))).toEqual({ value: day });
        expect(readDate(formatDateToEdit(day))).toEqual({ value: day });
        expect(readDate(day)).toEqual({ value: day });
        expect(readDate(`${day} 00:00:00`)).toEqual({ value: day });
      }),
    );
  });

  test.each(styles)('property: a day is read in the %s style of Intl', (_, style) => {
    be(locale);
    const format = new Intl.DateTimeFormat(locale, { ...utc, ...style });
    fc.assert(
      fc.property(isoDate, (day) => {
        const text = format.format(new Date(`${day}T00:00:00Z`));
        expect([text, readDate(text)]).toEqual([text, { value: day }]);
      }),
    );
  });

  test('property: a day of this century is read in the short style of Intl', () => {
    be(locale);
    const format = new Intl.DateTimeFormat(locale, { ...utc, dateStyle: 'short' });
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2000-01-01Z'), max: new Date('2070-12-31Z'), noInvalidDate: true }),
        (date) => {
          const text = format.format(date);
          expect([text, readDate(text)]).toEqual([text, { value: date.toISOString().slice(0, 10) }]);
        },
      ),
    );
  });

  test('property: an amount is read as this app shows it and as one edits it, to the cent', () => {
    be(locale);
    fc.assert(
      fc.property(amount, (value) => {
        for (const text of [formatDecimalToEdit(value), formatMoney(value), formatDifference(value)]) {
          const got = read(readAmount(text));
          expect([text, got && centsOf(got)]).toEqual([text, centsOf(value)]);
        }
      }),
    );
  });

  test('property: whatever text is read as a day or an amount is one', () => {
    be(locale);
    const piece = fc.constantFrom(
      ..."0123456789/-. ,:$()+'TZAM\u00a0\u202f".split(''),
      '12',
      '2030',
      'Dec',
      'def',
      '\u0661',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const [day, value] = [read(readDate(text)), read(readAmount(text))];
        if (day !== undefined) expect([text, isIsoDate(day)]).toEqual([text, true]);
        if (value !== undefined) {
          // Nothing of the text is left out: its digits are those of the amount.
          const digits = [...text]
            .map((one) => (one === '\u0661' ? '1' : one))
            .filter((one) => /\d/.test(one));
          expect([text, value.replace(/\D/g, '')]).toEqual([
            text,
            value.startsWith('0') || value.startsWith('-0')
              ? expect.stringContaining(digits.join(''))
              : digits.join(''),
          ]);
        }
      }),
    );
  });
});

// Formats of Excel, P6 and PEMS, and texts that are refused because they are invalid or ambiguous.
test.each([
  ['en-US', '12/24/24', '2024-12-24'],
  ['en-US', 'Dec 24, 2024', '2024-12-24'],
  ['en-US', 'December 24 2024', '2024-12-24'],
  ['en-US', 'Tuesday, December 24, 2024', '2024-12-24'],
  ['en-US', 'Monday, December 24, 2024', undefined],
  ['en-US', '24-Dec-24', '2024-12-24'],
  ['en-US', '31-Dec-2030', '2030-12-31'],
  ['en-US', '31-DEC-2030 14:30', '2030-12-31'],
  ['en-US', '31-DEC-2030 14:30:15', '2030-12-31'],
  ['en-US', '02-SEPT-2026', '2026-09-02'],
  ['en-US', '24-Dec-24 08:00 A', '2024-12-24'],
  ['en-US', '24-Dec-24 A', '2024-12-24'],
  ['en-US', '24-Dec-24*', '2024-12-24'],
  ['en-US', '12/31/2030 0:00', '2030-12-31'],
  ['en-US', '12/31/2030 12:00:00 AM', '2030-12-31'],
  ['en-US', '12/31/2030, 12:00 AM', '2030-12-31'],
  ['en-US', '2030-12-31 00:00:00', '2030-12-31'],
  ['en-US', '2030-12-31T00:00:00.000Z', '2030-12-31'],
  ['en-US', '2030-12-31T23:00:00Z', undefined],
  ['en-US', '2030-12-31 25:00', undefined],
  ['en-US', '2030/12/31', '2030-12-31'],
  ['en-US', '31.12.2030', '2030-12-31'],
  ['en-US', '31/12/2030', undefined],
  ['en-US', '01.02.2030', undefined],
  ['en-US', '02-04-2026', undefined],
  ['en-US', '2/30/2026', undefined],
  ['en-US', '2026-02-30', undefined],
  ['en-US', '2026-13-01', undefined],
  ['en-US', '2026-4-2x', undefined],
  ['en-US', '10abc12def2030', undefined],
  ['en-US', '10/12/2030 and more', undefined],
  ['en-US', '1/2/203', undefined],
  ['en-US', '4/2', undefined],
  ['en-US', 'Dec 2030', undefined],
  ['en-US', '45650', undefined],
  ['en-US', 'soon', undefined],
  ['en-US', '', undefined],
  ['en-GB', '12/24/24', undefined],
  ['en-GB', '24/12/24', '2024-12-24'],
  ['en-GB', '04/02/2026', '2026-02-04'],
  ['en-CA', '04/02/2026', undefined],
  ['de-DE', '24.12.24', '2024-12-24'],
  ['de-DE', '24. Dez. 2024', '2024-12-24'],
  ['de-DE', '24-Dez-24', '2024-12-24'],
  ['de-DE', '24-Dec-24', '2024-12-24'],
  ['de-DE', '2. März 2026', '2026-03-02'],
  ['de-DE', '04/02/2026', undefined],
  ['de-DE', '12/24/2026', '2026-12-24'],
  ['fr-FR', '24 déc. 2024', '2024-12-24'],
  ['fr-FR', '24-DEC-2024', '2024-12-24'],
  ['fr-FR', '2 aout 2026', '2026-08-02'],
  ['ja-JP', '2026年4月2日', '2026-04-02'],
  ['ja-JP', '２０２６／４／２', '2026-04-02'],
  ['ko-KR', '2026. 4. 2.', '2026-04-02'],
  ['ar-EG', '٠٢/٠٤/٢٠٢٦', '2026-04-02'],
])('in %s, the day %j is %s', (locale, text, value) => {
  be(locale);
  expect(read(readDate(text))).toBe(value);
});

test('a day with two meanings is refused with both', () => {
  be('en-US');
  expect(readDate('01.02.2030')).toEqual({
    problem: '01.02.2030 can mean Feb 1, 2030 or Jan 2, 2030. Enter it as 2/1/2030 or 1/2/2030.',
  });
  expect(readDate('2026-02-30')).toEqual({
    problem: 'There is no day 2026-02-30. Enter a valid date, such as 12/31/2030.',
  });
});

test.each([
  ['en-US', '$1,234.50', '1234.50'],
  ['en-US', '-$1,234.50', '-1234.50'],
  ['en-US', '$-1,234.50', '-1234.50'],
  ['en-US', '($1,234.50)', '-1234.50'],
  ['en-US', '(1,234.50', undefined],
  ['en-US', '--5', undefined],
  ['en-US', '1234.5 USD', '1234.5'],
  ['en-US', ' 1234.5 ', '1234.5'],
  ['en-US', '1 234', undefined],
  ['en-US', '1,23', undefined],
  ['en-US', '0,125', undefined],
  ['en-US', '1,2345', undefined],
  ['en-US', '12,34,567', undefined],
  ['en-US', '1 2', undefined],
  ['en-US', '10 20', undefined],
  ['en-US', '1.234,50', undefined],
  ['en-US', '12.5.1', undefined],
  ['en-US', '1E+05', undefined],
  ['en-US', '10²', undefined],
  ['en-US', '5.', undefined],
  ['en-US', '.5', '0.5'],
  ['en-US', '0.125', undefined],
  ['en-US', '1,234.567', undefined],
  ['en-US', '1.230000', '1.23'],
  ['en-US', '0007', '0007'],
  ['en-US', '12345678901234', undefined],
  ['de-DE', '0,125', undefined],
  ['en-US', 'ten', undefined],
  ['en-US', '-', undefined],
  ['en-US', '', undefined],
  ['en-IN', '12,34,567.50', '1234567.50'],
  ['en-IN', '1,234,567.50', undefined],
  ['de-DE', '1.234,50', '1234.50'],
  ['de-DE', '1.234,50 $', '1234.50'],
  ['de-DE', '1.23', undefined],
  ['de-DE', '0.125', undefined],
  ['de-CH', "1'234.50", '1234.50'],
  ['de-CH', '1’234.50', '1234.50'],
  ['fr-FR', '1 234,50 $', '1234.50'],
  ['fr-FR', '1 2', undefined],
  ['fr-FR', '10 20', undefined],
  ['ar-EG', '١٬٢٣٤٫٥٠', '1234.50'],
])('in %s, the amount %j is %s', (locale, text, value) => {
  be(locale);
  expect(read(readAmount(text))).toBe(value);
});

test.each([
  ...['true', 'TRUE', 'True', 'Yes', 'yes', 'Y', '+', '1', '-1', 'WAHR', 'VRAI', ' yes '].map(
    (text) => [text, true] as const,
  ),
  ...['false', 'FALSE', 'No', 'n', '-', '0', 'FALSCH', 'FAUX'].map((text) => [text, false] as const),
  ...['', 'maybe', 'yes and no', '2'].map((text) => [text, undefined] as const),
])('the flag %j is %s', (text, value) => {
  be('en-US');
  expect(read(readFlag(text))).toBe(value);
});

test('a language that Intl does not know is passed over', () => {
  vi.stubGlobal('navigator', { language: 'en-US@posix', languages: ['en-US@posix', 'C', 'de-DE'] });
  expect(formatDate('2026-04-02')).toBe('02.04.2026');
  vi.stubGlobal('navigator', { language: '', languages: [] });
  expect(formatDate('2026-04-02')).toBe('Apr 2, 2026');
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
