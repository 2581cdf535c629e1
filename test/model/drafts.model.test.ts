import fc from 'fast-check';
import { test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { arbitraryWalk, walk } from './walk.ts';

// Does the product do what the model does, whatever three users, PEMS and push do, in whatever order? `npm test` takes some walks,
// always the same ones; `npm run test:model` thousands, others each time, and prints how to repeat what failed.

const runs = Number(process.env.MODEL_RUNS ?? 20);
const seed = process.env.MODEL_SEED
  ? Number(process.env.MODEL_SEED)
  : process.env.MODEL_RUNS
    ? undefined
    : 20_261_123;

const db = await testDatabase();

test(
  'everyone sees after every step what the model says',
  async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryWalk(40), (steps) => walk(db, steps)),
      {
        numRuns: runs,
        ...(seed === undefined ? {} : { seed }),
        ...(process.env.MODEL_PATH ? { path: process.env.MODEL_PATH } : {}),
      },
    );
  },
  60_000 + runs * 5000,
);
