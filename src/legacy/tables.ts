import type { DatabaseSync } from 'node:sqlite';
import { VanguardError } from '../errors.ts';
import { legacyError, type LegacyFile } from './file.ts';
import { canonicalForm, type CanonicalValue, type StoredValue } from './values.ts';

/** A table as the file declares it. */
export interface LegacyTable {
  name: string;
  columns: { name: string; type: string }[];
  /** Generated columns that SQLite cannot compute here, because it lacks their function. */
  columnsLeftOut: string[];
  primaryKey: string[];
  foreignKeys: { columns: string[]; parent: string; parentColumns: string[] }[];
}

/**
 * Returns the tables with rows of their own, and virtual tables, whose modules store the rows in other tables. Omits
 * the tables of SQLite and of known modules, and virtual tables of unknown modules. The tables of an unknown module
 * count as ordinary ones.
 */
export function tablesOf({ database, path }: LegacyFile): LegacyTable[] {
  try {
    const names = database
      .prepare(
        `select name, type from pragma_table_list where schema = 'main' and type in ('table', 'virtual')
          and name not like 'sqlite\\_%' escape '\\' order by name collate binary`,
      )
      .all()
      .filter(({ name, type }) => type === 'table' || isReadable(database, String(name), '*'))
      .map(({ name }) => String(name));
    return names.map((name) => tableOf(database, name, names));
  } catch (error) {
    throw legacyError(error, path);
  }
}

/** Returns whether SQLite has the module of a table, or the functions of a column. */
function isReadable(database: DatabaseSync, table: string, columns: string): boolean {
  try {
    database.prepare(`select ${columns} from ${quoted(table)} limit 0`).all();
    return true;
  } catch (error) {
    if (/no such (module|function)|unknown function|no such tokenizer/i.test((error as Error).message))
      return false;
    throw error;
  }
}

function tableOf(database: DatabaseSync, name: string, names: string[]): LegacyTable {
  // `hidden`: 1 marks columns of modules; 2 and 3 mark generated columns, which are exported.
  const declared = database
    .prepare('select name, type, pk, hidden from pragma_table_xinfo(?) where hidden <> 1 order by cid')
    .all(name);
  const isLeftOut = ({ name: column, hidden }: (typeof declared)[number]) =>
    Number(hidden) > 1 && !isReadable(database, name, quoted(String(column)));
  const columns = declared.filter((column) => !isLeftOut(column));
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
    // SQLite ignores case in table names.
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
    columnsLeftOut: declared.filter(isLeftOut).map((column) => String(column.name)),
    primaryKey: keyOf(columns),
    foreignKeys: [...foreignKeys.values()],
  };
}

/** Quotes a name for SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Returns the number of rows. */
export function countOf({ database, path }: LegacyFile, table: LegacyTable): number {
  try {
    return Number(database.prepare(`select count(*) as rows from ${quoted(table.name)}`).get()?.rows);
  } catch (error) {
    throw legacyError(error, path);
  }
}

/**
 * Maximum size of a value and of a row of an export, in bytes. As base64 in one line, both stay below the maximum
 * length of a string.
 */
export const largestValue = 100_000_000;
export const largestRow = 200_000_000;

/**
 * Refuses a table with too large a value before any of its rows is read into memory. Errors: LEGACY_VALUE_TOO_LARGE.
 */
export function checkSizes(file: LegacyFile, table: LegacyTable): void {
  const sizes = table.columns.map(({ name }) => `coalesce(octet_length(${quoted(name)}), 0)`);
  const keys = table.primaryKey.map(quoted);
  const rowid = rowidOf(file.database, table);
  const shown = keys.length > 0 ? keys : rowid ? [rowid] : ['null'];
  try {
    const found = file.database
      .prepare(
        `select ${shown.map((key) => `substr(${key}, 1, 200)`).join(" || ', ' || ")} as id, ${sizes.map((size, i) => `${size} as size${i}`).join(', ')}
        from ${quoted(table.name)}
        where ${sizes.join(' + ')} > ${largestValue} and (${sizes.join(' + ')} > ${largestRow} or ${sizes.map((size) => `${size} > ${largestValue}`).join(' or ')})
        limit 1`,
      )
      .get();
    if (!found) return;
    const bytes = table.columns.map((_, i) => Number(found[`size${i}`]));
    const largest = bytes.indexOf(Math.max(...bytes));
    throw valueTooLarge(
      table,
      { key: table.primaryKey.join(', ') || (rowid ?? 'row'), id: String(found.id) },
      { column: table.columns[largest]!.name, bytes: bytes[largest]! },
    );
  } catch (error) {
    throw legacyError(error, file.path);
  }
}

export function valueTooLarge(
  table: { name: string },
  row: { key: string; id: string },
  value: { column: string; bytes: number },
): VanguardError {
  return new VanguardError(
    'LEGACY_VALUE_TOO_LARGE',
    `${table.name}: the row with ${row.key} ${row.id} has ${value.bytes.toLocaleString('en')} bytes in ${value.column}; an export holds at most ${largestValue.toLocaleString('en')} bytes a value and ${largestRow.toLocaleString('en')} a row.`,
    { hint: 'Shorten or remove the value in the prototype, then export into a new folder.' },
  );
}

/** Yields each row in the canonical form, in the order of the primary key, and of the file among equal keys. */
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
      // Reads text as bytes, because reading it as text would silently replace invalid UTF-8. The first column holds
      // the types.
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

/** Returns a name of the hidden row number that no column uses; undefined in tables without a row number. */
function rowidOf(database: DatabaseSync, table: LegacyTable): string | undefined {
  const isWithout = database
    .prepare('select wr from pragma_table_list where schema = ? and name = ?')
    .get('main', table.name)?.wr;
  if (isWithout) return undefined;
  const taken = new Set(table.columns.map(({ name }) => name.toLowerCase()));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}
