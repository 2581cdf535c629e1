/* @name enforceRetention */
select sync_log as "syncLog!", rejects as "rejects!", sign_ins as "sessions!", throttles as "throttles!", failed_jobs as "failedJobs!", changes as "changes!"
from app_private.enforce_retention(
  make_interval(days => :syncLogDays!), make_interval(days => :rejectsDays!), make_interval(days => :sessionsDays!),
  make_interval(days => :failedJobsDays!), make_interval(days => :changesDays!), :batch!);

/* @name forgetEvents */
select app_private.forget_events(make_interval(days => :eventsDays!), :batch!) as "forgotten!";
