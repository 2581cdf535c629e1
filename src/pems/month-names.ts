/** Maps the folded name of a month to its number in two digits. */
export type MonthNames = ReadonlyMap<string, string>;

const ENGLISH = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const number = (index: number): string => String(index + 1).padStart(2, '0');

/** `JAN` to `DEC`, as PEMS writes months without localization. */
export const englishMonths: MonthNames = new Map(ENGLISH.map((name, index) => [name, number(index)]));

/** Fast path: if only English is read, these names rarely need `fold`. */
const FOLDED = new Map(
  ENGLISH.flatMap((name) => [
    [name, name],
    [name.toUpperCase(), name],
  ]),
);

/** Folds case, accents, and the full stop of an abbreviation: `FÉVR.` and `fevr` are equal. */
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

/** Returns the number of a month name; undefined for other text. */
export function monthOf(months: MonthNames, name: string): string | undefined {
  return months.get(fold(name));
}

/**
 * Returns the month names of a language: long and short names, and first three letters if they identify one month. Also
 * includes English abbreviations, except those that name a different month in the language.
 *
 * @param language a language tag such as `fr` or `pt-BR`
 * @returns `null` if the language is unknown
 */
export function monthNames(language: string): MonthNames | null {
  const locale = localeOf(language);
  if (locale === null) return null;
  const names = new Map<string, Set<string>>();
  const add = (name: string, month: string): void => {
    const folded = fold(name);
    // Some languages write a number instead of the name next to a day.
    if (/^\d*$/.test(folded)) return;
    const known = names.get(folded) ?? new Set();
    names.set(folded, known.add(month));
  };
  for (let index = 0; index < 12; index += 1) {
    const day = new Date(Date.UTC(2026, index, 1));
    for (const month of ['short', 'long'] as const) {
      // Some languages inflect the name next to a day.
      for (const more of [{}, { day: 'numeric' }] as const) {
        const name = new Intl.DateTimeFormat(locale, { month, ...more, timeZone: 'UTC', calendar: 'gregory' })
          .formatToParts(day)
          .find(({ type }) => type === 'month')?.value;
        if (name !== undefined) add(name, number(index));
      }
    }
    if (language.toLowerCase().startsWith('ja')) add(`${index + 1}月`, number(index));
  }
  // Java and Oracle abbreviate März this way.
  if (language.toLowerCase().startsWith('de')) add('mrz', '03');
  // Three-letter abbreviations, as databases write them. A full name takes precedence over an abbreviation of another
  // name.
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

/** Returns the tag as `Intl` knows it; `null` for a tag that `Intl` would silently replace by another language. */
function localeOf(language: string): string | null {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(language)[0] ?? null;
  } catch {
    return null;
  }
}
