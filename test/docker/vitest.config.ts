import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// `npm run test:docker`: database tests in containers of PostgreSQL, then the image and the composition. Without TEST_SCALE=full,
// containers run only the tests of what depends on how a server is set up. `npm test` runs all of them without containers.

process.env.TEST_DOCKER = '1';
delete process.env.TEST_DATABASE_URL;
const databaseTests =
  process.env.TEST_SCALE === 'full' ? 'test/database/**/*.test.ts' : 'test/database/*.test.ts';

export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    pool: 'forks',
    reporters: ['default', './test/support/closing-line.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      ...[18, 15].map((version) => ({
        extends: true as const,
        test: {
          name: `container-pg${version}`,
          include: [databaseTests],
          // These files test the PostgreSQL outside of containers, or take long.
          exclude: ['test/database/embedded*.test.ts', 'test/database/**/*.slow.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
          provide: { postgresVersion: version },
        },
      })),
      {
        extends: true as const,
        test: {
          name: 'composition',
          include: ['test/docker/*.test.ts'],
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
        },
      },
    ],
  },
});
