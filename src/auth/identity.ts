import type pg from 'pg';
import { requestClaims } from '../../sql/auth/auth.queries.ts';
import { VanguardError } from '../errors.ts';

/** Who asks, and what that person may do at this moment. */
export interface Identity {
  userId: number;
  username: string;
  mustChangePassword: boolean;
  /** What the policies read, by setting; `role` makes the transaction the visitor's. */
  settings: Readonly<Record<string, string>>;
}

const arrayLiteral = (ids: readonly number[]) => `{${ids.join(',')}}`;

/** The settings of somebody who has not signed in: nothing may be seen. */
export const anonymousSettings: Readonly<Record<string, string>> = { role: 'vanguard_visitor' };

/** Looks up what a user may do right now. Refuses with UNAUTHENTICATED when the account is gone or switched off. */
export async function identify(pool: pg.Pool, userId: number): Promise<Identity> {
  const [claims] = await requestClaims.run({ userId }, pool);
  if (!claims) {
    throw new VanguardError(
      'UNAUTHENTICATED',
      'This account has been switched off or does not exist any more.',
      {
        hint: 'Ask an administrator.',
      },
    );
  }
  return {
    userId,
    username: claims.username,
    mustChangePassword: claims.mustChangePassword,
    settings: {
      role: 'vanguard_visitor',
      'jwt.claims.user_id': String(userId),
      'jwt.claims.organization_ids': arrayLiteral(claims.organizationIds),
      'jwt.claims.writable_organization_ids': arrayLiteral(claims.writableOrganizationIds),
      'jwt.claims.administered_organization_ids': arrayLiteral(claims.administeredOrganizationIds),
      'jwt.claims.is_administrator': String(claims.isAdministrator),
    },
  };
}
