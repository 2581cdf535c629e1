import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { defaultCredentials } from '../simulator/index.ts';
import { saveConnection } from '../src/connections.ts';
import { bootstrap, withClient } from '../src/database/bootstrap.ts';
import { startEmbeddedDatabase } from '../src/database/embedded.ts';
import { applyCurrent, migrate } from '../src/database/migrate.ts';
import { roleUrls, urlTo, type RoleUrls } from '../src/database/roles.ts';
import { createVault } from '../src/encryption.ts';
import { makeDrafts, makeUsers, named, organizationsOf, users } from './data.ts';
import { smallHeap } from '../worker/memory.ts';
import { timed } from './measure.ts';
import type { Scale } from './scale.ts';

/** Constant, so that a kept database works in the next run, and random-looking, as production requires. */
const derived = createHash('sha256').update('pfa-vanguard bench');
/** Password of all users; the database exists only during the measurements. */
const secret = derived.copy().digest('hex');
const encryptionKeys = `bench:${derived.digest('base64')}`;
const databaseName = 'vanguard_bench';
const vanguard = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const plainServer = fileURLToPath(new URL('plain-server.ts', import.meta.url));
const simulatorScript = fileURLToPath(new URL('simulator.ts', import.meta.url));

/** A started process that has reported ready. */
export interface Part {
  pid: number;
  url: string;
  controlUrl: string;
  stop(): Promise<void>;
}

/** A completed sync run. */
export interface Run {
  state: string;
  rows_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_unchanged: number;
  rows_rejected: number;
  error_message: string | null;
  /** Time from the start of the run, before the first request, to the commit of its merge. */
  milliseconds: number;
}

/** The running product with its data and viewers. */
export interface World {
  scale: Scale;
  urls: RoleUrls;
  superuserUrl: string;
  /** Connection as vanguard_owner, for plain queries. */
  owner: pg.Client;
  /** Ids of the named organizations. */
  organizations: Record<keyof typeof named, number>;
  simulator: Part;
  /** Reports progress. */
  say: (text: string) => void;
  /** Opens a connection that acts as a signed-in user throughout, like a request during its transaction. */
  visitor: (username?: string) => Promise<pg.Client>;
  /** Returns the settings of a request by this user. */
  settings: (username: string) => Promise<Record<string, string>>;
  /** Starts a worker in its own process. */
  startWorker: () => Promise<Part>;
  /** Starts an API server in its own process, as in production. */
  startServer: () => Promise<Part>;
  /** Starts the hand-written server for comparison: see plain-server.ts. */
  startPlainServer: () => Promise<Part>;
  /** Starts another process, which ends with this world. */
  startPart: (script: string, args: string[]) => Promise<Part>;
  /** Starts a separate PEMS for an organization. */
  connect: (code: string, pems: Part, requestsPerSecond: number) => Promise<void>;
  /** Creates an organization that no other measurement uses; the simulator must know its code. */
  organization: (code: string) => Promise<number>;
  /** Requests a sync and waits for its end; a worker must be running. Throws if the run fails. */
  sync: (organizationId: number) => Promise<Run>;
  /** Stops and removes everything that was started. */
  close: () => Promise<void>;
}

/** Organizations for measuring syncs; at first only the simulator knows them. */
const syncSizes = (scale: Scale) => ({ SYNC: scale.large, SMALLSYNC: scale.ordinary });

/** Returns values as PostgreSQL sends them, so that the driver's parsing costs no time. */
const raw: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

/**
 * Sets up a separate database (on DATABASE_URL's server, else embedded), the product and the data.
 *
 * @param stopped Aborting stops everything, even during the setup.
 * @param keep Folder of an embedded database to keep and reuse.
 */
export async function openWorld(
  scale: Scale,
  keep: string | undefined,
  say: (text: string) => void,
  stopped: AbortSignal,
): Promise<World> {
  const stops: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= (async () => {
      for (const stop of stops.reverse()) await stop();
    })());
  // Operations that wait for the database then fail.
  stopped.addEventListener('abort', () => void close());
  try {
    const folder = keep ?? (await mkdtemp(join(tmpdir(), 'vanguard-bench-')));
    // Root starts PostgreSQL as another user, who needs access to the folder.
    if (!keep) await chmod(folder, 0o711);
    if (!keep) stops.push(() => rm(folder, { recursive: true, force: true }));
    const given = process.env.DATABASE_URL;
    const embedded = given ? undefined : await startEmbeddedDatabase({ folder: join(folder, 'database') });
    if (embedded) stops.push(() => embedded.stop());
    const server = given ?? embedded!.superuserUrl;
    const superuserUrl = urlTo(server, databaseName);
    const urls = roleUrls(server, secret, databaseName);
    const exists = await withClient(urlTo(server, 'postgres'), async (client) => {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName]);
      return rowCount === 1;
    });
    if (given) {
      if (exists)
        throw new Error(
          `A database ${databaseName} already exists on that server. Drop it if no other run uses it.`,
        );
      stops.push(() =>
        withClient(urlTo(server, 'postgres'), (client) =>
          client.query(`drop database if exists ${databaseName} with (force)`),
        ),
      );
    }
    await bootstrap(server, databaseName, secret);
    if (!exists) {
      await migrate(urls.owner);
      await applyCurrent(urls.owner);
    }

    const connect = async (connectionString: string, types?: pg.CustomTypesConfig) => {
      const client = new pg.Client({ connectionString, types });
      await client.connect();
      stops.push(() => client.end());
      return client;
    };
    const owner = await connect(urls.owner, raw);
    const startPart = async (
      script: string,
      args: string[],
      environment: Record<string, string> = {},
      execArgv: string[] = [],
    ) => {
      const part = await launch(script, args, environment, execArgv);
      stops.push(() => part.stop());
      return part;
    };
    const environment = {
      DATABASE_URL: urls.owner,
      AUTHENTICATOR_DATABASE_URL: urls.authenticator,
      WORKER_DATABASE_URL: urls.worker,
      VANGUARD_SECRET: secret,
      VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
      ADMIN_PORT: 'off',
      LOG_LEVEL: 'warn',
    };
    const simulator = await startPart(simulatorScript, [
      JSON.stringify({ ...organizationsOf(scale), ...syncSizes(scale) }),
    ]);
    const saveSimulated = (id: string, url: string, organization?: string) =>
      withClient(urls.owner, (client) =>
        saveConnection(client, createVault(encryptionKeys), {
          ...defaultCredentials,
          // Overrides the organization of the login.
          ...{ id, name: 'Simulated PEMS', url, organization },
          ...{ dateOrder: 'MDY', requestType: 'LIST.DATA_ONLY.STORED', isSimulated: true },
        }),
      );
    await saveSimulated('bench', simulator.url);
    const settings = async (username: string) => {
      const { rows } = await owner.query<Record<string, string>>(
        `select c.user_id, c.organization_ids, c.writable_organization_ids, c.administered_organization_ids, c.is_administrator,
          app_private.plan_cache_mode(c.organization_ids::integer[]) as plan_cache_mode
        from app_public.users u cross join lateral (select u.id as user_id, r.* from app_private.request_claims(u.id) r) c
        where u.username = $1`,
        [username],
      );
      const { plan_cache_mode, ...claims } = rows[0]!;
      const named = Object.entries(claims).map(([key, value]) => [`jwt.claims.${key}`, value]);
      return {
        role: 'vanguard_visitor',
        plan_cache_mode: plan_cache_mode!,
        ...(Object.fromEntries(named) as Record<string, string>),
      };
    };
    const world: World = {
      ...{ scale, urls, superuserUrl, owner, simulator, settings, say, close },
      organizations: {} as World['organizations'],
      visitor: async (username = users.none) => {
        const client = await connect(urls.authenticator, raw);
        await client.query('select set_config(key, value, false) from json_each_text($1::json)', [
          JSON.stringify(await settings(username)),
        ]);
        return client;
      },
      startWorker: () =>
        startPart(vanguard, ['worker'], { ...environment, WORKER_CONCURRENCY: '2' }, smallHeap),
      startServer: async () =>
        startPart(vanguard, ['server'], {
          ...environment,
          ...{ NODE_ENV: 'production', PORT: String(await freePort()) },
        }),
      startPart,
      connect: async (code, { url }, requestsPerSecond) => {
        const id = `bench-${code.toLowerCase()}`;
        await saveSimulated(id, url, code);
        await owner.query(
          'update app_public.pems_settings set requests_per_second = $2 where api_configuration_id = $1',
          [id, requestsPerSecond],
        );
      },
      startPlainServer: () => startPart(plainServer, [], { ...environment, NODE_ENV: 'production' }),
      organization: async (code) => {
        const { rows } = await owner.query<{ id: string }>(
          `insert into app_public.organizations (code, name) values ($1, $1) on conflict (code) do update set name = excluded.name returning id`,
          [code],
        );
        // Pauses scheduled syncs, because measurements request their own.
        await owner.query(
          `insert into app_private.pfa_sync_schedule (organization_id, paused_at) values ($1, now()) on conflict do nothing`,
          [rows[0]!.id],
        );
        return Number(rows[0]!.id);
      },
      sync: (organizationId) => sync(owner, organizationId),
    };
    if (!exists) await fill(world);
    for (const [name, code] of Object.entries(named) as [keyof typeof named, string][])
      world.organizations[name] = await world.organization(code);
    return world;
  } catch (error) {
    await close();
    throw error;
  }
}

async function fill(world: World): Promise<void> {
  const { scale, owner, say } = world;
  const records = Object.values(organizationsOf(scale)).reduce((sum, size) => sum + size, 0);
  say(`reading ${records.toLocaleString('en')} records of ${scale.organizations + 1} organizations ...`);
  const seconds = async (work: () => Promise<unknown>) => ((await timed(work)) / 1000).toFixed(1);
  const worker = await world.startWorker();
  const reading = await seconds(async () => {
    for (const code of Object.keys(organizationsOf(scale))) await world.sync(await world.organization(code));
  });
  await worker.stop();
  say(`read in ${reading} s; drafts of ${scale.users} users ...`);
  const drafting = await seconds(async () => {
    await makeUsers(owner, scale);
    await makeDrafts(owner, scale);
  });
  const tidying = await seconds(async () => {
    await owner.query('select app_private.refresh_summaries()');
    await withClient(world.superuserUrl, (client) => client.query('vacuum (analyze)'));
  });
  say(`drafted in ${drafting} s; vacuumed and analyzed in ${tidying} s`);
}

async function sync(owner: pg.Client, organizationId: number): Promise<Run> {
  const queued = await owner.query<{ id: string }>(
    "select id from app_private.queue_sync($1, 'command', null, 'full')",
    [organizationId],
  );
  for (;;) {
    const { rows } = await owner.query<Record<keyof Run, string>>(
      `select state, rows_read, rows_inserted, rows_updated, rows_unchanged, rows_rejected, error_message,
        extract(epoch from finished_at - started_at) * 1000 as milliseconds
      from app_public.pfa_sync_log where organization_id = $1 and id = $2`,
      [organizationId, queued.rows[0]!.id],
    );
    const run = rows[0]!;
    if (run.state === 'failed') throw new Error(`A sync failed: ${run.error_message}`);
    if (run.state === 'succeeded') {
      const number = (key: keyof Run) => Number(run[key]);
      return {
        ...{ state: run.state, error_message: null, milliseconds: number('milliseconds') },
        ...{
          rows_read: number('rows_read'),
          rows_inserted: number('rows_inserted'),
          rows_updated: number('rows_updated'),
        },
        ...{ rows_unchanged: number('rows_unchanged'), rows_rejected: number('rows_rejected') },
      };
    }
    await sleep(20);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function launch(
  script: string,
  args: string[],
  environment: Record<string, string>,
  execArgv: string[],
): Promise<Part> {
  const child: ChildProcess = fork(script, args, { env: { ...process.env, ...environment }, execArgv });
  const [message] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => [{ type: 'failed', message: 'it ended' }]),
  ])) as [{ type: string; url?: string; controlUrl?: string; message?: string }];
  if (message.type !== 'ready') throw new Error(`${script} ${args[0]} did not start: ${message.message}`);
  return {
    ...{ pid: child.pid!, url: message.url ?? '', controlUrl: message.controlUrl ?? '' },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}
