import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedDatabase, type EmbeddedDatabase } from '../../src/database/embedded.ts';
import { environmentOf } from '../support/environment.ts';
import { until } from '../support/until.ts';
import { isAlive, processes } from '../start/vanguard.ts';

// Processes that tests can kill and pause, and that restart like those of `vanguard start`.

/** Delay before a dead process restarts, in milliseconds, as in `vanguard start`. */
const restartDelay = 1000;

/** A process that runs, dies and restarts. */
export interface Part {
  readonly name: string;
  /** Kills it with -9; it restarts automatically. False if it is not running. */
  kill(): boolean;
  /** Pauses it, like a machine out of memory or a debugger. False if it is not running. */
  pause(): boolean;
  resume(): void;
  /** Resolves once it runs and is ready. */
  up(): Promise<void>;
  /** Ends it permanently. */
  end(): Promise<void>;
}

const running = new Set<() => void>();
process.on('exit', () => running.forEach((killNow) => killNow()));

interface ProcessOptions {
  file: string;
  args: () => string[];
  environment: Record<string, string>;
  /** Receives its output. */
  log: (text: string) => void;
}

/** A process of Node. Resolves once it is ready. */
export async function startProcess(name: string, options: ProcessOptions): Promise<Part> {
  let child: ChildProcess | undefined;
  let isReady = false;
  let isPaused = false;
  let isEnding = false;
  let ended = Promise.resolve();
  const killNow = () => void child?.kill('SIGKILL');
  running.add(killNow);

  const launch = () => {
    const current = fork(options.file, options.args(), {
      execArgv: [],
      env: environmentOf(options.environment),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child = current;
    for (const stream of [current.stdout, current.stderr])
      stream?.on('data', (text) => options.log(`${name} ${current.pid}: ${String(text)}`));
    current.on('message', (message: { type: string; message?: string }) => {
      if (message.type === 'ready') isReady = true;
      else options.log(`${name} ${current.pid}: ${message.message ?? message.type}\n`);
    });
    ended = once(current, 'exit').then(async ([code, signal]) => {
      options.log(`${name} ${current.pid} ended: ${String(signal ?? code)}\n`);
      isReady = isPaused = false;
      child = undefined;
      if (isEnding) return;
      await sleep(restartDelay);
      if (!isEnding) launch();
    });
  };
  launch();
  const part: Part = {
    name,
    kill: () => isReady && !isPaused && child !== undefined && child.kill('SIGKILL'),
    pause: () => isReady && !isPaused && child !== undefined && (isPaused = child.kill('SIGSTOP')),
    resume: () => {
      if (isPaused) child?.kill('SIGCONT');
      isPaused = false;
    },
    up: async () => void (await until(`the ${name} runs`, () => isReady && !isPaused, 60)),
    end: async () => {
      isEnding = true;
      part.resume();
      child?.kill('SIGTERM');
      const timer = setTimeout(() => child?.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
      running.delete(killNow);
    },
  };
  await part.up();
  return part;
}

/** A separate embedded PostgreSQL that keeps committed data when it is killed. */
export async function startPostgres(log: (text: string) => void): Promise<Part & { superuserUrl: string }> {
  // The name lets the next test run remove it if this one is killed.
  const folder = mkdtempSync(join(tmpdir(), `vanguard-test-${process.pid}-`));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  // A killed process leaves the files intact, so no data is lost without fsync. With synchronous_commit off, data
  // would be lost.
  const settings = { fsync: 'off', shared_buffers: '64MB', max_wal_size: '512MB' };
  let database: EmbeddedDatabase = await startEmbeddedDatabase({ folder, settings });
  let isUp = true;
  let isPaused = false;
  let isEnding = false;
  let reviving = Promise.resolve();
  const postmaster = () =>
    Number.parseInt(readFileSync(join(database.folder, 'data', 'postmaster.pid'), 'utf8'), 10);
  const all = () => {
    const parent = postmaster();
    return [parent, ...processes().flatMap((one) => (one.parent === parent ? [one.pid] : []))];
  };
  const killNow = () => {
    try {
      process.kill(postmaster(), 'SIGKILL');
    } catch {
      return; // it was down, or is no longer there
    }
  };
  running.add(killNow);
  let paused: number[] = [];

  const revive = async () => {
    await sleep(restartDelay);
    while (!isEnding && !isUp) {
      try {
        database = await startEmbeddedDatabase({ folder, settings, port: database.port });
        isUp = true;
      } catch (error) {
        log(`postgres does not start: ${String(error)}\n`);
        await sleep(restartDelay);
      }
    }
  };
  const part = {
    name: 'postgres',
    superuserUrl: database.superuserUrl,
    kill: () => {
      if (!isUp || isPaused) return false;
      const pid = postmaster();
      process.kill(pid, 'SIGKILL');
      isUp = false;
      log(`postgres ${pid} killed\n`);
      reviving = until('the postmaster is gone', () => !isAlive(pid)).then(revive);
      return true;
    },
    pause: () => {
      if (!isUp || isPaused) return false;
      isPaused = true;
      // The postmaster first, so that it starts no new processes.
      paused = all();
      for (const pid of paused) signal(pid, 'SIGSTOP');
      return true;
    },
    resume: () => {
      if (!isPaused) return;
      isPaused = false;
      for (const pid of paused.reverse()) signal(pid, 'SIGCONT');
    },
    up: async () => void (await until('PostgreSQL runs', () => isUp && !isPaused, 60)),
    end: async () => {
      isEnding = true;
      part.resume();
      await reviving;
      if (isUp) await database.stop();
      running.delete(killNow);
      for (const place of new Set([folder, database.folder]))
        rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  return part;
}

/** The process may already have ended. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
