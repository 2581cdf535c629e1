import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { one, type Json, type Organization } from './make.ts';
import { selectionOf, selectionValue, type Selection } from './select.ts';

// Actions of a signed-in user, and their errors.

/** A row of app_public.pfa_record, with the columns that tests read. */
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

/** Returns the contents of a record without its revision. */
export const withoutRevision = ({ revision: _, ...record }: PfaRecord) => record;

export async function seenRecord(
  client: pg.ClientBase,
  organization: Organization,
  pfaId: string,
): Promise<PfaRecord> {
  return one((await seenRecords(client, organization)).filter((record) => record.pfa_id === pfaId));
}

/** Saves a draft under the visible revision, unless another is given. */
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

/** The own drafts of the client's user. */
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

export interface BulkOperation {
  shift_days?: number;
  duration_days?: number;
  reset_to_plan?: boolean;
  set?: Json;
}

export interface DraftResult {
  operation_id: number | null;
  changed_count: number;
  unchanged_count: number;
  refused: { recordId: string; key?: string; problem: string }[];
  revisions: Record<string, number> | null;
}

export interface UndoResult {
  operation_id: number;
  kind: string;
  changed_count: number;
  impossible: { recordId: string; key: string; kind: string; problem: string }[];
}

export interface CommitResult {
  record_count: number;
  key_count: number;
  refused: {
    recordId: string;
    key?: string;
    kind: string;
    problem: string;
    [of: string]: Json | undefined;
  }[];
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
const operated = (parameter: string) =>
  `jsonb_populate_record(null::app_public.pfa_bulk_operation, ${parameter})`;

async function answer<T>(client: pg.ClientBase, call: string, values: unknown[]): Promise<T> {
  const { rows } = await client.query<{ answer: T }>(`select to_jsonb(app_public.${call}) as answer`, values);
  return one(rows).answer;
}

export const saveDrafts = (
  client: pg.ClientBase,
  organization: Organization,
  items: { record_id: string; changes: Json; revision: string | number | null }[],
  continues: number | null = null,
) =>
  answer<DraftResult>(
    client,
    'save_drafts($1, array(select i from jsonb_populate_recordset(null::app_public.pfa_draft_item, $2) i), $3)',
    [organization.id, JSON.stringify(items), continues],
  );

export const discardDrafts = (
  client: pg.ClientBase,
  organization: Organization,
  ids: string[] | null = null,
  keys: string[] | null = null,
) => answer<number>(client, 'discard_drafts($1, $2, $3)', [organization.id, ids, keys]);

export const undoDraft = (client: pg.ClientBase, organization: Organization, operation?: number) =>
  answer<UndoResult>(client, 'undo_draft($1, $2)', [organization.id, operation]);

export const redoDraft = (client: pg.ClientBase, organization: Organization, operation?: number) =>
  answer<UndoResult>(client, 'redo_draft($1, $2)', [organization.id, operation]);

export const applyBulk = (
  client: pg.ClientBase,
  organization: Organization,
  selection: Selection,
  operation: BulkOperation,
  options: { token?: string; skip?: boolean } = {},
) =>
  answer<DraftResult>(client, `apply_bulk($1, ${selectionOf(2)}, ${operated('$3')}, $4, $5)`, [
    ...[organization.id, selectionValue(selection), json(operation), options.token, options.skip],
  ]);

export interface BulkPreview {
  selected_count: number;
  changed_count: number;
  unchanged_count: number;
  refused_count: number;
  reasons: { problem: string; count: number; recordIds: string[] }[];
  plan_cost_before: number;
  plan_cost_after: number;
  forecast_cost_before: number;
  forecast_cost_after: number;
  actual_cost_before: number;
  actual_cost_after: number;
  preview_token: string;
  changed_keys: { key: string; count: number }[];
}

export async function bulkPreview(
  client: pg.ClientBase,
  organization: Organization,
  selection: Selection,
  operation: BulkOperation,
): Promise<BulkPreview> {
  const { rows } = await client.query<{ answer: BulkPreview }>(
    `select to_jsonb(app_public.organizations_bulk_preview(o, ${selectionOf(2)}, ${operated('$3')})) as answer
    from app_public.organizations o where o.id = $1`,
    [organization.id, selectionValue(selection), json(operation)],
  );
  return one(rows).answer;
}

/** Commits all drafts, or those of these records. */
export const commitDrafts = (
  client: pg.ClientBase,
  organization: Organization,
  selection?: Selection,
  comment?: string,
) =>
  answer<CommitResult>(
    client,
    `commit_drafts($1, case when $2::jsonb is not null then ${selectionOf(2)} end, $3)`,
    [...[organization.id, selectionValue(selection), comment]],
  );

/** Drafts a change and commits it, with all other drafts. */
export async function commitChange(
  client: pg.ClientBase,
  organization: Organization,
  pfaId: string,
  changes: Json,
): Promise<CommitResult> {
  await saveDraft(client, organization, pfaId, changes);
  return commitDrafts(client, organization);
}

export const withdrawCommits = (
  client: pg.ClientBase,
  organization: Organization,
  ids?: (string | number)[],
) =>
  answer<{ record_count: number; refused: Json[] }>(client, 'withdraw_commits($1, $2)', [
    organization.id,
    ids,
  ]);

export interface Resolution {
  record_id: string | null;
  revision: string | number | null;
  choice: string | null;
  keys?: (string | null)[];
  value?: Json;
}

export interface ResolveResult {
  operation_id: number | null;
  record_count: number;
  key_count: number;
  refused: { recordId: string; problem: string }[];
  revisions: Record<string, number> | null;
}

export const resolveProblems = (client: pg.ClientBase, organization: Organization, items: Resolution[]) =>
  answer<ResolveResult>(
    client,
    'resolve_problems($1, array(select i from jsonb_populate_recordset(null::app_public.pfa_resolution, $2) i))',
    [organization.id, JSON.stringify(items)],
  );

export const resolveAllProblems = (
  client: pg.ClientBase,
  organization: Organization,
  choice: string | null,
  revision: string | number | null,
) => answer<ResolveResult>(client, 'resolve_all_problems($1, $2, $3)', [organization.id, choice, revision]);

/** Returns the error of a statement; earlier statements of the transaction stay. */
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

/** Resolves when some session of this database waits for the lock of another one. */
export async function untilBlocked(db: TestDatabase): Promise<void> {
  const ask = `select from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where not l.granted and a.datname = current_database()`;
  while ((await db.owner.query(ask)).rows.length === 0);
}
