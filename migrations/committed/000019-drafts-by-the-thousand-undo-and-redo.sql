--! Previous: sha1:e0cab0723de92af14926fdfef892558c02aa5dcb
--! Hash: sha1:ce50f8bc24cb56afbb0761a58ed90abde154fb0f
--! Message: drafts by the thousand, undo and redo

--! split: 50-drafts.sql
-- Drafts that people can work with: one or many, each operation remembered so that it can be undone.

--------------------------------------------------------------------------------------------------
-- What was done, to be undone

drop view if exists app_public.pfa_draft_operation;
drop table if exists app_core.pfa_draft_operation;
create table app_core.pfa_draft_operation (
  organization_id integer not null references app_public.organizations on delete cascade,
  user_id integer not null references app_public.users on delete cascade,
  id bigint generated always as identity,
  kind text not null check (kind in ('save', 'shift', 'duration', 'reset', 'set', 'discard')),
  record_count integer not null check (record_count > 0),
  differences jsonb not null check (jsonb_typeof(differences) = 'object'),
  created_at timestamptz not null default clock_timestamp(),
  undone_at timestamptz,
  primary key (organization_id, user_id, id)
);
comment on table app_core.pfa_draft_operation is 'The last 50 operations of a user on drafts in an organization, however many records each touched. Those undone stay until something else is done.';
comment on column app_core.pfa_draft_operation.organization_id is 'The organization.';
comment on column app_core.pfa_draft_operation.user_id is 'Whose drafts.';
comment on column app_core.pfa_draft_operation.id is 'In the order of happening.';
comment on column app_core.pfa_draft_operation.kind is '`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`.';
comment on column app_core.pfa_draft_operation.record_count is 'How many records it touched.';
comment on column app_core.pfa_draft_operation.differences is '`{"record": {"key": {"from": value, "to": value}}}`: the drafted value before and after; what is missing was not drafted.';
comment on column app_core.pfa_draft_operation.created_at is 'When.';
comment on column app_core.pfa_draft_operation.undone_at is 'When it was undone; null while it is in effect.';
call app_private.protect('app_core.pfa_draft_operation');
create policy visitor_select on app_core.pfa_draft_operation for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and user_id = app_core.current_user_id());
grant select on app_core.pfa_draft_operation to vanguard_visitor;

create view app_public.pfa_draft_operation with (security_invoker = true) as
select o.organization_id, o.id, o.kind, o.record_count, o.created_at, o.undone_at
from app_core.pfa_draft_operation o
where o.user_id = app_core.current_user_id();
grant select on app_public.pfa_draft_operation to vanguard_visitor;
comment on view app_public.pfa_draft_operation is E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName myOperations\nYour last 50 operations on drafts. `undoDraft` takes back the newest that is in effect, `redoDraft` does again the oldest of those that were undone.';
comment on column app_public.pfa_draft_operation.organization_id is 'The organization.';
comment on column app_public.pfa_draft_operation.id is E'@behavior +orderBy\nIn the order of happening.';
comment on column app_public.pfa_draft_operation.kind is E'@notNull\n`save`, `shift`, `duration`, `reset`, `set` (in bulk), `discard`.';
comment on column app_public.pfa_draft_operation.record_count is E'@notNull\nHow many records it touched.';
comment on column app_public.pfa_draft_operation.created_at is E'@notNull\nWhen.';
comment on column app_public.pfa_draft_operation.undone_at is 'When it was undone; null while it is in effect.';

--------------------------------------------------------------------------------------------------
-- More routes by which a record changes

alter table app_core.pfa_change drop constraint if exists pfa_change_route_check;
alter table app_core.pfa_change add constraint pfa_change_route_check
  check (route in ('draft', 'commit', 'withdraw', 'takeover', 'sync', 'push', 'resolve'));
comment on column app_core.pfa_change.route is
  'How: `draft`, `commit`, `withdraw` (a commit taken back), `takeover` (of somebody''s draft by an admin), `sync` (from PEMS), `push` (to PEMS), `resolve`.';
drop policy if exists visitor_select on app_core.pfa_change;
create policy visitor_select on app_core.pfa_change for select to vanguard_visitor
  using (organization_id = any (app_core.current_organization_ids()) and (route not in ('draft', 'takeover') or user_id = app_core.current_user_id()));

-- With the record in it this is as good as the key for whoever looks for one, too.
drop index if exists app_core.pfa_modification_user_id_idx;
-- use: what a user changed and committed; on delete of a user
create index pfa_modification_user_id_idx on app_core.pfa_modification (organization_id, user_id, pfa_id);

--------------------------------------------------------------------------------------------------
-- One record or twenty thousand: what is asked of many records reads each table once, by the keys of the records, and joins in
-- memory (`enable_nestloop = off`). The planner does not know of drafts that were made in this transaction, or since the
-- statistics; looked up one by one, by whichever index looks as good as the key then, 19,000 drafts took three minutes.

drop function if exists app_private.merged_for(integer, integer, text), app_private.merged_for(integer, integer, text[]) cascade;
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
  'For given records, no row for those that there are not: what a user sees (data, revision), and what is under that user''s draft (underlay: mirror + pending). Becomes part of the query that asks, which should not have nested loops.';

create or replace function app_private.rewrite_overlay(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with pending as (
    select p.* from app_private.pending(rewrite_overlay.organization_id, rewrite_overlay.pfa_ids) p
  ),
  viewer as (
    select p.pfa_id, 0 as viewer_id, null::jsonb as delta, null::jsonb as base, false as has_problem from pending p
    union all
    select m.pfa_id, m.user_id, m.delta, m.base, m.problems <> '{}'
    from app_core.pfa_modification m
    where m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.state = 'draft'
  ),
  unwanted as (
    delete from app_core.pfa_overlay o
    where o.organization_id = rewrite_overlay.organization_id and o.pfa_id = any (rewrite_overlay.pfa_ids)
      and not exists (select from viewer v where v.pfa_id = o.pfa_id and v.viewer_id = o.viewer_id)
  )
  insert into app_core.pfa_overlay as o
    (organization_id, viewer_id, pfa_id, data, version, version_by, observed_at, removed_at, is_pending, has_draft, has_problem, base,
    mirror_source, mirror_is_actualized, mirror_is_discontinued, mirror_plan_cost_cents,
    mirror_forecast_cost_cents, mirror_actual_cost_cents, mirror_original_start, mirror_original_end,
    mirror_forecast_start, mirror_forecast_end, mirror_actual_start, mirror_actual_end)
  select m.organization_id, v.viewer_id, m.pfa_id,
    m.data || coalesce(p.delta, '{}') || coalesce(v.delta, '{}'),
    m.version, m.version_by, m.observed_at, m.removed_at,
    p.pfa_id is not null, v.viewer_id <> 0, v.has_problem, v.base,
    m.source, m.is_actualized, m.is_discontinued, m.plan_cost_cents, m.forecast_cost_cents, m.actual_cost_cents,
    m.original_start, m.original_end, m.forecast_start, m.forecast_end, m.actual_start, m.actual_end
  from viewer v
  join app_core.pfa_mirror m
    on m.organization_id = rewrite_overlay.organization_id and m.pfa_id = any (rewrite_overlay.pfa_ids) and m.pfa_id = v.pfa_id
  left join pending p on p.pfa_id = v.pfa_id
  on conflict on constraint pfa_overlay_pkey do update set
    data = excluded.data, version = excluded.version, version_by = excluded.version_by, revision = excluded.revision,
    observed_at = excluded.observed_at, removed_at = excluded.removed_at,
    is_pending = excluded.is_pending, has_draft = excluded.has_draft, has_problem = excluded.has_problem, base = excluded.base,
    mirror_source = excluded.mirror_source, mirror_is_actualized = excluded.mirror_is_actualized,
    mirror_is_discontinued = excluded.mirror_is_discontinued, mirror_plan_cost_cents = excluded.mirror_plan_cost_cents,
    mirror_forecast_cost_cents = excluded.mirror_forecast_cost_cents, mirror_actual_cost_cents = excluded.mirror_actual_cost_cents,
    mirror_original_start = excluded.mirror_original_start, mirror_original_end = excluded.mirror_original_end,
    mirror_forecast_start = excluded.mirror_forecast_start, mirror_forecast_end = excluded.mirror_forecast_end,
    mirror_actual_start = excluded.mirror_actual_start, mirror_actual_end = excluded.mirror_actual_end
  where (o.data, o.is_pending, o.has_draft, o.has_problem, o.base, o.removed_at,
      o.mirror_source, o.mirror_is_actualized, o.mirror_is_discontinued, o.mirror_plan_cost_cents,
      o.mirror_forecast_cost_cents, o.mirror_actual_cost_cents, o.mirror_original_start, o.mirror_original_end,
      o.mirror_forecast_start, o.mirror_forecast_end, o.mirror_actual_start, o.mirror_actual_end)
    is distinct from (excluded.data, excluded.is_pending, excluded.has_draft, excluded.has_problem, excluded.base, excluded.removed_at,
      excluded.mirror_source, excluded.mirror_is_actualized, excluded.mirror_is_discontinued, excluded.mirror_plan_cost_cents,
      excluded.mirror_forecast_cost_cents, excluded.mirror_actual_cost_cents, excluded.mirror_original_start, excluded.mirror_original_end,
      excluded.mirror_forecast_start, excluded.mirror_forecast_end, excluded.mirror_actual_start, excluded.mirror_actual_end);
end;
--------------------------------------------------------------------------------------------------
-- Rules

create or replace function app_private.lock_records(organization_id integer, pfa_ids text[]) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select from app_core.pfa_mirror m
  where m.organization_id = lock_records.organization_id and m.pfa_id = any (lock_records.pfa_ids)
  order by m.pfa_id for no key update;
end;
comment on function app_private.lock_records(integer, text[]) is
  'Locks the records'' mirror rows in key order, as everything does that changes what people see of them. A statement of its own: what is read after it is what the holder before left.';

create or replace function app_private.lock_operations(organization_id integer, user_id integer) returns void
  language sql volatile
  set search_path = pg_catalog, pg_temp
begin atomic
  select pg_advisory_xact_lock(hashtextextended(format('pfa_draft_operation %s %s', lock_operations.organization_id, lock_operations.user_id), 0));
end;
comment on function app_private.lock_operations(integer, integer) is
  'One operation of a user on drafts at a time, whichever tab it comes from: which is the newest is asked before the records are known. Call it before lock_records.';

create or replace function app_private.key_problem(field app_public.pfa_fields, screen_field text, data jsonb, value jsonb) returns text
  language sql stable parallel safe
  return case
    when field.key is null then 'is not a key of a record'
    when not field.is_editable then 'is set by PEMS and cannot be edited'
    when screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
    when field.editable_when_actualized and (data->>'isActualized') is distinct from 'true' then 'can be edited only once the record is actualized'
    else app_core.value_problem(field, value)
  end;
comment on function app_private.key_problem(app_public.pfa_fields, text, jsonb, jsonb) is
  'Why a value may not be put under a key of a record, as the end of a sentence; null when it may. The field is null for an unknown key, the screen field for one that no mapping writes.';

create or replace function app_private.reversed_dates(data jsonb) returns table (first_key text, last_key text)
  language sql stable
begin atomic
  select r.first_key, r.last_key
  from (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
  where nullif(data->>r.last_key, '') < nullif(data->>r.first_key, '') collate "C";
end;
comment on function app_private.reversed_dates(jsonb) is 'The dates of a record whose last day lies before the first, of those that people edit.';

create or replace function app_private.refused_changes(
  organization_id integer, user_id integer, items jsonb, out missing jsonb, out moved jsonb, out unfit jsonb
)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
begin atomic
  with item as materialized (
    select i->>'recordId' as id, i ? 'revision' as has_revision, (i->>'revision')::bigint as revision, i->'changes' as changes,
      m.revision as current_revision, m.data, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(refused_changes.items) i
    left join app_private.merged_for(refused_changes.organization_id, refused_changes.user_id,
      array(select n->>'recordId' from jsonb_array_elements(refused_changes.items) n)) m on m.pfa_id = i->>'recordId'
  ),
  wrong as materialized (
    select i.id, c.key, c.value, p.problem
    from item i
    cross join jsonb_each(i.changes) c
    left join app_public.pfa_fields f on f.key = c.key
    left join app_private.field_mapping(refused_changes.organization_id) w on w.key = c.key
    cross join lateral (select app_private.key_problem(f, w.screen_field, i.data, c.value) as problem) p
    where p.problem is not null and not i.is_missing
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
          select coalesce(jsonb_agg(jsonb_build_object('route', l.route, 'by', l.username, 'at', l.changed_at, 'changes', l.changes) order by l.id desc), '[]')
          from (
            select c.id, c.route, u.username, c.changed_at, c.changes
            from app_core.pfa_change c left join app_public.users u on u.id = c.user_id
            where c.organization_id = refused_changes.organization_id and c.pfa_id = i.id
              and (c.route not in ('draft', 'takeover') or c.user_id = refused_changes.user_id)
            order by c.id desc limit 3
          ) l
        )) order by i.id)
      from item i where i.has_revision and not i.is_missing and i.revision is distinct from i.current_revision
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', w.id, 'key', w.key, 'value', w.value, 'problem', w.problem) order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key)
        from item i
        cross join lateral (select i.data || i.changes as data) n
        cross join lateral app_private.reversed_dates(n.data) r
        where not i.is_missing and i.changes ?| array[r.first_key, r.last_key] and not exists (select from wrong w where w.id = i.id)
      ) w
    );
end;
comment on function app_private.refused_changes(integer, integer, jsonb) is
  'All that is wrong with `[{"recordId", "changes": {key: value}, "revision"}]` as changes of what a user sees, in one look: records that are not there, that have moved since that revision (where one is given, as bulk operations do not), and values that may not be. Each a list for the details of an error, or null.';

--------------------------------------------------------------------------------------------------
-- Writing drafts: the one place

drop type if exists app_public.pfa_draft_result cascade;
create type app_public.pfa_draft_result as (
  operation_id bigint,
  changed_count integer,
  unchanged_count integer,
  refused jsonb,
  revisions jsonb
);
comment on type app_public.pfa_draft_result is 'What an operation on drafts did.';
comment on column app_public.pfa_draft_result.operation_id is 'The operation, to be undone; null when nothing changed.';
comment on column app_public.pfa_draft_result.changed_count is E'@notNull\nHow many records changed.';
comment on column app_public.pfa_draft_result.unchanged_count is E'@notNull\nHow many had these values already.';
comment on column app_public.pfa_draft_result.refused is E'@notNull\nWhat was left out: `[{"recordId", "key", "value", "problem"}, ...]`, at most 1,000 of them.';
comment on column app_public.pfa_draft_result.revisions is 'The revision of each record that was named, as it is now; null when there were more than 5,000.';

create or replace function app_private.change_drafts(organization_id integer, user_id integer, items jsonb, kind text) returns app_public.pfa_draft_result
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := change_drafts.organization_id;
  p_user_id constant integer := change_drafts.user_id;
  p_kind constant text := change_drafts.kind;
  ids constant text[] := array(select i->>'recordId' from jsonb_array_elements(items) i);
  result app_public.pfa_draft_result;
begin
  with seen as materialized (
    select m.pfa_id, coalesce(i->'changes', '{}') as changes, coalesce(i->'dropped', '[]') as dropped, m.data, m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    join app_private.merged_for(p_organization_id, p_user_id, ids) m on m.pfa_id = i->>'recordId'
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = p_user_id and d.state = 'draft' and d.pfa_id = any (ids) and d.pfa_id = m.pfa_id
  ),
  keyed as materialized (
    select v.pfa_id, v.key, v.drafted, v.problem,
      case when v.value is not null then app_core.normalized(v.value) end as value,
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
    select k.pfa_id, k.key, k.drafted, k.problem, k.under, k.seen, k.base, case when k.value <> k.under then k.value end as value from keyed k
  ),
  kept as materialized (
    select s.pfa_id, s.delta - d.keys || d.delta as delta, s.base - d.keys || d.base as base, s.problems - d.keys || d.problems as problems
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
    select p_organization_id, d.pfa_id, p_user_id, 'draft', jsonb_object_agg(d.key, jsonb_build_object('from', d.seen, 'to', coalesce(d.value, d.under)))
    from decided d where d.seen <> coalesce(d.value, d.under) group by d.pfa_id
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
    from changed c where p_kind is not null having count(*) > 0
    returning id
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
  select (select r.id from remembered r), (select count(*) from changed), (select count(*) from seen) - (select count(*) from changed), '[]', null
  into result;

  perform app_private.rewrite_overlay(p_organization_id, ids);
  if result.operation_id is not null then
    -- What was undone cannot be done again after something else.
    delete from app_core.pfa_draft_operation o
    where o.organization_id = p_organization_id and o.user_id = p_user_id
      and (o.undone_at is not null or o.id <= (
        select l.id from app_core.pfa_draft_operation l
        where l.organization_id = p_organization_id and l.user_id = p_user_id
        order by l.id desc offset 50 limit 1));
  end if;
  if cardinality(ids) <= 5000 then
    select coalesce(jsonb_object_agg(m.pfa_id, m.revision), '{}') into result.revisions
    from app_private.merged_for(p_organization_id, p_user_id, ids) m;
  end if;
  return result;
end;
$$;
comment on function app_private.change_drafts(integer, integer, jsonb, text) is
  'Puts values under keys of a user''s drafts, `[{"recordId", "changes": {key: value}, "dropped": [key, ...]}]`, each record once, and takes the dropped keys out. A value equal to what lies under the draft takes its key out, too. What a key was drafted on (base) stays as long as the key is drafted. Remembers the operation unless its kind is null. Call it under lock_operations and lock_records, with values that were checked.';

drop function if exists app_private.write_drafts(integer, jsonb);
create or replace function app_private.save_checked_drafts(organization_id integer, items jsonb) returns app_public.pfa_draft_result
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
    raise exception 'No record is named.' using errcode = 'VG400', hint = 'Give at least one {recordId, changes, revision}.';
  end if;
  if cardinality(ids) > 5000 then
    raise exception 'These are % records, and at most 5,000 can be saved at once.', cardinality(ids)
      using errcode = 'VG400', hint = 'Save them in several calls, or use a bulk operation.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', t.id, 'problem', 'it is named more than once') order by t.id) into refused
  from (select id from unnest(ids) id group by id having count(*) > 1) t;
  if refused is not null then
    raise exception 'A record is named more than once.' using errcode = 'VG400', detail = refused::text, hint = 'Name each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem', 'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'The changes must be an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);
  select c.missing, c.moved, c.unfit into missing, moved, unfit from app_private.refused_changes(p_organization_id, me, items) c;
  -- The worst is said, and all of it is named.
  refused := coalesce(missing, '[]') || coalesce(moved, '[]') || coalesce(unfit, '[]');
  if missing is not null then
    raise exception 'There is no record % in this organization.', missing->0->>'recordId'
      using errcode = 'VG404', detail = refused::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;
  if moved is not null then
    raise exception 'Record % changed since you saw it.', moved->0->>'recordId'
      using errcode = 'VG409', detail = refused::text, hint = 'Look at the current values, then save again with the current revision.';
  end if;
  if unfit is not null then
    raise exception '% of record % %.', unfit->0->>'key', unfit->0->>'recordId', unfit->0->>'problem'
      using errcode = 'VG422', detail = refused::text, hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;
  return app_private.change_drafts(p_organization_id, me, items, 'save');
end;
$$;
comment on function app_private.save_checked_drafts(integer, jsonb) is
  'Drafts `[{"recordId", "changes": {key: value}, "revision"}]` for the signed-in user: all or nothing, each record once. Refuses with VG400, VG403, VG404, VG409 (moved since) or VG422 (values), naming every record and key in the details.';

create or replace function app_public.save_draft(organization_id integer, record_id text, changes jsonb, revision bigint) returns app_public.pfa_record
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  result app_public.pfa_record;
begin
  perform app_private.save_checked_drafts(save_draft.organization_id,
    jsonb_build_array(jsonb_build_object('recordId', save_draft.record_id, 'changes', save_draft.changes, 'revision', save_draft.revision)));
  select r.* into result from app_public.pfa_record r
  where r.organization_id = save_draft.organization_id and r.pfa_id = save_draft.record_id;
  return result;
end;
$$;

drop type if exists app_public.pfa_draft_item cascade;
create type app_public.pfa_draft_item as (record_id text, changes jsonb, revision bigint);
comment on type app_public.pfa_draft_item is 'Changes to one record.';
comment on column app_public.pfa_draft_item.record_id is E'@notNull\nThe record.';
comment on column app_public.pfa_draft_item.changes is E'@notNull\nKeys and what they become, e.g. `{"forecastEnd": "2026-05-01"}`.';
comment on column app_public.pfa_draft_item.revision is E'@notNull\nThe revision of the record that you saw.';

create function app_public.save_drafts(organization_id integer, items app_public.pfa_draft_item[]) returns app_public.pfa_draft_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.save_checked_drafts(save_drafts.organization_id, (
    select coalesce(jsonb_agg(jsonb_build_object('recordId', i.record_id, 'changes', i.changes, 'revision', i.revision)), '[]')
    from unnest(save_drafts.items) i));
end;
$$;
comment on function app_public.save_drafts(integer, app_public.pfa_draft_item[]) is
  E'@resultFieldName result\nSaves changes to up to 5,000 records as your drafts: all of them or none. What is refused is named, record by record and key by key.';
grant execute on function app_public.save_drafts(integer, app_public.pfa_draft_item[]) to vanguard_visitor;

drop function if exists app_public.discard_drafts(integer, text[]);
drop function if exists app_public.discard_drafts(integer, text[], text[]);
create function app_public.discard_drafts(organization_id integer, record_ids text[] default null, keys text[] default null) returns integer
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
  E'@resultFieldName discarded\nThrows away what you drafted: of these records, or of all in the organization when no list is given; only these keys, or all of them. Answers how many records it was.';
grant execute on function app_public.discard_drafts(integer, text[], text[]) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Undo and redo

drop type if exists app_public.pfa_undo_result cascade;
create type app_public.pfa_undo_result as (operation_id bigint, kind text, changed_count integer, impossible jsonb);
comment on type app_public.pfa_undo_result is 'What undo or redo did.';
comment on column app_public.pfa_undo_result.operation_id is E'@notNull\nThe operation that was undone or done again.';
comment on column app_public.pfa_undo_result.kind is E'@notNull\nWhat it was: `save`, `shift`, `duration`, `reset`, `set`, `discard`.';
comment on column app_public.pfa_undo_result.changed_count is E'@notNull\nHow many records changed.';
comment on column app_public.pfa_undo_result.impossible is
  E'@notNull\nWhat could not be, because the value is no longer what the operation left: `[{"recordId", "key", "kind", "problem"}, ...]`. Kinds: `committed`, `changed`, `settled` (the record has the value by itself), `removed`, `gone`.';

create or replace function app_private.step_operation(organization_id integer, operation_id bigint, is_undo boolean) returns app_public.pfa_undo_result
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
      using errcode = 'VG404', hint = 'The last 50 operations in an organization can be undone, and done again until something else is done; they are its myOperations.';
  end if;
  if operation.id <> p_operation_id then
    due := jsonb_build_array(jsonb_build_object('operationId', operation.id, 'kind', operation.kind, 'recordCount', operation.record_count));
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
      m.pfa_id is null as is_gone, m.removed_at is not null as is_removed, app_core.normalized(m.underlay->k.key) as under, d.delta->k.key as drafted
    from jsonb_each(operation.differences) r
    cross join jsonb_each(r.value) k
    left join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = r.key
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (ids) and d.pfa_id = r.key
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
        when s.drafted is not distinct from s.expected then case when s.wanted is not null and s.is_removed then 'removed' end
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
    (select coalesce(jsonb_agg(jsonb_build_object('recordId', p.pfa_id, 'changes', p.changes, 'dropped', p.dropped)), '[]') from possible p),
    (
      select coalesce(jsonb_agg(jsonb_build_object('recordId', j.pfa_id, 'key', j.key, 'kind', j.kind, 'problem', case j.kind
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
  'Takes back the signed-in user''s newest operation, or does again the oldest that was undone: key by key, where the draft still is what the operation left. Drafted values come back, never what they were drafted on. VG404 when there is none, VG409 when it is another than the one asked for.';

create function app_public.undo_draft(organization_id integer, operation_id bigint default null) returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(undo_draft.organization_id, undo_draft.operation_id, true);
end;
$$;
comment on function app_public.undo_draft(integer, bigint) is
  E'@resultFieldName result\nTakes back your newest operation on drafts that is in effect, however many records it touched. With `operationId` only if it is that one.';
grant execute on function app_public.undo_draft(integer, bigint) to vanguard_visitor;

create function app_public.redo_draft(organization_id integer, operation_id bigint default null) returns app_public.pfa_undo_result
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return app_private.step_operation(redo_draft.organization_id, redo_draft.operation_id, false);
end;
$$;
comment on function app_public.redo_draft(integer, bigint) is
  E'@resultFieldName result\nDoes again what `undoDraft` took back last. With `operationId` only if it is that one.';
grant execute on function app_public.redo_draft(integer, bigint) to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Drafts as a list

drop view if exists app_public.pfa_draft;
create view app_public.pfa_draft with (security_invoker = true) as
select m.organization_id, m.id, m.pfa_id, m.delta, m.base, c.current, m.problems,
  app_core.usd(mine.forecast_cost_cents - coalesce(pending.forecast_cost_cents, r.forecast_cost_cents)) as forecast_cost_change,
  m.created_at, m.updated_at
from app_core.pfa_modification m
join app_core.pfa_mirror r on r.organization_id = m.organization_id and r.pfa_id = m.pfa_id
join app_core.pfa_overlay mine on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id and mine.viewer_id = m.user_id
left join app_core.pfa_overlay pending on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id and pending.viewer_id = 0
cross join lateral (
  select jsonb_object_agg(k, app_core.normalized(coalesce(pending.data, r.data)->k)) as current from jsonb_object_keys(m.delta) k
) c
where m.state = 'draft' and m.user_id = app_core.current_user_id();
grant select on app_public.pfa_draft to vanguard_visitor;
comment on view app_public.pfa_draft is E'@offersColumns\n@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName myDrafts\n@foreignKey (organization_id, pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nYour own uncommitted changes, one a record: what each key was when you drafted it (base), what you made of it (delta), and what it is now without your draft (current).';
comment on column app_public.pfa_draft.organization_id is 'The organization.';
comment on column app_public.pfa_draft.id is E'@behavior +orderBy\nOur key.';
comment on column app_public.pfa_draft.pfa_id is E'@notNull\n@behavior +orderBy +filterBy\nThe record.';
comment on column app_public.pfa_draft.delta is E'@notNull\nThe keys you changed and what they become.';
comment on column app_public.pfa_draft.base is E'@notNull\nWhat you saw under these keys when you first changed them.';
comment on column app_public.pfa_draft.current is E'@notNull\nWhat is under these keys now, without your draft: PEMS and what is pending.';
comment on column app_public.pfa_draft.problems is E'@notNull\nBy key: what stands in the way of committing it.';
comment on column app_public.pfa_draft.forecast_cost_change is E'@notNull\nWhat your draft adds to the forecast cost of the record, USD.';
comment on column app_public.pfa_draft.created_at is E'@notNull\nWhen you first changed the record.';
comment on column app_public.pfa_draft.updated_at is E'@notNull\nWhen you last changed it.';
