import { expect, test } from 'vitest';
import { run } from '../cli/vanguard.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords, type RecordData } from '../support/make.ts';
import { encryptionKeys, makePerson, testApi } from './server.ts';

// Withheld removals, as an admin sees them in GraphQL and on the command line.

const db = await testDatabase();
const api = await testApi(db);
const records = Array.from({ length: 60 }, (_, i): RecordData => ({
  pfaId: `r${String(i).padStart(2, '0')}`,
}));

async function spared(code: string) {
  const org = await makeOrganization(db, code);
  for (const held of [records, records.slice(20), records.slice(20)]) await putRecords(db, org, held);
  return org;
}

interface Log {
  id: string;
  rowsSpared: number;
  notice: string;
  sparedRemovals: { totalCount: number; nodes: { pfaId: string }[] };
}

test('GraphQL lists them by pages, an admin accepts them, and a member is refused', async () => {
  const org = await spared('RIO');
  await makePerson(db, 'ada', [[org, 'admin']]);
  await makePerson(db, 'mia', [[org, 'member']]);
  const [ada, mia] = [await api.token('ada'), await api.token('mia')];
  const { organizationByCode } = await api.data<{ organizationByCode: { syncLogs: { nodes: Log[] } } }>(
    ada,
    `{ organizationByCode(code: "RIO") { syncLogs(last: 1) { nodes { id rowsSpared notice
      sparedRemovals(first: 5, offset: 10) { totalCount nodes { pfaId } } } } } }`,
  );
  const [log] = organizationByCode.syncLogs.nodes;
  expect(log).toMatchObject({
    rowsSpared: 20,
    notice: expect.stringContaining('20 of 60 records are gone') as string,
    sparedRemovals: {
      totalCount: 20,
      nodes: records.slice(10, 15).map(({ pfaId }) => ({ pfaId })),
    },
  });
  const accept = `mutation { acceptRemovals(input: { organizationId: ${org.id}, runId: "${log!.id}" }) {
    syncLog { rowsRemoved removalsAcceptedAt } } }`;
  expect((await api.graphql(mia, accept)).body.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  expect(await api.data(ada, accept)).toEqual({
    acceptRemovals: { syncLog: { rowsRemoved: 20, removalsAcceptedAt: expect.any(String) as string } },
  });
});

test('the command line shows, lists and accepts them', async () => {
  await spared('HOLNG');
  const vanguard = (args: string) =>
    run(
      {
        DATABASE_URL: db.urls.owner,
        VANGUARD_SECRET: 'x'.repeat(32),
        VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
      },
      args.split(' '),
    );
  expect((await vanguard('sync status')).said).toContain('HOLNG: 20 of 60 records are gone in PEMS.');
  const listed = await vanguard('sync accept-removals HOLNG --list');
  expect(listed.said.trim().split('\n')).toEqual(records.slice(0, 20).map(({ pfaId }) => pfaId));
  expect(await vanguard('sync accept-removals HOLNG')).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^20 records of HOLNG are removed\./) as string,
  });
  expect(await vanguard('sync accept-removals HOLNG')).toMatchObject({
    code: 1,
    complained: expect.stringMatching(/^NOT_FOUND: No removals of HOLNG wait/) as string,
  });
  expect((await vanguard('sync status')).said).not.toContain('are gone');
});
