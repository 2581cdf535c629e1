import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import { VanguardError } from '../errors.ts';
import { flushFolder, makeFolder } from '../files.ts';
import { hashOf } from './file.ts';
import {
  beginningName,
  countOrphans,
  manifestName,
  readManifest,
  sealed,
  sourceSchema,
  textOf,
  type ExportedTable,
  type Manifest,
  type Source,
} from './manifest.ts';
import { openLegacy, type LegacySource, type OpenOptions } from './source.ts';
import type { LegacyTable } from './tables.ts';
import { lineOf } from './values.ts';

export type Progress = (what: string, done: number, total: number) => void;

/** The finished part of an export. */
const beginningSchema = z.strictObject({
  source: sourceSchema,
  finished: z.array(z.strictObject({ file: z.string(), rows: z.int(), bytes: z.int(), sha256: z.string() })),
});
type Beginning = z.infer<typeof beginningSchema>;

/**
 * Exports every table of a legacy database into a folder: one file per table, one line per row, and a manifest. Resumes
 * an interrupted export of a file, and restarts that of a server, whose rows may have changed. `given` is the path of a
 * file or the address of a server. Errors: LEGACY_FILE_..., LEGACY_ADDRESS_INVALID, LEGACY_DATABASE_...,
 * LEGACY_FOLDER_TAKEN.
 */
export async function exportLegacy(
  given: string,
  folder: string,
  { progress = () => undefined, ...options }: OpenOptions & { progress?: Progress } = {},
): Promise<Manifest> {
  const opened = await openLegacy(given, options);
  try {
    const { source } = opened;
    const beginning = await begin(folder, source);
    if ('tables' in beginning) return beginning;

    const tables = await opened.tables();
    const counts: number[] = [];
    for (const table of tables) counts.push(await opened.count(table));
    const exported: Omit<ExportedTable, 'references'>[] = [];
    for (const [i, table] of tables.entries()) {
      const name = `${String(i + 1).padStart(3, '0')}-${table.name.replaceAll(/[^A-Za-z0-9_]/g, '-')}.ndjson`;
      let done = await finishedFile(folder, beginning, name);
      if (!done) {
        done = { file: name, ...(await writeTable(opened, table, counts[i]!, join(folder, name), progress)) };
        beginning.finished = [...beginning.finished.filter(({ file }) => file !== name), done];
        await replace(join(folder, beginningName), textOf(beginning));
      }
      const { columns, columnsLeftOut, primaryKey } = table;
      exported.push({
        ...{ name: table.name, columns, primaryKey, ...done },
        ...(columnsLeftOut.length > 0 ? { columnsLeftOut } : {}),
      });
    }
    const orphans = await countOrphans(
      folder,
      tables.map((table, i) => ({ ...table, file: exported[i]!.file })),
    );
    const manifest = sealed({
      format: 'PFA Vanguard legacy export',
      version: 1,
      source,
      schemaVersion: await schemaVersion(opened, tables),
      tables: exported.map((table, i) => ({
        ...table,
        references: tables[i]!.foreignKeys.map((key, j) => ({ ...key, orphans: orphans[i]![j]! })),
      })),
    });
    await replace(join(folder, manifestName), textOf(manifest));
    await rm(join(folder, beginningName));
    return manifest;
  } finally {
    await opened.close();
  }
}

/** Returns the file that an earlier run finished, if it is unchanged. */
async function finishedFile(folder: string, { finished }: Beginning, name: string) {
  const done = finished.find(({ file }) => file === name);
  const path = join(folder, name);
  return done && existsSync(path) && (await hashOf(path)) === done.sha256 ? done : undefined;
}

/** Prepares the folder: returns the progress so far, or the manifest of a finished export. */
async function begin(folder: string, source: Source): Promise<Beginning | Manifest> {
  makeFolder(folder);
  const names = await readdir(folder);
  const isSame = (other: Source) =>
    source.sha256 !== null && other.sha256 === source.sha256 && other.walSha256 === source.walSha256;
  if (names.includes(manifestName)) {
    const manifest = await readManifest(folder);
    if (typeof manifest === 'string' || !isSame(manifest.source)) throw taken(folder, 'holds another export');
    // An earlier run may have been killed right before this step.
    await rm(join(folder, beginningName), { force: true });
    return manifest;
  }
  if (names.includes(beginningName)) {
    const begun = beginningSchema.safeParse(JSON.parse(await readFile(join(folder, beginningName), 'utf8')));
    if (!begun.success) throw taken(folder, 'holds an export of another version');
    if (isSame(begun.data.source)) return begun.data;
    if (source.sha256 === null && begun.data.source.path === source.path) {
      for (const { file } of begun.data.finished) await rm(join(folder, file), { force: true });
      return start(folder, source);
    }
    throw taken(
      folder,
      'holds the beginning of an export of another database, or of what this one was before',
    );
  }
  if (names.length > 0) throw taken(folder, 'is not empty');
  return start(folder, source);
}

async function start(folder: string, source: Source): Promise<Beginning> {
  const beginning: Beginning = { source, finished: [] };
  await replace(join(folder, beginningName), textOf(beginning));
  return beginning;
}

function taken(folder: string, why: string): VanguardError {
  return new VanguardError('LEGACY_FOLDER_TAKEN', `The folder ${folder} ${why}.`, {
    hint: 'Give --out a new or empty folder. Nothing there was touched.',
  });
}

async function writeTable(
  opened: LegacySource,
  table: LegacyTable,
  total: number,
  path: string,
  progress: Progress,
): Promise<{ rows: number; bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  const stream = createWriteStream(partial(path), { flush: true });
  let [rows, bytes] = [0, 0];
  try {
    for await (const row of opened.rows(table)) {
      const line = Buffer.from(`${lineOf(row)}\n`);
      hash.update(line);
      rows += 1;
      bytes += line.length;
      if (!stream.write(line)) await once(stream, 'drain');
      if (rows % 1000 === 0) progress(table.name, rows, total);
    }
  } finally {
    stream.end();
    await finished(stream);
  }
  progress(table.name, rows, total);
  await complete(path);
  return { rows, bytes, sha256: hash.digest('hex') };
}

/** Replaces a file atomically, even if the process is killed. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(partial(path), text, { flush: true });
  await complete(path);
}

const partial = (path: string) => `${path}.partial`;

/** Makes a written and flushed partial file visible under its final name. */
async function complete(path: string): Promise<void> {
  await rename(partial(path), path);
  flushFolder(dirname(path));
}

async function schemaVersion(opened: LegacySource, tables: LegacyTable[]): Promise<string | null> {
  const list = tables.find(({ name }) => name === '_prisma_migrations');
  const has = (column: string) => list?.columns.some(({ name }) => name === column);
  return list && has('migration_name') && has('finished_at') ? opened.lastMigration(list) : null;
}
