import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { saveCredential } from '../../sql/connections/connections.queries.ts';
import {
  beginLegacyWork,
  countLegacyAdministrators,
  finishLegacyImport,
  legacyEndpoints,
  legacyModifications,
  legacyOutcomes,
  legacyProblems,
  legacySecrets,
  legacyTables,
  lockLegacyImports,
  matchLegacyTable,
  noteCredentialsMissing,
  saveProviderCredential,
  standingImport,
  writeLegacyTable,
} from '../../sql/legacy/legacy.queries.ts';
import { credentialContext, providerCredentialContext, type Vault } from '../encryption.ts';
import { VanguardError } from '../errors.ts';
import { DayCollector, daysInWords, isTimeZone, type ForeignDays } from './days.ts';
import type { Progress } from './export.ts';
import { hashOf } from './file.ts';
import { openManifest, type ExportedTable, type Manifest } from './manifest.ts';
import { recognizeTables, type RecognizedTable } from './names.ts';
import { decryptLegacySecret } from './secrets.ts';
import { stageOtherTable, stageTable, type StagedLine } from './staging.ts';

/** A problem that prevents the import of a row. */
export interface ImportProblem {
  table: string;
  /** Line number in the table's file, from 1. */
  line: number;
  id: string | null;
  /** The legacy column, or the columns whose values must be unique. */
  column: string;
  value: unknown;
  problem: string;
}

/** Counts of rows by outcome; `target` is null if the table is not imported. */
export interface TableOutcome {
  table: string;
  target: string | null;
  /** Inserted. */
  added: number;
  /** Merged into an existing row that no user had changed. */
  merged: number;
  /** Matched to an existing row, which stayed unchanged. */
  same: number;
  quarantined: number;
  /** Stored only in legacy_row. */
  kept: number;
}

/** Conversion of the address and the headers of a PEMS connection. */
export interface LegacyEndpoint {
  id: string | null;
  name: string | null;
  /** The address in the prototype, and the converted one. */
  stored: string | null;
  url: string | null;
  /** `tenant`, `login_organization`, `grid_name`, `grid_id`, if the headers contained them. */
  settings: Record<string, string>;
}

/** Outcome of the prototype's changes that had reached the state `kind`. */
export interface LegacyModifications {
  kind: string;
  modifications: number;
  /** Number of changes that become drafts. */
  drafts: number;
  /** Number of drafts whose base, the value that the author saw, is unknown. */
  unknownBases: number;
}

export interface ImportPlan {
  outcomes: TableOutcome[];
  problems: ImportProblem[];
  endpoints: LegacyEndpoint[];
  modifications: LegacyModifications[];
  /** The days of records, if they begin in a different zone than the import's. */
  foreignDays: ForeignDays | undefined;
  /** Tables with encrypted credentials that are not imported. */
  credentialTables: string[];
}

export interface ImportResult extends ImportPlan {
  /** False: the same export is already imported, or problems stopped the import. Nothing changed in that case. */
  imported: boolean;
  /** Time of an earlier import of this export, if any. */
  alreadyImportedAt: Date | undefined;
  credentials: { reencrypted: number; toBeEnteredAgain: string[] };
}

export interface ImportOptions {
  /** Store the rows that cannot be migrated in legacy_row, and import the others. */
  quarantine?: boolean;
  /** Encrypts the credentials. */
  vault: Vault;
  /** The zone in which the prototype stored days as local midnight; undefined: UTC. */
  timeZone?: string | undefined;
  /** The prototype's key; without it, an administrator must enter the credentials again. */
  legacyKey?: Buffer | undefined;
  progress?: Progress;
}

/**
 * Returns the outcome of an import of this export, and the problems that prevent it. Changes nothing. Errors:
 * LEGACY_EXPORT_...
 */
export async function planImport(
  client: pg.ClientBase,
  folder: string,
  progress: Progress = () => undefined,
  timeZone?: string,
): Promise<ImportPlan> {
  checkTimeZone(timeZone);
  const manifest = await manifestOf(folder);
  await client.query('begin');
  try {
    return await plan(client, folder, manifest, progress, timeZone);
  } finally {
    await client.query('rollback');
  }
}

/**
 * Imports an export in one transaction: all of it, or nothing. The client is connected as the owner. Errors:
 * LEGACY_EXPORT_..., LEGACY_OTHER_IMPORT.
 */
export async function importLegacy(
  client: pg.ClientBase,
  folder: string,
  { quarantine = false, vault, legacyKey, timeZone, progress = () => undefined }: ImportOptions,
): Promise<ImportResult> {
  checkTimeZone(timeZone);
  const manifest = await manifestOf(folder);
  await client.query('begin');
  try {
    await lockLegacyImports.run(undefined, client);
    const credentials = { reencrypted: 0, toBeEnteredAgain: [] as string[] };
    const [standing] = await standingImport.run(undefined, client);
    if (standing) {
      if (standing.manifestSha256 !== manifest.sha256) throw otherImport(standing.importedAt);
      await client.query('rollback');
      return {
        ...{ imported: false, alreadyImportedAt: standing.importedAt },
        ...{ outcomes: [], problems: [], endpoints: [], modifications: [] },
        ...{ foreignDays: undefined, credentialTables: [] },
        credentials,
      };
    }
    const planned = await plan(client, folder, manifest, progress, timeZone);
    if (planned.foreignDays) throw foreignDaysError(planned.foreignDays);
    if (planned.problems.length > 0 && !quarantine) {
      await client.query('rollback');
      return { ...planned, imported: false, alreadyImportedAt: undefined, credentials };
    }
    const [{ administrators = null } = {}] = await countLegacyAdministrators.run(undefined, client);
    if (administrators === 0)
      throw new VanguardError(
        'LEGACY_NO_ADMINISTRATOR',
        'After the import no active user would be an administrator. Nothing was changed.',
        { hint: 'Let one active user of the prototype have the role "admin", and export again.' },
      );
    for (const { known: name, rows } of await tablesIn(client, manifest)) {
      if (name === null) continue;
      progress(`writing ${name}`, 0, rows);
      await writeLegacyTable.run({ tableName: name }, client);
      progress(`writing ${name}`, rows, rows);
    }
    await takeCredentials(client, vault, legacyKey, credentials);
    credentials.toBeEnteredAgain.push(...planned.credentialTables);
    progress('keeping every row as it was', 0, 1);
    await finishLegacyImport.run(
      { manifest: JSON.stringify(manifest), manifestSha256: manifest.sha256, timeZone: timeZone ?? null },
      client,
    );
    progress('keeping every row as it was', 1, 1);
    await client.query('commit');
    return { ...planned, imported: true, alreadyImportedAt: undefined, credentials };
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function manifestOf(folder: string): Promise<Manifest> {
  const manifest = await openManifest(folder);
  if (typeof manifest === 'string')
    throw damaged(folder, `The manifest of ${folder} is damaged: ${manifest}`);
  return manifest;
}

function damaged(folder: string, problem: string): VanguardError {
  return new VanguardError('LEGACY_EXPORT_DAMAGED', `${problem}.`, {
    hint: `See "npx vanguard legacy verify ${folder}".`,
  });
}

function otherImport(importedAt: Date): VanguardError {
  return new VanguardError(
    'LEGACY_OTHER_IMPORT',
    `Another export was imported on ${importedAt.toISOString()}, and stands.`,
    { hint: 'Take it back first with "npx vanguard legacy rollback": what nobody changed since goes.' },
  );
}

function checkTimeZone(timeZone: string | undefined): void {
  if (timeZone !== undefined && !isTimeZone(timeZone))
    throw new VanguardError('INVALID_INPUT', `There is no time zone ${timeZone}.`, {
      hint: 'Give a name such as Asia/Singapore, or UTC.',
    });
}

function foreignDaysError(days: ForeignDays): VanguardError {
  return new VanguardError('LEGACY_TIME_ZONE', `${daysInWords(days)}. Nothing was changed.`, {
    hint: `Add --time-zone ZONE with the zone in which the prototype ran, such as --time-zone ${days.timeZones[0]!}.`,
  });
}

/** Reads the export into the temporary tables, converts it, and compares it with the existing rows. */
async function plan(
  client: pg.ClientBase,
  folder: string,
  manifest: Manifest,
  progress: Progress,
  timeZone: string | undefined,
): Promise<ImportPlan> {
  await beginLegacyWork.run(undefined, client);
  const tables = await tablesIn(client, manifest);
  if (tables.every(({ known }) => known === null))
    throw new VanguardError(
      'LEGACY_NOT_PROTOTYPE',
      `None of the ${tables.length} tables is one of the prototype: ${tables
        .slice(0, 5)
        .map(({ name }) => name)
        .join(', ')}${tables.length > 5 ? ', ...' : ''}.`,
      { hint: 'Give the file or the database that DATABASE_URL of the prototype names.' },
    );
  const collector = new DayCollector();
  for (const table of tables) {
    const lines = linesOf(folder, table, progress);
    if (table.known === null) {
      await stageOtherTable(client, table.keptAs, lines);
      continue;
    }
    await stageTable(client, { ...table, name: table.known }, lines, { timeZone, collector });
    progress(`checking ${table.name}`, 0, table.rows);
    await matchLegacyTable.run({ tableName: table.known }, client);
    progress(`checking ${table.name}`, table.rows, table.rows);
  }
  const problems = (await legacyProblems.run(undefined, client)).map(
    ({ tableName, lineNumber, legacyId, columnName, value, problem }) => ({
      ...{ table: tableName, line: lineNumber, id: legacyId, column: columnName, value, problem },
    }),
  );
  const outcomes = (await legacyOutcomes.run(undefined, client)).map(({ tableName, ...counts }) => ({
    table: tableName,
    ...counts,
  }));
  const endpoints = (await legacyEndpoints.run(undefined, client)).map(
    ({ legacyId, name, stored, url, settings }) => ({
      ...{ id: legacyId, name, stored, url, settings: settings as Record<string, string> },
    }),
  );
  const credentialTables = tables
    .filter(
      ({ known, rows, columns }) =>
        known === null && rows > 0 && columns.some(({ name }) => /encrypted$/i.test(name)),
    )
    .map(({ name, rows }) => `the credentials in ${name} (${rows.toLocaleString('en')} rows)`);
  return {
    ...{ outcomes, problems, endpoints, credentialTables },
    modifications: await legacyModifications.run(undefined, client),
    foreignDays: timeZone === undefined ? collector.found() : undefined,
  };
}

/**
 * Returns the tables of the export: first the imported tables, each after the tables that it references, then the
 * others.
 */
export async function tablesIn(client: pg.ClientBase, { tables }: Manifest): Promise<RecognizedTable[]> {
  const knownTables = await legacyTables.run(undefined, client);
  const names = knownTables.map(({ name }) => name);
  const place = ({ known }: RecognizedTable) => (known === null ? names.length : names.indexOf(known));
  return recognizeTables(tables, knownTables).toSorted((a, b) => place(a) - place(b));
}

/** Yields the unchanged lines of a file. Refuses a file that differs from the export. */
async function* linesOf(
  folder: string,
  table: ExportedTable,
  progress: Progress,
): AsyncGenerator<StagedLine> {
  // The manifest is complete, so a file with its checksum is unchanged.
  if ((await hashOf(join(folder, table.file))) !== table.sha256)
    throw damaged(folder, `${table.file} is not what was exported`);
  let count = 0;
  // Reads bytes: repeated concatenation of text would take quadratic time in the length of a line.
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(join(folder, table.file)) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield { line: Buffer.concat([...rest, chunk.subarray(start, end)]).toString() };
      rest = [];
      start = end + 1;
      count += 1;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    progress(`reading ${table.name}`, count, table.rows);
  }
}

/** Encrypts the credentials under our key, and marks the rows with unreadable credentials. */
async function takeCredentials(
  client: pg.ClientBase,
  vault: Vault,
  legacyKey: Buffer | undefined,
  taken: ImportResult['credentials'],
): Promise<void> {
  const lost = { connections: new Set<string>(), providers: new Set<string>() };
  for (const { tableName, id, name, secret } of await legacySecrets.run(undefined, client)) {
    const isProvider = tableName === 'ai_providers';
    const plain = legacyKey && decryptLegacySecret(secret, legacyKey);
    if (plain === undefined) {
      (isProvider ? lost.providers : lost.connections).add(id);
      taken.toBeEnteredAgain.push(`${tableName} ${id}: ${name}`);
      continue;
    }
    const sealed = vault.seal(plain, (isProvider ? providerCredentialContext : credentialContext)(id, name));
    if (isProvider) await saveProviderCredential.run({ aiProviderId: id, name, ...sealed }, client);
    else await saveCredential.run({ apiConfigurationId: id, name, ...sealed }, client);
    taken.reencrypted += 1;
  }
  if (taken.toBeEnteredAgain.length > 0)
    await noteCredentialsMissing.run(
      {
        message: 'Its credentials came encrypted from the prototype and are to be entered again.',
        connections: [...lost.connections],
        providers: [...lost.providers],
      },
      client,
    );
}
