import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { seed } from '../../src/database/seed.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { analyzeLegacy } from '../../src/legacy/analyze.ts';
import { checkImport, rollBackImport } from '../../src/legacy/check.ts';
import { exportLegacy } from '../../src/legacy/export.ts';
import { importLegacy, planImport } from '../../src/legacy/import.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { fillLegacyDatabase, makeLegacyDatabase } from './legacy-database.ts';

// Contents of genuine databases of the prototype.

vi.setConfig({ testTimeout: 60_000 });
let db: TestDatabase;
let client: pg.Client;
let reader: pg.Client;
let folder: string;
let made = 0;
const vault = createVault(newEncryptionKey('test'));

beforeEach(async () => {
  db = await createTestDatabase();
  [client, reader] = [1, 2].map(() => new pg.Client({ connectionString: db.urls.owner })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([client.connect(), reader.connect()]);
  await seed(client, { production: false });
  folder = mkdtempSync(join(tmpdir(), 'legacy-genuine-'));
});
afterEach(async () => {
  await Promise.all([client.end(), reader.end()]);
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A sample database, changed by the statements. */
function sample(...statements: string[]): string {
  const path = join(folder, `dev-${++made}.db`);
  const legacy = makeLegacyDatabase(path);
  fillLegacyDatabase(legacy);
  legacy.database.exec(statements.join(';'));
  legacy.database.close();
  return path;
}

async function exported(...statements: string[]): Promise<string> {
  const out = join(folder, `out-${++made}`);
  await exportLegacy(sample(...statements), out);
  return out;
}

const put = (dir: string, options: Partial<Parameters<typeof importLegacy>[2]> = {}) =>
  importLegacy(client, dir, { vault, ...options });

const problemsOf = async (...statements: string[]) =>
  (await planImport(client, await exported(...statements))).problems.map(
    ({ table, line, id, column, value, problem }) =>
      `${table} ${id || `line ${line}`}: ${column} ${JSON.stringify(value)} ${problem}`,
  );

async function rows(text: string): Promise<unknown[]> {
  return (await client.query<Record<string, unknown>>(text)).rows;
}

const record = (columns: string, values: string) =>
  `insert into pfa_records (id, pfaId, organizationId, updatedAt, ${columns})
    values ('r1', 'ZZ-1', 'org-holng', 1764000000000, ${values})`;

describe('organizations', () => {
  test.each(['26026', '42', '007', '*'])('a code may be %s', async (code) => {
    const result = await put(
      await exported(
        `insert into organizations (id, code, name, updatedAt) values ('o', '${code}', 'Number', 1764000000000)`,
      ),
    );
    expect(result).toMatchObject({ imported: true, problems: [] });
    expect(await rows(`select code from app_public.organizations where legacy_id = 'o'`)).toEqual([{ code }]);
  });

  test('a bad cell is skipped, and its records and memberships are kept', async () => {
    const dir = await exported(
      `update organizations set isActive = 'perhaps', name = '${'x'.repeat(201)}', createdAt = 'then' where id = 'org-rio'`,
      `insert into pfa_records (id, pfaId, organizationId, updatedAt) values ('r1', 'ZZ-1', 'org-rio', 1764000000000)`,
    );
    const { problems } = await put(dir);
    expect(problems.map(({ table, id, column, problem }) => `${table} ${id} ${column} ${problem}`)).toEqual([
      expect.stringMatching(/^organizations org-rio createdAt is no time/) as string,
      'organizations org-rio isActive is neither true (1) nor false (0)',
      'organizations org-rio name is not 1 to 200 characters long',
    ]);
    const result = await put(dir, { quarantine: true });
    expect(result.outcomes.filter(({ quarantined }) => quarantined > 0)).toEqual([]);
    expect(
      await rows(
        `select o.name, o.is_active, m.pfa_id from app_public.organizations o join app_core.pfa_mirror m on m.organization_id = o.id where o.code = 'RIO'`,
      ),
    ).toEqual([{ name: 'RIO', is_active: true, pfa_id: 'ZZ-1' }]);
    expect((await checkImport(client, reader, undefined)).tables.every(({ isWhole }) => isWhole)).toBe(true);
  });
});

describe('connections', () => {
  const headers = JSON.stringify([
    { key: 'tenant', value: 'T1' },
    { key: 'organization', value: 'LOGINORG' },
    { key: 'gridCode', value: 'MYGRID' },
    { key: 'gridId', value: '777' },
    { key: 'x-route', value: 'a' },
  ]);

  test.each([
    ['https://h:8443/axis/restservices/griddata', 'https://h:8443/axis/restservices'],
    ['https://h/axis/restservices/grids/', 'https://h/axis/restservices'],
    ['https://h/axis/services/UserDefinedScreenService', 'https://h/axis/restservices'],
    ['https://h/axis/restservices/userdefinedscreenservices/CUPFA2', 'https://h/axis/restservices'],
    ['https://h/axis/restservices', 'https://h/axis/restservices'],
    ['https://h/axis/restservices/', 'https://h/axis/restservices'],
  ])('the address %s becomes %s, and headers become settings', async (stored, url) => {
    const path = sample(
      `update api_configurations set url = '${stored}', customHeaders = '${headers}' where id = 'configuration-1'`,
    );
    const { endpoints } = await analyzeLegacy(client, path);
    const settings = { tenant: 'T1', login_organization: 'LOGINORG', grid_name: 'MYGRID', grid_id: '777' };
    expect(endpoints.find(({ id }) => id === 'configuration-1')).toMatchObject({ stored, url, settings });
    const out = join(folder, 'out');
    await exportLegacy(path, out);
    expect(await put(out)).toMatchObject({ imported: true });
    expect(
      await rows(`select c.url, c.custom_headers, s.tenant, s.grid_name, s.grid_id, s.login_organization
        from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
        where c.id = 'configuration-1'`),
    ).toEqual([
      {
        ...{ url, tenant: 'T1', grid_name: 'MYGRID', grid_id: '777', login_organization: 'LOGINORG' },
        custom_headers: [
          { key: 'tenant', value: 'T1' },
          { key: 'x-route', value: 'a' },
        ],
      },
    ]);
    expect((await checkImport(client, reader, undefined)).differences).toEqual([]);
  });

  test('the purpose of a connection is read in the words of the first schema', async () => {
    const words = { PFA: 'PEMS_PFA_READ', pfa_write: 'PEMS_PFA_WRITE', 'ASSET-MASTER': 'PEMS_ASSETS' };
    const dir = await exported(
      ...Object.keys(words).map(
        (word, i) =>
          `insert into api_configurations (id, name, usage, url, updatedAt) values ('c${i}', 'Feed', '${word}', 'https://pems.example/axis/restservices/griddata', 1764000000000)`,
      ),
    );
    expect(await put(dir)).toMatchObject({ imported: true });
    expect(
      await rows(`select usage from app_public.api_configurations where id like 'c_' order by id`),
    ).toEqual(Object.values(words).map((usage) => ({ usage })));
  });
});

describe('days', () => {
  const days = (start: string, end: string) => record('forecastStart, forecastEnd', `${start}, ${end}`);

  test.each([
    [`'2026-04-01T16:00:00.000+00:00'`, `'2026-04-30T16:00:00.000+00:00'`, 'UTC+08:00', 'Asia/Singapore'],
    // In summer and in winter.
    [
      String(Date.UTC(2026, 3, 1, 22)),
      String(Date.UTC(2026, 10, 30, 23)),
      'UTC+01:00 and UTC+02:00',
      'Europe/Berlin',
    ],
    [
      String(Date.UTC(2026, 3, 2, 5)),
      String(Date.UTC(2026, 11, 1, 6)),
      'UTC-06:00 and UTC-05:00',
      'America/Chicago',
    ],
    [
      String(Date.UTC(2026, 3, 1, 23)),
      String(Date.UTC(2026, 11, 1)),
      'UTC+00:00 and UTC+01:00',
      'Europe/London',
    ],
    [`'2026-04-01 18:30:00'`, `'2026-11-30 18:30:00'`, 'UTC+05:30', 'Asia/Calcutta'],
  ])('local midnight elsewhere is detected: %s and %s', async (start, end, offsets, zone) => {
    const path = sample(days(start, end));
    const { foreignDays } = await analyzeLegacy(client, path);
    expect(foreignDays?.timeZones).toContain(zone);
    const out = join(folder, 'out');
    await exportLegacy(path, out);
    await expect(put(out, { quarantine: true })).rejects.toMatchObject({
      code: 'LEGACY_TIME_ZONE',
      message: expect.stringContaining(`local midnight of another zone, ${offsets}, as in`) as string,
    });
    expect(await put(out, { timeZone: zone })).toMatchObject({ imported: true });
    const [found] = (await rows(`select data from app_core.pfa_mirror where pfa_id = 'ZZ-1'`)) as [
      { data: Record<string, string> },
    ];
    expect(found.data.forecastStart).toBe('2026-04-02');
    expect(found.data.forecastEnd).toMatch(/^2026-(05|12)-01$/);
    // The import stores the zone.
    expect((await checkImport(client, reader, undefined)).differences).toEqual([]);
  });

  test('other zones are refused per value if no single zone explains all', async () => {
    expect(await problemsOf(days(`'2026-04-01T16:00:00Z'`, `'2026-04-30T07:00:00Z'`))).toEqual([
      'pfa_records r1: forecastEnd "2026-04-30T07:00:00Z" is 07:00 in UTC and not midnight, so its day depends on a time zone',
      'pfa_records r1: forecastStart "2026-04-01T16:00:00Z" is 16:00 in UTC and not midnight, so its day depends on a time zone',
    ]);
    await expect(put(await exported(), { timeZone: 'Mars/Base' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  test.each([
    [
      '1775088000',
      'is 1970-01-21 as milliseconds since 1970, which is implausible; as seconds since 1970 it is 2026-04-02',
    ],
    [
      '2461132.5',
      'is 1970-01-01 as milliseconds since 1970, which is implausible; as a Julian day it is 2026-04-02',
    ],
    [
      '20545',
      'is 1970-01-01 as milliseconds since 1970, which is implausible; as days since 1970 it is 2026-04-02',
    ],
    ['1775088000000000', 'as microseconds since 1970 it is 2026-04-02'],
    ["'1775088000'", 'as seconds since 1970 it is 2026-04-02'],
    ['20260402', 'as YYYYMMDD it is 2026-04-02'],
    ['0', 'a zero that stands for no day, which is NULL'],
  ])('%s instead of milliseconds is refused with the right unit', async (value, problem) => {
    const problems = await problemsOf(days(value, 'null'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});

describe('users', () => {
  const user = (id: string, username: string, role: string) =>
    `insert into users (id, username, passwordHash, role, updatedAt) select '${id}', '${username}', passwordHash, '${role}', 1764000000000 from users where id = 'user-1'`;

  test('two that differ by case are refused, and the administrator stays', async () => {
    const dir = await exported(user('0000', 'Admin', 'user'));
    const refused = await put(dir);
    expect(refused.imported).toBe(false);
    expect(refused.problems).toEqual([
      {
        ...{ table: 'users', line: 1, id: '0000', column: 'username', value: ['Admin'] },
        problem: 'is the same as that of user-0, but for case or Unicode form',
      },
    ]);
    await put(dir, { quarantine: true });
    expect(
      await rows(`select username, role, is_active from app_public.users where lower(username) = 'admin'`),
    ).toEqual([{ username: 'admin', role: 'admin', is_active: true }]);
  });

  test('two that differ by Unicode normal form are refused', async () => {
    expect(await problemsOf(user('z', 'chloe\u0301', 'user'))).toEqual([
      'users z: username ["chloé"] is the same as that of user-3',
    ]);
  });

  test.each([`role = 'user'`, `role = 'viewer'`, 'isActive = 0'])(
    'an existing administrator keeps the rights: %s',
    async (change) => {
      const dir = await exported(
        `update users set ${change} where username = 'admin'`,
        user('b', 'boss', 'admin'),
      );
      expect(
        (await put(dir)).problems
          .filter(({ table }) => table === 'users')
          .map(({ id, column, problem }) => `${id} ${column} ${problem}`),
      ).toEqual(['user-0 role would lower the rights of the administrator "admin" who is here']);
    },
  );

  test('an import that leaves no administrator is refused before any change', async () => {
    await client.query('delete from app_public.users');
    const dir = await exported(`update users set role = 'user'`);
    await expect(put(dir, { quarantine: true })).rejects.toMatchObject({ code: 'LEGACY_NO_ADMINISTRATOR' });
    expect(await rows('select from app_public.users')).toEqual([]);
  });
});

describe('edits that were not submitted', () => {
  const columns = [
    `alter table pfa_records add column syncState text default 'pristine'`,
    'alter table pfa_records add column modifiedFields text',
    'alter table pfa_records add column modifiedBy text',
    'alter table pfa_records add column modifiedAt datetime',
  ];
  const edited = (state: string, fields: string, by: string) =>
    record(
      'category, forecastEnd, syncState, modifiedFields, modifiedBy, modifiedAt',
      `'CRANES', ${Date.UTC(2026, 4, 1)}, '${state}', '${fields}', '${by}', 1764000000000`,
    );
  const drafts = `select u.username, m.data ? 'forecastEnd' as is_in_mirror, m.data->>'category' as category, d.delta, d.base,
      d.state, d.problems, o.data->>'forecastEnd' as seen
    from app_core.pfa_mirror m join app_core.pfa_modification d using (organization_id, pfa_id)
    join app_public.users u on u.id = d.user_id
    left join app_core.pfa_overlay o on o.organization_id = m.organization_id and o.pfa_id = m.pfa_id and o.viewer_id = d.user_id`;

  test.each([
    ['modified', 'user-0', 'admin'],
    ['error', 'user-1', 'anna'],
    ['modified', 'anna', 'anna'],
  ])('%s by %s becomes a draft of %s, and is not in the mirror', async (state, by, username) => {
    const before = await rows('select count(*) from app_core.pfa_mirror');
    const dir = await exported(...columns, edited(state, '["forecastEnd"]', by));
    expect(await put(dir)).toMatchObject({ imported: true, problems: [] });
    expect(await rows(drafts)).toEqual([
      {
        ...{ username, is_in_mirror: false, category: 'CRANES', state: 'draft', problems: {} },
        ...{ delta: { forecastEnd: '2026-05-01' }, base: { forecastEnd: null }, seen: '2026-05-01' },
      },
    ]);
    expect((await checkImport(client, reader, undefined)).differences).toEqual([]);
    const back = await rollBackImport(client, reader);
    expect(back.rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
    expect(await rows('select count(*) from app_core.pfa_mirror')).toEqual(before);
    expect(await rows('select from app_core.pfa_modification')).toEqual([]);
  });

  test("an existing mirror record keeps PEMS's values, and the author decides", async () => {
    await client.query(`insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at)
      select id, 'ZZ-1', '{"pfaId": "ZZ-1", "category": "CRANES", "forecastEnd": "2026-06-01"}', now() from app_public.organizations where code = 'HOLNG'`);
    await put(await exported(...columns, edited('modified', '["forecastEnd"]', 'user-0')));
    expect(await rows(drafts)).toMatchObject([
      {
        ...{ is_in_mirror: true, delta: { forecastEnd: '2026-05-01' } },
        problems: { forecastEnd: { kind: 'conflict', theirs: '2026-06-01', mine: '2026-05-01' } },
      },
    ]);
  });

  test('an emptied field is an edit too; a pristine record has none', async () => {
    await put(
      await exported(
        ...columns,
        edited('modified', '["forecastEnd", "model"]', 'user-0'),
        `insert into pfa_records (id, pfaId, organizationId, updatedAt, category, modifiedFields, modifiedBy) values ('r2', 'ZZ-2', 'org-holng', 1764000000000, 'X', '["category"]', 'user-0')`,
      ),
    );
    expect(await rows('select pfa_id, delta from app_core.pfa_modification')).toEqual([
      { pfa_id: 'ZZ-1', delta: { forecastEnd: '2026-05-01', model: null } },
    ]);
  });

  test.each([
    ['', 'user-0', 'modifiedFields "" names no fields, though syncState says "modified"'],
    ['[]', 'user-0', 'modifiedFields "[]" names no fields, though syncState says "modified"'],
    ['["pfaId"]', 'user-0', 'modifiedFields "[\\"pfaId\\"]" names "pfaId", which cannot be edited'],
    ['["forecastEnd"]', 'nobody', 'modifiedBy "nobody" is no user, by id or username'],
    ['["forecastEnd"]', '', 'modifiedBy "" is missing: an edit that was not submitted belongs to a user'],
  ])('ambiguous edits are refused: %s of "%s"', async (fields, by, problem) => {
    expect(await problemsOf(...columns, edited('modified', fields, by))).toEqual([
      `pfa_records r1: ${problem}`,
    ]);
  });
});

describe('tables and cells', () => {
  test('a table is found in another case or by its Prisma name, and so are its columns', async () => {
    const dir = await exported(
      'alter table users rename to users_tmp',
      'alter table users_tmp rename to "USERS"',
      'alter table pfa_records rename to "PfaRecord"',
      'alter table user_organizations rename to "UserOrganization"',
      'alter table organizations rename column isActive to is_active',
      `update organizations set is_active = 0 where id = 'org-rio'`,
    );
    const result = await put(dir);
    expect(result).toMatchObject({ imported: true, problems: [] });
    expect(result.outcomes.find(({ table }) => table === 'users')).toMatchObject({ added: 6, merged: 1 });
    expect(await rows(`select is_active from app_public.organizations where code = 'RIO'`)).toEqual([
      { is_active: false },
    ]);
    const { tables, differences } = await checkImport(client, reader, undefined);
    expect(tables.filter(({ isWhole }) => !isWhole)).toEqual([]);
    expect(differences).toEqual([]);
  });

  test('an unrelated database is refused', async () => {
    const path = join(folder, 'else.db');
    const legacy = makeLegacyDatabase(path);
    for (const { name } of legacy.database
      .prepare(`select name from sqlite_schema where type = 'table'`)
      .all())
      legacy.database.exec(`drop table "${String(name)}"`);
    legacy.database.exec('create table songs (a)');
    legacy.database.close();
    await expect(analyzeLegacy(client, path)).rejects.toMatchObject({
      code: 'LEGACY_NOT_PROTOTYPE',
      message: 'None of the 1 tables is one of the prototype: songs.',
    });
  });

  test('tables with credentials are listed', async () => {
    const { credentialTables } = await planImport(
      client,
      await exported(
        'create table organization_api_credentials (id text, authValueEncrypted text)',
        `insert into organization_api_credentials values ('a', 'b')`,
      ),
    );
    expect(credentialTables).toEqual(['the credentials in organization_api_credentials (1 rows)']);
  });

  test('an empty id is refused with table, row and column', async () => {
    const empty = (id: string) =>
      `insert into organizations (id, code, name, updatedAt) values ('${id}', 'E${id.length}', 'Empty id', 1764000000000)`;
    expect(await problemsOf(empty(''), empty('  '))).toEqual([
      'organizations line 1: id "" is empty: every row needs an id',
      'organizations   : id "  " is empty: every row needs an id',
    ]);
  });

  test('every constraint of the tables has an error text', async () => {
    expect(
      await rows(`select c.conname from app_private.legacy_table t join pg_constraint c on c.conrelid = t.target::regclass
        where c.contype = 'c' and t.name not in ('pfa_records', 'pfa_modification')
          and app_private.legacy_rule_words(pg_get_expr(c.conbin, c.conrelid)) is null`),
    ).toEqual([]);
    expect(
      await problemsOf(
        `update users set role = 'king', email = 'x' where id = 'user-2'`,
        `update api_configurations set url = 'ftp://x' where id = 'configuration-1'`,
        `update api_configurations set url = 'https://jo:se:cr@t@pems.example/axis' where id = (
          select id from api_configurations where id <> 'configuration-1' and url is not null order by id limit 1)`,
        `update ai_providers set availableModels = '{}', errorRate = 3 where id = 'gemini-default'`,
      ),
    ).toEqual(
      expect.arrayContaining([
        'users user-2: email "x" is not 3 to 320 characters long',
        'users user-2: role "king" is none of admin, user, viewer',
        'api_configurations configuration-1: url "ftp://x" is no address that begins with http:// or https://',
        expect.stringContaining(
          'url "https://***@pems.example/axis" has a user or a password in it, which belong to the credentials',
        ) as string,
        'ai_providers gemini-default: availableModels {} is no JSON list',
        'ai_providers gemini-default: errorRate 3 is not between 0 and 1',
      ]),
    );
  });

  test('a choice is matched in any case, and refused outside the list', async () => {
    await put(await exported(record('source', `'RENTAL'`)));
    expect(
      await rows(`select data->>'source' as source from app_core.pfa_mirror where pfa_id = 'ZZ-1'`),
    ).toEqual([{ source: 'Rental' }]);
    await rollBackImport(client, reader);
    expect(await problemsOf(record('source', `'Loan'`))).toEqual([
      expect.stringContaining('pfa_records r1: source "Loan" is none of Rental, Purchase') as string,
    ]);
  });
});
