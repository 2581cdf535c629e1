import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { loadEnvFile } from 'node:process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { VanguardError } from './errors.ts';

/** The folder of the project: relative paths of the configuration are under it, wherever a command was called. */
export const projectFolder = fileURLToPath(new URL('..', import.meta.url));

const portNumber = z.coerce.number({ error: 'must be a port, 1 to 65535' }).int().min(1).max(65535);
const port = (byDefault: number) => portNumber.default(byDefault);
const postgresUrl = z
  .url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a connection string such as postgres://user:password@host:5432/database',
  })
  .optional();
const optionalText = z.string().min(1).optional();

/** How encryption keys are written down, in the environment and in secrets.json. */
export const encryptionKeysFormat = z
  .string()
  .regex(/^[\w.-]+:[A-Za-z0-9+/]{43}=(,[\w.-]+:[A-Za-z0-9+/]{43}=)*$/, {
    error:
      'must be ID:KEY[,ID:KEY...], each KEY 32 random bytes in base64, the first one being used for what is new',
  });

/** Every variable that is read, as .env.example documents it. */
const environmentSchema = z.object({
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
  VANGUARD_DATA_DIR: z.string().min(1).default('.data'),
  DATABASE_URL: postgresUrl,
  AUTHENTICATOR_DATABASE_URL: postgresUrl,
  WORKER_DATABASE_URL: postgresUrl,
  ROOT_DATABASE_URL: postgresUrl,
  VANGUARD_SECRET: z.string().min(32, { error: 'must have at least 32 characters' }).optional(),
  VANGUARD_ENCRYPTION_KEYS: encryptionKeysFormat.optional(),
  SIMULATOR_PORT: port(3010),
  SIMULATOR_CONTROL_PORT: portNumber.optional(),
  WORKER_CONCURRENCY: z.coerce.number({ error: 'must be a number, 1 to 50' }).int().min(1).max(50).default(4),
  PEMS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://HOST/axis/restservices' })
    .optional(),
  PEMS_TENANT: optionalText,
  PEMS_USERNAME: optionalText,
  PEMS_PASSWORD: optionalText,
});

/** What the environment says, checked. Paths are absolute. */
export interface Configuration {
  production: boolean;
  environment: 'development' | 'test' | 'production';
  logLevel: string;
  host: string;
  port: number;
  dataFolder: string;
  databaseUrl: string | undefined;
  authenticatorDatabaseUrl: string | undefined;
  workerDatabaseUrl: string | undefined;
  rootDatabaseUrl: string | undefined;
  secret: string | undefined;
  encryptionKeys: string | undefined;
  simulatorPort: number;
  simulatorControlPort: number;
  workerConcurrency: number;
  /** A PEMS named by the environment, or undefined. */
  pems: { url: string; tenant: string; username: string; password: string } | undefined;
}

/**
 * Reads and checks the environment (and `.env` in the project's folder, whose values give way to the environment's).
 * Refuses with CONFIGURATION_INVALID, one message that lists every problem.
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
  if (given.NODE_ENV === 'production') {
    if (!given.DATABASE_URL)
      problems.push('DATABASE_URL must be set in production: the embedded database is for trying out');
    if (!given.VANGUARD_SECRET) problems.push('VANGUARD_SECRET must be set in production');
    if (!given.VANGUARD_ENCRYPTION_KEYS) problems.push('VANGUARD_ENCRYPTION_KEYS must be set in production');
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
  return {
    production: env.NODE_ENV === 'production',
    environment: env.NODE_ENV,
    logLevel: env.LOG_LEVEL,
    host: env.HOST,
    port: env.PORT,
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
    workerConcurrency: env.WORKER_CONCURRENCY,
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

function processEnvironment(): NodeJS.ProcessEnv {
  const file = resolve(projectFolder, '.env');
  if (existsSync(file)) loadEnvFile(file);
  return process.env;
}
