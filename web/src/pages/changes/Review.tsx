import { ActionIcon, Button, Checkbox, Group, Modal, Skeleton, Text, Textarea, Tooltip } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { asApiError } from '../../api/errors.ts';
import { query, request } from '../../api/graphql.ts';
import type { MyDraftsQuery, PfaSelectionInput } from '../../api/generated/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { rememberSubmittedSince } from '../../app/rememberedView.ts';
import { complain } from '../../components/complain.ts';
import { CostChange } from '../../components/CostChange.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { HistoryIcon, ReviewIcon, UndoIcon, WarningIcon } from '../../components/icons.tsx';
import { Pager, usePageWithin } from '../../components/Pager.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import type { Filter } from '../../filter/filter.ts';
import { formatCount, formatRecords, signOf } from '../../format/numbers.ts';
import { asValues, FieldChange, sortedKeys } from '../../records/FieldValue.tsx';
import { offerUndo } from '../../records/offerUndo.tsx';
import { useUnlistedValues } from '../../records/suggestions.ts';
import { recordSearch } from '../../records/recordSearch.ts';
import classes from './Changes.module.css';
import { discardDocument, draftIdsDocument, draftsDocument, draftTotalsDocument } from './documents.ts';
import {
  everything,
  inputOf,
  isEverything,
  isSelected,
  nothing,
  sizeOf,
  toggle,
  type Selection,
} from '../../records/selection.ts';
import { commentFor, keepComment, submit, useSubmission } from './submission.ts';

const pageSize = 50;
const longestComment = 2000;
/** What is chosen from here. */
const drafted = { flags: ['drafted'], discontinued: true } satisfies Filter;

/** What drafts add to each total. */
const costChanges = [
  ['planCostChange', 'Plan'],
  ['forecastCostChange', 'Forecast'],
  ['actualCostChange', 'Actual'],
] as const;

type Draft = NonNullable<NonNullable<MyDraftsQuery['organization']>['myDrafts']['nodes'][number]>;

interface Props {
  page: number;
  onPage: (page: number) => void;
  onHistory: (pfaId: string) => void;
  /** What is shown has to be asked for anew. */
  onChanged: () => void;
}

/** What I have drafted, old and new, with what it costs; to be submitted or discarded, all of it or some. */
export function Review({ page, onPage, onHistory, onChanged }: Props) {
  const { organization, canEdit } = useOrganization();
  const organizationId = organization.id;
  const [chosen, setChosen] = useState<Selection>(everything);
  const unlisted = useUnlistedValues();
  const { data, error, refetch, isFetching } = useQuery({
    ...query(draftsDocument, { organizationId, first: pageSize, offset: (page - 1) * pageSize }),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const drafts = data?.organization?.myDrafts;
  usePageWithin({ page, pageSize, total: isFetching ? undefined : drafts?.totalCount }, onPage);

  if (error && !data)
    return (
      <ErrorPanel
        title="Your drafts could not be loaded."
        error={error}
        onRetry={() => void refetch()}
        isRetrying={isFetching}
      />
    );
  if (!drafts) return <ReviewSkeleton />;
  if (drafts.totalCount === 0)
    return (
      <EmptyState
        icon={ReviewIcon}
        title="You have no drafts here."
        action={
          <PageLink to="/o/$code/records" params={{ code: organization.code }}>
            Go to the records
          </PageLink>
        }
      >
        {canEdit
          ? 'Change something in the records. It is yours alone, until you look it over here and submit it.'
          : 'You may read this organization, not change it, so there is nothing to submit.'}
      </EmptyState>
    );

  const total = drafts.totalCount;
  const count = sizeOf(chosen, total);
  // All of them is said as such: that is not what is known here, but what there is.
  const selection = isEverything(chosen) ? null : inputOf(chosen, drafted);
  const reset = () => {
    setChosen(everything);
    onChanged();
  };
  return (
    <>
      <SubmitPanel count={count} total={total} chosen={chosen} selection={selection} onDone={reset} />
      {error && (
        <ErrorPanel
          title="What is shown may be out of date."
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      )}
      <div className={classes.panel}>
        <table className={classes.table} role="table" aria-label="My drafts">
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col" className={classes.check}>
                <Checkbox
                  size="sm"
                  checked={count === total}
                  indeterminate={count > 0 && count < total}
                  onChange={() => setChosen(count === total ? nothing : everything)}
                  aria-label={`Select all ${formatCount(total)} drafts`}
                />
              </th>
              <th role="columnheader" scope="col">
                Record
              </th>
              <th role="columnheader" scope="col">
                Changes
              </th>
              <th role="columnheader" scope="col" className={classes.amount}>
                Cost
              </th>
              <th role="columnheader" scope="col">
                <span className="visually-hidden">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {drafts.nodes.map(
              (draft) =>
                draft && (
                  <DraftRow
                    key={draft.id}
                    draft={draft}
                    unlisted={unlisted.get(draft.pfaId)}
                    isChosen={isSelected(chosen, draft.pfaId)}
                    onToggle={() => setChosen(toggle(chosen, draft.pfaId))}
                    onHistory={onHistory}
                    onChanged={() => {
                      // What is gone is no exception any more.
                      if (chosen.ids.has(draft.pfaId)) setChosen(toggle(chosen, draft.pfaId));
                      onChanged();
                    }}
                  />
                ),
            )}
          </tbody>
        </table>
      </div>
      <Pager page={page} pageSize={pageSize} total={total} onChange={onPage} label="Pages of drafts" />
    </>
  );
}

function DraftRow({
  draft,
  unlisted,
  isChosen,
  onToggle,
  onHistory,
  onChanged,
}: {
  draft: Draft;
  /** Keys with a value that PEMS does not list. */
  unlisted: ReadonlyMap<string, readonly string[]> | undefined;
  isChosen: boolean;
  onToggle: () => void;
  onHistory: (pfaId: string) => void;
  onChanged: () => void;
}) {
  const { organization } = useOrganization();
  const { pfaId } = draft;
  const [delta, base, problems] = [asValues(draft.delta), asValues(draft.base), asValues(draft.problems)];
  const changed = costChanges.filter(([key]) => signOf(draft[key]) !== 0);
  const discard = useDiscard(onChanged);
  return (
    <tr role="row" aria-label={pfaId}>
      <td role="cell" className={classes.check}>
        <Checkbox size="sm" checked={isChosen} onChange={onToggle} aria-label={`Select ${pfaId}`} />
      </td>
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
              {unlisted?.has(key) && (
                <span className={classes.hint}>
                  <WarningIcon size={13} /> Not in the list of PEMS
                </span>
              )}
              {key in problems && (
                <PageLink
                  to="/o/$code/problems"
                  params={{ code: organization.code }}
                  className={classes.problem}
                >
                  <WarningIcon size={13} /> Problem: decide it first
                </PageLink>
              )}
            </li>
          ))}
        </ul>
      </td>
      <td role="cell" className={classes.amount} data-label="Cost">
        {changed.length === 0 ? (
          <CostChange value={draft.forecastCostChange} />
        ) : (
          <ul className={classes.costs}>
            {changed.map(([key, label]) => (
              <li key={key}>
                {label} <CostChange value={draft[key]} />
              </li>
            ))}
          </ul>
        )}
      </td>
      <td role="cell" className={classes.actions}>
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
        <Tooltip label="Discard">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Discard the draft of ${pfaId}`}
            loading={discard.isPending}
            onClick={() => discard.mutate([pfaId])}
          >
            <UndoIcon size={16} />
          </ActionIcon>
        </Tooltip>
      </td>
    </tr>
  );
}

/** Throws drafts away, and offers to take that back. Null: all of them. */
function useDiscard(onChanged: () => void) {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  return useMutation({
    mutationFn: (recordIds: string[] | null) => request(discardDocument, { organizationId, recordIds }),
    networkMode: 'always',
    onSuccess: ({ discardDrafts }) => {
      const newest = discardDrafts?.query?.organization?.myOperations.nodes[0];
      offerUndo({
        organizationId,
        operationId: newest?.kind === 'discard' ? newest.id : undefined,
        title:
          discardDrafts?.discarded === 1
            ? 'The draft is discarded.'
            : `${formatCount(discardDrafts?.discarded ?? 0)} drafts are discarded.`,
        onUndone: onChanged,
      });
    },
    onError: (error) => complain('The drafts could not be discarded.', error),
    onSettled: onChanged,
  });
}

/** The ids of all my drafts but these. */
async function idsBut(organizationId: number, except: ReadonlySet<string>): Promise<string[]> {
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const answer: Awaited<ReturnType<typeof idsAfter>> = await idsAfter(organizationId, after);
    for (const node of answer?.nodes ?? []) if (node && !except.has(node.pfaId)) ids.push(node.pfaId);
    after = answer?.pageInfo.hasNextPage ? answer.pageInfo.endCursor : null;
  } while (after !== null);
  return ids;
}

const idsAfter = async (organizationId: number, after: string | null) =>
  (await request(draftIdsDocument, { organizationId, after })).organization?.myDrafts;

/** What is selected comes to, and what is done with it. */
function SubmitPanel({
  count,
  total,
  chosen,
  selection,
  onDone,
}: {
  count: number;
  total: number;
  chosen: Selection;
  selection: PfaSelectionInput | null;
  onDone: () => void;
}) {
  const { organization, canEdit } = useOrganization();
  const organizationId = organization.id;
  const [comment, setComment] = useState(() => commentFor(organizationId));
  useEffect(() => keepComment(organizationId, comment), [organizationId, comment]);
  const [isAsking, setIsAsking] = useState(false);
  const headingId = useId();
  const submission = useSubmission(organizationId);
  const isSending = submission?.phase === 'sending' || submission?.phase === 'unknown';
  const { data, error } = useQuery({
    ...query(draftTotalsDocument, { organizationId, selection }),
    placeholderData: keepPreviousData,
    enabled: count > 0,
    staleTime: 0,
  });
  const totals = count > 0 ? data?.organization?.myDraftTotals : undefined;
  const discard = useDiscard(onDone);

  const send = () => {
    submit({
      organizationId,
      selection,
      comment,
      count,
      onSince: (id) => rememberSubmittedSince(organization.code, id),
    })
      .then((isCommitted) => {
        if (isCommitted) setComment('');
      })
      .catch((thrown: unknown) =>
        complain('It could not be found out what became of what you submitted.', thrown),
      )
      .finally(onDone);
  };
  const discardChosen = async () => {
    setIsAsking(false);
    if (isEverything(chosen)) return discard.mutate(null);
    try {
      discard.mutate(chosen.kind === 'allBut' ? await idsBut(organizationId, chosen.ids) : [...chosen.ids]);
    } catch (thrown) {
      complain('The drafts could not be discarded.', thrown);
    }
  };

  return (
    <section className={classes.submit} aria-labelledby={headingId}>
      <div className={classes.totals}>
        <h2 id={headingId} className={classes.heading}>
          {count === total
            ? `All ${formatRecords(total)} selected`
            : `${formatCount(count)} of ${formatRecords(total)} selected`}
        </h2>
        {count === 0 ? (
          <Text size="sm" c="dimmed">
            Select what is to be submitted or discarded.
          </Text>
        ) : totals ? (
          <dl className={classes.figures}>
            {costChanges.map(([key, label]) => (
              <div key={key}>
                <dt>{label}</dt>
                <dd data-total={key}>
                  <CostChange value={totals[key]} />
                </dd>
              </div>
            ))}
            <div>
              <dt>Values</dt>
              <dd className="figures">{formatCount(totals.keyCount)}</dd>
            </div>
          </dl>
        ) : error ? (
          <Text size="sm" className={classes.failure} role="alert">
            What it costs could not be reckoned: {asApiError(error).message}
          </Text>
        ) : (
          <Skeleton width={220} height={36} />
        )}
        {totals && totals.problemCount > 0 && (
          <Text size="sm" className={classes.warning}>
            <WarningIcon size={14} />{' '}
            {totals.problemCount === 1 ? '1 of them has' : `${formatCount(totals.problemCount)} of them have`}{' '}
            a problem: that stays in your draft until you{' '}
            <PageLink to="/o/$code/problems" params={{ code: organization.code }}>
              decide it
            </PageLink>
            .
          </Text>
        )}
      </div>
      {canEdit && (
        <div className={classes.send}>
          <Textarea
            label="Comment"
            placeholder="Why, for whoever reads the history (optional)"
            autosize
            minRows={1}
            maxRows={5}
            maxLength={longestComment}
            value={comment}
            disabled={isSending}
            onChange={({ currentTarget }) => setComment(currentTarget.value)}
          />
          <Group gap="xs" justify="flex-end">
            <Button
              variant="default"
              disabled={count === 0 || isSending}
              loading={discard.isPending}
              onClick={() => setIsAsking(true)}
            >
              Discard …
            </Button>
            <Button disabled={count === 0} loading={isSending} onClick={send}>
              Submit {formatRecords(count)}
            </Button>
          </Group>
        </div>
      )}
      <Modal
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={`Discard your drafts of ${formatRecords(count)}?`}
      >
        <Text size="sm" mb="md">
          The records are again as PEMS and what is pending have them. You can undo this afterwards.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => setIsAsking(false)} data-autofocus>
            Keep them
          </Button>
          <Button color="red.9" onClick={() => void discardChosen()}>
            Discard {formatRecords(count)}
          </Button>
        </Group>
      </Modal>
    </section>
  );
}

function ReviewSkeleton() {
  return (
    <div aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading your drafts
      </span>
      <Skeleton height={96} mb={16} />
      <Skeleton height={240} />
    </div>
  );
}
