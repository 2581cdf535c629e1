import { expect, test } from 'vitest';
import { run } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import {
  beginSyncRun,
  makeOrganization,
  putRecords,
  queueSync,
  stage,
  type RecordData,
  type StagedRow,
} from '../support/make.ts';
import { encryptionKeys, makePerson, testApi } from './server.ts';

// A withheld run, as members and admins see it in GraphQL, in REST and on the command line.

const db = await testDatabase();
const api = await testApi(db);
const records = (rate: number) =>
  Array.from({ length: 60 }, (_, i): RecordData => ({
    pfaId: `r${String(i).padStart(2, '0')}`,
    monthlyRate: rate,
  }));

async function withheld(code: string) {
  const org = await makeOrganization(db, code);
  await putRecords(db, org, records(1));
  expect(await putRecords(db, org, records(2))).toMatchObject({ state: 'withheld' });
  return org;
}
const vanguard = (args: string) =>
  run(
    {
      DATABASE_URL: db.urls.owner,
      VANGUARD_SECRET: 'x'.repeat(32),
      VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
    },
    args.split(' '),
  );

test('members see the reason and the changes, an admin accepts the run, and the next run merges it', async () => {
  const org = await withheld('RIO');
  await makePerson(db, 'ada', [[org, 'admin']]);
  await makePerson(db, 'mia', [[org, 'member']]);
  const [ada, mia] = [await api.token('ada'), await api.token('mia')];
  const status = await api.rest<{ organizations: unknown[] }>('GET', '/api/sync/status', { token: mia });
  expect(status.body.organizations).toMatchObject([
    {
      missingColumns: [],
      run: {
        state: 'withheld',
        error: { code: 'SYNC_MANY_CHANGES', message: 'monthlyRate is another value in 60 of 60 records.' },
        withheld: {
          reasons: [{ code: 'SYNC_MANY_CHANGES', key: 'monthlyRate', count: 60 }],
          preview: { changed: 60, columns: [{ key: 'monthlyRate', samples: [{}, {}, {}] }] },
          acceptedAt: null,
        },
      },
    },
  ]);
  const { organizationByCode } = await api.data<{
    organizationByCode: { syncLogs: { nodes: { id: string }[] } };
  }>(
    mia,
    '{ organizationByCode(code: "RIO") { syncLogs(last: 1) { nodes { id reasons preview missingColumns } } gridColumns { nodes { alias keys lastSeenAt } } limits { changedPercent } } }',
  );
  const runId = organizationByCode.syncLogs.nodes[0]!.id;
  const accept = `mutation { acceptRun(input: { organizationId: ${org.id}, runId: "${runId}" }) {
    syncLog { state acceptedAt } } }`;
  expect((await api.graphql(mia, accept)).body.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  expect(await api.data(ada, accept)).toEqual({
    acceptRun: { syncLog: { state: 'withheld', acceptedAt: expect.any(String) as string } },
  });
  expect(await putRecords(db, org, records(2))).toMatchObject({ state: 'succeeded', rows_updated: 60 });
});

test('the command line shows and accepts a withheld run, and sets the limits', async () => {
  await withheld('HOLNG');
  expect((await vanguard('sync status')).said).toContain(
    'HOLNG: monthlyRate is another value in 60 of 60 records.',
  );
  expect((await vanguard('sync accept HOLNG --show')).said).toContain('  r00  1 -> 2');
  expect(await vanguard('sync accept HOLNG')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^Run \d+ of HOLNG is accepted\./) as string,
  });
  expect(await vanguard('sync accept HOLNG')).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^NOT_FOUND: No run of HOLNG waits/) as string,
  });
  expect((await vanguard('sync limits HOLNG --changed 90 --absent 30')).said).toContain('more than 90 %');
  expect(await vanguard('sync limits HOLNG --absent 400')).toMatchObject({
    code: 1,
    complained: expect.stringContaining('absentDays is 400') as string,
  });
  expect(await vanguard('sync forget-column HOLNG pfs_f_rate')).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^NOT_FOUND: No column pfs_f_rate/) as string,
  });
});

test('members see unreadable values and changed columns in every interface', async () => {
  const org = await makeOrganization(db, 'FIELDS');
  await makePerson(db, 'fay', [[org, 'member']]);
  const fay = await api.token('fay');
  const run = async (
    columns: Record<string, number>,
    more: Partial<StagedRow> = {},
    kind?: 'incremental',
  ) => {
    const begun = await beginSyncRun(db.worker, org, (await queueSync(db.worker, org, kind)).id);
    await stage(db.worker, org, begun!.id, [
      { pfaId: 'a', version: '2026-01-01 10:00', data: { source: 'Rental' }, ...more },
    ]);
    await db.worker.query('select app_private.merge_sync_run($1, $2, $3)', [
      org.id,
      begun!.id,
      { rows: 1, columns, types: { pfs_id: 'text' } },
    ]);
  };
  await run({ pfs_id: 1, pfs_f_source: 1, pfs_x_old: 1 });
  const source = { key: 'source', alias: 'pfs_f_source', value: 'LEASE', message: 'It is no choice.' };
  await run(
    { pfs_id: 1, pfs_f_source: 1, pfs_x_new: 1 },
    { data: { model: 'M' }, problems: [source], unknown: ['source'] },
  );
  // A run that reads none of these values does not resolve the problem.
  await run({ pfs_id: 1, pfs_f_source: 1, pfs_x_new: 1 }, { pfaId: 'b' }, 'incremental');

  const { body } = await api.rest<{ organizations: unknown[] }>('GET', '/api/sync/status', { token: fay });
  const samples = [{ recordId: 'a', value: 'LEASE' }];
  expect(body.organizations).toMatchObject([
    {
      rejectedFields: [{ key: 'source', alias: 'pfs_f_source', count: 1, samples }],
      columnChanges: { came: [{ alias: 'pfs_x_new' }], went: [{ alias: 'pfs_x_old' }], retyped: [] },
    },
  ]);
  const { organizationByCode } = await api.data<{ organizationByCode: Record<string, { nodes: unknown[] }> }>(
    fay,
    `{ organizationByCode(code: "FIELDS") {
      syncLogs { nodes { valuesRejected rejectedFields columnChanges rejects { nodes { reason pfaId key alias value } } } }
      gridColumns { nodes { alias type } } } }`,
  );
  expect(organizationByCode.syncLogs?.nodes).toMatchObject([
    { valuesRejected: 0, rejectedFields: [], columnChanges: {}, rejects: { nodes: [] } },
    {
      valuesRejected: 1,
      rejectedFields: [{ key: 'source', count: 1 }],
      columnChanges: { went: [{ alias: 'pfs_x_old', keys: [] }] },
      rejects: {
        nodes: [{ reason: 'field', pfaId: 'a', key: 'source', alias: 'pfs_f_source', value: 'LEASE' }],
      },
    },
    { valuesRejected: 0 },
  ]);
  expect(organizationByCode.gridColumns?.nodes).toContainEqual({ alias: 'pfs_id', type: 'text' });
  const { said } = await vanguard('sync status');
  expect(said).toContain('FIELDS: 1 values of source (pfs_f_source) cannot be read, as "LEASE" in a');
  expect(said).toMatch(/FIELDS: The header of the grid changed.* New: pfs_x_new\. Gone: pfs_x_old\./);
});
