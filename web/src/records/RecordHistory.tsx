import { Button, Drawer, Skeleton, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { request } from '../api/graphql.ts';
import type { RecordHistoryQuery } from '../api/generated/graphql.ts';
import { useFollow } from '../app/useFollow.ts';
import { ErrorPanel } from '../components/ErrorPanel.tsx';
import { Moment } from '../components/Moment.tsx';
import { formatCount } from '../format/numbers.ts';
import { historyDocument } from './documents.ts';
import { asValues, FieldChange, sortedKeys } from './FieldValue.tsx';
import classes from './RecordHistory.module.css';

const pageSize = 20;

type Change = NonNullable<NonNullable<RecordHistoryQuery['organization']>['changes']['nodes'][number]>;

interface Props {
  organizationId: number;
  pfaId: string;
}

/** The history of a record: user, old and new values, source and time of each change, newest first. */
export function RecordHistory({ organizationId, pfaId }: Props) {
  useFollow('RecordHistory');
  const { data, error, refetch, isFetching, fetchNextPage, hasNextPage, isFetchingNextPage } =
    useInfiniteQuery({
      queryKey: ['RecordHistory', { organizationId, pfaId }],
      queryFn: ({ pageParam, signal }) =>
        request(
          historyDocument,
          { organizationId, recordId: pfaId, first: pageSize, after: pageParam },
          signal,
        ),
      initialPageParam: null as string | null,
      getNextPageParam: ({ organization }) =>
        organization?.changes.pageInfo.hasNextPage ? organization.changes.pageInfo.endCursor : null,
      staleTime: 0,
    });
  if (error && !data)
    return (
      <ErrorPanel
        title="The history couldn’t be loaded."
        error={error}
        onRetry={() => void refetch()}
        isRetrying={isFetching}
      />
    );
  if (!data) return <HistorySkeleton />;
  const changes = data.pages.flatMap(({ organization }) => organization?.changes.nodes ?? []);
  const total = data.pages[0]?.organization?.changes.totalCount ?? 0;
  return (
    <div className={classes.history}>
      {changes.length === 0 ? (
        <Text size="sm">No changes yet</Text>
      ) : (
        <ol className={classes.list} aria-label={`History of ${pfaId}`}>
          {changes.map((change) => change && <Entry key={change.id} change={change} />)}
        </ol>
      )}
      {hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
          className={classes.more}
        >
          Show older ({formatCount(total - changes.length)} more)
        </Button>
      )}
      <Text size="xs" c="dimmed">
        History starts after the first sync. Other users’ drafts aren’t shown.
      </Text>
    </div>
  );
}

function Entry({ change: { username, route, event, changes, changedAt } }: { change: Change }) {
  const values = asValues(changes);
  return (
    <li className={classes.entry} data-route={route}>
      <div className={classes.head}>
        <span>
          <b>{username ?? (route === 'sync' ? 'PEMS' : 'Somebody')}</b> {wordsOf(route, event)}
        </span>
        <Text span size="xs" c="dimmed">
          <Moment at={changedAt} />
        </Text>
      </div>
      <ul className={classes.changes}>
        {sortedKeys(values).map((key) => {
          const { from, to } = asValues(values[key]);
          return (
            <li key={key}>
              <FieldChange field={key} from={from} to={to} />
            </li>
          );
        })}
      </ul>
    </li>
  );
}

const routes: Record<string, string> = {
  draft: 'drafted it',
  commit: 'submitted it',
  withdraw: 'withdrew submitted changes',
  takeover: 'took over a draft',
  sync: 'changed it (found by a sync)',
  push: 'submitted this, and PEMS confirmed it',
  resolve: 'resolved a problem',
};

/** Describes the source of a change. */
function wordsOf(route: string, event: string): string {
  switch (event) {
    case 'add':
      return 'added the record (found by a sync)';
    case 'remove':
      return 'removed the record (found by a sync)';
    case 'restore':
      return 'restored the record (found by a sync)';
    default:
      return routes[route] ?? route;
  }
}

function HistorySkeleton() {
  return (
    <div aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading history
      </span>
      {[0, 1, 2].map((i) => (
        <Skeleton key={i} height={48} mb={12} />
      ))}
    </div>
  );
}

interface DrawerProps {
  organizationId: number;
  /** The record; undefined closes the drawer. */
  pfaId: string | undefined;
  onClose: () => void;
}

/** The history of a record in a drawer over the page. */
export function HistoryDrawer({ organizationId, pfaId, onClose }: DrawerProps) {
  return (
    <Drawer
      opened={pfaId !== undefined}
      onClose={onClose}
      position="right"
      size="md"
      title={`History of ${pfaId ?? ''}`}
      closeButtonProps={{ 'aria-label': 'Close history' }}
    >
      {pfaId !== undefined && <RecordHistory organizationId={organizationId} pfaId={pfaId} />}
    </Drawer>
  );
}
