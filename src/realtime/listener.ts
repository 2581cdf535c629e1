import pg from 'pg';
import type { Logger } from 'pino';
import { listenToEvents } from '../../sql/realtime/realtime.queries.ts';

/** A notification of the database: the id of an event to read, or the progress of a run. */
export interface Notification {
  organizationId: number;
  event?: number;
  run?: { id: string; state: string; rowsRead: number; errorCode: string | null };
}

/** The listening connection of this process. */
export interface Listener {
  close(): Promise<void>;
}

/** Delay before a new connection, and interval of checks that the connection is alive, in milliseconds. */
const waits = { first: 100, longest: 5_000, check: 15_000 };

/**
 * Listens to the notifications of the database, and connects again when the connection is lost. Notifications in
 * between are lost: `onConnect` is called each time listening begins.
 */
export function listen({
  databaseUrl,
  logger,
  onNotification,
  onConnect,
}: {
  /** Connects as vanguard_authenticator, not through a pooler of transactions. */
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
    logger.warn({ error: error?.message }, 'the connection that listens for changes broke');
    // A dead connection cannot be ended in the regular way.
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
      // A connection whose server vanished is as silent as an idle one.
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
