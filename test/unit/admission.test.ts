import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import type { Identity } from '../../src/auth/identity.ts';
import { createAdmission, defaultAdmission, type WorkClass } from '../../src/http/admission.ts';

const limits = { userRequests: 2, organizationRequests: 3, bulkRequests: 2, waitSeconds: 60 };

const user = (userId: number, organizations = String(userId)): Identity => ({
  ...{ userId, sessionId: '0', username: `user-${userId}`, mustChangePassword: false },
  settings: { 'jwt.claims.organization_ids': `{${organizations}}` },
});

/** Work that runs until the test ends it. */
function workload(options = limits) {
  const admission = createAdmission(options);
  const running: { name: string; end: () => void }[] = [];
  const start = (
    name: string,
    kind: WorkClass,
    identity: Identity | string,
    signal?: AbortSignal,
    organizations: number[] = [],
  ) =>
    admission.run({ class: kind, identity, signal, organizations }, () => {
      return new Promise<string>((end) => running.push({ name, end: () => end(name) }));
    });
  const names = () => running.map(({ name }) => name);
  const end = (name: string) => running.splice(names().indexOf(name), 1)[0]!.end();
  return { admission, start, names, end };
}

const refusal = { code: 'TOO_MANY_REQUESTS', retryAfter: expect.any(Number) as number };

test('a user gets only a share of the small requests, and users of one organization share its part', async () => {
  const { start, names, end } = workload();
  const all = [start('a1', 'read', user(1, '7')), start('a2', 'read', user(1, '7'))];
  all.push(
    start('a3', 'read', user(1, '7')),
    start('b1', 'read', user(2, '7')),
    start('b2', 'read', user(2, '7')),
  );
  all.push(start('c1', 'read', user(3)));
  await expect.poll(names).toEqual(['a1', 'a2', 'b1', 'c1']);
  end('a1');
  await expect.poll(names).toEqual(['a2', 'b1', 'c1', 'b2']);
  end('b1');
  await expect.poll(names).toEqual(['a2', 'c1', 'b2', 'a3']);
  for (const name of ['a2', 'c1', 'b2', 'a3']) end(name);
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'c1']);
});

test('bulk work is serialized per organization and limited in total, and delays no small request', async () => {
  const { start, names, end } = workload();
  const all = [1, 2, 3, 4].map((id) => start(`bulk ${id}`, 'bulk', user(id, id < 3 ? '7' : String(id))));
  all.push(start('small', 'read', user(1, '7')));
  await expect.poll(names).toEqual(['bulk 1', 'bulk 3', 'small']);
  end('bulk 1');
  await expect.poll(names).toEqual(['bulk 3', 'small', 'bulk 4']);
  end('bulk 3');
  await expect.poll(names).toEqual(['small', 'bulk 4', 'bulk 2']);
  for (const name of names()) end(name);
  await Promise.all(all);
});

test('users of several organizations use the shares of the organizations that they name', async () => {
  const { start, names, end } = workload({ ...limits, bulkRequests: 9 });
  const all = [
    start('a', 'bulk', user(1, '7,8'), undefined, [8, 7]),
    start('b', 'bulk', user(2, '7,9'), undefined, [7]),
    start('c', 'bulk', user(3, '8,9'), undefined, [8, 9]),
    start('stranger', 'bulk', user(4, '5,6'), undefined, [7, NaN]),
  ];
  await expect.poll(names).toEqual(['a', 'stranger']);
  end('a');
  await expect.poll(() => names().sort()).toEqual(['b', 'c', 'stranger']);
  for (const name of names()) end(name);
  await Promise.all(all);
});

test('the error says whose requests are too many', async () => {
  const { start, names, end } = workload();
  const all = Array.from({ length: 21 }, (_, i) => start(`${i}`, 'bulk', user(i + 1, '7')));
  await expect(start('own', 'bulk', user(30, '7'))).rejects.toThrow(
    'Too many requests of your organization wait already.',
  );
  const mine = Array.from({ length: 5 }, (_, i) => start(`mine ${i}`, 'bulk', user(40)));
  await expect(start('mine', 'bulk', user(40))).rejects.toThrow('Too many of your requests wait already.');
  for (let ended = 0; ended < all.length + mine.length; ended++) {
    await expect.poll(() => names().length).toBeGreaterThan(0);
    end(names()[0]!);
  }
  await Promise.all([...all, ...mine]);
});

test('one request too many is refused at once, and the others keep their place', async () => {
  const { admission, start, names, end } = workload();
  const all = Array.from({ length: 5 }, (_, i) => start(`${i}`, 'bulk', user(1)));
  await expect(start('5', 'bulk', user(1))).rejects.toMatchObject(refusal);
  expect(admission.figures().bulk).toEqual({ running: 1, waiting: 4, refused: 1 });
  for (let i = 0; i < 5; i++) {
    await expect.poll(names).toEqual([`${i}`]);
    end(`${i}`);
  }
  await Promise.all(all);
  expect(admission.figures().bulk).toEqual({ running: 0, waiting: 0, refused: 1 });
});

test('failed work frees its place', async () => {
  const admission = createAdmission(limits);
  const fail = () =>
    admission.run({ class: 'bulk', identity: user(1) }, () => Promise.reject(new Error('failed')));
  const results = await Promise.allSettled([fail(), fail(), fail()]);
  expect(results.map((one) => one.status === 'rejected' && (one.reason as Error).message)).toEqual(
    results.map(() => 'failed'),
  );
  expect(admission.figures().bulk).toMatchObject({ running: 0, waiting: 0 });
});

test('a request that waits too long is refused, a running one is not', async () => {
  const { start, names, end } = workload({ ...limits, waitSeconds: 0.02 });
  const first = start('first', 'bulk', user(1));
  await expect(start('second', 'bulk', user(1))).rejects.toMatchObject(refusal);
  expect(names()).toEqual(['first']);
  end('first');
  expect(await first).toBe('first');
});

test('a client that disconnects leaves the queue', async () => {
  const { admission, start, names, end } = workload();
  const gone = new AbortController();
  const first = start('first', 'bulk', user(1));
  const second = start('second', 'bulk', user(1), gone.signal);
  const third = start('third', 'bulk', user(1));
  gone.abort();
  await expect(second).rejects.toMatchObject({ name: 'AbortError' });
  expect(admission.figures().bulk).toEqual({ running: 1, waiting: 1, refused: 0 });
  end('first');
  await expect.poll(names).toEqual(['third']);
  end('third');
  expect(await Promise.all([first, third])).toEqual(['first', 'third']);
});

test('before sign-in the share belongs to an address', async () => {
  const { start, names, end } = workload();
  const all = Array.from({ length: 120 }, (_, i) => start(`${i}`, 'sign_in', '198.51.100.1'));
  await expect(start('120', 'sign_in', '198.51.100.1')).rejects.toMatchObject(refusal);
  all.push(start('other', 'sign_in', '198.51.100.2'));
  await expect.poll(() => names().length).toBe(21);
  expect(names()).toContain('other');
  for (let ended = 0; ended < all.length; ended++) {
    await expect.poll(() => names().length).toBeGreaterThan(0);
    end(names()[0]!);
  }
  await Promise.all(all);
});

test('by default two users cannot take all connections of the server', () => {
  expect(2 * defaultAdmission.userRequests + defaultAdmission.bulkRequests).toBeLessThan(20);
  expect(defaultAdmission.organizationRequests + defaultAdmission.bulkRequests).toBeLessThan(20);
});

test('queued work runs in its own async context', async () => {
  const { admission } = workload();
  const context = new AsyncLocalStorage<string>();
  let end = (): void => undefined;
  const first = context.run('first', () =>
    admission.run({ class: 'bulk', identity: user(1), signal: undefined }, () => {
      return new Promise<void>((resolve) => (end = resolve));
    }),
  );
  const second = context.run('second', () =>
    admission.run({ class: 'bulk', identity: user(1), signal: undefined }, () =>
      Promise.resolve(context.getStore()),
    ),
  );
  end();
  await first;
  expect(await second).toBe('second');
});
