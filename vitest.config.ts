import { defineConfig } from 'vitest/config';
import { postgresVersions } from './test/support/clusters.ts';

// A layer consists of one or more folders of test/. `npx vitest run PATH` runs any file once, on the newest PostgreSQL.
// Only `npm run test:all` runs NAME.slow.test.ts. It also tests the database on the oldest PostgreSQL.

const clusters = 'test/support/global-setup.ts';
const browser = 'test/browser/global-setup.ts';
const [newest, ...older] = await postgresVersions();
const versions = process.env.TEST_SCALE === 'full' ? older : [];
if (process.env.TEST_SCALE === 'full')
  console.log(
    older.length > 0
      ? `The database is tested on PostgreSQL ${[newest, ...older].join(' and ')}.`
      : `The database is tested on PostgreSQL ${newest} only: PostgreSQL 15 is not installed.`,
  );

interface Layer {
  folders: string[];
  /** Runs each file in its own process, for files that mock modules or change or end their process. */
  isolate?: boolean;
}

const layers: Record<string, Layer> = {
  unit: { folders: ['unit', 'pems', 'simulator'] },
  web: { folders: ['web'], isolate: true },
  database: { folders: ['database'] },
  api: { folders: ['api', 'auth', 'admin'] },
  worker: { folders: ['worker'] },
  commands: { folders: ['cli', 'legacy'] },
  model: { folders: ['model', 'faults'] },
  project: { folders: ['project', 'ops'] },
  start: { folders: ['start'], isolate: true },
};

const filesOf = (folders: string[]) => folders.map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/support/closing-line.ts'],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      ...Object.entries(layers).map(([name, { folders, isolate = false }]) => ({
        extends: true as const,
        test: {
          name,
          include: filesOf(folders),
          isolate,
          globalSetup: clusters,
          setupFiles: isolate ? [] : ['test/support/clean-up.ts'],
          provide: { postgresVersion: newest },
        },
      })),
      {
        // The web app in a browser, against the whole product: after all other layers, one file at a time.
        extends: true,
        test: {
          name: 'browser',
          include: filesOf(['browser']),
          globalSetup: [clusters, browser],
          provide: { postgresVersion: newest },
          sequence: { groupOrder: 1 },
          maxWorkers: 1,
        },
      },
      ...versions.map((version) => ({
        // The same database tests on older versions. Both clusters run at once.
        extends: true as const,
        test: {
          name: `postgres${version}`,
          include: [...filesOf(['database']), 'test/legacy/import.test.ts'],
          exclude: ['test/database/embedded*.test.ts'],
          isolate: false,
          globalSetup: clusters,
          setupFiles: ['test/support/clean-up.ts'],
          provide: { postgresVersion: version },
        },
      })),
    ],
  },
});
