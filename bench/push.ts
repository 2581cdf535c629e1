import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { users } from './data.ts';
import { timed } from './measure.ts';
import type { Measurement } from './measurements.ts';

const simulator = fileURLToPath(new URL('simulator.ts', import.meta.url));
const code = 'PUSHED';
/** Limit and response time of PEMS. */
const requestsPerSecond = 10;
const latencyMs = 1000;

/**
 * Times a commit of many records until the last is confirmed, with a PEMS that takes a second to respond and allows ten
 * requests a second. It is compared with the time that this limit alone requires for a read and a write of each record.
 */
export const push: Measurement = async function* (world) {
  const { owner, scale } = world;
  const count = scale.name === 'full' ? 1000 : 100;
  const pems = await world.startPart(simulator, [
    JSON.stringify({ [code]: count }),
    JSON.stringify({ requestsPerSecond, latencyMs }),
  ]);
  const id = await world.organization(code);
  await world.connect(code, pems, requestsPerSecond);
  const worker = await world.startWorker();
  try {
    await world.sync(id);
    await owner.query(
      `insert into app_public.user_organizations (organization_id, user_id, role)
      select $1, u.id, 'member' from app_public.users u where u.username = $2 on conflict do nothing`,
      [id, users.none],
    );
    await owner.query('select set_config(key, value, false) from json_each_text($1::json)', [
      JSON.stringify(
        Object.fromEntries(
          Object.entries(await world.settings(users.none)).filter(([key]) => key !== 'role'),
        ),
      ),
    ]);
    await owner.query(
      `select app_private.save_checked_drafts($1, (
        select jsonb_agg(jsonb_build_object('recordId', m.pfa_id, 'changes', jsonb_build_object('contract', 'PUSHED ' || m.pfa_id), 'revision', m.revision))
        from app_core.pfa_mirror m where m.organization_id = $1))`,
      [id],
    );
    let seen = { state: 0, problems: 0 };
    const took = await timed(async () => {
      await owner.query('select app_public.commit_drafts($1)', [id]);
      do {
        await sleep(200);
        const { rows } = await owner.query<Record<keyof typeof seen, string>>(
          `select count(*) filter (where state in ('committed', 'syncing')) as state, count(*) filter (where problems <> '{}') as problems
          from app_core.pfa_modification where organization_id = $1`,
          [id],
        );
        seen = { state: Number(rows[0]!.state), problems: Number(rows[0]!.problems) };
      } while (seen.state > 0);
    });
    const { requests } = (await (await fetch(`${pems.controlUrl}/state`)).json()) as {
      requests: { served: number; limited: number };
    };
    const least = (count * 2 * 1000) / requestsPerSecond;
    yield {
      name: `${count} changes confirmed by PEMS`,
      median_ms: took,
      p95_ms: null,
      ratio: took / least,
      goal: '<= 1.2 x, 1,000 in < 4 min',
      // The last requests take constant time after the limit admits them, independent of the number of records.
      held: took < least * 1.1 + 10_000 && seen.problems === 0 && requests.limited === 0,
      note: `${latencyMs / 1000} s an answer, ${requestsPerSecond} requests a second; a read and a write of each take ${least / 1000} s at that rate; ${requests.served} requests, ${requests.limited} refused as too many, ${seen.problems} returned`,
    };
  } finally {
    await worker.stop();
    await pems.stop();
  }
};
