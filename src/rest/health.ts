import { Router } from 'express';
import type pg from 'pg';
import { databaseState } from '../database/state.ts';
import { isReadOnly } from '../database/usable.ts';

/**
 * Serves `/api/health` (this process is alive) and `/api/ready` (the database accepts changes, and its migrations and queue
 * match this version).
 */
export function healthRoutes(pool: pg.Pool): Router {
  const router = Router();
  router.get('/health', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/ready', async (_request, response) => {
    const checks = await Promise.all([databaseState(pool), isReadOnly(pool)]).then(
      ([state, readOnly]) => ({
        database: true,
        writable: !readOnly,
        migrations: state !== undefined && state.missing.length + state.unknown.length === 0,
        queue: state !== undefined && state.hasQueue,
      }),
      () => ({ database: false, writable: false, migrations: false, queue: false }),
    );
    const code = notReady(checks);
    response
      .status(code ? 503 : 200)
      .json(code ? { status: 'not ready', code, checks } : { status: 'ready', checks });
  });
  return router;
}

/** Returns the code of the first failed check. */
function notReady(
  checks: Record<'database' | 'writable' | 'migrations' | 'queue', boolean>,
): string | undefined {
  if (!checks.database) return 'DATABASE_UNAVAILABLE';
  if (!checks.writable) return 'DATABASE_READ_ONLY';
  return checks.migrations && checks.queue ? undefined : 'DATABASE_NOT_MIGRATED';
}
