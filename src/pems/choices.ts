import { VanguardError } from '../errors.ts';
import { isBlank, makeStorable, quote, type Parsed } from './values.ts';

/** One spelling of PEMS for a value of a field with a fixed list of choices, as the database describes it. */
export interface Choice {
  /** The value of a record: one of the allowed values, `true` or `false`. */
  value: string;
  /** The spelling of PEMS. */
  spelling: string;
  /** Groups the spellings of one notation, such as `RENTAL` and `PURCHASE`; null for a spelling without a notation. */
  notation: number | null;
}

/** Number of times that the spelling was read. */
export interface ReadSpelling {
  spelling: string;
  value: string;
  rows: number;
}

/** The values of a field with a fixed list of choices, and their spellings in PEMS. */
export interface Choices {
  /** Returns the value of a text of PEMS, regardless of case, surrounding blanks and normal form. */
  read(text: string): Parsed<string>;
  /**
   * Returns the spelling of a value in the notation of `held`, the current text of PEMS. If `held` has no notation,
   * uses the one that the database lists first. Returns `null` for a value that is not among the choices.
   */
  write(value: string, held: string): string | null;
  /** The spellings read so far, at most 50. */
  spellings(): ReadSpelling[];
}

/** Maximum number of remembered spellings of a field: case and blanks make thousands of spellings of a word. */
const MOST_SPELLINGS = 50;

/**
 * Returns the form shared by spellings that differ only in case, blanks or normal form. Dotted and dotless i are the
 * same, because a Turkish system capitalizes `i` as `İ`.
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
 * Returns the reader and writer of the values of a field.
 *
 * @param allowed the values of a record
 * @param choices the spellings of PEMS, the preferred one first
 * @param named the allowed values, as a message lists them
 * @throws VanguardError `PEMS_MAPPING_INVALID` if one spelling stands for two values, or for a value that is not
 *   allowed
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
