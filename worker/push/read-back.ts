import { VanguardError } from '../../src/errors.ts';
import type { PemsRequestEvent } from '../../src/pems/index.ts';
import { noteExchange, settlePushes } from '../../sql/push/push.queries.ts';
import type { PushWorld } from './world.ts';
import { connectionFailure, verdictOfRead } from './failures.ts';
import { gridReads, screenRead } from './reads.ts';
import { exchangeOf, type Work } from './work.ts';

/** Number of records per read-back request. */
const batchSize = 100;
/** Longest time that the first change waits for others to share its request, in milliseconds. */
const longestWait = 2000;

/**
 * Settles answered writes by reading the records back, because a write response does not prove that PEMS kept the
 * values. Reads many records at a time through the grid, and each record that the grid leaves unclear through the
 * screen.
 */
export class ReadBack {
  private readonly world: PushWorld;
  private waiting: Work[] = [];
  private since = 0;
  private reading: Promise<void> | undefined;

  constructor(world: PushWorld) {
    this.world = world;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.reading === undefined;
  }

  add(work: Work): void {
    if (this.waiting.length === 0) this.since = performance.now();
    this.waiting.push(work);
  }

  /** Milliseconds until the next batch is due; infinite if nothing waits or a batch is being read. */
  get dueIn(): number {
    if (this.waiting.length === 0 || this.reading) return Infinity;
    if (this.waiting.length >= batchSize) return 0;
    return Math.max(0, this.since + longestWait - performance.now());
  }

  /** Begins the next batch if it is due, or immediately with `atOnce`. Reads one batch at a time, and calls `then` at its end. */
  next(atOnce: boolean, then: (error?: Error) => void): void {
    if (this.reading || this.waiting.length === 0 || (!atOnce && this.dueIn > 0)) return;
    const batch = this.waiting.splice(0, batchSize);
    this.since = performance.now();
    this.reading = this.settle(batch).then(
      () => {
        this.reading = undefined;
        then();
      },
      (error: Error) => {
        this.reading = undefined;
        then(error);
      },
    );
  }

  /** Resolves when no batch is being read. */
  async done(): Promise<void> {
    await this.reading;
  }

  private async settle(batch: Work[]): Promise<void> {
    const { pems, mappers, organization, signal } = this.world;
    const unclear = new Set(batch);
    if (batch.length > 1) {
      try {
        const ids = batch.map(({ pfaId }) => pfaId);
        for await (const page of pems.client.readRecords({ organization, ids, clock: pems.clock, signal })) {
          const reads = gridReads(batch, page, organization, mappers);
          for (const work of reads.keys()) unclear.delete(work);
          await this.enter([...reads.keys()], [...reads.values()]);
        }
        await this.world.succeeded();
      } catch (error) {
        // If the grid is unreadable, the screen is read instead. If the connection fails, no read can succeed.
        if (!(error instanceof VanguardError) || connectionFailure(error) !== 'none') {
          await this.failed([...unclear], error);
          return;
        }
      }
    }
    for (const work of unclear) await this.readAlone(work);
  }

  private async readAlone(work: Work): Promise<void> {
    const { pems, mappers, organization, organizationId, pool, signal } = this.world;
    let event: PemsRequestEvent | undefined;
    const keep = async () => {
      const exchange = exchangeOf('read_back', event);
      if (exchange) await noteExchange.run({ organizationId, ...work, exchange }, pool);
    };
    try {
      await pems.takeTurns(1, signal);
      const readAt = await pems.clock();
      const record = await pems.immediate.readRecord({
        organization,
        id: work.pfaId,
        clock: pems.clock,
        signal,
        onRequest: (told) => (event = told),
      });
      await this.world.succeeded();
      await keep();
      if (record) await this.enter([work], [screenRead(work, record, mappers)]);
      else
        await this.world.fail(work, {
          verdict: 'remove',
          waitMs: 0,
          message: 'The record no longer exists in PEMS.',
          readAt,
        });
    } catch (error) {
      await keep();
      await this.failed([work], error);
    }
  }

  private async enter(works: Work[], reads: string[]): Promise<void> {
    if (works.length === 0) return;
    const { organizationId, pool } = this.world;
    const outcomes = await settlePushes.run({ organizationId, reads: `[${reads.join(',')}]` }, pool);
    const again = outcomes.filter(({ outcome }) => outcome === 'read_again').map(({ id }) => id);
    for (const work of works) if (again.includes(work.id)) this.add(work);
  }

  /** Keeps the changes as they are, to be read back later. */
  private async failed(works: Work[], error: unknown): Promise<void> {
    if (!(error instanceof VanguardError)) throw error;
    const isOpen = await this.world.failed(error);
    for (const work of works) await this.world.fail(work, verdictOfRead(error, isOpen));
  }
}
