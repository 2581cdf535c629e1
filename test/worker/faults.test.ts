import { describe, expect, test } from 'vitest';
import { saveDraft, seenDrafts } from '../support/ask.ts';
import { makeMember, one, type Organization } from '../support/make.ts';
import { answered, expected } from '../support/merged.ts';
import {
  idOf,
  mirrored,
  stagedRows,
  testWorld,
  type ConnectionSettings,
  type MirrorRow,
  type Run,
} from './world.ts';

// Each fault of PEMS, against a real worker. Afterwards the mirror is entirely unchanged or entirely equal to PEMS,
// except for refused rows. One run alone removes no record. The log contains a hint, and the next run without the fault
// repairs everything.

// Three pages of an organization of 12 records; a fault with `skip: 1` hits from the second one on.
const size = 12;
const pageSize = 5;
const codes = Array.from({ length: 40 }, (_, i) => `F${String(i + 1).padStart(2, '0')}`);
const chaosSize = 40;
const world = await testWorld({ ...Object.fromEntries(codes.map((code) => [code, size])), CHAOS: chaosSize });
const { db } = world;
await world.startWorker();

const held = ({ pfa_id, data, version, version_by }: MirrorRow) => ({ pfa_id, data, version, version_by });
const live = async (organization: Organization) =>
  (await world.mirror(organization)).filter(({ removed_at }) => removed_at === null);
const asPems = async (organization: Organization) =>
  (await world.pems(organization)).map((record) => ({
    pfa_id: record.id,
    data: mirrored(record),
    version: record.updatedAt.slice(0, 16),
    version_by: record.updatedBy,
  }));

async function candidates({ id }: Organization) {
  const { rows } = await db.owner.query<{ pfa_id: string; missed_by_run: string }>(
    'select * from app_public.pfa_removal_candidate where organization_id = $1 order by pfa_id',
    [id],
  );
  return rows;
}

interface Reject {
  pfa_id: string | null;
  reason: string;
  problems: { key: string; value: string; message: string }[];
  row_content: Record<string, string>;
}
async function rejects(run: Run) {
  const { rows } = await db.owner.query<Reject>(
    'select pfa_id, reason, problems, row_content from app_public.pfa_sync_reject where run_id = $1 order by id',
    [run.id],
  );
  return rows;
}

/** An organization that was read once. Since then PEMS changed two records, removed one, and added one. */
async function changedOrganization(settings: ConnectionSettings = {}) {
  const organization = await world.organization(codes.shift() as string, { pageSize, ...settings });
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_inserted: size });
  const author = await makeMember(db, organization);
  await db.asUser(
    author,
    (client) => saveDraft(client, organization, idOf(organization, 3), { contract: 'mine' }),
    {
      commit: true,
    },
  );
  const drafts = () => db.asUser(author, (client) => seenDrafts(client, organization));
  const before = { mirror: await world.mirror(organization), drafts: await drafts() };
  const path = `/records/${organization.code}`;
  for (const n of [2, 9])
    await world.control('PATCH', `${path}/${idOf(organization, n)}`, { values: { pfs_f_model: 'news' } });
  await world.control('DELETE', `${path}/${idOf(organization, 6)}`);
  await world.control('POST', path, { id: `${organization.code}-NEW` });
  return { organization, author, drafts, before };
}
type Changed = Awaited<ReturnType<typeof changedOrganization>>;

/** Without faults, one run reads all records, and a second one confirms the removal. */
async function heals({ organization, drafts, before, author }: Changed) {
  await world.control('DELETE', '/faults');
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_rejected: 0 });
  expect(await world.sync(organization)).toMatchObject({
    state: 'succeeded',
    rows_rejected: 0,
    notice: null,
  });
  expect((await live(organization)).map(held)).toEqual(await asPems(organization));
  expect(await candidates(organization)).toEqual([]);
  expect(await drafts()).toEqual(before.drafts);
  expect(await answered(db, organization, author)).toEqual(await expected(db, organization, author));
}

/** All records of PEMS are present, and the missing one is only noted. */
async function wholly(run: Run, organization: Organization) {
  expect(run).toMatchObject({
    ...{ state: 'succeeded', rows_updated: 2, rows_inserted: 1 },
    ...{ rows_missing: 1, rows_removed: 0, rows_rejected: 0, error_code: null },
  });
  const gone = idOf(organization, 6);
  expect((await live(organization)).filter(({ pfa_id }) => pfa_id !== gone).map(held)).toEqual(
    await asPems(organization),
  );
  expect(await candidates(organization)).toMatchObject([{ pfa_id: gone, missed_by_run: run.id }]);
}

describe('once: the request is retried, and the run succeeds', () => {
  test.each<[string, Record<string, unknown>]>([
    ['latency', { kind: 'latency', ms: 100 }],
    ['429 without Retry-After', { kind: 'status', status: 429 }],
    ['429 with Retry-After', { kind: 'status', status: 429, retryAfter: 1 }],
    ['500', { kind: 'status', status: 500 }],
    ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: 0 }],
    ['half an answer', { kind: 'half-body' }],
    ['JSON that breaks off', { kind: 'malformed', what: 'json' }],
    ['a closed connection', { kind: 'close' }],
    ['no answer', { kind: 'hang' }],
  ])('%s', async (_, fault) => {
    const changed = await changedOrganization({ timeoutMs: 500 });
    await world.fault({ ...fault, skip: 1, count: 1 });
    await wholly(await world.sync(changed.organization), changed.organization);
    expect(await world.faultHits()).toBe(1);
    await heals(changed);
  });
});

describe('lasting: the run fails with a reason and a hint, and the mirror stays', () => {
  test.each<[string, Record<string, unknown>, code: string, words: RegExp, settings?: ConnectionSettings]>([
    ['429', { kind: 'status', status: 429 }, 'PEMS_RATE_LIMITED', /too many/],
    ['500', { kind: 'status', status: 500 }, 'PEMS_SERVER_ERROR', /HTTP status 500/],
    ['503', { kind: 'status', status: 503 }, 'PEMS_SERVER_ERROR', /HTTP status 503/],
    ['half answers', { kind: 'half-body' }, 'PEMS_UNREACHABLE', /closed before the answer was complete/],
    ['JSON that breaks off', { kind: 'malformed', what: 'json' }, 'PEMS_MALFORMED_ANSWER', /breaks off/],
    ['a sign-in page', { kind: 'malformed', what: 'html' }, 'PEMS_MALFORMED_ANSWER', /is no JSON/],
    ['closed connections', { kind: 'close' }, 'PEMS_UNREACHABLE', /cannot be reached/],
    ['no answer', { kind: 'hang' }, 'PEMS_TIMEOUT', /within 0\.1 seconds/, { timeoutMs: 100 }],
    ['slowness', { kind: 'latency', ms: 60_000 }, 'PEMS_TIMEOUT', /within 0\.1 seconds/, { timeoutMs: 100 }],
    [
      'ErrorAlert',
      { kind: 'error-alert', message: 'Grid is locked' },
      'PEMS_ERROR_ALERT',
      /: Grid is locked$/,
    ],
    ['a wrong password', { kind: 'bad-credentials' }, 'PEMS_UNAUTHORIZED', /did not accept the credentials/],
    [
      'pages without end',
      { kind: 'page-count', says: 'more' },
      'PEMS_MALFORMED_ANSWER',
      /more are to follow/,
    ],
  ])('%s', async (_, fault, code, words, settings = {}) => {
    const changed = await changedOrganization(settings);
    const { organization, before } = changed;
    await world.fault({ ...fault, skip: 1, probability: 1 });
    const run = await world.sync(organization);
    expect(run).toMatchObject({ state: 'failed', error_code: code, rows_removed: 0, rows_missing: 0 });
    expect(run.error_message).toMatch(words);
    expect(run.error_hint).toMatch(/^\w.{20,}\.$/);
    expect(await world.mirror(organization)).toEqual(before.mirror);
    expect(await candidates(organization)).toEqual([]);
    expect((await world.changes(organization)).filter(({ route }) => route === 'sync')).toEqual([]);
    expect(await stagedRows(db.owner, organization)).toBe(0);
    await heals(changed);
  });
});

describe('invalid values', () => {
  test.each([
    ['pfs_f_startdate', '31-FEB-2026', 'forecastStart'],
    ['pfs_f_enddate', '2026-13-01', 'forecastEnd'],
    ['pfs_a_startdate', '45748', 'originalStart'],
    ['pfs_f_rate', '12.34.56', 'monthlyRate'],
    ['pfs_f_price', '1e-400', 'purchasePrice'],
    ['pfa_dis', 'maybe', 'isDiscontinued'],
    ['pfs_ft', '2', 'isFundsTransferable'],
    ['pfs_f_intlastupdated', '02-APR-2026 25:61', 'version'],
  ])('%s = %s: the field does not change, all others are read', async (field, text, key) => {
    const changed = await changedOrganization();
    const { organization, before } = changed;
    const id = idOf(organization, 9);
    await world.fault({ kind: 'malformed', what: 'value', id, field, text, count: 1 });
    const run = await world.sync(organization);
    expect(run).toMatchObject({
      ...{ state: 'succeeded', rows_updated: 2, rows_inserted: 1 },
      ...{ rows_rejected: 0, values_rejected: 1, rows_missing: 1, rows_removed: 0 },
      rejected_fields: [{ key, alias: field, count: 1, samples: [{ recordId: id, value: text }] }],
    });
    const reject = one(await rejects(run));
    expect(reject).toMatchObject({ pfa_id: id, reason: 'field', problems: [{ key, value: text }] });
    expect(reject.problems[0]?.message).toMatch(/allowed are|the calendar has no day/);
    expect(reject.row_content).toEqual({ [field]: text });
    const of = (rows: MirrorRow[]) => rows.find(({ pfa_id }) => pfa_id === id);
    const [was, is] = [of(before.mirror), of(await world.mirror(organization))];
    expect(is?.data).toEqual({ ...was?.data, model: 'news' });
    if (key === 'version') expect(is?.version).toEqual(was?.version);
    await heals(changed);
  });

  test('the same for any value, in every shape, in every run', async () => {
    const changed = await changedOrganization();
    for (const of of ['date', 'number', 'flag']) {
      await world.fault({ kind: 'malformed', what: 'value', of, probability: 1 });
      for (let i = 0; i < 4; i++) {
        const run = await world.sync(changed.organization);
        expect(run.state).toBe('succeeded');
        // One on each page; the last row of a page is requested again.
        expect(run).toMatchObject({ rows_rejected: 0 });
        expect(run.values_rejected).toBeGreaterThan(0);
        const rejected = await rejects(run);
        expect(rejected).toHaveLength(run.values_rejected);
        for (const { reason, row_content } of rejected) {
          expect(reason).toBe('field');
          expect(Object.keys(row_content)).toHaveLength(1);
        }
      }
      await world.control('DELETE', '/faults');
    }
    await heals(changed);
  });
});

describe('unrequested rows', () => {
  test('a duplicate id: both rows are kept, and the record does not change, also in the next run', async () => {
    const changed = await changedOrganization();
    const { organization, before } = changed;
    const id = idOf(organization, 9);
    await world.fault({ kind: 'duplicate', id, probability: 1 });
    for (let i = 0; i < 3; i++) {
      const run = await world.sync(organization);
      expect(run).toMatchObject({ state: 'succeeded', rows_rejected: 2 });
      expect(await rejects(run)).toMatchObject([
        { pfa_id: id, reason: 'duplicate', row_content: { model: 'news' } },
        { pfa_id: id, reason: 'duplicate', row_content: { model: 'news' } },
      ]);
      const of = (rows: MirrorRow[]) => rows.find(({ pfa_id }) => pfa_id === id);
      expect(of(await world.mirror(organization))).toEqual(of(before.mirror));
    }
    await heals(changed);
  });

  test.each([false, true])(
    'a row of another organization is refused, and only its code is shown (under our id: %s)',
    async (sameId) => {
      const changed = await changedOrganization();
      const { organization } = changed;
      await world.fault({ kind: 'foreign-row', organization: 'CHAOS', sameId, count: 1 });
      const run = await world.sync(organization);
      expect(await rejects(run)).toEqual([
        expect.objectContaining({
          ...{ pfa_id: null, reason: 'other-organization', row_content: { organization: 'CHAOS' } },
        }),
      ]);
      await wholly({ ...run, rows_rejected: 0 }, organization);
      await heals(changed);
    },
  );
});

describe('missing records', () => {
  test('records missing in one response are noted, and stay', async () => {
    const changed = await changedOrganization();
    const { organization, before } = changed;
    await world.fault({ kind: 'vanish', rows: 2, count: 1 });
    const run = await world.sync(organization);
    expect(run).toMatchObject({ state: 'succeeded', rows_removed: 0 });
    expect(run.rows_missing).toBeGreaterThanOrEqual(2);
    expect((await live(organization)).length).toBeGreaterThanOrEqual(before.mirror.length);
    await heals(changed);
  });

  test('a record that disappears between two pages hides no other', async () => {
    const changed = await changedOrganization();
    const { organization } = changed;
    await world.fault({ kind: 'latency', ms: 600_000, skip: 1, count: 1 });
    const queued = await world.request(organization);
    await expect.poll(() => world.faultHits()).toBe(1);
    // One that was already read, so that an offset would now be wrong, and one that follows.
    for (const n of [1, 11])
      await world.control('DELETE', `/records/${organization.code}/${idOf(organization, n)}`);
    await world.control('DELETE', '/faults');
    expect(await world.ended(organization, queued.id)).toMatchObject({
      ...{ state: 'succeeded', rows_read: 11, rows_removed: 0 },
    });
    expect((await candidates(organization)).map(({ pfa_id }) => pfa_id)).toEqual(
      [6, 11].map((n) => idOf(organization, n)),
    );
    await heals(changed);
    expect(await live(organization)).toHaveLength(10);
  });

  test('a full page marked as the last is not trusted, nor one with a wrong row count', async () => {
    for (const says of ['end', 'records']) {
      const changed = await changedOrganization();
      await world.fault({ kind: 'page-count', says, probability: 1 });
      await wholly(await world.sync(changed.organization), changed.organization);
      await heals(changed);
    }
  });

  test('a short page marked as the last ends the run, and removes nothing', async () => {
    const changed = await changedOrganization();
    const { organization, before } = changed;
    await world.fault({ kind: 'vanish', count: 1 });
    await world.fault({ kind: 'page-count', says: 'end', count: 1 });
    const run = await world.sync(organization);
    expect(run).toMatchObject({ state: 'succeeded', rows_read: 4, rows_removed: 0, rows_missing: 8 });
    expect(await live(organization)).toHaveLength(before.mirror.length);
    await heals(changed);
  });
});

test('faults of all kinds over many runs, with drafts and changes in PEMS: in the end the mirror equals PEMS', async () => {
  const organization = await world.organization('CHAOS', { pageSize: 7, timeoutMs: 100 });
  await world.sync(organization);
  const authors = [await makeMember(db, organization), await makeMember(db, organization)];
  const draftsOf = (author: number) => db.asUser(author, (client) => seenDrafts(client, organization));
  for (const [i, author] of authors.entries()) {
    for (const n of [1, 5, 12, 20 + i, 33]) {
      const change = { contract: `of ${i}`, isDiscontinued: n % 2 === 0 };
      await db.asUser(author, (client) => saveDraft(client, organization, idOf(organization, n), change), {
        commit: true,
      });
    }
  }
  const drafts = await Promise.all(authors.map(draftsOf));

  let seed = 20_261_122;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const kinds: Record<string, unknown>[] = [
    ...[429, 500, 503].map((status) => ({ kind: 'status', status })),
    ...['date', 'number', 'flag'].map((of) => ({ kind: 'malformed', what: 'value', of })),
    ...['end', 'more', 'records'].map((says) => ({ kind: 'page-count', says })),
    ...[false, true].map((sameId) => ({ kind: 'foreign-row', organization: codes.at(-1), sameId })),
    ...['half-body', 'close', 'hang', 'duplicate', 'error-alert', 'bad-credentials'].map((kind) => ({
      kind,
    })),
    ...[
      { kind: 'latency', ms: 20 },
      { kind: 'vanish', rows: 2 },
      { kind: 'malformed', what: 'json' },
    ],
  ];
  const outcomes = new Set<string>();
  for (let i = 0; i < 14; i++) {
    await world.control('DELETE', '/faults');
    for (let n = 0; n < 3; n++)
      await world.fault({ ...kinds[random(kinds.length)], probability: (1 + random(5)) / 10 });
    // Never a record with a draft.
    const id = idOf(organization, 34 + random(7));
    const there = (await world.pems(organization)).some((record) => record.id === id);
    const path = `/records/CHAOS`;
    if (!there) await world.control('POST', path, { id });
    else if (random(3) === 0) await world.control('DELETE', `${path}/${id}`);
    else await world.control('PATCH', `${path}/${id}`, { values: { pfs_f_rate: random(9999) } });

    const before = await world.mirror(organization);
    const run = await world.sync(organization);
    outcomes.add(run.error_code ?? run.state);
    if (run.state === 'failed') expect(await world.mirror(organization)).toEqual(before);
    expect(await stagedRows(db.owner, organization)).toBe(0);
    for (const author of authors)
      expect(await answered(db, organization, author)).toEqual(await expected(db, organization, author));
  }
  // Makes sure that the test covers all faults.
  expect(outcomes.size).toBeGreaterThan(2);
  expect(outcomes).toContain('succeeded');

  await world.control('DELETE', '/faults');
  for (let i = 0; i < 2; i++)
    expect(await world.sync(organization)).toMatchObject({ state: 'succeeded', rows_rejected: 0 });
  expect((await live(organization)).map(held)).toEqual(await asPems(organization));
  expect(await candidates(organization)).toEqual([]);
  expect(await Promise.all(authors.map(draftsOf))).toEqual(drafts);
}, 30_000);
