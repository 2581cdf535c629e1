import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from '../../src/configuration.ts';
import { generate, staleFiles } from '../../tools/codegen.ts';
import { testDatabase } from '../support/database.ts';

const db = await testDatabase();

const generated = await generate(db.urls);

test('the committed output of the code generation is current', async () => {
  expect(await staleFiles(generated), 'run `npm run codegen` and commit the result').toEqual([]);
});

test('an edited typed query or document, a missing schema and missing pages are reported as stale', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vanguard-stale-'));
  try {
    await cp(join(projectFolder, 'sql'), join(folder, 'sql'), { recursive: true });
    await cp(join(projectFolder, 'web/src/api/generated'), join(folder, 'web/src/api/generated'), {
      recursive: true,
    });
    await appendFile(join(folder, 'web/src/api/generated/graphql.ts'), '// edited');
    await appendFile(join(folder, 'sql/sync/sync.queries.ts'), '// edited');
    await appendFile(join(folder, 'sql/sync/gone.queries.ts'), '// of a file that is no more');
    expect(await staleFiles(generated, folder)).toEqual([
      'sql/sync/sync.queries.ts',
      'schema.graphql',
      'docs/reference/errors.md',
      'docs/reference/commands.md',
      'docs/database/app_public.md',
      'docs/database/app_core.md',
      'docs/database/app_private.md',
      'docs/database/README.md',
      'web/src/api/generated/graphql.ts',
      'sql/sync/gone.queries.ts',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
