import { describe, expect, test } from 'vitest';
import { judge, type Change, type Commit, type Evidence, type PemsWrite, type Problem } from './checker.ts';

// The checker on handmade logs: one value, "mine", of one key of one record with the old value "old". Each verdict, and
// a similar case that differs.

const [ann, bob] = [1, 2];
const here = { record: 'R', key: 'category' };
const at = (ms: number) => new Date(ms).toISOString();

const commit = (value: string, sent: number, more: Partial<Commit> = {}): Commit => ({
  ...{ ...here, value, base: 'old', user: ann, sent, answered: sent + 10 },
  ...more,
});
const ours = (seq: number, ms: number, value: string, more: Partial<PemsWrite> = {}): PemsWrite => ({
  ...{ seq, at: at(ms), action: 'update', via: 'screen', id: 'R' },
  ...{ came: { pfs_f_category: value }, after: { pfs_f_category: value } },
  ...more,
});
const theirs = (seq: number, ms: number, value: string): PemsWrite =>
  ours(seq, ms, value, { via: 'control' });
let ids = 0;
const change = (route: string, from: string, to: string): Change => ({
  ...{ id: ++ids, record: 'R', route, changes: { category: { from, to } } },
});
const seen = (value: string, ms: number, problem: Partial<Problem> = {}) => ({
  ...{ ...here, user: ann, value, at: ms },
  problem: { kind: 'failed', by: 'push', mine: value, ...problem },
});

/** No work is pending, and PEMS and the mirror have equal values. */
function evidence(more: Partial<Evidence> & { now?: string; mirrored?: string } = {}): Evidence {
  const { now = 'old', mirrored = now, ...rest } = more;
  return {
    commits: [commit('mine', 100)],
    ...{
      sightings: [],
      surrenders: [],
      writes: [],
      overlay: [],
      modifications: [],
      changes: [],
      openIntents: 0,
    },
    pemsBefore: [{ id: 'R', values: { pfs_f_category: 'old', pfs_f_rate: 5 } }],
    pemsNow: [{ id: 'R', values: { pfs_f_category: now, pfs_f_rate: 5 } }],
    mirror: [{ record: 'R', data: { category: mirrored, monthlyRate: 5 }, is_removed: false }],
    ...rest,
  };
}
const verdictOf = (given: Evidence, value = 'mine') =>
  judge(given).findings.find((finding) => finding.value === value)?.verdict;
const draft = (value: string, problems: Record<string, Problem> = {}, user = ann) => ({
  ...{ id: 9, user, record: 'R', delta: { category: value }, state: 'draft' as const, problems },
});
const drafted = (value: string) => ({ viewer: ann, record: 'R', data: { category: value, monthlyRate: 5 } });

/** Expects that many sentences, matching these. */
const saying = (...patterns: RegExp[]): unknown[] =>
  patterns.map((pattern): unknown => expect.stringMatching(pattern));

describe('confirmed', () => {
  test('PEMS kept it, and the history has it from push', () => {
    const judged = judge(
      evidence({ writes: [ours(1, 200, 'mine')], changes: [change('push', 'old', 'mine')], now: 'mine' }),
    );
    expect(judged).toMatchObject({ overall: 'sound', counts: { confirmed: 1, resent: 0 }, problems: [] });
  });
  test('sent twice with no write in between is resent, not doubled', () => {
    const judged = judge(
      evidence({
        writes: [ours(1, 200, 'mine'), ours(2, 300, 'mine')],
        changes: [change('push', 'old', 'mine')],
        now: 'mine',
      }),
    );
    expect(judged).toMatchObject({ overall: 'sound', counts: { confirmed: 1, doubled: 0, resent: 1 } });
  });
  test('also if another writer overwrote it later', () => {
    const given = evidence({
      writes: [ours(1, 200, 'mine'), theirs(2, 300, 'theirs')],
      changes: [change('push', 'old', 'mine'), change('sync', 'mine', 'theirs')],
      now: 'theirs',
    });
    expect(judge(given)).toMatchObject({ overall: 'sound', counts: { confirmed: 1 } });
  });
  test('also if the client never received the response to the commit', () => {
    const given = evidence({
      commits: [commit('mine', 100, { answered: null })],
      writes: [ours(1, 200, 'mine')],
      changes: [change('push', 'old', 'mine')],
      now: 'mine',
    });
    expect(verdictOf(given)).toBe('confirmed');
  });
  test('amounts are compared to the cent', () => {
    const given = evidence({
      commits: [commit('', 100, { key: 'monthlyRate', value: 1000.1, base: 5 })],
      writes: [ours(1, 200, '', { came: { pfs_f_rate: 1000.1 }, after: { pfs_f_rate: 1000.1 } })],
      changes: [{ id: 1, record: 'R', route: 'push', changes: { monthlyRate: { from: 5, to: 1000.1 } } }],
      pemsNow: [{ id: 'R', values: { pfs_f_category: 'old', pfs_f_rate: 1000.1 } }],
      mirror: [{ record: 'R', data: { category: 'old', monthlyRate: 1000.1 }, is_removed: false }],
    });
    expect(judge(given)).toMatchObject({ overall: 'sound', counts: { confirmed: 1 } });
  });
});

test('without a confirmation nothing was shown', () => {
  expect(judge(evidence({ commits: [] })).overall).toBe('unknown');
});

describe('returned', () => {
  test('it is in a draft, with or without a problem', () => {
    const problem = { kind: 'refused', by: 'push', mine: 'mine' };
    for (const problems of [{}, { category: problem }] as Record<string, Problem>[]) {
      const given = evidence({ modifications: [draft('mine', problems)], overlay: [drafted('mine')] });
      expect(verdictOf(given)).toBe('returned');
      expect(judge(given).problems).toEqual([]);
    }
  });
  test('a newer draft of its author stayed, and carries the problem', () => {
    const given = {
      ...change('push', 'mine', 'old'),
      changes: { category: { from: 'mine', to: 'old', problem: 'failed' } },
    };
    const carries = { category: { kind: 'failed', by: 'push', mine: 'newer' } };
    expect(verdictOf(evidence({ modifications: [draft('newer', carries)], changes: [given] }))).toBe(
      'returned',
    );
    const sightings = [seen('newer', 500)];
    expect(verdictOf(evidence({ sightings, changes: [given] }))).toBe('returned');
    // The history alone is not enough: its author must have it.
    expect(verdictOf(evidence({ changes: [given] }))).toBe('lost');
    expect(verdictOf(evidence({ modifications: [draft('newer')], changes: [given] }))).toBe('lost');
    expect(verdictOf(evidence({ modifications: [draft('newer', carries)] }))).toBe('lost');
  });
  test('its author saw it, and only after the commit', () => {
    expect(verdictOf(evidence({ sightings: [seen('mine', 500)] }))).toBe('returned');
    expect(verdictOf(evidence({ sightings: [seen('mine', 50)] }))).toBe('lost');
    expect(verdictOf(evidence({ sightings: [seen('other', 500)] }))).toBe('lost');
  });
  test('its author withdrew it', () => {
    const surrender = { ...here, user: ann, value: 'mine', how: 'withdrawn' as const, at: 500 };
    expect(verdictOf(evidence({ surrenders: [surrender] }))).toBe('returned');
    expect(verdictOf(evidence({ surrenders: [{ ...surrender, value: 'other' }] }))).toBe('lost');
    expect(verdictOf(evidence({ changes: [change('withdraw', 'mine', 'old')] }))).toBe('returned');
  });
  test('for a conflict with another writer; a conflict without one is a loss', () => {
    const back = (to: string) => ({
      ...change('push', 'mine', to),
      changes: { category: { from: 'mine', to, problem: 'conflict' } },
    });
    const given = { sightings: [seen('mine', 500, { kind: 'conflict', theirs: 'old' })] };
    const founded = { ...given, changes: [back('theirs')], writes: [theirs(1, 50, 'theirs')], now: 'theirs' };
    expect(verdictOf(evidence(founded))).toBe('returned');
    const groundless = { ...given, changes: [back('old')] };
    expect(verdictOf(evidence(groundless))).toBe('lost');
    // The record was written meanwhile: a retry reads the same value as before, with another recordid.
    const touched = ours(1, 200, '', { via: 'control', came: { pfs_f_rate: 5 }, after: { pfs_f_rate: 5 } });
    expect(verdictOf(evidence({ ...groundless, writes: [touched] }))).toBe('returned');
    // A commit that replaced an earlier one has the base of the earlier one.
    const commits = [commit('first', 100), commit('mine', 200, { base: 'first', user: bob })];
    expect(verdictOf(evidence({ ...groundless, commits }))).toBe('lost');
    // But if the earlier one reached PEMS, it is the base of all later ones, and another writer removed it again.
    const kept = [ours(1, 150, 'first')];
    expect(verdictOf(evidence({ ...groundless, commits, writes: kept }))).toBe('returned');
    const another = [commit('first', 100, { base: 'x' }), commit('mine', 200, { base: 'first', user: bob })];
    expect(verdictOf(evidence({ ...groundless, commits: another }))).toBe('returned');
  });
});

describe('superseded', () => {
  test('a later commit replaced it', () => {
    const commits = [commit('mine', 100), commit('later', 200, { base: 'mine', user: bob })];
    const given = evidence({
      commits,
      writes: [ours(1, 300, 'later')],
      changes: [
        change('commit', 'old', 'mine'),
        change('commit', 'mine', 'later'),
        change('push', 'old', 'later'),
      ],
      now: 'later',
    });
    expect(judge(given)).toMatchObject({ overall: 'sound', counts: { confirmed: 1, superseded: 1 } });
    // The later commit exists, with a different base.
    expect(verdictOf({ ...given, changes: given.changes.slice(2) })).toBe('lost');
  });
  test('another writer overwrote it before it could be observed', () => {
    const given = evidence({ writes: [ours(1, 200, 'mine'), theirs(2, 210, 'theirs')], now: 'theirs' });
    expect(verdictOf(given)).toBe('superseded');
    expect(verdictOf({ ...given, writes: [ours(1, 200, 'mine')] })).toBe('lost');
  });
});

describe('lost', () => {
  test('it is nowhere', () => {
    expect(judge(evidence())).toMatchObject({ overall: 'broken', counts: { lost: 1 } });
  });
  test('the commit had no response: perhaps it never happened', () => {
    const commits = [commit('mine', 100, { answered: null })];
    expect(verdictOf(evidence({ commits }))).toBe('unmade');
    expect(verdictOf(evidence({ commits, changes: [change('commit', 'old', 'mine')] }))).toBe('lost');
  });
  test('the product shows it as confirmed, and PEMS never had it', () => {
    const dropped = ours(1, 200, 'mine', { after: {}, fault: 'drop-write' });
    const given = evidence({ writes: [dropped], changes: [change('push', 'old', 'mine')] });
    expect(verdictOf(given)).toBe('lost');
    expect(judge(given).problems).toEqual(saying(/became "mine" in PEMS, which it never was/));
  });
  test('PEMS altered it, and the product confirmed the altered value', () => {
    const altered = ours(1, 200, 'mine', { after: { pfs_f_category: 'mine*' }, fault: 'alter-write' });
    const given = evidence({ writes: [altered], changes: [change('push', 'old', 'mine')], now: 'mine*' });
    expect(verdictOf(given)).toBe('lost');
  });
  test('PEMS has it, the product confirmed it, and shows another value', () => {
    const given = evidence({
      writes: [ours(1, 200, 'mine')],
      changes: [change('push', 'old', 'mine'), change('sync', 'mine', 'old')],
      ...{ now: 'mine', mirrored: 'old' },
    });
    const judged = judge(given);
    expect(judged.counts.lost).toBe(1);
    expect(judged.problems).toEqual(
      saying(
        /category is "mine" in PEMS, and "old" in the mirror/,
        /became "old" in PEMS, which it was before, and no longer/,
      ),
    );
    // Also if a later read corrected it.
    expect(judge({ ...given, mirror: evidence({ now: 'mine' }).mirror })).toMatchObject({
      overall: 'broken',
      counts: { lost: 0 },
    });
  });
  test('an unseen earlier value of another writer', () => {
    const given = evidence({
      writes: [theirs(1, 50, 'theirs'), ours(2, 200, 'mine')],
      changes: [change('push', 'theirs', 'mine')],
      now: 'mine',
    });
    expect(verdictOf(given, 'theirs')).toBe('lost');
    const informed = [commit('mine', 100, { base: 'theirs' })];
    expect(judge({ ...given, commits: informed })).toMatchObject({ overall: 'sound' });
    // A write between our read and our write cannot be detected.
    const between = [theirs(1, 150, 'theirs'), ours(2, 200, 'mine')];
    expect(judge({ ...given, writes: between })).toMatchObject({ overall: 'sound' });
  });
});

test('if the author saw an empty value, a new planned value was not overwritten', () => {
  const planned = ours(1, 50, '', {
    via: 'control',
    came: { pfs_a_class: 'plan' },
    after: { pfs_a_class: 'plan' },
  });
  const written = { came: { pfs_f_class: 'mine' }, after: { pfs_f_class: 'mine' } };
  const given = evidence({
    commits: [commit('mine', 100, { key: 'class', base: null })],
    writes: [planned, ours(2, 200, '', written)],
    changes: [{ id: 1, record: 'R', route: 'push', changes: { class: { from: null, to: 'mine' } } }],
    mirror: [{ record: 'R', data: { category: 'old', monthlyRate: 5, class: 'mine' }, is_removed: false }],
  });
  const counted = (base: string | null) =>
    judge({ ...given, commits: [commit('mine', 100, { key: 'class', base })] }).counts;
  expect(counted(null)).toMatchObject({ confirmed: 1, lost: 0 });
  expect(counted('seen')).toMatchObject({ confirmed: 1, lost: 1 });
  const filled = ours(1, 50, '', { via: 'control', came: { pfs_f_class: 'x' }, after: { pfs_f_class: 'x' } });
  expect(judge({ ...given, writes: [filled, ours(2, 200, '', written)] }).counts).toMatchObject({ lost: 1 });
});

describe('doubled', () => {
  const confirmed = { changes: [change('push', 'old', 'mine')], now: 'mine' };
  test('once more, over a later value of another writer', () => {
    const writes = [ours(1, 200, 'mine'), theirs(2, 300, 'theirs'), ours(3, 400, 'mine')];
    expect(verdictOf(evidence({ ...confirmed, writes }))).toBe('doubled');
    // If its author saw that value and committed again, it is another commit.
    const commits = [commit('mine', 100), commit('mine', 350, { base: 'theirs' })];
    expect(verdictOf(evidence({ ...confirmed, writes, commits }))).toBe('confirmed');
  });
  test('over a later commit', () => {
    const commits = [commit('mine', 100), commit('later', 250, { base: 'mine' })];
    const writes = [ours(1, 300, 'later'), ours(2, 400, 'mine')];
    expect(verdictOf(evidence({ ...confirmed, commits, writes }))).toBe('doubled');
    // Two concurrent commits have no order.
    const together = [commit('mine', 100), commit('later', 105)];
    expect(verdictOf(evidence({ ...confirmed, commits: together, writes }))).toBe('confirmed');
  });
  test('after it was returned', () => {
    const writes = [ours(1, 600, 'mine')];
    expect(verdictOf(evidence({ ...confirmed, writes, sightings: [seen('mine', 500)] }))).toBe('doubled');
    expect(verdictOf(evidence({ ...confirmed, writes, sightings: [seen('mine', 700)] }))).toBe('confirmed');
    const commits = [commit('mine', 100), commit('mine', 550)];
    expect(verdictOf(evidence({ ...confirmed, writes, commits, sightings: [seen('mine', 500)] }))).toBe(
      'confirmed',
    );
  });
});

describe('other conditions at the end', () => {
  const confirmed = { writes: [ours(1, 200, 'mine')], changes: [change('push', 'old', 'mine')], now: 'mine' };
  const problemsOf = (more: Partial<Evidence>) => judge({ ...evidence(confirmed), ...more }).problems;
  const committed = { ...draft('x'), state: 'committed' as const };

  test('no work is pending', () => {
    expect(problemsOf({ openIntents: 2 })).toEqual(saying(/of 2 writes/));
    expect(problemsOf({ modifications: [committed] })).toEqual(
      saying(/change 9 of R is committed/, /the overlay has no R for all/),
    );
  });
  test('the mirror equals PEMS', () => {
    expect(problemsOf({ mirror: [] })).toEqual(saying(/PEMS has R, and the mirror has not/));
    const [row] = evidence(confirmed).mirror;
    expect(problemsOf({ mirror: [{ ...row!, is_removed: true }] })).toEqual(saying(/has it as removed/));
    expect(problemsOf({ pemsNow: [] })).toEqual(saying(/PEMS has no R, and the mirror has/));
    expect(problemsOf({ mirror: [{ ...row!, data: { category: 'mine', monthlyRate: 6 } }] })).toEqual(
      saying(/R monthlyRate is 5 in PEMS, and 6 in the mirror/),
    );
  });
  test('the overlay contains the drafts, and nothing else', () => {
    expect(problemsOf({ overlay: [drafted('x')] })).toEqual(
      saying(/category is "x" in the overlay, and should be/),
    );
    expect(problemsOf({ modifications: [draft('x')], overlay: [drafted('y')] })).toEqual(
      saying(/category is "y" in the overlay, and should be "x"/),
    );
    expect(problemsOf({ modifications: [draft('x')], overlay: [drafted('x')] })).toEqual([]);
    expect(problemsOf({ modifications: [draft('x')] })).toEqual(saying(/the overlay has no R for user 1/));
  });
});
