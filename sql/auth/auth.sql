/* @name requestClaims */
select username as "username!", is_administrator as "isAdministrator!", must_change_password as "mustChangePassword!",
  organization_ids as "organizationIds!", writable_organization_ids as "writableOrganizationIds!",
  administered_organization_ids as "administeredOrganizationIds!"
from app_private.request_claims(:userId!);

/* @name findLogin */
select user_id as "userId!", username as "username!", password_hash as "passwordHash!", must_change_password as "mustChangePassword!"
from app_private.find_login(:username!);

/* @name setPassword */
select app_private.set_password(:userId!, :passwordHash!, :mustChange!);

/* @name upgradePasswordHash */
select app_private.upgrade_password_hash(:userId!, :oldHash!, :newHash!);

/* @name startSession */
select app_private.start_session(:userId!, :passwordHash!, :tokenHash!, make_interval(secs => :lifetimeSeconds!)) as "familyId?";

/* @name changePassword */
select app_private.change_password(:userId!, :oldHash!, :newHash!) as "isChanged!";

/* @name rotateRefreshToken */
select user_id as "userId!", family_id as "familyId!", is_reused as "isReused!"
from app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!));

/* @name endSession */
select app_private.end_session(:tokenHash!) as "ended!";

/* @name endAllSessions */
select app_private.end_all_sessions(:userId!) as "ended!";

/* @name listSigningKeys */
select kid as "kid!", algorithm as "algorithm!", public_jwk as "publicJwk!", key_id as "keyId!", nonce as "nonce!",
  ciphertext as "ciphertext!", retired_at as "retiredAt?"
from app_private.list_signing_keys();

/* @name addSigningKey */
select app_private.add_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!);
