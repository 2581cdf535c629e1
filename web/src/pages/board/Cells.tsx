import { Variance } from '../../components/Variance.tsx';
import {
  formatCount,
  formatCountDifference,
  formatDifference,
  formatMoney,
  signOf,
  type Decimal,
} from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import type { Amounts, Costs, Layers } from './costs.ts';
import { amounts } from './view.ts';

// Cells of the board's tables. Roles are said, because on a narrow screen the rows are laid out as blocks, and so is the
// heading of each, which is out of sight there.

/** How many records, as I see them, and below it how many in PEMS where that is another number. */
export function CountCell({ seen, mirror }: Layers<Costs>) {
  return (
    <td role="cell" data-label="Records">
      <span>
        {formatCount(seen.recordCount)}
        <InPems value={mirror.recordCount} seen={seen.recordCount} write={formatCount} />
      </span>
    </td>
  );
}

/** What it costs, as I see it, and below each amount that of PEMS where it is another. */
export function AmountCells({ seen, mirror }: Layers<Amounts>) {
  return (
    <>
      {amounts.map(([key, label]) => (
        <td key={key} role="cell" data-label={label}>
          <span>
            {formatMoney(seen[key])}
            <InPems value={mirror[key]} seen={seen[key]} write={formatMoney} />
          </span>
        </td>
      ))}
      <td role="cell" data-label="Variance">
        <span>
          <Variance value={seen.variance} withCents />
          <InPems value={mirror.variance} seen={seen.variance} write={formatDifference} />
        </span>
      </td>
    </>
  );
}

function InPems({
  value,
  seen,
  write,
}: {
  value: Decimal;
  seen: Decimal;
  write: (value: Decimal) => string;
}) {
  return value === seen ? null : <span className={classes.pems}> PEMS {write(value)}</span>;
}

/** What my drafts, and what is pending, add to what is in PEMS. */
export function DifferenceCells({ difference }: { difference: Costs }) {
  return (
    <>
      <td role="cell" data-label="Records" data-none={difference.recordCount === '0' || undefined}>
        {formatCountDifference(difference.recordCount)}
      </td>
      {[...amounts, ['variance', 'Variance'] as const].map(([key, label]) => (
        <td key={key} role="cell" data-label={label} data-none={signOf(difference[key]) === 0 || undefined}>
          {formatDifference(difference[key])}
        </td>
      ))}
    </>
  );
}
