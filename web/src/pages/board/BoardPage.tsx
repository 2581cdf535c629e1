import { Skeleton, Text, Title } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { query, graphql } from '../../api/graphql.ts';
import type { BoardQuery } from '../../api/generated/graphql.ts';
import { useOrganization, useOrganizationEvents, useRefetch } from '../../app/organization.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { BoardIcon } from '../../components/icons.tsx';
import { Page } from '../../components/Page.tsx';
import { Variance } from '../../components/Variance.tsx';
import { formatDate } from '../../format/dates.ts';
import {
  formatCount,
  formatDifference,
  formatDollarDifference,
  formatDollars,
  formatMoney,
} from '../../format/numbers.ts';
import classes from './BoardPage.module.css';

const boardDocument = graphql(`
  query Board($organizationId: Int!) {
    organization(id: $organizationId) {
      kpis {
        recordCount
        actualizedCount
        discontinuedCount
      }
      bounds {
        forecastStart
        forecastEnd
      }
      seen: sums {
        nodes {
          ...Costs
        }
      }
      mirror: sums(layer: mirror) {
        nodes {
          ...Costs
        }
      }
      seenBySource: sums(groupBy: source) {
        nodes {
          ...Costs
        }
      }
      mirrorBySource: sums(groupBy: source, layer: mirror) {
        nodes {
          ...Costs
        }
      }
    }
  }

  fragment Costs on PfaSum {
    groupValue
    recordCount
    planCost
    forecastCost
    actualCost
    variance
  }
`);

type Board = NonNullable<BoardQuery['organization']>;
type Costs = NonNullable<Board['seen']['nodes'][number]>;

const kinds = [
  ['planCost', 'Plan'],
  ['forecastCost', 'Forecast'],
  ['actualCost', 'Actual'],
] as const;

/** What the equipment of an organization costs. */
export function BoardPage() {
  const { organization } = useOrganization();
  const { data, error, refetch, isFetching } = useQuery({
    ...query(boardDocument, { organizationId: organization.id }),
    placeholderData: keepPreviousData,
  });
  const refetchBoard = useRefetch('Board');
  useOrganizationEvents(({ kind, sync }) => {
    if (kind !== 'SYNC' || sync?.state !== 'running') refetchBoard();
  });
  const board = data?.organization;
  return (
    <Page title="Board" scope={organization.code} subtitle={board && <Subtitle board={board} />}>
      {board ? (
        <Totals board={board} />
      ) : error ? (
        <ErrorPanel
          title="The costs could not be loaded."
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      ) : (
        <BoardSkeleton />
      )}
    </Page>
  );
}

function Subtitle({ board: { kpis, bounds } }: { board: Board }) {
  if (!kpis) return null;
  return (
    <span className="figures">
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

function Totals({ board }: { board: Board }) {
  const seen = board.seen.nodes[0];
  const mirror = board.mirror.nodes[0];
  if (!seen || !mirror || (Number(seen.recordCount) === 0 && Number(mirror.recordCount) === 0)) {
    return (
      <EmptyState icon={BoardIcon} title="There are no records here yet.">
        They come with the first sync; above you see how far it is. When it has ended and nothing is here,
        PEMS has none for this organization that count: discontinued records are left out.
      </EmptyState>
    );
  }
  return (
    <>
      <section className={classes.tiles} aria-label="Totals with my drafts">
        {kinds.map(([key, label]) => (
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
      <div className={classes.tables}>
        <CostTable
          title="With my drafts"
          note="PEMS, what is pending, and what you have drafted"
          total={seen}
          groups={board.seenBySource.nodes}
        />
        <CostTable
          title="Mirror of PEMS"
          note="as it was at the last sync"
          total={mirror}
          groups={board.mirrorBySource.nodes}
        />
      </div>
    </>
  );
}

function CostTable({
  title,
  note,
  total,
  groups,
}: {
  title: string;
  note: string;
  total: Costs;
  groups: Board['seenBySource']['nodes'];
}) {
  const rows: [string, Costs][] = [
    ...groups.flatMap((group): [string, Costs][] =>
      group ? [[group.groupValue ?? 'Not known', group]] : [],
    ),
    ['All', total],
  ];
  return (
    <section className={classes.panel}>
      <div className={classes.head}>
        <Title order={2}>{title}</Title>
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      </div>
      {/* Roles are said, because on a narrow screen the rows are laid out as blocks. */}
      <table className={classes.table} role="table" aria-label={title}>
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              Source
            </th>
            <th role="columnheader" scope="col">
              Records
            </th>
            {kinds.map(([key, label]) => (
              <th key={key} role="columnheader" scope="col">
                {label}
              </th>
            ))}
            <th role="columnheader" scope="col">
              Variance
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(([name, costs]) => (
            <tr key={name} role="row">
              <th role="rowheader" scope="row">
                {name}
              </th>
              <td role="cell" data-label="Records">
                {formatCount(costs.recordCount ?? 0)}
              </td>
              {kinds.map(([key, label]) => (
                <td key={key} role="cell" data-label={label}>
                  {formatMoney(costs[key])}
                </td>
              ))}
              <td role="cell" data-label="Variance">
                <Variance value={costs.variance} withCents />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function BoardSkeleton() {
  return (
    <div aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading the costs
      </span>
      <Skeleton height={104} mb={16} />
      <div className={classes.tables}>
        <Skeleton height={180} />
        <Skeleton height={180} />
      </div>
    </div>
  );
}
