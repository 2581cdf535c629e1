import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VanguardError } from '../errors.ts';
import type { LegacyTable } from './tables.ts';
import { parseLine, type CanonicalValue } from './values.ts';

/**
 * Name of the file that describes all other files. It is written last, so its presence shows that the export is
 * complete.
 */
export const manifestName = 'manifest.json';
/** Name of the file that records the source of an unfinished export. */
export const beginningName = 'export.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

export const sourceSchema = z.strictObject({
  /** Path of a file, or address of a server without user and password. */
  path: z.string(),
  /** Null for a server. */
  bytes: count.nullable(),
  sha256: sha256.nullable(),
  /** Checksum of the write-ahead log beside the file. */
  walSha256: sha256.nullable(),
  encoding: z.enum(['utf-8', 'utf-16le', 'utf-16be']),
  /** The server of the database; absent for a file. */
  server: z.string().optional(),
});
export type Source = z.infer<typeof sourceSchema>;

const referenceSchema = z.strictObject({
  columns: z.array(z.string()),
  parent: z.string(),
  parentColumns: z.array(z.string()),
  /** Number of rows that reference a missing row. */
  orphans: count,
});

const tableSchema = z.strictObject({
  name: z.string(),
  file: z.string().regex(/^[0-9]{3}-[\w-]*\.ndjson$/),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  /** Generated columns with an unknown function; other columns determine their values. */
  columnsLeftOut: z.array(z.string()).optional(),
  primaryKey: z.array(z.string()),
  rows: count,
  bytes: count,
  sha256,
  references: z.array(referenceSchema),
});
export type ExportedTable = z.infer<typeof tableSchema>;

const manifestSchema = z.strictObject({
  format: z.literal('PFA Vanguard legacy export'),
  version: z.literal(1),
  source: sourceSchema,
  /** The prototype's last migration, if it kept a list of them. */
  schemaVersion: z.string().nullable(),
  tables: z.array(tableSchema),
  /** Checksum of all members above. */
  sha256,
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The manifest with its own checksum. */
export function sealed(manifest: Omit<Manifest, 'sha256'>): Manifest {
  // In the order of the schema, in which reading returns the keys.
  const ordered = manifestSchema.omit({ sha256: true }).parse(manifest);
  return { ...ordered, sha256: digest(textOf(ordered)) };
}

export const textOf = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** Returns the manifest in a text, or the problem of the text. */
function parseManifest(bytes: Buffer): Manifest | string {
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`;
  }
  const { success, data, error } = manifestSchema.safeParse(value);
  if (!success) return `it is no manifest: ${z.prettifyError(error)}`;
  const { sha256: stated, ...rest } = data;
  if (digest(textOf(rest)) !== stated || !bytes.equals(Buffer.from(textOf(data))))
    return 'it was changed after the export';
  return data;
}

export const readManifest = async (folder: string): Promise<Manifest | string> =>
  parseManifest(await readFile(join(folder, manifestName)));

/** Like readManifest, but throws if there is no export. Errors: LEGACY_EXPORT_MISSING. */
export const openManifest = (folder: string): Promise<Manifest | string> =>
  readManifest(folder).catch((error: Error) => {
    throw new VanguardError('LEGACY_EXPORT_MISSING', `There is no export in ${folder}: ${error.message}.`, {
      hint: 'Run "npx vanguard legacy export FILE.db --out FOLDER", again if it was interrupted.',
      cause: error,
    });
  });

/** Yields the rows of a file. Throws the problem of the first line that is not canonical. */
export async function* readRows(
  folder: string,
  table: Pick<ExportedTable, 'file' | 'columns'>,
): AsyncGenerator<CanonicalValue[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const parse = (line: Buffer) => {
    let text: string;
    try {
      text = decoder.decode(line);
    } catch (error) {
      throw new VanguardError('LEGACY_EXPORT_DAMAGED', 'it is no UTF-8', { cause: error });
    }
    return parseLine(text, table.columns.length);
  };
  // Reads bytes: readline would also split at line separators within a text.
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(join(folder, table.file)) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield parse(Buffer.concat([...rest, chunk.subarray(start, end)]));
      rest = [];
      start = end + 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
  if (rest.length > 0) throw new VanguardError('LEGACY_EXPORT_DAMAGED', 'it is cut off');
}

/** Returns the number of rows of each table that reference a missing row, in the order of its references. */
export async function countOrphans(
  folder: string,
  tables: (Pick<ExportedTable, 'name' | 'file' | 'columns'> & Pick<LegacyTable, 'foreignKeys'>)[],
): Promise<number[][]> {
  const places = (table: (typeof tables)[number], names: string[]) =>
    names.map((name) =>
      table.columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()),
    );
  const keyOf = (row: CanonicalValue[], at: number[]) => JSON.stringify(at.map((i) => row[i] ?? null));
  const idOf = (parent: string, columns: string[]) => JSON.stringify([parent, columns]);
  // The referenced keys of each table, read once for all referencing tables.
  const keys = new Map<string, Set<string>>();
  for (const table of tables) {
    const wanted = new Map(
      tables
        .flatMap(({ foreignKeys }) => foreignKeys)
        .filter(({ parent }) => parent === table.name)
        .map(({ parent, parentColumns }) => [idOf(parent, parentColumns), places(table, parentColumns)]),
    );
    if (wanted.size === 0) continue;
    const sets = [...wanted].map(([id, at]) => ({ id, at, set: new Set<string>() }));
    for await (const row of readRows(folder, table)) for (const { set, at } of sets) set.add(keyOf(row, at));
    for (const { id, set } of sets) keys.set(id, set);
  }
  const orphans: number[][] = [];
  for (const table of tables) {
    const counts = table.foreignKeys.map(() => 0);
    const ways = table.foreignKeys.map(({ columns, parent, parentColumns }) => ({
      at: places(table, columns),
      set: keys.get(idOf(parent, parentColumns)),
    }));
    if (ways.length > 0)
      for await (const row of readRows(folder, table))
        ways.forEach(({ at, set }, i) => {
          if (at.some((place) => row[place] === null)) return;
          if (!set?.has(keyOf(row, at))) counts[i]! += 1;
        });
    orphans.push(counts);
  }
  return orphans;
}
