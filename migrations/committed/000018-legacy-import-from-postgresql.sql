--! Previous: sha1:524b1aa2b54a3090887c6c6a7859444157602622
--! Hash: sha1:2f7fd53cce80a118a70cdd5a10f92b8774b88cb2
--! Message: legacy import from PostgreSQL

--! split: 1-current.sql
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

--! Included app_private/functions/legacy_modification_differences.sql
create or replace function app_private.legacy_modification_differences()
  returns table (line_number integer, legacy_id text, state text, column_name text, legacy_value jsonb,
    current_value jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select p.line_number, p.legacy_id, p.state, k.key, v.legacy, v.current
  from pg_temp.legacy_plan p
  join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
  cross join lateral jsonb_array_elements_text(p.target->'keys') k(key)
  left join app_core.pfa_modification d on d.organization_id = (o.target->>'id')::integer
    and d.id = (p.target->>'modification_id')::bigint
  left join app_core.pfa_mirror m on m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id'
  -- A key that PEMS holds already is in no draft.
  cross join lateral (
    select app_core.normalized(p.content->'delta'->k.key) as legacy,
      app_core.normalized(case when d.delta ? k.key then d.delta->k.key else m.data->k.key end) as current
  ) v
  where p.table_name = 'pfa_modification' and p.state = 'added' and v.legacy <> v.current;
end;
$$;
comment on function app_private.legacy_modification_differences() is
  'Each key of a draft that came with the import and that is neither in the draft nor in the mirror as it was.';
--! EndIncluded app_private/functions/legacy_modification_differences.sql
--! Included app_private/functions/legacy_modifications.sql
create or replace function app_private.legacy_modifications()
  returns table (kind text, modifications integer, drafts integer, unknown_bases integer)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
begin
  return query
  select p.content->>'kind', count(*)::integer, count(*) filter (where p.state = 'added')::integer,
    count(*) filter (where p.state = 'added' and not coalesce(p.content ? 'base'
      or p.content->>'base_version' = r.content->>'prototype_version'
      or (r.content->>'version')::timestamp + interval '1 day' < (p.content->>'created_at')::timestamp, false))::integer
  from pg_temp.legacy_plan p
  left join pg_temp.legacy_plan r on r.table_name = 'pfa_records' and r.state in ('added', 'same')
    and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id'
  where p.table_name = 'pfa_modification' and p.content ? 'kind'
  group by 1
  order by array_position('{draft,committed,failed,synced,discarded,empty}', p.content->>'kind');
end;
$$;
comment on function app_private.legacy_modifications() is
  'How many changes of the prototype were in which state, how many of them become drafts, and of how many it is not '
  'known what their author had seen.';
--! EndIncluded app_private/functions/legacy_modifications.sql
--! Included app_private/functions/match_legacy_modifications.sql
create or replace function app_private.match_legacy_modifications() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
begin
  update pg_temp.legacy_plan p
  set problems = p.problems || jsonb_build_object('column', 'pfaId', 'value', p.content->'pfa_id',
    'problem', 'points at no record of its organization that moves in or is here')
  from pg_temp.legacy_plan o
  where p.table_name = 'pfa_modification' and p.state <> 'kept' and not app_private.legacy_blocks(p.problems)
    and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    and not exists (
      select from pg_temp.legacy_plan r
      where r.table_name = 'pfa_records' and r.state in ('added', 'same')
        and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id')
    and not exists (
      select from app_core.pfa_mirror m
      where m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id');

  update pg_temp.legacy_plan p set state = 'quarantined'
  where p.table_name = 'pfa_modification' and p.state <> 'kept' and app_private.legacy_blocks(p.problems);

  -- Several changes of one user to one record become one draft: of each key the last one counts, and what was not
  -- committed comes after what was.
  update pg_temp.legacy_plan p
  set target = jsonb_build_object('keys', w.keys), state = case when w.keys = '[]' then 'kept' else p.state end
  from (
    select k.line_number, coalesce(jsonb_agg(k.key order by k.key) filter (where k.place = 1), '[]') as keys
    from (
      select p.line_number, d.key, row_number() over (
        partition by p.refs->>'organization_id', p.refs->>'user_id', p.content->>'pfa_id', d.key
        order by p.content->>'kind' = 'draft' desc,
          coalesce(p.content->>'modified_at', p.content->>'committed_at', p.content->>'created_at')::timestamptz
            desc nulls last,
          p.line_number desc) as place
      from pg_temp.legacy_plan p
      cross join lateral jsonb_object_keys(p.content->'delta') d(key)
      where p.table_name = 'pfa_modification' and p.state = 'added'
    ) k
    group by k.line_number
  ) w
  where p.table_name = 'pfa_modification' and p.line_number = w.line_number;

  -- A draft that the user has here stays.
  update pg_temp.legacy_plan p set state = 'same'
  from pg_temp.legacy_plan o, pg_temp.legacy_plan u, app_core.pfa_modification d
  where p.table_name = 'pfa_modification' and p.state = 'added'
    and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    and u.table_name = 'users' and u.legacy_id = p.refs->>'user_id'
    and d.organization_id = (o.target->>'id')::integer and d.user_id = (u.target->>'id')::integer
    and d.pfa_id = p.content->>'pfa_id' and d.state = 'draft';
end;
$$;
comment on function app_private.match_legacy_modifications() is
  'Decides what is done with each change of the prototype that PEMS has not confirmed: which keys of it become part '
  'of a draft. `keys` of its target names them.';
--! EndIncluded app_private/functions/match_legacy_modifications.sql
--! Included app_private/functions/write_legacy_modifications.sql
create or replace function app_private.write_legacy_modifications() returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  drafted record;
begin
  with planned as (
    select p.line_number, (o.target->>'id')::integer as organization_id, (u.target->>'id')::integer as user_id,
      p.content->>'pfa_id' as pfa_id, p.content, p.target->'keys' as keys, r.data as seen,
      -- Only where the prototype's mirror shows what the author had seen: another value would be overwritten in
      -- silence. PEMS says its times without a zone, hence a day.
      coalesce(p.content->>'base_version' = r.content->>'prototype_version'
        or (r.content->>'version')::timestamp + interval '1 day' < (p.content->>'created_at')::timestamp, false)
        as is_known
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    join pg_temp.legacy_plan u on u.table_name = 'users' and u.legacy_id = p.refs->>'user_id'
    left join pg_temp.legacy_plan r on r.table_name = 'pfa_records' and r.state in ('added', 'same')
      and r.refs->>'organization_id' = p.refs->>'organization_id' and r.content->>'pfa_id' = p.content->>'pfa_id'
    where p.table_name = 'pfa_modification' and p.state = 'added'
  ),
  drafts as (
    select l.organization_id, l.user_id, l.pfa_id,
      jsonb_object_agg(k.key, app_core.normalized(l.content->'delta'->k.key)) as delta,
      jsonb_object_agg(k.key, app_core.normalized(case when l.content->'base' ? k.key then l.content->'base'->k.key
        when l.is_known then l.seen->k.key end)) as base,
      left(max(l.content->>'comment'), 2000) as comment,
      least(min((l.content->>'created_at')::timestamptz), now()) as made_at
    from planned l cross join lateral jsonb_array_elements_text(l.keys) k(key)
    group by 1, 2, 3
  ),
  made as (
    insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, comment, created_at)
    select d.organization_id, d.user_id, d.pfa_id, d.delta, d.base, d.comment, coalesce(d.made_at, now())
    from drafts d
    order by d.organization_id, d.pfa_id, d.user_id
    on conflict (organization_id, user_id, pfa_id) where state = 'draft' do nothing
    returning organization_id, user_id, pfa_id, id
  )
  update pg_temp.legacy_plan p set target = p.target || jsonb_build_object('modification_id', m.id)
  from made m join planned l using (organization_id, user_id, pfa_id)
  where p.table_name = 'pfa_modification' and p.line_number = l.line_number;
  -- An unsubmitted edit of the same record and user came in with the records.
  update pg_temp.legacy_plan p set state = 'same'
  where p.table_name = 'pfa_modification' and p.state = 'added' and not p.target ? 'modification_id';

  for drafted in
    select (o.target->>'id')::integer as id, array_agg(distinct p.content->>'pfa_id') as pfa_ids
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = 'pfa_modification' and p.state = 'added'
    group by 1
  loop
    perform app_private.rebase_drafts(drafted.id, drafted.pfa_ids);
    perform app_private.rewrite_overlay(drafted.id, drafted.pfa_ids);
  end loop;
end;
$$;
comment on function app_private.write_legacy_modifications() is
  'Makes drafts of the changes that PEMS has not confirmed, and holds them against the mirror. An import commits '
  'nothing: PEMS hears only what a user submits here. What is not known as the base is null, so that another value '
  'in PEMS is a conflict that the author decides.';
--! EndIncluded app_private/functions/write_legacy_modifications.sql
--! Included app_private/functions/roll_back_legacy_modifications.sql
create or replace function app_private.roll_back_legacy_modifications()
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  drafted jsonb;
begin
  update pg_temp.legacy_plan p set reason = b.reason
  from (
    select p.line_number, p.target->>'modification_id' as modification_id,
      -- One draft of several lines goes whole or stays whole.
      max(x.reason) over (partition by p.refs->>'organization_id', p.target->>'modification_id') as reason
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    left join app_core.pfa_modification d on d.organization_id = (o.target->>'id')::integer
      and d.id = (p.target->>'modification_id')::bigint
    cross join lateral (
      select case
        when d.state <> 'draft' then 'submitted since'
        else (
          select 'changed since: ' || string_agg(c.column_name, ', ' order by c.column_name)
          from (
            select e.column_name from app_private.legacy_modification_differences() e
            where e.line_number = p.line_number
            union
            select k.key from jsonb_object_keys(d.delta) k(key)
            where not exists (
              select from pg_temp.legacy_plan q
              where q.table_name = 'pfa_modification' and q.target->'modification_id' = p.target->'modification_id'
                and q.refs->>'organization_id' = p.refs->>'organization_id' and q.target->'keys' ? k.key)
          ) c
        )
      end as reason
    ) x
    where p.table_name = 'pfa_modification' and p.state = 'added'
  ) b
  where p.table_name = 'pfa_modification' and p.line_number = b.line_number;

  with gone as (
    delete from app_core.pfa_modification d
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = 'pfa_modification' and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and d.organization_id = (o.target->>'id')::integer and d.id = (p.target->>'modification_id')::bigint
    returning d.organization_id, d.pfa_id
  )
  select jsonb_object_agg(g.organization_id, g.pfa_ids) into drafted
  from (select g.organization_id, jsonb_agg(g.pfa_id) as pfa_ids from gone g group by 1) g;
  perform app_private.rewrite_overlay(d.key::integer, array(select jsonb_array_elements_text(d.value)))
  from jsonb_each(drafted) d;
  return query
  select p.state, p.legacy_id, p.line_number, case when p.reason is null then 'removed' else 'stays' end, p.reason
  from pg_temp.legacy_plan p
  where p.table_name = 'pfa_modification' and p.state = 'added';
end;
$$;
comment on function app_private.roll_back_legacy_modifications() is
  'Takes out the drafts that came with the import, unless their authors went on with them.';
--! EndIncluded app_private/functions/roll_back_legacy_modifications.sql
--! Included app_private/functions/match_legacy_table.sql
create or replace function app_private.match_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := match_legacy_table.table_name;
  natural_keys constant text[] := (select t.natural_keys from app_private.legacy_table t where t.name = p_table_name);
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  is_record constant boolean := p_table_name = 'pfa_records';
  record constant text := app_private.legacy_record(p_target);
  untouched constant text := (
    select case
      when bool_or(a.attname = 'is_simulated') then 'e.is_simulated or e.created_at = e.updated_at'
      when bool_or(a.attname = 'updated_at') then 'e.created_at = e.updated_at'
      else 'false' end
    from pg_attribute a where a.attrelid = p_target and not a.attisdropped);
  rules text;
  key record;
begin
  if p_table_name = 'pfa_modification' then
    perform app_private.match_legacy_modifications();
    return;
  end if;
  update pg_temp.legacy_plan p set content = p.content || t.constants
  from app_private.legacy_table t
  where t.name = p_table_name and t.constants <> '{}' and p.table_name = p_table_name;

  -- What the table here says of a row by itself. Of a record it says no more than the fields do.
  select string_agg(format('(%L, %L, %L, (%s))', l.name, a.attname,
    coalesce(app_private.legacy_rule_words(pg_get_expr(c.conbin, c.conrelid)), 'breaks a rule of its table here'),
    pg_get_expr(c.conbin, c.conrelid)), ', ') into rules
  from pg_constraint c
  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
  join app_private.legacy_column l on l.table_name = p_table_name and l.target = a.attname
  where c.conrelid = p_target and c.contype = 'c';
  if rules is not null and not is_record then
    execute format($q$
      update pg_temp.legacy_plan p set problems = p.problems || b.problems,
        content = case when p_table_name = 'organizations' then p.content - coalesce(b.left_out, '{}')
          else p.content end
      from (
        select t.plan_line as line_number,
          array_agg(rule.target) filter (where rule.target not in ('code', 'legacy_id')) as left_out,
          jsonb_agg(jsonb_build_object('column', rule.name, 'value',
            app_private.legacy_shown(t.plan_content -> rule.target), 'problem', rule.words)
            || case when p_table_name = 'organizations' and rule.target not in ('code', 'legacy_id')
              then '{"isLeftOut": true}'::jsonb else '{}' end order by rule.name) as problems
        from (select p.line_number as plan_line, p.content as plan_content, t.*
          from pg_temp.legacy_plan p, %1$s
          where p.table_name = %2$L and not app_private.legacy_blocks(p.problems)) t
        cross join lateral (values %3$s) rule(name, target, words, holds)
        cross join (select %2$L as p_table_name) n
        where not rule.holds
        group by t.plan_line
      ) b, (select %2$L as p_table_name) n
      where p.table_name = %2$L and p.line_number = b.line_number$q$,
      record, p_table_name, rules);
  end if;
  if p_table_name = 'organizations' then
    -- A bad cell of an organization does not keep what belongs to it: the cell is left out.
    update pg_temp.legacy_plan p set content = p.content || jsonb_build_object('name', p.content->'code')
    where p.table_name = 'organizations' and not p.content ? 'name' and p.content ? 'code';
  end if;

  -- What it says of rows together: its unique indexes, but for keys that are only made here.
  truncate pg_temp.legacy_match;
  for key in
    select i.indexrelid, c.relname as name, array_position(natural_keys, c.relname::text) as key_order, k.*,
      case when i.indnullsnotdistinct then 'is not distinct from' else '=' end as agrees,
      case when is_record then app_private.legacy_record(p_target, i.indkey::smallint[]) else record end as record
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    cross join lateral (
      select string_agg(format('%s as k%s', pg_get_indexdef(i.indexrelid, n, false), n), ', '
          order by n) as expressions,
        string_agg(format(case a.atttypid when 'text'::regtype then 'normalize(k%s)' else 'k%s' end, n), ', '
          order by n) as names,
        array_agg(format('k%s', n) order by n) as each,
        string_agg(coalesce(l.name, d.name), ', ' order by n) as columns,
        string_agg(format('coalesce(p.refs->%1$L, p.content->%1$L)', d.name), ', ' order by n) as shown
      from generate_series(1, i.indnkeyatts) n
      join pg_attribute a on a.attrelid = i.indexrelid and a.attnum = n
      cross join lateral (
        select regexp_replace(pg_get_indexdef(i.indexrelid, n, false), '^lower\((.*)\)$', '\1')) d(name)
      left join app_private.legacy_column l on l.table_name = p_table_name and l.target = d.name
    ) k
    where i.indrelid = p_target and i.indisunique and i.indpred is null
      and not exists (select from pg_attribute a where a.attrelid = p_target and a.attnum = any (i.indkey::smallint[])
        and a.attidentity <> '')
    order by key_order, name
  loop
    execute format($q$
      update pg_temp.legacy_plan p
      set problems = p.problems || jsonb_build_object(
        'column', %8$L, 'value', app_private.legacy_shown(b.shown),
        'problem', 'is the same as that of ' || b.first_id
          || case when b.shown = b.first_shown then '' else ', but for case or Unicode form' end)
      from (
        select t.line_number, first_value(coalesce(t.legacy_id, 'line ' || t.line_number)) over w as first_id,
          t.shown, first_value(t.shown) over w as first_shown, row_number() over w as place
        from (
          select p.line_number, p.legacy_id, jsonb_build_array(%7$s) as shown, %9$s as place, k.*
          from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
          where p.table_name = %5$L and not app_private.legacy_blocks(p.problems)
        ) t
        where %6$s
        window w as (partition by %2$s order by t.place, t.line_number)
      ) b
      where b.place > 1 and p.table_name = %5$L and p.line_number = b.line_number$q$,
      key.name, key.names, key.expressions, key.record, p_table_name,
      case when key.agrees = '=' then (select string_agg(n || ' is not null', ' and ')
        from unnest(key.each) n) else 'true' end,
      key.shown, key.columns,
      -- Of two users that are one here, the one with more rights stays.
      case when p_table_name = 'users' then $r$(p.content->>'role' is distinct from 'admin'
        or p.content->>'is_active' = 'false')::integer$r$ else '0' end);
    execute format($q$
      insert into pg_temp.legacy_match (line_number, key_order, key_name, target, is_untouched)
      select t.line_number, %1$L, %2$L, e.target, e.is_untouched
      from (
        select p.line_number, k.* from pg_temp.legacy_plan p cross join lateral (select %3$s from %4$s) k
        where p.table_name = %5$L and not app_private.legacy_blocks(p.problems)
      ) t
      join (select %6$s as target, %7$s as is_untouched, %3$s from %8$s e) e on %9$s$q$,
      key.key_order, key.columns, key.expressions, key.record, p_table_name,
      app_private.legacy_target_key(p_target, 'e'), untouched, p_target,
      (select string_agg(format('t.%s %s e.%s', n, key.agrees, n), ' and ') from unnest(key.each) n));
  end loop;
  analyze pg_temp.legacy_match;

  -- Another row than the one it is taken for, or one that it is not taken for, has something that only one may have.
  update pg_temp.legacy_plan p
  set problems = p.problems || b.problems
  from (
    select m.line_number,
      jsonb_agg(jsonb_build_object('column', m.key_name, 'value', m.target, 'problem',
      'is taken by another row that is here already')) as problems
    from pg_temp.legacy_match m
    left join (
      select distinct on (n.line_number) n.line_number, n.target from pg_temp.legacy_match n
        where n.key_order is not null order by n.line_number, n.key_order
    ) same on same.line_number = m.line_number
    where m.target is distinct from same.target
    group by m.line_number
  ) b
  where p.table_name = p_table_name and p.line_number = b.line_number;

  if is_record then
    update pg_temp.legacy_plan p set state = 'same' from pg_temp.legacy_match m
    where p.table_name = p_table_name and p.line_number = m.line_number
      and not app_private.legacy_blocks(p.problems);
  else
    execute format($q$
      update pg_temp.legacy_plan p
      set target = s.target, state = s.state
      from (
        select p.line_number, coalesce(m.target, %1$s) as target,
          case when m.target is null then 'added' when m.is_untouched then 'merged' else 'same' end as state
        from pg_temp.legacy_plan p
        cross join lateral %2$s
        left join (
          select distinct on (m.line_number) m.* from pg_temp.legacy_match m
          where m.key_order is not null order by m.line_number, m.key_order
        ) m on m.line_number = p.line_number
        where p.table_name = %3$L and not app_private.legacy_blocks(p.problems)
      ) s
      where p.table_name = %3$L and p.line_number = s.line_number$q$,
      app_private.legacy_target_key(p_target, 't', 'p.line_number'), record, p_table_name);
  end if;
  if p_table_name = 'users' then
    update pg_temp.legacy_plan p set problems = p.problems || jsonb_build_object('column', 'role', 'value',
      p.content->'role', 'problem', format('would lower the rights of the administrator "%s" who is here', u.username))
    from app_public.users u
    where p.table_name = 'users' and p.state = 'merged' and u.id = (p.target->>'id')::integer
      and u.role = 'admin' and u.is_active
      and (p.content->>'role' is distinct from 'admin' or p.content->>'is_active' = 'false');
  end if;
  update pg_temp.legacy_plan p set state = 'quarantined'
  where p.table_name = p_table_name and app_private.legacy_blocks(p.problems);
end;
$$;
comment on function app_private.match_legacy_table(text) is
  'Holds the converted rows of a table against the rules of its table here, against each other, and against the '
  'rows that are there already, and decides what is done with each. A row that is here stays as it is (same) '
  'unless nobody has touched it since it was made (merged).';
--! EndIncluded app_private/functions/match_legacy_table.sql
--! Included app_private/functions/write_legacy_table.sql
create or replace function app_private.write_legacy_table(table_name text) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  -- Sorts hundreds of thousands of records, once.
  set work_mem = '256MB'
  set maintenance_work_mem = '256MB'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := write_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  has_legacy_id constant boolean := exists (select from pg_attribute a where a.attrelid = p_target
    and a.attname = 'legacy_id');
  parts record;
  indexes text[];
  definition text;
  drafted record;
begin
  if p_table_name = 'pfa_modification' then
    perform app_private.write_legacy_modifications();
    return;
  end if;
  if p_table_name = 'pfa_records' then
    -- Where more comes than there is, indexes are made anew when all is in: half the time of an import. Until it ends,
    -- who reads records waits.
    if (select count(*) from pg_temp.legacy_plan p where p.table_name = p_table_name and p.state = 'added')
      > (select count(*) from (select from app_core.pfa_mirror limit 1000000) m) then
      select array_agg(pg_get_indexdef(i.indexrelid)), string_agg(format('drop index %s', i.indexrelid::regclass), '; ')
        into indexes, definition
      from pg_index i where i.indrelid = p_target and not i.indisprimary;
      execute definition;
    end if;
    insert into app_core.pfa_mirror (organization_id, pfa_id, data, version, version_by, observed_at)
    select (o.target->>'id')::integer, p.content->>'pfa_id', p.data, (p.content->>'version')::timestamp,
      p.content->>'version_by',
      -- What PEMS says later is newer, whatever the clock of the prototype said.
      least((p.content->>'observed_at')::timestamptz, now())
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    where p.table_name = p_table_name and p.state = 'added'
    order by 1, 2;
    foreach definition in array coalesce(indexes, '{}') loop
      execute definition;
    end loop;
    -- Edits that were never submitted become drafts. What their authors had seen is not known: the base is empty, and
    -- another value in PEMS is a conflict that the author decides.
    with drafts as (
      select p.line_number, (o.target->>'id')::integer as organization_id, (u.target->>'id')::integer as user_id,
        p.content->>'pfa_id' as pfa_id, p.content->'draft' as delta,
        least((p.content->>'modified_at')::timestamptz, now()) as made_at
      from pg_temp.legacy_plan p
      join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      join pg_temp.legacy_plan u on u.table_name = 'users' and u.legacy_id = p.refs->>'draft_user'
      where p.table_name = p_table_name and p.state in ('added', 'same') and p.content ? 'draft'
    ),
    made as (
      insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, created_at)
      select d.organization_id, d.user_id, d.pfa_id, d.delta,
        (select jsonb_object_agg(k, null) from jsonb_object_keys(d.delta) k), coalesce(d.made_at, now())
      from drafts d
      -- A draft that the user has here stays.
      on conflict (organization_id, user_id, pfa_id) where state = 'draft' do nothing
      returning organization_id, user_id, pfa_id, id
    )
    update pg_temp.legacy_plan p set target = jsonb_build_object('modification_id', m.id)
    from made m join drafts d using (organization_id, user_id, pfa_id)
    where p.table_name = p_table_name and p.line_number = d.line_number;
    for drafted in
      select (o.target->>'id')::integer as id, array_agg(p.content->>'pfa_id') as pfa_ids,
        array_agg(p.content->>'pfa_id') filter (where p.state = 'same') as known
      from pg_temp.legacy_plan p
      join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      where p.table_name = p_table_name and p.target ? 'modification_id'
      group by 1
    loop
      perform app_private.rebase_drafts(drafted.id, coalesce(drafted.known, '{}'));
      perform app_private.rewrite_overlay(drafted.id, drafted.pfa_ids);
    end loop;
    return;
  end if;

  -- Keys that were made meanwhile take the place of those that stood for them.
  update pg_temp.legacy_plan p
  set content = p.content || r.keys, target = case when p.target is null then null else p.target
    || coalesce(r.target_keys, '{}') end
  from (
    select p.line_number, jsonb_object_agg(k.key, o.target->'id') as keys,
      jsonb_object_agg(k.key, o.target->'id') filter (where p.target ? k.key) as target_keys
    from pg_temp.legacy_plan p
    cross join lateral jsonb_each_text(p.refs) k
    join app_private.legacy_column c on c.table_name = p_table_name and c.target = k.key
    join pg_temp.legacy_plan o on o.table_name = c.parent and o.table_name <> 'pfa_records' and o.legacy_id = k.value
    where p.table_name = p_table_name and p.state in ('added', 'merged')
    group by p.line_number
  ) r
  where p.table_name = p_table_name and p.line_number = r.line_number;

  -- Where ours must have a value and the prototype had none, it has our default.
  select
    string_agg(format('%I', a.attname), ', ' order by a.attnum) as columns,
    string_agg(case when a.attnotnull and d.adbin is not null then format('coalesce(t.%I, %s)', a.attname,
      pg_get_expr(d.adbin, d.adrelid))
      else format('t.%I', a.attname) end, ', ' order by a.attnum) as inserted,
    string_agg(case when a.attnotnull then format('%I = coalesce(t.%I, e.%I)', a.attname, a.attname, a.attname)
      else format('%I = t.%I', a.attname, a.attname) end, ', ' order by a.attnum)
      -- A row that was here keeps its key, and says itself since when it is there.
      filter (where a.attname not in ('id', 'created_at', 'updated_at')) as updated
  into parts
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped
    and (exists (select from app_private.legacy_column c where c.table_name = p_table_name and c.target = a.attname
      and c.kind not in ('secret', 'password'))
      or exists (select from app_private.legacy_table t where t.name = p_table_name and t.constants ? a.attname));

  execute format($q$
    update pg_temp.legacy_plan p set previous = to_jsonb(e)
    from %1$s e
    where p.table_name = %2$L and p.state = 'merged' and %3$s$q$,
    p_target, p_table_name, app_private.legacy_target_join(p_target));
  execute format($q$
    insert into %1$s (%2$s)
    select %3$s from pg_temp.legacy_plan p cross join lateral %4$s
    where p.table_name = %5$L and p.state = 'added'
    order by p.line_number$q$,
    p_target, parts.columns, parts.inserted, record, p_table_name);
  if has_legacy_id then
    execute format($q$
      update pg_temp.legacy_plan p set target = %1$s
      from %2$s e
      where p.table_name = %3$L and p.state = 'added' and e.legacy_id = p.legacy_id$q$,
      app_private.legacy_target_key(p_target, 'e'), p_target, p_table_name);
  end if;
  execute format($q$
    update %1$s e set %2$s
    from pg_temp.legacy_plan p cross join lateral %3$s
    where p.table_name = %4$L and p.state = 'merged' and %5$s$q$,
    p_target, parts.updated, record, p_table_name, app_private.legacy_target_join(p_target));

  if p_table_name = 'users' then
    -- The old password goes on. One that was chosen here stays: whoever has an account and a password of its own keeps
    -- both.
    update pg_temp.legacy_plan p set previous = coalesce(p.previous, '{}')
      || jsonb_build_object('password', to_jsonb(w))
    from app_private.user_passwords w
    where p.table_name = 'users' and p.state in ('merged', 'same') and w.user_id = (p.target->>'id')::integer;
    insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
    select (p.target->>'id')::integer, p.secrets->>'password', false, now()
    from pg_temp.legacy_plan p
    where p.table_name = 'users' and p.state in ('added', 'merged', 'same')
    on conflict (user_id) do update
      set password_hash = excluded.password_hash, must_change = false, changed_at = excluded.changed_at
      where w.must_change;
  end if;
  if p_table_name in ('api_configurations', 'ai_providers') then
    -- Credentials of before belong to another server.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('credentials', c.credentials)
    from (
      select coalesce(c.api_configuration_id, c.ai_provider_id) as id, c.ai_provider_id is not null as is_provider,
        jsonb_agg(to_jsonb(c)) as credentials
      from app_private.credentials c group by 1, 2
    ) c
    where p.table_name = p_table_name and p.state = 'merged' and c.id = p.target->>'id'
      and c.is_provider = (p_table_name = 'ai_providers');
    delete from app_private.credentials c using pg_temp.legacy_plan p
    where p.table_name = p_table_name and p.state = 'merged'
      and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id end;
  end if;
  if p_table_name = 'api_configurations' then
    -- What is particular to PEMS are headers there.
    update pg_temp.legacy_plan p set previous = p.previous || jsonb_build_object('settings', to_jsonb(s))
    from app_public.pems_settings s
    where p.table_name = 'api_configurations' and p.state = 'merged' and s.api_configuration_id = p.target->>'id';
    insert into app_public.pems_settings as s (api_configuration_id, tenant, grid_name, grid_id, login_organization)
    select p.target->>'id', e.tenant, coalesce(e.grid_name, s.grid_name, 'CUPFAG'),
      coalesce(e.grid_id, s.grid_id, '100541'), e.login_organization
    from pg_temp.legacy_plan p
    cross join lateral jsonb_to_record(p.content->'endpoint') e(tenant text, grid_name text, grid_id text,
      login_organization text)
    left join app_public.pems_settings s on s.api_configuration_id = p.target->>'id'
    where p.table_name = 'api_configurations' and p.state in ('added', 'merged') and e.tenant is not null
    on conflict (api_configuration_id) do update set tenant = excluded.tenant, grid_name = excluded.grid_name,
      grid_id = excluded.grid_id, login_organization = excluded.login_organization;
  end if;
end;
$$;
comment on function app_private.write_legacy_table(text) is
  'Puts the planned rows of a table in: adds, or merges where nobody had touched the row here, keeping what it '
  'was. Passwords and tenants go with them. What is encrypted is not its business.';
--! EndIncluded app_private/functions/write_legacy_table.sql
--! Included app_private/functions/legacy_differences.sql
create or replace function app_private.legacy_differences(table_name text)
  returns table (line_number integer, legacy_id text, state text, column_name text, legacy_value jsonb,
    current_value jsonb)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := legacy_differences.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
begin
  if p_table_name = 'pfa_modification' then
    return query select * from app_private.legacy_modification_differences();
    return;
  end if;
  if p_table_name = 'pfa_records' then
    return query
    select p.line_number, p.legacy_id, p.state, d.key, d.value->'from', d.value->'to'
    from pg_temp.legacy_plan p
    join pg_temp.legacy_plan o on o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
    left join app_core.pfa_mirror m on m.organization_id = (o.target->>'id')::integer
      and m.pfa_id = p.content->>'pfa_id' and m.removed_at is null
    cross join lateral jsonb_each(
      case when m.pfa_id is null then '{"": {"from": "there", "to": "gone"}}'
        else app_core.changed_keys(
          p.data || jsonb_build_object('lastModified', (p.content->>'version')::timestamp, 'lastModifiedBy',
            p.content->'version_by'),
          m.data || jsonb_build_object('lastModified', m.version, 'lastModifiedBy', m.version_by)) end) d
    where p.table_name = p_table_name and p.state in ('added', 'same')
      -- Few are, and what differs is only asked of those.
      and (m.pfa_id is null or m.data <> p.data
        or (m.version, m.version_by) is distinct from ((p.content->>'version')::timestamp, p.content->>'version_by'));
    return;
  end if;
  return query execute format($q$
    select p.line_number, p.legacy_id, p.state, k.key, k.value, k.current
    from pg_temp.legacy_plan p
    cross join lateral %1$s
    left join %2$s e on %3$s
    cross join lateral (
      select '' as key, '"there"'::jsonb as value, '"gone"'::jsonb as current where e is null
      union all
      select k.key, k.value, to_jsonb(e) -> k.key
      from jsonb_each(to_jsonb(t)) k
      join app_private.legacy_column c on c.table_name = %4$L and c.target = k.key
      join pg_attribute a on a.attrelid = %2$L::regclass and a.attname = k.key
      where not (e is null) and k.value is distinct from to_jsonb(e) -> k.key
        and not (k.value = 'null' and a.attnotnull)
        and not (p.state <> 'added' and k.key in ('id', 'created_at', 'updated_at'))
    ) k
    where p.table_name = %4$L and p.state in ('added', 'merged', 'same')$q$,
    app_private.legacy_record(p_target), p_target, app_private.legacy_target_join(p_target), p_table_name);
end;
$$;
comment on function app_private.legacy_differences(text) is
  'Each value of the rows of a table that is not (any more) what the legacy value becomes by its conversion. A row '
  'that is gone has one, with an empty column.';
--! EndIncluded app_private/functions/legacy_differences.sql
--! Included app_private/functions/roll_back_legacy_table.sql
create or replace function app_private.roll_back_legacy_table(table_name text)
  returns table (state text, legacy_id text, line_number integer, outcome text, reason text)
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  p_table_name constant text := roll_back_legacy_table.table_name;
  p_target constant regclass := (select t.target from app_private.legacy_table t where t.name = p_table_name);
  record constant text := app_private.legacy_record(p_target);
  key constant text := app_private.legacy_target_join(p_target);
  blocked text;
  drafted jsonb;
  restored text;
begin
  alter table pg_temp.legacy_plan add column if not exists reason text;
  if p_table_name = 'pfa_modification' then
    return query select * from app_private.roll_back_legacy_modifications();
    return;
  end if;
  update pg_temp.legacy_plan p set reason = d.reason
  from (
    select d.line_number, case when bool_or(d.column_name = '') then 'it is gone'
      else 'changed since: ' || string_agg(d.column_name, ', ' order by d.column_name) end as reason
    from app_private.legacy_differences(p_table_name) d
    where not exists (
      select from app_private.legacy_column c where c.table_name = p_table_name and c.target = d.column_name
        and c.is_kept_by_system)
    group by d.line_number
  ) d
  where p.table_name = p_table_name and p.line_number = d.line_number;

  if p_table_name = 'pfa_records' then
    -- Drafts that came with the import go, unless their authors went on with them.
    with gone as (
      delete from app_core.pfa_modification d
      using pg_temp.legacy_plan p, pg_temp.legacy_plan o
      where p.table_name = p_table_name and p.target ? 'modification_id'
        and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
        and d.organization_id = (o.target->>'id')::integer and d.id = (p.target->>'modification_id')::bigint
        and d.state = 'draft' and d.delta = p.content->'draft'
      returning d.organization_id, d.pfa_id
    )
    select jsonb_object_agg(g.organization_id, g.pfa_ids) into drafted
    from (select g.organization_id, jsonb_agg(g.pfa_id) as pfa_ids from gone g group by 1) g;
    perform app_private.rewrite_overlay(d.key::integer, array(select jsonb_array_elements_text(d.value)))
    from jsonb_each(drafted) d;
    update pg_temp.legacy_plan p set reason = 'somebody has changed it here'
    from pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and exists (
        select from app_core.pfa_modification d
        where d.organization_id = (o.target->>'id')::integer and d.pfa_id = p.content->>'pfa_id');
    delete from app_core.pfa_mirror m
    using pg_temp.legacy_plan p, pg_temp.legacy_plan o
    where p.table_name = p_table_name and p.state = 'added' and p.reason is null
      and o.table_name = 'organizations' and o.legacy_id = p.refs->>'organization_id'
      and m.organization_id = (o.target->>'id')::integer and m.pfa_id = p.content->>'pfa_id';
  else
    if p_table_name in ('api_configurations', 'ai_providers') then
      -- Those that came with the import are of its moment.
      update pg_temp.legacy_plan p set reason = 'its credentials were changed since'
      from app_private.credentials c, app_private.legacy_import i
      where p.table_name = p_table_name and p.state in ('added', 'merged') and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end
        and i.rolled_back_at is null and c.updated_at > i.imported_at;
    end if;
    -- Nothing goes that something else hangs on, but for what the product itself notes beside.
    select string_agg(format('select %L as by from %s c where %s', f.conrelid::regclass, f.conrelid::regclass,
      k.agrees), ' union all ')
    into blocked
    from pg_constraint f
    cross join lateral (
      select string_agg(format('c.%I = e.%I', a.attname, b.attname), ' and ') as agrees
      from unnest(f.conkey, f.confkey) u(child, parent)
      join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.child
      join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.parent
    ) k
    where f.contype = 'f' and f.confrelid = p_target and f.confdeltype <> 'n'
      and f.conrelid::regclass::text not in (
        'app_private.user_passwords', 'app_private.sessions', 'app_private.credentials', 'app_public.pems_settings',
        'app_private.pems_state',
        'app_public.pfa_sync_log', 'app_public.pfa_drift_check', 'app_core.pfa_event', 'app_core.pfa_event_forgotten',
        'app_private.pfa_kpi_change', 'app_private.pfa_search_stale', 'app_private.pfa_search_values');
    if blocked is not null then
      execute format($q$
        update pg_temp.legacy_plan p set reason = 'still used by ' || b.tables
        from (
          select p.line_number, (select string_agg(distinct x.by, ', ') from (%1$s) x) as tables
          from pg_temp.legacy_plan p join %2$s e on %3$s
          where p.table_name = %4$L and p.state = 'added' and p.reason is null
        ) b
        where p.table_name = %4$L and p.line_number = b.line_number and b.tables is not null$q$,
        blocked, p_target, key, p_table_name);
    end if;
    if p_table_name = 'users' then
      update pg_temp.legacy_plan p set reason = 'the password was changed since'
      from app_private.user_passwords w, app_private.legacy_import i
      where p.table_name = 'users' and p.state = 'added' and p.reason is null and w.user_id = (p.target->>'id')::integer
        and i.rolled_back_at is null and w.changed_at > i.imported_at;
      -- Of accounts that were here: the password that the import replaced comes back, unless it was changed since.
      insert into app_private.user_passwords as w (user_id, password_hash, must_change, changed_at)
      select (o->>'user_id')::integer, o->>'password_hash', (o->>'must_change')::boolean,
        (o->>'changed_at')::timestamptz
      from (select p.previous->'password' as o from pg_temp.legacy_plan p where p.table_name = 'users'
        and p.previous ? 'password') p
      on conflict (user_id) do update
        set password_hash = excluded.password_hash, must_change = excluded.must_change, changed_at = excluded.changed_at
        where w.changed_at = (select i.imported_at from app_private.legacy_import i where i.rolled_back_at is null);
    end if;
    execute format($q$
      delete from %1$s e using pg_temp.legacy_plan p
      where p.table_name = %2$L and p.state = 'added' and p.reason is null and %3$s$q$,
      p_target, p_table_name, key);

    select string_agg(format('%I = o.%I', a.attname, a.attname), ', ' order by a.attnum) into restored
    from pg_attribute a
    where a.attrelid = p_target and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = '';
    -- Also when it was last changed, which says whether the next import may merge it.
    execute format('alter table %s disable trigger _100_touch', p_target);
    execute format($q$
      update %1$s e set %2$s
      from pg_temp.legacy_plan p cross join lateral %3$s
      where p.table_name = %4$L and p.state = 'merged' and p.reason is null and %5$s$q$,
      p_target, restored, replace(replace(record, 'p.content', 'p.previous'), ' t(', ' o('), p_table_name, key);
    execute format('alter table %s enable trigger _100_touch', p_target);
    if p_table_name in ('api_configurations', 'ai_providers') then
      delete from app_private.credentials c using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and p.target->>'id' = case p_table_name when 'ai_providers' then c.ai_provider_id else c.api_configuration_id
          end;
      insert into app_private.credentials (api_configuration_id, ai_provider_id, name, key_id, nonce, ciphertext)
      select c.api_configuration_id, c.ai_provider_id, c.name, c.key_id, c.nonce, c.ciphertext
      from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_recordset(null::app_private.credentials, p.previous->'credentials') c
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'credentials';
    end if;
    if p_table_name = 'api_configurations' then
      delete from app_public.pems_settings s
      using pg_temp.legacy_plan p
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null
        and s.api_configuration_id = p.target->>'id';
      insert into app_public.pems_settings
      select o.* from pg_temp.legacy_plan p
      cross join lateral jsonb_populate_record(null::app_public.pems_settings, p.previous->'settings') o
      where p.table_name = p_table_name and p.state = 'merged' and p.reason is null and p.previous ? 'settings';
    end if;
  end if;
  return query
  select p.state, p.legacy_id, p.line_number,
    case when p.reason is null then case p.state when 'added' then 'removed' else 'restored' end else 'stays' end,
    p.reason
  from pg_temp.legacy_plan p
  where p.table_name = p_table_name and p.state in ('added', 'merged');
end;
$$;
comment on function app_private.roll_back_legacy_table(text) is
  'Tables in reverse order: takes out what the import added to a table and restores what it merged, where nobody '
  'changed it since and nothing else hangs on it. Says of each row what became of it and why.';
--! EndIncluded app_private/functions/roll_back_legacy_table.sql
