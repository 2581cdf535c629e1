import type pg from 'pg';
import { failPush, notePemsFailure, notePemsSuccess } from '../../sql/push/push.queries.ts';
import type { VanguardError } from '../../src/errors.ts';
import type { OpenPems } from '../pems.ts';
import type { RecordMappers } from '../record-mappers.ts';
import { connectionFailure, type Verdict } from './failures.ts';
import type { Work } from './work.ts';

/** Objects shared by the steps of a push of one organization. */
export class PushWorld {
  readonly pool: pg.Pool;
  readonly organizationId: number;
  /** Code of the organization. */
  readonly organization: string;
  readonly pems: OpenPems;
  readonly mappers: RecordMappers;
  /** Aborts running requests immediately. */
  readonly signal: AbortSignal;

  constructor(given: {
    pool: pg.Pool;
    organizationId: number;
    organization: string;
    pems: OpenPems;
    mappers: RecordMappers;
    signal: AbortSignal;
  }) {
    this.pool = given.pool;
    this.organizationId = given.organizationId;
    this.organization = given.organization;
    this.pems = given.pems;
    this.mappers = given.mappers;
    this.signal = given.signal;
  }

  /** Records that PEMS answered. */
  async succeeded(): Promise<void> {
    await notePemsSuccess.run({ apiConfigurationId: this.pems.apiConfigurationId }, this.pool);
  }

  /**
   * Records the meaning of a failed request for the connection. Returns whether the breaker of the connection is open.
   */
  async failed(error: VanguardError): Promise<boolean> {
    if (error.code === 'PEMS_RATE_LIMITED') await this.pems.hold(error.retryAfter ?? 1);
    const failure = connectionFailure(error);
    if (failure === 'none') return false;
    const [state] = await notePemsFailure.run(
      {
        apiConfigurationId: this.pems.apiConfigurationId,
        errorCode: error.code,
        errorMessage: error.message,
        isFinal: failure === 'final',
      },
      this.pool,
    );
    return state!.isOpen;
  }

  /** Records the verdict on a change whose step failed. */
  async fail(
    work: Work,
    { verdict, waitMs, message, readAt }: Verdict & { readAt?: string },
    exchange: string | null = null,
  ): Promise<void> {
    await failPush.run(
      {
        organizationId: this.organizationId,
        id: work.id,
        attempt: work.attempt,
        verdict,
        message,
        waitMs,
        readAt: readAt ?? null,
        exchange,
      },
      this.pool,
    );
  }
}
