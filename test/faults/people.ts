import type { Commit, Evidence, Plain, Problem, Sighting, Surrender, Values } from './checker.ts';
import type { Dice } from './dice.ts';

// Three users who work over HTTP, and the knowledge of each: acknowledged, returned and withdrawn changes.

/** Responses that users received, and their later actions. */
export class Ledger implements Pick<Evidence, 'commits' | 'sightings' | 'surrenders'> {
  readonly commits: Commit[] = [];
  readonly sightings: Sighting[] = [];
  readonly surrenders: Surrender[] = [];
  private readonly used = new Set<string>();
  private readonly seen = new Set<string>();
  private made = 0;

  /** Returns a number that was never used before. */
  next(): number {
    return ++this.made;
  }

  commit(commit: Commit): void {
    this.commits.push(commit);
    this.used.add(JSON.stringify([commit.record, commit.key, commit.value]));
  }

  /** Whether this value was committed there before. */
  wasUsed(record: string, key: string, value: Plain): boolean {
    return this.used.has(JSON.stringify([record, key, value]));
  }

  /** Whether its author may draft it again: it was returned, or its commit is uncertain. */
  mayBeBack(record: string, key: string, value: Plain): boolean {
    const isIt = (one: { record: string; key: string; value: Plain }) =>
      one.record === record && one.key === key && one.value === value;
    return (
      this.sightings.some(isIt) ||
      this.surrenders.some(isIt) ||
      this.commits.some((one) => isIt(one) && one.answered === null)
    );
  }

  sight(sighting: Sighting): void {
    const { at: _, ...what } = sighting;
    const text = JSON.stringify(what);
    if (this.seen.has(text)) return;
    this.seen.add(text);
    this.sightings.push(sighting);
  }
}

/** A response, or none: the server was gone, or failed. Without one, the request may or may not have taken effect. */
type Answer<T> = { status: number; body: T; at: number } | { status: null; at: number };

export interface SeenRecord {
  pfaId: string;
  revision: number;
  hasDraft: boolean;
  isPending: boolean;
  data: Values;
}

export interface SeenDraft {
  pfaId: string;
  delta: Values;
  base: Values;
  problems: Record<string, Problem>;
}

/** Timeout of a request, in milliseconds. */
const patience = 5000;

export interface Place {
  url: string;
  organization: { id: number; code: string };
  ledger: Ledger;
  /** Receives errors, for the analysis of a failure. */
  log: (text: string) => void;
}

export class Person {
  readonly id: number;
  readonly username: string;
  private readonly password: string;
  private readonly place: Place;
  private token: string | undefined;

  constructor(place: Place, id: number, username: string, password: string) {
    this.place = place;
    this.id = id;
    this.username = username;
    this.password = password;
  }

  private async send<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    try {
      const response = await fetch(`${this.place.url}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patience),
      });
      const text = await response.text();
      const at = Date.now();
      // A server that loses its database in the middle cannot know either.
      if (response.status >= 500) {
        this.place.log(`${this.username} ${method} ${path}: ${response.status} ${text}\n`);
        return { status: null, at };
      }
      if (response.status >= 400)
        this.place.log(`${this.username} ${method} ${path}: ${response.status} ${text}\n`);
      return { status: response.status, body: JSON.parse(text) as T, at };
    } catch (error) {
      this.place.log(`${this.username} ${method} ${path}: ${String(error)}\n`);
      return { status: null, at: Date.now() };
    }
  }

  /** Sends a request as a signed-in user; signs in again when the session has ended. */
  private async ask<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    for (let attempt = 1; ; attempt++) {
      if (this.token === undefined) {
        const { username, password } = this;
        const login = await this.send<{ token: string }>('POST', '/api/auth/login', { username, password });
        if (login.status !== 200) return { status: null, at: login.at };
        this.token = login.body.token;
      }
      const answer = await this.send<T>(method, path, body);
      if (answer.status !== 401 || attempt > 1) return answer;
      this.token = undefined;
    }
  }

  rest<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    return this.ask<T>(method, `/api/pfa/${this.place.organization.code}${path}`, body);
  }

  /**
   * Returns the data of a response without errors; `refused` if the product refused it; undefined if the outcome is
   * unknown.
   */
  async graphql<T>(
    query: string,
    variables: object = {},
  ): Promise<{ data: T; at: number } | 'refused' | undefined> {
    const answer = await this.ask<{
      data?: T | null;
      errors?: { message: string; extensions?: { code?: string } }[];
    }>('POST', '/graphql', { query, variables: { id: this.place.organization.id, ...variables } });
    if (answer.status === null) return undefined;
    const { data, errors } = answer.body;
    if (!errors && data) return { data, at: answer.at };
    this.place.log(`${this.username} graphql: ${JSON.stringify(errors)}\n`);
    const code = errors?.[0]?.extensions?.code ?? '';
    return ['DATABASE_UNAVAILABLE', 'INTERNAL_ERROR', ''].includes(code) ? undefined : 'refused';
  }

  /** Returns all records as this user sees them now. */
  async records(): Promise<SeenRecord[]> {
    const answer = await this.rest<{ records: SeenRecord[] }>('GET', '?limit=1000');
    return answer.status === 200 ? answer.body.records : [];
  }

  /** Returns the user's own drafts, and notes their problems. */
  async drafts(): Promise<SeenDraft[]> {
    const answer = await this.graphql<{ organization: { myDrafts: { nodes: SeenDraft[] } } }>(
      'query ($id: Int!) { organization(id: $id) { myDrafts(first: 200) { nodes { pfaId base delta problems } } } }',
    );
    if (answer === undefined || answer === 'refused') return [];
    const { nodes } = answer.data.organization.myDrafts;
    for (const { pfaId, delta, problems } of nodes)
      for (const [key, problem] of Object.entries(problems))
        this.place.ledger.sight({
          ...{ user: this.id, record: pfaId, key, value: delta[key] ?? null, problem, at: answer.at },
        });
    return nodes;
  }

  /**
   * Drafts changes on the visible values. Reads the revisions before `seen`, the drafts, so that changes in between
   * cause a refusal. A new draft over a returned value discards that value.
   */
  async draft(
    items: { recordId: string; changes: Values; revision: number }[],
    seen: readonly SeenDraft[],
  ): Promise<void> {
    const [only, ...more] = items;
    if (!only) return;
    const answer =
      more.length === 0
        ? await this.rest('POST', '/draft', only)
        : await this.rest('POST', '/draft/batch', { items });
    if (answer.status === 200)
      this.giveUp(
        seen,
        (record, key) => items.some((i) => i.recordId === record && key in i.changes),
        answer.at,
      );
  }

  private giveUp(
    seen: readonly SeenDraft[],
    where: (record: string, key: string) => boolean,
    at: number,
  ): void {
    for (const { pfaId, delta } of seen)
      for (const [key, value] of Object.entries(delta))
        if (where(pfaId, key))
          this.place.ledger.surrenders.push({
            ...{ user: this.id, record: pfaId, key, value, how: 'resolved', at },
          });
  }

  /**
   * Commits the user's drafts of these records. Values that were committed there before wait, unless they were
   * returned.
   */
  async commit(recordIds: readonly string[]): Promise<void> {
    const { ledger } = this.place;
    const drafts = (await this.drafts()).filter(({ pfaId }) => recordIds.includes(pfaId));
    const ready = drafts.filter(({ pfaId, delta }) =>
      Object.entries(delta).every(
        ([key, value]) => !ledger.wasUsed(pfaId, key, value) || ledger.mayBeBack(pfaId, key, value),
      ),
    );
    if (ready.length === 0) return;
    const sent = Date.now();
    const answer = await this.rest<{ keyCount: number; refused: { recordId: string; key?: string }[] }>(
      'POST',
      '/commit',
      { recordIds: ready.map(({ pfaId }) => pfaId) },
    );
    if (answer.status !== null && answer.status !== 200) return;
    const refused = answer.status === 200 ? answer.body.refused : [];
    const taken = ready.flatMap(({ pfaId, delta, base }) =>
      Object.entries(delta)
        .filter(([key]) => !refused.some((one) => one.recordId === pfaId && (one.key ?? key) === key))
        .map(([key, value]) => ({ record: pfaId, key, value, base: base[key] ?? null })),
    );
    // Fewer records: some settled in between, and the response does not name them.
    const isCertain = answer.status === 200 && answer.body.keyCount === taken.length;
    for (const one of taken)
      ledger.commit({ ...one, user: this.id, sent, answered: isCertain ? answer.at : null });
  }

  /** Withdraws some pending changes. */
  async withdraw(dice: Dice): Promise<void> {
    const listed = await this.graphql<{
      organization: {
        commits: { nodes: { id: string; pfaId: string; isMine: boolean; state: string; delta: Values }[] };
      };
    }>(
      'query ($id: Int!) { organization(id: $id) { commits(first: 60, orderBy: ID_DESC) { nodes { id pfaId isMine state delta } } } }',
    );
    if (listed === undefined || listed === 'refused') return;
    const mine = listed.data.organization.commits.nodes.filter(
      ({ isMine, state }) => isMine && state === 'committed',
    );
    const [one] = dice.some(mine, 1);
    if (!one) return;
    const answer = await this.graphql<{
      withdrawCommits: { result: { recordCount: number; refused: unknown[] } };
    }>(
      `mutation ($id: Int!, $ids: [BigInt]) {
        withdrawCommits(input: { organizationId: $id, modificationIds: $ids }) { result { recordCount refused } }
      }`,
      { ids: [one.id] },
    );
    if (answer === undefined || answer === 'refused') return;
    const { recordCount, refused } = answer.data.withdrawCommits.result;
    if (recordCount !== 1 || refused.length > 0) return;
    // A key that a later commit replaced is no longer included: the draft contains the returned keys.
    for (const draft of await this.drafts())
      for (const [key, value] of Object.entries(one.delta))
        if (draft.pfaId === one.pfaId && draft.delta[key] === value)
          this.place.ledger.surrenders.push({
            ...{ user: this.id, record: one.pfaId, key, value, how: 'withdrawn', at: answer.at },
          });
  }

  /** Shifts the dates of several records, as just read. */
  async shift(recordIds: readonly string[], days: number): Promise<void> {
    const given = { ids: recordIds, days };
    const preview = await this.graphql<{ organization: { bulkPreview: { previewToken: string } } }>(
      `query ($id: Int!, $ids: [String], $days: Int) { organization(id: $id) {
        bulkPreview(selection: { recordIds: $ids }, operation: { shiftDays: $days }) { previewToken }
      } }`,
      given,
    );
    if (preview === undefined || preview === 'refused') return;
    const seen = await this.drafts();
    const answer = await this.graphql(
      `mutation ($id: Int!, $ids: [String], $days: Int, $token: String) {
        applyBulk(input: {
          organizationId: $id, selection: { recordIds: $ids }, operation: { shiftDays: $days }, previewToken: $token, skipRefused: true
        }) { result { changedCount } }
      }`,
      { ...given, token: preview.data.organization.bulkPreview.previewToken },
    );
    if (answer === undefined || answer === 'refused') return;
    const dates = ['forecastStart', 'forecastEnd', 'actualEnd'];
    this.giveUp(seen, (record, key) => recordIds.includes(record) && dates.includes(key), answer.at);
  }

  /** Resolves a draft with problems, under its visible revision, key by key. */
  async resolve(
    draft: SeenDraft,
    revision: number,
    key: string,
    choice: 'mine' | 'theirs' | 'value',
    value?: Plain,
  ): Promise<void> {
    const resolution = { recordId: draft.pfaId, revision: String(revision), choice, keys: [key] };
    const answer = await this.graphql(
      `mutation ($id: Int!, $resolutions: [PfaResolutionInput!]!) {
        resolveProblems(input: { organizationId: $id, resolutions: $resolutions }) { result { operationId } }
      }`,
      { resolutions: [{ ...resolution, ...(choice === 'value' ? { value } : {}) }] },
    );
    if (answer === undefined || answer === 'refused' || choice === 'mine') return;
    const given = draft.delta[key] ?? null;
    this.place.ledger.surrenders.push({
      ...{ user: this.id, record: draft.pfaId, key, value: given, how: 'resolved', at: answer.at },
    });
  }

  /** Pauses or resumes the write-back to PEMS. */
  async holdPushes(isPaused: boolean): Promise<boolean> {
    const name = isPaused ? 'pausePush' : 'resumePush';
    const answer = await this.graphql(
      `mutation ($id: Int!) { ${name}(input: { organizationId: $id }) { pushStatus { state } } }`,
    );
    return answer !== undefined && answer !== 'refused';
  }

  /** Requests a sync. */
  async sync(kind?: 'full'): Promise<number | undefined> {
    const answer = await this.ask<{ run: number }>('POST', '/api/sync/trigger', {
      organization: this.place.organization.code,
      ...(kind ? { kind } : {}),
    });
    return answer.status === 202 ? answer.body.run : undefined;
  }
}
