import { useQuery, useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { ApiError } from '../api/errors.ts';
import type { MeQuery } from '../api/generated/graphql.ts';
import { query } from '../api/graphql.ts';
import { subscribeToOrganization, type OrganizationEvent } from '../api/realtime.ts';
import { editQueueOf, type EditQueue } from '../records/edits.ts';
import { usePersonId } from '../session/session.ts';
import { freshnessQuery, meDocument, workCountsDocument } from './queries.ts';

export type Organization = NonNullable<MeQuery['organizations']>['nodes'][number] & object;

/** The running sync, as events report it. */
export interface RunningSync {
  runId: string;
  rowsRead: number;
}

interface Scope {
  organization: Organization;
  /** True if the user may draft and commit. */
  canEdit: boolean;
  /** True if the user may request or pause syncs and handle other users' drafts. */
  canAdminister: boolean;
  /**
   * The user's edits that have not reached the server. The queue sends them from any page, including edits left by an
   * earlier visit.
   */
  edits: EditQueue;
  runningSync: RunningSync | undefined;
  /** Set if the subscription has ended for good, for example because the user lost the membership. */
  ended: ApiError | undefined;
  listen: (listener: Listener) => () => void;
}

type Listener = (event: OrganizationEvent) => void;

const ScopeContext = createContext<Scope | undefined>(undefined);

/** Returns the organization of the page, and what the user may do there. */
export function useOrganization(): Scope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error('This is for pages of an organization.');
  return scope;
}

const nothing = { subscribe: () => () => undefined, getVersion: () => 0 };

/**
 * Returns the number of unsaved edits of this organization, and a function that discards them; zero outside of an
 * organization.
 */
export function useUnsavedEdits(): { count: number; discard: () => void } {
  const edits = useContext(ScopeContext)?.edits;
  const { subscribe, getVersion } = edits ?? nothing;
  useSyncExternalStore(subscribe, getVersion);
  const all = edits?.all() ?? [];
  return { count: all.length, discard: () => edits?.drop(...all) };
}

/**
 * Calls the listener with each event of the organization. After READY and RESYNC, events may have been missed: reload
 * what is shown.
 */
export function useOrganizationEvents(listener: Listener): void {
  const { listen } = useOrganization();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}

export function useMe() {
  return useQuery(query(meDocument, {}));
}

/** Returns a function that refetches the queries with these names that are in use. */
export function useRefetch(...names: string[]): () => void {
  const queryClient = useQueryClient();
  const list = names.join();
  return useMemo(
    () => () => {
      for (const name of list.split(',')) void queryClient.invalidateQueries({ queryKey: [name] });
    },
    [queryClient, list],
  );
}

/** Follows an organization with one subscription for everything below it. */
export function OrganizationScope({
  organization,
  children,
}: {
  organization: Organization;
  children: ReactNode;
}) {
  const { id } = organization;
  const edits = editQueueOf(usePersonId(), id);
  const queryClient = useQueryClient();
  const listeners = useRef(new Set<Listener>());
  const [runningSync, setRunningSync] = useState<RunningSync>();
  const [ended, setEnded] = useState<ApiError>();

  useEffect(() => {
    const refetchCounts = () =>
      queryClient.invalidateQueries({
        queryKey: query(workCountsDocument, { organizationId: id }).queryKey,
      });
    const refetchFreshness = () => queryClient.invalidateQueries({ queryKey: freshnessQuery.queryKey });
    const onEvent = (event: OrganizationEvent) => {
      switch (event.kind) {
        case 'SYNC':
          if (event.sync?.state === 'running')
            setRunningSync({ runId: event.sync.runId, rowsRead: event.sync.rowsRead });
          else {
            setRunningSync(undefined);
            void refetchFreshness();
          }
          break;
        case 'READY':
        case 'RESYNC':
          void refetchFreshness();
          void refetchCounts();
          break;
        case 'COMMITS':
        case 'RECORDS':
          void refetchCounts();
          break;
      }
      for (const listener of listeners.current) listener(event);
    };
    return subscribeToOrganization(id, onEvent, (error) => {
      setEnded(error);
      // Reloads the memberships, because the user may have lost this one.
      void queryClient.invalidateQueries({ queryKey: query(meDocument, {}).queryKey });
    });
  }, [id, queryClient]);

  const scope = useMemo<Scope>(
    () => ({
      organization,
      canEdit: organization.myRole !== null && organization.myRole !== 'viewer',
      canAdminister: ['administrator', 'owner', 'admin'].includes(organization.myRole ?? ''),
      edits,
      runningSync,
      ended,
      listen: (listener) => {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
      },
    }),
    [organization, edits, runningSync, ended],
  );
  return <ScopeContext value={scope}>{children}</ScopeContext>;
}
