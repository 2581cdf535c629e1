import { AsyncResource } from 'node:async_hooks';
import type { RequestHandler } from 'express';
import PQueue from 'p-queue';
import { clientAddress } from '../auth/client-address.ts';
import type { Identity } from '../auth/identity.ts';
import { VanguardError } from '../errors.ts';
import { clientSignal } from './client-gone.ts';

/** Kinds of work. Health checks are not among them: they never wait. */
export const workClasses = ['sign_in', 'read', 'stream', 'bulk'] as const;
export type WorkClass = (typeof workClasses)[number];

/** How much may run at once, and how long the rest waits for its turn. */
export interface AdmissionLimits {
  /** Small requests of one user. */
  userRequests: number;
  /** Small requests of the users of one organization. */
  organizationRequests: number;
  /** Bulk work of all users: bulk changes, undo, commits of many, expensive reads. */
  bulkRequests: number;
  /** Longest wait for a turn, in seconds. */
  waitSeconds: number;
}

export const defaultAdmission: AdmissionLimits = {
  userRequests: 6,
  organizationRequests: 12,
  bulkRequests: 2,
  waitSeconds: 10,
};

/** Sign-ins, refreshes and sign-outs of one address that run at once, and that wait. */
const addressLimits = { running: 20, waiting: 100 };
/** Streams of all records of one user and of one organization. */
const streamLimits = { user: 2, organization: 4 };
/** Requests of one user and of one organization that may wait, by class. */
const waitingLimits: Record<'read' | 'stream' | 'bulk', { user: number; organization: number }> = {
  read: { user: 30, organization: 200 },
  stream: { user: 4, organization: 16 },
  bulk: { user: 4, organization: 20 },
};

/** Who asks for what. */
export interface Work {
  class: WorkClass;
  /** The user, or the address of a client who has not signed in. */
  identity: Identity | string;
  /** Ids of the organizations that the request names. Those that the user does not belong to are ignored. */
  organizations?: readonly number[];
  /** Aborts when the client goes away: the work then leaves the queue. */
  signal?: AbortSignal | undefined;
}

/** What runs, what waits, and what was refused, by class. */
export type AdmissionFigures = Record<WorkClass, { running: number; waiting: number; refused: number }>;

/** Gives every user and organization a share of the server, and no more. */
export interface Admission {
  /** Does the work when its turn comes. Refuses with TOO_MANY_REQUESTS when too much waits, or for too long. */
  run<T>(work: Work, use: () => Promise<T>): Promise<T>;
  figures(): AdmissionFigures;
}

/** One queue of the way of a request: which one, how much of it runs and how much may wait. */
interface Stage {
  key: string;
  running: number;
  waiting: number;
  /** The message of the refusal when too much waits. */
  full: string;
}

/**
 * A request passes the queue of its user, those of its organizations by id, and for bulk work that of the whole process,
 * in this order. It keeps its place in one while it waits in the next, so a user never has more than one turn in a shared
 * queue for each turn of their own.
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
        // A queue starts what waits in the context of what has ended: with the signal of another client, and its identity.
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

/** The queues that work passes, in order. */
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
    // One after the other: they wait for the same records anyway, and here they hold no connection meanwhile.
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
 * The organizations whose share a request takes, smallest id first: in one order for all requests, so that no two wait for
 * each other. A request of a user with one organization is about this one, whatever it names. A request cannot take the
 * share of an organization that its user does not belong to.
 */
function organizationsOf({ organizations = [] }: Work, { settings }: Identity): number[] {
  const own = (settings['jwt.claims.organization_ids'] ?? '').match(/\d+/g)?.map(Number) ?? [];
  if (own.length === 1) return own;
  const members = new Set(own);
  return [...new Set(organizations)].filter((id) => members.has(id)).sort((a, b) => a - b);
}

/** Lets only so many requests about signing in from one address go on at a time. */
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
