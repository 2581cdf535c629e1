import type { IDatabaseConnection } from '@pgtyped/runtime';
import type pg from 'pg';
import type { Identity } from '../auth/identity.ts';
import { prepared } from './prepared.ts';

/**
 * Runs a function as the visitor, in a transaction whose settings identify the user. Commits when it succeeds, rolls
 * back when it throws. Only prepared queries with parameters may run here; external text never becomes SQL.
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
    // A connection that cannot roll back is discarded, so that no other request inherits its settings.
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
