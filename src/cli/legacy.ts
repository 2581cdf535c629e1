import type { Command } from 'commander';
import { exportLegacy, type Progress } from '../legacy/export.ts';
import { verifyExport } from '../legacy/verify.ts';

/** What a command that looked and found something wrong ends with; one that could not look ends with 1. */
const foundSomething = 2;

/** legacy export, verify. */
export function addLegacyCommands(program: Command): void {
  const legacy = program
    .command('legacy')
    .description('moving in from the SQLite database of the prototype, which is only read');

  legacy
    .command('export <file>')
    .description(
      'write every table of FILE.db into a folder, a row a line, with checksums. Interrupted, start it again and it goes on',
    )
    .requiredOption('--out <folder>', 'a new or empty folder')
    .option('--copy', 'work on a temporary copy; the prototype must not write meanwhile')
    .option('--json', 'for programs')
    .action(async (file: string, { out, copy, json }: { out: string; copy?: boolean; json?: boolean }) => {
      const { tables, source } = await exportLegacy(file, out, { copy: copy ?? false, progress: progress() });
      if (json) {
        console.log(JSON.stringify({ folder: out, source, tables }, null, 2));
        return;
      }
      for (const { name, rows } of tables)
        console.log(`${name.padEnd(28)} ${rows.toLocaleString('en').padStart(10)} rows`);
      for (const { name, references } of tables)
        for (const { columns, parent, orphans } of references)
          if (orphans > 0)
            console.log(`${name}.${columns.join(', ')}: ${orphans} rows point at no row of ${parent}`);
      console.log(`${totals(tables)} are in ${out}. Check them with: npx vanguard legacy verify ${out}`);
    });

  legacy
    .command('verify <folder>')
    .description(
      'compare an export with its checksums, counts and references; ends with 2 if anything differs',
    )
    .option('--json', 'for programs')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const { manifest, damages } = await verifyExport(folder, { progress: progress() });
      if (damages.length > 0) process.exitCode = foundSomething;
      if (json) {
        console.log(JSON.stringify({ isWhole: damages.length === 0, damages }, null, 2));
        return;
      }
      for (const { file, line, problem } of damages)
        console.log(`${file}${line === undefined ? '' : `, line ${line}`}: ${problem}`);
      console.log(
        manifest && damages.length === 0
          ? `${folder} is whole: ${totals(manifest.tables)}.`
          : `${folder} is not what was exported. Restore it, or export again into a new folder.`,
      );
    });
}

const totals = (tables: { rows: number }[]) =>
  `${tables.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} rows of ${tables.length} tables`;

/** A line that is written over on a terminal; nothing elsewhere. */
function progress(): Progress {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  const width = 24;
  return (what, done, total) => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const bar = '#'.repeat(Math.round(share * width)).padEnd(width, '.');
    stderr.write(`\r\u001b[K[${bar}] ${what} ${done.toLocaleString('en')}/${total.toLocaleString('en')}`);
    if (share === 1) stderr.write('\r\u001b[K');
  };
}
