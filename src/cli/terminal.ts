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

/** What a terminal acts on instead of showing it: control characters but tab and line feed, and marks of text direction. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A text as a terminal shows it safely: PEMS or a file may hold sequences that clear the screen or forge lines. */
export const printable = (text: string): string =>
  text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Prints a line, or several. */
export const print = (text: string): void => terminal().write(`${printable(text)}\n`);

/** Prints a line to standard error, or several. */
export const warn = (text: string): void => terminal().complain(`${printable(text)}\n`);
