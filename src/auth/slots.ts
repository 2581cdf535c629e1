import { VanguardError } from '../errors.ts';

/** Limits concurrent work. */
export interface Slots {
  /** Runs the work when a slot is free. Throws OVERLOADED if too much work is waiting already. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Throws OVERLOADED if `run` would. */
  requireRoom: () => void;
}

/**
 * @param atOnce Maximum number of concurrent runs.
 * @param waiting Maximum number of waiting runs, which start in the order of their arrival.
 */
export function createSlots(atOnce: number, waiting: number): Slots {
  let busy = 0;
  const queue: (() => void)[] = [];
  const requireRoom = () => {
    if (busy >= atOnce && queue.length >= waiting) {
      throw new VanguardError('OVERLOADED', 'Too many users are signing in at the moment.', {
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
      // A finished run passes its slot on.
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
