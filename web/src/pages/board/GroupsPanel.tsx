import { NativeSelect, SegmentedControl, Skeleton, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { PfaSelectionInput } from '../../api/generated/graphql.ts';
import { query } from '../../api/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { OverIcon, UnderIcon } from '../../components/icons.tsx';
import { dimensionNames, dimensions, nameOfValue, type Dimension } from '../../filter/filter.ts';
import { locale } from '../../format/locale.ts';
import { centsOf, formatCount } from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import { AmountCells, CountCell, DifferenceCells } from './Cells.tsx';
import { differenceOf, groupsDocument, groupsOf, type Costs, type Layers, type Row } from './costs.ts';
import {
  filterOfView,
  readSort,
  sortKeys,
  writeSort,
  type BoardView,
  type Sort,
  type SortKey,
} from './view.ts';

interface Props {
  view: BoardView;
  selection: PfaSelectionInput;
  /** Undefined until loaded. */
  total: Layers<Costs> | undefined;
  onChange: (changes: Partial<BoardView>) => void;
}

/** Costs by group: by category, class, area or another dimension. */
export function GroupsPanel({ view, selection, total, onChange }: Props) {
  const { organization } = useOrganization();
  const by = view.by ?? 'category';
  const { data, error, refetch, isFetching, isPlaceholderData } = useQuery({
    ...query(groupsDocument, { organizationId: organization.id, selection, groupBy: by }),
    staleTime: 0,
    // Groups of another dimension would appear, and link, under the wrong name.
    placeholderData: (before, queryBefore) => (queryBefore?.queryKey[1].groupBy === by ? before : undefined),
  });
  const groups = data?.organization;
  const rows = useMemo(() => groups && groupsOf(groups.seen.nodes, groups.mirror.nodes), [groups]);
  return (
    <section className={classes.panel} aria-labelledby="groups-title">
      <div className={classes.head} data-tools>
        <Title order={2} id="groups-title" className={classes.title}>
          Costs by {by === 'dor' ? 'DOR' : dimensions[by].toLowerCase()}
        </Title>
        {rows && (
          <Text size="xs" c="dimmed" className="figures">
            {formatCount(rows.length)} {rows.length === 1 ? 'group' : 'groups'}
          </Text>
        )}
        <div className={classes.choices}>
          <SegmentedControl
            size="xs"
            aria-label="Group by"
            data={dimensionNames.map((value) => ({ value, label: dimensions[value] }))}
            value={by}
            onChange={(value) => onChange({ by: value === 'category' ? undefined : value })}
          />
          <SegmentedControl
            size="xs"
            aria-label="Figures"
            data={[
              { value: 'both', label: 'Amounts' },
              { value: 'difference', label: 'Difference from PEMS' },
            ]}
            value={view.show ?? 'both'}
            onChange={(value) => onChange({ show: value === 'difference' ? 'difference' : undefined })}
          />
        </div>
      </div>
      {rows ? (
        <div className={classes.scroll} data-stale={isPlaceholderData || undefined}>
          <GroupsTable by={by} view={view} rows={rows} total={total} onChange={onChange} />
        </div>
      ) : error ? (
        <div className={classes.inset}>
          <ErrorPanel
            title="The groups couldn’t be loaded."
            error={error}
            onRetry={() => void refetch()}
            isRetrying={isFetching}
          />
        </div>
      ) : (
        <div className={classes.inset} aria-busy="true">
          <Skeleton height={360} />
        </div>
      )}
      {groups?.seen.pageInfo.hasNextPage && (
        <Text size="xs" c="dimmed" className={classes.note}>
          Only the first {formatCount(groups.seen.nodes.length)} groups by name are shown. Use filters to see
          others.
        </Text>
      )}
    </section>
  );
}

function sorted(rows: Row<Costs>[], { key, isDescending }: Sort, isDifference: boolean): Row<Costs>[] {
  const sign = isDescending ? -1 : 1;
  if (key === 'name') {
    const { compare } = new Intl.Collator(locale(), { numeric: true });
    return [...rows].sort((a, b) => sign * compare(nameOfValue(a.value), nameOfValue(b.value)));
  }
  const amount = (row: Row<Costs>) =>
    key === 'recordCount' ? BigInt(costs(row)[key]) : centsOf(costs(row)[key]);
  const costs = (row: Row<Costs>) => (isDifference ? differenceOf(row) : row.seen);
  return rows
    .map((row) => ({ row, amount: amount(row) }))
    .sort((a, b) => sign * (a.amount < b.amount ? -1 : a.amount > b.amount ? 1 : 0))
    .map(({ row }) => row);
}

function GroupsTable({
  by,
  view,
  rows,
  total,
  onChange,
}: Pick<Props, 'view' | 'total' | 'onChange'> & { by: Dimension; rows: Row<Costs>[] }) {
  const { organization } = useOrganization();
  const isDifference = view.show === 'difference';
  const sort = readSort(view.sort);
  const shown = useMemo(
    () => sorted(rows, readSort(view.sort), isDifference),
    [rows, view.sort, isDifference],
  );
  const change = (next: Sort) => onChange({ sort: writeSort(next) });
  const cells = (layers: Layers<Costs>) =>
    isDifference ? (
      <DifferenceCells difference={differenceOf(layers)} />
    ) : (
      <>
        <CountCell {...layers} />
        <AmountCells {...layers} />
      </>
    );
  const names = Object.keys(sortKeys) as SortKey[];
  return (
    <>
      <NativeSelect
        size="xs"
        className={classes.sortSelect}
        aria-label="Sort by"
        value={`${sort.key}${sort.isDescending ? '.desc' : ''}`}
        data={names.flatMap((key) => {
          const [up, down] = key === 'name' ? ['A to Z', 'Z to A'] : ['smallest first', 'largest first'];
          return [
            { value: `${key}.desc`, label: `${sortKeys[key]}, ${down}` },
            { value: key, label: `${sortKeys[key]}, ${up}` },
          ];
        })}
        onChange={(event) => change(readSort(event.currentTarget.value))}
      />
      <table className={classes.table} data-sticky role="table" aria-labelledby="groups-title">
        <thead role="rowgroup">
          <tr role="row">
            {names.map((key) => (
              <th
                key={key}
                role="columnheader"
                scope="col"
                aria-sort={sort.key !== key ? undefined : sort.isDescending ? 'descending' : 'ascending'}
              >
                <button
                  type="button"
                  className={classes.sort}
                  onClick={() =>
                    // Names sort ascending first, amounts descending.
                    change({ key, isDescending: sort.key === key ? !sort.isDescending : key !== 'name' })
                  }
                >
                  {key === 'name' ? dimensions[by] : sortKeys[key]}
                  {sort.key === key && (sort.isDescending ? <UnderIcon size={12} /> : <OverIcon size={12} />)}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr key={row.value} role="row">
              <th role="rowheader" scope="row">
                <Link
                  to="/o/$code/records"
                  params={{ code: organization.code }}
                  search={{ ...filterOfView(view), [by]: [row.value] }}
                  preload={false}
                  title="Show its records"
                >
                  {nameOfValue(row.value)}
                </Link>
              </th>
              {cells(row)}
            </tr>
          ))}
          {total && (
            <tr role="row" data-total>
              <th role="rowheader" scope="row">
                All
              </th>
              {cells(total)}
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}
