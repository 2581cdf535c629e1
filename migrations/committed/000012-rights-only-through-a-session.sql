--! Previous: sha1:a8ba209d83b3584dfddaf2f6c38e29db1f1eeddc
--! Hash: sha1:5c6f764e55aed570f9ccf596dcd8425abb5fcacc
--! Message: rights only through a session

--! split: 500-review.sql
-- The server asks for rights only through a session (session_claims): this one knows nothing of sessions that have ended.
revoke execute on function app_private.request_claims(integer) from vanguard_authenticator;
