/* @name monitoring */
select app_private.monitoring() as "monitoring!";

/* @name migrationState */
select missing as "missing!", unknown as "unknown!", has_queue as "hasQueue!" from app_private.migration_state(:expected!);
