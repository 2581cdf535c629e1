/** Types generated for queries found in "sql/auth/auth.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type numberArray = (number)[];

/** 'RequestClaims' parameters type */
export interface IRequestClaimsParams {
  userId: number;
}

/** 'RequestClaims' return type */
export interface IRequestClaimsResult {
  administeredOrganizationIds: numberArray;
  isAdministrator: boolean;
  mustChangePassword: boolean;
  organizationIds: numberArray;
  username: string;
  writableOrganizationIds: numberArray;
}

/** 'RequestClaims' query type */
export interface IRequestClaimsQuery {
  params: IRequestClaimsParams;
  result: IRequestClaimsResult;
}

const requestClaimsIR: any = {"usedParamSet":{"userId":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":316,"b":323}]}],"statement":"select username as \"username!\", is_administrator as \"isAdministrator!\", must_change_password as \"mustChangePassword!\",\n  organization_ids as \"organizationIds!\", writable_organization_ids as \"writableOrganizationIds!\",\n  administered_organization_ids as \"administeredOrganizationIds!\"\nfrom app_private.request_claims(:userId!)"};

/**
 * Query generated from SQL:
 * ```
 * select username as "username!", is_administrator as "isAdministrator!", must_change_password as "mustChangePassword!",
 *   organization_ids as "organizationIds!", writable_organization_ids as "writableOrganizationIds!",
 *   administered_organization_ids as "administeredOrganizationIds!"
 * from app_private.request_claims(:userId!)
 * ```
 */
export const requestClaims = new PreparedQuery<IRequestClaimsParams,IRequestClaimsResult>(requestClaimsIR);


/** 'FindLogin' parameters type */
export interface IFindLoginParams {
  username: string;
}

/** 'FindLogin' return type */
export interface IFindLoginResult {
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

const findLoginIR: any = {"usedParamSet":{"username":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":162,"b":171}]}],"statement":"select user_id as \"userId!\", username as \"username!\", password_hash as \"passwordHash!\", must_change_password as \"mustChangePassword!\"\nfrom app_private.find_login(:username!)"};

/**
 * Query generated from SQL:
 * ```
 * select user_id as "userId!", username as "username!", password_hash as "passwordHash!", must_change_password as "mustChangePassword!"
 * from app_private.find_login(:username!)
 * ```
 */
export const findLogin = new PreparedQuery<IFindLoginParams,IFindLoginResult>(findLoginIR);


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
  familyId: string | null;
}

/** 'StartSession' query type */
export interface IStartSessionQuery {
  params: IStartSessionParams;
  result: IStartSessionResult;
}

const startSessionIR: any = {"usedParamSet":{"userId":true,"passwordHash":true,"tokenHash":true,"lifetimeSeconds":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":33,"b":40}]},{"name":"passwordHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":43,"b":56}]},{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":59,"b":69}]},{"name":"lifetimeSeconds","required":true,"transform":{"type":"scalar"},"locs":[{"a":94,"b":110}]}],"statement":"select app_private.start_session(:userId!, :passwordHash!, :tokenHash!, make_interval(secs => :lifetimeSeconds!)) as \"familyId?\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.start_session(:userId!, :passwordHash!, :tokenHash!, make_interval(secs => :lifetimeSeconds!)) as "familyId?"
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
  familyId: string;
  isReused: boolean;
  userId: number;
}

/** 'RotateRefreshToken' query type */
export interface IRotateRefreshTokenQuery {
  params: IRotateRefreshTokenParams;
  result: IRotateRefreshTokenResult;
}

const rotateRefreshTokenIR: any = {"usedParamSet":{"tokenHash":true,"newTokenHash":true,"lifetimeSeconds":true},"params":[{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":118,"b":128}]},{"name":"newTokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":131,"b":144}]},{"name":"lifetimeSeconds","required":true,"transform":{"type":"scalar"},"locs":[{"a":169,"b":185}]}],"statement":"select user_id as \"userId!\", family_id as \"familyId!\", is_reused as \"isReused!\"\nfrom app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!))"};

/**
 * Query generated from SQL:
 * ```
 * select user_id as "userId!", family_id as "familyId!", is_reused as "isReused!"
 * from app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!))
 * ```
 */
export const rotateRefreshToken = new PreparedQuery<IRotateRefreshTokenParams,IRotateRefreshTokenResult>(rotateRefreshTokenIR);


/** 'EndSession' parameters type */
export interface IEndSessionParams {
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

const endSessionIR: any = {"usedParamSet":{"tokenHash":true},"params":[{"name":"tokenHash","required":true,"transform":{"type":"scalar"},"locs":[{"a":31,"b":41}]}],"statement":"select app_private.end_session(:tokenHash!) as \"ended!\""};

/**
 * Query generated from SQL:
 * ```
 * select app_private.end_session(:tokenHash!) as "ended!"
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
  nonce: Buffer;
  publicJwk: Json;
  retiredAt: Date | null;
}

/** 'ListSigningKeys' query type */
export interface IListSigningKeysQuery {
  params: IListSigningKeysParams;
  result: IListSigningKeysResult;
}

const listSigningKeysIR: any = {"usedParamSet":{},"params":[],"statement":"select kid as \"kid!\", algorithm as \"algorithm!\", public_jwk as \"publicJwk!\", key_id as \"keyId!\", nonce as \"nonce!\",\n  ciphertext as \"ciphertext!\", retired_at as \"retiredAt?\"\nfrom app_private.list_signing_keys()"};

/**
 * Query generated from SQL:
 * ```
 * select kid as "kid!", algorithm as "algorithm!", public_jwk as "publicJwk!", key_id as "keyId!", nonce as "nonce!",
 *   ciphertext as "ciphertext!", retired_at as "retiredAt?"
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


