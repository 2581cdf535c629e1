#!/usr/bin/env node
// The launcher of `npx vanguard`. The program is TypeScript, which Node 24 runs directly. An older Node starts the version
// that npm installed for this project.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { setInterval } from 'node:timers';
import { fileURLToPath, pathToFileURL } from 'node:url';

const oldestNode = 24;
const entry = new URL('../src/cli/main.ts', import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= oldestNode) {
  // A server or worker that is told to stop while it still loads or starts has nothing to finish, and ends in order. Later
  // there is another listener: src/cli/process.ts.
  if (['server', 'worker'].includes(process.argv[2] ?? ''))
    process.once('SIGTERM', () => process.listenerCount('SIGTERM') > 0 || process.exit(0));
  await import(entry.href);
} else {
  const pinnedNode = fileURLToPath(
    new URL('bin/node', pathToFileURL(createRequire(import.meta.url).resolve('node/package.json'))),
  );
  const child = spawn(pinnedNode, [fileURLToPath(entry), ...process.argv.slice(2)], {
    stdio: 'inherit',
    // The child ends with this process: see src/cli/process.ts.
    env: { ...process.env, VANGUARD_LAUNCHER_PID: String(process.pid) },
  });
  // npm passes SIGTERM to its shell only. When the shell is gone, stop the child.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined)
    setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 500).unref();
  // Ctrl-C reaches the whole process group. A signal to this process alone must be passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal === 'SIGINT' || child.kill(signal));
  child.on('error', (error) => {
    console.error(`Cannot start the pinned Node: ${error.message}. Run \`npm ci\` again.`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 1 : 0);
  });
}
