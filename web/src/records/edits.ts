import { whenConnected } from '../api/connection.ts';
import { asApiError, hasCode, isPassing, type ApiError } from '../api/errors.ts';
import type { PfaDraftItemInput } from '../api/generated/graphql.ts';
import { request } from '../api/graphql.ts';
import { sessionState, subscribeToSession } from '../session/session.ts';
import { saveOnlyDocument } from './documents.ts';
import { refusalInWords } from './refusal.ts';
import { asSent, asValue, isSame, type Value } from './value.ts';
import { unsentOf, UnsentStore } from './unsent.ts';
import { explain } from '../components/explain.ts';

/** A change of one cell that the server has not confirmed. */
export interface Edit {
  readonly recordId: string;
  readonly key: string;
  readonly value: Value;
  /** Amounts are exact text until they are sent, because the API takes numbers. */
  readonly isAmount: boolean;
  /** The value and the revision of the record when the user began the change. */
  readonly seen: Value;
  readonly revision: string;
  /** `waiting`: the server is unreachable. `conflict`: another user changed the cell meanwhile. */
  readonly state: 'saving' | 'waiting' | 'refused' | 'conflict';
  readonly message?: string;
  /** `value` is unreadable text as typed; it is refused without a request to the server. */
  readonly isUnreadable?: true;
  /** In a conflict: the current value. */
  readonly theirs?: Value;
  /** Edits of one block are saved together, as one step for undo. */
  readonly block?: number;
}

/** Returns why a change was not saved; empty while that is open. */
export const whyNotSaved = ({ state, message = '' }: Edit): string =>
  state === 'conflict' ? 'Another user changed this value.' : message;

const isText = (value: unknown): value is string => typeof value === 'string';
const isValue = (value: unknown): value is Value =>
  value === null || isText(value) || typeof value === 'boolean';

/** Returns whether an item of the browser's storage is an edit. */
export function isEdit(item: unknown): item is Edit {
  if (typeof item !== 'object' || item === null) return false;
  const edit = item as Partial<Record<keyof Edit, unknown>>;
  return (
    isText(edit.recordId) &&
    isText(edit.key) &&
    isValue(edit.value) &&
    isValue(edit.seen) &&
    typeof edit.isAmount === 'boolean' &&
    isText(edit.revision) &&
    /^\d+$/.test(edit.revision) &&
    isText(edit.state) &&
    ['saving', 'waiting', 'refused', 'conflict'].includes(edit.state) &&
    (edit.message === undefined || isText(edit.message)) &&
    (edit.isUnreadable === undefined || edit.isUnreadable === true) &&
    (edit.theirs === undefined || isValue(edit.theirs)) &&
    (edit.block === undefined || typeof edit.block === 'number')
  );
}

export type NewEdit = Pick<Edit, 'recordId' | 'key' | 'value' | 'isAmount' | 'seen' | 'revision'>;

/** Detail of a refusal by the server, for a record or a key. */
interface Detail {
  recordId?: string;
  key?: string;
  problem?: string;
  currentRevision?: string | number;
  current?: Record<string, unknown>;
}

const detailsOf = (error: ApiError): Detail[] =>
  Array.isArray(error.details) ? (error.details as Detail[]) : [];

/** Maximum number of comparisons of records that keep changing. */
const attempts = 5;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const isDue = ({ state }: Edit) => state === 'saving' || state === 'waiting';

/** Result of saving changes. */
export interface Saved {
  /** The new revisions, as far as known. */
  revisions: Record<string, string | number>;
  /** The operation for undo; undefined if nothing changed. */
  operationId?: string | undefined;
}

/** Maximum number of records of a block per request; more would exceed the server's limit. */
const recordsAtOnce = 1000;

/** Interface between a queue and the view that shows the records. */
export interface Saver {
  /** Saves changes as drafts, all or none; with `continues`, as part of that operation. */
  save: (items: PfaDraftItemInput[], continues: string | undefined) => Promise<Saved>;
  /** Reloads these records: the view must show the server's values before a change leaves the queue. */
  read: (recordIds: readonly string[]) => Promise<void>;
}

/**
 * Unsaved changes, which are sent to the server in order, one record or block at a time. The queue holds only unsaved
 * changes, which the view marks as such. The browser stores the queue, so that reloads, and closing the browser without
 * a connection, lose nothing.
 */
export class EditQueue {
  readonly personId: number;
  readonly #plainSaver: Saver;
  #saver: Saver;
  readonly #store: UnsentStore<Edit>;
  readonly #byRecord = new Map<string, ReadonlyMap<string, Edit>>();
  /** Records that this app changed: the old revision and the new one. */
  readonly #moved = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  #isRunning = false;
  #isCalled = false;
  version = 0;

  constructor(personId: number, organizationId: number) {
    this.personId = personId;
    this.#saver = this.#plainSaver = plainSaver(organizationId);
    this.#store = new UnsentStore(unsentOf(personId, organizationId), isEdit, (left) => {
      const mine = left.filter(({ recordId, key }) => !this.of(recordId)?.has(key));
      this.#change(mine.map((edit) => [edit, isDue(edit) ? { ...edit, state: 'waiting' } : edit]));
      void this.#run();
    });
    subscribeToSession(() => void this.#run());
  }

  /** False if the browser does not store the changes, so that closing the page would lose them. */
  get isKept(): boolean {
    return this.#store.isKept;
  }

  /** Saves through this saver until the caller invokes the returned function. */
  attach(saver: Saver): () => void {
    this.#saver = saver;
    void this.#run();
    return () => {
      if (this.#saver === saver) this.#saver = this.#plainSaver;
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getVersion = (): number => this.version;

  /** Returns the changes of a record, by key; the object changes exactly when they change. */
  of(recordId: string): ReadonlyMap<string, Edit> | undefined {
    return this.#byRecord.get(recordId);
  }

  all(): Edit[] {
    return [...this.#byRecord.values()].flatMap((edits) => [...edits.values()]);
  }

  /** Returns the changes that wait for the server, or for a decision of the user. */
  stuck(): Edit[] {
    return this.all().filter(({ state }) => state !== 'saving');
  }

  submit(edit: NewEdit): void {
    const saving: Edit = { ...edit, state: 'saving' };
    this.#change([[saving, saving]]);
    void this.#run();
  }

  /** Starts at the current time, so that the numbers differ from those of blocks that another tab left. */
  #lastBlock = Date.now();
  /** The operation of each block whose first part is saved. */
  readonly #operations = new Map<number, string>();

  /** Keeps an unreadable text, marked with the reason, until the user corrects or discards it. */
  keepUnreadable(edit: NewEdit, message: string): void {
    const refused: Edit = { ...edit, state: 'refused', message, isUnreadable: true };
    this.#change([[refused, refused]]);
  }

  /**
   * Saves changes that belong together: in parts, but as one step for undo. Resolves when none of them is in progress,
   * to the changes that were not saved, which stay refused or in conflict. `onProgress` receives the number of decided
   * changes. The signal withdraws changes that are not sent yet.
   */
  async submitBlock(
    edits: readonly NewEdit[],
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: (decided: number) => void } = {},
  ): Promise<Edit[]> {
    const block = ++this.#lastBlock;
    this.#change(
      edits.map((edit): [Edit, Edit] => {
        const saving: Edit = { ...edit, state: 'saving', block };
        return [saving, saving];
      }),
    );
    const ofBlock = () => this.all().filter((edit) => edit.block === block);
    const takeBack = () => this.drop(...ofBlock().filter((edit) => isDue(edit) && !this.#sent.has(edit)));
    signal?.addEventListener('abort', takeBack);
    void this.#run();
    await new Promise<void>((resolve) => {
      const look = () => {
        const due = ofBlock().filter(isDue).length;
        onProgress?.(edits.length - due);
        if (due > 0) return;
        stop();
        resolve();
      };
      const stop = this.subscribe(look);
      look();
    });
    signal?.removeEventListener('abort', takeBack);
    this.#operations.delete(block);
    return ofBlock();
  }

  /** Discards changes in a conflict or after a refusal; the current values stay. */
  drop(...edits: readonly Edit[]): void {
    this.#change(edits.map((edit) => [edit, undefined]));
  }

  /** Overwrites the current value in a conflict, with the user's consent. */
  saveAnew(edit: Edit): void {
    this.submit({ ...edit, seen: edit.theirs ?? null });
  }

  /** Replaces edits by others, or removes them. */
  #change(changes: readonly (readonly [Edit, Edit | undefined])[]): void {
    if (changes.length === 0) return;
    const touched = new Map<string, Map<string, Edit>>();
    for (const [{ recordId, key }, next] of changes) {
      let edits = touched.get(recordId);
      if (!edits) touched.set(recordId, (edits = new Map(this.#byRecord.get(recordId))));
      if (next) edits.set(key, next);
      else edits.delete(key);
    }
    for (const [recordId, edits] of touched)
      if (edits.size > 0) this.#byRecord.set(recordId, edits);
      else this.#byRecord.delete(recordId);
    this.version++;
    this.#store.write(this.all());
    for (const listener of this.#listeners) listener();
  }

  /** Skips edits that were replaced meanwhile. */
  #replace(edits: readonly Edit[], changes: (edit: Edit) => Partial<Edit> | undefined): void {
    this.#change(
      edits
        .filter((edit) => this.of(edit.recordId)?.get(edit.key) === edit)
        .map((edit) => {
          const changed = changes(edit);
          return [edit, changed && { ...edit, ...changed }];
        }),
    );
  }

  #latest(recordId: string, revision: string): string {
    let latest = revision;
    for (let next; (next = this.#moved.get(`${recordId} ${latest}`));) latest = next;
    return latest;
  }

  /** Never sends edits of one user under another user's session. */
  #maySend(): boolean {
    const session = sessionState();
    return session.status === 'signed-in' && session.person.id === this.personId;
  }

  async #run(): Promise<void> {
    this.#isCalled = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      // A call during the last pass, for example after a sign-in, starts another pass.
      while (this.#isCalled) {
        this.#isCalled = false;
        for (let due; (due = this.all().find(isDue));) if (!(await this.#save(due))) break;
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Returns the edits to save together with this one: of the next records of its block, or of its record. */
  #togetherWith({ recordId, block }: Edit): Edit[] {
    if (block === undefined)
      return [...(this.of(recordId)?.values() ?? [])].filter(
        (edit) => edit.block === undefined && isDue(edit),
      );
    const records = new Set<string>();
    return this.all().filter((edit) => {
      if (edit.block !== block || !isDue(edit)) return false;
      if (records.size < recordsAtOnce) records.add(edit.recordId);
      return records.has(edit.recordId);
    });
  }

  /** Edits of the current request, which cannot be withdrawn. */
  #sent: ReadonlySet<Edit> = new Set();

  /** Saves a change with the edits that belong to it. Returns false if it cannot be saved now. */
  async #save(first: Edit): Promise<boolean> {
    let [failures, conflicts] = [0, 0];
    for (;;) {
      const sent = this.#togetherWith(first);
      if (sent.length === 0) return true;
      if (!this.#maySend()) return false;
      const items = this.#itemsOf(sent);
      let error: ApiError;
      try {
        this.#sent = new Set(sent);
        const continues = first.block === undefined ? undefined : this.#operations.get(first.block);
        const { revisions, operationId } = await this.#saver.save(items, continues);
        if (first.block !== undefined && operationId) this.#operations.set(first.block, operationId);
        for (const { recordId, revision } of items) {
          const next = revisions[recordId];
          if (next !== undefined && String(next) !== revision)
            this.#moved.set(`${recordId} ${revision}`, String(next));
        }
        this.#replace(sent, () => undefined);
        return true;
      } catch (thrown) {
        error = asApiError(thrown);
      } finally {
        this.#sent = new Set();
      }
      if (hasCode(error, 'REVISION_CONFLICT') && ++conflicts < attempts) {
        try {
          if (await this.#compare(sent, error)) continue;
        } catch (thrown) {
          // The row could not be reloaded: retried like a save.
          error = asApiError(thrown);
        }
      }
      // The session has ended; the queue continues with the next one.
      if (hasCode(error, 'UNAUTHENTICATED')) {
        this.#replace(sent, () => ({ state: 'waiting' }));
        return false;
      }
      if (isPassing(error)) {
        this.#replace(
          sent.filter(({ state }) => state !== 'waiting'),
          () => ({ state: 'waiting' }),
        );
        await pause(Math.min(250 * 2 ** ++failures, 5000));
        await whenConnected();
        conflicts = 0;
        continue;
      }
      this.#refuse(sent, error);
      if (first.block === undefined) return true;
    }
  }

  /**
   * Groups edits by record, with the oldest revision that any of them was based on. With a newer one, another user's
   * change in between would be overwritten unseen.
   */
  #itemsOf(edits: readonly Edit[]): (PfaDraftItemInput & { changes: Record<string, unknown> })[] {
    const items = new Map<string, PfaDraftItemInput & { changes: Record<string, unknown> }>();
    for (const edit of edits) {
      const { recordId, key } = edit;
      const revision = this.#latest(recordId, edit.revision);
      const item = items.get(recordId) ?? { recordId, changes: {}, revision };
      if (BigInt(revision) < BigInt(item.revision)) item.revision = revision;
      item.changes[key] = asSent(edit);
      items.set(recordId, item);
    }
    return [...items.values()];
  }

  /**
   * Handles records that changed meanwhile. A cell without another change since it was seen is saved again. A cell with
   * the new value was saved by an attempt whose response was lost. Any other cell becomes a conflict for the user to
   * decide. Returns whether there is anything to retry.
   */
  async #compare(sent: readonly Edit[], error: ApiError): Promise<boolean> {
    const details = new Map(detailsOf(error).map((detail) => [detail.recordId, detail]));
    const moved = sent.filter(({ recordId }) => {
      const detail = details.get(recordId);
      return detail?.currentRevision !== undefined && detail.current;
    });
    if (moved.length === 0) return false;
    const saved: Edit[] = [];
    this.#replace(moved, (edit) => {
      const detail = details.get(edit.recordId);
      const revision = String(detail?.currentRevision);
      const theirs = detail?.current?.[edit.key];
      if (isSame(theirs, edit.value)) {
        saved.push(edit);
        return {};
      }
      if (isSame(theirs, edit.seen)) return { revision };
      return { state: 'conflict', revision, theirs: asValue(theirs), message: error.message };
    });
    await this.#settle(saved);
    return true;
  }

  /** Saved edits leave the queue once the row is reloaded; a row that cannot be loaded now is loaded later. */
  async #settle(saved: readonly Edit[]): Promise<void> {
    if (saved.length === 0) return;
    await this.#saver.read([...new Set(saved.map(({ recordId }) => recordId))]);
    const held = saved.flatMap(({ recordId, key, value }) => {
      const now = this.of(recordId)?.get(key);
      return now && isSame(now.value, value) ? [now] : [];
    });
    this.#replace(held, () => undefined);
  }

  /**
   * Marks the edits that the server names as refused, record by record. These are the named cells, or all cells of a
   * record if the server names another key, such as an end before a new start. Retries the other edits, which failed
   * only together with these.
   */
  #refuse(sent: readonly Edit[], error: ApiError): void {
    const [onlyRecord, ...others] = new Set(sent.map(({ recordId }) => recordId));
    const byRecord = new Map<string, Detail[]>();
    for (const detail of detailsOf(error)) {
      // A refusal need not name the record if only one was sent.
      const recordId = detail.recordId ?? (others.length === 0 ? onlyRecord : undefined);
      if (recordId !== undefined) byRecord.set(recordId, [...(byRecord.get(recordId) ?? []), detail]);
    }
    const detailOf = ({ recordId, key }: Edit): Detail | undefined => {
      const details = byRecord.get(recordId) ?? [];
      const isSent = (detail: Detail) =>
        sent.some((edit) => edit.recordId === recordId && edit.key === detail.key);
      return details.find((detail) => detail.key === key) ?? (details.some(isSent) ? undefined : details[0]);
    };
    const named = sent.filter(detailOf);
    this.#replace(named.length > 0 ? named : sent, (edit) => {
      const { key = edit.key, problem } = detailOf(edit) ?? {};
      return { state: 'refused', message: problem ? refusalInWords(key, problem) : explain(error) };
    });
  }
}

/** Returns the result of a save from the response. */
export const savedOf = (
  result: { revisions: unknown; operationId: string | null } | null | undefined,
): Saved => ({
  revisions: (result?.revisions ?? {}) as Record<string, string | number>,
  operationId: result?.operationId ?? undefined,
});

/** Saves changes after the user has left the records page. */
const plainSaver = (organizationId: number): Saver => ({
  save: async (items, continues) => {
    const input = { organizationId, items, continues: continues ?? null };
    const { saveDrafts } = await request(saveOnlyDocument, { input });
    return savedOf(saveDrafts?.result);
  },
  read: () => Promise.resolve(),
});

const queues = new Map<string, EditQueue>();

/**
 * Returns the queue of a user in an organization. It continues when the user leaves the page, and is the same when the
 * user returns.
 */
export function editQueueOf(personId: number, organizationId: number): EditQueue {
  const key = `${personId} ${organizationId}`;
  let queue = queues.get(key);
  if (!queue) queues.set(key, (queue = new EditQueue(personId, organizationId)));
  return queue;
}
