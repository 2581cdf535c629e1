import fc from 'fast-check';
import type { SQLInputValue } from 'node:sqlite';
import type { LegacyDatabase } from './legacy-database.ts';

// Difficult legacy databases: any value that SQLite stores, in any column.

/** Values of a cell that could break an import. */
const nasty: fc.Arbitrary<SQLInputValue> = fc.oneof(
  fc.constantFrom<SQLInputValue>(
    ...[
      null,
      '',
      ' ',
      'O\'Neill "Ω" \\N \t\r\n',
      '\0',
      'a\0b',
      '\\u0000',
      '{"text":"YQ=="}',
      '"; drop table users; --',
    ],
    ...[
      'x'.repeat(3000),
      '上海',
      '\u2028',
      '2026-02-30',
      '1969-12-31 23:59:59',
      '0000-00-00 00:00:00',
      '[1,',
      'nan',
    ],
    ...[
      2n ** 62n,
      -(2n ** 53n) - 1n,
      0.1 + 0.2,
      5e-324,
      1e300,
      Infinity,
      -Infinity,
      -0.5,
      -86_400_001,
      253_402_300_800_000,
    ],
    ...[
      new Uint8Array([0, 255, 10]),
      'true',
      '1',
      2,
      '{"a":"\\u0000"}',
      '{"a":"\\ud800"}',
      '['.repeat(2000) + ']'.repeat(2000),
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed()),
  fc.double(),
  fc.integer(),
);

/** Mostly valid values. */
const mostly = (usual: fc.Arbitrary<SQLInputValue>) =>
  fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: nasty });

const moment = fc.oneof(
  fc.integer({ min: -3_000_000_000_000, max: 4_000_000_000_000 }),
  fc
    .date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  fc
    .date({ min: new Date('1960-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 19).replace('T', ' ')),
);
const day = fc.integer({ min: -10_000, max: 40_000 }).map((n) => n * 86_400_000);
const maybe = (usual: fc.Arbitrary<SQLInputValue>) => mostly(fc.option(usual, { nil: null }));
const pick = (...values: SQLInputValue[]) => fc.constantFrom(...values);
const flag = mostly(pick(0, 1));
const money = maybe(fc.double({ min: 0, max: 1e7, noNaN: true, noDefaultInfinity: true }));
const text = maybe(fc.string({ maxLength: 12 }));
const organization = mostly(pick('o1', 'o2', 'o3', 'o4', 'nowhere'));
const times = { createdAt: mostly(moment), updatedAt: mostly(moment) };

/** Maximum number of rows, and their values; `id` is unique in each table, other columns may not be. */
const tables: Record<string, [rows: number, columns: Record<string, fc.Arbitrary<SQLInputValue>>]> = {
  organizations: [
    5,
    {
      ...{
        code: mostly(pick('HOLNG', 'RIO', 'A', 'B', 'C', 'D', 'E', 'F', 'G', ' padded', '42')),
        name: mostly(fc.string({ minLength: 1, maxLength: 20 })),
      },
      ...{ description: text, isActive: flag, ...times },
    },
  ],
  users: [
    6,
    {
      ...{
        username: mostly(pick('admin', 'Admin', 'anna', 'ANNA', 'ben', 'chloé', 'd', 'e', 'f')),
        email: maybe(pick('a@x.org', 'A@x.org', 'b@x.org', 'c@x.org', 'd@x.org', 'e@x.org')),
      },
      passwordHash: mostly(
        pick(
          ...Array<string>(9).fill('$2b$04$abcdefghijklmnopqrstuuAbCdEfGhIjKlMnOpQrStUvWxYz01234'),
          'plain',
        ),
      ),
      ...{
        firstName: text,
        lastName: text,
        role: mostly(pick('admin', 'user', 'user', 'user', 'viewer', 'viewer', 'king')),
        isActive: flag,
        ...times,
      },
    },
  ],
  user_organizations: [
    8,
    {
      userId: mostly(pick('u1', 'u2', 'u3', 'nobody')),
      organizationId: organization,
      role: mostly(pick('owner', 'member')),
      ...times,
    },
  ],
  ai_providers: [
    3,
    {
      ...{
        type: mostly(pick('gemini', 'openai', 'other')),
        name: text,
        enabled: flag,
        availableModels: maybe(pick('["a"]', '{}', '[1,')),
      },
      ...{
        pricingInput: money,
        maxTokensPerRequest: maybe(pick(1000, 1.5)),
        errorRate: maybe(pick(0, 0.5, 3)),
        ...times,
      },
      apiKeyEncrypted: maybe(pick('AAAA:BBBB:CCCC', 'x')),
    },
  ],
  organization_ai_configs: [
    3,
    {
      organizationId: organization,
      enabled: flag,
      primaryProviderId: maybe(pick('p1', 'p9')),
      routingRules: maybe(pick('{}', 'null', '"x"', '{')),
      ...times,
    },
  ],
  api_configurations: [
    4,
    {
      ...{
        organizationId: maybe(organization),
        name: text,
        usage: mostly(pick('PEMS_PFA_READ', 'AI_X', 'else')),
      },
      ...{
        url: mostly(pick('https://pems.example', 'ftp://x')),
        authType: mostly(pick('basic', 'none')),
        ...times,
      },
      customHeaders: maybe(pick('[{"key":"tenant","value":"T1"}]', '[]', 'tenant', '{"key":"tenant"}')),
      ...{
        authKeyEncrypted: maybe(pick('AAAA:BBBB:CCCC')),
        lastSyncAt: maybe(moment),
        totalSyncRecordCount: maybe(fc.integer()),
      },
    },
  ],
  data_source_mappings: [
    4,
    {
      ...{
        entityType: mostly(pick('pfa', 'organizations')),
        organizationId: maybe(organization),
        apiConfigId: mostly(pick('c1', 'c2', 'c9')),
      },
      ...{
        priority: mostly(pick(1, 2, 0)),
        isActive: flag,
        lastUsedAt: maybe(moment),
        avgResponseTime: money,
        ...times,
      },
    },
  ],
  field_configurations: [
    2,
    {
      name: text,
      organizationId: maybe(organization),
      fieldMappings: maybe(pick('[]', '[')),
      delimiter: text,
      ...times,
    },
  ],
  pfa_records: [
    12,
    {
      ...{
        pfaId: mostly(pick(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ')),
        organizationId: organization,
        organization: text,
        category: text,
      },
      ...{
        source: maybe(pick('Rental', 'Purchase')),
        monthlyRate: money,
        purchasePrice: money,
        forecastStart: maybe(day),
      },
      ...{ forecastEnd: maybe(day), originalStart: maybe(moment), isActualized: flag, hasPlan: flag },
      ...{ lastModified: maybe(moment), lastModifiedBy: text, ...times },
    },
  ],
  ai_usage_logs: [3, { userId: maybe(pick('u1')), tokens: nasty, createdAt: nasty }],
};

const idPrefix: Record<string, string> = {
  ...{ organizations: 'o', users: 'u', ai_providers: 'p', api_configurations: 'c' },
};

export type HostileRows = Record<string, Record<string, SQLInputValue>[]>;

/** Rows of every table of the prototype. */
export const hostileRows: fc.Arbitrary<HostileRows> = fc.record(
  Object.fromEntries(
    Object.entries(tables).map(([name, [rows, columns]]) => [
      name,
      fc
        .array(fc.record(columns), { maxLength: rows })
        .map((list) => list.map((row, i) => ({ id: `${idPrefix[name] ?? name}${i + 1}`, ...row }))),
    ]),
  ),
);

/** Skips rows that violate the unique indexes and constraints of the file. */
export function fillHostile({ database }: LegacyDatabase, rows: HostileRows): void {
  database.exec('begin');
  for (const [table, list] of Object.entries(rows))
    for (const row of list) {
      const names = Object.keys(row);
      database
        .prepare(
          `insert or ignore into "${table}" (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map(() => '?').join(', ')})`,
        )
        .run(...Object.values(row));
    }
  // Invalid text.
  database.exec(`update organizations set description = cast(x'61ff' as text) where id = 'o1'`);
  database.exec(
    'create table "unknown ""table" (a, b); insert into "unknown ""table" values (1, x\'00\'), (null, 1e999)',
  );
  database.exec('commit');
}
