import { VanguardError } from '../errors.ts';
import { openLegacyFile } from './file.ts';
import type { Source } from './manifest.ts';
import { isAddress, openLegacyServer } from './postgres.ts';
import { checkSizes, countOf, quoted, rowsOf, tablesOf, type LegacyTable } from './tables.ts';
import type { CanonicalValue } from './values.ts';

/** A legacy database, open for reading. It says the same until it is closed, also where the prototype goes on writing. */
export interface LegacySource {
  readonly source: Source;
  tables(): Promise<LegacyTable[]>;
  /** How many rows a table has. Refuses a table with a value that an export cannot hold. Errors: LEGACY_VALUE_TOO_LARGE. */
  count(table: LegacyTable): Promise<number>;
  /** Each row in the canonical form, in the order of the primary key. */
  rows(table: LegacyTable): Iterable<CanonicalValue[]> | AsyncIterable<CanonicalValue[]>;
  /** The name of the newest finished migration in a table of Prisma's. */
  lastMigration(table: LegacyTable): Promise<string | null>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Work on a temporary copy of a file. */
  copy?: boolean;
  /** How many milliseconds to wait for a lock. */
  patience?: number | undefined;
  /** Where PGPASSWORD and its like are. */
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
