import { expect, test } from 'vitest';
import { openPemsConnection, saveConnection } from '../../src/connections.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';

const db = await testDatabase();

test('a connection has the screen and the YEAR of its tenant', async () => {
  const vault = createVault(newEncryptionKey('a'));
  const organization = await makeOrganization(db, 'RIO');
  const client = await db.owner.connect();
  try {
    await saveConnection(client, vault, {
      id: 'rio',
      name: 'RIO',
      url: 'https://pems.example/axis/restservices',
      tenant: 'ACME_PRD',
      username: 'u',
      password: 'secret',
      dateOrder: 'MDY',
      requestType: 'LIST.DATA_ONLY.STORED',
      organization: 'RIO',
      isSimulated: false,
    });
  } finally {
    client.release();
  }
  const { connection } = await openPemsConnection(db.owner, vault, organization.id);
  expect(connection).toMatchObject({ screen: { name: 'CUPFA2' }, yearFormat: 'milliseconds' });
  await db.owner.query(
    "update app_public.pems_settings set screen_name = 'CUPFA9', year_format = 'plain' where api_configuration_id = 'rio'",
  );
  const other = await openPemsConnection(db.owner, vault, organization.id);
  expect(other.connection).toMatchObject({ screen: { name: 'CUPFA9' }, yearFormat: 'plain' });
});
