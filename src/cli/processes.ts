import { InvalidArgumentError, Option, type Command } from 'commander';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { DialectName } from '../../simulator/index.ts';
import { readConfiguration, simulatorDialects, type Configuration } from '../configuration.ts';
import { configuredRoleUrls } from '../database/open.ts';
import { VanguardError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { createLogger, hideInLogs, hidePasswordsOf, logEverything } from '../logger.ts';
import type { Secrets } from '../secrets.ts';
import { readContext } from './context.ts';
import { runProcess } from './process.ts';

interface SimulatorCommandOptions {
  organization?: Record<string, number>;
  seed: number;
  latency: number;
  dialect?: DialectName;
  tenant?: Record<string, DialectName>;
}

/**
 * Adds `start`, `server`, `worker` and `simulator`. Each loads its code only when it runs: loading all of it takes a
 * second, which other commands should not spend.
 */
export function addProcessCommands(program: Command): void {
  program
    .command('start')
    .description('run everything: database, simulated PEMS (unless one is configured), server and worker')
    .action(async () => {
      const { configuration, secrets } = await readContext();
      const { start } = await import('../start.ts');
      await start(configuration, secrets);
    });

  program
    .command('server')
    .description('run the API server alone (needs DATABASE_URL)')
    .action(() =>
      runProcess(async () => {
        const { configuration, secrets } = await readContext();
        const { startServer } = await import('../server.ts');
        keepLog('server', configuration, secrets);
        return startServer({
          authenticatorUrl: configuredRoleUrls(requireDatabaseUrl(configuration), secrets).authenticator,
          encryptionKeys: secrets.encryptionKeys,
          host: configuration.host,
          port: configuration.port,
          trustProxy: configuration.trustProxy,
          production: configuration.production,
          introspection: configuration.introspection,
          logLevel: configuration.logLevel,
          admin: configuration.admin.server,
          corsOrigins: configuration.corsOrigins,
          allowedHosts: configuration.allowedHosts,
          admission: configuration.admission,
        });
      }),
    );

  program
    .command('worker')
    .description('run a worker alone (needs DATABASE_URL); several may run at once')
    .action(() =>
      runProcess(async () => {
        const { configuration, secrets } = await readContext();
        const { startWorker } = await import('../../worker/index.ts');
        keepLog('worker', configuration, secrets);
        return startWorker({
          workerUrl: configuredRoleUrls(requireDatabaseUrl(configuration), secrets).worker,
          encryptionKeys: secrets.encryptionKeys,
          concurrency: configuration.workerConcurrency,
          logLevel: configuration.logLevel,
          retention: configuration.retention,
          runLimits: configuration.runLimits,
          admin: configuration.admin.worker,
          allowedHosts: configuration.allowedHosts,
        });
      }),
    );

  program
    .command('simulator')
    .description('run the simulated PEMS alone')
    .option(
      '--organization <code=n>',
      'another organization, or another size of one (may be repeated)',
      collectOrganization,
    )
    .option('--seed <n>', 'which data to make up', wholeNumber, 1)
    .option('--latency <ms>', 'how long each answer takes, in milliseconds', wholeNumber, 0)
    .addOption(
      new Option(
        '--dialect <name>',
        'how this PEMS writes its answers (default: SIMULATOR_DIALECT, or official)',
      ).choices(simulatorDialects),
    )
    .option(
      '--tenant <name=dialect>',
      'another tenant with the same records, in a dialect of its own (may be repeated)',
      collectTenant,
    )
    .action((options: SimulatorCommandOptions) =>
      runProcess(async () => {
        const configuration = readConfiguration();
        if (configuration.production) {
          throw new VanguardError(
            'NOT_IN_PRODUCTION',
            'The simulated PEMS is not for production: its records are made up, and its password is known.',
            {
              hint: 'Connect the real one with `npx vanguard connection create`, or unset NODE_ENV to try things out.',
            },
          );
        }
        const folder = join(configuration.dataFolder, 'simulator');
        checkFolder(folder);
        const { startSimulator } = await import('../../simulator/index.ts');
        const simulator = await startSimulator({
          port: configuration.simulatorPort,
          controlPort: configuration.simulatorControlPort,
          folder,
          organizations: options.organization ?? {},
          seed: options.seed,
          latencyMs: options.latency,
          dialect: options.dialect ?? configuration.simulatorDialect,
          tenants: options.tenant ?? {},
        }).catch((error: NodeJS.ErrnoException) => {
          if (error.syscall !== 'listen' && error.code !== 'EADDRINUSE') throw error;
          if (error.code === 'EACCES')
            throw new VanguardError('PORT_DENIED', `This user may not listen: ${error.message}.`, {
              hint: 'Ports below 1024 are for root: set SIMULATOR_PORT and SIMULATOR_CONTROL_PORT to higher ones.',
              cause: error,
            });
          throw new VanguardError('PORT_IN_USE', error.message, {
            hint: 'Stop that program, or set SIMULATOR_PORT (and SIMULATOR_CONTROL_PORT) to others.',
            cause: error,
          });
        });
        if (!process.send)
          console.log(`Simulated PEMS at ${simulator.url}, control at ${simulator.controlUrl}`);
        return simulator;
      }),
    );
}

/** From here on, the process writes all output to its log, without secrets. */
function keepLog(name: string, configuration: Configuration, secrets: Secrets): void {
  const { databaseUrl, authenticatorDatabaseUrl, workerDatabaseUrl, rootDatabaseUrl, pems } = configuration;
  hideInLogs(secrets.secret, ...secrets.encryptionKeys.split(','), pems?.password);
  hideInLogs(...secrets.encryptionKeys.split(',').map((key) => key.split(':')[1]));
  hidePasswordsOf(databaseUrl, authenticatorDatabaseUrl, workerDatabaseUrl, rootDatabaseUrl);
  if (databaseUrl) {
    const { owner, authenticator, worker } = configuredRoleUrls({ ...configuration, databaseUrl }, secrets);
    hidePasswordsOf(owner, authenticator, worker);
  }
  logEverything(createLogger(name, configuration.logLevel));
}

function checkFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new VanguardError(
      'DATA_FOLDER_NOT_WRITABLE',
      `The folder ${folder} cannot be used: ${(error as Error).message}.`,
      {
        hint: 'Make it writable for this user, or set VANGUARD_DATA_DIR to another folder.',
        cause: error,
      },
    );
  }
}

function requireDatabaseUrl<T extends { databaseUrl: string | undefined }>(
  configuration: T,
): T & { databaseUrl: string } {
  const { databaseUrl } = configuration;
  if (!databaseUrl) {
    throw new VanguardError('DATABASE_URL_MISSING', 'DATABASE_URL is not set.', {
      hint: 'Set it to the connection string of the database, or use `npx vanguard start`, which brings one along.',
    });
  }
  return { ...configuration, databaseUrl };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return value;
}

function collectOrganization(text: string, sofar: Record<string, number> = {}): Record<string, number> {
  const [, code, size] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
  if (!code || !size) throw new InvalidArgumentError('It must be CODE=NUMBER, e.g. BIG=200000.');
  return { ...sofar, [code]: Number(size) };
}

function collectTenant(text: string, sofar: Record<string, DialectName> = {}): Record<string, DialectName> {
  const [, name, given] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const dialect = simulatorDialects.find((one) => one === given);
  if (!name || !dialect)
    throw new InvalidArgumentError(
      `It must be NAME=DIALECT with a dialect of ${simulatorDialects.join(', ')}.`,
    );
  return { ...sofar, [name]: dialect };
}
