import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { urlTo } from '../../src/database/roles.ts';
import { seed } from '../../src/database/seed.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { analyzeLegacy } from '../../src/legacy/analyze.ts';
import { checkImport, rollBackImport } from '../../src/legacy/check.ts';
import { exportLegacy } from '../../src/legacy/export.ts';
import { importLegacy, planImport } from '../../src/legacy/import.ts';
import { verifyExport } from '../../src/legacy/verify.ts';
import { run } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { insert, makeLegacyServer } from './legacy-server.ts';
import { certificate, tlsProxy } from './tls-proxy.ts';

// The prototype's later form, on PostgreSQL. Each test reads its own schema.

vi.setConfig({ testTimeout: 60_000 });
const db = await testDatabase();
const sourceName = `${db.name}_prototype`;
const reading = `${db.name}_reader`;
const password = 'geheim/@%';
const vault = createVault(newEncryptionKey('test'));
let source: pg.Client;
let client: pg.Client;
let reader: pg.Client;
let folder: string;
let schema: string;
let made = 0;

const asSuperuser = (text: string) =>
  withClient(urlTo(db.superuserUrl, 'postgres'), (superuser) => superuser.query(text));

beforeAll(async () => {
  await asSuperuser(`create database ${sourceName} template template0 encoding 'UTF8'`);
  await asSuperuser(`create role ${reading} login password '${password}'`);
  source = new pg.Client(urlTo(db.superuserUrl, sourceName));
  [client, reader] = [1, 2].map(() => new pg.Client(db.urls.owner)) as [pg.Client, pg.Client];
  await Promise.all([source, client, reader].map((one) => one.connect()));
  await seed(client, { production: false });
  folder = mkdtempSync(join(tmpdir(), 'legacy-postgres-'));
});
afterAll(async () => {
  await Promise.all([source, client, reader].map((one) => one.end()));
  await asSuperuser(`drop database ${sourceName} with (force)`);
  await asSuperuser(`drop role ${reading}`);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  schema = `prototype_${++made}`;
  await makeLegacyServer(source, schema, 3);
  await source.query(`set search_path = ${schema}`);
});
afterEach(async () => {
  // No read leaves a transaction open there. PostgreSQL notices the end of a connection a moment later.
  const open = async () => {
    const { rows } = await source.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'vanguard legacy' and state <> 'idle'`,
    );
    return rows.length;
  };
  await expect.poll(open, { timeout: 5000 }).toBe(0);
  await source.query(`drop schema ${schema} cascade`);
  // A failed test does not affect the others.
  const standing = await client.query('select from app_private.legacy_import where rolled_back_at is null');
  if (standing.rows.length > 0) await rollBackImport(client, reader);
});

/** Returns an address of the prototype, for the superuser by default. */
function address(change: (url: URL) => void = () => undefined): string {
  const url = new URL(urlTo(db.superuserUrl, sourceName));
  url.searchParams.set('schema', schema);
  change(url);
  return url.href;
}
const newFolder = () => join(folder, `out-${++made}`);

async function exported(): Promise<string> {
  const out = newFolder();
  await exportLegacy(address(), out);
  return out;
}
const put = (dir: string, options: Partial<Parameters<typeof importLegacy>[2]> = {}) =>
  importLegacy(client, dir, { vault, ...options });
const rows = async (text: string) => (await client.query<Record<string, unknown>>(text)).rows;
const problemsOf = async () =>
  (await planImport(client, await exported())).problems.map(
    ({ table, id, column, value, problem }) =>
      `${table} ${id}: ${column} ${JSON.stringify(value)} ${problem}`,
  );

/** A change by a user of the prototype to a record. */
const change = (id: string, delta: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  insert(source, 'pfa_modification', [
    {
      ...{
        id,
        organizationId: 'org-holng',
        pfaId: 'PFA-0000001',
        userId: 'user-1',
        delta,
        syncState: 'draft',
      },
      ...{ createdAt: '2026-06-01T00:00:00Z', updatedAt: '2026-06-01T00:00:00Z', ...more },
    },
  ]);
const drafts = () =>
  rows(`select u.username, d.pfa_id, d.delta, d.base, d.state, d.problems, d.comment
    from app_core.pfa_modification d join app_public.users u on u.id = d.user_id order by d.pfa_id, u.username`);

/** Imports, compares each value with the prototype, and rolls back. */
async function moveInAndOut(during: () => Promise<void>): Promise<void> {
  const before = await rows('select count(*) from app_core.pfa_mirror');
  const result = await put(await exported());
  expect(result.problems).toEqual([]);
  expect(result).toMatchObject({ imported: true });
  await during();
  const { tables, differences } = await checkImport(client, reader, undefined);
  expect(tables.filter(({ isWhole }) => !isWhole)).toEqual([]);
  expect(differences).toEqual([]);
  const back = await rollBackImport(client, reader);
  expect(back.rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
  expect(await rows('select count(*) from app_core.pfa_mirror')).toEqual(before);
  expect(await drafts()).toEqual([]);
}

describe('import', () => {
  test('with the commands, and a password that is never shown or stored', async () => {
    await change('m1', { forecastEnd: '2027-01-01' });
    await source.query(`grant usage on schema ${schema} to ${reading}`);
    await source.query(`grant select on all tables in schema ${schema} to ${reading}`);
    const environment = {
      DATABASE_URL: db.urls.owner,
      VANGUARD_SECRET: 'the secret of the tests of moving in',
      VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('test'),
      VANGUARD_DATA_DIR: join(folder, 'unused'),
      PGPASSWORD: password,
    };
    const withoutPassword = address((url) => {
      [url.username, url.password] = [reading, ''];
      url.searchParams.set('connection_limit', '5');
    });
    const withPassword = address((url) => {
      [url.username, url.password] = [reading, encodeURIComponent(password)];
      url.searchParams.set('sslmode', 'prefer');
    });
    const out = newFolder();
    const said: string[] = [];
    const legacy = async (code: number, ...args: string[]) => {
      const ran = await run(environment, ['legacy', ...args]);
      expect(ran).toMatchObject({ code, complained: code === 1 ? (expect.any(String) as string) : '' });
      said.push(ran.said + ran.complained);
      return ran.said + ran.complained;
    };
    const analyzed = await legacy(0, 'analyze', withoutPassword);
    expect(analyzed).toMatch(
      /^postgresql:\/\/[^:@]+:\d+\/\w+_prototype\?schema=prototype_\d+, PostgreSQL \d/,
    );
    expect(analyzed).toMatch(/pfa_mirror: 3 rows, to app_core\.pfa_mirror/);
    expect(analyzed).toMatch(/data +jsonb +3 text +-> data/);
    expect(analyzed).toMatch(/sessionId +text +1 null +It is not known here\./);
    expect(analyzed).toMatch(/ai_usage_logs: 0 rows, does not move in/);
    expect(analyzed).toMatch(/Changes that users made:\n +1 drafts there \(1\)/);
    await legacy(0, 'export', withPassword, '--out', out);
    expect(await legacy(0, 'verify', out)).toMatch(/is whole: 71 rows of 12 tables/);
    await legacy(0, 'import', out);
    await legacy(0, 'check', out);
    const back = await legacy(0, 'rollback');
    expect(back).toMatch(
      /start the prototype as before, with DATABASE_URL="postgresql:\/\/.*" and its user and password/,
    );
    environment.PGPASSWORD = 'falsch';
    expect(await legacy(1, 'analyze', withoutPassword)).toMatch(/^LEGACY_DATABASE_REFUSED: /);
    said.push(...readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8')));
    for (const text of said) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(encodeURIComponent(password));
    }
    expect(await rows(`select from app_private.legacy_import where manifest::text like '%geheim%'`)).toEqual(
      [],
    );
    await source.query(`drop owned by ${reading}`);
  });

  test('values of PostgreSQL are converted, and unknown ones stay in the record', async () => {
    await source.query(
      `update pfa_mirror set data = data || '{"monthlyRate": "12345678901.10", "isActualized": true, "source": "RENTAL",
        "steelGrade": {"b": [1.10, 12345678901234567890, null]}, "createdAt": "2020-01-01", "forecastStart": "2026-04-02T00:00:00.000Z"}'
      where "pfaId" = 'PFA-0000001'`,
    );
    await moveInAndOut(async () => {
      const [found] = (await rows(
        `select data, version, data->'steelGrade' #>> '{}' as steel, observed_at from app_core.pfa_mirror where pfa_id = 'PFA-0000001'`,
      )) as [{ data: Record<string, unknown>; steel: string }];
      expect(found).toMatchObject({
        data: {
          ...{ pfaId: 'PFA-0000001', monthlyRate: 12345678901.1, isActualized: true, source: 'Rental' },
          ...{ forecastStart: '2026-04-02', category: 'Category 1', organization: 'ORG-HOLNG' },
        },
        version: new Date(2026, 0, 2, 9, 30),
        observed_at: new Date('2026-01-02T00:00:00Z'),
      });
      expect(found.steel).toBe('{"b": [1.10, 12345678901234567890, null]}');
      expect(found.data).not.toHaveProperty('createdAt');
      expect(
        await rows(`select pricing_input::float8 as input, available_models, fallback_provider_ids, p.enabled
          from app_public.ai_providers p join app_public.organization_ai_configs on primary_provider_id = p.id limit 1`),
      ).toEqual([
        {
          input: 0.1,
          available_models: ['fast', 'large'],
          fallback_provider_ids: ['openai-default'],
          enabled: true,
        },
      ]);
    });
  });

  test('tables and columns are found by model names, with underscores, and as columns instead of JSON', async () => {
    await change('m1', { forecast_end: '2027-01-01' });
    await source.query(`alter table pfa_mirror add column category text;
      update pfa_mirror set category = 'Column', data = data - 'category';
      alter table pfa_mirror rename to "PfaMirror"; alter table pfa_modification rename to "PfaModification"`);
    await source.query(`do $$ declare c record; begin
      for c in select table_name, column_name from information_schema.columns where table_schema = '${schema}' and column_name ~ '[A-Z]' loop
        execute format('alter table %I rename column %I to %I', c.table_name, c.column_name,
          lower(regexp_replace(c.column_name, '([A-Z])', '_\\1', 'g')));
      end loop; end $$`);
    await moveInAndOut(async () => {
      expect(
        await rows(
          `select distinct data->>'category' as category from app_core.pfa_mirror where data ? 'category'`,
        ),
      ).toEqual([{ category: 'Column' }]);
      expect(await drafts()).toMatchObject([{ username: 'anna', delta: { forecastEnd: '2027-01-01' } }]);
    });
  });

  test('records in two forms are refused, unless one of them is empty', async () => {
    await source.query('create table pfa_records as select * from pfa_mirror');
    await expect(exported().then(put)).rejects.toMatchObject({
      code: 'LEGACY_TWO_FORMS',
      message: expect.stringContaining(
        'pfa_records (3 rows) and pfa_mirror (3 rows) hold the same',
      ) as string,
    });
    await source.query('truncate pfa_records');
    await moveInAndOut(() => Promise.resolve());
  });
});

describe('changes of users', () => {
  test('become drafts of their authors; confirmed and withdrawn ones become history', async () => {
    await change(
      'm1',
      { forecastEnd: '2027-01-01', monthlyRate: '900.50', model: null },
      { comment: 'Storm' },
    );
    await change(
      'm2',
      { contract: 'C-9' },
      { pfaId: 'PFA-0000002', syncState: 'pending', committedAt: '2026-06-02T00:00:00Z' },
    );
    await change('m3', { contract: 'C-8' }, { pfaId: 'PFA-0000002', userId: 'user-2', syncState: 'failed' });
    await change('m4', { contract: 'C-7' }, { syncState: 'synced', syncedAt: '2026-06-02T00:00:00Z' });
    // The history is not read.
    await change('m5', { noSuchField: {} }, { syncState: 'discarded', pfaId: 'gone' });
    await change('m6', {});
    const { modifications, outcomes } = await analyzeLegacy(client, address());
    expect(modifications).toEqual([
      { kind: 'draft', modifications: 1, drafts: 1, unknownBases: 0 },
      { kind: 'committed', modifications: 1, drafts: 1, unknownBases: 0 },
      { kind: 'failed', modifications: 1, drafts: 1, unknownBases: 0 },
      { kind: 'synced', modifications: 1, drafts: 0, unknownBases: 0 },
      { kind: 'discarded', modifications: 1, drafts: 0, unknownBases: 0 },
      { kind: 'empty', modifications: 1, drafts: 0, unknownBases: 0 },
    ]);
    expect(outcomes.find(({ table }) => table === 'pfa_modification')).toMatchObject({ added: 3, kept: 3 });
    await moveInAndOut(async () => {
      const common = { state: 'draft', problems: {} };
      expect(await drafts()).toEqual([
        {
          ...{ ...common, username: 'anna', pfa_id: 'PFA-0000001', comment: 'Storm' },
          delta: { forecastEnd: '2027-01-01', monthlyRate: 900.5, model: null },
          base: { forecastEnd: '2026-04-12', monthlyRate: 1001.5, model: 'Model 1' },
        },
        {
          ...common,
          username: 'anna',
          pfa_id: 'PFA-0000002',
          comment: null,
          delta: { contract: 'C-9' },
          base: { contract: 'C-2' },
        },
        {
          ...common,
          username: 'ben',
          pfa_id: 'PFA-0000002',
          comment: null,
          delta: { contract: 'C-8' },
          base: { contract: 'C-2' },
        },
      ]);
      expect(
        await rows(
          `select o.data->>'forecastEnd' as seen from app_core.pfa_overlay o where pfa_id = 'PFA-0000001' and has_draft`,
        ),
      ).toEqual([{ seen: '2027-01-01' }]);
      // No change is pending.
      expect(await rows(`select from app_core.pfa_modification where state <> 'draft'`)).toEqual([]);
    });
  });

  test.each([
    ['said by the change', { base: { contract: 'C-1' } }, { contract: 'C-1' }, {}],
    [
      'of the version that the author saw',
      { baseVersion: 1, createdAt: '2025-01-01T00:00:00Z' },
      { contract: 'C-1' },
      {},
    ],
    [
      'not known where the record has changed since',
      { baseVersion: 7, createdAt: '2025-01-01T00:00:00Z' },
      { contract: null },
      { contract: { kind: 'conflict', base: null, theirs: 'C-1', mine: 'C-9' } },
    ],
  ])('the base is %s', async (_, more, base, problems) => {
    await source.query('alter table pfa_modification add column base jsonb');
    await change('m1', { contract: 'C-9' }, more);
    await moveInAndOut(async () => expect(await drafts()).toMatchObject([{ base, problems }]));
  });

  test('several of one user on one record become one draft: the last one wins, and drafts override commits', async () => {
    await change('m1', { contract: 'draft', model: 'A' }, { updatedAt: '2026-06-01T00:00:00Z' });
    await change(
      'm2',
      { contract: 'committed', category: 'B' },
      { syncState: 'committed', updatedAt: '2026-07-01T00:00:00Z' },
    );
    await change('m3', { category: 'older' }, { syncState: 'committed', updatedAt: '2026-06-02T00:00:00Z' });
    await moveInAndOut(async () => {
      expect(await drafts()).toMatchObject([{ delta: { contract: 'draft', model: 'A', category: 'B' } }]);
      expect(
        await rows(
          `select legacy_id, state from app_private.legacy_row where table_name = 'pfa_modification' order by 1`,
        ),
      ).toEqual([
        { legacy_id: 'm1', state: 'added' },
        { legacy_id: 'm2', state: 'added' },
        { legacy_id: 'm3', state: 'kept' },
      ]);
    });
  });

  test('a value that PEMS already has is no draft', async () => {
    await change('m1', { contract: 'C-1' });
    await moveInAndOut(async () => expect(await drafts()).toEqual([]));
  });

  test('ambiguous changes stop the import with a reason', async () => {
    await change('m1', { pfaId: 'X', contract: { new: 'b', old: 'a' }, monthlyRate: -1, source: 'Loan' });
    await change('m2', { contract: 'C' }, { pfaId: 'nowhere' });
    await source.query(
      `alter table pfa_modification alter column "syncState" drop default, alter column "syncState" type text`,
    );
    await change('m3', { contract: 'C' }, { syncState: 'perhaps' });
    await source.query(`alter table pfa_modification drop constraint "pfa_modification_userId_fkey"`);
    await change('m4', { contract: 'C' }, { userId: 'nobody' });
    const modification = 'pfa_modification';
    expect((await problemsOf()).sort()).toEqual([
      `${modification} m1: delta "\\"X\\"" names "pfaId", which cannot be edited`,
      `${modification} m1: delta.contract "{\\"new\\":\\"b\\",\\"old\\":\\"a\\"}" is a list or an object`,
      `${modification} m1: delta.monthlyRate "-1" is negative, or too large for an amount`,
      `${modification} m1: delta.source "\\"Loan\\"" is none of Rental, Purchase`,
      `${modification} m2: pfaId "nowhere" points at no record of its organization that moves in or is here`,
      `${modification} m3: syncState "perhaps" is no state that is known: draft, committed, failed, synced or discarded`,
      `${modification} m4: userId "nobody" points at no row of users`,
    ]);
    expect(await put(await exported(), { quarantine: true })).toMatchObject({ imported: true });
    expect(await drafts()).toEqual([]);
    await rollBackImport(client, reader);
    await source.query('alter table pfa_modification drop column "syncState", drop column "syncedAt"');
    expect(await problemsOf()).toContain(
      `${modification} m3: syncState null is missing: nothing says whether PEMS has the change`,
    );
  });

  test('a draft that its author continued stays, with its record and user', async () => {
    await change('m1', { contract: 'C-9' });
    await change('m2', { contract: 'C-9' }, { pfaId: 'PFA-0000002' });
    await put(await exported());
    await client.query(
      `update app_core.pfa_modification set delta = delta || '{"model": "mine"}' where pfa_id = 'PFA-0000001'`,
    );
    const stays = async () =>
      (await rollBackImport(client, reader)).rows
        .filter(({ outcome }) => outcome === 'stays')
        .map(({ table, id, reason }) => `${table} ${id}: ${reason}`);
    const stayed = await stays();
    expect(stayed[0]).toBe('pfa_modification m1: changed since: model');
    expect(stayed).toContain('pfa_records org-holng-1: it was changed here');
    expect(stayed.filter((text) => /m2|org-holng-2/.test(text))).toEqual([]);
    await client.query(`delete from app_core.pfa_modification; delete from app_core.pfa_mirror where pfa_id = 'PFA-0000001';
      delete from app_public.user_organizations; delete from app_public.users where username = 'anna'`);
  });
});

describe('reading', () => {
  test('is one snapshot of the database, in a read-only transaction that ends', async () => {
    await source.query('create table aaa (id integer primary key); insert into aaa values (1)');
    const out = newFolder();
    let wrote = false;
    await exportLegacy(address(), out, {
      progress: (what) => {
        if (what !== 'aaa' || wrote) return;
        wrote = true;
        // The prototype writes while the first table is exported.
        void source.query(`delete from pfa_mirror`);
        void source.query(`delete from field_configurations`);
      },
    });
    await source.query('select');
    expect(wrote).toBe(true);
    const { manifest } = await verifyExport(out);
    expect(manifest?.tables.find(({ name }) => name === 'pfa_mirror')).toMatchObject({ rows: 3 });
    expect(manifest?.tables.find(({ name }) => name === 'field_configurations')).toMatchObject({ rows: 1 });
    expect(manifest?.source).toMatchObject({
      sha256: null,
      server: expect.stringMatching(/^PostgreSQL \d/) as string,
    });
  });

  test('keeps digits, bytes, partitions and names that need quotes', async () => {
    await source.query(`create table "odd ""name" (id integer primary key, "a b" numeric, big bigint, b bytea, f double precision, t timestamptz, l numeric[])
        partition by range (id);
      create table odd_part partition of "odd ""name" for values from (0) to (100);
      insert into "odd ""name" values (2, 0.10, 9007199254740993, '\\x00ff', 'infinity', '2026-04-02 02:00+02', '{1.50,null}'), (1, 'NaN', 1, null, '-0', null, null)`);
    const out = await exported();
    const { manifest, damages } = await verifyExport(out);
    expect(damages).toEqual([]);
    const table = manifest!.tables.find(({ name }) => name === 'odd "name')!;
    expect(manifest!.tables.some(({ name }) => name === 'odd_part')).toBe(false);
    expect(readFileSync(join(out, table.file), 'utf8')).toBe(
      `[1,"NaN",1,null,{"real":"-0"},null,null]\n[2,{"decimal":"0.10"},{"integer":"9007199254740993"},{"blob":"AP8="},{"real":"Infinity"},"2026-04-02 00:00:00Z","[1.50, null]"]\n`,
    );
  });

  test('restarts after an interruption, and keeps a complete export', async () => {
    const out = newFolder();
    await exportLegacy(address(), out);
    await expect(exportLegacy(address(), out)).rejects.toMatchObject({ code: 'LEGACY_FOLDER_TAKEN' });
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { source: unknown };
    const begun = newFolder();
    mkdirSync(begun);
    const finished = [{ file: '001-gone.ndjson', rows: 1, bytes: 1, sha256: 'x' }];
    writeFileSync(join(begun, 'export.json'), JSON.stringify({ source: manifest.source, finished }));
    writeFileSync(join(begun, '001-gone.ndjson'), 'x');
    await exportLegacy(address(), begun);
    expect((await verifyExport(begun)).damages).toEqual([]);
  });

  test('is refused if row security would hide rows', async () => {
    const asReader = address((url) => {
      [url.username, url.password] = [reading, encodeURIComponent(password)];
    });
    await source.query(`grant usage on schema ${schema} to ${reading}`);
    await source.query(
      `grant select on all tables in schema ${schema} to ${reading}; revoke select on users from ${reading}`,
    );
    await expect(exportLegacy(asReader, newFolder())).rejects.toMatchObject({
      code: 'LEGACY_DATABASE_DENIED',
      message: expect.stringMatching(/may not read: users\.$/) as string,
    });
    await source.query(`grant select on users to ${reading}; alter table users enable row level security`);
    await expect(exportLegacy(asReader, newFolder())).rejects.toMatchObject({
      code: 'LEGACY_DATABASE_DENIED',
      message: expect.stringMatching(/row-level security/) as string,
    });
    await source.query(`drop owned by ${reading}`);
  });

  test('waits for a lock up to the timeout', async () => {
    await withClient(urlTo(db.superuserUrl, sourceName), async (holder) => {
      await holder.query(`begin; lock table ${schema}.users`);
      await expect(exportLegacy(address(), newFolder(), { patience: 50 })).rejects.toMatchObject({
        code: 'LEGACY_DATABASE_LOCKED',
      });
    });
  });

  test('refuses its own database, one without tables, and a missing schema', async () => {
    const own = (name: string) =>
      address((url) => {
        url.pathname = `/${db.name}`;
        url.searchParams.set('schema', name);
      });
    for (const name of ['public', 'app_core', 'app_private'])
      await expect(exportLegacy(own(name), newFolder())).rejects.toMatchObject({
        code: 'LEGACY_DATABASE_OWN',
      });
    await source.query('create schema if not exists bare');
    for (const name of ['bare', 'nowhere'])
      await expect(
        exportLegacy(
          address((url) => url.searchParams.set('schema', name)),
          newFolder(),
        ),
      ).rejects.toMatchObject({ code: 'LEGACY_DATABASE_NO_TABLES' });
  });

  test.each([
    ['mysql://u:geheim@h/x', 'begins with mysql://, which is no PostgreSQL'],
    ['prisma+postgres://h/?api_key=geheim', 'begins with prisma+postgres://, which is no PostgreSQL'],
    ['postgres://u:geheim@h:port/x', 'is no URL'],
    ['postgres//u:geheim@h/x', 'is no URL'],
    ['host=h dbname=x password=geheim', 'is no URL'],
    ['postgres://u:geheim@h/x?sslmode=maybe', 'sslmode that PostgreSQL does not know'],
    ['postgres://u:geheim@h/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem', 'cannot be read'],
    ['postgres://u:geheim@h/x?port=70000', 'has no valid port'],
  ])('%s is not a valid address, and the error does not repeat it', async (text, words) => {
    const refused = await exportLegacy(text, newFolder()).catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({
      code: 'LEGACY_ADDRESS_INVALID',
      message: expect.stringContaining(words) as string,
    });
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain('geheim');
  });

  test('over TLS as sslmode says', async () => {
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, certificate);
    const { hostname, port } = new URL(db.superuserUrl);
    const proxy = await tlsProxy({ host: hostname, port: Number(port) });
    const by = (parameters: Record<string, string>) =>
      exportLegacy(
        address((url) => {
          [url.hostname, url.port] = ['localhost', String(proxy.port)];
          for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
        }),
        newFolder(),
      ).then(
        () => 'exported',
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      );
    try {
      for (const sslmode of ['prefer', 'require', 'no-verify'])
        expect(await by({ sslmode })).toBe('exported');
      for (const sslmode of ['verify-ca', 'verify-full', 'require'])
        expect(await by({ sslmode, sslrootcert: ca })).toBe('exported');
      const untrusted = /^LEGACY_DATABASE_UNREACHABLE .*self.signed certificate/;
      expect(await by({ sslmode: 'verify-full' })).toMatch(untrusted);
      expect(await by({ sslmode: 'require', sslaccept: 'strict' })).toMatch(untrusted);
      // As Prisma names the certificate authority.
      expect(await by({ sslmode: 'require', sslaccept: 'strict', sslcert: ca })).toBe('exported');
    } finally {
      proxy.close();
    }
  });

  test('explains why a server is unreachable', async () => {
    const server = createServer((socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      for (const text of [
        'postgres://u:geheim@nohost.invalid/x',
        `postgres://u:geheim@127.0.0.1:${port}/x`,
        `postgres://u:geheim@127.0.0.1:${port}/x?sslmode=require`,
        'postgres://u:geheim@127.0.0.1:1/x',
      ]) {
        const refused = await exportLegacy(text, newFolder()).catch((error: unknown) => error as Error);
        expect(refused, text).toMatchObject({ code: 'LEGACY_DATABASE_UNREACHABLE' });
        expect((refused as Error).message).not.toContain('geheim');
      }
      expect(readdirSync(folder).filter((name) => name === `out-${made}`)).toEqual([]);
    } finally {
      server.close();
    }
    await expect(
      exportLegacy(
        address((url) => (url.pathname = '/nowhere')),
        newFolder(),
      ),
    ).rejects.toMatchObject({
      code: 'LEGACY_DATABASE_REFUSED',
    });
    await expect(exportLegacy(address(), newFolder(), { copy: true })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});
