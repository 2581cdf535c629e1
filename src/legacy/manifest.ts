import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { VanguardError } from '../errors.ts';
import type { LegacyTable } from './tables.ts';
import { parseLine, type CanonicalValue } from './values.ts';

/** The file of a folder that says what all others hold. It is written last: with it, an export is whole. */
export const manifestName = 'manifest.json';
/** Says from which database an export was begun. */
export const beginningName = 'export.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

export const sourceSchema = z.strictObject({
  /** Of a server: its address, without user and password. */
  path: z.string(),
  /** Null: it is no file. */
  bytes: count.nullable(),
  sha256: sha256.nullable(),
  /** Of the write-ahead log beside it. */
  walSha256: sha256.nullable(),
  encoding: z.enum(['utf-8', 'utf-16le', 'utf-16be']),
  /** Which server a database was read from; of a file it is left out. */
  server: z.string().optional(),
});
export type Source = z.infer<typeof sourceSchema>;

const referenceSchema = z.strictObject({
  columns: z.array(z.string()),
  parent: z.string(),
  parentColumns: z.array(z.string()),
  /** Rows that point at a row that does not exist. */
  orphans: count,
});

const tableSchema = z.strictObject({
  name: z.string(),
  file: z.string().regex(/^[0-9]{3}-[\w-]*\.ndjson$/),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
  /** Generated columns whose function is not known: what they hold follows from the others. */
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
  /** The prototype's last migration, where it has kept a list of them. */
  schemaVersion: z.string().nullable(),
  tables: z.array(tableSchema),
  /** Of everything above. */
  sha256,
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The manifest with its own checksum. */
export function sealed(manifest: Omit<Manifest, 'sha256'>): Manifest {
  // The keys in the order of the schema, as they come out of reading.
  const ordered = manifestSchema.omit({ sha256: true }).parse(manifest);
  return { ...ordered, sha256: digest(textOf(ordered)) };
}

export const textOf = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

/** The manifest that a text is, or what is wrong with it. */
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

/** As readManifest, for who needs an export to be there. Errors: LEGACY_EXPORT_MISSING. */
export const openManifest = (folder: string): Promise<Manifest | string> =>
  readManifest(folder).catch((error: Error) => {
    throw new VanguardError('LEGACY_EXPORT_MISSING', `There is no export in ${folder}: ${error.message}.`, {
      hint: 'Run "npx vanguard legacy export FILE.db --out FOLDER", again if it was interrupted.',
      cause: error,
    });
  });

/** The rows of a file. Throws what is wrong with the first line that is not canonical. */
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
  // By bytes: what readline takes for the end of a line may stand in a text.
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

/** How many rows of each table point at a row that does not exist, in the order of its references. */
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
  // Of each table the keys that are pointed at, once each, from however many tables.
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
