import { asApiError, type ApiError } from '../../api/errors.ts';
import type { PfaRecordFilter, PfaRecordOrderBy } from '../../api/generated/graphql.ts';
import { request } from '../../api/graphql.ts';
import type { Row } from '../../records/row.ts';
import {
  changedSinceDocument,
  foundPageDocument,
  pageDocument,
  recordsDocument,
  withFields,
} from './documents.ts';

/** What a list shows: an organization's records, filtered and in an order, with the fields that are asked for. */
export interface ListQuery {
  organizationId: number;
  filter: PfaRecordFilter;
  search: string | undefined;
  orderBy: PfaRecordOrderBy;
  fields: ReadonlySet<string>;
  /** The same in lists of the same records in the same order, whatever is shown of them. */
  rows: string;
  /** Those that decide whether a record is in the list, and where. */
  deciding: ReadonlySet<string>;
}

const pageSize = 100;
/** How many rows before and after those in sight are fetched with them. */
const margin = 40;
/** A list that somebody has scrolled through from end to end keeps this many pages; the others are asked for again. */
const keptPages = 150;
const recordsAtOnce = 500;
/** Rows of a page when all are read: as many as the API gives at once. */
const rowsAtOnce = 1000;

/**
 * The rows of a list, by position: those around what is in sight, fetched page by page. A position keeps its record
 * until the list is loaded anew, so nothing moves under somebody's hands; what changes in a record is put in its place.
 */
export class RecordList {
  readonly query: ListQuery;
  /** How many records there are; undefined before the first page. */
  total: number | undefined;
  /** Why the last page did not come. */
  error: ApiError | undefined;
  /** What has changed may belong elsewhere, or into the list, or out of it. */
  isOutdated = false;
  /** Moves with every change of what is held. */
  version = 0;
  /** What is known of the organization: up to here nothing was missed. */
  #revision: string | undefined;
  readonly #ids = new Map<number, string>();
  readonly #records = new Map<string, Row>();
  readonly #pages = new Map<number, 'loading' | 'loaded' | 'failed'>();
  readonly #waiting = new Map<number, Promise<void>>();
  /** Where the page after this one begins. */
  readonly #ends = new Map<number, string>();
  #seen = { first: 0, last: 0 };
  readonly #listeners = new Set<() => void>();
  #stopping = new AbortController();

  constructor(query: ListQuery) {
    this.query = query;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getVersion = (): number => this.version;

  #changed(): void {
    this.version++;
    for (const listener of this.#listeners) listener();
  }

  /** Nobody waits for what is under way any more. It can be shown again. */
  stop(): void {
    this.#stopping.abort();
    this.#stopping = new AbortController();
    for (const [page, state] of this.#pages) if (state === 'loading') this.#pages.delete(page);
  }

  /** The rows that were in sight last. */
  get seen(): { first: number; last: number } {
    return this.#seen;
  }

  at(index: number): Row | undefined {
    const id = this.#ids.get(index);
    return id === undefined ? undefined : this.#records.get(id);
  }

  get(id: string): Row | undefined {
    return this.#records.get(id);
  }

  /** The records that are here, in the order of the list. */
  held(): Row[] {
    return [...this.#ids.keys()].sort((a, b) => a - b).flatMap((index) => this.at(index) ?? []);
  }

  /** Rows from here to there are in sight: has them, and some around them, fetched. */
  show(first: number, last: number): void {
    this.#seen = { first, last };
    const end = Math.min(last + margin, (this.total ?? 1) - 1);
    for (let page = Math.floor(Math.max(first - margin, 0) / pageSize); page * pageSize <= end; page++)
      if (!this.#pages.has(page)) void this.#load(page);
  }

  /**
   * All records of the list, as they are now and in its order, also those that nobody has scrolled to: read page by page,
   * and not held. `onProgress` hears how many are read.
   */
  async readAll(signal: AbortSignal, onProgress: (read: number) => void): Promise<Row[]> {
    const rows: Row[] = [];
    let after: string | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof this.readPage>> = await this.readPage(
        { first: rowsAtOnce, after, offset: null, withCount: false },
        signal,
      );
      rows.push(...(page?.nodes ?? []).filter((row) => row !== null));
      onProgress(rows.length);
      after = page?.pageInfo.endCursor ?? null;
      if (after === null || (page?.nodes.length ?? 0) < rowsAtOnce) return rows;
    }
  }

  /** Asks again for what did not come. */
  retry(): void {
    for (const [page, state] of this.#pages) if (state === 'failed') this.#pages.delete(page);
    this.error = undefined;
    this.#changed();
    this.show(this.#seen.first, this.#seen.last);
  }

  /** The records of these rows, in their order; those that are not there yet are fetched. */
  async idsBetween(first: number, last: number): Promise<string[]> {
    for (let page = Math.floor(first / pageSize); page * pageSize <= last; page++) {
      if (this.#pages.get(page) === 'loading') await this.#waiting.get(page);
      else if (this.#pages.get(page) !== 'loaded') await this.#load(page);
      if (this.#pages.get(page) !== 'loaded' && this.error) throw this.error;
    }
    const ids: string[] = [];
    for (let i = first; i <= last; i++) {
      const id = this.#ids.get(i);
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  #load(page: number): Promise<void> {
    const loading = this.#fetch(page).finally(() => this.#waiting.delete(page));
    this.#waiting.set(page, loading);
    return loading;
  }

  async #fetch(page: number): Promise<void> {
    this.#pages.set(page, 'loading');
    // On from the nearest page before this one that is known: a cursor costs nothing, and a jump only what is jumped over.
    let known = page - 1;
    while (known >= 0 && !this.#ends.has(known)) known--;
    const { signal } = this.#stopping;
    try {
      const found = await this.readPage(
        {
          first: pageSize,
          after: this.#ends.get(known) ?? null,
          offset: (page - known - 1) * pageSize || null,
          withCount: this.total === undefined,
        },
        signal,
      );
      if (signal.aborted || !found) return;
      // What is asked for with the first page; it is left out of the others.
      this.total = found.totalCount ?? this.total;
      if (found.pageInfo.endCursor) this.#ends.set(page, found.pageInfo.endCursor);
      found.nodes.forEach((row, i) => {
        if (!row) return;
        this.#ids.set(page * pageSize + i, row.pfaId);
        this.#put(row);
      });
      // Fewer than there should be: something has left the list since it was counted.
      const expected = Math.min(pageSize, (this.total ?? 0) - page * pageSize);
      if (found.nodes.length < expected) this.isOutdated = true;
      this.#pages.set(page, 'loaded');
      if (![...this.#pages.values()].includes('failed')) this.error = undefined;
      this.#forgetFar(page);
    } catch (error) {
      if (signal.aborted) return;
      this.#pages.set(page, 'failed');
      this.error = asApiError(error);
    }
    this.#changed();
  }

  private async readPage(
    page: { first: number; after: string | null; offset: number | null; withCount: boolean },
    signal: AbortSignal,
  ) {
    const { organizationId, filter, search, orderBy, fields } = this.query;
    const variables = {
      organizationId,
      // The API refuses one that says nothing.
      ...(Object.keys(filter).length > 0 ? { filter } : {}),
      ...page,
    };
    const answer = search
      ? await request(
          withFields(foundPageDocument, fields),
          // Found records have no order of their own that would tell equal ones apart.
          {
            ...variables,
            search,
            orderBy: orderBy.startsWith('PFA_ID') ? [orderBy] : [orderBy, 'PFA_ID_ASC'],
          },
          signal,
        )
      : await request(withFields(pageDocument, fields), { ...variables, orderBy: [orderBy] }, signal);
    return answer.organization?.page;
  }

  /** Never back to an older state: answers may overtake each other. */
  #put(row: Row): void {
    const held = this.#records.get(row.pfaId);
    if (!held || BigInt(row.revision) >= BigInt(held.revision)) this.#records.set(row.pfaId, row);
  }

  #forgetFar(near: number): void {
    if (this.#pages.size <= keptPages) return;
    const far = [...this.#pages].filter(([, state]) => state === 'loaded').map(([page]) => page);
    far.sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const page of far.slice(0, this.#pages.size - keptPages)) {
      this.#pages.delete(page);
      for (let i = page * pageSize; i < (page + 1) * pageSize; i++) {
        const id = this.#ids.get(i);
        if (id !== undefined) this.#records.delete(id);
        this.#ids.delete(i);
      }
    }
  }

  /** Reads records that are held again, and puts what has changed in their place. */
  async refresh(ids: readonly string[]): Promise<void> {
    const { organizationId, fields } = this.query;
    const held = ids.filter((id) => this.#records.has(id));
    for (let i = 0; i < held.length; i += recordsAtOnce) {
      const recordIds = held.slice(i, i + recordsAtOnce);
      const { organization } = await request(
        withFields(recordsDocument, fields),
        { organizationId, recordIds, first: recordIds.length },
        this.#stopping.signal,
      );
      const rows = (organization?.pfaRecords.nodes ?? []).filter((row) => row !== null);
      this.take(rows);
      if (rows.length < recordIds.length) this.isOutdated = true;
    }
    if (held.length > 0) this.#changed();
  }

  /** Puts records as they are now in the place of those that are held. */
  take(rows: readonly Row[]): void {
    for (const row of rows) {
      const before = this.#records.get(row.pfaId);
      if (!before) continue;
      if ([...this.query.deciding].some((key) => differs(before, row, key))) this.isOutdated = true;
      this.#put(row);
    }
    this.#changed();
  }

  /** Of records that are not held it is not known whether they belong in the list. */
  async noteChanges(changes: readonly { recordId: string; revision: string }[]): Promise<void> {
    const isOlder = ({ recordId, revision }: (typeof changes)[number]) => {
      const held = this.#records.get(recordId);
      return held !== undefined && BigInt(held.revision) < BigInt(revision);
    };
    const unknown = changes.filter(({ recordId }) => !this.#records.has(recordId));
    await this.refresh(changes.filter(isOlder).map(({ recordId }) => recordId));
    if (unknown.length === 0 || this.#waiting.size === 0) return;
    // A page that is under way may have been read before the change.
    await this.#pagesUnderWay();
    await this.refresh(unknown.filter(isOlder).map(({ recordId }) => recordId));
  }

  /** Waits for the pages that have been asked for so far. */
  async #pagesUnderWay(): Promise<void> {
    await Promise.all(this.#waiting.values());
  }

  /** From here on everything is told. What was loaded before is asked for again. */
  async begin(revision: string): Promise<void> {
    if (this.#revision !== undefined) return this.catchUp();
    this.#revision = revision;
    await this.#pagesUnderWay();
    await this.refresh([...this.#records.keys()]);
  }

  advance(revision: string | null | undefined): void {
    if (revision && (this.#revision === undefined || BigInt(revision) > BigInt(this.#revision)))
      this.#revision = revision;
  }

  #inSight(): string[] {
    const ids: string[] = [];
    for (let i = this.#seen.first; i <= this.#seen.last; i++) {
      const id = this.#ids.get(i);
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  /** Asks what has changed since it was last told, and reads that again. */
  async catchUp(): Promise<void> {
    const since = this.#revision;
    if (since === undefined) {
      await this.#pagesUnderWay();
      return this.refresh(this.#inSight());
    }
    let next: string | undefined;
    let after: string | null = null;
    do {
      const answer: Awaited<ReturnType<typeof this.changesSince>> = await this.changesSince(since, after);
      if (!answer) return;
      next ??= answer.revision;
      if (!answer.isComplete) {
        // Too much to be told: what is in sight is read again, the rest when it comes into sight.
        this.isOutdated = true;
        await this.#pagesUnderWay();
        this.#forgetOutOfSight();
        await this.refresh(this.#inSight());
        break;
      }
      await this.noteChanges(answer.records.filter((record) => record !== null));
      after = answer.nextAfter;
    } while (after !== null);
    this.advance(next);
  }

  private async changesSince(revision: string, after: string | null) {
    const { organizationId } = this.query;
    const { organization } = await request(
      changedSinceDocument,
      { organizationId, revision, after },
      this.#stopping.signal,
    );
    return organization?.recordsChangedSince;
  }

  #forgetOutOfSight(): void {
    const { first, last } = this.#seen;
    for (const [page, state] of this.#pages)
      if (state === 'loaded' && ((page + 1) * pageSize <= first || page * pageSize > last))
        this.#pages.delete(page);
  }
}

const differs = (before: Row, after: Row, key: string): boolean =>
  before[key as keyof Row] !== undefined && before[key as keyof Row] !== after[key as keyof Row];
