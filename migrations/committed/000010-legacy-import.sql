--! Previous: sha1:971cd980eac151e07597c2db35f081ea7bcec3cc
--! Hash: sha1:8e4a1b50f3b0e260ded9b1801c5fdd4b3c628964
--! Message: legacy import

--! split: 1-current.sql
-- Legacy import: moving in from the prototype's SQLite database, and rollback.
--
-- Statements are built from the two tables below and the catalogue. Text from outside enters a statement only as a
-- quoted literal.

create table app_private.legacy_table (
  name text primary key,
  position smallint not null unique,
  target text not null,
  natural_keys text[] not null,
  constants jsonb not null default '{}'
);
comment on table app_private.legacy_table is
  'The tables of the prototype that move in. Every other is kept in legacy_row, and goes nowhere else.';
comment on column app_private.legacy_table.name is 'Its name there.';
comment on column app_private.legacy_table.position is 'The order, from 1: no row comes before what it points at.';
comment on column app_private.legacy_table.target is 'Where its rows go.';
comment on column app_private.legacy_table.natural_keys is
  'The unique indexes by which a row that is here already is taken as the same; the first that finds one counts.';
comment on column app_private.legacy_table.constants is 'What else its rows are given here.';
call app_private.enable_rls('app_private.legacy_table');
insert into app_private.legacy_table (position, name, target, natural_keys, constants) values
  (1, 'organizations', 'app_public.organizations', '{organizations_code_key}', '{}'),
  (2, 'users', 'app_public.users', '{users_username_key}', '{}'),
  (3, 'user_organizations', 'app_public.user_organizations', '{user_organizations_pkey}', '{}'),
  (4, 'ai_providers', 'app_public.ai_providers', '{ai_providers_pkey}', '{}'),
  (5, 'organization_ai_configs', 'app_public.organization_ai_configs', '{organization_ai_configs_pkey}', '{}'),
  (6, 'api_configurations', 'app_public.api_configurations', '{api_configurations_pkey}', '{"is_simulated": false}'),
  (7, 'data_source_mappings', 'app_public.data_source_mappings',
    '{data_source_mappings_pkey,data_source_mappings_organization_id_entity_type_api_config_key}', '{}'),
  (8, 'field_configurations', 'app_public.field_configurations', '{field_configurations_pkey}', '{}'),
  (9, 'pfa_records', 'app_core.pfa_mirror', '{pfa_mirror_pkey}', '{}');

create table app_private.legacy_column (
  table_name text not null references app_private.legacy_table on delete cascade,
  name text not null,
  kind text not null check (kind in ('text', 'flag', 'time', 'minute', 'day', 'number', 'integer', 'json', 'reference',
    'secret', 'password', 'none')),
  target text,
  parent text references app_private.legacy_table on delete cascade,
  is_kept_by_system boolean not null default false,
  note text,
  primary key (table_name, name),
  check ((kind = 'none') = (target is null)),
  check ((kind = 'reference') = (parent is not null)),
  check ((kind = 'none') = (note is not null))
);
comment on table app_private.legacy_column is
  'The columns of these tables: how a value is converted, and where it goes.';
comment on column app_private.legacy_column.table_name is 'The table.';
comment on column app_private.legacy_column.name is 'Its name there.';
comment on column app_private.legacy_column.kind is
  'How a value is converted (src/legacy/convert.ts). `reference` is the id of a row of `parent`; `secret` was '
  'encrypted by the prototype; `none` goes nowhere.';
comment on column app_private.legacy_column.target is
  'The column here; `data.KEY` is a key of a record, and of secrets it is the name of the credential.';
comment on column app_private.legacy_column.parent is 'The table that a reference points at.';
comment on column app_private.legacy_column.is_kept_by_system is
  'The product itself keeps it true, e.g. a count: another value than the legacy one does not mean that somebody '
  'changed the row.';
comment on column app_private.legacy_column.note is 'Why it goes nowhere.';
create index legacy_column_parent_idx on app_private.legacy_column (parent);
comment on index app_private.legacy_column_parent_idx is 'On delete of a table.';
call app_private.enable_rls('app_private.legacy_column');
insert into app_private.legacy_column (table_name, name, kind, target, parent, is_kept_by_system, note)
select t.name, c.name, c.kind, c.target, null, c.target = 'updated_at', null
from app_private.legacy_table t
cross join (values ('createdAt', 'time', 'created_at'), ('updatedAt', 'time', 'updated_at')) c(name, kind, target)
where t.name <> 'pfa_records'
union all
select t.name, 'id', 'text', case when t.name in ('organizations', 'users', 'user_organizations',
  'organization_ai_configs') then 'legacy_id' else 'id' end, null, false, null
from app_private.legacy_table t
where t.name <> 'pfa_records'
union all
values
  ('organizations', 'code', 'text', 'code', null, false, null),
  ('organizations', 'name', 'text', 'name', null, false, null),
  ('organizations', 'description', 'text', 'description', null, false, null),
  ('organizations', 'isActive', 'flag', 'is_active', null, false, null),
  ('users', 'username', 'text', 'username', null, false, null),
  ('users', 'email', 'text', 'email', null, false, null),
  ('users', 'passwordHash', 'password', 'password', null, false, null),
  ('users', 'firstName', 'text', 'first_name', null, false, null),
  ('users', 'lastName', 'text', 'last_name', null, false, null),
  ('users', 'role', 'text', 'role', null, false, null),
  ('users', 'isActive', 'flag', 'is_active', null, false, null),
  ('user_organizations', 'userId', 'reference', 'user_id', 'users', false, null),
  ('user_organizations', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('user_organizations', 'role', 'text', 'role', null, false, null),
  ('ai_providers', 'type', 'text', 'type', null, false, null),
  ('ai_providers', 'name', 'text', 'name', null, false, null),
  ('ai_providers', 'enabled', 'flag', 'enabled', null, false, null),
  ('ai_providers', 'apiKeyEncrypted', 'secret', 'apiKey', null, false, null),
  ('ai_providers', 'apiEndpoint', 'text', 'api_endpoint', null, false, null),
  ('ai_providers', 'defaultModel', 'text', 'default_model', null, false, null),
  ('ai_providers', 'availableModels', 'json', 'available_models', null, false, null),
  ('ai_providers', 'pricingInput', 'number', 'pricing_input', null, false, null),
  ('ai_providers', 'pricingOutput', 'number', 'pricing_output', null, false, null),
  ('ai_providers', 'pricingCached', 'number', 'pricing_cached', null, false, null),
  ('ai_providers', 'maxTokensPerRequest', 'integer', 'max_tokens_per_request', null, false, null),
  ('ai_providers', 'maxRequestsPerMinute', 'integer', 'max_requests_per_minute', null, false, null),
  ('ai_providers', 'retryAttempts', 'integer', 'retry_attempts', null, false, null),
  ('ai_providers', 'retryDelayMs', 'integer', 'retry_delay_ms', null, false, null),
  ('ai_providers', 'timeoutMs', 'integer', 'timeout_ms', null, false, null),
  ('ai_providers', 'status', 'text', 'status', null, true, null),
  ('ai_providers', 'lastHealthCheck', 'time', 'last_health_check', null, true, null),
  ('ai_providers', 'errorRate', 'number', 'error_rate', null, true, null),
  ('organization_ai_configs', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('organization_ai_configs', 'enabled', 'flag', 'enabled', null, false, null),
  ('organization_ai_configs', 'accessLevel', 'text', 'access_level', null, false, null),
  ('organization_ai_configs', 'primaryProviderId', 'reference', 'primary_provider_id', 'ai_providers', false, null),
  ('organization_ai_configs', 'fallbackProviderIds', 'json', 'fallback_provider_ids', null, false, null),
  ('organization_ai_configs', 'routingRules', 'json', 'routing_rules', null, false, null),
  ('organization_ai_configs', 'dailyLimitUsd', 'number', 'daily_limit_usd', null, false, null),
  ('organization_ai_configs', 'monthlyLimitUsd', 'number', 'monthly_limit_usd', null, false, null),
  ('organization_ai_configs', 'alertThresholdPercent', 'integer', 'alert_threshold_percent', null, false, null),
  ('organization_ai_configs', 'maxContextRecords', 'integer', 'max_context_records', null, false, null),
  ('organization_ai_configs', 'includeHistoricalData', 'flag', 'include_historical_data', null, false, null),
  ('organization_ai_configs', 'enableSemanticCache', 'flag', 'enable_semantic_cache', null, false, null),
  ('organization_ai_configs', 'cacheExpirationHours', 'integer', 'cache_expiration_hours', null, false, null),
  ('api_configurations', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('api_configurations', 'name', 'text', 'name', null, false, null),
  ('api_configurations', 'usage', 'text', 'usage', null, false, null),
  ('api_configurations', 'url', 'text', 'url', null, false, null),
  ('api_configurations', 'authType', 'text', 'auth_type', null, false, null),
  ('api_configurations', 'authKeyEncrypted', 'secret', 'authKey', null, false, null),
  ('api_configurations', 'authValueEncrypted', 'secret', 'authValue', null, false, null),
  ('api_configurations', 'customHeaders', 'json', 'custom_headers', null, false, null),
  ('api_configurations', 'operationType', 'text', 'operation_type', null, false, null),
  ('api_configurations', 'feeds', 'json', 'feeds', null, false, null),
  ('api_configurations', 'firstSyncAt', 'time', 'first_sync_at', null, true, null),
  ('api_configurations', 'lastSyncAt', 'time', 'last_sync_at', null, true, null),
  ('api_configurations', 'lastSyncRecordCount', 'integer', 'last_sync_record_count', null, true, null),
  ('api_configurations', 'totalSyncRecordCount', 'integer', 'total_sync_record_count', null, true, null),
  ('api_configurations', 'status', 'text', 'status', null, true, null),
  ('api_configurations', 'lastChecked', 'time', 'last_checked', null, true, null),
  ('api_configurations', 'lastError', 'text', 'last_error', null, true, null),
  ('data_source_mappings', 'entityType', 'text', 'entity_type', null, false, null),
  ('data_source_mappings', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('data_source_mappings', 'apiConfigId', 'reference', 'api_configuration_id', 'api_configurations', false, null),
  ('data_source_mappings', 'priority', 'integer', 'priority', null, false, null),
  ('data_source_mappings', 'isActive', 'flag', 'is_active', null, false, null),
  ('data_source_mappings', 'lastUsedAt', 'time', 'last_used_at', null, true, null),
  ('data_source_mappings', 'lastSuccessAt', 'time', 'last_success_at', null, true, null),
  ('data_source_mappings', 'lastFailureAt', 'time', 'last_failure_at', null, true, null),
  ('data_source_mappings', 'successCount', 'integer', 'success_count', null, true, null),
  ('data_source_mappings', 'failureCount', 'integer', 'failure_count', null, true, null),
  ('data_source_mappings', 'avgResponseTime', 'number', 'avg_response_time', null, true, null),
  ('field_configurations', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('field_configurations', 'name', 'text', 'name', null, false, null),
  ('field_configurations', 'description', 'text', 'description', null, false, null),
  ('field_configurations', 'isDefault', 'flag', 'is_default', null, false, null),
  ('field_configurations', 'fieldMappings', 'json', 'field_mappings', null, false, null),
  ('field_configurations', 'includeHeaders', 'flag', 'include_headers', null, false, null),
  ('field_configurations', 'dateFormat', 'text', 'date_format', null, false, null),
  ('field_configurations', 'delimiter', 'text', 'delimiter', null, false, null),
  ('field_configurations', 'encoding', 'text', 'encoding', null, false, null),
  ('pfa_records', 'id', 'none', null, null, false,
    'A record is known by its organization and pfaId; legacy_row keeps this id.'),
  ('pfa_records', 'organizationId', 'reference', 'organization_id', 'organizations', false, null),
  ('pfa_records', 'pfaId', 'text', 'pfa_id', null, false, null),
  ('pfa_records', 'lastModified', 'minute', 'version', null, false, null),
  ('pfa_records', 'lastModifiedBy', 'text', 'version_by', null, false, null),
  ('pfa_records', 'createdAt', 'none', null, null, false, 'The mirror does not say when a record was first read.'),
  ('pfa_records', 'updatedAt', 'time', 'observed_at', null, false, null),
  ('pfa_records', 'hasPlan', 'none', null, null, false, 'It follows from the dates of the plan.'),
  ('pfa_records', 'hasActuals', 'none', null, null, false, 'It follows from the actual dates.')
union all
select 'pfa_records', f.key,
  case f.kind when 'date' then 'day' when 'money' then 'number' when 'flag' then 'flag' else 'text' end,
    'data.' || f.key, null, false, null
from app_public.pfa_fields f
where f.kind <> 'version' and f.key <> 'pfaId';

create table app_private.legacy_import (
  id integer primary key generated always as identity,
  manifest jsonb not null,
  manifest_sha256 text not null,
  imported_at timestamptz not null default now(),
  rolled_back_at timestamptz
);
comment on table app_private.legacy_import is 'Imports of an export of the prototype''s database.';
comment on column app_private.legacy_import.id is 'Our key.';
comment on column app_private.legacy_import.manifest is
  'What the export says of itself: tables, columns, counts, checksums, source.';
comment on column app_private.legacy_import.manifest_sha256 is
  'The checksum of the manifest: the same export again changes nothing.';
comment on column app_private.legacy_import.imported_at is 'When.';
comment on column app_private.legacy_import.rolled_back_at is 'When it was taken back; null while it stands.';
create unique index legacy_import_standing_key on app_private.legacy_import ((true)) where rolled_back_at is null;
comment on index app_private.legacy_import_standing_key is 'One import at a time.';
call app_private.enable_rls('app_private.legacy_import');

create table app_private.legacy_row (
  import_id integer not null references app_private.legacy_import on delete cascade,
  table_name text not null,
  line_number integer not null check (line_number > 0),
  line text not null,
  legacy_id text,
  state text not null check (state in ('added', 'merged', 'same', 'quarantined', 'kept')),
  target jsonb,
  previous jsonb,
  problems jsonb,
  primary key (import_id, table_name, line_number)
);
comment on table app_private.legacy_row is
  'Every row of the prototype''s database, as it was: a line of the export, bytes included. The proof that nothing '
  'was lost.';
comment on column app_private.legacy_row.import_id is 'The import.';
comment on column app_private.legacy_row.table_name is 'The table there.';
comment on column app_private.legacy_row.line_number is 'The line of the table''s file, from 1.';
comment on column app_private.legacy_row.line is
  'The row: a JSON array in the order of the columns, in the canonical form of the export. As text: bytes count.';
comment on column app_private.legacy_row.legacy_id is 'Its id there.';
comment on column app_private.legacy_row.state is
  '`added`; `merged` into a row that was here and that nobody had touched; `same` as a row that was here, which '
  'stayed as it was; `quarantined`, see problems; `kept` here only, because its table does not move in.';
comment on column app_private.legacy_row.target is
  'The primary key of its row here. Null for records, which are found by organization and pfaId.';
comment on column app_private.legacy_row.previous is 'Of a merged row: what it was before.';
comment on column app_private.legacy_row.problems is 'Why it was quarantined: `[{"column", "value", "problem"}]`.';
call app_private.enable_rls('app_private.legacy_row');

--! Included app_private/functions/legacy_json.sql
create or replace function app_private.legacy_json(value text) returns jsonb
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return value::jsonb;
exception when data_exception or program_limit_exceeded then
  return null;
end;
$$;
comment on function app_private.legacy_json(text) is
  'The JSON that a text is, or null where it is none, or none that can be stored.';
--! EndIncluded app_private/functions/legacy_json.sql
--! Included app_private/functions/legacy_shown.sql
create or replace function app_private.legacy_shown(cell jsonb) returns jsonb
  language sql immutable parallel safe
  return case when length(cell::text) > 200 then to_jsonb(left(cell::text, 200) || '...') else cell end;
comment on function app_private.legacy_shown(jsonb) is 'A value in a list of problems.';
--! EndIncluded app_private/functions/legacy_shown.sql
--! Included app_private/functions/begin_legacy_work.sql
create or replace function app_private.begin_legacy_work() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set client_min_messages = warning
as $$
begin
  -- What every step reads again; taken as it is needed, and kept by the session. Refused where the session has had
  -- other temporary tables.
  perform set_config('temp_buffers', '256MB', true);
  create temporary table legacy_plan (
    table_name text not null,
    line_number integer not null,
    line text not null,
    legacy_id text,
    refs jsonb not null,
    content jsonb not null,
    data jsonb,
    secrets jsonb not null,
    problems jsonb not null,
    state text not null,
    target jsonb,
    previous jsonb
  ) partition by list (table_name) on commit drop;
  -- Records are many: whoever asks for rows of another table does not read them. Nothing points at a record.
  create temporary table legacy_plan_records partition of legacy_plan for values in ('pfa_records') on commit drop;
  create temporary table legacy_plan_others partition of legacy_plan default on commit drop;
  create index on legacy_plan_others (table_name, legacy_id);
  create temporary table legacy_match (
    line_number integer not null,
    key_order integer,
    key_name text not null,
    target jsonb not null,
    is_untouched boolean not null
  ) on commit drop;
end;
$$;
comment on function app_private.begin_legacy_work() is
  'Makes the temporary tables of a transaction: legacy_plan (each row as it was and converted, what is wrong with '
  'it, what is done with it), legacy_match (which rows here it agrees with). `refs` has the legacy ids of what it '
  'points at, `content` the columns here, `data` the keys of a record.';
--! EndIncluded app_private/functions/begin_legacy_work.sql
--! Included app_private/functions/legacy_record.sql
create or replace function app_private.legacy_record(target regclass, columns smallint[] default null) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select format('jsonb_to_record(p.content) t(%s)',
    string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum))
  from pg_attribute a
  where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and (legacy_record.columns is null or a.attnum = any (legacy_record.columns));
end;
comment on function app_private.legacy_record(regclass, smallint[]) is
  'In SQL: the content of a planned row p as a row t of the table, or of some of its columns.';
--! EndIncluded app_private/functions/legacy_record.sql
--! Included app_private/functions/legacy_target_key.sql
create or replace function app_private.legacy_target_key(target regclass, named text, line_number text default null)
  returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select format('jsonb_build_object(%s)', string_agg(
    case when a.attidentity <> '' and legacy_target_key.line_number is not null then format('%L, -%s', a.attname,
      legacy_target_key.line_number)
      else format('%L, %s.%I', a.attname, named, a.attname) end, ', ' order by a.attnum))
  from pg_index i
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[])
  where i.indrelid = target and i.indisprimary;
end;
comment on function app_private.legacy_target_key(regclass, text, text) is
  'In SQL: the primary key of a row as JSON. A key that the database will make is the line number below zero until '
  'then.';
--! EndIncluded app_private/functions/legacy_target_key.sql
--! Included app_private/functions/legacy_target_join.sql
create or replace function app_private.legacy_target_join(target regclass) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select string_agg(format('e.%I = (p.target->>%L)::%s', a.attname, a.attname, format_type(a.atttypid, a.atttypmod)),
    ' and ' order by a.attnum)
  from pg_index i
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[])
  where i.indrelid = target and i.indisprimary;
end;
comment on function app_private.legacy_target_join(regclass) is 'In SQL: e is the row here of a planned row p.';
--! EndIncluded app_private/functions/legacy_target_join.sql
--! Included app_private/functions/read_legacy_json.sql
create or replace function app_private.read_legacy_json(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_table_name constant text := read_legacy_json.table_name;
begin
  update pg_temp.legacy_plan p
  set content = p.content || r.content, problems = p.problems || r.problems
  from (
    select p.line_number, jsonb_object_agg(c.target, j.value) as content,
      coalesce(jsonb_agg(jsonb_build_object('column', c.name, 'value', app_private.legacy_shown(p.content -> c.target),
        'problem', 'is no JSON that can be kept')
        order by c.name) filter (where j.value is null), '[]') as problems
    from pg_temp.legacy_plan p
    join app_private.legacy_column c on c.table_name = p_table_name and c.kind = 'json'
    cross join lateral (select app_private.legacy_json(p.content ->> c.target) as value) j
    where p.table_name = p_table_name and jsonb_typeof(p.content -> c.target) = 'string'
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;
end;
$$;
comment on function app_private.read_legacy_json(text) is
  'Makes JSON of the texts that hold it, and says which are none.';
--! EndIncluded app_private/functions/read_legacy_json.sql
--! Included app_private/functions/match_legacy_table.sql
create or replace function app_private.match_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := match_legacy_table.table_name;
  natural_keys constant text[] := (select t.natural_keys from app_private.legacy_table t where t.name = p_table_name);
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  is_record constant boolean := p_table_name = 'pfa_records';
  record constant text := app_private.legacy_record(p_target);
  untouched constant text := (
    select case
      when bool_or(a.attname = 'is_simulated') then 'e.is_simulated or e.created_at = e.updated_at'
      when bool_or(a.attname = 'updated_at') then 'e.created_at = e.updated_at'
      else 'false' end
    from pg_attribute a where a.attrelid = p_target and not a.attisdropped);
  rules text;
  key record;
begin
  update pg_temp.legacy_plan p set content = p.content || t.constants
  from app_private.legacy_table t
  where t.name = p_table_name and t.constants <> '{}' and p.table_name = p_table_name;

  -- What the table here says of a row by itself. Of a record it says no more than the fields do.
  select string_agg(format('(%L, (%s))', c.conname, pg_get_expr(c.conbin, c.conrelid)), ', ') into rules
  from pg_constraint c where c.conrelid = p_target and c.contype = 'c';
  if rules is not null and not is_record then
    execute format($q$
      update pg_temp.legacy_plan p set problems = p.problems || b.problems
      from (
        select t.line_number,
          jsonb_agg(jsonb_build_object(
            'column', rule.name, 'value', null, 'problem', 'breaks the rule ' || rule.name)) as problems
        from (select p.line_number, t.* from pg_temp.legacy_plan p, %s where p.table_name = %L and p.problems = '[]') t
        cross join lateral (values %s) rule(name, holds)
        where not rule.holds
        group by t.line_number
      ) b
      where p.table_name = %L and p.line_number = b.line_number$q$,
      record, p_table_name, rules, p_table_name);
  end if;

  -- What it says of rows together: its unique indexes, but for keys that are only made here.
  truncate pg_temp.legacy_match;
  for key in
    select i.indexrelid, c.relname as name, array_position(natural_keys, c.relname::text) as key_order, k.*,
      case when i.indnullsnotdistinct then 'is not distinct from' else '=' end as agrees,
      case when is_record then app_private.legacy_record(p_target, i.indkey::smallint[]) else record end as record
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    cross join lateral (
      select string_agg(format('%s as k%s', pg_get_indexdef(i.indexrelid, n, false), n), ', ') as expressions,
        string_agg(format('k%s', n), ', ') as names, array_agg(format('k%s', n)) as each
      from generate_series(1, i.indnkeyatts) n
    ) k
    where i.indrelid = p_target and i.indisunique and i.indpred is null
      and not exists (select from pg_attribute a where a.attrelid = p_target and a.attnum = any (i.indkey::smallint[])
        and a.attidentity <> '')
    order by key_order, name
  loop
    execute format($q$
      update pg_temp.legacy_plan p
      set problems = p.problems || jsonb_build_object(
        'column', %1$L, 'value', app_private.legacy_shown(jsonb_build_array(%10$s)),
        'problem', 'is the same as that of ' || b.first_id)
      from (
        select t.line_number, first_value(coalesce(t.legacy_id, 'line ' || t.line_number)) over w as first_id,
          row_number() over w as place, %2$s
        from (
          select p.line_number, p.legacy_id, k.*
          from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
          where p.table_name = %5$L and p.problems = '[]'
        ) t
        where %6$s
        window w as (partition by %2$s order by t.line_number)
      ) b
      where b.place > 1 and p.table_name = %5$L and p.line_number = b.line_number$q$,
      key.name, key.names, key.expressions, key.record, p_table_name,
      case when key.agrees = '=' then (select string_agg(n || ' is not null', ' and ')
        from unnest(key.each) n) else 'true' end,
      null, null, null, (select string_agg('b.' || n, ', ') from unnest(key.each) n));
    execute format($q$
      insert into pg_temp.legacy_match (line_number, key_order, key_name, target, is_untouched)
      select t.line_number, %1$L, %2$L, e.target, e.is_untouched
      from (
        select p.line_number, k.* from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
        where p.table_name = %5$L and p.problems = '[]'
      ) t
      join (select %6$s as target, %7$s as is_untouched, %3$s from %8$s e) e on %9$s$q$,
      key.key_order, key.name, key.expressions, key.record, p_table_name,
      app_private.legacy_target_key(p_target, 'e'), untouched, p_target,
      (select string_agg(format('t.%s %s e.%s', n, key.agrees, n), ' and ') from unnest(key.each) n));
  end loop;
  analyze pg_temp.legacy_match;

  -- Another row than the one it is taken for, or one that it is not taken for, has something that only one may have.
  update pg_temp.legacy_plan p
  set problems = p.problems || b.problems
  from (
    select m.line_number,
      jsonb_agg(jsonb_build_object('column', m.key_name, 'value', m.target, 'problem',
      'is taken by another row that is here already')) as problems
    from pg_temp.legacy_match m
    left join (
      select distinct on (n.line_number) n.line_number, n.target from pg_temp.legacy_match n
        where n.key_order is not null order by n.line_number, n.key_order
    ) same on same.line_number = m.line_number
    where m.target is distinct from same.target
    group by m.line_number
  ) b
  where p.table_name = p_table_name and p.line_number = b.line_number;

  if is_record then
    update pg_temp.legacy_plan p set state = 'same' from pg_temp.legacy_match m
    where p.table_name = p_table_name and p.line_number = m.line_number and p.problems = '[]';
  else
    execute format($q$
      update pg_temp.legacy_plan p
      set target = s.target, state = s.state
      from (
        select p.line_number, coalesce(m.target, %1$s) as target,
          case when m.target is null then 'added' when m.is_untouched then 'merged' else 'same' end as state
        from pg_temp.legacy_plan p
        cross join lateral %2$s
        left join (
          select distinct on (m.line_number) m.* from pg_temp.legacy_match m
          where m.key_order is not null order by m.line_number, m.key_order
        ) m on m.line_number = p.line_number
        where p.table_name = %3$L and p.problems = '[]'
      ) s
      where p.table_name = %3$L and p.line_number = s.line_number$q$,
      app_private.legacy_target_key(p_target, 't', 'p.line_number'), record, p_table_name);
  end if;
  update pg_temp.legacy_plan p set state = 'quarantined' where p.table_name = p_table_name and p.problems <> '[]';
end;
$$;
comment on function app_private.match_legacy_table(text) is
  'Holds the converted rows of a table against the rules of its table here, against each other, and against the '
  'rows that are there already, and decides what is done with each. A row that is here stays as it is (same) '
  'unless nobody has touched it since it was made (merged).';
--! EndIncluded app_private/functions/match_legacy_table.sql
--! Included app_private/functions/write_legacy_table.sql
create or replace function app_private.write_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- Sorts hundreds of thousands of records, once.
  set work_mem = '256MB'
  set maintenance_work_mem = '256MB'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := write_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  has_legacy_id constant boolean := exists (select from pg_attribute a where a.attrelid = p_target
    and a.attname = 'legacy_id');
  parts record;
  indexes text[];
  definition text;
begin
  if p_table_name = 'pfa_records' then
    -- Where more comes than there is, indexes are made anew when all is in: half the time of an import. Until it ends,
    -- who reads records waits.
    if (select count(*) from pg_temp.legacy_plan p where p.table_name = p_table_name and p.state = 'added')
      > (select count(*) from (select from app_core.pfa_mirror limit 1000000) m) then
      select array_agg(pg_get_indexdef(i.indexrelid)), string_agg(format('drop index %s', i.indexrelid::regclass), '; ')
        into indexes, definition
      from pg_index i where i.indrelid = p_target and not i.indisprimary;
      execute definition;
    end if;
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select (o.target->>'id')::integer, p.content->>'pfa_id', p.data, (p.content->>'version')::timestamp,
      p.content->>'version_by',
      -- What PEMS says later is newer, whatever the clock of the prototype said.
      least((p.content->>'observed_at')::timestamptz, now())
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = p_table_name and p.state = 'added'
    order by 1, 2;
    foreach definition in array coalesce(indexes, '{}') loop
      execute definition;
    end loop;
    return;
  end if;

  -- Keys that were made meanwhile take the place of those that stood for them.
  update pg_temp.legacy_plan p
  set content = p.content || r.keys, target = case when p.target is null then null else p.target
    || coalesce(r.target_keys, '{}') end
  from (
    select p.line_number, jsonb_object_agg(k.key, o.target->'id') as keys,
      jsonb_object_agg(k.key, o.target->'id') filter (where p.target ? k.key) as target_keys
    from pg_temp.legacy_plan p
    cross join lateral jsonb_each_text(p.refs) k
    join app_private.legacy_column c on c.table_name = p_table_name and c.target = k.key
    join pg_temp.legacy_plan o on o.table_name = c.parent and o.table_name <> 'pfa_records' and o.legacy_id = k.value
    where p.table_name = p_table_name and p.state in ('added', 'merged')
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;

  -- Where ours must have a value and the prototype had none, it has our default.
  select
    string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
    string_agg(case when a.attnotnull and d.adbin is not null then format('coalesce(t.%I, %s)', a.attname,
      pg_get_expr(d.adbin, d.adrelid))
      else format('t.%I', a.attname) end, ', ' order by a.attnum) as inserted,
    string_agg(case when a.attnotnull then format('%I = coalesce(t.%I, e.%I)', a.attname, a.attname, a.attname)
      else format('%I = t.%I', a.attname, a.attname) end, ', ' order by a.attnum)
      -- A row that was here keeps its key, and says itself since when it is there.
      filter (where a.attname not in ('id', 'created_at', 'updated_at')) as updated
  into parts
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped
    and (exists (select from app_private.legacy_column c where c.table_name = p_table_name and c.target = a.attname
      and c.kind not in ('secret', 'password'))
      or exists (select from app_private.legacy_table t where t.name = p_table_name and t.constants ? a.attname));

  execute format($q$
    update pg_temp.legacy_plan p set previous = to_jsonb(e)
    from %1$s e
    where p.table_name = %2$L and p.state = 'merged' and %3$s$q$,
    p_target, p_table_name, app_private.legacy_target_join(p_target));
  execute format($q$
    insert into %1$s (%2$s)
    select %3$s from pg_temp.legacy_plan p cross join lateral %4$s
    where p.table_name = %5$L and p.state = 'added'
    order by p.line_number$q$,
    p_target, parts.columns, parts.inserted, record, p_table_name);
  if has_legacy_id then
    execute format($q$
      update pg_temp.legacy_plan p set target = %1$s
      from %2$s e
      where p.table_name = %3$L and p.state = 'added' and e.legacy_id = p.legacy_id$q$,
      app_private.legacy_target_key(p_target, 'e'), p_target, p_table_name);
  end if;
  execute format($q$
    update %1$s e set %2$s
    from pg_temp.legacy_plan p cross join lateral %3$s
    where p.table_name = %4$L and p.state = 'merged' and %5$s$q$,
    p_target, parts.updated, record, p_table_name, app_private.legacy_target_join(p_target));

  if p_table_name = 'users' then
    -- The old password goes on. One that was chosen here stays: whoever has an account and a password of its own keeps
    -- both.
    update pg_temp.legacy_plan p set previous = coalesce(p.previous, '{}')
      || jsonb_build_object('password', to_jsonb(w))
    from app_private.user_passwords w
    where p.table_name = 'users' and p.state in ('merged', 'same') and w.user_id = (p.target->>'id')::integer;
    insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
    select (p.target->>'id')::integer, p.secrets->>'password', false, now()
    from pg_temp.legacy_plan p
    where p.table_name = 'users' and p.state in ('added', 'merged', 'same')
    on conflict (user_id) do update
      set password_hash = excluded.password_hash, must_change = false, changed_at = excluded.changed_at
      where w.must_change;
  end if;
  if p_table_name in ('api_configurations', 'ai_providers') then
    -- Credentials of before belong to another server.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('credentials', c.credentials)
    from (
      select coalesce(c.api_configuration_id, c.ai_provider_id) as id, c.ai_provider_id is not null as is_provider,
        jsonb_agg(to_jsonb(c)) as credentials
      from app_private.credentials c group by 1, 2
    ) c
    where p.table_name = p_table_name and p.state = 'merged' and c.id = p.target->>'id'
      and c.is_provider = (p_table_name = 'ai_providers');
    delete from app_private.credentials c using pg_temp.legacy_plan p
    where p.table_name = p_table_name and p.state = 'merged'
      and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end;
  end if;
  if p_table_name = 'api_configurations' then
    -- The tenant of PEMS is a header there.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('tenant', s.tenant)
    from app_public.pems_settings s
    where p.table_name = 'api_configurations' and p.state = 'merged' and s.api_configuration_id = p.target->>'id';
    insert into app_public.pems_settings (api_configuration_id, tenant)
    select p.target->>'id', h.tenant
    from pg_temp.legacy_plan p
    cross join lateral (
      select min(h->>'value') as tenant from jsonb_array_elements(coalesce(p.content->'custom_headers', '[]')) h
        where lower(h->>'key') = 'tenant'
    ) h
    where p.table_name = 'api_configurations' and p.state in ('added', 'merged') and p.content->>'usage' like 'PEMS_%'
      and h.tenant is not null
    on conflict (api_configuration_id) do update set tenant = excluded.tenant;
  end if;
end;
$$;
comment on function app_private.write_legacy_table(text) is
  'Puts the planned rows of a table in: adds, or merges where nobody had touched the row here, keeping what it '
  'was. Passwords and tenants go with them. What is encrypted is not its business.';
--! EndIncluded app_private/functions/write_legacy_table.sql
--! Included app_private/functions/finish_legacy_import.sql
create or replace function app_private.finish_legacy_import(manifest jsonb, manifest_sha256 text) returns integer
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  result integer;
  reference constant text := (
    select pg_get_constraintdef(c.oid) from pg_constraint c where c.conrelid = 'app_private.legacy_row'::regclass
      and c.contype = 'f');
begin
  insert into app_private.legacy_import (manifest, manifest_sha256)
  values (finish_legacy_import.manifest, finish_legacy_import.manifest_sha256)
  returning id into result;
  -- All rows are of this import, which one look shows: checked row by row it takes longer than putting them in.
  alter table app_private.legacy_row drop constraint legacy_row_import_id_fkey;
  insert into app_private.legacy_row (import_id, table_name, line_number, line, legacy_id, state, target, previous,
    problems)
  select result, p.table_name, p.line_number, p.line, p.legacy_id, p.state, p.target, p.previous,
    nullif(p.problems, '[]')
  from pg_temp.legacy_plan p;
  execute 'alter table app_private.legacy_row add constraint legacy_row_import_id_fkey ' || reference;
  perform app_private.follow_legacy_records();
  return result;
end;
$$;
comment on function app_private.finish_legacy_import(jsonb, text) is
  'Keeps every line and what was done with it, and brings sums, bounds and the search up to date.';
--! EndIncluded app_private/functions/finish_legacy_import.sql
--! Included app_private/functions/follow_legacy_records.sql
create or replace function app_private.follow_legacy_records() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_temp.legacy_plan p where p.table_name = 'pfa_records' and p.state = 'added') then
    return;
  end if;
  -- In the same transaction: what was put in or taken out is in no list of changes that the sums would be corrected by.
  perform app_private.refresh_summaries();
  perform app_private.queue_refresh(o.id)
  from (
    select distinct (o.target->>'id')::integer as id
    from (select distinct p.refs->>'organization_id' as legacy_id from pg_temp.legacy_plan p
      where p.table_name = 'pfa_records' and p.state = 'added') r
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = r.legacy_id
  ) r
  -- It may have been taken out with them.
  join app_public.organizations o on o.id = r.id;
end;
$$;
comment on function app_private.follow_legacy_records() is
  'After records were put into the mirror, or taken out of it: brings sums and bounds up to date, and queues what '
  'follows.';
--! EndIncluded app_private/functions/follow_legacy_records.sql
--! Included app_private/functions/legacy_differences.sql
create or replace function app_private.legacy_differences(table_name text)
  returns table (line_number integer, legacy_id text, state text, column_name text, legacy_value jsonb,
    current_value jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := legacy_differences.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
begin
  if p_table_name = 'pfa_records' then
    return query
    select p.line_number, p.legacy_id, p.state, d.key, d.value->'from', d.value->'to'
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    left join app_core.pfa_mirror m on m.organization_id = (o.target->>'id')::integer
      and m.pfa_id = p.content->>'pfa_id' and m.removed_at is null
    cross join lateral jsonb_each(
      case when m.pfa_id is null then '{"": {"from": "there", "to": "gone"}}'
        else app_core.changed_keys(
          p.data || jsonb_build_object('lastModified', (p.content->>'version')::timestamp, 'lastModifiedBy',
            p.content->'version_by'),
          m.data || jsonb_build_object('lastModified', m.version, 'lastModifiedBy', m.version_by)) end) d
    where p.table_name = p_table_name and p.state in ('added', 'same')
      -- Few are, and what differs is only asked of those.
      and (m.pfa_id is null or m.data <> p.data
        or (m.version, m.version_by) is distinct from ((p.content->>'version')::timestamp, p.content->>'version_by'));
    return;
  end if;
  return query execute format($q$
    select p.line_number, p.legacy_id, p.state, k.key, k.value, k.current
    from pg_temp.legacy_plan p
    cross join lateral %1$s
    left join %2$s e on %3$s
    cross join lateral (
      select '' as key, '"there"'::jsonb as value, '"gone"'::jsonb as current where e is null
      union all
      select k.key, k.value, to_jsonb(e) -> k.key
      from jsonb_each(to_jsonb(t)) k
      join app_private.legacy_column c on c.table_name = %4$L and c.target = k.key
      join pg_attribute a on a.attrelid = %2$L::regclass and a.attname = k.key
      where not (e is null) and k.value is distinct from to_jsonb(e) -> k.key
        and not (k.value = 'null' and a.attnotnull)
        and not (p.state <> 'added' and k.key in ('id', 'created_at', 'updated_at'))
    ) k
    where p.table_name = %4$L and p.state in ('added', 'merged', 'same')$q$,
    app_private.legacy_record(p_target), p_target, app_private.legacy_target_join(p_target), p_table_name);
end;
$$;
comment on function app_private.legacy_differences(text) is
  'Each value of the rows of a table that is not (any more) what the legacy value becomes by its conversion. A row '
  'that is gone has one, with an empty column.';
--! EndIncluded app_private/functions/legacy_differences.sql
--! Included app_private/functions/roll_back_legacy_table.sql
create or replace function app_private.roll_back_legacy_table(table_name text)
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := roll_back_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  key constant text := app_private.legacy_target_join(p_target);
  blocked text;
  restored text;
begin
  alter table pg_temp.legacy_plan add column if not exists reason text;
  update pg_temp.legacy_plan p set reason = d.reason
  from (
    select d.line_number, case when bool_or(d.column_name = '') then 'it is gone'
      else 'changed since: ' || string_agg(d.column_name, ', ' order by d.column_name) end as reason
    from app_private.legacy_differences(p_table_name) d
    where not exists (
      select from app_private.legacy_column c where c.table_name = p_table_name and c.target = d.column_name
        and c.is_kept_by_system)
    group by d.line_number
  ) d
  where p.table_name = p_table_name and p.line_number = d.line_number;

  if p_table_name = 'pfa_records' then
    update pg_temp.legacy_plan p set reason = 'somebody has changed it here'
    from pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and exists (
        select from app_core.pfa_modification d
        where d.organization_id = (o.target->>'id')::integer and d.pfa_id = p.content->>'pfa_id');
    delete from app_core.pfa_mirror m
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id';
  else
    if p_table_name in ('api_configurations', 'ai_providers') then
      -- Those that came with the import are of its moment.
      update pg_temp.legacy_plan p set reason = 'its credentials were changed since'
      from app_private.credentials c, app_private.legacy_import i
      where p.table_name = p_table_name and p.state in ('added', 'merged') and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end
        and i.rolled_back_at is null and c.updated_at > i.imported_at;
    end if;
    -- Nothing goes that something else hangs on, but for what the product itself notes beside.
    select string_agg(format('select %L as by from %s c where %s', f.conrelid::regclass, f.conrelid::regclass,
      k.agrees), ' union all ')
    into blocked
    from pg_constraint f
    cross join lateral (
      select string_agg(format('c.%I = e.%I', a.attname, b.attname), ' and ') as agrees
      from unnest(f.conkey, f.confkey) u(child, parent)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.child
      join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.parent
    ) k
    where f.contype = 'f' and f.confrelid = p_target and f.confdeltype <> 'n'
      and f.conrelid::regclass::text not in (
        'app_private.user_passwords', 'app_private.sessions', 'app_private.credentials', 'app_public.pems_settings',
        'app_private.pems_state',
        'app_public.pfa_sync_log', 'app_public.pfa_drift_check', 'app_core.pfa_event', 'app_core.pfa_event_forgotten',
        'app_private.pfa_kpi_change', 'app_private.pfa_search_stale', 'app_private.pfa_search_values');
    if blocked is not null then
      execute format($q$
        update pg_temp.legacy_plan p set reason = 'still used by ' || b.tables
        from (
          select p.line_number, (select string_agg(distinct x.by, ', ') from (%1$s) x) as tables
          from pg_temp.legacy_plan p join %2$s e on %3$s
          where p.table_name = %4$L and p.state = 'added' and p.reason is null
        ) b
        where p.table_name = %4$L and p.line_number = b.line_number and b.tables is not null$q$,
        blocked, p_target, key, p_table_name);
    end if;
    if p_table_name = 'users' then
      update pg_temp.legacy_plan p set reason = 'the password was changed since'
      from app_private.user_passwords w, app_private.legacy_import i
      where p.table_name = 'users' and p.state = 'added' and p.reason is null and w.user_id = (p.target->>'id')::integer
        and i.rolled_back_at is null and w.changed_at > i.imported_at;
      -- Of accounts that were here: the password that the import replaced comes back, unless it was changed since.
      insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
      select (o->>'user_id')::integer, o->>'password_hash', (o->>'must_change')::boolean,
        (o->>'changed_at')::timestamptz
      from (select p.previous->'password' as o from pg_temp.legacy_plan p where p.table_name = 'users'
        and p.previous ? 'password') p
      on conflict (user_id) do update
        set password_hash = excluded.password_hash, must_change = excluded.must_change, changed_at = excluded.changed_at
        where w.changed_at = (select i.imported_at from app_private.legacy_import i where i.rolled_back_at is null);
    end if;
    execute format($q$
      delete from %1$s e using pg_temp.legacy_plan p
      where p.table_name = %2$L and p.state = 'added' and p.reason is null and %3$s$q$,
      p_target, p_table_name, key);

    select string_agg(format('%I = o.%I', a.attname, a.attname), ', ' order by a.attnum) into restored
    from pg_attribute a
    where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '';
    -- Also when it was last changed, which says whether the next import may merge it.
    execute format('alter table %s disable trigger _100_touch', p_target);
    execute format($q$
      update %1$s e set %2$s
      from pg_temp.legacy_plan p cross join lateral %3$s
      where p.table_name = %4$L and p.state = 'merged' and p.reason is null and %5$s$q$,
      p_target, restored, replace(replace(record, 'p.content', 'p.previous'), ' t(', ' o('), p_table_name, key);
    execute format('alter table %s enable trigger _100_touch', p_target);
    if p_table_name in ('api_configurations', 'ai_providers') then
      delete from app_private.credentials c using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end;
      insert into app_private.credentials (api_configuration_id, ai_provider_id, name, key_id, nonce, ciphertext)
      select c.api_configuration_id, c.ai_provider_id, c.name, c.key_id, c.nonce, c.ciphertext
      from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_recordset(null::app_private.credentials, p.previous->'credentials') c
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'credentials';
    end if;
    if p_table_name = 'api_configurations' then
      update app_public.pems_settings s set tenant = p.previous->>'tenant'
      from pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'tenant'
        and s.api_configuration_id = p.target->>'id';
      delete from app_public.pems_settings s
      using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and not p.previous ? 'tenant'
        and s.api_configuration_id = p.target->>'id';
    end if;
  end if;
  return query
  select p.state, p.legacy_id, p.line_number,
    case when p.reason is null then case p.state when 'added' then 'removed' else 'restored' end else 'stays' end,
    p.reason
  from pg_temp.legacy_plan p
  where p.table_name = p_table_name and p.state in ('added', 'merged');
end;
$$;
comment on function app_private.roll_back_legacy_table(text) is
  'Tables in reverse order: takes out what the import added to a table and restores what it merged, where nobody '
  'changed it since and nothing else hangs on it. Says of each row what became of it and why.';
--! EndIncluded app_private/functions/roll_back_legacy_table.sql
--! Included app_private/functions/finish_legacy_roll_back.sql
create or replace function app_private.finish_legacy_roll_back(import_id integer) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  update app_private.legacy_import i set rolled_back_at = now() where i.id = finish_legacy_roll_back.import_id;
  delete from app_private.legacy_row r where r.import_id = finish_legacy_roll_back.import_id;
  perform app_private.follow_legacy_records();
end;
$$;
comment on function app_private.finish_legacy_roll_back(integer) is
  'Notes that an import was taken back, and lets go of the rows that it kept: the export has them.';
--! EndIncluded app_private/functions/finish_legacy_roll_back.sql

--! Included app_private/functions/legacy_keys.sql
create or replace function app_private.legacy_keys(table_name text)
  returns table (legacy_id text, key jsonb, has_problems boolean)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select p.legacy_id, p.target->'id', p.problems <> '[]' from pg_temp.legacy_plan p
  where p.table_name = legacy_keys.table_name and p.legacy_id is not null;
end;
$$;
comment on function app_private.legacy_keys(text) is
  'What the legacy ids of a planned table stand for here, for those that point at it.';
--! EndIncluded app_private/functions/legacy_keys.sql
--! Included app_private/functions/legacy_problems.sql
create or replace function app_private.legacy_problems()
  returns table (table_name text, line_number integer, legacy_id text, column_name text, value jsonb, problem text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select p.table_name, p.line_number, p.legacy_id, x->>'column', x->'value', x->>'problem'
  from pg_temp.legacy_plan p
  join app_private.legacy_table t on t.name = p.table_name
  cross join lateral jsonb_array_elements(p.problems) x
  where p.problems <> '[]'
  order by t.position, p.line_number;
end;
$$;
comment on function app_private.legacy_problems() is 'Everything that keeps a planned row from moving in.';
--! EndIncluded app_private/functions/legacy_problems.sql
--! Included app_private/functions/legacy_outcomes.sql
create or replace function app_private.legacy_outcomes()
  returns table (table_name text, target text, added integer, merged integer, same integer, quarantined integer,
    kept integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select p.table_name, t.target,
    count(*) filter (where p.state = 'added')::integer, count(*) filter (where p.state = 'merged')::integer,
    count(*) filter (where p.state = 'same')::integer, count(*) filter (where p.state = 'quarantined')::integer,
    count(*) filter (where p.state = 'kept')::integer
  from pg_temp.legacy_plan p
  left join app_private.legacy_table t on t.name = p.table_name
  group by p.table_name, t.target, t.position
  order by t.position nulls last, p.table_name;
end;
$$;
comment on function app_private.legacy_outcomes() is
  'What is done with the rows of each table that has any: how many are added, merged, the same, quarantined, and '
  'kept in legacy_row alone.';
--! EndIncluded app_private/functions/legacy_outcomes.sql
--! Included app_private/functions/legacy_secrets.sql
create or replace function app_private.legacy_secrets()
  returns table (table_name text, id text, name text, secret text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select p.table_name, p.target->>'id', s.key, s.value
  from pg_temp.legacy_plan p
  cross join lateral jsonb_each_text(p.secrets) s
  where p.table_name in ('api_configurations', 'ai_providers') and p.state in ('added', 'merged')
  order by 1, 2, 3;
end;
$$;
comment on function app_private.legacy_secrets() is
  'The credentials of rows that are put in, as the prototype had encrypted them.';
--! EndIncluded app_private/functions/legacy_secrets.sql
