--! Previous: sha1:5c6f764e55aed570f9ccf596dcd8425abb5fcacc
--! Hash: sha1:eede462af43ee644161778d484984c5810457e42
--! Message: merged record in three layers, drafts by the hundred

--! split: 10-merged-record.sql
-- The merged record at a million: estimates that are right, indexes that serve each layer, no column that nobody asks for.

--------------------------------------------------------------------------------------------------
-- What the planner makes of "one of my organizations"

create or replace function app_private.request_claims(user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[]
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with claim as (
    select
      u.username,
      u.role = 'admin' as is_administrator,
      coalesce(p.must_change, false) as must_change_password,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null), '{}') as readable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin', 'member'))), '{}') as writable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin'))), '{}') as administered
    from app_public.users u
    left join app_private.user_passwords p on p.user_id = u.id
    left join app_public.user_organizations m on m.user_id = u.id and u.role <> 'admin'
    left join app_public.organizations o on (o.id = m.organization_id or u.role = 'admin') and o.is_active
    where u.id = request_claims.user_id and u.is_active
    group by u.id, p.must_change
  )
  select c.username, c.is_administrator, c.must_change_password,
    array(
      select r.id
      from generate_series(1, least(
        (select count(*) from app_public.organizations) / greatest(cardinality(c.readable), 1),
        200 / greatest(cardinality(c.readable), 1)) + 1),
        unnest(c.readable) r (id)
    ),
    c.writable, c.administered
  from claim c;
end;
comment on function app_private.request_claims(integer) is
  'What a user may do right now, in one look-up; no row for an unknown user or one who is switched off. Rights: domain.md, section 4. A must_change_password is enforced in production only. organization_ids names each organization over and over, until the list is about as long as there are organizations (some 200 at most): every query says organization_id = one of them, and so do the policies, and the planner multiplies both as if they had nothing to do with each other. It takes a list as long as that for no restriction at all, and then its estimates are right.';

create or replace function app_private.plan_cache_mode(organization_ids integer[]) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with size as (
    select s.organization_id, sum(s.record_count + s.discontinued_count) as records from app_private.pfa_kpi_summary s group by 1
  )
  select case
    when max(z.records) filter (where z.organization_id = any (plan_cache_mode.organization_ids)) > 3 * avg(z.records) then 'force_custom_plan'
    else 'auto'
  end
  from size z;
end;
comment on function app_private.plan_cache_mode(integer[]) is
  'How the statements of who may see these organizations are planned. A plan that is kept is made for an organization of the usual size, and saves a millisecond each time. Where one is more than three times as large, another plan may be ten times as fast: then each statement is planned for the values that it asks for.';

drop function if exists app_private.session_claims(uuid, integer);
create function app_private.session_claims(session_id uuid, user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[], plan_cache_mode text
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.username, c.is_administrator, c.must_change_password, c.organization_ids, c.writable_organization_ids, c.administered_organization_ids,
    app_private.plan_cache_mode(c.organization_ids)
  from app_private.sessions s
  cross join lateral app_private.request_claims(s.user_id) c
  where s.id = session_claims.session_id and s.user_id = session_claims.user_id and s.ended_at is null;
end;
comment on function app_private.session_claims(uuid, integer) is
  'What the user of an access token may do right now, in one look-up; no row when the session has ended, or the user is unknown or switched off.';
grant execute on function app_private.session_claims(uuid, integer) to vanguard_authenticator;

--------------------------------------------------------------------------------------------------
-- The overlay is read by layer: what is pending, or what is mine, in the order of the list

drop index if exists app_core.pfa_overlay_category_idx, app_core.pfa_overlay_class_idx, app_core.pfa_overlay_area_silo_idx,
  app_core.pfa_overlay_forecast_start_idx, app_core.pfa_overlay_forecast_end_idx, app_core.pfa_overlay_forecast_cost_idx;
-- use: pfa_record sorted or filtered by category
create index pfa_overlay_category_idx on app_core.pfa_overlay (organization_id, viewer_id, category, pfa_id);
-- use: pfa_record sorted or filtered by class
create index pfa_overlay_class_idx on app_core.pfa_overlay (organization_id, viewer_id, class, pfa_id);
-- use: pfa_record sorted or filtered by area
create index pfa_overlay_area_silo_idx on app_core.pfa_overlay (organization_id, viewer_id, area_silo, pfa_id);
-- use: pfa_record sorted by first day, windows of the timeline
create index pfa_overlay_forecast_start_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_start, pfa_id);
-- use: pfa_record sorted by last day
create index pfa_overlay_forecast_end_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_end, pfa_id);
-- use: pfa_record sorted by cost, ranges of money
create index pfa_overlay_forecast_cost_idx on app_core.pfa_overlay (organization_id, viewer_id, forecast_cost_cents, pfa_id);

-- A category has its own classes, so that in the order of classes the records of one category come together, perhaps at the end:
-- the category is in the index, and other ones are passed over without looking at the records.
drop index if exists app_core.pfa_mirror_class_idx;
-- use: lists sorted or filtered by class, also of one category
create index pfa_mirror_class_idx on app_core.pfa_mirror (organization_id, class, pfa_id, category);

--! Included pfa_record.sql
-- The merged record, in three layers: the mirror, where neither a pending change nor a draft of the user lies over it; pending
-- changes, where no draft lies over them; the user's drafts. What makes it fast, measured at a million records (docs/performance.md):
-- - The branches are plain tables, and the layer is a constant in each: so the planner folds the CASE to the one condition of
--   that layer, looks into the tables, and merges the index orders of all three. A WHERE inside a branch hides that order.
-- - What lies over is looked up in a set that is read once (IN), not record by record.
-- - `case when ... in (...) then 1 else 0 end <> 1` is `not in`, of which the planner thinks that nearly all rows pass, as they do;
--   of `not in` itself it thinks that half of them do, and then it sorts whole organizations for a page.
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
    'mirror' as layer, 0 as viewer_id, false as has_draft, false as is_pending, false as has_problem, null::jsonb as base,
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
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o where o.viewer_id in (0, app_core.current_user_id())
      ) then 1 else 0 end <> 1
    when 'pending' then
      r.viewer_id = 0 and case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o where o.viewer_id = app_core.current_user_id()
      ) then 1 else 0 end <> 1
    else r.viewer_id = app_core.current_user_id()
  end
  and (r.removed_at is null or r.has_draft);
grant select on app_public.pfa_record to vanguard_visitor;

comment on view app_public.pfa_record is E'@offersColumns\n@primaryKey organization_id,pfa_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName pfaRecords\nA record as the signed-in user sees it: what PEMS holds, overlaid by committed values that PEMS has not confirmed, overlaid by the user''s own draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is E'@notNull\nSend it along when you draft: the draft is refused when the record has moved since.';
comment on column app_public.pfa_record.has_draft is E'@notNull\n@behavior +filterBy\nYou have a draft of it.';
comment on column app_public.pfa_record.is_pending is E'@notNull\n@behavior +filterBy\nSomebody committed a change that PEMS has not confirmed.';
comment on column app_public.pfa_record.has_problem is E'@notNull\n@behavior +filterBy\nA key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
comment on column app_public.pfa_record.dor is E'@behavior +filterBy\nWho pays: `BEO` or `PROJECT`.';
comment on column app_public.pfa_record.manufacturer is 'Who makes the equipment.';
comment on column app_public.pfa_record.model is 'Its model.';
comment on column app_public.pfa_record.contract is 'The contract it comes under.';
comment on column app_public.pfa_record.equipment is 'Asset tag.';
comment on column app_public.pfa_record.monthly_rate is 'USD per month; used when rented.';
comment on column app_public.pfa_record.purchase_price is 'USD; used when purchased.';
comment on column app_public.pfa_record.original_start is 'First day of the plan.';
comment on column app_public.pfa_record.original_end is 'Last day of the plan.';
comment on column app_public.pfa_record.forecast_start is E'@behavior +orderBy +filterBy\nFirst day of the forecast.';
comment on column app_public.pfa_record.forecast_end is E'@behavior +orderBy +filterBy\nLast day of the forecast.';
comment on column app_public.pfa_record.actual_start is 'First day of billing.';
comment on column app_public.pfa_record.actual_end is 'Expected end of billing.';
comment on column app_public.pfa_record.is_actualized is E'@notNull\n@behavior +filterBy\nOn site and billing.';
comment on column app_public.pfa_record.is_discontinued is E'@notNull\n@behavior +filterBy\nRequirement cancelled: in no sum.';
comment on column app_public.pfa_record.is_funds_transferable is E'@notNull\n@behavior +filterBy\nIts budget may be given to others.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nBoth dates of the plan are there.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nBoth actual dates are there.';
comment on column app_public.pfa_record.plan_cost is E'@notNull\nCost over the plan''s dates, USD.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'What you saw under each key that you drafted; null without a draft.';
comment on column app_public.pfa_record.data is E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed it, in PEMS''s local time.';
comment on column app_public.pfa_record.version_by is 'Who changed it there.';
comment on column app_public.pfa_record.observed_at is 'When PEMS last told us its content.';
comment on column app_public.pfa_record.removed_at is 'When it was found gone from PEMS; you still see it because you have a draft.';
--! EndIncluded pfa_record.sql

-- Filtered, sorted and summed by nobody; the view takes contract and asset tag from the data. What is written in SQL below
-- stands in the way, because it knows the columns.
drop function if exists app_private.rewrite_overlay(integer, text[]);
drop function if exists app_private.overlaid(integer, integer);
alter table app_core.pfa_mirror
  drop column if exists contract, drop column if exists equipment,
  drop column if exists monthly_rate_cents, drop column if exists purchase_price_cents;
alter table app_core.pfa_overlay
  drop column if exists contract, drop column if exists equipment,
  drop column if exists monthly_rate_cents, drop column if exists purchase_price_cents;

--------------------------------------------------------------------------------------------------
-- Each row of the overlay says what it takes the place of in sums and bounds, so that they need not look at the mirror's rows

alter table app_core.pfa_overlay
  drop column if exists mirror_source,
  drop column if exists mirror_is_actualized,
  drop column if exists mirror_is_discontinued,
  drop column if exists mirror_plan_cost_cents,
  drop column if exists mirror_forecast_cost_cents,
  drop column if exists mirror_actual_cost_cents,
  drop column if exists mirror_original_start,
  drop column if exists mirror_original_end,
  drop column if exists mirror_forecast_start,
  drop column if exists mirror_forecast_end,
  drop column if exists mirror_actual_start,
  drop column if exists mirror_actual_end;
alter table app_core.pfa_overlay
  add column mirror_source text,
  add column mirror_is_actualized boolean,
  add column mirror_is_discontinued boolean,
  add column mirror_plan_cost_cents bigint,
  add column mirror_forecast_cost_cents bigint,
  add column mirror_actual_cost_cents bigint,
  add column mirror_original_start date,
  add column mirror_original_end date,
  add column mirror_forecast_start date,
  add column mirror_forecast_end date,
  add column mirror_actual_start date,
  add column mirror_actual_end date;
update app_core.pfa_overlay o set
  mirror_source = m.source,
  mirror_is_actualized = m.is_actualized,
  mirror_is_discontinued = m.is_discontinued,
  mirror_plan_cost_cents = m.plan_cost_cents,
  mirror_forecast_cost_cents = m.forecast_cost_cents,
  mirror_actual_cost_cents = m.actual_cost_cents,
  mirror_original_start = m.original_start,
  mirror_original_end = m.original_end,
  mirror_forecast_start = m.forecast_start,
  mirror_forecast_end = m.forecast_end,
  mirror_actual_start = m.actual_start,
  mirror_actual_end = m.actual_end
from app_core.pfa_mirror m
where m.organization_id = o.organization_id and m.pfa_id = o.pfa_id;
alter table app_core.pfa_overlay
  alter column mirror_is_actualized set not null,
  alter column mirror_is_discontinued set not null,
  alter column mirror_plan_cost_cents set not null,
  alter column mirror_forecast_cost_cents set not null,
  alter column mirror_actual_cost_cents set not null;
comment on column app_core.pfa_overlay.mirror_source is 'In the mirror: `Rental` or `Purchase`.';
comment on column app_core.pfa_overlay.mirror_is_actualized is 'In the mirror: on site and billing.';
comment on column app_core.pfa_overlay.mirror_is_discontinued is 'In the mirror: requirement cancelled.';
comment on column app_core.pfa_overlay.mirror_plan_cost_cents is 'In the mirror: cost over the plan''s dates, US cents.';
comment on column app_core.pfa_overlay.mirror_forecast_cost_cents is 'In the mirror: cost over the forecast''s dates, US cents.';
comment on column app_core.pfa_overlay.mirror_actual_cost_cents is 'In the mirror: cost over the actual dates, US cents.';
comment on column app_core.pfa_overlay.mirror_original_start is 'In the mirror: first day of the plan.';
comment on column app_core.pfa_overlay.mirror_original_end is 'In the mirror: last day of the plan.';
comment on column app_core.pfa_overlay.mirror_forecast_start is 'In the mirror: first day of the forecast.';
comment on column app_core.pfa_overlay.mirror_forecast_end is 'In the mirror: last day of the forecast.';
comment on column app_core.pfa_overlay.mirror_actual_start is 'In the mirror: first day of billing.';
comment on column app_core.pfa_overlay.mirror_actual_end is 'In the mirror: expected end of billing.';

--------------------------------------------------------------------------------------------------
-- What lies over the mirror, written once

create or replace function app_private.overlaid(organization_id integer, user_id integer) returns setof app_core.pfa_overlay
  language sql stable
begin atomic
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = overlaid.user_id
  union all
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = 0
    and not exists (
      select from app_core.pfa_overlay mine
      where mine.organization_id = overlaid.organization_id and mine.viewer_id = overlaid.user_id and mine.pfa_id = o.pfa_id);
end;
comment on function app_private.overlaid(integer, integer) is
  'The merged rows that a user sees instead of the mirror''s: the user''s drafts, and what is pending on other records. Removed records are among them.';

create or replace function app_private.pending(organization_id integer, pfa_ids text[]) returns table (pfa_id text, delta jsonb)
  language sql stable
begin atomic
  select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence)
  from app_core.pfa_modification m, jsonb_each(m.delta) d
  where m.organization_id = pending.organization_id and m.pfa_id = any (pending.pfa_ids) and m.state in ('committed', 'syncing')
  group by m.pfa_id;
end;
comment on function app_private.pending(integer, text[]) is 'What is committed on these records and not confirmed by PEMS, as one delta a record: of two changes of a key the later one.';

create or replace function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with pending as (
    select p.* from app_private.pending(rewrite_overlay.organization_id, rewrite_overlay.pfa_ids) p
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, false as has_problem from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, m.problems <> '{}'
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.state = 'draft'
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft, has_problem, base,
    mirror_source, mirror_is_actualized, mirror_is_discontinued, mirror_plan_cost_cents,
    mirror_forecast_cost_cents, mirror_actual_cost_cents, mirror_original_start, mirror_original_end,
    mirror_forecast_start, mirror_forecast_end, mirror_actual_start, mirror_actual_end)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.viewer_id <> 0, v.has_problem, v.base,
    m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from viewer v
  join app_core.pfa_mirror m on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents, mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.has_problem, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.has_problem, excluded.base, excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued, excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start, excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start, excluded.mirror_actual_end);
end;
comment on function app_private.rewrite_overlay(integer, text[]) is
  'Makes the overlay of these records what mirror, pending changes and drafts say. Call it in the transaction that changed one of them, under the locks of the mirror rows.';

create or replace function app_private.rebase_drafts(organization_id integer, pfa_ids text[], out rebased integer, out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := rebase_drafts.organization_id;
  p_pfa_ids constant text[] := rebase_drafts.pfa_ids;
begin
  with keyed as (
    select d.id, k.key, k.value as mine, d.base->k.key as base, d.problems->k.key as problem,
      app_core.normalized((r.data || coalesce(p.delta, '{}'))->k.key) as theirs,
      app_core.normalized(r.data->k.key) as in_mirror,
      r.removed_at is not null as is_removed
    from app_core.pfa_modification d
    join app_core.pfa_mirror r on r.organization_id = d.organization_id and r.pfa_id = d.pfa_id
    left join app_private.pending(p_organization_id, p_pfa_ids) p on p.pfa_id = d.pfa_id
    cross join jsonb_each(d.delta) k
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.state = 'draft'
  ),
  judged as (
    select *,
      not is_removed and theirs = mine and in_mirror = mine as is_settled,
      case
        when is_removed then jsonb_build_object('kind', 'removed', 'base', base, 'mine', mine)
        when problem->>'kind' not in ('conflict', 'removed') then problem
        when theirs <> base and theirs <> mine then jsonb_build_object('kind', 'conflict', 'base', base, 'theirs', theirs, 'mine', mine)
      end as new_problem
    from keyed
  ),
  result as (
    select id,
      coalesce(jsonb_object_agg(key, mine) filter (where not is_settled), '{}') as delta,
      coalesce(jsonb_object_agg(key, base) filter (where not is_settled), '{}') as base,
      coalesce(jsonb_object_agg(key, new_problem) filter (where not is_settled and new_problem is not null), '{}') as problems,
      count(*) filter (where not is_settled and new_problem->>'kind' = 'conflict' and new_problem is distinct from problem) as new_conflicts
    from judged group by id
  ),
  dropped as (
    delete from app_core.pfa_modification d using result r
    where d.organization_id = p_organization_id and d.id = r.id and r.delta = '{}'
    returning 1
  ),
  moved as (
    update app_core.pfa_modification d set delta = r.delta, base = r.base, problems = r.problems
    from result r
    where d.organization_id = p_organization_id and d.id = r.id and r.delta <> '{}'
      and (d.delta, d.problems) is distinct from (r.delta, r.problems)
    returning r.new_conflicts
  )
  select (select count(*) from dropped) + (select count(*) from moved), (select coalesce(sum(new_conflicts), 0) from moved)
  into rebased, conflicts;
end;
$$;
comment on function app_private.rebase_drafts(integer, text[]) is
  'Holds every draft of these records against what is under it now, key by key: as when drafted, nothing happens; as drafted (in the mirror itself), the key is dropped; anything else is a conflict, which goes again when it returns to the base. Problems that push made stay. Call it under the locks of the mirror rows, before rewrite_overlay.';

--! split: 12-drafts.sql
-- Drafts by the hundred: everything that is wrong is found in one look, and dates are checked without a subtransaction each.

create or replace function app_core.is_iso_date(value text) returns boolean
  language sql immutable parallel safe
  return case
    when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and substr(value, 1, 4) <> '0000'
      then substr(value, 9, 2)::integer <= date_part('day',
        make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month -1 day')
    else false
  end;
comment on function app_core.is_iso_date(text) is 'Whether the text is `YYYY-MM-DD` and such a day exists.';

-- Both stable, as the functions that they call: then they become part of the query that asks, and are not called value by value.
create or replace function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql stable parallel safe
begin atomic
  select case
    when value is null or value = 'null' or value = '""' then null
    when field.kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}'))
      then 'is not a date; a date is written "YYYY-MM-DD" and exists in the calendar'
    when field.kind = 'money' and jsonb_typeof(value) <> 'number'
      then 'is not a number; an amount is a JSON number of USD'
    when field.kind = 'money' and (value #>> '{}')::numeric < 0
      then 'is negative; an amount is 0 or more'
    when field.kind = 'money' and (value #>> '{}')::numeric >= field.max_amount
      then format('is too large; an amount is less than %s USD', ltrim(to_char(field.max_amount, '999,999,999,999,999,999')))
    when field.kind = 'money' and (value #>> '{}')::numeric <> round((value #>> '{}')::numeric, 2)
      then 'has more than two decimals; an amount is in whole cents'
    when field.kind = 'flag' and jsonb_typeof(value) <> 'boolean'
      then 'is not true or false'
    when field.kind = 'text' and jsonb_typeof(value) <> 'string'
      then 'is not text'
    when field.kind = 'text' and length(value #>> '{}') > field.max_length
      then format('is longer than %s characters', field.max_length)
    when field.kind = 'text' and (value #>> '{}') ~ '[\u0001-\u001f\u007f]'
      then 'contains control characters, such as a line break'
    when field.allowed_values is not null and not (value #>> '{}') = any (field.allowed_values)
      then format('is not one of %s', array_to_string(field.allowed_values, ', '))
  end;
end;
comment on function app_core.value_problem(app_public.pfa_fields, jsonb) is 'What is wrong with a value that somebody wants to put under a key, as the end of a sentence; null when nothing is. Nothing, null and "" empty a key.';

create or replace function app_core.normalized(value jsonb) returns jsonb
  language sql stable parallel safe
  return case
    when value is null or value = '""' then 'null'::jsonb
    when jsonb_typeof(value) = 'number' then to_jsonb(trim_scale((value #>> '{}')::numeric))
    else value
  end;
comment on function app_core.normalized(jsonb) is 'The one form in which values are compared: missing, null and "" are null; 10.50 and 10.5 are the same amount.';

drop function if exists app_private.merged_for(integer, integer, text[]);
create or replace function app_private.merged_for(organization_id integer, user_id integer, pfa_id text)
  returns table (pfa_id text, revision bigint, data jsonb, underlay jsonb, removed_at timestamptz)
  language sql stable
begin atomic
  select m.pfa_id,
    coalesce(mine.revision, pending.revision, m.revision),
    coalesce(mine.data, pending.data, m.data),
    coalesce(pending.data, m.data),
    m.removed_at
  from app_core.pfa_mirror m
  left join app_core.pfa_overlay mine
    on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id and mine.viewer_id = merged_for.user_id
  left join app_core.pfa_overlay pending
    on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id and pending.viewer_id = 0
  where m.organization_id = merged_for.organization_id and m.pfa_id = merged_for.pfa_id;
end;
comment on function app_private.merged_for(integer, integer, text) is
  'One record, no row if there is none: what a user sees (data, revision), and what is under that user''s draft (underlay: mirror + pending). Joined laterally it becomes part of the query, three index look-ups a record.';

create or replace function app_private.write_drafts(organization_id integer, items jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  refused jsonb;
  missing jsonb;
  moved jsonb;
  unfit jsonb;
  reversed jsonb;
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(i->>'recordId' order by i->>'recordId') into ids from jsonb_array_elements(items) i;
  if (select count(distinct id) <> count(*) from unnest(ids) id) then
    raise exception 'A record is named more than once.' using errcode = 'VG400', hint = 'Name each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem', 'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'The changes must be an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  -- The locks come first and alone: what is read after them is what the holder before us left.
  perform from unnest(ids) wanted (pfa_id)
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = wanted.pfa_id
  order by m.pfa_id for no key update of m;

  -- All that is wrong, of all records, in one look. Which of it is said is decided below.
  with item as materialized (
    select i->>'recordId' as id, (i->>'revision')::bigint as revision, i->'changes' as changes,
      m.revision as current_revision, m.data, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(items) i
    left join lateral app_private.merged_for(p_organization_id, me, i->>'recordId') m on true
  )
  select
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'there is no such record') order by i.id)
      from item i where i.is_missing
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'it changed since you saw it',
        'revision', i.revision, 'currentRevision', i.current_revision,
        'current', (select jsonb_object_agg(k, coalesce(i.data->k, 'null')) from jsonb_object_keys(i.changes) k)) order by i.id)
      from item i where i.revision is distinct from i.current_revision
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', c.key, 'value', c.value, 'problem', p.problem) order by i.id, c.key)
      from item i
      cross join jsonb_each(i.changes) c
      left join app_public.pfa_fields f on f.key = c.key
      left join app_private.field_mapping(p_organization_id) w on w.key = c.key
      cross join lateral (
        select case
          when f.key is null then 'is not a key of a record'
          when not f.is_editable then 'is set by PEMS and cannot be edited'
          when w.screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
          when f.editable_when_actualized and (i.data->>'isActualized') is distinct from 'true' then 'can be edited only once the record is actualized'
          else app_core.value_problem(f, c.value)
        end as problem
      ) p
      where p.problem is not null
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', r.last_key, 'value', n.data->r.last_key,
        'problem', format('lies before %s (%s)', r.first_key, n.data->>r.first_key)) order by i.id, r.last_key)
      from item i
      cross join lateral (select i.data || i.changes as data) n
      cross join (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
      where i.changes ?| array[r.first_key, r.last_key]
        and nullif(n.data->>r.last_key, '') < nullif(n.data->>r.first_key, '') collate "C"
    )
    into missing, moved, unfit, reversed;
  if missing is not null then
    raise exception 'There is no record % in this organization.', missing->0->>'recordId'
      using errcode = 'VG404', detail = missing::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;
  if moved is not null then
    raise exception 'Record % changed since you saw it.', moved->0->>'recordId'
      using errcode = 'VG409', detail = moved::text, hint = 'Look at the current values, then save again with the current revision.';
  end if;
  if unfit is not null then
    raise exception '% of record % %.', unfit->0->>'key', unfit->0->>'recordId', unfit->0->>'problem'
      using errcode = 'VG422', detail = unfit::text, hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;
  if reversed is not null then
    raise exception '% of record % %.', reversed->0->>'key', reversed->0->>'recordId', reversed->0->>'problem'
      using errcode = 'VG422', detail = reversed::text, hint = 'Nothing was saved. Move both dates, or choose one that is not earlier.';
  end if;

  with seen as materialized (
    select m.pfa_id, i->'changes' as changes, m.data, m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    cross join lateral app_private.merged_for(p_organization_id, me, i->>'recordId') m
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = m.pfa_id and d.state = 'draft'
  ),
  keyed as materialized (
    select v.pfa_id, v.key,
      app_core.normalized(v.value) as value,
      app_core.normalized(v.under) as under,
      app_core.normalized(v.seen) as seen,
      coalesce(v.base, app_core.normalized(v.under)) as base
    from (
      select s.pfa_id, c.key, c.value, s.underlay->c.key as under, s.data->c.key as seen, s.base->c.key as base
      from seen s cross join jsonb_each(s.changes) c
      -- Looked up once, not once for each time that it is mentioned.
      offset 0
    ) v
  ),
  kept as materialized (
    select s.pfa_id, s.delta - k.undone || k.delta as delta, s.base - k.undone || k.base as base, s.problems - k.undone as problems
    from seen s
    join (
      select k.pfa_id,
        coalesce(jsonb_object_agg(k.key, k.value) filter (where k.value <> k.under), '{}') as delta,
        coalesce(jsonb_object_agg(k.key, k.base) filter (where k.value <> k.under), '{}') as base,
        coalesce(array_agg(k.key) filter (where k.value = k.under), '{}') as undone
      from keyed k group by k.pfa_id
    ) k on k.pfa_id = s.pfa_id
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, pfa_id, me, 'draft', jsonb_object_agg(key, jsonb_build_object('from', seen, 'to', value))
    from keyed where seen <> value group by pfa_id
  ),
  emptied as (
    delete from app_core.pfa_modification d using kept k
    where d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = k.pfa_id and d.state = 'draft' and k.delta = '{}'
  )
  insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
  select p_organization_id, me, pfa_id, delta, base, problems from kept where delta <> '{}'
  on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
    set delta = excluded.delta, base = excluded.base, problems = excluded.problems;

  perform app_private.rewrite_overlay(p_organization_id, ids);
  return ids;
end;
$$;
comment on function app_private.write_drafts(integer, jsonb) is
  'Drafts `[{"recordId", "changes": {key: value}, "revision"}]` for the signed-in user: all or nothing, each record once. Keys drafted before stay. A value equal to what is under the draft removes the key. Refuses with VG400, VG403, VG404, VG409 (moved since) or VG422 (values), naming every record and key in the details.';

create or replace function app_public.discard_drafts(organization_id integer, record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := discard_drafts.organization_id;
  p_record_ids constant text[] := discard_drafts.record_ids;
  me constant integer := app_core.current_user_id();
  discarded text[];
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(d.pfa_id order by d.pfa_id) into discarded
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (p_record_ids is null or d.pfa_id = any (p_record_ids));

  perform from unnest(discarded) wanted (pfa_id)
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = wanted.pfa_id
  order by m.pfa_id for no key update of m;

  with gone as (
    delete from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (discarded)
    returning d.pfa_id, d.delta
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, g.pfa_id, me, 'draft',
      (select jsonb_object_agg(c.key, jsonb_build_object('from', c.value, 'to', app_core.normalized(m.underlay->c.key))) from jsonb_each(g.delta) c)
    from gone g
    cross join lateral app_private.merged_for(p_organization_id, me, g.pfa_id) m
  )
  select array_agg(pfa_id) into discarded from gone;

  perform app_private.rewrite_overlay(p_organization_id, discarded);
  return coalesce(cardinality(discarded), 0);
end;
$$;
comment on function app_public.discard_drafts(integer, text[]) is
  E'@resultFieldName discarded\nThrows away your drafts of these records, or all of them in the organization when no list is given, and answers how many there were.';
