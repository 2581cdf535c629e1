import { createHmac } from 'node:crypto';

/** Roles that log in. The visitor does not: the authenticator switches to it for each request. */
export const loginRoles = [
  'vanguard_owner',
  'vanguard_authenticator',
  'vanguard_worker',
  'vanguard_ai_reader',
] as const;
export type LoginRole = (typeof loginRoles)[number];

/** Connection string of each role. */
export interface RoleUrls {
  /** Runs migrations and owns everything; not a superuser. */
  owner: string;
  /** Login of the server. */
  authenticator: string;
  /** Login of the worker. */
  worker: string;
}

/**
 * Returns the password that `bootstrap` sets for a role. It is derived, so that one secret is enough and no role can
 * compute another's password.
 */
export function rolePassword(secret: string, role: LoginRole): string {
  return createHmac('sha256', secret).update(`database role ${role}`).digest('base64url');
}

/** Returns `url` with another database and the same login. */
export function urlTo(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** Returns the connection strings of all roles for the database of `url`. */
export function roleUrls(url: string, secret: string, database?: string): RoleUrls {
  const as = (role: LoginRole) => {
    const login = new URL(database === undefined ? url : urlTo(url, database));
    login.username = role;
    login.password = rolePassword(secret, role);
    return login.href;
  };
  return {
    owner: as('vanguard_owner'),
    authenticator: as('vanguard_authenticator'),
    worker: as('vanguard_worker'),
  };
}

/** Returns the name of the database in a connection string. */
export function databaseName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';
}
