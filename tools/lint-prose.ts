/**
 * `node tools/lint-prose.ts [PATH...]`: finds sentences that break the rules of CONTRIBUTING.md, in files whose path
 * begins with one of the paths. Without paths, it reads all files but those in `tools/prose/unfinished.txt`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../src/configuration.ts';
import { judge } from './prose/rules.ts';
import { proseFiles, readSentences } from './prose/sentences.ts';

/** Files with old sentences. The list only becomes shorter: rewrite a file, and remove its line. */
const unfinished = new Set(
  readFileSync(join(projectFolder, 'tools/prose/unfinished.txt'), 'utf8').split('\n').filter(Boolean),
);

const paths = process.argv.slice(2);
const files = proseFiles().filter((file) =>
  paths.length > 0 ? paths.some((path) => file.startsWith(path)) : !unfinished.has(file),
);
const findings = judge(files.flatMap(readSentences));
for (const { file, line, text, rule } of findings) {
  console.log(`${file}:${line}: ${text}\n  ${rule.advice}`);
}
const finished = [...unfinished].filter((file) => judge(readSentences(file)).length === 0);
if (finished.length > 0) {
  console.log(
    `These files follow the rules: remove them from tools/prose/unfinished.txt.\n${finished.join('\n')}`,
  );
}
if (findings.length > 0) console.log(`${findings.length} sentences break the rules of CONTRIBUTING.md.`);
if (findings.length + finished.length > 0) process.exitCode = 1;
