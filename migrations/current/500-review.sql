-- The server asks for rights only through a session (session_claims): this one knows nothing of sessions that have ended.
revoke execute on function app_private.request_claims(integer) from vanguard_authenticator;
