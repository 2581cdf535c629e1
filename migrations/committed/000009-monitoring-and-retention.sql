--! Previous: sha1:deb46bc86e9de37f72cc05ff2c6d601b881714c5
--! Hash: sha1:971cd980eac151e07597c2db35f081ea7bcec3cc
--! Message: monitoring and retention

--! split: 1-current.sql
-- Monitoring and retention: figures for alerts, and how long old rows are kept.

--! Included app_private/functions/monitoring.sql
create or replace function app_private.monitoring() returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  return jsonb_build_object(
    'queue', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.task), '[]')
      from (
        select j.task_identifier as task,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now) as ready,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at > now) as scheduled,
          count(*) filter (where j.locked_at is not null) as locked,
          count(*) filter (where j.attempts >= j.max_attempts and j.locked_at is null) as failed,
          coalesce(extract(epoch from now - min(j.run_at) filter (
            where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now)),
              0)::float8 as oldest_ready_seconds
        from graphile_worker.jobs j
        group by j.task_identifier
      ) t
    ),
    -- Those that hold their lock: one that was killed stays on the list until another takes it off, and there may be no
    -- other.
    'workers', (
      select count(distinct w.backend_pid)
      from app_private.worker_processes w
      join pg_locks l on l.pid = w.backend_pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key
    ),
    'organizations', (
      with unsettled as materialized (
        select m.organization_id,
          count(*) filter (where m.state = 'committed') as waiting,
          count(*) filter (where m.state = 'syncing') as writing,
          -- A scalar, looked up for each that is being written: as `exists` all intents that there ever were are read.
          count(*) filter (where m.state = 'syncing' and (
            select true from app_core.pfa_push_intent i
            where i.organization_id = m.organization_id and i.modification_id = m.id and i.outcome = 'uncertain'
              limit 1)) as uncertain,
          min(m.committed_at) as oldest_at
        from app_core.pfa_modification m
        where m.state in ('committed', 'syncing')
        group by m.organization_id
      ),
      problem as materialized (
        select m.organization_id,
          count(*) filter (where k.number = 1) as drafts,
          min(m.updated_at) as oldest_at,
          jsonb_build_object(
            'conflict', count(*) filter (where k.value->>'kind' = 'conflict'),
            'refused', count(*) filter (where k.value->>'kind' = 'refused'),
            'altered', count(*) filter (where k.value->>'kind' = 'altered'),
            'failed', count(*) filter (where k.value->>'kind' = 'failed'),
            'removed', count(*) filter (where k.value->>'kind' = 'removed')) as kinds
        from app_core.pfa_modification m
        cross join jsonb_each(m.problems) with ordinality k (key, value, number)
        where m.state = 'draft' and m.problems <> '{}'
        group by m.organization_id
      )
      select coalesce(jsonb_agg(to_jsonb(s) order by s.organization), '[]')
      from (
        select o.code as organization,
          extract(epoch from now - done.finished_at)::float8 as mirror_age_seconds,
          -- Null where no schedule asks for it.
          case when d.at is not null then greatest(0, extract(epoch
            from now - d.at))::float8 end as mirror_overdue_seconds,
          ended.state as last_outcome,
          extract(epoch from ended.finished_at)::float8 as last_ended_at,
          extract(epoch from ended.finished_at - ended.started_at)::float8 as last_duration_seconds,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as sync_paused_seconds,
          g.state as push_gate,
          coalesce(extract(epoch from now - p.paused_at), 0)::float8 as push_paused_seconds,
          coalesce(m.waiting, 0) as push_waiting,
          coalesce(m.writing, 0) as push_writing,
          coalesce(m.uncertain, 0) as push_uncertain,
          coalesce(extract(epoch from now - m.oldest_at), 0)::float8 as push_oldest_seconds,
          w.confirmed as push_confirmed,
          w.returned as push_returned,
          coalesce(k.drafts, 0) as problem_drafts,
          coalesce(extract(epoch from now - k.oldest_at), 0)::float8 as problem_oldest_seconds,
          coalesce(k.kinds, '{"conflict": 0, "refused": 0, "altered": 0, "failed": 0, "removed": 0}') as problems
        from app_public.organizations o
        cross join lateral app_private.push_gate(o.id) g
        cross join lateral (select app_private.mirror_due_at(o.id) as at) d
        left join app_private.pfa_sync_schedule s on s.organization_id = o.id
        left join app_private.pfa_push_pause p on p.organization_id = o.id
        left join unsettled m on m.organization_id = o.id
        left join problem k on k.organization_id = o.id
        left join lateral (
          select l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
        ) done on true
        left join lateral (
          select l.state, l.started_at, l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state in ('succeeded', 'failed') order by l.id desc limit 1
        ) ended on true
        cross join lateral (
          -- What came back has a problem in each of its keys, what was confirmed in none.
          select count(*) filter (where not c.changes @? '$.*.problem') as confirmed,
            count(*) filter (where c.changes @? '$.*.problem') as returned
          from app_core.pfa_change c
          where c.organization_id = o.id and c.changed_at > now - interval '10 minutes' and c.route = 'push'
        ) w
        where o.is_active
      ) s
    ),
    'connections', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select c.id as connection,
          coalesce(extract(epoch from now - s.opened_at), 0)::float8 as breaker_open_seconds,
          s.opened_at is not null as is_breaker_open,
          coalesce(s.failures, 0) as failures,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as paused_seconds
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_state s on s.api_configuration_id = c.id
        where c.url is not null and c.operation_type in ('write', 'read-write')
      ) t
    ),
    -- The limit is the tenant's, over however many connections it is asked; the slowest of them says how high.
    'rates', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select min(c.id) as connection, p.tenant, min(p.requests_per_second) as requests_per_second,
          coalesce(max(r.requests), 0) as requests
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_rate r on r.url = c.url and r.tenant = p.tenant
        where c.url is not null
        group by c.url, p.tenant
      ) t
    )
  );
end;
$$;
comment on function app_private.monitoring() is
  'What monitoring shows of the database: jobs by task; workers that live; of each active organization the age of '
  'its mirror and how long it is overdue, in seconds, how its last run went, whether and since when writing is '
  'held up, what waits to be written and for how long, what was confirmed and returned within the last 10 minutes, '
  'and problems of drafts by kind; of each connection that writes its breaker and pause; of each tenant of PEMS '
  'the requests given out and how many a second may be. No content of any record and no name but the codes of '
  'organizations, connections and tenants.';
grant execute on function app_private.monitoring() to vanguard_authenticator;
--! EndIncluded app_private/functions/monitoring.sql

--! Included app_private/functions/enforce_retention.sql
create or replace function app_private.enforce_retention(
  keep_sync_log interval, keep_rejects interval, keep_sign_ins interval, keep_failed_jobs interval,
  keep_changes interval, keep_exchanges interval,
  batch integer,
  out sync_log integer, out rejects integer, out sign_ins integer, out throttles integer, out failed_jobs integer,
  out changes integer,
  out modifications integer, out exchanges integer
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  if least(keep_sync_log, keep_rejects, keep_sign_ins, keep_failed_jobs, keep_changes,
    keep_exchanges) < interval '1 day' or batch < 1 then
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

  -- Never the newest run of an organization, nor its newest success of either kind: freshness, the schedule and the
  -- next incremental run are read from there. A run waits for its rejects, which may be kept for longer.
  with kept as materialized (
    select newest.organization_id, newest.id
    from app_public.organizations o
    cross join lateral (
      (select l.organization_id, l.id from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc
        limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full'
         order by l.finished_at desc, l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'incremental'
         order by l.finished_at desc, l.id desc limit 1)
    ) newest
  ),
  old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select l.organization_id, l.id from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.finished_at < now - keep_sync_log
        and not exists (select from kept k where k.organization_id = l.organization_id and k.id = l.id)
        and not exists (select from app_public.pfa_sync_reject j where j.organization_id = l.organization_id
          and j.run_id = l.id)
      order by l.finished_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_log d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics sync_log = row_count;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select c.organization_id, c.id from app_core.pfa_change c
      where c.organization_id = o.id and c.changed_at < now - keep_changes
      order by c.changed_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_change d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics changes = row_count;

  -- As long as the history, which tells the same; what was intended goes with them.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select m.organization_id, m.id from app_core.pfa_modification m
      where m.organization_id = o.id and m.state = 'synced' and m.settled_at < now - keep_changes
      order by m.settled_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_modification d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics modifications = row_count;

  -- Never of a change that is not settled: what was said about it may explain how it ends.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_push_exchange e
      where e.organization_id = o.id and e.answered_at < now - keep_exchanges
        and not exists (
          select from app_core.pfa_modification m
          where m.organization_id = e.organization_id and m.id = e.modification_id
            and m.state in ('committed', 'syncing'))
      order by e.answered_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_push_exchange d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics exchanges = row_count;

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
comment on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  integer) is
  'Deletes what is older than its limit: at most one batch each of ended runs, rejects, changes of records, '
  'confirmed changes that were written to PEMS, what was said to PEMS about them, and jobs that failed for good, '
  'and all ended sessions and throttles; answers how many of each. Kept whatever their age: runs that wait or go '
  'on, the newest run of each organization and its newest success of either kind, a run that still has rejects, '
  'and what was said about a change that is not settled. Call it again while something is as many as the batch.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  integer) to vanguard_worker;
--! EndIncluded app_private/functions/enforce_retention.sql

--! Included app_private/functions/mirror_due_at.sql
create or replace function app_private.mirror_due_at(organization_id integer) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(app_private.quiet_until(d.at, s.quiet_from, s.quiet_to, coalesce(s.time_zone, 'UTC')), d.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  join app_public.api_configurations c on c.id = app_private.pull_connection(o.id)
  left join lateral (
    select l.started_at, l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  cross join lateral (
    select case
      -- Never read: from when it could have been.
      when done.finished_at is null then greatest(o.created_at, c.created_at)
      when s.cron is null then done.finished_at + coalesce(s.every, '15 minutes')
      else app_private.cron_next(s.cron, done.started_at, s.time_zone)
    end as at
  ) d
  where o.id = mirror_due_at.organization_id and o.is_active and s.paused_at is null;
end;
comment on function app_private.mirror_due_at(integer) is
  'By when, after its last success, the mirror of an organization is to be read again by its schedule: its '
  'interval or the next time of its cron expression, not in quiet hours. Null for one that is paused, switched off '
  'or not connected to a PEMS.';
--! EndIncluded app_private/functions/mirror_due_at.sql
