import { holdRequests, takeTurns } from '../sql/push/push.queries.ts';
import { clock as readClock } from '../sql/sync/sync.queries.ts';
import { openPemsConnection, type PemsPurpose } from '../src/connections.ts';
import {
  createPemsClient,
  waitFor,
  type PemsClient,
  type PemsClientOptions,
  type PemsConnection,
} from '../src/pems/index.ts';
import type { TaskContext } from './context.ts';

/** The PEMS connection of a task. */
export interface OpenPems {
  apiConfigurationId: string;
  connection: PemsConnection;
  /** Acquires each request from the rate limit. */
  client: PemsClient;
  /** For callers that have acquired their requests: sends each request immediately, without retries. */
  immediate: PemsClient;
  /** Reads the clock of the database, which orders all events: microseconds since 1970, as digits. */
  clock: () => Promise<string>;
  /** Waits until this many consecutive requests may be sent; the limit applies across all workers. */
  takeTurns(turns: number, signal?: AbortSignal): Promise<void>;
  /** Defers all requests, because PEMS asked for a pause. */
  hold(seconds: number): Promise<void>;
}

/** Opens the connection that an organization is read or written over. Refuses with NO_PEMS_CONNECTION. */
export async function openPems(
  { pool, vault, metrics, pemsRetryDelayMs }: TaskContext,
  organizationId: number,
  purpose: PemsPurpose,
): Promise<OpenPems> {
  const { id: apiConfigurationId, connection } = await openPemsConnection(
    pool,
    vault,
    organizationId,
    purpose,
  );
  const takeThem = async (turns: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    const [turn] = await takeTurns.run({ apiConfigurationId, turns }, pool);
    await waitFor(turn!.waitMs, signal);
  };
  const open = (more: Partial<PemsConnection>, takeTurn: PemsClientOptions['takeTurn']) =>
    createPemsClient(
      { ...connection, ...more },
      {
        takeTurn,
        onRequest: (action, { error, milliseconds }) =>
          metrics.pemsRequest(action, error?.code ?? 'answered', milliseconds / 1000),
      },
    );
  return {
    apiConfigurationId,
    connection,
    client: open({ retryDelayMs: pemsRetryDelayMs }, (signal) => takeThem(1, signal)),
    immediate: open({ maxAttempts: 1 }, () => Promise.resolve()),
    clock: async () => (await readClock.run(undefined, pool))[0]!.now,
    takeTurns: takeThem,
    hold: async (seconds) => void (await holdRequests.run({ apiConfigurationId, seconds }, pool)),
  };
}
