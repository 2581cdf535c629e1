import { VanguardError } from '../errors.ts';

/** What a process tells the one that started it. */
export type ProcessMessage =
  | { type: 'ready'; url?: string; port?: number }
  | { type: 'failed'; code: string; message: string; hint?: string };

interface Running {
  url?: string;
  port?: number;
  stop(): Promise<void>;
}

/**
 * Runs a long-lived part until it is told to stop (SIGINT, SIGTERM). Under `vanguard start` it reports over the channel
 * to its parent, and ends at once when that is gone: nobody would stop it later.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  const tell = (message: ProcessMessage) => process.send?.(message);
  process.on('disconnect', () => process.exit(1));
  const running = await start().catch((error: unknown) => {
    if (error instanceof VanguardError)
      tell({ type: 'failed', code: error.code, message: error.message, hint: error.hint });
    throw error;
  });
  tell({ type: 'ready', url: running.url, port: running.port });
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await running.stop();
  // The channel to the parent would keep the process alive.
  process.removeAllListeners('disconnect');
  if (process.connected) process.disconnect();
}
