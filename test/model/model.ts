// The required effect of drafts, commits, push and syncs, in memory and as simple as possible: one organization and its
// users, without optimization. Walks compare the product with it step by step (walk.ts). It shares no code and no SQL
// with the product or with other tests, so that you can check it against the design line by line.

export type Value = string | number | boolean | null;
export type Data = Record<string, Value>;

export interface Problem {
  kind: string;
  /** Created by push: it stays until its author acts. */
  by?: 'push';
  base?: Value;
  theirs?: Value;
  mine?: Value;
}

interface Mirrored {
  data: Data;
  isRemoved: boolean;
  /** Start of the complete run that missed it. The next run that misses it, or a read, removes it. */
  missedAt: number | null;
  /** Time of the response with this value. */
  observedAt: number;
}

/** A record as PEMS returned it. Times are the database's, in microseconds. */
export interface Read {
  askedAt: number;
  answeredAt: number;
  /** With all keys; otherwise only those of the record. */
  isWhole: boolean;
  data: Data;
  /** Keys whose own field is empty, whatever the other field shows. */
  blank: string[];
  /** PEMS's `recordid`, if known. */
  version: string | null;
}

interface Draft {
  delta: Data;
  base: Data;
  problems: Record<string, Problem>;
}

/** One write that may have been sent. */
interface Try {
  attempt: number;
  /** The version of the record that it is based on. */
  version: string | null;
  values: Data;
  /** `open`: in progress; `answered`: PEMS has responded; `uncertain`: the outcome is unknown; `over`: judged. */
  state: 'open' | 'answered' | 'uncertain' | 'over';
  /** Deadline after which the write can no longer take effect. */
  isQuiet: boolean;
}

/** When push continues: now; when due; after the delay of an error; after the deadline of the write. */
export type Wait = 'none' | 'due' | 'short' | 'long';

interface Committed {
  user: number;
  record: string;
  delta: Data;
  base: Data;
  state: 'committed' | 'syncing';
  attempts: number;
  failures: number;
  wait: Wait;
  tries: Try[];
  /** By key: which acknowledged value it is, through all its states. */
  tokens: Record<string, number>;
}

/** A worker has the change: valid until another worker gets it. */
export interface Claim {
  of: Committed;
  attempt: number;
}

/** Location of a committed value: exactly one. */
export type Place = 'pending' | 'in PEMS' | 'in a draft' | 'withdrawn' | `superseded by ${number}`;

export type Verdict = 'uncertain' | 'wait' | 'retry' | 'refuse' | 'remove';

export interface Resolution {
  record: string;
  choice: 'mine' | 'theirs' | 'value';
  /** Null: all keys with a problem. */
  keys: string[] | null;
  value: Value;
  isStale: boolean;
}

/** A value before and after; a missing one was not drafted. */
interface Difference {
  from?: Value;
  to?: Value;
}

interface Operation {
  kind: string;
  differences: Record<string, Record<string, Difference>>;
  isUndone: boolean;
}

export interface Item {
  record: string;
  changes: Data;
  /** Another user changed the visible data. */
  isStale: boolean;
}

export type BulkOperation =
  | { kind: 'shift'; days: number }
  | { kind: 'duration'; days: number }
  | { kind: 'reset' }
  | { kind: 'set'; set: Data };

/** A complete error: its SQLSTATE and the entries of its list, `record` or `record key`. */
export class Refusal extends Error {
  readonly code: string;
  readonly named: string[];

  constructor(code: string, named: string[] = []) {
    super(code);
    this.code = code;
    this.named = named;
  }
}

// ------------------------------------------------------------------------------------------------
// Values

/** The form in which values are compared: missing, null and '' are equal. */
const plain = (value: Value | undefined): Value => (value === undefined || value === '' ? null : value);

const has = (of: object, key: string) => Object.hasOwn(of, key);

const dayLength = 86_400_000;

/** Null if it is not a day that the product can store. */
function moved(day: string, by: number): string | null {
  const result = new Date(Date.parse(day) + by * dayLength);
  return result.getUTCFullYear() < 1 || result.getUTCFullYear() > 9999
    ? null
    : result.toISOString().slice(0, 10);
}

const ranges = [
  ['forecastStart', 'forecastEnd'],
  ['actualStart', 'actualEnd'],
] as const;

const isReversed = (first: Value | undefined, last: Value | undefined) => {
  const [from, to] = [plain(first), plain(last)];
  return typeof from === 'string' && typeof to === 'string' && to < from;
};

const texts = ['category', 'class', 'source', 'dor', 'manufacturer', 'model', 'contract', 'equipment'];
const amounts = ['monthlyRate', 'purchasePrice'];
const dates = ['forecastStart', 'forecastEnd', 'actualEnd'];
const flags = ['isDiscontinued', 'isFundsTransferable'];
const choices: Record<string, string[]> = { source: ['Rental', 'Purchase'], dor: ['BEO', 'PROJECT'] };

/** Whether a user may draft this value for this key of such a record. */
function mayHold(data: Data, key: string, given: Value): boolean {
  if (key === 'actualEnd' && data.isActualized !== true) return false;
  const value = plain(given);
  if (![...texts, ...amounts, ...dates, ...flags].includes(key)) return false;
  // PEMS has no flag without a value.
  if (value === null) return !flags.includes(key);
  if (texts.includes(key)) return typeof value === 'string' && (choices[key]?.includes(value) ?? true);
  if (amounts.includes(key))
    return typeof value === 'number' && value >= 0 && value <= 1e9 && Number.isInteger(value * 100);
  if (flags.includes(key)) return typeof value === 'boolean';
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value) || moved(value, 0) !== value)
    return false;
  return value >= '1990-01-01' && value <= '2099-12-31';
}

/** The inputs of a cost: the rule, two days, and the price per month or piece. */
interface Terms {
  source: Value | undefined;
  first: Value | undefined;
  last: Value | undefined;
  rate: Value | undefined;
  price: Value | undefined;
}

/** In cents, rounded half up, and never negative. */
function cost({ source, first, last, rate, price }: Terms): bigint {
  const cents = (amount: Value | undefined) => BigInt(Math.round(Number(amount ?? 0) * 100));
  if (source === 'Purchase') return cents(price);
  const [from, to] = [plain(first), plain(last)];
  if (source !== 'Rental' || typeof from !== 'string' || typeof to !== 'string' || to <= from) return 0n;
  const days = BigInt((Date.parse(to) - Date.parse(from)) / dayLength);
  return (days * cents(rate) * 200n + 3044n) / 6088n;
}

function costs(data: Data): { plan: bigint; forecast: bigint; actual: bigint } {
  const hasActuals = plain(data.actualStart) !== null && plain(data.actualEnd) !== null;
  // Planned values of PEMS stay; missing ones follow the forecast, drafted or not.
  const planned = (key: string, forecast: string) => (has(data, key) ? data[key] : data[forecast]);
  const { source, monthlyRate: rate, purchasePrice: price } = data;
  return {
    plan: cost({
      source: planned('originalSource', 'source'),
      first: data.originalStart,
      last: data.originalEnd,
      rate: planned('originalMonthlyRate', 'monthlyRate'),
      price: planned('originalPurchasePrice', 'purchasePrice'),
    }),
    forecast: cost({ source, first: data.forecastStart, last: data.forecastEnd, rate, price }),
    actual: hasActuals ? cost({ source, first: data.actualStart, last: data.actualEnd, rate, price }) : 0n,
  };
}

function dollars(cents: bigint): string {
  const size = cents < 0n ? -cents : cents;
  return `${cents < 0n ? '-' : ''}${size / 100n}.${String(size % 100n).padStart(2, '0')}`;
}

type Costs = 'plan' | 'forecast' | 'actual';
const total = (records: Data[], kind: Costs) => records.reduce((sum, data) => sum + costs(data)[kind], 0n);
const counted = (records: Data[]) => records.filter((data) => data.isDiscontinued !== true);

function kpis(all: Data[]): Record<string, string> {
  const live = counted(all);
  const of = (source: string) => live.filter((data) => data.source === source);
  const three = (prefix: string, records: Data[]) => ({
    [`${prefix}plan_cost`]: dollars(total(records, 'plan')),
    [`${prefix}forecast_cost`]: dollars(total(records, 'forecast')),
    [`${prefix}actual_cost`]: dollars(total(records, 'actual')),
  });
  return {
    record_count: String(live.length),
    actualized_count: String(live.filter((data) => data.isActualized === true).length),
    discontinued_count: String(all.length - live.length),
    variance: dollars(total(live, 'forecast') - total(live, 'plan')),
    rental_count: String(of('Rental').length),
    purchase_count: String(of('Purchase').length),
    ...three('', live),
    ...three('rental_', of('Rental')),
    ...three('purchase_', of('Purchase')),
  };
}

function bounds(all: Data[]): Record<string, string | null> {
  const days = (key: string) =>
    counted(all)
      .map((data) => plain(data[key]))
      .filter((day) => typeof day === 'string')
      .sort();
  return {
    original_start: days('originalStart')[0] ?? null,
    original_end: days('originalEnd').at(-1) ?? null,
    forecast_start: days('forecastStart')[0] ?? null,
    forecast_end: days('forecastEnd').at(-1) ?? null,
    actual_start: days('actualStart')[0] ?? null,
    actual_end: days('actualEnd').at(-1) ?? null,
  };
}

/** Result of an operation on a record; null: impossible. */
function bulkChanges(data: Data, operation: BulkOperation): Data | null {
  if (operation.kind === 'set') return operation.set;
  const isActualized = data.isActualized === true;
  if (operation.kind === 'reset') {
    const [forecastStart, forecastEnd] = [plain(data.originalStart), plain(data.originalEnd)];
    return isActualized || forecastStart === null || forecastEnd === null
      ? null
      : { forecastStart, forecastEnd };
  }
  const [first, last] = isActualized ? ranges[1] : ranges[0];
  const [start, end] = [plain(data[first]), plain(data[last])];
  const changes: Data = {};
  if (operation.kind === 'shift') {
    if (typeof start === 'string' && !isActualized) changes[first] = moved(start, operation.days);
    if (typeof end === 'string') changes[last] = moved(end, operation.days);
  } else if (typeof end === 'string') {
    const to = moved(end, operation.days);
    // A day before the earliest valid one is still not before the first one.
    const isTooEarly = to === null ? operation.days < 0 : typeof start === 'string' && to < start;
    changes[last] = isTooEarly && typeof start === 'string' ? start : to;
  }
  return Object.values(changes).includes(null) ? null : changes;
}

// ------------------------------------------------------------------------------------------------

export class Model {
  private readonly mirror = new Map<string, Mirrored>();
  private readonly drafts: Map<string, Draft>[];
  private readonly operations: Operation[][];
  /** In the order of commits. */
  private committed: Committed[] = [];
  /** All committed values, by their token. */
  private readonly places: Place[] = [];
  /** Events of push since the last call. */
  private told: string[] = [];
  private readonly userCount: number;

  constructor(userCount: number) {
    this.userCount = userCount;
    this.drafts = Array.from({ length: userCount }, () => new Map<string, Draft>());
    this.operations = Array.from({ length: userCount }, () => []);
  }

  private of<T>(list: T[], index: number): T {
    const found = list[index];
    if (found === undefined) throw new Error(`There is no ${index}.`);
    return found;
  }

  private draft(user: number, record: string): Draft | undefined {
    return this.of(this.drafts, user).get(record);
  }

  /** The visible data without drafts: the mirror, with pending changes on top. */
  private underlay(record: string): Data {
    return Object.assign(
      {},
      this.mirror.get(record)?.data,
      ...this.committed.filter((m) => m.record === record).map((m) => m.delta),
    ) as Data;
  }

  private seen(user: number, record: string): Data {
    return { ...this.underlay(record), ...this.draft(user, record)?.delta };
  }

  private isThere(record: string): boolean {
    return this.mirror.get(record)?.isRemoved === false;
  }

  /** Returns the records that a user sees. */
  visible(user: number): string[] {
    return [...this.mirror.keys()]
      .filter((record) => this.isThere(record) || this.draft(user, record) !== undefined)
      .sort();
  }

  // ----------------------------------------------------------------------------------------------
  // Drafts

  private takeOut(user: number, record: string, key: string): void {
    const draft = this.draft(user, record);
    if (!draft) return;
    delete draft.delta[key];
    delete draft.base[key];
    delete draft.problems[key];
    if (Object.keys(draft.delta).length === 0) this.of(this.drafts, user).delete(record);
  }

  private put(user: number, record: string, key: string, given: Value): void {
    const value = plain(given);
    const under = plain(this.underlay(record)[key]);
    if (value === under) return this.takeOut(user, record, key);
    const draft = this.draft(user, record) ?? { delta: {}, base: {}, problems: {} };
    this.of(this.drafts, user).set(record, draft);
    if (!has(draft.delta, key)) draft.base[key] = under;
    draft.delta[key] = value;
    const problem = draft.problems[key];
    if (problem?.kind === 'conflict') problem.mine = value;
    else delete draft.problems[key];
  }

  private drafted(user: number): Record<string, Data> {
    return Object.fromEntries(
      [...this.of(this.drafts, user)].map(([record, { delta }]) => [record, { ...delta }]),
    );
  }

  /** Runs an action, and returns the changes of a user's drafts. */
  private differences(user: number, does: () => void): Operation['differences'] {
    const before = this.drafted(user);
    does();
    const after = this.drafted(user);
    const differences: Operation['differences'] = {};
    for (const record of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [from, to] = [before[record] ?? {}, after[record] ?? {}];
      for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
        if (has(from, key) && has(to, key) && from[key] === to[key]) continue;
        const difference: Difference = {};
        if (has(from, key)) difference.from = plain(from[key]);
        if (has(to, key)) difference.to = plain(to[key]);
        (differences[record] ??= {})[key] = difference;
      }
    }
    return differences;
  }

  /** Runs an action, and records its changes. Returns the number of changed records. */
  private logged(user: number, kind: string, does: () => void): number {
    const differences = this.differences(user, does);
    const changed = Object.keys(differences).length;
    if (changed > 0) {
      const kept = this.of(this.operations, user).filter((operation) => !operation.isUndone);
      this.operations[user] = [...kept, { kind, differences, isUndone: false }].slice(-50);
    }
    return changed;
  }

  save(user: number, items: Item[]): { changed: number; unchanged: number } {
    const missing = items.filter(({ record }) => !this.isThere(record)).map(({ record }) => record);
    const there = items.filter(({ record }) => this.isThere(record));
    const stale = there.filter(({ isStale }) => isStale).map(({ record }) => record);
    const unfit = there.flatMap(({ record, changes }) =>
      this.unfit(this.seen(user, record), changes).map((key) => `${record} ${key}`),
    );
    // The most severe problem determines the error, whose list has all of them.
    const refused = [...missing, ...stale, ...unfit];
    if (missing.length > 0) throw new Refusal('VG404', refused);
    if (stale.length > 0) throw new Refusal('VG409', refused);
    if (unfit.length > 0) throw new Refusal('VG422', refused);
    const changed = this.logged(user, 'save', () => {
      for (const { record, changes } of items)
        for (const [key, value] of Object.entries(changes)) this.put(user, record, key, value);
    });
    return { changed, unchanged: items.length - changed };
  }

  /** Returns the keys of these changes that the record may not have. */
  private unfit(data: Data, changes: Data): string[] {
    const wrong = Object.keys(changes).filter((key) => !mayHold(data, key, plain(changes[key])));
    if (wrong.length > 0) return wrong;
    const result = { ...data, ...changes };
    return ranges
      .filter((keys) => keys.some((key) => has(changes, key)))
      .filter(([first, last]) => isReversed(result[first], result[last]))
      .map(([, last]) => last);
  }

  /** Number of touched records. */
  discard(user: number, records: string[] | null, keys: string[] | null): number {
    return this.logged(user, 'discard', () => {
      for (const [record, { delta }] of [...this.of(this.drafts, user)])
        if (records?.includes(record) ?? true)
          for (const key of Object.keys(delta))
            if (keys?.includes(key) ?? true) this.takeOut(user, record, key);
    });
  }

  // ---------------------------------------------------------------------------------------------- Bulk operations

  /** Result for a record: changes, possibly none; or the refused key, or '' for the whole record. */
  private bulkOf(
    user: number,
    record: string,
    operation: BulkOperation,
  ): { changes: Data; refused: string | null } {
    if (!this.isThere(record)) return { changes: {}, refused: '' };
    const data = this.seen(user, record);
    const changes = bulkChanges(data, operation);
    if (changes === null) return { changes: {}, refused: '' };
    if (Object.keys(changes).every((key) => plain(changes[key]) === plain(data[key])))
      return { changes: {}, refused: null };
    const unfit = this.unfit(data, changes).sort();
    return unfit[0] === undefined ? { changes, refused: null } : { changes: {}, refused: unfit[0] };
  }

  /** The named records that the user sees; a missing one is refused by name. */
  private selected(user: number, records: string[]): string[] {
    const visible = this.visible(user);
    return records.filter((record) => visible.includes(record) || !this.isThere(record)).sort();
  }

  preview(user: number, records: string[], operation: BulkOperation) {
    const selected = this.selected(user, records);
    const outcomes = selected.map((record) => ({ record, ...this.bulkOf(user, record, operation) }));
    const before = selected.map((record) => this.seen(user, record));
    const after = outcomes.map(({ record, changes }) => ({ ...this.seen(user, record), ...changes }));
    const refused = outcomes.filter((outcome) => outcome.refused !== null);
    const changed = outcomes.filter(({ changes }) => Object.keys(changes).length > 0);
    return {
      selected: selected.length,
      changed: changed.length,
      unchanged: selected.length - changed.length - refused.length,
      refused: refused.length,
      planBefore: dollars(total(counted(before), 'plan')),
      planAfter: dollars(total(counted(after), 'plan')),
      forecastBefore: dollars(total(counted(before), 'forecast')),
      forecastAfter: dollars(total(counted(after), 'forecast')),
      actualBefore: dollars(total(counted(before), 'actual')),
      actualAfter: dollars(total(counted(after), 'actual')),
    };
  }

  bulk(
    user: number,
    records: string[],
    operation: BulkOperation,
    options: { skipRefused: boolean; isStale: boolean },
  ): { changed: number; unchanged: number; refused: string[] } {
    if (options.isStale) throw new Refusal('VG409');
    const selected = this.selected(user, records);
    const outcomes = selected.map((record) => ({ record, ...this.bulkOf(user, record, operation) }));
    const refused = outcomes.flatMap(({ record, refused }) =>
      refused === null ? [] : [`${record} ${refused}`.trim()],
    );
    if (refused.length > 0 && !options.skipRefused) throw new Refusal('VG422', refused);
    this.logged(user, operation.kind, () => {
      for (const { record, changes } of outcomes)
        for (const [key, value] of Object.entries(changes)) this.put(user, record, key, value);
    });
    const changed = outcomes.filter(({ changes }) => Object.keys(changes).length > 0).length;
    const spared = outcomes.filter((outcome) => outcome.refused !== null).length;
    return { changed, unchanged: selected.length - changed - spared, refused };
  }

  // ----------------------------------------------------------------------------------------------
  // Undo

  /** `isOther`: requests another operation than the next one. */
  undo(user: number, isOther: boolean) {
    const operation = this.of(this.operations, user).findLast(({ isUndone }) => !isUndone);
    return this.restore(user, operation, true, isOther);
  }

  redo(user: number, isOther: boolean) {
    const operation = this.of(this.operations, user).find(({ isUndone }) => isUndone);
    return this.restore(user, operation, false, isOther);
  }

  private restore(user: number, operation: Operation | undefined, isUndo: boolean, isOther: boolean) {
    if (!operation) throw new Refusal('VG404');
    if (isOther) throw new Refusal('VG409');
    operation.isUndone = isUndo;
    const impossible: string[] = [];
    const changed = this.differences(user, () => {
      for (const [record, keys] of Object.entries(operation.differences)) {
        for (const [key, { from, to }] of Object.entries(keys)) {
          const [expected, wanted] = isUndo ? [to, from] : [from, to];
          // Undefined in all three: not drafted.
          const value = this.draft(user, record)?.delta[key];
          if (value !== expected || (wanted !== undefined && !this.isThere(record)))
            impossible.push(`${record} ${key}`);
          else if (wanted === undefined) this.takeOut(user, record, key);
          else this.put(user, record, key, wanted);
        }
      }
    });
    return { kind: operation.kind, changed: Object.keys(changed).length, impossible: impossible.sort() };
  }

  // ----------------------------------------------------------------------------------------------
  // Commit

  commit(user: number, records: string[] | null) {
    const chosen = [...this.of(this.drafts, user).keys()]
      .filter((record) => records?.includes(record) ?? true)
      .sort();
    const refused = (records ?? [])
      .filter((record) => !chosen.includes(record))
      .map((record) => `${record} none`);
    let recordCount = 0;
    let keyCount = 0;
    for (const record of chosen) {
      this.rebase(record, [user]);
      const taken = this.commitable(user, record, refused);
      const draft = this.draft(user, record);
      if (!draft || taken.length === 0) continue;
      const modification = committedOf(user, record);
      for (const key of taken) {
        const earlier = this.committed.find((m) => m.record === record && has(m.delta, key));
        modification.delta[key] = plain(draft.delta[key]);
        // The value in PEMS at the first draft, not the value that the second author saw.
        modification.base[key] = plain((earlier ?? draft).base[key]);
        const token = this.places.push('pending') - 1;
        modification.tokens[key] = token;
        if (earlier) this.leave(earlier, key, `superseded by ${token}`);
        this.takeOut(user, record, key);
      }
      this.committed = [...this.committed.filter((m) => Object.keys(m.delta).length > 0), modification];
      recordCount++;
      keyCount += taken.length;
    }
    for (const record of records ?? chosen) this.rebase(record);
    return { records: recordCount, keys: keyCount, refused: refused.sort() };
  }

  /** Returns the keys of a draft that can be committed now; `refused` lists the others. */
  private commitable(user: number, record: string, refused: string[]): string[] {
    const draft = this.draft(user, record);
    if (!draft) return [];
    const refuse = (key: string, kind: string) => void refused.push(`${record} ${key} ${kind}`);
    const underlay = this.underlay(record);
    let taken = Object.keys(draft.delta).filter((key) => {
      const problem = draft.problems[key];
      const isBusy = this.committed.some(
        (m) => m.record === record && m.state === 'syncing' && has(m.delta, key),
      );
      if (problem) refuse(key, problem.kind);
      else if (isBusy) refuse(key, 'busy');
      else if (!mayHold(underlay, key, plain(draft.delta[key]))) refuse(key, 'invalid');
      else return true;
      return false;
    });
    for (const range of ranges) {
      const result = { ...underlay };
      for (const key of taken) result[key] = plain(draft.delta[key]);
      const touched = taken.filter((key) => range.some((end) => end === key));
      if (touched.length === 0 || !isReversed(result[range[0]], result[range[1]])) continue;
      for (const key of touched) refuse(key, 'invalid');
      taken = taken.filter((key) => !touched.includes(key));
    }
    return taken;
  }

  /** Moves a pending value to another place. */
  private leave(modification: Committed, key: string, place: Place): void {
    const token = modification.tokens[key] ?? -1;
    if (this.places[token] !== 'pending')
      throw new Error(`Value ${token} is ${this.places[token]}, not pending.`);
    this.places[token] = place;
    delete modification.tokens[key];
    delete modification.delta[key];
    delete modification.base[key];
    if (Object.keys(modification.delta).length === 0)
      this.committed = this.committed.filter((other) => other !== modification);
  }

  /** Returns the location of every committed value, by its token. */
  whereabouts(): readonly Place[] {
    const pending = this.committed.flatMap(({ tokens }) => Object.values(tokens));
    const waiting = this.places.flatMap((place, token) => (place === 'pending' ? [token] : []));
    if (pending.sort((a, b) => a - b).join() !== waiting.join())
      throw new Error(`Pending are the values ${waiting.join()}, and ${pending.join()} wait.`);
    return this.places;
  }

  /** Returns the unconfirmed commits, in the order of commits. */
  pending() {
    return this.committed.map(({ tries, tokens: _, ...modification }) => ({
      ...modification,
      tries: tries.map(({ isQuiet: __, ...tried }) => tried),
    }));
  }

  /** Returns its uncertain writes, which no read has checked yet. */
  doubts({ of }: Claim): { attempt: number; values: Data }[] {
    return of.tries
      .filter(({ state }) => state === 'uncertain')
      .map(({ attempt, values }) => ({ attempt, values }));
  }

  /** By key: the token of the committed value. */
  tokensOf(claim: Claim): Record<string, number> {
    return { ...claim.of.tokens };
  }

  /** Whether other commits of the record would be complete before it starts without these. */
  private isNeeded({ record }: Committed, without: Committed[]): boolean {
    const others = this.committed.filter((m) => m.record === record && !without.includes(m));
    const data = Object.assign({}, this.mirror.get(record)?.data, ...others.map((m) => m.delta)) as Data;
    return ranges.some(
      ([first, last]) =>
        isReversed(data[first], data[last]) &&
        others.some(({ delta }) => has(delta, first) || has(delta, last)),
    );
  }

  /** `which`: positions in the list of pending changes; null: all of the user's own that wait. */
  withdraw(user: number, which: number[] | null) {
    const chosen = which
      ? which.map((index) => this.of(this.committed, index))
      : this.committed.filter((m) => m.user === user && m.state === 'committed');
    if (chosen.some((m) => m.user !== user)) throw new Refusal('VG404');
    const waiting = chosen.filter((m) => m.state === 'committed' && !this.isNeeded(m, chosen));
    this.committed = this.committed.filter((m) => !waiting.includes(m));
    const records = new Set(waiting.map((m) => m.record));
    for (const { record, delta, base } of waiting) {
      const draft = this.draft(user, record) ?? { delta: {}, base: {}, problems: {} };
      this.of(this.drafts, user).set(record, draft);
      for (const key of Object.keys(delta)) {
        if (!has(draft.delta, key)) draft.delta[key] = plain(delta[key]);
        draft.base[key] = plain(base[key]);
      }
    }
    for (const modification of waiting)
      for (const key of Object.keys(modification.tokens))
        this.places[modification.tokens[key] ?? -1] = 'withdrawn';
    for (const record of records) {
      this.rebase(record);
      const draft = this.draft(user, record);
      for (const [key, value] of Object.entries(draft?.delta ?? {}))
        if (this.isThere(record) && value === plain(this.underlay(record)[key]))
          if (waiting.some((m) => m.record === record && has(m.delta, key))) this.takeOut(user, record, key);
    }
    return { records: records.size, refused: chosen.length - waiting.length };
  }

  /** For owners and admins: returns the number of records. */
  takeOver(user: number, from: number, records: string[] | null): number {
    let count = 0;
    for (const [record, theirs] of [...this.of(this.drafts, from)]) {
      if (!(records?.includes(record) ?? true)) continue;
      count++;
      const mine = this.draft(user, record) ?? { delta: {}, base: {}, problems: {} };
      this.of(this.drafts, user).set(record, mine);
      for (const key of Object.keys(theirs.delta)) {
        if (has(mine.delta, key)) continue;
        mine.delta[key] = plain(theirs.delta[key]);
        mine.base[key] = plain(theirs.base[key]);
        if (theirs.problems[key]) mine.problems[key] = theirs.problems[key];
      }
      this.of(this.drafts, from).delete(record);
    }
    return count;
  }

  discardOf(from: number, records: string[] | null): number {
    const theirs = this.of(this.drafts, from);
    const chosen = [...theirs.keys()].filter((record) => records?.includes(record) ?? true);
    for (const record of chosen) theirs.delete(record);
    return chosen.length;
  }

  // ---------------------------------------------------------------------------------------------- PEMS and push

  /** Updates the drafts of a record after each change of its mirror or pending values. */
  private rebase(record: string, users = [...Array(this.userCount).keys()]): void {
    const mirrored = this.mirror.get(record);
    const theirs = this.underlay(record);
    for (const user of users) {
      const draft = this.draft(user, record);
      if (!draft) continue;
      for (const key of Object.keys(draft.delta)) {
        const [mine, base, under] = [plain(draft.delta[key]), plain(draft.base[key]), plain(theirs[key])];
        const problem = draft.problems[key];
        if (!mirrored?.isRemoved && under === mine && plain(mirrored?.data[key]) === mine)
          this.takeOut(user, record, key);
        else if (problem?.by === 'push')
          // It stays, with the new conflicting value.
          Object.assign(problem, has(problem, 'theirs') ? { theirs: under, mine } : {});
        else if (mirrored?.isRemoved) draft.problems[key] = { kind: 'removed', base, mine };
        else if (under !== base && under !== mine)
          draft.problems[key] = { kind: 'conflict', base, theirs: under, mine };
        else delete draft.problems[key];
      }
    }
  }

  /** A complete run over the records of PEMS, with its times of start, request and response. */
  sync(rows: Map<string, Data>, run: { beganAt: number; askedAt: number; answeredAt: number }): void {
    const changed = new Set<string>();
    for (const [record, data] of rows) {
      const known = this.mirror.get(record);
      if (known) known.missedAt = null;
      // The stored value came with a later response.
      if (known && known.observedAt >= run.askedAt) continue;
      if (known && !known.isRemoved && isSame(known.data, data)) continue;
      this.mirror.set(record, {
        ...{ data: { ...data }, isRemoved: false, missedAt: null, observedAt: run.answeredAt },
      });
      changed.add(record);
    }
    for (const [record, known] of this.mirror) {
      if (rows.has(record) || known.isRemoved) continue;
      // A user has seen it since.
      if (known.missedAt !== null && known.observedAt >= known.missedAt) known.missedAt = null;
      if (known.observedAt >= run.beganAt) continue;
      if (known.missedAt === null) known.missedAt = run.beganAt;
      else {
        this.remove(known, run.beganAt);
        changed.add(record);
      }
    }
    for (const record of changed) this.rebase(record);
  }

  private remove(known: Mirrored, at: number): void {
    known.isRemoved = true;
    known.missedAt = null;
    known.observedAt = at;
  }

  // ----------------------------------------------------------------------------------------------
  // Push

  /** Takes due changes in the order of commits, one per record. */
  begin(most: number): { claim: Claim; step: 'read' | 'read_back' }[] {
    const due = this.committed.filter((m, index) => {
      const others = this.committed.filter((other) => other.record === m.record && other !== m);
      const earlier = this.committed.slice(0, index).filter((other) => other.record === m.record);
      if (m.state === 'syncing') return m.wait === 'due';
      return (
        (m.wait === 'none' || m.wait === 'due') &&
        others.every(({ state }) => state === 'committed') &&
        earlier.length === 0
      );
    });
    return due.slice(0, most).map((m) => {
      const isAnswered = m.tries.some(({ attempt, state }) => attempt === m.attempts && state === 'answered');
      if (!isAnswered) m.attempts++;
      Object.assign(m, { state: 'syncing', wait: 'none' });
      return { claim: { of: m, attempt: m.attempts }, step: isAnswered ? 'read_back' : 'read' };
    });
  }

  /** Neither released nor given to another worker. */
  private isGood({ of, attempt }: Claim): boolean {
    return (
      this.committed.includes(of) && of.state === 'syncing' && of.wait === 'none' && of.attempts === attempt
    );
  }

  /** Push applies its reads to the mirror like a run. */
  private enter(record: string, read: Read): void {
    const known = this.mirror.get(record);
    if (!known) return;
    const data = { ...(read.isWhole ? {} : known.data), ...read.data };
    for (const key of Object.keys(data)) if (data[key] === null) delete data[key];
    Object.assign(known, { data, isRemoved: false, missedAt: null, observedAt: read.answeredAt });
  }

  private isStale(record: string, read: Read): boolean {
    return read.askedAt <= (this.mirror.get(record)?.observedAt ?? 0);
  }

  /** State of a key in PEMS: the new value, the expected old value, or another one. */
  private holds({ delta, base }: Committed, key: string, read: Read): 'mine' | 'base' | 'other' {
    const theirs = plain(read.data[key]);
    const isOf = (value: Value) => value === theirs || (value === null && read.blank.includes(key));
    if (isOf(plain(delta[key]))) return 'mine';
    return isOf(plain(base[key])) ? 'base' : 'other';
  }

  /** Push read a record before a write. */
  plan(claim: Claim, read: Read): { decision: string; values: Data | null } {
    const { of } = claim;
    if (!this.isGood(claim)) return { decision: 'superseded', values: null };
    if (this.isStale(of.record, read)) return { decision: 'read_again', values: null };
    this.enter(of.record, read);
    const values: Data = {};
    const problems: Record<string, Problem> = {};
    for (const key of Object.keys(of.delta)) {
      const doubts = of.tries.filter((t) => t.state === 'uncertain' && has(t.values, key));
      const conflict: Problem = { kind: 'conflict', theirs: plain(read.data[key]) };
      const holds = this.holds(of, key, read);
      if (holds === 'other') problems[key] = conflict;
      // It may have been written and changed back.
      else if (holds === 'base' && doubts.some(({ version }) => version !== read.version))
        problems[key] = conflict;
      else if (holds === 'base' && of.failures > 3) problems[key] = { kind: 'failed' };
      else if (holds === 'base') values[key] = plain(of.delta[key]);
    }
    for (const t of of.tries) if (t.state === 'uncertain') t.state = 'over';
    this.giveBack(of, problems);
    let decision = 'confirmed';
    if (Object.keys(values).length > 0) {
      decision = 'write';
      const { version } = read;
      of.tries.push({
        attempt: claim.attempt,
        version,
        values: { ...values },
        state: 'open',
        isQuiet: false,
      });
    } else if (this.committed.includes(of)) this.confirm(of);
    else decision = 'returned';
    this.rebase(of.record);
    return { decision, values: decision === 'write' ? values : null };
  }

  /** PEMS responded to the write. Whether that changes anything. */
  answer(claim: Claim): boolean {
    const written = this.isGood(claim) ? this.written(claim) : undefined;
    if (written) written.state = 'answered';
    return written !== undefined;
  }

  private written({ of, attempt }: Claim): Try | undefined {
    return of.tries.find((t) => t.attempt === attempt && (t.state === 'open' || t.state === 'answered'));
  }

  /** Push read records after their writes. */
  settle(reads: { claim: Claim; read: Read }[]): string[] {
    return reads.map(({ claim, read }) => {
      const { of } = claim;
      if (!this.isGood(claim)) return 'superseded';
      if (this.isStale(of.record, read)) return 'read_again';
      this.enter(of.record, read);
      const written = this.written(claim);
      const problems: Record<string, Problem> = {};
      for (const key of Object.keys(of.delta)) {
        const holds = this.holds(of, key, read);
        const theirs = plain(read.data[key]);
        if (holds === 'mine') continue;
        const wasWritten = written !== undefined && has(written.values, key);
        const kind = !wasWritten ? 'conflict' : holds === 'base' ? 'refused' : 'altered';
        problems[key] = { kind, theirs };
      }
      this.giveBack(of, problems);
      if (this.committed.includes(of)) this.confirm(of);
      this.rebase(of.record);
      return Object.keys(problems).length > 0 ? 'returned' : 'confirmed';
    });
  }

  /** PEMS has all remaining values. */
  private confirm(of: Committed): void {
    for (const key of Object.keys(of.delta)) {
      this.told.push(toldOf(of, key, plain(of.base[key]), plain(of.delta[key])));
      this.leave(of, key, 'in PEMS');
    }
  }

  /** Keys return to the draft of their author, each with its problem. */
  private giveBack(of: Committed, problems: Record<string, Problem>): void {
    for (const [key, problem] of Object.entries(problems)) {
      const { user, record } = of;
      const [given, base] = [plain(of.delta[key]), plain(of.base[key])];
      const draft = this.draft(user, record) ?? { delta: {}, base: {}, problems: {} };
      this.of(this.drafts, user).set(record, draft);
      // Newer drafts of the author stay.
      if (!has(draft.delta, key)) draft.delta[key] = given;
      draft.base[key] = problem.kind === 'altered' ? plain(problem.theirs) : base;
      draft.problems[key] = { base, ...problem, mine: plain(draft.delta[key]), by: 'push' };
      const held = plain(this.mirror.get(record)?.data[key]);
      this.told.push(`${toldOf(of, key, given, held)} ${problem.kind}`);
      this.leave(of, key, 'in a draft');
    }
  }

  /** A step failed. `waits`: seconds until the retry. */
  fail(claim: Claim, verdict: Verdict, askedAt: number, waits = 0): string {
    const { of } = claim;
    if (!this.isGood(claim)) return 'superseded';
    const written = this.written(claim);
    const isAnswered = written?.state === 'answered';
    if (verdict === 'uncertain') {
      if (written) written.state = 'uncertain';
      of.failures++;
      of.wait = written?.isQuiet === false ? 'long' : 'due';
      return 'uncertain';
    }
    if (verdict === 'retry') of.failures++;
    let kind: string | undefined;
    let keys = Object.keys(written?.values ?? of.delta);
    const groups = [...new Set(keys.map(groupOf))].sort();
    if (verdict === 'refuse' && groups.length > 1 && !isAnswered) this.split(of, keys, groups);
    else if (verdict === 'refuse') kind = 'refused';
    else if (verdict === 'remove') {
      kind = 'removed';
      keys = Object.keys(of.delta);
      const known = this.mirror.get(of.record);
      // A second complete run missed it.
      if (known && !known.isRemoved && known.missedAt !== null && known.observedAt < askedAt)
        this.remove(known, askedAt);
    } else if (of.failures > 3 && verdict === 'retry') kind = 'failed';
    const isInDoubt = of.tries.some(({ state }) => state === 'uncertain');
    if (written && (kind !== undefined || !isAnswered)) written.state = 'over';
    if (kind !== undefined) {
      const problem = { kind };
      this.giveBack(of, Object.fromEntries(keys.map((key) => [key, { ...problem }])));
      this.rebase(of.record);
    }
    of.state = isInDoubt || isAnswered ? 'syncing' : 'committed';
    of.wait = (verdict === 'retry' ? 5 : waits) > 0 ? 'short' : 'due';
    return kind === undefined ? 'waits' : 'returned';
  }

  /** Each group is written separately, after waiting changes, and later commits of the record follow it. */
  private split(of: Committed, keys: string[], [, ...groups]: string[]): void {
    const parts = groups.map((group) => {
      const part = committedOf(of.user, of.record);
      for (const key of keys.filter((key) => groupOf(key) === group)) {
        for (const name of ['delta', 'base', 'tokens'] as const) {
          Object.assign(part[name], { [key]: of[name][key] });
          delete of[name][key];
        }
      }
      return part;
    });
    const later = this.committed.filter((m) => m.record === of.record && m !== of);
    this.committed = [...this.committed.filter((m) => !later.includes(m)), ...parts, ...later];
  }

  /** The worker of the change is gone. */
  resume(): number {
    const abandoned = this.committed.filter(({ state, wait }) => state === 'syncing' && wait === 'none');
    for (const of of abandoned) {
      const written = this.written({ of, attempt: of.attempts });
      of.wait = 'due';
      if (written?.state === 'open') {
        written.state = 'uncertain';
        if (!written.isQuiet) of.wait = 'long';
      } else if (!written && !of.tries.some(({ state }) => state === 'uncertain')) of.state = 'committed';
    }
    return abandoned.length;
  }

  /** Advances the time. */
  pass(isLong: boolean): void {
    for (const of of this.committed) {
      if (of.wait === 'short' || (of.wait === 'long' && isLong)) of.wait = 'due';
      if (isLong) for (const t of of.tries) t.isQuiet = true;
    }
  }

  /** Returns the events of push since the last call. */
  news(): string[] {
    return this.told.splice(0).sort();
  }

  // ---------------------------------------------------------------------------------------------- Resolving problems

  private resolveKey(user: number, { record, choice, value }: Resolution, key: string): void {
    if (choice === 'theirs') return this.takeOut(user, record, key);
    const draft = this.draft(user, record);
    if (!draft) return;
    draft.base[key] = plain(this.underlay(record)[key]);
    delete draft.problems[key];
    this.put(user, record, key, choice === 'mine' ? plain(draft.delta[key]) : value);
  }

  resolve(user: number, resolutions: Resolution[]): { records: number; keys: number } {
    const named = resolutions.flatMap((resolution) => {
      const own = Object.keys(this.draft(user, resolution.record)?.problems ?? {});
      const keys: string[] = resolution.keys ?? (own.length > 0 ? own : ['']);
      return keys.map((key) => ({ ...resolution, key, name: `${resolution.record} ${key}`.trim() }));
    });
    const wrong = named.map((n): string | null => {
      if (named.filter(({ name }) => name === n.name).length > 1) return 'VG400';
      if (!this.mirror.has(n.record)) return 'VG404';
      // No user has seen the state of a problem that is no longer shown.
      if (n.isStale || !this.visible(user).includes(n.record)) return 'VG409';
      if (!has(this.draft(user, n.record)?.problems ?? {}, n.key)) return 'VG404';
      if (!this.isThere(n.record) && n.choice !== 'theirs') return 'VG422';
      return n.choice === 'value' && !mayHold(this.seen(user, n.record), n.key, n.value) ? 'VG422' : null;
    });
    const worst = wrong.filter((code) => code !== null).sort()[0];
    if (worst !== undefined) {
      // A record with a new revision is listed itself, not each of its keys.
      const moved = named.flatMap(({ record }, index) => (wrong[index] === 'VG409' ? [record] : []));
      const others = named.flatMap(({ name }, index) =>
        wrong[index] && wrong[index] !== 'VG409' ? [name] : [],
      );
      throw new Refusal(worst, [...new Set(moved), ...others]);
    }
    const unfit = [...new Set(named.map(({ record }) => record))].flatMap((record) => {
      const under = this.underlay(record);
      const own = named.filter((n) => n.record === record);
      const given = own.filter(({ choice }) => choice === 'value');
      const result = this.seen(user, record);
      for (const { key, choice, value } of own)
        if (choice !== 'mine') result[key] = choice === 'value' ? plain(value) : plain(under[key]);
      return ranges
        .filter((keys) => given.some(({ key }) => keys.some((end) => end === key)))
        .filter(([first, last]) => isReversed(result[first], result[last]))
        .map(([, last]) => `${record} ${last}`);
    });
    if (unfit.length > 0) throw new Refusal('VG422', unfit);
    this.logged(user, 'resolve', () => {
      for (const { key, ...resolution } of named) this.resolveKey(user, resolution, key);
    });
    return { records: new Set(named.map(({ record }) => record)).size, keys: named.length };
  }

  /** `isStale`: the user has seen an older state. */
  resolveAll(user: number, choice: 'mine' | 'theirs', isStale: (record: string) => boolean) {
    const all = [...this.of(this.drafts, user)].filter(
      ([, { problems }]) => Object.keys(problems).length > 0,
    );
    const refused = all
      .map(([record]) => record)
      .filter((record) => isStale(record) || (choice === 'mine' && !this.isThere(record)));
    const chosen = all
      .filter(([record]) => !refused.includes(record))
      .flatMap(([record, { problems }]) => Object.keys(problems).map((key) => ({ record, key })));
    this.logged(user, 'resolve', () => {
      for (const { record, key } of chosen)
        this.resolveKey(user, { record, choice, keys: null, value: null, isStale: false }, key);
    });
    return {
      records: new Set(chosen.map(({ record }) => record)).size,
      keys: chosen.length,
      refused: refused.sort(),
    };
  }

  // ---------------------------------------------------------------------------------------------- The view of a user

  sees(user: number) {
    const visible = this.visible(user);
    const there = visible.filter((record) => this.isThere(record)).map((record) => this.seen(user, record));
    return {
      records: visible.map((record) => {
        const draft = this.draft(user, record);
        return {
          id: record,
          data: this.seen(user, record),
          base: draft?.base ?? null,
          hasDraft: draft !== undefined,
          isPending: this.committed.some((m) => m.record === record),
          hasProblem: draft !== undefined && Object.keys(draft.problems).length > 0,
          isRemoved: !this.isThere(record),
        };
      }),
      drafts: [...this.of(this.drafts, user)]
        .map(([id, draft]) => {
          const underlay = this.underlay(id);
          return {
            id,
            ...draft,
            current: Object.fromEntries(Object.keys(draft.delta).map((key) => [key, plain(underlay[key])])),
            costChanges: (['plan', 'forecast', 'actual'] as const).map((kind) =>
              dollars(total(counted([this.seen(user, id)]), kind) - total(counted([underlay]), kind)),
            ),
          };
        })
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
      operations: this.of(this.operations, user).map(({ kind, differences, isUndone }) => ({
        kind,
        records: Object.keys(differences).length,
        isUndone,
      })),
      kpis: kpis(there),
      bounds: bounds(there),
    };
  }
}

const committedOf = (user: number, record: string): Committed => ({
  ...{ user, record, delta: {}, base: {}, state: 'committed', attempts: 0, failures: 0, wait: 'none' },
  ...{ tries: [], tokens: {} },
});

/** Keys that PEMS accepts only together, by the first of them. */
const groupOf = (key: string) => (key === 'forecastEnd' ? 'forecastStart' : key);

/** A key of a change that push ended, as events report it. */
const toldOf = ({ user, record }: Committed, key: string, from: Value, to: Value) =>
  JSON.stringify([user, record, key, from, to]);

function isSame(a: Data, b: Data): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => a[key] === b[key]);
}
