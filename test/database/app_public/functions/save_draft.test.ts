import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  refusal,
  saveDraft,
  seenDrafts,
  seenRecord,
  seenRecords,
  untilBlocked,
  withoutRevision,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeMembership,
  makeOrganization,
  makeUser,
  putRecords,
  type Json,
} from '../../../support/make.ts';

const db = await testDatabase();
const org = await makeOrganization(db);
const other = await makeOrganization(db);
const author = await makeMember(db, org);
const colleague = await makeMember(db, org);
const viewer = await makeMember(db, org, 'viewer');
await putRecords(db, org, [
  {
    pfaId: 'crane',
    category: 'Cranes',
    class: 'Crawler',
    source: 'Rental',
    dor: 'PROJECT',
    monthlyRate: 1000.5,
    manufacturer: 'Liebherr',
    originalStart: '2026-01-01',
    originalEnd: '2026-02-01',
    forecastStart: '2026-03-01',
    forecastEnd: '2026-04-01',
    isActualized: false,
    isDiscontinued: false,
    udf_colour: 'yellow',
  },
  {
    pfaId: 'generator',
    source: 'Purchase',
    purchasePrice: 25000,
    actualStart: '2026-02-01',
    actualEnd: '2026-06-30',
    isActualized: true,
  },
  { pfaId: 'bare' },
]);
await putRecords(db, other, [{ pfaId: 'theirs', category: 'Secret' }]);

/** As the author, without an earlier draft. */
const asAuthor = <T>(use: (client: pg.PoolClient) => Promise<T>) => db.asUser(author, use);

async function refused(changes: Json, pfaId = 'crane') {
  return asAuthor((client) => refusal(client, () => saveDraft(client, org, pfaId, changes)));
}

describe('editable keys', () => {
  test.each<[key: string, value: Json]>([
    ['category', 'Lifting'],
    ['class', 'Tower'],
    ['source', 'Purchase'],
    ['dor', 'BEO'],
    ['monthlyRate', 1234.56],
    ['purchasePrice', 0],
    ['manufacturer', 'Ørsted & Söhne 上海'],
    ['model', 'LR 1300'],
    ['contract', 'C-1'],
    ['equipment', 'TAG-1'],
    ['forecastStart', '2026-03-15'],
    ['forecastEnd', '2028-02-29'],
    ['isDiscontinued', true],
    ['isFundsTransferable', true],
  ])('accepts %s, stores it unchanged, and shows it merged', async (key, value) => {
    await asAuthor(async (client) => {
      const answered = await saveDraft(client, org, 'crane', { [key]: value });
      expect(answered.data[key]).toEqual(value);
      expect(answered).toMatchObject({ has_draft: true, is_pending: false, has_problem: false });
      expect(await seenRecord(client, org, 'crane')).toEqual(answered);
      expect(await seenDrafts(client, org)).toMatchObject([{ pfa_id: 'crane', delta: { [key]: value } }]);
    });
  });

  test('the tests above tried every editable key with a screen field', async () => {
    const { rows } = await db.owner.query<{ keys: string[] }>(
      'select array_agg(key order by position) as keys from app_public.pfa_fields where is_editable and not editable_when_actualized',
    );
    expect(rows[0]?.keys).toEqual(
      'category class source dor monthlyRate purchasePrice manufacturer model contract equipment forecastStart forecastEnd isDiscontinued isFundsTransferable'.split(
        ' ',
      ),
    );
  });

  test('unmapped fields of PEMS stay in the merged record', async () => {
    const { data } = await asAuthor((client) => saveDraft(client, org, 'crane', { category: 'Lifting' }));
    expect(data).toMatchObject({ udf_colour: 'yellow', monthlyRate: 1000.5, category: 'Lifting' });
  });

  test.each([
    'pfaId',
    'organization',
    'areaSilo',
    'originalStart',
    'originalEnd',
    'originalCategory',
    'originalClass',
    'originalSource',
    'originalDor',
    'originalMonthlyRate',
    'originalPurchasePrice',
    'actualStart',
    'isActualized',
    'lastModified',
    'lastModifiedBy',
  ])('%s is set by PEMS', async (key) => {
    const { code, details } = await refused({
      [key]: key.endsWith('Start') || key.endsWith('End') ? '2026-01-02' : 'x',
    });
    expect(code).toBe('VG422');
    expect(details).toMatchObject([
      { recordId: 'crane', key, problem: 'is set by PEMS and cannot be edited' },
    ]);
  });

  test.each(['udf_colour', 'hasPlan', 'forecast_end', 'ForecastEnd', ''])('%j is not a key', async (key) => {
    const { code, details } = await refused({ [key]: 'x' });
    expect(code).toBe('VG422');
    expect(details).toMatchObject([{ key, problem: 'is not a key of a record' }]);
  });

  test("a key without a field in this organization's PEMS", async () => {
    await db.owner.query(
      `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases, screen_field) values ($1, 'model', '{model}', null)`,
      [org.id],
    );
    try {
      const { code, details } = await refused({ model: 'x' });
      expect(code).toBe('VG422');
      expect(details).toMatchObject([
        { key: 'model', problem: 'cannot be written to PEMS, so it cannot be edited' },
      ]);
    } finally {
      await db.owner.query('delete from app_public.pfa_field_mappings where organization_id = $1', [org.id]);
    }
  });

  test('actualEnd only after the record is actualized', async () => {
    const { code, details } = await refused({ actualEnd: '2026-07-31' });
    expect(code).toBe('VG422');
    expect(details).toMatchObject([
      { key: 'actualEnd', problem: 'can be edited only after the record is actualized' },
    ]);
    const { data } = await asAuthor((client) =>
      saveDraft(client, org, 'generator', { actualEnd: '2026-07-31' }),
    );
    expect(data.actualEnd).toBe('2026-07-31');
  });
});

describe('valid values', () => {
  test.each<[key: string, value: Json, problem: RegExp]>([
    ['forecastEnd', '2025-02-30', /is not a valid date/],
    ['forecastEnd', '2027-02-29', /is not a valid date/],
    ['forecastEnd', '2026-13-01', /is not a valid date/],
    ['forecastEnd', '0000-01-01', /is not a valid date/],
    ['forecastEnd', '2026-5-1', /is not a valid date/],
    ['forecastEnd', '2026-05-01T00:00:00Z', /is not a valid date/],
    ['forecastEnd', '01-MAY-2026', /is not a valid date/],
    ['forecastEnd', 20260501, /is not a valid date/],
    ['forecastEnd', ['2026-05-01'], /is not a valid date/],
    ['monthlyRate', -0.01, /is negative/],
    ['monthlyRate', 10.001, /more than two decimals/],
    ['forecastEnd', '1989-12-31', /is out of range; enter a date from 1990-01-01 to 2099-12-31/],
    ['forecastEnd', '2100-01-01', /is out of range; enter a date from 1990-01-01 to 2099-12-31/],
    ['monthlyRate', 1_000_000_000.01, /is too large; enter at most 1,000,000,000 USD/],
    ['purchasePrice', 1e11, /is too large; enter at most 1,000,000,000 USD/],
    ['monthlyRate', '10', /is not a number/],
    ['monthlyRate', true, /is not a number/],
    ['monthlyRate', {}, /is not a number/],
    ['isDiscontinued', 'true', /is not true or false/],
    ['isDiscontinued', 1, /is not true or false/],
    ['category', 5, /is not text/],
    ['category', ['Cranes'], /is not text/],
    ['category', 'a\u0001b', /control characters/],
    ['category', 'a\nb', /control characters/],
    ['category', 'a\tb', /control characters/],
    ['category', 'a\u007fb', /control characters/],
    ['category', 'x'.repeat(201), /is longer than 200 characters/],
    ['equipment', 'x'.repeat(101), /is longer than 100 characters/],
    ['source', 'rental', /is not one of Rental, Purchase/],
    ['source', 'Lease', /is not one of Rental, Purchase/],
  ])('%s: %j', async (key, value, problem) => {
    const { code, details, hint } = await refused({ [key]: value });
    expect(code).toBe('VG422');
    expect(details).toEqual([
      { recordId: 'crane', key, value, problem: expect.stringMatching(problem) as string },
    ]);
    expect(hint).toMatch(/^Nothing was saved/);
  });

  test.each<[key: string, value: Json]>([
    ['category', 'x'.repeat(200)],
    ['category', '上'.repeat(200)],
    ['monthlyRate', 1_000_000_000],
    ['monthlyRate', 0],
    ['forecastEnd', '2099-12-31'],
    ['forecastStart', '1990-01-01'],
  ])('%s: the longest, largest or latest allowed value', async (key, value) => {
    expect((await asAuthor((client) => saveDraft(client, org, 'crane', { [key]: value }))).data[key]).toEqual(
      value,
    );
  });

  test('lists every invalid key, and saves nothing, not even valid keys', async () => {
    await asAuthor(async (client) => {
      const { details } = await refusal(client, () =>
        saveDraft(client, org, 'crane', { category: 'Lifting', monthlyRate: -1, source: 'Lease' }),
      );
      expect(details).toMatchObject([{ key: 'monthlyRate' }, { key: 'source' }]);
      expect(await seenDrafts(client, org)).toEqual([]);
    });
  });

  test.each<[what: string, changes: Json]>([
    ['no keys', {}],
    ['a list', ['category']],
    ['text', 'category'],
    ['null', null],
  ])('changes that are %s', async (_, changes) => {
    expect(await refused(changes)).toMatchObject({ code: 'VG400' });
  });
});

describe('dates in order', () => {
  test.each<[what: string, changes: Json]>([
    ['an end before the start that is there', { forecastEnd: '2026-02-28' }],
    ['a start after the end that is there', { forecastStart: '2026-04-02' }],
    ['both turned round', { forecastStart: '2026-06-02', forecastEnd: '2026-06-01' }],
  ])('refuses %s', async (_, changes) => {
    const { code, details } = await refused(changes);
    expect(code).toBe('VG422');
    expect(details).toMatchObject([
      {
        recordId: 'crane',
        key: 'forecastEnd',
        problem: expect.stringMatching(/^lies before forecastStart/) as string,
      },
    ]);
  });

  test('refuses an actual end before the actual start', async () => {
    const { code, details } = await refused({ actualEnd: '2026-01-31' }, 'generator');
    expect(code).toBe('VG422');
    expect(details).toMatchObject([{ key: 'actualEnd' }]);
  });

  test('against a date drafted before', async () => {
    await asAuthor(async (client) => {
      await saveDraft(client, org, 'crane', { forecastStart: '2026-03-20' });
      expect(
        await refusal(client, () => saveDraft(client, org, 'crane', { forecastEnd: '2026-03-19' })),
      ).toMatchObject({
        code: 'VG422',
      });
    });
  });

  test.each<[what: string, changes: Json]>([
    ['one day', { forecastEnd: '2026-03-01' }],
    ['both moved past the old end', { forecastStart: '2026-05-01', forecastEnd: '2026-05-02' }],
    ['no end', { forecastEnd: null, forecastStart: '2027-01-01' }],
  ])('%s is fine', async (_, changes) => {
    const { data } = await asAuthor((client) => saveDraft(client, org, 'crane', changes));
    expect(data).toMatchObject(changes as object);
  });
});

describe('the revision', () => {
  test('changes with each draft; an older one is refused with the current values', async () => {
    await asAuthor(async (client) => {
      const { revision } = await seenRecord(client, org, 'crane');
      const saved = await saveDraft(client, org, 'crane', { category: 'Lifting' }, revision);
      expect(BigInt(saved.revision)).toBeGreaterThan(BigInt(revision));
      const { code, details } = await refusal(client, () =>
        saveDraft(client, org, 'crane', { category: 'Hoists', model: 'X' }, revision),
      );
      expect(code).toBe('VG409');
      expect(details).toEqual([
        {
          recordId: 'crane',
          problem: 'it changed since you saw it',
          revision: Number(revision),
          currentRevision: Number(saved.revision),
          current: { category: 'Lifting', model: null },
          latestChanges: [
            {
              route: 'draft',
              by: expect.any(String) as string,
              at: expect.any(String) as string,
              changes: { category: { from: 'Cranes', to: 'Lifting' } },
            },
          ],
        },
      ]);
      expect(await seenDrafts(client, org)).toMatchObject([{ delta: { category: 'Lifting' } }]);
    });
  });

  test('is required', async () => {
    await asAuthor(async (client) => {
      expect(
        await refusal(client, () => saveDraft(client, org, 'crane', { category: 'X' }, null)),
      ).toMatchObject({
        code: 'VG409',
      });
    });
  });

  test('does not change with drafts of other users', async () => {
    const before = await asAuthor((client) => seenRecord(client, org, 'crane'));
    await db.asUser(colleague, (client) => saveDraft(client, org, 'crane', { category: 'Mine' }), {
      commit: true,
    });
    expect(await asAuthor((client) => seenRecord(client, org, 'crane'))).toEqual(before);
    await db.asUser(colleague, (client) => client.query('select app_public.discard_drafts($1)', [org.id]), {
      commit: true,
    });
  });

  test('the second of two simultaneous saves is refused', async () => {
    await asAuthor(async (client) => {
      const { revision } = await seenRecord(client, org, 'bare');
      await saveDraft(client, org, 'bare', { category: 'A' }, revision);
      const second = asAuthor((other) => saveDraft(other, org, 'bare', { category: 'B' }, revision));
      const told = expect(second).rejects.toMatchObject({ code: 'VG409' });
      await untilBlocked(db);
      await client.query('commit');
      await told;
      await client.query('begin');
    });
    await db.asUser(author, (client) => client.query('select app_public.discard_drafts($1)', [org.id]), {
      commit: true,
    });
  });
});

describe('the draft', () => {
  test.each<[key: string, empty: Json]>([
    ['category', null],
    ['category', ''],
    ['monthlyRate', null],
    ['forecastEnd', ''],
  ])('%s is emptied by %j', async (key, empty) => {
    await asAuthor(async (client) => {
      const { data } = await saveDraft(client, org, 'crane', { [key]: empty });
      expect(data[key] ?? null).toBeNull();
      expect(await seenDrafts(client, org)).toMatchObject([{ delta: { [key]: null } }]);
    });
  });

  test.each([null, ''])('a flag cannot be emptied by %j: PEMS has no such flag', async (empty) => {
    await asAuthor(async (client) => {
      await expect(saveDraft(client, org, 'crane', { isDiscontinued: empty })).rejects.toMatchObject({
        code: 'VG422',
        message: 'isDiscontinued of record crane is not true or false.',
      });
    });
  });

  test('emptying an empty key drafts nothing', async () => {
    await asAuthor(async (client) => {
      const answered = await saveDraft(client, org, 'bare', { category: null, model: '', monthlyRate: null });
      expect(answered.has_draft).toBe(false);
      expect(await seenDrafts(client, org)).toEqual([]);
    });
  });

  test('keys drafted earlier stay, and the base keeps the first seen value', async () => {
    await asAuthor(async (client) => {
      await saveDraft(client, org, 'crane', { category: 'Lifting', model: 'X' });
      await saveDraft(client, org, 'crane', { category: 'Hoists', monthlyRate: 7 });
      expect(await seenDrafts(client, org)).toMatchObject([
        {
          delta: { category: 'Hoists', model: 'X', monthlyRate: 7 },
          base: { category: 'Cranes', model: null, monthlyRate: 1000.5 },
        },
      ]);
      expect((await seenRecord(client, org, 'crane')).base).toEqual({
        category: 'Cranes',
        model: null,
        monthlyRate: 1000.5,
      });
    });
  });

  test('a change back removes the key, and finally the draft; the revision still grows', async () => {
    const untouched = await asAuthor((client) => seenRecord(client, org, 'crane'));
    await asAuthor(async (client) => {
      await saveDraft(client, org, 'crane', { category: 'Lifting', monthlyRate: 7 });
      await saveDraft(client, org, 'crane', { category: 'Cranes' });
      expect(await seenDrafts(client, org)).toMatchObject([
        { delta: { monthlyRate: 7 }, base: { monthlyRate: 1000.5 } },
      ]);
      const answered = await saveDraft(client, org, 'crane', { monthlyRate: 1000.5 });
      expect(withoutRevision(answered)).toEqual(withoutRevision(untouched));
      expect(BigInt(answered.revision)).toBeGreaterThan(BigInt(untouched.revision));
      expect(await seenDrafts(client, org)).toEqual([]);
      const { rows } = await client.query(
        'select from app_core.pfa_overlay where organization_id = $1 and has_draft',
        [org.id],
      );
      expect(rows).toEqual([]);
    });
  });

  test('1000.50 equals 1000.5, and amounts have one stored form', async () => {
    await asAuthor(async (client) => {
      const draft = async (changes: string) => {
        const { revision } = await seenRecord(client, org, 'crane');
        await client.query("select app_public.save_draft($1, 'crane', $2, $3)", [org.id, changes, revision]);
        const { rows } = await client.query<{ delta: string }>(
          'select delta::text from app_public.pfa_draft',
        );
        return rows.map(({ delta }) => delta);
      };
      expect(await draft('{"monthlyRate": 1000.50}')).toEqual([]);
      expect(await draft('{"monthlyRate": 7.50}')).toEqual(['{"monthlyRate": 7.5}']);
    });
  });

  test('totals follow the draft', async () => {
    await asAuthor(async (client) => {
      const { forecast_cost } = await saveDraft(client, org, 'crane', {
        monthlyRate: 3044,
        forecastStart: '2026-03-01',
        forecastEnd: '2026-03-11',
      });
      expect(forecast_cost).toBe('1000.00');
    });
  });

  test('only its author sees it', async () => {
    await db.asUser(author, (client) => saveDraft(client, org, 'crane', { category: 'Lifting' }), {
      commit: true,
    });
    try {
      const mine = await asAuthor((client) => seenRecord(client, org, 'crane'));
      expect(mine).toMatchObject({ category: 'Lifting', has_draft: true });
      for (const user of [
        await makeMember(db, org),
        viewer,
        await makeMember(db, org, 'owner'),
        await makeUser(db, 'admin'),
      ]) {
        await db.asUser(user, async (client) => {
          expect(await seenRecord(client, org, 'crane')).toMatchObject({
            category: 'Cranes',
            has_draft: false,
          });
          expect(await seenDrafts(client, org)).toEqual([]);
          for (const table of ['pfa_modification', 'pfa_overlay', 'pfa_change']) {
            const { rows } = await client.query(`select from app_core.${table} where organization_id = $1`, [
              org.id,
            ]);
            expect(rows, table).toEqual([]);
          }
        });
      }
    } finally {
      await db.asUser(author, (client) => client.query('select app_public.discard_drafts($1)', [org.id]), {
        commit: true,
      });
      await db.owner.query('delete from app_core.pfa_change where organization_id = $1', [org.id]);
    }
  });

  test('records old and new values as a draft of its author', async () => {
    await asAuthor(async (client) => {
      await saveDraft(client, org, 'crane', { category: 'Lifting', class: 'Crawler' });
      await saveDraft(client, org, 'crane', { category: 'Hoists' });
      await saveDraft(client, org, 'crane', { category: 'Cranes' });
      const { rows } = await client.query(
        'select pfa_id, user_id, route, event, changes from app_core.pfa_change where organization_id = $1 order by id',
        [org.id],
      );
      const change = (from: string, to: string) => ({
        ...{ pfa_id: 'crane', user_id: author, route: 'draft', event: 'update' },
        changes: { category: { from, to } },
      });
      expect(rows).toEqual([
        change('Cranes', 'Lifting'),
        change('Lifting', 'Hoists'),
        change('Hoists', 'Cranes'),
      ]);
    });
  });
});

describe('refused users', () => {
  test('treats another organization as unknown', async () => {
    await asAuthor(async (client) => {
      const answerFor = (id: number) =>
        refusal(client, () => saveDraft(client, { id, code: '' }, 'theirs', { category: 'X' }, '1'));
      const theirs = await answerFor(other.id);
      const nobodys = await answerFor(2_000_000_000);
      expect(theirs).toMatchObject({ code: 'VG404', details: [] });
      expect({ ...theirs, message: theirs.message.replace(String(other.id), 'N') }).toEqual({
        ...nobodys,
        message: nobodys.message.replace('2000000000', 'N'),
      });
    });
  });

  test('treats a record of another organization as unknown', async () => {
    await asAuthor(async (client) => {
      const theirs = await refusal(client, () => saveDraft(client, org, 'theirs', { category: 'X' }, '1'));
      const nobodys = await refusal(client, () => saveDraft(client, org, 'nobodys', { category: 'X' }, '1'));
      expect(theirs).toMatchObject({
        code: 'VG404',
        details: [{ recordId: 'theirs', problem: 'there is no such record' }],
      });
      expect(JSON.stringify(theirs).replaceAll('theirs', 'ID')).toBe(
        JSON.stringify(nobodys).replaceAll('nobodys', 'ID'),
      );
    });
  });

  test('a viewer of the organization, and a user whose role is viewer', async () => {
    const lookOnly = await makeUser(db, 'viewer');
    await makeMembership(db, org, lookOnly, 'owner');
    for (const user of [viewer, lookOnly]) {
      const answer = await db.asUser(user, (client) =>
        refusal(client, () => saveDraft(client, org, 'crane', { category: 'X' })),
      );
      expect(answer.code).toBe('VG403');
    }
  });

  test('an anonymous user', async () => {
    const answer = await db.asVisitor({}, (client) =>
      refusal(client, () => saveDraft(client, org, 'crane', { category: 'X' }, '1')),
    );
    expect(answer.code).toBe('VG404');
  });

  test('an administrator may draft everywhere', async () => {
    const administrator = await makeUser(db, 'admin');
    await db.asUser(administrator, async (client) => {
      expect(await saveDraft(client, other, 'theirs', { category: 'X' })).toMatchObject({ category: 'X' });
      expect(await seenRecords(client, other)).toMatchObject([{ pfa_id: 'theirs', category: 'X' }]);
    });
  });
});
