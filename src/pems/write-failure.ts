import { VanguardError } from '../errors.ts';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './pacing.ts';

/** Why a write ended without an answer that shows the record. */
export class WriteFailure extends VanguardError {
  /**
   * Whether PEMS has certainly not written, and never will: nothing was sent (PEMS cannot be reached, `sendBefore` had
   * passed, the write was aborted before), or PEMS refused it. Otherwise it may have written, or still do so: the record
   * has to be read again, later.
   */
  readonly certain: boolean;

  /** @param retryAfter the answer's `Retry-After` header */
  constructor(certain: boolean, error: VanguardError, retryAfter: string | null = null) {
    const { hint, details, cause } = error;
    const seconds = Math.ceil(Math.min(retryAfterMs(retryAfter), MAX_RETRY_AFTER_MS) / 1_000);
    super(error.code, error.message, { hint, details, cause, ...(seconds > 0 && { retryAfter: seconds }) });
    this.certain = certain;
  }
}
