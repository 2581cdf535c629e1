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
  /** The organization that the work is about, if it is known. */
  organization?: string | undefined;
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
}

/**
 * A request passes the queue of its user, that of its organization, and for bulk work that of the whole process, in this
 * order. It keeps its place in one while it waits in the next, so a user never has more than one turn in a shared queue
 * for each turn of their own.
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
      if (isFull(stages[0]!)) throw refused(name, 'Too many of your requests wait already.');
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
        if (isFull(stage)) throw refused(name, 'Too many requests of your organization wait already.');
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
function stagesOf({ class: name, identity, organization }: Work, limits: AdmissionLimits): Stage[] {
  if (typeof identity === 'string') return [{ key: `${name} address ${identity}`, ...addressLimits }];
  if (name === 'sign_in') return [{ key: `sign_in user ${identity.userId}`, ...addressLimits }];
  const waiting = waitingLimits[name];
  const running = {
    read: { user: limits.userRequests, organization: limits.organizationRequests },
    stream: streamLimits,
    // One after the other: they wait for the same records anyway, and here they hold no connection meanwhile.
    bulk: { user: 1, organization: 1 },
  }[name];
  const known = organization ?? onlyOrganization(identity);
  return [
    { key: `${name} user ${identity.userId}`, running: running.user, waiting: waiting.user },
    ...(known === undefined
      ? []
      : [
          {
            key: `${name} organization ${known}`,
            running: running.organization,
            waiting: waiting.organization,
          },
        ]),
    ...(name === 'bulk' ? [{ key: 'bulk', running: limits.bulkRequests, waiting: Infinity }] : []),
  ];
}

/** The organization of a user who belongs to one: whatever the request names, it is about this one. */
function onlyOrganization({ settings }: Identity): string | undefined {
  return /^\{(\d+)\}$/.exec(settings['jwt.claims.organization_ids'] ?? '')?.[1];
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
