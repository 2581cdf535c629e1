--! Previous: sha1:b35ef1bb958fc1e539f4cce21dd4c86ca9d44559
--! Hash: sha1:493ec418246b718440774a6e8bfef2f6e72fb5db
--! Message: show every effect of drafts and bulk operations on the cost

--! split: 1-current.sql
alter type app_public.pfa_draft_totals add attribute plan_cost_change numeric;
alter type app_public.pfa_draft_totals add attribute actual_cost_change numeric;
comment on column app_public.pfa_draft_totals.plan_cost_change is
  E'@notNull\nWhat your drafts add to the plan cost, USD: over what is in PEMS and what is pending.';
comment on column app_public.pfa_draft_totals.actual_cost_change is
  E'@notNull\nWhat your drafts add to the actual cost, USD: over what is in PEMS and what is pending.';
alter type app_public.pfa_bulk_preview add attribute changed_keys jsonb;
comment on column app_public.pfa_bulk_preview.changed_keys is
  E'@notNull\nWhich keys would change, and in how many records: `[{"key", "count"}, ...]`.';
--! Included app_public/views/pfa_draft.sql
create or replace view app_public.pfa_draft with (security_invoker = true) as
select m.organization_id, m.id, m.pfa_id, m.delta, m.base, c.current, m.problems,
  app_core.usd(case when mine.is_discontinued then 0 else mine.forecast_cost_cents end
    - before.forecast_cost_cents) as forecast_cost_change,
  m.created_at, m.updated_at,
  app_core.usd(case when mine.is_discontinued then 0 else mine.plan_cost_cents end
    - before.plan_cost_cents) as plan_cost_change,
  app_core.usd(case when mine.is_discontinued then 0 else mine.actual_cost_cents end
    - before.actual_cost_cents) as actual_cost_change
from app_core.pfa_modification m
join app_core.pfa_mirror r on r.organization_id = m.organization_id and r.pfa_id = m.pfa_id
join app_core.pfa_overlay mine on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id
  and mine.viewer_id = m.user_id
left join app_core.pfa_overlay pending on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id
  and pending.viewer_id = 0
-- A discontinued record counts in no total.
cross join lateral (
  select
    case when u.is_discontinued then 0 else u.plan_cost_cents end as plan_cost_cents,
    case when u.is_discontinued then 0 else u.forecast_cost_cents end as forecast_cost_cents,
    case when u.is_discontinued then 0 else u.actual_cost_cents end as actual_cost_cents
  from (
    select coalesce(pending.is_discontinued, r.is_discontinued) as is_discontinued,
      coalesce(pending.plan_cost_cents, r.plan_cost_cents) as plan_cost_cents,
      coalesce(pending.forecast_cost_cents, r.forecast_cost_cents) as forecast_cost_cents,
      coalesce(pending.actual_cost_cents, r.actual_cost_cents) as actual_cost_cents
  ) u
) before
cross join lateral (
  select jsonb_object_agg(k, app_core.normalized(coalesce(pending.data, r.data)->k)) as current
    from jsonb_object_keys(m.delta) k
) c
where m.state = 'draft' and m.user_id = app_core.current_user_id();
comment on view app_public.pfa_draft is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName myDrafts\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nYour '
  'own uncommitted changes, one a record: what each key was when you drafted it (base), what you made of it '
  '(delta), and what it is now without your draft (current).';
comment on column app_public.pfa_draft.organization_id is 'The organization.';
comment on column app_public.pfa_draft.id is E'@behavior +orderBy\nOur key.';
comment on column app_public.pfa_draft.pfa_id is E'@notNull\n@behavior +orderBy +filterBy\nThe record.';
comment on column app_public.pfa_draft.delta is E'@notNull\nThe keys you changed and what they become.';
comment on column app_public.pfa_draft.base is E'@notNull\nWhat you saw under these keys when you first changed them.';
comment on column app_public.pfa_draft.current is
  E'@notNull\nWhat is under these keys now, without your draft: PEMS and what is pending.';
comment on column app_public.pfa_draft.problems is E'@notNull\nBy key: what stands in the way of committing it.';
comment on column app_public.pfa_draft.plan_cost_change is
  E'@notNull\nWhat your draft adds to the total plan cost, USD. A discontinued record counts in no total.';
comment on column app_public.pfa_draft.forecast_cost_change is
  E'@notNull\nWhat your draft adds to the total forecast cost, USD. A discontinued record counts in no total.';
comment on column app_public.pfa_draft.actual_cost_change is
  E'@notNull\nWhat your draft adds to the total actual cost, USD. A discontinued record counts in no total.';
comment on column app_public.pfa_draft.created_at is E'@notNull\nWhen you first changed the record.';
comment on column app_public.pfa_draft.updated_at is E'@notNull\nWhen you last changed it.';
grant select on app_public.pfa_draft to vanguard_visitor;
--! EndIncluded app_public/views/pfa_draft.sql
--! Included app_public/functions/organizations_my_draft_totals.sql
create or replace function app_public.organizations_my_draft_totals(organization app_public.organizations,
  selection app_public.pfa_selection default null)
  returns app_public.pfa_draft_totals
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  named text[];
  totals app_public.pfa_draft_totals;
begin
  -- Of a row that belongs to no organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- Not `is not null`: of a composite that would ask whether every one of its fields is there.
  if selection is distinct from null then
    named := app_private.selected_ids(organization.id, selection);
  end if;
  select count(*), coalesce(sum((select count(*) from jsonb_object_keys(d.delta))), 0),
    count(*) filter (where d.problems <> '{}'),
    coalesce(sum(d.forecast_cost_change), 0.00), coalesce(sum(d.plan_cost_change), 0.00),
    coalesce(sum(d.actual_cost_change), 0.00)
  into totals
  from app_public.pfa_draft d
  where d.organization_id = organization.id and (named is null or d.pfa_id in (select unnest(named)));
  return totals;
end;
$$;
comment on function app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection) is
  'How much you have drafted, of all records or of a selection, and what it adds to plan, forecast and actual cost.';
grant execute on function app_public.organizations_my_draft_totals(app_public.organizations,
  app_public.pfa_selection) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_my_draft_totals.sql
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
    app_private.bulk_token(organization.id, me, ids, operation),
    (
      select coalesce(jsonb_agg(jsonb_build_object('key', k.key, 'count', k.count) order by k.key), '[]')
      from (
        select c.key, count(*) as count from item i cross join lateral jsonb_each(i.changes) c
          where i.verdict = 'changed' and app_core.normalized(c.value) <> app_core.normalized(i.data->c.key)
          group by c.key
      ) k
    )
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
