-- Sums of any selection, by group: what charts and the matrix show.

drop function if exists app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer);
drop type if exists app_public.pfa_sum;
drop type if exists app_public.pfa_dimension;
drop type if exists app_public.pfa_layer;

create type app_public.pfa_dimension as enum ('category', 'class', 'area', 'dor', 'source', 'month');
comment on type app_public.pfa_dimension is 'What sums are grouped by.';

create type app_public.pfa_layer as enum ('merged', 'mirror');
comment on type app_public.pfa_layer is
  'Whose values: what you see (PEMS, overlaid by what is pending and by your drafts), or the mirror of PEMS alone.';

create type app_public.pfa_sum as (
  group_value text,
  record_count bigint,
  plan_cost numeric,
  forecast_cost numeric,
  actual_cost numeric,
  variance numeric,
  plan_months numeric,
  forecast_months numeric,
  actual_months numeric
);
comment on type app_public.pfa_sum is 'Costs in USD of the records of one group, without discontinued and removed ones.';
comment on column app_public.pfa_sum.group_value is
  'The category, class, area, ...; a month as `2026-04`. Null: without a group, or of records that have none.';
comment on column app_public.pfa_sum.record_count is 'Records. Null for a month.';
comment on column app_public.pfa_sum.plan_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.forecast_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.actual_cost is E'@notNull\nUSD.';
comment on column app_public.pfa_sum.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_sum.plan_months is 'Duration of the plans in months of 30.44 days, all together. Null for a month.';
comment on column app_public.pfa_sum.forecast_months is 'Duration of the forecasts. Null for a month.';
comment on column app_public.pfa_sum.actual_months is 'Duration of the billing, where both its days are known. Null for a month.';

create or replace function app_private.sums_by_group(records text, dimension app_public.pfa_dimension) returns text
  language sql immutable
begin atomic
  select format($$
    select %1$s, count(*), app_core.usd(coalesce(sum(r.plan_cost_cents), 0)), app_core.usd(coalesce(sum(r.forecast_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.actual_cost_cents), 0)), app_core.usd(coalesce(sum(r.forecast_cost_cents) - sum(r.plan_cost_cents), 0)),
      round(coalesce(sum(greatest(0, r.original_end - r.original_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.forecast_end - r.forecast_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.actual_end - r.actual_start)), 0) / 30.44, 2)
    from %2$s %3$s$$,
    case dimension
      when 'category' then 'r.category' when 'class' then 'r.class' when 'area' then 'r.area_silo' when 'dor' then 'r.dor' when 'source' then 'r.source'
      else 'null::text'
    end,
    records,
    case when dimension is not null then 'group by 1 order by 1' end);
end;
comment on function app_private.sums_by_group(text, app_public.pfa_dimension) is 'The query of sums by what records have in common, over records as organizations_sums puts them together.';

-- Cost over time is a broken line: a rental begins to cost so much a day, and ends to do so; a purchase is a jump. So the bends are
-- summed by day, and these few sums lead from the end of one month to the end of the next; no record is taken apart into months.
-- A day of a rental costs its cents by its days: whole cents as integers, and what is left as a fraction below 1, so that floating
-- point is exact to far less than a cent, and the months together are the cost.
create or replace function app_private.sums_by_month(records text) returns text
  language sql immutable
begin atomic
  select format($$
    with bend as (%s),
    by_month as (
      -- The day before, because a bend on the first of a month changes nothing until then.
      select date_trunc('month', (date '2000-01-01' + day - 1)::timestamp) as month, kind,
        sum(whole) as daily, sum(whole * day) as at_zero, sum(fraction) as daily_fraction, sum(fraction * day) as at_zero_fraction, sum(jump) as jump
      from bend where day is not null group by 1, 2
    ),
    month as (
      select s.month, (s.month + interval '1 month')::date - date '2000-01-01' as until
      from (select min(month) as first, max(month) as last from by_month) b
      cross join lateral generate_series(b.first, b.last, interval '1 month') s (month)
    ),
    total as (
      select m.month, k.kind,
        round(coalesce(sum(e.daily) over w * m.until - sum(e.at_zero) over w + sum(e.jump) over w
          + round((sum(e.daily_fraction) over w * m.until - sum(e.at_zero_fraction) over w)::numeric, 6), 0)) as cents
      from month m
      cross join (values (1), (2), (3)) k (kind)
      left join by_month e on e.month = m.month and e.kind = k.kind
      window w as (partition by k.kind order by m.month)
    ),
    part as (
      select t.month, t.kind, t.cents - lag(t.cents, 1, 0) over (partition by t.kind order by t.month) as cents from total t
      union all
      select null, kind, jump from bend where day is null
    )
    select to_char(p.month, 'YYYY-MM'), null::bigint,
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 1), 0)), app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 3), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0) - coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      null::numeric, null::numeric, null::numeric
    from part p
    where p.cents <> 0
    group by p.month
    order by p.month$$,
    (
      select string_agg(format($$
        select %1$s as kind, coalesce(b.first_day, b.last_day) as day,
          case grouping(b.first_day) when 0 then sum(b.whole) else -sum(b.whole) end as whole,
          case grouping(b.first_day) when 0 then sum(b.fraction) else -sum(b.fraction) end as fraction,
          case grouping(b.first_day) when 0 then 0 else sum(b.jump) end as jump
        from (
          select
            r.%2$s_start - date '2000-01-01' as first_day,
            case when r.source = 'Rental' then r.%2$s_end else r.%2$s_start + 1 end - date '2000-01-01' as last_day,
            case when r.source = 'Rental' then r.%3$s / (r.%2$s_end - r.%2$s_start) else 0 end as whole,
            case when r.source = 'Rental' then (r.%3$s %% (r.%2$s_end - r.%2$s_start))::float8 / (r.%2$s_end - r.%2$s_start) else 0 end as fraction,
            case when r.source = 'Rental' then 0 else r.%3$s end as jump
          from %4$s and r.%3$s > 0
        ) b
        group by grouping sets ((b.first_day), (b.last_day))$$, k.kind, k.days, k.cents, records), ' union all ')
      from (values (1, 'original', 'plan_cost_cents'), (2, 'forecast', 'forecast_cost_cents'), (3, 'actual', 'actual_cost_cents')) k (kind, days, cents)
    ));
end;
comment on function app_private.sums_by_month(text) is 'The query of costs by month, over records as organizations_sums puts them together. Cost until the end of a month is rounded to cents, over the whole group; a month is the difference to the one before.';

create function app_public.organizations_sums(
  organization app_public.organizations,
  group_by app_public.pfa_dimension default null,
  selection app_public.pfa_selection default null,
  layer app_public.pfa_layer default 'merged'
) returns setof app_public.pfa_sum
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
declare
  columns constant text := 'pfa_id, data, removed_at, area_silo, category, class, source, dor, original_start, original_end, forecast_start, forecast_end,
    actual_start, actual_end, is_actualized, is_discontinued, is_funds_transferable, plan_cost_cents, forecast_cost_cents, actual_cost_cents';
  me constant integer := app_core.current_user_id();
  asked record;
  records text;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  asked := app_private.selection_condition(organization.id, case when selection is null then row(null, null, null, null, true)::app_public.pfa_selection else selection end, layer = 'mirror');
  records := format('(select %s, false as has_draft, false as is_pending, false as has_problem from app_core.pfa_mirror where organization_id = $1', columns)
    || case layer when 'mirror' then '' else format(
      ' and pfa_id not in (select o.pfa_id from app_core.pfa_overlay o where o.organization_id = $1 and o.viewer_id in (0, $5))
      union all select %s, has_draft, is_pending, has_problem from app_private.overlaid($1, $5)', columns)
    end
    || ') r where r.removed_at is null and not r.is_discontinued and ' || asked.condition;
  return query execute case group_by when 'month' then app_private.sums_by_month(records) else app_private.sums_by_group(records, group_by) end
    using organization.id, selection.filter::jsonb, selection.record_ids, asked.found_ids, me;
end;
$$;
comment on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer) is
  E'Plan, forecast and actual cost, variance, number and duration of the records of a selection (without one: of all), in all or by group, without discontinued and removed records. By month, the cost of a rental is spread over its days, and that of a purchase falls into the month of its start date; only months that cost something are answered. In the layer `mirror` nothing is pending and nobody has drafts.';
grant execute on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer) to vanguard_visitor;
