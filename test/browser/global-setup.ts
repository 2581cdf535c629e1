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
    /** The product under test, and the browser. */
    product: {
      /** `localhost`, because browsers treat it as secure, like https. */
      url: string;
      /** Id of the `vanguard start` process. */
      pid: number;
      ownerUrl: string;
      /** Address of the simulated PEMS's control. */
      controlUrl: string;
      browserEndpoint: string;
    };
  }
}

/** Starts the whole product on its own database, and one browser, once for all files of this folder. */
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
      // Keeps Ctrl-C from reaching the process, so that the teardown ends it in order.
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
      // Chromium cannot set up its sandbox as root and in most containers. It opens only pages of this product.
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
