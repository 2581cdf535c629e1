--! Previous: sha1:1b1dda3d90890186447a9b0917e0da04e4966132
--! Hash: sha1:f3edc6c50bec3e21e577d1e497968de58c104dbc
--! Message: plans that are kept, one walk through what is overlaid

--! split: 30-reads.sql
-- Speed of reading at a million records: see docs/performance.md.

--------------------------------------------------------------------------------------------------
-- Sums and bounds in one walk through the mirror, the outer days in a second one: before, it was three

create or replace function app_private.outer_days() returns integer
  language sql immutable parallel safe
  return 60;
comment on function app_private.outer_days() is 'How many days next to each bound are known with how many records have them.';

-- Others are written in terms of the old ones until all is there.
alter materialized view if exists app_private.pfa_kpi_summary rename to pfa_kpi_summary_before;
alter index if exists app_private.pfa_kpi_summary_key rename to pfa_kpi_summary_before_key;
alter materialized view if exists app_private.pfa_timeline_bounds rename to pfa_timeline_bounds_before;
alter index if exists app_private.pfa_timeline_bounds_key rename to pfa_timeline_bounds_before_key;

create materialized view app_private.pfa_kpi_summary as
-- Grouped by what it is told apart by: a condition on each aggregate would be looked at for each record.
with part as (
  select m.organization_id, m.source, m.is_discontinued, m.is_actualized, count(*) as record_count,
    sum(m.plan_cost_cents) as plan_cost_cents, sum(m.forecast_cost_cents) as forecast_cost_cents, sum(m.actual_cost_cents) as actual_cost_cents,
    min(m.original_start) as original_start, max(m.original_end) as original_end,
    min(m.forecast_start) as forecast_start, max(m.forecast_end) as forecast_end,
    min(m.actual_start) as actual_start, max(m.actual_end) as actual_end
  from app_core.pfa_mirror m
  where m.removed_at is null
  group by 1, 2, 3, 4
)
select
  p.organization_id,
  coalesce(p.source, '') as source,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued), 0)::bigint as record_count,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued and p.is_actualized), 0)::bigint as actualized_count,
  coalesce(sum(p.record_count) filter (where p.is_discontinued), 0)::bigint as discontinued_count,
  coalesce(sum(p.plan_cost_cents) filter (where not p.is_discontinued), 0) as plan_cost_cents,
  coalesce(sum(p.forecast_cost_cents) filter (where not p.is_discontinued), 0) as forecast_cost_cents,
  coalesce(sum(p.actual_cost_cents) filter (where not p.is_discontinued), 0) as actual_cost_cents,
  min(p.original_start) filter (where not p.is_discontinued) as original_start,
  max(p.original_end) filter (where not p.is_discontinued) as original_end,
  min(p.forecast_start) filter (where not p.is_discontinued) as forecast_start,
  max(p.forecast_end) filter (where not p.is_discontinued) as forecast_end,
  min(p.actual_start) filter (where not p.is_discontinued) as actual_start,
  max(p.actual_end) filter (where not p.is_discontinued) as actual_end,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from part p
group by 1, 2;
-- use: an organization's sums; refresh without blocking readers
create unique index pfa_kpi_summary_key on app_private.pfa_kpi_summary (organization_id, source);
comment on materialized view app_private.pfa_kpi_summary is 'Counts, costs and bounds of the mirror by organization and source, without discontinued and removed records.';
comment on column app_private.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_private.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_private.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_private.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_private.pfa_kpi_summary.plan_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.forecast_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.actual_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.original_start is 'First day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.original_end is 'Last day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_start is 'First day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_end is 'Last day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_start is 'First day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_end is 'Last expected day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_kpi_summary.computed_at is 'When.';

create materialized view app_private.pfa_timeline_bounds as
with bound as (
  select s.organization_id,
    min(s.original_start) as original_start, max(s.original_end) as original_end,
    min(s.forecast_start) as forecast_start, max(s.forecast_end) as forecast_end,
    min(s.actual_start) as actual_start, max(s.actual_end) as actual_end
  from app_private.pfa_kpi_summary s
  where s.record_count > 0
  group by 1
),
-- The sums are done once for each organization, the comparisons for each record.
outer_days as (
  select b.organization_id,
    b.original_start + n.days as original_start, b.original_end - n.days as original_end, b.forecast_start + n.days as forecast_start,
    b.forecast_end - n.days as forecast_end, b.actual_start + n.days as actual_start, b.actual_end - n.days as actual_end
  from bound b cross join (select app_private.outer_days() as days) n
  offset 0
),
-- A few percent of all records, kept for the six walks through them that follow.
near as materialized (
  select o.organization_id,
    case when r.original_start <= o.original_start then r.original_start end as original_start,
    case when r.original_end >= o.original_end then r.original_end end as original_end,
    case when r.forecast_start <= o.forecast_start then r.forecast_start end as forecast_start,
    case when r.forecast_end >= o.forecast_end then r.forecast_end end as forecast_end,
    case when r.actual_start <= o.actual_start then r.actual_start end as actual_start,
    case when r.actual_end >= o.actual_end then r.actual_end end as actual_end
  from outer_days o
  join app_core.pfa_mirror r on r.organization_id = o.organization_id and r.removed_at is null and not r.is_discontinued and (
    r.original_start <= o.original_start or r.original_end >= o.original_end or r.forecast_start <= o.forecast_start
    or r.forecast_end >= o.forecast_end or r.actual_start <= o.actual_start or r.actual_end >= o.actual_end)
),
outer_day as (
  select n.organization_id, 1 as bound, n.original_start as day, count(*) as record_count
    from near n where n.original_start is not null group by 1, 3
  union all
  select n.organization_id, 2, n.original_end, count(*) from near n where n.original_end is not null group by 1, 3
  union all
  select n.organization_id, 3, n.forecast_start, count(*) from near n where n.forecast_start is not null group by 1, 3
  union all
  select n.organization_id, 4, n.forecast_end, count(*) from near n where n.forecast_end is not null group by 1, 3
  union all
  select n.organization_id, 5, n.actual_start, count(*) from near n where n.actual_start is not null group by 1, 3
  union all
  select n.organization_id, 6, n.actual_end, count(*) from near n where n.actual_end is not null group by 1, 3
),
list as (
  select d.organization_id, array_agg(d.bound order by d.bound, d.day) as bounds, array_agg(d.day order by d.bound, d.day) as days,
    array_agg(d.record_count order by d.bound, d.day) as counts
  from outer_day d group by 1
)
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start, b.actual_end,
  l.bounds as outer_day_bounds, l.days as outer_days, l.counts as outer_day_counts,
  -- All of them were computed in the same one.
  (select s.seen_by from app_private.pfa_kpi_summary s limit 1) as seen_by,
  now() as computed_at
from bound b
left join list l on l.organization_id = b.organization_id;
-- use: an organization's bounds; refresh without blocking readers
create unique index pfa_timeline_bounds_key on app_private.pfa_timeline_bounds (organization_id);
comment on materialized view app_private.pfa_timeline_bounds is 'First and last days of the mirror by organization, without discontinued and removed records.';
comment on column app_private.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_private.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_private.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_private.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_private.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_private.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_private.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_private.pfa_timeline_bounds.outer_day_bounds is 'Of each outer day, the bound: 1 to 6, as the columns before.';
comment on column app_private.pfa_timeline_bounds.outer_days is 'The days within app_private.outer_days() of each bound: the next ones when records of the outermost are overlaid.';
comment on column app_private.pfa_timeline_bounds.outer_day_counts is 'Of each outer day, how many records have it.';
comment on column app_private.pfa_timeline_bounds.seen_by is 'The snapshot that the bounds were computed in. The outer days may have been a moment later: what changed meanwhile is among the differences.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';

create or replace view app_public.pfa_kpi_summary with (security_barrier = true) as
select s.organization_id, s.source, s.record_count, s.actualized_count, s.discontinued_count,
  app_core.usd(s.plan_cost_cents) as plan_cost, app_core.usd(s.forecast_cost_cents) as forecast_cost,
  app_core.usd(s.actual_cost_cents) as actual_cost, s.computed_at
from app_private.pfa_kpi_summary s
where s.organization_id = any (app_core.current_organization_ids());

create or replace view app_public.pfa_timeline_bounds with (security_barrier = true) as
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start, b.actual_end, b.computed_at
from app_private.pfa_timeline_bounds b
where b.organization_id = any (app_core.current_organization_ids());

-- A usual organization's statements are planned once, which PostgreSQL does not do by itself.
create or replace function app_private.plan_cache_mode(organization_ids integer[]) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with size as (
    select s.organization_id, sum(s.record_count + s.discontinued_count) as records from app_private.pfa_kpi_summary s group by 1
  )
  select case
    when max(z.records) filter (where z.organization_id = any (plan_cache_mode.organization_ids)) > 3 * avg(z.records) then 'force_custom_plan'
    else 'force_generic_plan'
  end
  from size z;
end;
comment on function app_private.plan_cache_mode(integer[]) is
  'How the statements of who may see these organizations are planned. A plan that is kept is made for an organization of the usual size, and saves one to two milliseconds each time; left to itself, PostgreSQL keeps none, because it thinks that one for the values asked for is a little cheaper. Where one organization is more than three times as large, another plan may be ten times as fast: then each statement is planned for the values that it asks for.';

drop materialized view if exists app_private.pfa_kpi_summary_before, app_private.pfa_timeline_bounds_before;

--------------------------------------------------------------------------------------------------
-- What the reader sees

create or replace function app_public.organizations_kpis(organization app_public.organizations) returns app_public.pfa_kpis
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  result app_public.pfa_kpis;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- What is overlaid is gone through once, and grouped by what both sides are told apart by: a condition on each of twelve sums
  -- would be looked at for each record.
  with overlaid as (
    select o.source, o.is_discontinued, o.is_actualized, o.mirror_source, o.mirror_is_discontinued, o.mirror_is_actualized, count(*) as record_count,
      sum(o.plan_cost_cents) as plan, sum(o.forecast_cost_cents) as forecast, sum(o.actual_cost_cents) as actual,
      sum(o.mirror_plan_cost_cents) as mirror_plan, sum(o.mirror_forecast_cost_cents) as mirror_forecast, sum(o.mirror_actual_cost_cents) as mirror_actual
    from app_private.overlaid(organization.id, me) o
    where o.removed_at is null
    group by 1, 2, 3, 4, 5, 6
  ),
  part as (
    select s.source, s.record_count, s.actualized_count, s.discontinued_count, s.plan_cost_cents, s.forecast_cost_cents, s.actual_cost_cents
    from app_private.pfa_kpi_summary s
    where s.organization_id = organization.id
    union all
    select c.source, c.record_count, c.actualized_count, c.discontinued_count, c.plan_cost_cents, c.forecast_cost_cents, c.actual_cost_cents
    from app_private.pfa_kpi_change c
    where c.organization_id = organization.id
      and pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s limit 1)) is not true
    union all
    select d.source,
      case when d.is_discontinued then 0 else d.record_count end, case when d.is_discontinued or not d.is_actualized then 0 else d.record_count end,
      case when d.is_discontinued then d.record_count else 0 end, case when d.is_discontinued then 0 else d.plan end,
      case when d.is_discontinued then 0 else d.forecast end, case when d.is_discontinued then 0 else d.actual end
    from overlaid o
    cross join lateral (values
      (o.source, o.is_discontinued, o.is_actualized, o.record_count, o.plan, o.forecast, o.actual),
      (o.mirror_source, o.mirror_is_discontinued, o.mirror_is_actualized, -o.record_count, -o.mirror_plan, -o.mirror_forecast, -o.mirror_actual)
    ) d (source, is_discontinued, is_actualized, record_count, plan, forecast, actual)
  ),
  total as (
    select
      coalesce(sum(record_count), 0) as record_count,
      coalesce(sum(actualized_count), 0) as actualized_count,
      coalesce(sum(discontinued_count), 0) as discontinued_count,
      coalesce(sum(plan_cost_cents), 0) as plan,
      coalesce(sum(forecast_cost_cents), 0) as forecast,
      coalesce(sum(actual_cost_cents), 0) as actual,
      coalesce(sum(record_count) filter (where source = 'Rental'), 0) as rental_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Rental'), 0) as rental_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Rental'), 0) as rental_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Rental'), 0) as rental_actual,
      coalesce(sum(record_count) filter (where source = 'Purchase'), 0) as purchase_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Purchase'), 0) as purchase_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Purchase'), 0) as purchase_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Purchase'), 0) as purchase_actual
    from part
  )
  select t.record_count, t.actualized_count, t.discontinued_count,
    app_core.usd(t.plan), app_core.usd(t.forecast), app_core.usd(t.actual), app_core.usd(t.forecast - t.plan),
    t.rental_count, app_core.usd(t.rental_plan), app_core.usd(t.rental_forecast), app_core.usd(t.rental_actual),
    t.purchase_count, app_core.usd(t.purchase_plan), app_core.usd(t.purchase_forecast), app_core.usd(t.purchase_actual)
  into result from total t;
  return result;
end;
$$;

create or replace function app_public.organizations_bounds(organization app_public.organizations) returns app_public.pfa_bounds
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  near constant integer := app_private.outer_days();
  summary app_private.pfa_timeline_bounds;
  result app_public.pfa_bounds;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Of the outer days those count that some record has which is not overlaid; the overlaid ones have their own days. Where all
  -- records of a bound's outer days are overlaid, or the mirror has changed since, nobody knows without looking at all of them.
  select b.* into summary
  from app_private.pfa_timeline_bounds b
  where b.organization_id = organization.id
    and not exists (
      select from app_private.pfa_kpi_change c
      where c.organization_id = organization.id and not pg_visible_in_snapshot(c.transaction_id, b.seen_by));
  if found then
    -- What is overlaid is gone through once: for its own first and last days, and for days of the mirror that may be outer ones.
    with overlaid as (
      select o.is_discontinued,
        min(o.original_start) as original_start, max(o.original_end) as original_end, min(o.forecast_start) as forecast_start,
        max(o.forecast_end) as forecast_end, min(o.actual_start) as actual_start, max(o.actual_end) as actual_end,
        array_agg(array[o.mirror_original_start, o.mirror_original_end, o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end])
          filter (where not o.mirror_is_discontinued and (
            o.mirror_original_start <= l.original_start or o.mirror_original_end >= l.original_end or o.mirror_forecast_start <= l.forecast_start
            or o.mirror_forecast_end >= l.forecast_end or o.mirror_actual_start <= l.actual_start or o.mirror_actual_end >= l.actual_end)) as hidden
      from app_private.overlaid(organization.id, me) o
      cross join (
        select summary.original_start + near as original_start, summary.original_end - near as original_end, summary.forecast_start + near as forecast_start,
          summary.forecast_end - near as forecast_end, summary.actual_start + near as actual_start, summary.actual_end - near as actual_end
        -- Added up once, not for each record.
        offset 0
      ) l
      where o.removed_at is null
      group by 1
    ),
    hidden as (
      select (d.n - 1) % 6 + 1 as bound, d.day, count(*) as record_count
      from overlaid o cross join unnest(o.hidden) with ordinality d (day, n)
      group by 1, 2
    ),
    outermost as (
      select d.bound, bool_or(d.record_count > coalesce(h.record_count, 0)) as is_known,
        min(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as first_day,
        max(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as last_day
      from unnest(summary.outer_day_bounds, summary.outer_days, summary.outer_day_counts) d (bound, day, record_count)
      left join hidden h on h.bound = d.bound and h.day = d.day
      group by 1
    )
    select
      least(o.original_start, u.original_start), greatest(o.original_end, u.original_end),
      least(o.forecast_start, u.forecast_start), greatest(o.forecast_end, u.forecast_end),
      least(o.actual_start, u.actual_start), greatest(o.actual_end, u.actual_end)
      into result
    from (
      select min(original_start) as original_start, max(original_end) as original_end, min(forecast_start) as forecast_start,
        max(forecast_end) as forecast_end, min(actual_start) as actual_start, max(actual_end) as actual_end
      from overlaid where not is_discontinued
    ) o
    cross join (
      select coalesce(bool_and(is_known), true) as are_known,
        min(first_day) filter (where bound = 1) as original_start, max(last_day) filter (where bound = 2) as original_end,
        min(first_day) filter (where bound = 3) as forecast_start, max(last_day) filter (where bound = 4) as forecast_end,
        min(first_day) filter (where bound = 5) as actual_start, max(last_day) filter (where bound = 6) as actual_end
      from outermost
    ) u
    where u.are_known;
  end if;
  if not found then
    select min(r.original_start), max(r.original_end), min(r.forecast_start), max(r.forecast_end), min(r.actual_start), max(r.actual_end)
      into result
    from (
      select m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
      from app_core.pfa_mirror m
      where m.organization_id = organization.id and m.removed_at is null and not m.is_discontinued
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = organization.id and o.viewer_id in (0, me) and o.pfa_id = m.pfa_id)
      union all
      select o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end
      from app_private.overlaid(organization.id, me) o
      where o.removed_at is null and not o.is_discontinued
    ) r;
  end if;
  return result;
end;
$$;

--------------------------------------------------------------------------------------------------
-- Finding

create or replace function app_core.search_words(search text) returns text[]
  language sql immutable parallel safe
  return array(
    select w.word from regexp_split_to_table(lower(search), '\s+') w (word) where w.word <> '' order by length(w.word) desc, w.word limit 20
  );
comment on function app_core.search_words(text) is 'The words of a text in lower case, 20 at most, the longest first, which narrows most.';

create or replace function app_core.search_pattern(word text) returns text
  language sql immutable parallel safe
  return '%' || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%';
comment on function app_core.search_pattern(text) is 'What LIKE looks for to find a word anywhere.';

create or replace function app_core.find_records(organization_id integer, search text, containing jsonb) returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  -- Its statements are led by indexes, whatever the values: planning them took longer than finding a rare one.
  set plan_cache_mode = force_generic_plan
  -- One of its ways would be worth parallel workers, if it were taken; starting them takes 7 to 10 ms also when it is not.
  set max_parallel_workers_per_gather = 0
  rows 200
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := find_records.organization_id;
  p_containing constant jsonb := find_records.containing;
  p_texts jsonb;
  me constant integer := app_core.current_user_id();
  words constant text[] := app_core.search_words(search);
  patterns constant text[] := array(select app_core.search_pattern(w) from unnest(words) w);
  has_words constant boolean := cardinality(words) > 0;
  -- Digits are the same in upper and lower case, and LOWER takes most of the time.
  has_case constant boolean := words[1] !~ '^[0-9]+$';
  -- More values than this have the word in them: then so many records do that looking at each is as quick.
  most_values constant integer := 200;
  -- Values that have the first word, and whether they have the others too; ids that have it.
  fields jsonb[];
  have_all boolean[];
  ids text[];
  way text := 'all';
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
  if p_texts <> '{}' then
    way := 'containing';
  end if;
  if has_words and not exists (select from app_private.pfa_search_stale s where s.organization_id = p_organization_id) then
    select array_agg(jsonb_build_object(v.key, v.text)), array_agg(lower(v.text) like all (patterns)) into fields, have_all
    from (
      select l.key, t.text from app_private.pfa_search_values l cross join unnest(l.texts) t (text)
      where l.organization_id = p_organization_id and l.key <> 'pfaId'
        and case when has_case then lower(t.text) else t.text end like patterns[1]
      limit most_values + 1
    ) v;
    if coalesce(cardinality(fields), 0) <= most_values then
      way := 'values';
      -- No id has it when none has its first, second, ... three characters.
      if exists (
        select from app_private.pfa_search_values l
        where l.organization_id = p_organization_id and l.key = 'pfaId'
          and l.texts @> array(select substr(words[1], n, 3) from generate_series(1, length(words[1]) - 2) n)
      ) then
        ids := array(
          select m.pfa_id from app_core.pfa_mirror m
          where m.organization_id = p_organization_id and case when has_case then lower(m.pfa_id) else m.pfa_id end like patterns[1]);
      end if;
    end if;
  end if;

  -- What lies over the mirror are a few thousand records at most.
  return query
    select o.pfa_id from app_private.overlaid(p_organization_id, me) o
    where (o.removed_at is null or o.has_draft)
      and (not has_words or app_core.search_text(o.pfa_id, o.data) like all (patterns))
      and (p_containing is null or o.data @> p_containing);

  -- One of the ways to the mirror's records, and what all of them have to be. A record that several values lead to comes several times.
  return query
    select m.pfa_id
    from (
      select m.pfa_id, m.data, m.removed_at, v.has_all
      from unnest(fields, have_all) v (fields, has_all)
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and app_core.text_fields(m.data) @> v.fields
      where way = 'values'
      union all
      select m.pfa_id, m.data, m.removed_at, cardinality(words) = 1
      from app_core.pfa_mirror m
      where way = 'values' and m.organization_id = p_organization_id and m.pfa_id = any (ids)
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'containing' and m.organization_id = p_organization_id and app_core.text_fields(m.data) @> p_texts
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'all' and m.organization_id = p_organization_id
    ) m
    where m.removed_at is null
      and (m.has_all or app_core.search_text(m.pfa_id, m.data) like all (patterns))
      and (p_containing is null or m.data @> p_containing)
      and m.pfa_id not in (
        select o.pfa_id from app_core.pfa_overlay o where o.organization_id = p_organization_id and o.viewer_id in (0, me));
end;
$$;
comment on function app_core.find_records(integer, text, jsonb) is
  'Ids of the records that have, as the signed-in user sees them, all words of a text and contain an object; either may be null. An id may come more than once. A definer function, because row level security keeps LIKE and @> away from indexes; it checks the organization itself: VG404. VG400 for a text of more than 200 characters and for what is no object.';

drop function if exists app_core.search_patterns(text);
