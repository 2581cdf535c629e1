import { Button, Group, Modal, Progress as Bar, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { query, request } from '../../api/graphql.ts';
import type { CommitProgressQuery } from '../../api/generated/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { submittedSince } from '../../app/rememberedView.ts';
import { complain } from '../../components/complain.ts';
import { CheckIcon, PendingIcon, WarningIcon } from '../../components/icons.tsx';
import { Moment } from '../../components/Moment.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { formatCount, formatRecords } from '../../format/numbers.ts';
import { usePersonId } from '../../session/session.ts';
import classes from './Changes.module.css';
import { progressDocument, withdrawDocument } from './documents.ts';
import { useSubmission } from './submission.ts';

type Push = NonNullable<NonNullable<CommitProgressQuery['organization']>['pushStatus']>;

/** Polling interval in milliseconds while changes are pending, because no event reports what delays PEMS. */
const interval = 5000;

/** Shows the progress of everything that the user submitted, from any browser, until PEMS confirms it. */
export function Progress({ onWithdrawn }: { onWithdrawn: () => void }) {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  const me = usePersonId();
  // The starting commit can change with each submission.
  useSubmission(organizationId);
  const since = submittedSince(organization.code);
  const { data } = useQuery({
    ...query(progressDocument, { organizationId, me, since: since ?? '0' }),
    staleTime: 0,
    refetchInterval: ({ state }) => (openOf(state.data) > 0 ? interval : false),
  });
  const progress = data?.organization;
  if (!progress) return null;
  const [waiting, writing] = [progress.waiting.totalCount, progress.writing.totalCount];
  // Without a start, the number of confirmed changes means nothing.
  const confirmed = since === undefined ? 0 : progress.confirmed.totalCount;
  const open = waiting + writing;
  if (open === 0 && confirmed === 0) return null;
  const total = open + confirmed;
  const problems = progress.problems.totalCount;
  return (
    <section className={classes.progress} aria-label="Sending to PEMS">
      <Group gap="xs" justify="space-between">
        <Group gap={8} wrap="nowrap" role="status">
          {open > 0 ? (
            <PendingIcon size={16} className={classes.accent} />
          ) : (
            <CheckIcon size={16} className={classes.good} />
          )}
          <Text size="sm" className="figures">
            {open > 0 ? (
              <>
                <b>Sending to PEMS:</b>{' '}
                {since !== undefined && `${formatCount(confirmed)} of ${formatRecords(total)} confirmed, `}
                {formatCount(waiting)} waiting, {formatCount(writing)} being written
              </>
            ) : (
              <>
                <b>Nothing is pending.</b> PEMS confirmed your last submission: {formatRecords(confirmed)}.
              </>
            )}
          </Text>
        </Group>
        {waiting > 0 && <WithdrawAll count={waiting} onWithdrawn={onWithdrawn} />}
      </Group>
      {open > 0 && since !== undefined && (
        <Bar
          value={(confirmed / total) * 100}
          size="sm"
          mt={8}
          aria-label="Confirmed by PEMS"
          aria-valuetext={`${formatCount(confirmed)} of ${formatCount(total)}`}
        />
      )}
      {open > 0 && progress.pushStatus && <HoldUp push={progress.pushStatus} />}
      {problems > 0 && (
        <Text size="sm" mt={6} className={classes.warning}>
          <WarningIcon size={14} />{' '}
          {problems === 1 ? '1 of your drafts has' : `${formatCount(problems)} of your drafts have`} a
          problem.{' '}
          <PageLink to="/o/$code/problems" params={{ code: organization.code }}>
            Resolve
          </PageLink>
        </Text>
      )}
    </section>
  );
}

const openOf = (data: CommitProgressQuery | undefined): number =>
  (data?.organization?.waiting.totalCount ?? 0) + (data?.organization?.writing.totalCount ?? 0);

/** Shows the reason why changes are not being written now. */
function HoldUp({ push }: { push: Push }) {
  const reason = (() => {
    switch (push.state) {
      case 'breaker_open':
        return (
          <>
            <b>Waiting: PEMS can’t be reached</b>
            {push.breakerOpenedAt && (
              <>
                {' '}
                since <Moment at={push.breakerOpenedAt} />
              </>
            )}
            . {push.breakerMessage} The app retries PEMS and continues automatically.
          </>
        );
      case 'paused':
      case 'connection_paused':
        return (
          <>
            <b>Waiting: sending to PEMS is paused</b>
            {push.pausedBy && ` by ${push.pausedBy}`}. An owner or admin can resume it.
          </>
        );
      case 'no_connection':
        return (
          <>
            <b>Waiting: no connection can write to PEMS.</b> An administrator can set one up.
          </>
        );
      default:
        return push.uncertainCount > 0 ? (
          <>
            PEMS didn’t respond to {push.uncertainCount === 1 ? 'a write' : 'some writes'}. The app checks the
            result in a few minutes.
          </>
        ) : undefined;
    }
  })();
  if (!reason) return null;
  return (
    <Text size="sm" mt={6} component="p" mb={0} className={classes.warning} role="status">
      <WarningIcon size={14} /> {reason}
    </Text>
  );
}

/** Returns a mutation that withdraws commits; null withdraws all that still wait. */
export function useWithdraw(onWithdrawn: () => void) {
  const { organization } = useOrganization();
  return useMutation({
    mutationFn: (ids: string[] | null) => request(withdrawDocument, { organizationId: organization.id, ids }),
    networkMode: 'always',
    onSuccess: ({ withdrawCommits }) => {
      const result = withdrawCommits?.result;
      const refused = Array.isArray(result?.refused) ? result.refused.length : 0;
      const count = result?.recordCount ?? 0;
      notifications.show({
        color: refused > 0 ? 'yellow' : undefined,
        title: count > 0 ? `${formatRecords(count)} moved back to your drafts.` : 'Nothing was withdrawn.',
        message:
          refused > 0 || count === 0
            ? 'Changes that are being written or are confirmed can’t be withdrawn.'
            : null,
      });
    },
    onError: (error) => complain('The changes couldn’t be withdrawn.', error),
    onSettled: onWithdrawn,
  });
}

function WithdrawAll({ count, onWithdrawn }: { count: number; onWithdrawn: () => void }) {
  const [isAsking, setIsAsking] = useState(false);
  const withdraw = useWithdraw(onWithdrawn);
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        loading={withdraw.isPending}
        onClick={() => setIsAsking(true)}
      >
        Withdraw pending…
      </Button>
      <Modal opened={isAsking} onClose={() => setIsAsking(false)} title={`Withdraw ${formatRecords(count)}?`}>
        <Text size="sm" mb="md">
          Changes that aren’t being written to PEMS yet become drafts again. Other users no longer see them.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => setIsAsking(false)} data-autofocus>
            Cancel
          </Button>
          <Button
            onClick={() => {
              setIsAsking(false);
              withdraw.mutate(null);
            }}
          >
            Withdraw
          </Button>
        </Group>
      </Modal>
    </>
  );
}
