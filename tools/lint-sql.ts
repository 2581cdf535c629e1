/** `npm run lint` fails on long SQL lines, because no formatter keeps the SQL of functions and pgtyped readable. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../src/configuration.ts';

export const maxLineLength = 120;

/** Globs of all SQL files of queries and migrations. */
const patterns = ['sql/**/*.sql', 'migrations/{current,fixtures,committed}/**/*.sql'];

/** Returns a message `PATH:LINE: ...` for each line of `text` that is longer than the limit, in characters. */
export function longLines(path: string, text: string): string[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const length = [...line].length;
    return length > maxLineLength
      ? [`${path}:${index + 1}: The line has ${length} characters; at most ${maxLineLength} are allowed.`]
      : [];
  });
}

/** Checks every SQL file under `folder`; rejects if none exists, because the patterns are then stale. */
export async function lintSql(folder: string): Promise<string[]> {
  const paths = globSync(patterns, { cwd: folder }).sort();
  if (paths.length === 0)
    throw new Error(`There are no SQL files in ${folder} that match ${patterns.join(', ')}.`);
  const problems = await Promise.all(
    paths.map(async (path) => longLines(path, await readFile(join(folder, path), 'utf8'))),
  );
  return problems.flat();
}

if (import.meta.main) {
  const problems = await lintSql(projectFolder);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
