import fc from 'fast-check';
import { test } from 'vitest';
import { tally } from './pusher.ts';
import { arbitraryWalk, shortest, walk, walkingGround } from './walk.ts';
const db = await walkingGround();
const outcomes = [
  ...['confirmed', 'refused', 'altered', 'conflict', 'removed', 'failed', 'split', 'taken over'],
  ...['unanswered, then found kept', 'unanswered, then found not kept'],
  ...['rebased: conflict', 'rebased: removed', 'rebased: no problem any more'],
  ...[
    'plan: superseded',
    'answer: superseded',
    'settle: superseded',
    'plan: read again',
    'settle: read again',
  ],
];
const sum = new Map<string, number>();
test('x', async () => {
  for (let seed = Number(process.env.ZS ?? 1); seed < Number(process.env.ZS ?? 1) + 40; seed++) {
    tally.clear();
    const t = Date.now();
    const r = await fc.check(
      fc.asyncProperty(arbitraryWalk(40, ['drafts', 'push']), (w) => walk(db, w)),
      { numRuns: 40, seed, endOnFailure: true },
    );
    for (const [k, v] of tally) sum.set(k, (sum.get(k) ?? 0) + v);
    console.log(
      'RUN',
      seed,
      r.failed,
      r.numRuns,
      Date.now() - t,
      'split',
      tally.get('split'),
      'missing',
      outcomes.filter((o) => !tally.has(o)).join(),
    );
    console.log(
      'SUM',
      [...sum]
        .map(([k, v]) => `${k}: ${v}`)
        .sort()
        .join('; '),
    );
    if (r.counterexample)
      console.log(
        'FAILED',
        seed,
        r.counterexamplePath,
        (((await shortest(db, r.counterexample[0])) ?? r.errorInstance) as Error).stack,
        (r.errorInstance as Error)?.cause,
      );
  }
}, 3500000);
