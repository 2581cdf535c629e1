import type pg from 'pg';
import { readCatalogue } from './catalogue.ts';

// Generates docs/database/, the reference of the database, from its catalogue. `npm run codegen` runs it.

type Client = Pick<pg.ClientBase, 'query'>;

const schemas = ['app_public', 'app_core', 'app_private'] as const;
type Schema = (typeof schemas)[number];

interface Column {
  name: string;
  type: string;
  isNotNull: boolean;
  /** `default ...`, `generated ...` or `identity`. */
  value: string | null;
  comment: string | null;
}

interface Relation {
  schema: Schema;
  name: string;
  kind: 'table' | 'view' | 'materialized view' | 'type';
  comment: string | null;
  columns: Column[];
  constraints: { name: string; kind: 'p' | 'u' | 'f' | 'c'; definition: string }[];
  indexes: { name: string; definition: string; comment: string | null }[];
  policies: { name: string; command: string; roles: string; using: string | null; check: string | null }[];
  triggers: { name: string; definition: string }[];
  grants: string[];
}

interface Routine {
  schema: Schema;
  name: string;
  kind: 'function' | 'procedure';
  arguments: string;
  result: string | null;
  attributes: string[];
  comment: string | null;
  callers: string[];
}

interface SimpleType {
  schema: Schema;
  name: string;
  definition: string;
  comment: string | null;
}

const relationsQuery = `
select
  n.nspname as schema, c.relname as name, obj_description(c.oid, 'pg_class') as comment,
  case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'c' then 'type' else 'table' end as kind,
  (
    select coalesce(json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'isNotNull', a.attnotnull,
      'value', case
        when a.attidentity <> '' then 'identity'
        when a.attgenerated <> '' then 'generated: ' || pg_get_expr(d.adbin, d.adrelid)
        when d.oid is not null then 'default ' || pg_get_expr(d.adbin, d.adrelid)
      end,
      'comment', col_description(c.oid, a.attnum)
    ) order by a.attnum), '[]')
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ) as columns,
  (
    select coalesce(json_agg(json_build_object(
      'name', k.conname, 'kind', k.contype, 'definition', pg_get_constraintdef(k.oid, true)
    ) order by array_position(array['p', 'u', 'f', 'c'], k.contype::text), k.conname), '[]')
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'f', 'c')
  ) as constraints,
  (
    select coalesce(json_agg(json_build_object(
      'name', i.relname, 'definition', pg_get_indexdef(x.indexrelid), 'comment', obj_description(i.oid, 'pg_class')
    ) order by i.relname), '[]')
    from pg_index x join pg_class i on i.oid = x.indexrelid
    where x.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.oid)
  ) as indexes,
  (
    select coalesce(json_agg(json_build_object(
      'name', p.polname,
      'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      'roles', (select string_agg(m.role::regrole::text, ', ' order by m.role::regrole::text) from unnest(p.polroles) m (role)),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)
    ) order by p.polname), '[]')
    from pg_policy p where p.polrelid = c.oid
  ) as policies,
  (
    select coalesce(json_agg(json_build_object('name', t.tgname, 'definition', pg_get_triggerdef(t.oid)) order by t.tgname), '[]')
    from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
  ) as triggers,
  (
    select coalesce(json_agg(format('%s: %s', g.grantee, g.privileges) order by g.grantee), '[]')
    from (
      select a.grantee::regrole::text as grantee, string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as privileges
      from aclexplode(c.relacl) a where a.grantee <> c.relowner and a.grantee <> 0
      group by 1
    ) g
  ) as grants
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any ($1) and c.relkind in ('r', 'p', 'v', 'm', 'c')
order by c.relname`;

const routinesQuery = `
select
  n.nspname as schema, p.proname as name, case p.prokind when 'p' then 'procedure' else 'function' end as kind,
  pg_get_function_arguments(p.oid) as arguments, pg_get_function_result(p.oid) as result,
  array_remove(array[
    case when p.prokind <> 'p' then case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end end,
    case when p.prosecdef then 'security definer' end
  ], null) as attributes,
  obj_description(p.oid, 'pg_proc') as comment,
  array(
    select a.grantee::regrole::text from aclexplode(p.proacl) a
    where a.grantee not in (0, p.proowner) order by 1
  ) as callers
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any ($1)
order by p.proname`;

const typesQuery = `
select n.nspname as schema, t.typname as name, obj_description(t.oid, 'pg_type') as comment,
  case t.typtype
    when 'e' then (select string_agg(format('\`%s\`', e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)
    else 'a ' || format_type(t.typbasetype, t.typtypmod)
  end as definition
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where n.nspname = any ($1) and t.typtype in ('e', 'd')
order by t.typname`;

/** Removes PostGraphile's smart tags from a comment. */
const withoutTags = (comment: string | null) =>
  (comment ?? '')
    .split('\n')
    .filter((line) => !/^@[a-z]/.test(line))
    .join(' ');

/** Returns text for a table cell. */
const cell = (text: string) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
const code = (text: string) => (text === '' ? '' : `\`${cell(text).replaceAll('`', "'")}\``);

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return '';
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const list = (items: string[]) => items.map((item) => `- ${item}`).join('\n');

/** Joins the non-empty parts with blank lines. */
const paragraphs = (parts: (string | false | undefined)[]) => parts.filter(Boolean).join('\n\n');

const fixtureLink = (path: string) => `[definition](../../migrations/fixtures/${path})`;

function relationSection(relation: Relation): string {
  const { schema, name, kind } = relation;
  const isTable = kind === 'table';
  const columns = table(
    isTable ? ['column', 'type', 'null', 'value', 'meaning'] : ['column', 'type', 'meaning'],
    relation.columns.map((column) => [
      `\`${column.name}\``,
      cell(column.type),
      ...(isTable ? [column.isNotNull ? 'no' : 'yes', code(column.value ?? '')] : []),
      cell(withoutTags(column.comment)),
    ]),
  );
  const keys = relation.constraints.map(({ definition }) => code(definition));
  const indexes = table(
    ['index', 'over', 'purpose'],
    relation.indexes.map(({ name: index, definition, comment }) => [
      `\`${index}\``,
      code(
        `${definition.startsWith('CREATE UNIQUE') ? 'unique ' : ''}${definition.replace(/^.*? USING /, '')}`,
      ),
      cell(comment ?? ''),
    ]),
  );
  const policies = table(
    ['policy', 'for', 'roles', 'condition'],
    relation.policies.map((policy) => [
      `\`${policy.name}\``,
      policy.command,
      policy.roles.replaceAll('vanguard_', ''),
      [policy.using, policy.check !== policy.using && policy.check && `check ${policy.check}`]
        .filter((text) => typeof text === 'string' && text !== '')
        .map((text) => code(String(text)))
        .join(' '),
    ]),
  );
  return paragraphs([
    `### ${name}`,
    withoutTags(relation.comment),
    (kind === 'view' || kind === 'materialized view') &&
      `${kind === 'view' ? 'View' : 'Materialized view'}, ${fixtureLink(`${schema}/views/${name}.sql`)}.`,
    columns,
    keys.length > 0 && `Keys and rules:\n\n${list(keys)}`,
    indexes,
    policies,
    relation.triggers.length > 0 &&
      `Triggers: ${relation.triggers
        .map(
          ({ name: trigger }) =>
            `[${trigger}](../../migrations/fixtures/${schema}/triggers/${name}.${trigger}.sql)`,
        )
        .join(', ')}.`,
    relation.grants.length > 0 &&
      `Granted to ${relation.grants.map((grant) => grant.replace('vanguard_', '')).join('; ')}.`,
  ]);
}

function routineSection(routine: Routine): string {
  const { schema, name } = routine;
  const result = routine.result ? ` returns ${routine.result}` : '';
  return paragraphs([
    `### ${name}`,
    `\`\`\`sql\n${routine.kind} ${schema}.${name}(${routine.arguments})${result}\n\`\`\``,
    withoutTags(routine.comment),
    [
      [...routine.attributes, fixtureLink(`${schema}/functions/${name}.sql`)].join(', '),
      routine.callers.length > 0
        ? `for ${routine.callers.map((role) => role.replace('vanguard_', '')).join(', ')}`
        : 'for the owner only',
    ].join(', ') + '.',
  ]);
}

/**
 * Returns the entities and their foreign keys as a Mermaid diagram. Leaves out relations to organizations, which nearly
 * all tables have.
 */
function entityDiagram(relations: Relation[]): string {
  const tables = relations.filter(({ kind }) => kind === 'table');
  const lines: string[] = [];
  for (const { name, constraints, columns } of tables) {
    for (const { kind, definition } of constraints) {
      if (kind !== 'f') continue;
      const [, own = '', target = ''] =
        /FOREIGN KEY \((.+?)\) REFERENCES (?:\w+\.)?(\w+)/.exec(definition) ?? [];
      if (target === 'organizations' && name !== 'user_organizations') continue;
      const key = own.split(', ').at(-1)!;
      const isOptional = !columns.find((column) => column.name === key)?.isNotNull;
      lines.push(`  ${target} ${isOptional ? '|o' : '||'}--o{ ${name} : ${key}`);
    }
  }
  return ['```mermaid', 'erDiagram', ...lines.sort(), '```'].join('\n');
}

const notice =
  '<!-- Written by `npm run codegen` from the catalogue of a migrated database. Do not edit. -->';

/** Returns the pages of docs/database/, by path relative to the project. */
export async function databaseReference(client: Client): Promise<Map<string, string>> {
  const ask = async <Row extends pg.QueryResultRow>(query: string) =>
    (await client.query<Row>(query, [[...schemas]])).rows;
  const relations = await ask<Relation & pg.QueryResultRow>(relationsQuery);
  const routines = await ask<Routine & pg.QueryResultRow>(routinesQuery);
  const types = await ask<SimpleType & pg.QueryResultRow>(typesQuery);
  const catalogue = await readCatalogue(client);
  const { rows: comments } = await client.query<{ schema: Schema; comment: string }>(
    `select n.nspname as schema, obj_description(n.oid, 'pg_namespace') as comment from pg_namespace n
    where n.nspname = any ($1)`,
    [[...schemas]],
  );
  const commentOf = (schema: Schema) => comments.find((row) => row.schema === schema)?.comment ?? '';
  const pages = new Map<string, string>();
  for (const schema of schemas) {
    const own = <T extends { schema: Schema }>(all: T[]) => all.filter((one) => one.schema === schema);
    const of = (...kinds: Relation['kind'][]) => own(relations).filter(({ kind }) => kinds.includes(kind));
    const section = (title: string, parts: string[]) =>
      parts.length > 0 && `## ${title}\n\n${parts.join('\n\n')}`;
    pages.set(
      `docs/database/${schema}.md`,
      paragraphs([
        notice,
        `# Schema ${schema}`,
        commentOf(schema),
        section('Tables', of('table').map(relationSection)),
        section('Views', of('view', 'materialized view').map(relationSection)),
        section('Types', [
          ...own(types).map(({ name, definition, comment }) =>
            paragraphs([`### ${name}`, withoutTags(comment), `Values: ${definition}.`]),
          ),
          ...of('type').map(relationSection),
        ]),
        section('Functions', own(routines).map(routineSection)),
      ]) + '\n',
    );
  }
  const count = (word: RegExp) => [...catalogue.keys()].filter((name) => word.test(name)).length;
  pages.set(
    'docs/database/README.md',
    paragraphs([
      notice,
      '# Database reference',
      table(
        ['schema', 'holds'],
        schemas.map((schema) => [`[${schema}](${schema}.md)`, cell(commentOf(schema))]),
      ),
      `${count(/^table /)} tables, ${count(/^(materialized )?view /)} views, ${count(/^(function|procedure) /)} functions, ${count(/^trigger /)} triggers, ${count(/^index /)} indexes, ${count(/^policy /)} policies. [migrations/README.md](../../migrations/README.md) says how to change them.`,
      '## Entities',
      'Tables and their foreign keys. Nearly every table also refers to `organizations`; the diagram leaves that out.',
      entityDiagram(relations),
    ]) + '\n',
  );
  return pages;
}
