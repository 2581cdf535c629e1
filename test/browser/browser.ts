import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import pg from 'pg';
import { afterAll, expect, inject, onTestFinished } from 'vitest';
import { makePerson as makePersonIn, password } from '../api/server.ts';
import { one, type MembershipRole, type Organization } from '../support/make.ts';

// People with browsers, in front of the whole product. Each test makes its own people; organizations and records are shared.

export { password };
export const product = inject('product');

const browser = await chromium.connect(product.browserEndpoint);
const owner = new pg.Pool({ connectionString: product.ownerUrl, max: 2, allowExitOnIdle: true });
afterAll(async () => {
  await browser.close();
  await owner.end();
});

/** The database, as its owner: to make what a test is about, and to look behind the scenes. */
export const db = { owner };

/** How long a page may take for anything, in milliseconds: the machine does other things too. */
const patience = 10_000;

interface Options extends BrowserContextOptions {
  /** Which errors the test brings about on purpose, in the console and uncaught. */
  expectedFaults?: RegExp;
}

/** Somebody's browser: cookies and storage of its own, as many tabs as wanted. It is closed with the test. */
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
    // What is refused and what is not reached, tests bring about on purpose.
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()))
      faults.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    // Errors of React, scripts that failed, and whatever the Content-Security-Policy refused.
    const unexpected = faults.filter((fault) => !expectedFaults?.test(fault));
    expect(unexpected, 'what the browser complained of').toEqual([]);
  });
  return context;
}

/** A page in a browser of its own. */
export const newPage = async (options?: Options): Promise<Page> => (await newBrowser(options)).newPage();

let made = 0;

/** Somebody who can sign in. Returns the user name. */
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

/** Fills in the form of the page that is shown. */
export async function fillSignIn(page: Page, username: string, given = password): Promise<void> {
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(given);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Goes to an address as somebody who is signed in: quicker than by the form, and with the same cookie. */
export async function signIn(page: Page, username: string, path = '/'): Promise<void> {
  const answer = await page.context().request.post('/api/auth/login', { data: { username, password } });
  if (!answer.ok()) throw new Error(`${username} could not sign in: ${await answer.text()}`);
  await page.goto(path);
  await accountButton(page).waitFor();
}

/** A page of an organization, with somebody new who belongs to it. */
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

/** Chooses from the menu of the account. */
export async function chooseFromAccount(page: Page, item: string): Promise<void> {
  await accountButton(page).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** Asks the API beside the browser, as somebody. */
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
