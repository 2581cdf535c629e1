--! Previous: sha1:ac2bacca78797b992036b5973d20c2c11c4f07bd
--! Hash: sha1:7672d6d58bdd29c832328c831daac74e04d44070
--! Message: price the plan by its own rate

--! split: 1-current.sql
-- The plan's side of a record: category, class, source, DOR, rate and price, beside the forecast's. The plan is priced
-- by them, and by the forecast's values where PEMS has none.

insert into app_public.pfa_fields (position, key, kind, allowed_values, max_length, max_amount, description) values
  (25, 'originalCategory', 'text', null, 200, null, 'Equipment category in the plan.'),
  (26, 'originalClass', 'text', null, 200, null, 'Equipment class in the plan.'),
  (27, 'originalSource', 'text', '{Rental,Purchase}', 50, null,
    'Decides the cost rule of the plan. If PEMS has none, the source of the forecast decides.'),
  (28, 'originalDor', 'text', '{BEO,PROJECT}', 50, null, 'Who was to pay in the plan.'),
  (29, 'originalMonthlyRate', 'money', null, null, 1e11,
    'USD per month in the plan. If PEMS has none, the rate of the forecast counts.'),
  (30, 'originalPurchasePrice', 'money', null, null, 1e11,
    'USD in the plan. If PEMS has none, the price of the forecast counts.')
on conflict (key) do nothing;
insert into app_public.pfa_field_mappings (key, grid_aliases) values
  ('originalCategory', '{pfs_a_category}'),
  ('originalClass', '{pfs_a_class}'),
  ('originalSource', '{pfs_a_source}'),
  ('originalDor', '{pfs_a_dor}'),
  ('originalMonthlyRate', '{pfs_a_rate}'),
  ('originalPurchasePrice', '{pfs_a_price}')
on conflict (organization_id, key) do nothing;
insert into app_private.legacy_column (table_name, name, kind, target)
select 'pfa_records', f.key, case f.kind when 'money' then 'number' else 'text' end, 'data.' || f.key
from app_public.pfa_fields f
where f.key in ('originalCategory', 'originalClass', 'originalSource', 'originalDor', 'originalMonthlyRate',
  'originalPurchasePrice')
on conflict (table_name, name) do nothing;

--! Included app_core/functions/cost_cents.sql
create or replace function app_core.cost_cents(source text, first_day date, last_day date, monthly_rate numeric,
  purchase_price numeric) returns bigint
  language sql immutable parallel safe
  return case source
    when 'Rental' then coalesce(round(greatest(0, last_day - first_day) * monthly_rate * 100 / 30.44), 0)::bigint
    when 'Purchase' then coalesce(round(purchase_price * 100), 0)::bigint
    else 0
  end;
comment on function app_core.cost_cents(text, date, date, numeric, numeric) is
  'Cost of a record in cents, rounded once, so that totals are the sums of what is shown. Rental: days / 30.44 * '
  'monthly rate; Purchase: the price. A missing rate, price or date counts as 0.';
grant execute on function app_core.cost_cents(text, date, date, numeric, numeric) to vanguard_visitor, vanguard_worker,
  vanguard_ai_reader;
--! EndIncluded app_core/functions/cost_cents.sql
--! Included app_core/functions/plan_cost_cents.sql
create or replace function app_core.plan_cost_cents(data jsonb) returns bigint
  language sql immutable parallel safe
  return app_core.cost_cents(
    coalesce(data->>'originalSource', data->>'source'),
    app_core.iso_date(data->>'originalStart'), app_core.iso_date(data->>'originalEnd'),
    coalesce(data->>'originalMonthlyRate', data->>'monthlyRate')::numeric,
    coalesce(data->>'originalPurchasePrice', data->>'purchasePrice')::numeric);
comment on function app_core.plan_cost_cents(jsonb) is
  'Plan cost of a record in cents, over the plan''s dates. For each of source, rate and price that PEMS has no plan '
  'value of, the forecast''s value counts.';
grant execute on function app_core.plan_cost_cents(jsonb) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/plan_cost_cents.sql
-- Before the tables: rewriting them builds the index of values anew.
--! Included app_core/functions/text_fields.sql
create or replace function app_core.text_fields(data jsonb) returns jsonb
  language sql immutable parallel safe
  return data - array[
    'pfaId', 'organization', 'originalStart', 'originalEnd', 'forecastStart', 'forecastEnd', 'actualStart', 'actualEnd',
    'monthlyRate', 'purchasePrice', 'isActualized', 'isDiscontinued', 'isFundsTransferable', 'originalCategory',
    'originalClass', 'originalSource', 'originalDor', 'originalMonthlyRate', 'originalPurchasePrice'
  ];
comment on function app_core.text_fields(jsonb) is
  'What of a record the index of values holds: its texts, and all fields of PEMS that we do not know. Identity, '
  'days, money, flags and the plan are found otherwise or by nobody, and would make it large.';
grant execute on function app_core.text_fields(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/text_fields.sql

-- A generated column cannot get another expression before PostgreSQL 17. One statement replaces both columns, so that a
-- table is written once. It takes 20 s for a million records, and nobody reads or writes records meanwhile.
alter table app_core.pfa_mirror
  drop column if exists plan_cost_cents cascade,
  drop column if exists plan_is_rental cascade,
  add column plan_is_rental boolean not null generated always as (
    coalesce(coalesce(data->>'originalSource', data->>'source') = 'Rental', false)) stored,
  add column plan_cost_cents bigint not null generated always as (app_core.plan_cost_cents(data)) stored;
alter table app_core.pfa_overlay
  drop column if exists plan_cost_cents cascade,
  drop column if exists plan_is_rental cascade,
  add column plan_is_rental boolean not null generated always as (
    coalesce(coalesce(data->>'originalSource', data->>'source') = 'Rental', false)) stored,
  add column plan_cost_cents bigint not null generated always as (app_core.plan_cost_cents(data)) stored;
comment on column app_core.pfa_mirror.plan_is_rental is
  'The plan costs by the month: its source, else the forecast''s, is Rental.';
comment on column app_core.pfa_overlay.plan_is_rental is
  'The plan costs by the month: its source, else the forecast''s, is Rental.';
comment on column app_core.pfa_mirror.plan_cost_cents is
  'Cost over the plan''s dates by the plan''s source, rate or price, US cents. Where PEMS has no plan value, the '
  'forecast''s value counts.';
comment on column app_core.pfa_overlay.plan_cost_cents is
  'Cost over the plan''s dates by the plan''s source, rate or price, US cents. Where PEMS has no plan value, the '
  'forecast''s value counts.';
-- A record may have had these keys before they had a meaning.
update app_core.pfa_overlay o
set mirror_plan_cost_cents = m.plan_cost_cents
from app_core.pfa_mirror m
where m.organization_id = o.organization_id and m.pfa_id = o.pfa_id
  and o.mirror_plan_cost_cents <> m.plan_cost_cents;

-- What the columns took along.
--! Included app_private/functions/rewrite_overlay.sql
create or replace function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with pending as (
    select p.* from app_private.pending(rewrite_overlay.organization_id, rewrite_overlay.pfa_ids) p
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, null::jsonb as problems from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, nullif(m.problems, '{}')
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.state = 'draft'
  ),
  -- The viewer has no draft any more, or nothing is pending, and the row below may have an earlier revision than the
  -- one that was seen. The row stays, with the content below it, until the mirror is below and has a later revision.
  afterimage as (
    select o.pfa_id, o.viewer_id
    from app_core.pfa_overlay o
    join app_core.pfa_mirror m on m.organization_id = rewrite_overlay.organization_id
      and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.pfa_id = o.pfa_id
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and (m.revision <= o.revision or o.viewer_id <> 0 and exists (select from pending p where p.pfa_id = o.pfa_id))
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  ),
  shown as (
    select v.pfa_id, v.viewer_id, v.viewer_id <> 0 as has_draft, v.delta, v.base, v.problems from viewer v
    union all
    select a.pfa_id, a.viewer_id, false, null, null, null from afterimage a
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from shown s where s.pfa_id = o.pfa_id and s.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft,
      has_problem, problems, base,
    mirror_source, mirror_is_actualized, mirror_is_discontinued, mirror_plan_cost_cents,
    mirror_forecast_cost_cents, mirror_actual_cost_cents, mirror_original_start, mirror_original_end,
    mirror_forecast_start, mirror_forecast_end, mirror_actual_start, mirror_actual_end)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.has_draft, v.problems is not null, v.problems, v.base,
    m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from shown v
  join app_core.pfa_mirror m
    on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem,
    problems = excluded.problems, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents,
    mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.problems, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.problems, excluded.base,
      excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued,
      excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start,
      excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start,
      excluded.mirror_actual_end);
end;
comment on function app_private.rewrite_overlay(integer, text[]) is
  'Makes the overlay of these records what mirror, pending changes and drafts say. A row that has neither pending '
  'changes nor a draft stays until the mirror has a later revision, so that no revision goes back. Call it in the '
  'transaction that changed one of them, under the locks of the mirror rows.';
--! EndIncluded app_private/functions/rewrite_overlay.sql
--! Included app_private/functions/overlaid.sql
-- The same, of the table as it is now.
create or replace function app_private.overlaid(organization_id integer, user_id integer)
  returns setof app_core.pfa_overlay
  language sql stable
begin atomic
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = overlaid.user_id
  union all
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = 0
    and not exists (
      select from app_core.pfa_overlay mine
      where mine.organization_id = overlaid.organization_id and mine.viewer_id = overlaid.user_id
        and mine.pfa_id = o.pfa_id);
end;
comment on function app_private.overlaid(integer, integer) is
  'The merged rows that a user sees instead of the mirror''s: the user''s drafts, and what is pending on other '
  'records. Removed records are among them.';
--! EndIncluded app_private/functions/overlaid.sql
--! Included app_private/views/pfa_kpi_summary.sql
create materialized view if not exists app_private.pfa_kpi_summary as
-- Grouped by what it is told apart by: a condition on each aggregate would be looked at for each record.
with part as (
  select m.organization_id, m.source, m.is_discontinued, m.is_actualized, count(*) as record_count,
    sum(m.plan_cost_cents) as plan_cost_cents, sum(m.forecast_cost_cents) as forecast_cost_cents,
    sum(m.actual_cost_cents) as actual_cost_cents,
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
comment on materialized view app_private.pfa_kpi_summary is
  'Counts, costs and bounds of the mirror by organization and source, without discontinued and removed records.';
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
comment on column app_private.pfa_kpi_summary.forecast_start is
  'First day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_end is 'Last day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_start is 'First day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_end is
  'Last expected day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.seen_by is 'The snapshot that it was computed in.';
comment on column app_private.pfa_kpi_summary.computed_at is 'When.';
create unique index if not exists pfa_kpi_summary_key on app_private.pfa_kpi_summary (organization_id, source);
comment on index app_private.pfa_kpi_summary_key is 'An organization''s sums; refresh without blocking readers.';
--! EndIncluded app_private/views/pfa_kpi_summary.sql
--! Included app_private/views/pfa_timeline_bounds.sql
create materialized view if not exists app_private.pfa_timeline_bounds as
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
    b.original_start + n.days as original_start, b.original_end - n.days as original_end,
    b.forecast_start + n.days as forecast_start,
    b.forecast_end - n.days as forecast_end, b.actual_start + n.days as actual_start,
    b.actual_end - n.days as actual_end
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
  join app_core.pfa_mirror r on r.organization_id = o.organization_id and r.removed_at is null and not r.is_discontinued
    and (
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
  select d.organization_id, array_agg(d.bound order by d.bound, d.day) as bounds,
    array_agg(d.day order by d.bound, d.day) as days,
    array_agg(d.record_count order by d.bound, d.day) as counts
  from outer_day d group by 1
)
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end,
  l.bounds as outer_day_bounds, l.days as outer_days, l.counts as outer_day_counts,
  -- All of them were computed in the same one.
  (select s.seen_by from app_private.pfa_kpi_summary s limit 1) as seen_by,
  now() as computed_at
from bound b
left join list l on l.organization_id = b.organization_id;
comment on materialized view app_private.pfa_timeline_bounds is
  'First and last days of the mirror by organization, without discontinued and removed records.';
comment on column app_private.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_private.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_private.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_private.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_private.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_private.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_private.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_private.pfa_timeline_bounds.outer_day_bounds is
  'Of each outer day, the bound: 1 to 6, as the columns before.';
comment on column app_private.pfa_timeline_bounds.outer_days is
  'The days within app_private.outer_days() of each bound: the next ones when records of the outermost are '
  'overlaid.';
comment on column app_private.pfa_timeline_bounds.outer_day_counts is 'Of each outer day, how many records have it.';
comment on column app_private.pfa_timeline_bounds.seen_by is
  'The snapshot that the bounds were computed in. The outer days may have been a moment later: what changed '
  'meanwhile is among the differences.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';
create unique index if not exists pfa_timeline_bounds_key on app_private.pfa_timeline_bounds (organization_id);
comment on index app_private.pfa_timeline_bounds_key is 'An organization''s bounds; refresh without blocking readers.';
--! EndIncluded app_private/views/pfa_timeline_bounds.sql
--! Included app_public/views/pfa_kpi_summary.sql
create or replace view app_public.pfa_kpi_summary with (security_barrier = true) as
select s.organization_id, s.source, s.record_count, s.actualized_count, s.discontinued_count,
  app_core.usd(s.plan_cost_cents) as plan_cost, app_core.usd(s.forecast_cost_cents) as forecast_cost,
  app_core.usd(s.actual_cost_cents) as actual_cost, s.computed_at
from app_private.pfa_kpi_summary s
where s.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_kpi_summary is
  E'@primaryKey organization_id,source\n@foreignKey (organization_id) references app_public.organizations '
  '(id)|@fieldName organization|@foreignFieldName mirrorKpis\nSums of the mirror as they were when last computed, '
  'by source. What you see with pending changes and your drafts is `kpis`.';
comment on column app_public.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_public.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty where neither is known.';
comment on column app_public.pfa_kpi_summary.record_count is 'Records, without discontinued ones.';
comment on column app_public.pfa_kpi_summary.actualized_count is 'Of these, on site and billing.';
comment on column app_public.pfa_kpi_summary.discontinued_count is 'Discontinued records.';
comment on column app_public.pfa_kpi_summary.plan_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.forecast_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.actual_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.computed_at is 'When.';
grant select on app_public.pfa_kpi_summary to vanguard_visitor;
--! EndIncluded app_public/views/pfa_kpi_summary.sql
--! Included app_public/views/pfa_timeline_bounds.sql
create or replace view app_public.pfa_timeline_bounds with (security_barrier = true) as
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end, b.computed_at
from app_private.pfa_timeline_bounds b
where b.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_timeline_bounds is
  E'@primaryKey organization_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName '
  'organization|@foreignSimpleFieldName mirrorBounds|@foreignFieldName mirrorBounds\nFirst and last days of the '
  'mirror as they were when last computed. What you see with pending changes and your drafts is `bounds`.';
comment on column app_public.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_public.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_public.pfa_timeline_bounds.computed_at is 'When.';
grant select on app_public.pfa_timeline_bounds to vanguard_visitor;
--! EndIncluded app_public/views/pfa_timeline_bounds.sql
--! Included app_private/functions/plan_cache_mode.sql
-- A usual organization's statements are planned once, which PostgreSQL does not do by itself.
create or replace function app_private.plan_cache_mode(organization_ids integer[]) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with size as (
    select s.organization_id, sum(s.record_count + s.discontinued_count) as records from app_private.pfa_kpi_summary s
      group by 1
  )
  select case
    when max(z.records) filter (where z.organization_id
      = any (plan_cache_mode.organization_ids)) > 3 * avg(z.records) then 'force_custom_plan'
    else 'force_generic_plan'
  end
  from size z;
end;
comment on function app_private.plan_cache_mode(integer[]) is
  'How the statements of who may see these organizations are planned. A plan that is kept is made for an '
  'organization of the usual size, and saves one to two milliseconds each time; left to itself, PostgreSQL keeps '
  'none, because it thinks that one for the values asked for is a little cheaper. Where one organization is more '
  'than three times as large, another plan may be ten times as fast: then each statement is planned for the values '
  'that it asks for.';
--! EndIncluded app_private/functions/plan_cache_mode.sql
--! Included app_private/functions/session_claims.sql
create or replace function app_private.session_claims(session_id uuid, user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[],
    plan_cache_mode text
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.username, c.is_administrator, c.must_change_password, c.organization_ids, c.writable_organization_ids,
    c.administered_organization_ids,
    app_private.plan_cache_mode(c.organization_ids)
  from app_private.sessions s
  cross join lateral app_private.request_claims(s.user_id) c
  where s.id = session_claims.session_id and s.user_id = session_claims.user_id and s.ended_at is null;
end;
comment on function app_private.session_claims(uuid, integer) is
  'What the user of an access token may do right now, in one look-up; no row when the session has ended, or the '
  'user is unknown or switched off.';
grant execute on function app_private.session_claims(uuid, integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/session_claims.sql
--! Included app_public/views/pfa_record.sql
-- The merged record, in three layers: the mirror, where neither a pending change nor a draft of the user lies over it;
-- pending changes, where no draft lies over them; the user's drafts. What makes it fast, measured at a million records
-- (docs/explanation/performance.md):
-- - The branches are plain tables, and the layer is a constant in each: so the planner folds the CASE to the one
--   condition of that layer, looks into the tables, and merges the index orders of all three. A WHERE inside a branch
--   hides that order.
-- - What lies over is looked up in a set that is read once (IN), not record by record.
-- - `case when ... in (...) then 1 else 0 end <> 1` is `not in`, of which the planner thinks that nearly all rows pass,
--   as they do; of `not in` itself it thinks that half of them do, and then it sorts whole organizations for a page.
create or replace view app_public.pfa_record with (security_invoker = true) as
select
  r.organization_id,
  r.pfa_id,
  r.revision,
  r.has_draft,
  r.is_pending,
  r.has_problem,
  r.area_silo,
  r.category,
  r.class,
  r.source,
  r.dor,
  r.data->>'manufacturer' as manufacturer,
  r.data->>'model' as model,
  r.data->>'contract' as contract,
  r.data->>'equipment' as equipment,
  (r.data->>'monthlyRate')::numeric as monthly_rate,
  (r.data->>'purchasePrice')::numeric as purchase_price,
  r.data->>'originalCategory' as original_category,
  r.data->>'originalClass' as original_class,
  r.data->>'originalSource' as original_source,
  r.data->>'originalDor' as original_dor,
  (r.data->>'originalMonthlyRate')::numeric as original_monthly_rate,
  (r.data->>'originalPurchasePrice')::numeric as original_purchase_price,
  r.original_start,
  r.original_end,
  r.forecast_start,
  r.forecast_end,
  r.actual_start,
  r.actual_end,
  r.is_actualized,
  r.is_discontinued,
  r.is_funds_transferable,
  r.original_start is not null and r.original_end is not null as has_plan,
  r.actual_start is not null and r.actual_end is not null as has_actuals,
  app_core.usd(r.plan_cost_cents) as plan_cost,
  app_core.usd(r.forecast_cost_cents) as forecast_cost,
  app_core.usd(r.actual_cost_cents) as actual_cost,
  app_core.usd(r.forecast_cost_cents - r.plan_cost_cents) as variance,
  r.forecast_cost_cents,
  r.base,
  r.data,
  r.version,
  r.version_by,
  r.observed_at,
  r.removed_at
from (
  select
    'mirror' as layer, 0 as viewer_id, false as has_draft, false as is_pending, false as has_problem,
    null::jsonb as base,
    m.organization_id, m.pfa_id, m.data, m.version, m.version_by, m.revision, m.observed_at, m.removed_at,
    m.area_silo, m.category, m.class, m.source, m.dor,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end,
    m.is_actualized, m.is_discontinued, m.is_funds_transferable,
    m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
  from app_core.pfa_mirror m
  union all
  select
    'pending', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
  union all
  select
    'draft', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
) r
where
  case r.layer
    when 'mirror' then
      case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o
          where o.viewer_id in (0, app_core.current_user_id())
      ) then 1 else 0 end <> 1
    when 'pending' then
      r.viewer_id = 0 and case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o where o.viewer_id = app_core.current_user_id()
      ) then 1 else 0 end <> 1
    else r.viewer_id = app_core.current_user_id()
  end
  and (r.removed_at is null or r.has_draft);
comment on view app_public.pfa_record is
  E'@offersColumns\n@primaryKey organization_id,pfa_id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName pfaRecords\nA record as the signed-in '
  'user sees it: what PEMS holds, overlaid by committed values that PEMS has not confirmed, overlaid by the '
  'user''s own draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is
  E'@notNull\nSend it along when you draft: the draft is refused when the record has moved since.';
comment on column app_public.pfa_record.has_draft is E'@notNull\n@behavior +filterBy\nYou have a draft of it.';
comment on column app_public.pfa_record.is_pending is
  E'@notNull\n@behavior +filterBy\nSomebody committed a change that PEMS has not confirmed.';
comment on column app_public.pfa_record.has_problem is
  E'@notNull\n@behavior +filterBy\nA key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is
  E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
comment on column app_public.pfa_record.dor is E'@behavior +filterBy\nWho pays: `BEO` or `PROJECT`.';
comment on column app_public.pfa_record.manufacturer is 'Who makes the equipment.';
comment on column app_public.pfa_record.model is 'Its model.';
comment on column app_public.pfa_record.contract is 'The contract it comes under.';
comment on column app_public.pfa_record.equipment is 'Asset tag.';
comment on column app_public.pfa_record.monthly_rate is 'USD per month; used when rented.';
comment on column app_public.pfa_record.purchase_price is 'USD; used when purchased.';
comment on column app_public.pfa_record.original_category is 'Equipment category in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_class is 'Equipment class in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_source is
  '`Rental` or `Purchase`: decides the cost rule of the plan. Null if PEMS has none; `source` then decides.';
comment on column app_public.pfa_record.original_dor is
  'Who was to pay in the plan: `BEO` or `PROJECT`. Null if PEMS has none.';
comment on column app_public.pfa_record.original_monthly_rate is
  'USD per month in the plan. Null if PEMS has none; the plan then costs `monthlyRate`.';
comment on column app_public.pfa_record.original_purchase_price is
  'USD in the plan. Null if PEMS has none; the plan then costs `purchasePrice`.';
comment on column app_public.pfa_record.original_start is 'First day of the plan.';
comment on column app_public.pfa_record.original_end is 'Last day of the plan.';
comment on column app_public.pfa_record.forecast_start is E'@behavior +orderBy +filterBy\nFirst day of the forecast.';
comment on column app_public.pfa_record.forecast_end is E'@behavior +orderBy +filterBy\nLast day of the forecast.';
comment on column app_public.pfa_record.actual_start is 'First day of billing.';
comment on column app_public.pfa_record.actual_end is 'Expected end of billing.';
comment on column app_public.pfa_record.is_actualized is E'@notNull\n@behavior +filterBy\nOn site and billing.';
comment on column app_public.pfa_record.is_discontinued is
  E'@notNull\n@behavior +filterBy\nRequirement cancelled: in no sum.';
comment on column app_public.pfa_record.is_funds_transferable is
  E'@notNull\n@behavior +filterBy\nIts budget may be given to others.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nBoth dates of the plan are there.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nBoth actual dates are there.';
comment on column app_public.pfa_record.plan_cost is
  E'@notNull\nCost over the plan''s dates by the plan''s source, rate or price, USD. Where PEMS has no plan value, the '
  'forecast''s value counts.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is
  E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'What you saw under each key that you drafted; null without a draft.';
comment on column app_public.pfa_record.data is
  E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed it, in PEMS''s local time.';
comment on column app_public.pfa_record.version_by is 'Who changed it there.';
comment on column app_public.pfa_record.observed_at is 'When PEMS last told us its content.';
comment on column app_public.pfa_record.removed_at is
  'When it was found gone from PEMS; you still see it because you have a draft.';
grant select on app_public.pfa_record to vanguard_visitor;
--! EndIncluded app_public/views/pfa_record.sql
--! Included app_public/functions/save_draft.sql
create or replace function app_public.save_draft(organization_id integer, record_id text, changes jsonb,
  revision bigint) returns app_public.pfa_record
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  result app_public.pfa_record;
begin
  perform app_private.save_checked_drafts(save_draft.organization_id,
    jsonb_build_array(jsonb_build_object('recordId', save_draft.record_id, 'changes', save_draft.changes, 'revision',
      save_draft.revision)));
  select r.* into result from app_public.pfa_record r
  where r.organization_id = save_draft.organization_id and r.pfa_id = save_draft.record_id;
  return result;
end;
$$;
comment on function app_public.save_draft(integer, text, jsonb, bigint) is
  E'@resultFieldName record\nSaves changes to one record as your draft, e.g. `{"forecastEnd": "2026-05-01"}`, and '
  'answers the record as you see it then. `revision` is the one of the record that you saw. A value that is the '
  'same as without your draft takes the key back.';
grant execute on function app_public.save_draft(integer, text, jsonb, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/save_draft.sql
--! Included app_public/functions/organizations_found_records.sql
create or replace function app_public.organizations_found_records(organization app_public.organizations,
  search text default null, containing jsonb default null)
  returns setof app_public.pfa_record
  language sql stable
begin atomic
  select r.*
  -- One array of all ids, so that the planner cannot but look them up.
  from (select array_agg(f.pfa_id) as ids from app_core.find_records(organization.id, search,
    containing) f (pfa_id)) found
  join app_public.pfa_record r on r.organization_id = organization.id and r.pfa_id = any (found.ids);
end;
comment on function app_public.organizations_found_records(app_public.organizations, text, jsonb) is
  E'@behavior +filterProc +order\nRecords as you see them that have every word of `search` in their id, category, '
  'class, area, manufacturer, model, contract or asset tag (upper and lower case are the same), and whose data '
  'contain the object `containing`, such as `{"model": "LTM 1100"}`. Without either: all of them.';
grant execute on function app_public.organizations_found_records(app_public.organizations, text,
  jsonb) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_found_records.sql

--! Included app_private/functions/seen_records.sql
create or replace function app_private.seen_records(in_mirror boolean) returns text
  language sql immutable
begin atomic
  select format(
      '(select %1$s, false as has_draft, false as is_pending, false as has_problem from app_core.pfa_mirror '
      'where organization_id = $1', c.names)
    || case when in_mirror then '' else format(
      ' and pfa_id not in (select o.pfa_id from app_core.pfa_overlay o where o.organization_id = $1 and o.viewer_id in '
      '(0, $5))
      union all select %s, has_draft, is_pending, has_problem from app_private.overlaid($1, $5)', c.names)
    end || ') r'
  from (values (
    'pfa_id, data, removed_at, area_silo, category, class, source, dor, original_start, original_end, '
    'forecast_start, forecast_end, actual_start, actual_end, is_actualized, is_discontinued, is_funds_transferable, '
    'plan_is_rental, plan_cost_cents, forecast_cost_cents, actual_cost_cents'
  )) c (names);
end;
comment on function app_private.seen_records(boolean) is
  'Records of the organization $1 as the text of something to select from, `r`: as the user $5 sees them, removed '
  'ones included, or of the mirror alone. Asked by the owner, whom no policy keeps to one organization, pfa_record '
  'would look through the overlays of all.';
--! EndIncluded app_private/functions/seen_records.sql
--! Included app_private/functions/sums_by_month.sql
-- Cost over time is a broken line: a rental begins to cost so much a day, and ends to do so; a purchase is a jump. So
-- the bends are summed by day, and these few sums lead from the end of one month to the end of the next; no record is
-- taken apart into months. A day of a rental costs its cents by its days: whole cents as integers, and what is left as
-- a fraction below 1, so that floating point is exact to far less than a cent, and the months together are the cost.
create or replace function app_private.sums_by_month(records text) returns text
  language sql immutable
begin atomic
  select format($$
    with record as materialized (
      select r.plan_is_rental, r.source = 'Rental' as is_rental,
        r.plan_cost_cents, r.forecast_cost_cents, r.actual_cost_cents,
        r.original_start, r.original_end, r.forecast_start, r.forecast_end, r.actual_start, r.actual_end
      from %s
    ),
    bend as (%s),
    by_month as (
      -- The day before, because a bend on the first of a month changes nothing until then.
      select d.month, b.kind, sum(b.whole) as whole, sum(b.fraction) as fraction,
        sum(b.whole * (d.next - b.day) + b.jump) as whole_within, sum(b.fraction * (d.next - b.day)) as fraction_within
      from bend b
      cross join lateral (select date_trunc('month', (b.day - 1)::timestamp) as month offset 0) t
      cross join lateral (select t.month, (t.month + interval '1 month')::date as next offset 0) d
      where b.day is not null group by 1, 2
    ),
    month as (
      select s.month, extract(day from s.month + interval '1 month - 1 day') as days
      from (select min(month) as first, max(month) as last from by_month) b
      cross join lateral generate_series(b.first, b.last, interval '1 month') s (month)
    ),
    -- What goes on since earlier months, by the days of the month; and what begins and ends within it.
    grown as (
      select m.month, k.kind,
        coalesce(sum(e.whole) over before * m.days, 0) + coalesce(e.whole_within, 0) as whole,
        coalesce(sum(e.fraction) over before * m.days::float8, 0) + coalesce(e.fraction_within, 0) as fraction
      from month m
      cross join (values (1), (2), (3)) k (kind)
      left join by_month e on e.month = m.month and e.kind = k.kind
      window before as (partition by k.kind order by m.month rows between unbounded preceding and 1 preceding)
    ),
    total as (
      select g.month, g.kind, round(sum(g.whole) over w + round((sum(g.fraction) over w)::numeric, 6)) as cents
      from grown g
      window w as (partition by g.kind order by g.month)
    ),
    part as (
      select t.month, t.kind, t.cents - lag(t.cents, 1, 0) over (partition by t.kind order by t.month) as cents
        from total t
      union all
      select null, kind, jump from bend where day is null
    )
    select to_char(p.month, 'YYYY-MM'), null::bigint,
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 3), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)
        - coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      null::numeric, null::numeric, null::numeric
    from part p
    where p.cents <> 0
    group by p.month
    order by p.month$$,
    records,
    (
      select string_agg(format($$
        select %1$s as kind, coalesce(b.first_day, b.last_day) as day,
          (case grouping(b.first_day) when 0 then sum(b.whole) else -sum(b.whole) end)::bigint as whole,
          case grouping(b.first_day) when 0 then sum(b.fraction) else -sum(b.fraction) end as fraction,
            0::bigint as jump
        from (
          select r.%2$s_start as first_day, r.%2$s_end as last_day, r.%3$s / (r.%2$s_end - r.%2$s_start) as whole,
            (r.%3$s %% (r.%2$s_end - r.%2$s_start))::float8 / (r.%2$s_end - r.%2$s_start) as fraction
          from record r where r.%3$s > 0 and r.%4$s
        ) b
        group by grouping sets ((b.first_day), (b.last_day))
        union all
        -- Bought on the day, so that it counts from the next one on, in the same month.
        select %1$s, r.%2$s_start + 1, 0, 0, sum(r.%3$s)::bigint from record r where r.%3$s > 0 and not r.%4$s
          group by r.%2$s_start
        $$, k.kind, k.days, k.cents, k.rental), ' union all ')
      from (values (1, 'original', 'plan_cost_cents', 'plan_is_rental'),
        (2, 'forecast', 'forecast_cost_cents', 'is_rental'),
        (3, 'actual', 'actual_cost_cents', 'is_rental')) k (kind, days, cents, rental)
    ));
end;
comment on function app_private.sums_by_month(text) is
  'The query of costs by month, over records as organizations_sums puts them together. Cost until the end of a '
  'month is rounded to cents, over the whole group; a month is the difference to the one before.';
--! EndIncluded app_private/functions/sums_by_month.sql
--! Included app_public/functions/organizations_bulk_preview.sql
create or replace function app_public.organizations_bulk_preview(
  organization app_public.organizations, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation
) returns app_public.pfa_bulk_preview
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  ids text[];
  result app_public.pfa_bulk_preview;
begin
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  perform app_private.require_bulk_operation(operation);
  ids := app_private.bulk_records(organization.id, selection);
  with item as materialized (
    select b.* from app_private.bulk_items(organization.id, me, ids, operation) b
  ),
  cost as (
    select v.is_after,
      sum(app_core.plan_cost_cents(v.data)) as plan,
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'forecastStart'),
        app_core.iso_date(v.data->>'forecastEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as forecast,
      sum(case when v.data->>'actualStart' is null or v.data->>'actualEnd' is null then 0 else
        app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'actualStart'),
          app_core.iso_date(v.data->>'actualEnd'),
          (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric) end) as actual
    from (
      select false as is_after, i.data from item i where i.data is not null
      union all
      select true, case i.verdict when 'changed' then i.data || i.changes else i.data end from item i
        where i.data is not null
    ) v
    where (v.data->>'isDiscontinued') is distinct from 'true'
    group by v.is_after
  ),
  reason as (
    select r.problem, r.count, r.ids from (
      select i.problem, count(*) as count, (array_agg(i.pfa_id order by i.pfa_id))[:20] as ids from item i
        where i.verdict = 'refused' group by i.problem
    ) r
  )
  select
    (select count(*) from item), (select count(*) from item i where i.verdict = 'changed'),
    (select count(*) from item i where i.verdict = 'unchanged'),
    (select count(*) from item i where i.verdict = 'refused'),
    (select coalesce(jsonb_agg(jsonb_build_object('problem', r.problem, 'count', r.count, 'recordIds', r.ids)
      order by r.count desc, r.problem), '[]') from reason r),
    app_core.usd(coalesce((select c.plan from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.plan from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where c.is_after), 0)),
    app_private.bulk_token(organization.id, me, ids, operation)
  into result;
  return result;
end;
$$;
comment on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) is
  'What a bulk operation would do to the selected records, and cost, without doing it.';
grant execute on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_bulk_preview.sql

comment on column app_public.pfa_kpis.rental_count is E'@notNull\nRecords whose forecast is a rental.';
comment on column app_public.pfa_kpis.rental_plan_cost is E'@notNull\nPlan of these records, USD.';
comment on column app_public.pfa_kpis.rental_forecast_cost is E'@notNull\nForecast of these records, USD.';
comment on column app_public.pfa_kpis.rental_actual_cost is E'@notNull\nActual cost of these records, USD.';
comment on column app_public.pfa_kpis.purchase_count is E'@notNull\nRecords whose forecast is a purchase.';
comment on column app_public.pfa_kpis.purchase_plan_cost is E'@notNull\nPlan of these records, USD.';
comment on column app_public.pfa_kpis.purchase_forecast_cost is E'@notNull\nForecast of these records, USD.';
comment on column app_public.pfa_kpis.purchase_actual_cost is E'@notNull\nActual cost of these records, USD.';
