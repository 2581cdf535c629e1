import { validateHeaderName } from 'node:http';
import { VanguardError } from '../errors.ts';
import { monthNames } from './month-names.ts';
import type { YearFormat } from './screen.ts';
import type { DateFormat, DateOrder } from './values.ts';

/** How a request authenticates. A bearer token takes `none` and an `authorization` header of its own. */
export type PemsAuthorization =
  { type: 'basic'; username: string; password: string } | { type: 'apiKey'; key: string } | { type: 'none' };

/** The grid (list screen) of PEMS that holds the records. */
export interface PemsGrid {
  /** `GRID_NAME`, e.g. `CUPFAG`. */
  name: string;
  /** `GRID_ID`, e.g. `100541`. */
  id: string;
  /** Alias of the record's identity, which orders and continues the pages. Default `pfs_id`. */
  idAlias?: string;
  /** Alias of the organization's code, which limits the read. Default `pfs_a_org`. */
  organizationAlias?: string;
  /** Alias of the time of the last change, for `changedSince`. Default `pfs_f_intlastupdated`. */
  versionAlias?: string;
}

/** The user-defined screen of PEMS on which one record is read and written. */
export interface PemsScreen {
  /** `USERDEFINEDSCREENNAME`, e.g. `CUPFA2`. */
  name: string;
  /** Field of the record's identity. Default `PFS_ID`. */
  idField?: string;
  /** Field of the organization's code. Default `PFS_A_ORG`. */
  organizationField?: string;
}

/** One tenant of PEMS and its settings: configuration from the database, with decrypted secrets. */
export interface PemsConnection {
  /** `https://HOST/axis/restservices`, or one of its endpoints; without user, password, query or fragment. */
  baseUrl: string;
  /** Sent as header `tenant`. */
  tenant: string;
  /**
   * Sent as header `organization`: the organization of the login, or `*` for all. Default: the organization whose
   * records are read or written.
   */
  loginOrganization?: string | null;
  /** Endpoint of grids, below the base address. Default `griddata`. */
  gridPath?: string | null;
  /** Endpoint of a grid's header. Default: the endpoint of grids. */
  headerPath?: string | null;
  /** Endpoint of user-defined screens. Default `userdefinedscreenservices`. */
  screenPath?: string | null;
  authorization: PemsAuthorization;
  /** Further headers. They cannot replace the headers that this client sets. */
  headers?: Readonly<Record<string, string>>;
  grid: PemsGrid;
  /** Default: the screen `CUPFA2`. */
  screen?: PemsScreen;
  /**
   * Shape of the responses that the client requests from PEMS. The client reads both shapes, whichever it requested.
   */
  requestType: 'LIST.DATA_ONLY.STORED' | 'LIST.HEAD_DATA.STORED';
  /**
   * Maximum number of rows per request, 1 to 10,000 (the limit of PEMS); large rows are requested in smaller numbers.
   */
  pageSize: number;
  /** Order of day and month in the tenant's dates with slashes; for `createRecordMapper`. */
  dateOrder: DateOrder;
  /**
   * Language of month names in dates, a tag such as `fr` or `pt-BR`. Default: English; English names are always read.
   */
  monthLanguage?: string | null;
  /** Format of the date of `changedSince` in the tenant's filters. Default `DD-MON-YYYY`. */
  filterDateFormat?: DateFormat;
  /** Notation of YEAR in dates that are sent to the screen; the client reads both notations. Default `milliseconds`. */
  yearFormat?: YearFormat;
  /** Timeout of one attempt, including its body, in milliseconds. Default 120,000: PEMS may take longer than 30 s. */
  timeoutMs?: number;
  /** Maximum number of requests a second, evenly spaced, retries included. Default 10. */
  requestsPerSecond?: number;
  /** Number of attempts of one request. Default 4. */
  maxAttempts?: number;
  /** Delay before the second attempt in milliseconds; it doubles with each further attempt. Default 1,000. */
  retryDelayMs?: number;
}

/** Maximum number of rows that PEMS returns per response. */
export const MAX_PAGE_SIZE = 10_000;

/** A validated connection with its defaults, and its credentials as headers. */
export interface CheckedConnection {
  /** Address of grids. */
  gridUrl: URL;
  /** Address of a grid's header. */
  headerUrl: URL;
  /** Address of single records. */
  screenUrl: URL;
  /** Value of the header `organization`; `null`: the organization of the records. */
  loginOrganization: string | null;
  /** All headers except `organization`, which differs between requests. */
  headers: Readonly<Record<string, string>>;
  /** Texts that must never leave this client except as headers. */
  secrets: readonly string[];
  grid: Required<PemsGrid>;
  screen: Required<PemsScreen>;
  requestType: PemsConnection['requestType'];
  pageSize: number;
  filterDateFormat: DateFormat;
  yearFormat: YearFormat;
  timeoutMs: number;
  requestsPerSecond: number;
  maxAttempts: number;
  retryDelayMs: number;
}

/**
 * Checks a connection before anything is sent. `fetch` itself would fail on a header that HTTP cannot carry, with a
 * message that repeats the value, even a secret.
 *
 * @throws VanguardError `PEMS_CONNECTION_INVALID`, naming the setting but never its value
 */
export function checkConnection(connection: PemsConnection): CheckedConnection {
  const { grid, screen, loginOrganization = null, monthLanguage } = connection;
  const authorization = authorizationHeaders(connection.authorization);
  const custom: Record<string, string> = {};
  for (const [name, value] of Object.entries(connection.headers ?? {})) {
    checkHeaderName(name);
    custom[name.toLowerCase()] = headerValue(`header ${name.toLowerCase()}`, value);
  }
  const gridPath = endpointPath('gridPath', connection.gridPath ?? 'griddata');
  const headerPath = endpointPath('headerPath', connection.headerPath ?? gridPath);
  const screenPath = endpointPath('screenPath', connection.screenPath ?? 'userdefinedscreenservices');
  const serviceUrl = serviceUrls(connection.baseUrl, [gridPath, headerPath, screenPath]);
  if (monthLanguage && monthNames(monthLanguage) === null)
    throw invalid('monthLanguage', 'must be the tag of a language that is known, such as fr or pt-BR');
  return {
    gridUrl: serviceUrl(gridPath),
    headerUrl: serviceUrl(headerPath),
    screenUrl: serviceUrl(screenPath),
    loginOrganization:
      loginOrganization === null ? null : headerValue('login organization', loginOrganization),
    headers: {
      ...custom,
      ...authorization,
      tenant: headerValue('tenant', connection.tenant),
      'content-type': 'application/json',
      accept: 'application/json',
    },
    secrets: secretsOf(connection),
    grid: {
      name: grid.name,
      id: grid.id,
      idAlias: (grid.idAlias ?? 'pfs_id').toLowerCase(),
      organizationAlias: (grid.organizationAlias ?? 'pfs_a_org').toLowerCase(),
      versionAlias: (grid.versionAlias ?? 'pfs_f_intlastupdated').toLowerCase(),
    },
    screen: {
      name: screen?.name ?? 'CUPFA2',
      idField: screen?.idField ?? 'PFS_ID',
      organizationField: screen?.organizationField ?? 'PFS_A_ORG',
    },
    requestType: connection.requestType,
    pageSize: wholeNumber('pageSize', connection.pageSize, 1, MAX_PAGE_SIZE),
    filterDateFormat: connection.filterDateFormat ?? 'DD-MON-YYYY',
    yearFormat: connection.yearFormat ?? 'milliseconds',
    timeoutMs: wholeNumber('timeoutMs', connection.timeoutMs ?? 120_000, 1, 3_600_000),
    requestsPerSecond: positive('requestsPerSecond', connection.requestsPerSecond ?? 10),
    maxAttempts: wholeNumber('maxAttempts', connection.maxAttempts ?? 4, 1, 20),
    retryDelayMs: wholeNumber('retryDelayMs', connection.retryDelayMs ?? 1_000, 0, 60_000),
  };
}

/**
 * Returns a text that HTTP can carry in a header, or throws an error that names the setting but not its value.
 *
 * @throws VanguardError `PEMS_CONNECTION_INVALID`
 */
export function headerValue(setting: string, value: string): string {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw invalid(setting, 'must be printable ASCII, not empty and without spaces at its ends');
  }
  return value;
}

function authorizationHeaders(authorization: PemsAuthorization): Record<string, string> {
  switch (authorization.type) {
    case 'basic': {
      if (authorization.username.includes(':'))
        throw invalid('username', 'must not contain a colon, which ends it in HTTP');
      return { authorization: `Basic ${basicToken(authorization)}` };
    }
    case 'apiKey':
      return { 'x-api-key': headerValue('API key', authorization.key) };
    case 'none':
      return {};
  }
}

function basicToken({ username, password }: { username: string; password: string }): string {
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

/** Returns the secrets of a connection, valid or not, which must be redacted wherever PEMS repeats them. */
export function secretsOf({ authorization, headers = {} }: PemsConnection): string[] {
  const custom = Object.entries(headers)
    .filter(([name]) => !ownHeaders.has(name.toLowerCase()))
    .flatMap(([, value]) => secretParts(value));
  switch (authorization.type) {
    case 'basic': {
      const { password } = authorization;
      // The remaining padding reveals nothing.
      const token = basicToken(authorization).replace(/=+$/, '');
      const inAddresses = token.replaceAll('+', '-').replaceAll('/', '_');
      return [token, inAddresses, password, ...custom].filter((secret) => secret !== '');
    }
    case 'apiKey':
      return [authorization.key, ...custom];
    case 'none':
      return custom;
  }
}

/** Headers that a custom header cannot replace; such custom headers are never sent. */
const ownHeaders = new Set(['tenant', 'organization', 'content-type', 'accept']);

/** Words that precede a credential and are not secret. Any other first word may be a credential itself. */
const schemes = /^(?:basic|bearer|digest|negotiate|token|api-?key)\s/i;

/**
 * Returns the credentials that a custom header may hold: alone, behind a scheme such as `Bearer`, or behind a name such
 * as `session=`. Leaves out parts shorter than 4 characters and the scheme: a log without the word `Bearer` would no
 * longer show that a credential follows.
 */
function secretParts(value: string): string[] {
  const behindScheme = value.replace(/^\S+\s+/, '');
  const [first = '', ...words] = value.split(/[\s;,]+/);
  const hasScheme = schemes.test(value);
  const behindNames = [value, behindScheme, ...(hasScheme ? [] : [first]), ...words].map((part) =>
    part.replace(/^[^=]*=/, '').replace(/^"(.*)"$/, '$1'),
  );
  return [...new Set([value, behindScheme, ...words, ...behindNames])].filter((part) => part.length >= 4);
}

/** Last segments of addresses that users copy from other programs: endpoints below the base address. */
const endpoints = /\/(?:griddata|grids|userdefinedscreenservices?)\/?$/i;

/** Returns the path of the REST services; the address of a SOAP service names a sibling of this path. */
function basePath(path: string, paths: readonly string[]): string {
  const trimmed = path.replace(/\/$/, '');
  const own = paths.find((service) => trimmed.toLowerCase().endsWith(`/${service.toLowerCase()}`));
  if (own !== undefined) return trimmed.slice(0, -own.length - 1);
  if (!endpoints.test(path)) return trimmed;
  return path.replace(endpoints, '').replace(/\/services$/i, '/restservices');
}

/** Returns a path below the base address, without slashes at either end. */
function endpointPath(setting: string, path: string): string {
  const segments = path.replace(/^\/|\/$/g, '').split('/');
  if (!segments.every((segment) => /^[\w.~-]+$/.test(segment) && !/^\.+$/.test(segment)))
    throw invalid(setting, 'must be a path such as griddata, of letters, digits, ".", "_", "~" and "-"');
  return segments.join('/');
}

/**
 * Returns the address of a service below the base address. The base address may already be that of the service.
 *
 * @throws VanguardError `PEMS_CONNECTION_INVALID`
 */
export const serviceUrl = (baseUrl: string, service: string): URL => serviceUrls(baseUrl, [service])(service);

/** Returns a function from a path to its address. `baseUrl` is the base address, or the address of one of `paths`. */
function serviceUrls(baseUrl: string, paths: readonly string[]): (path: string) => URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    /[?#]/.test(baseUrl) ||
    url.username ||
    url.password
  ) {
    throw invalid(
      'baseUrl',
      'must be like https://HOST/axis/restservices, without user, password, query or fragment',
    );
  }
  const base = basePath(url.pathname, paths);
  return (path) => {
    const service = new URL(url);
    service.pathname = `${base}/${path}`;
    return service;
  };
}

function checkHeaderName(name: string): void {
  try {
    validateHeaderName(name);
  } catch {
    throw invalid('headers', 'has a name that HTTP does not allow');
  }
}

function wholeNumber(setting: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalid(setting, `must be a whole number from ${least} to ${most}`);
  }
  return value;
}

function positive(setting: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw invalid(setting, 'must be a number above 0');
  return value;
}

function invalid(setting: string, rule: string): VanguardError {
  return new VanguardError('PEMS_CONNECTION_INVALID', `The PEMS connection's ${setting} ${rule}.`, {
    hint: 'Correct it in the settings of the connection.',
    details: { setting },
  });
}
