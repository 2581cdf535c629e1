--! Previous: sha1:df247a236e2b22f4eca09e0101dc3b64cb4da832
--! Hash: sha1:980755381e2131049a2bd64c926e6cc40ee40808
--! Message: moving in faster

--! split: 10-moving-in.sql
-- Moving in, faster: records are planned apart from the other rows, their plan stays in memory, and what keeps every line is not checked line by line.

create or replace function app_private.begin_legacy_work() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set client_min_messages = warning
as $$
begin
  -- What every step reads again; taken as it is needed, and kept by the session. Refused where the session has had other temporary tables.
  perform set_config('temp_buffers', '256MB', true);
  create temporary table legacy_plan (
    table_name text not null,
    line_number integer not null,
    line text not null,
    legacy_id text,
    refs jsonb not null,
    content jsonb not null,
    data jsonb,
    secrets jsonb not null,
    problems jsonb not null,
    state text not null,
    target jsonb,
    previous jsonb
  ) partition by list (table_name) on commit drop;
  -- Records are many: whoever asks for rows of another table does not read them. Nothing points at a record.
  create temporary table legacy_plan_records partition of legacy_plan for values in ('pfa_records') on commit drop;
  create temporary table legacy_plan_others partition of legacy_plan default on commit drop;
  create index on legacy_plan_others (table_name, legacy_id);
  create temporary table legacy_match (
    line_number integer not null,
    key_order integer,
    key_name text not null,
    target jsonb not null,
    is_untouched boolean not null
  ) on commit drop;
end;
$$;

create or replace function app_private.finish_legacy_import(manifest jsonb, manifest_sha256 text) returns integer
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  result integer;
  reference constant text := (
    select pg_get_constraintdef(c.oid) from pg_constraint c where c.conrelid = 'app_private.legacy_row'::regclass and c.contype = 'f');
begin
  insert into app_private.legacy_import (manifest, manifest_sha256)
  values (finish_legacy_import.manifest, finish_legacy_import.manifest_sha256)
  returning id into result;
  -- All rows are of this import, which one look shows: checked row by row it takes longer than putting them in.
  alter table app_private.legacy_row drop constraint legacy_row_import_id_fkey;
  insert into app_private.legacy_row (import_id, table_name, line_number, line, legacy_id, state, target, previous, problems)
  select result, p.table_name, p.line_number, p.line, p.legacy_id, p.state, p.target, p.previous, nullif(p.problems, '[]')
  from pg_temp.legacy_plan p;
  execute 'alter table app_private.legacy_row add constraint legacy_row_import_id_fkey ' || reference;
  perform app_private.follow_legacy_records();
  return result;
end;
$$;

create or replace function app_private.write_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- Sorts hundreds of thousands of records, once.
  set work_mem = '256MB'
  set maintenance_work_mem = '256MB'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := write_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  has_legacy_id constant boolean := exists (select from pg_attribute a where a.attrelid = p_target and a.attname = 'legacy_id');
  parts record;
  indexes text[];
  definition text;
begin
  if p_table_name = 'pfa_records' then
    -- Where more comes than there is, indexes are made anew when all is in: half the time of an import. Until it ends, who reads records waits.
    if (select count(*) from pg_temp.legacy_plan p where p.table_name = p_table_name and p.state = 'added')
      > (select count(*) from (select from app_core.pfa_mirror limit 1000000) m) then
      select array_agg(pg_get_indexdef(i.indexrelid)), string_agg(format('drop index %s', i.indexrelid::regclass), '; ') into indexes, definition
      from pg_index i where i.indrelid = p_target and not i.indisprimary;
      execute definition;
    end if;
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select (o.target->>'id')::integer, p.content->>'pfa_id', p.data, (p.content->>'version')::timestamp, p.content->>'version_by',
      -- What PEMS says later is newer, whatever the clock of the prototype said.
      least((p.content->>'observed_at')::timestamptz, now())
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = p_table_name and p.state = 'added'
    order by 1, 2;
    foreach definition in array coalesce(indexes, '{}') loop
      execute definition;
    end loop;
    return;
  end if;

  -- Keys that were made meanwhile take the place of those that stood for them.
  update pg_temp.legacy_plan p
  set content = p.content || r.keys, target = case when p.target is null then null else p.target || coalesce(r.target_keys, '{}') end
  from (
    select p.line_number, jsonb_object_agg(k.key, o.target->'id') as keys,
      jsonb_object_agg(k.key, o.target->'id') filter (where p.target ? k.key) as target_keys
    from pg_temp.legacy_plan p
    cross join lateral jsonb_each_text(p.refs) k
    join app_private.legacy_column c on c.table_name = p_table_name and c.target = k.key
    join pg_temp.legacy_plan o on o.table_name = c.parent and o.table_name <> 'pfa_records' and o.legacy_id = k.value
    where p.table_name = p_table_name and p.state in ('added', 'merged')
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;

  -- Where ours must have a value and the prototype had none, it has our default.
  select
    string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
    string_agg(case when a.attnotnull and d.adbin is not null then format('coalesce(t.%I, %s)', a.attname, pg_get_expr(d.adbin, d.adrelid))
      else format('t.%I', a.attname) end, ', ' order by a.attnum) as inserted,
    string_agg(case when a.attnotnull then format('%I = coalesce(t.%I, e.%I)', a.attname, a.attname, a.attname)
      else format('%I = t.%I', a.attname, a.attname) end, ', ' order by a.attnum)
      -- A row that was here keeps its key, and says itself since when it is there.
      filter (where a.attname not in ('id', 'created_at', 'updated_at')) as updated
  into parts
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped
    and (exists (select from app_private.legacy_column c where c.table_name = p_table_name and c.target = a.attname and c.kind not in ('secret', 'password'))
      or exists (select from app_private.legacy_table t where t.name = p_table_name and t.constants ? a.attname));

  execute format($q$
    update pg_temp.legacy_plan p set previous = to_jsonb(e)
    from %1$s e
    where p.table_name = %2$L and p.state = 'merged' and %3$s$q$,
    p_target, p_table_name, app_private.legacy_target_join(p_target));
  execute format($q$
    insert into %1$s (%2$s)
    select %3$s from pg_temp.legacy_plan p cross join lateral %4$s
    where p.table_name = %5$L and p.state = 'added'
    order by p.line_number$q$,
    p_target, parts.columns, parts.inserted, record, p_table_name);
  if has_legacy_id then
    execute format($q$
      update pg_temp.legacy_plan p set target = %1$s
      from %2$s e
      where p.table_name = %3$L and p.state = 'added' and e.legacy_id = p.legacy_id$q$,
      app_private.legacy_target_key(p_target, 'e'), p_target, p_table_name);
  end if;
  execute format($q$
    update %1$s e set %2$s
    from pg_temp.legacy_plan p cross join lateral %3$s
    where p.table_name = %4$L and p.state = 'merged' and %5$s$q$,
    p_target, parts.updated, record, p_table_name, app_private.legacy_target_join(p_target));

  if p_table_name = 'users' then
    -- The old password goes on. One that was chosen here stays: whoever has an account and a password of its own keeps both.
    update pg_temp.legacy_plan p set previous = coalesce(p.previous, '{}') || jsonb_build_object('password', to_jsonb(w))
    from app_private.user_passwords w
    where p.table_name = 'users' and p.state in ('merged', 'same') and w.user_id = (p.target->>'id')::integer;
    insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
    select (p.target->>'id')::integer, p.secrets->>'password', false, now()
    from pg_temp.legacy_plan p
    where p.table_name = 'users' and p.state in ('added', 'merged', 'same')
    on conflict (user_id) do update
      set password_hash = excluded.password_hash, must_change = false, changed_at = excluded.changed_at
      where w.must_change;
  end if;
  if p_table_name in ('api_configurations', 'ai_providers') then
    -- Credentials of before belong to another server.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('credentials', c.credentials)
    from (
      select coalesce(c.api_configuration_id, c.ai_provider_id) as id, c.ai_provider_id is not null as is_provider, jsonb_agg(to_jsonb(c)) as credentials
      from app_private.credentials c group by 1, 2
    ) c
    where p.table_name = p_table_name and p.state = 'merged' and c.id = p.target->>'id' and c.is_provider = (p_table_name = 'ai_providers');
    delete from app_private.credentials c using pg_temp.legacy_plan p
    where p.table_name = p_table_name and p.state = 'merged'
      and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end;
  end if;
  if p_table_name = 'api_configurations' then
    -- The tenant of PEMS is a header there.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('tenant', s.tenant)
    from app_public.pems_settings s
    where p.table_name = 'api_configurations' and p.state = 'merged' and s.api_configuration_id = p.target->>'id';
    insert into app_public.pems_settings (api_configuration_id, tenant)
    select p.target->>'id', h.tenant
    from pg_temp.legacy_plan p
    cross join lateral (
      select min(h->>'value') as tenant from jsonb_array_elements(coalesce(p.content->'custom_headers', '[]')) h where lower(h->>'key') = 'tenant'
    ) h
    where p.table_name = 'api_configurations' and p.state in ('added', 'merged') and p.content->>'usage' like 'PEMS_%' and h.tenant is not null
    on conflict (api_configuration_id) do update set tenant = excluded.tenant;
  end if;
end;
$$;
