/**
 * A problem that a person can act on. Everything that refuses something throws one of these, so that the
 * command line, REST and GraphQL can all show the same three things: what was wrong, what is allowed, what to do.
 */
export class VanguardError extends Error {
  /** Stable, in upper case: what a program tests for, e.g. `PORT_IN_USE`. */
  readonly code: string;
  /** What to do next, one sentence. */
  readonly hint: string | undefined;
  /** Machine-readable particulars, e.g. the problems of a record by key. */
  readonly details: unknown;
  /** After how many seconds it is worth trying again, where that is known. */
  readonly retryAfter: number | undefined;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; details?: unknown; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VanguardError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
  }
}
