/**
 * `node tools/lint-prose.ts [PATH...]`: finds sentences that break the rules of CONTRIBUTING.md, in files whose path begins with
 * one of the paths. Without paths: in all files that were rewritten already.
 */
import { judge } from './prose/rules.ts';
import { proseFiles, readSentences } from './prose/sentences.ts';

/** Paths whose sentences follow the rules. */
const rewritten = [
  'README.md',
  'CONTRIBUTING.md',
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
