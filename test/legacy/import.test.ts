import { createCipheriv, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findLogin } from '../../sql/auth/auth.queries.ts';
import { verifyPassword } from '../../src/auth/passwords.ts';
import { saveConnection, type NewConnection } from '../../src/connections.ts';
import { seed } from '../../src/database/seed.ts';
import {
  createVault,
  credentialContext,
  newEncryptionKey,
  providerCredentialContext,
} from '../../src/encryption.ts';
import { analyzeLegacy } from '../../src/legacy/analyze.ts';
import { checkImport, rollBackImport } from '../../src/legacy/check.ts';
import { exportLegacy } from '../../src/legacy/export.ts';
import { importLegacy, planImport, type ImportResult } from '../../src/legacy/import.ts';
import { readManifest, type Manifest } from '../../src/legacy/manifest.ts';
import { verifyExport } from '../../src/legacy/verify.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { legacyDatabases } from '../support/scale.ts';
import { fillHostile, hostileRows } from './hostile.ts';
import {
  fillLegacyDatabase,
  fillRecords,
  makeLegacyDatabase,
  type LegacyDatabase,
  type LegacyRow,
} from './legacy-database.ts';

let db: TestDatabase;
let client: pg.Client;
let reader: pg.Client;
let folder: string;
const vault = createVault(newEncryptionKey('test'));

beforeEach(async () => {
  db = await createTestDatabase();
  [client, reader] = [1, 2].map(() => new pg.Client({ connectionString: db.urls.owner })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([client.connect(), reader.connect()]);
  folder = mkdtempSync(join(tmpdir(), 'legacy-import-'));
});
afterEach(async () => {
  // No outcome leaves a transaction open.
  const { rows } = await client.query('select now() = statement_timestamp() as is_outside');
  await Promise.all([client.end(), reader.end()]);
  await db.close();
  rmSync(folder, { recursive: true, force: true });
  expect(rows).toEqual([{ is_outside: true }]);
});

/** An export of a database with these contents. */
async function exported(fill: (legacy: LegacyDatabase) => void, name = 'export'): Promise<string> {
  const path = join(folder, `${name}.db`);
  const legacy = makeLegacyDatabase(path);
  fill(legacy);
  legacy.database.close();
  await exportLegacy(path, join(folder, name));
  return join(folder, name);
}

const put = (dir: string, options: Partial<Parameters<typeof importLegacy>[2]> = {}) =>
  importLegacy(client, dir, { vault, ...options });

const check = () => checkImport(client, reader, undefined);

const outcome = ({ outcomes }: Pick<ImportResult, 'outcomes'>, table: string) =>
  outcomes.find((found) => found.table === table);

/** The connection to the simulator, as a seeded installation has it. */
const simulated: NewConnection = {
  ...{ id: 'pems-global-pfa-read', name: 'PEMS', url: 'http://127.0.0.1:1/x', tenant: 'SIM' },
  ...{ username: 'sim', password: 'sim', dateOrder: 'MDY', requestType: 'LIST.DATA_ONLY.STORED' },
  isSimulated: true,
};

/** All data that an import may change, without modification times. */
async function contents(): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const table of [
    ...[
      'app_public.organizations',
      'app_public.users',
      'app_public.user_organizations',
      'app_public.ai_providers',
    ],
    ...[
      'app_public.organization_ai_configs',
      'app_public.api_configurations',
      'app_public.data_source_mappings',
    ],
    ...['app_public.field_configurations', 'app_public.pems_settings', 'app_private.user_passwords'],
    ...['app_core.pfa_mirror', 'app_private.legacy_row'],
  ]) {
    const { rows } = await client.query<{ row: unknown }>(
      `select to_jsonb(t) - 'updated_at' as row from ${table} t order by (to_jsonb(t) - 'updated_at')::text`,
    );
    result[table] = rows.map(({ row }) => row);
  }
  const { rows } = await client.query(
    'select api_configuration_id, ai_provider_id, name, ciphertext from app_private.credentials order by 1, 2, 3',
  );
  return { ...result, credentials: rows };
}

describe('import', () => {
  test('imports the 67 rows of the prototype into a new installation, and all users sign in with their old passwords', async () => {
    await seed(client, { production: false });
    const dir = await exported(fillLegacyDatabase);

    const result = await put(dir);

    expect(result).toMatchObject({ imported: true, problems: [] });
    expect(
      Object.fromEntries(
        result.outcomes.map(({ table, added, merged, same }) => [table, [added, merged, same]]),
      ),
    ).toEqual({
      // Rows with equal code, username or slug are one row.
      organizations: [24, 4, 0],
      users: [6, 1, 0],
      user_organizations: [12, 0, 0],
      ai_providers: [0, 3, 0],
      organization_ai_configs: [2, 0, 0],
      api_configurations: [9, 1, 0],
      data_source_mappings: [3, 1, 0],
      field_configurations: [1, 0, 0],
    });
    for (const username of ['admin', 'ANNA', 'chloé']) {
      const [login] = await findLogin.run({ username }, client);
      expect(await verifyPassword('admin123', login!.passwordHash), username).toMatchObject({
        matches: true,
      });
      expect(login!.mustChangePassword).toBe(false);
    }
    expect(
      (
        await client.query(`
      select o.code, m.role, u.legacy_id from app_public.user_organizations m
      join app_public.organizations o on o.id = m.organization_id join app_public.users u on u.id = m.user_id
      where m.legacy_id = 'membership-7'`)
      ).rows,
    ).toEqual([{ code: 'RIO', role: 'viewer', legacy_id: 'user-1' }]);
    // Times of both kinds: milliseconds, and the text of a default value in SQLite.
    expect(
      (
        await client.query(
          `
      select to_char(last_sync_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') as at, count(*)::integer
      from app_public.api_configurations where last_sync_at is not null group by 1 order by 1`,
        )
      ).rows,
    ).toEqual([
      { at: '2025-01-05 08:30:15.000', count: 5 },
      { at: '2025-01-05 08:30:15.250', count: 5 },
    ]);
    // Only the key here of each row, and its earlier values if it was merged.
    expect(
      (
        await client.query(`
      select string_agg(distinct k, ' ' order by k) as keys, bool_and((r.previous is null) = (r.state = 'added') and r.problems is null) as is_bare
      from app_private.legacy_row r cross join jsonb_object_keys(r.target) k`)
      ).rows,
    ).toEqual([{ keys: 'id organization_id user_id', is_bare: true }]);
    expect(
      (await client.query(`select target from app_private.legacy_row where legacy_id = 'configuration-1'`))
        .rows,
    ).toEqual([{ target: { id: 'configuration-1' } }]);
    const { tables, differences } = await check();
    expect(tables.filter(({ isWhole }) => !isWhole)).toEqual([]);
    expect(tables.reduce((sum, { rows }) => sum + rows, 0)).toBe(67);
    expect(differences).toEqual([]);
  });

  test('records become mirror records of their organization, and count in its totals', async () => {
    const dir = await exported((legacy) => {
      legacy.insert('organizations', { id: 'org-a', code: 'A', name: 'A', updatedAt: 1 });
      fillRecords(legacy, 'org-a', 300);
    });
    // Indexes and constraints that the import dropped for speed exist again.
    const indexes = `select indexdef as definition from pg_indexes where tablename = 'pfa_mirror'
      union all select pg_get_constraintdef(oid) from pg_constraint where conrelid in ('app_private.legacy_row'::regclass, 'app_core.pfa_mirror'::regclass)
      order by 1`;
    const before = await client.query(indexes);

    expect(await put(dir)).toMatchObject({ imported: true });

    const { rows } = await client.query<{ data: unknown }>(`
      select m.data, to_char(m.version, 'YYYY-MM-DD HH24:MI') as version, m.version_by, m.observed_at, m.forecast_start::text
      from app_core.pfa_mirror m join app_public.organizations o on o.id = m.organization_id where o.code = 'A' and m.pfa_id = 'PFA-0000003'`);
    expect(rows).toEqual([
      {
        data: {
          ...{
            pfaId: 'PFA-0000003',
            organization: 'ORG-A',
            areaSilo: 'Silo 3',
            category: 'Category 3',
            class: 'Class 3',
          },
          ...{
            source: 'Rental',
            dor: 'PROJECT',
            monthlyRate: 1003.5,
            manufacturer: 'Maker “Ω”',
            model: 'Model 3',
          },
          ...{ contract: 'C-3', equipment: 'EQ-3', originalStart: '2026-01-04', originalEnd: '2026-04-04' },
          ...{
            forecastStart: '2026-01-09',
            forecastEnd: '2026-04-14',
            actualStart: '2026-01-10',
            actualEnd: '2026-04-15',
          },
          ...{ isActualized: true, isDiscontinued: false, isFundsTransferable: false },
        },
        ...{ version: '2026-01-04 09:30', version_by: 'KREYES', forecast_start: '2026-01-09' },
        observed_at: new Date('2026-01-02T00:00:00Z'),
      },
    ]);
    // The import refreshes the summary, which equals the records.
    expect(
      (
        await client.query(`
      select (select sum(record_count + discontinued_count)::integer from app_private.pfa_kpi_summary) as summed,
        (select sum(forecast_cost_cents) from app_private.pfa_kpi_summary)
          = (select sum(forecast_cost_cents) from app_core.pfa_mirror where not is_discontinued) as agrees`)
      ).rows,
    ).toEqual([{ summed: 300, agrees: true }]);
    // A job to list the values for the search is queued.
    expect(
      (
        await client.query(
          'select o.code from app_private.pfa_search_stale s join app_public.organizations o on o.id = s.organization_id',
        )
      ).rows,
    ).toEqual([{ code: 'A' }]);
    expect((await client.query(indexes)).rows).toEqual(before.rows);
    expect((await check()).differences).toEqual([]);
  });

  test("a plan's own price determines its cost; for an empty cell, the forecast's price does", async () => {
    const dir = await exported((legacy) => {
      legacy.insert('organizations', { id: 'org-a', code: 'A', name: 'A', updatedAt: 1 });
      for (const column of [
        '"originalSource" TEXT',
        '"originalMonthlyRate" REAL',
        '"originalPurchasePrice" REAL',
      ])
        legacy.database.exec(`alter table pfa_records add column ${column}`);
      const plans: LegacyRow[] = [
        { originalSource: 'Rental', originalMonthlyRate: 1522.5 },
        { originalPurchasePrice: 7 },
      ];
      legacy.insert(
        'pfa_records',
        ...plans.map((plan, i) => ({
          ...{ id: `record-${i}`, pfaId: `r${i}`, organizationId: 'org-a', updatedAt: 1, ...plan },
          ...{ source: 'Rental', monthlyRate: 3044 },
          // 100 days.
          ...{ originalStart: Date.UTC(2026, 0, 1), originalEnd: Date.UTC(2026, 3, 11) },
        })),
      );
    });
    expect(outcome(await put(dir), 'pfa_records')).toMatchObject({ added: 2 });
    const { rows } = await client.query(
      `select data->'originalMonthlyRate' as rate, data->'originalPurchasePrice' as price, plan_cost_cents as cents
      from app_core.pfa_mirror order by pfa_id`,
    );
    expect(rows).toEqual([
      { rate: 1522.5, price: null, cents: '500164' },
      { rate: null, price: 7, cents: '1000000' },
    ]);
    expect((await check()).differences).toEqual([]);
  });

  test('for a record in the mirror the values of PEMS win; one with a time in the future can still be overwritten', async () => {
    await client.query(`insert into app_public.organizations (code, name) values ('A', 'A')`);
    await client.query(`insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at)
      select id, 'PFA-0000001', '{"pfaId": "PFA-0000001", "category": "from PEMS"}', now() from app_public.organizations`);
    const dir = await exported((legacy) => {
      legacy.insert('organizations', { id: 'org-a', code: 'A', name: 'A', updatedAt: 1 });
      fillRecords(legacy, 'org-a', 3);
      legacy.database.exec(
        `update pfa_records set "updatedAt" = 4000000000000 where "pfaId" = 'PFA-0000002'`,
      );
    });
    expect(outcome(await put(dir), 'pfa_records')).toMatchObject({ added: 2, same: 1 });
    expect(
      (
        await client.query(`select pfa_id, data->>'category' as category, observed_at <= now() as is_past
      from app_core.pfa_mirror order by 1`)
      ).rows,
    ).toEqual([
      { pfa_id: 'PFA-0000000', category: 'Category 0', is_past: true },
      { pfa_id: 'PFA-0000001', category: 'from PEMS', is_past: true },
      { pfa_id: 'PFA-0000002', category: 'Category 2', is_past: true },
    ]);
    const { differences } = await check();
    expect(new Set(differences.map(({ id, why }) => `${id} ${why}`))).toEqual(new Set(['org-a-1 kept']));
  });

  test('a repeated or concurrent import changes nothing; another export is refused while one is imported', async () => {
    await seed(client, { production: false });
    const dir = await exported(fillLegacyDatabase);
    const both = await Promise.all([put(dir), importLegacy(reader, dir, { vault })]);
    expect(both.map(({ imported }) => imported).sort()).toEqual([false, true]);
    const before = await contents();
    expect(await put(dir)).toMatchObject({
      imported: false,
      alreadyImportedAt: expect.any(Date) as Date,
      problems: [],
    });
    expect(await contents()).toEqual(before);

    const other = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      legacy.database.exec(`update organizations set name = 'renamed'`);
    }, 'other');
    await expect(put(other)).rejects.toMatchObject({ code: 'LEGACY_OTHER_IMPORT' });
    // The database itself allows only one.
    await expect(
      client.query(`insert into app_private.legacy_import (manifest, manifest_sha256) values ('{}', '')`),
    ).rejects.toMatchObject({ constraint: 'legacy_import_standing_key' });
    expect(await contents()).toEqual(before);
  });

  test('rows that cannot be migrated stop the import with a list, and nothing changes', async () => {
    await seed(client, { production: false });
    await client.query(
      `insert into app_public.users (username, email) values ('here already', 'Taken@example.com')`,
    );
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      const { database } = legacy;
      database.exec(
        `update users set "isActive" = 'perhaps', "createdAt" = '2025-02-30 00:00:00' where id = 'user-1'`,
      );
      database.exec(`update users set username = 'BEN' where id = 'user-3'`);
      database.exec(`update users set email = 'taken@EXAMPLE.com' where id = 'user-4'`);
      database.exec(`update users set "passwordHash" = 'admin123', role = 'king' where id = 'user-5'`);
      database.exec(`update user_organizations set "organizationId" = 'nowhere' where id = 'membership-6'`);
      database.exec(`update field_configurations set "fieldMappings" = '[{'`);
      database.exec(
        `update ai_providers set "pricingInput" = 9e999, "availableModels" = '{}' where id = 'gemini-default'`,
      );
      database.exec(
        `update organizations set description = cast(x'61ff' as text), name = '' where id = 'org-rio'`,
      );
      database.exec(`update api_configurations set name = 'a' || char(0) where id = 'configuration-1'`);
    });
    const before = await contents();

    const result = await put(dir);

    expect(result.imported).toBe(false);
    expect(
      result.problems.map(({ table, id, column, problem }) => `${table} ${id} ${column} ${problem}`),
    ).toEqual([
      'organizations org-rio description is no text that can be kept: bytes, invalid characters or U+0000',
      'organizations org-rio name is missing',
      'users user-1 createdAt is no time: milliseconds since 1970, or YYYY-MM-DD HH:MM:SS, of the years 1 to 9999',
      'users user-1 isActive is neither true (1) nor false (0)',
      'users user-3 username is the same as that of user-2, but for case or Unicode form',
      'users user-4 email is taken by another row that is here already',
      'users user-5 passwordHash is no bcrypt hash',
      // Rows of refused users and organizations; in the order of the file, by id.
      'user_organizations membership-1 userId points at a row of users that cannot be migrated',
      ...['10', '11', '3', '4', '5'].map(
        (id) => `user_organizations membership-${id} userId points at a row of users that cannot be migrated`,
      ),
      'user_organizations membership-6 organizationId points at no row of organizations',
      'user_organizations membership-7 userId points at a row of users that cannot be migrated',
      'user_organizations membership-9 userId points at a row of users that cannot be migrated',
      'ai_providers gemini-default pricingInput is no finite number',
      'organization_ai_configs ai-0 primaryProviderId points at a row of ai_providers that cannot be migrated',
      'organization_ai_configs ai-1 primaryProviderId points at a row of ai_providers that cannot be migrated',
      'api_configurations configuration-1 name is no text that can be kept: bytes, invalid characters or U+0000',
      'field_configurations default fieldMappings is not JSON that can be stored',
    ]);
    // Never a password, also not a plain one in place of its hash.
    expect(result.problems.find(({ column }) => column === 'passwordHash')).toMatchObject({
      value: '(hidden)',
    });
    expect(await contents()).toEqual(before);
  });

  test('constraints of the tables here, which no conversion knows, are checked too', async () => {
    const dir = await exported((legacy) => {
      legacy.insert('organizations', { id: 'o', code: ' PADDED', name: 'x', updatedAt: 1 });
      legacy.insert('api_configurations', {
        id: 'c',
        name: 'c',
        usage: 'ELSE',
        url: 'ftp://x',
        updatedAt: 1,
      });
    });
    const { problems } = await planImport(client, dir);
    expect(problems.map(({ id, problem }) => `${id} ${problem}`)).toEqual([
      'o begins or ends with a space, or is not 1 to 50 characters long',
      expect.stringMatching(/^c is no address that begins/) as string,
      expect.stringMatching(/^c is none of PEMS_PFA_READ, /) as string,
    ]);
  });

  test('a bad row does not affect others, and missing keys are no duplicates', async () => {
    const dir = await exported((legacy) => {
      const passwordHash = `$2b$04$${'x'.repeat(53)}`;
      const user = (id: string, username: string, isActive: number | string = 1) => ({
        ...{ id, username, isActive, passwordHash, updatedAt: 1 },
      });
      legacy.insert('organizations', { id: 'o', code: 'A', name: 'A', updatedAt: 1 });
      legacy.insert('users', user('u1', 'Twin', 'x'), user('u2', 'twin'), {
        ...user('u3', 'other'),
        role: 'admin',
      });
      legacy.insert('ai_providers', {
        ...{ id: 'p', type: 'none', name: 'p', apiKeyEncrypted: 'AAAA:BBBB:CCCC', updatedAt: 1 },
      });
      // A table without ids: line numbers identify its rows.
      legacy.database
        .exec(`drop table pfa_records; create table pfa_records ("pfaId", "organizationId", "category", "updatedAt");
        insert into pfa_records values ('R', 'o', 'first', 1), ('S', 'o', null, 1), ('R', 'o', 'second', 1)`);
    });
    const result = await put(dir, { quarantine: true });
    expect(result.problems).toEqual([
      {
        ...{ table: 'users', line: 1, id: 'u1', column: 'isActive', value: 'x' },
        problem: 'is neither true (1) nor false (0)',
      },
      {
        ...{ table: 'ai_providers', line: 1, id: 'p', column: 'type', value: 'none' },
        problem: 'is none of gemini, openai, anthropic, azure-openai',
      },
      {
        ...{
          table: 'pfa_records',
          line: 3,
          id: null,
          column: 'organizationId, pfaId',
          value: ['o', 'R'],
        },
        problem: 'is the same as that of line 1',
      },
    ]);
    expect(outcome(result, 'users')).toMatchObject({ added: 2, quarantined: 1 });
    expect(outcome(result, 'pfa_records')).toMatchObject({ added: 2, quarantined: 1 });
    expect(result.credentials.toBeEnteredAgain).toEqual([]);
    expect((await check()).differences).toEqual([]);
  });

  test('JSON too deep for the database counts as invalid, and listed values are shortened', async () => {
    const dir = await exported((legacy) => {
      legacy.insert(
        'field_configurations',
        ...[1, 2].map((id) => ({ id, name: 'x', fieldMappings: '['.repeat(50_000 * id), updatedAt: 1 })),
      );
      const passwordHash = `$2b$04$${'x'.repeat(53)}`;
      legacy.insert(
        'users',
        ...['a', 'A'].map((letter) => ({
          ...{
            id: letter,
            username: letter === 'a' ? 'one' : 'other',
            email: letter.repeat(300),
            passwordHash,
            updatedAt: 1,
          },
        })),
      );
    });
    const { problems } = await planImport(client, dir);
    expect(problems.map(({ column, problem }) => `${column} ${problem}`)).toEqual([
      'email is the same as that of A, but for case or Unicode form',
      ...Array<string>(2).fill('fieldMappings is not JSON that can be stored'),
    ]);
    expect(JSON.stringify(problems).length).toBeLessThan(1100);
  });

  test('a row matches the existing row with the first equal key; a key of another row is refused', async () => {
    await seed(client, { production: false });
    await client.query(`
      insert into app_public.user_organizations (user_id, organization_id)
        select u.id, o.id from app_public.users u, app_public.organizations o where u.username = 'admin' and o.code = 'HOLNG';
      insert into app_public.organization_ai_configs (organization_id) select id from app_public.organizations where code = 'HOLNG';
      insert into app_public.field_configurations (id, name) values ('default', 'Ours');
      -- As the prototype has it, but that somebody has been at it.
      insert into app_public.field_configurations (id, name, created_at) values ('theirs', 'Same', '2020-01-01')`);
    const fill = (legacy: LegacyDatabase) => {
      fillLegacyDatabase(legacy);
      legacy.insert('field_configurations', { id: 'theirs', name: 'Same', updatedAt: 1 });
      // By its id it is an existing row, with another purpose.
      legacy.database.exec(
        `update data_source_mappings set id = 'pfa-write', "entityType" = 'classifications' where id = 'mapping-3'`,
      );
    };
    const before = await contents();
    const result = await put(await exported(fill));
    expect(
      Object.fromEntries(
        result.outcomes.map(({ table, added, merged, same }) => [table, [added, merged, same]]),
      ),
    ).toMatchObject({
      ...{
        user_organizations: [11, 1, 0],
        organization_ai_configs: [1, 1, 0],
        field_configurations: [0, 1, 1],
      },
      data_source_mappings: [2, 2, 0],
    });
    const { rows } = await rollBackImport(client, reader);
    expect(rows.filter(({ id }) => id === 'theirs')).toEqual([]);
    expect(await contents()).toEqual(before);

    const dir = await exported((legacy) => {
      fill(legacy);
      // By its id one existing row, by its purpose another.
      legacy.database.exec(`update data_source_mappings set "entityType" = 'pfa' where id = 'pfa-write';
        update data_source_mappings set "entityType" = 'classifications' where id = 'mapping-0'`);
      // Without organization, twice: that is the same.
      legacy.insert('data_source_mappings', {
        ...{ id: 'twice', entityType: 'asset_master', apiConfigId: 'pems-global-pfa-read', updatedAt: 1 },
      });
    }, 'colliding');
    expect((await put(dir)).problems.map(({ id, column, problem }) => `${id} ${column} ${problem}`)).toEqual([
      'pfa-write organizationId, entityType, apiConfigId is taken by another row that is here already',
      'twice organizationId, entityType, apiConfigId is the same as that of mapping-2',
    ]);
  });

  test('equal ids in several tables are not mixed up', async () => {
    await client.query(
      `insert into app_public.organizations (code, name) values ('FIRST', 'So that keys differ')`,
    );
    const dir = await exported((legacy) => {
      const passwordHash = `$2b$04$${'x'.repeat(53)}`;
      legacy.insert(
        'organizations',
        ...['1', '2'].map((id) => ({ id, code: `O${id}`, name: id, updatedAt: 1 })),
      );
      legacy.insert(
        'users',
        ...['1', '2'].map((id) => ({ id, username: `u${id}`, passwordHash, role: 'admin', updatedAt: 1 })),
      );
      legacy.insert('user_organizations', { id: '1', userId: '1', organizationId: '2', updatedAt: 1 });
    });
    await put(dir);
    expect(
      (
        await client.query(`select o.code, u.username from app_public.user_organizations m
          join app_public.organizations o on o.id = m.organization_id join app_public.users u on u.id = m.user_id`)
      ).rows,
    ).toEqual([{ code: 'O2', username: 'u1' }]);
    expect((await check()).differences).toEqual([]);
  });

  test('with quarantine the other rows are imported, and bad ones are kept with their problem', async () => {
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      legacy.database.exec(`update organizations set code = ' x' where id = 'org-holng'`);
      // At any chunk size, a boundary lies inside one of these characters.
      const long = legacy.database.prepare('update organizations set description = ? where id = ?');
      for (const i of [0, 1, 2, 3]) long.run('x'.repeat(i) + '👷'.repeat(20_000), `org-site${i + 5}`);
    });
    const result = await put(dir, { quarantine: true });
    expect(result.imported).toBe(true);
    expect(outcome(result, 'organizations')).toMatchObject({ added: 27, quarantined: 1 });
    // Six memberships, an AI configuration and nine connections go with the organization.
    expect(outcome(result, 'user_organizations')).toMatchObject({ added: 6, quarantined: 6 });
    expect(outcome(result, 'api_configurations')).toMatchObject({ added: 1, quarantined: 9 });
    expect(
      (
        await client.query(
          `select legacy_id, problems from app_private.legacy_row where table_name = 'organizations' and state = 'quarantined'`,
        )
      ).rows,
    ).toEqual([
      {
        legacy_id: 'org-holng',
        problems: [
          {
            ...{ column: 'code', value: ' x' },
            problem: 'begins or ends with a space, or is not 1 to 50 characters long',
          },
        ],
      },
    ]);
    const { tables, differences } = await check();
    expect(tables.every(({ isWhole }) => isWhole)).toBe(true);
    expect(differences).toEqual([]);
  });

  test('changes of users here stay; untouched rows take the values of the prototype', async () => {
    await seed(client, { production: false });
    await client.query(`update app_public.organizations set name = 'Ours' where code = 'RIO'`);
    await client.query(`update app_private.user_passwords set must_change = false`);
    const { rows: before } = await client.query('select password_hash from app_private.user_passwords');
    const dir = await exported(fillLegacyDatabase);

    expect(outcome(await put(dir), 'organizations')).toMatchObject({ merged: 3, same: 1 });

    expect(
      (
        await client.query(
          `select code, name, legacy_id, created_at > now() - interval '1 hour' as is_ours from app_public.organizations where code in ('RIO', 'HOLNG') order by 1`,
        )
      ).rows,
    ).toEqual([
      // The row itself has its creation time.
      { code: 'HOLNG', name: 'Project HOLNG', legacy_id: 'org-holng', is_ours: true },
      { code: 'RIO', name: 'Ours', legacy_id: null, is_ours: true },
    ]);
    // Its memberships belong to the existing organization.
    expect(
      (
        await client.query(
          `select count(*)::integer from app_public.user_organizations m join app_public.organizations o on o.id = m.organization_id where o.code = 'RIO'`,
        )
      ).rows,
    ).toEqual([{ count: 6 }]);
    // A user who has chosen a password here keeps it.
    expect(
      (
        await client.query(
          `select p.password_hash from app_private.user_passwords p join app_public.users u on u.id = p.user_id where u.username = 'admin'`,
        )
      ).rows,
    ).toEqual(before);
    expect((await check()).differences).toEqual([
      expect.objectContaining({
        table: 'organizations',
        id: 'org-rio',
        column: 'legacy_id',
        why: 'kept',
      }) as unknown,
      expect.objectContaining({
        table: 'organizations',
        id: 'org-rio',
        column: 'name',
        legacy: 'Project RIO',
        current: 'Ours',
        why: 'kept',
      }) as unknown,
    ]);
  });

  test('a modified export is refused, even for its last byte', async () => {
    const dir = await exported(fillLegacyDatabase);
    const before = await contents();
    const manifest = (await readManifest(dir)) as Manifest;
    const users = manifest.tables.find(({ name }) => name === 'users')!.file;
    const whole = readFileSync(join(dir, users));
    writeFileSync(join(dir, users), whole.toString().replace('"anna"', '"anne"'));
    await expect(put(dir)).rejects.toMatchObject({ code: 'LEGACY_EXPORT_DAMAGED' });
    writeFileSync(join(dir, users), whole);
    appendFileSync(join(dir, users), '\n');
    await expect(put(dir)).rejects.toMatchObject({ code: 'LEGACY_EXPORT_DAMAGED' });
    writeFileSync(join(dir, users), whole);
    appendFileSync(join(dir, 'manifest.json'), ' ');
    await expect(put(dir)).rejects.toMatchObject({ code: 'LEGACY_EXPORT_DAMAGED' });
    rmSync(join(dir, 'manifest.json'));
    await expect(put(dir)).rejects.toMatchObject({ code: 'LEGACY_EXPORT_MISSING' });
    expect(await contents()).toEqual(before);
  });
});

describe('credentials', () => {
  const key = randomBytes(32);
  const gcm = (text: string) => {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return [iv, cipher.getAuthTag(), ciphertext].map((part) => part.toString('base64')).join(':');
  };
  const cbc = (text: string) => {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-256-cbc', key, iv);
    return `${iv.toString('base64')}::${Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64')}`;
  };
  const withSecrets = () =>
    exported((legacy) => {
      fillLegacyDatabase(legacy);
      const set = legacy.database.prepare(
        `update api_configurations set "authKeyEncrypted" = ?, "authValueEncrypted" = ? where id = 'pems-global-pfa-read'`,
      );
      set.run(gcm('APIUSER'), cbc('päss"word'));
      legacy.database
        .prepare(`update ai_providers set "apiKeyEncrypted" = ? where id = 'gemini-default'`)
        .run(gcm('sk-1'));
    });

  test('are encrypted again with our key if the old one is given, and can be decrypted', async () => {
    const result = await put(await withSecrets(), { legacyKey: key });
    expect(result.credentials).toEqual({ reencrypted: 3, toBeEnteredAgain: [] });
    const { rows } = await client.query<{ name: string; key_id: string; nonce: Buffer; ciphertext: Buffer }>(
      `select name, key_id, nonce, ciphertext from app_private.credentials where api_configuration_id is not null order by name`,
    );
    expect(
      rows.map(({ name, key_id, ...sealed }) =>
        vault.open({ keyId: key_id, ...sealed }, credentialContext('pems-global-pfa-read', name)),
      ),
    ).toEqual(['APIUSER', 'päss"word']);
    const { rows: keys } = await client.query<{ key_id: string; nonce: Buffer; ciphertext: Buffer }>(
      `select key_id, nonce, ciphertext from app_private.credentials where ai_provider_id = 'gemini-default'`,
    );
    expect(
      keys.map(({ key_id, ...sealed }) =>
        vault.open({ keyId: key_id, ...sealed }, providerCredentialContext('gemini-default', 'apiKey')),
      ),
    ).toEqual(['sk-1']);
    expect(
      (
        await client.query(
          `select tenant from app_public.pems_settings where api_configuration_id = 'pems-global-pfa-read'`,
        )
      ).rows,
    ).toEqual([{ tenant: 'T' }]);
    // They belong to the import, and are removed with it, also after a second one.
    for (let time = 1; ; time++) {
      const { rows: back } = await rollBackImport(client, reader);
      expect(back.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
      if (time === 2) break;
      await put(join(folder, 'export'), { legacyKey: key });
    }
  });

  test('a row that users changed here keeps its own, and its password if one was chosen; a provider is no connection', async () => {
    await seed(client, { production: false });
    await client.query(
      `
      insert into app_public.api_configurations (id, name, usage, url, is_simulated) values
        ('ours', 'Ours', 'PEMS_PFA_READ', 'https://ours', false), ('gemini-default', 'Ours', 'PEMS_PFA_READ', 'https://ours', false),
        ('untouched', 'Untouched', 'PEMS_PFA_READ', 'https://ours', false);
      update app_public.api_configurations set name = 'Ours, changed' where id in ('ours', 'gemini-default');
      insert into app_public.pems_settings (api_configuration_id, tenant) values ('ours', 'OURS');
      insert into app_private.credentials (api_configuration_id, ai_provider_id, name, key_id, nonce, ciphertext)
        select c, p, n, 'k', decode(repeat('00', 12), 'hex'), convert_to(concat(c, p, repeat('x', 16)), 'UTF8')
        from (values ('ours', null, 'authKey'), ('gemini-default', null, 'authKey'), (null, 'gemini-default', 'apiKey')) v (c, p, n);
      insert into app_public.users (username) values ('anna');
      update app_public.users set first_name = 'Ours' where username = 'anna';
      insert into app_private.user_passwords (user_id, password_hash, must_change)
        select id, '$2b$04$' || repeat('x', 53), true from app_public.users where username = 'anna';
      insert into app_public.user_organizations (user_id, organization_id)
        select u.id, o.id from app_public.users u, app_public.organizations o where u.username = 'anna' and o.code = 'PORTARTHUR'`,
    );
    const before = await contents();
    const secret = gcm('theirs');
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      const connection = (id: string, usage: string, tenant: string | null, header = 'tenant') => ({
        ...{ id, name: id, usage, url: 'https://theirs', authKeyEncrypted: secret, updatedAt: 1 },
        customHeaders: tenant && JSON.stringify([{ key: header, value: tenant }]),
      });
      legacy.insert(
        'api_configurations',
        connection('ours', 'PEMS_PFA_READ', 'T'),
        connection('gemini-default', 'PEMS_PFA_READ', 'T'),
        connection('untouched', 'PEMS_PFA_READ', null),
        connection('shouted', 'PEMS_PFA_READ', 'T', 'TENANT'),
        connection('ai', 'AI_GEMINI', 'T'),
      );
    });

    const result = await put(dir, { legacyKey: key });

    expect(outcome(result, 'api_configurations')).toMatchObject({ added: 11, merged: 2, same: 2 });
    expect(outcome(result, 'users')).toMatchObject({ merged: 1, same: 1 });
    expect(result.credentials).toEqual({ reencrypted: 3, toBeEnteredAgain: [] });
    expect(
      (
        await client.query(`
          select c.id, s.tenant, k.key_id from app_public.api_configurations c
          left join app_public.pems_settings s on s.api_configuration_id = c.id left join app_private.credentials k on k.api_configuration_id = c.id
          where c.url in ('https://ours', 'https://theirs') order by c.id`)
      ).rows,
    ).toEqual([
      { id: 'ai', tenant: null, key_id: 'test' },
      { id: 'gemini-default', tenant: null, key_id: 'k' },
      { id: 'ours', tenant: 'OURS', key_id: 'k' },
      { id: 'shouted', tenant: 'T', key_id: 'test' },
      { id: 'untouched', tenant: null, key_id: 'test' },
    ]);
    expect(
      (await client.query('select from app_private.credentials where ai_provider_id is not null')).rowCount,
    ).toBe(0);
    // She still had to choose a password, so the old one is used.
    const [login] = await findLogin.run({ username: 'anna' }, client);
    expect(await verifyPassword('admin123', login!.passwordHash)).toMatchObject({ matches: true });
    // The key of the connection, not of the provider.
    await client.query(
      `update app_private.credentials set key_id = key_id where api_configuration_id = 'gemini-default'`,
    );
    const { rows } = await rollBackImport(client, reader);
    expect(rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
    expect(await contents()).toEqual(before);
  });

  test.each([
    ['no key', undefined],
    ['another key', randomBytes(32)],
  ])(
    'with %s they must be entered again, and earlier ones are not sent to another server',
    async (_, legacyKey) => {
      await seed(client, { production: false });
      await saveConnection(client, vault, simulated);
      const before = await contents();
      const result = await put(await withSecrets(), { legacyKey });
      expect(result.credentials).toEqual({
        reencrypted: 0,
        toBeEnteredAgain: [
          'ai_providers gemini-default: apiKey',
          'api_configurations pems-global-pfa-read: authKey',
          'api_configurations pems-global-pfa-read: authValue',
        ],
      });
      expect((await client.query('select 1 from app_private.credentials')).rows).toEqual([]);
      expect(
        (
          await client.query(
            `select c.url, c.is_simulated, c.status, c.last_error, s.tenant,
              (select p.status from app_public.ai_providers p where p.id = 'gemini-default') as provider from app_public.api_configurations c
            join app_public.pems_settings s on s.api_configuration_id = c.id where c.id = 'pems-global-pfa-read'`,
          )
        ).rows,
      ).toEqual([
        {
          url: 'https://pems.example/axis/restservices',
          is_simulated: false,
          status: 'error',
          last_error: 'Its credentials came encrypted from the prototype and are to be entered again.',
          ...{ tenant: 'T', provider: 'error' },
        },
      ]);
      // And back: the simulator with its own.
      await rollBackImport(client, reader);
      expect(await contents()).toEqual(before);
    },
  );
});

describe('check', () => {
  test('lists later changes of users, and separately those of the product itself', async () => {
    const dir = await exported(fillLegacyDatabase);
    await put(dir);
    await client.query(
      `update app_public.organizations set name = 'New name', created_at = '2020-01-01 00:00Z' where code = 'HOLNG'`,
    );
    await client.query(
      `update app_public.api_configurations set last_error = 'timeout' where id = 'configuration-1'`,
    );
    await client.query(`delete from app_public.field_configurations`);
    const { differences } = await check();
    expect(
      differences
        .filter(({ column }) => column !== 'updated_at')
        .map(({ id, column, legacy, current, why }) => [id, column, legacy, current, why]),
    ).toEqual([
      ['org-holng', 'created_at', '2025-01-01T08:30:15.25+00:00', '2020-01-01T00:00:00+00:00', 'changed'],
      ['org-holng', 'name', 'Project HOLNG', 'New name', 'changed'],
      ['configuration-1', 'last_error', null, 'timeout', 'system'],
      ['default', '', 'there', 'gone', 'changed'],
    ]);
  });

  test('finds a quarantined row that differs by a byte, is missing or is additional', async () => {
    const dir = await exported(fillLegacyDatabase);
    await put(dir);
    for (const [damage, sql] of [
      [
        'a byte',
        `update app_private.legacy_row set line = replace(line, 'anna', 'anne') where table_name = 'users' and legacy_id = 'user-1'`,
      ],
      ['missing', `delete from app_private.legacy_row where table_name = 'users' and legacy_id = 'user-6'`],
      [
        'one too many',
        `insert into app_private.legacy_row (import_id, table_name, line_number, line, state) select import_id, table_name, 8, line, 'kept' from app_private.legacy_row where table_name = 'users' and line_number = 1`,
      ],
    ] as const) {
      const kept = await client.query('select * from app_private.legacy_row');
      await client.query(sql);
      const { tables } = await check();
      expect(
        tables.filter(({ isWhole }) => !isWhole).map(({ table }) => table),
        damage,
      ).toEqual(['users']);
      await client.query('delete from app_private.legacy_row');
      await client.query(
        'insert into app_private.legacy_row select * from jsonb_populate_recordset(null::app_private.legacy_row, $1)',
        [JSON.stringify(kept.rows)],
      );
    }
  });

  test('without an import, check and rollback have nothing to do', async () => {
    await expect(check()).rejects.toMatchObject({ code: 'LEGACY_NOT_IMPORTED' });
    await expect(rollBackImport(client, reader)).rejects.toMatchObject({ code: 'LEGACY_NOT_IMPORTED' });
    const dir = await exported(fillLegacyDatabase);
    await put(dir);
    await expect(checkImport(client, reader, { sha256: 'another' })).rejects.toMatchObject({
      code: 'LEGACY_NOT_IMPORTED',
    });
    await rollBackImport(client, reader);
    await expect(rollBackImport(client, reader)).rejects.toMatchObject({ code: 'LEGACY_NOT_IMPORTED' });
  });
});

describe('rollback', () => {
  test('restores the earlier database, and another import can follow', async () => {
    await seed(client, { production: false });
    const before = await contents();
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      fillRecords(legacy, 'org-holng', 50);
    });
    const first = await put(dir);
    // A sign-in in the meantime is no change.
    await client.query(
      `select app_private.start_session(u.id, p.password_hash, sha256('token'), '1 day')
      from app_public.users u join app_private.user_passwords p on p.user_id = u.id where u.username = 'anna'`,
    );
    const { rows, manifest } = await rollBackImport(client, reader);
    expect(rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
    expect(rows).toHaveLength(67 + 50);
    expect(manifest.source.path).toBe(join(folder, 'export.db'));
    expect(await contents()).toEqual(before);
    expect(
      (
        await client.query(
          'select coalesce(sum(record_count), 0)::integer as n from app_private.pfa_kpi_summary',
        )
      ).rows,
    ).toEqual([{ n: 0 }]);
    // Untouched rows still count as untouched, so they can be removed and imported again.
    expect(await put(dir)).toMatchObject({ imported: true, outcomes: first.outcomes });
    const second = new pg.Client({ connectionString: db.urls.owner });
    await second.connect();
    try {
      const settled = await Promise.allSettled([
        rollBackImport(client, reader),
        rollBackImport(second, reader),
      ]);
      // A second rollback finds nothing.
      const again = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value.rows] : []));
      expect(again).toHaveLength(1);
      expect(again[0]!.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
    } finally {
      await second.end();
    }
    expect(await contents()).toEqual(before);
    expect(
      (
        await client.query(`
          select (select count(distinct rolled_back_at)::integer from app_private.legacy_import) as times,
            (select count(*)::integer from pg_trigger where tgenabled <> 'O') as triggers_off`)
      ).rows,
    ).toEqual([{ times: 2, triggers_off: 0 }]);
  });

  test('side effects of the product do not prevent the removal', async () => {
    await client.query(`insert into app_public.organizations (code, name) values ('OURS', 'Ours')`);
    await client.query(
      'insert into app_public.organization_ai_configs (organization_id) select id from app_public.organizations',
    );
    const before = await contents();
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      fillRecords(legacy, 'org-rio', 3);
    });
    await put(dir);
    // An organization chose a provider of the import: after the rollback it has none.
    await client.query(
      `update app_public.organization_ai_configs c set primary_provider_id = 'gemini-default' from app_public.organizations o where o.id = c.organization_id and o.code = 'OURS'`,
    );
    await client.query(
      `update app_public.api_configurations set status = 'error', last_error = 'timeout' where id = 'configuration-1'`,
    );
    // The worker has listed the values of the new records, and must do it again; emil has requested a run.
    await client.query('select app_private.prepare_search()');
    await client.query(
      `select app_private.queue_refresh(id) from app_public.organizations where code = 'RIO'`,
    );
    await client.query(`
      insert into app_public.pfa_sync_log (organization_id, trigger, requested_by)
      select o.id, 'user', u.id from app_public.organizations o, app_public.users u where o.code = 'RIO' and u.username = 'emil'`);
    await client.query(`
      insert into app_core.pfa_event (organization_id, kind, viewer_id) select id, 'records', 0 from app_public.organizations where code = 'RIO'`);
    await client.query(`
      insert into app_core.pfa_event_forgotten (organization_id, revision, xid) select id, 1, '1' from app_public.organizations where code = 'RIO'`);
    await client.query(`
      insert into app_public.pfa_drift_check (organization_id) select id from app_public.organizations where code = 'RIO'`);
    await client.query(
      `insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select id, 'Rental', 0, 0, 0, 0, 0, 0 from app_public.organizations where code = 'RIO'`,
    );
    await client.query(
      `insert into app_private.pems_state (api_configuration_id, failures) values ('configuration-1', 1)`,
    );
    const { rows } = await rollBackImport(client, reader);
    expect(rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
    expect(await contents()).toEqual(before);
  });

  test('a merged row that was changed since stays, with its password, credentials and tenant', async () => {
    await seed(client, { production: false });
    for (const id of ['pems-global-pfa-read', 'configuration-1', 'configuration-2'])
      await saveConnection(client, vault, { ...simulated, id });
    // The settings of this one come from the import.
    await client.query(`delete from app_public.pems_settings where api_configuration_id = 'configuration-2'`);
    const dir = await exported(fillLegacyDatabase);
    expect(outcome(await put(dir), 'api_configurations')).toMatchObject({ merged: 3 });
    await client.query(`update app_public.organizations set name = 'Ours' where code = 'RIO'`);
    await client.query(
      `update app_public.api_configurations set name = 'Ours' where id in ('pems-global-pfa-read', 'configuration-1')`,
    );
    // Only the credentials of this one do.
    await client.query(`
      insert into app_private.credentials (api_configuration_id, name, key_id, nonce, ciphertext, updated_at)
      select id, 'authKey', 'k', decode(repeat('00', 12), 'hex'), decode(repeat('00', 16), 'hex'), clock_timestamp()
      from app_public.api_configurations where id in ('pems-global-pfa-read', 'configuration-2', 'configuration-3')`);
    await client.query(
      `update app_private.user_passwords p set password_hash = '$2b$04$' || repeat('x', 53), changed_at = clock_timestamp() from app_public.users u where u.id = p.user_id and u.username = 'admin'`,
    );
    const kept = () =>
      client.query(`
        select c.name, c.url, s.tenant, k.key_id from app_public.api_configurations c
        left join app_public.pems_settings s on s.api_configuration_id = c.id left join app_private.credentials k on k.api_configuration_id = c.id
        where c.id in ('pems-global-pfa-read', 'configuration-1', 'configuration-2') order by c.id`);
    const { rows: before } = await kept();

    const { rows } = await rollBackImport(client, reader);

    expect(
      rows
        .filter(({ outcome }) => outcome === 'stays')
        .map(({ table, id, reason }) => `${table} ${id}: ${reason}`),
    ).toEqual([
      'api_configurations configuration-1: changed since: name',
      'api_configurations configuration-2: its credentials were changed since',
      'api_configurations configuration-3: its credentials were changed since',
      'api_configurations pems-global-pfa-read: changed since: name',
      'organizations org-rio: changed since: name',
    ]);
    expect((await kept()).rows).toEqual(before);
    expect((await client.query(`select name from app_public.organizations where code = 'RIO'`)).rows).toEqual(
      [{ name: 'Ours' }],
    );
    expect(
      (
        await client.query(
          `select p.password_hash from app_private.user_passwords p join app_public.users u on u.id = p.user_id where u.username = 'admin'`,
        )
      ).rows,
    ).toEqual([{ password_hash: `$2b$04$${'x'.repeat(53)}` }]);
  });

  test('a record that PEMS has read or removed since stays unchanged; an earlier mirror record is not removed', async () => {
    const dir = await exported((legacy) => {
      // The first line of another table does not affect the first record.
      legacy.insert('organizations', { id: 'a-new-one', code: 'NEW', name: 'New', updatedAt: 1 });
      legacy.insert('organizations', { id: 'org-a', code: 'A', name: 'A', updatedAt: 1 });
      legacy.insert(
        'pfa_records',
        ...['as-pems', 'by-another', 'newer', 'removed', 'unchanged'].map((pfaId) => ({
          ...{ id: pfaId, pfaId, organizationId: 'org-a', updatedAt: 1 },
        })),
      );
    });
    await client.query(`insert into app_public.organizations (code, name) values ('A', 'A'), ('B', 'B')`);
    await client.query(`insert into app_core.pfa_mirror (organization_id, pfa_id, data, observed_at)
      select o.id, p.id, jsonb_build_object('pfaId', p.id, 'isActualized', false, 'isDiscontinued', false, 'isFundsTransferable', false), now()
      from app_public.organizations o join (values ('A', 'as-pems'), ('B', 'unchanged')) p (code, id) using (code)`);
    const result = await put(dir);
    expect(outcome(result, 'pfa_records')).toMatchObject({ added: 4, same: 1 });
    expect(outcome(result, 'organizations')).toMatchObject({ added: 1, merged: 1 });
    // Changes there do not affect the record with the same id here.
    await client.query(`insert into app_public.users (username) values ('anna')`);
    await client.query(`insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base)
      select o.id, u.id, 'unchanged', '{"category": "mine"}', '{}' from app_public.organizations o, app_public.users u where o.code = 'B'`);
    await client.query(`update app_core.pfa_mirror set removed_at = now() where pfa_id = 'removed'`);
    await client.query(`update app_core.pfa_mirror set version = now() where pfa_id = 'newer'`);
    await client.query(`update app_core.pfa_mirror set version_by = 'X' where pfa_id = 'by-another'`);
    expect(
      (await check()).differences
        .filter(({ table }) => table === 'pfa_records')
        .map(({ id, column, why }) => `${id} ${column} ${why}`),
    ).toEqual(['by-another lastModifiedBy changed', 'newer lastModified changed', 'removed  changed']);

    const { rows } = await rollBackImport(client, reader);

    expect(rows.filter(({ table }) => table === 'pfa_records').map(({ id, reason }) => [id, reason])).toEqual(
      [
        ['by-another', 'changed since: lastModifiedBy'],
        ['newer', 'changed since: lastModified'],
        ['removed', 'it is gone'],
        ['unchanged', null],
      ],
    );
    expect(
      (
        await client.query(
          'select o.code, m.pfa_id from app_core.pfa_mirror m join app_public.organizations o on o.id = m.organization_id order by 1, 2',
        )
      ).rows.map((row) => Object.values(row as object).join(' ')),
    ).toEqual(['A as-pems', 'A by-another', 'A newer', 'A removed', 'B unchanged']);
  });

  test('rows that users changed or use stay, with the reason', async () => {
    const dir = await exported((legacy) => {
      fillLegacyDatabase(legacy);
      fillRecords(legacy, 'org-rio', 3);
    });
    await put(dir);
    await client.query(`update app_public.organizations set description = 'x' where code = 'SITE5'`);
    await client.query(
      `update app_core.pfa_mirror set data = data || '{"category": "newer in PEMS"}' where pfa_id = 'PFA-0000001'`,
    );
    await client.query(`insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base)
      select m.organization_id, u.id, m.pfa_id, '{"category": "mine"}', '{}' from app_core.pfa_mirror m, app_public.users u
      where m.pfa_id = 'PFA-0000002' and u.username = 'anna'`);
    await client.query(
      `update app_private.user_passwords p set changed_at = clock_timestamp() from app_public.users u where u.id = p.user_id and u.username = 'dora'`,
    );

    const { rows } = await rollBackImport(client, reader);

    expect(
      rows
        .filter(({ outcome }) => outcome === 'stays')
        .map(({ table, id, reason }) => `${table} ${id}: ${reason}`),
    ).toEqual([
      'pfa_records org-rio-1: changed since: category',
      'pfa_records org-rio-2: it was changed here',
      'users user-1: still used by app_core.pfa_modification',
      'users user-4: the password was changed since',
      'organizations org-rio: still used by app_core.pfa_mirror',
      'organizations org-site5: changed since: description',
    ]);
    expect((await client.query('select username from app_public.users order by 1')).rows).toEqual([
      { username: 'anna' },
      { username: 'dora' },
    ]);
    expect((await client.query('select pfa_id from app_core.pfa_mirror order by 1')).rows).toEqual([
      { pfa_id: 'PFA-0000001' },
      { pfa_id: 'PFA-0000002' },
    ]);
  });
});

describe('analyze', () => {
  test('reports storage classes, conversions and problems, and changes nothing, not even the file', async () => {
    await seed(client, { production: false });
    const path = join(folder, 'dev.db');
    const legacy = makeLegacyDatabase(path);
    fillLegacyDatabase(legacy);
    legacy.database.exec(
      `alter table users add column avatar blob; update users set avatar = x'00' where id = 'user-1'`,
    );
    legacy.insert('ai_usage_logs', { id: 'l1', userId: 'gone' });
    legacy.database.close();
    const [file, before] = [readFileSync(path), await contents()];

    const temporary = join(folder, 'temporary');
    mkdirSync(temporary);
    vi.stubEnv('TMPDIR', temporary);
    const { tables, problems, outcomes, needs } = await analyzeLegacy(client, path).finally(() =>
      vi.unstubAllEnvs(),
    );
    expect(readdirSync(temporary)).toEqual([]);

    const organizations = tables.find(({ name }) => name === 'organizations')!;
    expect(organizations).toMatchObject({ rows: 28, target: 'app_public.organizations' });
    expect(organizations.columns.find(({ name }) => name === 'createdAt')).toMatchObject({
      ...{ declared: 'DATETIME', found: { integer: 14, text: 14 }, target: 'created_at' },
    });
    expect(tables.find(({ name }) => name === 'users')!.columns.at(-1)).toEqual({
      ...{
        name: 'avatar',
        declared: 'BLOB',
        found: { null: 6, blob: 1 },
        target: null,
        note: 'It is not known here.',
      },
    });
    const usage = tables.find(({ name }) => name === 'ai_usage_logs')!;
    expect(usage).toMatchObject({ target: null, rows: 1 });
    expect(usage.references).toContainEqual({
      columns: ['userId'],
      parent: 'users',
      parentColumns: ['id'],
      orphans: 1,
    });
    expect(problems).toEqual([]);
    expect(outcomes.find(({ table }) => table === 'ai_usage_logs')).toMatchObject({ kept: 1, target: null });
    expect(needs.seconds).toBeGreaterThan(0);
    expect(readFileSync(path).equals(file)).toBe(true);
    expect(await contents()).toEqual(before);
  });
});

test('any legacy database: the export is verified, imported and checked, and a rollback leaves nothing', async () => {
  await seed(client, { production: false });
  const before = await contents();
  let run = 0;
  let imported = 0;
  await fc.assert(
    fc.asyncProperty(hostileRows, async (rows) => {
      run += 1;
      const dir = await exported((legacy) => fillHostile(legacy, rows), `run-${run}`);
      expect((await verifyExport(dir)).damages).toEqual([]);
      const result = await put(dir, { quarantine: true });
      expect(result.imported).toBe(true);
      imported += result.outcomes.reduce((sum, { added, merged }) => sum + added + merged, 0);
      const manifest = (await readManifest(dir)) as Manifest;
      for (const { name, rows: exportedRows } of manifest.tables) {
        const { added = 0, merged = 0, same = 0, quarantined = 0, kept = 0 } = outcome(result, name) ?? {};
        expect(added + merged + same + quarantined + kept, name).toBe(exportedRows);
      }
      const { tables, differences } = await check();
      expect(tables.filter(({ isWhole }) => !isWhole)).toEqual([]);
      expect(differences.filter(({ why }) => why === 'changed')).toEqual([]);
      const back = await rollBackImport(client, reader);
      expect(back.rows.filter(({ outcome }) => outcome === 'stays')).toEqual([]);
      expect(await contents()).toEqual(before);
    }),
    // The first databases are fixed, and some of their rows are imported.
    { numRuns: legacyDatabases, endOnFailure: true, ...(legacyDatabases < 12 ? { seed: 20_261_130 } : {}) },
  );
  // Not all of them were quarantined.
  expect(imported).toBeGreaterThan((legacyDatabases * 5) / 12);
}, 300_000);
