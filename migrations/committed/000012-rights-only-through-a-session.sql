--! Previous: sha1:ec7c3d072cba3cdcbf08ea6b49eeaed13d41b153
--! Hash: sha1:094f0312964df29da24894baf31530ab4d70c6cf
--! Message: rights only through a session

--! split: 500-review.sql
-- The server asks for rights only through a session (session_claims): this one knows nothing of sessions that have ended.
revoke execute on function app_private.request_claims(integer) from vanguard_authenticator;
