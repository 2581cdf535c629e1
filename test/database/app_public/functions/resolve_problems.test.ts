import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  commitDrafts,
  refusal,
  redoDraft,
  resolveProblems,
  saveDraft,
  seenDrafts,
  seenRecord,
  undoDraft,
  type Resolution,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import {
  makeMember,
  makeOrganization,
  makeUser,
  one,
  putRecords,
  type Json,
  type RecordData,
} from '../../../support/make.ts';

const db = await testDatabase();

const record: RecordData = {
  pfaId: 'a',
  category: 'Base',
  class: 'Base',
  forecastStart: '2026-03-01',
  forecastEnd: '2026-03-31',
};

/** A separate organization, whose member has drafted category and class of `a`. PEMS has changed them since. */
async function project({
  mine = { category: 'Mine', class: 'Mine' },
  theirs = { category: 'Theirs', class: 'Theirs' },
  ids = ['a'],
}: { mine?: Record<string, Json>; theirs?: Record<string, Json>; ids?: string[] } = {}) {
  const org = await makeOrganization(db);
  const author = await makeMember(db, org);
  const colleague = await makeMember(db, org);
  const pems = (changes: Record<string, Json>, of = ids) =>
    putRecords(
      db,
      org,
      ids.map((pfaId) => ({ ...record, pfaId, ...(of.includes(pfaId) ? changes : theirs) })),
    );
  const as =
    (user: number) =>
    <T>(use: (client: pg.PoolClient) => Promise<T>) =>
      db.asUser(user, use, { commit: true });
  const act = as(author);
  await pems({});
  for (const id of ids) await act((client) => saveDraft(client, org, id, mine));
  await pems(theirs);
  return {
    ...{ org, author, colleague, act, pems },
    /** Another user with the right to write. */
    other: as(colleague),
    seen: (id = 'a') => act((client) => seenRecord(client, org, id)),
    drafts: () => act((client) => seenDrafts(client, org)),
    revision: async (id = 'a') => (await act((client) => seenRecord(client, org, id))).revision,
    /** Uses the current revision, unless another is given. */
    resolve: async (...items: (Partial<Resolution> & { choice: string })[]) =>
      act(async (client) => {
        const revisions = new Map<string, string>();
        for (const id of ids) revisions.set(id, (await seenRecord(client, org, id)).revision);
        return resolveProblems(
          client,
          org,
          items.map((item) => ({
            record_id: 'a',
            revision: revisions.get(item.record_id ?? 'a') ?? '1',
            ...item,
          })),
        );
      }),
    history: async (route: string) =>
      (
        await db.owner.query<{ user_id: number; changes: Json }>(
          'select user_id, changes from app_core.pfa_change where organization_id = $1 and route = $2 order by id',
          [org.id, route],
        )
      ).rows,
  };
}
type Project = Awaited<ReturnType<typeof project>>;

/** Refused calls change nothing. Returns the refusal. */
async function refused(
  { org, act, drafts, revision }: Project,
  ...items: (Partial<Resolution> & { choice?: string | null })[]
) {
  const before = [await drafts(), await revision()];
  const said = await act(async (client) => {
    const seen = (await seenRecord(client, org, 'a')).revision;
    return refusal(client, () =>
      resolveProblems(
        client,
        org,
        items.map((item) => ({ record_id: 'a', revision: seen, choice: 'mine', ...item })),
      ),
    );
  });
  expect([await drafts(), await revision()]).toEqual(before);
  return said;
}

describe('mine', () => {
  test('the value stays with the current value as its base, and the problem is cleared', async () => {
    const { resolve, drafts, seen, history, author } = await project();
    expect(await resolve({ choice: 'mine' })).toMatchObject({
      operation_id: null,
      record_count: 1,
      key_count: 2,
      refused: [],
    });
    expect(await drafts()).toEqual([
      {
        pfa_id: 'a',
        delta: { category: 'Mine', class: 'Mine' },
        base: { category: 'Theirs', class: 'Theirs' },
        problems: {},
      },
    ]);
    expect(await seen()).toMatchObject({ category: 'Mine', has_draft: true, has_problem: false });
    expect(await history('resolve')).toEqual([
      {
        user_id: author,
        changes: { category: { from: 'Theirs', to: 'Mine' }, class: { from: 'Theirs', to: 'Mine' } },
      },
    ]);
  });

  test('it can then be committed, and is written over the value that was seen', async () => {
    const { org, act, resolve } = await project();
    expect(await act((client) => commitDrafts(client, org))).toMatchObject({ record_count: 0 });
    await resolve({ choice: 'mine' });
    expect(await act((client) => commitDrafts(client, org))).toEqual({
      record_count: 1,
      key_count: 2,
      refused: [],
    });
    const { rows } = await db.owner.query(
      "select base from app_core.pfa_modification where organization_id = $1 and state = 'committed'",
      [org.id],
    );
    expect(rows).toEqual([{ base: { category: 'Theirs', class: 'Theirs' } }]);
  });

  test('another change of PEMS is a conflict again', async () => {
    const { resolve, pems, drafts } = await project();
    await resolve({ choice: 'mine', keys: ['category'] });
    await pems({ category: 'Theirs again', class: 'Theirs' });
    expect(one(await drafts()).problems).toMatchObject({
      category: { kind: 'conflict', base: 'Theirs', theirs: 'Theirs again', mine: 'Mine' },
      class: { kind: 'conflict', base: 'Base', theirs: 'Theirs' },
    });
  });
});

describe('theirs', () => {
  test('the draft of these keys is discarded and can be restored, with the current value as its base', async () => {
    const { org, act, resolve, drafts, seen } = await project();
    const result = await resolve({ choice: 'theirs' });
    expect(result).toMatchObject({
      operation_id: expect.any(Number) as number,
      record_count: 1,
      key_count: 2,
    });
    expect(await drafts()).toEqual([]);
    expect(await seen()).toMatchObject({ category: 'Theirs', has_draft: false });

    expect(await act((client) => undoDraft(client, org))).toMatchObject({
      operation_id: result.operation_id,
      kind: 'resolve',
      changed_count: 1,
      impossible: [],
    });
    expect(await drafts()).toMatchObject([
      { delta: { category: 'Mine', class: 'Mine' }, base: { category: 'Theirs' }, problems: {} },
    ]);
    expect(await act((client) => redoDraft(client, org))).toMatchObject({ changed_count: 1 });
    expect(await drafts()).toEqual([]);
  });

  test('for one key only; the other one keeps its problem', async () => {
    const { resolve, drafts } = await project();
    expect(await resolve({ choice: 'theirs', keys: ['class'] })).toMatchObject({ key_count: 1 });
    const draft = one(await drafts());
    expect(draft.delta).toEqual({ category: 'Mine' });
    expect(Object.keys(draft.problems)).toEqual(['category']);
  });

  test('keys without a problem stay drafted', async () => {
    const { org, act, resolve, drafts } = await project();
    await act((client) => saveDraft(client, org, 'a', { model: 'M' }));
    expect(await resolve({ choice: 'theirs' })).toMatchObject({ key_count: 2 });
    expect(await drafts()).toMatchObject([{ delta: { model: 'M' }, base: { model: null }, problems: {} }]);
  });
});

describe('a third value', () => {
  test("replaces the user's value with the current value as its base, and can be undone", async () => {
    const { org, act, resolve, drafts, history } = await project();
    await resolve({ choice: 'value', keys: ['category'], value: 'Third' });
    const draft = one(await drafts());
    expect(draft.delta).toEqual({ category: 'Third', class: 'Mine' });
    expect(draft.base).toEqual({ category: 'Theirs', class: 'Base' });
    expect(Object.keys(draft.problems)).toEqual(['class']);
    expect(await history('resolve')).toMatchObject([
      { changes: { category: { from: 'Mine', to: 'Third' } } },
    ]);

    await act((client) => undoDraft(client, org));
    expect(one(await drafts())).toMatchObject({ delta: { category: 'Mine' }, base: { category: 'Theirs' } });
  });

  test('theirs removes the key from the draft; null empties it', async () => {
    const { resolve, drafts } = await project();
    await resolve(
      { choice: 'value', keys: ['category'], value: 'Theirs' },
      { choice: 'value', keys: ['class'], value: null },
    );
    expect(await drafts()).toMatchObject([{ delta: { class: null }, problems: {} }]);
    expect(Object.keys(one(await drafts()).delta)).toEqual(['class']);
  });

  test('refuses an invalid value and lists all faults', async () => {
    const world = await project({
      mine: { category: 'Mine', source: 'Rental' },
      theirs: { category: 'Theirs', source: 'Purchase' },
    });
    expect(
      await refused(
        world,
        { choice: 'value', keys: ['source'], value: 'Stolen' },
        { choice: 'value', keys: ['category'], value: 'x'.repeat(10_000) },
      ),
    ).toMatchObject({
      code: 'VG422',
      message: expect.stringMatching(/^category of record a is longer than \d+ characters\.$/) as string,
      details: [
        { recordId: 'a', key: 'category' },
        { recordId: 'a', key: 'source', value: 'Stolen', problem: 'is not one of Rental, Purchase' },
      ],
    });
  });

  test('refuses a last day before the first, judged after all choices', async () => {
    const world = await project({
      mine: { forecastStart: '2026-06-01', forecastEnd: '2026-06-30' },
      theirs: { forecastStart: '2026-04-01', forecastEnd: '2026-04-30' },
    });
    expect(
      await refused(world, { choice: 'value', keys: ['forecastEnd'], value: '2026-05-15' }),
    ).toMatchObject({
      code: 'VG422',
      message: 'forecastEnd of record a lies before forecastStart (2026-06-01).',
      details: [{ recordId: 'a', key: 'forecastEnd', value: '2026-05-15' }],
    });
    expect(
      await refused(
        world,
        { choice: 'value', keys: ['forecastStart'], value: '2026-05-15' },
        { choice: 'theirs', keys: ['forecastEnd'] },
      ),
    ).toMatchObject({ code: 'VG422', details: [{ key: 'forecastEnd', value: '2026-04-30' }] });
    // It is valid together with theirs of the other key.
    await world.resolve(
      { choice: 'value', keys: ['forecastEnd'], value: '2026-05-15' },
      { choice: 'theirs', keys: ['forecastStart'] },
    );
    expect(await world.drafts()).toMatchObject([
      { delta: { forecastEnd: '2026-05-15' }, base: { forecastEnd: '2026-04-30' }, problems: {} },
    ]);
  });
});

test('several records, keys and choices at once, all of them or none', async () => {
  const world = await project({ ids: ['a', 'b', 'c'] });
  const { resolve, drafts, seen } = world;
  expect(
    await refused(world, { record_id: 'a' }, { record_id: 'b', revision: '1' }, { record_id: 'c' }),
  ).toMatchObject({ code: 'VG409' });
  const result = await resolve(
    { record_id: 'a', choice: 'mine', keys: ['category'] },
    { record_id: 'a', choice: 'theirs', keys: ['class'] },
    { record_id: 'b', choice: 'theirs' },
    { record_id: 'c', choice: 'value', keys: ['class'], value: 'Third' },
  );
  expect(result).toMatchObject({ record_count: 3, key_count: 5 });
  expect(await drafts()).toMatchObject([
    { pfa_id: 'a', delta: { category: 'Mine' }, problems: {} },
    { pfa_id: 'c', delta: { category: 'Mine', class: 'Third' }, problems: { category: {} } },
  ]);
  for (const id of ['a', 'b', 'c']) expect(String(result.revisions?.[id])).toBe((await seen(id)).revision);
});

test('refuses all for a stale revision, with the details for another choice', async () => {
  const world = await project({ ids: ['a', 'b'] });
  const { pems, revision, resolve, org, other } = world;
  const [stale, fresh] = [await revision('a'), await revision('b')];
  await other((client) => saveDraft(client, org, 'a', { model: 'Secret' }));
  await pems({ category: 'Theirs again', class: 'Theirs' }, ['a']);
  const said = await refused(
    world,
    { revision: stale, choice: 'theirs' },
    { record_id: 'b', revision: fresh },
  );
  expect(said).toMatchObject({
    code: 'VG409',
    message: 'Record a changed since you saw it.',
    hint: expect.stringContaining('Nothing was resolved.') as string,
  });
  expect(said.details).toEqual([
    {
      recordId: 'a',
      problem: 'it changed since you saw it',
      revision: Number(stale),
      currentRevision: Number(await revision('a')),
      current: { category: 'Mine', class: 'Mine' },
      problems: {
        category: { kind: 'conflict', base: 'Base', theirs: 'Theirs again', mine: 'Mine' },
        class: { kind: 'conflict', base: 'Base', theirs: 'Theirs', mine: 'Mine' },
      },
      latestChanges: expect.any(Array) as Json[],
    },
  ]);
  // The response does not reveal that another user drafts it.
  expect(JSON.stringify(said)).not.toContain('Secret');
  const [{ currentRevision, latestChanges }] = said.details as [
    { currentRevision: number; latestChanges: { route: string; changes: Json }[] },
  ];
  expect(latestChanges[0]).toMatchObject({
    route: 'sync',
    changes: { category: { from: 'Theirs', to: 'Theirs again' } },
  });
  expect(await resolve({ choice: 'mine', revision: currentRevision })).toMatchObject({ key_count: 2 });
});

test.each<[string, Partial<Resolution> & { choice?: string | null }, RegExp]>([
  ['no record', { record_id: null }, /names no record/],
  ['no revision', { revision: null }, /has no revision/],
  ['no choice', { choice: null }, /none of mine, theirs, value/],
  ['another choice', { choice: 'ours' }, /none of mine, theirs, value/],
  ['an empty list of keys', { keys: [] }, /names no key/],
  [
    'a value for several keys',
    { choice: 'value', keys: ['category', 'class'], value: 'x' },
    /exactly one key/,
  ],
  ['a value for all keys', { choice: 'value', value: 'x' }, /exactly one key/],
  ['a value beside mine', { choice: 'mine', value: 'x' }, /value without the choice value/],
])('refuses %s as invalid', async (_, item, words) => {
  const world = await project();
  expect(await refused(world, item)).toMatchObject({
    code: 'VG400',
    message: expect.stringMatching(words) as string,
    details: [{ problem: expect.stringMatching(words) as string }],
  });
});

test('refuses none, and more than 5,000 at once', async () => {
  const world = await project();
  expect(await refused(world)).toMatchObject({
    code: 'VG400',
    message: expect.stringContaining('are 0 resolutions') as string,
  });
  expect(
    await refused(world, ...Array.from({ length: 5001 }, (_, i) => ({ record_id: `r${i}` }))),
  ).toMatchObject({ code: 'VG400', message: expect.stringContaining('are 5001 resolutions') as string });
});

test('refuses a key that is listed twice, by name or as part of all', async () => {
  const world = await project();
  for (const keys of [['category'], undefined])
    expect(
      await refused(world, { keys: ['category'] }, { choice: 'theirs', ...(keys ? { keys } : {}) }),
    ).toMatchObject({ code: 'VG400', message: 'category of record a is named more than once.' });
  expect(await refused(world, { keys: ['category', 'category'] })).toMatchObject({ code: 'VG400' });
});

test('does not find keys without a problem of the user', async () => {
  const world = await project();
  await world.act((client) => saveDraft(client, world.org, 'a', { model: 'M' }));
  for (const item of [
    { keys: ['model'] },
    { keys: ['nonsense'] },
    { keys: [null] },
    { choice: 'value', keys: ['manufacturer'], value: 'x' },
  ])
    expect(await refused(world, item)).toMatchObject({
      code: 'VG404',
      details: [{ recordId: 'a', problem: 'there is no such problem of yours' }],
    });
  expect(await refused(world, { record_id: 'nothing' })).toMatchObject({
    code: 'VG404',
    message: 'Of record nothing there is no such record.',
  });
});

test('no user resolves or sees problems of another user', async () => {
  const world = await project();
  const { org, other, drafts } = world;
  const before = await drafts();
  const [seen, said] = await other(async (client) => {
    const { revision } = await seenRecord(client, org, 'a');
    return [
      await seenDrafts(client, org),
      await refusal(client, () =>
        resolveProblems(client, org, [{ record_id: 'a', revision, choice: 'theirs' }]),
      ),
    ];
  });
  expect(seen).toEqual([]);
  expect(said).toMatchObject({ code: 'VG404' });
  expect(await drafts()).toEqual(before);
});

test('refuses viewers, and treats the organization as unknown for outsiders', async () => {
  const { org, revision, drafts } = await project();
  const before = await drafts();
  const items = [{ record_id: 'a', revision: await revision(), choice: 'mine' }];
  for (const [user, code] of [
    [await makeMember(db, org, 'viewer'), 'VG403'],
    [await makeMember(db, await makeOrganization(db), 'owner'), 'VG404'],
    [await makeUser(db), 'VG404'],
  ] as const)
    expect(
      await db.asUser(user, (client) => refusal(client, () => resolveProblems(client, org, items))),
    ).toMatchObject({ code });
  expect(
    await db.asVisitor({}, (client) => refusal(client, () => resolveProblems(client, org, items))),
  ).toMatchObject({ code: 'VG404' });
  expect(await drafts()).toEqual(before);
});

test('only the user sees resolved problems in the history', async () => {
  const { org, author, colleague, resolve } = await project();
  const admin = await makeMember(db, org, 'admin');
  await resolve({ choice: 'mine', keys: ['class'] }, { choice: 'theirs', keys: ['category'] });
  const ask = (user: number) =>
    db.asUser(user, async (client) => {
      const { rows } = await client.query<{ username: string | null }>(
        `select app_public.pfa_change_username(c) as username from app_public.pfa_change c
        where organization_id = $1 and route = 'resolve'`,
        [org.id],
      );
      return rows.length;
    });
  expect(await ask(author)).toBe(2);
  expect(await ask(colleague)).toBe(0);
  expect(await ask(admin)).toBe(0);
  // The response does not reveal the name of a guessed line either.
  const { rows } = await db.owner.query<{ id: string }>(
    "select id from app_core.pfa_change where organization_id = $1 and route = 'resolve' limit 1",
    [org.id],
  );
  const name = (user: number) =>
    db.asUser(user, async (client) => {
      const { rows: named } = await client.query<{ name: string | null }>(
        `select app_public.pfa_change_username(jsonb_populate_record(null::app_public.pfa_change, $1)) as name`,
        [JSON.stringify({ organization_id: org.id, id: one(rows).id })],
      );
      return one(named).name;
    });
  expect(await name(author)).toEqual(expect.any(String));
  expect(await name(colleague)).toBeNull();
});

test('only theirs remains for a removed record', async () => {
  const world = await project({ ids: ['a', 'b'] });
  const { org, drafts } = world;
  await db.owner.query(
    "update app_core.pfa_mirror set removed_at = now() where organization_id = $1 and pfa_id = 'a'",
    [org.id],
  );
  await db.owner.query("select app_private.show_records($1, '{a}')", [org.id]);
  expect((await drafts()).find(({ pfa_id }) => pfa_id === 'a')).toMatchObject({
    problems: { category: { kind: 'removed' } },
  });
  for (const item of [{}, { choice: 'value', keys: ['category'], value: 'x' }])
    expect(await refused(world, item)).toMatchObject({
      code: 'VG422',
      message: expect.stringMatching(/^category of record a can only be given up, with theirs/) as string,
    });
  expect(await refused(world, { revision: '1', choice: 'theirs' })).toMatchObject({
    code: 'VG409',
    details: [{ recordId: 'a', problems: { category: { kind: 'removed' } } }],
  });
  await world.resolve({ choice: 'theirs' });
  expect((await drafts()).map(({ pfa_id }) => pfa_id)).toEqual(['b']);
});

/** As push returns a key. */
const planted = async ({ org, author }: Project, problem: Record<string, Json>) => {
  await db.owner.query(
    `update app_core.pfa_modification set problems = jsonb_build_object('category', $3::jsonb)
    where organization_id = $1 and user_id = $2 and state = 'draft'`,
    [org.id, author, { base: 'Base', mine: 'Mine', by: 'push', ...problem }],
  );
  await db.owner.query("select app_private.show_records($1, '{a}')", [org.id]);
};

describe('a problem from push', () => {
  test.each(['refused', 'altered', 'failed', 'conflict'])('%s is resolved in the same way', async (kind) => {
    const world = await project({ mine: { category: 'Mine' }, theirs: {} });
    await planted(world, { kind, message: 'Why.' });
    expect(one(await world.drafts()).problems).toMatchObject({ category: { kind, by: 'push' } });
    await world.resolve({ choice: 'mine' });
    expect(await world.drafts()).toMatchObject([
      { delta: { category: 'Mine' }, base: { category: 'Base' }, problems: {} },
    ]);
    expect(await world.act((client) => commitDrafts(client, world.org))).toMatchObject({ record_count: 1 });
  });

  test('stays when PEMS changes, shows the current value of PEMS, and is cleared when that equals mine', async () => {
    const world = await project({ mine: { category: 'Mine' }, theirs: {} });
    await planted(world, { kind: 'altered', theirs: 'Base', message: 'Why.' });
    await world.pems({ category: 'Other' });
    expect(one(await world.drafts()).problems).toMatchObject({
      category: { kind: 'altered', theirs: 'Other', mine: 'Mine', message: 'Why.' },
    });
    await world.pems({ category: 'Base' });
    expect(one(await world.drafts()).problems).toMatchObject({
      category: { kind: 'altered', theirs: 'Base' },
    });
    await world.pems({ category: 'Mine' });
    expect(await world.drafts()).toEqual([]);
  });
});

test('a conflict is cleared when PEMS returns to the base or reaches the draft', async () => {
  const { pems, drafts } = await project();
  await pems({ category: 'Mine', class: 'Base' });
  expect(await drafts()).toMatchObject([{ delta: { class: 'Mine' }, problems: {} }]);
  expect(Object.keys(one(await drafts()).delta)).toEqual(['class']);
});

test('treats text as data, whatever it looks like', async () => {
  const world = await project();
  const nasty = `'; drop table app_core.pfa_modification; -- $1 %s \\`;
  expect(await refused(world, { record_id: nasty })).toMatchObject({ code: 'VG404' });
  expect(await refused(world, { keys: [nasty] })).toMatchObject({ code: 'VG404' });
  expect(await refused(world, { choice: nasty })).toMatchObject({ code: 'VG400' });
  await world.resolve({ choice: 'value', keys: ['category'], value: nasty });
  expect(one(await world.drafts()).delta).toMatchObject({ category: nasty });
});
