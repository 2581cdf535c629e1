import { VanguardError } from '../errors.ts';

/** Messages of a process to its parent. */
export type ProcessMessage =
  | { type: 'ready'; url?: string; port?: number }
  | { type: 'failed'; code: string; message: string; hint?: string };

interface Running {
  url?: string;
  port?: number;
  /** Resolves with the reason when the process can no longer work. */
  ended?: Promise<VanguardError>;
  stop(): Promise<void>;
}

/** Interval of checks that the parent process still exists, in milliseconds. */
const parentInterval = 500;

/**
 * Stops this process with SIGTERM when the launcher that runs it under Node 24 is gone, for example after `kill -9`.
 * Holds for every command.
 */
export function stopWithLauncher(): void {
  const launcher = Number(process.env.VANGUARD_LAUNCHER_PID);
  // The variable is for this process only, not for its children.
  delete process.env.VANGUARD_LAUNCHER_PID;
  if (launcher > 0) stopWithout(launcher);
}

/**
 * Stops this process with SIGTERM when the shell of `npm start` or `npx` is gone. npm passes SIGTERM on to that shell only,
 * and the shell ends silently.
 */
export function stopWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined || process.send) return;
  stopWithout(process.ppid);
}

function stopWithout(parent: number): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, parentInterval);
  timer.unref();
}

/**
 * Runs a long-lived part until SIGINT or SIGTERM. Under `vanguard start`, the part reports to its parent over a
 * channel, and ends as soon as the parent is gone, because nothing else would stop it.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  // The callback runs after the message was sent.
  const tell = (message: ProcessMessage) =>
    new Promise<void>((sent) => (process.send ? process.send(message, () => sent()) : sent()));
  const orphaned = () => process.exit(1);
  process.on('disconnect', orphaned);
  // The channel to the parent keeps this process alive while it is listened to.
  const leave = () => {
    process.off('disconnect', orphaned);
    if (process.connected) process.disconnect();
  };
  stopWithNpm();
  try {
    const running = await start();
    await tell({ type: 'ready', url: running.url, port: running.port });
    const told = new Promise<undefined>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
    });
    const failure = await Promise.race([told, ...(running.ended ? [running.ended] : [])]);
    await running.stop();
    if (failure) throw failure;
  } catch (error) {
    if (!(error instanceof VanguardError && process.send)) throw error;
    // The parent prints the error.
    await tell({ type: 'failed', code: error.code, message: error.message, hint: error.hint });
    process.exitCode = 1;
  } finally {
    leave();
  }
}
