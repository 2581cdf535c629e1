/* @name beginReferenceRun */
select id as "id!", list as "list!", entity_type as "entityType!", organization as "organization!", path as "path!",
  fields as "fields!"
from app_private.begin_reference_run(:organizationId!);

/* @name stageReferenceRows */
select app_private.stage_reference_rows(:organizationId!, :runId!, :rows!) as "isCurrent!";

/* @name mergeReferenceRun */
select state as "state!", rows_read as "rowsRead!", rows_inserted as "rowsInserted!", rows_updated as "rowsUpdated!",
  rows_removed as "rowsRemoved!", rows_withheld as "rowsWithheld!", rows_rejected as "rowsRejected!",
  notice as "notice?", error_code as "errorCode?"
from app_private.merge_reference_run(:organizationId!, :runId!);

/* @name failReferenceRun */
select app_private.fail_reference_run(:organizationId!, :runId!, :code!, :message!, :hint);

/* @name dispatchDueReferenceReads */
select app_private.dispatch_due_reference_reads() as "queued!";

/* @name queueReferenceRuns */
select q.list as "list!"
from app_public.organizations o
cross join lateral app_private.queue_reference_runs(o.id, 'command', null) q
where o.code = :organization! and o.is_active
order by q.id;

/* @name listConnection */
select o.id as "organizationId!", app_private.pull_connection(o.id) as "apiConfigurationId?"
from app_public.organizations o
where o.code = :organization! and o.is_active;

/* @name referenceLists */
select o.code as "organization!", l.list as "list!", l.entry_count as "entryCount!", l.read_at as "readAt?",
  l.last_run_state as "lastRunState?", l.last_run_error as "lastRunError?", l.last_run_hint as "lastRunHint?",
  l.notice as "notice?", l.withheld_removals as "withheldRemovals!",
  app_private.reference_check(o.id) as "checkMode!"
from app_public.organizations o
cross join lateral (
  select d.list, d.id,
    (select count(*)::integer from app_public.reference_entries e
     where e.organization_id = o.id and e.list = d.list and not e.is_out_of_service) as entry_count,
    done.finished_at as read_at, last.state as last_run_state, last.error_message as last_run_error,
    last.error_hint as last_run_hint, done.notice,
    case when done.accepted_at is null then coalesce(done.rows_withheld, 0) else 0 end as withheld_removals
  from app_private.reference_sources d
  left join lateral (
    select r.* from app_public.reference_runs r
    where r.organization_id = o.id and r.list = d.list order by r.id desc limit 1
  ) last on true
  left join lateral (
    select r.* from app_public.reference_runs r
    where r.organization_id = o.id and r.list = d.list and r.state = 'succeeded' order by r.id desc limit 1
  ) done on true
  where d.api_configuration_id is null and d.list <> 'organization'
) l
where o.is_active and (o.code = :organization or :organization is null)
order by o.code, l.id;

/* @name acceptReferenceRemovals */
select r.rows_removed as "rowsRemoved!"
from app_public.organizations o
cross join lateral app_private.accept_reference_removals(o.id, :list!, null) r
where o.code = :organization!;

/* @name referenceSettings */
select s.check_mode as "checkMode!", (extract(epoch from s.every) / 60)::integer as "everyMinutes!"
from app_public.pems_settings p
cross join lateral app_private.reference_setting(p.api_configuration_id) s
where p.api_configuration_id = :apiConfigurationId!;

/* @name writeReferenceSetting */
select app_private.write_reference_setting(:apiConfigurationId!, :checkMode,
  make_interval(mins => :everyMinutes)) as "isKnown!";

/* @name referenceSources */
select d.list as "list!", case when o.id is null then d.path else o.path end as "path?",
  coalesce(o.fields, d.fields) as "fields!"
from app_private.reference_sources d
left join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list
where d.api_configuration_id is null
order by d.id;

/* @name writeReferencePath */
insert into app_private.reference_sources as s (api_configuration_id, list, path)
values (:apiConfigurationId!, :list!, :path)
on conflict (api_configuration_id, list) do update set path = excluded.path;

/* @name writeReferenceField */
insert into app_private.reference_sources as s (api_configuration_id, list, path, fields)
select :apiConfigurationId!, d.list, coalesce(o.path, d.path),
  coalesce(o.fields, d.fields) || jsonb_build_object(:field!::text, jsonb_build_array(:name!::text))
from app_private.reference_sources d
left join app_private.reference_sources o on o.api_configuration_id = :apiConfigurationId! and o.list = d.list
where d.api_configuration_id is null and d.list = :list!
on conflict (api_configuration_id, list) do update set fields = excluded.fields;

/* @name organizationProposals */
select p.code as "code!", p.name as "name!", p.state as "state!", p.found_at as "foundAt!",
  p.decided_at as "decidedAt?"
from app_public.organization_proposals p
where :withDecided! or p.state = 'pending'
order by p.code;

/* @name decideOrganizationProposal */
select p.code as "code!", p.name as "name!", p.state as "state!"
from app_private.decide_organization_proposal(:code!, :isAccepted!, null) p;
