--! Previous: -
--! Hash: sha1:fce207b6f1feff97425a5b3677734d885f5a3613
--! Message: schemas, settings, refusals

--! split: 100-foundations.sql
-- Schemas, the settings that every policy reads, and the small helpers that everything else uses.
-- Roles are made by `vanguard bootstrap`, because they belong to the cluster and not to a database.

create schema app_public;
create schema app_core;
create schema app_private;

comment on schema app_public is 'What the API publishes: tables, views and functions meant for clients, and nothing else.';
comment on schema app_core is 'Tenant tables that clients read only through views and functions of app_public; nothing of it is published.';
comment on schema app_private is 'Secrets and machinery: credentials, password hashes, tokens, staging, materialized views, helpers.';

grant usage on schema app_public to vanguard_visitor, vanguard_authenticator, vanguard_worker, vanguard_ai_reader;
grant usage on schema app_core to vanguard_visitor, vanguard_worker;
grant usage on schema app_private to vanguard_authenticator, vanguard_worker;

-- A function is callable by nobody until a grant says so.
alter default privileges revoke execute on functions from public;

--------------------------------------------------------------------------------------------------
-- Row level security: one way for every table

create procedure app_private.protect(target regclass)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy machinery on %s to vanguard_owner, vanguard_worker using (true) with check (true)', target);
end;
$$;
comment on procedure app_private.protect(regclass) is
  'Turns row level security on, also for the owner, and lets the machinery (functions of the owner, the worker where it has a grant) see every row. No role needs BYPASSRLS, which managed hosts forbid.';

--------------------------------------------------------------------------------------------------
-- Who asks: set once a request from one look-up of memberships, read by every policy.
-- Plain function calls in policies are constants for the planner, and no policy ever queries a table.

create function app_core.current_user_id() returns integer
  language sql stable parallel safe
  return nullif(current_setting('jwt.claims.user_id', true), '')::integer;
comment on function app_core.current_user_id() is 'The signed-in user, or null.';

create function app_core.current_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.organization_ids', true), ''), '{}')::integer[];
comment on function app_core.current_organization_ids() is 'Organizations whose data the signed-in user may read.';

create function app_core.writable_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.writable_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.writable_organization_ids() is 'Organizations in which the signed-in user may draft and commit.';

create function app_core.administered_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.administered_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.administered_organization_ids() is 'Organizations whose sync, memberships and mappings the signed-in user may manage.';

create function app_core.is_administrator() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.is_administrator', true), ''), 'false')::boolean;
comment on function app_core.is_administrator() is 'Whether the signed-in user has the role admin, which may do everything in every organization.';

grant execute on function
  app_core.current_user_id(), app_core.current_organization_ids(), app_core.writable_organization_ids(),
  app_core.administered_organization_ids(), app_core.is_administrator()
  to vanguard_visitor, vanguard_worker, vanguard_ai_reader;

--------------------------------------------------------------------------------------------------
-- Refusals. The five characters after errcode are looked up in one table of the server (SQLSTATE -> code, HTTP status).

create function app_private.require_readable(organization_id integer) returns void
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
  'Refuses with VG404 when the signed-in user may not read the organization: the same answer as for one that does not exist.';

create function app_private.require_writable(organization_id integer) returns void
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
comment on function app_private.require_writable(integer) is 'Refuses with VG404 or VG403 when the signed-in user may not write in the organization.';

create function app_private.require_administered(organization_id integer) returns void
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
comment on function app_private.require_administered(integer) is 'Refuses with VG404 or VG403 when the signed-in user does not administer the organization.';

create function app_private.touch_updated_at() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;
comment on function app_private.touch_updated_at() is 'Trigger: keeps updated_at true.';
