import { VanguardError } from '../errors.ts';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './pacing.ts';

/** Error of a write whose response does not show the record. */
export class WriteFailure extends VanguardError {
  /**
   * Whether PEMS certainly has not written and never will. Either nothing was sent (PEMS was unreachable, `sendBefore`
   * had passed, or the write was aborted), or PEMS refused it. Otherwise PEMS may have written, or may still write: the
   * record must be read again later.
   */
  readonly certain: boolean;

  /** @param retryAfter `Retry-After` header of the response */
  constructor(certain: boolean, error: VanguardError, retryAfter: string | null = null) {
    const { hint, details, cause } = error;
    const seconds = Math.ceil(Math.min(retryAfterMs(retryAfter), MAX_RETRY_AFTER_MS) / 1_000);
    super(error.code, error.message, { hint, details, cause, ...(seconds > 0 && { retryAfter: seconds }) });
    this.certain = certain;
  }
}
