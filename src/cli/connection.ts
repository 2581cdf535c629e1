import { InvalidArgumentError, Option, type Command } from 'commander';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { noteConnectionResult } from '../../sql/connections/connections.queries.ts';
import { listOrganizationCodes } from '../../sql/people/people.queries.ts';
import { findOrganization } from '../../sql/records/records.queries.ts';
import { openPemsConnection, saveConnection } from '../connections.ts';
import { withMigratedDatabase } from '../database/open.ts';
import { createVault } from '../encryption.ts';
import { VanguardError } from '../errors.ts';
import { createPemsClient, type DateFormat } from '../pems/index.ts';
import { readContext, withDatabase } from './context.ts';
import { print, terminal } from './terminal.ts';

interface CreateOptions {
  id: string;
  name: string;
  url: string;
  tenant: string;
  username: string;
  password?: string;
  passwordStdin?: boolean;
  organization?: string;
  dateOrder: 'MDY' | 'DMY';
  requestType: 'LIST.DATA_ONLY.STORED' | 'LIST.HEAD_DATA.STORED';
  readOnly?: boolean;
  timeout?: number;
  rate?: number;
  filterDates: DateFormat;
  loginOrganization?: string;
  gridPath?: string;
  headerPath?: string;
  screenPath?: string;
  monthLanguage?: string;
}

/** connection create, connection test. */
export function addConnectionCommands(program: Command): void {
  const connection = program.command('connection').description('connections to PEMS');

  connection
    .command('create')
    .description('create or replace a connection to PEMS; from then on no simulator is started')
    .requiredOption('--url <url>', 'base address, e.g. https://HOST/axis/restservices')
    .requiredOption('--tenant <tenant>', 'the tenant of PEMS')
    .requiredOption('--username <name>', 'the user of PEMS')
    .addOption(
      new Option(
        '--password <password>',
        'its password (visible to others on this machine: prefer --password-stdin)',
      ).conflicts('passwordStdin'),
    )
    .option('--password-stdin', 'read the password from standard input')
    .option('--organization <code>', 'only for this organization (else for all that have none of their own)')
    .option('--id <slug>', 'its name in the database; the same one again replaces it', 'pems')
    .option('--name <text>', 'what people call it', 'PEMS')
    .option(
      '--timeout <seconds>',
      'how long to wait for an answer: 1 to 900 (default: as before, at first 120)',
      wholeNumber(1, 900),
    )
    .option(
      '--rate <n>',
      'how many requests a second this tenant allows: 1 to 1000 (default: as before, at first 10)',
      wholeNumber(1, 1000),
    )
    .option(
      '--login-organization <code>',
      'the organization that the user of PEMS signs in to, * for all; "" for that of the records (default: as before, at first that of the records)',
    )
    .option(
      '--grid-path <path>',
      'endpoint of grids below the address (default: as before, at first griddata)',
    )
    .option(
      '--header-path <path>',
      'endpoint that tells the columns of a grid; "" for that of grids (default: as before, at first that of grids)',
    )
    .option(
      '--screen-path <path>',
      'endpoint of user-defined screens (default: as before, at first userdefinedscreenservices)',
    )
    .option(
      '--month-language <tag>',
      'language of months in dates, such as fr or pt-BR (default: as before, at first en)',
    )
    .option('--read-only', 'write nothing over it: what people commit waits')
    .addOption(
      new Option('--date-order <order>', 'how this tenant writes 04/02/2026')
        .choices(['MDY', 'DMY'])
        .default('MDY'),
    )
    .addOption(
      new Option('--request-type <type>', 'which shape of answer to ask for')
        .choices(['LIST.DATA_ONLY.STORED', 'LIST.HEAD_DATA.STORED'])
        .default('LIST.DATA_ONLY.STORED'),
    )
    .addOption(
      new Option(
        '--filter-dates <format>',
        'how this tenant wants dates in filters, by which changes are asked for',
      )
        .choices(['DD-MON-YYYY', 'YYYY-MM-DD', 'MM/DD/YYYY', 'DD/MM/YYYY'])
        .default('DD-MON-YYYY'),
    )
    .action(async (options: CreateOptions) => {
      const password = options.passwordStdin
        ? (await text(terminal().input)).replace(/\r?\n$/, '')
        : options.password;
      if (!password)
        throw new VanguardError('INVALID_INPUT', 'A password is needed.', {
          hint: 'Give --password-stdin (or --password).',
        });
      if (!/^https?:\/\//.test(options.url)) {
        // It may hold a password.
        throw new VanguardError(
          'INVALID_INPUT',
          `${options.url.replace(/^.*@/, '***@')} is not an address.`,
          {
            hint: 'It begins with https://, e.g. https://HOST/axis/restservices.',
          },
        );
      }
      await withDatabase(async (client, { secrets }) => {
        if (options.organization) {
          const codes = (await listOrganizationCodes.run(undefined, client)).map(({ code }) => code);
          if (!codes.includes(options.organization)) {
            throw new VanguardError('NOT_FOUND', `There is no organization ${options.organization}.`, {
              hint: `There are: ${codes.join(', ')}.`,
            });
          }
        }
        await saveConnection(client, createVault(secrets.encryptionKeys), {
          ...options,
          filterDateFormat: options.filterDates,
          password,
          isReadOnly: options.readOnly ?? false,
          timeoutMs: options.timeout && options.timeout * 1000,
          requestsPerSecond: options.rate,
          isSimulated: false,
        });
        print(
          `The connection ${options.id} is stored. Next: npx vanguard connection test ${options.organization ?? 'ORGANIZATION'}`,
        );
      });
    });

  connection
    .command('test <organization>')
    .description('read one row of an organization (by its code) over its connection')
    .action(async (organization: string) => {
      const { configuration, secrets } = await readContext();
      await withMigratedDatabase(configuration, secrets, async ({ urls }) => {
        const owner = new pg.Pool({ connectionString: urls.owner, max: 2 });
        try {
          const [found] = await findOrganization.run({ org: organization }, owner);
          if (!found)
            throw new VanguardError('NOT_FOUND', `There is no organization ${organization}.`, {
              hint: 'Codes are case-sensitive.',
            });
          const { id, connection: opened } = await openPemsConnection(
            owner,
            createVault(secrets.encryptionKeys),
            found.id,
          );
          try {
            const result = await createPemsClient(opened).testConnection({ organization: found.code });
            await noteConnectionResult.run(
              { apiConfigurationId: id, rowsRead: null, errorMessage: null },
              owner,
            );
            print(
              `${opened.baseUrl} answered in ${Math.round(result.milliseconds)} ms with ${result.rows} row${result.rows === 1 ? '' : 's'}.`,
            );
            print(`Columns: ${result.aliases.join(', ') || '(none)'}`);
          } catch (error) {
            await noteConnectionResult.run(
              { apiConfigurationId: id, rowsRead: null, errorMessage: (error as Error).message },
              owner,
            );
            throw error;
          }
        } finally {
          await owner.end();
        }
      });
    });
}

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  return value;
};
