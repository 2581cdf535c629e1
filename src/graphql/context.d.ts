import type { Subscriber } from './subscriptions.ts';

declare global {
  namespace Grafast {
    interface Context {
      /** The subscriber, if the request came over a websocket. */
      subscriber: Subscriber | null;
    }
  }
}
