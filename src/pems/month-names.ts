/** From the name of a month, folded, to its number in two digits. */
export type MonthNames = ReadonlyMap<string, string>;

const ENGLISH = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const number = (index: number): string => String(index + 1).padStart(2, '0');

/** `JAN` to `DEC`, which PEMS writes where nothing localizes them. */
export const englishMonths: MonthNames = new Map(ENGLISH.map((name, index) => [name, number(index)]));

/** Where no language but English is read, these keep most names out of `fold`. */
const FOLDED = new Map(
  ENGLISH.flatMap((name) => [
    [name, name],
    [name.toUpperCase(), name],
  ]),
);

/** Case, accents, and a point behind an abbreviation do not matter: `FÉVR.` and `fevr` are the same. */
function fold(name: string): string {
  return (
    FOLDED.get(name) ??
    name
      .trim()
      .replace(/\.$/, '')
      .normalize('NFKD')
      .toLowerCase()
      .replace(/\p{M}/gu, '')
      .replaceAll('ı', 'i')
      .normalize('NFC')
  );
}

/** The number of a month by its name; undefined for none. */
export function monthOf(months: MonthNames, name: string): string | undefined {
  return months.get(fold(name));
}

/**
 * Returns the names of months in a language: long, short, and the first three letters, where those stand for one month only.
 * English abbreviations are read as well, except those that mean another month in the language.
 *
 * @param language a language tag such as `fr` or `pt-BR`
 * @returns `null` if the language is not known
 */
export function monthNames(language: string): MonthNames | null {
  const locale = localeOf(language);
  if (locale === null) return null;
  const names = new Map<string, Set<string>>();
  const add = (name: string, month: string): void => {
    const folded = fold(name);
    // Beside a day some languages have a number for a name.
    if (/^\d*$/.test(folded)) return;
    const known = names.get(folded) ?? new Set();
    names.set(folded, known.add(month));
  };
  for (let index = 0; index < 12; index += 1) {
    const day = new Date(Date.UTC(2026, index, 1));
    for (const month of ['short', 'long'] as const) {
      // Some languages inflect the name beside a day.
      for (const more of [{}, { day: 'numeric' }] as const) {
        const name = new Intl.DateTimeFormat(locale, { month, ...more, timeZone: 'UTC', calendar: 'gregory' })
          .formatToParts(day)
          .find(({ type }) => type === 'month')?.value;
        if (name !== undefined) add(name, number(index));
      }
    }
    if (language.toLowerCase().startsWith('ja')) add(`${index + 1}月`, number(index));
  }
  // What Java and Oracle write for März.
  if (language.toLowerCase().startsWith('de')) add('mrz', '03');
  // Abbreviations to three letters, as databases make them. A whole name goes before an abbreviation of another one.
  const abbreviations = new Map<string, Set<string>>();
  const abbreviate = (name: string, months: Iterable<string>): void => {
    if (names.has(name)) return;
    const known = abbreviations.get(name) ?? new Set();
    for (const month of months) known.add(month);
    abbreviations.set(name, known);
  };
  for (const [name, months] of names) {
    if (/^\p{L}{3}/u.test(name)) abbreviate([...name].slice(0, 3).join(''), months);
  }
  for (const [name, month] of englishMonths) abbreviate(name, [month]);
  return new Map(
    [...names, ...abbreviations].flatMap(([name, months]) => {
      const [month, ...others] = months;
      return month === undefined || others.length > 0 ? [] : [[name, month] as const];
    }),
  );
}

/** The tag as `Intl` knows it; `null` for one that it would replace by another language in silence. */
function localeOf(language: string): string | null {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(language)[0] ?? null;
  } catch {
    return null;
  }
}
