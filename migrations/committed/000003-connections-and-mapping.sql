--! Previous: sha1:e5c40190acc40a1a58e0376f359e4c5aa69b025b
--! Hash: sha1:8c59132babbca37316d37b28b3a9b35388e92e19
--! Message: connections and mapping

--! split: 1-current.sql
-- Connections and mapping: where data comes from, the credentials for it, the fields of a record, and their names in
-- PEMS.
--
-- The tables api_configurations, data_source_mappings, field_configurations, ai_providers and organization_ai_configs
-- have their names from the legacy database. A row belongs to one organization. If organization_id is null, the row
-- belongs to all organizations.

--! Included app_core/functions/may_configure.sql
create or replace function app_core.may_configure(organization_id integer) returns boolean
  language sql stable parallel safe
  return app_core.is_administrator() or coalesce(organization_id = any (app_core.administered_organization_ids()),
    false);
comment on function app_core.may_configure(integer) is
  'Whether the signed-in user may see connections of this organization; those for all (null) are for '
  'administrators.';
grant execute on function app_core.may_configure(integer) to vanguard_visitor;
--! EndIncluded app_core/functions/may_configure.sql

create table app_public.api_configurations (
  id text primary key default gen_random_uuid()::text check (length(id) between 1 and 100),
  organization_id integer references app_public.organizations on delete cascade,
  name text not null check (length(name) between 1 and 200),
  usage text not null check (usage in ('PEMS_PFA_READ', 'PEMS_PFA_WRITE', 'PEMS_ASSETS', 'PEMS_CLASSES',
    'PEMS_ORGANIZATIONS', 'AI_GEMINI', 'AI_OPENAI', 'AI_ANTHROPIC', 'AI_AZURE_OPENAI') or usage ~ '^AI_[A-Z0-9_]+$'),
  url text check (url ~ '^https?://'),
  auth_type text not null default 'none' check (auth_type in ('none', 'basic', 'bearer', 'apiKey')),
  custom_headers jsonb not null default '[]' check (jsonb_typeof(custom_headers) = 'array'),
  operation_type text not null default 'read' check (operation_type in ('read', 'write', 'read-write')),
  feeds jsonb not null default '[]' check (jsonb_typeof(feeds) = 'array'),
  is_simulated boolean not null default false,
  first_sync_at timestamptz,
  last_sync_at timestamptz,
  last_sync_record_count integer check (last_sync_record_count >= 0),
  total_sync_record_count bigint check (total_sync_record_count >= 0),
  status text not null default 'untested' check (status in ('connected', 'error', 'untested')),
  last_checked timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.api_configurations is
  E'@behavior +query:resource:connection\nA connection to the outside: PEMS, or an AI provider. Its credentials '
  'are elsewhere, encrypted.';
comment on column app_public.api_configurations.id is 'Our key: a uuid, or a slug such as `pems-global-pfa-read`.';
comment on column app_public.api_configurations.organization_id is
  'Whose connection; null: for every organization that has none of its own.';
comment on column app_public.api_configurations.name is 'What people call it.';
comment on column app_public.api_configurations.usage is 'What it is for.';
comment on column app_public.api_configurations.url is
  'Base address, for PEMS `https://HOST/axis/restservices`; null until it is known.';
comment on column app_public.api_configurations.auth_type is 'How it authenticates.';
comment on column app_public.api_configurations.custom_headers is
  'Headers to send along: `[{"key": "...", "value": "..."}]`. Not for secrets.';
comment on column app_public.api_configurations.operation_type is 'Whether it reads, writes, or both.';
comment on column app_public.api_configurations.feeds is 'What it feeds, as the legacy application noted it.';
comment on column app_public.api_configurations.is_simulated is
  'Answered by the simulator that `vanguard start` brings along; `vanguard connection create` replaces it.';
comment on column app_public.api_configurations.first_sync_at is 'When a sync first succeeded over it.';
comment on column app_public.api_configurations.last_sync_at is 'When a sync last succeeded over it.';
comment on column app_public.api_configurations.last_sync_record_count is 'How many records that sync read.';
comment on column app_public.api_configurations.total_sync_record_count is 'How many records all syncs read.';
comment on column app_public.api_configurations.status is 'How the last attempt ended.';
comment on column app_public.api_configurations.last_checked is 'When it was last tried.';
comment on column app_public.api_configurations.last_error is 'What was wrong the last time, in a sentence.';
comment on column app_public.api_configurations.created_at is 'When it was added.';
comment on column app_public.api_configurations.updated_at is 'When it was last changed.';
create index api_configurations_organization_id_idx on app_public.api_configurations (organization_id, usage);
comment on index app_public.api_configurations_organization_id_idx is
  'The connections of an organization (app_private.pems_connection).';
call app_private.enable_rls('app_public.api_configurations');
create policy visitor_select on app_public.api_configurations for select to vanguard_visitor
  using (app_core.may_configure(organization_id));
grant select on app_public.api_configurations to vanguard_visitor, vanguard_worker;

--! Included app_public/triggers/api_configurations._100_touch.sql
create or replace trigger _100_touch before update on app_public.api_configurations
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/api_configurations._100_touch.sql

create table app_public.pems_settings (
  api_configuration_id text primary key references app_public.api_configurations on delete cascade,
  tenant text not null check (length(tenant) between 1 and 100),
  grid_name text not null default 'CUPFAG',
  grid_id text not null default '100541',
  screen_name text not null default 'CUPFA2',
  request_type text not null default 'LIST.DATA_ONLY.STORED' check (request_type in ('LIST.DATA_ONLY.STORED',
    'LIST.HEAD_DATA.STORED')),
  page_size integer not null default 10000 check (page_size between 1 and 10000),
  date_order text not null default 'MDY' check (date_order in ('MDY', 'DMY')),
  year_format text not null default 'milliseconds' check (year_format in ('milliseconds', 'plain')),
  requests_per_second integer not null default 10 check (requests_per_second between 1 and 1000),
  timeout_ms integer not null default 120000 check (timeout_ms between 100 and 900000),
  filter_date_format text not null default 'DD-MON-YYYY'
    check (filter_date_format in ('DD-MON-YYYY', 'YYYY-MM-DD', 'MM/DD/YYYY', 'DD/MM/YYYY'))
);
comment on table app_public.pems_settings is
  E'@behavior -query:resource:single\nWhat is particular to a PEMS connection (domain.md, section 2).';
comment on column app_public.pems_settings.api_configuration_id is 'The connection.';
comment on column app_public.pems_settings.tenant is 'Sent as the header `tenant`.';
comment on column app_public.pems_settings.grid_name is 'GRID_NAME of the list of records.';
comment on column app_public.pems_settings.grid_id is 'GRID_ID of the list of records.';
comment on column app_public.pems_settings.screen_name is 'User-defined screen that reads and writes one record.';
comment on column app_public.pems_settings.request_type is 'Which of the two shapes the grid answers in.';
comment on column app_public.pems_settings.page_size is 'Rows a page; PEMS gives at most 10,000.';
comment on column app_public.pems_settings.date_order is
  'How this tenant writes `04/02/2026`: month first (MDY) or day first (DMY).';
comment on column app_public.pems_settings.year_format is
  'How this tenant writes YEAR of a date: milliseconds since 1970 of 1 January, or the plain year.';
comment on column app_public.pems_settings.requests_per_second is 'The rate that this tenant allows.';
comment on column app_public.pems_settings.timeout_ms is 'How long to wait for one answer, in milliseconds.';
comment on column app_public.pems_settings.filter_date_format is
  'How this tenant wants the date in a filter, which incremental runs ask by.';
call app_private.enable_rls('app_public.pems_settings');
create policy visitor_select on app_public.pems_settings for select to vanguard_visitor
  using (app_core.is_administrator());
grant select on app_public.pems_settings to vanguard_visitor, vanguard_worker;

create table app_public.ai_providers (
  id text primary key default gen_random_uuid()::text check (length(id) between 1 and 100),
  type text not null check (type in ('gemini', 'openai', 'anthropic', 'azure-openai')),
  name text not null check (length(name) between 1 and 200),
  enabled boolean not null default false,
  api_endpoint text check (api_endpoint ~ '^https?://'),
  default_model text,
  available_models jsonb not null default '[]' check (jsonb_typeof(available_models) = 'array'),
  pricing_input numeric check (pricing_input >= 0),
  pricing_output numeric check (pricing_output >= 0),
  pricing_cached numeric check (pricing_cached >= 0),
  max_tokens_per_request integer check (max_tokens_per_request > 0),
  max_requests_per_minute integer check (max_requests_per_minute > 0),
  retry_attempts integer not null default 3 check (retry_attempts between 0 and 10),
  retry_delay_ms integer not null default 1000 check (retry_delay_ms between 0 and 600000),
  timeout_ms integer not null default 30000 check (timeout_ms between 100 and 900000),
  status text not null default 'untested',
  last_health_check timestamptz,
  error_rate numeric check (error_rate between 0 and 1),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.ai_providers is
  E'@behavior +query:resource:connection\nA provider of language models. Its key is elsewhere, encrypted.';
comment on column app_public.ai_providers.id is 'Our key: a uuid, or a slug such as `gemini-default`.';
comment on column app_public.ai_providers.type is 'Which protocol it speaks.';
comment on column app_public.ai_providers.name is 'What people call it.';
comment on column app_public.ai_providers.enabled is 'Whether the assistant may use it.';
comment on column app_public.ai_providers.api_endpoint is 'Its address, where it is not the usual one of its type.';
comment on column app_public.ai_providers.default_model is 'The model to use where nothing else is said.';
comment on column app_public.ai_providers.available_models is 'Names of its models.';
comment on column app_public.ai_providers.pricing_input is 'USD per million tokens read.';
comment on column app_public.ai_providers.pricing_output is 'USD per million tokens written.';
comment on column app_public.ai_providers.pricing_cached is 'USD per million tokens read from its cache.';
comment on column app_public.ai_providers.max_tokens_per_request is 'The most tokens in one request.';
comment on column app_public.ai_providers.max_requests_per_minute is 'The most requests in a minute.';
comment on column app_public.ai_providers.retry_attempts is 'How often a failed request is repeated.';
comment on column app_public.ai_providers.retry_delay_ms is 'How long to wait before that, in milliseconds.';
comment on column app_public.ai_providers.timeout_ms is 'How long to wait for an answer, in milliseconds.';
comment on column app_public.ai_providers.status is 'How the last check ended.';
comment on column app_public.ai_providers.last_health_check is 'When it was last checked.';
comment on column app_public.ai_providers.error_rate is 'Share of requests that failed lately, 0 to 1.';
comment on column app_public.ai_providers.created_at is 'When it was added.';
comment on column app_public.ai_providers.updated_at is 'When it was last changed.';
call app_private.enable_rls('app_public.ai_providers');
create policy visitor_select on app_public.ai_providers for select to vanguard_visitor
  using (app_core.is_administrator());
grant select on app_public.ai_providers to vanguard_visitor;

--! Included app_public/triggers/ai_providers._100_touch.sql
create or replace trigger _100_touch before update on app_public.ai_providers
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/ai_providers._100_touch.sql

create table app_public.organization_ai_configs (
  organization_id integer primary key references app_public.organizations on delete cascade,
  legacy_id text unique,
  enabled boolean not null default false,
  access_level text not null default 'read-only' check (access_level in ('full-access', 'read-only', 'disabled')),
  primary_provider_id text references app_public.ai_providers on delete set null,
  fallback_provider_ids jsonb not null default '[]' check (jsonb_typeof(fallback_provider_ids) = 'array'),
  routing_rules jsonb not null default '{}',
  daily_limit_usd numeric check (daily_limit_usd >= 0),
  monthly_limit_usd numeric check (monthly_limit_usd >= 0),
  alert_threshold_percent integer not null default 80 check (alert_threshold_percent between 1 and 100),
  max_context_records integer check (max_context_records >= 0),
  include_historical_data boolean not null default false,
  enable_semantic_cache boolean not null default true,
  cache_expiration_hours integer not null default 24 check (cache_expiration_hours > 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.organization_ai_configs is
  E'@name aiConfig\nWhat the assistant may do in an organization, and what it may cost.';
comment on column app_public.organization_ai_configs.organization_id is 'The organization.';
comment on column app_public.organization_ai_configs.legacy_id is
  E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.organization_ai_configs.enabled is 'Whether the assistant answers here.';
comment on column app_public.organization_ai_configs.access_level is 'How far it may go.';
comment on column app_public.organization_ai_configs.primary_provider_id is 'The provider asked first.';
comment on column app_public.organization_ai_configs.fallback_provider_ids is 'Providers asked next, in order.';
comment on column app_public.organization_ai_configs.routing_rules is 'Which questions go to which provider.';
comment on column app_public.organization_ai_configs.daily_limit_usd is 'The most it may cost a day, in USD.';
comment on column app_public.organization_ai_configs.monthly_limit_usd is 'The most it may cost a month, in USD.';
comment on column app_public.organization_ai_configs.alert_threshold_percent is
  'From what share of a limit on admins are told.';
comment on column app_public.organization_ai_configs.max_context_records is 'The most records in one question.';
comment on column app_public.organization_ai_configs.include_historical_data is 'Whether it may look at history.';
comment on column app_public.organization_ai_configs.enable_semantic_cache is
  'Whether like questions may share an answer.';
comment on column app_public.organization_ai_configs.cache_expiration_hours is 'For how many hours.';
comment on column app_public.organization_ai_configs.created_at is 'When it was added.';
comment on column app_public.organization_ai_configs.updated_at is 'When it was last changed.';
comment on constraint organization_ai_configs_legacy_id_key on app_public.organization_ai_configs is
  '@behavior -single';
create index organization_ai_configs_primary_provider_id_idx
  on app_public.organization_ai_configs (primary_provider_id);
comment on index app_public.organization_ai_configs_primary_provider_id_idx is 'On delete of a provider.';
call app_private.enable_rls('app_public.organization_ai_configs');
create policy visitor_select on app_public.organization_ai_configs for select to vanguard_visitor
  using (organization_id = any (app_core.administered_organization_ids()));
grant select on app_public.organization_ai_configs to vanguard_visitor;

--! Included app_public/triggers/organization_ai_configs._100_touch.sql
create or replace trigger _100_touch before update on app_public.organization_ai_configs
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/organization_ai_configs._100_touch.sql

create table app_private.credentials (
  id bigint primary key generated always as identity,
  api_configuration_id text references app_public.api_configurations on delete cascade,
  ai_provider_id text references app_public.ai_providers on delete cascade,
  name text not null check (name in ('authKey', 'authValue', 'apiKey')),
  key_id text not null,
  nonce bytea not null check (length(nonce) = 12),
  ciphertext bytea not null check (length(ciphertext) >= 16),
  updated_at timestamptz not null default now(),
  check (num_nonnulls(api_configuration_id, ai_provider_id) = 1)
);
comment on table app_private.credentials is
  'Secrets of connections and providers: AES-256-GCM under a key that the database never sees.';
comment on column app_private.credentials.id is 'Our key.';
comment on column app_private.credentials.api_configuration_id is 'The connection it opens, or null.';
comment on column app_private.credentials.ai_provider_id is 'The provider it opens, or null.';
comment on column app_private.credentials.name is
  '`authKey` (user name, or header name), `authValue` (password, token or key), `apiKey`.';
comment on column app_private.credentials.key_id is 'Which key of VANGUARD_ENCRYPTION_KEYS it is encrypted under.';
comment on column app_private.credentials.nonce is 'Random, 96 bits.';
comment on column app_private.credentials.ciphertext is
  'The secret, tag appended; bound to its owner and name, so that it cannot be moved to another row.';
comment on column app_private.credentials.updated_at is 'When it was last set.';
create unique index credentials_api_configuration_id_key on app_private.credentials (api_configuration_id, name);
comment on index app_private.credentials_api_configuration_id_key is 'The credentials of a connection.';
create unique index credentials_ai_provider_id_key on app_private.credentials (ai_provider_id, name);
comment on index app_private.credentials_ai_provider_id_key is 'The key of a provider.';
call app_private.enable_rls('app_private.credentials');
grant select on app_private.credentials to vanguard_worker;

--! Included app_private/triggers/credentials._100_touch.sql
create or replace trigger _100_touch before update on app_private.credentials
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_private/triggers/credentials._100_touch.sql

create table app_public.data_source_mappings (
  id text primary key default gen_random_uuid()::text check (length(id) between 1 and 100),
  entity_type text not null check (entity_type in ('pfa', 'organizations', 'asset_master', 'classifications')),
  organization_id integer references app_public.organizations on delete cascade,
  api_configuration_id text not null references app_public.api_configurations on delete cascade,
  priority integer not null default 1 check (priority between 1 and 100),
  is_active boolean not null default true,
  last_used_at timestamptz,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  success_count integer not null default 0 check (success_count >= 0),
  failure_count integer not null default 0 check (failure_count >= 0),
  avg_response_time numeric check (avg_response_time >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (organization_id, entity_type, api_configuration_id)
);
comment on table app_public.data_source_mappings is
  E'@behavior +query:resource:connection\nWhich connection feeds what: an organization''s own first, then those '
  'for all, by priority.';
comment on column app_public.data_source_mappings.id is 'Our key.';
comment on column app_public.data_source_mappings.entity_type is
  'What is fed: records (`pfa`), organizations, assets, or classes and categories.';
comment on column app_public.data_source_mappings.organization_id is
  'For which organization; null: for every one that has none of its own.';
comment on column app_public.data_source_mappings.api_configuration_id is 'The connection.';
comment on column app_public.data_source_mappings.priority is '1 is asked first.';
comment on column app_public.data_source_mappings.is_active is 'Whether it is used.';
comment on column app_public.data_source_mappings.last_used_at is 'When it was last asked.';
comment on column app_public.data_source_mappings.last_success_at is 'When it last answered.';
comment on column app_public.data_source_mappings.last_failure_at is 'When it last failed.';
comment on column app_public.data_source_mappings.success_count is 'How often it answered.';
comment on column app_public.data_source_mappings.failure_count is 'How often it failed.';
comment on column app_public.data_source_mappings.avg_response_time is 'Mean time to an answer, in milliseconds.';
comment on column app_public.data_source_mappings.created_at is 'When it was added.';
comment on column app_public.data_source_mappings.updated_at is 'When it was last changed.';
comment on constraint data_source_mappings_organization_id_entity_type_api_config_key
  on app_public.data_source_mappings is
  '@behavior -single';
create index data_source_mappings_api_configuration_id_idx on app_public.data_source_mappings (api_configuration_id);
comment on index app_public.data_source_mappings_api_configuration_id_idx is 'On delete of a connection.';
call app_private.enable_rls('app_public.data_source_mappings');
create policy visitor_select on app_public.data_source_mappings for select to vanguard_visitor
  using (app_core.may_configure(organization_id));
grant select on app_public.data_source_mappings to vanguard_visitor, vanguard_worker;

--! Included app_public/triggers/data_source_mappings._100_touch.sql
create or replace trigger _100_touch before update on app_public.data_source_mappings
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/data_source_mappings._100_touch.sql

create table app_public.field_configurations (
  id text primary key default gen_random_uuid()::text check (length(id) between 1 and 100),
  organization_id integer references app_public.organizations on delete cascade,
  name text not null check (length(name) between 1 and 200),
  description text,
  is_default boolean not null default false,
  field_mappings jsonb not null default '[]',
  include_headers boolean not null default true,
  date_format text not null default 'YYYY-MM-DD',
  delimiter text not null default ',' check (length(delimiter) between 1 and 5),
  encoding text not null default 'utf-8',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.field_configurations is
  E'@behavior +query:resource:connection\nLayouts of files that people export and import.';
comment on column app_public.field_configurations.id is 'Our key.';
comment on column app_public.field_configurations.organization_id is 'Whose layout; null: everybody''s.';
comment on column app_public.field_configurations.name is 'What people call it.';
comment on column app_public.field_configurations.description is 'A sentence about it.';
comment on column app_public.field_configurations.is_default is 'Whether it is offered first.';
comment on column app_public.field_configurations.field_mappings is 'Which key goes into which column.';
comment on column app_public.field_configurations.include_headers is 'Whether the first line names the columns.';
comment on column app_public.field_configurations.date_format is 'How dates are written.';
comment on column app_public.field_configurations.delimiter is 'What separates columns.';
comment on column app_public.field_configurations.encoding is 'Character encoding of the file.';
comment on column app_public.field_configurations.created_at is 'When it was added.';
comment on column app_public.field_configurations.updated_at is 'When it was last changed.';
create index field_configurations_organization_id_idx on app_public.field_configurations (organization_id, name);
comment on index app_public.field_configurations_organization_id_idx is 'The export layouts of an organization.';
call app_private.enable_rls('app_public.field_configurations');
create policy visitor_select on app_public.field_configurations for select to vanguard_visitor
  using (organization_id is null or organization_id = any (app_core.current_organization_ids()));
grant select on app_public.field_configurations to vanguard_visitor;

--! Included app_public/triggers/field_configurations._100_touch.sql
create or replace trigger _100_touch before update on app_public.field_configurations
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/field_configurations._100_touch.sql

create table app_public.pfa_fields (
  key text primary key check (key ~ '^[a-z][A-Za-z]*$'),
  position smallint not null unique,
  kind text not null check (kind in ('identity', 'text', 'date', 'money', 'flag', 'version')),
  is_editable boolean not null default false,
  editable_when_actualized boolean not null default false,
  allowed_values text[],
  max_length integer check (max_length between 1 and 2000),
  max_amount numeric check (max_amount > 0),
  description text not null,
  check ((kind in ('identity', 'text', 'version')) = (max_length is not null)),
  check ((kind = 'money') = (max_amount is not null)),
  check (allowed_values is null or kind = 'text'),
  check (is_editable or not editable_when_actualized)
);
comment on table app_public.pfa_fields is
  E'@behavior +query:resource:connection\nThe keys of a record that the product knows, who may edit them, and what '
  'they may hold.';
comment on column app_public.pfa_fields.key is 'The key in `data`.';
comment on column app_public.pfa_fields.position is 'Where it is shown, from 1.';
comment on column app_public.pfa_fields.kind is
  '`text`; `date` (ISO 8601, no time); `money` (USD, never negative); `flag`; `identity` and `version` are PEMS''s '
  'own.';
comment on column app_public.pfa_fields.is_editable is 'Whether a draft may hold it.';
comment on column app_public.pfa_fields.editable_when_actualized is
  'It may be edited only once the record is actualized.';
comment on column app_public.pfa_fields.allowed_values is 'Where only these may be chosen.';
comment on column app_public.pfa_fields.max_length is 'Of text, in characters.';
comment on column app_public.pfa_fields.max_amount is
  'Amounts are smaller, in USD: what is charged for millennia still fits into whole cents of 64 bits.';
comment on column app_public.pfa_fields.description is 'What it means.';
comment on constraint pfa_fields_position_key on app_public.pfa_fields is '@behavior -single';
call app_private.enable_rls('app_public.pfa_fields');
create policy visitor_select on app_public.pfa_fields for select to vanguard_visitor using (true);
grant select on app_public.pfa_fields to vanguard_visitor, vanguard_worker;
insert into app_public.pfa_fields (position, key, kind, is_editable, editable_when_actualized, allowed_values,
  max_length, max_amount, description) values
  (1, 'pfaId', 'identity', false, false, null, 100, null, 'Identity inside its organization.'),
  (2, 'organization', 'identity', false, false, null, 50, null, 'Organization code.'),
  (3, 'areaSilo', 'text', false, false, null, 200, null, 'Area of the site, e.g. `Silo 4`.'),
  (4, 'category', 'text', true, false, null, 200, null, 'Equipment category.'),
  (5, 'class', 'text', true, false, null, 200, null, 'Equipment class.'),
  (6, 'source', 'text', true, false, '{Rental,Purchase}', 50, null, 'Decides the cost rule: by the month, or once.'),
  (7, 'dor', 'text', true, false, '{BEO,PROJECT}', 50, null, 'Who pays: general overhead, or a charge code.'),
  (8, 'monthlyRate', 'money', true, false, null, null, 1e11, 'USD per month; used when the source is Rental.'),
  (9, 'purchasePrice', 'money', true, false, null, null, 1e11, 'USD; used when the source is Purchase.'),
  (10, 'manufacturer', 'text', true, false, null, 200, null, 'Who makes the equipment.'),
  (11, 'model', 'text', true, false, null, 200, null, 'Its model.'),
  (12, 'contract', 'text', true, false, null, 200, null, 'The contract it comes under.'),
  (13, 'equipment', 'text', true, false, null, 100, null, 'Asset tag of the piece on site.'),
  (14, 'originalStart', 'date', false, false, null, null, null, 'First day of the plan.'),
  (15, 'originalEnd', 'date', false, false, null, null, null, 'Last day of the plan.'),
  (16, 'forecastStart', 'date', true, false, null, null, null, 'First day of the forecast.'),
  (17, 'forecastEnd', 'date', true, false, null, null, null, 'Last day of the forecast.'),
  (18, 'actualStart', 'date', false, false, null, null, null, 'First day of billing.'),
  (19, 'actualEnd', 'date', true, true, null, null, null, 'Expected end of billing.'),
  (20, 'isActualized', 'flag', false, false, null, null, null, 'On site and billing.'),
  (21, 'isDiscontinued', 'flag', true, false, null, null, null,
    'Requirement cancelled: out of the default views and of every sum.'),
  (22, 'isFundsTransferable', 'flag', true, false, null, null, null, 'Its budget may be given to others.'),
  (23, 'lastModified', 'version', false, false, null, 50, null, 'When PEMS last changed it, in PEMS''s local time.'),
  (24, 'lastModifiedBy', 'version', false, false, null, 200, null, 'Who changed it there.');

create table app_public.pfa_field_mappings (
  id integer primary key generated always as identity,
  organization_id integer references app_public.organizations on delete cascade,
  key text not null references app_public.pfa_fields on delete cascade,
  grid_aliases text[] not null check (cardinality(grid_aliases) between 1 and 10),
  screen_field text check (length(screen_field) between 1 and 100),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (organization_id, key)
);
comment on table app_public.pfa_field_mappings is
  E'@behavior +query:resource:connection\nWhat a key is called in PEMS: for all, or differently for one '
  'organization''s tenant.';
comment on column app_public.pfa_field_mappings.id is 'Our key.';
comment on column app_public.pfa_field_mappings.organization_id is
  'For which organization; null: for every one that has no other.';
comment on column app_public.pfa_field_mappings.key is 'The key in `data`.';
comment on column app_public.pfa_field_mappings.grid_aliases is
  'Columns of the grid; the first that is not empty counts (forecast, else plan).';
comment on column app_public.pfa_field_mappings.screen_field is
  'Field of the screen that it is written to; null: PEMS cannot take it, so it cannot be drafted.';
comment on column app_public.pfa_field_mappings.created_at is 'When it was added.';
comment on column app_public.pfa_field_mappings.updated_at is 'When it was last changed.';
comment on constraint pfa_field_mappings_organization_id_key_key on app_public.pfa_field_mappings is
  '@behavior -single';
create index pfa_field_mappings_key_idx on app_public.pfa_field_mappings (key);
comment on index app_public.pfa_field_mappings_key_idx is 'On delete of a field.';
call app_private.enable_rls('app_public.pfa_field_mappings');
create policy visitor_select on app_public.pfa_field_mappings for select to vanguard_visitor
  using (organization_id is null or organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_field_mappings to vanguard_visitor, vanguard_worker;
insert into app_public.pfa_field_mappings (key, grid_aliases, screen_field) values
  ('pfaId', '{pfs_id}', 'PFS_ID'),
  ('organization', '{pfs_a_org}', 'PFS_A_ORG'),
  ('areaSilo', '{pfs_a_corporate}', null),
  ('category', '{pfs_f_category,pfs_a_category}', 'PFS_F_CATEGORY'),
  ('class', '{pfs_f_class,pfs_a_class}', 'PFS_F_CLASS'),
  ('source', '{pfs_f_source,pfs_a_source}', 'PFS_F_SOURCE'),
  ('dor', '{pfs_f_dor,pfs_a_dor}', 'PFS_F_DOR'),
  ('monthlyRate', '{pfs_f_rate,pfs_a_rate}', 'PFS_F_RATE'),
  ('purchasePrice', '{pfs_f_price,pfs_a_price}', 'PFS_F_PRICE'),
  ('manufacturer', '{pfs_f_manufact}', 'PFS_F_MANUFACT'),
  ('model', '{pfs_f_model}', 'PFS_F_MODEL'),
  ('contract', '{pfa_ca_contract}', 'PFA_CA_CONTRACT'),
  ('equipment', '{pfs_equipment}', 'PFS_EQUIPMENT'),
  ('originalStart', '{pfs_a_startdate}', null),
  ('originalEnd', '{pfs_a_enddate}', null),
  ('forecastStart', '{pfs_f_startdate}', 'PFS_F_STARTDATE'),
  ('forecastEnd', '{pfs_f_enddate}', 'PFS_F_ENDDATE'),
  ('actualStart', '{pfs_ac_startdate}', null),
  ('actualEnd', '{pfs_ac_enddate}', 'PFS_AC_ENDDATE'),
  ('isActualized', '{pfa_act}', null),
  ('isDiscontinued', '{pfa_dis}', 'PFA_DIS'),
  ('isFundsTransferable', '{pfs_ft}', 'PFS_FT'),
  ('lastModified', '{pfs_f_intlastupdated}', null),
  ('lastModifiedBy', '{pfs_f_last_change_by}', null);

--! Included app_public/triggers/pfa_field_mappings._100_touch.sql
create or replace trigger _100_touch before update on app_public.pfa_field_mappings
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/pfa_field_mappings._100_touch.sql

--! Included app_private/functions/field_mapping.sql
create or replace function app_private.field_mapping(organization_id integer)
  returns table (key text, kind text, max_length integer, max_amount numeric, grid_aliases text[], screen_field text)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select distinct on (f.position) f.key, f.kind, f.max_length, f.max_amount, m.grid_aliases, m.screen_field
  from app_public.pfa_fields f
  join app_public.pfa_field_mappings m on m.key = f.key
  where m.organization_id = field_mapping.organization_id or m.organization_id is null
  order by f.position, m.organization_id nulls last;
end;
comment on function app_private.field_mapping(integer) is
  'The mapping in force for an organization: its own entry for a key, else the one for all.';
grant execute on function app_private.field_mapping(integer) to vanguard_worker;
--! EndIncluded app_private/functions/field_mapping.sql
--! Included app_private/functions/pull_connection.sql
create or replace function app_private.pull_connection(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.id
  from app_public.data_source_mappings d
  join app_public.api_configurations c on c.id = d.api_configuration_id
  join app_public.pems_settings s on s.api_configuration_id = c.id
  where d.entity_type = 'pfa' and d.is_active and c.operation_type in ('read', 'read-write') and c.url is not null
    and (d.organization_id = pull_connection.organization_id or d.organization_id is null)
  order by d.organization_id nulls last, c.is_simulated, d.priority
  limit 1;
end;
comment on function app_private.pull_connection(integer) is
  'Returns the id of the connection that records of an organization are read over: its own, else the one for all; '
  'a real one before the simulated. Null if there is none.';
grant execute on function app_private.pull_connection(integer) to vanguard_worker;
--! EndIncluded app_private/functions/pull_connection.sql

--! Included app_private/functions/push_connection.sql
create or replace function app_private.push_connection(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.id
  from app_public.data_source_mappings d
  join app_public.api_configurations c on c.id = d.api_configuration_id
  join app_public.pems_settings s on s.api_configuration_id = c.id
  where d.entity_type = 'pfa' and d.is_active and c.operation_type in ('write', 'read-write') and c.url is not null
    and (d.organization_id = push_connection.organization_id or d.organization_id is null)
  order by d.organization_id nulls last, c.is_simulated, d.priority
  limit 1;
end;
comment on function app_private.push_connection(integer) is
  'The connection that changes of an organization are written over: its own, else the one for all; a real one '
  'before the simulated. Null: none that may write.';
grant execute on function app_private.push_connection(integer) to vanguard_worker;
--! EndIncluded app_private/functions/push_connection.sql
--! Included app_private/functions/pems_connection.sql
create or replace function app_private.pems_connection(organization_id integer, purpose text)
  returns table (
    api_configuration_id text, url text, auth_type text, custom_headers jsonb, is_simulated boolean,
    tenant text, grid_name text, grid_id text, screen_name text, request_type text, page_size integer,
    date_order text, year_format text, requests_per_second integer, timeout_ms integer
  )
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.id, c.url, c.auth_type, c.custom_headers, c.is_simulated,
    s.tenant, s.grid_name, s.grid_id, s.screen_name, s.request_type, s.page_size,
    s.date_order, s.year_format, s.requests_per_second, s.timeout_ms
  from app_public.api_configurations c
  join app_public.pems_settings s on s.api_configuration_id = c.id
  where c.id = case pems_connection.purpose
    when 'write' then app_private.push_connection(pems_connection.organization_id)
    else app_private.pull_connection(pems_connection.organization_id)
  end;
end;
comment on function app_private.pems_connection(integer, text) is
  'The connection that records of an organization are read (`read`) or written (`write`) over; no row: none.';
grant execute on function app_private.pems_connection(integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/pems_connection.sql
