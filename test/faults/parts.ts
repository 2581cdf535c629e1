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

// The processes that can be killed and paused, and that come up again as `vanguard start` has them do.

/** How long before a part that died is started again, in milliseconds: as `vanguard start`. */
const restartDelay = 1000;

/** Something that runs, dies and comes again. */
export interface Part {
  readonly name: string;
  /** Kills it with -9; it comes again by itself. False when it does not run at this moment. */
  kill(): boolean;
  /** Stops it in its tracks, as a machine that is out of memory or a debugger does. False when it does not run. */
  pause(): boolean;
  resume(): void;
  /** It runs and works. */
  up(): Promise<void>;
  /** Ends it for good. */
  end(): Promise<void>;
}

const running = new Set<() => void>();
process.on('exit', () => running.forEach((killNow) => killNow()));

interface ProcessOptions {
  file: string;
  args: () => string[];
  environment: Record<string, string>;
  /** Told what it prints. */
  log: (text: string) => void;
}

/** A process of node. Resolves when it works. */
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

/** An embedded PostgreSQL of our own, that keeps what was committed when it is killed. */
export async function startPostgres(log: (text: string) => void): Promise<Part & { superuserUrl: string }> {
  // The name lets the next run of the tests sweep it away, if this one is killed itself.
  const folder = mkdtempSync(join(tmpdir(), `vanguard-test-${process.pid}-`));
  chmodSync(folder, 0o711); // as root, the user that PostgreSQL runs as must get in
  // Whoever kills a process leaves the files alone: without fsync nothing is lost here. With synchronous_commit off something would be.
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
      // The postmaster first: it makes no new ones meanwhile.
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

/** To a process that may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
