--! Previous: sha1:19f12b3efd40909d0562768c71a5341195ce0721
--! Hash: sha1:a8ba209d83b3584dfddaf2f6c38e29db1f1eeddc
--! Message: monitoring and retention

--! split: 300-retention.sql
-- What is watched from outside, and how long what only grows is kept.

--------------------------------------------------------------------------------------------------
-- Monitoring: one function, so that whoever measures needs no right to any table

create or replace function app_private.monitoring() returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'queue', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.task), '[]')
      from (
        select j.task_identifier as task,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= clock_timestamp()) as ready,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at > clock_timestamp()) as scheduled,
          count(*) filter (where j.locked_at is not null) as locked,
          count(*) filter (where j.attempts >= j.max_attempts and j.locked_at is null) as failed,
          coalesce(extract(epoch from clock_timestamp() - min(j.run_at) filter (
            where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= clock_timestamp())), 0)::float8 as oldest_ready_seconds
        from graphile_worker.jobs j
        group by j.task_identifier
      ) t
    ),
    'workers', (select count(*) from app_private.worker_processes),
    'organizations', (
      select coalesce(jsonb_agg(to_jsonb(s) order by s.organization), '[]')
      from (
        select o.code as organization,
          extract(epoch from clock_timestamp() - done.finished_at)::float8 as mirror_age_seconds,
          ended.state as last_outcome,
          extract(epoch from ended.finished_at)::float8 as last_ended_at,
          extract(epoch from ended.finished_at - ended.started_at)::float8 as last_duration_seconds
        from app_public.organizations o
        left join lateral (
          select l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
        ) done on true
        left join lateral (
          select l.state, l.started_at, l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state in ('succeeded', 'failed') order by l.id desc limit 1
        ) ended on true
        where o.is_active
      ) s
    )
  );
end;
$$;
comment on function app_private.monitoring() is
  'What monitoring shows of the database: jobs by task, workers, and for each active organization the age of its mirror in seconds, and outcome, end and duration of its last run. No content of any record, and no name but the organization''s code.';
grant execute on function app_private.monitoring() to vanguard_authenticator;

--------------------------------------------------------------------------------------------------
-- Retention

drop index if exists app_public.pfa_sync_log_ended_idx;
-- use: retention, the oldest runs of an organization that have ended
create index pfa_sync_log_ended_idx on app_public.pfa_sync_log (organization_id, finished_at) where finished_at is not null;
drop index if exists app_public.pfa_sync_reject_rejected_at_idx;
-- use: retention, the oldest rejects of an organization
create index pfa_sync_reject_rejected_at_idx on app_public.pfa_sync_reject (organization_id, rejected_at);

create or replace function app_private.enforce_retention(
  keep_sync_log interval, keep_rejects interval, keep_sign_ins interval, keep_failed_jobs interval, batch integer,
  out sync_log integer, out rejects integer, out sign_ins integer, out throttles integer, out failed_jobs integer
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  if least(keep_sync_log, keep_rejects, keep_sign_ins, keep_failed_jobs) < interval '1 day' or batch < 1 then
    raise exception 'Everything is kept for at least one day.'
      using errcode = 'VG400', hint = 'Give each limit as one day or more, and a batch of at least one row.';
  end if;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select j.organization_id, j.id from app_public.pfa_sync_reject j
      where j.organization_id = o.id and j.rejected_at < now - keep_rejects
      order by j.rejected_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_reject d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics rejects = row_count;

  -- Never the newest run of an organization, nor its newest success of either kind: freshness, the schedule and the next
  -- incremental run are read from there. A run waits for its rejects, which may be kept for longer.
  with kept as materialized (
    select newest.organization_id, newest.id
    from app_public.organizations o
    cross join lateral (
      (select l.organization_id, l.id from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc, l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'incremental' order by l.finished_at desc, l.id desc limit 1)
    ) newest
  ),
  old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select l.organization_id, l.id from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.finished_at < now - keep_sync_log
        and not exists (select from kept k where k.organization_id = l.organization_id and k.id = l.id)
        and not exists (select from app_public.pfa_sync_reject j where j.organization_id = l.organization_id and j.run_id = l.id)
      order by l.finished_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_log d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics sync_log = row_count;

  -- What has expired of sign-ins is known where they are kept.
  sign_ins := app_private.delete_expired_sessions(keep_sign_ins);
  throttles := app_private.delete_expired_throttles();

  -- The queue deletes what went well by itself; what failed for good stays until somebody looks, but not for ever.
  select count(*) into failed_jobs
  from graphile_worker.complete_jobs(array(
    select j.id from graphile_worker.jobs j
    where j.attempts >= j.max_attempts and j.locked_at is null and j.updated_at < now - keep_failed_jobs
    order by j.updated_at limit batch
  ));
end;
$$;
comment on function app_private.enforce_retention(interval, interval, interval, interval, integer) is
  'Deletes what is older than its limit: at most one batch each of ended runs, rejects and jobs that failed for good, and all ended sessions and throttles; answers how many of each. Kept whatever their age: runs that wait or go on, the newest run of each organization and its newest success of either kind, and a run that still has rejects. Call it again while something is as many as the batch.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, integer) to vanguard_worker;
