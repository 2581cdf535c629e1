--! Previous: sha1:817f66cb95de919b6149f70f9121b25a18c26cac
--! Hash: sha1:43601a8219e391b44df8c45d83bbb1bf050e0332
--! Message: sync

--! split: 1-current.sql
-- Sync: schedules, runs, staging, the merge of a run into the mirror, withheld removals, drift checks, and the
-- registry of workers.

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
  notice text,
  removals_accepted_by integer references app_public.users on delete set null,
  removals_accepted_at timestamptz,
  worker_id text,
  asked_kind text check (asked_kind in ('full', 'incremental')),
  changed_since timestamp,
  next_since timestamp,
  source text,
  primary key (organization_id, id),
  check ((state = 'failed') = (error_code is not null)),
  check ((state in ('succeeded', 'failed')) = (finished_at is not null)),
  check (state in ('queued', 'failed') or started_at is not null)
);
comment on table app_public.pfa_sync_log is
  E'@name syncLog\nOne row for each run that brings PEMS into the mirror, from request to end. The freshness of '
  'the mirror is read from here.';
comment on column app_public.pfa_sync_log.organization_id is 'The organization.';
comment on column app_public.pfa_sync_log.id is
  'Our key, and the token of the run: a run that is no longer "running" merges nothing.';
comment on column app_public.pfa_sync_log.kind is
  '`full` reads everything; `incremental` what PEMS changed since the last completed run. Of a run that waits: '
  'what it would be now.';
comment on column app_public.pfa_sync_log.trigger is 'Why: the product started, its schedule, a user, a command.';
comment on column app_public.pfa_sync_log.requested_by is 'Which user asked for it.';
comment on column app_public.pfa_sync_log.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.pfa_sync_log.rows_read is 'Rows read so far.';
comment on column app_public.pfa_sync_log.rows_inserted is 'New records.';
comment on column app_public.pfa_sync_log.rows_updated is 'Records whose content changed, or that are there again.';
comment on column app_public.pfa_sync_log.rows_unchanged is
  'Records that were as we knew them, or newer here; nothing was written.';
comment on column app_public.pfa_sync_log.rows_removed is
  'Records found gone for the second time, and removed; also those removed later because somebody accepted it.';
comment on column app_public.pfa_sync_log.rows_missing is
  'Records found gone for the first time; the next full run decides.';
comment on column app_public.pfa_sync_log.rows_spared is
  'Removals not made because there were suspiciously many (over 20 % of more than 50), until somebody accepts them.';
comment on column app_public.pfa_sync_log.rows_rejected is 'Rows refused; see the rejects.';
comment on column app_public.pfa_sync_log.drafts_rebased is 'Drafts on records that changed.';
comment on column app_public.pfa_sync_log.conflicts is 'Drafted keys that PEMS changed to something else.';
comment on column app_public.pfa_sync_log.greatest_version is
  'The newest change that completed runs have seen, in PEMS''s local time; of rows that were not refused.';
comment on column app_public.pfa_sync_log.requested_at is 'When it was asked for.';
comment on column app_public.pfa_sync_log.started_at is 'When it began.';
comment on column app_public.pfa_sync_log.finished_at is 'When it ended.';
comment on column app_public.pfa_sync_log.error_code is 'Why it failed: a stable code.';
comment on column app_public.pfa_sync_log.error_message is 'Why it failed, in a sentence.';
comment on column app_public.pfa_sync_log.error_hint is 'What to do about it.';
comment on column app_public.pfa_sync_log.notice is
  'What a person should know about a run that succeeded, and what to do about it.';
comment on column app_public.pfa_sync_log.removals_accepted_by is
  'Who accepted the removals that were spared; null when it was done by a command.';
comment on column app_public.pfa_sync_log.removals_accepted_at is 'When the removals that were spared were accepted.';
comment on column app_public.pfa_sync_log.worker_id is E'@behavior -*\nThe worker that does it, or did.';
comment on column app_public.pfa_sync_log.asked_kind is 'What was asked for; null: whatever is due when it begins.';
comment on column app_public.pfa_sync_log.changed_since is
  'Of an incremental run: from when on it asked for changes, in PEMS''s local time.';
comment on column app_public.pfa_sync_log.next_since is
  'From when on the next incremental run asks for changes, in PEMS''s local time; null where PEMS says no times.';
comment on column app_public.pfa_sync_log.source is
  E'@behavior -*\nWhat the connection and the mapping were when it began: changes alone are read only as long as '
  'that is the same.';
create unique index pfa_sync_log_queued_key on app_public.pfa_sync_log (organization_id) where state = 'queued';
comment on index app_public.pfa_sync_log_queued_key is 'A second request while one waits joins it.';
create unique index pfa_sync_log_running_key on app_public.pfa_sync_log (organization_id) where state = 'running';
comment on index app_public.pfa_sync_log_running_key is 'The run token: one run of an organization at a time.';
create index pfa_sync_log_requested_by_idx on app_public.pfa_sync_log (organization_id, requested_by)
  where requested_by is not null;
comment on index app_public.pfa_sync_log_requested_by_idx is 'Which runs a user asked for; on delete of a user.';
create index pfa_sync_log_finished_at_idx on app_public.pfa_sync_log (organization_id, finished_at desc)
  where state = 'succeeded';
comment on index app_public.pfa_sync_log_finished_at_idx is 'Freshness, the newest run that ended well.';
create index pfa_sync_log_ended_idx on app_public.pfa_sync_log (organization_id, finished_at)
  where finished_at is not null;
comment on index app_public.pfa_sync_log_ended_idx is 'Retention, the oldest runs of an organization that have ended.';
create index pfa_sync_log_removals_accepted_by_idx on app_public.pfa_sync_log (organization_id, removals_accepted_by)
  where removals_accepted_by is not null;
comment on index app_public.pfa_sync_log_removals_accepted_by_idx is
  'Which removals a user accepted; on delete of a user.';
call app_private.enable_rls('app_public.pfa_sync_log');
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
  constraint pfa_sync_reject_run_fkey foreign key (organization_id, run_id) references app_public.pfa_sync_log
    on delete cascade
);
comment on table app_public.pfa_sync_reject is
  E'@name syncReject\nEach row of PEMS that a run refused, whole, with the reason.';
comment on column app_public.pfa_sync_reject.organization_id is 'The organization.';
comment on column app_public.pfa_sync_reject.id is 'Our key.';
comment on column app_public.pfa_sync_reject.run_id is 'The run.';
comment on column app_public.pfa_sync_reject.pfa_id is 'The record, where the row named one.';
comment on column app_public.pfa_sync_reject.reason is
  '`missing-id`, `other-organization`, `duplicate` (its id came more than once), `value` (see problems).';
comment on column app_public.pfa_sync_reject.problems is '`[{"key", "value", "message"}]`';
comment on column app_public.pfa_sync_reject.row_content is
  'The row as it came; of another organization''s only the code.';
comment on column app_public.pfa_sync_reject.rejected_at is 'When.';
comment on constraint pfa_sync_reject_run_fkey on app_public.pfa_sync_reject is
  E'@fieldName run\n@foreignFieldName rejects';
create index pfa_sync_reject_run_id_idx on app_public.pfa_sync_reject (organization_id, run_id);
comment on index app_public.pfa_sync_reject_run_id_idx is 'What a run refused.';
create index pfa_sync_reject_rejected_at_idx on app_public.pfa_sync_reject (organization_id, rejected_at);
comment on index app_public.pfa_sync_reject_rejected_at_idx is 'Retention, the oldest rejects of an organization.';
call app_private.enable_rls('app_public.pfa_sync_reject');
create policy visitor_select on app_public.pfa_sync_reject for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_sync_reject to vanguard_visitor;

create table app_private.pfa_sync_schedule (
  organization_id integer primary key references app_public.organizations on delete cascade,
  every interval not null default '15 minutes' check (every >= '1 minute'),
  paused_at timestamptz,
  cron text check (length(cron) between 9 and 200),
  time_zone text not null default 'UTC',
  quiet_from time,
  quiet_to time,
  full_every interval not null default '1 day' check (full_every >= '1 hour'),
  changed_at timestamptz,
  changed_by integer references app_public.users on delete set null,
  paused_by integer references app_public.users on delete set null,
  constraint pfa_sync_schedule_quiet_check check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to)
);
comment on table app_private.pfa_sync_schedule is 'When an organization is synchronized, where not every 15 minutes.';
comment on column app_private.pfa_sync_schedule.organization_id is 'The organization.';
comment on column app_private.pfa_sync_schedule.every is
  'The time from the end of one run to the next, where there is no cron expression.';
comment on column app_private.pfa_sync_schedule.paused_at is 'Since when no run is started by schedule.';
comment on column app_private.pfa_sync_schedule.cron is
  'The times at which it is synchronized, as a cron expression of five fields.';
comment on column app_private.pfa_sync_schedule.time_zone is
  'Whose clock on the wall the cron expression and the quiet hours mean.';
comment on column app_private.pfa_sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_private.pfa_sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_private.pfa_sync_schedule.full_every is 'The time from the end of one full run to the next.';
comment on column app_private.pfa_sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_private.pfa_sync_schedule.changed_by is 'Who did; null when it was a command.';
comment on column app_private.pfa_sync_schedule.paused_by is 'Who paused it; null when it was a command.';
create index pfa_sync_schedule_changed_by_idx on app_private.pfa_sync_schedule (organization_id, changed_by)
  where changed_by is not null;
comment on index app_private.pfa_sync_schedule_changed_by_idx is 'On delete of a user.';
create index pfa_sync_schedule_paused_by_idx on app_private.pfa_sync_schedule (organization_id, paused_by)
  where paused_by is not null;
comment on index app_private.pfa_sync_schedule_paused_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_private.pfa_sync_schedule');

-- Staging is machinery without row level security: COPY FROM is impossible with it. Unlogged: a crash empties it, and
-- the run is repeated.
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
comment on column app_private.pfa_staging.requested_at is
  'When the request began that brought it, by the database''s clock.';
comment on column app_private.pfa_staging.received_at is 'When its answer arrived.';
comment on column app_private.pfa_staging.reason is 'Why the row is refused, found while merging; null for a good one.';
create index pfa_staging_pfa_id_idx on app_private.pfa_staging (organization_id, run_id, pfa_id);
comment on index app_private.pfa_staging_pfa_id_idx is
  'Merging a run in the order of its records, finding single ones, clearing up after it.';
grant insert (organization_id, run_id, pfa_id, organization_code, data, version, version_by, problems, row_content,
  requested_at, received_at) on app_private.pfa_staging to vanguard_worker;

create table app_public.pfa_removal_candidate (
  organization_id integer not null,
  pfa_id text not null,
  missed_by_run bigint not null,
  missed_at timestamptz not null default clock_timestamp(),
  confirmed_at timestamptz,
  spared_by_run bigint,
  primary key (organization_id, pfa_id),
  foreign key (organization_id, pfa_id) references app_core.pfa_mirror on delete cascade
);
comment on table app_public.pfa_removal_candidate is
  E'@name removalCandidate\n@behavior -query:resource:single\nRecords that the last complete full read did not '
  'bring. Missed by the next one too, they are removed, or spared when there are suspiciously many.';
comment on column app_public.pfa_removal_candidate.organization_id is 'The organization.';
comment on column app_public.pfa_removal_candidate.pfa_id is 'The record.';
comment on column app_public.pfa_removal_candidate.missed_by_run is
  'The run that missed it first since somebody saw it.';
comment on column app_public.pfa_removal_candidate.missed_at is
  'When that run began: what somebody sees later, it has not missed.';
comment on column app_public.pfa_removal_candidate.confirmed_at is
  'When the last run began that missed it again: as of then it is gone. Null until a second run missed it.';
comment on column app_public.pfa_removal_candidate.spared_by_run is
  'The first run that spared its removal; null if none did.';
call app_private.enable_rls('app_public.pfa_removal_candidate');
create policy visitor_select on app_public.pfa_removal_candidate for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_removal_candidate to vanguard_visitor;

create table app_private.worker_processes (
  pool_id text primary key,
  lock_key bigint not null unique default (hashtextextended(gen_random_uuid()::text, 0)),
  started_at timestamptz not null default clock_timestamp(),
  backend_pid integer not null default pg_backend_pid()
);
comment on table app_private.worker_processes is
  'Each queue of a worker process that runs, or was killed. A live one holds the session advisory lock of its '
  'lock_key.';
comment on column app_private.worker_processes.pool_id is 'What the queue calls it.';
comment on column app_private.worker_processes.lock_key is 'Key of the advisory lock.';
comment on column app_private.worker_processes.started_at is 'When it started.';
comment on column app_private.worker_processes.backend_pid is
  'The connection that holds the lock: the same for all queues of a process.';
call app_private.enable_rls('app_private.worker_processes');

create type app_public.sync_schedule as (
  every_minutes integer, cron text, time_zone text, quiet_from time, quiet_to time, full_every_hours integer,
  is_paused boolean, paused_at timestamptz, paused_by text, next_run_at timestamptz, next_run_kind text,
  changed_at timestamptz, changed_by text);
comment on type app_public.sync_schedule is 'When an organization is read from PEMS by itself.';
comment on column app_public.sync_schedule.every_minutes is
  'Minutes from the end of one run to the next; null where a cron expression says when.';
comment on column app_public.sync_schedule.cron is
  'A cron expression of five fields: minute, hour, day of month, month, day of week.';
comment on column app_public.sync_schedule.time_zone is
  E'@notNull\nWhose clock on the wall the cron expression and the quiet hours mean, such as `America/Chicago`.';
comment on column app_public.sync_schedule.quiet_from is 'From then on no run is begun by schedule, each day.';
comment on column app_public.sync_schedule.quiet_to is 'Until then; the next day, where it is earlier.';
comment on column app_public.sync_schedule.full_every_hours is
  E'@notNull\nHours from the end of one full run to the next; runs between them read changes only.';
comment on column app_public.sync_schedule.is_paused is
  E'@notNull\nWhether no run is begun by schedule. Asking for one works all the same.';
comment on column app_public.sync_schedule.paused_at is 'Since when.';
comment on column app_public.sync_schedule.paused_by is 'Who paused it; null when it was a command.';
comment on column app_public.sync_schedule.next_run_at is
  'When the next run is due, and begins as soon as a worker is free; null while one runs or nothing is due at all.';
comment on column app_public.sync_schedule.next_run_kind is
  'What it will be, as things stand: `full` or `incremental`.';
comment on column app_public.sync_schedule.changed_at is 'When somebody last set it.';
comment on column app_public.sync_schedule.changed_by is 'Who did; null when it was a command.';

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
comment on table app_public.pfa_drift_check is
  E'@name driftCheck\nA comparison of the mirror, whole or a sample of it, with PEMS as it was then. It changes '
  'neither. Owners and admins of the organization see it.';
comment on column app_public.pfa_drift_check.organization_id is 'The organization.';
comment on column app_public.pfa_drift_check.id is 'Our key.';
comment on column app_public.pfa_drift_check.sample is 'How many records, drawn at random; null: all of them.';
comment on column app_public.pfa_drift_check.requested_by is 'Which user asked for it; null when it was a command.';
comment on column app_public.pfa_drift_check.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.pfa_drift_check.rows_read is 'Rows read from PEMS so far.';
comment on column app_public.pfa_drift_check.records_compared is
  'Records that were compared, those that are on one side only among them.';
comment on column app_public.pfa_drift_check.records_differing is 'Records that are on both sides and differ.';
comment on column app_public.pfa_drift_check.keys_differing is 'In how many keys together.';
comment on column app_public.pfa_drift_check.missing_in_pems is 'Records that PEMS does not have.';
comment on column app_public.pfa_drift_check.missing_in_mirror is 'Records that only PEMS has.';
comment on column app_public.pfa_drift_check.unreadable is
  'Records that PEMS gave in a form that cannot be taken, or more than once.';
comment on column app_public.pfa_drift_check.left_out is
  'Records that kept changing while they were compared: nothing is said about them.';
comment on column app_public.pfa_drift_check.differences_kept is 'How many differences are listed: the first 1,000.';
comment on column app_public.pfa_drift_check.requested_at is 'When it was asked for.';
comment on column app_public.pfa_drift_check.started_at is 'When it began.';
comment on column app_public.pfa_drift_check.finished_at is 'When it ended.';
comment on column app_public.pfa_drift_check.error_code is 'Why it failed: a stable code.';
comment on column app_public.pfa_drift_check.error_message is 'Why it failed, in a sentence.';
comment on column app_public.pfa_drift_check.error_hint is 'What to do about it.';
create unique index pfa_drift_check_queued_key on app_public.pfa_drift_check (organization_id) where state = 'queued';
comment on index app_public.pfa_drift_check_queued_key is 'A second request while one waits joins it.';
create index pfa_drift_check_requested_by_idx on app_public.pfa_drift_check (organization_id, requested_by)
  where requested_by is not null;
comment on index app_public.pfa_drift_check_requested_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_public.pfa_drift_check');
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
  constraint pfa_drift_difference_check_fkey foreign key (organization_id,
    check_id) references app_public.pfa_drift_check on delete cascade
);
comment on table app_public.pfa_drift_difference is
  E'@name driftDifference\n@behavior -query:resource:single\nOne difference between the mirror and PEMS.';
comment on column app_public.pfa_drift_difference.organization_id is 'The organization.';
comment on column app_public.pfa_drift_difference.check_id is 'The comparison.';
comment on column app_public.pfa_drift_difference.number is 'Its place in the list, from 1.';
comment on column app_public.pfa_drift_difference.kind is
  '`differs` in a key, `missing-in-pems`, `missing-in-mirror`, `unreadable` (see message).';
comment on column app_public.pfa_drift_difference.pfa_id is 'The record; null where PEMS gave a row without an id.';
comment on column app_public.pfa_drift_difference.key is 'The key, where it is about one.';
comment on column app_public.pfa_drift_difference.mirror_value is 'What the mirror holds in the key; null for nothing.';
comment on column app_public.pfa_drift_difference.pems_value is 'What PEMS holds there; null for nothing.';
comment on column app_public.pfa_drift_difference.message is 'Why it cannot be read.';
comment on constraint pfa_drift_difference_check_fkey on app_public.pfa_drift_difference is
  E'@fieldName check\n@foreignFieldName differences';
call app_private.enable_rls('app_public.pfa_drift_difference');
create policy visitor_select on app_public.pfa_drift_difference for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.pfa_drift_difference to vanguard_visitor;

--! Included app_private/functions/queue_sync.sql
create or replace function app_private.queue_sync(organization_id integer, trigger text, requested_by integer,
  kind text default null)
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
  'Queues a run of an organization, in the same transaction: full, incremental, or (null) whichever is due when it '
  'begins. Joins one that already waits, which becomes full when either is to be.';
grant execute on function app_private.queue_sync(integer, text, integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/queue_sync.sql
--! Included app_public/functions/request_sync.sql
create or replace function app_public.request_sync(organization_id integer, kind text default null)
  returns app_public.pfa_sync_log
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
comment on function app_public.request_sync(integer, text) is
  E'@resultFieldName syncLog\nAsks for the organization to be read from PEMS now, and answers the run: `full` '
  'reads everything, `incremental` what changed since the last run (where that can be told), nothing whichever is '
  'due. A request while one waits joins it. Owners and admins of the organization may.';
grant execute on function app_public.request_sync(integer, text) to vanguard_visitor;
--! EndIncluded app_public/functions/request_sync.sql

--! Included app_private/functions/cron_next.sql
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
    -- The day before, because a wall clock may show yesterday again; eight years, because 29 February may be that far
    -- away.
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
comment on function app_private.cron_next(text, timestamp with time zone, text) is
  'The first time after `after` that a cron expression means, by the clock on the wall of the time zone; null '
  'where there is none within eight years.';
--! EndIncluded app_private/functions/cron_next.sql

--! Included app_private/functions/quiet_until.sql
create or replace function app_private.quiet_until(at timestamptz, quiet_from time, quiet_to time, time_zone text)
  returns timestamptz
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
        + case when (at at time zone time_zone)::time >= quiet_to then interval '1 day' else interval '0' end) at time
          zone time_zone)
  end;
comment on function app_private.quiet_until(timestamp with time zone, time without time zone, time without time zone,
  text) is
  'When the quiet hours end that this time is in; null where it is in none.';
--! EndIncluded app_private/functions/quiet_until.sql
--! Included app_private/functions/next_sync_at.sql
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
      and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id
        and w.state = 'succeeded'), 0)
  ) f on true
  cross join lateral (select coalesce(s.every, '15 minutes') as every, coalesce(s.time_zone, 'UTC') as time_zone) e
  cross join lateral (
    select case last.state
      when 'queued' then last.requested_at + interval '1 minute'
      when 'running' then null
      when 'succeeded' then case when s.cron is null then last.finished_at
        + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'failed' then least(
        case when s.cron is null then last.finished_at
          + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
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
    and app_private.pull_connection(o.id) is not null;
end;
comment on function app_private.next_sync_at(integer) is
  'When the next run of an organization is due: its interval or the next time of its cron expression after a '
  'success, sooner (1, 2, 4 ... minutes) after failures, not in quiet hours; a request that has waited a minute '
  'gets its job again in case it was lost. Null while one runs, and for an organization that is paused, switched '
  'off or not connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;
--! EndIncluded app_private/functions/next_sync_at.sql

--! Included app_private/functions/dispatch_due_syncs.sql
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
comment on function app_private.dispatch_due_syncs() is
  'Queues a run for every organization that is due (next_sync_at). Answers how many.';
grant execute on function app_private.dispatch_due_syncs() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_due_syncs.sql

--! Included app_private/functions/begin_sync_run.sql
create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint,
  worker_id text default null) returns app_public.pfa_sync_log
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
  if worker_id is not null and not exists (select from app_private.worker_processes w
    where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state = 'succeeded' then
    return null;
  end if;
  -- It waited until the quiet hours, or until somebody paused: the schedule comes back to it.
  if run.trigger = 'schedule' and exists (
    select from app_private.pfa_sync_schedule s
    where s.organization_id = p_organization_id
      and (s.paused_at is not null or app_private.quiet_until(clock_timestamp(), s.quiet_from, s.quiet_to,
        s.time_zone) is not null))
  then
    return null;
  end if;

  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at
  -- a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.',
    error_hint = 'Nothing to do: the run is repeated.'
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
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, state, requested_at,
      started_at, worker_id, kind, changed_since, source)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, 'running', run.requested_at,
        clock_timestamp(),
        begin_sync_run.worker_id, plan.kind, plan.changed_since, plan.source)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run, full or incremental as is due now, and returns it; repeats one whose worker died, under a '
  'new token; null when there is nothing left to do, or quiet hours or a pause hold it back. worker_id: the pool '
  'that does it, registered before.';
grant execute on function app_private.begin_sync_run(integer, bigint, text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_sync_run.sql
--! Included app_private/functions/report_sync_progress.sql
create or replace function app_private.report_sync_progress(organization_id integer, run_id bigint, rows_read integer)
  returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with reported as (
    update app_public.pfa_sync_log l set rows_read = report_sync_progress.rows_read
    where l.organization_id = report_sync_progress.organization_id and l.id = report_sync_progress.run_id
      and l.state = 'running'
    returning 1
  )
  select exists (select from reported);
end;
comment on function app_private.report_sync_progress(integer, bigint, integer) is
  'Notes how far a run is; false when its token is no longer current and it should stop.';
grant execute on function app_private.report_sync_progress(integer, bigint, integer) to vanguard_worker;
--! EndIncluded app_private/functions/report_sync_progress.sql
--! Included app_private/functions/fail_sync_run.sql
create or replace function app_private.fail_sync_run(organization_id integer, run_id bigint, code text, message text,
  hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.pfa_staging s
  where s.organization_id = fail_sync_run.organization_id and s.run_id = fail_sync_run.run_id;
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(),
    error_code = fail_sync_run.code, error_message = fail_sync_run.message, error_hint = fail_sync_run.hint
  where l.organization_id = fail_sync_run.organization_id and l.id = fail_sync_run.run_id
    and l.state in ('queued', 'running');
end;
comment on function app_private.fail_sync_run(integer, bigint, text, text, text) is
  'Ends a run that did not work out; the mirror stays as it was.';
grant execute on function app_private.fail_sync_run(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/fail_sync_run.sql
--! Included app_private/functions/rebase_drafts.sql
create or replace function app_private.rebase_drafts(organization_id integer, pfa_ids text[], out rebased integer,
  out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := rebase_drafts.organization_id;
  p_pfa_ids constant text[] := rebase_drafts.pfa_ids;
begin
  with result as (
    select j.id,
      coalesce(jsonb_object_agg(j.key, j.mine) filter (where not j.is_settled), '{}') as delta,
      coalesce(jsonb_object_agg(j.key, j.base) filter (where not j.is_settled), '{}') as base,
      coalesce(jsonb_object_agg(j.key, j.problem) filter (where not j.is_settled and j.problem is not null),
        '{}') as problems,
      count(*) filter (where not j.is_settled and j.problem->>'kind' = 'conflict' and j.problem is distinct
        from j.old_problem) as new_conflicts
    from app_private.judged_drafts(p_organization_id, p_pfa_ids) j group by j.id
  ),
  dropped as (
    delete from app_core.pfa_modification d using result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta = '{}'
    returning 1
  ),
  moved as (
    update app_core.pfa_modification d set delta = r.delta, base = r.base, problems = r.problems
    from result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta <> '{}'
      and (d.delta, d.problems) is distinct from (r.delta, r.problems)
    returning r.new_conflicts
  )
  select (select count(*) from dropped) + (select count(*) from moved),
    (select coalesce(sum(new_conflicts), 0) from moved)
  into rebased, conflicts;
end;
$$;
comment on function app_private.rebase_drafts(integer, text[]) is
  'Holds every draft of these records against what is under it now, key by key: as when drafted, nothing happens; '
  'as drafted (in the mirror itself), the key is dropped; anything else is a conflict, which goes again when it '
  'returns to the base. Problems that push made stay. Call it under the locks of the mirror rows, before '
  'rewrite_overlay.';
--! EndIncluded app_private/functions/rebase_drafts.sql
--! Included app_private/functions/merge_sync_run.sql
create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Only compare_staged reads everything; what follows finds single records by their keys. Planned for any
  -- organization: of this one the statistics may not know yet that it has records, and with one record every index, and
  -- every order of joining, looks as good as the key. Staging has no statistics worth the name either.
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
    select l.started_at from app_public.pfa_sync_log l where l.organization_id = p_organization_id
      and l.id = p_run_id));
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

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice, values that
  -- cannot be read.
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
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = any (duplicates)
      and s.organization_code = code;

    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, problems, row_content)
    select p_organization_id, p_run_id,
      -- Members of this organization read the rejects: what another one's record is and holds is not for them.
      case when s.organization_code = code then s.pfa_id end,
      s.reason,
      case when s.organization_code = code then coalesce(s.problems, '[]') else '[]' end,
      case when s.organization_code = code then coalesce(s.row_content, s.data) else jsonb_build_object('organization',
        s.organization_code) end
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
  -- All that this run may write, in one order and at once, as everybody does who drafts or commits: locked bit by bit,
  -- it and they would wait for each other, and the whole run would be lost.
  perform app_private.lock_records(p_organization_id, changed || restamped || missing);
  if changed is not null then
    with differing as materialized (
      select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
        m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
        m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.pfa_id = any (changed)
        and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at
    ),
    updated as (
      update app_core.pfa_mirror m
      set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
        revision = nextval('app_core.revision_seq')
      from differing d
      where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
      returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
        m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
        app_core.changed_keys(d.old_data, d.data)
      from differing d
    ),
    summed as (
      insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count,
        discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select p_organization_id, coalesce(r.source, ''),
        sum(r.sign * (not r.is_discontinued)::integer),
        sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
        sum(r.sign * r.is_discontinued::integer),
        sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
      from (
        select 1 as sign, u.* from updated u
        union all
        select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents,
          d.actual_cost_cents
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
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and s.pfa_id = any (restamped)
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 3. What is new.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first
      and run.kind = 'full'
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
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(i.source, ''),
      count(*) filter (where not i.is_discontinued), count(*) filter (where not i.is_discontinued and i.is_actualized),
      count(*) filter (where i.is_discontinued), coalesce(sum(i.plan_cost_cents) filter (where not i.is_discontinued),
        0),
      coalesce(sum(i.forecast_cost_cents) filter (where not i.is_discontinued), 0),
      coalesce(sum(i.actual_cost_cents) filter (where not i.is_discontinued), 0)
    from inserted i group by 2
  )
  select count(*) into run.rows_inserted from inserted;

  -- 4. What is gone: noted when a complete full read misses it, removed when the next one misses it too, and never many
  -- at once. Seen again by whichever run, or by anybody else since it was missed, it has to be missed twice anew.
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
      select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id
        and m.removed_at is null;
    end if;
    if live > 50 and cardinality(confirmed) > live * 0.2 then
      run.rows_spared := cardinality(confirmed);
      run.notice := format('%s of %s records are gone in PEMS. So many are not removed unless somebody agrees: if they '
                           'are meant to be gone, an owner or admin accepts their removal (acceptRemovals, or `npx '
                           'vanguard sync accept-removals %s`); if not, PEMS or the rights of its user are to be '
                           'looked at.',
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
    where m.organization_id = p_organization_id and m.pfa_id = any (missing) and m.removed_at is null
      and m.observed_at < run.started_at
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

  -- 6. What was done, and from when on the next run has to ask: an hour that PEMS's clock may go back by, and ten
  -- minutes for what was committed late, before the newest change that can have been seen. A run that brought nothing
  -- newer leaves it.
  run.next_since := greatest(
    case when run.kind = 'incremental' then run.changed_since end,
    date_trunc('minute', run.greatest_version) - interval '70 minutes' - read_for);
  if run.kind = 'incremental' then
    run.greatest_version := greatest(run.greatest_version, (
      select l.greatest_version from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1));
  end if;
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read,
    rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated
      - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared,
    rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version,
    next_since = run.next_since, notice = run.notice
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;

  -- Emptied whole when nobody else uses it at this moment: what is deleted row by row leaves an index of a hundred
  -- megabytes behind, which never gets smaller.
  begin
    lock table app_private.pfa_staging in access exclusive mode nowait;
    is_alone := not exists (
      select from app_private.pfa_staging s where (s.organization_id, s.run_id) is distinct
        from (p_organization_id, p_run_id));
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
  'Merges what a complete run left in staging: refuses bad rows, inserts, updates only what differs and was asked '
  'for later than what we hold, after a full run notes and removes what is gone, rebases drafts, rewrites '
  'overlays, logs, queues the refresh of the summaries. One transaction, set-based. VG409 when the token of the '
  'run is no longer current.';
grant execute on function app_private.merge_sync_run(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/merge_sync_run.sql

--! Included app_private/functions/register_worker.sql
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
comment on function app_private.register_worker(text) is
  'Notes a worker pool and holds its lock for as long as this session lives.';
grant execute on function app_private.register_worker(text) to vanguard_worker;
--! EndIncluded app_private/functions/register_worker.sql
--! Included app_private/functions/deregister_worker.sql
create or replace function app_private.deregister_worker(pool_id text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.worker_processes w where w.pool_id = deregister_worker.pool_id;
end;
comment on function app_private.deregister_worker(text) is
  'Takes a worker pool off the list that has stopped and given back its jobs.';
grant execute on function app_private.deregister_worker(text) to vanguard_worker;
--! EndIncluded app_private/functions/deregister_worker.sql
--! Included app_private/functions/release_dead_workers.sql
create or replace function app_private.release_dead_workers() returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  process record;
  dead text[];
begin
  -- Pools that hold jobs or queues without being registered: killed before they could register. Half a minute is ample
  -- for that.
  select array_agg(distinct l.locked_by) into dead
  from (
    select j.locked_by from graphile_worker._private_jobs j
      where j.locked_at < clock_timestamp() - interval '30 seconds'
    union
    select q.locked_by from graphile_worker._private_job_queues q
      where q.locked_at < clock_timestamp() - interval '30 seconds'
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

  -- Who is not on the list lets go of nothing any more. A run that does not say who does it began before workers said
  -- so: then it can only be one that started before it. What a killed worker asked for last may still be going on and
  -- hold its run: the next look finds how that ended.
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
      error_message = 'The worker that did this run stopped before its end.',
      error_hint = 'Nothing to do: the run is repeated.'
    from abandoned a
    where l.organization_id = a.organization_id and l.id = a.id
    returning l.organization_id, l.id
  )
  delete from app_private.pfa_staging s using lost l where s.organization_id = l.organization_id and s.run_id = l.id;
  return coalesce(dead, '{}');
end;
$$;
comment on function app_private.release_dead_workers() is
  'Gives back the jobs and queues of worker pools that were killed, closes the runs that nobody does any more, and '
  'names those pools.';
grant execute on function app_private.release_dead_workers() to vanguard_worker;
--! EndIncluded app_private/functions/release_dead_workers.sql
--! Included app_private/functions/database_state.sql
create or replace function app_private.database_state(migration text, out is_migrated boolean, out has_queue boolean)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Both schemas belong to the libraries, so they are looked for before they are looked into.
  is_migrated := migration = '' or to_regclass('graphile_migrate.migrations') is not null;
  if is_migrated and migration <> '' then
    execute 'select exists (select from graphile_migrate.migrations m where m.filename = $1)' into is_migrated
      using migration;
  end if;
  has_queue := to_regclass('graphile_worker._private_jobs') is not null;
end;
$$;
comment on function app_private.database_state(text) is
  'Whether a migration has been applied, and whether the queue is there: what a server needs to be ready.';
grant execute on function app_private.database_state(text) to vanguard_authenticator, vanguard_worker;
--! EndIncluded app_private/functions/database_state.sql

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
  from app_core.pfa_modification d
  where d.organization_id = follow_mirror.organization_id and d.state <> 'synced'
    and d.pfa_id = any (follow_mirror.pfa_ids);
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
--! Included app_private/functions/queue_refresh.sql
create or replace function app_private.queue_refresh(organization_id integer) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into app_private.pfa_search_stale (organization_id) values (queue_refresh.organization_id)
  on conflict on constraint pfa_search_stale_pkey do update set mark = excluded.mark;
  -- Debounced: the first request decides when, the others join it.
  perform graphile_worker.add_job('summaries__refresh', '{}', job_key => 'summaries:refresh',
    job_key_mode => 'preserve_run_at',
    run_at => clock_timestamp() + interval '2 seconds');
end;
$$;
comment on function app_private.queue_refresh(integer) is
  'After the mirror of an organization changed: queues what follows from it for all, debounced: the materialized '
  'sums and bounds, and the values that words are looked for in.';
--! EndIncluded app_private/functions/queue_refresh.sql
--! Included app_private/functions/remove_records.sql
create or replace function app_private.remove_records(organization_id integer, pfa_ids text[], user_id integer)
  returns text[]
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
    returning m.pfa_id, m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
      m.actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, event, changes)
    select p_organization_id, g.pfa_id, p_user_id, 'sync', 'remove', '{}' from gone g
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(g.source, ''),
      -count(*) filter (where not g.is_discontinued), -count(*) filter (where not g.is_discontinued
        and g.is_actualized),
      -count(*) filter (where g.is_discontinued), -coalesce(sum(g.plan_cost_cents) filter (where not g.is_discontinued),
        0),
      -coalesce(sum(g.forecast_cost_cents) filter (where not g.is_discontinued), 0),
      -coalesce(sum(g.actual_cost_cents) filter (where not g.is_discontinued), 0)
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
  'Removes those of these records that a second run confirmed gone and that nobody has seen since; answers which. '
  'Call follow_mirror for them in the same transaction.';
--! EndIncluded app_private/functions/remove_records.sql

--! Included app_private/functions/accept_spared_removals.sql
create or replace function app_private.accept_spared_removals(organization_id integer, run_id bigint, user_id integer)
  returns app_public.pfa_sync_log
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

  -- Those that this run spared and every full run since has missed again; what was seen meanwhile is on the list no
  -- longer.
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
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.accept_spared_removals(integer, bigint, integer) is
  'Makes the removals that a run spared, of records that are still gone; notes who accepted them and when. A '
  'second time it changes nothing.';
--! EndIncluded app_private/functions/accept_spared_removals.sql
--! Included app_public/functions/accept_removals.sql
create or replace function app_public.accept_removals(organization_id integer, run_id bigint)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_removals.organization_id);
  return app_private.accept_spared_removals(accept_removals.organization_id, accept_removals.run_id,
    app_core.current_user_id());
end;
$$;
comment on function app_public.accept_removals(integer, bigint) is
  E'@resultFieldName syncLog\nRemoves the records that a run found gone in PEMS and spared because there were '
  'suspiciously many; see `sparedRemovals` of the run for which. What PEMS has brought back meanwhile stays. '
  'Owners and admins of the organization may.';
grant execute on function app_public.accept_removals(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_removals.sql
--! Included app_public/functions/pfa_sync_log_spared_removals.sql
create or replace function app_public.pfa_sync_log_spared_removals(log app_public.pfa_sync_log)
  returns setof app_public.pfa_removal_candidate
  language sql stable
begin atomic
  select c.* from app_public.pfa_removal_candidate c
  where c.organization_id = log.organization_id and c.spared_by_run <= log.id and log.rows_spared > 0
  order by c.pfa_id;
end;
comment on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) is
  'The records whose removal this run spared and that are still gone: what acceptRemovals would remove.';
grant execute on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_sync_log_spared_removals.sql

--! Included app_private/functions/migration_state.sql
create or replace function app_private.migration_state(expected text[], out missing text[], out unknown text[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  applied text[] := '{}';
begin
  unknown := '{}';
  -- The table belongs to the library, so it is looked for before it is looked into.
  if to_regclass('graphile_migrate.migrations') is not null then
    execute '
      select coalesce(array_agg(m.hash), ''{}''),
        coalesce(array_agg(m.filename order by m.filename) filter (where m.hash <> all ($1)), ''{}'')
      from graphile_migrate.migrations m'
      into applied, unknown using expected;
  end if;
  missing := array(select e from unnest(expected) e where e <> all (applied) order by e);
end;
$$;
comment on function app_private.migration_state(text[]) is
  'Compares the migrations that a version knows, by hash, with those of this database. `missing`: hashes that the '
  'database lacks. `unknown`: file names of migrations that the version does not know.';
grant execute on function app_private.migration_state(text[]) to vanguard_authenticator, vanguard_worker;
--! EndIncluded app_private/functions/migration_state.sql

--! Included app_private/functions/compare_staged.sql
create or replace function app_private.compare_staged(
  organization_id integer, run_id bigint, run_started_at timestamptz,
  out added text[], out changed text[], out restamped text[], out missing text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- Staging has no statistics worth the name. Both sides are read in the order of their indexes and merged: whatever
  -- else the planner takes for cheap sorts or hashes all of them, or takes minutes.
  set enable_nestloop = off
  set enable_hashjoin = off
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_staged.organization_id;
  p_run_id constant bigint := compare_staged.run_id;
begin
  select
    array_agg(s.pfa_id) filter (where m.pfa_id is null and s.reason is null),
    array_agg(s.pfa_id) filter (where s.reason is null and s.requested_at > m.observed_at
      and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.reason is null and s.requested_at > m.observed_at
      and (m.version, m.version_by) is distinct from (s.version, s.version_by)),
    array_agg(m.pfa_id) filter (where s.is_seen is null and m.removed_at is null
      and m.observed_at < compare_staged.run_started_at)
  into added, changed, restamped, missing
  from (
    select true as is_seen, s.* from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is distinct
      from 'other-organization'
  ) s
  full join (select m.* from app_core.pfa_mirror m where m.organization_id = p_organization_id) m
    on m.pfa_id = s.pfa_id;
end;
$$;
comment on function app_private.compare_staged(integer, bigint, timestamp with time zone) is
  'What a run brings, by record: added; changed (other content, or there again) and restamped (another version) '
  'where it was asked for later than what we hold; missing since the run started. One pass.';
--! EndIncluded app_private/functions/compare_staged.sql

--! Included app_private/functions/cron_number.sql
create or replace function app_private.cron_number(number text, first integer, names text[]) returns integer
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case when number ~ '^[0-9]{1,2}$' then number::integer else array_position(names, number) - 1 + first end;
end;
$$;
comment on function app_private.cron_number(text, integer, text[]) is
  'One number of a field of a cron expression, which may be a name; null for anything else.';
--! EndIncluded app_private/functions/cron_number.sql
--! Included app_private/functions/cron_values.sql
create or replace function app_private.cron_values(field text, first integer, last integer, names text[] default '{}')
  returns integer[]
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
    low := case when parts[1] = '*' then cron_values.first else app_private.cron_number(parts[2], cron_values.first,
      names) end;
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
  'The values that a field of a cron expression stands for: `*`, numbers, ranges, steps, and lists of them; null '
  'where it is none, or goes beyond first and last.';
--! EndIncluded app_private/functions/cron_values.sql
--! Included app_private/functions/cron_fields.sql
create or replace function app_private.cron_fields(
  expression text, out minutes integer[], out hours integer[], out days integer[], out months integer[],
  out weekdays integer[], out either boolean
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
  'The five fields of a cron expression, null each that is none; all null where they are not five. Sunday is 0 and '
  '7. Where day of month and day of week both say which days, either will do.';
--! EndIncluded app_private/functions/cron_fields.sql
--! Included app_private/functions/cron_problem.sql
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
comment on function app_private.cron_problem(text) is
  'Why it is no cron expression, in a sentence; null when it is one.';
--! EndIncluded app_private/functions/cron_problem.sql
--! Included app_private/functions/cron_falls_on.sql
create or replace function app_private.cron_falls_on(day date, days integer[], months integer[], weekdays integer[],
  either boolean) returns boolean
  language sql immutable parallel safe
  return extract(month from day)::integer = any (months)
    and case when either
      then extract(day from day)::integer = any (days) or extract(dow from day)::integer = any (weekdays)
        or extract(isodow from day)::integer = any (weekdays)
      else extract(day from day)::integer = any (days)
        and (extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays))
    end;
comment on function app_private.cron_falls_on(date, integer[], integer[], integer[], boolean) is
  'Whether a cron expression of these fields means this day.';
--! EndIncluded app_private/functions/cron_falls_on.sql
--! Included app_private/functions/cron_matches.sql
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
  return extract(minute from cron_matches.at)::integer = any (f.minutes)
    and extract(hour from cron_matches.at)::integer = any (f.hours)
    and app_private.cron_falls_on(cron_matches.at::date, f.days, f.months, f.weekdays, f.either);
end;
$$;
comment on function app_private.cron_matches(text, timestamp without time zone) is
  'Whether a cron expression means this minute, by the clock on the wall; null where it is none.';
--! EndIncluded app_private/functions/cron_matches.sql

--! Included app_private/functions/sync_source.sql
create or replace function app_private.sync_source(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select md5(jsonb_build_array(
    (select jsonb_build_array(c.api_configuration_id, c.url, c.tenant, c.grid_name, c.grid_id, c.date_order)
     from app_private.pems_connection(sync_source.organization_id, 'read') c),
    (select o.code from app_public.organizations o where o.id = sync_source.organization_id),
    (select jsonb_agg(jsonb_build_array(m.key, m.kind, m.max_length, m.max_amount, m.grid_aliases) order by m.key)
     from app_private.field_mapping(sync_source.organization_id) m))::text);
end;
comment on function app_private.sync_source(integer) is
  'Stands for what decides how a record of PEMS comes to us: the connection, the code and the mapping. Another '
  'one: what did not change in PEMS may be something else here.';
--! EndIncluded app_private/functions/sync_source.sql
--! Included app_private/functions/plan_sync.sql
create or replace function app_private.plan_sync(
  organization_id integer, asked_kind text default null, at timestamptz default null, out kind text,
  out changed_since timestamp
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
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' and l.kind = 'full'
      order by l.finished_at desc limit 1
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
        and ended.error_code in ('PEMS_ERROR_ALERT', 'PEMS_REFUSED', 'PEMS_MALFORMED_ANSWER',
          'PEMS_CHANGED_SINCE_INVALID') then 'full'
      else 'incremental'
    end as kind
  ) k;
end;
comment on function app_private.plan_sync(integer, text, timestamp with time zone) is
  'Which kind of run an organization needs at a time (null: now), and from when on an incremental one asks for '
  'changes. Full: when it was asked for; where no full run is complete, PEMS says no times, or connection or '
  'mapping have changed; a day (or what its schedule says) after the last one; an hour after it while records are '
  'missing that only another one can confirm gone; after PEMS refused an incremental one.';
--! EndIncluded app_private/functions/plan_sync.sql

--! Included app_private/functions/compare_staged_changes.sql
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
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at
      and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.version, m.version_by) is distinct
      from (s.version, s.version_by))
  into added, changed, restamped
  from app_private.pfa_staging s
  left join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
end;
$$;
comment on function app_private.compare_staged_changes(integer, bigint) is
  'What an incremental run brings, by record, as compare_staged says it of a full one; it misses nothing, because '
  'it did not ask for everything.';
--! EndIncluded app_private/functions/compare_staged_changes.sql

--! Included app_private/functions/sync_schedule_of.sql
create or replace function app_private.sync_schedule_of(organization_id integer) returns app_public.sync_schedule
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select
    case when s.cron is null then round(extract(epoch from coalesce(s.every, '15 minutes')) / 60)::integer end, s.cron,
    coalesce(s.time_zone, 'UTC'), s.quiet_from, s.quiet_to,
    round(extract(epoch from coalesce(s.full_every, '1 day')) / 3600)::integer,
    s.paused_at is not null, s.paused_at, p.username, n.at,
    case when n.at is not null then (select k.kind from app_private.plan_sync(o.id, null,
      greatest(n.at, clock_timestamp())) k) end,
    s.changed_at, c.username
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join app_public.users p on p.id = s.paused_by
  left join app_public.users c on c.id = s.changed_by
  cross join lateral (select app_private.next_sync_at(o.id) as at) n
  where o.id = sync_schedule_of.organization_id;
end;
comment on function app_private.sync_schedule_of(integer) is
  'The schedule of an organization, with what is the default.';
--! EndIncluded app_private/functions/sync_schedule_of.sql
--! Included app_public/functions/organizations_sync_schedule.sql
create or replace function app_public.organizations_sync_schedule(organization app_public.organizations)
  returns app_public.sync_schedule
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select s.*
  from app_private.sync_schedule_of(organization.id) s
  where organization.id = any (app_core.current_organization_ids());
end;
comment on function app_public.organizations_sync_schedule(app_public.organizations) is
  'When it is read from PEMS by itself, and when next.';
grant execute on function app_public.organizations_sync_schedule(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_sync_schedule.sql
--! Included app_private/functions/write_sync_schedule.sql
create or replace function app_private.write_sync_schedule(
  organization_id integer, user_id integer, every_minutes integer, cron text, time_zone text, quiet_from time,
  quiet_to time, full_every_hours integer
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
        hint = 'Give five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of '
               'week (0-7 or sun-sat, 0 and 7 are Sunday); each is *, a number, a range 8-18, a step */15 or 8-18/2, '
               'or a list of these: 0,30 8-18 * * mon-fri.';
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

  insert into app_private.pfa_sync_schedule as s (organization_id, every, cron, time_zone, quiet_from, quiet_to,
    full_every, changed_at, changed_by)
  values (p_organization_id, make_interval(mins => p_every_minutes), p_cron, p_time_zone,
    write_sync_schedule.quiet_from, write_sync_schedule.quiet_to,
    make_interval(hours => p_full_every_hours), clock_timestamp(), write_sync_schedule.user_id)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set every = excluded.every, cron = excluded.cron, time_zone = excluded.time_zone, quiet_from = excluded.quiet_from,
    quiet_to = excluded.quiet_to,
    full_every = excluded.full_every, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.write_sync_schedule(integer, integer, integer, text, text, time without time zone,
  time without time zone, integer) is
  'Sets the schedule of an organization as a whole, by a user or (null) a command; what is null gets its default. '
  'Whether it is paused stays. VG400 names what is not allowed.';
--! EndIncluded app_private/functions/write_sync_schedule.sql
--! Included app_private/functions/pause_sync_schedule.sql
create or replace function app_private.pause_sync_schedule(organization_id integer, user_id integer, is_paused boolean)
  returns app_public.sync_schedule
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
  'Pauses or resumes the schedule of an organization, by a user or (null) a command. A second time it changes '
  'nothing.';
--! EndIncluded app_private/functions/pause_sync_schedule.sql
--! Included app_public/functions/set_sync_schedule.sql
create or replace function app_public.set_sync_schedule(
  organization_id integer, every_minutes integer default null, cron text default null, time_zone text default null,
  quiet_from time default null, quiet_to time default null, full_every_hours integer default null
) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(set_sync_schedule.organization_id);
  return app_private.write_sync_schedule(set_sync_schedule.organization_id, app_core.current_user_id(), every_minutes,
    cron, time_zone,
    quiet_from, quiet_to, full_every_hours);
end;
$$;
comment on function app_public.set_sync_schedule(integer, integer, text, text, time without time zone,
  time without time zone, integer) is
  E'@resultFieldName syncSchedule\nSets when the organization is read from PEMS by itself, as a whole: '
  '`everyMinutes` (1 to 10080, by default 15) or a `cron` expression, in a `timeZone` (by default UTC), but not in '
  'the quiet hours (none by default); full runs `fullEveryHours` apart (by default 24). Owners and admins of the '
  'organization may.';
grant execute on function app_public.set_sync_schedule(integer, integer, text, text, time without time zone,
  time without time zone, integer) to vanguard_visitor;
--! EndIncluded app_public/functions/set_sync_schedule.sql
--! Included app_public/functions/pause_sync.sql
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
  E'@resultFieldName syncSchedule\nNo run of the organization is begun by schedule until resumeSync; one under way '
  'goes on, and asking for one works. Owners and admins of the organization may.';
grant execute on function app_public.pause_sync(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_sync.sql
--! Included app_public/functions/resume_sync.sql
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
  E'@resultFieldName syncSchedule\nRuns of the organization are begun by schedule again; what was due meanwhile is '
  'made up for once. Owners and admins of the organization may.';
grant execute on function app_public.resume_sync(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/resume_sync.sql

--! Included app_private/functions/queue_drift_check.sql
create or replace function app_private.queue_drift_check(organization_id integer, sample integer, requested_by integer)
  returns app_public.pfa_drift_check
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
    set sample = case when c.sample is not null and excluded.sample is not null then greatest(c.sample,
      excluded.sample) end
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
  'Queues a comparison of a sample or (null) all records of an organization with PEMS, in the same transaction; '
  'joins one that already waits, the larger of the two.';
--! EndIncluded app_private/functions/queue_drift_check.sql
--! Included app_public/functions/check_drift.sql
create or replace function app_public.check_drift(organization_id integer, sample integer default null)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(check_drift.organization_id);
  return app_private.queue_drift_check(check_drift.organization_id, check_drift.sample, app_core.current_user_id());
end;
$$;
comment on function app_public.check_drift(integer, integer) is
  E'@resultFieldName driftCheck\nHas the mirror compared with PEMS as it is now, a `sample` (1 to 10000 records '
  'drawn at random) or all of it, and answers the comparison: its counts and differences follow. Nothing is '
  'changed. Owners and admins of the organization may.';
grant execute on function app_public.check_drift(integer, integer) to vanguard_visitor;
--! EndIncluded app_public/functions/check_drift.sql

--! Included app_private/functions/begin_drift_check.sql
create or replace function app_private.begin_drift_check(organization_id integer, check_id bigint)
  returns app_public.pfa_drift_check
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
  -- One that says "running" belongs to a worker that is gone. What PEMS made fail is not repeated: whoever asked may
  -- ask again.
  update app_public.pfa_drift_check c
  set state = 'running', started_at = clock_timestamp(), finished_at = null, error_code = null, error_message = null,
    error_hint = null,
    rows_read = 0, records_compared = 0, records_differing = 0, keys_differing = 0, missing_in_pems = 0,
    missing_in_mirror = 0,
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
--! EndIncluded app_private/functions/begin_drift_check.sql
--! Included app_private/functions/drift_sample.sql
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
comment on function app_private.drift_sample(integer, bigint) is
  'As many records as a comparison wants, drawn at random.';
grant execute on function app_private.drift_sample(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/drift_sample.sql
--! Included app_private/functions/report_drift_progress.sql
create or replace function app_private.report_drift_progress(organization_id integer, check_id bigint,
  rows_read integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.pfa_drift_check c set rows_read = report_drift_progress.rows_read
  where c.organization_id = report_drift_progress.organization_id and c.id = report_drift_progress.check_id
    and c.state = 'running';
end;
comment on function app_private.report_drift_progress(integer, bigint, integer) is 'Notes how far a comparison is.';
grant execute on function app_private.report_drift_progress(integer, bigint, integer) to vanguard_worker;
--! EndIncluded app_private/functions/report_drift_progress.sql
--! Included app_private/functions/compare_drift.sql
create or replace function app_private.compare_drift(organization_id integer, check_id bigint, pfa_ids text[],
  begun_at timestamptz, is_last boolean) returns text[]
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
    select distinct d.pfa_id from app_core.pfa_modification d where d.organization_id = p_organization_id
      and d.state = 'syncing'
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
    select c.kind, c.pfa_id, null, null, null, null from compared c
      where c.kind in ('missing-in-pems', 'missing-in-mirror')
    union all
    select c.kind, c.pfa_id, null, null, null, 'PEMS gave it more than once.' from compared c
      where c.kind = 'unreadable' and c.times > 1
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
      count(*) filter (where c.kind <> 'moved') as records_compared,
      count(*) filter (where c.kind = 'differs') as records_differing,
      count(*) filter (where c.kind = 'missing-in-pems') as missing_in_pems,
      count(*) filter (where c.kind = 'missing-in-mirror') as missing_in_mirror,
      count(*) filter (where c.kind = 'unreadable') as unreadable, count(*) filter (where c.kind = 'moved') as moved,
      array_agg(c.pfa_id order by c.pfa_id) filter (where c.kind = 'moved') as moved_ids
    from compared c
  ),
  kept as (
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, mirror_value,
      pems_value, message)
    select p_organization_id, p_check_id, c.differences_kept + row_number() over (order by d.pfa_id, d.key), d.kind,
      d.pfa_id, d.key,
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
    set records_compared = c.records_compared + n.records_compared,
      records_differing = c.records_differing + n.records_differing,
      keys_differing = c.keys_differing + (select count(*) from difference d where d.kind = 'differs'),
      missing_in_pems = c.missing_in_pems + n.missing_in_pems,
      missing_in_mirror = c.missing_in_mirror + n.missing_in_mirror,
      unreadable = c.unreadable + n.unreadable + (select count(*) from difference d where d.kind = 'unreadable'
        and d.pfa_id is null),
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
comment on function app_private.compare_drift(integer, bigint, text[], timestamp with time zone, boolean) is
  'Compares what a comparison has read with the mirror: of these records, or (null) of all; lists the differences '
  'and counts them. Answers the records that changed meanwhile, to be read and compared again; the last time they '
  'are counted as left out.';
grant execute on function app_private.compare_drift(integer, bigint, text[], timestamp
  with time zone, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/compare_drift.sql
--! Included app_private/functions/end_drift_check.sql
create or replace function app_private.end_drift_check(organization_id integer, check_id bigint, code text default null,
  message text default null, hint text default null)
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
  set state = case when end_drift_check.code is null then 'succeeded' else 'failed' end,
    finished_at = clock_timestamp(),
    error_code = end_drift_check.code, error_message = end_drift_check.message, error_hint = end_drift_check.hint
  where c.organization_id = end_drift_check.organization_id and c.id = end_drift_check.check_id and c.state = 'running'
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.end_drift_check(integer, bigint, text, text, text) is
  'Ends a comparison, with why it failed where it did.';
grant execute on function app_private.end_drift_check(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/end_drift_check.sql
--! Included app_private/functions/delete_drift_checks.sql
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
comment on function app_private.delete_drift_checks(interval, integer) is
  'Deletes comparisons that ended longer ago, with their differences: at most one batch; answers how many.';
grant execute on function app_private.delete_drift_checks(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/delete_drift_checks.sql
