import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { monitoring } from '../../sql/health/health.queries.ts';
import { workClasses, type AdmissionFigures } from '../http/admission.ts';
import type { PemsAction } from '../pems/index.ts';

/** Result of app_private.monitoring(). */
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
    mirror_overdue_seconds: number | null;
    last_outcome: 'succeeded' | 'withheld' | 'failed' | null;
    last_ended_at: number | null;
    last_duration_seconds: number | null;
    sync_paused_seconds: number;
    push_gate: (typeof gates)[number];
    push_paused_seconds: number;
    push_waiting: number;
    push_writing: number;
    push_uncertain: number;
    push_oldest_seconds: number;
    push_confirmed: number;
    push_returned: number;
    problem_drafts: number;
    problem_oldest_seconds: number;
    problems: Record<string, number>;
  }[];
  connections: {
    connection: string;
    is_breaker_open: boolean;
    breaker_open_seconds: number;
    failures: number;
    paused_seconds: number;
  }[];
  rates: { connection: string; tenant: string; requests_per_second: number; requests: number }[];
}

/** Results of app_private.push_gate(). */
const gates = ['open', 'paused', 'no_connection', 'connection_paused', 'breaker_open'] as const;

/** Metrics of one process. */
export interface Metrics {
  /** Records an answered request. `route` is a pattern such as /api/pfa/:org, never a path. */
  request(method: string, route: string, status: number, seconds: number): void;
  /** Records a finished job. */
  job(task: string, outcome: 'succeeded' | 'failed', seconds: number): void;
  /** Records a request to PEMS. `outcome` is `answered` or the code of the error. */
  pemsRequest(action: PemsAction, outcome: string, seconds: number): void;
  /** Adds the connections of this pool to the metrics. */
  watchPool(name: string, pool: pg.Pool): void;
  /** Adds running, waiting and refused requests to the metrics. */
  watchAdmission(figures: () => AdmissionFigures): void;
  /** Adds open websockets and subscriptions to the metrics. */
  watchRealtime(open: () => { sockets: number; subscriptions: number }): void;
  /** Records an event sent to a subscription. */
  realtimeEvent(kind: string): void;
  /** Records a reload notice: the client was `slow`, there were too `many` changes, or notifications were `lost`. */
  realtimeResync(reason: 'slow' | 'many' | 'lost'): void;
  /** Returns all metrics in the format of Prometheus. With `database`, adds the metrics that the database holds, if it answers. */
  read(database?: pg.Pool): Promise<string>;
  contentType: string;
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Creates the metrics of a process. Labels hold only bounded sets of values: methods, route patterns, statuses, tasks,
 * codes, organizations, connections, tenants.
 */
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
    help: 'Duration of answered requests, in seconds; 499: the client disconnected.',
    labelNames: ['method', 'route', 'status'],
    buckets: seconds,
    registers: [registry],
  });
  const jobs = new Counter({
    name: 'vanguard_jobs_total',
    help: 'Jobs that this worker finished.',
    labelNames: ['task', 'outcome'],
    registers: [registry],
  });
  const jobSeconds = new Histogram({
    name: 'vanguard_job_duration_seconds',
    help: 'Duration of the jobs of this worker, in seconds.',
    labelNames: ['task'],
    buckets: [...seconds, 60, 300],
    registers: [registry],
  });

  const pemsRequests = new Histogram({
    name: 'vanguard_pems_request_duration_seconds',
    help: 'Duration of the requests of this worker to PEMS, in seconds, by action and outcome.',
    labelNames: ['action', 'outcome'],
    buckets: [...seconds, 60, 120],
    registers: [registry],
  });

  const pools = new Map<string, pg.Pool>();
  const poolSize = gauge('pool_size', 'Open connections of a pool.', ['pool']);
  const poolIdle = gauge('pool_idle', 'Idle connections of a pool.', ['pool']);
  const poolWaiting = gauge('pool_waiting', 'Callers that wait for a connection of a pool.', ['pool']);
  const poolMaximum = gauge('pool_maximum', 'Maximum number of connections of a pool.', ['pool']);

  let admission: (() => AdmissionFigures) | undefined;
  const admitted = gauge('requests_admitted', 'Requests that run or wait for admission, by class of work.', [
    'class',
    'state',
  ]);
  const refusals = new Counter({
    name: 'vanguard_requests_refused_total',
    help: 'Requests refused because too many ran and waited, by class of work.',
    labelNames: ['class'],
    registers: [registry],
  });

  let realtime: (() => { sockets: number; subscriptions: number }) | undefined;
  const sockets = gauge('websockets', 'Open websockets.');
  const subscriptions = gauge('subscriptions', 'Open GraphQL subscriptions.');
  const events = new Counter({
    name: 'vanguard_subscription_events_total',
    help: 'Events sent to subscriptions, by kind.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const resyncs = new Counter({
    name: 'vanguard_subscription_resyncs_total',
    help: 'Reload notices sent to subscriptions, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });

  const up = gauge('database_up', 'Whether the database answered this scrape.');
  const workers = gauge('workers', 'Running worker processes.');
  const queueJobs = gauge(
    'queue_jobs',
    'Jobs by task: ready, scheduled for later, locked, failed for good.',
    ['task', 'state'],
  );
  const oldest = gauge('queue_oldest_ready_seconds', 'Age of the oldest ready job, in seconds.', ['task']);
  const age = gauge(
    'mirror_age_seconds',
    'Time since the last successful run, in seconds; absent before the first.',
    ['organization'],
  );
  const overdue = gauge(
    'mirror_overdue_seconds',
    'Time by which the last successful run is overdue, in seconds; absent without a schedule.',
    ['organization'],
  );
  const succeeded = gauge('sync_last_succeeded', 'Whether the last finished run succeeded: 1 or 0.', [
    'organization',
  ]);
  const endedAt = gauge('sync_last_ended_timestamp_seconds', 'Time at which the last run ended.', [
    'organization',
  ]);
  const duration = gauge('sync_last_duration_seconds', 'Duration of the last run, in seconds.', [
    'organization',
  ]);
  const syncPaused = gauge(
    'sync_paused_seconds',
    'Time since the schedule was paused, in seconds; 0: not paused.',
    ['organization'],
  );

  const gate = gauge(
    'push_gate',
    'State of writing to PEMS, or the obstacle: 1 for the current state, else 0.',
    ['organization', 'state'],
  );
  const pushPaused = gauge(
    'push_paused_seconds',
    'Time since writing for the organization was paused, in seconds; 0: not paused.',
    ['organization'],
  );
  const unsettled = gauge(
    'push_changes',
    'Committed changes: waiting, being written, and among the latter those whose write has no certain outcome.',
    ['organization', 'state'],
  );
  const pushOldest = gauge(
    'push_oldest_seconds',
    'Age of the oldest committed change that is not settled, in seconds; 0: all are settled.',
    ['organization'],
  );
  const settled = gauge(
    'push_settled_10m',
    'Changes that PEMS confirmed, or that returned to their authors, in the last 10 minutes (a window, not a total).',
    ['organization', 'outcome'],
  );
  const problemDrafts = gauge('problem_drafts', 'Drafts with problems.', ['organization']);
  const problems = gauge('problems', 'Drafted keys with a problem, by kind.', ['organization', 'kind']);
  const problemOldest = gauge(
    'problem_oldest_seconds',
    'Longest time for which a draft with problems has been untouched, in seconds; 0: no such draft.',
    ['organization'],
  );

  const breaker = gauge(
    'pems_breaker_open',
    'Whether the breaker of the connection is open, so that PEMS is only probed: 1 or 0.',
    ['connection'],
  );
  const breakerSeconds = gauge(
    'pems_breaker_open_seconds',
    'Time since the breaker opened, in seconds; 0: closed.',
    ['connection'],
  );
  const failures = gauge(
    'pems_failures',
    'Consecutive failed requests for a reason of the connection, while writing.',
    ['connection'],
  );
  const connectionPaused = gauge(
    'pems_paused_seconds',
    'Time since writing over the connection was paused, in seconds; 0: not paused.',
    ['connection'],
  );
  const turns = new Counter({
    name: 'vanguard_pems_requests_total',
    help: 'Requests granted to a tenant of PEMS, by all workers together.',
    labelNames: ['connection', 'tenant'],
    registers: [registry],
  });
  const limit = gauge('pems_requests_per_second', 'Rate limit of a tenant of PEMS, in requests per second.', [
    'connection',
    'tenant',
  ]);
  const ofDatabase = [
    ...[workers, queueJobs, oldest, age, overdue, succeeded, endedAt, duration, syncPaused],
    ...[gate, pushPaused, unsettled, pushOldest, settled, problemDrafts, problems, problemOldest],
    ...[breaker, breakerSeconds, failures, connectionPaused, turns, limit],
  ];

  function show({ queue, workers: running, organizations, connections, rates }: Monitoring): void {
    workers.set(running);
    for (const { task, oldest_ready_seconds, ...states } of queue) {
      for (const [state, count] of Object.entries(states)) queueJobs.set({ task, state }, count);
      oldest.set({ task }, oldest_ready_seconds);
    }
    for (const known of organizations) {
      const { organization } = known;
      if (known.mirror_age_seconds !== null) age.set({ organization }, known.mirror_age_seconds);
      if (known.mirror_overdue_seconds !== null) overdue.set({ organization }, known.mirror_overdue_seconds);
      syncPaused.set({ organization }, known.sync_paused_seconds);
      for (const state of gates) gate.set({ organization, state }, known.push_gate === state ? 1 : 0);
      pushPaused.set({ organization }, known.push_paused_seconds);
      unsettled.set({ organization, state: 'waiting' }, known.push_waiting);
      unsettled.set({ organization, state: 'writing' }, known.push_writing);
      unsettled.set({ organization, state: 'uncertain' }, known.push_uncertain);
      pushOldest.set({ organization }, known.push_oldest_seconds);
      settled.set({ organization, outcome: 'confirmed' }, known.push_confirmed);
      settled.set({ organization, outcome: 'returned' }, known.push_returned);
      problemDrafts.set({ organization }, known.problem_drafts);
      problemOldest.set({ organization }, known.problem_oldest_seconds);
      for (const [kind, count] of Object.entries(known.problems)) problems.set({ organization, kind }, count);
      if (known.last_outcome === null) continue;
      succeeded.set({ organization }, known.last_outcome === 'succeeded' ? 1 : 0);
      if (known.last_ended_at !== null) endedAt.set({ organization }, known.last_ended_at);
      if (known.last_duration_seconds !== null) duration.set({ organization }, known.last_duration_seconds);
    }
    for (const { connection, ...state } of connections) {
      breaker.set({ connection }, state.is_breaker_open ? 1 : 0);
      breakerSeconds.set({ connection }, state.breaker_open_seconds);
      failures.set({ connection }, state.failures);
      connectionPaused.set({ connection }, state.paused_seconds);
    }
    for (const { connection, tenant, requests: given, requests_per_second } of rates) {
      // The database counts these, so the counter is set to its value.
      turns.inc({ connection, tenant }, given);
      limit.set({ connection, tenant }, requests_per_second);
    }
  }

  /** Concurrent scrapes share one query of the database. */
  let asking: Promise<Monitoring | undefined> | undefined;
  const ask = (database: pg.Pool) =>
    (asking ??= monitoring
      .run(undefined, database)
      .then(
        ([row]) => row!.monitoring as unknown as Monitoring,
        // An unreachable database is a metric, not an error.
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
    pemsRequest: (action, outcome, took) => pemsRequests.observe({ action, outcome }, took),
    watchPool: (name, pool) => void pools.set(name, pool),
    watchAdmission: (figures) => void (admission = figures),
    watchRealtime: (open) => void (realtime = open),
    realtimeEvent: (kind) => events.inc({ kind }),
    realtimeResync: (reason) => resyncs.inc({ reason }),
    read: async (database) => {
      // Default metrics start with the first scrape, because they keep timers.
      if (!collects) collectDefaultMetrics({ register: registry });
      collects = true;
      const answer = database && (await ask(database));
      for (const metric of ofDatabase) metric.reset();
      // Metrics without labels would be 0 while their value is unknown.
      if (database) up.set(answer ? 1 : 0);
      else up.remove();
      if (answer) show(answer);
      else workers.remove();
      const figures = admission?.();
      if (figures) refusals.reset();
      for (const name of figures ? workClasses : []) {
        const { running, waiting, refused } = figures![name];
        admitted.set({ class: name, state: 'running' }, running);
        admitted.set({ class: name, state: 'waiting' }, waiting);
        refusals.inc({ class: name }, refused);
      }
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
