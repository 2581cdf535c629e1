--! Previous: sha1:eede462af43ee644161778d484984c5810457e42
--! Hash: sha1:fc63288462a75e33833218fc9ba79357ecaf446e
--! Message: finding records by values

--! split: 14-search.sql
-- Finding records by words and by what they contain, at a million: an index of whole values, which costs a sync a tenth of
-- what one of trigrams did, and a list of the values that occur, in which a word is looked up first.

create or replace function app_core.text_fields(data jsonb) returns jsonb
  language sql immutable parallel safe
  return data - '{pfaId,organization,originalStart,originalEnd,forecastStart,forecastEnd,actualStart,actualEnd,monthlyRate,purchasePrice,isActualized,isDiscontinued,isFundsTransferable}'::text[];
comment on function app_core.text_fields(jsonb) is
  'What of a record the index of values holds: its texts, and all fields of PEMS that we do not know. Identity, days, money and flags are found otherwise or by nobody, and would make it large.';
grant execute on function app_core.text_fields(jsonb) to vanguard_visitor, vanguard_worker;

drop index if exists app_core.pfa_overlay_search_idx;
drop index if exists app_core.pfa_mirror_search_idx;
-- The operator class of integers, wherever the extension is.
do $$
begin
  perform set_config('search_path', (
    select 'pg_catalog, ' || quote_ident(n.nspname)
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'btree_gin'
  ), true);
end;
$$;
drop index if exists app_core.pfa_mirror_values_idx;
-- use: app_private.found_in_mirror. What a run inserts waits in a list, which app_private.prepare_search works off: by the row it would be dearer than all other indexes.
create index pfa_mirror_values_idx on app_core.pfa_mirror
  using gin (organization_id int4_ops, app_core.text_fields(data) jsonb_path_ops) with (gin_pending_list_limit = 131072);
reset search_path;
do $$
begin
  -- Unless a host has put it somewhere for other purposes.
  if exists (
    select from pg_extension e join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm' and n.nspname = 'app_extensions'
  ) then
    drop extension pg_trgm;
  end if;
end;
$$;

--------------------------------------------------------------------------------------------------
-- The values that occur

drop table if exists app_private.pfa_search_values;
-- A list a key, and not a row a value: compressed, it takes 4 bytes a record instead of 29.
create table app_private.pfa_search_values (
  organization_id integer not null references app_public.organizations on delete cascade,
  key text not null,
  texts text[] not null,
  primary key (organization_id, key)
);
comment on table app_private.pfa_search_values is
  'Which texts occur in the mirror under the keys that words are looked for in, one list a key. Of the ids, which all differ, it is their parts of three characters.';
comment on column app_private.pfa_search_values.organization_id is 'The organization.';
comment on column app_private.pfa_search_values.key is 'The key of the record.';
comment on column app_private.pfa_search_values.texts is 'The texts, as they are; of ids (key `pfaId`) the three characters that follow each other, in lower case.';
call app_private.protect('app_private.pfa_search_values');

drop table if exists app_private.pfa_search_stale;
create table app_private.pfa_search_stale (
  organization_id integer primary key references app_public.organizations on delete cascade,
  mark bigint not null default nextval('app_core.revision_seq')
);
comment on table app_private.pfa_search_stale is
  'Organizations whose mirror has changed since their values were listed: until that is done, words are looked for in every record.';
comment on column app_private.pfa_search_stale.organization_id is 'The organization.';
comment on column app_private.pfa_search_stale.mark is 'Another one with each change, so that who has listed the values sees whether the mirror has changed meanwhile.';
call app_private.protect('app_private.pfa_search_stale');

-- Those that are there.
insert into app_private.pfa_search_stale (organization_id)
select o.id from app_public.organizations o where exists (select from app_core.pfa_mirror m where m.organization_id = o.id);

create or replace function app_private.prepare_search() returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  stale app_private.pfa_search_stale;
begin
  select s.* into stale from app_private.pfa_search_stale s order by s.mark limit 1;
  if not found then
    return false;
  end if;
  -- Two workers may be at it.
  perform pg_advisory_xact_lock(hashtext('pfa_search_values'), stale.organization_id);
  -- Of an organization that was read for the first time the statistics know nothing, and its lists would be planned as if they
  -- were empty.
  if not exists (select from app_private.pfa_search_values v where v.organization_id = stale.organization_id) then
    analyze app_core.pfa_mirror;
  end if;
  delete from app_private.pfa_search_values v where v.organization_id = stale.organization_id;
  insert into app_private.pfa_search_values (organization_id, key, texts)
  select stale.organization_id, v.key, array_agg(v.value)
  from (
    select
      case
        when grouping(m.category) = 0 then 'category' when grouping(m.class) = 0 then 'class' when grouping(m.area_silo) = 0 then 'areaSilo'
        when grouping(m.data->>'manufacturer') = 0 then 'manufacturer' when grouping(m.data->>'model') = 0 then 'model'
        when grouping(m.data->>'contract') = 0 then 'contract' else 'equipment'
      end as key,
      coalesce(m.category, m.class, m.area_silo, m.data->>'manufacturer', m.data->>'model', m.data->>'contract', m.data->>'equipment') as value
    from app_core.pfa_mirror m
    where m.organization_id = stale.organization_id
    group by grouping sets (
      (m.category), (m.class), (m.area_silo), (m.data->>'manufacturer'), (m.data->>'model'), (m.data->>'contract'), (m.data->>'equipment'))
    union all
    select distinct 'pfaId', substr(lower(m.pfa_id), n, 3)
    from app_core.pfa_mirror m cross join lateral generate_series(1, length(m.pfa_id) - 2) n
    where m.organization_id = stale.organization_id
  ) v
  where v.value is not null
  group by v.key;
  perform gin_clean_pending_list('app_core.pfa_mirror_values_idx');
  -- Not when it has changed again meanwhile. The lock is short: a merge that marks the organization does not wait for the above.
  delete from app_private.pfa_search_stale s where s.organization_id = stale.organization_id and s.mark = stale.mark;
  return true;
end;
$$;
comment on function app_private.prepare_search() is
  'Lists the values of one organization whose mirror has changed, has the statistics know it when it is new, and works off what waits for the index of values; false when there was none. To be called until it says so, each time in a transaction of its own.';
grant execute on function app_private.prepare_search() to vanguard_worker;

drop function if exists app_private.queue_refresh();
create or replace function app_private.queue_refresh(organization_id integer) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into app_private.pfa_search_stale (organization_id) values (queue_refresh.organization_id)
  on conflict on constraint pfa_search_stale_pkey do update set mark = excluded.mark;
  -- Debounced: the first request decides when, the others join it.
  perform graphile_worker.add_job('summaries__refresh', '{}', job_key => 'summaries:refresh', job_key_mode => 'preserve_run_at',
    run_at => clock_timestamp() + interval '2 seconds');
end;
$$;
comment on function app_private.queue_refresh(integer) is
  'After the mirror of an organization changed: queues what follows from it for all, debounced: the materialized sums and bounds, and the values that words are looked for in.';

--------------------------------------------------------------------------------------------------
-- Finding

drop function if exists app_public.organizations_found_records(app_public.organizations, text);
drop function if exists app_core.find_records(integer, text);
drop function if exists app_public.organizations_found_records(app_public.organizations, text, jsonb);

create or replace function app_core.find_records(organization_id integer, search text, containing jsonb) returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 200
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := find_records.organization_id;
  p_containing constant jsonb := find_records.containing;
  p_patterns constant text[] := app_core.search_patterns(search);
  me constant integer := app_core.current_user_id();
  -- More values than this have the word in them: then so many records do that looking at each is as quick.
  most_values constant integer := 200;
  p_texts jsonb;
  having_word jsonb[];
  word text;
  may_be_in_id boolean;
begin
  -- The organization of a row that belongs to none.
  if p_organization_id is null then
    return;
  end if;
  perform app_private.require_readable(p_organization_id);
  if length(search) > 200 then
    raise exception 'The text to search for has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  if jsonb_typeof(p_containing) <> 'object' then
    raise exception 'What records have to contain is not an object.'
      using errcode = 'VG400', hint = 'For example {"model": "LTM 1100"}.';
  end if;
  p_texts := app_core.text_fields(p_containing);

  -- What lies over the mirror are a few thousand records at most.
  return query
    select o.pfa_id from app_private.overlaid(p_organization_id, me) o
    where (o.removed_at is null or o.has_draft)
      and app_core.search_text(o.pfa_id, o.data) like all (p_patterns)
      and (p_containing is null or o.data @> p_containing);

  -- The first word is the longest; the values that have it lead to records, of which those remain that have the others too.
  if cardinality(p_patterns) > 0 and not exists (select from app_private.pfa_search_stale s where s.organization_id = p_organization_id) then
    select coalesce(array_agg(jsonb_build_object(v.key, v.value)), '{}') into having_word
    from (
      select l.key, t.text as value from app_private.pfa_search_values l cross join unnest(l.texts) t (text)
      where l.organization_id = p_organization_id and l.key <> 'pfaId' and lower(t.text) like p_patterns[1]
      limit most_values + 1
    ) v;
    -- No id has it when none has its first, second, ... three characters.
    word := (select w from regexp_split_to_table(lower(search), '\s+') w where w <> '' order by length(w) desc, w limit 1);
    may_be_in_id := coalesce((
      select l.texts @> array(select substr(word, n, 3) from generate_series(1, length(word) - 2) n)
      from app_private.pfa_search_values l
      where l.organization_id = p_organization_id and l.key = 'pfaId'), false);
  end if;

  if cardinality(having_word) <= most_values then
    return query
      with candidate as materialized (
        select m.pfa_id
        from unnest(having_word) v (fields)
        join app_core.pfa_mirror m on m.organization_id = p_organization_id and app_core.text_fields(m.data) @> v.fields
        union
        select m.pfa_id from app_core.pfa_mirror m
        where may_be_in_id and m.organization_id = p_organization_id and lower(m.pfa_id) like p_patterns[1]
      )
      select m.pfa_id
      from candidate c
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = c.pfa_id
      where m.removed_at is null
        and (cardinality(p_patterns) = 1 or app_core.search_text(m.pfa_id, m.data) like all (p_patterns))
        and (p_containing is null or m.data @> p_containing)
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = p_organization_id and o.pfa_id = m.pfa_id and o.viewer_id in (0, me));
  elsif p_texts <> '{}' then
    return query
      select m.pfa_id
      from app_core.pfa_mirror m
      where m.organization_id = p_organization_id and app_core.text_fields(m.data) @> p_texts and m.data @> p_containing and m.removed_at is null
        and app_core.search_text(m.pfa_id, m.data) like all (p_patterns)
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = p_organization_id and o.pfa_id = m.pfa_id and o.viewer_id in (0, me));
  else
    return query
      select m.pfa_id
      from app_core.pfa_mirror m
      where m.organization_id = p_organization_id and m.removed_at is null
        and app_core.search_text(m.pfa_id, m.data) like all (p_patterns)
        and (p_containing is null or m.data @> p_containing)
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = p_organization_id and o.pfa_id = m.pfa_id and o.viewer_id in (0, me));
  end if;
end;
$$;
comment on function app_core.find_records(integer, text, jsonb) is
  'Ids of the records that have, as the signed-in user sees them, all words of a text and contain an object; either may be null. A definer function, because row level security keeps LIKE and @> away from indexes; it checks the organization itself: VG404. VG400 for a text of more than 200 characters and for what is no object.';
grant execute on function app_core.find_records(integer, text, jsonb) to vanguard_visitor;

create function app_public.organizations_found_records(organization app_public.organizations, search text default null, containing jsonb default null)
  returns setof app_public.pfa_record
  language sql stable
begin atomic
  select r.*
  -- One array of all ids, so that the planner cannot but look them up.
  from (select array_agg(f.pfa_id) as ids from app_core.find_records(organization.id, search, containing) f (pfa_id)) found
  join app_public.pfa_record r on r.organization_id = organization.id and r.pfa_id = any (found.ids);
end;
comment on function app_public.organizations_found_records(app_public.organizations, text, jsonb) is
  E'@behavior +filterProc +order\nRecords as you see them that have every word of `search` in their id, category, class, area, manufacturer, model, contract or asset tag (upper and lower case are the same), and whose data contain the object `containing`, such as `{"model": "LTM 1100"}`. Without either: all of them.';
grant execute on function app_public.organizations_found_records(app_public.organizations, text, jsonb) to vanguard_visitor;

--! split: 15-accept.sql
-- The same as before, but that it says whose mirror changed.

create or replace function app_private.accept_spared_removals(organization_id integer, run_id bigint, user_id integer) returns app_public.pfa_sync_log
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_spared_removals.organization_id;
  p_run_id constant bigint := accept_spared_removals.run_id;
  p_user_id constant integer := accept_spared_removals.user_id;
  run app_public.pfa_sync_log;
  removed text[];
begin
  -- A run that merges at this moment may have seen them again.
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  -- After the row of the run, as a merge does it: the other way round the two could wait for each other.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  if run.id is null then
    raise exception 'There is no run % of organization %.', p_run_id, p_organization_id
      using errcode = 'VG404', hint = 'The runs of an organization are its syncLogs.';
  end if;
  if run.rows_spared = 0 then
    raise exception 'Run % spared no removals.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose rowsSpared is above 0.';
  end if;

  -- Those that this run spared and every full run since has missed again; what was seen meanwhile is on the list no longer.
  select app_private.remove_records(p_organization_id, array_agg(c.pfa_id), p_user_id) into removed
  from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id and c.spared_by_run <= p_run_id;
  perform app_private.follow_mirror(p_organization_id, removed);

  update app_public.pfa_sync_log l
  set rows_removed = l.rows_removed + coalesce(cardinality(removed), 0),
    removals_accepted_at = coalesce(l.removals_accepted_at, clock_timestamp()),
    removals_accepted_by = case when l.removals_accepted_at is null then p_user_id else l.removals_accepted_by end
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  if removed is not null then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
