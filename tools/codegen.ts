/**
 * `npm run codegen`: generates files from the migrations and the code, on its own database. They are the typed module of
 * each file in sql/, schema.graphql, types of the web app's GraphQL documents, docs/database, and the generated pages of
 * docs/reference. With `--check` it writes nothing. It fails if a file is stale, if a database object does not have
 * exactly one fixture, or if the fixtures differ from the migrated database.
 */
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../src/configuration.ts';
import { bootstrap, withClient } from '../src/database/bootstrap.ts';
import { startEmbeddedDatabase } from '../src/database/embedded.ts';
import { applyCurrent, migrate } from '../src/database/migrate.ts';
import type { RoleUrls } from '../src/database/roles.ts';
import { fixtureChanges, misplacedFixtures, readFixtures } from './database/fixtures.ts';
import { databaseReference } from './database/reference.ts';
import { generatedPages } from './docs.ts';

/** Runs pgtyped on a copy of sql/ and returns its output, by path relative to the project. */
async function generateQueries(ownerUrl: string): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-codegen-'));
  try {
    const source = join(folder, 'sql');
    await cp(join(projectFolder, 'sql'), source, {
      recursive: true,
      filter: (path) => !path.endsWith('.queries.ts'),
    });
    const config = JSON.parse(await readFile(join(projectFolder, 'pgtyped.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    await writeFile(join(folder, 'pgtyped.json'), JSON.stringify({ ...config, srcDir: source }));
    const cli = join(projectFolder, 'node_modules/@pgtyped/cli/lib/index.js');
    await promisify(execFile)(
      process.execPath,
      [cli, '-c', join(folder, 'pgtyped.json'), '--uri', ownerUrl],
      { cwd: folder },
    );
    const written = (await readdir(source, { recursive: true }))
      .filter((path) => path.endsWith('.queries.ts'))
      .sort();
    return new Map(
      await Promise.all(
        written.map(
          async (path) =>
            [
              join('sql', path),
              (await readFile(join(source, path), 'utf8')).replaceAll(`${folder}/`, ''),
            ] as const,
        ),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Returns the GraphQL schema, by path relative to the project. Imports the server late, because it needs the generated
 * queries.
 */
async function generateSchema(urls: RoleUrls): Promise<Map<string, string>> {
  const { printGraphqlSchema } = await import('../src/graphql/schema.ts');
  return new Map([['schema.graphql', await printGraphqlSchema(urls.authenticator)]]);
}

/** Returns types of the GraphQL documents in web/, checked against the schema, by path relative to the project. */
async function generateDocuments(schema: string): Promise<Map<string, string>> {
  const { generate: generateTypes } = await import('@graphql-codegen/cli');
  const folder = join('web', 'src', 'api', 'generated');
  const scalars = {
    BigFloat: 'string',
    BigInt: 'string',
    Cursor: 'string',
    Date: 'string',
    Datetime: 'string',
  };
  const files = (await generateTypes(
    {
      schema,
      documents: [join(projectFolder, 'web/src/**/*.{ts,tsx}'), `!${join(projectFolder, folder)}/**`],
      silent: true,
      generates: {
        [`${folder}/`]: {
          preset: 'client',
          // Only the text of a query is sent, so the browser does not need the GraphQL library.
          presetConfig: { fragmentMasking: false },
          config: {
            documentMode: 'string',
            useTypeImports: true,
            enumsAsTypes: true,
            onlyOperationTypes: true,
            strictScalars: true,
            scalars: { ...scalars, JSON: 'unknown', Time: 'string' },
          },
        },
      },
    },
    false,
  )) as { filename: string; content: string }[];
  return new Map(files.map(({ filename, content }) => [filename, content] as const).sort());
}

/** Returns the generated pages, by path relative to the project. */
async function generatePages(ownerUrl: string): Promise<Map<string, string>> {
  return new Map([...(await generatedPages()), ...(await withClient(ownerUrl, databaseReference))]);
}

/**
 * Generates everything step by step, by path relative to the project. A step may need files of earlier steps: the
 * server, which prints the schema, imports the typed queries.
 */
async function* generateInSteps(urls: RoleUrls): AsyncGenerator<Map<string, string>> {
  yield await generateQueries(urls.owner);
  const schema = await generateSchema(urls);
  yield schema;
  yield await generatePages(urls.owner);
  yield await generateDocuments([...schema.values()].join());
}

/** Returns all generated files, by path relative to the project. */
export async function generate(urls: RoleUrls): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for await (const files of generateInSteps(urls)) for (const [path, text] of files) all.set(path, text);
  return all;
}

/** Returns the errors of a project's fixtures, compared with a migrated database. */
export async function fixtureProblems(ownerUrl: string, folder = projectFolder): Promise<string[]> {
  const fixtures = await readFixtures(folder);
  return withClient(ownerUrl, async (client) => [
    ...(await misplacedFixtures(client, fixtures)),
    ...(await fixtureChanges(client, fixtures)),
  ]);
}

/** Folders that contain only generated files. */
const generatedOnly = ['sql/**/*.queries.ts', 'docs/database/**/*', 'web/src/api/generated/**/*'];

/** Returns the files of a folder that are stale, missing, or no longer generated. */
export async function staleFiles(
  generated: ReadonlyMap<string, string>,
  folder = projectFolder,
): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, content] of generated) {
    if ((await readFile(join(folder, path), 'utf8').catch(() => '')) !== content) stale.push(path);
  }
  return [...stale, ...orphans(generated, folder)];
}

const orphans = (generated: ReadonlyMap<string, string>, folder: string) =>
  globSync(generatedOnly, { cwd: folder }).filter((path) => !generated.has(path));

async function write(files: Map<string, string>): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(projectFolder, path)), { recursive: true });
    await writeFile(join(projectFolder, path), content);
    console.log(path);
  }
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-codegen-database-'));
  // When root runs this, PostgreSQL runs as another user, who needs access to the folder.
  await chmod(folder, 0o711);
  const database = await startEmbeddedDatabase({
    folder: join(folder, 'database'),
    settings: { fsync: 'off' },
  });
  try {
    const urls = await bootstrap(database.superuserUrl, 'codegen', 'codegen');
    await migrate(urls.owner);
    await applyCurrent(urls.owner);
    if (process.argv.includes('--check')) {
      const problems = await fixtureProblems(urls.owner);
      const stale = await staleFiles(await generate(urls));
      if (stale.length > 0)
        problems.push(`Stale: ${stale.join(', ')}. Run \`npm run codegen\` and commit the result.`);
      for (const problem of problems) console.error(problem);
      if (problems.length > 0) process.exitCode = 1;
      return;
    }
    const written = new Map<string, string>();
    for await (const files of generateInSteps(urls)) {
      await write(files);
      for (const [path, text] of files) written.set(path, text);
    }
    for (const path of orphans(written, projectFolder)) await rm(join(projectFolder, path));
  } finally {
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await main();
