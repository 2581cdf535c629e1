import { Button, Checkbox, Group, Modal, Skeleton, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { ApiError } from '../../api/errors.ts';
import type { PfaResolutionInput } from '../../api/generated/graphql.ts';
import { request } from '../../api/graphql.ts';
import { TakeoverNotice } from '../../app/TakeoverNotice.tsx';
import { useOrganization, useRefetch } from '../../app/organization.tsx';
import { useFollow } from '../../app/useFollow.ts';
import { useView } from '../../app/useView.ts';
import { complain } from '../../components/complain.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { CheckIcon } from '../../components/icons.tsx';
import { LeftOutOfAddress } from '../../components/LeftOutOfAddress.tsx';
import { Page } from '../../components/Page.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { Pager, usePageWithin } from '../../components/Pager.tsx';
import { formatCount, formatRecords } from '../../format/numbers.ts';
import { offerUndo } from '../../records/offerUndo.tsx';
import { HistoryDrawer } from '../../records/RecordHistory.tsx';
import { resolveAllDocument, resolveDocument } from './documents.ts';
import { LeftDrafts } from './LeftDrafts.tsx';
import { ProblemCard } from './ProblemCard.tsx';
import { pageSize, problemsQuery, type ProblemRecord } from './problems.ts';
import classes from './Problems.module.css';
import { validateProblemsView } from './view.ts';

const route = getRouteApi('/o/$code/problems');
const queries = ['Problems', 'WorkCounts', 'DraftAuthors'] as const;

const values = (count: number) => `${formatCount(count)} ${count === 1 ? 'value' : 'values'}`;
/** Lists the problems that keep the user's drafts from being submitted, with the ways to resolve them. */
export function ProblemsPage() {
  const { organization } = useOrganization();
  // The selection belongs to one organization.
  return <ProblemList key={organization.id} />;
}

/** `record key`: neither contains a space. */
const nameOf = (pfaId: string, key: string) => `${pfaId} ${key}`;

function ProblemList() {
  const { organization, canEdit, canAdminister } = useOrganization();
  const organizationId = organization.id;
  const { view, leftOut } = useView(route.useSearch(), validateProblemsView);
  const { page = 1 } = view;
  const navigate = useNavigate();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [history, setHistory] = useState<string>();
  const { data, error, refetch, isFetching } = useQuery({
    ...problemsQuery(organizationId, page),
    placeholderData: keepPreviousData,
  });
  useFollow(...queries);
  const refetchAll = useRefetch(...queries, 'MyDrafts', 'MyDraftTotals');
  const onPage = (next: number) =>
    void navigate({
      to: '/o/$code/problems',
      params: { code: organization.code },
      search: next > 1 ? { page: next } : {},
      resetScroll: false,
    });
  usePageWithin({ page, pageSize, total: isFetching ? undefined : data?.total }, onPage);

  const resolved = (keyCount: number, operationId: string | null | undefined, choice: string) => {
    const isMine = choice !== 'theirs';
    offerUndo({
      organizationId,
      operationId,
      title: `${values(keyCount)} decided.`,
      message: isMine ? 'Submit again under Changes.' : 'The current value stays.',
      onUndone: refetchAll,
    });
  };
  const resolve = useMutation({
    mutationFn: (resolutions: PfaResolutionInput[]) =>
      request(resolveDocument, { organizationId, resolutions }),
    networkMode: 'always',
    onSuccess: ({ resolveProblems }, resolutions) => {
      setSelected(new Set());
      const result = resolveProblems?.result;
      resolved(result?.keyCount ?? 0, result?.operationId, resolutions[0]?.choice ?? '');
    },
    onSettled: refetchAll,
  });

  /** Selected values that still have a problem, by record. */
  const chosen = (data?.records ?? []).flatMap(({ pfaId, revision, problems }) => {
    const keys = problems.filter(({ key }) => selected.has(nameOf(pfaId, key)));
    return keys.length > 0 ? [{ pfaId, revision, keys }] : [];
  });
  const count = chosen.reduce((sum, { keys }) => sum + keys.length, 0);
  const onlyTheirs = chosen.some(({ keys }) => keys.some(({ kind }) => kind === 'removed'));
  const resolveChosen = (choice: 'mine' | 'theirs') =>
    resolve.mutate(
      chosen.map(({ pfaId, revision, keys }) => ({
        recordId: pfaId,
        revision,
        choice,
        keys: keys.map(({ key }) => key),
      })),
      { onError: (thrown) => complain('The problem wasn’t resolved.', thrown) },
    );

  return (
    <Page
      title="Problems"
      scope={organization.code}
      subtitle={data && data.total > 0 ? `${formatRecords(data.total)} needing your decision` : undefined}
    >
      <LeftOutOfAddress leftOut={leftOut} onDismiss={() => onPage(page)} />
      <TakeoverNotice />
      {error && (
        <ErrorPanel
          title={data ? 'The list may be out of date.' : 'The problems couldn’t be loaded.'}
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      )}
      {!data && !error && (
        <div aria-busy="true">
          <span className="visually-hidden" role="status">
            Loading problems
          </span>
          <Skeleton height={44} mb={12} />
          <Skeleton height={180} />
        </div>
      )}
      {data?.total === 0 && (
        <EmptyState
          icon={CheckIcon}
          title="No problems"
          action={
            <PageLink to="/o/$code/changes" params={{ code: organization.code }}>
              Go to changes
            </PageLink>
          }
        >
          Drafts appear here when another user or PEMS changed the same value, or when PEMS rejected a change.
        </EmptyState>
      )}
      {data && data.total > 0 && (
        <>
          {canEdit && (
            <div className={classes.bar} role="group" aria-label="Resolve several">
              <Checkbox
                size="sm"
                label={count > 0 ? `${values(count)} selected` : 'Select all on this page'}
                checked={count > 0 && count === countOf(data.records)}
                indeterminate={count > 0 && count < countOf(data.records)}
                onChange={({ currentTarget }) =>
                  setSelected(currentTarget.checked ? all(data.records) : new Set())
                }
              />
              <Group gap={6}>
                <Button
                  size="compact-sm"
                  variant="default"
                  disabled={count === 0}
                  loading={resolve.isPending}
                  onClick={() => resolveChosen('theirs')}
                >
                  Take theirs
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  disabled={count === 0 || onlyTheirs}
                  title={
                    onlyTheirs ? 'This record was removed from PEMS, so you can only take theirs' : undefined
                  }
                  loading={resolve.isPending}
                  onClick={() => resolveChosen('mine')}
                >
                  Keep mine
                </Button>
              </Group>
              <ResolveAll
                total={data.total}
                revision={data.revision}
                onResolved={resolved}
                onSettled={() => {
                  setSelected(new Set());
                  refetchAll();
                }}
              />
            </div>
          )}
          <ul className={classes.list} aria-label="Problems">
            {data.records.map((record) => (
              <ProblemCard
                key={record.pfaId}
                record={record}
                isSelected={(key) => selected.has(nameOf(record.pfaId, key))}
                onSelect={(key) => setSelected(toggled(selected, nameOf(record.pfaId, key)))}
                onHistory={() => setHistory(record.pfaId)}
                resolve={(resolution) =>
                  resolve.mutateAsync([resolution]).then(
                    () => undefined,
                    (thrown: ApiError) => thrown,
                  )
                }
              />
            ))}
          </ul>
          <Pager
            page={page}
            pageSize={pageSize}
            total={data.total}
            onChange={onPage}
            label="Pages of problems"
          />
        </>
      )}
      {canAdminister && <LeftDrafts onChanged={refetchAll} />}
      <HistoryDrawer organizationId={organizationId} pfaId={history} onClose={() => setHistory(undefined)} />
    </Page>
  );
}

const countOf = (list: ProblemRecord[]): number =>
  list.reduce((sum, { problems }) => sum + problems.length, 0);

const all = (list: ProblemRecord[]): Set<string> =>
  new Set(list.flatMap(({ pfaId, problems }) => problems.map(({ key }) => nameOf(pfaId, key))));

function toggled(set: ReadonlySet<string>, name: string): Set<string> {
  const next = new Set(set);
  if (!next.delete(name)) next.add(name);
  return next;
}

/** Resolves all problems in the same way, including those of other pages. */
function ResolveAll({
  total,
  revision,
  onResolved,
  onSettled,
}: {
  total: number;
  revision: string;
  onResolved: (keyCount: number, operationId: string | null | undefined, choice: string) => void;
  onSettled: () => void;
}) {
  const { organization } = useOrganization();
  /** Applies to the problems at the time of the question; later ones stay, and the notice counts them. */
  const [asked, setAsked] = useState<{ choice: 'mine' | 'theirs'; total: number; revision: string }>();
  const resolveAll = useMutation({
    mutationFn: ({ choice, revision }: { choice: string; revision: string }) =>
      request(resolveAllDocument, { organizationId: organization.id, choice, revision }),
    networkMode: 'always',
    onSuccess: ({ resolveAllProblems }, { choice }) => {
      const result = resolveAllProblems?.result;
      onResolved(result?.keyCount ?? 0, result?.operationId, choice);
      const refused = (Array.isArray(result?.refused) ? result.refused : []) as {
        recordId: string;
        problem: string;
      }[];
      const [first] = refused;
      if (first)
        notifications.show({
          color: 'yellow',
          title: `${formatRecords(refused.length)} unchanged.`,
          message: `${first.recordId}: ${first.problem}.`,
        });
    },
    onError: (thrown) => complain('The problem wasn’t resolved.', thrown),
    onSettled,
  });
  const close = () => setAsked(undefined);
  return (
    <>
      <Group gap={6} ml="auto">
        <Button
          size="compact-sm"
          variant="subtle"
          loading={resolveAll.isPending}
          onClick={() => setAsked({ choice: 'theirs', total, revision })}
        >
          Take all theirs…
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          loading={resolveAll.isPending}
          onClick={() => setAsked({ choice: 'mine', total, revision })}
        >
          Keep all mine…
        </Button>
      </Group>
      <Modal
        opened={asked !== undefined}
        onClose={close}
        title={
          asked?.choice === 'mine'
            ? `Keep yours for all problems of ${formatRecords(asked.total)}?`
            : `Take theirs for all problems of ${formatRecords(asked?.total ?? 0)}?`
        }
      >
        <Text size="sm" mb="md">
          {asked?.choice === 'mine'
            ? 'Your values stay as drafts on top of the current values. Submit them again to send them to PEMS.'
            : 'Your values with problems are discarded, and the current values stay. You can undo this.'}
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close} data-autofocus>
            Cancel
          </Button>
          <Button
            onClick={() => {
              if (asked) resolveAll.mutate(asked);
              close();
            }}
          >
            {asked?.choice === 'mine' ? 'Keep all mine' : 'Take all theirs'}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
