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

--!include pfa_record.sql

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
