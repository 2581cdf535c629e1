--! Previous: -
--! Hash: sha1:80150347696f28f997205ea7f489cde278cec8d4
--! Message: foundation

--! split: 1-current.sql
-- Foundation: the schemas, the settings that every policy reads, and the helpers that everything else uses.
--
-- `vanguard bootstrap` makes the roles, because they belong to the cluster and not to a database.
-- Each request sets the settings once, from one look-up of memberships. Policies call these functions plainly and
-- never query a table, so each call is a constant for the planner.
-- A function raises an SQLSTATE that begins with VG. The server looks it up in one table: code and HTTP status.

create schema app_public;
create schema app_core;
create schema app_private;

comment on schema app_public is
  'What the API publishes: tables, views and functions meant for clients, and nothing else.';
comment on schema app_core is
  'Tenant tables that clients read only through views and functions of app_public; nothing of it is published.';
comment on schema app_private is
  'Secrets and machinery: credentials, password hashes, tokens, staging, materialized views, helpers.';

grant usage on schema app_public to vanguard_visitor, vanguard_authenticator, vanguard_worker, vanguard_ai_reader;
grant usage on schema app_core to vanguard_visitor, vanguard_worker;
grant usage on schema app_private to vanguard_authenticator, vanguard_worker;

-- Nobody may call a function until a grant says so.
alter default privileges revoke execute on functions from public;

--! Included app_private/functions/enable_rls.sql
create or replace procedure app_private.enable_rls(target regclass)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy machinery on %s to vanguard_owner, vanguard_worker using (true) with check (true)',
    target);
end;
$$;
comment on procedure app_private.enable_rls(regclass) is
  'Turns row level security on, also for the owner, and lets the machinery (functions of the owner, the worker '
  'where it has a grant) see every row. No role needs BYPASSRLS, which managed hosts forbid.';
--! EndIncluded app_private/functions/enable_rls.sql

--! Included app_core/functions/current_user_id.sql
create or replace function app_core.current_user_id() returns integer
  language sql stable parallel safe
  return nullif(current_setting('jwt.claims.user_id', true), '')::integer;
comment on function app_core.current_user_id() is 'The signed-in user, or null.';
grant execute on function app_core.current_user_id() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/current_user_id.sql
--! Included app_core/functions/current_organization_ids.sql
create or replace function app_core.current_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.organization_ids', true), ''), '{}')::integer[];
comment on function app_core.current_organization_ids() is 'Organizations whose data the signed-in user may read.';
grant execute on function app_core.current_organization_ids() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/current_organization_ids.sql
--! Included app_core/functions/writable_organization_ids.sql
create or replace function app_core.writable_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.writable_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.writable_organization_ids() is
  'Organizations in which the signed-in user may draft and commit.';
grant execute on function app_core.writable_organization_ids() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/writable_organization_ids.sql
--! Included app_core/functions/administered_organization_ids.sql
create or replace function app_core.administered_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.administered_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.administered_organization_ids() is
  'Organizations whose sync, memberships and mappings the signed-in user may manage.';
grant execute on function app_core.administered_organization_ids() to vanguard_visitor, vanguard_worker,
  vanguard_ai_reader;
--! EndIncluded app_core/functions/administered_organization_ids.sql
--! Included app_core/functions/is_administrator.sql
create or replace function app_core.is_administrator() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.is_administrator', true), ''), 'false')::boolean;
comment on function app_core.is_administrator() is
  'Whether the signed-in user has the role admin, which may do everything in every organization.';
grant execute on function app_core.is_administrator() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/is_administrator.sql

--! Included app_private/functions/require_readable.sql
create or replace function app_private.require_readable(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if organization_id is null or not organization_id = any (app_core.current_organization_ids()) then
    raise exception 'There is no organization % that you may see.', coalesce(organization_id::text, '(none)')
      using errcode = 'VG404', hint = 'List your organizations with `{ organizations { nodes { id code } } }`.';
  end if;
end;
$$;
comment on function app_private.require_readable(integer) is
  'Refuses with VG404 when the signed-in user may not read the organization: the same answer as for one that does '
  'not exist.';
--! EndIncluded app_private/functions/require_readable.sql
--! Included app_private/functions/require_writable.sql
create or replace function app_private.require_writable(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_readable(organization_id);
  if not organization_id = any (app_core.writable_organization_ids()) then
    raise exception 'You may read this organization, but not change anything in it.'
      using errcode = 'VG403', hint = 'Ask an admin of the organization for the role member.';
  end if;
end;
$$;
comment on function app_private.require_writable(integer) is
  'Refuses with VG404 or VG403 when the signed-in user may not write in the organization.';
--! EndIncluded app_private/functions/require_writable.sql
--! Included app_private/functions/require_administered.sql
create or replace function app_private.require_administered(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_readable(organization_id);
  if not organization_id = any (app_core.administered_organization_ids()) then
    raise exception 'Only an owner or admin of this organization may do this.'
      using errcode = 'VG403', hint = 'Ask an owner or admin of the organization.';
  end if;
end;
$$;
comment on function app_private.require_administered(integer) is
  'Refuses with VG404 or VG403 when the signed-in user does not administer the organization.';
--! EndIncluded app_private/functions/require_administered.sql
--! Included app_private/functions/touch_updated_at.sql
create or replace function app_private.touch_updated_at() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;
comment on function app_private.touch_updated_at() is 'Trigger: keeps updated_at true.';
--! EndIncluded app_private/functions/touch_updated_at.sql
