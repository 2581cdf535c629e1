import { expect, test } from 'vitest';
import { processes } from '../start/vanguard.ts';
import { until } from '../support/until.ts';
import { heading, openOrganization, product } from './browser.ts';
import { cell, openRecords } from './grid.ts';

// Runs last of the tests that change the product: it kills the server and starts it again with `vanguard start`.

const serverPid = () =>
  processes().find(({ parent, command }) => parent === product.pid && / server *$/.test(command))?.pid;

test('a page reconnects without a reload after the server restarts', async () => {
  const { page } = await openOrganization('HOLNG');
  await heading(page, 'Board').waitFor();
  const lost = page.getByRole('status').filter({ hasText: 'Connection lost' });
  expect(await lost.count()).toBe(0);
  const loads: string[] = [];
  page.on('framenavigated', (frame) => loads.push(frame.url()));

  const before = serverPid();
  expect(before).toBeGreaterThan(0);
  process.kill(before as number, 'SIGKILL');
  await lost.waitFor();
  let asked = 0;
  page.on('response', (response) => void (asked += response.url().endsWith('/api/sync/status') ? 1 : 0));
  await page.getByRole('button', { name: 'Reconnect now' }).click();
  await until('another server runs', () => serverPid() !== undefined && serverPid() !== before, 40);
  await lost.waitFor({ state: 'detached', timeout: 40_000 });
  await page.getByRole('table', { name: 'In PEMS' }).waitFor();
  // The page subscribes again and requests what it has missed.
  await until('it has asked how fresh the mirror is', () => asked > 0);
  expect(loads).toEqual([]);
}, 100_000);

test('an edit during a restart is sent afterwards, and is not shown as saved before', async () => {
  const { page } = await openRecords('HOLNG');
  const at = cell(page, 3, 'category');
  await at.click();
  await page.keyboard.type('MEANWHILE');
  const before = serverPid();
  process.kill(before as number, 'SIGKILL');
  await until('it is gone', () => serverPid() !== before);
  await page.keyboard.press('Enter');
  expect(await at.getAttribute('data-state')).toMatch(/^(saving|waiting)$/);
  await until('another server runs', () => serverPid() !== undefined && serverPid() !== before, 40);
  await until('it is saved', async () => (await at.getAttribute('data-state')) === 'drafted', 40);
  expect(await at.textContent()).toContain('MEANWHILE');
}, 100_000);
