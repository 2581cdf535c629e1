import { expect, test } from 'vitest';
import { processes } from '../start/vanguard.ts';
import { until } from '../support/until.ts';
import { heading, openOrganization, product } from './browser.ts';

// Last of what changes the product: its server is killed, and started again by `vanguard start`.

const serverPid = () =>
  processes().find(({ parent, command }) => parent === product.pid && / server *$/.test(command))?.pid;

test('a server that is restarted is missed and met again without a reload', async () => {
  const { page } = await openOrganization('HOLNG');
  await heading(page, 'Board').waitFor();
  const status = page.getByRole('status').filter({ hasText: 'Connection lost' });
  expect(await status.count()).toBe(0);
  const loads: string[] = [];
  page.on('framenavigated', (frame) => loads.push(frame.url()));

  const before = serverPid();
  expect(before).toBeGreaterThan(0);
  process.kill(before as number, 'SIGKILL');
  await status.waitFor();
  const toldAgain = page.waitForResponse((response) => response.url().endsWith('/api/sync/status'));
  await page.getByRole('button', { name: 'Try now' }).click();
  await until('another server runs', () => serverPid() !== undefined && serverPid() !== before);
  await status.waitFor({ state: 'detached' });
  await page.getByRole('table', { name: 'Mirror of PEMS' }).waitFor();
  // It is told again what happens.
  await toldAgain;
  expect(loads).toEqual([]);
});
