--! Previous: sha1:8e4a1b50f3b0e260ded9b1801c5fdd4b3c628964
--! Hash: sha1:fc9e56ddbdc7dc4977ab275e0526159a0604abee
--! Message: keep revisions from going back

--! split: 1-current.sql
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
--! Included app_private/functions/follow_mirror.sql
create or replace function app_private.follow_mirror(organization_id integer, pfa_ids text[], out rebased integer,
  out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  affected text[];
begin
  rebased := 0;
  conflicts := 0;
  select array_agg(distinct d.pfa_id) into affected
  from (
    select m.pfa_id from app_core.pfa_modification m
    where m.organization_id = follow_mirror.organization_id and m.state <> 'synced'
      and m.pfa_id = any (follow_mirror.pfa_ids)
    union all
    select o.pfa_id from app_core.pfa_overlay o
    where o.organization_id = follow_mirror.organization_id and o.pfa_id = any (follow_mirror.pfa_ids)
  ) d;
  if affected is not null then
    select b.rebased, b.conflicts into rebased, conflicts
    from app_private.rebase_drafts(follow_mirror.organization_id, affected) b;
    perform app_private.rewrite_overlay(follow_mirror.organization_id, affected);
  end if;
end;
$$;
comment on function app_private.follow_mirror(integer, text[]) is
  'Rebases drafts and rewrites overlays of records that changed in the mirror. Call it in the transaction that '
  'changed them, under the locks of the mirror rows.';
--! EndIncluded app_private/functions/follow_mirror.sql
--! Included app_private/functions/tell_overlay.sql
create or replace function app_private.tell_overlay() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
  set jit = off
as $$
begin
  if tg_op = 'INSERT' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    group by n.organization_id, n.viewer_id;
  elsif tg_op = 'UPDATE' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    join old_rows o on o.organization_id = n.organization_id and o.viewer_id = n.viewer_id and o.pfa_id = n.pfa_id
    where n.revision <> o.revision
    group by n.organization_id, n.viewer_id;
  else
    -- The viewer sees the row below now, which has a later revision. A row that goes with its record makes no event.
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select o.organization_id, 'records', o.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(o.pfa_id order by o.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(m.revision order by o.pfa_id) end
    from old_rows o
    join app_core.pfa_mirror m on m.organization_id = o.organization_id and m.pfa_id = o.pfa_id
    group by o.organization_id, o.viewer_id;
  end if;
  return null;
end;
$$;
comment on function app_private.tell_overlay() is
  'Trigger: tells everybody what is pending or no longer so, and each user what changed under a draft of theirs. '
  'Nobody else hears of drafts.';
--! EndIncluded app_private/functions/tell_overlay.sql
comment on table app_core.pfa_overlay is
  'The merged rows of changed records: viewer 0 is mirror + pending, viewer u is mirror + pending + the draft of '
  'user u. Written with every change of either, in the same transaction. A row without pending changes and draft '
  'keeps the revision that was seen last, until the mirror has a later one.';
