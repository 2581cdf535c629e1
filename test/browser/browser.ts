import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import pg from 'pg';
import { afterAll, expect, inject, onTestFinished } from 'vitest';
import { makePerson as makePersonIn, password } from '../api/server.ts';
import { one, type MembershipRole, type Organization } from '../support/make.ts';

// Browsers with users, against the whole product. Each test creates its own users; organizations and records are
// shared.

export { password };
export const product = inject('product');

const browser = await chromium.connect(product.browserEndpoint);
const owner = new pg.Pool({ connectionString: product.ownerUrl, max: 2, allowExitOnIdle: true });
afterAll(async () => {
  await browser.close();
  await owner.end();
});

/** Connection as the owner of the database, to prepare tests and to check stored data. */
export const db = { owner };

/** Timeout for any step on a page, in milliseconds; long, because the machine is busy with other tests. */
const patience = 10_000;

interface Options extends BrowserContextOptions {
  /** Matches the errors, in the console or uncaught, that the test causes on purpose. */
  expectedFaults?: RegExp;
}

/** Opens a browser with its own cookies and storage, for any number of tabs. It closes at the end of the test. */
export async function newBrowser({ expectedFaults, ...options }: Options = {}): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: product.url,
    locale: 'en-US',
    timezoneId: 'America/Chicago',
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(patience);
  const faults: string[] = [];
  context.on('weberror', (fault) => faults.push(String(fault.error())));
  context.on('console', (message) => {
    // Tests cause refused and failed requests on purpose.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()))
      faults.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    // React errors, failed scripts and violations of the Content-Security-Policy.
    const unexpected = faults.filter((fault) => !expectedFaults?.test(fault));
    expect(unexpected, 'what the browser complained of').toEqual([]);
  });
  return context;
}

/** Opens a page in a new browser. */
export const newPage = async (options?: Options): Promise<Page> => (await newBrowser(options)).newPage();

let made = 0;

/** Creates a user who can sign in. Returns the user name. */
export async function makePerson(
  memberships: Record<string, MembershipRole> = {},
  role: 'admin' | 'user' | 'viewer' = 'user',
): Promise<string> {
  const username = `person-${process.pid}-${++made}`;
  const organizations = await Promise.all(Object.keys(memberships).map(findOrganization));
  await makePersonIn(
    db,
    username,
    organizations.map((organization) => [organization, memberships[organization.code] ?? 'member']),
    role,
  );
  return username;
}

export async function findOrganization(code: string): Promise<Organization> {
  const { rows } = await owner.query<Organization>(
    'select id, code from app_public.organizations where code = $1',
    [code],
  );
  return one(rows);
}

/** Fills in the sign-in form on the page. */
export async function fillSignIn(page: Page, username: string, given = password): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(given);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens an address as a signed-in user; faster than the form, with the same cookie. */
export async function signIn(page: Page, username: string, path = '/'): Promise<void> {
  const answer = await page.context().request.post('/api/auth/login', { data: { username, password } });
  if (!answer.ok()) throw new Error(`${username} could not sign in: ${await answer.text()}`);
  await page.goto(path);
  await accountButton(page).waitFor();
}

/** Opens a page of an organization as a new member. */
export async function openOrganization(
  code: string,
  { path = 'board', role = 'member', ...options }: Options & { path?: string; role?: MembershipRole } = {},
): Promise<{ page: Page; username: string }> {
  const [page, username] = [await newPage(options), await makePerson({ [code]: role })];
  await signIn(page, username, `/o/${code}/${path}`);
  return { page, username };
}

export const accountButton = (page: Page) => page.getByRole('button', { name: /^Your account/ });
export const signInHeading = (page: Page) => page.getByRole('heading', { name: 'Sign in' });
export const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

/** Chooses an item of the account menu. */
export async function chooseFromAccount(page: Page, item: string): Promise<void> {
  await accountButton(page).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Sends a request to the API outside the browser, as the given user. */
export async function ask<T>(username: string, method: string, path: string, body?: unknown): Promise<T> {
  const json = { 'content-type': 'application/json' };
  const login = await fetch(`${product.url}/api/auth/login`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username, password }),
  });
  const { token } = (await login.json()) as { token: string };
  const response = await fetch(`${product.url}${path}`, {
    method,
    headers: { ...json, authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}
