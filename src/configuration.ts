import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { loadEnvFile } from 'node:process';
import { fileURLToPath } from 'node:url';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { DialectName } from '../simulator/index.ts';
import { VanguardError } from './errors.ts';
import { defaultAdmission, type AdmissionLimits } from './http/admission.ts';

/** Folder of the project; relative paths of the configuration start here, whatever the working directory. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url));

/** Dialects of the simulated PEMS. Listed here so that reading the configuration does not load the simulator. */
export const simulatorDialects = [
  ...(['official', 'classic', 'terse', 'localized', 'strict'] as const),
] satisfies DialectName[];

const portNumber = z.coerce.number({ error: 'must be a port, 1 to 65535' }).int().min(1).max(65535);
const port = (byDefault: number) => portNumber.default(byDefault);
const postgresUrl = z
  .url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a connection string such as postgres://user:password@host:5432/database',
    abort: true,
  })
  .refine(isDecodable, { error: 'must have each % in user, password and database written as %25' })
  .optional();
function isDecodable(text: string): boolean {
  const { username, password, pathname } = new URL(text);
  try {
    decodeURIComponent(`${username}${password}${pathname}`);
    return true;
  } catch {
    return false;
  }
}

/** Names of address ranges in express. */
const namedRanges = ['loopback', 'linklocal', 'uniquelocal'];
const isAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
const isAddressOrRange = (text: string) =>
  namedRanges.includes(text) ||
  (isAddress(text.replace(/\/\d+$/, '')) &&
    // A prefix of 0 would trust every address; express refuses it.
    (isAddress(text) || (ipaddr.isValidCIDR(text) && !/\/0+$/.test(text))));
const trustedProxies = z
  .string()
  .transform((text) => (/^\d{1,2}$/.test(text) ? Number(text) : text.split(',').map((entry) => entry.trim())))
  .refine((value) => typeof value === 'number' || value.every(isAddressOrRange), {
    error:
      'must be the number of proxies in front of the server, or their addresses or subnets (not /0), such as 10.0.0.0/8,fd00::1',
  })
  .default(0);
const optionalText = z.string().min(1).optional();
const days = (byDefault: number) =>
  z.coerce
    .number({ error: 'must be a number of days, 1 to 3650' })
    .int('must be a whole number of days')
    .min(1, 'must be at least 1 day')
    .max(3650, 'must be at most 3650 days')
    .default(byDefault);
/** Maximum number of concurrent requests: the server has 20 connections. */
const atMost = (byDefault: number) =>
  z.coerce.number({ error: 'must be a number, 1 to 18' }).int().min(1).max(18).default(byDefault);
/** A port for monitoring, or `off`. */
const adminPort = z.union([z.literal('off'), portNumber], { error: 'must be a port, 1 to 65535, or off' });
const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .refine((list) => !list.includes('*'), {
    error:
      'must not be *: sign-in travels with requests, so each origin that may send them has to be named, such as https://app.example.com',
    abort: true,
  })
  .refine((list) => list.every(isOrigin), {
    error:
      'must be a list of origins with commas between them, each scheme://host[:port] without a path, such as https://app.example.com',
  });

const hosts = z
  .string()
  .transform((text) =>
    text
      .toLowerCase()
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  )
  .refine((list) => list.every((name) => /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name)), {
    error:
      'must be a list of names with commas between them, each without scheme and port, such as vanguard.example.com',
  });

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** Format of encryption keys in the environment and in secrets.json. */
export const encryptionKeysFormat = z
  .string()
  .regex(/^[\w.-]+:[A-Za-z0-9+/]{43}=(,[\w.-]+:[A-Za-z0-9+/]{43}=)*$/, {
    error:
      'must be ID:KEY[,ID:KEY...], each KEY 32 random bytes in base64, the first one being used for what is new',
  });

/** Retention of growing data, in days. */
export interface Retention {
  syncLogDays: number;
  rejectsDays: number;
  sessionsDays: number;
  failedJobsDays: number;
  changesDays: number;
  privateChangesDays: number;
  exchangesDays: number;
}

/** Default retention. */
export const defaultRetention: Retention = {
  syncLogDays: 90,
  rejectsDays: 30,
  sessionsDays: 30,
  failedJobsDays: 30,
  changesDays: 400,
  privateChangesDays: 7,
  exchangesDays: 30,
};

/** Limits of one sync run: no organization needs more, and more could fill the disk. */
export interface RunLimits {
  rows: number;
  seconds: number;
}

/** Default limits of one run. */
export const defaultRunLimits: RunLimits = { rows: 1_000_000, seconds: 3_600 };

/** All environment variables, as documented in .env.example and docs/reference/configuration.md. */
export const environmentSchema = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'], { error: 'must be development, test or production' })
    .default('development'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be trace, debug, info, warn, error, fatal or silent',
    })
    .default('info'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port(3001),
  GRAPHQL_INTROSPECTION: z.enum(['on', 'off'], { error: 'must be on or off' }).optional(),
  TRUST_PROXY: trustedProxies,
  ADMIN_HOST: z.string().min(1).default('127.0.0.1'),
  ADMIN_PORT: adminPort.default(9464),
  WORKER_ADMIN_PORT: adminPort.default('off'),
  CORS_ORIGINS: origins.optional(),
  ALLOWED_HOSTS: hosts.optional(),
  VANGUARD_DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: postgresUrl,
  AUTHENTICATOR_DATABASE_URL: postgresUrl,
  WORKER_DATABASE_URL: postgresUrl,
  ROOT_DATABASE_URL: postgresUrl,
  VANGUARD_SECRET: z.string().min(32, { error: 'must have at least 32 characters' }).optional(),
  VANGUARD_ENCRYPTION_KEYS: encryptionKeysFormat.optional(),
  SIMULATOR_PORT: port(3010),
  SIMULATOR_CONTROL_PORT: portNumber.optional(),
  SIMULATOR_DIALECT: z
    .enum(simulatorDialects, { error: `must be one of ${simulatorDialects.join(', ')}` })
    .default('official'),
  WORKER_CONCURRENCY: z.coerce.number({ error: 'must be a number, 1 to 50' }).int().min(1).max(50).default(4),
  SYNC_MAX_ROWS: z.coerce
    .number({ error: 'must be a number of rows, 1,000 to 100,000,000, in digits' })
    .int()
    .min(1_000)
    .max(100_000_000)
    .default(defaultRunLimits.rows),
  SYNC_MAX_SECONDS: z.coerce
    .number({ error: 'must be a number of seconds, 10 to 86400' })
    .int()
    .min(10)
    .max(86_400)
    .default(defaultRunLimits.seconds),
  MAX_USER_REQUESTS: atMost(defaultAdmission.userRequests),
  MAX_ORGANIZATION_REQUESTS: atMost(defaultAdmission.organizationRequests),
  MAX_BULK_REQUESTS: atMost(defaultAdmission.bulkRequests),
  MAX_WAIT_SECONDS: z.coerce
    .number({ error: 'must be a number of seconds, 1 to 60' })
    .int()
    .min(1)
    .max(60)
    .default(defaultAdmission.waitSeconds),
  RETENTION_SYNC_LOG_DAYS: days(defaultRetention.syncLogDays),
  RETENTION_REJECTS_DAYS: days(defaultRetention.rejectsDays),
  RETENTION_SESSIONS_DAYS: days(defaultRetention.sessionsDays),
  RETENTION_FAILED_JOBS_DAYS: days(defaultRetention.failedJobsDays),
  RETENTION_CHANGES_DAYS: days(defaultRetention.changesDays),
  RETENTION_PRIVATE_CHANGES_DAYS: days(defaultRetention.privateChangesDays),
  RETENTION_EXCHANGES_DAYS: days(defaultRetention.exchangesDays),
  PEMS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://HOST/axis/restservices' })
    .optional(),
  PEMS_TENANT: optionalText,
  PEMS_USERNAME: optionalText,
  PEMS_PASSWORD: optionalText,
});

/** Host and port to listen on. */
export interface Address {
  host: string;
  port: number;
}

/** The validated environment. Paths are absolute. */
export interface Configuration {
  production: boolean;
  environment: 'development' | 'test' | 'production';
  logLevel: string;
  host: string;
  port: number;
  /** Whether signed-in users may query the GraphQL schema. */
  introspection: boolean;
  /** Number or addresses of the proxies in front of the server, whose X-Forwarded-For counts. */
  trustProxy: number | string[];
  /** Addresses for monitoring the server and the worker; undefined: none. */
  admin: { server: Address | undefined; worker: Address | undefined };
  /** Origins whose pages may call the API; empty: only the app's own pages. */
  corsOrigins: readonly string[];
  /** Host names of the server and admin ports, besides localhost, IP addresses, the name of this machine and HOST. */
  allowedHosts: readonly string[];
  /** Limits of concurrent and waiting requests. */
  admission: AdmissionLimits;
  retention: Retention;
  dataFolder: string;
  databaseUrl: string | undefined;
  authenticatorDatabaseUrl: string | undefined;
  workerDatabaseUrl: string | undefined;
  rootDatabaseUrl: string | undefined;
  secret: string | undefined;
  encryptionKeys: string | undefined;
  simulatorPort: number;
  simulatorControlPort: number;
  simulatorDialect: DialectName;
  workerConcurrency: number;
  runLimits: RunLimits;
  /** A PEMS that the environment names, if any. */
  pems: { url: string; tenant: string; username: string; password: string } | undefined;
}

/**
 * Reads and validates the environment, and `.env` in the project's folder, whose values have lower precedence. Refuses
 * with CONFIGURATION_INVALID, whose message lists every problem.
 */
export function readConfiguration(environment: NodeJS.ProcessEnv = processEnvironment()): Configuration {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(given);
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  const pemsNames = ['PEMS_URL', 'PEMS_TENANT', 'PEMS_USERNAME', 'PEMS_PASSWORD'] as const;
  const missing = pemsNames.filter((name) => !given[name]);
  if (missing.length > 0 && missing.length < pemsNames.length) {
    problems.push(
      `${missing.join(', ')} must be set too: a PEMS connection needs all of ${pemsNames.join(', ')}`,
    );
  }
  if (parsed.success) problems.push(...samePorts(parsed.data));
  if (given.NODE_ENV === 'production') {
    if (!given.DATABASE_URL)
      problems.push('DATABASE_URL must be set in production: the embedded database is for trying out');
    if (!given.VANGUARD_SECRET) problems.push('VANGUARD_SECRET must be set in production');
    if (!given.VANGUARD_ENCRYPTION_KEYS) problems.push('VANGUARD_ENCRYPTION_KEYS must be set in production');
    const wrong = parsed.success ? [] : parsed.error.issues.map(({ path }) => String(path[0]));
    const wellFormed = Object.entries(given).filter(([name]) => !wrong.includes(name));
    problems.push(...guessableSecrets(Object.fromEntries(wellFormed)));
  }
  if (!parsed.success || problems.length > 0) {
    throw new VanguardError(
      'CONFIGURATION_INVALID',
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
      {
        hint: 'Correct the environment or .env; .env.example documents every variable.',
        details: problems,
      },
    );
  }
  const env = parsed.data;
  const adminAt = (port: number | 'off') => (port === 'off' ? undefined : { host: env.ADMIN_HOST, port });
  return {
    production: env.NODE_ENV === 'production',
    environment: env.NODE_ENV,
    logLevel: env.LOG_LEVEL,
    host: env.HOST,
    port: env.PORT,
    introspection: (env.GRAPHQL_INTROSPECTION ?? (env.NODE_ENV === 'production' ? 'off' : 'on')) === 'on',
    trustProxy: env.TRUST_PROXY,
    admin: { server: adminAt(env.ADMIN_PORT), worker: adminAt(env.WORKER_ADMIN_PORT) },
    corsOrigins: env.CORS_ORIGINS ?? [],
    allowedHosts: [env.HOST, env.ADMIN_HOST, ...(env.ALLOWED_HOSTS ?? [])],
    admission: {
      userRequests: env.MAX_USER_REQUESTS,
      organizationRequests: env.MAX_ORGANIZATION_REQUESTS,
      bulkRequests: env.MAX_BULK_REQUESTS,
      waitSeconds: env.MAX_WAIT_SECONDS,
    },
    retention: {
      syncLogDays: env.RETENTION_SYNC_LOG_DAYS,
      rejectsDays: env.RETENTION_REJECTS_DAYS,
      sessionsDays: env.RETENTION_SESSIONS_DAYS,
      failedJobsDays: env.RETENTION_FAILED_JOBS_DAYS,
      changesDays: env.RETENTION_CHANGES_DAYS,
      privateChangesDays: env.RETENTION_PRIVATE_CHANGES_DAYS,
      exchangesDays: env.RETENTION_EXCHANGES_DAYS,
    },
    dataFolder: isAbsolute(env.VANGUARD_DATA_DIR)
      ? env.VANGUARD_DATA_DIR
      : resolve(projectFolder, env.VANGUARD_DATA_DIR),
    databaseUrl: env.DATABASE_URL,
    authenticatorDatabaseUrl: env.AUTHENTICATOR_DATABASE_URL,
    workerDatabaseUrl: env.WORKER_DATABASE_URL,
    rootDatabaseUrl: env.ROOT_DATABASE_URL,
    secret: env.VANGUARD_SECRET,
    encryptionKeys: env.VANGUARD_ENCRYPTION_KEYS,
    simulatorPort: env.SIMULATOR_PORT,
    simulatorControlPort: env.SIMULATOR_CONTROL_PORT ?? env.SIMULATOR_PORT + 1,
    simulatorDialect: env.SIMULATOR_DIALECT,
    workerConcurrency: env.WORKER_CONCURRENCY,
    runLimits: { rows: env.SYNC_MAX_ROWS, seconds: env.SYNC_MAX_SECONDS },
    pems:
      env.PEMS_URL && env.PEMS_TENANT && env.PEMS_USERNAME && env.PEMS_PASSWORD
        ? {
            url: env.PEMS_URL,
            tenant: env.PEMS_TENANT,
            username: env.PEMS_USERNAME,
            password: env.PEMS_PASSWORD,
          }
        : undefined,
  };
}

/** Returns the problems of ports that are used twice or do not exist. */
function samePorts(env: z.infer<typeof environmentSchema>): string[] {
  const control = env.SIMULATOR_CONTROL_PORT ?? env.SIMULATOR_PORT + 1;
  if (control > 65535 && env.NODE_ENV !== 'production')
    return [
      'SIMULATOR_CONTROL_PORT must be set where SIMULATOR_PORT is 65535: the port after it is used otherwise',
    ];
  const ports = Object.entries({
    PORT: env.PORT,
    ADMIN_PORT: env.ADMIN_PORT,
    WORKER_ADMIN_PORT: env.WORKER_ADMIN_PORT,
    ...(env.NODE_ENV === 'production'
      ? {}
      : { SIMULATOR_PORT: env.SIMULATOR_PORT, SIMULATOR_CONTROL_PORT: control }),
  }).filter(([, port]) => port !== 'off');
  return ports.flatMap(([name, port], i) => {
    const earlier = ports.slice(0, i).find(([, other]) => other === port);
    return earlier ? [`${name} must be another port than ${earlier[0]}: both are ${port}`] : [];
  });
}

/** Words that examples and users write in place of a secret. */
const placeholders =
  /change.?me|change.?it|replace.?me|your.?(secret|password|key)|placeholder|password|passw0rd|swordfish|vanguard.?secret|0123456789|123456789/i;
const guessablePasswords =
  /^(|postgres|postgresql|admin|admin123|root|secret|test|vanguard\w*|p|123456?7?8?)$/i;
/**
 * Minimum number of distinct characters: random text of 32 characters has more, and 16 hexadecimal digits still give
 * 12.
 */
const leastVariety = 10;

/**
 * Returns the problems of secrets that are easy to guess in production: text of examples, and repetitive text. They do
 * not repeat the secrets.
 */
function guessableSecrets(given: Record<string, string | undefined>): string[] {
  const problems: string[] = [];
  const { VANGUARD_SECRET: secret, VANGUARD_ENCRYPTION_KEYS: keys } = given;
  if (secret && (placeholders.test(secret) || new Set(secret).size < leastVariety)) {
    problems.push(
      'VANGUARD_SECRET can be guessed: in production it must be random, such as the output of `openssl rand -base64 32`',
    );
  }
  const bytes = (key: string) => new Set(Buffer.from(key.split(':')[1] ?? '', 'base64'));
  if (keys?.split(',').some((key) => bytes(key).size < leastVariety)) {
    problems.push(
      'VANGUARD_ENCRYPTION_KEYS holds a key that can be guessed: in production each must be random, as from `openssl rand -base64 32`',
    );
  }
  for (const name of [
    'DATABASE_URL',
    'AUTHENTICATOR_DATABASE_URL',
    'WORKER_DATABASE_URL',
    'ROOT_DATABASE_URL',
  ]) {
    const url = given[name];
    if (!url || !URL.canParse(url)) continue;
    const { password } = new URL(url);
    if (password !== '' && (placeholders.test(password) || guessablePasswords.test(password))) {
      problems.push(`${name} has a password that can be guessed: in production choose a random one`);
    }
  }
  return problems;
}

function processEnvironment(): NodeJS.ProcessEnv {
  const file = resolve(projectFolder, '.env');
  if (existsSync(file)) loadEnvFile(file);
  return process.env;
}
