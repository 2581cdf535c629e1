import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type pg from 'pg';
import { createVault } from '../encryption.ts';
import { analyzeLegacy, type Analysis } from '../legacy/analyze.ts';
import { checkImport, rollBackImport, type Difference } from '../legacy/check.ts';
import { daysInWords } from '../legacy/days.ts';
import { exportLegacy, type Progress } from '../legacy/export.ts';
import { importLegacy, type ImportProblem, type TableOutcome } from '../legacy/import.ts';
import { openManifest } from '../legacy/manifest.ts';
import { parseLegacyKey } from '../legacy/secrets.ts';
import { verifyExport } from '../legacy/verify.ts';
import { withDatabase } from './context.ts';
import { print, terminal } from './terminal.ts';

/** Exit code of a check that found a problem; a check that could not run ends with 1. */
const foundSomething = 2;

/** Maximum number of lines of a list in text output; JSON output contains all. */
const shownAtMost = 50;

interface AnalyzeOptions {
  timeZone?: string;
  copy?: boolean;
  json?: boolean;
}
interface ImportCommandOptions {
  timeZone?: string;
  quarantine?: boolean;
  keyFile?: string;
  json?: boolean;
}

/** Adds `legacy analyze`, `export`, `verify`, `import`, `check` and `rollback`. */
export function addLegacyCommands(program: Command): void {
  const legacy = program
    .command('legacy')
    .description(
      'moving in from the database of the prototype, a SQLite file or a PostgreSQL database, which is only read',
    );
  const copy = new Option('--copy', 'work on a temporary copy; the prototype must not write meanwhile');
  const json = new Option('--json', 'for programs');
  const timeZone = new Option(
    '--time-zone <zone>',
    'the zone in which the prototype stored days as midnight, such as Asia/Singapore (default: UTC)',
  );

  legacy
    .command('analyze <source>')
    .description(
      'say what FILE.db or postgresql://... holds, what of it goes where, and what cannot; ends with 2 if anything cannot. Changes nothing',
    )
    .addOption(copy)
    .addOption(timeZone)
    .addOption(json)
    .action(async (file: string, options: AnalyzeOptions) => {
      await withDatabase(async (client) => {
        const analysis = await analyzeLegacy(client, file, {
          ...{ copy: options.copy ?? false, timeZone: options.timeZone },
          environment: terminal().environment,
          progress: progress(),
        });
        if (analysis.problems.length > 0) terminal().exitCode = foundSomething;
        if (options.json) printJson(analysis);
        else showAnalysis(analysis);
      });
    });

  legacy
    .command('export <source>')
    .description(
      'write every table of FILE.db or postgresql://... into a folder, a row a line, with checksums. Interrupted, start it again and it goes on; from a server it begins anew',
    )
    .requiredOption('--out <folder>', 'a new or empty folder')
    .addOption(copy)
    .addOption(json)
    .action(async (file: string, options: AnalyzeOptions & { out: string }) => {
      const { out } = options;
      const { tables, source } = await exportLegacy(file, out, {
        ...{ copy: options.copy ?? false, environment: terminal().environment },
        progress: progress(),
      });
      if (options.json) {
        printJson({ folder: out, source, tables });
        return;
      }
      for (const { name, rows, columnsLeftOut = [] } of tables) {
        print(`${name.padEnd(28)} ${count(rows).padStart(10)} rows`);
        if (columnsLeftOut.length > 0)
          print(`  left out, computed by a function that is not known: ${columnsLeftOut.join(', ')}`);
      }
      showOrphans(tables);
      print(`${totals(tables)} are in ${out}. Check them with: npx vanguard legacy verify ${out}`);
    });

  legacy
    .command('verify <folder>')
    .description(
      'compare an export with its checksums, counts and references; ends with 2 if anything differs',
    )
    .addOption(json)
    .action(async (folder: string, options: { json?: boolean }) => {
      const { manifest, damages } = await verifyExport(folder, { progress: progress() });
      if (damages.length > 0) terminal().exitCode = foundSomething;
      if (options.json) {
        printJson({ isWhole: damages.length === 0, damages });
        return;
      }
      for (const { file, line, problem } of damages)
        print(`${file}${line === undefined ? '' : `, line ${line}`}: ${problem}`);
      print(
        manifest && damages.length === 0
          ? `${folder} is whole: ${totals(manifest.tables)}. Put it in with: npx vanguard legacy import ${folder}`
          : `${folder} is not what was exported. Restore it, or export again into a new folder.`,
      );
    });

  legacy
    .command('import <folder>')
    .description(
      'put an export into the database, all of it or nothing; ends with 2, and changes nothing, if rows cannot be migrated',
    )
    .option('--quarantine', 'keep rows that cannot be migrated aside, and put in the others')
    .option(
      '--key-file <file>',
      'holds the ENCRYPTION_KEY of the prototype; without it credentials are to be entered again',
    )
    .addOption(timeZone)
    .addOption(json)
    .action(async (folder: string, { quarantine, keyFile, timeZone, json }: ImportCommandOptions) => {
      const legacyKey = keyFile === undefined ? undefined : parseLegacyKey(await readFile(keyFile, 'utf8'));
      await withDatabase(async (client, { secrets }) => {
        const result = await importLegacy(client, folder, {
          ...{ quarantine: quarantine ?? false, legacyKey, timeZone, progress: progress() },
          vault: createVault(secrets.encryptionKeys),
        });
        const { imported, alreadyImportedAt, outcomes, problems, credentials } = result;
        if (!imported && !alreadyImportedAt) terminal().exitCode = foundSomething;
        if (json) {
          printJson(result);
          return;
        }
        if (alreadyImportedAt) {
          print(
            `This export was imported on ${alreadyImportedAt.toISOString()}; nothing was changed. Check it with: npx vanguard legacy check ${folder}`,
          );
          return;
        }
        showProblems(problems);
        if (!imported) {
          print(
            `Nothing was changed. Rows that cannot be migrated: ${count(new Set(problems.map(({ table, line }) => `${table} ${line}`)).size)}. Correct them in the prototype and export again into a new folder, or add --quarantine, which keeps them aside and puts in the others.`,
          );
          return;
        }
        showOutcomes(outcomes);
        showModifications(result.modifications);
        for (const name of credentials.toBeEnteredAgain) print(`To be entered again: ${name}`);
        if (credentials.reencrypted > 0)
          print(`${credentials.reencrypted} credentials are encrypted under our own key now.`);
        print(
          `Imported. People sign in with their old passwords. Check it with: npx vanguard legacy check ${folder}`,
        );
      });
    });

  legacy
    .command('check <folder>')
    .description(
      'prove that nothing was lost: rebuild the export from what was kept, and compare every value; ends with 2 if anything differs that nobody changed',
    )
    .addOption(json)
    .action(async (folder: string, options: { json?: boolean }) => {
      const manifest = await openManifest(folder);
      if (typeof manifest === 'string') {
        terminal().exitCode = foundSomething;
        print(`The manifest of ${folder} is damaged: ${manifest}.`);
        return;
      }
      await withTwoClients(async (client, reader) => {
        const result = await checkImport(client, reader, manifest, progress());
        const isWhole = result.tables.every((table) => table.isWhole);
        if (!isWhole) terminal().exitCode = foundSomething;
        if (options.json) {
          printJson({ isWhole, ...result });
          return;
        }
        for (const { table, rows, isWhole } of result.tables)
          print(`${table.padEnd(28)} ${count(rows).padStart(10)} rows  ${isWhole ? 'equal' : 'DIFFER'}`);
        showDifferences(result.differences);
        print(
          isWhole
            ? 'Every row of the prototype is kept, byte for byte.'
            : 'Rows that were kept are not what was exported. Restore the database from a backup, or take the import back and import again.',
        );
      });
    });

  legacy
    .command('rollback')
    .description('take out what the import put in and nobody changed since, and say what stays and why')
    .addOption(json)
    .action(async (options: { json?: boolean }) => {
      await withTwoClients(async (client, reader) => {
        const { manifest, rows } = await rollBackImport(client, reader, progress());
        if (options.json) {
          printJson({ source: manifest.source, rows });
          return;
        }
        const stay = rows.filter(({ outcome }) => outcome === 'stays');
        for (const { table, id, line, reason } of stay.slice(0, shownAtMost))
          print(`${table} ${id ?? `line ${line}`} stays: ${reason}`);
        more(stay.length);
        for (const outcome of ['removed', 'restored', 'stays'])
          print(
            `${outcome.padEnd(10)} ${count(rows.filter((row) => row.outcome === outcome).length).padStart(10)} rows`,
          );
        print(
          `Taken back. The prototype's database was never touched: start the prototype as before, with DATABASE_URL="${manifest.source.server === undefined ? 'file:' : ''}${manifest.source.path}"${manifest.source.server === undefined ? '' : ' and its user and password'}.`,
        );
      });
    });
}

/** Opens two connections as the owner: one reads the stored rows while the other compares them. */
const withTwoClients = (use: (client: pg.Client, reader: pg.Client) => Promise<void>) =>
  withDatabase((client) => withDatabase((reader) => use(client, reader)));

const printJson = (value: unknown) => print(JSON.stringify(value, null, 2));
const count = (n: number) => n.toLocaleString('en');

function more(length: number): void {
  if (length > shownAtMost) print(`... and ${count(length - shownAtMost)} more: --json lists them all.`);
}

function showProblems(problems: ImportProblem[]): void {
  for (const { table, line, id, column, value, problem } of problems.slice(0, shownAtMost))
    print(
      `${table} ${id === null || id.trim() === '' ? `line ${line}` : id}: ${column}${value === null ? '' : ` ${JSON.stringify(value)}`} ${problem}`,
    );
  more(problems.length);
}

function showOutcomes(outcomes: TableOutcome[]): void {
  for (const { table, target, added, merged, same, quarantined, kept } of outcomes) {
    const parts = Object.entries({ added, merged, same, quarantined, 'kept as they are': kept });
    const text = parts.flatMap(([what, rows]) => (rows > 0 ? [`${count(rows)} ${what}`] : [])).join(', ');
    print(`${table.padEnd(28)} ${target === null ? '' : `-> ${target}: `}${text}`);
  }
}

function showOrphans(tables: { name: string; references: Analysis['tables'][number]['references'] }[]): void {
  for (const { name, references } of tables)
    for (const { columns, parent, orphans } of references)
      if (orphans > 0)
        print(`${name}.${columns.join(', ')}: ${count(orphans)} rows point at no row of ${parent}`);
}

/** Names of the settings of PEMS, as in the `connection` commands. */
const settingNames: Record<string, string> = {
  ...{
    tenant: 'tenant',
    login_organization: 'organization of the login',
    grid_name: 'grid',
    grid_id: 'grid id',
  },
};

function showEndpoints(endpoints: Analysis['endpoints']): void {
  if (endpoints.length > 0) print('\nConnections to PEMS:');
  for (const { id, name, stored, url, settings } of endpoints) {
    const said = Object.entries(settings).map(([key, value]) => `${settingNames[key] ?? key} ${value}`);
    print(
      `  ${id ?? name ?? ''}: ${stored === url ? (url ?? 'no address') : `${stored ?? ''} becomes ${url ?? ''}`}${said.length > 0 ? `, ${said.join(', ')}` : ''}`,
    );
  }
}

/** Outcome of the changes of each kind, with the reason. */
const modificationWords: Record<string, string> = {
  draft: 'drafts there',
  committed:
    'committed there and not confirmed by PEMS: an import sends nothing to PEMS, so they become drafts to submit here',
  failed: 'failed there: they become drafts',
  synced: 'confirmed by PEMS: history, which is kept in legacy_row alone',
  discarded: 'discarded there: left behind, and kept in legacy_row alone',
  empty: 'that change nothing: left behind, and kept in legacy_row alone',
};

function showModifications(modifications: Analysis['modifications']): void {
  if (modifications.length > 0) print('\nChanges that users made:');
  for (const { kind, modifications: all, drafts, unknownBases } of modifications) {
    const isHistory = ['synced', 'discarded', 'empty'].includes(kind);
    print(
      `  ${count(all).padStart(8)} ${modificationWords[kind] ?? kind}${isHistory ? '' : ` (${count(drafts)})`}`,
    );
    if (unknownBases > 0)
      print(
        `  ${''.padStart(8)} what the author of ${count(unknownBases)} had seen is not known: another value in PEMS is a conflict`,
      );
  }
}

function showAnalysis(analysis: Analysis): void {
  const { source, tables, problems, outcomes, needs, schemaVersion, endpoints, foreignDays } = analysis;
  const { credentialTables, modifications } = analysis;
  print(
    `${source.path}${source.server === undefined ? '' : `, ${source.server}`}${schemaVersion === null ? '' : `, after the prototype's migration ${schemaVersion}`}`,
  );
  for (const { name, rows, target, columns, references } of tables) {
    print(
      `\n${name}: ${count(rows)} rows, ${target === null ? 'does not move in: it is kept as it is in legacy_row, and nothing here is made of it' : `to ${target}`}`,
    );
    for (const column of columns) {
      const found = Object.entries(column.found).map(([type, values]) => `${count(values)} ${type}`);
      const place = column.note ?? (target === null ? '' : `-> ${column.target}`);
      print(
        `  ${column.name.padEnd(24)} ${column.declared.padEnd(10)} ${found.join(', ').padEnd(32)} ${place}`.trimEnd(),
      );
    }
    for (const { columns, parent, parentColumns } of references)
      print(`  ${columns.join(', ')} points at ${parent} (${parentColumns.join(', ')})`);
  }
  print('');
  showOrphans(tables);
  showEndpoints(endpoints);
  showModifications(modifications);
  for (const text of credentialTables) print(`To be entered again: ${text}`);
  if (foreignDays) print(`${daysInWords(foreignDays)}. Add --time-zone ZONE to analyze and import.`);
  showProblems(problems);
  print('\nAn import into this database would do:');
  showOutcomes(outcomes);
  print(
    `It takes about ${count(needs.seconds)} seconds and ${count(Math.ceil(needs.bytes / 1e6))} MB. ${problems.length === 0 ? 'Nothing stands in its way.' : 'What is listed above stands in its way, unless it is quarantined.'}`,
  );
}

function showDifferences(differences: Difference[]): void {
  const whys = {
    changed: 'changed since the import',
    kept: 'of rows that were here before, and stayed as they were',
    system: 'kept true by the product itself',
  };
  for (const [why, text] of Object.entries(whys)) {
    const some = differences.filter((difference) => difference.why === why);
    if (some.length === 0) continue;
    print(`\nDifferent, ${text} (${count(some.length)}):`);
    for (const { table, id, line, column, legacy, current } of some.slice(0, shownAtMost))
      print(
        column === ''
          ? `  ${table} ${id ?? `line ${line}`} is gone`
          : `  ${table} ${id ?? `line ${line}`}: ${column} was ${JSON.stringify(legacy)}, is ${JSON.stringify(current)}`,
      );
    more(some.length);
  }
  print(differences.length === 0 ? '\nEvery value here is what the legacy value becomes.' : '');
}

const totals = (tables: { rows: number }[]) =>
  `${tables.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} rows of ${tables.length} tables`;

/** Returns a progress display that overwrites its line on a terminal, and shows nothing elsewhere. */
function progress(): Progress {
  const { showsProgress, complain } = terminal();
  if (!showsProgress) return () => undefined;
  const width = 24;
  return (what, done, total) => {
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const bar = '#'.repeat(Math.round(share * width)).padEnd(width, '.');
    complain(`\r\u001b[K[${bar}] ${what} ${done.toLocaleString('en')}/${total.toLocaleString('en')}`);
    if (share === 1) complain('\r\u001b[K');
  };
}
