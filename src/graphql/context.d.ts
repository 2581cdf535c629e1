import type { Subscriber } from './subscriptions.ts';

declare global {
  namespace Grafast {
    interface Context {
      /** Who subscribes, where the request came over a websocket. */
      subscriber: Subscriber | null;
    }
  }
}
