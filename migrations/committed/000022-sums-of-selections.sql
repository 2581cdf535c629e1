--! Previous: sha1:c2ab194e7f809d1f7aaf70e5cfb96583bce65ec9
--! Hash: sha1:4afada809adc30d1554abe2f7da921aad88b99f2
--! Message: sums of selections

--! split: 65-sums.sql
-- Sums of any selection, by group: what charts and the matrix show.

drop function if exists app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer);
drop function if exists app_private.sums_by_group(text, app_public.pfa_dimension);
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
    with record as materialized (
      select r.source = 'Rental' as is_rental, r.plan_cost_cents, r.forecast_cost_cents, r.actual_cost_cents,
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
    records,
    (
      select string_agg(format($$
        select %1$s as kind, coalesce(b.first_day, b.last_day) as day,
          (case grouping(b.first_day) when 0 then sum(b.whole) else -sum(b.whole) end)::bigint as whole,
          case grouping(b.first_day) when 0 then sum(b.fraction) else -sum(b.fraction) end as fraction, 0::bigint as jump
        from (
          select r.%2$s_start as first_day, r.%2$s_end as last_day, r.%3$s / (r.%2$s_end - r.%2$s_start) as whole,
            (r.%3$s %% (r.%2$s_end - r.%2$s_start))::float8 / (r.%2$s_end - r.%2$s_start) as fraction
          from record r where r.%3$s > 0 and r.is_rental
        ) b
        group by grouping sets ((b.first_day), (b.last_day))
        union all
        -- Bought on the day, so that it counts from the next one on, in the same month.
        select %1$s, r.%2$s_start + 1, 0, 0, sum(r.%3$s)::bigint from record r where r.%3$s > 0 and not r.is_rental group by r.%2$s_start
        $$, k.kind, k.days, k.cents), ' union all ')
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
  records := app_private.seen_records(layer = 'mirror') || ' where r.removed_at is null and not r.is_discontinued and ' || asked.condition;
  return query execute case group_by when 'month' then app_private.sums_by_month(records) else app_private.sums_by_group(records, group_by) end
    using organization.id, selection.filter::jsonb, selection.record_ids, asked.found_ids, me;
end;
$$;
comment on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer) is
  E'Plan, forecast and actual cost, variance, number and duration of the records of a selection (without one: of all), in all or by group, without discontinued and removed records. By month, the cost of a rental is spread over its days, and that of a purchase falls into the month of its start date; only months that cost something are answered. In the layer `mirror` nothing is pending and nobody has drafts.';
grant execute on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension, app_public.pfa_selection, app_public.pfa_layer) to vanguard_visitor;
