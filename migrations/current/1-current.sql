-- Choices are read in any spelling and written back in that of PEMS. A value that cannot be read rejects its field and
-- no longer its record. Runs say how the header of the grid has changed. The organization of the login, the endpoints
-- and the language of months are configuration of a connection.

drop table if exists app_private.pfa_field_choices cascade;
create table app_private.pfa_field_choices (
  id integer primary key generated always as identity,
  organization_id integer references app_public.organizations on delete cascade,
  key text not null references app_public.pfa_fields on delete cascade,
  value text not null check (length(value) between 1 and 200),
  spelling text not null check (length(spelling) between 1 and 200 and spelling = btrim(spelling)),
  notation smallint check (notation between 1 and 100),
  rows_read bigint check (rows_read >= 0),
  last_read_at timestamptz,
  created_at timestamptz not null default now(),
  constraint pfa_field_choices_key unique nulls not distinct (organization_id, key, spelling, notation),
  constraint pfa_field_choices_read_check check (case
    when notation is null then organization_id is not null and last_read_at is not null and rows_read is not null
    else last_read_at is null and rows_read is null end)
);
comment on table app_private.pfa_field_choices is
  'How PEMS writes the values of fields with choices (allowed values, and '
  'flags): for all, or for one organization''s tenant, and what runs have read. Spellings are read in any case, and '
  'whatever blanks are around them. A change is written in the notation in which PEMS holds the field.';
comment on column app_private.pfa_field_choices.id is 'Our key.';
comment on column app_private.pfa_field_choices.organization_id is
  'For which organization; null: for every one that does not have another entry of the spelling.';
comment on column app_private.pfa_field_choices.key is 'The key in `data`.';
comment on column app_private.pfa_field_choices.value is
  'The value in `data`: one of the allowed values of the field; `true` or `false` of a flag.';
comment on column app_private.pfa_field_choices.spelling is 'As PEMS writes it.';
comment on column app_private.pfa_field_choices.notation is
  'Spellings of one notation belong together, such as `RENTAL` and `PURCHASE`. Null: not configured, a run has read '
  'it.';
comment on column app_private.pfa_field_choices.rows_read is 'In how many rows the last full run read it so.';
comment on column app_private.pfa_field_choices.last_read_at is
  'When a full run last read it so, or any run first did.';
comment on column app_private.pfa_field_choices.created_at is 'When it was added.';
create index pfa_field_choices_key_idx on app_private.pfa_field_choices (key);
comment on index app_private.pfa_field_choices_key_idx is 'On delete of a field.';
call app_private.enable_rls('app_private.pfa_field_choices');
insert into app_private.pfa_field_choices (key, value, spelling, notation)
select f.key, v.value, v.spelling, v.notation
from app_public.pfa_fields f
join (values
  ('{source,originalSource}'::text[], 'Rental', 'Rental', 1), ('{source,originalSource}', 'Purchase', 'Purchase', 1),
  ('{source,originalSource}', 'Rental', 'RENTAL', 2), ('{source,originalSource}', 'Purchase', 'PURCHASE', 2),
  ('{source,originalSource}', 'Rental', 'rental', 3), ('{source,originalSource}', 'Purchase', 'purchase', 3),
  ('{dor,originalDor}', 'BEO', 'BEO', 1), ('{dor,originalDor}', 'PROJECT', 'PROJECT', 1),
  ('{dor,originalDor}', 'BEO', 'Beo', 2), ('{dor,originalDor}', 'PROJECT', 'Project', 2),
  ('{dor,originalDor}', 'BEO', 'beo', 3), ('{dor,originalDor}', 'PROJECT', 'project', 3)
) v (keys, value, spelling, notation) on f.key = any (v.keys)
union all
select f.key, v.value, v.spelling, v.notation
from app_public.pfa_fields f
cross join (values
  ('true', '+', 1), ('false', '-', 1), ('true', 'true', 2), ('false', 'false', 2), ('true', '1', 3), ('false', '0', 3),
  ('true', '-1', 4), ('false', '0', 4), ('true', 'Y', 5), ('false', 'N', 5), ('true', 'Yes', 6), ('false', 'No', 6)
) v (value, spelling, notation)
where f.kind = 'flag';

-- Values that were read before in another spelling, and what was drafted on them: the same value, no conflict.
create temporary table respelled on commit drop as
with choice as (
  select f.key, v.value from app_public.pfa_fields f cross join unnest(f.allowed_values) v (value)
)
select m.organization_id, m.pfa_id, jsonb_object_agg(c.key, c.value) as data
from app_core.pfa_mirror m
join choice c on upper(btrim(m.data->>c.key)) = upper(c.value) and m.data->>c.key <> c.value
group by 1, 2;
update app_core.pfa_mirror m set data = m.data || r.data, revision = nextval('app_core.revision_seq')
from respelled r where m.organization_id = r.organization_id and m.pfa_id = r.pfa_id;
with choice as (
  select f.key, v.value from app_public.pfa_fields f cross join unnest(f.allowed_values) v (value)
),
drafted as (
  select d.organization_id, d.id, jsonb_object_agg(c.key, c.value) as base
  from app_core.pfa_modification d
  join choice c on upper(btrim(d.base->>c.key)) = upper(c.value) and d.base->>c.key <> c.value
  where d.state <> 'synced'
  group by 1, 2
)
update app_core.pfa_modification d set base = d.base || r.base
from drafted r where d.organization_id = r.organization_id and d.id = r.id;
select app_private.rewrite_overlay(r.organization_id, array_agg(r.pfa_id)), app_private.queue_refresh(r.organization_id)
from respelled r group by r.organization_id;
drop table respelled;

-- PostgreSQL 15 adds no column to a table whose row a function takes.
drop function if exists app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log);
alter table app_public.pfa_sync_log
  add column if not exists values_rejected integer not null default 0,
  add column if not exists rejected_fields jsonb not null default '[]',
  add column if not exists column_changes jsonb not null default '{}';
--!include app_public/functions/pfa_sync_log_spared_removals.sql
comment on column app_public.pfa_sync_log.rows_rejected is 'Rows refused whole; see the rejects.';
comment on column app_public.pfa_sync_log.values_rejected is
  'Values that could not be read. Their records keep the last value that could, and take the others; see the rejects.';
comment on column app_public.pfa_sync_log.rejected_fields is
  E'@notNull\nThese values by key: `[{"key", "alias", "count", "samples": [{"recordId", "value"}]}]`.';
comment on column app_public.pfa_sync_log.column_changes is
  E'@notNull\nWhat is different in the header of the grid since the run before, `{"came", "went", "retyped": '
  '[{"alias", "keys", "type", "was"}]}`. `type` is what PEMS calls the kind of data, where it says so.';

alter table app_public.pfa_sync_reject
  add column if not exists key text,
  add column if not exists alias text,
  add column if not exists value text;
alter table app_public.pfa_sync_reject drop constraint if exists pfa_sync_reject_reason_check;
alter table app_public.pfa_sync_reject add constraint pfa_sync_reject_reason_check
  check (reason in ('missing-id', 'other-organization', 'duplicate', 'twin', 'value', 'field'));
alter table app_public.pfa_sync_reject drop constraint if exists pfa_sync_reject_field_check;
alter table app_public.pfa_sync_reject add constraint pfa_sync_reject_field_check
  check ((reason = 'field') = (key is not null));
comment on table app_public.pfa_sync_reject is
  E'@name syncReject\nEach row of PEMS that a run refused, whole, and each value that it could not read, with the '
  'reason.';
comment on column app_public.pfa_sync_reject.reason is
  '`missing-id`, `other-organization`, `duplicate` (its id came more than once), `twin` (its id differs from another '
  'one only by case, blanks, leading zeros or normal form), `value` (its id or organization cannot be read), `field` '
  '(one value cannot be read; the other values of the record are taken).';
comment on column app_public.pfa_sync_reject.key is
  'Of a field: its key in `data`, `version` or `versionBy`, or the name of a column that is not mapped.';
comment on column app_public.pfa_sync_reject.alias is 'Of a field: the column of the grid.';
comment on column app_public.pfa_sync_reject.value is 'Of a field: what PEMS holds.';
comment on column app_public.pfa_sync_reject.row_content is
  'The row as it came; of a field only its value, of another organization''s row only the code.';
comment on column app_private.pfa_staging.problems is
  'Values that cannot be read, `[{"key", "alias", "value", "message"}]`. One of `pfaId` or `organization` refuses the '
  'row.';
comment on column app_private.pfa_staging.unknown is
  'Keys that the row does not tell, because a column is missing or its value cannot be read; null for none.';

alter table app_public.pfa_column
  add column if not exists type text check (length(type) between 1 and 50),
  add column if not exists is_guessed boolean not null default false;
comment on column app_public.pfa_column.type is
  'What PEMS last called the kind of its data; null where the header does not say.';
comment on column app_public.pfa_column.is_guessed is
  E'@behavior -*\nNo run has noted it yet: the mirror has values that only it can have brought.';

alter table app_public.pems_settings
  add column if not exists grid_path text not null default 'griddata'
    check (grid_path ~ '^[A-Za-z0-9._~/-]{1,200}$'),
  add column if not exists header_path text check (header_path ~ '^[A-Za-z0-9._~/-]{1,200}$'),
  add column if not exists screen_path text not null default 'userdefinedscreenservices'
    check (screen_path ~ '^[A-Za-z0-9._~/-]{1,200}$'),
  add column if not exists month_language text not null default 'en'
    check (month_language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$');
comment on column app_public.pems_settings.grid_path is 'The endpoint of grids, below the base address.';
comment on column app_public.pems_settings.header_path is
  'The endpoint that tells the header of a grid, below the base address; null: that of grids.';
comment on column app_public.pems_settings.screen_path is
  'The endpoint of user-defined screens, below the base address.';
comment on column app_public.pems_settings.month_language is
  'The language of months in dates, such as `fr` or `pt-BR`. English names are read as well.';

-- Credentials have a place of their own, where they are encrypted.
update app_public.api_configurations
set url = regexp_replace(url, '^(https?://)[^/?#]*@', '\1', 'i'), status = 'error',
  last_error = 'The address held a user and a password, which are removed. Enter them as credentials of the connection.'
where url ~* '^https?://[^/?#]*@';
update app_public.ai_providers set api_endpoint = regexp_replace(api_endpoint, '^(https?://)[^/?#]*@', '\1', 'i')
where api_endpoint ~* '^https?://[^/?#]*@';
alter table app_public.api_configurations drop constraint if exists api_configurations_url_credentials_check;
alter table app_public.api_configurations add constraint api_configurations_url_credentials_check
  check (url !~* '^https?://[^/?#]*@');
alter table app_public.ai_providers drop constraint if exists ai_providers_api_endpoint_credentials_check;
alter table app_public.ai_providers add constraint ai_providers_api_endpoint_credentials_check
  check (api_endpoint !~* '^https?://[^/?#]*@');

--!include app_private/functions/field_choices.sql
--!include app_private/functions/note_spellings.sql
--!include app_private/functions/new_keys.sql
--!include app_private/functions/sync_source.sql
--!include app_private/functions/lost_runs.sql
--!include app_private/functions/begin_sync_run.sql
--!include app_private/functions/next_sync_at.sql
--!include app_private/functions/fail_sync_run.sql
drop function if exists app_private.note_columns(integer, app_public.pfa_sync_log, jsonb, boolean);
--!include app_private/functions/note_columns.sql
drop function if exists app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean);
--!include app_private/functions/judge_run.sql
--!include app_private/functions/merge_sync_run.sql
--!include app_private/functions/enter_reads.sql
-- What the columns took along.
--!include app_private/functions/dispatch_due_syncs.sql
--!include app_private/functions/legacy_rule_words.sql
--!include app_private/functions/legacy_shown.sql
