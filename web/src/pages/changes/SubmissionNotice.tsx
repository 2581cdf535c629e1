import { Button, CloseButton, Loader, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useOrganization } from '../../app/organization.tsx';
import { CheckIcon, WarningIcon } from '../../components/icons.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { formatCount, formatRecords } from '../../format/numbers.ts';
import { fieldOf } from '../../records/FieldValue.tsx';
import { recordSearch } from '../../records/recordSearch.ts';
import classes from './Changes.module.css';
import { askAgain, dismiss, useSubmission, type Left } from './submission.ts';
import { explain } from '../../components/explain.ts';

/** Maximum number of listed values. */
const listed = 50;

/** The outcome of the last submission, or that it is unknown. */
export function SubmissionNotice({ onFollow }: { onFollow: () => void }) {
  const { organization } = useOrganization();
  const submission = useSubmission(organization.id);
  const close = () => dismiss(organization.id);
  const follow = (
    <Button size="compact-sm" variant="default" onClick={onFollow}>
      Track progress
    </Button>
  );
  // The live region exists from the start, so that screen readers announce its content.
  return (
    <div role="status" aria-live="polite">
      {submission?.phase === 'sending' && (
        <Notice tone="busy">Submitting {formatRecords(submission.count)} …</Notice>
      )}
      {submission?.phase === 'unknown' && (
        <Notice tone="busy">
          <b>The result of your submission is unknown.</b> The connection was lost before the server
          responded. Checking…
        </Notice>
      )}
      {submission?.phase === 'lost' && (
        <Notice tone="warning" onClose={close}>
          <b>Not submitted.</b> The connection was lost, and the server received nothing. The drafts of{' '}
          {formatRecords(submission.count)} are unchanged. Submit again. Nothing is submitted twice.{' '}
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => void askAgain(organization.id).catch(() => undefined)}
          >
            Check again
          </Button>
        </Notice>
      )}
      {submission?.phase === 'failed' && (
        <Notice tone="error" onClose={close}>
          <b>Nothing was submitted.</b> {explain(submission.error)}
        </Notice>
      )}
      {submission?.phase === 'found' && (
        <Notice tone="ok" onClose={close}>
          <b>{formatRecords(submission.recordCount)} submitted.</b> The response was lost, but the server
          received the submission. Records still listed below stay in your drafts. {follow}
        </Notice>
      )}
      {submission?.phase === 'done' && submission.recordCount > 0 && (
        <Notice tone="ok" onClose={close}>
          <b>{formatRecords(submission.recordCount)} submitted,</b> {formatCount(submission.keyCount)}{' '}
          {submission.keyCount === 1 ? 'value' : 'values'}. Everyone sees them as pending until PEMS confirms
          them. {follow}
        </Notice>
      )}
      {submission?.phase === 'done' && (submission.left.length > 0 || submission.recordCount === 0) && (
        <Notice tone="warning" onClose={close}>
          <LeftList left={submission.left} isNothing={submission.recordCount === 0} />
        </Notice>
      )}
    </div>
  );
}

function Notice({
  tone,
  onClose,
  children,
}: {
  tone: 'busy' | 'ok' | 'warning' | 'error';
  onClose?: () => void;
  children: ReactNode;
}) {
  return (
    <div className={classes.notice} data-tone={tone}>
      {tone === 'busy' ? (
        <Loader size={16} className={classes.noticeIcon} />
      ) : tone === 'ok' ? (
        <CheckIcon size={18} className={classes.noticeIcon} />
      ) : (
        <WarningIcon size={18} className={classes.noticeIcon} />
      )}
      <div className={classes.noticeText}>{children}</div>
      {onClose && <CloseButton size="sm" aria-label="Close" onClick={onClose} />}
    </div>
  );
}

/** Values that stay in the draft, each with the reason and the next step. */
function LeftList({ left, isNothing }: { left: Left[]; isNothing: boolean }) {
  const { organization } = useOrganization();
  const params = { code: organization.code };
  if (left.length === 0) return <b>Nothing was submitted: your draft has no values to submit.</b>;
  return (
    <>
      <b>
        {isNothing ? 'Nothing was submitted. ' : ''}
        {left.length === 1 ? '1 value stays' : `${formatCount(left.length)} values stay`} in your draft:
      </b>
      <ul className={classes.left}>
        {left.slice(0, listed).map(({ recordId, key, kind, problem }) => (
          <li key={`${recordId} ${key ?? ''}`}>
            <PageLink to="/o/$code/records" params={params} search={recordSearch(recordId)}>
              {recordId}
            </PageLink>{' '}
            {key && <b>{fieldOf(key).label}</b>} {problem}.{' '}
            {kind === 'busy' ? (
              'Submit it again afterwards.'
            ) : kind === 'invalid' ? (
              'Correct the record and submit again.'
            ) : kind === 'none' ? (
              'It is already submitted or discarded.'
            ) : (
              <PageLink to="/o/$code/problems" params={params}>
                Resolve it under Problems.
              </PageLink>
            )}
          </li>
        ))}
      </ul>
      {left.length > listed && (
        <Text size="sm">And {formatCount(left.length - listed)} more. The list below shows all of them.</Text>
      )}
    </>
  );
}
