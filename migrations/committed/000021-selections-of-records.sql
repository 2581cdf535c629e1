--! Previous: sha1:379bd39f3cf43c15cee13742bcbe77a6df4862d8
--! Hash: sha1:c2ab194e7f809d1f7aaf70e5cfb96583bce65ec9
--! Message: selections of records

--! split: 60-selection.sql
-- Which records something is about: ids, the filter and the search of the list, alone or together. What bulk operations, commit
-- and sums are given.

drop type if exists app_public.pfa_selection cascade;
drop domain if exists app_public.pfa_record_filter cascade;
create domain app_public.pfa_record_filter as jsonb;
create type app_public.pfa_selection as (
  record_ids text[],
  filter app_public.pfa_record_filter,
  search text,
  containing jsonb,
  everything boolean
);
comment on domain app_public.pfa_record_filter is
  'What a list of records is filtered by, such as `{"category": {"equalTo": "Cranes"}, "or": [{"hasDraft": {"equalTo": true}}, {"forecastStart": {"lessThan": "2026-04-01"}}]}`.';
comment on type app_public.pfa_selection is
  'Records of an organization as you see them. What is given together is all required of a record; give at least one.';
comment on column app_public.pfa_selection.record_ids is 'These records, at most 20,000. Ids that there are not are passed over.';
comment on column app_public.pfa_selection.filter is 'Records that the list has with this filter.';
comment on column app_public.pfa_selection.search is 'Records that have every word of this text, as `foundRecords` finds them.';
comment on column app_public.pfa_selection.containing is 'Records whose data contain this object, as `foundRecords` finds them.';
comment on column app_public.pfa_selection.everything is '`true` for all records, and then nothing else.';

--------------------------------------------------------------------------------------------------
-- The filter of the list as a condition. Its text is made of what stands here and of positions in lists, and of nothing that somebody
-- sent: values are taken out of the parameter by their path.

create or replace function app_core.json_texts(list jsonb) returns text[]
  language sql immutable parallel safe
begin atomic
  select coalesce(array_agg(e.value), '{}') from jsonb_array_elements_text(list) e (value);
end;
comment on function app_core.json_texts(jsonb) is 'The elements of a JSON list, as texts.';

create or replace function app_private.filter_value_problem(kind text, value jsonb) returns text
  language sql immutable parallel safe
begin atomic
  select case
    when kind = 'text' and jsonb_typeof(value) <> 'string' then 'text'
    when kind = 'boolean' and jsonb_typeof(value) <> 'boolean' then 'true or false'
    when kind = 'date' and (jsonb_typeof(value) <> 'string' or not app_core.is_iso_date(value #>> '{}')) then 'a day of the calendar, "YYYY-MM-DD"'
    when kind = 'bigint' and (jsonb_typeof(value) not in ('string', 'number') or not case
      when value #>> '{}' ~ '^-?[0-9]{1,19}$' then (value #>> '{}')::numeric between -9223372036854775808 and 9223372036854775807
      else false
    end) then 'a whole number'
  end;
end;
comment on function app_private.filter_value_problem(text, jsonb) is 'What a value should be to be compared with a column of the kind text, date, bigint or boolean; null when it is that.';

create or replace function app_private.filter_condition(filter jsonb, path text[], depth integer, inout conditions integer, out condition text)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  name text;
  content jsonb;
  operator text;
  value jsonb;
  kind text;
  expected text;
  at text;
  part text;
  parts text[];
  all_parts text[] := '{}';
begin
  if depth > 10 then
    raise exception 'The filter is nested deeper than 10 levels.'
      using errcode = 'VG400', hint = 'Write it flatter: a list in `and` or `or` may have many entries.';
  end if;
  if jsonb_typeof(filter) <> 'object' or filter = '{}' then
    raise exception 'The filter% is % instead of an object with conditions.',
        case when path <> '{}' then ' at ' || array_to_string(path, '.') else '' end,
        case when filter = '{}' then 'empty' else 'not an object' end
      using errcode = 'VG400', hint = 'For example {"category": {"equalTo": "Cranes"}}. For all records leave the filter out and say `everything: true`.';
  end if;
  for name, content in select e.key, e.value from jsonb_each(filter) e loop
    if name in ('and', 'or') then
      if jsonb_typeof(content) <> 'array' or content = '[]' then
        raise exception 'The filter has "%" that is no list of filters, or an empty one.', name
          using errcode = 'VG400', hint = 'For example {"or": [{"hasDraft": {"equalTo": true}}, {"hasProblem": {"equalTo": true}}]}.';
      end if;
      parts := '{}';
      for i in 0 .. jsonb_array_length(content) - 1 loop
        select c.conditions, c.condition into conditions, part
        from app_private.filter_condition(content->i, path || name || i::text, depth + 1, conditions) c;
        parts := parts || part;
      end loop;
      all_parts := all_parts || ('(' || array_to_string(parts, case name when 'and' then ' and ' else ' or ' end) || ')');
      continue;
    end if;
    if name = 'not' then
      select c.conditions, c.condition into conditions, part
      from app_private.filter_condition(content, path || name, depth + 1, conditions) c;
      all_parts := all_parts || ('not ' || part);
      continue;
    end if;

    kind := case
      when name in ('areaSilo', 'category', 'class', 'dor', 'pfaId', 'source') then 'text'
      when name in ('hasDraft', 'hasProblem', 'isActualized', 'isDiscontinued', 'isFundsTransferable', 'isPending') then 'boolean'
      when name in ('forecastStart', 'forecastEnd') then 'date'
      when name = 'forecastCostCents' then 'bigint'
    end;
    if kind is null then
      raise exception 'The filter has "%", by which records cannot be filtered.', left(name, 60)
        using errcode = 'VG400',
          hint = 'Allowed are areaSilo, category, class, dor, forecastCostCents, forecastEnd, forecastStart, hasDraft, hasProblem, isActualized, isDiscontinued, isFundsTransferable, isPending, pfaId, source, and, or, not.';
    end if;
    if jsonb_typeof(content) <> 'object' or content = '{}' then
      raise exception 'The filter says of "%" nothing that can be compared.', name
        using errcode = 'VG400', hint = format('For example {"%s": {"isNull": false}}.', name);
    end if;
    for operator, value in select e.key, e.value from jsonb_each(content) e loop
      conditions := conditions + 1;
      if conditions > 200 then
        raise exception 'The filter has more than 200 conditions.'
          using errcode = 'VG400', hint = 'Use `in` with a list of values.';
      end if;
      if operator not in ('isNull', 'equalTo', 'notEqualTo', 'in', 'lessThan', 'lessThanOrEqualTo', 'greaterThan', 'greaterThanOrEqualTo') then
        raise exception 'The filter compares "%" by "%", which there is not.', name, left(operator, 60)
          using errcode = 'VG400', hint = 'Allowed are isNull, equalTo, notEqualTo, in, lessThan, lessThanOrEqualTo, greaterThan, greaterThanOrEqualTo.';
      end if;
      expected := case
        when operator = 'isNull' then app_private.filter_value_problem('boolean', value)
        when operator <> 'in' then app_private.filter_value_problem(kind, value)
        when jsonb_typeof(value) <> 'array' then 'a list'
        when jsonb_array_length(value) > 20000 then 'a list of at most 20,000 values'
        else (
          select 'a list, each of it ' || min(app_private.filter_value_problem(kind, e.value))
          from jsonb_array_elements(value) e
        )
      end;
      if expected is not null then
        raise exception 'The filter compares "%" by "%" with something else than %.', name, operator, expected
          using errcode = 'VG400', hint = format('Give %s.', expected);
      end if;
      at := quote_literal((path || name || operator)::text);
      all_parts := all_parts || format('r.%I %s',
        lower(regexp_replace(name, '([A-Z])', '_\1', 'g')),
        case operator
          when 'isNull' then case when value = 'true' then 'is null' else 'is not null' end
          when 'in' then format('= any (app_core.json_texts($2 #> %s)::%s[])', at, kind)
          else format('%s ($2 #>> %s)::%s',
            case operator
              when 'equalTo' then '=' when 'notEqualTo' then '<>'
              when 'lessThan' then '<' when 'lessThanOrEqualTo' then '<='
              when 'greaterThan' then '>' when 'greaterThanOrEqualTo' then '>='
            end, at, kind)
        end);
    end loop;
  end loop;
  condition := '(' || array_to_string(all_parts, ' and ') || ')';
end;
$$;
comment on function app_private.filter_condition(jsonb, text[], integer, integer) is
  'A filter of the record list as the text of a condition on `r`, which has the columns of pfa_record. The filter itself, whole, has to be the parameter $2: values are taken from it by `path`. The text consists of fixed names and operators and of positions in lists. VG400 naming what is not allowed. Counts conditions; 200 in all, 10 levels.';

create or replace function app_private.selection_condition(
  organization_id integer, selection app_public.pfa_selection, in_mirror boolean default false, out condition text, out found_ids text[]
)
  language plpgsql stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selection_condition.organization_id;
  has_words constant boolean := selection.search is not null or selection.containing is not null;
  parts text[] := '{}';
begin
  if selection.everything then
    if selection.record_ids is not null or selection.filter is not null or has_words then
      raise exception 'The selection has `everything: true` together with conditions.'
        using errcode = 'VG400', hint = 'Give either.';
    end if;
    condition := 'true';
    return;
  end if;
  -- An empty search field selects nothing, and not everything.
  if selection.record_ids is null and selection.filter is null
      and cardinality(app_core.search_words(coalesce(selection.search, ''))) = 0 and coalesce(selection.containing, '{}') = '{}' then
    raise exception 'The selection does not say which records.'
      using errcode = 'VG400', hint = 'Give `recordIds`, `filter`, `search` or `containing`, or for all records `everything: true`.';
  end if;
  if selection.record_ids is not null then
    if cardinality(selection.record_ids) > 20000 then
      raise exception 'The selection names % records, and at most 20,000 are allowed.', cardinality(selection.record_ids)
        using errcode = 'VG400', hint = 'Select them by a filter, or in several calls.';
    end if;
    if array_position(selection.record_ids, null) is not null then
      raise exception 'The selection names a record null.'
        using errcode = 'VG400', hint = 'Give each record''s id.';
    end if;
    parts := parts || text 'r.pfa_id = any ($3)';
  end if;
  if selection.filter is not null then
    parts := parts || (select c.condition from app_private.filter_condition(selection.filter, '{}', 1, 0) c);
  end if;
  if has_words then
    select coalesce(array_agg(f.pfa_id), '{}') into found_ids
    from app_core.find_records(p_organization_id, selection.search, selection.containing) f (pfa_id);
    if in_mirror then
      -- Also refuses what is no search. Words that the user has drafted are not in the mirror, and those drafted over are.
      select coalesce(array_agg(m.pfa_id), '{}') into found_ids
      from app_core.pfa_mirror m
      where m.organization_id = p_organization_id and m.removed_at is null
        and (m.pfa_id in (select unnest(found_ids)) or m.pfa_id in (select o.pfa_id from app_private.overlaid(p_organization_id, app_core.current_user_id()) o))
        and app_core.search_text(m.pfa_id, m.data) like all (
          array(select app_core.search_pattern(w) from unnest(app_core.search_words(selection.search)) w))
        and (selection.containing is null or m.data @> selection.containing);
    end if;
    parts := parts || text 'r.pfa_id = any ($4)';
  end if;
  condition := array_to_string(parts, ' and ');
end;
$$;
comment on function app_private.selection_condition(integer, app_public.pfa_selection, boolean) is
  'A selection as the text of a condition on `r`, which has the columns of pfa_record, with the parameters $2 (the filter), $3 (the ids that are named) and $4 (the ids that were found by words, found_ids): in what the signed-in user sees, or in the mirror alone. VG400 for a selection that says nothing, too much or wrong.';

create or replace function app_private.seen_records(in_mirror boolean) returns text
  language sql immutable
begin atomic
  select format('(select %1$s, false as has_draft, false as is_pending, false as has_problem from app_core.pfa_mirror where organization_id = $1', c.names)
    || case when in_mirror then '' else format(
      ' and pfa_id not in (select o.pfa_id from app_core.pfa_overlay o where o.organization_id = $1 and o.viewer_id in (0, $5))
      union all select %s, has_draft, is_pending, has_problem from app_private.overlaid($1, $5)', c.names)
    end || ') r'
  from (values ('pfa_id, data, removed_at, area_silo, category, class, source, dor, original_start, original_end, forecast_start, forecast_end,
    actual_start, actual_end, is_actualized, is_discontinued, is_funds_transferable, plan_cost_cents, forecast_cost_cents, actual_cost_cents')) c (names);
end;
comment on function app_private.seen_records(boolean) is
  'Records of the organization $1 as the text of something to select from, `r`: as the user $5 sees them, removed ones included, or of the mirror alone. Asked by the owner, whom no policy keeps to one organization, pfa_record would look through the overlays of all.';

create or replace function app_private.selected_ids(organization_id integer, selection app_public.pfa_selection) returns text[]
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  p_organization_id constant integer := selected_ids.organization_id;
  asked record;
  ids text[];
begin
  perform app_private.require_readable(p_organization_id);
  asked := app_private.selection_condition(p_organization_id, selection);
  -- Planned for these values, as the list is; read by the owner, whom row level security does not keep from the indexes.
  execute 'select coalesce(array_agg(r.pfa_id order by r.pfa_id), ''{}'') from ' || app_private.seen_records(false)
      || ' where (r.removed_at is null or r.has_draft) and ' || asked.condition
    into ids using p_organization_id, selection.filter::jsonb, selection.record_ids, asked.found_ids, app_core.current_user_id();
  return ids;
end;
$$;
comment on function app_private.selected_ids(integer, app_public.pfa_selection) is
  'The ids of the records that a selection is about, ascending, as the signed-in user sees them. VG404 for an organization that the user may not read, VG400 for a selection that says nothing, too much or wrong.';
