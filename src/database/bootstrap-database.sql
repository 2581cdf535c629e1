-- Prepares a database. Run by a superuser or by the creator of the database. Idempotent. Also run on a clone of a
-- template, because CREATE DATABASE does not copy the rights on the database itself.
do $$
begin
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to vanguard_authenticator, vanguard_worker, vanguard_ai_reader', current_database());
  execute format('grant connect, create, temporary on database %I to vanguard_owner', current_database());
  -- Compiling a plan takes longer than running it for every query of the product: 970 ms instead of 35 for the bounds
  -- of 20,000 records.
  execute format('alter database %I set jit = off', current_database());
end;
$$;
revoke create on schema public from public;

-- A setting is the key to the tenant, so only roles that need it may set one. Without a superuser, the revoke only
-- warns: the server checks at the start that it worked.
revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
grant execute on function pg_catalog.set_config(text, text, boolean) to vanguard_owner, vanguard_authenticator, vanguard_worker;
