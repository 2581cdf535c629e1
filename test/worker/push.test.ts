import { expect, test } from 'vitest';
import { idOf, testWorld } from './world.ts';
import { pushTools } from './push-world.ts';

// Committed changes reach PEMS, once, or come back with the reason.

const codes = ['PLAIN'];
const world = await testWorld(Object.fromEntries(codes.map((code) => [code, 12])));
const { member, change, writes, mirrorOf, settled, modifications, history } = pushTools(world);

const mirroredOrganization = async (code: string, timeoutMs = 1000) => {
  const organization = await world.organization(code, { timeoutMs });
  await world.startWorker({ releaseIntervalMs: 250 });
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
  return organization;
};

test('a committed change is written, read back, and confirmed everywhere in one', async () => {
  const organization = await mirroredOrganization('PLAIN');
  const user = await member(organization);
  const id = idOf(organization, 1);
  const { category } = await mirrorOf(organization, id);
  await change(organization, user, id, { category: 'CRANES - NEW', monthlyRate: 1234.5 });
  await settled(organization);

  expect(await writes(organization)).toMatchObject([
    { action: 'update', via: 'screen', id, came: { pfs_f_category: 'CRANES - NEW', pfs_f_rate: 1234.5 } },
  ]);
  expect(await modifications(organization)).toMatchObject([{ state: 'synced', attempts: 1, retry_at: null }]);
  expect(await mirrorOf(organization, id)).toMatchObject({ category: 'CRANES - NEW', monthlyRate: 1234.5 });
  expect(await history(organization, 'push')).toMatchObject([
    { pfa_id: id, user_id: user, changes: { category: { from: category, to: 'CRANES - NEW' } } },
  ]);
  expect(await history(organization, 'sync')).toEqual([]);
});
