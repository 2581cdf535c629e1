import type pg from 'pg';

/** The definition of each object in the product's schemas, by name, both as text. */
export type Catalogue = Map<string, string>;

const query = `
with
ours as (
  select n.oid, n.nspname, n.nspacl, n.nspowner from pg_namespace n
  where n.nspname in ('app_public', 'app_core', 'app_private')
),
relation as (
  select c.*, format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join ours n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'S', 'c')
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
),
routine as (
  select p.*, p.oid::regprocedure::text as name from pg_proc p join ours n on n.oid = p.pronamespace
),
-- Rights in a fixed order: a grant that is repeated keeps its place, one that is new goes to the end.
rights as (
  select given.classid, given.objid, given.objsubid,
    string_agg(format('%s: %s', given.grantee, given.privileges), '; ' order by given.grantee) as text
  from (
    select a.classid, a.objid, a.objsubid, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as grantee,
      string_agg(lower(a.privilege_type) || case when a.is_grantable then ' with grant option' else '' end, ', '
        order by a.privilege_type) as privileges
    from (
      select 'pg_namespace'::regclass as classid, n.oid as objid, 0 as objsubid, a.*
      from ours n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
      union all
      select 'pg_class'::regclass, r.oid, 0, a.*
      from relation r,
        aclexplode(coalesce(r.relacl, acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner))) a
      union all
      select 'pg_class'::regclass, t.attrelid, t.attnum, a.*
      from relation r join pg_attribute t on t.attrelid = r.oid, aclexplode(t.attacl) a
      union all
      select 'pg_proc'::regclass, r.oid, 0, a.* from routine r, aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) a
    ) a
    group by 1, 2, 3, 4
  ) given
  group by 1, 2, 3
),
entry as (
  select 'schema ' || n.nspname as name,
    array[n.nspowner::regrole::text, obj_description(n.oid, 'pg_namespace'), (select text from rights where objid = n.oid and classid = 'pg_namespace'::regclass)] as parts
  from ours n
  union all
  select case r.relkind when 'r' then 'table ' when 'p' then 'table ' when 'v' then 'view ' when 'm' then 'materialized view '
      when 'S' then 'sequence ' else 'type ' end || r.name,
    array[
      r.relowner::regrole::text, r.relpersistence::text,
      case when r.relkind in ('r', 'p') then format('row level security %s, forced %s', r.relrowsecurity, r.relforcerowsecurity) end,
      array_to_string(r.reloptions, ', '),
      case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end,
      (select format('%s from %s by %s, %s to %s, cycle %s', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin,
        s.seqmax, s.seqcycle) from pg_sequence s where s.seqrelid = r.oid),
      obj_description(r.oid, 'pg_class'),
      (select text from rights where objid = r.oid and classid = 'pg_class'::regclass and objsubid = 0)
    ]
  from relation r
  union all
  select format('column %s.%I', r.name, a.attname),
    array[
      format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
      nullif(a.attgenerated::text, ''), nullif(a.attidentity::text, ''), nullif(a.attcollation, 0)::regcollation::text,
      (select pg_get_expr(e.adbin, e.adrelid) from pg_attrdef e where e.adrelid = a.attrelid and e.adnum = a.attnum),
      col_description(r.oid, a.attnum),
      (select text from rights where objid = r.oid and classid = 'pg_class'::regclass and objsubid = a.attnum),
      (select format('column %s', count(*)) from pg_attribute b
       where b.attrelid = a.attrelid and b.attnum > 0 and b.attnum <= a.attnum and not b.attisdropped)
    ]
  from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  where r.relkind <> 'S'
  union all
  select format('constraint %I on %s', c.conname, r.name), array[pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')]
  from relation r join pg_constraint c on c.conrelid = r.oid
  where c.contype <> 'n'
  union all
  select format('index %I.%I', n.nspname, i.relname), array[pg_get_indexdef(x.indexrelid), obj_description(x.indexrelid, 'pg_class')]
  from pg_index x join pg_class i on i.oid = x.indexrelid join ours n on n.oid = i.relnamespace
  union all
  select format('policy %I on %s', p.polname, r.name),
    array[p.polcmd::text, p.polpermissive::text, (select string_agg(m.role::regrole::text, ', ' order by m.role::regrole::text) from unnest(p.polroles) m (role)),
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy')]
  from relation r join pg_policy p on p.polrelid = r.oid
  union all
  select case r.prokind when 'p' then 'procedure ' else 'function ' end || r.name,
    array[pg_get_functiondef(r.oid), r.proowner::regrole::text, obj_description(r.oid, 'pg_proc'),
      (select text from rights where objid = r.oid and classid = 'pg_proc'::regclass)]
  from routine r
  where r.prokind in ('f', 'p')
  union all
  select format('trigger %I on %s', t.tgname, r.name), array[pg_get_triggerdef(t.oid), t.tgenabled::text, obj_description(t.oid, 'pg_trigger')]
  from relation r join pg_trigger t on t.tgrelid = r.oid
  where not t.tgisinternal
  union all
  select format('type %I.%I', n.nspname, t.typname),
    array[
      t.typowner::regrole::text, t.typdefault, array_to_string(t.typacl, ', '),
      (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      case t.typtype when 'd' then format_type(t.typbasetype, t.typtypmod) end,
      (select string_agg(pg_get_constraintdef(c.oid), '; ' order by c.conname) from pg_constraint c where c.contypid = t.oid),
      obj_description(t.oid, 'pg_type')
    ]
  from pg_type t join ours n on n.oid = t.typnamespace
  where t.typtype in ('e', 'd')
)
select e.name, array_to_string(e.parts, E'\\n', '-') as definition from entry e order by e.name collate "C"`;

/**
 * Reads the catalogue of app_public, app_core and app_private: schemas, tables, columns, constraints, indexes,
 * policies, views, sequences, types, functions and triggers, each with definition, owner, grants and comment. Leaves
 * out the state of the data, and objects that the migrations do not use: partitions, rules, statistics and event
 * triggers.
 */
export async function readCatalogue(client: Pick<pg.ClientBase, 'query'>): Promise<Catalogue> {
  const { rows } = await client.query<{ name: string; definition: string }>(query);
  return new Map(rows.map(({ name, definition }) => [name, definition]));
}

/** Names entries that exist in only one of two catalogues, or differ. */
export function catalogueDifferences(before: Catalogue, after: Catalogue): string[] {
  return [
    ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `${name} is gone`),
    ...[...after.keys()].filter((name) => !before.has(name)).map((name) => `${name} is new`),
    ...[...before]
      .filter(([name, definition]) => after.has(name) && after.get(name) !== definition)
      .map(([name]) => `${name} differs`),
  ].sort();
}
