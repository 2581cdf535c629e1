/**
 * The web app's build: `node tools/web.ts` builds web/ into web/dist if what it is made of has changed (`npm start` and
 * the browser tests do that), `build` builds it anyway, `dev` serves it as it is written, with the API of a running server.
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
/** What the build in dist was made of, as a hash: written last, so a build that was interrupted is none. */
const stamp = join(built, '.made-of');

/** What only the server that serves the page can know; here it is `npm run web:dev`. */
const developmentPage: Plugin = {
  name: 'vanguard-development-page',
  apply: 'serve',
  transformIndexHtml: (html) => html.replace('__MODE__', 'development').replaceAll('__NONCE__', ''),
};

/** Loads the tools that build the web app; undefined where only production's dependencies are installed. */
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

/** Vite takes what follows these for a fragment or a query, also in the name of a folder. */
const hasOddName = /[#?]/.test(projectFolder);

/**
 * Where Vite finds the project: in a folder that it cannot work in, behind a link.
 */
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
  // As in every file of ours that is checked by a hash: nothing of the machine that builds.
  envDir: false,
  build: {
    target: ['chrome120', 'firefox121', 'safari17'],
    reportCompressedSize: false,
    // A test watches over the size of what is loaded first.
    chunkSizeWarningLimit: 1500,
    // The Content-Security-Policy knows no data: but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

/** Returns a digest of what the build is made of: all of web/, the versions of tools and libraries, and this file. */
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

/** Puts a compressed copy beside every file that text compresses well in: the server sends it to who takes it. */
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
  // Built beside the one that may be served at this moment, and then put in its place.
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
  // The host stays as the browser says it: the server compares it with the origin of who asks.
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

// Whoever asks, e.g. the tests: React's other build is twice as large, and slow.
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
    // `npm start` goes on: the API works without the web app.
    if (command !== 'if-changed') process.exitCode = 1;
  } else if (command === 'dev') await develop(tools);
  else await buildApp(tools, madeOf);
}
