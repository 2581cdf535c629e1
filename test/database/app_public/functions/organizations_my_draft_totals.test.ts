import { expect, test } from 'vitest';
import type pg from 'pg';
import { applyBulk, refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';
import { selectionOf, selectionValue, type Selection } from '../../../support/select.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const author = await makeMember(db, org);
const colleague = await makeMember(db, org);
const purchase = (pfaId: string, purchasePrice: number) => ({ pfaId, source: 'Purchase', purchasePrice });
await putRecords(db, org, [purchase('a', 100.1), purchase('b', 200.2), purchase('c', 300)]);

async function totals(client: pg.ClientBase, organization: Organization, selection?: Selection) {
  const { rows } = await client.query<{ answer: Record<string, number> }>(
    `select to_jsonb(app_public.organizations_my_draft_totals(o, ${selectionOf(2)})) as answer
    from app_public.organizations o where id = $1`,
    [organization.id, selectionValue(selection)],
  );
  return one(rows).answer;
}

test('counts and totals drafts over pending changes, of all records or of a selection', async () => {
  await db.asUser(author, async (client) => {
    expect(await totals(client, org)).toEqual({
      record_count: 0,
      key_count: 0,
      problem_count: 0,
      plan_cost_change: 0,
      forecast_cost_change: 0,
      actual_cost_change: 0,
    });
    await saveDraft(client, org, 'a', { purchasePrice: 1000.1 });
    await client.query('select app_public.commit_drafts($1)', [org.id]);
    await saveDraft(client, org, 'a', { purchasePrice: 1000.2 });
    await saveDraft(client, org, 'b', { purchasePrice: 200.4, category: 'New' });
    await saveDraft(client, org, 'c', { purchasePrice: 299.99 });
    expect(await totals(client, org)).toEqual({
      record_count: 3,
      key_count: 4,
      problem_count: 0,
      plan_cost_change: 0.29,
      forecast_cost_change: 0.29,
      actual_cost_change: 0,
    });
    expect(await totals(client, org, { recordIds: ['b', 'c', 'nobodys'] })).toMatchObject({
      record_count: 2,
      key_count: 3,
      forecast_cost_change: 0.19,
    });
  });
});

test('totals plan, forecast and actual cost separately, without discontinued records', async () => {
  await putRecords(db, org, [
    {
      ...{ pfaId: 'site', source: 'Rental', monthlyRate: 3044, isActualized: true },
      ...{ originalStart: '2026-01-01', originalEnd: '2026-01-31' },
      ...{ forecastStart: '2026-01-01', forecastEnd: '2026-01-31' },
      ...{ actualStart: '2026-01-01', actualEnd: '2026-01-11' },
    },
  ]);
  const site = { recordIds: ['site'] };
  await db.asUser(author, async (client) => {
    await applyBulk(client, org, site, { shift_days: 3 });
    // 3,044 USD per month of 30.44 days are 100 USD per day.
    expect(await totals(client, org, site)).toMatchObject({
      ...{ plan_cost_change: 0, forecast_cost_change: 0, actual_cost_change: 300 },
    });
    await saveDraft(client, org, 'site', { isDiscontinued: true });
    expect(await totals(client, org, site)).toMatchObject({
      ...{ plan_cost_change: -3000, forecast_cost_change: -3000, actual_cost_change: -1000 },
    });
  });
});

test('counts no drafts of other users or organizations', async () => {
  await db.asUser(author, (client) => saveDraft(client, org, 'a', { category: 'New' }));
  await db.asUser(colleague, async (client) => {
    expect(await totals(client, org)).toMatchObject({ record_count: 0 });
  });
});

test('reveals nothing about an organization that the user may not read', async () => {
  const outsider = await makeMember(db, await makeOrganization(db));
  const made = "jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer))";
  const answer = await db.asUser(outsider, (client) =>
    refusal(client, () => client.query(`select app_public.organizations_my_draft_totals(${made})`, [org.id])),
  );
  expect(answer).toMatchObject({ code: 'VG404' });
});
