import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { environmentOf } from '../support/environment.ts';
import type { Organization } from '../support/make.ts';
import { withPlanted, type Planted } from '../support/plant.ts';
import { until } from '../support/until.ts';
import { pushTools } from '../worker/push-world.ts';
import { encryptionKeys, idOf, testWorld } from '../worker/world.ts';
import { judge, type Commit, type Judgement, type PemsRecord, type PemsWrite } from './checker.ts';
import { readTables } from './tables.ts';

// Would the checker notice? Each rule of push in the situation that it is for. With the rule, all is well. Without it
// in the functions of this database, a value is lost or doubled, and the checker reports it. This PEMS does not check
// recordid: only the product ensures the order.

vi.setConfig({ testTimeout: 60_000 });
const rules = ['WAIT', 'INTENT', 'ATTEMPT', 'READ', 'OBSERVED', 'TAKEOVER'] as const;
const size = 12;
const world = await testWorld(
  Object.fromEntries(rules.flatMap((rule) => [`${rule}ON`, `${rule}OFF`]).map((code) => [code, size])),
  { checksRecordId: false },
);
const { db } = world;
const { member, draft, commit, settled, writes, modifications, intents } = pushTools(world);
const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

interface Ground {
  organization: Organization;
  /** The record of all these tests. */
  id: string;
  ann: number;
  bob: number;
  /** Drafts a category. */
  draft(user: number, category: string): Promise<void>;
  /** Commits it and notes the base of its author. */
  commit(user: number, category: string, base: string): Promise<void>;
  /** The value before. */
  old: string;
  /** Another writer changes it in PEMS. */
  elsewhere(category: string): Promise<void>;
  onWrite(fault: Record<string, unknown>): Promise<void>;
  pause(isPaused: boolean): Promise<void>;
  /** Resolves once PEMS has it from a write of the product. */
  written(category: string): Promise<void>;
  judge(): Promise<Judgement>;
}

/** An organization that was read once, with two members. */
async function ground(
  code: string,
  settings: { timeoutMs?: number; pageSize?: number } = {},
): Promise<Ground> {
  const organization = await world.organization(code, { timeoutMs: 10_000, ...settings });
  const [ann, bob] = [await member(organization), await member(organization)];
  await world.startWorker();
  expect(await world.sync(organization)).toMatchObject({ state: 'succeeded' });
  await world.stopWorkers();
  const id = idOf(organization, 1);
  const pemsBefore: PemsRecord[] = await world.pems(organization);
  const before = pemsBefore.find((record) => record.id === id)!.values;
  const commits: Commit[] = [];
  return {
    ...{ organization, id, ann, bob },
    old: String(before.pfs_f_category ?? before.pfs_a_category),
    draft: (user, category) => draft(organization, user, id, { category }),
    commit: async (user, value, base) => {
      const sent = Date.now();
      expect(await commit(organization, user)).toMatchObject({ refused: [] });
      commits.push({ record: id, key: 'category', value, base, user, sent, answered: Date.now() });
      // Later steps get a later time, also with clocks of millisecond precision.
      await sleep(2);
    },
    elsewhere: async (category) => {
      await world.control('PATCH', `/records/${code}/${id}`, { values: { pfs_f_category: category } });
      await sleep(2);
    },
    onWrite: (fault) => world.fault({ count: 1, match: { action: 'UPDATE', organization: code }, ...fault }),
    pause: async (isPaused) =>
      void (await db.owner.query('select app_private.set_push_pause($1, $2)', [organization.id, isPaused])),
    written: async (category) =>
      void (await until(`PEMS holds ${category}`, async () =>
        (await writes(organization)).some(
          ({ via, after }) => via === 'screen' && after.pfs_f_category === category,
        ),
      )),
    judge: async () =>
      judge({
        ...{ commits, sightings: [], surrenders: [], pemsBefore },
        writes: (await writes(organization)) as unknown as PemsWrite[],
        pemsNow: await world.pems(organization),
        ...(await readTables(db.owner, organization.id)),
      }),
  };
}

interface Rule {
  name: string;
  code: (typeof rules)[number];
  /** Removes the rule: for each function, a replacement of a piece of its source. */
  bugs: Planted[];
  /** Creates the situation that the rule is for. */
  happen: (code: string) => Promise<Ground>;
  /** Verdicts of the checker for each value with the rule, and the differing ones without it. */
  sound: Record<string, string>;
  found: { value: string; verdict: 'lost' | 'doubled'; why: RegExp };
}

/**
 * Delay of a late write, in milliseconds: longer than the timeout of its response, and shorter than the time until it
 * may be repeated.
 */
const late = 1800;
/** As soon as PEMS has the value, another writer overwrites it. By then every late write has taken effect. */
const overwrite = async (on: Ground, lateness = late) => {
  await on.written('mine');
  await on.elsewhere('theirs');
  await sleep(lateness + 200);
};

const everything: Rule[] = [
  {
    name: 'after a write without an answer nothing is written until it cannot come any more',
    code: 'WAIT',
    bugs: [
      [
        'app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb)',
        'retry_at = coalesce(intent.quiet_at, moment)',
        'retry_at = moment',
      ],
    ],
    happen: async (code) => {
      const on = await ground(code, { timeoutMs: 1000 });
      await world.startWorker();
      await on.onWrite({ kind: 'apply-late', ms: late });
      await on.draft(on.ann, 'mine');
      await on.commit(on.ann, 'mine', on.old);
      await overwrite(on);
      await settled(on.organization);
      return on;
    },
    sound: { mine: 'superseded|returned' },
    found: { value: 'mine', verdict: 'doubled', why: /then "theirs" by \d+, then it again/ },
  },
  {
    name: 'what will be written is written down before',
    code: 'INTENT',
    bugs: [
      [
        'app_private.plan_push(integer, bigint, integer, jsonb, jsonb)',
        'returning id, app_private.microseconds(send_before) into intent_id, send_before;',
        `returning id, app_private.microseconds(send_before) into intent_id, send_before;
        delete from app_core.pfa_push_intent i where i.organization_id = p_organization_id and i.id = intent_id;`,
      ],
    ],
    happen: async (code) => {
      const on = await ground(code, { timeoutMs: 2000 });
      const killed = await workerProcess();
      await on.onWrite({ kind: 'apply-late', ms: 2 * late, answer: 'hang' });
      await on.draft(on.ann, 'mine');
      await on.commit(on.ann, 'mine', on.old);
      await until('it is on its way', async () => (await world.faultHits()) === 1);
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      await world.startWorker({ releaseIntervalMs: 100 });
      await overwrite(on, 2 * late);
      // Without the stored attempt, the open write is unknown.
      await db.worker.query('select app_private.queue_push($1)', [on.organization.id]);
      await settled(on.organization);
      return on;
    },
    sound: { mine: 'superseded|returned' },
    found: { value: 'mine', verdict: 'doubled', why: /then "theirs" by \d+, then it again/ },
  },
  {
    name: 'whoever comes with an older attempt changes nothing',
    code: 'ATTEMPT',
    bugs: [
      [
        'app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb)',
        // Removes the second safeguard too: a resumed job is taken from its previous worker.
        ' and m.attempts = p_attempt and m.retry_at is null',
        '',
      ],
    ],
    happen: async (code) => {
      const on = await ground(code, { timeoutMs: 1000 });
      await world.startWorker();
      await on.onWrite({ kind: 'close' });
      await on.onWrite({ kind: 'apply-late', ms: late });
      await on.draft(on.ann, 'mine');
      await on.commit(on.ann, 'mine', on.old);
      await until('the second attempt is in doubt, too', async () => {
        const [first, second] = await intents(on.organization);
        return first?.outcome === 'failed' && second?.outcome === 'uncertain';
      });
      // A worker that was paused since the first attempt reports its outcome.
      const [{ id } = { id: '' }] = await modifications(on.organization);
      await db.worker.query(
        "select app_private.fail_push($1, $2, 1, 'wait', 'It was too late to send it.', 0, null, null)",
        [on.organization.id, id],
      );
      await db.worker.query('select app_private.queue_push($1)', [on.organization.id]);
      await overwrite(on);
      await settled(on.organization);
      return on;
    },
    sound: { mine: 'superseded|returned' },
    found: { value: 'mine', verdict: 'doubled', why: /then "theirs" by \d+, then it again/ },
  },
  {
    name: 'a record is read before it is written to',
    code: 'READ',
    bugs: [
      [
        'app_private.plan_push(integer, bigint, integer, jsonb, jsonb)',
        "when j.holds = 'other' then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)",
        '',
      ],
      [
        'app_private.plan_push(integer, bigint, integer, jsonb, jsonb)',
        "v.problem is null and v.holds = 'base'",
        "v.problem is null and v.holds in ('base', 'other')",
      ],
    ],
    happen: async (code) => {
      const on = await ground(code);
      await on.draft(on.ann, 'mine');
      await on.elsewhere('theirs');
      await on.commit(on.ann, 'mine', on.old);
      await world.startWorker();
      await settled(on.organization);
      return on;
    },
    sound: { mine: 'returned' },
    found: {
      value: 'theirs',
      verdict: 'lost',
      why: /before "mine" was committed by somebody who had not seen it/,
    },
  },
  {
    name: 'what was asked for before the mirror was last told, does not enter it',
    code: 'OBSERVED',
    bugs: [
      ['app_private.merge_sync_run(integer, bigint, jsonb)', 's.requested_at > m.observed_at', 'true'],
      ['app_private.compare_staged(integer, bigint, timestamptz)', 's.requested_at > m.observed_at', 'true'],
    ],
    happen: async (code) => {
      const on = await ground(code, { pageSize: size / 2 });
      await world.startWorker();
      // The first page has the record with its old value; the second does not arrive yet.
      await world.fault({ kind: 'latency', ms: 600_000, count: 1, skip: 1, match: { organization: code } });
      const { id } = await world.request(on.organization);
      await until('the second page is asked for', async () => (await world.faultHits()) === 1);
      await on.draft(on.ann, 'mine');
      await on.commit(on.ann, 'mine', on.old);
      await settled(on.organization);
      await world.control('DELETE', '/faults');
      expect(await world.ended(on.organization, id)).toMatchObject({ state: 'succeeded' });
      return on;
    },
    sound: { mine: 'confirmed' },
    found: { value: 'mine', verdict: 'lost', why: /the product said so, and it shows/ },
  },
  {
    name: 'a commit that takes a key over takes over what PEMS has to hold for it',
    code: 'TAKEOVER',
    bugs: [
      [
        'app_private.commit_records(integer, text[], text)',
        'coalesce(u.push_base, j.base) as push_base',
        'j.base as push_base',
      ],
    ],
    happen: async (code) => {
      const on = await ground(code);
      await on.pause(true);
      await on.draft(on.ann, 'first');
      await on.commit(on.ann, 'first', on.old);
      await on.draft(on.bob, 'mine');
      await on.commit(on.bob, 'mine', 'first');
      await world.startWorker();
      await on.pause(false);
      await settled(on.organization);
      return on;
    },
    sound: { first: 'superseded', mine: 'confirmed' },
    found: { value: 'mine', verdict: 'lost', why: /it came back for a conflict with .*, which nobody wrote/ },
  },
];

describe.each(everything)('$name', ({ code, bugs, happen, sound, found }) => {
  test('with the rule, no value is lost or doubled', async () => {
    const on = await happen(`${code}ON`);
    await world.stopWorkers();
    const { findings, counts, problems } = await on.judge();
    expect({ problems, lost: counts.lost, doubled: counts.doubled }).toEqual({
      problems: [],
      lost: 0,
      doubled: 0,
    });
    for (const [value, verdict] of Object.entries(sound))
      expect(findings.find((finding) => finding.value === value)?.verdict).toMatch(
        new RegExp(`^(${verdict})$`),
      );
  });

  test('without the rule, the checker finds it', () =>
    withPlanted(db, bugs, 'all', async () => {
      const on = await happen(`${code}OFF`);
      await world.stopWorkers();
      const { overall, findings } = await on.judge();
      expect(findings).toContainEqual({
        ...{ record: on.id, key: 'category', value: found.value, verdict: found.verdict },
        why: expect.stringMatching(found.why) as string,
      });
      expect(overall).toBe('broken');
    }));
});

/** A worker in its own process, so that tests can kill it. */
async function workerProcess(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)), ['worker'], {
    execArgv: [],
    env: environmentOf({
      LOG_LEVEL: 'silent',
      DATABASE_URL: db.urls.owner,
      WORKER_DATABASE_URL: db.urls.worker,
      VANGUARD_SECRET: 'x'.repeat(32),
      VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
    }),
  });
  children.push(child);
  const [message] = (await once(child, 'message')) as [{ type: string }];
  expect(message).toMatchObject({ type: 'ready' });
  return child;
}
