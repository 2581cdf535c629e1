import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { declarations, fillLegacyDatabase, fillRecords } from './legacy-database.ts';

// The later form of the prototype, as Prisma creates it on PostgreSQL: records in pfa_mirror, changes of users in
// pfa_modification.

const quoted = pg.escapeIdentifier;

/** Columns that Prisma declares as JSON or as a list on PostgreSQL. */
const jsonColumns = ['customHeaders', 'feeds', 'fallbackProviderIds', 'routingRules', 'fieldMappings'];

const laterDeclarations = `
create type "SyncState" as enum ('draft', 'committed', 'pending', 'syncing', 'synced', 'failed', 'discarded');
create table "pfa_mirror" ("id" text not null primary key, "organizationId" text not null references "organizations" ("id") on delete cascade,
  "pfaId" text not null, "data" jsonb not null, "version" integer not null default 1, "lastModified" timestamp(3), "lastModifiedBy" text,
  "lastSyncedAt" timestamp(3), "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null);
create unique index "pfa_mirror_organizationId_pfaId_key" on "pfa_mirror" ("organizationId", "pfaId");
create table "pfa_modification" ("id" text not null primary key, "organizationId" text not null references "organizations" ("id") on delete cascade,
  "pfaId" text not null, "userId" text not null references "users" ("id") on delete cascade, "delta" jsonb not null, "baseVersion" integer,
  "syncState" "SyncState" not null default 'draft', "comment" text, "sessionId" text, "committedAt" timestamp(3), "syncedAt" timestamp(3),
  "createdAt" timestamp(3) not null default current_timestamp, "updatedAt" timestamp(3) not null default current_timestamp);
`;

/**
 * Creates the tables of the prototype in a new schema of a PostgreSQL database, with its 67 initial rows and records of
 * HOLNG.
 */
export async function makeLegacyServer(client: pg.ClientBase, schema: string, records = 0): Promise<void> {
  const file = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  file.exec(declarations);
  const legacy = { database: file, insert: inserter(file) };
  fillLegacyDatabase(legacy);
  fillRecords(legacy, 'org-holng', records);
  const json = new RegExp(`"(${jsonColumns.join('|')})" TEXT`, 'g');
  await client.query('begin');
  await client.query(`create schema if not exists ${quoted(schema)}`);
  await client.query(`set local search_path = ${quoted(schema)}`);
  await client.query(
    declarations
      .replaceAll('DATETIME', 'TIMESTAMP(3)')
      .replaceAll(' REAL', ' DOUBLE PRECISION')
      .replaceAll('"finished_at" TIMESTAMP(3)', '"finished_at" TIMESTAMPTZ')
      .replaceAll('"availableModels" TEXT', '"availableModels" TEXT[]')
      .replaceAll(/"(pricing\w+)" DOUBLE PRECISION/g, '"$1" DECIMAL(65,30)')
      .replaceAll(json, '"$1" JSONB')
      .replaceAll(/create table "pfa_records"[^;]*;\s*create unique index "pfa_records[^;]*;/g, ''),
  );
  await client.query(laterDeclarations);
  const tables = file
    .prepare(`select name from sqlite_schema where type = 'table' and name <> 'pfa_records' order by rowid`)
    .all();
  for (const { name } of tables) {
    const types = new Map(
      file
        .prepare('select name, type from pragma_table_info(?)')
        .all(String(name))
        .map((column) => [String(column.name), String(column.type)]),
    );
    const rows = file.prepare(`select * from ${quoted(String(name))}`).all();
    await insert(
      client,
      String(name),
      rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [column, served(column, types.get(column), value)]),
        ),
      ),
    );
  }
  const stored = file.prepare('select * from pfa_records').all();
  await insert(
    client,
    'pfa_mirror',
    stored.map(
      ({ id, pfaId, organizationId, lastModified, lastModifiedBy, createdAt, updatedAt, ...rest }) => {
        const data = Object.fromEntries(
          Object.entries(rest).map(([key, value]) => [key, recordValue(key, value)]),
        );
        return {
          ...{ id, organizationId, pfaId, lastModifiedBy },
          data: JSON.stringify({ ...data, pfaId }),
          ...Object.fromEntries(
            Object.entries({ lastModified, createdAt, updatedAt }).map(([key, value]) => [
              key,
              moment(value),
            ]),
          ),
        };
      },
    ),
  );
  await client.query('commit');
  file.close();
}

/** Inserts rows by column, into the schema of the search path. */
export async function insert(
  client: pg.ClientBase,
  table: string,
  rows: Record<string, unknown>[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += 1000)
    await client.query(
      `insert into ${quoted(table)} (${Object.keys(rows[0]!).map(quoted).join(', ')})
        select ${Object.keys(rows[0]!)
          .map((column) => `r.${quoted(column)}`)
          .join(', ')} from jsonb_populate_recordset(null::${quoted(table)}, $1) r`,
      [
        JSON.stringify(
          rows.slice(at, at + 1000).map((row) => ({
            ...row,
            ...(typeof row.data === 'string' ? { data: JSON.parse(row.data) as unknown } : {}),
          })),
        ),
      ],
    );
}

const inserter =
  (file: DatabaseSync) =>
  (table: string, ...rows: Record<string, string | number | null | bigint | NodeJS.ArrayBufferView>[]) => {
    for (const row of rows)
      file
        .prepare(
          `insert into "${table}" (${Object.keys(row).map(quoted).join(', ')}) values (${Object.keys(row)
            .map(() => '?')
            .join(', ')})`,
        )
        .run(...Object.values(row));
  };

const moment = (value: unknown) => (typeof value === 'number' ? new Date(value).toISOString() : value);

/** Converts a value like Prisma on PostgreSQL. */
function served(column: string, type: string | undefined, value: unknown): unknown {
  if (value === null) return null;
  if (type === 'DATETIME') return moment(value);
  if (type === 'BOOLEAN') return value === 1;
  const isJson = jsonColumns.includes(column) || column === 'availableModels';
  return isJson && typeof value === 'string' ? JSON.parse(value) : value;
}

function recordValue(key: string, value: unknown): unknown {
  if (value === null) return null;
  if (/^(is|has)[A-Z]/.test(key)) return value === 1;
  return /(Start|End)$/.test(key) ? String(moment(value)).slice(0, 10) : value;
}
