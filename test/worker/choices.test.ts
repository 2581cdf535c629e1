import { afterAll, expect, test } from 'vitest';
import { startSpellingPems } from '../support/spelling-pems.ts';
import type { Organization } from '../support/make.ts';
import { pushTools } from './push-world.ts';
import { idOf, testWorld } from './world.ts';

// Choice values in the spelling of a tenant: read in any spelling, stored in ours, written in the tenant's.

// The simulator uses the spelling of its records, and the proxy before it the spelling of the test.
const world = await testWorld(
  { CAPITALS: 12, OWN: 12, LEASE: 12, DRAFTED: 12, USUAL: 12 },
  { dialect: 'classic' },
);
const { db } = world;
const pems = await startSpellingPems(world.simulator);
afterAll(() => pems[Symbol.asyncDispose]());
const { member, change, draft, settled, modifications, mirrorOf } = pushTools(world);
await world.startWorker({ releaseIntervalMs: 250 });

const capitals = new Map([
  ['Rental', 'RENTAL'],
  ['Purchase', 'PURCHASE'],
  ['PROJECT', 'Project'],
]);
const spelled = (spellings: Map<string, string>) => {
  pems.spellings = spellings;
  pems.written = [];
};
const costs = async ({ id }: Organization) =>
  (
    await db.owner.query<{ cost: string }>(
      'select sum(plan_cost_cents + forecast_cost_cents)::text as cost from app_core.pfa_mirror where organization_id = $1',
      [id],
    )
  ).rows[0]?.cost;
const choices = async ({ id }: Organization) =>
  (
    await db.owner.query<{ key: string; value: string; spelling: string }>(
      'select key, value, spelling from app_private.pfa_field_choices where organization_id = $1 and notation is null order by key, value, spelling',
      [id],
    )
  ).rows;

test('capitals are read as the allowed values with the same costs, and a change is written in capitals', async () => {
  spelled(new Map());
  const organization = await world.organization('CAPITALS', { url: pems.url });
  await world.sync(organization);
  const [before, cost] = [await world.mirror(organization), await costs(organization)];
  expect(Number(cost)).toBeGreaterThan(0);

  spelled(capitals);
  const run = await world.sync(organization);
  expect(run).toMatchObject({ state: 'succeeded', rows_updated: 0, values_rejected: 0, notice: null });
  expect(await world.mirror(organization)).toEqual(before);
  expect(await costs(organization)).toBe(cost);
  expect(await choices(organization)).toEqual(
    expect.arrayContaining([
      { key: 'source', value: 'Rental', spelling: 'RENTAL' },
      { key: 'dor', value: 'PROJECT', spelling: 'Project' },
      { key: 'isActualized', value: 'true', spelling: '+' },
    ]),
  );

  const user = await member(organization);
  const ids = [1, 2, 3, 4].map((n) => idOf(organization, n));
  for (const id of ids) {
    const { source, dor } = await mirrorOf(organization, id);
    await change(organization, user, id, {
      source: source === 'Rental' ? 'Purchase' : 'Rental',
      dor: dor === 'BEO' ? 'PROJECT' : 'BEO',
    });
  }
  await settled(organization);
  expect(await modifications(organization)).toMatchObject(ids.map(() => ({ state: 'synced', problems: {} })));
  for (const written of pems.written) {
    expect(['RENTAL', 'PURCHASE']).toContain(written.PFS_F_SOURCE);
    expect(['BEO', 'Project']).toContain(written.PFS_F_DOR);
  }
  expect(pems.written).toHaveLength(ids.length);
  for (const id of ids) expect(['Rental', 'Purchase']).toContain((await mirrorOf(organization, id)).source);
});

test('an empty field is written in the spelling of earlier runs, or in the configured one', async () => {
  spelled(capitals);
  const organization = await world.organization('OWN', { url: pems.url });
  const id = idOf(organization, 1);
  const emptied = async () => {
    await world.control('PATCH', `/records/OWN/${id}`, {
      values: { pfs_f_source: null, pfs_a_source: null },
      by: 'X',
    });
    await world.sync(organization);
  };
  await emptied();
  const user = await member(organization);
  await change(organization, user, id, { source: 'Purchase' });
  await settled(organization);
  expect(pems.written).toMatchObject([{ PFS_F_SOURCE: 'PURCHASE' }]);

  spelled(
    new Map([
      ['Rental', 'R'],
      ['Purchase', 'P'],
    ]),
  );
  await db.owner.query(
    `insert into app_private.pfa_field_choices (organization_id, key, value, spelling, notation)
    select $1, k, v, s, 1 from unnest(array['source', 'originalSource']) k
    cross join (values ('Rental', 'R'), ('Purchase', 'P')) c (v, s)`,
    [organization.id],
  );
  await emptied();
  expect((await world.runs(organization)).at(-1)).toMatchObject({ state: 'succeeded', values_rejected: 0 });
  await change(organization, user, id, { source: 'Rental' });
  await settled(organization);
  expect(pems.written).toMatchObject([{ PFS_F_SOURCE: 'R' }]);
  expect(await mirrorOf(organization, id)).toMatchObject({ source: 'Rental' });
});

test('a value that is not allowed rejects its field, but not its cost', async () => {
  spelled(capitals);
  const organization = await world.organization('LEASE', { url: pems.url });
  await world.sync(organization);
  const before = await world.mirror(organization);
  const id = idOf(organization, 3);
  await world.control('PATCH', `/records/LEASE/${id}`, {
    values: { pfs_f_source: 'LEASE', pfs_f_model: 'New model' },
    by: 'X',
  });
  const run = await world.sync(organization);
  expect(run).toMatchObject({
    ...{ state: 'succeeded', rows_updated: 1, rows_rejected: 0, values_rejected: 1 },
    rejected_fields: [{ key: 'source', alias: 'pfs_f_source', count: 1 }],
    notice: expect.stringContaining(`source of 1 rows cannot be read (as "LEASE" in record ${id})`) as string,
  });
  const old = before.find(({ pfa_id }) => pfa_id === id)?.data;
  expect(await mirrorOf(organization, id)).toEqual({ ...old, model: 'New model' });
});

test('a draft that differs only in spelling is no conflict', async () => {
  spelled(new Map());
  const organization = await world.organization('DRAFTED', { url: pems.url });
  await world.sync(organization);
  const id = idOf(organization, 1);
  const { source } = await mirrorOf(organization, id);
  const user = await member(organization);
  await draft(organization, user, id, { source: source === 'Rental' ? 'Purchase' : 'Rental' });
  spelled(capitals);
  await world.control('PATCH', `/records/DRAFTED/${id}`, { values: { pfs_f_model: 'Another' }, by: 'X' });
  expect(await world.sync(organization)).toMatchObject({ rows_updated: 1, conflicts: 0 });
  expect(await modifications(organization)).toMatchObject([{ state: 'draft', problems: {} }]);
});

test('only a full run determines the usual spelling', async () => {
  spelled(
    new Map([
      ['Rental', 'RENTAL'],
      ['Purchase', 'PURCHASE'],
    ]),
  );
  const organization = await world.organization('USUAL', { url: pems.url });
  await world.sync(organization);
  const usual = async () =>
    (
      await db.worker.query<{ spelling: string }>(
        "select spelling from app_private.field_choices($1) where key = 'source' and value = 'Rental' order by rank limit 1",
        [organization.id],
      )
    ).rows[0]?.spelling;
  expect(await usual()).toBe('RENTAL');
  spelled(
    new Map([
      ['Rental', 'rental'],
      ['Purchase', 'purchase'],
    ]),
  );
  expect(await world.sync(organization, 'incremental')).toMatchObject({ kind: 'incremental' });
  expect(await usual()).toBe('RENTAL');
  expect(await world.sync(organization)).toMatchObject({ kind: 'full', rows_updated: 0 });
  expect(await usual()).toBe('rental');
});
