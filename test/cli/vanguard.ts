import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { environmentOf } from '../support/environment.ts';

// The command line as a person uses it: a process for each call.

export const launcher = fileURLToPath(new URL('../../bin/vanguard.js', import.meta.url));

export interface Ran {
  code: number | null;
  /** What was printed to standard output, and to standard error. */
  said: string;
  complained: string;
}

export async function run(
  environment: Record<string, string>,
  args: readonly string[],
  input: string | Promise<string> = '',
): Promise<Ran> {
  const child = spawn(process.execPath, [launcher, ...args], {
    env: environmentOf(environment),
    timeout: 20_000,
  });
  void Promise.resolve(input).then((text) => child.stdin.end(text));
  const [said, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, said, complained };
}
