import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema, projectFolder, readConfiguration } from '../../src/configuration.ts';
import { defaultSettings, initialOptions } from '../../src/database/embedded.ts';
import { smallHeap } from '../../worker/memory.ts';

// Dockerfile and docker-compose.yml, as far as tests can check them without an engine.

const read = (file: string) => readFileSync(join(projectFolder, file), 'utf8');

interface Service {
  image: string;
  build?: string;
  pull_policy?: string;
  profiles?: string[];
  init?: boolean;
  user?: string;
  networks?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  pids_limit?: number;
  mem_limit?: string;
  logging?: { driver: string; options: Record<string, string> };
  restart: string;
  entrypoint?: string[];
  command?: string[];
  environment: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  stop_grace_period?: string;
  stop_signal?: string;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, { condition: string }>;
}
const text = read('docker-compose.yml');
const { services, volumes, networks } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean } | null>;
};
/** Resolves a text of the composition like Compose with only the variables of `given`. */
const filled = (value: string, given: Record<string, string> = {}): string => {
  const inner = value.replace(
    /\$\{(\w+)(:?[-?+])?([^{}]*)\}/g,
    (_all, name: string, operator = '', other = '') => {
      if (String(operator).endsWith('+')) return given[name] ? String(other) : '';
      return given[name] ?? (String(operator).endsWith('-') ? String(other) : '');
    },
  );
  return inner === value ? value : filled(inner, given);
};
const ours = ['prepare', 'server', 'worker'];
/** The variables of the image, which each container has too. */
const imageEnvironment = Object.fromEntries(
  [...read('Dockerfile').matchAll(/^ENV (.+)$/gm)]
    .flatMap(([, assignments = '']) => assignments.split(' '))
    .map((assignment) => assignment.split('=') as [string, string]),
);

describe('compose', () => {
  test('runs PostgreSQL 18, a preparation, server and worker, and with a profile a proxy', () => {
    expect(Object.keys(services).sort()).toEqual(['database', 'proxy', ...ours].sort());
    expect(Object.keys(services).filter((name) => services[name]?.profiles)).toEqual(['proxy']);
    expect(services.database?.image).toBe('postgres:18');
    expect(new Set(ours.map((name) => services[name]?.image)).size).toBe(1);
    for (const name of ours) expect(services[name]?.init).toBe(true);
  });

  test('builds the one image once', () => {
    expect(Object.keys(services).filter((name) => services[name]?.build !== undefined)).toEqual(['prepare']);
    // Otherwise Compose would look for it in a registry before the build.
    for (const name of ['server', 'worker']) expect(services[name]?.pull_policy).toBe('never');
    expect(filled(services.server!.image, { VANGUARD_IMAGE: 'registry.example/vanguard:2' })).toBe(
      'registry.example/vanguard:2',
    );
  });

  test('gives PostgreSQL the settings and the collation of the embedded one', () => {
    const [program, ...options] = services.database?.command ?? [];
    expect(program).toBe('postgres');
    const settings = options.map((option) => /^--(\w+)=(.*)$/.exec(filled(option))!.slice(1));
    expect(Object.fromEntries(settings)).toEqual(defaultSettings);
    const initial = services.database!.environment.POSTGRES_INITDB_ARGS!.split(' ');
    expect([...initial].sort()).toEqual([...initialOptions(18)[0]].sort());
  });

  test('confines every container, and limits its memory and its logs', () => {
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({
        name,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        pids_limit: expect.any(Number) as number,
        mem_limit: expect.stringMatching(/\d[mg]\}?$/) as string,
        logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } },
      });
    }
    const added = Object.entries(services).filter(([, { cap_add }]) => cap_add);
    expect(added.map(([name, { cap_add }]) => [name, cap_add])).toEqual([['proxy', ['NET_BIND_SERVICE']]]);
    expect(services.database?.user).toBe('postgres');
  });

  test('keeps the database in an internal network, with only its clients', () => {
    expect(networks.data).toEqual({ internal: true });
    expect(services.database?.networks).toEqual(['data']);
    for (const name of ours) expect(services[name]?.networks).toEqual(['data', 'default']);
    expect(services.proxy?.networks).toBeUndefined();
  });

  test('gives the worker the same small heap as `start`', () => {
    expect(services.worker?.entrypoint).toEqual(['node', ...smallHeap, 'bin/vanguard.js']);
  });

  test('starts each service when its dependencies are ready', () => {
    expect(services.prepare?.depends_on).toEqual({ database: { condition: 'service_healthy' } });
    for (const name of ['server', 'worker']) {
      expect(services[name]?.depends_on).toEqual({
        database: { condition: 'service_healthy' },
        prepare: { condition: 'service_completed_successfully' },
      });
    }
    expect(services.database?.healthcheck?.test?.[1]).toBe('pg_isready');
    expect(services.prepare).toMatchObject({ restart: 'no', healthcheck: { disable: true } });
    expect(services.prepare?.command).toEqual(['prepare']);
  });

  test('contains no secret: each comes from outside, and a missing one causes a clear error', () => {
    const secrets = /(PASSWORD|SECRET|KEYS)$/;
    for (const { environment } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (secrets.test(name))
          expect(value).toMatch(new RegExp(`^\\$\\{${name}:\\?Set ${name} in .env to .{10,}\\}$`));
        const password = /:\/\/[^@/:]*:(.*)@/.exec(value)?.[1];
        if (password) expect(password).toMatch(/^\$\{POSTGRES_PASSWORD:\?/);
      }
    }
    // Only the preparation has the superuser's password.
    expect(ours.filter((name) => 'ROOT_DATABASE_URL' in (services[name]?.environment ?? {}))).toEqual([
      'prepare',
    ]);
  });

  test('sets only known variables, which form a valid configuration', () => {
    const known = Object.keys(environmentSchema.shape);
    for (const name of ours) {
      const { environment } = services[name]!;
      expect(Object.keys(environment).filter((variable) => !known.includes(variable))).toEqual([]);
      const containerOf = (more: Record<string, string> = {}): Record<string, string> => ({
        ...imageEnvironment,
        ...Object.fromEntries(
          Object.entries(environment).map(([variable, value]) => [
            variable,
            filled(value, { ...given, ...more }),
          ]),
        ),
      });
      expect(readConfiguration(containerOf()).production).toBe(true);
      const behindCaddy = readConfiguration(containerOf({ PUBLIC_HOST: 'vanguard.example.com' }));
      expect(behindCaddy.allowedHosts).toContain('vanguard.example.com');
      if (name !== 'server') continue;
      expect(readConfiguration(containerOf()).trustProxy).toBe(0);
      expect(behindCaddy.trustProxy).toEqual(['uniquelocal']);
    }
  });

  test('monitoring ports differ also if both have the defaults of the image', () => {
    // Server and worker read the variables of both.
    const { ADMIN_PORT, WORKER_ADMIN_PORT } = imageEnvironment;
    expect(ADMIN_PORT).toMatch(/^\d+$/);
    expect(WORKER_ADMIN_PORT).not.toBe(ADMIN_PORT);
    const container = (more: Record<string, string>) => () =>
      readConfiguration({
        ...imageEnvironment,
        ...given,
        DATABASE_URL: 'postgres://vanguard@database:5432/vanguard',
        ...more,
      });
    expect(container({})).not.toThrow();
    expect(container({ WORKER_ADMIN_PORT: ADMIN_PORT! })).toThrow('WORKER_ADMIN_PORT must be another port');
  });
  const given: Record<string, string> = {
    POSTGRES_PASSWORD: '9f2c4b7a1d8e3605',
    VANGUARD_SECRET: '1b9e7d3c5a80f2461b9e7d3c5a80f246',
    VANGUARD_ENCRYPTION_KEYS: `k1:${Buffer.from('u8Jx0qTz4LwVb2Yh7NcRk5Dg9Ms1Pf3E').toString('base64')}`,
  };

  test('keeps the data, restarts ended containers, and lets requests and jobs finish', () => {
    const { database, server, worker } = services;
    expect(volumes).toHaveProperty('database');
    // Data folder of the PostgreSQL 18 image, one level higher than before.
    expect(database?.volumes).toEqual(['database:/var/lib/postgresql']);
    expect([database, server, worker].map((service) => service?.restart)).toEqual(
      Array.from({ length: 3 }, () => 'unless-stopped'),
    );
    // Clients do not keep PostgreSQL from ending.
    expect([database?.stop_signal, database?.stop_grace_period]).toEqual(['SIGINT', '60s']);
    // The server drains for 10 s.
    expect([server, worker].map((service) => service?.stop_grace_period)).toEqual(['20s', '20s']);
  });

  test('publishes only the API, on loopback, and with the profile the TLS ports', () => {
    const publishing = Object.keys(services).filter((name) => services[name]?.ports !== undefined);
    expect(publishing.sort()).toEqual(['proxy', 'server']);
    expect(services.server?.ports).toEqual(['127.0.0.1:${PORT:-3001}:3001']);
    expect(services.proxy?.ports?.map((port) => filled(port))).toEqual(['80:80', '443:443']);
  });

  test('puts a TLS proxy with suitable settings in front of the server', () => {
    const caddy = read('ops/caddy/Caddyfile');
    expect(services.proxy?.volumes).toContain('./ops/caddy/Caddyfile:/etc/caddy/Caddyfile:ro');
    const variables = [...caddy.matchAll(/\{\$(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(services.proxy!.environment).sort()).toEqual(variables.sort());
    expect(caddy).toContain('reverse_proxy server:3001');
    expect(caddy).toMatch(/header Strict-Transport-Security "max-age=\d{7,}; includeSubDomains"/);
    // The server closes idle connections after 65 s, so the proxy must close them earlier.
    const [, idle] = /keepalive (\d+)s/.exec(caddy) ?? [];
    expect(Number(idle)).toBeLessThanOrEqual(60);
    // -1 would continue a request whose client disconnected.
    expect(caddy).toMatch(/flush_interval \d+ms/);
  });
});

describe('the image', () => {
  const lines = read('Dockerfile').split('\n');
  const text = lines.join('\n');
  /** The stage of the image, with all instructions of its base stage. */
  const product = text.slice(text.indexOf(' AS product'), text.indexOf(' AS compiled'));
  const sourcesOf = (steps: string[]) =>
    steps
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.slice('COPY '.length).split(' ').slice(0, -1));
  /** Copies of project files into the final image; other stages are dropped. */
  const copied = sourcesOf(product.split('\n'));

  test('copies only existing files, without tests, secrets or development tools', () => {
    expect(copied.length).toBeGreaterThan(5);
    for (const source of copied) {
      expect([source, existsSync(join(projectFolder, source))]).toEqual([source, true]);
      expect(source).not.toMatch(/^\.$|test|\.env|\.data|tools|current|node_modules|\.git/);
    }
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toContain('*');
    for (const source of sourcesOf(lines)) expect(ignored).toContain(`!${source.split('/')[0]}`);
  });

  test('contains everything that it loads', () => {
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
    // The project folder, and the folder of migrations, of which the product reads only committed ones.
    expect([...missing].filter((path) => !['./', '.', '..', 'migrations'].includes(path))).toEqual([]);
  });

  test('contains the web app, built from these sources, without the build tools', () => {
    const stages = read('Dockerfile').split(/^FROM /m);
    const building = stages.find((stage) => stage.includes('node tools/web.ts build')) ?? '';
    for (const source of sourcesOf(building.split('\n')))
      expect([source, existsSync(join(projectFolder, source))]).toEqual([source, true]);
    expect(building).toMatch(/^COPY web web$/m);
    const { extends: base } = JSON.parse(read('web/tsconfig.json')) as { extends: string };
    expect(sourcesOf(building.split('\n'))).toContain(join('web', base));
    expect(product).toContain('COPY --from=web /app/web/dist web/dist');
    expect(stages.at(-1)).toMatch(/^product$/m);
    // A local build is not copied.
    expect(read('.dockerignore').split('\n')).toContain('web/dist*');
  });

  test('installs no development tools and no PostgreSQL, and does not run as root', () => {
    const steps = lines.join('\n');
    expect(steps).toMatch(/npm ci --omit=dev --omit=optional --ignore-scripts$/m);
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    expect(last.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(last.indexOf('USER node')).toBeLessThan(last.findIndex((line) => line.startsWith('ENTRYPOINT')));
    expect(lines.join('\n')).toMatch(/^COPY --from=compiled --chown=root:root /m);
    expect(steps).toMatch(/^ENV NODE_ENV=production /m);
    // Monitoring needs no sign-in: it stays on the container's own loopback.
    expect(steps).not.toContain('ADMIN_HOST');
    const ports = [imageEnvironment.ADMIN_PORT, imageEnvironment.WORKER_ADMIN_PORT];
    expect(steps.slice(steps.indexOf('HEALTHCHECK'))).toContain(`[${ports.join(', ')}]`);
    expect(steps).toMatch(/^HEALTHCHECK [\s\S]*\/api\/ready/m);
    for (const line of lines.filter((one) => one.startsWith('FROM ')))
      expect(line).toMatch(/^FROM (node:24-slim|product)\b/);
  });

  test('compiles all code in advance, also that of the worker', () => {
    const compiled = text.slice(text.indexOf(' AS compiled'), text.lastIndexOf('FROM product'));
    expect(compiled).toContain(`"${smallHeap.join(' ')}"`);
    const names = [...compiled.matchAll(/'(\.\/[^']+)'/g)].map(([, name = '']) => name);
    expect(names).toEqual(expect.arrayContaining(['./src/server.ts', './worker/index.ts']));
    for (const name of names) expect([name, existsSync(join(projectFolder, name))]).toEqual([name, true]);
    expect(imageEnvironment.NODE_COMPILE_CACHE).toBe('/app/.compiled');
  });

  test('keeps every base file that a config extends', () => {
    const ignored = read('.dockerignore').split('\n');
    for (const file of ['web/tsconfig.json', 'tsconfig.json']) {
      const { extends: base } = JSON.parse(read(file)) as { extends?: string };
      if (base) expect(ignored).toContain(`!${join(dirname(file), base)}`);
    }
  });
});
