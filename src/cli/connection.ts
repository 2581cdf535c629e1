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
import {
  createMasker,
  createPemsClient,
  createRecorder,
  firstId,
  inspect,
  type DateFormat,
  type PemsConnection,
  type Transport,
} from '../pems/index.ts';
import { recordMappers, type RecordMappers } from '../../worker/record-mappers.ts';
import { describeConnection, reportText, type ConnectionReport } from './connection-report.ts';
import { readContext, withDatabase } from './context.ts';
import { checkFolder, writeRecording } from './recording-folder.ts';
import { print, terminal, warn } from './terminal.ts';

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

/** Adds `connection create`, `connection test` and `connection record`. */
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
        // The address may hold a password.
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
    .description(
      'read one page and one record of an organization (by its code) over its connection, and say what does not fit; writes nothing',
    )
    .option('--rows <n>', 'how many rows to look at: 1 to 1000', wholeNumber(1, 1000), 100)
    .option('--json', 'print the result as JSON')
    .action(async (organization: string, options: { rows: number; json?: true }) => {
      try {
        const { report } = await withConnection(organization, (opened) => examine(opened, options.rows));
        print(options.json ? JSON.stringify(report, null, 2) : reportText(report));
        if (report.findings.some(({ level }) => level === 'error')) terminal().exitCode = 1;
      } catch (error) {
        if (!options.json || !(error instanceof VanguardError)) throw error;
        const { code, message, hint } = error;
        print(JSON.stringify({ error: { code, message, hint } }, null, 2));
        terminal().exitCode = 1;
      }
    });

  connection
    .command('record <folder> <organization>')
    .description(
      'keep masked answers of PEMS about an organization in a new folder, to send to those who develop PFA Vanguard; writes nothing to PEMS',
    )
    .option('--rows <n>', 'how many rows to keep: 1 to 1000', wholeNumber(1, 1000), 50)
    .action(async (folder: string, organization: string, { rows }: { rows: number }) => {
      await checkFolder(folder);
      const masker = createMasker();
      const recorder = createRecorder(masker);
      const { opened, failure } = await withConnection(organization, async (connection) => {
        const failed = await exerciseEach(connection, rows, recorder.transport);
        return { opened: connection, failure: failed };
      });
      // Without a response there is nothing to record.
      if (recorder.exchanges.length === 0 && failure) throw failure;
      const { id, kept } = await writeRecording(folder, recorder.exchanges, {
        organization: masker.text(organization),
        connection: opened.connection,
      });
      print(
        `${kept} answers are in ${folder}, as recording ${id}. Look at them, then send the folder. Values are masked; names of columns and fields are not.`,
      );
      if (failure) warn(`Not everything answered: ${failure.code}: ${failure.message}`);
    });
}

/** An open connection of one organization. */
interface Opened {
  organization: string;
  connection: PemsConnection;
  mappers: RecordMappers;
}

/** Opens the connection of an organization, calls `use`, and records in the database whether the connection works. */
async function withConnection<T extends { failure?: VanguardError | null }>(
  code: string,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { configuration, secrets } = await readContext();
  return withMigratedDatabase(configuration, secrets, async ({ urls }) => {
    const owner = new pg.Pool({ connectionString: urls.owner, max: 2 });
    try {
      const [found] = await findOrganization.run({ org: code }, owner);
      if (!found)
        throw new VanguardError('NOT_FOUND', `There is no organization ${code}.`, {
          hint: 'Codes are case-sensitive.',
        });
      const { id, connection } = await openPemsConnection(
        owner,
        createVault(secrets.encryptionKeys),
        found.id,
      );
      const mappers = await recordMappers(owner, found.id, connection);
      const note = (errorMessage: string | null) =>
        noteConnectionResult.run({ apiConfigurationId: id, rowsRead: null, errorMessage }, owner);
      try {
        const result = await use({ organization: found.code, connection, mappers });
        await note(result.failure?.message ?? null);
        return result;
      } catch (error) {
        await note((error as Error).message);
        throw error instanceof VanguardError ? withNextStep(error, id, connection) : error;
      }
    } finally {
      await owner.end();
    }
  });
}

/** Reads a page and its first record, and examines both. */
async function examine(
  { organization, connection, mappers }: Opened,
  rows: number,
): Promise<{ report: ConnectionReport; failure?: never }> {
  // A user waits for the result, so there are no retries.
  const client = createPemsClient({ ...connection, maxAttempts: 1 });
  const { milliseconds, ...sample } = await client.readSample({ organization, rows });
  // An empty page may lack column names. If the header lacks them too, NO_ROWS is the only finding.
  const header =
    sample.aliases.length > 0
      ? sample.aliases
      : await client.readColumns({ organization }).catch((error: unknown) => onlyRefusals(error));
  const aliases = header instanceof VanguardError ? [] : header;
  const page = { aliases, rows: sample.rows };
  const input = { organization, page, grid: mappers.grid };
  const id = firstId(input);
  const record =
    id === null
      ? undefined
      : await client
          .readRecord({ organization, id, clock: noClock })
          .catch((error: unknown) => onlyRefusals(error));
  const inspection = inspect({
    ...input,
    dateOrder: connection.dateOrder,
    monthLanguage: connection.monthLanguage,
    fields: mappers.mapping,
    screen: mappers.screen,
    ...(record !== undefined && { record }),
  });
  return { report: { ...describeConnection(connection), milliseconds, ...inspection } };
}

/**
 * Sends all requests of a recording, one after the other. Returns the first failure; the recording contains its
 * response too.
 */
async function exerciseEach(
  { organization, connection, mappers }: Opened,
  rows: number,
  transport: Transport,
): Promise<VanguardError | null> {
  const client = createPemsClient({ ...connection, maxAttempts: 1 }, { transport });
  const failures: VanguardError[] = [];
  const ask = async <T>(request: Promise<T>): Promise<T | null> => {
    const answer = await request.catch((error: unknown) => onlyRefusals(error));
    if (!(answer instanceof VanguardError)) return answer;
    failures.push(answer);
    return null;
  };
  const page = await ask(client.readSample({ organization, rows }));
  await ask(client.readColumns({ organization }));
  const id = page && firstId({ organization, page, grid: mappers.grid });
  // Also records the response for a record that does not exist.
  for (const one of [id, id && `${id}-NONE`])
    if (one) await ask(client.readRecord({ organization, id: one, clock: noClock }));
  return failures[0] ?? null;
}

const noClock = (): Promise<string> => Promise.resolve('');

/** Returns refusals of PEMS and throws any other error. */
function onlyRefusals(error: unknown): VanguardError {
  if (error instanceof VanguardError) return error;
  throw error;
}

/** Adds the first setting to change, if the error alone does not name it. */
function withNextStep(error: VanguardError, id: string, connection: PemsConnection): VanguardError {
  const { status } = (error.details ?? {}) as { status?: number };
  const again = `npx vanguard connection create --id ${id}`;
  const hint =
    error.code === 'PEMS_REFUSED' && status === 404
      ? `Nothing is at this address of PEMS. Check ${connection.baseUrl} and the path of the grid, then enter it again: ${again} --url ...`
      : error.code === 'PEMS_UNAUTHORIZED'
        ? `${error.hint ?? ''} Check the organization that the user logs in with, too. Enter them again: ${again} ...`
        : undefined;
  if (hint === undefined) return error;
  return new VanguardError(error.code, error.message, {
    hint: hint.trim(),
    details: error.details,
    cause: error,
  });
}

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  return value;
};
