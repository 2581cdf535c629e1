import { ActionIcon, Button, Checkbox, Group, Modal, Skeleton, Text, Textarea, Tooltip } from '@mantine/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState } from 'react';
import { explain } from '../../components/explain.ts';
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
/** Records that can be selected on this page. */
const drafted = { flags: ['drafted'], discontinued: true } satisfies Filter;

/** Change of each total by drafts. */
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
  /** Reloads what the page shows. */
  onChanged: () => void;
}

/** Lists the user's drafts with old and new values and costs; the user submits or discards all or some. */
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
        title="Your drafts couldn’t be loaded."
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
        title="No drafts"
        action={
          <PageLink to="/o/$code/records" params={{ code: organization.code }}>
            Go to records
          </PageLink>
        }
      >
        {canEdit
          ? 'Edit records to create drafts. Only you see them until you submit.'
          : 'You have view-only access, so there is nothing to submit.'}
      </EmptyState>
    );

  const total = drafts.totalCount;
  const count = sizeOf(chosen, total);
  // A null selection means all drafts, including those that this page has not loaded.
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
          title="The list may be out of date."
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
                <span className="visually-hidden">Actions</span>
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
                      // A discarded draft is no longer an exception.
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
                  <WarningIcon size={13} /> Needs your decision
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
            aria-label={`Discard draft of ${pfaId}`}
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

/** Returns a function that discards drafts and offers to undo it. Null discards all drafts. */
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
            ? 'Draft discarded.'
            : `${formatCount(discardDrafts?.discarded ?? 0)} drafts discarded.`,
        onUndone: onChanged,
      });
    },
    onError: (error) => complain('The drafts couldn’t be discarded.', error),
    onSettled: onChanged,
  });
}

/** Returns the ids of all drafts of the user except these. */
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

/** Totals of the selection, with the form that submits it. */
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
      .catch((thrown: unknown) => complain('The status of your submission is unknown.', thrown))
      .finally(onDone);
  };
  const discardChosen = async () => {
    setIsAsking(false);
    if (isEverything(chosen)) return discard.mutate(null);
    try {
      discard.mutate(chosen.kind === 'allBut' ? await idsBut(organizationId, chosen.ids) : [...chosen.ids]);
    } catch (thrown) {
      complain('The drafts couldn’t be discarded.', thrown);
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
            The change in cost couldn’t be calculated: {explain(error)}
          </Text>
        ) : (
          <Skeleton width={220} height={36} />
        )}
        {totals && totals.problemCount > 0 && (
          <Text size="sm" className={classes.warning}>
            <WarningIcon size={14} />{' '}
            {totals.problemCount === 1 ? '1 of them has' : `${formatCount(totals.problemCount)} of them have`}{' '}
            a problem and will stay in your draft until you{' '}
            <PageLink to="/o/$code/problems" params={{ code: organization.code }}>
              resolve it
            </PageLink>
            .
          </Text>
        )}
      </div>
      {canEdit && (
        <div className={classes.send}>
          <Textarea
            label="Comment"
            placeholder="Reason for this change (optional)"
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
          The records show PEMS data and pending changes again. You can undo this.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => setIsAsking(false)} data-autofocus>
            Cancel
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
        Loading drafts
      </span>
      <Skeleton height={96} mb={16} />
      <Skeleton height={240} />
    </div>
  );
}
