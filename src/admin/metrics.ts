import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { monitoring } from '../../sql/health/health.queries.ts';

/** What app_private.monitoring() answers. */
interface Monitoring {
  queue: {
    task: string;
    ready: number;
    scheduled: number;
    locked: number;
    failed: number;
    oldest_ready_seconds: number;
  }[];
  workers: number;
  organizations: {
    organization: string;
    mirror_age_seconds: number | null;
    last_outcome: 'succeeded' | 'failed' | null;
    last_ended_at: number | null;
    last_duration_seconds: number | null;
  }[];
}

/** What one process counts and measures of itself, and where it is read. */
export interface Metrics {
  /** A request was answered. `route` is a pattern such as /api/pfa/:org, never a path. */
  request(method: string, route: string, status: number, seconds: number): void;
  /** A job ended. */
  job(task: string, outcome: 'succeeded' | 'failed', seconds: number): void;
  /** From now on the connections of this pool are shown. */
  watchPool(name: string, pool: pg.Pool): void;
  /** From now on the websockets and subscriptions are shown that are open. */
  watchRealtime(open: () => { sockets: number; subscriptions: number }): void;
  /** A subscription was told something. */
  realtimeEvent(kind: string): void;
  /** A subscription has to catch up: it was `slow`, there were too `many` changes, or notifications were `lost`. */
  realtimeResync(reason: 'slow' | 'many' | 'lost'): void;
  /** Everything as Prometheus reads it. `database`: also what the database knows, where it can be asked. */
  read(database?: pg.Pool): Promise<string>;
  contentType: string;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Labels hold only what there is a bounded number of: methods, route patterns, statuses, tasks, organizations. */
export function createMetrics(part: 'server' | 'worker'): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ part });
  let collects = false;
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: `vanguard_${name}`, help, labelNames, registers: [registry] });

  gauge('build_info', 'Version of the product and of node; always 1.', ['version', 'node']).set(
    { version, node: process.versions.node },
    1,
  );
  const requests = new Histogram({
    name: 'vanguard_http_request_duration_seconds',
    help: 'Requests answered, and how long they took; 499: the client went away.',
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers: [registry],
  });
  const jobs = new Counter({
    name: 'vanguard_jobs_total',
    help: 'Jobs that this worker ended.',
    labelNames: ['task', 'outcome'],
    registers: [registry],
  });
  const jobSeconds = new Histogram({
    name: 'vanguard_job_duration_seconds',
    help: 'How long the jobs of this worker took.',
    labelNames: ['task'],
    buckets: [...seconds, 60, 300],
    registers: [registry],
  });

  const pools = new Map<string, pg.Pool>();
  const poolSize = gauge('pool_size', 'Open connections of a pool.', ['pool']);
  const poolIdle = gauge('pool_idle', 'Open connections of a pool that nobody uses.', ['pool']);
  const poolWaiting = gauge('pool_waiting', 'Who waits for a connection of a pool.', ['pool']);
  const poolMaximum = gauge('pool_maximum', 'How many connections a pool may open.', ['pool']);

  let realtime: (() => { sockets: number; subscriptions: number }) | undefined;
  const sockets = gauge('websockets', 'Websockets that are open.');
  const subscriptions = gauge('subscriptions', 'GraphQL subscriptions that are open.');
  const events = new Counter({
    name: 'vanguard_subscription_events_total',
    help: 'Events told to subscriptions, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const resyncs = new Counter({
    name: 'vanguard_subscription_resyncs_total',
    help: 'Subscriptions told to catch up, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });

  const up = gauge('database_up', 'Whether the database answered at this scrape.');
  const workers = gauge('workers', 'Worker processes that run, or were killed less than some seconds ago.');
  const queueJobs = gauge(
    'queue_jobs',
    'Jobs by task: ready, scheduled for later, locked, failed for good.',
    ['task', 'state'],
  );
  const oldest = gauge('queue_oldest_ready_seconds', 'How long the oldest job that is ready has waited.', [
    'task',
  ]);
  const age = gauge('mirror_age_seconds', 'Time since the last run that succeeded; none: never.', [
    'organization',
  ]);
  const succeeded = gauge('sync_last_succeeded', 'Whether the last run that ended succeeded: 1 or 0.', [
    'organization',
  ]);
  const endedAt = gauge('sync_last_ended_timestamp_seconds', 'When the last run ended.', ['organization']);
  const duration = gauge('sync_last_duration_seconds', 'How long the last run took.', ['organization']);
  const ofDatabase = [workers, queueJobs, oldest, age, succeeded, endedAt, duration];

  function show({ queue, workers: running, organizations }: Monitoring): void {
    workers.set(running);
    for (const { task, oldest_ready_seconds, ...states } of queue) {
      for (const [state, count] of Object.entries(states)) queueJobs.set({ task, state }, count);
      oldest.set({ task }, oldest_ready_seconds);
    }
    for (const known of organizations) {
      const { organization } = known;
      if (known.mirror_age_seconds !== null) age.set({ organization }, known.mirror_age_seconds);
      if (known.last_outcome === null) continue;
      succeeded.set({ organization }, known.last_outcome === 'succeeded' ? 1 : 0);
      if (known.last_ended_at !== null) endedAt.set({ organization }, known.last_ended_at);
      if (known.last_duration_seconds !== null) duration.set({ organization }, known.last_duration_seconds);
    }
  }

  /** Whoever scrapes while another scrape waits for the database shares its answer. */
  let asking: Promise<Monitoring | undefined> | undefined;
  const ask = (database: pg.Pool) =>
    (asking ??= monitoring
      .run(undefined, database)
      .then(
        ([row]) => row!.monitoring as unknown as Monitoring,
        // A database that is down is a figure, not a failure.
        () => undefined,
      )
      .finally(() => (asking = undefined)));

  return {
    request: (method, route, status, took) =>
      requests.observe({ method: knownMethod(method), route, status }, took),
    job: (task, outcome, took) => {
      jobs.inc({ task, outcome });
      jobSeconds.observe({ task }, took);
    },
    watchPool: (name, pool) => void pools.set(name, pool),
    watchRealtime: (open) => void (realtime = open),
    realtimeEvent: (kind) => events.inc({ kind }),
    realtimeResync: (reason) => resyncs.inc({ reason }),
    read: async (database) => {
      // Of the process only where somebody looks: it keeps timers.
      if (!collects) collectDefaultMetrics({ register: registry });
      collects = true;
      const answer = database && (await ask(database));
      for (const metric of ofDatabase) metric.reset();
      if (database) up.set(answer ? 1 : 0);
      if (answer) show(answer);
      const open = realtime?.();
      if (open) {
        sockets.set(open.sockets);
        subscriptions.set(open.subscriptions);
      }
      for (const [name, pool] of pools) {
        poolSize.set({ pool: name }, pool.totalCount);
        poolIdle.set({ pool: name }, pool.idleCount);
        poolWaiting.set({ pool: name }, pool.waitingCount);
        poolMaximum.set({ pool: name }, pool.options.max);
      }
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const knownMethod = (method: string) => (methods.includes(method) ? method : 'OTHER');
