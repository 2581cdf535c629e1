/* @name requestSync */
select id as "id!", kind as "kind!", state as "state!", requested_at as "requestedAt!"
from app_public.request_sync(:organizationId!, :kind);

/* @name syncStatus */
select o.id as "organizationId!", o.code as "organization!",
  done.finished_at as "lastSyncedAt?", whole.rows_read as "lastRowsRead?",
  run.id as "runId?", run.kind as "runKind?", run.state as "runState?", run.rows_read as "runRowsRead?",
  run.requested_at as "runRequestedAt?", run.started_at as "runStartedAt?", run.finished_at as "runFinishedAt?",
  run.error_code as "errorCode?", run.error_message as "errorMessage?", run.error_hint as "errorHint?",
  done.notice as "notice?", run.reasons as "runReasons?", run.preview as "runPreview?",
  run.accepted_at as "runAcceptedAt?", lost.columns as "missingColumns!", changed.columns as "columnChanges?",
  rejected.fields as "rejectedFields!"
from app_public.organizations o
left join lateral (
  select l.finished_at, case when l.removals_accepted_at is null then l.notice end as notice
  from app_public.pfa_sync_log l
  where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
) done on true
left join lateral (
  -- Number of records; an incremental run reads changes only.
  select l.rows_read from app_public.pfa_sync_log l
  where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full' order by l.finished_at desc limit 1
) whole on true
left join lateral (
  select l.* from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
) run on true
cross join lateral (
  select coalesce(json_agg(json_build_object('alias', c.alias, 'keys', c.keys, 'lastSeenAt', c.last_seen_at)
    order by c.alias), '[]') as columns
  from app_public.pfa_column c
  where c.organization_id = o.id and c.missing_since is not null and c.first_seen_at is not null
) lost
left join lateral (
  -- The last time that the header changed.
  select json_build_object('runId', l.id, 'at', l.finished_at, 'came', coalesce(l.column_changes->'came', '[]'),
    'went', coalesce(l.column_changes->'went', '[]'), 'retyped', coalesce(l.column_changes->'retyped', '[]')) as columns
  from app_public.pfa_sync_log l
  where l.organization_id = o.id and l.column_changes <> '{}' and l.state in ('succeeded', 'withheld')
    and l.finished_at > clock_timestamp() - interval '7 days'
  order by l.id desc limit 1
) changed on true
cross join lateral (
  -- Includes the last full run and all later runs.
  select coalesce(json_agg(json_build_object('key', f.key, 'alias', f.alias, 'count', f.count, 'samples', f.samples)
    order by f.key), '[]') as fields
  from (
    select f.key, min(f.alias) as alias, sum(f.count) as count, (array_agg(f.samples order by l.id desc))[1] as samples
    from app_public.pfa_sync_log l
    cross join jsonb_to_recordset(l.rejected_fields) f (key text, alias text, count integer, samples jsonb)
    where l.organization_id = o.id and l.state = 'succeeded' and l.values_rejected > 0 and l.id >= (
      select max(w.id) from app_public.pfa_sync_log w
      where w.organization_id = o.id and w.state = 'succeeded' and w.kind = 'full')
    group by f.key
  ) f
) rejected
order by o.code;

/* @name beginSyncRun */
select r.id as "id!", o.code as "organization!", r.kind as "kind!",
  to_char(r.changed_since, 'YYYY-MM-DD HH24:MI') as "changedSince?"
from app_private.begin_sync_run(:organizationId!, :runId!, :workerId!) r
join app_public.organizations o on o.id = r.organization_id;

/* @name reportSyncProgress */
select app_private.report_sync_progress(:organizationId!, :runId!, :rowsRead!) as "isCurrent!";

/* @name failSyncRun */
select app_private.fail_sync_run(:organizationId!, :runId!, :code!, :message!, :hint);

/* @name mergeSyncRun */
select state as "state!", error_code as "errorCode?",
  rows_read as "rowsRead!", rows_inserted as "rowsInserted!", rows_updated as "rowsUpdated!",
  rows_unchanged as "rowsUnchanged!", rows_removed as "rowsRemoved!", rows_spared as "rowsSpared!",
  rows_rejected as "rowsRejected!", values_rejected as "valuesRejected!", conflicts as "conflicts!", notice as "notice?"
from app_private.merge_sync_run(:organizationId!, :runId!, :summary);

/* @name fieldMapping */
select m.key as "key!", m.kind as "kind!", m.max_length as "maxLength?", m.max_amount::float8 as "maxAmount?",
  m.grid_aliases as "gridAliases!", m.screen_field as "screenField?",
  to_char(f.earliest, 'YYYY-MM-DD') as "earliest?", to_char(f.latest, 'YYYY-MM-DD') as "latest?",
  f.largest::float8 as "largest?", f.allowed_values as "allowed?", c.choices as "choices?"
from app_private.field_mapping(:organizationId!) m
join app_public.pfa_fields f on f.key = m.key
left join (
  select key, json_agg(json_build_object('value', value, 'spelling', spelling, 'notation', notation)
    order by rank) as choices
  from app_private.field_choices(:organizationId!) group by key
) c on c.key = m.key;

/* @name seenColumns */
select c.alias as "alias!"
from app_private.seen_columns(:organizationId!) c (alias);

/* @name clock */
select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as "now!";

/* @name dispatchDueSyncs */
select app_private.dispatch_due_syncs() as "queued!";

/* @name syncSchedules */
select o.code as "organization!", s.every_minutes as "everyMinutes?", s.cron as "cron?", s.time_zone as "timeZone!",
  to_char(s.quiet_from, 'HH24:MI') as "quietFrom?", to_char(s.quiet_to, 'HH24:MI') as "quietTo?",
  s.full_every_hours as "fullEveryHours!", s.is_paused as "isPaused!", s.paused_at as "pausedAt?",
  s.paused_by as "pausedBy?", s.next_run_at as "nextRunAt?", s.next_run_kind as "nextRunKind?",
  s.changed_at as "changedAt?", s.changed_by as "changedBy?"
from app_public.organizations o
cross join lateral app_private.sync_schedule_of(o.id) s
where o.code = :organization or :organization is null
order by o.code;

/* @name writeSyncSchedule */
select time_zone as "timeZone!"
from app_public.organizations o
cross join lateral app_private.write_sync_schedule(o.id, null, :everyMinutes, :cron, :timeZone, :quietFrom::time,
  :quietTo::time, :fullEveryHours)
where o.code = :organization!;

/* @name pauseSyncSchedule */
select is_paused as "isPaused!"
from app_public.organizations o
cross join lateral app_private.pause_sync_schedule(o.id, null, :isPaused!)
where o.code = :organization!;

/* @name prepareSearch */
select app_private.prepare_search() as "hadWork!";

/* @name refreshSummaries */
select app_private.refresh_summaries();

/* @name queueSync */
select q.id as "id!", q.kind as "kind!", q.state as "state!"
from app_public.organizations o
cross join lateral app_private.queue_sync(o.id, :trigger!, null, :kind) q
where o.code = :organization! and o.is_active;

/* @name queueFirstSyncs */
with due as materialized (
  select o.id
  from app_public.organizations o
  where o.is_active and app_private.pull_connection(o.id) is not null
    and not exists (select from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.state in ('succeeded', 'running'))
  order by o.id
)
select count(q.id)::integer as "queued!"
from due d
cross join lateral app_private.queue_sync(d.id, 'start', null) q;

/* @name registerWorker */
select app_private.register_worker(:poolId!);

/* @name deregisterWorker */
select app_private.deregister_worker(:poolId!);

/* @name releaseDeadWorkers */
select app_private.release_dead_workers() as "dead!";

/* @name syncProgress */
select count(*)::integer as "organizations!",
  (count(*) filter (where l.state = 'succeeded'))::integer as "done!",
  (count(*) filter (where l.state = 'failed'))::integer as "failed!",
  coalesce(sum(l.rows_read), 0)::integer as "records!",
  string_agg(o.code, ', ' order by o.code) filter (where l.state = 'running') as "running?"
from app_public.organizations o
cross join lateral (
  select r.state, r.rows_read from app_public.pfa_sync_log r where r.organization_id = o.id order by r.id desc limit 1
) l
where o.is_active;

/* @name lastWithheldRun */
select l.id as "runId!", l.organization_id as "organizationId!", l.state as "state!", l.reasons as "reasons!",
  l.preview as "preview?", l.rows_twin as "rowsTwin!", l.accepted_at as "acceptedAt?", l.finished_at as "finishedAt!"
from app_public.pfa_sync_log l
join app_public.organizations o on o.id = l.organization_id
where o.code = :organization! and (l.state = 'withheld' or l.state = 'succeeded' and l.rows_twin > 0)
  and not exists (
    select from app_public.pfa_sync_log later
    where later.organization_id = l.organization_id and later.id > l.id and later.state = 'succeeded')
order by l.id desc limit 1;

/* @name acceptWithheldRun */
select r.id as "id!"
from app_private.accept_withheld_run(:organizationId!, :runId!, null) r;

/* @name limitsOf */
select o.code as "organization!", l.removed_percent as "removedPercent!", l.refused_percent as "refusedPercent!",
  l.changed_percent as "changedPercent!", l.emptied_percent as "emptiedPercent!", l.least_records as "leastRecords!",
  l.absent_days as "absentDays!", l.changed_at as "changedAt?", l.changed_by as "changedBy?"
from app_public.organizations o
cross join lateral app_private.limits_of(o.id) l
where o.code = :organization!;

/* @name writeLimits */
select l.least_records as "leastRecords!"
from app_public.organizations o
cross join lateral app_private.write_limits(o.id, null, :removedPercent, :refusedPercent, :changedPercent,
  :emptiedPercent, :leastRecords, :absentDays) l
where o.code = :organization!;

/* @name forgetColumn */
select app_private.forget_column(o.id, :alias!) as "wasMissing!"
from app_public.organizations o
where o.code = :organization!;

/* @name lastSparedRun */
select l.id as "runId!", l.organization_id as "organizationId!", l.rows_spared as "rowsSpared!",
  l.finished_at as "finishedAt!",
  (select count(*) from app_public.pfa_sync_log_spared_removals(l))::integer as "records!"
from app_public.pfa_sync_log l
join app_public.organizations o on o.id = l.organization_id
where o.code = :organization! and l.rows_spared > 0
order by l.id desc limit 1;

/* @name sparedRemovals */
select c.pfa_id as "pfaId!", c.missed_at as "missedAt!"
from app_public.pfa_sync_log l
cross join lateral app_public.pfa_sync_log_spared_removals(l) c
where l.organization_id = :organizationId! and l.id = :runId! and c.pfa_id > :after!
order by c.pfa_id limit :limit!;

/* @name acceptSparedRemovals */
select rows_removed as "rowsRemoved!"
from app_private.accept_spared_removals(:organizationId!, :runId!, null);
