import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  acceptReferenceRemovals,
  decideOrganizationProposal,
  listConnection,
  organizationProposals,
  queueReferenceRuns,
  referenceLists,
  referenceSettings,
  referenceSources,
  writeReferenceField,
  writeReferencePath,
  writeReferenceSetting,
} from '../../sql/lists/lists.queries.ts';
import { VanguardError } from '../errors.ts';
import { refusal } from '../sqlstates.ts';
import { withDatabase } from './context.ts';
import { minutes, shown } from './sync.ts';
import { print } from './terminal.ts';

interface SettingOptions {
  check?: 'off' | 'warn' | 'refuse';
  every?: number;
  path?: { list: string; path: string }[];
  field?: { list: string; field: string; name: string }[];
}

const listNames = ['category', 'class', 'manufacturer', 'model', 'equipment'] as const;
const fieldNames = [
  'code',
  'description',
  'category',
  'class',
  'manufacturer',
  'model',
  'organization',
  'outOfService',
];

/**
 * Adds `lists read`, `lists status`, `lists settings` and `lists accept-removals`; `organization proposals`, `accept`
 * and `dismiss`.
 */
export function addListCommands(program: Command): void {
  const lists = program
    .command('lists')
    .description('reference lists of PEMS: categories, classes, manufacturers, models and equipment');

  lists
    .command('read <organization>')
    .description(
      'queue a read of all reference lists of an organization (by its code); a running worker does it',
    )
    .action((organization: string) =>
      withDatabase(async (client) => {
        const [known] = await listConnection.run({ organization }, client);
        if (!known) throw unknownOrganization(organization);
        if (!known.apiConfigurationId)
          throw new VanguardError(
            'NO_PEMS_CONNECTION',
            `No connection to PEMS is configured for ${organization}.`,
            {
              hint: 'Create one with `npx vanguard connection create`.',
            },
          );
        const queued = await queueReferenceRuns.run({ organization }, client);
        print(
          `Lists of ${organization} that are queued: ${queued.map(({ list }) => list).join(', ') || 'none'}. See them with: npx vanguard lists status`,
        );
      }),
    );

  lists
    .command('status [organization]')
    .description('how many entries each reference list has, and how its last read went')
    .option('--json', 'for programs')
    .action((organization: string | undefined, { json }: { json?: boolean }) =>
      withDatabase(async (client) => {
        const rows = await referenceLists.run({ organization }, client);
        if (organization !== undefined && rows.length === 0) throw unknownOrganization(organization);
        if (json) {
          print(JSON.stringify(rows, null, 2));
          return;
        }
        const line = (...[code, list, entries, check, read, run]: string[]) =>
          print(
            `${code!.padEnd(14)} ${list!.padEnd(13)} ${entries!.padStart(8)}  ${check!.padEnd(6)}  ${read!.padEnd(20)}  ${run}`.trimEnd(),
          );
        line('organization', 'list', 'entries', 'check', 'last read', 'last run');
        for (const row of rows)
          line(
            row.organization,
            row.list,
            row.entryCount.toLocaleString('en'),
            row.checkMode,
            row.readAt ? shown(row.readAt) : 'never',
            row.lastRunState ?? 'none',
          );
        for (const { organization: code, list, lastRunError, lastRunHint, notice } of rows) {
          if (lastRunError)
            print(`\n${code}, ${list}: ${lastRunError}${lastRunHint ? `\n${lastRunHint}` : ''}`);
          if (notice) print(`\n${code}, ${list}: ${notice}`);
        }
      }),
    );

  lists
    .command('settings <connection>')
    .description(
      'how the lists of a connection (by its id) are read and used: shows it, and changes what is given',
    )
    .addOption(
      new Option('--check <mode>', 'what happens to a draft with a value that PEMS does not list').choices([
        'off',
        'warn',
        'refuse',
      ]),
    )
    .addOption(
      new Option('--every <time>', 'from one read to the next, such as 12h or 1d').argParser(minutes),
    )
    .option(
      '--path <list=path>',
      'the path of a list below the base address, or "none" if this PEMS has no such list; may be repeated',
      pair(([list, path]) => {
        if (path !== 'none' && !/^[A-Za-z0-9][\w./-]{0,199}$/.test(path!))
          throw new InvalidArgumentError('Give a path such as class=equipmentclasses, or class=none.');
        return { list: list!, path: path! };
      }),
    )
    .option(
      '--field <list.field=NAME>',
      'how PEMS names a field of a list, such as class.code=CLASS; may be repeated',
      pair<NonNullable<SettingOptions['field']>[number]>(([target, name]) => {
        const [list, field] = target!.split('.');
        if (!fieldNames.includes(field ?? ''))
          throw new InvalidArgumentError(`The fields of a list are: ${fieldNames.join(', ')}.`);
        return { list: list!, field: field!, name: name! };
      }),
    )
    .action((apiConfigurationId: string, { check, every, path = [], field = [] }: SettingOptions) =>
      withDatabase(async (client) => {
        const [before] = await referenceSettings.run({ apiConfigurationId }, client);
        if (!before)
          throw new VanguardError('NOT_FOUND', `There is no connection ${apiConfigurationId} to PEMS.`, {
            hint: '`npx vanguard push status` names the connections in use.',
          });
        await client.query('begin');
        if (check !== undefined || every !== undefined)
          await writeReferenceSetting.run(
            { apiConfigurationId, checkMode: check, everyMinutes: every ?? before.everyMinutes },
            client,
          );
        for (const one of field) await writeReferenceField.run({ apiConfigurationId, ...one }, client);
        for (const one of path)
          await writeReferencePath.run(
            { apiConfigurationId, list: one.list, path: one.path === 'none' ? null : one.path },
            client,
          );
        await client.query('commit');
        const [now] = await referenceSettings.run({ apiConfigurationId }, client);
        print(
          `The lists of ${apiConfigurationId} are read every ${now!.everyMinutes} minutes. ${meanings[now!.checkMode]}`,
        );
        for (const { list, path: at, fields } of await referenceSources.run({ apiConfigurationId }, client))
          print(
            `${list.padEnd(13)} ${at === null || at === undefined ? 'not read' : `${at}: ${describeFields(fields)}`}`,
          );
      }),
    );

  lists
    .command('accept-removals <organization> <list>')
    .description(
      'remove the entries that PEMS no longer lists and that were withheld because there were so many',
    )
    .action((organization: string, list: string) =>
      withDatabase(async (client) => {
        const removed = await refusing(acceptReferenceRemovals.run({ organization, list }, client));
        if (removed.length === 0) throw unknownOrganization(organization);
        print(`The entries that PEMS no longer lists are removed from the list ${list} of ${organization}.`);
      }),
    );

  const organization = program
    .command('organization')
    .description('organizations that PEMS lists and that are not here');
  organization
    .command('proposals')
    .description('list the organizations that PEMS proposes')
    .option('--all', 'those that were accepted or dismissed, too')
    .option('--json', 'for programs')
    .action(({ all, json }: { all?: boolean; json?: boolean }) =>
      withDatabase(async (client) => {
        const proposals = await organizationProposals.run({ withDecided: all ?? false }, client);
        if (json) print(JSON.stringify(proposals, null, 2));
        else if (proposals.length === 0) print('PEMS proposes no organization.');
        else
          for (const { code, name, state } of proposals)
            print(`${code.padEnd(20)} ${state.padEnd(9)}  ${name}`);
      }),
    );
  for (const [verb, isAccepted, description] of [
    ['accept', true, 'add an organization that PEMS proposes, with its code and name'],
    ['dismiss', false, 'dismiss an organization that PEMS proposes; it is not proposed again'],
  ] as const) {
    organization
      .command(`${verb} <code>`)
      .description(description)
      .action((code: string) =>
        withDatabase(async (client) => {
          const [decided] = await refusing(decideOrganizationProposal.run({ code, isAccepted }, client));
          print(
            isAccepted
              ? `${decided!.code} (${decided!.name}) is an organization now. Add its members with: npx vanguard membership add`
              : `${decided!.code} is dismissed.`,
          );
        }),
      );
  }
}

const meanings: Record<string, string> = {
  off: 'Drafts are not compared with them.',
  warn: 'A draft with a value that PEMS does not list gets a hint.',
  refuse: 'A draft with a value that PEMS does not list is refused.',
};

const describeFields = (fields: unknown) =>
  Object.entries(fields as Record<string, string[]>)
    .map(([field, names]) => `${field} ${names.join(' or ')}`)
    .join(', ');

/** Reads `list=value`, an option that can be repeated. */
function pair<T>(read: (parts: string[]) => T) {
  return (text: string, before: T[] | undefined): T[] => {
    const at = text.indexOf('=');
    const list = text.slice(0, at).split('.')[0] ?? '';
    const known: readonly string[] = [...listNames, 'organization'];
    if (at < 1 || at === text.length - 1 || !known.includes(list))
      throw new InvalidArgumentError(`Begin with one of: ${known.join(', ')}, then "=".`);
    return [...(before ?? []), read([text.slice(0, at), text.slice(at + 1)])];
  };
}

function unknownOrganization(organization: string): VanguardError {
  return new VanguardError('NOT_FOUND', `There is no active organization ${organization}.`, {
    hint: '`npx vanguard lists status` lists them.',
  });
}

/** Converts an error of the database into one with a message for users. */
async function refusing<T>(running: Promise<T>): Promise<T> {
  try {
    return await running;
  } catch (error) {
    const { status, code, message } = refusal(error);
    throw status < 500 ? new VanguardError(code, message) : error;
  }
}
