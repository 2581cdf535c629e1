import type pg from 'pg';
import { expect, test } from 'vitest';
import { refusal, saveDraft } from '../../../support/ask.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeMember, makeOrganization, putRecords, type Organization } from '../../../support/make.ts';

const db = await testDatabase();

interface Change {
  pfa_id: string;
  username: string | null;
  route: string;
  event: string;
  changes: Record<string, unknown>;
}

async function changes(
  client: pg.ClientBase,
  organization: Organization,
  asked: { recordId?: string; key?: string; since?: string } = {},
): Promise<Change[]> {
  const { rows } = await client.query<Change>(
    `select c.pfa_id, app_public.pfa_change_username(c) as username, c.route, c.event, c.changes
    from app_public.organizations o cross join lateral app_public.organizations_changes(o, $2, $3, $4) c where o.id = $1`,
    [organization.id, asked.recordId ?? null, asked.key ?? null, asked.since ?? null],
  );
  return rows;
}

const org = await makeOrganization(db);
const [author, colleague] = [await makeMember(db, org), await makeMember(db, org)];
const viewer = await makeMember(db, org, 'viewer');
const outsider = await makeMember(db, await makeOrganization(db));
await putRecords(db, org, [
  { pfaId: 'a', category: 'Old', model: 'M' },
  { pfaId: 'b', category: 'Old' },
]);
await putRecords(db, org, [
  { pfaId: 'a', category: 'New', model: 'M' },
  { pfaId: 'b', category: 'New' },
]);
await db.asUser(author, (client) => saveDraft(client, org, 'a', { model: 'Drafted' }), { commit: true });
await db.owner.query(
  `insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes) values ($1, 'b', $2, 'commit', '{"model": {"from": null, "to": "Committed"}}')`,
  [org.id, author],
);
const usernameOf = async (id: number) =>
  (await db.owner.query<{ username: string }>('select username from app_public.users where id = $1', [id]))
    .rows[0]!.username;
const name = await usernameOf(author);

const commit = {
  pfa_id: 'b',
  username: name,
  route: 'commit',
  event: 'update',
  changes: { model: { from: null, to: 'Committed' } },
};
const draft = {
  pfa_id: 'a',
  username: name,
  route: 'draft',
  event: 'update',
  changes: { model: { from: 'M', to: 'Drafted' } },
};
const sync = (pfa_id: string) => ({
  pfa_id,
  username: null,
  route: 'sync',
  event: 'update',
  changes: { category: { from: 'Old', to: 'New' } },
});
const byRecord = (of: Change[]) =>
  [...of].sort((x, y) => (x.route === y.route ? (x.pfa_id < y.pfa_id ? -1 : 1) : 0));

test('returns the newest first, with the user', async () => {
  const seen = await db.asUser(author, (client) => changes(client, org));
  expect(seen.slice(0, 2)).toEqual([commit, draft]);
  expect(byRecord(seen.slice(2))).toEqual([sync('a'), sync('b')]);
});

test('filters by record, by key and by time', async () => {
  await db.asUser(author, async (client) => {
    expect(await changes(client, org, { recordId: 'a' })).toEqual([draft, sync('a')]);
    expect(await changes(client, org, { recordId: 'a', key: 'category' })).toEqual([sync('a')]);
    expect(await changes(client, org, { key: 'model' })).toEqual([commit, draft]);
    expect(await changes(client, org, { recordId: "a' or true --" })).toEqual([]);
    const { rows } = await client.query<{ at: string }>(
      `select changed_at::text as at from app_public.pfa_change where organization_id = $1 and route = 'commit'`,
      [org.id],
    );
    expect(await changes(client, org, { since: rows[0]!.at })).toEqual([commit]);
  });
});

test.each([
  ['a colleague', colleague],
  ['a viewer', viewer],
])('%s sees changes of PEMS and commits with their users, but no drafts of others', async (_who, id) => {
  const seen = await db.asUser(id, (client) => changes(client, org));
  expect(seen[0]).toEqual(commit);
  expect(byRecord(seen.slice(1))).toEqual([sync('a'), sync('b')]);
});

test('hides history and users of another organization, however it is requested', async () => {
  await db.asUser(outsider, async (client) => {
    expect(await changes(client, org)).toEqual([]);
    const { rows } = await client.query(
      `select c.* from app_public.organizations_changes(
        jsonb_populate_record(null::app_public.organizations, jsonb_build_object('id', $1::integer))) c`,
      [org.id],
    );
    expect(rows).toEqual([]);
  });
  const all = await db.owner.query<{ id: string }>(
    'select id from app_core.pfa_change where organization_id = $1',
    [org.id],
  );
  const named = (who: number) =>
    db.asUser(who, async (client) => {
      const { rows } = await client.query<{ name: string | null }>(
        `select distinct app_public.pfa_change_username(jsonb_populate_record(null::app_public.pfa_change,
          jsonb_build_object('organization_id', $1::integer, 'id', id, 'user_id', $2::integer, 'route', 'commit'))) as name
        from unnest($3::bigint[]) id order by 1`,
        [org.id, author, all.rows.map(({ id }) => id)],
      );
      return rows.map(({ name }) => name);
    });
  expect(await named(outsider)).toEqual([null]);
  expect(await named(colleague)).toEqual([name, null]);
});

test('no user writes history', async () => {
  await db.asUser(author, async (client) => {
    for (const write of [
      `insert into app_public.pfa_change (organization_id, pfa_id, route, changes) values (${org.id}, 'a', 'commit', '{}')`,
      'delete from app_public.pfa_change',
      "update app_public.pfa_change set changes = '{}'",
    ])
      expect(await refusal(client, () => client.query(write))).toMatchObject({ code: '42501' });
  });
});

test('finds the history of a record, and changes since a time, by index', async () => {
  await db.owner.query(
    `insert into app_core.pfa_change (organization_id, pfa_id, route, changes, changed_at)
    select $1, 'r' || n % 1000, 'sync', '{}', timestamptz '2025-01-01' + n * interval '1 minute' from generate_series(1, 5000) n`,
    [org.id],
  );
  await db.owner.query('analyze app_core.pfa_change');
  await db.asUser(author, async (client) => {
    await client.query('set local enable_seqscan = off');
    const plan = async (condition: string) => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain select c.* from app_public.organizations o cross join lateral app_public.organizations_changes(o, ${condition}) c
        where o.id = ${org.id} limit 10`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    };
    expect(await plan("'a', null, null")).toMatch(/pfa_change_pfa_id_idx[^]*Index Cond: .*pfa_id = 'a'/);
    expect(await plan("null, null, '2026-01-01T00:00:00Z'")).toMatch(
      /pfa_change_changed_at_idx[^]*Index Cond: .*changed_at >=/,
    );
    expect(await plan('null, null, null')).toMatch(/pfa_change_changed_at_idx/);
  });
});
