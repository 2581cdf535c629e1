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
--!include app_core/functions/administered_organization_ids.sql
--!include app_core/functions/cents.sql
--!include app_core/functions/changed_keys.sql
--!include app_core/functions/cleaned.sql
--!include app_core/functions/cleaned_text.sql
--!include app_core/functions/cost_cents.sql
--!include app_core/functions/current_organization_ids.sql
--!include app_core/functions/current_user_id.sql
--!include app_core/functions/find_records.sql
--!include app_core/functions/id_key.sql
--!include app_core/functions/is_administrator.sql
--!include app_core/functions/is_iso_date.sql
--!include app_core/functions/is_private_route.sql
--!include app_core/functions/iso_date.sql
--!include app_core/functions/json_texts.sql
--!include app_core/functions/may_configure.sql
--!include app_core/functions/most_named.sql
--!include app_core/functions/normalized.sql
--!include app_core/functions/plan_cost_cents.sql
--!include app_core/functions/search_pattern.sql
--!include app_core/functions/search_text.sql
--!include app_core/functions/search_words.sql
--!include app_core/functions/text_fields.sql
--!include app_core/functions/usd.sql
--!include app_core/functions/value_problem.sql
--!include app_core/functions/writable_organization_ids.sql
--!include app_private/functions/accept_spared_removals.sql
--!include app_private/functions/accept_withheld_run.sql
--!include app_private/functions/account_key.sql
--!include app_private/functions/add_signing_key.sql
--!include app_private/functions/apply_resolutions.sql
--!include app_private/functions/at_microseconds.sql
--!include app_private/functions/begin_drift_check.sql
--!include app_private/functions/begin_legacy_work.sql
--!include app_private/functions/begin_probe.sql
--!include app_private/functions/begin_pushes.sql
--!include app_private/functions/bulk_items.sql
--!include app_private/functions/bulk_records.sql
--!include app_private/functions/bulk_token.sql
--!include app_private/functions/change_drafts.sql
--!include app_private/functions/change_password.sql
--!include app_private/functions/clear_sign_in_attempts.sql
--!include app_private/functions/clear_staging.sql
--!include app_private/functions/compare_drift.sql
--!include app_private/functions/compare_staged.sql
--!include app_private/functions/compare_staged_changes.sql
--!include app_private/functions/confirm_pushes.sql
--!include app_private/functions/connection_renewed.sql
--!include app_private/functions/count_legacy_administrators.sql
--!include app_private/functions/cron_falls_on.sql
--!include app_private/functions/cron_fields.sql
--!include app_private/functions/cron_matches.sql
--!include app_private/functions/cron_next.sql
--!include app_private/functions/cron_number.sql
--!include app_private/functions/cron_problem.sql
--!include app_private/functions/cron_values.sql
--!include app_private/functions/database_state.sql
--!include app_private/functions/delete_drift_checks.sql
--!include app_private/functions/delete_expired_sessions.sql
--!include app_private/functions/delete_expired_throttles.sql
--!include app_private/functions/deregister_worker.sql
--!include app_private/functions/dispatch_due_syncs.sql
--!include app_private/functions/dispatch_pushes.sql
--!include app_private/functions/drift_sample.sql
--!include app_private/functions/enable_rls.sql
--!include app_private/functions/end_all_sessions.sql
--!include app_private/functions/end_drift_check.sql
--!include app_private/functions/end_session.sql
--!include app_private/functions/enforce_retention.sql
--!include app_private/functions/fail_push.sql
--!include app_private/functions/field_mapping.sql
--!include app_private/functions/filter_condition.sql
--!include app_private/functions/filter_value_problem.sql
--!include app_private/functions/find_login.sql
--!include app_private/functions/finish_legacy_import.sql
--!include app_private/functions/finish_legacy_roll_back.sql
--!include app_private/functions/follow_legacy_records.sql
--!include app_private/functions/follow_mirror.sql
--!include app_private/functions/forget_column.sql
--!include app_private/functions/forget_events.sql
--!include app_private/functions/hold_requests.sql
--!include app_private/functions/is_much.sql
--!include app_private/functions/judged_drafts.sql
--!include app_private/functions/judged_pushes.sql
--!include app_private/functions/keep_unknown.sql
--!include app_private/functions/key_group.sql
--!include app_private/functions/key_problem.sql
--!include app_private/functions/last_active_at.sql
--!include app_private/functions/legacy_blocks.sql
--!include app_private/functions/legacy_endpoints.sql
--!include app_private/functions/legacy_json.sql
--!include app_private/functions/legacy_keys.sql
--!include app_private/functions/legacy_outcomes.sql
--!include app_private/functions/legacy_problems.sql
--!include app_private/functions/legacy_record.sql
--!include app_private/functions/legacy_secrets.sql
--!include app_private/functions/legacy_target_join.sql
--!include app_private/functions/legacy_target_key.sql
--!include app_private/functions/limits_of.sql
--!include app_private/functions/list_signing_keys.sql
--!include app_private/functions/lock_operations.sql
--!include app_private/functions/lock_records.sql
--!include app_private/functions/may_draft.sql
--!include app_private/functions/merged_for.sql
--!include app_private/functions/microseconds.sql
--!include app_private/functions/migration_state.sql
--!include app_private/functions/mirror_due_at.sql
--!include app_private/functions/monitoring.sql
--!include app_private/functions/note_connection_result.sql
--!include app_private/functions/note_exchange.sql
--!include app_private/functions/note_pems_failure.sql
--!include app_private/functions/note_pems_success.sql
--!include app_private/functions/note_push_answer.sql
--!include app_private/functions/note_sign_in_attempt.sql
--!include app_private/functions/note_sign_in_success.sql
--!include app_private/functions/notify_event.sql
--!include app_private/functions/outer_days.sql
--!include app_private/functions/overlaid.sql
--!include app_private/functions/password_hash_kinds.sql
--!include app_private/functions/pause_connection_checked.sql
--!include app_private/functions/pause_sync_schedule.sql
--!include app_private/functions/pending.sql
--!include app_private/functions/plan_cache_mode.sql
--!include app_private/functions/plan_push.sql
--!include app_private/functions/plan_sync.sql
--!include app_private/functions/prepare_search.sql
--!include app_private/functions/problems_of.sql
--!include app_private/functions/pull_connection.sql
--!include app_private/functions/push_connection.sql
--!include app_private/functions/push_gate.sql
--!include app_private/functions/push_status.sql
--!include app_private/functions/queue_drift_check.sql
--!include app_private/functions/queue_next_push.sql
--!include app_private/functions/queue_push.sql
--!include app_private/functions/queue_pushes_over.sql
--!include app_private/functions/queue_refresh.sql
--!include app_private/functions/queue_sync.sql
--!include app_private/functions/quiet_until.sql
--!include app_private/functions/read_events.sql
--!include app_private/functions/read_legacy_endpoints.sql
--!include app_private/functions/read_legacy_json.sql
--!include app_private/functions/rebase_drafts.sql
--!include app_private/functions/refresh_summaries.sql
--!include app_private/functions/register_worker.sql
--!include app_private/functions/release_dead_workers.sql
--!include app_private/functions/remove_drafts_of.sql
--!include app_private/functions/remove_records.sql
--!include app_private/functions/report_drift_progress.sql
--!include app_private/functions/report_sync_progress.sql
--!include app_private/functions/request_claims.sql
--!include app_private/functions/require_administered.sql
--!include app_private/functions/require_bulk_operation.sql
--!include app_private/functions/require_readable.sql
--!include app_private/functions/require_writable.sql
--!include app_private/functions/resume_pushes.sql
--!include app_private/functions/return_keys.sql
--!include app_private/functions/return_to_draft.sql
--!include app_private/functions/reversed_dates.sql
--!include app_private/functions/rewrite_overlay.sql
--!include app_private/functions/rotate_refresh_token.sql
--!include app_private/functions/rotate_signing_key.sql
--!include app_private/functions/save_checked_drafts.sql
--!include app_private/functions/seen_columns.sql
--!include app_private/functions/seen_records.sql
--!include app_private/functions/selected_ids.sql
--!include app_private/functions/selection_condition.sql
--!include app_private/functions/session_claims.sql
--!include app_private/functions/set_connection_pause.sql
--!include app_private/functions/set_push_pause.sql
--!include app_private/functions/settle_pushes.sql
--!include app_private/functions/show_records.sql
--!include app_private/functions/split_push.sql
--!include app_private/functions/start_session.sql
--!include app_private/functions/step_operation.sql
--!include app_private/functions/subscriber_revision.sql
--!include app_private/functions/subscriber_rights.sql
--!include app_private/functions/sums_by_group.sql
--!include app_private/functions/sums_by_month.sql
--!include app_private/functions/sync_schedule_of.sql
--!include app_private/functions/take_turns.sql
--!include app_private/functions/tell_mirror.sql
--!include app_private/functions/tell_modifications.sql
--!include app_private/functions/tell_overlay.sql
--!include app_private/functions/tell_sync.sql
--!include app_private/functions/touch_updated_at.sql
--!include app_private/functions/twins_of.sql
--!include app_private/functions/upgrade_password_hash.sql
--!include app_private/functions/use_draft_quota.sql
--!include app_private/functions/write_limits.sql
--!include app_private/functions/write_sync_schedule.sql
--!include app_private/views/pfa_kpi_summary.sql
--!include app_private/views/pfa_timeline_bounds.sql
--!include app_private/views/pfa_user_storage.sql
--!include app_public/functions/accept_removals.sql
--!include app_public/functions/accept_run.sql
--!include app_public/functions/apply_bulk.sql
--!include app_public/functions/check_drift.sql
--!include app_public/functions/commit_drafts.sql
--!include app_public/functions/discard_drafts.sql
--!include app_public/functions/discard_drafts_of.sql
--!include app_public/functions/dismiss_takeovers.sql
--!include app_public/functions/organizations_bounds.sql
--!include app_public/functions/organizations_bulk_preview.sql
--!include app_public/functions/organizations_changes.sql
--!include app_public/functions/organizations_draft_authors.sql
--!include app_public/functions/organizations_found_records.sql
--!include app_public/functions/organizations_kpis.sql
--!include app_public/functions/organizations_limits.sql
--!include app_public/functions/organizations_my_draft_totals.sql
--!include app_public/functions/organizations_my_role.sql
--!include app_public/functions/organizations_push_status.sql
--!include app_public/functions/organizations_records_changed_since.sql
--!include app_public/functions/organizations_revision.sql
--!include app_public/functions/organizations_sums.sql
--!include app_public/functions/organizations_sync_schedule.sql
--!include app_public/functions/pause_connection.sql
--!include app_public/functions/pause_push.sql
--!include app_public/functions/pause_sync.sql
--!include app_public/functions/pfa_change_username.sql
--!include app_public/functions/pfa_commit_username.sql
--!include app_public/functions/pfa_sync_log_spared_removals.sql
--!include app_public/functions/pfa_takeover_taken_by_name.sql
--!include app_public/functions/redo_draft.sql
--!include app_public/functions/request_sync.sql
--!include app_public/functions/resolve_all_problems.sql
--!include app_public/functions/resolve_problems.sql
--!include app_public/functions/resume_connection.sql
--!include app_public/functions/resume_push.sql
--!include app_public/functions/resume_sync.sql
--!include app_public/functions/save_draft.sql
--!include app_public/functions/save_drafts.sql
--!include app_public/functions/set_limits.sql
--!include app_public/functions/set_sync_schedule.sql
--!include app_public/functions/take_over_drafts.sql
--!include app_public/functions/undo_draft.sql
--!include app_public/functions/user_organizations_username.sql
--!include app_public/functions/viewer.sql
--!include app_public/functions/withdraw_commits.sql
--!include app_public/views/pfa_change.sql
--!include app_public/views/pfa_commit.sql
--!include app_public/views/pfa_draft.sql
--!include app_public/views/pfa_draft_operation.sql
--!include app_public/views/pfa_kpi_summary.sql
--!include app_public/views/pfa_push_exchange.sql
--!include app_public/views/pfa_record.sql
--!include app_public/views/pfa_timeline_bounds.sql
