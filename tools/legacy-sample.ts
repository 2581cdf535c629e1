/**
 * `npm run legacy:sample -- FILE.db [RECORDS]` makes a database of the prototype, as in the tests, to try the legacy
 * import. An address of a PostgreSQL database instead of the file makes the later form of the prototype, in the schema
 * of `?schema=`.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { fillLegacyDatabase, fillRecords, makeLegacyDatabase } from '../test/legacy/legacy-database.ts';
import { makeLegacyServer } from '../test/legacy/legacy-server.ts';

const [path, records = '0'] = process.argv.slice(2);
const isServer = path !== undefined && /^postgres(ql)?:/.test(path);
if (path === undefined || (!isServer && existsSync(path)) || !/^\d+$/.test(records)) {
  console.error(
    'Usage: npm run legacy:sample -- FILE.db [RECORDS], or postgresql://HOST/DATABASE [RECORDS]. There must be no such file.',
  );
  process.exit(1);
}
if (isServer) {
  const schema = new URL(path).searchParams.get('schema') ?? 'public';
  const client = new pg.Client(path);
  await client.connect();
  try {
    await makeLegacyServer(client, schema, Number(records));
  } finally {
    await client.end();
  }
  console.log(`The schema ${schema} has the 67 rows that a prototype starts with, and ${records} records.`);
} else {
  const legacy = makeLegacyDatabase(path);
  fillLegacyDatabase(legacy);
  fillRecords(legacy, 'org-holng', Number(records));
  legacy.database.close();
  console.log(`${path} has the 67 rows that a prototype starts with, and ${records} records.`);
}
