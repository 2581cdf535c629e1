import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  commitDrafts,
  refusal,
  saveDraft,
  seenDrafts,
  seenRecord,
  untilBlocked,
  withdrawCommits,
} from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Json } from '../../../support/make.ts';

const db = await testDatabase();
const record = {
  pfaId: 'a',
  category: 'Old',
  model: 'M',
  forecastStart: '2026-03-01',
  forecastEnd: '2026-03-31',
};

/** A separate organization with two members, whose drafts are kept. */
async function project() {
  const org = await makeOrganization(db);
  const [author, colleague, viewer] = [
    await makeMember(db, org),
    await makeMember(db, org),
    await makeMember(db, org, 'viewer'),
  ];
  await putRecords(db, org, [record, { ...record, pfaId: 'b' }]);
  const by =
    (user: number) =>
    <T>(use: (client: pg.PoolClient) => Promise<T>) =>
      db.asUser(user, use, { commit: true });
  const modifications = async () =>
    (
      await db.owner.query<{
        id: string;
        user_id: number;
        pfa_id: string;
        state: string;
        delta: Json;
        base: Json;
      }>(
        `select id, user_id, pfa_id, state, delta, base from app_core.pfa_modification where organization_id = $1
        order by state, pfa_id, commit_sequence`,
        [org.id],
      )
    ).rows;
  const setState = (state: string) =>
    db.owner.query(
      `update app_core.pfa_modification set state = $2 where organization_id = $1 and state <> 'draft'`,
      [org.id, state],
    );
  const history = async (pfaId = 'a') =>
    (
      await db.owner.query<{ route: string; user_id: number; changes: Json }>(
        `select route, user_id, changes from app_core.pfa_change where organization_id = $1 and pfa_id = $2 and route <> 'draft' order by id`,
        [org.id, pfaId],
      )
    ).rows;
  return {
    org,
    author,
    colleague,
    viewer,
    mine: by(author),
    theirs: by(colleague),
    looking: by(viewer),
    modifications,
    setState,
    history,
  };
}

test('a commit is pending for all users at once, in the history, and queued for push', async () => {
  const { org, author, mine, looking, modifications, history } = await project();
  await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
  await mine((client) => saveDraft(client, org, 'b', { category: 'New', model: 'N' }));
  expect(await mine((client) => commitDrafts(client, org, undefined, '  Storm  '))).toEqual({
    record_count: 2,
    key_count: 3,
    refused: [],
  });
  expect(await modifications()).toMatchObject([
    {
      user_id: author,
      pfa_id: 'a',
      state: 'committed',
      delta: { category: 'New' },
      base: { category: 'Old' },
    },
    {
      user_id: author,
      pfa_id: 'b',
      state: 'committed',
      delta: { category: 'New', model: 'N' },
      base: { category: 'Old', model: 'M' },
    },
  ]);
  expect(await looking((client) => seenRecord(client, org, 'b'))).toMatchObject({
    category: 'New',
    is_pending: true,
    has_draft: false,
  });
  expect(await mine((client) => seenRecord(client, org, 'a'))).toMatchObject({
    is_pending: true,
    has_draft: false,
    base: null,
  });
  expect(await history()).toEqual([
    { route: 'commit', user_id: author, changes: { category: { from: 'Old', to: 'New' } } },
  ]);
  const jobs = await db.owner.query<{ key: string; queue_name: string; comment: string }>(
    `select j.key, j.queue_name, (select distinct comment from app_core.pfa_modification where organization_id = $1) as comment
    from graphile_worker.jobs j where j.task_identifier = 'pfa__push' and j.key = 'push:' || $1::integer`,
    [org.id],
  );
  expect(jobs.rows).toEqual([{ key: `push:${org.id}`, queue_name: `push:${org.id}`, comment: 'Storm' }]);
});

test('a commit that is rolled back leaves neither change nor job', async () => {
  const { org, author, mine, modifications } = await project();
  await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
  await db.asUser(author, (client) => commitDrafts(client, org));
  expect(await modifications()).toMatchObject([{ state: 'draft' }]);
  const { rows } = await db.owner.query('select from graphile_worker.jobs where key = $1', [
    `push:${org.id}`,
  ]);
  expect(rows).toEqual([]);
});

test('commits selected records only, and reports those without a draft', async () => {
  const { org, mine } = await project();
  for (const id of ['a', 'b']) await mine((client) => saveDraft(client, org, id, { category: 'New' }));
  expect(await mine((client) => commitDrafts(client, org, { recordIds: ['b', 'nothing'] }))).toEqual({
    record_count: 1,
    key_count: 1,
    refused: [{ recordId: 'nothing', kind: 'none', problem: 'has nothing that you drafted' }],
  });
  expect(await mine((client) => seenDrafts(client, org))).toMatchObject([{ pfa_id: 'a' }]);
});

test('an empty selection does not mean all records', async () => {
  const { org, mine, modifications } = await project();
  await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
  await mine((client) => refusal(client, () => commitDrafts(client, org, {})));
  expect(await modifications()).toMatchObject([{ state: 'draft' }]);
});

describe('key by key', () => {
  test('a conflict stays in the draft with its reason; other keys are committed', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'Mine', model: 'N' }));
    await putRecords(db, org, [
      { ...record, category: 'Theirs' },
      { ...record, pfaId: 'b' },
    ]);
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      record_count: 1,
      key_count: 1,
      refused: [
        { recordId: 'a', key: 'category', kind: 'conflict', base: 'Old', theirs: 'Theirs', mine: 'Mine' },
      ],
    });
    expect(await mine((client) => seenDrafts(client, org))).toMatchObject([
      { delta: { category: 'Mine' }, problems: { category: { kind: 'conflict' } } },
    ]);
    expect(await mine((client) => seenRecord(client, org, 'a'))).toMatchObject({
      category: 'Mine',
      has_problem: true,
      is_pending: true,
      data: { model: 'N' },
    });
  });

  test('compares the values again, whatever the draft recorded', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    await db.owner.query(
      `update app_core.pfa_mirror set data = data || '{"category": "Theirs"}' where organization_id = $1 and pfa_id = 'a'`,
      [org.id],
    );
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      record_count: 0,
      refused: [{ kind: 'conflict' }],
    });
    expect(await mine((client) => seenDrafts(client, org))).toMatchObject([
      { problems: { category: { kind: 'conflict', theirs: 'Theirs' } } },
    ]);
  });

  test('a key that PEMS now holds leaves the draft', async () => {
    const { org, mine, modifications } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    await db.owner.query(
      `update app_core.pfa_mirror set data = data || '{"category": "Mine"}' where organization_id = $1 and pfa_id = 'a'`,
      [org.id],
    );
    expect(await mine((client) => commitDrafts(client, org))).toEqual({
      record_count: 0,
      key_count: 0,
      refused: [],
    });
    expect(await modifications()).toEqual([]);
    expect(await mine((client) => seenRecord(client, org, 'a'))).toMatchObject({
      has_draft: false,
      is_pending: false,
    });
  });

  test('commits nothing to a removed record', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    for (let i = 0; i < 2; i++) await putRecords(db, org, [{ ...record, pfaId: 'b' }]);
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      record_count: 0,
      refused: [{ key: 'category', kind: 'removed' }],
    });
  });

  test('refuses dates that have become invalid, in whichever key', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { forecastEnd: '2026-03-10', model: 'N' }));
    await putRecords(db, org, [
      { ...record, forecastStart: '2026-03-20' },
      { ...record, pfaId: 'b' },
    ]);
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      key_count: 1,
      refused: [
        { key: 'forecastEnd', kind: 'invalid', problem: 'would leave forecastEnd before forecastStart' },
      ],
    });
  });

  test('refuses a key that PEMS can no longer store', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { model: 'N', category: 'New' }));
    await db.owner.query(
      `insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'model', '{pfs_f_model}')`,
      [org.id],
    );
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      key_count: 1,
      refused: [{ key: 'model', kind: 'invalid' }],
    });
  });

  test('a key that is being written is busy, also for the same user', async () => {
    const { org, mine, theirs, setState } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
    await mine((client) => commitDrafts(client, org));
    await setState('syncing');
    await theirs((client) => saveDraft(client, org, 'a', { category: 'Newer', model: 'N' }));
    expect(await theirs((client) => commitDrafts(client, org))).toMatchObject({
      key_count: 1,
      refused: [{ key: 'category', kind: 'busy' }],
    });
    await mine((client) => saveDraft(client, org, 'a', { category: 'Again' }));
    expect(await mine((client) => commitDrafts(client, org))).toMatchObject({
      key_count: 0,
      refused: [{ kind: 'busy' }],
    });
  });
});

describe('a later commit', () => {
  test('takes over a key with its base, and leaves the other keys in the earlier commit', async () => {
    const { org, author, colleague, mine, theirs, modifications, history } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'First', model: 'N' }));
    await mine((client) => commitDrafts(client, org));
    await theirs((client) => saveDraft(client, org, 'a', { category: 'Second' }));
    expect(await theirs((client) => commitDrafts(client, org))).toMatchObject({ key_count: 1, refused: [] });
    expect(await modifications()).toMatchObject([
      { user_id: author, delta: { model: 'N' }, base: { model: 'M' } },
      { user_id: colleague, delta: { category: 'Second' }, base: { category: 'Old' } },
    ]);
    expect(await mine((client) => seenRecord(client, org, 'a'))).toMatchObject({
      category: 'Second',
      data: { model: 'N' },
    });
    expect((await history()).at(-1)).toEqual({
      route: 'commit',
      user_id: colleague,
      changes: { category: { from: 'First', to: 'Second' } },
    });
  });

  test('a commit that takes over all keys deletes the earlier one', async () => {
    const { org, colleague, mine, theirs, modifications } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'First' }));
    await mine((client) => commitDrafts(client, org));
    await theirs((client) => saveDraft(client, org, 'a', { category: 'Second' }));
    await theirs((client) => commitDrafts(client, org));
    expect(await modifications()).toMatchObject([{ user_id: colleague, delta: { category: 'Second' } }]);
  });

  test('creates a problem in drafts of other users with another base', async () => {
    const { org, mine, theirs } = await project();
    await theirs((client) => saveDraft(client, org, 'a', { category: 'Second', model: 'Same' }));
    await mine((client) => saveDraft(client, org, 'a', { category: 'First', model: 'Same' }));
    await mine((client) => commitDrafts(client, org));
    expect(await theirs((client) => seenDrafts(client, org))).toMatchObject([
      {
        delta: { category: 'Second', model: 'Same' },
        problems: { category: { kind: 'conflict', base: 'Old', theirs: 'First', mine: 'Second' } },
      },
    ]);
    expect(Object.keys(one(await theirs((client) => seenDrafts(client, org))).problems)).toEqual([
      'category',
    ]);
  });

  test('waits for a concurrent commit, and then sees its result', async () => {
    const { org, author, mine, theirs } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'First' }));
    await theirs((client) => saveDraft(client, org, 'a', { category: 'Second' }));
    await db.asUser(author, async (client) => {
      await commitDrafts(client, org);
      const second = theirs((other) => commitDrafts(other, org));
      await untilBlocked(db);
      await client.query('commit');
      expect(await second).toMatchObject({
        record_count: 0,
        refused: [{ kind: 'conflict', theirs: 'First' }],
      });
    });
  });
});

describe('withdrawing', () => {
  test('restores the draft with its base, and hides the change from other users', async () => {
    const { org, author, mine, looking, modifications, history } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
    await mine((client) => commitDrafts(client, org));
    expect(await mine((client) => withdrawCommits(client, org))).toEqual({ record_count: 1, refused: [] });
    expect(await modifications()).toMatchObject([
      { user_id: author, state: 'draft', delta: { category: 'New' }, base: { category: 'Old' } },
    ]);
    expect(await looking((client) => seenRecord(client, org, 'a'))).toMatchObject({
      category: 'Old',
      is_pending: false,
    });
    expect((await history()).at(-1)).toEqual({
      route: 'withdraw',
      user_id: author,
      changes: { category: { from: 'New', to: 'Old' } },
    });
  });

  test('keeps a newer draft of the same key, without a problem', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'New', model: 'N' }));
    await mine((client) => commitDrafts(client, org));
    await mine((client) => saveDraft(client, org, 'a', { category: 'Newer' }));
    await mine((client) => withdrawCommits(client, org));
    expect(await mine((client) => seenDrafts(client, org))).toEqual([
      {
        pfa_id: 'a',
        delta: { category: 'Newer', model: 'N' },
        base: { category: 'Old', model: 'M' },
        problems: {},
      },
    ]);
  });

  test('a change of PEMS in the meantime becomes a conflict', async () => {
    const { org, mine } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
    await mine((client) => commitDrafts(client, org));
    await putRecords(db, org, [
      { ...record, category: 'Theirs' },
      { ...record, pfaId: 'b' },
    ]);
    await mine((client) => withdrawCommits(client, org));
    expect(await mine((client) => seenDrafts(client, org))).toMatchObject([
      { problems: { category: { kind: 'conflict', base: 'Old', theirs: 'Theirs', mine: 'New' } } },
    ]);
  });

  test('refuses and lists changes that are being written or confirmed', async () => {
    const { org, mine, modifications, setState } = await project();
    await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
    await mine((client) => commitDrafts(client, org));
    await setState('syncing');
    const [committed] = await modifications();
    expect(await mine((client) => withdrawCommits(client, org, [committed!.id]))).toMatchObject({
      record_count: 0,
      refused: [{ recordId: 'a', state: 'syncing' }],
    });
    expect(await mine((client) => withdrawCommits(client, org))).toEqual({ record_count: 0, refused: [] });
    expect(await modifications()).toMatchObject([{ state: 'syncing' }]);
  });

  test('the remaining commits must stay valid without it, and the reason is given', async () => {
    const { org, mine, theirs } = await project();
    await mine((client) =>
      saveDraft(client, org, 'a', { forecastStart: '2027-01-01', forecastEnd: '2027-12-31' }),
    );
    await mine((client) => commitDrafts(client, org));
    await theirs((client) => saveDraft(client, org, 'a', { forecastEnd: '2028-12-31', model: 'N' }));
    await theirs((client) => commitDrafts(client, org));
    expect(await theirs((client) => withdrawCommits(client, org))).toMatchObject({
      record_count: 0,
      refused: [
        { recordId: 'a', problem: 'would leave forecastEnd before forecastStart in the remaining commits' },
      ],
    });
    expect(await mine((client) => withdrawCommits(client, org))).toMatchObject({
      record_count: 1,
      refused: [],
    });
    expect(await theirs((client) => withdrawCommits(client, org))).toMatchObject({
      record_count: 1,
      refused: [],
    });
  });

  test('cannot withdraw changes of other users or organizations, or drafts', async () => {
    const { org, mine, theirs, modifications } = await project();
    const elsewhere = await project();
    await elsewhere.mine((client) => saveDraft(client, elsewhere.org, 'a', { category: 'New' }));
    await elsewhere.mine((client) => commitDrafts(client, elsewhere.org));
    await mine((client) => saveDraft(client, org, 'a', { category: 'New' }));
    await mine((client) => commitDrafts(client, org));
    await theirs((client) => saveDraft(client, org, 'b', { category: 'New' }));
    const [committed, draft] = await modifications();
    const [foreign] = await elsewhere.modifications();
    for (const id of [committed!.id, draft!.id, foreign!.id, '999999999'])
      expect(
        await theirs((client) => refusal(client, () => withdrawCommits(client, org, [id]))),
      ).toMatchObject({
        code: 'VG404',
        details: [{ id: Number(id) }],
      });
    expect(await modifications()).toMatchObject([{ state: 'committed' }, { state: 'draft' }]);
  });
});

test('commits only listed records that match the filter', async () => {
  const { org, mine, modifications } = await project();
  for (const id of ['a', 'b']) await mine((client) => saveDraft(client, org, id, { model: 'N' }));
  const selection = { recordIds: ['a', 'b', 'c'], filter: { pfaId: { equalTo: 'a' } } };
  expect(await mine((client) => commitDrafts(client, org, selection))).toMatchObject({
    record_count: 1,
    refused: [{ recordId: 'c', kind: 'none' }],
  });
  expect(await modifications()).toMatchObject([
    { state: 'committed', pfa_id: 'a' },
    { state: 'draft', pfa_id: 'b' },
  ]);
});

test('refuses a viewer and an outsider', async () => {
  const { org, looking } = await project();
  const elsewhere = await project();
  for (const attempt of [commitDrafts, withdrawCommits] as const) {
    expect(await looking((client) => refusal(client, () => attempt(client, org)))).toMatchObject({
      code: 'VG403',
    });
    expect(await elsewhere.mine((client) => refusal(client, () => attempt(client, org)))).toMatchObject({
      code: 'VG404',
    });
  }
});

test('refuses a comment that is too long', async () => {
  const { org, mine } = await project();
  expect(
    await mine((client) => refusal(client, () => commitDrafts(client, org, undefined, 'x'.repeat(2001)))),
  ).toMatchObject({ code: 'VG400' });
});

describe('drafts that a user left behind', () => {
  const call = (
    client: pg.ClientBase,
    name: string,
    org: { id: number },
    user: number,
    ids: string[] | null = null,
  ) =>
    client
      .query<{ count: number }>(`select app_public.${name}($1, $2, $3) as count`, [org.id, user, ids])
      .then(({ rows }) => one(rows).count);

  test('an admin sees, takes over and discards them; existing drafts of the admin stay', async () => {
    const { org, author, mine, modifications, history } = await project();
    const admin = await makeMember(db, org, 'admin');
    await mine((client) => saveDraft(client, org, 'a', { category: 'Left', model: 'Left' }));
    await mine((client) => saveDraft(client, org, 'b', { category: 'Left' }));
    await db.owner.query('update app_public.users set is_active = false where id = $1', [author]);
    const boss = <T>(use: (client: pg.PoolClient) => Promise<T>) => db.asUser(admin, use, { commit: true });
    await boss((client) => saveDraft(client, org, 'a', { category: 'Own' }));
    const { rows } = await boss((client) =>
      client.query(
        'select (d).user_id, (d).is_member, (d).record_count from app_public.organizations o, app_public.organizations_draft_authors(o) d where o.id = $1 order by 3',
        [org.id],
      ),
    );
    expect(rows).toEqual([
      { user_id: admin, is_member: true, record_count: 1 },
      { user_id: author, is_member: false, record_count: 2 },
    ]);
    expect(await boss((client) => call(client, 'take_over_drafts', org, author, ['a']))).toBe(1);
    expect(await boss((client) => call(client, 'discard_drafts_of', org, author))).toBe(1);
    expect(await modifications()).toMatchObject([
      {
        user_id: admin,
        pfa_id: 'a',
        delta: { category: 'Own', model: 'Left' },
        base: { category: 'Old', model: 'M' },
      },
    ]);
    // Drafts that stayed are not in the history as taken.
    const { rows: logged } = await db.owner.query(
      `select pfa_id, changes from app_core.pfa_change where organization_id = $1 and route = 'takeover' order by id`,
      [org.id],
    );
    expect(logged).toEqual([
      { pfa_id: 'a', changes: { model: { from: 'M', to: 'Left' } } },
      { pfa_id: 'b', changes: { category: { from: 'Left', to: 'Old' } } },
    ]);
    expect(await boss((client) => seenRecord(client, org, 'a'))).toMatchObject({
      category: 'Own',
      data: { model: 'Left' },
    });
    // The admin's own draft was not taken over.
    expect(await history()).toEqual([
      { route: 'takeover', user_id: admin, changes: { model: { from: 'M', to: 'Left' } } },
    ]);
  });

  describe('of a user', () => {
    const left = async () => {
      const made = await project();
      const admin = await makeMember(db, made.org, 'admin');
      await made.mine((client) => saveDraft(client, made.org, 'a', { category: 'Mine' }));
      await made.mine((client) => saveDraft(client, made.org, 'b', { category: 'Mine' }));
      /** Moves all activity of the user into the past by this number of days. */
      const wasHere = (days: number) =>
        db.owner.query(
          `with u as (update app_public.users set created_at = now() - make_interval(days => $2) where id = $1),
            m as (update app_public.user_organizations set created_at = now() - make_interval(days => $2)
              where user_id = $1)
          update app_core.pfa_draft_operation set created_at = now() - make_interval(days => $2) where user_id = $1`,
          [made.author, days],
        );
      const take = (name: 'take_over_drafts' | 'discard_drafts_of') =>
        db.asUser(admin, (client) => call(client, name, made.org, made.author), { commit: true });
      return { ...made, admin, wasHere, take };
    };

    test.each(['take_over_drafts', 'discard_drafts_of'] as const)(
      'drafts of an active user stay: %s is refused',
      async (name) => {
        const { org, author, admin, wasHere, mine } = await left();
        await wasHere(13);
        expect(
          await db.asUser(admin, (client) => refusal(client, () => call(client, name, org, author))),
        ).toMatchObject({
          code: 'VG403',
          details: [{ userId: author }],
          hint: expect.stringContaining('for 14 days') as string,
        });
        expect(await mine((client) => seenDrafts(client, org))).toHaveLength(2);
      },
    );

    test('drafts of a user who was inactive for the days of the limits can be taken', async () => {
      const { org, author, admin, wasHere, take } = await left();
      await wasHere(15);
      const { rows } = await db.asUser(admin, (client) =>
        client.query(
          'select (d).is_member, (d).is_away from app_public.organizations o, app_public.organizations_draft_authors(o) d where o.id = $1',
          [org.id],
        ),
      );
      expect(rows).toEqual([{ is_member: true, is_away: true }]);
      await db.owner.query(
        'insert into app_private.pfa_limits (organization_id, absent_days) values ($1, 30)',
        [org.id],
      );
      await expect(take('take_over_drafts')).rejects.toMatchObject({ code: 'VG403' });
      await db.owner.query('update app_private.pfa_limits set absent_days = 7');
      // A used session counts as activity, with or without drafts.
      await db.owner.query(
        `with s as (insert into app_private.sessions (user_id, started_at) values ($1, now() - interval '9 days') returning id)
        insert into app_private.refresh_tokens (session_id, generation, token_hash, issued_at, expires_at)
        select id, 1, sha256('t'), now() - interval '6 days', now() from s`,
        [author],
      );
      await expect(take('take_over_drafts')).rejects.toMatchObject({ code: 'VG403' });
      await db.owner.query("update app_private.refresh_tokens set issued_at = now() - interval '8 days'");
      expect(await take('take_over_drafts')).toBe(2);
    });

    test.each([
      ['is disabled', 'update app_public.users set is_active = false where id = $1'],
      ['may only read', "update app_public.user_organizations set role = 'viewer' where user_id = $1"],
      ['is no longer a member', 'delete from app_public.user_organizations where user_id = $1'],
    ])('drafts of a user who %s can be taken at once', async (_what, change) => {
      const { author, take } = await left();
      await db.owner.query(change, [author]);
      expect(await take('discard_drafts_of')).toBe(2);
    });

    test('their author learns who took them and when, from a notice and the history', async () => {
      const { org, author, admin, wasHere, take, mine } = await left();
      await wasHere(20);
      await take('take_over_drafts');
      const notices = () =>
        mine((client) =>
          client
            .query(
              `select is_discarded, record_count, record_ids, app_public.pfa_takeover_taken_by_name(t) as by, seen_at
              from app_public.pfa_takeover t`,
            )
            .then(({ rows }) => rows as Record<string, unknown>[]),
        );
      const { rows } = await db.owner.query<{ username: string }>(
        'select username from app_public.users where id = $1',
        [admin],
      );
      const by = one(rows).username;
      expect(await notices()).toEqual([
        { is_discarded: false, record_count: 2, record_ids: ['a', 'b'], by, seen_at: null },
      ]);
      const history = await mine((client) =>
        client.query(
          "select c.pfa_id, app_public.pfa_change_username(c) as by from app_public.pfa_change c where c.route = 'takeover' order by c.id",
        ),
      );
      expect(history.rows).toEqual([
        { pfa_id: 'a', by },
        { pfa_id: 'b', by },
      ]);
      // No other user sees them.
      for (const who of [admin, await makeMember(db, org)]) {
        const { rows: others } = await db.asUser(who, (client) =>
          client.query('select from app_public.pfa_takeover'),
        );
        expect(others).toEqual([]);
      }
      const { rows: dismissed } = await db.asUser(
        author,
        (client) => client.query('select app_public.dismiss_takeovers($1) as count', [org.id]),
        { commit: true },
      );
      expect(dismissed).toEqual([{ count: 1 }]);
      expect(await notices()).toMatchObject([{ seen_at: expect.any(Date) as Date }]);
    });
  });

  test('members, viewers and outsiders cannot take them, and no user can take their own', async () => {
    const { org, author, colleague, viewer, mine } = await project();
    const elsewhere = await project();
    const outsider = await makeMember(db, elsewhere.org, 'owner');
    const admin = await makeMember(db, org, 'owner');
    await mine((client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    for (const name of ['take_over_drafts', 'discard_drafts_of']) {
      for (const [who, code] of [
        [colleague, 'VG403'],
        [viewer, 'VG403'],
        [outsider, 'VG404'],
      ] as const)
        expect(
          await db.asUser(who, (client) => refusal(client, () => call(client, name, org, author))),
        ).toMatchObject({ code });
      expect(
        await db.asUser(admin, (client) => refusal(client, () => call(client, name, org, admin))),
      ).toMatchObject({ code: 'VG400' });
    }
    for (const who of [colleague, viewer, outsider]) {
      const { rows } = await db.asUser(who, (client) =>
        client.query('select app_public.organizations_draft_authors(o) from app_public.organizations o'),
      );
      expect(rows).toEqual([]);
    }
  });
});
