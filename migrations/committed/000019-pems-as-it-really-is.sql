--! Previous: sha1:2f7fd53cce80a118a70cdd5a10f92b8774b88cb2
--! Hash: sha1:a13e75665f826cf59ce9e180827cb12fb50d4586
--! Message: PEMS as it really is

--! split: 1-current.sql
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
  'The records whose removal this run spared and that are still gone: what acceptRemovals would remove.';
grant execute on function app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_sync_log_spared_removals.sql
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

--! Included app_private/functions/field_choices.sql
create or replace function app_private.field_choices(organization_id integer)
  returns table (key text, value text, spelling text, notation smallint, rank bigint)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with configured as materialized (
    select c.key, c.value, c.spelling, c.notation, c.organization_id is not null as is_own
    from app_private.pfa_field_choices c
    where c.notation is not null
      and (c.organization_id = field_choices.organization_id
        or c.organization_id is null and not exists (
          select from app_private.pfa_field_choices o
          where o.organization_id = field_choices.organization_id and o.notation is not null and o.key = c.key
            and upper(o.spelling) = upper(c.spelling)))
  ),
  -- What a run read as a value that it no longer is says nothing.
  read as materialized (
    select c.key, c.value, c.spelling, c.rows_read, c.last_read_at
    from app_private.pfa_field_choices c
    where c.organization_id = field_choices.organization_id and c.notation is null
      and not exists (select from configured d where d.key = c.key and d.spelling = c.spelling and d.value <> c.value)
  ),
  known as materialized (
    select c.key, c.value, c.spelling, c.notation, c.is_own, r.last_read_at, r.rows_read
    from configured c
    left join read r on r.key = c.key and r.spelling = c.spelling
    union all
    select r.key, r.value, r.spelling, null, false, r.last_read_at, r.rows_read
    from read r where not exists (select from configured c where c.key = r.key and c.spelling = r.spelling)
  ),
  rated as (
    select k.*, max(k.last_read_at) over notation as notation_read_at, sum(k.rows_read) over notation as notation_rows
    from known k
    join app_public.pfa_fields f on f.key = k.key
    where k.value = any (case f.kind when 'flag' then '{true,false}' else f.allowed_values end)
    window notation as (partition by k.key, k.notation, k.is_own)
  )
  select r.key, r.value, r.spelling, r.notation,
    row_number() over (partition by r.key order by r.is_own desc, r.rows_read desc nulls last,
      r.last_read_at desc nulls last, r.notation_rows desc nulls last, r.notation_read_at desc nulls last,
      r.notation nulls last, r.spelling)
  from rated r;
end;
comment on function app_private.field_choices(integer) is
  'How PEMS writes the values of fields that have choices, for an organization: its own entries hide those for all. '
  'Rank: which spelling of a value is written where the record in PEMS shows none. The organization''s own comes '
  'first, then what its last full run read, then the notation of that, then the first notation.';
grant execute on function app_private.field_choices(integer) to vanguard_worker;
--! EndIncluded app_private/functions/field_choices.sql
--! Included app_private/functions/note_spellings.sql
create or replace function app_private.note_spellings(organization_id integer, kind text, spellings jsonb) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  with read as (
    select s.key, s.spelling, min(s.value) as value, sum(s.rows) as rows
    from jsonb_to_recordset(note_spellings.spellings) s (key text, value text, spelling text, rows bigint)
    join app_public.pfa_fields f on f.key = s.key
    where length(s.spelling) between 1 and 200 and length(s.value) between 1 and 200
    group by s.key, s.spelling
  ),
  -- A run that reads only changes does not know what is usual.
  not_read as (
    update app_private.pfa_field_choices c set rows_read = 0
    where note_spellings.kind = 'full' and c.organization_id = note_spellings.organization_id and c.notation is null
      and c.rows_read > 0 and not exists (select from read r where r.key = c.key and r.spelling = c.spelling)
  )
  insert into app_private.pfa_field_choices as c (organization_id, key, value, spelling, rows_read, last_read_at)
  select note_spellings.organization_id, r.key, r.value, r.spelling,
    case note_spellings.kind when 'full' then r.rows else 0 end, clock_timestamp()
  from read r
  on conflict on constraint pfa_field_choices_key do update
  set value = excluded.value, rows_read = excluded.rows_read, last_read_at = excluded.last_read_at
  where note_spellings.kind = 'full';
end;
comment on function app_private.note_spellings(integer, text, jsonb) is
  'Notes in which spellings a run (`full` or `incremental`) read the values of fields that have choices, '
  '`[{"key", "value", "spelling", "rows"}]`.';
--! EndIncluded app_private/functions/note_spellings.sql
--! Included app_private/functions/new_keys.sql
create or replace function app_private.new_keys(organization_id integer, columns jsonb default null) returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  with mapped as materialized (
    select f.key, lower(a.alias) as alias
    from app_private.field_mapping(new_keys.organization_id) f cross join unnest(f.grid_aliases) a (alias)
  ),
  known as materialized (
    select c.alias, c.keys, c.first_seen_at, c.is_guessed from app_public.pfa_column c
    where c.organization_id = new_keys.organization_id
  )
  select coalesce(array_agg(n.name), '{}')
  from (
    -- Keys that the mapping has gained since the last run.
    select m.key as name, true as is_new
    from app_public.pfa_field_mappings m
    where m.organization_id = new_keys.organization_id or m.organization_id is null
    group by m.key
    having max(m.created_at) > (
      select l.started_at from app_public.pfa_sync_log l
      where l.organization_id = new_keys.organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1)
    union
    -- The names under which their columns were kept before.
    select m.alias, false from mapped m join known k on k.alias = m.alias and k.keys = '{}'
    union
    -- Columns that the grid has gained.
    select t.alias, true from jsonb_object_keys(new_keys.columns->'columns') t (alias)
    where exists (select from known k where k.first_seen_at is not null and not k.is_guessed)
      and not exists (select from known k where k.alias = t.alias and k.first_seen_at is not null)
      and not exists (select from mapped m where m.alias = t.alias)
  ) n
  where not n.is_new or not exists (
    select from app_core.pfa_mirror r where r.organization_id = new_keys.organization_id and r.data ? n.name);
end;
comment on function app_private.new_keys(integer, jsonb) is
  'Keys and names in `data` that records of an organization get because the mapping or the grid has gained a column, '
  'and names that they lose because a column is now mapped. Nothing has changed in PEMS where only these differ. '
  'columns: as of note_columns; null: only what the mapping says.';
--! EndIncluded app_private/functions/new_keys.sql
--! Included app_private/functions/sync_source.sql
create or replace function app_private.sync_source(organization_id integer) returns text
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select md5(jsonb_build_array(
    (select jsonb_build_array(c.api_configuration_id, c.url, c.tenant, c.grid_name, c.grid_id, c.date_order,
       s.login_organization, s.grid_path, s.month_language)
     from app_private.pems_connection(sync_source.organization_id, 'read') c
     join app_public.pems_settings s on s.api_configuration_id = c.api_configuration_id),
    (select o.code from app_public.organizations o where o.id = sync_source.organization_id),
    (select jsonb_agg(jsonb_build_array(m.key, m.kind, m.max_length, m.max_amount, m.grid_aliases) order by m.key)
     from app_private.field_mapping(sync_source.organization_id) m),
    -- What runs have read changes nothing.
    (select jsonb_agg(jsonb_build_array(c.key, c.value, c.spelling) order by c.key, c.value, c.spelling, c.notation)
     from app_private.pfa_field_choices c
     where c.notation is not null
       and (c.organization_id = sync_source.organization_id or c.organization_id is null)))::text);
end;
comment on function app_private.sync_source(integer) is
  'Stands for what decides how a record of PEMS comes to us: the connection, the code and the mapping. Another '
  'one: what did not change in PEMS may be something else here.';
--! EndIncluded app_private/functions/sync_source.sql
--! Included app_private/functions/lost_runs.sql
create or replace function app_private.lost_runs(organization_id integer) returns integer
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select count(*)::integer from app_public.pfa_sync_log l
  where l.organization_id = lost_runs.organization_id and l.state = 'failed' and l.error_code = 'WORKER_LOST'
    and l.id > coalesce((
      -- Neither stopped nor never begun, one has shown nothing.
      select max(e.id) from app_public.pfa_sync_log e
      where e.organization_id = lost_runs.organization_id and (e.state in ('succeeded', 'withheld')
        or e.state = 'failed' and e.error_code not in ('WORKER_LOST', 'WORKER_STOPPED', 'SYNC_KILLED_WORKER'))), 0);
end;
comment on function app_private.lost_runs(integer) is
  'How many of the last runs of an organization ended with their worker, since one came to an end of its own.';
--! EndIncluded app_private/functions/lost_runs.sql
--! Included app_private/functions/begin_sync_run.sql
create or replace function app_private.begin_sync_run(organization_id integer, run_id bigint,
  worker_id text default null) returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := begin_sync_run.organization_id;
  run app_public.pfa_sync_log;
  plan record;
  lost integer;
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id for update;
  -- What a killed worker had asked for may come only now, when its job was given to another one.
  if worker_id is not null and not exists (select from app_private.worker_processes w
    where w.pool_id = begin_sync_run.worker_id) then
    return null;
  end if;
  if run.state is null or run.state in ('succeeded', 'withheld') then
    return null;
  end if;
  -- It waited until the quiet hours, or until somebody paused: the schedule comes back to it.
  if run.trigger = 'schedule' and exists (
    select from app_private.pfa_sync_schedule s
    where s.organization_id = p_organization_id
      and (s.paused_at is not null or app_private.quiet_until(clock_timestamp(), s.quiet_from, s.quiet_to,
        s.time_zone) is not null))
  then
    return null;
  end if;

  -- A run that still says "running" belongs to a worker that is gone: the queue gives an organization to one worker at
  -- a time.
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(), error_code = 'WORKER_LOST',
    error_message = 'The worker that did this run stopped before its end.',
    error_hint = 'Nothing to do: the run is repeated.'
  where l.organization_id = p_organization_id and l.state = 'running';
  lost := app_private.lost_runs(p_organization_id);
  -- It may be this organization's PEMS that ends workers: nobody else's runs are to suffer from it.
  if lost >= 2 and not (run.state = 'queued' and run.trigger in ('user', 'command')) then
    if run.state <> 'queued' then
      insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, requested_at, state,
        finished_at, error_code)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, run.requested_at, 'failed',
        clock_timestamp(), 'SYNC_KILLED_WORKER')
      returning * into run;
    end if;
    update app_public.pfa_sync_log l
    set state = 'failed', finished_at = clock_timestamp(), error_code = 'SYNC_KILLED_WORKER',
      error_message = format('The workers of the last %s runs ended with them. No further run is begun by itself.',
        lost),
      error_hint = (
        select format('See why they ended, by memory for instance. Then an owner or admin starts a run (requestSync, '
          'or `npx vanguard sync trigger %s`).', o.code)
        from app_public.organizations o where o.id = p_organization_id)
    where l.organization_id = p_organization_id and l.id = run.id;
    return null;
  end if;
  -- One at a time, so that the next worker that ends tells whose run ended it.
  if lost > 0 then
    perform pg_advisory_xact_lock(hashtext('pfa_sync suspects'));
    if exists (
      select from app_public.pfa_sync_log l
      join app_private.worker_processes w on w.pool_id = l.worker_id
      where l.state = 'running' and l.organization_id <> p_organization_id
        and app_private.lost_runs(l.organization_id) > 0)
    then
      perform graphile_worker.add_job(
        'pfa__sync',
        json_build_object('organizationId', run.organization_id, 'runId', run.id),
        queue_name => 'sync:' || run.organization_id,
        job_key => 'sync:' || run.organization_id || ':' || run.id,
        run_at => clock_timestamp() + interval '1 second',
        max_attempts => 25);
      return null;
    end if;
  end if;
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id > 0;

  -- Before columns were noted: what the mirror has a value of, and only one column can have brought, was there.
  if not exists (select from app_public.pfa_column c where c.organization_id = p_organization_id) then
    insert into app_public.pfa_column (organization_id, alias, keys, first_seen_at, last_seen_at, is_guessed)
    select distinct on (lower(f.grid_aliases[1])) p_organization_id, lower(f.grid_aliases[1]), array[f.key],
      done.at, done.at, true
    from app_private.field_mapping(p_organization_id) f
    cross join (
      select coalesce(max(l.finished_at), clock_timestamp()) as at from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded'
    ) done
    where cardinality(f.grid_aliases) = 1 and exists (
      select from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.data ? f.key);
  end if;

  -- Now, because another run may have ended since it was asked for.
  select p.kind, p.changed_since, app_private.sync_source(p_organization_id) as source into plan
  from app_private.plan_sync(p_organization_id, run.asked_kind) p;
  if run.state = 'queued' then
    update app_public.pfa_sync_log l
    set state = 'running', started_at = clock_timestamp(), worker_id = begin_sync_run.worker_id,
      kind = plan.kind, changed_since = plan.changed_since, source = plan.source
    where l.organization_id = p_organization_id and l.id = begin_sync_run.run_id
    returning l.* into run;
  else
    insert into app_public.pfa_sync_log (organization_id, trigger, requested_by, asked_kind, state, requested_at,
      started_at, worker_id, kind, changed_since, source)
      values (run.organization_id, run.trigger, run.requested_by, run.asked_kind, 'running', run.requested_at,
        clock_timestamp(),
        begin_sync_run.worker_id, plan.kind, plan.changed_since, plan.source)
    returning * into run;
  end if;
  return run;
end;
$$;
comment on function app_private.begin_sync_run(integer, bigint, text) is
  'Starts a queued run, full or incremental as is due now, and returns it; repeats one whose worker died, under a '
  'new token; null when there is nothing left to do, or quiet hours or a pause hold it back. Two runs in a row that '
  'ended with their worker keep a third one from beginning, unless somebody asks for it. worker_id: the pool that does '
  'it, registered before.';
grant execute on function app_private.begin_sync_run(integer, bigint, text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_sync_run.sql
--! Included app_private/functions/next_sync_at.sql
create or replace function app_private.next_sync_at(organization_id integer) returns timestamptz
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- From the last run, not from the clock: a time at which no worker was there is made up for once.
  select coalesce(q.until, r.at)
  from app_public.organizations o
  left join app_private.pfa_sync_schedule s on s.organization_id = o.id
  left join lateral (
    select l.state, l.trigger, l.requested_at, l.started_at, l.finished_at, l.error_code
    from app_public.pfa_sync_log l where l.organization_id = o.id order by l.id desc limit 1
  ) last on true
  left join lateral (
    select count(*) as failures
    from app_public.pfa_sync_log l
    where l.organization_id = o.id and l.state = 'failed'
      and l.id > coalesce((select max(w.id) from app_public.pfa_sync_log w where w.organization_id = o.id
        and w.state = 'succeeded'), 0)
  ) f on true
  cross join lateral (select coalesce(s.every, '15 minutes') as every, coalesce(s.time_zone, 'UTC') as time_zone) e
  cross join lateral (
    select case last.state
      when 'queued' then last.requested_at + interval '1 minute'
      when 'running' then null
      when 'succeeded' then case when s.cron is null then last.finished_at
        + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'withheld' then case when s.cron is null then last.finished_at
        + e.every else app_private.cron_next(s.cron, last.started_at, e.time_zone) end
      when 'failed' then case when last.error_code <> 'SYNC_KILLED_WORKER' then least(
        case when s.cron is null then last.finished_at
          + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
        last.finished_at + interval '1 minute' * power(2, least(f.failures - 1, 10))) end
      else clock_timestamp()
    end as at
  ) r
  left join lateral (
    -- What somebody asked for is not held back.
    select app_private.quiet_until(greatest(r.at, clock_timestamp()), s.quiet_from, s.quiet_to, e.time_zone) as until
    where last.state is distinct from 'queued' or last.trigger = 'schedule'
  ) q on true
  where o.id = next_sync_at.organization_id and o.is_active
    and (s.paused_at is null or last.state = 'queued' and last.trigger <> 'schedule')
    and app_private.pull_connection(o.id) is not null;
end;
comment on function app_private.next_sync_at(integer) is
  'When the next run of an organization is due: its interval or the next time of its cron expression after a '
  'success, sooner (1, 2, 4 ... minutes) after failures, not in quiet hours; a request that has waited a minute '
  'gets its job again in case it was lost. Null while one runs, after two that ended with their worker, and for an '
  'organization that is paused, switched off or not connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;
--! EndIncluded app_private/functions/next_sync_at.sql
--! Included app_private/functions/fail_sync_run.sql
create or replace function app_private.fail_sync_run(organization_id integer, run_id bigint, code text, message text,
  hint text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select app_private.clear_staging(fail_sync_run.organization_id, fail_sync_run.run_id);
  update app_public.pfa_sync_log l
  set state = 'failed', finished_at = clock_timestamp(),
    error_code = fail_sync_run.code, error_message = fail_sync_run.message, error_hint = fail_sync_run.hint
  where l.organization_id = fail_sync_run.organization_id and l.id = fail_sync_run.run_id
    and l.state in ('queued', 'running');
end;
comment on function app_private.fail_sync_run(integer, bigint, text, text, text) is
  'Ends a run that did not work out; the mirror stays as it was.';
grant execute on function app_private.fail_sync_run(integer, bigint, text, text, text) to vanguard_worker;
--! EndIncluded app_private/functions/fail_sync_run.sql
drop function if exists app_private.note_columns(integer, app_public.pfa_sync_log, jsonb, boolean);
--! Included app_private/functions/note_columns.sql
create or replace function app_private.note_columns(organization_id integer, run app_public.pfa_sync_log,
  columns jsonb, is_merged boolean, out missing jsonb, out changes jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := note_columns.organization_id;
  most constant integer := 500;
begin
  missing := '[]';
  changes := '{}';
  -- A read without rows tells nothing of columns.
  if coalesce((columns->>'rows')::bigint, 0) = 0 then
    return;
  end if;
  -- Against what runs brought before: the first one has nothing to be held against.
  if exists (
    select from app_public.pfa_column c
    where c.organization_id = p_organization_id and c.first_seen_at is not null and not c.is_guessed)
  then
    with known as (
      select c.* from app_public.pfa_column c
      where c.organization_id = p_organization_id and c.first_seen_at is not null
    ),
    told as (
      select t.alias, left(columns->'types'->>t.alias, 50) as type,
        coalesce((
          select jsonb_agg(f.key order by f.key) from app_private.field_mapping(p_organization_id) f
          where t.alias in (select lower(a) from unnest(f.grid_aliases) a)), '[]') as keys
      from jsonb_object_keys(columns->'columns') t (alias)
      where length(t.alias) between 1 and 200 order by t.alias limit most
    ),
    change as (
      select case when k.alias is null or k.missing_since is not null then 'came' else 'retyped' end as kind, t.alias,
        jsonb_strip_nulls(jsonb_build_object('alias', t.alias, 'keys', t.keys, 'type', t.type, 'was',
          case when k.missing_since is null then k.type end)) as entry
      from told t
      left join known k on k.alias = t.alias
      where k.alias is null or k.missing_since is not null or k.type <> t.type
      union all
      select 'went', k.alias, jsonb_strip_nulls(jsonb_build_object('alias', k.alias, 'keys', k.keys, 'type', k.type))
      from known k
      where k.missing_since is null and not columns->'columns' ? k.alias
    )
    select coalesce(jsonb_object_agg(c.kind, c.entries), '{}') into changes
    from (select c.kind, jsonb_agg(c.entry order by c.alias) as entries from change c group by c.kind) c;
  end if;
  if is_merged then
    with mapped as (
      select lower(a.alias) as alias, array_agg(f.key order by f.key) as keys
      from app_private.field_mapping(p_organization_id) f cross join unnest(f.grid_aliases) a (alias) group by 1
    ),
    told as (
      select t.key as alias, t.value::bigint as rows, left(columns->'types'->>t.key, 50) as type
      from jsonb_each_text(columns->'columns') t
      where length(t.key) between 1 and 200
    )
    insert into app_public.pfa_column as c (organization_id, alias, keys, first_seen_at, last_seen_at, missing_since,
      type)
    select p_organization_id, coalesce(m.alias, t.alias), coalesce(m.keys, '{}'),
      case when t.rows > 0 then run.started_at end, case when t.rows > 0 then run.started_at end,
      case when t.rows is null then run.started_at end, t.type
    from mapped m
    full join (select t.* from told t order by t.alias limit most) t on t.alias = m.alias
    where m.alias is not null or (select count(*) from app_public.pfa_column o
      where o.organization_id = p_organization_id) < most
      or exists (select from app_public.pfa_column o where o.organization_id = p_organization_id and o.alias = t.alias)
    on conflict on constraint pfa_column_pkey do update
    set keys = excluded.keys, first_seen_at = coalesce(c.first_seen_at, excluded.first_seen_at),
      last_seen_at = coalesce(excluded.last_seen_at, c.last_seen_at), type = coalesce(excluded.type, c.type),
      is_guessed = c.is_guessed and excluded.last_seen_at is null,
      missing_since = case when excluded.last_seen_at is null
        then coalesce(c.missing_since, excluded.missing_since) end;
    -- What is neither mapped nor there any more is missing, too; what was once mapped and never there is forgotten.
    delete from app_public.pfa_column c
    where c.organization_id = p_organization_id and c.first_seen_at is null
      and not exists (select from app_private.field_mapping(p_organization_id) f
        where c.alias in (select lower(a) from unnest(f.grid_aliases) a));
    update app_public.pfa_column c
    set keys = case when exists (select from app_private.field_mapping(p_organization_id) f
        where c.alias in (select lower(a) from unnest(f.grid_aliases) a)) then c.keys else '{}' end,
      missing_since = coalesce(c.missing_since, run.started_at)
    where c.organization_id = p_organization_id and not columns->'columns' ? c.alias and c.missing_since is null;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('alias', c.alias, 'keys', c.keys, 'lastSeenAt', c.last_seen_at,
    'rows', (columns->>'rows')::bigint - coalesce((columns->'columns'->>c.alias)::bigint, 0)) order by c.alias), '[]')
    into missing
  from app_public.pfa_column c
  where c.organization_id = p_organization_id
    and coalesce((columns->'columns'->>c.alias)::bigint, 0) < (columns->>'rows')::bigint;
end;
$$;
comment on function app_private.note_columns(integer, app_public.pfa_sync_log, jsonb, boolean) is
  'Notes, of a run that is merged, which columns it brought, `{"rows": n, "columns": {"alias": rows}, "types": '
  '{"alias": type}}`, and answers those that are missing, or not in each row, and what has changed since the last run, '
  '`{"came", "went", "retyped": [{"alias", "keys", "type", "was"}]}`. At most 500 columns of an organization are '
  'known.';
--! EndIncluded app_private/functions/note_columns.sql
drop function if exists app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean);
--! Included app_private/functions/judge_run.sql
create or replace function app_private.judge_run(
  organization_id integer, run_id bigint, added text[], changed text[], missing text[], rows_read integer,
  is_first boolean, has_rejects boolean, new_keys text[], out reasons jsonb, out preview jsonb,
  out rejected_fields jsonb
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := judge_run.organization_id;
  p_run_id constant bigint := judge_run.run_id;
  p_changed constant text[] := judge_run.changed;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  live bigint;
  refused bigint := 0;
  partly bigint := 0;
  twins bigint := 0;
  columns jsonb := '[]';
  held jsonb := '{}';
begin
  reasons := '[]';
  rejected_fields := '[]';
  if has_rejects then
    select count(*) filter (where s.reason is not null), count(*) filter (where s.reason = 'twin'),
      count(*) filter (where s.reason is null and s.problems is not null)
    into refused, twins, partly
    from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;
  if partly > 0 then
    select coalesce(jsonb_agg(to_jsonb(f) order by f.key), '[]') into rejected_fields
    from (
      select p->>'key' as key, min(p->>'alias') as alias, count(*) as count,
        to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(p->>'value', 100))
          order by s.pfa_id))[1:3]) as samples
      from app_private.pfa_staging s
      cross join jsonb_array_elements(s.problems) p
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.problems is not null
      group by 1
    ) f;
  end if;

  -- A value that only another notation can read proves that the setting is wrong, and that values which both can read
  -- were read wrong.
  if refused + partly > 0 then
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object(
          'code', case when w.proves = 'decimal-comma' then 'SYNC_NUMBER_FORMAT' else 'SYNC_DATE_ORDER' end,
          'key', w.key, 'count', w.times, 'of', judge_run.rows_read, 'samples', w.samples,
          'message', format('%s holds "%s", which is %s.', w.key, w.samples->0->>'value', case w.proves
            when 'day-first' then 'a date only with the day before the month; the connection says month first (MDY)'
            when 'month-first' then 'a date only with the month before the day; the connection says day first (DMY)'
            else 'a number only with a decimal comma; numbers are read with a decimal point' end))
        order by w.times desc, w.key)
      from (
        select p.value->>'key' as key, p.value->>'proves' as proves, count(*) as times,
          to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(p.value->>'value', 100))))[1:3])
            as samples
        from app_private.pfa_staging s
        cross join jsonb_array_elements(s.problems) p
        where s.organization_id = p_organization_id and s.run_id = p_run_id and coalesce(s.reason, 'value') = 'value'
          and s.problems is not null and p.value ? 'proves'
        group by 1, 2
      ) w), '[]');
  end if;
  if app_private.is_much(twins, judge_run.rows_read, limits.refused_percent, limits.least_records) then
    reasons := reasons || jsonb_build_array(jsonb_build_object('code', 'SYNC_TWIN_IDS', 'key', 'pfaId',
      'count', twins, 'of', judge_run.rows_read,
      'samples', (
        select jsonb_agg(t) from (
          select s.pfa_id as "recordId", s.problems->0->>'value' as value from app_private.pfa_staging s
          where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason = 'twin'
          order by s.pfa_id limit 3) t),
      'message', format('The ids of %s of %s rows differ from those of other records only by case, blanks, leading '
        'zeros or normal form.', twins, judge_run.rows_read)));
  end if;
  if app_private.is_much(refused - twins + partly, judge_run.rows_read, limits.refused_percent, limits.least_records)
  then
    reasons := reasons || (
      select jsonb_agg(jsonb_build_object('code', 'SYNC_ROWS_REFUSED', 'key', w.key, 'count', refused - twins + partly,
        'of', judge_run.rows_read, 'samples', w.samples,
        'message', format('%s of %s rows are refused%s, most of them because of %s.', refused - twins + partly,
          judge_run.rows_read, case when partly > 0 then ', whole or in part' else '' end,
          coalesce(w.key, w.reason))))
      from (
        select s.reason, case when coalesce(s.reason, 'value') = 'value' then s.problems->0->>'key' end as key,
          to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(s.problems->0->>'value', 100))))
            [1:3]) as samples
        from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id
          and (s.reason <> 'twin' or s.reason is null and s.problems is not null)
        group by 1, 2 order by count(*) desc, 1, 2 limit 1
      ) w);
  elsif exists (select from jsonb_array_elements(rejected_fields) f where (f->>'count')::bigint >= 10) then
    -- Few rows, but all that have a value of the key.
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object('code', 'SYNC_VALUES_REFUSED', 'key', f.key, 'count', f.count, 'of', h.held,
        'samples', f.samples,
        'message', format('%s of %s values of %s cannot be read.', f.count, h.held, f.key)) order by f.key)
      from jsonb_to_recordset(rejected_fields) f (key text, count bigint, samples jsonb)
      cross join lateral (
        -- The last good value of what cannot be read is there, too.
        select count(*) as held from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
          and (s.data ? f.key or s.problems @> jsonb_build_array(jsonb_build_object('key', f.key)))
      ) h
      where f.count >= 10
        and app_private.is_much(f.count, h.held, limits.refused_percent, limits.least_records)), '[]');
  end if;

  if cardinality(p_changed) > 2 or cardinality(missing) > 2 then
    select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id
      and m.removed_at is null;
    -- Everything under other ids.
    if live > limits.least_records and cardinality(missing) > live * limits.removed_percent / 100.0
      and cardinality(added) * 2 > cardinality(missing) then
      reasons := reasons || jsonb_build_array(jsonb_build_object('code', 'SYNC_MANY_REPLACED', 'key', 'pfaId',
        'count', cardinality(missing), 'of', live,
        'samples', jsonb_build_array(jsonb_build_object('recordId', added[1], 'value', missing[1])),
        'message', format('%s of %s records are missing, and %s others came in their place.', cardinality(missing),
          live, cardinality(added))));
    end if;
  end if;
  if cardinality(p_changed) > 2 then
    with difference as materialized (
      select s.pfa_id, k.key, nullif(k.value->'from', 'null') as was, nullif(k.value->'to', 'null') as becomes
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
        and m.removed_at is null
      cross join jsonb_each(app_core.changed_keys(m.data, s.data)) k
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.pfa_id = any (p_changed) and k.key <> all (judge_run.new_keys)
    )
    select coalesce(jsonb_agg(to_jsonb(c) order by c.changed desc, c.key), '[]') into columns
    from (
      select d.key, count(*) as changed, count(*) filter (where d.becomes is null) as emptied,
        -- Day and month changed places.
        count(*) filter (where f.kind = 'date' and d.was <> d.becomes
          and d.becomes #>> '{}' = regexp_replace(d.was #>> '{}', '^(\d{4})-(\d\d)-(\d\d)$', '\1-\3-\2')) as swapped,
        to_jsonb((array_agg(jsonb_build_object('recordId', d.pfa_id, 'from', d.was, 'to', d.becomes)
          order by d.becomes is not null, d.pfa_id))[1:3]) as samples
      from difference d
      join app_private.field_mapping(p_organization_id) f on f.key = d.key
      group by d.key
    ) c;
    select coalesce(jsonb_object_agg(h.key, h.times), '{}') into held
    from (
      select c.value->>'key' as key, count(*) as times
      from jsonb_array_elements(columns) c
      cross join app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
        and m.removed_at is null
      where (c.value->>'emptied')::bigint >= 10 and m.data->(c.value->>'key') <> 'null'
        and s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
      group by 1
    ) h;
    reasons := reasons || coalesce((
      select jsonb_agg(jsonb_build_object('code', r.code, 'key', c.key, 'count', r.count, 'of', r.of,
        'samples', c.samples, 'message', format(r.message, c.key, r.count, r.of)) order by r.code, c.key)
      from jsonb_to_recordset(columns) c (key text, changed bigint, emptied bigint, swapped bigint, samples jsonb)
      cross join lateral (
        select 'SYNC_COLUMN_EMPTIED' as code, c.emptied as count, (held->>c.key)::bigint as of,
          '%s is empty in %s of %s records that had a value.' as message
        where app_private.is_much(c.emptied, (held->>c.key)::bigint, limits.emptied_percent, limits.least_records)
        union all
        select 'SYNC_MANY_CHANGES', c.changed - c.emptied, live, '%s is another value in %s of %s records.'
        where c.changed - c.emptied > live * limits.changed_percent / 100.0 and live > limits.least_records
        union all
        select 'SYNC_DATE_ORDER', c.swapped, c.changed, '%s has day and month the other way round in %s of %s changes.'
        where c.swapped >= 3 and c.swapped * 2 > c.changed
      ) r), '[]');
  end if;
  if reasons <> '[]' then
    preview := jsonb_build_object('added', coalesce(cardinality(added), case when is_first then judge_run.rows_read
      - refused else 0 end), 'changed', coalesce(cardinality(p_changed), 0), 'rejected', refused,
      'missing', coalesce(cardinality(missing), 0), 'columns', (
        select coalesce(jsonb_agg(c.value - 'swapped' order by c.number), '[]')
        from jsonb_array_elements(columns) with ordinality c (value, number)));
  end if;
end;
$$;
comment on function app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean, text[])
  is
  'Why a run is not to be trusted, `[{"code", "key", "message", "count", "of", "samples"}]`, and what it would change: '
  'values that prove another notation, refused rows, twins of ids, replaced records, emptied and changed values beyond '
  'the limits of the organization. Keys that are new to it count for nothing. rejected_fields: values that cannot be '
  'read, by key, `[{"key", "alias", "count", "samples"}]`. Call it after the rows that are refused are marked.';
--! EndIncluded app_private/functions/judge_run.sql
--! Included app_private/functions/merge_sync_run.sql
create or replace function app_private.merge_sync_run(organization_id integer, run_id bigint,
  summary jsonb default null)
  returns app_public.pfa_sync_log
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
  -- Only compare_staged reads everything; what follows finds single records by their keys. Planned for any
  -- organization: of this one the statistics may not know yet that it has records, and with one record every index, and
  -- every order of joining, looks as good as the key. Staging has no statistics worth the name either.
  set plan_cache_mode = force_generic_plan
  set enable_seqscan = off
  set jit = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := merge_sync_run.organization_id;
  p_run_id constant bigint := merge_sync_run.run_id;
  -- How long it took to read: what PEMS changed meanwhile may have come after its page.
  read_for constant interval := date_trunc('minute', clock_timestamp() - (
    select l.started_at from app_public.pfa_sync_log l where l.organization_id = p_organization_id
      and l.id = p_run_id));
  run app_public.pfa_sync_log;
  code text;
  identity constant jsonpath := '$[*] ? (@.key == "pfaId" || @.key == "organization")';
  is_first boolean;
  has_rejects boolean;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  has_unknown boolean;
  has_fields boolean;
  new_keys text[];
  is_accepted boolean;
  accepted jsonb;
  accepts_twins boolean;
  would_change jsonb;
  notices text[] := '{}';
  replaced text[];
  live bigint;
  duplicates text[];
  added text[];
  changed text[];
  restamped text[];
  missing text[];
  confirmed text[];
begin
  select l.* into run from app_public.pfa_sync_log l
  where l.organization_id = p_organization_id and l.id = p_run_id for update;
  if run.state is distinct from 'running' then
    raise exception 'Run % of organization % is no longer current.', p_run_id, p_organization_id
      using errcode = 'VG409', hint = 'Another run took its place; nothing was merged.';
  end if;
  -- An admin may be accepting removals at this moment.
  perform pg_advisory_xact_lock(hashtext('pfa_mirror removals'), p_organization_id);
  select o.code into code from app_public.organizations o where o.id = p_organization_id;
  -- Not exists: its plan looks at other organizations' records until it comes to one of this.
  is_first := (
    select m.pfa_id from app_core.pfa_mirror m where m.organization_id = p_organization_id
    order by m.organization_id, m.pfa_id limit 1) is null;

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice. Of other values
  -- that cannot be read the field is rejected: its key is among those that the row does not tell.
  select count(*), max(s.version),
    count(s.pfa_id) > count(distinct s.pfa_id) or coalesce(bool_or(
      s.pfa_id is null or s.organization_code is distinct from code or s.problems @? identity), false),
    coalesce(bool_or(s.unknown is not null), false), coalesce(bool_or(s.problems is not null), false)
  into run.rows_read, run.greatest_version, has_rejects, has_unknown, has_fields
  from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  if has_rejects then
    select coalesce(array_agg(twice.pfa_id), '{}') into duplicates
    from (
      select s.pfa_id from app_private.pfa_staging s
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.organization_code = code
      group by s.pfa_id having count(*) > 1
    ) twice;

    update app_private.pfa_staging s set reason = case
        when s.pfa_id is null then 'missing-id'
        when s.organization_code is distinct from code then 'other-organization'
        else 'value'
      end
    where s.organization_id = p_organization_id and s.run_id = p_run_id
      and (s.pfa_id is null or s.organization_code is distinct from code or s.problems @? identity);
    update app_private.pfa_staging s set reason = 'duplicate'
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = any (duplicates)
      and s.organization_code = code;

    select max(s.version) into run.greatest_version
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  end if;

  -- 2. What differs, and was asked for after what we hold arrived: a stale page never overwrites.
  if has_unknown then
    perform app_private.keep_unknown(p_organization_id, p_run_id);
  end if;
  if is_first then
    select array_agg(s.pfa_id) into added from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null;
  elsif run.kind = 'incremental' then
    select c.added, c.changed, c.restamped into added, changed, restamped
    from app_private.compare_staged_changes(p_organization_id, p_run_id) c;
  else
    select c.added, c.changed, c.restamped, c.missing into added, changed, restamped, missing
    from app_private.compare_staged(p_organization_id, p_run_id, run.started_at) c;
  end if;

  -- 3. Whether it is to be trusted. What somebody accepted counts until a full run that began later has succeeded.
  select coalesce(jsonb_agg(r.value), '[]'), coalesce(bool_or(l.rows_twin > 0), false) into accepted, accepts_twins
  from app_public.pfa_sync_log l
  left join lateral jsonb_array_elements(l.reasons) r on true
  where l.organization_id = p_organization_id and l.accepted_at > coalesce((
    select max(d.started_at) from app_public.pfa_sync_log d
    where d.organization_id = p_organization_id and d.state = 'succeeded' and d.kind = 'full'), '-infinity');
  if added is not null then
    if accepts_twins then
      -- The known one goes where its twin comes instead.
      select array_agg(t.twin_id) into replaced from app_private.twins_of(p_organization_id, added, missing) t
      where t.twin_id = any (missing);
      missing := array(select unnest(missing) except select unnest(replaced));
    else
      with twin as materialized (
        select t.* from app_private.twins_of(p_organization_id, added, missing) t
      ),
      refused as (
        update app_private.pfa_staging s set reason = 'twin', row_content = coalesce(s.row_content, s.data),
          problems = jsonb_build_array(jsonb_build_object('key', 'pfaId', 'value', t.twin_id, 'message',
            format('The id differs from that of %s only by case, blanks, leading zeros or normal form.', t.twin_id)))
        from twin t
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = t.pfa_id
          and s.reason is null
        returning s.pfa_id, t.twin_id
      )
      select array(select unnest(added) except select r.pfa_id from refused r),
        array(select unnest(missing) except select r.twin_id from refused r), (select count(*) from refused)
      into added, missing, run.rows_twin;
      has_rejects := has_rejects or run.rows_twin > 0;
    end if;
  end if;
  new_keys := app_private.new_keys(p_organization_id, summary);
  select j.reasons, j.preview, j.rejected_fields into run.reasons, would_change, run.rejected_fields
  from app_private.judge_run(p_organization_id, p_run_id, added, changed, missing, run.rows_read, is_first,
    has_rejects or has_fields, new_keys) j;
  run.values_rejected := (select coalesce(sum((f->>'count')::integer), 0) from jsonb_array_elements(run.rejected_fields)
    f);
  is_accepted := not exists (
    select from jsonb_to_recordset(run.reasons) r (code text, key text, count bigint)
    where not exists (
      select from jsonb_to_recordset(accepted) a (code text, key text, count bigint)
      where a.code = r.code and a.key is not distinct from r.key
        and r.count <= a.count + greatest(10, a.count / 10)));
  select n.missing, n.changes into run.missing_columns, run.column_changes
  from app_private.note_columns(p_organization_id, run, summary, is_accepted) n;
  if has_rejects then
    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, problems, row_content)
    select p_organization_id, p_run_id,
      -- Members of this organization read the rejects: what another one's record is and holds is not for them.
      case when s.organization_code = code then s.pfa_id end,
      s.reason,
      case when s.organization_code = code then coalesce(s.problems, '[]') else '[]' end,
      case when s.organization_code = code then coalesce(s.row_content, s.data) else jsonb_build_object('organization',
        s.organization_code) end
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is not null
    order by s.pfa_id
    -- Of a run that is withheld, again and again perhaps, only samples are kept.
    limit case when not is_accepted then 100 end;
    get diagnostics run.rows_rejected = row_count;
  end if;
  if has_fields then
    insert into app_public.pfa_sync_reject (organization_id, run_id, pfa_id, reason, key, alias, value, problems,
      row_content)
    select p_organization_id, p_run_id, s.pfa_id, 'field', p->>'key', p->>'alias', p->>'value', jsonb_build_array(p),
      jsonb_build_object(coalesce(p->>'alias', p->>'key'), p->'value')
    from app_private.pfa_staging s
    cross join jsonb_array_elements(s.problems) p
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
      and s.problems is not null
    order by s.pfa_id, p->>'key'
    -- All are counted.
    limit case when is_accepted then 10000 else 100 end;
  end if;
  if not is_accepted then
    update app_public.pfa_sync_log l
    set state = 'withheld', finished_at = clock_timestamp(), rows_read = run.rows_read,
      rows_rejected = (would_change->>'rejected')::integer, rows_twin = run.rows_twin,
      missing_columns = run.missing_columns, column_changes = run.column_changes,
      values_rejected = run.values_rejected, rejected_fields = run.rejected_fields, reasons = run.reasons,
      preview = would_change,
      error_code = run.reasons->0->>'code', error_message = run.reasons->0->>'message',
      error_hint = format('Nothing was changed. If PEMS is right, an owner or admin accepts the run (`npx vanguard '
        'sync accept %s`); if not, correct PEMS, its connection or its mapping.', code)
    where l.organization_id = p_organization_id and l.id = p_run_id
    returning l.* into run;
    perform app_private.clear_staging(p_organization_id, p_run_id);
    return run;
  end if;
  perform app_private.note_spellings(p_organization_id, run.kind, coalesce(summary->'spellings', '[]'));
  -- All that this run may write, in one order and at once, as everybody does who drafts or commits: locked bit by bit,
  -- it and they would wait for each other, and the whole run would be lost.
  perform app_private.lock_records(p_organization_id, changed || restamped || missing || replaced);
  if has_unknown then
    -- What was confirmed meanwhile.
    perform app_private.keep_unknown(p_organization_id, p_run_id, changed || restamped);
  end if;
  if changed is not null then
    with differing as materialized (
      select s.pfa_id, s.data, s.version, s.version_by, s.received_at,
        m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
        m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents
      from app_private.pfa_staging s
      join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
      where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
        and s.pfa_id = any (changed)
        and (m.data <> s.data or m.removed_at is not null) and s.requested_at > m.observed_at
    ),
    updated as (
      update app_core.pfa_mirror m
      set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
        revision = nextval('app_core.revision_seq')
      from differing d
      where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
      returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
        m.actual_cost_cents
    ),
    logged as (
      insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
      select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
        c.changes
      from differing d
      -- What was not read before has no history.
      cross join lateral (select app_core.changed_keys(d.old_data, d.data) - new_keys as changes) c
      where c.changes <> '{}' or d.old_removed_at is not null
    ),
    summed as (
      insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count,
        discontinued_count, plan_cost_cents, forecast_cost_cents, actual_cost_cents)
      select p_organization_id, coalesce(r.source, ''),
        sum(r.sign * (not r.is_discontinued)::integer),
        sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
        sum(r.sign * r.is_discontinued::integer),
        sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end),
        sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
      from (
        select 1 as sign, u.* from updated u
        union all
        select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents,
          d.actual_cost_cents
        from differing d where d.old_removed_at is null
      ) r
      group by 2
    )
    select array_agg(d.pfa_id) into changed from differing d;
  end if;
  run.rows_updated := coalesce(cardinality(changed), 0);

  -- The same content under a newer version of PEMS: noted, without a new revision.
  update app_core.pfa_mirror m
  set version = s.version, version_by = s.version_by
  from app_private.pfa_staging s
  where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null
    and s.pfa_id = any (restamped)
    and m.organization_id = p_organization_id and m.pfa_id = s.pfa_id
    and s.requested_at > m.observed_at
    and (m.version, m.version_by) is distinct from (s.version, s.version_by);

  -- 4. What is new.
  with inserted as (
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and is_first
    union all
    select p_organization_id, s.pfa_id, s.data, s.version, s.version_by, s.received_at
    from app_private.pfa_staging s
    where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason is null and not is_first
      and s.pfa_id = any (added)
    returning pfa_id, source, is_actualized, is_discontinued, plan_cost_cents, forecast_cost_cents, actual_cost_cents
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, i.pfa_id, 'sync', 'add', '{}' from inserted i where not is_first
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(i.source, ''),
      count(*) filter (where not i.is_discontinued), count(*) filter (where not i.is_discontinued and i.is_actualized),
      count(*) filter (where i.is_discontinued), coalesce(sum(i.plan_cost_cents) filter (where not i.is_discontinued),
        0),
      coalesce(sum(i.forecast_cost_cents) filter (where not i.is_discontinued), 0),
      coalesce(sum(i.actual_cost_cents) filter (where not i.is_discontinued), 0)
    from inserted i group by 2
  )
  select count(*) into run.rows_inserted from inserted;

  -- 5. What is gone: noted when a complete full read misses it, removed when the next one misses it too, and never many
  -- at once. Seen again by whichever run, or by anybody else since it was missed, it has to be missed twice anew.
  delete from app_public.pfa_removal_candidate c
  where c.organization_id = p_organization_id
    and (exists (
        select from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.pfa_id = c.pfa_id
          and s.reason is distinct from 'other-organization')
      or exists (
        select from app_core.pfa_mirror m
        where m.organization_id = p_organization_id and m.pfa_id = c.pfa_id
          and (m.removed_at is not null or m.observed_at >= c.missed_at)));

  if run.kind = 'full' and not is_first then
    -- observed_at: what somebody read after this run began, this run has not missed.
    with missed_again as (
      update app_public.pfa_removal_candidate c set confirmed_at = run.started_at
      from app_core.pfa_mirror m
      where c.organization_id = p_organization_id and c.missed_by_run <> p_run_id
        and m.organization_id = p_organization_id and m.pfa_id = c.pfa_id and m.observed_at < run.started_at
      returning c.pfa_id
    )
    select array_agg(g.pfa_id) into confirmed from missed_again g;

    if confirmed is not null then
      select count(*) into live from app_core.pfa_mirror m where m.organization_id = p_organization_id
        and m.removed_at is null;
    end if;
    if live > limits.least_records and cardinality(confirmed) > live * limits.removed_percent / 100.0 then
      run.rows_spared := cardinality(confirmed);
      notices := notices || format('%s of %s records are gone in PEMS. So many are not removed unless somebody agrees: '
        'if they are meant to be gone, an owner or admin accepts their removal (acceptRemovals, or `npx vanguard sync '
        'accept-removals %s`); if not, PEMS or the rights of its user are to be looked at.',
        run.rows_spared, live, code);
      update app_public.pfa_removal_candidate c set spared_by_run = p_run_id
      where c.organization_id = p_organization_id and c.pfa_id = any (confirmed) and c.spared_by_run is null;
      confirmed := null;
    else
      confirmed := app_private.remove_records(p_organization_id, confirmed, null);
      run.rows_removed := coalesce(cardinality(confirmed), 0);
    end if;

    if replaced is not null then
      insert into app_public.pfa_removal_candidate as c (organization_id, pfa_id, missed_by_run, missed_at,
        confirmed_at)
      select p_organization_id, r.id, p_run_id, run.started_at, run.started_at from unnest(replaced) r (id)
      on conflict on constraint pfa_removal_candidate_pkey do update set confirmed_at = excluded.confirmed_at;
      replaced := app_private.remove_records(p_organization_id, replaced, null);
      run.rows_removed := run.rows_removed + coalesce(cardinality(replaced), 0);
    end if;

    insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run, missed_at)
    select p_organization_id, m.pfa_id, p_run_id, run.started_at
    from app_core.pfa_mirror m
    where m.organization_id = p_organization_id and m.pfa_id = any (missing) and m.removed_at is null
      and m.observed_at < run.started_at
    on conflict do nothing;
    get diagnostics run.rows_missing = row_count;
  end if;

  -- 6. What people drafted on the records that changed.
  select f.rebased, f.conflicts into run.drafts_rebased, run.conflicts
  from app_private.follow_mirror(p_organization_id, changed || confirmed || replaced) f;
  update app_core.pfa_overlay o
  set version = m.version, version_by = m.version_by
  from app_core.pfa_mirror m
  where o.organization_id = p_organization_id and o.pfa_id = any (changed || restamped)
    and m.organization_id = p_organization_id and m.pfa_id = o.pfa_id
    and (o.version, o.version_by) is distinct from (m.version, m.version_by);

  -- 7. What was done, and from when on the next run has to ask: an hour that PEMS's clock may go back by, and ten
  -- minutes for what was committed late, before the newest change that can have been seen. A run that brought nothing
  -- newer leaves it.
  run.next_since := greatest(
    case when run.kind = 'incremental' then run.changed_since end,
    date_trunc('minute', run.greatest_version) - interval '70 minutes' - read_for);
  if run.kind = 'incremental' then
    run.greatest_version := greatest(run.greatest_version, (
      select l.greatest_version from app_public.pfa_sync_log l
      where l.organization_id = p_organization_id and l.state = 'succeeded' order by l.finished_at desc limit 1));
  end if;
  if run.rows_rejected > 0 then
    notices := notices || format('%s of %s rows were refused; the rejects of the run name them.', run.rows_rejected,
      run.rows_read);
  end if;
  if run.rows_twin > 0 then
    notices := notices || format('%s of them have an id that differs from another one only by case, blanks, leading '
      'zeros or normal form. If they are records of their own, an owner or admin accepts the run (`npx vanguard sync '
      'accept %s`).', run.rows_twin, code);
  end if;
  notices := notices || (
    select array_agg(format('%s of %s rows cannot be read (as "%s" in record %s); these records keep their last value '
      'of it.', f.key, f.count, left(f.samples->0->>'value', 50), f.samples->0->>'recordId') order by f.key)
    from jsonb_to_recordset(run.rejected_fields) f (key text, count bigint, samples jsonb));
  notices := notices || (
    select array_agg(format(case when c."lastSeenAt" is null
        then 'The grid of PEMS has never had the column %1$s (%2$s).'
        else 'The column %1$s (%2$s) is missing in %3$s of %4$s rows; the values read until %5$s UTC stay.' end,
      c.alias, coalesce(array_to_string(c.keys, ', '), 'not mapped'), c.rows, summary->>'rows',
      to_char(c."lastSeenAt" at time zone 'UTC', 'YYYY-MM-DD HH24:MI')) order by c.alias)
    from jsonb_to_recordset(run.missing_columns) c (alias text, keys text[], rows bigint, "lastSeenAt" timestamptz)
    -- What was never there is said once.
    where c."lastSeenAt" is not null or is_first);
  notices := notices || (
    select array_agg(format('%s of %s rows is outside of what may be drafted, as in record %s; the values are kept.',
      i.key, i.value->>'rows', i.value->>'recordId') order by i.key)
    from jsonb_each(summary->'implausible') i);
  run.notice := nullif(array_to_string(notices, ' '), '');
  update app_public.pfa_sync_log l
  set state = 'succeeded', finished_at = clock_timestamp(), rows_read = run.rows_read,
    rows_inserted = run.rows_inserted,
    rows_updated = run.rows_updated, rows_unchanged = run.rows_read - run.rows_inserted - run.rows_updated
      - run.rows_rejected,
    rows_removed = run.rows_removed, rows_missing = run.rows_missing, rows_spared = run.rows_spared,
    rows_rejected = run.rows_rejected,
    drafts_rebased = run.drafts_rebased, conflicts = run.conflicts, greatest_version = run.greatest_version,
    next_since = run.next_since, notice = run.notice, rows_twin = run.rows_twin,
    missing_columns = run.missing_columns, column_changes = run.column_changes, values_rejected = run.values_rejected,
    rejected_fields = run.rejected_fields
  where l.organization_id = p_organization_id and l.id = p_run_id
  returning l.* into run;

  perform app_private.clear_staging(p_organization_id, p_run_id);
  if run.rows_inserted + run.rows_updated + run.rows_removed > 0 then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return run;
end;
$$;
comment on function app_private.merge_sync_run(integer, bigint, jsonb) is
  'Merges what a complete run left in staging: refuses bad rows, rejects fields that cannot be read, keeps what its '
  'pages did not tell, inserts, updates '
  'only what differs and was asked for later than what we hold, after a full run notes and removes what is gone, '
  'rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. A run that does not look like what is '
  'known (judge_run) is withheld instead, unless somebody accepted it. One transaction, set-based. summary: what its '
  'pages told, `{"rows": n, "columns": {"alias": rows}, "types": {"alias": type}, "implausible": {"key": {"rows", '
  '"recordId"}}, "spellings": [{"key", "value", "spelling", "rows"}]}`. VG409 when '
  'the token of the run is no longer current.';
grant execute on function app_private.merge_sync_run(integer, bigint, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/merge_sync_run.sql
--! Included app_private/functions/enter_reads.sql
create or replace function app_private.enter_reads(organization_id integer, reads jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := enter_reads.organization_id;
  -- What was not read before has no history.
  new_keys constant text[] := app_private.new_keys(p_organization_id);
  changed text[];
begin
  with read as materialized (
    select m.pfa_id, m.data as old_data, m.removed_at as old_removed_at, m.source, m.is_actualized, m.is_discontinued,
      m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
      jsonb_strip_nulls(case when (r->>'isWhole')::boolean then r->'data' else m.data || (r->'data') end) as data,
      coalesce((r->>'version')::timestamp, m.version) as version, coalesce(r->>'versionBy', m.version_by) as version_by,
      app_private.at_microseconds(r->>'receivedAt') as received_at, coalesce(r->'ours', '{}') as ours
    from jsonb_array_elements(enter_reads.reads) r
    join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = r->>'pfaId'
    -- What we hold came with a later answer.
    where app_private.at_microseconds(r->>'requestedAt') > m.observed_at
  ),
  differing as materialized (
    select * from read r where r.data <> r.old_data or r.old_removed_at is not null
  ),
  updated as (
    update app_core.pfa_mirror m
    set data = d.data, version = d.version, version_by = d.version_by, observed_at = d.received_at, removed_at = null,
      revision = nextval('app_core.revision_seq')
    from differing d
    where m.organization_id = p_organization_id and m.pfa_id = d.pfa_id
    returning m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents,
      m.actual_cost_cents
  ),
  observed as (
    update app_core.pfa_mirror m
    set version = r.version, version_by = r.version_by, observed_at = r.received_at
    from read r
    where m.organization_id = p_organization_id and m.pfa_id = r.pfa_id
      and r.pfa_id not in (select d.pfa_id from differing d)
  ),
  seen_again as (
    delete from app_public.pfa_removal_candidate c using read r
    where c.organization_id = p_organization_id and c.pfa_id = r.pfa_id
  ),
  logged as (
    -- What is ours is told by push.
    insert into app_core.pfa_change (organization_id, pfa_id, route, event, changes)
    select p_organization_id, d.pfa_id, 'sync', case when d.old_removed_at is null then 'update' else 'restore' end,
      c.changes
    from differing d
    cross join lateral (
      select coalesce(jsonb_object_agg(k.key, k.value), '{}') as changes
      from jsonb_each(app_core.changed_keys(d.old_data, d.data)) k
      where d.ours->k.key is distinct from app_core.normalized(k.value->'to') and k.key <> all (new_keys)
    ) c
    where c.changes <> '{}' or d.old_removed_at is not null
  ),
  summed as (
    insert into app_private.pfa_kpi_change (organization_id, source, record_count, actualized_count, discontinued_count,
      plan_cost_cents, forecast_cost_cents, actual_cost_cents)
    select p_organization_id, coalesce(r.source, ''),
      sum(r.sign * (not r.is_discontinued)::integer),
      sum(r.sign * (not r.is_discontinued and r.is_actualized)::integer),
      sum(r.sign * r.is_discontinued::integer),
      sum(case when r.is_discontinued then 0 else r.sign * r.plan_cost_cents end),
      sum(case when r.is_discontinued then 0 else r.sign * r.forecast_cost_cents end),
      sum(case when r.is_discontinued then 0 else r.sign * r.actual_cost_cents end)
    from (
      select 1 as sign, u.* from updated u
      union all
      select -1, d.source, d.is_actualized, d.is_discontinued, d.plan_cost_cents, d.forecast_cost_cents,
        d.actual_cost_cents
      from differing d where d.old_removed_at is null
    ) r
    group by 2
  )
  select array_agg(d.pfa_id) into changed from differing d;
  if changed is not null then
    perform app_private.queue_refresh(p_organization_id);
  end if;
  return changed;
end;
$$;
comment on function app_private.enter_reads(integer, jsonb) is
  'Enters what was read of records into the mirror, unless something newer is there already, and answers which '
  'changed: `[{"pfaId", "data", "isWhole", "version", "versionBy", "requestedAt", "receivedAt", "ours"}]`. Data '
  'that is not whole leaves the keys that it does not have; null empties one. `ours`: keys and values that we '
  'wrote, which are no news. Call it under lock_records; rebase and overlay are the caller''s.';
--! EndIncluded app_private/functions/enter_reads.sql
-- What the columns took along.
--! Included app_private/functions/dispatch_due_syncs.sql
create or replace function app_private.dispatch_due_syncs() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Materialized: the planner may otherwise queue first and ask afterwards whether the organization was due.
  with due as materialized (
    select o.id from app_public.organizations o where app_private.next_sync_at(o.id) <= clock_timestamp()
  )
  select count(q.id)::integer
  from due d
  cross join lateral app_private.queue_sync(d.id, 'schedule', null, null) q;
end;
comment on function app_private.dispatch_due_syncs() is
  'Queues a run for every organization that is due (next_sync_at). Answers how many.';
grant execute on function app_private.dispatch_due_syncs() to vanguard_worker;
--! EndIncluded app_private/functions/dispatch_due_syncs.sql
--! Included app_private/functions/legacy_rule_words.sql
create or replace function app_private.legacy_rule_words(definition text) returns text
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
begin atomic
  select case
    when definition ~ '!~\* ''\^https' then 'has a user or a password in it, which belong to the credentials'
    when definition ~ '~ ''\^https' then 'is no address that begins with http:// or https://'
    when definition ~ '= ANY \(ARRAY\[' then 'is none of ' || (
      select string_agg(m[1], ', ') from regexp_matches(definition, '''([^'']+)''::text', 'g') m where m[1] !~ '\^')
    when definition ~ 'jsonb_typeof' then 'is no JSON list'
    when definition ~ 'length\(' then
      case when definition ~ 'btrim' then 'begins or ends with a space, or ' else '' end || 'is not '
      || coalesce((regexp_match(definition, '>= \(?([0-9]+)'))[1], '0') || ' to '
      || (regexp_match(definition, '<= \(?([0-9]+)'))[1] || ' characters long'
    when definition ~ '>= .* <= ' then 'is not between ' || (regexp_match(definition, '>= \(?([0-9]+)'))[1] || ' and '
      || (regexp_match(definition, '<= \(?([0-9]+)'))[1]
    when definition ~ '>= ' then 'is below ' || (regexp_match(definition, '>= \(?([0-9]+)'))[1]
    when definition ~ '> ' then 'is not above ' || (regexp_match(definition, '> \(?([0-9]+)'))[1]
  end;
end;
comment on function app_private.legacy_rule_words(text) is
  'A check constraint in words, e.g. `is none of admin, user, viewer`; null where it has no words yet.';
--! EndIncluded app_private/functions/legacy_rule_words.sql
--! Included app_private/functions/legacy_shown.sql
create or replace function app_private.legacy_shown(cell jsonb) returns jsonb
  language sql immutable parallel safe
  return case
    when length(cell::text) > 200 then to_jsonb(left(regexp_replace(cell::text, '://.*@', '://***@'), 200) || '...')
    -- An address with a user and a password.
    when jsonb_typeof(cell) = 'string' then to_jsonb(regexp_replace(cell #>> '{}', '://.*@', '://***@'))
    else cell
  end;
comment on function app_private.legacy_shown(jsonb) is
  'A value in a list of problems, without credentials of addresses.';
--! EndIncluded app_private/functions/legacy_shown.sql
