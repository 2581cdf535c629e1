--! Previous: sha1:fc9e56ddbdc7dc4977ab275e0526159a0604abee
--! Hash: sha1:ac2bacca78797b992036b5973d20c2c11c4f07bd
--! Message: judge pasted rows one by one and clean what users enter

--! split: 1-current.sql
drop function if exists app_public.save_drafts(integer, app_public.pfa_draft_item[]);
drop function if exists app_private.save_checked_drafts(integer, jsonb);
drop function if exists app_private.change_drafts(integer, integer, jsonb, text);
--! Included app_core/functions/cleaned_text.sql
create or replace function app_core.cleaned_text(text text) returns text
  language sql immutable parallel safe
  return btrim(regexp_replace(regexp_replace(normalize(text, NFC),
    '[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\U000e0000-\U000e007f]', '', 'g'),
    '[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]', ' ', 'g'), E' \t\r\n');
comment on function app_core.cleaned_text(text) is
  'A text as users see it: without characters of no width and marks of text direction, with plain spaces, without '
  'spaces at its ends, and with composed accents (NFC). What users enter and what they search for is cleaned alike, '
  'so a text that looks the same is found.';
grant execute on function app_core.cleaned_text(text) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/cleaned_text.sql
--! Included app_core/functions/cleaned.sql
create or replace function app_core.cleaned(value jsonb) returns jsonb
  language sql immutable parallel safe
  return case
    when jsonb_typeof(value) <> 'string' then value
    when app_core.cleaned_text(value #>> '{}') = '' then 'null'::jsonb
    else to_jsonb(app_core.cleaned_text(value #>> '{}'))
  end;
comment on function app_core.cleaned(jsonb) is
  'A value as it is drafted: of a text what `cleaned_text` leaves, and none if nothing is left.';
grant execute on function app_core.cleaned(jsonb) to vanguard_visitor, vanguard_worker;
--! EndIncluded app_core/functions/cleaned.sql
--! Included app_core/functions/search_words.sql
create or replace function app_core.search_words(search text) returns text[]
  language sql immutable parallel safe
  return array(
    select w.word from regexp_split_to_table(lower(app_core.cleaned_text(search)), '\s+') w (word) where w.word <> ''
      order by length(w.word) desc, w.word limit 20
  );
comment on function app_core.search_words(text) is
  'The words of a cleaned text in lower case, 20 at most, the longest first, which narrows most.';
--! EndIncluded app_core/functions/search_words.sql
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
    cross join lateral (select app_private.key_problem(f, w.screen_field, i.data,
      app_core.cleaned(c.value)) as problem) p
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
        order by w.id, w.key)
      from (
        select w.id, w.key, w.value, w.problem from wrong w
        union all
        select i.id, r.last_key, n.data->r.last_key, format('lies before %s (%s)', r.first_key, n.data->>r.first_key)
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
  'operations do not), and values that may not be. Each a list for the details of an error, or null.';
--! EndIncluded app_private/functions/refused_changes.sql
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
      -- As they will be in the record: "" empties a key, and nothing can be counted with it.
      coalesce((select jsonb_object_agg(v.key, app_core.normalized(app_core.cleaned(v.value)))
        from jsonb_each((operation).set) v),
        jsonb_strip_nulls(jsonb_build_object(
        'forecastStart', m.new_forecast_start, 'forecastEnd', m.new_forecast_end, 'actualEnd', m.new_actual_end))) as
          changes,
      case
        when m.is_missing then 'there is no such record'
        when m.is_removed then 'was removed from PEMS'
        when (operation).reset_to_plan and m.is_actualized then 'is actualized: only a forecast is reset to the plan'
        when (operation).reset_to_plan and (m.original_start is null
          or m.original_end is null) then 'has no plan to be reset to'
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
  -- What is left is held against the rules of single values and of whole records.
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
  'What an operation makes of each of these records, as the user sees them (domain.md, Bulk operations): the '
  'changes, and whether they are `changed`, `unchanged` (has it already, or nothing to move) or `refused`, with '
  'the reason as the end of a sentence.';
--! EndIncluded app_private/functions/bulk_items.sql
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
  result app_public.pfa_draft_result;
begin
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
        order by l.id desc offset 50 limit 1));
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
    raise exception 'No record is named.' using errcode = 'VG400',
      hint = 'Give at least one {recordId, changes, revision}.';
  end if;
  if cardinality(ids) > 5000 then
    raise exception 'These are % records, and at most 5,000 can be saved at once.', cardinality(ids)
      using errcode = 'VG400', hint = 'Save them in several calls, or use a bulk operation.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', t.id, 'problem', 'it is named more than once') order by t.id)
    into refused
  from (select id from unnest(ids) id group by id having count(*) > 1) t;
  if refused is not null then
    raise exception 'A record is named more than once.'
      using errcode = 'VG400', detail = refused::text, hint = 'Name each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem',
    'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'The changes must be an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  perform app_private.lock_operations(p_organization_id, me);
  perform app_private.lock_records(p_organization_id, ids);
  select c.missing, c.moved, c.unfit into missing, moved, unfit
    from app_private.refused_changes(p_organization_id, me, items) c;
  -- The worst is said, and all of it is named.
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
        hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;
  return app_private.change_drafts(p_organization_id, me, items, 'save', save_checked_drafts.continues);
end;
$$;
comment on function app_private.save_checked_drafts(integer, jsonb, bigint) is
  'Drafts `[{"recordId", "changes": {key: value}, "revision"}]` for the signed-in user: all or nothing, each '
  'record once. Refuses with VG400, VG403, VG404, VG409 (moved since) or VG422 (values), naming every record and '
  'key in the details.';
--! EndIncluded app_private/functions/save_checked_drafts.sql
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
  E'@resultFieldName result\nSaves changes to up to 5,000 records as your drafts: all of them or none. What is '
  'refused is named, record by record and key by key. With `continues`, the `operationId` of your newest save, '
  'both are one operation: one undo takes them back. So large work can be sent in parts.';
grant execute on function app_public.save_drafts(integer, app_public.pfa_draft_item[], bigint) to vanguard_visitor;
--! EndIncluded app_public/functions/save_drafts.sql
