// Determines the outcome of every committed value. The checker reads PEMS's own log, the responses that users received,
// and the tables of the product. It shares no code and no SQL with the product, so that you can check it against the
// design line by line. Every value is unique: one record, one key, and a text that no other write uses there. So it can
// be followed everywhere. All times are milliseconds of the one clock of this machine.

export type Plain = string | number | boolean | null;
export type Values = Readonly<Record<string, Plain>>;

/** A commit of one value, as its author knows it. The same value may be committed again after it was returned. */
export interface Commit {
  record: string;
  key: string;
  value: Plain;
  /** The value that its author saw before the change. */
  base: Plain;
  user: number;
  sent: number;
  /** Time of the response; null: no response, so that the commit may or may not have happened. */
  answered: number | null;
}

/** A problem of a drafted key, as the product reports it. */
export interface Problem {
  kind: string;
  by?: string;
  base?: Plain;
  theirs?: Plain;
  mine?: Plain;
}

/** An author saw a problem in a draft. */
export interface Sighting {
  user: number;
  record: string;
  key: string;
  /** The drafted value. */
  value: Plain;
  problem: Problem;
  /** Time of the response. */
  at: number;
}

/** An author withdrew or discarded a value, and knew that it was this value. */
export interface Surrender {
  user: number;
  record: string;
  key: string;
  value: Plain;
  how: 'withdrawn' | 'resolved';
  /** Time of the response. */
  at: number;
}

/** A line of PEMS's own log: an accepted write. Values by grid alias. */
export interface PemsWrite {
  seq: number;
  at: string;
  action: 'add' | 'update' | 'delete';
  /** The product writes over the screen; all other writes come from other writers. */
  via: 'screen' | 'control';
  id: string;
  came: Values;
  after: Values;
  fault?: string;
}

export interface PemsRecord {
  id: string;
  values: Values;
}

export interface MirrorRow {
  record: string;
  data: Values;
  is_removed: boolean;
}

export interface OverlayRow {
  viewer: number;
  record: string;
  data: Values;
}

export interface Modification {
  id: number;
  user: number;
  record: string;
  delta: Values;
  state: 'draft' | 'committed' | 'syncing' | 'synced';
  problems: Readonly<Record<string, Problem>>;
}

/** A row of the history. */
export interface Change {
  id: number;
  record: string;
  route: string;
  /** With a problem, push returned the key: to its author's draft, or under a newer draft of the author. */
  changes: Readonly<Record<string, { from?: Plain; to?: Plain; problem?: string }>>;
}

/** All evidence for the checker. */
export interface Evidence {
  commits: readonly Commit[];
  sightings: readonly Sighting[];
  surrenders: readonly Surrender[];
  /** PEMS before the first write, the accepted writes in order, and the values at the end. */
  pemsBefore: readonly PemsRecord[];
  writes: readonly PemsWrite[];
  pemsNow: readonly PemsRecord[];
  mirror: readonly MirrorRow[];
  overlay: readonly OverlayRow[];
  modifications: readonly Modification[];
  changes: readonly Change[];
  /** Writes to PEMS whose outcome the product does not know. */
  openIntents: number;
}

/**
 * - confirmed: PEMS kept it by a write of the product, and the product shows it as confirmed.
 * - returned: it is, or was seen, in a draft of its author with the reason, or its author withdrew it.
 * - superseded: a later commit replaced it; or PEMS kept it, and another writer overwrote it before the product could
 *   observe it.
 * - lost: none of these. Also: the product confirmed it, and PEMS never had it. Or PEMS has it, and the product shows
 *   another value. Or it was returned for a conflict without another writer. Or it overwrote an unread value that
 *   another writer had written before the commit.
 * - doubled: PEMS applied it again after another write there, after a later commit of the key, or after it was returned
 *   to its author. The same write twice with no write in between has no effect, and counts separately, as resent.
 * - unmade: the commit had no response, and no trace of it exists.
 */
export type Verdict = 'confirmed' | 'returned' | 'superseded' | 'lost' | 'doubled' | 'unmade';

export interface Finding {
  record: string;
  key: string;
  value: Plain;
  verdict: Verdict;
  why: string;
}

export interface Judgement {
  /** unknown: without a confirmation nothing was shown. */
  overall: 'sound' | 'broken' | 'unknown';
  findings: Finding[];
  counts: Record<Verdict | 'resent', number>;
  /** Other violations once no work is pending. */
  problems: string[];
}

/**
 * Fields of PEMS for each key: the forecast's, then the plan's, which counts if the forecast's is empty. Repeats the default
 * mapping on purpose.
 */
const fieldsOf: Readonly<Record<string, readonly [string, string?]>> = {
  areaSilo: ['pfs_a_corporate'],
  category: ['pfs_f_category', 'pfs_a_category'],
  class: ['pfs_f_class', 'pfs_a_class'],
  source: ['pfs_f_source', 'pfs_a_source'],
  dor: ['pfs_f_dor', 'pfs_a_dor'],
  monthlyRate: ['pfs_f_rate', 'pfs_a_rate'],
  purchasePrice: ['pfs_f_price', 'pfs_a_price'],
  manufacturer: ['pfs_f_manufact'],
  model: ['pfs_f_model'],
  originalCategory: ['pfs_a_category'],
  originalClass: ['pfs_a_class'],
  originalSource: ['pfs_a_source'],
  originalDor: ['pfs_a_dor'],
  originalMonthlyRate: ['pfs_a_rate'],
  originalPurchasePrice: ['pfs_a_price'],
  originalStart: ['pfs_a_startdate'],
  originalEnd: ['pfs_a_enddate'],
  forecastStart: ['pfs_f_startdate'],
  forecastEnd: ['pfs_f_enddate'],
  actualStart: ['pfs_ac_startdate'],
  actualEnd: ['pfs_ac_enddate'],
  isActualized: ['pfa_act'],
  isDiscontinued: ['pfa_dis'],
  isFundsTransferable: ['pfs_ft'],
  contract: ['pfa_ca_contract'],
  equipment: ['pfs_equipment'],
};
const keys = Object.keys(fieldsOf);

/** Missing, empty and null are equal, and so are amounts with the same cents. */
function plain(value: Plain | undefined): Plain {
  if (value === undefined || value === '') return null;
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
const same = (a: Plain | undefined, b: Plain | undefined): boolean => plain(a) === plain(b);
const shown = (value: Plain | undefined): string => JSON.stringify(plain(value));

/** Returns the value of a key in PEMS. */
function held(values: Values, key: string): Plain {
  const [forecast = '', plan] = fieldsOf[key] ?? [];
  const value = plain(values[forecast]);
  return value === null && plan !== undefined ? plain(values[plan]) : value;
}

function isBlank(values: Values, key: string): boolean {
  return plain(values[fieldsOf[key]?.[0] ?? '']) === null;
}

/** Value of a key of a record in PEMS, from one write on. */
interface Moment {
  seq: number;
  at: number;
  value: Plain;
  /** The written forecast field is empty: PEMS shows the planned value. */
  isBlank: boolean;
  /** The value that the product sent, not changed by PEMS or another writer. */
  isOurs: boolean;
}

const placeOf = (record: string, key: string): string => `${record}/${key}`;

/** Returns the sequence of values in PEMS for every key of every record. */
function historyOf({ pemsBefore, writes }: Evidence): Map<string, Moment[]> {
  const history = new Map<string, Moment[]>();
  const note = (record: string, key: string, moment: Moment): void => {
    const place = placeOf(record, key);
    const moments = history.get(place);
    if (moments) moments.push(moment);
    else history.set(place, [moment]);
  };
  const now = new Map(pemsBefore.map(({ id, values }) => [id, values]));
  for (const [id, values] of now)
    for (const key of keys)
      note(id, key, {
        seq: 0,
        at: -Infinity,
        value: held(values, key),
        isBlank: isBlank(values, key),
        isOurs: false,
      });
  for (const { seq, at, action, via, id, came, after, fault } of writes) {
    if (fault === 'drop-write') continue;
    const values = action === 'delete' ? {} : { ...now.get(id), ...after };
    now.set(id, values);
    for (const key of keys) {
      if (
        action === 'update' &&
        !(fieldsOf[key] ?? []).some((field) => field !== undefined && field in after)
      )
        continue;
      const value = held(values, key);
      const isOurs = via === 'screen' && same(value, held(came, key));
      note(id, key, { seq, at: Date.parse(at), value, isBlank: isBlank(values, key), isOurs });
    }
  }
  return history;
}

/** Judges all commits, once no work is pending. */
export function judge(evidence: Evidence): Judgement {
  const history = historyOf(evidence);
  const findings: Finding[] = [];
  let resent = 0;
  const byValue = Map.groupBy(evidence.commits, ({ record, key, value }) =>
    JSON.stringify([record, key, plain(value)]),
  );
  const byPlace = Map.groupBy(evidence.commits, ({ record, key }) => placeOf(record, key));
  for (const commits of byValue.values()) {
    const [{ record, key, value }] = commits as [Commit];
    const place = placeOf(record, key);
    const judged = judgeValue(evidence, history.get(place) ?? [], byPlace.get(place) ?? [], commits);
    resent += judged.resent;
    findings.push({ record, key, value, verdict: judged.verdict, why: judged.why });
  }
  findings.push(...overwritten(history, byPlace), ...undone(evidence, history, byPlace));

  const counts = { confirmed: 0, returned: 0, superseded: 0, lost: 0, doubled: 0, unmade: 0, resent };
  for (const { verdict } of findings) counts[verdict]++;
  const problems = [...unsettled(evidence), ...differences(evidence), ...misread(evidence, history)];
  const isBroken = counts.lost > 0 || counts.doubled > 0 || problems.length > 0;
  return {
    overall: isBroken ? 'broken' : counts.confirmed === 0 ? 'unknown' : 'sound',
    findings,
    counts,
    problems,
  };
}

/** Judges one value. `others` are all commits of this key of this record, `commits` those of the value, in order. */
function judgeValue(
  evidence: Evidence,
  moments: readonly Moment[],
  others: readonly Commit[],
  commits: readonly Commit[],
): { verdict: Verdict; why: string; resent: number } {
  const { record, key, value } = commits[0] as Commit;
  const isIt = (one: Plain | undefined): boolean => same(one, value);
  const isHere = (one: { record: string; key: string }): boolean => one.record === record && one.key === key;
  const kept = moments.filter((moment) => moment.isOurs && isIt(moment.value));
  const audit = evidence.changes.filter((change) => change.record === record && key in change.changes);
  const came = (route: string): boolean =>
    audit.some(({ route: by, changes }) => by === route && !changes[key]?.problem && isIt(changes[key]?.to));
  const modifications = evidence.modifications.filter((m) => m.record === record && key in m.delta);

  // Returned: it is in a draft, or was seen in one, or the history has it and a newer draft carries the problem; or it
  // was withdrawn.
  const givenBack = audit.some(({ changes }) => changes[key]?.problem && isIt(changes[key].from));
  const isCarried = (problem: Problem | undefined) => givenBack && problem?.by === 'push';
  const sightings = evidence.sightings.filter(
    (sighting) =>
      isHere(sighting) &&
      (isIt(sighting.value) || isCarried(sighting.problem)) &&
      commits.some(({ sent }) => sent < sighting.at),
  );
  const surrenders = evidence.surrenders.filter(
    (one) => isHere(one) && isIt(one.value) && commits.some(({ sent }) => sent < one.at),
  );
  const drafts = modifications.filter(
    ({ state, delta, problems }) => state === 'draft' && (isIt(delta[key]) || isCarried(problems[key])),
  );
  const takenBack = audit.some(({ route, changes }) => route === 'withdraw' && isIt(changes[key]?.from));
  const saidSynced = came('push') || modifications.some((m) => m.state === 'synced' && isIt(m.delta[key]));
  const traces =
    kept.length > 0 || came('commit') || saidSynced || modifications.some((m) => isIt(m.delta[key]));
  let resent = 0;
  const verdict = (as: Verdict, why: string) => ({ verdict: as, why, resent });

  const lastBefore = (at: number): Commit | undefined => commits.findLast(({ sent }) => sent <= at);
  for (const [n, moment] of kept.entries()) {
    const commit = lastBefore(moment.at);
    const earlier = kept[n - 1];
    if (earlier && lastBefore(earlier.at) === commit) {
      const between = moments.find(
        ({ seq, value: other }) => seq > earlier.seq && seq < moment.seq && !isIt(other),
      );
      if (between)
        return verdict(
          'doubled',
          `PEMS took it by write ${earlier.seq}, then ${shown(between.value)} by ${between.seq}, then it again by ${moment.seq}`,
        );
      resent++;
    }
    const later = others.find(
      (other) =>
        !isIt(other.value) &&
        commits.every(({ answered }) => answered !== null && other.sent > answered) &&
        moments.some(
          ({ isOurs, value: theirs, seq }) => isOurs && same(theirs, other.value) && seq < moment.seq,
        ),
    );
    if (later)
      return verdict(
        'doubled',
        `PEMS took it by write ${moment.seq}, over the later commit ${shown(later.value)}`,
      );
    const back = [...sightings.filter(({ value: drafted }) => isIt(drafted)), ...surrenders].find(
      ({ at }) => at < moment.at && commit !== undefined && commit.sent < at,
    );
    if (back)
      return verdict(
        'doubled',
        `PEMS took it by write ${moment.seq}, after it had been given back to its author`,
      );
  }

  if (saidSynced && kept.length === 0)
    return verdict('lost', 'the product says that PEMS has it, and PEMS never did');
  if (kept.length > 0 && (saidSynced || came('sync')))
    return verdict('confirmed', `by write ${kept[0]?.seq ?? 0}`);

  // Without another writer: the conflicting value is the base of the author or of a replaced commit, and no other
  // writer changed the record. The problem contains the current conflicting value, the history the one at that time.
  const groundless = audit.find(
    ({ changes: { [key]: change } }) =>
      change?.problem === 'conflict' &&
      isIt(change.from) &&
      commits.some((commit) => stoodOn(others, moments, commit).some((base) => same(base, change.to))) &&
      !evidence.writes.some(
        ({ id, via, fault, at }) =>
          id === record &&
          (via === 'control' || fault !== undefined) &&
          Date.parse(at) >= Math.min(...commits.map(({ sent }) => sent)),
      ),
  );
  if (groundless)
    return verdict(
      'lost',
      `it came back for a conflict with ${shown(groundless.changes[key]?.to)}, which nobody wrote`,
    );
  if (drafts.length > 0) return verdict('returned', 'it is in a draft');
  if (sightings.length > 0)
    return verdict('returned', `its author saw it: ${sightings[0]?.problem.kind ?? ''}`);
  if (surrenders.length > 0 || takenBack) return verdict('returned', 'its author took it back');

  const overtaken = audit.find(
    ({ route, changes }) => route === 'commit' && isIt(changes[key]?.from) && !isIt(changes[key]?.to),
  );
  if (overtaken) return verdict('superseded', `by the later commit ${shown(overtaken.changes[key]?.to)}`);
  const last = kept.at(-1);
  const after = last && moments.find(({ seq, isOurs }) => seq > last.seq && !isOurs);
  if (after)
    return verdict('superseded', `PEMS kept it, and another writer wrote ${shown(after.value)} over it`);

  if (commits.every(({ answered }) => answered === null) && !traces)
    return verdict('unmade', 'nobody knows of it');
  const state = modifications.find(({ delta }) => isIt(delta[key]))?.state;
  return verdict(
    'lost',
    state ? `it is still ${state}` : kept.length > 0 ? 'PEMS kept it, and nobody was told' : 'it is nowhere',
  );
}

/**
 * The base of the author. If that base was a commit that was replaced before it reached PEMS, the base of that commit
 * too, and so on.
 */
function stoodOn(
  others: readonly Commit[],
  moments: readonly Moment[],
  { base }: Commit,
  seen: readonly Plain[] = [],
): Plain[] {
  if (seen.some((one) => same(one, base))) return [];
  const wasKept = moments.some(({ isOurs, value }) => isOurs && same(value, base));
  const earlier = wasKept ? [] : others.filter(({ value }) => same(value, base));
  return [base, ...earlier.flatMap((one) => stoodOn(others, moments, one, [...seen, base]))];
}

/** Values of other writers from before a commit that its author had not seen, and that the commit overwrote. */
function overwritten(
  history: ReadonlyMap<string, readonly Moment[]>,
  byPlace: ReadonlyMap<string, readonly Commit[]>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [place, commits] of byPlace) {
    const moments = history.get(place) ?? [];
    for (const [n, moment] of moments.entries()) {
      const before = moments[n - 1];
      const commit = commits.findLast(({ value, sent }) => sent <= moment.at && same(value, moment.value));
      if (!before || before.isOurs || !moment.isOurs || !commit || same(before.value, moment.value)) continue;
      // An author who saw an empty forecast overwrites nothing: a new planned value stays in the plan.
      if (before.isBlank && same(commit.base, null)) continue;
      if (
        before.at >= commit.sent ||
        stoodOn(commits, moments, commit).some((base) => same(base, before.value))
      )
        continue;
      const { record, key, value } = commit;
      findings.push({
        ...{ record, key, value: before.value, verdict: 'lost' },
        why: `it was in PEMS before ${shown(value)} was committed by somebody who had not seen it, and was written over by ${moment.seq}`,
      });
    }
  }
  return findings;
}

/** Confirmed values that PEMS has and the product does not show. */
function undone(
  { mirror, changes }: Evidence,
  history: ReadonlyMap<string, readonly Moment[]>,
  byPlace: ReadonlyMap<string, readonly Commit[]>,
): Finding[] {
  const rows = new Map(mirror.map((row) => [row.record, row]));
  return [...byPlace].flatMap(([place, commits]): Finding[] => {
    const last = history.get(place)?.at(-1);
    const [{ record, key }] = commits as [Commit];
    const row = rows.get(record);
    if (!last?.isOurs || !row || same(row.data[key], last.value)) return [];
    const said = changes.some(
      (change) =>
        change.record === record && change.route === 'push' && same(change.changes[key]?.to, last.value),
    );
    if (!said) return [];
    const why = `PEMS has it since write ${last.seq} and the product said so, and it shows ${shown(row.data[key])}`;
    return [{ record, key, value: last.value, verdict: 'lost', why }];
  });
}

/** No work may be pending any more. */
function unsettled({ modifications, openIntents }: Evidence): string[] {
  const under = modifications.filter(({ state }) => state === 'committed' || state === 'syncing');
  return [
    ...under.map(
      ({ id, record, state, delta }) => `change ${id} of ${record} is ${state}: ${JSON.stringify(delta)}`,
    ),
    ...(openIntents > 0 ? [`of ${openIntents} writes to PEMS it is not known how they ended`] : []),
    ...modifications
      .filter(({ state, problems }) => state !== 'draft' && Object.keys(problems).length > 0)
      .map(({ id, state }) => `change ${id} is ${state} and has problems`),
  ];
}

/** The mirror equals PEMS; the overlay is the mirror with the drafts on top. */
function differences({ pemsNow, mirror, overlay, modifications }: Evidence): string[] {
  const problems: string[] = [];
  const rows = new Map(mirror.map((row) => [row.record, row]));
  const inPems = new Set(pemsNow.map(({ id }) => id));
  for (const { id, values } of pemsNow) {
    const row = rows.get(id);
    if (!row || row.is_removed) {
      problems.push(`PEMS has ${id}, and the mirror ${row ? 'has it as removed' : 'has not'}`);
      continue;
    }
    for (const key of keys) {
      const theirs = held(values, key);
      if (!same(theirs, row.data[key]))
        problems.push(`${id} ${key} is ${shown(theirs)} in PEMS, and ${shown(row.data[key])} in the mirror`);
    }
  }
  for (const { record, is_removed } of mirror)
    if (!is_removed && !inPems.has(record)) problems.push(`PEMS has no ${record}, and the mirror has`);

  const wanted = new Map<string, Values>();
  const unders = new Map<string, Values>();
  for (const { record, data } of mirror) {
    const of = modifications.filter((m) => m.record === record);
    const pending = of.filter(({ state }) => state === 'committed' || state === 'syncing');
    const under = Object.assign({}, data, ...pending.map(({ delta }) => delta)) as Values;
    unders.set(record, under);
    if (pending.length > 0) wanted.set(`${record} for all`, under);
    for (const { user, delta, state } of of)
      if (state === 'draft') wanted.set(`${record} for user ${user}`, { ...under, ...delta });
  }
  for (const { viewer, record, data } of overlay) {
    const who = `${record} for ${viewer === 0 ? 'all' : `user ${viewer}`}`;
    // A row without pending changes and drafts keeps its revision, and equals the mirror.
    const should = wanted.get(who) ?? unders.get(record);
    wanted.delete(who);
    for (const key of new Set([...Object.keys(should ?? {}), ...Object.keys(data)]))
      if (!same(should?.[key], data[key]))
        problems.push(
          `${who}: ${key} is ${shown(data[key])} in the overlay, and should be ${shown(should?.[key])}`,
        );
  }
  for (const who of wanted.keys()) problems.push(`the overlay has no ${who}`);
  return problems;
}

/**
 * PEMS had every value of the history, in that order. The history may lack values, but must not contain outdated ones,
 * as from a stale response.
 */
function misread({ changes }: Evidence, history: ReadonlyMap<string, readonly Moment[]>): string[] {
  const problems: string[] = [];
  const reached = new Map<string, number>();
  for (const { id, record, route, changes: of } of [...changes].sort((a, b) => a.id - b.id)) {
    if (route !== 'sync' && route !== 'push') continue;
    for (const [key, { to, problem }] of Object.entries(of)) {
      if (problem) continue;
      const place = placeOf(record, key);
      const moments = history.get(place);
      if (!moments || plain(to) === null) continue;
      const from = reached.get(place) ?? 0;
      const found = moments.findIndex((moment, n) => n >= from && same(moment.value, to));
      if (found >= 0) reached.set(place, found);
      else
        problems.push(
          `the history says (${id}, ${route}) that ${key} of ${record} became ${shown(to)} in PEMS, which it ${moments.some(({ value }) => same(value, to)) ? 'was before, and no longer' : 'never was'}`,
        );
    }
  }
  return problems;
}
