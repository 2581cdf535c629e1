--! Previous: sha1:8f2822a4a4fb6590f2b5570cca247b5886aa3f30
--! Hash: sha1:19f12b3efd40909d0562768c71a5341195ce0721
--! Message: guards of sync, removals accepted, lost runs

--! split: 200-sync-guards.sql
-- What guards the mirror against a PEMS that misbehaves and against workers that are killed: removals that an admin
-- accepts, runs that are closed when their worker is gone, and databases that another version has been at.

alter table app_public.pfa_sync_log
  add column if not exists notice text,
  add column if not exists removals_accepted_by integer references app_public.users on delete set null,
  add column if not exists removals_accepted_at timestamptz,
  add column if not exists worker_id text;
comment on column app_public.pfa_sync_log.rows_spared is 'Removals not made because there were suspiciously many (over 20 % of more than 50), until somebody accepts them.';
comment on column app_public.pfa_sync_log.rows_removed is 'Records found gone for the second time, and removed; also those removed later because somebody accepted it.';
comment on column app_public.pfa_sync_log.greatest_version is 'The newest change among the rows that were not refused, in PEMS''s local time.';
comment on column app_public.pfa_sync_log.notice is 'What a person should know about a run that succeeded, and what to do about it.';
comment on column app_public.pfa_sync_log.removals_accepted_by is 'Who accepted the removals that were spared; null when it was done by a command.';
comment on column app_public.pfa_sync_log.removals_accepted_at is 'When the removals that were spared were accepted.';
comment on column app_public.pfa_sync_log.worker_id is E'@behavior -*\nThe worker that does it, or did.';
drop index if exists app_public.pfa_sync_log_removals_accepted_by_idx;
-- use: which removals a user accepted; on delete of a user
create index pfa_sync_log_removals_accepted_by_idx on app_public.pfa_sync_log (organization_id, removals_accepted_by) where removals_accepted_by is not null;

-- Members see which records are about to be removed, so it is published.
do $$
begin
  if to_regclass('app_private.pfa_removal_candidate') is not null then
    alter table app_private.pfa_removal_candidate set schema app_public;
  end if;
end;
$$;
alter table app_public.pfa_removal_candidate
  add column if not exists confirmed_at timestamptz,
  add column if not exists spared_by_run bigint;
comment on table app_public.pfa_removal_candidate is E'@name removalCandidate\n@behavior -query:resource:single\nRecords that the last complete full read did not bring. Missed by the next one too, they are removed, or spared when there are suspiciously many.';
comment on column app_public.pfa_removal_candidate.missed_by_run is 'The run that missed it first since somebody saw it.';
comment on column app_public.pfa_removal_candidate.missed_at is 'When that run began: what somebody sees later, it has not missed.';
comment on column app_public.pfa_removal_candidate.confirmed_at is 'When the last run began that missed it again: as of then it is gone. Null until a second run missed it.';
comment on column app_public.pfa_removal_candidate.spared_by_run is 'The first run that spared its removal; null if none did.';
drop policy if exists visitor_select on app_public.pfa_removal_candidate;
create policy visitor_select on app_public.pfa_removal_candidate for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_removal_candidate to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- What follows when the mirror changes: the same after a run and after an acceptance

create or replace function app_private.follow_mirror(organization_id integer, pfa_ids text[], out rebased integer, out conflicts integer)
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
  from app_core.pfa_modification d
  where d.organization_id = follow_mirror.organization_id and d.state <> 'synced' and d.pfa_id = any (follow_mirror.pfa_ids);
  if affected is not null then
    select b.rebased, b.conflicts into rebased, conflicts
    from app_private.rebase_drafts(follow_mirror.organization_id, affected) b;
    perform app_private.rewrite_overlay(follow_mirror.organization_id, affected);
  end if;
end;
$$;
comment on function app_private.follow_mirror(integer, text[]) is
  'Rebases drafts and rewrites overlays of records that changed in the mirror. Call it in the transaction that changed them, under the locks of the mirror rows.';

create or replace function app_private.queue_refresh() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Debounced: the first request decides when, the others join it.
  perform graphile_worker.add_job('summaries__refresh', '{}', job_key => 'summaries:refresh', job_key_mode => 'preserve_run_at',
    run_at => clock_timestamp() + interval '2 seconds');
end;
$$;
comment on function app_private.queue_refresh() is 'Queues the refresh of the materialized sums and bounds, debounced.';

create or replace function app_private.remove_records(organization_id integer, pfa_ids text[], user_id integer) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := remove_records.organization_id;
  p_pfa_ids constant text[] := remove_records.pfa_ids;
  p_user_id constant integer := remove_records.user_id;
  removed text[];
begin
  perform from app_core.pfa_mirror m
  where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids)
  order by m.pfa_id for no key update;

  -- What was seen after the read that confirmed it gone stays.
  with gone as (
    update app_core.pfa_mirror m
    set removed_at = clock_timestamp(), observed_at = c.confirmed_at, revision = nextval('app_core.revision_seq')
    from app_public.pfa_removal_candidate c
    where c.organization_id = p_organization_id and c.pfa_id = m.pfa_id
      and m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids)
      and m.removed_at is null and m.observed_at < c.confirmed_at
    returning m.pfa_id, m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, event, changes)
    select p_organization_id, g.pfa_id, p_user_id, 'sync', 'remove', '{}' from gone g
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(g.source, ''),
      -count(*) filter (where not g.is_discontinued), -count(*) filter (where not g.is_discontinued and g.is_actualized),
      -count(*) filter (where g.is_discontinued), -coalesce(sum(g.plan_cost_cents) filter (where not g.is_discontinued), 0),
      -coalesce(sum(g.forecast_cost_cents) filter (where not g.is_discontinued), 0), -coalesce(sum(g.actual_cost_cents) filter (where not g.is_discontinued), 0)
    from gone g group by 2
  ),
  settled as (
    delete from app_public.pfa_removal_candidate c using gone g
    where c.organization_id = p_organization_id and c.pfa_id = g.pfa_id
  )
  select array_agg(g.pfa_id) into removed from gone g;
  return removed;
end;
$$;
comment on function app_private.remove_records(integer, text[], integer) is
  'Removes those of these records that a second run confirmed gone and that nobody has seen since; answers which. Call follow_mirror for them in the same transaction.';

create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Staging has no statistics worth the name; joined row by row by mistake, a merge takes minutes.
  set enable_nestloop = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_sync_run.organization_id;
  p_run_id constant bigint := merge_sync_run.run_id;
  run app_public.pfa_sync_log;
  code text;
  is_first boolean;
  live bigint;
  duplicates text[];
  changed text[];
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
  is_first := not exists (select from app_core.pfa_mirror m where m.organization_id = p_organization_id);

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice, values that cannot be read.
  select coalesce(array_agg(twice.pfa_id), '{}') into duplicates
  from (
    select s.pfa_id from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.organization_code = code
    group by s.pfa_id having count(*) > 1
  ) twice;

  update app_private.pfa_staging s set reason = case
      when s.pfa_id is null then 'missing-id'
      when s.organization_code is distinct from code then 'other-organization'
      when s.pfa_id = any (duplicates) then 'duplicate'
      else 'value'
    end
  where s.organization_id = p_organization_id and s.run_id = p_run_id
    and (s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null or s.pfa_id = any (duplicates));

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

  -- 2. What differs, and was asked for after what we hold arrived: a stale page never overwrites. Locked in key order, as drafting does.
  select array_agg(s.pfa_id order by s.pfa_id) into changed
  from app_private.pfa_staging s
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at;

  perform from app_core.pfa_mirror m
  where m.organization_id = p_organization_id and m.pfa_id = any (changed)
  order by m.pfa_id for no key update;

  with differing as materialized (
    select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
      m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
      m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
    from app_private.pfa_staging s
    join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
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
  run.rows_updated := coalesce(cardinality(changed), 0);

  -- The same content under a newer version of PEMS: noted, without a new revision.
  update app_core.pfa_mirror m
  set version = s.version, version_by = s.version_by
  from app_private.pfa_staging s
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 3. What is new.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
      and (is_first or not exists (
        select from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.pfa_id = s.pfa_id))
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
    select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.removed_at is null;

    -- observed_at: what somebody read after this run began, this run has not missed.
    with missed_again as (
      update app_public.pfa_removal_candidate c set confirmed_at = run.started_at
      from app_core.pfa_mirror m
      where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
        and m.organization_id = p_organization_id and m.pfa_id = c.pfa_id and m.observed_at < run.started_at
      returning c.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from missed_again g;

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
    where m.organization_id = p_organization_id and m.removed_at is null and m.observed_at < run.started_at
      and not exists (
        select from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = m.pfa_id
          and s.reason is distinct from 'other-organization')
    on conflict do nothing;
    get diagnostics run.rows_missing = row_count;
  end if;

  -- 5. What people drafted on the records that changed.
  select f.rebased, f.conflicts into run.drafts_rebased, run.conflicts
  from app_private.follow_mirror(p_organization_id, changed || confirmed) f;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 6. What was done.
  select count(*), max(s.version) filter (where s.reason is null) into run.rows_read, run.greatest_version
  from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read, rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared, rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version, notice = run.notice
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;

  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    perform app_private.queue_refresh();
  end if;
  return run;
end;
$$;

--------------------------------------------------------------------------------------------------
-- Removals that were spared

create or replace function app_private.accept_spared_removals(organization_id integer, run_id bigint, user_id integer) returns app_public.pfa_sync_log
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_spared_removals.organization_id;
  p_run_id constant bigint := accept_spared_removals.run_id;
  p_user_id constant integer := accept_spared_removals.user_id;
  run app_public.pfa_sync_log;
  removed text[];
begin
  -- A run that merges at this moment may have seen them again.
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  -- After the row of the run, as a merge does it: the other way round the two could wait for each other.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  if run.id is null then
    raise exception 'There is no run % of organization %.', p_run_id, p_organization_id
      using errcode = 'VG404', hint = 'The runs of an organization are its syncLogs.';
  end if;
  if run.rows_spared = 0 then
    raise exception 'Run % spared no removals.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose rowsSpared is above 0.';
  end if;

  -- Those that this run spared and every full run since has missed again; what was seen meanwhile is on the list no longer.
  select app_private.remove_records(p_organization_id, array_agg(c.pfa_id), p_user_id) into removed
  from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id and c.spared_by_run <= p_run_id;
  perform app_private.follow_mirror(p_organization_id, removed);

  update app_public.pfa_sync_log l
  set rows_removed = l.rows_removed + coalesce(cardinality(removed), 0),
    removals_accepted_at = coalesce(l.removals_accepted_at, clock_timestamp()),
    removals_accepted_by = case when l.removals_accepted_at is null then p_user_id else l.removals_accepted_by end
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  if removed is not null then
    perform app_private.queue_refresh();
  end if;
  return run;
end;
$$;
comment on function app_private.accept_spared_removals(integer, bigint, integer) is
  'Makes the removals that a run spared, of records that are still gone; notes who accepted them and when. A second time it changes nothing.';

create or replace function app_public.accept_removals(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_removals.organization_id);
  return app_private.accept_spared_removals(accept_removals.organization_id, accept_removals.run_id, app_core.current_user_id());
end;
$$;
comment on function app_public.accept_removals(integer, bigint) is E'@resultFieldName syncLog\nRemoves the records that a run found gone in PEMS and spared because there were suspiciously many; see `sparedRemovals` of the run for which. What PEMS has brought back meanwhile stays. Owners and admins of the organization may.';
grant execute on function app_public.accept_removals(integer, bigint) to vanguard_visitor;

create or replace function app_public.pfa_sync_log_spared_removals(log app_public.pfa_sync_log) returns setof app_public.pfa_removal_candidate
  language sql stable
begin atomic
  select c.* from app_public.pfa_removal_candidate c
  where c.organization_id = log.organization_id and c.spared_by_run <= log.id and log.rows_spared > 0
  order by c.pfa_id;
end;
comment on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) is
  'The records whose removal this run spared and that are still gone: what acceptRemovals would remove.';
grant execute on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Runs whose worker is gone

drop function if exists app_private.begin_sync_run(integer, bigint);
create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint, worker_id text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = begin_sync_run.organization_id and l.id = begin_sync_run.run_id for update;
  -- What a killed worker had asked for may come only now, when its job was given to another one.
  if worker_id is not null and not exists (select from app_private.worker_processes w where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state = 'succeeded' then
    return null;
  end if;

  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.', error_hint = 'Nothing to do: the run is repeated.'
  where l.organization_id = begin_sync_run.organization_id and l.state = 'running';
  delete from app_private.pfa_staging s where s.organization_id = begin_sync_run.organization_id;

  if run.state = 'queued' then
    update app_public.pfa_sync_log l set state = 'running', started_at = clock_timestamp(), worker_id = begin_sync_run.worker_id
    where l.organization_id = begin_sync_run.organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, kind, trigger, requested_by, state, requested_at, started_at, worker_id)
      values (run.organization_id, run.kind, run.trigger, run.requested_by, 'running', run.requested_at, clock_timestamp(), begin_sync_run.worker_id)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run and returns it; repeats one whose worker died, under a new token; null when there is nothing left to do. worker_id: the pool that does it, registered before.';
grant execute on function app_private.begin_sync_run(integer, bigint, text) to vanguard_worker;

create or replace function app_private.release_dead_workers() returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  process record;
  dead text[];
begin
  -- Pools that hold jobs or queues without being registered: killed before they could register. Half a minute is ample for that.
  select array_agg(distinct l.locked_by) into dead
  from (
    select j.locked_by from graphile_worker._private_jobs j where j.locked_at < clock_timestamp() - interval '30 seconds'
    union
    select q.locked_by from graphile_worker._private_job_queues q where q.locked_at < clock_timestamp() - interval '30 seconds'
  ) l
  where not exists (select from app_private.worker_processes w where w.pool_id = l.locked_by);

  -- A session gets its own lock a second time, so the worker that asks must not ask for its own.
  for process in
    select w.pool_id, w.lock_key from app_private.worker_processes w
    where not exists (
      select from pg_locks l
      where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.objsubid = 1
        and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key)
    for update skip locked
  loop
    if pg_try_advisory_xact_lock(process.lock_key) then
      dead := dead || process.pool_id;
    end if;
  end loop;
  if cardinality(dead) > 0 then
    perform graphile_worker.force_unlock_workers(dead);
    delete from app_private.worker_processes w where w.pool_id = any (dead);
  end if;

  -- Who is not on the list lets go of nothing any more. A run that does not say who does it began before workers said so:
  -- then it can only be one that started before it.
  -- What a killed worker asked for last may still be going on and hold its run: the next look finds how that ended.
  with abandoned as (
    select l.organization_id, l.id
    from app_public.pfa_sync_log l
    where l.state = 'running'
      and not exists (
        select from app_private.worker_processes w
        where w.pool_id = l.worker_id or (l.worker_id is null and w.started_at <= l.started_at))
    for update skip locked
  ),
  lost as (
    update app_public.pfa_sync_log l
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
      error_message = 'The worker that did this run stopped before its end.', error_hint = 'Nothing to do: the run is repeated.'
    from abandoned a
    where l.organization_id = a.organization_id and l.id = a.id
    returning l.organization_id, l.id
  )
  delete from app_private.pfa_staging s using lost l where s.organization_id = l.organization_id and s.run_id = l.id;
  return coalesce(dead, '{}');
end;
$$;
comment on function app_private.release_dead_workers() is 'Gives back the jobs and queues of worker pools that were killed, closes the runs that nobody does any more, and names those pools.';

create or replace function app_private.register_worker(pool_id text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- A machine that vanishes with its network ends no connection: the database asks after it, and has the lock back
  -- within a quarter of a minute.
  perform set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '3', false),
    set_config('tcp_keepalives_count', '3', false);
  -- Locked before anybody can see the row, so that nobody takes it for a dead one.
  insert into app_private.worker_processes (pool_id) values (register_worker.pool_id)
  on conflict on constraint worker_processes_pkey do nothing;
  perform pg_advisory_lock(w.lock_key) from app_private.worker_processes w where w.pool_id = register_worker.pool_id;
end;
$$;
comment on function app_private.register_worker(text) is 'Notes a worker pool and holds its lock for as long as this session lives.';

--------------------------------------------------------------------------------------------------
-- Which version has been at the database

create or replace function app_private.migration_state(expected text[], out missing text[], out unknown text[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  applied text[] := '{}';
begin
  -- The table belongs to the library, so it is looked for before it is looked into.
  if to_regclass('graphile_migrate.migrations') is not null then
    execute 'select coalesce(array_agg(m.filename order by m.filename), ''{}'') from graphile_migrate.migrations m' into applied;
  end if;
  missing := array(select e from unnest(expected) e where e <> all (applied) order by e);
  unknown := array(select a from unnest(applied) a where a <> all (expected) order by a);
end;
$$;
comment on function app_private.migration_state(text[]) is
  'Of the migrations that a version knows, those that are missing here, and those here that it does not know: a newer version has been at this database.';
grant execute on function app_private.migration_state(text[]) to vanguard_authenticator, vanguard_worker;
