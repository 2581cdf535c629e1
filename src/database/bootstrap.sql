-- Creates the roles, once per cluster. Run by a login that may create roles, in any database. Idempotent. No role is a
-- superuser or has BYPASSRLS: policies let the owner and the worker see every row.
do $$
declare
  role_name text;
begin
  -- All databases of a cluster share the roles: concurrent runs wait for this lock. The lock belongs to a database, so
  -- all callers connect to the same one.
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
    raise exception 'A role vanguard_... has more rights than it should (superuser, bypassrls, createrole, createdb '
      'or replication).'
      using hint = 'Remove the attribute, then run bootstrap again.';
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
