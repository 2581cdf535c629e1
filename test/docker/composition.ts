import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../src/configuration.ts';

/** Running containers of a composition, by service. */
export type Services = Record<string, { state: string; health: string; exitCode: number }>;

/** State of a container, from the engine. */
export interface Inspected {
  Id: string;
  RestartCount: number;
  State: { Pid: number; ExitCode: number };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    CapAdd: string[] | null;
    SecurityOpt: string[] | null;
    Memory: number;
    PidsLimit: number;
    LogConfig: { Type: string; Config: Record<string, string> };
  };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

/** docker-compose.yml with its own project name, image, ports and secrets, and a simulated PEMS. */
export interface Composition {
  project: string;
  url: string;
  /** Address of the TLS proxy, and its server name. */
  tls: { host: string; port: number; plainPort: number };
  /** The image that the services use from the next `up` on. */
  image: string;
  /** Runs `docker compose`; rejects with its output. */
  compose(args: string[], input?: string): Promise<string>;
  /** Runs a command of the product in the container of the server. */
  vanguard(args: string[], input?: string): Promise<string>;
  /** Queries the database as its superuser; one row per line, columns separated by |. */
  query(sql: string): Promise<string>;
  services(): Promise<Services>;
  inspect(service: string): Promise<Inspected>;
  /** Builds an image from that of the composition and these files. */
  derive(image: string, files: Record<string, string>): Promise<void>;
  /** Removes containers, networks, volumes, images and secrets. */
  remove(): Promise<void>;
}

/** Only the engine's own variables: exported variables of the shell would override the secrets file. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(PATH|HOME|DOCKER_.*|BUILDX_.*|TMPDIR)$/.test(name)),
);

/** Runs `docker`; resolves to its standard output, rejects with all of its output. */
export function docker(args: string[], input = '', more: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'docker',
      args,
      { cwd: projectFolder, env: { ...environment, ...more }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`docker ${args.join(' ')} failed:\n${stdout}${stderr}`));
        else resolve(stdout);
      },
    );
    child.stdin?.end(input);
  });
}

export async function prepareComposition(): Promise<Composition> {
  const project = `vanguard-test-${randomBytes(4).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), `${project}-`));
  const [port, tlsPort, plainPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const host = 'vanguard.test';
  const [secrets, override] = [join(folder, 'env'), join(folder, 'override.json')];
  await writeFile(
    secrets,
    [
      ...[`PORT=${port}`, `HTTPS_PORT=${tlsPort}`, `HTTP_PORT=${plainPort}`, `PUBLIC_HOST=${host}`],
      `POSTGRES_PASSWORD=${randomBytes(24).toString('hex')}`,
      `VANGUARD_SECRET=${randomBytes(32).toString('hex')}`,
      `VANGUARD_ENCRYPTION_KEYS=k1:${randomBytes(32).toString('base64')}`,
    ].join('\n'),
    { mode: 0o600 },
  );
  const pems = {
    image: project,
    pull_policy: 'never',
    init: true,
    entrypoint: ['node', 'test/docker/pems.ts'],
    volumes: [`${join(import.meta.dirname, 'pems.ts')}:/app/test/docker/pems.ts:ro`],
    healthcheck: { disable: true },
    networks: ['default'],
    // After the build.
    depends_on: { prepare: { condition: 'service_completed_successfully' } },
  };
  // Containers reach the proxy by the name that browsers use.
  const proxy = { networks: { default: { aliases: [host] } } };
  await writeFile(override, JSON.stringify({ services: { pems, proxy } }));
  const files = ['docker-compose.yml', override].flatMap((file) => ['--file', file]);
  const options = ['--project-name', project, '--project-directory', projectFolder, '--env-file', secrets];
  const derived: string[] = [];
  const composition: Composition = {
    project,
    url: `http://127.0.0.1:${port}`,
    tls: { host, port: tlsPort, plainPort },
    // An image that was built for use keeps its name.
    image: project,
    compose: (args, input) =>
      docker(['compose', ...options, ...files, ...args], input, { VANGUARD_IMAGE: composition.image }),
    vanguard: (args, input) =>
      composition.compose(['exec', '--no-TTY', 'server', 'vanguard', ...args], input),
    query: async (sql) => {
      const psql = ['psql', '--username=postgres', '--no-psqlrc', '--no-align', '--tuples-only'];
      const args = ['exec', '--no-TTY', 'database', ...psql, '--dbname=vanguard', '--command', sql];
      return (await composition.compose(args)).trim();
    },
    services: async () => {
      const lines = (await composition.compose(['ps', '--all', '--format', 'json'])).split('\n');
      const containers = lines
        .filter(Boolean)
        .map(
          (line) => JSON.parse(line) as { Service: string; State: string; Health: string; ExitCode: number },
        );
      return Object.fromEntries(
        containers.map(({ Service, State, Health, ExitCode }) => [
          Service,
          { state: State, health: Health, exitCode: ExitCode },
        ]),
      );
    },
    inspect: async (service) => {
      const id = (await composition.compose(['ps', '--all', '--quiet', service])).trim();
      return (JSON.parse(await docker(['inspect', id])) as [Inspected])[0];
    },
    derive: async (image, added) => {
      const context = await mkdtemp(join(folder, 'image-'));
      const steps = [`FROM ${project}`];
      for (const [index, [path, content]] of Object.entries(added).entries()) {
        await writeFile(join(context, String(index)), content);
        steps.push(`COPY ${index} /app/${path}`);
      }
      await writeFile(join(context, 'Dockerfile'), steps.join('\n'));
      await docker(['build', '--quiet', '--tag', image, context]);
      derived.push(image);
    },
    remove: async () => {
      await composition.compose([
        ...['--profile', '*', 'down', '--volumes', '--remove-orphans', '--timeout', '20'],
      ]);
      await docker(['image', 'rm', '--force', project, ...derived]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return composition;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
