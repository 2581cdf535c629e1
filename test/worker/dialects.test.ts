import { beforeAll, describe, expect, test } from 'vitest';
import { dialectNames, type DialectName } from '../../simulator/index.ts';
import type { Organization } from '../support/make.ts';
import { pushTools } from './push-world.ts';
import { idOf, mirrored, testWorld } from './world.ts';

// A tenant of each dialect: sync and write-back have the same results.

const codeOf = (dialect: DialectName): string => dialect.toUpperCase();
const world = await testWorld(Object.fromEntries(dialectNames.map((name) => [codeOf(name), 24])), {
  tenants: Object.fromEntries(dialectNames.map((name) => [codeOf(name), name])),
});
const tools = pushTools(world);
const organizations = new Map<DialectName, Organization>();

beforeAll(async () => {
  await world.startWorker();
  for (const dialect of dialectNames) {
    const code = codeOf(dialect);
    // A strict tenant accepts only the organization of the login in the header.
    const loginOrganization = dialect === 'strict' ? '*' : undefined;
    const connection = { tenant: code, pageSize: 10, loginOrganization };
    organizations.set(dialect, await world.organization(code, connection));
  }
});

/** Without unmapped columns, which keep the spelling of the tenant. */
const known = (data: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('pfs_x_')));

describe.each(dialectNames)('a tenant with dialect %s', (dialect) => {
  const organization = () => organizations.get(dialect) ?? expect.unreachable('no organization');

  test('is mirrored exactly, and a second run changes nothing', async () => {
    expect(await world.sync(organization())).toMatchObject({
      ...{ state: 'succeeded', rows_inserted: 24, rows_rejected: 0, notice: null },
    });
    const mirror = await world.mirror(organization());
    const records = await world.generated(organization());
    expect(mirror.map(({ data }) => known(data))).toEqual(records.map((record) => known(mirrored(record))));
    expect(await world.sync(organization())).toMatchObject({
      ...{ state: 'succeeded', rows_unchanged: 24, rows_updated: 0 },
    });
  });

  test('receives committed changes once and confirms them', async () => {
    const user = await tools.member(organization());
    const id = idOf(organization(), 3);
    const { data } = (await world.mirror(organization()))[2] ?? expect.unreachable('no record');
    const changes = {
      ...{ monthlyRate: 4321.5, model: 'Ü "7"', forecastStart: '2031-01-01', forecastEnd: '2031-12-31' },
      isFundsTransferable: data.isFundsTransferable !== true,
      source: data.source === 'Rental' ? 'Purchase' : 'Rental',
    };
    await tools.change(organization(), user, id, changes);
    await tools.settled(organization());
    expect(await tools.modifications(organization())).toMatchObject([{ state: 'synced' }]);
    expect(await tools.mirrorOf(organization(), id)).toMatchObject(changes);
    const { values } = await world.record(organization(), id);
    expect(values).toMatchObject({
      ...{
        pfs_f_rate: 4321.5,
        pfs_f_model: 'Ü "7"',
        pfs_f_startdate: '2031-01-01',
        pfs_f_enddate: '2031-12-31',
      },
      ...{ pfs_ft: changes.isFundsTransferable, pfs_f_source: changes.source },
    });
    expect(await tools.writes(organization())).toHaveLength(1);
    // The grid shows the same values as the screen.
    expect(await world.sync(organization())).toMatchObject({ state: 'succeeded', rows_updated: 0 });
  });

  test('its refusal is reported in its words', async () => {
    const user = await tools.member(organization());
    const id = idOf(organization(), 4);
    await tools.change(organization(), user, id, { category: 'X'.repeat(100) });
    await tools.settled(organization());
    expect(await tools.draftOf(organization(), id)).toMatchObject({
      problems: { category: { kind: 'refused', message: expect.stringContaining('80') as string } },
    });
  });
});

test('the question of a strict tenant is reported with its text, and nothing is written', async () => {
  const organization = organizations.get('strict') ?? expect.unreachable('no organization');
  const user = await tools.member(organization);
  const record = (await world.mirror(organization)).find(({ data }) => data.isDiscontinued === false);
  const id = record?.pfa_id ?? expect.unreachable('no record');
  const before = await tools.writes(organization);
  await tools.change(organization, user, id, { isDiscontinued: true });
  await tools.settled(organization);
  expect(await tools.draftOf(organization, id)).toMatchObject({
    delta: { isDiscontinued: true },
    problems: { isDiscontinued: { message: expect.stringContaining('Do you want to continue?') as string } },
  });
  expect(await tools.writes(organization)).toEqual(before);
});
