/** Types generated for queries found in "sql/legacy/legacy.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type stringArray = (string)[];

/** 'BeginLegacyWork' parameters type */
export type IBeginLegacyWorkParams = void;

/** 'BeginLegacyWork' return type */
export interface IBeginLegacyWorkResult {
  begin_legacy_work: undefined | null;
}

/** 'BeginLegacyWork' query type */
export interface IBeginLegacyWorkQuery {
  params: IBeginLegacyWorkParams;
  result: IBeginLegacyWorkResult;
}

const beginLegacyWorkIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.begin_legacy_work()"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.begin_legacy_work()
 * ```
 */
export const beginLegacyWork = new PreparedQuery<IBeginLegacyWorkParams,IBeginLegacyWorkResult>(beginLegacyWorkIR);


/** 'LockLegacyImports' parameters type */
export type ILockLegacyImportsParams = void;

/** 'LockLegacyImports' return type */
export type ILockLegacyImportsResult = void;

/** 'LockLegacyImports' query type */
export interface ILockLegacyImportsQuery {
  params: ILockLegacyImportsParams;
  result: ILockLegacyImportsResult;
}

const lockLegacyImportsIR: any = {"usedParamSet":{},"params":[],"statement":"lock table app_private.legacy_import in share row exclusive mode"};

/**
 * Query generated from SQL:
 * ```
 * lock table app_private.legacy_import in share row exclusive mode
 * ```
 */
export const lockLegacyImports = new PreparedQuery<ILockLegacyImportsParams,ILockLegacyImportsResult>(lockLegacyImportsIR);


/** 'StandingImport' parameters type */
export type IStandingImportParams = void;

/** 'StandingImport' return type */
export interface IStandingImportResult {
  /** Identifier. */
  id: number;
  /** Time of the import. */
  importedAt: Date;
  /** Manifest of the export: tables, columns, counts, checksums, source. */
  manifest: Json;
  /** Checksum of the manifest. Importing the same export again changes nothing. */
  manifestSha256: string;
  /** Time zone in which the prototype stored days as local midnight. Null: UTC. */
  timeZone: string | null;
}

/** 'StandingImport' query type */
export interface IStandingImportQuery {
  params: IStandingImportParams;
  result: IStandingImportResult;
}

const standingImportIR: any = {"usedParamSet":{},"params":[],"statement":"select id, manifest, manifest_sha256 as \"manifestSha256\", time_zone as \"timeZone\", imported_at as \"importedAt\"\nfrom app_private.legacy_import\nwhere rolled_back_at is null"};

/**
 * Query generated from SQL:
 * ```
 * select id, manifest, manifest_sha256 as "manifestSha256", time_zone as "timeZone", imported_at as "importedAt"
 * from app_private.legacy_import
 * where rolled_back_at is null
 * ```
 */
export const standingImport = new PreparedQuery<IStandingImportParams,IStandingImportResult>(standingImportIR);


/** 'LegacyTables' parameters type */
export type ILegacyTablesParams = void;

/** 'LegacyTables' return type */
export interface ILegacyTablesResult {
  /** What later forms of the prototype call it. */
  aliases: stringArray;
  /** Name in the prototype. */
  name: string;
  /** Table that receives the rows. */
  target: string;
}

/** 'LegacyTables' query type */
export interface ILegacyTablesQuery {
  params: ILegacyTablesParams;
  result: ILegacyTablesResult;
}

const legacyTablesIR: any = {"usedParamSet":{},"params":[],"statement":"select name, target, aliases from app_private.legacy_table order by position"};

/**
 * Query generated from SQL:
 * ```
 * select name, target, aliases from app_private.legacy_table order by position
 * ```
 */
export const legacyTables = new PreparedQuery<ILegacyTablesParams,ILegacyTablesResult>(legacyTablesIR);


/** 'LegacyColumns' parameters type */
export interface ILegacyColumnsParams {
  tableName: string;
}

/** 'LegacyColumns' return type */
export interface ILegacyColumnsResult {
  /** What other forms of the prototype call it. */
  aliases: stringArray;
  /** Allowed values. Null: any. */
  allowedValues: stringArray | null;
  isEditable: boolean;
  isRequired: boolean;
  /** How a value is converted (src/legacy/convert.ts). `reference` is the id of a row of `parent`; `secret` was encrypted by the prototype; `edit` describes an edit that was not submitted; `data` is a record as JSON; `delta` describes a change as JSON; `none` goes nowhere. */
  kind: string;
  maxAmount: number | null;
  /** Maximum length of text, in characters. */
  maxLength: number | null;
  mayBeLeftOut: boolean;
  /** Name in the prototype. */
  name: string;
  /** Reason why the column is not imported. */
  note: string | null;
  /** Table that a reference refers to. */
  parent: string | null;
  /** Column here. `data.KEY` is a key of a record; for secrets it is the name of the credential. */
  target: string | null;
}

/** 'LegacyColumns' query type */
export interface ILegacyColumnsQuery {
  params: ILegacyColumnsParams;
  result: ILegacyColumnsResult;
}

const legacyColumnsIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":739,"b":749}]}],"statement":"select c.name, c.kind, c.target, c.parent, c.note, c.aliases, f.max_length as \"maxLength\",\n  f.max_amount::float8 as \"maxAmount\", f.allowed_values as \"allowedValues\",\n  coalesce(f.is_editable, false) as \"isEditable!\",\n  c.table_name = 'organizations' and c.name not in ('id', 'code') as \"mayBeLeftOut!\",\n  c.kind = 'password' or exists (\n    select from pg_attribute a\n    where a.attrelid = t.target::regclass and a.attname = c.target and a.attnotnull and not a.atthasdef\n      and a.attidentity = '') as \"isRequired!\"\nfrom app_private.legacy_column c\njoin app_private.legacy_table t on t.name = c.table_name\nleft join app_public.pfa_fields f on c.target = 'data.' || f.key or c.target = 'pfa_id' and f.key = 'pfaId'\nwhere c.table_name = :tableName!\norder by c.name"};

/**
 * Query generated from SQL:
 * ```
 * select c.name, c.kind, c.target, c.parent, c.note, c.aliases, f.max_length as "maxLength",
 *   f.max_amount::float8 as "maxAmount", f.allowed_values as "allowedValues",
 *   coalesce(f.is_editable, false) as "isEditable!",
 *   c.table_name = 'organizations' and c.name not in ('id', 'code') as "mayBeLeftOut!",
 *   c.kind = 'password' or exists (
 *     select from pg_attribute a
 *     where a.attrelid = t.target::regclass and a.attname = c.target and a.attnotnull and not a.atthasdef
 *       and a.attidentity = '') as "isRequired!"
 * from app_private.legacy_column c
 * join app_private.legacy_table t on t.name = c.table_name
 * left join app_public.pfa_fields f on c.target = 'data.' || f.key or c.target = 'pfa_id' and f.key = 'pfaId'
 * where c.table_name = :tableName!
 * order by c.name
 * ```
 */
export const legacyColumns = new PreparedQuery<ILegacyColumnsParams,ILegacyColumnsResult>(legacyColumnsIR);


/** 'LegacyKeys' parameters type */
export interface ILegacyKeysParams {
  tableName: string;
}

/** 'LegacyKeys' return type */
export interface ILegacyKeysResult {
  hasProblems: boolean;
  key: Json | null;
  legacyId: string;
  name: string | null;
}

/** 'LegacyKeys' query type */
export interface ILegacyKeysQuery {
  params: ILegacyKeysParams;
  result: ILegacyKeysResult;
}

const legacyKeysIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":104,"b":114}]}],"statement":"select legacy_id as \"legacyId!\", name, key, has_problems as \"hasProblems!\" from app_private.legacy_keys(:tableName!)"};

/**
 * Query generated from SQL:
 * ```
 * select legacy_id as "legacyId!", name, key, has_problems as "hasProblems!" from app_private.legacy_keys(:tableName!)
 * ```
 */
export const legacyKeys = new PreparedQuery<ILegacyKeysParams,ILegacyKeysResult>(legacyKeysIR);


/** 'ReadLegacyJson' parameters type */
export interface IReadLegacyJsonParams {
  tableName: string;
}

/** 'ReadLegacyJson' return type */
export interface IReadLegacyJsonResult {
  read_legacy_json: undefined | null;
}

/** 'ReadLegacyJson' query type */
export interface IReadLegacyJsonQuery {
  params: IReadLegacyJsonParams;
  result: IReadLegacyJsonResult;
}

const readLegacyJsonIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":46}]}],"statement":"select app_private.read_legacy_json(:tableName!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.read_legacy_json(:tableName!)
 * ```
 */
export const readLegacyJson = new PreparedQuery<IReadLegacyJsonParams,IReadLegacyJsonResult>(readLegacyJsonIR);


/** 'MatchLegacyTable' parameters type */
export interface IMatchLegacyTableParams {
  tableName: string;
}

/** 'MatchLegacyTable' return type */
export interface IMatchLegacyTableResult {
  match_legacy_table: undefined | null;
}

/** 'MatchLegacyTable' query type */
export interface IMatchLegacyTableQuery {
  params: IMatchLegacyTableParams;
  result: IMatchLegacyTableResult;
}

const matchLegacyTableIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":48}]}],"statement":"select app_private.match_legacy_table(:tableName!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.match_legacy_table(:tableName!)
 * ```
 */
export const matchLegacyTable = new PreparedQuery<IMatchLegacyTableParams,IMatchLegacyTableResult>(matchLegacyTableIR);


/** 'WriteLegacyTable' parameters type */
export interface IWriteLegacyTableParams {
  tableName: string;
}

/** 'WriteLegacyTable' return type */
export interface IWriteLegacyTableResult {
  write_legacy_table: undefined | null;
}

/** 'WriteLegacyTable' query type */
export interface IWriteLegacyTableQuery {
  params: IWriteLegacyTableParams;
  result: IWriteLegacyTableResult;
}

const writeLegacyTableIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":48}]}],"statement":"select app_private.write_legacy_table(:tableName!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.write_legacy_table(:tableName!)
 * ```
 */
export const writeLegacyTable = new PreparedQuery<IWriteLegacyTableParams,IWriteLegacyTableResult>(writeLegacyTableIR);


/** 'FinishLegacyImport' parameters type */
export interface IFinishLegacyImportParams {
  manifest: Json;
  manifestSha256: string;
  timeZone?: string | null | void;
}

/** 'FinishLegacyImport' return type */
export interface IFinishLegacyImportResult {
  id: number;
}

/** 'FinishLegacyImport' query type */
export interface IFinishLegacyImportQuery {
  params: IFinishLegacyImportParams;
  result: IFinishLegacyImportResult;
}

const finishLegacyImportIR: any = {"usedParamSet":{"manifest":true,"manifestSha256":true,"timeZone":true},"params":[{"name":"manifest","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":49}]},{"name":"manifestSha256","required":true,"transform":{"type":"scalar"},"locs":[{"a":59,"b":74}]},{"name":"timeZone","required":false,"transform":{"type":"scalar"},"locs":[{"a":77,"b":85}]}],"statement":"select app_private.finish_legacy_import(:manifest!::jsonb, :manifestSha256!, :timeZone) as \"id!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.finish_legacy_import(:manifest!::jsonb, :manifestSha256!, :timeZone) as "id!"
 * ```
 */
export const finishLegacyImport = new PreparedQuery<IFinishLegacyImportParams,IFinishLegacyImportResult>(finishLegacyImportIR);


/** 'LegacyProblems' parameters type */
export type ILegacyProblemsParams = void;

/** 'LegacyProblems' return type */
export interface ILegacyProblemsResult {
  columnName: string;
  legacyId: string | null;
  lineNumber: number;
  problem: string;
  tableName: string;
  value: Json | null;
}

/** 'LegacyProblems' query type */
export interface ILegacyProblemsQuery {
  params: ILegacyProblemsParams;
  result: ILegacyProblemsResult;
}

const legacyProblemsIR: any = {"usedParamSet":{},"params":[],"statement":"select table_name as \"tableName!\", line_number as \"lineNumber!\", legacy_id as \"legacyId\", column_name as \"columnName!\",\n  value, problem as \"problem!\"\nfrom app_private.legacy_problems()"};

/**
 * Query generated from SQL:
 * ```
 * select table_name as "tableName!", line_number as "lineNumber!", legacy_id as "legacyId", column_name as "columnName!",
 *   value, problem as "problem!"
 * from app_private.legacy_problems()
 * ```
 */
export const legacyProblems = new PreparedQuery<ILegacyProblemsParams,ILegacyProblemsResult>(legacyProblemsIR);


/** 'LegacyOutcomes' parameters type */
export type ILegacyOutcomesParams = void;

/** 'LegacyOutcomes' return type */
export interface ILegacyOutcomesResult {
  added: number;
  kept: number;
  merged: number;
  quarantined: number;
  same: number;
  tableName: string;
  target: string | null;
}

/** 'LegacyOutcomes' query type */
export interface ILegacyOutcomesQuery {
  params: ILegacyOutcomesParams;
  result: ILegacyOutcomesResult;
}

const legacyOutcomesIR: any = {"usedParamSet":{},"params":[],"statement":"select table_name as \"tableName!\", target, added as \"added!\", merged as \"merged!\", same as \"same!\",\n  quarantined as \"quarantined!\", kept as \"kept!\"\nfrom app_private.legacy_outcomes()"};

/**
 * Query generated from SQL:
 * ```
 * select table_name as "tableName!", target, added as "added!", merged as "merged!", same as "same!",
 *   quarantined as "quarantined!", kept as "kept!"
 * from app_private.legacy_outcomes()
 * ```
 */
export const legacyOutcomes = new PreparedQuery<ILegacyOutcomesParams,ILegacyOutcomesResult>(legacyOutcomesIR);


/** 'LegacySecrets' parameters type */
export type ILegacySecretsParams = void;

/** 'LegacySecrets' return type */
export interface ILegacySecretsResult {
  id: string;
  name: string;
  secret: string;
  tableName: string;
}

/** 'LegacySecrets' query type */
export interface ILegacySecretsQuery {
  params: ILegacySecretsParams;
  result: ILegacySecretsResult;
}

const legacySecretsIR: any = {"usedParamSet":{},"params":[],"statement":"select table_name as \"tableName!\", id as \"id!\", name as \"name!\", secret as \"secret!\" from app_private.legacy_secrets()"};

/**
 * Query generated from SQL:
 * ```
 * select table_name as "tableName!", id as "id!", name as "name!", secret as "secret!" from app_private.legacy_secrets()
 * ```
 */
export const legacySecrets = new PreparedQuery<ILegacySecretsParams,ILegacySecretsResult>(legacySecretsIR);


/** 'SaveProviderCredential' parameters type */
export interface ISaveProviderCredentialParams {
  aiProviderId: string;
  ciphertext: Buffer;
  keyId: string;
  name: string;
  nonce: Buffer;
}

/** 'SaveProviderCredential' return type */
export type ISaveProviderCredentialResult = void;

/** 'SaveProviderCredential' query type */
export interface ISaveProviderCredentialQuery {
  params: ISaveProviderCredentialParams;
  result: ISaveProviderCredentialResult;
}

const saveProviderCredentialIR: any = {"usedParamSet":{"aiProviderId":true,"name":true,"keyId":true,"nonce":true,"ciphertext":true},"params":[{"name":"aiProviderId","required":true,"transform":{"type":"scalar"},"locs":[{"a":94,"b":107}]},{"name":"name","required":true,"transform":{"type":"scalar"},"locs":[{"a":110,"b":115}]},{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":118,"b":124}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":127,"b":133}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":136,"b":147}]}],"statement":"insert into app_private.credentials (ai_provider_id, name, key_id, nonce, ciphertext)\nvalues (:aiProviderId!, :name!, :keyId!, :nonce!, :ciphertext!)"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_private.credentials (ai_provider_id, name, key_id, nonce, ciphertext)
 * values (:aiProviderId!, :name!, :keyId!, :nonce!, :ciphertext!)
 * ```
 */
export const saveProviderCredential = new PreparedQuery<ISaveProviderCredentialParams,ISaveProviderCredentialResult>(saveProviderCredentialIR);


/** 'NoteCredentialsMissing' parameters type */
export interface INoteCredentialsMissingParams {
  connections: stringArray;
  message: string;
  providers: stringArray;
}

/** 'NoteCredentialsMissing' return type */
export type INoteCredentialsMissingResult = void;

/** 'NoteCredentialsMissing' query type */
export interface INoteCredentialsMissingQuery {
  params: INoteCredentialsMissingParams;
  result: INoteCredentialsMissingResult;
}

const noteCredentialsMissingIR: any = {"usedParamSet":{"message":true,"connections":true,"providers":true},"params":[{"name":"message","required":true,"transform":{"type":"scalar"},"locs":[{"a":96,"b":104}]},{"name":"connections","required":true,"transform":{"type":"scalar"},"locs":[{"a":124,"b":136}]},{"name":"providers","required":true,"transform":{"type":"scalar"},"locs":[{"a":217,"b":227}]}],"statement":"with connections as (\n  update app_public.api_configurations set status = 'error', last_error = :message!\n  where id = any (:connections!::text[])\n)\nupdate app_public.ai_providers set status = 'error' where id = any (:providers!::text[])"};

/**
 * Query generated from SQL:
 * ```
 * with connections as (
 *   update app_public.api_configurations set status = 'error', last_error = :message!
 *   where id = any (:connections!::text[])
 * )
 * update app_public.ai_providers set status = 'error' where id = any (:providers!::text[])
 * ```
 */
export const noteCredentialsMissing = new PreparedQuery<INoteCredentialsMissingParams,INoteCredentialsMissingResult>(noteCredentialsMissingIR);


/** 'LegacyRows' parameters type */
export interface ILegacyRowsParams {
  after: number;
  importId: number;
  tableName: string;
}

/** 'LegacyRows' return type */
export interface ILegacyRowsResult {
  /** The row: a JSON array in the order of the columns, in the canonical form of the export. It is text because every byte counts. */
  line: string;
  /** Line in the file of the table, from 1. */
  lineNumber: number;
  /** Previous content of a merged row. */
  previous: Json | null;
  /** `added`; `merged` into an existing row that no user had changed; `same` as an existing row, which stayed; `quarantined`, see problems; `kept` here only, because its table is not imported. */
  state: string;
  /** Primary key of the imported row. Null for records, which organization and pfaId identify. */
  target: Json | null;
}

/** 'LegacyRows' query type */
export interface ILegacyRowsQuery {
  params: ILegacyRowsParams;
  result: ILegacyRowsResult;
}

const legacyRowsIR: any = {"usedParamSet":{"importId":true,"tableName":true,"after":true},"params":[{"name":"importId","required":true,"transform":{"type":"scalar"},"locs":[{"a":112,"b":121}]},{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":140,"b":150}]},{"name":"after","required":true,"transform":{"type":"scalar"},"locs":[{"a":170,"b":176}]}],"statement":"select line_number as \"lineNumber\", line, state, target, previous from app_private.legacy_row\nwhere import_id = :importId! and table_name = :tableName! and line_number > :after!\norder by line_number limit 5000"};

/**
 * Query generated from SQL:
 * ```
 * select line_number as "lineNumber", line, state, target, previous from app_private.legacy_row
 * where import_id = :importId! and table_name = :tableName! and line_number > :after!
 * order by line_number limit 5000
 * ```
 */
export const legacyRows = new PreparedQuery<ILegacyRowsParams,ILegacyRowsResult>(legacyRowsIR);


/** 'LegacyDifferences' parameters type */
export interface ILegacyDifferencesParams {
  tableName: string;
}

/** 'LegacyDifferences' return type */
export interface ILegacyDifferencesResult {
  columnName: string;
  currentValue: Json | null;
  isKeptBySystem: boolean;
  legacyId: string | null;
  legacyValue: Json | null;
  lineNumber: number;
  state: string;
}

/** 'LegacyDifferences' query type */
export interface ILegacyDifferencesQuery {
  params: ILegacyDifferencesParams;
  result: ILegacyDifferencesResult;
}

const legacyDifferencesIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":286,"b":296},{"a":393,"b":403}]}],"statement":"select d.line_number as \"lineNumber!\", d.legacy_id as \"legacyId\", d.state as \"state!\", d.column_name as \"columnName!\",\n  d.legacy_value as \"legacyValue\", d.current_value as \"currentValue\",\n  coalesce((select c.is_kept_by_system from app_private.legacy_column c\n    where c.table_name = :tableName! and c.target = d.column_name), false) as \"isKeptBySystem!\"\nfrom app_private.legacy_differences(:tableName!) d\norder by d.line_number, d.column_name"};

/**
 * Query generated from SQL:
 * ```
 * select d.line_number as "lineNumber!", d.legacy_id as "legacyId", d.state as "state!", d.column_name as "columnName!",
 *   d.legacy_value as "legacyValue", d.current_value as "currentValue",
 *   coalesce((select c.is_kept_by_system from app_private.legacy_column c
 *     where c.table_name = :tableName! and c.target = d.column_name), false) as "isKeptBySystem!"
 * from app_private.legacy_differences(:tableName!) d
 * order by d.line_number, d.column_name
 * ```
 */
export const legacyDifferences = new PreparedQuery<ILegacyDifferencesParams,ILegacyDifferencesResult>(legacyDifferencesIR);


/** 'RollBackLegacyTable' parameters type */
export interface IRollBackLegacyTableParams {
  tableName: string;
}

/** 'RollBackLegacyTable' return type */
export interface IRollBackLegacyTableResult {
  legacyId: string | null;
  lineNumber: number;
  outcome: string;
  reason: string | null;
  state: string;
}

/** 'RollBackLegacyTable' query type */
export interface IRollBackLegacyTableQuery {
  params: IRollBackLegacyTableParams;
  result: IRollBackLegacyTableResult;
}

const rollBackLegacyTableIR: any = {"usedParamSet":{"tableName":true},"params":[{"name":"tableName","required":true,"transform":{"type":"scalar"},"locs":[{"a":151,"b":161}]}],"statement":"select state as \"state!\", legacy_id as \"legacyId\", line_number as \"lineNumber!\", outcome as \"outcome!\", reason\nfrom app_private.roll_back_legacy_table(:tableName!)\norder by line_number"};

/**
 * Query generated from SQL:
 * ```
 * select state as "state!", legacy_id as "legacyId", line_number as "lineNumber!", outcome as "outcome!", reason
 * from app_private.roll_back_legacy_table(:tableName!)
 * order by line_number
 * ```
 */
export const rollBackLegacyTable = new PreparedQuery<IRollBackLegacyTableParams,IRollBackLegacyTableResult>(rollBackLegacyTableIR);


/** 'FinishLegacyRollBack' parameters type */
export interface IFinishLegacyRollBackParams {
  importId: number;
}

/** 'FinishLegacyRollBack' return type */
export interface IFinishLegacyRollBackResult {
  finish_legacy_roll_back: undefined | null;
}

/** 'FinishLegacyRollBack' query type */
export interface IFinishLegacyRollBackQuery {
  params: IFinishLegacyRollBackParams;
  result: IFinishLegacyRollBackResult;
}

const finishLegacyRollBackIR: any = {"usedParamSet":{"importId":true},"params":[{"name":"importId","required":true,"transform":{"type":"scalar"},"locs":[{"a":43,"b":52}]}],"statement":"select app_private.finish_legacy_roll_back(:importId!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.finish_legacy_roll_back(:importId!)
 * ```
 */
export const finishLegacyRollBack = new PreparedQuery<IFinishLegacyRollBackParams,IFinishLegacyRollBackResult>(finishLegacyRollBackIR);


/** 'LegacyEndpoints' parameters type */
export type ILegacyEndpointsParams = void;

/** 'LegacyEndpoints' return type */
export interface ILegacyEndpointsResult {
  legacyId: string | null;
  name: string | null;
  settings: Json;
  stored: string | null;
  url: string | null;
}

/** 'LegacyEndpoints' query type */
export interface ILegacyEndpointsQuery {
  params: ILegacyEndpointsParams;
  result: ILegacyEndpointsResult;
}

const legacyEndpointsIR: any = {"usedParamSet":{},"params":[],"statement":"select legacy_id as \"legacyId\", name, stored, url, settings as \"settings!\" from app_private.legacy_endpoints()"};

/**
 * Query generated from SQL:
 * ```
 * select legacy_id as "legacyId", name, stored, url, settings as "settings!" from app_private.legacy_endpoints()
 * ```
 */
export const legacyEndpoints = new PreparedQuery<ILegacyEndpointsParams,ILegacyEndpointsResult>(legacyEndpointsIR);


/** 'LegacyModifications' parameters type */
export type ILegacyModificationsParams = void;

/** 'LegacyModifications' return type */
export interface ILegacyModificationsResult {
  drafts: number;
  kind: string;
  modifications: number;
  unknownBases: number;
}

/** 'LegacyModifications' query type */
export interface ILegacyModificationsQuery {
  params: ILegacyModificationsParams;
  result: ILegacyModificationsResult;
}

const legacyModificationsIR: any = {"usedParamSet":{},"params":[],"statement":"select kind as \"kind!\", modifications as \"modifications!\", drafts as \"drafts!\", unknown_bases as \"unknownBases!\"\nfrom app_private.legacy_modifications()"};

/**
 * Query generated from SQL:
 * ```
 * select kind as "kind!", modifications as "modifications!", drafts as "drafts!", unknown_bases as "unknownBases!"
 * from app_private.legacy_modifications()
 * ```
 */
export const legacyModifications = new PreparedQuery<ILegacyModificationsParams,ILegacyModificationsResult>(legacyModificationsIR);


/** 'CountLegacyAdministrators' parameters type */
export type ICountLegacyAdministratorsParams = void;

/** 'CountLegacyAdministrators' return type */
export interface ICountLegacyAdministratorsResult {
  administrators: number | null;
}

/** 'CountLegacyAdministrators' query type */
export interface ICountLegacyAdministratorsQuery {
  params: ICountLegacyAdministratorsParams;
  result: ICountLegacyAdministratorsResult;
}

const countLegacyAdministratorsIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.count_legacy_administrators() as \"administrators\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.count_legacy_administrators() as "administrators"
 * ```
 */
export const countLegacyAdministrators = new PreparedQuery<ICountLegacyAdministratorsParams,ICountLegacyAdministratorsResult>(countLegacyAdministratorsIR);


