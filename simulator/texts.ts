/**
 * Cache of the text of generated records in responses. The texts never change, and writing them is most of the work.
 */
import { GeneratedRecord, type StoredRecord } from './store.ts';

export class Texts {
  private left: number;
  /** Keyed by organization and shape of the response, in the order of the records. */
  private readonly kept = new Map<string, (Buffer | undefined)[]>();

  /** Keeps at most this many bytes of text; other texts are written anew each time. */
  constructor(bytes: number) {
    this.left = bytes;
  }

  /** Returns the text of a record; undefined if it cannot be kept because of a write or a full cache. */
  of(record: StoredRecord, shape: string, write: () => string): Buffer | undefined {
    if (!(record instanceof GeneratedRecord)) return undefined;
    const key = `${shape} ${record.organization.code}`;
    let texts = this.kept.get(key);
    if (!texts) this.kept.set(key, (texts = []));
    const kept = texts[record.index];
    if (kept || this.left <= 0) return kept;
    const text = Buffer.from(write());
    this.left -= text.length;
    return (texts[record.index] = text);
  }
}
