import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pemsConnectionsConfigured } from '../sql/connections/connections.queries.ts';
import { queueFirstSyncs, syncProgress } from '../sql/sync/sync.queries.ts';
import { defaultCredentials } from '../simulator/index.ts';
import { stopWithNpm, type ProcessMessage } from './cli/process.ts';
import type { Configuration } from './configuration.ts';
import { saveConnection } from './connections.ts';
import { withClient } from './database/bootstrap.ts';
import { migrate } from './database/migrate.ts';
import { startEmbeddedDatabase } from './database/embedded.ts';
import { ensureBootstrap, openDatabase, type OpenDatabase } from './database/open.ts';
import { demoUser, seed } from './database/seed.ts';
import { connectionFailure } from './database/usable.ts';
import { createVault } from './encryption.ts';
import { VanguardError } from './errors.ts';
import type { Secrets } from './secrets.ts';
import { smallHeap } from '../worker/memory.ts';

/** Prefix of the name of the connection that `start` keeps. The process id follows. */
const startName = 'vanguard start';
const entry = fileURLToPath(new URL('cli/main.ts', import.meta.url));
/** Grace period for a part to stop before it is killed, in milliseconds. */
const patience = 15_000;
/** Grace period for the parts of a killed start to end, in milliseconds. */
const farewell = 3000;
/** Delay before a dead part is restarted, in milliseconds; it doubles with each failed restart. */
const restartDelay = 1000;
const longestRestartDelay = 60_000;

/** A part of the product in its own process. */
interface Part {
  name: string;
  url: string | undefined;
  stop(): Promise<void>;
}

/**
 * Runs the whole product until Ctrl-C or SIGTERM: database, migrations, seeds, simulated PEMS, worker, server, the
 * first sync of every organization. Stops the parts in the order HTTP, worker, simulator, PostgreSQL, even if a step
 * fails.
 */
export async function start(configuration: Configuration, secrets: Secrets): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort());
  stopWithNpm();
  const began = performance.now();
  const parts: Part[] = [];
  let database: OpenDatabase | undefined;
  let embedded: OpenDatabase['embedded'];
  let owner: pg.Client | undefined;
  let reviving: Promise<void> | undefined;
  const connect = async (url: string) => {
    const client = new pg.Client({ connectionString: url, application_name: `${startName} ${process.pid}` });
    // The loss of this connection ends the progress display, and shows that the database has ended.
    client.on('error', () => undefined);
    await client.connect().catch((error: unknown) => {
      throw connectionFailure(url, error);
    });
    return client;
  };
  /** An embedded database that ends unexpectedly is restarted; the parts reconnect. */
  const keepAlive = (client: pg.Client, ownerUrl: string) => {
    client.once('end', () => {
      if (stopped.signal.aborted || !embedded) return;
      say('PostgreSQL stopped unexpectedly; starting it again.');
      reviving = (async () => {
        for (
          let wait = restartDelay;
          !stopped.signal.aborted;
          wait = Math.min(wait * 2, longestRestartDelay)
        ) {
          try {
            embedded = await startEmbeddedDatabase({
              folder: join(configuration.dataFolder, 'database'),
              port: embedded.port,
            });
            const again = await connect(ownerUrl);
            await claim(again);
            owner = again;
            keepAlive(again, ownerUrl);
            return say('PostgreSQL is running again.');
          } catch (error) {
            say(`PostgreSQL could not be restarted: ${(error as Error).message}`);
            await sleep(wait, undefined, { signal: stopped.signal }).catch(() => undefined);
          }
        }
      })();
    });
  };
  try {
    say(configuration.databaseUrl ? 'Connecting to PostgreSQL ...' : 'Starting PostgreSQL ...');
    database = await openDatabase(configuration, secrets);
    // A server that was already running may belong to another start, which stops it.
    embedded = database.embedded?.adopted ? undefined : database.embedded;
    for (const note of database.embedded?.notes ?? []) say(note);
    await ensureBootstrap(database, secrets);
    owner = await connect(database.urls.owner);
    if (database.embedded) {
      embedded = (await claim(owner)) ? database.embedded : undefined;
      if (!embedded) throw alreadyRunning(configuration, await runningStart(owner));
      keepAlive(owner, database.urls.owner);
    }
    stopped.signal.throwIfAborted();
    await migrate(database.urls.owner);
    const pems = await withClient(database.urls.owner, async (client) => {
      await seed(client, configuration);
      return preparePems(client, configuration, secrets);
    });
    stopped.signal.throwIfAborted();
    const environment = {
      DATABASE_URL: database.urls.owner,
      AUTHENTICATOR_DATABASE_URL: database.urls.authenticator,
      WORKER_DATABASE_URL: database.urls.worker,
      VANGUARD_SECRET: secrets.secret,
      VANGUARD_ENCRYPTION_KEYS: secrets.encryptionKeys,
    };
    const wanted = ['server', 'worker', ...(pems.needsSimulator ? ['simulator'] : [])];
    const started = await Promise.allSettled(
      wanted.map((name) => startPart(name, name === 'simulator' ? {} : environment, stopped.signal)),
    );
    parts.push(...started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
    const failed = started.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const url = (name: string) => parts.find((part) => part.name === name)?.url;
    const simulatorUrl = url('simulator');
    if (simulatorUrl) {
      await withClient(database.urls.owner, (client) => connectSimulator(client, simulatorUrl, secrets));
    }

    say(welcome(url('server')!, configuration, embedded !== undefined, performance.now() - began));
    const [queued] = await queueFirstSyncs.run(undefined, owner);
    if (queued!.queued > 0)
      await showProgress(owner, stopped.signal).catch((error: Error) =>
        say(`The progress can no longer be shown: ${error.message}`),
      );
    if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
    say('Stopping ...');
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
  } finally {
    stopped.abort();
    for (const part of parts) await part.stop();
    await reviving;
    await owner?.end();
    // Also a server that was already running: a killed start left it over, and now it belongs to this start.
    await embedded?.stop();
  }
  say('Everything has stopped. Your data is kept.');
  process.exit(process.exitCode ?? 0);
}

/**
 * Ensures that this start is the only one on the embedded database; otherwise the first to end would stop it for both.
 */
async function claim(owner: pg.Client): Promise<boolean> {
  const deadline = performance.now() + farewell;
  for (;;) {
    const { rows } = await owner.query<{ claimed: boolean }>(
      "select pg_try_advisory_lock(hashtext('vanguard start')) as claimed",
    );
    if (rows[0]?.claimed) return true;
    if (performance.now() > deadline) return false;
    await sleep(100);
  }
}

/** Returns the process id of another start that runs on this database. */
async function runningStart(owner: pg.Client): Promise<number | undefined> {
  const { rows } = await owner.query<{ pid: number }>(
    `select substring(application_name from '\\d+$')::integer as pid
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name ~ $1`,
    [`^${startName} \\d+$`],
  );
  return rows[0]?.pid;
}

function alreadyRunning({ dataFolder }: Configuration, pid: number | undefined): VanguardError {
  return new VanguardError(
    'ALREADY_RUNNING',
    `PFA Vanguard is already running on the data in ${dataFolder}${pid === undefined ? '' : `, as process ${pid}`}.`,
    {
      hint: `Use that instance, or stop it first${pid === undefined ? '' : ` with \`kill ${pid}\``}; a second one needs VANGUARD_DATA_DIR, PORT, ADMIN_PORT and SIMULATOR_PORT of its own.`,
    },
  );
}

function say(text: string): void {
  console.log(text);
}

/** Returns whether records come from the simulator. Stores a PEMS named by the environment as a connection. */
async function preparePems(
  client: pg.ClientBase,
  { pems, production }: Configuration,
  secrets: Secrets,
): Promise<{ needsSimulator: boolean }> {
  if (pems) {
    await saveConnection(client, createVault(secrets.encryptionKeys), {
      ...pems,
      id: 'pems-environment',
      name: 'PEMS (from the environment)',
      dateOrder: 'MDY',
      requestType: 'LIST.DATA_ONLY.STORED',
      isSimulated: false,
    });
  }
  const [connections] = await pemsConnectionsConfigured.run(undefined, client);
  if (connections!.isConfigured) return { needsSimulator: false };
  if (production)
    say(
      'No connection to PEMS is configured yet, and production does not simulate one: npx vanguard connection create',
    );
  return { needsSimulator: !production };
}

async function connectSimulator(client: pg.ClientBase, url: string, secrets: Secrets): Promise<void> {
  await saveConnection(client, createVault(secrets.encryptionKeys), {
    id: 'pems-global-pfa-read',
    name: 'PEMS: read PFA records',
    url,
    tenant: defaultCredentials.tenant,
    username: defaultCredentials.username,
    password: defaultCredentials.password,
    dateOrder: 'MDY',
    requestType: 'LIST.DATA_ONLY.STORED',
    // The simulator answers immediately, so that a user who stops it to watch the effect does not wait for minutes.
    timeoutMs: 5000,
    isSimulated: true,
  });
}

/**
 * Starts a part in its own process group, so that Ctrl-C reaches only this process, and restarts it when it dies.
 * Unless LOG_LEVEL is set, parts log only warnings and errors, to leave the terminal to the progress display.
 */
async function startPart(
  command: string,
  environment: Record<string, string>,
  stopped: AbortSignal,
): Promise<Part> {
  let child: ChildProcess;
  let ending = false;
  const launch = async (): Promise<ProcessMessage & { type: 'ready' }> => {
    child = fork(entry, [command], {
      detached: true,
      env: { ...process.env, LOG_LEVEL: process.env.LOG_LEVEL || 'warn', ...environment },
      execArgv: command === 'worker' ? smallHeap : [],
    });
    const current = child;
    const giveUp = () => current.kill('SIGTERM');
    stopped.addEventListener('abort', giveUp, { once: true });
    const exit = once(current, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const message = await Promise.race([
      (once(current, 'message') as Promise<[ProcessMessage]>).then(([first]) => first),
      exit.then(([code, signal]): ProcessMessage => ({
        type: 'failed',
        code: 'PART_STOPPED',
        message: `The ${command} stopped while starting (${signal ?? `exit code ${code}`}).`,
      })),
    ]);
    stopped.removeEventListener('abort', giveUp);
    if (message.type === 'failed') {
      await exit;
      throw new VanguardError(message.code, message.message, { hint: message.hint });
    }
    let reason = '';
    current.on('message', (last: ProcessMessage) => {
      if (last.type === 'failed') reason = `: ${last.message}`;
    });
    void exit.then(([code, signal]) => {
      if (ending || stopped.aborted) return;
      say(
        `The ${command} stopped unexpectedly (${signal ?? `exit code ${code}`})${reason || ';'} ${reason ? 'S' : 's'}tarting it again.`,
      );
      setTimeout(relaunch, restartDelay);
    });
    return message;
  };
  let wait = restartDelay;
  const relaunch = () => {
    if (ending || stopped.aborted) return;
    launch().then(
      () => (wait = restartDelay),
      (error: Error) => {
        if (ending) return;
        say(`The ${command} could not be restarted: ${error.message}`);
        wait = Math.min(wait * 2, longestRestartDelay);
        setTimeout(relaunch, wait);
      },
    );
  };
  const ready = await launch();
  return {
    name: command,
    url: ready.url,
    stop: async () => {
      ending = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patience);
      await exit;
      clearTimeout(timer);
    },
  };
}

function welcome(
  url: string,
  { production }: Configuration,
  isEmbedded: boolean,
  milliseconds: number,
): string {
  return `
PFA Vanguard is ready after ${(milliseconds / 1000).toFixed(1)} s: ${url}
${production ? '' : `\n  Sign in     ${demoUser.username} / ${demoUser.password}  (unless you changed it; the demo's only)\n  Explore     ${url}/graphiql`}
  GraphQL     ${url}/graphql
  Token       curl -s ${url}/api/auth/login -H 'content-type: application/json' -d '{"username":"${production ? 'NAME' : demoUser.username}","password":"${production ? 'PASSWORD' : demoUser.password}"}'
  Stop        Ctrl-C${isEmbedded ? ' (the data is kept)' : ''}
`;
}

/** Shows the progress of the first sync of every organization. */
async function showProgress(owner: pg.Client, stopped: AbortSignal): Promise<void> {
  const began = performance.now();
  let shown = '';
  for (;;) {
    const [progress] = await syncProgress.run(undefined, owner);
    const { organizations, done, failed, records, running } = progress!;
    const line = `Reading PEMS: ${done} of ${organizations} organizations, ${records.toLocaleString('en')} records${running ? ` (now ${running})` : ''}`;
    if (line !== shown) {
      if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
      else say(line);
      shown = line;
    }
    if (done + failed >= organizations || stopped.aborted) break;
    await sleep(1000, undefined, { signal: stopped }).catch(() => undefined);
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
  if (stopped.aborted) return;
  const [progress] = await syncProgress.run(undefined, owner);
  say(
    `${progress!.records.toLocaleString('en')} records of ${progress!.done} organizations are in, after ${((performance.now() - began) / 1000).toFixed(1)} s.`,
  );
  if (progress!.failed > 0)
    say(`${progress!.failed} could not be read and will be retried. Why: npx vanguard sync status`);
}
