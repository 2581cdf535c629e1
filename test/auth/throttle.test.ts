import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { Logger } from 'pino';
import { expect, test, vi } from 'vitest';
import { counted } from '../../src/auth/client-address.ts';
import { work } from '../../src/auth/passwords.ts';
import { authRoutes } from '../../src/auth/routes.ts';
import { createSlots } from '../../src/auth/slots.ts';
import { withClient } from '../../src/database/bootstrap.ts';
import { makePerson, password, testApi, type ErrorBody } from '../api/server.ts';
import { untilBlocked } from '../support/ask.ts';
import { testDatabase } from '../support/database.ts';
import { one } from '../support/make.ts';

// Limits on guessing within 15 minutes: 10 attempts per account and address, 30 per account, 100 per address. The test
// acts as the proxy in front of the first two servers: each attempt names its address.

const db = await testDatabase();
const proxied = { trustProxy: ['loopback'] };
const api = await testApi(db, proxied);
const second = await testApi(db, proxied);
const direct = await testApi(db);

// These tests count attempts; real hashing would only take time.
const hashed = vi
  .spyOn(work, 'argon2id')
  .mockImplementation((given, _nonce, { tagLength }) =>
    Promise.resolve(Buffer.alloc(tagLength, given === password ? 'A' : 'B')),
  );
const cheapHash = `$argon2id$v=19$m=19456,t=2,p=1$AAAA$${Buffer.alloc(32, 'A').toString('base64').replace('=', '')}`;

let made = 0;
async function person() {
  const username = `person-${++made}`;
  const userId = await makePerson(db, username);
  await db.owner.query('select app_private.set_password($1, $2, false)', [userId, cheapHash]);
  return username;
}
/** Returns an unused address. */
const newAddress = () => `198.51.${Math.floor(++made / 250)}.${(made % 250) + 1}`;

async function attempt(username: string, from: string, given = 'wrong', at = api) {
  const { status, body, headers } = await at.rest<ErrorBody>('POST', '/api/auth/login', {
    body: { username, password: given },
    headers: { 'x-forwarded-for': from },
  });
  return { status, error: body.error, retryAfter: headers.get('retry-after') };
}

/** Returns the responses to that many attempts. */
async function attempts(
  count: number,
  username: string,
  from: () => string,
  given?: string,
): Promise<number[]> {
  const statuses = [];
  for (let i = 0; i < count; i++) statuses.push((await attempt(username, from(), given)).status);
  return statuses;
}
const times = (count: number, status: number) => Array.from({ length: count }, () => status);

/** Moves all attempts that many minutes into the past. */
const pass = (minutes: number) =>
  db.owner.query(
    'update app_private.sign_in_attempts set expires_at = expires_at - make_interval(mins => $1)',
    [minutes],
  );

test('after 10 wrong passwords for an account from an address, attempts there must wait at most 15 minutes, and the error says so', async () => {
  const [username, here] = [await person(), newAddress()];
  expect(await attempts(10, username, () => here)).toEqual(times(10, 401));
  hashed.mockClear();
  const refused = await attempt(username, here, password);
  expect(refused).toEqual({
    status: 429,
    retryAfter: expect.stringMatching(/^\d+$/) as string,
    error: {
      code: 'TOO_MANY_ATTEMPTS',
      message: 'Too many sign-in attempts failed. Try again in 15 minutes.',
    },
  });
  expect(Number(refused.retryAfter)).toBeGreaterThan(14 * 60);
  expect(Number(refused.retryAfter)).toBeLessThanOrEqual(15 * 60);
  expect(hashed).not.toHaveBeenCalled();

  // Further attempts do not extend the wait.
  await pass(14);
  await attempts(20, username, () => here);
  const later = await attempt(username, here, password);
  expect(later).toMatchObject({
    status: 429,
    error: { message: expect.stringContaining('Try again in a minute.') as string },
  });
  expect(Number(later.retryAfter)).toBeLessThanOrEqual(60);
  await pass(1);
  expect((await attempt(username, here, password)).status).toBe(200);
});

test('an unknown user name is treated like a known one', async () => {
  const known = await person();
  const answers = [];
  for (const username of [known, 'no-such-user']) {
    const [here, there] = [newAddress(), newAddress()];
    answers.push({
      here: await attempts(11, username, () => here),
      there: await attempts(1, username, () => there),
      everywhere: await attempts(20, username, newAddress),
      last: { ...(await attempt(username, newAddress())), retryAfter: 'some' },
    });
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ here: [...times(10, 401), 429], last: { status: 429 } });
});

test('the limit covers every spelling of the name, a second server, and a server that starts later', async () => {
  const [username, here] = [await person(), newAddress()];
  await attempts(4, username, () => here);
  await attempts(3, ` ${username.toUpperCase()}`, () => here);
  for (let i = 0; i < 3; i++) expect((await attempt(username, here, 'wrong', second)).status).toBe(401);
  const third = await testApi(db, proxied);
  for (const server of [api, second, third])
    expect((await attempt(username, here, password, server)).status).toBe(429);
});

test('concurrent guesses get no more comparisons than sequential ones', async () => {
  const [username, here] = [await person(), newAddress()];
  hashed.mockClear();
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) => attempt(username, here, `guess ${i}`, i % 2 ? api : second)),
  );
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  expect(hashed).toHaveBeenCalledTimes(10);
});

test('any number of concurrent right passwords sign in, also after wrong ones', async () => {
  const [username, here] = [await person(), newAddress()];
  const together = async (count: number, name: () => string, from: () => string) =>
    (await Promise.all(Array.from({ length: count }, () => attempt(name(), from(), password)))).map(
      ({ status }) => status,
    );
  expect(
    await together(
      24,
      () => username,
      () => here,
    ),
  ).toEqual(times(24, 200));
  await attempts(9, username, () => here);
  expect(
    await together(
      12,
      () => username,
      () => here,
    ),
  ).toEqual(times(12, 200));
  // Other spellings and other addresses.
  const [another, elsewhere] = [await person(), newAddress()];
  let n = 0;
  expect(await together(40, () => (++n % 2 ? another : ` ${another.toUpperCase()}`), newAddress)).toEqual(
    times(40, 200),
  );
  await attempts(9, another, () => elsewhere);
  expect(
    await together(
      4,
      () => another,
      () => elsewhere,
    ),
  ).toEqual(times(4, 200));
});

test('among concurrent attempts right passwords sign in while fewer than ten are wrong', async () => {
  const [username, here] = [await person(), newAddress()];
  const given = Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 'wrong' : password));
  const answers = await Promise.all(given.map((one) => attempt(username, here, one)));
  expect(answers.map(({ status }) => status)).toEqual(given.map((one) => (one === 'wrong' ? 401 : 200)));
});

test('guesses at an account from many addresses delay new addresses, but not one with an earlier sign-in', async () => {
  const [username, home] = [await person(), newAddress()];
  expect((await attempt(username, home, password)).status).toBe(200);
  expect(await attempts(31, username, newAddress)).toEqual([...times(30, 401), 429]);
  expect((await attempt(username, newAddress(), password)).status).toBe(429);
  expect((await attempt(username, home, password)).status).toBe(200);

  // That address has its own limit, which delays no other address.
  expect(await attempts(11, username, () => home)).toEqual([...times(10, 401), 429]);
  await pass(15);
  await attempts(9, username, () => home);
  expect(await attempts(30, username, newAddress)).toEqual(times(30, 401));
});

test('guesses from one address at many accounts are delayed for each account, and store nothing more', async () => {
  const [home, victim] = [newAddress(), await person()];
  expect((await attempt(victim, home, password)).status).toBe(200);
  let tried = 0;
  const guess = () => attempt(`name-${++tried}`, home);
  for (let i = 0; i < 100; i++) expect((await guess()).status).toBe(401);
  const rows = async () =>
    one(
      (await db.owner.query<{ n: number }>('select count(*)::integer as n from app_private.sign_in_attempts'))
        .rows,
    ).n;
  const before = await rows();
  for (let i = 0; i < 5; i++) expect((await guess()).status).toBe(429);
  expect(await rows()).toBe(before);
  // Other users in the same office can still sign in.
  expect((await attempt(victim, home, password)).status).toBe(200);
});

test('a success clears the failures of that account from that address, and no others', async () => {
  const [username, other, here] = [await person(), await person(), newAddress()];
  await attempts(9, username, () => here);
  await attempts(5, username, newAddress);
  await attempts(7, other, () => here);
  expect((await attempt(username, here, password)).status).toBe(200);
  const { rows } = await db.owner.query(
    `select account is null as is_address, address is null as is_account, attempts
    from app_private.sign_in_attempts
    where account is null and address = $1 or account = app_private.account_key($2) and (address is null or address = $1)
    order by 1, 2`,
    [here, username],
  );
  expect(rows).toEqual([
    { is_address: false, is_account: true, attempts: 5 },
    { is_address: true, is_account: false, attempts: 7 },
  ]);
});

test("a sign-in with one's own password allows no more guesses at another account", async () => {
  const [mine, victim, here] = [await person(), await person(), newAddress()];
  const statuses = [];
  for (let i = 0; i < 12; i++) {
    statuses.push((await attempt(victim, here)).status);
    expect((await attempt(mine, here, password)).status).toBe(200);
  }
  expect(statuses).toEqual([...times(10, 401), 429, 429]);
});

test('a change of password does not bypass the limit', async () => {
  const [username, here] = [await person(), newAddress()];
  const { body } = await api.rest<{ token: string }>('POST', '/api/auth/login', {
    body: { username, password },
    headers: { 'x-forwarded-for': here },
  });
  const change = (currentPassword: string) =>
    api.rest<ErrorBody>('POST', '/api/auth/change-password', {
      token: body.token,
      body: { currentPassword, newPassword: 'quite another password' },
      headers: { 'x-forwarded-for': here },
    });
  for (let i = 0; i < 10; i++) expect((await change('wrong')).status).toBe(401);
  expect(await change(password)).toMatchObject({
    status: 429,
    body: { error: { code: 'TOO_MANY_ATTEMPTS' } },
  });
  expect((await attempt(username, here, password)).status).toBe(429);
});

test('X-Forwarded-For counts only if a proxy is configured', async () => {
  const username = await person();
  for (let i = 0; i < 10; i++)
    expect((await attempt(username, newAddress(), 'wrong', direct)).status).toBe(401);
  expect((await attempt(username, newAddress(), password, direct)).status).toBe(429);
  expect((await attempt(username, newAddress(), password)).status).toBe(200);
});

test('the server logs an unconfigured proxy once, and a configured one never', async () => {
  const warn = vi.fn();
  const nobody = () => Promise.reject(new Error('Nobody signs in here.'));
  for (const [trustProxy, warnings] of [
    [0, 1],
    [1, 0],
    [['loopback'], 0],
  ] as const) {
    warn.mockClear();
    const app = express().set('trust proxy', trustProxy);
    const tokens = { issue: nobody, verify: nobody };
    const logger = { warn } as unknown as Logger;
    app.use(express.json(), authRoutes({ pool: db.authenticator, tokens, production: false, logger }));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const login = (headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ username: 'nobody', password: 'wrong' }),
      });
    await login({});
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 2; i++) await login({ 'x-forwarded-for': newAddress() });
    expect(warn.mock.calls).toHaveLength(warnings);
    server.closeAllConnections();
    await once(server.close(), 'close');
  }
});

test('in a chain of proxies, the last address that is not a configured proxy counts, whatever the client put before it', async () => {
  const [username, here] = [await person(), newAddress()];
  for (let i = 0; i < 10; i++) await attempt(username, `${newAddress()}, ${here}`);
  expect((await attempt(username, `${newAddress()}, ${here}`, password)).status).toBe(429);
});

test.each([
  ['198.51.100.7', '198.51.100.7'],
  ['::ffff:198.51.100.7', '198.51.100.7'],
  ['198.51.100.7:51234', '198.51.100.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['::1', '::/64'],
  ['unknown', undefined],
  ['1', undefined],
  ['0x7f.1', undefined],
  ["'; drop table users --", undefined],
  ['', undefined],
  [undefined, undefined],
])('the address %o is counted as %o', (given, expected) => {
  expect(counted(given)).toBe(expected);
});

test('an IPv6 network counts as one address, and an invalid address as that of the proxy', async () => {
  const [username, other] = [await person(), await person()];
  expect(await attempts(11, username, () => `2001:db8:7:7::${++made}`)).toEqual([...times(10, 401), 429]);
  expect((await attempt(username, '2001:db8:7:8::1', password)).status).toBe(200);
  expect(await attempts(11, other, () => `unknown-${++made}`)).toEqual([...times(10, 401), 429]);
});

test('attempts are stored without user names', async () => {
  const username = `secret-${await person()}`;
  await attempt(username, newAddress());
  const { rows } = await db.owner.query<{ row: string }>(
    `select to_jsonb(a)::text as row from app_private.sign_in_attempts a where a.account = app_private.account_key($1)
    union all select to_jsonb(o)::text from app_private.sign_in_origins o`,
    [username],
  );
  expect(rows.length).toBeGreaterThan(2);
  for (const { row } of rows) expect(row).not.toMatch(/secret|person/);
});

test('the worker deletes expired attempts, and no user can read or write the others', async () => {
  const [username, here] = [await person(), newAddress()];
  await attempt(username, here, password);
  await attempt(username, here);
  const count = async () =>
    one(
      (
        await db.owner.query<{ attempts: number; origins: number }>(
          `select (select count(*)::integer from app_private.sign_in_attempts) as attempts,
            (select count(*)::integer from app_private.sign_in_origins) as origins`,
        )
      ).rows,
    );
  await db.owner.query("update app_private.sign_in_attempts set expires_at = now() - interval '1 minute'");
  await attempt(username, here);
  const before = await count();
  await db.owner.query(
    `update app_private.sign_in_origins set last_success_at = now() - interval '91 days'
    where account <> app_private.account_key($1)`,
    [username],
  );
  await db.worker.query('select app_private.delete_expired_throttles()');
  expect(before.attempts).toBeGreaterThan(1);
  expect(before.origins).toBeGreaterThan(1);
  expect(await count()).toEqual({ attempts: 1, origins: 1 });
  for (const table of ['sign_in_attempts', 'sign_in_origins'])
    for (const role of [db.authenticator, db.worker])
      await expect(role.query(`select * from app_private.${table}`)).rejects.toMatchObject({ code: '42501' });
  for (const role of [db.authenticator, db.worker])
    await expect(role.query("select app_private.clear_sign_in_attempts('x')")).rejects.toMatchObject({
      code: '42501',
    });
});

test('the number of concurrent hashes is limited, and attempts that wait too long get a hint to retry', async () => {
  let running = 0;
  let most = 0;
  const done: (() => void)[] = [];
  const slots = createSlots(2, 3);
  const run = () =>
    slots.run(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((end) => done.push(end));
      running--;
    });
  const taken = Array.from({ length: 5 }, run);
  const overloaded = { code: 'OVERLOADED', retryAfter: 5 };
  await expect(run()).rejects.toMatchObject(overloaded);
  expect(() => slots.requireRoom()).toThrow(expect.objectContaining(overloaded) as Error);
  const ended = Promise.all(taken);
  for (let i = 0; i < 5; i++) {
    await vi.waitFor(() => expect(done.length).toBeGreaterThan(i));
    done[i]!();
  }
  await ended;
  expect(most).toBe(2);
  slots.requireRoom();
  // Failed work also frees its place.
  const failing = Array.from({ length: 5 }, () => slots.run(() => Promise.reject(new Error('failed'))));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(
    Array.from({ length: 5 }, () => 'rejected'),
  );
  expect(await slots.run(() => Promise.resolve('went on'))).toBe('went on');
});

test('a flood of sign-ins gets 503 beyond the capacity of the process, and those attempts are not counted', async () => {
  const [username, late] = [await person(), await person()];
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const compare = hashed.getMockImplementation()!;
  hashed.mockImplementation(async (...given) => {
    await opened;
    return compare(...given);
  });
  const refused: unknown[] = [];
  try {
    // From different addresses: without earlier sign-ins there, only 30 would be accepted.
    const addresses = Array.from({ length: 75 }, newAddress);
    await db.owner.query(
      `insert into app_private.sign_in_origins (account, address)
      select app_private.account_key($1), a::inet from unnest($2::text[]) a`,
      [username, addresses],
    );
    const flood = addresses.map(async (from) => {
      const answer = await attempt(username, from, password);
      if (answer.status !== 200) refused.push(answer);
      return answer.status;
    });
    await vi.waitFor(() => expect(refused).toHaveLength(7), { timeout: 5000 });
    for (const answer of [...refused, await attempt(late, newAddress(), password)]) {
      expect(answer).toEqual({
        status: 503,
        retryAfter: '5',
        error: {
          code: 'OVERLOADED',
          message: 'Too many users are signing in at the moment. Send the request again in a few seconds.',
        },
      });
    }
    const { rows } = await db.owner.query(
      'select from app_private.sign_in_attempts where account = app_private.account_key($1)',
      [late],
    );
    expect(rows).toEqual([]);
    open();
    expect((await Promise.all(flood)).filter((status) => status === 200)).toHaveLength(68);
  } finally {
    open();
    hashed.mockImplementation(compare);
  }
});

test('a sign-in whose database connection breaks gets a hint to retry', async () => {
  const [username, here] = [await person(), newAddress()];
  await attempt(username, here);
  const answer = await db.asOwner(async (client) => {
    await client.query('select from app_private.sign_in_attempts for update');
    const waiting = attempt(username, here, password);
    await untilBlocked(db);
    await withClient(db.superuserUrl, (superuser) =>
      superuser.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'vanguard server' and wait_event_type = 'Lock'`),
    );
    return waiting;
  });
  expect(answer).toMatchObject({
    status: 503,
    retryAfter: '5',
    error: { code: 'DATABASE_UNAVAILABLE' },
  });
  expect((await attempt(username, here, password)).status).toBe(200);
});
