import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { commitChange, discardDrafts, refusal, saveDraft, withdrawCommits } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, one, putRecords, type Organization } from '../../../support/make.ts';
import { until } from '../../../support/until.ts';

// Tests that a client that was away receives every change, or learns that the changes are unknown.

const db = await testDatabase();
const record = (pfaId: string, category = 'Old') => ({ pfaId, category });

interface CatchUp {
  is_complete: boolean;
  revision: string;
  records: { record_id: string; revision: number }[];
  next_after: string | null;
}

/** A separate organization with two members and four records. */
async function project() {
  const org = await makeOrganization(db);
  const [anna, ben] = [await makeMember(db, org), await makeMember(db, org)];
  await putRecords(
    db,
    org,
    ['a', 'b', 'c', 'd'].map((id) => record(id)),
  );
  const by =
    (user: number) =>
    <T>(use: (client: pg.PoolClient) => Promise<T>) =>
      db.asUser(user, use, { commit: true });
  const revision = (user: number) => by(user)((client) => revisionOf(client, org));
  const since = (user: number, from: string | number | null, first?: number, after?: string) =>
    by(user)((client) => changedSince(client, org, from, first, after));
  const ids = async (user: number, from: string | number | null) => {
    const { is_complete, records } = await since(user, from);
    return is_complete ? records.map((r) => r.record_id) : 'not known';
  };
  return { org, anna, ben, asAnna: by(anna), asBen: by(ben), revision, since, ids };
}

async function revisionOf(client: pg.ClientBase, org: Organization): Promise<string> {
  const { rows } = await client.query<{ revision: string }>(
    'select app_public.organizations_revision(o) as revision from app_public.organizations o where id = $1',
    [org.id],
  );
  return one(rows).revision;
}

async function changedSince(
  client: pg.ClientBase,
  org: Organization,
  from: string | number | null,
  first?: number,
  after?: string,
): Promise<CatchUp> {
  const { rows } = await client.query<CatchUp>(
    `select c.is_complete, c.revision, to_jsonb(c.records) as records, c.next_after
    from app_public.organizations o, app_public.organizations_records_changed_since(o, $2, $3, $4) c where o.id = $1`,
    [org.id, from, first, after],
  );
  return one(rows);
}

/** Changes the content of a record, as push does. */
const touch = (client: pg.ClientBase, org: Organization, pfaId: string) =>
  client.query(
    `update app_core.pfa_mirror set data = data || jsonb_build_object('model', revision::text), revision = nextval('app_core.revision_seq')
    where organization_id = $1 and pfa_id = $2`,
    [org.id, pfaId],
  );

async function open(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: db.urls.owner });
  await client.connect();
  await client.query('begin');
  return client;
}

describe('reported changes', () => {
  test('reports each record that a sync adds, changes, removes or restores once, with its current revision', async () => {
    const { org, anna, revision, since, ids } = await project();
    const before = await revision(anna);
    expect(await ids(anna, before)).toEqual([]);
    await putRecords(db, org, [record('a', 'New'), record('b'), record('c'), record('d'), record('e')]);
    const told = await since(anna, before);
    expect(told.records.map((r) => r.record_id)).toEqual(['a', 'e']);
    const { rows } = await db.owner.query<{ record_id: string; revision: string }>(
      `select pfa_id as record_id, revision from app_core.pfa_mirror where organization_id = $1 and pfa_id in ('a', 'e') order by 1`,
      [org.id],
    );
    expect(told.records.map((r) => ({ ...r, revision: String(r.revision) }))).toEqual(rows);
    const without = ['a', 'b', 'c', 'e'].map((id) => record(id, id === 'a' ? 'New' : 'Old'));
    await putRecords(db, org, without);
    expect(await ids(anna, told.revision)).toEqual([]);
    const present = await revision(anna);
    await putRecords(db, org, without); // the second miss
    expect(await ids(anna, present)).toContain('d');
    const gone = await revision(anna);
    await putRecords(db, org, [...without, record('d')]);
    expect(await ids(anna, gone)).toContain('d');
  });

  test('reports nothing for an unchanged sync', async () => {
    const { org, anna, revision } = await project();
    const before = await revision(anna);
    await putRecords(
      db,
      org,
      ['a', 'b', 'c', 'd'].map((id) => record(id)),
    );
    expect(await revision(anna)).toBe(before);
  });

  test('the first sync has too many records to list, so the client reloads all', async () => {
    const org = await makeOrganization(db);
    const anna = await makeMember(db, org);
    const before = await db.asUser(anna, (client) => revisionOf(client, org));
    expect(before).toBe('0');
    expect(await db.asUser(anna, (client) => changedSince(client, org, before))).toMatchObject({
      is_complete: true,
      records: [],
    });
    await putRecords(db, org, [record('a')]);
    const told = await db.asUser(anna, (client) => changedSince(client, org, before));
    expect(told).toMatchObject({ is_complete: false, records: [] });
    // After loading, it continues from there.
    await putRecords(db, org, [record('a', 'New')]);
    expect(await db.asUser(anna, (client) => changedSince(client, org, told.revision))).toMatchObject({
      is_complete: true,
      records: [{ record_id: 'a' }],
    });
  });

  test('reports saved, discarded and withdrawn drafts to their author alone, and commits to all users', async () => {
    const { org, anna, ben, asAnna, revision, ids } = await project();
    const [annas, bens] = [await revision(anna), await revision(ben)];
    await asAnna((client) => saveDraft(client, org, 'a', { category: 'Mine' }));
    expect(await ids(anna, annas)).toEqual(['a']);
    expect(await revision(ben)).toBe(bens);
    expect(await ids(ben, bens)).toEqual([]);
    const drafted = await revision(anna);
    await asAnna((client) => discardDrafts(client, org));
    expect(await ids(anna, drafted)).toEqual(['a']);
    expect(await ids(ben, bens)).toEqual([]);
    await asAnna((client) => commitChange(client, org, 'b', { category: 'Mine' }));
    expect(await ids(ben, bens)).toEqual(['b']);
    const committed = await revision(ben);
    await asAnna((client) => withdrawCommits(client, org));
    expect(await ids(ben, committed)).toContain('b');
  });

  test('reports nothing of another organization, and nothing to an anonymous user', async () => {
    const { org, anna, revision } = await project();
    const stranger = await makeMember(db, await makeOrganization(db));
    await db.asOwner(async (client) => touch(client, org, 'a'), { commit: true });
    for (const settings of [{}, undefined]) {
      await db.asVisitor(settings ?? {}, async (client) => {
        const { rows } = await client.query('select from app_core.pfa_event');
        expect(rows).toEqual([]);
      });
    }
    await db.asUser(stranger, async (client) => {
      // As if it locked the row of the organization.
      const { rows } = await client.query<{ is_complete: boolean; revision: string; records: unknown }>(
        `select c.is_complete, c.revision, c.records::text as records
        from app_public.organizations_records_changed_since(jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer)), 1) c`,
        [org.id],
      );
      expect(rows).toEqual([{ is_complete: false, revision: '0', records: '{}' }]);
    });
    expect(Number(await revision(anna))).toBeGreaterThan(0);
  });
});

describe('transactions that overlap', () => {
  test('reports a smaller revision that is committed later', async () => {
    const { org, anna, revision, since, ids } = await project();
    const before = await revision(anna);
    const slow = await open();
    try {
      await touch(slow, org, 'a'); // draws the smaller revision
      await db.asOwner((client) => touch(client, org, 'b'), { commit: true });
      const first = await since(anna, before);
      expect(first.records.map((r) => r.record_id)).toEqual(['b']);
      await slow.query('commit');
      const then = await since(anna, first.revision);
      expect(then.records.map((r) => r.record_id)).toContain('a');
      // The trap: this revision is smaller than the one that the client knows.
      const a = one(then.records.filter((r) => r.record_id === 'a'));
      expect(a.revision).toBeLessThan(Number(first.revision));
      // The client knows both when a later transaction is reported.
      await db.asOwner((client) => touch(client, org, 'c'), { commit: true });
      expect(await ids(anna, await revision(anna))).toEqual([]);
    } finally {
      await slow.end();
    }
  });

  test('also if its transaction began after the other had written, and drew first', async () => {
    const { org, anna, revision, ids } = await project();
    const [one, two] = [await open(), await open()];
    try {
      await one.query('select pg_current_xact_id()'); // the older transaction ...
      await touch(two, org, 'b'); // ... draws the greater revision
      await touch(one, org, 'a');
      await one.query('commit');
      const told = await revision(anna);
      expect(await ids(anna, told)).toEqual([]);
      await two.query('commit');
      expect(await ids(anna, told)).toEqual(['b']);
    } finally {
      await Promise.all([one.end(), two.end()]);
    }
  });

  test('random overlaps: a client that continues from the last response misses nothing', async () => {
    const { org, anna, revision, since } = await project();
    await putRecords(
      db,
      org,
      Array.from({ length: 60 }, (_, i) => record(`r${i}`)),
    );
    let at = await revision(anna);
    const known = new Map<string, string>();
    const catchUp = async () => {
      const { is_complete, revision, records } = await since(anna, at);
      expect(is_complete).toBe(true);
      at = revision;
      const { rows } = await db.owner.query<{ pfa_id: string; revision: string }>(
        'select pfa_id, revision from app_core.pfa_mirror where organization_id = $1 and pfa_id = any ($2)',
        [org.id, records.map((r) => r.record_id)],
      );
      for (const row of rows) known.set(row.pfa_id, row.revision);
    };
    const { rows: all } = await db.owner.query<{ pfa_id: string; revision: string }>(
      'select pfa_id, revision from app_core.pfa_mirror where organization_id = $1',
      [org.id],
    );
    for (const row of all) known.set(row.pfa_id, row.revision);
    const under = new Map<number, pg.Client>();
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let step = 0; step < 150; step++) {
      const lane = random(4);
      const client = under.get(lane);
      if (!client) under.set(lane, await open());
      else if (random(3) > 0) await touch(client, org, `r${lane * 15 + random(15)}`);
      else {
        await client.query(random(5) > 0 ? 'commit' : 'rollback');
        await client.end();
        under.delete(lane);
      }
      if (random(3) === 0) await catchUp();
    }
    for (const client of under.values()) {
      await client.query('commit');
      await client.end();
    }
    await catchUp();
    const { rows } = await db.owner.query<{ pfa_id: string; revision: string }>(
      'select pfa_id, revision from app_core.pfa_mirror where organization_id = $1',
      [org.id],
    );
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(rows.map((r) => [r.pfa_id, r.revision])));
  });

  test('a client may continue from the revision of any record', async () => {
    const { org, anna, since } = await project();
    for (const id of ['d', 'a']) await db.asOwner((client) => touch(client, org, id), { commit: true });
    const { rows } = await db.owner.query<{ revision: string }>(
      "select revision from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'a'",
      [org.id],
    );
    await db.asOwner((client) => touch(client, org, 'b'), { commit: true });
    const told = await since(anna, one(rows).revision);
    expect(told.is_complete).toBe(true);
    expect(told.records.map((r) => r.record_id)).toContain('b');
  });

  test('reports a whole transaction again to a client with a revision from its middle, if others ended beside it', async () => {
    const { org, anna, revision, ids } = await project();
    const before = await revision(anna);
    const slow = await open();
    try {
      await touch(slow, org, 'a');
      await db.asOwner((client) => touch(client, org, 'b'), { commit: true });
      await touch(slow, org, 'c'); // sees that b has ended, which came later
      await slow.query('commit');
    } finally {
      await slow.end();
    }
    const told = BigInt(await revision(anna)); // that of c
    expect(await ids(anna, String(told))).toEqual([]);
    expect(await ids(anna, String(told - 1n))).toEqual(expect.arrayContaining(['a', 'c']));
    expect(await ids(anna, before)).toEqual(['a', 'b', 'c']);
  });

  test("also if that revision is of another user's event, and beside a transaction that has ended since", async () => {
    const { org, anna, ben, asAnna, revision, ids } = await project();
    const slow = await open();
    try {
      await touch(slow, org, 'a');
      await asAnna((client) => saveDraft(client, org, 'b', { category: 'Mine' }));
      const annas = await revision(anna);
      expect(await ids(ben, annas)).not.toContain('c');
      await slow.query('commit');
      await db.asOwner((client) => touch(client, org, 'c'), { commit: true });
      expect(await ids(ben, annas)).toEqual(expect.arrayContaining(['a', 'c']));
    } finally {
      await slow.end();
    }
  });
});

describe('unknown revisions', () => {
  test('a future or deleted revision is unknown', async () => {
    const { org, anna, revision, ids } = await project();
    await db.asOwner((client) => touch(client, org, 'a'), { commit: true });
    const old = await revision(anna);
    for (const id of ['b', 'c']) await db.asOwner((client) => touch(client, org, id), { commit: true });
    expect(await ids(anna, old)).toEqual(expect.arrayContaining(['b', 'c']));
    expect(await ids(anna, Number(await revision(anna)) + 1000)).toBe('not known');
    for (const none of [-1, null]) expect(await ids(anna, none)).toBe('not known');
    // Other transactions of this cluster may be older, but their changes are irrelevant.
    await until('no older transaction is under way', async () => {
      await db.asOwner((client) => touch(client, org, 'd'), { commit: true });
      const { rows } = await db.owner.query(
        `select from (select * from app_core.pfa_event where organization_id = $1 order by id desc limit 1) newest
        where pg_snapshot_xmin(newest.snapshot) > all (
          select e.xid from app_core.pfa_event e where e.organization_id = $1 and e.id < newest.id)`,
        [org.id],
      );
      return rows.length === 1;
    });
    const known = await revision(anna);
    await db.owner.query(
      `update app_core.pfa_event set happened_at = happened_at - interval '8 days' where organization_id = $1`,
      [org.id],
    );
    await db.worker.query("select app_private.forget_events('7 days', 1000)");
    expect(await ids(anna, old)).toBe('not known');
    // The newest event stays, however old: a client with it has missed nothing.
    expect(await ids(anna, known)).toEqual([]);
  });

  test('a batch deletes no more than its size, and concurrently deleted events make the answer incomplete', async () => {
    const { org, anna, revision, ids } = await project();
    const slow = await open();
    try {
      await touch(slow, org, 'a');
      await db.asOwner((client) => touch(client, org, 'b'), { commit: true });
      const told = await revision(anna);
      await slow.query('commit');
      // Only one of the two is deleted: the one with the smaller revision, which the client has not seen.
      await db.owner.query(
        `update app_core.pfa_event set happened_at = happened_at - interval '8 days' where organization_id = $1 and record_ids = '{a}'`,
        [org.id],
      );
      const { rows } = await db.worker.query("select app_private.forget_events('7 days', 1) as n");
      expect(rows).toEqual([{ n: 1 }]);
      expect(await ids(anna, told)).toBe('not known');
    } finally {
      await slow.end();
    }
  });

  test('ignores and deletes events that came with the copy of another cluster', async () => {
    const { org, anna, revision, ids } = await project();
    await db.asOwner((client) => touch(client, org, 'a'), { commit: true });
    const told = await revision(anna);
    expect(await ids(anna, told)).toEqual([]);
    // Transactions had higher numbers there.
    await db.owner.query(
      `update app_core.pfa_event set xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8,
        snapshot = format('%1$s:%1$s:', pg_current_xact_id()::text::bigint + 1000000)::pg_snapshot where organization_id = $1`,
      [org.id],
    );
    expect(await ids(anna, told)).toBe('not known');
    await db.worker.query("select app_private.forget_events('7 days', 1000)");
    expect(await ids(anna, told)).toBe('not known');
    // While earlier transactions of any database in the cluster are in progress, the answer is unknown.
    await until('a later event is an answer', async () => {
      await db.asOwner((client) => touch(client, org, 'b'), { commit: true });
      const known = await ids(anna, await revision(anna));
      return known !== 'not known' && known.length === 0;
    });
    expect(await ids(anna, told)).toBe('not known');
  });

  test('too many changes to list make the client reload all', async () => {
    const { org, anna, revision, ids } = await project();
    const before = await revision(anna);
    await db.owner.query(
      `insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
      select $1, 'records', 0, array_agg('x' || n), array_agg(n) from generate_series(1, 20001) n`,
      [org.id],
    );
    expect(await ids(anna, before)).toBe('not known');
  });
});

test('returns pages by record, each record once, with the revision of the first page', async () => {
  const { org, anna, revision, since } = await project();
  const before = await revision(anna);
  await putRecords(
    db,
    org,
    ['a', 'b', 'c', 'd'].map((id) => record(id, 'New')),
  );
  const first = await since(anna, before, 3);
  expect(first.records.map((r) => r.record_id)).toEqual(['a', 'b', 'c']);
  expect(first.next_after).toBe('c');
  const second = await since(anna, before, 3, first.next_after!);
  expect(second.records.map((r) => r.record_id)).toEqual(['d']);
  expect(second.next_after).toBeNull();
  expect((await since(anna, before, 4)).next_after).toBeNull();
  await db.asUser(anna, async (client) => {
    for (const [from, size] of [
      ['1', 0],
      ['1', 1001],
    ] as const) {
      const refused = await refusal(client, () => changedSince(client, org, from, size));
      expect(refused.code).toBe('VG400');
    }
  });
});
