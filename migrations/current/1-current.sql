-- Moving in from the prototype's later form, on PostgreSQL: `pfa_mirror` and `pfa_modification`.
alter table app_private.legacy_table add column if not exists aliases text[] not null default '{}';
comment on column app_private.legacy_table.aliases is 'What later forms of the prototype call it.';
alter table app_private.legacy_column add column if not exists aliases text[] not null default '{}';
comment on column app_private.legacy_column.aliases is 'What other forms of the prototype call it.';

alter table app_private.legacy_column drop constraint if exists legacy_column_kind_check;
alter table app_private.legacy_column add constraint legacy_column_kind_check check (kind in ('text', 'name', 'flag',
  'time', 'minute', 'day', 'number', 'integer', 'json', 'reference', 'secret', 'password', 'usage', 'edit', 'data',
  'delta', 'none'));
comment on column app_private.legacy_column.kind is
  'How a value is converted (src/legacy/convert.ts). `reference` is the id of a row of `parent`; `secret` was '
  'encrypted by the prototype; `edit` describes an edit that was not submitted; `data` is a record as JSON; `delta` '
  'describes a change as JSON; `none` goes nowhere.';

update app_private.legacy_table set aliases = '{pfa_mirror}' where name = 'pfa_records';
update app_private.legacy_column set aliases = '{lastSyncedAt,syncedAt}'
where table_name = 'pfa_records' and name = 'updatedAt';
insert into app_private.legacy_table (position, name, target, natural_keys) values
  (10, 'pfa_modification', 'app_core.pfa_modification', '{}')
on conflict do nothing;
insert into app_private.legacy_column (table_name, name, kind, target, parent, note, aliases) values
  ('pfa_records', 'data', 'data', 'data', null, null, '{recordData}'),
  ('pfa_records', 'version', 'text', 'prototype_version', null, null, '{}'),
  ('pfa_modification', 'id', 'none', null, null, 'A draft has a key of its own; legacy_row keeps this id.', '{}'),
  ('pfa_modification', 'organizationId', 'reference', 'organization_id', 'organizations', null, '{}'),
  ('pfa_modification', 'userId', 'reference', 'user_id', 'users', null, '{authorId,modifiedBy,createdBy}'),
  ('pfa_modification', 'pfaId', 'text', 'pfa_id', null, null, '{}'),
  ('pfa_modification', 'delta', 'delta', 'delta', null, null, '{changes}'),
  ('pfa_modification', 'base', 'delta', 'base', null, null, '{baseData,baseValues,originalValues}'),
  ('pfa_modification', 'syncState', 'delta', 'state', null, null, '{syncStatus,state,status}'),
  ('pfa_modification', 'baseVersion', 'text', 'base_version', null, null, '{}'),
  ('pfa_modification', 'comment', 'text', 'comment', null, null, '{changeReason,reason}'),
  ('pfa_modification', 'createdAt', 'time', 'created_at', null, null, '{}'),
  ('pfa_modification', 'updatedAt', 'time', 'modified_at', null, null, '{modifiedAt}'),
  ('pfa_modification', 'committedAt', 'time', 'committed_at', null, null, '{}'),
  ('pfa_modification', 'syncedAt', 'time', 'synced_at', null, null, '{}')
on conflict do nothing;

--!include app_private/functions/legacy_modification_differences.sql
--!include app_private/functions/legacy_modifications.sql
--!include app_private/functions/match_legacy_modifications.sql
--!include app_private/functions/write_legacy_modifications.sql
--!include app_private/functions/roll_back_legacy_modifications.sql
--!include app_private/functions/match_legacy_table.sql
--!include app_private/functions/write_legacy_table.sql
--!include app_private/functions/legacy_differences.sql
--!include app_private/functions/roll_back_legacy_table.sql
