import { useEffect, useRef } from 'react';
import { useOrganizationEvents, useRefetch } from './organization.tsx';

/** How long to wait before asking again, in milliseconds: thousands of changes are told as hundreds of events. */
const rest = 700;

/** Asks queries of these names anew whenever something has changed in the organization, at once and then now and then. */
export function useFollow(...names: string[]): void {
  const refetch = useRefetch(...names);
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isDue = useRef(false);
  useEffect(() => () => clearTimeout(resting.current), []);
  const follow = () => {
    if (resting.current !== undefined) {
      isDue.current = true;
      return;
    }
    refetch();
    resting.current = setTimeout(() => {
      resting.current = undefined;
      if (!isDue.current) return;
      isDue.current = false;
      follow();
    }, rest);
  };
  useOrganizationEvents(({ kind, sync }) => {
    if (kind !== 'SYNC' || sync?.state !== 'running') follow();
  });
}
