/**
 * `npm run screenshots`: starts the product with the simulated PEMS on its own database and takes the README's pictures
 * into docs/screenshots.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { projectFolder } from '../src/configuration.ts';
import { freePorts } from '../test/start/vanguard.ts';
import { findChromium } from '../test/support/chromium.ts';
import { environmentOf } from '../test/support/environment.ts';
import { until } from '../test/support/until.ts';

/** Password of the demo, as in the README. */
const person = { username: 'admin', password: 'admin123' };
const organization = 'HOLNG';
const pictures = join(projectFolder, 'docs', 'screenshots');

interface Picture {
  name: string;
  path: string;
  options: BrowserContextOptions;
  /** Waits until the page has loaded completely. */
  ready: (page: Page) => Promise<void>;
}

const wide = { width: 1440, height: 900 };
const board = (page: Page) => page.getByRole('slider', { name: 'Cost by month, chart' }).waitFor();

const wanted: Picture[] = [
  {
    name: 'board',
    path: 'board',
    options: { viewport: wide, colorScheme: 'light' },
    ready: board,
  },
  {
    name: 'records',
    path: 'records?area=%5B"Silo+4"%5D',
    options: { viewport: wide, colorScheme: 'dark' },
    ready: (page) => page.locator('[data-state=drafted]').first().waitFor(),
  },
  {
    name: 'board-phone',
    path: 'board',
    options: { viewport: { width: 390, height: 900 }, colorScheme: 'light' },
    ready: board,
  },
];

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-screenshots-'));
  // When root runs this, PostgreSQL runs as another user, who needs access to the folder.
  await chmod(folder, 0o711);
  try {
    const [port, simulatorPort, controlPort] = await freePorts(3);
    const product = spawn(process.execPath, [join(projectFolder, 'bin', 'vanguard.js'), 'start'], {
      env: environmentOf({
        VANGUARD_DATA_DIR: folder,
        PORT: String(port),
        SIMULATOR_PORT: String(simulatorPort),
        SIMULATOR_CONTROL_PORT: String(controlPort),
      }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const url = `http://localhost:${port}`;
      await prepare(product, url);
      await takeAll(url);
    } finally {
      if (product.exitCode === null && product.signalCode === null) {
        const exit = once(product, 'exit');
        product.kill('SIGTERM');
        await exit;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for the first sync, then creates drafts that the pictures show. */
async function prepare(product: ChildProcess, url: string): Promise<void> {
  let output = '';
  product.stdout?.on('data', (text) => (output += String(text)));
  const isReady = () => {
    if (product.exitCode !== null) throw new Error(`The product ended before it was ready:\n${output}`);
    return output.includes('is ready after');
  };
  await until('the product is ready', isReady, 180);
  const ask = async <T>(path: string, body?: unknown, token?: string): Promise<T> => {
    const answer = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok || text.includes('"errors":')) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as T;
  };
  const { token } = await ask<{ token: string }>('/api/auth/login', person);
  type Status = { organizations: { lastSyncedAt: string | null }[] };
  const isRead = async () => {
    const { organizations } = await ask<Status>('/api/sync/status', undefined, token);
    return organizations.length > 0 && organizations.every(({ lastSyncedAt }) => lastSyncedAt !== null);
  };
  await until('PEMS is read', isRead, 300);
  const graphql = <T>(query: string, variables: unknown) =>
    ask<{ data: T }>('/graphql', { query, variables }, token);
  const { data } = await graphql<{ organizationByCode: { id: number } }>(
    'query ($code: String!) { organizationByCode(code: $code) { id } }',
    { code: organization },
  );
  // A storm closes Silo 4 for two weeks, so its equipment stays two weeks longer.
  await graphql(
    `
      mutation ($input: ApplyBulkInput!) {
        applyBulk(input: $input) {
          result {
            changedCount
          }
        }
      }
    `,
    {
      input: {
        organizationId: data.organizationByCode.id,
        operation: { durationDays: 14 },
        selection: { filter: { areaSilo: { equalTo: 'Silo 4' }, isActualized: { equalTo: false } } },
      },
    },
  );
}

async function takeAll(url: string): Promise<void> {
  // Chromium cannot set up its sandbox as root and in most containers. It opens only pages of this product.
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  try {
    await mkdir(pictures, { recursive: true });
    for (const { name, path, options, ready } of wanted) {
      const context = await browser.newContext({
        baseURL: url,
        locale: 'en-US',
        deviceScaleFactor: 1,
        reducedMotion: 'reduce',
        ...options,
      });
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      await page.goto(`/o/${organization}/${path}`);
      await page.getByLabel('User name').fill(person.username);
      await page.getByLabel('Password', { exact: true }).fill(person.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Later' }).click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await ready(page);
      await until('nothing is loading', async () => (await page.locator('[aria-busy=true]').count()) === 0);
      // The pointer would highlight a row.
      await page.mouse.move(0, 0);
      await page.evaluate('document.fonts.ready');
      const file = join(pictures, `${name}.png`);
      await page.screenshot({ path: file });
      console.log(relative(projectFolder, file));
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

await main();
