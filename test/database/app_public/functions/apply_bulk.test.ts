import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  applyBulk,
  bulkPreview,
  refusal,
  saveDraft,
  seenDrafts,
  seenRecords,
  type BulkOperation,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Json } from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const other = await makeOrganization(db);
const author = await makeMember(db, org);
const viewer = await makeMember(db, org, 'viewer');
const outsider = await makeMember(db, other);
await putRecords(db, org, [
  {
    pfaId: 'forecast',
    source: 'Rental',
    monthlyRate: 3044,
    originalStart: '2026-01-01',
    originalEnd: '2026-01-31',
    forecastStart: '2026-03-01',
    forecastEnd: '2026-03-31',
  },
  {
    pfaId: 'actualized',
    source: 'Rental',
    monthlyRate: 3044,
    originalStart: '2026-01-01',
    originalEnd: '2026-01-31',
    forecastStart: '2026-03-01',
    forecastEnd: '2026-03-31',
    actualStart: '2026-02-01',
    actualEnd: '2026-02-11',
    isActualized: true,
  },
  { pfaId: 'half', forecastEnd: '2026-03-31' },
  { pfaId: 'bare' },
]);
await putRecords(db, other, [{ pfaId: 'theirs', forecastStart: '2026-01-01' }]);

const asAuthor = <T>(use: (client: pg.PoolClient) => Promise<T>) => db.asUser(author, use);
const everything = { everything: true };

/** Drafted keys by record after an operation on all records that accept it. */
async function drafted(operation: BulkOperation) {
  return asAuthor(async (client) => {
    const result = await applyBulk(client, org, everything, operation, { skip: true });
    const drafts = await seenDrafts(client, org);
    return { ...result, deltas: Object.fromEntries(drafts.map(({ pfa_id, delta }) => [pfa_id, delta])) };
  });
}

describe('each operation', () => {
  test('shift moves both dates of a forecast, and only the end of an actualized record', async () => {
    expect(await drafted({ shift_days: 14 })).toMatchObject({
      changed_count: 3,
      unchanged_count: 1,
      refused: [],
      deltas: {
        forecast: { forecastStart: '2026-03-15', forecastEnd: '2026-04-14' },
        actualized: { actualEnd: '2026-02-25' },
        half: { forecastEnd: '2026-04-14' },
      },
    });
  });

  test('refuses a shift that would end an actualized record before its start', async () => {
    const { refused, deltas } = await drafted({ shift_days: -11 });
    expect(refused).toMatchObject([
      {
        recordId: 'actualized',
        key: 'actualEnd',
        problem: expect.stringContaining('lies before actualStart') as string,
      },
    ]);
    expect(Object.keys(deltas).sort()).toEqual(['forecast', 'half']);
  });

  test('duration moves the end, but never before the start', async () => {
    expect((await drafted({ duration_days: -300 })).deltas).toEqual({
      forecast: { forecastEnd: '2026-03-01' },
      actualized: { actualEnd: '2026-02-01' },
      half: { forecastEnd: '2025-06-04' },
    });
    expect((await drafted({ duration_days: 1 })).deltas).toEqual({
      forecast: { forecastEnd: '2026-04-01' },
      actualized: { actualEnd: '2026-02-12' },
      half: { forecastEnd: '2026-04-01' },
    });
  });

  test('reset sets the forecast to the plan, and is refused without a plan or for an actualized record', async () => {
    const { deltas, refused } = await drafted({ reset_to_plan: true });
    expect(deltas).toEqual({ forecast: { forecastStart: '2026-01-01', forecastEnd: '2026-01-31' } });
    expect(refused.map(({ recordId, problem }) => [recordId, problem])).toEqual([
      ['actualized', 'is actualized: only a forecast can be reset to the plan'],
      ['bare', 'has no plan to reset to'],
      ['half', 'has no plan to reset to'],
    ]);
  });

  test('set changes values, and leaves equal ones unchanged', async () => {
    const result = await drafted({ set: { category: 'Cranes', monthlyRate: 3044 } });
    expect(result).toMatchObject({
      changed_count: 4,
      deltas: { forecast: { category: 'Cranes' }, bare: { category: 'Cranes', monthlyRate: 3044 } },
    });
    expect(Object.keys(result.deltas.forecast!)).toEqual(['category']);
  });

  test('refuses implausible dates', async () => {
    await asAuthor(async (client) => {
      await saveDraft(client, org, 'half', { forecastEnd: '2099-12-01' });
      expect(
        await refusal(client, () => applyBulk(client, org, everything, { shift_days: 31 })),
      ).toMatchObject({
        code: 'VG422',
        details: [
          { recordId: 'half', problem: expect.stringContaining('from 1990-01-01 to 2099-12-31') as string },
        ],
      });
    });
  });
});

test('applies to all or nothing, unless refused records are skipped', async () => {
  await asAuthor(async (client) => {
    expect(
      await refusal(client, () => applyBulk(client, org, everything, { reset_to_plan: true })),
    ).toMatchObject({
      code: 'VG422',
      details: [{ recordId: 'actualized' }, { recordId: 'bare' }, { recordId: 'half' }],
    });
    expect(await seenDrafts(client, org)).toEqual([]);
  });
});

test('works on the records as the user sees them, with drafts', async () => {
  await asAuthor(async (client) => {
    await saveDraft(client, org, 'forecast', { forecastStart: '2026-03-10' });
    await applyBulk(client, org, { recordIds: ['forecast'] }, { shift_days: 1 });
    expect(await seenDrafts(client, org)).toMatchObject([
      {
        delta: { forecastStart: '2026-03-11', forecastEnd: '2026-04-01' },
        base: { forecastStart: '2026-03-01', forecastEnd: '2026-03-31' },
      },
    ]);
  });
});

describe('the preview', () => {
  test('shows the changes and their cost, and writes nothing', async () => {
    await asAuthor(async (client) => {
      const before = await seenRecords(client, org);
      expect(await bulkPreview(client, org, everything, { duration_days: 30 })).toMatchObject({
        ...{ selected_count: 4, changed_count: 3, unchanged_count: 1, refused_count: 0, reasons: [] },
        // 3,044 USD per month of 30.44 days are 100 USD per day.
        ...{
          plan_cost_before: 6000,
          plan_cost_after: 6000,
          forecast_cost_before: 6000,
          forecast_cost_after: 9000,
        },
        ...{ actual_cost_before: 1000, actual_cost_after: 4000 },
        changed_keys: [
          { key: 'actualEnd', count: 1 },
          { key: 'forecastEnd', count: 2 },
        ],
      });
      expect(await seenRecords(client, org)).toEqual(before);
    });
  });

  test.each(['monthlyRate', 'forecastEnd', 'source'])('counts with an emptied %s', async (key) => {
    await asAuthor(async (client) => {
      for (const nothing of ['', null])
        expect(
          await bulkPreview(client, org, { recordIds: ['forecast'] }, { set: { [key]: nothing } }),
        ).toMatchObject({ changed_count: 1, forecast_cost_before: 3000, forecast_cost_after: 0 });
    });
  });

  test('lists the reasons, with their number and records', async () => {
    await asAuthor(async (client) => {
      expect(await bulkPreview(client, org, everything, { reset_to_plan: true })).toMatchObject({
        refused_count: 3,
        reasons: [
          { problem: 'has no plan to reset to', count: 2, recordIds: ['bare', 'half'] },
          {
            problem: 'is actualized: only a forecast can be reset to the plan',
            count: 1,
            recordIds: ['actualized'],
          },
        ],
      });
    });
  });

  test('a record that becomes discontinued leaves every total', async () => {
    await asAuthor(async (client) => {
      expect(
        await bulkPreview(client, org, { recordIds: ['forecast'] }, { set: { isDiscontinued: true } }),
      ).toMatchObject({
        ...{ plan_cost_before: 3000, plan_cost_after: 0, forecast_cost_before: 3000, forecast_cost_after: 0 },
      });
    });
  });

  test('its token is valid until the operation or a selected record changes', async () => {
    await asAuthor(async (client) => {
      const selection = { recordIds: ['forecast', 'half'] };
      const { preview_token: token } = await bulkPreview(client, org, selection, { shift_days: 1 });
      for (const attempt of [
        () => applyBulk(client, org, { recordIds: ['forecast'] }, { shift_days: 1 }, { token }),
        () => applyBulk(client, org, selection, { shift_days: 2 }, { token }),
      ])
        expect(await refusal(client, attempt)).toMatchObject({ code: 'VG409' });
      await saveDraft(client, org, 'bare', { category: 'Not selected' });
      await client.query('savepoint before');
      expect(await applyBulk(client, org, selection, { shift_days: 1 }, { token })).toMatchObject({
        changed_count: 2,
      });
      await client.query('rollback to savepoint before');
      await saveDraft(client, org, 'half', { category: 'Selected' });
      expect(
        await refusal(client, () => applyBulk(client, org, selection, { shift_days: 1 }, { token })),
      ).toMatchObject({ code: 'VG409' });
    });
  });

  test('a viewer may see a preview', async () => {
    await db.asUser(viewer, async (client) => {
      expect(await bulkPreview(client, org, everything, { shift_days: 1 })).toMatchObject({
        changed_count: 3,
      });
    });
  });
});

describe('refused entirely', () => {
  test.each<[what: string, operation: BulkOperation]>([
    ['nothing to do', {}],
    ['two things at once', { shift_days: 1, duration_days: 1 }],
    ['a reset that is none', { reset_to_plan: false }],
    ['no days', { shift_days: 0 }],
    ['a century', { shift_days: 36_501 }],
    ['a century backwards', { duration_days: -36_501 }],
    ['the least integer', { duration_days: -2_147_483_648 }],
    ['set to nothing', { set: {} }],
    ['set to a list', { set: ['category'] }],
  ])('%s', async (_, operation) => {
    await asAuthor(async (client) => {
      expect(await refusal(client, () => applyBulk(client, org, everything, operation))).toMatchObject({
        code: 'VG400',
      });
      expect(await refusal(client, () => bulkPreview(client, org, everything, operation))).toMatchObject({
        code: 'VG400',
      });
    });
  });

  test('keys and values that drafts may not have', async () => {
    await asAuthor(async (client) => {
      for (const set of [
        { pfaId: 'x' },
        { actualEnd: '2026-05-01' },
        { source: 'Stolen' },
        { originalEnd: '2026-01-01' },
        { "a'; drop table x --": 1 },
      ] as Json[])
        expect(await refusal(client, () => applyBulk(client, org, everything, { set }))).toMatchObject({
          code: 'VG422',
        });
      expect(await seenDrafts(client, org)).toEqual([]);
    });
  });

  test('records of another organization do not exist', async () => {
    await asAuthor(async (client) => {
      expect(
        await refusal(client, () =>
          applyBulk(client, org, { recordIds: ['forecast', 'theirs'] }, { shift_days: 1 }),
        ),
      ).toMatchObject({
        code: 'VG422',
        details: [{ recordId: 'theirs', problem: 'there is no such record' }],
      });
      expect(
        await refusal(client, () => applyBulk(client, other, everything, { shift_days: 1 })),
      ).toMatchObject({ code: 'VG404' });
      expect(
        await applyBulk(client, org, { recordIds: ['theirs'] }, { shift_days: 1 }, { skip: true }),
      ).toMatchObject({ changed_count: 0 });
    });
  });

  test('a viewer, and an outsider', async () => {
    for (const [who, code] of [
      [viewer, 'VG403'],
      [outsider, 'VG404'],
    ] as const)
      expect(
        await db.asUser(who, (client) =>
          refusal(client, () => applyBulk(client, org, everything, { shift_days: 1 })),
        ),
      ).toMatchObject({ code });
  });
});

test('a bulk operation needs no revisions, so it reads no history', async () => {
  const { rows } = await db.asOwner((client) =>
    client.query(
      `select r.missing, r.moved, r.unfit from app_private.refused_changes($1, $2, '[{"recordId": "bare", "changes": {"category": "X"}}]') r`,
      [org.id, author],
    ),
  );
  expect(rows).toEqual([{ missing: null, moved: null, unfit: null }]);
});
