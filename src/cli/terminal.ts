import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';

/** What a command reads and writes: those of this process, unless `withTerminal` gives it others. */
export interface Terminal {
  /** Undefined: the environment of this process, with the project's .env. */
  environment?: NodeJS.ProcessEnv;
  input: Readable;
  /** Writes to standard output and to standard error. */
  write: (text: string) => void;
  complain: (text: string) => void;
  /** Whether somebody watches standard error and wants to see progress. */
  showsProgress: boolean;
  /** What the command ends with. */
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

/** Runs a command in surroundings of its own, also beside others. */
export const withTerminal = <T>(surroundings: Terminal, run: () => Promise<T>): Promise<T> =>
  given.run(surroundings, run);

/** Prints a line, or several. */
export const print = (text: string): void => terminal().write(`${text}\n`);
