import { Router } from 'express';
import type pg from 'pg';
import { databaseState } from '../../sql/health/health.queries.ts';
import { checkMigrations } from '../database/state.ts';
import { VanguardError } from '../errors.ts';

/** `/api/health`: this process is alive. `/api/ready`: database, migrations and queue are as this version needs them. */
export function healthRoutes(pool: pg.Pool): Router {
  const router = Router();
  router.get('/health', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/ready', async (_request, response) => {
    const checks = await Promise.all([fits(pool), databaseState.run({ migration: '' }, pool)]).then(
      ([migrations, [state]]) => ({ database: true, migrations, queue: state!.hasQueue }),
      () => ({ database: false, migrations: false, queue: false }),
    );
    const ready = Object.values(checks).every(Boolean);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not ready', checks });
  });
  return router;
}

/** Whether the database has exactly the migrations of this version. */
async function fits(pool: pg.Pool): Promise<boolean> {
  try {
    await checkMigrations(pool);
    return true;
  } catch (error) {
    if (error instanceof VanguardError) return false;
    throw error;
  }
}
