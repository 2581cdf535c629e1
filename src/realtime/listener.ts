import pg from 'pg';
import type { Logger } from 'pino';
import { listenToEvents } from '../../sql/realtime/realtime.queries.ts';

/** What the database tells: an event to be read by its id, or how far a run is. */
export interface Notification {
  organizationId: number;
  event?: number;
  run?: { id: string; state: string; rowsRead: number; errorCode: string | null };
}

/** The one connection of this process that listens. */
export interface Listener {
  close(): Promise<void>;
}

/** How long to wait before connecting again, and how often to see whether the connection lives, in milliseconds. */
const waits = { first: 100, longest: 5_000, check: 15_000 };

/**
 * Listens to what the database tells, and goes on to do so when the connection is lost. What was told in between is
 * lost: `onConnect` is called each time that listening begins.
 */
export function listen({
  databaseUrl,
  logger,
  onNotification,
  onConnect,
}: {
  /** As vanguard_authenticator, and not through a pooler of transactions. */
  databaseUrl: string;
  logger: Logger;
  onNotification: (notification: Notification) => void;
  onConnect: () => void;
}): Listener {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let wait = waits.first;

  const again = (lost: pg.Client, error?: Error) => {
    if (client !== lost) return;
    client = undefined;
    clearInterval(timer);
    if (isClosed) return;
    logger.warn({ error: error?.message }, 'the connection that listens to changes broke');
    // One that does not answer any more cannot be ended properly either.
    void lost.end().catch(() => undefined);
    timer = setTimeout(connect, wait);
    wait = Math.min(wait * 2, waits.longest);
  };
  const connect = () => {
    const current = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'vanguard events',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      query_timeout: 10_000,
    });
    client = current;
    current.on('error', (error) => again(current, error));
    current.on('end', () => again(current));
    current.on('notification', ({ payload = '' }) => onNotification(JSON.parse(payload) as Notification));
    void (async () => {
      await current.connect();
      await listenToEvents.run(undefined, current);
      if (client !== current) return;
      wait = waits.first;
      onConnect();
      // A connection whose other side vanished says nothing, which looks like a quiet one.
      timer = setInterval(() => {
        current.query('select').catch((error: Error) => again(current, error));
      }, waits.check);
    })().catch((error: Error) => again(current, error));
  };
  connect();

  return {
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      const last = client;
      client = undefined;
      await last?.end().catch(() => undefined);
    },
  };
}
