import type pg from 'pg';
import type { TestDatabase } from './database.ts';
import { one, type Json, type Organization } from './make.ts';

// Selections of records, as parameters of published functions.

/** Null and missing conditions do not restrict the selection. */
export interface Selection {
  recordIds?: (string | null)[] | null;
  filter?: Json;
  search?: string | null;
  containing?: Json;
  everything?: boolean | null;
}

/** A selection as the parameter that `selectionOf` reads; null for none. */
export const selectionValue = (selection: Selection | undefined): string | null => {
  if (!selection) return null;
  const { recordIds, ...rest } = selection;
  return JSON.stringify({ ...rest, record_ids: recordIds });
};

/** The SQL of the selection in the parameter of this number. */
export const selectionOf = (parameter: number) =>
  `jsonb_populate_record(null::app_public.pfa_selection, $${parameter}::jsonb)`;

/**
 * The owner's transaction with the settings of a user's request: for the results of internal functions for that user.
 */
export function asOwnerFor<T>(
  db: TestDatabase,
  userId: number,
  use: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return db.asOwner(async (client) => {
    await client.query(
      `select set_config('jwt.claims.user_id', $1::text, true), set_config('jwt.claims.organization_ids', c.organization_ids::text, true)
      from app_private.request_claims($1::text::integer) c`,
      [String(userId)],
    );
    return use(client);
  });
}

export async function selectedIds(
  client: pg.ClientBase,
  organization: Organization,
  selection: Selection,
): Promise<string[]> {
  const { rows } = await client.query<{ ids: string[] }>(
    `select app_private.selected_ids($1, ${selectionOf(2)}) as ids`,
    [organization.id, selectionValue(selection)],
  );
  return one(rows).ids;
}
