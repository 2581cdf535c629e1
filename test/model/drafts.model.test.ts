import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAsked, modelWalks } from '../support/scale.ts';
import { tally } from './pusher.ts';
import { arbitraryWalk, shortest, walk, walkingGround } from './walk.ts';

// Does the product do what the model does, whatever three users, PEMS and push do, in whatever order? `npm test` takes some walks,
// always the same ones; `npm run test:model` takes thousands, others each time. Of a walk that fails the shortest form is printed, and
// the seed and path with which (MODEL_SEED, MODEL_PATH) it is taken once more.

const { MODEL_SEED, MODEL_PATH } = process.env;
const runs = modelWalks;
const isRandom = isAsked('MODEL_RUNS');
const limit = 60_000 + runs * 2000;

/** What has to happen in 40 walks: otherwise they say nothing about it. The rare ones in many more. */
const outcomes = [
  ...['confirmed', 'refused', 'altered', 'conflict', 'removed', 'split', 'taken over'],
  ...['unanswered, then found kept', 'unanswered, then found not kept'],
  ...['rebased: conflict', 'rebased: removed', 'rebased: no problem any more'],
];
const rare = [
  // Four times in a row, and nobody took it back meanwhile.
  'failed',
  // By a worker that comes late, or with what was read before something newer was.
  'plan: superseded',
  'answer: superseded',
  'settle: superseded',
  'plan: read_again',
  'settle: read_again',
];

const db = await walkingGround();

test(
  'everyone sees after every step what the model says',
  async () => {
    // Other files of this process take walks, too.
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
