import type { TestDatabase } from './database.ts';
import { one, type Json, type Organization } from './make.ts';

// Reference lists, as a worker reads them.

export interface ReferenceRun {
  id: string;
  list: string;
  state: string;
  trigger: string;
  rows_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_missing: number;
  rows_removed: number;
  rows_withheld: number;
  rows_rejected: number;
  rejects: { position: number; code: string | null; reason: string; message: string }[];
  error_code: string | null;
  notice: string | null;
}

type Row = Record<string, Json>;

/** A connection to PEMS for all organizations without their own. */
export async function makeConnection(db: Pick<TestDatabase, 'owner'>, id = 'pems'): Promise<void> {
  await db.owner.query(
    `insert into app_public.api_configurations (id, name, usage, url) values ('${id}', 'PEMS', 'PEMS_PFA_READ', 'http://pems');
    insert into app_public.pems_settings (api_configuration_id, tenant) values ('${id}', 'T');
    insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('${id}', 'pfa', '${id}')`,
  );
}

export async function setCheck(
  db: Pick<TestDatabase, 'owner'>,
  mode: 'off' | 'warn' | 'refuse',
  id = 'pems',
): Promise<void> {
  await db.owner.query('select app_private.write_reference_setting($1, $2, null)', [id, mode]);
}

/** Starts a read of one list, whatever else is queued. */
export async function beginList(db: TestDatabase, organization: Organization, list: string): Promise<string> {
  await db.owner.query(
    `delete from app_public.reference_runs where organization_id = $1 and state = 'queued'`,
    [organization.id],
  );
  await db.owner.query(
    `insert into app_public.reference_runs (organization_id, list, trigger, api_configuration_id)
    values ($1, $2, 'command', 'pems')`,
    [organization.id, list],
  );
  const { rows } = await db.worker.query<{ id: string }>(
    'select id from app_private.begin_reference_run($1)',
    [organization.id],
  );
  return one(rows).id;
}

export async function stageList(
  db: TestDatabase,
  organization: Organization,
  runId: string,
  rows: Row[],
): Promise<boolean> {
  const { rows: staged } = await db.worker.query<{ staged: boolean }>(
    'select app_private.stage_reference_rows($1, $2, $3) as staged',
    [organization.id, runId, JSON.stringify(rows)],
  );
  return one(staged).staged;
}

export async function mergeList(
  db: TestDatabase,
  organization: Organization,
  runId: string,
): Promise<ReferenceRun> {
  const { rows } = await db.worker.query<ReferenceRun>(
    'select m.* from app_private.merge_reference_run($1, $2) m',
    [organization.id, runId],
  );
  return one(rows);
}

/** One complete read of a list. */
export async function readList(
  db: TestDatabase,
  organization: Organization,
  list: string,
  rows: Row[],
): Promise<ReferenceRun> {
  const runId = await beginList(db, organization, list);
  await stageList(db, organization, runId, rows);
  return mergeList(db, organization, runId);
}
