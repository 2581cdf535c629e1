-- Drafts by the hundred: everything that is wrong is found in one look, and dates are checked without a subtransaction each.

create or replace function app_core.is_iso_date(value text) returns boolean
  language sql immutable parallel safe
  return case
    when value ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' and substr(value, 1, 4) <> '0000'
      then substr(value, 9, 2)::integer <= date_part('day',
        make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, 1) + interval '1 month -1 day')
    else false
  end;
comment on function app_core.is_iso_date(text) is 'Whether the text is `YYYY-MM-DD` and such a day exists.';

-- Both stable, as the functions that they call: then they become part of the query that asks, and are not called value by value.
create or replace function app_core.value_problem(field app_public.pfa_fields, value jsonb) returns text
  language sql stable parallel safe
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

create or replace function app_core.normalized(value jsonb) returns jsonb
  language sql stable parallel safe
  return case
    when value is null or value = '""' then 'null'::jsonb
    when jsonb_typeof(value) = 'number' then to_jsonb(trim_scale((value #>> '{}')::numeric))
    else value
  end;
comment on function app_core.normalized(jsonb) is 'The one form in which values are compared: missing, null and "" are null; 10.50 and 10.5 are the same amount.';

drop function if exists app_private.merged_for(integer, integer, text[]);
create or replace function app_private.merged_for(organization_id integer, user_id integer, pfa_id text)
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
    on mine.organization_id = m.organization_id and mine.pfa_id = m.pfa_id and mine.viewer_id = merged_for.user_id
  left join app_core.pfa_overlay pending
    on pending.organization_id = m.organization_id and pending.pfa_id = m.pfa_id and pending.viewer_id = 0
  where m.organization_id = merged_for.organization_id and m.pfa_id = merged_for.pfa_id;
end;
comment on function app_private.merged_for(integer, integer, text) is
  'One record, no row if there is none: what a user sees (data, revision), and what is under that user''s draft (underlay: mirror + pending). Joined laterally it becomes part of the query, three index look-ups a record.';

create or replace function app_private.write_drafts(organization_id integer, items jsonb) returns text[]
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := write_drafts.organization_id;
  me constant integer := app_core.current_user_id();
  ids text[];
  refused jsonb;
  missing jsonb;
  moved jsonb;
  unfit jsonb;
  reversed jsonb;
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
  perform from unnest(ids) wanted (pfa_id)
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = wanted.pfa_id
  order by m.pfa_id for no key update of m;

  -- All that is wrong, of all records, in one look. Which of it is said is decided below.
  with item as materialized (
    select i->>'recordId' as id, (i->>'revision')::bigint as revision, i->'changes' as changes,
      m.revision as current_revision, m.data, m.pfa_id is null or m.removed_at is not null as is_missing
    from jsonb_array_elements(items) i
    left join lateral app_private.merged_for(p_organization_id, me, i->>'recordId') m on true
  )
  select
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'there is no such record') order by i.id)
      from item i where i.is_missing
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'problem', 'it changed since you saw it',
        'revision', i.revision, 'currentRevision', i.current_revision,
        'current', (select jsonb_object_agg(k, coalesce(i.data->k, 'null')) from jsonb_object_keys(i.changes) k)) order by i.id)
      from item i where i.revision is distinct from i.current_revision
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', c.key, 'value', c.value, 'problem', p.problem) order by i.id, c.key)
      from item i
      cross join jsonb_each(i.changes) c
      left join app_public.pfa_fields f on f.key = c.key
      left join app_private.field_mapping(p_organization_id) w on w.key = c.key
      cross join lateral (
        select case
          when f.key is null then 'is not a key of a record'
          when not f.is_editable then 'is set by PEMS and cannot be edited'
          when w.screen_field is null then 'cannot be written to PEMS, so it cannot be edited'
          when f.editable_when_actualized and (i.data->>'isActualized') is distinct from 'true' then 'can be edited only once the record is actualized'
          else app_core.value_problem(f, c.value)
        end as problem
      ) p
      where p.problem is not null
    ),
    (
      select jsonb_agg(jsonb_build_object('recordId', i.id, 'key', r.last_key, 'value', n.data->r.last_key,
        'problem', format('lies before %s (%s)', r.first_key, n.data->>r.first_key)) order by i.id, r.last_key)
      from item i
      cross join lateral (select i.data || i.changes as data) n
      cross join (values ('forecastStart', 'forecastEnd'), ('actualStart', 'actualEnd')) r (first_key, last_key)
      where i.changes ?| array[r.first_key, r.last_key]
        and nullif(n.data->>r.last_key, '') < nullif(n.data->>r.first_key, '') collate "C"
    )
    into missing, moved, unfit, reversed;
  if missing is not null then
    raise exception 'There is no record % in this organization.', missing->0->>'recordId'
      using errcode = 'VG404', detail = missing::text, hint = 'It may have been removed from PEMS. Reload the list.';
  end if;
  if moved is not null then
    raise exception 'Record % changed since you saw it.', moved->0->>'recordId'
      using errcode = 'VG409', detail = moved::text, hint = 'Look at the current values, then save again with the current revision.';
  end if;
  if unfit is not null then
    raise exception '% of record % %.', unfit->0->>'key', unfit->0->>'recordId', unfit->0->>'problem'
      using errcode = 'VG422', detail = unfit::text, hint = 'Nothing was saved. Correct the values named in the details, or leave them out.';
  end if;
  if reversed is not null then
    raise exception '% of record % %.', reversed->0->>'key', reversed->0->>'recordId', reversed->0->>'problem'
      using errcode = 'VG422', detail = reversed::text, hint = 'Nothing was saved. Move both dates, or choose one that is not earlier.';
  end if;

  with seen as materialized (
    select m.pfa_id, i->'changes' as changes, m.data, m.underlay,
      coalesce(d.delta, '{}') as delta, coalesce(d.base, '{}') as base, coalesce(d.problems, '{}') as problems
    from jsonb_array_elements(items) i
    cross join lateral app_private.merged_for(p_organization_id, me, i->>'recordId') m
    left join app_core.pfa_modification d
      on d.organization_id = p_organization_id and d.user_id = me and d.pfa_id = m.pfa_id and d.state = 'draft'
  ),
  keyed as materialized (
    select v.pfa_id, v.key,
      app_core.normalized(v.value) as value,
      app_core.normalized(v.under) as under,
      app_core.normalized(v.seen) as seen,
      coalesce(v.base, app_core.normalized(v.under)) as base
    from (
      select s.pfa_id, c.key, c.value, s.underlay->c.key as under, s.data->c.key as seen, s.base->c.key as base
      from seen s cross join jsonb_each(s.changes) c
      -- Looked up once, not once for each time that it is mentioned.
      offset 0
    ) v
  ),
  kept as materialized (
    select s.pfa_id, s.delta - k.undone || k.delta as delta, s.base - k.undone || k.base as base, s.problems - k.undone as problems
    from seen s
    join (
      select k.pfa_id,
        coalesce(jsonb_object_agg(k.key, k.value) filter (where k.value <> k.under), '{}') as delta,
        coalesce(jsonb_object_agg(k.key, k.base) filter (where k.value <> k.under), '{}') as base,
        coalesce(array_agg(k.key) filter (where k.value = k.under), '{}') as undone
      from keyed k group by k.pfa_id
    ) k on k.pfa_id = s.pfa_id
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

create or replace function app_public.discard_drafts(organization_id integer, record_ids text[] default null) returns integer
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

  perform from unnest(discarded) wanted (pfa_id)
  join app_core.pfa_mirror m on m.organization_id = p_organization_id and m.pfa_id = wanted.pfa_id
  order by m.pfa_id for no key update of m;

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
    cross join lateral app_private.merged_for(p_organization_id, me, g.pfa_id) m
  )
  select array_agg(pfa_id) into discarded from gone;

  perform app_private.rewrite_overlay(p_organization_id, discarded);
  return coalesce(cardinality(discarded), 0);
end;
$$;
comment on function app_public.discard_drafts(integer, text[]) is
  E'@resultFieldName discarded\nThrows away your drafts of these records, or all of them in the organization when no list is given, and answers how many there were.';
