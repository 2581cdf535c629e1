import { useSyncExternalStore } from 'react';
import { whenConnected } from '../../api/connection.ts';
import { asApiError, type ApiError } from '../../api/errors.ts';
import type { PfaSelectionInput } from '../../api/generated/graphql.ts';
import { request } from '../../api/graphql.ts';
import { sessionState, subscribeToSession } from '../../session/session.ts';
import { commitDocument, committedSinceDocument, lastCommitDocument } from './documents.ts';

/** A record, or one of its values, that the server left in the draft, with the reason. */
export interface Left {
  recordId: string;
  key?: string;
  kind: string;
  problem: string;
}

/** State of the last submission; only a response of the server makes it submitted. */
export type Submission =
  | { phase: 'sending'; count: number }
  /** The answer is lost: the server is asked what has become of it. */
  | { phase: 'unknown'; count: number; since: string }
  | { phase: 'done'; recordCount: number; keyCount: number; left: Left[] }
  /** The answer was lost, and the server has it; what it left in the draft and why, nobody has heard. */
  | { phase: 'found'; recordCount: number }
  /** The answer was lost, and the server has nothing of it. */
  | { phase: 'lost'; count: number; since: string }
  | { phase: 'failed'; error: ApiError };

/** The state, and the comment being written, outlive visits to other pages. */
const byOrganization = new Map<number, Submission>();
const comments = new Map<number, string>();
const listeners = new Set<() => void>();

function become(organizationId: number, submission: Submission | undefined): void {
  if (submission) byOrganization.set(organizationId, submission);
  else byOrganization.delete(organizationId);
  for (const listener of listeners) listener();
}

const personId = () => {
  const session = sessionState();
  return session.status === 'signed-in' ? session.person.id : undefined;
};

let person = personId();
// The next user of this tab must not see data of the previous one.
subscribeToSession(() => {
  if (personId() === person) return;
  person = personId();
  byOrganization.clear();
  comments.clear();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useSubmission = (organizationId: number): Submission | undefined =>
  useSyncExternalStore(subscribe, () => byOrganization.get(organizationId));

export const commentFor = (organizationId: number): string => comments.get(organizationId) ?? '';
export const keepComment = (organizationId: number, comment: string): void =>
  void comments.set(organizationId, comment);

export const dismiss = (organizationId: number): void => become(organizationId, undefined);

/** After these errors the outcome is unknown; all others mean that nothing was submitted. */
const unclear = ['NETWORK', 'DATABASE_UNAVAILABLE', 'UNEXPECTED_ANSWER', 'INTERNAL', 'TIMEOUT'];

/** Pauses between checks of a lost submission, in milliseconds, because the server may still be working on it. */
const questions = [300, 1000, 2000, 3000];

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Wanted {
  organizationId: number;
  selection: PfaSelectionInput | null;
  comment: string;
  /** Number of selected records. */
  count: number;
  /** Called with the user's newest commit before this one, unless changes are still pending. */
  onSince: (id: string) => void;
}

/** Commits drafts. Resolves to true if the server confirmed that it committed some. */
export async function submit({
  organizationId,
  selection,
  comment,
  count,
  onSince,
}: Wanted): Promise<boolean> {
  const me = personId() ?? 0;
  const say = (submission: Submission) => {
    if (personId() === me) become(organizationId, submission);
  };
  say({ phase: 'sending', count });
  let since: string;
  try {
    const { organization } = await request(lastCommitDocument, { organizationId, me });
    since = organization?.last.nodes[0]?.id ?? '0';
    if (organization?.open.totalCount === 0) onSince(since);
  } catch (thrown) {
    // Nothing was sent yet.
    say({ phase: 'failed', error: asApiError(thrown) });
    return false;
  }
  try {
    const { commitDrafts } = await request(commitDocument, {
      organizationId,
      selection,
      comment: comment.trim() || null,
    });
    const result = commitDrafts?.result;
    const left = Array.isArray(result?.refused) ? (result.refused as Left[]) : [];
    say({ phase: 'done', recordCount: result?.recordCount ?? 0, keyCount: result?.keyCount ?? 0, left });
    return (result?.recordCount ?? 0) > 0;
  } catch (thrown) {
    const error = asApiError(thrown);
    if (!unclear.includes(error.code)) {
      say({ phase: 'failed', error });
      return false;
    }
  }
  say({ phase: 'unknown', count, since });
  return (await findOut(organizationId)) > 0;
}

/** Checks several times whether the server received the submission. */
async function findOut(organizationId: number): Promise<number> {
  const submission = byOrganization.get(organizationId);
  if (submission?.phase !== 'unknown' && submission?.phase !== 'lost') return 0;
  const isCurrent = () => byOrganization.get(organizationId) === submission;
  for (const wait of submission.phase === 'unknown' ? questions : [0]) {
    await pause(wait);
    const recordCount = await committedSince(organizationId, personId() ?? 0, submission.since);
    if (recordCount === 0) continue;
    if (isCurrent()) become(organizationId, { phase: 'found', recordCount });
    return recordCount;
  }
  if (isCurrent()) become(organizationId, { ...submission, phase: 'lost' });
  return 0;
}

/** Returns the number of records that the user committed since; retries until there is a response. */
async function committedSince(organizationId: number, me: number, since: string): Promise<number> {
  for (;;) {
    await whenConnected();
    try {
      const { organization } = await request(committedSinceDocument, { organizationId, me, since });
      return organization?.commits.totalCount ?? 0;
    } catch (thrown) {
      if (!unclear.includes(asApiError(thrown).code)) throw thrown;
      await pause(1000);
    }
  }
}

/** Checks again, because a submission that seemed lost may have arrived late. */
export async function askAgain(organizationId: number): Promise<void> {
  if (byOrganization.get(organizationId)?.phase === 'lost') await findOut(organizationId);
}
