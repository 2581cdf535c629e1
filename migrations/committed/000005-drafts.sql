--! Previous: sha1:0223a3d13bc3205f08dd9bbc86fed177c6ffd100
--! Hash: sha1:90af95f5db42f7fd3f84f88c35982a750ec11995
--! Message: drafts

--! split: 500-drafts.sql
-- Drafting: what may be changed, and the one function that writes drafts.

create view app_public.pfa_draft with (security_invoker = true) as
select m.organization_id, m.id, m.pfa_id, m.delta, m.base, m.problems, m.created_at, m.updated_at
from app_core.pfa_modification m
where m.state = 'draft' and m.user_id = app_core.current_user_id();
grant select on app_public.pfa_draft to vanguard_visitor;
comment on view app_public.pfa_draft is E'@primaryKey organization_id,id\n@foreignKey (organization_id) references app_public.organizations (id)|@fieldName organization|@foreignFieldName myDrafts\n@foreignKey (organization_id, pfa_id) references app_public.pfa_record (organization_id, pfa_id)|@fieldName record|@backwardBehavior -*\nYour own uncommitted changes, one a record.';
comment on column app_public.pfa_draft.organization_id is 'The organization.';
comment on column app_public.pfa_draft.id is 'Our key.';
comment on column app_public.pfa_draft.pfa_id is E'@notNull\nThe record.';
comment on column app_public.pfa_draft.delta is E'@notNull\nThe keys you changed and what they become.';
comment on column app_public.pfa_draft.base is E'@notNull\nWhat you saw under these keys when you first changed them.';
comment on column app_public.pfa_draft.problems is E'@notNull\nBy key: what stands in the way of committing it.';
comment on column app_public.pfa_draft.created_at is E'@notNull\nWhen you first changed the record.';
comment on column app_public.pfa_draft.updated_at is E'@notNull\nWhen you last changed it.';

--------------------------------------------------------------------------------------------------
-- Rules of single values and of whole records

create function app_core.is_iso_date(value text) returns boolean
  language plpgsql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if value is null or value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
    return false;
  end if;
  perform app_core.iso_date(value);
  return true;
exception when datetime_field_overflow then
  return false;
end;
$$;
comment on function app_core.is_iso_date(text) is 'Whether the text is `YYYY-MM-DD` and such a day exists.';

create function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql immutable parallel safe
begin atomic
  select case
    when value is null or value = 'null' or value = '""' then null
    when field.kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}'))
      then 'is not a date; a date is written "YYYY-MM-DD" and exists in the calendar'
    when field.kind = 'money' and jsonb_typeof(value) <> 'number'
      then 'is not a number; an amount is a JSON number of USD'
    when field.kind = 'money' and (value #>> '{}')::numeric < 0
      then 'is negative; an amount is 0 or more'
    when field.kind = 'money' and (value #>> '{}')::numeric >= field.max_amount
      then format('is too large; an amount is less than %s USD', ltrim(to_char(field.max_amount, '999,999,999,999,999,999')))
    when field.kind = 'money' and (value #>> '{}')::numeric <> round((value #>> '{}')::numeric, 2)
      then 'has more than two decimals; an amount is in whole cents'
    when field.kind = 'flag' and jsonb_typeof(value) <> 'boolean'
      then 'is not true or false'
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
comment on function app_core.value_problem(app_public.pfa_fields, jsonb) is 'What is wrong with a value that somebody wants to put under a key, as the end of a sentence; null when nothing is. Nothing, null and "" empty a key.';

create function app_core.normalized(value jsonb) returns jsonb
  language sql immutable parallel safe
  return case
    when value is null or value = '""' then 'null'::jsonb
    when jsonb_typeof(value) = 'number' then to_jsonb(trim_scale((value #>> '{}')::numeric))
    else value
  end;
comment on function app_core.normalized(jsonb) is 'The one form in which values are compared: missing, null and "" are null; 10.50 and 10.5 are the same amount.';

grant execute on function app_core.is_iso_date(text), app_core.value_problem(app_public.pfa_fields, jsonb), app_core.normalized(jsonb)
  to vanguard_visitor, vanguard_worker;

create function app_private.merged_for(organization_id integer, user_id integer, pfa_ids text[])
  returns table (pfa_id text, revision bigint, data jsonb, underlay jsonb, removed_at timestamptz, mirror_data jsonb)
  language sql stable
  set search_path = pg_catalog, pg_temp
begin atomic
  select m.pfa_id,
    coalesce(mine.revision, pending.revision, m.revision),
    coalesce(mine.data, pending.data, m.data),
    coalesce(pending.data, m.data),
    m.removed_at,
    m.data
  from app_core.pfa_mirror m
  left join app_core.pfa_overlay mine
    on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id and mine.viewer_id = merged_for.user_id
  left join app_core.pfa_overlay pending
    on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id and pending.viewer_id = 0
  where m.organization_id = merged_for.organization_id and m.pfa_id = any (merged_for.pfa_ids);
end;
comment on function app_private.merged_for(integer, integer, text[]) is
  'For given records: what a user sees (data, revision), what is under that user''s draft (underlay: mirror + pending), and the mirror alone.';

--------------------------------------------------------------------------------------------------
-- Writing drafts

create function app_private.write_drafts(organization_id integer, items jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  refused jsonb;
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(i->>'recordId' order by i->>'recordId') into ids from jsonb_array_elements(items) i;
  if (select count(distinct id) <> count(*) from unnest(ids) id) then
    raise exception 'A record is named more than once.' using errcode = 'VG400', hint = 'Name each record once.';
  end if;
  select jsonb_agg(jsonb_build_object('recordId', i->>'recordId', 'problem', 'the changes are not an object with at least one key'))
    into refused
  from jsonb_array_elements(items) i
  where jsonb_typeof(i->'changes') is distinct from 'object' or i->'changes' = '{}';
  if refused is not null then
    raise exception 'The changes must be an object with at least one key.'
      using errcode = 'VG400', detail = refused::text, hint = 'For example {"forecastEnd": "2026-05-01"}.';
  end if;

  -- The locks come first and alone: what is read after them is what the holder before us left.
  perform from app_core.pfa_mirror m
  where m.organization_id = p_organization_id and m.pfa_id = any (ids)
  order by m.pfa_id for no key update;

  select jsonb_agg(jsonb_build_object('recordId', id, 'problem', 'there is no such record') order by id)
    into refused
  from unnest(ids) id
  where not exists (select from app_core.pfa_mirror m where m.organization_id = p_organization_id and m.pfa_id = id and m.removed_at is null);
  if refused is not null then
    raise exception 'There is no record % in this organization.', refused->0->>'recordId'
      using errcode = 'VG404', detail = refused::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;

  with item as (
    select i->>'recordId' as pfa_id, (i->>'revision')::bigint as revision, i->'changes' as changes from jsonb_array_elements(items) i
  )
  select jsonb_agg(jsonb_build_object('recordId', i.pfa_id, 'problem', 'it changed since you saw it',
      'revision', i.revision, 'currentRevision', m.revision,
      'current', (select jsonb_object_agg(k, coalesce(m.data->k, 'null')) from jsonb_object_keys(i.changes) k)) order by i.pfa_id)
    into refused
  from item i
  join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = i.pfa_id
  where i.revision is distinct from m.revision;
  if refused is not null then
    raise exception 'Record % changed since you saw it.', refused->0->>'recordId'
      using errcode = 'VG409', detail = refused::text, hint = 'Look at the current values, then save again with the current revision.';
  end if;

  with item as (
    select i->>'recordId' as pfa_id, i->'changes' as changes from jsonb_array_elements(items) i
  )
  select jsonb_agg(jsonb_build_object('recordId', i.pfa_id, 'key', c.key, 'value', c.value, 'problem', p.problem) order by i.pfa_id, c.key)
    into refused
  from item i
  join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = i.pfa_id
  cross join jsonb_each(i.changes) c
  left join app_public.pfa_fields f on f.key = c.key
  left join app_private.field_mapping(p_organization_id) w on w.key = c.key
  cross join lateral (
    select case
      when f.key is null then 'is not a key of a record'
      when not f.is_editable then 'is set by PEMS and cannot be edited'
      when w.screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
      when f.editable_when_actualized and (m.data->>'isActualized') is distinct from 'true' then 'can be edited only once the record is actualized'
      else app_core.value_problem(f, c.value)
    end as problem
  ) p
  where p.problem is not null;
  if refused is not null then
    raise exception '% of record % %.', refused->0->>'key', refused->0->>'recordId', refused->0->>'problem'
      using errcode = 'VG422', detail = refused::text, hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;

  with item as (
    select i->>'recordId' as pfa_id, i->'changes' as changes from jsonb_array_elements(items) i
  ),
  merged as (
    select i.pfa_id, i.changes, m.data || i.changes as data
    from item i join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = i.pfa_id
  )
  select jsonb_agg(jsonb_build_object('recordId', m.pfa_id, 'key', r.last_key, 'value', m.data->r.last_key,
      'problem', format('lies before %s (%s)', r.first_key, m.data->>r.first_key)) order by m.pfa_id, r.last_key)
    into refused
  from merged m
  cross join (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
  where m.changes ?| array[r.first_key, r.last_key]
    and nullif(m.data->>r.last_key, '') < nullif(m.data->>r.first_key, '') collate "C";
  if refused is not null then
    raise exception '% of record % %.', refused->0->>'key', refused->0->>'recordId', refused->0->>'problem'
      using errcode = 'VG422', detail = refused::text, hint = 'Nothing was saved. Move both dates, or choose one that is not earlier.';
  end if;

  with item as (
    select i->>'recordId' as pfa_id, c.key, app_core.normalized(c.value) as value
    from jsonb_array_elements(items) i, jsonb_each(i->'changes') c
  ),
  keyed as (
    select i.pfa_id, i.key, i.value,
      app_core.normalized(m.underlay->i.key) as under,
      app_core.normalized(m.data->i.key) as seen,
      coalesce(d.base->i.key, app_core.normalized(m.underlay->i.key)) as base
    from item i
    join app_private.merged_for(p_organization_id, me, ids) m on m.pfa_id = i.pfa_id
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = i.pfa_id and d.state = 'draft'
  ),
  wanted as (
    select pfa_id,
      coalesce(jsonb_object_agg(key, value) filter (where value <> under), '{}') as delta,
      coalesce(jsonb_object_agg(key, base) filter (where value <> under), '{}') as base,
      coalesce(array_agg(key) filter (where value = under), '{}') as undone
    from keyed group by pfa_id
  ),
  kept as (
    select w.pfa_id,
      coalesce(d.delta - w.undone, '{}') || w.delta as delta,
      coalesce(d.base - w.undone, '{}') || w.base as base,
      coalesce(d.problems - w.undone, '{}') as problems
    from wanted w
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = w.pfa_id and d.state = 'draft'
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, pfa_id, me, 'draft', jsonb_object_agg(key, jsonb_build_object('from', seen, 'to', value))
    from keyed where seen <> value group by pfa_id
  ),
  emptied as (
    delete from app_core.pfa_modification d using kept k
    where d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = k.pfa_id and d.state = 'draft' and k.delta = '{}'
  )
  insert into app_core.pfa_modification as d (organization_id, user_id, pfa_id, delta, base, problems)
  select p_organization_id, me, pfa_id, delta, base, problems from kept where delta <> '{}'
  on conflict (organization_id, user_id, pfa_id) where state = 'draft' do update
    set delta = excluded.delta, base = excluded.base, problems = excluded.problems;

  perform app_private.rewrite_overlay(p_organization_id, ids);
  return ids;
end;
$$;
comment on function app_private.write_drafts(integer, jsonb) is
  'Drafts `[{"recordId", "changes": {key: value}, "revision"}]` for the signed-in user: all or nothing, each record once. Keys drafted before stay. A value equal to what is under the draft removes the key. Refuses with VG400, VG403, VG404, VG409 (moved since) or VG422 (values), naming every record and key in the details.';

create function app_public.save_draft(organization_id integer, record_id text, changes jsonb, revision bigint) returns app_public.pfa_record
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  result app_public.pfa_record;
begin
  perform app_private.write_drafts(save_draft.organization_id,
    jsonb_build_array(jsonb_build_object('recordId', save_draft.record_id, 'changes', save_draft.changes, 'revision', save_draft.revision)));
  select r.* into result from app_public.pfa_record r
  where r.organization_id = save_draft.organization_id and r.pfa_id = save_draft.record_id;
  return result;
end;
$$;
comment on function app_public.save_draft(integer, text, jsonb, bigint) is
  E'@resultFieldName record\nSaves changes to one record as your draft, e.g. `{"forecastEnd": "2026-05-01"}`, and answers the record as you see it then. `revision` is the one of the record that you saw. A value that is the same as without your draft takes the key back.';
grant execute on function app_public.save_draft(integer, text, jsonb, bigint) to vanguard_visitor;

create function app_public.discard_drafts(organization_id integer, record_ids text[] default null) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := discard_drafts.organization_id;
  p_record_ids constant text[] := discard_drafts.record_ids;
  me constant integer := app_core.current_user_id();
  discarded text[];
begin
  perform app_private.require_writable(p_organization_id);

  select array_agg(d.pfa_id order by d.pfa_id) into discarded
  from app_core.pfa_modification d
  where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft'
    and (p_record_ids is null or d.pfa_id = any (p_record_ids));

  perform from app_core.pfa_mirror m
  where m.organization_id = p_organization_id and m.pfa_id = any (discarded)
  order by m.pfa_id for no key update;

  with gone as (
    delete from app_core.pfa_modification d
    where d.organization_id = p_organization_id and d.user_id = me and d.state = 'draft' and d.pfa_id = any (discarded)
    returning d.pfa_id, d.delta
  ),
  logged as (
    insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
    select p_organization_id, g.pfa_id, me, 'draft',
      (select jsonb_object_agg(c.key, jsonb_build_object('from', c.value, 'to', app_core.normalized(m.underlay->c.key))) from jsonb_each(g.delta) c)
    from gone g
    join app_private.merged_for(p_organization_id, me, discarded) m on m.pfa_id = g.pfa_id
  )
  select array_agg(pfa_id) into discarded from gone;

  perform app_private.rewrite_overlay(p_organization_id, discarded);
  return coalesce(cardinality(discarded), 0);
end;
$$;
comment on function app_public.discard_drafts(integer, text[]) is
  E'@resultFieldName discarded\nThrows away your drafts of these records, or all of them in the organization when no list is given, and answers how many there were.';
grant execute on function app_public.discard_drafts(integer, text[]) to vanguard_visitor;
