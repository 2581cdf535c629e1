import type { IDatabaseConnection } from '@pgtyped/runtime';
import type pg from 'pg';
import type { Identity } from '../auth/identity.ts';
import { prepared } from './prepared.ts';

/**
 * Runs something as the visitor: in a transaction whose settings say who asks. Commits when it succeeds, rolls back
 * when it throws. Only prepared queries with parameters belong in here; no text from outside ever becomes SQL.
 */
export async function asVisitor<T>(
  pool: pg.Pool,
  identity: Identity,
  use: (client: IDatabaseConnection) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    await client.query({
      name: 'visitor settings',
      text: 'select set_config(key, value, true) from json_each_text($1::json)',
      values: [JSON.stringify(identity.settings)],
    });
    const result = await use(prepared(client));
    await client.query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is thrown away, so that nobody gets it with our settings.
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
