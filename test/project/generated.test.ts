import { expect, test } from 'vitest';
import { staleFiles } from '../../tools/codegen.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

test(
  'what is generated from the migrations is committed as it is generated now',
  { timeout: 60_000 },
  async () => {
    expect(await staleFiles(db.urls), 'run `npm run codegen` and commit the result').toEqual([]);
  },
);
