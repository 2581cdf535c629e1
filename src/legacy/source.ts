import { VanguardError } from '../errors.ts';
import { openLegacyFile } from './file.ts';
import type { Source } from './manifest.ts';
import { isAddress, openLegacyServer } from './postgres.ts';
import { checkSizes, countOf, quoted, rowsOf, tablesOf, type LegacyTable } from './tables.ts';
import type { CanonicalValue } from './values.ts';

/**
 * A legacy database, open for reading. Returns the same rows until it is closed, even if the prototype continues to
 * write.
 */
export interface LegacySource {
  readonly source: Source;
  tables(): Promise<LegacyTable[]>;
  /**
   * Returns the number of rows of a table. Refuses a table with a value that is too large for an export. Errors:
   * LEGACY_VALUE_TOO_LARGE.
   */
  count(table: LegacyTable): Promise<number>;
  /** Yields each row in the canonical form, in the order of the primary key. */
  rows(table: LegacyTable): Iterable<CanonicalValue[]> | AsyncIterable<CanonicalValue[]>;
  /** Returns the name of the newest finished migration in Prisma's table of migrations. */
  lastMigration(table: LegacyTable): Promise<string | null>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Read a temporary copy of the file. */
  copy?: boolean;
  /** Timeout for a lock, in milliseconds. */
  patience?: number | undefined;
  /** Environment with PGPASSWORD and similar variables. */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** Opens a SQLite file by its path, or a PostgreSQL database by its address. Errors: LEGACY_FILE_..., LEGACY_ADDRESS_..., LEGACY_DATABASE_... */
export async function openLegacy(given: string, options: OpenOptions = {}): Promise<LegacySource> {
  if (!isAddress(given)) return openFile(given, options);
  if (options.copy)
    throw new VanguardError('INVALID_INPUT', '--copy is for a file, and this is the address of a server.', {
      hint: 'Leave --copy out: a server gives one state of the database by itself.',
    });
  return openLegacyServer(given, options);
}

async function openFile(path: string, options: OpenOptions): Promise<LegacySource> {
  const file = await openLegacyFile(path, options);
  const { bytes, sha256, walSha256, encoding } = file;
  return {
    source: { path: file.path, bytes, sha256, walSha256, encoding },
    tables: () => Promise.resolve(tablesOf(file)),
    count: (table) => {
      checkSizes(file, table);
      return Promise.resolve(countOf(file, table));
    },
    rows: (table) => rowsOf(file, table),
    lastMigration: (table) => {
      const row = file.database
        .prepare(
          `select migration_name as name from ${quoted(table.name)} where finished_at is not null order by finished_at desc, migration_name desc limit 1`,
        )
        .get();
      return Promise.resolve(typeof row?.name === 'string' ? row.name : null);
    },
    close: () => {
      file.close();
      return Promise.resolve();
    },
  };
}
