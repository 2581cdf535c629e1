import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';

/** The input, output and environment of a command: those of this process, unless `withTerminal` replaces them. */
export interface Terminal {
  /** Undefined: the environment of this process, with the project's .env. */
  environment?: NodeJS.ProcessEnv;
  input: Readable;
  /** Writes to standard output and to standard error. */
  write: (text: string) => void;
  complain: (text: string) => void;
  /** Whether standard error is a terminal, so that progress is useful. */
  showsProgress: boolean;
  /** The exit code. */
  exitCode: number;
}

const processTerminal: Terminal = {
  // Getters, because asking for a stream opens it.
  get input() {
    return process.stdin;
  },
  write: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  get showsProgress() {
    return process.stderr.isTTY;
  },
  exitCode: 0,
};

const given = new AsyncLocalStorage<Terminal>();

/** The terminal of the command that runs. */
export const terminal = (): Terminal => given.getStore() ?? processTerminal;

/** Runs a command with a terminal of its own. Several can run at once. */
export const withTerminal = <T>(surroundings: Terminal, run: () => Promise<T>): Promise<T> =>
  given.run(surroundings, run);

/** Prints a line, or several. */
export const print = (text: string): void => terminal().write(`${text}\n`);
