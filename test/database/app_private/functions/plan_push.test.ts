import { beforeEach, expect, test } from 'vitest';
import { commitChange } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();
await db.owner.query(`
  insert into app_public.api_configurations (id, name, usage, url, operation_type) values ('pems', 'PEMS', 'PEMS_PFA_WRITE', 'http://pems.invalid', 'read-write');
  insert into app_public.pems_settings (api_configuration_id, tenant) values ('pems', 'T');
  insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('pems', 'pfa', 'pems')`);
let org: Organization;
let author: number;
beforeEach(async () => {
  org = await makeOrganization(db);
  author = await makeMember(db, org);
  await putRecords(db, org, [{ pfaId: 'a', category: 'Planned' }]);
});

interface Begun {
  id: string;
  attempt: number;
}

const begin = async () =>
  one(
    (await db.worker.query<Begun>('select id, attempt from app_private.begin_pushes($1, 1)', [org.id])).rows,
  );

/** What becomes of the category that PEMS shows now. */
async function plan({ id, attempt }: Begun, blank: string[]) {
  const now = '(extract(epoch from clock_timestamp()) * 1000000)::bigint::text';
  const { rows } = await db.worker.query<{ decision: string }>(
    `select p.decision from app_private.plan_push($1, $2, $3, $4::jsonb || jsonb_build_object('requestedAt', ${now}, 'receivedAt', ${now}), null) p`,
    [
      org.id,
      ...[id, attempt],
      { pfaId: 'a', isWhole: false, data: { category: 'Planned' }, blank, recordId: '7', version: null },
    ],
  );
  return one(rows).decision;
}

/** Emptied in the forecast, where PEMS then shows the plan's value; the write ended without an answer, and its time is over. */
async function emptiedWithoutAnswer(): Promise<Begun> {
  await db.asUser(author, (client) => commitChange(client, org, 'a', { category: null }), { commit: true });
  const begun = await begin();
  expect(await plan(begun, [])).toBe('write');
  await db.worker.query(
    "select app_private.fail_push($1, $2, $3, 'uncertain', 'No answer.', 0, null, null)",
    [org.id, begun.id, begun.attempt],
  );
  await db.owner.query(
    'update app_core.pfa_modification set retry_at = clock_timestamp() where organization_id = $1',
    [org.id],
  );
  return begin();
}

const outcomes = async () =>
  (
    await db.owner.query<{ outcome: string | null }>(
      'select i.outcome from app_core.pfa_push_intent i where i.organization_id = $1 order by i.id',
      [org.id],
    )
  ).rows.map(({ outcome }) => outcome);

test('a write without an answer that emptied a key is called confirmed where the field is empty, whatever PEMS shows for it', async () => {
  expect(await plan(await emptiedWithoutAnswer(), ['category'])).toBe('confirmed');
  expect(await outcomes()).toEqual(['confirmed']);
});

test('where the field is not empty, it is called failed and written again', async () => {
  expect(await plan(await emptiedWithoutAnswer(), [])).toBe('write');
  expect(await outcomes()).toEqual(['failed', null]);
});
