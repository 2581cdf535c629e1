import { VanguardError } from '../errors.ts';
import type { ExportedTable } from './manifest.ts';

/** A name without case, underscores and plural: `pfa_records`, `PFA_RECORDS` and Prisma's model `PfaRecord` are one. */
const plain = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replace(/s$/, '');

/** A table of the export, and which of the prototype's it is. */
export interface RecognizedTable extends ExportedTable {
  /** Its name in the prototype; null: it is none of those that move in. */
  known: string | null;
  /** The name that its rows are kept under: that of the table that it is. */
  keptAs: string;
}

/** A table of the prototype that moves in, and what later forms of the prototype call it. */
export interface KnownTable {
  name: string;
  aliases: string[];
}

/**
 * Says which table of the prototype each one is. The exact name comes first; two that only look like one are none. Of two forms of
 * a table the one with rows counts. Errors: LEGACY_TWO_FORMS.
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

/** A name without case and underscores. */
export const bare = (name: string): string => name.toLowerCase().replaceAll('_', '');

/** Where a column is: by its exact name, else whatever its case and underscores, else by another of its names; -1 where there is none. */
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
