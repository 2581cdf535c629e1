import { createHash } from 'node:crypto';
import type { IDatabaseConnection } from '@pgtyped/runtime';
import type pg from 'pg';

/** Names of statements, by their text: one per query in sql/. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (!name) names.set(text, (name = createHash('sha256').update(text).digest('base64url')));
  return name;
}

/**
 * Returns the same connection with prepared statements. Each text is parsed and planned once instead of per request,
 * which would take longer than reading a page of records. Only for texts from sql/, whose number is limited.
 */
export const prepared = (connection: pg.Pool | pg.ClientBase): IDatabaseConnection => ({
  query: async (text, values) => {
    const { rows, rowCount } = await connection.query<Record<string, unknown>>({
      ...{ name: nameOf(text), text, values },
    });
    return { rows, rowCount: rowCount ?? 0 };
  },
});
