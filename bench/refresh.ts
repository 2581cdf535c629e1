import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { withClient } from '../src/database/bootstrap.ts';
import { users } from './data.ts';
import { digits, summarize, timed } from './measure.ts';
import type { Measurement } from './measurements.ts';

const below = 3000;
/** At full scale. */
const refreshes = 7;

/** Times refreshes of the materialized totals and bounds while users read the board. */
export const refresh: Measurement = async function* ({ organizations, owner, superuserUrl, visitor, scale }) {
  const { rows } = await owner.query<{ count: string }>('select count(*) from app_core.pfa_mirror');
  const readers = [await visitor(users.few), await visitor(users.few)];
  const pids = await Promise.all(
    readers.map(async (reader) => {
      const answer = await reader.query<{ pid: string }>('select pg_backend_pid() as pid');
      return Number(answer.rows[0]!.pid);
    }),
  );
  const board = (reader: pg.Client) =>
    reader.query({
      name: 'board',
      text: `select k.*, b.* from app_public.organizations o
        cross join lateral app_public.organizations_kpis(o) k cross join lateral app_public.organizations_bounds(o) b
        where o.id = $1`,
      values: [organizations.few],
    });
  /** Returns the readers' response times during some work. */
  const reading = async (work: () => Promise<void>): Promise<number[]> => {
    const times: number[] = [];
    let goesOn = true;
    const all = readers.map(async (reader) => {
      while (goesOn) {
        times.push(await timed(() => board(reader)));
        // Users pause between reads; without a pause, the readers alone would occupy both cores.
        await sleep(10);
      }
    });
    await work().finally(() => (goesOn = false));
    await Promise.all(all);
    return times;
  };

  // Also warms up.
  await owner.query('select app_private.refresh_summaries()');
  await reading(() => sleep(500));
  const before = summarize(await reading(() => sleep(2000 * scale.repeat)));
  const times: number[] = [];
  const waits = { samples: 0, locked: 0 };
  const during = await withClient(superuserUrl, async (watcher) => {
    let goesOn = true;
    const watching = (async () => {
      while (goesOn) {
        const { rowCount } = await watcher.query(
          `select from pg_stat_activity where pid = any ($1) and wait_event_type = 'Lock'`,
          [pids],
        );
        waits.samples++;
        waits.locked += rowCount ?? 0;
        await sleep(3);
      }
    })();
    const all = await reading(async () => {
      for (let i = 0; i < refreshes * scale.repeat; i++)
        times.push(await timed(() => owner.query('select app_private.refresh_summaries()')));
    });
    goesOn = false;
    await watching;
    return summarize(all);
  });
  const sample = summarize(times);
  yield {
    name: `refresh of both views at ${Number(rows[0]!.count).toLocaleString('en')} records`,
    ...{ median_ms: sample.median, p95_ms: sample.p95, ratio: null },
    goal: `< ${below / 1000} s, readers never blocked`,
    held: sample.at(1) < below && waits.locked === 0,
    note: `board p95 ${digits(during.p95)} ms meanwhile (longest ${digits(during.at(1))}), ${digits(before.p95)} before (longest ${digits(before.at(1))}); readers waited for a lock in ${waits.locked} of ${waits.samples} looks`,
  };
};
