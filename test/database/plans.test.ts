import { beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeMember, makeOrganization, type Organization } from '../support/make.ts';

// Tests the shapes of plans that keep queries fast. The organizations are small here, but the shapes are the same.

const db = await testDatabase();
const organizations: Organization[] = [];
let member: number;
let reader: Organization;
let usual: Organization;
let usualMember: number;

/** Records that differ in every property for sorting and filtering: every 20th of a category, every 4th purchased. */
async function fill(organization: Organization, count: number): Promise<void> {
  await db.owner.query(
    `insert into app_core.pfa_mirror (organization_id, pfa_id, observed_at, data)
    select $1, 'r' || lpad(n::text, 6, '0'), now(), jsonb_build_object(
      'pfaId', 'r' || lpad(n::text, 6, '0'), 'areaSilo', 'Silo ' || n % 7, 'category', 'Category ' || n % 20, 'class', 'Class ' || n % 90,
      'source', case n % 4 when 0 then 'Purchase' else 'Rental' end, 'model', 'Model ' || n % 40, 'monthlyRate', n % 977,
      'forecastStart', date '2024-01-01' + n * 7 % 1500, 'forecastEnd', date '2024-03-01' + n * 11 % 1500)
    from generate_series(1, $2) n`,
    [organization.id, count],
  );
}

beforeAll(async () => {
  for (let i = 0; i < 20; i++) organizations.push(await makeOrganization(db));
  reader = organizations[0]!;
  for (const organization of organizations) await fill(organization, organization === reader ? 4000 : 1000);
  usual = organizations[1]!;
  usualMember = await makeMember(db, usual);
  member = await makeMember(db, reader);
  const other = await makeMember(db, reader);
  await db.owner.query(
    `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base)
    select organization_id, case when substr(pfa_id, 2)::integer % 2 = 0 then $2::integer else $3 end, pfa_id,
      '{"category": "Category 1"}', '{"category": null}'
    from app_core.pfa_mirror where organization_id = $1 and substr(pfa_id, 2)::integer % 40 < 4`,
    [reader.id, member, other],
  );
  await db.owner.query(
    `select app_private.rewrite_overlay($1, (select array_agg(pfa_id) from app_core.pfa_modification where organization_id = $1))`,
    [reader.id],
  );
  await db.owner.query('analyze app_core.pfa_mirror, app_core.pfa_overlay, app_core.pfa_modification');
});

/** Plan of a query as the member's requests run it, one line for each node, without costs. */
async function plan(
  query: string,
  values: string[],
  settings: Record<string, string> = {},
  userId = member,
): Promise<string> {
  return db.asUser(userId, async (client) => {
    for (const [key, value] of Object.entries(settings))
      await client.query(`set local ${key} = ${client.escapeLiteral(value)}`);
    await client.query(`prepare asked as ${query}`);
    try {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (costs off) execute asked (${values.join(', ')})`,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    } finally {
      await client.query('deallocate asked');
    }
  });
}

/** Nodes of a plan with the tables that they read, without conditions and their subplans. */
const nodes = (text: string) =>
  text
    .split('\n')
    .filter((line) =>
      /^\s*(->)?\s*[A-Z][A-Za-z ]+( using \S+)? on \S+|^\s*(->)?\s*(Limit|Merge Append|Append|Sort|Nested Loop|Hash)/.test(
        line,
      ),
    );

const orders = ['area_silo', 'category', 'class', 'forecast_start', 'forecast_end', 'forecast_cost_cents'];

describe.each(['force_custom_plan', 'force_generic_plan'])('%s', (plan_cache_mode) => {
  test.each(orders)(
    'the first page by %s is read in index order, without sorting an organization',
    async (order) => {
      const text = await plan(
        `select pfa_id, data from app_public.pfa_record where organization_id = $1 order by ${order}, pfa_id limit 200`,
        [String(reader.id)],
        { plan_cache_mode },
      );
      const index = order.replace('_cents', '');
      expect(text).toContain('Merge Append');
      expect(text).toMatch(new RegExp(`Index Scan using pfa_mirror_${index}_idx on pfa_mirror`));
    },
  );

  test('a whole organization is one pass over the mirror, and covering rows are looked up in a set', async () => {
    const text = await plan(
      'select pfa_id, data from app_public.pfa_record where organization_id = $1',
      [String(reader.id)],
      {
        plan_cache_mode,
      },
    );
    expect(text).toContain('hashed SubPlan');
    expect(nodes(text).join('\n')).not.toMatch(/Nested Loop|Sort/);
  });

  test('reads each layer of the overlay by its viewer', async () => {
    const text = await plan(
      `select pfa_id from app_public.pfa_record where organization_id = $1 order by forecast_start, pfa_id limit 200`,
      [String(reader.id)],
      { plan_cache_mode, enable_sort: 'off', enable_bitmapscan: 'off' },
    );
    const scans = text
      .split('\n')
      .filter((line, i, lines) => /Index Cond/.test(line) && /on pfa_overlay o(_1)?$/.test(lines[i - 1]!));
    expect(scans.length).toBe(2);
    expect(scans.filter((line) => line.includes('(viewer_id = 0)')).length).toBe(1);
    expect(scans.every((line) => line.includes('viewer_id'))).toBe(true);
  });
});

describe("the planner's estimate of the size of an organization", () => {
  const estimate = (settings: Record<string, string>) =>
    db.asUser(usualMember, async (client) => {
      for (const [key, value] of Object.entries(settings))
        await client.query(`set local ${key} = ${client.escapeLiteral(value)}`);
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
        `explain (format json) select from app_public.pfa_record where organization_id = ${usual.id}`,
      );
      return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows'];
    });

  test('is right, because the list of organizations is as long as the list of all', async () => {
    const rows = await estimate({});
    expect(rows).toBeGreaterThan(400);
    expect(rows).toBeLessThan(2000);
  });

  test('is far too small with a single id in the list', async () => {
    expect(await estimate({ 'jwt.claims.organization_ids': `{${usual.id}}` })).toBeLessThan(100);
  });
});

test('a filter that many records pass reads its page in index order', async () => {
  const text = await plan(
    `select pfa_id, data from app_public.pfa_record
    where organization_id = $1 and source = $2 order by forecast_start, pfa_id limit 200`,
    [String(usual.id), "'Rental'"],
    {},
    usualMember,
  );
  expect(text).toMatch(/^Limit\n\s+->\s+Merge Append/);
});

test('finds classes of one category without reading the records of others', async () => {
  const text = await db.asOwner(async (client) => {
    await client.query('set local enable_sort = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (costs off) select pfa_id, data from app_core.pfa_mirror
      where organization_id = ${reader.id} and category = 'Category 5' order by class, pfa_id limit 200`,
    );
    return rows.map((row) => row['QUERY PLAN']).join('\n');
  });
  expect(text).toMatch(/Index Scan using pfa_mirror_class_idx on pfa_mirror\n\s+Index Cond: .*\(category = /);
});

test('looks up found records by their ids', async () => {
  const text = await plan(
    `select r.pfa_id, r.data from app_public.organizations o
    cross join lateral app_public.organizations_found_records(o, $2, null) r where o.id = $1 order by r.forecast_start, r.pfa_id limit 50`,
    [String(reader.id), "'model'"],
  );
  expect(text).toMatch(/pfa_mirror_pkey[^]*Index Cond: .*pfa_id = ANY/);
  expect(nodes(text).join('\n')).not.toMatch(/Seq Scan on pfa_mirror/);
});

test('a search is planned once, and starts no parallel workers for unused branches', async () => {
  const { rows } = await db.owner.query<{ settings: string[] }>(
    "select proconfig as settings from pg_proc where oid = 'app_core.find_records(integer, text, jsonb)'::regprocedure",
  );
  expect(rows[0]!.settings).toEqual(
    expect.arrayContaining(['plan_cache_mode=force_generic_plan', 'max_parallel_workers_per_gather=0']),
  );
});

test('keeps plans for organizations of the usual size, and plans each statement if one is far larger', async () => {
  await db.worker.query('select app_private.refresh_summaries()');
  const mode = async (...seen: Organization[]) => {
    const { rows } = await db.owner.query<{ mode: string }>(
      'select app_private.plan_cache_mode($1) as mode',
      [seen.map(({ id }) => id)],
    );
    return rows[0]!.mode;
  };
  expect(await mode(usual, organizations[2]!)).toBe('force_generic_plan');
  expect(await mode(usual, reader)).toBe('force_custom_plan');
});

test('a count with a kept plan reads the records of the category, not of the organization', async () => {
  const text = await plan(
    'select count(*) from app_public.pfa_record where organization_id = $1 and category = $2 and source = $3',
    [String(usual.id), "'Category 5'", "'Rental'"],
    { plan_cache_mode: 'force_generic_plan' },
    usualMember,
  );
  expect(text).toMatch(/pfa_mirror_c(ategory|lass)_idx[^]*Index Cond: .*category = \$2/);
});
