import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { createUser, findUser } from '../../sql/people/people.queries.ts';
import { setPassword } from '../../sql/auth/auth.queries.ts';
import { hashPassword } from '../auth/passwords.ts';

/** User of the demo. */
export const demoUser = { username: 'admin', password: 'admin123' } as const;

/**
 * Adds the initial data of a new installation, and keeps existing rows. The default user exists in the demo only; in
 * production, `npx vanguard user create` creates the first user.
 *
 * @param client Connects as vanguard_owner.
 */
export async function seed(client: pg.ClientBase, { production }: { production: boolean }): Promise<void> {
  await client.query('begin');
  try {
    await client.query(await readFile(new URL('seed.sql', import.meta.url), 'utf8'));
    if (!production && (await findUser.run({ username: demoUser.username }, client)).length === 0) {
      const [user] = await createUser.run({ username: demoUser.username, role: 'admin' }, client);
      await setPassword.run(
        { userId: user!.id, passwordHash: await hashPassword(demoUser.password), mustChange: true },
        client,
      );
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
