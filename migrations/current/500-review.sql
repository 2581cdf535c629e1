-- What nobody uses any more, and one answer where there were two.

-- A session's rights are session_claims': this one knows nothing of sessions that have ended, so the server may not ask it.
revoke execute on function app_private.request_claims(integer) from vanguard_authenticator;

drop function if exists app_private.database_state(text);
drop function if exists app_private.migration_state(text[]);
create function app_private.migration_state(expected text[], out missing text[], out unknown text[], out has_queue boolean)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  applied text[] := '{}';
begin
  -- Both schemas belong to the libraries, so they are looked for before they are looked into.
  if to_regclass('graphile_migrate.migrations') is not null then
    execute 'select coalesce(array_agg(m.filename order by m.filename), ''{}'') from graphile_migrate.migrations m' into applied;
  end if;
  missing := array(select e from unnest(expected) e where e <> all (applied) order by e);
  unknown := array(select a from unnest(applied) a where a <> all (expected) order by a);
  has_queue := to_regclass('graphile_worker._private_jobs') is not null;
end;
$$;
comment on function app_private.migration_state(text[]) is
  'Of the migrations that a version knows, those that are missing here, and those here that it does not know: a newer version has been at this database. And whether the queue is there.';
grant execute on function app_private.migration_state(text[]) to vanguard_authenticator, vanguard_worker;
