import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrap, withClient } from '../../src/database/bootstrap.ts';
import {
  defaultSettings,
  embeddedBinaries,
  startEmbeddedDatabase,
  systemBinaries,
} from '../../src/database/embedded.ts';
import { applyCurrent, migrate } from '../../src/database/migrate.ts';
import { urlTo } from '../../src/database/roles.ts';
import { loadTestcontainers } from './testcontainers.ts';

// The clusters of one test run. Used by the process that runs vitest; test files ask it through database.ts.

/** The roles belong to the cluster, which several runs may share, so their passwords must be the same in each. */
export const testSecret = 'the tests of PFA Vanguard';

/** What a test file needs to make a database of its own. */
export interface Cluster {
  superuserUrl: string;
  /** The database to clone: migrated, without rows of anybody. */
  template: string;
  /** Begins the name of each database of this run. */
  prefix: string;
}

export interface RunningCluster extends Cluster {
  stop(): Promise<void>;
}

/** Crashes lose the data of a test, and that is as it should be. */
const carefree = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // All test files share a cluster, and one of them runs ten workers at once.
  max_connections: '300',
};

/** The major versions that can be tested here, the newest first. */
export async function postgresVersions(): Promise<[number, ...number[]]> {
  const url = process.env.TEST_DATABASE_URL;
  if (url) {
    return withClient(url, async (client) => {
      const { rows } = await client.query<{ major: number }>(
        "select current_setting('server_version_num')::integer / 10000 as major",
      );
      return [rows[0]?.major ?? 0];
    });
  }
  if (await dockerAnswers()) return [18, 15];
  return systemBinaries(15) ? [embeddedBinaries().version, 15] : [embeddedBinaries().version];
}

/** Starts a PostgreSQL of this major version and prepares the template that test files clone. */
export async function startCluster(version: number): Promise<RunningCluster> {
  const server = await startServer(version);
  // Two runs in one cluster never meet.
  const prefix = `vanguard_test_${randomBytes(6).toString('hex')}_`;
  const template = `${prefix}template`;
  const stop = async () => {
    try {
      if (!server.isOurs) await dropDatabases(server.superuserUrl, prefix);
    } finally {
      await server.stop();
    }
  };
  try {
    const urls = await bootstrap(server.superuserUrl, template, testSecret);
    await migrate(urls.owner);
    await applyCurrent(urls.owner);
  } catch (error) {
    await stop();
    throw error;
  }
  return { superuserUrl: server.superuserUrl, template, prefix, stop };
}

interface Server {
  superuserUrl: string;
  /** It was started for this run and goes away with everything in it. */
  isOurs: boolean;
  stop(): Promise<void>;
}

async function startServer(version: number): Promise<Server> {
  const url = process.env.TEST_DATABASE_URL;
  if (url) return { superuserUrl: url, isOurs: false, stop: () => Promise.resolve() };
  return (await dockerAnswers()) ? startContainer(version) : startEmbedded(version);
}

async function startContainer(version: number): Promise<Server> {
  // As the embedded one: text sorts by code point, and upper and lower know all of Unicode.
  // initdb derives the encoding from the locale, and that of no locale is SQL_ASCII.
  const locale =
    version >= 17
      ? '--encoding=UTF8 --no-locale --locale-provider=builtin --builtin-locale=C.UTF-8'
      : '--encoding=UTF8 --locale=C.UTF-8';
  // Plans that tests look at depend on the settings.
  const settings = Object.entries({ ...defaultSettings, ...carefree }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const { PostgreSqlContainer } = await loadTestcontainers();
  const container = await new PostgreSqlContainer(`postgres:${version}`)
    .withUsername('postgres')
    .withDatabase('postgres')
    .withEnvironment({ POSTGRES_INITDB_ARGS: locale })
    .withCommand(['postgres', ...settings])
    .start();
  return {
    superuserUrl: container.getConnectionUri().replace(/^postgres:/, 'postgresql:'),
    isOurs: true,
    stop: async () => void (await container.stop()),
  };
}

const folderName = 'vanguard-test-';

async function startEmbedded(version: number): Promise<Server> {
  await sweep();
  const folder = mkdtempSync(join(tmpdir(), `${folderName}${process.pid}-`));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  const database = await startEmbeddedDatabase({
    folder,
    binaries: binariesOf(version),
    settings: { ...carefree, shared_buffers: '64MB', max_wal_size: '512MB' },
  });
  const places = new Set([folder, database.folder]);
  const remove = () => {
    for (const place of places)
      rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  // A signal ends vitest at once, without teardown; there is time left for what needs no waiting.
  const leave = () => {
    try {
      const pid = readFileSync(join(database.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0];
      process.kill(Number(pid), 'SIGQUIT');
      remove();
    } catch {
      // The next run sweeps.
    }
  };
  process.once('exit', leave);
  return {
    superuserUrl: database.superuserUrl,
    isOurs: true,
    stop: async () => {
      await database.stop();
      process.off('exit', leave);
      remove();
    },
  };
}

function binariesOf(version: number) {
  const embedded = embeddedBinaries();
  const binaries = version === embedded.version ? embedded : systemBinaries(version);
  if (!binaries) throw new Error(`There is no PostgreSQL ${version} on this machine.`);
  return binaries;
}

/** A server outlives a run that was killed: end what such runs left behind. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${folderName}(\\d+)-`).exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const folder = join(tmpdir(), name);
    try {
      if (existsSync(join(folder, 'data', 'postmaster.pid'))) {
        const version = Number(readFileSync(join(folder, 'data', 'PG_VERSION'), 'utf8'));
        await (await startEmbeddedDatabase({ folder, binaries: binariesOf(version) })).stop();
      }
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else's, or another run is at it.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let docker: Promise<boolean> | undefined;

/** Whether a container engine answers, at the cost of one request to its socket. */
function dockerAnswers(): Promise<boolean> {
  return (docker ??= new Promise((done) => {
    const host = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
    const { protocol, pathname, hostname, port } = new URL(host);
    const bySocket = protocol === 'unix:';
    if (bySocket ? !existsSync(pathname) : protocol !== 'tcp:') return done(false);
    const ping = request(
      { ...(bySocket ? { socketPath: pathname } : { host: hostname, port }), path: '/_ping' },
      (response) => {
        response.resume();
        done(response.statusCode === 200);
      },
    );
    ping.setTimeout(2000, () => ping.destroy());
    ping.on('error', () => done(false));
    ping.on('close', () => done(false));
    ping.end();
  }));
}

/** Drops the databases whose names begin so, whoever is still connected to them. */
async function dropDatabases(superuserUrl: string, prefix: string): Promise<void> {
  await withClient(urlTo(superuserUrl, 'postgres'), async (client) => {
    const { rows } = await client.query<{ statement: string }>(
      `select format('drop database if exists %I with (force)', datname) as statement
      from pg_database where starts_with(datname, $1)`,
      [prefix],
    );
    for (const { statement } of rows) await client.query(statement);
  });
}
