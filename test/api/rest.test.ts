import { beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, one, putRecords, type RecordData } from '../support/make.ts';
import { boundsOf, kpisOf } from '../support/plain.ts';
import { makePerson, testApi, type ErrorBody, type RestRequest } from './server.ts';

const db = await testDatabase();
const api = await testApi(db);
const org = await makeOrganization(db, 'HOLNG');
const other = await makeOrganization(db, 'RIO');
await makePerson(db, 'olga', [[org, 'owner']]);
await makePerson(db, 'anna', [[org, 'member']]);
await makePerson(db, 'carl', [[org, 'member']]);
await makePerson(db, 'vera', [[org, 'viewer']]);
const [olga, anna, carl, vera] = await Promise.all([
  ...[api.token('olga'), api.token('anna'), api.token('carl'), api.token('vera')],
] as const);

interface RestRecord {
  pfaId: string;
  revision: number;
  hasDraft: boolean;
  isPending: boolean;
  hasProblem: boolean;
  planCost: number;
  forecastCost: number;
  actualCost: number;
  base: Record<string, unknown> | null;
  data: Record<string, unknown>;
}
interface Page {
  records: RestRecord[];
  next: string | null;
}

/** More than two pages of 1,000 and more than one batch of the stream; ids that need escaping in JSON and in a URL. */
const many: RecordData[] = Array.from({ length: 2100 }, (_, i) => ({
  pfaId: `n${String(i).padStart(5, '0')}`,
  category: 'Crane',
}));
const records: RecordData[] = [
  {
    ...{ pfaId: 'a', category: 'Crane', source: 'Rental', monthlyRate: 3044.1, areaSilo: 'Silo "4" \\ Süd' },
    ...{
      originalStart: '2026-01-01',
      originalEnd: '2026-01-31',
      forecastStart: '2026-01-01',
      forecastEnd: '2026-03-02',
    },
    ...{ unknownToUs: [1, { deep: null }] },
  },
  {
    ...{ pfaId: 'b & "c"/ü', source: 'Purchase', purchasePrice: 99.99, isActualized: true },
    ...{ actualStart: '2026-02-01', actualEnd: '2026-02-28' },
  },
  {
    pfaId: 'z',
    source: 'Purchase',
    purchasePrice: 1_000_000_000.01,
    isDiscontinued: true,
    forecastEnd: '2030-01-01',
  },
];

beforeAll(async () => {
  await putRecords(db, org, [...records, ...many]);
  await putRecords(db, other, [{ pfaId: 'a' }]);
  await db.worker.query('select app_private.refresh_summaries()');
});

const get = async <T>(path: string, token = anna) => {
  const answer = await api.rest<T>('GET', path, { token });
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.text}`);
  return answer.body;
};

/** One of the first two records. */
async function recordOf(pfaId: string, token = anna): Promise<RestRecord> {
  const { records: all } = await get<Page>('/api/pfa/HOLNG?limit=2', token);
  return one(all.filter((record) => record.pfaId === pfaId));
}

async function draft(
  changes: object,
  { pfaId = 'a', token = anna }: { pfaId?: string; token?: string } = {},
) {
  const { revision } = await recordOf(pfaId, token);
  const answer = await api.rest<RestRecord & ErrorBody>('POST', '/api/pfa/HOLNG/draft', {
    token,
    body: { recordId: pfaId, changes, revision },
  });
  return { ...answer, revision };
}
const discardAll = (token = anna) =>
  api.rest<{ discarded: number }>('POST', '/api/pfa/HOLNG/discard', { token, body: {} });

/** The record in GraphQL, and the user's drafts. */
async function inGraphql(pfaId: string, token = anna) {
  const data = await api.data<{
    pfaRecord: {
      revision: string;
      hasDraft: boolean;
      category: string;
      forecastEnd: string;
      forecastCost: string;
      base: object | null;
    };
    organizationByCode: { myDrafts: { nodes: { pfaId: string; delta: object; base: object }[] } };
  }>(
    token,
    `query ($organizationId: Int!, $pfaId: String!) {
      pfaRecord(organizationId: $organizationId, pfaId: $pfaId) { revision hasDraft category forecastEnd forecastCost base }
      organizationByCode(code: "HOLNG") { myDrafts { nodes { pfaId delta base } } }
    }`,
    { organizationId: org.id, pfaId },
  );
  return { record: data.pfaRecord, drafts: data.organizationByCode.myDrafts.nodes };
}

describe('records', () => {
  test('a record includes its costs, its revision and all values of PEMS', async () => {
    const [expected] = records;
    expect(await recordOf('a')).toEqual({
      ...{
        pfaId: 'a',
        revision: expect.any(Number) as number,
        hasDraft: false,
        isPending: false,
        hasProblem: false,
      },
      ...{ planCost: 3000.1, forecastCost: 6000.2, actualCost: 0, base: null },
      data: { ...expected, organization: 'HOLNG' },
    });
  });

  test.each([1, 7, 700, 1000])('pages of %i return every record once, in order', async (limit) => {
    const expected = [...records, ...many].map(({ pfaId }) => pfaId).sort();
    const wanted = limit < 100 ? expected.slice(0, 40) : expected;
    const seen: string[] = [];
    for (let next: string | null | undefined; next !== null && seen.length < wanted.length;) {
      const after: string = next === undefined ? '' : `&after=${encodeURIComponent(next)}`;
      const page: Page = await get<Page>(`/api/pfa/HOLNG?limit=${limit}${after}`);
      expect(page.records.length).toBeLessThanOrEqual(limit);
      seen.push(...page.records.map(({ pfaId }) => pfaId));
      next = page.next;
    }
    expect(seen.slice(0, wanted.length)).toEqual(wanted);
    if (limit >= 100) expect(seen).toEqual(expected);
  });

  test('the page after the last record is empty and marks the end', async () => {
    expect(await get<Page>('/api/pfa/HOLNG?limit=10&after=zzz')).toEqual({ records: [], next: null });
  });

  test('without a limit, all records come in one stream of valid JSON', async () => {
    const streamed = await get<Page>('/api/pfa/HOLNG');
    expect(streamed.next).toBeNull();
    expect(streamed.records.map(({ pfaId }) => pfaId)).toEqual(
      [...records, ...many].map(({ pfaId }) => pfaId).sort(),
    );
    expect((await get<Page>('/api/pfa/HOLNG?after=n02097')).records.map(({ pfaId }) => pfaId)).toEqual([
      'n02098',
      'n02099',
      'z',
    ]);
    expect(await get<Page>('/api/pfa/HOLNG?after=zzz')).toEqual({ records: [], next: null });
  });

  test('an organization is named by its code or by its id', async () => {
    expect(await get('/api/pfa/HOLNG?limit=2')).toEqual(await get(`/api/pfa/${org.id}?limit=2`));
  });

  test('a viewer reads', async () => {
    expect((await get<Page>('/api/pfa/HOLNG?limit=3', vera)).records).toHaveLength(3);
  });
});

describe('sums', () => {
  const merged = () => [...records, ...many].map((record) => ({ ...record }));
  const camel = (sums: Record<string, string | null>, number: boolean) =>
    Object.fromEntries(
      Object.entries(sums).map(([key, value]) => [
        key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
        number ? Number(value) : value,
      ]),
    );

  test('kpis are exact, as JSON numbers, and include only the drafts of the requesting user', async () => {
    expect(await get('/api/pfa/HOLNG/kpis')).toEqual(camel(kpisOf(merged()), true));
    await draft({ monthlyRate: 1234.56 });
    const changed = merged();
    changed[0]!.monthlyRate = 1234.56;
    expect(await get('/api/pfa/HOLNG/kpis')).toEqual(camel(kpisOf(changed), true));
    expect(await get('/api/pfa/HOLNG/kpis', carl)).toEqual(camel(kpisOf(merged()), true));
    await discardAll();
    expect(await get('/api/pfa/HOLNG/kpis')).toEqual(camel(kpisOf(merged()), true));
  });

  test('bounds are exact and include only the drafts of the requesting user', async () => {
    expect(await get('/api/pfa/HOLNG/bounds')).toEqual(camel(boundsOf(merged()), false));
    await draft({ forecastEnd: '2027-12-31' });
    expect(await get('/api/pfa/HOLNG/bounds')).toMatchObject({ forecastEnd: '2027-12-31' });
    expect(await get('/api/pfa/HOLNG/bounds', carl)).toEqual(camel(boundsOf(merged()), false));
    await discardAll();
  });
});

describe('drafts', () => {
  test('a draft saved through REST is merged for its author, in REST and GraphQL, and for no other user', async () => {
    const before = await inGraphql('a', carl);
    const saved = await draft({ category: 'Loader', forecastEnd: '2026-04-01' });
    expect(saved).toMatchObject({
      status: 200,
      body: {
        ...{ pfaId: 'a', hasDraft: true, isPending: false, forecastCost: 9000.3, planCost: 3000.1 },
        base: { category: 'Crane', forecastEnd: '2026-03-02' },
        data: { category: 'Loader', forecastEnd: '2026-04-01', areaSilo: 'Silo "4" \\ Süd' },
      },
    });
    expect(saved.body.revision).toBeGreaterThan(saved.revision);
    expect(await recordOf('a')).toEqual(saved.body);
    expect(await inGraphql('a')).toEqual({
      record: {
        ...{ revision: String(saved.body.revision), hasDraft: true, category: 'Loader' },
        ...{
          forecastEnd: '2026-04-01',
          forecastCost: '9000.30',
          base: { category: 'Crane', forecastEnd: '2026-03-02' },
        },
      },
      drafts: [
        {
          pfaId: 'a',
          delta: { category: 'Loader', forecastEnd: '2026-04-01' },
          base: { category: 'Crane', forecastEnd: '2026-03-02' },
        },
      ],
    });

    for (const colleague of [carl, vera, olga]) {
      expect(await inGraphql('a', colleague)).toEqual(before);
      expect((await recordOf('a', colleague)).data).toMatchObject({
        category: 'Crane',
        forecastEnd: '2026-03-02',
      });
    }
    expect(await discardAll()).toMatchObject({ status: 200, body: { discarded: 1 } });
    // A revision never decreases, so a list that holds the drafted record accepts this one.
    const after = (await recordOf('a')).revision;
    expect(after).toBeGreaterThan(saved.body.revision);
    expect(await inGraphql('a')).toEqual({
      ...before,
      record: { ...before.record, revision: String(after) },
    });
  });

  test('a draft saved through GraphQL appears in REST, and GraphQL discards it', async () => {
    const { revision } = await recordOf('a');
    const { saveDraft } = await api.data<{
      saveDraft: { record: { hasDraft: boolean; category: string; revision: string } };
    }>(
      anna,
      `mutation ($input: SaveDraftInput!) { saveDraft(input: $input) { record { hasDraft category revision } } }`,
      {
        input: {
          organizationId: org.id,
          recordId: 'a',
          changes: { category: 'Loader' },
          revision: String(revision),
        },
      },
    );
    expect(saveDraft.record).toMatchObject({ hasDraft: true, category: 'Loader' });
    expect(await recordOf('a')).toMatchObject({
      hasDraft: true,
      revision: Number(saveDraft.record.revision),
      data: { category: 'Loader' },
    });
    expect(await recordOf('a', carl)).toMatchObject({ hasDraft: false, data: { category: 'Crane' } });

    const { discardDrafts } = await api.data<{ discardDrafts: { discarded: number } }>(
      anna,
      'mutation ($id: Int!) { discardDrafts(input: { organizationId: $id, recordIds: ["a", "nothing"] }) { discarded } }',
      { id: org.id },
    );
    expect(discardDrafts.discarded).toBe(1);
    expect(await recordOf('a')).toMatchObject({ hasDraft: false, base: null });
  });

  test('reverting a value removes its key, and reverting the last key removes the draft', async () => {
    await draft({ category: 'Loader', class: 'L' });
    expect((await draft({ category: 'Crane' })).body).toMatchObject({
      hasDraft: true,
      base: { class: null },
    });
    expect((await draft({ class: '' })).body).toMatchObject({ hasDraft: false, base: null });
    expect((await discardAll()).body).toEqual({ discarded: 0 });
  });

  test('drafts are discarded by id, and the others stay', async () => {
    await draft({ category: 'Loader' });
    await draft({ category: 'Loader' }, { pfaId: 'b & "c"/ü' });
    const discard = (recordIds: unknown) =>
      api.rest('POST', '/api/pfa/HOLNG/discard', { token: anna, body: { recordIds } });
    expect((await discard([])).body).toEqual({ discarded: 0 });
    expect((await discard(['b & "c"/ü', 'nothing'])).body).toEqual({ discarded: 1 });
    expect(await recordOf('a')).toMatchObject({ hasDraft: true });
    expect((await discardAll(carl)).body).toEqual({ discarded: 0 });
    expect((await discardAll()).body).toEqual({ discarded: 1 });
  });

  test('a stale revision is refused with the current record, also in another tab of the same user', async () => {
    const { revision } = await recordOf('a');
    await draft({ category: 'Loader' });
    const stale = await api.rest('POST', '/api/pfa/HOLNG/draft', {
      token: anna,
      body: { recordId: 'a', changes: { category: 'Truck', class: 'T' }, revision },
    });
    const now = (await recordOf('a')).revision;
    expect(stale).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'REVISION_CONFLICT',
          details: [
            { recordId: 'a', revision, currentRevision: now, current: { category: 'Loader', class: null } },
          ],
        },
      },
    });
    expect((await recordOf('a')).data).toMatchObject({ category: 'Loader' });
    await discardAll();
  });
});

describe('sync', () => {
  test('an owner requests a run, a second request joins it, and the status shows it', async () => {
    const trigger = (organization: unknown) =>
      api.rest<{ run: number }>('POST', '/api/sync/trigger', { token: olga, body: { organization } });
    const asked = await trigger('HOLNG');
    expect(asked).toMatchObject({
      status: 202,
      body: {
        organization: 'HOLNG',
        run: expect.any(Number) as number,
        kind: 'full',
        state: 'queued',
        requestedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
    });
    expect((await trigger(org.id)).body.run).toBe(asked.body.run);
    expect((await trigger(String(org.id))).body.run).toBe(asked.body.run);

    expect(await get('/api/sync/status', anna)).toEqual({
      organizations: [
        {
          ...{ id: org.id, organization: 'HOLNG', lastRowsRead: records.length + many.length },
          notice: null,
          missingColumns: [],
          columnChanges: null,
          rejectedFields: [],
          lastSyncedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
          run: {
            ...{
              id: asked.body.run,
              kind: 'full',
              state: 'queued',
              rowsRead: 0,
              startedAt: null,
              finishedAt: null,
              error: null,
              withheld: null,
            },
            requestedAt: expect.any(String) as string,
          },
        },
      ],
    });
    const { rows } = await db.owner.query<{ jobs: string }>(
      "select count(*) as jobs from app_public.pfa_sync_log where state = 'queued'",
    );
    expect(one(rows).jobs).toBe('1');

    const askFor = (kind: string) =>
      api.rest<{ run: number; kind: string }>('POST', '/api/sync/trigger', {
        token: olga,
        body: { organization: 'HOLNG', kind },
      });
    expect((await askFor('full')).body).toMatchObject({ run: asked.body.run, kind: 'full' });
    expect(await askFor('everything')).toMatchObject({ status: 400 });
  });

  test.each(['anna', 'vera'])('%s may not request a run', async (name) => {
    const token = { anna, vera }[name];
    const { status, body } = await api.rest('POST', '/api/sync/trigger', {
      token,
      body: { organization: 'HOLNG' },
    });
    expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'FORBIDDEN' });
  });
});

describe('health', () => {
  test('liveness and readiness need no sign-in, and accept an expired token', async () => {
    for (const token of [undefined, 'junk']) {
      expect(await api.rest('GET', '/api/health', { token })).toMatchObject({
        status: 200,
        body: { status: 'alive' },
      });
      expect(await api.rest('GET', '/api/ready', { token })).toMatchObject({
        status: 200,
        body: { status: 'ready', checks: { database: true, writable: true, migrations: true, queue: true } },
      });
    }
  });
});

/** An error body without other fields. */
function expectRefusal(
  answer: { status: number; body: ErrorBody; headers: Headers },
  status: number,
  code: string,
) {
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body: { error: { code } } });
  expect(Object.keys(answer.body)).toEqual(['error']);
  const { error } = answer.body;
  expect(Object.keys(error).filter((key) => !['code', 'message', 'details'].includes(key))).toEqual([]);
  expect(error.message).toMatch(/^\S.*[.`]$/);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
}

describe('hundreds of drafts, and their commit', () => {
  const batch = (items: unknown, token = anna) =>
    api.rest<{ changedCount: number; unchangedCount: number; revisions: Record<string, number> } & ErrorBody>(
      'POST',
      '/api/pfa/HOLNG/draft/batch',
      { token, body: { items } },
    );
  const commit = (body: object, token = anna) =>
    api.rest<{ recordCount: number; keyCount: number; refused: object[] } & ErrorBody>(
      'POST',
      '/api/pfa/HOLNG/commit',
      { token, body },
    );
  const itemOf = async (pfaId: string, changes: object) => ({
    recordId: pfaId,
    changes,
    revision: (await recordOf(pfaId)).revision,
  });

  test('a batch returns the new revisions', async () => {
    const { category } = (await recordOf('a')).data as { category: string };
    const { status, body } = await batch([await itemOf('a', { category: 'Batch' })]);
    expect([status, body]).toEqual([
      200,
      { changedCount: 1, unchangedCount: 0, revisions: { a: (await recordOf('a')).revision } },
    ]);
    const again = await batch([{ recordId: 'a', changes: { category }, revision: body.revisions.a }]);
    expect(again.body).toMatchObject({ changedCount: 1 });
    expect(await recordOf('a')).toMatchObject({ hasDraft: false });
  });

  test('one bad record refuses the batch, and the error names all problems', async () => {
    const good = await itemOf('a', { category: 'Batch' });
    const answer = await batch([good, { recordId: 'nothing', changes: { category: 'X' }, revision: 1 }]);
    expectRefusal(answer, 404, 'NOT_FOUND');
    const wrong = await batch([{ ...good, changes: { monthlyRate: -1, colour: 'red' } }]);
    expectRefusal(wrong, 422, 'INVALID_VALUE');
    expect(wrong.body.error.details).toMatchObject([{ key: 'colour' }, { key: 'monthlyRate' }]);
    expectRefusal(await batch([{ ...good, revision: 0 }]), 409, 'REVISION_CONFLICT');
    for (const items of [undefined, [], {}, [good, good], [{ ...good, changes: {} }], Array(5001).fill(good)])
      expectRefusal(await batch(items), 400, 'INVALID_INPUT');
    expect(await recordOf('a')).toMatchObject({ hasDraft: false });
  });

  test('another member sees the committed records, and only the chosen ones', async () => {
    await batch([await itemOf('a', { category: 'Committed' })]);
    expect((await commit({ recordIds: ['nothing'] })).body).toMatchObject({
      recordCount: 0,
      refused: [{ recordId: 'nothing', kind: 'none' }],
    });
    expectRefusal(await commit({ filter: { colour: { equalTo: 'red' } } }), 400, 'INVALID_INPUT');
    expect((await commit({ filter: { category: { equalTo: 'Else' } } })).body).toMatchObject({
      recordCount: 0,
    });
    expect(await commit({ filter: { hasDraft: { equalTo: true } }, comment: 'Storm' })).toMatchObject({
      status: 200,
      body: { recordCount: 1, keyCount: 1, refused: [] },
    });
    expect(await recordOf('a', carl)).toMatchObject({ isPending: true, data: { category: 'Committed' } });
    await api.data(
      anna,
      'mutation ($id: Int!) { withdrawCommits(input: { organizationId: $id }) { result { recordCount } } }',
      { id: org.id },
    );
    await discardAll();
    expect(await recordOf('a', carl)).toMatchObject({ isPending: false });
  });
});

describe('another organization is refused like a missing one', () => {
  test.each<[string, string, object?]>([
    ['GET', ''],
    ['GET', '?limit=1'],
    ['GET', '/kpis'],
    ['GET', '/bounds'],
    ['POST', '/draft', { recordId: 'a', changes: { category: 'X' }, revision: 1 }],
    ['POST', '/draft/batch', { items: [{ recordId: 'a', changes: { category: 'X' }, revision: 1 }] }],
    ['POST', '/commit', {}],
    ['POST', '/discard', {}],
  ])('%s /api/pfa/:org%s', async (method, path, body) => {
    const ask = async (name: string) => {
      const answer = await api.rest(method, `/api/pfa/${name}${path}`, { token: anna, body });
      expectRefusal(answer, 404, 'NOT_FOUND');
      return answer.text.replaceAll(name, 'NAME');
    };
    const unknown = await ask('NOWHERE');
    for (const name of ['RIO', String(other.id), '999999999', 'holng', '*'])
      expect(await ask(name)).toBe(unknown);
  });

  test('POST /api/sync/trigger', async () => {
    const ask = async (organization: string | number) => {
      const answer = await api.rest('POST', '/api/sync/trigger', { token: olga, body: { organization } });
      expectRefusal(answer, 404, 'NOT_FOUND');
      return answer.text.replaceAll(String(organization), 'NAME');
    };
    const unknown = await ask('NOWHERE');
    for (const name of ['RIO', other.id, 999999999]) expect(await ask(name)).toBe(unknown);
  });

  test("a numeric code and an equal id lead each user to the user's own organization", async () => {
    const named = await makeOrganization(db, 'NAMED');
    const numbered = await makeOrganization(db, String(named.id));
    await makePerson(db, 'of numbered', [[numbered, 'member']]);
    await makePerson(db, 'of named', [[named, 'member']]);
    const kpis = async (username: string) =>
      (await api.rest('GET', `/api/pfa/${named.id}/kpis`, { token: await api.token(username) })).status;
    expect(await kpis('of numbered')).toBe(200);
    // A user who may not read the organization with that code gets the one with that id.
    expect(await kpis('of named')).toBe(200);
    expect(
      (await api.rest('GET', `/api/pfa/${numbered.id}/kpis`, { token: await api.token('of named') })).status,
    ).toBe(404);
  });
});

describe('a viewer writes nothing', () => {
  test.each<[string, object]>([
    ['/api/pfa/HOLNG/draft', { recordId: 'a', changes: { category: 'X' }, revision: 1 }],
    ['/api/pfa/HOLNG/draft/batch', { items: [{ recordId: 'a', changes: { category: 'X' }, revision: 1 }] }],
    ['/api/pfa/HOLNG/commit', {}],
    ['/api/pfa/HOLNG/discard', {}],
    ['/api/pfa/HOLNG/discard', { recordIds: ['a'] }],
  ])('POST %s %o', async (path, body) => {
    expectRefusal(await api.rest('POST', path, { token: vera, body }), 403, 'FORBIDDEN');
  });
});

describe('refused values', () => {
  test.each<[string, object, string]>([
    ['a key that there is not', { colour: 'red' }, 'colour'],
    ['a key that PEMS sets', { originalEnd: '2026-05-01' }, 'originalEnd'],
    ['the identity', { pfaId: 'x' }, 'pfaId'],
    ['a key for actualized records only', { actualEnd: '2026-05-01' }, 'actualEnd'],
    ['a day that there is not', { forecastEnd: '2025-02-30' }, 'forecastEnd'],
    ['a date as a person writes it', { forecastEnd: '02-APR-2026' }, 'forecastEnd'],
    ['a date with a time', { forecastEnd: '2026-04-02T00:00:00Z' }, 'forecastEnd'],
    ['an end before the start', { forecastEnd: '2025-12-31' }, 'forecastEnd'],
    ['a start after the end', { forecastStart: '2026-03-03' }, 'forecastEnd'],
    ['negative money', { monthlyRate: -0.01 }, 'monthlyRate'],
    ['money as text', { monthlyRate: '100' }, 'monthlyRate'],
    ['fractions of a cent', { monthlyRate: 0.001 }, 'monthlyRate'],
    ['more money than there is', { purchasePrice: 1e12 }, 'purchasePrice'],
    ['a source that there is not', { source: 'Lease' }, 'source'],
    ['a flag as text', { isDiscontinued: 'true' }, 'isDiscontinued'],
    ['text as a number', { category: 7 }, 'category'],
    ['text as a list', { category: ['Crane'] }, 'category'],
    ['text as an object', { category: { $ne: 1 } }, 'category'],
    ['text that is too long', { category: 'x'.repeat(201) }, 'category'],
    ['a line break', { category: 'a\nb' }, 'category'],
    ['one bad value beside a good one', { category: 'Loader', monthlyRate: -1 }, 'monthlyRate'],
  ])('%s', async (_what, changes, key) => {
    const refused = await draft(changes);
    expectRefusal(refused, 422, 'INVALID_VALUE');
    expect(refused.body.error.details).toEqual([
      expect.objectContaining({ recordId: 'a', key, problem: expect.any(String) as string }),
    ]);
    expect(refused.body.error.message).toContain(`${key} of record a`);
    expect(await recordOf('a')).toMatchObject({ hasDraft: false, revision: refused.revision });
  });
});

describe('refused requests', () => {
  const sent = (changes: string, recordId = '"a"', revision = '1') =>
    `{"recordId": ${recordId}, "changes": ${changes}, "revision": ${revision}}`;

  test.each<[string, RestRequest, number, string]>([
    ['no body', {}, 400, 'INVALID_INPUT'],
    ['a body that is not JSON', { text: '{"recordId": ' }, 400, 'MALFORMED_JSON'],
    ['a body that is only a number', { text: '7' }, 400, 'MALFORMED_JSON'],
    ['a body that is a list', { text: '[]' }, 400, 'INVALID_INPUT'],
    [
      'a body that is a form',
      { text: 'recordId=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      400,
      'INVALID_INPUT',
    ],
    [
      'a body in an unknown encoding',
      { text: '{}', headers: { 'content-encoding': 'rot13' } },
      400,
      'INVALID_INPUT',
    ],
    [
      'a body that is not the gzip it says',
      { text: '{}', headers: { 'content-encoding': 'gzip' } },
      400,
      'INVALID_INPUT',
    ],
    [
      'a body that is too large',
      { text: sent(`{"category": "${'x'.repeat(1_100_000)}"}`) },
      413,
      'BODY_TOO_LARGE',
    ],
    [
      'a body that is nested a thousand times',
      { text: sent(`{"category": ${'['.repeat(1000)}${']'.repeat(1000)}}`) },
      400,
      'MALFORMED_JSON',
    ],
    [
      'a body that is nested twenty thousand times',
      { text: sent(`{"category": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`) },
      400,
      'MALFORMED_JSON',
    ],
    ['a number too large to be one', { text: sent('{"monthlyRate": 1e400}') }, 400, 'MALFORMED_JSON'],
    ['a number too small to be one', { text: sent('{"monthlyRate": 1e-400}') }, 400, 'MALFORMED_JSON'],
    ['a null character', { text: sent('{"category": "\\u0000"}') }, 400, 'INVALID_INPUT'],
    ['half a character', { text: sent('{"category": "\\ud800"}') }, 400, 'INVALID_INPUT'],
    ['a record id that is a number', { text: sent('{"category": "X"}', '7') }, 400, 'INVALID_INPUT'],
    ['an empty record id', { text: sent('{"category": "X"}', '""') }, 400, 'INVALID_INPUT'],
    ['an unknown record', { text: sent('{"category": "X"}', '"nothing"') }, 404, 'NOT_FOUND'],
    ['no changes', { text: '{"recordId": "a", "revision": 1}' }, 400, 'INVALID_INPUT'],
    ['empty changes', { text: sent('{}') }, 400, 'INVALID_INPUT'],
    ['changes that are a list', { text: sent('[{"category": "X"}]') }, 400, 'INVALID_INPUT'],
    ['changes that are text', { text: sent('"{}"') }, 400, 'INVALID_INPUT'],
    ['no revision', { text: '{"recordId": "a", "changes": {"category": "X"}}' }, 400, 'INVALID_INPUT'],
    ['a revision that is none', { text: sent('{"category": "X"}', '"a"', '"latest"') }, 400, 'INVALID_INPUT'],
    [
      'a revision larger than any',
      { text: sent('{"category": "X"}', '"a"', '"9999999999999999999"') },
      400,
      'INVALID_INPUT',
    ],
    ['a revision that is null', { text: sent('{"category": "X"}', '"a"', 'null') }, 400, 'INVALID_INPUT'],
  ])('a draft with %s', async (_what, request, status, code) => {
    const { revision } = await recordOf('a');
    const text = request.text?.replace('"revision": 1}', `"revision": ${revision}}`);
    expectRefusal(
      await api.rest('POST', '/api/pfa/HOLNG/draft', { token: anna, ...request, ...(text && { text }) }),
      status,
      code,
    );
  });

  test('a body that is not JSON, or too large, gets a hint about valid bodies', async () => {
    const form = { text: 'recordId=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    const draftOf = (request: RestRequest) =>
      api.rest('POST', '/api/pfa/HOLNG/draft', { token: anna, ...request });
    for (const unmarked of [await draftOf(form), await api.rest('POST', '/api/auth/login', form)])
      expect(unmarked.body.error).toEqual({
        code: 'INVALID_INPUT',
        message:
          'The body of the request is not marked as JSON. Send JSON with `Content-Type: application/json`.',
      });
    const large = await draftOf({ text: sent(`{"category": "${'x'.repeat(1_100_000)}"}`) });
    expect(large.body.error.message).toContain('at most 1,000,000 bytes');
  });

  test.each(['0', '-1', '1001', '1.5', 'ten', '', 'NaN', '1&limit=2', '1e9'])(
    'a page with limit=%s',
    async (limit) => {
      const refused = await api.rest('GET', `/api/pfa/HOLNG?limit=${limit}`, { token: anna });
      expectRefusal(refused, 400, 'INVALID_INPUT');
      expect(refused.body.error.details).toEqual([{ path: 'limit', message: expect.any(String) as string }]);
    },
  );

  test.each<[string, unknown]>([
    ['text', 'a'],
    ['an object', { 0: 'a' }],
    ['null', null],
    ['a list with a number', ['a', 7]],
    ['a list with nothing', [null]],
    ['more ids than it takes', Array.from({ length: 5001 }, (_, i) => `n${i}`)],
  ])('a discard whose recordIds are %s', async (_what, recordIds) => {
    await draft({ category: 'Loader' });
    expectRefusal(
      await api.rest('POST', '/api/pfa/HOLNG/discard', { token: anna, body: { recordIds } }),
      400,
      'INVALID_INPUT',
    );
    expect((await discardAll()).body).toEqual({ discarded: 1 });
  });

  test.each<[string, object]>([
    ['discard', { recordId: 'b' }],
    ['discard', { ids: ['b'] }],
    ['commit', { recordId: ['b'] }],
    ['commit', { containing: { category: 'Nothing' } }],
  ])(
    'a %s with an invalid selection is refused, and does not apply to all drafts: %o',
    async (what, body) => {
      await draft({ category: 'Loader' });
      const refused = await api.rest<ErrorBody>('POST', `/api/pfa/HOLNG/${what}`, { token: anna, body });
      expectRefusal(refused, 400, 'INVALID_INPUT');
      expect(refused.body.error.message).toContain(Object.keys(body)[0]);
      expect((await discardAll()).body).toEqual({ discarded: 1 });
    },
  );

  test.each([
    {},
    { organization: '' },
    { organization: null },
    { organization: ['HOLNG'] },
    { organization: 1.5 },
  ])('a sync of %o', async (body) => {
    expectRefusal(await api.rest('POST', '/api/sync/trigger', { token: olga, body }), 400, 'INVALID_INPUT');
  });

  test.each([
    ['GET', '/api'],
    ['GET', '/api/nothing'],
    ['GET', '/api/pfa'],
    ['GET', '/api/pfa/HOLNG/nothing'],
    ['GET', '/api/pfa/HOLNG/draft'],
    ['PUT', '/api/pfa/HOLNG/draft'],
    ['DELETE', '/api/pfa/HOLNG'],
    ['GET', '/api/sync/trigger'],
    ['GET', '/api/auth/login'],
    ['POST', '/api/auth/nothing'],
    ['GET', '/.env'],
    ['GET', '/..%2f..%2fpackage.json'],
    ['GET', '/graphql/stream'],
  ])('%s %s: not found', async (method, path) => {
    expectRefusal(await api.rest(method, path, { token: anna }), 404, 'NOT_FOUND');
  });

  test('an invalid URL', async () => {
    expectRefusal(await api.rest('GET', '/api/pfa/%E0%A4%A', { token: anna }), 400, 'INVALID_INPUT');
    expectRefusal(await api.rest('GET', '/api/pfa/a%00b', { token: anna }), 400, 'INVALID_INPUT');
  });

  test('no response reveals the software behind the server', async () => {
    const { headers } = await api.rest('GET', '/api/health');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
