import { createHash } from 'node:crypto';
import type { IDatabaseConnection } from '@pgtyped/runtime';
import type pg from 'pg';

/** Names of statements, by their text: as many as there are queries in sql/. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (!name) names.set(text, (name = createHash('sha256').update(text).digest('base64url')));
  return name;
}

/**
 * The same connection, on which each statement is parsed and planned once and not with every request: for a page of
 * records that takes longer than to read it. Only for texts from sql/, of which there are only so many.
 */
export const prepared = (connection: pg.Pool | pg.ClientBase): IDatabaseConnection => ({
  query: async (text, values) => {
    const { rows, rowCount } = await connection.query<Record<string, unknown>>({
      ...{ name: nameOf(text), text, values },
    });
    return { rows, rowCount: rowCount ?? 0 };
  },
});
