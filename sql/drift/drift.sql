/* @name queueDriftCheck */
select q.id as "id!", q.organization_id as "organizationId!"
from app_public.organizations o
cross join lateral app_private.queue_drift_check(o.id, :sample, null) q
where o.code = :organization! and o.is_active;

/* @name beginDriftCheck */
select c.id as "id!", o.code as "organization!", c.sample as "sample?"
from app_private.begin_drift_check(:organizationId!, :checkId!) c
join app_public.organizations o on o.id = c.organization_id;

/* @name driftSample */
select s as "pfaId!" from app_private.drift_sample(:organizationId!, :checkId!) s;

/* @name reportDriftProgress */
select app_private.report_drift_progress(:organizationId!, :checkId!, :rowsRead!);

/* @name compareDrift */
select app_private.compare_drift(:organizationId!, :checkId!, :pfaIds,
  timestamptz 'epoch' + :begunAt!::bigint * interval '1 microsecond', :isLast!) as "moved?";

/* @name endDriftCheck */
select records_compared as "recordsCompared!", records_differing as "recordsDiffering!",
  missing_in_pems as "missingInPems!", missing_in_mirror as "missingInMirror!", unreadable as "unreadable!",
  left_out as "leftOut!"
from app_private.end_drift_check(:organizationId!, :checkId!, :code, :message, :hint);

/* @name driftCheck */
select c.id as "id!", c.sample as "sample?", c.state as "state!", c.rows_read as "rowsRead!",
  c.records_compared as "recordsCompared!", c.records_differing as "recordsDiffering!",
  c.keys_differing as "keysDiffering!", c.missing_in_pems as "missingInPems!",
  c.missing_in_mirror as "missingInMirror!", c.unreadable as "unreadable!", c.left_out as "leftOut!",
  c.differences_kept as "differencesKept!", c.requested_at as "requestedAt!", c.started_at as "startedAt?",
  c.finished_at as "finishedAt?", c.error_code as "errorCode?", c.error_message as "errorMessage?",
  c.error_hint as "errorHint?"
from app_public.pfa_drift_check c
where c.organization_id = :organizationId! and c.id = :checkId!;

/* @name driftDifferences */
select d.kind as "kind!", d.pfa_id as "pfaId?", d.key as "key?", d.mirror_value as "mirrorValue?",
  d.pems_value as "pemsValue?", d.message as "message?"
from app_public.pfa_drift_difference d
where d.organization_id = :organizationId! and d.check_id = :checkId!
order by d.number;
