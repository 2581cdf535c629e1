import { QueryClient } from '@tanstack/react-query';
import { sessionState, subscribeToSession } from '../session/session.ts';
import { ApiError, isPassing } from './errors.ts';

/** How often a query is asked again when the server, or its database, is away for a moment. */
const attempts = 3;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // What has changed is told by the subscription; coming back to a page should cost nothing for a moment.
      staleTime: 30_000,
      // A refusal stays one. What is lost with the network waits until that is back.
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

// Whoever comes next in this tab sees nothing of who was here before.
subscribeToSession(() => {
  const next = personOf();
  if (next === person) return;
  person = next;
  queryClient.clear();
});
