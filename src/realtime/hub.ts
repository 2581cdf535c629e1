import type pg from 'pg';
import type { Logger } from 'pino';
import {
  readEvents,
  subscriberRevision,
  subscriberRights,
  type IReadEventsResult,
  type ISubscriberRightsResult,
} from '../../sql/realtime/realtime.queries.ts';
import type { Metrics } from '../admin/metrics.ts';
import type { Session } from '../auth/identity.ts';
import { prepared } from '../database/prepared.ts';
import { VanguardError } from '../errors.ts';
import { listen, type Notification } from './listener.ts';
import { Subscription, type ChangedCommit, type ChangedRecord, type SyncProgress } from './subscription.ts';

/** Limits of a user and of one event. */
const realtimeLimits = {
  subscriptionsOfUser: 50,
  watchedRecords: 1000,
  /** Records or commits named in one event; beyond it, the event tells the client to reload. */
  named: 1000,
  /** Events of one flush that are read one by one. */
  read: 1000,
} as const;

/** Times in milliseconds. */
export interface RealtimeTimes {
  /** Events within this time are sent together. */
  together: number;
  /** Shortest time between two progress events of a run. */
  progress: number;
  /** Interval at which rights are read again without events. */
  heartbeat: number;
}

export const realtimeTimes: RealtimeTimes = { together: 150, progress: 1000, heartbeat: 20_000 };

/** Delay before the database is asked again, in milliseconds. */
const retryAfter = 1000;

/** Records that a client subscribes to. */
export interface Interest {
  organizationId: number;
  recordIds: readonly string[] | null | undefined;
}

/** Passes the notifications of the database to the subscriptions of this process. */
export interface Hub {
  /** Throws NOT_FOUND, UNAUTHENTICATED, PASSWORD_CHANGE_REQUIRED, INVALID_INPUT or TOO_MANY_SUBSCRIPTIONS. */
  subscribe(session: Session, interest: Interest): Promise<Subscription>;
  subscriptions(): number;
  close(): Promise<void>;
}

/** An organization with subscriptions. */
interface Channel {
  subscriptions: Set<Subscription>;
  /** Events to read. */
  events: Set<number>;
  runs: Map<string, SyncProgress>;
  /** Last run state that was sent, and when. */
  told: { runId: string; state: string; at: number } | undefined;
  /** Whether events were lost, so that clients have to reload. */
  isLost: boolean;
  timer: NodeJS.Timeout | undefined;
  dueAt: number;
  isFlushing: boolean;
}

/** @param options.databaseUrl Connects as vanguard_authenticator, as the pool does. */
export function createHub({
  pool,
  databaseUrl,
  production,
  logger,
  metrics,
  times = realtimeTimes,
}: {
  pool: pg.Pool;
  databaseUrl: string;
  production: boolean;
  logger: Logger;
  metrics?: Metrics;
  times?: RealtimeTimes;
}): Hub {
  const channels = new Map<number, Channel>();
  const ofUser = new Map<number, number>();
  const database = prepared(pool);
  let count = 0;

  function schedule(organizationId: number, channel: Channel, delay: number): void {
    const at = performance.now() + delay;
    if (channel.timer && channel.dueAt <= at) return;
    clearTimeout(channel.timer);
    channel.dueAt = at;
    channel.timer = setTimeout(() => {
      channel.timer = undefined;
      void flush(organizationId, channel);
    }, delay);
  }

  /** Returns the delay until a run may be sent, in milliseconds; only progress is delayed. */
  const delayOf = ({ told }: Channel, { runId, state }: SyncProgress) =>
    told?.runId === runId && told.state === state ? told.at + times.progress - performance.now() : 0;

  function notified({ organizationId, event, run }: Notification): void {
    const channel = channels.get(organizationId);
    if (!channel) return;
    if (event !== undefined) {
      channel.events.add(event);
      schedule(organizationId, channel, times.together);
    }
    if (run) {
      const { id: runId, ...progress } = run;
      channel.runs.set(runId, { runId, ...progress });
      schedule(organizationId, channel, Math.max(times.together, delayOf(channel, { runId, ...progress })));
    }
  }

  /** Sends all collected events to the subscriptions that may still see them. */
  async function flush(organizationId: number, channel: Channel): Promise<void> {
    if (channel.subscriptions.size === 0) return;
    if (channel.isFlushing) return schedule(organizationId, channel, times.together);
    channel.isFlushing = true;
    const ids = [...channel.events];
    channel.events.clear();
    const isLost = channel.isLost || ids.length > realtimeLimits.read;
    channel.isLost = false;
    try {
      const events =
        isLost || ids.length === 0 ? [] : await readEvents.run({ organizationId, eventIds: ids }, database);
      const listening = await stillAllowed([...channel.subscriptions]);
      const runs = [...channel.runs.values()].filter((run) => delayOf(channel, run) <= 0);
      for (const run of runs) {
        channel.runs.delete(run.runId);
        channel.told = { runId: run.runId, state: run.state, at: performance.now() };
      }
      const shared = collect(events, 0);
      for (const subscription of listening) {
        for (const sync of runs) tell(subscription, 'SYNC', { sync });
        if (isLost) resync(subscription, ids.length > 0 ? 'many' : 'lost');
        else if (events.length > 0) deliver(subscription, events, shared);
      }
    } catch (error) {
      logger.warn({ err: error }, 'could not read changes; subscribers reload');
      channel.isLost = true;
      schedule(organizationId, channel, retryAfter);
    } finally {
      channel.isFlushing = false;
    }
    const waiting = [...channel.runs.values()].map((run) => delayOf(channel, run));
    if (waiting.length > 0) schedule(organizationId, channel, Math.max(0, Math.min(...waiting)));
  }

  function tell(subscription: Subscription, ...[kind, about]: Parameters<Subscription['push']>): void {
    metrics?.realtimeEvent(kind);
    subscription.push(kind, about);
  }

  function resync(subscription: Subscription, reason: 'many' | 'lost'): void {
    metrics?.realtimeResync(reason);
    tell(subscription, 'RESYNC');
  }

  function deliver(subscription: Subscription, events: IReadEventsResult[], shared: Collected): void {
    const own = collect(events, subscription.userId);
    if (shared.isTooMuch || own.isTooMuch) return resync(subscription, 'many');
    const { watched } = subscription;
    const records = new Map(own.records);
    for (const [id, revision] of shared.records) {
      const known = records.get(id);
      if (!known || BigInt(known) < BigInt(revision)) records.set(id, revision);
    }
    const told: ChangedRecord[] = [];
    for (const [recordId, revision] of records)
      if (!watched || watched.has(recordId)) told.push({ recordId, revision });
    if (told.length > realtimeLimits.named) return resync(subscription, 'many');
    // The revision comes with the last event of a flush: a client that has the revision has every event.
    if (own.commits.size > 0) tell(subscription, 'COMMITS', { commits: [...own.commits.values()] });
    const last = events.findLast(({ viewerId }) => viewerId === 0 || viewerId === subscription.userId);
    if (last && told.length > 0)
      tell(subscription, 'RECORDS', { records: told, revision: last.id.toString() });
  }

  /** Returns the subscriptions that still have the right to see events, and ends the others. */
  async function stillAllowed(subscriptions: Subscription[]): Promise<Subscription[]> {
    if (subscriptions.length === 0) return [];
    const rights = await subscriberRights.run(
      {
        sessionIds: subscriptions.map(({ sessionId }) => sessionId),
        organizationIds: subscriptions.map(({ organizationId }) => organizationId),
      },
      database,
    );
    const key = (sessionId: string, organizationId: number) => `${sessionId} ${organizationId}`;
    const byKey = new Map(rights.map((right) => [key(right.sessionId, right.organizationId), right]));
    return subscriptions.filter((subscription) => {
      const { sessionId, organizationId } = subscription;
      const refused = refusalOf(byKey.get(key(sessionId, organizationId)), organizationId, production);
      if (refused) subscription.fail(refused);
      return !refused && !subscription.isOver;
    });
  }

  const heartbeat = setInterval(() => {
    const all = [...channels.values()].flatMap(({ subscriptions }) => [...subscriptions]);
    // Without the database there are no events to send either.
    stillAllowed(all).catch((error: Error) =>
      logger.warn({ error: error.message }, 'could not read the rights of subscriptions'),
    );
  }, times.heartbeat);
  heartbeat.unref();

  const listener = listen({
    databaseUrl,
    logger,
    onNotification: notified,
    onConnect: () => {
      for (const [organizationId, channel] of channels) {
        channel.isLost = true;
        schedule(organizationId, channel, times.together);
      }
    },
  });

  function add(subscription: Subscription): void {
    const { organizationId, userId } = subscription;
    let channel = channels.get(organizationId);
    if (!channel) {
      channel = {
        subscriptions: new Set(),
        events: new Set(),
        runs: new Map(),
        told: undefined,
        isLost: false,
        timer: undefined,
        dueAt: 0,
        isFlushing: false,
      };
      channels.set(organizationId, channel);
    }
    channel.subscriptions.add(subscription);
    ofUser.set(userId, (ofUser.get(userId) ?? 0) + 1);
    count++;
  }

  function remove(subscription: Subscription): void {
    const { organizationId, userId } = subscription;
    const channel = channels.get(organizationId);
    if (!channel?.subscriptions.delete(subscription)) return;
    count--;
    const left = (ofUser.get(userId) ?? 1) - 1;
    if (left > 0) ofUser.set(userId, left);
    else ofUser.delete(userId);
    if (channel.subscriptions.size > 0) return;
    clearTimeout(channel.timer);
    channels.delete(organizationId);
  }

  return {
    subscribe: async ({ userId, sessionId }, { organizationId, recordIds }) => {
      if ((recordIds?.length ?? 0) > realtimeLimits.watchedRecords) {
        throw new VanguardError(
          'INVALID_INPUT',
          `A subscription watches at most ${realtimeLimits.watchedRecords} records by name.`,
          { hint: 'Leave `recordIds` out to watch the whole organization.' },
        );
      }
      if ((ofUser.get(userId) ?? 0) >= realtimeLimits.subscriptionsOfUser) {
        throw new VanguardError(
          'TOO_MANY_SUBSCRIPTIONS',
          `You have ${realtimeLimits.subscriptionsOfUser} open subscriptions, which is the maximum.`,
          { hint: 'Close some, e.g. in other tabs.' },
        );
      }
      const subscription = new Subscription({
        ...{ organizationId, userId, sessionId },
        watched: recordIds ? new Set(recordIds) : undefined,
        onDropped: () => metrics?.realtimeResync('slow'),
        onEnd: remove,
      });
      // The subscription is registered before the first query, so that it misses no event.
      add(subscription);
      try {
        const [right] = await subscriberRights.run(
          { sessionIds: [sessionId], organizationIds: [organizationId] },
          database,
        );
        if (right?.isSignedIn && !right.mayRead) {
          throw new VanguardError(
            'NOT_FOUND',
            `Organization ${organizationId} does not exist, or you cannot see it.`,
            {
              hint: 'List your organizations with `{ organizations { nodes { id code } } }`.',
            },
          );
        }
        const refused = refusalOf(right, organizationId, production);
        if (refused) throw refused;
        const [at] = await subscriberRevision.run({ organizationId, userId }, database);
        metrics?.realtimeEvent('READY');
        subscription.push('READY', { revision: at!.revision.toString() }, true);
        return subscription;
      } catch (error) {
        await subscription.return();
        throw error;
      }
    },
    subscriptions: () => count,
    close: async () => {
      clearInterval(heartbeat);
      for (const channel of channels.values()) clearTimeout(channel.timer);
      await listener.close();
    },
  };
}

/** Returns why a user may no longer see events of an organization. */
function refusalOf(
  right: ISubscriberRightsResult | undefined,
  organizationId: number,
  production: boolean,
): VanguardError | undefined {
  if (!right?.isSignedIn) {
    return new VanguardError(
      'UNAUTHENTICATED',
      'You were signed out, or this account was disabled or deleted.',
      { hint: 'Sign in again, or ask an administrator.' },
    );
  }
  if (production && right.mustChangePassword) {
    return new VanguardError('PASSWORD_CHANGE_REQUIRED', 'You must change your password first.', {
      hint: 'Send {currentPassword, newPassword} to POST /api/auth/change-password.',
    });
  }
  if (!right.mayRead) {
    return new VanguardError('FORBIDDEN', `You can no longer read organization ${organizationId}.`, {
      hint: 'Ask an owner or admin of the organization.',
    });
  }
  return undefined;
}

/** Returns the content of events for one viewer, with each record and commit once. */
interface Collected {
  records: Map<string, string>;
  commits: Map<string, ChangedCommit>;
  /** The event names only part of the changes. */
  isTooMuch: boolean;
}

function collect(events: IReadEventsResult[], viewerId: number): Collected {
  const collected: Collected = { records: new Map(), commits: new Map(), isTooMuch: false };
  for (const event of events) {
    if (event.viewerId !== viewerId) continue;
    const { recordIds, revisions, modificationIds, states } = event;
    if (!recordIds) collected.isTooMuch = true;
    recordIds?.forEach((recordId, i) => {
      const [id, revision] = [modificationIds?.[i], revisions?.[i]];
      if (id !== undefined)
        collected.commits.set(String(id), { id: String(id), recordId, state: states![i]! });
      else if (revision !== undefined) collected.records.set(recordId, String(revision));
    });
  }
  if (collected.commits.size > realtimeLimits.named) collected.isTooMuch = true;
  return collected;
}
