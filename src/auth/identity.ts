import type pg from 'pg';
import { sessionClaims } from '../../sql/auth/auth.queries.ts';
import { prepared } from '../database/prepared.ts';
import { VanguardError } from '../errors.ts';

/** The session that an access token names. */
export interface Session {
  userId: number;
  sessionId: string;
}

/** The user of a request, with current rights. */
export interface Identity extends Session {
  username: string;
  mustChangePassword: boolean;
  /**
   * Settings that the policies read. `role` switches the transaction to the visitor, `plan_cache_mode` sets its
   * planning.
   */
  settings: Readonly<Record<string, string>>;
}

const arrayLiteral = (ids: readonly number[]) => `{${ids.join(',')}}`;

/** Settings without a signed-in user: nothing is visible. */
export const anonymousSettings: Readonly<Record<string, string>> = { role: 'vanguard_visitor' };

/**
 * Looks up the current rights of the user of a session. Throws UNAUTHENTICATED if the session has ended, or the account
 * is disabled or deleted.
 */
export async function identify(pool: pg.Pool, { userId, sessionId }: Session): Promise<Identity> {
  const [claims] = await sessionClaims.run({ userId, sessionId }, prepared(pool));
  if (!claims) {
    throw new VanguardError(
      'UNAUTHENTICATED',
      'You were signed out, or this account was disabled or deleted.',
      { hint: 'Sign in again, or ask an administrator.' },
    );
  }
  return {
    userId,
    sessionId,
    username: claims.username,
    mustChangePassword: claims.mustChangePassword,
    settings: {
      role: 'vanguard_visitor',
      'jwt.claims.user_id': String(userId),
      'jwt.claims.organization_ids': arrayLiteral(claims.organizationIds),
      'jwt.claims.writable_organization_ids': arrayLiteral(claims.writableOrganizationIds),
      'jwt.claims.administered_organization_ids': arrayLiteral(claims.administeredOrganizationIds),
      'jwt.claims.is_administrator': String(claims.isAdministrator),
      plan_cache_mode: claims.planCacheMode,
    },
  };
}
