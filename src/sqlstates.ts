import pg from 'pg';
import { VanguardError } from './errors.ts';

/** How a problem is told to a client. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  details?: unknown;
  /** After how many seconds it is worth trying again, where that is known. */
  retryAfter?: number;
}

interface Entry {
  code: string;
  status: number;
  /** Said instead of the database's words; absent where those are ours (class VG). */
  message?: string;
}

/**
 * SQLSTATE -> code and HTTP status: the one table of both REST and GraphQL. A class (two characters) stands for every
 * state in it that is not listed itself. Class VG is ours (`raise ... using errcode`).
 */
export const sqlstates: Readonly<Record<string, Entry>> = {
  VG400: { code: 'INVALID_INPUT', status: 400 },
  VG401: { code: 'UNAUTHENTICATED', status: 401 },
  VG403: { code: 'FORBIDDEN', status: 403 },
  VG404: { code: 'NOT_FOUND', status: 404 },
  VG409: { code: 'REVISION_CONFLICT', status: 409 },
  VG429: { code: 'QUOTA_EXCEEDED', status: 429 },
  VG422: { code: 'INVALID_VALUE', status: 422 },
  '22021': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'The request holds a character that cannot be stored, such as a null character.',
  },
  '22P05': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'The request holds a character that cannot be stored, such as a null character.',
  },
  '22001': { code: 'INVALID_INPUT', status: 400, message: 'A text of the request is too long.' },
  '22003': { code: 'INVALID_INPUT', status: 400, message: 'A number of the request is out of range.' },
  '22007': { code: 'INVALID_INPUT', status: 400, message: 'A date or time of the request is none.' },
  '22008': { code: 'INVALID_INPUT', status: 400, message: 'A date or time of the request is out of range.' },
  '22P02': {
    code: 'INVALID_INPUT',
    status: 400,
    message:
      'A value of the request is not of the kind that is needed there, such as a number, a date, or true or false.',
  },
  // Its words quote values, and name functions and types.
  '22': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'A value of the request has a form or a size that is not allowed there.',
  },
  '23502': { code: 'INVALID_INPUT', status: 400, message: 'A value that is required is missing.' },
  '23503': {
    code: 'CONFLICT',
    status: 409,
    message: 'Something this refers to does not exist, or still refers to this.',
  },
  '23505': { code: 'CONFLICT', status: 409, message: 'There is one like this already.' },
  '23514': { code: 'INVALID_INPUT', status: 400, message: 'A value is not among those allowed.' },
  '40001': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Somebody else changed the same data at the same moment. Send the request again.',
  },
  '40P01': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Somebody else changed the same data at the same moment. Send the request again.',
  },
  '55P03': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Somebody else is changing the same data. Send the request again.',
  },
  // A standby that has not taken over yet.
  '25006': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database can only be read at the moment. Send the request again in a few seconds.',
  },
  '42501': { code: 'FORBIDDEN', status: 403, message: 'You may not do this.' },
  '54': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'The request is nested too deeply or too large. Ask for less in one request.',
  },
  '57014': {
    code: 'TIMEOUT',
    status: 503,
    message: 'The request took too long and was stopped. Ask for less, or send it again.',
  },
  '08': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database cannot be reached at the moment. Send the request again in a few seconds.',
  },
  '53': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is overloaded at the moment. Send the request again in a few seconds.',
  },
  // The login or the database is gone: a new connection finds this, never a statement.
  '28': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database cannot be reached at the moment. Send the request again in a few seconds.',
  },
  '3D000': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database cannot be reached at the moment. Send the request again in a few seconds.',
  },
  // The connection was closed because its transaction waited too long.
  '25P03': {
    code: 'TIMEOUT',
    status: 503,
    message: 'The request took too long and was stopped. Ask for less, or send it again.',
  },
  '57': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is restarting. Send the request again in a few seconds.',
  },
};

/** Codes of VanguardError that a request can meet, and their HTTP status; others are our own failure. */
export const statuses: Readonly<Record<string, number>> = {
  INVALID_INPUT: 400,
  MALFORMED_JSON: 400,
  UNAUTHENTICATED: 401,
  WRONG_CREDENTIALS: 401,
  PASSWORD_CHANGE_REQUIRED: 403,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  HOST_NOT_ALLOWED: 421,
  TOO_MANY_ATTEMPTS: 429,
  TOO_MANY_REQUESTS: 429,
  TOO_MANY_SUBSCRIPTIONS: 429,
  OVERLOADED: 503,
  SIGN_IN_UNAVAILABLE: 503,
  INVALID_QUERY: 400,
  QUERY_TOO_COSTLY: 400,
  DATABASE_UNAVAILABLE: 503,
};

const internal: Refusal = {
  status: 500,
  code: 'INTERNAL',
  message: 'Something went wrong on our side. It is in the log of the server.',
};

/** Codes of Node for a connection that cannot be opened or breaks. The last ones are those of TLS. */
const networkCodes =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENETRESET|ENONET|ENOBUFS|EADDRNOTAVAIL|ENOTCONN|ERR_SOCKET_\w+|ERR_STREAM_DESTROYED|EPROTO|ERR_(TLS|SSL)_\w+|CERT_\w+|(DEPTH_ZERO_)?SELF_SIGNED_\w+|UNABLE_TO_\w+)$/;

/** System calls that only open a connection: whatever goes wrong there, such as a missing socket file, is none. */
const connecting = ['connect', 'getaddrinfo'];

/** The errors of node-pg for a broken connection: they have no code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed and is not queryable|Connection ended|The server does not support SSL|There was an error establishing an SSL connection)|^connect ENOENT/;

/** Whether an error, or what caused it, is a broken connection without a SQLSTATE. A host with several addresses gives one error for each. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return (
    (typeof code === 'string' && networkCodes.test(code)) ||
    (syscall !== undefined && connecting.includes(syscall)) ||
    driverMessages.test(error.message) ||
    (error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isConnectionLoss)) ||
    (error.cause !== undefined && isConnectionLoss(error.cause))
  );
}

/** Words of the JavaScript engine, which say nothing to a client. */
export const engineText =
  /call stack size|Invalid (string|array|typed array|count) |is not a function|is not iterable|Cannot (read|set|convert|destructure|access)|(undefined|null) \(reading|(^|\W)(Range|Type|Reference)Error\b|Unexpected (token|end of JSON)|in JSON at position/;

/** A request that is too deep for what reads it; limits of depth and size usually refuse it before. */
export const tooNested: Refusal = {
  status: 400,
  code: 'INVALID_INPUT',
  message: 'The request is nested too deeply or too large. Ask for less in one request.',
};

/** What to tell a client about any error. Unknown errors tell nothing of themselves. */
export function refusal(error: unknown): Refusal {
  if (error instanceof VanguardError) {
    const status = statuses[error.code];
    return status === undefined
      ? internal
      : {
          status,
          code: error.code,
          message: sentence(error.message, error.hint),
          details: error.details,
          retryAfter: error.retryAfter,
        };
  }
  if (error instanceof pg.DatabaseError && error.code) {
    const entry = sqlstates[error.code] ?? sqlstates[error.code.slice(0, 2)];
    if (!entry) return internal;
    const ours = error.code.startsWith('VG');
    const refused: Refusal = {
      status: entry.status,
      code: entry.code,
      message: entry.message ?? sentence(error.message, error.hint),
    };
    if (ours && error.detail) refused.details = JSON.parse(error.detail);
    return refused;
  }
  if (error instanceof RangeError && engineText.test(error.message)) return tooNested;
  if (isConnectionLoss(error)) {
    return { status: 503, code: 'DATABASE_UNAVAILABLE', message: sqlstates['08']!.message! };
  }
  return internal;
}

const sentence = (message: string, hint: string | undefined) =>
  `${message.replace(/\.?$/, '.')}${hint ? ` ${hint}` : ''}`;
