import { AsyncLocalStorage } from 'node:async_hooks';
import { format } from 'node:util';
import pino, { type Logger } from 'pino';
import { hiderOf } from './hiding.ts';

const requests = new AsyncLocalStorage<{ requestId: string }>();

/** Runs a function whose log lines all carry the id of the request, including lines of libraries. */
export function logAsRequest(requestId: string, use: () => void): void {
  requests.run({ requestId }, use);
}

/** Replacement of a redacted secret. */
const censored = '(left out)';

/** Known secrets of this process. */
const hidden = new Set<string>();
let hide = hiderOf(hidden, censored);

/** Minimum length of a redacted secret: shorter ones would match ordinary words. */
const shortestHidden = 6;

/** Redacts a secret in every later log line of this process, wherever it occurs, e.g. in responses of other systems. */
export function hideInLogs(...secrets: (string | undefined)[]): void {
  const news = secrets.filter(
    (secret) => secret !== undefined && secret.length >= shortestHidden && !hidden.has(secret),
  );
  if (news.length === 0) return;
  for (const secret of news) if (secret !== undefined) hidden.add(secret);
  hide = hiderOf(hidden, censored);
}

/** Redacts the password of a connection string, as written and decoded. */
export function hidePasswordsOf(...urls: (string | undefined)[]): void {
  for (const url of urls) {
    if (!url || !URL.canParse(url)) continue;
    const { password } = new URL(url);
    hideInLogs(password, decodeURIComponent(password));
  }
}

/** A character of a string within a line of JSON, except the closing quote. */
const character = String.raw`(?:\\.|[^"\\\s])`;

/** Patterns of secrets, with their replacements. */
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

/** Returns a log line without secrets; it stays valid JSON. */
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

/**
 * Properties of an error that are logged beside its message. Other properties are left out, because those of PostgreSQL
 * quote rows and values.
 */
const aboutErrors = ['hint', 'severity', 'schema', 'table', 'constraint', 'routine', 'status', 'statusCode'];

/** Returns the logged form of an error and its causes: named properties only. */
function errorForLog(error: unknown, depth = 0): LoggedError | undefined {
  if (!(error instanceof Error)) {
    return error === undefined ? undefined : { type: typeof error, message: format('%s', error) };
  }
  const about = error as unknown as Record<string, unknown>;
  const code = typeof about.code === 'string' ? about.code : undefined;
  // Errors of class 22 quote the unreadable value: invalid input syntax for type integer: "..."
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
 * Creates a logger that writes one JSON object a line to standard error, apart from the output of commands. Redacts
 * secrets by the name of their property, by their pattern, and by the list of `hideInLogs`.
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

/** `error` holds only the message if it is a text. */
function loggedAsError(error: unknown): unknown {
  return error instanceof Error ? errorForLog(error) : error;
}

/**
 * Adds all output of this process to its log: console output of libraries, warnings of node, and the error that ends
 * the process. Call it once, in long-lived processes.
 */
export function logEverything(logger: Logger): void {
  // The GraphQL library also prints errors of clients; internal errors are logged where they are answered.
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
  // node itself prints warnings as long as it listens.
  process.removeAllListeners('warning');
  process.on('warning', (err) => logger.warn({ err }, 'node warns'));
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'stopped by an uncaught error');
    process.exit(1);
  });
}

/** Returns the printed text without the contents of objects. */
function wordsOf(said: unknown[]): string {
  const words = said.map((one) => {
    if (one instanceof Error) return one.message;
    return typeof one === 'object' && one !== null ? '(an object)' : one;
  });
  return format(...words).slice(0, 4000);
}
