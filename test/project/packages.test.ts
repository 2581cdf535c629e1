import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';

const readJson = (file: string) => JSON.parse(readFileSync(join(projectFolder, file), 'utf8')) as unknown;
const project = readJson('package.json') as {
  '//': Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
const { packages } = readJson('package-lock.json') as {
  packages: Record<string, { version?: string; dev?: boolean; hasInstallScript?: boolean }>;
};
const nameOf = (path: string) => path.split('node_modules/').at(-1)!;

test('package.json pins each prerelease exactly and says why', () => {
  const prereleases = Object.entries({ ...project.dependencies, ...project.devDependencies }).filter(
    ([name]) => packages[`node_modules/${name}`]!.version!.includes('-'),
  );
  expect(prereleases.length).toBeGreaterThan(0);
  for (const [name, range] of prereleases) {
    expect([name, range]).toEqual([name, packages[`node_modules/${name}`]!.version]);
    expect(project['//'][name]).toMatch(/^Pinned exactly\b.{20,}\.$/);
  }
});

test('allowScripts decides about each package with an install script, on every platform', () => {
  const paths = Object.keys(packages).filter((path) => packages[path]!.hasInstallScript);
  expect(Object.keys(project.allowScripts).sort()).toEqual([...new Set(paths.map(nameOf))].sort());
});

test('production installs no packages of GraphiQL or testcontainers', () => {
  const installed = Object.keys(packages).filter((path) => path && !packages[path]!.dev);
  expect(installed.length).toBeGreaterThan(100);
  // ruru is the placeholder, see `overrides`.
  const unwanted =
    /^(ruru-types|graphiql|monaco-.*|react|react-.*|framer-motion|@graphiql\/.*|testcontainers)$/;
  expect(installed.map(nameOf).filter((name) => unwanted.test(name))).toEqual([]);
  expect(Object.keys(packages)).not.toContain('node_modules/monaco-editor');
  expect(packages['node_modules/ruru']?.dev).toBe(true);
});
