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

/** How often it is looked whether the shell between npm and us is still there, in milliseconds. */
const npmInterval = 500;

/**
 * `npm start` and `npx` run us in a shell, and pass a SIGTERM on to that shell alone, which ends without telling us: we
 * would go on as nobody's. So when the shell is gone, we take it as told to stop.
 */
export function stopWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined || process.send) return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, npmInterval);
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
