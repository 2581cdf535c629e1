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

/** The legacy database, open for reading: what it says does not change while it is, also where the prototype goes on writing. */
export interface LegacyFile {
  readonly database: DatabaseSync;
  /** As it was given, absolute. */
  readonly path: string;
  readonly encoding: TextEncoding;
  /** Of the file, and of the write-ahead log beside it, where there is one. */
  readonly sha256: string;
  readonly walSha256: string | null;
  readonly bytes: number;
  close(): void;
}

/**
 * Opens a SQLite file read-only. With `copy` it and the logs beside it are copied to a temporary folder first, which must not happen
 * while another program writes. A transaction that was never committed is rolled back there; without `copy` such a file is refused.
 * `patience` is how many milliseconds to wait for a lock. Errors: LEGACY_FILE_...
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
    // To read the whole file lets go of the locks that SQLite holds on it. Therefore the checksum comes first.
    const before = stateOf(file);
    const sha256 = await hashOf(file);
    const isRolledBack = temporary !== undefined && hasJournal;
    database = new DatabaseSync(file, { readOnly: !isRolledBack, timeout: patience });
    // From here to the end it is one state of the database.
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

/** What SQLite says, as a problem that a person can act on. */
export function legacyError(error: unknown, path: string): unknown {
  const { errcode, message } = error as { errcode?: number; message: string };
  if (typeof errcode !== 'number') return error;
  const about = { cause: error };
  // SQLITE_READONLY_ROLLBACK
  if (errcode === 776)
    return new VanguardError(
      'LEGACY_FILE_INTERRUPTED',
      `${path} holds changes of a transaction that was never committed: a program was stopped while it wrote.`,
      {
        ...about,
        hint: `Add --copy, which rolls the transaction back in a temporary copy; or start the prototype once, which rolls it back. Keep ${basename(path)}-journal beside the file.`,
      },
    );
  switch (errcode & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new VanguardError('LEGACY_FILE_LOCKED', `${path} is locked by another program.`, {
        ...about,
        hint: 'Wait until the prototype has finished what it does, or stop it, and try again.',
      });
    case 11: // SQLITE_CORRUPT
      return new VanguardError('LEGACY_FILE_DAMAGED', `${path} is damaged: ${message}.`, {
        ...about,
        hint: 'Take a backup of it, or have "sqlite3 FILE .recover" save what can be read.',
      });
    case 26: // SQLITE_NOTADB
      return notSqlite(path, 'is encrypted, or no SQLite file', error);
    default:
      return new VanguardError('LEGACY_FILE_UNREADABLE', `${path} cannot be read: ${message}.`, {
        ...about,
        hint: `Check that you may read it and its folder. Keep the files ${basename(path)}-wal and ${basename(path)}-journal beside it.`,
      });
  }
}

/** The path in a DATABASE_URL of Prisma, such as `file:./dev.db?connection_limit=1`; any other text is a path. */
function pathOf(given: string): string {
  if (!/^file:/i.test(given) || existsSync(given)) return given;
  return given
    .slice('file:'.length)
    .replace(/^\/\/(?=\/)/, '')
    .replace(/\?.*$/s, '');
}

/** Changes whenever the file is written. */
function stateOf(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return `${size} ${mtimeNs}`;
}

function changing(path: string): VanguardError {
  return new VanguardError('LEGACY_FILE_LOCKED', `${path} changed while it was read.`, {
    hint: 'Wait until the prototype has finished what it does, or stop it, and try again.',
  });
}

const theFile = 'Give the file that DATABASE_URL of the prototype names, usually prisma/dev.db';

function notSqlite(path: string, problem: string, cause?: unknown): VanguardError {
  return new VanguardError('LEGACY_FILE_NOT_SQLITE', `${path} ${problem}.`, { hint: `${theFile}.`, cause });
}

/** The size of the file; refuses what is none, or none of SQLite's. */
function checkHeader(path: string): number {
  let size: number;
  const header = Buffer.alloc(100);
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error('it is no file');
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
        hint: `${theFile}, as somebody who may read it.`,
        cause: error,
      },
    );
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0')
    throw notSqlite(path, size === 0 ? 'is empty' : 'is encrypted, or no SQLite file');
  return size;
}

/** SQLite notices only when it comes to the pages that are missing. */
function checkLength(database: DatabaseSync, path: string, bytes: number, hasWal: boolean): void {
  const expected =
    Number(one(database, 'pragma page_count', 'page_count')) *
    Number(one(database, 'pragma page_size', 'page_size'));
  if (!hasWal && bytes < expected)
    throw new VanguardError(
      'LEGACY_FILE_DAMAGED',
      `${path} is cut off: it has ${bytes} bytes, and should have ${expected}.`,
      { hint: 'Copy it again, or take a backup of it.' },
    );
}

/** A live write-ahead log can be read only beside an index of it, which SQLite has to write. */
function checkFolder(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new VanguardError(
      'LEGACY_FOLDER_NOT_WRITABLE',
      `${path} has a write-ahead log beside it, and to read that SQLite must be able to write in ${dirname(path)}.`,
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
