import { VanguardError } from '../errors.ts';
import type { ExportedTable } from './manifest.ts';

/** Folds case, underscores and plural: `pfa_records`, `PFA_RECORDS` and Prisma's model `PfaRecord` are equal. */
const plain = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replace(/s$/, '');

/** A table of the export, with the table of the prototype that it corresponds to. */
export interface RecognizedTable extends ExportedTable {
  /** Its name in the prototype; null if the table is not imported. */
  known: string | null;
  /** The name under which its rows are stored. */
  keptAs: string;
}

/** A table of the prototype that is imported, and its names in later versions of the prototype. */
export interface KnownTable {
  name: string;
  aliases: string[];
}

/**
 * Matches the tables of the export with those of the prototype. An exact name takes precedence; two similar names match
 * nothing. If a table exists under two names, the one with rows counts. Errors: LEGACY_TWO_FORMS.
 */
export function recognizeTables(
  tables: readonly ExportedTable[],
  known: readonly KnownTable[],
): RecognizedTable[] {
  const names = new Map<ExportedTable, string>();
  for (const { name, aliases } of known) {
    const forms = [name, ...aliases].flatMap((form) => {
      const similar = tables.filter((table) => plain(table.name) === plain(form));
      return tables.find((table) => table.name === form) ?? (similar.length === 1 ? similar : []);
    });
    const filled = forms.filter(({ rows }) => rows > 0);
    if (filled.length > 1)
      throw new VanguardError(
        'LEGACY_TWO_FORMS',
        `${filled.map((table) => `${table.name} (${table.rows.toLocaleString('en')} rows)`).join(' and ')} hold the same: it is not known which of them counts.`,
        { hint: 'Empty or rename the one that the prototype no longer uses, and export into a new folder.' },
      );
    const [counted] = [...filled, ...forms];
    if (counted) names.set(counted, name);
  }
  const taken = new Set(names.values());
  return tables.map((table) => {
    const name = names.get(table) ?? null;
    return {
      ...table,
      known: name,
      keptAs: name ?? (taken.has(table.name) ? `${table.name} (unused)` : table.name),
    };
  });
}

/** Folds case and underscores of a name. */
export const bare = (name: string): string => name.toLowerCase().replaceAll('_', '');

/**
 * Returns the position of a column by its exact name, else regardless of case and underscores, else by its other names;
 * -1 if there is none.
 */
export function placeOf(
  columns: readonly { name: string }[],
  { name, aliases = [] }: { name: string; aliases?: readonly string[] },
): number {
  const exact = columns.findIndex((column) => column.name === name);
  if (exact >= 0) return exact;
  for (const one of [name, ...aliases]) {
    const at = columns.findIndex((column) => bare(column.name) === bare(one));
    if (at >= 0) return at;
  }
  return -1;
}
