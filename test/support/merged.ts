import fc from 'fast-check';
import type pg from 'pg';
import type { TestDatabase } from './database.ts';
import type { Organization, RecordData } from './make.ts';
import { boundsOf, kpisOf, type Data } from './plain.ts';

// The merged record by its plain definition, mirror || pending || draft, from the tables; and the results of the
// product.

export interface Merged {
  pfa_id: string;
  data: Data;
  base: Data | null;
  has_draft: boolean;
  is_pending: boolean;
  has_problem: boolean;
  is_removed: boolean;
}

/** The expected view of a user, computed row by row from mirror and modifications. */
export async function plainRecords(
  db: TestDatabase,
  organization: Organization,
  userId: number,
): Promise<Merged[]> {
  const mirror = await db.owner.query<{ pfa_id: string; data: Data; is_removed: boolean }>(
    'select pfa_id, data, removed_at is not null as is_removed from app_core.pfa_mirror where organization_id = $1 order by pfa_id',
    [organization.id],
  );
  const modifications = await db.owner.query<{
    pfa_id: string;
    user_id: number;
    state: string;
    delta: Data;
    base: Data;
    problems: Data;
  }>(
    `select pfa_id, user_id, state, delta, base, problems from app_core.pfa_modification
    where organization_id = $1 and state <> 'synced' order by commit_sequence`,
    [organization.id],
  );
  return mirror.rows
    .map(({ pfa_id, data, is_removed }) => {
      const of = modifications.rows.filter((m) => m.pfa_id === pfa_id);
      const pending = of.filter((m) => m.state !== 'draft');
      const draft = of.find((m) => m.state === 'draft' && m.user_id === userId);
      return {
        pfa_id,
        data: Object.assign({}, data, ...pending.map((m) => m.delta), draft?.delta) as Data,
        base: draft?.base ?? null,
        has_draft: draft !== undefined,
        is_pending: pending.length > 0,
        has_problem: draft !== undefined && Object.keys(draft.problems).length > 0,
        is_removed,
      };
    })
    .filter((record) => !record.is_removed || record.has_draft);
}

/** The results of the view, the totals and the bounds for a user. */
export async function answered(db: TestDatabase, organization: Organization, userId: number) {
  return db.asUser(userId, async (client) => ({
    records: (
      await client.query<Merged>(
        `select pfa_id, data, base, has_draft, is_pending, has_problem, removed_at is not null as is_removed
        from app_public.pfa_record where organization_id = $1 order by pfa_id`,
        [organization.id],
      )
    ).rows,
    ...(await sums(client, organization)),
  }));
}

export async function sums(client: pg.ClientBase, organization: Organization) {
  const { rows } = await client.query<{
    kpis: ReturnType<typeof kpisOf>;
    bounds: ReturnType<typeof boundsOf>;
  }>(
    `select
      (select jsonb_object_agg(key, value) from jsonb_each_text(to_jsonb(app_public.organizations_kpis(o)))) as kpis,
      to_jsonb(app_public.organizations_bounds(o)) as bounds
    from app_public.organizations o where o.id = $1`,
    [organization.id],
  );
  return rows[0] ?? { kpis: undefined, bounds: undefined };
}

/** The expected results. */
export async function expected(db: TestDatabase, organization: Organization, userId: number) {
  const records = await plainRecords(db, organization, userId);
  const there = records.filter((record) => !record.is_removed).map((record) => record.data);
  return { records, kpis: kpisOf(there), bounds: boundsOf(there) };
}

/** Creates a committed, unconfirmed change or a draft, as any history could leave it. */
export async function plantModification(
  db: TestDatabase,
  organization: Organization,
  pfaId: string,
  userId: number,
  delta: Data,
  state: 'draft' | 'committed' | 'syncing' | 'synced' = 'committed',
  problems: Data = {},
): Promise<void> {
  await db.owner.query(
    `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, problems, commit_sequence)
    values ($1, $2, $3, $4, $5, $6, $7, case when $6 <> 'draft' then nextval('app_core.revision_seq') end)`,
    [
      ...[organization.id, userId, pfaId, delta],
      ...[Object.fromEntries(Object.keys(delta).map((key) => [key, null])), state, problems],
    ],
  );
  await db.owner.query('select app_private.rewrite_overlay($1, $2)', [organization.id, [pfaId]]);
}

const day = fc
  .integer({ min: 0, max: 1500 })
  .map((n) => new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10));
const money = fc.integer({ min: 0, max: 50_000_000 }).map((cents) => cents / 100);

/** Values in the form of the mirror and deltas; few of each, so that they collide. */
const values = {
  category: fc.constantFrom('Cranes', 'Pumps', 'Ünïcode 上海'),
  source: fc.constantFrom('Rental', 'Purchase'),
  monthlyRate: money,
  purchasePrice: money,
  forecastStart: day,
  forecastEnd: day,
  isDiscontinued: fc.boolean(),
};

export const arbitraryRecord = fc.record(
  {
    ...values,
    originalSource: values.source,
    originalMonthlyRate: money,
    originalPurchasePrice: money,
    originalStart: day,
    originalEnd: day,
    actualStart: day,
    actualEnd: day,
    isActualized: fc.boolean(),
    udf: fc.string(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Data>;

/** Changed keys, at least one; null empties a key. */
export const arbitraryDelta: fc.Arbitrary<Data> = fc
  .subarray(Object.keys(values) as (keyof typeof values)[], { minLength: 1 })
  .chain((keys) =>
    fc
      .tuple(...keys.map((key) => fc.option<Data[string]>(values[key], { freq: 5 })))
      .map((chosen) => Object.fromEntries(keys.map((key, i) => [key, chosen[i] ?? null]))),
  );

export const recordOf = (index: number, data: Data): RecordData => ({ ...data, pfaId: `r${index}` });
