/** Types generated for queries found in "sql/connections/connections.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** 'PemsConnection' parameters type */
export interface IPemsConnectionParams {
  organizationId: number;
  purpose: string;
}

/** 'PemsConnection' return type */
export interface IPemsConnectionResult {
  apiConfigurationId: string;
  authType: string;
  customHeaders: Json;
  dateOrder: string;
  /** Date format in filters of this tenant, which incremental runs use. */
  filterDateFormat: string;
  gridId: string;
  gridName: string;
  /** The endpoint of grids, below the base address. */
  gridPath: string;
  /** The endpoint that tells the header of a grid, below the base address; null: that of grids. */
  headerPath: string | null;
  isSimulated: boolean;
  /** Organization of the login, sent as the header `organization`. Null: the organization of the record. */
  loginOrganization: string | null;
  /** The language of months in dates, such as `fr` or `pt-BR`. English names are read as well. */
  monthLanguage: string;
  pageSize: number;
  requestsPerSecond: number;
  requestType: string;
  screenName: string;
  /** The endpoint of user-defined screens, below the base address. */
  screenPath: string;
  tenant: string;
  timeoutMs: number;
  url: string;
  yearFormat: string;
}

/** 'PemsConnection' query type */
export interface IPemsConnectionQuery {
  params: IPemsConnectionParams;
  result: IPemsConnectionResult;
}

const pemsConnectionIR: any = {"usedParamSet":{"organizationId":true,"purpose":true},"params":[{"name":"organizationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":746,"b":761}]},{"name":"purpose","required":true,"transform":{"type":"scalar"},"locs":[{"a":764,"b":772}]}],"statement":"select api_configuration_id as \"apiConfigurationId!\", c.url as \"url!\", c.auth_type as \"authType!\",\n  c.custom_headers as \"customHeaders!\", c.is_simulated as \"isSimulated!\", c.tenant as \"tenant!\",\n  c.grid_name as \"gridName!\", c.grid_id as \"gridId!\", c.request_type as \"requestType!\", c.page_size as \"pageSize!\",\n  c.date_order as \"dateOrder!\", c.screen_name as \"screenName!\", c.year_format as \"yearFormat!\",\n  c.requests_per_second as \"requestsPerSecond!\", c.timeout_ms as \"timeoutMs!\",\n  s.filter_date_format as \"filterDateFormat!\", s.login_organization as \"loginOrganization?\",\n  s.grid_path as \"gridPath!\", s.header_path as \"headerPath?\", s.screen_path as \"screenPath!\",\n  s.month_language as \"monthLanguage!\"\nfrom app_private.pems_connection(:organizationId!, :purpose!) c\njoin app_public.pems_settings s using (api_configuration_id)"};

/**
 * Query generated from SQL:
 * ```
 * select api_configuration_id as "apiConfigurationId!", c.url as "url!", c.auth_type as "authType!",
 *   c.custom_headers as "customHeaders!", c.is_simulated as "isSimulated!", c.tenant as "tenant!",
 *   c.grid_name as "gridName!", c.grid_id as "gridId!", c.request_type as "requestType!", c.page_size as "pageSize!",
 *   c.date_order as "dateOrder!", c.screen_name as "screenName!", c.year_format as "yearFormat!",
 *   c.requests_per_second as "requestsPerSecond!", c.timeout_ms as "timeoutMs!",
 *   s.filter_date_format as "filterDateFormat!", s.login_organization as "loginOrganization?",
 *   s.grid_path as "gridPath!", s.header_path as "headerPath?", s.screen_path as "screenPath!",
 *   s.month_language as "monthLanguage!"
 * from app_private.pems_connection(:organizationId!, :purpose!) c
 * join app_public.pems_settings s using (api_configuration_id)
 * ```
 */
export const pemsConnection = new PreparedQuery<IPemsConnectionParams,IPemsConnectionResult>(pemsConnectionIR);


/** 'Credentials' parameters type */
export interface ICredentialsParams {
  apiConfigurationId: string;
}

/** 'Credentials' return type */
export interface ICredentialsResult {
  /** The encrypted secret with the tag appended. It is bound to its owner and name, so that it cannot be moved to another row. */
  ciphertext: Buffer;
  /** Key of VANGUARD_ENCRYPTION_KEYS that encrypts the secret. */
  keyId: string;
  /** `authKey` (user name, or header name), `authValue` (password, token or key), `apiKey`. */
  name: string;
  /** AES-256-GCM nonce: 96 random bits. */
  nonce: Buffer;
}

/** 'Credentials' query type */
export interface ICredentialsQuery {
  params: ICredentialsParams;
  result: ICredentialsResult;
}

const credentialsIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":108,"b":127}]}],"statement":"select name, key_id as \"keyId\", nonce, ciphertext from app_private.credentials\nwhere api_configuration_id = :apiConfigurationId!"};

/**
 * Query generated from SQL:
 * ```
 * select name, key_id as "keyId", nonce, ciphertext from app_private.credentials
 * where api_configuration_id = :apiConfigurationId!
 * ```
 */
export const credentials = new PreparedQuery<ICredentialsParams,ICredentialsResult>(credentialsIR);


/** 'NoteConnectionResult' parameters type */
export interface INoteConnectionResultParams {
  apiConfigurationId: string;
  errorMessage?: string | null | void;
  rowsRead?: number | null | void;
}

/** 'NoteConnectionResult' return type */
export interface INoteConnectionResultResult {
  note_connection_result: undefined | null;
}

/** 'NoteConnectionResult' query type */
export interface INoteConnectionResultQuery {
  params: INoteConnectionResultParams;
  result: INoteConnectionResultResult;
}

const noteConnectionResultIR: any = {"usedParamSet":{"apiConfigurationId":true,"rowsRead":true,"errorMessage":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":42,"b":61}]},{"name":"rowsRead","required":false,"transform":{"type":"scalar"},"locs":[{"a":64,"b":72}]},{"name":"errorMessage","required":false,"transform":{"type":"scalar"},"locs":[{"a":75,"b":87}]}],"statement":"select app_private.note_connection_result(:apiConfigurationId!, :rowsRead, :errorMessage)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_connection_result(:apiConfigurationId!, :rowsRead, :errorMessage)
 * ```
 */
export const noteConnectionResult = new PreparedQuery<INoteConnectionResultParams,INoteConnectionResultResult>(noteConnectionResultIR);


/** 'SaveConnection' parameters type */
export interface ISaveConnectionParams {
  authType: string;
  id: string;
  isSimulated: boolean;
  name: string;
  operationType: string;
  organization?: string | null | void;
  url: string;
}

/** 'SaveConnection' return type */
export interface ISaveConnectionResult {
  /** Identifier: a uuid, or a slug such as `pems-global-pfa-read`. */
  id: string;
}

/** 'SaveConnection' query type */
export interface ISaveConnectionQuery {
  params: ISaveConnectionParams;
  result: ISaveConnectionResult;
}

const saveConnectionIR: any = {"usedParamSet":{"id":true,"name":true,"url":true,"authType":true,"operationType":true,"isSimulated":true,"organization":true},"params":[{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":132,"b":135}]},{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":144,"b":149}]},{"name":"url","required":true,"transform":{"type":"scalar"},"locs":[{"a":169,"b":173}]},{"name":"authType","required":true,"transform":{"type":"scalar"},"locs":[{"a":176,"b":185}]},{"name":"operationType","required":true,"transform":{"type":"scalar"},"locs":[{"a":188,"b":202}]},{"name":"isSimulated","required":true,"transform":{"type":"scalar"},"locs":[{"a":205,"b":217}]},{"name":"organization","required":false,"transform":{"type":"scalar"},"locs":[{"a":288,"b":300}]}],"statement":"insert into app_public.api_configurations (id, organization_id, name, usage, url, auth_type, operation_type,\n  is_simulated)\nselect :id!, o.id, :name!, 'PEMS_PFA_READ', :url!, :authType!, :operationType!, :isSimulated!\nfrom (select 1) one\nleft join app_public.organizations o on o.code = :organization\non conflict (id) do update\n  set organization_id = excluded.organization_id, name = excluded.name, url = excluded.url,\n    auth_type = excluded.auth_type, operation_type = excluded.operation_type, is_simulated = excluded.is_simulated,\n    status = 'untested', last_error = null\nreturning id"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_public.api_configurations (id, organization_id, name, usage, url, auth_type, operation_type,
 *   is_simulated)
 * select :id!, o.id, :name!, 'PEMS_PFA_READ', :url!, :authType!, :operationType!, :isSimulated!
 * from (select 1) one
 * left join app_public.organizations o on o.code = :organization
 * on conflict (id) do update
 *   set organization_id = excluded.organization_id, name = excluded.name, url = excluded.url,
 *     auth_type = excluded.auth_type, operation_type = excluded.operation_type, is_simulated = excluded.is_simulated,
 *     status = 'untested', last_error = null
 * returning id
 * ```
 */
export const saveConnection = new PreparedQuery<ISaveConnectionParams,ISaveConnectionResult>(saveConnectionIR);


/** 'SavePemsSettings' parameters type */
export interface ISavePemsSettingsParams {
  apiConfigurationId: string;
  dateOrder: string;
  filterDateFormat: string;
  gridPath?: string | null | void;
  headerPath?: string | null | void;
  loginOrganization?: string | null | void;
  monthLanguage?: string | null | void;
  requestsPerSecond?: number | null | void;
  requestType: string;
  screenPath?: string | null | void;
  tenant: string;
  timeoutMs?: number | null | void;
}

/** 'SavePemsSettings' return type */
export type ISavePemsSettingsResult = void;

/** 'SavePemsSettings' query type */
export interface ISavePemsSettingsQuery {
  params: ISavePemsSettingsParams;
  result: ISavePemsSettingsResult;
}

const savePemsSettingsIR: any = {"usedParamSet":{"apiConfigurationId":true,"tenant":true,"dateOrder":true,"requestType":true,"filterDateFormat":true,"timeoutMs":true,"requestsPerSecond":true,"loginOrganization":true,"gridPath":true,"headerPath":true,"screenPath":true,"monthLanguage":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":235,"b":254}]},{"name":"tenant","required":true,"transform":{"type":"scalar"},"locs":[{"a":257,"b":264}]},{"name":"dateOrder","required":true,"transform":{"type":"scalar"},"locs":[{"a":267,"b":277}]},{"name":"requestType","required":true,"transform":{"type":"scalar"},"locs":[{"a":280,"b":292}]},{"name":"filterDateFormat","required":true,"transform":{"type":"scalar"},"locs":[{"a":295,"b":312}]},{"name":"timeoutMs","required":false,"transform":{"type":"scalar"},"locs":[{"a":324,"b":333},{"a":786,"b":795}]},{"name":"requestsPerSecond","required":false,"transform":{"type":"scalar"},"locs":[{"a":356,"b":373},{"a":848,"b":865}]},{"name":"loginOrganization","required":false,"transform":{"type":"scalar"},"locs":[{"a":388,"b":405},{"a":966,"b":983}]},{"name":"gridPath","required":false,"transform":{"type":"scalar"},"locs":[{"a":422,"b":430},{"a":1039,"b":1047}]},{"name":"headerPath","required":false,"transform":{"type":"scalar"},"locs":[{"a":455,"b":465},{"a":1098,"b":1108}]},{"name":"screenPath","required":false,"transform":{"type":"scalar"},"locs":[{"a":482,"b":492},{"a":1159,"b":1169}]},{"name":"monthLanguage","required":false,"transform":{"type":"scalar"},"locs":[{"a":534,"b":547},{"a":1218,"b":1231}]}],"statement":"insert into app_public.pems_settings as s (api_configuration_id, tenant, date_order, request_type, filter_date_format,\n  timeout_ms, requests_per_second, login_organization, grid_path, header_path, screen_path, month_language)\nvalues (:apiConfigurationId!, :tenant!, :dateOrder!, :requestType!, :filterDateFormat!, coalesce(:timeoutMs, 120000),\n  coalesce(:requestsPerSecond, 10), nullif(:loginOrganization, ''), coalesce(:gridPath, 'griddata'),\n  nullif(:headerPath, ''), coalesce(:screenPath, 'userdefinedscreenservices'), coalesce(:monthLanguage, 'en'))\non conflict (api_configuration_id) do update\n  set tenant = excluded.tenant, date_order = excluded.date_order, request_type = excluded.request_type,\n    filter_date_format = excluded.filter_date_format,\n    timeout_ms = coalesce(:timeoutMs, s.timeout_ms),\n    requests_per_second = coalesce(:requestsPerSecond, s.requests_per_second),\n    -- Empty: the default again.\n    login_organization = nullif(coalesce(:loginOrganization, s.login_organization), ''),\n    grid_path = coalesce(:gridPath, s.grid_path),\n    header_path = nullif(coalesce(:headerPath, s.header_path), ''),\n    screen_path = coalesce(:screenPath, s.screen_path),\n    month_language = coalesce(:monthLanguage, s.month_language)"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_public.pems_settings as s (api_configuration_id, tenant, date_order, request_type, filter_date_format,
 *   timeout_ms, requests_per_second, login_organization, grid_path, header_path, screen_path, month_language)
 * values (:apiConfigurationId!, :tenant!, :dateOrder!, :requestType!, :filterDateFormat!, coalesce(:timeoutMs, 120000),
 *   coalesce(:requestsPerSecond, 10), nullif(:loginOrganization, ''), coalesce(:gridPath, 'griddata'),
 *   nullif(:headerPath, ''), coalesce(:screenPath, 'userdefinedscreenservices'), coalesce(:monthLanguage, 'en'))
 * on conflict (api_configuration_id) do update
 *   set tenant = excluded.tenant, date_order = excluded.date_order, request_type = excluded.request_type,
 *     filter_date_format = excluded.filter_date_format,
 *     timeout_ms = coalesce(:timeoutMs, s.timeout_ms),
 *     requests_per_second = coalesce(:requestsPerSecond, s.requests_per_second),
 *     -- Empty: the default again.
 *     login_organization = nullif(coalesce(:loginOrganization, s.login_organization), ''),
 *     grid_path = coalesce(:gridPath, s.grid_path),
 *     header_path = nullif(coalesce(:headerPath, s.header_path), ''),
 *     screen_path = coalesce(:screenPath, s.screen_path),
 *     month_language = coalesce(:monthLanguage, s.month_language)
 * ```
 */
export const savePemsSettings = new PreparedQuery<ISavePemsSettingsParams,ISavePemsSettingsResult>(savePemsSettingsIR);


/** 'SaveCredential' parameters type */
export interface ISaveCredentialParams {
  apiConfigurationId: string;
  ciphertext: Buffer;
  keyId: string;
  name: string;
  nonce: Buffer;
}

/** 'SaveCredential' return type */
export type ISaveCredentialResult = void;

/** 'SaveCredential' query type */
export interface ISaveCredentialQuery {
  params: ISaveCredentialParams;
  result: ISaveCredentialResult;
}

const saveCredentialIR: any = {"usedParamSet":{"apiConfigurationId":true,"name":true,"keyId":true,"nonce":true,"ciphertext":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":105,"b":124}]},{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":127,"b":132}]},{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":135,"b":141}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":144,"b":150}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":153,"b":164}]}],"statement":"insert into app_private.credentials as c (api_configuration_id, name, key_id, nonce, ciphertext)\nvalues (:apiConfigurationId!, :name!, :keyId!, :nonce!, :ciphertext!)\non conflict (api_configuration_id, name) do update\n  set key_id = excluded.key_id, nonce = excluded.nonce, ciphertext = excluded.ciphertext"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_private.credentials as c (api_configuration_id, name, key_id, nonce, ciphertext)
 * values (:apiConfigurationId!, :name!, :keyId!, :nonce!, :ciphertext!)
 * on conflict (api_configuration_id, name) do update
 *   set key_id = excluded.key_id, nonce = excluded.nonce, ciphertext = excluded.ciphertext
 * ```
 */
export const saveCredential = new PreparedQuery<ISaveCredentialParams,ISaveCredentialResult>(saveCredentialIR);


/** 'SaveDataSource' parameters type */
export interface ISaveDataSourceParams {
  apiConfigurationId: string;
  id: string;
}

/** 'SaveDataSource' return type */
export type ISaveDataSourceResult = void;

/** 'SaveDataSource' query type */
export interface ISaveDataSourceQuery {
  params: ISaveDataSourceParams;
  result: ISaveDataSourceResult;
}

const saveDataSourceIR: any = {"usedParamSet":{"id":true,"apiConfigurationId":true},"params":[{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":328,"b":331}]},{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":421,"b":440}]}],"statement":"insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id, priority)\nselect\n  -- A connection has one mapping, even if it replaces the seeded one.\n  coalesce((select d.id from app_public.data_source_mappings d\n    where d.api_configuration_id = c.id and d.entity_type = 'pfa' limit 1), :id!),\n  'pfa', c.organization_id, c.id, 1\nfrom app_public.api_configurations c where c.id = :apiConfigurationId!\non conflict (id) do update\n  set organization_id = excluded.organization_id, api_configuration_id = excluded.api_configuration_id,\n    is_active = true"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id, priority)
 * select
 *   -- A connection has one mapping, even if it replaces the seeded one.
 *   coalesce((select d.id from app_public.data_source_mappings d
 *     where d.api_configuration_id = c.id and d.entity_type = 'pfa' limit 1), :id!),
 *   'pfa', c.organization_id, c.id, 1
 * from app_public.api_configurations c where c.id = :apiConfigurationId!
 * on conflict (id) do update
 *   set organization_id = excluded.organization_id, api_configuration_id = excluded.api_configuration_id,
 *     is_active = true
 * ```
 */
export const saveDataSource = new PreparedQuery<ISaveDataSourceParams,ISaveDataSourceResult>(saveDataSourceIR);


/** 'PemsConnectionsConfigured' parameters type */
export type IPemsConnectionsConfiguredParams = void;

/** 'PemsConnectionsConfigured' return type */
export interface IPemsConnectionsConfiguredResult {
  isConfigured: boolean;
}

/** 'PemsConnectionsConfigured' query type */
export interface IPemsConnectionsConfiguredQuery {
  params: IPemsConnectionsConfiguredParams;
  result: IPemsConnectionsConfiguredResult;
}

const pemsConnectionsConfiguredIR: any = {"usedParamSet":{},"params":[],"statement":"select exists (\n  select from app_public.data_source_mappings d\n  join app_public.api_configurations c on c.id = d.api_configuration_id\n  where d.entity_type = 'pfa' and d.is_active and not c.is_simulated and c.url is not null\n) as \"isConfigured!\""};

/**
 * Query generated from SQL:
 * ```
 * select exists (
 *   select from app_public.data_source_mappings d
 *   join app_public.api_configurations c on c.id = d.api_configuration_id
 *   where d.entity_type = 'pfa' and d.is_active and not c.is_simulated and c.url is not null
 * ) as "isConfigured!"
 * ```
 */
export const pemsConnectionsConfigured = new PreparedQuery<IPemsConnectionsConfiguredParams,IPemsConnectionsConfiguredResult>(pemsConnectionsConfiguredIR);


/** 'ConnectionRenewed' parameters type */
export interface IConnectionRenewedParams {
  apiConfigurationId: string;
}

/** 'ConnectionRenewed' return type */
export interface IConnectionRenewedResult {
  connection_renewed: undefined | null;
}

/** 'ConnectionRenewed' query type */
export interface IConnectionRenewedQuery {
  params: IConnectionRenewedParams;
  result: IConnectionRenewedResult;
}

const connectionRenewedIR: any = {"usedParamSet":{"apiConfigurationId":true},"params":[{"name":"apiConfigurationId","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":57}]}],"statement":"select app_private.connection_renewed(:apiConfigurationId!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.connection_renewed(:apiConfigurationId!)
 * ```
 */
export const connectionRenewed = new PreparedQuery<IConnectionRenewedParams,IConnectionRenewedResult>(connectionRenewedIR);


