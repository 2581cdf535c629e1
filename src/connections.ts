import type pg from 'pg';
import {
  connectionRenewed,
  credentials,
  pemsConnection,
  saveConnection as insertConnection,
  saveCredential,
  saveDataSource,
  savePemsSettings,
} from '../sql/connections/connections.queries.ts';
import { credentialContext, type Vault } from './encryption.ts';
import { VanguardError } from './errors.ts';
import { hideInLogs } from './logger.ts';
import {
  checkConnection,
  secretsOf,
  type DateFormat,
  type PemsAuthorization,
  type PemsConnection,
} from './pems/index.ts';

/** Use of a connection: records are read or written, or a kind of reference lists is read. */
export type PemsPurpose = 'read' | 'write' | 'asset_master' | 'classifications' | 'organizations';

/**
 * Returns the PEMS connection that an organization is read or written over, with decrypted credentials. Refuses with
 * NO_PEMS_CONNECTION, or with the error of an unreadable credential.
 */
export async function openPemsConnection(
  pool: pg.Pool,
  vault: Vault,
  organizationId: number,
  purpose: PemsPurpose = 'read',
): Promise<{ id: string; connection: PemsConnection }> {
  const [row] = await pemsConnection.run({ organizationId, purpose }, pool);
  if (!row) {
    throw new VanguardError(
      'NO_PEMS_CONNECTION',
      purpose === 'write'
        ? 'No connection to PEMS over which may be written is configured for this organization.'
        : 'No connection to PEMS is configured for this organization.',
      {
        hint: 'Create one with `npx vanguard connection create`.',
      },
    );
  }
  const id = row.apiConfigurationId;
  const secrets = new Map(
    (await credentials.run({ apiConfigurationId: id }, pool)).map((sealed) => [
      sealed.name,
      vault.open(sealed, credentialContext(id, sealed.name)),
    ]),
  );
  const headers = Object.fromEntries(
    (row.customHeaders as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
  );
  const connection: PemsConnection = {
    baseUrl: row.url,
    tenant: row.tenant,
    loginOrganization: row.loginOrganization ?? null,
    gridPath: row.gridPath,
    headerPath: row.headerPath ?? null,
    screenPath: row.screenPath,
    monthLanguage: row.monthLanguage,
    authorization: authorizationOf(row.authType, secrets, headers),
    headers,
    grid: { name: row.gridName, id: row.gridId },
    screen: { name: row.screenName },
    yearFormat: row.yearFormat as PemsConnection['yearFormat'],
    requestType: row.requestType as PemsConnection['requestType'],
    pageSize: row.pageSize,
    dateOrder: row.dateOrder as PemsConnection['dateOrder'],
    filterDateFormat: row.filterDateFormat as PemsConnection['filterDateFormat'],
    timeoutMs: row.timeoutMs,
    requestsPerSecond: row.requestsPerSecond,
  };
  // PEMS may repeat the secrets in responses, which are logged.
  hideInLogs(...secretsOf(connection));
  return { id, connection };
}

function authorizationOf(
  authType: string,
  secrets: ReadonlyMap<string, string>,
  headers: Record<string, string>,
): PemsAuthorization {
  const value = secrets.get('authValue') ?? '';
  switch (authType) {
    case 'basic':
      return { type: 'basic', username: secrets.get('authKey') ?? '', password: value };
    case 'apiKey':
      return { type: 'apiKey', key: value };
    case 'bearer':
      headers.authorization = `Bearer ${value}`;
      return { type: 'none' };
    default:
      return { type: 'none' };
  }
}

/** A PEMS connection as an administrator enters it. */
export interface NewConnection {
  /** A slug; an existing id replaces that connection. */
  id: string;
  name: string;
  url: string;
  tenant: string;
  username: string;
  password: string;
  dateOrder: 'MDY' | 'DMY';
  requestType: PemsConnection['requestType'];
  /** Format of dates in the tenant's filters; undefined: `DD-MON-YYYY`. */
  filterDateFormat?: DateFormat;
  /**
   * Organization of the login; undefined: unchanged, for a new connection the organization of the records; empty: the
   * organization of the records.
   */
  loginOrganization?: string;
  /** Endpoints below the address; undefined: unchanged, for a new connection the defaults of `PemsConnection`. */
  gridPath?: string;
  headerPath?: string;
  screenPath?: string;
  /** Language of month names in dates; undefined: unchanged, for a new connection English. */
  monthLanguage?: string;
  /** Timeout of a response, in milliseconds; undefined: unchanged, for a new connection 120,000. */
  timeoutMs?: number;
  /** Rate limit of the tenant; undefined: unchanged, for a new connection 10. */
  requestsPerSecond?: number;
  /** Code of the organization that uses it; undefined: all organizations without a connection of their own. */
  organization?: string;
  /** The connection is read-only: committed changes stay pending. */
  isReadOnly?: boolean;
  isSimulated: boolean;
}

/**
 * Creates or replaces a PEMS connection, and makes it the source of records and the target of their changes. Encrypts
 * its credentials.
 */
export async function saveConnection(
  client: pg.ClientBase,
  vault: Vault,
  connection: NewConnection,
): Promise<void> {
  const { id } = connection;
  // Refuses an unusable connection before it is stored; the remaining settings are defaults.
  checkConnection({
    baseUrl: connection.url,
    tenant: connection.tenant,
    loginOrganization: connection.loginOrganization || null,
    gridPath: connection.gridPath,
    headerPath: connection.headerPath || null,
    screenPath: connection.screenPath,
    monthLanguage: connection.monthLanguage,
    authorization: { type: 'basic', username: connection.username, password: connection.password },
    grid: { name: 'grid', id: '1' },
    requestType: connection.requestType,
    pageSize: 1,
    dateOrder: connection.dateOrder,
  });
  await client.query('begin');
  try {
    await insertConnection.run(
      {
        ...connection,
        organization: connection.organization ?? null,
        authType: 'basic',
        operationType: connection.isReadOnly ? 'read' : 'read-write',
      },
      client,
    );
    await savePemsSettings.run(
      {
        apiConfigurationId: id,
        tenant: connection.tenant,
        dateOrder: connection.dateOrder,
        requestType: connection.requestType,
        filterDateFormat: connection.filterDateFormat ?? 'DD-MON-YYYY',
        timeoutMs: connection.timeoutMs ?? null,
        requestsPerSecond: connection.requestsPerSecond ?? null,
        loginOrganization: connection.loginOrganization ?? null,
        gridPath: connection.gridPath ?? null,
        headerPath: connection.headerPath ?? null,
        screenPath: connection.screenPath ?? null,
        monthLanguage: connection.monthLanguage ?? null,
      },
      client,
    );
    for (const [name, secret] of [
      ['authKey', connection.username],
      ['authValue', connection.password],
    ] as const) {
      await saveCredential.run(
        { apiConfigurationId: id, name, ...vault.seal(secret, credentialContext(id, name)) },
        client,
      );
    }
    await saveDataSource.run(
      { id: connection.isSimulated ? 'pfa-read' : `pfa-read-${id}`, apiConfigurationId: id },
      client,
    );
    await connectionRenewed.run({ apiConfigurationId: id }, client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
