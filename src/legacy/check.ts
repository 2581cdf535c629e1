import { createHash } from 'node:crypto';
import type pg from 'pg';
import {
  beginLegacyWork,
  finishLegacyRollBack,
  legacyDifferences,
  legacyRows,
  legacyTables,
  lockLegacyImports,
  rollBackLegacyTable,
  standingImport,
} from '../../sql/legacy/legacy.queries.ts';
import { VanguardError } from '../errors.ts';
import type { Progress } from './export.ts';
import { tablesIn } from './import.ts';
import type { Manifest } from './manifest.ts';
import { stageOtherTable, stageTable, type StagedLine } from './staging.ts';

/** A current value that differs from the converted legacy value. */
export interface Difference {
  table: string;
  line: number;
  id: string | null;
  /** Empty: the row was deleted. */
  column: string;
  legacy: unknown;
  current: unknown;
  /**
   * `changed`: after the import; `kept`: the row existed before the import and stayed unchanged; `system`: the product
   * maintains the value.
   */
  why: 'changed' | 'kept' | 'system';
}

export interface CheckResult {
  importedAt: Date;
  /** For each table, whether the stored rows equal the exported ones, byte for byte. */
  tables: { table: string; rows: number; isWhole: boolean }[];
  differences: Difference[];
}

/**
 * Rebuilds the export from the rows that the import stored, and compares it with the checksums of its manifest. Also
 * compares each current value with the converted legacy value. `sha256` is the checksum of the expected manifest;
 * `reader` is a second connection, which reads the stored rows while this one stages them. Changes nothing. Errors:
 * LEGACY_NOT_IMPORTED.
 */
export async function checkImport(
  client: pg.ClientBase,
  reader: pg.ClientBase,
  expected: { sha256: string } | undefined,
  progress: Progress = () => undefined,
): Promise<CheckResult> {
  await client.query('begin isolation level repeatable read');
  try {
    const { id, manifest, importedAt, timeZone } = await standing(client, expected);
    const kept = await stageKept(client, reader, { id, manifest, timeZone }, progress);
    const tables = manifest.tables.map(({ name, sha256 }) => {
      const { rows, hash } = kept.get(name)!;
      return { table: name, rows, isWhole: hash === sha256 };
    });
    const differences: Difference[] = [];
    for (const { name } of await legacyTables.run(undefined, client)) {
      for (const found of await legacyDifferences.run({ tableName: name }, client))
        differences.push({
          ...{ table: name, line: found.lineNumber, id: found.legacyId, column: found.columnName },
          ...{ legacy: found.legacyValue, current: found.currentValue },
          why: found.isKeptBySystem ? 'system' : found.state === 'same' ? 'kept' : 'changed',
        });
      progress(`comparing ${name} here`, 1, 1);
    }
    return { importedAt, tables, differences };
  } finally {
    await client.query('rollback');
  }
}

/** Result of the rollback for one imported row. */
export interface RolledBackRow {
  table: string;
  line: number;
  id: string | null;
  /** `removed`, `restored` to its earlier state, or `stays`. */
  outcome: string;
  reason: string | null;
}

/**
 * Removes the rows that the import added and nothing changed since, and restores the rows that it merged, in one
 * transaction. Errors: LEGACY_NOT_IMPORTED.
 */
export async function rollBackImport(
  client: pg.ClientBase,
  reader: pg.ClientBase,
  progress: Progress = () => undefined,
): Promise<{ manifest: Manifest; rows: RolledBackRow[] }> {
  await client.query('begin');
  try {
    await lockLegacyImports.run(undefined, client);
    const { id, manifest, timeZone } = await standing(client, undefined);
    await stageKept(client, reader, { id, manifest, timeZone }, progress);
    const rows: RolledBackRow[] = [];
    for (const { name } of (await legacyTables.run(undefined, client)).reverse()) {
      for (const { legacyId, lineNumber, outcome, reason } of await rollBackLegacyTable.run(
        { tableName: name },
        client,
      ))
        rows.push({ table: name, line: lineNumber, id: legacyId, outcome, reason });
      progress(`taking out ${name}`, 1, 1);
    }
    await finishLegacyRollBack.run({ importId: id }, client);
    await client.query('commit');
    return { manifest, rows };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/**
 * Converts the stored rows of an import again, with the outcome of each row; returns the row count and the checksum of
 * each table.
 */
async function stageKept(
  client: pg.ClientBase,
  reader: pg.ClientBase,
  { id: importId, manifest, timeZone }: { id: number; manifest: Manifest; timeZone: string | null },
  progress: Progress,
) {
  await beginLegacyWork.run(undefined, client);
  const kept = new Map<string, { rows: number; hash: string }>();
  for (const table of await tablesIn(client, manifest)) {
    const hash = createHash('sha256');
    let rows = 0;
    async function* lines(): AsyncGenerator<StagedLine> {
      for (let after = 0; ;) {
        const page = await legacyRows.run({ importId, tableName: table.keptAs, after }, reader);
        for (const row of page) {
          hash.update(`${row.line}\n`);
          yield row;
        }
        rows += page.length;
        progress(`reading ${table.name}`, rows, table.rows);
        const last = page.at(-1);
        if (!last) return;
        after = last.lineNumber;
      }
    }
    await (table.known !== null
      ? stageTable(client, { ...table, name: table.known }, lines(), { timeZone: timeZone ?? undefined })
      : stageOtherTable(client, table.keptAs, lines()));
    kept.set(table.name, { rows, hash: hash.digest('hex') });
  }
  return kept;
}

async function standing(client: pg.ClientBase, expected: { sha256: string } | undefined) {
  const [found] = await standingImport.run(undefined, client);
  if (!found || (expected && found.manifestSha256 !== expected.sha256))
    throw new VanguardError(
      'LEGACY_NOT_IMPORTED',
      found ? 'Another export than this was imported.' : 'No export was imported, or it was taken back.',
      { hint: 'Run "npx vanguard legacy import FOLDER".' },
    );
  const { id, importedAt, timeZone } = found;
  return { id, importedAt, timeZone, manifest: found.manifest as unknown as Manifest };
}
