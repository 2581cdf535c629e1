import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../src/configuration.ts';

/** What runs now of a composition, by service. */
export type Services = Record<string, { state: string; health: string; exitCode: number }>;

/** docker-compose.yml under a project name, an image, a port and secrets of its own. */
export interface Composition {
  project: string;
  url: string;
  /** Runs `docker compose`; rejects with its output. */
  compose(args: string[], input?: string): Promise<string>;
  services(): Promise<Services>;
  /** Removes containers, networks, volumes, image and secrets. */
  remove(): Promise<void>;
}

/** The engine's own variables and nothing else: what a shell exports would have precedence over the secrets file. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(PATH|HOME|DOCKER_.*|BUILDX_.*|TMPDIR)$/.test(name)),
);

/** Runs `docker`; resolves to its standard output, rejects with all of its output. */
export function docker(args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'docker',
      args,
      { cwd: projectFolder, env: environment, maxBuffer: 64 * 1024 * 1024 },
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
  const port = await freePort();
  const [secrets, override] = [join(folder, 'env'), join(folder, 'override.json')];
  await writeFile(
    secrets,
    [
      `PORT=${port}`,
      `POSTGRES_PASSWORD=${randomBytes(24).toString('hex')}`,
      `VANGUARD_SECRET=${randomBytes(32).toString('hex')}`,
      `VANGUARD_ENCRYPTION_KEYS=k1:${randomBytes(32).toString('base64')}`,
    ].join('\n'),
    { mode: 0o600 },
  );
  // An image that was built for use keeps its name.
  const services = Object.fromEntries(
    ['prepare', 'server', 'worker'].map((name) => [name, { image: project }]),
  );
  await writeFile(override, JSON.stringify({ services }));
  const files = ['docker-compose.yml', override].flatMap((file) => ['--file', file]);
  const options = ['--project-name', project, '--project-directory', projectFolder, '--env-file', secrets];
  const compose = (args: string[], input?: string) =>
    docker(['compose', ...options, ...files, ...args], input);
  return {
    project,
    url: `http://127.0.0.1:${port}`,
    compose,
    services: async () => {
      const lines = (await compose(['ps', '--all', '--format', 'json'])).split('\n').filter(Boolean);
      const containers = lines.map(
        (line) => JSON.parse(line) as { Service: string; State: string; Health: string; ExitCode: number },
      );
      return Object.fromEntries(
        containers.map(({ Service, State, Health, ExitCode }) => [
          Service,
          { state: State, health: Health, exitCode: ExitCode },
        ]),
      );
    },
    remove: async () => {
      await compose(['down', '--volumes', '--remove-orphans', '--timeout', '20']);
      await docker(['image', 'rm', '--force', project]);
      await rm(folder, { recursive: true, force: true });
    },
  };
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
