import { expect, test } from 'vitest';
import { makeConnection } from '../../../support/connections.ts';
import { testDatabase } from '../../../support/database.ts';
import { makeOrganization, one } from '../../../support/make.ts';

// Tests the rate limit of all workers, by address and tenant of PEMS.

const db = await testDatabase();
let tenants = 0;
const tenant = () => `T${++tenants}`;

/** Milliseconds until the first of these requests may begin. */
async function take(connection: string, turns = 1): Promise<number> {
  const { rows } = await db.worker.query<{ wait: number }>('select app_private.take_turns($1, $2) as wait', [
    connection,
    turns,
  ]);
  return one(rows).wait;
}

test('requests are spaced by the rate of the connection, for all simultaneous callers', async () => {
  const connection = await makeConnection(db, null, { tenant: tenant(), requestsPerSecond: 1 });
  const began = performance.now();
  const waits = await Promise.all(Array.from({ length: 8 }, () => take(connection)));
  const slack = performance.now() - began;
  waits
    .sort((a, b) => a - b)
    .forEach((wait, i) => {
      expect(wait).toBeLessThanOrEqual(i * 1000);
      expect(wait).toBeGreaterThanOrEqual(i * 1000 - slack);
    });
});

test('several requests are acquired together', async () => {
  const connection = await makeConnection(db, null, { tenant: tenant(), requestsPerSecond: 2 });
  expect(await take(connection, 10)).toBe(0);
  const wait = await take(connection);
  expect(wait).toBeGreaterThan(4000);
  expect(wait).toBeLessThanOrEqual(5000);
});

test('two connections to the same tenant share its rate; another tenant has its own', async () => {
  const [ours, org] = [tenant(), await makeOrganization(db)];
  const first = await makeConnection(db, null, { tenant: ours, requestsPerSecond: 1 });
  const second = await makeConnection(db, org, { tenant: ours, requestsPerSecond: 1 });
  const other = await makeConnection(db, org, { tenant: tenant(), requestsPerSecond: 1 });
  await take(first, 60);
  expect(await take(second)).toBeGreaterThan(50_000);
  expect(await take(other)).toBe(0);
});

test('if PEMS asks for a delay, all requests wait, at most a minute, and never less than before', async () => {
  const connection = await makeConnection(db, null, { tenant: tenant(), requestsPerSecond: 1 });
  await take(connection);
  const hold = (seconds: number) =>
    db.worker.query('select app_private.hold_requests($1, $2)', [connection, seconds]);
  await hold(30);
  await hold(5);
  const wait = await take(connection);
  expect(wait).toBeGreaterThan(20_000);
  expect(wait).toBeLessThanOrEqual(30_000);
  await hold(100_000);
  expect(await take(connection)).toBeLessThanOrEqual(61_000);
});

test('idle time is not made up for', async () => {
  const ours = tenant();
  const connection = await makeConnection(db, null, { tenant: ours, requestsPerSecond: 1 });
  await take(connection);
  await db.owner.query(
    "update app_private.pems_rate set next_at = clock_timestamp() - interval '1 hour' where tenant = $1",
    [ours],
  );
  expect(await take(connection)).toBe(0);
  expect(await take(connection)).toBeGreaterThan(500);
  const { rows } = await db.owner.query('select requests from app_private.pems_rate where tenant = $1', [
    ours,
  ]);
  expect(rows).toEqual([{ requests: '3' }]);
});

test('a delay for one tenant does not apply to another at the same address', async () => {
  const first = await makeConnection(db, null, { tenant: tenant(), requestsPerSecond: 1 });
  const other = await makeConnection(db, null, { tenant: tenant(), requestsPerSecond: 1 });
  await take(first);
  await take(other);
  await db.worker.query('select app_private.hold_requests($1, 30)', [first]);
  expect(await take(other)).toBeLessThanOrEqual(1000);
});
