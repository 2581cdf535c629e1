--! Previous: sha1:232369ea8d0db07e1cf9c1f2e92fda54465f4a2c
--! Hash: sha1:b35ef1bb958fc1e539f4cce21dd4c86ca9d44559
--! Message: refuse empty lists in filters

--! split: 1-current.sql
-- An empty list in a filter is refused, as empty filters are.
--! Included app_private/functions/filter_condition.sql
-- The text of the condition consists of what stands here and of positions in lists. It never contains a value that a
-- client sent: the condition takes values out of its parameter by their path.
create or replace function app_private.filter_condition(filter jsonb, path text[], depth integer,
  inout conditions integer, out condition text)
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
      using errcode = 'VG400', hint = 'For example {"category": {"equalTo": "Cranes"}}. For all records leave the '
                                      'filter out and say `everything: true`.';
  end if;
  for name, content in select e.key, e.value from jsonb_each(filter) e loop
    if name in ('and', 'or') then
      if jsonb_typeof(content) <> 'array' or content = '[]' then
        raise exception 'The filter has "%" that is no list of filters, or an empty one.', name
          using errcode = 'VG400', hint = 'For example {"or": [{"hasDraft": {"equalTo": true}}, {"hasProblem": '
                                          '{"equalTo": true}}]}.';
      end if;
      parts := '{}';
      for i in 0 .. jsonb_array_length(content) - 1 loop
        select c.conditions, c.condition into conditions, part
        from app_private.filter_condition(content->i, path || name || i::text, depth + 1, conditions) c;
        parts := parts || part;
      end loop;
      all_parts := all_parts || ('(' || array_to_string(parts, case name when 'and' then ' and ' else ' or ' end)
        || ')');
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
      when name in ('hasDraft', 'hasProblem', 'isActualized', 'isDiscontinued', 'isFundsTransferable',
        'isPending') then 'boolean'
      when name in ('forecastStart', 'forecastEnd') then 'date'
      when name = 'forecastCostCents' then 'bigint'
    end;
    if kind is null then
      raise exception 'The filter has "%", by which records cannot be filtered.', left(name, 60)
        using errcode = 'VG400',
          hint = 'Allowed are areaSilo, category, class, dor, forecastCostCents, forecastEnd, forecastStart, hasDraft, '
                 'hasProblem, isActualized, isDiscontinued, isFundsTransferable, isPending, pfaId, source, and, or, '
                 'not.';
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
      if operator not in ('isNull', 'equalTo', 'notEqualTo', 'in', 'lessThan', 'lessThanOrEqualTo', 'greaterThan',
        'greaterThanOrEqualTo') then
        raise exception 'The filter compares "%" by "%", which there is not.', name, left(operator, 60)
          using errcode = 'VG400', hint = 'Allowed are isNull, equalTo, notEqualTo, in, lessThan, lessThanOrEqualTo, '
                                          'greaterThan, greaterThanOrEqualTo.';
      end if;
      expected := case
        when operator = 'isNull' then app_private.filter_value_problem('boolean', value)
        when operator <> 'in' then app_private.filter_value_problem(kind, value)
        when jsonb_typeof(value) <> 'array' or value = '[]' then 'a list with at least one value'
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
  'A filter of the record list as the text of a condition on `r`, which has the columns of pfa_record. The filter '
  'itself, whole, has to be the parameter $2: values are taken from it by `path`. The text consists of fixed names '
  'and operators and of positions in lists. VG400 naming what is not allowed. Counts conditions; 200 in all, 10 '
  'levels.';
--! EndIncluded app_private/functions/filter_condition.sql
