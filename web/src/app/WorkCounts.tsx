import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { query } from '../api/graphql.ts';
import { formatCount } from '../format/numbers.ts';
import { useOrganization } from './organization.tsx';
import { workCountsDocument } from './queries.ts';
import classes from './WorkCounts.module.css';

/** Where each is looked into. */
const places = {
  drafts: { to: '/o/$code/changes' },
  pending: { to: '/o/$code/records', search: { flags: ['pending'], discontinued: true } },
  problems: { to: '/o/$code/problems' },
} satisfies Record<string, LinkProps>;

const explanations = {
  drafts: 'Records that you have changed and not submitted yet',
  pending: 'Records with submitted changes that PEMS has not confirmed yet, of anybody',
  problems: 'Drafts of yours that cannot be submitted before you decide something',
};

/** How much is drafted, on its way to PEMS, and stuck. */
export function WorkCounts() {
  const { organization } = useOrganization();
  const { data, isError } = useQuery(query(workCountsDocument, { organizationId: organization.id }));
  if (isError && !data) return <span />;
  const counts = data?.organization;
  if (!counts) return <Skeleton width={180} height={14} />;
  const shown = [
    ['drafts', counts.myDrafts.totalCount, 'draft', 'drafts'],
    ['pending', counts.pending.totalCount, 'pending', 'pending'],
    ['problems', counts.problems.totalCount, 'problem', 'problems'],
  ] as const;
  return (
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
  );
}
