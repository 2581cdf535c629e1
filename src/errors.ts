/**
 * An error that a reader can act on. Every refusal throws one, so that the command line, REST and GraphQL show the same
 * facts: the problem, the allowed values, and the remedy.
 */
export class VanguardError extends Error {
  /** Stable code in upper case, for programs, e.g. `PORT_IN_USE`. */
  readonly code: string;
  /** Remedy, in one sentence. */
  readonly hint: string | undefined;
  /** Machine-readable details, e.g. the problems of a record by key. */
  readonly details: unknown;
  /** Seconds after which a retry makes sense, if known. */
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
