import { createClient, type Client } from 'graphql-ws';
import { accessToken, refresh } from '../session/session.ts';
import { suspectLoss, whenConnected } from './connection.ts';
import { ApiError, hasCode } from './errors.ts';
import type { OrganizationEventsSubscription } from './generated/graphql.ts';
import { errorOf, graphql, type GraphqlError } from './graphql.ts';

/** What happens in an organization, as docs/how-to/realtime.md describes it. */
export type OrganizationEvent = NonNullable<OrganizationEventsSubscription['organizationEvents']>;

const organizationEvents = graphql(`
  subscription OrganizationEvents($organizationId: Int!) {
    organizationEvents(organizationId: $organizationId) {
      kind
      revision
      sync {
        runId
        state
        rowsRead
        errorCode
      }
      commits {
        id
        recordId
        state
      }
      records {
        recordId
        revision
      }
    }
  }
`);

/** How often the server is asked whether it is still there, and how long it may take to say so, in milliseconds. */
const pulse = { interval: 15_000, patience: 5_000 };
const longestWait = 10_000;

let shared: Client | undefined;
/** The token that the websocket was opened with. */
let sentToken: string | undefined;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const backOff = (attempt: number) =>
  pause(Math.min(250 * 2 ** attempt, longestWait) * (0.75 + Math.random() / 2));

/** One websocket for everything that is subscribed to; open while anything is. */
function client(): Client {
  if (shared) return shared;
  let socket: WebSocket | undefined;
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  const { protocol, host } = window.location;
  shared = createClient({
    url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${(sentToken = await accessToken())}` }),
    // With each attempt the token is asked for anew. How long to wait is said by whether the server can be reached.
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: async (attempt) => {
      await whenConnected();
      await backOff(attempt);
    },
    keepAlive: pulse.interval,
    on: {
      opened: (opened) => (socket = opened as WebSocket),
      ping: (received) => {
        if (!received)
          unanswered = setTimeout(() => socket?.close(4408, 'No answer to a ping'), pulse.patience);
      },
      pong: (received) => {
        if (received) clearTimeout(unanswered);
      },
      closed: (event) => {
        clearTimeout(unanswered);
        // 1000: by us, because nothing is subscribed to any more.
        if (!(event instanceof CloseEvent && event.code === 1000)) suspectLoss();
      },
    },
  });
  return shared;
}

/**
 * Tells what happens in an organization until it is told to stop, across losses of the connection. Each time that it
 * begins to tell anew, the first event is READY: what happened in between has to be asked for. Ends with an error when
 * the person has lost the session or may not read the organization any more.
 */
export function subscribeToOrganization(
  organizationId: number,
  onEvent: (event: OrganizationEvent) => void,
  onEnd: (error: ApiError) => void,
): () => void {
  const stopping = new AbortController();
  const { signal } = stopping;
  void (async () => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await follow(
          organizationId,
          (event) => {
            attempt = 0;
            onEvent(event);
          },
          signal,
        );
      } catch (error) {
        if (signal.aborted) return;
        const problem = asProblem(error);
        if (hasCode(problem, 'UNAUTHENTICATED')) {
          try {
            await refresh(sentToken);
          } catch (refusal) {
            if (hasCode(refusal, 'UNAUTHENTICATED')) return onEnd(refusal);
          }
        }
        if (hasCode(problem, 'FORBIDDEN') || hasCode(problem, 'NOT_FOUND')) return onEnd(problem);
      }
      if (signal.aborted) return;
      await whenConnected();
      await backOff(attempt);
    }
  })();
  return () => stopping.abort();
}

/** Follows one subscription until it ends. */
function follow(
  organizationId: number,
  onEvent: (event: OrganizationEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = client().subscribe<OrganizationEventsSubscription>(
      { query: organizationEvents.toString(), variables: { organizationId } },
      {
        next: ({ data, errors }) => {
          if (errors?.length) reject(errorOf(errors));
          else if (data?.organizationEvents && !signal.aborted) onEvent(data.organizationEvents);
        },
        error: reject,
        complete: resolve,
      },
    );
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** How the server says that it ends a websocket, and errors of a subscription, in the one shape. */
function asProblem(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (Array.isArray(error)) return errorOf(error as GraphqlError[]);
  if (error instanceof CloseEvent) {
    const codes: Record<number, string> = { 4401: 'UNAUTHENTICATED', 4403: 'PASSWORD_CHANGE_REQUIRED' };
    return new ApiError(codes[error.code] ?? 'NETWORK', error.reason || 'The connection was closed.', {
      cause: error,
    });
  }
  return new ApiError('NETWORK', 'The connection was lost.', { cause: error });
}
