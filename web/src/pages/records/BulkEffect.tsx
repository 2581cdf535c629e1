import { formatDifference } from '../../format/numbers.ts';
import { findColumn, type Column } from '../../records/columns.ts';
import { fieldOf } from '../../records/FieldValue.tsx';
import type { BulkDone } from './BulkDialog.tsx';

/** Lists the totals and fields that a bulk operation changed. */
export function BulkEffect({ costs, keys }: Pick<BulkDone, 'costs' | 'keys'>) {
  return (
    <span className="figures">
      {costs.length === 0
        ? 'No change in totals'
        : costs.map(({ label, difference }) => `${label} ${formatDifference(difference)}`).join(', ')}
      <br />
      {keys.map((key) => fieldOf(key).label).join(', ')}
    </span>
  );
}

/** Returns the columns of changed fields that the list hides. */
export const hiddenColumns = (keys: readonly string[], shown: readonly Column[]) =>
  keys.filter((key) => !shown.some((column) => column.key === key)).flatMap((key) => findColumn(key) ?? []);
