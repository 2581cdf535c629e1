/**
 * What was written to the simulator, kept in a folder: `simulator.json` (which seed the folder belongs to) and
 * `writes.jsonl`, one JSON object a line, only ever appended to. A line is on disk before its write is answered;
 * writes that arrive together share one fsync.
 */
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const fdatasync = promisify(fs.fdatasync);

export class Journal {
  private readonly fd: number;
  private dirty = false;
  private closed = false;
  private syncing: Promise<void> | undefined;

  private constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * Opens (or makes) the folder's log and hands each kept entry to `replay` in order. A last line that a killed process
   * left torn is cut off; it was never answered. A folder of another seed, or damage elsewhere, is an Error.
   */
  static open(folder: string, seed: number, replay: (entry: unknown) => void): Journal {
    fs.mkdirSync(folder, { recursive: true });
    checkSeed(folder, seed);
    const file = path.join(folder, 'writes.jsonl');
    const content = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    let good = 0;
    for (let line = 1; good < content.length; line++) {
      const end = content.indexOf(10, good);
      if (end === -1) break; // no newline: torn
      let entry: unknown;
      try {
        entry = JSON.parse(content.toString('utf8', good, end));
      } catch {
        // A crash of the whole machine can leave a last line of the right length but the wrong bytes.
        if (end === content.length - 1) break;
        throw new Error(
          `Line ${line} of ${file} is not JSON: the log is damaged, repair or remove the folder`,
        );
      }
      replay(entry);
      good = end + 1;
    }
    const fd = fs.openSync(file, 'a');
    if (good < content.length) fs.ftruncateSync(fd, good);
    return new Journal(fd);
  }

  /** Appends one entry. Not answered for until `flush` has resolved. */
  append(entry: unknown): void {
    // The descriptor may be another file's by now.
    if (this.closed) throw new Error('The simulator has stopped: nothing is written any more');
    fs.writeSync(this.fd, `${JSON.stringify(entry)}\n`);
    this.dirty = true;
  }

  /** Resolves when everything appended so far is on disk. */
  async flush(): Promise<void> {
    while (this.dirty || this.syncing) {
      if (this.syncing) {
        await this.syncing;
        continue;
      }
      this.dirty = false;
      this.syncing = fdatasync(this.fd).finally(() => (this.syncing = undefined));
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.flush();
    fs.closeSync(this.fd);
  }
}

function checkSeed(folder: string, seed: number): void {
  const file = path.join(folder, 'simulator.json');
  if (!fs.existsSync(file)) {
    const draft = `${file}.new`;
    fs.writeFileSync(draft, `${JSON.stringify({ format: 1, seed })}\n`);
    fs.renameSync(draft, file);
    return;
  }
  const made = JSON.parse(fs.readFileSync(file, 'utf8')) as { format?: unknown; seed?: unknown };
  if (made.format !== 1 || made.seed !== seed) {
    throw new Error(
      `The folder ${folder} holds writes of a simulator with seed ${String(made.seed)}, this one has seed ${seed}: ` +
        'use that seed, or another folder',
    );
  }
}
