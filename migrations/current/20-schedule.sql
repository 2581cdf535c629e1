-- Which kind of run is due, and when: incremental runs between full ones, and the schedule of an organization.

alter table app_public.pfa_sync_log
  add column if not exists asked_kind text check (asked_kind in ('full', 'incremental')),
  add column if not exists changed_since timestamp,
  add column if not exists next_since timestamp,
  add column if not exists source text;
comment on column app_public.pfa_sync_log.kind is '`full` reads everything; `incremental` what PEMS changed since the last completed run. Of a run that waits: what it would be now.';
comment on column app_public.pfa_sync_log.asked_kind is 'What was asked for; null: whatever is due when it begins.';
comment on column app_public.pfa_sync_log.greatest_version is 'The newest change that completed runs have seen, in PEMS''s local time; of rows that were not refused.';
comment on column app_public.pfa_sync_log.changed_since is 'Of an incremental run: from when on it asked for changes, in PEMS''s local time.';
comment on column app_public.pfa_sync_log.next_since is 'From when on the next incremental run asks for changes, in PEMS''s local time; null where PEMS says no times.';
comment on column app_public.pfa_sync_log.source is E'@behavior -*\nWhat the connection and the mapping were when it began: changes alone are read only as long as that is the same.';

alter table app_public.pems_settings
  add column if not exists filter_date_format text not null default 'DD-MON-YYYY'
    check (filter_date_format in ('DD-MON-YYYY', 'YYYY-MM-DD', 'MM/DD/YYYY', 'DD/MM/YYYY'));
comment on column app_public.pems_settings.filter_date_format is 'How this tenant wants the date in a filter, which incremental runs ask by.';

--------------------------------------------------------------------------------------------------
-- Cron expressions

create or replace function app_private.cron_number(number text, first integer, names text[]) returns integer
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case when number ~ '^[0-9]{1,2}$' then number::integer else array_position(names, number) - 1 + first end;
end;
$$;
comment on function app_private.cron_number(text, integer, text[]) is 'One number of a field of a cron expression, which may be a name; null for anything else.';

create or replace function app_private.cron_values(field text, first integer, last integer, names text[] default '{}') returns integer[]
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  one text;
  parts text[];
  low integer;
  high integer;
  step integer;
  found integer[] := '{}';
begin
  -- Part by part: as one query it takes fifty times as long to plan.
  foreach one in array string_to_array(lower(field), ',') loop
    parts := regexp_match(one, '^(?:([*])|([a-z]{3}|[0-9]{1,2})(?:-([a-z]{3}|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
    step := coalesce(parts[4]::integer, 1);
    low := case when parts[1] = '*' then cron_values.first else app_private.cron_number(parts[2], cron_values.first, names) end;
    high := case
      when parts[1] = '*' then cron_values.last
      when parts[3] is not null then app_private.cron_number(parts[3], cron_values.first, names)
      when parts[4] is not null then cron_values.last
      else low
    end;
    if (low >= cron_values.first and high <= cron_values.last and low <= high and step > 0) is not true then
      return null;
    end if;
    while low <= high loop
      found := found || low;
      low := low + step;
    end loop;
  end loop;
  return nullif(found, '{}');
end;
$$;
comment on function app_private.cron_values(text, integer, integer, text[]) is
  'The values that a field of a cron expression stands for: `*`, numbers, ranges, steps, and lists of them; null where it is none, or goes beyond first and last.';

create or replace function app_private.cron_fields(
  expression text, out minutes integer[], out hours integer[], out days integer[], out months integer[], out weekdays integer[], out either boolean
)
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  field constant text[] := regexp_split_to_array(btrim(expression, E' \t'), '[ \t]+');
begin
  if length(expression) > 200 or cardinality(field) <> 5 then
    return;
  end if;
  minutes := app_private.cron_values(field[1], 0, 59);
  hours := app_private.cron_values(field[2], 0, 23);
  days := app_private.cron_values(field[3], 1, 31);
  months := app_private.cron_values(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
  weekdays := app_private.cron_values(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
  either := field[3] !~ '^[*]' and field[5] !~ '^[*]';
end;
$$;
comment on function app_private.cron_fields(text) is
  'The five fields of a cron expression, null each that is none; all null where they are not five. Sunday is 0 and 7. Where day of month and day of week both say which days, either will do.';

create or replace function app_private.cron_problem(expression text) returns text
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  return case
    when f.either is null then 'It is not five fields with spaces between them.'
    when f.minutes is null then 'The minute, its first field, is not right.'
    when f.hours is null then 'The hour, its second field, is not right.'
    when f.days is null then 'The day of the month, its third field, is not right.'
    when f.months is null then 'The month, its fourth field, is not right.'
    when f.weekdays is null then 'The day of the week, its fifth field, is not right.'
  end;
end;
$$;
comment on function app_private.cron_problem(text) is 'Why it is no cron expression, in a sentence; null when it is one.';

create or replace function app_private.cron_falls_on(day date, days integer[], months integer[], weekdays integer[], either boolean) returns boolean
  language sql immutable parallel safe
  return extract(month from day)::integer = any (months)
    and case when either
      then extract(day from day)::integer = any (days) or extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays)
      else extract(day from day)::integer = any (days) and (extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays))
    end;
comment on function app_private.cron_falls_on(date, integer[], integer[], integer[], boolean) is 'Whether a cron expression of these fields means this day.';

create or replace function app_private.cron_matches(expression text, at timestamp) returns boolean
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return extract(minute from cron_matches.at)::integer = any (f.minutes) and extract(hour from cron_matches.at)::integer = any (f.hours)
    and app_private.cron_falls_on(cron_matches.at::date, f.days, f.months, f.weekdays, f.either);
end;
$$;
comment on function app_private.cron_matches(text, timestamp) is 'Whether a cron expression means this minute, by the clock on the wall; null where it is none.';

create or replace function app_private.cron_next(expression text, after timestamptz, time_zone text) returns timestamptz
  language plpgsql stable strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return (
    -- The day before, because a wall clock may show yesterday again; eight years, because 29 February may be that far away.
    with day as materialized (
      select d.day
      from generate_series(0, 3000) n
      cross join lateral (select (cron_next.after at time zone cron_next.time_zone)::date - 1 + n as day) d
      where app_private.cron_falls_on(d.day, f.days, f.months, f.weekdays, f.either)
      order by d.day limit 4
    )
    select min(t.at)
    from day d
    cross join lateral unnest(f.hours) hour
    cross join lateral unnest(f.minutes) minute
    cross join lateral (select d.day + make_time(hour, minute, 0) as wall) w
    -- An hour that the clock shows twice counts twice; one that it leaves out counts when it would have been.
    cross join lateral (
      select w.wall at time zone cron_next.time_zone as at
      union all
      select (w.wall at time zone cron_next.time_zone) - interval '1 hour'
      where ((w.wall at time zone cron_next.time_zone) - interval '1 hour') at time zone cron_next.time_zone = w.wall
    ) t
    where t.at > cron_next.after
  );
end;
$$;
comment on function app_private.cron_next(text, timestamptz, text) is
  'The first time after `after` that a cron expression means, by the clock on the wall of the time zone; null where there is none within eight years.';

--------------------------------------------------------------------------------------------------
-- The schedule of an organization

alter table app_private.pfa_sync_schedule
  add column if not exists cron text,
  add column if not exists time_zone text not null default 'UTC',
  add column if not exists quiet_from time,
  add column if not exists quiet_to time,
  add column if not exists full_every interval not null default '1 day',
  add column if not exists changed_at timestamptz,
  add column if not exists changed_by integer references app_public.users on delete set null,
  add column if not exists paused_by integer references app_public.users on delete set null,
  drop constraint if exists pfa_sync_schedule_quiet_check,
  drop constraint if exists pfa_sync_schedule_full_every_check;
alter table app_private.pfa_sync_schedule
  drop constraint if exists pfa_sync_schedule_cron_check;
alter table app_private.pfa_sync_schedule
  add constraint pfa_sync_schedule_cron_check check (length(cron) between 9 and 200),
  add constraint pfa_sync_schedule_quiet_check check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to),
  add constraint pfa_sync_schedule_full_every_check check (full_every >= '1 hour');
drop index if exists app_private.pfa_sync_schedule_changed_by_idx;
-- use: on delete of a user
create index pfa_sync_schedule_changed_by_idx on app_private.pfa_sync_schedule (organization_id, changed_by) where changed_by is not null;
drop index if exists app_private.pfa_sync_schedule_paused_by_idx;
-- use: on delete of a user
create index pfa_sync_schedule_paused_by_idx on app_private.pfa_sync_schedule (organization_id, paused_by) where paused_by is not null;
comment on table app_private.pfa_sync_schedule is 'When an organization is synchronized, where not every 15 minutes.';
comment on column app_private.pfa_sync_schedule.every is 'The time from the end of one run to the next, where there is no cron expression.';
comment on column app_private.pfa_sync_schedule.cron is 'The times at which it is synchronized, as a cron expression of five fields.';
comment on column app_private.pfa_sync_schedule.time_zone is 'Whose clock on the wall the cron expression and the quiet hours mean.';
comment on column app_private.pfa_sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_private.pfa_sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_private.pfa_sync_schedule.full_every is 'The time from the end of one full run to the next.';
comment on column app_private.pfa_sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_private.pfa_sync_schedule.changed_by is 'Who did; null when it was a command.';
comment on column app_private.pfa_sync_schedule.paused_by is 'Who paused it; null when it was a command.';

create or replace function app_private.quiet_until(at timestamptz, quiet_from time, quiet_to time, time_zone text) returns timestamptz
  language sql stable
  return case
    when case when quiet_from < quiet_to
      then (at at time zone time_zone)::time >= quiet_from and (at at time zone time_zone)::time < quiet_to
      else (at at time zone time_zone)::time >= quiet_from or (at at time zone time_zone)::time < quiet_to
    end
    -- Of an hour that the clock shows twice, one can begin before it.
    then greatest(
      at + interval '1 minute',
      ((at at time zone time_zone)::date + quiet_to
        + case when (at at time zone time_zone)::time >= quiet_to then interval '1 day' else interval '0' end) at time zone time_zone)
  end;
comment on function app_private.quiet_until(timestamptz, time, time, text) is 'When the quiet hours end that this time is in; null where it is in none.';

create or replace function app_private.next_sync_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- From the last run, not from the clock: a time at which no worker was there is made up for once.
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join lateral (
    select l.state, l.trigger, l.requested_at, l.started_at, l.finished_at
    from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
  ) last on true
  left join lateral (
    select count(*) as failures
    from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'failed'
      and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id and w.state = 'succeeded'), 0)
  ) f on true
  cross join lateral (select coalesce(s.every, '15 minutes') as every, coalesce(s.time_zone, 'UTC') as time_zone) e
  cross join lateral (
    select case last.state
      when 'queued' then last.requested_at + interval '1 minute'
      when 'running' then null
      when 'succeeded' then case when s.cron is null then last.finished_at + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'failed' then least(
        case when s.cron is null then last.finished_at + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
        last.finished_at + interval '1 minute' * power(2, least(f.failures - 1, 10)))
      else clock_timestamp()
    end as at
  ) r
  left join lateral (
    -- What somebody asked for is not held back.
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to, e.time_zone) as until
    where last.state is distinct from 'queued' or last.trigger = 'schedule'
  ) q on true
  where o.id = next_sync_at.organization_id and o.is_active
    and (s.paused_at is null or last.state = 'queued' and last.trigger <> 'schedule')
    and exists (select from app_private.pems_connection(o.id));
end;
comment on function app_private.next_sync_at(integer) is
  'When the next run of an organization is due: its interval or the next time of its cron expression after a success, sooner (1, 2, 4 ... minutes) after failures, not in quiet hours; a request that has waited a minute gets its job again in case it was lost. Null while one runs, and for an organization that is paused, switched off or not connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Which kind of run is due

create or replace function app_private.sync_source(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select md5(jsonb_build_array(
    (select jsonb_build_array(c.api_configuration_id, c.url, c.tenant, c.grid_name, c.grid_id, c.date_order)
     from app_private.pems_connection(sync_source.organization_id) c),
    (select o.code from app_public.organizations o where o.id = sync_source.organization_id),
    (select jsonb_agg(jsonb_build_array(m.key, m.kind, m.max_length, m.max_amount, m.grid_aliases) order by m.key)
     from app_private.field_mapping(sync_source.organization_id) m))::text);
end;
comment on function app_private.sync_source(integer) is
  'Stands for what decides how a record of PEMS comes to us: the connection, the code and the mapping. Another one: what did not change in PEMS may be something else here.';

create or replace function app_private.plan_sync(
  organization_id integer, asked_kind text default null, at timestamptz default null, out kind text, out changed_since timestamp
)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select k.kind, case when k.kind = 'incremental' then done.next_since end
  from (select 1) one
  left join lateral (
    select l.finished_at, l.next_since, l.source from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  left join lateral (
    select l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc limit 1
  ) complete on true
  left join lateral (
    select l.state, l.kind, l.error_code from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.finished_at is not null order by l.id desc limit 1
  ) ended on true
  left join app_private.pfa_sync_schedule s on s.organization_id = plan_sync.organization_id
  cross join lateral (select coalesce(plan_sync.at, clock_timestamp()) - complete.finished_at as age) since_full
  cross join lateral (
    select case
      when plan_sync.asked_kind = 'full' then 'full'
      -- Without these there is nothing to go on from.
      when complete.finished_at is null or done.next_since is null then 'full'
      when done.source is distinct from app_private.sync_source(plan_sync.organization_id) then 'full'
      when plan_sync.asked_kind = 'incremental' then 'incremental'
      when since_full.age >= coalesce(s.full_every, '1 day') then 'full'
      -- Another full run decides about records that are missing: soon, but not each time.
      when since_full.age >= interval '1 hour' and exists (
        select from app_public.pfa_removal_candidate c
        where c.organization_id = plan_sync.organization_id and c.confirmed_at is null) then 'full'
      -- A PEMS that does not understand the question for changes is still asked for everything.
      when ended.state = 'failed' and ended.kind = 'incremental'
        and ended.error_code in ('PEMS_ERROR_ALERT', 'PEMS_REFUSED', 'PEMS_MALFORMED_ANSWER', 'PEMS_CHANGED_SINCE_INVALID') then 'full'
      else 'incremental'
    end as kind
  ) k;
end;
comment on function app_private.plan_sync(integer, text, timestamptz) is
  'Which kind of run an organization needs at a time (null: now), and from when on an incremental one asks for changes. Full: when it was asked for; where no full run is complete, PEMS says no times, or connection or mapping have changed; a day (or what its schedule says) after the last one; an hour after it while records are missing that only another one can confirm gone; after PEMS refused an incremental one.';

create or replace function app_private.queue_sync(organization_id integer, trigger text, requested_by integer, kind text default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  -- Again when the one that waited was begun between the two statements.
  loop
    insert into app_public.pfa_sync_log as l (organization_id, trigger, requested_by, asked_kind)
      values (queue_sync.organization_id, queue_sync.trigger, queue_sync.requested_by, queue_sync.kind)
    on conflict (organization_id) where state = 'queued' do update
      set asked_kind = case
          when 'full' in (l.asked_kind, excluded.asked_kind) then 'full'
          when l.asked_kind = excluded.asked_kind then l.asked_kind
        end,
        -- No longer one that quiet hours hold back.
        trigger = case when l.trigger = 'schedule' then excluded.trigger else l.trigger end,
        requested_by = case when l.trigger = 'schedule' then excluded.requested_by else l.requested_by end;
    update app_public.pfa_sync_log l
    set kind = (select p.kind from app_private.plan_sync(l.organization_id, l.asked_kind) p)
    where l.organization_id = queue_sync.organization_id and l.state = 'queued'
    returning l.* into run;
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
comment on function app_private.queue_sync(integer, text, integer, text) is
  'Queues a run of an organization, in the same transaction: full, incremental, or (null) whichever is due when it begins. Joins one that already waits, which becomes full when either is to be.';
grant execute on function app_private.queue_sync(integer, text, integer, text) to vanguard_worker;

create or replace function app_private.dispatch_due_syncs() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards whether the organization was due.
  with due as materialized (
    select o.id from app_public.organizations o where app_private.next_sync_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_sync(d.id, 'schedule', null, null) q;
end;
comment on function app_private.dispatch_due_syncs() is 'Queues a run for every organization that is due (next_sync_at). Answers how many.';

drop function if exists app_private.queue_sync(integer, text, integer);

drop function if exists app_public.request_sync(integer);
create or replace function app_public.request_sync(organization_id integer, kind text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_sync.organization_id);
  if request_sync.kind not in ('full', 'incremental') then
    raise exception '% is no kind of run.', quote_literal(request_sync.kind)
      using errcode = 'VG400', hint = 'Give full, incremental, or nothing: then it is whichever is due.';
  end if;
  return app_private.queue_sync(request_sync.organization_id, 'user', app_core.current_user_id(), request_sync.kind);
end;
$$;
comment on function app_public.request_sync(integer, text) is E'@resultFieldName syncLog\nAsks for the organization to be read from PEMS now, and answers the run: `full` reads everything, `incremental` what changed since the last run (where that can be told), nothing whichever is due. A request while one waits joins it. Owners and admins of the organization may.';
grant execute on function app_public.request_sync(integer, text) to vanguard_visitor;

create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint, worker_id text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_sync_run.organization_id;
  run app_public.pfa_sync_log;
  plan record;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id for update;
  -- What a killed worker had asked for may come only now, when its job was given to another one.
  if worker_id is not null and not exists (select from app_private.worker_processes w where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state = 'succeeded' then
    return null;
  end if;
  -- It waited until the quiet hours, or until somebody paused: the schedule comes back to it.
  if run.trigger = 'schedule' and exists (
    select from app_private.pfa_sync_schedule s
    where s.organization_id = p_organization_id
      and (s.paused_at is not null or app_private.quiet_until(clock_timestamp(), s.quiet_from, s.quiet_to, s.time_zone) is not null))
  then
    return null;
  end if;

  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.', error_hint = 'Nothing to do: the run is repeated.'
  where l.organization_id = p_organization_id and l.state = 'running';
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id > 0;

  -- Now, because another run may have ended since it was asked for.
  select p.kind, p.changed_since, app_private.sync_source(p_organization_id) as source into plan
  from app_private.plan_sync(p_organization_id, run.asked_kind) p;
  if run.state = 'queued' then
    update app_public.pfa_sync_log l
    set state = 'running', started_at = clock_timestamp(), worker_id = begin_sync_run.worker_id,
      kind = plan.kind, changed_since = plan.changed_since, source = plan.source
    where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, state, requested_at, started_at, worker_id, kind, changed_since, source)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, 'running', run.requested_at, clock_timestamp(),
        begin_sync_run.worker_id, plan.kind, plan.changed_since, plan.source)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run, full or incremental as is due now, and returns it; repeats one whose worker died, under a new token; null when there is nothing left to do, or quiet hours or a pause hold it back. worker_id: the pool that does it, registered before.';

--------------------------------------------------------------------------------------------------
-- Merging

create or replace function app_private.compare_staged_changes(
  organization_id integer, run_id bigint, out added text[], out changed text[], out restamped text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- As compare_staged, but record by record: they are few.
  set enable_mergejoin = off
  set enable_hashjoin = off
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_staged_changes.organization_id;
  p_run_id constant bigint := compare_staged_changes.run_id;
begin
  select
    array_agg(s.pfa_id) filter (where m.pfa_id is null),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.version, m.version_by) is distinct from (s.version, s.version_by))
  into added, changed, restamped
  from app_private.pfa_staging s
  left join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
end;
$$;
comment on function app_private.compare_staged_changes(integer, bigint) is
  'What an incremental run brings, by record, as compare_staged says it of a full one; it misses nothing, because it did not ask for everything.';

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
  -- How long it took to read: what PEMS changed meanwhile may have come after its page.
  read_for constant interval := date_trunc('minute', clock_timestamp() - (
    select l.started_at from app_public.pfa_sync_log l where l.organization_id = p_organization_id and l.id = p_run_id));
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
  if run.kind = 'incremental' then
    select c.added, c.changed, c.restamped into added, changed, restamped
    from app_private.compare_staged_changes(p_organization_id, p_run_id) c;
  elsif not is_first then
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
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first and run.kind = 'full'
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

  -- 6. What was done, and from when on the next run has to ask: an hour that PEMS's clock may go back by, and ten minutes for
  -- what was committed late, before the newest change that can have been seen. A run that brought nothing newer leaves it.
  run.next_since := greatest(
    case when run.kind = 'incremental' then run.changed_since end,
    date_trunc('minute', run.greatest_version) - interval '70 minutes' - read_for);
  if run.kind = 'incremental' then
    run.greatest_version := greatest(run.greatest_version, (
      select l.greatest_version from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1));
  end if;
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read, rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared, rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version,
    next_since = run.next_since, notice = run.notice
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
  'Merges what a complete run left in staging: refuses bad rows, inserts, updates only what differs and was asked for later than what we hold, after a full run notes and removes what is gone, rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. One transaction, set-based. VG409 when the token of the run is no longer current.';

--------------------------------------------------------------------------------------------------
-- What people see of the schedule, and how they change it

do $$
begin
  if to_regtype('app_public.sync_schedule') is null then
    create type app_public.sync_schedule as (
      every_minutes integer, cron text, time_zone text, quiet_from time, quiet_to time, full_every_hours integer,
      is_paused boolean, paused_at timestamptz, paused_by text, next_run_at timestamptz, next_run_kind text,
      changed_at timestamptz, changed_by text);
  end if;
end;
$$;
comment on type app_public.sync_schedule is 'When an organization is read from PEMS by itself.';
comment on column app_public.sync_schedule.every_minutes is 'Minutes from the end of one run to the next; null where a cron expression says when.';
comment on column app_public.sync_schedule.cron is 'A cron expression of five fields: minute, hour, day of month, month, day of week.';
comment on column app_public.sync_schedule.time_zone is E'@notNull\nWhose clock on the wall the cron expression and the quiet hours mean, such as `America/Chicago`.';
comment on column app_public.sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_public.sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_public.sync_schedule.full_every_hours is E'@notNull\nHours from the end of one full run to the next; runs between them read changes only.';
comment on column app_public.sync_schedule.is_paused is E'@notNull\nWhether no run is begun by schedule. Asking for one works all the same.';
comment on column app_public.sync_schedule.paused_at is 'Since when.';
comment on column app_public.sync_schedule.paused_by is 'Who paused it; null when it was a command.';
comment on column app_public.sync_schedule.next_run_at is 'When the next run is due, and begins as soon as a worker is free; null while one runs or nothing is due at all.';
comment on column app_public.sync_schedule.next_run_kind is 'What it will be, as things stand: `full` or `incremental`.';
comment on column app_public.sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_public.sync_schedule.changed_by is 'Who did; null when it was a command.';

create or replace function app_private.sync_schedule_of(organization_id integer) returns app_public.sync_schedule
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select
    case when s.cron is null then round(extract(epoch from coalesce(s.every, '15 minutes')) / 60)::integer end, s.cron,
    coalesce(s.time_zone, 'UTC'), s.quiet_from, s.quiet_to, round(extract(epoch from coalesce(s.full_every, '1 day')) / 3600)::integer,
    s.paused_at is not null, s.paused_at, p.username, n.at,
    case when n.at is not null then (select k.kind from app_private.plan_sync(o.id, null, greatest(n.at, clock_timestamp())) k) end,
    s.changed_at, c.username
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join app_public.users p on p.id = s.paused_by
  left join app_public.users c on c.id = s.changed_by
  cross join lateral (select app_private.next_sync_at(o.id) as at) n
  where o.id = sync_schedule_of.organization_id;
end;
comment on function app_private.sync_schedule_of(integer) is 'The schedule of an organization, with what is the default.';

create or replace function app_public.organizations_sync_schedule(organization app_public.organizations) returns app_public.sync_schedule
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select s.*
  from app_private.sync_schedule_of(organization.id) s
  where organization.id = any (app_core.current_organization_ids());
end;
comment on function app_public.organizations_sync_schedule(app_public.organizations) is 'When it is read from PEMS by itself, and when next.';
grant execute on function app_public.organizations_sync_schedule(app_public.organizations) to vanguard_visitor;

create or replace function app_private.write_sync_schedule(
  organization_id integer, user_id integer, every_minutes integer, cron text, time_zone text, quiet_from time, quiet_to time, full_every_hours integer
) returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_sync_schedule.organization_id;
  p_cron constant text := btrim(write_sync_schedule.cron, E' \t');
  p_time_zone constant text := coalesce(write_sync_schedule.time_zone, 'UTC');
  p_every_minutes constant integer := coalesce(write_sync_schedule.every_minutes, 15);
  p_full_every_hours constant integer := coalesce(write_sync_schedule.full_every_hours, 24);
begin
  if write_sync_schedule.every_minutes is not null and p_cron is not null then
    raise exception 'A schedule has an interval or a cron expression, not both.'
      using errcode = 'VG400', hint = 'Give one of them.';
  end if;
  if p_every_minutes not between 1 and 10080 then
    raise exception 'An interval of % minutes is not allowed.', p_every_minutes
      using errcode = 'VG400', hint = 'Give 1 to 10080 minutes (a week).';
  end if;
  if p_full_every_hours not between 1 and 744 then
    raise exception 'A full run every % hours is not allowed.', p_full_every_hours
      using errcode = 'VG400', hint = 'Give 1 to 744 hours (a month).';
  end if;
  if app_private.cron_problem(p_cron) is not null then
    raise exception '% is no cron expression. %', quote_literal(left(p_cron, 200)), app_private.cron_problem(p_cron)
      using errcode = 'VG400',
        hint = 'Give five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of week (0-7 or sun-sat, 0 and 7 are Sunday); each is *, a number, a range 8-18, a step */15 or 8-18/2, or a list of these: 0,30 8-18 * * mon-fri.';
  end if;
  -- The library would take other forms of a zone too, whose sign is the other way round.
  if not exists (select from pg_timezone_names z where z.name = p_time_zone and z.name !~ '^(posix|right)/') then
    raise exception 'There is no time zone %.', quote_literal(left(p_time_zone, 100))
      using errcode = 'VG400', hint = 'Give a name of the IANA list, such as UTC, America/Chicago or Asia/Qatar.';
  end if;
  if p_cron is not null and app_private.cron_next(p_cron, clock_timestamp(), p_time_zone) is null then
    raise exception '% never happens.', quote_literal(p_cron)
      using errcode = 'VG400', hint = 'Give a day that the month has.';
  end if;
  if (quiet_from is null) <> (quiet_to is null) or quiet_from = quiet_to then
    raise exception 'Quiet hours have a beginning and another end.'
      using errcode = 'VG400', hint = 'Give both, such as 22:00 and 06:00, or neither.';
  end if;

  insert into app_private.pfa_sync_schedule as s (organization_id, every, cron, time_zone, quiet_from, quiet_to, full_every, changed_at, changed_by)
  values (p_organization_id, make_interval(mins => p_every_minutes), p_cron, p_time_zone, write_sync_schedule.quiet_from, write_sync_schedule.quiet_to,
    make_interval(hours => p_full_every_hours), clock_timestamp(), write_sync_schedule.user_id)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set every = excluded.every, cron = excluded.cron, time_zone = excluded.time_zone, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
    full_every = excluded.full_every, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.write_sync_schedule(integer, integer, integer, text, text, time, time, integer) is
  'Sets the schedule of an organization as a whole, by a user or (null) a command; what is null gets its default. Whether it is paused stays. VG400 names what is not allowed.';

create or replace function app_private.pause_sync_schedule(organization_id integer, user_id integer, is_paused boolean) returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := pause_sync_schedule.organization_id;
begin
  insert into app_private.pfa_sync_schedule as s (organization_id, paused_at, paused_by)
  values (p_organization_id, case when pause_sync_schedule.is_paused then clock_timestamp() end,
    case when pause_sync_schedule.is_paused then pause_sync_schedule.user_id end)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set paused_at = excluded.paused_at, paused_by = excluded.paused_by
  where (s.paused_at is null) <> (excluded.paused_at is null);
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.pause_sync_schedule(integer, integer, boolean) is
  'Pauses or resumes the schedule of an organization, by a user or (null) a command. A second time it changes nothing.';

create or replace function app_public.set_sync_schedule(
  organization_id integer, every_minutes integer default null, cron text default null, time_zone text default null,
  quiet_from time default null, quiet_to time default null, full_every_hours integer default null
) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(set_sync_schedule.organization_id);
  return app_private.write_sync_schedule(set_sync_schedule.organization_id, app_core.current_user_id(), every_minutes, cron, time_zone,
    quiet_from, quiet_to, full_every_hours);
end;
$$;
comment on function app_public.set_sync_schedule(integer, integer, text, text, time, time, integer) is
  E'@resultFieldName syncSchedule\nSets when the organization is read from PEMS by itself, as a whole: `everyMinutes` (1 to 10080, by default 15) or a `cron` expression, in a `timeZone` (by default UTC), but not in the quiet hours (none by default); full runs `fullEveryHours` apart (by default 24). Owners and admins of the organization may.';
grant execute on function app_public.set_sync_schedule(integer, integer, text, text, time, time, integer) to vanguard_visitor;

create or replace function app_public.pause_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_sync.organization_id);
  return app_private.pause_sync_schedule(pause_sync.organization_id, app_core.current_user_id(), true);
end;
$$;
comment on function app_public.pause_sync(integer) is
  E'@resultFieldName syncSchedule\nNo run of the organization is begun by schedule until resumeSync; one under way goes on, and asking for one works. Owners and admins of the organization may.';
grant execute on function app_public.pause_sync(integer) to vanguard_visitor;

create or replace function app_public.resume_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_sync.organization_id);
  return app_private.pause_sync_schedule(resume_sync.organization_id, app_core.current_user_id(), false);
end;
$$;
comment on function app_public.resume_sync(integer) is
  E'@resultFieldName syncSchedule\nRuns of the organization are begun by schedule again; what was due meanwhile is made up for once. Owners and admins of the organization may.';
grant execute on function app_public.resume_sync(integer) to vanguard_visitor;
