/** What generated records look like in an answer, kept once written out: they never change, and writing is most of the work. */
import { GeneratedRecord, type StoredRecord } from './store.ts';

export class Texts {
  private left: number;
  /** By organization and shape of the answer, in the order of the records. */
  private readonly kept = new Map<string, (Buffer | undefined)[]>();

  /** Keeps so many bytes of text; what does not fit any more is written anew each time. */
  constructor(bytes: number) {
    this.left = bytes;
  }

  /** The text of a record; undefined when it is not one to keep: somebody wrote to it, or there is no room. */
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
