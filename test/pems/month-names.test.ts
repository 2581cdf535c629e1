import { describe, expect, test } from 'vitest';
import { englishMonths, monthNames, monthOf } from '../../src/pems/month-names.ts';
import { parseDate, parseTimestamp } from '../../src/pems/values.ts';

const named = (language: string, text: string) => {
  const months = monthNames(language);
  if (months === null) throw new Error(`${language} is not known.`);
  const parsed = parseDate(text, 'MDY', months);
  return parsed.ok ? parsed.value : parsed.problem;
};

describe('the name of a month', () => {
  test.each([
    ['fr', '02-AVR-2026', '2026-04-02'],
    ['fr', '02-AVR.-2026', '2026-04-02'],
    ['fr', '02-F\u00c9VR.-2026', '2026-02-02'],
    ['fr', '02-fevr-2026', '2026-02-02'],
    ['fr', '14-juillet-2026 14:30', '2026-07-14'],
    ['fr', '15-AO\u00dbT-2026', '2026-08-15'],
    ['de', '02-MRZ-2026', '2026-03-02'],
    ['de', '02-M\u00c4R-2026', '2026-03-02'],
    ['de', '02-Ma\u0308rz-2026', '2026-03-02'],
    ['de', '03-OKT-2026', '2026-10-03'],
    ['es', '02-ABR-2026', '2026-04-02'],
    ['es-MX', '01-ENE-2026', '2026-01-01'],
    ['pt-BR', '02-DEZ-2026', '2026-12-02'],
    ['it', '02-GEN-2026', '2026-01-02'],
    ['nl', '02-MRT-2026', '2026-03-02'],
    ['tr', '02-N\u0130S-2026', '2026-04-02'],
    ['tr', '02-A\u011eU-2026', '2026-08-02'],
    ['pl', '02-pa\u017a-2026', '2026-10-02'],
    ['ru', '02-\u041c\u0410\u042f-2026', '2026-05-02'],
    ['zh', '02-4\u6708-2026', '2026-04-02'],
    ['zh', '02-12\u6708-2026', '2026-12-02'],
    ['ja', '02-10\u6708-2026', '2026-10-02'],
    ['ko', '02-4\uc6d4 -2026', '2026-04-02'],
  ])('of %s: %s is %s', (language, text, date) => {
    expect(named(language, text)).toBe(date);
  });

  test.each(['de', 'fr', 'tr', 'zh'])('is read in English too: %s', (language) => {
    for (const [index, name] of [...englishMonths.keys()].entries()) {
      const month = String(index + 1).padStart(2, '0');
      expect(named(language, `02-${name.toUpperCase()}-2026`)).toBe(`2026-${month}-02`);
    }
  });

  test.each([
    ['fr', '02-JUI-2026', 'June and July'],
    ['en', '02-AVR-2026', 'another language'],
    ['ja', '02-4-X-2026', 'no name'],
    ['de', '31-JUN-2026', 'no day'],
    ['de', '02--2026', 'nothing'],
  ])('is not guessed: %s %s (%s)', (language, text) => {
    expect(named(language, text)).toContain('is no date');
  });

  test('is unique among all known languages', () => {
    for (const language of [
      'ar',
      'cs',
      'da',
      'el',
      'fi',
      'he',
      'hr',
      'hu',
      'lt',
      'nb',
      'ro',
      'sv',
      'th',
      'uk',
      'vi',
    ]) {
      const months = monthNames(language);
      expect(new Set(months?.values()).size, language).toBe(12);
    }
  });

  test('in a time of change is read too', () => {
    const months = monthNames('fr');
    expect(parseTimestamp('02-AVR-2026 02:30 PM', 'MDY', months ?? undefined)).toEqual({
      ok: true,
      value: '2026-04-02 14:30',
    });
  });
});

test.each(['', 'xx', 'klingon', '..', 'en_US'])('%j is not a language', (tag) => {
  expect(monthNames(tag)).toBeNull();
});

test('English is the default language', () => {
  expect(monthOf(englishMonths, 'Sep')).toBe('09');
  expect(parseDate('02-APR-2026', 'MDY')).toEqual({ ok: true, value: '2026-04-02' });
});
