/* @name databaseState */
select is_migrated as "isMigrated!", has_queue as "hasQueue!" from app_private.database_state(:migration!);

/* @name monitoring */
select app_private.monitoring() as "monitoring!";
