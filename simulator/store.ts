/**
 * The records of this PEMS: generated ones, computed on demand, and the writes on top of them. Also holds the
 * organizations, the order of ids, the log of writes and the clock of PEMS.
 */
import { simulatedOrganizations, type SimulatedOrganization } from './catalogue.ts';
import { at, fieldOf, fields, type Row, type Value } from './fields.ts';
import { generateRow, idOf, indexOf, profileOf, type Profile } from './generate.ts';
import { Journal } from './journal.ts';
import { compareText, fromPlain, toPlain } from './values.ts';

/** A record and its token, which changes with every write. Generated records have 1. */
export interface StoredRecord {
  readonly row: Row;
  readonly recordid: number;
}

/** A record without writes: its values are computed on demand. */
export class GeneratedRecord implements StoredRecord {
  readonly recordid = 1;
  readonly organization: OrganizationStore;
  /** Position of the record, from 0. */
  readonly index: number;
  private computed: Row | undefined;

  constructor(organization: OrganizationStore, index: number) {
    this.organization = organization;
    this.index = index;
  }

  get row(): Row {
    return (this.computed ??= generateRow(this.organization.profile, this.index));
  }
}

export type PlainValues = Record<string, Value>;

/**
 * An accepted write. Values are keyed by grid alias and plain: dates `2026-04-02`, flags as booleans, empty values as
 * null.
 */
export interface WriteEntry {
  readonly seq: number;
  /** Time of PEMS, ISO, UTC. */
  readonly at: string;
  readonly action: 'add' | 'update' | 'delete';
  /** Source of the write: the user-defined screen service, or the control port ("another writer"). */
  readonly via: 'screen' | 'control';
  readonly by: string;
  readonly organization: string;
  readonly id: string;
  /** Values before: the fields sent with an update, all fields for a delete. */
  readonly before: PlainValues;
  /** Values received, before a fault altered or dropped them. */
  readonly came: PlainValues;
  /** Values kept: the changed fields of an update, all fields of an add. */
  readonly after: PlainValues;
  /** The recordid after the write, and the one that the client sent. */
  readonly recordid: number;
  readonly recordidSent?: number;
  /** Set to `drop-write` or `alter-write` if such a fault applied. */
  readonly fault?: string;
}

/**
 * Bounds of a range of ids. Each function is true up to some place in the order of ids and false after it, so that
 * binary search finds the place.
 */
export interface IdRange {
  readonly before: readonly ((id: string) => boolean)[];
  readonly notAfter: readonly ((id: string) => boolean)[];
}

/** Returns how many of 0..length-1, counted from the start, `holds` accepts. */
function countWhile(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An organization: `size` generated records, with its changes, removals and additions. */
export class OrganizationStore {
  readonly code: string;
  readonly name: string;
  readonly size: number;
  readonly profile: Profile;
  private readonly changed = new Map<string, StoredRecord>();
  private readonly removed = new Set<string>();
  /** Added ids, in order. */
  private readonly added: string[] = [];

  constructor(seed: number, organization: SimulatedOrganization) {
    this.code = organization.code;
    this.name = organization.name;
    this.size = organization.size;
    this.profile = profileOf(seed, organization.code);
  }

  /** Returns the counts for the control port. */
  get counts(): { records: number; generated: number; changed: number; added: number; removed: number } {
    return {
      records: this.size - this.removed.size + this.added.length,
      generated: this.size,
      changed: this.changed.size - this.added.length,
      added: this.added.length,
      removed: this.removed.size,
    };
  }

  /** Returns the n of a generated id, or -1. */
  private generatedIndex(id: string): number {
    const index = indexOf(this.code, id);
    return index < this.size ? index : -1;
  }

  private isGenerated(id: string): boolean {
    return this.generatedIndex(id) >= 0;
  }

  get(id: string): StoredRecord | undefined {
    const changed = this.changed.get(id);
    if (changed) return changed;
    const index = this.generatedIndex(id);
    return index < 0 || this.removed.has(id) ? undefined : new GeneratedRecord(this, index);
  }

  set(id: string, record: StoredRecord): void {
    if (this.isGenerated(id)) this.removed.delete(id);
    else if (!this.changed.has(id)) this.added.splice(this.addedBelow(id), 0, id);
    this.changed.set(id, record);
  }

  delete(id: string): void {
    this.changed.delete(id);
    if (this.isGenerated(id)) this.removed.add(id);
    else if (this.added[this.addedBelow(id)] === id) this.added.splice(this.addedBelow(id), 1);
  }

  private addedBelow(id: string): number {
    return countWhile(this.added.length, (i) => compareText(this.added[i] as string, id) < 0);
  }

  /**
   * Returns the ids of a range in the order of code points, or in reverse. Finds the ends of the range by binary
   * search.
   */
  *ids(range: IdRange, descending: boolean): Generator<string> {
    const cut = (length: number, idAt: (index: number) => string): [number, number] => [
      Math.max(0, ...range.before.map((test) => countWhile(length, (i) => test(idAt(i))))),
      Math.min(length, ...range.notAfter.map((test) => countWhile(length, (i) => test(idAt(i))))),
    ];
    const generatedAt = (index: number): string => idOf(this.code, index);
    const addedAt = (index: number): string => this.added[index] as string;
    const [g0, g1] = cut(this.size, generatedAt);
    const [a0, a1] = cut(this.added.length, addedAt);
    const step = descending ? -1 : 1;
    let g = descending ? g1 - 1 : g0;
    let a = descending ? a1 - 1 : a0;
    const left = (position: number, low: number, high: number): boolean => position >= low && position < high;
    while (left(g, g0, g1) || left(a, a0, a1)) {
      const generated = left(g, g0, g1) ? generatedAt(g) : undefined;
      const added = left(a, a0, a1) ? addedAt(a) : undefined;
      if (generated !== undefined && (added === undefined || step * compareText(generated, added) < 0)) {
        g += step;
        if (!this.removed.has(generated)) yield generated;
      } else {
        a += step;
        yield added as string;
      }
    }
  }
}

export interface StoreOptions {
  readonly seed: number;
  readonly folder?: string;
  readonly organizations?: Record<string, number>;
  readonly onlyListed?: boolean;
}

/** A checked write. Values are typed and keyed by their position in `fields`. */
export interface Write {
  readonly action: WriteEntry['action'];
  readonly via: WriteEntry['via'];
  readonly by: string;
  readonly organization: OrganizationStore;
  readonly id: string;
  readonly came: ReadonlyMap<number, Value>;
  /** Values to keep instead of the received ones (fault `alter-write`), or nothing (`drop-write`). */
  readonly keep?: ReadonlyMap<number, Value>;
  readonly fault?: string;
  readonly recordidSent?: number;
}

export class Store {
  readonly seed: number;
  readonly organizations = new Map<string, OrganizationStore>();
  readonly writes: WriteEntry[] = [];
  private clockOffset = 0;
  private readonly journal: Journal | undefined;

  constructor(options: StoreOptions) {
    this.seed = options.seed;
    for (const organization of organizationsOf(options)) {
      this.organizations.set(organization.code, new OrganizationStore(this.seed, organization));
    }
    if (options.folder !== undefined) {
      this.journal = Journal.open(options.folder, this.seed, (entry) => this.replay(entry));
    }
  }

  /** Returns the time of PEMS in milliseconds since 1970: the machine's, moved by `moveClock`. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** Moves the clock of PEMS to `time`, or resets it to the machine's clock. The log keeps the change. */
  moveClock(time: number | undefined): void {
    const offset = time === undefined ? 0 : time - Date.now();
    this.journal?.append({ clockOffset: offset });
    this.clockOffset = offset;
  }

  /** Applies a checked write: first to the log, then to memory. Call `flush` before you answer the write. */
  write(write: Write): WriteEntry {
    const { organization, id, action } = write;
    const current = organization.get(id);
    const seq = (this.writes.at(-1)?.seq ?? 0) + 1;
    const time = this.now();
    const before = current?.row;
    const came = plainOf(write.came);
    const kept = plainOf(write.keep ?? write.came);
    const entry: WriteEntry = {
      seq,
      at: new Date(time).toISOString(),
      action,
      via: write.via,
      by: write.by,
      organization: organization.code,
      id,
      before: !before
        ? {}
        : action === 'delete'
          ? plainOf(before.entries())
          : plainOf(before.entries(), { ...came, ...kept }),
      came,
      after: write.fault === 'drop-write' || action === 'delete' ? {} : kept,
      recordid: seq + 1,
      ...(write.recordidSent === undefined ? {} : { recordidSent: write.recordidSent }),
      ...(write.fault === undefined ? {} : { fault: write.fault }),
    };
    this.journal?.append(entry);
    this.apply(entry);
    return entry;
  }

  /** Resolves when all writes are on disk. */
  async flush(): Promise<void> {
    await this.journal?.flush();
  }

  async close(): Promise<void> {
    await this.journal?.close();
  }

  private replay(entry: unknown): void {
    const offset = (entry as { clockOffset?: unknown }).clockOffset;
    if (typeof offset === 'number') this.clockOffset = offset;
    else this.apply(entry as WriteEntry);
  }

  /** Applies an entry to memory; live writes and replay share it. */
  private apply(entry: WriteEntry): void {
    this.writes.push(entry);
    // The folder may hold entries of organizations that this simulator does not serve. They stay in the log and have no
    // effect.
    const organization = this.organizations.get(entry.organization);
    if (!organization || entry.fault === 'drop-write') return;
    if (entry.action === 'delete') {
      organization.delete(entry.id);
      return;
    }
    const old = organization.get(entry.id);
    if (!old && entry.action === 'update') return;
    const row: Row = old ? [...old.row] : emptyRow(organization.code, entry.id);
    for (const [alias, value] of Object.entries(entry.after)) {
      const field = fieldOf(alias);
      if (field) row[field.index] = fromPlain(field, value);
    }
    row[at.pfs_f_intlastupdated] = Date.parse(entry.at);
    row[at.pfs_f_last_change_by] = entry.by;
    organization.set(entry.id, { row, recordid: entry.recordid });
  }
}

/** Returns a record with only its identity; flags are off. */
export function emptyRow(organization: string, id: string): Row {
  const row: Row = fields.map((field) => (field.kind === 'flag' ? false : null));
  row[at.pfs_id] = id;
  row[at.pfs_a_org] = organization;
  return row;
}

/** Returns plain values, keyed by alias; only those of `only` if given. */
export function plainOf(values: Iterable<readonly [number, Value]>, only?: PlainValues): PlainValues {
  const plain: PlainValues = {};
  for (const [index, value] of values) {
    const field = fields[index];
    if (field && (!only || field.alias in only)) plain[field.alias] = toPlain(field, value);
  }
  return plain;
}

function organizationsOf(options: StoreOptions): SimulatedOrganization[] {
  const listed = options.organizations ?? {};
  for (const [code, size] of Object.entries(listed)) {
    if (!/^[A-Za-z0-9_]{1,15}$/.test(code)) {
      throw new Error(`An organization code is 1 to 15 letters, digits or _, not ${JSON.stringify(code)}`);
    }
    if (!Number.isInteger(size) || size < 0 || size > 9_999_999) {
      throw new Error(`The size of organization ${code} is a whole number from 0 to 9999999, not ${size}`);
    }
  }
  const defaults = options.onlyListed ? [] : simulatedOrganizations.filter(({ code }) => !(code in listed));
  const more = Object.entries(listed).map(([code, size]) => ({
    code,
    name: simulatedOrganizations.find((known) => known.code === code)?.name ?? `${code} Project`,
    size,
  }));
  return [...defaults, ...more];
}
