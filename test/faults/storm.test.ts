import { expect, test, vi } from 'vitest';
import { faultRounds } from '../support/scale.ts';
import { judge } from './checker.ts';
import { rage } from './storm.ts';
import { startWorld } from './world.ts';

// Everything fails in every known way while three users work. After the repair, every committed value must be in PEMS,
// returned to its author, or superseded. `npm run test:faults` runs it for some minutes. FAULT_SEED repeats the
// decisions.

const rounds = faultRounds;
/** Few rounds do not cause every situation. */
const isWhole = rounds >= 16;
// Few rounds are always the same ones.
const seed = Number(process.env.FAULT_SEED ?? (isWhole ? Date.now() % 1_000_000 : 20_261_130));
vi.setConfig({ testTimeout: 120_000 + rounds * 10_000 });

test('no value is lost or doubled, whatever is killed and however PEMS fails', async () => {
  const took: [string, number][] = [];
  const timed = async <T>(what: string, task: Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await task;
    took.push([what, Math.round((performance.now() - began) / 1000)]);
    return result;
  };
  const world = await timed('start', startWorld({ records: 36, seed }));
  try {
    const done = await timed('rounds', rage(world, { rounds, seed, commits: rounds * 3, isWhole }));
    await world.heal();
    await timed('running empty', world.drain(180));
    // The second run confirms the removals that the first one noted.
    await world.sync();
    await world.sync();
    await world.drain(30);

    const { overall, counts, problems, findings } = judge(await world.evidence());
    const hits = await world.hits();
    const strikes = (how: string) =>
      ['worker', 'server', 'postgres', 'simulator'].map(
        (target) =>
          [target, world.strikes.filter((one) => one.target === target && one.how === how).length] as const,
      );
    const recoveries = await world.recoveries();
    const longest = recoveries.toSorted((a, b) => b.ms - a.ms)[0];
    const list = (entries: readonly (readonly [string, number])[]) =>
      entries.map(([name, count]) => `${name} ${count}`).join(', ');
    console.log(
      [
        `seed: ${seed}`,
        `rounds: ${done}`,
        `kills: ${list(strikes('kill'))}`,
        `pauses: ${list(strikes('pause'))}`,
        `faults: ${list(Object.entries(hits))}`,
        ...Object.entries(counts).map(([name, count]) => `${name}: ${count}`),
        `longest from kill -9 to the next confirmed push: ${longest ? `${(longest.ms / 1000).toFixed(1)} s (${longest.strike.target})` : 'unknown'}`,
        `seconds: ${list(took)}`,
        `verdict: ${overall}`,
      ].join('\n'),
    );
    const bad = findings.filter(({ verdict }) => verdict === 'lost' || verdict === 'doubled');
    for (const record of new Set(bad.map(({ record }) => record))) console.log(await world.story(record));
    expect({ bad, problems }).toEqual({ bad: [], problems: [] });
    expect(overall).toBe('sound');
    if (isWhole)
      for (const [name, count] of [...strikes('kill'), ...strikes('pause'), ...Object.entries(hits)])
        expect(count, name).toBeGreaterThan(0);
    expect(done).toBeGreaterThanOrEqual(rounds);
    expect(counts.confirmed).toBeGreaterThanOrEqual((rounds * 5) / 3);
    for (const name of ['confirmed', 'returned', 'superseded'] as const)
      expect(counts[name], name).toBeGreaterThan(0);
  } catch (error) {
    console.log(world.log().slice(-20_000));
    throw error;
  } finally {
    await world.end();
  }
});
