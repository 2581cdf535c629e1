import { VanguardError } from '../errors.ts';

/** What a process tells the one that started it. */
export type ProcessMessage =
  | { type: 'ready'; url?: string; port?: number }
  | { type: 'failed'; code: string; message: string; hint?: string };

interface Running {
  url?: string;
  port?: number;
  /** Resolves when it can no longer do its work, with the reason. */
  ended?: Promise<VanguardError>;
  stop(): Promise<void>;
}

/** How often to check whether the parent process still exists, in milliseconds. */
const parentInterval = 500;

/**
 * Stops this process with SIGTERM when the launcher that runs it under Node 24 is gone, for example after `kill -9`.
 * Holds for every command.
 */
export function stopWithLauncher(): void {
  const launcher = Number(process.env.VANGUARD_LAUNCHER_PID);
  // The variable belongs to this process, not to those that it starts.
  delete process.env.VANGUARD_LAUNCHER_PID;
  if (launcher > 0) stopWithout(launcher);
}

/**
 * Stops this process with SIGTERM when the shell of `npm start` or `npx` is gone. npm passes SIGTERM on to that shell only,
 * and the shell ends without telling anybody.
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
 * Runs a long-lived part until it is told to stop (SIGINT, SIGTERM). Under `vanguard start` it reports over the channel
 * to its parent, and ends at once when that is gone: nobody would stop it later.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  // The message is sent before the callback is called.
  const tell = (message: ProcessMessage) =>
    new Promise<void>((sent) => (process.send ? process.send(message, () => sent()) : sent()));
  const orphaned = () => process.exit(1);
  process.on('disconnect', orphaned);
  // Listening to it, the channel to the parent keeps this process alive.
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
    // It is the parent that says it.
    await tell({ type: 'failed', code: error.code, message: error.message, hint: error.hint });
    process.exitCode = 1;
  } finally {
    leave();
  }
}
