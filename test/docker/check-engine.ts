/** Ends `npm run test:docker` with one sentence if no container engine or no Compose v2 responds. */
import { execFileSync } from 'node:child_process';

const needs = [
  {
    command: ['info', '--format', '{{.ServerVersion}}'],
    problem: 'No container engine answers.',
    hint: 'Start one, or set DOCKER_HOST to where it listens.',
  },
  {
    command: ['compose', 'version', '--short'],
    problem: 'Docker Compose 2 is missing.',
    hint: 'Install the plugin that `docker compose` runs.',
  },
];

for (const { command, problem, hint } of needs) {
  try {
    execFileSync('docker', command, { stdio: 'pipe', timeout: 30_000 });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    console.error(`${problem} ${hint}\n${(stderr?.toString() || message).trim()}`);
    process.exit(1);
  }
}
