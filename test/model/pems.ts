import { expect } from 'vitest';
import type { Data, Value } from './model.ts';

// A little PEMS for the walks: what it holds, and every write that it has taken.

/** A write as it was sent to PEMS. */
export interface Write {
  record: string;
  /** The `recordid` of the record that was read. */
  version: string;
  values: Data;
  /** By key, which of all committed values it is. */
  tokens: Record<string, number>;
}

interface Entry {
  record: string;
  key: string;
  token: number;
  before: Value;
  after: Value;
}

/** What the grid and the screen show for a key whose own field is empty. */
const planned: Record<string, Data> = { r0: { category: 'Planned' }, r1: { monthlyRate: 77 } };

export class Pems {
  private readonly records = new Map<string, { data: Data; version: number }>();
  private readonly log: Entry[] = [];
  /** What anybody changed, and how it was before. */
  private readonly history: { record: string; key: string; before: Value }[] = [];
  private versions = 0;
  /** Whether it refuses a write over another version than the present one. */
  private readonly checksVersions: boolean;
  /** Written, not done yet, not answered. */
  private underWay: Write[] = [];

  constructor(checksVersions: boolean) {
    this.checksVersions = checksVersions;
  }

  has(record: string): boolean {
    return this.records.has(record);
  }

  /** As everybody is shown a record: the plan's value where the forecast's is empty. */
  shown(record: string): Data {
    return withoutNulls({ ...planned[record], ...this.records.get(record)?.data });
  }

  all(): Map<string, Data> {
    return new Map([...this.records.keys()].map((record) => [record, this.shown(record)]));
  }

  /** Of these keys those whose own field is empty. */
  blank(record: string, keys: readonly string[]): string[] {
    const data = this.records.get(record)?.data ?? {};
    return keys.filter((key) => data[key] === undefined);
  }

  version(record: string): string {
    return String(this.records.get(record)?.version);
  }

  /** Somebody else's doing; null: the record is gone. The last one stays. */
  edit(record: string, data: Data | null): void {
    if (data) this.put(record, data);
    else if (this.records.size > 1) this.records.delete(record);
  }

  private put(record: string, data: Data): void {
    const version = ++this.versions;
    const held = this.records.get(record)?.data ?? {};
    for (const [key, value] of Object.entries(data))
      if ((held[key] ?? null) !== value) this.history.push({ record, key, before: held[key] ?? null });
    this.records.set(record, { data: withoutNulls({ ...held, ...data }), version });
  }

  /** Somebody takes back one of the last changes. */
  takeBack(which: number): void {
    const last = this.history.slice(-3);
    const entry = last[which % last.length];
    if (entry && this.has(entry.record)) this.put(entry.record, { [entry.key]: entry.before });
  }

  /** Whether it would take it now. */
  takes({ record, version }: Write): boolean {
    return this.has(record) && !(this.checksVersions && this.version(record) !== version);
  }

  /** Does it, or something like it. */
  write(write: Write, put: Data = write.values): void {
    const { record, tokens } = write;
    const data = this.records.get(record)?.data ?? {};
    for (const [key, value] of Object.entries(put)) {
      const [token, before, after] = [tokens[key] ?? -1, data[key] ?? null, value];
      const earlier = this.log.find((entry) => entry.token === token && entry.key === key);
      // Once more what is there already does no harm; over what somebody else put there, it does.
      if (earlier)
        expect(before, `what a second write of ${key} of ${record} overwrites`).toBe(earlier.after);
      this.log.push({ record, key, token, before, after });
    }
    this.put(record, put);
  }

  /** It takes the write, and may do it later. */
  keep(write: Write): void {
    this.underWay.push(write);
  }

  /** What was under way is done, or never will be. */
  finish(which: number | 'all', does: boolean): void {
    const chosen =
      which === 'all'
        ? this.underWay
        : this.underWay.slice(which % Math.max(1, this.underWay.length)).slice(0, 1);
    this.underWay = this.underWay.filter((write) => !chosen.includes(write));
    for (const write of chosen) if (does && this.takes(write)) this.write(write);
  }
}

const withoutNulls = (data: Data): Data =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
