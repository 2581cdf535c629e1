import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFailed } from 'vitest';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';

// `vanguard start` as users run it: in its own process, observed from outside.

const launcher = fileURLToPath(new URL('../../bin/vanguard.js', import.meta.url));

export interface Vanguard {
  pid: number;
  url: string;
  /** The output so far. */
  output(): string;
  /** Waits until it reports to be ready; returns the reported seconds. */
  ready(): Promise<number>;
  /** Waits for its end; returns the exit code. */
  exited(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** The pids of its running parts, by command. */
  parts(): Map<string, number>;
}

const launched: ChildProcess[] = [];

export function launch(environment: Record<string, string>): Vanguard {
  const child = spawn(process.execPath, [launcher, 'start'], {
    env: environmentOf(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a separate process group, as in a terminal.
    detached: true,
  });
  launched.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  onTestFailed(() => console.log(output));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return {
    pid: child.pid ?? -1,
    url: `http://localhost:${environment.PORT}`,
    output: () => output,
    ready: async () => {
      const seconds = await until(
        'it is ready',
        () =>
          /is ready after ([\d.]+) s/.exec(output)?.[1] ?? (child.exitCode === null ? undefined : 'never'),
        60,
      );
      if (seconds === 'never') throw new Error(`It ended before it was ready:\n${output}`);
      return Number(seconds);
    },
    exited: () => exit,
    kill: (signal) => void child.kill(signal),
    parts: () => {
      const mine = processes().filter(({ parent }) => parent === child.pid);
      return new Map(
        mine.flatMap(({ pid, command }): [string, number][] => {
          const part = /main\.ts (\w+)/.exec(command)?.[1];
          return part ? [[part, pid]] : [];
        }),
      );
    },
  };
}

/** Ends all processes of a failed test. */
export async function endAll(): Promise<void> {
  for (const child of launched.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await once(child, 'exit');
    clearTimeout(timer);
  }
}

/** The process of the embedded database in a data folder; undefined if there is none. */
export function postmaster(dataFolder: string): number | undefined {
  const file = join(dataFolder, 'database', 'data', 'postmaster.pid');
  const pid = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : NaN;
  return isAlive(pid) ? pid : undefined;
}

export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // A zombie: ended, but not yet waited for.
  return !processes().some((one) => one.pid === pid && one.command === '');
}

export interface ProcessInfo {
  pid: number;
  parent: number;
  command: string;
}

/** Every process of this machine. */
export function processes(): ProcessInfo[] {
  if (process.platform !== 'linux') {
    const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split(
      '\n',
    );
    return lines.map((line) => {
      const [, pid, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return { pid: Number(pid), parent: Number(parent), command: command.startsWith('(') ? '' : command };
    });
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(pid), parent: Number(parent), command }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      answer(true);
    });
    socket.on('error', () => answer(false));
  });
}

/** Sends requests like a browser or curl. */
export interface Person {
  mustChangePassword: boolean;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
}

export async function signIn({ url }: { url: string }, username: string, password: string): Promise<Person> {
  const send = async (path: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  };
  const json = { 'content-type': 'application/json' };
  const { token, mustChangePassword } = (await send('/api/auth/login', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username, password }),
  })) as { token: string; mustChangePassword: boolean };
  const authorization = `Bearer ${token}`;
  return {
    mustChangePassword,
    get: (path) => send(path, { headers: { authorization } }),
    post: (path, body) =>
      send(path, { method: 'POST', headers: { ...json, authorization }, body: JSON.stringify(body) }),
  };
}
