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

/** The run of a sync that is under way, as events tell it. */
export interface RunningSync {
  runId: string;
  rowsRead: number;
}

interface Scope {
  organization: Organization;
  /** Drafting and committing. */
  canEdit: boolean;
  /** Asking for a sync, pausing, other people's drafts. */
  canAdminister: boolean;
  /** What of mine has not reached the server yet. It goes out whatever page this is, also what an earlier visit has left. */
  edits: EditQueue;
  runningSync: RunningSync | undefined;
  /** The subscription ended for good, e.g. because the membership was taken away. */
  ended: ApiError | undefined;
  listen: (listener: Listener) => () => void;
}

type Listener = (event: OrganizationEvent) => void;

const ScopeContext = createContext<Scope | undefined>(undefined);

/** The organization that the page is about, and what the person may do there. */
export function useOrganization(): Scope {
  const scope = useContext(ScopeContext);
  if (!scope) throw new Error('This is for pages of an organization.');
  return scope;
}

const nothing = { subscribe: () => () => undefined, getVersion: () => 0 };

/** How many edits of this organization have not reached the server, and how to discard them; none outside of one. */
export function useUnsavedEdits(): { count: number; discard: () => void } {
  const edits = useContext(ScopeContext)?.edits;
  const { subscribe, getVersion } = edits ?? nothing;
  useSyncExternalStore(subscribe, getVersion);
  const all = edits?.all() ?? [];
  return { count: all.length, discard: () => edits?.drop(...all) };
}

/** Calls with each event of the organization. After READY and RESYNC something may have been missed: ask for it anew. */
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

/** Asks queries of these names anew, when anybody looks at them. */
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

/** Follows an organization: one subscription for everything that is shown of it. */
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
      // Whether the organization is still ours.
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
