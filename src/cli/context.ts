import { CommanderError } from 'commander';
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

/** Exit code of a program that Ctrl-C ended, by the convention of shells. */
const interruptedCode = 130;

/** Runs a command on the database as vanguard_owner. A signal ends it like an error and still closes the database. */
export async function withDatabase(
  use: (client: pg.Client, context: { configuration: Configuration; secrets: Secrets }) => Promise<void>,
): Promise<void> {
  const { configuration, secrets } = await readContext();
  await withMigratedDatabase(configuration, secrets, ({ urls }) =>
    withClient(urls.owner, (client) => interruptible(() => use(client, { configuration, secrets }))),
  );
}

async function interruptible(work: () => Promise<void>): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let stop: () => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(new CommanderError(interruptedCode, 'interrupted', 'Interrupted.'));
  });
  for (const signal of signals) process.on(signal, stop);
  try {
    await Promise.race([work(), interrupted]);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
