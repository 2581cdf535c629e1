import { Router } from 'express';
import type pg from 'pg';
import { databaseState } from '../database/state.ts';

/** `/api/health`: this process is alive. `/api/ready`: database, migrations and queue are as this version needs them. */
export function healthRoutes(pool: pg.Pool): Router {
  const router = Router();
  router.get('/health', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/ready', async (_request, response) => {
    const checks = await databaseState(pool).then(
      (state) => ({
        database: true,
        migrations: state !== undefined && state.missing.length + state.unknown.length === 0,
        queue: state !== undefined && state.hasQueue,
      }),
      () => ({ database: false, migrations: false, queue: false }),
    );
    const ready = Object.values(checks).every(Boolean);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks });
  });
  return router;
}
