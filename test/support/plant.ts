import { expect } from 'vitest';
import type { TestDatabase } from './database.ts';

/** A bug in a function: its signature, the text to replace (any white space matches), and the replacement. */
export type Planted = readonly [signature: string, from: string, to: string];

/** Runs an action while functions of the database have bugs, and removes these again. */
export async function withPlanted<T>(
  db: TestDatabase,
  bugs: readonly Planted[],
  occurrences: 'one' | 'all',
  use: () => Promise<T>,
): Promise<T> {
  const originals: string[] = [];
  try {
    for (const [signature, from, to] of bugs) {
      const { rows } = await db.owner.query<{ definition: string }>(
        'select pg_get_functiondef($1::regprocedure) as definition',
        [signature],
      );
      const definition = rows[0]?.definition ?? '';
      const pattern = new RegExp(from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\s+/g, '\\s+'), 'g');
      const count = definition.match(pattern)?.length ?? 0;
      expect(occurrences === 'one' ? count === 1 : count > 0, `${count} times ${from}, in ${signature}`).toBe(
        true,
      );
      await db.owner.query(definition.replace(pattern, () => to));
      originals.push(definition);
    }
    return await use();
  } finally {
    for (const definition of originals.reverse()) await db.owner.query(definition);
  }
}
