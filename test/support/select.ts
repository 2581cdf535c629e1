import type pg from 'pg';
import type { TestDatabase } from './database.ts';
import { one, type Json, type Organization } from './make.ts';

// Selections of records, as functions that are published take them.

/** Null and what is left out are not asked for. */
export interface Selection {
  recordIds?: (string | null)[] | null;
  filter?: Json;
  search?: string | null;
  containing?: Json;
  everything?: boolean | null;
}

/** A selection as parameters, which `selectionOf` puts together. */
export const selectionValues = (selection: Selection) => [
  selection.recordIds ?? null,
  (selection.filter ?? null) === null ? null : JSON.stringify(selection.filter),
  selection.search ?? null,
  (selection.containing ?? null) === null ? null : JSON.stringify(selection.containing),
  selection.everything ?? null,
];

/** The SQL of a selection whose parameters begin at this number. */
export const selectionOf = (first: number) =>
  `row($${first}::text[], $${first + 1}::jsonb, $${first + 2}::text, $${first + 3}::jsonb, $${first + 4}::boolean)::app_public.pfa_selection`;

/** The owner's transaction with the settings of a user's request: for what functions that are not published answer that user. */
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
    [organization.id, ...selectionValues(selection)],
  );
  return one(rows).ids;
}
