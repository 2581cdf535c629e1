import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { exportLegacy } from '../../src/legacy/export.ts';
import { readRows, textOf, type Manifest } from '../../src/legacy/manifest.ts';
import { parseLine } from '../../src/legacy/values.ts';
import { verifyExport } from '../../src/legacy/verify.ts';
import { launcher, run } from '../cli/vanguard.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';
import { fillLegacyDatabase, makeLegacyDatabase } from './legacy-database.ts';

// The export equals the content of SQLite byte for byte, and verify finds every difference.

vi.setConfig({ testTimeout: 60_000 });
const folder = mkdtempSync(join(tmpdir(), 'vanguard-legacy-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const fresh = (name = 'place') => join(folder, `${name}-${++made}`);

function domainDatabase(): string {
  const path = `${fresh('dev')}.db`;
  const legacy = makeLegacyDatabase(path);
  fillLegacyDatabase(legacy);
  legacy.database.close();
  return path;
}

async function allRows(out: string, name: string) {
  const { manifest } = await verifyExport(out);
  const table = manifest!.tables.find((each) => each.name === name)!;
  const rows = [];
  for await (const row of readRows(out, table))
    rows.push(Object.fromEntries(table.columns.map((column, i) => [column.name, row[i]])));
  return rows;
}

const problem = (code: string, message?: RegExp): unknown =>
  expect.objectContaining({
    code,
    ...(message ? { message: expect.stringMatching(message) as string } : {}),
  });

test('the example database: 67 rows with the storage class of each value; the file does not change', async () => {
  const [file, out] = [domainDatabase(), fresh()];
  const before = readFileSync(file);
  const { tables } = await exportLegacy(file, out);
  const counts = Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
  expect(counts).toEqual({
    ...{ users: 7, organizations: 28, user_organizations: 12, ai_providers: 3, organization_ai_configs: 2 },
    ...{ api_configurations: 10, data_source_mappings: 4, field_configurations: 1, pfa_records: 0 },
    ...{ ai_usage_logs: 0, _prisma_migrations: 0 },
  });
  expect(tables.flatMap(({ references }) => references)).toHaveLength(12);
  const organizations = await allRows(out, 'organizations');
  expect(organizations.map(({ id }) => id)).toEqual(organizations.map(({ id }) => id).sort());
  expect(organizations.find(({ code }) => code === 'HOLNG')).toMatchObject({
    createdAt: Date.UTC(2025, 0, 1, 8, 30, 15, 250),
    isActive: 1,
    description: null,
  });
  expect(organizations.find(({ code }) => code === 'RIO')?.createdAt).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/,
  );
  expect(await verifyExport(out)).toMatchObject({ damages: [] });
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(existsSync(`${file}-shm`)).toBe(false);
});

test('every storage class is exported exactly, whatever the value', async () => {
  const file = `${fresh('hostile')}.db`;
  const { database } = makeLegacyDatabase(file);
  database.exec(`create table "odd ""name/…" ("a ""b" , "rowid", c as ("a ""b" || 'x'));
    insert into "odd ""name/…" ("a ""b", "rowid") values (null, 9223372036854775807), (-9223372036854775808, 9007199254740993), (1.5, -0.0), (5.0, 5),
      (1e999, -1e999), (0.1, 1e-320), ('text', x'00ff'), (cast(x'ff00fe' as text), ''), (x'', char(0) || 'after' || char(0)),
      ('line' || char(10) || char(8232) || char(13) || '"\\', char(65279) || '😀')`);
  database.close();
  const out = fresh();
  await exportLegacy(file, out);
  const rows = await allRows(out, 'odd "name/…');
  expect(rows.map((row) => [row['a "b'], row.rowid])).toEqual([
    [null, { integer: '9223372036854775807' }],
    [{ integer: '-9223372036854775808' }, { integer: '9007199254740993' }],
    [{ real: '1.5' }, { real: '-0' }],
    [{ real: '5' }, 5],
    [{ real: 'Infinity' }, { real: '-Infinity' }],
    [{ real: '0.1' }, { real: '1e-320' }],
    ['text', { blob: 'AP8=' }],
    [{ text: '/wD+' }, ''],
    [{ blob: '' }, '\0after\0'],
    ['line\n\u2028\r"\\', '\ufeff😀'],
  ]);
  expect(await verifyExport(out)).toMatchObject({ damages: [] });
});

test.each(['UTF-16le', 'UTF-16be'])('a database in %s', async (encoding) => {
  const file = `${fresh('wide')}.db`;
  const database = new DatabaseSync(file);
  database.exec(
    `pragma encoding = '${encoding}'; create table t (v); insert into t values ('Ω😀'), (cast(x'd800' as text))`,
  );
  database.close();
  const out = fresh();
  await exportLegacy(file, out);
  const rows = await allRows(out, 't');
  expect(rows[0]).toEqual({ v: 'Ω😀' });
  expect(await verifyExport(out)).toMatchObject({
    manifest: { source: { encoding: encoding.toLowerCase() } },
    damages: [],
  });
});

test('orphans, and references without a table or to a missing key, are counted', async () => {
  const file = domainDatabase();
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  database.exec(`update user_organizations set "userId" = 'nobody' where id in ('membership-1', 'membership-7');
    create table "strays" ("id" text primary key, "to" text references "nowhere", "half" text references "organizations");
    insert into "strays" values ('a', 'x', null), ('b', null, 'org-rio'), ('c', 'y', 'ORG-RIO')`);
  database.close();
  const out = fresh();
  const { tables } = await exportLegacy(file, out);
  const orphans = tables.flatMap(({ name, references }) =>
    references
      .filter((each) => each.orphans > 0)
      .map((each) => `${name}.${each.columns.join()} ${each.orphans}`),
  );
  expect(orphans.sort()).toEqual(['strays.half 1', 'strays.to 2', 'user_organizations.userId 2']);
});

test('all tables in the byte order of their keys, without internal tables and computed columns of SQLite', async () => {
  const file = `${fresh('kinds')}.db`;
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  database.exec(`create table "Parents" (b text collate nocase, a integer, primary key (a, b)) without rowid;
    insert into "Parents" values ('x', 2), ('a', 1), ('B', 1);
    create table kids (id integer primary key autoincrement, first integer, second text, foreign key (first, second) references PARENTS);
    insert into kids (first, second) values (1, 'B'), (null, 'x'), (1, 'x');
    create table heap (v); insert into heap values ('gone'), ('z'), ('y'); delete from heap where v = 'gone'; insert into heap values ('x');
    create view seen as select * from kids;
    create table _prisma_migrations (migration_name, finished_at);
    insert into _prisma_migrations values ('1-first', 1), ('2-last', 2), ('0-later', 2), ('3-failed', null)`);
  database.close();
  // As an earlier journal leaves it.
  writeFileSync(`${file}-wal`, '');
  const out = fresh();
  const { source, schemaVersion, tables } = await exportLegacy(file, out);
  expect(source.walSha256).toBeNull();
  expect(schemaVersion).toBe('2-last');
  expect(tables.map(({ name }) => name)).toEqual(['Parents', '_prisma_migrations', 'heap', 'kids']);
  expect(tables.find(({ name }) => name === 'Parents')?.primaryKey).toEqual(['a', 'b']);
  expect((await allRows(out, 'Parents')).map(({ b }) => b)).toEqual(['B', 'a', 'x']);
  expect((await allRows(out, 'heap')).map(({ v }) => v)).toEqual(['z', 'y', 'x']);
  expect(tables.find(({ name }) => name === 'kids')?.references).toEqual([
    { columns: ['first', 'second'], parent: 'Parents', parentColumns: ['a', 'b'], orphans: 1 },
  ]);
});

test.each([
  ...['{}', '["a","b"]', '[true]', '[1.5]', '[9007199254740992]', '[[]]', ' [1]', '[1', '["\\u0041"]'],
  ...['[{"integer":"5"}]', '[{"integer":"9223372036854775808"}]', '[{"integer":"09007199254740993"}]'],
  ...['[{"integer":"5000000000000000"}]', '[{"integer":"+9007199254740993"}]'],
  ...['[{"real":"0.10"}]', '[{"real":"NaN"}]', '[{"real":1}]', '[{"text":"!"}]', '[{"blob":"AA"}]'],
  ...['[{"date":"2026-01-01"}]', '[{"real":"1","blob":"AA=="}]', '[{}]'],
])('an invalid line is refused: %s', (line) => {
  expect(() => parseLine(line, 1)).toThrow(problem('LEGACY_EXPORT_DAMAGED'));
});

/** Any value that SQLite stores, as SQL. */
const literal = fc.oneof(
  fc.constant('null'),
  fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }).map(String),
  fc
    .double({ noNaN: true })
    .map((value) =>
      Number.isFinite(value)
        ? Object.is(value, -0)
          ? '-0.0'
          : /[.e]/.test(String(value))
            ? String(value)
            : `${value}.0`
        : value > 0
          ? '1e999'
          : '-1e999',
    ),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => `x'${Buffer.from(bytes).toString('hex')}'`),
  fc
    .oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
    )
    .map((bytes) => `cast(x'${Buffer.from(bytes).toString('hex')}' as text)`),
);

test('property: an export allows an exact restore of any rows', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(literal, literal), { maxLength: 8 }), async (rows) => {
      const [file, out] = [`${fresh('random')}.db`, fresh()];
      const database = new DatabaseSync(file);
      database.exec('create table t (a, b)');
      for (const [a, b] of rows) database.exec(`insert into t values (${a}, ${b})`);
      await exportLegacy(file, out);
      // Converts back into SQL, with a separate reading of the format.
      const sql = (value: unknown): string => {
        if (value === null || typeof value === 'number') return String(value);
        if (typeof value === 'string') return `cast(x'${Buffer.from(value).toString('hex')}' as text)`;
        const { integer, real, text, blob } = value as Record<string, string>;
        if (integer !== undefined)
          return integer === '-9223372036854775808' ? `(${integer.slice(0, -1)}7 - 1)` : integer;
        if (real !== undefined)
          return real === 'Infinity'
            ? '1e999'
            : real === '-Infinity'
              ? '-1e999'
              : /[.e]/.test(real)
                ? real
                : `${real}.0`;
        const hex = Buffer.from(text ?? blob!, 'base64').toString('hex');
        return text === undefined ? `x'${hex}'` : `cast(x'${hex}' as text)`;
      };
      database.exec('create table back (a, b)');
      for (const row of await allRows(out, 't'))
        database.exec(`insert into back values (${sql(row.a)}, ${sql(row.b)})`);
      const { differing } = database
        .prepare(
          `select count(*) as differing from t full join back on t.rowid = back.rowid
          where typeof(t.a) || typeof(t.b) is not typeof(back.a) || typeof(back.b) or cast(t.a as blob) is not cast(back.a as blob)
            or cast(t.b as blob) is not cast(back.b as blob) or t.a is not back.a or t.b is not back.b`,
        )
        .get()!;
      database.close();
      expect(differing).toBe(0);
      expect((await verifyExport(out)).damages).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

describe('verify', () => {
  const file = domainDatabase();
  const whole = fresh('whole');
  const copy = async () => {
    if (!existsSync(whole)) await exportLegacy(file, whole);
    const out = fresh('damaged');
    cpSync(whole, out, { recursive: true });
    return out;
  };

  test('names the file with any changed byte', async () => {
    const out = await copy();
    const names = readdirSync(out).filter((name) => readFileSync(join(out, name)).length > 0);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, place, bits) => {
          const path = join(out, name);
          const bytes = readFileSync(path);
          const flipped = Buffer.from(bytes);
          flipped[place % bytes.length]! ^= bits;
          writeFileSync(path, flipped);
          const { damages } = await verifyExport(out);
          writeFileSync(path, bytes);
          expect([...new Set(damages.map((damage) => damage.file))]).toEqual([name]);
        },
      ),
      { numRuns: 100 },
    );
    expect((await verifyExport(out)).damages).toEqual([]);
  });

  test('finds missing, additional and swapped rows and files, and explains invalid lines', async () => {
    const out = await copy();
    const path = join(
      out,
      readdirSync(out).find((name) => name.endsWith('-organizations.ndjson'))!,
    );
    const text = readFileSync(path, 'utf8');
    const lines = text.split('\n');
    const problems = async (changed: string | Buffer) => {
      writeFileSync(path, changed);
      const { damages } = await verifyExport(out);
      writeFileSync(path, text);
      return damages.map(({ line, problem }) => `${line ?? ''} ${problem}`);
    };
    expect(await problems(lines.slice(1).join('\n'))).toContainEqual(
      expect.stringMatching(/27 rows.*exported with 28/),
    );
    expect(await problems(`${lines[0]}\n${text}`)).toContainEqual(expect.stringMatching(/29 rows/));
    expect(await problems([lines[1], lines[0], ...lines.slice(2)].join('\n'))).toEqual([
      ' its checksum differs',
    ]);
    expect(await problems(text.replace(lines[4]!, lines[4]!.replace(',', ', ')))).toContainEqual(
      expect.stringMatching(/^5 it is written in another way/),
    );
    expect(await problems(text.replace(lines[2]!, '["short"]'))).toContainEqual(
      expect.stringMatching(/^3 it has 1 values/),
    );
    expect(await problems(text.slice(0, -1))).toContainEqual('28 it is cut off');
    const invalid = Buffer.from(text);
    invalid[lines[0]!.length - 3] = 0xff;
    expect(await problems(invalid)).toContainEqual('1 it is no UTF-8');
    rmSync(path);
    writeFileSync(join(out, 'stranger.txt'), '');
    expect((await verifyExport(out)).damages).toEqual([
      { file: 'stranger.txt', problem: 'it does not belong to the export' },
      { file: expect.stringMatching(/-organizations.ndjson$/) as string, problem: 'it is missing' },
    ]);
  });

  test('an edited manifest is reported, also if well formed', async () => {
    const out = await copy();
    const path = join(out, 'manifest.json');
    const text = readFileSync(path, 'utf8');
    for (const edited of [
      text.replace('"rows": 28', '"rows": 27'),
      `${text} `,
      text.replace('  "version"', ' "version"'),
      '{}',
      'no JSON',
    ]) {
      expect(edited).not.toBe(text);
      writeFileSync(path, edited);
      expect((await verifyExport(out)).damages.map((damage) => damage.file)).toEqual(['manifest.json']);
    }
  });

  test('a newly sealed manifest is compared with the format and the files', async () => {
    const out = await copy();
    const path = join(out, 'manifest.json');
    const text = readFileSync(path, 'utf8');
    const resealed = async (change: (manifest: Manifest) => unknown) => {
      const { sha256: _, ...rest } = JSON.parse(text) as Manifest;
      change(rest as Manifest);
      writeFileSync(
        path,
        textOf({ ...rest, sha256: createHash('sha256').update(textOf(rest)).digest('hex') }),
      );
      return (await verifyExport(out)).damages.map((damage) => damage.problem);
    };
    const none = [expect.stringMatching(/it is no manifest/)];
    expect(await resealed((manifest) => Object.assign(manifest, { version: 2 }))).toEqual(none);
    expect(await resealed((manifest) => Object.assign(manifest, { format: 'Another' }))).toEqual(none);
    // It would name a file elsewhere.
    expect(await resealed(({ tables }) => (tables[0]!.file = '../001-a.ndjson'))).toEqual(none);
    expect(
      await resealed(
        ({ tables }) => (tables.find(({ references }) => references.length > 0)!.references[0]!.orphans = 3),
      ),
    ).toEqual([expect.stringMatching(/^0 rows point at no row of \w+ \(\w+\), and were 3$/)]);
    expect(await resealed(() => undefined)).toEqual([]);
  });

  test('other folders and unfinished exports are reported as such', async () => {
    mkdirSync(join(folder, 'nothing'));
    await expect(verifyExport(join(folder, 'nothing'))).rejects.toEqual(
      problem('LEGACY_EXPORT_MISSING', /no manifest.json/),
    );
    await expect(verifyExport(join(folder, 'nowhere'))).rejects.toEqual(problem('LEGACY_EXPORT_MISSING'));
  });
});

describe('the folder', () => {
  test('a complete export stays unchanged; another one is refused', async () => {
    const [file, out] = [domainDatabase(), fresh()];
    const first = await exportLegacy(file, out);
    expect(await exportLegacy(file, out)).toEqual(first);
    // Killed after its last file, before it deleted its notes for the next start.
    writeFileSync(join(out, 'export.json'), '{}');
    expect(await exportLegacy(file, out)).toEqual(first);
    expect((await verifyExport(out)).damages).toEqual([]);
    const database = new DatabaseSync(file);
    database.exec(`update organizations set name = 'Renamed' where code = 'RIO'`);
    database.close();
    await expect(exportLegacy(file, out)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /another export/));
    expect((await verifyExport(out)).damages).toEqual([]);
    writeFileSync(join(out, 'manifest.json'), '{}');
    await expect(exportLegacy(file, out)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /another export/));
    const full = fresh();
    mkdirSync(full);
    writeFileSync(join(full, 'thesis.txt'), 'mine');
    await expect(exportLegacy(file, full)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /not empty/));
    expect(readdirSync(full)).toEqual(['thesis.txt']);
  });

  test('an interrupted export continues with its complete files; that of another export is refused', async () => {
    const [file, out] = [domainDatabase(), fresh()];
    const whole = await exportLegacy(file, out);
    const begun = (source: unknown) => {
      rmSync(join(out, 'manifest.json'), { force: true });
      const finished = whole.tables.map(({ file, rows, bytes, sha256 }) => ({ file, rows, bytes, sha256 }));
      writeFileSync(join(out, 'export.json'), JSON.stringify({ source, finished }));
    };
    const [kept, changed, missing] = ['organizations', 'users', 'ai_providers'].map((name) =>
      join(out, whole.tables.find((table) => table.name === name)!.file),
    ) as [string, string, string];
    const { ino } = statSync(kept);
    begun(whole.source);
    truncateSync(changed, 100);
    rmSync(missing);
    expect(await exportLegacy(file, out)).toEqual(whole);
    expect((await verifyExport(out)).damages).toEqual([]);
    expect(statSync(kept).ino).toBe(ino);
    begun({ ...whole.source, sha256: '0'.repeat(64) });
    await expect(exportLegacy(file, out)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /another database/));
    begun({ what: 'of a later version' });
    await expect(exportLegacy(file, out)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /another version/));
  });

  test('killed with -9 in the middle and restarted, it has the same result', async () => {
    const file = `${fresh('large')}.db`;
    const legacy = makeLegacyDatabase(file);
    fillLegacyDatabase(legacy);
    legacy.database.exec(`with recursive n (i) as (values (1) union all select i + 1 from n where i < 30000)
      insert into pfa_records ("id", "pfaId", "organizationId", "category", "monthlyRate", "updatedAt")
      select 'r' || i, 'HOLNG-' || i, 'org-holng', 'CRANES - ' || i, i + 0.1, 1735720000000 from n`);
    legacy.database.close();
    const out = fresh();
    const child = spawn(process.execPath, [launcher, 'legacy', 'export', file, '--out', out], {
      env: environmentOf({}),
      stdio: 'ignore',
      detached: true,
    });
    await until(
      'the large table is begun',
      () => existsSync(out) && readdirSync(out).some((name) => name.endsWith('-pfa_records.ndjson.partial')),
    );
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit');
    await expect(verifyExport(out)).rejects.toEqual(problem('LEGACY_EXPORT_MISSING', /is incomplete/));
    const resumed = await exportLegacy(file, out);
    expect(resumed).toEqual(await exportLegacy(file, fresh()));
    expect((await verifyExport(out)).damages).toEqual([]);
  });
});

describe('the file', () => {
  /** In the middle of its last page, which SQLite reads last. */
  const cutOff = (path: string) => {
    const database = new DatabaseSync(path);
    database.exec('create table large (v); insert into large values (zeroblob(100000))');
    database.close();
    truncateSync(path, statSync(path).size - 100);
  };

  test('is read as of the start, also while the prototype writes to its write-ahead log', async () => {
    const file = domainDatabase();
    const prototype = new DatabaseSync(file);
    prototype.exec(
      `pragma journal_mode = wal; update organizations set name = 'In the log' where code = 'RIO';
      create table grown (v); insert into grown values (zeroblob(100000))`,
    );
    const out = fresh();
    const { source } = await exportLegacy(file, out, {
      progress: (what) => {
        if (what === 'ai_providers')
          prototype.exec(`update organizations set name = 'Too late' where code = 'RIO'`);
      },
    });
    expect(source.walSha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await allRows(out, 'organizations')).find(({ code }) => code === 'RIO')?.name).toBe('In the log');
    // The log has changed, though the file has not.
    await expect(exportLegacy(file, out)).rejects.toEqual(problem('LEGACY_FOLDER_TAKEN', /another export/));
    // As a killed prototype leaves them: both stay unchanged.
    const left = `${fresh('left')}.db`;
    for (const end of ['', '-wal']) cpSync(file + end, left + end);
    await exportLegacy(left, fresh());
    for (const end of ['', '-wal'])
      expect(readFileSync(left + end).equals(readFileSync(file + end))).toBe(true);
    // The same from a copy, which needs no writable folder.
    const copied = fresh();
    await exportLegacy(file, copied, { copy: true });
    expect((await allRows(copied, 'organizations')).find(({ code }) => code === 'RIO')?.name).toBe(
      'Too late',
    );
    prototype.close();
  });

  test.skipIf(process.getuid?.() === 0)(
    'with a write-ahead log in a read-only folder: the error suggests --copy',
    async () => {
      const place = fresh();
      mkdirSync(place);
      const file = join(place, 'dev.db');
      cpSync(domainDatabase(), file);
      const prototype = new DatabaseSync(file);
      prototype.exec(`pragma journal_mode = wal; update organizations set name = 'x'`);
      chmodSync(place, 0o555);
      try {
        await expect(exportLegacy(file, fresh())).rejects.toEqual(problem('LEGACY_FOLDER_NOT_WRITABLE'));
        expect((await exportLegacy(file, fresh(), { copy: true })).tables).toHaveLength(11);
      } finally {
        chmodSync(place, 0o755);
        prototype.close();
      }
    },
  );

  test('a temporary copy is deleted, also if it cannot be read', async () => {
    const place = fresh('temporary');
    mkdirSync(place);
    vi.stubEnv('TMPDIR', place);
    try {
      const file = domainDatabase();
      await exportLegacy(file, fresh(), { copy: true });
      cutOff(file);
      await expect(exportLegacy(file, fresh(), { copy: true })).rejects.toEqual(
        problem('LEGACY_FILE_DAMAGED', /cut off/),
      );
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(place)).toEqual([]);
  });

  test('missing, empty, not SQLite, encrypted, truncated, damaged, locked: each has its own error', async () => {
    const broken = (change: (path: string) => void) => {
      const path = domainDatabase();
      change(path);
      return exportLegacy(path, fresh());
    };
    await expect(exportLegacy(join(folder, 'none.db'), fresh())).rejects.toEqual(
      problem('LEGACY_FILE_UNREADABLE', /ENOENT/),
    );
    await expect(exportLegacy(folder, fresh())).rejects.toEqual(
      problem('LEGACY_FILE_UNREADABLE', /not a file/),
    );
    await expect(broken((path) => truncateSync(path, 0))).rejects.toEqual(
      problem('LEGACY_FILE_NOT_SQLITE', /is empty/),
    );
    await expect(broken((path) => writeFileSync(path, 'id,name\n1,x\n'.repeat(100)))).rejects.toEqual(
      problem('LEGACY_FILE_NOT_SQLITE'),
    );
    await expect(
      broken((path) => writeFileSync(path, Buffer.from(readFileSync(path).map((byte) => byte ^ 0x5a)))),
    ).rejects.toEqual(problem('LEGACY_FILE_NOT_SQLITE'));
    await expect(broken((path) => truncateSync(path, 8192))).rejects.toEqual(problem('LEGACY_FILE_DAMAGED'));
    await expect(broken(cutOff)).rejects.toEqual(problem('LEGACY_FILE_DAMAGED', /cut off/));
    await expect(
      broken((path) => {
        const bytes = readFileSync(path);
        bytes.fill(0xee, 4096 * 2, 4096 * 30);
        writeFileSync(path, bytes);
      }),
    ).rejects.toEqual(problem('LEGACY_FILE_DAMAGED'));
    const locked = domainDatabase();
    const other = new DatabaseSync(locked);
    other.exec('begin exclusive');
    await expect(exportLegacy(locked, fresh(), { patience: 100 })).rejects.toEqual(
      problem('LEGACY_FILE_LOCKED'),
    );
    other.close();
  });
});

test('the commands: export, verify, --json, and their exit codes', async () => {
  const [file, out] = [domainDatabase(), fresh()];
  const exported = await run({}, ['legacy', 'export', file, '--out', out]);
  expect(exported).toMatchObject({ code: 0, complained: '' });
  expect(exported.said).toMatch(/^organizations +28 rows$/m);
  expect(exported.said).toMatch(/^67 rows of 11 tables are in .*legacy verify/m);
  expect(await run({}, ['legacy', 'verify', out])).toMatchObject({
    code: 0,
    said: `${out} is whole: 67 rows of 11 tables. Put it in with: npx vanguard legacy import ${out}\n`,
  });
  writeFileSync(
    join(
      out,
      readdirSync(out).find((name) => name.includes('api_configurations'))!,
    ),
    '',
  );
  const damaged = await run({}, ['legacy', 'verify', out, '--json']);
  expect(damaged.code).toBe(2);
  expect(JSON.parse(damaged.said)).toMatchObject({
    isWhole: false,
    damages: [{ problem: 'it has 0 rows, but was exported with 10' }, {}],
  });
  const refused = await run({}, ['legacy', 'export', file, '--out', out]);
  expect(refused.code).toBe(0); // it is there already; whether it is whole is what verify says
  expect(await run({}, ['legacy', 'export', join(folder, 'none.db'), '--out', fresh()])).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^LEGACY_FILE_UNREADABLE/) as string,
  });
});
