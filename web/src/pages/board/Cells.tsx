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

// Cells of the board's tables. They state their roles, because narrow screens lay rows out as blocks, with a visually
// hidden heading in each.

/** The record count including drafts, with the count in PEMS below it if that differs. */
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

/** The costs including drafts, each with the amount in PEMS below it if that differs. */
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

/** Difference that drafts and pending changes make to PEMS data. */
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
