import type pg from 'pg';

// Rules of the schemas and roles (docs/explanation/security.md, docs/decisions), each as a query of the catalog. A query
// returns one text for each violation.

/** Exceptions of a rule, with the reason. A name that no longer exists is a violation too. */
const exceptions = {
  'every table has row level security, also for its owner': {
    'app_private.pfa_staging':
      'COPY FROM is impossible with row level security. Unlogged machinery that only the worker may insert into.',
  },
  'a tenant table leads with organization_id in its primary key': {
    'app_private.pfa_staging': 'rows on their way: nothing identifies a row before it was checked',
  },
  'the worker does not see passwords, tokens or signing keys': {
    'vanguard_worker may call app_private.delete_expired_sessions(keep interval)':
      'forgets what has expired, and answers how much',
  },
  'a tenant table leads with organization_id in every index': {
    'app_public.user_organizations_user_id_idx':
      'the look-up from which every request takes its organizations: it cannot know them before',
    'app_public.user_organizations_legacy_id_key': 'a legacy id is unique in the whole legacy database',
    'app_public.organization_ai_configs_legacy_id_key': 'a legacy id is unique in the whole legacy database',
    'app_public.organization_ai_configs_primary_provider_id_idx':
      'on delete of a provider, which belongs to no organization; one row an organization',
  },
} satisfies Record<string, Record<string, string>>;

const schemas = "array['app_public', 'app_core', 'app_private']";

/** Relations, columns, functions, types and schemas of the product, as every rule needs them. */
const preamble = `
with
ours as (
  select n.oid, n.nspname from pg_namespace n where n.nspname = any (${schemas})
),
relation as (
  select c.oid, c.relnamespace, n.nspname, c.relname, n.nspname || '.' || c.relname as name, c.relkind, c.relpersistence,
    c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relowner, c.reltype, c.reltablespace,
    coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
  from pg_class c join ours n on n.oid = c.relnamespace
),
base_table as (select * from relation where relkind in ('r', 'p')),
tenant as (
  select r.* from relation r
  join pg_attribute a on a.attrelid = r.oid and a.attname = 'organization_id' and not a.attisdropped
  where r.relkind in ('r', 'p') and a.attnotnull or r.relkind = 'm'
),
routine as (
  select p.oid, p.prosecdef, p.proconfig, p.prosqlbody, p.proowner, l.lanname,
    format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name, n.nspname,
    coalesce(p.proacl, acldefault('f', p.proowner)) as acl
  from pg_proc p join ours n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
),
-- What an expression of the schema calls, directly or through other functions of ours.
called as (
  with recursive caller as (
    select 'view ' || r.name as by, d.refobjid as oid
    from relation r join pg_rewrite w on w.ev_class = r.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_proc'::regclass
    union
    select 'policy ' || p.polname || ' of ' || r.name, d.refobjid
    from relation r join pg_policy p on p.polrelid = r.oid
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
    union
    select 'column ' || r.name || '.' || a.attname, d.refobjid
    from relation r join pg_attrdef e on e.adrelid = r.oid
    join pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = e.oid and d.refclassid = 'pg_proc'::regclass
    union
    select 'check ' || c.conname || ' of ' || r.name, d.refobjid
    from relation r join pg_constraint c on c.conrelid = r.oid
    join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = c.oid and d.refclassid = 'pg_proc'::regclass
    union
    select 'index ' || r.name, d.refobjid
    from relation r
    join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
    where r.relkind in ('i', 'I')
    union
    select c.by, d.refobjid
    from caller c
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = c.oid and d.refclassid = 'pg_proc'::regclass
  )
  select * from caller
),
granted as (
  select r.name as on_what, case r.relkind when 'S' then 'sequence' when 'm' then 'materialized view' when 'v' then 'view' else 'table' end as kind,
    a.grantee, a.privilege_type, r.relowner as owner, r.nspname, null::name as column_name
  from relation r, aclexplode(r.acl) a
  where r.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
  union all
  select r.name, 'column', a.grantee, a.privilege_type, r.relowner, r.nspname, t.attname
  from relation r join pg_attribute t on t.attrelid = r.oid, aclexplode(t.attacl) a
  union all
  select f.name, 'function', a.grantee, a.privilege_type, f.proowner, f.nspname, null from routine f, aclexplode(f.acl) a
  union all
  select n.nspname, 'schema', a.grantee, a.privilege_type, n.nspowner, n.nspname, null
  from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
  where n.nspname = any (${schemas} || array['graphile_worker', 'graphile_migrate'])
)
`;

const rules = {
  'every table has row level security, also for its owner': `
    select name || case when relrowsecurity then ' does not force' else ' has no' end || ' row level security'
    from base_table where not (relrowsecurity and relforcerowsecurity)`,

  'staging, which has no row level security, is unlogged and shown to nobody': `
    select name || ' is not unlogged' from base_table where not relrowsecurity and relpersistence <> 'u'
    union all
    select format('%s may %s %s', pg_get_userbyid(g.grantee), g.privilege_type, g.on_what)
    from granted g join base_table t on t.name = g.on_what
    where not t.relrowsecurity and g.grantee <> t.relowner
      and (g.grantee = 0 or pg_get_userbyid(g.grantee) <> 'vanguard_worker' or g.privilege_type <> 'INSERT')`,

  'a policy reads settings only': `
    select format('policy %s of %s has a subquery: %s', p.polname, r.name, e.text)
    from relation r join pg_policy p on p.polrelid = r.oid
    cross join lateral (
      select concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as text) e
    where e.text ~* '\\mselect\\M'
    union all
    select format('policy %s of %s reads %s', p.polname, r.name, d.refobjid::regclass)
    from relation r join pg_policy p on p.polrelid = r.oid
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
    where d.refobjid <> p.polrelid
    union all
    select distinct format('%s calls %s, which reads %s', c.by, c.oid::regprocedure, d.refobjid::regclass)
    from called c
    join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
    join pg_class t on t.oid = d.refobjid and t.relkind <> 'c'
    where c.by like 'policy %'
    union all
    select distinct format('%s calls %s, whose body is a text that may read anything', c.by, c.oid::regprocedure)
    from called c join pg_proc p on p.oid = c.oid
    where c.by like 'policy %' and p.prosqlbody is null`,

  'a view asks as its reader, or filters materialized views behind a barrier': `
    select case
        when v.reloptions @> '{security_barrier=true}' then format('%s is a definer view, but reads %s', v.name, source.names)
        else v.name || ' is neither security_invoker nor security_barrier'
      end
    from relation v
    cross join lateral (
      select string_agg(distinct d.refobjid::regclass::text, ', ') filter (where c.relkind <> 'm') as names
      from pg_rewrite w
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
      join pg_class c on c.oid = d.refobjid
      where w.ev_class = v.oid and d.refobjid <> v.oid
    ) source
    where v.relkind = 'v' and not coalesce(v.reloptions @> '{security_invoker=true}', false)
      and (not coalesce(v.reloptions @> '{security_barrier=true}', false) or source.names is not null)
    union all
    select v.name || ' is a definer view, but does not filter by app_core.current_organization_ids()'
    from relation v
    where v.relkind = 'v' and not coalesce(v.reloptions @> '{security_invoker=true}', false)
      and regexp_replace(pg_get_viewdef(v.oid), '\\s+', ' ', 'g')
        !~ ' WHERE \\(([a-z]+\\.)?organization_id = ANY \\(app_core\\.current_organization_ids\\(\\)\\)\\);$'`,

  'a materialized view is in app_private and read by the owner only': `
    select name || ' is not in app_private' from relation where relkind = 'm' and nspname <> 'app_private'
    union all
    select format('%s may %s %s', case g.grantee when 0 then 'PUBLIC' else pg_get_userbyid(g.grantee) end, g.privilege_type, g.on_what)
    from granted g
    join relation m on m.name = g.on_what and m.relkind = 'm'
    where g.grantee <> m.relowner`,

  'a tenant table leads with organization_id in its primary key': `
    select t.name || coalesce(': ' || pg_get_constraintdef(k.oid), ' has no primary key')
    from tenant t left join pg_constraint k on k.conrelid = t.oid and k.contype = 'p'
    where t.relkind <> 'm'
      and (select a.attname from pg_attribute a where a.attrelid = t.oid and a.attnum = k.conkey[1]) is distinct from 'organization_id'`,

  'a tenant table leads with organization_id in foreign keys to tenant tables': `
    select format('%s: %s', t.name, pg_get_constraintdef(k.oid))
    from tenant t join pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
    where k.confrelid in (select oid from tenant)
      and (select a.attname from pg_attribute a where a.attrelid = t.oid and a.attnum = k.conkey[1]) <> 'organization_id'`,

  'a tenant table leads with organization_id in every index': `
    select x.name
    from tenant t join pg_index i on i.indrelid = t.oid join relation x on x.oid = i.indexrelid
    where (select a.attname from pg_attribute a where a.attrelid = t.oid and a.attnum = i.indkey[0]) is distinct from 'organization_id'`,

  'a definer function, and one in plpgsql, sets its search_path': `
    select name from routine
    where (prosecdef or lanname = 'plpgsql')
      and not exists (select from unnest(proconfig) c where c like 'search\\_path=%')`,

  'what views, policies, indexes, checks and columns call has an SQL-standard body': `
    select distinct format('%s calls %s', c.by, f.name) from called c join routine f on f.oid = c.oid where f.prosqlbody is null`,

  'PUBLIC has nothing': `
    select format('PUBLIC may %s %s %s', g.privilege_type, g.kind, g.on_what) from granted g where g.grantee = 0
    union all
    select format('PUBLIC may %s in the database', a.privilege_type)
    from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
    where d.datname = current_database() and a.grantee = 0
    union all
    select 'PUBLIC may create in schema public'
    from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    where n.nspname = 'public' and a.grantee = 0 and a.privilege_type = 'CREATE'
    union all
    select 'a new function of the owner would be callable by PUBLIC'
    where not exists (
      select from pg_default_acl d
      where d.defaclrole = 'vanguard_owner'::regrole and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
        and not exists (select from aclexplode(d.defaclacl) a where a.grantee = 0))`,

  'only our roles have rights, and may not pass them on': `
    select format('%s may %s %s %s', pg_get_userbyid(g.grantee), g.privilege_type, g.kind, g.on_what)
    from granted g
    where g.grantee not in (0, g.owner)
      and pg_get_userbyid(g.grantee) not in ('vanguard_visitor', 'vanguard_authenticator', 'vanguard_worker', 'vanguard_ai_reader')
    union all
    select format('%s may pass on what it may do in %s', pg_get_userbyid(a.grantee), r.name)
    from relation r, aclexplode(r.acl) a where a.is_grantable and a.grantee <> r.relowner
    union all
    select format('%s is owned by %s', r.name, pg_get_userbyid(r.relowner)) from relation r where r.relowner <> 'vanguard_owner'::regrole
    union all
    select format('%s is owned by %s', f.name, pg_get_userbyid(f.proowner)) from routine f where f.proowner <> 'vanguard_owner'::regrole`,

  'the visitor only reads, and has no way into the machinery': `
    select format('vanguard_visitor may %s %s', g.privilege_type, concat_ws('.', g.on_what, g.column_name))
    from granted g
    where g.grantee = 'vanguard_visitor'::regrole and g.kind not in ('function', 'schema') and g.privilege_type <> 'SELECT'
    union all
    select format('vanguard_visitor may %s schema %s', p.privilege, n.nspname)
    from pg_namespace n cross join (values ('USAGE'), ('CREATE')) p (privilege)
    where has_schema_privilege('vanguard_visitor', n.oid, p.privilege)
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not (p.privilege = 'USAGE' and n.nspname in ('public', 'app_public', 'app_core'))
    union all
    select format('vanguard_visitor may %s %s', g.privilege_type, concat_ws('.', g.on_what, g.column_name))
    from granted g
    where g.grantee = 'vanguard_visitor'::regrole and g.nspname not in ('app_public', 'app_core')`,

  'the authenticator reads and writes nothing by itself': `
    select format('vanguard_authenticator may %s %s %s', g.privilege_type, g.kind, concat_ws('.', g.on_what, g.column_name))
    from granted g
    where g.grantee = 'vanguard_authenticator'::regrole and g.kind not in ('function', 'schema')`,

  'the worker does not see passwords, tokens or signing keys': `
    select format('vanguard_worker may %s %s', g.privilege_type, concat_ws('.', g.on_what, g.column_name))
    from granted g
    where g.grantee = 'vanguard_worker'::regrole
      and g.on_what in ('app_private.user_passwords', 'app_private.sessions', 'app_private.refresh_tokens', 'app_private.signing_keys')
    union all
    select 'vanguard_worker may call ' || f.name
    from routine f
    where has_function_privilege('vanguard_worker', f.oid, 'execute') and f.name ~ '(login|password|session|token|signing_key)'`,

  'a grant of insert or update lists columns': `
    select format('%s may %s every column of %s', case g.grantee when 0 then 'PUBLIC' else pg_get_userbyid(g.grantee) end, g.privilege_type, g.on_what)
    from granted g
    where g.kind = 'table' and g.privilege_type in ('INSERT', 'UPDATE') and g.grantee <> g.owner`,

  'the ai reader has no right yet to anything that holds rows': `
    select format('vanguard_ai_reader may %s %s %s', g.privilege_type, g.kind, concat_ws('.', g.on_what, g.column_name))
    from granted g
    where g.grantee = 'vanguard_ai_reader'::regrole and not (g.kind = 'schema' and g.on_what = 'app_public' and g.privilege_type = 'USAGE')
      and g.kind <> 'function'
    union all
    select 'vanguard_ai_reader may call ' || f.name
    from routine f
    where has_function_privilege('vanguard_ai_reader', f.oid, 'execute')
      and (f.nspname <> 'app_core' or f.prosecdef or f.prosqlbody is null or exists (
        select from pg_depend d join pg_class c on c.oid = d.refobjid and c.relkind <> 'c'
        where d.classid = 'pg_proc'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass))
    union all
    select 'vanguard_ai_reader may make temporary tables' where has_database_privilege('vanguard_ai_reader', current_database(), 'temporary')`,

  'settings are set by those only who must': `
    select format('%s may call set_config', case a.grantee when 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end)
    from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    where p.oid = 'pg_catalog.set_config(text, text, boolean)'::regprocedure and a.grantee <> p.proowner
      and (a.grantee = 0 or pg_get_userbyid(a.grantee) not in ('vanguard_owner', 'vanguard_authenticator', 'vanguard_worker'))`,

  'no role may do more than it should': `
    select format('%s has %s', r.rolname, concat_ws(', ',
      case when r.rolsuper then 'superuser' end, case when r.rolbypassrls then 'bypassrls' end,
      case when r.rolcreaterole then 'createrole' end, case when r.rolcreatedb then 'createdb' end, case when r.rolreplication then 'replication' end))
    from pg_roles r
    where r.rolname ~ '^vanguard_' and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication)
    union all
    select format('%s is a member of %s', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid))
    from pg_auth_members m
    where pg_get_userbyid(m.member) ~ '^vanguard_'
      and (pg_get_userbyid(m.member), pg_get_userbyid(m.roleid)) <> ('vanguard_authenticator', 'vanguard_visitor')
    union all
    select 'vanguard_visitor may log in' from pg_roles where rolname = 'vanguard_visitor' and rolcanlogin
    union all
    select 'vanguard_authenticator inherits' from pg_roles where rolname = 'vanguard_authenticator' and rolinherit`,

  'everything has a comment': `
    select format('%s %s', case r.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end, r.name)
    from relation r
    where (r.relkind in ('r', 'p', 'v', 'm', 'f') or r.relkind = 'S' and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.deptype in ('a', 'i')))
      and coalesce(obj_description(r.oid, 'pg_class'), '') = ''
    union all
    select format('column %s.%s', r.name, a.attname)
    from relation r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and coalesce(col_description(r.oid, a.attnum), '') = ''
    union all
    select 'function ' || f.name from routine f where coalesce(obj_description(f.oid, 'pg_proc'), '') = ''
    union all
    select format('type %s.%s', n.nspname, t.typname)
    from pg_type t join ours n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c') and coalesce(obj_description(t.oid, 'pg_type'), '') = ''
    union all
    select 'schema ' || n.nspname from ours n where coalesce(obj_description(n.oid, 'pg_namespace'), '') = ''`,

  'a foreign key says what happens on delete': `
    select format('%s: %s', r.name, pg_get_constraintdef(k.oid))
    from relation r join pg_constraint k on k.conrelid = r.oid and k.contype = 'f'
    where k.confdeltype = 'a'`,

  // A tenant's index starts with the tenant: the deletion of a user goes through the organizations.
  'a foreign key has an index': `
    select format('%s: %s', r.name, pg_get_constraintdef(k.oid))
    from relation r join pg_constraint k on k.conrelid = r.oid and k.contype = 'f'
    cross join lateral (
      select a.attnum as organization_id from pg_attribute a where a.attrelid = r.oid and a.attname = 'organization_id'
      union all select 0 where not exists (select from pg_attribute a where a.attrelid = r.oid and a.attname = 'organization_id')
    ) o
    where not exists (
      select from pg_index i
      cross join lateral (select string_to_array(i.indkey::text, ' ')::smallint[] as columns) x
      where i.indrelid = r.oid and i.indisvalid
        and (x.columns[1:cardinality(k.conkey)] @> k.conkey
          or x.columns[1] = o.organization_id and x.columns[2:cardinality(k.conkey) + 1] @> k.conkey)
        and (i.indpred is null or cardinality(k.conkey) = 1 and pg_get_expr(i.indpred, i.indrelid) =
          format('(%I IS NOT NULL)', (select a.attname from pg_attribute a where a.attrelid = r.oid and a.attnum = k.conkey[1]))))`,

  'there are fifteen indexes or more': `
    select format('only %s indexes', count(*))
    from pg_index i join relation r on r.oid = i.indrelid
    where not exists (select from pg_constraint k where k.conindid = i.indexrelid)
    having count(*) < 15`,

  'each index says what it is for': `
    select r.name || ' has no comment'
    from pg_index i join relation r on r.oid = i.indexrelid
    where not exists (select from pg_constraint k where k.conindid = i.indexrelid)
      and coalesce(btrim(obj_description(i.indexrelid, 'pg_class')), '') = ''`,
} satisfies Record<string, string>;

export type Rule = keyof typeof rules;
export const ruleNames = Object.keys(rules) as Rule[];

/** Returns the violations of a rule in the connected database. */
export async function violations(client: pg.ClientBase, rule: Rule): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: `${preamble} ${rules[rule]}`, rowMode: 'array' });
  const found = rows.map(([violation]) => violation);
  const excepted = Object.keys((exceptions as Record<string, Record<string, string>>)[rule] ?? {});
  const isOf = (name: string) => (violation: string) =>
    violation === name || violation.startsWith(`${name} `);
  return [
    ...found.filter((violation) => !excepted.some((name) => isOf(name)(violation))),
    ...excepted
      .filter((name) => !found.some(isOf(name)))
      .map((name) => `${name} is an exception for no reason: it keeps the rule`),
  ].sort();
}
