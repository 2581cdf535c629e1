--! Previous: sha1:7672d6d58bdd29c832328c831daac74e04d44070
--! Hash: sha1:232369ea8d0db07e1cf9c1f2e92fda54465f4a2c
--! Message: distrust a sync and bound what users store

--! split: 1-current.sql
-- Sync distrusts a read that does not look like the one before: lost columns, refused rows, another notation of dates
-- or numbers, twins of ids, many changes. Such a run is withheld until an admin accepts it.

-- PostgreSQL 15 adds no column to a table whose row a function takes.
drop function if exists app_public.pfa_sync_log_spared_removals(app_public.pfa_sync_log);
alter table app_public.pfa_sync_log
  add column if not exists rows_twin integer not null default 0,
  add column if not exists missing_columns jsonb not null default '[]',
  add column if not exists reasons jsonb not null default '[]',
  add column if not exists preview jsonb,
  add column if not exists accepted_at timestamptz,
  add column if not exists accepted_by integer references app_public.users on delete set null;
alter table app_public.pfa_sync_log
  drop constraint if exists pfa_sync_log_state_check,
  drop constraint if exists pfa_sync_log_check,
  drop constraint if exists pfa_sync_log_check1,
  drop constraint if exists pfa_sync_log_check2,
  drop constraint if exists pfa_sync_log_error_check,
  drop constraint if exists pfa_sync_log_finished_check,
  drop constraint if exists pfa_sync_log_started_check;
alter table app_public.pfa_sync_log
  add constraint pfa_sync_log_state_check
    check (state in ('queued', 'running', 'succeeded', 'withheld', 'failed')),
  add constraint pfa_sync_log_error_check check ((state in ('withheld', 'failed')) = (error_code is not null)),
  add constraint pfa_sync_log_finished_check
    check ((state in ('succeeded', 'withheld', 'failed')) = (finished_at is not null)),
  add constraint pfa_sync_log_started_check check (state in ('queued', 'failed') or started_at is not null);
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
comment on column app_public.pfa_sync_log.state is
  '`queued`, `running`, `succeeded`, `withheld` (read, but not merged until somebody accepts it), `failed`.';
comment on column app_public.pfa_sync_log.rows_spared is
  'Removals not made because there were suspiciously many (see `limits`), until somebody accepts them.';
comment on column app_public.pfa_sync_log.rows_twin is
  'Refused rows whose id differs from a known or another one only by case, blanks, leading zeros or normal form.';
comment on column app_public.pfa_sync_log.missing_columns is
  E'@notNull\nColumns that the grid had before and this run did not bring, or not in each row: `[{"alias", "keys", '
  '"rows", "lastSeenAt"}]`. Their values stay as they were. `lastSeenAt` null: the grid has never had it.';
comment on column app_public.pfa_sync_log.reasons is
  E'@notNull\nWhy the run was withheld: `[{"code", "key", "message", "count", "of", "samples"}]`.';
comment on column app_public.pfa_sync_log.preview is
  'Of a withheld run: what it would change, `{"added", "changed", "rejected", "missing", "columns": [{"key", '
  '"changed", "emptied", "samples": [{"recordId", "from", "to"}]}]}`.';
comment on column app_public.pfa_sync_log.error_code is 'Why it failed or was withheld: a stable code.';
comment on column app_public.pfa_sync_log.error_message is 'Why it failed or was withheld, in a sentence.';
comment on column app_public.pfa_sync_log.accepted_at is
  'When somebody accepted what the run withheld: the next run merges it.';
comment on column app_public.pfa_sync_log.accepted_by is
  'Who accepted what the run withheld; null when it was done by a command.';
create index if not exists pfa_sync_log_accepted_by_idx on app_public.pfa_sync_log (organization_id, accepted_by)
  where accepted_by is not null;
comment on index app_public.pfa_sync_log_accepted_by_idx is 'Which runs a user accepted; on delete of a user.';

alter table app_public.pfa_sync_reject drop constraint if exists pfa_sync_reject_reason_check;
alter table app_public.pfa_sync_reject add constraint pfa_sync_reject_reason_check
  check (reason in ('missing-id', 'other-organization', 'duplicate', 'twin', 'value'));
comment on column app_public.pfa_sync_reject.reason is
  '`missing-id`, `other-organization`, `duplicate` (its id came more than once), `twin` (its id differs from another '
  'one only by case, blanks, leading zeros or normal form), `value` (see problems).';

alter table app_private.pfa_staging add column if not exists unknown jsonb;
comment on column app_private.pfa_staging.unknown is
  'Keys that the page did not tell, because a column is missing; null for none.';
grant insert (unknown) on app_private.pfa_staging to vanguard_worker;

drop table if exists app_public.pfa_column cascade;
create table app_public.pfa_column (
  organization_id integer not null references app_public.organizations on delete cascade,
  alias text not null check (length(alias) between 1 and 200),
  keys text[] not null default '{}',
  first_seen_at timestamptz,
  last_seen_at timestamptz,
  missing_since timestamptz,
  primary key (organization_id, alias)
);
comment on table app_public.pfa_column is
  E'@name gridColumn\n@behavior -query:resource:single\nThe columns that the grid of PEMS has or had for an '
  'organization, and those that the mapping expects.';
comment on column app_public.pfa_column.organization_id is 'The organization.';
comment on column app_public.pfa_column.alias is 'What PEMS calls it, in lower case.';
comment on column app_public.pfa_column.keys is
  'The keys of a record that are read from it; none: it is kept under its own name.';
comment on column app_public.pfa_column.first_seen_at is 'When a run first brought it; null: never.';
comment on column app_public.pfa_column.last_seen_at is
  'When the last run began that brought it: as old are the values that the mirror has from it. Null: never.';
comment on column app_public.pfa_column.missing_since is
  'When the first run began that missed it since; null while runs bring it.';
call app_private.enable_rls('app_public.pfa_column');
create policy visitor_select on app_public.pfa_column for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()));
grant select on app_public.pfa_column to vanguard_visitor;

drop table if exists app_private.pfa_limits cascade;
create table app_private.pfa_limits (
  organization_id integer primary key references app_public.organizations on delete cascade,
  removed_percent integer not null default 20 check (removed_percent between 1 and 100),
  refused_percent integer not null default 20 check (refused_percent between 1 and 100),
  changed_percent integer not null default 50 check (changed_percent between 1 and 100),
  emptied_percent integer not null default 20 check (emptied_percent between 1 and 100),
  least_records integer not null default 50 check (least_records between 1 and 1000000),
  absent_days integer not null default 14 check (absent_days between 1 and 365),
  daily_changes integer not null default 1000000 check (daily_changes between 1000 and 1000000000),
  changed_at timestamptz,
  changed_by integer references app_public.users on delete set null
);
comment on table app_private.pfa_limits is 'What is suspicious in an organization, where it is not the default.';
comment on column app_private.pfa_limits.organization_id is 'The organization.';
comment on column app_private.pfa_limits.removed_percent is 'More records gone than this are not removed.';
comment on column app_private.pfa_limits.refused_percent is 'More rows refused than this withhold a run.';
comment on column app_private.pfa_limits.changed_percent is 'More records with another value of a key withhold a run.';
comment on column app_private.pfa_limits.emptied_percent is 'More values of a key gone than this withhold a run.';
comment on column app_private.pfa_limits.least_records is 'Shares count only of more records than this.';
comment on column app_private.pfa_limits.absent_days is
  'After how many days without activity drafts of a member may be taken over.';
comment on column app_private.pfa_limits.daily_changes is
  'How many records a user may change in drafts each day, undone and redone ones included.';
comment on column app_private.pfa_limits.changed_at is 'When somebody last set it.';
comment on column app_private.pfa_limits.changed_by is 'Who did; null when it was a command.';
create index if not exists pfa_limits_changed_by_idx on app_private.pfa_limits (organization_id, changed_by)
  where changed_by is not null;
comment on index app_private.pfa_limits_changed_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_private.pfa_limits');

drop function if exists app_public.organizations_limits(app_public.organizations);
drop function if exists app_public.set_limits(integer, integer, integer, integer, integer, integer, integer);
drop function if exists app_private.write_limits(integer, integer, integer, integer, integer, integer, integer,
  integer);
drop function if exists app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean);
drop function if exists app_private.limits_of(integer);
drop type if exists app_public.organization_limits;
create type app_public.organization_limits as (
  removed_percent integer, refused_percent integer, changed_percent integer, emptied_percent integer,
  least_records integer, absent_days integer, changed_at timestamptz, changed_by text);
comment on type app_public.organization_limits is 'From where on a sync is suspicious, and a member is away.';
comment on column app_public.organization_limits.removed_percent is
  E'@notNull\nMore records gone from PEMS than this share are not removed before somebody accepts it.';
comment on column app_public.organization_limits.refused_percent is
  E'@notNull\nA run with more refused rows than this share is withheld.';
comment on column app_public.organization_limits.changed_percent is
  E'@notNull\nA run that changes one key of more records than this share is withheld.';
comment on column app_public.organization_limits.emptied_percent is
  E'@notNull\nA run that empties more values of one key than this share is withheld.';
comment on column app_public.organization_limits.least_records is
  E'@notNull\nShares count only of more records than this.';
comment on column app_public.organization_limits.absent_days is
  E'@notNull\nDrafts of a member without activity for so many days may be taken over.';
comment on column app_public.organization_limits.changed_at is 'When somebody last set them.';
comment on column app_public.organization_limits.changed_by is 'Who did; null when it was a command.';

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
  'What ids have in common that differ only by case, normal form or blanks. The letters are named because a database '
  'without a locale knows the case of ASCII only.';
--! EndIncluded app_core/functions/id_key.sql
--! Included app_private/functions/seen_columns.sql
create or replace function app_private.seen_columns(organization_id integer) returns setof text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.alias from app_public.pfa_column c
  where c.organization_id = seen_columns.organization_id and c.first_seen_at is not null;
end;
comment on function app_private.seen_columns(integer) is
  'The columns that the grid had in earlier runs: one that a page lacks makes its keys unknown, not empty.';
grant execute on function app_private.seen_columns(integer) to vanguard_worker;
--! EndIncluded app_private/functions/seen_columns.sql
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
comment on function app_private.limits_of(integer) is 'The limits of an organization, with what is the default.';
--! EndIncluded app_private/functions/limits_of.sql
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
  'Sets the limits of an organization that are given, by a user or (null) a command. VG400 names what is out of range.';
--! EndIncluded app_private/functions/write_limits.sql
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
  'From where on a sync is suspicious and is withheld, and from when on a member is away.';
grant execute on function app_public.organizations_limits(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_limits.sql
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
  E'@resultFieldName limits\nSets from where on a sync is suspicious and is withheld, and after how many days without '
  'activity a member is away. What is left out stays. Owners and admins of the organization may.';
grant execute on function app_public.set_limits(integer, integer, integer, integer, integer, integer, integer)
  to vanguard_visitor;
--! EndIncluded app_public/functions/set_limits.sql
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
  'Gives staged rows of these records (null: of all) what the mirror has under the keys that their page did not tell: '
  'what PEMS no longer tells is unknown, not empty.';
--! EndIncluded app_private/functions/keep_unknown.sql
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
  -- Leading zeros alone may make two records: they count when one comes and the other goes.
  select n.id, min(g.id)
  from new n
  join gone g on g.bare_key = n.bare_key and g.id <> n.id
  where not exists (select from known k where k.key = n.key)
    and not exists (select from new o where o.key = n.key and o.id <> n.id)
  group by n.id;
end;
comment on function app_private.twins_of(integer, text[], text[]) is
  'Of the records that a run adds, those whose id differs from that of a known or another added one only by case, '
  'normal form or blanks, or from that of a missing one by leading zeros; each with one of its twins.';
--! EndIncluded app_private/functions/twins_of.sql
--! Included app_private/functions/is_much.sql
create or replace function app_private.is_much(part bigint, whole bigint, percent integer, least_whole bigint)
  returns boolean
  language sql immutable parallel safe
  return coalesce(part > whole * percent / 100.0 and whole > least_whole
    or part = whole and whole >= 10 and percent < 100, false);
comment on function app_private.is_much(bigint, bigint, integer, bigint) is
  'Whether a part is suspiciously large: above a share of many, or all of at least ten. 100 percent: never.';
--! EndIncluded app_private/functions/is_much.sql
--! Included app_private/functions/judge_run.sql
create or replace function app_private.judge_run(
  organization_id integer, run_id bigint, added text[], changed text[], missing text[], rows_read integer,
  is_first boolean, has_rejects boolean, out reasons jsonb, out preview jsonb
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
  twins bigint := 0;
  columns jsonb := '[]';
  held jsonb := '{}';
begin
  reasons := '[]';
  if has_rejects then
    select count(*) filter (where s.reason is not null), count(*) filter (where s.reason = 'twin') into refused, twins
    from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id = p_run_id;
  end if;

  -- A value that only another notation can read proves that the setting is wrong, and that values which both can read
  -- were read wrong.
  if refused > 0 then
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
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason = 'value'
          and p.value ? 'proves'
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
  if app_private.is_much(refused - twins, judge_run.rows_read, limits.refused_percent, limits.least_records) then
    reasons := reasons || (
      select jsonb_agg(jsonb_build_object('code', 'SYNC_ROWS_REFUSED', 'key', w.key, 'count', refused - twins,
        'of', judge_run.rows_read, 'samples', w.samples,
        'message', format('%s of %s rows are refused, most of them because of %s.', refused - twins,
          judge_run.rows_read, coalesce(w.key, w.reason))))
      from (
        select s.reason, case when s.reason = 'value' then s.problems->0->>'key' end as key,
          to_jsonb((array_agg(jsonb_build_object('recordId', s.pfa_id, 'value', left(s.problems->0->>'value', 100))))
            [1:3]) as samples
        from app_private.pfa_staging s
        where s.organization_id = p_organization_id and s.run_id = p_run_id and s.reason <> 'twin'
        group by 1, 2 order by count(*) desc, 1, 2 limit 1
      ) w);
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
        and s.pfa_id = any (p_changed)
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
comment on function app_private.judge_run(integer, bigint, text[], text[], text[], integer, boolean, boolean)
  is
  'Why a run is not to be trusted, `[{"code", "key", "message", "count", "of", "samples"}]`, and what it would change: '
  'values that prove another notation, refused rows, twins of ids, replaced records, emptied and changed values beyond '
  'the limits of the organization. Call it after the rows that are refused are marked.';
--! EndIncluded app_private/functions/judge_run.sql
--! Included app_private/functions/note_columns.sql
create or replace function app_private.note_columns(organization_id integer, run app_public.pfa_sync_log,
  columns jsonb, is_merged boolean) returns jsonb
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := note_columns.organization_id;
  most constant integer := 500;
  missing jsonb;
begin
  -- A read without rows tells nothing of columns.
  if coalesce((columns->>'rows')::bigint, 0) = 0 then
    return '[]';
  end if;
  if is_merged then
    with mapped as (
      select lower(a.alias) as alias, array_agg(f.key order by f.key) as keys
      from app_private.field_mapping(p_organization_id) f cross join unnest(f.grid_aliases) a (alias) group by 1
    ),
    told as (
      select t.key as alias, t.value::bigint as rows from jsonb_each_text(columns->'columns') t
      where length(t.key) between 1 and 200
    )
    insert into app_public.pfa_column as c (organization_id, alias, keys, first_seen_at, last_seen_at, missing_since)
    select p_organization_id, coalesce(m.alias, t.alias), coalesce(m.keys, '{}'),
      case when t.rows > 0 then run.started_at end, case when t.rows > 0 then run.started_at end,
      case when t.rows is null then run.started_at end
    from mapped m
    full join (select t.* from told t order by t.alias limit most) t on t.alias = m.alias
    where m.alias is not null or (select count(*) from app_public.pfa_column o
      where o.organization_id = p_organization_id) < most
      or exists (select from app_public.pfa_column o where o.organization_id = p_organization_id and o.alias = t.alias)
    on conflict on constraint pfa_column_pkey do update
    set keys = excluded.keys, first_seen_at = coalesce(c.first_seen_at, excluded.first_seen_at),
      last_seen_at = coalesce(excluded.last_seen_at, c.last_seen_at),
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
  return missing;
end;
$$;
comment on function app_private.note_columns(integer, app_public.pfa_sync_log, jsonb, boolean) is
  'Notes, of a run that is merged, which columns it brought, `{"rows": n, "columns": {"alias": rows}}`, and '
  'answers those that are missing, or not in each row. At most 500 columns of an organization are known.';
--! EndIncluded app_private/functions/note_columns.sql
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
  -- Emptied whole when nobody else uses it at this moment: what is deleted row by row leaves an index of a hundred
  -- megabytes behind, which never gets smaller.
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
comment on function app_private.clear_staging(integer, bigint) is 'Takes the rows of a run out of staging.';
--! EndIncluded app_private/functions/clear_staging.sql
drop function if exists app_private.merge_sync_run(integer, bigint);
drop function if exists app_private.merge_sync_run(integer, bigint, jsonb);
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
  is_first boolean;
  has_rejects boolean;
  limits constant app_public.organization_limits := app_private.limits_of(p_organization_id);
  has_unknown boolean;
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

  -- 1. Refuse, whole: rows without an id, of another organization, all rows of an id that came twice, values that
  -- cannot be read.
  select count(*), max(s.version),
    count(s.pfa_id) > count(distinct s.pfa_id) or coalesce(bool_or(
      s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null), false),
    coalesce(bool_or(s.unknown is not null), false)
  into run.rows_read, run.greatest_version, has_rejects, has_unknown
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
      and (s.pfa_id is null or s.organization_code is distinct from code or s.problems is not null);
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
  select j.reasons, j.preview into run.reasons, would_change
  from app_private.judge_run(p_organization_id, p_run_id, added, changed, missing, run.rows_read, is_first,
    has_rejects) j;
  is_accepted := not exists (
    select from jsonb_to_recordset(run.reasons) r (code text, key text, count bigint)
    where not exists (
      select from jsonb_to_recordset(accepted) a (code text, key text, count bigint)
      where a.code = r.code and a.key is not distinct from r.key
        and r.count <= a.count + greatest(10, a.count / 10)));
  run.missing_columns := app_private.note_columns(p_organization_id, run, summary, is_accepted);
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
  if not is_accepted then
    update app_public.pfa_sync_log l
    set state = 'withheld', finished_at = clock_timestamp(), rows_read = run.rows_read,
      rows_rejected = (would_change->>'rejected')::integer, rows_twin = run.rows_twin,
      missing_columns = run.missing_columns, reasons = run.reasons, preview = would_change,
      error_code = run.reasons->0->>'code', error_message = run.reasons->0->>'message',
      error_hint = format('Nothing was changed. If PEMS is right, an owner or admin accepts the run (`npx vanguard '
        'sync accept %s`); if not, correct PEMS, its connection or its mapping.', code)
    where l.organization_id = p_organization_id and l.id = p_run_id
    returning l.* into run;
    perform app_private.clear_staging(p_organization_id, p_run_id);
    return run;
  end if;
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
        app_core.changed_keys(d.old_data, d.data)
      from differing d
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
    missing_columns = run.missing_columns
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
  'Merges what a complete run left in staging: refuses bad rows, keeps what its pages did not tell, inserts, updates '
  'only what differs and was asked for later than what we hold, after a full run notes and removes what is gone, '
  'rebases drafts, rewrites overlays, logs, queues the refresh of the summaries. A run that does not look like what is '
  'known (judge_run) is withheld instead, unless somebody accepted it. One transaction, set-based. summary: what its '
  'pages told, `{"rows": n, "columns": {"alias": rows}, "implausible": {"key": {"rows", "recordId"}}}`. VG409 when '
  'the token of the run is no longer current.';
grant execute on function app_private.merge_sync_run(integer, bigint, jsonb) to vanguard_worker;
--! EndIncluded app_private/functions/merge_sync_run.sql
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
      using errcode = 'VG404', hint = 'The runs of an organization are its syncLogs.';
  end if;
  if run.state <> 'withheld' and not (run.state = 'succeeded' and run.rows_twin > 0) then
    raise exception 'Run % withheld nothing.', p_run_id
      using errcode = 'VG400', hint = 'Give a run whose state is withheld, or whose rowsTwin is above 0.';
  end if;
  if exists (
    select from app_public.pfa_sync_log l
    where l.organization_id = p_organization_id and l.id > p_run_id and l.state = 'succeeded') then
    raise exception 'A later run than % has succeeded.', p_run_id
      using errcode = 'VG409', hint = 'Nothing waits for an acceptance any more; look at the latest run.';
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
  'Accepts what a run withheld, by a user or (null) a command, and queues a full run, which merges it: unless that has '
  'other reasons to be withheld, or the same for clearly more rows. A second time it changes nothing.';
--! EndIncluded app_private/functions/accept_withheld_run.sql
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
  E'@resultFieldName syncLog\nAccepts what a run withheld because it did not look like what is known; see its '
  '`reasons` and `preview`. A full run is queued, which merges it, unless it has other reasons. Owners and admins of '
  'the organization may.';
grant execute on function app_public.accept_run(integer, bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/accept_run.sql
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
  'Forgets a column that the grid no longer has: its values are then empty and no longer unknown. Answers whether it '
  'was missing.';
--! EndIncluded app_private/functions/forget_column.sql
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
  delete from app_private.pfa_staging s where s.organization_id = p_organization_id and s.run_id > 0;

  -- Before columns were noted: what the mirror has a value of, and only one column can have brought, was there.
  if not exists (select from app_public.pfa_column c where c.organization_id = p_organization_id) then
    insert into app_public.pfa_column (organization_id, alias, keys, first_seen_at, last_seen_at)
    select distinct on (lower(f.grid_aliases[1])) p_organization_id, lower(f.grid_aliases[1]), array[f.key],
      done.at, done.at
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
  'new token; null when there is nothing left to do, or quiet hours or a pause hold it back. worker_id: the pool '
  'that does it, registered before.';
grant execute on function app_private.begin_sync_run(integer, bigint, text) to vanguard_worker;
--! EndIncluded app_private/functions/begin_sync_run.sql
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
    select l.state, l.trigger, l.requested_at, l.started_at, l.finished_at
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
      when 'failed' then least(
        case when s.cron is null then last.finished_at
          + e.every else app_private.cron_next(s.cron, last.finished_at, e.time_zone) end,
        last.finished_at + interval '1 minute' * power(2, least(f.failures - 1, 10)))
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
  'gets its job again in case it was lost. Null while one runs, and for an organization that is paused, switched '
  'off or not connected to a PEMS.';
grant execute on function app_private.next_sync_at(integer) to vanguard_worker;
--! EndIncluded app_private/functions/next_sync_at.sql
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
        -- Seen by somebody else since it was asked for, or being written to PEMS: it would be a false alarm.
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
    select c.kind, c.pfa_id, null, null, null, 'PEMS gave it more than once.' from compared c
      where c.kind = 'unreadable' and c.times > 1
    union all
    select c.kind, c.pfa_id, p->>'key', c.mirror_data->(p->>'key'), p->'value', p->>'message'
    from compared c cross join lateral jsonb_array_elements(c.problems) p where c.kind = 'unreadable' and c.times = 1
    union all
    select 'unreadable', null, null, null, null, 'PEMS gave a row without an id.'
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
      -- "Nothing" is null and not JSON's.
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
  'Compares what a comparison has read with the mirror: of these records, or (null) of all; lists the differences '
  'and counts them. Answers the records that changed meanwhile, to be read and compared again; the last time they '
  'are counted as left out.';
grant execute on function app_private.compare_drift(integer, bigint, text[], timestamp
  with time zone, boolean) to vanguard_worker;
--! EndIncluded app_private/functions/compare_drift.sql
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
    -- Those that hold their lock: one that was killed stays on the list until another takes it off, and there may be no
    -- other.
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
          -- A scalar, looked up for each that is being written: as `exists` all intents that there ever were are read.
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
          -- Null where no schedule asks for it.
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
          -- What came back has a problem in each of its keys, what was confirmed in none.
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
    -- The limit is the tenant's, over however many connections it is asked; the slowest of them says how high.
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
  'What monitoring shows of the database: jobs by task; workers that live; of each active organization the age of '
  'its mirror and how long it is overdue, in seconds, how its last run went, whether and since when writing is '
  'held up, what waits to be written and for how long, what was confirmed and returned within the last 10 minutes, '
  'and problems of drafts by kind; of each connection that writes its breaker and pause; of each tenant of PEMS '
  'the requests given out and how many a second may be. No content of any record and no name but the codes of '
  'organizations, connections and tenants.';
grant execute on function app_private.monitoring() to vanguard_authenticator;
--! EndIncluded app_private/functions/monitoring.sql

-- Plausible values: what may be drafted. What PEMS holds beyond is kept and told.

alter table app_public.pfa_fields
  add column if not exists earliest date,
  add column if not exists latest date,
  add column if not exists largest numeric;
update app_public.pfa_fields f set earliest = '1990-01-01', latest = '2099-12-31'
where f.kind = 'date' and f.earliest is null;
update app_public.pfa_fields f set largest = 1000000000 where f.kind = 'money' and f.largest is null;
alter table app_public.pfa_fields drop constraint if exists pfa_fields_plausible_check;
alter table app_public.pfa_fields add constraint pfa_fields_plausible_check
  check ((kind = 'date') = (earliest is not null and latest is not null) and (kind = 'money') = (largest is not null)
    and earliest <= latest and largest > 0 and largest < max_amount);
comment on column app_public.pfa_fields.earliest is
  'Of a date: the first that may be drafted. What PEMS holds before it is kept, and told by the sync.';
comment on column app_public.pfa_fields.latest is
  'Of a date: the last that may be drafted. What PEMS holds after it is kept, and told by the sync.';
comment on column app_public.pfa_fields.largest is
  'Of an amount, in USD: the largest that may be drafted. What PEMS holds above it is kept, and told by the sync.';
comment on column app_public.pfa_fields.max_amount is
  'Amounts of PEMS are smaller, in USD: what is charged for millennia still fits into whole cents of 64 bits.';
comment on column app_public.pfa_sum.group_value is
  'The category, class, area, ...; a month as `2026-04`, and `before 2001-04` and `after 2051-03` where there are more '
  'than 600. Null: without a group, or of records that have none.';

--! Included app_core/functions/value_problem.sql
create or replace function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql stable parallel safe
begin atomic
  select case
    when field.kind = 'flag' and (value is null or jsonb_typeof(value) <> 'boolean')
      then 'is not true or false'
    when value is null or value = 'null' or value = '""' then null
    when field.kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}'))
      then 'is not a date; a date is written "YYYY-MM-DD" and exists in the calendar'
    when field.kind = 'date' and app_core.iso_date(value #>> '{}') not between field.earliest and field.latest
      then format('is not plausible; a date is from %s to %s', to_char(field.earliest, 'YYYY-MM-DD'),
        to_char(field.latest, 'YYYY-MM-DD'))
    when field.kind = 'money' and jsonb_typeof(value) <> 'number'
      then 'is not a number; an amount is a JSON number of USD'
    when field.kind = 'money' and (value #>> '{}')::numeric < 0
      then 'is negative; an amount is 0 or more'
    when field.kind = 'money' and (value #>> '{}')::numeric > field.largest
      then format('is too large; an amount is at most %s USD',
        ltrim(to_char(field.largest, '999,999,999,999,999,999')))
    when field.kind = 'money' and (value #>> '{}')::numeric <> round((value #>> '{}')::numeric, 2)
      then 'has more than two decimals; an amount is in whole cents'
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
  'What is wrong with a value that somebody wants to put under a key, as the end of a sentence; null when nothing '
  'is. Nothing, null and "" empty a key; a flag cannot be emptied, because PEMS has no such flag.';
grant execute on function app_core.value_problem(app_public.pfa_fields, jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/value_problem.sql
--! Included app_private/functions/sums_by_month.sql
-- Cost over time is a broken line: a rental begins to cost so much a day, and ends to do so; a purchase is a jump. So
-- the bends are summed by day, and these few sums lead from the end of one month to the end of the next; no record is
-- taken apart into months. A day of a rental costs its cents by its days: whole cents as integers, and what is left as
-- a fraction below 1, so that floating point is exact to far less than a cent, and the months together are the cost.
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
    -- At most 600 months, around today where there are more: all before them is one, and all after them.
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
      -- The day before, because a bend on the first of a month changes nothing until then.
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
    -- What goes on since earlier months, by the days of the month; and what begins and ends within it.
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
        -- Bought on the day, so that it counts from the next one on, in the same month.
        select %1$s, r.%2$s_start + 1, 0, 0, sum(r.%3$s)::bigint from record r where r.%3$s > 0 and not r.%4$s
          group by r.%2$s_start
        $$, k.kind, k.days, k.cents, k.rental), ' union all ')
      from (values (1, 'original', 'plan_cost_cents', 'plan_is_rental'),
        (2, 'forecast', 'forecast_cost_cents', 'is_rental'),
        (3, 'actual', 'actual_cost_cents', 'is_rental')) k (kind, days, cents, rental)
    ));
end;
comment on function app_private.sums_by_month(text) is
  'The query of costs by month, over records as organizations_sums puts them together. Cost until the end of a '
  'month is rounded to cents, over the whole group; a month is the difference to the one before. At most 600 months, '
  'with one sum before and one after them, so that all of them together are the whole.';
--! EndIncluded app_private/functions/sums_by_month.sql
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
  -- Of a row that belongs to no organization.
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
  'Plan, forecast and actual cost, variance, number and duration of the records of a selection (without one: of '
  'all), in all or by group, without discontinued and removed records. By month, the cost of a rental is spread '
  'over its days, and that of a purchase falls into the month of its start date; only months that cost something '
  'are answered, at most 600, with `before 2001-04` and `after 2051-03` for what lies outside of them. In the layer '
  '`mirror` nothing is pending and nobody has drafts.';
grant execute on function app_public.organizations_sums(app_public.organizations, app_public.pfa_dimension,
  app_public.pfa_selection, app_public.pfa_layer) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_sums.sql

-- Drafts of others: only of who cannot submit them or is away, and their author is told.

alter table app_core.pfa_change add column if not exists about_user_id integer
  references app_public.users on delete set null;
comment on column app_core.pfa_change.about_user_id is
  'Whose draft was taken over or discarded; null for every other change.';
create index if not exists pfa_change_about_user_id_idx on app_core.pfa_change (organization_id, about_user_id)
  where about_user_id is not null;
comment on index app_core.pfa_change_about_user_id_idx is 'On delete of a user.';
drop policy visitor_select on app_core.pfa_change;
create policy visitor_select on app_core.pfa_change for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids())
    and (not app_core.is_private_route(route) or user_id = app_core.current_user_id()
      or about_user_id = app_core.current_user_id()));

drop table if exists app_public.pfa_takeover cascade;
create table app_public.pfa_takeover (
  organization_id integer not null references app_public.organizations on delete cascade,
  id bigint generated always as identity,
  user_id integer not null references app_public.users on delete cascade,
  taken_by integer references app_public.users on delete set null,
  is_discarded boolean not null,
  record_count integer not null check (record_count > 0),
  record_ids text[] not null check (cardinality(record_ids) between 1 and 20),
  taken_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz,
  primary key (organization_id, id)
);
comment on table app_public.pfa_takeover is
  E'@name takeover\n@behavior -query:resource:single\nThat an owner or admin took over or discarded drafts of yours.';
comment on column app_public.pfa_takeover.organization_id is 'The organization.';
comment on column app_public.pfa_takeover.id is 'Our key.';
comment on column app_public.pfa_takeover.user_id is E'@behavior -*\nWhose drafts they were.';
comment on column app_public.pfa_takeover.taken_by is E'@behavior -*\nWho took them; null when the account is deleted.';
comment on column app_public.pfa_takeover.is_discarded is 'Whether they were discarded, not taken over.';
comment on column app_public.pfa_takeover.record_count is 'How many records had a draft.';
comment on column app_public.pfa_takeover.record_ids is 'The first 20 of these records.';
comment on column app_public.pfa_takeover.taken_at is 'When.';
comment on column app_public.pfa_takeover.seen_at is 'When the author dismissed the notice; null until then.';
comment on constraint pfa_takeover_user_id_fkey on app_public.pfa_takeover is '@behavior -*';
comment on constraint pfa_takeover_taken_by_fkey on app_public.pfa_takeover is '@behavior -*';
create index pfa_takeover_user_id_idx on app_public.pfa_takeover (organization_id, user_id, id);
comment on index app_public.pfa_takeover_user_id_idx is 'The notices of a user; on delete of a user.';
create index pfa_takeover_taken_by_idx on app_public.pfa_takeover (organization_id, taken_by)
  where taken_by is not null;
comment on index app_public.pfa_takeover_taken_by_idx is 'On delete of a user.';
call app_private.enable_rls('app_public.pfa_takeover');
create policy visitor_select on app_public.pfa_takeover for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and user_id = app_core.current_user_id());
grant select on app_public.pfa_takeover to vanguard_visitor;

alter type app_public.pfa_draft_author
  drop attribute if exists last_active_at, drop attribute if exists is_away,
  add attribute last_active_at timestamptz, add attribute is_away boolean;
comment on column app_public.pfa_draft_author.last_active_at is
  E'@notNull\nWhen they last signed in, used a session or drafted something.';
comment on column app_public.pfa_draft_author.is_away is
  E'@notNull\nWhether their drafts may be taken over or discarded: they may not submit them any more, or were not '
  'active for as long as `limits` of the organization says.';

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
  'Whether a user, signed in or not, may draft and submit in an organization.';
--! EndIncluded app_private/functions/may_draft.sql
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
    -- An access token lives for minutes, so an open session is exchanged as long as somebody uses it.
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
  'When a user last signed in, used a session, or drafted something in the organization; at the earliest when the '
  'account and the membership were made.';
--! EndIncluded app_private/functions/last_active_at.sql
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
    raise exception 'It is not said whose drafts.' using errcode = 'VG400',
      hint = 'Give a userId; draftAuthors lists who has drafts.';
  end if;
  if p_user_id = me then
    raise exception 'These are your own drafts.' using errcode = 'VG400',
      hint = 'Name another user, or discard yours with discardDrafts.';
  end if;
  -- Who may submit them and was here lately decides about them alone.
  select app_private.last_active_at(p_organization_id, p_user_id), l.absent_days into active_at, absent_days
  from app_private.limits_of(p_organization_id) l
  where app_private.may_draft(p_organization_id, p_user_id);
  if active_at > clock_timestamp() - make_interval(days => absent_days) then
    activity := jsonb_build_array(jsonb_build_object('userId', p_user_id, 'lastActiveAt', active_at,
      'mayBeTakenAt', active_at + make_interval(days => absent_days)));
    raise exception 'User % is active.', (select u.username from app_public.users u where u.id = p_user_id)
      using errcode = 'VG403',
        detail = activity::text,
        hint = format('Ask the user to submit or discard the drafts, or wait until nothing was heard of the user for '
          '%s days. Drafts of a disabled user, or of one who is no longer a member, can be taken over at once.',
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
    -- What the new owner has drafted too stays as it is.
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
  'Takes another user''s drafts away, of these records or all, and makes them the signed-in user''s own if wanted. '
  'Owners and admins of the organization may, if the user may not submit them any more or is away (VG403); the user is '
  'told.';
--! EndIncluded app_private/functions/remove_drafts_of.sql
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
  E'@resultFieldName taken\nMakes drafts of a user who is away your own, of these records or all of them, and '
  'answers how many. What you have drafted yourself stays. Refused while the user may submit them and was active '
  'lately, see `isAway` of draftAuthors; the user is told. Owners and admins of the organization may.';
grant execute on function app_public.take_over_drafts(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/take_over_drafts.sql
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
  E'@resultFieldName discarded\nThrows away drafts of a user who is away, of these records or all of them, and '
  'answers how many. Refused while the user may submit them and was active lately, see `isAway` of draftAuthors; the '
  'user is told. Owners and admins of the organization may.';
grant execute on function app_public.discard_drafts_of(integer, integer, text[]) to vanguard_visitor;
--! EndIncluded app_public/functions/discard_drafts_of.sql
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
  E'@behavior -filter -order\nWho has drafts in the organization: what somebody who left has drafted, its owners '
  'and admins can take over or discard. Nobody else is told.';
grant execute on function app_public.organizations_draft_authors(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_draft_authors.sql
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
  'Who took the drafts; null when the account is deleted.';
grant execute on function app_public.pfa_takeover_taken_by_name(app_public.pfa_takeover) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_takeover_taken_by_name.sql
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
  E'@resultFieldName dismissed\nNotes that you have seen who took over or discarded drafts of yours, and answers how '
  'many notices there were.';
grant execute on function app_public.dismiss_takeovers(integer) to vanguard_visitor;
--! EndIncluded app_public/functions/dismiss_takeovers.sql
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
  'Who it was; null where PEMS changed it, or the account is deleted. Everybody who may read the organization may '
  'know; the rest of the account is for the person and for administrators only.';
grant execute on function app_public.pfa_change_username(app_public.pfa_change) to vanguard_visitor;
--! EndIncluded app_public/functions/pfa_change_username.sql

-- Bounded storage: what one user can cause.

drop table if exists app_private.pfa_draft_usage cascade;
create table app_private.pfa_draft_usage (
  organization_id integer not null,
  user_id integer not null,
  day date not null,
  changed_records integer not null,
  history_rows integer not null,
  primary key (organization_id, user_id),
  foreign key (organization_id) references app_public.organizations on delete cascade,
  foreign key (user_id) references app_public.users on delete cascade
) with (fillfactor = 50);
comment on table app_private.pfa_draft_usage is
  'How much each user has changed in drafts on the last day on which they did: bounds what they store.';
comment on column app_private.pfa_draft_usage.organization_id is 'The organization.';
comment on column app_private.pfa_draft_usage.user_id is 'The user.';
comment on column app_private.pfa_draft_usage.day is 'The day, UTC.';
comment on column app_private.pfa_draft_usage.changed_records is
  'Records changed by operations on drafts, undone and redone ones included.';
comment on column app_private.pfa_draft_usage.history_rows is
  'Rows for the private history of single records: beyond 20,000 they are not written.';
call app_private.enable_rls('app_private.pfa_draft_usage');

create index if not exists pfa_change_private_idx on app_core.pfa_change (organization_id, changed_at)
  where route in ('draft', 'resolve');
comment on index app_core.pfa_change_private_idx is 'Retention, the oldest private changes of an organization.';

-- Half of a page is free for the next version of its rows, so that rows which change again and again stay in it; and
-- what is dead is taken away soon.
alter table app_core.pfa_overlay set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table app_core.pfa_modification set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0);
alter table app_core.pfa_change set (autovacuum_vacuum_scale_factor = 0.05);
alter table app_core.pfa_draft_operation set (autovacuum_vacuum_threshold = 20);

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
  -- An operation on more records is remembered once, and not in the history of each of them.
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
    raise exception 'Drafts of % records were changed today, and a user may change % a day.',
      used.changed_records - p_records, quota
      using errcode = 'VG429', hint = 'Go on after midnight UTC, or ask an operator to raise the quota.';
  end if;
  return p_records <= most_logged and used.history_rows <= most_logged_daily;
end;
$$;
comment on function app_private.use_draft_quota(integer, integer, integer) is
  'Counts records that a user is about to change in drafts, refuses with VG429 above the quota of the day, and answers '
  'whether the changes go into the history of each record: not those of large operations, nor beyond 20,000 a day. '
  'Call it under lock_operations.';
--! EndIncluded app_private/functions/use_draft_quota.sql
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
  -- The operation that this one goes on with: only the user's newest, of the same kind, and in effect.
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
      -- Looked up once, not once for each time that it is mentioned.
      offset 0
    ) v
  ),
  -- Drafted is what differs from what lies under it.
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
        -- PEMS having changed it is no less true of another value; what PEMS said of the old value is done with.
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
  -- A record that is in both: what was before the first change, and what is after the last.
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
    -- What was undone cannot be done again after something else.
    delete from app_core.pfa_draft_operation o
    where o.organization_id = p_organization_id and o.user_id = p_user_id
      and (o.undone_at is not null or o.id <= (
        select l.id from app_core.pfa_draft_operation l
        where l.organization_id = p_organization_id and l.user_id = p_user_id
        order by l.id desc offset 50 limit 1)
      -- What it was for 200,000 records may be undone, and always the newest.
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
  'Puts values under keys of a user''s drafts, `[{"recordId", "changes": {key: value}, "dropped": [key, ...]}]`, '
  'each record once, and takes the dropped keys out. A value equal to what lies under the draft takes its key out, '
  'too. What a key was drafted on (base) stays as long as the key is drafted. Remembers the operation unless its '
  'kind is null; with `continues` it goes on with that one, so that one undo takes both back. Call it under '
  'lock_operations and lock_records, with values that were checked.';
--! EndIncluded app_private/functions/change_drafts.sql
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
  -- Two tabs may ask at once, or one of them saves: each takes back one operation, the newest that there is then.
  perform app_private.lock_operations(p_organization_id, me);
  select o.* into operation
  from app_core.pfa_draft_operation o
  where o.organization_id = p_organization_id and o.user_id = me and (o.undone_at is null) = is_undo
  order by case when is_undo then -o.id else o.id end limit 1;
  if operation.id is null then
    raise exception 'There is nothing to %.', case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG404', hint = 'The last 50 operations in an organization can be undone, and done again until '
                                      'something else is done; they are its myOperations.';
  end if;
  if operation.id <> p_operation_id then
    due := jsonb_build_array(jsonb_build_object('operationId', operation.id, 'kind', operation.kind, 'recordCount',
      operation.record_count));
    raise exception 'Operation % is not the next to %.', p_operation_id, case when is_undo then 'undo' else 'redo' end
      using errcode = 'VG409', detail = due::text,
        hint = 'You did something else meanwhile, perhaps in another tab: the next one is in the details.';
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
          when 'gone' then 'the record is no longer there'
          when 'removed' then 'the record was removed from PEMS'
          when 'committed' then 'it was submitted meanwhile'
          when 'settled' then 'the record has this value by itself now'
          else 'it was changed meanwhile'
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
  'Takes back the signed-in user''s newest operation, or does again the oldest that was undone: key by key, where '
  'the draft still is what the operation left. Drafted values come back, never what they were drafted on. VG404 '
  'when there is none, VG409 when it is another than the one asked for.';
--! EndIncluded app_private/functions/step_operation.sql
drop view if exists app_private.pfa_user_storage;
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
  'What each user stores that nobody else sees: drafts, operations that can be undone, private history.';
comment on column app_private.pfa_user_storage.organization is 'The code of the organization.';
comment on column app_private.pfa_user_storage.username is 'The user.';
comment on column app_private.pfa_user_storage.drafts is 'Records with a draft.';
comment on column app_private.pfa_user_storage.draft_bytes is 'Their bytes, without indexes and merged rows.';
comment on column app_private.pfa_user_storage.operations is 'Operations that can be undone or redone.';
comment on column app_private.pfa_user_storage.operation_bytes is 'What these operations take.';
comment on column app_private.pfa_user_storage.history_rows is 'Changes of drafts in the history of single records.';
comment on column app_private.pfa_user_storage.history_bytes is 'What these changes take, without indexes.';
comment on column app_private.pfa_user_storage.changed_today is
  'Records changed by operations today, undone and redone ones included; see use_draft_quota.';
--! EndIncluded app_private/views/pfa_user_storage.sql
drop function if exists app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  integer);
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
    raise exception 'Everything is kept for at least one day.'
      using errcode = 'VG400', hint = 'Give each limit as one day or more, and a batch of at least one row.';
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

  -- Never the newest run of an organization, nor its newest success of either kind: freshness, the schedule and the
  -- next incremental run are read from there. A run waits for its rejects, which may be kept for longer.
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

  -- What never left its author: what became of it is told by its commit.
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

  -- As long as the history, which tells the same; what was intended goes with them.
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

  -- Never of a change that is not settled: what was said about it may explain how it ends.
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

  -- What has expired of sign-ins is known where they are kept.
  sign_ins := app_private.delete_expired_sessions(keep_sign_ins);
  throttles := app_private.delete_expired_throttles();

  -- The queue deletes what went well by itself; what failed for good stays until somebody looks, but not for ever.
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
  'Deletes what is older than its limit: at most one batch each of ended runs, rejects, changes of records, private '
  'changes of drafts, confirmed changes that were written to PEMS, what was said to PEMS about them, and jobs that '
  'failed for good, and all ended sessions and throttles; answers how many of each. Kept whatever their age: runs that '
  'wait or go on, the newest run of each organization and its newest success of either kind, a run that still has '
  'rejects, and what was said about a change that is not settled. Call it again while something is as many as the '
  'batch.';
grant execute on function app_private.enforce_retention(interval, interval, interval, interval, interval, interval,
  interval, integer) to vanguard_worker;
--! EndIncluded app_private/functions/enforce_retention.sql
