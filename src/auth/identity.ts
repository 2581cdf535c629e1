import type pg from 'pg';
import { sessionClaims } from '../../sql/auth/auth.queries.ts';
import { prepared } from '../database/prepared.ts';
import { VanguardError } from '../errors.ts';

/** A sign-in, as an access token names it. */
export interface Session {
  userId: number;
  sessionId: string;
}

/** Who asks, and what that person may do at this moment. */
export interface Identity extends Session {
  username: string;
  mustChangePassword: boolean;
  /** What the policies read, by setting; `role` makes the transaction the visitor's, `plan_cache_mode` says how it is planned. */
  settings: Readonly<Record<string, string>>;
}

const arrayLiteral = (ids: readonly number[]) => `{${ids.join(',')}}`;

/** The settings of somebody who has not signed in: nothing may be seen. */
export const anonymousSettings: Readonly<Record<string, string>> = { role: 'vanguard_visitor' };

/** Looks up what the user of a session may do right now. Refuses with UNAUTHENTICATED when it has ended, or the account is gone or switched off. */
export async function identify(pool: pg.Pool, { userId, sessionId }: Session): Promise<Identity> {
  const [claims] = await sessionClaims.run({ userId, sessionId }, prepared(pool));
  if (!claims) {
    throw new VanguardError(
      'UNAUTHENTICATED',
      'You were signed out, or this account has been switched off or does not exist any more.',
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
