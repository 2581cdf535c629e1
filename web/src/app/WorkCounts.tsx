import { Skeleton, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useState, useSyncExternalStore } from 'react';
import { query } from '../api/graphql.ts';
import { WarningIcon } from '../components/icons.tsx';
import { formatCount } from '../format/numbers.ts';
import { UnsavedDialog } from '../records/UnsavedDialog.tsx';
import { useOrganization } from './organization.tsx';
import { workCountsDocument } from './queries.ts';
import classes from './WorkCounts.module.css';

/** Page where the user finds the records behind each count. */
const places = {
  drafts: { to: '/o/$code/changes' },
  pending: { to: '/o/$code/records', search: { flags: ['pending'], discontinued: true } },
  problems: { to: '/o/$code/problems' },
} satisfies Record<string, LinkProps>;

const explanations = {
  drafts: 'Records you changed but haven’t submitted',
  pending: 'Records with submitted changes that PEMS hasn’t confirmed, from all users',
  problems: 'Your drafts that need a decision before you can submit them',
};

/**
 * Counts the edits that have not reached the server, from any page; renders nothing if there are none. Its dialog is
 * part of the first bundle, because it opens when no server can deliver it.
 */
function Unsaved() {
  const { edits } = useOrganization();
  useSyncExternalStore(edits.subscribe, edits.getVersion);
  const [isOpen, setIsOpen] = useState(false);
  const stuck = edits.stuck();
  if (stuck.length === 0) {
    // Keeps the dialog from opening by surprise for a later edit.
    if (isOpen) setIsOpen(false);
    return null;
  }
  return (
    <>
      <UnstyledButton
        className={classes.unsaved}
        title="Your unsaved changes, and why they aren’t saved"
        onClick={() => setIsOpen(true)}
      >
        <WarningIcon size={14} /> <b className="figures">{formatCount(stuck.length)}</b> not saved
      </UnstyledButton>
      {isOpen && <UnsavedDialog stuck={stuck} onClose={() => setIsOpen(false)} />}
    </>
  );
}

/** Counts of unsaved edits, drafts, pending changes and problems. */
export function WorkCounts() {
  const { organization } = useOrganization();
  const { data, isError } = useQuery(query(workCountsDocument, { organizationId: organization.id }));
  const counts = data?.organization;
  if (!counts)
    return (
      <div className={classes.work}>
        <Unsaved />
        {!isError && <Skeleton width={180} height={14} />}
      </div>
    );
  const shown = [
    ['drafts', counts.myDrafts.totalCount, 'draft', 'drafts'],
    ['pending', counts.pending.totalCount, 'pending', 'pending'],
    ['problems', counts.problems.totalCount, 'problem', 'problems'],
  ] as const;
  return (
    <div className={classes.work}>
      <Unsaved />
      <ul className={classes.counts} aria-label="Your work">
        {shown.map(([kind, count, one, several]) => (
          <li key={kind} data-kind={kind} data-none={count === 0 || undefined}>
            <Link
              {...places[kind]}
              params={{ code: organization.code }}
              className={classes.link}
              title={explanations[kind]}
            >
              <b className="figures">{formatCount(count)}</b> {count === 1 ? one : several}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
