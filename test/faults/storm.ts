import type { FaultKind } from '../../simulator/index.ts';
import { faultTable } from '../../simulator/index.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plain, Values } from './checker.ts';
import { Dice } from './dice.ts';
import type { Person } from './people.ts';
import { until } from '../support/until.ts';
import { pemsTimeout, type Strike, type Target, type World } from './world.ts';

// Rounds of a chaos test: users work, another writer changes PEMS, PEMS fails in some way, and a process is killed or
// paused. The seed determines everything except timing.

/** Values of users, each used once. */
const contents: Record<string, (n: number) => Plain> = {
  category: (n) => `V-${String(n).padStart(6, '0')}`,
  manufacturer: (n) => `Maker ${n}`,
  model: (n) => `Model ${n}`,
  contract: (n) => `CA-${n}`,
  monthlyRate: (n) => 10_000 + n + 0.25,
  purchasePrice: (n) => 200_000 + n + 0.5,
  // Later than any start that a shift can produce.
  forecastEnd: (n) => new Date(Date.UTC(2045, 0, 1 + n)).toISOString().slice(0, 10),
};

/** Values of the other writer: the same fields, with different texts. */
const otherContents: Record<string, (n: number) => Plain> = {
  pfs_f_category: (n) => `O-${String(n).padStart(6, '0')}`,
  pfs_f_manufact: (n) => `Other maker ${n}`,
  pfs_f_model: (n) => `Other model ${n}`,
  pfa_ca_contract: (n) => `OC-${n}`,
  pfs_f_rate: (n) => 50_000 + n + 0.75,
  pfs_f_enddate: (n) => new Date(Date.UTC(2065, 0, 1 + n)).toISOString().slice(0, 10),
};

type Spec = Record<string, unknown>;
const screen = { service: 'screen' };
const update = { service: 'screen', action: 'UPDATE' };

/** Each kind of fault in all relevant variants; `late` is shorter than the timeout. */
const faults: Record<FaultKind, (dice: Dice) => Spec> = {
  latency: (dice) => ({ ms: dice.pick([50, 200, 2 * pemsTimeout]), count: 4 }),
  hang: (dice) => ({ count: 1, match: dice.pick([screen, update, { service: 'grid' }]) }),
  status: (dice) => ({
    status: dice.pick([429, 500, 503, 504]),
    count: dice.between(1, 4),
    match: dice.pick([screen, update, { service: 'grid' }]),
  }),
  'half-body': (dice) => ({ count: 1, match: dice.pick([screen, update, { service: 'grid' }]) }),
  close: (dice) => ({ count: 2, match: dice.pick([screen, update, { service: 'grid' }]) }),
  'error-alert': (dice) => ({
    ...dice.pick([{ name: 'INVALID_VALUE', message: 'Not a value of this tenant' }, {}]),
    count: 1,
    match: dice.pick([screen, update]),
  }),
  malformed: (dice) =>
    dice.pick<Spec>([
      { what: 'json', count: 2 },
      { what: 'html', count: 1, match: update },
      { what: 'value', of: dice.pick(['date', 'number', 'flag']), count: 1, match: { service: 'grid' } },
    ]),
  duplicate: () => ({ count: 1 }),
  'foreign-row': (dice) => ({ count: 1, sameId: dice.chance(0.5) }),
  vanish: (dice) => ({ count: dice.between(1, 2) }),
  'page-count': (dice) => ({ says: dice.pick(['end', 'more', 'records']), count: 1 }),
  reshape: (dice) => ({
    lost: dice.pick([['pfs_f_model'], ['pfs_f_rate', 'pfa_dis'], ['pfs_id']]),
    count: 2,
  }),
  'apply-no-answer': (dice) => ({ answer: dice.pick(['close', 'hang', 'status']), count: 1 }),
  'apply-late': (dice) => ({
    answer: dice.pick(['close', 'hang', 'status']),
    ms: dice.between(50, pemsTimeout - 100),
    count: 1,
  }),
  'drop-write': () => ({ count: 1 }),
  'alter-write': () => ({ count: 1 }),
  'bad-credentials': () => ({ count: 1 }),
};
/** Faults that only grid reads can meet. */
const ofGrid = (kind: FaultKind) => faultTable[kind].applies === 'grid';

const blows: readonly [Target, Strike['how']][] = (
  ['worker', 'server', 'postgres', 'simulator'] as const
).flatMap((target): [Target, Strike['how']][] => [
  [target, 'kill'],
  [target, 'pause'],
]);

export interface StormOptions {
  rounds: number;
  seed: number;
  /** Continues beyond the rounds until this many values were committed. */
  commits: number;
  /** Whether it continues until each kind of fault, kill and pause has occurred. */
  isWhole: boolean;
}

/** Runs the rounds. Returns their number. */
export async function rage(world: World, { rounds, seed, commits, isWhole }: StormOptions): Promise<number> {
  const dice = new Dice(seed);
  const nextFault = dice.deck(Object.keys(faults) as FaultKind[]);
  const nextBlow = dice.deck(blows);
  const other = new OtherWriter(world);
  const people = [...world.members, world.admin];

  const round = async (kinds: FaultKind[], blow?: (typeof blows)[number]) => {
    for (const kind of kinds) await world.control('POST', '/faults', { kind, ...faults[kind](dice) });
    // Decides the actions of users and others in advance: the order of responses does not affect the random numbers.
    const days = people.map((person) => workday(world, person, new Dice(dice.between(1, 1e9))));
    const writes = dice.chance(0.5) ? [other.write(new Dice(dice.between(1, 1e9)))] : [];
    const readsGrid = kinds.some(ofGrid) || dice.chance(0.3);
    const kind = dice.chance(0.5) ? 'full' : undefined;
    const which = dice.between(0, 1);
    const [delay, pauseMs] = [dice.between(0, 300), dice.between(200, 1500)];
    const struck = blow
      ? sleep(delay).then(async () => {
          await world.hits();
          world.strike(...blow, which, pauseMs);
        })
      : undefined;
    await Promise.all([...days, ...writes, readsGrid ? world.admin.sync(kind) : undefined, struck]);
  };

  let done = 0;
  for (; done < rounds || world.ledger.commits.length < commits; done++) {
    if (done >= rounds * 3)
      throw new Error(`After ${done} rounds only ${world.ledger.commits.length} commits.`);
    const isBad = dice.chance(0.7);
    await round(isBad ? [nextFault(), nextFault()] : [], dice.chance(0.35) ? nextBlow() : undefined);
    if (dice.chance(0.4)) await world.control('DELETE', '/faults');
    if (dice.chance(0.2)) await lull(world, 3);
  }
  // Adds the situations that did not occur by chance.
  for (let again = 0; isWhole && again < 12; again++, done++) {
    const hits = await world.hits();
    const missing = (Object.keys(hits) as FaultKind[]).filter((kind) => hits[kind] === 0);
    const blow = blows.find(
      ([target, how]) => !world.strikes.some((one) => one.target === target && one.how === how),
    );
    if (missing.length === 0 && !blow) break;
    await world.heal();
    await lull(world, 10);
    await round(missing.slice(0, 2), blow);
    await sleep(2 * pemsTimeout);
  }
  await meet(world);
  return done;
}

/** Situations that may not have occurred: another user's commit supersedes a commit, and PEMS refuses one. */
async function meet(world: World): Promise<void> {
  const [ann, bob] = world.members;
  await lull(world, 60);
  const drafted = new Set([...(await ann.drafts()), ...(await bob.drafts())].map(({ pfaId }) => pfaId));
  const [contested, refused] = (await ann.records()).filter(({ pfaId }) => !drafted.has(pfaId));
  if (!contested || !refused) throw new Error('There are no two records without drafts.');
  const change = async (person: Person, { pfaId }: { pfaId: string }) => {
    const [drafts, records] = await look(person);
    const revision = records.find((record) => record.pfaId === pfaId)?.revision ?? 0;
    await person.draft(
      [{ recordId: pfaId, changes: { category: contents.category!(world.ledger.next()) }, revision }],
      drafts,
    );
    await person.commit([pfaId]);
  };
  await until('write-back is paused', () => world.admin.holdPushes(true));
  await change(ann, contested);
  await change(bob, contested);
  await change(bob, refused);
  await world.control('POST', '/faults', {
    ...{ kind: 'error-alert', name: 'INVALID_VALUE', message: 'Not a value of this tenant', count: 1 },
    match: { ...update, id: refused.pfaId },
  });
  await until('write-back goes on', () => world.admin.holdPushes(false));
  await until('PEMS has refused it', async () => {
    const back = (await bob.drafts()).find(({ pfaId }) => pfaId === refused.pfaId);
    return back?.problems.category?.kind === 'refused';
  });
}

/** A period without failures, so that changes can arrive: lasts while some are pending, up to a limit. */
async function lull(world: World, seconds: number): Promise<void> {
  await world.heal();
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline && (await world.unsettled()) > 0) await sleep(100);
}

/** Another writer changes records in PEMS, removes some, and restores them later. */
class OtherWriter {
  private readonly world: World;
  private readonly gone: string[] = [];

  constructor(world: World) {
    this.world = world;
  }

  async write(dice: Dice): Promise<void> {
    const { control, ids, ledger } = this.world;
    const code = ids[0]!.split('-')[0]!;
    const path = (id: string) => `/records/${code}/${id}`;
    if (dice.chance(0.15)) {
      const id = dice.pick(ids);
      if ((await control('DELETE', path(id))) !== undefined) this.gone.push(id);
      return;
    }
    const back = this.gone[0];
    if (back !== undefined && dice.chance(0.5)) {
      if ((await control('POST', `/records/${code}`, { id: back })) !== undefined) this.gone.shift();
      return;
    }
    // Prefers records that users are changing.
    const recent = ledger.commits.slice(-12).map(({ record }) => record);
    const id = dice.pick(recent.length > 0 && dice.chance(0.7) ? recent : ids);
    const field = dice.pick(Object.keys(otherContents));
    await control('PATCH', path(id), { values: { [field]: otherContents[field]!(ledger.next()) } });
  }
}

/** Actions of a user in a round. */
async function workday(world: World, person: Person, dice: Dice): Promise<void> {
  await sleep(dice.between(0, 200));
  const [drafts, records] = await look(person);
  if (records.length === 0) return;
  const troubled = drafts.filter(({ problems }) => Object.keys(problems).length > 0);
  const revisionOf = (id: string) => records.find(({ pfaId }) => pfaId === id)?.revision;

  for (const draft of dice.some(troubled, 2)) {
    const revision = revisionOf(draft.pfaId);
    const key = dice.pick(Object.keys(draft.problems));
    if (revision === undefined) continue;
    const choice = dice.pick(['mine', 'theirs', 'value'] as const);
    const content = contents[key];
    if (choice !== 'value') await person.resolve(draft, revision, key, choice);
    else if (content) await person.resolve(draft, revision, key, choice, content(world.ledger.next()));
  }
  if (dice.chance(0.12)) return person.withdraw(dice);

  // Few favorite records each, so that users collide.
  const isFree = (id: string) => !troubled.some(({ pfaId }) => pfaId === id);
  const free = records.map(({ pfaId }) => pfaId).filter(isFree);
  const ids = dice.some(dice.chance(0.5) ? free.slice(0, 12) : free, dice.between(1, 4));
  if (dice.chance(0.15)) {
    await person.shift(ids, (world.ledger.next() % 40) + 1);
  } else {
    const keys = Object.keys(contents);
    const items = ids.flatMap((recordId) => {
      const revision = revisionOf(recordId);
      const changes: Values = Object.fromEntries(
        dice.some(keys, dice.between(1, 2)).map((key) => [key, contents[key]!(world.ledger.next())]),
      );
      return revision === undefined ? [] : [{ recordId, changes, revision }];
    });
    await person.draft(items, drafts);
  }
  if (dice.chance(0.9)) {
    const all = dice.chance(0.3)
      ? [...new Set([...ids, ...drafts.map(({ pfaId }) => pfaId).filter(isFree)])]
      : ids;
    await person.commit(all);
  }
}

/** Reads the revisions first: later changes cause a refusal. */
async function look(person: Person) {
  const records = await person.records();
  return [await person.drafts(), records] as const;
}
