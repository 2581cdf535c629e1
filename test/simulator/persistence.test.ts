import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { control, grid, screen, startClassic, stored, text } from './client.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'simulator-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const id = 'ONE-0000001';
const update = (value: string) => ({ action: 'UPDATE', id, values: { PFS_F_MODEL: text(value) } }) as const;

test('writes survive a restart: updates, additions, removals, recordid, clock', async () => {
  const first = await startClassic({ folder });
  await control(first, 'POST', '/clock', { now: '2031-05-06T07:08:09Z' });
  const written = await screen(first, update('é 😀\n'));
  await control(first, 'POST', '/records/ONE', { id: 'EXTRA', values: { pfs_f_rate: 12.5 } });
  await control(first, 'DELETE', '/records/ONE/ONE-0000002');
  const before = await grid(first, { organization: 'ONE' });
  const writes = await control(first, 'GET', '/writes');
  await first.stop();

  const second = await startClassic({ folder });
  expect((await screen(second, { action: 'GET', id })).recordid).toBe(written.recordid);
  expect((await grid(second, { organization: 'ONE' })).rows).toEqual(before.rows);
  expect(await control(second, 'GET', '/writes')).toEqual(writes);
  expect((await control(second, 'GET', '/state')).body.now).toMatch(/^2031-05-06/);
  expect((await screen(second, update('again'))).recordid).toBeGreaterThan(written.recordid);
});

test('an incomplete last line of a killed process is dropped, and writing continues', async () => {
  const log = path.join(folder, 'writes.jsonl');
  const first = await startClassic({ folder });
  await screen(first, update('kept'));
  await screen(first, update('torn'));
  await first.stop();
  truncateSync(log, readFileSync(log).length - 20);

  const second = await startClassic({ folder });
  expect((await stored(second, id)).pfs_f_model).toBe('kept');
  await screen(second, update('after'));
  await second.stop();
  appendFileSync(log, '{"seq":3,"at":"20');

  const third = await startClassic({ folder });
  expect((await stored(third, id)).pfs_f_model).toBe('after');
  expect((await control(third, 'GET', '/state')).body.writes).toBe(2);
});

test('damage before the last line is an error with the line number', async () => {
  const first = await startClassic({ folder });
  await screen(first, update('A'));
  await first.stop();
  const log = path.join(folder, 'writes.jsonl');
  writeFileSync(log, `rubbish\n${readFileSync(log, 'utf8')}`);
  await expect(startClassic({ folder })).rejects.toThrow(/Line 1 of .* is not JSON/);
});

test('a folder with another seed is refused', async () => {
  await (await startClassic({ folder, seed: 7 })).stop();
  await expect(startClassic({ folder, seed: 8 })).rejects.toThrow(/seed 7, this one has seed 8/);
  await startClassic({ folder, seed: 7 });
});

test('concurrent writes are all kept', async () => {
  const first = await startClassic({ folder });
  const ids = Array.from({ length: 20 }, (_, i) => `ONE-${String(i + 1).padStart(7, '0')}`);
  await Promise.all(ids.map((one) => screen(first, { ...update(one), id: one })));
  await first.stop();
  const second = await startClassic({ folder });
  for (const one of ids) expect((await stored(second, one)).pfs_f_model).toBe(one);
});
