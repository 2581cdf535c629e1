import { InvalidArgumentError, Option, type Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import {
  acceptSparedRemovals,
  acceptWithheldRun,
  forgetColumn,
  lastSparedRun,
  lastWithheldRun,
  limitsOf,
  pauseSyncSchedule,
  queueSync,
  sparedRemovals,
  syncSchedules,
  syncStatus,
  writeLimits,
  writeSyncSchedule,
} from '../../sql/sync/sync.queries.ts';
import { driftCheck, driftDifferences, queueDriftCheck } from '../../sql/drift/drift.queries.ts';
import { VanguardError } from '../errors.ts';
import { refusal } from '../sqlstates.ts';
import { withDatabase } from './context.ts';
import { print, warn } from './terminal.ts';

interface DriftOptions {
  sample?: number;
  all?: boolean;
  json?: boolean;
}

interface LimitOptions {
  removed?: number;
  refused?: number;
  changed?: number;
  emptied?: number;
  least?: number;
  absent?: number;
}

interface Reason {
  code: string;
  message: string;
}

/** Changes that a withheld run would make. */
interface Preview {
  added: number;
  changed: number;
  rejected: number;
  missing: number;
  columns: {
    key: string;
    changed: number;
    emptied: number;
    samples: { recordId: string; from: unknown; to: unknown }[];
  }[];
}

interface MissingColumn {
  alias: string;
  keys: string[];
  lastSeenAt: string;
}

/** Changes in the header of the grid. */
interface ColumnChanges {
  at: string;
  came: { alias: string; keys: string[] }[];
  went: { alias: string; keys: string[] }[];
  retyped: { alias: string; keys: string[]; type: string; was: string }[];
}

/** Unreadable values of a key. */
interface RejectedField {
  key: string;
  alias: string | null;
  count: number;
  samples: { recordId: string; value: string }[];
}

interface ScheduleOptions {
  every?: number;
  cron?: string;
  timeZone?: string;
  quiet?: { from: string; to: string } | 'none';
  fullEvery?: number;
}

/**
 * Adds `sync trigger`, `status`, `schedule`, `pause`, `resume`, `limits`, `drift`, `accept`, `accept-removals` and
 * `forget-column`.
 */
export function addSyncCommands(program: Command): void {
  const sync = program.command('sync').description('bringing PEMS into the mirror');

  sync
    .command('trigger <organization>')
    .description('queue a run of an organization (by its code); a running worker does it')
    .option('--full', 'read everything, not only what changed')
    .action((organization: string, { full }: { full?: boolean }) =>
      withDatabase(async (client) => {
        const [run] = await queueSync.run(
          { organization, trigger: 'command', kind: full ? 'full' : null },
          client,
        );
        if (!run) throw unknownOrganization(organization);
        print(`Run ${run.id} of ${organization} is queued. See it with: npx vanguard sync status`);
      }),
    );

  sync
    .command('schedule <organization>')
    .description('when an organization is read by itself: shows it, and changes what is given')
    .addOption(
      new Option('--every <time>', 'from the end of one run to the next, such as 15m, 2h or 1d')
        .argParser(minutes)
        .conflicts('cron'),
    )
    .option('--cron <expression>', "instead, when exactly: '0,30 8-18 * * mon-fri'")
    .option('--time-zone <name>', 'whose clock --cron and --quiet mean, such as America/Chicago')
    .addOption(
      new Option('--quiet <from-to>', 'begin none in these hours, such as 22:00-06:00, or "none"').argParser(
        quietHours,
      ),
    )
    .addOption(
      new Option('--full-every <time>', 'from the end of one full run to the next, such as 24h').argParser(
        (text) => {
          const given = minutes(text);
          if (given % 60) throw new InvalidArgumentError('Give whole hours, such as 24h.');
          return given / 60;
        },
      ),
    )
    .action((organization: string, options: ScheduleOptions) =>
      withDatabase(async (client) => {
        const now = await scheduleOf(client, organization);
        if (Object.keys(options).length > 0) {
          const quiet =
            options.quiet === 'none'
              ? null
              : (options.quiet ?? { from: now.quietFrom ?? null, to: now.quietTo ?? null });
          try {
            await writeSyncSchedule.run(
              {
                organization,
                everyMinutes: options.every ?? (options.cron ? null : (now.everyMinutes ?? null)),
                cron: options.cron ?? (options.every ? null : (now.cron ?? null)),
                timeZone: options.timeZone ?? now.timeZone,
                quietFrom: quiet?.from ?? null,
                quietTo: quiet?.to ?? null,
                fullEveryHours: options.fullEvery ?? now.fullEveryHours,
              },
              client,
            );
          } catch (error) {
            throw refused(error);
          }
        }
        print(describe(await scheduleOf(client, organization)));
      }),
    );

  for (const [name, isPaused, what] of [
    ['pause', true, 'begin no run of an organization by schedule'],
    ['resume', false, 'begin runs of an organization by schedule again'],
  ] as const) {
    sync
      .command(`${name} <organization>`)
      .description(what)
      .action((organization: string) =>
        withDatabase(async (client) => {
          await scheduleOf(client, organization);
          await pauseSyncSchedule.run({ organization, isPaused }, client);
          print(describe(await scheduleOf(client, organization)));
        }),
      );
  }

  sync
    .command('status')
    .description('how fresh each organization is, and how its last run went')
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) =>
      withDatabase(async (client) => {
        const schedules = new Map(
          (await syncSchedules.run({ organization: null }, client)).map(({ organization, ...schedule }) => [
            organization,
            schedule,
          ]),
        );
        const rows = (await syncStatus.run(undefined, client)).map((row) => ({
          ...row,
          schedule: schedules.get(row.organization),
        }));
        if (json) {
          print(JSON.stringify(rows, null, 2));
          return;
        }
        const line = (name: string, synced: string, records: string, next: string, run: string) =>
          print(
            `${name.padEnd(14)} ${synced.padEnd(20)} ${records.padStart(9)}  ${next.padEnd(20)}  ${run}`.trimEnd(),
          );
        line('organization', 'last synced', 'rows read', 'next run', 'last run');
        for (const row of rows)
          line(
            row.organization,
            row.lastSyncedAt ? shown(row.lastSyncedAt) : 'never',
            row.lastRowsRead?.toLocaleString('en') ?? '',
            row.schedule?.isPaused ? 'paused' : row.schedule?.nextRunAt ? shown(row.schedule.nextRunAt) : '',
            [[row.runKind, row.runState ?? 'none'].filter(Boolean).join(' '), row.errorCode]
              .filter(Boolean)
              .join(': '),
          );
        for (const row of rows) {
          const { organization, errorMessage, errorHint, notice } = row;
          if (errorMessage) print(`\n${organization}: ${errorMessage}${errorHint ? `\n${errorHint}` : ''}`);
          for (const { message } of reasonsOf(row.runReasons).slice(1)) print(`Also: ${message}`);
          if (notice) print(`\n${organization}: ${notice}`);
          for (const column of row.missingColumns as unknown as MissingColumn[])
            print(`\n${organization}: ${describeColumn(column)}`);
          const changes = row.columnChanges as unknown as ColumnChanges | null;
          if (changes) print(`\n${organization}: ${describeChanges(changes)}`);
          for (const field of row.rejectedFields as unknown as RejectedField[])
            print(`\n${organization}: ${describeRejected(field)}`);
        }
      }),
    );

  sync
    .command('drift <organization>')
    .description('compare the mirror with PEMS as it is now; a running worker does it, nothing is changed')
    .addOption(
      new Option('--sample <number>', 'so many records, drawn at random (500)')
        .argParser((text) => {
          if (!/^[1-9]\d{0,4}$/.test(text) || Number(text) > 10_000)
            throw new InvalidArgumentError('Give 1 to 10000.');
          return Number(text);
        })
        .conflicts('all'),
    )
    .option('--all', 'all records')
    .option('--json', 'for programs')
    .action((organization: string, { sample = 500, all, json }: DriftOptions) =>
      withDatabase(async (client) => {
        const [queued] = await queueDriftCheck.run({ organization, sample: all ? null : sample }, client);
        if (!queued) throw unknownOrganization(organization);
        const which = { organizationId: queued.organizationId, checkId: queued.id };
        const check = await driftEnded(client, which);
        if (check.state === 'failed')
          throw new VanguardError(check.errorCode!, check.errorMessage!, {
            hint: check.errorHint ?? undefined,
          });
        const differences = await driftDifferences.run(which, client);
        if (json) {
          print(JSON.stringify({ ...check, id: Number(check.id), differences }, null, 2));
          return;
        }
        for (const { kind, pfaId, key, mirrorValue, pemsValue, message } of differences) {
          const values =
            kind === 'differs'
              ? `mirror ${JSON.stringify(mirrorValue)}, PEMS ${JSON.stringify(pemsValue)}`
              : message;
          print([kind, pfaId ?? '(no id)', key, values].filter(Boolean).join('  '));
        }
        print(
          `${check.recordsCompared} records of ${organization} compared: ${check.recordsDiffering} differ in ${check.keysDiffering} keys, ` +
            `${check.missingInPems} are missing in PEMS, ${check.missingInMirror} in the mirror, ${check.unreadable} cannot be read.`,
        );
        if (check.leftOut > 0)
          print(`${check.leftOut} are left out, because they changed while they were compared.`);
        const found = check.keysDiffering + check.missingInPems + check.missingInMirror + check.unreadable;
        if (found > differences.length) print(`Listed are the first ${differences.length}.`);
      }),
    );

  sync
    .command('accept <organization>')
    .description('accept what the last run withheld, such as many refused rows; a full run then merges it')
    .option('--show', 'only show why it was withheld and what it would change')
    .action((organization: string, { show }: { show?: boolean }) =>
      withDatabase(async (client) => {
        const [run] = await lastWithheldRun.run({ organization }, client);
        if (!run || (run.acceptedAt && !show)) {
          throw new VanguardError('NOT_FOUND', `No run of ${organization} waits to be accepted.`, {
            hint: '`npx vanguard sync status` says where one does.',
          });
        }
        if (show) {
          print(describeWithheld(run));
          return;
        }
        await acceptWithheldRun.run({ organizationId: run.organizationId, runId: run.runId }, client);
        print(`Run ${run.runId} of ${organization} is accepted. A full run is queued and merges it.`);
      }),
    );

  const percent = (text: string) => {
    if (!/^\d{1,3}$/.test(text) || Number(text) < 1 || Number(text) > 100)
      throw new InvalidArgumentError('Give 1 to 100.');
    return Number(text);
  };
  const count = (text: string) => {
    if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number above 0.');
    return Number(text);
  };
  sync
    .command('limits <organization>')
    .description('from where on a run is suspicious and is withheld: shows it, and changes what is given')
    .option('--removed <percent>', 'more records gone than this are not removed (20)', percent)
    .option('--refused <percent>', 'more rows refused than this withhold a run (20)', percent)
    .option('--changed <percent>', 'more records with another value of a key withhold a run (50)', percent)
    .option('--emptied <percent>', 'more values of a key gone than this withhold a run (20)', percent)
    .option('--least <records>', 'shares count only of more records than this (50)', count)
    .option(
      '--absent <days>',
      'drafts of a member without activity for so long may be taken over (14)',
      count,
    )
    .action((organization: string, options: LimitOptions) =>
      withDatabase(async (client) => {
        const [known] = await limitsOf.run({ organization }, client);
        if (!known) throw unknownOrganization(organization);
        if (Object.keys(options).length > 0) {
          try {
            await writeLimits.run(
              {
                organization,
                removedPercent: options.removed,
                refusedPercent: options.refused,
                changedPercent: options.changed,
                emptiedPercent: options.emptied,
                leastRecords: options.least,
                absentDays: options.absent,
              },
              client,
            );
          } catch (error) {
            throw refused(error);
          }
        }
        const [now] = await limitsOf.run({ organization }, client);
        print(
          [
            `Of more than ${now!.leastRecords} records, a run of ${organization} is withheld when it refuses more than ${now!.refusedPercent} % of the rows,`,
            `changes a key of more than ${now!.changedPercent} % of the records, or empties more than ${now!.emptiedPercent} % of the values of a key.`,
            `More than ${now!.removedPercent} % of the records are not removed at once. A member is away after ${now!.absentDays} days.`,
          ].join('\n'),
        );
      }),
    );

  sync
    .command('forget-column <organization> <column>')
    .description('stop keeping the values of a column that the grid of PEMS no longer has')
    .action((organization: string, alias: string) =>
      withDatabase(async (client) => {
        const [forgotten] = await forgetColumn.run({ organization, alias }, client);
        if (!forgotten) throw unknownOrganization(organization);
        if (!forgotten.wasMissing)
          throw new VanguardError('NOT_FOUND', `No column ${alias} of ${organization} is missing.`, {
            hint: '`npx vanguard sync status` names those that are.',
          });
        print(`The column ${alias} of ${organization} is forgotten. The next full run empties its values.`);
      }),
    );

  sync
    .command('accept-removals <organization>')
    .description('remove the records that were found gone in PEMS and spared because there were so many')
    .option('--list', 'only show which they are')
    .action((organization: string, { list }: { list?: boolean }) =>
      withDatabase(async (client) => {
        const [run] = await lastSparedRun.run({ organization }, client);
        if (!run || run.records === 0) {
          throw new VanguardError('NOT_FOUND', `No removals of ${organization} wait to be accepted.`, {
            hint: '`npx vanguard sync status` says where some do.',
          });
        }
        const { organizationId, runId } = run;
        if (list) {
          for (let after: string | undefined = ''; after !== undefined;) {
            const page = await sparedRemovals.run({ organizationId, runId, after, limit: 1000 }, client);
            for (const { pfaId } of page) print(pfaId);
            after = page.at(-1)?.pfaId;
          }
          return;
        }
        await acceptSparedRemovals.run({ organizationId, runId }, client);
        print(
          `${run.records} records of ${organization} are removed. Should PEMS bring one back, it is there again.`,
        );
      }),
    );
}

const reasonsOf = (reasons: unknown): Reason[] => (reasons ?? []) as Reason[];

const describeColumn = ({ alias, keys, lastSeenAt }: MissingColumn) =>
  `The column ${alias}${keys.length > 0 ? ` (${keys.join(', ')})` : ''} is missing; its values are of ${shown(new Date(lastSeenAt))}.`;

function describeChanges({ at, came, went, retyped }: ColumnChanges): string {
  const named = (columns: { alias: string; keys: string[] }[]) =>
    columns.map(({ alias, keys }) => (keys.length > 0 ? `${alias} (${keys.join(', ')})` : alias)).join(', ');
  return [
    `The header of the grid changed, as read ${shown(new Date(at))}.`,
    came.length > 0 && `New: ${named(came)}.`,
    went.length > 0 && `Gone: ${named(went)}.`,
    retyped.length > 0 &&
      `Another type: ${retyped.map(({ alias, type, was }) => `${alias} (${type}, was ${was})`).join(', ')}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

function describeRejected({ key, alias, count, samples: [sample] }: RejectedField): string {
  const column = alias === null || alias === key ? key : `${key} (${alias})`;
  const example = sample ? `, as ${JSON.stringify(sample.value)} in ${sample.recordId}` : '';
  return `${count} values of ${column} cannot be read${example}; these records keep their last value of it.`;
}

function describeWithheld(run: Awaited<ReturnType<typeof lastWithheldRun.run>>[number]): string {
  const preview = run.preview as Preview | null;
  return [
    `Run ${run.runId} of ${shown(run.finishedAt)}${run.acceptedAt ? ', accepted' : ''}:`,
    ...reasonsOf(run.reasons).map(({ code, message }) => `${code}: ${message}`),
    run.rowsTwin > 0 && `${run.rowsTwin} rows have an id that is nearly that of another record.`,
    preview &&
      `It would add ${preview.added} records, change ${preview.changed}, and refuse ${preview.rejected} rows; ${preview.missing} records are missing.`,
    ...(preview?.columns ?? []).map(({ key, changed, emptied, samples }) =>
      [
        `${key}: ${changed} values change, ${emptied} of them to nothing.`,
        ...samples.map(
          ({ recordId, from, to }) => `  ${recordId}  ${JSON.stringify(from)} -> ${JSON.stringify(to)}`,
        ),
      ].join('\n'),
    ),
  ]
    .filter(Boolean)
    .join('\n');
}

/** Waits for the end of a comparison; reports if no worker starts it. */
async function driftEnded(client: pg.ClientBase, which: { organizationId: number; checkId: string }) {
  for (let looks = 1; ; looks += 1) {
    const [check] = await driftCheck.run(which, client);
    if (!check) throw new VanguardError('NOT_FOUND', 'The comparison is there no longer.');
    if (check.finishedAt) return check;
    if (looks === 25 && check.state === 'queued')
      warn(
        'It waits for a worker, which `npx vanguard start` runs, or for a sync that is under way. Ctrl-C stops only the waiting.',
      );
    await sleep(200);
  }
}

type Schedule = Awaited<ReturnType<typeof syncSchedules.run>>[number];

async function scheduleOf(client: pg.ClientBase, organization: string): Promise<Schedule> {
  const [schedule] = await syncSchedules.run({ organization }, client);
  if (!schedule) throw unknownOrganization(organization);
  return schedule;
}

function describe(of: Schedule): string {
  const when = of.cron ? `at ${of.cron}` : `${of.everyMinutes} minutes after the last run`;
  const by = (whom: string | null | undefined) => whom ?? 'a command';
  return [
    `${of.organization} is read ${when}${of.cron || of.quietFrom ? ` (${of.timeZone})` : ''}, everything every ${of.fullEveryHours} hours.`,
    of.quietFrom && `Quiet hours: ${of.quietFrom} to ${of.quietTo}, ${of.timeZone}.`,
    of.isPaused && `Paused since ${shown(of.pausedAt!)} by ${by(of.pausedBy)}.`,
    of.nextRunAt && `Next run: ${shown(of.nextRunAt)}, ${of.nextRunKind}.`,
    of.changedAt && `Last changed ${shown(of.changedAt)} by ${by(of.changedBy)}.`,
  ]
    .filter(Boolean)
    .join('\n');
}

/** Formats a time for users, in UTC. */
export function shown(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Reads a duration such as `90`, `15m`, `2h` or `1d` as minutes. */
export function minutes(text: string): number {
  const match = /^(\d{1,6})([mhd]?)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give a time such as 15m, 2h or 1d.');
  return Number(match[1]) * { '': 1, m: 1, h: 60, d: 1440 }[match[2] as '' | 'm' | 'h' | 'd'];
}

function quietHours(text: string): Exclude<ScheduleOptions['quiet'], undefined> {
  if (text === 'none') return 'none';
  const match = /^([01]?\d|2[0-3])(:[0-5]\d)?-([01]?\d|2[0-3])(:[0-5]\d)?$/.exec(text);
  if (!match) throw new InvalidArgumentError('Give hours such as 22:00-06:00, or none.');
  const [, from, fromMinute = ':00', to, toMinute = ':00'] = match;
  return { from: `${from}${fromMinute}`, to: `${to}${toMinute}` };
}

function unknownOrganization(organization: string): VanguardError {
  return new VanguardError('NOT_FOUND', `There is no active organization ${organization}.`, {
    hint: '`npx vanguard sync status` lists them.',
  });
}

/** Converts an error of the database into one with a message for users. */
function refused(error: unknown): unknown {
  const { status, code, message } = refusal(error);
  return status < 500 ? new VanguardError(code, message) : error;
}
