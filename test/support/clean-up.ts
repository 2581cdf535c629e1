import { afterAll, vi } from 'vitest';

// Restores the process after each file, because files share it.
afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});
