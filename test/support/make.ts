import type pg from 'pg';
import type { TestDatabase } from './database.ts';

// Users, organizations, and records that were merged like those of PEMS.

let made = 0;
const unique = (prefix: string) => `${prefix}${++made}`;

export interface Organization {
  id: number;
  code: string;
}

export async function makeOrganization(
  db: Pick<TestDatabase, 'owner'>,
  code = unique('ORG'),
): Promise<Organization> {
  const { rows } = await db.owner.query<Organization>(
    'insert into app_public.organizations (code, name) values ($1, $1) returning id, code',
    [code],
  );
  return one(rows);
}

/** Creates a user, by default with the role `user` and without memberships. Returns the id. */
export async function makeUser(
  db: Pick<TestDatabase, 'owner'>,
  role: 'admin' | 'user' | 'viewer' = 'user',
  username = unique(`${role}-`),
): Promise<number> {
  const { rows } = await db.owner.query<{ id: number }>(
    'insert into app_public.users (username, role) values ($1, $2) returning id',
    [username, role],
  );
  return one(rows).id;
}

export type MembershipRole = 'owner' | 'admin' | 'member' | 'viewer';

export async function makeMembership(
  db: Pick<TestDatabase, 'owner'>,
  organization: Organization,
  userId: number,
  role: MembershipRole = 'member',
): Promise<void> {
  await db.owner.query(
    'insert into app_public.user_organizations (organization_id, user_id, role) values ($1, $2, $3)',
    [organization.id, userId, role],
  );
}

/** Creates a user who belongs to one organization. */
export async function makeMember(
  db: Pick<TestDatabase, 'owner'>,
  organization: Organization,
  role: MembershipRole = 'member',
): Promise<number> {
  const userId = await makeUser(db);
  await makeMembership(db, organization, userId, role);
  return userId;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A record as the mirror stores it. */
export type RecordData = { pfaId: string } & Record<string, Json>;

/** A row in staging; missing columns have the values of a good row of a current request. */
export interface StagedRow {
  pfaId: string | null;
  data: Record<string, Json>;
  organizationCode?: string | null;
  version?: string | null;
  versionBy?: string | null;
  problems?: Json;
  rowContent?: Json;
  /** Keys that the page of the row lacks. */
  unknown?: string[];
  requestedAt?: string;
  receivedAt?: string;
}

/** A row of pfa_sync_log; numbers of type bigint are text. */
export interface SyncRun {
  organization_id: number;
  id: string;
  kind: string;
  trigger: string;
  requested_by: number | null;
  state: 'queued' | 'running' | 'succeeded' | 'withheld' | 'failed';
  rows_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_unchanged: number;
  rows_removed: number;
  rows_missing: number;
  rows_spared: number;
  rows_rejected: number;
  rows_twin: number;
  values_rejected: number;
  rejected_fields: {
    key: string;
    alias: string | null;
    count: number;
    samples: { recordId: string; value: string }[];
  }[];
  column_changes: Partial<
    Record<'came' | 'went' | 'retyped', { alias: string; keys: string[]; type?: string; was?: string }[]>
  >;
  missing_columns: { alias: string; keys: string[]; rows: number; lastSeenAt: string | null }[];
  reasons: { code: string; key: string; count: number; of: number; message: string; samples: Json[] }[];
  preview: { added: number; changed: number; rejected: number; missing: number; columns: Json[] } | null;
  accepted_at: Date | null;
  drafts_rebased: number;
  conflicts: number;
  error_code: string | null;
  requested_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>;

/** By default a full run; `null`: whichever is due. */
export async function queueSync(
  worker: Queryable,
  organization: Organization,
  kind: 'full' | 'incremental' | null = 'full',
): Promise<SyncRun> {
  const { rows } = await worker.query<SyncRun>(
    "select q.* from app_private.queue_sync($1, 'command', null, $2) q",
    [organization.id, kind],
  );
  return one(rows);
}

/** Null if no run was due. */
export async function beginSyncRun(
  worker: Queryable,
  organization: Organization,
  runId: string,
): Promise<SyncRun | null> {
  const { rows } = await worker.query<SyncRun>('select b.* from app_private.begin_sync_run($1, $2) b', [
    organization.id,
    runId,
  ]);
  const begun = one(rows);
  return begun.id === null ? null : begun;
}

export async function stage(
  worker: Queryable,
  organization: Organization,
  runId: string,
  rows: StagedRow[],
): Promise<void> {
  await worker.query(
    `insert into app_private.pfa_staging
      (organization_id, run_id, pfa_id, organization_code, data, version, version_by, problems, row_content, unknown, requested_at, received_at)
    select $1, $2, r."pfaId", r."organizationCode", r.data, r.version, r."versionBy", r.problems, r."rowContent", r.unknown,
      coalesce(r."requestedAt", clock_timestamp()), coalesce(r."receivedAt", clock_timestamp())
    from json_to_recordset($3) r ("pfaId" text, "organizationCode" text, data jsonb, version timestamp, "versionBy" text,
      problems jsonb, "rowContent" jsonb, unknown jsonb, "requestedAt" timestamptz, "receivedAt" timestamptz)`,
    [
      organization.id,
      runId,
      JSON.stringify(rows.map((row) => ({ organizationCode: organization.code, ...row }))),
    ],
  );
}

export async function mergeSyncRun(
  worker: Queryable,
  organization: Organization,
  runId: string,
): Promise<SyncRun> {
  const { rows } = await worker.query<SyncRun>('select m.* from app_private.merge_sync_run($1, $2) m', [
    organization.id,
    runId,
  ]);
  return one(rows);
}

/** A whole run from request to merge over these rows of PEMS; by default a full one. */
export async function syncRows(
  db: TestDatabase,
  organization: Organization,
  rows: StagedRow[],
  kind: 'full' | 'incremental' | null = 'full',
): Promise<SyncRun> {
  const queued = await queueSync(db.worker, organization, kind);
  const run = await beginSyncRun(db.worker, organization, queued.id);
  if (!run) throw new Error('The run did not begin.');
  await stage(db.worker, organization, run.id, rows);
  return mergeSyncRun(db.worker, organization, run.id);
}

/** Sets the records of PEMS to exactly these: one full run. */
export function putRecords(
  db: TestDatabase,
  organization: Organization,
  records: RecordData[],
): Promise<SyncRun> {
  return syncRows(
    db,
    organization,
    records.map((record) => ({
      pfaId: record.pfaId,
      data: { organization: organization.code, ...record },
    })),
  );
}

/** Lets a run change and remove any number of records of an organization. */
export async function trustAll(db: Pick<TestDatabase, 'owner'>, { id }: Organization): Promise<void> {
  await db.owner.query(
    `insert into app_private.pfa_limits (organization_id, removed_percent, refused_percent, changed_percent,
      emptied_percent) values ($1, 100, 100, 100, 100)`,
    [id],
  );
}

/** Returns the only row; fails on none or several. */
export function one<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`There are ${rows.length} rows instead of one.`);
  return row;
}
