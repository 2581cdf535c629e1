/**
 * Faults that a test requests on the control port. Each applies with a probability, to a number of requests, or both;
 * the random numbers are seeded, so runs are repeatable. A fault counts only matching requests of the kind that it
 * applies to.
 */
import { z } from 'zod';
import { fieldOf } from './fields.ts';
import { randomFrom } from './generate.ts';
import type { ScreenAction } from './screen.ts';

/** Properties of a request that a fault can match. */
export interface RequestInfo {
  readonly service: 'grid' | 'screen' | 'list';
  /** Only for the screen service. */
  readonly action?: ScreenAction;
  /** The organization of the record on the screen, of the filter in the grid, or of the `organization` header. */
  readonly organization: string;
  /** The id of the record on the screen. */
  readonly id?: string;
}

/** All kinds of faults, with the requests that they apply to, and their effect with its parameters. */
export const faultTable = {
  latency: { applies: 'any', does: 'answers `ms` later, or when faults are deleted' },
  hang: {
    applies: 'any',
    does: 'does nothing and never answers, until the client leaves or faults are deleted',
  },
  status: {
    applies: 'any',
    does: 'does nothing, answers `status` (503), with Retry-After `retryAfter` seconds if given',
  },
  'half-body': { applies: 'any', does: 'does it, sends half of the answer, closes the connection' },
  close: { applies: 'any', does: 'does nothing, closes the connection without an answer' },
  'error-alert': {
    applies: 'any',
    does: 'does nothing, answers 200 with an ErrorAlert of `name` and `message`',
  },
  malformed: {
    applies: 'any',
    does: 'does it, answers 200 with `what`: json (cut off), html (a sign-in page), or value (grid: one value is none: `text` in `field` of the row `id`, else any form of `of`: date, number, flag)',
  },
  duplicate: { applies: 'grid', does: 'a row of the page comes twice (`id`, else any)' },
  'foreign-row': {
    applies: 'grid',
    does: 'a row of `organization` (else any other) is slipped into the page; `sameId`: under the id of a row beside it',
  },
  vanish: {
    applies: 'grid',
    does: 'rows that exist are missing from the page: `id`, else `rows` (1) of them',
  },
  'page-count': {
    applies: 'grid',
    does: 'the page lies about its place, `says`: end (no more rows), more (there are), records (RECORDS one too many)',
  },
  reshape: {
    applies: 'grid',
    does: 'every row looks different: without the columns `lost`, with those of `renamed` under another name, empty in `blank`, dates as `dates`, ids in `ids` (lower, padded), numbers with a decimal comma (`comma`)',
  },
  'apply-no-answer': {
    applies: 'write',
    does: 'does the write, then `answer`: close, hang, or status (504)',
  },
  'apply-late': {
    applies: 'write',
    does: '`answer` (close, hang, or status 504) at once, and does the write `ms` later, if it is still allowed then',
  },
  'drop-write': { applies: 'write', does: 'answers as if written, keeps nothing' },
  'alter-write': {
    applies: 'write',
    does: 'keeps another `value` in `field` (else: something else in the first field sent); the answer shows what is kept',
  },
  'bad-credentials': { applies: 'any', does: 'answers 401, as after a changed password' },
} as const satisfies Record<string, { applies: 'any' | 'grid' | 'write'; does: string }>;

export type FaultKind = keyof typeof faultTable;

const common = {
  probability: z.number().gt(0).max(1).optional(),
  count: z.number().int().min(1).optional(),
  /** Number of applicable requests to skip first. */
  skip: z.number().int().min(1).optional(),
  match: z
    .strictObject({
      service: z.enum(['grid', 'screen', 'list']).optional(),
      action: z.enum(['GET', 'ADD', 'UPDATE', 'DELETE']).optional(),
      organization: z.string().optional(),
      id: z.string().optional(),
    })
    .optional(),
};
const ms = z.number().int().min(0).max(3_600_000);
const alias = z.string().refine((name) => fieldOf(name) !== undefined, 'not a field of the grid');
const answer = z.enum(['close', 'hang', 'status']).default('close');
const kind = <K extends FaultKind, S extends z.ZodRawShape>(name: K, shape: S) =>
  z.strictObject({ kind: z.literal(name), ...common, ...shape });

/** The body of `POST /faults`. */
export const faultSchema = z
  .discriminatedUnion('kind', [
    kind('latency', { ms }),
    kind('hang', {}),
    kind('status', {
      status: z.number().int().min(400).max(599).default(503),
      retryAfter: z.number().int().min(0).optional(),
    }),
    kind('half-body', {}),
    kind('close', {}),
    kind('error-alert', {
      name: z.string().default('INTERNAL_ERROR'),
      message: z.string().default('An unexpected error occurred'),
    }),
    kind('malformed', {
      what: z.enum(['json', 'html', 'value']).default('json'),
      of: z.enum(['date', 'number', 'flag']).default('date'),
      field: z
        .string()
        .refine((name) => fieldOf(name) !== undefined, 'not a field of the grid')
        .optional(),
      text: z.string().optional(),
      id: z.string().optional(),
    }),
    kind('duplicate', { id: z.string().optional() }),
    kind('foreign-row', { organization: z.string().optional(), sameId: z.boolean().default(false) }),
    kind('vanish', { id: z.string().optional(), rows: z.number().int().min(1).max(10_000).default(1) }),
    kind('page-count', { says: z.enum(['end', 'more', 'records']).default('end') }),
    kind('reshape', {
      lost: z.array(alias).default([]),
      renamed: z.record(alias, z.string()).default({}),
      blank: z.array(alias).default([]),
      dates: z.enum(['DD-MON-YYYY', 'YYYY-MM-DD', 'MM/DD/YYYY', 'DD/MM/YYYY']).optional(),
      ids: z.enum(['lower', 'padded']).optional(),
      comma: z.boolean().default(false),
    }),
    kind('apply-no-answer', { answer }),
    kind('apply-late', { ms, answer }),
    kind('drop-write', {}),
    kind('alter-write', {
      field: z
        .string()
        .refine((name) => fieldOf(name)?.access === 'editable', 'not a field that can be written')
        .optional(),
      value: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    }),
    kind('bad-credentials', {}),
  ])
  .refine((fault) => fault.probability !== undefined || fault.count !== undefined, {
    message: 'give probability (above 0, up to 1), count (1 or more), or both',
  });

/** Realistic values that are invalid for their kind. */
export const malformedForms = {
  date: [
    ...['31-FEB-2026', '2025-02-30', '13/13/2026', '29-FEB-2025', '02-MAI-2026', '2026-4-2', '02-APR-26'],
    ...['00-JAN-2026', '0000-00-00', '45748', '2026-04-02T14:30:00Z', '02-APR-2026 25:61', '#VALUE!'],
  ],
  number: [
    ...['1.234,56', '12,34', '1e400', '1e-400', 'NaN', '--5', '5-', '(5.00)', '$5', 'USD 5', '1 234'],
    ...['0x10', '12345678901234567', '0.12345678901', '########'],
  ],
  flag: ['2', '*', '±', '--', 'true-ish'],
} as const;

export type Fault = z.output<typeof faultSchema>;
type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;

/** An active fault, with its number of hits and the number of hits left (null: no limit). */
export interface ActiveFault {
  readonly number: number;
  readonly fault: Fault;
  hits: number;
  left: number | null;
  /** Number of requests left to skip. */
  passing: number;
}

export class Faults {
  readonly active: ActiveFault[] = [];
  /** Number of requests that each kind has hit since the start, including deleted faults. */
  readonly hits = Object.fromEntries(Object.keys(faultTable).map((name) => [name, 0])) as Record<
    FaultKind,
    number
  >;
  readonly random: () => number;
  private made = 0;
  private release = Promise.withResolvers<void>();

  constructor(seed: number) {
    this.random = randomFrom(seed ^ 0x0fa17);
  }

  add(fault: Fault): ActiveFault {
    const active = {
      number: ++this.made,
      fault,
      hits: 0,
      left: fault.count ?? null,
      passing: fault.skip ?? 0,
    };
    this.active.push(active);
    return active;
  }

  /** Ends all faults and closes hanging requests. Late writes still happen. */
  clear(): number {
    const count = this.active.splice(0).length;
    this.release.resolve();
    this.release = Promise.withResolvers();
    return count;
  }

  /** Resolves at the next `clear`. */
  get cleared(): Promise<void> {
    return this.release.promise;
  }

  /**
   * Returns the reshaping of the columns in a response with the header alone, as on the pages that it describes. Does
   * not count a hit.
   */
  reshapedHeader(info: RequestInfo): FaultOf<'reshape'> | undefined {
    const found = this.active.find(
      ({ fault, hits, passing }) =>
        fault.kind === 'reshape' &&
        matches(fault, info) &&
        (hits > 0 || (fault.probability === 1 && passing === 0)),
    );
    return found?.fault as FaultOf<'reshape'> | undefined;
  }

  /** Returns the fault of a kind that hits this request, if any, and counts the hit. */
  hit<K extends FaultKind>(
    wanted: K,
    info: RequestInfo,
    suits: (fault: FaultOf<K>) => boolean = () => true,
  ): FaultOf<K> | undefined {
    if (!applies(faultTable[wanted].applies, info)) return undefined;
    for (const active of this.active) {
      const { fault } = active;
      if (fault.kind !== wanted || active.left === 0 || !matches(fault, info)) continue;
      if (!suits(fault as FaultOf<K>)) continue;
      if (active.passing > 0) {
        active.passing--;
        continue;
      }
      if (fault.probability !== undefined && this.random() >= fault.probability) continue;
      active.hits++;
      this.hits[wanted]++;
      if (active.left !== null) active.left--;
      return fault as FaultOf<K>;
    }
    return undefined;
  }
}

function applies(to: 'any' | 'grid' | 'write', info: RequestInfo): boolean {
  if (to === 'any') return true;
  if (to === 'grid') return info.service === 'grid';
  return info.service === 'screen' && info.action !== 'GET' && info.action !== undefined;
}

function matches({ match = {} }: Fault, info: RequestInfo): boolean {
  return (
    (match.service === undefined || match.service === info.service) &&
    (match.action === undefined || match.action === info.action) &&
    (match.organization === undefined || match.organization === info.organization) &&
    (match.id === undefined || match.id === info.id)
  );
}
