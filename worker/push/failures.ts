import type { VanguardError } from '../../src/errors.ts';
import type { WriteFailure } from '../../src/pems/index.ts';

/** Meaning of a failed request for the connection. */
export type ConnectionFailure =
  /** No failure of the connection: the error concerns the requested record. */
  | 'none'
  /** A failure that may be temporary; only repeated ones matter. */
  | 'failed'
  /** The next request would fail too: the server is unreachable, or it refuses the sign-in. */
  | 'final';

const nobodyThere =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/;

export function connectionFailure({ code, details }: VanguardError): ConnectionFailure {
  switch (code) {
    case 'PEMS_UNAUTHORIZED':
    case 'PEMS_REDIRECTED':
    case 'PEMS_CONNECTION_INVALID':
      return 'final';
    case 'PEMS_UNREACHABLE':
      return nobodyThere.test((details as { reason?: string }).reason ?? '') ? 'final' : 'failed';
    case 'PEMS_TIMEOUT':
    case 'PEMS_SERVER_ERROR':
      return 'failed';
    default:
      return 'none';
  }
}

/** Arguments of app_private.fail_push. */
export interface Verdict {
  verdict: 'uncertain' | 'wait' | 'retry' | 'refuse' | 'remove';
  waitMs: number;
  message: string;
}

/** Returns the verdict on a change after a failed read. */
export function verdictOfRead(error: VanguardError, isOpen: boolean): Verdict {
  const isNotItsFault = isOpen || error.code === 'PEMS_RATE_LIMITED';
  return {
    verdict: isNotItsFault ? 'wait' : 'retry',
    waitMs: isNotItsFault ? 1000 : 0,
    message: error.message,
  };
}

/** Returns the verdict on a change after a failed write. */
export function verdictOfWrite(error: WriteFailure, isOpen: boolean): Verdict {
  const { code, message, certain } = error;
  if (!certain) return { verdict: 'uncertain', waitMs: 0, message };
  switch (code) {
    case 'PEMS_ERROR_ALERT':
    case 'PEMS_CONFIRMATION_ASKED':
      return { verdict: 'refuse', waitMs: 0, message: wordsOf(error) };
    case 'PEMS_RECORD_LOCKED':
      return { verdict: 'retry', waitMs: 0, message: wordsOf(error) };
    case 'PEMS_VALUE_UNWRITABLE':
      return { verdict: 'refuse', waitMs: 0, message };
    case 'PEMS_RECORD_NOT_FOUND':
      return { verdict: 'remove', waitMs: 0, message };
    case 'PEMS_RECORD_MODIFIED':
    case 'PEMS_WRITE_TOO_LATE':
    case 'PEMS_WRITE_INTERRUPTED':
      return { verdict: 'wait', waitMs: 0, message };
    default:
      return verdictOfRead(error, isOpen);
  }
}

/** Returns the text of the alerts of PEMS, or the message of the error. */
function wordsOf({ details, message }: VanguardError): string {
  const { alerts } = (details ?? {}) as { alerts?: { message: string; name: string }[] };
  return alerts?.map((alert) => alert.message || alert.name).join('; ') || message;
}
