import type pg from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();

let org: Organization;
let me: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  me = await makeMember(db, org);
  await putRecords(
    db,
    org,
    Array.from({ length: 300 }, (_, n) => ({
      pfaId: `R-${String(n).padStart(3, '0')}`,
      forecastStart: '2026-02-01',
      forecastEnd: '2026-10-01',
    })),
  );
});

const shift = (client: pg.PoolClient, days: number, filter = 'null') =>
  client.query(
    `select app_public.apply_bulk($1, row(${filter}, null, null, null, ${filter === 'null'})::app_public.pfa_selection,
      row($2, null, null, null)::app_public.pfa_bulk_operation)`,
    [org.id, days],
  );
const step = (client: pg.PoolClient, what: 'undo' | 'redo') =>
  client.query(`select app_public.${what}_draft($1)`, [org.id]);
const mine = <T>(use: (client: pg.PoolClient) => Promise<T>) => db.asUser(me, use, { commit: true });

async function stored() {
  const { rows } = await db.owner.query<{
    history: number;
    operations: number;
    steps: string;
    usage: number;
  }>(
    `select (select count(*)::integer from app_core.pfa_change where organization_id = $1) as history,
      (select count(*)::integer from app_core.pfa_draft_operation where organization_id = $1) as operations,
      (select sum(pg_column_size(differences)) from app_core.pfa_draft_operation where organization_id = $1) as steps,
      (select changed_records from app_private.pfa_draft_usage where organization_id = $1) as usage`,
    [org.id],
  );
  return one(rows);
}

test('a large operation is stored once, and undo and redo store nothing more', async () => {
  await mine((client) => shift(client, 14));
  const before = await stored();
  expect(before).toMatchObject({ history: 0, operations: 1, usage: 300 });
  for (let n = 0; n < 5; n++) {
    await mine((client) => step(client, 'undo'));
    await mine((client) => step(client, 'redo'));
  }
  expect(await stored()).toEqual({ ...before, usage: 3300 });
});

test('a small operation is in the history of each record, and so is any commit', async () => {
  await mine((client) => saveDraft(client, org, 'R-001', { forecastEnd: '2026-11-01' }));
  expect(await stored()).toMatchObject({ history: 1 });
  await mine((client) => shift(client, 14));
  await mine((client) =>
    client.query(
      'select app_public.commit_drafts($1, row(null, null, null, null, true)::app_public.pfa_selection)',
      [org.id],
    ),
  );
  const { rows } = await db.owner.query(
    'select route, count(*)::integer from app_core.pfa_change where organization_id = $1 group by 1 order by 1',
    [org.id],
  );
  expect(rows).toEqual([
    { route: 'commit', count: 300 },
    { route: 'draft', count: 1 },
  ]);
});

test('refuses a whole operation beyond the daily quota', async () => {
  await db.owner.query(
    'insert into app_private.pfa_limits (organization_id, daily_changes) values ($1, 1000)',
    [org.id],
  );
  for (const days of [1, 2, 3]) await mine((client) => shift(client, days));
  const before = await stored();
  expect(await db.asUser(me, (client) => refusal(client, () => shift(client, 4)))).toMatchObject({
    code: 'VG429',
    hint: expect.stringMatching(/^Continue after midnight UTC/) as string,
  });
  expect(await stored()).toEqual(before);
  // Another user, and the next day, have separate quotas.
  const other = await makeMember(db, org);
  await db.asUser(other, (client) => shift(client, 4), { commit: true });
  await db.owner.query(
    'update app_private.pfa_draft_usage set day = day - 1 where organization_id = $1 and user_id = $2',
    [org.id, me],
  );
  await mine((client) => shift(client, 4));
});

test('writes the history of single records for 20,000 changes a day', async () => {
  await mine((client) => saveDraft(client, org, 'R-001', { forecastEnd: '2026-11-01' }));
  await db.owner.query(
    'update app_private.pfa_draft_usage set history_rows = 20000 where organization_id = $1',
    [org.id],
  );
  await mine((client) => saveDraft(client, org, 'R-001', { forecastEnd: '2026-12-01' }));
  expect(await stored()).toMatchObject({ history: 1, operations: 2 });
});

test('operations on 200,000 records in total can be undone, and always the newest', async () => {
  await mine((client) => saveDraft(client, org, 'R-001', { forecastEnd: '2026-11-01' }));
  await mine((client) => saveDraft(client, org, 'R-002', { forecastEnd: '2026-11-01' }));
  await db.owner.query(
    'update app_core.pfa_draft_operation set record_count = 150000 where organization_id = $1',
    [org.id],
  );
  await mine((client) => saveDraft(client, org, 'R-003', { forecastEnd: '2026-11-01' }));
  expect(await stored()).toMatchObject({ operations: 2 });
});

test('shows the storage of a user', async () => {
  await mine((client) => saveDraft(client, org, 'R-001', { forecastEnd: '2026-11-01' }));
  const { rows } = await db.owner.query(
    `select drafts, operations, history_rows, changed_today, draft_bytes > 0 as has_bytes
    from app_private.pfa_user_storage where organization = $1`,
    [org.code],
  );
  expect(rows).toEqual([
    { drafts: '1', operations: '1', history_rows: '1', changed_today: 1, has_bytes: true },
  ]);
});
