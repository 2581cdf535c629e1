/* @name beginLegacyWork */
select app_private.begin_legacy_work();

/* @name lockLegacyImports */
lock table app_private.legacy_import in share row exclusive mode;

/* @name standingImport */
select id, manifest, manifest_sha256 as "manifestSha256", time_zone as "timeZone", imported_at as "importedAt"
from app_private.legacy_import
where rolled_back_at is null;

/* @name legacyTables */
select name, target, aliases from app_private.legacy_table order by position;

/* @name legacyColumns */
select c.name, c.kind, c.target, c.parent, c.note, c.aliases, f.max_length as "maxLength",
  f.max_amount::float8 as "maxAmount", f.allowed_values as "allowedValues",
  coalesce(f.is_editable, false) as "isEditable!",
  c.table_name = 'organizations' and c.name not in ('id', 'code') as "mayBeLeftOut!",
  c.kind = 'password' or exists (
    select from pg_attribute a
    where a.attrelid = t.target::regclass and a.attname = c.target and a.attnotnull and not a.atthasdef
      and a.attidentity = '') as "isRequired!"
from app_private.legacy_column c
join app_private.legacy_table t on t.name = c.table_name
left join app_public.pfa_fields f on c.target = 'data.' || f.key or c.target = 'pfa_id' and f.key = 'pfaId'
where c.table_name = :tableName!
order by c.name;

/* @name legacyKeys */
select legacy_id as "legacyId!", name, key, has_problems as "hasProblems!" from app_private.legacy_keys(:tableName!);

/* @name readLegacyJson */
select app_private.read_legacy_json(:tableName!);

/* @name matchLegacyTable */
select app_private.match_legacy_table(:tableName!);

/* @name writeLegacyTable */
select app_private.write_legacy_table(:tableName!);

/* @name finishLegacyImport */
select app_private.finish_legacy_import(:manifest!::jsonb, :manifestSha256!, :timeZone) as "id!";

/* @name legacyProblems */
select table_name as "tableName!", line_number as "lineNumber!", legacy_id as "legacyId", column_name as "columnName!",
  value, problem as "problem!"
from app_private.legacy_problems();

/* @name legacyOutcomes */
select table_name as "tableName!", target, added as "added!", merged as "merged!", same as "same!",
  quarantined as "quarantined!", kept as "kept!"
from app_private.legacy_outcomes();

/* @name legacySecrets */
select table_name as "tableName!", id as "id!", name as "name!", secret as "secret!" from app_private.legacy_secrets();

/* @name saveProviderCredential */
insert into app_private.credentials (ai_provider_id, name, key_id, nonce, ciphertext)
values (:aiProviderId!, :name!, :keyId!, :nonce!, :ciphertext!);

/* @name noteCredentialsMissing */
with connections as (
  update app_public.api_configurations set status = 'error', last_error = :message!
  where id = any (:connections!::text[])
)
update app_public.ai_providers set status = 'error' where id = any (:providers!::text[]);

/* @name legacyRows */
select line_number as "lineNumber", line, state, target, previous from app_private.legacy_row
where import_id = :importId! and table_name = :tableName! and line_number > :after!
order by line_number limit 5000;

/* @name legacyDifferences */
select d.line_number as "lineNumber!", d.legacy_id as "legacyId", d.state as "state!", d.column_name as "columnName!",
  d.legacy_value as "legacyValue", d.current_value as "currentValue",
  coalesce((select c.is_kept_by_system from app_private.legacy_column c
    where c.table_name = :tableName! and c.target = d.column_name), false) as "isKeptBySystem!"
from app_private.legacy_differences(:tableName!) d
order by d.line_number, d.column_name;

/* @name rollBackLegacyTable */
select state as "state!", legacy_id as "legacyId", line_number as "lineNumber!", outcome as "outcome!", reason
from app_private.roll_back_legacy_table(:tableName!)
order by line_number;

/* @name finishLegacyRollBack */
select app_private.finish_legacy_roll_back(:importId!);

/* @name legacyEndpoints */
select legacy_id as "legacyId", name, stored, url, settings as "settings!" from app_private.legacy_endpoints();

/* @name legacyModifications */
select kind as "kind!", modifications as "modifications!", drafts as "drafts!", unknown_bases as "unknownBases!"
from app_private.legacy_modifications();

/* @name countLegacyAdministrators */
select app_private.count_legacy_administrators() as "administrators";
