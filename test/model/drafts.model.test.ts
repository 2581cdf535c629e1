import fc from 'fast-check';
import { test } from 'vitest';
import { arbitraryWalk, walk, walkingGround } from './walk.ts';

// Does the product do what the model does, whatever three users, PEMS and push do, in whatever order? `npm test` takes some walks,
// always the same ones; `npm run test:model` takes thousands, others each time. What fails is printed with its seed and path: once
// more with MODEL_RUNS, MODEL_SEED and MODEL_PATH it is that walk alone, made as short as it gets.

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;
const runs = Number(MODEL_RUNS ?? 40);
const seed = MODEL_SEED || !MODEL_RUNS ? { seed: Number(MODEL_SEED ?? 20_261_123) } : {};
const limit = 60_000 + runs * 2000;

const db = await walkingGround();

test(
  'everyone sees after every step what the model says',
  async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWalk(40), (steps) => walk(db, steps)),
      {
        numRuns: runs,
        ...seed,
        ...(MODEL_PATH ? { path: MODEL_PATH } : {}),
        // What was found until then is reported, however long it still is.
        interruptAfterTimeLimit: limit,
        markInterruptAsFailure: true,
      },
    );
  },
  limit + 20_000,
);
