import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// `npm run test:docker`: the database tests in containers of PostgreSQL, then the image and the composition.

process.env.TEST_DOCKER = '1';
delete process.env.TEST_DATABASE_URL;

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
          include: ['test/database/**/*.test.ts'],
          // It applies to the PostgreSQL outside of containers.
          exclude: ['test/database/embedded*.test.ts'],
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
