--! Previous: sha1:fc63288462a75e33833218fc9ba79357ecaf446e
--! Hash: sha1:e7a28411b093429be224249f6d5d121c6c361486
--! Message: sums and bounds from the overlay alone

--! split: 16-sums.sql
-- Sums and bounds at a million: what lies over the mirror by its index, and bounds that are exact without looking at every
-- record although those that held an extreme have moved.

--------------------------------------------------------------------------------------------------
-- Bounds know the days next to the extreme, too

drop view if exists app_public.pfa_timeline_bounds;
drop materialized view if exists app_private.pfa_timeline_bounds;
create materialized view app_private.pfa_timeline_bounds as
with record as not materialized (
  select m.organization_id, m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from app_core.pfa_mirror m
  where m.removed_at is null and not m.is_discontinued
),
bound as (
  select r.organization_id,
    min(r.original_start) as original_start, max(r.original_end) as original_end,
    min(r.forecast_start) as forecast_start, max(r.forecast_end) as forecast_end,
    min(r.actual_start) as actual_start, max(r.actual_end) as actual_end
  from record r group by 1
),
-- The sums are done once for each organization, the comparisons for each record.
outer_days as (
  select b.organization_id,
    b.original_start + 60 as original_start, b.original_end - 60 as original_end, b.forecast_start + 60 as forecast_start,
    b.forecast_end - 60 as forecast_end, b.actual_start + 60 as actual_start, b.actual_end - 60 as actual_end
  from bound b
  offset 0
),
outer_day as (
  select r.organization_id, d.bound, d.day, count(*) as record_count
  from outer_days o
  join record r on r.organization_id = o.organization_id and (
    r.original_start <= o.original_start or r.original_end >= o.original_end or r.forecast_start <= o.forecast_start
    or r.forecast_end >= o.forecast_end or r.actual_start <= o.actual_start or r.actual_end >= o.actual_end)
  cross join lateral (values
    ('original_start', case when r.original_start <= o.original_start then r.original_start end),
    ('original_end', case when r.original_end >= o.original_end then r.original_end end),
    ('forecast_start', case when r.forecast_start <= o.forecast_start then r.forecast_start end),
    ('forecast_end', case when r.forecast_end >= o.forecast_end then r.forecast_end end),
    ('actual_start', case when r.actual_start <= o.actual_start then r.actual_start end),
    ('actual_end', case when r.actual_end >= o.actual_end then r.actual_end end)) d (bound, day)
  where d.day is not null
  group by 1, 2, 3
)
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start, b.actual_end,
  coalesce(o.days, '[]') as outer_days,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from bound b
left join (
  select d.organization_id, jsonb_agg(jsonb_build_array(d.bound, d.day, d.record_count)) as days from outer_day d group by 1
) o on o.organization_id = b.organization_id;
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
comment on column app_private.pfa_timeline_bounds.outer_days is
  '`[[bound, day, number of records], ...]` of the days within 60 of each bound: the next ones when records of the outermost are overlaid.';
comment on column app_private.pfa_timeline_bounds.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';

create view app_public.pfa_timeline_bounds with (security_barrier = true) as
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start, b.actual_end, b.computed_at
from app_private.pfa_timeline_bounds b
where b.organization_id = any (app_core.current_organization_ids());
grant select on app_public.pfa_timeline_bounds to vanguard_visitor;
comment on view app_public.pfa_timeline_bounds is E'@primaryKey organization_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignSimpleFieldName mirrorBounds|@foreignFieldName mirrorBounds\nFirst and last days of the mirror as they were when last computed. What you see with pending changes and your drafts is `bounds`.';
comment on column app_public.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_public.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_public.pfa_timeline_bounds.computed_at is 'When.';

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
  with overlaid as materialized (
    select o.source, o.is_actualized, o.is_discontinued, o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents, o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents
    from app_private.overlaid(organization.id, me) o
    where o.removed_at is null
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
    select coalesce(o.source, ''),
      count(*) filter (where not o.is_discontinued), count(*) filter (where not o.is_discontinued and o.is_actualized), count(*) filter (where o.is_discontinued),
      coalesce(sum(o.plan_cost_cents) filter (where not o.is_discontinued), 0),
      coalesce(sum(o.forecast_cost_cents) filter (where not o.is_discontinued), 0),
      coalesce(sum(o.actual_cost_cents) filter (where not o.is_discontinued), 0)
    from overlaid o group by 1
    union all
    select coalesce(o.mirror_source, ''),
      -count(*) filter (where not o.mirror_is_discontinued), -count(*) filter (where not o.mirror_is_discontinued and o.mirror_is_actualized), -count(*) filter (where o.mirror_is_discontinued),
      -coalesce(sum(o.mirror_plan_cost_cents) filter (where not o.mirror_is_discontinued), 0),
      -coalesce(sum(o.mirror_forecast_cost_cents) filter (where not o.mirror_is_discontinued), 0),
      -coalesce(sum(o.mirror_actual_cost_cents) filter (where not o.mirror_is_discontinued), 0)
    from overlaid o group by 1
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
  result app_public.pfa_bounds;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Of the outer days those count that some record has which is not overlaid; the overlaid ones have their own days. Where all
  -- records of a bound's outer days are overlaid, or the mirror has changed since, nobody knows without looking at all of them.
  with overlaid as materialized (
    select o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end, o.is_discontinued,
      o.mirror_original_start, o.mirror_original_end, o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end,
      o.mirror_is_discontinued
    from app_private.overlaid(organization.id, me) o
    where o.removed_at is null
  ),
  summary as (
    select b.* from app_private.pfa_timeline_bounds b
    where b.organization_id = organization.id
      and not exists (
        select from app_private.pfa_kpi_change c
        where c.organization_id = organization.id and not pg_visible_in_snapshot(c.transaction_id, b.seen_by))
  ),
  hidden as (
    select d.bound, d.day, count(*) as record_count
    from summary s
    join overlaid o on not o.mirror_is_discontinued and (
      o.mirror_original_start <= s.original_start + 60 or o.mirror_original_end >= s.original_end - 60
      or o.mirror_forecast_start <= s.forecast_start + 60 or o.mirror_forecast_end >= s.forecast_end - 60
      or o.mirror_actual_start <= s.actual_start + 60 or o.mirror_actual_end >= s.actual_end - 60)
    cross join lateral (values
      ('original_start', o.mirror_original_start), ('original_end', o.mirror_original_end), ('forecast_start', o.mirror_forecast_start),
      ('forecast_end', o.mirror_forecast_end), ('actual_start', o.mirror_actual_start), ('actual_end', o.mirror_actual_end)) d (bound, day)
    group by 1, 2
  ),
  outermost as (
    select d->>0 as bound, bool_or((d->>2)::bigint > coalesce(h.record_count, 0)) as is_known,
      min((d->>1)::date) filter (where (d->>2)::bigint > coalesce(h.record_count, 0)) as first_day,
      max((d->>1)::date) filter (where (d->>2)::bigint > coalesce(h.record_count, 0)) as last_day
    from summary s
    cross join jsonb_array_elements(s.outer_days) d
    left join hidden h on h.bound = d->>0 and h.day = (d->>1)::date
    group by 1
  )
  select
    least(n.original_start, k.original_start), greatest(n.original_end, k.original_end),
    least(n.forecast_start, k.forecast_start), greatest(n.forecast_end, k.forecast_end),
    least(n.actual_start, k.actual_start), greatest(n.actual_end, k.actual_end)
    into result
  from summary s
  cross join (
    select min(o.original_start) as original_start, max(o.original_end) as original_end,
      min(o.forecast_start) as forecast_start, max(o.forecast_end) as forecast_end,
      min(o.actual_start) as actual_start, max(o.actual_end) as actual_end
    from overlaid o where not o.is_discontinued
  ) n
  cross join (
    select coalesce(bool_and(u.is_known), true) as are_known,
      min(u.first_day) filter (where u.bound = 'original_start') as original_start, max(u.last_day) filter (where u.bound = 'original_end') as original_end,
      min(u.first_day) filter (where u.bound = 'forecast_start') as forecast_start, max(u.last_day) filter (where u.bound = 'forecast_end') as forecast_end,
      min(u.first_day) filter (where u.bound = 'actual_start') as actual_start, max(u.last_day) filter (where u.bound = 'actual_end') as actual_end
    from outermost u
  ) k
  where k.are_known;
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
