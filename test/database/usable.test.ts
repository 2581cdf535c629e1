import { expect, test } from 'vitest';
import { checkExtensions, checkServer } from '../../src/database/usable.ts';

// Servers that the tests cannot start: their responses are made up.

type Client = Parameters<typeof checkServer>[0];
const answering = (...rows: Record<string, unknown>[]) =>
  ({ query: () => Promise.resolve({ rows }) }) as unknown as Client;

test('a server older than PostgreSQL 15 is refused, with its version and what is needed', async () => {
  const server = (version: number, shown: string) =>
    checkServer(answering({ version, shown, in_recovery: false, read_only: false }));
  await expect(server(14, '14.11 (Debian 14.11-1)')).rejects.toMatchObject({
    code: 'DATABASE_TOO_OLD',
    message: 'The database is PostgreSQL 14.11 (Debian 14.11-1), which is too old.',
    hint: 'Set DATABASE_URL to a PostgreSQL 15 to 18.',
  });
  await expect(server(9, '9.6.24')).rejects.toMatchObject({ code: 'DATABASE_TOO_OLD' });
  await expect(server(15, '15.0')).resolves.toBeUndefined();
});

test('a server without an extension that the migrations create is refused before they run', async () => {
  await expect(checkExtensions(answering({ name: 'btree_gin' }))).rejects.toMatchObject({
    code: 'DATABASE_EXTENSION_MISSING',
    message: 'PostgreSQL lacks the extension btree_gin.',
    hint: expect.stringContaining('postgresql-contrib') as string,
  });
  await expect(checkExtensions(answering())).resolves.toBeUndefined();
});
