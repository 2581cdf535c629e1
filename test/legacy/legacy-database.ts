import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import bcrypt from 'bcryptjs';

// Legacy databases like the prototype's: Prisma's declarations, with values as Prisma and SQL defaults store them.

const common = `"createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" DATETIME NOT NULL`;
const to = (column: string, table: string, onDelete = 'CASCADE') =>
  `FOREIGN KEY ("${column}") REFERENCES "${table}" ("id") ON DELETE ${onDelete} ON UPDATE CASCADE`;

/** Contents of a record, as columns of `pfa_records`. */
const recordColumns = `"organization" TEXT, "areaSilo" TEXT, "category" TEXT, "class" TEXT, "source" TEXT, "dor" TEXT,
  "monthlyRate" REAL, "purchasePrice" REAL, "manufacturer" TEXT, "model" TEXT, "contract" TEXT, "equipment" TEXT,
  "originalStart" DATETIME, "originalEnd" DATETIME, "forecastStart" DATETIME, "forecastEnd" DATETIME,
  "actualStart" DATETIME, "actualEnd" DATETIME, "isActualized" BOOLEAN NOT NULL DEFAULT false,
  "isDiscontinued" BOOLEAN NOT NULL DEFAULT false, "isFundsTransferable" BOOLEAN NOT NULL DEFAULT false,
  "hasPlan" BOOLEAN NOT NULL DEFAULT true, "hasActuals" BOOLEAN NOT NULL DEFAULT false`;

/** Every table, in SQLite. */
export const declarations = `
create table "users" ("id" TEXT NOT NULL PRIMARY KEY, "username" TEXT NOT NULL, "email" TEXT, "passwordHash" TEXT NOT NULL, "firstName" TEXT,
  "lastName" TEXT, "role" TEXT NOT NULL DEFAULT 'user', "isActive" BOOLEAN NOT NULL DEFAULT true, ${common});
create unique index "users_username_key" on "users" ("username");
create unique index "users_email_key" on "users" ("email");
create table "organizations" ("id" TEXT NOT NULL PRIMARY KEY, "code" TEXT NOT NULL, "name" TEXT NOT NULL, "description" TEXT,
  "isActive" BOOLEAN NOT NULL DEFAULT true, ${common});
create unique index "organizations_code_key" on "organizations" ("code");
create table "user_organizations" ("id" TEXT NOT NULL PRIMARY KEY, "userId" TEXT NOT NULL, "organizationId" TEXT NOT NULL,
  "role" TEXT NOT NULL DEFAULT 'member', ${common}, ${to('userId', 'users')}, ${to('organizationId', 'organizations')});
create unique index "user_organizations_userId_organizationId_key" on "user_organizations" ("userId", "organizationId");
create table "ai_providers" ("id" TEXT NOT NULL PRIMARY KEY, "type" TEXT NOT NULL, "name" TEXT NOT NULL, "enabled" BOOLEAN NOT NULL DEFAULT true,
  "apiKeyEncrypted" TEXT, "apiEndpoint" TEXT, "defaultModel" TEXT, "availableModels" TEXT, "pricingInput" REAL, "pricingOutput" REAL,
  "pricingCached" REAL, "maxTokensPerRequest" INTEGER, "maxRequestsPerMinute" INTEGER, "retryAttempts" INTEGER, "retryDelayMs" INTEGER,
  "timeoutMs" INTEGER, "status" TEXT, "lastHealthCheck" DATETIME, "errorRate" REAL, ${common});
create table "organization_ai_configs" ("id" TEXT NOT NULL PRIMARY KEY, "organizationId" TEXT NOT NULL, "enabled" BOOLEAN NOT NULL DEFAULT false,
  "accessLevel" TEXT NOT NULL DEFAULT 'read-only', "primaryProviderId" TEXT, "fallbackProviderIds" TEXT, "routingRules" TEXT, "dailyLimitUsd" REAL,
  "monthlyLimitUsd" REAL, "alertThresholdPercent" INTEGER, "maxContextRecords" INTEGER, "includeHistoricalData" BOOLEAN,
  "enableSemanticCache" BOOLEAN, "cacheExpirationHours" INTEGER, ${common}, ${to('organizationId', 'organizations')},
  ${to('primaryProviderId', 'ai_providers', 'SET NULL')});
create table "api_configurations" ("id" TEXT NOT NULL PRIMARY KEY, "organizationId" TEXT, "name" TEXT NOT NULL, "usage" TEXT NOT NULL, "url" TEXT NOT NULL,
  "authType" TEXT NOT NULL DEFAULT 'none', "authKeyEncrypted" TEXT, "authValueEncrypted" TEXT, "customHeaders" TEXT, "operationType" TEXT,
  "feeds" TEXT, "firstSyncAt" DATETIME, "lastSyncAt" DATETIME, "lastSyncRecordCount" INTEGER, "totalSyncRecordCount" INTEGER,
  "status" TEXT, "lastChecked" DATETIME, "lastError" TEXT, ${common}, ${to('organizationId', 'organizations')});
create table "data_source_mappings" ("id" TEXT NOT NULL PRIMARY KEY, "entityType" TEXT NOT NULL, "organizationId" TEXT, "apiConfigId" TEXT NOT NULL,
  "priority" INTEGER NOT NULL DEFAULT 1, "isActive" BOOLEAN NOT NULL DEFAULT true, "lastUsedAt" DATETIME, "lastSuccessAt" DATETIME,
  "lastFailureAt" DATETIME, "successCount" INTEGER NOT NULL DEFAULT 0, "failureCount" INTEGER NOT NULL DEFAULT 0, "avgResponseTime" REAL, ${common},
  ${to('organizationId', 'organizations')}, ${to('apiConfigId', 'api_configurations')});
create table "field_configurations" ("id" TEXT NOT NULL PRIMARY KEY, "organizationId" TEXT, "name" TEXT NOT NULL, "description" TEXT,
  "isDefault" BOOLEAN NOT NULL DEFAULT false, "fieldMappings" TEXT, "includeHeaders" BOOLEAN NOT NULL DEFAULT true, "dateFormat" TEXT,
  "delimiter" TEXT, "encoding" TEXT, ${common}, ${to('organizationId', 'organizations')});
create table "pfa_records" ("id" TEXT NOT NULL PRIMARY KEY, "pfaId" TEXT NOT NULL, "organizationId" TEXT NOT NULL, ${recordColumns},
  "lastModified" DATETIME, "lastModifiedBy" TEXT, ${common}, ${to('organizationId', 'organizations')});
create unique index "pfa_records_organizationId_pfaId_key" on "pfa_records" ("organizationId", "pfaId");
create table "ai_usage_logs" ("id" TEXT NOT NULL PRIMARY KEY, "userId" TEXT, "organizationId" TEXT, "providerId" TEXT, "tokens" INTEGER,
  "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, ${to('userId', 'users')}, ${to('organizationId', 'organizations')},
  ${to('providerId', 'ai_providers')});
create table "_prisma_migrations" ("id" TEXT NOT NULL PRIMARY KEY, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL);
`;

export type LegacyRow = Record<string, SQLInputValue>;

/** Creates a separate legacy database that is still open for changes. */
export interface LegacyDatabase {
  database: DatabaseSync;
  insert: (table: string, ...rows: LegacyRow[]) => void;
}

/** The tables of the prototype, empty. Foreign keys are not enforced, as in a manually edited file. */
export function makeLegacyDatabase(path: string): LegacyDatabase {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(`begin; ${declarations} commit;`);
  return {
    database,
    insert: (table, ...rows) => {
      for (const row of rows) {
        const names = Object.keys(row);
        database
          .prepare(
            `insert into "${table}" (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map(() => '?').join(', ')})`,
          )
          .run(...Object.values(row));
      }
    },
  };
}

/** Hash of the password of all users, with few rounds. */
const passwordHash = bcrypt.hashSync('admin123', 4);

const at = (day: number) => Date.UTC(2025, 0, day, 8, 30, 15, 250);

/** The example database with 67 rows in 9 tables; times as Prisma stores them, and as SQL defaults do. */
export function fillLegacyDatabase({ database, insert }: LegacyDatabase): void {
  database.exec('begin');
  const updatedAt = at(20);
  const organizations = ['HOLNG', 'RIO', 'PORTARTHUR', 'PEMS_Global'];
  for (let i = organizations.length; i < 28; i++) organizations.push(`SITE${i}`);
  insert(
    'organizations',
    ...organizations.map((code, i) => ({
      id: `org-${code.toLowerCase()}`,
      code,
      name: `Project ${code}`,
      isActive: i === 27 ? 0 : 1,
      updatedAt,
      // Without it the default writes text.
      ...(i % 2 === 0 ? { createdAt: at(1) } : {}),
    })),
  );
  const users = ['admin', 'anna', 'ben', 'chloé', 'dora', 'emil', 'view only'];
  insert(
    'users',
    ...users.map((username, i) => ({
      ...{ id: `user-${i}`, username, email: i === 5 ? null : `${i}@example.com`, passwordHash, updatedAt },
      ...{ firstName: username, lastName: i === 3 ? "O'Neill — Ω" : null, isActive: i === 5 ? 0 : 1 },
      role: i === 0 ? 'admin' : i === 6 ? 'viewer' : 'user',
    })),
  );
  insert(
    'user_organizations',
    ...Array.from({ length: 12 }, (_, i) => ({
      ...{ id: `membership-${i}`, userId: `user-${i % 6}`, updatedAt },
      organizationId: `org-${organizations[Math.floor(i / 6)]!.toLowerCase()}`,
      role: ['owner', 'admin', 'member', 'viewer'][i % 4]!,
    })),
  );
  insert(
    'ai_providers',
    ...['gemini', 'openai', 'anthropic'].map((type, i) => ({
      ...{ id: `${type}-default`, type, name: type, enabled: i === 0 ? 1 : 0, updatedAt, status: 'untested' },
      ...{ availableModels: '["fast","large"]', pricingInput: 0.1 + i, pricingOutput: 1e-7, errorRate: 0 },
    })),
  );
  insert(
    'organization_ai_configs',
    ...[0, 1].map((i) => ({
      ...{ id: `ai-${i}`, organizationId: `org-${organizations[i]!.toLowerCase()}`, enabled: 1, updatedAt },
      primaryProviderId: 'gemini-default',
      fallbackProviderIds: '["openai-default"]',
      dailyLimitUsd: 12.5,
    })),
  );
  insert(
    'api_configurations',
    ...['pems-global-pfa-read', ...Array.from({ length: 9 }, (_, i) => `configuration-${i}`)].map(
      (id, i) => ({
        id,
        organizationId: i === 0 ? null : 'org-holng',
        name: `Connection ${i}`,
        usage: 'PEMS_PFA_READ',
        updatedAt,
        url: 'https://pems.example/axis/restservices',
        authType: 'basic',
        customHeaders: '[{"key":"tenant","value":"T"}]',
        ...{ lastSyncAt: i % 2 === 0 ? at(5) : '2025-01-05 08:30:15', totalSyncRecordCount: 20_280 },
      }),
    ),
  );
  insert(
    'data_source_mappings',
    ...['pfa', 'organizations', 'asset_master', 'classifications'].map((entityType, i) => ({
      id: `mapping-${i}`,
      entityType,
      apiConfigId: 'pems-global-pfa-read',
      avgResponseTime: 1234.5678,
      updatedAt,
    })),
  );
  insert('field_configurations', {
    id: 'default',
    name: 'Default',
    isDefault: 1,
    fieldMappings: '[{"field":"pfaId","column":"ID"}]',
    updatedAt,
  });
  database.exec('commit');
}

/** Records of the organization, as Prisma stores them: some not actualized, some bought, days at midnight in UTC. */
export function fillRecords({ database }: LegacyDatabase, organizationId: string, count: number): void {
  const columns = [
    ...['id', 'pfaId', 'organizationId', 'organization', 'areaSilo', 'category', 'class', 'source', 'dor'],
    ...[
      'monthlyRate',
      'purchasePrice',
      'manufacturer',
      'model',
      'contract',
      'equipment',
      'originalStart',
      'originalEnd',
    ],
    ...['forecastStart', 'forecastEnd', 'actualStart', 'actualEnd', 'isActualized', 'isDiscontinued'],
    ...['isFundsTransferable', 'lastModified', 'lastModifiedBy', 'createdAt', 'updatedAt'],
  ];
  const insert = database.prepare(
    `insert into pfa_records (${columns.map((name) => `"${name}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  );
  const day = (n: number) => Date.UTC(2026, 0, 1 + n);
  database.exec('begin');
  for (let i = 0; i < count; i++) {
    const isRental = i % 4 !== 0;
    const isActualized = i % 3 === 0 ? 1 : 0;
    const start = i % 400;
    insert.run(
      ...[
        `${organizationId}-${i}`,
        `PFA-${String(i).padStart(7, '0')}`,
        organizationId,
        organizationId.toUpperCase(),
      ],
      ...[`Silo ${i % 12}`, `Category ${i % 40}`, `Class ${i % 90}`, isRental ? 'Rental' : 'Purchase'],
      i % 2 === 0 ? 'BEO' : 'PROJECT',
      ...(isRental ? [1000.5 + (i % 977), null] : [null, 25_000.25 + i]),
      ...['Maker “Ω”', `Model ${i % 300}`, `C-${i % 50}`, isActualized ? `EQ-${i}` : null],
      ...[day(start), day(start + 90), day(start + 5), day(start + 100)],
      ...(isActualized ? [day(start + 6), day(start + 101)] : [null, null]),
      ...[
        isActualized,
        i % 50 === 0 ? 1 : 0,
        i % 7 === 0 ? 1 : 0,
        day(start) + 34_200_000,
        'KREYES',
        day(0),
        day(1),
      ],
    );
  }
  database.exec('commit');
}
