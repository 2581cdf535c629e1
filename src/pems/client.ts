import { VanguardError } from '../errors.ts';
import { hiderOf } from '../hiding.ts';
import { checkConnection, headerValue, MAX_PAGE_SIZE, serviceUrl } from './connection.ts';
import type { PemsConnection } from './connection.ts';
import {
  cutAtLastId,
  confirmationAlerts,
  errorAlerts,
  gridRequest,
  isObject,
  malformed,
  MAX_IN_VALUES,
  mustStandAlone,
  parseGridAnswer,
  parseGridHeader,
} from './grid.ts';
import type { GridHeader, GridPage, GridQuery } from './grid.ts';
import { readPages, type ListRow, type ReadListOptions } from './lists.ts';
import { createRateLimiter, retryDelay, wait } from './pacing.ts';
import { getAgain, postAgain, postOnce, type PostOptions, type Reply } from './post.ts';
import { refusalCode, type RefusalCode } from './refusals.ts';
import { parseScreenAnswer, screenRequest } from './screen.ts';
import type { RecordChange, RecordIdentity, ScreenRecord } from './screen.ts';
import { formatTimestamp, makeStorable } from './values.ts';
import type { DateFormat } from './values.ts';
import { WriteFailure } from './write-failure.ts';

/**
 * Kind of a request to PEMS. Reads are a page of the grid, records by their ids, one row as a connection test, one
 * record, or a page of a reference list. A write changes one record.
 */
export type PemsAction = 'list' | 'records' | 'test' | 'read' | 'write' | 'reference';

/** Result of one attempt of one request, for logs and metrics. Contains no secrets. */
export interface PemsRequestEvent {
  /** Starts at 1 for each request. */
  attempt: number;
  /** Duration of the attempt, including the readings of the caller's clock. */
  milliseconds: number;
  /** Reason of the failure; `null` if the attempt succeeded. */
  error: VanguardError | null;
  /** Delay before the next attempt; `null` if there is none. */
  retryInMs: number | null;
  /** The request and its response, only for requests of single records: grids are too large to keep. */
  exchange?: PemsExchange;
}

/** A request and its response as texts that the database can store, with every credential redacted. */
export interface PemsExchange {
  /** The body of the request, even if it was never sent. */
  request: string;
  /** The HTTP status; `null` if no response began. */
  status: number | null;
  /** The body of the response, truncated if it is long; `null` if it did not arrive completely or is not needed. */
  answer: string | null;
}

export interface ReadGridOptions {
  /**
   * The organization's code. PEMS also returns rows of organizations whose code begins with this one: the caller checks
   * each row.
   */
  organization: string;
  /**
   * Only rows changed at or after this time: `2026-04-02 14:30` in the local time of PEMS, as `parseTimestamp` gives it.
   */
  changedSince?: string | null;
  /**
   * Reads the clock by which the caller orders its data, e.g. the clock of the database. It has no default, because
   * another clock would let an old page win over a newer write. If it rejects, the read rejects with the same error.
   */
  clock: () => Promise<string>;
  /** Aborts the read immediately, which then rejects with the reason of the signal. */
  signal?: AbortSignal;
  /** Called after each attempt. */
  onRequest?: (event: PemsRequestEvent) => void;
}

/** One page of a read, with the clock readings before and after the attempt that returned it. */
export interface PemsPage extends GridPage {
  /** Read right before that attempt was sent: the page includes every earlier change. */
  requestedAt: string;
  /** Read right after the last byte arrived. */
  receivedAt: string;
}

export interface ReadRecordsOptions extends Omit<ReadGridOptions, 'changedSince'> {
  /** Exactly as PEMS holds them; any number, in any order. An id that occurs twice is read once. */
  ids: readonly string[];
}

/** The result of one request for records. */
export interface PemsRecordsPage extends PemsPage {
  /** The requested ids. An id without a row did not exist between the two clock readings. */
  ids: readonly string[];
}

export interface TestConnectionOptions {
  organization: string;
  signal?: AbortSignal;
}

/** The result of a connection test. */
export interface ConnectionTest {
  /** Duration of the request for one row. */
  milliseconds: number;
  /** 1, or 0 if the organization has no rows. */
  rows: number;
  /** The aliases of that row, in lower case, as PEMS orders them. */
  aliases: string[];
}

/** One page, read as a sample. */
export interface SamplePage extends GridPage {
  /** Duration of the request. */
  milliseconds: number;
}

export interface ReadRecordOptions extends RecordIdentity {
  /** As in `readGrid`. */
  clock: () => Promise<string>;
  /** Aborts the read immediately, which then rejects with the reason of the signal. */
  signal?: AbortSignal;
  /** Called after each attempt. */
  onRequest?: (event: PemsRequestEvent) => void;
}

export interface UpdateRecordOptions extends ReadRecordOptions, RecordChange {
  /** Reads the clock of the database: microseconds since 1970, as digits. */
  clock: () => Promise<string>;
  /** Time on that clock after which nothing is sent. */
  sendBefore: string;
}

/** One record, with the clock readings before and after the attempt that returned it. */
export interface PemsRecord extends ScreenRecord {
  /** Read before that attempt was sent: the record includes every earlier change. */
  requestedAt: string;
  /** Read right after the last byte arrived. */
  receivedAt: string;
}

/** Reads and writes PEMS. */
export interface PemsClient {
  /**
   * Reads the rows of one organization page by page. Requests only the next page while a page is consumed, so memory
   * holds two pages. The size of the rows decides the number of rows per page. If the caller stops before the end, the
   * pending request is aborted. The read is complete only if the iteration ends without an error.
   *
   * Returns all rows of an id on the same page; `more` is false on the last page only. Pages follow the order of ids in
   * PEMS, so the read includes each record that exists throughout it, despite concurrent inserts and deletes.
   *
   * @throws VanguardError (while iterating) `PEMS_UNREACHABLE`, `PEMS_TIMEOUT`, `PEMS_RATE_LIMITED` or
   *   `PEMS_SERVER_ERROR` after the last attempt. Without retries: `PEMS_UNAUTHORIZED`, `PEMS_REFUSED` (another 4xx),
   *   `PEMS_REDIRECTED`, `PEMS_ERROR_ALERT`, and `PEMS_MALFORMED_ANSWER` unless the response broke off.
   *   `PEMS_CONNECTION_INVALID` and `PEMS_CHANGED_SINCE_INVALID` report invalid settings and arguments.
   */
  readGrid(options: ReadGridOptions): AsyncIterable<PemsPage>;
  /**
   * Reads the rows of these ids, some hundreds per request, one request after the other. Each id is in `ids` of exactly
   * one page, with all its rows, including those of organizations whose code begins with this one. Omits rows that were
   * not requested. An id that contains a comma cannot be combined with others and takes a request of its own.
   *
   * @throws VanguardError (while iterating) as `readGrid`
   */
  readRecords(options: ReadRecordsOptions): AsyncIterable<PemsRecordsPage>;
  /**
   * Reads a plain list, such as that of categories, page by page. The read is complete only if the iteration ends
   * without an error.
   *
   * @throws VanguardError (while iterating) as `readGrid`, and `PEMS_LIST_TOO_LONG`
   */
  readList(options: ReadListOptions): AsyncIterable<ListRow[]>;
  /**
   * Reads one row, without retries: a user waits for the result.
   *
   * @throws VanguardError as `readGrid`
   */
  testConnection(options: TestConnectionOptions): Promise<ConnectionTest>;
  /**
   * Reads the first rows of an organization, without retries, including rows of organizations whose code begins with
   * this one.
   *
   * @throws VanguardError as `readGrid`
   */
  readSample(options: TestConnectionOptions & { rows: number }): Promise<SamplePage>;
  /**
   * Reads the names of the grid's columns, in lower case, from a request for the header alone.
   *
   * @throws VanguardError as `readGrid`
   */
  readColumns(options: TestConnectionOptions): Promise<string[]>;
  /**
   * Reads one record through the screen.
   *
   * @returns `null` if PEMS reports that the record does not exist
   * @throws VanguardError as `readGrid`, with the same number of attempts
   */
  readRecord(options: ReadRecordOptions): Promise<PemsRecord | null>;
  /**
   * Changes fields of one record, based on the version that was read (`recordId`). Sends the change once, without
   * retries. Waits for the rate limit and then reads the clock: sends nothing from `sendBefore` on, even if this
   * process was suspended meanwhile. PEMS receives the change within another `timeoutMs`, or not at all.
   *
   * @returns the the record as PEMS returns it; the caller checks whether PEMS kept the values
   * @throws WriteFailure and nothing else; its `certain` says whether PEMS may have written. Codes as `readRecord`,
   *   and: `PEMS_RECORD_MODIFIED` (the record has another `recordId` now), `PEMS_RECORD_NOT_FOUND`,
   *   `PEMS_WRITE_TOO_LATE` (`sendBefore` has passed), `PEMS_WRITE_INTERRUPTED` (by `signal` or the clock; see
   *   `cause`), `PEMS_VALUE_UNWRITABLE`
   */
  updateRecord(options: UpdateRecordOptions): Promise<PemsRecord>;
}

/**
 * Target size of a response, in bytes; memory holds up to two responses at a time. A much smaller size would waste
 * requests, because PEMS limits their rate.
 */
const ANSWER_BYTES = 5 * 1024 * 1024;
/** Rows of the first request, when the size of a row is unknown. */
const FIRST_ROWS = 1_000;
/** Minimum number of rows per request, regardless of their size, unless the connection sets fewer. */
const LEAST_ROWS = 100;

/** Maximum size of an uncompressed response: 200 kB of gzip may expand to gigabytes. */
const MOST_BYTES = 16 * 1024 * 1024;
/**
 * Minimum number of bytes per object or array: a denser response contains no records, and takes many times its size in
 * memory once parsed.
 */
const LEAST_BYTES_PER_OBJECT = 8;
/** Maximum nesting: PEMS sends no deeper JSON. */
const MOST_NESTING = 64;

/** Maximum number of characters of a response to keep. */
const KEPT_CHARACTERS = 100_000;

interface Answer<T> {
  value: T;
  /** Size of the response. */
  bytes: number;
  requestedAt: string;
  receivedAt: string;
}

/** The end of an attempt without a usable response. */
interface Failure {
  error: VanguardError;
  mayRetry: boolean;
  retryAfter?: string | null;
  /** PEMS understood the request and certainly did not execute it. */
  isRefusal?: boolean;
}

/** One request: its target, its body, and the type of its response. */
interface Call<T> {
  url: URL;
  /** Validated: HTTP can carry it. */
  organization: string;
  /** Null for GET. */
  body: string | null;
  parse: (content: unknown) => T;
  /** Whether the events contain the request and the response. */
  isKept?: boolean;
  action: PemsAction;
}

/** Sends one request. */
export type Transport = (
  url: URL,
  options: Omit<PostOptions, 'beforeSending'>,
  requestedAt: string,
) => Promise<Reply>;

interface SendOptions {
  clock: () => Promise<string>;
  signal?: AbortSignal;
  onRequest?: (event: PemsRequestEvent) => void;
  maxAttempts: number;
}

export interface PemsClientOptions {
  /**
   * Waits until the next request may start, wherever the rate limit is kept. Default: a rate limiter of this client,
   * with the limit of the connection.
   */
  takeTurn?: (signal?: AbortSignal) => Promise<void>;
  /** Sends requests that may be repeated, never a change. Default: HTTP. */
  transport?: Transport;
  /** Called after each attempt of each request. */
  onRequest?: (action: PemsAction, event: PemsRequestEvent) => void;
}

/**
 * Creates a client for one connection.
 *
 * @throws VanguardError `PEMS_CONNECTION_INVALID` if the connection is invalid
 */
export function createPemsClient(
  connection: PemsConnection,
  clientOptions: PemsClientOptions = {},
): PemsClient {
  const checked = checkConnection(connection);
  const { grid, pageSize, timeoutMs, gridUrl, headerUrl, screenUrl } = checked;
  const takeTurn = clientOptions.takeTurn ?? createRateLimiter(checked.requestsPerSecond);
  const hide = hiderOf(checked.secrets, '***');

  /**
   * Returns a text of PEMS for a message: storable, limited in length, and with our credentials redacted if PEMS
   * repeats them.
   */
  const foreignText = (text: string, most = 500, isCut = false): string => {
    const safe = hide(text, isCut);
    return makeStorable(safe.length > most ? `${safe.slice(0, most)}…` : safe);
  };

  const newExchange = ({ body, isKept }: Call<unknown>): PemsExchange | undefined =>
    isKept ? { request: foreignText(body ?? '', KEPT_CHARACTERS), status: null, answer: null } : undefined;

  const keepAnswer = (exchange: PemsExchange | undefined, text: string | null, content: unknown): void => {
    if (exchange === undefined || text === null) return;
    // Text that is not JSON may break off within a credential.
    exchange.answer =
      content === undefined
        ? foreignText(text, KEPT_CHARACTERS, true)
        : foreignText(JSON.stringify(content), KEPT_CHARACTERS);
  };

  const alertError = (body: unknown): VanguardError | null => {
    const complaints = errorAlerts(body);
    const questions = confirmationAlerts(body);
    const code = complaints.length > 0 ? refusalCode(complaints) : 'PEMS_CONFIRMATION_ASKED';
    const alerts = (complaints.length > 0 ? complaints : questions).map(({ name, message }) => ({
      name: foreignText(name),
      message: foreignText(message),
    }));
    if (alerts.length === 0) return null;
    const words = alerts.map(({ name, message }) => message || name || 'no reason given').join('; ');
    const { what, hint } = meanings[code];
    return new VanguardError(code, `${what} ${words}`, { hint, details: { alerts } });
  };

  const statusFailure = async (
    reply: Reply,
    call: Call<unknown>,
    exchange: PemsExchange | undefined,
  ): Promise<Failure> => {
    const { status } = reply;
    const fail = failureAt(call.url);
    const retryAfter = reply.header('retry-after');
    // PEMS may have executed a request even after PEMS itself reported a timeout.
    const isRefusal = status >= 400 && status < 500 && status !== 408;
    if (status === 429) {
      const message = 'PEMS refused the request because too many were made within a second.';
      const hint =
        'Lower the requests per second of the connection, or wait until other users of it are done.';
      return {
        error: fail('PEMS_RATE_LIMITED', message, hint, { status }),
        mayRetry: true,
        retryAfter,
        isRefusal,
      };
    }
    if (status >= 500) {
      const message = `PEMS failed with HTTP status ${status}.`;
      const hint = 'Try again later; if it stays, tell those who run PEMS.';
      return { error: fail('PEMS_SERVER_ERROR', message, hint, { status }), mayRetry: true, retryAfter };
    }
    if (status === 401 || status === 403) {
      const message = `PEMS did not accept the credentials of the connection (HTTP status ${status}).`;
      const hint = 'Check the user and password or the API key, the tenant, and what that user may see.';
      return { error: fail('PEMS_UNAUTHORIZED', message, hint, { status }), mayRetry: false, isRefusal };
    }
    if (status >= 300 && status < 400) {
      const location = reply.header('location') ?? '';
      const target = foreignText(location);
      const origin = URL.canParse(target, call.url.href)
        ? new URL(target, call.url.href).origin
        : 'elsewhere';
      const message = `PEMS redirected the request to ${origin}, which is not followed.`;
      const hint =
        'If PEMS has moved, enter its new base URL: credentials are sent only to the host entered.';
      return { error: fail('PEMS_REDIRECTED', message, hint, { status }), mayRetry: false, isRefusal };
    }
    const { text } = await readBody(reply);
    const content = text === null ? undefined : parseJson(text);
    keepAnswer(exchange, text, content);
    const alerts = alertError(content);
    if (alerts !== null) return { error: alerts, mayRetry: false, isRefusal };
    const message = `PEMS refused the request with HTTP status ${status}.`;
    const hint = 'Check that the base URL ends in /axis/restservices and that the grid and the screen exist.';
    return { error: fail('PEMS_REFUSED', message, hint, { status }), mayRetry: false, isRefusal };
  };

  const networkFailure = (error: unknown, timedOut: boolean, url: URL): Failure => {
    const fail = failureAt(url);
    const reason = networkReason(error);
    if (timedOut || reason === 'UND_ERR_HEADERS_TIMEOUT' || reason === 'UND_ERR_BODY_TIMEOUT') {
      const message = `PEMS did not answer completely within ${timeoutMs / 1_000} seconds.`;
      const hint = 'Raise the time limit of the connection or lower its page size; PEMS may be busy.';
      return { error: fail('PEMS_TIMEOUT', message, hint, { timeoutMs }), mayRetry: true };
    }
    const message = `PEMS at ${url.host} cannot be reached: ${networkWords(reason)}.`;
    const hint = 'Check the base URL of the connection, the network, and whether PEMS runs.';
    return { error: fail('PEMS_UNREACHABLE', message, hint, { reason }), mayRetry: true };
  };

  const attempt = async <T>(
    call: Call<T>,
    { signal, clock }: Pick<SendOptions, 'signal' | 'clock'>,
    exchange: PemsExchange | undefined,
    transport: Transport = clientOptions.transport ?? (call.body === null ? getAgain : postAgain),
  ): Promise<Answer<T> | Failure> => {
    const { url, organization } = call;
    const requestedAt = await clock();
    const timeout = AbortSignal.timeout(timeoutMs);
    let body: Body;
    try {
      const options = {
        // The organization of the login; the body contains the organization of the records.
        headers: { ...checked.headers, organization: checked.loginOrganization ?? organization },
        body: call.body ?? '',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      };
      const reply = await transport(url, options, requestedAt);
      if (exchange !== undefined) exchange.status = reply.status;
      if (reply.status < 200 || reply.status > 299) {
        const failure = await statusFailure(reply, call, exchange);
        reply.discard();
        return failure;
      }
      body = await readBody(reply);
    } catch (error) {
      if (error instanceof VanguardError) return { error, mayRetry: false };
      signal?.throwIfAborted();
      return networkFailure(error, timeout.aborted, url);
    }
    const receivedAt = await clock();
    const { text, bytes } = body;
    let content: unknown;
    try {
      content = text === null ? undefined : parseJson(text);
    } catch (error) {
      if (error instanceof VanguardError) return { error, mayRetry: false };
      throw error;
    }
    keepAnswer(exchange, text, content);
    if (content === undefined) {
      // A response that is not JSON (such as a login page) will not change; truncated JSON is worth a retry.
      const brokeOff = text === null || text === '' || text.startsWith('{');
      return { error: malformed('The answer', brokeOff ? 'breaks off' : 'is no JSON'), mayRetry: brokeOff };
    }
    const alerts = alertError(content);
    if (alerts !== null) {
      // PEMS may have executed the request despite the alert if there is also a result.
      const isRefusal = isObject(content) && (content.Result ?? null) === null;
      return { error: alerts, mayRetry: false, isRefusal };
    }
    try {
      return { value: call.parse(content), bytes, requestedAt, receivedAt };
    } catch (error) {
      if (error instanceof VanguardError) return { error, mayRetry: false };
      throw error;
    }
  };

  const tell = (
    { action }: Pick<Call<unknown>, 'action'>,
    { onRequest }: Pick<SendOptions, 'onRequest'>,
    event: PemsRequestEvent,
  ): void => {
    onRequest?.(event);
    clientOptions.onRequest?.(action, event);
  };

  const send = async <T>(
    call: Call<T>,
    options: SendOptions,
  ): Promise<Answer<T> & { milliseconds: number }> => {
    for (let count = 1; ; count += 1) {
      await takeTurn(options.signal);
      const started = performance.now();
      const exchange = newExchange(call);
      const outcome = await attempt(call, options, exchange);
      const milliseconds = Math.round(performance.now() - started);
      const event = { attempt: count, milliseconds, ...(exchange && { exchange }) };
      if ('value' in outcome) {
        tell(call, options, { ...event, error: null, retryInMs: null });
        return { ...outcome, milliseconds };
      }
      const { error, mayRetry, retryAfter } = outcome;
      const again = mayRetry && count < options.maxAttempts;
      const retryInMs = again ? retryDelay(count, checked.retryDelayMs, retryAfter) : null;
      tell(call, options, { ...event, error, retryInMs });
      if (retryInMs === null) throw error;
      await wait(retryInMs, options.signal);
    }
  };

  const gridCall = <T>(
    action: PemsAction,
    query: GridQuery,
    parse: (content: unknown) => T,
    requestType: string = checked.requestType,
    url: URL = gridUrl,
  ): Call<T> => ({
    action,
    url,
    organization: query.organization,
    body: JSON.stringify({ ...gridRequest(checked, query), REQUEST_TYPE: requestType }),
    parse,
  });

  const headerCall = (action: PemsAction, query: GridQuery): Call<GridHeader> =>
    gridCall(action, { ...query, rows: 1 }, parseGridHeader, 'LIST.HEAD_ONLY.STORED', headerUrl);

  /**
   * Reads the pages of one run. If responses lack column names, requests the header once, after the first response.
   */
  const pageReader = (options: SendOptions) => {
    let header: Promise<GridHeader> | undefined;
    const readHeader = async (query: GridQuery): Promise<GridHeader> =>
      (await send(headerCall('list', query), options)).value;
    return async (
      action: PemsAction,
      query: GridQuery,
    ): Promise<Answer<GridPage> & { milliseconds: number }> => {
      const call = gridCall(action, query, (content) => {
        const page = parseGridAnswer(content);
        return page ?? ((names: GridHeader) => parseGridAnswer(content, names));
      });
      const answer = await send(call, options);
      if (typeof answer.value !== 'function') return { ...answer, value: answer.value };
      const page = answer.value(await (header ??= readHeader(query)));
      if (page === null) throw malformed('The page', 'has no names of columns');
      return { ...answer, value: page };
    };
  };

  const screenCall = (identity: RecordIdentity, change?: RecordChange): Call<ScreenRecord> => {
    const organization = headerValue('organization', identity.organization);
    const request = screenRequest(checked, identity, change);
    if (request === null) {
      throw new VanguardError(
        'PEMS_VALUE_UNWRITABLE',
        'A value does not fit what PEMS takes; nothing was sent.',
        {
          hint: 'Report it: values are checked before.',
        },
      );
    }
    return {
      action: change === undefined ? 'read' : 'write',
      url: screenUrl,
      organization,
      body: JSON.stringify(request),
      parse: (content) => parseScreenAnswer(content, checked, identity),
      isKept: true,
    };
  };

  async function readRecord(options: ReadRecordOptions): Promise<PemsRecord | null> {
    try {
      const { value, requestedAt, receivedAt } = await send(screenCall(options), {
        ...options,
        maxAttempts: checked.maxAttempts,
      });
      return { ...value, requestedAt, receivedAt };
    } catch (error) {
      if (error instanceof VanguardError && error.code === 'PEMS_RECORD_NOT_FOUND') return null;
      throw error;
    }
  }

  async function updateRecord(options: UpdateRecordOptions): Promise<PemsRecord> {
    const { sendBefore, signal } = options;
    let elapsed = stopwatch();
    let exchange: PemsExchange | undefined;
    let isSent = false;
    const transport: Transport = (url, request, requestedAt) => {
      const milliseconds = (Number(sendBefore) - Number(requestedAt)) / 1_000;
      // The negation also refuses values that are not times (NaN).
      const checkTime = (): void => {
        if (!(elapsed() < milliseconds)) throw tooLate();
      };
      checkTime();
      const beforeSending = (): void => {
        checkTime();
        isSent = true;
      };
      return postOnce(url, { ...request, beforeSending });
    };
    let outcome: Answer<ScreenRecord> | Failure;
    try {
      const call = screenCall(options, options);
      exchange = newExchange(call);
      await takeTurn(signal);
      elapsed = stopwatch();
      outcome = await attempt(call, options, exchange, transport);
    } catch (error) {
      outcome = { error: error instanceof VanguardError ? error : interrupted(error), mayRetry: false };
    }
    const event = {
      attempt: 1,
      milliseconds: Math.round(elapsed()),
      retryInMs: null,
      ...(exchange && { exchange }),
    };
    if ('value' in outcome) {
      tell({ action: 'write' }, options, { ...event, error: null });
      const { value, requestedAt, receivedAt } = outcome;
      return { ...value, requestedAt, receivedAt };
    }
    const failure = new WriteFailure(
      !isSent || outcome.isRefusal === true,
      outcome.error,
      outcome.retryAfter,
    );
    tell({ action: 'write' }, options, { ...event, error: failure });
    throw failure;
  }

  async function* readGrid(options: ReadGridOptions): AsyncGenerator<PemsPage, void, undefined> {
    const { clock, onRequest } = options;
    const organization = headerValue('organization', options.organization);
    const changedSince = filterTime(options.changedSince, checked.filterDateFormat);
    const left = new AbortController();
    const signal =
      options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
    const readPage = pageReader({ clock, signal, onRequest, maxAttempts: checked.maxAttempts });
    const ask = (after: string | null, rows: number): Promise<Answer<GridPage>> => {
      const answer = readPage('list', { organization, after, changedSince, rows });
      // Avoids an unhandled rejection; the consumer of the page still receives the error.
      answer.catch(() => undefined);
      return answer;
    };
    const { idAlias } = grid;
    const passed = new Set<string>();
    let after: string | null = null;
    let rows = Math.min(pageSize, FIRST_ROWS);
    let asked = ask(after, rows);
    try {
      for (;;) {
        const { value: page, bytes, requestedAt, receivedAt } = await asked;
        const at = page.aliases.indexOf(idAlias);
        const again = page.rows.find((row) => passed.has(row[at] ?? ''));
        if (again !== undefined) {
          const id = JSON.stringify(foreignText(again[at] ?? ''));
          throw malformed('The page', `holds ${idAlias} ${id} again, though only later ones were asked for`);
        }
        // Does not trust a full page that claims to be the last. The check costs one request, while a wrong claim would
        // look like thousands of removed records.
        if (!page.more && page.rows.length < rows) {
          yield { ...page, requestedAt, receivedAt };
          return;
        }
        const cut = cutAtLastId(page, idAlias);
        if (cut.last !== null) {
          passed.add(cut.last);
          after = cut.last;
          const fitting = Math.floor((ANSWER_BYTES / bytes) * page.rows.length);
          rows = Math.min(pageSize, Math.max(LEAST_ROWS, fitting));
          asked = ask(after, rows);
          yield { ...page, rows: cut.rows, more: true, requestedAt, receivedAt };
        } else if (page.rows.length > 0 && rows < MAX_PAGE_SIZE) {
          // A single id filled the page: only a larger page can show where its rows end.
          rows = Math.min(rows * 10, MAX_PAGE_SIZE);
          asked = ask(after, rows);
        } else {
          const what = page.rows.length === 0 ? 'has no rows' : `has no second ${idAlias}`;
          throw malformed('The page', `${what}, though more are to follow`);
        }
      }
    } finally {
      left.abort();
    }
  }

  async function* readRecords(options: ReadRecordsOptions): AsyncGenerator<PemsRecordsPage, void, undefined> {
    const organization = headerValue('organization', options.organization);
    const readPage = pageReader({ ...options, maxAttempts: checked.maxAttempts });
    const { idAlias } = grid;
    const waiting = inRequests(options.ids, Math.min(MAX_IN_VALUES, pageSize));
    // Requests a row more than there are ids to detect further rows: several organizations may hold the same id.
    let rowsForEach = 1;
    for (let ids = waiting.pop(); ids !== undefined; ids = waiting.pop()) {
      const rows = Math.min(ids.length * rowsForEach + 1, MAX_PAGE_SIZE);
      const query = { organization, after: null, changedSince: null, ids, rows };
      const { value: page, requestedAt, receivedAt } = await readPage('records', query);
      const at = page.aliases.indexOf(idAlias);
      if (at < 0 && page.rows.length > 0) throw malformed('The page', `has rows without ${idAlias}`);
      const wanted = new Set(ids);
      const found = page.rows.filter((row) => wanted.has(row[at] ?? ''));
      if (!page.more && page.rows.length < rows) {
        yield { ...page, ids, rows: found, more: waiting.length > 0, requestedAt, receivedAt };
      } else if (found.length < page.rows.length) {
        // PEMS does not understand the filter: records that are missing from the page may exist all the same.
        throw malformed('The page', `holds rows of another ${idAlias} than was asked for`);
      } else if (rows < MAX_PAGE_SIZE) {
        rowsForEach *= 10;
        waiting.push(ids);
      } else if (ids.length > 1) {
        const middle = Math.ceil(ids.length / 2);
        waiting.push(ids.slice(middle), ids.slice(0, middle));
      } else {
        throw malformed('The page', `has no end, though a single ${idAlias} was asked for`);
      }
    }
  }

  const readList = (options: ReadListOptions): AsyncIterable<ListRow[]> => {
    const { path, signal } = options;
    const organization = headerValue('organization', options.organization);
    const sending = { clock: () => Promise.resolve(''), signal, maxAttempts: checked.maxAttempts };
    return readPages(
      async (query, parse) => {
        const url = serviceUrl(connection.baseUrl, path);
        for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
        return (await send({ action: 'reference', url, organization, body: null, parse }, sending)).value;
      },
      options,
      pageSize,
    );
  };

  return {
    readGrid,
    readList,
    readRecords,
    readRecord,
    updateRecord,
    async testConnection({ organization, signal }) {
      headerValue('organization', organization);
      const readPage = pageReader({ clock: noClock, signal, maxAttempts: 1 });
      const answer = await readPage('test', { organization, after: null, changedSince: null, rows: 1 });
      const { rows, aliases } = answer.value;
      return {
        milliseconds: answer.milliseconds,
        rows: rows.length,
        aliases: aliases.filter((_, place) => rows[0]?.[place] !== undefined),
      };
    },
    async readSample({ organization, rows, signal }) {
      headerValue('organization', organization);
      const readPage = pageReader({ clock: noClock, signal, maxAttempts: 1 });
      const query = { organization, after: null, changedSince: null, rows };
      const { value, milliseconds } = await readPage('test', query);
      return { ...value, milliseconds };
    },
    async readColumns({ organization, signal }) {
      headerValue('organization', organization);
      const query = { organization, after: null, changedSince: null, rows: 1 };
      const call = headerCall('test', query);
      return (await send(call, { clock: noClock, signal, maxAttempts: 1 })).value.aliases;
    },
  };
}

/** For requests whose responses are not compared with other data. */
const noClock = (): Promise<string> => Promise.resolve('');

/** Messages of the refusals, for users. */
const meanings: Record<RefusalCode, { what: string; hint: string }> = {
  PEMS_ERROR_ALERT: {
    what: 'PEMS refused the request:',
    hint: 'Act on what PEMS says. Often the grid, the screen, the organization or the rights of its user are wrong.',
  },
  PEMS_CONFIRMATION_ASKED: {
    what: 'PEMS asked a question instead of doing it:',
    hint: 'Make the change in PEMS itself, where the question can be answered.',
  },
  PEMS_UNAUTHORIZED: {
    what: 'PEMS does not let the user of the connection do this:',
    hint: 'Check the user, the password or API key, the tenant, and the rights of that user in PEMS.',
  },
  PEMS_RECORD_NOT_FOUND: {
    what: 'PEMS does not have the record:',
    hint: 'Nothing to do: a sync or a read confirms it.',
  },
  PEMS_RECORD_MODIFIED: {
    what: 'PEMS has another version of the record:',
    hint: 'Nothing to do: the record is read again before it is written.',
  },
  PEMS_RECORD_LOCKED: {
    what: 'Somebody has the record open in PEMS:',
    hint: 'Nothing to do: the change is sent again later.',
  },
};

/** Ids in the order of the requests, the last one first. */
function inRequests(ids: readonly string[], most: number): string[][] {
  const [alone, together]: [string[], string[]] = [[], []];
  for (const id of new Set(ids)) (mustStandAlone(id) ? alone : together).push(id);
  const requests = alone.map((id) => [id]);
  for (let start = 0; start < together.length; start += most) {
    requests.push(together.slice(start, start + most));
  }
  return requests.toReversed();
}

type Fail = (code: string, message: string, hint: string, details?: object) => VanguardError;

function failureAt(url: URL): Fail {
  return (code, message, hint, details = {}) =>
    new VanguardError(code, message, { hint, details: { url: url.href, ...details } });
}

function tooLate(): VanguardError {
  const message = 'The change was not sent to PEMS, because the time in which it may be sent had passed.';
  return new VanguardError('PEMS_WRITE_TOO_LATE', message, {
    hint: 'Nothing to do: the record is read again and the change is sent anew.',
  });
}

function interrupted(cause: unknown): VanguardError {
  return new VanguardError('PEMS_WRITE_INTERRUPTED', 'The write to PEMS was ended from our side.', {
    hint: 'Nothing to do: the record is read again before anything else is written to it.',
    cause,
  });
}

/**
 * Elapsed milliseconds on the clock that shows more: one stands still while the machine sleeps, the other may be
 * adjusted.
 */
function stopwatch(): () => number {
  const [running, wall] = [performance.now(), Date.now()];
  return () => Math.max(performance.now() - running, Date.now() - wall);
}

function filterTime(timestamp: string | null | undefined, format: DateFormat): string | null {
  if (timestamp === undefined || timestamp === null) return null;
  const filter = formatTimestamp(timestamp, format);
  if (filter !== null) return filter;
  throw new VanguardError('PEMS_CHANGED_SINCE_INVALID', 'The time to read changes from is no such time.', {
    hint: 'Give it as 2026-04-02 14:30, in the local time of PEMS.',
  });
}

interface Body {
  /** Returns `null` for invalid UTF-8, instead of replacing it silently, because the text may later be written back. */
  text: string | null;
  bytes: number;
}

/**
 * Refuses a response that would exhaust memory once parsed, or whose nesting would overflow the stack.
 *
 * @throws VanguardError `PEMS_ANSWER_TOO_LARGE`
 */
function checkSize(text: string): void {
  let depth = 0;
  let deepest = 0;
  let objects = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    // Counts `{` and `[`, including those within texts, which only makes the check stricter.
    if (unit === 123 || unit === 91) {
      objects += 1;
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (unit === 125 || unit === 93) depth -= 1;
  }
  if (objects > 10_000 && text.length / objects < LEAST_BYTES_PER_OBJECT)
    throw tooLarge('holds more objects than records could have');
  if (deepest > MOST_NESTING && nestingOf(text) > MOST_NESTING) throw tooLarge('is nested too deeply');
}

/** Returns the nesting depth of a JSON text, without brackets within texts. */
function nestingOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[{[\]}]/g)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth -= 1;
  }
  return deepest;
}

function tooLarge(what: string): VanguardError {
  return new VanguardError('PEMS_ANSWER_TOO_LARGE', `PEMS gave an answer that ${what}; it was not read.`, {
    hint: 'Lower the page size of the connection. If it stays, what answers there is not PEMS.',
  });
}

/** Decodes piece by piece: a text that is decoded at once lies outside of the heap, where it is rarely collected. */
async function readBody({ body }: Reply): Promise<Body> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > MOST_BYTES) throw tooLarge(`is larger than ${MOST_BYTES / 1024 / 1024} MiB`);
    const more = decoded(decoder, piece);
    if (more === null) return { text: null, bytes };
    text += more;
  }
  const end = decoded(decoder);
  return { text: end === null ? null : (text + end).trim(), bytes };
}

/** Call without a piece at the end. */
function decoded(decoder: InstanceType<typeof TextDecoder>, piece?: Uint8Array): string | null {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    return null;
  }
}

/**
 * Returns `undefined` for text that is not JSON. The parser's own message is dropped: it repeats the text.
 *
 * @throws VanguardError `PEMS_ANSWER_TOO_LARGE`
 */
function parseJson(text: string): unknown {
  checkSize(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Returns the system's code of a failed request, from the chain of causes. */
function networkReason(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'UNKNOWN';
}

function networkWords(reason: string): string {
  switch (reason) {
    case 'ECONNREFUSED':
      return 'nothing accepts connections there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name of its host is not known';
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'the connection was closed before the answer was complete';
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 'nothing answers there';
    default:
      return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(reason)
        ? `its certificate is not trusted (${reason})`
        : `the network failed (${reason})`;
  }
}
