import { defineConfig } from 'vitest/config';
import { postgresVersions } from './test/support/clusters.ts';

const clusters = 'test/support/global-setup.ts';
const [newest, ...older] = await postgresVersions();

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/support/closing-line.ts'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        // Everything, on the newest PostgreSQL that there is.
        extends: true,
        test: {
          name: `pg${newest}`,
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/docker/**'],
          globalSetup: clusters,
          provide: { postgresVersion: newest },
        },
      },
      {
        // The web app in a browser, against the whole product: alone, after all others, one file after the other.
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: [clusters, 'test/browser/global-setup.ts'],
          provide: { postgresVersion: newest },
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
        },
      },
      ...older.map((version) => ({
        // What is true of the database has to be true on each version; both clusters run at the same time.
        extends: true as const,
        test: {
          name: `pg${version}`,
          include: ['test/database/**/*.test.ts', 'test/legacy/import.test.ts'],
          exclude: ['test/database/embedded.test.ts'],
          globalSetup: clusters,
          provide: { postgresVersion: version },
        },
      })),
    ],
  },
});
