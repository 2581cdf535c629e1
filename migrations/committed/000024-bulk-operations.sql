--! Previous: sha1:4a61efb85a990ea17a80661fa1c762e74384e49a
--! Hash: sha1:4e06c3ca0ad56918084ebcf7319547c6d7d050b6
--! Message: bulk operations

--! split: 70-bulk.sql
-- Bulk operations: one set-based statement each, by ids or by the filter of the list, with a preview.

drop type if exists app_public.pfa_bulk_operation cascade;
create type app_public.pfa_bulk_operation as (shift_days integer, duration_days integer, reset_to_plan boolean, "set" jsonb);
comment on type app_public.pfa_bulk_operation is 'One of these.';
comment on column app_public.pfa_bulk_operation.shift_days is 'Moves both dates of the forecast by so many days; of an actualized record, its actual end.';
comment on column app_public.pfa_bulk_operation.duration_days is 'Moves the end of the forecast by so many days, never before its start; of an actualized record, the actual end.';
comment on column app_public.pfa_bulk_operation.reset_to_plan is 'True: the dates of the forecast become those of the plan. Refused for actualized records and those without a plan.';
comment on column app_public.pfa_bulk_operation.set is 'Puts these values under these keys, e.g. `{"category": "Cranes"}`.';

drop type if exists app_public.pfa_bulk_preview cascade;
create type app_public.pfa_bulk_preview as (
  selected_count integer, changed_count integer, unchanged_count integer, refused_count integer, reasons jsonb,
  plan_cost_before numeric, plan_cost_after numeric, forecast_cost_before numeric, forecast_cost_after numeric,
  actual_cost_before numeric, actual_cost_after numeric, preview_token text
);
comment on type app_public.pfa_bulk_preview is 'What a bulk operation would do. Costs are of the selected records, USD, discontinued ones left out.';
comment on column app_public.pfa_bulk_preview.selected_count is E'@notNull\nHow many records are selected.';
comment on column app_public.pfa_bulk_preview.changed_count is E'@notNull\nHow many would change.';
comment on column app_public.pfa_bulk_preview.unchanged_count is E'@notNull\nHow many have these values already, or nothing to move.';
comment on column app_public.pfa_bulk_preview.refused_count is E'@notNull\nHow many cannot be changed so.';
comment on column app_public.pfa_bulk_preview.reasons is E'@notNull\nWhy not: `[{"problem", "count", "recordIds"}, ...]`, the ids of the first 20.';
comment on column app_public.pfa_bulk_preview.plan_cost_before is E'@notNull\nPlan, now.';
comment on column app_public.pfa_bulk_preview.plan_cost_after is E'@notNull\nPlan, then: it follows rate, price and source.';
comment on column app_public.pfa_bulk_preview.forecast_cost_before is E'@notNull\nForecast, now.';
comment on column app_public.pfa_bulk_preview.forecast_cost_after is E'@notNull\nForecast, then.';
comment on column app_public.pfa_bulk_preview.actual_cost_before is E'@notNull\nActual, now.';
comment on column app_public.pfa_bulk_preview.actual_cost_after is E'@notNull\nActual, then.';
comment on column app_public.pfa_bulk_preview.preview_token is E'@notNull\nSend it along with `applyBulk`: it is refused when something selected has changed since.';

drop function if exists app_private.bulk_items(integer, integer, text[], app_public.pfa_bulk_operation);
create function app_private.bulk_items(organization_id integer, user_id integer, pfa_ids text[], operation app_public.pfa_bulk_operation)
  returns table (pfa_id text, revision bigint, data jsonb, changes jsonb, verdict text, problem text, key text)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with seen as materialized (
    select i.id as pfa_id, m.revision, m.data, m.pfa_id is null as is_missing, m.removed_at is not null as is_removed,
      coalesce(m.data->>'isActualized' = 'true', false) as is_actualized,
      app_core.iso_date(m.data->>'originalStart') as original_start, app_core.iso_date(m.data->>'originalEnd') as original_end,
      app_core.iso_date(m.data->>'forecastStart') as forecast_start, app_core.iso_date(m.data->>'forecastEnd') as forecast_end,
      app_core.iso_date(m.data->>'actualStart') as actual_start, app_core.iso_date(m.data->>'actualEnd') as actual_end
    from unnest(bulk_items.pfa_ids) i (id)
    left join app_private.merged_for(bulk_items.organization_id, bulk_items.user_id, bulk_items.pfa_ids) m on m.pfa_id = i.id
  ),
  moved as (
    select s.*,
      case when not s.is_actualized then coalesce(s.forecast_start + (operation).shift_days, case when (operation).reset_to_plan then s.original_start end) end as new_forecast_start,
      case when not s.is_actualized then coalesce(s.forecast_end + (operation).shift_days, greatest(s.forecast_end + (operation).duration_days, case when s.forecast_end is not null and (operation).duration_days is not null then s.forecast_start end),
        case when (operation).reset_to_plan then s.original_end end) end as new_forecast_end,
      case when s.is_actualized then coalesce(s.actual_end + (operation).shift_days,
        greatest(s.actual_end + (operation).duration_days, case when s.actual_end is not null and (operation).duration_days is not null then s.actual_start end)) end as new_actual_end
    from seen s
  ),
  wanted as materialized (
    select m.pfa_id, m.revision, m.data,
      -- As they will be in the record: "" empties a key, and nothing can be counted with it.
      coalesce((select jsonb_object_agg(v.key, app_core.normalized(v.value)) from jsonb_each((operation).set) v), jsonb_strip_nulls(jsonb_build_object(
        'forecastStart', m.new_forecast_start, 'forecastEnd', m.new_forecast_end, 'actualEnd', m.new_actual_end))) as changes,
      case
        when m.is_missing then 'there is no such record'
        when m.is_removed then 'was removed from PEMS'
        when (operation).reset_to_plan and m.is_actualized then 'is actualized: only a forecast is reset to the plan'
        when (operation).reset_to_plan and (m.original_start is null or m.original_end is null) then 'has no plan to be reset to'
        when least(m.new_forecast_start, m.new_forecast_end, m.new_actual_end) < date '0001-01-01'
          or greatest(m.new_forecast_start, m.new_forecast_end, m.new_actual_end) > date '9999-12-31' then 'would have a date outside the years 1 to 9999'
      end as problem
    from moved m
  ),
  judged as materialized (
    select w.*,
      w.problem is null and not exists (
        select from jsonb_each(w.changes) c where app_core.normalized(c.value) <> app_core.normalized(w.data->c.key)) as is_same
    from wanted w
  ),
  -- What is left is held against the rules of single values and of whole records.
  unfit as materialized (
    select u.id, min(u.key) as key, string_agg(format('%s %s', u.key, u.problem), '; ' order by u.key) as problem
    from app_private.refused_changes(bulk_items.organization_id, bulk_items.user_id, (
        select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'changes', j.changes)), '[]')
        from judged j where j.problem is null and not j.is_same)) r
    cross join lateral jsonb_to_recordset(r.unfit) w ("recordId" text, key text, problem text)
    cross join lateral (select w."recordId" as id, w.key, w.problem) u
    group by u.id
  )
  select j.pfa_id, j.revision, j.data, j.changes,
    case when coalesce(j.problem, u.problem) is not null then 'refused' when j.is_same then 'unchanged' else 'changed' end,
    coalesce(j.problem, u.problem), u.key
  from judged j
  left join unfit u on u.id = j.pfa_id;
end;
comment on function app_private.bulk_items(integer, integer, text[], app_public.pfa_bulk_operation) is
  'What an operation makes of each of these records, as the user sees them (domain.md, Bulk operations): the changes, and whether they are `changed`, `unchanged` (has it already, or nothing to move) or `refused`, with the reason as the end of a sentence.';

create or replace function app_private.bulk_token(organization_id integer, user_id integer, pfa_ids text[], operation app_public.pfa_bulk_operation) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  select md5(coalesce(string_agg(m.pfa_id || ':' || m.revision, ',' order by m.pfa_id), '') || bulk_token.operation::text)
  from app_private.merged_for(bulk_token.organization_id, bulk_token.user_id, bulk_token.pfa_ids) m;
end;
comment on function app_private.bulk_token(integer, integer, text[], app_public.pfa_bulk_operation) is 'Another one as soon as one of these records, which of them there are, or the operation is another.';

create or replace function app_private.require_bulk_operation(operation app_public.pfa_bulk_operation) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if num_nonnulls((operation).shift_days, (operation).duration_days, (operation).set) + coalesce((operation).reset_to_plan, false)::integer <> 1 then
    raise exception 'A bulk operation is exactly one of shiftDays, durationDays, resetToPlan and set.'
      using errcode = 'VG400', hint = 'For example {"shiftDays": 14}.';
  end if;
  if (operation).shift_days = 0 or (operation).duration_days = 0 or abs(coalesce((operation).shift_days, (operation).duration_days)::bigint) > 36500 then
    raise exception 'The number of days is %.', coalesce((operation).shift_days, (operation).duration_days)
      using errcode = 'VG400', hint = 'It may be 1 to 36500, or as many days backwards.';
  end if;
  if jsonb_typeof((operation).set) <> 'object' or (operation).set = '{}' then
    raise exception 'What is to be set is not an object with at least one key.' using errcode = 'VG400', hint = 'For example {"category": "Cranes"}.';
  end if;
end;
$$;
comment on function app_private.require_bulk_operation(app_public.pfa_bulk_operation) is 'Refuses with VG400 what is no bulk operation, or more than one.';

create or replace function app_private.bulk_records(organization_id integer, selection app_public.pfa_selection) returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
  -- Those that were named one by one are among them also when they are not there, or no longer: then that is said.
  return (
    select coalesce(array_agg(s.id order by s.id), '{}')
    from (
      select unnest(app_private.selected_ids(organization_id, selection)) as id
      union
      select n.id from unnest((selection).record_ids) n (id)
      where not exists (select from app_core.pfa_mirror m where m.organization_id = bulk_records.organization_id and m.pfa_id = n.id and m.removed_at is null)
    ) s
  );
comment on function app_private.bulk_records(integer, app_public.pfa_selection) is 'The ids that a bulk operation is for.';

create function app_public.organizations_bulk_preview(
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
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'originalStart'), app_core.iso_date(v.data->>'originalEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as plan,
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'forecastStart'), app_core.iso_date(v.data->>'forecastEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as forecast,
      sum(case when v.data->>'actualStart' is null or v.data->>'actualEnd' is null then 0 else
        app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'actualStart'), app_core.iso_date(v.data->>'actualEnd'),
          (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric) end) as actual
    from (
      select false as is_after, i.data from item i where i.data is not null
      union all
      select true, case i.verdict when 'changed' then i.data || i.changes else i.data end from item i where i.data is not null
    ) v
    where (v.data->>'isDiscontinued') is distinct from 'true'
    group by v.is_after
  ),
  reason as (
    select r.problem, r.count, r.ids from (
      select i.problem, count(*) as count, (array_agg(i.pfa_id order by i.pfa_id))[:20] as ids from item i where i.verdict = 'refused' group by i.problem
    ) r
  )
  select
    (select count(*) from item), (select count(*) from item i where i.verdict = 'changed'),
    (select count(*) from item i where i.verdict = 'unchanged'), (select count(*) from item i where i.verdict = 'refused'),
    (select coalesce(jsonb_agg(jsonb_build_object('problem', r.problem, 'count', r.count, 'recordIds', r.ids) order by r.count desc, r.problem), '[]') from reason r),
    app_core.usd(coalesce((select c.plan from cost c where not c.is_after), 0)), app_core.usd(coalesce((select c.plan from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where not c.is_after), 0)), app_core.usd(coalesce((select c.forecast from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where not c.is_after), 0)), app_core.usd(coalesce((select c.actual from cost c where c.is_after), 0)),
    app_private.bulk_token(organization.id, me, ids, operation)
  into result;
  return result;
end;
$$;
comment on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection, app_public.pfa_bulk_operation) is
  'What a bulk operation would do to the selected records, and cost, without doing it.';
grant execute on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection, app_public.pfa_bulk_operation) to vanguard_visitor;

create function app_public.apply_bulk(
  organization_id integer, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation,
  preview_token text default null, skip_refused boolean default false
) returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := apply_bulk.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  refused jsonb;
  refused_count integer;
  unchanged_count integer;
  result app_public.pfa_draft_result;
begin
  perform app_private.require_writable(p_organization_id);
  perform app_private.require_bulk_operation(operation);
  perform app_private.lock_operations(p_organization_id, me);
  ids := app_private.bulk_records(p_organization_id, selection);
  perform app_private.lock_records(p_organization_id, ids);
  -- What left the selection while we waited for the locks is left out; what joined it meanwhile is not locked.
  ids := array(select unnest(ids) intersect select unnest(app_private.bulk_records(p_organization_id, selection)) order by 1);
  if preview_token <> app_private.bulk_token(p_organization_id, me, ids, operation) then
    raise exception 'Something that is selected has changed since the preview.'
      using errcode = 'VG409', hint = 'Look at the preview again, then apply it with the new token.';
  end if;

  with item as materialized (
    select b.* from app_private.bulk_items(p_organization_id, me, ids, operation) b
  )
  select
    (select jsonb_agg(jsonb_build_object('recordId', i.pfa_id, 'changes', i.changes)) from item i where i.verdict = 'changed'),
    (
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('recordId', f.pfa_id, 'key', f.key, 'problem', f.problem)) order by f.pfa_id)
      from (select i.pfa_id, i.key, i.problem from item i where i.verdict = 'refused' order by i.pfa_id limit 1000) f
    ),
    (select count(*) from item i where i.verdict = 'refused'),
    (select count(*) from item i where i.verdict = 'unchanged')
    into items, refused, refused_count, unchanged_count;
  if refused is not null and not coalesce(skip_refused, false) then
    raise exception '% of % records cannot be changed so: record % %.', refused_count, cardinality(ids), refused->0->>'recordId', refused->0->>'problem'
      using errcode = 'VG422', detail = refused::text, hint = 'Nothing was saved. Leave these records out of the selection, or ask for it with skipRefused.';
  end if;

  result := app_private.change_drafts(p_organization_id, me, coalesce(items, '[]'), case
    when (operation).shift_days is not null then 'shift'
    when (operation).duration_days is not null then 'duration'
    when (operation).reset_to_plan then 'reset'
    else 'set'
  end);
  result.unchanged_count := result.unchanged_count + unchanged_count;
  result.refused := coalesce(refused, '[]');
  return result;
end;
$$;
comment on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text, boolean) is
  E'@resultFieldName result\nDoes a bulk operation on the selected records, as your drafts: all of them or none, in one step that can be undone. With `skipRefused` those that cannot be changed so are left out and listed. With the `previewToken` it is refused when something has changed since.';
grant execute on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text, boolean) to vanguard_visitor;
