import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import express, { Router, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { projectFolder } from '../configuration.ts';
import { pagePolicy } from './headers.ts';
import { answeredAs } from './observe.ts';

/** Folder that `npm run build` writes the web app to. */
const builtApp = join(projectFolder, 'web', 'dist');

/** Paths that never belong to the web app, even if unknown: API clients get responses of the API. */
const others = /^\/(api|graphql|graphiql|ruru-static|\.well-known|metrics)(\/|$)/;
/** Files whose names change with their content. */
const hashed = /^\/assets\//;
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

const notBuilt = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>PFA Vanguard</title></head>
  <body>
    <h1>The web app is not built</h1>
    <p>The API works without it. Build the app with <code>npm run build</code> in the folder of the project, and reload this page;
      <code>npm start</code> does it by itself.</p>
  </body>
</html>
`;

/**
 * Serves the web app at `/`: its precompressed files, and its page for every other address that a browser navigates to,
 * because only the app knows its routes.
 *
 * @param folder Folder of the built app. The app may be built later: every page request looks for it.
 */
export function webApp({
  folder = builtApp,
  production,
  logger,
}: {
  folder?: string;
  production: boolean;
  logger: Logger;
}): Router {
  const router = Router();
  const pageFile = join(folder, 'index.html');
  if (!existsSync(pageFile)) {
    logger.warn({ folder }, 'The web app is not built: run `npm run build`. The API works without it.');
  }

  const files = express.static(folder, {
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    setHeaders: (response, path) => {
      const encoding = encodings.find(([, ending]) => path.endsWith(ending));
      if (encoding) response.setHeader('Content-Encoding', encoding[0]);
      answeredAs(response.req, '(file of the web app)');
    },
  });

  router.use((request, response, next) => {
    if (!['GET', 'HEAD'].includes(request.method) || others.test(request.path)) return next();
    if (isPage(request)) {
      answeredAs(request, '(page)');
      return sendPage(response).catch(next);
    }
    if (request.path === '/index.html') return next();
    const { url } = request;
    response.setHeader(
      'Cache-Control',
      hashed.test(request.path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
    const ending = extname(request.path);
    if (['.js', '.css', '.svg'].includes(ending)) {
      response.vary('Accept-Encoding');
      const taken = encodings.find(
        ([encoding, compressed]) =>
          request.acceptsEncodings(encoding) && existsSync(join(folder, `${request.path}${compressed}`)),
      );
      if (taken) {
        response.type(ending);
        request.url = `${request.path}${taken[1]}`;
      }
    }
    files(request, response, (error?: unknown) => {
      request.url = url;
      for (const name of ['Cache-Control', 'Content-Type', 'Vary']) response.removeHeader(name);
      next(error);
    });
  });

  async function sendPage(response: Response): Promise<void> {
    const page = await readFile(pageFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    // Browsers must revalidate the page, because the files it names belong to this build.
    response.setHeader('Cache-Control', 'no-cache');
    response.type('html');
    if (page === undefined) return void response.status(503).send(notBuilt);
    const nonce = randomBytes(16).toString('base64');
    response.setHeader('Content-Security-Policy', pagePolicy(nonce));
    response.send(
      page.replaceAll('__NONCE__', nonce).replace('__MODE__', production ? 'production' : 'development'),
    );
  }
  return router;
}

/** Returns whether a request navigates to a page. A request for a missing script or image gets no page. */
function isPage({ path, headers }: Request): boolean {
  return path === '/' || (!hashed.test(path) && (headers.accept ?? '').includes('text/html'));
}
