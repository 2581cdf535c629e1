/**
 * Log of the writes to the simulator, kept in a folder: `simulator.json` (the seed of the folder) and `writes.jsonl`
 * (append-only, one JSON object per line). A line is on disk before the simulator answers its write. Writes that arrive
 * together share one fsync.
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
   * Opens or creates the log of the folder and passes each kept entry to `replay`, in order. Cuts off an incomplete
   * last line, which a killed process leaves: its write was never answered. Throws an Error for a folder of another
   * seed, and for damage elsewhere.
   */
  static open(folder: string, seed: number, replay: (entry: unknown) => void): Journal {
    fs.mkdirSync(folder, { recursive: true });
    checkSeed(folder, seed);
    const file = path.join(folder, 'writes.jsonl');
    const content = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    let good = 0;
    for (let line = 1; good < content.length; line++) {
      const end = content.indexOf(10, good);
      if (end === -1) break; // no newline: an incomplete line
      let entry: unknown;
      try {
        entry = JSON.parse(content.toString('utf8', good, end));
      } catch {
        // After a crash of the machine, the last line may have the right length but the wrong bytes.
        if (end === content.length - 1) break;
        throw new Error(
          `Line ${line} of ${file} is not JSON: the log is damaged. Repair or remove the folder`,
        );
      }
      replay(entry);
      good = end + 1;
    }
    const fd = fs.openSync(file, 'a');
    if (good < content.length) fs.ftruncateSync(fd, good);
    return new Journal(fd);
  }

  /** Appends one entry. The entry is durable only after `flush` has resolved. */
  append(entry: unknown): void {
    // The descriptor may already belong to another file.
    if (this.closed) throw new Error('The simulator has stopped and writes nothing more');
    fs.writeSync(this.fd, `${JSON.stringify(entry)}\n`);
    this.dirty = true;
  }

  /** Resolves when all appended entries are on disk. */
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
