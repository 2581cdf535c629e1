import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { one, type Json, type Organization } from './make.ts';

// What a signed-in user does, and how it is refused.

/** A row of app_public.pfa_record, as far as tests look at it. */
export interface PfaRecord {
  pfa_id: string;
  revision: string;
  has_draft: boolean;
  is_pending: boolean;
  has_problem: boolean;
  category: string | null;
  forecast_end: string | null;
  forecast_cost: string;
  base: Record<string, Json> | null;
  data: Record<string, Json>;
}

const recordColumns = `pfa_id, revision, has_draft, is_pending, has_problem, category, forecast_end::text as forecast_end,
  forecast_cost, base, data`;

/** All records of an organization as the client's user sees them. */
export async function seenRecords(client: pg.ClientBase, organization: Organization): Promise<PfaRecord[]> {
  const { rows } = await client.query<PfaRecord>(
    `select ${recordColumns} from app_public.pfa_record where organization_id = $1 order by pfa_id`,
    [organization.id],
  );
  return rows;
}

export async function seenRecord(
  client: pg.ClientBase,
  organization: Organization,
  pfaId: string,
): Promise<PfaRecord> {
  return one((await seenRecords(client, organization)).filter((record) => record.pfa_id === pfaId));
}

/** Saves a draft under the revision that the user sees, unless another is given. */
export async function saveDraft(
  client: pg.ClientBase,
  organization: Organization,
  pfaId: string,
  changes: Json,
  revision?: string | null,
): Promise<PfaRecord> {
  const seen = revision === undefined ? (await seenRecord(client, organization, pfaId)).revision : revision;
  const { rows } = await client.query<PfaRecord>(
    `select ${recordColumns} from app_public.save_draft($1, $2, $3, $4)`,
    [organization.id, pfaId, JSON.stringify(changes), seen],
  );
  return one(rows);
}

/** The client's user's own drafts. */
export async function seenDrafts(client: pg.ClientBase, organization: Organization) {
  const { rows } = await client.query<{
    pfa_id: string;
    delta: Record<string, Json>;
    base: Record<string, Json>;
    problems: Record<string, Json>;
  }>(
    'select pfa_id, delta, base, problems from app_public.pfa_draft where organization_id = $1 order by pfa_id',
    [organization.id],
  );
  return rows;
}

/** How something is refused; what was done before in the transaction stays. */
export async function refusal(client: pg.ClientBase, attempt: () => Promise<unknown>): Promise<Refusal> {
  await client.query('savepoint attempt');
  try {
    await attempt();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('rollback to savepoint attempt');
    const { code, message, detail, hint } = error;
    return { code, message, hint, details: detail?.startsWith('[') ? (JSON.parse(detail) as Json[]) : [] };
  }
  throw new Error('It was not refused.');
}

export interface Refusal {
  code: string | undefined;
  message: string;
  hint: string | undefined;
  details: Json[];
}

/** Resolves when some session of this database waits for another one's lock. */
export async function untilBlocked(db: TestDatabase): Promise<void> {
  const ask = `select from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where not l.granted and a.datname = current_database()`;
  while ((await db.owner.query(ask)).rows.length === 0);
}
