import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { legacyColumns, legacyKeys, readLegacyJson } from '../../sql/legacy/legacy.queries.ts';
import { converter, type ConvertedRow, type DayOptions, type FindParent } from './convert.ts';
import { modificationConverter } from './modifications.ts';
import type { CanonicalValue } from './values.ts';

/** A row for the temporary table legacy_plan: a line of the export, with its outcome if known. */
export interface StagedLine {
  line: string;
  state?: string;
  target?: unknown;
  previous?: unknown;
}

const copyPlan = `copy pg_temp.legacy_plan
  (table_name, line_number, line, legacy_id, refs, content, data, secrets, problems, state, target, previous) from stdin`;

/** Size of a chunk for COPY, in characters. */
const chunkLength = 65_536;

/**
 * Converts the rows of an imported table and copies them into legacy_plan. The referenced tables must be there already.
 */
export async function stageTable(
  client: pg.ClientBase,
  table: { name: string; columns: readonly { name: string }[] },
  lines: AsyncIterable<StagedLine>,
  days: DayOptions,
): Promise<void> {
  const columns = await legacyColumns.run({ tableName: table.name }, client);
  const parents = new Map<string, Map<string, ReturnType<FindParent>>>();
  const hasEdits = columns.some(({ kind }) => kind === 'edit' || kind === 'delta');
  for (const parent of [...columns.map(({ parent }) => parent), ...(hasEdits ? ['users'] : [])]) {
    if (parent === null || parents.has(parent)) continue;
    const keys = await legacyKeys.run({ tableName: parent }, client);
    const found = (legacyId: string, key: unknown, hasProblems: boolean) =>
      hasProblems ? ('cannot be migrated' as const) : { key, legacyId };
    parents.set(
      parent,
      new Map([
        // Prototypes identify the author of an edit by id or by username.
        ...(hasEdits ? keys : []).flatMap(({ legacyId, name, key, hasProblems }) =>
          name === null ? [] : [[name, found(legacyId, key, hasProblems)] as const],
        ),
        ...keys.map(
          ({ legacyId, key, hasProblems }) => [legacyId, found(legacyId, key, hasProblems)] as const,
        ),
      ]),
    );
  }
  const findParent: FindParent = (parent, legacyId) => parents.get(parent)?.get(legacyId);
  const convert =
    table.name === 'pfa_modification'
      ? modificationConverter(
          ...([table.columns, columns] as const),
          await legacyColumns.run({ tableName: 'pfa_records' }, client),
          ...([findParent, days] as const),
        )
      : converter(table.columns, columns, findParent, days);
  await copyLines(client, table.name, lines, convert, 'added');
  if (columns.some(({ kind }) => kind === 'json'))
    await readLegacyJson.run({ tableName: table.name }, client);
  await client.query('analyze pg_temp.legacy_plan (table_name, legacy_id)');
}

/** Copies the rows of a table that is not imported into legacy_plan, which only keeps them. */
export async function stageOtherTable(
  client: pg.ClientBase,
  name: string,
  lines: AsyncIterable<StagedLine>,
): Promise<void> {
  const nothing: ConvertedRow = {
    legacyId: null,
    refs: '{}',
    content: '{}',
    data: null,
    secrets: '{}',
    problems: [],
  };
  await copyLines(client, name, lines, () => nothing, 'kept');
}

async function copyLines(
  client: pg.ClientBase,
  name: string,
  lines: AsyncIterable<StagedLine>,
  convert: (row: readonly CanonicalValue[]) => ConvertedRow,
  state: string,
): Promise<void> {
  async function* rows(): AsyncGenerator<string> {
    let chunk = '';
    let number = 0;
    for await (const staged of lines) {
      number += 1;
      const { line } = staged;
      const { legacyId, refs, content, data, secrets, problems, ...decided } = convert(
        JSON.parse(line) as CanonicalValue[],
      );
      const values = [
        ...[name, String(number), line, legacyId, refs, content, data, secrets, JSON.stringify(problems)],
        ...[staged.state ?? decided.state ?? state, json(staged.target), json(staged.previous)],
      ];
      chunk += `${values.map(copied).join('\t')}\n`;
      if (chunk.length < chunkLength) continue;
      yield chunk;
      chunk = '';
    }
    yield chunk;
  }
  await pipeline(Readable.from(rows()), client.query(copyFrom(copyPlan)));
}

const json = (value: unknown) => (value === null || value === undefined ? null : JSON.stringify(value));

/** Returns a value in the text format of COPY. */
export function copied(value: string | null): string {
  if (value === null) return '\\N';
  return /[\\\t\n\r]/.test(value)
    ? value.replaceAll(/[\\\t\n\r]/g, (character) => escapes[character]!)
    : value;
}
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
