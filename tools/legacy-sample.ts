/** `npm run legacy:sample -- FILE.db`: a database of the prototype, as in the tests, to try moving in with. */
import { existsSync } from 'node:fs';
import { fillLegacyDatabase, fillRecords, makeLegacyDatabase } from '../test/legacy/legacy-database.ts';

const [path, records = '0'] = process.argv.slice(2);
if (path === undefined || existsSync(path) || !/^\d+$/.test(records)) {
  console.error('Usage: npm run legacy:sample -- FILE.db [RECORDS]. There must be no such file.');
  process.exit(1);
}
const legacy = makeLegacyDatabase(path);
fillLegacyDatabase(legacy);
fillRecords(legacy, 'org-holng', Number(records));
legacy.database.close();
console.log(`${path} has the 67 rows that a prototype starts with, and ${records} records.`);
