--! Previous: sha1:a13e75665f826cf59ce9e180827cb12fb50d4586
--! Hash: sha1:9cfb54311940cb48bc6b8d4be13373f1351aeb5b
--! Message: reference lists

--! split: 1-current.sql
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

--! Included app_private/functions/reference_connection.sql
create or replace function app_private.reference_connection(organization_id integer, entity_type text) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
      select c.id
      from app_public.data_source_mappings d
      join app_public.api_configurations c on c.id = d.api_configuration_id
      join app_public.pems_settings s on s.api_configuration_id = c.id
      where d.entity_type = reference_connection.entity_type and d.is_active
        and c.operation_type in ('read', 'read-write') and c.url is not null
        and (d.organization_id = reference_connection.organization_id or d.organization_id is null)
        -- Lists of the simulator say nothing about records of a real PEMS.
        and c.is_simulated = (select r.is_simulated from app_public.api_configurations r
          where r.id = app_private.pull_connection(reference_connection.organization_id))
      order by d.organization_id nulls last, d.priority, c.id
      limit 1),
    app_private.pull_connection(reference_connection.organization_id));
end;
comment on function app_private.reference_connection(integer, text) is
  'Returns the id of the connection that a kind of reference lists is read over (an entity type of '
  'data_source_mappings): the one that is mapped to it, else the one that records are read over. Null if there is '
  'none.';
grant execute on function app_private.reference_connection(integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/reference_connection.sql
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
    when 'read' then app_private.pull_connection(pems_connection.organization_id)
    else app_private.reference_connection(pems_connection.organization_id, pems_connection.purpose)
  end;
end;
comment on function app_private.pems_connection(integer, text) is
  'The connection that records of an organization are read (`read`) or written (`write`) over, or that reference '
  'lists are read over (`asset_master`, `classifications`, `organizations`); no row: none.';
grant execute on function app_private.pems_connection(integer, text) to vanguard_worker;
--! EndIncluded app_private/functions/pems_connection.sql
--! Included app_private/functions/reference_setting.sql
create or replace function app_private.reference_setting(api_configuration_id text)
  returns table (check_mode text, every interval)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(s.check_mode, 'warn'), coalesce(s.every, '1 day')
  from (select 1) one
  left join app_private.reference_settings s on s.api_configuration_id = reference_setting.api_configuration_id;
end;
comment on function app_private.reference_setting(text) is
  'Returns how the reference lists of a connection are used, defaults included.';
--! EndIncluded app_private/functions/reference_setting.sql
--! Included app_private/functions/write_reference_setting.sql
create or replace function app_private.write_reference_setting(api_configuration_id text, check_mode text,
  every interval) returns boolean
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if not exists (select from app_public.pems_settings p
    where p.api_configuration_id = write_reference_setting.api_configuration_id) then
    return false;
  end if;
  insert into app_private.reference_settings as s (api_configuration_id, check_mode, every)
  select write_reference_setting.api_configuration_id, coalesce(write_reference_setting.check_mode, n.check_mode),
    coalesce(write_reference_setting.every, n.every)
  from app_private.reference_setting(write_reference_setting.api_configuration_id) n
  on conflict (api_configuration_id) do update set check_mode = excluded.check_mode, every = excluded.every;
  return true;
end;
$$;
comment on function app_private.write_reference_setting(text, text, interval) is
  'Changes how the reference lists of a connection to PEMS are used; null leaves a setting as it is. False: there is '
  'no such connection.';
--! EndIncluded app_private/functions/write_reference_setting.sql
--! Included app_private/functions/reference_check.sql
create or replace function app_private.reference_check(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce((
    select s.check_mode
    from (select app_private.pull_connection(reference_check.organization_id) as id) c
    cross join lateral app_private.reference_setting(c.id) s
    where c.id is not null), 'off');
end;
comment on function app_private.reference_check(integer) is
  'What happens to drafts of an organization with values that PEMS does not list: `off`, `warn` or `refuse`.';
--! EndIncluded app_private/functions/reference_check.sql
--! Included app_private/functions/queue_reference_runs.sql
create or replace function app_private.queue_reference_runs(organization_id integer, trigger text,
  requested_by integer) returns setof app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := queue_reference_runs.organization_id;
begin
  insert into app_public.reference_runs as r (organization_id, list, trigger, requested_by, api_configuration_id)
  select p_organization_id, d.list, queue_reference_runs.trigger, queue_reference_runs.requested_by, c.id
  from app_private.reference_sources d
  cross join lateral (
    select app_private.reference_connection(p_organization_id, case
      when d.list in ('category', 'class') then 'classifications'
      when d.list = 'organization' then 'organizations'
      else 'asset_master'
    end) as id
  ) c
  left join app_private.reference_sources o on o.api_configuration_id = c.id and o.list = d.list
  where d.api_configuration_id is null and c.id is not null and (o.id is null or o.path is not null)
    -- One list of organizations for all that share a connection.
    and (d.list <> 'organization' or queue_reference_runs.trigger <> 'schedule' or not exists (
      select from app_public.reference_runs l
      where l.list = 'organization' and l.api_configuration_id = c.id
        and l.requested_at > clock_timestamp() - (select s.every from app_private.reference_setting(c.id) s)))
  order by d.id
  on conflict (organization_id, list) where state = 'queued' do update
    set trigger = case when r.trigger = 'schedule' then excluded.trigger else r.trigger end,
      requested_by = case when r.trigger = 'schedule' then excluded.requested_by else r.requested_by end,
      requested_at = clock_timestamp();
  if exists (select from app_public.reference_runs r
    where r.organization_id = p_organization_id and r.state = 'queued') then
    perform graphile_worker.add_job(
      'pfa__read_lists',
      json_build_object('organizationId', p_organization_id),
      queue_name => 'lists:' || p_organization_id,
      job_key => 'lists:' || p_organization_id,
      job_key_mode => 'preserve_run_at',
      max_attempts => 25);
  end if;
  return query select r.* from app_public.reference_runs r
    where r.organization_id = p_organization_id and r.state = 'queued' order by r.id;
end;
$$;
comment on function app_private.queue_reference_runs(integer, text, integer) is
  'Queues a read of each reference list of an organization, in the same transaction, and returns them. Joins those '
  'that already wait.';
--! EndIncluded app_private/functions/queue_reference_runs.sql
--! Included app_private/functions/next_reference_read_at.sql
create or replace function app_private.next_reference_read_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  cross join lateral (select app_private.pull_connection(o.id) as id) c
  cross join lateral app_private.reference_setting(c.id) e
  cross join lateral (
    select min(l.requested_at) filter (where l.state = 'queued') as queued_at,
      coalesce(bool_or(l.state = 'running'), false) as is_running, max(l.finished_at) as finished_at,
      coalesce(bool_or(l.state = 'failed'), false) as has_failed
    from (
      select distinct on (l.list) l.state, l.requested_at, l.finished_at
      from app_public.reference_runs l where l.organization_id = o.id order by l.list, l.id desc
    ) l
  ) last
  cross join lateral (
    select case
      when last.is_running then null
      when last.queued_at is not null then last.queued_at + interval '1 minute'
      when last.finished_at is null then clock_timestamp()
      when last.has_failed then last.finished_at + least(e.every, interval '1 hour')
      else last.finished_at + e.every
    end as at
  ) r
  left join lateral (
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to,
      coalesce(s.time_zone, 'UTC')) as until
    where last.queued_at is null
  ) q on true
  where o.id = next_reference_read_at.organization_id and o.is_active and c.id is not null
    and (s.paused_at is null or last.queued_at is not null)
    -- Records come first.
    and (last.queued_at is not null or exists (select from app_public.pfa_sync_log l
      where l.organization_id = o.id and l.state = 'succeeded'));
end;
comment on function app_private.next_reference_read_at(integer) is
  'When the reference lists of an organization are to be read again: a day (or what the connection says) after the '
  'last read, an hour after a failure, never in quiet hours. A request that has waited a minute gets its job again '
  'in case it was lost. Null while they are read, before the first sync, and for an organization that is paused, '
  'disabled or not connected.';
--! EndIncluded app_private/functions/next_reference_read_at.sql
--! Included app_private/functions/dispatch_due_reference_reads.sql
create or replace function app_private.dispatch_due_reference_reads() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards whether the organization was due.
  with due as materialized (
    select o.id from app_public.organizations o
    where app_private.next_reference_read_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_reference_runs(d.id, 'schedule', null) q;
end;
comment on function app_private.dispatch_due_reference_reads() is
  'Queues reads of the reference lists of every organization that is due (next_reference_read_at). Returns how many '
  'lists.';
grant execute on function app_private.dispatch_due_reference_reads() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_due_reference_reads.sql
--! Included app_private/functions/begin_reference_run.sql
create or replace function app_private.begin_reference_run(organization_id integer)
  returns table (id bigint, list text, entity_type text, organization text, path text, fields jsonb)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_reference_run.organization_id;
  run app_public.reference_runs;
begin
  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at
  -- a time. It is repeated once; what ends two workers waits for the schedule, or for somebody to ask.
  with lost as (
    update app_public.reference_runs r
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
      error_message = 'The worker that did this run stopped before its end.',
      error_hint = 'Nothing to do: the list is read again.'
    where r.organization_id = p_organization_id and r.state = 'running'
    returning r.id, r.list, r.trigger, r.requested_by, r.api_configuration_id
  )
  insert into app_public.reference_runs (organization_id, list, trigger, requested_by, api_configuration_id)
  select p_organization_id, l.list, l.trigger, l.requested_by, l.api_configuration_id
  from lost l
  where (
    select p.error_code from app_public.reference_runs p
    where p.organization_id = p_organization_id and p.list = l.list and p.id < l.id order by p.id desc limit 1
  ) is distinct from 'WORKER_LOST'
  on conflict (organization_id, list) where state = 'queued' do nothing;

  update app_public.reference_runs r set state = 'running', started_at = clock_timestamp()
  where r.organization_id = p_organization_id and r.id = (
    select min(q.id) from app_public.reference_runs q
    where q.organization_id = p_organization_id and q.state = 'queued')
  returning r.* into run;
  delete from app_private.reference_staging s where s.organization_id = p_organization_id;
  if run.id is null then
    return;
  end if;
  return query
    select run.id, run.list,
      case when run.list in ('category', 'class') then 'classifications' when run.list = 'organization' then
        'organizations' else 'asset_master' end,
      o.code, coalesce(own.path, d.path), coalesce(own.fields, d.fields)
    from app_public.organizations o
    join app_private.reference_sources d on d.api_configuration_id is null and d.list = run.list
    left join app_private.reference_sources own
      on own.api_configuration_id = run.api_configuration_id and own.list = run.list
    where o.id = p_organization_id;
end;
$$;
comment on function app_private.begin_reference_run(integer) is
  'Starts the next queued read of a reference list of an organization and returns what to read; no row: none waits. '
  'Queues a list again whose worker died, once.';
grant execute on function app_private.begin_reference_run(integer) to vanguard_worker;
--! EndIncluded app_private/functions/begin_reference_run.sql
--! Included app_private/functions/stage_reference_rows.sql
create or replace function app_private.stage_reference_rows(organization_id integer, run_id bigint, rows jsonb)
  returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := stage_reference_rows.organization_id;
  p_run_id constant bigint := stage_reference_rows.run_id;
  run app_public.reference_runs;
begin
  update app_public.reference_runs r
  set rows_read = r.rows_read + jsonb_array_length(stage_reference_rows.rows)
  where r.organization_id = p_organization_id and r.id = p_run_id and r.state = 'running'
  returning r.* into run;
  if run.id is null then
    return false;
  end if;
  insert into app_private.reference_staging (organization_id, run_id, position, code, parent, description, category,
    class, manufacturer, model, is_out_of_service, reason)
  select p_organization_id, p_run_id,
    run.rows_read - jsonb_array_length(stage_reference_rows.rows) + r.number,
    left(c.code, 300),
    coalesce(case run.list when 'class' then c.category when 'model' then c.manufacturer end, ''),
    left(c.description, 500), c.category, c.class, c.manufacturer, c.model, c.is_out_of_service,
    case
      -- Members of this organization read the rejects: what another one has is not for them.
      when run.list = 'equipment' and not c.organization in (o.code, '*') then 'other-organization'
      when c.code is null then 'missing-code'
      when length(c.code) > coalesce(f.max_length, 50) then 'too-long'
      when c.code ~ '[\u0001-\u001f\u007f]' then 'control-characters'
    end
  from jsonb_array_elements(stage_reference_rows.rows) with ordinality r (value, number)
  join app_public.organizations o on o.id = p_organization_id
  left join app_public.pfa_fields f on f.key = run.list
  cross join lateral (
    select nullif(app_core.cleaned_text(r.value->>'code'), '') as code,
      app_core.cleaned_text(r.value->>'description') as description,
      nullif(left(app_core.cleaned_text(r.value->>'category'), 200), '') as category,
      nullif(left(app_core.cleaned_text(r.value->>'class'), 200), '') as class,
      nullif(left(app_core.cleaned_text(r.value->>'manufacturer'), 200), '') as manufacturer,
      nullif(left(app_core.cleaned_text(r.value->>'model'), 200), '') as model,
      nullif(app_core.cleaned_text(r.value->>'organization'), '') as organization,
      lower(r.value->>'outOfService') in ('+', 'true', '1', '-1', 'y', 'yes') as is_out_of_service
  ) c;
  return true;
end;
$$;
comment on function app_private.stage_reference_rows(integer, bigint, jsonb) is
  'Puts a page of a list into staging, `[{"code", "description", "category", "class", "manufacturer", "model", '
  '"organization", "outOfService"}]`, cleaned as drafts are, and judges each row. False: the run is no longer '
  'current and should stop.';
grant execute on function app_private.stage_reference_rows(integer, bigint, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/stage_reference_rows.sql
--! Included app_private/functions/merge_reference_entries.sql
create or replace function app_private.merge_reference_entries(run app_public.reference_runs)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  limits constant app_public.organization_limits := app_private.limits_of(run.organization_id);
  live bigint;
  confirmed bigint;
begin
  with written as (
    insert into app_public.reference_entries as e (organization_id, list, code, parent, description, category, class,
      manufacturer, model, is_out_of_service)
    select run.organization_id, run.list, s.code, s.parent, coalesce(s.description, ''), s.category, s.class,
      s.manufacturer, s.model, coalesce(s.is_out_of_service, false)
    from app_private.reference_staging s
    where s.organization_id = run.organization_id and s.run_id = run.id and s.reason is null
    on conflict (organization_id, list, code, parent) do update
      set description = coalesce(nullif(excluded.description, ''), e.description),
        category = coalesce(excluded.category, e.category), class = coalesce(excluded.class, e.class),
        manufacturer = coalesce(excluded.manufacturer, e.manufacturer), model = coalesce(excluded.model, e.model),
        is_out_of_service = excluded.is_out_of_service, missed_reads = 0, changed_at = clock_timestamp()
      where (e.description, e.category, e.class, e.manufacturer, e.model, e.is_out_of_service, e.missed_reads)
        is distinct from (coalesce(nullif(excluded.description, ''), e.description),
          coalesce(excluded.category, e.category), coalesce(excluded.class, e.class),
          coalesce(excluded.manufacturer, e.manufacturer), coalesce(excluded.model, e.model),
          excluded.is_out_of_service, 0)
    returning (xmax = 0) as is_new
  )
  select count(*) filter (where w.is_new), count(*) filter (where not w.is_new)
  into run.rows_inserted, run.rows_updated
  from written w;

  -- A row that is refused is there all the same: nothing is known of it but that.
  with missing as (
    update app_public.reference_entries e set missed_reads = e.missed_reads + 1
    where e.organization_id = run.organization_id and e.list = run.list and not exists (
      select from app_private.reference_staging s
      where s.organization_id = run.organization_id and s.run_id = run.id and s.code = e.code
        and (s.parent = e.parent or s.reason is not null))
    returning e.missed_reads
  )
  select count(*) filter (where m.missed_reads = 1), count(*) filter (where m.missed_reads > 1)
  into run.rows_missing, confirmed
  from missing m;
  if confirmed > 0 then
    select count(*) into live from app_public.reference_entries e
    where e.organization_id = run.organization_id and e.list = run.list;
    if app_private.is_much(confirmed, live, limits.removed_percent, limits.least_records) then
      run.rows_withheld := confirmed;
      run.notice := format('PEMS no longer lists %s of %s entries of the list %s. They stay until an owner or admin '
        'accepts their removal.', confirmed, live, run.list);
    else
      delete from app_public.reference_entries e
      where e.organization_id = run.organization_id and e.list = run.list and e.missed_reads > 1;
      run.rows_removed := confirmed;
    end if;
  end if;
  return run;
end;
$$;
comment on function app_private.merge_reference_entries(app_public.reference_runs) is
  'Makes the entries of a list what a complete read brought. An entry goes when two reads in a row did not have it, '
  'unless these are suspiciously many (limits_of). What PEMS no longer tells of an entry stays as it was.';
--! EndIncluded app_private/functions/merge_reference_entries.sql
--! Included app_private/functions/merge_organization_proposals.sql
create or replace function app_private.merge_organization_proposals(run app_public.reference_runs)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  with written as (
    insert into app_public.organization_proposals as p (code, name, api_configuration_id)
    select s.code, left(coalesce(nullif(s.description, ''), s.code), 200), run.api_configuration_id
    from app_private.reference_staging s
    where s.organization_id = run.organization_id and s.run_id = run.id and s.reason is null
      and s.is_out_of_service is distinct from true
      -- For the head office: it stands for all.
      and s.code <> '*'
      and not exists (select from app_public.organizations o where o.code = s.code)
    order by s.code
    on conflict (code) do update set name = excluded.name, missed_reads = 0
      where p.state = 'pending' and (p.name, p.missed_reads) is distinct from (excluded.name, 0)
    returning (xmax = 0) as is_new
  )
  select count(*) filter (where w.is_new), count(*) filter (where not w.is_new)
  into run.rows_inserted, run.rows_updated
  from written w;
  with missing as (
    update app_public.organization_proposals p set missed_reads = p.missed_reads + 1
    where p.state = 'pending' and p.api_configuration_id = run.api_configuration_id and not exists (
      select from app_private.reference_staging s
      where s.organization_id = run.organization_id and s.run_id = run.id and s.code = p.code
        and s.is_out_of_service is distinct from true)
    returning p.missed_reads
  )
  select count(*) filter (where m.missed_reads = 1), count(*) filter (where m.missed_reads > 1)
  into run.rows_missing, run.rows_removed
  from missing m;
  delete from app_public.organization_proposals p
  where p.state = 'pending' and p.missed_reads > 1
    -- It may have been added by hand meanwhile.
    or p.state = 'pending' and exists (select from app_public.organizations o where o.code = p.code);
  return run;
end;
$$;
comment on function app_private.merge_organization_proposals(app_public.reference_runs) is
  'Proposes the organizations of a complete read that are none here. A decision stays; a pending proposal goes when '
  'two reads in a row did not have it.';
--! EndIncluded app_private/functions/merge_organization_proposals.sql
--! Included app_private/functions/merge_reference_run.sql
create or replace function app_private.merge_reference_run(organization_id integer, run_id bigint)
  returns app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_reference_run.organization_id;
  p_run_id constant bigint := merge_reference_run.run_id;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  run app_public.reference_runs;
begin
  select r.* into run from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment; proposals are of all organizations.
  perform pg_advisory_xact_lock(hashtext('reference ' || run.list),
    case when run.list = 'organization' then 0 else p_organization_id end);

  -- A row that a moving cursor brought twice is the same row; two different ones of one entry are both refused.
  delete from app_private.reference_staging s
  using (
    select t.position, row_number() over (partition by t.code, t.parent, t.description, t.category, t.class,
      t.manufacturer, t.model, t.is_out_of_service order by t.position) as number
    from app_private.reference_staging t
    where t.organization_id = p_organization_id and t.run_id = p_run_id and t.reason is null
  ) twice
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.position = twice.position
    and twice.number > 1;
  update app_private.reference_staging s set reason = 'duplicate'
  from (
    select t.code, t.parent from app_private.reference_staging t
    where t.organization_id = p_organization_id and t.run_id = p_run_id and t.reason is null
    group by t.code, t.parent having count(*) > 1
  ) twice
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and s.code = twice.code and s.parent = twice.parent;
  select count(*), coalesce(jsonb_agg(jsonb_build_object('position', r.position,
      'code', case when r.reason <> 'other-organization' then left(r.code, 100) end, 'reason', r.reason,
      'message', case r.reason
        when 'missing-code' then 'The row has no code.'
        when 'too-long' then 'The code is longer than a record can hold.'
        when 'control-characters' then 'The code contains control characters, such as a line break.'
        when 'duplicate' then 'The list has different rows with this code.'
        when 'other-organization' then 'The row belongs to another organization.'
      end) order by r.position) filter (where r.number <= 100), '[]')
  into run.rows_rejected, run.rejects
  from (
    select s.position, s.code, s.reason, row_number() over (order by s.position) as number
    from app_private.reference_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null
  ) r;

  if app_private.is_much(run.rows_rejected, run.rows_read, limits.refused_percent, limits.least_records) then
    run.state := 'failed';
    run.error_code := 'LIST_ROWS_REFUSED';
    run.error_message := format('%s of %s rows of the list %s cannot be used, the first because: %s',
      run.rows_rejected, run.rows_read, run.list, run.rejects->0->>'message');
    run.error_hint := 'Nothing was changed. Correct the names of its fields with `npx vanguard lists settings`.';
  else
    if run.list = 'organization' then
      run := app_private.merge_organization_proposals(run);
    else
      run := app_private.merge_reference_entries(run);
    end if;
    run.state := 'succeeded';
  end if;
  delete from app_private.reference_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  update app_public.reference_runs r
  set state = run.state, finished_at = clock_timestamp(), rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_missing = run.rows_missing, rows_removed = run.rows_removed,
    rows_withheld = run.rows_withheld, rows_rejected = run.rows_rejected, rejects = run.rejects, notice = run.notice,
    error_code = run.error_code, error_message = run.error_message, error_hint = run.error_hint
  where r.organization_id = p_organization_id and r.id = p_run_id
  returning r.* into run;
  -- A hundred runs of each list tell enough.
  delete from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.list = run.list and r.id < (
    select min(k.id) from (
      select l.id from app_public.reference_runs l
      where l.organization_id = p_organization_id and l.list = run.list order by l.id desc limit 100
    ) k);
  return run;
end;
$$;
comment on function app_private.merge_reference_run(integer, bigint) is
  'Ends a complete read of a reference list: refuses rows, and merges the others unless too many are refused. Refuses '
  'with VG409 when the run is no longer current.';
grant execute on function app_private.merge_reference_run(integer, bigint) to vanguard_worker;
--! EndIncluded app_private/functions/merge_reference_run.sql
--! Included app_private/functions/fail_reference_run.sql
create or replace function app_private.fail_reference_run(organization_id integer, run_id bigint, code text,
  message text, hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.reference_staging s
  where s.organization_id = fail_reference_run.organization_id and s.run_id = fail_reference_run.run_id;
  update app_public.reference_runs r
  set state = 'failed', finished_at = clock_timestamp(), error_code = fail_reference_run.code,
    error_message = fail_reference_run.message, error_hint = fail_reference_run.hint
  where r.organization_id = fail_reference_run.organization_id and r.id = fail_reference_run.run_id
    and r.state = 'running';
end;
comment on function app_private.fail_reference_run(integer, bigint, text, text, text) is
  'Ends a read of a reference list that did not work out; the entries stay as they were.';
grant execute on function app_private.fail_reference_run(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/fail_reference_run.sql
--! Included app_private/functions/accept_reference_removals.sql
create or replace function app_private.accept_reference_removals(organization_id integer, list text, user_id integer)
  returns app_public.reference_runs
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := accept_reference_removals.organization_id;
  p_list constant text := accept_reference_removals.list;
  run app_public.reference_runs;
  removed integer;
begin
  perform pg_advisory_xact_lock(hashtext('reference ' || p_list), p_organization_id);
  select r.* into run from app_public.reference_runs r
  where r.organization_id = p_organization_id and r.list = p_list and r.state = 'succeeded'
  order by r.id desc limit 1;
  if run.id is null or run.rows_withheld = 0 then
    raise exception 'No removals of the list % wait to be accepted.', quote_literal(coalesce(p_list, ''))
      using errcode = 'VG404', hint = 'The notice of a reference list tells when some do.';
  end if;
  if run.accepted_at is not null then
    return run;
  end if;
  delete from app_public.reference_entries e
  where e.organization_id = p_organization_id and e.list = p_list and e.missed_reads > 1;
  get diagnostics removed = row_count;
  update app_public.reference_runs r
  set rows_removed = r.rows_removed + removed, notice = null, accepted_at = clock_timestamp(),
    accepted_by = accept_reference_removals.user_id
  where r.organization_id = p_organization_id and r.id = run.id
  returning r.* into run;
  return run;
end;
$$;
comment on function app_private.accept_reference_removals(integer, text, integer) is
  'Removes the entries of a list that the last read withheld, and notes who accepted it. A second time it '
  'changes nothing. VG404: none wait.';
--! EndIncluded app_private/functions/accept_reference_removals.sql
--! Included app_private/functions/decide_organization_proposal.sql
create or replace function app_private.decide_organization_proposal(code text, is_accepted boolean, user_id integer)
  returns app_public.organization_proposals
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_code constant text := decide_organization_proposal.code;
  proposal app_public.organization_proposals;
begin
  select p.* into proposal from app_public.organization_proposals p where p.code = p_code for update;
  if proposal.code is null then
    raise exception 'PEMS proposes no organization %.', quote_literal(coalesce(p_code, ''))
      using errcode = 'VG404', hint = 'List the proposals first; codes are case-sensitive.';
  end if;
  if proposal.state = 'accepted' then
    raise exception 'The organization % was accepted before.', p_code
      using errcode = 'VG409', hint = 'It is one of the organizations already.';
  end if;
  if decide_organization_proposal.is_accepted then
    begin
      insert into app_public.organizations (code, name) values (proposal.code, proposal.name);
    exception
      when unique_violation then
        raise exception 'There is an organization % already.', p_code
          using errcode = 'VG409', hint = 'Dismiss the proposal.';
      when check_violation then
        raise exception 'The code % cannot be that of an organization here.', quote_literal(p_code)
          using errcode = 'VG422', hint = 'Give the organization another code in PEMS, or dismiss the proposal.';
    end;
  end if;
  update app_public.organization_proposals p
  set state = case when decide_organization_proposal.is_accepted then 'accepted' else 'dismissed' end,
    decided_at = clock_timestamp(), decided_by = decide_organization_proposal.user_id
  where p.code = p_code
  returning p.* into proposal;
  return proposal;
end;
$$;
comment on function app_private.decide_organization_proposal(text, boolean, integer) is
  'Accepts a proposed organization, which adds it with its code and name, or dismisses it. A dismissed one can still '
  'be accepted. VG404, VG409 or VG422 say why not.';
--! EndIncluded app_private/functions/decide_organization_proposal.sql
--! Included app_core/functions/trigrams.sql
create or replace function app_core.trigrams(text text) returns text[]
  language sql immutable strict parallel safe
  return array(
    select distinct substr(p.padded, n, 3)
    from (select '  ' || left(lower(text), 60) || ' ' as padded) p
    cross join generate_series(1, length(p.padded) - 2) n
  );
comment on function app_core.trigrams(text) is
  'The parts of three characters of the first 60 of a text, in lower case: texts that share many are alike.';
--! EndIncluded app_core/functions/trigrams.sql
--! Included app_private/functions/nearest_entries.sql
create or replace function app_private.nearest_entries(organization_id integer, list text, value text, parent text)
  returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with candidate as (
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
      order by lower(e.code) limit 500
    )
    union
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
        and lower(e.code) ~>=~ lower(nearest_entries.value)
      order by lower(e.code) using ~<~ limit 50
    )
    union
    (
      select e.code from app_public.reference_entries e
      where e.organization_id = nearest_entries.organization_id and e.list = nearest_entries.list
        and (nearest_entries.parent is null or e.parent = nearest_entries.parent) and not e.is_out_of_service
        and lower(e.code) ~<~ lower(nearest_entries.value)
      order by lower(e.code) using ~>~ limit 50
    )
  )
  select coalesce(array_agg(n.code order by n.likeness desc, n.code), '{}')
  from (
    select c.code, l.likeness
    from candidate c
    cross join lateral (
      select (2.0 * cardinality(array(select unnest(t.own) intersect select unnest(t.asked))))
        / nullif(cardinality(t.own) + cardinality(t.asked), 0) as likeness
      from (select app_core.trigrams(c.code) as own, app_core.trigrams(nearest_entries.value) as asked) t
    ) l
    where l.likeness >= 0.3
    order by l.likeness desc, c.code limit 3
  ) n;
end;
comment on function app_private.nearest_entries(integer, text, text, text) is
  'Up to three codes of a list that are most like a value, the best first; with a parent, only of that one. Of a long '
  'list it compares the beginning and what is near in the alphabet.';
--! EndIncluded app_private/functions/nearest_entries.sql
--! Included app_private/functions/judge_values.sql
create or replace function app_private.judge_values(organization_id integer, items jsonb)
  returns setof app_public.unlisted_value
  language sql stable strict
  set search_path = pg_catalog, pg_temp
begin atomic
  with item as materialized (
    select i."recordId" as record_id, i.key, i.value,
      nullif(case i.key when 'class' then i.category when 'model' then i.manufacturer end, '') as parent
    from jsonb_to_recordset(judge_values.items) i ("recordId" text, key text, value text, category text,
      manufacturer text)
    where i.value <> '' and i.key in ('category', 'class', 'manufacturer', 'model', 'equipment')
  ),
  -- A list without entries says nothing: what PEMS does not tell is unknown.
  known as materialized (
    select e.list, count(*) as entries from app_public.reference_entries e
    where e.organization_id = judge_values.organization_id and e.list in (select i.key from item i)
      and not e.is_out_of_service
    group by e.list
  ),
  asked as materialized (
    select a.key, a.value, a.parent, k.entries, p.entries as of_parent
    from (select distinct i.key, i.value, i.parent from item i) a
    join known k on k.list = a.key
    -- A category without classes, and a manufacturer without models, allow any.
    cross join lateral (
      select count(*) as entries from app_public.reference_entries e
      where e.organization_id = judge_values.organization_id and e.list = a.key and e.parent = a.parent
        and not e.is_out_of_service
    ) p
  ),
  wrong as materialized (
    select a.*, row_number() over (order by a.key, a.value, a.parent) as number
    from asked a
    where not exists (
      select from app_public.reference_entries e
      where e.organization_id = judge_values.organization_id and e.list = a.key and e.code = a.value
        and not e.is_out_of_service and (a.of_parent = 0 or e.parent in ('', a.parent)))
  ),
  told as materialized (
    select w.key, w.value, w.parent, n.codes,
      format('is %s, which %s', to_json(w.value), case
        when w.of_parent > 0 then format('is not among the %s that PEMS lists for %s', w.of_parent, to_json(w.parent))
        else format('is not among the %s that PEMS lists', w.entries)
      end)
      || case when cardinality(n.codes) > 0 then format('; near it %s %s', case cardinality(n.codes) when 1 then 'is'
        else 'are' end, (select string_agg(to_json(c)::text, ', ' order by o)
          from unnest(n.codes) with ordinality u (c, o))) else '' end as problem
    from wrong w
    -- So many are compared in a moment; whoever has more of them corrects these first.
    cross join lateral (
      select case when w.number <= 20 then app_private.nearest_entries(judge_values.organization_id, w.key, w.value,
        case when w.of_parent > 0 then w.parent end) else '{}' end as codes
    ) n
  )
  select (i.record_id, i.key, i.value, t.problem, t.codes)::app_public.unlisted_value
  from item i
  join told t on t.key = i.key and t.value = i.value and t.parent is not distinct from i.parent
  order by i.record_id, i.key;
end;
comment on function app_private.judge_values(integer, jsonb) is
  'Which of `[{"recordId", "key", "value", "category", "manufacturer"}]` have a value that PEMS does not list, with '
  'the reason as the end of a sentence and the nearest ones. The category of a class and the manufacturer of a model '
  'narrow the list.';
--! EndIncluded app_private/functions/judge_values.sql
--! Included app_private/functions/refused_changes.sql
create or replace function app_private.refused_changes(
  organization_id integer, user_id integer, items jsonb, out missing jsonb, out moved jsonb, out unfit jsonb
)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with item as materialized (
    select i->>'recordId' as id, i ? 'revision' as has_revision, (i->>'revision')::bigint as revision,
      i->'changes' as changes,
      m.revision as current_revision, m.data, m.underlay, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(refused_changes.items) i
    left join app_private.merged_for(refused_changes.organization_id, refused_changes.user_id,
      array(select n->>'recordId' from jsonb_array_elements(refused_changes.items) n)) m on m.pfa_id = i->>'recordId'
  ),
  -- Nothing is looked up unless unlisted values are refused here.
  unlisted as materialized (
    select u.record_id, u.key, u.problem, u.suggestions
    from app_private.judge_values(refused_changes.organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', c.key, 'value', app_core.cleaned(c.value),
        'category', coalesce(i.changes->'category', i.data->'category'),
        'manufacturer', coalesce(i.changes->'manufacturer', i.data->'manufacturer')))
      from item i
      cross join jsonb_each(i.changes) c
      where app_private.reference_check(refused_changes.organization_id) = 'refuse' and not i.is_missing
        and c.key in ('category', 'class', 'manufacturer', 'model', 'equipment') and jsonb_typeof(c.value) = 'string'
        -- What the record has already, and what it goes back to, is no new value.
        and app_core.cleaned(c.value) is distinct from i.data->c.key
        and app_core.cleaned(c.value) is distinct from i.underlay->c.key)) u
  ),
  wrong as materialized (
    select i.id, c.key, c.value, coalesce(p.problem, u.problem) as problem,
      case when p.problem is null then u.suggestions end as suggestions
    from item i
    cross join jsonb_each(i.changes) c
    left join app_public.pfa_fields f on f.key = c.key
    left join app_private.field_mapping(refused_changes.organization_id) w on w.key = c.key
    cross join lateral (select app_private.key_problem(f, w.screen_field, i.data,
      app_core.cleaned(c.value)) as problem) p
    left join unlisted u on u.record_id = i.id and u.key = c.key
    where (p.problem is not null or u.problem is not null) and not i.is_missing
  )
  select
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'there is no such record') order by i.id)
      from item i where i.is_missing
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'it changed since you saw it',
        'revision', i.revision, 'currentRevision', i.current_revision,
        'current', (select jsonb_object_agg(k, coalesce(i.data->k, 'null')) from jsonb_object_keys(i.changes) k),
        'latestChanges', (
          select coalesce(jsonb_agg(jsonb_build_object('route', l.route, 'by', l.username, 'at', l.changed_at,
            'changes', l.changes) order by l.id desc), '[]')
          from (
            select c.id, c.route, u.username, c.changed_at, c.changes
            from app_core.pfa_change c left join app_public.users u on u.id = c.user_id
            where c.organization_id = refused_changes.organization_id and c.pfa_id = i.id
              and (not app_core.is_private_route(c.route) or c.user_id = refused_changes.user_id)
            order by c.id desc limit 3
          ) l
        )) order by i.id)
      from item i where i.has_revision and not i.is_missing and i.revision is distinct from i.current_revision
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', w.id, 'key', w.key, 'value', w.value, 'problem', w.problem)
          || case when w.suggestions is null then '{}' else jsonb_build_object('suggestions', w.suggestions) end
        order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem, w.suggestions from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key),
          null
        from item i
        cross join lateral (
          select i.data || jsonb_object_agg(c.key, app_core.cleaned(c.value)) as data from jsonb_each(i.changes) c) n
        cross join lateral app_private.reversed_dates(n.data) r
        where not i.is_missing and i.changes ?| array[r.first_key, r.last_key]
          and not exists (select from wrong w where w.id = i.id)
      ) w
    );
end;
comment on function app_private.refused_changes(integer, integer, jsonb) is
  'All that is wrong with `[{"recordId", "changes": {key: value}, "revision"}]` as changes of what a user sees, in '
  'one look: records that are not there, that have moved since that revision (where one is given, as bulk '
  'operations do not), and values that may not be, also those that PEMS does not list where these are refused. '
  'Each a list for the details of an error, or null.';
--! EndIncluded app_private/functions/refused_changes.sql
--! Included app_private/functions/commit_records.sql
create or replace function app_private.commit_records(organization_id integer, pfa_ids text[], comment text)
  returns app_public.pfa_commit_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := commit_records.organization_id;
  p_pfa_ids constant text[] := commit_records.pfa_ids;
  p_comment constant text := nullif(btrim(commit_records.comment), '');
  me constant integer := app_core.current_user_id();
  result app_public.pfa_commit_result;
begin
  perform app_private.lock_records(p_organization_id, p_pfa_ids);
  -- None of these begins to be written to PEMS while we take their keys.
  perform from app_core.pfa_modification m
  where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  order by m.id for update;

  with judged as materialized (
    select j.* from app_private.judged_drafts(p_organization_id, p_pfa_ids) j where j.user_id = me
  ),
  -- At most one unsettled value a record and key.
  unsettled as materialized (
    select m.id, m.pfa_id, k.key, m.base->k.key as push_base, m.state
    from app_core.pfa_modification m cross join jsonb_object_keys(m.delta) k (key)
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.state in ('committed', 'syncing')
  ),
  -- Nothing is looked up unless unlisted values are refused here.
  unlisted as materialized (
    select u.record_id, u.key, u.problem
    from app_private.judge_values(p_organization_id, (
      select jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'key', j.key, 'value', j.mine,
        'category', v.data->'category', 'manufacturer', v.data->'manufacturer'))
      from judged j
      join app_private.merged_for(p_organization_id, me, p_pfa_ids) v on v.pfa_id = j.pfa_id
      where app_private.reference_check(p_organization_id) = 'refuse' and not j.is_settled
        and j.key in ('category', 'class', 'manufacturer', 'model', 'equipment'))) u
  ),
  checked as materialized (
    select j.id as draft_id, j.pfa_id, j.key, j.mine, j.theirs, j.is_settled, j.base, j.problem, v.data,
      u.id as earlier_id, coalesce(u.push_base, j.base) as push_base,
      case
        when j.problem is not null then j.problem->>'kind'
        when u.state = 'syncing' then 'busy'
        when w.problem is not null then 'invalid'
      end as kind,
      w.problem as words
    from judged j
    join app_private.merged_for(p_organization_id, me, p_pfa_ids) v on v.pfa_id = j.pfa_id
    left join unsettled u on u.pfa_id = j.pfa_id and u.key = j.key
    left join app_public.pfa_fields f on f.key = j.key
    left join app_private.field_mapping(p_organization_id) p on p.key = j.key
    left join unlisted n on n.record_id = j.pfa_id and n.key = j.key
    cross join lateral (
      select coalesce(app_private.key_problem(f, p.screen_field, v.data, j.mine), n.problem) as problem
    ) w
    where not j.is_settled
  ),
  -- The record as PEMS would have it: without what stays in the draft.
  reversed as (
    select r.pfa_id, d.first_key, d.last_key
    from (
      select c.pfa_id, m.underlay || jsonb_object_agg(c.key, c.mine) as data
      from checked c
      join app_private.merged_for(p_organization_id, me, p_pfa_ids) m on m.pfa_id = c.pfa_id
      where c.kind is null
      group by c.pfa_id, m.underlay
    ) r
    cross join lateral app_private.reversed_dates(r.data) d
  ),
  decided as materialized (
    select c.*, case when c.kind is null and r.pfa_id is not null then 'reversed' else c.kind end as verdict,
      r.first_key, r.last_key
    from checked c
    left join reversed r on r.pfa_id = c.pfa_id and c.key in (r.first_key, r.last_key)
  ),
  taken as materialized (
    select d.* from decided d where d.verdict is null
  ),
  -- A later commit takes the key over, together with what PEMS has to hold for it to be written.
  earlier as materialized (
    select t.earlier_id as id, array_agg(t.key) as keys from taken t where t.earlier_id is not null group by 1
  ),
  superseded as (
    delete from app_core.pfa_modification m using earlier e
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id
      and m.delta - e.keys = '{}'
  ),
  shortened as (
    update app_core.pfa_modification m set delta = m.delta - e.keys, base = m.base - e.keys
    from earlier e
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = e.id
      and m.delta - e.keys <> '{}'
  ),
  draft as materialized (
    select t.draft_id as id, array_agg(t.key) as keys from (
      select t.draft_id, t.key from taken t
      union all
      select j.id, j.key from judged j where j.is_settled
    ) t group by 1
  ),
  emptied as (
    delete from app_core.pfa_modification m using draft d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id
      and m.delta - d.keys = '{}'
  ),
  left_over as (
    update app_core.pfa_modification m set delta = m.delta - d.keys, base = m.base - d.keys,
      problems = m.problems - d.keys
    from draft d
    where m.organization_id = p_organization_id and m.pfa_id = any (p_pfa_ids) and m.id = d.id
      and m.delta - d.keys <> '{}'
  ),
  committed as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence,
      committed_at, comment)
    select p_organization_id, me, t.pfa_id, t.delta, t.base, 'committed', nextval('app_core.revision_seq'),
      clock_timestamp(), p_comment
    from (
      select t.pfa_id, jsonb_object_agg(t.key, t.mine) as delta, jsonb_object_agg(t.key, t.push_base) as base
      from taken t group by t.pfa_id order by t.pfa_id
    ) t
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, t.pfa_id, me, 'commit', jsonb_object_agg(t.key,
      jsonb_build_object('from', t.theirs, 'to', t.mine))
    from taken t where t.theirs <> t.mine group by t.pfa_id
  )
  select
    (select count(distinct t.pfa_id) from taken t),
    (select count(*) from taken t),
    (
      select coalesce(jsonb_agg(r.item order by r.pfa_id, r.key), '[]')
      from (
        select d.pfa_id, d.key, jsonb_build_object('recordId', d.pfa_id, 'key', d.key,
          'kind', case d.verdict when 'reversed' then 'invalid' else d.verdict end, 'base', d.base, 'theirs', d.theirs,
          'mine', d.mine,
          'problem', case d.verdict
            when 'conflict' then 'was changed by somebody else since you drafted it'
            when 'removed' then 'belongs to a record that was removed from PEMS'
            when 'busy' then 'is being written to PEMS at this moment'
            when 'invalid' then d.words
            when 'reversed' then format('would leave %s before %s', d.last_key, d.first_key)
            else coalesce(d.problem->>'message', 'was not accepted by PEMS')
          end) as item
        from decided d where d.verdict is not null
        union all
        select n.pfa_id, null, jsonb_build_object('recordId', n.pfa_id, 'kind', 'none', 'problem',
          'has nothing that you drafted')
        from unnest(p_pfa_ids) n (pfa_id)
        where not exists (select from judged j where j.pfa_id = n.pfa_id)
      ) r
    )
  into result;

  perform app_private.rebase_drafts(p_organization_id, p_pfa_ids);
  perform app_private.rewrite_overlay(p_organization_id, p_pfa_ids);
  if result.record_count > 0 then
    perform app_private.queue_push(p_organization_id);
  end if;
  return result;
end;
$$;
comment on function app_private.commit_records(integer, text[], text) is
  'Commits what the signed-in user drafted on these records, key by key, held once more against what lies under it '
  'now, and says what stays in the draft and why. From the same moment everybody sees it as pending, other users'' '
  'drafts are held against it, and its push is queued.';
--! EndIncluded app_private/functions/commit_records.sql
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
  E'@resultFieldName result\nResolves problems of your drafts, key by key or record by record: your value (then '
  'commit it again), theirs, or a third one. All of them or none; what is refused is named.';
grant execute on function app_public.resolve_problems(integer, app_public.pfa_resolution[]) to vanguard_visitor;
--! EndIncluded app_public/functions/resolve_problems.sql
--! Included app_public/functions/request_lists.sql
create or replace function app_public.request_lists(organization_id integer)
  returns setof app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(request_lists.organization_id);
  if app_private.pull_connection(request_lists.organization_id) is null then
    raise exception 'No connection to PEMS is configured for this organization.'
      using errcode = 'VG422', hint = 'Create one with `npx vanguard connection create`.';
  end if;
  return query select r.* from app_private.queue_reference_runs(request_lists.organization_id, 'user',
    app_core.current_user_id()) r;
end;
$$;
comment on function app_public.request_lists(integer) is
  E'@resultFieldName referenceRuns\nAsks for the reference lists of the organization to be read from PEMS now, and '
  'returns one run for each list. A request while one waits joins it. Owners and admins of the organization may.';
grant execute on function app_public.request_lists(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/request_lists.sql
--! Included app_public/functions/accept_list_removals.sql
create or replace function app_public.accept_list_removals(organization_id integer, list text)
  returns app_public.reference_runs
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_administered(accept_list_removals.organization_id);
  return app_private.accept_reference_removals(accept_list_removals.organization_id, accept_list_removals.list,
    app_core.current_user_id());
end;
$$;
comment on function app_public.accept_list_removals(integer, text) is
  E'@resultFieldName referenceRun\nRemoves the entries of a reference list that PEMS no longer lists and that were '
  'withheld because there were so many. Owners and admins of the organization may.';
grant execute on function app_public.accept_list_removals(integer, text) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_list_removals.sql
--! Included app_public/functions/accept_organization.sql
create or replace function app_public.accept_organization(code text) returns app_public.organization_proposals
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not app_core.is_administrator() then
    raise exception 'Only an administrator may do this.'
      using errcode = 'VG403', hint = 'Ask an administrator of this installation.';
  end if;
  return app_private.decide_organization_proposal(accept_organization.code, true, app_core.current_user_id());
end;
$$;
comment on function app_public.accept_organization(text) is
  E'@resultFieldName organizationProposal\nAdds an organization that PEMS proposed, with its code and '
  'name. It has no members yet, and its first sync follows. Administrators may.';
grant execute on function app_public.accept_organization(text) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_organization.sql
--! Included app_public/functions/dismiss_organization.sql
create or replace function app_public.dismiss_organization(code text) returns app_public.organization_proposals
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not app_core.is_administrator() then
    raise exception 'Only an administrator may do this.'
      using errcode = 'VG403', hint = 'Ask an administrator of this installation.';
  end if;
  return app_private.decide_organization_proposal(dismiss_organization.code, false, app_core.current_user_id());
end;
$$;
comment on function app_public.dismiss_organization(text) is
  E'@resultFieldName organizationProposal\nDismisses an organization that PEMS proposed. It is not '
  'proposed again, and can still be accepted. Administrators may.';
grant execute on function app_public.dismiss_organization(text) to vanguard_visitor;
--! EndIncluded app_public/functions/dismiss_organization.sql
--! Included app_public/functions/organizations_suggestions.sql
create or replace function app_public.organizations_suggestions(organization app_public.organizations, list text,
  search text default '', category text default '', manufacturer text default '')
  returns setof app_public.reference_entries
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  rows 50
as $$
#variable_conflict use_column
declare
  p_list constant text := organizations_suggestions.list;
  words constant text[] := app_core.search_words(search);
  patterns constant text[] := array(select app_core.search_pattern(w) from unnest(words) w);
  whole constant text := lower(app_core.cleaned_text(search));
  beginning constant text := substr(app_core.search_pattern(whole), 2);
  of_parent constant text := nullif(case p_list when 'class' then category when 'model' then manufacturer end, '');
  narrows boolean;
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  if p_list not in ('category', 'class', 'manufacturer', 'model', 'equipment') then
    raise exception 'There is no list %.', quote_literal(p_list)
      using errcode = 'VG400', hint = 'Give category, class, manufacturer, model or equipment.';
  end if;
  if length(search) > 200 then
    raise exception 'The text to search for has % characters, and at most 200 are allowed.', length(search)
      using errcode = 'VG400', hint = 'Search for fewer or shorter words.';
  end if;
  -- A category without classes, and a manufacturer without models, allow any.
  narrows := of_parent is not null and exists (
    select from app_public.reference_entries e
    where e.organization_id = organization.id and e.list = p_list and e.parent = of_parent);
  return query
    with first as materialized (
      select e.code, e.parent from app_public.reference_entries e
      where e.organization_id = organization.id and e.list = p_list and lower(e.code) like beginning
        and not e.is_out_of_service and (not narrows or e.parent in ('', of_parent))
      order by lower(e.code) using ~<~, e.parent limit 50
    ),
    -- Looks at the whole list, and only when what begins so is not enough.
    other as materialized (
      select e.code, e.parent from app_public.reference_entries e
      where e.organization_id = organization.id and e.list = p_list
        and (select count(*) from first) < 50 and cardinality(words) > 0
        and lower(e.code || ' ' || e.description) like all (patterns) and not lower(e.code) like beginning
        and not e.is_out_of_service and (not narrows or e.parent in ('', of_parent))
      order by ' ' || lower(e.code || ' ' || e.description) like '% ' || beginning desc, lower(e.code), e.parent
      limit 50
    )
    select e.*
    from (
      select f.code, f.parent, 1 as rank, row_number() over (order by lower(f.code) using ~<~, f.parent) as number
      from first f
      union all
      select o.code, o.parent, 2, row_number() over () from other o
    ) found
    join app_public.reference_entries e on e.organization_id = organization.id and e.list = p_list
      and e.code = found.code and e.parent = found.parent
    order by found.rank, found.number limit 50;
end;
$$;
comment on function app_public.organizations_suggestions(app_public.organizations, text, text, text, text) is
  'Entries of a reference list (`category`, `class`, `manufacturer`, `model`, `equipment`) for what a user types, at '
  'most 50: first those whose code begins so, then those that have every word in their code or description. The '
  'category narrows classes, the manufacturer models.';
grant execute on function app_public.organizations_suggestions(app_public.organizations, text, text, text,
  text) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_suggestions.sql
--! Included app_public/functions/organizations_reference_lists.sql
create or replace function app_public.organizations_reference_lists(organization app_public.organizations)
  returns setof app_public.reference_list
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  rows 5
as $$
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  return query
    select l.list,
      (select count(*)::integer from app_public.reference_entries e
       where e.organization_id = organization.id and e.list = l.list and not e.is_out_of_service),
      c.mode, done.finished_at, last.id, last.state, last.error_message, last.error_hint, done.notice,
      case when done.accepted_at is null then coalesce(done.rows_withheld, 0) else 0 end
    from unnest(array['category', 'class', 'manufacturer', 'model', 'equipment']) with ordinality l (list, position)
    cross join (select app_private.reference_check(organization.id) as mode) c
    left join lateral (
      select r.id, r.state, r.error_message, r.error_hint from app_public.reference_runs r
      where r.organization_id = organization.id and r.list = l.list order by r.id desc limit 1
    ) last on true
    left join lateral (
      select r.finished_at, r.notice, r.rows_withheld, r.accepted_at from app_public.reference_runs r
      where r.organization_id = organization.id and r.list = l.list and r.state = 'succeeded'
      order by r.id desc limit 1
    ) done on true
    order by l.position;
end;
$$;
comment on function app_public.organizations_reference_lists(app_public.organizations) is
  'The reference lists of the organization: how many entries each has, what happens to other values, and how the last '
  'read went.';
grant execute on function app_public.organizations_reference_lists(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_reference_lists.sql
--! Included app_public/functions/organizations_unlisted_values.sql
create or replace function app_public.organizations_unlisted_values(organization app_public.organizations)
  returns setof app_public.unlisted_value
  language plpgsql stable strict security definer
  set search_path = pg_catalog, pg_temp
  rows 20
as $$
begin
  if organization.id is null then
    return;
  end if;
  perform app_private.require_readable(organization.id);
  if app_private.reference_check(organization.id) = 'off' then
    return;
  end if;
  return query
    select u.* from app_private.judge_values(organization.id, (
      select jsonb_agg(jsonb_build_object('recordId', d.pfa_id, 'key', k.key, 'value', k.value,
        'category', coalesce(d.delta->>'category', m.data->>'category'),
        'manufacturer', coalesce(d.delta->>'manufacturer', m.data->>'manufacturer')))
      from app_core.pfa_modification d
      cross join lateral jsonb_each_text(d.delta) k
      left join app_core.pfa_mirror m on m.organization_id = organization.id and m.pfa_id = d.pfa_id
      where d.organization_id = organization.id and d.user_id = app_core.current_user_id() and d.state = 'draft'
        and d.delta ?| array['category', 'class', 'manufacturer', 'model', 'equipment']
        and k.key in ('category', 'class', 'manufacturer', 'model', 'equipment'))) u
    limit 1000;
end;
$$;
comment on function app_public.organizations_unlisted_values(app_public.organizations) is
  'Values of your drafts that PEMS does not list, at most 1,000. With the check mode `warn` they are hints: you can '
  'submit such a draft. Empty where the check mode is `off`.';
grant execute on function app_public.organizations_unlisted_values(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_unlisted_values.sql
