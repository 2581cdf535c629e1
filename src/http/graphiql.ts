import { Router } from 'express';
import { VanguardError } from '../errors.ts';

const staticPath = '/ruru-static/';

/**
 * Serves GraphiQL at /graphiql. Its package, ruru, is a development dependency of 60 MB that production never loads.
 * The GraphiQL route of PostGraphile would need the package in production too. Therefore package.json replaces it by a
 * placeholder.
 */
export function graphiql(): Router {
  const router = Router();
  router.get('/graphiql', async (_request, response) => {
    const { ruruHTML } = await installed(() => import('ruru/server'));
    response.type('html').send(ruruHTML({ staticPath, endpoint: '/graphql' }));
  });
  router.use(async (request, response, next) => {
    if (!request.path.startsWith(staticPath)) return next();
    const { serveStatic } = await installed(() => import('ruru/static'));
    serveStatic(staticPath)(request, response, next);
  });
  return router;
}

/** Loads a part of ruru. Throws NOT_FOUND if only the dependencies of production are installed. */
async function installed<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new VanguardError('NOT_FOUND', 'GraphiQL is not installed.', {
      hint: 'Run `npm ci` without --omit=dev.',
      cause,
    });
  }
}
