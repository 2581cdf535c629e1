import {
  Logger as QueueLogger,
  run,
  type Runner,
  type Task,
  type TaskList,
  type WorkerEvents,
} from 'graphile-worker';
import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Logger } from 'pino';
import { deregisterWorker, registerWorker, releaseDeadWorkers } from '../sql/sync/sync.queries.ts';
import { createMetrics, type Metrics } from '../src/admin/metrics.ts';
import { startAdmin } from '../src/admin/server.ts';
import {
  defaultRetention,
  defaultRunLimits,
  type Address,
  type Retention,
  type RunLimits,
} from '../src/configuration.ts';
import { createPool } from '../src/database/pool.ts';
import { checkMigrations } from '../src/database/state.ts';
import { checkPooler, checkServer, connectionFailure } from '../src/database/usable.ts';
import { createVault } from '../src/encryption.ts';
import { VanguardError } from '../src/errors.ts';
import { createLogger } from '../src/logger.ts';
import type { TaskContext } from './context.ts';
import { pfa__check_drift } from './tasks/pfa__check_drift.ts';
import { pfa__dispatch_lists } from './tasks/pfa__dispatch_lists.ts';
import { pfa__dispatch_syncs } from './tasks/pfa__dispatch_syncs.ts';
import { pfa__dispatch_pushes } from './tasks/pfa__dispatch_pushes.ts';
import { pfa__push } from './tasks/pfa__push.ts';
import { pfa__read_lists } from './tasks/pfa__read_lists.ts';
import { pfa__sync } from './tasks/pfa__sync.ts';
import { retention__enforce } from './tasks/retention__enforce.ts';
import { summaries__refresh } from './tasks/summaries__refresh.ts';

/** Scheduled tasks (UTC). The worker catches up on a night that no worker ran. */
const crontab = `* * * * * pfa__dispatch_syncs
* * * * * pfa__dispatch_pushes
* * * * * pfa__dispatch_lists
17 3 * * * retention__enforce ?fill=1d&max=5`;

/** Grace period for reads when the worker stops, in milliseconds; an interrupted read is repeated. */
const stopPatience = 2000;

/** Settings of a worker. */
export interface WorkerOptions {
  /** Connects as vanguard_worker, directly or through a pooler of sessions. */
  workerUrl: string;
  encryptionKeys: string;
  /** Maximum number of concurrent jobs, and of concurrent pushes beside them, so that reads never delay writes. */
  concurrency: number;
  logLevel: string;
  /** Retention of growing data. */
  retention?: Retention;
  /** Limits of one run. Default: the limits of the configuration. */
  runLimits?: RunLimits;
  /** Address for monitoring this worker; undefined: none. */
  admin?: Address;
  /** In the format of ALLOWED_HOSTS. */
  allowedHosts?: readonly string[];
  /** Interval of the search for jobs of killed workers, in milliseconds. Default 10,000. */
  releaseIntervalMs?: number;
  /** Delay before a request to PEMS is retried, in milliseconds. Default 1,000. */
  pemsRetryDelayMs?: number;
}

/** A running worker. */
export interface RunningWorker {
  adminPort: number | undefined;
  /** Resolves with the reason when the worker can no longer work: stop it then. */
  ended: Promise<VanguardError>;
  /** Accepts no more jobs, finishes or returns the running ones, and releases the database. */
  stop(): Promise<void>;
}

/**
 * Starts the queues of a worker process. Fails with DATABASE_UNREACHABLE, DATABASE_NOT_MIGRATED, DATABASE_OTHER_HISTORY
 * or DATABASE_NEWER.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const logger = createLogger('worker', options.logLevel);
  const pool = createPool(options.workerUrl, 'vanguard worker', logger, {
    size: options.concurrency * 3 + 6,
  });
  // Holds the advisory lock of this process, which counts as alive as long as this connection lives.
  const presence = new pg.Client({
    connectionString: options.workerUrl,
    application_name: 'vanguard worker presence',
  });
  const metrics = createMetrics('worker');
  metrics.watchPool('jobs', pool);
  let admin: Awaited<ReturnType<typeof startAdmin>> | undefined;
  const runners: Runner[] = [];
  const stopping = new AbortController();
  presence.on('error', (error) => {
    // Without the lock, other workers consider this one dead and repeat its jobs, so it must end.
    if (!stopping.signal.aborted) {
      logger.fatal(
        { error: error.message },
        'lost the connection that shows that this worker is alive; it ends, and is to be started again',
      );
      process.exit(1);
    }
  });
  const ended = Promise.withResolvers<VanguardError>();
  /** Checks the migrations before each job and at each tick, because a newer version may have migrated the database. */
  const checkSchema = async () => {
    try {
      await checkMigrations(pool);
    } catch (error) {
      if (error instanceof VanguardError) ended.resolve(error);
      throw error;
    }
  };
  const guarded =
    (task: Task): Task =>
    async (payload, helpers) => {
      await checkSchema();
      return task(payload, helpers);
    };
  try {
    admin =
      options.admin &&
      (await startAdmin({
        ...options.admin,
        variable: 'WORKER_ADMIN_PORT',
        databaseUrl: options.workerUrl,
        showsDatabase: false,
        allowedHosts: options.allowedHosts,
        metrics,
        logger,
      }));
    await presence.connect();
    await checkServer(presence);
    await checkMigrations(pool);
    await checkPooler(options.workerUrl);
    await releaseOthers(pool, logger);
    const registration = Promise.withResolvers<string>();
    // Avoids an unhandled rejection; awaiters still receive the error.
    registration.promise.catch(() => undefined);
    const context: TaskContext = {
      pool,
      vault: createVault(options.encryptionKeys),
      retention: options.retention ?? defaultRetention,
      runLimits: options.runLimits ?? defaultRunLimits,
      logger,
      metrics,
      workerId: registration.promise,
      stopping: stopping.signal,
      pemsRetryDelayMs: options.pemsRetryDelayMs,
    };
    /** Starts a queue with tasks of its own, and registers it as alive. */
    const startQueue = async (tasks: TaskList, items: string): Promise<string> => {
      const registered = Promise.withResolvers<string>();
      const events = new EventEmitter() as WorkerEvents;
      countJobs(events, metrics);
      events.once('pool:create', ({ workerPool: { id } }) => {
        registerWorker.run({ poolId: id }, presence).then(() => registered.resolve(id), registered.reject);
      });
      const queue = await run({
        pgPool: pool,
        taskList: tasks,
        crontab: items,
        concurrency: options.concurrency,
        noHandleSignals: true,
        preset: { worker: { gracefulShutdownAbortTimeout: stopPatience } },
        events,
        logger: queueLogger(logger),
      });
      runners.push(queue);
      // The queue also ends without an error, for example when another version migrates it; without a queue, the worker
      // would only look alive.
      const lost = (error?: Error) => {
        if (stopping.signal.aborted) return;
        logger.fatal({ error: error?.message }, 'the queue stopped');
        process.exit(1);
      };
      queue.promise.then(() => lost(), lost);
      return registered.promise;
    };
    const starting = startQueue(
      {
        pfa__sync: guarded(pfa__sync(context)),
        pfa__check_drift: guarded(pfa__check_drift(context)),
        pfa__dispatch_syncs: guarded(pfa__dispatch_syncs(context)),
        pfa__dispatch_lists: guarded(pfa__dispatch_lists(context)),
        pfa__read_lists: guarded(pfa__read_lists(context)),
        pfa__dispatch_pushes: guarded(pfa__dispatch_pushes(context)),
        summaries__refresh: guarded(summaries__refresh(context)),
        retention__enforce: guarded(retention__enforce(context)),
      },
      crontab,
    );
    starting.then(registration.resolve, registration.reject);
    const poolIds = [await starting, await startQueue({ pfa__push: guarded(pfa__push(context)) }, '')];
    const tick = async () => {
      await checkSchema();
      await releaseOthers(pool, logger);
    };
    const timer = setInterval(() => {
      tick().catch((error: Error) =>
        logger.warn({ error: error.message }, 'could not look for dead workers'),
      );
    }, options.releaseIntervalMs ?? 10_000);
    void ended.promise.then((error) => {
      clearInterval(timer);
      logger.fatal(
        { code: error.code, hint: error.hint },
        `${error.message} This worker takes no more jobs.`,
      );
    });
    logger.info({ concurrency: options.concurrency }, 'working');
    return {
      adminPort: admin?.port,
      ended: ended.promise,
      stop: async () => {
        stopping.abort();
        clearInterval(timer);
        await Promise.all(runners.map((runner) => runner.stop()));
        for (const poolId of poolIds) await deregisterWorker.run({ poolId }, presence);
        await presence.end();
        await admin?.stop();
        await pool.end();
        logger.info('stopped');
      },
    };
  } catch (error) {
    stopping.abort();
    await Promise.all(runners.map((runner) => runner.stop()));
    await presence.end().catch(() => undefined);
    await admin?.stop();
    await pool.end();
    throw connectionFailure(options.workerUrl, error);
  }
}

async function releaseOthers(pool: pg.Pool, logger: Logger): Promise<void> {
  const [released] = await releaseDeadWorkers.run(undefined, pool);
  if (released && released.dead.length > 0)
    logger.warn({ workers: released.dead }, 'gave back the jobs of workers that were killed');
}

/** Counts and measures every finished job. */
function countJobs(events: WorkerEvents, metrics: Metrics): void {
  const began = new Map<string, number>();
  events.on('job:start', ({ job }) => began.set(job.id, performance.now()));
  events.on('job:complete', ({ job, error }) => {
    const seconds = (performance.now() - (began.get(job.id) ?? performance.now())) / 1000;
    began.delete(job.id);
    metrics.job(job.task_identifier, error ? 'failed' : 'succeeded', seconds);
  });
}

/** Returns a logger for the queue's own messages; routine messages are logged at lower levels. */
function queueLogger(logger: Logger): QueueLogger {
  const levels = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;
  return new QueueLogger(() => (level, message, meta) => {
    logger[levels[level] ?? 'debug'](
      { ...(meta?.error instanceof Error ? { err: meta.error } : {}) },
      message,
    );
  });
}
