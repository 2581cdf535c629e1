import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VanguardError } from '../errors.ts';
import type { Progress } from './export.ts';
import {
  beginningName,
  countOrphans,
  manifestName,
  readManifest,
  readRows,
  type ExportedTable,
  type Manifest,
} from './manifest.ts';

/** A difference from the state at the export. */
export interface Damage {
  file: string;
  /** Line number from 1, if known. */
  line?: number;
  problem: string;
}

/**
 * Compares an export with its manifest: every checksum, count, value and reference. Changes nothing. Errors:
 * LEGACY_EXPORT_MISSING.
 */
export async function verifyExport(
  folder: string,
  { progress = () => undefined }: { progress?: Progress } = {},
): Promise<{ manifest: Manifest | undefined; damages: Damage[] }> {
  const names = await namesOf(folder);
  const manifest = await readManifest(folder);
  if (typeof manifest === 'string')
    return { manifest: undefined, damages: [{ file: manifestName, problem: manifest }] };
  const expected = new Set([manifestName, ...manifest.tables.map(({ file }) => file)]);
  const damages: Damage[] = names
    .filter((name) => !expected.has(name))
    .map((file) => ({ file, problem: 'it does not belong to the export' }));
  for (const table of manifest.tables) {
    if (!names.includes(table.file)) damages.push({ file: table.file, problem: 'it is missing' });
    else damages.push(...(await damagesOf(folder, table)));
    progress(table.name, table.rows, table.rows);
  }
  // These checks say nothing about damaged files.
  if (damages.length === 0) damages.push(...(await wrongReferences(folder, manifest)));
  return { manifest, damages };
}

async function namesOf(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new VanguardError(
      'LEGACY_EXPORT_MISSING',
      `${folder} cannot be read: ${(error as Error).message}.`,
      {
        hint: 'Enter the folder that "npx vanguard legacy export" wrote.',
        cause: error,
      },
    );
  }
  if (!names.includes(manifestName))
    throw new VanguardError(
      'LEGACY_EXPORT_MISSING',
      names.includes(beginningName)
        ? `The export in ${folder} is incomplete.`
        : `There is no export in ${folder}: it has no ${manifestName}.`,
      { hint: 'Run "npx vanguard legacy export FILE.db --out FOLDER", again if it was interrupted.' },
    );
  return names.sort();
}

async function damagesOf(folder: string, table: ExportedTable): Promise<Damage[]> {
  const { file } = table;
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  for await (const chunk of createReadStream(join(folder, file)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  const found: Damage[] = [];
  if (lines !== table.rows)
    found.push({ file, problem: `it has ${lines} rows, but was exported with ${table.rows}` });
  if (hash.digest('hex') !== table.sha256)
    found.push({
      file,
      problem: `its checksum differs${bytes === table.bytes ? '' : `: it has ${bytes} bytes, but was exported with ${table.bytes}`}`,
    });
  // Reports the place of a line that no export writes, and checks that the reader understands every value.
  let line = 1;
  try {
    for await (const _row of readRows(folder, table)) line += 1;
  } catch (error) {
    if (!(error instanceof VanguardError)) throw error;
    found.push({ file, line, problem: error.message });
  }
  return found;
}

async function wrongReferences(folder: string, { tables }: Manifest): Promise<Damage[]> {
  const orphans = await countOrphans(
    folder,
    tables.map((table) => ({ ...table, foreignKeys: table.references })),
  );
  return tables.flatMap(({ file, references }, i) =>
    references.flatMap((reference, j) => {
      const counted = orphans[i]?.[j];
      return counted === reference.orphans
        ? []
        : [
            {
              file,
              problem: `${counted} rows point at no row of ${reference.parent} (${reference.columns.join(', ')}), and were ${reference.orphans}`,
            },
          ];
    }),
  );
}
