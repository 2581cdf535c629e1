/**
 * `npm run db:watch | db:commit | db:uncommit | db:reset`: runs graphile-migrate on the configured database (embedded
 * without DATABASE_URL) and its shadow database.
 */
import graphileMigrate from 'graphile-migrate';
import { readContext } from '../src/cli/context.ts';
import { bootstrap, withClient } from '../src/database/bootstrap.ts';
import { applyCurrent, migrate } from '../src/database/migrate.ts';
import { openDatabase } from '../src/database/open.ts';
import { databaseName, roleUrls, urlTo } from '../src/database/roles.ts';
import { seed } from '../src/database/seed.ts';
import { migrationsFolder } from '../src/database/state.ts';
import { VanguardError } from '../src/errors.ts';

/** Resolves when the user stops the process, for example with Ctrl-C. */
const stopSignal = () =>
  new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

const [action = '', ...rest] = process.argv.slice(2);
const { configuration, secrets } = await readContext();
if (configuration.production) {
  throw new VanguardError('NOT_IN_PRODUCTION', 'Migrations are not developed in production.', {
    hint: 'Use `npx vanguard migrate` there.',
  });
}

const database = await openDatabase(configuration, secrets);
try {
  const { superuserUrl, urls, name } = database;
  if (!superuserUrl) {
    throw new VanguardError(
      'NOT_A_SUPERUSER',
      'Developing migrations needs a login that may create databases.',
      {
        hint: 'Set ROOT_DATABASE_URL to the connection string of a superuser.',
      },
    );
  }
  const shadow = `${name}_shadow`;
  const settings = {
    connectionString: urls.owner,
    shadowConnectionString: roleUrls(superuserUrl, secrets.secret, shadow).owner,
    // Creates and drops the shadow database.
    rootConnectionString: superuserUrl,
    databaseOwner: 'vanguard_owner',
    migrationsFolder,
  };
  await bootstrap(superuserUrl, name, secrets.secret);
  switch (action) {
    case 'watch': {
      const stopped = stopSignal();
      await migrate(urls.owner);
      await graphileMigrate.watch(settings, rest.includes('--once'), false);
      // It watches current/ and fixtures/ in the background and needs the database until the user stops it.
      if (!rest.includes('--once')) await stopped;
      break;
    }
    case 'commit':
      await graphileMigrate.commit(settings, rest.join(' '));
      break;
    case 'uncommit':
      await graphileMigrate.uncommit(settings);
      break;
    case 'reset': {
      await withClient(urlTo(superuserUrl, 'postgres'), async (client) => {
        await client.query(
          `drop database if exists ${client.escapeIdentifier(databaseName(urls.owner))} with (force)`,
        );
      });
      await bootstrap(superuserUrl, name, secrets.secret);
      await migrate(urls.owner);
      await applyCurrent(urls.owner);
      await withClient(urls.owner, (client) => seed(client, configuration));
      console.log('The database is new, with migrations/current applied.');
      break;
    }
    default:
      throw new VanguardError('INVALID_INPUT', `Unknown action "${action}".`, {
        hint: 'Use watch, commit MESSAGE, uncommit or reset.',
      });
  }
} catch (error) {
  console.error(
    error instanceof VanguardError ? `${error.code}: ${error.message}\n${error.hint ?? ''}` : error,
  );
  process.exitCode = 1;
} finally {
  await database.close();
}
// The library's watcher and pool would keep the process alive.
process.exit();
