import fc from 'fast-check';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Row } from '../../web/src/records/row.ts';
import { RecordList } from '../../web/src/pages/records/recordList.ts';

// The list of the records page, against a minimal server. Users draft, undo, discard, submit and withdraw, and syncs
// come in between. Each of them gives a record a new revision, whatever its value becomes. Responses and events arrive
// in any order. The list never goes back to an older state, and ends with what the server holds.

interface Stored {
  revision: number;
  mirror: string;
  pending: string | undefined;
  draft: string | undefined;
}

interface Request {
  variables: { after?: string | null; recordIds?: string[]; revision?: string };
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}

/** Requests without a response so far, oldest first. */
let waiting: Request[] = [];
vi.mock('../../web/src/api/graphql.ts', () => ({
  graphql: (text: string) => ({ toString: () => text }),
  request: (_: unknown, variables: Request['variables']) =>
    new Promise((resolve, reject) => waiting.push({ variables, resolve, reject })),
}));

const ids = ['a', 'b', 'c'];

/** The server: one organization as one user sees it. */
class Server {
  revision = 1;
  readonly records = new Map<string, Stored>(
    ids.map((id) => [id, { revision: 1, mirror: 'first', pending: undefined, draft: undefined }]),
  );

  row(id: string): Row {
    const { revision, mirror, pending, draft } = this.#stored(id);
    return {
      ...{ pfaId: id, revision: String(revision), category: draft ?? pending ?? mirror },
      ...{ hasDraft: draft !== undefined, isPending: pending !== undefined, hasProblem: false },
      ...{ base: null, isActualized: false, removedAt: null },
    };
  }

  #stored(id: string): Stored {
    const stored = this.records.get(id);
    if (!stored) throw new Error(`There is no record ${id}.`);
    return stored;
  }

  /** Changes the visible state of a record. */
  change(id: string, kind: Change, value: string): void {
    const stored = this.#stored(id);
    if (kind === 'draft') stored.draft = value;
    // Undo, discard and withdraw show again what was there before.
    else if (kind === 'undo' || kind === 'discard') stored.draft = undefined;
    else if (kind === 'commit') [stored.pending, stored.draft] = [stored.draft ?? value, undefined];
    else if (kind === 'withdraw') [stored.draft, stored.pending] = [undefined, undefined];
    else if (kind === 'confirm') [stored.mirror, stored.pending] = [stored.pending ?? value, undefined];
    else stored.mirror = value;
    stored.revision = ++this.revision;
  }

  answer({ revision, recordIds }: Request['variables']): unknown {
    if (revision !== undefined) {
      const records = ids
        .filter((id) => this.#stored(id).revision > Number(revision))
        .map((id) => ({ recordId: id, revision: String(this.#stored(id).revision) }));
      const told = { isComplete: true, revision: String(this.revision), nextAfter: null, records };
      return { organization: { recordsChangedSince: told } };
    }
    const nodes = (recordIds ?? ids).map((id) => this.row(id));
    if (recordIds) return { organization: { pfaRecords: { nodes } } };
    return { organization: { page: { totalCount: ids.length, pageInfo: { endCursor: null }, nodes } } };
  }
}

const changes = ['draft', 'undo', 'discard', 'commit', 'withdraw', 'confirm', 'sync'] as const;
type Change = (typeof changes)[number];

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(...changes),
      id: fc.constantFrom(...ids),
      value: fc.constantFrom('x', 'y'),
    }),
  },
  // The server reads the data for a request; the response is still under way.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const), at: fc.nat(5) }) },
  // A response arrives, not necessarily the one that was read first.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('arrive' as const), at: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell' as const), at: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'look' as const) }) },
);

/** Lets pending promises continue. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  waiting = [];
});

test("ends with the server's state, and never returns to an older one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      waiting = [];
      const server = new Server();
      const list = new RecordList({
        ...{ organizationId: 1, filter: {}, search: undefined, orderBy: 'PFA_ID_ASC', rows: '' },
        ...{ fields: new Set(['category']), deciding: new Set<string>() },
      });
      const seen = new Map<string, bigint>();
      const problems: string[] = [];
      list.subscribe(() => {
        for (const id of ids) {
          const row = list.get(id);
          if (!row) continue;
          const now = BigInt(row.revision);
          if (now < (seen.get(id) ?? 0n)) problems.push(`${id} went back from ${seen.get(id)} to ${now}`);
          seen.set(id, now);
        }
      });
      list.show(0, ids.length - 1);
      let answers: (() => void)[] = [];
      let events: { recordId: string; revision: string }[] = [];
      const read = (at: number) => {
        const [request] = waiting.splice(at % waiting.length, 1);
        if (!request) return;
        const answer = structuredClone(server.answer(request.variables));
        answers.push(() => request.resolve(answer));
      };
      const begin = () => void list.begin(String(server.revision)).catch(() => undefined);
      begin();
      for (const one of steps) {
        if ('id' in one) {
          server.change(one.id, one.kind, one.value);
          events.push({ recordId: one.id, revision: String(server.records.get(one.id)?.revision) });
        } else
          switch (one.kind) {
            case 'read':
              if (waiting.length > 0) read(one.at);
              break;
            case 'arrive':
              if (answers.length > 0) answers.splice(one.at % answers.length, 1)[0]?.();
              break;
            case 'tell': {
              const event = events.length > 0 ? events.splice(one.at % events.length, 1)[0] : undefined;
              if (event) list.noteChanges([event]).catch(() => undefined);
              break;
            }
            case 'lose':
              // The connection is lost, with all undelivered events. The subscription then starts again.
              events = [];
              begin();
              break;
            case 'look':
              list.catchUp().catch(() => undefined);
              break;
          }
        await settle();
      }
      // All events and responses arrive, newest first.
      for (const event of events.reverse()) list.noteChanges([event]).catch(() => undefined);
      while (waiting.length > 0 || answers.length > 0) {
        while (waiting.length > 0) read(waiting.length - 1);
        for (const arrive of answers.reverse()) arrive();
        answers = [];
        await settle();
      }
      expect(problems).toEqual([]);
      expect(ids.map((id) => list.get(id))).toEqual(ids.map((id) => server.row(id)));
    }),
    { numRuns: 500 },
  );
});
