-- Reference lists: what PEMS lists as categories, classes, manufacturers, models and equipment of an organization, and
-- the organizations that it knows. Tables and functions that only this migration has are made anew when it runs again.

drop table if exists app_public.reference_entries, app_public.reference_runs, app_public.organization_proposals,
  app_private.reference_staging, app_private.reference_sources, app_private.reference_settings cascade;
drop type if exists app_public.reference_list cascade;
drop type if exists app_public.unlisted_value cascade;

create table app_private.reference_settings (
  api_configuration_id text primary key references app_public.api_configurations on delete cascade,
  check_mode text not null default 'warn' check (check_mode in ('off', 'warn', 'refuse')),
  every interval not null default '1 day' check (every >= '1 minute')
);
comment on table app_private.reference_settings is
  'How the reference lists of a connection are used, where that is not the default.';
comment on column app_private.reference_settings.api_configuration_id is 'The connection that records are read over.';
comment on column app_private.reference_settings.check_mode is
  'What happens to a draft with a value that PEMS does not list: nothing (`off`), a hint (`warn`), or it is refused '
  '(`refuse`).';
comment on column app_private.reference_settings.every is 'How long after a read the lists are read again.';
call app_private.enable_rls('app_private.reference_settings');

create table app_private.reference_sources (
  id integer primary key generated always as identity,
  api_configuration_id text references app_public.api_configurations on delete cascade,
  list text not null check (list in ('category', 'class', 'manufacturer', 'model', 'equipment', 'organization')),
  path text check (path ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$'),
  fields jsonb check (jsonb_typeof(fields) = 'object' and fields ? 'code'),
  unique nulls not distinct (api_configuration_id, list),
  check (api_configuration_id is not null or path is not null and fields is not null)
);
comment on table app_private.reference_sources is
  'Where PEMS has each reference list, and how it names what an entry holds. A row without a connection is the '
  'default.';
comment on column app_private.reference_sources.id is 'Our key.';
comment on column app_private.reference_sources.api_configuration_id is
  'The connection that the row is for; null for every connection that has no row of its own.';
comment on column app_private.reference_sources.list is
  'The list: a key of records, or `organization` for the organizations that PEMS knows.';
comment on column app_private.reference_sources.path is
  'The path of the list below the base address of PEMS; null: this PEMS has no such list.';
comment on column app_private.reference_sources.fields is
  'Names in PEMS of `code`, `description`, `category`, `class`, `manufacturer`, `model`, `organization` and '
  '`outOfService`: the first that a row has counts, in any case of letters. Null: as in the default.';
call app_private.enable_rls('app_private.reference_sources');
insert into app_private.reference_sources (list, path, fields) values
  ('category', 'categories', '{"code": ["CATEGORYCODE", "CATEGORY", "CODE"],
    "description": ["CATEGORYDESC", "DESCRIPTION"], "outOfService": ["OUTOFSERVICE", "NOTUSED"]}'),
  ('class', 'classes', '{"code": ["CLASSCODE", "CLASS", "CODE"], "description": ["CLASSDESC", "DESCRIPTION"],
    "category": ["CATEGORYCODE", "CATEGORY"], "outOfService": ["OUTOFSERVICE", "NOTUSED"]}'),
  ('manufacturer', 'manufacturers', '{"code": ["MANUFACTURERCODE", "MANUFACTURER", "CODE"],
    "description": ["MANUFACTURERDESC", "DESCRIPTION"], "outOfService": ["OUTOFSERVICE", "NOTUSED"]}'),
  ('model', 'models', '{"code": ["MODELCODE", "MODEL", "CODE"], "description": ["MODELDESC", "DESCRIPTION"],
    "manufacturer": ["MANUFACTURERCODE", "MANUFACTURER"], "outOfService": ["OUTOFSERVICE", "NOTUSED"]}'),
  ('equipment', 'equipment', '{"code": ["EQUIPMENTCODE", "EQUIPMENTNO", "EQUIPMENT", "ASSETCODE", "CODE"],
    "description": ["EQUIPMENTDESC", "ASSETDESC", "DESCRIPTION"], "category": ["CATEGORYCODE", "CATEGORY"],
    "class": ["CLASSCODE", "CLASS"], "manufacturer": ["MANUFACTURERCODE", "MANUFACTURER"],
    "model": ["MODELCODE", "MODEL"], "organization": ["ORGANIZATIONCODE", "ORGANIZATION"],
    "outOfService": ["OUTOFSERVICE", "NOTUSED"]}'),
  ('organization', 'organizations', '{"code": ["ORGANIZATIONCODE", "ORGANIZATION", "CODE"],
    "description": ["ORGANIZATIONDESC", "DESCRIPTION"], "outOfService": ["OUTOFSERVICE", "NOTUSED"]}');

create table app_public.reference_entries (
  organization_id integer not null references app_public.organizations on delete cascade,
  list text not null check (list in ('category', 'class', 'manufacturer', 'model', 'equipment')),
  code text not null check (length(code) between 1 and 200),
  parent text not null default '',
  description text not null default '',
  category text,
  class text,
  manufacturer text,
  model text,
  is_out_of_service boolean not null default false,
  missed_reads integer not null default 0 check (missed_reads >= 0),
  first_seen_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, list, code, parent)
);
comment on table app_public.reference_entries is
  E'@behavior -query:resource:single -query:resource:connection\nWhat PEMS lists as possible values of a key of '
  'records.';
comment on column app_public.reference_entries.organization_id is 'The organization.';
comment on column app_public.reference_entries.list is
  'Which key of records the entry is a value for: `category`, `class`, `manufacturer`, `model` or `equipment`.';
comment on column app_public.reference_entries.code is 'The value, as PEMS writes it.';
comment on column app_public.reference_entries.parent is
  'What the entry belongs to: the category of a class, the manufacturer of a model. Empty: nothing.';
comment on column app_public.reference_entries.description is 'What PEMS calls it.';
comment on column app_public.reference_entries.category is 'The category of a class or of equipment.';
comment on column app_public.reference_entries.class is 'The class of equipment.';
comment on column app_public.reference_entries.manufacturer is 'The manufacturer of a model or of equipment.';
comment on column app_public.reference_entries.model is 'The model of equipment.';
comment on column app_public.reference_entries.is_out_of_service is
  'PEMS no longer takes it as a new value. It is not suggested.';
comment on column app_public.reference_entries.missed_reads is
  'How many complete reads in a row did not have it. The second one removes it, unless too many are missing.';
comment on column app_public.reference_entries.first_seen_at is 'When a read first had it.';
comment on column app_public.reference_entries.changed_at is 'When a read last changed it.';
create index reference_entries_code_idx
  on app_public.reference_entries (organization_id, list, lower(code) text_pattern_ops);
comment on index app_public.reference_entries_code_idx is
  'Entries whose code begins with what a user types, and the nearest ones (organizations_suggestions, '
  'nearest_entries).';
create index reference_entries_parent_idx on app_public.reference_entries (organization_id, list, parent);
comment on index app_public.reference_entries_parent_idx is
  'Whether a category has classes and a manufacturer models, and which (judge_values, organizations_suggestions).';
call app_private.enable_rls('app_public.reference_entries');
create policy visitor_select on app_public.reference_entries for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.reference_entries to vanguard_visitor;

create table app_public.reference_runs (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  list text not null check (list in ('category', 'class', 'manufacturer', 'model', 'equipment', 'organization')),
  trigger text not null check (trigger in ('schedule', 'user', 'command')),
  requested_by integer references app_public.users on delete set null,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed')),
  api_configuration_id text references app_public.api_configurations on delete set null,
  rows_read integer not null default 0,
  rows_inserted integer not null default 0,
  rows_updated integer not null default 0,
  rows_missing integer not null default 0,
  rows_removed integer not null default 0,
  rows_withheld integer not null default 0,
  rows_rejected integer not null default 0,
  rejects jsonb not null default '[]' check (jsonb_typeof(rejects) = 'array'),
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  error_code text,
  error_message text,
  error_hint text,
  notice text,
  accepted_at timestamptz,
  accepted_by integer references app_public.users on delete set null,
  primary key (organization_id, id),
  check ((state = 'failed') = (error_code is not null)),
  check ((state in ('succeeded', 'failed')) = (finished_at is not null))
);
comment on table app_public.reference_runs is
  E'@behavior -query:resource:single -query:resource:connection\nOne row for each read of a reference list of an '
  'organization, from request to end.';
comment on column app_public.reference_runs.organization_id is 'The organization.';
comment on column app_public.reference_runs.id is
  'Our key, and the token of the run: a run that is no longer `running` merges nothing.';
comment on column app_public.reference_runs.list is 'The list, as in the entries; `organization` for proposals.';
comment on column app_public.reference_runs.trigger is 'Why: its schedule, a user, a command.';
comment on column app_public.reference_runs.requested_by is 'Which user asked for it.';
comment on column app_public.reference_runs.state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.reference_runs.api_configuration_id is
  E'@behavior -*\nThe connection that it was read over.';
comment on column app_public.reference_runs.rows_read is 'Rows read so far.';
comment on column app_public.reference_runs.rows_inserted is 'New entries; of organizations, new proposals.';
comment on column app_public.reference_runs.rows_updated is 'Entries that changed.';
comment on column app_public.reference_runs.rows_missing is
  'Entries that were missing for the first time; the next complete read decides.';
comment on column app_public.reference_runs.rows_removed is
  'Entries that were missing for the second time, and removed; also those removed later because a user accepted it.';
comment on column app_public.reference_runs.rows_withheld is
  'Entries that were missing for the second time and stay, because they are suspiciously many. An admin can accept '
  'their removal.';
comment on column app_public.reference_runs.rows_rejected is 'Rows that were refused.';
comment on column app_public.reference_runs.rejects is
  'The first 100 refused rows: `[{"position", "code", "reason", "message"}]`, positions from 1.';
comment on column app_public.reference_runs.requested_at is 'When it was asked for.';
comment on column app_public.reference_runs.started_at is 'When it began.';
comment on column app_public.reference_runs.finished_at is 'When it ended.';
comment on column app_public.reference_runs.error_code is 'Why it failed: a stable code.';
comment on column app_public.reference_runs.error_message is 'Why it failed, in a sentence.';
comment on column app_public.reference_runs.error_hint is 'What to do about it.';
comment on column app_public.reference_runs.notice is 'What an admin should know about a run that succeeded.';
comment on column app_public.reference_runs.accepted_at is 'When the removals that were withheld were accepted.';
comment on column app_public.reference_runs.accepted_by is
  'Who accepted them; null when a command did.';
comment on constraint reference_runs_requested_by_fkey on app_public.reference_runs is '@behavior -*';
comment on constraint reference_runs_accepted_by_fkey on app_public.reference_runs is '@behavior -*';
comment on constraint reference_runs_api_configuration_id_fkey on app_public.reference_runs is '@behavior -*';
create unique index reference_runs_queued_key on app_public.reference_runs (organization_id, list)
  where state = 'queued';
comment on index app_public.reference_runs_queued_key is 'A second request while one waits joins it.';
create unique index reference_runs_running_key on app_public.reference_runs (organization_id, list)
  where state = 'running';
comment on index app_public.reference_runs_running_key is 'The run token: one run of a list at a time.';
create index reference_runs_list_idx on app_public.reference_runs (organization_id, list, id desc);
comment on index app_public.reference_runs_list_idx is
  'The newest run of each list (next_reference_read_at, organizations_reference_lists).';
create index reference_runs_finished_at_idx on app_public.reference_runs (organization_id, finished_at);
comment on index app_public.reference_runs_finished_at_idx is 'Which runs are old enough to go.';
create index reference_runs_requested_by_idx on app_public.reference_runs (organization_id, requested_by)
  where requested_by is not null;
comment on index app_public.reference_runs_requested_by_idx is 'Which runs a user asked for; on delete of a user.';
create index reference_runs_accepted_by_idx on app_public.reference_runs (organization_id, accepted_by)
  where accepted_by is not null;
comment on index app_public.reference_runs_accepted_by_idx is
  'Which removals a user accepted; on delete of a user.';
create index reference_runs_api_configuration_id_idx
  on app_public.reference_runs (organization_id, api_configuration_id);
comment on index app_public.reference_runs_api_configuration_id_idx is
  'Which runs used a connection; on delete of a connection.';
call app_private.enable_rls('app_public.reference_runs');
create policy visitor_select on app_public.reference_runs for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.reference_runs to vanguard_visitor;

create unlogged table app_private.reference_staging (
  organization_id integer not null references app_public.organizations on delete cascade,
  run_id bigint not null,
  position integer not null,
  code text,
  parent text not null,
  description text,
  category text,
  class text,
  manufacturer text,
  model text,
  is_out_of_service boolean,
  reason text,
  primary key (organization_id, run_id, position)
);
comment on table app_private.reference_staging is 'Rows of a reference list on their way from PEMS to the entries.';
comment on column app_private.reference_staging.organization_id is 'The organization.';
comment on column app_private.reference_staging.run_id is 'The run.';
comment on column app_private.reference_staging.position is 'The place of the row in the list, from 1.';
comment on column app_private.reference_staging.code is 'As in the entry, cleaned; null: the row has none.';
comment on column app_private.reference_staging.parent is 'As in the entry.';
comment on column app_private.reference_staging.description is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.category is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.class is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.manufacturer is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.model is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.is_out_of_service is 'As in the entry; null: PEMS did not tell it.';
comment on column app_private.reference_staging.reason is 'Why the row is refused; null for a good one.';
create index reference_staging_code_idx on app_private.reference_staging (organization_id, run_id, code, parent);
comment on index app_private.reference_staging_code_idx is
  'Rows that came twice, and entries that a read did not have (merge_reference_run).';
call app_private.enable_rls('app_private.reference_staging');

create table app_public.organization_proposals (
  code text primary key check (length(code) between 1 and 200),
  name text not null check (length(name) between 1 and 200),
  state text not null default 'pending' check (state in ('pending', 'accepted', 'dismissed')),
  api_configuration_id text references app_public.api_configurations on delete set null,
  missed_reads integer not null default 0 check (missed_reads >= 0),
  found_at timestamptz not null default clock_timestamp(),
  decided_at timestamptz,
  decided_by integer references app_public.users on delete set null,
  check ((state = 'pending') = (decided_at is null))
);
comment on table app_public.organization_proposals is
  E'@behavior +query:resource:connection -query:resource:single\nAn organization that PEMS lists and that is not one '
  'here. Administrators accept or dismiss it; nothing is added before.';
comment on column app_public.organization_proposals.code is 'Its code in PEMS.';
comment on column app_public.organization_proposals.name is 'What PEMS calls it.';
comment on column app_public.organization_proposals.state is '`pending`, `accepted` or `dismissed`.';
comment on column app_public.organization_proposals.api_configuration_id is 'The connection that listed it.';
comment on column app_public.organization_proposals.missed_reads is
  E'@behavior -*\nHow many complete reads in a row did not have it. The second one withdraws a pending proposal.';
comment on column app_public.organization_proposals.found_at is 'When it was first found.';
comment on column app_public.organization_proposals.decided_at is 'When it was accepted or dismissed.';
comment on column app_public.organization_proposals.decided_by is 'Who decided; null when a command did.';
comment on constraint organization_proposals_api_configuration_id_fkey on app_public.organization_proposals is
  '@behavior -*';
comment on constraint organization_proposals_decided_by_fkey on app_public.organization_proposals is '@behavior -*';
create index organization_proposals_api_configuration_id_idx
  on app_public.organization_proposals (api_configuration_id);
comment on index app_public.organization_proposals_api_configuration_id_idx is
  'What a connection listed; on delete of a connection.';
create index organization_proposals_decided_by_idx on app_public.organization_proposals (decided_by)
  where decided_by is not null;
comment on index app_public.organization_proposals_decided_by_idx is 'What a user decided; on delete of a user.';
call app_private.enable_rls('app_public.organization_proposals');
create policy visitor_select on app_public.organization_proposals for select to vanguard_visitor
  using (app_core.is_administrator());
grant select on app_public.organization_proposals to vanguard_visitor;

create type app_public.reference_list as (
  list text,
  entry_count integer,
  check_mode text,
  read_at timestamptz,
  last_run_id bigint,
  last_run_state text,
  last_run_error text,
  last_run_hint text,
  notice text,
  withheld_removals integer
);
comment on type app_public.reference_list is 'A reference list of an organization, and how its last read went.';
comment on column app_public.reference_list.list is 'As in the entries.';
comment on column app_public.reference_list.entry_count is 'How many entries it has that may be used.';
comment on column app_public.reference_list.check_mode is
  'What happens to a draft with another value: nothing (`off`), a hint (`warn`), or it is refused (`refuse`). A list '
  'without entries checks nothing.';
comment on column app_public.reference_list.read_at is 'When it was last read completely.';
comment on column app_public.reference_list.last_run_id is 'The newest run.';
comment on column app_public.reference_list.last_run_state is '`queued`, `running`, `succeeded`, `failed`.';
comment on column app_public.reference_list.last_run_error is 'Why the newest run failed, in a sentence.';
comment on column app_public.reference_list.last_run_hint is 'What to do about it.';
comment on column app_public.reference_list.notice is 'What an admin should know about the newest run.';
comment on column app_public.reference_list.withheld_removals is
  'Entries that PEMS no longer lists and that stay until an admin accepts their removal.';

create type app_public.unlisted_value as (
  record_id text,
  key text,
  value text,
  problem text,
  suggestions text[]
);
comment on type app_public.unlisted_value is 'A drafted value that PEMS does not list.';
comment on column app_public.unlisted_value.record_id is 'The record.';
comment on column app_public.unlisted_value.key is 'The key.';
comment on column app_public.unlisted_value.value is 'The value.';
comment on column app_public.unlisted_value.problem is 'What is the matter with it, as the end of a sentence.';
comment on column app_public.unlisted_value.suggestions is 'The nearest values that PEMS lists, the best first.';

--!include app_private/functions/reference_connection.sql
--!include app_private/functions/pems_connection.sql
--!include app_private/functions/reference_setting.sql
--!include app_private/functions/write_reference_setting.sql
--!include app_private/functions/reference_check.sql
--!include app_private/functions/queue_reference_runs.sql
--!include app_private/functions/next_reference_read_at.sql
--!include app_private/functions/dispatch_due_reference_reads.sql
--!include app_private/functions/begin_reference_run.sql
--!include app_private/functions/stage_reference_rows.sql
--!include app_private/functions/merge_reference_entries.sql
--!include app_private/functions/merge_organization_proposals.sql
--!include app_private/functions/merge_reference_run.sql
--!include app_private/functions/fail_reference_run.sql
--!include app_private/functions/accept_reference_removals.sql
--!include app_private/functions/decide_organization_proposal.sql
--!include app_core/functions/trigrams.sql
--!include app_private/functions/nearest_entries.sql
--!include app_private/functions/judge_values.sql
--!include app_private/functions/refused_changes.sql
--!include app_private/functions/commit_records.sql
--!include app_public/functions/resolve_problems.sql
--!include app_public/functions/request_lists.sql
--!include app_public/functions/accept_list_removals.sql
--!include app_public/functions/accept_organization.sql
--!include app_public/functions/dismiss_organization.sql
--!include app_public/functions/organizations_suggestions.sql
--!include app_public/functions/organizations_reference_lists.sql
--!include app_public/functions/organizations_unlisted_values.sql
