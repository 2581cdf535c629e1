import pino, { type Logger } from 'pino';

/** Structured logs on standard error, so that what a command prints stays apart from them. Secrets are left out. */
export function createLogger(name: string, level: string): Logger {
  return pino(
    {
      name,
      level,
      redact: {
        paths: [
          '*.password',
          '*.token',
          '*.authorization',
          '*.cookie',
          'password',
          'token',
          'authorization',
          'cookie',
          '*.headers.authorization',
          '*.headers.cookie',
        ],
        censor: '(left out)',
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
