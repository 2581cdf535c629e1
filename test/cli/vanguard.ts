import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../src/cli/program.ts';
import { withTerminal, type Terminal } from '../../src/cli/terminal.ts';
import { environmentOf } from '../support/environment.ts';

export const launcher = fileURLToPath(new URL('../../bin/vanguard.js', import.meta.url));

export interface Ran {
  code: number | null;
  /** Standard output and standard error. */
  said: string;
  complained: string;
}

/**
 * Runs a command in this process, with its own environment and streams. Commands that run until a signal need
 * `spawned`.
 */
export async function run(
  environment: Record<string, string>,
  args: readonly string[],
  input = '',
): Promise<Ran> {
  const ran = { said: '', complained: '' };
  const terminal: Terminal = {
    environment: environmentOf(environment),
    input: Readable.from([input]),
    write: (text) => void (ran.said += text),
    complain: (text) => void (ran.complained += text),
    showsProgress: false,
    exitCode: 0,
  };
  const code = await withTerminal(terminal, () => runCommand(args));
  return { code, ...ran };
}

/** Runs a command like a user, in its own process. */
export async function spawned(
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
