import type { Command } from 'commander';
import {
  acceptSparedRemovals,
  lastSparedRun,
  queueSync,
  sparedRemovals,
  syncStatus,
} from '../../sql/sync/sync.queries.ts';
import { VanguardError } from '../errors.ts';
import { withDatabase } from './context.ts';

/** sync trigger, sync status, sync accept-removals. */
export function addSyncCommands(program: Command): void {
  const sync = program.command('sync').description('bringing PEMS into the mirror');

  sync
    .command('trigger <organization>')
    .description('queue a run of an organization (by its code); a running worker does it')
    .action((organization: string) =>
      withDatabase(async (client) => {
        const [run] = await queueSync.run({ organization, trigger: 'command' }, client);
        if (!run)
          throw new VanguardError('NOT_FOUND', `There is no active organization ${organization}.`, {
            hint: '`npx vanguard sync status` lists them.',
          });
        console.log(`Run ${run.id} of ${organization} is queued. See it with: npx vanguard sync status`);
      }),
    );

  sync
    .command('status')
    .description('how fresh each organization is, and how its last run went')
    .option('--json', 'for programs')
    .action(({ json }: { json?: boolean }) =>
      withDatabase(async (client) => {
        const rows = await syncStatus.run(undefined, client);
        if (json) {
          console.log(JSON.stringify(rows, null, 2));
          return;
        }
        const line = (name: string, synced: string, records: string, run: string) =>
          console.log(`${name.padEnd(14)} ${synced.padEnd(20)} ${records.padStart(9)}  ${run}`.trimEnd());
        line('organization', 'last synced', 'records', 'last run');
        for (const row of rows)
          line(
            row.organization,
            row.lastSyncedAt?.toISOString().replace(/\.\d+Z$/, 'Z') ?? 'never',
            row.lastRowsRead?.toLocaleString('en') ?? '',
            [row.runState ?? 'none', row.errorCode].filter(Boolean).join(': '),
          );
        for (const { organization, errorMessage, errorHint, notice } of rows) {
          if (errorMessage)
            console.log(`\n${organization}: ${errorMessage}${errorHint ? `\n${errorHint}` : ''}`);
          if (notice) console.log(`\n${organization}: ${notice}`);
        }
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
            for (const { pfaId } of page) console.log(pfaId);
            after = page.at(-1)?.pfaId;
          }
          return;
        }
        await acceptSparedRemovals.run({ organizationId, runId }, client);
        console.log(
          `${run.records} records of ${organization} are removed. Should PEMS bring one back, it is there again.`,
        );
      }),
    );
}
