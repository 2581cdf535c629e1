import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePorts } from '../start/vanguard.ts';
import { environmentOf } from '../support/environment.ts';
import { launcher, run } from './vanguard.ts';

test('simulator uses the dialect of its options, else that of the environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-simulator-'));
  const [port, controlPort] = await freePorts(2);
  const environment = {
    VANGUARD_DATA_DIR: folder,
    SIMULATOR_PORT: String(port),
    SIMULATOR_CONTROL_PORT: String(controlPort),
    SIMULATOR_DIALECT: 'strict',
  };
  const dialectsOf = async (...args: string[]): Promise<unknown> => {
    const child = spawn(process.execPath, [launcher, 'simulator', ...args], {
      env: environmentOf(environment),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(child.stdout, 'data');
      const response = await fetch(`http://127.0.0.1:${String(controlPort)}/state`);
      return ((await response.json()) as { dialects: unknown }).dialects;
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
  };
  try {
    expect(await dialectsOf()).toEqual({ VANGUARD_DEMO: 'strict' });
    expect(
      await dialectsOf('--dialect', 'terse', '--tenant', 'A=localized', '--tenant', 'B=classic'),
    ).toEqual({
      ...{ VANGUARD_DEMO: 'terse', A: 'localized', B: 'classic' },
    });
    for (const args of [
      ['--dialect', 'latin'],
      ['--tenant', 'A=latin'],
      ['--tenant', 'classic'],
    ]) {
      const { code, complained } = await run(environment, ['simulator', ...args]);
      expect([code, complained]).toEqual([1, expect.stringMatching(/official/)]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
