import { VanguardError } from '../errors.ts';

/** Lets only so much work go on at a time. */
export interface Slots {
  /** Does the work when its turn comes. Refuses with OVERLOADED when too much is waiting already. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Refuses with OVERLOADED what `run` would refuse now. */
  requireRoom: () => void;
}

/**
 * @param atOnce How much is done at the same time.
 * @param waiting How much may wait for its turn; it is taken in the order in which it came.
 */
export function createSlots(atOnce: number, waiting: number): Slots {
  let busy = 0;
  const queue: (() => void)[] = [];
  const requireRoom = () => {
    if (busy >= atOnce && queue.length >= waiting) {
      throw new VanguardError('OVERLOADED', 'Too many people sign in at this moment.', {
        hint: 'Send the request again in a few seconds.',
        retryAfter: 5,
      });
    }
  };
  return {
    requireRoom,
    async run(work) {
      requireRoom();
      if (busy < atOnce) busy++;
      // Whoever ends hands the slot over.
      else await new Promise<void>((turn) => queue.push(turn));
      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next) next();
        else busy--;
      }
    },
  };
}
