import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { legacyColumns, legacyTables } from '../../sql/legacy/legacy.queries.ts';
import { exportLegacy, type Progress } from './export.ts';
import type { OpenOptions } from './source.ts';
import { planImport, tablesIn, type ImportPlan } from './import.ts';
import { placeOf } from './names.ts';
import { readRows, type ExportedTable, type Source } from './manifest.ts';
import type { CanonicalValue } from './values.ts';

export interface AnalyzedTable {
  name: string;
  rows: number;
  bytes: number;
  /** Target of its rows; null: the table is not imported, and legacy_row keeps it unchanged. */
  target: string | null;
  columns: {
    name: string;
    declared: string;
    /** Number of values per storage class, e.g. `{"integer": 27, "text": 1}`. */
    found: Record<string, number>;
    target: string | null;
    /** Reason why the column is not imported. */
    note: string | null;
  }[];
  references: ExportedTable['references'];
}

export interface Analysis extends ImportPlan {
  source: Source;
  schemaVersion: string | null;
  tables: AnalyzedTable[];
  /** Estimated time and space of an import, rounded up. */
  needs: { seconds: number; bytes: number };
}

/**
 * Analyzes a legacy database: exports it into a temporary folder, plans the import, and deletes the folder. The client
 * is connected as the owner. Errors: LEGACY_FILE_..., LEGACY_ADDRESS_INVALID, LEGACY_DATABASE_...
 */
export async function analyzeLegacy(
  client: pg.ClientBase,
  given: string,
  {
    timeZone,
    progress = () => undefined,
    ...options
  }: OpenOptions & { timeZone?: string | undefined; progress?: Progress } = {},
): Promise<Analysis> {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-legacy-'));
  try {
    const manifest = await exportLegacy(given, folder, { ...options, progress });
    const targets = new Map(
      (await legacyTables.run(undefined, client)).map(({ name, target }) => [name, target]),
    );
    const tables: AnalyzedTable[] = [];
    const recognized = await tablesIn(client, manifest);
    for (const { name: stored } of manifest.tables) {
      const table = recognized.find(({ name }) => name === stored)!;
      const { name, known, rows, bytes, references } = table;
      const target = known === null ? null : (targets.get(known) ?? null);
      const places = new Map(
        (target === null ? [] : await legacyColumns.run({ tableName: known! }, client)).flatMap((column) => {
          const at = placeOf(table.columns, column);
          return at < 0 ? [] : [[table.columns[at]!.name, column]];
        }),
      );
      const found = await storedTypes(folder, table);
      const columns = table.columns.map((column, i) => ({
        ...{ name: column.name, declared: column.type, found: found[i]! },
        target: places.get(column.name)?.target ?? null,
        note:
          places.get(column.name)?.note ??
          (target === null || places.has(column.name) ? null : 'It is not known here.'),
      }));
      tables.push({ name, rows, bytes, target, columns, references });
    }
    const plan = await planImport(client, folder, progress, timeZone);
    const records = recognized.find(({ known }) => known === 'pfa_records')?.rows ?? 0;
    const exported = manifest.tables.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      ...{ source: manifest.source, schemaVersion: manifest.schemaVersion, tables, ...plan },
      // Measured on a busy machine with two cores: about 4,000 records a second, and 1,300 bytes per record with its
      // indexes, beside each original row.
      needs: { seconds: 5 + Math.ceil(records / 4000), bytes: Math.ceil(exported * 2.5) + records * 1300 },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function storedTypes(folder: string, table: ExportedTable): Promise<Record<string, number>[]> {
  const found: Record<string, number>[] = table.columns.map(() => ({}));
  for await (const row of readRows(folder, table))
    row.forEach((value, i) => {
      const type = typeOf(value);
      found[i]![type] = (found[i]![type] ?? 0) + 1;
    });
  return found;
}

function typeOf(value: CanonicalValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return 'integer';
  const [type = ''] = Object.keys(value);
  return type === 'text' ? 'invalid text' : type;
}
