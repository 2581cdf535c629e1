import { validateHeaderName } from 'node:http';
import { VanguardError } from '../errors.ts';
import { monthNames } from './month-names.ts';
import type { YearFormat } from './screen.ts';
import type { DateFormat, DateOrder } from './values.ts';

/** How a request proves who is asking. A bearer token is `none` with an `authorization` header of its own. */
export type PemsAuthorization =
  { type: 'basic'; username: string; password: string } | { type: 'apiKey'; key: string } | { type: 'none' };

/** The grid (list screen) of PEMS that holds the records. */
export interface PemsGrid {
  /** `GRID_NAME`, e.g. `CUPFAG`. */
  name: string;
  /** `GRID_ID`, e.g. `100541`. */
  id: string;
  /** Alias of the record's identity, by which pages are sorted and continued. Default `pfs_id`. */
  idAlias?: string;
  /** Alias of the organization's code, by which the read is limited. Default `pfs_a_org`. */
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

/** One tenant of PEMS and how to talk to it: configuration, kept in the database, with the secrets deciphered. */
export interface PemsConnection {
  /** `https://HOST/axis/restservices`, or one of its endpoints; without user, password, query or fragment. */
  baseUrl: string;
  /** Sent as header `tenant`. */
  tenant: string;
  /**
   * Sent as header `organization`: the one that the login belongs to, `*` for all. Default: the organization whose records
   * are read or written.
   */
  loginOrganization?: string | null;
  /** The endpoint of grids, below the base address. Default `griddata`. */
  gridPath?: string | null;
  /** The endpoint of a grid's header. Default: that of grids. */
  headerPath?: string | null;
  /** The endpoint of user-defined screens. Default `userdefinedscreenservices`. */
  screenPath?: string | null;
  authorization: PemsAuthorization;
  /** Further headers. They cannot replace those that this client sets itself. */
  headers?: Readonly<Record<string, string>>;
  grid: PemsGrid;
  /** Default: the screen `CUPFA2`. */
  screen?: PemsScreen;
  /** Which of its two answer shapes PEMS is asked for. Both are read whatever was asked. */
  requestType: 'LIST.DATA_ONLY.STORED' | 'LIST.HEAD_DATA.STORED';
  /** Rows asked for at a time at most, 1 to 10,000 (the limit of PEMS); fewer where they are large. */
  pageSize: number;
  /** How the tenant writes dates with slashes; for `createRecordMapper`. */
  dateOrder: DateOrder;
  /** The language of months in dates, a tag such as `fr` or `pt-BR`. Default English; English names are always read. */
  monthLanguage?: string | null;
  /** How the tenant wants the date of `changedSince` in the filter. Default `DD-MON-YYYY`. */
  filterDateFormat?: DateFormat;
  /** How the tenant wants YEAR of a date on the screen; read are both. Default `milliseconds`. */
  yearFormat?: YearFormat;
  /** Longest time for one attempt, its body included, in milliseconds. Default 120,000: PEMS may take over 30 s. */
  timeoutMs?: number;
  /** Requests a second that this client starts at most, evenly spaced, retries included. Default 10. */
  requestsPerSecond?: number;
  /** Attempts for one request. Default 4. */
  maxAttempts?: number;
  /** Pause before the second attempt in milliseconds; it doubles for each further one. Default 1,000. */
  retryDelayMs?: number;
}

/** The most rows that PEMS hands over at a time. */
export const MAX_PAGE_SIZE = 10_000;

/** A connection with its defaults filled in, checked, and its credentials turned into what is sent. */
export interface CheckedConnection {
  /** Where grids are read. */
  gridUrl: URL;
  /** Where the header of a grid is read. */
  headerUrl: URL;
  /** Where single records are read and written. */
  screenUrl: URL;
  /** For the header `organization`; `null`: the organization of the records. */
  loginOrganization: string | null;
  /** Everything but `organization`, which is set for each request. */
  headers: Readonly<Record<string, string>>;
  /** Texts that must never leave this client other than as headers. */
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
 * Checks a connection before anything is sent: a header that HTTP cannot carry would otherwise fail inside `fetch`,
 * whose message repeats the value, secret or not.
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
 * A text that HTTP can carry in a header, or an error that names the setting and not its value.
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

/** What of a connection must not be shown anywhere, should PEMS repeat it; of one that is not valid, too. */
export function secretsOf({ authorization, headers = {} }: PemsConnection): string[] {
  const custom = Object.entries(headers)
    .filter(([name]) => !ownHeaders.has(name.toLowerCase()))
    .flatMap(([, value]) => secretParts(value));
  switch (authorization.type) {
    case 'basic': {
      const { password } = authorization;
      // What is left of the padding tells nothing.
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

/** What a custom header cannot replace, and is therefore never sent. */
const ownHeaders = new Set(['tenant', 'organization', 'content-type', 'accept']);

/** The words that stand before a credential and are none. A first word that is not among them may be a credential itself. */
const schemes = /^(?:basic|bearer|digest|negotiate|token|api-?key)\s/i;

/**
 * Returns the credentials that a custom header may hold: alone, behind a scheme such as `Bearer`, or behind a name such as
 * `session=`. Parts under 4 characters and the scheme are none: a log without the word `Bearer` would no longer show that a
 * credential follows.
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

/** The last segment of addresses that people copy from other programs: endpoints below the base. */
const endpoints = /\/(?:griddata|grids|userdefinedscreenservices?)\/?$/i;

/** The path below which the REST services are; the address of a SOAP service names its neighbour. */
function basePath(path: string, paths: readonly string[]): string {
  const trimmed = path.replace(/\/$/, '');
  const own = paths.find((service) => trimmed.toLowerCase().endsWith(`/${service.toLowerCase()}`));
  if (own !== undefined) return trimmed.slice(0, -own.length - 1);
  if (!endpoints.test(path)) return trimmed;
  return path.replace(endpoints, '').replace(/\/services$/i, '/restservices');
}

/** A path below the base address, without slashes at its ends. */
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
