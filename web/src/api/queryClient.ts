import { QueryClient } from '@tanstack/react-query';
import { sessionState, subscribeToSession } from '../session/session.ts';
import { ApiError, isPassing } from './errors.ts';

/** Maximum number of retries while the server or its database is briefly unavailable. */
const attempts = 3;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The subscription reports changes, so returning to a page soon after leaving it costs no request.
      staleTime: 30_000,
      // A retry cannot succeed after any other error. Requests that fail with the network wait until the connection is
      // back.
      retry: (failures, error) => isPassing(error) && failures < attempts,
      retryDelay: (failures, error) =>
        error instanceof ApiError && error.retryAfter
          ? Math.min(error.retryAfter * 1000, 5000)
          : Math.min(250 * 2 ** failures, 4000),
    },
  },
});

const personOf = (session = sessionState()) =>
  session.status === 'signed-in' ? session.person.id : undefined;
let person = personOf();

// The next user of this tab must not see data of the previous one.
subscribeToSession(() => {
  const next = personOf();
  if (next === person) return;
  person = next;
  queryClient.clear();
});
