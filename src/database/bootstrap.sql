-- Roles, as the cluster needs them once. Run by a login that may create roles, connected to any database. Idempotent.
-- No role is a superuser and none has BYPASSRLS: policies of their own let the owner and the worker see every row.
do $$
declare
  role_name text;
begin
  -- Roles are shared by all databases of a cluster: whoever else is doing this waits. The lock is one of this database,
  -- so every caller connects to the same one.
  perform pg_advisory_xact_lock(hashtext('vanguard bootstrap'));
  foreach role_name in array array['vanguard_owner', 'vanguard_authenticator', 'vanguard_visitor', 'vanguard_worker', 'vanguard_ai_reader'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = role_name) then
      execute format('create role %I', role_name);
    end if;
  end loop;

  if exists (
    select from pg_catalog.pg_roles
    where rolname in ('vanguard_owner', 'vanguard_authenticator', 'vanguard_visitor', 'vanguard_worker', 'vanguard_ai_reader')
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
  ) then
    raise exception 'A role vanguard_... may do more than it should (superuser, bypassrls, createrole, createdb or replication).'
      using hint = 'Somebody changed it: take the attribute away, then run bootstrap again.';
  end if;

  execute 'alter role vanguard_owner login';
  execute 'alter role vanguard_authenticator login noinherit';
  execute 'alter role vanguard_visitor nologin';
  execute 'alter role vanguard_worker login';
  execute 'alter role vanguard_ai_reader login';
  if not pg_catalog.pg_has_role('vanguard_authenticator', 'vanguard_visitor', 'member') then
    grant vanguard_visitor to vanguard_authenticator;
  end if;
end;
$$;
