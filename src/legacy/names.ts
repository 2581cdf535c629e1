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
}

/** Says which table of the prototype each one is. The exact name comes first; two that only look like one are none. */
export function recognizeTables(
  tables: readonly ExportedTable[],
  knownNames: readonly string[],
): RecognizedTable[] {
  return tables.map((table) => {
    const exact = knownNames.find((name) => name === table.name);
    const similar = knownNames.find((name) => plain(name) === plain(table.name));
    const isTaken = tables.some(
      (other) => other !== table && (other.name === similar || plain(other.name) === plain(table.name)),
    );
    return { ...table, known: exact ?? (similar !== undefined && !isTaken ? similar : null) };
  });
}

/** Where a column is: by its exact name, else whatever its case and underscores; -1 where there is none. */
export function placeOf(columns: readonly { name: string }[], name: string): number {
  const exact = columns.findIndex((column) => column.name === name);
  const bare = (text: string) => text.toLowerCase().replaceAll('_', '');
  return exact >= 0 ? exact : columns.findIndex((column) => bare(column.name) === bare(name));
}
