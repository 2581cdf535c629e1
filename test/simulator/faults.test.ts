import { expect, test, vi } from 'vitest';
import { faultTable, malformedForms, type Simulator } from '../../simulator/index.ts';
import {
  alertOf,
  control,
  dig,
  fault,
  grid,
  gridBody,
  post,
  screen,
  screenBody,
  startClassic,
  stored,
  text,
} from './client.ts';

const id = 'ONE-0000001';
const update = { action: 'UPDATE', id, values: { PFS_F_MODEL: text('NEW') } } as const;
const read = (simulator: Simulator): Promise<Response> =>
  post(simulator, 'griddata', gridBody({ organization: 'ONE' }));
const write = (simulator: Simulator): Promise<Response> =>
  post(simulator, 'userdefinedscreenservices', screenBody(update));
const modelOf = async (simulator: Simulator): Promise<unknown> => (await stored(simulator, id)).pfs_f_model;
const hitsOf = async (simulator: Simulator): Promise<unknown> =>
  dig((await control(simulator, 'GET', '/faults')).body, 'faults', '0', 'hits');

test('every kind of fault is in the table of GET /faults', async () => {
  const simulator = await startClassic();
  expect((await control(simulator, 'GET', '/faults')).body.kinds).toEqual(faultTable);
});

test('affected requests are counted per kind, also after its faults are deleted', async () => {
  const simulator = await startClassic();
  const none = Object.fromEntries(Object.keys(faultTable).map((kind) => [kind, 0]));
  const hits = async () => (await control(simulator, 'GET', '/faults')).body.hits;
  expect(await hits()).toEqual(none);
  for (let n = 0; n < 2; n++) {
    await fault(simulator, { kind: 'status', count: 1 });
    expect((await read(simulator)).status).toBe(503);
    expect((await read(simulator)).status).toBe(200);
    await control(simulator, 'DELETE', '/faults');
  }
  await fault(simulator, { kind: 'drop-write', count: 5 });
  await write(simulator);
  await control(simulator, 'DELETE', '/faults');
  expect(await hits()).toEqual({ ...none, status: 2, 'drop-write': 1 });
});

test('latency delays the response', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'latency', ms: 120, count: 1 });
  const begun = performance.now();
  expect((await read(simulator)).status).toBe(200);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(115);

  await fault(simulator, { kind: 'latency', ms: 600_000, count: 1 });
  const held = read(simulator);
  await vi.waitUntil(async () => (await hitsOf(simulator)) === 1, { interval: 5 });
  await control(simulator, 'DELETE', '/faults');
  expect((await held).status).toBe(200);
});

test('hang never responds, until faults are deleted', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'hang', count: 2 });
  const left = post(simulator, 'griddata', gridBody({})).catch(() => 'closed');
  await vi.waitUntil(async () => (await hitsOf(simulator)) === 1, { interval: 5 });
  // A client that disconnects in the middle of its request.
  await expect(
    fetch(`${simulator.url}/griddata`, {
      method: 'POST',
      body: new ReadableStream(),
      duplex: 'half',
      signal: AbortSignal.timeout(20),
    }),
  ).rejects.toThrow();
  expect((await control(simulator, 'DELETE', '/faults')).body).toEqual({ removed: 1 });
  expect(await left).toBe('closed');
  expect((await read(simulator)).status).toBe(200);
});

test('status responds with it, with or without Retry-After, and does not write', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'status', status: 429, count: 1 });
  const limited = await read(simulator);
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, null]);
  await fault(simulator, { kind: 'status', status: 502, retryAfter: 7, count: 1 });
  const before = await modelOf(simulator);
  const response = await write(simulator);
  expect([response.status, response.headers.get('retry-after')]).toEqual([502, '7']);
  expect(await modelOf(simulator)).toBe(before);
});

test('half-body cuts off the response in the middle', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'half-body', count: 1 });
  const response = await read(simulator);
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test('close sends no response and does not write', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'close', count: 1 });
  const before = await modelOf(simulator);
  await expect(write(simulator)).rejects.toThrow();
  expect(await modelOf(simulator)).toBe(before);
});

test('error-alert responds with status 200 and the given text', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'error-alert', name: 'ORA-00060', message: 'deadlock', count: 1 });
  const response = await read(simulator);
  expect(response.status).toBe(200);
  expect(alertOf(await response.json())).toBe('ORA-00060: deadlock');
});

test('malformed is invalid JSON, an HTML page, or an invalid date', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'malformed', count: 1 });
  await expect((await read(simulator)).json()).rejects.toThrow();
  await fault(simulator, { kind: 'malformed', what: 'html', count: 1 });
  expect(await (await read(simulator)).text()).toMatch(/^<!DOCTYPE html>/);
});

test.each(['date', 'number', 'flag'] as const)(
  'malformed has every form of a value that is not a valid %s',
  async (of) => {
    const simulator = await startClassic();
    const before = new Map(
      (await grid(simulator, { organization: 'ONE' })).rows.map((row) => [row.pfs_id, row]),
    );
    const changed = (rows: Record<string, string>[]) =>
      rows.flatMap((row) =>
        Object.entries(row).filter(([alias, text]) => before.get(row.pfs_id)?.[alias] !== text),
      );
    const forms = new Set<string>();
    await fault(simulator, { kind: 'malformed', what: 'value', of, probability: 1 });
    for (let i = 0; i < 150; i++) {
      const [[, text = ''] = []] = changed((await grid(simulator, { organization: 'ONE' })).rows);
      forms.add(text);
    }
    expect([...forms].sort()).toEqual([...malformedForms[of]].sort());

    await control(simulator, 'DELETE', '/faults');
    await fault(simulator, {
      kind: 'malformed',
      what: 'value',
      id,
      field: 'pfs_f_rate',
      text: '1,2',
      count: 1,
    });
    expect(changed((await grid(simulator, { organization: 'ONE' })).rows)).toEqual([['pfs_f_rate', '1,2']]);
  },
);

test('duplicate repeats a row', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'duplicate', id, count: 1 });
  const { ids, records } = await grid(simulator, { organization: 'ONE' });
  expect(ids).toHaveLength(31);
  expect(records).toBe(31);
  expect(ids.filter((one) => one === id)).toHaveLength(2);
});

test('foreign-row adds a row of another organization, with its own id or a known one', async () => {
  const simulator = await startClassic();
  const query = { filters: [{ alias: 'pfs_a_org', op: '=', value: 'ONE' }] };
  await fault(simulator, { kind: 'foreign-row', organization: 'ONE2', count: 1 });
  const own = await grid(simulator, query);
  expect(own.rows.filter((row) => row.pfs_a_org === 'ONE2').map((row) => row.pfs_id)).toEqual([
    'ONE2-0000001',
  ]);
  await fault(simulator, { kind: 'foreign-row', sameId: true, count: 1 });
  const same = await grid(simulator, query);
  expect(same.rows.filter((row) => row.pfs_a_org === 'ONE2')).toHaveLength(1);
  expect(new Set(same.ids).size).toBe(25);
});

test('vanish omits existing rows', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'vanish', id, count: 1 });
  expect((await grid(simulator, { organization: 'ONE' })).ids).not.toContain(id);
  await fault(simulator, { kind: 'vanish', rows: 3, count: 1 });
  const { ids, records } = await grid(simulator, { organization: 'ONE' });
  expect([ids.length, records]).toEqual([27, 27]);
  expect((await grid(simulator, { organization: 'ONE' })).ids).toHaveLength(30);
});

test('page-count reports a wrong number of remaining rows', async () => {
  const simulator = await startClassic();
  for (const head of [false, true]) {
    await fault(simulator, { kind: 'page-count', says: 'end', count: 1 });
    expect((await grid(simulator, { organization: 'ONE', rows: 5, head })).more).toBe(false);
    await fault(simulator, { kind: 'page-count', says: 'more', count: 1 });
    expect((await grid(simulator, { organization: 'ONE', head })).more).toBe(true);
  }
  await fault(simulator, { kind: 'page-count', says: 'records', count: 1 });
  expect(await grid(simulator, { organization: 'ONE' })).toMatchObject({ records: 31, ids: { length: 30 } });
});

test('apply-no-answer writes, and closes or responds with 504', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'apply-no-answer', count: 1 });
  await expect(write(simulator)).rejects.toThrow();
  expect(await modelOf(simulator)).toBe('NEW');
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'OLD' } });
  await fault(simulator, { kind: 'apply-no-answer', answer: 'status', count: 1 });
  expect((await write(simulator)).status).toBe(504);
  expect(await modelOf(simulator)).toBe('NEW');
});

test('apply-late writes after the response, if the write is still allowed then', async () => {
  const simulator = await startClassic();
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'OLD' } });
  await fault(simulator, { kind: 'apply-late', ms: 300, answer: 'status', count: 2 });
  expect((await write(simulator)).status).toBe(504);
  expect(await modelOf(simulator)).toBe('OLD');
  await vi.waitUntil(async () => (await modelOf(simulator)) === 'NEW', { interval: 5 });

  const { recordid } = await screen(simulator, { action: 'GET', id });
  const late = { ...update, values: { PFS_F_MODEL: text('LATE') }, recordid };
  expect((await post(simulator, 'userdefinedscreenservices', screenBody(late))).status).toBe(504);
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'OTHER' } });
  // A second late write without recordid follows: the first one must have been refused.
  await fault(simulator, { kind: 'apply-late', ms: 300, answer: 'status', count: 1 });
  await write(simulator);
  await vi.waitUntil(async () => (await modelOf(simulator)) === 'NEW', { interval: 5 });
  const { body } = await control(simulator, 'GET', '/writes');
  expect(JSON.stringify(body)).not.toContain('LATE');
});

test('drop-write responds like a write', async () => {
  const simulator = await startClassic();
  const before = await screen(simulator, { action: 'GET', id });
  await fault(simulator, { kind: 'drop-write', count: 1 });
  const answer = await screen(simulator, update);
  expect(answer.values.PFS_F_MODEL).toEqual(text('NEW'));
  expect(answer.recordid).not.toBe(before.recordid);
  expect(await screen(simulator, { action: 'GET', id })).toEqual(before);
  const { body } = await control(simulator, 'GET', '/writes');
  expect(body.writes).toMatchObject([{ came: { pfs_f_model: 'NEW' }, after: {}, fault: 'drop-write' }]);
});

test('alter-write stores another value, and shows it', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'alter-write', count: 1 });
  expect((await screen(simulator, update)).values.PFS_F_MODEL).toEqual(text('NEW*'));
  const rate = (await stored(simulator, id)).pfs_f_rate;
  await fault(simulator, { kind: 'alter-write', field: 'pfs_f_rate', value: 5.5, count: 1 });
  await screen(simulator, update);
  expect(await stored(simulator, id)).toMatchObject({ pfs_f_model: 'NEW', pfs_f_rate: 5.5 });
  const { body } = await control(simulator, 'GET', '/writes?since=1');
  expect(body.writes).toMatchObject([
    {
      before: { pfs_f_rate: rate },
      came: { pfs_f_model: 'NEW' },
      after: { pfs_f_rate: 5.5 },
      fault: 'alter-write',
    },
  ]);
});

test('bad-credentials responds with 401', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'bad-credentials', count: 1 });
  expect((await read(simulator)).status).toBe(401);
  expect((await read(simulator)).status).toBe(200);
});

test('count, skip, match and probability select the affected requests', async () => {
  const simulator = await startClassic();
  await fault(simulator, { kind: 'status', count: 2, match: { service: 'screen', action: 'GET', id } });
  expect((await read(simulator)).status).toBe(200);
  expect((await write(simulator)).status).toBe(200);
  expect((await screen(simulator, { action: 'GET', id: 'ONE-0000002' })).status).toBe(200);
  expect((await screen(simulator, { action: 'GET', id })).status).toBe(503);
  expect((await screen(simulator, { action: 'GET', id })).status).toBe(503);
  expect((await screen(simulator, { action: 'GET', id })).status).toBe(200);

  await fault(simulator, { kind: 'status', skip: 2, count: 1 });
  const answered = [];
  for (let i = 0; i < 4; i++) answered.push((await read(simulator)).status);
  expect(answered).toEqual([200, 200, 503, 200]);

  await fault(simulator, { kind: 'status', probability: 0.5 });
  const answers: number[] = [];
  for (let i = 0; i < 40; i++) answers.push((await screen(simulator, { action: 'GET', id })).status);
  const hit = answers.filter((status) => status === 503).length;
  expect(hit).toBeGreaterThan(8);
  expect(hit).toBeLessThan(32);
});
