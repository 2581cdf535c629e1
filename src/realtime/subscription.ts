/** Events of subscriptions: ids, revisions and states, never a value of a record. */
export interface RealtimeEvent {
  kind: 'READY' | 'SYNC' | 'COMMITS' | 'RECORDS' | 'RESYNC';
  organizationId: number;
  revision: string | null;
  sync: SyncProgress | null;
  commits: ChangedCommit[] | null;
  records: ChangedRecord[] | null;
}

/** Progress of a run. */
export interface SyncProgress {
  runId: string;
  state: string;
  rowsRead: number;
  errorCode: string | null;
}

/** Outcome of a commit of the user, or of a problem in a draft. */
export interface ChangedCommit {
  id: string;
  recordId: string;
  state: string;
}

/** A record that changed in the user's view. */
export interface ChangedRecord {
  recordId: string;
  revision: string;
}

/**
 * Maximum number of queued events for a slow client. Beyond it, events are dropped and the client is told to reload.
 */
const mostWaiting = { events: 100, items: 10_000 };

const weight = ({ commits, records }: RealtimeEvent) => 1 + (commits?.length ?? 0) + (records?.length ?? 0);

/**
 * Queue of the events of one subscription. The GraphQL library accepts all events at once and keeps them until the
 * client has read them. Therefore the queue releases an event only when the transport asks (`allow`).
 */
export class Subscription implements AsyncIterableIterator<RealtimeEvent> {
  /** Error that ended the subscription, unless its client ended it. */
  failure: Error | undefined;
  readonly organizationId: number;
  readonly userId: number;
  readonly sessionId: string;
  /** Ids of the watched records; undefined: the whole organization. */
  readonly watched: ReadonlySet<string> | undefined;
  readonly #onDropped: () => void;
  readonly #onEnd: (subscription: Subscription) => void;
  #queue: RealtimeEvent[] = [];
  #items = 0;
  #allowed = 0;
  #isOver = false;
  #taker: { resolve(result: IteratorResult<RealtimeEvent>): void; reject(error: Error): void } | undefined;

  constructor(options: {
    organizationId: number;
    userId: number;
    sessionId: string;
    watched: ReadonlySet<string> | undefined;
    /** The queued events were dropped because the client is too slow. */
    onDropped: () => void;
    onEnd: (subscription: Subscription) => void;
  }) {
    this.organizationId = options.organizationId;
    this.userId = options.userId;
    this.sessionId = options.sessionId;
    this.watched = options.watched;
    this.#onDropped = options.onDropped;
    this.#onEnd = options.onEnd;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Adds an event, at the front if `first`. */
  push(kind: RealtimeEvent['kind'], about: Partial<RealtimeEvent> = {}, first = false): void {
    if (this.#isOver) return;
    const event: RealtimeEvent = {
      ...{ kind, organizationId: this.organizationId },
      ...{ revision: null, sync: null, commits: null, records: null, ...about },
    };
    // A client that has to reload anyway needs neither a second notice nor the events in between.
    if (this.#queue.at(-1)?.kind === 'RESYNC' && kind !== 'SYNC') return;
    if (first) this.#queue.unshift(event);
    else this.#queue.push(event);
    this.#items += weight(event);
    if (this.#queue.length > mostWaiting.events || this.#items > mostWaiting.items) {
      this.#queue = this.#queue.filter((one) => one.kind === 'READY');
      this.#items = this.#queue.length;
      this.#onDropped();
      this.push('RESYNC');
      return;
    }
    this.#give();
  }

  /** Signals that the client can take one more event. */
  allow(): void {
    this.#allowed++;
    this.#give();
  }

  /** Ends the subscription immediately and drops its queued events. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.failure = error;
    this.#end();
  }

  next(): Promise<IteratorResult<RealtimeEvent>> {
    if (this.#isOver)
      return this.failure ? Promise.reject(this.failure) : Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject };
      this.#give();
    });
  }

  return(): Promise<IteratorResult<RealtimeEvent>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: Error): Promise<IteratorResult<RealtimeEvent>> {
    this.#end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #give(): void {
    const taker = this.#taker;
    if (!taker || this.#allowed === 0) return;
    const event = this.#queue.shift();
    if (!event) return;
    this.#items -= weight(event);
    this.#allowed--;
    this.#taker = undefined;
    taker.resolve({ done: false, value: event });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    const taker = this.#taker;
    this.#taker = undefined;
    if (this.failure) taker?.reject(this.failure);
    else taker?.resolve({ done: true, value: undefined });
    this.#onEnd(this);
  }
}
