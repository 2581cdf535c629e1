import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { setPassword } from '../api/server.ts';
import { one } from '../support/make.ts';
import {
  accountButton,
  chooseFromAccount,
  db,
  fillSignIn,
  heading,
  makePerson,
  newBrowser,
  newPage,
  password,
  product,
  signIn,
  signInHeading,
} from './browser.ts';

const anna = await makePerson({ HOLNG: 'member', RIO: 'viewer' });

const sessionsOf = async (username: string) => {
  const { rows } = await db.owner.query<{ open: number }>(
    `select count(*) filter (where s.ended_at is null)::integer as open
    from app_private.sessions s join app_public.users u on u.id = s.user_id where u.username = $1`,
    [username],
  );
  return one(rows).open;
};

describe('signing in', () => {
  test('refuses a wrong password with a message and accepts the right one', async () => {
    const page = await newPage();
    await page.goto('/');
    await fillSignIn(page, anna, 'not her password');
    await page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor();
    expect(await page.title()).toBe('Sign in · PFA Vanguard');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
    await accountButton(page).waitFor();
    await heading(page, 'Board').waitFor();
  });

  test('keeps the address that was opened', async () => {
    const page = await newPage();
    const address = '/o/RIO/board?note=%22from%20a%20colleague%22';
    await page.goto(address);
    await fillSignIn(page, anna);
    await heading(page, 'Board').waitFor();
    expect(page.url()).toBe(product.url + address);
    expect(await page.title()).toBe('Board · RIO · PFA Vanguard');
  });

  test("with a password that another user has set asks for a new one, by the server's rules", async () => {
    const username = await makePerson({ RIO: 'member' });
    const { rows } = await db.owner.query<{ id: number }>(
      'select id from app_public.users where username = $1',
      [username],
    );
    await setPassword(db, one(rows).id, undefined, true);
    const page = await newPage();
    await page.goto('/o/RIO/board');
    await fillSignIn(page, username);
    await heading(page, 'Choose your own password').waitFor();

    const change = async (current: string, next: string) => {
      await page.getByLabel('Current password').fill(current);
      await page.getByLabel('New password', { exact: true }).fill(next);
      await page.getByLabel('Confirm new password').fill(next);
      await page.getByRole('button', { name: 'Change password' }).click();
    };
    await change('not the current one', 'seven purple walruses yodel');
    await page.getByText('The current password is wrong.').waitFor();
    await change(password, 'passwordpassword');
    await page.getByText('The new password is too easy to guess').waitFor();
    await page.getByLabel('Confirm new password').fill('something else');
    await page.getByText('The passwords don’t match.').waitFor();
    expect(await page.getByRole('button', { name: 'Change password' }).isDisabled()).toBe(true);
    await change(password, 'seven purple walruses yodel');
    await heading(page, 'Board').waitFor();

    await chooseFromAccount(page, 'Sign out');
    await fillSignIn(page, username, 'seven purple walruses yodel');
    await heading(page, 'Board').waitFor();
  });
});

describe('a session', () => {
  test('survives a reload, and its token exists only in memory', async () => {
    const context = await newBrowser();
    const page = await context.newPage();
    const answer = page.waitForResponse('**/api/auth/login');
    await page.goto('/o/HOLNG/board');
    await fillSignIn(page, anna);
    const { token } = (await (await answer).json()) as { token: string };
    await heading(page, 'Board').waitFor();
    await page.reload();
    await heading(page, 'Board').waitFor();
    expect(await signInHeading(page).count()).toBe(0);

    const kept = await page.evaluate<{ stores: string; cookie: string; databases: number; caches: number }>(
      `(async () => ({
        stores: JSON.stringify([{ ...localStorage }, { ...sessionStorage }, { ...history.state }, location.href, window.name]),
        cookie: document.cookie,
        databases: (await indexedDB.databases()).length,
        caches: (await caches.keys()).length,
      }))()`,
    );
    expect(kept).toMatchObject({ cookie: '', databases: 0, caches: 0 });
    expect(kept.stores).not.toContain('eyJ');
    expect(kept.stores).not.toContain(token.split('.')[2]);
    expect(await context.cookies(`${product.url}/api/auth`)).toMatchObject([
      { name: 'vanguard_refresh', httpOnly: true, sameSite: 'Strict', path: '/api/auth' },
    ]);
    expect(await context.cookies(product.url)).toEqual([]);
  });

  test('is shared by all tabs: concurrent reloads do not use a token twice', async () => {
    const username = await makePerson({ RIO: 'member' });
    const context = await newBrowser();
    const first = await context.newPage();
    await signIn(first, username, '/o/RIO/board');
    const others = await Promise.all([context.newPage(), context.newPage()]);
    await Promise.all(others.map((tab) => tab.goto('/o/RIO/board')));
    for (let round = 0; round < 3; round++) {
      await Promise.all([first, ...others].map((tab) => tab.reload()));
      await Promise.all([first, ...others].map((tab) => heading(tab, 'Board').waitFor()));
    }
    // No exchanged token was used again.
    const { rows } = await db.owner.query<{ tokens: number; leaves: number }>(
      `select count(*)::integer as tokens, count(*) filter (where t.used_at is null)::integer as leaves
      from app_private.refresh_tokens t join app_private.sessions s on s.id = t.session_id
      join app_public.users u on u.id = s.user_id where u.username = $1`,
      [username],
    );
    expect(rows[0]?.tokens).toBeGreaterThan(3);
    expect(rows[0]?.leaves).toBe(1);
  });

  test('that ends in one tab ends in the others', async () => {
    const context = await newBrowser();
    const [one, other] = [await context.newPage(), await context.newPage()];
    await signIn(one, anna, '/o/RIO/board');
    await other.goto('/o/HOLNG/board');
    await accountButton(other).waitFor();
    await chooseFromAccount(one, 'Sign out');
    for (const tab of [one, other]) {
      await signInHeading(tab).waitFor();
      await tab.getByText('You are signed out.').waitFor();
    }
    await other.reload();
    await signInHeading(other).waitFor();
    // Signing in again in one tab signs in the other, too.
    await fillSignIn(one, anna);
    await accountButton(one).waitFor();
    await accountButton(other).waitFor();
  });

  test('ended everywhere is reported in another browser, which continues at its page after a sign-in', async () => {
    const username = await makePerson({ HOLNG: 'member', RIO: 'member' });
    const [here, elsewhere] = [await newPage(), await newPage()];
    await signIn(here, username, '/o/HOLNG/board');
    await signIn(elsewhere, username, '/o/HOLNG/board');
    await heading(elsewhere, 'Board').waitFor();
    expect(await sessionsOf(username)).toBe(2);
    await chooseFromAccount(here, 'Sign out everywhere');
    await here.getByText('You are signed out on all devices.').waitFor();
    expect(await sessionsOf(username)).toBe(0);
    // The next request discovers the end of the session.
    await switchTo(elsewhere, 'RIO');
    await elsewhere.getByText('Your session ended.').waitFor();
    await fillSignIn(elsewhere, username);
    await heading(elsewhere, 'Board').waitFor();
    expect(new URL(elsewhere.url()).pathname).toBe('/o/RIO/board');
  });

  test('renews an expired token silently', async () => {
    const page = await newPage();
    await signIn(page, anna, '/o/HOLNG/board');
    await heading(page, 'Board').waitFor();
    let refused = 0;
    await page.route('**/graphql', async (route) => {
      if (refused++ > 0) return route.fallback();
      await route.fulfill({
        status: 401,
        json: { error: { code: 'UNAUTHENTICATED', message: 'The access token has expired.' } },
      });
    });
    const refreshed = page.waitForResponse('**/api/auth/refresh');
    await switchTo(page, 'RIO');
    expect((await refreshed).status()).toBe(200);
    await page.getByRole('table', { name: 'In PEMS' }).waitFor();
    expect(refused).toBeGreaterThan(1);
  });
});

async function switchTo(page: Page, code: string): Promise<void> {
  await page.getByRole('button', { name: /^Organization / }).click();
  await page.getByLabel('Search organizations').fill(code);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/o/${code}/**`);
}

describe('another site', async () => {
  // A page of another site with a form that submits itself and a script that tries the same.
  const evil = createServer((request, response) => {
    const target = `${product.url}/api/auth/${request.url?.slice(1)}`;
    response.setHeader('content-type', 'text/html');
    response.end(
      `<form method="post" action="${target}"></form><script>
        fetch(${JSON.stringify(target)}, { method: 'POST', mode: 'no-cors', credentials: 'include' })
          .catch(() => undefined).then(() => document.forms[0].submit())</script>`,
    );
  }).listen(0, '127.0.0.1');
  await once(evil, 'listening');
  afterAll(() => evil.close());
  const { port } = evil.address() as AddressInfo;

  test.each([
    ['of another host', `http://127.0.0.1:${port}`],
    ['of another port of the same host', `http://localhost:${port}`],
  ])('%s cannot sign users out or use their tokens', async (_which, origin) => {
    const username = await makePerson({ RIO: 'member' });
    const context = await newBrowser();
    const page = await context.newPage();
    await signIn(page, username, '/o/RIO/board');
    const before = await context.cookies(`${product.url}/api/auth`);
    const attacked = await context.newPage();
    for (const what of ['logout', 'refresh']) {
      await attacked.goto(`${origin}/${what}`);
      await attacked.waitForURL(`${product.url}/**`);
      expect(await attacked.textContent('body')).toContain('FORBIDDEN');
    }
    expect(await context.cookies(`${product.url}/api/auth`)).toEqual(before);
    expect(await sessionsOf(username)).toBe(1);
    await page.reload();
    await heading(page, 'Board').waitFor();
  });
});
