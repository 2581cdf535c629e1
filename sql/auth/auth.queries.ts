/** Types generated for queries found in "sql/auth/auth.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type NumberOrString = number | string;

export type numberArray = (number)[];

export type stringArray = (string)[];

/** 'SessionClaims' parameters type */
export interface ISessionClaimsParams {
  sessionId: string;
  userId: number;
}

/** 'SessionClaims' return type */
export interface ISessionClaimsResult {
  administeredOrganizationIds: numberArray;
  isAdministrator: boolean;
  mustChangePassword: boolean;
  organizationIds: numberArray;
  planCacheMode: string;
  username: string;
  writableOrganizationIds: numberArray;
}

/** 'SessionClaims' query type */
export interface ISessionClaimsQuery {
  params: ISessionClaimsParams;
  result: ISessionClaimsResult;
}

const sessionClaimsIR: any = {"usedParamSet":{"sessionId":true,"userId":true},"params":[{"name":"sessionId","required":true,"transform":{"type":"scalar"},"locs":[{"a":353,"b":363}]},{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":366,"b":373}]}],"statement":"select username as \"username!\", is_administrator as \"isAdministrator!\", must_change_password as \"mustChangePassword!\",\n  organization_ids as \"organizationIds!\", writable_organization_ids as \"writableOrganizationIds!\",\n  administered_organization_ids as \"administeredOrganizationIds!\", plan_cache_mode as \"planCacheMode!\"\nfrom app_private.session_claims(:sessionId!, :userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select username as "username!", is_administrator as "isAdministrator!", must_change_password as "mustChangePassword!",
 *   organization_ids as "organizationIds!", writable_organization_ids as "writableOrganizationIds!",
 *   administered_organization_ids as "administeredOrganizationIds!", plan_cache_mode as "planCacheMode!"
 * from app_private.session_claims(:sessionId!, :userId!)
 * ```
 */
export const sessionClaims = new PreparedQuery<ISessionClaimsParams,ISessionClaimsResult>(sessionClaimsIR);


/** 'NoteSignInAttempt' parameters type */
export interface INoteSignInAttemptParams {
  address: string;
  username: string;
}

/** 'NoteSignInAttempt' return type */
export interface INoteSignInAttemptResult {
  secondsToWait: number;
}

/** 'NoteSignInAttempt' query type */
export interface INoteSignInAttemptQuery {
  params: INoteSignInAttemptParams;
  result: INoteSignInAttemptResult;
}

const noteSignInAttemptIR: any = {"usedParamSet":{"username":true,"address":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":49}]},{"name":"address","required":true,"transform":{"type":"scalar"},"locs":[{"a":52,"b":60}]}],"statement":"select app_private.note_sign_in_attempt(:username!, :address!::text::inet) as \"secondsToWait!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_sign_in_attempt(:username!, :address!::text::inet) as "secondsToWait!"
 * ```
 */
export const noteSignInAttempt = new PreparedQuery<INoteSignInAttemptParams,INoteSignInAttemptResult>(noteSignInAttemptIR);


/** 'NoteSignInSuccess' parameters type */
export interface INoteSignInSuccessParams {
  address: string;
  username: string;
}

/** 'NoteSignInSuccess' return type */
export interface INoteSignInSuccessResult {
  note_sign_in_success: undefined | null;
}

/** 'NoteSignInSuccess' query type */
export interface INoteSignInSuccessQuery {
  params: INoteSignInSuccessParams;
  result: INoteSignInSuccessResult;
}

const noteSignInSuccessIR: any = {"usedParamSet":{"username":true,"address":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":49}]},{"name":"address","required":true,"transform":{"type":"scalar"},"locs":[{"a":52,"b":60}]}],"statement":"select app_private.note_sign_in_success(:username!, :address!::text::inet)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.note_sign_in_success(:username!, :address!::text::inet)
 * ```
 */
export const noteSignInSuccess = new PreparedQuery<INoteSignInSuccessParams,INoteSignInSuccessResult>(noteSignInSuccessIR);


/** 'ClearSignInAttempts' parameters type */
export interface IClearSignInAttemptsParams {
  username: string;
}

/** 'ClearSignInAttempts' return type */
export interface IClearSignInAttemptsResult {
  cleared: number;
}

/** 'ClearSignInAttempts' query type */
export interface IClearSignInAttemptsQuery {
  params: IClearSignInAttemptsParams;
  result: IClearSignInAttemptsResult;
}

const clearSignInAttemptsIR: any = {"usedParamSet":{"username":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":42,"b":51}]}],"statement":"select app_private.clear_sign_in_attempts(:username!) as \"cleared!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.clear_sign_in_attempts(:username!) as "cleared!"
 * ```
 */
export const clearSignInAttempts = new PreparedQuery<IClearSignInAttemptsParams,IClearSignInAttemptsResult>(clearSignInAttemptsIR);


/** 'FindLogin' parameters type */
export interface IFindLoginParams {
  username: string;
}

/** 'FindLogin' return type */
export interface IFindLoginResult {
  email: string | null;
  mustChangePassword: boolean;
  passwordHash: string;
  userId: number;
  username: string;
}

/** 'FindLogin' query type */
export interface IFindLoginQuery {
  params: IFindLoginParams;
  result: IFindLoginResult;
}

const findLoginIR: any = {"usedParamSet":{"username":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":183,"b":192}]}],"statement":"select user_id as \"userId!\", username as \"username!\", email as \"email?\", password_hash as \"passwordHash!\",\n  must_change_password as \"mustChangePassword!\"\nfrom app_private.find_login(:username!)"};

/**
 * Query generated from SQL:
 * ```
 * select user_id as "userId!", username as "username!", email as "email?", password_hash as "passwordHash!",
 *   must_change_password as "mustChangePassword!"
 * from app_private.find_login(:username!)
 * ```
 */
export const findLogin = new PreparedQuery<IFindLoginParams,IFindLoginResult>(findLoginIR);


/** 'PasswordHashKinds' parameters type */
export type IPasswordHashKindsParams = void;

/** 'PasswordHashKinds' return type */
export interface IPasswordHashKindsResult {
  kinds: stringArray;
}

/** 'PasswordHashKinds' query type */
export interface IPasswordHashKindsQuery {
  params: IPasswordHashKindsParams;
  result: IPasswordHashKindsResult;
}

const passwordHashKindsIR: any = {"usedParamSet":{},"params":[],"statement":"select app_private.password_hash_kinds() as \"kinds!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.password_hash_kinds() as "kinds!"
 * ```
 */
export const passwordHashKinds = new PreparedQuery<IPasswordHashKindsParams,IPasswordHashKindsResult>(passwordHashKindsIR);


/** 'SetPassword' parameters type */
export interface ISetPasswordParams {
  mustChange: boolean;
  passwordHash: string;
  userId: number;
}

/** 'SetPassword' return type */
export interface ISetPasswordResult {
  set_password: undefined | null;
}

/** 'SetPassword' query type */
export interface ISetPasswordQuery {
  params: ISetPasswordParams;
  result: ISetPasswordResult;
}

const setPasswordIR: any = {"usedParamSet":{"userId":true,"passwordHash":true,"mustChange":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":32,"b":39}]},{"name":"passwordHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":42,"b":55}]},{"name":"mustChange","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":69}]}],"statement":"select app_private.set_password(:userId!, :passwordHash!, :mustChange!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.set_password(:userId!, :passwordHash!, :mustChange!)
 * ```
 */
export const setPassword = new PreparedQuery<ISetPasswordParams,ISetPasswordResult>(setPasswordIR);


/** 'UpgradePasswordHash' parameters type */
export interface IUpgradePasswordHashParams {
  newHash: string;
  oldHash: string;
  userId: number;
}

/** 'UpgradePasswordHash' return type */
export interface IUpgradePasswordHashResult {
  upgrade_password_hash: undefined | null;
}

/** 'UpgradePasswordHash' query type */
export interface IUpgradePasswordHashQuery {
  params: IUpgradePasswordHashParams;
  result: IUpgradePasswordHashResult;
}

const upgradePasswordHashIR: any = {"usedParamSet":{"userId":true,"oldHash":true,"newHash":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":41,"b":48}]},{"name":"oldHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":51,"b":59}]},{"name":"newHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":62,"b":70}]}],"statement":"select app_private.upgrade_password_hash(:userId!, :oldHash!, :newHash!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.upgrade_password_hash(:userId!, :oldHash!, :newHash!)
 * ```
 */
export const upgradePasswordHash = new PreparedQuery<IUpgradePasswordHashParams,IUpgradePasswordHashResult>(upgradePasswordHashIR);


/** 'StartSession' parameters type */
export interface IStartSessionParams {
  lifetimeSeconds: number;
  passwordHash: string;
  tokenHash: Buffer;
  userId: number;
}

/** 'StartSession' return type */
export interface IStartSessionResult {
  sessionId: string | null;
}

/** 'StartSession' query type */
export interface IStartSessionQuery {
  params: IStartSessionParams;
  result: IStartSessionResult;
}

const startSessionIR: any = {"usedParamSet":{"userId":true,"passwordHash":true,"tokenHash":true,"lifetimeSeconds":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":40}]},{"name":"passwordHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":43,"b":56}]},{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":59,"b":69}]},{"name":"lifetimeSeconds","required":true,"transform":{"type":"scalar"},"locs":[{"a":96,"b":112}]}],"statement":"select app_private.start_session(:userId!, :passwordHash!, :tokenHash!,\n  make_interval(secs => :lifetimeSeconds!)) as \"sessionId?\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.start_session(:userId!, :passwordHash!, :tokenHash!,
 *   make_interval(secs => :lifetimeSeconds!)) as "sessionId?"
 * ```
 */
export const startSession = new PreparedQuery<IStartSessionParams,IStartSessionResult>(startSessionIR);


/** 'ChangePassword' parameters type */
export interface IChangePasswordParams {
  newHash: string;
  oldHash: string;
  userId: number;
}

/** 'ChangePassword' return type */
export interface IChangePasswordResult {
  isChanged: boolean;
}

/** 'ChangePassword' query type */
export interface IChangePasswordQuery {
  params: IChangePasswordParams;
  result: IChangePasswordResult;
}

const changePasswordIR: any = {"usedParamSet":{"userId":true,"oldHash":true,"newHash":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":42}]},{"name":"oldHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":45,"b":53}]},{"name":"newHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":56,"b":64}]}],"statement":"select app_private.change_password(:userId!, :oldHash!, :newHash!) as \"isChanged!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.change_password(:userId!, :oldHash!, :newHash!) as "isChanged!"
 * ```
 */
export const changePassword = new PreparedQuery<IChangePasswordParams,IChangePasswordResult>(changePasswordIR);


/** 'RotateRefreshToken' parameters type */
export interface IRotateRefreshTokenParams {
  lifetimeSeconds: number;
  newTokenHash: Buffer;
  tokenHash: Buffer;
}

/** 'RotateRefreshToken' return type */
export interface IRotateRefreshTokenResult {
  isReused: boolean;
  sessionId: string;
  userId: number;
}

/** 'RotateRefreshToken' query type */
export interface IRotateRefreshTokenQuery {
  params: IRotateRefreshTokenParams;
  result: IRotateRefreshTokenResult;
}

const rotateRefreshTokenIR: any = {"usedParamSet":{"tokenHash":true,"newTokenHash":true,"lifetimeSeconds":true},"params":[{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":120,"b":130}]},{"name":"newTokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":133,"b":146}]},{"name":"lifetimeSeconds","required":true,"transform":{"type":"scalar"},"locs":[{"a":171,"b":187}]}],"statement":"select user_id as \"userId!\", session_id as \"sessionId!\", is_reused as \"isReused!\"\nfrom app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!))"};

/**
 * Query generated from SQL:
 * ```
 * select user_id as "userId!", session_id as "sessionId!", is_reused as "isReused!"
 * from app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!))
 * ```
 */
export const rotateRefreshToken = new PreparedQuery<IRotateRefreshTokenParams,IRotateRefreshTokenResult>(rotateRefreshTokenIR);


/** 'EndSession' parameters type */
export interface IEndSessionParams {
  everywhere: boolean;
  tokenHash: Buffer;
}

/** 'EndSession' return type */
export interface IEndSessionResult {
  ended: number;
}

/** 'EndSession' query type */
export interface IEndSessionQuery {
  params: IEndSessionParams;
  result: IEndSessionResult;
}

const endSessionIR: any = {"usedParamSet":{"tokenHash":true,"everywhere":true},"params":[{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":41}]},{"name":"everywhere","required":true,"transform":{"type":"scalar"},"locs":[{"a":44,"b":55}]}],"statement":"select app_private.end_session(:tokenHash!, :everywhere!) as \"ended!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.end_session(:tokenHash!, :everywhere!) as "ended!"
 * ```
 */
export const endSession = new PreparedQuery<IEndSessionParams,IEndSessionResult>(endSessionIR);


/** 'EndAllSessions' parameters type */
export interface IEndAllSessionsParams {
  userId: number;
}

/** 'EndAllSessions' return type */
export interface IEndAllSessionsResult {
  ended: number;
}

/** 'EndAllSessions' query type */
export interface IEndAllSessionsQuery {
  params: IEndAllSessionsParams;
  result: IEndAllSessionsResult;
}

const endAllSessionsIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":36,"b":43}]}],"statement":"select app_private.end_all_sessions(:userId!) as \"ended!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.end_all_sessions(:userId!) as "ended!"
 * ```
 */
export const endAllSessions = new PreparedQuery<IEndAllSessionsParams,IEndAllSessionsResult>(endAllSessionsIR);


/** 'ListSigningKeys' parameters type */
export type IListSigningKeysParams = void;

/** 'ListSigningKeys' return type */
export interface IListSigningKeysResult {
  algorithm: string;
  ciphertext: Buffer;
  keyId: string;
  kid: string;
  maySign: boolean;
  nonce: Buffer;
  publicJwk: Json;
  retiredAt: Date | null;
}

/** 'ListSigningKeys' query type */
export interface IListSigningKeysQuery {
  params: IListSigningKeysParams;
  result: IListSigningKeysResult;
}

const listSigningKeysIR: any = {"usedParamSet":{},"params":[],"statement":"select kid as \"kid!\", algorithm as \"algorithm!\", public_jwk as \"publicJwk!\", key_id as \"keyId!\", nonce as \"nonce!\",\n  ciphertext as \"ciphertext!\", retired_at as \"retiredAt?\", may_sign as \"maySign!\"\nfrom app_private.list_signing_keys()"};

/**
 * Query generated from SQL:
 * ```
 * select kid as "kid!", algorithm as "algorithm!", public_jwk as "publicJwk!", key_id as "keyId!", nonce as "nonce!",
 *   ciphertext as "ciphertext!", retired_at as "retiredAt?", may_sign as "maySign!"
 * from app_private.list_signing_keys()
 * ```
 */
export const listSigningKeys = new PreparedQuery<IListSigningKeysParams,IListSigningKeysResult>(listSigningKeysIR);


/** 'AddSigningKey' parameters type */
export interface IAddSigningKeyParams {
  algorithm: string;
  ciphertext: Buffer;
  keyId: string;
  kid: string;
  nonce: Buffer;
  publicJwk: Json;
}

/** 'AddSigningKey' return type */
export interface IAddSigningKeyResult {
  add_signing_key: undefined | null;
}

/** 'AddSigningKey' query type */
export interface IAddSigningKeyQuery {
  params: IAddSigningKeyParams;
  result: IAddSigningKeyResult;
}

const addSigningKeyIR: any = {"usedParamSet":{"kid":true,"algorithm":true,"publicJwk":true,"keyId":true,"nonce":true,"ciphertext":true},"params":[{"name":"kid","required":true,"transform":{"type":"scalar"},"locs":[{"a":35,"b":39}]},{"name":"algorithm","required":true,"transform":{"type":"scalar"},"locs":[{"a":42,"b":52}]},{"name":"publicJwk","required":true,"transform":{"type":"scalar"},"locs":[{"a":55,"b":65}]},{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":68,"b":74}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":77,"b":83}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":86,"b":97}]}],"statement":"select app_private.add_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.add_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!)
 * ```
 */
export const addSigningKey = new PreparedQuery<IAddSigningKeyParams,IAddSigningKeyResult>(addSigningKeyIR);


/** 'RotateSigningKey' parameters type */
export interface IRotateSigningKeyParams {
  algorithm: string;
  ciphertext: Buffer;
  keyId: string;
  kid: string;
  nonce: Buffer;
  publicJwk: Json;
}

/** 'RotateSigningKey' return type */
export interface IRotateSigningKeyResult {
  rotate_signing_key: undefined | null;
}

/** 'RotateSigningKey' query type */
export interface IRotateSigningKeyQuery {
  params: IRotateSigningKeyParams;
  result: IRotateSigningKeyResult;
}

const rotateSigningKeyIR: any = {"usedParamSet":{"kid":true,"algorithm":true,"publicJwk":true,"keyId":true,"nonce":true,"ciphertext":true},"params":[{"name":"kid","required":true,"transform":{"type":"scalar"},"locs":[{"a":38,"b":42}]},{"name":"algorithm","required":true,"transform":{"type":"scalar"},"locs":[{"a":45,"b":55}]},{"name":"publicJwk","required":true,"transform":{"type":"scalar"},"locs":[{"a":58,"b":68}]},{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":71,"b":77}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":80,"b":86}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":89,"b":100}]}],"statement":"select app_private.rotate_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!)"};

/**
 * Query generated from SQL:
 * ```
 * select app_private.rotate_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!)
 * ```
 */
export const rotateSigningKey = new PreparedQuery<IRotateSigningKeyParams,IRotateSigningKeyResult>(rotateSigningKeyIR);


/** 'LockSigningKeySecrets' parameters type */
export type ILockSigningKeySecretsParams = void;

/** 'LockSigningKeySecrets' return type */
export interface ILockSigningKeySecretsResult {
  /** Private JWK, encrypted with AES-256-GCM, with the tag appended, bound to the kid. */
  ciphertext: Buffer;
  /** Key of VANGUARD_ENCRYPTION_KEYS that encrypts the private half. */
  keyId: string;
  /** Key id in the token header and in the published key set. */
  kid: string;
  /** AES-256-GCM nonce, 96 bits, random. */
  nonce: Buffer;
}

/** 'LockSigningKeySecrets' query type */
export interface ILockSigningKeySecretsQuery {
  params: ILockSigningKeySecretsParams;
  result: ILockSigningKeySecretsResult;
}

const lockSigningKeySecretsIR: any = {"usedParamSet":{},"params":[],"statement":"select kid, key_id as \"keyId\", nonce, ciphertext from app_private.signing_keys order by kid for update"};

/**
 * Query generated from SQL:
 * ```
 * select kid, key_id as "keyId", nonce, ciphertext from app_private.signing_keys order by kid for update
 * ```
 */
export const lockSigningKeySecrets = new PreparedQuery<ILockSigningKeySecretsParams,ILockSigningKeySecretsResult>(lockSigningKeySecretsIR);


/** 'StoreSigningKeySecret' parameters type */
export interface IStoreSigningKeySecretParams {
  ciphertext: Buffer;
  keyId: string;
  kid: string;
  nonce: Buffer;
}

/** 'StoreSigningKeySecret' return type */
export type IStoreSigningKeySecretResult = void;

/** 'StoreSigningKeySecret' query type */
export interface IStoreSigningKeySecretQuery {
  params: IStoreSigningKeySecretParams;
  result: IStoreSigningKeySecretResult;
}

const storeSigningKeySecretIR: any = {"usedParamSet":{"keyId":true,"nonce":true,"ciphertext":true,"kid":true},"params":[{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":45,"b":51}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":62,"b":68}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":84,"b":95}]},{"name":"kid","required":true,"transform":{"type":"scalar"},"locs":[{"a":109,"b":113}]}],"statement":"update app_private.signing_keys set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where kid = :kid!"};

/**
 * Query generated from SQL:
 * ```
 * update app_private.signing_keys set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where kid = :kid!
 * ```
 */
export const storeSigningKeySecret = new PreparedQuery<IStoreSigningKeySecretParams,IStoreSigningKeySecretResult>(storeSigningKeySecretIR);


/** 'LockCredentials' parameters type */
export type ILockCredentialsParams = void;

/** 'LockCredentials' return type */
export interface ILockCredentialsResult {
  /** Provider of the secret, or null. */
  aiProviderId: string | null;
  /** Connection of the secret, or null. */
  apiConfigurationId: string | null;
  /** The encrypted secret with the tag appended. It is bound to its owner and name, so that it cannot be moved to another row. */
  ciphertext: Buffer;
  /** Identifier. */
  id: string;
  /** Key of VANGUARD_ENCRYPTION_KEYS that encrypts the secret. */
  keyId: string;
  /** `authKey` (user name, or header name), `authValue` (password, token or key), `apiKey`. */
  name: string;
  /** AES-256-GCM nonce: 96 random bits. */
  nonce: Buffer;
}

/** 'LockCredentials' query type */
export interface ILockCredentialsQuery {
  params: ILockCredentialsParams;
  result: ILockCredentialsResult;
}

const lockCredentialsIR: any = {"usedParamSet":{},"params":[],"statement":"select id, api_configuration_id as \"apiConfigurationId\", ai_provider_id as \"aiProviderId\", name, key_id as \"keyId\",\n  nonce, ciphertext\nfrom app_private.credentials order by id for update"};

/**
 * Query generated from SQL:
 * ```
 * select id, api_configuration_id as "apiConfigurationId", ai_provider_id as "aiProviderId", name, key_id as "keyId",
 *   nonce, ciphertext
 * from app_private.credentials order by id for update
 * ```
 */
export const lockCredentials = new PreparedQuery<ILockCredentialsParams,ILockCredentialsResult>(lockCredentialsIR);


/** 'StoreCredential' parameters type */
export interface IStoreCredentialParams {
  ciphertext: Buffer;
  id: NumberOrString;
  keyId: string;
  nonce: Buffer;
}

/** 'StoreCredential' return type */
export type IStoreCredentialResult = void;

/** 'StoreCredential' query type */
export interface IStoreCredentialQuery {
  params: IStoreCredentialParams;
  result: IStoreCredentialResult;
}

const storeCredentialIR: any = {"usedParamSet":{"keyId":true,"nonce":true,"ciphertext":true,"id":true},"params":[{"name":"keyId","required":true,"transform":{"type":"scalar"},"locs":[{"a":44,"b":50}]},{"name":"nonce","required":true,"transform":{"type":"scalar"},"locs":[{"a":61,"b":67}]},{"name":"ciphertext","required":true,"transform":{"type":"scalar"},"locs":[{"a":83,"b":94}]},{"name":"id","required":true,"transform":{"type":"scalar"},"locs":[{"a":107,"b":110}]}],"statement":"update app_private.credentials set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where id = :id!"};

/**
 * Query generated from SQL:
 * ```
 * update app_private.credentials set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where id = :id!
 * ```
 */
export const storeCredential = new PreparedQuery<IStoreCredentialParams,IStoreCredentialResult>(storeCredentialIR);


