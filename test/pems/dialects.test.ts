import { describe, expect, test } from 'vitest';
import { dialectNames, type DialectName, type Simulator } from '../../simulator/index.ts';
import {
  createPemsClient,
  createRecordMapper,
  createScreenMapper,
  type PemsClient,
  type PemsConnection,
  type RecordField,
} from '../../src/pems/index.ts';
import { control, start } from '../simulator/client.ts';
import { connectionTo } from './loopback.ts';
import { screenFields } from './screens.ts';

// The same client against a tenant of each dialect: it reads and writes the same values.

const id = 'ONE-0000001';
const clock = (): Promise<string> => Promise.resolve(String(Date.now() * 1_000));
const text: RecordField = { key: 'pfaId', kind: 'text' };
const gridMapper = createRecordMapper({
  fields: [text, { ...text, key: 'organization' }, ...screenFields],
  mappings: [
    { key: 'pfaId', gridAliases: ['pfs_id'] },
    { key: 'organization', gridAliases: ['pfs_a_org'] },
    { key: 'version', gridAliases: ['pfs_f_intlastupdated'] },
    { key: 'versionBy', gridAliases: ['pfs_f_last_change_by'] },
    ...screenFields.map(({ key, gridAliases }) => ({ key, gridAliases: [...gridAliases] })),
  ],
  dateOrder: 'MDY',
});
const screenMapper = createScreenMapper(screenFields);

async function connected(
  dialect: DialectName,
  requestType: PemsConnection['requestType'] = 'LIST.DATA_ONLY.STORED',
): Promise<{ simulator: Simulator; client: PemsClient }> {
  const simulator = await start({ dialect });
  const { username, password, tenant } = simulator.credentials;
  const authorization = { type: 'basic', username, password } as const;
  const connection = connectionTo(
    { baseUrl: simulator.url },
    { authorization, tenant, requestType, pageSize: 7, loginOrganization: '*' },
  );
  return { simulator, client: createPemsClient(connection) };
}

/** Returns the number of rows of the pages. */
async function countRows(pages: AsyncIterable<{ rows: readonly unknown[] }>): Promise<number> {
  let count = 0;
  for await (const { rows } of pages) count += rows.length;
  return count;
}

type Data = Record<string, unknown>;

/** Returns all records of the organization, as the mirror would store them. */
async function readAll(client: PemsClient): Promise<Data[]> {
  const records: Data[] = [];
  for await (const page of client.readGrid({ organization: 'ONE', clock })) {
    const map = gridMapper.forAliases(page.aliases);
    for (const row of page.rows) {
      const { pfaId, organization, data, version, versionBy, problems } = map(row);
      expect(problems).toEqual([]);
      const all = JSON.parse(data) as Data;
      // Unmapped columns keep the format of the tenant.
      const known = Object.fromEntries(
        Object.entries(all).filter(
          ([key]) => key === 'pfaId' || screenFields.some((field) => field.key === key),
        ),
      );
      if (organization === 'ONE') records.push({ ...known, pfaId, version, versionBy });
    }
  }
  return records;
}

const shapes = ['LIST.DATA_ONLY.STORED', 'LIST.HEAD_DATA.STORED'] as const;

describe.each(dialectNames)('a tenant with dialect %s', (dialect) => {
  test.each(shapes)('has the same records as a classic one, read with %s', async (shape) => {
    const [other, usual] = [await connected(dialect, shape), await connected('classic')];
    const records = await readAll(other.client);
    expect(records).toHaveLength(25);
    expect(records).toEqual(await readAll(usual.client));
  });

  test('returns records by their ids, and changes', async () => {
    const { client, simulator } = await connected(dialect);
    const ids = [id, 'ONE-0000002', 'NONE'];
    expect(await countRows(client.readRecords({ organization: 'ONE', ids, clock }))).toBe(2);
    await control(simulator, 'POST', '/clock', { now: '2031-04-02T14:30:15Z' });
    await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'theirs' } });
    const changedSince = '2031-04-02 14:00';
    expect(await countRows(client.readGrid({ organization: 'ONE', clock, changedSince }))).toBe(1);
  });

  test('shows a record on the screen as in the grid, accepts a change, and shows it', async () => {
    const { client, simulator } = await connected(dialect);
    const read = async () =>
      (await client.readRecord({ organization: 'ONE', id, clock })) ?? expect.unreachable();
    const before = await read();
    const [inGrid] = await readAll(client);
    const shown = JSON.parse(screenMapper.read(before.values).data) as Data;
    for (const { key } of screenFields) expect([key, shown[key] ?? undefined]).toEqual([key, inGrid?.[key]]);

    const drafted = {
      model: 'Ü "7"',
      monthlyRate: '1234.5',
      forecastEnd: '2031-12-31',
      isFundsTransferable: 'true',
    };
    const { values, problems } = screenMapper.write(drafted, before.values);
    expect(problems).toEqual([]);
    const sendBefore = String((Date.now() + 10_000) * 1_000);
    const change = { organization: 'ONE', id, clock, sendBefore, values };
    const written = await client.updateRecord({ ...change, recordId: before.recordId });
    expect(written).toMatchObject({ updatedBy: 'vanguard' });
    const after = await read();
    expect(JSON.parse(screenMapper.read(after.values).data)).toEqual({
      ...shown,
      ...{ model: 'Ü "7"', monthlyRate: 1234.5, forecastEnd: '2031-12-31', isFundsTransferable: true },
    });
    expect(after).toMatchObject({ updatedAt: written.updatedAt, updatedBy: 'vanguard' });
    const { body } = await control(simulator, 'GET', `/records/ONE/${id}`);
    expect(body).toMatchObject({ values: { pfs_f_rate: 1234.5, pfs_f_enddate: '2031-12-31', pfs_ft: true } });
  });

  test('refuses in its own words with the same meaning', async () => {
    const { client, simulator } = await connected(dialect);
    const record = await client.readRecord({ organization: 'ONE', id, clock });
    const recordId = record?.recordId ?? expect.unreachable();
    const codeOf = async (values: Map<string, { type: 'text'; value: string }>): Promise<unknown> => {
      const sendBefore = String((Date.now() + 10_000) * 1_000);
      const change = { organization: 'ONE', id, clock, sendBefore, values, recordId };
      return client.updateRecord(change).then(
        () => 'written',
        ({ code, certain }: { code: string; certain: boolean }) => [code, certain],
      );
    };
    const one = (name: string, value: string) => new Map([[name, { type: 'text', value } as const]]);
    expect(await codeOf(one('PFS_F_SOURCE', 'Lease'))).toEqual(['PEMS_ERROR_ALERT', true]);
    await control(simulator, 'PATCH', `/records/ONE/${id}`, {
      values: { pfs_f_model: 'theirs', pfa_dis: false },
    });
    const stale = dialect === 'terse' ? 'written' : ['PEMS_RECORD_MODIFIED', true];
    expect(await codeOf(one('PFS_F_MODEL', 'mine'))).toEqual(stale);
    expect(await client.readRecord({ organization: 'ONE', id: 'NONE', clock })).toBeNull();
    await control(simulator, 'DELETE', `/records/ONE/${id}`);
    expect(await codeOf(one('PFS_F_MODEL', 'mine'))).toEqual(['PEMS_RECORD_NOT_FOUND', true]);
  });
});

test('the question of a strict tenant does not count as a write', async () => {
  const { client, simulator } = await connected('strict');
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfa_dis: false } });
  const { recordId } = (await client.readRecord({ organization: 'ONE', id, clock })) ?? expect.unreachable();
  const values = new Map([['PFA_DIS', { type: 'text', value: '-1' } as const]]);
  const sendBefore = String((Date.now() + 10_000) * 1_000);
  await expect(
    client.updateRecord({ organization: 'ONE', id, clock, sendBefore, values, recordId }),
  ).rejects.toMatchObject({ code: 'PEMS_CONFIRMATION_ASKED', certain: true });
});
