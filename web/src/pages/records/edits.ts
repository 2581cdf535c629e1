import { whenConnected } from '../../api/connection.ts';
import { asApiError, hasCode, isPassing, type ApiError } from '../../api/errors.ts';
import { request } from '../../api/graphql.ts';
import { saveDocument } from './documents.ts';

/** A value as the API takes and gives it; money is text, exact. */
export type Value = string | boolean | null;

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
  /** In a conflict: what is there now. */
  readonly theirs?: Value;
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

/** The same to a person: `1000` and `1000.00`, nothing and an empty text. */
export function isSame(a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((value) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '',
  ) as [string, string];
  if (left === right) return true;
  const number = /^-?\d+(\.\d+)?$/;
  return number.test(left) && number.test(right) && plain(left) === plain(right);
}

const plain = (number: string) =>
  (number.includes('.') ? number.replace(/\.?0+$/, '') : number).replace(/^(-?)0+(?=\d)/, '$1');

export const asValue = (value: unknown): Value =>
  typeof value === 'string' || typeof value === 'boolean'
    ? value
    : typeof value === 'number'
      ? String(value)
      : null;

/** Of what is no amount the server says so. Amounts have 15 digits at most, which a number of JavaScript holds exactly. */
const asSent = ({ value, isAmount }: Edit) =>
  isAmount && typeof value === 'string' && /^-?\d{1,13}(\.\d{1,2})?$/.test(value) ? Number(value) : value;

/** How often a record that moves all the time is tried. */
const attempts = 5;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Changes on their way to the server, one record at a time and in their order. What is in here is not saved, and is
 * shown so; what the server has confirmed is no longer in here.
 */
export class EditQueue {
  readonly #organizationId: number;
  #onSaved: (recordId: string) => Promise<void> = () => Promise.resolve();
  readonly #byRecord = new Map<string, ReadonlyMap<string, Edit>>();
  /** Of records that we moved ourselves: from which revision to which. */
  readonly #moved = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  #isRunning = false;
  version = 0;

  constructor(organizationId: number) {
    this.#organizationId = organizationId;
  }

  /** Calls with what was saved, before it is taken out: what is shown must be the server's by then. */
  whenSaved(read: (recordId: string) => Promise<void>): void {
    this.#onSaved = read;
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

  submit(edit: NewEdit): void {
    this.#set({ ...edit, state: 'saving' });
    void this.#run();
  }

  /** Out of a conflict or a refusal: what is there stays. */
  drop({ recordId, key }: Edit): void {
    this.#remove(recordId, key);
  }

  /** Out of a conflict: mine, in full knowledge of theirs. */
  saveAnew(edit: Edit): void {
    this.submit({ ...edit, seen: edit.theirs ?? null });
  }

  #set(edit: Edit): void {
    this.#byRecord.set(edit.recordId, new Map(this.#byRecord.get(edit.recordId)).set(edit.key, edit));
    this.#changed();
  }

  #remove(recordId: string, key: string): void {
    const rest = new Map(this.#byRecord.get(recordId));
    rest.delete(key);
    if (rest.size > 0) this.#byRecord.set(recordId, rest);
    else this.#byRecord.delete(recordId);
    this.#changed();
  }

  #changed(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }

  /** Unless somebody has put another in its place meanwhile. */
  #replace(edit: Edit, changes: Partial<Edit> | undefined): void {
    if (this.of(edit.recordId)?.get(edit.key) !== edit) return;
    if (changes) this.#set({ ...edit, ...changes });
    else this.#remove(edit.recordId, edit.key);
  }

  #latest(recordId: string, revision: string): string {
    let latest = revision;
    for (let next; (next = this.#moved.get(`${recordId} ${latest}`));) latest = next;
    return latest;
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let due; (due = this.all().find(({ state }) => state === 'saving' || state === 'waiting'));)
        await this.#save(due.recordId);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Saves what is due of one record. */
  async #save(recordId: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const due = [...(this.of(recordId)?.values() ?? [])].filter(
        ({ state }) => state === 'saving' || state === 'waiting',
      );
      // Of one revision at a time: each was decided upon by what was seen then.
      const revisions = due.map(({ revision }) => this.#latest(recordId, revision));
      const [revision] = revisions;
      if (revision === undefined) return;
      const sent = due.filter((_, i) => revisions[i] === revision);
      const changes = Object.fromEntries(sent.map((edit) => [edit.key, asSent(edit)]));
      try {
        const { saveDrafts } = await request(saveDocument, {
          input: { organizationId: this.#organizationId, items: [{ recordId, changes, revision }] },
        });
        const next = (saveDrafts?.result?.revisions as Record<string, string | number> | null)?.[recordId];
        if (next !== undefined && String(next) !== revision)
          this.#moved.set(`${recordId} ${revision}`, String(next));
        await this.#settle(sent);
        return;
      } catch (thrown) {
        const error = asApiError(thrown);
        if (isPassing(error)) {
          for (const edit of sent) if (edit.state !== 'waiting') this.#replace(edit, { state: 'waiting' });
          await pause(Math.min(250 * 2 ** attempt, 5000));
          await whenConnected();
          continue;
        }
        if (hasCode(error, 'REVISION_CONFLICT') && attempt < attempts && (await this.#compare(sent, error)))
          continue;
        this.#refuse(sent, error);
        return;
      }
    }
  }

  /** What is saved goes out when the row shows it; a row that cannot be read at this moment is read later. */
  async #settle(edits: readonly Edit[]): Promise<void> {
    const [first] = edits;
    if (!first) return;
    await this.#onSaved(first.recordId);
    for (const edit of edits) this.#replace(edit, undefined);
  }

  /**
   * The record has moved. A cell that nobody has touched since it was seen may be changed all the same; one that has my
   * value already was saved by an attempt whose answer was lost. Any other is somebody's to decide. Whether there is
   * anything to try again.
   */
  async #compare(sent: readonly Edit[], error: ApiError): Promise<boolean> {
    const detail = detailsOf(error).find(({ recordId }) => recordId === sent[0]?.recordId);
    if (detail?.currentRevision === undefined || !detail.current) return false;
    const revision = String(detail.currentRevision);
    const saved: Edit[] = [];
    for (const edit of sent) {
      const theirs = detail.current[edit.key];
      if (isSame(theirs, edit.value)) saved.push(edit);
      else if (isSame(theirs, edit.seen)) this.#replace(edit, { revision });
      else
        this.#replace(edit, {
          state: 'conflict',
          revision,
          theirs: asValue(theirs),
          message: error.message,
        });
    }
    await this.#settle(saved);
    return true;
  }

  /** What the server names stays as refused; what it does not was only not saved along with it, and is tried again. */
  #refuse(sent: readonly Edit[], error: ApiError): void {
    const details = detailsOf(error);
    const named = sent.filter(({ key }) => details.some((detail) => detail.key === key));
    const blamed = named.length > 0 ? named : sent;
    for (const edit of blamed) {
      // The message is about the first of them.
      const detail = details.find(({ key }) => key === edit.key);
      const isFirst = detail === undefined || detail === details[0];
      const message = isFirst ? error.message : `${edit.key} ${detail.problem ?? error.message}.`;
      this.#replace(edit, { state: 'refused', message: error.hint ? `${message} ${error.hint}` : message });
    }
  }
}
