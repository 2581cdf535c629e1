import type pg from 'pg';
import { users } from './data.ts';
import { compare, timed } from './measure.ts';
import type { Measurement } from './measurements.ts';
import type { World } from './world.ts';

/** Records without drafts, with the values that a client knows. */
export async function untouched(owner: pg.Client, organizationId: number, count: number) {
  const { rows } = await owner.query<{ pfa_id: string; revision: string; forecast_end: string }>(
    `select m.pfa_id, m.revision, m.forecast_end + 14 as forecast_end from app_core.pfa_mirror m
    where m.organization_id = $1 and m.forecast_end is not null
      and not exists (select from app_core.pfa_overlay o where o.organization_id = m.organization_id and o.pfa_id = m.pfa_id)
    order by hashtext(m.pfa_id) limit $2`,
    [organizationId, count],
  );
  return rows;
}

/** Runs and times work in a committed transaction, then undoes it outside the measured time. */
async function committed(
  client: pg.Client,
  work: () => Promise<unknown>,
  undo: () => Promise<unknown>,
): Promise<number> {
  const time = await timed(async () => {
    await client.query('begin');
    await work();
    await client.query('commit');
  });
  await undo();
  return time;
}

/** Compares saving drafts, including checks, merged rows and history, with plain inserts into the same table. */
export const drafts: Measurement = async function* (world: World) {
  const { owner, organizations, visitor, settings, scale } = world;
  const id = organizations.saving;
  const reader = await visitor(users.none);
  const claims = JSON.stringify(
    Object.fromEntries(Object.entries(await settings(users.none)).filter(([key]) => key !== 'role')),
  );
  const { rows } = await owner.query<{ id: string }>('select id from app_public.users where username = $1', [
    users.none,
  ]);
  const user = rows[0]!.id;
  const insert = (items: readonly { recordId: string; changes: object }[]) =>
    owner.query({
      name: 'insert',
      text: `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base)
        select $1, $2, i->>'recordId', i->'changes', i->'changes' from jsonb_array_elements($3::jsonb) i`,
      values: [id, user, JSON.stringify(items)],
    });
  const forget = async () => {
    await owner.query('delete from app_core.pfa_modification where organization_id = $1 and user_id = $2', [
      id,
      user,
    ]);
    await owner.query('delete from app_core.pfa_overlay where organization_id = $1 and viewer_id = $2', [
      id,
      user,
    ]);
  };
  await forget();

  const [record] = await untouched(owner, id, 1);
  const one = [
    { recordId: record!.pfa_id, changes: { forecastEnd: record!.forecast_end }, revision: record!.revision },
  ];
  yield await compare(scale, 'save one draft', {
    ours: () =>
      committed(
        reader,
        () =>
          reader.query({
            name: 'save',
            text: 'select revision from app_public.save_draft($1, $2, $3, $4)',
            values: [id, one[0]!.recordId, JSON.stringify(one[0]!.changes), one[0]!.revision],
          }),
        forget,
      ),
    theirs: () => committed(owner, () => insert(one), forget),
    goal: { p95Below: 20 },
    note: 'against one inserted row',
    runs: 60,
  });

  const items = (await untouched(owner, id, scale.batch)).map(({ pfa_id, revision, forecast_end }) => ({
    recordId: pfa_id,
    changes: { forecastEnd: forecast_end },
    revision,
  }));
  await owner.query('select set_config(key, value, false) from json_each_text($1::json)', [claims]);
  yield await compare(scale, `draft ${scale.batch} at once`, {
    ours: () =>
      committed(
        owner,
        () =>
          owner.query({
            name: 'save many',
            text: 'select app_private.save_checked_drafts($1, $2)',
            values: [id, JSON.stringify(items)],
          }),
        forget,
      ),
    theirs: () => committed(owner, () => insert(items), forget),
    goal: { atMostTimes: 12, p95Below: 100 },
    note: `against ${scale.batch} inserted rows`,
    runs: 25,
  });
};
