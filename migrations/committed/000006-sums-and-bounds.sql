--! Previous: sha1:90af95f5db42f7fd3f84f88c35982a750ec11995
--! Hash: sha1:367f4e3dad5652e6e7abeb74337a30fc204bee41
--! Message: sums and bounds

--! split: 600-kpis.sql
-- Sums and bounds: materialized for everybody, corrected exactly for what the reader sees.

create table app_private.pfa_kpi_change (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  source text not null,
  record_count bigint not null,
  actualized_count bigint not null,
  discontinued_count bigint not null,
  plan_cost_cents numeric not null,
  forecast_cost_cents numeric not null,
  actual_cost_cents numeric not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  primary key (organization_id, id)
);
-- use: what changed in an organization since the summary was computed
create index pfa_kpi_change_organization_id_idx on app_private.pfa_kpi_change (organization_id, transaction_id);
comment on table app_private.pfa_kpi_change is 'New minus old sums of each change of the mirror. Those that the materialized summary''s snapshot does not see are added to it; the others are deleted after a refresh.';
comment on column app_private.pfa_kpi_change.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_change.id is 'Our key.';
comment on column app_private.pfa_kpi_change.source is 'As in the summary.';
comment on column app_private.pfa_kpi_change.record_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.actualized_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.discontinued_count is 'Difference of the count.';
comment on column app_private.pfa_kpi_change.plan_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.forecast_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.actual_cost_cents is 'Difference in US cents.';
comment on column app_private.pfa_kpi_change.transaction_id is 'The transaction that changed the mirror: compared with the snapshot of the summary, so that nothing is counted twice or not at all, whatever runs at the same time.';
call app_private.protect('app_private.pfa_kpi_change');

create materialized view app_private.pfa_kpi_summary as
select
  m.organization_id,
  coalesce(m.source, '') as source,
  count(*) filter (where not m.is_discontinued) as record_count,
  count(*) filter (where not m.is_discontinued and m.is_actualized) as actualized_count,
  count(*) filter (where m.is_discontinued) as discontinued_count,
  coalesce(sum(m.plan_cost_cents) filter (where not m.is_discontinued), 0) as plan_cost_cents,
  coalesce(sum(m.forecast_cost_cents) filter (where not m.is_discontinued), 0) as forecast_cost_cents,
  coalesce(sum(m.actual_cost_cents) filter (where not m.is_discontinued), 0) as actual_cost_cents,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from app_core.pfa_mirror m
where m.removed_at is null
group by 1, 2;
-- use: an organization's sums; refresh without blocking readers
create unique index pfa_kpi_summary_key on app_private.pfa_kpi_summary (organization_id, source);
comment on materialized view app_private.pfa_kpi_summary is 'Counts and costs of the mirror by organization and source, without discontinued and removed records.';
comment on column app_private.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_private.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_private.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_private.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_private.pfa_kpi_summary.plan_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.forecast_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.actual_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_kpi_summary.computed_at is 'When.';

create materialized view app_private.pfa_timeline_bounds as
select
  m.organization_id,
  min(m.original_start) as original_start, max(m.original_end) as original_end,
  min(m.forecast_start) as forecast_start, max(m.forecast_end) as forecast_end,
  min(m.actual_start) as actual_start, max(m.actual_end) as actual_end,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from app_core.pfa_mirror m
where m.removed_at is null and not m.is_discontinued
group by 1;
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
comment on column app_private.pfa_timeline_bounds.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';

-- Materialized views cannot have row level security, so what is published are definer views that filter.
create view app_public.pfa_kpi_summary with (security_barrier = true) as
select s.organization_id, s.source, s.record_count, s.actualized_count, s.discontinued_count,
  app_core.usd(s.plan_cost_cents) as plan_cost, app_core.usd(s.forecast_cost_cents) as forecast_cost,
  app_core.usd(s.actual_cost_cents) as actual_cost, s.computed_at
from app_private.pfa_kpi_summary s
where s.organization_id = any (app_core.current_organization_ids());
grant select on app_public.pfa_kpi_summary to vanguard_visitor;
comment on view app_public.pfa_kpi_summary is E'@primaryKey organization_id,source\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName mirrorKpis\nSums of the mirror as they were when last computed, by source. What you see with pending changes and your drafts is `kpis`.';
comment on column app_public.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_public.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_public.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_public.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_public.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_public.pfa_kpi_summary.plan_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.forecast_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.actual_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.computed_at is 'When.';

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

create function app_private.refresh_summaries() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  refresh materialized view concurrently app_private.pfa_kpi_summary;
  refresh materialized view concurrently app_private.pfa_timeline_bounds;
  delete from app_private.pfa_kpi_change c
  where pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s limit 1))
    -- Not of this cluster: it came with a backup, and so did the change of the mirror that it stands for.
    or c.transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) and c.transaction_id <> pg_current_xact_id();
end;
$$;
comment on function app_private.refresh_summaries() is 'Computes both materialized views anew, without blocking readers, and drops what they now contain from pfa_kpi_change.';
grant execute on function app_private.refresh_summaries() to vanguard_worker;

create type app_public.pfa_kpis as (
  record_count bigint,
  actualized_count bigint,
  discontinued_count bigint,
  plan_cost numeric,
  forecast_cost numeric,
  actual_cost numeric,
  variance numeric,
  rental_count bigint,
  rental_plan_cost numeric,
  rental_forecast_cost numeric,
  rental_actual_cost numeric,
  purchase_count bigint,
  purchase_plan_cost numeric,
  purchase_forecast_cost numeric,
  purchase_actual_cost numeric
);
comment on type app_public.pfa_kpis is 'Counts and costs in USD, without discontinued records (which are counted apart).';
comment on column app_public.pfa_kpis.record_count is E'@notNull\nRecords, without discontinued ones.';
comment on column app_public.pfa_kpis.actualized_count is E'@notNull\nOf these, on site and billing.';
comment on column app_public.pfa_kpis.discontinued_count is E'@notNull\nDiscontinued records.';
comment on column app_public.pfa_kpis.plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_kpis.rental_count is E'@notNull\nRecords that are rented.';
comment on column app_public.pfa_kpis.rental_plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.rental_forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.rental_actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_count is E'@notNull\nRecords that are purchased.';
comment on column app_public.pfa_kpis.purchase_plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_kpis.purchase_actual_cost is E'@notNull\nUSD.';

create function app_public.organizations_kpis(organization app_public.organizations) returns app_public.pfa_kpis
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
  with overlaid as (
    select o.* from app_core.pfa_overlay o
    where o.organization_id = organization.id and (
      o.viewer_id = me
      or o.viewer_id = 0 and not exists (
        select from app_core.pfa_overlay mine
        where mine.organization_id = o.organization_id and mine.pfa_id = o.pfa_id and mine.viewer_id = me))
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
    select coalesce(r.source, ''),
      r.sign * (not r.is_discontinued)::integer, r.sign * (not r.is_discontinued and r.is_actualized)::integer, r.sign * r.is_discontinued::integer,
      case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end,
      case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end,
      case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end
    from (
      select 1 as sign, o.source, o.is_actualized, o.is_discontinued, o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
      from overlaid o
      where o.removed_at is null
      union all
      select -1, m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from overlaid o
      join app_core.pfa_mirror m on m.organization_id = organization.id and m.pfa_id = o.pfa_id
      where m.removed_at is null
    ) r
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
comment on function app_public.organizations_kpis(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact counts and costs of what you see here: the materialized summary, what changed in the mirror since, pending changes and your drafts.';
grant execute on function app_public.organizations_kpis(app_public.organizations) to vanguard_visitor;

create type app_public.pfa_bounds as (
  original_start date,
  original_end date,
  forecast_start date,
  forecast_end date,
  actual_start date,
  actual_end date
);
comment on type app_public.pfa_bounds is 'First and last days of what you see, without discontinued records.';
comment on column app_public.pfa_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_bounds.actual_end is 'Last expected day of any billing.';

create function app_public.organizations_bounds(organization app_public.organizations) returns app_public.pfa_bounds
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
  -- What is materialized stands, widened by the overlaid records, unless one of these held an extreme in the mirror: then
  -- nobody knows the next one without looking at all of them.
  with overlaid as (
    select o.* from app_core.pfa_overlay o
    where o.organization_id = organization.id and (
      o.viewer_id = me
      or o.viewer_id = 0 and not exists (
        select from app_core.pfa_overlay mine
        where mine.organization_id = o.organization_id and mine.pfa_id = o.pfa_id and mine.viewer_id = me))
  )
  select
    least(b.original_start, n.original_start), greatest(b.original_end, n.original_end),
    least(b.forecast_start, n.forecast_start), greatest(b.forecast_end, n.forecast_end),
    least(b.actual_start, n.actual_start), greatest(b.actual_end, n.actual_end)
    into result
  from app_private.pfa_timeline_bounds b
  cross join (
    select min(o.original_start) as original_start, max(o.original_end) as original_end,
      min(o.forecast_start) as forecast_start, max(o.forecast_end) as forecast_end,
      min(o.actual_start) as actual_start, max(o.actual_end) as actual_end
    from overlaid o where not o.is_discontinued and o.removed_at is null
  ) n
  where b.organization_id = organization.id
    and not exists (
      select from app_private.pfa_kpi_change c
      where c.organization_id = organization.id and not pg_visible_in_snapshot(c.transaction_id, b.seen_by))
    and not exists (
      select from overlaid o
      join app_core.pfa_mirror m on m.organization_id = organization.id and m.pfa_id = o.pfa_id
      where m.original_start = b.original_start or m.original_end = b.original_end
        or m.forecast_start = b.forecast_start or m.forecast_end = b.forecast_end
        or m.actual_start = b.actual_start or m.actual_end = b.actual_end);
  if not found then
    select min(r.original_start), max(r.original_end), min(r.forecast_start), max(r.forecast_end), min(r.actual_start), max(r.actual_end)
      into result
    from app_public.pfa_record r
    where r.organization_id = organization.id and not r.is_discontinued and r.removed_at is null;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_bounds(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact first and last days of what you see here, with pending changes and your drafts.';
grant execute on function app_public.organizations_bounds(app_public.organizations) to vanguard_visitor;
