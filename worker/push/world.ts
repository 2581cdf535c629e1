import type pg from 'pg';
import { failPush, notePemsFailure, notePemsSuccess } from '../../sql/push/push.queries.ts';
import type { VanguardError } from '../../src/errors.ts';
import type { OpenPems } from '../pems.ts';
import type { RecordMappers } from '../record-mappers.ts';
import { connectionFailure, type Verdict } from './failures.ts';
import type { Work } from './work.ts';

/** What the steps of one push of one organization share. */
export class PushWorld {
  readonly pool: pg.Pool;
  readonly organizationId: number;
  /** Its code. */
  readonly organization: string;
  readonly pems: OpenPems;
  readonly mappers: RecordMappers;
  /** Ends requests under way at once. */
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

  /** PEMS answered. */
  async succeeded(): Promise<void> {
    await notePemsSuccess.run({ apiConfigurationId: this.pems.apiConfigurationId }, this.pool);
  }

  /** A request failed: what that means for the connection. Answers whether its breaker is open. */
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

  /** What becomes of a change whose step failed. */
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
