import type pg from 'pg';
import { readConfiguration, type Configuration } from '../configuration.ts';
import { withClient } from '../database/bootstrap.ts';
import { withMigratedDatabase } from '../database/open.ts';
import { readSecrets, type Secrets } from '../secrets.ts';
import { terminal } from './terminal.ts';

/** Configuration from the environment, with its secrets. */
export async function readContext(): Promise<{ configuration: Configuration; secrets: Secrets }> {
  const configuration = readConfiguration(terminal().environment);
  return { configuration, secrets: await readSecrets(configuration) };
}

/** Runs a command on the database as vanguard_owner. */
export async function withDatabase(
  use: (client: pg.Client, context: { configuration: Configuration; secrets: Secrets }) => Promise<void>,
): Promise<void> {
  const { configuration, secrets } = await readContext();
  await withMigratedDatabase(configuration, secrets, ({ urls }) =>
    withClient(urls.owner, (client) => use(client, { configuration, secrets })),
  );
}
