import { VanguardError } from '../errors.ts';
import { checkConnection, headerValue, MAX_PAGE_SIZE } from './connection.ts';
import type { PemsConnection } from './connection.ts';
import { cutAtLastId, errorAlerts, gridRequest, malformed, parseGridAnswer } from './grid.ts';
import type { GridPage, GridRequest } from './grid.ts';
import { createRateLimiter, retryDelay, wait } from './pacing.ts';
import { formatTimestamp, makeStorable } from './values.ts';
import type { DateFormat } from './values.ts';

/** What became of one attempt of one request: for logs and metrics. Holds nothing secret. */
export interface PemsRequestEvent {
  /** From 1, for each request anew. */
  attempt: number;
  /** How long the attempt took, the readings of the caller's clock included. */
  milliseconds: number;
  /** Why the attempt failed; `null` when it did not. */
  error: VanguardError | null;
  /** How long until the next attempt; `null` when there is none. */
  retryInMs: number | null;
}

export interface ReadGridOptions {
  /** The organization's code. Rows of others whose code begins alike come too: the caller checks each row. */
  organization: string;
  /**
   * Only rows changed at or after this time: `2026-04-02 14:30` in the local time of PEMS, as `parseTimestamp` gives it.
   */
  changedSince?: string | null;
  /**
   * Reads the clock by which the caller orders what it knows, e.g. the database's. It has no default, because another
   * clock would let an old page win over a newer write. When it rejects, the read rejects with the same.
   */
  clock: () => Promise<string>;
  /** Ends the read at once; it then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called after each attempt. */
  onRequest?: (event: PemsRequestEvent) => void;
}

/** One page of a read, with the clock readings around the attempt that brought it. */
export interface PemsPage extends GridPage {
  /** Read right before that attempt was sent: nothing that happened before can be missing from the page. */
  requestedAt: string;
  /** Read right after its last byte arrived. */
  receivedAt: string;
}

export interface TestConnectionOptions {
  organization: string;
  signal?: AbortSignal;
}

/** What a working connection showed. */
export interface ConnectionTest {
  /** How long PEMS took for one row. */
  milliseconds: number;
  /** 1, or 0 where the organization has no rows. */
  rows: number;
  /** The aliases of that row, in lower case, as PEMS orders them. */
  aliases: string[];
}

/** Reads PEMS. */
export interface PemsClient {
  /**
   * Reads the rows of one organization page by page. While a page is being consumed the next one is asked for, and no
   * more than that, so memory holds two; how many rows are asked for follows from how large they are. Who stops before the end takes that request back. The read was complete only
   * if the iteration ended without an error.
   *
   * Each row comes with the page that holds all rows of its id; `more` is false on the last page only. Pages follow the ids in the order of PEMS, so a
   * record that exists during the whole read is in it, whatever is added or deleted meanwhile.
   *
   * @throws VanguardError (while iterating) `PEMS_UNREACHABLE`, `PEMS_TIMEOUT`, `PEMS_RATE_LIMITED` or
   *   `PEMS_SERVER_ERROR` after the last attempt; at once `PEMS_UNAUTHORIZED`, `PEMS_REFUSED` (another 4xx),
   *   `PEMS_REDIRECTED`, `PEMS_ERROR_ALERT`, `PEMS_MALFORMED_ANSWER` (half an answer is tried again first);
   *   `PEMS_CONNECTION_INVALID` and `PEMS_CHANGED_SINCE_INVALID` for what was asked
   */
  readGrid(options: ReadGridOptions): AsyncIterable<PemsPage>;
  /**
   * Asks for one row, once: a person waits for the reason.
   *
   * @throws VanguardError as `readGrid`
   */
  testConnection(options: TestConnectionOptions): Promise<ConnectionTest>;
}

/**
 * About how large an answer is asked for, in bytes; up to two of them are in memory at a time. Not much smaller: PEMS
 * takes a certain number of requests a second.
 */
const ANSWER_BYTES = 5 * 1024 * 1024;
/** Rows of the first request, when it is not known yet how large a row is. */
const FIRST_ROWS = 1_000;
/** Fewer are not asked for, however large they are, unless the connection says so. */
const LEAST_ROWS = 100;

interface Answer {
  page: GridPage;
  /** How large it was. */
  bytes: number;
  requestedAt: string;
  receivedAt: string;
}

/** How one attempt ended, when it did not bring an answer. */
interface Failure {
  error: VanguardError;
  mayRetry: boolean;
  retryAfter?: string | null;
}

interface SendOptions {
  /** Checked: HTTP can carry it. */
  organization: string;
  clock: () => Promise<string>;
  signal?: AbortSignal;
  onRequest?: (event: PemsRequestEvent) => void;
  maxAttempts: number;
}

/**
 * A client for one connection. The limit on requests a second holds within it, so share one per process.
 *
 * @throws VanguardError `PEMS_CONNECTION_INVALID` when the connection cannot be used as it is
 */
export function createPemsClient(connection: PemsConnection): PemsClient {
  const checked = checkConnection(connection);
  const { grid, pageSize, timeoutMs, gridUrl } = checked;
  const takeTurn = createRateLimiter(checked.requestsPerSecond);
  // Longest first, so that a secret inside another one does not leave the rest of it standing.
  const secrets = checked.secrets.toSorted((a, b) => b.length - a.length);

  /** Text from PEMS for a message: storable, not endless, and without our credentials, should PEMS repeat them. */
  const foreignText = (text: string): string => {
    const safe = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
    return makeStorable(safe.length > 500 ? `${safe.slice(0, 500)}…` : safe);
  };

  const alertError = (body: unknown): VanguardError | null => {
    const alerts = errorAlerts(body).map(({ name, message }) => ({
      name: foreignText(name),
      message: foreignText(message),
    }));
    if (alerts.length === 0) return null;
    const words = alerts.map(({ name, message }) => message || name || 'no reason given').join('; ');
    return new VanguardError('PEMS_ERROR_ALERT', `PEMS refused the request: ${words}`, {
      hint: 'Act on what PEMS says; often the grid, the organization or the rights of its user are not right.',
      details: { alerts },
    });
  };

  const fail = (code: string, message: string, hint: string, details: object = {}): VanguardError =>
    new VanguardError(code, message, { hint, details: { url: gridUrl.href, ...details } });

  const statusFailure = async (response: Response): Promise<Failure> => {
    const { status } = response;
    const retryAfter = response.headers.get('retry-after');
    if (status === 429) {
      const message = 'PEMS refused the request because too many were made within a second.';
      const hint =
        'Lower the requests per second of the connection, or wait until other users of it are done.';
      return { error: fail('PEMS_RATE_LIMITED', message, hint, { status }), mayRetry: true, retryAfter };
    }
    if (status >= 500) {
      const message = `PEMS failed with HTTP status ${status}.`;
      const hint = 'Try again later; if it stays, tell those who run PEMS.';
      return { error: fail('PEMS_SERVER_ERROR', message, hint, { status }), mayRetry: true, retryAfter };
    }
    if (status === 401 || status === 403) {
      const message = `PEMS did not accept the credentials of the connection (HTTP status ${status}).`;
      const hint = 'Check the user and password or the API key, the tenant, and what that user may see.';
      return { error: fail('PEMS_UNAUTHORIZED', message, hint, { status }), mayRetry: false };
    }
    if (status >= 300 && status < 400) {
      const location = response.headers.get('location') ?? '';
      const target = foreignText(location);
      const origin = URL.canParse(target, gridUrl.href) ? new URL(target, gridUrl.href).origin : 'elsewhere';
      const message = `PEMS redirected the request to ${origin}, which is not followed.`;
      const hint =
        'If PEMS has moved, enter its new base URL: credentials are sent only to the host entered.';
      return { error: fail('PEMS_REDIRECTED', message, hint, { status }), mayRetry: false };
    }
    const alerts = alertError(parseJson(await response.text()));
    if (alerts !== null) return { error: alerts, mayRetry: false };
    const message = `PEMS refused the request with HTTP status ${status}.`;
    const hint = 'Check that the base URL ends in /axis/restservices and that the grid exists.';
    return { error: fail('PEMS_REFUSED', message, hint, { status }), mayRetry: false };
  };

  const networkFailure = (error: unknown, timedOut: boolean): Failure => {
    const reason = networkReason(error);
    if (timedOut || reason === 'UND_ERR_HEADERS_TIMEOUT' || reason === 'UND_ERR_BODY_TIMEOUT') {
      const message = `PEMS did not answer completely within ${timeoutMs / 1_000} seconds.`;
      const hint = 'Raise the time limit of the connection or lower its page size; PEMS may be busy.';
      return { error: fail('PEMS_TIMEOUT', message, hint, { timeoutMs }), mayRetry: true };
    }
    const message = `PEMS at ${gridUrl.host} cannot be reached: ${networkWords(reason)}.`;
    const hint = 'Check the base URL of the connection, the network, and whether PEMS runs.';
    return { error: fail('PEMS_UNREACHABLE', message, hint, { reason }), mayRetry: true };
  };

  const attempt = async (request: GridRequest, options: SendOptions): Promise<Answer | Failure> => {
    const { organization, signal, clock } = options;
    const requestedAt = await clock();
    const timeout = AbortSignal.timeout(timeoutMs);
    let body: Body;
    try {
      const response = await fetch(gridUrl, {
        method: 'POST',
        headers: { ...checked.headers, organization },
        body: JSON.stringify(request),
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      if (!response.ok) {
        const failure = await statusFailure(response);
        if (!response.bodyUsed) await response.body?.cancel();
        return failure;
      }
      body = await readBody(response);
    } catch (error) {
      signal?.throwIfAborted();
      return networkFailure(error, timeout.aborted);
    }
    const receivedAt = await clock();
    const { text, bytes } = body;
    const content = text === null ? undefined : parseJson(text);
    if (content === undefined) {
      // Something else than JSON (a login page) stays what it is; JSON that breaks off is worth another attempt.
      const brokeOff = text === null || text === '' || text.startsWith('{');
      return { error: malformed('The answer', brokeOff ? 'breaks off' : 'is no JSON'), mayRetry: brokeOff };
    }
    const alerts = alertError(content);
    if (alerts !== null) return { error: alerts, mayRetry: false };
    try {
      return { page: parseGridAnswer(content), bytes, requestedAt, receivedAt };
    } catch (error) {
      if (error instanceof VanguardError) return { error, mayRetry: false };
      throw error;
    }
  };

  const send = async (
    request: GridRequest,
    options: SendOptions,
  ): Promise<Answer & { milliseconds: number }> => {
    for (let count = 1; ; count += 1) {
      await takeTurn(options.signal);
      const started = performance.now();
      const outcome = await attempt(request, options);
      const milliseconds = Math.round(performance.now() - started);
      const event = { attempt: count, milliseconds };
      if ('page' in outcome) {
        options.onRequest?.({ ...event, error: null, retryInMs: null });
        return { ...outcome, milliseconds };
      }
      const { error, mayRetry, retryAfter } = outcome;
      const again = mayRetry && count < options.maxAttempts;
      const retryInMs = again ? retryDelay(count, checked.retryDelayMs, retryAfter) : null;
      options.onRequest?.({ ...event, error, retryInMs });
      if (retryInMs === null) throw error;
      await wait(retryInMs, options.signal);
    }
  };

  async function* readGrid(options: ReadGridOptions): AsyncGenerator<PemsPage, void, undefined> {
    const { clock, onRequest } = options;
    const organization = headerValue('organization', options.organization);
    const changedSince = filterTime(options.changedSince, checked.filterDateFormat);
    const left = new AbortController();
    const signal =
      options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
    const sendOptions = { organization, clock, signal, onRequest, maxAttempts: checked.maxAttempts };
    const ask = (after: string | null, rows: number): Promise<Answer> => {
      const answer = send(gridRequest(checked, { organization, after, changedSince, rows }), sendOptions);
      // It may fail while nobody waits for it yet: whoever takes the page hears of it.
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
        const { page, bytes, requestedAt, receivedAt } = await asked;
        const at = page.aliases.indexOf(idAlias);
        const again = page.rows.find((row) => passed.has(row[at] ?? ''));
        if (again !== undefined) {
          const id = JSON.stringify(foreignText(again[at] ?? ''));
          throw malformed('The page', `holds ${idAlias} ${id} again, though only later ones were asked for`);
        }
        // A full page that claims to be the last is not believed: asking on costs one request, a lie would look like
        // thousands of removed records.
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
          yield { aliases: page.aliases, rows: cut.rows, more: true, requestedAt, receivedAt };
        } else if (page.rows.length > 0 && rows < MAX_PAGE_SIZE) {
          // A single id filled the page: only a larger one can show where it ends.
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

  return {
    readGrid,
    async testConnection({ organization, signal }) {
      headerValue('organization', organization);
      const request = gridRequest(checked, { organization, after: null, changedSince: null, rows: 1 });
      const clock = (): Promise<string> => Promise.resolve('');
      const answer = await send(request, { organization, clock, signal, maxAttempts: 1 });
      const { rows, aliases } = answer.page;
      return {
        milliseconds: answer.milliseconds,
        rows: rows.length,
        aliases: aliases.filter((_, place) => rows[0]?.[place] !== undefined),
      };
    },
  };
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
  /** `null` for invalid UTF-8, which is not replaced in silence: what is read here may be written back one day. */
  text: string | null;
  bytes: number;
}

/** Decodes piece by piece: a text that is decoded whole lies outside of the heap, where hardly anything collects it. */
async function readBody(response: Response): Promise<Body> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> | Uint8Array[] = response.body ?? [];
  for await (const piece of pieces) {
    bytes += piece.length;
    const more = decoded(decoder, piece);
    if (more === null) return { text: null, bytes };
    text += more;
  }
  const end = decoded(decoder);
  return { text: end === null ? null : (text + end).trim(), bytes };
}

/** Without a piece: the end. */
function decoded(decoder: InstanceType<typeof TextDecoder>, piece?: Uint8Array): string | null {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    return null;
  }
}

/** `undefined` where it is no JSON. The parser's own message is dropped: it repeats the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The system's code for why a request failed, from the chain of causes. */
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
