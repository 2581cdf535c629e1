/** A small client of the simulator for its tests, independent of the product's client. */
import { afterEach, expect } from 'vitest';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/index.ts';

const running: Simulator[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((simulator) => simulator.stop()));
});

/** Starts a simulator without a request limit and with two small organizations; stops after the test. */
export async function start(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    requestsPerSecond: 0,
    onlyListed: true,
    organizations: { ONE: 25, ONE2: 5 },
    ...options,
  });
  running.push(simulator);
  return simulator;
}

/**
 * Like `start`, in the dialect whose alerts have names and whose pages name their columns: for tests of common
 * features.
 */
export const startClassic = (options: SimulatorOptions = {}): Promise<Simulator> =>
  start({ dialect: 'classic', ...options });

export const headersOf = ({ credentials }: Simulator, organization = '*'): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`,
  tenant: credentials.tenant,
  organization,
});

export interface Filter {
  alias: string;
  op: string;
  value: string;
  joiner?: 'AND' | 'OR';
}

export interface GridQuery {
  organization?: string;
  filters?: Filter[];
  sort?: string;
  descending?: boolean;
  rows?: number;
  position?: number;
  head?: boolean;
}

/** Returns the request body of a grid read, as PEMS expects it. */
export function gridBody(query: GridQuery): Record<string, unknown> {
  const {
    organization,
    filters = [],
    sort = 'pfs_id',
    descending,
    rows = 10_000,
    position = 0,
    head,
  } = query;
  return {
    GRID: {
      GRID_NAME: 'CUPFAG',
      GRID_ID: '100541',
      NUMBER_OF_ROWS_FIRST_RETURNED: rows,
      CURSOR_POSITION: position,
    },
    GRID_TYPE: { TYPE: 'LIST' },
    ADDON_SORT: { ALIAS_NAME: sort, TYPE: descending ? 'DESC' : 'ASC' },
    ...(organization && {
      ADDON_FILTER: { ALIAS_NAME: 'pfs_a_org', OPERATOR: 'BEGINS', VALUE: organization },
    }),
    MULTIADDON_FILTERS: {
      MADDON_FILTER: filters.map(({ alias, op, value, joiner = 'AND' }, i) => ({
        ALIAS_NAME: alias,
        OPERATOR: op,
        VALUE: value,
        JOINER: joiner,
        SEQNUM: i + 1,
      })),
    },
    REQUEST_TYPE: head ? 'LIST.HEAD_DATA.STORED' : 'LIST.DATA_ONLY.STORED',
  };
}

/** Sends a POST to one of the services. */
export function post(simulator: Simulator, service: string, body: unknown): Promise<Response> {
  return fetch(`${simulator.url}/${service}`, {
    method: 'POST',
    headers: { ...headersOf(simulator), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

type Json = Record<string, unknown>;
/** Follows keys into parsed JSON. */
export function dig(value: unknown, ...keys: string[]): unknown {
  return keys.reduce((inner, key) => (inner as Json | undefined)?.[key], value);
}
export const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];

/** Returns the first ErrorAlert of a response as `NAME: message`, or undefined. */
export function alertOf(answer: unknown): string | undefined {
  const alert = listOf(dig(answer, 'ErrorAlert'))[0];
  return alert ? `${String(dig(alert, 'Name'))}: ${String(dig(alert, 'Message'))}` : undefined;
}

export interface GridPage {
  rows: Record<string, string>[];
  ids: string[];
  more: boolean;
  next: number;
  records: number;
  raw: unknown;
}

const entries = (pairs: [name: unknown, value: unknown][]): Record<string, string> =>
  Object.fromEntries(pairs.map(([name, value]) => [String(name), String(value)]));

/** Reads a page in either shape; throws an ErrorAlert. */
export async function grid(simulator: Simulator, query: GridQuery): Promise<GridPage> {
  const response = await post(simulator, 'griddata', gridBody(query));
  const raw: unknown = await response.json();
  const alert = alertOf(raw);
  if (alert !== undefined) throw new Error(alert);
  const data = dig(raw, 'Result', 'ResultData');
  let rows: Record<string, string>[];
  let more: boolean;
  let records = 0;
  let next: number;
  if (query.head) {
    rows = listOf(dig(data, 'DATARECORD')).map((record) =>
      entries(listOf(dig(record, 'DATAFIELD')).map((d) => [dig(d, 'FIELDNAME'), dig(d, 'FIELDVALUE')])),
    );
    next = Number(dig(data, 'NEXTCURSORPOSITION') ?? 0);
    more = next > 0;
  } else {
    const names = new Map(
      listOf(dig(data, 'GRID', 'FIELDS', 'FIELD')).map((field) => [
        dig(field, 'aliasnum'),
        dig(field, 'name'),
      ]),
    );
    rows = listOf(dig(data, 'GRID', 'DATA', 'ROW')).map((row) =>
      entries(listOf(dig(row, 'D')).map((d) => [names.get(dig(d, 'n')), dig(d, 'value')])),
    );
    more = dig(data, 'GRID', 'METADATA', 'MORERECORDPRESENT') === '+';
    records = Number(dig(data, 'GRID', 'METADATA', 'RECORDS'));
    next = Number(dig(data, 'GRID', 'METADATA', 'CURRENTCURSORPOSITION')) + records;
  }
  return { rows, ids: rows.map((row) => row.pfs_id ?? ''), more, next, records, raw };
}

/** Returns all ids of a query by `pfs_id > last`, page after page. */
export async function idsByKeyset(simulator: Simulator, query: GridQuery): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const last = ids.at(-1);
    const filters = last === undefined ? [] : [{ alias: 'pfs_id', op: '>', value: last }];
    const page = await grid(simulator, { ...query, filters: [...(query.filters ?? []), ...filters] });
    ids.push(...page.ids);
    if (!page.more) return ids;
  }
}

export const text = (value: string): Json => ({ TEXTDATA: value });
export const money = (digits: number, decimals = 2, sign = '+'): Json => ({
  NUMERICDATA: { VALUE: digits, NUMOFDEC: decimals, SIGN: sign },
});
export const date = (year: number, month: number, day: number): Json => ({
  DATETIMEDATA: {
    YEAR: Date.UTC(year, 0, 1),
    MONTH: month,
    DAY: day,
    HOUR: 0,
    MINUTE: 0,
    SECOND: 0,
    SUBSECOND: 0,
    TIMEZONE: '+0000',
  },
});

export interface ScreenCall {
  action: 'GET' | 'ADD' | 'UPDATE' | 'DELETE';
  id: string;
  organization?: string;
  values?: Record<string, Json>;
  recordid?: number | string;
}

export interface ScreenAnswer {
  status: number;
  alert: string | undefined;
  recordid: number;
  updatedBy: unknown;
  updated: unknown;
  values: Record<string, Json>;
}

/** Returns the request body of a screen call. */
export function screenBody({ action, id, organization = 'ONE', values = {}, recordid }: ScreenCall): Json {
  const all = { PFS_ID: text(id), PFS_A_ORG: text(organization), ...values };
  return {
    USERDEFINEDSCREENNAME: 'CUPFA2',
    USERDEFINEDSERVICEACTION: action,
    ...(recordid === undefined ? {} : { recordid }),
    USERDEFINEDSCREENFIELDVALUELIST: {
      USERDEFINEDSCREENFIELDVALUEPAIR: Object.entries(all).map(([name, value]) => ({
        USERDEFINEDSCREENFIELDNAME: name,
        USERDEFINEDSCREENFIELDVALUE: value,
      })),
    },
  };
}

/** Calls the screen service. */
export async function screen(simulator: Simulator, call: ScreenCall): Promise<ScreenAnswer> {
  const response = await post(simulator, 'userdefinedscreenservices', screenBody(call));
  const raw: unknown = await response.json();
  const service = dig(raw, 'Result', 'ResultData', 'UserDefinedScreenService');
  const pairs = listOf(dig(service, 'USERDEFINEDSCREENFIELDVALUELIST', 'USERDEFINEDSCREENFIELDVALUEPAIR'));
  return {
    status: response.status,
    alert: alertOf(raw),
    recordid: Number(dig(service, 'recordid')),
    updatedBy: dig(service, 'UPDATEDBY'),
    updated: dig(service, 'DATEUPDATED'),
    values: Object.fromEntries(
      pairs.map((pair) => [
        dig(pair, 'USERDEFINEDSCREENFIELDNAME'),
        dig(pair, 'USERDEFINEDSCREENFIELDVALUE'),
      ]),
    ) as Record<string, Json>,
  };
}

/** Calls the control port; returns status and JSON. */
export async function control(
  simulator: Simulator,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${simulator.controlUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

/** Activates a fault, which the simulator must accept. */
export async function fault(simulator: Simulator, given: Json): Promise<void> {
  const { status, body } = await control(simulator, 'POST', '/faults', given);
  expect(body).not.toHaveProperty('error');
  expect(status).toBe(201);
}

/** Returns the plain values of a record from the control port. */
export async function stored(simulator: Simulator, id: string, organization = 'ONE'): Promise<Json> {
  const { body } = await control(simulator, 'GET', `/records/${organization}/${encodeURIComponent(id)}`);
  return (body.values ?? {}) as Json;
}
