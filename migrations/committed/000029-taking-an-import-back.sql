--! Previous: sha1:980755381e2131049a2bd64c926e6cc40ee40808
--! Hash: sha1:279e28b425d5c71dced08bcb9fdf2782565e1057
--! Message: taking an import back

--! split: 1-current.sql
-- Enter migration here

--! split: 10-moving-in.sql
-- Moving in: what the product notes beside an organization or a connection keeps nothing from being taken back, credentials that somebody entered do,
-- and a row that was restored counts as untouched again.

create or replace function app_private.roll_back_legacy_table(table_name text)
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := roll_back_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  key constant text := app_private.legacy_target_join(p_target);
  blocked text;
  restored text;
begin
  alter table pg_temp.legacy_plan add column if not exists reason text;
  update pg_temp.legacy_plan p set reason = d.reason
  from (
    select d.line_number, case when bool_or(d.column_name = '') then 'it is gone'
      else 'changed since: ' || string_agg(d.column_name, ', ' order by d.column_name) end as reason
    from app_private.legacy_differences(p_table_name) d
    where not exists (
      select from app_private.legacy_column c where c.table_name = p_table_name and c.target = d.column_name and c.is_kept_by_system)
    group by d.line_number
  ) d
  where p.table_name = p_table_name and p.line_number = d.line_number;

  if p_table_name = 'pfa_records' then
    update pg_temp.legacy_plan p set reason = 'somebody has changed it here'
    from pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and exists (
        select from app_core.pfa_modification d
        where d.organization_id = (o.target->>'id')::integer and d.pfa_id = p.content->>'pfa_id');
    delete from app_core.pfa_mirror m
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id';
  else
    if p_table_name in ('api_configurations', 'ai_providers') then
      -- Those that came with the import are of its moment.
      update pg_temp.legacy_plan p set reason = 'its credentials were changed since'
      from app_private.credentials c, app_private.legacy_import i
      where p.table_name = p_table_name and p.state in ('added', 'merged') and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end
        and i.rolled_back_at is null and c.updated_at > i.imported_at;
    end if;
    -- Nothing goes that something else hangs on, but for what the product itself notes beside.
    select string_agg(format('select %L as by from %s c where %s', f.conrelid::regclass, f.conrelid::regclass, k.agrees), ' union all ')
    into blocked
    from pg_constraint f
    cross join lateral (
      select string_agg(format('c.%I = e.%I', a.attname, b.attname), ' and ') as agrees
      from unnest(f.conkey, f.confkey) u(child, parent)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.child
      join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.parent
    ) k
    where f.contype = 'f' and f.confrelid = p_target and f.confdeltype <> 'n'
      and f.conrelid::regclass::text not in (
        'app_private.user_passwords', 'app_private.sessions', 'app_private.credentials', 'app_public.pems_settings', 'app_private.pems_state',
        'app_public.pfa_sync_log', 'app_public.pfa_drift_check', 'app_core.pfa_event', 'app_core.pfa_event_forgotten',
        'app_private.pfa_kpi_change', 'app_private.pfa_search_stale', 'app_private.pfa_search_values');
    if blocked is not null then
      execute format($q$
        update pg_temp.legacy_plan p set reason = 'still used by ' || b.tables
        from (
          select p.line_number, (select string_agg(distinct x.by, ', ') from (%1$s) x) as tables
          from pg_temp.legacy_plan p join %2$s e on %3$s
          where p.table_name = %4$L and p.state = 'added' and p.reason is null
        ) b
        where p.table_name = %4$L and p.line_number = b.line_number and b.tables is not null$q$,
        blocked, p_target, key, p_table_name);
    end if;
    if p_table_name = 'users' then
      update pg_temp.legacy_plan p set reason = 'the password was changed since'
      from app_private.user_passwords w, app_private.legacy_import i
      where p.table_name = 'users' and p.state = 'added' and p.reason is null and w.user_id = (p.target->>'id')::integer
        and i.rolled_back_at is null and w.changed_at > i.imported_at;
      -- Of accounts that were here: the password that the import replaced comes back, unless it was changed since.
      insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
      select (o->>'user_id')::integer, o->>'password_hash', (o->>'must_change')::boolean, (o->>'changed_at')::timestamptz
      from (select p.previous->'password' as o from pg_temp.legacy_plan p where p.table_name = 'users' and p.previous ? 'password') p
      on conflict (user_id) do update
        set password_hash = excluded.password_hash, must_change = excluded.must_change, changed_at = excluded.changed_at
        where w.changed_at = (select i.imported_at from app_private.legacy_import i where i.rolled_back_at is null);
    end if;
    execute format($q$
      delete from %1$s e using pg_temp.legacy_plan p
      where p.table_name = %2$L and p.state = 'added' and p.reason is null and %3$s$q$,
      p_target, p_table_name, key);

    select string_agg(format('%I = o.%I', a.attname, a.attname), ', ' order by a.attnum) into restored
    from pg_attribute a
    where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '';
    -- Also when it was last changed, which says whether the next import may merge it.
    execute format('alter table %s disable trigger _100_touch', p_target);
    execute format($q$
      update %1$s e set %2$s
      from pg_temp.legacy_plan p cross join lateral %3$s
      where p.table_name = %4$L and p.state = 'merged' and p.reason is null and %5$s$q$,
      p_target, restored, replace(replace(record, 'p.content', 'p.previous'), ' t(', ' o('), p_table_name, key);
    execute format('alter table %s enable trigger _100_touch', p_target);
    if p_table_name in ('api_configurations', 'ai_providers') then
      delete from app_private.credentials c using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end;
      insert into app_private.credentials (api_configuration_id, ai_provider_id, name, key_id, nonce, ciphertext)
      select c.api_configuration_id, c.ai_provider_id, c.name, c.key_id, c.nonce, c.ciphertext
      from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_recordset(null::app_private.credentials, p.previous->'credentials') c
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'credentials';
    end if;
    if p_table_name = 'api_configurations' then
      update app_public.pems_settings s set tenant = p.previous->>'tenant'
      from pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'tenant' and s.api_configuration_id = p.target->>'id';
      delete from app_public.pems_settings s
      using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and not p.previous ? 'tenant' and s.api_configuration_id = p.target->>'id';
    end if;
  end if;
  return query
  select p.state, p.legacy_id, p.line_number, case when p.reason is null then case p.state when 'added' then 'removed' else 'restored' end else 'stays' end, p.reason
  from pg_temp.legacy_plan p
  where p.table_name = p_table_name and p.state in ('added', 'merged');
end;
$$;
comment on function app_private.roll_back_legacy_table(text) is
  'Tables in reverse order: takes out what the import added to a table and restores what it merged, where nobody changed it since and nothing else hangs on it. Says of each row what became of it and why.';
