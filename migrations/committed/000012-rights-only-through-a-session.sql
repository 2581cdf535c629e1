--! Previous: sha1:eeb834022937ce719eb1514593a78aeb926a7eaa
--! Hash: sha1:c8c5f07800ba17476e17f54d51b6fc3ba53c2a07
--! Message: rights only through a session

--! split: 500-review.sql
-- The server asks for rights only through a session (session_claims): this one knows nothing of sessions that have ended.
revoke execute on function app_private.request_claims(integer) from vanguard_authenticator;
