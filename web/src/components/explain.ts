import { asApiError, type ApiError } from '../api/errors.ts';
import { refusalInWords } from '../records/refusal.ts';

/** `in 20 seconds`, `in 3 minutes`; `later` if the server gives no time. */
function waitOf({ retryAfter }: ApiError): string {
  if (retryAfter === undefined) return 'later';
  const seconds = Math.max(1, Math.ceil(retryAfter));
  const [count, unit] = seconds < 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute'];
  return `in ${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** Interface text for each error code of the API: what happened and what to do. */
const texts: Readonly<Record<string, string | ((error: ApiError) => string)>> = {
  INVALID_INPUT: 'The server didn’t accept the request. Reload the page and try again.',
  MALFORMED_JSON: 'The server didn’t accept the request. Reload the page and try again.',
  INVALID_QUERY: 'This page is older than the server. Reload the page.',
  UNSUPPORTED_MEDIA_TYPE: 'The server didn’t accept the request. Reload the page and try again.',
  HOST_NOT_ALLOWED: 'The server doesn’t accept this address. Ask your administrator for the right one.',
  QUERY_TOO_COSTLY: 'This view requests too much data at once. Use fewer filters.',
  QUOTA_EXCEEDED: 'You have reached today’s limit of changed records. Continue after midnight UTC.',
  BODY_TOO_LARGE: 'These are too many changes at once. Change fewer records at a time.',
  UNAUTHENTICATED: 'Your session ended. Sign in again.',
  WRONG_CREDENTIALS: 'The user name or password is wrong.',
  TOO_MANY_ATTEMPTS: (error) => `Too many failed sign-ins. Try again ${waitOf(error)}.`,
  TOO_MANY_REQUESTS: (error) => `Too many requests are running. Try again ${waitOf(error)}.`,
  TOO_MANY_SUBSCRIPTIONS: 'Too many tabs are open. Close some of them.',
  PASSWORD_CHANGE_REQUIRED: 'Change your password first.',
  FORBIDDEN: 'You don’t have permission to do this. Ask an owner or admin of the organization.',
  NOT_FOUND: 'This no longer exists, or you don’t have access to it.',
  CONFLICT: 'This already exists, or something still uses it.',
  REVISION_CONFLICT: 'Another user changed this. Check the current values and try again.',
  INVALID_VALUE: refusedValues,
  TIMEOUT: 'The server took too long and changed nothing. Try again with fewer records.',
  TRY_AGAIN: 'Another user changed the same records. Try again.',
  OVERLOADED: (error) => `The server is busy. Try again ${waitOf(error)}.`,
  SIGN_IN_UNAVAILABLE: 'Signing in isn’t possible right now. Contact your administrator.',
  DATABASE_UNAVAILABLE: 'The database isn’t available right now. Try again in a minute.',
  INTERNAL: 'The server had an internal error. Try again, or contact your administrator.',
};

interface Detail {
  recordId?: string;
  key?: string;
  problem?: string;
}

/** Names the first refused value by record and field, and counts the others. */
function refusedValues({ details, message }: ApiError): string {
  const [first, ...others] = (Array.isArray(details) ? (details as Detail[]) : []).filter(
    ({ key, problem }) => key !== undefined && problem !== undefined,
  );
  if (!first) return message;
  const more =
    others.length === 0
      ? ''
      : ` ${others.length} more ${others.length === 1 ? 'value was' : 'values were'} rejected.`;
  const record = first.recordId === undefined ? '' : `${first.recordId}: `;
  return `${record}${refusalInWords(first.key!, first.problem!)}${more}`;
}

/**
 * Returns the interface text for an error: what happened and what to do. An unknown code keeps the text of the API.
 */
export function explain(thrown: unknown): string {
  const error = asApiError(thrown);
  const text = texts[error.code];
  if (text === undefined) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return typeof text === 'string' ? text : text(error);
}

/** The codes that `explain` knows. */
export const explainedCodes: readonly string[] = Object.keys(texts);
