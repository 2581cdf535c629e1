/**
 * `node tools/lint-prose.ts [PATH...]`: finds sentences that break the rules of CONTRIBUTING.md, in files whose path
 * begins with one of the paths. Without paths, it reads all files that were rewritten already.
 */
import { judge } from './prose/rules.ts';
import { proseFiles, readSentences } from './prose/sentences.ts';

/** Paths whose sentences follow the rules. */
const rewritten = [
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'SECURITY.md',
  'docs/decisions',
  'docs/tutorial',
  'docs/explanation/costs.md',
  'docs/explanation/design.md',
  'docs/explanation/performance.md',
  'docs/explanation/records.md',
  'docs/explanation/security.md',
  'docs/explanation/write-back.md',
  'docs/how-to/back-up.md',
  'docs/how-to/drafts.md',
  'docs/how-to/monitor.md',
  'docs/how-to/realtime.md',
  'docs/how-to/schedule-syncs.md',
  'docs/how-to/start-over.md',
  'docs/reference/api.md',
  'docs/reference/retention.md',
  'src/auth',
  'src/realtime',
  'worker/push',
  'worker/context.ts',
  'worker/memory.ts',
  'worker/stop-reason.ts',
  'worker/tasks/retention__enforce.ts',
  'worker/tasks/summaries__refresh.ts',
  'src/errors.ts',
  'src/encryption.ts',
  'src/logger.ts',
  'src/start.ts',
  'simulator/catalogue.ts',
  'simulator/generate.ts',
  'simulator/http.ts',
  'simulator/journal.ts',
  'simulator/store.ts',
  'simulator/texts.ts',
  'web/src/api/',
  'web/src/browserStorage.ts',
  'web/src/components/',
  'web/src/filter/',
  'web/src/main.tsx',
  'web/src/pages/',
  'web/src/session/',
  'test/',
  'tools/check.ts',
  'tools/codegen.ts',
  'tools/database/',
  'tools/docs.ts',
  'tools/lint-prose.ts',
  'tools/lint-sql.ts',
  'tools/migrations.ts',
  'tools/prose/',
  'tools/screenshots.ts',
  'tools/web.ts',
  'knip.config.ts',
  'vitest.config.ts',
  'migrations/README.md',
  'migrations/fixtures/app_core/',
  'migrations/fixtures/app_public/',
  'sql/',
  'src/codes.ts',
  'src/sqlstates.ts',
];

const paths = process.argv.slice(2);
const within = paths.length > 0 ? paths : rewritten;
const files = proseFiles().filter((file) => within.some((path) => file.startsWith(path)));
const findings = judge(files.flatMap(readSentences));
for (const { file, line, text, rule } of findings) {
  console.log(`${file}:${line}: ${text}\n  ${rule.advice}`);
}
if (findings.length > 0) {
  console.log(`${findings.length} sentences break the rules of CONTRIBUTING.md.`);
  process.exitCode = 1;
}
