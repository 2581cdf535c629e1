import type { Command } from 'commander';
import {
  explainExchanges,
  explainModifications,
  pushStatus,
  setConnectionPause,
  setPushPause,
} from '../../sql/push/push.queries.ts';
import { VanguardError } from '../errors.ts';
import { withDatabase } from './context.ts';
import { print } from './terminal.ts';

/** Adds `push status`, `pause`, `resume`, `pause-connection`, `resume-connection` and `explain`. */
export function addPushCommands(program: Command): void {
  const push = program.command('push').description('manage writing committed changes to PEMS');

  push
    .command('status [organization]')
    .description('show waiting changes, and what keeps them from being written')
    .option('--json', 'print JSON')
    .action((organization: string | undefined, { json }: { json?: boolean }) =>
      withDatabase(async (client) => {
        const rows = await pushStatus.run({ organization: organization ?? null }, client);
        if (organization && rows.length === 0) throw unknownOrganization(organization);
        if (json) {
          print(JSON.stringify(rows, null, 2));
          return;
        }
        const line = (name: string, state: string, counts: string[], oldest: string) =>
          print(
            `${name.padEnd(14)} ${state.padEnd(17)} ${counts.map((count) => count.padStart(9)).join(' ')}  ${oldest}`.trimEnd(),
          );
        line('organization', 'state', ['waiting', 'writing', 'uncertain'], 'oldest');
        for (const row of rows) {
          const { waiting, writing, uncertain } = row;
          const counts = [waiting, writing, uncertain].map((count) => count.toLocaleString('en'));
          line(
            row.organization,
            row.state.replaceAll('_', ' '),
            counts,
            row.oldestCommittedAt ? shownTime(row.oldestCommittedAt) : '',
          );
        }
        for (const { connection, breakerOpenedAt, breakerCode, breakerMessage, nextProbeAt } of uniqueBy(
          rows.filter(({ breakerOpenedAt }) => breakerOpenedAt),
          ({ connection }) => connection,
        ))
          print(
            `\nNothing is written over the connection ${connection} since ${shownTime(breakerOpenedAt!)}: ${breakerCode}: ${breakerMessage}\nThe next try is at ${shownTime(nextProbeAt!)}; writing then resumes. To try now: npx vanguard connection test ORGANIZATION`,
          );
      }),
    );

  for (const [name, isPaused, what] of [
    ['pause', true, 'stop writing changes of an organization (by its code); committed changes wait'],
    ['resume', false, 'resume writing changes of an organization'],
  ] as const)
    push
      .command(`${name} <organization>`)
      .description(what)
      .action((organization: string) =>
        withDatabase(async (client) => {
          const [found] = await setPushPause.run({ organization, isPaused }, client);
          if (!found) throw unknownOrganization(organization);
          print(
            isPaused
              ? `Changes of ${organization} now wait. Resume with: npx vanguard push resume ${organization}`
              : `Writing changes of ${organization} was resumed. Check it with: npx vanguard push status ${organization}`,
          );
        }),
      );

  for (const [name, isPaused, what] of [
    [
      'pause-connection',
      true,
      'stop writing over a connection (by its id), for every organization that uses it',
    ],
    ['resume-connection', false, 'resume writing over a connection'],
  ] as const)
    push
      .command(`${name} <connection>`)
      .description(what)
      .action((apiConfigurationId: string) =>
        withDatabase(async (client) => {
          const [found] = await setConnectionPause.run({ apiConfigurationId, isPaused }, client);
          if (!found)
            throw new VanguardError('NOT_FOUND', `No connection ${apiConfigurationId} writes to PEMS.`, {
              hint: '`npx vanguard push status --json` shows which connection each organization is written over.',
            });
          print(
            isPaused
              ? `Writing over ${apiConfigurationId} is now paused. Resume with: npx vanguard push resume-connection ${apiConfigurationId}`
              : `Writing over ${apiConfigurationId} was resumed.`,
          );
        }),
      );

  push
    .command('explain <organization> <record>')
    .description(
      'show the outcome of the changes of one record: each attempt, the data sent, and the response of PEMS',
    )
    .option('--json', 'print everything as JSON')
    .action((organization: string, pfaId: string, { json }: { json?: boolean }) =>
      withDatabase(async (client) => {
        const modifications = await explainModifications.run({ organization, pfaId }, client);
        const exchanges = await explainExchanges.run({ organization, pfaId }, client);
        if (modifications.length + exchanges.length === 0)
          throw new VanguardError('NOT_FOUND', `No user changed a record ${pfaId} of ${organization}.`, {
            hint: 'Codes and ids are case-sensitive. Details of settled changes are kept for a limited time (RETENTION_... in docs/reference/configuration.md).',
          });
        if (json) {
          print(JSON.stringify({ modifications, exchanges }, null, 2));
          return;
        }
        for (const one of modifications) {
          print(
            `Change ${one.id} by ${one.by}: ${one.state}, attempt ${one.attempts}, ${shortened(one.delta)} over ${shortened(one.base)}`,
          );
          if (JSON.stringify(one.problems) !== '{}') print(`  problems: ${shortened(one.problems)}`);
          if (one.retryAt) print(`  continues at ${shownTime(one.retryAt)}`);
        }
        for (const said of exchanges) {
          const outcome = said.errorCode ?? `HTTP ${said.status ?? '(no answer)'}`;
          print(
            `${shownTime(said.answeredAt)}  change ${said.modificationId} attempt ${said.attempt}  ${said.action}: ${outcome} after ${said.milliseconds} ms`,
          );
          print(`  > ${shortened(said.request)}\n  < ${shortened(said.answer ?? '(nothing)')}`);
        }
      }),
    );
}

const shownTime = (time: Date) => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** Prints one line. */
function shortened(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function uniqueBy<T>(list: readonly T[], key: (item: T) => unknown): T[] {
  return [...new Map(list.map((item) => [key(item), item])).values()];
}

const unknownOrganization = (organization: string) =>
  new VanguardError('NOT_FOUND', `There is no active organization ${organization}.`, {
    hint: '`npx vanguard push status` lists them.',
  });
