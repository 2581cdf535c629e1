import type { DatabaseSync } from 'node:sqlite';
import { legacyError, type LegacyFile } from './file.ts';
import { canonicalForm, type CanonicalValue, type StoredValue } from './values.ts';

/** A table as the file declares it. */
export interface LegacyTable {
  name: string;
  columns: { name: string; type: string }[];
  primaryKey: string[];
  foreignKeys: { columns: string[]; parent: string; parentColumns: string[] }[];
}

/** Every table that holds rows of its own: not SQLite's, nor what a module computes. */
export function tablesOf({ database, path }: LegacyFile): LegacyTable[] {
  try {
    const names = database
      .prepare(
        `select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name collate binary`,
      )
      .all()
      .map(({ name }) => String(name));
    return names.map((name) => tableOf(database, name, names));
  } catch (error) {
    throw legacyError(error, path);
  }
}

function tableOf(database: DatabaseSync, name: string, names: string[]): LegacyTable {
  // `hidden`: 1 are columns of modules; 2 and 3 are generated, and are exported too.
  const columns = database
    .prepare('select name, type, pk from pragma_table_xinfo(?) where hidden <> 1 order by cid')
    .all(name);
  const keyOf = (rows: typeof columns) =>
    rows
      .filter(({ pk }) => Number(pk) > 0)
      .sort((a, b) => Number(a.pk) - Number(b.pk))
      .map((row) => String(row.name));
  const foreignKeys = new Map<number, LegacyTable['foreignKeys'][number]>();
  for (const row of database
    .prepare(
      'select id, "table" as parent, "from", "to" from pragma_foreign_key_list(?) order by id desc, seq',
    )
    .all(name)) {
    const id = Number(row.id);
    // SQLite compares names of tables without regard to case.
    const parent =
      names.find((known) => known.toLowerCase() === String(row.parent).toLowerCase()) ?? String(row.parent);
    const key = foreignKeys.get(id) ?? { columns: [], parent, parentColumns: [] };
    foreignKeys.set(id, key);
    key.columns.push(String(row.from));
    if (row.to !== null) key.parentColumns.push(String(row.to));
  }
  for (const key of foreignKeys.values())
    if (key.parentColumns.length === 0)
      key.parentColumns = keyOf(
        database.prepare('select name, pk from pragma_table_xinfo(?)').all(key.parent),
      );
  return {
    name,
    columns: columns.map((column) => ({ name: String(column.name), type: String(column.type) })),
    primaryKey: keyOf(columns),
    foreignKeys: [...foreignKeys.values()],
  };
}

/** A name in SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** How many rows there are. */
export function countOf({ database, path }: LegacyFile, table: LegacyTable): number {
  try {
    return Number(database.prepare(`select count(*) as rows from ${quoted(table.name)}`).get()?.rows);
  } catch (error) {
    throw legacyError(error, path);
  }
}

/** Each row in the canonical form, in the order of the primary key, and of the file where that is not enough. */
export function* rowsOf(file: LegacyFile, table: LegacyTable): Generator<CanonicalValue[]> {
  const toCanonical = canonicalForm(file.encoding);
  const columns = table.columns.map(({ name }) => quoted(name));
  const hidden = rowidOf(file.database, table);
  const order = [
    ...table.primaryKey.map((key) => `${quoted(key)} collate binary`),
    ...(hidden ? [hidden] : []),
  ];
  try {
    const statement = file.database.prepare(
      // Text as bytes: as text, what is no valid UTF-8 would be replaced in silence. The first column says what is what.
      `select ${columns.map((column) => `substr(typeof(${column}), 1, 1)`).join(' || ')},
        ${columns.map((column) => `case typeof(${column}) when 'text' then cast(${column} as blob) else ${column} end`).join(', ')}
      from ${quoted(table.name)} ${order.length > 0 ? `order by ${order.join(', ')}` : ''}`,
    );
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    for (const row of statement.iterate() as unknown as Iterable<[string, ...unknown[]]>) {
      const [types, ...values] = row;
      yield values.map((value, i) => toCanonical(storedValue(types.charAt(i), value)));
    }
  } catch (error) {
    throw legacyError(error, file.path);
  }
}

function storedValue(type: string, value: unknown): StoredValue {
  switch (type) {
    case 'n':
      return { type: 'null' };
    case 'i':
      return { type: 'integer', value: value as bigint };
    case 'r':
      return { type: 'real', value: value as number };
    case 't':
      return { type: 'text', bytes: value as Uint8Array };
    default:
      return { type: 'blob', bytes: value as Uint8Array };
  }
}

/** A name of the hidden row number that no column has taken; none in tables without it. */
function rowidOf(database: DatabaseSync, table: LegacyTable): string | undefined {
  const isWithout = database
    .prepare('select wr from pragma_table_list where schema = ? and name = ?')
    .get('main', table.name)?.wr;
  if (isWithout) return undefined;
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}
