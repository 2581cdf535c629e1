import {
  converter,
  dayReader,
  editableKeys,
  fieldConverter,
  object,
  shown,
  type ConvertedRow,
  type DayOptions,
  type FindParent,
  type LegacyColumn,
} from './convert.ts';
import { jsonMembers } from './json.ts';
import { bare, placeOf } from './names.ts';
import type { CanonicalValue } from './values.ts';

// Changes of the prototype's later version: one row per change of a record by a user, with its state.

/** State of a change; `empty` changes nothing. */
export type ModificationKind = 'draft' | 'committed' | 'failed' | 'synced' | 'discarded' | 'empty';

/** The prototype's words for the states. */
const words: Record<string, Exclude<ModificationKind, 'empty'>> = {
  ...{ draft: 'draft', drafted: 'draft', modified: 'draft', unsaved: 'draft', local: 'draft' },
  ...{ committed: 'committed', pending: 'committed', pendingsync: 'committed', queued: 'committed' },
  ...{ syncing: 'committed', inprogress: 'committed', processing: 'committed', submitted: 'committed' },
  ...{ failed: 'failed', error: 'failed', syncerror: 'failed', rejected: 'failed', conflict: 'failed' },
  ...{ synced: 'synced', completed: 'synced', confirmed: 'synced', success: 'synced', applied: 'synced' },
  ...{ discarded: 'discarded', reverted: 'discarded', cancelled: 'discarded', canceled: 'discarded' },
  ...{ withdrawn: 'discarded', superseded: 'discarded' },
};
/** States that are not imported: PEMS has the change, or its user discarded it. */
const isHistory = (kind: ModificationKind) => kind === 'synced' || kind === 'discarded' || kind === 'empty';

/**
 * Returns a function that converts the rows of pfa_modification. `recordColumns` are the conversions of record columns,
 * which apply to the values of a change.
 */
export function modificationConverter(
  columns: readonly { name: string }[],
  legacyColumns: readonly LegacyColumn[],
  recordColumns: readonly LegacyColumn[],
  findParent: FindParent,
  days: DayOptions = {},
): (row: readonly CanonicalValue[]) => ConvertedRow {
  const convertRow = converter(columns, legacyColumns, findParent, days);
  const readDay = dayReader(days);
  const keys = editableKeys(recordColumns);
  const fields = new Map(
    recordColumns.flatMap((column) =>
      column.isEditable && column.target?.startsWith('data.')
        ? [[column.target.slice(5), { ...column, convert: fieldConverter(column, readDay) }] as const]
        : [],
    ),
  );
  const at = (target: string) => {
    const column = legacyColumns.find((column) => column.target === target)!;
    const place = placeOf(columns, column);
    return { name: columns[place]?.name ?? column.name, place };
  };
  const [state, delta, base] = [at('state'), at('delta'), at('base')];
  const [syncedAt, committedAt] = [at('synced_at'), at('committed_at')];
  const valueAt = (row: readonly CanonicalValue[], { place }: { place: number }) => row[place] ?? null;
  const isSet = (row: readonly CanonicalValue[], column: { place: number }) =>
    ![null, ''].includes(valueAt(row, column) as string | null);

  /** Returns the state of a change from its state column, or, without one, from its times. */
  function kindOf(row: readonly CanonicalValue[]): ModificationKind | { problem: string } {
    if (state.place < 0) {
      if (syncedAt.place < 0) return { problem: 'is missing: nothing says whether PEMS has the change' };
      if (isSet(row, syncedAt)) return 'synced';
      return isSet(row, committedAt) ? 'committed' : 'draft';
    }
    const word = valueAt(row, state);
    const kind = typeof word === 'string' ? words[word.toLowerCase().replaceAll(/[^a-z]/g, '')] : undefined;
    return kind ?? { problem: 'is no state that is known: draft, committed, failed, synced or discarded' };
  }

  /** Returns the members of a column as JSON with our keys. */
  function changes(stored: CanonicalValue, column: string, problems: ConvertedRow['problems']): string {
    const members = jsonMembers(stored);
    if (!members) {
      problems.push({ column, value: stored === null ? null : shown(stored), problem: 'is no JSON object' });
      return '';
    }
    let converted = '';
    for (const [name, { key: written, json, valueOf }] of members) {
      const key = keys.get(bare(name));
      const field = key === undefined ? undefined : fields.get(key);
      if (key === undefined || !field) {
        problems.push({
          column,
          value: shown(json),
          problem: `names ${JSON.stringify(written)}, which cannot be edited`,
        });
        continue;
      }
      const value = valueOf(field.kind);
      const result =
        value === undefined
          ? { problem: 'is a list or an object' }
          : value === null || value === ''
            ? { converted: 'null' }
            : field.convert(value);
      if ('problem' in result)
        problems.push({ column: `${column}.${written}`, value: shown(json), problem: result.problem });
      else converted += `,${JSON.stringify(key)}:${result.converted}`;
    }
    return converted;
  }

  return (row) => {
    const kind = kindOf(row);
    const stored = valueAt(row, delta);
    const isEmpty = jsonMembers(stored)?.size === 0;
    if (typeof kind === 'string' && (isHistory(kind) || isEmpty)) {
      const { legacyId } = convertRow(row);
      const content = JSON.stringify({ kind: isHistory(kind) ? kind : 'empty' });
      return { state: 'kept', legacyId, refs: '{}', content, data: null, secrets: '{}', problems: [] };
    }
    const converted = convertRow(row);
    const problems = [...converted.problems];
    let members = converted.content.slice(1, -1);
    const add = (member: string) => (members += `${members === '' ? '' : ','}${member}`);
    if (typeof kind === 'object') {
      const value = valueAt(row, state);
      problems.push({
        column: state.name,
        value: value === null ? null : shown(value),
        problem: kind.problem,
      });
    } else add(`"kind":${JSON.stringify(kind)}`);
    add(`"delta":${object(changes(stored, delta.name, problems))}`);
    // Without a stored base, the base is unknown.
    if (isSet(row, base)) add(`"base":${object(changes(valueAt(row, base), base.name, problems))}`);
    return { ...converted, content: `{${members}}`, problems };
  };
}
