import { createClient, type Client } from 'graphql-ws';
import { afterEach } from 'vitest';
import { WebSocket } from 'ws';
import type { RealtimeEvent } from '../../src/realtime/subscription.ts';
import { until } from '../support/until.ts';
import type { Api } from './server.ts';

// Subscription clients that use the library of the protocol, over real websockets.

export const everything = `subscription ($id: Int!, $recordIds: [String!]) {
  organizationEvents(organizationId: $id, recordIds: $recordIds) {
    kind organizationId revision
    sync { runId state rowsRead errorCode }
    commits { id recordId state }
    records { recordId revision }
  }
}`;

export interface ToldError {
  message: string;
  extensions?: { code?: string };
}

/** A subscription and the events it has received. */
export interface Watch {
  events: RealtimeEvent[];
  /** How it ended. */
  errors: ToldError[] | undefined;
  isComplete: boolean;
  /** Returns the next event of a kind that no call has returned yet. */
  next(kind: RealtimeEvent['kind']): Promise<RealtimeEvent>;
  /** Returns the ids of new record events, once all these ids are among them. */
  records(...ids: string[]): Promise<string[]>;
  failure(): Promise<string | undefined>;
  stop(): void;
}

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});

/** A client of one websocket. */
export function openClient(api: Api, token: string | null, headers?: Record<string, string>): Client {
  class WithHeaders extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WithHeaders,
    retryAttempts: 0,
    lazy: true,
    ...(token === null ? {} : { connectionParams: { authorization: `Bearer ${token}` } }),
  });
  clients.push(client);
  return client;
}

/** Subscribes and returns at once. */
export function subscribe(client: Client, query: string, variables: Record<string, unknown> = {}): Watch {
  let taken = 0;
  const watch: Watch = {
    events: [],
    errors: undefined,
    isComplete: false,
    next: (kind) =>
      until(
        `${kind} (there is ${JSON.stringify(watch.events.slice(taken))} ${JSON.stringify(watch.errors)})`,
        () => {
          const at = watch.events.findIndex((event, i) => i >= taken && event.kind === kind);
          if (at < 0) return undefined;
          taken = at + 1;
          return watch.events[at];
        },
        5,
      ),
    records: async (...ids) => {
      const told = () =>
        watch.events.slice(taken).flatMap(({ records }) => records?.map((record) => record.recordId) ?? []);
      const found = await until(
        `records ${ids.join()} among ${told().join()}`,
        () => {
          const all = new Set(told());
          return ids.every((id) => all.has(id)) && [...all].sort();
        },
        5,
      );
      taken = watch.events.length;
      return found;
    },
    failure: async () => {
      await until('an end', () => watch.errors ?? watch.isComplete, 5);
      return watch.errors?.[0]?.extensions?.code ?? watch.errors?.[0]?.message;
    },
    stop: () => stop(),
  };
  const stop = client.subscribe<{ organizationEvents: RealtimeEvent }>(
    { query, variables },
    {
      next: ({ data, errors }) => {
        if (data?.organizationEvents) watch.events.push(data.organizationEvents);
        if (errors) watch.errors = [...errors];
      },
      error: (error) => {
        watch.errors = Array.isArray(error)
          ? (error as ToldError[])
          : [
              error instanceof Error
                ? error
                : { message: closeOf(error as { code: number; reason: string }) },
            ];
      },
      complete: () => (watch.isComplete = true),
    },
  );
  return watch;
}

const closeOf = ({ code, reason }: { code: number; reason: string }) => `${code} ${reason}`;

/** Subscribes to an organization from now on. */
export async function watch(
  api: Api,
  token: string,
  organizationId: number,
  recordIds?: string[],
  client = openClient(api, token),
): Promise<Watch> {
  const subscription = subscribe(client, everything, { id: organizationId, recordIds });
  await subscription.next('READY');
  return subscription;
}

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
