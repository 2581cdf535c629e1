import { expect, test } from 'vitest';
import { startSimulator } from '../../simulator/index.ts';
import { run } from '../cli/vanguard.ts';
import type { Json, Organization } from '../support/make.ts';
import { until } from '../support/until.ts';
import { processEnvironment } from './process.ts';
import { pushTools } from './push-world.ts';
import { idOf, pemsPassword, testWorld } from './world.ts';

// Committed changes reach PEMS once, or get a problem with the reason.

const codes = [
  ...[
    'PLAIN',
    'CONFLICT',
    'AGREED',
    'REFUSED',
    'DROPPED',
    'ALTERED',
    'EMPTIED',
    'SILENT',
    'LATE',
    'LOST',
    'CHANGEDBACK',
  ],
  ...[
    'GONE',
    'FAILING',
    'LETIN',
    'PAUSED',
    'TAKEN',
    'NEWER',
    'BUSYSYNC',
    'SAID',
    'MANY',
    'MANYTOO',
    'STALE',
    'VANISHING',
  ],
];
const world = await testWorld(Object.fromEntries(codes.map((code) => [code.slice(0, 15), 12])));
const {
  member,
  change,
  draft,
  commit,
  writes,
  mirrorOf,
  settled,
  modifications,
  draftOf,
  history,
  intents,
  hurry,
} = pushTools(world);
const { db } = world;

const timeoutMs = 400;
/** An organization that was read once, and a user who changes its records. */
async function ground(code: string, settings: { timeoutMs?: number } = {}) {
  const organization = await world.organization(code, { timeoutMs, ...settings });
  const user = await member(organization);
  if (!started) await world.startWorker({ releaseIntervalMs: 250, concurrency: 6 });
  started = true;
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
  const id = idOf(organization, 1);
  return { organization, user, id, before: await mirrorOf(organization, id) };
}
let started = false;

/** Another writer changes a record in PEMS. */
const elsewhere = (organization: Organization, id: string, values: Record<string, Json>) =>
  world.control('PATCH', `/records/${organization.code}/${id}`, { values, by: 'SOMEBODY' });
const onWrite = (organization: Organization, fault: Record<string, unknown>) =>
  world.fault({ count: 1, match: { action: 'UPDATE', organization: organization.code }, ...fault });
const pause = (organization: Organization, isPaused: boolean) =>
  db.owner.query('select app_private.set_push_pause($1, $2)', [organization.id, isPaused]);
const ours = async (organization: Organization) =>
  (await writes(organization)).filter(({ via }) => via === 'screen');

test('a committed change is written, read back, and confirmed everywhere in one transaction', async () => {
  const { organization, user, id, before } = await ground('PLAIN');
  await change(organization, user, id, { category: 'CRANES - NEW', monthlyRate: 1234.5 });
  await settled(organization);

  expect(await writes(organization)).toMatchObject([
    { action: 'update', via: 'screen', id, came: { pfs_f_category: 'CRANES - NEW', pfs_f_rate: 1234.5 } },
  ]);
  expect(Object.keys((await writes(organization))[0]!.came)).toHaveLength(2);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', attempts: 1, retry_at: null }]);
  expect(await mirrorOf(organization, id)).toEqual({
    ...before,
    category: 'CRANES - NEW',
    monthlyRate: 1234.5,
  });
  expect(await history(organization, 'push')).toMatchObject([
    { pfa_id: id, user_id: user, changes: { category: { from: before.category, to: 'CRANES - NEW' } } },
  ]);
  // The next run finds no changes: push and runs read the same values.
  expect(await world.sync(organization)).toMatchObject({ rows_updated: 0, rows_unchanged: 12 });
  expect(await history(organization, 'sync')).toEqual([]);
});

test('a newer value in PEMS is not overwritten: the change is a conflict with three values, the other keys are written', async () => {
  const { organization, user, id, before } = await ground('CONFLICT');
  await pause(organization, true);
  await change(organization, user, id, { category: 'MINE', model: 'M-1' });
  await elsewhere(organization, id, { pfs_f_category: 'THEIRS' });
  await pause(organization, false);
  await settled(organization);

  expect(await ours(organization)).toMatchObject([{ came: { pfs_f_model: 'M-1' } }]);
  expect(await draftOf(organization, id)).toMatchObject({
    delta: { category: 'MINE' },
    problems: {
      category: { kind: 'conflict', by: 'push', base: before.category, theirs: 'THEIRS', mine: 'MINE' },
    },
  });
  expect(await mirrorOf(organization, id)).toMatchObject({ category: 'THEIRS', model: 'M-1' });
  expect(await history(organization, 'sync')).toMatchObject([
    { changes: { category: { from: before.category, to: 'THEIRS' } } },
  ]);
  expect(await history(organization, 'push')).toMatchObject([
    { user_id: user, changes: { category: { from: 'MINE', to: 'THEIRS', problem: 'conflict' } } },
    { user_id: user, changes: { model: { to: 'M-1' } } },
  ]);
});

test('a value that PEMS already has is confirmed without a write', async () => {
  const { organization, user, id } = await ground('AGREED');
  await pause(organization, true);
  await change(organization, user, id, { category: 'SAME' });
  await elsewhere(organization, id, { pfs_f_category: 'SAME' });
  await pause(organization, false);
  await settled(organization);
  expect(await ours(organization)).toEqual([]);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced' }]);
});

test('a refusal is reported in the words of PEMS, key by key, and delays neither other keys nor other records', async () => {
  const { organization, user, id, before } = await ground('REFUSED');
  const neighbour = idOf(organization, 2);
  await draft(organization, user, id, { category: 'X'.repeat(100), model: 'M-2', contract: 'C-2' });
  await draft(organization, user, neighbour, { model: 'M-3' });
  await commit(organization, user);
  await settled(organization);

  expect(await draftOf(organization, id)).toMatchObject({
    delta: { category: 'X'.repeat(100) },
    base: { category: before.category },
    problems: { category: { kind: 'refused', by: 'push', message: expect.stringContaining('80') as string } },
  });
  expect(await mirrorOf(organization, id)).toMatchObject({
    category: before.category,
    model: 'M-2',
    contract: 'C-2',
  });
  expect(await mirrorOf(organization, neighbour)).toMatchObject({ model: 'M-3' });

  // Details for engineers.
  const { code, said } = await run(processEnvironment(db), ['push', 'explain', organization.code, id]);
  expect(code).toBe(0);
  const { id: change } = await draftOf(organization, id);
  expect(said).toMatch(
    new RegExp(
      `^Change ${change} by \\S+: draft, attempt \\d+, {"category":"X+"} over {"category":.*\\n {2}problems: {"category":{.*"refused"`,
      'm',
    ),
  );
  expect(said).toMatch(/ {2}change \d+ attempt 1 {2}read: HTTP 200 after \d+ ms\n {2}> {.*\n {2}< {"Result"/);
  // All keys at once, and then the refused one alone; PEMS accepted the others.
  const refusals = said.match(
    /write: PEMS_ERROR_ALERT after \d+ ms\n {2}> {.*\n {2}< {.*"ErrorAlert":\[.*80/g,
  );
  expect(refusals).toHaveLength(2);
  expect(said).toMatch(/write: HTTP 200 after \d+ ms\n/);
  const { said: json } = await run(processEnvironment(db), [
    'push',
    'explain',
    organization.code,
    id,
    '--json',
  ]);
  const whole = JSON.parse(json) as { modifications: { state: string }[]; exchanges: Record<string, Json>[] };
  expect(whole.modifications.map(({ state }) => state)).toContain('draft');
  expect(whole.exchanges.filter(({ action }) => action === 'write').length).toBeGreaterThanOrEqual(3);
  expect(JSON.stringify(whole.exchanges)).toContain('X'.repeat(100));
});

test('a value that PEMS accepted but did not keep is reported as rejected', async () => {
  const { organization, user, id, before } = await ground('DROPPED');
  await onWrite(organization, { kind: 'drop-write' });
  await change(organization, user, id, { model: 'M-4' });
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({
    problems: { model: { kind: 'refused', by: 'push' } },
  });
  expect(await mirrorOf(organization, id)).toEqual(before);
});

test('a value that PEMS altered is reported with both values', async () => {
  const { organization, user, id } = await ground('ALTERED');
  await onWrite(organization, { kind: 'alter-write', field: 'pfs_f_model', value: 'OTHER' });
  await change(organization, user, id, { model: 'M-5', contract: 'C-5' });
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({
    delta: { model: 'M-5' },
    // Its base is the current value of PEMS: if committed again, it overwrites that value.
    base: { model: 'OTHER' },
    problems: { model: { kind: 'altered', by: 'push', theirs: 'OTHER', mine: 'M-5' } },
  });
  expect(await mirrorOf(organization, id)).toMatchObject({ model: 'OTHER', contract: 'C-5' });
});

test('an emptied forecast key shows the plan, as requested', async () => {
  const { organization, user, id } = await ground('EMPTIED');
  await elsewhere(organization, id, { pfs_a_category: 'PLANNED', pfs_f_category: 'FORECAST' });
  await world.sync(organization);
  await change(organization, user, id, { category: null });
  await settled(organization);
  expect((await world.record(organization, id)).values).toMatchObject({ pfs_f_category: null });
  expect(await mirrorOf(organization, id)).toMatchObject({ category: 'PLANNED' });
  expect(await modifications(organization)).toMatchObject([{ state: 'synced' }]);
});

test('a write without a response is read back after its deadline, and not written again', async () => {
  const { organization, user, id } = await ground('SILENT');
  await onWrite(organization, { kind: 'apply-no-answer' });
  await change(organization, user, id, { model: 'M-6' });
  const written = await until('it is uncertain', async () =>
    (await intents(organization)).find(({ outcome }) => outcome),
  );
  expect(written).toMatchObject({ outcome: 'uncertain', answered_at: null });
  const [waiting] = await modifications(organization);
  expect(waiting).toMatchObject({ state: 'syncing', failures: 1 });
  // Sending deadline, our timeout, and the timeout of PEMS.
  const { rows } = await db.owner.query<{ waits: number }>(
    'select extract(epoch from m.retry_at - i.created_at)::float8 * 1000 as waits from app_core.pfa_modification m join app_core.pfa_push_intent i on i.modification_id = m.id and i.organization_id = m.organization_id where m.organization_id = $1',
    [organization.id],
  );
  expect(rows[0]?.waits).toBeGreaterThan(3 * timeoutMs - 5);
  // Holds the write for as long as the command waits.
  const goOnAt = (time: string) =>
    db.owner.query(
      `update app_core.pfa_modification m set retry_at = ${time}
      from app_core.pfa_push_intent i where m.organization_id = $1 and i.organization_id = m.organization_id and i.modification_id = m.id`,
      [organization.id],
    );
  await goOnAt("now() + interval '1 hour'");
  const { said } = await run(processEnvironment(db), ['push', 'status', organization.code]);
  expect(said).toMatch(/\nSILENT +open +0 +1 +1 {2}20\S+Z\n$/);
  await goOnAt('i.quiet_at');
  await db.owner.query('select app_private.queue_push($1)', [organization.id]);
  await settled(organization);
  expect(await ours(organization)).toHaveLength(1);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', attempts: 2 }]);
});

test('a write that takes effect long after it seemed lost is not written a second time', async () => {
  const { organization, user, id } = await ground('LATE');
  await onWrite(organization, { kind: 'apply-late', ms: 2 * timeoutMs });
  await change(organization, user, id, { model: 'M-7' });
  await settled(organization);
  expect(await ours(organization)).toHaveLength(1);
  expect(await mirrorOf(organization, id)).toMatchObject({ model: 'M-7' });
});

test('a write that never arrived is written again, based on a new read', async () => {
  const { organization, user, id } = await ground('LOST');
  await onWrite(organization, { kind: 'close' });
  await change(organization, user, id, { model: 'M-8' });
  await settled(organization);
  expect(await ours(organization)).toHaveLength(1);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', attempts: 2 }]);
  expect(await intents(organization)).toMatchObject([{ outcome: 'failed' }, { outcome: 'confirmed' }]);
});

test('a write without a response, and a revert in PEMS: the cause is uncertain, so the change gets a problem', async () => {
  const { organization, user, id, before } = await ground('CHANGEDBACK');
  await onWrite(organization, { kind: 'apply-no-answer' });
  await change(organization, user, id, { model: 'M-9' });
  await until('it is in PEMS', async () => (await ours(organization)).length > 0);
  await elsewhere(organization, id, { pfs_f_model: before.model ?? null });
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({
    problems: { model: { kind: 'conflict', by: 'push' } },
  });
  expect(await ours(organization)).toHaveLength(1);
});

test('a record that PEMS removed: its changes get a problem', async () => {
  const { organization, user, id } = await ground('GONE');
  await pause(organization, true);
  await change(organization, user, id, { model: 'M-10' });
  await world.control('DELETE', `/records/${organization.code}/${id}`);
  // One run misses it; reading the record confirms the removal.
  await world.sync(organization);
  await pause(organization, false);
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({ problems: { model: { kind: 'removed' } } });
  const [row] = (await world.mirror(organization)).filter(({ pfa_id }) => pfa_id === id);
  expect(row?.removed_at).not.toBeNull();
});

test('a record that PEMS cannot show is retried three times, and delays no other', async () => {
  const { organization, user, id } = await ground('FAILING');
  const neighbour = idOf(organization, 2);
  await world.fault({ kind: 'status', status: 500, probability: 1, match: { service: 'screen', id } });
  await draft(organization, user, id, { model: 'M-11' });
  await draft(organization, user, neighbour, { model: 'M-12' });
  await commit(organization, user);
  for (let failures = 1; failures <= 3; failures++) {
    const tried = await until(`it failed ${failures} times`, async () =>
      (await modifications(organization)).find(
        (m) => m.pfa_id === id && m.failures === failures && m.retry_at,
      ),
    );
    expect(tried.state).toBe('committed');
    expect((tried.retry_at?.getTime() ?? 0) - Date.now()).toBeLessThanOrEqual(5000 * 2 ** (failures - 1));
    expect((tried.retry_at?.getTime() ?? 0) - Date.now()).toBeGreaterThan(5000 * 2 ** (failures - 1) - 3000);
    await hurry(organization);
  }
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({
    problems: { model: { kind: 'failed', by: 'push' } },
  });
  expect(await mirrorOf(organization, neighbour)).toMatchObject({ model: 'M-12' });
  expect(await ours(organization)).toHaveLength(1);
});

test('wrong credentials open the breaker: changes lose no attempt, and a successful probe closes it', async () => {
  const { organization, user, id } = await ground('LETIN');
  await world.fault({ kind: 'bad-credentials', count: 2, match: { organization: organization.code } });
  await change(organization, user, id, { model: 'M-13' });
  const state = await until('the breaker is open', async () => {
    const { rows } = await db.owner.query<{ state: string; message: string }>(
      'select state, message from app_private.push_gate($1)',
      [organization.id],
    );
    return rows[0]?.state === 'breaker_open' && rows[0];
  });
  expect(state.message).toContain('credentials');
  const { said } = await run(processEnvironment(db), ['push', 'status', organization.code]);
  expect(said).toMatch(
    /^organization +state +waiting +writing +uncertain +oldest\nLETIN +breaker open +1 +0 +0 {2}20\S+Z\n/,
  );
  expect(said).toMatch(
    /\nNothing is written over the connection test-letin since 20\S+Z: PEMS_UNAUTHORIZED: PEMS did not accept [^\n]+\nThe next try is at 20\S+Z; writing then resumes/,
  );
  expect(await modifications(organization)).toMatchObject([{ failures: 0 }]);
  await settled(organization);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', failures: 0 }]);
});

test('while PEMS is down all changes wait, and arrive when it is back', async () => {
  const away = await startSimulator({
    organizations: { AWAY: 3 },
    onlyListed: true,
    requestsPerSecond: 0,
    credentials: { password: pemsPassword },
  });
  const { url, port } = away;
  const organization = await world.organization('AWAY', { url, timeoutMs });
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
  const user = await member(organization);
  await away.stop();
  for (let n = 1; n <= 3; n++) await draft(organization, user, idOf(organization, n), { model: `M-14-${n}` });
  await commit(organization, user);
  await until('the breaker is open', async () => {
    const { rows } = await db.owner.query<{ state: string }>('select state from app_private.push_gate($1)', [
      organization.id,
    ]);
    return rows[0]?.state === 'breaker_open';
  });
  const back = await startSimulator({
    port,
    controlPort: 0,
    organizations: { AWAY: 3 },
    onlyListed: true,
    requestsPerSecond: 0,
    credentials: { password: pemsPassword },
  });
  try {
    await settled(organization);
    expect(await modifications(organization)).toMatchObject(
      [1, 2, 3].map(() => ({ state: 'synced', failures: 0 })),
    );
  } finally {
    await back.stop();
  }
});

test('nothing is written while paused; after resuming, the latest values are written', async () => {
  const { organization, user, id } = await ground('PAUSED');
  await pause(organization, true);
  await change(organization, user, id, { model: 'FIRST' });
  const other = await member(organization);
  await change(organization, other, id, { model: 'SECOND' });
  await db.owner.query('select app_private.queue_push($1)', [organization.id]);
  await until('the job is done', async () => {
    const { rows } = await db.owner.query(
      "select from graphile_worker.jobs where queue_name = 'push:' || $1",
      [organization.id],
    );
    return rows.length === 0;
  });
  expect(await writes(organization)).toEqual([]);
  await pause(organization, false);
  await settled(organization);
  // The later commit replaced the key, and its expected value in PEMS.
  expect(await ours(organization)).toMatchObject([{ came: { pfs_f_model: 'SECOND' } }]);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', user_id: other }]);
});

test('a failed key meets a newer draft of its author: the draft stays, and shows the problem', async () => {
  const { organization, user, id, before } = await ground('NEWER');
  await pause(organization, true);
  await change(organization, user, id, { model: 'FIRST' });
  await draft(organization, user, id, { model: 'SECOND' });
  await elsewhere(organization, id, { pfs_f_model: 'THEIRS' });
  await pause(organization, false);
  await settled(organization);
  expect(await draftOf(organization, id)).toMatchObject({
    delta: { model: 'SECOND' },
    base: { model: before.model ?? null },
    problems: { model: { kind: 'conflict', by: 'push', theirs: 'THEIRS', mine: 'SECOND' } },
  });
});

test('a running sync does not delay push', async () => {
  const { organization, user, id } = await ground('BUSYSYNC');
  await world.stopWorkers();
  await world.startWorker({ releaseIntervalMs: 250, concurrency: 1 });
  await world.fault({
    kind: 'latency',
    ms: 60_000,
    count: 1,
    match: { service: 'grid', organization: organization.code },
  });
  await db.owner.query(
    "update app_public.pems_settings set timeout_ms = 90000 where api_configuration_id = 'test-busysync'",
  );
  const { id: runId } = await world.request(organization);
  await until('the run waits for PEMS', async () => (await world.faultHits()) === 1);
  await change(organization, user, id, { model: 'M-15' });
  await settled(organization);
  expect((await world.runs(organization)).find((run) => run.id === runId)).toMatchObject({
    state: 'running',
  });
  await world.control('DELETE', '/faults');
  await world.ended(organization, runId);
  // Its page was requested before the write: it does not restore the old value.
  expect(await mirrorOf(organization, id)).toMatchObject({ model: 'M-15' });
  await world.stopWorkers();
  await world.startWorker({ releaseIntervalMs: 250, concurrency: 6 });
});

test('responses are stored without credentials', async () => {
  const { organization, user, id } = await ground('SAID');
  await change(organization, user, id, { model: 'M-16' });
  await settled(organization);
  const { rows } = await db.owner.query<Record<string, Json>>(
    'select action, request, status, answer, error_code, attempt from app_core.pfa_push_exchange where organization_id = $1 order by id',
    [organization.id],
  );
  expect(rows.map(({ action, status }) => [action, status])).toEqual([
    ['read', 200],
    ['write', 200],
    ['read_back', 200],
  ]);
  expect(rows[1]?.request).toContain('M-16');
  const said = JSON.stringify(rows);
  expect(said).not.toContain(pemsPassword);
  expect(said).not.toContain(Buffer.from(`vanguard:${pemsPassword}`).toString('base64'));
});

test('many changes of two organizations over one connection keep to its rate limit, in all workers', async () => {
  const limited = await startSimulator({
    organizations: { MANY: 30, MANYTOO: 30 },
    onlyListed: true,
    requestsPerSecond: 20,
    credentials: { password: pemsPassword },
  });
  try {
    await world.startWorker({ releaseIntervalMs: 250 });
    const organizations = [];
    for (const code of ['MANY', 'MANYTOO']) {
      const organization = await world.organization(code, { url: limited.url, timeoutMs: 5000 });
      expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
      organizations.push(organization);
    }
    await db.owner.query(
      "update app_public.pems_settings set requests_per_second = 20 where api_configuration_id in ('test-many', 'test-manytoo')",
    );
    for (const organization of organizations) {
      const user = await member(organization);
      for (let n = 1; n <= 20; n++)
        await draft(organization, user, idOf(organization, n), { model: `M-${n}` });
      await commit(organization, user);
    }
    for (const organization of organizations) await settled(organization, 30);
    const state = (await (await fetch(`${limited.controlUrl}/state`)).json()) as {
      requests: { served: number; limited: number };
    };
    expect(state.requests.limited).toBe(0);
    // A read and a write each; reading back combines several records.
    expect(state.requests.served).toBeLessThan(40 * 2.4 + 10);
  } finally {
    await limited.stop();
  }
});
