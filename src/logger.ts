import { AsyncLocalStorage } from 'node:async_hooks';
import { format } from 'node:util';
import pino, { type Logger } from 'pino';
import { hiderOf } from './hiding.ts';

const requests = new AsyncLocalStorage<{ requestId: string }>();

/** Runs something whose lines in the log all carry the id of the request, also those that libraries write. */
export function logAsRequest(requestId: string, use: () => void): void {
  requests.run({ requestId }, use);
}

/** What stands in a log where a secret was. */
const censored = '(left out)';

/** Secrets of this process. */
const hidden = new Set<string>();
let hide = hiderOf(hidden, censored);

/** Shorter ones would be found in words that are none. */
const shortestHidden = 6;

/** Keeps a secret out of every log of this process from now on, wherever it turns up, e.g. in what another system answers. */
export function hideInLogs(...secrets: (string | undefined)[]): void {
  const news = secrets.filter(
    (secret) => secret !== undefined && secret.length >= shortestHidden && !hidden.has(secret),
  );
  if (news.length === 0) return;
  for (const secret of news) if (secret !== undefined) hidden.add(secret);
  hide = hiderOf(hidden, censored);
}

/** As `hideInLogs`, for the password of a connection string: as written, and decoded. */
export function hidePasswordsOf(...urls: (string | undefined)[]): void {
  for (const url of urls) {
    if (!url || !URL.canParse(url)) continue;
    const { password } = new URL(url);
    hideInLogs(password, decodeURIComponent(password));
  }
}

/** A character of a string within a line of JSON, but for the quote that ends it. */
const character = String.raw`(?:\\.|[^"\\\s])`;

/** What looks like a secret wherever it stands, with what takes its place. */
const patterns: readonly [RegExp, string][] = [
  // scheme://user:password@host
  [/(:\/\/)(?:\\[^nrt]|[^"\\\s/])*@/g, `$1${censored}@`],
  [new RegExp(String.raw`\b(Bearer|Basic|Digest)(\s+)(?!realm\b)${character}{6,}`, 'gi'), `$1$2${censored}`],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, censored],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\.|[^"\\])*/g, censored],
  // password=..., "token": "...", also in JSON within JSON
  [
    /\b((?:current|new)?-?_?(?:password|passwd|pwd|secret|token|api[-_]?key|authorization|cookie|vanguard_refresh))((?:\\*["'])?\s*[:=]\s*(?:\\*["'])?)(?!\(left out\))(?:[^"'\\\s,;&}]|\\[^"'nrt\\])+/gi,
    `$1$2${censored}`,
  ],
];

/** A line of the log without secrets; it stays JSON. */
export function withoutSecrets(line: string): string {
  let clean = hide(line);
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}

interface LoggedError {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  [about: string]: unknown;
}

/** What of an error is logged beside its message. Not its other properties: PostgreSQL's quote rows and values. */
const aboutErrors = ['hint', 'severity', 'schema', 'table', 'constraint', 'routine', 'status', 'statusCode'];

/** An error and its causes as they are logged: named properties only. */
function errorForLog(error: unknown, depth = 0): LoggedError | undefined {
  if (!(error instanceof Error)) {
    return error === undefined ? undefined : { type: typeof error, message: format('%s', error) };
  }
  const about = error as unknown as Record<string, unknown>;
  const code = typeof about.code === 'string' ? about.code : undefined;
  // Class 22 quotes the value that it cannot read: invalid input syntax for type integer: "..."
  const quotes = code?.startsWith('22') && 'severity' in error;
  const message = quotes ? error.message.replace(/(: )?"[\s\S]*/, ` ${censored}`) : error.message;
  const stack = quotes ? error.stack?.replace(error.message, () => message) : error.stack;
  return {
    type: error.name,
    message,
    ...(code === undefined ? {} : { code }),
    ...Object.fromEntries(
      aboutErrors.filter((key) => typeof about[key] === 'string').map((key) => [key, about[key]]),
    ),
    ...(stack === undefined ? {} : { stack }),
    ...(error.cause === undefined || depth > 4 ? {} : { cause: errorForLog(error.cause, depth + 1) }),
    ...(error instanceof AggregateError
      ? { errors: error.errors.slice(0, 5).map((one: unknown) => errorForLog(one, depth + 1)) }
      : {}),
  };
}

/**
 * Structured logs on standard error, one JSON object a line, so that what a command prints stays apart from them.
 * Secrets are left out: by the name of what holds them, by how they look, and those that `hideInLogs` knows.
 */
export function createLogger(
  name: string,
  level: string,
  destination: pino.DestinationStream = pino.destination({ dest: 2, sync: true }),
): Logger {
  const names = ['password', 'token', 'secret', 'authorization', 'cookie', 'privateKey', 'ciphertext'];
  return pino(
    {
      name,
      level,
      redact: {
        paths: [...names, ...names.map((n) => `*.${n}`), ...names.map((n) => `*.*.${n}`), '*["set-cookie"]'],
        censor: censored,
      },
      mixin: () => ({ ...requests.getStore() }),
      serializers: { err: (error: unknown) => errorForLog(error), error: loggedAsError },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
}

/** `error` is the message alone where it is a text. */
function loggedAsError(error: unknown): unknown {
  return error instanceof Error ? errorForLog(error) : error;
}

/**
 * Makes everything that this process says itself part of its log: libraries that print to the console, warnings of node,
 * and the error that ends it. For processes that run for long; call it once.
 */
export function logEverything(logger: Logger): void {
  // The GraphQL library prints also what is only a client's fault; what is ours is logged as an error where it is answered.
  const levels = {
    error: 'warn',
    warn: 'warn',
    log: 'info',
    info: 'info',
    dir: 'warn',
    debug: 'debug',
  } as const;
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...said: unknown[]) => {
      const err = said.find((one) => one instanceof Error);
      logger[level]({ from: 'console', ...(err ? { err } : {}) }, wordsOf(said));
    };
  }
  // node prints them itself as long as it listens.
  process.removeAllListeners('warning');
  process.on('warning', (err) => logger.warn({ err }, 'node warns'));
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'stopped by an error that nobody caught');
    process.exit(1);
  });
}

/** What was printed, without what objects hold. */
function wordsOf(said: unknown[]): string {
  const words = said.map((one) => {
    if (one instanceof Error) return one.message;
    return typeof one === 'object' && one !== null ? '(an object)' : one;
  });
  return format(...words).slice(0, 4000);
}
