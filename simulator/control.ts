/**
 * The control port (loopback, JSON), which changes this PEMS behind its clients' backs for tests and users.
 *
 *     GET    /state                  seed, clock, organizations with counts, length of the write log, requests, faults
 *     GET    /records/:org           all records, by id: { records: [...] }, for small organizations
 *     GET    /records/:org/:id       one record: { organization, id, recordid, updatedAt, updatedBy, values }
 *     PATCH  /records/:org/:id       another writer changes a record: { values: { alias: value }, by? }
 *     PATCH  /records/:org           changes several, all or none: { records: [{ id, values }], by? }; returns { changed }
 *     POST   /records/:org           another writer adds a record: { id, values?, by? }; missing values are invented
 *     DELETE /records/:org/:id       another writer removes a record (?by=)
 *     GET    /writes?since=seq       every accepted write after seq, in order
 *     POST   /clock                  { now: "2026-04-02T14:30:00Z" } | { advanceMs: n } | { reset: true }
 *     POST   /dialect                { dialect: "terse", tenant? }: changes the dialect of a tenant; a new name creates a tenant
 *     POST   /faults, GET, DELETE    see faults.ts; GET returns the active faults, every kind, and the hits of each kind
 *
 * Values are keyed by grid alias and plain: text, numbers, booleans, dates `2026-04-02`, null for none. Values must fit
 * their field's kind, but the business rules of PEMS do not apply: another writer may do what the screen refuses.
 * Errors are 4xx with { error: { code, message } }.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { dialectNames } from './dialects.ts';
import { faultSchema, faultTable, type ActiveFault, type Faults } from './faults.ts';
import { at, fieldOf, fields, type Value } from './fields.ts';
import { generateRow, indexOf, profileOf } from './generate.ts';
import { readBody } from './http.ts';
import { plainOf, type OrganizationStore, type Store, type StoredRecord } from './store.ts';
import type { Tenants } from './tenants.ts';
import { fromPlain } from './values.ts';

class ControlError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const plainValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const patchSchema = z.strictObject({
  values: z.record(z.string(), plainValue),
  by: z.string().min(1).default('OTHERWRITER'),
});
const patchAllSchema = z.strictObject({
  records: z.array(z.strictObject({ id: z.string(), values: z.record(z.string(), plainValue) })),
  by: z.string().min(1).default('OTHERWRITER'),
});
const addSchema = z.strictObject({
  id: z.string().min(1).max(30),
  values: z.record(z.string(), plainValue).default({}),
  by: z.string().min(1).default('OTHERWRITER'),
});
const clockSchema = z.union(
  [
    z.strictObject({ now: z.iso.datetime({ offset: true }) }),
    z.strictObject({ advanceMs: z.number().int() }),
    z.strictObject({ reset: z.literal(true) }),
  ],
  { error: 'give one of { now: "2026-04-02T14:30:00Z" }, { advanceMs: 60000 } or { reset: true }' },
);

const dialectSchema = z.strictObject({
  dialect: z.enum(dialectNames),
  tenant: z.string().min(1).max(100).optional(),
});

/** Parts that the control port controls and shows. */
export interface Controlled {
  readonly tenants: Tenants;
  /** Tenant of requests that name none. */
  readonly tenant: string;
  readonly store: Store;
  readonly faults: Faults;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly requests: { served: number; limited: number };
}

/** Answers one request to the control port. */
export async function serveControl(
  controlled: Controlled,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let status: number;
  let body: unknown;
  try {
    [status, body] = await route(controlled, request);
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    status = error.status;
    body = { error: { code: error.code, message: error.message } };
  }
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function route(controlled: Controlled, request: IncomingMessage): Promise<[number, unknown]> {
  const { store, faults } = controlled;
  const url = new URL(request.url ?? '/', 'http://control');
  const method = request.method ?? 'GET';
  let parts: string[];
  try {
    parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    throw new ControlError(400, 'BAD_PATH', 'the path is not well URL-encoded');
  }
  const [area, code, id] = parts;
  const where = `${method} /${area ?? ''}${parts.length > 1 ? `/${parts.length - 1}` : ''}`;

  switch (where) {
    case 'GET /state':
      return [200, stateOf(controlled)];
    case 'GET /writes':
      return [200, writesSince(store, url.searchParams.get('since') ?? '0')];
    case 'POST /clock': {
      const clock = parse(clockSchema, await jsonOf(request));
      if ('now' in clock) store.moveClock(Date.parse(clock.now));
      else if ('advanceMs' in clock) store.moveClock(store.now() + clock.advanceMs);
      else store.moveClock(undefined);
      await store.flush();
      return [200, { now: new Date(store.now()).toISOString() }];
    }
    case 'POST /dialect': {
      const { dialect, tenant = controlled.tenant } = parse(dialectSchema, await jsonOf(request));
      controlled.tenants.speak(tenant, dialect);
      return [200, { dialects: controlled.tenants.dialects }];
    }
    case 'GET /faults':
      return [200, { faults: faults.active.map(faultView), hits: faults.hits, kinds: faultTable }];
    case 'POST /faults': {
      const fault = parse(faultSchema, await jsonOf(request));
      if (fault.kind === 'foreign-row' && fault.organization !== undefined)
        organizationOf(store, fault.organization);
      if (fault.kind === 'alter-write' && fault.value !== undefined) {
        if (fault.field === undefined)
          throw new ControlError(400, 'INVALID', 'value: give the field it is for, too');
        typed({ [fault.field]: fault.value });
      }
      return [201, faultView(faults.add(fault))];
    }
    case 'DELETE /faults':
      return [200, { removed: faults.clear() }];
    case 'GET /records/1': {
      const organization = organizationOf(store, code);
      const ids = [...organization.ids({ before: [], notAfter: [] }, false)];
      return [200, { records: ids.map((one) => recordView(organization, one, recordOf(organization, one))) }];
    }
    case 'GET /records/2': {
      const organization = organizationOf(store, code);
      return [200, recordView(organization, id ?? '', recordOf(organization, id))];
    }
    case 'PATCH /records/2': {
      const organization = organizationOf(store, code);
      const { values, by } = parse(patchSchema, await jsonOf(request));
      recordOf(organization, id);
      return [200, await write(store, organization, id ?? '', 'update', typed(values), by)];
    }
    case 'PATCH /records/1': {
      const organization = organizationOf(store, code);
      const { records, by } = parse(patchAllSchema, await jsonOf(request));
      const checked = records.map(({ id: one, values }) => {
        recordOf(organization, one);
        return { id: one, came: typed(values) };
      });
      for (const one of checked) store.write({ action: 'update', via: 'control', by, organization, ...one });
      await store.flush();
      return [200, { changed: checked.length }];
    }
    case 'POST /records/1': {
      const organization = organizationOf(store, code);
      const { id: added, values, by } = parse(addSchema, await jsonOf(request));
      if (organization.get(added))
        throw new ControlError(409, 'EXISTS', `${organization.code} has a record ${added}`);
      const whole = new Map([...madeUp(store, organization, added), ...typed(values)]);
      return [201, await write(store, organization, added, 'add', whole, by)];
    }
    case 'DELETE /records/2': {
      const organization = organizationOf(store, code);
      recordOf(organization, id);
      const by = url.searchParams.get('by') ?? 'OTHERWRITER';
      return [200, await write(store, organization, id ?? '', 'delete', new Map(), by)];
    }
    default:
      throw new ControlError(
        404,
        'NO_SUCH_ROUTE',
        `${method} ${url.pathname}: there are /state, /records/:org/:id, /records/:org, /writes, /clock, /dialect and /faults`,
      );
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) =>
    issue.code === 'invalid_union' && issue.path[0] === 'kind'
      ? `kind must be one of ${Object.keys(faultTable).join(', ')}`
      : `${issue.path.join('.')}${issue.path.length > 0 ? ': ' : ''}${issue.message}`,
  );
  throw new ControlError(400, 'INVALID', problems.join('; '));
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse((await readBody(request)).toString('utf8')) as unknown;
  } catch {
    throw new ControlError(400, 'NOT_JSON', 'the body must be JSON');
  }
}

function organizationOf(store: Store, code: string | undefined): OrganizationStore {
  const organization = store.organizations.get(code ?? '');
  if (organization) return organization;
  throw new ControlError(404, 'NO_SUCH_ORGANIZATION', `there is no organization ${code ?? ''}`);
}

function recordOf(organization: OrganizationStore, id: string | undefined): StoredRecord {
  const record = organization.get(id ?? '');
  if (record) return record;
  throw new ControlError(404, 'NO_SUCH_RECORD', `${organization.code} has no record ${id ?? ''}`);
}

/** Checks names and kinds of values; refuses the identity and PEMS's own fields. */
function typed(values: Readonly<Record<string, unknown>>): Map<number, Value> {
  const map = new Map<number, Value>();
  for (const [name, value] of Object.entries(values)) {
    const field = fieldOf(name);
    if (!field) throw new ControlError(400, 'NO_SUCH_FIELD', `there is no field ${name}`);
    if (field.access === 'key' || field.access === 'system') {
      throw new ControlError(400, 'NOT_SETTABLE', `${name} cannot be set`);
    }
    try {
      map.set(field.index, fromPlain(field, value));
    } catch (error) {
      throw new ControlError(400, 'INVALID', (error as Error).message);
    }
  }
  return map;
}

/** Returns plausible values for an added record, from the seed and its id. */
function madeUp(store: Store, organization: OrganizationStore, id: string): Map<number, Value> {
  const index = Math.max(indexOf(organization.code, id), 0);
  const row = generateRow(profileOf(store.seed, `${organization.code}/${id}`), index);
  row[at.pfs_equipment] = null; // it would name an asset that is not on the list
  const settable = fields.filter(({ access }) => access === 'editable' || access === 'protected');
  return new Map(settable.map((field) => [field.index, row[field.index] ?? null]));
}

async function write(
  store: Store,
  organization: OrganizationStore,
  id: string,
  action: 'add' | 'update' | 'delete',
  came: ReadonlyMap<number, Value>,
  by: string,
): Promise<unknown> {
  store.write({ action, via: 'control', by, organization, id, came });
  const record = organization.get(id);
  await store.flush();
  return record
    ? recordView(organization, id, record)
    : { organization: organization.code, id, removed: true };
}

function recordView(organization: OrganizationStore, id: string, record: StoredRecord): unknown {
  const { pfs_f_intlastupdated, pfs_f_last_change_by, ...values } = plainOf(record.row.entries());
  return {
    organization: organization.code,
    id,
    recordid: record.recordid,
    updatedAt: pfs_f_intlastupdated,
    updatedBy: pfs_f_last_change_by,
    values,
  };
}

function faultView({ number, fault, hits, left }: ActiveFault): unknown {
  return { number, ...fault, hits, left };
}

function writesSince(store: Store, since: string): unknown {
  if (!/^\d+$/.test(since))
    throw new ControlError(400, 'INVALID', 'since is the seq of a write, a whole number');
  return {
    writes: store.writes.filter(({ seq }) => seq > Number(since)),
    last: store.writes.at(-1)?.seq ?? 0,
  };
}

function stateOf({ store, faults, tenants, settings, requests }: Controlled): unknown {
  const organizations = [...store.organizations.values()].map(({ code, name, counts }) => ({
    code,
    name,
    ...counts,
  }));
  return {
    ...settings,
    dialects: tenants.dialects,
    seed: store.seed,
    now: new Date(store.now()).toISOString(),
    organizations,
    records: organizations.reduce((sum, { records }) => sum + records, 0),
    writes: store.writes.length,
    requests,
    faults: faults.active.map(faultView),
  };
}
