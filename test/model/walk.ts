import fc from 'fast-check';
import type pg from 'pg';
import { expect } from 'vitest';
import { testDatabase, type TestDatabase } from '../support/database.ts';
import { makeMember, makeOrganization, mergeSyncRun, stage, type Organization } from '../support/make.ts';
import {
  Model,
  Refusal,
  type BulkOperation,
  type Data,
  type Item,
  type Problem,
  type Resolution,
  type Value,
} from './model.ts';
import { Pems } from './pems.ts';
import { count, fates, microseconds, Pusher, waits, type Fate } from './pusher.ts';

// Random walks: three users, PEMS and push act on a few records, in the database and in the model. After every step
// each user sees the same in both. The numbers in a step are valid in any state, so any part of a walk is a walk. That
// makes shrinking work.

const userCount = 3;
/** The first records exist from the start, the others appear later. */
const recordIds = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7'];
const firstCount = 6;

type Which = number[] | null;
export type Step =
  /** `isAgain`: one of the records that the user has drafted. */
  | {
      do: 'save';
      user: number;
      items: { record: number; isAgain: boolean; changes: Data; isStale: boolean }[];
    }
  | {
      do: 'bulk';
      user: number;
      records: number[];
      operation: BulkOperation;
      skipRefused: boolean;
      token: Token;
    }
  /** Saved and committed: values that are not there yet. */
  | { do: 'change'; user: number; record: number; changes: { key: string; value: number }[] }
  | { do: 'discard'; user: number; records: Which; keys: string[] | null }
  /** Whichever operation is due, or only this one, or another one. */
  | { do: 'undo' | 'redo'; user: number; operation: 'any' | 'due' | 'other' }
  | { do: 'commit'; user: number; records: Which }
  | { do: 'withdraw'; user: number; which: Which }
  | { do: 'takeOver' | 'discardOf'; from: number; records: Which }
  /** What somebody has drafted of a record, another one drafts, too, or it is entered in PEMS. */
  | { do: 'same'; which: number; isPems: boolean }
  /** In PEMS, by somebody else. */
  | { do: 'edit'; edits: Edit[] }
  /** In PEMS, one of the last changes, anybody's. */
  | { do: 'takeBack'; which: number; isSynced: boolean }
  /** `isHeld`: it reads now, and is merged by the next one. */
  | { do: 'sync'; edits: Edit[]; isHeld: boolean }
  /** `isLate`: by a worker that was thought dead. */
  | { do: 'push'; which: number; steps: number; fate: Fate; isWhole: boolean; isLate: boolean }
  /** While push is at a record, somebody changes it in PEMS, and a run may bring that before push goes on. */
  | {
      do: 'between';
      which: number;
      steps: number;
      fate: Fate;
      isWhole: boolean;
      data: Data;
      isSynced: boolean;
    }
  /** A worker stops, is thought dead, and comes after all; `isTaken`: when another one is at it already. */
  | { do: 'overtaken'; which: number; steps: number; fate: Fate; isWhole: boolean; isTaken: boolean }
  /** Until it is given up: each time the same happens, and time passes. */
  | { do: 'insist'; which: number; fate: Fate }
  /** A write that was not answered arrives at PEMS, or is lost for good. */
  | { do: 'arrive'; which: number; does: boolean }
  | { do: 'resume' }
  | { do: 'pass'; isLong: boolean; arrives: boolean }
  | { do: 'resolve'; user: number; picks: Pick[] }
  | { do: 'resolveAll'; user: number; choice: 'mine' | 'theirs'; isStale: boolean }
  | { do: 'refresh' }
  /** The last of every walk: whatever is under way ends, and from now on PEMS keeps what it is asked to. */
  | { do: 'heal' };
interface Edit {
  record: number;
  data: Data | null;
}
/** One of the records on which the user has a problem; `key`: one of its keys, or all. */
interface Pick {
  record: number;
  key: number | null;
  choice: Resolution['choice'];
  value: Data;
  isStale: boolean;
}
/** With a new preview, without one, or with the token of the last preview, whenever that was. */
type Token = 'none' | 'fresh' | 'old';

// ------------------------------------------------------------------------------------------------ Steps: few values of
// each key, so that they collide

const days = ['2026-01-10', '2026-01-24', '2026-02-07', '2026-03-01'];
const farDays = [...days, '0001-01-05', '9999-12-25'];
const common = (...values: Value[]) => fc.constantFrom<Value>(...values);
const values: Record<string, Value[]> = {
  category: ['Cranes', 'Pumps', ''],
  source: ['Rental', 'Purchase'],
  monthlyRate: [100, 250.55, null],
  purchasePrice: [0, 5000],
  forecastStart: days,
  forecastEnd: days,
  isDiscontinued: [true, false],
};
const editable = Object.fromEntries(Object.entries(values).map(([key, of]) => [key, common(...of)]));
const rare = {
  actualEnd: common(...days),
  equipment: common('E-1', null),
};
const wrong: Data[] = [
  { source: 'Lease' },
  { areaSilo: 'Silo 9' },
  { isActualized: true },
  { originalMonthlyRate: 100 },
  { monthlyRate: -1 },
  { nonsense: 1 },
];
const theirs = {
  ...editable,
  category: common('Cranes', 'Pumps'),
  monthlyRate: common(100, 250.55),
  forecastStart: fc.oneof({ weight: 9, arbitrary: common(...days) }, common(...farDays)),
  forecastEnd: fc.oneof({ weight: 9, arbitrary: common(...days) }, common(...farDays)),
  originalSource: common('Rental', 'Purchase'),
  originalMonthlyRate: common(0, 300.1),
  originalPurchasePrice: common(4000, 7000.5),
  originalStart: common(...days),
  originalEnd: common(...days),
  actualStart: common(...days),
  actualEnd: common(...days),
  isActualized: common(true, false),
  areaSilo: common('Silo 4'),
  udf: common('x', 'y'),
};

/** Of usual objects: others are hard to read. */
const object = <T>(values: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(values, { noNullPrototype: true });

/** Some of these keys. */
const someOf = (values: Record<string, fc.Arbitrary<Value>>, maxLength: number): fc.Arbitrary<Data> =>
  fc
    .subarray(Object.keys(values), {
      minLength: 1,
      maxLength: Math.min(maxLength, Object.keys(values).length),
    })
    .chain((keys) => object(Object.fromEntries(keys.map((key) => [key, values[key] ?? common(null)]))));

const user = fc.oneof({ weight: 3, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(userCount - 1) });
// Mostly the same few, so that users collide.
const record = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.nat(2) },
  { weight: 2, arbitrary: fc.nat(recordIds.length - 1) },
);
const records = fc.uniqueArray(record, { minLength: 1, maxLength: 4 });
const which: fc.Arbitrary<Which> = fc.option(records, { freq: 2 });

/** Changes of users: mostly these keys, so that users collide. */
const changesOf = (keys: string[]) =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: someOf(
        Object.fromEntries(Object.entries(editable).filter(([key]) => keys.includes(key))),
        2,
      ),
    },
    { weight: 3, arbitrary: someOf({ ...editable, ...rare }, 3) },
    { weight: 1, arbitrary: fc.constantFrom(...wrong) },
  );

/** Keys of PEMS: the same ones, and others. */
const editsOf = (keys: string[]) =>
  fc.oneof(
    {
      weight: 2,
      arbitrary: someOf(Object.fromEntries(Object.entries(theirs).filter(([key]) => keys.includes(key))), 2),
    },
    { weight: 2, arbitrary: someOf(theirs, 3) },
  );

const operationOf = (keys: string[]): fc.Arbitrary<BulkOperation> =>
  fc.oneof(
    object({ kind: fc.constant('shift' as const), days: fc.constantFrom(14, -14, 7) }),
    object({ kind: fc.constant('duration' as const), days: fc.constantFrom(14, -14, -36_500) }),
    object({ kind: fc.constant('reset' as const) }),
    object({ kind: fc.constant('set' as const), set: changesOf(keys) }),
  );

const isRare = fc.nat(29).map((n) => n === 0);
/** Mostly about drafts, or mostly about commits and push. */
const stepOf = (keys: string[], isPush: boolean): fc.Arbitrary<Step> => {
  const changes = changesOf(keys);
  const edited = fc.option(editsOf(keys), { freq: isPush ? 20 : 5 });
  const save = object({
    do: fc.constant('save' as const),
    user,
    items: fc.uniqueArray(object({ record, isAgain: fc.boolean(), changes, isStale: isRare }), {
      minLength: 1,
      maxLength: 3,
      selector: (item) => item.record,
    }),
  });
  const bulk = object({
    do: fc.constant('bulk' as const),
    user,
    records,
    operation: operationOf(keys),
    skipRefused: fc.boolean(),
    token: fc.constantFrom<Token>('none', 'fresh', 'fresh', 'old'),
  });
  const discard = object({
    do: fc.constant('discard' as const),
    user,
    records: which,
    keys: fc.option<string[]>(fc.subarray(keys, { minLength: 1 }), { freq: 2 }),
  });
  const commit = object({ do: fc.constant('commit' as const), user, records: which });
  const withdraw = object({
    do: fc.constant('withdraw' as const),
    user,
    which: fc.option<number[]>(fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 2 }), { freq: 2 }),
  });
  const ofAnother = object({
    do: fc.constantFrom('takeOver' as const, 'discardOf' as const),
    from: fc.integer({ min: 1, max: 2 }),
    records: which,
  });
  const operation = fc.constantFrom(
    'any' as const,
    'any' as const,
    'any' as const,
    'due' as const,
    'other' as const,
  );
  const edits = fc.array(object({ record, data: edited }), { maxLength: isPush ? 1 : 3 });
  const sync = object({
    ...{ do: fc.constant('sync' as const), edits, isHeld: fc.nat(4).map((n) => n === 0) },
  });
  const push = object({
    do: fc.constant('push' as const),
    which: fc.nat(9),
    steps: fc.constantFrom(7, 7, 7, 7, 2, 3, 4, 5, 5, 6, 6),
    fate: fc.constantFrom(...fates),
    isWhole: fc.boolean(),
    isLate: fc.nat(2).map((n) => n === 0),
  });
  const resolve = object({
    do: fc.constant('resolve' as const),
    user,
    picks: fc.array(
      object({
        record: fc.nat(5),
        key: fc.option(fc.nat(5), { freq: 3 }),
        choice: fc.constantFrom('mine' as const, 'theirs' as const, 'value' as const),
        value: someOf(Object.fromEntries(Object.entries(editable).filter(([key]) => keys.includes(key))), 2),
        isStale: isRare,
      }),
      { minLength: 1, maxLength: 2 },
    ),
  });
  const change = object({
    ...{ do: fc.constant('change' as const), user, record },
    changes: fc.uniqueArray(object({ key: fc.constantFrom(...keys), value: fc.nat(9) }), {
      ...{ minLength: 1, maxLength: 2, selector: ({ key }) => key },
    }),
  });
  const same = object({
    ...{ do: fc.constant('same' as const), which: fc.nat(9) },
    isPems: fc.nat(3).map((n) => n === 0),
  });
  const resolveAll = object({
    ...{ do: fc.constant('resolveAll' as const), user },
    choice: fc.constantFrom('mine' as const, 'theirs' as const),
    isStale: fc.nat(2).map((n) => n === 0),
  });
  const does = fc.nat(3).map((n) => n > 0);
  /** Frequencies in walks about drafts, and in walks about push. */
  const kinds: [number, number, fc.Arbitrary<Step>][] = [
    [16, 4, save],
    [1, 26, change],
    [5, 1, bulk],
    [4, 1, discard],
    [6, 2, object({ do: fc.constant('undo' as const), user, operation })],
    [2, 1, object({ do: fc.constant('redo' as const), user, operation })],
    [9, 5, commit],
    [3, 2, withdraw],
    [1, 1, ofAnother],
    [7, 5, sync],
    [5, 2, same],
    [1, 4, object({ do: fc.constant('edit' as const), edits })],
    [5, 26, push],
    [
      1,
      2,
      object({
        ...{ do: fc.constant('insist' as const), which: fc.nat(9) },
        fate: fc.constantFrom(...fates),
      }),
    ],
    [1, 4, object({ do: fc.constant('takeBack' as const), which: fc.nat(2), isSynced: fc.boolean() })],
    [
      0,
      3,
      object({
        ...{ do: fc.constant('overtaken' as const), which: fc.nat(9), steps: fc.integer({ min: 2, max: 6 }) },
        ...{ fate: fc.constantFrom(...fates), isWhole: fc.boolean(), isTaken: fc.boolean() },
      }),
    ],
    [0, 2, object({ do: fc.constant('arrive' as const), which: fc.nat(9), does })],
    [1, 5, object({ do: fc.constant('resume' as const) })],
    [1, 7, object({ do: fc.constant('pass' as const), isLong: fc.boolean(), arrives: fc.boolean() })],
    [2, 7, resolve],
    [1, 1, resolveAll],
    [1, 1, object({ do: fc.constant('refresh' as const) })],
    [
      0,
      4,
      object({
        ...{ do: fc.constant('between' as const), which: fc.nat(9), steps: fc.integer({ min: 2, max: 6 }) },
        ...{ fate: fc.constantFrom(...fates), isWhole: fc.boolean() },
        ...{ data: editsOf(keys), isSynced: fc.boolean() },
      }),
    ],
  ];
  return fc.oneof(
    ...kinds.map(([drafts, push, arbitrary]) => ({ weight: isPush ? push : drafts, arbitrary })),
  );
};

export interface Walk {
  first: Data[];
  /** Whether PEMS detects a write between a read and the write based on it. */
  checksVersions: boolean;
  steps: Step[];
}

export const arbitraryWalk = (maxSteps: number, about: ('drafts' | 'push')[]): fc.Arbitrary<Walk> =>
  fc
    .constantFrom(...about)
    .chain((kind) =>
      fc.tuple(
        fc.subarray(Object.keys(editable), { minLength: kind === 'push' ? 2 : 1, maxLength: 2 }),
        fc.constant(kind),
      ),
    )
    .chain(([keys, kind]) =>
      object({
        first: fc.array(someOf(theirs, 12), { minLength: firstCount, maxLength: firstCount }),
        checksVersions: fc.boolean(),
        steps: fc.array(stepOf(keys, kind === 'push'), {
          minLength: Math.ceil(maxSteps / 3),
          maxLength: maxSteps,
          size: 'max',
        }),
      }),
    );

// ------------------------------------------------------------------------------------------------
// Walking

interface Seen {
  records: { id: string; data: Data; revision: string }[];
  drafts: { id: string; delta: Data; base: Data; problems: Record<string, Problem & { message?: string }> }[];
  operations: { id: string; isUndone: boolean }[];
}

interface Preview {
  records: string[];
  operation: BulkOperation;
  revisions: string;
  token: string;
}

const hasDrafts = (seen: Seen) => seen.drafts.length > 0;
const hasProblems = (seen: Seen) => seen.drafts.some(({ problems }) => Object.keys(problems).length > 0);

interface Snapshot {
  users: Seen[];
  pending: { id: string; user: number; record: string; state: string; delta: Data }[];
}

/** A key of a change that push ended, as events report it. */
interface Told {
  user: number;
  record: string;
  key: string;
  from: Value;
  to: Value;
  problem: string | null;
}

/** A run that has read its page. */
interface Run {
  id: string;
  rows: Map<string, Data>;
  beganAt: number;
  askedAt: number;
  answeredAt: number;
}

/** A database for walks. Plans of small organizations cost more time than they save. */
export async function walkingGround(): Promise<TestDatabase> {
  const db = await testDatabase();
  await db.owner.query(`alter database ${db.name} set plan_cache_mode = force_generic_plan`);
  await db.owner.query(`
    insert into app_public.api_configurations (id, name, usage, url, operation_type) values ('walked', 'PEMS', 'PEMS_PFA_WRITE', 'http://pems.invalid', 'read-write');
    insert into app_public.pems_settings (api_configuration_id, tenant) values ('walked', 'T');
    insert into app_public.data_source_mappings (id, entity_type, api_configuration_id) values ('walked', 'pfa', 'walked');
    create schema walked;
    grant usage on schema walked to vanguard_visitor;
    create function walked.tries(organization_id integer, modification_id bigint) returns json
      language sql stable security definer
      set search_path = pg_catalog, pg_temp
    begin atomic
      select coalesce(json_agg(json_build_object('attempt', i.attempt, 'version', i.record_version, 'values', i.write_values, 'state', case
        when i.outcome = 'uncertain' then 'uncertain' when i.outcome is not null then 'over' when i.answered_at is not null then 'answered' else 'open' end)
        order by i.id), '[]')
      from app_core.pfa_push_intent i where i.organization_id = tries.organization_id and i.modification_id = tries.modification_id;
    end;
    grant execute on function walked.tries(integer, bigint) to vanguard_visitor`);
  return db;
}

/** Product and model differ: in a response, or in the view of a user. */
export class Difference extends Error {}

/** One walk in a new organization. Throws a `Difference` where product and model differ. */
export async function walk(db: TestDatabase, { first, steps, checksVersions }: Walk): Promise<void> {
  const walker = await Walker.start(db, checksVersions);
  const done: Step[] = [];
  try {
    await walker.begin(first);
    for (const next of [...steps, { do: 'heal' } as const]) {
      done.push(next);
      await walker.take(next);
    }
  } catch (error) {
    const history = done.map((taken, i) => `${i + 1}. ${JSON.stringify(taken)}`).join('\n');
    if (!(error instanceof Error) || error.name !== 'AssertionError')
      throw new Error(`Step ${done.length} failed:\n${history}`, { cause: error });
    throw new Difference(`Product and model part at step ${done.length}:\n${history}`, { cause: error });
  } finally {
    await walker.end();
  }
}

/** Returns the failure of a walk after removing as many steps as possible one by one; null: it does not fail again. */
export async function shortest(db: TestDatabase, walked: Walk): Promise<unknown> {
  const failure = (tried: Walk) =>
    walk(db, tried).then(
      () => null,
      (error: unknown) => error,
    );
  let short = walked;
  let error = await failure(short);
  for (let at = short.steps.length - 1; error && at >= 0; at--) {
    const shorter = { ...short, steps: short.steps.filter((_, index) => index !== at) };
    const failed = await failure(shorter);
    if (failed) [short, error] = [shorter, failed];
  }
  return error;
}

class Walker {
  private readonly model = new Model(userCount);
  private readonly pems: Pems;
  private readonly pusher: Pusher;
  private held: Run | null = null;
  /** The last processed entry of the history. */
  private lastChange = '0';
  private snapshot: Snapshot = { users: [], pending: [] };
  /** The data that a user saw under a revision: it must never differ. */
  private readonly underRevision = new Map<string, string>();
  /** By user and record: the previous revision, as in a tab that was not refreshed since. */
  private readonly earlier = new Map<string, string>();
  /** The last preview of each user: its input and result. */
  private readonly previews = new Map<number, Preview>();

  private readonly db: TestDatabase;
  private readonly organization: Organization;
  private readonly users: number[];
  /** The connection for reading the views of all users, with prepared statements. */
  private readonly looker: pg.PoolClient;

  private constructor(
    db: TestDatabase,
    organization: Organization,
    users: number[],
    looker: pg.PoolClient,
    pems: Pems,
  ) {
    this.db = db;
    this.pems = pems;
    this.pusher = new Pusher(db, organization, pems, this.model);
    this.organization = organization;
    this.users = users;
    this.looker = looker;
  }

  static async start(db: TestDatabase, checksVersions: boolean): Promise<Walker> {
    const organization = await makeOrganization(db);
    const users: number[] = [];
    for (const role of ['owner', 'member', 'member'] as const)
      users.push(await makeMember(db, organization, role));
    return new Walker(db, organization, users, await db.authenticator.connect(), new Pems(checksVersions));
  }

  async begin(first: Data[]): Promise<void> {
    const { id } = this.organization;
    await this.looker.query(become(this.users[0] ?? 0, id, 'session'));
    await this.looker.query(
      `prepare seen as ${seenBy(id)}; prepare pending as ${pendingOf(id)}; prepare told (bigint) as ${toldOf(id)}`,
    );
    first.forEach((data, i) => this.pems.edit(this.id(i), data));
    await this.sync(false);
    await this.agree();
  }

  async end(): Promise<void> {
    await this.looker.query('rollback; reset role; reset all; deallocate all');
    this.looker.release();
  }

  async take(step: Step): Promise<void> {
    const before = this.snapshot.users;
    await this.act(step);
    // Changes in PEMS alone cause no event yet.
    if (step.do === 'edit' || step.do === 'arrive') return;
    await this.agree();
    this.countRebased(before);
  }

  /** Expects the changes of drafts that their authors did not cause. */
  private countRebased(before: Seen[]): void {
    before.forEach(({ drafts }, user) => {
      for (const { id, delta, base, problems } of drafts) {
        const now = this.snapshot.users[user]?.drafts.find((draft) => draft.id === id);
        for (const key of Object.keys(delta)) {
          if (now?.delta[key] !== delta[key] || now?.base[key] !== base[key]) continue;
          const [was, is] = [problems[key], now?.problems[key]];
          if (!was && is && !is.by) count(`rebased: ${is.kind}`);
          else if (was && !was.by && !is) count('rebased: no problem any more');
        }
      }
    });
  }

  private id(index: number): string {
    return recordIds[index % recordIds.length] ?? '';
  }

  private ids(which: Which): string[] | null {
    return which && which.map((index) => this.id(index));
  }

  /** Prefers a user on whom the step has an effect: most steps should change something. */
  private whom(user: number, applies: (seen: Seen, user: number) => boolean): number {
    const those = this.snapshot.users.flatMap((seen, of) => (applies(seen, of) ? [of] : []));
    return those[user % those.length] ?? user;
  }

  /** A drafted record, and sometimes another one. */
  private draftedIds(user: number, which: Which): string[] | null {
    const drafted = this.snapshot.users[user]?.drafts ?? [];
    const chosen = which?.map(
      (index) => (index < 5 ? drafted[index % drafted.length]?.id : undefined) ?? this.id(index),
    );
    return chosen ? [...new Set(chosen)] : null;
  }

  private revision(user: number, record: string): string {
    return this.snapshot.users[user]?.records.find(({ id }) => id === record)?.revision ?? '0';
  }

  private act(step: Step): Promise<void> {
    const organization = this.organization.id;
    switch (step.do) {
      case 'save': {
        const items = new Map<string, Item>();
        for (const { record: index, isAgain, ...item } of step.items) {
          const [record] = (isAgain ? this.draftedIds(step.user, [index]) : null) ?? [this.id(index)];
          if (record !== undefined) items.set(record, { record, ...item });
        }
        return this.save(step.user, [...items.values()]);
      }
      case 'change':
        return this.change(step);
      case 'same': {
        const drafts = this.snapshot.users.flatMap((seen, of) =>
          seen.drafts.map((draft) => ({ of, ...draft })),
        );
        const chosen = drafts[step.which % drafts.length];
        if (!chosen) return Promise.resolve();
        const { of, id: record, delta: changes } = chosen;
        if (step.isPems) {
          this.pems.edit(record, changes);
          return this.sync(false);
        }
        return this.save((of + 1) % 2, [{ record, changes, isStale: false }]);
      }
      case 'bulk':
        return this.bulk(step);
      case 'discard': {
        const user = this.whom(step.user, hasDrafts);
        const records = this.draftedIds(user, step.records);
        return this.both(
          user,
          'select app_public.discard_drafts($1, $2, $3) as records',
          [organization, records, step.keys],
          () => ({ records: this.model.discard(user, records, step.keys) }),
        );
      }
      case 'undo':
      case 'redo': {
        const isUndo = step.do === 'undo';
        const user = this.whom(step.user, (seen) =>
          seen.operations.some(({ isUndone }) => isUndone !== isUndo),
        );
        const operations = this.snapshot.users[user]?.operations ?? [];
        const due = isUndo
          ? operations.findLast(({ isUndone }) => !isUndone)
          : operations.find(({ isUndone }) => isUndone);
        const isOther = step.operation === 'other';
        return this.both(
          user,
          `select r.kind, r.changed_count as changed, ${named('r.impossible')} as impossible from app_public.${step.do}_draft($1, $2) r`,
          [organization, isOther ? '0' : step.operation === 'due' ? due?.id : null],
          () => (isUndo ? this.model.undo(user, isOther) : this.model.redo(user, isOther)),
        );
      }
      case 'commit': {
        const user = this.whom(step.user, hasDrafts);
        return this.commit(user, this.draftedIds(user, step.records));
      }
      case 'withdraw': {
        const { pending } = this.snapshot;
        if (step.which && pending.length === 0) return Promise.resolve();
        const user = this.whom(step.user, (_, of) =>
          pending.some((modification) => modification.user === of),
        );
        const own = pending.flatMap((modification, index) => (modification.user === user ? [index] : []));
        const which = step.which?.map(
          (index) => (index < 8 ? own[index % own.length] : undefined) ?? index % pending.length,
        );
        const chosen = which ? [...new Set(which)] : null;
        return this.both(
          user,
          'select r.record_count as records, jsonb_array_length(r.refused) as refused from app_public.withdraw_commits($1, $2) r',
          [organization, chosen && chosen.map((index) => pending[index]?.id)],
          () => this.model.withdraw(user, chosen),
        );
      }
      case 'takeOver':
        return this.whileAway(step.from, () =>
          this.both(
            0,
            'select app_public.take_over_drafts($1, $2, $3) as records',
            [organization, this.users[step.from], this.ids(step.records)],
            () => ({ records: this.model.takeOver(0, step.from, this.ids(step.records)) }),
          ),
        );
      case 'discardOf':
        return this.whileAway(step.from, () =>
          this.both(
            0,
            'select app_public.discard_drafts_of($1, $2, $3) as records',
            [organization, this.users[step.from], this.ids(step.records)],
            () => ({ records: this.model.discardOf(step.from, this.ids(step.records)) }),
          ),
        );
      case 'edit':
        this.edit(step.edits);
        return Promise.resolve();
      case 'takeBack':
        this.pems.takeBack(step.which);
        return step.isSynced ? this.sync(false) : Promise.resolve();
      case 'sync':
        this.edit(step.edits);
        return this.sync(step.isHeld);
      case 'push':
        return this.pusher.goOn(step.which, step.steps, step).then(() => undefined);
      case 'between':
        return this.between(step);
      case 'overtaken':
        return this.overtaken(step);
      case 'insist':
        return this.insist(step);
      case 'arrive':
        this.pems.finish(step.which, step.does);
        return Promise.resolve();
      case 'resume':
        return this.pusher.resume();
      case 'pass':
        return this.pusher.pass(step.isLong, step.arrives);
      case 'resolve':
        return this.resolve(step);
      case 'resolveAll':
        return this.resolveAll(step);
      case 'heal':
        return this.heal();
      case 'refresh':
        return this.db.worker.query('select app_private.refresh_summaries()').then(() => undefined);
    }
  }

  /** Calls the product as a user, and the model: both return the same result or the same error. */
  /** Drafts are adopted only from a user who may not submit them, or is away. */
  private async whileAway(user: number, use: () => Promise<void>): Promise<void> {
    const become = (role: string, from: string) =>
      this.db.owner.query(
        'update app_public.user_organizations set role = $1 where organization_id = $2 and user_id = $3 and role = $4',
        [role, this.organization.id, this.users[user], from],
      );
    await become('viewer', 'member');
    await use();
    await become('member', 'viewer');
  }

  private async both(user: number, query: string, values: unknown[], model: () => object): Promise<void> {
    const expected = answerOf(model);
    const answer = await this.ask(user, query, values);
    expect(answer, 'the answer').toEqual(expected);
  }

  private async ask(user: number, query: string, values: unknown[]): Promise<object> {
    try {
      return await this.db.asUser(
        this.users[user] ?? 0,
        async (client) => (await client.query<object>(query, values)).rows[0] ?? {},
        { commit: true },
      );
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const details = JSON.parse(error.detail ?? '[]') as { recordId?: string; key?: string }[];
      return {
        refused: error.code,
        named: details
          .filter(({ recordId }) => recordId !== undefined)
          .map(({ recordId, key }) => `${recordId} ${key ?? ''}`.trim())
          .sort(),
      };
    }
  }

  private commit(user: number, records: string[] | null): Promise<void> {
    return this.both(
      user,
      `select r.record_count as records, r.key_count as keys, ${named('r.refused', 'kind')} as refused
      from app_public.commit_drafts($1, case when $2::text[] is not null then row($2, null, null, null, null)::app_public.pfa_selection end) r`,
      [this.organization.id, records],
      () => this.model.commit(user, records),
    );
  }

  private async change({ user, record: index, changes: places }: Step & { do: 'change' }): Promise<void> {
    const record = this.id(index);
    const seen = this.snapshot.users[user]?.records.find(({ id }) => id === record)?.data ?? {};
    const changes = Object.fromEntries(
      places.map(({ key, value }) => {
        const others = (values[key] ?? []).filter((other) => (other ?? '') !== (seen[key] ?? ''));
        return [key, others[value % others.length] ?? null];
      }),
    );
    await this.save(user, [{ record, changes, isStale: false }]);
    await this.commit(user, null);
  }

  private async between({ which, steps, data, isSynced, ...fate }: Step & { do: 'between' }): Promise<void> {
    const options = { ...fate, isLate: false };
    const record = await this.pusher.goOn(which, steps, options);
    if (record !== undefined && this.pems.has(record)) this.pems.edit(record, data);
    if (isSynced) await this.sync(false);
    await this.pusher.goOn('same', 7, options);
  }

  private async overtaken({ which, steps, isTaken, ...options }: Step & { do: 'overtaken' }): Promise<void> {
    await this.pusher.goOn(which, steps, { ...options, isLate: false });
    await this.pusher.resume();
    if (isTaken) {
      await this.pusher.pass(true, true);
      await this.pusher.goOn(which, 1, { ...options, isLate: false });
    }
    await this.pusher.goOn(which, 7, { ...options, isLate: true });
  }

  private async insist({ which, fate }: Step & { do: 'insist' }): Promise<void> {
    for (let times = 0; times < 5; times++) {
      await this.pusher.goOn(which, 7, { fate, isWhole: false, isLate: false });
      await this.pusher.pass(true, false);
    }
  }

  /** No committed value stays pending forever. */
  private async heal(): Promise<void> {
    await this.pusher.resume();
    for (let times = 0; times < 50 && this.model.pending().length > 0; times++) {
      await this.pusher.pass(true, true);
      await this.pusher.goOn(0, 7, { fate: 'kept', isWhole: false, isLate: false });
    }
    expect(this.model.pending(), 'what is left in the queue').toEqual([]);
    for (const place of this.model.whereabouts())
      count(place.startsWith('superseded') ? 'taken over' : `in the end: ${place}`);
  }

  private save(user: number, items: Item[]): Promise<void> {
    const organization = this.organization.id;
    return this.both(
      user,
      `select r.changed_count as changed, r.unchanged_count as unchanged
      from app_public.save_drafts($1, array(
        select row(i->>'record', i->'changes', (i->>'revision')::bigint)::app_public.pfa_draft_item from jsonb_array_elements($2) i)) r`,
      [
        organization,
        JSON.stringify(
          items.map(({ record, changes, isStale }) => ({
            ...{ record, changes },
            revision: isStale ? (this.earlier.get(`${user} ${record}`) ?? '0') : this.revision(user, record),
          })),
        ),
      ],
      () => this.model.save(user, items),
    );
  }

  private async bulk(step: Step & { do: 'bulk' }): Promise<void> {
    const { user } = step;
    const old = step.token === 'old' ? this.previews.get(user) : undefined;
    const { records, operation } = old ?? {
      records: this.ids(step.records) ?? [],
      operation: step.operation,
    };
    const revisions = this.model
      .visible(user)
      .filter((record) => records.includes(record))
      .map((record) => `${record} ${this.revision(user, record)}`)
      .join();
    const composites = `row($2::text[], null, null, null, null)::app_public.pfa_selection,
      row($3::integer, $4::integer, $5::boolean, $6::jsonb)::app_public.pfa_bulk_operation`;
    const values = [
      this.organization.id,
      records,
      operation.kind === 'shift' ? operation.days : null,
      operation.kind === 'duration' ? operation.days : null,
      operation.kind === 'reset' ? true : null,
      operation.kind === 'set' ? JSON.stringify(operation.set) : null,
    ];
    let preview = old;
    if (step.token === 'fresh') {
      const expected = answerOf(() => this.model.preview(user, records, operation));
      const answer = (await this.ask(
        user,
        `select p.preview_token as token, p.selected_count as selected, p.changed_count as changed, p.unchanged_count as unchanged,
          p.refused_count as refused, p.plan_cost_before as "planBefore", p.plan_cost_after as "planAfter", p.forecast_cost_before as "forecastBefore", p.forecast_cost_after as "forecastAfter",
          p.actual_cost_before as "actualBefore", p.actual_cost_after as "actualAfter"
        from app_public.organizations o cross join lateral app_public.organizations_bulk_preview(o, ${composites}) p where o.id = $1`,
        values,
      )) as { token?: string };
      const { token: given, ...rest } = answer;
      expect(rest, 'the preview').toEqual(expected);
      if (given === undefined) return;
      preview = { records, operation, revisions, token: given };
      this.previews.set(user, preview);
    }
    await this.both(
      user,
      `select r.changed_count as changed, r.unchanged_count as unchanged, ${named('r.refused')} as refused
      from app_public.apply_bulk($1, ${composites}, $7, $8) r`,
      [...values, preview?.token ?? null, step.skipRefused],
      () =>
        this.model.bulk(user, records, operation, {
          skipRefused: step.skipRefused,
          isStale: preview !== undefined && preview.revisions !== revisions,
        }),
    );
  }

  // ----------------------------------------------------------------------------------------------
  // PEMS and push

  private edit(edits: Edit[]): void {
    for (const { record, data } of edits) this.pems.edit(this.id(record), data);
  }

  /** A complete run. A withheld run is merged as it was read. */
  private async sync(isHeld: boolean): Promise<void> {
    const run = this.held ?? (await this.readAll());
    this.held = isHeld && !this.held ? run : null;
    if (this.held) return;
    const [requestedAt, receivedAt] = [momentOf(run.askedAt), momentOf(run.answeredAt)];
    await stage(
      this.db.worker,
      this.organization,
      run.id,
      [...run.rows].map(([pfaId, data]) => ({ pfaId, data, requestedAt, receivedAt })),
    );
    await mergeSyncRun(this.db.worker, this.organization, run.id);
    this.model.sync(run.rows, run);
  }

  private async readAll(): Promise<Run> {
    const { rows } = await this.db.worker.query<{ id: string; beganAt: string }>(
      `select b.id, ${microseconds('b.started_at')} as "beganAt"
      from app_private.queue_sync($1, 'command', null) q cross join lateral app_private.begin_sync_run($1, q.id) b`,
      [this.organization.id],
    );
    const [begun] = rows;
    if (!begun) throw new Error('The run did not begin.');
    const askedAt = await this.pusher.clock();
    const read = [...this.pems.all()].map(([id, data]): [string, Data] => [
      id,
      { pfaId: id, organization: this.organization.code, ...data },
    ]);
    return {
      ...{ id: begun.id, rows: new Map(read), beganAt: Number(begun.beganAt), askedAt },
      answeredAt: await this.pusher.clock(),
    };
  }

  // ----------------------------------------------------------------------------------------------
  // Problems

  private resolve({ user: whose, picks }: Step & { do: 'resolve' }): Promise<void> {
    const user = this.whom(whose, hasProblems);
    const drafts = (this.snapshot.users[user]?.drafts ?? []).filter(
      ({ problems }) => Object.keys(problems).length > 0,
    );
    const resolutions = picks.map(({ record: index, key: place, choice, value, isStale }): Resolution => {
      const draft = drafts[index % (drafts.length + (index === 5 ? 1 : 0))];
      const record = draft?.id ?? this.id(index);
      const keys = Object.keys(draft?.problems ?? {});
      const [own, given] = Object.entries(value)[0] ?? ['category', null];
      const key = keys[(place ?? 0) % keys.length] ?? own;
      return {
        ...{ record, choice, isStale },
        keys: choice === 'value' || place !== null ? [key] : null,
        value: choice !== 'value' ? null : (value[key] ?? given),
      };
    });
    return this.both(
      user,
      `select r.record_count as records, r.key_count as keys
      from app_public.resolve_problems($1, array(
        select row(i->>'record', (i->>'revision')::bigint, i->>'choice',
          case when i->'keys' <> 'null' then array(select jsonb_array_elements_text(i->'keys')) end,
          case when i->>'choice' = 'value' then i->'value' end)::app_public.pfa_resolution
        from jsonb_array_elements($2) i)) r`,
      [
        this.organization.id,
        JSON.stringify(
          resolutions.map(({ isStale, ...resolution }) => ({
            ...resolution,
            revision: isStale
              ? (this.earlier.get(`${user} ${resolution.record}`) ?? '0')
              : this.revision(user, resolution.record),
          })),
        ),
      ],
      () => this.model.resolve(user, resolutions),
    );
  }

  private resolveAll({ user: whose, choice, isStale }: Step & { do: 'resolveAll' }): Promise<void> {
    const user = this.whom(whose, hasProblems);
    const revisions = (this.snapshot.users[user]?.records ?? []).map(({ revision }) => BigInt(revision));
    const [newest = 0n, earlier = 0n] = revisions.sort((a, b) => (a < b ? 1 : -1));
    const seen = isStale ? earlier : newest;
    return this.both(
      user,
      `select r.record_count as records, r.key_count as keys, ${named('r.refused')} as refused
      from app_public.resolve_all_problems($1, $2, $3) r`,
      [this.organization.id, choice, String(seen)],
      () => this.model.resolveAll(user, choice, (record) => BigInt(this.revision(user, record)) > seen),
    );
  }

  // ---------------------------------------------------------------------------------------------- The views of all
  // users

  private async agree(): Promise<void> {
    const { users, pending, told } = await this.look();
    users.forEach((seen, user) => {
      const { records, operations, drafts, ...rest } = seen;
      const withoutRevisions = records.map(({ revision, ...record }) => {
        const at = `user ${user}, ${record.id}, revision ${revision}`;
        const content = JSON.stringify(record.data);
        expect(content, `what one revision stands for: ${at}`).toBe(this.underRevision.get(at) ?? content);
        this.underRevision.set(at, content);
        const last = this.revision(user, record.id);
        const grown = BigInt(revision) - BigInt(last);
        expect(grown >= 0n, `a revision goes back: ${at}, after ${last}`).toBe(true);
        const before = this.snapshot.users[user]?.records.find(({ id }) => id === record.id);
        if (
          before &&
          JSON.stringify({ ...before, revision }) !==
            JSON.stringify(records.find(({ id }) => id === record.id))
        )
          expect(grown > 0n, `another content under the same revision: ${at}`).toBe(true);
        if (last !== revision) this.earlier.set(`${user} ${record.id}`, last);
        return record;
      });
      const withoutIds = operations.map(({ id: _, ...operation }) => operation);
      const withoutMessages = drafts.map(({ problems, ...draft }) => ({
        ...draft,
        problems: Object.fromEntries(
          Object.entries(problems).map(([key, { message: _, ...problem }]) => [key, problem]),
        ),
      }));
      expect(
        { records: withoutRevisions, operations: withoutIds, drafts: withoutMessages, ...rest },
        `what user ${user} sees`,
      ).toEqual(this.model.sees(user));
    });
    expect(
      pending.map(({ id: _, ...modification }) => modification),
      'what is pending',
    ).toEqual(this.model.pending());
    this.follow(pending, told);
    this.snapshot = { users, pending };
  }

  /** No committed value is lost, in two places, or wrongly reported as written. */
  private follow(pending: Snapshot['pending'], told: Told[]): void {
    const keys = pending.flatMap(({ record, delta }) => Object.keys(delta).map((key) => `${record} ${key}`));
    expect(keys, 'each record and key is committed once').toHaveLength(new Set(keys).size);
    const syncing = pending.filter(({ state }) => state === 'syncing').map(({ record }) => record);
    expect(syncing, 'each record is written by one').toHaveLength(new Set(syncing).size);
    expect(
      told
        .map(({ problem, user, record, key, from, to }) =>
          `${JSON.stringify([user, record, key, from, to])} ${problem ?? ''}`.trim(),
        )
        .sort(),
      'what push tells of',
    ).toEqual(this.model.news());
    this.model.whereabouts();
    for (const { record, key, to, problem } of told) {
      count(problem ?? 'confirmed');
      const read = this.pusher.reads.get(record);
      if (problem === null && !(to === null && read?.blank.includes(key)))
        expect(read?.data[key] ?? null, `what PEMS held of ${key} of ${record} when it was confirmed`).toBe(
          to,
        );
    }
  }

  /** Reads the views of all users in one round trip, each as that user by the same views as a request. */
  private async look(): Promise<Snapshot & { told: Told[] }> {
    const statements = this.users.flatMap((id) => [
      become(id, this.organization.id, 'local'),
      'execute seen',
    ]);
    const results = (await this.looker.query(
      ['begin', ...statements, 'execute pending', `execute told(${this.lastChange})`, 'commit'].join(';\n'),
    )) as unknown as pg.QueryResult<{
      seen?: Seen;
      pending?: Snapshot['pending'];
      told?: Told[];
      last?: string | null;
    }>[];
    const rows = results.map(({ rows: [row] }) => row);
    const userOf = <T extends { user: number }>(of: T) => ({ ...of, user: this.users.indexOf(of.user) });
    this.lastChange = rows.find((row) => row?.last)?.last ?? this.lastChange;
    return {
      users: rows.flatMap((row) => (row?.seen ? [row.seen] : [])),
      pending: rows.flatMap((row) => row?.pending ?? []).map(userOf),
      told: rows.flatMap((row) => row?.told ?? []).map(userOf),
    };
  }
}

/** Runs the following statements as a user. */
const become = (user: number, organization: number, scope: 'session' | 'local') => `
  set ${scope} role none;
  set ${scope} "jwt.claims.user_id" = '${user}';
  set ${scope} "jwt.claims.organization_ids" = '{${organization}}';
  set ${scope} role vanguard_visitor`;

/** Returns microseconds since 1970 as a timestamp for PostgreSQL. */
const momentOf = (microseconds: number) =>
  `${new Date(Math.floor(microseconds / 1000)).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, '0')}Z`;

/** Returns the entries of a list of `{recordId, key}`. */
const named = (list: string, ...more: string[]) =>
  `(select coalesce(jsonb_agg(concat_ws(' ', n->>'recordId', n->>'key'${more.map((key) => `, n->>'${key}'`).join('')})
    order by concat_ws(' ', n->>'recordId', n->>'key') collate "C"), '[]') from jsonb_array_elements(${list}) n)`;

function answerOf(model: () => object): object {
  try {
    return model();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refused: error.code, named: error.named.sort() };
  }
}

const isRefusal = (error: unknown): error is pg.DatabaseError =>
  error instanceof Error && /^VG4\d\d$/.test(String((error as pg.DatabaseError).code));

const seenBy = (organization: number) => `
  select json_build_object(
    'records', (
      select coalesce(json_agg(json_build_object('id', r.pfa_id, 'revision', r.revision::text, 'data', r.data, 'base', r.base,
        'hasDraft', r.has_draft, 'isPending', r.is_pending, 'hasProblem', r.has_problem, 'isRemoved', r.removed_at is not null)
        order by r.pfa_id), '[]')
      from app_public.pfa_record r where r.organization_id = ${organization}),
    'drafts', (
      select coalesce(json_agg(json_build_object('id', d.pfa_id, 'delta', d.delta, 'base', d.base, 'problems', d.problems,
        'current', d.current, 'costChanges', json_build_array(d.plan_cost_change::text, d.forecast_cost_change::text, d.actual_cost_change::text)) order by d.pfa_id), '[]')
      from app_public.pfa_draft d where d.organization_id = ${organization}),
    'operations', (
      select coalesce(json_agg(json_build_object('id', p.id::text, 'kind', p.kind, 'records', p.record_count, 'isUndone', p.undone_at is not null)
        order by p.id), '[]')
      from app_public.pfa_draft_operation p where p.organization_id = ${organization}),
    'kpis', (select json_object_agg(k.key, k.value) from json_each_text(to_json(app_public.organizations_kpis(o))) k),
    'bounds', to_json(app_public.organizations_bounds(o))) as seen
  from app_public.organizations o where o.id = ${organization}`;

const pendingOf = (organization: number) => `
  select coalesce(json_agg(json_build_object('id', m.id::text, 'user', m.user_id, 'record', m.pfa_id, 'delta', m.delta, 'base', m.base,
    'state', m.state, 'attempts', m.attempts, 'failures', m.failures,
    'tries', walked.tries(m.organization_id, m.id),
    'wait', case when m.retry_at is null then 'none' when m.retry_at <= clock_timestamp() then 'due' when m.retry_at = '${waits.short}' then 'short'
      when m.retry_at = '${waits.long}' then 'long' else 'until ' || m.retry_at end) order by m.commit_sequence, m.id), '[]') as pending
  from app_core.pfa_modification m where m.organization_id = ${organization} and m.state in ('committed', 'syncing')`;

const toldOf = (organization: number) => `
  select coalesce(json_agg(json_build_object('user', c.user_id, 'record', c.pfa_id, 'key', k.key, 'from', k.value->'from', 'to', k.value->'to',
    'problem', k.value->>'problem')), '[]') as told, max(c.id)::text as last
  from app_core.pfa_change c cross join jsonb_each(c.changes) k
  where c.organization_id = ${organization} and c.route = 'push' and c.id > $1::bigint`;
