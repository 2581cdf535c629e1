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

/** Mappers of an organization: from the grid, and from and to the screen. */
export interface RecordMappers {
  grid: RecordMapper;
  screen: ScreenMapper;
  /** By key, the column of the grid that shows the field that is written, if there is one. */
  writtenAliases: ReadonlyMap<string, string>;
  /** The mapping, including the keys that only the grid has. */
  mapping: readonly InspectedField[];
}

/** Returns the mappers for the current mapping of an organization. Refuses with PEMS_MAPPING_INVALID. */
export async function recordMappers(
  pool: pg.Pool,
  organizationId: number,
  { dateOrder, monthLanguage }: Pick<PemsConnection, 'dateOrder' | 'monthLanguage'>,
): Promise<RecordMappers> {
  const rows = await fieldMapping.run({ organizationId }, pool);
  const seen = await seenColumns.run({ organizationId }, pool);
  // The grid mapper has its own names for the keys of the version.
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
