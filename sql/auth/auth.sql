/* @name sessionClaims */
select username as "username!", is_administrator as "isAdministrator!", must_change_password as "mustChangePassword!",
  organization_ids as "organizationIds!", writable_organization_ids as "writableOrganizationIds!",
  administered_organization_ids as "administeredOrganizationIds!", plan_cache_mode as "planCacheMode!"
from app_private.session_claims(:sessionId!, :userId!);

/* @name noteSignInAttempt */
select app_private.note_sign_in_attempt(:username!, :address!::text::inet) as "secondsToWait!";

/* @name noteSignInSuccess */
select app_private.note_sign_in_success(:username!, :address!::text::inet);

/* @name clearSignInAttempts */
select app_private.clear_sign_in_attempts(:username!) as "cleared!";

/* @name findLogin */
select user_id as "userId!", username as "username!", email as "email?", password_hash as "passwordHash!",
  must_change_password as "mustChangePassword!"
from app_private.find_login(:username!);

/* @name passwordHashKinds */
select app_private.password_hash_kinds() as "kinds!";

/* @name setPassword */
select app_private.set_password(:userId!, :passwordHash!, :mustChange!);

/* @name upgradePasswordHash */
select app_private.upgrade_password_hash(:userId!, :oldHash!, :newHash!);

/* @name startSession */
select app_private.start_session(:userId!, :passwordHash!, :tokenHash!,
  make_interval(secs => :lifetimeSeconds!)) as "sessionId?";

/* @name changePassword */
select app_private.change_password(:userId!, :oldHash!, :newHash!) as "isChanged!";

/* @name rotateRefreshToken */
select user_id as "userId!", session_id as "sessionId!", is_reused as "isReused!"
from app_private.rotate_refresh_token(:tokenHash!, :newTokenHash!, make_interval(secs => :lifetimeSeconds!));

/* @name endSession */
select app_private.end_session(:tokenHash!, :everywhere!) as "ended!";

/* @name endAllSessions */
select app_private.end_all_sessions(:userId!) as "ended!";

/* @name listSigningKeys */
select kid as "kid!", algorithm as "algorithm!", public_jwk as "publicJwk!", key_id as "keyId!", nonce as "nonce!",
  ciphertext as "ciphertext!", retired_at as "retiredAt?", may_sign as "maySign!"
from app_private.list_signing_keys();

/* @name addSigningKey */
select app_private.add_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!);

/* @name rotateSigningKey */
select app_private.rotate_signing_key(:kid!, :algorithm!, :publicJwk!, :keyId!, :nonce!, :ciphertext!);

/* @name lockSigningKeySecrets */
select kid, key_id as "keyId", nonce, ciphertext from app_private.signing_keys order by kid for update;

/* @name storeSigningKeySecret */
update app_private.signing_keys set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where kid = :kid!;

/* @name lockCredentials */
select id, api_configuration_id as "apiConfigurationId", ai_provider_id as "aiProviderId", name, key_id as "keyId",
  nonce, ciphertext
from app_private.credentials order by id for update;

/* @name storeCredential */
update app_private.credentials set key_id = :keyId!, nonce = :nonce!, ciphertext = :ciphertext! where id = :id!;
