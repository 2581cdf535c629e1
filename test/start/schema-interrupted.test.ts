import { expect, test } from 'vitest';
import { withClient } from '../../src/database/bootstrap.ts';
import { newEncryptionKey } from '../../src/encryption.ts';
import { startServer } from '../../src/server.ts';
import { testDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const db = await testDatabase();
const encryptionKeys = newEncryptionKey('test');
const start = () =>
  startServer({
    authenticatorUrl: db.urls.authenticator,
    encryptionKeys,
    host: '127.0.0.1',
    port: 0,
    production: false,
    introspection: true,
    logLevel: 'silent',
  });

test('the database stops while a server builds its schema: the server does not start, instead of failing forever', async () => {
  await withClient(db.superuserUrl, async (holder) => {
    await holder.query('begin');
    // Only the schema is built from this read of the start.
    await holder.query('lock table pg_catalog.pg_description in access exclusive mode');
    const started = start().then(
      async (server) => {
        const response = await fetch(`http://127.0.0.1:${server.port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"query":"{ __typename }"}',
        });
        await server.stop();
        return `started, and answers ${response.status}`;
      },
      () => 'did not start',
    );
    await until('the schema is being made, and its connection broken', async () => {
      const { rowCount } = await db.owner.query(
        `select from pg_locks l where l.relation = 'pg_catalog.pg_description'::regclass and not l.granted`,
      );
      if (!rowCount) return false;
      await holder.query(
        `select pg_terminate_backend(l.pid) from pg_locks l where l.relation = 'pg_catalog.pg_description'::regclass and not l.granted`,
      );
      return true;
    });
    await holder.query('rollback');
    expect(await started).toBe('did not start');
  });
  const server = await start();
  await server.stop();
});
