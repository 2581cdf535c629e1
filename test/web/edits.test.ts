import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '../../web/src/api/errors.ts';
import { EditQueue, type Edit, type NewEdit, type Saver } from '../../web/src/records/edits.ts';
import { editHistories } from '../support/scale.ts';

// The queue of edits, against a minimal server that goes away, loses responses, refuses values and has other writers,
// in a browser that closes the tab at any moment. Two invariants must hold: no edit of the user is lost, and no change
// of others is overwritten unseen.

const session = vi.hoisted(() => ({ personId: 1, listeners: new Set<() => void>() }));
vi.mock('../../web/src/session/session.ts', () => ({
  sessionState: () => ({ status: 'signed-in', person: { id: session.personId } }),
  subscribeToSession: (listener: () => void) => {
    session.listeners.add(listener);
    return () => session.listeners.delete(listener);
  },
}));
const me = 1;
const become = (personId: number) => {
  session.personId = personId;
  for (const listener of session.listeners) listener();
};
vi.mock('../../web/src/api/connection.ts', () => ({ whenConnected: () => Promise.resolve() }));
vi.mock('../../web/src/api/graphql.ts', () => ({
  graphql: (text: string) => text,
  request: () => Promise.reject(new Error('Nobody is attached to the queue.')),
}));

type Cells = Record<string, string>;
interface Item {
  recordId: string;
  revision: string;
  changes: Cells;
}

interface Stored {
  revision: number;
  values: Cells;
}

const recordIds = ['A', 'B'];
const keys = ['category', 'class'];
const organizationId = 7;

/** Locks of a browser; a closed tab releases its own. */
class Locks {
  readonly #held = new Map<string, object>();
  #waiting: { name: string; owner: object; begin: () => void }[] = [];
  tab: object = {};

  request(name: string, work: () => unknown): Promise<void> {
    const owner = this.tab;
    const begin = () => {
      this.#held.set(name, owner);
      void Promise.resolve()
        .then(() => (owner === this.tab ? work() : undefined))
        .then(() => this.#letGo(name, owner));
    };
    if (this.#held.has(name)) this.#waiting.push({ name, owner, begin });
    else begin();
    return Promise.resolve();
  }

  #letGo(name: string, owner: object): void {
    if (this.#held.get(name) !== owner) return;
    this.#held.delete(name);
    const next = this.#waiting.find((one) => one.name === name);
    this.#waiting = this.#waiting.filter((one) => one !== next);
    next?.begin();
  }

  closeTab(closed = this.tab): void {
    if (closed === this.tab) this.tab = {};
    this.#waiting = this.#waiting.filter(({ owner }) => owner !== closed);
    for (const [name, owner] of [...this.#held]) if (owner === closed) this.#letGo(name, owner);
  }
}

const storageOf = () =>
  Object.create({
    getItem(this: Cells, key: string) {
      return this[key] ?? null;
    },
    setItem(this: Cells, key: string, value: string) {
      this[key] = value;
    },
    removeItem(this: Cells, key: string) {
      delete this[key];
    },
  }) as Storage;

type Network = 'ok' | 'away' | 'loses answers' | 'knows nobody';

/** A server, a browser and a user. */
class World {
  readonly locks = new Locks();
  network: Network = 'ok';
  readonly #server = new Map<string, Stored>(
    recordIds.map((id) => [id, { revision: 1, values: Object.fromEntries(keys.map((key) => [key, '0'])) }]),
  );
  #shown = new Map<string, Stored>();
  queue!: EditQueue;
  #isOpen = { value: true };
  #next = 0;
  /** The last value that the user entered in each cell, unless discarded. */
  readonly meant = new Map<string, string>();
  /** Values that the user saw in each cell before changing it, and values that the server accepted. */
  readonly #seen = new Map<string, Set<unknown>>();
  readonly taken = new Map<string, Set<string>>();
  /** Changes of others that were overwritten unseen. */
  readonly overwritten: string[] = [];
  sentAsAnother = false;

  constructor(hasLocks: boolean) {
    vi.stubGlobal('localStorage', storageOf());
    vi.stubGlobal('navigator', {
      ...(hasLocks ? { locks: this.locks } : {}),
      language: 'en-US',
      languages: ['en-US'],
    });
    this.open();
  }

  open(): void {
    this.#isOpen = { value: true };
    this.notice();
    this.queue = new EditQueue(me, organizationId);
    this.queue.attach(this.#saver(this.#isOpen));
  }

  /** A pending request may still reach the server; its response reaches no tab. */
  reload(): void {
    this.#isOpen.value = false;
    this.locks.closeTab();
    this.open();
  }

  notice(): void {
    this.#show(recordIds);
  }

  #show(ids: readonly string[]): void {
    for (const id of ids) {
      const { revision, values } = this.#server.get(id)!;
      this.#shown.set(id, { revision, values: { ...values } });
    }
  }

  #look(id: string, key: string, value: unknown): void {
    const cell = `${id} ${key}`;
    if (!this.#seen.has(cell)) this.#seen.set(cell, new Set());
    this.#seen.get(cell)!.add(value);
  }

  reach(network: Network): void {
    const wasKnown = this.network !== 'knows nobody';
    this.network = network;
    // A user who is known again has signed in.
    if (!wasKnown && network !== 'knows nobody') become(session.personId);
  }

  valueOf = (id: string, key: string) => this.#server.get(id)!.values[key];

  theirs(id: string, key: string): void {
    const record = this.#server.get(id)!;
    record.revision++;
    record.values[key] = `theirs ${this.#next++}`;
  }

  /** Like the grid, an edit starts from the displayed value, which may belong to a refused attempt. */
  #edit(id: string, key: string, isBad: boolean): NewEdit | undefined {
    const before = this.queue.of(id)?.get(key);
    if (before?.state === 'conflict') return undefined;
    const shown = this.#shown.get(id)!;
    const value = `${isBad ? 'bad' : 'mine'} ${this.#next++}`;
    const begun =
      before?.state === 'refused'
        ? { seen: before.seen, revision: before.revision }
        : { seen: shown.values[key] ?? null, revision: String(shown.revision) };
    this.meant.set(`${id} ${key}`, value);
    this.#look(id, key, begun.seen);
    return { recordId: id, key, value, isAmount: false, ...begun };
  }

  edit(id: string, key: string, isBad: boolean): void {
    const edit = this.#edit(id, key, isBad);
    if (edit) this.queue.submit(edit);
  }

  block(cells: readonly (readonly [string, string])[], isBad: boolean): void {
    const edits = cells
      .map(([id, key], i) => this.#edit(id, key, isBad && i === 0))
      .filter((one) => one !== undefined);
    if (edits.length > 0) void this.queue.submitBlock(edits);
  }

  /** Resolves the first conflict with mine or theirs. */
  decide(mine: boolean): void {
    const edit = this.queue.all().find(({ state }) => state === 'conflict');
    if (!edit) return;
    this.#look(edit.recordId, edit.key, edit.theirs);
    if (mine) this.queue.saveAnew(edit);
    else {
      this.meant.delete(`${edit.recordId} ${edit.key}`);
      this.queue.drop(edit);
    }
  }

  #saver(isOpen: { value: boolean }): Saver {
    const answer = async <T>(work: () => T): Promise<T> => {
      const forever = new Promise<never>(() => undefined);
      if (!isOpen.value) return forever;
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (!isOpen.value && (this.network === 'away' || this.network === 'knows nobody')) return forever;
      if (this.network === 'away') throw new ApiError('NETWORK', 'The server can’t be reached.');
      if (this.network === 'knows nobody') throw new ApiError('UNAUTHENTICATED', 'The session has ended.');
      try {
        const result = work();
        if (this.network === 'loses answers') throw new ApiError('NETWORK', 'The connection broke.');
        await new Promise((resolve) => setTimeout(resolve, 5));
        return isOpen.value ? result : await forever;
      } catch (error) {
        if (!isOpen.value) return forever;
        throw error;
      }
    };
    return {
      save: (items) => {
        if (isOpen.value && session.personId !== me) this.sentAsAnother = true;
        return answer(() => {
          const revisions = this.#save(items as Item[]);
          if (this.network === 'ok' && isOpen.value) this.#show(Object.keys(revisions));
          return { revisions };
        });
      },
      read: (ids) => answer(() => this.#show(ids)),
    };
  }

  /** All or none, like `saveDrafts` of the API. */
  #save(items: Item[]): Record<string, string> {
    const moved = items.filter(
      ({ recordId, revision }) => String(this.#server.get(recordId)!.revision) !== revision,
    );
    if (moved.length > 0)
      throw new ApiError('REVISION_CONFLICT', 'Records have changed.', {
        details: moved.map(({ recordId }) => {
          const { revision, values } = this.#server.get(recordId)!;
          return { recordId, currentRevision: revision, current: { ...values } };
        }),
      });
    const bad = items.flatMap(({ recordId, changes }) =>
      Object.entries(changes)
        .filter(([, value]) => value.startsWith('bad'))
        .map(([key]) => ({ recordId, key, problem: 'is bad' })),
    );
    if (bad.length > 0) throw new ApiError('VALIDATION_FAILED', 'It is bad.', { details: bad });
    const revisions: Record<string, string> = {};
    for (const { recordId, changes } of items) {
      const record = this.#server.get(recordId)!;
      for (const [key, value] of Object.entries(changes)) {
        const cell = `${recordId} ${key}`;
        const was = record.values[key] ?? '';
        if (was !== value && !this.#seen.get(cell)?.has(was) && !this.taken.get(cell)?.has(was))
          this.overwritten.push(`${cell}: ${was} by ${value}`);
        record.values[key] = value;
        if (!this.taken.has(cell)) this.taken.set(cell, new Set());
        this.taken.get(cell)!.add(value);
      }
      record.revision++;
      revisions[recordId] = String(record.revision);
    }
    return revisions;
  }
}

type Step = { does: string; run: (world: World) => void };

const cell = fc.tuple(fc.constantFrom(...recordIds), fc.constantFrom(...keys));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(cell, fc.integer({ max: 9, min: 0 })).map(([[id, key], luck]) => ({
      does: `edit ${id} ${key}${luck === 0 ? ', bad' : ''}`,
      run: (world: World) => world.edit(id, key, luck === 0),
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.uniqueArray(cell, { minLength: 2, maxLength: 5, selector: String }),
        fc.integer({ max: 4, min: 0 }),
      )
      .map(([cells, luck]) => ({
        does: `block ${cells.map((one) => one.join(' ')).join(', ')}${luck === 0 ? ', the first is bad' : ''}`,
        run: (world: World) => world.block(cells, luck === 0),
      })),
  },
  {
    weight: 3,
    arbitrary: cell.map(([id, key]) => ({
      does: `somebody else changes ${id} ${key}`,
      run: (world: World) => world.theirs(id, key),
    })),
  },
  { weight: 2, arbitrary: fc.constant({ does: 'notice', run: (world: World) => world.notice() }) },
  { weight: 1, arbitrary: fc.constant({ does: 'reload', run: (world: World) => world.reload() }) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<Network>('ok', 'ok', 'away', 'loses answers', 'knows nobody')
      .map((network) => ({
        does: `network ${network}`,
        run: (world: World) => world.reach(network),
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(me, me + 1)
      .map((who) => ({ does: `${who} signs in`, run: () => become(who) })),
  },
  {
    weight: 2,
    arbitrary: fc.boolean().map((mine) => ({
      does: `decide for ${mine ? 'mine' : 'theirs'}`,
      run: (world: World) => world.decide(mine),
    })),
  },
);

/** Each step, and the time until the next, in milliseconds. */
const history = fc.array(fc.tuple(step, fc.constantFrom(0, 1, 7, 20, 400, 6000)), { maxLength: 40 });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('property: no edit of the user is lost, and no unseen change of others is overwritten', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.boolean(), async (steps, hasLocks) => {
      vi.clearAllTimers();
      session.listeners.clear();
      session.personId = me;
      const world = new World(hasLocks);
      for (const [{ run }, wait] of steps) {
        run(world);
        await vi.advanceTimersByTimeAsync(wait);
      }
      world.reach('ok');
      if (session.personId !== me) become(me);
      await vi.advanceTimersByTimeAsync(120_000);

      const told = steps.map(([{ does }, wait]) => `${does}; ${wait}`).join('\n');
      expect(world.overwritten, told).toEqual([]);
      expect(world.sentAsAnother, told).toBe(false);
      const left = new Map(
        world.queue.all().map((edit): [string, Edit] => [`${edit.recordId} ${edit.key}`, edit]),
      );
      for (const [at, { state }] of left)
        expect(['refused', 'conflict'], `${at} is still ${state}\n${told}`).toContain(state);
      if (left.size === 0) expect(Object.keys(localStorage), told).toEqual([]);
      for (const { state, value } of left.values())
        if (state === 'refused') expect(value, `${String(value)} was refused\n${told}`).toMatch(/^bad/);
      for (const [at, value] of world.meant) {
        const isSaved = world.taken.get(at)?.has(value) === true;
        expect(isSaved || left.get(at)?.value === value, `${at}: ${value} is lost\n${told}`).toBe(true);
        // An edit that is shown as unsaved is not saved.
        if (isSaved && world.valueOf(...(at.split(' ') as [string, string])) === value)
          expect(left.has(at), `${at}: ${value} is saved, and shown as if it were not\n${told}`).toBe(false);
      }
    }),
    { numRuns: editHistories },
  );
}, 60_000);

test('edits of a closed tab are taken over, except where this tab has newer ones', async () => {
  const world = new World(true);
  world.network = 'away';
  world.edit('A', 'category', false);
  world.edit('A', 'class', false);
  await vi.advanceTimersByTimeAsync(20);
  const other = world.queue;
  const tab = world.locks.tab;
  world.locks.tab = {};
  world.open();
  world.edit('A', 'class', false);
  await vi.advanceTimersByTimeAsync(20);
  const value = (queue: EditQueue, key: string) => queue.of('A')?.get(key)?.value;
  expect(value(world.queue, 'category')).toBeUndefined();

  world.locks.closeTab(tab);
  await vi.advanceTimersByTimeAsync(20);
  expect(value(world.queue, 'category')).toBe(value(other, 'category'));
  expect(value(world.queue, 'class')).toBe('mine 2');
});

test('an open conflict is still open after a reload', async () => {
  const world = new World(true);
  world.edit('A', 'category', false);
  world.theirs('A', 'category');
  await vi.advanceTimersByTimeAsync(100);
  expect(world.queue.stuck()).toMatchObject([{ state: 'conflict', theirs: 'theirs 1' }]);
  world.reload();
  await vi.advanceTimersByTimeAsync(100);
  expect(world.queue.stuck()).toMatchObject([{ state: 'conflict', theirs: 'theirs 1' }]);
  expect(world.valueOf('A', 'category')).toBe('theirs 1');
  world.decide(true);
  await vi.advanceTimersByTimeAsync(100);
  expect(world.queue.all()).toEqual([]);
  expect(world.valueOf('A', 'category')).toBe('mine 0');
});
