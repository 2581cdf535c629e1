/* @name databaseState */
select is_migrated as "isMigrated!", has_queue as "hasQueue!" from app_private.database_state(:migration!);

/* @name monitoring */
select app_private.monitoring() as "monitoring!";

/* @name migrationState */
select missing as "missing!", unknown as "unknown!" from app_private.migration_state(:expected!);
