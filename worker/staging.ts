import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  makeStorable,
  type GridRow,
  type MappedRecord,
  type PemsPage,
  type RecordMapper,
} from '../src/pems/index.ts';

/**
 * Receives the output of `stagingRows`. The binary format is a third faster for PostgreSQL than text, and needs no
 * escaping.
 */
export const copyIntoStaging = `copy app_private.pfa_staging (organization_id, run_id, pfa_id, organization_code, data, version,
  version_by, problems, row_content, unknown, requested_at, received_at) from stdin (format binary)`;

/** A problem of one of these keys makes the whole row invalid. */
const identity = new Set(['pfaId', 'organization']);

/** The run and the organization of a page. */
export interface StagedRun {
  organization: string;
  organizationId: number;
  runId: string;
}

const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const endOfRows = -1;
const columnCount = 12;
const jsonbFormat = 1;
/** The binary format counts microseconds from 2000. */
const start = BigInt(Date.UTC(2000, 0, 1)) * 1000n;

/** Size of a chunk, in bytes: a chunk per row would be slow, a single chunk would be large. */
const chunkSize = 256 * 1024;

/** Summary of a read: facts about columns and values that single rows do not contain. */
export class ReadSummary {
  private rows = 0;
  private readonly columns = new Map<string, number>();
  private readonly types = new Map<string, string>();
  private spellings: ReturnType<RecordMapper['spellings']> = [];
  private readonly implausible = new Map<string, { rows: number; recordId: string | null }>();

  addPage(rows: number, told: readonly string[]): void {
    this.rows += rows;
    for (const alias of told) this.columns.set(alias, (this.columns.get(alias) ?? 0) + rows);
  }

  /** Adds the kinds of data in the header. */
  addTypes(types: ReadonlyMap<string, string>): void {
    for (const [alias, type] of types) this.types.set(alias, type);
  }

  /** Sets the spellings of choices in all rows. */
  addSpellings(spellings: ReturnType<RecordMapper['spellings']>): void {
    this.spellings = spellings;
  }

  addRecord({ pfaId, implausible }: MappedRecord): void {
    for (const key of implausible) {
      const known = this.implausible.get(key);
      if (known) known.rows += 1;
      else this.implausible.set(key, { rows: 1, recordId: pfaId });
    }
  }

  /** Returns the form that app_private.merge_sync_run takes. */
  toJSON(): object {
    return {
      rows: this.rows,
      columns: Object.fromEntries([...this.columns].map(([alias, rows]) => [makeStorable(alias), rows])),
      types: Object.fromEntries([...this.types].map(([alias, type]) => [makeStorable(alias), type])),
      spellings: this.spellings,
      implausible: Object.fromEntries(this.implausible),
    };
  }
}

/** Returns the aliases for which at least one row of the page has a value, even an empty one. */
function toldAliases({ aliases, rows }: PemsPage): string[] {
  return aliases.filter((_, place) => rows.some((row) => row[place] !== undefined));
}

/** Copies a page into staging; returns the number of copied rows. */
export async function stagePage(
  pool: pg.Pool,
  page: PemsPage,
  mapper: RecordMapper,
  run: StagedRun,
  summary?: ReadSummary,
): Promise<number> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const copy = client.query(copyFrom(copyIntoStaging));
    await pipeline(Readable.from(stagingRows(page, mapper, run, summary)), copy);
    return copy.rowCount;
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    client.release(broken);
  }
}

/** Yields a page in the binary format of COPY. The clock readings of the page are microseconds since 1970. */
export function* stagingRows(
  page: PemsPage,
  mapper: RecordMapper,
  { organization, organizationId, runId }: StagedRun,
  summary?: ReadSummary,
): Generator<Buffer> {
  if (page.rows.length === 0) {
    yield new CopyWriter().raw(signature).int16(endOfRows).take();
    return;
  }
  const told = toldAliases(page);
  summary?.addPage(page.rows.length, told);
  if (page.types) summary?.addTypes(page.types);
  const map = mapper.forAliases(page.aliases, told);
  const head = new CopyWriter().int16(columnCount).int32(organizationId).int64(BigInt(runId)).take();
  const tail = new CopyWriter()
    .int64(BigInt(page.requestedAt) - start)
    .int64(BigInt(page.receivedAt) - start)
    .take();
  const out = new CopyWriter().raw(signature);
  for (const row of page.rows) {
    const record = map(row);
    // PEMS selects by prefix, so RIO also returns RIO2: expected, and not worth a reject in each run.
    if (record.organization !== organization && record.organization?.startsWith(organization)) continue;
    if (record.implausible.length > 0) summary?.addRecord(record);
    const hasProblems = record.problems.length > 0;
    // If only a field is rejected, its problem contains everything.
    const isRefused = hasProblems && record.problems.some(({ key }) => identity.has(key));
    out
      .raw(head)
      .text(record.pfaId)
      .text(record.organization)
      .jsonb(record.data)
      .timestamp(record.version)
      .text(record.versionBy)
      .jsonb(hasProblems ? JSON.stringify(record.problems) : null)
      .jsonb(isRefused ? contentOf(page.aliases, row) : null)
      .jsonb(record.unknown.length > 0 ? JSON.stringify(record.unknown.map(makeStorable)) : null)
      .raw(tail);
    if (out.length > chunkSize) yield out.take();
  }
  yield out.int16(endOfRows).take();
}

/**
 * Returns the original row as JSON; each text is made storable first, because JSON would escape the characters that
 * PostgreSQL cannot store.
 */
function contentOf(aliases: readonly string[], row: GridRow): string {
  const texts = aliases.map((alias, place) => [makeStorable(alias), row[place] && makeStorable(row[place])]);
  return JSON.stringify(Object.fromEntries(texts));
}

/** Writes values in the binary format of COPY: each after its length in bytes, null as length -1. */
class CopyWriter {
  length = 0;
  #buffer = Buffer.alloc(0);

  /** Returns the written bytes and empties the writer. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = Buffer.alloc(0);
    this.length = 0;
    return taken;
  }

  raw(bytes: Buffer): this {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  int16(value: number): this {
    this.#reserve(2);
    this.length = this.#buffer.writeInt16BE(value, this.length);
    return this;
  }

  int32(value: number): this {
    this.#reserve(8);
    this.#buffer.writeInt32BE(4, this.length);
    this.length = this.#buffer.writeInt32BE(value, this.length + 4);
    return this;
  }

  int64(value: bigint): this {
    this.#reserve(12);
    this.#buffer.writeInt32BE(8, this.length);
    this.length = this.#buffer.writeBigInt64BE(value, this.length + 4);
    return this;
  }

  /** Writes a time such as `2026-04-02 14:30`, without a zone. */
  timestamp(value: string | null): this {
    return value === null
      ? this.#null()
      : this.int64(BigInt(Date.parse(`${value.replace(' ', 'T')}Z`)) * 1000n - start);
  }

  text(value: string | null): this {
    if (value === null) return this.#null();
    this.#reserve(4 + 3 * value.length);
    const length = this.#buffer.write(value, this.length + 4);
    this.length = this.#buffer.writeInt32BE(length, this.length) + length;
    return this;
  }

  jsonb(value: string | null): this {
    if (value === null) return this.#null();
    this.#reserve(5 + 3 * value.length);
    const length = this.#buffer.write(value, this.length + 5) + 1;
    this.#buffer.writeInt8(jsonbFormat, this.length + 4);
    this.length = this.#buffer.writeInt32BE(length, this.length) + length;
    return this;
  }

  #null(): this {
    this.#reserve(4);
    this.length = this.#buffer.writeInt32BE(-1, this.length);
    return this;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(chunkSize + 16 * 1024, (this.length + bytes) * 2));
    larger.set(this.#buffer.subarray(0, this.length));
    this.#buffer = larger;
  }
}
