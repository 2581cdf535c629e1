import { expect } from 'vitest';
import type { Data, Value } from './model.ts';

// A small PEMS for the walks: its records, and every accepted write.

/** A write as sent to PEMS. */
export interface Write {
  record: string;
  /** The `recordid` of the record that was read. */
  version: string;
  values: Data;
  /** By key: the token of the committed value. */
  tokens: Record<string, number>;
}

interface Entry {
  record: string;
  key: string;
  token: number;
  before: Value;
  after: Value;
}

/** The value that grid and screen show for a key whose own field is empty. */
const planned: Record<string, Data> = { r0: { category: 'Planned' }, r1: { monthlyRate: 77 } };

export class Pems {
  private readonly records = new Map<string, { data: Data; version: number }>();
  private readonly log: Entry[] = [];
  /** All changes by any writer, with the values before. */
  private readonly history: { record: string; key: string; before: Value }[] = [];
  private versions = 0;
  /** Whether it refuses a write over an outdated version. */
  private readonly checksVersions: boolean;
  /** Sent, neither done nor answered yet. */
  private underWay: Write[] = [];

  constructor(checksVersions: boolean) {
    this.checksVersions = checksVersions;
  }

  has(record: string): boolean {
    return this.records.has(record);
  }

  /** A record as PEMS shows it: the planned value if the forecast is empty. */
  shown(record: string): Data {
    return withoutNulls({ ...planned[record], ...this.records.get(record)?.data });
  }

  all(): Map<string, Data> {
    return new Map([...this.records.keys()].map((record) => [record, this.shown(record)]));
  }

  /** Returns those of these keys whose own field is empty. */
  blank(record: string, keys: readonly string[]): string[] {
    const data = this.records.get(record)?.data ?? {};
    return keys.filter((key) => data[key] === undefined);
  }

  version(record: string): string {
    return String(this.records.get(record)?.version);
  }

  /** A change by another writer; null: the record is removed. The last record stays. */
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

  /** Another writer reverts one of the last changes. */
  takeBack(which: number): void {
    const last = this.history.slice(-3);
    const entry = last[which % last.length];
    if (entry && this.has(entry.record)) this.put(entry.record, { [entry.key]: entry.before });
  }

  /** Whether PEMS would accept it now. */
  takes({ record, version }: Write): boolean {
    return this.has(record) && !(this.checksVersions && this.version(record) !== version);
  }

  /** Applies it, possibly with altered values. */
  write(write: Write, put: Data = write.values): void {
    const { record, tokens } = write;
    const data = this.records.get(record)?.data ?? {};
    for (const [key, value] of Object.entries(put)) {
      const [token, before, after] = [tokens[key] ?? -1, data[key] ?? null, value];
      const earlier = this.log.find((entry) => entry.token === token && entry.key === key);
      // Writing the same value again is harmless, but overwriting another writer's value is not.
      if (earlier)
        expect(before, `what a second write of ${key} of ${record} overwrites`).toBe(earlier.after);
      this.log.push({ record, key, token, before, after });
    }
    this.put(record, put);
  }

  /** Accepts the write, and may apply it later. */
  keep(write: Write): void {
    this.underWay.push(write);
  }

  /** Open writes are applied now or never. */
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
