import fc from 'fast-check';
import { test } from 'vitest';
import { tally } from './pusher.ts';
import { arbitraryWalk, shortest, walk, walkingGround } from './walk.ts';
const db = await walkingGround();
test('x', async () => {
  const r = await fc.check(
    fc.asyncProperty(arbitraryWalk(40, (process.env.ZK ?? "push").split(",") as "push"[]), (w) => walk(db, w)),
    { numRuns: Number(process.env.ZR ?? 60), seed: Number(process.env.ZS ?? 1), endOnFailure: true },
  );
  console.log(
    r.failed,
    r.numRuns,
    JSON.stringify(Object.fromEntries([...tally].filter(([k]) => !k.startsWith('pending')).sort()), null, 1),
  );
  if (r.counterexample)
    throw new Error('failed', { cause: (await shortest(db, r.counterexample[0])) ?? r.errorInstance });
}, 500000);
