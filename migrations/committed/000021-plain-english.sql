--! Previous: sha1:9cfb54311940cb48bc6b8d4be13373f1351aeb5b
--! Hash: sha1:3587d3a7e95ba21d63e0ac60c9bdca8c02eda095
--! Message: plain English

--! split: 1-current.sql
comment on schema app_public is 'Tables, views and functions that the API publishes, and nothing else.';
comment on schema app_core is
  'Tenant tables that clients read only through views and functions of app_public. The API publishes none of them.';
comment on table app_public.organizations is
  E'@behavior +query:resource:connection\nA construction project. All other data belong to an organization.';
comment on column app_public.organizations.id is
  'Identifier. An integer, because it leads the key of every tenant table.';
comment on column app_public.organizations.legacy_id is E'@behavior -*\nId in the legacy database, for imported rows.';
comment on column app_public.organizations.name is 'Display name.';
comment on column app_public.organizations.description is 'Short description.';
comment on column app_public.organizations.is_active is
  'Whether the organization is enabled. A disabled organization is hidden from all users and not synchronized.';
comment on column app_public.organizations.created_at is 'Time of creation here.';
comment on column app_public.organizations.updated_at is 'Time of the last change here.';
comment on table app_public.users is E'@behavior +query:resource:connection\nA user account.';
comment on column app_public.users.id is 'Identifier.';
comment on column app_public.users.legacy_id is E'@behavior -*\nId in the legacy database, for imported rows.';
comment on column app_public.users.username is 'Name for signing in; unique in any case.';
comment on column app_public.users.email is 'Optional email address; unique in any case.';
comment on column app_public.users.role is
  '`admin` may do everything in every organization, `user` has the rights of the memberships, `viewer` may only '
  'read.';
comment on column app_public.users.is_active is
  'Whether the user is enabled. A disabled user has no access from the next request on.';
comment on column app_public.users.created_at is 'Time of the creation of the account.';
comment on column app_public.users.updated_at is 'Time of the last change of the account.';
comment on index app_public.users_username_key is 'Sign-in by name, in any case.';
comment on index app_public.users_email_key is 'Uniqueness: one account for each email address.';
comment on table app_public.user_organizations is
  E'@name membership\nMembership of a user in an organization, with a role.';
comment on column app_public.user_organizations.legacy_id is
  E'@behavior -*\nId in the legacy database, for imported rows.';
comment on column app_public.user_organizations.created_at is 'When the user became a member.';
comment on column app_public.user_organizations.updated_at is 'Time of the last change of the membership.';
comment on index app_public.user_organizations_user_id_idx is '`app_private.request_claims`, once for each request.';
comment on table app_private.user_passwords is
  'Password hashes: argon2id (PHC string), or bcrypt from the legacy database until the next sign-in.';
comment on column app_private.user_passwords.user_id is 'User with this password.';
comment on column app_private.user_passwords.password_hash is 'PHC string or bcrypt hash; never a password.';
comment on column app_private.user_passwords.must_change is
  'Whether the user must choose another password. In production, nothing else works until then.';
comment on column app_private.user_passwords.changed_at is 'When the password was set.';
comment on table app_private.sessions is
  'One row for each sign-in. Refresh tokens belong to a session and access tokens name one. Neither works after the '
  'session has ended.';
comment on column app_private.sessions.id is 'Identifier; access tokens contain it as `sid`.';
comment on column app_private.sessions.user_id is 'User who signed in.';
comment on column app_private.sessions.started_at is 'Time of the sign-in.';
comment on column app_private.sessions.ended_at is
  'When the session ended: by sign-out, by a change of password, or because a refresh token was reused.';
comment on index app_private.sessions_user_id_idx is 'Signs a user out everywhere.';
comment on table app_private.refresh_tokens is
  'One row for each issued refresh token. Each token is exchanged for one of the next generation.';
comment on column app_private.refresh_tokens.id is 'Identifier.';
comment on column app_private.refresh_tokens.session_id is 'Session of the token.';
comment on column app_private.refresh_tokens.token_hash is
  'SHA-256 of the token. The token is 32 random bytes and is never stored.';
comment on column app_private.refresh_tokens.issued_at is 'When the token was issued.';
comment on column app_private.refresh_tokens.expires_at is 'When the token expires.';
comment on column app_private.refresh_tokens.used_at is 'When the token was first exchanged for the next one.';
comment on column app_private.refresh_tokens.generation is
  'Number of exchanges since the sign-in, from 1. Tokens that several tabs got for the same token share a '
  'generation.';
comment on index app_private.refresh_tokens_session_id_idx is
  'Token exchange, which reads the generation of the token and later ones.';
comment on index app_private.refresh_tokens_expires_at_idx is '`app_private.delete_expired_sessions`.';
comment on table app_private.signing_keys is
  'Keys that sign access tokens. The newest key that is not retired signs; all listed keys are accepted.';
comment on column app_private.signing_keys.public_jwk is 'Public half of the key, as published.';
comment on column app_private.signing_keys.key_id is 'Key of VANGUARD_ENCRYPTION_KEYS that encrypts the private half.';
comment on column app_private.signing_keys.ciphertext is
  'Private JWK, encrypted with AES-256-GCM, with the tag appended, bound to the kid.';
comment on column app_private.signing_keys.created_at is 'Time of creation.';
comment on column app_private.signing_keys.retired_at is 'When the key stopped signing.';
comment on table app_private.sign_in_attempts is
  'Failed or pending sign-in attempts: from an address on any account, on an account from anywhere, and on an '
  'account from an address.';
comment on column app_private.sign_in_attempts.account is
  'SHA-256 of the user name in lower case, whether such a user exists or not. Null for attempts on any account.';
comment on column app_private.sign_in_attempts.address is
  'Source address: an IPv4 address or an IPv6 /64. Null for attempts from anywhere.';
comment on column app_private.sign_in_attempts.attempts is 'Number of attempts until expires_at.';
comment on column app_private.sign_in_attempts.expires_at is
  'When counting starts anew. The time does not move, so every wait ends.';
comment on index app_private.sign_in_attempts_expires_at_idx is '`app_private.delete_expired_throttles`.';
comment on table app_private.sign_in_origins is
  'Addresses from which an account has signed in before. For these, only attempts from the same address count, so '
  'that no attacker can lock the user out.';
comment on column app_private.sign_in_origins.account is 'As in `sign_in_attempts`.';
comment on column app_private.sign_in_origins.address is 'As in `sign_in_attempts`.';
comment on column app_private.sign_in_origins.last_success_at is 'Time of the last sign-in from the address.';
comment on index app_private.sign_in_origins_last_success_at_idx is '`app_private.delete_expired_throttles`.';
comment on table app_public.api_configurations is
  E'@behavior +query:resource:connection\nA connection to PEMS or to an AI provider. Its credentials are stored '
  'elsewhere, encrypted.';
comment on column app_public.api_configurations.id is 'Identifier: a uuid, or a slug such as `pems-global-pfa-read`.';
comment on column app_public.api_configurations.organization_id is
  'Organization of the connection. Null: every organization that has no connection of its own.';
comment on column app_public.api_configurations.name is 'Display name.';
comment on column app_public.api_configurations.usage is 'Purpose of the connection.';
comment on column app_public.api_configurations.url is
  'Base address, for PEMS `https://HOST/axis/restservices`. Null until it is known.';
comment on column app_public.api_configurations.auth_type is 'Authentication method.';
comment on column app_public.api_configurations.custom_headers is
  'Headers of each request: `[{"key": "...", "value": "..."}]`. Not for secrets.';
comment on column app_public.api_configurations.operation_type is 'Whether the connection reads, writes, or both.';
comment on column app_public.api_configurations.feeds is
  'Data that the connection feeds, as the legacy application recorded them.';
comment on column app_public.api_configurations.is_simulated is
  'Whether the simulator of `vanguard start` answers. `vanguard connection create` replaces the connection.';
comment on column app_public.api_configurations.first_sync_at is 'Time of the first successful sync.';
comment on column app_public.api_configurations.last_sync_at is 'Time of the last successful sync.';
comment on column app_public.api_configurations.last_sync_record_count is
  'Number of records that the last successful sync read.';
comment on column app_public.api_configurations.total_sync_record_count is 'Number of records that all syncs read.';
comment on column app_public.api_configurations.status is 'Outcome of the last attempt.';
comment on column app_public.api_configurations.last_checked is 'Time of the last attempt.';
comment on column app_public.api_configurations.last_error is 'Last error, in a sentence.';
comment on column app_public.api_configurations.created_at is 'Time of creation.';
comment on column app_public.api_configurations.updated_at is 'Time of the last change.';
comment on index app_public.api_configurations_organization_id_idx is
  'Connections of an organization (`app_private.pems_connection`).';
comment on table app_public.pems_settings is E'@behavior -query:resource:single\nSettings of a PEMS connection.';
comment on column app_public.pems_settings.tenant is 'Tenant, sent as the header `tenant`.';
comment on column app_public.pems_settings.screen_name is 'User-defined screen for reading and writing single records.';
comment on column app_public.pems_settings.request_type is
  'Request type, which decides between the two response formats of the grid.';
comment on column app_public.pems_settings.page_size is 'Rows in a page; PEMS returns at most 10,000.';
comment on column app_public.pems_settings.date_order is
  'Meaning of `04/02/2026` for this tenant: month first (MDY) or day first (DMY).';
comment on column app_public.pems_settings.year_format is
  'Format of YEAR in dates of this tenant: 1 January in milliseconds since 1970, or the plain year.';
comment on column app_public.pems_settings.requests_per_second is 'Rate limit of the tenant, in requests per second.';
comment on column app_public.pems_settings.timeout_ms is 'Timeout of a request, in milliseconds.';
comment on column app_public.pems_settings.filter_date_format is
  'Date format in filters of this tenant, which incremental runs use.';
comment on table app_public.ai_providers is
  E'@behavior +query:resource:connection\nA provider of language models. Its key is stored elsewhere, encrypted.';
comment on column app_public.ai_providers.id is 'Identifier: a uuid, or a slug such as `gemini-default`.';
comment on column app_public.ai_providers.type is 'Protocol of the provider.';
comment on column app_public.ai_providers.name is 'Display name.';
comment on column app_public.ai_providers.api_endpoint is 'Address, if it differs from the usual one of the type.';
comment on column app_public.ai_providers.default_model is 'Model to use by default.';
comment on column app_public.ai_providers.available_models is 'Names of the available models.';
comment on column app_public.ai_providers.pricing_input is 'USD per million input tokens.';
comment on column app_public.ai_providers.pricing_output is 'USD per million output tokens.';
comment on column app_public.ai_providers.pricing_cached is 'USD per million cached tokens.';
comment on column app_public.ai_providers.max_tokens_per_request is 'Maximum number of tokens in a request.';
comment on column app_public.ai_providers.max_requests_per_minute is 'Maximum number of requests in a minute.';
comment on column app_public.ai_providers.retry_attempts is 'Maximum number of retries of a failed request.';
comment on column app_public.ai_providers.retry_delay_ms is 'Delay before a retry, in milliseconds.';
comment on column app_public.ai_providers.timeout_ms is 'Timeout of a request, in milliseconds.';
comment on column app_public.ai_providers.status is 'Outcome of the last check.';
comment on column app_public.ai_providers.last_health_check is 'Time of the last check.';
comment on column app_public.ai_providers.error_rate is 'Share of recent requests that failed, 0 to 1.';
comment on column app_public.ai_providers.created_at is 'Time of creation.';
comment on column app_public.ai_providers.updated_at is 'Time of the last change.';
comment on table app_public.organization_ai_configs is
  E'@name aiConfig\nRights and limits of the assistant in an organization.';
comment on column app_public.organization_ai_configs.legacy_id is
  E'@behavior -*\nId in the legacy database, for imported rows.';
comment on column app_public.organization_ai_configs.enabled is 'Whether the assistant is enabled.';
comment on column app_public.organization_ai_configs.access_level is 'Access level of the assistant.';
comment on column app_public.organization_ai_configs.primary_provider_id is 'Provider to ask first.';
comment on column app_public.organization_ai_configs.fallback_provider_ids is 'Providers to ask next, in order.';
comment on column app_public.organization_ai_configs.routing_rules is 'Rules that choose a provider for a question.';
comment on column app_public.organization_ai_configs.daily_limit_usd is 'Maximum cost in a day, in USD.';
comment on column app_public.organization_ai_configs.monthly_limit_usd is 'Maximum cost in a month, in USD.';
comment on column app_public.organization_ai_configs.alert_threshold_percent is
  'Percentage of a limit from which admins are alerted.';
comment on column app_public.organization_ai_configs.max_context_records is 'Maximum number of records in a question.';
comment on column app_public.organization_ai_configs.include_historical_data is
  'Whether the assistant may read history.';
comment on column app_public.organization_ai_configs.enable_semantic_cache is
  'Whether similar questions may share an answer.';
comment on column app_public.organization_ai_configs.cache_expiration_hours is
  'Hours for which an answer may be shared.';
comment on column app_public.organization_ai_configs.created_at is 'Time of creation.';
comment on column app_public.organization_ai_configs.updated_at is 'Time of the last change.';
comment on table app_private.credentials is
  'Secrets of connections and providers, encrypted with AES-256-GCM. The database never sees the key.';
comment on column app_private.credentials.id is 'Identifier.';
comment on column app_private.credentials.api_configuration_id is 'Connection of the secret, or null.';
comment on column app_private.credentials.ai_provider_id is 'Provider of the secret, or null.';
comment on column app_private.credentials.key_id is 'Key of VANGUARD_ENCRYPTION_KEYS that encrypts the secret.';
comment on column app_private.credentials.nonce is 'AES-256-GCM nonce: 96 random bits.';
comment on column app_private.credentials.ciphertext is
  'The encrypted secret with the tag appended. It is bound to its owner and name, so that it cannot be moved to '
  'another row.';
comment on column app_private.credentials.updated_at is 'When the secret was last set.';
comment on index app_private.credentials_api_configuration_id_key is 'Credentials of a connection.';
comment on index app_private.credentials_ai_provider_id_key is 'Key of a provider.';
comment on table app_public.data_source_mappings is
  E'@behavior +query:resource:connection\nConnections for each kind of data, by priority. Those of an organization '
  'come before shared ones.';
comment on column app_public.data_source_mappings.id is 'Identifier.';
comment on column app_public.data_source_mappings.entity_type is
  'Kind of data: records (`pfa`), organizations, assets, or classes and categories.';
comment on column app_public.data_source_mappings.organization_id is
  'Organization of the mapping. Null: every organization that has no mapping of its own.';
comment on column app_public.data_source_mappings.priority is 'Priority; 1 comes first.';
comment on column app_public.data_source_mappings.is_active is 'Whether the mapping is enabled.';
comment on column app_public.data_source_mappings.last_used_at is 'Time of the last request.';
comment on column app_public.data_source_mappings.last_success_at is 'Time of the last success.';
comment on column app_public.data_source_mappings.last_failure_at is 'Time of the last failure.';
comment on column app_public.data_source_mappings.success_count is 'Number of successful requests.';
comment on column app_public.data_source_mappings.failure_count is 'Number of failed requests.';
comment on column app_public.data_source_mappings.avg_response_time is 'Mean response time, in milliseconds.';
comment on column app_public.data_source_mappings.created_at is 'Time of creation.';
comment on column app_public.data_source_mappings.updated_at is 'Time of the last change.';
comment on table app_public.field_configurations is
  E'@behavior +query:resource:connection\nLayouts of files that users export and import.';
comment on column app_public.field_configurations.id is 'Identifier.';
comment on column app_public.field_configurations.organization_id is
  'Organization of the layout. Null: all organizations.';
comment on column app_public.field_configurations.name is 'Display name.';
comment on column app_public.field_configurations.description is 'Short description.';
comment on column app_public.field_configurations.is_default is 'Whether the layout is offered first.';
comment on column app_public.field_configurations.field_mappings is 'Columns of the keys.';
comment on column app_public.field_configurations.date_format is 'Format of dates.';
comment on column app_public.field_configurations.delimiter is 'Separator of columns.';
comment on column app_public.field_configurations.created_at is 'Time of creation.';
comment on column app_public.field_configurations.updated_at is 'Time of the last change.';
comment on index app_public.field_configurations_organization_id_idx is 'Export layouts of an organization.';
comment on table app_public.pfa_fields is
  E'@behavior +query:resource:connection\nKeys of a record that the product knows, with the rules for editing them.';
comment on column app_public.pfa_fields.position is 'Position in the interface, from 1.';
comment on column app_public.pfa_fields.kind is
  '`text`; `date` (ISO 8601, without time); `money` (USD, never negative); `flag`; `identity` and `version`, which '
  'PEMS sets.';
comment on column app_public.pfa_fields.is_editable is 'Whether users may draft the key.';
comment on column app_public.pfa_fields.editable_when_actualized is
  'Whether users may edit the key only after the record is actualized.';
comment on column app_public.pfa_fields.allowed_values is 'Allowed values. Null: any.';
comment on column app_public.pfa_fields.max_length is 'Maximum length of text, in characters.';
comment on column app_public.pfa_fields.description is 'Meaning of the key.';
comment on table app_public.pfa_field_mappings is
  E'@behavior +query:resource:connection\nNames of keys in PEMS, shared or for the tenant of one organization.';
comment on column app_public.pfa_field_mappings.id is 'Identifier.';
comment on column app_public.pfa_field_mappings.organization_id is
  'Organization of the mapping. Null: every organization that has no mapping of its own.';
comment on column app_public.pfa_field_mappings.grid_aliases is
  'Columns of the grid; the first non-empty one counts (forecast, or else plan).';
comment on column app_public.pfa_field_mappings.screen_field is
  'Field of the screen for writing. Null: PEMS cannot accept the key, so users cannot draft it.';
comment on column app_public.pfa_field_mappings.created_at is 'Time of creation.';
comment on column app_public.pfa_field_mappings.updated_at is 'Time of the last change.';
comment on sequence app_core.revision_seq is
  'Revisions, the tokens of optimistic locking. Each change of content that a user sees, in mirror or overlay, '
  'draws one.';
comment on table app_core.pfa_mirror is
  'Last known content of PEMS, one row for each record. Only sync and push write it.';
comment on column app_core.pfa_mirror.pfa_id is 'Id of the record inside its organization.';
comment on column app_core.pfa_mirror.data is
  'The record. Dates are strict ISO text, amounts JSON numbers, flags JSON booleans. Missing keys are absent. '
  'Fields without a mapping keep their PEMS name.';
comment on column app_core.pfa_mirror.version is
  'When PEMS last changed the record, in local time of PEMS, to the minute.';
comment on column app_core.pfa_mirror.version_by is 'User of PEMS who last changed the record.';
comment on column app_core.pfa_mirror.revision is 'Revision in the mirror; grows with every change of content.';
comment on column app_core.pfa_mirror.observed_at is
  'When the response with this content arrived, by the clock of the database. Only a request that began later may '
  'overwrite the content.';
comment on column app_core.pfa_mirror.removed_at is
  'When a second read confirmed that the record is gone from PEMS. Null while PEMS has it.';
comment on column app_core.pfa_mirror.is_actualized is 'Whether the equipment is on site and billing.';
comment on column app_core.pfa_mirror.is_discontinued is 'Whether the requirement is cancelled.';
comment on column app_core.pfa_mirror.is_funds_transferable is 'Whether the budget may be given to other records.';
comment on column app_core.pfa_mirror.actual_cost_cents is
  'Cost over the actual dates, in US cents; 0 unless both dates are present.';
comment on index app_core.pfa_mirror_forecast_start_idx is 'Lists sorted by first day; windows of the timeline.';
comment on index app_core.pfa_mirror_forecast_cost_idx is 'Lists sorted by cost; ranges of amounts.';
comment on index app_core.pfa_mirror_class_idx is 'Lists sorted or filtered by class, also within a category.';
comment on index app_core.pfa_mirror_values_idx is
  '`app_private.found_in_mirror`. Inserts of a run go to a pending list that `app_private.prepare_search` flushes. '
  'Direct inserts would cost more than all other indexes together.';
comment on column app_core.pfa_overlay.viewer_id is
  'User who sees the row. 0: all users without a draft of the record.';
comment on column app_core.pfa_overlay.is_pending is 'Whether a committed change is not confirmed by PEMS yet.';
comment on column app_core.pfa_overlay.has_draft is 'Whether the viewer has a draft.';
comment on column app_core.pfa_overlay.has_problem is 'Whether a key of that draft has a problem.';
comment on column app_core.pfa_overlay.base is
  'Values that the viewer saw under each drafted key. Null without a draft.';
comment on column app_core.pfa_overlay.pfa_id is 'Id of the record inside its organization.';
comment on column app_core.pfa_overlay.data is
  'The record. Dates are strict ISO text, amounts JSON numbers, flags JSON booleans. Missing keys are absent. '
  'Fields without a mapping keep their PEMS name.';
comment on column app_core.pfa_overlay.version is
  'When PEMS last changed the record, in local time of PEMS, to the minute.';
comment on column app_core.pfa_overlay.version_by is 'User of PEMS who last changed the record.';
comment on column app_core.pfa_overlay.revision is 'Revision in the mirror; grows with every change of content.';
comment on column app_core.pfa_overlay.observed_at is
  'When the response with this content arrived, by the clock of the database. Only a request that began later may '
  'overwrite the content.';
comment on column app_core.pfa_overlay.removed_at is
  'When a second read confirmed that the record is gone from PEMS. Null while PEMS has it.';
comment on column app_core.pfa_overlay.is_actualized is 'Whether the equipment is on site and billing.';
comment on column app_core.pfa_overlay.is_discontinued is 'Whether the requirement is cancelled.';
comment on column app_core.pfa_overlay.is_funds_transferable is 'Whether the budget may be given to other records.';
comment on column app_core.pfa_overlay.actual_cost_cents is
  'Cost over the actual dates, in US cents; 0 unless both dates are present.';
comment on column app_core.pfa_overlay.mirror_is_actualized is
  'In the mirror: whether the equipment is on site and billing.';
comment on column app_core.pfa_overlay.mirror_is_discontinued is 'In the mirror: whether the requirement is cancelled.';
comment on column app_core.pfa_overlay.problems is 'Problems of the draft, by key. Null without problems.';
comment on index app_core.pfa_overlay_pfa_id_idx is
  'Overlays of a record: the merged view, rewriting, and on delete of a record.';
comment on index app_core.pfa_overlay_forecast_cost_idx is '`pfa_record` sorted by cost; ranges of amounts.';
comment on index app_core.pfa_overlay_category_idx is '`pfa_record` sorted or filtered by category.';
comment on index app_core.pfa_overlay_class_idx is '`pfa_record` sorted or filtered by class.';
comment on index app_core.pfa_overlay_area_silo_idx is '`pfa_record` sorted or filtered by area.';
comment on index app_core.pfa_overlay_forecast_start_idx is
  '`pfa_record` sorted by first day; windows of the timeline.';
comment on index app_core.pfa_overlay_forecast_end_idx is '`pfa_record` sorted by last day.';
comment on table app_private.pfa_kpi_change is
  'Differences in the totals by each change of the mirror. Those that the snapshot of the materialized summary does '
  'not see are added to it. A refresh deletes the others.';
comment on column app_private.pfa_kpi_change.id is 'Identifier.';
comment on column app_private.pfa_kpi_change.source is 'Source, as in the summary.';
comment on column app_private.pfa_kpi_change.record_count is 'Difference in the number of records.';
comment on column app_private.pfa_kpi_change.actualized_count is 'Difference in the number of actualized records.';
comment on column app_private.pfa_kpi_change.discontinued_count is 'Difference in the number of discontinued records.';
comment on column app_private.pfa_kpi_change.plan_cost_cents is 'Difference in the plan cost, in US cents.';
comment on column app_private.pfa_kpi_change.forecast_cost_cents is 'Difference in the forecast cost, in US cents.';
comment on column app_private.pfa_kpi_change.actual_cost_cents is 'Difference in the actual cost, in US cents.';
comment on column app_private.pfa_kpi_change.transaction_id is
  'Transaction that changed the mirror. Comparing it with the snapshot of the summary counts each change exactly '
  'once, even with concurrent changes.';
comment on index app_private.pfa_kpi_change_organization_id_idx is
  'Changes in an organization since the last refresh of the summary.';
comment on type app_public.pfa_kpis is
  'Counts and costs in USD. Discontinued records have a separate count and are in no other figure.';
comment on column app_public.pfa_kpis.record_count is E'@notNull\nNumber of records, without discontinued ones.';
comment on column app_public.pfa_kpis.actualized_count is
  E'@notNull\nNumber of these records that are on site and billing.';
comment on column app_public.pfa_kpis.discontinued_count is E'@notNull\nNumber of discontinued records.';
comment on column app_public.pfa_kpis.plan_cost is E'@notNull\nPlan cost, USD.';
comment on column app_public.pfa_kpis.forecast_cost is E'@notNull\nForecast cost, USD.';
comment on column app_public.pfa_kpis.actual_cost is E'@notNull\nActual cost, USD.';
comment on type app_public.pfa_bounds is
  'First and last days of the records that you see, without discontinued records.';
comment on table app_private.pfa_search_values is
  'Distinct texts of the mirror that a search may contain, one list for each key. Ids all differ, so their parts of '
  'three characters are stored instead.';
comment on column app_private.pfa_search_values.texts is
  'Distinct texts. For ids (key `pfaId`), every sequence of three characters in lower case.';
comment on table app_private.pfa_search_stale is
  'Organizations whose mirror has changed since their values were listed. Until the next listing, a search reads '
  'every record.';
comment on column app_private.pfa_search_stale.mark is
  'Changes with each change of the mirror, so that a listing can detect concurrent changes.';
comment on domain app_public.pfa_record_filter is
  'Filter of a list of records, such as `{"category": {"equalTo": "Cranes"}, "or": [{"hasDraft": {"equalTo": '
  'true}}, {"forecastStart": {"lessThan": "2026-04-01"}}]}`.';
comment on type app_public.pfa_selection is
  'Selection of records of an organization as you see them. A record must meet all given conditions. Give at least '
  'one.';
comment on column app_public.pfa_selection.record_ids is 'These records, at most 20,000. Unknown ids are skipped.';
comment on column app_public.pfa_selection.filter is 'Records that match this filter of the list.';
comment on column app_public.pfa_selection.search is
  'Records that contain every word of this text, as `foundRecords` finds them.';
comment on column app_public.pfa_selection.everything is
  '`true` selects all records. Do not combine it with other conditions.';
comment on type app_public.pfa_dimension is 'Property that groups the totals.';
comment on type app_public.pfa_layer is
  'Source of the values: the records that you see (PEMS, pending changes and your drafts), or only the mirror of '
  'PEMS.';
comment on type app_public.pfa_sum is 'Costs in USD of the records of a group, without discontinued and removed ones.';
comment on column app_public.pfa_sum.record_count is 'Number of records. Null for a month.';
comment on column app_public.pfa_sum.plan_cost is E'@notNull\nPlan cost, USD.';
comment on column app_public.pfa_sum.forecast_cost is E'@notNull\nForecast cost, USD.';
comment on column app_public.pfa_sum.actual_cost is E'@notNull\nActual cost, USD.';
comment on column app_public.pfa_sum.plan_months is
  'Total duration of the plans in months of 30.44 days. Null for a month.';
comment on column app_public.pfa_sum.forecast_months is
  'Total duration of the forecasts in months of 30.44 days. Null for a month.';
comment on column app_public.pfa_sum.actual_months is
  'Total duration of billing in months of 30.44 days, for records with both dates. Null for a month.';
comment on table app_core.pfa_modification is
  'Change of one record by one user: first a draft, then committed, syncing and synced.';
comment on column app_core.pfa_modification.id is 'Identifier.';
comment on column app_core.pfa_modification.user_id is 'Author of the change.';
comment on column app_core.pfa_modification.delta is 'Changed keys with their new values; null empties a key.';
comment on column app_core.pfa_modification.base is
  'Values that the author saw under each of these keys when first changing it.';
comment on column app_core.pfa_modification.problems is
  'Problems by key, drafts only: `{"kind": "conflict", "base", "theirs", "mine"}`. Kinds: conflict, refused, '
  'altered, failed, removed. A problem from push has `"by": "push"` and stays until the author acts.';
comment on column app_core.pfa_modification.commit_sequence is 'Order of commits, in which push writes the changes.';
comment on column app_core.pfa_modification.attempts is
  'Number of push attempts. It is a token: a caller with an older number changes nothing.';
comment on column app_core.pfa_modification.comment is 'Comment of the author on the commit.';
comment on column app_core.pfa_modification.created_at is 'When the first key was changed.';
comment on column app_core.pfa_modification.updated_at is 'Time of the last change.';
comment on column app_core.pfa_modification.committed_at is 'Time of the commit.';
comment on column app_core.pfa_modification.settled_at is 'When PEMS confirmed the change.';
comment on column app_core.pfa_modification.failures is 'Number of failed writes that were caused by the record.';
comment on column app_core.pfa_modification.retry_at is
  'Time before which push does not continue. Null on a syncing change means that a worker is processing it.';
comment on index app_core.pfa_modification_draft_key is 'Drafts of a user; one draft for each record and user.';
comment on index app_core.pfa_modification_pfa_id_idx is 'Pending changes of a record; on delete of a record.';
comment on index app_core.pfa_modification_commit_sequence_key is 'Committed changes in their order, for push.';
comment on index app_core.pfa_modification_user_id_idx is 'Changes of a user; on delete of a user.';
comment on index app_core.pfa_modification_settled_at_idx is
  'Retention: the oldest confirmed changes of an organization.';
comment on table app_core.pfa_change is
  'Append-only history of records: changed keys with their old and new values. The first sync of an organization '
  'adds no rows.';
comment on column app_core.pfa_change.id is 'Identifier, ascending in the order of the changes.';
comment on column app_core.pfa_change.user_id is 'User who made the change. Null if PEMS changed the record.';
comment on column app_core.pfa_change.route is
  'Origin of the change: `draft`, `commit`, `withdraw` (of a commit), `takeover` (of another user''s draft), `sync` '
  '(from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_core.pfa_change.event is
  '`add`, `update`, `remove` (gone from PEMS), `restore` (present in PEMS again).';
comment on column app_core.pfa_change.changes is 'Old and new values: `{"key": {"from": ..., "to": ...}}`';
comment on column app_core.pfa_change.changed_at is 'Time of the change.';
comment on index app_core.pfa_change_pfa_id_idx is 'History of a record.';
comment on index app_core.pfa_change_changed_at_idx is 'Changes in an organization since a time.';
comment on table app_core.pfa_draft_operation is
  'Last 50 operations of a user on drafts in an organization, each with any number of records. Undone operations '
  'stay until the next change.';
comment on column app_core.pfa_draft_operation.user_id is 'Author of the drafts.';
comment on column app_core.pfa_draft_operation.id is 'Identifier, ascending in the order of the operations.';
comment on column app_core.pfa_draft_operation.record_count is 'Number of changed records.';
comment on column app_core.pfa_draft_operation.differences is
  'Drafted values before and after: `{"record": {"key": {"from": value, "to": value}}}`. A missing value means that '
  'the key was not drafted.';
comment on column app_core.pfa_draft_operation.created_at is 'Time of the operation.';
comment on column app_core.pfa_draft_operation.undone_at is
  'When the operation was undone. Null while it is in effect.';
comment on type app_public.pfa_draft_result is 'Result of an operation on drafts.';
comment on column app_public.pfa_draft_result.operation_id is 'Operation that you can undo. Null if nothing changed.';
comment on column app_public.pfa_draft_result.changed_count is E'@notNull\nNumber of changed records.';
comment on column app_public.pfa_draft_result.unchanged_count is
  E'@notNull\nNumber of records that already had these values.';
comment on column app_public.pfa_draft_result.refused is
  E'@notNull\nRefused values: `[{"recordId", "key", "value", "problem"}, ...]`, at most 1,000.';
comment on column app_public.pfa_draft_result.revisions is
  'Current revision of each given record. Null for more than 5,000 records.';
comment on type app_public.pfa_draft_item is 'Changes of one record.';
comment on column app_public.pfa_draft_item.changes is
  E'@notNull\nKeys with their new values, such as `{"forecastEnd": "2026-05-01"}`.';
comment on column app_public.pfa_draft_item.revision is E'@notNull\nRevision of the record that you saw.';
comment on type app_public.pfa_undo_result is 'Result of undo or redo.';
comment on column app_public.pfa_undo_result.operation_id is E'@notNull\nOperation that was undone or redone.';
comment on column app_public.pfa_undo_result.kind is
  E'@notNull\nKind of the operation: `save`, `shift`, `duration`, `reset`, `set`, `discard`, `resolve`.';
comment on column app_public.pfa_undo_result.changed_count is E'@notNull\nNumber of changed records.';
comment on column app_public.pfa_undo_result.impossible is
  E'@notNull\nValues that no longer are as the operation left them, and so stay: `[{"recordId", "key", "kind", '
  '"problem"}, ...]`. Kinds: `committed`, `changed`, `settled` (PEMS now holds the value), `removed`, `gone`.';
comment on type app_public.pfa_bulk_operation is 'Bulk operation. Set exactly one of these fields.';
comment on column app_public.pfa_bulk_operation.shift_days is
  'Shifts both dates of the forecast by this number of days. For an actualized record, shifts the actual end.';
comment on column app_public.pfa_bulk_operation.duration_days is
  'Moves the end of the forecast by this number of days, but never before its start. For an actualized record, '
  'moves the actual end.';
comment on column app_public.pfa_bulk_operation.reset_to_plan is
  '`true` sets the dates of the forecast to those of the plan. Refused for actualized records and records without a '
  'plan.';
comment on column app_public.pfa_bulk_operation.set is 'Values to set, by key, such as `{"category": "Cranes"}`.';
comment on type app_public.pfa_bulk_preview is
  'Preview of a bulk operation. Costs are those of the selected records in USD, without discontinued ones.';
comment on column app_public.pfa_bulk_preview.selected_count is E'@notNull\nNumber of selected records.';
comment on column app_public.pfa_bulk_preview.changed_count is E'@notNull\nNumber of records that would change.';
comment on column app_public.pfa_bulk_preview.unchanged_count is
  E'@notNull\nNumber of records that already have these values, or have no dates to move.';
comment on column app_public.pfa_bulk_preview.refused_count is E'@notNull\nNumber of records that cannot be changed.';
comment on column app_public.pfa_bulk_preview.reasons is
  E'@notNull\nReasons for refusals: `[{"problem", "count", "recordIds"}, ...]`, with the first 20 ids.';
comment on column app_public.pfa_bulk_preview.plan_cost_before is E'@notNull\nPlan cost before the operation.';
comment on column app_public.pfa_bulk_preview.plan_cost_after is
  E'@notNull\nPlan cost after the operation. It depends on rate, price and source.';
comment on column app_public.pfa_bulk_preview.forecast_cost_before is E'@notNull\nForecast cost before the operation.';
comment on column app_public.pfa_bulk_preview.forecast_cost_after is E'@notNull\nForecast cost after the operation.';
comment on column app_public.pfa_bulk_preview.actual_cost_before is E'@notNull\nActual cost before the operation.';
comment on column app_public.pfa_bulk_preview.actual_cost_after is E'@notNull\nActual cost after the operation.';
comment on column app_public.pfa_bulk_preview.preview_token is
  E'@notNull\nToken for `applyBulk`, which refuses the operation if a selected record has changed since the preview.';
comment on type app_public.pfa_commit_result is 'Result of a commit.';
comment on column app_public.pfa_commit_result.record_count is E'@notNull\nNumber of records with committed keys.';
comment on column app_public.pfa_commit_result.key_count is E'@notNull\nNumber of committed keys.';
comment on column app_public.pfa_commit_result.refused is
  E'@notNull\nKeys that stay in your draft: `[{"recordId", "key", "kind", "problem", "base", "theirs", "mine"}, '
  '...]`. Kinds: `conflict`, `removed`, `refused`, `altered`, `failed` (problems of the draft), `busy` (being '
  'written to PEMS), `invalid` (the value, or the record with it), `none` (a listed record without a draft).';
comment on type app_public.pfa_withdraw_result is 'Result of withdrawing commits.';
comment on column app_public.pfa_withdraw_result.record_count is
  E'@notNull\nNumber of records whose changes are in your draft again.';
comment on column app_public.pfa_withdraw_result.refused is
  E'@notNull\nCommits that you can no longer withdraw: `[{"id", "recordId", "state", "problem"}, ...]`.';
comment on type app_public.pfa_draft_author is 'User with drafts in an organization.';
comment on column app_public.pfa_draft_author.user_id is E'@notNull\nId of the user.';
comment on column app_public.pfa_draft_author.username is E'@notNull\nName of the user.';
comment on column app_public.pfa_draft_author.is_member is E'@notNull\nWhether the user may still commit the drafts.';
comment on column app_public.pfa_draft_author.record_count is E'@notNull\nNumber of records with a draft.';
comment on column app_public.pfa_draft_author.problem_count is E'@notNull\nNumber of these records with a problem.';
comment on column app_public.pfa_draft_author.updated_at is E'@notNull\nTime of the last change of a draft.';
comment on type app_public.pfa_draft_totals is 'Number and cost of your drafts.';
comment on column app_public.pfa_draft_totals.record_count is E'@notNull\nNumber of records with a draft.';
comment on column app_public.pfa_draft_totals.key_count is E'@notNull\nNumber of drafted keys.';
comment on column app_public.pfa_draft_totals.problem_count is E'@notNull\nNumber of these records with a problem.';
comment on column app_public.pfa_draft_totals.forecast_cost_change is
  E'@notNull\nChange of the forecast cost by your drafts, USD, compared with PEMS and pending changes.';
comment on table app_public.pfa_sync_log is
  E'@name syncLog\nOne row for each run that reads PEMS into the mirror, from request to end. It shows the freshness '
  'of the mirror.';
comment on column app_public.pfa_sync_log.id is 'Identifier, and the token of the run: only a running run may merge.';
comment on column app_public.pfa_sync_log.kind is
  '`full` reads everything; `incremental` reads changes of PEMS since the last completed run. For a waiting run, '
  'the kind that it would have now.';
comment on column app_public.pfa_sync_log.trigger is
  'Origin of the run: start of the product, schedule, user, or command.';
comment on column app_public.pfa_sync_log.requested_by is 'User who requested the run.';
comment on column app_public.pfa_sync_log.rows_read is 'Number of rows read so far.';
comment on column app_public.pfa_sync_log.rows_inserted is 'Number of new records.';
comment on column app_public.pfa_sync_log.rows_updated is
  'Number of records whose content changed, or that are present again.';
comment on column app_public.pfa_sync_log.rows_unchanged is
  'Number of records that did not change, or are newer in the mirror. They were not written.';
comment on column app_public.pfa_sync_log.rows_removed is
  'Number of removed records: a second run found them gone. Includes removals that were accepted later.';
comment on column app_public.pfa_sync_log.rows_missing is
  'Number of records that were found gone for the first time. The next full run decides about them.';
comment on column app_public.pfa_sync_log.drafts_rebased is 'Number of drafts on changed records.';
comment on column app_public.pfa_sync_log.conflicts is 'Number of drafted keys that PEMS changed to another value.';
comment on column app_public.pfa_sync_log.greatest_version is
  'Newest change that completed runs have seen, in local time of PEMS, without refused rows.';
comment on column app_public.pfa_sync_log.requested_at is 'When it was requested.';
comment on column app_public.pfa_sync_log.started_at is 'When the run began.';
comment on column app_public.pfa_sync_log.finished_at is 'When the run ended.';
comment on column app_public.pfa_sync_log.error_hint is 'Suggested action.';
comment on column app_public.pfa_sync_log.notice is 'Advice about a successful run.';
comment on column app_public.pfa_sync_log.removals_accepted_by is
  'User who accepted the withheld removals. Null for a command.';
comment on column app_public.pfa_sync_log.removals_accepted_at is 'When the withheld removals were accepted.';
comment on column app_public.pfa_sync_log.worker_id is E'@behavior -*\nWorker of the run.';
comment on column app_public.pfa_sync_log.asked_kind is
  'Requested kind. Null: the kind that is due when the run begins.';
comment on column app_public.pfa_sync_log.changed_since is
  'Start time of the changes that an incremental run requested, in local time of PEMS.';
comment on column app_public.pfa_sync_log.next_since is
  'Start time of the changes for the next incremental run, in local time of PEMS. Null if PEMS gives no times.';
comment on column app_public.pfa_sync_log.source is
  E'@behavior -*\nConnection and mapping when the run began. An incremental run requires that they have not changed.';
comment on index app_public.pfa_sync_log_queued_key is 'Uniqueness: a second request joins the waiting one.';
comment on index app_public.pfa_sync_log_running_key is 'Run token: one run of an organization at a time.';
comment on index app_public.pfa_sync_log_requested_by_idx is 'Runs that a user requested; on delete of a user.';
comment on index app_public.pfa_sync_log_finished_at_idx is 'Freshness: the newest successful run.';
comment on index app_public.pfa_sync_log_ended_idx is 'Retention: the oldest ended runs of an organization.';
comment on index app_public.pfa_sync_log_removals_accepted_by_idx is
  'Removals that a user accepted; on delete of a user.';
comment on column app_public.pfa_sync_reject.id is 'Identifier.';
comment on column app_public.pfa_sync_reject.pfa_id is 'The record, if the row has an id.';
comment on column app_public.pfa_sync_reject.problems is 'Problems by key: `[{"key", "value", "message"}]`';
comment on column app_public.pfa_sync_reject.rejected_at is 'When the row was refused.';
comment on index app_public.pfa_sync_reject_run_id_idx is 'Refused rows of a run.';
comment on index app_public.pfa_sync_reject_rejected_at_idx is 'Retention: the oldest rejects of an organization.';
comment on table app_private.pfa_sync_schedule is
  'Sync schedules of organizations that differ from the default of 15 minutes.';
comment on column app_private.pfa_sync_schedule.every is
  'Time from the end of one run to the next, without a cron expression.';
comment on column app_private.pfa_sync_schedule.paused_at is 'When the schedule was paused. Null while it is active.';
comment on column app_private.pfa_sync_schedule.cron is 'Times of the runs, as a cron expression of five fields.';
comment on column app_private.pfa_sync_schedule.time_zone is 'Time zone of the cron expression and of the quiet hours.';
comment on column app_private.pfa_sync_schedule.quiet_from is
  'Start of the daily quiet hours, in which no scheduled run begins.';
comment on column app_private.pfa_sync_schedule.quiet_to is
  'End of the quiet hours; on the next day if it is earlier than their start.';
comment on column app_private.pfa_sync_schedule.full_every is 'Time from the end of one full run to the next.';
comment on column app_private.pfa_sync_schedule.changed_at is 'When a user or a command last set it.';
comment on column app_private.pfa_sync_schedule.changed_by is 'User who last set it. Null for a command.';
comment on column app_private.pfa_sync_schedule.paused_by is 'User who paused it. Null for a command.';
comment on table app_private.pfa_staging is 'Rows that a run has read from PEMS and not merged yet.';
comment on column app_private.pfa_staging.organization_id is 'Organization of the run.';
comment on column app_private.pfa_staging.pfa_id is 'Id of the record, if the row has one.';
comment on column app_private.pfa_staging.organization_code is 'Organization that the row names.';
comment on column app_private.pfa_staging.data is 'The mapped record.';
comment on column app_private.pfa_staging.version is 'When PEMS last changed the record.';
comment on column app_private.pfa_staging.version_by is 'User of PEMS who last changed the record.';
comment on column app_private.pfa_staging.row_content is 'The row as received, if it has problems.';
comment on column app_private.pfa_staging.requested_at is
  'When the request for the row began, by the clock of the database.';
comment on column app_private.pfa_staging.received_at is 'When the response arrived.';
comment on column app_private.pfa_staging.reason is
  'Reason for refusing the row, found while merging. Null for an accepted row.';
comment on index app_private.pfa_staging_pfa_id_idx is
  'Merging a run in the order of its records, reading single ones, and deleting its rows.';
comment on table app_public.pfa_removal_candidate is
  E'@name removalCandidate\n@behavior -query:resource:single\nRecords that the last complete full read lacked. If '
  'the next one lacks them as well, they are removed, or withheld if there are suspiciously many.';
comment on column app_public.pfa_removal_candidate.missed_by_run is
  'Run that missed the record first since it was last seen.';
comment on column app_public.pfa_removal_candidate.missed_at is
  'When that run began. Later reads of the record outdate the miss.';
comment on column app_public.pfa_removal_candidate.confirmed_at is
  'When the last run began that missed the record again. Null until a second run missed it.';
comment on column app_public.pfa_removal_candidate.spared_by_run is
  'First run that withheld the removal. Null if no run did.';
comment on table app_private.worker_processes is
  'Queues of worker processes that run, or were killed. A live process holds the session advisory lock of its '
  'lock_key.';
comment on column app_private.worker_processes.pool_id is 'Name of the pool in the queue.';
comment on column app_private.worker_processes.started_at is 'When the process started.';
comment on column app_private.worker_processes.backend_pid is
  'Connection that holds the lock. All queues of a process share it.';
comment on type app_public.sync_schedule is 'Sync schedule of an organization.';
comment on column app_public.sync_schedule.every_minutes is
  'Minutes from the end of one run to the next. Null if a cron expression sets the times.';
comment on column app_public.sync_schedule.time_zone is
  E'@notNull\nTime zone of the cron expression and of the quiet hours, such as `America/Chicago`.';
comment on column app_public.sync_schedule.quiet_from is
  'Start of the daily quiet hours, in which no scheduled run begins.';
comment on column app_public.sync_schedule.quiet_to is
  'End of the quiet hours; on the next day if it is earlier than their start.';
comment on column app_public.sync_schedule.is_paused is
  E'@notNull\nWhether scheduled runs are paused. Requested runs still start.';
comment on column app_public.sync_schedule.paused_at is 'When the schedule was paused.';
comment on column app_public.sync_schedule.paused_by is 'User who paused it. Null for a command.';
comment on column app_public.sync_schedule.next_run_at is
  'When the next run is due. It begins as soon as a worker is free. Null while a run is in progress, or if none is '
  'due.';
comment on column app_public.sync_schedule.next_run_kind is 'Expected kind of the next run: `full` or `incremental`.';
comment on column app_public.sync_schedule.changed_at is 'When a user or a command last set it.';
comment on column app_public.sync_schedule.changed_by is 'User who last set it. Null for a command.';
comment on table app_public.pfa_drift_check is
  E'@name driftCheck\nComparison of the mirror, or of a sample of it, with PEMS. It changes neither. Owners and '
  'admins of the organization see it.';
comment on column app_public.pfa_drift_check.id is 'Identifier.';
comment on column app_public.pfa_drift_check.sample is 'Number of records, drawn at random. Null: all records.';
comment on column app_public.pfa_drift_check.requested_by is 'User who requested the comparison. Null for a command.';
comment on column app_public.pfa_drift_check.rows_read is 'Number of rows read from PEMS so far.';
comment on column app_public.pfa_drift_check.records_compared is
  'Number of compared records, with those on one side only.';
comment on column app_public.pfa_drift_check.records_differing is
  'Number of records that are on both sides and differ.';
comment on column app_public.pfa_drift_check.keys_differing is 'Number of differing keys in all records.';
comment on column app_public.pfa_drift_check.missing_in_pems is 'Number of records that PEMS lacks.';
comment on column app_public.pfa_drift_check.missing_in_mirror is 'Number of records that only PEMS has.';
comment on column app_public.pfa_drift_check.unreadable is
  'Number of records that PEMS returned in an invalid form, or more than once.';
comment on column app_public.pfa_drift_check.left_out is
  'Number of records without a result, because they kept changing during the comparison.';
comment on column app_public.pfa_drift_check.differences_kept is 'Number of listed differences, at most 1,000.';
comment on column app_public.pfa_drift_check.requested_at is 'When it was requested.';
comment on column app_public.pfa_drift_check.started_at is 'When the comparison began.';
comment on column app_public.pfa_drift_check.finished_at is 'When the comparison ended.';
comment on column app_public.pfa_drift_check.error_code is 'Reason for the failure: a stable code.';
comment on column app_public.pfa_drift_check.error_message is 'Reason for the failure, in a sentence.';
comment on column app_public.pfa_drift_check.error_hint is 'Suggested action.';
comment on index app_public.pfa_drift_check_queued_key is 'Uniqueness: a second request joins the waiting one.';
comment on table app_public.pfa_drift_difference is
  E'@name driftDifference\n@behavior -query:resource:single\nA difference between the mirror and PEMS.';
comment on column app_public.pfa_drift_difference.number is 'Position in the list, from 1.';
comment on column app_public.pfa_drift_difference.pfa_id is 'The record. Null if PEMS returned a row without an id.';
comment on column app_public.pfa_drift_difference.key is 'The key, if the difference concerns one.';
comment on column app_public.pfa_drift_difference.mirror_value is 'Value in the mirror. Null for an empty key.';
comment on column app_public.pfa_drift_difference.pems_value is 'Value in PEMS. Null for an empty key.';
comment on column app_public.pfa_drift_difference.message is 'Reason why the row is unreadable.';
comment on table app_core.pfa_push_intent is
  'Values that were read and values to write, recorded before each write to PEMS. So a crash between the two '
  'neither loses nor doubles a write.';
comment on column app_core.pfa_push_intent.id is 'Identifier.';
comment on column app_core.pfa_push_intent.modification_id is 'Change that is being written.';
comment on column app_core.pfa_push_intent.attempt is 'Number of the attempt to write the change.';
comment on column app_core.pfa_push_intent.record_version is 'The `recordid` from the read of PEMS.';
comment on column app_core.pfa_push_intent.read_values is 'Values in PEMS under the keys to be written.';
comment on column app_core.pfa_push_intent.read_at is
  'When the response to the read arrived, by the clock of the database.';
comment on column app_core.pfa_push_intent.write_values is 'Values to write.';
comment on column app_core.pfa_push_intent.send_before is 'Deadline after which the write must not be sent.';
comment on column app_core.pfa_push_intent.outcome is
  'Outcome: `confirmed`, `refused`, `altered`, `conflict`, `failed` (certainly not written), `uncertain` (unknown '
  'until the next read). Null while the attempt continues.';
comment on column app_core.pfa_push_intent.answer is 'Response of PEMS, without credentials.';
comment on column app_core.pfa_push_intent.created_at is 'When the intent was recorded.';
comment on column app_core.pfa_push_intent.quiet_at is
  'Deadline after which an unanswered write can no longer take effect: the sending deadline, the timeout, and the '
  'same time for PEMS.';
comment on column app_core.pfa_push_intent.answered_at is
  'When PEMS responded to the write. Null while the write may still be under way.';
comment on index app_core.pfa_push_intent_open_idx is 'Writes in progress, after a crash.';
comment on table app_core.pfa_push_exchange is
  'Requests to PEMS about single records while changes were written, and the responses, without credentials. They '
  'help to explain a late refusal.';
comment on column app_core.pfa_push_exchange.id is 'Identifier, ascending in the order of the requests.';
comment on column app_core.pfa_push_exchange.modification_id is
  'Change that was being written. It may have been deleted.';
comment on column app_core.pfa_push_exchange.attempt is 'Number of the attempt to write the change.';
comment on column app_core.pfa_push_exchange.request is 'Body of the request.';
comment on column app_core.pfa_push_exchange.status is 'HTTP status. Null if no response began.';
comment on column app_core.pfa_push_exchange.answer is
  'Body of the response. Long bodies are truncated. Null if no complete response arrived.';
comment on column app_core.pfa_push_exchange.error_code is 'Error code of the failure.';
comment on column app_core.pfa_push_exchange.milliseconds is 'Duration of the request.';
comment on column app_core.pfa_push_exchange.answered_at is 'When the request ended.';
comment on index app_core.pfa_push_exchange_pfa_id_idx is 'Exchanges about a record.';
comment on index app_core.pfa_push_exchange_answered_at_idx is 'Retention: the oldest exchanges of an organization.';
comment on table app_private.pems_rate is
  'Next free time for a request to a tenant of PEMS, shared by all workers, organizations and connections. '
  'Unlogged: a crash may lose it.';
comment on column app_private.pems_rate.next_at is 'First time that no worker has acquired yet.';
comment on column app_private.pems_rate.requests is 'Number of acquired requests.';
comment on table app_private.pems_state is
  'Circuit breaker and pause of a connection. Without a row, the connection may write.';
comment on column app_private.pems_state.failures is
  'Number of consecutive requests that failed because of the connection.';
comment on column app_private.pems_state.opened_at is
  'When the breaker opened. While it is open, the worker only probes the connection. Null while it is closed.';
comment on column app_private.pems_state.probes is 'Number of probes since then.';
comment on column app_private.pems_state.next_probe_at is 'Time of the next probe.';
comment on column app_private.pems_state.error_code is 'Error code of the last failed request.';
comment on column app_private.pems_state.error_message is 'Error message of the last failed request.';
comment on column app_private.pems_state.paused_at is 'When an administrator paused the connection.';
comment on column app_private.pems_state.paused_by is 'Administrator who paused the connection.';
comment on table app_private.pfa_push_pause is
  'Organizations whose changes are not written to PEMS while writing is paused.';
comment on column app_private.pfa_push_pause.paused_at is 'When writing was paused.';
comment on column app_private.pfa_push_pause.paused_by is 'User who paused it. Null for a command.';
comment on type app_public.pfa_resolution is 'Choice for problems of a draft.';
comment on column app_public.pfa_resolution.revision is E'@notNull\nRevision of the record that you saw.';
comment on column app_public.pfa_resolution.choice is
  E'@notNull\n`mine`: your value replaces the current one. `theirs`: the current value stays, and your draft of the '
  'key is discarded. `value`: a third value.';
comment on column app_public.pfa_resolution.keys is
  'Keys to resolve; omit them to resolve all keys with a problem. Give exactly one with `value`.';
comment on column app_public.pfa_resolution.value is 'Third value, with the choice `value`.';
comment on type app_public.pfa_resolve_result is 'Result of resolving problems.';
comment on column app_public.pfa_resolve_result.operation_id is
  'Operation that you can undo. Null if no draft changed.';
comment on column app_public.pfa_resolve_result.record_count is E'@notNull\nNumber of records with resolved problems.';
comment on column app_public.pfa_resolve_result.key_count is E'@notNull\nNumber of resolved keys.';
comment on column app_public.pfa_resolve_result.refused is
  E'@notNull\nSkipped records: `[{"recordId", "problem"}, ...]`.';
comment on column app_public.pfa_resolve_result.revisions is
  'Current revision of each resolved record. Null for more than 5,000 records.';
comment on type app_public.pfa_push_status is 'Progress of writing changes of an organization to PEMS.';
comment on column app_public.pfa_push_status.state is
  E'@notNull\n`open` (changes are written), `paused`, `no_connection` (no connection may write), '
  '`connection_paused`, `breaker_open` (PEMS is unreachable or refuses the credentials; probes continue, and '
  'writing resumes on its own).';
comment on column app_public.pfa_push_status.waiting_count is E'@notNull\nNumber of committed changes that wait.';
comment on column app_public.pfa_push_status.writing_count is
  E'@notNull\nNumber of changes that are being written or read back.';
comment on column app_public.pfa_push_status.uncertain_count is
  E'@notNull\nNumber of these whose outcome is uncertain. They are read again once the write can no longer take '
  'effect.';
comment on column app_public.pfa_push_status.oldest_committed_at is 'Commit time of the oldest of these changes.';
comment on column app_public.pfa_push_status.paused_at is 'When the organization, or its connection, was paused.';
comment on column app_public.pfa_push_status.paused_by is 'User who paused it. Null for a command.';
comment on column app_public.pfa_push_status.breaker_opened_at is 'When the breaker opened.';
comment on column app_public.pfa_push_status.breaker_code is 'Reason: a stable code.';
comment on column app_public.pfa_push_status.breaker_message is 'Reason, in a sentence; for owners and admins.';
comment on column app_public.pfa_push_status.next_probe_at is 'Time of the next probe.';
comment on table app_core.pfa_event is
  'Changes by one statement to what users see: ids only, never a value. Subscriptions receive events, and clients '
  'that were away request them.';
comment on column app_core.pfa_event.id is
  'Identifier from the sequence of revisions. It is drawn after the revisions of the event, so it is greater, and '
  'clients continue from it.';
comment on column app_core.pfa_event.kind is
  '`records` (changes of records that a viewer sees) or `modifications` (changes of the state of modifications).';
comment on column app_core.pfa_event.viewer_id is 'User who sees the event. 0: all users, as in the overlay.';
comment on column app_core.pfa_event.record_ids is
  'Changed records. Null if there were too many to list: clients then reload all records.';
comment on column app_core.pfa_event.revisions is 'Revision of the change of each record.';
comment on column app_core.pfa_event.modification_ids is
  'Changed modifications, each for the record at the same position.';
comment on column app_core.pfa_event.states is
  'Current state of each modification: `committed`, `syncing`, `synced`, `problem` (a draft with a problem), '
  '`draft` (without one), `gone` (withdrawn, or replaced by a later one).';
comment on column app_core.pfa_event.xid is
  'Transaction of the event. Transactions may commit in a different order than they draw revisions.';
comment on column app_core.pfa_event.snapshot is
  'Transactions that had ended when the event was written. A client with this event has seen them; it still needs '
  'all others.';
comment on column app_core.pfa_event.happened_at is 'Time of the event.';
comment on index app_core.pfa_event_xid_idx is
  'Changes since an event, also of transactions that ended later than newer ones.';
comment on table app_core.pfa_event_forgotten is
  'Limit up to which events of an organization were deleted. Changes before it are unknown to clients.';
comment on column app_core.pfa_event_forgotten.revision is 'Greatest id of a deleted event.';
comment on column app_core.pfa_event_forgotten.xid is 'Latest transaction of a deleted event.';
comment on type app_public.pfa_changed_record is 'A changed record.';
comment on column app_public.pfa_changed_record.revision is
  E'@notNull\nRevision of the change. Read the record again if your revision is smaller; it may be gone.';
comment on type app_public.pfa_catch_up is 'Changes while you were away.';
comment on column app_public.pfa_catch_up.is_complete is
  E'@notNull\nWhether all changes are listed. If not, they are too old or too many: load all records again, and '
  'continue from `revision`.';
comment on column app_public.pfa_catch_up.revision is
  E'@notNull\nRevision to continue from next time. If there are several pages, use that of the first page.';
comment on column app_public.pfa_catch_up.records is
  E'@notNull\nChanged records that you see, by id. You may know some of them already.';
comment on column app_public.pfa_catch_up.next_after is
  'Id to pass as `after` for the next page. Null on the last page.';
comment on table app_private.legacy_table is
  'Tables of the prototype that the import converts. Rows of other tables are kept only in `legacy_row`.';
comment on column app_private.legacy_table.name is 'Name in the prototype.';
comment on column app_private.legacy_table.position is
  'Order of the import, from 1: rows come after the rows that they refer to.';
comment on column app_private.legacy_table.target is 'Table that receives the rows.';
comment on column app_private.legacy_table.natural_keys is
  'Unique indexes that identify an existing row as the same. The first match counts.';
comment on column app_private.legacy_table.constants is 'Constant values that the import adds to each row.';
comment on table app_private.legacy_column is 'Columns of these tables, with their conversion and target.';
comment on column app_private.legacy_column.name is 'Name in the prototype.';
comment on column app_private.legacy_column.target is
  'Column here. `data.KEY` is a key of a record; for secrets it is the name of the credential.';
comment on column app_private.legacy_column.parent is 'Table that a reference refers to.';
comment on column app_private.legacy_column.is_kept_by_system is
  'Whether the product maintains the value, such as a count. A differing value then does not mean that a user '
  'changed the row.';
comment on column app_private.legacy_column.note is 'Reason why the column is not imported.';
comment on table app_private.legacy_import is 'Imports of the prototype''s database from an export.';
comment on column app_private.legacy_import.id is 'Identifier.';
comment on column app_private.legacy_import.manifest is
  'Manifest of the export: tables, columns, counts, checksums, source.';
comment on column app_private.legacy_import.manifest_sha256 is
  'Checksum of the manifest. Importing the same export again changes nothing.';
comment on column app_private.legacy_import.imported_at is 'Time of the import.';
comment on column app_private.legacy_import.rolled_back_at is
  'When the import was rolled back. Null while it is in effect.';
comment on index app_private.legacy_import_standing_key is 'Uniqueness: one import in effect at a time.';
comment on table app_private.legacy_row is
  'Every row of the prototype''s database in its original form, as a line of the export, byte for byte. They prove '
  'that nothing was lost.';
comment on column app_private.legacy_row.table_name is 'Table in the prototype.';
comment on column app_private.legacy_row.line_number is 'Line in the file of the table, from 1.';
comment on column app_private.legacy_row.line is
  'The row: a JSON array in the order of the columns, in the canonical form of the export. It is text because every '
  'byte counts.';
comment on column app_private.legacy_row.legacy_id is 'Id in the prototype.';
comment on column app_private.legacy_row.state is
  '`added`; `merged` into an existing row that no user had changed; `same` as an existing row, which stayed; '
  '`quarantined`, see problems; `kept` here only, because its table is not imported.';
comment on column app_private.legacy_row.target is
  'Primary key of the imported row. Null for records, which organization and pfaId identify.';
comment on column app_private.legacy_row.previous is 'Previous content of a merged row.';
comment on column app_private.legacy_row.problems is 'Reasons for the quarantine: `[{"column", "value", "problem"}]`.';
comment on table app_core.pfa_overlay is
  'Merged rows of changed records. Viewer 0 sees mirror and pending changes; viewer u sees these and the draft of '
  'user u. Each transaction that changes one of them updates the overlay. A row without pending changes and draft '
  'keeps the last visible revision until the mirror has a later one.';
comment on column app_core.pfa_mirror.plan_is_rental is
  'Whether the plan is a rental: the plan''s source, or else the forecast''s, is `Rental`.';
comment on column app_core.pfa_overlay.plan_is_rental is
  'Whether the plan is a rental: the plan''s source, or else the forecast''s, is `Rental`.';
comment on column app_core.pfa_mirror.plan_cost_cents is
  'Cost over the plan''s dates, from the plan''s source, rate or price, in US cents. The forecast''s value counts '
  'if PEMS has no plan value.';
comment on column app_core.pfa_overlay.plan_cost_cents is
  'Cost over the plan''s dates, from the plan''s source, rate or price, in US cents. The forecast''s value counts '
  'if PEMS has no plan value.';
comment on column app_public.pfa_kpis.rental_count is E'@notNull\nNumber of records whose forecast is a rental.';
comment on column app_public.pfa_kpis.rental_plan_cost is E'@notNull\nPlan cost of these records, USD.';
comment on column app_public.pfa_kpis.rental_forecast_cost is E'@notNull\nForecast cost of these records, USD.';
comment on column app_public.pfa_kpis.purchase_count is E'@notNull\nNumber of records whose forecast is a purchase.';
comment on column app_public.pfa_kpis.purchase_plan_cost is E'@notNull\nPlan cost of these records, USD.';
comment on column app_public.pfa_kpis.purchase_forecast_cost is E'@notNull\nForecast cost of these records, USD.';
comment on column app_public.pfa_sync_log.state is
  '`queued`, `running`, `succeeded`, `withheld` (read, but not merged until a user or command accepts it), '
  '`failed`.';
comment on column app_public.pfa_sync_log.rows_spared is
  'Number of withheld removals: there were suspiciously many (see `limits`), so a user or command must accept them.';
comment on column app_public.pfa_sync_log.rows_twin is
  'Number of refused rows whose id differs from another id only by case, blanks, leading zeros or normal form.';
comment on column app_public.pfa_sync_log.missing_columns is
  E'@notNull\nColumns that the grid had before and that this run lacks, at least in some rows: `[{"alias", "keys", '
  '"rows", "lastSeenAt"}]`. Their values stay. `lastSeenAt` is null if the grid never had the column.';
comment on column app_public.pfa_sync_log.reasons is
  E'@notNull\nReasons for withholding the run: `[{"code", "key", "message", "count", "of", "samples"}]`.';
comment on column app_public.pfa_sync_log.preview is
  'Changes that a withheld run would make: `{"added", "changed", "rejected", "missing", "columns": [{"key", '
  '"changed", "emptied", "samples": [{"recordId", "from", "to"}]}]}`.';
comment on column app_public.pfa_sync_log.error_code is 'Reason why the run failed or was withheld: a stable code.';
comment on column app_public.pfa_sync_log.error_message is 'Reason why the run failed or was withheld, in a sentence.';
comment on column app_public.pfa_sync_log.accepted_at is 'When the withheld run was accepted. The next run merges it.';
comment on column app_public.pfa_sync_log.accepted_by is 'User who accepted the withheld run. Null for a command.';
comment on index app_public.pfa_sync_log_accepted_by_idx is 'Runs that a user accepted; on delete of a user.';
comment on table app_public.pfa_column is
  E'@name gridColumn\n@behavior -query:resource:single\nColumns that the grid of PEMS has or had for an '
  'organization, and those that the mapping expects.';
comment on column app_public.pfa_column.alias is 'Name in PEMS, in lower case.';
comment on column app_public.pfa_column.keys is
  'Keys of a record that are read from the column. If empty, the value is kept under the name of the column.';
comment on column app_public.pfa_column.first_seen_at is 'When a run first returned the column. Null: never.';
comment on column app_public.pfa_column.last_seen_at is
  'When the last run with the column began, which is the age of its values in the mirror. Null: never.';
comment on column app_public.pfa_column.missing_since is
  'When the first run without the column began. Null while runs return it.';
comment on table app_private.pfa_limits is 'Limits of organizations that differ from the defaults.';
comment on column app_private.pfa_limits.removed_percent is
  'Percentage of records gone above which removals are withheld.';
comment on column app_private.pfa_limits.refused_percent is 'Percentage of refused rows above which a run is withheld.';
comment on column app_private.pfa_limits.changed_percent is
  'Percentage of records with a changed value of a key above which a run is withheld.';
comment on column app_private.pfa_limits.emptied_percent is
  'Percentage of emptied values of a key above which a run is withheld.';
comment on column app_private.pfa_limits.least_records is 'Number of records above which the percentages apply.';
comment on column app_private.pfa_limits.absent_days is
  'Days of inactivity after which drafts of a member may be taken over.';
comment on column app_private.pfa_limits.daily_changes is
  'Number of records whose drafts a user may change each day, with undone and redone ones.';
comment on column app_private.pfa_limits.changed_at is 'When a user or a command last set it.';
comment on column app_private.pfa_limits.changed_by is 'User who last set it. Null for a command.';
comment on type app_public.organization_limits is
  'Limits above which a sync is suspicious, and days after which a member counts as away.';
comment on column app_public.organization_limits.removed_percent is
  E'@notNull\nPercentage of records gone from PEMS above which removals must be accepted.';
comment on column app_public.organization_limits.refused_percent is
  E'@notNull\nPercentage of refused rows above which a run is withheld.';
comment on column app_public.organization_limits.changed_percent is
  E'@notNull\nPercentage of records with a changed value of one key above which a run is withheld.';
comment on column app_public.organization_limits.emptied_percent is
  E'@notNull\nPercentage of emptied values of one key above which a run is withheld.';
comment on column app_public.organization_limits.least_records is
  E'@notNull\nNumber of records above which the percentages apply.';
comment on column app_public.organization_limits.absent_days is
  E'@notNull\nDays of inactivity after which drafts of a member may be taken over.';
comment on column app_public.organization_limits.changed_at is 'When a user or a command last set the limits.';
comment on column app_public.organization_limits.changed_by is 'User who last set the limits. Null for a command.';
comment on column app_public.pfa_fields.earliest is
  'First date that users may draft. Earlier dates from PEMS are kept, and the sync reports them.';
comment on column app_public.pfa_fields.latest is
  'Last date that users may draft. Later dates from PEMS are kept, and the sync reports them.';
comment on column app_public.pfa_fields.largest is
  'Largest amount that users may draft, in USD. Larger amounts from PEMS are kept, and the sync reports them.';
comment on column app_public.pfa_fields.max_amount is
  'Upper limit of amounts from PEMS, in USD: the cost of millennia still fits into whole cents of 64 bits.';
comment on column app_public.pfa_sum.group_value is
  'Category, class, area or other value of the group. A month is `2026-04`; beyond 600 months, `before 2001-04` and '
  '`after 2051-03` hold the rest. Null without a group, and for records without a value.';
comment on column app_core.pfa_change.about_user_id is
  'Author of a draft that was taken over or discarded. Null for every other change.';
comment on table app_public.pfa_takeover is
  E'@name takeover\n@behavior -query:resource:single\nNotice that an owner or admin took over or discarded drafts of '
  'yours.';
comment on column app_public.pfa_takeover.id is 'Identifier.';
comment on column app_public.pfa_takeover.user_id is E'@behavior -*\nAuthor of the drafts.';
comment on column app_public.pfa_takeover.taken_by is
  E'@behavior -*\nUser who took the drafts. Null if the account was deleted.';
comment on column app_public.pfa_takeover.is_discarded is 'Whether the drafts were discarded rather than taken over.';
comment on column app_public.pfa_takeover.record_count is 'Number of records with a draft.';
comment on column app_public.pfa_takeover.record_ids is 'First 20 of these records.';
comment on column app_public.pfa_takeover.taken_at is 'Time of the takeover.';
comment on column app_public.pfa_takeover.seen_at is 'When the author dismissed the notice. Null until then.';
comment on index app_public.pfa_takeover_user_id_idx is 'Notices of a user; on delete of a user.';
comment on column app_public.pfa_draft_author.last_active_at is
  E'@notNull\nWhen the user last signed in, used a session or drafted.';
comment on column app_public.pfa_draft_author.is_away is
  E'@notNull\nWhether the drafts may be taken over or discarded: the user may no longer commit them, or was inactive '
  'for as long as `limits` of the organization says.';
comment on table app_private.pfa_draft_usage is
  'Changes of drafts by each user on the last active day. They bound the storage of a user.';
comment on column app_private.pfa_draft_usage.day is 'Day in UTC.';
comment on column app_private.pfa_draft_usage.changed_records is
  'Number of records changed by operations on drafts, with undone and redone ones.';
comment on column app_private.pfa_draft_usage.history_rows is
  'Number of rows in the private history of single records. No rows are added beyond 20,000.';
comment on index app_core.pfa_change_private_idx is 'Retention: the oldest private changes of an organization.';
comment on column app_public.pfa_draft_totals.plan_cost_change is
  E'@notNull\nChange of the plan cost by your drafts, USD, compared with PEMS and pending changes.';
comment on column app_public.pfa_draft_totals.actual_cost_change is
  E'@notNull\nChange of the actual cost by your drafts, USD, compared with PEMS and pending changes.';
comment on column app_public.pfa_bulk_preview.changed_keys is
  E'@notNull\nKeys that would change, with the number of records: `[{"key", "count"}, ...]`.';
comment on column app_public.organizations.code is
  'Code in PEMS, such as `HOLNG`. Case matters. A numeric code takes precedence over an id with the same digits.';
comment on column app_public.pems_settings.login_organization is
  'Organization of the login, sent as the header `organization`. Null: the organization of the record.';
comment on column app_private.legacy_import.time_zone is
  'Time zone in which the prototype stored days as local midnight. Null: UTC.';
--! Included app_core/functions/administered_organization_ids.sql
create or replace function app_core.administered_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.administered_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.administered_organization_ids() is
  'Ids of the organizations whose sync, memberships and mappings the signed-in user may manage.';
grant execute on function app_core.administered_organization_ids() to vanguard_visitor, vanguard_worker,
  vanguard_ai_reader;
--! EndIncluded app_core/functions/administered_organization_ids.sql
--! Included app_core/functions/cents.sql
create or replace function app_core.cents(amount numeric) returns bigint
  language sql immutable parallel safe
  return round(amount * 100)::bigint;
comment on function app_core.cents(numeric) is
  'Converts USD to whole cents. Integers are leakproof, so an index on them works under row level security.';
grant execute on function app_core.cents(numeric) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/cents.sql
--! Included app_core/functions/changed_keys.sql
create or replace function app_core.changed_keys(before jsonb, after jsonb) returns jsonb
  language sql immutable parallel safe
begin atomic
  select coalesce(jsonb_object_agg(key, jsonb_build_object('from', b.value, 'to', a.value)), '{}')
  from jsonb_each(before) b
  full join jsonb_each(after) a using (key)
  where nullif(b.value, 'null') is distinct from nullif(a.value, 'null');
end;
comment on function app_core.changed_keys(jsonb, jsonb) is
  'Differences between two records, by key: `{"key": {"from": ..., "to": ...}}`. A missing key equals null.';
grant execute on function app_core.changed_keys(jsonb, jsonb) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/changed_keys.sql
--! Included app_core/functions/cleaned.sql
create or replace function app_core.cleaned(value jsonb) returns jsonb
  language sql immutable parallel safe
  return case
    when jsonb_typeof(value) <> 'string' then value
    when app_core.cleaned_text(value #>> '{}') = '' then 'null'::jsonb
    else to_jsonb(app_core.cleaned_text(value #>> '{}'))
  end;
comment on function app_core.cleaned(jsonb) is
  'Returns the value in the form in which it is drafted. Text is cleaned by `cleaned_text`; text that is empty '
  'afterwards becomes null.';
grant execute on function app_core.cleaned(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/cleaned.sql
--! Included app_core/functions/cleaned_text.sql
create or replace function app_core.cleaned_text(text text) returns text
  language sql immutable parallel safe
  return btrim(regexp_replace(regexp_replace(normalize(text, NFC),
    '[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\U000e0000-\U000e007f]', '', 'g'),
    '[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]', ' ', 'g'), E' \t\r\n');
comment on function app_core.cleaned_text(text) is
  'Returns a text as users see it: without zero-width characters, direction marks and outer spaces, with plain spaces '
  'inside, and with composed accents (NFC). Input and search text are cleaned alike, so texts that look the same '
  'match.';
grant execute on function app_core.cleaned_text(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/cleaned_text.sql
--! Included app_core/functions/cost_cents.sql
create or replace function app_core.cost_cents(source text, first_day date, last_day date, monthly_rate numeric,
  purchase_price numeric) returns bigint
  language sql immutable parallel safe
  return case source
    when 'Rental' then coalesce(round(greatest(0, last_day - first_day) * monthly_rate * 100 / 30.44), 0)::bigint
    when 'Purchase' then coalesce(round(purchase_price * 100), 0)::bigint
    else 0
  end;
comment on function app_core.cost_cents(text, date, date, numeric, numeric) is
  'Cost of a record in cents, rounded once, so that totals equal the sums of the displayed costs. Rental: days / '
  '30.44 * monthly rate; Purchase: the price. A missing rate, price or date counts as 0.';
grant execute on function app_core.cost_cents(text, date, date, numeric, numeric) to vanguard_visitor, vanguard_worker,
  vanguard_ai_reader;
--! EndIncluded app_core/functions/cost_cents.sql
--! Included app_core/functions/current_organization_ids.sql
create or replace function app_core.current_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.organization_ids', true), ''), '{}')::integer[];
comment on function app_core.current_organization_ids() is 'Ids of the organizations whose data the signed-in user '
  'may read.';
grant execute on function app_core.current_organization_ids() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/current_organization_ids.sql
--! Included app_core/functions/current_user_id.sql
create or replace function app_core.current_user_id() returns integer
  language sql stable parallel safe
  return nullif(current_setting('jwt.claims.user_id', true), '')::integer;
comment on function app_core.current_user_id() is 'Id of the signed-in user, or null.';
grant execute on function app_core.current_user_id() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/current_user_id.sql
--! Included app_core/functions/find_records.sql
create or replace function app_core.find_records(organization_id integer, search text, containing jsonb)
  returns setof text
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  -- The statements always use indexes, whatever the values. Planning them took longer than finding a rare value.
  set plan_cache_mode = force_generic_plan
  -- Only one branch would gain from parallel workers, and starting them takes 7 to 10 ms even if that branch is not
  -- used.
  set max_parallel_workers_per_gather = 0
  rows 200
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := find_records.organization_id;
  p_containing constant jsonb := find_records.containing;
  p_texts jsonb;
  me constant integer := app_core.current_user_id();
  words constant text[] := app_core.search_words(search);
  patterns constant text[] := array(select app_core.search_pattern(w) from unnest(words) w);
  has_words constant boolean := cardinality(words) > 0;
  -- Digits have no case, and lower() would take most of the time.
  has_case constant boolean := words[1] !~ '^[0-9]+$';
  -- If more values than this contain the word, so many records match that checking each record is as fast.
  most_values constant integer := 200;
  -- Values that contain the first word, whether each also contains the other words, and ids that contain the first
  -- word.
  fields jsonb[];
  have_all boolean[];
  ids text[];
  way text := 'all';
begin
  -- The argument is null for a row without an organization.
  if p_organization_id is null then
    return;
  end if;
  perform app_private.require_readable(p_organization_id);
  if length(search) > 200 then
    raise exception 'The search text has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  if jsonb_typeof(p_containing) <> 'object' then
    raise exception 'The value of `containing` is not an object.'
      using errcode = 'VG400', hint = 'For example {"model": "LTM 1100"}.';
  end if;

  p_texts := app_core.text_fields(p_containing);
  if p_texts <> '{}' then
    way := 'containing';
  end if;
  if has_words and not exists (select from app_private.pfa_search_stale s
    where s.organization_id = p_organization_id) then
    select array_agg(jsonb_build_object(v.key, v.text)), array_agg(lower(v.text) like all (patterns))
      into fields, have_all
    from (
      select l.key, t.text from app_private.pfa_search_values l cross join unnest(l.texts) t (text)
      where l.organization_id = p_organization_id and l.key <> 'pfaId'
        and case when has_case then lower(t.text) else t.text end like patterns[1]
      limit most_values + 1
    ) v;
    if coalesce(cardinality(fields), 0) <= most_values then
      way := 'values';
      -- No id can contain the word if one of its three-character parts is unknown.
      if exists (
        select from app_private.pfa_search_values l
        where l.organization_id = p_organization_id and l.key = 'pfaId'
          and l.texts @> array(select substr(words[1], n, 3) from generate_series(1, length(words[1]) - 2) n)
      ) then
        ids := array(
          select m.pfa_id from app_core.pfa_mirror m
          where m.organization_id = p_organization_id
            and case when has_case then lower(m.pfa_id) else m.pfa_id end like patterns[1]);
      end if;
    end if;
  end if;

  -- The overlay has a few thousand records at most.
  return query
    select o.pfa_id from app_private.overlaid(p_organization_id, me) o
    where (o.removed_at is null or o.has_draft)
      and (not has_words or app_core.search_text(o.pfa_id, o.data) like all (patterns))
      and (p_containing is null or o.data @> p_containing);

  -- Exactly one branch reads the mirror; the conditions below apply to each of them. A record that several values lead
  -- to is returned several times.
  return query
    select m.pfa_id
    from (
      select m.pfa_id, m.data, m.removed_at, v.has_all
      from unnest(fields, have_all) v (fields, has_all)
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and app_core.text_fields(m.data) @> v.fields
      where way = 'values'
      union all
      select m.pfa_id, m.data, m.removed_at, cardinality(words) = 1
      from app_core.pfa_mirror m
      where way = 'values' and m.organization_id = p_organization_id and m.pfa_id = any (ids)
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'containing' and m.organization_id = p_organization_id and app_core.text_fields(m.data) @> p_texts
      union all
      select m.pfa_id, m.data, m.removed_at, not has_words
      from app_core.pfa_mirror m
      where way = 'all' and m.organization_id = p_organization_id
    ) m
    where m.removed_at is null
      and (m.has_all or app_core.search_text(m.pfa_id, m.data) like all (patterns))
      and (p_containing is null or m.data @> p_containing)
      and m.pfa_id not in (
        select o.pfa_id from app_core.pfa_overlay o where o.organization_id = p_organization_id
          and o.viewer_id in (0, me));
end;
$$;
comment on function app_core.find_records(integer, text, jsonb) is
  'Returns the ids of the records that contain all words of a text and contain an object, as the signed-in user sees '
  'the records. Either argument may be null. An id may be returned more than once. It is a definer function, because '
  'row level security keeps LIKE and @> away from indexes. It checks access to the organization itself (VG404). It '
  'raises VG400 for a text of more than 200 characters and for a value that is not an object.';
grant execute on function app_core.find_records(integer, text, jsonb) to vanguard_visitor;
--! EndIncluded app_core/functions/find_records.sql
--! Included app_core/functions/id_key.sql
create or replace function app_core.id_key(pfa_id text) returns text
  language sql immutable strict parallel safe
  return case
    when octet_length(pfa_id) = length(pfa_id) and pfa_id !~ '\s' then lower(pfa_id)
    else lower(translate(
      btrim(regexp_replace(normalize(pfa_id, NFKC), '[\s\u00a0\u00ad\u200b-\u200f\u2060\ufeff]+', ' ', 'g')),
      'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŁŚŠŽŻŹĆČŘŞĞİΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ'
        'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁ',
      'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþłśšžżźćčřşğiαβγδεζηθικλμνξοπρστυφχψω'
        'абвгдежзийклмнопрстуфхцчшщъыьэюяё'))
  end;
comment on function app_core.id_key(text) is
  'Returns the same key for ids that differ only by case, normal form or blanks. The letters are listed because a '
  'database without a locale only knows the case of ASCII letters.';
--! EndIncluded app_core/functions/id_key.sql
--! Included app_core/functions/is_administrator.sql
create or replace function app_core.is_administrator() returns boolean
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.is_administrator', true), ''), 'false')::boolean;
comment on function app_core.is_administrator() is
  'Whether the signed-in user has the role `admin`, which grants everything in every organization.';
grant execute on function app_core.is_administrator() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/is_administrator.sql
--! Included app_core/functions/is_iso_date.sql
create or replace function app_core.is_iso_date(value text) returns boolean
  language sql immutable parallel safe
  return case
    when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and substr(value, 1, 4) <> '0000'
      then substr(value, 9, 2)::integer <= date_part('day',
        make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month -1 day')
    else false
  end;
comment on function app_core.is_iso_date(text) is 'Whether the text is an existing date in the form `YYYY-MM-DD`.';
grant execute on function app_core.is_iso_date(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/is_iso_date.sql
--! Included app_core/functions/is_private_route.sql
-- Defined once, because the policy, the user names of changes and the events of moved records must agree on it.
create or replace function app_core.is_private_route(route text) returns boolean
  language sql immutable parallel safe
  return route in ('draft', 'takeover', 'resolve');
comment on function app_core.is_private_route(text) is
  'Whether a change by this route concerns drafts only. Only their author sees such changes.';
grant execute on function app_core.is_private_route(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/is_private_route.sql
--! Included app_core/functions/iso_date.sql
create or replace function app_core.iso_date(value text) returns date
  language sql immutable parallel safe
  return make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer);
comment on function app_core.iso_date(text) is
  'Converts strict `YYYY-MM-DD` text to a date, regardless of DateStyle. Staging and the checks of drafts have '
  'already refused invalid dates.';
grant execute on function app_core.iso_date(text) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/iso_date.sql
--! Included app_core/functions/json_texts.sql
create or replace function app_core.json_texts(list jsonb) returns text[]
  language sql immutable parallel safe
begin atomic
  select coalesce(array_agg(e.value), '{}') from jsonb_array_elements_text(list) e (value);
end;
comment on function app_core.json_texts(jsonb) is 'Returns the elements of a JSON list as texts.';
--! EndIncluded app_core/functions/json_texts.sql
--! Included app_core/functions/may_configure.sql
create or replace function app_core.may_configure(organization_id integer) returns boolean
  language sql stable parallel safe
  return app_core.is_administrator() or coalesce(organization_id = any (app_core.administered_organization_ids()),
    false);
comment on function app_core.may_configure(integer) is
  'Whether the signed-in user may see connections of this organization. Only administrators see shared connections '
  '(null).';
grant execute on function app_core.may_configure(integer) to vanguard_visitor;
--! EndIncluded app_core/functions/may_configure.sql
--! Included app_core/functions/most_named.sql
create or replace function app_core.most_named() returns integer
  language sql immutable parallel safe
  return 10000;
comment on function app_core.most_named() is
  'Maximum number of records that an event lists. For more records, the event only says that there are many.';
grant execute on function app_core.most_named() to vanguard_visitor;
--! EndIncluded app_core/functions/most_named.sql
--! Included app_core/functions/normalized.sql
create or replace function app_core.normalized(value jsonb) returns jsonb
  language sql stable parallel safe
  return case
    when value is null or value = '""' then 'null'::jsonb
    when jsonb_typeof(value) = 'number' then to_jsonb(trim_scale((value #>> '{}')::numeric))
    else value
  end;
comment on function app_core.normalized(jsonb) is
  'Returns a value in the form that comparisons use: missing, null and "" are null; 10.50 and 10.5 are the same '
  'amount.';
grant execute on function app_core.normalized(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/normalized.sql
--! Included app_core/functions/plan_cost_cents.sql
create or replace function app_core.plan_cost_cents(data jsonb) returns bigint
  language sql immutable parallel safe
  return app_core.cost_cents(
    coalesce(data->>'originalSource', data->>'source'),
    app_core.iso_date(data->>'originalStart'), app_core.iso_date(data->>'originalEnd'),
    coalesce(data->>'originalMonthlyRate', data->>'monthlyRate')::numeric,
    coalesce(data->>'originalPurchasePrice', data->>'purchasePrice')::numeric);
comment on function app_core.plan_cost_cents(jsonb) is
  'Plan cost of a record in cents, from the dates of the plan. If PEMS has no planned source, rate or price, the '
  'forecast''s value counts.';
grant execute on function app_core.plan_cost_cents(jsonb) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/plan_cost_cents.sql
--! Included app_core/functions/search_pattern.sql
create or replace function app_core.search_pattern(word text) returns text
  language sql immutable parallel safe
  return '%' || regexp_replace(word, '([\\%_])', '\\\1', 'g') || '%';
comment on function app_core.search_pattern(text) is 'Returns the LIKE pattern that finds a word anywhere in a text.';
--! EndIncluded app_core/functions/search_pattern.sql
--! Included app_core/functions/search_text.sql
create or replace function app_core.search_text(pfa_id text, data jsonb) returns text
  language sql immutable parallel safe
  return lower(pfa_id
    || ' ' || coalesce(data->>'category', '') || ' ' || coalesce(data->>'class', '')
    || ' ' || coalesce(data->>'areaSilo', '') || ' ' || coalesce(data->>'manufacturer', '')
    || ' ' || coalesce(data->>'model', '') || ' ' || coalesce(data->>'contract', '')
    || ' ' || coalesce(data->>'equipment', ''));
comment on function app_core.search_text(text, jsonb) is
  'Searchable text of a record, in lower case: id, category, class, area, manufacturer, model, contract and asset '
  'tag.';
grant execute on function app_core.search_text(text, jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/search_text.sql
--! Included app_core/functions/search_words.sql
create or replace function app_core.search_words(search text) returns text[]
  language sql immutable parallel safe
  return array(
    select w.word from regexp_split_to_table(lower(app_core.cleaned_text(search)), '\s+') w (word) where w.word <> ''
      order by length(w.word) desc, w.word limit 20
  );
comment on function app_core.search_words(text) is
  'Returns the words of a cleaned text in lower case, 20 at most. The longest word comes first, because it narrows '
  'the search most.';
--! EndIncluded app_core/functions/search_words.sql
--! Included app_core/functions/text_fields.sql
create or replace function app_core.text_fields(data jsonb) returns jsonb
  language sql immutable parallel safe
  return data - array[
    'pfaId', 'organization', 'originalStart', 'originalEnd', 'forecastStart', 'forecastEnd', 'actualStart', 'actualEnd',
    'monthlyRate', 'purchasePrice', 'isActualized', 'isDiscontinued', 'isFundsTransferable', 'originalCategory',
    'originalClass', 'originalSource', 'originalDor', 'originalMonthlyRate', 'originalPurchasePrice'
  ];
comment on function app_core.text_fields(jsonb) is
  'Returns the fields of a record that the index of values holds: its texts, and all fields of PEMS that the product '
  'does not know. Ids, dates, amounts, flags and the plan are left out: they have other indexes or are never '
  'searched, and would make this one large.';
grant execute on function app_core.text_fields(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/text_fields.sql
--! Included app_core/functions/usd.sql
create or replace function app_core.usd(cents numeric) returns numeric
  language sql immutable parallel safe
  return round(cents * 0.01, 2);
comment on function app_core.usd(numeric) is 'Converts cents to USD. It multiplies because a product is exact, while '
  'a quotient keeps 16 digits only.';
grant execute on function app_core.usd(numeric) to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/usd.sql
--! Included app_core/functions/value_problem.sql
create or replace function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql stable parallel safe
begin atomic
  select case
    when field.kind = 'flag' and (value is null or jsonb_typeof(value) <> 'boolean')
      then 'is not true or false'
    when value is null or value = 'null' or value = '""' then null
    when field.kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}'))
      then 'is not a valid date; write it as "YYYY-MM-DD"'
    when field.kind = 'date' and app_core.iso_date(value #>> '{}') not between field.earliest and field.latest
      then format('is out of range; enter a date from %s to %s', to_char(field.earliest, 'YYYY-MM-DD'),
        to_char(field.latest, 'YYYY-MM-DD'))
    when field.kind = 'money' and jsonb_typeof(value) <> 'number'
      then 'is not a number; give the amount in USD as a number'
    when field.kind = 'money' and (value #>> '{}')::numeric < 0
      then 'is negative; enter 0 or more'
    when field.kind = 'money' and (value #>> '{}')::numeric > field.largest
      then format('is too large; enter at most %s USD',
        ltrim(to_char(field.largest, '999,999,999,999,999,999')))
    when field.kind = 'money' and (value #>> '{}')::numeric <> round((value #>> '{}')::numeric, 2)
      then 'has more than two decimals; enter whole cents'
    when field.kind = 'text' and jsonb_typeof(value) <> 'string'
      then 'is not text'
    when field.kind = 'text' and length(value #>> '{}') > field.max_length
      then format('is longer than %s characters', field.max_length)
    when field.kind = 'text' and (value #>> '{}') ~ '[\u0001-\u001f\u007f]'
      then 'contains control characters, such as a line break'
    when field.allowed_values is not null and not (value #>> '{}') = any (field.allowed_values)
      then format('is not one of %s', array_to_string(field.allowed_values, ', '))
  end;
end;
comment on function app_core.value_problem(app_public.pfa_fields, jsonb) is
  'Describes why a value is invalid for a key, as the end of a sentence. Null if the value is valid. Missing, null '
  'and "" empty a key. A flag cannot be emptied, because PEMS has no empty flag.';
grant execute on function app_core.value_problem(app_public.pfa_fields, jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/value_problem.sql
--! Included app_core/functions/writable_organization_ids.sql
create or replace function app_core.writable_organization_ids() returns integer[]
  language sql stable parallel safe
  return coalesce(nullif(current_setting('jwt.claims.writable_organization_ids', true), ''), '{}')::integer[];
comment on function app_core.writable_organization_ids() is
  'Ids of the organizations in which the signed-in user may draft and commit.';
grant execute on function app_core.writable_organization_ids() to vanguard_visitor, vanguard_worker, vanguard_ai_reader;
--! EndIncluded app_core/functions/writable_organization_ids.sql
--! Included app_private/functions/accept_spared_removals.sql
create or replace function app_private.accept_spared_removals(organization_id integer, run_id bigint, user_id integer)
  returns app_public.pfa_sync_log
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_spared_removals.organization_id;
  p_run_id constant bigint := accept_spared_removals.run_id;
  p_user_id constant integer := accept_spared_removals.user_id;
  run app_public.pfa_sync_log;
  removed text[];
begin
  -- A run that is merging at this moment may have seen these records again.
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  -- Locked after the row of the run, in the same order as a merge, so that the two cannot deadlock.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  if run.id is null then
    raise exception 'There is no run % of organization %.', p_run_id, p_organization_id
      using errcode = 'VG404', hint = 'List the runs of the organization with syncLogs.';
  end if;
  if run.rows_spared = 0 then
    raise exception 'Run % withheld no removals.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose rowsSpared is above 0.';
  end if;

  -- Candidates whose removal this run withheld and that every later full run missed as well. Records seen since then
  -- have left the list.
  select app_private.remove_records(p_organization_id, array_agg(c.pfa_id), p_user_id) into removed
  from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id and c.spared_by_run <= p_run_id;
  perform app_private.follow_mirror(p_organization_id, removed);

  update app_public.pfa_sync_log l
  set rows_removed = l.rows_removed + coalesce(cardinality(removed), 0),
    removals_accepted_at = coalesce(l.removals_accepted_at, clock_timestamp()),
    removals_accepted_by = case when l.removals_accepted_at is null then p_user_id else l.removals_accepted_by end
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;
  if removed is not null then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.accept_spared_removals(integer, bigint, integer) is
  'Removes the records whose removal a run withheld and that PEMS still lacks. Records who accepted the removals, and '
  'when. A second call changes nothing.';
--! EndIncluded app_private/functions/accept_spared_removals.sql
--! Included app_private/functions/accept_withheld_run.sql
create or replace function app_private.accept_withheld_run(organization_id integer, run_id bigint, user_id integer)
  returns app_public.pfa_sync_log
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_withheld_run.organization_id;
  p_run_id constant bigint := accept_withheld_run.run_id;
  run app_public.pfa_sync_log;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  if run.id is null then
    raise exception 'There is no run % of organization %.', p_run_id, p_organization_id
      using errcode = 'VG404', hint = 'List the runs of the organization with syncLogs.';
  end if;
  if run.state <> 'withheld' and not (run.state = 'succeeded' and run.rows_twin > 0) then
    raise exception 'Run % withheld nothing.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose state is withheld, or whose rowsTwin is above 0.';
  end if;
  if exists (
    select from app_public.pfa_sync_log l
    where l.organization_id = p_organization_id and l.id > p_run_id and l.state = 'succeeded') then
    raise exception 'A later run than % has succeeded.', p_run_id
      using errcode = 'VG409', hint = 'Check the latest run; nothing else needs to be accepted.';
  end if;
  if run.accepted_at is null then
    update app_public.pfa_sync_log l
    set accepted_at = clock_timestamp(), accepted_by = accept_withheld_run.user_id
    where l.organization_id = p_organization_id and l.id = p_run_id
    returning l.* into run;
    perform app_private.queue_sync(p_organization_id, case when user_id is null then 'command' else 'user' end,
      accept_withheld_run.user_id, 'full');
  end if;
  return run;
end;
$$;
comment on function app_private.accept_withheld_run(integer, bigint, integer) is
  'Accepts a withheld run for a user or (null) a command, and queues a full run that merges the data. The new run is '
  'withheld again if it has other reasons, or clearly more rows for the same reason. A second call changes nothing.';
--! EndIncluded app_private/functions/accept_withheld_run.sql
--! Included app_private/functions/account_key.sql
create or replace function app_private.account_key(username text) returns bytea
  language sql stable
  return sha256(convert_to(lower(btrim(username)), 'UTF8'));
comment on function app_private.account_key(text) is
  'Key for counting sign-in attempts on a user name. All spellings that find_login accepts for a user share one key.';
--! EndIncluded app_private/functions/account_key.sql
--! Included app_private/functions/add_signing_key.sql
create or replace function app_private.add_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text,
  nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Two servers that start at once on a new database must not both add a first key.
  lock table app_private.signing_keys in share row exclusive mode;
  if not exists (select from app_private.signing_keys k where k.retired_at is null) then
    insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
      values (add_signing_key.kid, add_signing_key.algorithm, add_signing_key.public_jwk, add_signing_key.key_id,
        add_signing_key.nonce, add_signing_key.ciphertext);
  end if;
end;
$$;
comment on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) is
  'Adds the first signing key, unless one exists.';
grant execute on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) to vanguard_authenticator;
--! EndIncluded app_private/functions/add_signing_key.sql
--! Included app_private/functions/apply_resolutions.sql
create or replace function app_private.apply_resolutions(organization_id integer, items jsonb)
  returns app_public.pfa_resolve_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := apply_resolutions.organization_id;
  me constant integer := app_core.current_user_id();
  p_ids constant text[] := array(select distinct i->>'recordId' from jsonb_array_elements(items) i);
  changes jsonb;
  changed app_public.pfa_draft_result;
  result app_public.pfa_resolve_result;
begin
  -- The current underlying value becomes the base of the key, and the problem is cleared.
  with kept as materialized (
    select m.pfa_id, array_agg(i->>'key') as keys, jsonb_object_agg(i->>'key',
      app_core.normalized(m.underlay->(i->>'key'))) as base,
      jsonb_object_agg(i->>'key', jsonb_build_object('from', app_core.normalized(m.underlay->(i->>'key')), 'to',
        i->'value'))
        filter (where i->>'choice' = 'mine' and app_core.normalized(m.underlay->(i->>'key')) <> i->'value') as kept
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, me, p_ids) m on m.pfa_id = i->>'recordId'
    where i->>'choice' <> 'theirs'
    group by m.pfa_id
  ),
  rebased as (
    update app_core.pfa_modification d set base = d.base || k.base, problems = d.problems - k.keys
    from kept k
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (p_ids)
      and d.pfa_id = k.pfa_id
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, k.pfa_id, me, 'resolve', k.kept from kept k where k.kept is not null;

  select jsonb_agg(jsonb_build_object('recordId', r.id, 'changes', r.changes, 'dropped', r.dropped)) into changes
  from (
    select i->>'recordId' as id,
      coalesce(jsonb_object_agg(i->>'key', i->'value') filter (where i->>'choice' <> 'theirs'), '{}') as changes,
      coalesce(jsonb_agg(i->'key') filter (where i->>'choice' = 'theirs'), '[]') as dropped
    from jsonb_array_elements(items) i group by 1
  ) r;
  changed := app_private.change_drafts(p_organization_id, me, coalesce(changes, '[]'), 'resolve');
  result.operation_id := changed.operation_id;
  result.record_count := cardinality(p_ids);
  result.key_count := jsonb_array_length(items);
  result.refused := '[]';
  result.revisions := changed.revisions;
  return result;
end;
$$;
comment on function app_private.apply_resolutions(integer, jsonb) is
  'Resolves problems of the signed-in user''s drafts: `[{"recordId", "key", "choice", "value"}]`. Expects validated '
  'items, and the locks of lock_operations and lock_records. The current underlying value becomes the base of each '
  'kept draft.';
--! EndIncluded app_private/functions/apply_resolutions.sql
--! Included app_private/functions/at_microseconds.sql
create or replace function app_private.at_microseconds(microseconds text) returns timestamptz
  language sql immutable parallel safe
  return timestamptz 'epoch' + microseconds::bigint * interval '1 microsecond';
comment on function app_private.at_microseconds(text) is
  'Converts microseconds since 1970, as the worker holds times, to a timestamp. The digits are text so that none is '
  'lost.';
--! EndIncluded app_private/functions/at_microseconds.sql
--! Included app_private/functions/begin_drift_check.sql
create or replace function app_private.begin_drift_check(organization_id integer, check_id bigint)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_public.pfa_drift_difference d
  where d.organization_id = begin_drift_check.organization_id and d.check_id = begin_drift_check.check_id
    and exists (
      select from app_public.pfa_drift_check c
      where c.organization_id = d.organization_id and c.id = d.check_id and c.state <> 'succeeded');
  delete from app_private.pfa_staging s
  where s.organization_id = begin_drift_check.organization_id and s.run_id = -begin_drift_check.check_id;
  -- A comparison in the state "running" belongs to a worker that has stopped. Comparisons that failed because of PEMS
  -- are not repeated; the user may start another one.
  update app_public.pfa_drift_check c
  set state = 'running', started_at = clock_timestamp(), finished_at = null, error_code = null, error_message = null,
    error_hint = null,
    rows_read = 0, records_compared = 0, records_differing = 0, keys_differing = 0, missing_in_pems = 0,
    missing_in_mirror = 0,
    unreadable = 0, left_out = 0, differences_kept = 0
  where c.organization_id = begin_drift_check.organization_id and c.id = begin_drift_check.check_id
    and (c.state in ('queued', 'running') or c.error_code in ('DRIFT_FAILED', 'WORKER_STOPPED'))
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.begin_drift_check(integer, bigint) is
  'Starts a comparison, or restarts one that a worker abandoned, and returns it. Null if there is nothing to do.';
grant execute on function app_private.begin_drift_check(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/begin_drift_check.sql
--! Included app_private/functions/begin_legacy_work.sql
create or replace function app_private.begin_legacy_work() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set client_min_messages = warning
as $$
begin
  -- Every step reads these tables again. The session allocates the buffers as needed and keeps them. PostgreSQL refuses
  -- the setting if the session has used temporary tables before.
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
  -- There are many records, so they have a partition of their own that queries for other tables skip. No row refers to
  -- a record.
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
  'Creates the temporary tables of the transaction. legacy_plan has each row in its original and its converted '
  'form, with its problems and its outcome; legacy_match has the existing rows that it matches. In legacy_plan, '
  '`refs` holds the legacy ids that a row refers to, `content` its columns in this database, and `data` the keys of '
  'a record.';
--! EndIncluded app_private/functions/begin_legacy_work.sql
--! Included app_private/functions/begin_probe.sql
create or replace function app_private.begin_probe(api_configuration_id text) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with begun as (
    update app_private.pems_state s
    set probes = s.probes + 1,
      next_probe_at = clock_timestamp() + least(interval '2 seconds' * power(2, least(s.probes + 1, 10)),
        interval '2 minutes')
    where s.api_configuration_id = begin_probe.api_configuration_id and s.next_probe_at <= clock_timestamp()
    returning 1
  )
  select exists (select from begun);
end;
comment on function app_private.begin_probe(text) is
  'Whether the caller must probe the connection now. Only one of the waiting callers gets true.';
grant execute on function app_private.begin_probe(text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_probe.sql
--! Included app_private/functions/begin_pushes.sql
create or replace function app_private.begin_pushes(organization_id integer, most integer)
  returns table (id bigint, attempt integer, pfa_id text, step text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_pushes.organization_id;
  moment constant timestamptz := clock_timestamp();
  ids bigint[];
  pfa_ids text[];
begin
  if (select g.state from app_private.push_gate(p_organization_id) g) <> 'open' then
    return;
  end if;
  -- Changes are taken in the order of their commits, and one at a time for each record. The condition `not in ('draft',
  -- 'synced')` leads the planner to the index by record. Without statistics it would otherwise scan the whole index of
  -- pending changes.
  select array_agg(d.id), array_agg(d.pfa_id) into ids, pfa_ids
  from (
    select m.id, m.pfa_id
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.state in ('committed', 'syncing')
      and (m.state = 'committed' and m.retry_at is null or m.retry_at <= moment)
      and not exists (
        select from app_core.pfa_modification e
        where e.organization_id = p_organization_id and e.pfa_id = m.pfa_id and e.state not in ('draft', 'synced')
          and e.id <> m.id
          and (e.state = 'syncing' or m.state = 'committed' and e.commit_sequence < m.commit_sequence))
    order by m.commit_sequence
    limit begin_pushes.most
  ) d;
  if ids is null then
    return;
  end if;
  perform app_private.lock_records(p_organization_id, pfa_ids);
  return query
    with due as materialized (
      select m.id,
        exists (
          select from app_core.pfa_push_intent i
          where i.organization_id = p_organization_id and i.modification_id = m.id and i.attempt = m.attempts
            and i.outcome is null and i.answered_at is not null) as is_answered
      from app_core.pfa_modification m
      where m.organization_id = p_organization_id and m.id = any (ids)
        and (m.state = 'committed' and m.retry_at is null or m.state in ('committed', 'syncing')
          and m.retry_at <= moment)
      for update
    )
    update app_core.pfa_modification m
    set state = 'syncing', retry_at = null, attempts = case when d.is_answered then m.attempts else m.attempts + 1 end
    from due d
    where m.organization_id = p_organization_id and m.id = d.id
    returning m.id, m.attempts, m.pfa_id, case when d.is_answered then 'read_back' else 'read' end;
end;
$$;
comment on function app_private.begin_pushes(integer, integer) is
  'Takes up to `most` changes to write to PEMS and returns the next step of each: `read`, or `read_back` if PEMS has '
  'already responded to the write. Returns none while the push gate is not open. Their authors can no longer withdraw '
  'them.';
grant execute on function app_private.begin_pushes(integer, integer) to vanguard_worker;
--! EndIncluded app_private/functions/begin_pushes.sql
--! Included app_private/functions/bulk_items.sql
create or replace function app_private.bulk_items(organization_id integer, user_id integer, pfa_ids text[],
  operation app_public.pfa_bulk_operation)
  returns table (pfa_id text, revision bigint, data jsonb, changes jsonb, verdict text, problem text, key text)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with seen as materialized (
    select i.id as pfa_id, m.revision, m.data, m.pfa_id is null as is_missing, m.removed_at is not null as is_removed,
      coalesce(m.data->>'isActualized' = 'true', false) as is_actualized,
      app_core.iso_date(m.data->>'originalStart') as original_start,
      app_core.iso_date(m.data->>'originalEnd') as original_end,
      app_core.iso_date(m.data->>'forecastStart') as forecast_start,
      app_core.iso_date(m.data->>'forecastEnd') as forecast_end,
      app_core.iso_date(m.data->>'actualStart') as actual_start, app_core.iso_date(m.data->>'actualEnd') as actual_end
    from unnest(bulk_items.pfa_ids) i (id)
    left join app_private.merged_for(bulk_items.organization_id, bulk_items.user_id, bulk_items.pfa_ids) m
      on m.pfa_id = i.id
  ),
  moved as (
    select s.*,
      case when not s.is_actualized then coalesce(s.forecast_start + (operation).shift_days,
        case when (operation).reset_to_plan then s.original_start end) end as new_forecast_start,
      case when not s.is_actualized then coalesce(s.forecast_end + (operation).shift_days,
        greatest(s.forecast_end + (operation).duration_days, case when s.forecast_end is not null
        and (operation).duration_days is not null then s.forecast_start end),
        case when (operation).reset_to_plan then s.original_end end) end as new_forecast_end,
      case when s.is_actualized then coalesce(s.actual_end + (operation).shift_days,
        greatest(s.actual_end + (operation).duration_days, case when s.actual_end is not null
          and (operation).duration_days is not null then s.actual_start end)) end as new_actual_end
    from seen s
  ),
  wanted as materialized (
    select m.pfa_id, m.revision, m.data,
      -- Values as the record will hold them: "" empties a key, and counts as null in calculations.
      coalesce((select jsonb_object_agg(v.key, app_core.normalized(app_core.cleaned(v.value)))
        from jsonb_each((operation).set) v),
        jsonb_strip_nulls(jsonb_build_object(
        'forecastStart', m.new_forecast_start, 'forecastEnd', m.new_forecast_end, 'actualEnd', m.new_actual_end))) as
          changes,
      case
        when m.is_missing then 'there is no such record'
        when m.is_removed then 'was removed from PEMS'
        when (operation).reset_to_plan and m.is_actualized then 'is actualized: only a forecast can be reset to the '
          'plan'
        when (operation).reset_to_plan and (m.original_start is null
          or m.original_end is null) then 'has no plan to reset to'
        when least(m.new_forecast_start, m.new_forecast_end, m.new_actual_end) < date '0001-01-01'
          or greatest(m.new_forecast_start, m.new_forecast_end,
            m.new_actual_end) > date '9999-12-31' then 'would have a date outside the years 1 to 9999'
      end as problem
    from moved m
  ),
  judged as materialized (
    select w.*,
      w.problem is null and not exists (
        select from jsonb_each(w.changes) c where app_core.normalized(c.value) <> app_core.normalized(w.data->c.key)) as
          is_same
    from wanted w
  ),
  -- The remaining records are validated by the rules for single values and for whole records.
  unfit as materialized (
    select u.id, min(u.key) as key, string_agg(format('%s %s', u.key, u.problem), '; ' order by u.key) as problem
    from app_private.refused_changes(bulk_items.organization_id, bulk_items.user_id, (
        select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'changes', j.changes)), '[]')
        from judged j where j.problem is null and not j.is_same)) r
    cross join lateral jsonb_to_recordset(r.unfit) w ("recordId" text, key text, problem text)
    cross join lateral (select w."recordId" as id, w.key, w.problem) u
    group by u.id
  )
  select j.pfa_id, j.revision, j.data, j.changes,
    case when coalesce(j.problem, u.problem) is not null then 'refused' when j.is_same then 'unchanged' else 'changed'
      end,
    coalesce(j.problem, u.problem), u.key
  from judged j
  left join unfit u on u.id = j.pfa_id;
end;
comment on function app_private.bulk_items(integer, integer, text[], app_public.pfa_bulk_operation) is
  'Returns how an operation changes each of these records as the user sees them. The outcome is `changed`, '
  '`unchanged` (the record has the values already, or has no dates to move) or `refused`, with the reason as the end '
  'of a sentence.';
--! EndIncluded app_private/functions/bulk_items.sql
--! Included app_private/functions/bulk_records.sql
create or replace function app_private.bulk_records(organization_id integer, selection app_public.pfa_selection)
  returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
  -- Records that were listed by id stay in the result even if they do not exist, so that they are reported.
  return (
    select coalesce(array_agg(s.id order by s.id), '{}')
    from (
      select unnest(app_private.selected_ids(organization_id, selection)) as id
      union
      select n.id from unnest((selection).record_ids) n (id)
      where not exists (select from app_core.pfa_mirror m where m.organization_id = bulk_records.organization_id
        and m.pfa_id = n.id and m.removed_at is null)
    ) s
  );
comment on function app_private.bulk_records(integer, app_public.pfa_selection) is
  'Returns the ids of the records that a bulk operation covers.';
--! EndIncluded app_private/functions/bulk_records.sql
--! Included app_private/functions/bulk_token.sql
create or replace function app_private.bulk_token(organization_id integer, user_id integer, pfa_ids text[],
  operation app_public.pfa_bulk_operation) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  select md5(coalesce(string_agg(m.pfa_id || ':' || m.revision, ',' order by m.pfa_id), '')
    || bulk_token.operation::text)
  from app_private.merged_for(bulk_token.organization_id, bulk_token.user_id, bulk_token.pfa_ids) m;
end;
comment on function app_private.bulk_token(integer, integer, text[], app_public.pfa_bulk_operation) is
  'Token of a bulk preview. It changes with the operation, with the set of selected records, and with each change of '
  'one of them.';
--! EndIncluded app_private/functions/bulk_token.sql
--! Included app_private/functions/change_drafts.sql
create or replace function app_private.change_drafts(organization_id integer, user_id integer, items jsonb, kind text,
  continues bigint default null)
  returns app_public.pfa_draft_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := change_drafts.organization_id;
  p_user_id constant integer := change_drafts.user_id;
  p_kind constant text := change_drafts.kind;
  -- The operation that this one continues: only the user's newest one, if it has the same kind and is in effect.
  continued constant bigint := (
    select l.id from (
      select o.id, o.kind, o.undone_at from app_core.pfa_draft_operation o
      where o.organization_id = p_organization_id and o.user_id = p_user_id order by o.id desc limit 1
    ) l where l.id = change_drafts.continues and l.kind = p_kind and l.undone_at is null);
  ids constant text[] := array(select i->>'recordId' from jsonb_array_elements(items) i);
  is_logged boolean;
  result app_public.pfa_draft_result;
begin
  is_logged := cardinality(ids) > 0 and app_private.use_draft_quota(p_organization_id, p_user_id, cardinality(ids));
  with seen as materialized (
    select m.pfa_id, coalesce(i->'changes', '{}') as changes, coalesce(i->'dropped', '[]') as dropped, m.data,
      m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, p_user_id, ids) m on m.pfa_id = i->>'recordId'
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = m.pfa_id
  ),
  keyed as materialized (
    select v.pfa_id, v.key, v.drafted, v.problem,
      case when v.value is not null then app_core.normalized(app_core.cleaned(v.value)) end as value,
      app_core.normalized(v.under) as under,
      app_core.normalized(v.seen) as seen,
      coalesce(v.base, app_core.normalized(v.under)) as base
    from (
      select s.pfa_id, c.key, c.value, s.underlay->c.key as under, s.data->c.key as seen,
        s.base->c.key as base, s.delta->c.key as drafted, s.problems->c.key as problem
      from seen s
      cross join lateral (
        select e.key, e.value from jsonb_each(s.changes) e
        union all
        select d.key, null from jsonb_array_elements_text(s.dropped) d (key)
      ) c
      -- Keeps the lookups from being repeated for each reference.
      offset 0
    ) v
  ),
  -- A key is drafted if its value differs from the underlying value.
  decided as materialized (
    select k.pfa_id, k.key, k.drafted, k.problem, k.under, k.seen, k.base,
      case when k.value <> k.under then k.value end as value from keyed k
  ),
  kept as materialized (
    select s.pfa_id, s.delta - d.keys || d.delta as delta, s.base - d.keys || d.base as base,
      s.problems - d.keys || d.problems as problems
    from seen s
    join (
      select d.pfa_id,
        array_agg(d.key) as keys,
        coalesce(jsonb_object_agg(d.key, d.value) filter (where d.value is not null), '{}') as delta,
        coalesce(jsonb_object_agg(d.key, d.base) filter (where d.value is not null), '{}') as base,
        -- A conflict stays when the draft gets another value. Other problems belonged to the old value and are cleared.
        coalesce(jsonb_object_agg(d.key, jsonb_set(d.problem, '{mine}', d.value))
          filter (where d.value is not null and d.problem->>'kind' = 'conflict'), '{}') as problems
      from decided d group by d.pfa_id
    ) d on d.pfa_id = s.pfa_id
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, d.pfa_id, p_user_id, case p_kind when 'resolve' then 'resolve' else 'draft' end,
      jsonb_object_agg(d.key, jsonb_build_object('from', d.seen, 'to', coalesce(d.value, d.under)))
    from decided d where is_logged and d.seen <> coalesce(d.value, d.under) group by d.pfa_id
  ),
  changed as materialized (
    select d.pfa_id, jsonb_object_agg(d.key,
      case when d.drafted is null then '{}' else jsonb_build_object('from', d.drafted) end
      || case when d.value is null then '{}' else jsonb_build_object('to', d.value) end) as differences
    from decided d where d.drafted is distinct from d.value group by d.pfa_id
  ),
  remembered as (
    insert into app_core.pfa_draft_operation (organization_id, user_id, kind, record_count, differences)
    select p_organization_id, p_user_id, p_kind, count(*), jsonb_object_agg(c.pfa_id, c.differences)
    from changed c where p_kind is not null and continued is null having count(*) > 0
    returning id
  ),
  -- If a record is part of both operations, the joined one keeps the value before the first change and the value after
  -- the last.
  joined as (
    update app_core.pfa_draft_operation o set
      differences = o.differences || c.differences,
      record_count = (select count(*) from jsonb_object_keys(o.differences || c.differences))
    from (
      select jsonb_object_agg(c.pfa_id, coalesce(b.differences->c.pfa_id, '{}') || (
        select jsonb_object_agg(k.key, case when b.differences->c.pfa_id ? k.key
          then (b.differences->c.pfa_id->k.key) - 'to' || k.value - 'from' else k.value end)
        from jsonb_each(c.differences) k)) as differences
      from changed c
      cross join (
        select b.differences from app_core.pfa_draft_operation b
        where b.organization_id = p_organization_id and b.user_id = p_user_id and b.id = continued) b
      having count(*) > 0
    ) c
    where o.organization_id = p_organization_id and o.user_id = p_user_id and o.id = continued
    returning o.id
  ),
  emptied as (
    delete from app_core.pfa_modification d using kept k
    where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
      and d.pfa_id = k.pfa_id and k.delta = '{}'
  ),
  written as (
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, p_user_id, k.pfa_id, k.delta, k.base, k.problems from kept k where k.delta <> '{}'
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta, base = excluded.base, problems = excluded.problems
      where (d.delta, d.base, d.problems) is distinct from (excluded.delta, excluded.base, excluded.problems)
  )
  select coalesce((select r.id from remembered r), (select j.id from joined j)), (select count(*) from changed),
    (select count(*) from seen) - (select count(*) from changed), '[]', null
  into result;

  perform app_private.rewrite_overlay(p_organization_id, ids);
  if result.operation_id is not null then
    -- A new operation deletes the undone ones: they can no longer be redone.
    delete from app_core.pfa_draft_operation o
    where o.organization_id = p_organization_id and o.user_id = p_user_id
      and (o.undone_at is not null or o.id <= (
        select l.id from app_core.pfa_draft_operation l
        where l.organization_id = p_organization_id and l.user_id = p_user_id
        order by l.id desc offset 50 limit 1)
      -- Operations on up to 200,000 records in total can be undone, and always the newest.
      or o.id <= (
        select max(l.id) from (
          select t.id, sum(t.record_count) over (order by t.id desc) as records,
            row_number() over (order by t.id desc) as number
          from app_core.pfa_draft_operation t
          where t.organization_id = p_organization_id and t.user_id = p_user_id
        ) l
        where l.records > 200000 and l.number > 1));
  end if;
  if cardinality(ids) <= 5000 then
    select coalesce(jsonb_object_agg(m.pfa_id, m.revision), '{}') into result.revisions
    from app_private.merged_for(p_organization_id, p_user_id, ids) m;
  end if;
  return result;
end;
$$;
comment on function app_private.change_drafts(integer, integer, jsonb, text, bigint) is
  'Sets keys of a user''s drafts, `[{"recordId", "changes": {key: value}, "dropped": [key, ...]}]`, with each '
  'record once, and removes the dropped keys. A value that equals the underlying value removes its key as well. The '
  'base of a key stays as long as the key is drafted. Records the operation unless its kind is null. With '
  '`continues` it extends that operation, so that one undo reverts both. Call it under lock_operations and '
  'lock_records, with validated values.';
--! EndIncluded app_private/functions/change_drafts.sql
--! Included app_private/functions/change_password.sql
create or replace function app_private.change_password(user_id integer, old_hash text, new_hash text) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update app_private.user_passwords p
  set password_hash = change_password.new_hash, must_change = false, changed_at = clock_timestamp()
  where p.user_id = change_password.user_id and p.password_hash = change_password.old_hash;
  if not found then
    return false;
  end if;
  perform app_private.end_all_sessions(change_password.user_id);
  return true;
end;
$$;
comment on function app_private.change_password(integer, text, text) is
  'Replaces the password with this hash and signs the user out everywhere, in one step. Returns false if the password '
  'changed in the meantime.';
grant execute on function app_private.change_password(integer, text, text) to vanguard_authenticator;
--! EndIncluded app_private/functions/change_password.sql
--! Included app_private/functions/clear_sign_in_attempts.sql
create or replace function app_private.clear_sign_in_attempts(username text) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with tried as (
    select a.address from app_private.sign_in_attempts a
      where a.account = app_private.account_key(clear_sign_in_attempts.username)
  ), deleted as (
    delete from app_private.sign_in_attempts a
    where a.account = app_private.account_key(clear_sign_in_attempts.username)
      or a.account is null and a.address in (select t.address from tried t)
    returning a.account, a.attempts
  )
  select coalesce(sum(d.attempts) filter (where d.account is not null), 0)::integer from deleted d;
end;
comment on function app_private.clear_sign_in_attempts(text) is
  'Clears the failed attempts of an account, so that the user can sign in at once from any address. For operators: no '
  'role may execute it. Returns more than 0 if attempts were counted.';
--! EndIncluded app_private/functions/clear_sign_in_attempts.sql
--! Included app_private/functions/clear_staging.sql
create or replace function app_private.clear_staging(organization_id integer, run_id bigint) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := clear_staging.organization_id;
  p_run_id constant bigint := clear_staging.run_id;
  is_alone boolean;
begin
  -- Truncates the table if no other run uses it. Deleting rows would leave behind an index of a hundred megabytes that
  -- never shrinks.
  begin
    lock table app_private.pfa_staging in access exclusive mode nowait;
    is_alone := not exists (
      select from app_private.pfa_staging s where (s.organization_id, s.run_id) is distinct
        from (p_organization_id, p_run_id));
  exception when lock_not_available then
    is_alone := false;
  end;
  if is_alone then
    truncate app_private.pfa_staging;
  else
    delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;
end;
$$;
comment on function app_private.clear_staging(integer, bigint) is 'Removes the rows of a run from staging.';
--! EndIncluded app_private/functions/clear_staging.sql
--! Included app_private/functions/compare_drift.sql
create or replace function app_private.compare_drift(organization_id integer, check_id bigint, pfa_ids text[],
  begun_at timestamptz, is_last boolean) returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_drift.organization_id;
  p_check_id constant bigint := compare_drift.check_id;
  p_pfa_ids constant text[] := compare_drift.pfa_ids;
  p_begun_at constant timestamptz := compare_drift.begun_at;
  most constant integer := 1000;
  moved text[];
begin
  perform app_private.keep_unknown(p_organization_id, -p_check_id);
  with code as (
    select o.code from app_public.organizations o where o.id = p_organization_id
  ),
  staged as materialized (
    select s.pfa_id, count(*) as times, min(s.requested_at) as requested_at, (array_agg(s.data))[1] as data,
      (array_agg(s.problems) filter (where s.problems is not null))[1] as problems
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is not null
      and s.organization_code = (select c.code from code c)
    group by s.pfa_id
  ),
  mirrored as materialized (
    select m.pfa_id, m.data, m.observed_at, m.removed_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and (p_pfa_ids is null or m.pfa_id = any (p_pfa_ids))
  ),
  written as materialized (
    select distinct d.pfa_id from app_core.pfa_modification d where d.organization_id = p_organization_id
      and d.state = 'syncing'
  ),
  compared as materialized (
    select coalesce(s.pfa_id, m.pfa_id) as pfa_id, m.data as mirror_data, s.data as pems_data, s.problems, s.times,
      case
        -- Skips records that another run has read since the request, or that are being written to PEMS: their
        -- differences would be false.
        when w.pfa_id is not null or m.observed_at >= coalesce(s.requested_at, p_begun_at) then 'moved'
        when s.times > 1 or s.problems is not null then 'unreadable'
        when s.pfa_id is null then 'missing-in-pems'
        when m.pfa_id is null or m.removed_at is not null then 'missing-in-mirror'
        when m.data <> s.data then 'differs'
        else 'same'
      end as kind
    from staged s
    full join mirrored m on m.pfa_id = s.pfa_id
    left join written w on w.pfa_id = coalesce(s.pfa_id, m.pfa_id)
    where s.pfa_id is not null or m.removed_at is null
  ),
  difference as materialized (
    select c.kind, c.pfa_id, k.key, k.value->'from' as mirror_value, k.value->'to' as pems_value, null as message
    from compared c
    cross join lateral jsonb_each(app_core.changed_keys(c.mirror_data, c.pems_data)) k
    where c.kind = 'differs'
    union all
    select c.kind, c.pfa_id, null, null, null, null from compared c
      where c.kind in ('missing-in-pems', 'missing-in-mirror')
    union all
    select c.kind, c.pfa_id, null, null, null, 'PEMS returned this id more than once.' from compared c
      where c.kind = 'unreadable' and c.times > 1
    union all
    select c.kind, c.pfa_id, p->>'key', c.mirror_data->(p->>'key'), p->'value', p->>'message'
    from compared c cross join lateral jsonb_array_elements(c.problems) p where c.kind = 'unreadable' and c.times = 1
    union all
    select 'unreadable', null, null, null, null, 'PEMS returned a row without an id.'
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = -p_check_id and s.pfa_id is null
      and s.organization_code = (select c.code from code c)
  ),
  counted as (
    select
      count(*) filter (where c.kind <> 'moved') as records_compared,
      count(*) filter (where c.kind = 'differs') as records_differing,
      count(*) filter (where c.kind = 'missing-in-pems') as missing_in_pems,
      count(*) filter (where c.kind = 'missing-in-mirror') as missing_in_mirror,
      count(*) filter (where c.kind = 'unreadable') as unreadable, count(*) filter (where c.kind = 'moved') as moved,
      array_agg(c.pfa_id order by c.pfa_id) filter (where c.kind = 'moved') as moved_ids
    from compared c
  ),
  kept as (
    insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, mirror_value,
      pems_value, message)
    select p_organization_id, p_check_id, c.differences_kept + row_number() over (order by d.pfa_id, d.key), d.kind,
      d.pfa_id, d.key,
      -- A missing value is SQL null, not JSON null.
      nullif(d.mirror_value, 'null'), nullif(d.pems_value, 'null'), d.message
    from difference d
    cross join app_public.pfa_drift_check c
    where c.organization_id = p_organization_id and c.id = p_check_id
    order by d.pfa_id, d.key
    limit (
      select most - c.differences_kept from app_public.pfa_drift_check c
      where c.organization_id = p_organization_id and c.id = p_check_id)
    returning 1
  ),
  noted as (
    update app_public.pfa_drift_check c
    set records_compared = c.records_compared + n.records_compared,
      records_differing = c.records_differing + n.records_differing,
      keys_differing = c.keys_differing + (select count(*) from difference d where d.kind = 'differs'),
      missing_in_pems = c.missing_in_pems + n.missing_in_pems,
      missing_in_mirror = c.missing_in_mirror + n.missing_in_mirror,
      unreadable = c.unreadable + n.unreadable + (select count(*) from difference d where d.kind = 'unreadable'
        and d.pfa_id is null),
      left_out = case when compare_drift.is_last then n.moved else 0 end,
      differences_kept = c.differences_kept + (select count(*) from kept)
    from counted n
    where c.organization_id = p_organization_id and c.id = p_check_id
    returning 1
  )
  select n.moved_ids into moved from counted n, noted;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = -p_check_id;
  return moved;
end;
$$;
comment on function app_private.compare_drift(integer, bigint, text[], timestamp with time zone, boolean) is
  'Compares the rows that a comparison has read with the mirror, for these records or (null) for all. Lists and '
  'counts the differences. Returns the records that changed in the meantime, to be read and compared again. In the '
  'last pass they are counted as left out.';
grant execute on function app_private.compare_drift(integer, bigint, text[], timestamp
  with time zone, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/compare_drift.sql
--! Included app_private/functions/compare_staged.sql
create or replace function app_private.compare_staged(
  organization_id integer, run_id bigint, run_started_at timestamptz,
  out added text[], out changed text[], out restamped text[], out missing text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- Staging has no useful statistics. These settings make the planner read both sides in index order and merge them.
  -- The plans that it prefers otherwise sort or hash all rows, or take minutes.
  set enable_nestloop = off
  set enable_hashjoin = off
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_staged.organization_id;
  p_run_id constant bigint := compare_staged.run_id;
begin
  select
    array_agg(s.pfa_id) filter (where m.pfa_id is null and s.reason is null),
    array_agg(s.pfa_id) filter (where s.reason is null and s.requested_at > m.observed_at
      and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.reason is null and s.requested_at > m.observed_at
      and (m.version, m.version_by) is distinct from (s.version, s.version_by)),
    array_agg(m.pfa_id) filter (where s.is_seen is null and m.removed_at is null
      and m.observed_at < compare_staged.run_started_at)
  into added, changed, restamped, missing
  from (
    select true as is_seen, s.* from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is distinct
      from 'other-organization'
  ) s
  full join (select m.* from app_core.pfa_mirror m where m.organization_id = p_organization_id) m
    on m.pfa_id = s.pfa_id;
end;
$$;
comment on function app_private.compare_staged(integer, bigint, timestamp with time zone) is
  'Compares the rows of a full run with the mirror in one pass. Added: new records. Changed: other content, or '
  'present again. Restamped: another version. Missing: not seen since the run started. Rows count as changed or '
  'restamped only if they were requested later than the mirror''s content.';
--! EndIncluded app_private/functions/compare_staged.sql
--! Included app_private/functions/compare_staged_changes.sql
create or replace function app_private.compare_staged_changes(
  organization_id integer, run_id bigint, out added text[], out changed text[], out restamped text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  -- As compare_staged, but by single records, because they are few.
  set enable_mergejoin = off
  set enable_hashjoin = off
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := compare_staged_changes.organization_id;
  p_run_id constant bigint := compare_staged_changes.run_id;
begin
  select
    array_agg(s.pfa_id) filter (where m.pfa_id is null),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at
      and (m.removed_at is not null or m.data <> s.data)),
    array_agg(s.pfa_id) filter (where s.requested_at > m.observed_at and (m.version, m.version_by) is distinct
      from (s.version, s.version_by))
  into added, changed, restamped
  from app_private.pfa_staging s
  left join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
end;
$$;
comment on function app_private.compare_staged_changes(integer, bigint) is
  'Compares the rows of an incremental run with the mirror, with the result of compare_staged. No record is missing, '
  'because the run does not read all of them.';
--! EndIncluded app_private/functions/compare_staged_changes.sql
--! Included app_private/functions/confirm_pushes.sql
create or replace function app_private.confirm_pushes(organization_id integer, ids bigint[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with confirmed as (
    update app_core.pfa_modification m
    set state = 'synced', settled_at = clock_timestamp(), retry_at = null, failures = 0
    where m.organization_id = confirm_pushes.organization_id and m.id = any (confirm_pushes.ids) and m.state = 'syncing'
    returning m.pfa_id, m.user_id, m.delta, m.base
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select confirm_pushes.organization_id, c.pfa_id, c.user_id, 'push',
    (select jsonb_object_agg(k.key, jsonb_build_object('from', c.base->k.key, 'to', k.value))
      from jsonb_each(c.delta) k)
  from confirmed c;
end;
comment on function app_private.confirm_pushes(integer, bigint[]) is
  'Confirms these changes: PEMS holds all of their remaining keys. Call it under lock_records.';
--! EndIncluded app_private/functions/confirm_pushes.sql
--! Included app_private/functions/connection_renewed.sql
create or replace function app_private.connection_renewed(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.pems_state s where s.api_configuration_id = connection_renewed.api_configuration_id
    and s.paused_at is null;
  select app_private.note_pems_success(connection_renewed.api_configuration_id);
  select app_private.queue_pushes_over(connection_renewed.api_configuration_id);
end;
comment on function app_private.connection_renewed(text) is
  'Resets the failures of a connection that was entered again, and retries the changes that wait for it.';
--! EndIncluded app_private/functions/connection_renewed.sql
--! Included app_private/functions/count_legacy_administrators.sql
create or replace function app_private.count_legacy_administrators() returns integer
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_temp.legacy_plan p where p.table_name = 'users' and p.state in ('added', 'merged')) then
    return null;
  end if;
  return (select count(*) from app_public.users u
    where u.role = 'admin' and u.is_active and not exists (
      select from pg_temp.legacy_plan p
      where p.table_name = 'users' and p.state = 'merged' and (p.target->>'id')::integer = u.id))
    + (select count(*) from pg_temp.legacy_plan p
      where p.table_name = 'users' and p.state in ('added', 'merged') and p.content->>'role' = 'admin'
        and coalesce((p.content->>'is_active')::boolean, true));
end;
$$;
comment on function app_private.count_legacy_administrators() is
  'Returns the number of active administrators after the planned import. Null if the import changes no user.';
--! EndIncluded app_private/functions/count_legacy_administrators.sql
--! Included app_private/functions/cron_falls_on.sql
create or replace function app_private.cron_falls_on(day date, days integer[], months integer[], weekdays integer[],
  either boolean) returns boolean
  language sql immutable parallel safe
  return extract(month from day)::integer = any (months)
    and case when either
      then extract(day from day)::integer = any (days) or extract(dow from day)::integer = any (weekdays)
        or extract(isodow from day)::integer = any (weekdays)
      else extract(day from day)::integer = any (days)
        and (extract(dow from day)::integer = any (weekdays) or extract(isodow from day)::integer = any (weekdays))
    end;
comment on function app_private.cron_falls_on(date, integer[], integer[], integer[], boolean) is
  'Whether a cron expression with these fields includes this day.';
--! EndIncluded app_private/functions/cron_falls_on.sql
--! Included app_private/functions/cron_fields.sql
create or replace function app_private.cron_fields(
  expression text, out minutes integer[], out hours integer[], out days integer[], out months integer[],
  out weekdays integer[], out either boolean
)
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  field constant text[] := regexp_split_to_array(btrim(expression, E' \t'), '[ \t]+');
begin
  if length(expression) > 200 or cardinality(field) <> 5 then
    return;
  end if;
  minutes := app_private.cron_values(field[1], 0, 59);
  hours := app_private.cron_values(field[2], 0, 23);
  days := app_private.cron_values(field[3], 1, 31);
  months := app_private.cron_values(field[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}');
  weekdays := app_private.cron_values(field[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
  either := field[3] !~ '^[*]' and field[5] !~ '^[*]';
end;
$$;
comment on function app_private.cron_fields(text) is
  'Parses the five fields of a cron expression. An invalid field is null; all are null if there are not five fields. '
  'Sunday is both 0 and 7. If both day fields are restricted, a day that matches either of them counts.';
--! EndIncluded app_private/functions/cron_fields.sql
--! Included app_private/functions/cron_matches.sql
create or replace function app_private.cron_matches(expression text, at timestamp) returns boolean
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return extract(minute from cron_matches.at)::integer = any (f.minutes)
    and extract(hour from cron_matches.at)::integer = any (f.hours)
    and app_private.cron_falls_on(cron_matches.at::date, f.days, f.months, f.weekdays, f.either);
end;
$$;
comment on function app_private.cron_matches(text, timestamp without time zone) is
  'Whether a cron expression includes this minute of local time. Null if the expression is invalid.';
--! EndIncluded app_private/functions/cron_matches.sql
--! Included app_private/functions/cron_next.sql
create or replace function app_private.cron_next(expression text, after timestamptz, time_zone text) returns timestamptz
  language plpgsql stable strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  if app_private.cron_problem(expression) is not null then
    return null;
  end if;
  return (
    -- Starts one day earlier, because local time may show yesterday again. Ends after eight years, because 29 February
    -- may be that far away.
    with day as materialized (
      select d.day
      from generate_series(0, 3000) n
      cross join lateral (select (cron_next.after at time zone cron_next.time_zone)::date - 1 + n as day) d
      where app_private.cron_falls_on(d.day, f.days, f.months, f.weekdays, f.either)
      order by d.day limit 4
    )
    select min(t.at)
    from day d
    cross join lateral unnest(f.hours) hour
    cross join lateral unnest(f.minutes) minute
    cross join lateral (select d.day + make_time(hour, minute, 0) as wall) w
    -- An hour that occurs twice counts twice. A skipped hour counts at the moment of the skip.
    cross join lateral (
      select w.wall at time zone cron_next.time_zone as at
      union all
      select (w.wall at time zone cron_next.time_zone) - interval '1 hour'
      where ((w.wall at time zone cron_next.time_zone) - interval '1 hour') at time zone cron_next.time_zone = w.wall
    ) t
    where t.at > cron_next.after
  );
end;
$$;
comment on function app_private.cron_next(text, timestamp with time zone, text) is
  'Returns the first time after `after` that a cron expression includes, in local time of the time zone. Null if '
  'there is none within eight years.';
--! EndIncluded app_private/functions/cron_next.sql
--! Included app_private/functions/cron_number.sql
create or replace function app_private.cron_number(number text, first integer, names text[]) returns integer
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case when number ~ '^[0-9]{1,2}$' then number::integer else array_position(names, number) - 1 + first end;
end;
$$;
comment on function app_private.cron_number(text, integer, text[]) is
  'Parses one number of a field of a cron expression, which may be a name. Null for anything else.';
--! EndIncluded app_private/functions/cron_number.sql
--! Included app_private/functions/cron_problem.sql
create or replace function app_private.cron_problem(expression text) returns text
  language plpgsql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  f constant record := app_private.cron_fields(expression);
begin
  return case
    when f.either is null then 'It does not consist of five fields separated by spaces.'
    when f.minutes is null then 'The first field, the minute, is invalid.'
    when f.hours is null then 'The second field, the hour, is invalid.'
    when f.days is null then 'The third field, the day of the month, is invalid.'
    when f.months is null then 'The fourth field, the month, is invalid.'
    when f.weekdays is null then 'The fifth field, the day of the week, is invalid.'
  end;
end;
$$;
comment on function app_private.cron_problem(text) is
  'Explains in a sentence why a cron expression is invalid. Null if it is valid.';
--! EndIncluded app_private/functions/cron_problem.sql
--! Included app_private/functions/cron_values.sql
create or replace function app_private.cron_values(field text, first integer, last integer, names text[] default '{}')
  returns integer[]
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  one text;
  parts text[];
  low integer;
  high integer;
  step integer;
  found integer[] := '{}';
begin
  -- Evaluates one part at a time, because a single query takes fifty times as long to plan.
  foreach one in array string_to_array(lower(field), ',') loop
    parts := regexp_match(one, '^(?:([*])|([a-z]{3}|[0-9]{1,2})(?:-([a-z]{3}|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
    step := coalesce(parts[4]::integer, 1);
    low := case when parts[1] = '*' then cron_values.first else app_private.cron_number(parts[2], cron_values.first,
      names) end;
    high := case
      when parts[1] = '*' then cron_values.last
      when parts[3] is not null then app_private.cron_number(parts[3], cron_values.first, names)
      when parts[4] is not null then cron_values.last
      else low
    end;
    if (low >= cron_values.first and high <= cron_values.last and low <= high and step > 0) is not true then
      return null;
    end if;
    while low <= high loop
      found := found || low;
      low := low + step;
    end loop;
  end loop;
  return nullif(found, '{}');
end;
$$;
comment on function app_private.cron_values(text, integer, integer, text[]) is
  'Returns the values that a field of a cron expression stands for: `*`, numbers, ranges, steps, and lists of them. '
  'Null if the field is invalid or exceeds its bounds.';
--! EndIncluded app_private/functions/cron_values.sql
--! Included app_private/functions/database_state.sql
create or replace function app_private.database_state(migration text, out is_migrated boolean, out has_queue boolean)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Libraries own both schemas, so check that they exist before reading them.
  is_migrated := migration = '' or to_regclass('graphile_migrate.migrations') is not null;
  if is_migrated and migration <> '' then
    execute 'select exists (select from graphile_migrate.migrations m where m.filename = $1)' into is_migrated
      using migration;
  end if;
  has_queue := to_regclass('graphile_worker._private_jobs') is not null;
end;
$$;
comment on function app_private.database_state(text) is
  'Whether migrations have been applied and whether the queue exists. A ready server needs both.';
grant execute on function app_private.database_state(text) to vanguard_authenticator, vanguard_worker;
--! EndIncluded app_private/functions/database_state.sql
--! Included app_private/functions/delete_drift_checks.sql
create or replace function app_private.delete_drift_checks(keep interval, batch integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with old as materialized (
    select c.organization_id, c.id from app_public.pfa_drift_check c
    where c.finished_at < clock_timestamp() - greatest(keep, '1 day') order by c.finished_at limit batch
  ),
  deleted as (
    delete from app_public.pfa_drift_check d using old
    where d.organization_id = old.organization_id and d.id = old.id
    returning 1
  )
  select count(*)::integer from deleted;
end;
comment on function app_private.delete_drift_checks(interval, integer) is
  'Deletes at most one batch of comparisons that ended before the limit, with their differences. Returns how many.';
grant execute on function app_private.delete_drift_checks(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/delete_drift_checks.sql
--! Included app_private/functions/delete_expired_sessions.sql
create or replace function app_private.delete_expired_sessions(keep interval) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.refresh_tokens t where t.expires_at < now() - delete_expired_sessions.keep;
  with deleted as (
    delete from app_private.sessions s
    where s.ended_at < now() - delete_expired_sessions.keep
      or not exists (select from app_private.refresh_tokens t where t.session_id = s.id)
    returning 1
  )
  select count(*)::integer from deleted;
end;
comment on function app_private.delete_expired_sessions(interval) is
  'Deletes refresh tokens that expired, and sessions that ended or have no token left, longer ago than `keep`. '
  'Returns the number of sessions.';
grant execute on function app_private.delete_expired_sessions(interval) to vanguard_worker;
--! EndIncluded app_private/functions/delete_expired_sessions.sql
--! Included app_private/functions/delete_expired_throttles.sql
create or replace function app_private.delete_expired_throttles() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Locked rows are left for the next call: waiting for them could deadlock.
  with attempts as (
    delete from app_private.sign_in_attempts a
    where a.ctid = any (array(select e.ctid from app_private.sign_in_attempts e where e.expires_at < now()
      for update skip locked))
    returning 1
  ), origins as (
    delete from app_private.sign_in_origins o where o.last_success_at < now() - interval '90 days' returning 1
  )
  select ((select count(*) from attempts) + (select count(*) from origins))::integer;
end;
comment on function app_private.delete_expired_throttles() is
  'Deletes expired sign-in attempts, and addresses from which an account has not signed in for 90 days. Returns the '
  'number of rows.';
grant execute on function app_private.delete_expired_throttles() to vanguard_worker;
--! EndIncluded app_private/functions/delete_expired_throttles.sql
--! Included app_private/functions/deregister_worker.sql
create or replace function app_private.deregister_worker(pool_id text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.worker_processes w where w.pool_id = deregister_worker.pool_id;
end;
comment on function app_private.deregister_worker(text) is
  'Removes a worker pool from the list after it has stopped and released its jobs.';
grant execute on function app_private.deregister_worker(text) to vanguard_worker;
--! EndIncluded app_private/functions/deregister_worker.sql
--! Included app_private/functions/dispatch_due_syncs.sql
create or replace function app_private.dispatch_due_syncs() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized, because the planner may otherwise queue a run before it checks whether the organization is due.
  with due as materialized (
    select o.id from app_public.organizations o where app_private.next_sync_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_sync(d.id, 'schedule', null, null) q;
end;
comment on function app_private.dispatch_due_syncs() is
  'Queues a run for every organization that is due (next_sync_at). Returns the number of runs.';
grant execute on function app_private.dispatch_due_syncs() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_due_syncs.sql
--! Included app_private/functions/dispatch_pushes.sql
create or replace function app_private.dispatch_pushes() returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  queued integer;
begin
  with due as materialized (
    select o.id
    from app_public.organizations o
    cross join lateral app_private.push_gate(o.id) g
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id
      and m.state in ('committed', 'syncing'))
      and (g.state = 'open' or g.until <= clock_timestamp())
      and not exists (
        select from graphile_worker.jobs j
        where j.queue_name = 'push:' || o.id and (j.locked_at is not null or j.attempts < j.max_attempts))
  )
  select count(*) into queued from due d cross join lateral app_private.queue_push(d.id) q;
  return queued;
end;
$$;
comment on function app_private.dispatch_pushes() is
  'Queues a push for every organization that has changes to write and no job. Jobs may get lost. Returns the number '
  'of pushes.';
grant execute on function app_private.dispatch_pushes() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_pushes.sql
--! Included app_private/functions/drift_sample.sql
create or replace function app_private.drift_sample(organization_id integer, check_id bigint) returns setof text
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select m.pfa_id
  from app_core.pfa_mirror m
  where m.organization_id = drift_sample.organization_id and m.removed_at is null
  order by random()
  limit (
    select c.sample from app_public.pfa_drift_check c
    where c.organization_id = drift_sample.organization_id and c.id = drift_sample.check_id);
end;
comment on function app_private.drift_sample(integer, bigint) is
  'Returns the random sample of records that a comparison asks for.';
grant execute on function app_private.drift_sample(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/drift_sample.sql
--! Included app_private/functions/enable_rls.sql
create or replace procedure app_private.enable_rls(target regclass)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy machinery on %s to vanguard_owner, vanguard_worker using (true) with check (true)',
    target);
end;
$$;
comment on procedure app_private.enable_rls(regclass) is
  'Enables row level security, also for the owner, and lets the machinery see every row: functions of the owner, and '
  'the worker if it has a grant. No role needs BYPASSRLS, which managed hosts forbid.';
--! EndIncluded app_private/functions/enable_rls.sql
--! Included app_private/functions/end_all_sessions.sql
create or replace function app_private.end_all_sessions(user_id integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.sessions s set ended_at = clock_timestamp()
    where s.ended_at is null and s.user_id = end_all_sessions.user_id
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_all_sessions(integer) is
  'Signs a user out everywhere, as after a change of password. Returns the number of ended sessions.';
grant execute on function app_private.end_all_sessions(integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/end_all_sessions.sql
--! Included app_private/functions/end_drift_check.sql
create or replace function app_private.end_drift_check(organization_id integer, check_id bigint, code text default null,
  message text default null, hint text default null)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  delete from app_private.pfa_staging s
  where s.organization_id = end_drift_check.organization_id and s.run_id = -end_drift_check.check_id;
  update app_public.pfa_drift_check c
  set state = case when end_drift_check.code is null then 'succeeded' else 'failed' end,
    finished_at = clock_timestamp(),
    error_code = end_drift_check.code, error_message = end_drift_check.message, error_hint = end_drift_check.hint
  where c.organization_id = end_drift_check.organization_id and c.id = end_drift_check.check_id and c.state = 'running'
  returning * into drift;
  return drift;
end;
$$;
comment on function app_private.end_drift_check(integer, bigint, text, text, text) is
  'Ends a comparison, and records the reason if it failed.';
grant execute on function app_private.end_drift_check(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/end_drift_check.sql
--! Included app_private/functions/end_session.sql
create or replace function app_private.end_session(token_hash bytea, everywhere boolean) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.sessions s set ended_at = clock_timestamp()
    from app_private.refresh_tokens t
    join app_private.sessions mine on mine.id = t.session_id
    where t.token_hash = end_session.token_hash and t.expires_at > clock_timestamp() and mine.ended_at is null
      and s.ended_at is null and (s.id = mine.id or end_session.everywhere and s.user_id = mine.user_id)
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_session(bytea, boolean) is
  'Ends the session of a refresh token, or with `everywhere` all sessions of its user. Returns how many; 0 means that '
  'the session has ended already.';
grant execute on function app_private.end_session(bytea, boolean) to vanguard_authenticator;
--! EndIncluded app_private/functions/end_session.sql
--! Included app_private/functions/enforce_retention.sql
create or replace function app_private.enforce_retention(
  keep_sync_log interval, keep_rejects interval, keep_sign_ins interval, keep_failed_jobs interval,
  keep_changes interval, keep_exchanges interval, keep_private_changes interval,
  batch integer,
  out sync_log integer, out rejects integer, out sign_ins integer, out throttles integer, out failed_jobs integer,
  out changes integer,
  out modifications integer, out exchanges integer, out private_changes integer
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  if least(keep_sync_log, keep_rejects, keep_sign_ins, keep_failed_jobs, keep_changes,
    keep_exchanges, keep_private_changes) < interval '1 day' or batch < 1 then
    raise exception 'A limit is below one day, or the batch is empty.'
      using errcode = 'VG400', hint = 'Set each limit to one day or more, and the batch to one row or more.';
  end if;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select j.organization_id, j.id from app_public.pfa_sync_reject j
      where j.organization_id = o.id and j.rejected_at < now - keep_rejects
      order by j.rejected_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_reject d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics rejects = row_count;

  -- Keeps the newest run of an organization and its newest success of either kind, because freshness, the schedule and
  -- the next incremental run depend on them. A run also stays as long as it has rejects, which may have a longer limit.
  with kept as materialized (
    select newest.organization_id, newest.id
    from app_public.organizations o
    cross join lateral (
      (select l.organization_id, l.id from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc
        limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'full'
         order by l.finished_at desc, l.id desc limit 1)
      union all
      (select l.organization_id, l.id from app_public.pfa_sync_log l
       where l.organization_id = o.id and l.state = 'succeeded' and l.kind = 'incremental'
         order by l.finished_at desc, l.id desc limit 1)
    ) newest
  ),
  old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select l.organization_id, l.id from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.finished_at < now - keep_sync_log
        and not exists (select from kept k where k.organization_id = l.organization_id and k.id = l.id)
        and not exists (select from app_public.pfa_sync_reject j where j.organization_id = l.organization_id
          and j.run_id = l.id)
      order by l.finished_at limit batch
    ) r
    limit batch
  )
  delete from app_public.pfa_sync_log d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics sync_log = row_count;

  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select c.organization_id, c.id from app_core.pfa_change c
      where c.organization_id = o.id and c.changed_at < now - keep_changes
      order by c.changed_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_change d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics changes = row_count;

  -- Private changes of drafts. Commits have a history of their own.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select c.organization_id, c.id from app_core.pfa_change c
      where c.organization_id = o.id and c.route in ('draft', 'resolve')
        and c.changed_at < now - keep_private_changes
      order by c.changed_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_change d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics private_changes = row_count;

  -- Confirmed changes stay as long as the history, which holds the same values. Their intents are deleted with them.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select m.organization_id, m.id from app_core.pfa_modification m
      where m.organization_id = o.id and m.state = 'synced' and m.settled_at < now - keep_changes
      order by m.settled_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_modification d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics modifications = row_count;

  -- Exchanges about a pending change stay, because they may explain its outcome.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_push_exchange e
      where e.organization_id = o.id and e.answered_at < now - keep_exchanges
        and not exists (
          select from app_core.pfa_modification m
          where m.organization_id = e.organization_id and m.id = e.modification_id
            and m.state in ('committed', 'syncing'))
      order by e.answered_at limit batch
    ) r
    limit batch
  )
  delete from app_core.pfa_push_exchange d using old
  where d.organization_id = old.organization_id and d.id = old.id;
  get diagnostics exchanges = row_count;

  -- The functions that own sign-in data know which rows have expired.
  sign_ins := app_private.delete_expired_sessions(keep_sign_ins);
  throttles := app_private.delete_expired_throttles();

  -- The queue deletes successful jobs on its own. Jobs that failed for good stay until this limit, so that an operator
  -- can look at them.
  select count(*) into failed_jobs
  from graphile_worker.complete_jobs(array(
    select j.id from graphile_worker.jobs j
    where j.attempts >= j.max_attempts and j.locked_at is null and j.updated_at < now - keep_failed_jobs
    order by j.updated_at limit batch
  ));
end;
$$;
comment on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  interval, integer) is
  'Deletes rows that are older than their limits, and returns the number of each. Deletes all expired sessions and '
  'throttles. Of other rows it deletes at most one batch each: ended runs, rejects, changes of records, private '
  'changes of drafts, confirmed changes, exchanges with PEMS, and jobs that failed for good. Call it again while '
  'any number equals the batch. These rows stay whatever their age: queued and running runs, the newest run of each '
  'organization and its newest success of either kind, runs with rejects, and exchanges about pending changes.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/enforce_retention.sql
--! Included app_private/functions/fail_push.sql
create or replace function app_private.fail_push(
  organization_id integer, id bigint, attempt integer, verdict text, message text, wait_ms integer, read_at text,
  exchange jsonb
) returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := fail_push.organization_id;
  p_id constant bigint := fail_push.id;
  p_attempt constant integer := fail_push.attempt;
  moment constant timestamptz := clock_timestamp();
  modification app_core.pfa_modification;
  intent app_core.pfa_push_intent;
  is_in_doubt boolean;
  keys text[];
  kind text;
  words text := fail_push.message;
begin
  perform app_private.lock_records(p_organization_id, array(
    select m.pfa_id from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = p_id));
  select m.* into modification
  from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.id = p_id and m.state = 'syncing' and m.attempts = p_attempt
    and m.retry_at is null
  for update;
  if not found then
    return 'superseded';
  end if;
  perform app_private.note_exchange(p_organization_id, modification.pfa_id, p_id, p_attempt, exchange);
  select i.* into intent
  from app_core.pfa_push_intent i
  where i.organization_id = p_organization_id and i.modification_id = p_id and i.attempt = p_attempt
    and i.outcome is null;
  is_in_doubt := exists (
    select from app_core.pfa_push_intent i
    where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain');
  keys := array(select jsonb_object_keys(coalesce(intent.write_values, modification.delta)));

  case verdict
    when 'uncertain' then
      -- The outcome stays unknown until the write can no longer take effect and the record was read again.
      update app_core.pfa_push_intent i set outcome = 'uncertain', settled_at = moment
        where i.organization_id = p_organization_id and i.id = intent.id;
      update app_core.pfa_modification m set failures = m.failures + 1, retry_at = coalesce(intent.quiet_at, moment)
      where m.organization_id = p_organization_id and m.id = p_id;
      return 'uncertain';
    when 'wait' then
      null;
    when 'retry' then
      -- Retries after 5, 10 and 20 seconds; then the change returns to its author.
      modification.failures := modification.failures + 1;
      if modification.failures > 3 then
        kind := 'failed';
        words := format('PEMS was tried 4 times. %s', words);
      end if;
    when 'refuse' then
      if intent.answered_at is null and app_private.split_push(p_organization_id, p_id, keys) then
        update app_core.pfa_push_intent i set outcome = 'refused', settled_at = moment
          where i.organization_id = p_organization_id and i.id = intent.id;
      else
        kind := 'refused';
      end if;
    when 'remove' then
      kind := 'removed';
      keys := array(select jsonb_object_keys(modification.delta));
      -- A full run missed the record and PEMS has now denied it, so two sources confirm the removal.
      update app_public.pfa_removal_candidate c set confirmed_at = app_private.at_microseconds(read_at)
      where c.organization_id = p_organization_id and c.pfa_id = modification.pfa_id and c.confirmed_at is null;
      if app_private.remove_records(p_organization_id, array[modification.pfa_id], null) is not null then
        perform app_private.queue_refresh(p_organization_id);
      end if;
    else
      raise exception 'There is no verdict %.', verdict
        using errcode = 'VG400', hint = 'Use uncertain, wait, retry, refuse or remove.';
  end case;

  if kind is not null then
    update app_core.pfa_push_intent i set outcome = case when kind = 'refused' then 'refused' else 'failed' end,
      settled_at = moment
    where i.organization_id = p_organization_id and i.id = intent.id;
    perform app_private.return_keys(p_organization_id, jsonb_build_array(jsonb_build_object('id', p_id, 'problems', (
      select jsonb_object_agg(k, jsonb_build_object('kind', kind, 'message', words)) from unnest(keys) k))));
  end if;
  -- The remaining keys continue. If PEMS has responded to the write, the record still has to be read back.
  if intent.answered_at is null then
    update app_core.pfa_push_intent i set outcome = 'failed', settled_at = moment
    where i.organization_id = p_organization_id and i.id = intent.id and i.outcome is null;
  end if;
  update app_core.pfa_modification m
  set state = case when is_in_doubt or intent.answered_at is not null then 'syncing' else 'committed' end,
    failures = modification.failures,
    retry_at = moment + case verdict
      when 'retry' then interval '5 seconds' * power(2, modification.failures - 1)
      when 'wait' then wait_ms * interval '1 millisecond'
      else interval '0'
    end
  where m.organization_id = p_organization_id and m.id = p_id;
  if kind is not null then
    perform app_private.show_records(p_organization_id, array[modification.pfa_id]);
    return 'returned';
  end if;
  return 'waits';
end;
$$;
comment on function app_private.fail_push(integer, bigint, integer, text, text, integer, text, jsonb) is
  'Handles the failure of a step, and returns `waits`, `uncertain`, `returned` or `superseded`. Verdict '
  '`uncertain`: the write was sent and its outcome is unknown. Verdict `wait`: certainly not written, and not '
  'caused by the record, so retry after wait_ms. Verdict `retry`: caused by the record; after three retries the '
  'change returns as failed. Verdict `refuse`: PEMS refused it with this message. Verdict `remove`: PEMS had no '
  'such record at read_at.';
grant execute on function app_private.fail_push(integer, bigint, integer, text, text, integer, text,
  jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/fail_push.sql
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
  'Returns the mapping of an organization: its own entry for each key, or the shared entry.';
grant execute on function app_private.field_mapping(integer) to vanguard_worker;
--! EndIncluded app_private/functions/field_mapping.sql
--! Included app_private/functions/filter_condition.sql
-- The condition consists of text from this function and of positions in lists. It never contains a value from a client:
-- the condition reads values from its parameter by path.
create or replace function app_private.filter_condition(filter jsonb, path text[], depth integer,
  inout conditions integer, out condition text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  name text;
  content jsonb;
  operator text;
  value jsonb;
  kind text;
  expected text;
  at text;
  part text;
  parts text[];
  all_parts text[] := '{}';
begin
  if depth > 10 then
    raise exception 'The filter is nested deeper than 10 levels.'
      using errcode = 'VG400', hint = 'Flatten the filter: a list in `and` or `or` may have many entries.';
  end if;
  if jsonb_typeof(filter) <> 'object' or filter = '{}' then
    raise exception 'The filter% is %, not an object with conditions.',
        case when path <> '{}' then ' at ' || array_to_string(path, '.') else '' end,
        case when filter = '{}' then 'empty' else 'not an object' end
      using errcode = 'VG400', hint = 'For example {"category": {"equalTo": "Cranes"}}. For all records leave the '
                                      'filter out and say `everything: true`.';
  end if;
  for name, content in select e.key, e.value from jsonb_each(filter) e loop
    if name in ('and', 'or') then
      if jsonb_typeof(content) <> 'array' or content = '[]' then
        raise exception 'In the filter, "%" must be a non-empty list of filters.', name
          using errcode = 'VG400', hint = 'For example {"or": [{"hasDraft": {"equalTo": true}}, {"hasProblem": '
                                          '{"equalTo": true}}]}.';
      end if;
      parts := '{}';
      for i in 0 .. jsonb_array_length(content) - 1 loop
        select c.conditions, c.condition into conditions, part
        from app_private.filter_condition(content->i, path || name || i::text, depth + 1, conditions) c;
        parts := parts || part;
      end loop;
      all_parts := all_parts || ('(' || array_to_string(parts, case name when 'and' then ' and ' else ' or ' end)
        || ')');
      continue;
    end if;
    if name = 'not' then
      select c.conditions, c.condition into conditions, part
      from app_private.filter_condition(content, path || name, depth + 1, conditions) c;
      all_parts := all_parts || ('not ' || part);
      continue;
    end if;

    kind := case
      when name in ('areaSilo', 'category', 'class', 'dor', 'pfaId', 'source') then 'text'
      when name in ('hasDraft', 'hasProblem', 'isActualized', 'isDiscontinued', 'isFundsTransferable',
        'isPending') then 'boolean'
      when name in ('forecastStart', 'forecastEnd') then 'date'
      when name = 'forecastCostCents' then 'bigint'
    end;
    if kind is null then
      raise exception 'Records cannot be filtered by "%".', left(name, 60)
        using errcode = 'VG400',
          hint = 'Use areaSilo, category, class, dor, forecastCostCents, forecastEnd, forecastStart, hasDraft, '
            'hasProblem, isActualized, isDiscontinued, isFundsTransferable, isPending, pfaId, source, and, or, '
            'not.';
    end if;
    if jsonb_typeof(content) <> 'object' or content = '{}' then
      raise exception 'The filter has no valid comparison for "%".', name
        using errcode = 'VG400', hint = format('For example {"%s": {"isNull": false}}.', name);
    end if;
    for operator, value in select e.key, e.value from jsonb_each(content) e loop
      conditions := conditions + 1;
      if conditions > 200 then
        raise exception 'The filter has more than 200 conditions.'
          using errcode = 'VG400', hint = 'Use `in` with a list of values.';
      end if;
      if operator not in ('isNull', 'equalTo', 'notEqualTo', 'in', 'lessThan', 'lessThanOrEqualTo', 'greaterThan',
        'greaterThanOrEqualTo') then
        raise exception 'The filter compares "%" with the unknown operator "%".', name, left(operator, 60)
          using errcode = 'VG400', hint = 'Use isNull, equalTo, notEqualTo, in, lessThan, lessThanOrEqualTo, '
            'greaterThan, greaterThanOrEqualTo.';
      end if;
      expected := case
        when operator = 'isNull' then app_private.filter_value_problem('boolean', value)
        when operator <> 'in' then app_private.filter_value_problem(kind, value)
        when jsonb_typeof(value) <> 'array' or value = '[]' then 'a list with at least one value'
        when jsonb_array_length(value) > 20000 then 'a list of at most 20,000 values'
        else (
          select 'a list, each of it ' || min(app_private.filter_value_problem(kind, e.value))
          from jsonb_array_elements(value) e
        )
      end;
      if expected is not null then
        raise exception 'The value of the filter on "%" with the operator "%" is not %.', name, operator, expected
          using errcode = 'VG400', hint = format('Give %s.', expected);
      end if;
      at := quote_literal((path || name || operator)::text);
      all_parts := all_parts || format('r.%I %s',
        lower(regexp_replace(name, '([A-Z])', '_\1', 'g')),
        case operator
          when 'isNull' then case when value = 'true' then 'is null' else 'is not null' end
          when 'in' then format('= any (app_core.json_texts($2 #> %s)::%s[])', at, kind)
          else format('%s ($2 #>> %s)::%s',
            case operator
              when 'equalTo' then '=' when 'notEqualTo' then '<>'
              when 'lessThan' then '<' when 'lessThanOrEqualTo' then '<='
              when 'greaterThan' then '>' when 'greaterThanOrEqualTo' then '>='
            end, at, kind)
        end);
    end loop;
  end loop;
  condition := '(' || array_to_string(all_parts, ' and ') || ')';
end;
$$;
comment on function app_private.filter_condition(jsonb, text[], integer, integer) is
  'Converts a filter of the record list to the text of a condition on `r`, which has the columns of pfa_record. The '
  'query must pass the whole filter as parameter $2; the condition reads values from it by `path`. The text consists '
  'of fixed names, operators and positions in lists. Raises VG400 and names the part that is not allowed. Allows at '
  'most 200 conditions in all, and 10 levels.';
--! EndIncluded app_private/functions/filter_condition.sql
--! Included app_private/functions/filter_value_problem.sql
create or replace function app_private.filter_value_problem(kind text, value jsonb) returns text
  language sql immutable parallel safe
begin atomic
  select case
    when kind = 'text' and jsonb_typeof(value) <> 'string' then 'text'
    when kind = 'boolean' and jsonb_typeof(value) <> 'boolean' then 'true or false'
    when kind = 'date' and (jsonb_typeof(value) <> 'string'
      or not app_core.is_iso_date(value #>> '{}')) then 'a valid date, "YYYY-MM-DD"'
    when kind = 'bigint' and (jsonb_typeof(value) not in ('string', 'number') or not case
      when value #>> '{}' ~ '^-?[0-9]{1,19}$' then (value #>> '{}')::numeric between -9223372036854775808
        and 9223372036854775807
      else false
    end) then 'a whole number'
  end;
end;
comment on function app_private.filter_value_problem(text, jsonb) is
  'Describes the value that a column of the kind text, date, bigint or boolean can be compared with. Null if the '
  'value fits.';
--! EndIncluded app_private/functions/filter_value_problem.sql
--! Included app_private/functions/find_login.sql
create or replace function app_private.find_login(username text)
  returns table (user_id integer, username text, email text, password_hash text, must_change_password boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, u.username, u.email, p.password_hash, p.must_change
  from app_public.users u
  join app_private.user_passwords p on p.user_id = u.id
  where lower(u.username) = lower(btrim(find_login.username)) and u.is_active;
end;
comment on function app_private.find_login(text) is
  'Returns the hash to compare a password with. No row for an unknown user, a disabled user, or a user without a '
  'password.';
grant execute on function app_private.find_login(text) to vanguard_authenticator;
--! EndIncluded app_private/functions/find_login.sql
--! Included app_private/functions/finish_legacy_import.sql
create or replace function app_private.finish_legacy_import(manifest jsonb, manifest_sha256 text, time_zone text)
  returns integer
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
  insert into app_private.legacy_import (manifest, manifest_sha256, time_zone)
  values (finish_legacy_import.manifest, finish_legacy_import.manifest_sha256, finish_legacy_import.time_zone)
  returning id into result;
  -- All rows belong to this import, so one check is enough. A check of each row would take longer than the insert.
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
comment on function app_private.finish_legacy_import(jsonb, text, text) is
  'Stores every line of the export with its outcome, and updates totals, bounds and search.';
--! EndIncluded app_private/functions/finish_legacy_import.sql
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
  'Marks an import as rolled back, and deletes the rows that it kept. The export still has them.';
--! EndIncluded app_private/functions/finish_legacy_roll_back.sql
--! Included app_private/functions/follow_legacy_records.sql
create or replace function app_private.follow_legacy_records() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from pg_temp.legacy_plan p where p.table_name = 'pfa_records' and p.state = 'added') then
    return;
  end if;
  -- Runs in the same transaction: the list of changes that corrects the totals does not include imported or removed
  -- records.
  perform app_private.refresh_summaries();
  perform app_private.queue_refresh(o.id)
  from (
    select distinct (o.target->>'id')::integer as id
    from (select distinct p.refs->>'organization_id' as legacy_id from pg_temp.legacy_plan p
      where p.table_name = 'pfa_records' and p.state = 'added') r
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = r.legacy_id
  ) r
  -- A rollback may have removed the organization as well.
  join app_public.organizations o on o.id = r.id;
end;
$$;
comment on function app_private.follow_legacy_records() is
  'Updates totals and bounds after records were added to the mirror or removed from it, and queues the jobs that '
  'follow.';
--! EndIncluded app_private/functions/follow_legacy_records.sql
--! Included app_private/functions/follow_mirror.sql
create or replace function app_private.follow_mirror(organization_id integer, pfa_ids text[], out rebased integer,
  out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  affected text[];
begin
  rebased := 0;
  conflicts := 0;
  select array_agg(distinct d.pfa_id) into affected
  from (
    select m.pfa_id from app_core.pfa_modification m
    where m.organization_id = follow_mirror.organization_id and m.state <> 'synced'
      and m.pfa_id = any (follow_mirror.pfa_ids)
    union all
    select o.pfa_id from app_core.pfa_overlay o
    where o.organization_id = follow_mirror.organization_id and o.pfa_id = any (follow_mirror.pfa_ids)
  ) d;
  if affected is not null then
    select b.rebased, b.conflicts into rebased, conflicts
    from app_private.rebase_drafts(follow_mirror.organization_id, affected) b;
    perform app_private.rewrite_overlay(follow_mirror.organization_id, affected);
  end if;
end;
$$;
comment on function app_private.follow_mirror(integer, text[]) is
  'Rebases the drafts and rewrites the overlays of records that changed in the mirror. Call it in the transaction '
  'that changed them, under the locks of the mirror rows.';
--! EndIncluded app_private/functions/follow_mirror.sql
--! Included app_private/functions/forget_column.sql
create or replace function app_private.forget_column(organization_id integer, alias text) returns boolean
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with forgotten as (
    delete from app_public.pfa_column c
    where c.organization_id = forget_column.organization_id and c.alias = lower(forget_column.alias)
      and c.missing_since is not null
    returning 1
  )
  select exists (select from forgotten);
end;
comment on function app_private.forget_column(integer, text) is
  'Removes a column that the grid no longer has from the expected ones. Its values then count as empty, no longer as '
  'unknown. Returns whether the column was missing.';
--! EndIncluded app_private/functions/forget_column.sql
--! Included app_private/functions/forget_events.sql
create or replace function app_private.forget_events(keep interval, batch integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  next_xid constant xid8 := pg_snapshot_xmax(pg_current_snapshot());
  forgotten integer;
begin
  if keep < interval '1 hour' or batch < 1 then
    raise exception 'The limit is below one hour, or the batch is empty.'
      using errcode = 'VG400', hint = 'Set the limit to one hour or more, and the batch to one row or more.';
  end if;
  -- Keeps the newest event of each organization, because clients that have seen it have missed nothing.
  with old as materialized (
    select r.organization_id, r.id
    from app_public.organizations o
    cross join lateral (
      select e.organization_id, e.id from app_core.pfa_event e
      where e.organization_id = o.id
        and (e.xid > next_xid or e.happened_at < clock_timestamp() - keep
          and e.id < (select n.id from app_core.pfa_event n where n.organization_id = o.id
            order by n.organization_id desc, n.id desc limit 1))
      order by e.id limit batch
    ) r
    limit batch
  ),
  deleted as (
    delete from app_core.pfa_event d using old
    where d.organization_id = old.organization_id and d.id = old.id
    returning d.organization_id, d.id, d.xid
  ),
  noted as (
    insert into app_core.pfa_event_forgotten as f (organization_id, revision, xid)
    select d.organization_id, max(d.id), case when bool_or(d.xid > next_xid) then next_xid else max(d.xid) end
    from deleted d group by d.organization_id
    on conflict on constraint pfa_event_forgotten_pkey do update
      set revision = greatest(f.revision, excluded.revision), xid = greatest(f.xid, excluded.xid)
  )
  select count(*) into forgotten from deleted;
  return forgotten;
end;
$$;
comment on function app_private.forget_events(interval, integer) is
  'Deletes at most one batch of events that are older than the limit or came with a copy of another cluster''s '
  'database. Returns how many. Call it again while the number equals the batch.';
grant execute on function app_private.forget_events(interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/forget_events.sql
--! Included app_private/functions/hold_requests.sql
create or replace function app_private.hold_requests(api_configuration_id text, seconds integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.pems_rate r set next_at = greatest(r.next_at,
    clock_timestamp() + least(hold_requests.seconds, 60) * interval '1 second')
  from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
  where c.id = hold_requests.api_configuration_id and r.url = c.url and r.tenant = s.tenant;
end;
comment on function app_private.hold_requests(text, integer) is
  'Defers all requests to a tenant by this time, at most a minute, because PEMS responded 429 with Retry-After.';
grant execute on function app_private.hold_requests(text, integer) to vanguard_worker;
--! EndIncluded app_private/functions/hold_requests.sql
--! Included app_private/functions/is_much.sql
create or replace function app_private.is_much(part bigint, whole bigint, percent integer, least_whole bigint)
  returns boolean
  language sql immutable parallel safe
  return coalesce(part > whole * percent / 100.0 and whole > least_whole
    or part = whole and whole >= 10 and percent < 100, false);
comment on function app_private.is_much(bigint, bigint, integer, bigint) is
  'Whether a part is suspiciously large: more than a percentage of a large whole, or all of at least ten rows. '
  'Never true for 100 percent.';
--! EndIncluded app_private/functions/is_much.sql
--! Included app_private/functions/judged_drafts.sql
create or replace function app_private.judged_drafts(organization_id integer, pfa_ids text[])
  returns table (
    id bigint, user_id integer, pfa_id text, key text, mine jsonb, base jsonb, theirs jsonb, old_problem jsonb,
    is_settled boolean, problem jsonb
  )
  language sql stable
begin atomic
  select k.id, k.user_id, k.pfa_id, k.key, k.mine, k.base, k.theirs, k.problem,
    not k.is_removed and k.theirs = k.mine and k.in_mirror = k.mine,
    case
      -- The author must act, even if the record disappears and returns. The problem shows the current value of PEMS.
      when k.problem->>'by' = 'push' and k.problem ? 'theirs' then k.problem
        || jsonb_build_object('theirs', k.theirs, 'mine', k.mine)
      when k.problem->>'by' = 'push' then k.problem
      when k.is_removed then jsonb_build_object('kind', 'removed', 'base', k.base, 'mine', k.mine)
      when k.theirs <> k.base and k.theirs <> k.mine then jsonb_build_object('kind', 'conflict', 'base', k.base,
        'theirs', k.theirs, 'mine', k.mine)
    end
  from (
    select d.id, d.user_id, d.pfa_id, k.key, k.value as mine, d.base->k.key as base, d.problems->k.key as problem,
      app_core.normalized((r.data || coalesce(p.delta, '{}'))->k.key) as theirs,
      app_core.normalized(r.data->k.key) as in_mirror,
      r.removed_at is not null as is_removed
    from app_core.pfa_modification d
    join app_core.pfa_mirror r
      on r.organization_id = judged_drafts.organization_id and r.pfa_id = any (judged_drafts.pfa_ids)
        and r.pfa_id = d.pfa_id
    left join app_private.pending(judged_drafts.organization_id, judged_drafts.pfa_ids) p on p.pfa_id = d.pfa_id
    cross join jsonb_each(d.delta) k
    where d.organization_id = judged_drafts.organization_id and d.pfa_id = any (judged_drafts.pfa_ids)
      and d.state = 'draft'
    offset 0
  ) k;
end;
comment on function app_private.judged_drafts(integer, text[]) is
  'Compares three values of every drafted key of these records, for all users: the base, the current underlying value '
  '(theirs: mirror and pending changes) and the draft (mine). There is no problem if the underlying value equals the '
  'base or the draft. The key is settled if the mirror itself holds the draft''s value. Anything else is a conflict. '
  'A problem that push created stays until the mirror holds the value or the author acts.';
--! EndIncluded app_private/functions/judged_drafts.sql
--! Included app_private/functions/judged_pushes.sql
create or replace function app_private.judged_pushes(organization_id integer, reads jsonb)
  returns table (id bigint, pfa_id text, key text, mine jsonb, base jsonb, theirs jsonb, holds text)
  language sql stable
begin atomic
  select k.id, k.pfa_id, k.key, k.mine, k.base, k.theirs,
    case
      when not k.is_readable then 'nothing'
      -- An empty field of the forecast shows the plan's value, so the comparison uses the field that the product
      -- writes.
      when k.theirs = k.mine or k.mine = 'null' and k.is_blank then 'mine'
      when k.theirs = k.base then 'base'
      else 'other'
    end
  from (
    select m.id, m.pfa_id, d.key, app_core.normalized(d.value) as mine, app_core.normalized(m.base->d.key) as base,
      app_core.normalized(r->'data'->d.key) as theirs,
      (r->>'isWhole')::boolean or r->'data' ? d.key as is_readable, coalesce(r->'blank' ? d.key, false) as is_blank
    from jsonb_array_elements(judged_pushes.reads) r
    join app_core.pfa_modification m on m.organization_id = judged_pushes.organization_id and m.id = (r->>'id')::bigint
    cross join jsonb_each(m.delta) d
    offset 0
  ) k;
end;
comment on function app_private.judged_pushes(integer, jsonb) is
  'Compares each key of changes that are being written with PEMS: it holds `mine` (the new value), `base` (the old '
  'value), `other`, or `nothing` that is readable.';
--! EndIncluded app_private/functions/judged_pushes.sql
--! Included app_private/functions/keep_unknown.sql
create or replace function app_private.keep_unknown(organization_id integer, run_id bigint, pfa_ids text[] default null)
  returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.pfa_staging s
  set data = s.data || coalesce((
      select jsonb_object_agg(u.key, m.data->u.key)
      from jsonb_array_elements_text(s.unknown) u (key) where m.data ? u.key
    ), '{}'),
    version = case when s.unknown ? 'version' then m.version else s.version end,
    version_by = case when s.unknown ? 'versionBy' then m.version_by else s.version_by end
  from app_core.pfa_mirror m
  where s.organization_id = keep_unknown.organization_id and s.run_id = keep_unknown.run_id and s.unknown is not null
    and (keep_unknown.pfa_ids is null or s.pfa_id = any (keep_unknown.pfa_ids))
    and m.organization_id = keep_unknown.organization_id and m.pfa_id = s.pfa_id;
end;
comment on function app_private.keep_unknown(integer, bigint, text[]) is
  'Fills staged rows of these records (null: of all) with the mirror''s values for keys that their page lacked. A key '
  'that PEMS no longer returns is unknown, not empty.';
--! EndIncluded app_private/functions/keep_unknown.sql
--! Included app_private/functions/key_group.sql
create or replace function app_private.key_group(key text) returns text
  language sql immutable parallel safe
  return case when key in ('forecastStart', 'forecastEnd') then 'forecastStart' else key end;
comment on function app_private.key_group(text) is 'Returns the first key of the group of keys that PEMS can only '
  'accept together.';
--! EndIncluded app_private/functions/key_group.sql
--! Included app_private/functions/key_problem.sql
create or replace function app_private.key_problem(field app_public.pfa_fields, screen_field text, data jsonb,
  value jsonb) returns text
  language sql stable parallel safe
  return case
    when field.key is null then 'is not a key of a record'
    when not field.is_editable then 'is set by PEMS and cannot be edited'
    when screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
    when field.editable_when_actualized and (data->>'isActualized') is distinct
      from 'true' then 'can be edited only after the record is actualized'
    else app_core.value_problem(field, value)
  end;
comment on function app_private.key_problem(app_public.pfa_fields, text, jsonb, jsonb) is
  'Explains why a user may not set a key of a record, as the end of a sentence. Null if the user may. The field is '
  'null for an unknown key. The screen field is null for a key without a mapping for writes.';
--! EndIncluded app_private/functions/key_problem.sql
--! Included app_private/functions/last_active_at.sql
create or replace function app_private.last_active_at(organization_id integer, user_id integer) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select greatest(u.created_at,
    (
      select m.created_at from app_public.user_organizations m
      where m.organization_id = last_active_at.organization_id and m.user_id = u.id
    ),
    -- Access tokens last for minutes, so a session in use is refreshed often.
    (
      select max(greatest(s.started_at, t.issued_at, t.used_at))
      from app_private.sessions s
      left join app_private.refresh_tokens t on t.session_id = s.id
      where s.user_id = u.id
    ),
    (
      select max(greatest(o.created_at, o.undone_at)) from app_core.pfa_draft_operation o
      where o.organization_id = last_active_at.organization_id and o.user_id = u.id
    ))
  from app_public.users u
  where u.id = last_active_at.user_id;
end;
comment on function app_private.last_active_at(integer, integer) is
  'Returns when a user last signed in, used a session, or drafted in the organization, but no time before the account '
  'and the membership were created.';
--! EndIncluded app_private/functions/last_active_at.sql
--! Included app_private/functions/legacy_blocks.sql
create or replace function app_private.legacy_blocks(problems jsonb) returns boolean
  language sql immutable parallel safe
  return problems <> '[]' and jsonb_path_exists(problems, '$[*] ? (!exists(@.isLeftOut))');
comment on function app_private.legacy_blocks(jsonb) is
  'Whether problems keep a row from being imported. A cell that is left out does not block its row.';
--! EndIncluded app_private/functions/legacy_blocks.sql
--! Included app_private/functions/legacy_endpoints.sql
create or replace function app_private.legacy_endpoints()
  returns table (legacy_id text, name text, stored text, url text, settings jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select p.legacy_id, p.content->>'name', p.content->'endpoint'->>'url', p.content->>'url',
    (p.content->'endpoint') - 'url'
  from pg_temp.legacy_plan p
  where p.table_name = 'api_configurations' and p.content ? 'endpoint'
  order by p.line_number;
end;
$$;
comment on function app_private.legacy_endpoints() is
  'Returns what the import does with the address and the headers of each connection to PEMS.';
--! EndIncluded app_private/functions/legacy_endpoints.sql
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
  'Parses a text as JSON. Null if it is invalid or cannot be stored.';
--! EndIncluded app_private/functions/legacy_json.sql
--! Included app_private/functions/legacy_keys.sql
create or replace function app_private.legacy_keys(table_name text)
  returns table (legacy_id text, name text, key jsonb, has_problems boolean)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select p.legacy_id, p.content->>'username', p.target->'id', app_private.legacy_blocks(p.problems)
  from pg_temp.legacy_plan p
  where p.table_name = legacy_keys.table_name and p.legacy_id is not null;
end;
$$;
comment on function app_private.legacy_keys(text) is
  'Returns the ids here of the legacy ids of a planned table, for the rows that refer to them. For users it also '
  'returns their names.';
--! EndIncluded app_private/functions/legacy_keys.sql
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
  'Counts the outcomes for each table with rows: added, merged, same, quarantined, and kept only in legacy_row.';
--! EndIncluded app_private/functions/legacy_outcomes.sql
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
comment on function app_private.legacy_problems() is 'Returns every problem that keeps a planned row from being '
  'imported.';
--! EndIncluded app_private/functions/legacy_problems.sql
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
  'Returns SQL text that reads the content of a planned row p as a row t of the table, or of some of its columns.';
--! EndIncluded app_private/functions/legacy_record.sql
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
  'Returns the credentials of imported rows, encrypted by the prototype.';
--! EndIncluded app_private/functions/legacy_secrets.sql
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
comment on function app_private.legacy_target_join(regclass) is 'Returns SQL text that joins e, the row here, to a '
  'planned row p.';
--! EndIncluded app_private/functions/legacy_target_join.sql
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
  'Returns SQL text for the primary key of a row as JSON. A generated key is the negative line number until the '
  'database generates it.';
--! EndIncluded app_private/functions/legacy_target_key.sql
--! Included app_private/functions/limits_of.sql
create or replace function app_private.limits_of(organization_id integer) returns app_public.organization_limits
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(l.removed_percent, 20), coalesce(l.refused_percent, 20), coalesce(l.changed_percent, 50),
    coalesce(l.emptied_percent, 20), coalesce(l.least_records, 50), coalesce(l.absent_days, 14), l.changed_at,
    u.username
  from (select 1) one
  left join app_private.pfa_limits l on l.organization_id = limits_of.organization_id
  left join app_public.users u on u.id = l.changed_by;
end;
comment on function app_private.limits_of(integer) is 'Returns the limits of an organization, with defaults for '
  'missing ones.';
--! EndIncluded app_private/functions/limits_of.sql
--! Included app_private/functions/list_signing_keys.sql
create or replace function app_private.list_signing_keys()
  returns table (kid text, algorithm text, public_jwk jsonb, key_id text, nonce bytea, ciphertext bytea,
    retired_at timestamptz, may_sign boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Tokens that a retired key signed last for 10 minutes. A server that cannot use the new key yet may sign with the
  -- old one for 3 minutes, and reloads the keys every minute. So each token stays valid until it expires.
  select k.kid, k.algorithm, k.public_jwk, k.key_id, k.nonce, k.ciphertext, k.retired_at,
    k.retired_at is null or k.retired_at > now() - interval '3 minutes'
  from app_private.signing_keys k
  where k.retired_at is null or k.retired_at > now() - interval '15 minutes'
  order by k.retired_at desc nulls first, k.created_at desc;
end;
comment on function app_private.list_signing_keys() is 'Returns the accepted signing keys. The first one signs.';
grant execute on function app_private.list_signing_keys() to vanguard_authenticator;
--! EndIncluded app_private/functions/list_signing_keys.sql
--! Included app_private/functions/lock_operations.sql
create or replace function app_private.lock_operations(organization_id integer, user_id integer) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select pg_advisory_xact_lock(hashtextextended(format('pfa_draft_operation %s %s', lock_operations.organization_id,
    lock_operations.user_id), 0));
end;
comment on function app_private.lock_operations(integer, integer) is
  'Serializes a user''s operations on drafts across tabs. The newest operation must be known before its records are. '
  'Call it before lock_records.';
--! EndIncluded app_private/functions/lock_operations.sql
--! Included app_private/functions/lock_records.sql
create or replace function app_private.lock_records(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select from app_core.pfa_mirror m
  where m.organization_id = lock_records.organization_id and m.pfa_id = any (lock_records.pfa_ids)
  order by m.pfa_id for no key update;
end;
comment on function app_private.lock_records(integer, text[]) is
  'Locks the mirror rows of records in key order. Every change of what users see of records takes these locks. It '
  'must be a separate statement, so that the next one reads the changes of the previous holder.';
--! EndIncluded app_private/functions/lock_records.sql
--! Included app_private/functions/may_draft.sql
create or replace function app_private.may_draft(organization_id integer, user_id integer) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
    select u.is_active and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin', 'member'))
    from app_public.users u
    left join app_public.user_organizations m on m.organization_id = may_draft.organization_id and m.user_id = u.id
    where u.id = may_draft.user_id), false);
end;
comment on function app_private.may_draft(integer, integer) is
  'Whether a user may draft and commit in an organization. The user need not be signed in.';
--! EndIncluded app_private/functions/may_draft.sql
--! Included app_private/functions/merged_for.sql
create or replace function app_private.merged_for(organization_id integer, user_id integer, pfa_ids text[])
  returns table (pfa_id text, revision bigint, data jsonb, underlay jsonb, removed_at timestamptz)
  language sql stable
begin atomic
  select m.pfa_id,
    coalesce(mine.revision, pending.revision, m.revision),
    coalesce(mine.data, pending.data, m.data),
    coalesce(pending.data, m.data),
    m.removed_at
  from app_core.pfa_mirror m
  left join app_core.pfa_overlay mine
    on mine.organization_id = merged_for.organization_id and mine.viewer_id = merged_for.user_id
      and mine.pfa_id = any (merged_for.pfa_ids) and mine.pfa_id = m.pfa_id
  left join app_core.pfa_overlay pending
    on pending.organization_id = merged_for.organization_id and pending.viewer_id = 0
      and pending.pfa_id = any (merged_for.pfa_ids) and pending.pfa_id = m.pfa_id
  where m.organization_id = merged_for.organization_id and m.pfa_id = any (merged_for.pfa_ids);
end;
comment on function app_private.merged_for(integer, integer, text[]) is
  'Returns what a user sees of the given records (data, revision), and the underlying values without that user''s '
  'draft (underlay: mirror and pending changes). Missing records have no row. PostgreSQL inlines it into the calling '
  'query, which should disable nested loops.';
--! EndIncluded app_private/functions/merged_for.sql
--! Included app_private/functions/microseconds.sql
create or replace function app_private.microseconds(moment timestamptz) returns text
  language sql immutable parallel safe
  return (extract(epoch from moment) * 1000000)::bigint::text;
comment on function app_private.microseconds(timestamp with time zone) is
  'Converts a time to microseconds since 1970 in digits, as the worker holds it.';
--! EndIncluded app_private/functions/microseconds.sql
--! Included app_private/functions/migration_state.sql
create or replace function app_private.migration_state(expected text[], out missing text[], out unknown text[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  applied text[] := '{}';
begin
  unknown := '{}';
  -- A library owns the table, so check that it exists before reading it.
  if to_regclass('graphile_migrate.migrations') is not null then
    execute '
      select coalesce(array_agg(m.hash), ''{}''),
        coalesce(array_agg(m.filename order by m.filename) filter (where m.hash <> all ($1)), ''{}'')
      from graphile_migrate.migrations m'
      into applied, unknown using expected;
  end if;
  missing := array(select e from unnest(expected) e where e <> all (applied) order by e);
end;
$$;
comment on function app_private.migration_state(text[]) is
  'Compares the migrations of a version of the product, by hash, with those of this database. Returns as `missing` '
  'the hashes that the database lacks. Returns as `unknown` the file names of migrations that the version does not '
  'know.';
grant execute on function app_private.migration_state(text[]) to vanguard_authenticator, vanguard_worker;
--! EndIncluded app_private/functions/migration_state.sql
--! Included app_private/functions/mirror_due_at.sql
create or replace function app_private.mirror_due_at(organization_id integer) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(app_private.quiet_until(d.at, s.quiet_from, s.quiet_to, coalesce(s.time_zone, 'UTC')), d.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  join app_public.api_configurations c on c.id = app_private.pull_connection(o.id)
  left join lateral (
    select l.started_at, l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  cross join lateral (
    select case
      -- If there was no run, the time when the first one became possible.
      when done.finished_at is null then greatest(o.created_at, c.created_at)
      when s.cron is null then done.finished_at + coalesce(s.every, '15 minutes')
      else app_private.cron_next(s.cron, done.started_at, s.time_zone)
    end as at
  ) d
  where o.id = mirror_due_at.organization_id and o.is_active and s.paused_at is null;
end;
comment on function app_private.mirror_due_at(integer) is
  'Returns when the schedule next requires a read of an organization''s mirror: after its interval, or at the next '
  'time of its cron expression, outside of quiet hours. Null if the organization is paused, disabled or not connected '
  'to a PEMS.';
--! EndIncluded app_private/functions/mirror_due_at.sql
--! Included app_private/functions/monitoring.sql
create or replace function app_private.monitoring() returns jsonb
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  now constant timestamptz := clock_timestamp();
begin
  return jsonb_build_object(
    'queue', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.task), '[]')
      from (
        select j.task_identifier as task,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now) as ready,
          count(*) filter (where j.attempts < j.max_attempts and j.locked_at is null and j.run_at > now) as scheduled,
          count(*) filter (where j.locked_at is not null) as locked,
          count(*) filter (where j.attempts >= j.max_attempts and j.locked_at is null) as failed,
          coalesce(extract(epoch from now - min(j.run_at) filter (
            where j.attempts < j.max_attempts and j.locked_at is null and j.run_at <= now)),
              0)::float8 as oldest_ready_seconds
        from graphile_worker.jobs j
        group by j.task_identifier
      ) t
    ),
    -- Counts only workers that hold their lock. A killed worker stays on the list until another one removes it, and
    -- there may be no other.
    'workers', (
      select count(distinct w.backend_pid)
      from app_private.worker_processes w
      join pg_locks l on l.pid = w.backend_pid
      where l.locktype = 'advisory' and l.granted and l.objsubid = 1
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
        and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key
    ),
    'organizations', (
      with unsettled as materialized (
        select m.organization_id,
          count(*) filter (where m.state = 'committed') as waiting,
          count(*) filter (where m.state = 'syncing') as writing,
          -- A scalar subquery is evaluated for each syncing change. `exists` would read all intents of all time.
          count(*) filter (where m.state = 'syncing' and (
            select true from app_core.pfa_push_intent i
            where i.organization_id = m.organization_id and i.modification_id = m.id and i.outcome = 'uncertain'
              limit 1)) as uncertain,
          min(m.committed_at) as oldest_at
        from app_core.pfa_modification m
        where m.state in ('committed', 'syncing')
        group by m.organization_id
      ),
      problem as materialized (
        select m.organization_id,
          count(*) filter (where k.number = 1) as drafts,
          min(m.updated_at) as oldest_at,
          jsonb_build_object(
            'conflict', count(*) filter (where k.value->>'kind' = 'conflict'),
            'refused', count(*) filter (where k.value->>'kind' = 'refused'),
            'altered', count(*) filter (where k.value->>'kind' = 'altered'),
            'failed', count(*) filter (where k.value->>'kind' = 'failed'),
            'removed', count(*) filter (where k.value->>'kind' = 'removed')) as kinds
        from app_core.pfa_modification m
        cross join jsonb_each(m.problems) with ordinality k (key, value, number)
        where m.state = 'draft' and m.problems <> '{}'
        group by m.organization_id
      )
      select coalesce(jsonb_agg(to_jsonb(s) order by s.organization), '[]')
      from (
        select o.code as organization,
          extract(epoch from now - done.finished_at)::float8 as mirror_age_seconds,
          -- Null if no schedule requires a run.
          case when d.at is not null then greatest(0, extract(epoch
            from now - d.at))::float8 end as mirror_overdue_seconds,
          ended.state as last_outcome,
          extract(epoch from ended.finished_at)::float8 as last_ended_at,
          extract(epoch from ended.finished_at - ended.started_at)::float8 as last_duration_seconds,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as sync_paused_seconds,
          g.state as push_gate,
          coalesce(extract(epoch from now - p.paused_at), 0)::float8 as push_paused_seconds,
          coalesce(m.waiting, 0) as push_waiting,
          coalesce(m.writing, 0) as push_writing,
          coalesce(m.uncertain, 0) as push_uncertain,
          coalesce(extract(epoch from now - m.oldest_at), 0)::float8 as push_oldest_seconds,
          w.confirmed as push_confirmed,
          w.returned as push_returned,
          coalesce(k.drafts, 0) as problem_drafts,
          coalesce(extract(epoch from now - k.oldest_at), 0)::float8 as problem_oldest_seconds,
          coalesce(k.kinds, '{"conflict": 0, "refused": 0, "altered": 0, "failed": 0, "removed": 0}') as problems
        from app_public.organizations o
        cross join lateral app_private.push_gate(o.id) g
        cross join lateral (select app_private.mirror_due_at(o.id) as at) d
        left join app_private.pfa_sync_schedule s on s.organization_id = o.id
        left join app_private.pfa_push_pause p on p.organization_id = o.id
        left join unsettled m on m.organization_id = o.id
        left join problem k on k.organization_id = o.id
        left join lateral (
          select l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state = 'succeeded' order by l.finished_at desc limit 1
        ) done on true
        left join lateral (
          select l.state, l.started_at, l.finished_at from app_public.pfa_sync_log l
          where l.organization_id = o.id and l.state in ('succeeded', 'withheld', 'failed') order by l.id desc limit 1
        ) ended on true
        cross join lateral (
          -- A returned change has a problem in each key, a confirmed one in none.
          select count(*) filter (where not c.changes @? '$.*.problem') as confirmed,
            count(*) filter (where c.changes @? '$.*.problem') as returned
          from app_core.pfa_change c
          where c.organization_id = o.id and c.changed_at > now - interval '10 minutes' and c.route = 'push'
        ) w
        where o.is_active
      ) s
    ),
    'connections', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select c.id as connection,
          coalesce(extract(epoch from now - s.opened_at), 0)::float8 as breaker_open_seconds,
          s.opened_at is not null as is_breaker_open,
          coalesce(s.failures, 0) as failures,
          coalesce(extract(epoch from now - s.paused_at), 0)::float8 as paused_seconds
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_state s on s.api_configuration_id = c.id
        where c.url is not null and c.operation_type in ('write', 'read-write')
      ) t
    ),
    -- The limit belongs to the tenant and covers all connections to it. The slowest connection sets it.
    'rates', (
      select coalesce(jsonb_agg(to_jsonb(t) order by t.connection), '[]')
      from (
        select min(c.id) as connection, p.tenant, min(p.requests_per_second) as requests_per_second,
          coalesce(max(r.requests), 0) as requests
        from app_public.api_configurations c
        join app_public.pems_settings p on p.api_configuration_id = c.id
        left join app_private.pems_rate r on r.url = c.url and r.tenant = p.tenant
        where c.url is not null
        group by c.url, p.tenant
      ) t
    )
  );
end;
$$;
comment on function app_private.monitoring() is
  'Returns the figures for monitoring: jobs by task, live workers, active organizations, writing connections '
  '(breaker and pause) and tenants of PEMS (requests sent, and requests allowed in a second). An organization has '
  'the age of its mirror and its delay in seconds, the last run, and what pauses or blocks writing. It also has '
  'pending changes and their age, changes confirmed and returned within 10 minutes, and draft problems by kind. The '
  'figures contain no content of records, and no names except the codes of organizations, connections and tenants.';
grant execute on function app_private.monitoring() to vanguard_authenticator;
--! EndIncluded app_private/functions/monitoring.sql
--! Included app_private/functions/note_connection_result.sql
create or replace function app_private.note_connection_result(api_configuration_id text, rows_read integer,
  error_message text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.api_configurations c
  set status = case when note_connection_result.error_message is null then 'connected' else 'error' end,
    last_checked = clock_timestamp(),
    last_error = note_connection_result.error_message,
    first_sync_at = case when rows_read is null then c.first_sync_at else coalesce(c.first_sync_at,
      clock_timestamp()) end,
    last_sync_at = case when rows_read is null then c.last_sync_at else clock_timestamp() end,
    last_sync_record_count = coalesce(rows_read, c.last_sync_record_count),
    total_sync_record_count = coalesce(c.total_sync_record_count, 0) + coalesce(rows_read, 0)
  where c.id = note_connection_result.api_configuration_id;
  select app_private.note_pems_success(note_connection_result.api_configuration_id)
    where note_connection_result.error_message is null;
end;
comment on function app_private.note_connection_result(text, integer, text) is
  'Records the outcome of using a connection. rows_read is set after a sync and null after a mere test. A success '
  'closes its breaker.';
grant execute on function app_private.note_connection_result(text, integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/note_connection_result.sql
--! Included app_private/functions/note_exchange.sql
create or replace function app_private.note_exchange(organization_id integer, pfa_id text, modification_id bigint,
  attempt integer, exchange jsonb) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  insert into app_core.pfa_push_exchange (organization_id, pfa_id, modification_id, attempt, action, request, status,
    answer, error_code, milliseconds)
  select note_exchange.organization_id, note_exchange.pfa_id, note_exchange.modification_id, note_exchange.attempt,
    e->>'action', e->>'request',
    (e->>'status')::integer, e->>'answer', e->>'errorCode', (e->>'milliseconds')::integer
  from (select note_exchange.exchange as e) given
  where jsonb_typeof(e) = 'object';
end;
comment on function app_private.note_exchange(integer, text, bigint, integer, jsonb) is
  'Stores `{"action", "request", "status", "answer", "errorCode", "milliseconds"}`. Does nothing if the exchange is '
  'null.';
grant execute on function app_private.note_exchange(integer, text, bigint, integer, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/note_exchange.sql
--! Included app_private/functions/note_pems_failure.sql
create or replace function app_private.note_pems_failure(api_configuration_id text, error_code text, error_message text,
  is_final boolean) returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- One failed request says little about PEMS. If the host is unreachable or refuses the credentials, the next request
  -- would fail as well.
  insert into app_private.pems_state as s (api_configuration_id, failures, opened_at, next_probe_at, error_code,
    error_message)
  select note_pems_failure.api_configuration_id, 1, case when is_final then clock_timestamp() end,
    case when is_final then clock_timestamp() + interval '2 seconds' end, note_pems_failure.error_code,
      note_pems_failure.error_message
  on conflict on constraint pems_state_pkey do update set
    failures = s.failures + 1,
    opened_at = case when s.opened_at is not null or is_final
      or s.failures >= 4 then coalesce(s.opened_at, clock_timestamp()) end,
    -- Probes after 2, 4, 8, ... seconds, at most 2 minutes apart.
    next_probe_at = case when s.opened_at is not null or is_final or s.failures >= 4
      then greatest(s.next_probe_at, clock_timestamp()
        + least(interval '2 seconds' * power(2, least(s.probes, 10)), interval '2 minutes')) end,
    error_code = excluded.error_code,
    error_message = excluded.error_message
  returning s.opened_at is not null;
end;
comment on function app_private.note_pems_failure(text, text, text, boolean) is
  'Counts a failed request over a connection, unless its content was the cause. The fifth failure in a row opens the '
  'breaker. A final one (unreachable host, wrong credentials) opens it at once. Returns whether the breaker is open.';
grant execute on function app_private.note_pems_failure(text, text, text, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/note_pems_failure.sql
--! Included app_private/functions/note_pems_success.sql
create or replace function app_private.note_pems_success(api_configuration_id text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_api_configuration_id constant text := note_pems_success.api_configuration_id;
  before app_private.pems_state;
begin
  if not exists (
    select from app_private.pems_state s
    where s.api_configuration_id = p_api_configuration_id and (s.failures > 0 or s.opened_at is not null)
  ) then
    return;
  end if;
  select s.* into before from app_private.pems_state s where s.api_configuration_id = p_api_configuration_id for update;
  update app_private.pems_state s
  set failures = 0, opened_at = null, probes = 0, next_probe_at = null, error_code = null, error_message = null
  where s.api_configuration_id = p_api_configuration_id;
  if before.opened_at is not null then
    perform app_private.queue_pushes_over(p_api_configuration_id);
  end if;
end;
$$;
comment on function app_private.note_pems_success(text) is
  'Records a successful request over a connection: closes its breaker and queues the waiting changes.';
grant execute on function app_private.note_pems_success(text) to vanguard_worker;
--! EndIncluded app_private/functions/note_pems_success.sql
--! Included app_private/functions/note_push_answer.sql
create or replace function app_private.note_push_answer(organization_id integer, id bigint, attempt integer,
  answer jsonb, exchange jsonb) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := note_push_answer.organization_id;
begin
  perform app_private.note_exchange(p_organization_id, m.pfa_id, m.id, note_push_answer.attempt, exchange)
  from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = note_push_answer.id;
  update app_core.pfa_push_intent i
  set answered_at = clock_timestamp(), answer = note_push_answer.answer
  from app_core.pfa_modification m
  where i.organization_id = p_organization_id and i.modification_id = note_push_answer.id
    and i.attempt = note_push_answer.attempt and i.outcome is null
    and m.organization_id = p_organization_id and m.id = i.modification_id and m.state = 'syncing'
      and m.attempts = i.attempt and m.retry_at is null;
  return found;
end;
$$;
comment on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) is
  'Records that PEMS responded to a write, so that the write is no longer under way. Only a read shows whether PEMS '
  'kept the values. Returns false if another attempt has replaced this one.';
grant execute on function app_private.note_push_answer(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/note_push_answer.sql
--! Included app_private/functions/note_sign_in_attempt.sql
create or replace function app_private.note_sign_in_attempt(username text, address inet) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  period constant interval := interval '15 minutes';
  per_address constant integer := 100;
  per_account constant integer := 30;
  per_account_and_address constant integer := 10;
  asked_at constant timestamptz := clock_timestamp();
  tried constant bytea := app_private.account_key(note_sign_in_attempt.username);
  is_known constant boolean := exists (
    select from app_private.sign_in_origins o where o.account = tried and o.address = note_sign_in_attempt.address);
  wait_until timestamptz;
begin
  -- Every caller locks in this order: address, account, both together. The address comes first, so that a blocked
  -- address adds no rows, whatever names it tries.
  if not is_known then
    insert into app_private.sign_in_attempts as a (address, expires_at)
      values (note_sign_in_attempt.address, asked_at + period)
    on conflict (account, address) do update
      set attempts = case when a.expires_at > asked_at then a.attempts else 0 end,
        expires_at = case when a.expires_at > asked_at then a.expires_at else excluded.expires_at end
    returning case when a.attempts >= per_address then a.expires_at end into wait_until;
  end if;
  if wait_until is null then
    with counted as (
      insert into app_private.sign_in_attempts as a (account, address, expires_at)
      select tried, w.address, asked_at + period
      from (select null::inet as address where not is_known union all select note_sign_in_attempt.address) w
      on conflict (account, address) do update
        set attempts = case when a.expires_at > asked_at then a.attempts else 0 end,
          expires_at = case when a.expires_at > asked_at then a.expires_at else excluded.expires_at end
      returning a.address, a.attempts, a.expires_at
    )
    select max(c.expires_at) into wait_until from counted c
    where c.attempts >= case when c.address is null then per_account else per_account_and_address end;
  end if;
  if wait_until is null then
    update app_private.sign_in_attempts a set attempts = a.attempts + 1
    where a.account = tried and a.address = note_sign_in_attempt.address
      or not is_known and (a.account is null and a.address = note_sign_in_attempt.address or a.account = tried
        and a.address is null);
  end if;
  return coalesce(ceil(extract(epoch from wait_until - asked_at)), 0);
end;
$$;
comment on function app_private.note_sign_in_attempt(text, inet) is
  'Counts an attempt before its password is compared, and returns 0. After 10 attempts on this account from this '
  'address, 30 on it from anywhere or 100 from this address within 15 minutes, it counts nothing and returns the '
  'seconds to wait. For an address from which the account has signed in before, only the first limit applies. '
  'Existing and unknown user names are treated alike.';
grant execute on function app_private.note_sign_in_attempt(text, inet) to vanguard_authenticator;
--! EndIncluded app_private/functions/note_sign_in_attempt.sql
--! Included app_private/functions/note_sign_in_success.sql
create or replace function app_private.note_sign_in_success(username text, address inet) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  tried constant bytea := app_private.account_key(note_sign_in_success.username);
  is_known constant boolean := exists (
    select from app_private.sign_in_origins o where o.account = tried and o.address = note_sign_in_success.address);
begin
  perform from app_private.sign_in_attempts a
  where a.account is null and a.address = note_sign_in_success.address or a.account = tried and a.address is null
    or a.account = tried and a.address = note_sign_in_success.address
  order by a.account nulls first, a.address nulls first
  for update;
  -- Attempts on other accounts or from other addresses stay counted.
  update app_private.sign_in_attempts a set attempts = greatest(a.attempts - own.attempts, 0)
  from app_private.sign_in_attempts own
  where not is_known and own.account = tried and own.address = note_sign_in_success.address
    and (a.account is null and a.address = note_sign_in_success.address or a.account = tried and a.address is null);
  delete from app_private.sign_in_attempts a where a.account = tried and a.address = note_sign_in_success.address;
  insert into app_private.sign_in_origins as o (account, address) values (tried, note_sign_in_success.address)
  on conflict (account, address) do update set last_success_at = now();
end;
$$;
comment on function app_private.note_sign_in_success(text, inet) is
  'Clears the attempts on this account from this address, and records that the account signed in from there.';
grant execute on function app_private.note_sign_in_success(text, inet) to vanguard_authenticator;
--! EndIncluded app_private/functions/note_sign_in_success.sql
--! Included app_private/functions/notify_event.sql
create or replace function app_private.notify_event() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('vanguard_realtime', json_build_object('organizationId', new.organization_id, 'event',
    new.id)::text);
  return null;
end;
$$;
comment on function app_private.notify_event() is
  'Trigger: notifies the servers of a new event. They read the event by its id, because a notification has at most '
  '8,000 bytes and any connected client can listen.';
--! EndIncluded app_private/functions/notify_event.sql
--! Included app_private/functions/outer_days.sql
create or replace function app_private.outer_days() returns integer
  language sql immutable parallel safe
  return 60;
comment on function app_private.outer_days() is
  'Number of days next to each bound for which the number of records is stored.';
--! EndIncluded app_private/functions/outer_days.sql
--! Included app_private/functions/overlaid.sql
-- The same condition on the current rows of the table.
create or replace function app_private.overlaid(organization_id integer, user_id integer)
  returns setof app_core.pfa_overlay
  language sql stable
begin atomic
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = overlaid.user_id
  union all
  select o.* from app_core.pfa_overlay o
  where o.organization_id = overlaid.organization_id and o.viewer_id = 0
    and not exists (
      select from app_core.pfa_overlay mine
      where mine.organization_id = overlaid.organization_id and mine.viewer_id = overlaid.user_id
        and mine.pfa_id = o.pfa_id);
end;
comment on function app_private.overlaid(integer, integer) is
  'Merged rows that a user sees instead of the mirror''s: the user''s drafts, and pending changes of other records. '
  'Includes removed records.';
--! EndIncluded app_private/functions/overlaid.sql
--! Included app_private/functions/password_hash_kinds.sql
create or replace function app_private.password_hash_kinds() returns text[]
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- The table has a few hundred rows at most, one for each user.
  select coalesce(array_agg(distinct substring(p.password_hash
    from '^[$](?:2[abxy][$]\d\d|argon2id[$]v=\d+[$]m=\d+,t=\d+,p=\d+)[$]')), '{}')
  from app_private.user_passwords p;
end;
comment on function app_private.password_hash_kinds() is
  'Prefixes of the stored password hashes: algorithm and cost. A sign-in computes a hash of each kind, so that its '
  'duration reveals neither the kind of an account nor its existence.';
grant execute on function app_private.password_hash_kinds() to vanguard_authenticator;
--! EndIncluded app_private/functions/password_hash_kinds.sql
--! Included app_private/functions/pause_connection_checked.sql
create or replace function app_private.pause_connection_checked(api_configuration_id text, is_paused boolean)
  returns app_public.api_configurations
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  result app_public.api_configurations;
begin
  select c.* into result from app_public.api_configurations c
  where c.id = pause_connection_checked.api_configuration_id and c.operation_type in ('write', 'read-write')
    and app_core.may_configure(c.organization_id);
  if not found then
    raise exception 'You may manage no connection % that writes.',
      coalesce(pause_connection_checked.api_configuration_id, '(none)')
      using errcode = 'VG404', hint = 'List connections with apiConfigurations. Owners and admins manage those of '
        'their organization, administrators the shared ones.';
  end if;
  perform app_private.set_connection_pause(result.id, is_paused);
  return result;
end;
$$;
comment on function app_private.pause_connection_checked(text, boolean) is
  'As set_connection_pause, for users who may manage the connection. VG404 for others.';
--! EndIncluded app_private/functions/pause_connection_checked.sql
--! Included app_private/functions/pause_sync_schedule.sql
create or replace function app_private.pause_sync_schedule(organization_id integer, user_id integer, is_paused boolean)
  returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := pause_sync_schedule.organization_id;
begin
  insert into app_private.pfa_sync_schedule as s (organization_id, paused_at, paused_by)
  values (p_organization_id, case when pause_sync_schedule.is_paused then clock_timestamp() end,
    case when pause_sync_schedule.is_paused then pause_sync_schedule.user_id end)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set paused_at = excluded.paused_at, paused_by = excluded.paused_by
  where (s.paused_at is null) <> (excluded.paused_at is null);
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.pause_sync_schedule(integer, integer, boolean) is
  'Pauses or resumes the schedule of an organization, for a user or (null) a command. A second call changes nothing.';
--! EndIncluded app_private/functions/pause_sync_schedule.sql
--! Included app_private/functions/pending.sql
create or replace function app_private.pending(organization_id integer, pfa_ids text[])
  returns table (pfa_id text, delta jsonb)
  language sql stable
begin atomic
  -- `not in` leads the planner to the index by record: see begin_pushes.
  select m.pfa_id, jsonb_object_agg(d.key, d.value order by m.commit_sequence)
  from app_core.pfa_modification m, jsonb_each(m.delta) d
  where m.organization_id = pending.organization_id and m.pfa_id = any (pending.pfa_ids)
    and m.state not in ('draft', 'synced')
  group by m.pfa_id;
end;
comment on function app_private.pending(integer, text[]) is
  'Returns the unconfirmed committed changes of these records, merged into a delta for each record. If two changes set '
  'a key, the later one counts.';
--! EndIncluded app_private/functions/pending.sql
--! Included app_private/functions/plan_cache_mode.sql
-- Statements for an organization of the usual size keep one plan, which PostgreSQL does not do on its own.
create or replace function app_private.plan_cache_mode(organization_ids integer[]) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with size as (
    select s.organization_id, sum(s.record_count + s.discontinued_count) as records from app_private.pfa_kpi_summary s
      group by 1
  )
  select case
    when max(z.records) filter (where z.organization_id
      = any (plan_cache_mode.organization_ids)) > 3 * avg(z.records) then 'force_custom_plan'
    else 'force_generic_plan'
  end
  from size z;
end;
comment on function app_private.plan_cache_mode(integer[]) is
  'Returns the plan_cache_mode for statements of a user who may see these organizations. A kept plan is made for an '
  'organization of the usual size and saves one to two milliseconds for each statement. PostgreSQL on its own keeps '
  'none, because it estimates a custom plan to be slightly cheaper. If one organization is more than three times as '
  'large, a custom plan may be ten times as fast, so each statement gets one.';
--! EndIncluded app_private/functions/plan_cache_mode.sql
--! Included app_private/functions/plan_push.sql
create or replace function app_private.plan_push(
  organization_id integer, id bigint, attempt integer, read jsonb, exchange jsonb,
  out decision text, out intent_id bigint, out write_values jsonb, out send_before text
)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := plan_push.organization_id;
  p_id constant bigint := plan_push.id;
  p_attempt constant integer := plan_push.attempt;
  p_pfa_id constant text := plan_push.read->>'pfaId';
  p_read constant jsonb := plan_push.read || jsonb_build_object('id', plan_push.id);
  modification app_core.pfa_modification;
  doubted jsonb;
  known timestamptz;
  problems jsonb;
  in_pems jsonb;
  held text[];
  waits constant interval := (
    select s.timeout_ms * interval '1 millisecond' from app_public.pems_settings s
    where s.api_configuration_id = app_private.push_connection(p_organization_id));
begin
  perform app_private.lock_records(p_organization_id, array[p_pfa_id]);
  perform app_private.note_exchange(p_organization_id, p_pfa_id, p_id, p_attempt, exchange);
  select m.* into modification
  from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.id = p_id and m.pfa_id = p_pfa_id and m.state = 'syncing'
    and m.attempts = p_attempt and m.retry_at is null
  for update;
  if not found then
    decision := 'superseded';
    return;
  end if;
  select m.observed_at into known from app_core.pfa_mirror m where m.organization_id = p_organization_id
    and m.pfa_id = p_pfa_id;
  if app_private.at_microseconds(p_read->>'requestedAt') <= known then
    decision := 'read_again';
    return;
  end if;

  -- Keys that earlier writes with an uncertain outcome have set, each with the record versions that these writes
  -- expected.
  select coalesce(jsonb_object_agg(d.key, d.versions), '{}') into doubted
  from (
    select k.key, jsonb_agg(i.record_version) as versions
    from app_core.pfa_push_intent i cross join jsonb_object_keys(i.write_values) k (key)
    where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain'
    group by k.key
  ) d;
  perform app_private.enter_reads(p_organization_id, jsonb_build_array(p_read || jsonb_build_object('ours',
    (select coalesce(jsonb_object_agg(k.key, k.value), '{}') from jsonb_each(modification.delta) k
      where doubted ? k.key))));

  with judged as materialized (
    select j.key, j.mine, j.theirs, j.holds,
      -- The old value with another version means that the write took effect and was reverted, or never took effect.
      -- Nothing shows which.
      j.holds = 'base' and exists (
        select from jsonb_array_elements_text(doubted->j.key) v (version) where v.version is distinct
          from p_read->>'recordId') as is_suspicious
    from app_private.judged_pushes(p_organization_id, jsonb_build_array(p_read)) j
  ),
  verdict as materialized (
    select j.*,
      case
        when j.holds = 'other' then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message',
          'PEMS shows no readable value of it, so it was not written.')
        when j.is_suspicious then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs,
          'message', 'PEMS did not respond to the write and has changed the record since, so the outcome of the write '
            'is unknown.')
        when j.holds = 'base' and modification.failures > 3 then jsonb_build_object('kind', 'failed', 'message',
          'PEMS was tried 4 times and did not respond.')
      end as problem
    from judged j
  )
  select
    jsonb_object_agg(v.key, v.problem) filter (where v.problem is not null),
    jsonb_object_agg(v.key, v.mine) filter (where v.problem is null and v.holds = 'base'),
    jsonb_object_agg(v.key, v.theirs),
    array_agg(v.key) filter (where v.holds = 'mine')
  into problems, write_values, in_pems, held
  from verdict v;

  update app_core.pfa_push_intent i
  set outcome = case when i.write_values ?| held then 'confirmed' else 'failed' end
  where i.organization_id = p_organization_id and i.modification_id = p_id and i.outcome = 'uncertain';

  if problems is not null then
    perform app_private.return_keys(p_organization_id,
      jsonb_build_array(jsonb_build_object('id', p_id, 'problems', problems)));
  end if;
  if write_values is not null then
    insert into app_core.pfa_push_intent
      (organization_id, modification_id, attempt, record_version, read_values, read_at, write_values, send_before,
        quiet_at)
    select p_organization_id, p_id, p_attempt, p_read->>'recordId', in_pems,
      app_private.at_microseconds(p_read->>'receivedAt'), write_values,
      clock_timestamp() + waits, clock_timestamp() + 3 * waits
    returning id, app_private.microseconds(send_before) into intent_id, send_before;
    decision := 'write';
  elsif modification.delta - array(select jsonb_object_keys(problems)) = '{}' then
    decision := 'returned';
  else
    perform app_private.confirm_pushes(p_organization_id, array[p_id]);
    decision := 'confirmed';
  end if;
  perform app_private.show_records(p_organization_id, array[p_pfa_id]);
end;
$$;
comment on function app_private.plan_push(integer, bigint, integer, jsonb, jsonb) is
  'Decides what to do after a record was read. Stores the read in the mirror, returns contradicted keys to their '
  'author, and records the intent before the write. Read: as for enter_reads, with `recordId` and `blank` (keys whose '
  'own field is empty). Decisions: `write` (these values, before that time), `confirmed`, `returned`, `read_again` '
  '(the mirror has a newer read), `superseded` (another attempt has replaced this one).';
grant execute on function app_private.plan_push(integer, bigint, integer, jsonb, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/plan_push.sql
--! Included app_private/functions/plan_sync.sql
create or replace function app_private.plan_sync(
  organization_id integer, asked_kind text default null, at timestamptz default null, out kind text,
  out changed_since timestamp
)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select k.kind, case when k.kind = 'incremental' then done.next_since end
  from (select 1) one
  left join lateral (
    select l.finished_at, l.next_since, l.source from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1
  ) done on true
  left join lateral (
    select l.finished_at from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.state = 'succeeded' and l.kind = 'full'
      order by l.finished_at desc limit 1
  ) complete on true
  left join lateral (
    select l.state, l.kind, l.error_code from app_public.pfa_sync_log l
    where l.organization_id = plan_sync.organization_id and l.finished_at is not null order by l.id desc limit 1
  ) ended on true
  left join app_private.pfa_sync_schedule s on s.organization_id = plan_sync.organization_id
  cross join lateral (select coalesce(plan_sync.at, clock_timestamp()) - complete.finished_at as age) since_full
  cross join lateral (
    select case
      when plan_sync.asked_kind = 'full' then 'full'
      -- An incremental run needs both of these.
      when complete.finished_at is null or done.next_since is null then 'full'
      when done.source is distinct from app_private.sync_source(plan_sync.organization_id) then 'full'
      when plan_sync.asked_kind = 'incremental' then 'incremental'
      when since_full.age >= coalesce(s.full_every, '1 day') then 'full'
      -- A full run confirms or clears missing records: soon, but not every time.
      when since_full.age >= interval '1 hour' and exists (
        select from app_public.pfa_removal_candidate c
        where c.organization_id = plan_sync.organization_id and c.confirmed_at is null) then 'full'
      -- If PEMS refused the request for changes, the next run reads everything.
      when ended.state = 'failed' and ended.kind = 'incremental'
        and ended.error_code in ('PEMS_ERROR_ALERT', 'PEMS_REFUSED', 'PEMS_MALFORMED_ANSWER',
          'PEMS_CHANGED_SINCE_INVALID') then 'full'
      else 'incremental'
    end as kind
  ) k;
end;
comment on function app_private.plan_sync(integer, text, timestamp with time zone) is
  'Returns the kind of run that an organization needs at a time (null: now), and the start time of an incremental '
  'one. The run is full if it was requested, if there is no complete full run, or if PEMS gives no times. It is '
  'full after a change of the connection or the mapping, and after PEMS refused an incremental run. It is full a '
  'day (or the time of the schedule) after the last full run, or an hour after it while missing records need '
  'confirmation.';
--! EndIncluded app_private/functions/plan_sync.sql
--! Included app_private/functions/prepare_search.sql
create or replace function app_private.prepare_search() returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  stale app_private.pfa_search_stale;
begin
  select s.* into stale from app_private.pfa_search_stale s order by s.mark limit 1;
  if not found then
    return false;
  end if;
  -- Two workers may run this at once.
  perform pg_advisory_xact_lock(hashtext('pfa_search_values'), stale.organization_id);
  -- An organization that was read for the first time has no statistics, so its lists would be planned as if they were
  -- empty.
  if not exists (select from app_private.pfa_search_values v where v.organization_id = stale.organization_id) then
    analyze app_core.pfa_mirror;
  end if;
  delete from app_private.pfa_search_values v where v.organization_id = stale.organization_id;
  insert into app_private.pfa_search_values (organization_id, key, texts)
  select stale.organization_id, v.key, array_agg(v.value)
  from (
    select
      case
        when grouping(m.category) = 0 then 'category' when grouping(m.class) = 0 then 'class' when grouping(m.area_silo)
          = 0 then 'areaSilo'
        when grouping(m.data->>'manufacturer') = 0 then 'manufacturer' when grouping(m.data->>'model') = 0 then 'model'
        when grouping(m.data->>'contract') = 0 then 'contract' else 'equipment'
      end as key,
      coalesce(m.category, m.class, m.area_silo, m.data->>'manufacturer', m.data->>'model', m.data->>'contract',
        m.data->>'equipment') as value
    from app_core.pfa_mirror m
    where m.organization_id = stale.organization_id
    group by grouping sets (
      (m.category), (m.class), (m.area_silo), (m.data->>'manufacturer'), (m.data->>'model'), (m.data->>'contract'),
      (m.data->>'equipment'))
    union all
    select distinct 'pfaId', substr(lower(m.pfa_id), n, 3)
    from app_core.pfa_mirror m cross join lateral generate_series(1, length(m.pfa_id) - 2) n
    where m.organization_id = stale.organization_id
  ) v
  where v.value is not null
  group by v.key;
  perform gin_clean_pending_list('app_core.pfa_mirror_values_idx');
  -- Keeps the mark if the mirror has changed again in the meantime. The lock is short: a merge that marks the
  -- organization does not wait for the steps above.
  delete from app_private.pfa_search_stale s where s.organization_id = stale.organization_id and s.mark = stale.mark;
  return true;
end;
$$;
comment on function app_private.prepare_search() is
  'Updates the search of one organization whose mirror has changed: lists its values, analyzes it if it is new, and '
  'flushes the pending list of the index of values. Returns false if there was none. Call it until it returns false, '
  'each time in a separate transaction.';
grant execute on function app_private.prepare_search() to vanguard_worker;
--! EndIncluded app_private/functions/prepare_search.sql
--! Included app_private/functions/problems_of.sql
create or replace function app_private.problems_of(organization_id integer, user_id integer, record_ids text[])
  returns table (pfa_id text, revision bigint, is_removed boolean, key text, mine jsonb)
  language sql stable
begin atomic
  select m.pfa_id, m.revision, m.removed_at is not null, k.key, d.delta->k.key
  from app_core.pfa_modification d
  join app_private.merged_for(problems_of.organization_id, problems_of.user_id, problems_of.record_ids) m
    on m.pfa_id = d.pfa_id
  cross join jsonb_object_keys(d.problems) k (key)
  where d.organization_id = problems_of.organization_id and d.user_id = problems_of.user_id and d.state = 'draft'
    and d.pfa_id = any (problems_of.record_ids);
end;
comment on function app_private.problems_of(integer, integer, text[]) is
  'Returns the drafted keys of a user that have a problem, with the revision of the record as that user sees it.';
--! EndIncluded app_private/functions/problems_of.sql
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
  'Returns the id of the connection for reading the records of an organization: its own or else the shared one, a '
  'real one before the simulated. Null without any connection.';
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
  'Returns the id of the connection for writing changes of an organization: its own or else the shared one, a real '
  'one before the simulated. Null if no connection may write.';
grant execute on function app_private.push_connection(integer) to vanguard_worker;
--! EndIncluded app_private/functions/push_connection.sql
--! Included app_private/functions/push_gate.sql
create or replace function app_private.push_gate(organization_id integer)
  returns table (state text, api_configuration_id text, until timestamptz, message text)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
      when p.organization_id is not null or not o.is_active then 'paused'
      when c.id is null then 'no_connection'
      when s.paused_at is not null then 'connection_paused'
      when s.opened_at is not null then 'breaker_open'
      else 'open'
    end, c.id, s.next_probe_at, s.error_message
  from app_public.organizations o
  left join app_private.pfa_push_pause p on p.organization_id = o.id
  cross join lateral (select app_private.push_connection(o.id) as id) c
  left join app_private.pems_state s on s.api_configuration_id = c.id
  where o.id = push_gate.organization_id;
end;
comment on function app_private.push_gate(integer) is
  'Returns whether changes of an organization may be written now: `open`, `paused`, `no_connection`, '
  '`connection_paused`, or `breaker_open` (until the next probe).';
grant execute on function app_private.push_gate(integer) to vanguard_worker;
--! EndIncluded app_private/functions/push_gate.sql
--! Included app_private/functions/push_status.sql
create or replace function app_private.push_status(organization_id integer, is_told boolean)
  returns app_public.pfa_push_status
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select row(g.state, c.waiting, c.writing, c.uncertain, c.oldest,
    coalesce(p.paused_at, s.paused_at), u.username, s.opened_at,
    case when s.opened_at is not null then s.error_code end,
    case when s.opened_at is not null and is_told then s.error_message end, s.next_probe_at)::app_public.pfa_push_status
  from app_private.push_gate(push_status.organization_id) g
  left join app_private.pfa_push_pause p on p.organization_id = push_status.organization_id
  left join app_private.pems_state s on s.api_configuration_id = g.api_configuration_id
  left join app_public.users u on u.id = coalesce(p.paused_by, case when p.organization_id is null then s.paused_by end)
  cross join (
    select count(*) filter (where m.state = 'committed') as waiting,
      count(*) filter (where m.state = 'syncing') as writing,
      count(*) filter (where m.state = 'syncing' and exists (
        select from app_core.pfa_push_intent i
        where i.organization_id = m.organization_id and i.modification_id = m.id
          and i.outcome = 'uncertain')) as uncertain,
      min(m.committed_at) as oldest
    from app_core.pfa_modification m
    where m.organization_id = push_status.organization_id and m.state in ('committed', 'syncing')
  ) c;
end;
comment on function app_private.push_status(integer, boolean) is
  'Progress of writing changes of an organization to PEMS. Messages of PEMS are included only for users who may see '
  'them.';
--! EndIncluded app_private/functions/push_status.sql
--! Included app_private/functions/queue_drift_check.sql
create or replace function app_private.queue_drift_check(organization_id integer, sample integer, requested_by integer)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drift app_public.pfa_drift_check;
begin
  if queue_drift_check.sample not between 1 and 10000 then
    raise exception 'The sample of % records is out of range.', queue_drift_check.sample
      using errcode = 'VG400', hint = 'Give 1 to 10000, or compare all records.';
  end if;
  insert into app_public.pfa_drift_check as c (organization_id, sample, requested_by)
    values (queue_drift_check.organization_id, queue_drift_check.sample, queue_drift_check.requested_by)
  on conflict (organization_id) where state = 'queued' do update
    -- A null sample means all records, so it is the largest.
    set sample = case when c.sample is not null and excluded.sample is not null then greatest(c.sample,
      excluded.sample) end
  returning * into drift;
  -- Uses the queue of the syncs, so that no sync runs at the same time.
  perform graphile_worker.add_job(
    'pfa__check_drift',
    json_build_object('organizationId', drift.organization_id, 'checkId', drift.id),
    queue_name => 'sync:' || drift.organization_id,
    job_key => 'drift:' || drift.organization_id || ':' || drift.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return drift;
end;
$$;
comment on function app_private.queue_drift_check(integer, integer, integer) is
  'Queues a comparison of a sample or (null) all records of an organization with PEMS, in the same transaction. Joins '
  'a waiting comparison; the larger sample counts.';
--! EndIncluded app_private/functions/queue_drift_check.sql
--! Included app_private/functions/queue_next_push.sql
create or replace function app_private.queue_next_push(organization_id integer) returns timestamptz
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := queue_next_push.organization_id;
  due timestamptz;
begin
  select case g.state when 'open' then w.due when 'breaker_open' then greatest(w.due, g.until) end into due
  from app_private.push_gate(p_organization_id) g
  cross join (
    select min(f.due) as due
    from (
      -- For each record, takes the change that is being written, or else the first one. A change in the hands of a
      -- worker needs no job.
      select distinct on (m.pfa_id) case when m.state = 'committed' then coalesce(m.retry_at,
        clock_timestamp()) else m.retry_at end as due
      from app_core.pfa_modification m
      where m.organization_id = p_organization_id and m.state in ('committed', 'syncing')
      order by m.pfa_id, m.state = 'syncing' desc, m.commit_sequence
    ) f
  ) w;
  if due is not null then
    perform app_private.queue_push(p_organization_id, due);
  end if;
  return due;
end;
$$;
comment on function app_private.queue_next_push(integer) is
  'Queues the next push of an organization for the time when it is due, and returns that time. Null if there are no '
  'changes or writing is paused.';
grant execute on function app_private.queue_next_push(integer) to vanguard_worker;
--! EndIncluded app_private/functions/queue_next_push.sql
--! Included app_private/functions/queue_push.sql
create or replace function app_private.queue_push(organization_id integer, not_before timestamptz default null)
  returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- A waiting job also writes changes that were committed after it was queued. Work that is due now does not wait for
  -- work that is due later.
  perform graphile_worker.add_job(
    'pfa__push',
    json_build_object('organizationId', queue_push.organization_id),
    queue_name => 'push:' || queue_push.organization_id,
    job_key => 'push:' || queue_push.organization_id,
    job_key_mode => case when not_before is null then 'replace' else 'preserve_run_at' end,
    run_at => coalesce(not_before, clock_timestamp()),
    max_attempts => 25);
end;
$$;
comment on function app_private.queue_push(integer, timestamp with time zone) is
  'Queues a push of an organization''s committed changes, now or later, in the transaction that committed them. So '
  'there is no commit without its job, and no job without its commit.';
grant execute on function app_private.queue_push(integer, timestamp with time zone) to vanguard_worker;
--! EndIncluded app_private/functions/queue_push.sql
--! Included app_private/functions/queue_pushes_over.sql
create or replace function app_private.queue_pushes_over(api_configuration_id text) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized, because the planner may otherwise queue a push before it evaluates the condition.
  with due as materialized (
    select o.id from app_public.organizations o
    where exists (select from app_core.pfa_modification m where m.organization_id = o.id
      and m.state in ('committed', 'syncing'))
      and app_private.push_connection(o.id) = queue_pushes_over.api_configuration_id
  )
  select count(*) from due d cross join lateral app_private.queue_push(d.id) q;
end;
comment on function app_private.queue_pushes_over(text) is
  'Queues the changes that wait for a connection, because it works again.';
--! EndIncluded app_private/functions/queue_pushes_over.sql
--! Included app_private/functions/queue_refresh.sql
create or replace function app_private.queue_refresh(organization_id integer) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into app_private.pfa_search_stale (organization_id) values (queue_refresh.organization_id)
  on conflict on constraint pfa_search_stale_pkey do update set mark = excluded.mark;
  -- Debounced: the first request sets the time, later ones join it.
  perform graphile_worker.add_job('summaries__refresh', '{}', job_key => 'summaries:refresh',
    job_key_mode => 'preserve_run_at',
    run_at => clock_timestamp() + interval '2 seconds');
end;
$$;
comment on function app_private.queue_refresh(integer) is
  'Queues the jobs that follow a change of an organization''s mirror, debounced: the refresh of the materialized '
  'totals and bounds, and of the search values.';
--! EndIncluded app_private/functions/queue_refresh.sql
--! Included app_private/functions/queue_sync.sql
create or replace function app_private.queue_sync(organization_id integer, trigger text, requested_by integer,
  kind text default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run app_public.pfa_sync_log;
begin
  -- Retries if the waiting run began between the two statements.
  loop
    insert into app_public.pfa_sync_log as l (organization_id, trigger, requested_by, asked_kind)
      values (queue_sync.organization_id, queue_sync.trigger, queue_sync.requested_by, queue_sync.kind)
    on conflict (organization_id) where state = 'queued' do update
      set asked_kind = case
          when 'full' in (l.asked_kind, excluded.asked_kind) then 'full'
          when l.asked_kind = excluded.asked_kind then l.asked_kind
        end,
        -- A run that a user requests is no longer delayed by quiet hours.
        trigger = case when l.trigger = 'schedule' then excluded.trigger else l.trigger end,
        requested_by = case when l.trigger = 'schedule' then excluded.requested_by else l.requested_by end;
    update app_public.pfa_sync_log l
    set kind = (select p.kind from app_private.plan_sync(l.organization_id, l.asked_kind) p)
    where l.organization_id = queue_sync.organization_id and l.state = 'queued'
    returning l.* into run;
    exit when found;
  end loop;
  perform graphile_worker.add_job(
    'pfa__sync',
    json_build_object('organizationId', run.organization_id, 'runId', run.id),
    queue_name => 'sync:' || run.organization_id,
    job_key => 'sync:' || run.organization_id || ':' || run.id,
    job_key_mode => 'preserve_run_at',
    max_attempts => 25);
  return run;
end;
$$;
comment on function app_private.queue_sync(integer, text, integer, text) is
  'Queues a run of an organization, in the same transaction: full, incremental, or (null) the kind that is due when '
  'it begins. Joins a waiting run, which becomes full if either request is for a full one.';
grant execute on function app_private.queue_sync(integer, text, integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/queue_sync.sql
--! Included app_private/functions/quiet_until.sql
create or replace function app_private.quiet_until(at timestamptz, quiet_from time, quiet_to time, time_zone text)
  returns timestamptz
  language sql stable
  return case
    when case when quiet_from < quiet_to
      then (at at time zone time_zone)::time >= quiet_from and (at at time zone time_zone)::time < quiet_to
      else (at at time zone time_zone)::time >= quiet_from or (at at time zone time_zone)::time < quiet_to
    end
    -- An hour that occurs twice may start before this time.
    then greatest(
      at + interval '1 minute',
      ((at at time zone time_zone)::date + quiet_to
        + case when (at at time zone time_zone)::time >= quiet_to then interval '1 day' else interval '0' end) at time
          zone time_zone)
  end;
comment on function app_private.quiet_until(timestamp with time zone, time without time zone, time without time zone,
  text) is
  'Returns the end of the quiet hours that include this time. Null outside of quiet hours.';
--! EndIncluded app_private/functions/quiet_until.sql
--! Included app_private/functions/read_events.sql
create or replace function app_private.read_events(organization_id integer, event_ids bigint[])
  returns table (id bigint, kind text, viewer_id integer, record_ids text[], revisions bigint[],
    modification_ids bigint[], states text[])
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select e.id, e.kind, e.viewer_id, e.record_ids, e.revisions, e.modification_ids, e.states
  from app_core.pfa_event e
  where e.organization_id = read_events.organization_id and e.xid in (
    select n.xid from app_core.pfa_event n where n.organization_id = read_events.organization_id
      and n.id = any (read_events.event_ids))
  order by e.id;
end;
comment on function app_private.read_events(integer, bigint[]) is
  'Returns the events of a notification with all other events of their transactions, so that a client that continues '
  'from one of them has received its whole transaction.';
grant execute on function app_private.read_events(integer, bigint[]) to vanguard_authenticator;
--! EndIncluded app_private/functions/read_events.sql
--! Included app_private/functions/read_legacy_endpoints.sql
create or replace function app_private.read_legacy_endpoints() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  update pg_temp.legacy_plan p
  set content = p.content || jsonb_build_object('url', e.url, 'custom_headers', e.headers,
    'endpoint', jsonb_strip_nulls(jsonb_build_object('url', p.content->'url', 'tenant', e.tenant,
      'login_organization', e.login_organization, 'grid_name', e.grid_name, 'grid_id', e.grid_id)))
  from (
    select p.line_number,
      regexp_replace(
        regexp_replace(rtrim(p.content->>'url', '/'),
          '/(griddata|grids|userdefinedscreenservices|userdefinedscreens|userdefscreens)(/[^?#]*)?([?#].*)?$', '', 'i'),
        '/axis/services(/[^?#]*)?([?#].*)?$', '/axis/restservices', 'i') as url,
      h.*
    from pg_temp.legacy_plan p
    cross join lateral (
      select min(h->>'value') filter (where lower(h->>'key') = 'tenant') as tenant,
        min(h->>'value') filter (where lower(h->>'key') = 'organization') as login_organization,
        min(h->>'value') filter (where lower(h->>'key') in ('gridcode', 'gridname', 'grid_name')) as grid_name,
        min(h->>'value') filter (where lower(h->>'key') in ('gridid', 'grid_id')) as grid_id,
        coalesce(jsonb_agg(h order by n) filter (where lower(coalesce(h->>'key', '')) not in ('organization',
          'gridcode', 'gridname', 'grid_name', 'gridid', 'grid_id')), '[]') as headers
      from jsonb_array_elements(case jsonb_typeof(p.content->'custom_headers') when 'array'
        then p.content->'custom_headers' else '[]' end) with ordinality x(h, n)
    ) h
    where p.table_name = 'api_configurations' and p.content->>'usage' like 'PEMS\_%'
      and coalesce(jsonb_typeof(p.content->'custom_headers'), 'array') = 'array'
  ) e
  where p.table_name = 'api_configurations' and p.line_number = e.line_number;
  -- Rows without an address or headers had no endpoint in the prototype.
  update pg_temp.legacy_plan p
  set content = p.content - array(select k from unnest('{url,custom_headers}'::text[]) k
    where p.content->k = 'null' or k = 'custom_headers' and p.content->k = '[]')
  where p.table_name = 'api_configurations' and p.content ? 'endpoint';
end;
$$;
comment on function app_private.read_legacy_endpoints() is
  'Extracts the base address of PEMS from addresses that are whole endpoints, and the grid name, grid id, tenant '
  'and login organization from headers. `endpoint` in the content lists the findings.';
--! EndIncluded app_private/functions/read_legacy_endpoints.sql
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
        'problem', 'is not JSON that can be stored')
        order by c.name) filter (where j.value is null), '[]') as problems
    from pg_temp.legacy_plan p
    join app_private.legacy_column c on c.table_name = p_table_name and c.kind = 'json'
    cross join lateral (select app_private.legacy_json(p.content ->> c.target) as value) j
    where p.table_name = p_table_name and jsonb_typeof(p.content -> c.target) = 'string'
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;
  if p_table_name = 'api_configurations' then
    perform app_private.read_legacy_endpoints();
  end if;
end;
$$;
comment on function app_private.read_legacy_json(text) is
  'Parses the texts that contain JSON, and reports the invalid ones.';
--! EndIncluded app_private/functions/read_legacy_json.sql
--! Included app_private/functions/rebase_drafts.sql
create or replace function app_private.rebase_drafts(organization_id integer, pfa_ids text[], out rebased integer,
  out conflicts integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := rebase_drafts.organization_id;
  p_pfa_ids constant text[] := rebase_drafts.pfa_ids;
begin
  with result as (
    select j.id,
      coalesce(jsonb_object_agg(j.key, j.mine) filter (where not j.is_settled), '{}') as delta,
      coalesce(jsonb_object_agg(j.key, j.base) filter (where not j.is_settled), '{}') as base,
      coalesce(jsonb_object_agg(j.key, j.problem) filter (where not j.is_settled and j.problem is not null),
        '{}') as problems,
      count(*) filter (where not j.is_settled and j.problem->>'kind' = 'conflict' and j.problem is distinct
        from j.old_problem) as new_conflicts
    from app_private.judged_drafts(p_organization_id, p_pfa_ids) j group by j.id
  ),
  dropped as (
    delete from app_core.pfa_modification d using result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta = '{}'
    returning 1
  ),
  moved as (
    update app_core.pfa_modification d set delta = r.delta, base = r.base, problems = r.problems
    from result r
    where d.organization_id = p_organization_id and d.pfa_id = any (p_pfa_ids) and d.id = r.id and r.delta <> '{}'
      and (d.delta, d.problems) is distinct from (r.delta, r.problems)
    returning r.new_conflicts
  )
  select (select count(*) from dropped) + (select count(*) from moved),
    (select coalesce(sum(new_conflicts), 0) from moved)
  into rebased, conflicts;
end;
$$;
comment on function app_private.rebase_drafts(integer, text[]) is
  'Compares every draft of these records with the current underlying values, key by key. A key stays unchanged if the '
  'underlying value equals the base. It is dropped if the mirror holds the draft''s value. Otherwise it has a '
  'conflict, which is cleared when the value returns to the base. Problems that push created stay. Call it under the '
  'locks of the mirror rows, before rewrite_overlay.';
--! EndIncluded app_private/functions/rebase_drafts.sql
--! Included app_private/functions/refresh_summaries.sql
-- Parallel workers would take every core from readers and save little time.
create or replace function app_private.refresh_summaries() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set max_parallel_workers_per_gather = 0
as $$
begin
  refresh materialized view concurrently app_private.pfa_kpi_summary;
  refresh materialized view concurrently app_private.pfa_timeline_bounds;
  delete from app_private.pfa_kpi_change c
  where pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s limit 1))
    -- Rows of another cluster came with a backup, and so did the changes of the mirror that they describe.
    or c.transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) and c.transaction_id <> pg_current_xact_id();
end;
$$;
comment on function app_private.refresh_summaries() is
  'Refreshes both materialized views without blocking readers, and deletes the changes that they now contain from '
  'pfa_kpi_change.';
grant execute on function app_private.refresh_summaries() to vanguard_worker;
--! EndIncluded app_private/functions/refresh_summaries.sql
--! Included app_private/functions/register_worker.sql
create or replace function app_private.register_worker(pool_id text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- A machine that drops off the network ends no connection. The database probes it, and releases the lock within 15
  -- seconds.
  perform set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '3', false),
    set_config('tcp_keepalives_count', '3', false);
  -- Takes the lock before the row is visible, so that no other worker considers this one dead.
  insert into app_private.worker_processes (pool_id) values (register_worker.pool_id)
  on conflict on constraint worker_processes_pkey do nothing;
  perform pg_advisory_lock(w.lock_key) from app_private.worker_processes w where w.pool_id = register_worker.pool_id;
end;
$$;
comment on function app_private.register_worker(text) is
  'Registers a worker pool and holds its lock for as long as this session lives.';
grant execute on function app_private.register_worker(text) to vanguard_worker;
--! EndIncluded app_private/functions/register_worker.sql
--! Included app_private/functions/release_dead_workers.sql
create or replace function app_private.release_dead_workers() returns text[]
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  process record;
  dead text[];
begin
  -- Pools that hold jobs or queues but are not registered were killed before they could register. Registering takes far
  -- less than half a minute.
  select array_agg(distinct l.locked_by) into dead
  from (
    select j.locked_by from graphile_worker._private_jobs j
      where j.locked_at < clock_timestamp() - interval '30 seconds'
    union
    select q.locked_by from graphile_worker._private_job_queues q
      where q.locked_at < clock_timestamp() - interval '30 seconds'
  ) l
  where not exists (select from app_private.worker_processes w where w.pool_id = l.locked_by);

  -- A session can take its own lock twice, so the calling worker must skip its own.
  for process in
    select w.pool_id, w.lock_key from app_private.worker_processes w
    where not exists (
      select from pg_locks l
      where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.objsubid = 1
        and (l.classid::bigint << 32 | l.objid::bigint) = w.lock_key)
    for update skip locked
  loop
    if pg_try_advisory_xact_lock(process.lock_key) then
      dead := dead || process.pool_id;
    end if;
  end loop;
  if cardinality(dead) > 0 then
    perform graphile_worker.force_unlock_workers(dead);
    delete from app_private.worker_processes w where w.pool_id = any (dead);
  end if;

  -- A pool that is not on the list releases nothing on its own. A run without a worker id is from an older version, so
  -- it can only belong to a worker that started before it. The last statement of a killed worker may still be running
  -- and hold its run. The next call then closes that run.
  with abandoned as (
    select l.organization_id, l.id
    from app_public.pfa_sync_log l
    where l.state = 'running'
      and not exists (
        select from app_private.worker_processes w
        where w.pool_id = l.worker_id or (l.worker_id is null and w.started_at <= l.started_at))
    for update skip locked
  ),
  lost as (
    update app_public.pfa_sync_log l
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
      error_message = 'The worker stopped before the end of this run.',
      error_hint = 'Nothing to do: the run is repeated.'
    from abandoned a
    where l.organization_id = a.organization_id and l.id = a.id
    returning l.organization_id, l.id
  )
  delete from app_private.pfa_staging s using lost l where s.organization_id = l.organization_id and s.run_id = l.id;
  return coalesce(dead, '{}');
end;
$$;
comment on function app_private.release_dead_workers() is
  'Releases the jobs and queues of killed worker pools, closes the runs that no worker does any more, and returns the '
  'names of the pools.';
grant execute on function app_private.release_dead_workers() to vanguard_worker;
--! EndIncluded app_private/functions/release_dead_workers.sql
--! Included app_private/functions/remove_drafts_of.sql
create or replace function app_private.remove_drafts_of(organization_id integer, user_id integer, record_ids text[],
  is_takeover boolean) returns integer
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := remove_drafts_of.organization_id;
  p_user_id constant integer := remove_drafts_of.user_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  active_at timestamptz;
  absent_days integer;
  activity jsonb;
  taken integer;
begin
  perform app_private.require_administered(p_organization_id);
  if p_user_id is null then
    raise exception 'The userId is missing.' using errcode = 'VG400',
      hint = 'Give a userId; draftAuthors lists the users with drafts.';
  end if;
  if p_user_id = me then
    raise exception 'These are your own drafts.' using errcode = 'VG400',
      hint = 'Name another user, or discard yours with discardDrafts.';
  end if;
  -- An active user who may still commit the drafts decides about them alone.
  select app_private.last_active_at(p_organization_id, p_user_id), l.absent_days into active_at, absent_days
  from app_private.limits_of(p_organization_id) l
  where app_private.may_draft(p_organization_id, p_user_id);
  if active_at > clock_timestamp() - make_interval(days => absent_days) then
    activity := jsonb_build_array(jsonb_build_object('userId', p_user_id, 'lastActiveAt', active_at,
      'mayBeTakenAt', active_at + make_interval(days => absent_days)));
    raise exception 'User % is active.', (select u.username from app_public.users u where u.id = p_user_id)
      using errcode = 'VG403',
        detail = activity::text,
        hint = format('Ask the user to submit or discard the drafts, or wait until the user has been inactive for %s '
          'days. You can take over drafts of disabled users and of former members at once.',
          absent_days);
  end if;
  select array_agg(d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft'
    and (record_ids is null or d.pfa_id in (select unnest(record_ids)));
  perform app_private.lock_records(p_organization_id, ids);
  with gone as materialized (
    delete from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids)
    returning d.pfa_id, d.delta, d.base, d.problems
  ),
  taken as (
    -- Drafts that the new owner already has stay.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, me, g.pfa_id, g.delta, g.base, g.problems from gone g where is_takeover
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta || d.delta, base = excluded.base || d.base,
        problems = excluded.problems - array(select jsonb_object_keys(d.delta)) || d.problems
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, about_user_id, route, changes)
    select p_organization_id, g.pfa_id, me, p_user_id, 'takeover',
      jsonb_object_agg(k.key, case when is_takeover then jsonb_build_object('from', g.base->k.key, 'to',
        k.value) else jsonb_build_object('from', k.value, 'to', app_core.normalized(u.underlay->k.key)) end)
    from gone g
    cross join jsonb_each(g.delta) k
    join app_private.merged_for(p_organization_id, p_user_id, ids) u on u.pfa_id = g.pfa_id
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = g.pfa_id
    where not is_takeover or d.delta ? k.key is not true
    group by g.pfa_id
  )
  select array_agg(g.pfa_id order by g.pfa_id) into ids from gone g;
  taken := coalesce(cardinality(ids), 0);
  if taken > 0 then
    insert into app_public.pfa_takeover (organization_id, user_id, taken_by, is_discarded, record_count, record_ids)
    values (p_organization_id, p_user_id, me, not is_takeover, taken, ids[1:20]);
  end if;
  perform app_private.rewrite_overlay(p_organization_id, ids);
  return taken;
end;
$$;
comment on function app_private.remove_drafts_of(integer, integer, text[], boolean) is
  'Removes drafts of another user, of these records or of all, and on request makes them the signed-in user''s own. '
  'Requires an owner or admin of the organization. Refuses with VG403 while the user is active and may commit the '
  'drafts. The user gets a notice.';
--! EndIncluded app_private/functions/remove_drafts_of.sql
--! Included app_private/functions/remove_records.sql
create or replace function app_private.remove_records(organization_id integer, pfa_ids text[], user_id integer)
  returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := remove_records.organization_id;
  p_pfa_ids constant text[] := remove_records.pfa_ids;
  p_user_id constant integer := remove_records.user_id;
  removed text[];
begin
  perform from app_core.pfa_mirror m
  where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids)
  order by m.pfa_id for no key update;

  -- Records that were seen after the confirming read stay.
  with gone as (
    update app_core.pfa_mirror m
    set removed_at = clock_timestamp(), observed_at = c.confirmed_at, revision = nextval('app_core.revision_seq')
    from app_public.pfa_removal_candidate c
    where c.organization_id = p_organization_id and c.pfa_id = m.pfa_id
      and m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids)
      and m.removed_at is null and m.observed_at < c.confirmed_at
    returning m.pfa_id, m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
      m.actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, event, changes)
    select p_organization_id, g.pfa_id, p_user_id, 'sync', 'remove', '{}' from gone g
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(g.source, ''),
      -count(*) filter (where not g.is_discontinued), -count(*) filter (where not g.is_discontinued
        and g.is_actualized),
      -count(*) filter (where g.is_discontinued), -coalesce(sum(g.plan_cost_cents) filter (where not g.is_discontinued),
        0),
      -coalesce(sum(g.forecast_cost_cents) filter (where not g.is_discontinued), 0),
      -coalesce(sum(g.actual_cost_cents) filter (where not g.is_discontinued), 0)
    from gone g group by 2
  ),
  settled as (
    delete from app_public.pfa_removal_candidate c using gone g
    where c.organization_id = p_organization_id and c.pfa_id = g.pfa_id
  )
  select array_agg(g.pfa_id) into removed from gone g;
  return removed;
end;
$$;
comment on function app_private.remove_records(integer, text[], integer) is
  'Removes those of these records that a second run confirmed gone and that no read has seen since. Returns the '
  'removed ones. Call follow_mirror for them in the same transaction.';
--! EndIncluded app_private/functions/remove_records.sql
--! Included app_private/functions/report_drift_progress.sql
create or replace function app_private.report_drift_progress(organization_id integer, check_id bigint,
  rows_read integer) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_public.pfa_drift_check c set rows_read = report_drift_progress.rows_read
  where c.organization_id = report_drift_progress.organization_id and c.id = report_drift_progress.check_id
    and c.state = 'running';
end;
comment on function app_private.report_drift_progress(integer, bigint, integer) is 'Records the progress of a '
  'comparison.';
grant execute on function app_private.report_drift_progress(integer, bigint, integer) to vanguard_worker;
--! EndIncluded app_private/functions/report_drift_progress.sql
--! Included app_private/functions/report_sync_progress.sql
create or replace function app_private.report_sync_progress(organization_id integer, run_id bigint, rows_read integer)
  returns boolean
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with reported as (
    update app_public.pfa_sync_log l set rows_read = report_sync_progress.rows_read
    where l.organization_id = report_sync_progress.organization_id and l.id = report_sync_progress.run_id
      and l.state = 'running'
    returning 1
  )
  select exists (select from reported);
end;
comment on function app_private.report_sync_progress(integer, bigint, integer) is
  'Records the progress of a run. Returns false if the run is no longer current and must stop.';
grant execute on function app_private.report_sync_progress(integer, bigint, integer) to vanguard_worker;
--! EndIncluded app_private/functions/report_sync_progress.sql
--! Included app_private/functions/request_claims.sql
create or replace function app_private.request_claims(user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[]
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with claim as (
    select
      u.username,
      u.role = 'admin' as is_administrator,
      coalesce(p.must_change, false) as must_change_password,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null), '{}') as readable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null
        and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin', 'member'))), '{}') as writable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null
        and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin'))), '{}') as administered
    from app_public.users u
    left join app_private.user_passwords p on p.user_id = u.id
    left join app_public.user_organizations m on m.user_id = u.id and u.role <> 'admin'
    left join app_public.organizations o on (o.id = m.organization_id or u.role = 'admin') and o.is_active
    where u.id = request_claims.user_id and u.is_active
    group by u.id, p.must_change
  )
  select c.username, c.is_administrator, c.must_change_password,
    array(
      select r.id
      from generate_series(1, least(
        (select count(*) from app_public.organizations) / greatest(cardinality(c.readable), 1),
        200 / greatest(cardinality(c.readable), 1)) + 1),
        unnest(c.readable) r (id)
    ),
    c.writable, c.administered
  from claim c;
end;
comment on function app_private.request_claims(integer) is
  'Returns the current rights of a user in one lookup. No row for an unknown or disabled user. The flag '
  'must_change_password is enforced in production only. The list organization_ids repeats each organization until '
  'it is about as long as the list of all organizations, at most some 200. Queries and policies both say '
  'organization_id = one of them, and the planner multiplies both as if they were independent. It takes a list of '
  'that length for no restriction, so its estimates are right.';
--! EndIncluded app_private/functions/request_claims.sql
--! Included app_private/functions/require_administered.sql
create or replace function app_private.require_administered(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_readable(organization_id);
  if not organization_id = any (app_core.administered_organization_ids()) then
    raise exception 'Only an owner or admin of this organization may do this.'
      using errcode = 'VG403', hint = 'Ask an owner or admin of the organization.';
  end if;
end;
$$;
comment on function app_private.require_administered(integer) is
  'Raises VG404 or VG403 if the signed-in user does not administer the organization.';
--! EndIncluded app_private/functions/require_administered.sql
--! Included app_private/functions/require_bulk_operation.sql
create or replace function app_private.require_bulk_operation(operation app_public.pfa_bulk_operation) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if num_nonnulls((operation).shift_days, (operation).duration_days, (operation).set)
    + coalesce((operation).reset_to_plan, false)::integer <> 1 then
    raise exception 'The bulk operation is not exactly one of shiftDays, durationDays, resetToPlan and set.'
      using errcode = 'VG400', hint = 'For example {"shiftDays": 14}.';
  end if;
  if (operation).shift_days = 0 or (operation).duration_days = 0
    or abs(coalesce((operation).shift_days, (operation).duration_days)::bigint) > 36500 then
    raise exception 'The number of days, %, is out of range.',
        coalesce((operation).shift_days, (operation).duration_days)
      using errcode = 'VG400', hint = 'Give 1 to 36500, or -36500 to -1 for a shift backwards.';
  end if;
  if jsonb_typeof((operation).set) <> 'object' or (operation).set = '{}' then
    raise exception 'The value of `set` is not an object with at least one key.'
      using errcode = 'VG400', hint = 'For example {"category": "Cranes"}.';
  end if;
end;
$$;
comment on function app_private.require_bulk_operation(app_public.pfa_bulk_operation) is
  'Raises VG400 unless the argument is exactly one valid bulk operation.';
--! EndIncluded app_private/functions/require_bulk_operation.sql
--! Included app_private/functions/require_readable.sql
create or replace function app_private.require_readable(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if organization_id is null or not organization_id = any (app_core.current_organization_ids()) then
    raise exception 'There is no organization % that you may see.', coalesce(organization_id::text, '(none)')
      using errcode = 'VG404', hint = 'List your organizations with `{ organizations { nodes { id code } } }`.';
  end if;
end;
$$;
comment on function app_private.require_readable(integer) is
  'Raises VG404 if the signed-in user may not read the organization. An unknown organization gets the same response.';
--! EndIncluded app_private/functions/require_readable.sql
--! Included app_private/functions/require_writable.sql
create or replace function app_private.require_writable(organization_id integer) returns void
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_readable(organization_id);
  if not organization_id = any (app_core.writable_organization_ids()) then
    raise exception 'You may only read this organization.'
      using errcode = 'VG403', hint = 'Ask an admin of the organization for the role member.';
  end if;
end;
$$;
comment on function app_private.require_writable(integer) is
  'Raises VG404 or VG403 if the signed-in user may not write in the organization.';
--! EndIncluded app_private/functions/require_writable.sql
--! Included app_private/functions/resume_pushes.sql
create or replace function app_private.resume_pushes(organization_id integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resume_pushes.organization_id;
  resumed integer;
begin
  with abandoned as materialized (
    select m.id, m.attempts, i.id as intent_id, i.answered_at, i.quiet_at,
      exists (
        select from app_core.pfa_push_intent u
        where u.organization_id = p_organization_id and u.modification_id = m.id
          and u.outcome = 'uncertain') as is_in_doubt
    from app_core.pfa_modification m
    left join app_core.pfa_push_intent i
      on i.organization_id = p_organization_id and i.modification_id = m.id and i.attempt = m.attempts
        and i.outcome is null
    where m.organization_id = p_organization_id and m.state = 'syncing' and m.retry_at is null
    for update of m
  ),
  doubted as (
    -- The write may have been sent, and may still take effect.
    update app_core.pfa_push_intent i set outcome = 'uncertain', settled_at = clock_timestamp()
    from abandoned a
    where i.organization_id = p_organization_id and i.id = a.intent_id and a.answered_at is null
  ),
  returned as (
    update app_core.pfa_modification m set
      -- Without an intent, no write was sent.
      state = case when a.intent_id is null and not a.is_in_doubt then 'committed' else 'syncing' end,
      retry_at = case when a.intent_id is not null and a.answered_at is null then a.quiet_at else clock_timestamp() end
    from abandoned a
    where m.organization_id = p_organization_id and m.id = a.id
    returning 1
  )
  select count(*) into resumed from returned;
  return resumed;
end;
$$;
comment on function app_private.resume_pushes(integer) is
  'Recovers changes of a worker that has stopped. A change that was not sent waits again. A change that may have been '
  'sent is read again once the write can no longer take effect. A write with a response is read back at once. Call it '
  'under the push lock of the organization.';
grant execute on function app_private.resume_pushes(integer) to vanguard_worker;
--! EndIncluded app_private/functions/resume_pushes.sql
--! Included app_private/functions/return_keys.sql
create or replace function app_private.return_keys(organization_id integer, items jsonb) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := return_keys.organization_id;
  p_ids constant bigint[] := array(select (i->>'id')::bigint from jsonb_array_elements(items) i);
begin
  with returned as materialized (
    select m.id, m.pfa_id, m.user_id, array_agg(k.key) as keys,
      jsonb_object_agg(k.key, m.delta->k.key) as delta,
      -- If PEMS stored another value, that value becomes the base that the author sees.
      jsonb_object_agg(k.key, case when k.value->>'kind'
        = 'altered' then k.value->'theirs' else m.base->k.key end) as base,
      jsonb_object_agg(k.key, jsonb_build_object('base', m.base->k.key, 'mine', m.delta->k.key) || k.value
        || '{"by": "push"}') as problems
    from jsonb_array_elements(items) i
    join app_core.pfa_modification m on m.organization_id = p_organization_id and m.id = any (p_ids)
      and m.id = (i->>'id')::bigint
    cross join jsonb_each(i->'problems') k
    where m.state in ('committed', 'syncing') and m.delta ? k.key
    group by m.id, m.pfa_id, m.user_id
  ),
  emptied as (
    delete from app_core.pfa_modification m using returned r
    where m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = r.id and m.delta - r.keys = '{}'
  ),
  shortened as (
    update app_core.pfa_modification m set delta = m.delta - r.keys, base = m.base - r.keys
    from returned r
    where m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = r.id and m.delta - r.keys <> '{}'
  ),
  drafted as (
    -- A newer draft of the author stays, with the base of the returned change, and gets the problem.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
    select p_organization_id, r.user_id, r.pfa_id, r.delta, r.base, r.problems from returned r
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update set
      delta = excluded.delta || d.delta,
      base = d.base || excluded.base,
      problems = d.problems || (
        select jsonb_object_agg(p.key, p.value || jsonb_build_object('mine', (excluded.delta || d.delta)->p.key))
          from jsonb_each(excluded.problems) p)
  )
  insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
  select p_organization_id, r.pfa_id, r.user_id, 'push',
    jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(m.data->k.key), 'problem',
      r.problems->k.key->'kind'))
  from returned r
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = r.pfa_id
  cross join jsonb_each(r.delta) k
  group by r.pfa_id, r.user_id;
end;
$$;
comment on function app_private.return_keys(integer, jsonb) is
  'Moves keys of changes that are being written back into their authors'' drafts, each with its problem: `[{"id", '
  '"problems": {key: {"kind", "message", ...}}}]`. Call it under lock_records. The caller rebases the drafts and '
  'rewrites the overlay.';
--! EndIncluded app_private/functions/return_keys.sql
--! Included app_private/functions/return_to_draft.sql
create or replace function app_private.return_to_draft(organization_id integer, modification_ids bigint[])
  returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := return_to_draft.organization_id;
  returned text[];
begin
  with gone as materialized (
    delete from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (modification_ids) and m.state = 'committed'
    returning m.pfa_id, m.user_id, m.delta, m.base
  ),
  back as materialized (
    select g.pfa_id, g.user_id, jsonb_object_agg(k.key, k.value) as delta,
      jsonb_object_agg(k.key, g.base->k.key) as base
    from gone g cross join jsonb_each(g.delta) k group by g.pfa_id, g.user_id
  ),
  drafted as (
    -- A newer draft of the author stays, with the base of the commit.
    insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base)
    select p_organization_id, b.user_id, b.pfa_id, b.delta, b.base from back b
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
      set delta = excluded.delta || d.delta, base = d.base || excluded.base
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, b.pfa_id, b.user_id, 'withdraw',
      (select jsonb_object_agg(k.key, jsonb_build_object('from', k.value, 'to', app_core.normalized(r.data->k.key)))
        from jsonb_each(b.delta) k)
    from back b
    join app_core.pfa_mirror r on r.organization_id = p_organization_id
      and r.pfa_id = any (array(select g.pfa_id from gone g)) and r.pfa_id = b.pfa_id
  )
  select array_agg(distinct b.pfa_id) into returned from back b;

  perform app_private.rebase_drafts(p_organization_id, returned);
  perform app_private.rewrite_overlay(p_organization_id, returned);
  return returned;
end;
$$;
comment on function app_private.return_to_draft(integer, bigint[]) is
  'Moves committed changes back into their authors'' drafts with the base of the commit, and returns the records. If '
  'the author has a newer draft of a key, its value stays. Call it under lock_records.';
--! EndIncluded app_private/functions/return_to_draft.sql
--! Included app_private/functions/reversed_dates.sql
create or replace function app_private.reversed_dates(data jsonb) returns table (first_key text, last_key text)
  language sql stable
begin atomic
  select r.first_key, r.last_key
  from (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
  where nullif(data->>r.last_key, '') < nullif(data->>r.first_key, '') collate "C";
end;
comment on function app_private.reversed_dates(jsonb) is
  'Returns the editable dates of a record whose last day is before the first.';
--! EndIncluded app_private/functions/reversed_dates.sql
--! Included app_private/functions/rewrite_overlay.sql
create or replace function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with pending as (
    select p.* from app_private.pending(rewrite_overlay.organization_id, rewrite_overlay.pfa_ids) p
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, null::jsonb as problems from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, nullif(m.problems, '{}')
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.state = 'draft'
  ),
  -- The row may have lost its draft and its pending changes while the underlying row has an earlier revision than the
  -- one that was shown. The row then stays, with the underlying content, until the underlying row has a later revision.
  afterimage as (
    select o.pfa_id, o.viewer_id
    from app_core.pfa_overlay o
    join app_core.pfa_mirror m on m.organization_id = rewrite_overlay.organization_id
      and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.pfa_id = o.pfa_id
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and (m.revision <= o.revision or o.viewer_id <> 0 and exists (select from pending p where p.pfa_id = o.pfa_id))
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  ),
  shown as (
    select v.pfa_id, v.viewer_id, v.viewer_id <> 0 as has_draft, v.delta, v.base, v.problems from viewer v
    union all
    select a.pfa_id, a.viewer_id, false, null, null, null from afterimage a
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from shown s where s.pfa_id = o.pfa_id and s.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft,
      has_problem, problems, base,
    mirror_source, mirror_is_actualized, mirror_is_discontinued, mirror_plan_cost_cents,
    mirror_forecast_cost_cents, mirror_actual_cost_cents, mirror_original_start, mirror_original_end,
    mirror_forecast_start, mirror_forecast_end, mirror_actual_start, mirror_actual_end)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.has_draft, v.problems is not null, v.problems, v.base,
    m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from shown v
  join app_core.pfa_mirror m
    on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids)
      and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem,
    problems = excluded.problems, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents,
    mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.problems, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.problems, excluded.base,
      excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued,
      excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start,
      excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start,
      excluded.mirror_actual_end);
end;
comment on function app_private.rewrite_overlay(integer, text[]) is
  'Recomputes the overlay of these records from mirror, pending changes and drafts. A row without pending changes and '
  'draft stays until the mirror has a later revision, so that no revision goes back. Call it in the transaction that '
  'changed one of these, under the locks of the mirror rows.';
--! EndIncluded app_private/functions/rewrite_overlay.sql
--! Included app_private/functions/rotate_refresh_token.sql
create or replace function app_private.rotate_refresh_token(token_hash bytea, new_token_hash bytea, lifetime interval)
  returns table (user_id integer, session_id uuid, is_reused boolean)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Grace period in which several tabs of one browser may send the same cookie.
  grace constant interval := interval '10 seconds';
  token app_private.refresh_tokens;
  session app_private.sessions;
  first_used_at timestamptz;
  is_superseded boolean;
begin
  select * into token from app_private.refresh_tokens t where t.token_hash = rotate_refresh_token.token_hash;
  -- Serializes the exchanges of a session, so that each sees the result of the previous one.
  select * into session from app_private.sessions s where s.id = token.session_id for update;
  if session.id is null or session.ended_at is not null or token.expires_at <= clock_timestamp() then
    return;
  end if;
  -- All tokens of a generation count as the same token.
  select min(t.used_at) filter (where t.generation = token.generation),
    coalesce(bool_or(t.generation > token.generation and t.used_at is not null), false)
  into first_used_at, is_superseded
  from app_private.refresh_tokens t
  where t.session_id = token.session_id and t.generation >= token.generation;
  if is_superseded or first_used_at < clock_timestamp() - grace then
    -- The token was copied. The thief cannot be told from the owner, so the whole session ends.
    update app_private.sessions s set ended_at = clock_timestamp() where s.id = session.id;
    return query select session.user_id, session.id, true;
    return;
  end if;
  update app_private.refresh_tokens t set used_at = coalesce(t.used_at, clock_timestamp()) where t.id = token.id;
  insert into app_private.refresh_tokens (session_id, generation, token_hash, expires_at)
    values (session.id, token.generation + 1, rotate_refresh_token.new_token_hash,
      clock_timestamp() + rotate_refresh_token.lifetime);
  return query select session.user_id, session.id, false;
end;
$$;
comment on function app_private.rotate_refresh_token(bytea, bytea, interval) is
  'Exchanges a refresh token for one of the next generation. The same token may be exchanged again within 10 seconds '
  'while no successor was used, because two tabs of a browser send the same cookie. A later exchange returns '
  'is_reused and ends the session. No row if the token is unknown, expired or signed out.';
grant execute on function app_private.rotate_refresh_token(bytea, bytea, interval) to vanguard_authenticator;
--! EndIncluded app_private/functions/rotate_refresh_token.sql
--! Included app_private/functions/rotate_signing_key.sql
create or replace function app_private.rotate_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text,
  nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  lock table app_private.signing_keys in share row exclusive mode;
  delete from app_private.signing_keys k where k.retired_at <= clock_timestamp() - interval '15 minutes';
  update app_private.signing_keys k set retired_at = clock_timestamp() where k.retired_at is null;
  insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
    values (rotate_signing_key.kid, rotate_signing_key.algorithm, rotate_signing_key.public_jwk,
      rotate_signing_key.key_id, rotate_signing_key.nonce, rotate_signing_key.ciphertext);
end;
$$;
comment on function app_private.rotate_signing_key(text, text, jsonb, text, bytea, bytea) is
  'Replaces the signing key. The old one stays accepted for 15 minutes; keys that are no longer accepted are deleted. '
  'For operators: no role may execute it.';
--! EndIncluded app_private/functions/rotate_signing_key.sql
--! Included app_private/functions/save_checked_drafts.sql
create or replace function app_private.save_checked_drafts(organization_id integer, items jsonb,
  continues bigint default null)
  returns app_public.pfa_draft_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := save_checked_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  refused jsonb;
  missing jsonb;
  moved jsonb;
  unfit jsonb;
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(i->>'recordId' order by i->>'recordId') into ids from jsonb_array_elements(items) i;
  if ids is null then
    raise exception 'The call lists no record.' using errcode = 'VG400',
      hint = 'Give at least one {recordId, changes, revision}.';
  end if;
  if cardinality(ids) > 5000 then
    raise exception 'The call lists % records, and at most 5,000 can be saved at once.', cardinality(ids)
      using errcode = 'VG400', hint = 'Save them in several calls, or use a bulk operation.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', t.id, 'problem', 'the record is listed more than once') order by t.id)
    into refused
  from (select id from unnest(ids) id group by id having count(*) > 1) t;
  if refused is not null then
    raise exception 'A record is listed more than once.'
      using errcode = 'VG400', detail = refused::text, hint = 'List each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem',
    'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'Give the changes as an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);
  select c.missing, c.moved, c.unfit into missing, moved, unfit
    from app_private.refused_changes(p_organization_id, me, items) c;
  -- The message states the worst problem; the details list all of them.
  refused := coalesce(missing, '[]') || coalesce(moved, '[]') || coalesce(unfit, '[]');
  if missing is not null then
    raise exception 'There is no record % in this organization.', missing->0->>'recordId'
      using errcode = 'VG404', detail = refused::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;
  if moved is not null then
    raise exception 'Record % changed since you saw it.', moved->0->>'recordId'
      using errcode = 'VG409', detail = refused::text,
        hint = 'Look at the current values, then save again with the current revision.';
  end if;
  if unfit is not null then
    raise exception '% of record % %.', unfit->0->>'key', unfit->0->>'recordId', unfit->0->>'problem'
      using errcode = 'VG422', detail = refused::text,
        hint = 'Nothing was saved. Correct the values listed in the details, or leave them out.';
  end if;
  return app_private.change_drafts(p_organization_id, me, items, 'save', save_checked_drafts.continues);
end;
$$;
comment on function app_private.save_checked_drafts(integer, jsonb, bigint) is
  'Saves `[{"recordId", "changes": {key: value}, "revision"}]` as drafts of the signed-in user: all or nothing, with '
  'each record once. Raises VG400, VG403, VG404, VG409 (changed since) or VG422 (values), and lists every record and '
  'key in the details.';
--! EndIncluded app_private/functions/save_checked_drafts.sql
--! Included app_private/functions/seen_columns.sql
create or replace function app_private.seen_columns(organization_id integer) returns setof text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.alias from app_public.pfa_column c
  where c.organization_id = seen_columns.organization_id and c.first_seen_at is not null;
end;
comment on function app_private.seen_columns(integer) is
  'Returns the columns that the grid had in earlier runs. If a page lacks one of them, its keys are unknown, not '
  'empty.';
grant execute on function app_private.seen_columns(integer) to vanguard_worker;
--! EndIncluded app_private/functions/seen_columns.sql
--! Included app_private/functions/seen_records.sql
create or replace function app_private.seen_records(in_mirror boolean) returns text
  language sql immutable
begin atomic
  select format(
      '(select %1$s, false as has_draft, false as is_pending, false as has_problem from app_core.pfa_mirror '
      'where organization_id = $1', c.names)
    || case when in_mirror then '' else format(
      ' and pfa_id not in (select o.pfa_id from app_core.pfa_overlay o where o.organization_id = $1 and o.viewer_id in '
      '(0, $5))
      union all select %s, has_draft, is_pending, has_problem from app_private.overlaid($1, $5)', c.names)
    end || ') r'
  from (values (
    'pfa_id, data, removed_at, area_silo, category, class, source, dor, original_start, original_end, '
    'forecast_start, forecast_end, actual_start, actual_end, is_actualized, is_discontinued, is_funds_transferable, '
    'plan_is_rental, plan_cost_cents, forecast_cost_cents, actual_cost_cents'
  )) c (names);
end;
comment on function app_private.seen_records(boolean) is
  'Returns SQL text that selects records of the organization $1 as `r`: as the user $5 sees them, with removed '
  'ones, or of the mirror alone. The view pfa_record is too slow here: no policy restricts the owner, so it would '
  'read the overlays of all organizations.';
--! EndIncluded app_private/functions/seen_records.sql
--! Included app_private/functions/selected_ids.sql
create or replace function app_private.selected_ids(organization_id integer, selection app_public.pfa_selection)
  returns text[]
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selected_ids.organization_id;
  asked record;
  ids text[];
begin
  perform app_private.require_readable(p_organization_id);
  asked := app_private.selection_condition(p_organization_id, selection);
  -- Planned for these values, like the list. The owner runs it, because row level security would keep the indexes from
  -- being used.
  execute 'select coalesce(array_agg(r.pfa_id order by r.pfa_id), ''{}'') from ' || app_private.seen_records(false)
      || ' where (r.removed_at is null or r.has_draft) and ' || asked.condition
    into ids using p_organization_id, selection.filter::jsonb, selection.record_ids, asked.found_ids,
    app_core.current_user_id();
  return ids;
end;
$$;
comment on function app_private.selected_ids(integer, app_public.pfa_selection) is
  'Returns the ids of the selected records as the signed-in user sees them, in ascending order. Raises VG404 for an '
  'organization that the user may not read, and VG400 for an empty, contradictory or invalid selection.';
--! EndIncluded app_private/functions/selected_ids.sql
--! Included app_private/functions/selection_condition.sql
create or replace function app_private.selection_condition(
  organization_id integer, selection app_public.pfa_selection, in_mirror boolean default false, out condition text,
  out found_ids text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selection_condition.organization_id;
  has_words constant boolean := selection.search is not null or selection.containing is not null;
  parts text[] := '{}';
begin
  if selection.everything then
    if selection.record_ids is not null or selection.filter is not null or has_words then
      raise exception 'The selection combines `everything: true` with conditions.'
        using errcode = 'VG400', hint = 'Give one or the other.';
    end if;
    condition := 'true';
    return;
  end if;
  -- An empty search selects nothing, rather than everything.
  if selection.record_ids is null and selection.filter is null
      and cardinality(app_core.search_words(coalesce(selection.search, ''))) = 0
        and coalesce(selection.containing, '{}') = '{}' then
    raise exception 'The selection contains no condition.'
      using errcode = 'VG400', hint = 'Give `recordIds`, `filter`, `search` or `containing`; or `everything: true` '
        'for all records.';
  end if;
  if selection.record_ids is not null then
    if cardinality(selection.record_ids) > 20000 then
      raise exception 'The selection lists % records, and at most 20,000 are allowed.',
        cardinality(selection.record_ids)
        using errcode = 'VG400', hint = 'Select them by a filter, or in several calls.';
    end if;
    if array_position(selection.record_ids, null) is not null then
      raise exception 'The selection lists a null record id.'
        using errcode = 'VG400', hint = 'Give the id of each record.';
    end if;
    parts := parts || text 'r.pfa_id = any ($3)';
  end if;
  if selection.filter is not null then
    parts := parts || (select c.condition from app_private.filter_condition(selection.filter, '{}', 1, 0) c);
  end if;
  if has_words then
    select coalesce(array_agg(f.pfa_id), '{}') into found_ids
    from app_core.find_records(p_organization_id, selection.search, selection.containing) f (pfa_id);
    if in_mirror then
      -- Also refuses an invalid search. The mirror lacks drafted words, and still has words that drafts replace.
      select coalesce(array_agg(m.pfa_id), '{}') into found_ids
      from app_core.pfa_mirror m
      where m.organization_id = p_organization_id and m.removed_at is null
        and (m.pfa_id in (select unnest(found_ids)) or m.pfa_id in (select o.pfa_id
          from app_private.overlaid(p_organization_id, app_core.current_user_id()) o))
        and app_core.search_text(m.pfa_id, m.data) like all (
          array(select app_core.search_pattern(w) from unnest(app_core.search_words(selection.search)) w))
        and (selection.containing is null or m.data @> selection.containing);
    end if;
    parts := parts || text 'r.pfa_id = any ($4)';
  end if;
  condition := array_to_string(parts, ' and ');
end;
$$;
comment on function app_private.selection_condition(integer, app_public.pfa_selection, boolean) is
  'Converts a selection to the text of a condition on `r`, which has the columns of pfa_record. Parameters: $2 (the '
  'filter), $3 (the listed ids) and $4 (the ids found by words, found_ids). The condition applies to what the '
  'signed-in user sees, or to the mirror alone. Raises VG400 for an empty, contradictory or invalid selection.';
--! EndIncluded app_private/functions/selection_condition.sql
--! Included app_private/functions/session_claims.sql
create or replace function app_private.session_claims(session_id uuid, user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[],
    plan_cache_mode text
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.username, c.is_administrator, c.must_change_password, c.organization_ids, c.writable_organization_ids,
    c.administered_organization_ids,
    app_private.plan_cache_mode(c.organization_ids)
  from app_private.sessions s
  cross join lateral app_private.request_claims(s.user_id) c
  where s.id = session_claims.session_id and s.user_id = session_claims.user_id and s.ended_at is null;
end;
comment on function app_private.session_claims(uuid, integer) is
  'Returns the current rights of the user of an access token in one lookup. No row if the session has ended, or if '
  'the user is unknown or disabled.';
grant execute on function app_private.session_claims(uuid, integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/session_claims.sql
--! Included app_private/functions/set_connection_pause.sql
create or replace function app_private.set_connection_pause(api_configuration_id text, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_api_configuration_id constant text := set_connection_pause.api_configuration_id;
begin
  insert into app_private.pems_state as s (api_configuration_id, paused_at, paused_by)
  values (p_api_configuration_id, case when is_paused then clock_timestamp() end,
    case when is_paused then app_core.current_user_id() end)
  on conflict on constraint pems_state_pkey do update
    set paused_at = case when is_paused then coalesce(s.paused_at, excluded.paused_at) end,
      paused_by = case when is_paused then coalesce(s.paused_by, excluded.paused_by) end;
  if not is_paused then
    perform app_private.queue_pushes_over(p_api_configuration_id);
  end if;
end;
$$;
comment on function app_private.set_connection_pause(text, boolean) is
  'Pauses or resumes writing over a connection, for every organization that uses it.';
grant execute on function app_private.set_connection_pause(text, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/set_connection_pause.sql
--! Included app_private/functions/set_push_pause.sql
create or replace function app_private.set_push_pause(organization_id integer, is_paused boolean) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_paused then
    insert into app_private.pfa_push_pause (organization_id, paused_by)
      values (set_push_pause.organization_id, app_core.current_user_id())
    on conflict on constraint pfa_push_pause_pkey do nothing;
  else
    delete from app_private.pfa_push_pause p where p.organization_id = set_push_pause.organization_id;
    perform app_private.queue_push(set_push_pause.organization_id);
  end if;
end;
$$;
comment on function app_private.set_push_pause(integer, boolean) is
  'Pauses or resumes writing changes of an organization to PEMS. Writes in progress are finished.';
grant execute on function app_private.set_push_pause(integer, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/set_push_pause.sql
--! Included app_private/functions/settle_pushes.sql
create or replace function app_private.settle_pushes(organization_id integer, reads jsonb)
  returns table (id bigint, outcome text)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := settle_pushes.organization_id;
  p_ids constant bigint[] := array(select (r->>'id')::bigint from jsonb_array_elements(reads) r);
  p_pfa_ids constant text[] := array(select r->>'pfaId' from jsonb_array_elements(reads) r);
  current jsonb;
  fresh jsonb;
  returned jsonb;
  kept bigint[];
begin
  perform app_private.lock_records(p_organization_id, p_pfa_ids);
  perform from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (p_ids)
    order by m.id for update;
  select coalesce(jsonb_agg(r || jsonb_build_object('ours', m.delta)), '[]'),
    coalesce(jsonb_agg(r || jsonb_build_object('ours',
      m.delta)) filter (where app_private.at_microseconds(r->>'requestedAt') > p.observed_at), '[]')
    into current, fresh
  from jsonb_array_elements(reads) r
  join app_core.pfa_modification m
    on m.organization_id = p_organization_id and m.id = any (p_ids) and m.id = (r->>'id')::bigint
      and m.pfa_id = r->>'pfaId'
      and m.state = 'syncing' and m.attempts = (r->>'attempt')::integer and m.retry_at is null
  join app_core.pfa_mirror p on p.organization_id = p_organization_id and p.pfa_id = any (p_pfa_ids)
    and p.pfa_id = m.pfa_id;
  perform app_private.enter_reads(p_organization_id, fresh);

  with judged as materialized (
    select j.id, j.key, j.theirs, j.holds, i.write_values ? j.key as is_written
    from app_private.judged_pushes(p_organization_id, fresh) j
    join jsonb_array_elements(fresh) r on (r->>'id')::bigint = j.id
    left join app_core.pfa_push_intent i
      on i.organization_id = p_organization_id and i.modification_id = any (p_ids) and i.modification_id = j.id
        and i.attempt = (r->>'attempt')::integer and i.outcome is null
  ),
  verdict as materialized (
    select j.id, j.key,
      case
        when j.holds = 'mine' then null
        when j.holds = 'nothing' then jsonb_build_object('kind', 'failed', 'message',
          'It was written, but PEMS shows no readable value of it.')
        when not j.is_written then jsonb_build_object('kind', 'conflict', 'theirs', j.theirs)
        when j.holds = 'base' then jsonb_build_object('kind', 'refused', 'theirs', j.theirs, 'message',
          'PEMS accepted the change but did not keep it.')
        else jsonb_build_object('kind', 'altered', 'theirs', j.theirs, 'message',
          'PEMS holds a different value than the written one.')
      end as problem
    from judged j
  ),
  result as materialized (
    select v.id, jsonb_object_agg(v.key, v.problem) filter (where v.problem is not null) as problems,
      bool_or(v.problem is null) as is_kept,
      case
        when bool_and(v.problem is null) then 'confirmed'
        when bool_or(v.problem->>'kind' in ('altered', 'conflict')) then 'altered'
        else 'refused'
      end as outcome
    from verdict v group by v.id
  ),
  settled as (
    update app_core.pfa_push_intent i set outcome = r.outcome, settled_at = clock_timestamp()
    from result r
    where i.organization_id = p_organization_id and i.modification_id = any (p_ids) and i.modification_id = r.id
      and i.outcome is null
  )
  select jsonb_agg(jsonb_build_object('id', r.id, 'problems', r.problems)) filter (where r.problems is not null),
    array_agg(r.id) filter (where r.is_kept)
    into returned, kept
  from result r;

  perform app_private.return_keys(p_organization_id, coalesce(returned, '[]'));
  perform app_private.confirm_pushes(p_organization_id, kept);
  perform app_private.show_records(p_organization_id, array(select r->>'pfaId' from jsonb_array_elements(fresh) r));
  return query
    select i.id, case
        when not exists (select from jsonb_array_elements(current) c where (c->>'id')::bigint = i.id) then 'superseded'
        when not exists (select from jsonb_array_elements(fresh) f where (f->>'id')::bigint = i.id) then 'read_again'
        when exists (select from jsonb_array_elements(returned) b where (b->>'id')::bigint = i.id) then 'returned'
        else 'confirmed'
      end
    from unnest(p_ids) i (id);
end;
$$;
comment on function app_private.settle_pushes(integer, jsonb) is
  'Settles written changes after their records were read back: updates mirror, state, overlay and history together. '
  'Reads: as for enter_reads, with `id`, `attempt` and `blank`. Keys that PEMS holds are confirmed; other keys return '
  'to their author. Outcomes: `confirmed`, `returned` (some keys), `read_again` (the mirror has a newer read), '
  '`superseded` (another attempt has replaced this one).';
grant execute on function app_private.settle_pushes(integer, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/settle_pushes.sql
--! Included app_private/functions/show_records.sql
create or replace function app_private.show_records(organization_id integer, pfa_ids text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.rebase_drafts(show_records.organization_id, show_records.pfa_ids);
  perform app_private.rewrite_overlay(show_records.organization_id, show_records.pfa_ids);
end;
$$;
comment on function app_private.show_records(integer, text[]) is
  'Rebases drafts and rewrites the overlay after the mirror or pending changes of these records changed. Call it '
  'under lock_records.';
--! EndIncluded app_private/functions/show_records.sql
--! Included app_private/functions/split_push.sql
create or replace function app_private.split_push(organization_id integer, id bigint, keys text[]) returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := split_push.organization_id;
  p_id constant bigint := split_push.id;
  p_keys constant text[] := split_push.keys;
  others text[];
  parts bigint[];
begin
  select array_agg(k) into others
  from unnest(p_keys) k
  where app_private.key_group(k) <> (select min(app_private.key_group(g)) from unnest(p_keys) g);
  if others is null then
    return false;
  end if;
  with made as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence,
      committed_at, comment, created_at)
    select p_organization_id, m.user_id, m.pfa_id, g.delta, g.base, 'committed', nextval('app_core.revision_seq'),
      m.committed_at, m.comment, m.created_at
    from app_core.pfa_modification m
    cross join lateral (
      select jsonb_object_agg(k, m.delta->k) as delta, jsonb_object_agg(k, m.base->k) as base
      from unnest(others) k group by app_private.key_group(k) order by app_private.key_group(k)
    ) g
    where m.organization_id = p_organization_id and m.id = p_id
    returning id
  )
  select array_agg(n.id) into parts from made n;
  update app_core.pfa_modification m set delta = m.delta - others, base = m.base - others
  where m.organization_id = p_organization_id and m.id = p_id;
  -- Later commits on the record stay behind all parts.
  update app_core.pfa_modification m set commit_sequence = l.place
  from (
    select o.id, nextval('app_core.revision_seq') as place
    from (
      select n.id from app_core.pfa_modification n
      join app_core.pfa_modification f on f.organization_id = p_organization_id and f.id = p_id
      where n.organization_id = p_organization_id and n.pfa_id = f.pfa_id and n.state = 'committed'
        and n.commit_sequence > f.commit_sequence
        and n.id <> all (parts)
      order by n.commit_sequence
    ) o
  ) l
  where m.organization_id = p_organization_id and m.id = l.id;
  return true;
end;
$$;
comment on function app_private.split_push(integer, bigint, text[]) is
  'Splits a change whose keys PEMS refused together, so that each key group is written separately. Returns false if '
  'the keys cannot be separated.';
--! EndIncluded app_private/functions/split_push.sql
--! Included app_private/functions/start_session.sql
create or replace function app_private.start_session(user_id integer, password_hash text, token_hash bytea,
  lifetime interval) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  session constant uuid := gen_random_uuid();
begin
  -- The password may have changed since the comparison. The lock puts a change of password entirely before or after
  -- this.
  perform from app_private.user_passwords p
  join app_public.users u on u.id = p.user_id
  where p.user_id = start_session.user_id and p.password_hash = start_session.password_hash and u.is_active
  for share of p;
  if not found then
    return null;
  end if;
  insert into app_private.sessions (id, user_id) values (session, start_session.user_id);
  insert into app_private.refresh_tokens (session_id, generation, token_hash, expires_at)
    values (session, 1, start_session.token_hash, clock_timestamp() + start_session.lifetime);
  return session;
end;
$$;
comment on function app_private.start_session(integer, text, bytea, interval) is
  'Begins a session for a user whose password matched this hash, and returns its id. Null if the password has changed '
  'in the meantime, or if the user is disabled.';
grant execute on function app_private.start_session(integer, text, bytea, interval) to vanguard_authenticator;
--! EndIncluded app_private/functions/start_session.sql
--! Included app_private/functions/step_operation.sql
create or replace function app_private.step_operation(organization_id integer, operation_id bigint, is_undo boolean)
  returns app_public.pfa_undo_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := step_operation.organization_id;
  p_operation_id constant bigint := step_operation.operation_id;
  me constant integer := app_core.current_user_id();
  operation app_core.pfa_draft_operation;
  ids text[];
  items jsonb;
  due jsonb;
  changed app_public.pfa_draft_result;
  result app_public.pfa_undo_result;
begin
  perform app_private.require_writable(p_organization_id);
  -- Two tabs may undo at once, or one of them may save. Each undo reverts the operation that is the newest at that
  -- time.
  perform app_private.lock_operations(p_organization_id, me);
  select o.* into operation
  from app_core.pfa_draft_operation o
  where o.organization_id = p_organization_id and o.user_id = me and (o.undone_at is null) = is_undo
  order by case when is_undo then -o.id else o.id end limit 1;
  if operation.id is null then
    raise exception 'There is nothing to %.', case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG404', hint = 'List the operations that can be undone or redone with myOperations: the last '
        '50, and undone ones until the next change.';
  end if;
  if operation.id <> p_operation_id then
    due := jsonb_build_array(jsonb_build_object('operationId', operation.id, 'kind', operation.kind, 'recordCount',
      operation.record_count));
    raise exception 'Operation % is not the next to %.', p_operation_id, case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG409', detail = due::text,
        hint = 'Check the details for the next operation; you may have made changes in another tab.';
  end if;
  ids := array(select jsonb_object_keys(operation.differences));
  perform app_private.lock_records(p_organization_id, ids);

  with step as materialized (
    select r.key as pfa_id, k.key,
      case when is_undo then k.value->'to' else k.value->'from' end as expected,
      case when is_undo then k.value->'from' else k.value->'to' end as wanted,
      m.pfa_id is null as is_gone, m.removed_at is not null as is_removed,
      app_core.normalized(m.underlay->k.key) as under, d.delta->k.key as drafted
    from jsonb_each(operation.differences) r
    cross join jsonb_each(r.value) k
    left join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = r.key
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids)
        and d.pfa_id = r.key
  ),
  committed as materialized (
    select m.pfa_id, k.key, k.value
    from app_core.pfa_modification m cross join jsonb_each(m.delta) k
    where m.organization_id = p_organization_id and m.user_id = me and m.state <> 'draft' and m.pfa_id = any (ids)
      and m.committed_at >= operation.created_at
  ),
  judged as materialized (
    select s.pfa_id, s.key, s.wanted,
      case
        when s.is_gone then 'gone'
        when s.drafted is not distinct from s.expected then case when s.wanted is not null
          and s.is_removed then 'removed' end
        when s.drafted is not null then 'changed'
        when (s.pfa_id, s.key, s.expected) in (select c.pfa_id, c.key, c.value from committed c) then 'committed'
        when s.under = s.expected then 'settled'
        else 'changed'
      end as kind
    from step s
  ),
  possible as (
    select j.pfa_id,
      coalesce(jsonb_object_agg(j.key, j.wanted) filter (where j.wanted is not null), '{}') as changes,
      coalesce(jsonb_agg(j.key) filter (where j.wanted is null), '[]') as dropped
    from judged j where j.kind is null group by j.pfa_id
  )
  select
    (select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'changes', p.changes, 'dropped', p.dropped)),
      '[]') from possible p),
    (
      select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'key', j.key, 'kind', j.kind, 'problem',
        case j.kind
          when 'gone' then 'the record no longer exists'
          when 'removed' then 'the record was removed from PEMS'
          when 'committed' then 'it was submitted in the meantime'
          when 'settled' then 'PEMS now holds this value'
          else 'it was changed in the meantime'
        end) order by j.pfa_id, j.key), '[]')
      from judged j where j.kind is not null
    )
    into items, result.impossible;

  changed := app_private.change_drafts(p_organization_id, me, items, null);
  update app_core.pfa_draft_operation o set undone_at = case when is_undo then clock_timestamp() end
  where o.organization_id = p_organization_id and o.user_id = me and o.id = operation.id;
  result.operation_id := operation.id;
  result.kind := operation.kind;
  result.changed_count := changed.changed_count;
  return result;
end;
$$;
comment on function app_private.step_operation(integer, bigint, boolean) is
  'Undoes the signed-in user''s newest operation, or redoes the oldest undone one: key by key, if the draft is still '
  'as the operation left it. Drafted values are restored, but never their bases. Raises VG404 without such an '
  'operation, and VG409 if it is not the given one.';
--! EndIncluded app_private/functions/step_operation.sql
--! Included app_private/functions/subscriber_revision.sql
create or replace function app_private.subscriber_revision(organization_id integer, user_id integer) returns bigint
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
    select e.id from app_core.pfa_event e
    where e.organization_id = subscriber_revision.organization_id and e.viewer_id in (0, subscriber_revision.user_id)
    order by e.organization_id desc, e.id desc limit 1), 0);
end;
comment on function app_private.subscriber_revision(integer, integer) is
  'Revision from which a new subscriber continues: the revision of the organization. Read it after the subscription '
  'receives events.';
grant execute on function app_private.subscriber_revision(integer, integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/subscriber_revision.sql
--! Included app_private/functions/subscriber_rights.sql
create or replace function app_private.subscriber_rights(session_ids uuid[], organization_ids integer[])
  returns table (session_id uuid, organization_id integer, is_signed_in boolean, must_change_password boolean,
    may_read boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select p.session_id, p.organization_id, c.username is not null, coalesce(c.must_change_password, false),
    coalesce(p.organization_id = any (c.organization_ids), false)
  from unnest(subscriber_rights.session_ids, subscriber_rights.organization_ids) p (session_id, organization_id)
  left join app_private.sessions s on s.id = p.session_id and s.ended_at is null
    -- Access tokens expire; a subscription ends when its session could not get a new one.
    and exists (select from app_private.refresh_tokens t where t.session_id = s.id and t.expires_at > now())
  left join lateral app_private.request_claims(s.user_id) c on true;
end;
comment on function app_private.subscriber_rights(uuid[], integer[]) is
  'Returns, for each of these sessions in order, whether it may still read the organization. Checked before each '
  'event reaches its subscriptions. A session is invalid if it has ended or expired, or if its user is disabled.';
grant execute on function app_private.subscriber_rights(uuid[], integer[]) to vanguard_authenticator;
--! EndIncluded app_private/functions/subscriber_rights.sql
--! Included app_private/functions/sums_by_group.sql
create or replace function app_private.sums_by_group(records text, dimension app_public.pfa_dimension) returns text
  language sql immutable
begin atomic
  select format($$
    select %1$s, count(*), app_core.usd(coalesce(sum(r.plan_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.forecast_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.actual_cost_cents), 0)),
      app_core.usd(coalesce(sum(r.forecast_cost_cents) - sum(r.plan_cost_cents), 0)),
      round(coalesce(sum(greatest(0, r.original_end - r.original_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.forecast_end - r.forecast_start)), 0) / 30.44, 2),
      round(coalesce(sum(greatest(0, r.actual_end - r.actual_start)), 0) / 30.44, 2)
    from %2$s %3$s$$,
    case dimension
      when 'category' then 'r.category' when 'class' then 'r.class' when 'area' then 'r.area_silo' when 'dor' then
        'r.dor' when 'source' then 'r.source'
      else 'null::text'
    end,
    records,
    case when dimension is not null then 'group by 1 order by 1' end);
end;
comment on function app_private.sums_by_group(text, app_public.pfa_dimension) is
  'Returns the query that totals records by a property they share, over records as organizations_sums provides them.';
--! EndIncluded app_private/functions/sums_by_group.sql
--! Included app_private/functions/sums_by_month.sql
-- Cost over time is a piecewise linear function: a rental adds a slope between its first and its last day, and a
-- purchase adds a jump. So the changes of slope are summed by day, and these few sums give the cost at the end of each
-- month. No record is split into months. The daily cost of a rental is its cents divided by its days: whole cents as
-- integers, and the remainder as a fraction below 1. So floating point stays exact to far less than a cent, and the
-- months add up to the cost.
create or replace function app_private.sums_by_month(records text) returns text
  language sql immutable
begin atomic
  select format($$
    with record as materialized (
      select r.plan_is_rental, r.source = 'Rental' as is_rental,
        r.plan_cost_cents, r.forecast_cost_cents, r.actual_cost_cents,
        r.original_start, r.original_end, r.forecast_start, r.forecast_end, r.actual_start, r.actual_end
      from %s
    ),
    bend as (%s),
    -- At most 600 months. If there are more, those around today count, with one group before and one after them.
    span as materialized (
      select f.first, f.last, w.lo, w.lo + interval '599 months' as hi
      from (
        select date_trunc('month', (min(b.day) - 1)::timestamp) as first,
          date_trunc('month', (max(b.day) - 1)::timestamp) as last
        from bend b
      ) f
      cross join lateral (
        select greatest(f.first, least(date_trunc('month', current_date::timestamp) - interval '299 months',
          f.last - interval '599 months')) as lo
      ) w
    ),
    by_month as (
      -- Uses the previous day, because a change of slope on the first of a month has no effect before that day.
      select d.month, b.kind, sum(b.whole) as whole, sum(b.fraction) as fraction,
        sum(b.whole::numeric * (d.next - b.day) + b.jump) as whole_within,
        sum(b.fraction * (d.next - b.day)) as fraction_within
      from bend b
      cross join span s
      cross join lateral (select date_trunc('month', (b.day - 1)::timestamp) as month offset 0) t
      cross join lateral (
        select case when t.month < s.lo then s.lo - interval '1 month' when t.month > s.hi
            then s.hi + interval '1 month' else t.month end as month,
          (case when t.month < s.lo then s.lo when t.month > s.hi then s.last + interval '1 month'
            else t.month + interval '1 month' end)::date as next
        offset 0
      ) d
      where b.day is not null group by 1, 2
    ),
    month as (
      select m.month, case when m.month > s.hi then (s.last + interval '1 month')::date - m.month::date
          else extract(day from m.month + interval '1 month - 1 day') end as days,
        case when m.month < s.lo then to_char(s.lo, '"before "YYYY-MM')
          when m.month > s.hi then to_char(s.hi, '"after "YYYY-MM') else to_char(m.month, 'YYYY-MM') end as name
      from span s
      cross join lateral generate_series(case when s.first < s.lo then s.lo - interval '1 month' else s.lo end,
        case when s.last > s.hi then s.hi + interval '1 month' else s.last end, interval '1 month') m (month)
    ),
    -- Slopes from earlier months times the days of the month, plus changes within the month.
    grown as (
      select m.month, m.name, k.kind,
        coalesce(sum(e.whole) over before * m.days, 0) + coalesce(e.whole_within, 0) as whole,
        coalesce(sum(e.fraction) over before * m.days::float8, 0) + coalesce(e.fraction_within, 0) as fraction
      from month m
      cross join (values (1), (2), (3)) k (kind)
      left join by_month e on e.month = m.month and e.kind = k.kind
      window before as (partition by k.kind order by m.month rows between unbounded preceding and 1 preceding)
    ),
    total as (
      select g.month, g.name, g.kind, round(sum(g.whole) over w + round((sum(g.fraction) over w)::numeric, 6)) as cents
      from grown g
      window w as (partition by g.kind order by g.month)
    ),
    part as (
      select t.month, t.name, t.kind, t.cents - lag(t.cents, 1, 0) over (partition by t.kind order by t.month) as cents
        from total t
      union all
      select null, null, kind, jump from bend where day is null
    )
    select p.name, null::bigint,
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 3), 0)),
      app_core.usd(coalesce(sum(p.cents) filter (where p.kind = 2), 0)
        - coalesce(sum(p.cents) filter (where p.kind = 1), 0)),
      null::numeric, null::numeric, null::numeric
    from part p
    where p.cents <> 0
    group by p.month, p.name
    order by p.month$$,
    records,
    (
      select string_agg(format($$
        select %1$s as kind, coalesce(b.first_day, b.last_day) as day,
          (case grouping(b.first_day) when 0 then sum(b.whole) else -sum(b.whole) end)::bigint as whole,
          case grouping(b.first_day) when 0 then sum(b.fraction) else -sum(b.fraction) end as fraction,
            0::bigint as jump
        from (
          select r.%2$s_start as first_day, r.%2$s_end as last_day, r.%3$s / (r.%2$s_end - r.%2$s_start) as whole,
            (r.%3$s %% (r.%2$s_end - r.%2$s_start))::float8 / (r.%2$s_end - r.%2$s_start) as fraction
          from record r where r.%3$s > 0 and r.%4$s
        ) b
        group by grouping sets ((b.first_day), (b.last_day))
        union all
        -- A purchase counts from the next day on, within the same month.
        select %1$s, r.%2$s_start + 1, 0, 0, sum(r.%3$s)::bigint from record r where r.%3$s > 0 and not r.%4$s
          group by r.%2$s_start
        $$, k.kind, k.days, k.cents, k.rental), ' union all ')
      from (values (1, 'original', 'plan_cost_cents', 'plan_is_rental'),
        (2, 'forecast', 'forecast_cost_cents', 'is_rental'),
        (3, 'actual', 'actual_cost_cents', 'is_rental')) k (kind, days, cents, rental)
    ));
end;
comment on function app_private.sums_by_month(text) is
  'Returns the query for costs by month, over records as organizations_sums provides them. The cost until the end of '
  'a month is rounded to cents for the whole group; a month is the difference to the previous one. It returns at most '
  '600 months, with one total before and one after them, so that all of them add up to the whole.';
--! EndIncluded app_private/functions/sums_by_month.sql
--! Included app_private/functions/sync_schedule_of.sql
create or replace function app_private.sync_schedule_of(organization_id integer) returns app_public.sync_schedule
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select
    case when s.cron is null then round(extract(epoch from coalesce(s.every, '15 minutes')) / 60)::integer end, s.cron,
    coalesce(s.time_zone, 'UTC'), s.quiet_from, s.quiet_to,
    round(extract(epoch from coalesce(s.full_every, '1 day')) / 3600)::integer,
    s.paused_at is not null, s.paused_at, p.username, n.at,
    case when n.at is not null then (select k.kind from app_private.plan_sync(o.id, null,
      greatest(n.at, clock_timestamp())) k) end,
    s.changed_at, c.username
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join app_public.users p on p.id = s.paused_by
  left join app_public.users c on c.id = s.changed_by
  cross join lateral (select app_private.next_sync_at(o.id) as at) n
  where o.id = sync_schedule_of.organization_id;
end;
comment on function app_private.sync_schedule_of(integer) is
  'Returns the schedule of an organization, with defaults for missing settings.';
--! EndIncluded app_private/functions/sync_schedule_of.sql
--! Included app_private/functions/take_turns.sql
create or replace function app_private.take_turns(api_configuration_id text, turns integer) returns double precision
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with connection as (
    select c.url, s.tenant, take_turns.turns * interval '1 second' / s.requests_per_second as takes
    from app_public.api_configurations c join app_public.pems_settings s on s.api_configuration_id = c.id
    where c.id = take_turns.api_configuration_id
  ),
  taken as (
    insert into app_private.pems_rate as r (url, tenant, next_at, requests)
    select c.url, c.tenant, clock_timestamp() + c.takes, take_turns.turns from connection c
    on conflict on constraint pems_rate_pkey do update
      set next_at = greatest(r.next_at, clock_timestamp()) + (select c.takes from connection c),
        requests = r.requests + take_turns.turns
    returning r.next_at
  )
  select greatest(0, extract(epoch from t.next_at - c.takes - clock_timestamp()) * 1000)::double precision from taken t
    cross join connection c;
end;
comment on function app_private.take_turns(text, integer) is
  'Acquires this number of consecutive requests to PEMS, and returns the milliseconds until the first may begin. All '
  'workers share the limit: the requests per second of the tenant.';
grant execute on function app_private.take_turns(text, integer) to vanguard_worker;
--! EndIncluded app_private/functions/take_turns.sql
--! Included app_private/functions/tell_mirror.sql
create or replace function app_private.tell_mirror() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  -- Statements of a trigger are planned only once, for the number of rows of the first call.
  set enable_nestloop = off
  set jit = off
as $$
begin
  insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
  select n.organization_id, 'records', 0,
    case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
    case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
  from new_rows n
  join old_rows o on o.organization_id = n.organization_id and o.pfa_id = n.pfa_id
  where n.revision <> o.revision
  group by n.organization_id;
  return null;
end;
$$;
comment on function app_private.tell_mirror() is
  'Trigger: writes events for the records of the mirror that have a new revision.';
--! EndIncluded app_private/functions/tell_mirror.sql
--! Included app_private/functions/tell_modifications.sql
create or replace function app_private.tell_modifications() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
  set jit = off
as $$
begin
  if tg_op = 'INSERT' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select t.organization_id, 'modifications', t.user_id,
      case when count(*) <= app_core.most_named() then array_agg(t.pfa_id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.told order by t.id) end
    from (
      select n.organization_id, n.user_id, n.id, n.pfa_id,
        case n.state when 'draft' then 'problem' else n.state end as told
      from new_rows n
      where n.state <> 'draft' or n.problems <> '{}'
    ) t
    group by t.organization_id, t.user_id;
  elsif tg_op = 'UPDATE' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select t.organization_id, 'modifications', t.user_id,
      case when count(*) <= app_core.most_named() then array_agg(t.pfa_id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.id order by t.id) end,
      case when count(*) <= app_core.most_named() then array_agg(t.told order by t.id) end
    from (
      select n.organization_id, n.user_id, n.id, n.pfa_id,
        case when n.problems <> '{}' then 'problem' else n.state end as told
      from new_rows n
      join old_rows o on o.organization_id = n.organization_id and o.id = n.id
      where n.state <> o.state or n.problems <> o.problems
    ) t
    group by t.organization_id, t.user_id;
  else
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, modification_ids, states)
    select o.organization_id, 'modifications', o.user_id,
      case when count(*) <= app_core.most_named() then array_agg(o.pfa_id order by o.id) end,
      case when count(*) <= app_core.most_named() then array_agg(o.id order by o.id) end,
      case when count(*) <= app_core.most_named() then array_agg('gone'::text order by o.id) end
    from old_rows o
    where o.state in ('committed', 'syncing')
    group by o.organization_id, o.user_id;
  end if;
  return null;
end;
$$;
comment on function app_private.tell_modifications() is
  'Trigger: writes events for each user about the outcome of commits and about problems in drafts. Saving or '
  'discarding a draft makes no event.';
--! EndIncluded app_private/functions/tell_modifications.sql
--! Included app_private/functions/tell_overlay.sql
create or replace function app_private.tell_overlay() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
  set jit = off
as $$
begin
  if tg_op = 'INSERT' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    group by n.organization_id, n.viewer_id;
  elsif tg_op = 'UPDATE' then
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select n.organization_id, 'records', n.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(n.pfa_id order by n.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(n.revision order by n.pfa_id) end
    from new_rows n
    join old_rows o on o.organization_id = n.organization_id and o.viewer_id = n.viewer_id and o.pfa_id = n.pfa_id
    where n.revision <> o.revision
    group by n.organization_id, n.viewer_id;
  else
    -- The viewer now sees the underlying row, which has a later revision. A row that is deleted with its record makes
    -- no event.
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select o.organization_id, 'records', o.viewer_id,
      case when count(*) <= app_core.most_named() then array_agg(o.pfa_id order by o.pfa_id) end,
      case when count(*) <= app_core.most_named() then array_agg(m.revision order by o.pfa_id) end
    from old_rows o
    join app_core.pfa_mirror m on m.organization_id = o.organization_id and m.pfa_id = o.pfa_id
    group by o.organization_id, o.viewer_id;
  end if;
  return null;
end;
$$;
comment on function app_private.tell_overlay() is
  'Trigger: writes events for all users about pending changes, and for each user about changes of their own drafts. '
  'Other users learn nothing about drafts.';
--! EndIncluded app_private/functions/tell_overlay.sql
--! Included app_private/functions/tell_sync.sql
create or replace function app_private.tell_sync() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  added text[];
  revisions bigint[];
begin
  if tg_op = 'UPDATE' and (new.state, new.rows_read) is not distinct from (old.state, old.rows_read) then
    return null;
  end if;
  if new.state = 'succeeded' and new.rows_inserted > 0 then
    -- New records are read from the history. A first run has none there: all of its records are new.
    if new.rows_inserted <= app_core.most_named() then
      select array_agg(m.pfa_id order by m.pfa_id), array_agg(m.revision order by m.pfa_id) into added, revisions
      from app_core.pfa_change c
      join app_core.pfa_mirror m on m.organization_id = new.organization_id and m.pfa_id = c.pfa_id
      where c.organization_id = new.organization_id and c.event = 'add' and c.changed_at >= new.started_at;
    end if;
    if cardinality(added) is distinct from new.rows_inserted then
      added := null;
      revisions := null;
    end if;
    insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    values (new.organization_id, 'records', 0, added, revisions);
  end if;
  perform pg_notify('vanguard_realtime', json_build_object('organizationId', new.organization_id,
    'run', json_build_object('id', new.id::text, 'state', new.state, 'rowsRead', new.rows_read, 'errorCode',
      new.error_code))::text);
  return null;
end;
$$;
comment on function app_private.tell_sync() is
  'Trigger: notifies clients when a run begins, progresses and ends, and writes events for the records that it added. '
  'Progress is sent but not stored.';
--! EndIncluded app_private/functions/tell_sync.sql
--! Included app_private/functions/touch_updated_at.sql
create or replace function app_private.touch_updated_at() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end;
$$;
comment on function app_private.touch_updated_at() is 'Trigger: sets updated_at on each update.';
--! EndIncluded app_private/functions/touch_updated_at.sql
--! Included app_private/functions/twins_of.sql
create or replace function app_private.twins_of(organization_id integer, added text[], missing text[])
  returns table (pfa_id text, twin_id text)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with new as materialized (
    select a.id, app_core.id_key(a.id) as key, regexp_replace(app_core.id_key(a.id), '(^|[^0-9])0+(?=[0-9])', '\1', 'g')
      as bare_key
    from unnest(twins_of.added) a (id)
  ),
  known as (
    select m.pfa_id as id, app_core.id_key(m.pfa_id) as key
    from app_core.pfa_mirror m
    where m.organization_id = twins_of.organization_id and m.removed_at is null
      and exists (select from new)
  ),
  gone as (
    select g.id, regexp_replace(app_core.id_key(g.id), '(^|[^0-9])0+(?=[0-9])', '\1', 'g') as bare_key
    from unnest(twins_of.missing) g (id)
  )
  select n.id, min(t.id)
  from new n
  join (
    select k.id, k.key from known k
    union all
    select o.id, o.key from new o
  ) t on t.key = n.key and t.id <> n.id
  group by n.id
  union
  -- Ids that differ only by leading zeros may belong to two records. They count only if one appears while the other
  -- disappears.
  select n.id, min(g.id)
  from new n
  join gone g on g.bare_key = n.bare_key and g.id <> n.id
  where not exists (select from known k where k.key = n.key)
    and not exists (select from new o where o.key = n.key and o.id <> n.id)
  group by n.id;
end;
comment on function app_private.twins_of(integer, text[], text[]) is
  'Returns those records added by a run whose id resembles another one, each with one of its twins. The id differs '
  'only by case, normal form or blanks from a known or another added id, or only by leading zeros from a missing '
  'one.';
--! EndIncluded app_private/functions/twins_of.sql
--! Included app_private/functions/upgrade_password_hash.sql
create or replace function app_private.upgrade_password_hash(user_id integer, old_hash text, new_hash text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.user_passwords p set password_hash = upgrade_password_hash.new_hash
  where p.user_id = upgrade_password_hash.user_id and p.password_hash = upgrade_password_hash.old_hash;
end;
comment on function app_private.upgrade_password_hash(integer, text, text) is
  'Replaces an old hash of the same password (bcrypt, or argon2id with weaker parameters). Does nothing if the '
  'password has changed in the meantime.';
grant execute on function app_private.upgrade_password_hash(integer, text, text) to vanguard_authenticator;
--! EndIncluded app_private/functions/upgrade_password_hash.sql
--! Included app_private/functions/use_draft_quota.sql
create or replace function app_private.use_draft_quota(organization_id integer, user_id integer, records integer)
  returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := use_draft_quota.organization_id;
  p_user_id constant integer := use_draft_quota.user_id;
  p_records constant integer := use_draft_quota.records;
  -- An operation on more records than this is recorded once, not in the history of each record.
  most_logged constant integer := 100;
  most_logged_daily constant integer := 20000;
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
  quota integer;
  used app_private.pfa_draft_usage;
begin
  select coalesce((select l.daily_changes from app_private.pfa_limits l where l.organization_id = p_organization_id),
    1000000) into quota;
  insert into app_private.pfa_draft_usage as u (organization_id, user_id, day, changed_records, history_rows)
  values (p_organization_id, p_user_id, today, p_records, case when p_records <= most_logged then p_records else 0 end)
  on conflict on constraint pfa_draft_usage_pkey do update
  set day = excluded.day,
    changed_records = case when u.day = excluded.day then u.changed_records else 0 end + excluded.changed_records,
    history_rows = case when u.day = excluded.day then u.history_rows else 0 end + excluded.history_rows
  returning u.* into used;
  if used.changed_records > quota then
    raise exception 'You changed drafts of % records today, and the limit is % a day.',
      used.changed_records - p_records, quota
      using errcode = 'VG429', hint = 'Continue after midnight UTC, or ask an operator to raise the quota.';
  end if;
  return p_records <= most_logged and used.history_rows <= most_logged_daily;
end;
$$;
comment on function app_private.use_draft_quota(integer, integer, integer) is
  'Counts records whose drafts a user is about to change. Raises VG429 above the daily quota. Returns whether the '
  'history of each record gets the changes: not for large operations, nor beyond 20,000 a day. Call it under '
  'lock_operations.';
--! EndIncluded app_private/functions/use_draft_quota.sql
--! Included app_private/functions/write_limits.sql
create or replace function app_private.write_limits(
  organization_id integer, user_id integer, removed_percent integer, refused_percent integer, changed_percent integer,
  emptied_percent integer, least_records integer, absent_days integer
) returns app_public.organization_limits
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_limits.organization_id;
  now_limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  wrong text;
begin
  select string_agg(format('%s is %s', v.name, v.given), ', ') into wrong
  from (values
    ('removedPercent', write_limits.removed_percent, 100), ('refusedPercent', write_limits.refused_percent, 100),
    ('changedPercent', write_limits.changed_percent, 100), ('emptiedPercent', write_limits.emptied_percent, 100),
    ('leastRecords', write_limits.least_records, 1000000), ('absentDays', write_limits.absent_days, 365)
  ) v (name, given, most)
  where v.given not between 1 and v.most;
  if wrong is not null then
    raise exception 'A limit is out of range: %.', wrong
      using errcode = 'VG400',
        hint = 'Give percentages from 1 to 100, leastRecords from 1 to 1000000, and absentDays from 1 to 365.';
  end if;
  insert into app_private.pfa_limits as l (organization_id, removed_percent, refused_percent, changed_percent,
    emptied_percent, least_records, absent_days, changed_at, changed_by)
  values (p_organization_id,
    coalesce(write_limits.removed_percent, now_limits.removed_percent),
    coalesce(write_limits.refused_percent, now_limits.refused_percent),
    coalesce(write_limits.changed_percent, now_limits.changed_percent),
    coalesce(write_limits.emptied_percent, now_limits.emptied_percent),
    coalesce(write_limits.least_records, now_limits.least_records),
    coalesce(write_limits.absent_days, now_limits.absent_days), clock_timestamp(), write_limits.user_id)
  on conflict on constraint pfa_limits_pkey do update
  set removed_percent = excluded.removed_percent, refused_percent = excluded.refused_percent,
    changed_percent = excluded.changed_percent, emptied_percent = excluded.emptied_percent,
    least_records = excluded.least_records, absent_days = excluded.absent_days, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by;
  return app_private.limits_of(p_organization_id);
end;
$$;
comment on function app_private.write_limits(integer, integer, integer, integer, integer, integer, integer, integer) is
  'Sets the given limits of an organization, for a user or (null) a command. Raises VG400 and names the limits that '
  'are out of range.';
--! EndIncluded app_private/functions/write_limits.sql
--! Included app_private/functions/write_sync_schedule.sql
create or replace function app_private.write_sync_schedule(
  organization_id integer, user_id integer, every_minutes integer, cron text, time_zone text, quiet_from time,
  quiet_to time, full_every_hours integer
) returns app_public.sync_schedule
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_sync_schedule.organization_id;
  p_cron constant text := btrim(write_sync_schedule.cron, E' \t');
  p_time_zone constant text := coalesce(write_sync_schedule.time_zone, 'UTC');
  p_every_minutes constant integer := coalesce(write_sync_schedule.every_minutes, 15);
  p_full_every_hours constant integer := coalesce(write_sync_schedule.full_every_hours, 24);
begin
  if write_sync_schedule.every_minutes is not null and p_cron is not null then
    raise exception 'The schedule has both an interval and a cron expression.'
      using errcode = 'VG400', hint = 'Give one or the other.';
  end if;
  if p_every_minutes not between 1 and 10080 then
    raise exception 'The interval of % minutes is out of range.', p_every_minutes
      using errcode = 'VG400', hint = 'Give 1 to 10080 minutes (a week).';
  end if;
  if p_full_every_hours not between 1 and 744 then
    raise exception 'The time of % hours between full runs is out of range.', p_full_every_hours
      using errcode = 'VG400', hint = 'Give 1 to 744 hours (a month).';
  end if;
  if app_private.cron_problem(p_cron) is not null then
    raise exception '% is not a cron expression. %', quote_literal(left(p_cron, 200)), app_private.cron_problem(p_cron)
      using errcode = 'VG400',
        hint = 'Give five fields: minute (0-59), hour (0-23), day of month (1-31), month (1-12 or jan-dec), day of '
               'week (0-7 or sun-sat, Sunday is 0 or 7). A field is *, a number, a range such as 8-18, a step such as '
               '*/15 or 8-18/2, or a list such as 0,30. For example: 0,30 8-18 * * mon-fri.';
  end if;
  -- PostgreSQL also accepts other forms of a zone, whose sign is reversed.
  if not exists (select from pg_timezone_names z where z.name = p_time_zone and z.name !~ '^(posix|right)/') then
    raise exception 'There is no time zone %.', quote_literal(left(p_time_zone, 100))
      using errcode = 'VG400', hint = 'Give a name from the IANA list, such as UTC, America/Chicago or Asia/Qatar.';
  end if;
  if p_cron is not null and app_private.cron_next(p_cron, clock_timestamp(), p_time_zone) is null then
    raise exception '% never occurs.', quote_literal(p_cron)
      using errcode = 'VG400', hint = 'Give a day that exists in the month.';
  end if;
  if (quiet_from is null) <> (quiet_to is null) or quiet_from = quiet_to then
    raise exception 'The quiet hours lack a beginning or an end, or both are the same.'
      using errcode = 'VG400', hint = 'Give both, such as 22:00 and 06:00, or neither.';
  end if;

  insert into app_private.pfa_sync_schedule as s (organization_id, every, cron, time_zone, quiet_from, quiet_to,
    full_every, changed_at, changed_by)
  values (p_organization_id, make_interval(mins => p_every_minutes), p_cron, p_time_zone,
    write_sync_schedule.quiet_from, write_sync_schedule.quiet_to,
    make_interval(hours => p_full_every_hours), clock_timestamp(), write_sync_schedule.user_id)
  on conflict on constraint pfa_sync_schedule_pkey do update
  set every = excluded.every, cron = excluded.cron, time_zone = excluded.time_zone, quiet_from = excluded.quiet_from,
    quiet_to = excluded.quiet_to,
    full_every = excluded.full_every, changed_at = excluded.changed_at, changed_by = excluded.changed_by;
  return app_private.sync_schedule_of(p_organization_id);
end;
$$;
comment on function app_private.write_sync_schedule(integer, integer, integer, text, text, time without time zone,
  time without time zone, integer) is
  'Replaces the schedule of an organization, for a user or (null) a command. Null values get their defaults. A pause '
  'stays. Raises VG400 and names the invalid setting.';
--! EndIncluded app_private/functions/write_sync_schedule.sql
--! Included app_private/views/pfa_kpi_summary.sql
create materialized view if not exists app_private.pfa_kpi_summary as
-- Grouped by the distinguishing properties, because a filter on each aggregate would be evaluated for each record.
with part as (
  select m.organization_id, m.source, m.is_discontinued, m.is_actualized, count(*) as record_count,
    sum(m.plan_cost_cents) as plan_cost_cents, sum(m.forecast_cost_cents) as forecast_cost_cents,
    sum(m.actual_cost_cents) as actual_cost_cents,
    min(m.original_start) as original_start, max(m.original_end) as original_end,
    min(m.forecast_start) as forecast_start, max(m.forecast_end) as forecast_end,
    min(m.actual_start) as actual_start, max(m.actual_end) as actual_end
  from app_core.pfa_mirror m
  where m.removed_at is null
  group by 1, 2, 3, 4
)
select
  p.organization_id,
  coalesce(p.source, '') as source,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued), 0)::bigint as record_count,
  coalesce(sum(p.record_count) filter (where not p.is_discontinued and p.is_actualized), 0)::bigint as actualized_count,
  coalesce(sum(p.record_count) filter (where p.is_discontinued), 0)::bigint as discontinued_count,
  coalesce(sum(p.plan_cost_cents) filter (where not p.is_discontinued), 0) as plan_cost_cents,
  coalesce(sum(p.forecast_cost_cents) filter (where not p.is_discontinued), 0) as forecast_cost_cents,
  coalesce(sum(p.actual_cost_cents) filter (where not p.is_discontinued), 0) as actual_cost_cents,
  min(p.original_start) filter (where not p.is_discontinued) as original_start,
  max(p.original_end) filter (where not p.is_discontinued) as original_end,
  min(p.forecast_start) filter (where not p.is_discontinued) as forecast_start,
  max(p.forecast_end) filter (where not p.is_discontinued) as forecast_end,
  min(p.actual_start) filter (where not p.is_discontinued) as actual_start,
  max(p.actual_end) filter (where not p.is_discontinued) as actual_end,
  pg_current_snapshot() as seen_by,
  now() as computed_at
from part p
group by 1, 2;
comment on materialized view app_private.pfa_kpi_summary is
  'Counts, costs and bounds of the mirror by organization and source, without discontinued and removed records.';
comment on column app_private.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_private.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty if unknown.';
comment on column app_private.pfa_kpi_summary.record_count is 'Number of records, without discontinued ones.';
comment on column app_private.pfa_kpi_summary.actualized_count is 'Number of these records that are on site and '
  'billing.';
comment on column app_private.pfa_kpi_summary.discontinued_count is 'Number of discontinued records.';
comment on column app_private.pfa_kpi_summary.plan_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.forecast_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.actual_cost_cents is 'US cents.';
comment on column app_private.pfa_kpi_summary.original_start is 'First day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.original_end is 'Last day of any plan, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_start is
  'First day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.forecast_end is 'Last day of any forecast, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_start is 'First day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.actual_end is
  'Last expected day of any billing, without discontinued records.';
comment on column app_private.pfa_kpi_summary.seen_by is 'Snapshot in which the view was computed.';
comment on column app_private.pfa_kpi_summary.computed_at is 'When.';
create unique index if not exists pfa_kpi_summary_key on app_private.pfa_kpi_summary (organization_id, source);
comment on index app_private.pfa_kpi_summary_key is 'Totals of an organization, and the unique key that a concurrent '
  'refresh needs.';
--! EndIncluded app_private/views/pfa_kpi_summary.sql
--! Included app_private/views/pfa_timeline_bounds.sql
create materialized view if not exists app_private.pfa_timeline_bounds as
with bound as (
  select s.organization_id,
    min(s.original_start) as original_start, max(s.original_end) as original_end,
    min(s.forecast_start) as forecast_start, max(s.forecast_end) as forecast_end,
    min(s.actual_start) as actual_start, max(s.actual_end) as actual_end
  from app_private.pfa_kpi_summary s
  where s.record_count > 0
  group by 1
),
-- Adds once for each organization, and compares once for each record.
outer_days as (
  select b.organization_id,
    b.original_start + n.days as original_start, b.original_end - n.days as original_end,
    b.forecast_start + n.days as forecast_start,
    b.forecast_end - n.days as forecast_end, b.actual_start + n.days as actual_start,
    b.actual_end - n.days as actual_end
  from bound b cross join (select app_private.outer_days() as days) n
  offset 0
),
-- Materialized: a few percent of all records, read six times below.
near as materialized (
  select o.organization_id,
    case when r.original_start <= o.original_start then r.original_start end as original_start,
    case when r.original_end >= o.original_end then r.original_end end as original_end,
    case when r.forecast_start <= o.forecast_start then r.forecast_start end as forecast_start,
    case when r.forecast_end >= o.forecast_end then r.forecast_end end as forecast_end,
    case when r.actual_start <= o.actual_start then r.actual_start end as actual_start,
    case when r.actual_end >= o.actual_end then r.actual_end end as actual_end
  from outer_days o
  join app_core.pfa_mirror r on r.organization_id = o.organization_id and r.removed_at is null and not r.is_discontinued
    and (
    r.original_start <= o.original_start or r.original_end >= o.original_end or r.forecast_start <= o.forecast_start
    or r.forecast_end >= o.forecast_end or r.actual_start <= o.actual_start or r.actual_end >= o.actual_end)
),
outer_day as (
  select n.organization_id, 1 as bound, n.original_start as day, count(*) as record_count
    from near n where n.original_start is not null group by 1, 3
  union all
  select n.organization_id, 2, n.original_end, count(*) from near n where n.original_end is not null group by 1, 3
  union all
  select n.organization_id, 3, n.forecast_start, count(*) from near n where n.forecast_start is not null group by 1, 3
  union all
  select n.organization_id, 4, n.forecast_end, count(*) from near n where n.forecast_end is not null group by 1, 3
  union all
  select n.organization_id, 5, n.actual_start, count(*) from near n where n.actual_start is not null group by 1, 3
  union all
  select n.organization_id, 6, n.actual_end, count(*) from near n where n.actual_end is not null group by 1, 3
),
list as (
  select d.organization_id, array_agg(d.bound order by d.bound, d.day) as bounds,
    array_agg(d.day order by d.bound, d.day) as days,
    array_agg(d.record_count order by d.bound, d.day) as counts
  from outer_day d group by 1
)
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end,
  l.bounds as outer_day_bounds, l.days as outer_days, l.counts as outer_day_counts,
  -- All rows were computed in the same snapshot.
  (select s.seen_by from app_private.pfa_kpi_summary s limit 1) as seen_by,
  now() as computed_at
from bound b
left join list l on l.organization_id = b.organization_id;
comment on materialized view app_private.pfa_timeline_bounds is
  'First and last days of the mirror by organization, without discontinued and removed records.';
comment on column app_private.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_private.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_private.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_private.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_private.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_private.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_private.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_private.pfa_timeline_bounds.outer_day_bounds is
  'Bound of each outer day: 1 to 6, in the order of the columns before.';
comment on column app_private.pfa_timeline_bounds.outer_days is
  'Days within app_private.outer_days() of each bound. The next ones count if all records of the outermost day are '
  'overlaid.';
comment on column app_private.pfa_timeline_bounds.outer_day_counts is 'Number of records of each outer day.';
comment on column app_private.pfa_timeline_bounds.seen_by is
  'Snapshot in which the bounds were computed. The outer days may be slightly newer; changes in between are among the '
  'differences.';
comment on column app_private.pfa_timeline_bounds.computed_at is 'When.';
create unique index if not exists pfa_timeline_bounds_key on app_private.pfa_timeline_bounds (organization_id);
comment on index app_private.pfa_timeline_bounds_key is 'Bounds of an organization, and the unique key that a '
  'concurrent refresh needs.';
--! EndIncluded app_private/views/pfa_timeline_bounds.sql
--! Included app_private/views/pfa_user_storage.sql
create or replace view app_private.pfa_user_storage with (security_invoker = true) as
select o.code as organization, u.username,
  coalesce(d.drafts, 0) as drafts, coalesce(d.draft_bytes, 0) as draft_bytes,
  coalesce(p.operations, 0) as operations, coalesce(p.operation_bytes, 0) as operation_bytes,
  coalesce(h.history_rows, 0) as history_rows, coalesce(h.history_bytes, 0) as history_bytes,
  case when g.day = (clock_timestamp() at time zone 'UTC')::date then g.changed_records else 0 end as changed_today
from app_public.organizations o
cross join app_public.users u
left join lateral (
  select count(*) as drafts, sum(pg_column_size(m.*)) as draft_bytes from app_core.pfa_modification m
  where m.organization_id = o.id and m.user_id = u.id and m.state = 'draft'
) d on true
left join lateral (
  select count(*) as operations, sum(pg_column_size(r.*)) as operation_bytes from app_core.pfa_draft_operation r
  where r.organization_id = o.id and r.user_id = u.id
) p on true
left join lateral (
  select count(*) as history_rows, sum(pg_column_size(c.*)) as history_bytes from app_core.pfa_change c
  where c.organization_id = o.id and c.user_id = u.id and c.route in ('draft', 'resolve')
) h on true
left join app_private.pfa_draft_usage g on g.organization_id = o.id and g.user_id = u.id
where coalesce(d.drafts, 0) + coalesce(p.operations, 0) + coalesce(h.history_rows, 0) > 0;
comment on view app_private.pfa_user_storage is
  'Storage of each user that no other user sees: drafts, operations that can be undone, private history.';
comment on column app_private.pfa_user_storage.organization is 'Code of the organization.';
comment on column app_private.pfa_user_storage.username is 'Name of the user.';
comment on column app_private.pfa_user_storage.drafts is 'Number of records with a draft.';
comment on column app_private.pfa_user_storage.draft_bytes is 'Size of the drafts in bytes, without indexes and '
  'merged rows.';
comment on column app_private.pfa_user_storage.operations is 'Number of operations that can be undone or redone.';
comment on column app_private.pfa_user_storage.operation_bytes is 'Size of these operations in bytes.';
comment on column app_private.pfa_user_storage.history_rows is 'Number of changes of drafts in the history of single '
  'records.';
comment on column app_private.pfa_user_storage.history_bytes is 'Size of these changes in bytes, without indexes.';
comment on column app_private.pfa_user_storage.changed_today is
  'Number of records changed by operations today, with undone and redone ones; see use_draft_quota.';
--! EndIncluded app_private/views/pfa_user_storage.sql
--! Included app_public/functions/accept_removals.sql
create or replace function app_public.accept_removals(organization_id integer, run_id bigint)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_removals.organization_id);
  return app_private.accept_spared_removals(accept_removals.organization_id, accept_removals.run_id,
    app_core.current_user_id());
end;
$$;
comment on function app_public.accept_removals(integer, bigint) is
  E'@resultFieldName syncLog\nRemoves records that a run found gone in PEMS and kept because there were suspiciously '
  'many; `sparedRemovals` of the run lists them. Records that PEMS has returned since then stay. Requires an owner '
  'or admin of the organization.';
grant execute on function app_public.accept_removals(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_removals.sql
--! Included app_public/functions/accept_run.sql
create or replace function app_public.accept_run(organization_id integer, run_id bigint)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_run.organization_id);
  return app_private.accept_withheld_run(accept_run.organization_id, accept_run.run_id, app_core.current_user_id());
end;
$$;
comment on function app_public.accept_run(integer, bigint) is
  E'@resultFieldName syncLog\nAccepts the data of a withheld run; its `reasons` and `preview` show what is unusual. '
  'Queues a full run that merges the data, unless it has other reasons to be withheld. Requires an owner or admin '
  'of the organization.';
grant execute on function app_public.accept_run(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_run.sql
--! Included app_public/functions/apply_bulk.sql
create or replace function app_public.apply_bulk(
  organization_id integer, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation,
  preview_token text default null, skip_refused boolean default false
) returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := apply_bulk.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  refused jsonb;
  refused_count integer;
  unchanged_count integer;
  result app_public.pfa_draft_result;
begin
  perform app_private.require_writable(p_organization_id);
  perform app_private.require_bulk_operation(operation);
  perform app_private.lock_operations(p_organization_id, me);
  ids := app_private.bulk_records(p_organization_id, selection);
  perform app_private.lock_records(p_organization_id, ids);
  -- Records that left the selection while the locks were acquired are skipped. Records that joined it are not locked.
  ids := array(select unnest(ids) intersect select unnest(app_private.bulk_records(p_organization_id, selection))
    order by 1);
  if preview_token <> app_private.bulk_token(p_organization_id, me, ids, operation) then
    raise exception 'A selected record has changed since the preview.'
      using errcode = 'VG409', hint = 'Load the preview again, then apply it with the new token.';
  end if;

  with item as materialized (
    select b.* from app_private.bulk_items(p_organization_id, me, ids, operation) b
  )
  select
    (select jsonb_agg(jsonb_build_object('recordId', i.pfa_id, 'changes', i.changes)) from item i
      where i.verdict = 'changed'),
    (
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('recordId', f.pfa_id, 'key', f.key, 'problem', f.problem))
        order by f.pfa_id)
      from (select i.pfa_id, i.key, i.problem from item i where i.verdict = 'refused' order by i.pfa_id limit 1000) f
    ),
    (select count(*) from item i where i.verdict = 'refused'),
    (select count(*) from item i where i.verdict = 'unchanged')
    into items, refused, refused_count, unchanged_count;
  if refused is not null and not coalesce(skip_refused, false) then
    raise exception '% of % records cannot be changed: record % %.', refused_count, cardinality(ids),
      refused->0->>'recordId', refused->0->>'problem'
      using errcode = 'VG422', detail = refused::text,
        hint = 'Nothing was saved. Remove these records from the selection, or set skipRefused.';
  end if;

  result := app_private.change_drafts(p_organization_id, me, coalesce(items, '[]'), case
    when (operation).shift_days is not null then 'shift'
    when (operation).duration_days is not null then 'duration'
    when (operation).reset_to_plan then 'reset'
    else 'set'
  end);
  result.unchanged_count := result.unchanged_count + unchanged_count;
  result.refused := coalesce(refused, '[]');
  return result;
end;
$$;
comment on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text,
  boolean) is
  E'@resultFieldName result\nApplies a bulk operation to the selected records as drafts: to all or none, in one step '
  'that you can undo. `skipRefused` leaves out and lists the records that cannot be changed. With a `previewToken`, '
  'the operation is refused if a selected record has changed since the preview.';
grant execute on function app_public.apply_bulk(integer, app_public.pfa_selection, app_public.pfa_bulk_operation, text,
  boolean) to vanguard_visitor;
--! EndIncluded app_public/functions/apply_bulk.sql
--! Included app_public/functions/check_drift.sql
create or replace function app_public.check_drift(organization_id integer, sample integer default null)
  returns app_public.pfa_drift_check
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(check_drift.organization_id);
  return app_private.queue_drift_check(check_drift.organization_id, check_drift.sample, app_core.current_user_id());
end;
$$;
comment on function app_public.check_drift(integer, integer) is
  E'@resultFieldName driftCheck\nStarts a comparison of the mirror with PEMS, of a random `sample` of 1 to 10000 '
  'records or of all, and returns it. Its counts and differences follow. It changes no record. Requires an owner or '
  'admin of the organization.';
grant execute on function app_public.check_drift(integer, integer) to vanguard_visitor;
--! EndIncluded app_public/functions/check_drift.sql
--! Included app_public/functions/commit_drafts.sql
create or replace function app_public.commit_drafts(organization_id integer,
  selection app_public.pfa_selection default null, comment text default null)
  returns app_public.pfa_commit_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := commit_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  named text[];
  ids text[];
begin
  perform app_private.require_writable(p_organization_id);
  if length(comment) > 2000 then
    raise exception 'The comment has % characters, and at most 2,000 are allowed.', length(comment)
      using errcode = 'VG400', hint = 'Write a shorter comment.';
  end if;
  -- `is not null` would be false for a composite with any null field.
  if selection is distinct from null then
    named := app_private.selected_ids(p_organization_id, selection);
  end if;
  select array_agg(d.pfa_id order by d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (named is null or d.pfa_id in (select unnest(named)));
  if named is not null then
    -- Records that left the selection while the locks were acquired are skipped.
    perform app_private.lock_records(p_organization_id, ids);
    ids := array(select unnest(ids) intersect select unnest(app_private.selected_ids(p_organization_id, selection))
      order by 1);
  end if;
  -- Records that were listed by id but have no draft are reported.
  if (selection).record_ids is not null then
    ids := array(
      select unnest(ids)
      union
      select n.id from unnest((selection).record_ids) n (id)
      where not exists (
        select from app_core.pfa_modification d
        where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = n.id)
      order by 1);
  end if;
  return app_private.commit_records(p_organization_id, coalesce(ids, '{}'), comment);
end;
$$;
comment on function app_public.commit_drafts(integer, app_public.pfa_selection, text) is
  E'@resultFieldName result\nCommits all of your drafts, or those of the selected records. Keys with a problem stay '
  'in your draft and are listed with the reason. All users see committed values at once. They are written to PEMS '
  'in the order of the commits.';
grant execute on function app_public.commit_drafts(integer, app_public.pfa_selection, text) to vanguard_visitor;
--! EndIncluded app_public/functions/commit_drafts.sql
--! Included app_public/functions/discard_drafts.sql
create or replace function app_public.discard_drafts(organization_id integer, record_ids text[] default null,
  keys text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := discard_drafts.organization_id;
  p_record_ids constant text[] := discard_drafts.record_ids;
  p_keys constant text[] := discard_drafts.keys;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  result app_public.pfa_draft_result;
begin
  perform app_private.require_writable(p_organization_id);
  perform app_private.lock_operations(p_organization_id, me);
  select array_agg(d.pfa_id) into ids
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (p_record_ids is null or d.pfa_id in (select unnest(p_record_ids))) and (p_keys is null or d.delta ?| p_keys);
  perform app_private.lock_records(p_organization_id, ids);
  select jsonb_agg(jsonb_build_object('recordId', d.pfa_id, 'dropped',
      (select jsonb_agg(k) from jsonb_object_keys(d.delta) k where p_keys is null or k = any (p_keys))))
    into items
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and d.pfa_id = any (ids) and (p_keys is null or d.delta ?| p_keys);
  result := app_private.change_drafts(p_organization_id, me, coalesce(items, '[]'), 'discard');
  return result.changed_count;
end;
$$;
comment on function app_public.discard_drafts(integer, text[], text[]) is
  E'@resultFieldName discarded\nDiscards your drafts of these records, or of all records without a list; all keys, '
  'or only the given ones. Returns the number of records.';
grant execute on function app_public.discard_drafts(integer, text[], text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/discard_drafts.sql
--! Included app_public/functions/discard_drafts_of.sql
create or replace function app_public.discard_drafts_of(organization_id integer, user_id integer,
  record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(discard_drafts_of.organization_id, discard_drafts_of.user_id,
    discard_drafts_of.record_ids, false);
end;
$$;
comment on function app_public.discard_drafts_of(integer, integer, text[]) is
  E'@resultFieldName discarded\nDiscards drafts of another user, of these records or all of them, and returns how '
  'many. Refused while the user is active and may commit them: see `isAway` of draftAuthors. The user gets a '
  'notice. Requires an owner or admin of the organization.';
grant execute on function app_public.discard_drafts_of(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/discard_drafts_of.sql
--! Included app_public/functions/dismiss_takeovers.sql
create or replace function app_public.dismiss_takeovers(organization_id integer) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  dismissed integer;
begin
  perform app_private.require_readable(dismiss_takeovers.organization_id);
  update app_public.pfa_takeover t set seen_at = clock_timestamp()
  where t.organization_id = dismiss_takeovers.organization_id and t.user_id = app_core.current_user_id()
    and t.seen_at is null;
  get diagnostics dismissed = row_count;
  return dismissed;
end;
$$;
comment on function app_public.dismiss_takeovers(integer) is
  E'@resultFieldName dismissed\nMarks the notices about your drafts that others took over or discarded as seen, and '
  'returns how many there were.';
grant execute on function app_public.dismiss_takeovers(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/dismiss_takeovers.sql
--! Included app_public/functions/organizations_bounds.sql
create or replace function app_public.organizations_bounds(organization app_public.organizations)
  returns app_public.pfa_bounds
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  near constant integer := app_private.outer_days();
  summary app_private.pfa_timeline_bounds;
  result app_public.pfa_bounds;
begin
  -- The argument is null for a row without an organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- An outer day counts if at least one of its records is not overlaid. Overlaid records contribute their own days. If
  -- all records of a bound's outer days are overlaid, or the mirror has changed since, the bounds need a scan of all
  -- records.
  select b.* into summary
  from app_private.pfa_timeline_bounds b
  where b.organization_id = organization.id
    and not exists (
      select from app_private.pfa_kpi_change c
      where c.organization_id = organization.id and not pg_visible_in_snapshot(c.transaction_id, b.seen_by));
  if found then
    -- One pass over the overlay finds its own first and last days, and the days of the mirror that it may hide.
    with overlaid as (
      select o.is_discontinued,
        min(o.original_start) as original_start, max(o.original_end) as original_end,
        min(o.forecast_start) as forecast_start,
        max(o.forecast_end) as forecast_end, min(o.actual_start) as actual_start, max(o.actual_end) as actual_end,
        array_agg(array[o.mirror_original_start, o.mirror_original_end, o.mirror_forecast_start, o.mirror_forecast_end,
          o.mirror_actual_start, o.mirror_actual_end])
          filter (where not o.mirror_is_discontinued and (
            o.mirror_original_start <= l.original_start or o.mirror_original_end >= l.original_end
              or o.mirror_forecast_start <= l.forecast_start
            or o.mirror_forecast_end >= l.forecast_end or o.mirror_actual_start <= l.actual_start
              or o.mirror_actual_end >= l.actual_end)) as hidden
      from app_private.overlaid(organization.id, me) o
      cross join (
        select summary.original_start + near as original_start, summary.original_end - near as original_end,
          summary.forecast_start + near as forecast_start,
          summary.forecast_end - near as forecast_end, summary.actual_start + near as actual_start,
          summary.actual_end - near as actual_end
        -- Keeps the additions from being repeated for each record.
        offset 0
      ) l
      where o.removed_at is null
      group by 1
    ),
    hidden as (
      select (d.n - 1) % 6 + 1 as bound, d.day, count(*) as record_count
      from overlaid o cross join unnest(o.hidden) with ordinality d (day, n)
      group by 1, 2
    ),
    outermost as (
      select d.bound, bool_or(d.record_count > coalesce(h.record_count, 0)) as is_known,
        min(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as first_day,
        max(d.day) filter (where d.record_count > coalesce(h.record_count, 0)) as last_day
      from unnest(summary.outer_day_bounds, summary.outer_days, summary.outer_day_counts) d (bound, day, record_count)
      left join hidden h on h.bound = d.bound and h.day = d.day
      group by 1
    )
    select
      least(o.original_start, u.original_start), greatest(o.original_end, u.original_end),
      least(o.forecast_start, u.forecast_start), greatest(o.forecast_end, u.forecast_end),
      least(o.actual_start, u.actual_start), greatest(o.actual_end, u.actual_end)
      into result
    from (
      select min(original_start) as original_start, max(original_end) as original_end,
        min(forecast_start) as forecast_start,
        max(forecast_end) as forecast_end, min(actual_start) as actual_start, max(actual_end) as actual_end
      from overlaid where not is_discontinued
    ) o
    cross join (
      select coalesce(bool_and(is_known), true) as are_known,
        min(first_day) filter (where bound = 1) as original_start,
        max(last_day) filter (where bound = 2) as original_end,
        min(first_day) filter (where bound = 3) as forecast_start,
        max(last_day) filter (where bound = 4) as forecast_end,
        min(first_day) filter (where bound = 5) as actual_start, max(last_day) filter (where bound = 6) as actual_end
      from outermost
    ) u
    where u.are_known;
  end if;
  if not found then
    select min(r.original_start), max(r.original_end), min(r.forecast_start), max(r.forecast_end), min(r.actual_start),
      max(r.actual_end)
      into result
    from (
      select m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
      from app_core.pfa_mirror m
      where m.organization_id = organization.id and m.removed_at is null and not m.is_discontinued
        and not exists (
          select from app_core.pfa_overlay o
          where o.organization_id = organization.id and o.viewer_id in (0, me) and o.pfa_id = m.pfa_id)
      union all
      select o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end
      from app_private.overlaid(organization.id, me) o
      where o.removed_at is null and not o.is_discontinued
    ) r;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_bounds(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact first and last days of the records that you see, with pending changes and '
  'your drafts.';
grant execute on function app_public.organizations_bounds(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_bounds.sql
--! Included app_public/functions/organizations_bulk_preview.sql
create or replace function app_public.organizations_bulk_preview(
  organization app_public.organizations, selection app_public.pfa_selection, operation app_public.pfa_bulk_operation
) returns app_public.pfa_bulk_preview
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  ids text[];
  result app_public.pfa_bulk_preview;
begin
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  perform app_private.require_bulk_operation(operation);
  ids := app_private.bulk_records(organization.id, selection);
  with item as materialized (
    select b.* from app_private.bulk_items(organization.id, me, ids, operation) b
  ),
  cost as (
    select v.is_after,
      sum(app_core.plan_cost_cents(v.data)) as plan,
      sum(app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'forecastStart'),
        app_core.iso_date(v.data->>'forecastEnd'),
        (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric)) as forecast,
      sum(case when v.data->>'actualStart' is null or v.data->>'actualEnd' is null then 0 else
        app_core.cost_cents(v.data->>'source', app_core.iso_date(v.data->>'actualStart'),
          app_core.iso_date(v.data->>'actualEnd'),
          (v.data->>'monthlyRate')::numeric, (v.data->>'purchasePrice')::numeric) end) as actual
    from (
      select false as is_after, i.data from item i where i.data is not null
      union all
      select true, case i.verdict when 'changed' then i.data || i.changes else i.data end from item i
        where i.data is not null
    ) v
    where (v.data->>'isDiscontinued') is distinct from 'true'
    group by v.is_after
  ),
  reason as (
    select r.problem, r.count, r.ids from (
      select i.problem, count(*) as count, (array_agg(i.pfa_id order by i.pfa_id))[:20] as ids from item i
        where i.verdict = 'refused' group by i.problem
    ) r
  )
  select
    (select count(*) from item), (select count(*) from item i where i.verdict = 'changed'),
    (select count(*) from item i where i.verdict = 'unchanged'),
    (select count(*) from item i where i.verdict = 'refused'),
    (select coalesce(jsonb_agg(jsonb_build_object('problem', r.problem, 'count', r.count, 'recordIds', r.ids)
      order by r.count desc, r.problem), '[]') from reason r),
    app_core.usd(coalesce((select c.plan from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.plan from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.forecast from cost c where c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where not c.is_after), 0)),
    app_core.usd(coalesce((select c.actual from cost c where c.is_after), 0)),
    app_private.bulk_token(organization.id, me, ids, operation),
    (
      select coalesce(jsonb_agg(jsonb_build_object('key', k.key, 'count', k.count) order by k.key), '[]')
      from (
        select c.key, count(*) as count from item i cross join lateral jsonb_each(i.changes) c
          where i.verdict = 'changed' and app_core.normalized(c.value) <> app_core.normalized(i.data->c.key)
          group by c.key
      ) k
    )
  into result;
  return result;
end;
$$;
comment on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) is
  'Shows how a bulk operation would change the selected records and their cost. It changes nothing.';
grant execute on function app_public.organizations_bulk_preview(app_public.organizations, app_public.pfa_selection,
  app_public.pfa_bulk_operation) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_bulk_preview.sql
--! Included app_public/functions/organizations_changes.sql
create or replace function app_public.organizations_changes(
  organization app_public.organizations, record_id text default null, key text default null,
  since timestamptz default null
) returns setof app_public.pfa_change
  language sql stable
begin atomic
  select c.*
  from app_public.pfa_change c
  where c.organization_id = organization.id
    and (organizations_changes.record_id is null or c.pfa_id = organizations_changes.record_id)
    and (organizations_changes.key is null or c.changes ? organizations_changes.key)
    and (organizations_changes.since is null or c.changed_at >= organizations_changes.since)
  -- For one record, its own index also returns the newest changes first. The other index would read the changes of all
  -- other records.
  order by case when organizations_changes.record_id is null then c.changed_at end desc, c.id desc;
end;
comment on function app_public.organizations_changes(app_public.organizations, text, text, timestamp with time zone) is
  'History of records, newest first. Filter it by record, by key or by start time. Changes are kept for 400 days, '
  'unless the installation sets another limit.';
grant execute on function app_public.organizations_changes(app_public.organizations, text, text, timestamp
  with time zone) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_changes.sql
--! Included app_public/functions/organizations_draft_authors.sql
create or replace function app_public.organizations_draft_authors(organization app_public.organizations)
  returns setof app_public.pfa_draft_author
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 20
begin atomic
  select d.user_id, u.username,
    m.may_draft, d.record_count, d.problem_count, d.updated_at, m.active_at,
    not m.may_draft or m.active_at <= clock_timestamp() - make_interval(days => l.absent_days)
  from (
    select d.user_id, count(*)::integer as record_count,
      (count(*) filter (where d.problems <> '{}'))::integer as problem_count, max(d.updated_at) as updated_at
    from app_core.pfa_modification d
    where d.organization_id = organization.id and d.state = 'draft'
      and organization.id = any (app_core.administered_organization_ids())
    group by d.user_id
  ) d
  join app_public.users u on u.id = d.user_id
  cross join lateral (
    select app_private.may_draft(organization.id, d.user_id) as may_draft,
      app_private.last_active_at(organization.id, d.user_id) as active_at
  ) m
  cross join app_private.limits_of(organization.id) l
  order by u.username;
end;
comment on function app_public.organizations_draft_authors(app_public.organizations) is
  E'@behavior -filter -order\nUsers who have drafts in the organization. Its owners and admins see them, and can '
  'take over or discard drafts of former members.';
grant execute on function app_public.organizations_draft_authors(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_draft_authors.sql
--! Included app_public/functions/organizations_found_records.sql
create or replace function app_public.organizations_found_records(organization app_public.organizations,
  search text default null, containing jsonb default null)
  returns setof app_public.pfa_record
  language sql stable
begin atomic
  select r.*
  -- One array of all ids forces the planner to look the records up.
  from (select array_agg(f.pfa_id) as ids from app_core.find_records(organization.id, search,
    containing) f (pfa_id)) found
  join app_public.pfa_record r on r.organization_id = organization.id and r.pfa_id = any (found.ids);
end;
comment on function app_public.organizations_found_records(app_public.organizations, text, jsonb) is
  E'@behavior +filterProc +order\nRecords as you see them that contain every word of `search` in their id, category, '
  'class, area, manufacturer, model, contract or asset tag, in any case, and whose data contain the object '
  '`containing`, such as `{"model": "LTM 1100"}`. Returns all records without either.';
grant execute on function app_public.organizations_found_records(app_public.organizations, text,
  jsonb) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_found_records.sql
--! Included app_public/functions/organizations_kpis.sql
create or replace function app_public.organizations_kpis(organization app_public.organizations)
  returns app_public.pfa_kpis
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  me constant integer := app_core.current_user_id();
  result app_public.pfa_kpis;
begin
  -- The argument is null for a row without an organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- One pass groups the overlay by the properties that distinguish the totals. A filter on each of twelve sums would be
  -- evaluated for each record.
  with overlaid as (
    select o.source, o.is_discontinued, o.is_actualized, o.mirror_source, o.mirror_is_discontinued,
      o.mirror_is_actualized, count(*) as record_count,
      sum(o.plan_cost_cents) as plan, sum(o.forecast_cost_cents) as forecast, sum(o.actual_cost_cents) as actual,
      sum(o.mirror_plan_cost_cents) as mirror_plan, sum(o.mirror_forecast_cost_cents) as mirror_forecast,
      sum(o.mirror_actual_cost_cents) as mirror_actual
    from app_private.overlaid(organization.id, me) o
    where o.removed_at is null
    group by 1, 2, 3, 4, 5, 6
  ),
  part as (
    select s.source, s.record_count, s.actualized_count, s.discontinued_count, s.plan_cost_cents, s.forecast_cost_cents,
      s.actual_cost_cents
    from app_private.pfa_kpi_summary s
    where s.organization_id = organization.id
    union all
    select c.source, c.record_count, c.actualized_count, c.discontinued_count, c.plan_cost_cents, c.forecast_cost_cents,
      c.actual_cost_cents
    from app_private.pfa_kpi_change c
    where c.organization_id = organization.id
      and pg_visible_in_snapshot(c.transaction_id, (select s.seen_by from app_private.pfa_kpi_summary s
        limit 1)) is not true
    union all
    select d.source,
      case when d.is_discontinued then 0 else d.record_count end, case when d.is_discontinued
        or not d.is_actualized then 0 else d.record_count end,
      case when d.is_discontinued then d.record_count else 0 end, case when d.is_discontinued then 0 else d.plan end,
      case when d.is_discontinued then 0 else d.forecast end, case when d.is_discontinued then 0 else d.actual end
    from overlaid o
    cross join lateral (values
      (o.source, o.is_discontinued, o.is_actualized, o.record_count, o.plan, o.forecast, o.actual),
      (o.mirror_source, o.mirror_is_discontinued, o.mirror_is_actualized, -o.record_count, -o.mirror_plan,
        -o.mirror_forecast, -o.mirror_actual)
    ) d (source, is_discontinued, is_actualized, record_count, plan, forecast, actual)
  ),
  total as (
    select
      coalesce(sum(record_count), 0) as record_count,
      coalesce(sum(actualized_count), 0) as actualized_count,
      coalesce(sum(discontinued_count), 0) as discontinued_count,
      coalesce(sum(plan_cost_cents), 0) as plan,
      coalesce(sum(forecast_cost_cents), 0) as forecast,
      coalesce(sum(actual_cost_cents), 0) as actual,
      coalesce(sum(record_count) filter (where source = 'Rental'), 0) as rental_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Rental'), 0) as rental_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Rental'), 0) as rental_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Rental'), 0) as rental_actual,
      coalesce(sum(record_count) filter (where source = 'Purchase'), 0) as purchase_count,
      coalesce(sum(plan_cost_cents) filter (where source = 'Purchase'), 0) as purchase_plan,
      coalesce(sum(forecast_cost_cents) filter (where source = 'Purchase'), 0) as purchase_forecast,
      coalesce(sum(actual_cost_cents) filter (where source = 'Purchase'), 0) as purchase_actual
    from part
  )
  select t.record_count, t.actualized_count, t.discontinued_count,
    app_core.usd(t.plan), app_core.usd(t.forecast), app_core.usd(t.actual), app_core.usd(t.forecast - t.plan),
    t.rental_count, app_core.usd(t.rental_plan), app_core.usd(t.rental_forecast), app_core.usd(t.rental_actual),
    t.purchase_count, app_core.usd(t.purchase_plan), app_core.usd(t.purchase_forecast), app_core.usd(t.purchase_actual)
  into result from total t;
  return result;
end;
$$;
comment on function app_public.organizations_kpis(app_public.organizations) is
  E'@behavior -filterBy -orderBy\nExact counts and costs of the records that you see, with pending changes and your '
  'drafts.';
grant execute on function app_public.organizations_kpis(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_kpis.sql
--! Included app_public/functions/organizations_limits.sql
create or replace function app_public.organizations_limits(organization app_public.organizations)
  returns app_public.organization_limits
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select l.*
  from app_private.limits_of(organization.id) l
  where organization.id = any (app_core.current_organization_ids());
end;
comment on function app_public.organizations_limits(app_public.organizations) is
  'Limits above which a sync is suspicious and is withheld, and days of inactivity after which a member counts as '
  'away.';
grant execute on function app_public.organizations_limits(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_limits.sql
--! Included app_public/functions/organizations_my_draft_totals.sql
create or replace function app_public.organizations_my_draft_totals(organization app_public.organizations,
  selection app_public.pfa_selection default null)
  returns app_public.pfa_draft_totals
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  named text[];
  totals app_public.pfa_draft_totals;
begin
  -- The argument is null for a row without an organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  -- `is not null` would be false for a composite with any null field.
  if selection is distinct from null then
    named := app_private.selected_ids(organization.id, selection);
  end if;
  select count(*), coalesce(sum((select count(*) from jsonb_object_keys(d.delta))), 0),
    count(*) filter (where d.problems <> '{}'),
    coalesce(sum(d.forecast_cost_change), 0.00), coalesce(sum(d.plan_cost_change), 0.00),
    coalesce(sum(d.actual_cost_change), 0.00)
  into totals
  from app_public.pfa_draft d
  where d.organization_id = organization.id and (named is null or d.pfa_id in (select unnest(named)));
  return totals;
end;
$$;
comment on function app_public.organizations_my_draft_totals(app_public.organizations, app_public.pfa_selection) is
  'Number of your drafts, of all records or of a selection, and what they add to plan, forecast and actual cost.';
grant execute on function app_public.organizations_my_draft_totals(app_public.organizations,
  app_public.pfa_selection) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_my_draft_totals.sql
--! Included app_public/functions/organizations_my_role.sql
create or replace function app_public.organizations_my_role(organization app_public.organizations) returns text
  language sql stable
  return case
    when app_core.is_administrator() then 'administrator'
    else (
      select case when u.role = 'viewer' then 'viewer' else m.role end
      from app_public.user_organizations m
      join app_public.users u on u.id = m.user_id
      where m.organization_id = organization.id and m.user_id = app_core.current_user_id()
    )
  end;
comment on function app_public.organizations_my_role(app_public.organizations) is
  'Role of the signed-in user in this organization: `administrator` (of everything), `owner`, `admin`, `member` or '
  '`viewer`.';
grant execute on function app_public.organizations_my_role(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_my_role.sql
--! Included app_public/functions/organizations_push_status.sql
create or replace function app_public.organizations_push_status(organization app_public.organizations)
  returns app_public.pfa_push_status
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- The argument is null for a row without an organization.
  if organization.id is null then
    return null;
  end if;
  perform app_private.require_readable(organization.id);
  return app_private.push_status(organization.id, organization.id = any (app_core.administered_organization_ids()));
end;
$$;
comment on function app_public.organizations_push_status(app_public.organizations) is
  'Progress of writing changes to PEMS.';
grant execute on function app_public.organizations_push_status(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_push_status.sql
--! Included app_public/functions/organizations_records_changed_since.sql
create or replace function app_public.organizations_records_changed_since(
  organization app_public.organizations, revision bigint, first integer default 1000, after text default null
) returns app_public.pfa_catch_up
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  p_organization_id constant integer := organization.id;
  p_since constant bigint := organizations_records_changed_since.revision;
  p_first constant integer := coalesce(organizations_records_changed_since.first, 1000);
  seen pg_snapshot;
  oldest xid8;
  teller xid8;
  is_whole boolean;
  is_known boolean;
  result app_public.pfa_catch_up;
begin
  if p_first not between 1 and 1000 then
    raise exception 'The page size is not from 1 to 1,000.'
      using errcode = 'VG400', hint = 'Give `first` from 1 to 1,000, and continue with `after`.';
  end if;
  result.revision := app_public.organizations_revision(organization);
  result.records := '{}';

  -- The last event up to this revision says which transactions a client with this revision has certainly seen.
  -- Comparing revisions is not enough: a transaction with smaller revisions may have ended later. The next event cannot
  -- be used: a transaction that it includes may have ended after the client received the revision.
  select e.snapshot, e.xid, e.id = p_since into seen, teller, is_whole
  from app_core.pfa_event e
  where e.organization_id = p_organization_id and e.id <= p_since
  order by e.organization_id desc, e.id desc limit 1;
  -- Without such an event, no transaction counts as seen.
  seen := coalesce(seen, '1:1:');
  oldest := pg_snapshot_xmin(seen);
  is_known := coalesce(p_since between 0 and result.revision, false)
    -- Events that came with a copy from another cluster have unrelated transaction ids.
    and oldest <= pg_snapshot_xmax(pg_current_snapshot())
    and not exists (
      select from app_core.pfa_event_forgotten f
      where f.organization_id = p_organization_id and (f.revision >= p_since or f.xid >= oldest));
  if is_known then
    select coalesce(bool_and(e.record_ids is not null)
      and sum(cardinality(e.record_ids)) <= 2 * app_core.most_named(), true) into is_known
    from app_core.pfa_event e
    where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
      -- A snapshot does not cover its own transaction: that one counts as seen only if the client has this very event.
      and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end;
  end if;
  result.is_complete := is_known;
  if is_known then
    select coalesce(array_agg(row (c.record_id, c.revision)::app_public.pfa_changed_record
      order by c.record_id) filter (where c.place <= p_first), '{}'),
      max(c.record_id) filter (where c.place = p_first and c.is_followed)
      into result.records, result.next_after
    from (
      select r.record_id, max(r.revision) as revision,
        row_number() over (order by r.record_id) as place, lead(true) over (order by r.record_id) as is_followed
      from app_core.pfa_event e
      cross join lateral unnest(e.record_ids, e.revisions) r (record_id, revision)
      where e.organization_id = p_organization_id and e.kind = 'records' and e.xid >= oldest
        and case when e.xid = teller then not is_whole else not pg_visible_in_snapshot(e.xid, seen) end
        and (organizations_records_changed_since.after is null
          or r.record_id > organizations_records_changed_since.after)
      group by r.record_id
      order by r.record_id limit p_first + 1
    ) c;
  end if;
  return result;
end;
$$;
comment on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer, text) is
  E'@notNull\nRecords that changed for you since a revision, also by transactions that were in progress at that '
  'time. Give the revision of the organization from before you loaded the records, of an event, of the last '
  'response, or of a record. Changes are known for seven days; without a revision nothing is known.';
grant execute on function app_public.organizations_records_changed_since(app_public.organizations, bigint, integer,
  text) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_records_changed_since.sql
--! Included app_public/functions/organizations_revision.sql
create or replace function app_public.organizations_revision(organization app_public.organizations) returns bigint
  language sql stable
  return coalesce((
    select e.id from app_core.pfa_event e where e.organization_id = organization.id
      order by e.organization_id desc, e.id desc limit 1), 0);
comment on function app_public.organizations_revision(app_public.organizations) is
  E'@notNull\nRevision from which `recordsChangedSince` continues. Read it before you load records.';
grant execute on function app_public.organizations_revision(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_revision.sql
--! Included app_public/functions/organizations_sums.sql
create or replace function app_public.organizations_sums(
  organization app_public.organizations,
  group_by app_public.pfa_dimension default null,
  selection app_public.pfa_selection default null,
  layer app_public.pfa_layer default 'merged'
) returns setof app_public.pfa_sum
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  rows 100
as $$
declare
  me constant integer := app_core.current_user_id();
  asked record;
  records text;
begin
  -- The argument is null for a row without an organization.
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  asked := app_private.selection_condition(organization.id,
    case when selection is null then row(null, null, null, null, true)::app_public.pfa_selection else selection end,
    layer = 'mirror');
  records := app_private.seen_records(layer = 'mirror') || ' where r.removed_at is null and not r.is_discontinued and '
    || asked.condition;
  return query execute case group_by when 'month' then app_private.sums_by_month(records) else
    app_private.sums_by_group(records, group_by) end
    using organization.id, selection.filter::jsonb, selection.record_ids, asked.found_ids, me;
end;
$$;
comment on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension,
  app_public.pfa_selection, app_public.pfa_layer) is
  'Plan, forecast and actual cost, variance, count and duration of the selected records, or of all without a '
  'selection. Returns one total, or one for each group. Discontinued and removed records are left out. By month, a '
  'rental is spread over its days, and a purchase falls into the month of its start date. Only months with a cost are '
  'returned, at most 600. The groups `before 2001-04` and `after 2051-03` hold the cost outside of these months. The '
  'layer `mirror` contains no pending changes and no drafts.';
grant execute on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension,
  app_public.pfa_selection, app_public.pfa_layer) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_sums.sql
--! Included app_public/functions/organizations_sync_schedule.sql
create or replace function app_public.organizations_sync_schedule(organization app_public.organizations)
  returns app_public.sync_schedule
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select s.*
  from app_private.sync_schedule_of(organization.id) s
  where organization.id = any (app_core.current_organization_ids());
end;
comment on function app_public.organizations_sync_schedule(app_public.organizations) is
  'Sync schedule of the organization, and the time of the next run.';
grant execute on function app_public.organizations_sync_schedule(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_sync_schedule.sql
--! Included app_public/functions/pause_connection.sql
create or replace function app_public.pause_connection(api_configuration_id text) returns app_public.api_configurations
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.pause_connection_checked(pause_connection.api_configuration_id, true);
end;
$$;
comment on function app_public.pause_connection(text) is
  E'@resultFieldName connection\nPauses writing over a connection, for every organization that uses it. Requires a '
  'user who may manage the connection.';
grant execute on function app_public.pause_connection(text) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_connection.sql
--! Included app_public/functions/pause_push.sql
create or replace function app_public.pause_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_push.organization_id);
  perform app_private.set_push_pause(pause_push.organization_id, true);
  return (select app_public.organizations_push_status(o) from app_public.organizations o
    where o.id = pause_push.organization_id);
end;
$$;
comment on function app_public.pause_push(integer) is
  E'@resultFieldName pushStatus\nPauses writing changes of the organization to PEMS. Committed changes wait; writes '
  'in progress are finished. Requires an owner or admin of the organization.';
grant execute on function app_public.pause_push(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_push.sql
--! Included app_public/functions/pause_sync.sql
create or replace function app_public.pause_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(pause_sync.organization_id);
  return app_private.pause_sync_schedule(pause_sync.organization_id, app_core.current_user_id(), true);
end;
$$;
comment on function app_public.pause_sync(integer) is
  E'@resultFieldName syncSchedule\nPauses scheduled runs of the organization until resumeSync. A run in progress '
  'continues, and requested runs still start. Requires an owner or admin of the organization.';
grant execute on function app_public.pause_sync(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/pause_sync.sql
--! Included app_public/functions/pfa_change_username.sql
create or replace function app_public.pfa_change_username(change app_public.pfa_change) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_core.pfa_change c
  join app_public.users u on u.id = c.user_id
  where c.organization_id = change.organization_id and c.id = change.id
    and c.organization_id = any (app_core.current_organization_ids())
      and (not app_core.is_private_route(c.route) or c.user_id = app_core.current_user_id()
        or c.about_user_id = app_core.current_user_id());
end;
comment on function app_public.pfa_change_username(app_public.pfa_change) is
  'Name of the user who made the change. Null if PEMS changed the record, or if the account was deleted. Every reader '
  'of the organization sees the name. Only the user and administrators see the rest of the account.';
grant execute on function app_public.pfa_change_username(app_public.pfa_change) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_change_username.sql
--! Included app_public/functions/pfa_commit_username.sql
create or replace function app_public.pfa_commit_username(change app_public.pfa_commit) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  return (
    select u.username from app_public.users u
    where u.id = change.user_id and change.organization_id = any (app_core.current_organization_ids())
      and exists (
        select from app_core.pfa_modification m
        where m.organization_id = change.organization_id and m.id = change.id and m.user_id = change.user_id
          and m.state <> 'draft'));
comment on function app_public.pfa_commit_username(app_public.pfa_commit) is 'Name of the user who committed the '
  'change.';
grant execute on function app_public.pfa_commit_username(app_public.pfa_commit) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_commit_username.sql
--! Included app_public/functions/pfa_sync_log_spared_removals.sql
create or replace function app_public.pfa_sync_log_spared_removals(log app_public.pfa_sync_log)
  returns setof app_public.pfa_removal_candidate
  language sql stable
begin atomic
  select c.* from app_public.pfa_removal_candidate c
  where c.organization_id = log.organization_id and c.spared_by_run <= log.id and log.rows_spared > 0
  order by c.pfa_id;
end;
comment on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) is
  'Records whose removal this run withheld and that PEMS still lacks. `acceptRemovals` removes them.';
grant execute on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_sync_log_spared_removals.sql
--! Included app_public/functions/pfa_takeover_taken_by_name.sql
create or replace function app_public.pfa_takeover_taken_by_name(takeover app_public.pfa_takeover) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_public.pfa_takeover t
  join app_public.users u on u.id = t.taken_by
  where t.organization_id = takeover.organization_id and t.id = takeover.id
    and t.organization_id = any (app_core.current_organization_ids()) and t.user_id = app_core.current_user_id();
end;
comment on function app_public.pfa_takeover_taken_by_name(app_public.pfa_takeover) is
  'Name of the user who took the drafts. Null if the account was deleted.';
grant execute on function app_public.pfa_takeover_taken_by_name(app_public.pfa_takeover) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_takeover_taken_by_name.sql
--! Included app_public/functions/redo_draft.sql
create or replace function app_public.redo_draft(organization_id integer, operation_id bigint default null)
  returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(redo_draft.organization_id, redo_draft.operation_id, false);
end;
$$;
comment on function app_public.redo_draft(integer, bigint) is
  E'@resultFieldName result\nRedoes the operation that `undoDraft` undid last. With `operationId`, only if it is '
  'that operation.';
grant execute on function app_public.redo_draft(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/redo_draft.sql
--! Included app_public/functions/request_sync.sql
create or replace function app_public.request_sync(organization_id integer, kind text default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_sync.organization_id);
  if request_sync.kind not in ('full', 'incremental') then
    raise exception '% is not a kind of run.', quote_literal(request_sync.kind)
      using errcode = 'VG400', hint = 'Give full or incremental, or omit it to get the kind that is due.';
  end if;
  return app_private.queue_sync(request_sync.organization_id, 'user', app_core.current_user_id(), request_sync.kind);
end;
$$;
comment on function app_public.request_sync(integer, text) is
  E'@resultFieldName syncLog\nRequests a read of the organization from PEMS, and returns the run. `full` reads '
  'everything, `incremental` only changes since the last run if PEMS can tell them. Without a kind, the run is of '
  'the kind that is due. A request joins a waiting run. Requires an owner or admin of the organization.';
grant execute on function app_public.request_sync(integer, text) to vanguard_visitor;
--! EndIncluded app_public/functions/request_sync.sql
--! Included app_public/functions/resolve_all_problems.sql
create or replace function app_public.resolve_all_problems(organization_id integer, choice text, revision bigint)
  returns app_public.pfa_resolve_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resolve_all_problems.organization_id;
  p_choice constant text := resolve_all_problems.choice;
  p_revision constant bigint := resolve_all_problems.revision;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  refused jsonb;
  result app_public.pfa_resolve_result;
begin
  perform app_private.require_writable(p_organization_id);
  if p_choice is null or p_choice not in ('mine', 'theirs') then
    raise exception 'The choice is neither mine nor theirs.'
      using errcode = 'VG400', hint = 'Give mine or theirs, or set a third value for each key with resolveProblems.';
  end if;
  if p_revision is null then
    raise exception 'The revision is missing.' using errcode = 'VG400',
      hint = 'Give the greatest revision of the records that you saw. Records that changed later are skipped.';
  end if;
  perform app_private.lock_operations(p_organization_id, me);
  ids := array(
    select d.pfa_id from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.problems <> '{}'
      order by d.pfa_id);
  perform app_private.lock_records(p_organization_id, ids);
  with problem as materialized (
    select p.*, case
        when p.revision > p_revision then 'it changed since you saw it'
        when p.is_removed and p_choice = 'mine' then 'the record was removed from PEMS, so the only choice is theirs'
      end as words
    from app_private.problems_of(p_organization_id, me, ids) p
  )
  select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'key', p.key, 'choice', p_choice, 'value',
    case p_choice when 'mine' then p.mine end))
      filter (where p.words is null), '[]'),
    (select coalesce(jsonb_agg(jsonb_build_object('recordId', r.pfa_id, 'problem', r.words) order by r.pfa_id), '[]')
      from (select distinct o.pfa_id, o.words from problem o where o.words is not null order by 1 limit 1000) r)
    into items, refused
  from problem p;
  result := app_private.apply_resolutions(p_organization_id, items);
  result.refused := refused;
  return result;
end;
$$;
comment on function app_public.resolve_all_problems(integer, text, bigint) is
  E'@resultFieldName result\nResolves all problems of your drafts in the organization with one choice: `mine` '
  '(commit the drafts again afterwards) or `theirs`. `revision` is the greatest revision of the records that you '
  'saw. Records that changed later are skipped and listed.';
grant execute on function app_public.resolve_all_problems(integer, text, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_all_problems.sql
--! Included app_public/functions/resolve_problems.sql
create or replace function app_public.resolve_problems(organization_id integer, resolutions app_public.pfa_resolution[])
  returns app_public.pfa_resolve_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := resolve_problems.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  items jsonb;
  wrong jsonb;
  told jsonb;
  result app_public.pfa_resolve_result;
begin
  perform app_private.require_writable(p_organization_id);
  if coalesce(cardinality(resolutions), 0) not between 1 and 5000 then
    raise exception 'These are % resolutions, and 1 to 5,000 can be made at once.',
      coalesce(cardinality(resolutions), 0)
      using errcode = 'VG400', hint = 'Give at least one {recordId, revision, choice}, or use resolveAllProblems.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', r.record_id, 'problem', w.words)) into wrong
  from unnest(resolutions) r
  cross join lateral (
    select case
      when r.record_id is null then 'names no record'
      when r.revision is null then 'has no revision'
      when r.choice is null or r.choice not in ('mine', 'theirs',
        'value') then 'has a choice that is none of mine, theirs, value'
      when r.choice = 'value' and coalesce(cardinality(r.keys),
        0) <> 1 then 'gives a value, and not exactly one key for it'
      when r.choice <> 'value' and r.value is not null then 'gives a value without the choice value'
      when cardinality(r.keys) = 0 then 'names no key; leave the keys out to mean all'
    end as words
  ) w
  where w.words is not null;
  if wrong is not null then
    raise exception 'A resolution %.', wrong->0->>'problem'
      using errcode = 'VG400', detail = wrong::text, hint = 'Nothing was resolved. Correct those named in the details.';
  end if;

  ids := array(select distinct r.record_id from unnest(resolutions) r);
  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);

  with problem as materialized (
    select p.* from app_private.problems_of(p_organization_id, me, ids) p
  ),
  named as materialized (
    select r.record_id as id, r.revision, r.choice, k.key, r.value
    from unnest(resolutions) r
    cross join lateral (
      select unnest(r.keys) as key
      union all
      select p.key from problem p where r.keys is null and p.pfa_id = r.record_id
      union all
      select null where r.keys is null and not exists (select from problem p where p.pfa_id = r.record_id)
    ) k
  ),
  unlisted as materialized (
    select u.record_id, u.key, u.problem
    from app_private.judge_values(p_organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', n.id, 'key', n.key, 'value', n.value,
        'category', m.data->'category', 'manufacturer', m.data->'manufacturer'))
      from named n
      join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = n.id
      where app_private.reference_check(p_organization_id) = 'refuse' and n.choice = 'value'
        and n.key in ('category', 'class', 'manufacturer', 'model', 'equipment')
        and jsonb_typeof(n.value) = 'string')) u
  ),
  judged as materialized (
    select n.*, p.key is not null as is_problem, p.mine, c.revision as current_revision, c.data, f.problem as unfit,
      case
        when count(*) over (partition by n.id, n.key) > 1 then 'VG400'
        when c.pfa_id is null then 'VG404'
        when c.revision <> n.revision then 'VG409'
        when p.key is null then 'VG404'
        when p.is_removed and n.choice <> 'theirs' then 'VG422'
        when f.problem is not null then 'VG422'
      end as code
    from named n
    left join app_private.merged_for(p_organization_id, me, ids) c on c.pfa_id = n.id
    left join problem p on p.pfa_id = n.id and p.key = n.key
    left join app_private.field_mapping(p_organization_id) w on w.key = n.key
    left join app_public.pfa_fields d on d.key = n.key
    cross join lateral (
      select case when n.choice = 'value' then coalesce(app_private.key_problem(d, w.screen_field, c.data,
        n.value), (select u.problem from unlisted u where u.record_id = n.id and u.key = n.key limit 1)) end as problem
    ) f
  ),
  moved as materialized (
    select m
    from app_private.refused_changes(p_organization_id, me, (
      select coalesce(jsonb_agg(jsonb_build_object('recordId', j.id, 'revision', j.revision, 'changes', j.keys)), '[]')
      from (
        select j.id, j.revision, coalesce(jsonb_object_agg(j.key, null) filter (where j.key is not null), '{}') as keys
        from judged j where j.code = 'VG409' group by j.id, j.revision
      ) j)) c
    cross join jsonb_array_elements(c.moved) m
  ),
  refusal as (
    select j.code, j.id, j.key, jsonb_build_object('recordId', j.id, 'key', j.key) || case j.code
        when 'VG400' then jsonb_build_object('problem', 'is named more than once')
        when 'VG422' then jsonb_build_object('value', j.value,
          'problem', coalesce(j.unfit, 'can only be given up, with theirs: the record was removed from PEMS'))
        else jsonb_build_object('problem',
          case when j.current_revision is null then 'there is no such record' else 'there is no such problem of yours'
          end)
      end as told
    from judged j where j.code <> 'VG409'
    union all
    -- As save_drafts tells it, with the problems that are there now: what is needed to choose again.
    select distinct on (j.id) j.code, j.id, null, jsonb_build_object('recordId', j.id, 'problem',
      'it changed since you saw it',
        'revision', j.revision, 'currentRevision', j.current_revision)
      || coalesce((select m.m from moved m where m.m->>'recordId' = j.id limit 1), '{}')
      || jsonb_build_object('problems', coalesce((
        select d.problems from app_core.pfa_modification d
        where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = j.id),
          '{}'))
    from judged j where j.code = 'VG409' order by 2
  )
  select
    (select jsonb_agg(r.told || jsonb_build_object('code', r.code) order by r.code, r.id, r.key) from refusal r),
    (select jsonb_agg(jsonb_build_object('recordId', j.id, 'key', j.key, 'choice', j.choice,
      'value', case j.choice when 'mine' then j.mine when 'value' then app_core.normalized(j.value) end)) from judged j)
    into wrong, items;

  if wrong is not null then
    told := (select jsonb_agg(w - 'code' order by o) from jsonb_array_elements(wrong) with ordinality e (w, o));
    raise exception using
      errcode = wrong->0->>'code',
      message = case wrong->0->>'code'
        when 'VG409' then format('Record %s changed since you saw it.', wrong->0->>'recordId')
        when 'VG404' then format('Of record %s%s %s.', wrong->0->>'recordId',
          coalesce(', key ' || (wrong->0->>'key') || ',', ''), wrong->0->>'problem')
        else format('%s of record %s %s.', coalesce(wrong->0->>'key', 'It'), wrong->0->>'recordId',
          wrong->0->>'problem')
      end,
      detail = told::text,
      hint = case wrong->0->>'code'
        when 'VG409' then 'Nothing was resolved. Look at the current problems in the details, then choose again with '
                          'the current revision.'
        when 'VG404' then 'Nothing was resolved. The problems that you have are those of your drafts: myDrafts lists '
                          'them.'
        else 'Nothing was resolved. Correct those named in the details.'
      end;
  end if;
  result := app_private.apply_resolutions(p_organization_id, items);

  -- Seen as it is now: what was given up beside a third value counts as well.
  select jsonb_agg(jsonb_build_object('recordId', m.pfa_id, 'key', r.last_key, 'value', m.data->r.last_key,
      'problem', format('lies before %s (%s)', r.first_key, m.data->>r.first_key)) order by m.pfa_id, r.last_key)
    into wrong
  from app_private.merged_for(p_organization_id, me, array(
    select i->>'recordId' from jsonb_array_elements(items) i where i->>'choice' = 'value')) m
  cross join lateral app_private.reversed_dates(m.data) r
  where exists (
    select from jsonb_array_elements(items) i
    where i->>'recordId' = m.pfa_id and i->>'choice' = 'value' and i->>'key' in (r.first_key, r.last_key));
  if wrong is not null then
    raise exception '% of record % %.', wrong->0->>'key', wrong->0->>'recordId', wrong->0->>'problem'
      using errcode = 'VG422', detail = wrong::text, hint
        = 'Nothing was resolved. Choose other values for those named in the details.';
  end if;
  return result;
end;
$$;
comment on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) is
  E'@resultFieldName result\nResolves problems of your drafts, by key or by record: with your value (commit it again '
  'afterwards), with theirs, or with a third value. Resolves all or none; refused items are listed.';
grant execute on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_problems.sql
--! Included app_public/functions/resume_connection.sql
create or replace function app_public.resume_connection(api_configuration_id text) returns app_public.api_configurations
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.pause_connection_checked(resume_connection.api_configuration_id, false);
end;
$$;
comment on function app_public.resume_connection(text) is
  E'@resultFieldName connection\nResumes writing over a connection. Requires a user who may manage the connection.';
grant execute on function app_public.resume_connection(text) to vanguard_visitor;
--! EndIncluded app_public/functions/resume_connection.sql
--! Included app_public/functions/resume_push.sql
create or replace function app_public.resume_push(organization_id integer) returns app_public.pfa_push_status
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_push.organization_id);
  perform app_private.set_push_pause(resume_push.organization_id, false);
  return (select app_public.organizations_push_status(o) from app_public.organizations o
    where o.id = resume_push.organization_id);
end;
$$;
comment on function app_public.resume_push(integer) is
  E'@resultFieldName pushStatus\nResumes writing changes of the organization to PEMS. Requires an owner or admin of '
  'the organization.';
grant execute on function app_public.resume_push(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/resume_push.sql
--! Included app_public/functions/resume_sync.sql
create or replace function app_public.resume_sync(organization_id integer) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(resume_sync.organization_id);
  return app_private.pause_sync_schedule(resume_sync.organization_id, app_core.current_user_id(), false);
end;
$$;
comment on function app_public.resume_sync(integer) is
  E'@resultFieldName syncSchedule\nResumes scheduled runs of the organization. One run makes up for those missed '
  'during the pause. Requires an owner or admin of the organization.';
grant execute on function app_public.resume_sync(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/resume_sync.sql
--! Included app_public/functions/save_draft.sql
create or replace function app_public.save_draft(organization_id integer, record_id text, changes jsonb,
  revision bigint) returns app_public.pfa_record
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  result app_public.pfa_record;
begin
  perform app_private.save_checked_drafts(save_draft.organization_id,
    jsonb_build_array(jsonb_build_object('recordId', save_draft.record_id, 'changes', save_draft.changes, 'revision',
      save_draft.revision)));
  select r.* into result from app_public.pfa_record r
  where r.organization_id = save_draft.organization_id and r.pfa_id = save_draft.record_id;
  return result;
end;
$$;
comment on function app_public.save_draft(integer, text, jsonb, bigint) is
  E'@resultFieldName record\nSaves changes of one record as your draft, such as `{"forecastEnd": "2026-05-01"}`, and '
  'returns the record as you see it afterwards. `revision` is the revision of the record that you saw. A value that '
  'equals the one without your draft removes the key from the draft.';
grant execute on function app_public.save_draft(integer, text, jsonb, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/save_draft.sql
--! Included app_public/functions/save_drafts.sql
create or replace function app_public.save_drafts(organization_id integer, items app_public.pfa_draft_item[],
  continues bigint default null)
  returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.save_checked_drafts(save_drafts.organization_id, (
    select coalesce(jsonb_agg(jsonb_build_object('recordId', i.record_id, 'changes', i.changes, 'revision',
      i.revision)), '[]')
    from unnest(save_drafts.items) i), save_drafts.continues);
end;
$$;
comment on function app_public.save_drafts(integer, app_public.pfa_draft_item[], bigint) is
  E'@resultFieldName result\nSaves changes of up to 5,000 records as your drafts: all or none. Refused values are '
  'listed by record and key. With `continues`, the `operationId` of your newest save, both calls form one operation '
  'with one undo, so that you can send large work in parts.';
grant execute on function app_public.save_drafts(integer, app_public.pfa_draft_item[], bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/save_drafts.sql
--! Included app_public/functions/set_limits.sql
create or replace function app_public.set_limits(
  organization_id integer, removed_percent integer default null, refused_percent integer default null,
  changed_percent integer default null, emptied_percent integer default null, least_records integer default null,
  absent_days integer default null
) returns app_public.organization_limits
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(set_limits.organization_id);
  return app_private.write_limits(set_limits.organization_id, app_core.current_user_id(), removed_percent,
    refused_percent, changed_percent, emptied_percent, least_records, absent_days);
end;
$$;
comment on function app_public.set_limits(integer, integer, integer, integer, integer, integer, integer) is
  E'@resultFieldName limits\nSets the limits above which a sync is suspicious and is withheld, and the days of '
  'inactivity after which a member counts as away. Omitted limits stay. Requires an owner or admin of the '
  'organization.';
grant execute on function app_public.set_limits(integer, integer, integer, integer, integer, integer, integer)
  to vanguard_visitor;
--! EndIncluded app_public/functions/set_limits.sql
--! Included app_public/functions/set_sync_schedule.sql
create or replace function app_public.set_sync_schedule(
  organization_id integer, every_minutes integer default null, cron text default null, time_zone text default null,
  quiet_from time default null, quiet_to time default null, full_every_hours integer default null
) returns app_public.sync_schedule
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(set_sync_schedule.organization_id);
  return app_private.write_sync_schedule(set_sync_schedule.organization_id, app_core.current_user_id(), every_minutes,
    cron, time_zone,
    quiet_from, quiet_to, full_every_hours);
end;
$$;
comment on function app_public.set_sync_schedule(integer, integer, text, text, time without time zone,
  time without time zone, integer) is
  E'@resultFieldName syncSchedule\nReplaces the sync schedule of the organization. Give `everyMinutes` (1 to 10080, '
  'default 15) or a `cron` expression, a `timeZone` (default UTC), quiet hours (default none) and `fullEveryHours` '
  'between full runs (default 24). Requires an owner or admin of the organization.';
grant execute on function app_public.set_sync_schedule(integer, integer, text, text, time without time zone,
  time without time zone, integer) to vanguard_visitor;
--! EndIncluded app_public/functions/set_sync_schedule.sql
--! Included app_public/functions/take_over_drafts.sql
create or replace function app_public.take_over_drafts(organization_id integer, user_id integer,
  record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.remove_drafts_of(take_over_drafts.organization_id, take_over_drafts.user_id,
    take_over_drafts.record_ids, true);
end;
$$;
comment on function app_public.take_over_drafts(integer, integer, text[]) is
  E'@resultFieldName taken\nMakes drafts of another user your own, of these records or all of them, and returns how '
  'many. Your existing drafts stay. Refused while the user is active and may commit them: see `isAway` of '
  'draftAuthors. The user gets a notice. Requires an owner or admin of the organization.';
grant execute on function app_public.take_over_drafts(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/take_over_drafts.sql
--! Included app_public/functions/undo_draft.sql
create or replace function app_public.undo_draft(organization_id integer, operation_id bigint default null)
  returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(undo_draft.organization_id, undo_draft.operation_id, true);
end;
$$;
comment on function app_public.undo_draft(integer, bigint) is
  E'@resultFieldName result\nUndoes your newest operation on drafts that is in effect, with all of its records. With '
  '`operationId`, only if it is that operation.';
grant execute on function app_public.undo_draft(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/undo_draft.sql
--! Included app_public/functions/user_organizations_username.sql
create or replace function app_public.user_organizations_username(membership app_public.user_organizations) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_public.user_organizations m
  join app_public.users u on u.id = m.user_id
  where m.organization_id = membership.organization_id and m.user_id = membership.user_id
    and (m.user_id = app_core.current_user_id() or m.organization_id = any (app_core.administered_organization_ids()));
end;
comment on function app_public.user_organizations_username(app_public.user_organizations) is
  'Name of the member. Only the user and administrators see the rest of the account.';
grant execute on function app_public.user_organizations_username(app_public.user_organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/user_organizations_username.sql
--! Included app_public/functions/viewer.sql
create or replace function app_public.viewer() returns app_public.users
  language sql stable
begin atomic
  select u.* from app_public.users u where u.id = app_core.current_user_id();
end;
comment on function app_public.viewer() is 'The account of the signed-in user.';
grant execute on function app_public.viewer() to vanguard_visitor;
--! EndIncluded app_public/functions/viewer.sql
--! Included app_public/functions/withdraw_commits.sql
create or replace function app_public.withdraw_commits(organization_id integer, modification_ids bigint[] default null)
  returns app_public.pfa_withdraw_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := withdraw_commits.organization_id;
  me constant integer := app_core.current_user_id();
  ids bigint[];
  blocked bigint[];
  unknown jsonb;
  returned text[];
  result app_public.pfa_withdraw_result;
begin
  perform app_private.require_writable(p_organization_id);
  ids := coalesce(modification_ids, array(
    select m.id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.user_id = me and m.state = 'committed'));
  select jsonb_agg(jsonb_build_object('id', i.id, 'problem', 'you have no such committed change') order by i.id)
    into unknown
  from unnest(ids) i (id)
  where not exists (
    select from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = i.id and m.user_id = me and m.state <> 'draft');
  if unknown is not null then
    raise exception 'You have no committed change % in this organization.', unknown->0->>'id'
      using errcode = 'VG404', detail = unknown::text,
        hint = 'A later commit may have replaced it. List your committed changes with myCommits.';
  end if;

  perform app_private.lock_records(p_organization_id, array(
    select m.pfa_id from app_core.pfa_modification m where m.organization_id = p_organization_id and m.id = any (ids)));
  -- The remaining committed changes must stay valid without the withdrawn ones.
  with mine as materialized (
    select m.id, m.pfa_id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.user_id = me and m.state = 'committed'
      and m.id in (select unnest(ids))
  ),
  remaining as (
    select m.pfa_id, jsonb_object_agg(k.key, k.value) as delta
    from app_core.pfa_modification m cross join jsonb_each(m.delta) k
    where m.organization_id = p_organization_id and m.pfa_id = any (array(select n.pfa_id from mine n))
      and m.state in ('committed', 'syncing')
      and m.id not in (select unnest(ids))
    group by m.pfa_id
  )
  select array_agg(m.id), jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', 'committed',
      'problem', format('would leave %s before %s in the remaining commits', d.last_key, d.first_key)) order by m.id)
    into blocked, result.refused
  from mine m
  join remaining r on r.pfa_id = m.pfa_id
  join app_core.pfa_mirror p on p.organization_id = p_organization_id
    and p.pfa_id = any (array(select n.pfa_id from mine n)) and p.pfa_id = m.pfa_id
  cross join lateral (
    select d.* from app_private.reversed_dates(p.data || r.delta) d where r.delta ?| array[d.first_key, d.last_key]
      limit 1
  ) d;
  returned := app_private.return_to_draft(p_organization_id, array(
    select m.id from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me
      and m.id not in (select unnest(blocked))));
  -- Checked afterwards, because push may have begun with some of them in the meantime.
  result.refused := coalesce(result.refused, '[]') || (
    select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'recordId', m.pfa_id, 'state', m.state,
      'problem', case m.state when 'syncing' then 'is being written to PEMS at this moment' else 'is in PEMS already'
        end) order by m.id), '[]')
    from app_core.pfa_modification m
    where m.organization_id = p_organization_id and m.id = any (ids) and m.user_id = me
      and m.state in ('syncing', 'synced'));
  result.record_count := coalesce(cardinality(returned), 0);
  return result;
end;
$$;
comment on function app_public.withdraw_commits(integer, bigint[]) is
  E'@resultFieldName result\nWithdraws your committed changes that are not being written to PEMS yet, and makes them '
  'drafts again: all in the organization, or those with the given ids.';
grant execute on function app_public.withdraw_commits(integer, bigint[]) to vanguard_visitor;
--! EndIncluded app_public/functions/withdraw_commits.sql
--! Included app_public/views/pfa_change.sql
create or replace view app_public.pfa_change with (security_invoker = true) as
select c.organization_id, c.id, c.pfa_id, c.user_id, c.route, c.event, c.changes, c.changed_at
from app_core.pfa_change c;
comment on view app_public.pfa_change is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@backwardBehavior -*\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior '
  '-*\nHistory of a record: user, time, route, and the changed keys with their old and new values. You see only '
  'your own changes of drafts.';
comment on column app_public.pfa_change.organization_id is 'The organization.';
comment on column app_public.pfa_change.id is 'Identifier, ascending in the order of the changes.';
comment on column app_public.pfa_change.pfa_id is E'@notNull\nThe record.';
comment on column app_public.pfa_change.user_id is 'User who made the change. Null if PEMS changed the record, or if '
  'the account was deleted.';
comment on column app_public.pfa_change.route is
  E'@notNull\nOrigin of the change: `draft`, `commit`, `withdraw` (a commit that became a draft again), `takeover` '
  '(of another user''s draft), `sync` (from PEMS), `push` (to PEMS), `resolve`.';
comment on column app_public.pfa_change.event is
  E'@notNull\n`add`, `update`, `remove` (gone from PEMS), `restore` (present in PEMS again).';
comment on column app_public.pfa_change.changes is E'@notNull\n`{"key": {"from": ..., "to": ...}}`';
comment on column app_public.pfa_change.changed_at is E'@notNull\nTime of the change.';
grant select on app_public.pfa_change to vanguard_visitor;
--! EndIncluded app_public/views/pfa_change.sql
--! Included app_public/views/pfa_commit.sql
create or replace view app_public.pfa_commit with (security_invoker = true) as
select m.organization_id, m.id, m.user_id, m.user_id = app_core.current_user_id() as is_mine, m.pfa_id, m.delta, m.base,
  m.state, m.comment,
  m.attempts, m.committed_at, m.settled_at, m.retry_at
from app_core.pfa_modification m
where m.state <> 'draft';
comment on view app_public.pfa_commit is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName commits\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior '
  '-*\nCommitted changes, one for each commit and record: waiting for PEMS, being written, or confirmed.';
comment on column app_public.pfa_commit.organization_id is 'The organization.';
comment on column app_public.pfa_commit.id is E'@behavior +orderBy +filterBy\nIdentifier of the commit.';
comment on column app_public.pfa_commit.user_id is E'@notNull\n@behavior +filterBy\nUser who committed the change.';
comment on column app_public.pfa_commit.is_mine is E'@notNull\nWhether you committed the change.';
comment on column app_public.pfa_commit.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_commit.delta is E'@notNull\nChanged keys with their new values.';
comment on column app_public.pfa_commit.base is E'@notNull\nValues that PEMS must hold for the keys to be written.';
comment on column app_public.pfa_commit.state is
  E'@notNull\n@behavior +filterBy\n`committed` (waits), `syncing` (is being written), `synced` (confirmed by PEMS).';
comment on column app_public.pfa_commit.comment is 'Comment of the author.';
comment on column app_public.pfa_commit.attempts is E'@notNull\nNumber of attempts to write the change.';
comment on column app_public.pfa_commit.committed_at is E'@notNull\nWhen it was committed.';
comment on column app_public.pfa_commit.settled_at is 'When PEMS confirmed the change.';
comment on column app_public.pfa_commit.retry_at is
  'When push continues with the change, after a failure or an uncertain response of PEMS.';
grant select on app_public.pfa_commit to vanguard_visitor;
--! EndIncluded app_public/views/pfa_commit.sql
--! Included app_public/views/pfa_draft.sql
create or replace view app_public.pfa_draft with (security_invoker = true) as
select m.organization_id, m.id, m.pfa_id, m.delta, m.base, c.current, m.problems,
  app_core.usd(case when mine.is_discontinued then 0 else mine.forecast_cost_cents end
    - before.forecast_cost_cents) as forecast_cost_change,
  m.created_at, m.updated_at,
  app_core.usd(case when mine.is_discontinued then 0 else mine.plan_cost_cents end
    - before.plan_cost_cents) as plan_cost_change,
  app_core.usd(case when mine.is_discontinued then 0 else mine.actual_cost_cents end
    - before.actual_cost_cents) as actual_cost_change
from app_core.pfa_modification m
join app_core.pfa_mirror r on r.organization_id = m.organization_id and r.pfa_id = m.pfa_id
join app_core.pfa_overlay mine on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id
  and mine.viewer_id = m.user_id
left join app_core.pfa_overlay pending on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id
  and pending.viewer_id = 0
-- A discontinued record counts in no total.
cross join lateral (
  select
    case when u.is_discontinued then 0 else u.plan_cost_cents end as plan_cost_cents,
    case when u.is_discontinued then 0 else u.forecast_cost_cents end as forecast_cost_cents,
    case when u.is_discontinued then 0 else u.actual_cost_cents end as actual_cost_cents
  from (
    select coalesce(pending.is_discontinued, r.is_discontinued) as is_discontinued,
      coalesce(pending.plan_cost_cents, r.plan_cost_cents) as plan_cost_cents,
      coalesce(pending.forecast_cost_cents, r.forecast_cost_cents) as forecast_cost_cents,
      coalesce(pending.actual_cost_cents, r.actual_cost_cents) as actual_cost_cents
  ) u
) before
cross join lateral (
  select jsonb_object_agg(k, app_core.normalized(coalesce(pending.data, r.data)->k)) as current
    from jsonb_object_keys(m.delta) k
) c
where m.state = 'draft' and m.user_id = app_core.current_user_id();
comment on view app_public.pfa_draft is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName myDrafts\n@foreignKey (organization_id, '
  'pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nYour '
  'uncommitted changes, one for each record: the values that you saw when you drafted (base), your values (delta), '
  'and the values without your draft (current).';
comment on column app_public.pfa_draft.organization_id is 'The organization.';
comment on column app_public.pfa_draft.id is E'@behavior +orderBy\nIdentifier of the draft.';
comment on column app_public.pfa_draft.pfa_id is E'@notNull\n@behavior +orderBy +filterBy\nThe record.';
comment on column app_public.pfa_draft.delta is E'@notNull\nChanged keys with your values.';
comment on column app_public.pfa_draft.base is
  E'@notNull\nValues that you saw under these keys when you first changed them.';
comment on column app_public.pfa_draft.current is
  E'@notNull\nValues under these keys without your draft: PEMS and pending changes.';
comment on column app_public.pfa_draft.problems is E'@notNull\nProblems that prevent a commit, by key.';
comment on column app_public.pfa_draft.plan_cost_change is
  E'@notNull\nChange of the total plan cost by your draft, USD. Discontinued records do not count.';
comment on column app_public.pfa_draft.forecast_cost_change is
  E'@notNull\nChange of the total forecast cost by your draft, USD. Discontinued records do not count.';
comment on column app_public.pfa_draft.actual_cost_change is
  E'@notNull\nChange of the total actual cost by your draft, USD. Discontinued records do not count.';
comment on column app_public.pfa_draft.created_at is E'@notNull\nWhen you first changed the record.';
comment on column app_public.pfa_draft.updated_at is E'@notNull\nWhen you last changed the record.';
grant select on app_public.pfa_draft to vanguard_visitor;
--! EndIncluded app_public/views/pfa_draft.sql
--! Included app_public/views/pfa_draft_operation.sql
create or replace view app_public.pfa_draft_operation with (security_invoker = true) as
select o.organization_id, o.id, o.kind, o.record_count, o.created_at, o.undone_at
from app_core.pfa_draft_operation o
where o.user_id = app_core.current_user_id();
comment on view app_public.pfa_draft_operation is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName myOperations\nYour last 50 operations on '
  'drafts. `undoDraft` undoes the newest one in effect, `redoDraft` redoes the oldest undone one.';
comment on column app_public.pfa_draft_operation.organization_id is 'The organization.';
comment on column app_public.pfa_draft_operation.id is
  E'@behavior +orderBy\nIdentifier, ascending in the order of the operations.';
comment on column app_public.pfa_draft_operation.kind is
  E'@notNull\n`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`, `resolve` (of problems).';
comment on column app_public.pfa_draft_operation.record_count is E'@notNull\nNumber of changed records.';
comment on column app_public.pfa_draft_operation.created_at is E'@notNull\nTime of the operation.';
comment on column app_public.pfa_draft_operation.undone_at is 'When the operation was undone. Null while it is in '
  'effect.';
grant select on app_public.pfa_draft_operation to vanguard_visitor;
--! EndIncluded app_public/views/pfa_draft_operation.sql
--! Included app_public/views/pfa_kpi_summary.sql
create or replace view app_public.pfa_kpi_summary with (security_barrier = true) as
select s.organization_id, s.source, s.record_count, s.actualized_count, s.discontinued_count,
  app_core.usd(s.plan_cost_cents) as plan_cost, app_core.usd(s.forecast_cost_cents) as forecast_cost,
  app_core.usd(s.actual_cost_cents) as actual_cost, s.computed_at
from app_private.pfa_kpi_summary s
where s.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_kpi_summary is
  E'@primaryKey organization_id,source\n@foreignKey (organization_id) references app_public.organizations '
  '(id)|@fieldName organization|@foreignFieldName mirrorKpis\nTotals of the mirror by source, as of the last '
  'refresh. `kpis` includes pending changes and your drafts.';
comment on column app_public.pfa_kpi_summary.organization_id is 'The organization.';
comment on column app_public.pfa_kpi_summary.source is '`Rental`, `Purchase`, or empty if unknown.';
comment on column app_public.pfa_kpi_summary.record_count is 'Number of records, without discontinued ones.';
comment on column app_public.pfa_kpi_summary.actualized_count is 'Number of these records that are on site and '
  'billing.';
comment on column app_public.pfa_kpi_summary.discontinued_count is 'Number of discontinued records.';
comment on column app_public.pfa_kpi_summary.plan_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.forecast_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.actual_cost is 'USD.';
comment on column app_public.pfa_kpi_summary.computed_at is 'When.';
grant select on app_public.pfa_kpi_summary to vanguard_visitor;
--! EndIncluded app_public/views/pfa_kpi_summary.sql
--! Included app_public/views/pfa_push_exchange.sql
create or replace view app_public.pfa_push_exchange with (security_invoker = true) as
select e.organization_id, e.id, e.pfa_id, e.modification_id as commit_id, e.attempt, e.action, e.request, e.status,
  e.answer, e.error_code, e.milliseconds, e.answered_at
from app_core.pfa_push_exchange e;
comment on view app_public.pfa_push_exchange is
  E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName pushExchanges\nRequests to PEMS about '
  'single records while changes were written, and the responses, without credentials. Only owners and admins of the '
  'organization see them.';
comment on column app_public.pfa_push_exchange.organization_id is 'The organization.';
comment on column app_public.pfa_push_exchange.id is
  E'@behavior +orderBy\nIdentifier, ascending in the order of the requests.';
comment on column app_public.pfa_push_exchange.pfa_id is E'@notNull\n@behavior +filterBy\nThe record.';
comment on column app_public.pfa_push_exchange.commit_id is
  E'@notNull\nCommit that was being written. It may have been deleted.';
comment on column app_public.pfa_push_exchange.attempt is E'@notNull\nNumber of the attempt to write the commit.';
comment on column app_public.pfa_push_exchange.action is E'@notNull\n`read`, `write`, `read_back`.';
comment on column app_public.pfa_push_exchange.request is E'@notNull\nBody of the request.';
comment on column app_public.pfa_push_exchange.status is 'HTTP status. Null if no response began.';
comment on column app_public.pfa_push_exchange.answer is 'Body of the response. Long bodies are truncated.';
comment on column app_public.pfa_push_exchange.error_code is 'Error code of the failure.';
comment on column app_public.pfa_push_exchange.milliseconds is E'@notNull\nDuration of the request.';
comment on column app_public.pfa_push_exchange.answered_at is E'@notNull\nWhen the request ended.';
grant select on app_public.pfa_push_exchange to vanguard_visitor;
--! EndIncluded app_public/views/pfa_push_exchange.sql
--! Included app_public/views/pfa_record.sql
-- The merged record has three layers: the mirror, if neither a pending change nor a draft of the user covers it;
-- pending changes, if no draft covers them; the user's drafts. Its form was measured at a million records
-- (docs/explanation/performance.md).
-- The branches are plain tables with a constant layer. So the planner folds the CASE to the condition of that layer,
-- reads each table by its index, and merges the index orders of all three. A WHERE inside a branch hides that order.
-- The operator IN reads the covering rows once, not for each record.
-- The condition `case when ... in (...) then 1 else 0 end <> 1` means `not in`. The planner expects nearly all rows to
-- pass it, which is right. It expects half of them to pass `not in`, and then sorts whole organizations for one page.
create or replace view app_public.pfa_record with (security_invoker = true) as
select
  r.organization_id,
  r.pfa_id,
  r.revision,
  r.has_draft,
  r.is_pending,
  r.has_problem,
  r.area_silo,
  r.category,
  r.class,
  r.source,
  r.dor,
  r.data->>'manufacturer' as manufacturer,
  r.data->>'model' as model,
  r.data->>'contract' as contract,
  r.data->>'equipment' as equipment,
  (r.data->>'monthlyRate')::numeric as monthly_rate,
  (r.data->>'purchasePrice')::numeric as purchase_price,
  r.data->>'originalCategory' as original_category,
  r.data->>'originalClass' as original_class,
  r.data->>'originalSource' as original_source,
  r.data->>'originalDor' as original_dor,
  (r.data->>'originalMonthlyRate')::numeric as original_monthly_rate,
  (r.data->>'originalPurchasePrice')::numeric as original_purchase_price,
  r.original_start,
  r.original_end,
  r.forecast_start,
  r.forecast_end,
  r.actual_start,
  r.actual_end,
  r.is_actualized,
  r.is_discontinued,
  r.is_funds_transferable,
  r.original_start is not null and r.original_end is not null as has_plan,
  r.actual_start is not null and r.actual_end is not null as has_actuals,
  app_core.usd(r.plan_cost_cents) as plan_cost,
  app_core.usd(r.forecast_cost_cents) as forecast_cost,
  app_core.usd(r.actual_cost_cents) as actual_cost,
  app_core.usd(r.forecast_cost_cents - r.plan_cost_cents) as variance,
  r.forecast_cost_cents,
  r.base,
  r.data,
  r.version,
  r.version_by,
  r.observed_at,
  r.removed_at
from (
  select
    'mirror' as layer, 0 as viewer_id, false as has_draft, false as is_pending, false as has_problem,
    null::jsonb as base,
    m.organization_id, m.pfa_id, m.data, m.version, m.version_by, m.revision, m.observed_at, m.removed_at,
    m.area_silo, m.category, m.class, m.source, m.dor,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end,
    m.is_actualized, m.is_discontinued, m.is_funds_transferable,
    m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
  from app_core.pfa_mirror m
  union all
  select
    'pending', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
  union all
  select
    'draft', o.viewer_id, o.has_draft, o.is_pending, o.has_problem, o.base,
    o.organization_id, o.pfa_id, o.data, o.version, o.version_by, o.revision, o.observed_at, o.removed_at,
    o.area_silo, o.category, o.class, o.source, o.dor,
    o.original_start, o.original_end, o.forecast_start, o.forecast_end, o.actual_start, o.actual_end,
    o.is_actualized, o.is_discontinued, o.is_funds_transferable,
    o.plan_cost_cents, o.forecast_cost_cents, o.actual_cost_cents
  from app_core.pfa_overlay o
) r
where
  case r.layer
    when 'mirror' then
      case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o
          where o.viewer_id in (0, app_core.current_user_id())
      ) then 1 else 0 end <> 1
    when 'pending' then
      r.viewer_id = 0 and case when (r.organization_id, r.pfa_id) in (
        select o.organization_id, o.pfa_id from app_core.pfa_overlay o where o.viewer_id = app_core.current_user_id()
      ) then 1 else 0 end <> 1
    else r.viewer_id = app_core.current_user_id()
  end
  and (r.removed_at is null or r.has_draft);
comment on view app_public.pfa_record is
  E'@offersColumns\n@primaryKey organization_id,pfa_id\n@foreignKey (organization_id) references '
  'app_public.organizations (id)|@fieldName organization|@foreignFieldName pfaRecords\nA record as the signed-in '
  'user sees it: the values of PEMS, overlaid by committed values that PEMS has not confirmed, overlaid by the '
  'user''s draft.';
comment on column app_public.pfa_record.organization_id is 'The organization.';
comment on column app_public.pfa_record.pfa_id is E'@behavior +orderBy +filterBy\nIdentity inside its organization.';
comment on column app_public.pfa_record.revision is
  E'@notNull\nRevision of the record. Send it with a draft: the draft is refused if the record has changed since.';
comment on column app_public.pfa_record.has_draft is
  E'@notNull\n@behavior +filterBy\nWhether you have a draft of the record.';
comment on column app_public.pfa_record.is_pending is
  E'@notNull\n@behavior +filterBy\nWhether a committed change of the record is not confirmed by PEMS yet.';
comment on column app_public.pfa_record.has_problem is
  E'@notNull\n@behavior +filterBy\nWhether a key of your draft has a problem.';
comment on column app_public.pfa_record.area_silo is E'@behavior +orderBy +filterBy\nArea of the site, e.g. `Silo 4`.';
comment on column app_public.pfa_record.category is E'@behavior +orderBy +filterBy\nEquipment category.';
comment on column app_public.pfa_record.class is E'@behavior +orderBy +filterBy\nEquipment class.';
comment on column app_public.pfa_record.source is
  E'@behavior +filterBy\n`Rental` or `Purchase`: decides the cost rule.';
comment on column app_public.pfa_record.dor is
  E'@behavior +filterBy\nPayer: `BEO` (general overhead) or `PROJECT` (a charge code).';
comment on column app_public.pfa_record.manufacturer is 'Manufacturer of the equipment.';
comment on column app_public.pfa_record.model is 'Model of the equipment.';
comment on column app_public.pfa_record.contract is 'Contract.';
comment on column app_public.pfa_record.equipment is 'Asset tag.';
comment on column app_public.pfa_record.monthly_rate is 'USD per month, for rentals.';
comment on column app_public.pfa_record.purchase_price is 'USD, for purchases.';
comment on column app_public.pfa_record.original_category is 'Equipment category in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_class is 'Equipment class in the plan; null if PEMS has none.';
comment on column app_public.pfa_record.original_source is
  '`Rental` or `Purchase`: decides the cost rule of the plan. Null if PEMS has none; then `source` decides.';
comment on column app_public.pfa_record.original_dor is
  'Payer in the plan: `BEO` or `PROJECT`. Null if PEMS has none.';
comment on column app_public.pfa_record.original_monthly_rate is
  'USD per month in the plan. Null if PEMS has none; then `monthlyRate` counts.';
comment on column app_public.pfa_record.original_purchase_price is
  'USD in the plan. Null if PEMS has none; then `purchasePrice` counts.';
comment on column app_public.pfa_record.original_start is 'First day of the plan.';
comment on column app_public.pfa_record.original_end is 'Last day of the plan.';
comment on column app_public.pfa_record.forecast_start is E'@behavior +orderBy +filterBy\nFirst day of the forecast.';
comment on column app_public.pfa_record.forecast_end is E'@behavior +orderBy +filterBy\nLast day of the forecast.';
comment on column app_public.pfa_record.actual_start is 'First day of billing.';
comment on column app_public.pfa_record.actual_end is 'Expected end of billing.';
comment on column app_public.pfa_record.is_actualized is
  E'@notNull\n@behavior +filterBy\nWhether the equipment is on site and billing.';
comment on column app_public.pfa_record.is_discontinued is
  E'@notNull\n@behavior +filterBy\nWhether the requirement is cancelled. Discontinued records count in no total.';
comment on column app_public.pfa_record.is_funds_transferable is
  E'@notNull\n@behavior +filterBy\nWhether the budget may be given to other records.';
comment on column app_public.pfa_record.has_plan is E'@notNull\nWhether both dates of the plan are present.';
comment on column app_public.pfa_record.has_actuals is E'@notNull\nWhether both actual dates are present.';
comment on column app_public.pfa_record.plan_cost is
  E'@notNull\nCost over the plan''s dates, from the plan''s source, rate or price, USD. The forecast''s value counts '
  'if PEMS has no plan value.';
comment on column app_public.pfa_record.forecast_cost is E'@notNull\nCost over the forecast''s dates, USD.';
comment on column app_public.pfa_record.actual_cost is E'@notNull\nCost over the actual dates, USD.';
comment on column app_public.pfa_record.variance is E'@notNull\nForecast minus plan, USD: positive is over budget.';
comment on column app_public.pfa_record.forecast_cost_cents is
  E'@notNull\n@behavior +orderBy +filterBy\nForecast cost in US cents, for filters and order.';
comment on column app_public.pfa_record.base is 'Values that you saw when you drafted each key. Null without a draft.';
comment on column app_public.pfa_record.data is
  E'@notNull\nThe whole record, with the fields of PEMS that have no column here.';
comment on column app_public.pfa_record.version is 'When PEMS last changed the record, in local time of PEMS.';
comment on column app_public.pfa_record.version_by is 'User of PEMS who last changed the record.';
comment on column app_public.pfa_record.observed_at is 'When the product last read this content from PEMS.';
comment on column app_public.pfa_record.removed_at is
  'When the record was found missing in PEMS. You still see it because you have a draft.';
grant select on app_public.pfa_record to vanguard_visitor;
--! EndIncluded app_public/views/pfa_record.sql
--! Included app_public/views/pfa_timeline_bounds.sql
create or replace view app_public.pfa_timeline_bounds with (security_barrier = true) as
select b.organization_id, b.original_start, b.original_end, b.forecast_start, b.forecast_end, b.actual_start,
  b.actual_end, b.computed_at
from app_private.pfa_timeline_bounds b
where b.organization_id = any (app_core.current_organization_ids());
comment on view app_public.pfa_timeline_bounds is
  E'@primaryKey organization_id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName '
  'organization|@foreignSimpleFieldName mirrorBounds|@foreignFieldName mirrorBounds\nFirst and last days of the '
  'mirror, as of the last refresh. `bounds` includes pending changes and your drafts.';
comment on column app_public.pfa_timeline_bounds.organization_id is 'The organization.';
comment on column app_public.pfa_timeline_bounds.original_start is 'First day of any plan.';
comment on column app_public.pfa_timeline_bounds.original_end is 'Last day of any plan.';
comment on column app_public.pfa_timeline_bounds.forecast_start is 'First day of any forecast.';
comment on column app_public.pfa_timeline_bounds.forecast_end is 'Last day of any forecast.';
comment on column app_public.pfa_timeline_bounds.actual_start is 'First day of any billing.';
comment on column app_public.pfa_timeline_bounds.actual_end is 'Last expected day of any billing.';
comment on column app_public.pfa_timeline_bounds.computed_at is 'When.';
grant select on app_public.pfa_timeline_bounds to vanguard_visitor;
--! EndIncluded app_public/views/pfa_timeline_bounds.sql
