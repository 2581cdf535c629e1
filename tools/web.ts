/**
 * Builds the web app: `node tools/web.ts` builds web/ into web/dist if its sources changed. `npm start` and the browser
 * tests run that. With `build` it always builds; with `dev` it serves the sources with the API of a running server.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { InlineConfig, Plugin } from 'vite';

const projectFolder = join(import.meta.dirname, '..');
const folder = join(projectFolder, 'web');
const built = join(folder, 'dist');
/** Hash of the sources of the build in dist; written last, so that an interrupted build does not count. */
const stamp = join(built, '.made-of');

/** Placeholders that the serving server fills in; in development, that is `npm run web:dev`. */
const developmentPage: Plugin = {
  name: 'vanguard-development-page',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace('__MODE__', 'development').replaceAll('__NONCE__', ''),
};

/** Loads the build tools; undefined if only production dependencies are installed. */
async function loadBuildTools() {
  try {
    const [vite, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')]);
    return { ...vite, react };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
type BuildTools = NonNullable<Awaited<ReturnType<typeof loadBuildTools>>>;

/** Vite treats text after these characters as a fragment or query, even in a folder name. */
const hasOddName = /[#?]/.test(projectFolder);

/** Calls `use` with a path where Vite can work: the folder itself, or a link if its name would break Vite. */
async function withRoot<T>(use: (root: string) => Promise<T>): Promise<T> {
  if (!hasOddName) return use(folder);
  const temporary = await mkdtemp(join(tmpdir(), 'vanguard-web-'));
  try {
    const link = join(temporary, 'project');
    await symlink(projectFolder, link, 'dir');
    return await use(join(link, 'web'));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

const configure = ({ react }: BuildTools, root: string): InlineConfig => ({
  configFile: false,
  root,
  resolve: { preserveSymlinks: hasOddName },
  logLevel: 'warn',
  plugins: [react(), developmentPage],
  // The build must not depend on the machine, because tests compare files by hash.
  envDir: false,
  build: {
    target: ['chrome120', 'firefox121', 'safari17'],
    reportCompressedSize: false,
    // A test limits the size of the first load.
    chunkSizeWarningLimit: 1500,
    // The Content-Security-Policy allows data: only for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

/** Returns a hash of the sources: all of web/, the versions of tools and libraries, and this file. */
async function contentHash(): Promise<string> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, 'dist')))
    .sort();
  const hash = createHash('sha256');
  const others = ['package-lock.json', 'tsconfig.json'].map((name) => join(projectFolder, name));
  for (const path of [...names, ...others, import.meta.filename])
    hash
      .update(`${path.slice(projectFolder.length)}\0`)
      .update(await readFile(path))
      .update('\0');
  return hash.digest('hex');
}

/** Adds a compressed copy of every compressible file, for clients that accept it. */
async function compress(folder: string): Promise<void> {
  const [brotli, gzipped] = [promisify(brotliCompress), promisify(gzip)];
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(js|css|svg)$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(folder, name));
      if (content.length < 1024) return;
      const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
      await writeFile(join(folder, `${name}.br`), await brotli(content, { params: quality }));
      await writeFile(join(folder, `${name}.gz`), await gzipped(content, { level: 9 }));
    }),
  );
}

async function buildApp(tools: BuildTools, madeOf: string): Promise<void> {
  const began = performance.now();
  // Builds beside the served version, then replaces it.
  const fresh = `${built}-${randomBytes(4).toString('hex')}`;
  try {
    await withRoot(async (root) => {
      const configuration = configure(tools, root);
      const outDir = join(root, basename(fresh));
      await tools.build({ ...configuration, build: { ...configuration.build, outDir, emptyOutDir: true } });
    });
    await compress(fresh);
    await writeFile(join(fresh, '.made-of'), madeOf);
    await rm(built, { recursive: true, force: true });
    await rename(fresh, built);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  console.log(`The web app is built, in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
}

async function develop(tools: BuildTools): Promise<void> {
  const target = `http://localhost:${process.env.PORT ?? 3001}`;
  // Keeps the browser's Host header, which the server compares with the Origin.
  const proxied = { target, ws: true };
  const paths = ['/api', '/graphql', '/graphiql', '/ruru-static', '/.well-known'];
  const server = await tools.createServer({
    ...configure(tools, folder),
    logLevel: 'info',
    server: { port: 5173, proxy: Object.fromEntries(paths.map((path) => [`^${path}(/|\\?|$)`, proxied])) },
  });
  await server.listen();
  server.printUrls();
}

// Always builds for production, even from tests, because React's development build is twice as large and slow.
process.env.NODE_ENV = process.argv[2] === 'dev' ? 'development' : 'production';
const [command = 'if-changed'] = process.argv.slice(2);
const madeOf = await contentHash();
const isCurrent = existsSync(stamp) && (await readFile(stamp, 'utf8')) === madeOf;
if (command !== 'if-changed' || !isCurrent) {
  const tools = await loadBuildTools();
  if (!tools) {
    const state = existsSync(stamp) ? 'out of date' : 'not built';
    console.error(
      `The web app is ${state}, and the tools that build it are not installed. Run \`npm ci && npm run build\`.`,
    );
    // `npm start` continues, because the API works without the web app.
    if (command !== 'if-changed') process.exitCode = 1;
  } else if (command === 'dev') await develop(tools);
  else await buildApp(tools, madeOf);
}
