import { useThrottledCallback } from '@mantine/hooks';
import { useOrganizationEvents, useRefetch } from './organization.tsx';

/** How long to wait before asking again, in milliseconds: thousands of changes are told as hundreds of events. */
const pace = 1000;

/** Asks queries of these names anew whenever something has changed in the organization, at once and then now and then. */
export function useFollow(...names: string[]): void {
  const follow = useThrottledCallback(useRefetch(...names), pace);
  useOrganizationEvents(({ kind, sync }) => {
    if (kind !== 'SYNC' || sync?.state !== 'running') follow();
  });
}
