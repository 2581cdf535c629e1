import type { RunLimits } from '../src/configuration.ts';
import { VanguardError } from '../src/errors.ts';

/** Tracks the limits of one run. */
export class RunLimit {
  /** Aborts at the end of the allowed time, or with the given signal. */
  readonly signal: AbortSignal;
  private readonly limits: RunLimits;
  private readonly timeout: AbortSignal;
  private rows = 0;

  constructor(limits: RunLimits, signal?: AbortSignal) {
    this.limits = limits;
    this.timeout = AbortSignal.timeout(limits.seconds * 1000);
    this.signal = signal === undefined ? this.timeout : AbortSignal.any([signal, this.timeout]);
  }

  /**
   * Counts rows before they are stored.
   *
   * @throws VanguardError `SYNC_TOO_MANY_ROWS` or `SYNC_TOO_LONG`
   */
  take(rows: number): void {
    this.rows += rows;
    if (this.rows > this.limits.rows) {
      throw new VanguardError(
        'SYNC_TOO_MANY_ROWS',
        `PEMS gave more than ${this.limits.rows.toLocaleString('en')} rows. Nothing of them was kept.`,
        {
          hint: 'Check the grid and the organization of the connection. If there are so many records, raise SYNC_MAX_ROWS of the worker.',
        },
      );
    }
    if (this.timeout.aborted) throw this.tooLong();
  }

  /** Returns the error of a read, replaced by SYNC_TOO_LONG if the time was over. */
  explain(error: unknown): unknown {
    const isOver = this.timeout.aborted && this.signal.reason === this.timeout.reason;
    return isOver && !(error instanceof VanguardError) ? this.tooLong() : error;
  }

  private tooLong(): VanguardError {
    return new VanguardError(
      'SYNC_TOO_LONG',
      `PEMS was read for ${this.limits.seconds} seconds without an end. Nothing of it was kept.`,
      {
        hint: 'See why PEMS is slow. If a run takes so long, raise SYNC_MAX_SECONDS of the worker.',
      },
    );
  }
}
