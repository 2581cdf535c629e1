/** Types generated for queries found in "sql/people/people.sql" */
import { PreparedQuery } from '@pgtyped/runtime';

/** 'CreateUser' parameters type */
export interface ICreateUserParams {
  role: string;
  username: string;
}

/** 'CreateUser' return type */
export interface ICreateUserResult {
  /** Identifier. */
  id: number;
  /** Name for signing in; unique in any case. */
  username: string;
}

/** 'CreateUser' query type */
export interface ICreateUserQuery {
  params: ICreateUserParams;
  result: ICreateUserResult;
}

const createUserIR: any = {"usedParamSet":{"username":true,"role":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":54,"b":63}]},{"name":"role","required":true,"transform":{"type":"scalar"},"locs":[{"a":66,"b":71}]}],"statement":"insert into app_public.users (username, role) values (:username!, :role!) returning id, username"};

/**
 * Query generated from SQL:
 * ```
 * insert into app_public.users (username, role) values (:username!, :role!) returning id, username
 * ```
 */
export const createUser = new PreparedQuery<ICreateUserParams,ICreateUserResult>(createUserIR);


/** 'FindUser' parameters type */
export interface IFindUserParams {
  username: string;
}

/** 'FindUser' return type */
export interface IFindUserResult {
  /** Optional email address; unique in any case. */
  email: string | null;
  /** Identifier. */
  id: number;
  /** Whether the user is enabled. A disabled user has no access from the next request on. */
  isActive: boolean;
  /** Name for signing in; unique in any case. */
  username: string;
}

/** 'FindUser' query type */
export interface IFindUserQuery {
  params: IFindUserParams;
  result: IFindUserResult;
}

const findUserIR: any = {"usedParamSet":{"username":true},"params":[{"name":"username","required":true,"transform":{"type":"scalar"},"locs":[{"a":104,"b":113}]}],"statement":"select id, username, email, is_active as \"isActive\" from app_public.users where lower(username) = lower(:username!)"};

/**
 * Query generated from SQL:
 * ```
 * select id, username, email, is_active as "isActive" from app_public.users where lower(username) = lower(:username!)
 * ```
 */
export const findUser = new PreparedQuery<IFindUserParams,IFindUserResult>(findUserIR);


/** 'SetUserActive' parameters type */
export interface ISetUserActiveParams {
  isActive: boolean;
  userId: number;
}

/** 'SetUserActive' return type */
export type ISetUserActiveResult = void;

/** 'SetUserActive' query type */
export interface ISetUserActiveQuery {
  params: ISetUserActiveParams;
  result: ISetUserActiveResult;
}

const setUserActiveIR: any = {"usedParamSet":{"isActive":true,"userId":true},"params":[{"name":"isActive","required":true,"transform":{"type":"scalar"},"locs":[{"a":40,"b":49}]},{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":62,"b":69}]}],"statement":"update app_public.users set is_active = :isActive! where id = :userId!"};

/**
 * Query generated from SQL:
 * ```
 * update app_public.users set is_active = :isActive! where id = :userId!
 * ```
 */
export const setUserActive = new PreparedQuery<ISetUserActiveParams,ISetUserActiveResult>(setUserActiveIR);


/** 'AddMembership' parameters type */
export interface IAddMembershipParams {
  organization: string;
  role: string;
  userId: number;
}

/** 'AddMembership' return type */
export interface IAddMembershipResult {
  /** The organization. */
  organizationId: number;
}

/** 'AddMembership' query type */
export interface IAddMembershipQuery {
  params: IAddMembershipParams;
  result: IAddMembershipResult;
}

const addMembershipIR: any = {"usedParamSet":{"userId":true,"role":true,"organization":true},"params":[{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":88,"b":95}]},{"name":"role","required":true,"transform":{"type":"scalar"},"locs":[{"a":98,"b":103}]},{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":152,"b":165}]}],"statement":"insert into app_public.user_organizations (organization_id, user_id, role)\nselect o.id, :userId!, :role! from app_public.organizations o where o.code = :organization!\non conflict (organization_id, user_id) do update set role = excluded.role\nreturning organization_id as \"organizationId\""};

/**
 * Query generated from SQL:
 * ```
 * insert into app_public.user_organizations (organization_id, user_id, role)
 * select o.id, :userId!, :role! from app_public.organizations o where o.code = :organization!
 * on conflict (organization_id, user_id) do update set role = excluded.role
 * returning organization_id as "organizationId"
 * ```
 */
export const addMembership = new PreparedQuery<IAddMembershipParams,IAddMembershipResult>(addMembershipIR);


/** 'RemoveMembership' parameters type */
export interface IRemoveMembershipParams {
  organization: string;
  userId: number;
}

/** 'RemoveMembership' return type */
export interface IRemoveMembershipResult {
  /** The organization. */
  organizationId: number;
}

/** 'RemoveMembership' query type */
export interface IRemoveMembershipQuery {
  params: IRemoveMembershipParams;
  result: IRemoveMembershipResult;
}

const removeMembershipIR: any = {"usedParamSet":{"organization":true,"userId":true},"params":[{"name":"organization","required":true,"transform":{"type":"scalar"},"locs":[{"a":121,"b":134}]},{"name":"userId","required":true,"transform":{"type":"scalar"},"locs":[{"a":152,"b":159}]}],"statement":"delete from app_public.user_organizations m using app_public.organizations o\nwhere o.id = m.organization_id and o.code = :organization! and m.user_id = :userId!\nreturning m.organization_id as \"organizationId\""};

/**
 * Query generated from SQL:
 * ```
 * delete from app_public.user_organizations m using app_public.organizations o
 * where o.id = m.organization_id and o.code = :organization! and m.user_id = :userId!
 * returning m.organization_id as "organizationId"
 * ```
 */
export const removeMembership = new PreparedQuery<IRemoveMembershipParams,IRemoveMembershipResult>(removeMembershipIR);


/** 'ListOrganizationCodes' parameters type */
export type IListOrganizationCodesParams = void;

/** 'ListOrganizationCodes' return type */
export interface IListOrganizationCodesResult {
  /** Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits. */
  code: string;
}

/** 'ListOrganizationCodes' query type */
export interface IListOrganizationCodesQuery {
  params: IListOrganizationCodesParams;
  result: IListOrganizationCodesResult;
}

const listOrganizationCodesIR: any = {"usedParamSet":{},"params":[],"statement":"select code from app_public.organizations order by code"};

/**
 * Query generated from SQL:
 * ```
 * select code from app_public.organizations order by code
 * ```
 */
export const listOrganizationCodes = new PreparedQuery<IListOrganizationCodesParams,IListOrganizationCodesResult>(listOrganizationCodesIR);


