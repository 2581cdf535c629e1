import { SegmentedControl, Skeleton, Text, Title, useComputedColorScheme } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { PfaSelectionInput } from '../../api/generated/graphql.ts';
import { query } from '../../api/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { currentMonth, formatMonth } from '../../format/dates.ts';
import { formatMoney, signOf } from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import { AmountCells } from './Cells.tsx';
import { addedUp, monthsDocument, monthsOf, type Amounts, type Layers, type Row } from './costs.ts';
import { LineSample, lineNames, lines, type LineName } from './lines.tsx';
import { amounts, type BoardView } from './view.ts';

interface Props {
  view: BoardView;
  selection: PfaSelectionInput;
  onChange: (changes: Partial<BoardView>) => void;
}

/** Costs over time: plan, forecast and actual by month, as a chart or a table. */
export function MonthsPanel({ view, selection, onChange }: Props) {
  const { organization } = useOrganization();
  const { data, error, refetch, isFetching, isPlaceholderData } = useQuery({
    ...query(monthsDocument, { organizationId: organization.id, selection }),
    staleTime: 0,
    placeholderData: keepPreviousData,
  });
  const sums = data?.organization;
  const isCumulative = view.cost === 'cumulative';
  const { rows, undated, outside, lastActual } = useMemo(() => {
    if (!sums) return { rows: undefined, undated: undefined, outside: [], lastActual: -1 };
    const { rows, undated, outside } = monthsOf(sums.seen.nodes, sums.mirror.nodes);
    return {
      rows: isCumulative ? addedUp(rows, outside) : rows,
      undated,
      outside,
      lastActual: rows.findLastIndex(({ seen }) => signOf(seen.actualCost) !== 0),
    };
  }, [sums, isCumulative]);
  const isTable = view.months === 'table';
  const title = isCumulative ? 'Cost up to each month' : 'Cost by month';
  return (
    <section className={classes.panel} aria-labelledby="months-title">
      <div className={classes.head} data-tools>
        <Title order={2} id="months-title" className={classes.title}>
          {title}
        </Title>
        {rows && <Legend rows={rows} isHidden={isTable} />}
        <div className={classes.choices}>
          <SegmentedControl
            size="xs"
            aria-label="Months"
            data={[
              { value: 'monthly', label: 'Monthly' },
              { value: 'cumulative', label: 'Cumulative' },
            ]}
            value={view.cost ?? 'monthly'}
            onChange={(value) => onChange({ cost: value === 'cumulative' ? 'cumulative' : undefined })}
          />
          <SegmentedControl
            size="xs"
            aria-label="Shown"
            data={[
              { value: 'chart', label: 'Chart' },
              { value: 'table', label: 'Table' },
            ]}
            value={view.months ?? 'chart'}
            onChange={(value) => onChange({ months: value === 'table' ? 'table' : undefined })}
          />
        </div>
      </div>
      {rows ? (
        <div data-stale={isPlaceholderData || undefined}>
          {isTable ? (
            // A scrollable area must be reachable by keyboard.
            <div className={classes.months} tabIndex={0} role="group" aria-labelledby="months-title">
              <MonthsTable rows={rows} undated={undated} outside={outside} />
            </div>
          ) : rows.length === 0 ? (
            <Text size="sm" className={classes.months} px={18}>
              No costs in any month.
            </Text>
          ) : (
            <div className={classes.months}>
              <Chart rows={rows} lastActual={lastActual} title={title} />
            </div>
          )}
        </div>
      ) : error ? (
        <div className={classes.inset}>
          <ErrorPanel
            title="The months couldn’t be loaded."
            error={error}
            onRetry={() => void refetch()}
            isRetrying={isFetching}
          />
        </div>
      ) : (
        <div className={classes.months} aria-busy="true">
          <ChartSkeleton />
        </div>
      )}
      {undated && (
        <Text size="xs" c="dimmed" className={classes.note}>
          Undated:{' '}
          {amounts
            .filter(([key]) => signOf(undated.seen[key]) !== 0)
            .map(([key, label]) => `${label.toLowerCase()} ${formatMoney(undated.seen[key])}`)
            .join(', ')}
          .
        </Text>
      )}
      {!isTable &&
        outside.map(({ value, seen }) => (
          <Text key={value} size="xs" c="dimmed" className={classes.note}>
            {formatOutside(value)}: plan {formatMoney(seen.planCost)}, forecast{' '}
            {formatMoney(seen.forecastCost)}, actual {formatMoney(seen.actualCost)}. Some records have dates
            far from all others.
          </Text>
        ))}
    </section>
  );
}

const ChartSkeleton = () => <Skeleton height="100%" mx={18} w="auto" />;

/** The PEMS forecast is a separate line only if drafts change it. */
const shownLines = (rows: readonly Row<Amounts>[]): LineName[] =>
  lineNames.filter(
    (name) => name !== 'pems' || rows.some(({ seen, mirror }) => seen.forecastCost !== mirror.forecastCost),
  );

/** A hidden legend keeps its space, so the controls beside it do not move. */
function Legend({ rows, isHidden }: { rows: readonly Row<Amounts>[]; isHidden: boolean }) {
  return (
    <ul className={classes.legend} aria-label="Lines" data-hidden={isHidden || undefined}>
      {shownLines(rows).map((name) => (
        <li key={name}>
          <LineSample name={name} /> {lines[name].label}
        </li>
      ))}
    </ul>
  );
}

function Chart({
  rows,
  lastActual,
  title,
}: {
  rows: readonly Row<Amounts>[];
  /** The actual line ends at the current month. */
  lastActual: number;
  title: string;
}) {
  // The chart library is larger than the rest of the page, so it loads after the figures.
  const {
    data: drawing,
    error,
    refetch,
    isFetching,
  } = useQuery({
    queryKey: ['MonthChart'],
    queryFn: () => import('./MonthChart.tsx'),
    staleTime: Infinity,
    structuralSharing: false,
  });
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const [months, shown] = useMemo(
    () => [
      rows.map(({ value }) => value),
      shownLines(rows).map((name) => ({
        name,
        amounts: rows.map((row, i) =>
          name === 'actual' && i > lastActual ? undefined : lines[name].of(row),
        ),
      })),
    ],
    [rows, lastActual],
  );
  if (error && !drawing)
    return (
      <div className={classes.inset}>
        <ErrorPanel
          title="The chart couldn’t be loaded. The table shows the same figures."
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      </div>
    );
  if (!drawing) return <ChartSkeleton />;
  return (
    <drawing.MonthChart
      title={title}
      months={months}
      lines={shown}
      today={months.indexOf(currentMonth())}
      scheme={scheme}
    />
  );
}

/** `before 2001-04` or `after 2051-03`, as the API names dates outside of the range. */
const formatOutside = (value: string): string => {
  const [side = '', month = ''] = value.split(' ');
  return `${side === 'before' ? 'Before' : 'After'} ${formatMonth(month)}`;
};

function MonthsTable({
  rows,
  undated,
  outside,
}: {
  rows: readonly Row<Amounts>[];
  outside: readonly Row<Amounts>[];
  undated: Layers<Amounts> | undefined;
}) {
  return (
    <table className={classes.table} data-sticky role="table" aria-labelledby="months-title">
      <thead role="rowgroup">
        <tr role="row">
          {['Month', ...amounts.map(([, label]) => label), 'Variance'].map((label) => (
            <th key={label} role="columnheader" scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={row.value} role="row" aria-current={row.value === currentMonth() ? 'date' : undefined}>
            <th role="rowheader" scope="row">
              {formatMonth(row.value)}
            </th>
            <AmountCells {...row} />
          </tr>
        ))}
        {outside.map((row) => (
          <tr key={row.value} role="row">
            <th role="rowheader" scope="row">
              {formatOutside(row.value)}
            </th>
            <AmountCells {...row} />
          </tr>
        ))}
        {undated && (
          <tr role="row">
            <th role="rowheader" scope="row">
              Without dates
            </th>
            <AmountCells {...undated} />
          </tr>
        )}
      </tbody>
    </table>
  );
}
