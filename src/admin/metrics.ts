import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { monitoring } from '../../sql/health/health.queries.ts';
import { workClasses, type AdmissionFigures } from '../http/admission.ts';
import type { PemsAction } from '../pems/index.ts';

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

/** What app_private.push_gate() answers. */
const gates = ['open', 'paused', 'no_connection', 'connection_paused', 'breaker_open'] as const;

/** What one process counts and measures of itself, and where it is read. */
export interface Metrics {
  /** A request was answered. `route` is a pattern such as /api/pfa/:org, never a path. */
  request(method: string, route: string, status: number, seconds: number): void;
  /** A job ended. */
  job(task: string, outcome: 'succeeded' | 'failed', seconds: number): void;
  /** PEMS was asked for something. `outcome`: `answered`, or the code of why not. */
  pemsRequest(action: PemsAction, outcome: string, seconds: number): void;
  /** From now on the connections of this pool are shown. */
  watchPool(name: string, pool: pg.Pool): void;
  /** From now on the requests are shown that run, wait and were refused. */
  watchAdmission(figures: () => AdmissionFigures): void;
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

/**
 * Labels hold only what there is a bounded number of: methods, route patterns, statuses, tasks, codes, organizations,
 * connections, tenants.
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

  const pemsRequests = new Histogram({
    name: 'vanguard_pems_request_duration_seconds',
    help: 'Requests of this worker to PEMS by what was asked and how it ended, and how long they took.',
    labelNames: ['action', 'outcome'],
    buckets: [...seconds, 60, 120],
    registers: [registry],
  });

  const pools = new Map<string, pg.Pool>();
  const poolSize = gauge('pool_size', 'Open connections of a pool.', ['pool']);
  const poolIdle = gauge('pool_idle', 'Open connections of a pool that nobody uses.', ['pool']);
  const poolWaiting = gauge('pool_waiting', 'Who waits for a connection of a pool.', ['pool']);
  const poolMaximum = gauge('pool_maximum', 'How many connections a pool may open.', ['pool']);

  let admission: (() => AdmissionFigures) | undefined;
  const admitted = gauge('requests_admitted', 'Requests that run or wait for their turn, by class of work.', [
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
  const workers = gauge('workers', 'Worker processes that run.');
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
  const overdue = gauge(
    'mirror_overdue_seconds',
    'How much longer ago the last run that succeeded is than the schedule allows; none: no schedule asks for one.',
    ['organization'],
  );
  const succeeded = gauge('sync_last_succeeded', 'Whether the last run that ended succeeded: 1 or 0.', [
    'organization',
  ]);
  const endedAt = gauge('sync_last_ended_timestamp_seconds', 'When the last run ended.', ['organization']);
  const duration = gauge('sync_last_duration_seconds', 'How long the last run took.', ['organization']);
  const syncPaused = gauge('sync_paused_seconds', 'How long the schedule has been paused; 0: it is not.', [
    'organization',
  ]);

  const gate = gauge('push_gate', 'Whether changes are written to PEMS, or what holds them up: 1 or 0.', [
    'organization',
    'state',
  ]);
  const pushPaused = gauge(
    'push_paused_seconds',
    'How long writing changes of the organization has been paused; 0: it is not.',
    ['organization'],
  );
  const unsettled = gauge(
    'push_changes',
    'Committed changes that wait, are being written, and of these those whose write ended without a certain answer.',
    ['organization', 'state'],
  );
  const pushOldest = gauge(
    'push_oldest_seconds',
    'How long ago the oldest change was committed that is not settled; 0: all are.',
    ['organization'],
  );
  const settled = gauge(
    'push_settled_10m',
    'Changes that PEMS confirmed, or that came back to their authors, within the last 10 minutes: over that window, not since the beginning.',
    ['organization', 'outcome'],
  );
  const problemDrafts = gauge('problem_drafts', 'Drafts with problems.', ['organization']);
  const problems = gauge('problems', 'Drafted keys with a problem, by kind.', ['organization', 'kind']);
  const problemOldest = gauge(
    'problem_oldest_seconds',
    'How long the draft with problems has been untouched that has been so for longest; 0: there is none.',
    ['organization'],
  );

  const breaker = gauge(
    'pems_breaker_open',
    'Whether PEMS does not work over the connection, so that it is only probed: 1 or 0.',
    ['connection'],
  );
  const breakerSeconds = gauge('pems_breaker_open_seconds', 'For how long so; 0: it is not.', ['connection']);
  const failures = gauge(
    'pems_failures',
    'Requests in a row that failed for a reason of the connection while writing.',
    ['connection'],
  );
  const connectionPaused = gauge(
    'pems_paused_seconds',
    'How long writing over the connection has been paused; 0: it is not.',
    ['connection'],
  );
  const turns = new Counter({
    name: 'vanguard_pems_requests_total',
    help: 'Requests to a tenant of PEMS that were given out, by all workers together.',
    labelNames: ['connection', 'tenant'],
    registers: [registry],
  });
  const limit = gauge('pems_requests_per_second', 'How many requests a second a tenant of PEMS allows.', [
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
      // Counted by the database: it is told here as it stands there.
      turns.inc({ connection, tenant }, given);
      limit.set({ connection, tenant }, requests_per_second);
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
    pemsRequest: (action, outcome, took) => pemsRequests.observe({ action, outcome }, took),
    watchPool: (name, pool) => void pools.set(name, pool),
    watchAdmission: (figures) => void (admission = figures),
    watchRealtime: (open) => void (realtime = open),
    realtimeEvent: (kind) => events.inc({ kind }),
    realtimeResync: (reason) => resyncs.inc({ reason }),
    read: async (database) => {
      // Of the process only where somebody looks: it keeps timers.
      if (!collects) collectDefaultMetrics({ register: registry });
      collects = true;
      const answer = database && (await ask(database));
      for (const metric of ofDatabase) metric.reset();
      // Without labels they would be 0 where nobody knows.
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
