import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { projectFolder } from '../../src/configuration.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { findChromium } from '../support/chromium.ts';
import { createTestDatabase } from '../support/database.ts';
import { environmentOf } from '../support/environment.ts';
import { freePorts } from '../start/vanguard.ts';
import { until } from '../support/until.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The product that browser tests talk to, and the browser. */
    product: {
      /** With `localhost`: for a browser that is safe, as https is. */
      url: string;
      /** The process of `vanguard start`. */
      pid: number;
      ownerUrl: string;
      /** Of the simulated PEMS. */
      controlUrl: string;
      browserEndpoint: string;
    };
  }
}

/** Starts, once for all files of this folder, the whole product on a database of its own, and one browser. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const executablePath = findChromium();
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const build = [join(projectFolder, 'tools', 'web.ts')];
    await promisify(execFile)(process.execPath, build);

    const { clustersUrl, postgresVersion } = project.getProvidedContext();
    const database = await createTestDatabase(clustersUrl, postgresVersion);
    undo.push(() => database.close());
    const folder = await mkdtemp(join(tmpdir(), 'vanguard-browser-'));
    await chmod(folder, 0o711);
    undo.push(() => rm(folder, { recursive: true, force: true }));

    const [port, simulatorPort, controlPort] = (await freePorts(3)) as [number, number, number];
    const child = spawn(process.execPath, [join(projectFolder, 'bin', 'vanguard.js'), 'start'], {
      env: environmentOf({
        DATABASE_URL: database.urls.owner,
        AUTHENTICATOR_DATABASE_URL: database.urls.authenticator,
        WORKER_DATABASE_URL: database.urls.worker,
        VANGUARD_SECRET: randomBytes(32).toString('base64'),
        VANGUARD_ENCRYPTION_KEYS: newEncryptionKey('test'),
        VANGUARD_DATA_DIR: folder,
        PORT: String(port),
        SIMULATOR_PORT: String(simulatorPort),
        SIMULATOR_CONTROL_PORT: String(controlPort),
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C ends it through us, in order.
      detached: true,
    });
    undo.push(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
    await until(
      'the product is ready, and the organizations that tests look at are read',
      async () => {
        if (child.exitCode !== null) throw new Error(`It ended before it was ready:\n${output}`);
        if (!output.includes('is ready after')) return false;
        const { rows } = await database.owner.query(
          `select from app_public.pfa_sync_log l join app_public.organizations o on o.id = l.organization_id
          where o.code in ('HOLNG', 'RIO') and l.state = 'succeeded'`,
        );
        return rows.length === 2;
      },
      90,
    );

    const browser = await chromium.launchServer({
      executablePath,
      // As root, and in most containers, its sandbox cannot be set up. It opens our own pages only.
      args: ['--no-sandbox'],
    });
    undo.push(() => browser.close());
    project.provide('product', {
      url: `http://localhost:${port}`,
      pid: child.pid ?? -1,
      ownerUrl: database.urls.owner,
      controlUrl: `http://127.0.0.1:${controlPort}`,
      browserEndpoint: browser.wsEndpoint(),
    });
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
