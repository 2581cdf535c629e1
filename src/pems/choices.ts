import { VanguardError } from '../errors.ts';
import { isBlank, makeStorable, quote, type Parsed } from './values.ts';

/** One way in which PEMS writes a value that can only be chosen, as the database describes it. */
export interface Choice {
  /** The value of a record: one of the allowed values, `true` or `false`. */
  value: string;
  /** As PEMS writes it. */
  spelling: string;
  /** Spellings of one notation belong together, such as `RENTAL` and `PURCHASE`; null for one without a notation. */
  notation: number | null;
}

/** How often a spelling was read. */
export interface ReadSpelling {
  spelling: string;
  value: string;
  rows: number;
}

/** The values of a field that can only be chosen, and how PEMS writes them. */
export interface Choices {
  /** The value that a text of PEMS stands for; case, blanks around it and normal form do not matter. */
  read(text: string): Parsed<string>;
  /**
   * Returns how a value is written where PEMS holds `held` now: in the notation of that, else in the one that the
   * database puts first. `null` for a value that cannot be chosen.
   */
  write(value: string, held: string): string | null;
  /** What was read so far, at most 50 spellings. */
  spellings(): ReadSpelling[];
}

/** Spellings that are remembered of a field: case and blanks make thousands of a word. */
const MOST_SPELLINGS = 50;

/**
 * What spellings have in common that differ only by case, blanks or normal form. Dotted and dotless i are the same, because a
 * Turkish system capitalizes `i` as `İ`.
 */
export function foldChoice(text: string): string {
  return text
    .normalize('NFKC')
    .trim()
    .replace(/\s+/gu, ' ')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFD')
    .replaceAll('i\u0307', 'i')
    .replaceAll('ı', 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFC');
}

/**
 * Returns how the values of a field are read and written.
 *
 * @param allowed the values of a record
 * @param choices the spellings of PEMS, the one to be written first
 * @param named what a message says is allowed
 * @throws VanguardError `PEMS_MAPPING_INVALID` if one spelling stands for two values, or for one that is not allowed
 */
export function createChoices(
  key: string,
  allowed: readonly string[],
  choices: readonly Choice[],
  named: readonly string[] = allowed,
): Choices {
  const values = new Map<string, string>();
  for (const { value, spelling } of [...allowed.map((value) => ({ value, spelling: value })), ...choices]) {
    if (!allowed.includes(value))
      throw invalid(key, `has a spelling of ${quote(value)}, which is not allowed`);
    const folded = foldChoice(spelling);
    const known = values.get(folded);
    if (known !== undefined && known !== value)
      throw invalid(key, `reads ${quote(spelling)} as ${quote(known)} and as ${quote(value)}`);
    values.set(folded, value);
  }
  const read = new Map<string, { parsed: Parsed<string>; spelling: string; value: string; rows: number }>();
  return {
    read(text) {
      const known = read.get(text);
      if (known !== undefined) {
        known.rows += 1;
        return known.parsed;
      }
      if (isBlank(text)) return { ok: true, value: null };
      const value = values.get(foldChoice(text));
      if (value === undefined) {
        return { ok: false, problem: `${quote(text)} is no choice: allowed are ${named.join(', ')}.` };
      }
      const parsed: Parsed<string> = { ok: true, value };
      if (read.size < MOST_SPELLINGS) read.set(text, { parsed, spelling: text.trim(), value, rows: 1 });
      return parsed;
    },
    write(value, held) {
      const spelling = held.trim();
      const exact = choices.filter((choice) => choice.spelling === spelling);
      const alike =
        exact.length > 0
          ? exact
          : choices.filter((choice) => foldChoice(choice.spelling) === foldChoice(held));
      const notations = new Set(alike.flatMap(({ notation }) => notation ?? []));
      const candidates = choices.filter((choice) => choice.value === value);
      const written = candidates.find(({ notation }) => notation !== null && notations.has(notation));
      return (
        written?.spelling ?? candidates[0]?.spelling ?? allowed.find((choice) => choice === value) ?? null
      );
    },
    spellings: () =>
      [...read.values()]
        .filter(({ spelling }) => spelling.length <= 200)
        .map(({ spelling, value, rows }) => ({ spelling: makeStorable(spelling), value, rows })),
  };
}

function invalid(key: string, what: string): VanguardError {
  return new VanguardError('PEMS_MAPPING_INVALID', `The field mapping of PEMS for "${key}" ${what}.`, {
    hint: 'Correct the choices of the field in the database.',
  });
}
