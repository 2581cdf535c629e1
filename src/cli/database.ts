import type { Command } from 'commander';
import { withClient } from '../database/bootstrap.ts';
import { ensureBootstrap, openDatabase, prepareIfNew } from '../database/open.ts';
import { seed } from '../database/seed.ts';
import { VanguardError } from '../errors.ts';
import { readContext, withDatabase } from './context.ts';
import { print } from './terminal.ts';

/** Adds `bootstrap`, `migrate`, `seed` and `prepare`. */
export function addDatabaseCommands(program: Command): void {
  program
    .command('bootstrap')
    .description('make roles, the database, and what only a superuser may make (idempotent)')
    .addHelpText(
      'after',
      '\nUses ROOT_DATABASE_URL, else DATABASE_URL, else the embedded database. That login must be a superuser.',
    )
    .action(async () => {
      const { configuration, secrets } = await readContext();
      const database = await openDatabase(configuration, secrets);
      try {
        if (!database.superuserUrl) {
          throw new VanguardError(
            'NOT_A_SUPERUSER',
            'The login of DATABASE_URL may not create roles and databases.',
            {
              hint: 'Set ROOT_DATABASE_URL to the connection string of a superuser.',
            },
          );
        }
        await ensureBootstrap(database, secrets);
        print(`The roles and the database ${database.name} are ready. Next: npx vanguard migrate`);
      } finally {
        await database.close();
      }
    });

  program
    .command('migrate')
    .description('bring the database up to date')
    .action(async () => {
      const { configuration, secrets } = await readContext();
      const database = await openDatabase(configuration, secrets);
      try {
        const { embedded } = database;
        // The product itself creates the roles of an embedded database and seeds a new one.
        if (embedded) {
          await prepareIfNew({ ...database, embedded }, configuration, secrets);
          await ensureBootstrap(database, secrets);
        }
        const { migrate } = await import('../database/migrate.ts');
        await migrate(database.urls.owner);
        print('The database is up to date.');
      } finally {
        await database.close();
      }
    });

  program
    .command('seed')
    .description('put in what a new installation starts with (idempotent)')
    .action(() =>
      withDatabase(async (client, { configuration }) => {
        await seed(client, configuration);
        print('Organizations, providers and connections are there.');
      }),
    );

  program
    .command('prepare')
    .description('bootstrap, migrate and seed in one go: before each start of a new version (idempotent)')
    .addHelpText(
      'after',
      '\nLeaves bootstrap out unless ROOT_DATABASE_URL or DATABASE_URL is the login of a superuser.',
    )
    .action(async () => {
      const { configuration, secrets } = await readContext();
      const database = await openDatabase(configuration, secrets);
      try {
        await ensureBootstrap(database, secrets);
        const { migrate } = await import('../database/migrate.ts');
        await migrate(database.urls.owner);
        await withClient(database.urls.owner, (client) => seed(client, configuration));
        print(`The database ${database.name} is up to date, and has what an installation starts with.`);
      } finally {
        await database.close();
      }
    });
}
