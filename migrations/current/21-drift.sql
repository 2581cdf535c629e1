-- Comparing the mirror with PEMS as it is now, without changing either.

drop table if exists app_public.pfa_drift_difference;
drop table if exists app_public.pfa_drift_check cascade;
create table app_public.pfa_drift_check (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  sample integer check (sample between 1 and 10000),
  requested_by integer references app_public.users on delete set null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
  rows_read integer not null default 0,
  records_compared integer not null default 0,
  records_differing integer not null default 0,
  keys_differing integer not null default 0,
  missing_in_pems integer not null default 0,
  missing_in_mirror integer not null default 0,
  unreadable integer not null default 0,
  left_out integer not null default 0,
  differences_kept integer not null default 0,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  error_code text,
  error_message text,
  error_hint text,
  primary key (organization_id, id),
  check ((state = 'failed') = (error_code is not null)),
  check ((state in ('succeeded', 'failed')) = (finished_at is not null))
);
-- use: a second request while one waits joins it
create unique index pfa_drift_check_queued_key on app_public.pfa_drift_check (organization_id) where state = 'queued';
-- use: on delete of a user
create index pfa_drift_check_requested_by_idx on app_public.pfa_drift_check (organization_id, requested_by) where requested_by is not null;
comment on table app_public.pfa_drift_check is E'@name driftCheck\nA comparison of the mirror, whole or a sample of it, with PEMS as it was then. It changes neither. Owners and admins of the organization see it.';
comment on column app_public.pfa_drift_check.organization_id is 'The organization.';
comment on column app_public.pfa_drift_check.id is 'Our key.';
comment on column app_public.pfa_drift_check.sample is 'How many records, drawn at random; null: all of them.';
comment on column app_public.pfa_drift_check.requested_by is 'Which user asked for it; null when it was a command.';
comment on column app_public.pfa_drift_check.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.pfa_drift_check.rows_read is 'Rows read from PEMS so far.';
comment on column app_public.pfa_drift_check.records_compared is 'Records that were compared, those that are on one side only among them.';
comment on column app_public.pfa_drift_check.records_differing is 'Records that are on both sides and differ.';
comment on column app_public.pfa_drift_check.keys_differing is 'In how many keys together.';
comment on column app_public.pfa_drift_check.missing_in_pems is 'Records that PEMS does not have.';
comment on column app_public.pfa_drift_check.missing_in_mirror is 'Records that only PEMS has.';
comment on column app_public.pfa_drift_check.unreadable is 'Records that PEMS gave in a form that cannot be taken, or more than once.';
comment on column app_public.pfa_drift_check.left_out is 'Records that kept changing while they were compared: nothing is said about them.';
comment on column app_public.pfa_drift_check.differences_kept is 'How many differences are listed: the first 1,000.';
comment on column app_public.pfa_drift_check.requested_at is 'When it was asked for.';
comment on column app_public.pfa_drift_check.started_at is 'When it began.';
comment on column app_public.pfa_drift_check.finished_at is 'When it ended.';
comment on column app_public.pfa_drift_check.error_code is 'Why it failed: a stable code.';
comment on column app_public.pfa_drift_check.error_message is 'Why it failed, in a sentence.';
comment on column app_public.pfa_drift_check.error_hint is 'What to do about it.';
call app_private.protect('app_public.pfa_drift_check');
create policy visitor_select on app_public.pfa_drift_check for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.pfa_drift_check to vanguard_visitor;

create table app_public.pfa_drift_difference (
  organization_id integer not null,
  check_id bigint not null,
  number integer not null,
  kind text not null check (kind in ('differs', 'missing-in-pems', 'missing-in-mirror', 'unreadable')),
  pfa_id text,
  key text,
  mirror_value jsonb,
  pems_value jsonb,
  message text,
  primary key (organization_id, check_id, number),
  constraint pfa_drift_difference_check_fkey foreign key (organization_id, check_id) references app_public.pfa_drift_check on delete cascade
);
comment on constraint pfa_drift_difference_check_fkey on app_public.pfa_drift_difference is E'@fieldName check\n@foreignFieldName differences';
comment on table app_public.pfa_drift_difference is E'@name driftDifference\n@behavior -query:resource:single\nOne difference between the mirror and PEMS.';
comment on column app_public.pfa_drift_difference.organization_id is 'The organization.';
comment on column app_public.pfa_drift_difference.check_id is 'The comparison.';
comment on column app_public.pfa_drift_difference.number is 'Its place in the list, from 1.';
comment on column app_public.pfa_drift_difference.kind is '`differs` in a key, `missing-in-pems`, `missing-in-mirror`, `unreadable` (see message).';
comment on column app_public.pfa_drift_difference.pfa_id is 'The record; null where PEMS gave a row without an id.';
comment on column app_public.pfa_drift_difference.key is 'The key, where it is about one.';
comment on column app_public.pfa_drift_difference.mirror_value is 'What the mirror holds in the key; null for nothing.';
comment on column app_public.pfa_drift_difference.pems_value is 'What PEMS holds there; null for nothing.';
comment on column app_public.pfa_drift_difference.message is 'Why it cannot be read.';
call app_private.protect('app_public.pfa_drift_difference');
create policy visitor_select on app_public.pfa_drift_difference for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.pfa_drift_difference to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Asking for a comparison

create or replace function app_private.queue_drift_check(organization_id integer, sample integer, requested_by integer) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  if queue_drift_check.sample not between 1 and 10000 then
    raise exception 'A sample of % records is not allowed.', queue_drift_check.sample
      using errcode = 'VG400', hint = 'Give 1 to 10000, or compare all of them.';
  end if;
  insert into app_public.pfa_drift_check as c (organization_id, sample, requested_by)
    values (queue_drift_check.organization_id, queue_drift_check.sample, queue_drift_check.requested_by)
  on conflict (organization_id) where state = 'queued' do update
    -- Null, all of them, is more than any.
    set sample = case when c.sample is not null and excluded.sample is not null then greatest(c.sample, excluded.sample) end
  returning * into drift;
  -- In the queue of the syncs: none of them is under way meanwhile.
  perform graphile_worker.add_job(
    'pfa__check_drift',
    json_build_object('organizationId', drift.organization_id, 'checkId', drift.id),
    queue_name => 'sync:' || drift.organization_id,
    job_key => 'drift:' || drift.organization_id || ':' || drift.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return drift;
end;
$$;
comment on function app_private.queue_drift_check(integer, integer, integer) is
  'Queues a comparison of a sample or (null) all records of an organization with PEMS, in the same transaction; joins one that already waits, the larger of the two.';

create or replace function app_public.check_drift(organization_id integer, sample integer default null) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(check_drift.organization_id);
  return app_private.queue_drift_check(check_drift.organization_id, check_drift.sample, app_core.current_user_id());
end;
$$;
comment on function app_public.check_drift(integer, integer) is
  E'@resultFieldName driftCheck\nHas the mirror compared with PEMS as it is now, a `sample` (1 to 10000 records drawn at random) or all of it, and answers the comparison: its counts and differences follow. Nothing is changed. Owners and admins of the organization may.';
grant execute on function app_public.check_drift(integer, integer) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Doing it. What was read lies in staging under the negative number of the comparison: runs have the others.

create or replace function app_private.begin_drift_check(organization_id integer, check_id bigint) returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_public.pfa_drift_difference d
  where d.organization_id = begin_drift_check.organization_id and d.check_id = begin_drift_check.check_id
    and exists (
      select from app_public.pfa_drift_check c
      where c.organization_id = d.organization_id and c.id = d.check_id and c.state <> 'succeeded');
  delete from app_private.pfa_staging s
  where s.organization_id = begin_drift_check.organization_id and s.run_id = -begin_drift_check.check_id;
  -- One that says "running" belongs to a worker that is gone. What PEMS made fail is not repeated: whoever asked may ask again.
  update app_public.pfa_drift_check c
  set state = 'running', started_at = clock_timestamp(), finished_at = null, error_code = null, error_message = null, error_hint = null,
    rows_read = 0, records_compared = 0, records_differing = 0, keys_differing = 0, missing_in_pems = 0, missing_in_mirror = 0,
    unreadable = 0, left_out = 0, differences_kept = 0
  where c.organization_id = begin_drift_check.organization_id and c.id = begin_drift_check.check_id
    and (c.state in ('queued', 'running') or c.error_code in ('DRIFT_FAILED', 'WORKER_STOPPED'))
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.begin_drift_check(integer, bigint) is
  'Starts a comparison, anew where a worker left it, and returns it; null when there is nothing to do.';
grant execute on function app_private.begin_drift_check(integer, bigint) to vanguard_worker;

create or replace function app_private.drift_sample(organization_id integer, check_id bigint) returns setof text
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select m.pfa_id
  from app_core.pfa_mirror m
  where m.organization_id = drift_sample.organization_id and m.removed_at is null
  order by random()
  limit (
    select c.sample from app_public.pfa_drift_check c
    where c.organization_id = drift_sample.organization_id and c.id = drift_sample.check_id);
end;
comment on function app_private.drift_sample(integer, bigint) is 'As many records as a comparison wants, drawn at random.';
grant execute on function app_private.drift_sample(integer, bigint) to vanguard_worker;

create or replace function app_private.report_drift_progress(organization_id integer, check_id bigint, rows_read integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.pfa_drift_check c set rows_read = report_drift_progress.rows_read
  where c.organization_id = report_drift_progress.organization_id and c.id = report_drift_progress.check_id and c.state = 'running';
end;
comment on function app_private.report_drift_progress(integer, bigint, integer) is 'Notes how far a comparison is.';
grant execute on function app_private.report_drift_progress(integer, bigint, integer) to vanguard_worker;

create or replace function app_private.compare_drift(organization_id integer, check_id bigint, pfa_ids text[], begun_at timestamptz, is_last boolean) returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_drift.organization_id;
  p_check_id constant bigint := compare_drift.check_id;
  p_pfa_ids constant text[] := compare_drift.pfa_ids;
  p_begun_at constant timestamptz := compare_drift.begun_at;
  most constant integer := 1000;
  moved text[];
begin
  with code as (
    select o.code from app_public.organizations o where o.id = p_organization_id
  ),
  staged as materialized (
    select s.pfa_id, count(*) as times, min(s.requested_at) as requested_at, (array_agg(s.data))[1] as data,
      (array_agg(s.problems) filter (where s.problems is not null))[1] as problems
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is not null
      and s.organization_code = (select c.code from code c)
    group by s.pfa_id
  ),
  mirrored as materialized (
    select m.pfa_id, m.data, m.observed_at, m.removed_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and (p_pfa_ids is null or m.pfa_id = any (p_pfa_ids))
  ),
  written as materialized (
    select distinct d.pfa_id from app_core.pfa_modification d where d.organization_id = p_organization_id and d.state = 'syncing'
  ),
  compared as materialized (
    select coalesce(s.pfa_id, m.pfa_id) as pfa_id, m.data as mirror_data, s.data as pems_data, s.problems, s.times,
      case
        -- Seen by somebody else since it was asked for, or being written to PEMS: it would be a false alarm.
        when w.pfa_id is not null or m.observed_at >= coalesce(s.requested_at, p_begun_at) then 'moved'
        when s.times > 1 or s.problems is not null then 'unreadable'
        when s.pfa_id is null then 'missing-in-pems'
        when m.pfa_id is null or m.removed_at is not null then 'missing-in-mirror'
        when m.data <> s.data then 'differs'
        else 'same'
      end as kind
    from staged s
    full join mirrored m on m.pfa_id = s.pfa_id
    left join written w on w.pfa_id = coalesce(s.pfa_id, m.pfa_id)
    where s.pfa_id is not null or m.removed_at is null
  ),
  difference as materialized (
    select c.kind, c.pfa_id, k.key, k.value->'from' as mirror_value, k.value->'to' as pems_value, null as message
    from compared c
    cross join lateral jsonb_each(app_core.changed_keys(c.mirror_data, c.pems_data)) k
    where c.kind = 'differs'
    union all
    select c.kind, c.pfa_id, null, null, null, null from compared c where c.kind in ('missing-in-pems', 'missing-in-mirror')
    union all
    select c.kind, c.pfa_id, null, null, null, 'PEMS gave it more than once.' from compared c where c.kind = 'unreadable' and c.times > 1
    union all
    select c.kind, c.pfa_id, p->>'key', c.mirror_data->(p->>'key'), p->'value', p->>'message'
    from compared c cross join lateral jsonb_array_elements(c.problems) p where c.kind = 'unreadable' and c.times = 1
    union all
    select 'unreadable', null, null, null, null, 'PEMS gave a row without an id.'
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is null
      and s.organization_code = (select c.code from code c)
  ),
  counted as (
    select
      count(*) filter (where c.kind <> 'moved') as records_compared, count(*) filter (where c.kind = 'differs') as records_differing,
      count(*) filter (where c.kind = 'missing-in-pems') as missing_in_pems, count(*) filter (where c.kind = 'missing-in-mirror') as missing_in_mirror,
      count(*) filter (where c.kind = 'unreadable') as unreadable, count(*) filter (where c.kind = 'moved') as moved,
      array_agg(c.pfa_id order by c.pfa_id) filter (where c.kind = 'moved') as moved_ids
    from compared c
  ),
  kept as (
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, mirror_value, pems_value, message)
    select p_organization_id, p_check_id, c.differences_kept + row_number() over (order by d.pfa_id, d.key), d.kind, d.pfa_id, d.key,
      -- "Nothing" is null and not JSON's.
      nullif(d.mirror_value, 'null'), nullif(d.pems_value, 'null'), d.message
    from difference d
    cross join app_public.pfa_drift_check c
    where c.organization_id = p_organization_id and c.id = p_check_id
    order by d.pfa_id, d.key
    limit (
      select most - c.differences_kept from app_public.pfa_drift_check c
      where c.organization_id = p_organization_id and c.id = p_check_id)
    returning 1
  ),
  noted as (
    update app_public.pfa_drift_check c
    set records_compared = c.records_compared + n.records_compared, records_differing = c.records_differing + n.records_differing,
      keys_differing = c.keys_differing + (select count(*) from difference d where d.kind = 'differs'),
      missing_in_pems = c.missing_in_pems + n.missing_in_pems, missing_in_mirror = c.missing_in_mirror + n.missing_in_mirror,
      unreadable = c.unreadable + n.unreadable + (select count(*) from difference d where d.kind = 'unreadable' and d.pfa_id is null),
      left_out = case when compare_drift.is_last then n.moved else 0 end,
      differences_kept = c.differences_kept + (select count(*) from kept)
    from counted n
    where c.organization_id = p_organization_id and c.id = p_check_id
    returning 1
  )
  select n.moved_ids into moved from counted n, noted;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = -p_check_id;
  return moved;
end;
$$;
comment on function app_private.compare_drift(integer, bigint, text[], timestamptz, boolean) is
  'Compares what a comparison has read with the mirror: of these records, or (null) of all; lists the differences and counts them. Answers the records that changed meanwhile, to be read and compared again; the last time they are counted as left out.';
grant execute on function app_private.compare_drift(integer, bigint, text[], timestamptz, boolean) to vanguard_worker;

create or replace function app_private.end_drift_check(organization_id integer, check_id bigint, code text default null, message text default null, hint text default null)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_private.pfa_staging s
  where s.organization_id = end_drift_check.organization_id and s.run_id = -end_drift_check.check_id;
  update app_public.pfa_drift_check c
  set state = case when end_drift_check.code is null then 'succeeded' else 'failed' end, finished_at = clock_timestamp(),
    error_code = end_drift_check.code, error_message = end_drift_check.message, error_hint = end_drift_check.hint
  where c.organization_id = end_drift_check.organization_id and c.id = end_drift_check.check_id and c.state = 'running'
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.end_drift_check(integer, bigint, text, text, text) is 'Ends a comparison, with why it failed where it did.';
grant execute on function app_private.end_drift_check(integer, bigint, text, text, text) to vanguard_worker;

create or replace function app_private.delete_drift_checks(keep interval, batch integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with old as materialized (
    select c.organization_id, c.id from app_public.pfa_drift_check c
    where c.finished_at < clock_timestamp() - greatest(keep, '1 day') order by c.finished_at limit batch
  ),
  deleted as (
    delete from app_public.pfa_drift_check d using old
    where d.organization_id = old.organization_id and d.id = old.id
    returning 1
  )
  select count(*)::integer from deleted;
end;
comment on function app_private.delete_drift_checks(interval, integer) is 'Deletes comparisons that ended longer ago, with their differences: at most one batch; answers how many.';
grant execute on function app_private.delete_drift_checks(interval, integer) to vanguard_worker;
