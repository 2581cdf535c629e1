import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';

/** Input, output and environment of a command: those of this process, unless `withTerminal` replaces them. */
export interface Terminal {
  /** Environment of the command; undefined: that of this process, with the project's .env. */
  environment?: NodeJS.ProcessEnv;
  input: Readable;
  /** Writes to standard output or standard error. */
  write: (text: string) => void;
  complain: (text: string) => void;
  /** Whether standard error is a terminal that can show progress. */
  showsProgress: boolean;
  /** Sets the exit code. */
  exitCode: number;
}

const processTerminal: Terminal = {
  // Getters, because reading a stream property opens the stream.
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

/** Returns the terminal of the running command. */
export const terminal = (): Terminal => given.getStore() ?? processTerminal;

/** Runs a command with a terminal of its own. Several can run at once. */
export const withTerminal = <T>(surroundings: Terminal, run: () => Promise<T>): Promise<T> =>
  given.run(surroundings, run);

/**
 * Characters that a terminal interprets instead of showing: control characters except tab and line feed, and marks of
 * text direction.
 */
// eslint-disable-next-line no-control-regex -- these are what it is about
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/**
 * Returns a text that a terminal shows safely: PEMS or a file may hold sequences that clear the screen or forge lines.
 */
export const printable = (text: string): string =>
  text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Prints one or more lines. */
export const print = (text: string): void => terminal().write(`${printable(text)}\n`);

/** Prints one or more lines to standard error. */
export const warn = (text: string): void => terminal().complain(`${printable(text)}\n`);
