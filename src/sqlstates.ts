import pg from 'pg';
import { VanguardError } from './errors.ts';

/** Error response for a client. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
  details?: unknown;
  /** Seconds until a retry makes sense, if known. */
  retryAfter?: number;
}

interface Entry {
  code: string;
  status: number;
  /** Replaces the message of the database. Absent for class VG, whose messages are the product's own. */
  message?: string;
}

/**
 * Error codes and HTTP statuses by SQLSTATE, for both REST and GraphQL. A class (two characters) covers every state in it
 * that has no entry. SQL functions of the product raise class VG (`raise ... using errcode`).
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
    message: 'The request contains a character that cannot be stored, such as a null character.',
  },
  '22P05': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'The request contains a character that cannot be stored, such as a null character.',
  },
  '22001': { code: 'INVALID_INPUT', status: 400, message: 'A text in the request is too long.' },
  '22003': { code: 'INVALID_INPUT', status: 400, message: 'A number in the request is out of range.' },
  '22007': { code: 'INVALID_INPUT', status: 400, message: 'Invalid date or time.' },
  '22008': { code: 'INVALID_INPUT', status: 400, message: 'A date or time in the request is out of range.' },
  '22P02': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'A value in the request has the wrong type; it must be a number, a date, or true or false.',
  },
  // Messages of this class quote values, functions and types.
  '22': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'A value in the request has an invalid format or size.',
  },
  '23502': { code: 'INVALID_INPUT', status: 400, message: 'A required value is missing.' },
  '23503': {
    code: 'CONFLICT',
    status: 409,
    message: 'A referenced object does not exist, or another object still refers to this one.',
  },
  '23505': { code: 'CONFLICT', status: 409, message: 'A similar object exists already.' },
  '23514': { code: 'INVALID_INPUT', status: 400, message: 'A value is not one of the allowed values.' },
  '40001': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Another request changed the same data at the same moment. Send the request again.',
  },
  '40P01': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Another request changed the same data at the same moment. Send the request again.',
  },
  '55P03': {
    code: 'TRY_AGAIN',
    status: 503,
    message: 'Another request is changing the same data. Send the request again.',
  },
  // A standby that is not promoted yet.
  '25006': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is read-only at the moment. Send the request again in a few seconds.',
  },
  '42501': { code: 'FORBIDDEN', status: 403, message: 'You may not do this.' },
  '54': {
    code: 'INVALID_INPUT',
    status: 400,
    message: 'The request is nested too deeply or too large. Send smaller requests.',
  },
  '57014': {
    code: 'TIMEOUT',
    status: 503,
    message: 'The request took too long and was stopped. Request less data, or send the request again.',
  },
  '08': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is unreachable at the moment. Send the request again in a few seconds.',
  },
  '53': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is overloaded at the moment. Send the request again in a few seconds.',
  },
  // The login or the database was removed. Only new connections fail with this state, never a statement.
  '28': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is unreachable at the moment. Send the request again in a few seconds.',
  },
  '3D000': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is unreachable at the moment. Send the request again in a few seconds.',
  },
  // The connection was closed because its transaction waited too long.
  '25P03': {
    code: 'TIMEOUT',
    status: 503,
    message: 'The request took too long and was stopped. Request less data, or send the request again.',
  },
  '57': {
    code: 'DATABASE_UNAVAILABLE',
    status: 503,
    message: 'The database is restarting. Send the request again in a few seconds.',
  },
};

/** HTTP statuses of the VanguardError codes that a request can cause. All other codes are internal errors. */
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
  message: 'Internal error. The log of the server has the details.',
};

/** Codes of Node for a connection that cannot be opened or breaks. The last ones are those of TLS. */
const networkCodes =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_\w+|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENETRESET|ENONET|ENOBUFS|EADDRNOTAVAIL|ENOTCONN|ERR_SOCKET_\w+|ERR_STREAM_DESTROYED|EPROTO|ERR_(TLS|SSL)_\w+|CERT_\w+|(DEPTH_ZERO_)?SELF_SIGNED_\w+|UNABLE_TO_\w+)$/;

/**
 * System calls that only open a connection. Any failure there, such as a missing socket file, is a broken connection.
 */
const connecting = ['connect', 'getaddrinfo'];

/** The errors of node-pg for a broken connection: they have no code. */
const driverMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed and is not queryable|Connection ended|The server does not support SSL|There was an error establishing an SSL connection)|^connect ENOENT/;

/**
 * Returns whether an error or its cause is a broken connection without a SQLSTATE. A host with several addresses gives
 * one error for each.
 */
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

/** Messages of the JavaScript engine, which do not help a client. */
export const engineText =
  /call stack size|Invalid (string|array|typed array|count) |is not a function|is not iterable|Cannot (read|set|convert|destructure|access)|(undefined|null) \(reading|(^|\W)(Range|Type|Reference)Error\b|Unexpected (token|end of JSON)|in JSON at position/;

/** Error for a request that overflows a parser. Limits of depth and size usually refuse it earlier. */
export const tooNested: Refusal = {
  status: 400,
  code: 'INVALID_INPUT',
  message: 'The request is nested too deeply or too large. Send smaller requests.',
};

/** Converts any error to an error response. Unknown errors reveal no details. */
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
