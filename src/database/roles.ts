import { createHmac } from 'node:crypto';

/** Roles that log in; the visitor does not, the authenticator becomes it for each request. */
export const loginRoles = [
  'vanguard_owner',
  'vanguard_authenticator',
  'vanguard_worker',
  'vanguard_ai_reader',
] as const;
export type LoginRole = (typeof loginRoles)[number];

/** The connection string of each role that the product uses. */
export interface RoleUrls {
  /** Runs migrations, owns everything, is no superuser. */
  owner: string;
  /** The server's login. */
  authenticator: string;
  /** The worker's login. */
  worker: string;
}

/** The password that `bootstrap` gives a role: derived, so that one secret is enough, and no role can tell another's. */
export function rolePassword(secret: string, role: LoginRole): string {
  return createHmac('sha256', secret).update(`database role ${role}`).digest('base64url');
}

/** `url` with another database and the same login. */
export function urlTo(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** The logins of all roles to the database that `url` names. */
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

/** The name of the database in a connection string. */
export function databaseName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';
}
