/* @name enforceRetention */
select sync_log as "syncLog!", rejects as "rejects!", sign_ins as "sessions!", throttles as "throttles!",
  failed_jobs as "failedJobs!", changes as "changes!", modifications as "modifications!", exchanges as "exchanges!",
  private_changes as "privateChanges!"
from app_private.enforce_retention(
  make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),
  make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), make_interval(days => :exchangesDays!),
  make_interval(days => :privateChangesDays!), :batch!);

/* @name forgetEvents */
select app_private.forget_events(make_interval(days => :eventsDays!), :batch!) as "forgotten!";

/* @name deleteDriftChecks */
select app_private.delete_drift_checks(make_interval(days => :syncLogDays!), :batch!) as "deleted!";
