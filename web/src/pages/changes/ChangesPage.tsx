import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { query } from '../../api/graphql.ts';
import { TakeoverNotice } from '../../app/TakeoverNotice.tsx';
import { useOrganization, useOrganizationEvents, useRefetch } from '../../app/organization.tsx';
import { useFollow } from '../../app/useFollow.ts';
import { useView } from '../../app/useView.ts';
import { complain } from '../../components/complain.ts';
import { LeftOutOfAddress } from '../../components/LeftOutOfAddress.tsx';
import { Page } from '../../components/Page.tsx';
import { formatCount } from '../../format/numbers.ts';
import { HistoryDrawer } from '../../records/RecordHistory.tsx';
import { draftTotalsDocument } from './documents.ts';
import { Progress } from './Progress.tsx';
import { Receipts } from './Receipts.tsx';
import { Review } from './Review.tsx';
import { SubmissionNotice } from './SubmissionNotice.tsx';
import { askAgain } from './submission.ts';
import { validateChangesView, type ChangesView } from './view.ts';

const route = getRouteApi('/o/$code/changes');

/** Queries of this page's parts, refetched after changes. */
export const changesQueries = [
  'MyDrafts',
  'MyDraftTotals',
  'CommitProgress',
  'Commits',
  'WorkCounts',
] as const;

/** Shows the user's drafts for review and submission, and the progress of submitted changes. */
export function ChangesPage() {
  const { organization } = useOrganization();
  // The selection and its notices belong to one organization.
  return <Changes key={organization.id} />;
}

function Changes() {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  const { view, leftOut } = useView(route.useSearch(), validateChangesView);
  const navigate = useNavigate();
  const [history, setHistory] = useState<string>();
  const { data } = useQuery({
    ...query(draftTotalsDocument, { organizationId, selection: null }),
    staleTime: 0,
  });
  useFollow(...changesQueries);
  const refetch = useRefetch(...changesQueries);
  useOrganizationEvents(({ kind }) => {
    if (kind === 'SYNC') return;
    askAgain(organizationId).catch((thrown: unknown) => {
      complain('The status of your submission is unknown.', thrown);
    });
  });

  const change = (next: ChangesView) =>
    void navigate({
      to: '/o/$code/changes',
      params: { code: organization.code },
      search: next,
      resetScroll: false,
    });
  const drafts = data?.organization?.myDraftTotals?.recordCount;

  return (
    <Page
      title="Changes"
      scope={organization.code}
      subtitle="Review and submit your drafts, and track submitted changes"
    >
      <LeftOutOfAddress leftOut={leftOut} onDismiss={() => change(view)} />
      <TakeoverNotice />
      <SubmissionNotice onFollow={() => change({ show: 'submitted' })} />
      <Progress onWithdrawn={refetch} />
      <Tabs
        value={view.show ?? 'drafts'}
        onChange={(value) => change(value === 'submitted' ? { show: 'submitted' } : {})}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="drafts">
            To submit{drafts === undefined ? '' : ` (${formatCount(drafts)})`}
          </Tabs.Tab>
          <Tabs.Tab value="submitted">Submitted</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="drafts">
          <Review
            page={view.page ?? 1}
            onPage={(page) => change({ page })}
            onHistory={setHistory}
            onChanged={refetch}
          />
        </Tabs.Panel>
        <Tabs.Panel value="submitted">
          <Receipts view={view} onView={change} onHistory={setHistory} onWithdrawn={refetch} />
        </Tabs.Panel>
      </Tabs>
      <HistoryDrawer organizationId={organizationId} pfaId={history} onClose={() => setHistory(undefined)} />
    </Page>
  );
}
