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
  /** An amount is text, exact, until it is sent: the API takes numbers. */
  readonly isAmount: boolean;
  /** What was there when it was begun, and of which revision. */
  readonly seen: Value;
  readonly revision: string;
  /** `waiting`: the server cannot be reached. `conflict`: somebody else has changed the cell meanwhile. */
  readonly state: 'saving' | 'waiting' | 'refused' | 'conflict';
  readonly message?: string;
  /** `value` is the text as it was typed: it has no meaning, so it is refused without asking the server. */
  readonly isUnreadable?: true;
  /** In a conflict: what is there now. */
  readonly theirs?: Value;
  /** Those of a block are saved together, in one step that can be undone. */
  readonly block?: number;
}

/** Why a change is not saved, as far as it is decided. */
export const whyNotSaved = ({ state, message = '' }: Edit): string =>
  state === 'conflict' ? 'Another user changed this value.' : message;

const isText = (value: unknown): value is string => typeof value === 'string';
const isValue = (value: unknown): value is Value =>
  value === null || isText(value) || typeof value === 'boolean';

/** Whether something that the browser kept is an edit. */
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

/** What the server's refusals say of each record or key. */
interface Detail {
  recordId?: string;
  key?: string;
  problem?: string;
  currentRevision?: string | number;
  current?: Record<string, unknown>;
}

const detailsOf = (error: ApiError): Detail[] =>
  Array.isArray(error.details) ? (error.details as Detail[]) : [];

/** How often records that move all the time are compared. */
const attempts = 5;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const isDue = ({ state }: Edit) => state === 'saving' || state === 'waiting';

/** What the server has made of changes. */
export interface Saved {
  /** The revisions that they have led to, as far as they are told. */
  revisions: Record<string, string | number>;
  /** The operation that undo takes back; undefined if nothing changed. */
  operationId?: string | undefined;
}

/** Records of a block that are saved in one request: more of them make it larger than the server takes. */
const recordsAtOnce = 1000;

/** What a queue needs of who shows the records. */
export interface Saver {
  /** Saves changes as drafts, all or none; with `continues` as one operation with that one. */
  save: (items: PfaDraftItemInput[], continues: string | undefined) => Promise<Saved>;
  /** Reads these records again: what is shown of them must be the server's before a change is taken out. */
  read: (recordIds: readonly string[]) => Promise<void>;
}

/**
 * Changes on their way to the server, one record or block at a time and in their order. What is in here is not saved, and
 * is shown so; what the server has confirmed is no longer in here. It is kept in the browser, so that a reload, or a
 * browser that is closed while the server is away, loses nothing.
 */
export class EditQueue {
  readonly personId: number;
  readonly #plainSaver: Saver;
  #saver: Saver;
  readonly #store: UnsentStore<Edit>;
  readonly #byRecord = new Map<string, ReadonlyMap<string, Edit>>();
  /** Of records that we moved ourselves: from which revision to which. */
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

  /** False: the browser keeps nothing, so closing the page would lose what is in here. */
  get isKept(): boolean {
    return this.#store.isKept;
  }

  /** From now on it saves so; until the answer is called. */
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

  /** The changes of a record, by key; another object whenever they are others. */
  of(recordId: string): ReadonlyMap<string, Edit> | undefined {
    return this.#byRecord.get(recordId);
  }

  all(): Edit[] {
    return [...this.#byRecord.values()].flatMap((edits) => [...edits.values()]);
  }

  /** What is not merely on its way: it waits for the server, or for a decision. */
  stuck(): Edit[] {
    return this.all().filter(({ state }) => state !== 'saving');
  }

  submit(edit: NewEdit): void {
    const saving: Edit = { ...edit, state: 'saving' };
    this.#change([[saving, saving]]);
    void this.#run();
  }

  /** Blocks that another tab left are told apart from ours. */
  #lastBlock = Date.now();
  /** The operation of each block, of which the first part is saved. */
  readonly #operations = new Map<number, string>();

  /** Keeps a text that means nothing, marked with the reason, until somebody corrects or discards it. */
  keepUnreadable(edit: NewEdit, message: string): void {
    const refused: Edit = { ...edit, state: 'refused', message, isUnreadable: true };
    this.#change([[refused, refused]]);
  }

  /**
   * Changes that belong together: saved in parts, and undone in one step. Answers, when nothing of them is under way any
   * more, those that were not saved; they are left as refused or in conflict. `onProgress` hears how many are decided.
   * The signal takes back what is not sent yet.
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

  /** Out of a conflict or a refusal: what is there stays. */
  drop(...edits: readonly Edit[]): void {
    this.#change(edits.map((edit) => [edit, undefined]));
  }

  /** Out of a conflict: mine, in full knowledge of theirs. */
  saveAnew(edit: Edit): void {
    this.submit({ ...edit, seen: edit.theirs ?? null });
  }

  /** Puts others in their place, or nothing. */
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

  /** Unless somebody has put another in its place meanwhile. */
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

  /** Nothing of one person is ever sent as another. */
  #maySend(): boolean {
    const session = sessionState();
    return session.status === 'signed-in' && session.person.id === this.personId;
  }

  async #run(): Promise<void> {
    this.#isCalled = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      // Whoever calls while it gives up, because somebody has just signed in, is heard.
      while (this.#isCalled) {
        this.#isCalled = false;
        for (let due; (due = this.all().find(isDue));) if (!(await this.#save(due))) break;
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Those that are saved with this one: of the next records of its block, else of its record. */
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

  /** Edits of a request that is under way: they cannot be taken back. */
  #sent: ReadonlySet<Edit> = new Set();

  /** Saves a change and what belongs to it. False: not now. */
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
          // Saved, but the row that shows it could not be read: that is tried again like a save.
          error = asApiError(thrown);
        }
      }
      // The session has ended; with the next one it goes on.
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
   * By record, with the oldest revision that any of its changes was decided upon by: of a newer one, what somebody else has
   * changed in between would be overwritten unseen.
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
   * Records have moved. A cell that nobody has touched since it was seen may be changed all the same; one that has my
   * value already was saved by an attempt whose answer was lost. Any other is somebody's to decide. Whether there is
   * anything to try again.
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

  /** What is saved goes out when the row shows it; a row that cannot be read at this moment is read later. */
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
   * What the server names stays as refused, record by record: the cells it names, or all cells of a record of which it names
   * another key, such as an end that lies before a new start. What it does not name was only not saved along with it, and
   * is tried again.
   */
  #refuse(sent: readonly Edit[], error: ApiError): void {
    const [onlyRecord, ...others] = new Set(sent.map(({ recordId }) => recordId));
    const byRecord = new Map<string, Detail[]>();
    for (const detail of detailsOf(error)) {
      // About the only record that was sent, a refusal need not say which.
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

/** What the answer to a save says. */
export const savedOf = (
  result: { revisions: unknown; operationId: string | null } | null | undefined,
): Saved => ({
  revisions: (result?.revisions ?? {}) as Record<string, string | number>,
  operationId: result?.operationId ?? undefined,
});

/** Of who has left the records page: what was changed there is saved all the same. */
const plainSaver = (organizationId: number): Saver => ({
  save: async (items, continues) => {
    const input = { organizationId, items, continues: continues ?? null };
    const { saveDrafts } = await request(saveOnlyDocument, { input });
    return savedOf(saveDrafts?.result);
  },
  read: () => Promise.resolve(),
});

const queues = new Map<string, EditQueue>();

/** The queue of a person in an organization: it goes on when the page is left, and is found again on the way back. */
export function editQueueOf(personId: number, organizationId: number): EditQueue {
  const key = `${personId} ${organizationId}`;
  let queue = queues.get(key);
  if (!queue) queues.set(key, (queue = new EditQueue(personId, organizationId)));
  return queue;
}
