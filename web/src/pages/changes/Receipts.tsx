import { ActionIcon, Button, SegmentedControl, Skeleton, Text, Tooltip } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { query } from '../../api/graphql.ts';
import type { CommitsQuery, PfaCommitFilter } from '../../api/generated/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { CheckIcon, HistoryIcon, PendingIcon, ReviewIcon, SyncIcon } from '../../components/icons.tsx';
import { Moment } from '../../components/Moment.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { Pager, usePageWithin } from '../../components/Pager.tsx';
import { useNow } from '../../components/useNow.ts';
import { formatCount } from '../../format/numbers.ts';
import { formatIn } from '../../format/times.ts';
import { asValues, FieldChange, sortedKeys } from '../../records/FieldValue.tsx';
import { recordSearch } from '../../records/recordSearch.ts';
import { usePersonId } from '../../session/session.ts';
import classes from './Changes.module.css';
import { commitsDocument } from './documents.ts';
import { useWithdraw } from './Progress.tsx';
import type { ChangesView } from './view.ts';

const pageSize = 25;

type Commit = NonNullable<NonNullable<CommitsQuery['organization']>['commits']['nodes'][number]>;

interface Props {
  view: ChangesView;
  onView: (view: ChangesView) => void;
  onHistory: (pfaId: string) => void;
  onWithdrawn: () => void;
}

/** A receipt for each submitted record: user, time, changes, and whether PEMS has confirmed them. */
export function Receipts({ view, onView, onHistory, onWithdrawn }: Props) {
  const { organization } = useOrganization();
  const me = usePersonId();
  const { whose, state, page = 1 } = view;
  const filter: PfaCommitFilter = {
    ...(whose === 'all' ? {} : { userId: { equalTo: me } }),
    ...(state === 'open' ? { state: { in: ['committed', 'syncing'] } } : {}),
  };
  const { data, error, refetch, isFetching } = useQuery({
    ...query(commitsDocument, {
      organizationId: organization.id,
      // The API refuses an empty filter.
      ...(Object.keys(filter).length > 0 ? { filter } : {}),
      first: pageSize,
      offset: (page - 1) * pageSize,
    }),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const commits = data?.organization?.commits;
  const onPage = (next: number) => onView({ ...view, page: next });
  usePageWithin({ page, pageSize, total: isFetching ? undefined : commits?.totalCount }, onPage);
  return (
    <>
      <div className={classes.choices}>
        <SegmentedControl
          size="xs"
          aria-label="Whose"
          value={whose ?? 'mine'}
          data={[
            { value: 'mine', label: 'Mine' },
            { value: 'all', label: 'Everybody’s' },
          ]}
          onChange={(value) =>
            onView({
              show: 'submitted',
              ...(state ? { state } : {}),
              ...(value === 'all' ? { whose: 'all' } : {}),
            })
          }
        />
        <SegmentedControl
          size="xs"
          aria-label="Status"
          value={state ?? 'any'}
          data={[
            { value: 'any', label: 'All' },
            { value: 'open', label: 'Sending to PEMS' },
          ]}
          onChange={(value) =>
            onView({
              show: 'submitted',
              ...(whose ? { whose } : {}),
              ...(value === 'open' ? { state: 'open' } : {}),
            })
          }
        />
      </div>
      {error && (
        <ErrorPanel
          title={commits ? 'The list may be out of date.' : 'The submitted changes couldn’t be loaded.'}
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      )}
      {!commits && !error && (
        <div aria-busy="true">
          <span className="visually-hidden" role="status">
            Loading submitted changes
          </span>
          <Skeleton height={240} />
        </div>
      )}
      {commits?.totalCount === 0 && (
        <EmptyState
          icon={ReviewIcon}
          title={state === 'open' ? 'No pending changes' : 'Nothing submitted yet'}
        >
          {state === 'open'
            ? 'PEMS confirmed every submitted change, or returned it to its author’s drafts as a problem.'
            : 'Submitted changes appear here with their status in PEMS.'}
        </EmptyState>
      )}
      {commits && commits.totalCount > 0 && (
        <>
          <div className={classes.panel}>
            <table className={classes.table} role="table" aria-label="Submitted changes">
              <thead role="rowgroup">
                <tr role="row">
                  {['Record', 'Changes', 'Submitted', 'PEMS'].map((name) => (
                    <th key={name} role="columnheader" scope="col">
                      {name}
                    </th>
                  ))}
                  <th role="columnheader" scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody role="rowgroup">
                {commits.nodes.map(
                  (commit) =>
                    commit && (
                      <Receipt
                        key={commit.id}
                        commit={commit}
                        onHistory={onHistory}
                        onWithdrawn={onWithdrawn}
                      />
                    ),
                )}
              </tbody>
            </table>
          </div>
          <Pager
            page={page}
            pageSize={pageSize}
            total={commits.totalCount}
            onChange={onPage}
            label="Pages of submitted changes"
          />
        </>
      )}
    </>
  );
}

function Receipt({
  commit,
  onHistory,
  onWithdrawn,
}: {
  commit: Commit;
  onHistory: (pfaId: string) => void;
  onWithdrawn: () => void;
}) {
  const { organization, canEdit } = useOrganization();
  const { pfaId, username, isMine, state, comment, committedAt } = commit;
  const [delta, base] = [asValues(commit.delta), asValues(commit.base)];
  const withdraw = useWithdraw(onWithdrawn);
  return (
    <tr role="row" aria-label={pfaId} data-state={state}>
      <th role="rowheader" scope="row">
        <PageLink to="/o/$code/records" params={{ code: organization.code }} search={recordSearch(pfaId)}>
          {pfaId}
        </PageLink>
      </th>
      <td role="cell">
        <ul className={classes.changes}>
          {sortedKeys(delta).map((key) => (
            <li key={key} data-key={key}>
              <FieldChange field={key} from={base[key]} to={delta[key]} />
            </li>
          ))}
        </ul>
        {comment && <Text className={classes.comment}>{comment}</Text>}
      </td>
      <td role="cell" data-label="Submitted">
        <div>
          <Moment at={committedAt} />
          <Text size="xs" c="dimmed">
            by {isMine ? 'you' : (username ?? 'a deleted account')}
          </Text>
        </div>
      </td>
      <td role="cell" data-label="PEMS">
        <State commit={commit} />
      </td>
      <td role="cell" className={classes.actions}>
        {isMine && canEdit && state === 'committed' && (
          <Button
            size="compact-xs"
            variant="default"
            loading={withdraw.isPending}
            aria-label={`Withdraw change to ${pfaId}`}
            onClick={() => withdraw.mutate([commit.id])}
          >
            Withdraw
          </Button>
        )}
        <Tooltip label="History">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`History of ${pfaId}`}
            onClick={() => onHistory(pfaId)}
          >
            <HistoryIcon size={16} />
          </ActionIcon>
        </Tooltip>
      </td>
    </tr>
  );
}

/** Status of a submitted change. Confirmed means that the worker read the value back from PEMS. */
function State({ commit: { state, settledAt, retryAt, attempts } }: { commit: Commit }) {
  const tries = attempts > 1 ? `, ${formatCount(attempts)} attempts` : '';
  switch (state) {
    case 'synced':
      return (
        <div className={classes.state} data-state={state}>
          <span>
            <CheckIcon size={14} /> Confirmed
          </span>
          <Text size="xs" c="dimmed">
            {settledAt && <Moment at={settledAt} />}
            {tries}
          </Text>
        </div>
      );
    case 'syncing':
      return (
        <div className={classes.state} data-state={state}>
          <span>
            <SyncIcon size={14} /> Being written
          </span>
          <Text size="xs" c="dimmed">
            {retryAt ? <Retry at={retryAt} tries={tries} /> : `not confirmed yet${tries}`}
          </Text>
        </div>
      );
    default:
      return (
        <div className={classes.state} data-state={state}>
          <span>
            <PendingIcon size={14} /> Waiting
          </span>
          <Text size="xs" c="dimmed">
            {retryAt ? <Retry at={retryAt} tries={tries} /> : 'not written yet'}
          </Text>
        </div>
      );
  }
}

/** Time until the next attempt to write. */
function Retry({ at, tries }: { at: string; tries: string }) {
  return (
    <>
      retries {formatIn(Date.parse(at), useNow(1000))}
      {tries}
    </>
  );
}
