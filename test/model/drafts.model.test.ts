import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAsked, modelWalks } from '../support/scale.ts';
import { tally } from './pusher.ts';
import { arbitraryWalk, shortest, walk, walkingGround } from './walk.ts';

// Compares the product with the model: three users, PEMS and push act in any order. `npm test` runs a few walks, always
// the same ones. `npm run test:model` runs thousands of different ones each time. Prints the shortest form of a failing
// walk, with the seed and path that repeat it (MODEL_SEED, MODEL_PATH).

const { MODEL_SEED, MODEL_PATH } = process.env;
const runs = modelWalks;
const isRandom = isAsked('MODEL_RUNS');
const limit = 60_000 + runs * 2000;

/**
 * Situations that must occur in 40 walks: otherwise the walks prove nothing about them. Rare situations in many more
 * walks.
 */
const outcomes = [
  ...['confirmed', 'refused', 'altered', 'conflict', 'removed', 'split', 'taken over'],
  ...['unanswered, then found kept', 'unanswered, then found not kept'],
  ...['rebased: conflict', 'rebased: removed', 'rebased: no problem any more'],
];
const rare = [
  // Four times in a row, without a withdrawal in between.
  'failed',
  // By a late worker, or with data from before a newer read.
  'plan: superseded',
  'answer: superseded',
  'settle: superseded',
  'plan: read_again',
  'settle: read_again',
];

const db = await walkingGround();

test(
  'after every step, each user sees the values of the model',
  async () => {
    // Other files of this process run walks, too.
    tally.clear();
    const result = await fc.check(
      fc.asyncProperty(arbitraryWalk(40, ['drafts', 'push']), (steps) => walk(db, steps)),
      {
        numRuns: MODEL_PATH ? 1 : runs,
        ...(MODEL_SEED || !isRandom ? { seed: Number(MODEL_SEED ?? 20_261_201) } : {}),
        ...(MODEL_PATH ? { path: MODEL_PATH } : {}),
        endOnFailure: true,
        interruptAfterTimeLimit: limit,
      },
    );
    if (result.counterexample) {
      const [steps] = result.counterexample;
      throw new Error(
        `Walk ${result.numRuns} failed. Once more: MODEL_SEED=${result.seed} MODEL_PATH=${result.counterexamplePath}`,
        { cause: (await shortest(db, steps)) ?? result.errorInstance },
      );
    }
    if (isRandom)
      console.log(
        [...tally]
          .map(([what, times]) => `${what}: ${times}`)
          .sort()
          .join('; '),
      );
    expect(result.numRuns, `walks taken in ${limit} ms`).toBe(MODEL_PATH ? 1 : runs);
    if (!MODEL_PATH)
      expect(
        [...(runs >= 40 ? outcomes : []), ...(runs >= 1000 ? rare : [])].filter(
          (outcome) => !tally.has(outcome),
        ),
        'what never happened',
      ).toEqual([]);
  },
  limit + 60_000,
);
