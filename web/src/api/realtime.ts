import { createClient, type Client } from 'graphql-ws';
import { accessToken, refresh } from '../session/session.ts';
import { suspectLoss, whenConnected } from './connection.ts';
import { ApiError, hasCode } from './errors.ts';
import type { OrganizationEventsSubscription } from './generated/graphql.ts';
import { errorOf, graphql, type GraphqlError } from './graphql.ts';

/** An event of an organization; docs/how-to/realtime.md describes them. */
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

/** Interval between pings, and the timeout of each response, in milliseconds. */
const pulse = { interval: 15_000, patience: 5_000 };
const longestWait = 10_000;

let shared: Client | undefined;
/** The token that opened the websocket. */
let sentToken: string | undefined;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const backOff = (attempt: number) =>
  pause(Math.min(250 * 2 ** attempt, longestWait) * (0.75 + Math.random() / 2));

/** Returns the one websocket for all subscriptions; it is open while there are any. */
function client(): Client {
  if (shared) return shared;
  let socket: WebSocket | undefined;
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  const { protocol, host } = window.location;
  shared = createClient({
    url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${(sentToken = await accessToken())}` }),
    // Each attempt requests the token again. The connection status decides how long to wait.
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
        // The client closes with 1000 when no subscription is left.
        if (!(event instanceof CloseEvent && event.code === 1000)) suspectLoss();
      },
    },
  });
  return shared;
}

/**
 * Passes events of an organization to the listener until unsubscribed, across losses of the connection. Each time the
 * stream starts again, the first event is READY; the listener must then reload what it may have missed. Ends with an
 * error when the session ends or the user may no longer read the organization.
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

/** Converts a closed websocket or a subscription error to an `ApiError`. */
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
