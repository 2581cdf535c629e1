import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { smallHeap } from '../../worker/memory.ts';
import { environmentSchema, projectFolder, readConfiguration } from '../../src/configuration.ts';

// Dockerfile and docker-compose.yml, as far as they can be judged without an engine.

const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');

interface Service {
  image: string;
  init?: boolean;
  user?: string;
  restart: string;
  entrypoint?: string[];
  command?: string[];
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  stop_grace_period?: string;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}
const text = read('docker-compose.yml');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const ours = ['prepare', 'server', 'worker'];
/** The variables that the image sets, which each container has too. */
const imageEnvironment = Object.fromEntries(
  [...read('Dockerfile').matchAll(/^ENV (.+)$/gm)]
    .flatMap(([, assignments = '']) => assignments.split(' '))
    .map((assignment) => assignment.split('=') as [string, string]),
);

describe('compose', () => {
  test('runs PostgreSQL 18, a preparation, server and worker', () => {
    expect(Object.keys(services).sort()).toEqual(['database', ...ours].sort());
    expect(services.database?.image).toBe('postgres:18');
    expect(new Set(ours.map((name) => services[name]?.image)).size).toBe(1);
    for (const name of ours) expect(services[name]?.init).toBe(true);
  });

  test('gives the worker the small heap that `start` gives it', () => {
    expect(services.worker?.entrypoint).toEqual(['node', ...smallHeap, 'bin/vanguard.js']);
  });

  test('starts each when what it needs is ready', () => {
    expect(services.prepare?.depends_on).toEqual({ database: { condition: 'service_healthy' } });
    for (const name of ['server', 'worker']) {
      expect(services[name]?.depends_on).toEqual({
        database: { condition: 'service_healthy' },
        prepare: { condition: 'service_completed_successfully' },
      });
    }
    expect(services.database?.healthcheck?.test?.[1]).toBe('pg_isready');
    expect(services.prepare).toMatchObject({ restart: 'no', healthcheck: { disable: true } });
    expect(services.prepare?.command?.join()).toMatch(/ bootstrap && .* migrate && .* seed$/);
  });

  test('has no secret in it: each comes from outside, and is asked for in a sentence', () => {
    const secrets = /(PASSWORD|SECRET|KEYS)$/;
    for (const { environment } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (secrets.test(name))
          expect(value).toMatch(new RegExp(`^\\$\\{${name}:\\?Set ${name} in .env to .{10,}\\}$`));
        const password = /:\/\/[^@/:]*:(.*)@/.exec(value)?.[1];
        if (password) expect(password).toMatch(/^\$\{POSTGRES_PASSWORD:\?/);
      }
    }
    // Only the preparation knows the superuser.
    expect(ours.filter((name) => 'ROOT_DATABASE_URL' in (services[name]?.environment ?? {}))).toEqual([
      'prepare',
    ]);
  });

  test('sets only variables that are read, and together they are a configuration', () => {
    const known = Object.keys(environmentSchema.shape);
    for (const name of ours) {
      const { environment } = services[name]!;
      expect(Object.keys(environment).filter((variable) => !known.includes(variable))).toEqual([]);
      const filled = Object.entries(environment).map(([variable, value]) => [
        variable,
        value.replace(
          /\$\{(\w+)(?::?[-?]([^}]*))?\}/g,
          (_all, from: string, other = '') => given[from] ?? String(other),
        ),
      ]);
      const container = { ...imageEnvironment, ...(Object.fromEntries(filled) as Record<string, string>) };
      expect(readConfiguration(container).production).toBe(true);
    }
  });
  const given: Record<string, string> = {
    POSTGRES_PASSWORD: '9f2c4b7a1d8e3605',
    VANGUARD_SECRET: '1b9e7d3c5a80f2461b9e7d3c5a80f246',
    VANGUARD_ENCRYPTION_KEYS: `k1:${Buffer.from('u8Jx0qTz4LwVb2Yh7NcRk5Dg9Ms1Pf3E').toString('base64')}`,
  };

  test('keeps the data, starts again what ends, and lets requests and jobs be finished', () => {
    const { database, server, worker } = services;
    expect(volumes).toHaveProperty('database');
    // Where the image of PostgreSQL 18 has its data; it is one folder higher than before.
    expect(database?.volumes).toEqual(['database:/var/lib/postgresql']);
    expect([database, server, worker].map((service) => service?.restart)).toEqual(
      Array.from({ length: 3 }, () => 'unless-stopped'),
    );
    // The server drains for 10 s.
    expect([server, worker].map((service) => service?.stop_grace_period)).toEqual(['20s', '20s']);
  });

  test('publishes the API alone, on loopback', () => {
    expect(Object.entries(services).filter(([, { ports }]) => ports !== undefined)).toHaveLength(1);
    expect(services.server?.ports).toEqual(['127.0.0.1:${PORT:-3001}:3001']);
  });
});

describe('the image', () => {
  const lines = read('Dockerfile').split('\n');
  const sourcesOf = (steps: string[]) =>
    steps
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.slice('COPY '.length).split(' ').slice(0, -1));
  /** What comes from here into the image itself; stages before it are thrown away. */
  const copied = sourcesOf(lines.slice(lines.findLastIndex((line) => line.startsWith('FROM '))));

  test('copies what there is, and nothing of tests, secrets or development', () => {
    expect(copied.length).toBeGreaterThan(5);
    for (const source of copied) {
      expect([source, existsSync(join(projectFolder, source))]).toEqual([source, true]);
      expect(source).not.toMatch(/^\.$|test|\.env|\.data|tools|current|node_modules|\.git/);
    }
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toContain('*');
    for (const source of sourcesOf(lines)) expect(ignored).toContain(`!${source.split('/')[0]}`);
  });

  test('brings everything that it loads', () => {
    const missing = new Set<string>();
    for (const folder of copied.filter((source) => !source.includes('.'))) {
      for (const name of readdirSync(join(projectFolder, folder), { recursive: true, encoding: 'utf8' })) {
        if (!/\.(ts|js)$/.test(name)) continue;
        const file = join(folder, name);
        for (const [, target = ''] of read(file).matchAll(/(?:from |import\(|URL\()'(\.\.?\/[^']+)'/g)) {
          const loaded = join(dirname(file), target);
          if (!copied.some((source) => loaded === source || loaded.startsWith(`${source}/`)))
            missing.add(loaded);
        }
      }
    }
    // The project's own folder, and the folder of migrations, of which only the committed ones are read.
    expect([...missing].filter((path) => !['./', '.', '..', 'migrations'].includes(path))).toEqual([]);
  });

  test('has the web app, built from what is here, with tools that stay behind', () => {
    const stages = read('Dockerfile').split(/^FROM /m);
    const building = stages.find((stage) => stage.includes('node tools/web.ts build')) ?? '';
    for (const source of sourcesOf(building.split('\n')))
      expect([source, existsSync(join(projectFolder, source))]).toEqual([source, true]);
    expect(building).toMatch(/^COPY web web$/m);
    const { extends: base } = JSON.parse(read('web/tsconfig.json')) as { extends: string };
    expect(sourcesOf(building.split('\n'))).toContain(join('web', base));
    expect(stages.at(-1)).toContain('COPY --from=web /app/web/dist web/dist');
    // A build of one's own is not taken along.
    expect(read('.dockerignore').split('\n')).toContain('web/dist*');
  });

  test('installs no tools of development and no PostgreSQL, and is run by no root', () => {
    const steps = lines.join('\n');
    expect(steps).toMatch(/npm ci --omit=dev --omit=optional --ignore-scripts$/m);
    expect(lines.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(lines.findIndex((line) => line === 'USER node')).toBeLessThan(
      lines.findIndex((line) => line.startsWith('ENTRYPOINT')),
    );
    expect(steps).toMatch(/^ENV NODE_ENV=production /m);
    // Monitoring needs no sign-in: it stays on the container's own loopback.
    expect(steps).not.toContain('ADMIN_HOST');
    const ports = [imageEnvironment.ADMIN_PORT, imageEnvironment.WORKER_ADMIN_PORT];
    expect(steps.slice(steps.indexOf('HEALTHCHECK'))).toContain(`[${ports.join(', ')}]`);
    expect(steps).toMatch(/^HEALTHCHECK [\s\S]*\/api\/ready/m);
    for (const line of lines.filter((one) => one.startsWith('FROM ')))
      expect(line).toMatch(/^FROM node:24-slim\b/);
  });
});
