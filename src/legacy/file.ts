import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  closeSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VanguardError } from '../errors.ts';
import type { TextEncoding } from './values.ts';

/** The legacy database, open for reading: a stable snapshot, even if the prototype goes on writing. */
export interface LegacyFile {
  readonly database: DatabaseSync;
  /** The given path, made absolute. */
  readonly path: string;
  readonly encoding: TextEncoding;
  /** Checksums of the file and of its write-ahead log, if any. */
  readonly sha256: string;
  readonly walSha256: string | null;
  readonly bytes: number;
  close(): void;
}

/**
 * Opens a SQLite file read-only. With `copy`, copies the file and its logs to a temporary folder first; no other
 * program may write at the same time. Rolls back an uncommitted transaction in the copy; without `copy`, such a file is
 * refused. `patience` is the timeout for a lock, in milliseconds. Errors: LEGACY_FILE_...
 */
export async function openLegacyFile(
  path: string,
  { copy = false, patience = 5000 }: { copy?: boolean; patience?: number | undefined } = {},
): Promise<LegacyFile> {
  const given = resolve(pathOf(path));
  const bytes = checkHeader(given);
  const wal = `${given}-wal`;
  const hasWal = existsSync(wal) && statSync(wal).size > 0;
  if (hasWal && !copy) checkFolder(given);
  const journal = `${given}-journal`;
  const hasJournal = existsSync(journal) && statSync(journal).size > 0;
  const temporary = copy ? mkdtempSync(join(tmpdir(), 'vanguard-legacy-')) : undefined;
  const remove = () => temporary && rmSync(temporary, { recursive: true, force: true });
  let database: DatabaseSync | undefined;
  try {
    let file = given;
    if (temporary) {
      file = join(temporary, basename(given));
      const before = stateOf(given);
      copyFileSync(given, file);
      if (hasWal) copyFileSync(wal, `${file}-wal`);
      if (hasJournal) copyFileSync(journal, `${file}-journal`);
      if (stateOf(given) !== before) throw changing(given);
    }
    // Reading the whole file releases the locks that SQLite holds on it. Therefore the checksum comes first.
    const before = stateOf(file);
    const sha256 = await hashOf(file);
    const isRolledBack = temporary !== undefined && hasJournal;
    database = new DatabaseSync(file, { readOnly: !isRolledBack, timeout: patience });
    // From here to the end, the connection reads one snapshot of the database.
    database.exec('begin');
    const encoding = one(database, 'pragma encoding', 'encoding').toLowerCase() as TextEncoding;
    const tables = one(
      database,
      "select count(*) as tables from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
      'tables',
    );
    if (!hasWal && !isRolledBack && stateOf(file) !== before) throw changing(given);
    checkLength(database, given, isRolledBack ? statSync(file).size : bytes, hasWal);
    if (tables === '0')
      throw new VanguardError('LEGACY_FILE_NO_TABLES', `${given} is a database without tables.`, {
        hint: `${theFile}. Prisma creates an empty file where the path is wrong.`,
      });
    const opened = database;
    return {
      ...{ database, path: given, encoding, bytes, sha256 },
      walSha256: hasWal ? await hashOf(`${file}-wal`) : null,
      close: () => {
        opened.close();
        remove();
      },
    };
  } catch (error) {
    database?.close();
    remove();
    throw error instanceof VanguardError ? error : legacyError(error, given);
  }
}

/** Turns an error of SQLite into one that a reader can act on. */
export function legacyError(error: unknown, path: string): unknown {
  const { errcode, message } = error as { errcode?: number; message: string };
  if (typeof errcode !== 'number') return error;
  const about = { cause: error };
  // SQLITE_READONLY_ROLLBACK
  if (errcode === 776)
    return new VanguardError(
      'LEGACY_FILE_INTERRUPTED',
      `${path} holds changes of an uncommitted transaction, because a program was stopped while it wrote.`,
      {
        ...about,
        hint: `Add --copy, which rolls the transaction back in a temporary copy; or start the prototype once, which rolls it back. Keep ${basename(path)}-journal beside the file.`,
      },
    );
  switch (errcode & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new VanguardError('LEGACY_FILE_LOCKED', `Another program has locked ${path}.`, {
        ...about,
        hint: 'Wait until the prototype has finished, or stop it, and try again.',
      });
    case 11: // SQLITE_CORRUPT
      return new VanguardError('LEGACY_FILE_DAMAGED', `${path} is damaged: ${message}.`, {
        ...about,
        hint: 'Take a backup of it, or have "sqlite3 FILE .recover" save what can be read.',
      });
    case 26: // SQLITE_NOTADB
      return notSqlite(path, 'is encrypted, or not a SQLite file', error);
    default:
      return new VanguardError('LEGACY_FILE_UNREADABLE', `${path} cannot be read: ${message}.`, {
        ...about,
        hint: `Check that you may read it and its folder. Keep the files ${basename(path)}-wal and ${basename(path)}-journal beside it.`,
      });
  }
}

/**
 * Returns the path in a DATABASE_URL of Prisma, such as `file:./dev.db?connection_limit=1`; any other text is a path.
 */
function pathOf(given: string): string {
  if (!/^file:/i.test(given) || existsSync(given)) return given;
  return given
    .slice('file:'.length)
    .replace(/^\/\/(?=\/)/, '')
    .replace(/\?.*$/s, '');
}

/** Returns a value that changes with every write of the file. */
function stateOf(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} ${mtimeNs}`;
}

function changing(path: string): VanguardError {
  return new VanguardError('LEGACY_FILE_LOCKED', `${path} changed while it was read.`, {
    hint: 'Wait until the prototype has finished, or stop it, and try again.',
  });
}

const theFile = 'Give the file that DATABASE_URL of the prototype names, usually prisma/dev.db';

function notSqlite(path: string, problem: string, cause?: unknown): VanguardError {
  return new VanguardError('LEGACY_FILE_NOT_SQLITE', `${path} ${problem}.`, { hint: `${theFile}.`, cause });
}

/** Returns the size of the file; refuses anything but a SQLite file. */
function checkHeader(path: string): number {
  let size: number;
  const header = Buffer.alloc(100);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is not a file');
    size = stat.size;
    const descriptor = openSync(path, 'r');
    try {
      readSync(descriptor, header, 0, 100, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new VanguardError(
      'LEGACY_FILE_UNREADABLE',
      `${path} cannot be read: ${(error as Error).message}.`,
      {
        hint: `${theFile}, as a user who can read it.`,
        cause: error,
      },
    );
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    throw notSqlite(path, size === 0 ? 'is empty' : 'is encrypted, or not a SQLite file');
  return size;
}

/** SQLite notices missing pages only when it reaches them. */
function checkLength(database: DatabaseSync, path: string, bytes: number, hasWal: boolean): void {
  const expected =
    Number(one(database, 'pragma page_count', 'page_count')) *
    Number(one(database, 'pragma page_size', 'page_size'));
  if (!hasWal && bytes < expected)
    throw new VanguardError(
      'LEGACY_FILE_DAMAGED',
      `${path} is cut off: it has ${bytes} bytes instead of ${expected}.`,
      { hint: 'Copy it again, or take a backup of it.' },
    );
}

/** Reading a live write-ahead log requires its index, which SQLite has to write. */
function checkFolder(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new VanguardError(
      'LEGACY_FOLDER_NOT_WRITABLE',
      `${path} has a write-ahead log, which SQLite can read only if it can write to ${dirname(path)}.`,
      {
        hint: 'Stop the prototype and add --copy, which works on a temporary copy; or run this as somebody who may write there.',
        cause: error,
      },
    );
  }
}

function one(database: DatabaseSync, query: string, column: string): string {
  return String(database.prepare(query).get()?.[column]);
}

export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
