import { expect, test } from 'vitest';
import { makeMember, one, type Organization } from '../support/make.ts';
import type { ReferenceRun } from '../support/lists.ts';
import { until } from '../support/until.ts';
import { testWorld } from './world.ts';

const world = await testWorld({ RIO: 400, DOWN: 20, HALF: 20, ELSEWHERE: 5 });
const { db } = world;
await world.startWorker();

async function request(organization: Organization): Promise<void> {
  const admin = await makeMember(db, organization, 'admin');
  await db.asUser(
    admin,
    (client) => client.query('select from app_public.request_lists($1)', [organization.id]),
    { commit: true },
  );
}

/** Returns the newest run of each list, once none is queued or running. */
const ended = (organization: Organization) =>
  until(`the lists of ${organization.code} are read`, async () => {
    const { rows } = await db.owner.query<ReferenceRun & { error_message: string | null }>(
      `select distinct on (list) * from app_public.reference_runs where organization_id = $1 order by list, id desc`,
      [organization.id],
    );
    return rows.length > 0 && rows.every(({ state }) => state === 'succeeded' || state === 'failed')
      ? Object.fromEntries(rows.map((run) => [run.list, run]))
      : undefined;
  });

const count = async (organization: Organization, list: string) =>
  one(
    (
      await db.owner.query<{ n: number }>(
        'select count(*)::integer as n from app_public.reference_entries where organization_id = $1 and list = $2',
        [organization.id, list],
      )
    ).rows,
  ).n;

test('every list of PEMS is read, a class under its category, and other organizations are proposed', async () => {
  const rio = await world.organization('RIO', { pageSize: 50 });
  await request(rio);
  const runs = await ended(rio);
  expect(Object.values(runs).map(({ error_message }) => error_message)).toEqual(Array(6).fill(null));
  for (const [list, entries] of [
    ['category', 20],
    ['class', 120],
    ['manufacturer', 14],
    ['model', 36],
  ] as const)
    expect(await count(rio, list), list).toBe(entries);
  expect(runs.equipment!.rows_read).toBe(await count(rio, 'equipment'));
  expect(runs.equipment!.rows_read).toBeGreaterThan(50); // several pages
  const { rows: classes } = await db.owner.query(
    `select category, description from app_public.reference_entries
    where organization_id = $1 and list = 'class' and code = 'Crawler 80T'`,
    [rio.id],
  );
  expect(classes).toEqual([{ category: 'CRANES - CRAWLER', description: 'Crawler 80T' }]);
  const { rows: proposed } = await db.owner.query<{ code: string }>(
    "select code from app_public.organization_proposals where state = 'pending' order by code",
  );
  expect(proposed.map(({ code }) => code)).toEqual(['DOWN', 'ELSEWHERE', 'HALF']);

  await request(rio);
  const again = await ended(rio);
  expect(Number(again.class!.id)).toBeGreaterThan(Number(runs.class!.id));
  expect(again.class).toMatchObject({ rows_inserted: 0, rows_updated: 0, rows_missing: 0 });
});

test('a list that is cut off keeps its entries, and the others are read', async () => {
  const half = await world.organization('HALF');
  await request(half);
  await ended(half);
  await db.owner.query(
    `insert into app_private.reference_sources (api_configuration_id, list, path) values ('test-half', 'class', 'nowhere')`,
  );
  await request(half);
  const runs = await ended(half);
  expect(runs.class).toMatchObject({ state: 'failed', error_code: 'PEMS_ERROR_ALERT', rows_missing: 0 });
  expect(runs.model).toMatchObject({ state: 'succeeded' });
  expect(await count(half, 'class')).toBe(120);
});

test('while PEMS is down each connection is tried once, and nothing is removed', async () => {
  const down = await world.organization('DOWN');
  await request(down);
  await ended(down);
  await world.fault({ kind: 'status', status: 503, probability: 1 });
  await request(down);
  const runs = await ended(down);
  expect(new Set(Object.values(runs).map(({ error_code }) => error_code))).toEqual(
    new Set(['PEMS_SERVER_ERROR']),
  );
  // Four attempts for each kind of lists, not for each list.
  expect(await world.faultHits()).toBe(12);
  expect(await count(down, 'category')).toBe(20);
  await world.control('DELETE', '/faults');
  await request(down);
  expect((await ended(down)).category).toMatchObject({ state: 'succeeded', rows_missing: 0 });
});
