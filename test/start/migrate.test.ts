import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

const program = `
  import pg from 'pg';
  const { migrate } = await import(process.argv[1]);
  const superuser = new pg.Client({ connectionString: process.argv[3] });
  await superuser.connect();
  await migrate(process.argv[2]);
  await superuser.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  await superuser.end();
  console.log('lives');
`;

test('a database that stops right after migrate does not end the process', async () => {
  const module = new URL('../../src/database/migrate.ts', import.meta.url).href;
  const args = ['--input-type=module', '-e', program, module, db.urls.owner, db.superuserUrl];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  expect({ code, said }).toEqual({ code: 0, said: 'lives\n' });
});
