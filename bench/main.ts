/**
 * `npm run bench`: measures the speed that docs/explanation/performance.md claims. It never fails because of a slow
 * result.
 */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { table, type Result } from './measure.ts';
import { measurements } from './measurements.ts';
import { plansPage, unusedIndexes } from './plans.ts';
import { scales, type Scale } from './scale.ts';
import { openWorld, type World } from './world.ts';

interface Options {
  scale: Scale['name'];
  only?: string[];
  json?: boolean;
  keep?: string;
  plans?: string;
}

const program = new Command('bench')
  .description('Measures PFA Vanguard on its own database: embedded, or on the server of DATABASE_URL.')
  .addOption(new Option('--scale <scale>', 'amount of data').choices(Object.keys(scales)).default('small'))
  .option('--only <name...>', `only these measurements: ${Object.keys(measurements).join(', ')}`)
  .option('--json', 'print the results as JSON')
  .option('--keep <folder>', 'keep the embedded database in this folder and reuse it')
  .option(
    '--plans <file>',
    'write the plans of the hot queries into this file; measures only what --only names',
  )
  .parse();
const { scale, only, json, keep, plans } = program.opts<Options>();

for (const name of only ?? [])
  if (!(name in measurements))
    program.error(`There is no measurement ${name}. Choose from ${Object.keys(measurements).join(', ')}.`);

const began = performance.now();
const say = (text: string) =>
  void process.stderr.write(`[${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s] ${text}\n`);
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());

const results: Result[] = [];
let world: World | undefined;
try {
  world = await openWorld(scales[scale], keep, say, stopped.signal);
  for (const [name, measure] of Object.entries(measurements)) {
    if (only ? !only.includes(name) : plans) continue;
    say(name);
    for await (const result of measure(world)) {
      results.push(result);
      if (!json) say(`  ${result.name}: ${result.median_ms?.toFixed(2) ?? '-'} ms`);
    }
  }
  if (plans) {
    say('plans');
    await writeFile(plans, await plansPage(world));
  }
  // Only meaningful if all measurements ran.
  if (!only && !plans) say(`unused indexes: ${(await unusedIndexes(world)).join(', ') || 'none'}`);
} catch (error) {
  if (!stopped.signal.aborted) throw error;
  say('Stopped. Finished measurements:');
  process.exitCode = 130;
} finally {
  // Prints the finished measurements even if a later one fails.
  process.stdout.write(
    `${
      json
        ? JSON.stringify(
            results.map(({ note: _note, ...result }) => result),
            null,
            2,
          )
        : `\n${table(results)}`
    }\n`,
  );
  await world?.close();
}
