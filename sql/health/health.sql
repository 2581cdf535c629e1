/* @name databaseState */
select is_migrated as "isMigrated!", has_queue as "hasQueue!" from app_private.database_state(:migration!);

/* @name migrationState */
select missing as "missing!", unknown as "unknown!" from app_private.migration_state(:expected!);
