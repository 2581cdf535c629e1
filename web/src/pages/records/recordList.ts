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

/** Content of a list: an organization, a filter, an order and the requested fields. */
export interface ListQuery {
  organizationId: number;
  filter: PfaRecordFilter;
  search: string | undefined;
  orderBy: PfaRecordOrderBy;
  fields: ReadonlySet<string>;
  /** Equal for lists of the same records in the same order, independent of the fields. */
  rows: string;
  /** Fields that decide whether a record is in the list, and its position. */
  deciding: ReadonlySet<string>;
}

const pageSize = 100;
/** Rows to fetch before and after the visible ones. */
const margin = 40;
/** Maximum number of pages to keep in memory; others are fetched again. */
const keptPages = 150;
const recordsAtOnce = 500;
/** Page size for reading all rows: the maximum of the API. */
const rowsAtOnce = 1000;

/**
 * Rows of a list by position; fetches the visible ones and their surroundings page by page. A position keeps its record
 * until the list reloads, so no row moves while the user works; changes update the record in place.
 */
export class RecordList {
  readonly query: ListQuery;
  /** Number of records; undefined before the first page. */
  total: number | undefined;
  /** Error of the last page that failed to load. */
  error: ApiError | undefined;
  /** True if changes may have moved records within, into or out of the list. */
  isOutdated = false;
  /** Increases with every change of the content. */
  version = 0;
  /** Revision of the organization up to which no change was missed. */
  #revision: string | undefined;
  readonly #ids = new Map<number, string>();
  readonly #records = new Map<string, Row>();
  readonly #pages = new Map<number, 'loading' | 'loaded' | 'failed'>();
  readonly #waiting = new Map<number, Promise<void>>();
  /** Cursor at the end of each page. */
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

  /** Cancels running requests. The list can be shown again later. */
  stop(): void {
    this.#stopping.abort();
    this.#stopping = new AbortController();
    for (const [page, state] of this.#pages) if (state === 'loading') this.#pages.delete(page);
  }

  /** The rows that were visible last. */
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

  /** Returns the loaded records, in the order of the list. */
  held(): Row[] {
    return [...this.#ids.keys()].sort((a, b) => a - b).flatMap((index) => this.at(index) ?? []);
  }

  /** Fetches the visible rows and some around them. */
  show(first: number, last: number): void {
    this.#seen = { first, last };
    const end = Math.min(last + margin, (this.total ?? 1) - 1);
    for (let page = Math.floor(Math.max(first - margin, 0) / pageSize); page * pageSize <= end; page++)
      if (!this.#pages.has(page)) void this.#load(page);
  }

  /**
   * Reads the current state of all records in order, page by page, and keeps none of them. `onProgress` receives the
   * number of records read.
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

  /** Requests failed pages again. */
  retry(): void {
    for (const [page, state] of this.#pages) if (state === 'failed') this.#pages.delete(page);
    this.error = undefined;
    this.#changed();
    this.show(this.#seen.first, this.#seen.last);
  }

  /** Returns the ids of these rows in order and fetches missing ones. */
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
    // Continues from the nearest earlier page with a known cursor: a cursor costs nothing, an offset only the rows that
    // it skips.
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
      // Only the first page requests the total.
      this.total = found.totalCount ?? this.total;
      if (found.pageInfo.endCursor) this.#ends.set(page, found.pageInfo.endCursor);
      found.nodes.forEach((row, i) => {
        if (!row) return;
        this.#ids.set(page * pageSize + i, row.pfaId);
        this.#put(row);
      });
      // A record has left the list since it was counted.
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
      // The API refuses an empty filter.
      ...(Object.keys(filter).length > 0 ? { filter } : {}),
      ...page,
    };
    const answer = search
      ? await request(
          withFields(foundPageDocument, fields),
          // Search results need the id as a second criterion, to order equal records.
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

  /** Ignores older states, because responses may overtake each other. */
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

  /** Reads loaded records again and updates them in place. */
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

  /** Updates loaded records in place. */
  take(rows: readonly Row[]): void {
    for (const row of rows) {
      const before = this.#records.get(row.pfaId);
      if (!before) continue;
      if ([...this.query.deciding].some((key) => differs(before, row, key))) this.isOutdated = true;
      this.#put(row);
    }
    this.#changed();
  }

  /** Changed records that are not loaded may or may not belong in the list. */
  async noteChanges(changes: readonly { recordId: string; revision: string }[]): Promise<void> {
    const isOlder = ({ recordId, revision }: (typeof changes)[number]) => {
      const held = this.#records.get(recordId);
      return held !== undefined && BigInt(held.revision) < BigInt(revision);
    };
    const unknown = changes.filter(({ recordId }) => !this.#records.has(recordId));
    await this.refresh(changes.filter(isOlder).map(({ recordId }) => recordId));
    if (unknown.length === 0 || this.#waiting.size === 0) return;
    // A pending page may have been read before the change.
    await this.#pagesUnderWay();
    await this.refresh(unknown.filter(isOlder).map(({ recordId }) => recordId));
  }

  /** Waits for all pages requested so far. */
  async #pagesUnderWay(): Promise<void> {
    await Promise.all(this.#waiting.values());
  }

  /** Starts from a revision after which every change is reported. Reads everything loaded before that again. */
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

  /** Requests the changes since the last known revision and reads the changed records again. */
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
        // After too many changes, only the visible rows are read again; other rows follow when they become visible.
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
