import { useThrottledCallback } from '@mantine/hooks';
import { useOrganizationEvents, useRefetch } from './organization.tsx';

/** Pause before the next refetch, in milliseconds, because thousands of changes arrive as hundreds of events. */
const pace = 1000;

/**
 * Refetches the queries with these names after changes in the organization: at once, then at most once per interval.
 */
export function useFollow(...names: string[]): void {
  const follow = useThrottledCallback(useRefetch(...names), pace);
  useOrganizationEvents(({ kind, sync }) => {
    if (kind !== 'SYNC' || sync?.state !== 'running') follow();
  });
}
