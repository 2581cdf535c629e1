--! Previous: sha1:367f4e3dad5652e6e7abeb74337a30fc204bee41
--! Hash: sha1:f0c4ae42e2a55f9b124ac7b731b65aa4c0ca8d61
--! Message: sync and workers

--! split: 700-sync.sql
-- From PEMS into the mirror: requesting a run, staging, and the one function that merges a run.

create table app_public.pfa_sync_log (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  kind text not null default 'full' check (kind in ('full', 'incremental')),
  trigger text not null check (trigger in ('start', 'schedule', 'user', 'command')),
  requested_by integer references app_public.users on delete set null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
  rows_read integer not null default 0,
  rows_inserted integer not null default 0,
  rows_updated integer not null default 0,
  rows_unchanged integer not null default 0,
  rows_removed integer not null default 0,
  rows_missing integer not null default 0,
  rows_spared integer not null default 0,
  rows_rejected integer not null default 0,
  drafts_rebased integer not null default 0,
  conflicts integer not null default 0,
  greatest_version timestamp,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  error_code text,
  error_message text,
  error_hint text,
  primary key (organization_id, id),
  check ((state = 'failed') = (error_code is not null)),
  check ((state in ('succeeded', 'failed')) = (finished_at is not null)),
  check (state in ('queued', 'failed') or started_at is not null)
);
-- use: a second request while one waits joins it
create unique index pfa_sync_log_queued_key on app_public.pfa_sync_log (organization_id) where state = 'queued';
-- use: the run token: one run of an organization at a time
create unique index pfa_sync_log_running_key on app_public.pfa_sync_log (organization_id) where state = 'running';
-- use: which runs a user asked for; on delete of a user
create index pfa_sync_log_requested_by_idx on app_public.pfa_sync_log (organization_id, requested_by) where requested_by is not null;
-- use: freshness, the newest run that ended well
create index pfa_sync_log_finished_at_idx on app_public.pfa_sync_log (organization_id, finished_at desc) where state = 'succeeded';
comment on table app_public.pfa_sync_log is E'@name syncLog\nOne row for each run that brings PEMS into the mirror, from request to end. The freshness of the mirror is read from here.';
comment on column app_public.pfa_sync_log.organization_id is 'The organization.';
comment on column app_public.pfa_sync_log.id is 'Our key, and the token of the run: a run that is no longer "running" merges nothing.';
comment on column app_public.pfa_sync_log.kind is '`full` reads everything; `incremental` what PEMS changed since the last completed run.';
comment on column app_public.pfa_sync_log.trigger is 'Why: the product started, its schedule, a user, a command.';
comment on column app_public.pfa_sync_log.requested_by is 'Which user asked for it.';
comment on column app_public.pfa_sync_log.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.pfa_sync_log.rows_read is 'Rows read so far.';
comment on column app_public.pfa_sync_log.rows_inserted is 'New records.';
comment on column app_public.pfa_sync_log.rows_updated is 'Records whose content changed, or that are there again.';
comment on column app_public.pfa_sync_log.rows_unchanged is 'Records that were as we knew them, or newer here; nothing was written.';
comment on column app_public.pfa_sync_log.rows_removed is 'Records found gone for the second time, and removed.';
comment on column app_public.pfa_sync_log.rows_missing is 'Records found gone for the first time; the next full run decides.';
comment on column app_public.pfa_sync_log.rows_spared is 'Removals not made because there were suspiciously many (over 20 % of more than 50).';
comment on column app_public.pfa_sync_log.rows_rejected is 'Rows refused; see the rejects.';
comment on column app_public.pfa_sync_log.drafts_rebased is 'Drafts on records that changed.';
comment on column app_public.pfa_sync_log.conflicts is 'Drafted keys that PEMS changed to something else.';
comment on column app_public.pfa_sync_log.greatest_version is 'The newest change seen, in PEMS''s local time.';
comment on column app_public.pfa_sync_log.requested_at is 'When it was asked for.';
comment on column app_public.pfa_sync_log.started_at is 'When it began.';
comment on column app_public.pfa_sync_log.finished_at is 'When it ended.';
comment on column app_public.pfa_sync_log.error_code is 'Why it failed: a stable code.';
comment on column app_public.pfa_sync_log.error_message is 'Why it failed, in a sentence.';
comment on column app_public.pfa_sync_log.error_hint is 'What to do about it.';
call app_private.protect('app_public.pfa_sync_log');
create policy visitor_select on app_public.pfa_sync_log for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_sync_log to vanguard_visitor, vanguard_worker;

create table app_public.pfa_sync_reject (
  organization_id integer not null,
  id bigint generated always as identity,
  run_id bigint not null,
  pfa_id text,
  reason text not null check (reason in ('missing-id', 'other-organization', 'duplicate', 'value')),
  problems jsonb not null default '[]',
  row_content jsonb not null,
  rejected_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, id),
  constraint pfa_sync_reject_run_fkey foreign key (organization_id, run_id) references app_public.pfa_sync_log on delete cascade
);
comment on constraint pfa_sync_reject_run_fkey on app_public.pfa_sync_reject is E'@fieldName run\n@foreignFieldName rejects';
-- use: what a run refused
create index pfa_sync_reject_run_id_idx on app_public.pfa_sync_reject (organization_id, run_id);
comment on table app_public.pfa_sync_reject is E'@name syncReject\nEach row of PEMS that a run refused, whole, with the reason.';
comment on column app_public.pfa_sync_reject.organization_id is 'The organization.';
comment on column app_public.pfa_sync_reject.id is 'Our key.';
comment on column app_public.pfa_sync_reject.run_id is 'The run.';
comment on column app_public.pfa_sync_reject.pfa_id is 'The record, where the row named one.';
comment on column app_public.pfa_sync_reject.reason is '`missing-id`, `other-organization`, `duplicate` (its id came more than once), `value` (see problems).';
comment on column app_public.pfa_sync_reject.problems is '`[{"key", "value", "message"}]`';
comment on column app_public.pfa_sync_reject.row_content is 'The row as it came; of another organization''s only the code.';
comment on column app_public.pfa_sync_reject.rejected_at is 'When.';
call app_private.protect('app_public.pfa_sync_reject');
create policy visitor_select on app_public.pfa_sync_reject for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_sync_reject to vanguard_visitor;

create table app_private.pfa_sync_schedule (
  organization_id integer primary key references app_public.organizations on delete cascade,
  every interval not null default '15 minutes' check (every >= '1 minute'),
  paused_at timestamptz
);
comment on table app_private.pfa_sync_schedule is 'How often an organization is synchronized, where not every 15 minutes.';
comment on column app_private.pfa_sync_schedule.organization_id is 'The organization.';
comment on column app_private.pfa_sync_schedule.every is 'The time from the end of one run to the next.';
comment on column app_private.pfa_sync_schedule.paused_at is 'Since when no run is started by schedule.';
call app_private.protect('app_private.pfa_sync_schedule');

-- Staging is machinery without row level security: COPY FROM is impossible with it. Unlogged: a crash empties it, and the run is repeated.
create unlogged table app_private.pfa_staging (
  organization_id integer not null,
  run_id bigint not null,
  pfa_id text,
  organization_code text,
  data jsonb not null,
  version timestamp,
  version_by text,
  problems jsonb,
  row_content jsonb,
  requested_at timestamptz not null,
  received_at timestamptz not null,
  reason text
);
-- use: merging a run, clearing up after it
create index pfa_staging_run_idx on app_private.pfa_staging (organization_id, run_id);
comment on table app_private.pfa_staging is 'Rows of a run on their way from PEMS into the mirror.';
comment on column app_private.pfa_staging.organization_id is 'The organization that is synchronized.';
comment on column app_private.pfa_staging.run_id is 'The run.';
comment on column app_private.pfa_staging.pfa_id is 'Identity, if the row has one.';
comment on column app_private.pfa_staging.organization_code is 'The organization that the row says it belongs to.';
comment on column app_private.pfa_staging.data is 'The record, mapped.';
comment on column app_private.pfa_staging.version is 'When PEMS last changed it.';
comment on column app_private.pfa_staging.version_by is 'Who changed it there.';
comment on column app_private.pfa_staging.problems is 'Values that could not be read, or null.';
comment on column app_private.pfa_staging.row_content is 'The row as it came, where it has problems.';
comment on column app_private.pfa_staging.requested_at is 'When the request began that brought it, by the database''s clock.';
comment on column app_private.pfa_staging.received_at is 'When its answer arrived.';
comment on column app_private.pfa_staging.reason is 'Why the row is refused, found while merging; null for a good one.';
grant insert (organization_id, run_id, pfa_id, organization_code, data, version, version_by, problems, row_content, requested_at, received_at)
  on app_private.pfa_staging to vanguard_worker;

create table app_private.pfa_removal_candidate (
  organization_id integer not null,
  pfa_id text not null,
  missed_by_run bigint not null,
  missed_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, pfa_id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade
);
comment on table app_private.pfa_removal_candidate is 'Records that the last complete full read did not bring. Missed by the next one too, they are removed.';
comment on column app_private.pfa_removal_candidate.organization_id is 'The organization.';
comment on column app_private.pfa_removal_candidate.pfa_id is 'The record.';
comment on column app_private.pfa_removal_candidate.missed_by_run is 'The run that missed it first.';
comment on column app_private.pfa_removal_candidate.missed_at is 'When.';
call app_private.protect('app_private.pfa_removal_candidate');

--------------------------------------------------------------------------------------------------
-- Asking for a run

create function app_private.queue_sync(organization_id integer, trigger text, requested_by integer) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  -- Again when the one that waited was begun between the two statements.
  loop
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by)
      values (queue_sync.organization_id, queue_sync.trigger, queue_sync.requested_by)
    on conflict (organization_id) where state = 'queued' do nothing;
    select l.* into run from app_public.pfa_sync_log l
    where l.organization_id = queue_sync.organization_id and l.state = 'queued';
    exit when found;
  end loop;
  perform graphile_worker.add_job(
    'pfa__sync',
    json_build_object('organizationId', run.organization_id, 'runId', run.id),
    queue_name => 'sync:' || run.organization_id,
    job_key => 'sync:' || run.organization_id || ':' || run.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return run;
end;
$$;
comment on function app_private.queue_sync(integer, text, integer) is 'Queues a full run of an organization, in the same transaction; joins one that already waits.';
grant execute on function app_private.queue_sync(integer, text, integer) to vanguard_worker;

create function app_public.request_sync(organization_id integer) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_sync.organization_id);
  return app_private.queue_sync(request_sync.organization_id, 'user', app_core.current_user_id());
end;
$$;
comment on function app_public.request_sync(integer) is E'@resultFieldName syncLog\nAsks for the organization to be read from PEMS now, and answers the run. A request while one waits joins it. Owners and admins of the organization may.';
grant execute on function app_public.request_sync(integer) to vanguard_visitor;

create function app_private.dispatch_due_syncs() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards whether the organization was due.
  with due as materialized (
    select o.id
    from app_public.organizations o
    left join app_private.pfa_sync_schedule s on s.organization_id = o.id
    left join lateral (
      select l.state, l.finished_at from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
    ) last on true
    left join lateral (
      select count(*) as failures
      from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.state = 'failed'
        and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id and w.state = 'succeeded'), 0)
    ) f on true
    cross join lateral (
      select coalesce(s.every, '15 minutes') as every
    ) e
    where o.is_active and s.paused_at is null
      and exists (select from app_private.pems_connection(o.id))
      and case last.state
        when 'queued' then not exists (
          select from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state = 'queued' and l.requested_at > clock_timestamp() - interval '1 minute')
        when 'running' then false
        when 'succeeded' then last.finished_at + e.every <= clock_timestamp()
        when 'failed' then last.finished_at + least(e.every, interval '1 minute' * power(2, least(f.failures - 1, 10))) <= clock_timestamp()
        else true
      end
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_sync(d.id, 'schedule', null) q;
end;
comment on function app_private.dispatch_due_syncs() is
  'Queues a run for every organization that is due: its interval after a success, sooner (1, 2, 4 ... minutes) after failures; a request that has waited a minute gets its job again in case it was lost. Answers how many.';
grant execute on function app_private.dispatch_due_syncs() to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- A run

create function app_private.begin_sync_run(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = begin_sync_run.organization_id and l.id = begin_sync_run.run_id for update;
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
    update app_public.pfa_sync_log l set state = 'running', started_at = clock_timestamp()
    where l.organization_id = begin_sync_run.organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, kind, trigger, requested_by, state, requested_at, started_at)
      values (run.organization_id, run.kind, run.trigger, run.requested_by, 'running', run.requested_at, clock_timestamp())
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint) is
  'Starts a queued run and returns it; repeats one whose worker died, under a new token; null when there is nothing left to do.';
grant execute on function app_private.begin_sync_run(integer, bigint) to vanguard_worker;

create function app_private.report_sync_progress(organization_id integer, run_id bigint, rows_read integer) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with reported as (
    update app_public.pfa_sync_log l set rows_read = report_sync_progress.rows_read
    where l.organization_id = report_sync_progress.organization_id and l.id = report_sync_progress.run_id and l.state = 'running'
    returning 1
  )
  select exists (select from reported);
end;
comment on function app_private.report_sync_progress(integer, bigint, integer) is 'Notes how far a run is; false when its token is no longer current and it should stop.';
grant execute on function app_private.report_sync_progress(integer, bigint, integer) to vanguard_worker;

create function app_private.fail_sync_run(organization_id integer, run_id bigint, code text, message text, hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.pfa_staging s
  where s.organization_id = fail_sync_run.organization_id and s.run_id = fail_sync_run.run_id;
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(),
    error_code = fail_sync_run.code, error_message = fail_sync_run.message, error_hint = fail_sync_run.hint
  where l.organization_id = fail_sync_run.organization_id and l.id = fail_sync_run.run_id and l.state in ('queued', 'running');
end;
comment on function app_private.fail_sync_run(integer, bigint, text, text, text) is 'Ends a run that did not work out; the mirror stays as it was.';
grant execute on function app_private.fail_sync_run(integer, bigint, text, text, text) to vanguard_worker;

create function app_private.rebase_drafts(organization_id integer, pfa_ids text[], out rebased integer, out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := rebase_drafts.organization_id;
  p_pfa_ids constant text[] := rebase_drafts.pfa_ids;
begin
  with pending as (
    select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence) as delta
    from app_core.pfa_modification m, jsonb_each(m.delta) d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
    group by m.pfa_id
  ),
  keyed as (
    select d.id, k.key, k.value as mine, d.base->k.key as base, d.problems->k.key as problem,
      app_core.normalized((r.data || coalesce(p.delta, '{}'))->k.key) as theirs,
      app_core.normalized(r.data->k.key) as in_mirror,
      r.removed_at is not null as is_removed
    from app_core.pfa_modification d
    join app_core.pfa_mirror r on r.organization_id = d.organization_id and r.pfa_id = d.pfa_id
    left join pending p on p.pfa_id = d.pfa_id
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

create function app_private.merge_sync_run(organization_id integer, run_id bigint) returns app_public.pfa_sync_log
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
  affected text[];
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
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
  if run.kind = 'full' and not is_first then
    delete from app_private.pfa_removal_candidate c
    using app_private.pfa_staging s
    where c.organization_id = p_organization_id and s.organization_id = p_organization_id and s.run_id = p_run_id
      and s.pfa_id = c.pfa_id and s.reason is distinct from 'other-organization';

    select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.removed_at is null;

    select array_agg(c.pfa_id order by c.pfa_id) into confirmed
    from app_private.pfa_removal_candidate c
    join app_core.pfa_mirror m on m.organization_id = c.organization_id and m.pfa_id = c.pfa_id
    where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
      and m.removed_at is null and m.observed_at < run.started_at;

    if live > 50 and cardinality(confirmed) > live * 0.2 then
      run.rows_spared := cardinality(confirmed);
      confirmed := null;
    end if;

    perform from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and m.pfa_id = any (confirmed)
    order by m.pfa_id for no key update;

    with gone as (
      update app_core.pfa_mirror m
      set removed_at = clock_timestamp(), observed_at = run.started_at, revision = nextval('app_core.revision_seq')
      where m.organization_id = p_organization_id and m.pfa_id = any (confirmed) and m.removed_at is null and m.observed_at < run.started_at
      returning m.pfa_id, m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, g.pfa_id, 'sync', 'remove', '{}' from gone g
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
      delete from app_private.pfa_removal_candidate c using gone g
      where c.organization_id = p_organization_id and c.pfa_id = g.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from gone g;
    run.rows_removed := coalesce(cardinality(confirmed), 0);

    insert into app_private.pfa_removal_candidate (organization_id, pfa_id, missed_by_run)
    select p_organization_id, m.pfa_id, p_run_id
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
  select array_agg(distinct d.pfa_id) into affected
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.state <> 'synced' and d.pfa_id = any (changed || confirmed);
  if affected is not null then
    select b.rebased, b.conflicts into run.drafts_rebased, run.conflicts
    from app_private.rebase_drafts(p_organization_id, affected) b;
    perform app_private.rewrite_overlay(p_organization_id, affected);
  end if;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 6. What was done.
  select count(*), max(s.version) into run.rows_read, run.greatest_version
  from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read, rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared, rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;

  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    -- Debounced: the first request decides when, the others join it.
    perform graphile_worker.add_job('summaries__refresh', '{}', job_key => 'summaries:refresh', job_key_mode => 'preserve_run_at',
      run_at => clock_timestamp() + interval '2 seconds');
  end if;
  return run;
end;
$$;
comment on function app_private.merge_sync_run(integer, bigint) is
  'Merges what a complete run left in staging: refuses bad rows, inserts, updates only what differs and was asked for later than what we hold, notes and removes what is gone, rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. One transaction, set-based. VG409 when the token of the run is no longer current.';
grant execute on function app_private.merge_sync_run(integer, bigint) to vanguard_worker;

create function app_private.note_connection_result(api_configuration_id text, rows_read integer, error_message text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.api_configurations c
  set status = case when note_connection_result.error_message is null then 'connected' else 'error' end,
    last_checked = clock_timestamp(),
    last_error = note_connection_result.error_message,
    first_sync_at = case when rows_read is null then c.first_sync_at else coalesce(c.first_sync_at, clock_timestamp()) end,
    last_sync_at = case when rows_read is null then c.last_sync_at else clock_timestamp() end,
    last_sync_record_count = coalesce(rows_read, c.last_sync_record_count),
    total_sync_record_count = coalesce(c.total_sync_record_count, 0) + coalesce(rows_read, 0)
  where c.id = note_connection_result.api_configuration_id;
end;
comment on function app_private.note_connection_result(text, integer, text) is 'Notes at a connection how using it went; rows_read after a sync, null after a mere test.';
grant execute on function app_private.note_connection_result(text, integer, text) to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Worker processes

create table app_private.worker_processes (
  pool_id text primary key,
  lock_key bigint not null unique default (hashtextextended(gen_random_uuid()::text, 0)),
  started_at timestamptz not null default clock_timestamp()
);
comment on table app_private.worker_processes is 'Each worker pool that runs, or was killed. A live one holds the session advisory lock of its lock_key.';
comment on column app_private.worker_processes.pool_id is 'What the queue calls it.';
comment on column app_private.worker_processes.lock_key is 'Key of the advisory lock.';
comment on column app_private.worker_processes.started_at is 'When it started.';
call app_private.protect('app_private.worker_processes');

create function app_private.register_worker(pool_id text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Locked before anybody can see the row, so that nobody takes it for a dead one.
  insert into app_private.worker_processes (pool_id) values (register_worker.pool_id)
  on conflict on constraint worker_processes_pkey do nothing;
  perform pg_advisory_lock(w.lock_key) from app_private.worker_processes w where w.pool_id = register_worker.pool_id;
end;
$$;
comment on function app_private.register_worker(text) is 'Notes a worker pool and holds its lock for as long as this session lives.';
grant execute on function app_private.register_worker(text) to vanguard_worker;

create function app_private.deregister_worker(pool_id text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.worker_processes w where w.pool_id = deregister_worker.pool_id;
end;
comment on function app_private.deregister_worker(text) is 'Takes a worker pool off the list that has stopped and given back its jobs.';
grant execute on function app_private.deregister_worker(text) to vanguard_worker;

create function app_private.release_dead_workers() returns text[]
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
  return coalesce(dead, '{}');
end;
$$;
comment on function app_private.release_dead_workers() is 'Gives back the jobs and queues of worker pools that were killed, and names them.';
grant execute on function app_private.release_dead_workers() to vanguard_worker;

create function app_private.database_state(migration text, out is_migrated boolean, out has_queue boolean)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Both schemas belong to the libraries, so they are looked for before they are looked into.
  is_migrated := migration = '' or to_regclass('graphile_migrate.migrations') is not null;
  if is_migrated and migration <> '' then
    execute 'select exists (select from graphile_migrate.migrations m where m.filename = $1)' into is_migrated using migration;
  end if;
  has_queue := to_regclass('graphile_worker._private_jobs') is not null;
end;
$$;
comment on function app_private.database_state(text) is 'Whether a migration has been applied, and whether the queue is there: what a server needs to be ready.';
grant execute on function app_private.database_state(text) to vanguard_authenticator, vanguard_worker;
