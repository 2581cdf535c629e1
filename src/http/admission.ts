import { AsyncResource } from 'node:async_hooks';
import type { RequestHandler } from 'express';
import PQueue from 'p-queue';
import { clientAddress } from '../auth/client-address.ts';
import type { Identity } from '../auth/identity.ts';
import { VanguardError } from '../errors.ts';
import { clientSignal } from './client-gone.ts';

/** Classes of work. Health checks belong to no class, because they never wait. */
export const workClasses = ['sign_in', 'read', 'stream', 'bulk'] as const;
export type WorkClass = (typeof workClasses)[number];

/** Limits of concurrent requests, and of the time that other requests wait. */
export interface AdmissionLimits {
  /** Concurrent small requests of one user. */
  userRequests: number;
  /** Concurrent small requests of all users of one organization. */
  organizationRequests: number;
  /** Concurrent bulk work of all users: bulk changes, undo, large commits, expensive reads. */
  bulkRequests: number;
  /** Longest wait, in seconds. */
  waitSeconds: number;
}

export const defaultAdmission: AdmissionLimits = {
  userRequests: 6,
  organizationRequests: 12,
  bulkRequests: 2,
  waitSeconds: 10,
};

/** Maximum number of running and waiting sign-ins, refreshes and sign-outs of one address. */
const addressLimits = { running: 20, waiting: 100 };
/** Concurrent streams of all records, per user and per organization. */
const streamLimits = { user: 2, organization: 4 };
/** Maximum number of waiting requests per user and per organization, by class. */
const waitingLimits: Record<'read' | 'stream' | 'bulk', { user: number; organization: number }> = {
  read: { user: 30, organization: 200 },
  stream: { user: 4, organization: 16 },
  bulk: { user: 4, organization: 20 },
};

/** A request for admission. */
export interface Work {
  class: WorkClass;
  /** The user, or the address of a client without a sign-in. */
  identity: Identity | string;
  /** Ids of the organizations in the request. Ignores organizations that the user does not belong to. */
  organizations?: readonly number[];
  /** Aborts when the client disconnects: the work then leaves the queue. */
  signal?: AbortSignal | undefined;
}

/** Number of running, waiting and refused requests, by class. */
export type AdmissionFigures = Record<WorkClass, { running: number; waiting: number; refused: number }>;

/** Limits every user and organization to a share of the server. */
export interface Admission {
  /**
   * Runs the work as soon as the limits admit it. Refuses with TOO_MANY_REQUESTS if too many requests wait, or if the
   * wait is too long.
   */
  run<T>(work: Work, use: () => Promise<T>): Promise<T>;
  figures(): AdmissionFigures;
}

/** A queue that a request passes, with its limits of running and waiting requests. */
interface Stage {
  key: string;
  running: number;
  waiting: number;
  /** The message of a refusal because too many requests wait. */
  full: string;
}

/**
 * A request passes the queues of its user, of its organizations by id, and for bulk work of the whole process, in this
 * order. It keeps its place in a queue while it waits in the next one. A user therefore cannot occupy more places in a
 * shared queue than in their own.
 */
export function createAdmission(limits: AdmissionLimits = defaultAdmission): Admission {
  const queues = new Map<string, PQueue>();
  const figures = Object.fromEntries(
    workClasses.map((name) => [name, { running: 0, waiting: 0, refused: 0 }]),
  ) as AdmissionFigures;

  const queueOf = ({ key, running }: Stage): PQueue => {
    let queue = queues.get(key);
    if (!queue) {
      queue = new PQueue({ concurrency: running });
      queue.once('idle', () => queues.delete(key));
      queues.set(key, queue);
    }
    return queue;
  };

  const refused = (name: WorkClass, message: string) => {
    figures[name].refused++;
    const retryAfter = name === 'bulk' || name === 'stream' ? 5 : 1;
    return new VanguardError('TOO_MANY_REQUESTS', message, {
      hint: `Wait for the others, then send it again after ${retryAfter === 1 ? 'a second' : `${retryAfter} seconds`}.`,
      retryAfter,
    });
  };

  return {
    figures: () => figures,
    async run<T>(work: Work, use: () => Promise<T>): Promise<T> {
      const { class: name, signal } = work;
      signal?.throwIfAborted();
      const stages = stagesOf(work, limits);
      if (isFull(stages[0]!)) throw refused(name, stages[0]!.full);
      const own = figures[name];
      const waiting = new AbortController();
      const leave = () => waiting.abort(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
      const timer = setTimeout(
        () =>
          waiting.abort(refused(name, 'The server is busy, and the request waited too long for its turn.')),
        limits.waitSeconds * 1000,
      );
      const begin = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', leave);
      };
      own.waiting++;
      let isRunning = false;
      const enter = async ([stage, ...rest]: Stage[]): Promise<T> => {
        if (!stage) {
          begin();
          isRunning = true;
          own.waiting--;
          own.running++;
          return use();
        }
        if (isFull(stage)) throw refused(name, stage.full);
        // The queue would start waiting work in the async context of the finished work: with the signal and identity of
        // another client.
        const here = AsyncResource.bind(() => enter(rest));
        return queueOf(stage).add(here, { signal: waiting.signal });
      };
      try {
        return await enter(stages);
      } finally {
        begin();
        if (isRunning) own.running--;
        else own.waiting--;
      }
    },
  };

  function isFull({ key, waiting }: Stage): boolean {
    return (queues.get(key)?.size ?? 0) >= waiting;
  }
}

/** Returns the queues that the work passes, in order. */
function stagesOf(work: Work, limits: AdmissionLimits): Stage[] {
  const { class: name, identity } = work;
  if (typeof identity === 'string')
    return [
      {
        key: `${name} address ${identity}`,
        ...addressLimits,
        full: 'Too many requests of your address wait already.',
      },
    ];
  const full = 'Too many of your requests wait already.';
  if (name === 'sign_in') return [{ key: `sign_in user ${identity.userId}`, ...addressLimits, full }];
  const waiting = waitingLimits[name];
  const running = {
    read: { user: limits.userRequests, organization: limits.organizationRequests },
    stream: streamLimits,
    // One after the other: they wait for the same records anyway, and hold no connection while they wait here.
    bulk: { user: 1, organization: 1 },
  }[name];
  return [
    { key: `${name} user ${identity.userId}`, running: running.user, waiting: waiting.user, full },
    ...organizationsOf(work, identity).map((id) => ({
      key: `${name} organization ${id}`,
      running: running.organization,
      waiting: waiting.organization,
      full: 'Too many requests of your organization wait already.',
    })),
    ...(name === 'bulk'
      ? [{ key: 'bulk', running: limits.bulkRequests, waiting: Infinity, full: 'The server is busy.' }]
      : []),
  ];
}

/**
 * Returns the organizations whose share a request takes, ordered by id: requests with the same order cannot deadlock.
 * If the user belongs to one organization, the request counts for it, whatever it names. A request cannot take the
 * share of an organization that its user does not belong to.
 */
function organizationsOf({ organizations = [] }: Work, { settings }: Identity): number[] {
  const own = (settings['jwt.claims.organization_ids'] ?? '').match(/\d+/g)?.map(Number) ?? [];
  if (own.length === 1) return own;
  const members = new Set(own);
  return [...new Set(organizations)].filter((id) => members.has(id)).sort((a, b) => a - b);
}

/** Limits the concurrent sign-in requests of one address. */
export const admitSignIn =
  (admission: Admission): RequestHandler =>
  async (request, response, next) => {
    await new Promise<void>((resolve, reject) => {
      const signal = clientSignal();
      admission
        .run({ class: 'sign_in', identity: clientAddress(request), signal }, async () => {
          const closed = new Promise<void>((over) => response.once('close', over));
          resolve();
          await closed;
        })
        .catch(reject);
    });
    next();
  };
