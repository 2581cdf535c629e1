import type { PemsRecord, PemsRecordsPage } from '../../src/pems/index.ts';
import type { RecordMappers } from '../record-mappers.ts';
import type { Work } from './work.ts';

// Reads of records in the form that app_private.enter_reads takes. The form is JSON text, so that amounts keep all
// their digits.

const withData = (read: object, data: string) => `${JSON.stringify(read).slice(0, -1)},"data":${data}}`;

/** Returns a record as the screen shows it, with only the keys of the screen. */
export function screenRead(work: Work, record: PemsRecord, { screen }: RecordMappers): string {
  const { data, blank } = screen.read(record.values);
  return withData(
    {
      id: work.id,
      attempt: work.attempt,
      pfaId: work.pfaId,
      recordId: String(record.recordId),
      isWhole: false,
      blank,
      version: record.updatedAt,
      versionBy: record.updatedBy,
      requestedAt: record.requestedAt,
      receivedAt: record.receivedAt,
    },
    data,
  );
}

/**
 * Returns the whole records of a grid page, by the change that is being written. Leaves out records that are missing or
 * duplicate, hold an unreadable value, or lack a column of the grid.
 */
export function gridReads(
  works: readonly Work[],
  page: PemsRecordsPage,
  organization: string,
  { grid, writtenAliases }: RecordMappers,
): Map<Work, string> {
  if (page.rows.length === 0) return new Map();
  const map = grid.forAliases(
    page.aliases,
    page.aliases.filter((_, place) => page.rows.some((row) => row[place] !== undefined)),
  );
  const places = [...writtenAliases].map(([key, alias]) => ({ key, place: page.aliases.indexOf(alias) }));
  const found = new Map<string, string[]>();
  for (const row of page.rows) {
    const record = map(row);
    if (record.organization !== organization || record.pfaId === null) continue;
    const read = withData(
      {
        pfaId: record.pfaId,
        isWhole: true,
        blank: places.filter(({ place }) => place >= 0 && !row[place]?.trim()).map(({ key }) => key),
        version: record.version,
        versionBy: record.versionBy,
        requestedAt: page.requestedAt,
        receivedAt: page.receivedAt,
      },
      record.data,
    );
    found.set(record.pfaId, [
      ...(found.get(record.pfaId) ?? []),
      ...(record.problems.length > 0 || record.unknown.length > 0 ? ['', ''] : [read]),
    ]);
  }
  return new Map(
    works.flatMap((work) => {
      const [read, ...more] = found.get(work.pfaId) ?? [];
      if (read === undefined || more.length > 0) return [];
      return [[work, `{"id":${JSON.stringify(work.id)},"attempt":${work.attempt},${read.slice(1)}`] as const];
    }),
  );
}
