import type pg from 'pg';
import { fieldMapping, seenColumns } from '../sql/sync/sync.queries.ts';
import {
  createRecordMapper,
  createScreenMapper,
  monthNames,
  type Choice,
  type FieldKind,
  type InspectedField,
  type PemsConnection,
  type RecordMapper,
  type ScreenMapper,
} from '../src/pems/index.ts';

/** How records of an organization are read from the grid and from the screen, and written to it. */
export interface RecordMappers {
  grid: RecordMapper;
  screen: ScreenMapper;
  /** By key, the column of the grid that shows the very field that is written, where there is one. */
  writtenAliases: ReadonlyMap<string, string>;
  /** The mapping itself, with the keys that are special to the grid. */
  mapping: readonly InspectedField[];
}

/** Of the mapping that is in force for an organization. Refuses with PEMS_MAPPING_INVALID. */
export async function recordMappers(
  pool: pg.Pool,
  organizationId: number,
  { dateOrder, monthLanguage }: Pick<PemsConnection, 'dateOrder' | 'monthLanguage'>,
): Promise<RecordMappers> {
  const rows = await fieldMapping.run({ organizationId }, pool);
  const seen = await seenColumns.run({ organizationId }, pool);
  // What identifies a record and its version are special to the grid.
  const special: Readonly<Record<string, string>> = { lastModified: 'version', lastModifiedBy: 'versionBy' };
  const fields = rows
    .filter((row) => row.kind !== 'version')
    .map(({ kind, screenField, allowed, choices, ...field }) => ({
      ...field,
      kind: (kind === 'identity' ? 'text' : kind) as FieldKind,
      screenField: screenField ?? null,
      allowed,
      choices: (choices ?? []) as unknown as Choice[],
    }));
  return {
    grid: createRecordMapper({
      fields,
      mappings: rows.map(({ key, gridAliases }) => ({ key: special[key] ?? key, gridAliases })),
      dateOrder,
      months: monthNames(monthLanguage ?? 'en') ?? undefined,
      seenAliases: seen.map(({ alias }) => alias),
    }),
    screen: createScreenMapper(fields),
    mapping: rows.map(({ key, kind, gridAliases, screenField, allowed }) => ({
      ...{ key, kind, gridAliases, allowed },
      screenField: screenField ?? null,
    })),
    writtenAliases: new Map(
      fields.flatMap(({ key, screenField, gridAliases }) => {
        const alias = gridAliases.find((name) => name.toLowerCase() === screenField?.toLowerCase());
        return alias === undefined ? [] : [[key, alias.toLowerCase()] as const];
      }),
    ),
  };
}
