import { defineConfig } from 'vitest/config';
import { postgresVersions } from './test/support/clusters.ts';

const [newest, ...older] = await postgresVersions();

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/support/closing-line.ts'],
    maxWorkers: 2,
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        // Everything, on the newest PostgreSQL that there is.
        extends: true,
        test: {
          name: `pg${newest}`,
          include: ['test/**/*.test.ts'],
          provide: { postgresVersion: newest },
        },
      },
      ...older.map((version) => ({
        // What is true of the database has to be true on each version; both clusters run at the same time.
        extends: true as const,
        test: {
          name: `pg${version}`,
          include: ['test/database/**/*.test.ts'],
          exclude: ['test/database/embedded.test.ts'],
          provide: { postgresVersion: version },
        },
      })),
    ],
  },
});
