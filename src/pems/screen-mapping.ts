import type { Choices } from './choices.ts';
import { choicesOf, tokenReader, type FieldProblem, type RecordField } from './mapping.ts';
import { englishMonths } from './month-names.ts';
import { isWritable, type ScreenValue, type WritableValue } from './screen.ts';
import { isBlank, makeStorable, parseDate, parseNumber, type Parsed } from './values.ts';

/** A key of a record's data and its place on the screen. */
export interface ScreenField extends RecordField {
  /** Field that the key is written to; `null` if PEMS cannot change it. */
  screenField: string | null;
  /** Columns of the grid that the key is read from. The screen uses the same names in capitals, if it has them. */
  gridAliases: readonly string[];
}

export interface ScreenMapper {
  /**
   * Returns a record of the screen in the form of the mirror: JSON text of an object. Money is a number token with all
   * digits, a flag is a boolean, a date is ISO text, and no value is `null`. If a key has several places ("X, else Y"),
   * the first that is not blank counts, as in the grid. Omits keys that the screen lacks, and those with a problem.
   * `blank` are the keys whose writable field is empty, whatever another place holds.
   */
  read(values: ReadonlyMap<string, ScreenValue>): {
    data: string;
    blank: string[];
    problems: FieldProblem[];
  };
  /**
   * Returns the values to write for these changes, by field of the screen. Omits a key with a problem; the other keys
   * can be written without it.
   *
   * @param changes by key, each as the text of its JSON value (`->>` of PostgreSQL), so that amounts keep all digits;
   *   `null` or `''` empties it
   * @param read the record as read: a choice is written in its notation
   */
  write(
    changes: Readonly<Record<string, string | null>>,
    read: ReadonlyMap<string, ScreenValue>,
  ): { values: Map<string, WritableValue>; problems: FieldProblem[] };
}

/** Converts records of the screen to the form of the mirror, and changes to fields of the screen. */
export function createScreenMapper(fields: readonly ScreenField[]): ScreenMapper {
  const choices = new Map(fields.map((field) => [field.key, choicesOf(field)]));
  const columns = fields.map((field) => ({
    field,
    places: [
      ...new Set([
        ...(field.screenField === null ? [] : [field.screenField.toUpperCase()]),
        ...field.gridAliases.map((alias) => alias.toUpperCase()),
      ]),
    ],
    // The order applies to dates with slashes, which the screen never contains.
    token: tokenReader(field, 'MDY', englishMonths, choices.get(field.key)),
  }));
  const byKey = new Map(fields.map((field) => [field.key, field]));

  return {
    read(values) {
      const problems: FieldProblem[] = [];
      const members: string[] = [];
      const blank: string[] = [];
      for (const { field, places, token } of columns) {
        const held = places.flatMap((place) => values.get(place) ?? []);
        if (held.length === 0) continue;
        const own = field.screenField === null ? undefined : values.get(field.screenField.toUpperCase());
        if (own !== undefined && isNone(own)) blank.push(field.key);
        const text = plainText(
          field,
          held.find((value) => !isNone(value)),
        );
        const parsed: Parsed<string> = text.ok && text.value !== null ? token(text.value) : text;
        if (parsed.ok) members.push(`${JSON.stringify(field.key)}:${parsed.value ?? 'null'}`);
        else problems.push({ key: field.key, value: shown(text), message: parsed.problem });
      }
      return { data: `{${members.join(',')}}`, blank, problems };
    },
    write(changes, read) {
      const problems: FieldProblem[] = [];
      const values = new Map<string, WritableValue>();
      for (const [key, text] of Object.entries(changes)) {
        const field = byKey.get(key);
        const place = field?.screenField ?? null;
        const value =
          field === undefined || place === null
            ? 'It has no field on the screen of PEMS.'
            : writable(field, choices.get(key), text === '' ? null : text, read.get(place.toUpperCase()));
        if (typeof value === 'string')
          problems.push({ key: makeStorable(key), value: makeStorable(text ?? ''), message: value });
        else if (place !== null) values.set(place, value);
      }
      return { values, problems };
    },
  };
}

function isNone(value: ScreenValue): boolean {
  return value.type !== 'unreadable' && isBlank(value.value ?? '');
}

function shown(text: Parsed<string>): string {
  return text.ok ? makeStorable(text.value ?? '') : '';
}

/** Returns the text that the grid's readers expect, if the field holds the kind of data that its key requires. */
function plainText({ kind }: ScreenField, value: ScreenValue | undefined): Parsed<string> {
  if (value === undefined || isNone(value)) return { ok: true, value: null };
  if (value.type === 'unreadable') return { ok: false, problem: value.problem };
  const wanted = kind === 'money' ? 'number' : kind === 'date' ? 'date' : 'text';
  if (value.type === wanted) return { ok: true, value: value.value };
  return { ok: false, problem: `The field holds a ${value.type}; a ${wanted} is expected.` };
}

/** Returns the value, or a sentence with the reason why there is none. */
function writable(
  { kind }: ScreenField,
  choices: Choices | null | undefined,
  text: string | null,
  held: ScreenValue | undefined,
): WritableValue | string {
  if (kind === 'flag' && text !== 'true' && text !== 'false')
    return 'A flag of PEMS is true or false and cannot be emptied.';
  switch (kind) {
    case 'text':
    case 'flag': {
      if (text === null || !choices) return { type: 'text', value: text ?? '' };
      const spelling = choices.write(text, held?.type === 'text' ? held.value : '');
      return spelling === null
        ? 'It is not one of the values that PEMS takes.'
        : { type: 'text', value: spelling };
    }
    case 'money': {
      const amount = parseNumber(text ?? '');
      if (!amount.ok) return amount.problem;
      const value = { type: 'number', value: amount.value } as const;
      return isWritable(value) ? value : 'PEMS takes amounts of at most 15 digits, two decimals included.';
    }
    case 'date': {
      if (text === null) return { type: 'date', value: null };
      if (!/^\d{4}-\d\d-\d\d$/.test(text)) return 'A date is written YYYY-MM-DD.';
      const day = parseDate(text, 'MDY');
      return day.ok ? { type: 'date', value: `${text} 00:00` } : day.problem;
    }
  }
}
