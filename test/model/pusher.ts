import { expect } from 'vitest';
import type { TestDatabase } from '../support/database.ts';
import type { Organization } from '../support/make.ts';
import type { Claim, Data, Model, Read, Value, Verdict } from './model.ts';
import type { Pems, Write } from './pems.ts';

// The worker of the walks: it calls the same functions as the real one, one call at a time. It may stop anywhere, die,
// or act late.

/** Outcomes of a write or another request in PEMS. */
export const fates = [
  ...([
    'kept',
    'kept',
    'kept',
    'kept',
    'refused',
    'refused',
    'altered',
    'dropped',
    'kept unanswered',
  ] as const),
  ...(['late', 'late', 'never', 'error', 'rate'] as const),
];
export type Fate = (typeof fates)[number];

type Phase = 'read' | 'plan' | 'send' | 'answer' | 'read_back' | 'settle';

interface Work {
  id: string;
  attempt: number;
  record: string;
  claim: Claim;
  phase: Phase;
  /** A request, and the values at that time. */
  asked: Read | null;
  write: Write | null;
  /** At exactly the time when the intent was stored. */
  planned: [number, number];
  /** The deadline for sending its write is over. */
  isTooLate: boolean;
}

const screenKeys = [
  ...[
    'category',
    'class',
    'source',
    'dor',
    'monthlyRate',
    'purchasePrice',
    'equipment',
    'forecastStart',
    'forecastEnd',
  ],
  ...['actualEnd', 'isDiscontinued', 'isFundsTransferable'],
];
const second = 1_000_000;
/** The default timeout of a connection, in microseconds. */
const timeLimit = 120 * second;
/** Deadlines of the walks, far enough away that none passes in real time. */
export const waits = { short: '3000-01-01', long: '3001-01-01' };

export const microseconds = (moment: string) => `(extract(epoch from ${moment}) * 1000000)::bigint::text`;

/** Returns another value of the same type as the sent one. */
const alter = (key: string, value: Value): Value => {
  if (key.startsWith('is')) return value !== true;
  if (key === 'monthlyRate' || key === 'purchasePrice') return Number(value) + 1;
  if (/(Start|End)$/.test(key)) return '2026-02-15';
  return key === 'source' ? (value === 'Rental' ? 'Purchase' : 'Rental') : 'Altered';
};

/** Number of times that push met each situation, in all walks together. */
export const tally = new Map<string, number>();
export const count = (what: string) => void tally.set(what, (tally.get(what) ?? 0) + 1);

export class Pusher {
  private works: Work[] = [];
  /** Changes of workers that counted as dead. */
  private late: Work[] = [];
  private last: Work | undefined;
  /** The last read of each record. */
  readonly reads = new Map<string, Read>();

  private readonly db: TestDatabase;
  private readonly organization: Organization;
  private readonly pems: Pems;
  private readonly model: Model;

  constructor(db: TestDatabase, organization: Organization, pems: Pems, model: Model) {
    this.db = db;
    this.organization = organization;
    this.pems = pems;
    this.model = model;
  }

  /** The database's time, in microseconds. */
  async clock(): Promise<number> {
    const { rows } = await this.db.worker.query<{ now: string }>(
      `select ${microseconds('clock_timestamp()')} as now`,
    );
    return Number(rows[0]?.now);
  }

  /** Continues one change by this many steps, or starts others. Uses the response for this record. */
  async goOn(
    which: number | 'same',
    steps: number,
    options: { fate: Fate; isWhole: boolean; isLate: boolean },
  ): Promise<string | undefined> {
    let left = steps;
    let work = which === 'same' ? this.works.find((other) => other === this.last) : undefined;
    if (which !== 'same') {
      const isLate = options.isLate && this.late.length > 0;
      const works = isLate ? this.late : this.works;
      work = works[which % (works.length + (isLate || works.length > 2 ? 0 : 1))];
      if (!work) {
        work = (await this.begin(1 + (which % 2))) ?? works[0];
        left--;
      }
    }
    this.last = work;
    while (work && left-- > 0 && (await this.step(work, options)));
    return work?.record;
  }

  private async begin(most: number): Promise<Work | undefined> {
    const expected = this.model.begin(most);
    const { rows } = await this.db.worker.query<{
      id: string;
      attempt: number;
      record: string;
      step: string;
    }>(
      'select id, attempt, pfa_id as record, step from app_private.begin_pushes($1, $2) order by (select commit_sequence from app_core.pfa_modification m where m.organization_id = $1 and m.id = begin_pushes.id), id',
      [this.organization.id, most],
    );
    expect(
      rows.map(({ attempt, record, step }) => ({ attempt, record, step })),
      'what push begins with',
    ).toEqual(expected.map(({ claim, step }) => ({ attempt: claim.attempt, record: claim.of.record, step })));
    const begun = rows.flatMap(({ step, ...row }, index): Work[] => {
      const claim = expected[index]?.claim;
      const rest = { asked: null, write: null, planned: [0, 0] as [number, number], isTooLate: false };
      return claim ? [{ ...row, claim, phase: step as Phase, ...rest }] : [];
    });
    this.works.push(...begun);
    return begun[0];
  }

  /** Runs one step of one change; returns whether another one follows. */
  private async step(work: Work, options: { fate: Fate; isWhole: boolean }): Promise<boolean> {
    switch (work.phase) {
      case 'read':
      case 'read_back':
        return this.ask(work, options.fate, work.phase === 'read_back' && options.isWhole);
      case 'plan':
        return this.plan(work);
      case 'send':
        return this.send(work, options.fate);
      case 'answer': {
        const isNews = this.model.answer(work.claim);
        const answer = await this.call('note_push_answer($1, $2, $3, $4, null)', work, '{}');
        expect(answer, 'whether the answer is news').toBe(isNews);
        count(`answer: ${isNews ? 'news' : 'superseded'}`);
        return isNews ? this.next(work, 'read_back') : this.end(work);
      }
      case 'settle':
        return this.settle(options.isWhole ? work : null, work);
    }
  }

  private next(work: Work, phase: Phase): true {
    work.phase = phase;
    return true;
  }

  private end(work: Work): false {
    this.works = this.works.filter((other) => other !== work);
    this.late = this.late.filter((other) => other !== work);
    return false;
  }

  private async ask(work: Work, fate: Fate, isWhole: boolean): Promise<boolean> {
    const { record } = work;
    const askedAt = await this.clock();
    if (fate === 'error') return this.fail(work, 'retry', { askedAt });
    if (fate === 'rate') return this.fail(work, 'wait', { askedAt, wait: 1 });
    if (!this.pems.has(record)) return this.fail(work, 'remove', { askedAt });
    const shown = this.pems.shown(record);
    const data = isWhole
      ? { pfaId: record, organization: this.organization.code, ...shown }
      : Object.fromEntries(screenKeys.map((key) => [key, shown[key] ?? null]));
    const [version, blank] = [
      isWhole ? null : this.pems.version(record),
      this.pems.blank(record, screenKeys),
    ];
    work.asked = { askedAt, answeredAt: 0, isWhole, data, blank, version };
    return this.next(work, work.phase === 'read' ? 'plan' : 'settle');
  }

  /** PEMS responds now. */
  private async answered(work: Work): Promise<{ read: Read; text: object }> {
    if (!work.asked) throw new Error('Nothing was asked.');
    const read = { ...work.asked, answeredAt: await this.clock() };
    this.reads.set(work.record, read);
    const { askedAt, answeredAt, version, ...rest } = read;
    const { id, attempt, record } = work;
    const times = { requestedAt: String(askedAt), receivedAt: String(answeredAt) };
    return {
      read,
      text: { id, attempt, pfaId: record, recordId: version, version: null, ...times, ...rest },
    };
  }

  private async plan(work: Work): Promise<boolean> {
    const { read, text } = await this.answered(work);
    const tokens = this.model.tokensOf(work.claim);
    const doubts = this.model.doubts(work.claim);
    const expected = this.model.plan(work.claim, read);
    const begun = await this.clock();
    const { rows } = await this.db.worker.query<{ decision: string; values: Data | null }>(
      'select p.decision, p.write_values as values from app_private.plan_push($1, $2, $3, $4, null) p',
      [this.organization.id, work.id, work.attempt, JSON.stringify(text)],
    );
    const [answer] = rows;
    expect(answer, 'what becomes of what was read').toEqual(expected);
    count(`plan: ${expected.decision}`);
    if (answer?.decision === 'read_again') return this.next(work, 'read');
    if (answer && answer.decision !== 'superseded' && doubts.length > 0)
      await this.resolved(work, doubts, read, answer.decision);
    if (answer?.decision !== 'write' || !answer.values) return this.end(work);
    work.write = { record: work.record, version: read.version ?? '', values: answer.values, tokens };
    work.planned = [begun, await this.clock()];
    return this.next(work, 'send');
  }

  /** The outcome of uncertain writes was read: a write took effect if one of its values is there. */
  private async resolved(
    work: Work,
    doubts: { attempt: number; values: Data }[],
    read: Read,
    decision: string,
  ) {
    const { rows } = await this.db.owner.query<{ outcome: string | null }>(
      `select i.outcome from app_core.pfa_push_intent i
      where i.organization_id = $1 and i.modification_id = $2 and i.attempt = any ($3) order by i.attempt`,
      [this.organization.id, work.id, doubts.map(({ attempt }) => attempt)],
    );
    const isHeld = doubts.map(({ values }) =>
      Object.entries(values).some(
        ([key, value]) => (read.data[key] ?? null) === value || (value === null && read.blank.includes(key)),
      ),
    );
    // Nothing remains of a change that returned to its author completely.
    if (decision !== 'returned')
      expect(
        rows.map(({ outcome }) => outcome),
        'what became of writes without an answer',
      ).toEqual(isHeld.map((is) => (is ? 'confirmed' : 'failed')));
    for (const is of isHeld) count(`unanswered, then found ${is ? 'kept' : 'not kept'}`);
  }

  private async send(work: Work, fate: Fate): Promise<boolean> {
    const { write, pems } = { ...work, pems: this.pems };
    if (!write) throw new Error('Nothing is to be written.');
    const askedAt = await this.clock();
    if (work.isTooLate) return this.fail(work, 'wait', { askedAt });
    if (!pems.has(write.record)) return this.fail(work, 'remove', { askedAt });
    // For another version than the one read: certainly not written.
    if (!pems.takes(write)) return this.fail(work, 'wait', { askedAt });
    switch (fate) {
      case 'kept':
        pems.write(write);
        return this.next(work, 'answer');
      case 'refused':
        return this.fail(work, 'refuse', { askedAt });
      case 'altered': {
        const [first, ...others] = Object.entries(write.values);
        pems.write(write, Object.fromEntries(first ? [[first[0], alter(...first)], ...others] : []));
        return this.next(work, 'answer');
      }
      case 'dropped':
        return this.next(work, 'answer');
      case 'error':
        return this.fail(work, 'retry', { askedAt });
      case 'rate':
        return this.fail(work, 'wait', { askedAt, wait: 1 });
      case 'kept unanswered':
        pems.write(write);
        return this.fail(work, 'uncertain', { askedAt });
      case 'late':
        pems.keep(write);
        return this.fail(work, 'uncertain', { askedAt });
      case 'never':
        return this.fail(work, 'uncertain', { askedAt });
    }
  }

  /** This record alone, or all records to confirm in one call. */
  private async settle(alone: Work | null, work: Work): Promise<boolean> {
    const list = (this.late.includes(work) ? this.late : this.works).filter(
      (other) => other === (alone ?? other) && other.phase === 'settle',
    );
    const reads = [];
    for (const of of list) reads.push({ of, ...(await this.answered(of)) });
    const expected = this.model.settle(reads.map(({ of, read }) => ({ claim: of.claim, read })));
    const { rows } = await this.db.worker.query<{ id: string; outcome: string }>(
      'select s.id, s.outcome from app_private.settle_pushes($1, $2) s',
      [this.organization.id, JSON.stringify(reads.map(({ text }) => text))],
    );
    const outcomes = list.map((of) => rows.find(({ id }) => id === of.id)?.outcome);
    expect(outcomes, 'what becomes of what was read back').toEqual(expected);
    list.forEach((of, index) => {
      count(`settle: ${outcomes[index]}`);
      if (outcomes[index] === 'read_again') this.next(of, 'read_back');
      else this.end(of);
    });
    return work.phase === 'read_back';
  }

  private async fail(
    work: Work,
    verdict: Verdict,
    { askedAt, wait = 0 }: { askedAt: number; wait?: number },
  ): Promise<false> {
    const expected = this.model.fail(work.claim, verdict, askedAt, wait);
    const begun = await this.clock();
    const answer = await this.call(
      "fail_push($1, $2, $3, $4, 'It is so.', $5, $6, null)",
      work,
      verdict,
      wait * 1000,
      String(askedAt),
    );
    expect(answer, `what becomes of it after ${verdict}`).toBe(expected);
    count(verdict === 'refuse' && expected === 'waits' ? 'split' : `${verdict}: ${expected}`);
    const { failures } = work.claim.of;
    const least =
      verdict === 'uncertain'
        ? work.planned.map((at) => at + 3 * timeLimit)
        : [begun, await this.clock()].map(
            (at) => at + (verdict === 'retry' ? 5 * 2 ** (failures - 1) : wait) * second,
          );
    for (const { id, until } of await this.holdWaits()) {
      expect(id, 'what waits').toBe(work.id);
      expect(Number(until), `until when it waits after ${verdict}`).toBeGreaterThanOrEqual(least[0] ?? 0);
      expect(Number(until), `until when it waits after ${verdict}`).toBeLessThanOrEqual(least[1] ?? 0);
    }
    return this.end(work);
  }

  private async call(text: string, { id, attempt }: Work, ...more: unknown[]): Promise<unknown> {
    const { rows } = await this.db.worker.query<{ answer: unknown }>(`select app_private.${text} as answer`, [
      this.organization.id,
      id,
      attempt,
      ...more,
    ]);
    return rows[0]?.answer;
  }

  /** Waiting changes wait until the walk advances the time. Returns the time at which the wait would have ended. */
  private async holdWaits(): Promise<{ id: string; until: string }[]> {
    const { rows } = await this.db.owner.query<{ id: string; until: string }>(
      `with waiting as (
        select m.organization_id, m.id, m.retry_at from app_core.pfa_modification m
        where m.organization_id = $1 and m.retry_at > clock_timestamp() and m.retry_at < $2)
      update app_core.pfa_modification m
      set retry_at = case when w.retry_at > clock_timestamp() + interval '1 minute' then $3 else $2 end::timestamptz
      from waiting w where m.organization_id = w.organization_id and m.id = w.id
      returning m.id, ${microseconds('w.retry_at')} as until`,
      [this.organization.id, waits.short, waits.long],
    );
    return rows;
  }

  /** The worker counts as dead, and another one replaces it. It may still act, with its old data. */
  async resume(): Promise<void> {
    const expected = this.model.resume();
    const { rows } = await this.db.worker.query<{ resumed: number }>(
      'select app_private.resume_pushes($1) as resumed',
      [this.organization.id],
    );
    expect(rows[0]?.resumed, 'how many changes were left behind').toBe(expected);
    await this.holdWaits();
    this.late.push(...this.works.splice(0));
  }

  /** Advances the time: waits for an error end, or all waits. */
  async pass(isLong: boolean, arrives: boolean): Promise<void> {
    if (isLong) {
      this.pems.finish('all', arrives);
      for (const work of [...this.works, ...this.late]) work.isTooLate ||= work.phase === 'send';
      await this.db.owner.query(
        'update app_core.pfa_push_intent set send_before = clock_timestamp(), quiet_at = clock_timestamp() where organization_id = $1 and outcome is null',
        [this.organization.id],
      );
    }
    await this.db.owner.query(
      'update app_core.pfa_modification set retry_at = clock_timestamp() where organization_id = $1 and retry_at between $2 and $3',
      [this.organization.id, waits.short, isLong ? waits.long : waits.short],
    );
    this.model.pass(isLong);
  }
}
