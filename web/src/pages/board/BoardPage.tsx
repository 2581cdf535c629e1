import { Button, Skeleton, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { query } from '../../api/graphql.ts';
import type { BoardQuery } from '../../api/generated/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { useFollow } from '../../app/useFollow.ts';
import { useRememberedView } from '../../app/rememberedView.ts';
import { useView } from '../../app/useView.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { BoardIcon, RecordsIcon } from '../../components/icons.tsx';
import { PanelBoundary } from '../../components/CrashPanel.tsx';
import { LeftOutOfAddress } from '../../components/LeftOutOfAddress.tsx';
import { Page } from '../../components/Page.tsx';
import { Variance } from '../../components/Variance.tsx';
import { chipsOf, nameOfValue, noFilters, selectionOf } from '../../filter/filter.ts';
import { Chips, FilterBar } from '../../filter/Filters.tsx';
import { formatDate } from '../../format/dates.ts';
import {
  formatCount,
  formatDifference,
  formatDollarDifference,
  formatDollars,
  formatMoney,
} from '../../format/numbers.ts';
import classes from './BoardPage.module.css';
import { AmountCells, CountCell } from './Cells.tsx';
import { boardDocument, groupsOf, totalOf, type Costs, type Layers, type Row } from './costs.ts';
import { GroupsPanel } from './GroupsPanel.tsx';
import { MonthsPanel } from './MonthsPanel.tsx';
import { amounts, filterOfView, validateBoardView, type BoardView } from './view.ts';

type Board = NonNullable<BoardQuery['organization']>;

const route = getRouteApi('/o/$code/board');

/** Shows the equipment costs of an organization. */
export function BoardPage() {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  const { view, leftOut } = useView(route.useSearch(), validateBoardView);
  const remember = useRememberedView({ code: organization.code, page: 'board', view }, validateBoardView);
  const panels = useRef<HTMLDivElement>(null);
  const changeView = (changes: Partial<BoardView>) => {
    // Fewer groups make the page shorter, and the browser would then scroll. The page keeps its height to prevent that.
    if (panels.current) {
      const { top, height } = panels.current.getBoundingClientRect();
      panels.current.style.minHeight = `${Math.max(Math.min(height, window.innerHeight - top), 0)}px`;
    }
    remember(changes);
  };
  const filter = filterOfView(view);
  const selection = selectionOf(filter);
  const { data, error, refetch, isFetching, isPlaceholderData } = useQuery({
    ...query(boardDocument, { organizationId, selection }),
    // No event reports drafts made on another page, so the board always refetches.
    staleTime: 0,
    placeholderData: keepPreviousData,
  });
  useFollow('Board', 'CostsByGroup', 'CostsByMonth');
  const board = data?.organization ?? undefined;
  const total = board && totalOf(board.seen.nodes, board.mirror.nodes);
  const isNarrowed = chipsOf(filter).length > 0;
  const isEmpty = total && total.seen.recordCount === '0' && total.mirror.recordCount === '0';
  return (
    <Page
      title="Board"
      scope={organization.code}
      subtitle={board && <Subtitle board={board} isNarrowed={isNarrowed} />}
    >
      <div className={classes.toolbar}>
        <FilterBar
          organizationId={organizationId}
          filter={filter}
          onChange={changeView}
          withDiscontinued={false}
        />
        <Button
          renderRoot={(props) => (
            <Link to="/o/$code/records" params={{ code: organization.code }} search={filter} {...props} />
          )}
          size="xs"
          variant="default"
          leftSection={<RecordsIcon size={15} />}
          className={classes.toRecords}
        >
          Show records
        </Button>
      </div>
      <LeftOutOfAddress leftOut={leftOut} onDismiss={() => changeView({})} />
      {isNarrowed && (
        <div className={classes.chips}>
          <Chips filter={filter} onChange={changeView} />
        </div>
      )}
      {error && !board ? (
        <ErrorPanel
          title="The costs couldn’t be loaded."
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      ) : isEmpty ? (
        <Empty isNarrowed={isNarrowed} onClear={() => changeView(noFilters)} />
      ) : (
        <div className={classes.panels} ref={panels}>
          {board && total ? <Totals total={total} isStale={isPlaceholderData} /> : <TotalsSkeleton />}
          <PanelBoundary name="The chart" resetKey={JSON.stringify(view)}>
            <MonthsPanel view={view} selection={selection} onChange={changeView} />
          </PanelBoundary>
          {board && total ? (
            <div className={classes.tables} data-stale={isPlaceholderData || undefined}>
              <SourceTable
                title="Including my drafts"
                note="PEMS data with pending changes and your drafts"
                layer="seen"
                total={total}
                rows={groupsOf(board.seenBySource.nodes, board.mirrorBySource.nodes)}
              />
              <SourceTable
                title="In PEMS"
                note="as of the last sync"
                layer="mirror"
                total={total}
                rows={groupsOf(board.seenBySource.nodes, board.mirrorBySource.nodes)}
              />
            </div>
          ) : (
            <TablesSkeleton />
          )}
          <PanelBoundary name="The groups" resetKey={JSON.stringify(view)}>
            <GroupsPanel view={view} selection={selection} total={total} onChange={changeView} />
          </PanelBoundary>
        </div>
      )}
    </Page>
  );
}

function Subtitle({ board, isNarrowed }: { board: Board; isNarrowed: boolean }) {
  const { kpis, bounds } = board;
  if (!kpis) return null;
  if (isNarrowed)
    return (
      <span className="figures" role="status">
        {formatCount(board.seen.nodes[0]?.recordCount ?? '0')} of {formatCount(kpis.recordCount)} records
      </span>
    );
  return (
    <span className="figures" role="status">
      {formatCount(kpis.recordCount)} records, {formatCount(kpis.actualizedCount)} of them on site
      {bounds?.forecastStart && bounds.forecastEnd && (
        <>
          {' '}
          · forecast from {formatDate(bounds.forecastStart)} to {formatDate(bounds.forecastEnd)}
        </>
      )}
    </span>
  );
}

function Empty({ isNarrowed, onClear }: { isNarrowed: boolean; onClear: () => void }) {
  if (isNarrowed)
    return (
      <EmptyState
        icon={BoardIcon}
        title="No records match."
        action={
          <Button size="xs" onClick={onClear}>
            Clear filters
          </Button>
        }
      >
        Remove some or all filters. Discontinued records aren’t counted.
      </EmptyState>
    );
  return (
    <EmptyState icon={BoardIcon} title="No records yet">
      Records appear with the first sync. Its progress is shown above. If the list stays empty after the sync,
      PEMS has no active records for this organization.
    </EmptyState>
  );
}

function Totals({ total: { seen, mirror }, isStale }: { total: Layers<Costs>; isStale: boolean }) {
  return (
    <section
      className={classes.tiles}
      aria-label="Totals including my drafts"
      data-stale={isStale || undefined}
    >
      {amounts.map(([key, label]) => (
        <div key={key} className={classes.tile}>
          <Title order={2} className={classes.label}>
            {label}
          </Title>
          <div className={classes.amount} title={formatMoney(seen[key])}>
            {formatDollars(seen[key])}
          </div>
          <Text size="xs" c="dimmed" className="figures">
            PEMS {formatDollars(mirror[key])}
          </Text>
        </div>
      ))}
      <div className={classes.tile}>
        <Title order={2} className={classes.label}>
          Variance
        </Title>
        <div className={classes.amount} title={formatDifference(seen.variance)}>
          <Variance value={seen.variance} plan={seen.planCost} />
        </div>
        <Text size="xs" c="dimmed" className="figures">
          PEMS {formatDollarDifference(mirror.variance)}
        </Text>
      </div>
    </section>
  );
}

/** Costs of rented and of purchased equipment, in one of the layers. */
function SourceTable({
  title,
  note,
  layer,
  total,
  rows,
}: {
  title: string;
  note: string;
  layer: 'seen' | 'mirror';
  total: Layers<Costs>;
  rows: Row<Costs>[];
}) {
  return (
    <section className={classes.panel}>
      <div className={classes.head}>
        <Title order={2}>{title}</Title>
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      </div>
      <table className={classes.table} role="table" aria-label={title}>
        <thead role="rowgroup">
          <tr role="row">
            {['Source', 'Records', ...amounts.map(([, label]) => label), 'Variance'].map((label) => (
              <th key={label} role="columnheader" scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {[...rows, { ...total, value: undefined }].map((row) => (
            <tr key={row.value ?? 'total'} role="row" data-total={row.value === undefined || undefined}>
              <th role="rowheader" scope="row">
                {row.value === undefined ? 'All' : nameOfValue(row.value)}
              </th>
              <CountCell seen={row[layer]} mirror={row[layer]} />
              <AmountCells seen={row[layer]} mirror={row[layer]} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function TotalsSkeleton() {
  return (
    <div aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading costs
      </span>
      <Skeleton height={104} />
    </div>
  );
}

const TablesSkeleton = () => (
  <div className={classes.tables} aria-busy="true">
    <Skeleton height={180} />
    <Skeleton height={180} />
  </div>
);
