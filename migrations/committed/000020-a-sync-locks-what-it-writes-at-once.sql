--! Previous: sha1:ce50f8bc24cb56afbb0761a58ed90abde154fb0f
--! Hash: sha1:379bd39f3cf43c15cee13742bcbe77a6df4862d8
--! Message: a sync locks what it writes at once

--! split: 55-sync-locks.sql
-- The same as before, but that it locks all records that it writes at once.

create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Only compare_staged reads everything; what follows finds single records by their keys. Planned for any organization:
  -- of this one the statistics may not know yet that it has records, and with one record every index, and every order of
  -- joining, looks as good as the key. Staging has no statistics worth the name either.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_sync_run.organization_id;
  p_run_id constant bigint := merge_sync_run.run_id;
  run app_public.pfa_sync_log;
  code text;
  is_first boolean;
  has_rejects boolean;
  is_alone boolean;
  live bigint;
  duplicates text[];
  added text[];
  changed text[];
  restamped text[];
  missing text[];
  confirmed text[];
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  select o.code into code from app_public.organizations o where o.id = p_organization_id;
  -- Not exists: its plan looks at other organizations' records until it comes to one of this.
  is_first := (
    select m.pfa_id from app_core.pfa_mirror m where m.organization_id = p_organization_id
    order by m.organization_id, m.pfa_id limit 1) is null;

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice, values that cannot be read.
  select count(*), max(s.version),
    count(s.pfa_id) > count(distinct s.pfa_id) or coalesce(bool_or(
      s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null), false)
  into run.rows_read, run.greatest_version, has_rejects
  from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  if has_rejects then
    select coalesce(array_agg(twice.pfa_id), '{}') into duplicates
    from (
      select s.pfa_id from app_private.pfa_staging s
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.organization_code = code
      group by s.pfa_id having count(*) > 1
    ) twice;

    update app_private.pfa_staging s set reason = case
        when s.pfa_id is null then 'missing-id'
        when s.organization_code is distinct from code then 'other-organization'
        else 'value'
      end
    where s.organization_id = p_organization_id and s.run_id = p_run_id
      and (s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null);
    update app_private.pfa_staging s set reason = 'duplicate'
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = any (duplicates) and s.organization_code = code;

    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, problems, row_content)
    select p_organization_id, p_run_id,
      -- Members of this organization read the rejects: what another one's record is and holds is not for them.
      case when s.organization_code = code then s.pfa_id end,
      s.reason,
      case when s.organization_code = code then coalesce(s.problems, '[]') else '[]' end,
      case when s.organization_code = code then coalesce(s.row_content, s.data) else jsonb_build_object('organization', s.organization_code) end
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null;
    get diagnostics run.rows_rejected = row_count;

    select max(s.version) into run.greatest_version
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  end if;

  -- 2. What differs, and was asked for after what we hold arrived: a stale page never overwrites.
  if not is_first then
    select c.added, c.changed, c.restamped, c.missing into added, changed, restamped, missing
    from app_private.compare_staged(p_organization_id, p_run_id, run.started_at) c;
  end if;
  -- All that this run may write, in one order and at once, as everybody does who drafts or commits: locked bit by bit, it and
  -- they would wait for each other, and the whole run would be lost.
  perform app_private.lock_records(p_organization_id, changed || restamped || missing);
  if changed is not null then
    with differing as materialized (
      select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
        m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
        m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (changed)
        and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at
    ),
    updated as (
      update app_core.pfa_mirror m
      set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
        revision = nextval('app_core.revision_seq')
      from differing d
      where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
      returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
        app_core.changed_keys(d.old_data, d.data)
      from differing d
    ),
    summed as (
      insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select p_organization_id, coalesce(r.source, ''),
        sum(r.sign * (not r.is_discontinued)::integer), sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
        sum(r.sign * r.is_discontinued::integer), sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end), sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
      from (
        select 1 as sign, u.* from updated u
        union all
        select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents, d.actual_cost_cents
        from differing d where d.old_removed_at is null
      ) r
      group by 2
    )
    select array_agg(d.pfa_id) into changed from differing d;
  end if;
  run.rows_updated := coalesce(cardinality(changed), 0);

  -- The same content under a newer version of PEMS: noted, without a new revision.
  update app_core.pfa_mirror m
  set version = s.version, version_by = s.version_by
  from app_private.pfa_staging s
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (restamped)
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 3. What is new.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first
    union all
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and s.pfa_id = any (added)
    returning pfa_id, source, is_actualized, is_discontinued, plan_cost_cents, forecast_cost_cents, actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, i.pfa_id, 'sync', 'add', '{}' from inserted i where not is_first
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(i.source, ''),
      count(*) filter (where not i.is_discontinued), count(*) filter (where not i.is_discontinued and i.is_actualized),
      count(*) filter (where i.is_discontinued), coalesce(sum(i.plan_cost_cents) filter (where not i.is_discontinued), 0),
      coalesce(sum(i.forecast_cost_cents) filter (where not i.is_discontinued), 0), coalesce(sum(i.actual_cost_cents) filter (where not i.is_discontinued), 0)
    from inserted i group by 2
  )
  select count(*) into run.rows_inserted from inserted;

  -- 4. What is gone: noted when a complete full read misses it, removed when the next one misses it too, and never many at once.
  -- Seen again by whichever run, or by anybody else since it was missed, it has to be missed twice anew.
  delete from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id
    and (exists (
        select from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = c.pfa_id
          and s.reason is distinct from 'other-organization')
      or exists (
        select from app_core.pfa_mirror m
        where m.organization_id = p_organization_id and m.pfa_id = c.pfa_id
          and (m.removed_at is not null or m.observed_at >= c.missed_at)));

  if run.kind = 'full' and not is_first then
    -- observed_at: what somebody read after this run began, this run has not missed.
    with missed_again as (
      update app_public.pfa_removal_candidate c set confirmed_at = run.started_at
      from app_core.pfa_mirror m
      where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
        and m.organization_id = p_organization_id and m.pfa_id = c.pfa_id and m.observed_at < run.started_at
      returning c.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from missed_again g;

    if confirmed is not null then
      select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.removed_at is null;
    end if;
    if live > 50 and cardinality(confirmed) > live * 0.2 then
      run.rows_spared := cardinality(confirmed);
      run.notice := format('%s of %s records are gone in PEMS. So many are not removed unless somebody agrees: if they are meant to be gone, an owner or admin accepts their removal (acceptRemovals, or `npx vanguard sync accept-removals %s`); if not, PEMS or the rights of its user are to be looked at.',
        run.rows_spared, live, code);
      update app_public.pfa_removal_candidate c set spared_by_run = p_run_id
      where c.organization_id = p_organization_id and c.pfa_id = any (confirmed) and c.spared_by_run is null;
      confirmed := null;
    else
      confirmed := app_private.remove_records(p_organization_id, confirmed, null);
      run.rows_removed := coalesce(cardinality(confirmed), 0);
    end if;

    insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run, missed_at)
    select p_organization_id, m.pfa_id, p_run_id, run.started_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and m.pfa_id = any (missing) and m.removed_at is null and m.observed_at < run.started_at
    on conflict do nothing;
    get diagnostics run.rows_missing = row_count;
  end if;

  -- 5. What people drafted on the records that changed.
  select f.rebased, f.conflicts into run.drafts_rebased, run.conflicts
  from app_private.follow_mirror(p_organization_id, changed || confirmed) f;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and o.pfa_id = any (changed || restamped)
    and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 6. What was done.
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read, rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared, rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version, notice = run.notice
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;

  -- Emptied whole when nobody else uses it at this moment: what is deleted row by row leaves an index of a hundred
  -- megabytes behind, which never gets smaller.
  begin
    lock table app_private.pfa_staging in access exclusive mode nowait;
    is_alone := not exists (
      select from app_private.pfa_staging s where (s.organization_id, s.run_id) is distinct from (p_organization_id, p_run_id));
  exception when lock_not_available then
    is_alone := false;
  end;
  if is_alone then
    truncate app_private.pfa_staging;
  else
    delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;

  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.merge_sync_run(integer, bigint) is
  'Merges what a complete run left in staging: refuses bad rows, inserts, updates only what differs and was asked for later than what we hold, notes and removes what is gone, rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. One transaction, set-based. VG409 when the token of the run is no longer current.';
