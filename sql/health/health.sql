/* @name monitoring */
select app_private.monitoring() as "monitoring!";

/* @name migrationState */
select m.missing as "missing!", m.unknown as "unknown!", d.has_queue as "hasQueue!"
from app_private.migration_state(:expected!) m, app_private.database_state('') d;
