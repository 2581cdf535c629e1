import { expect, test } from 'vitest';
import { control, grid, screen, startClassic, stored, text } from './client.ts';

const id = 'ONE-0000001';

test('GET /state shows counts, clock, settings and the length of the log', async () => {
  const simulator = await startClassic();
  await control(simulator, 'POST', '/records/ONE', { id: 'X' });
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_rate: 1 } });
  await control(simulator, 'DELETE', '/records/ONE/ONE-0000002');
  const { body } = await control(simulator, 'GET', '/state');
  expect(body).toMatchObject({
    seed: 1,
    records: 30,
    writes: 3,
    dialects: { VANGUARD_DEMO: 'classic' },
    dateFormat: 'DD-MON-YYYY',
    faults: [],
  });
  expect(body.organizations).toContainEqual({
    code: 'ONE',
    name: 'ONE Project',
    records: 25,
    generated: 25,
    changed: 1,
    added: 1,
    removed: 1,
  });
});

test('another writer changes a record: recordid, time and name change too', async () => {
  const simulator = await startClassic();
  await control(simulator, 'POST', '/clock', { now: '2026-04-02T14:30:00+02:00' });
  const before = await control(simulator, 'GET', `/records/ONE/${id}`);
  const after = await control(simulator, 'PATCH', `/records/ONE/${id}`, {
    values: { PFS_F_RATE: 77.5 },
    by: 'JDOE',
  });
  expect(before.body).toMatchObject({ organization: 'ONE', id, recordid: 1 });
  expect(after.body).toMatchObject({ recordid: 2, updatedBy: 'JDOE', values: { pfs_f_rate: 77.5 } });
  expect(after.body.updatedAt).toMatch(/^2026-04-02T12:30:00/);
  const stale = { action: 'UPDATE', id, values: { PFS_F_MODEL: text('x') }, recordid: 1 } as const;
  expect((await screen(simulator, stale)).alert).toMatch('modified by another user');
});

test('another writer changes several records at once, all or none', async () => {
  const simulator = await startClassic();
  const change = (...ids: string[]) =>
    control(simulator, 'PATCH', '/records/ONE', {
      records: ids.map((one, n) => ({ id: one, values: { pfs_f_rate: n + 1, pfs_f_source: 'Rental' } })),
      by: 'JDOE',
    });
  expect(await change(id, 'ONE-0000009')).toMatchObject({ status: 200, body: { changed: 2 } });
  expect((await control(simulator, 'GET', `/records/ONE/${id}`)).body).toMatchObject({
    recordid: 2,
    updatedBy: 'JDOE',
    values: { pfs_f_rate: 1, pfs_f_source: 'Rental' },
  });
  expect(await stored(simulator, 'ONE-0000009')).toMatchObject({ pfs_f_rate: 2 });
  expect((await change(id, 'ONE-9999999')).status).toBe(404);
  const { body } = await control(simulator, 'GET', '/writes');
  expect(body.writes).toMatchObject([{ id }, { id: 'ONE-0000009', by: 'JDOE' }]);
});

test('ids and organizations are URL-encoded', async () => {
  const simulator = await startClassic();
  const strange = 'a/b? "é" 中%';
  expect((await control(simulator, 'POST', '/records/ONE', { id: strange })).status).toBe(201);
  expect((await control(simulator, 'POST', '/records/ONE', { id: strange })).status).toBe(409);
  expect(await stored(simulator, strange)).toMatchObject({ pfs_id: strange, pfs_equipment: null });
  const path = `/records/ONE/${encodeURIComponent(strange)}`;
  expect((await control(simulator, 'DELETE', path)).body).toMatchObject({ removed: true });
  expect((await control(simulator, 'GET', path)).status).toBe(404);
});

test('GET /writes returns every accepted write in order, with old and new values', async () => {
  const simulator = await startClassic();
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'A' } });
  const { recordid } = await screen(simulator, { action: 'GET', id });
  await screen(simulator, { action: 'UPDATE', id, values: { PFS_F_MODEL: text('B') }, recordid });
  await screen(simulator, { action: 'UPDATE', id, values: { PFS_F_SOURCE: text('refused') } });
  await screen(simulator, { action: 'DELETE', id });
  const { body } = await control(simulator, 'GET', '/writes?since=1');
  expect(body).toMatchObject({
    last: 3,
    writes: [
      {
        seq: 2,
        action: 'update',
        via: 'screen',
        by: 'vanguard',
        organization: 'ONE',
        id,
        before: { pfs_f_model: 'A' },
        came: { pfs_f_model: 'B' },
        after: { pfs_f_model: 'B' },
        recordid: 3,
        recordidSent: 2,
      },
      { seq: 3, action: 'delete', before: { pfs_id: id, pfs_f_model: 'B' }, after: {} },
    ],
  });
});

test('POST /clock sets the time of later writes', async () => {
  const simulator = await startClassic();
  const shown = async (): Promise<unknown> => {
    await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: {} });
    return (await grid(simulator, { filters: [{ alias: 'pfs_id', op: '=', value: id }] })).rows[0]
      ?.pfs_f_intlastupdated;
  };
  await control(simulator, 'POST', '/clock', { now: '2029-12-31T23:59:10Z' });
  expect(await shown()).toBe('31-DEC-2029 23:59');
  await control(simulator, 'POST', '/clock', { advanceMs: 60_000 });
  expect(await shown()).toBe('01-JAN-2030 00:00');
  const { body } = await control(simulator, 'POST', '/clock', { reset: true });
  expect(Math.abs(Date.parse(String(body.now)) - Date.now())).toBeLessThan(60_000);
});

test.each([
  ['GET', '/nothing', undefined, 404, /there are \/state/],
  ['GET', '/records/ONE/%zz', undefined, 400, /URL-encoded/],
  ['GET', '/records/NONE/x', undefined, 404, /no organization NONE/],
  ['PATCH', `/records/ONE/${id}`, '{', 400, /must be JSON/],
  ['PATCH', `/records/ONE/${id}`, { values: { colour: 'red' } }, 400, /no field colour/],
  ['PATCH', `/records/ONE/${id}`, { values: { pfs_id: 'x' } }, 400, /cannot be set/],
  ['PATCH', `/records/ONE/${id}`, { values: { pfs_f_rate: '1' } }, 400, /takes a number/],
  ['PATCH', `/records/ONE/${id}`, { values: { pfs_f_enddate: '2026-02-30' } }, 400, /takes a date/],
  ['PATCH', `/records/ONE/${id}`, {}, 400, /values/],
  ['POST', '/clock', { now: 'soon' }, 400, /now: Invalid ISO datetime/],
  ['POST', '/clock', {}, 400, /give one of/],
  ['GET', '/writes?since=x', undefined, 400, /whole number/],
  ['POST', '/faults', { kind: 'nonsense', count: 1 }, 400, /kind must be one of latency, hang/],
  ['POST', '/faults', { kind: 'close' }, 400, /give probability .* count/],
  ['POST', '/faults', { kind: 'latency', count: 1 }, 400, /ms/],
  ['POST', '/faults', { kind: 'close', count: 0 }, 400, /count/],
  ['POST', '/faults', { kind: 'close', count: 1, typo: 1 }, 400, /typo/],
  [
    'POST',
    '/faults',
    { kind: 'alter-write', count: 1, field: 'pfs_a_rate' },
    400,
    /not a field that can be written/,
  ],
  ['POST', '/faults', { kind: 'alter-write', count: 1, value: 1 }, 400, /give the field/],
  ['POST', '/faults', { kind: 'foreign-row', count: 1, organization: 'NONE' }, 404, /no organization/],
])('%s %s %j returns %d with a helpful error', async (method, path, body, status, sentence) => {
  const simulator = await startClassic();
  const answer = await control(simulator, method, path, body);
  expect(answer.status).toBe(status);
  expect((answer.body.error as { message: string }).message).toMatch(sentence);
});
