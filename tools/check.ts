/**
 * `npm run check`: checks the sources without running the product. Two checks run at a time, the longest first, and
 * each keeps a cache under node_modules/.cache. `node tools/check.ts NAME...` runs only these checks or groups of
 * checks.
 *
 * ESLint's cache knows a file by its own content. A changed type can therefore hide a finding in a file that did not change;
 * CI starts without a cache and finds it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../src/configuration.ts';

interface Check {
  name: string;
  group: 'types' | 'lint' | 'generated';
  /** A script and its arguments for node, relative to the project. */
  command: readonly string[];
  /** Files and folders that determine the result. A successful check is skipped until one of them changes. */
  inputs?: readonly string[];
}

const cache = 'node_modules/.cache';
const types = (name: string, project: string): Check => ({
  name: `types of ${name}`,
  group: 'types',
  command: [
    ...['node_modules/typescript/bin/tsc', '--noEmit', '--project', project],
    ...['--incremental', '--tsBuildInfoFile', `${cache}/typescript/${name}.tsbuildinfo`],
  ],
});

const checks: readonly Check[] = [
  {
    name: 'eslint',
    group: 'lint',
    command: ['node_modules/eslint/bin/eslint.js', ...cached('eslint/'), '.'],
  },
  {
    name: 'prettier',
    group: 'lint',
    command: ['node_modules/prettier/bin/prettier.cjs', '--check', ...cached('prettier/check'), '.'],
  },
  { name: 'unused code', group: 'lint', command: ['node_modules/knip/bin/knip.js', '--no-progress'] },
  { name: 'sql', group: 'lint', command: ['tools/lint-sql.ts'] },
  { name: 'prose', group: 'lint', command: ['tools/lint-prose.ts'] },
  types('node', '.'),
  types('web', 'web'),
  types('test-web', 'test/web'),
  {
    name: 'generated files',
    group: 'generated',
    command: ['tools/codegen.ts', '--check'],
    inputs: [
      ...['migrations', 'sql', 'src', 'web/src', 'worker', 'tools', 'docs/database', 'docs/reference'],
      ...['schema.graphql', 'pgtyped.json', '.gmrc', 'package.json', 'package-lock.json'],
    ],
  },
];

function cached(location: string): string[] {
  return ['--cache', '--cache-location', `${cache}/${location}`, '--cache-strategy', 'content'];
}

/** Returns a hash of everything that determines a check's result. */
function digestOf({ command, inputs = [] }: Check): string {
  const hash = createHash('sha256').update(command.join('\0')).update(process.version);
  for (const input of inputs) {
    const path = join(projectFolder, input);
    const files = !existsSync(path)
      ? []
      : statSync(path).isDirectory()
        ? readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))
        : [path];
    for (const file of files.filter((one) => statSync(one).isFile()).sort())
      hash.update(`${file.slice(projectFolder.length)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Runs a check, or skips it if nothing changed since its last success. Prints its output when it ends. */
async function passes(check: Check): Promise<boolean> {
  const began = performance.now();
  const report = (outcome: string, output = '') =>
    console.log(
      `${check.name}: ${outcome} (${((performance.now() - began) / 1000).toFixed(1)} s)${output && `\n${output.trimEnd()}`}`,
    );
  const digest = check.inputs && digestOf(check);
  const mark = join(projectFolder, cache, 'checks', check.name.replaceAll(' ', '-'));
  if (digest && existsSync(mark) && readFileSync(mark, 'utf8') === digest) {
    report('unchanged');
    return true;
  }
  const child = spawn(process.execPath, check.command, {
    cwd: projectFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (digest) {
    rmSync(mark, { force: true });
    // A file that changed during the check must be checked again.
    if (code === 0 && digest === digestOf(check)) {
      mkdirSync(join(mark, '..'), { recursive: true });
      writeFileSync(mark, digest);
    }
  }
  report(code === 0 ? 'ok' : 'FAILED', code === 0 ? '' : output);
  return code === 0;
}

const wanted = process.argv.slice(2);
const known: string[] = checks.flatMap(({ name, group }) => [name, group]);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0)
  throw new Error(`Unknown check: ${unknown.join(', ')}. Known: ${[...new Set(known)].join(', ')}.`);

const queue = checks.filter(
  ({ name, group }) => wanted.length === 0 || wanted.includes(name) || wanted.includes(group),
);
const failed: string[] = [];
await Promise.all(
  [1, 2].map(async () => {
    for (let check = queue.shift(); check; check = queue.shift())
      if (!(await passes(check))) failed.push(check.name);
  }),
);
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(', ')}.`);
  process.exitCode = 1;
}
