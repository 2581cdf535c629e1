import {
  getNamedType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

// Asks for everything that a schema offers, as somebody who tries every door.

/** `Type.field`, for each field that leads to rows. */
export type Door = string;

export interface Row {
  door: Door;
  type: string;
  /** The leaf fields of the row. */
  values: Record<string, unknown>;
}

/** There are more of these than of everything else. */
const isMany = (row: GraphQLObjectType) => row.name.startsWith('PfaField');

/** There are few of those that lead to lists which cost much, however short they are here. */
const few: Readonly<Record<string, number>> = { Organization: 2, SyncLog: 3 };

/** How many items are asked for: there are fewer of everything, and larger pages would cost too much. */
const page = (row: GraphQLObjectType) => `first: ${isMany(row) ? 40 : (few[row.name] ?? 5)}`;

/** How deep a query goes: a field of the root, of what it leads to, of what that leads to. */
const depth = 3;

const isPaging = (type: GraphQLObjectType) => type.name === 'PageInfo' || type.name.endsWith('Edge');
const isRequired = (arg: GraphQLArgument) => isNonNullType(arg.type) && arg.defaultValue === undefined;

/** The type of the rows that a field leads to, through a connection or directly; undefined where it leads to none. */
function rowsOf(
  field: GraphQLField<unknown, unknown>,
): { row: GraphQLObjectType; isConnection: boolean } | undefined {
  const type = getNamedType(field.type);
  if (!isObjectType(type) || isPaging(type)) return undefined;
  const nodes = type.getFields().nodes;
  const row = nodes && getNamedType(nodes.type);
  return isObjectType(row) ? { row, isConnection: true } : { row: type, isConnection: false };
}

const fieldsOf = (type: GraphQLObjectType) => Object.values(type.getFields());

/** Every door of the schema, but those that only open after a mutation, or to who subscribes: test/api/websockets.test.ts is about them. */
export function doors(schema: GraphQLSchema): Door[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type))
    .filter(
      ({ name }) =>
        !name.startsWith('__') &&
        !/^(Mutation|Subscription)$/.test(name) &&
        !/(Payload|Connection|Edge|Event)$/.test(name),
    )
    .flatMap((type) =>
      fieldsOf(type)
        .filter((field) => rowsOf(field) && field.name !== 'query')
        .map((field) => `${type.name}.${field.name}`),
    )
    .sort();
}

/** The doors that need arguments: only at the root it is known with which ones to open them. */
export function doorsWithArguments(schema: GraphQLSchema): Door[] {
  return doors(schema).filter((door) => fieldOf(schema, door).args.some(isRequired));
}

function fieldOf(schema: GraphQLSchema, door: Door): GraphQLField<unknown, unknown> {
  const [typeName = '', fieldName = ''] = door.split('.');
  const type = schema.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  if (!field) throw new Error(`There is no ${door}.`);
  return field;
}

/** What is asked of a row: all leaves, and what it leads to, unless we come from there. */
function selection(type: GraphQLObjectType, path: GraphQLObjectType[], schema: GraphQLSchema): string {
  return [leaves(type), ...relations(type, path, schema)].join(' ');
}

/** What the root lists: where it leads to is asked there, and would cost too much on every way to it. */
function isListed(row: GraphQLObjectType, schema: GraphQLSchema): boolean {
  return fieldsOf(schema.getQueryType()!).some((field) => {
    const rows = rowsOf(field);
    return rows?.isConnection && rows.row === row;
  });
}

/** What a row leads to, each with what is asked of it. */
function relations(type: GraphQLObjectType, path: GraphQLObjectType[], schema: GraphQLSchema): string[] {
  const here = [...path, type];
  return fieldsOf(type).flatMap((field) => {
    if (field.args.some(isRequired)) return [];
    const rows = rowsOf(field);
    if (!rows || field.name === 'query') return [];
    if (path.length >= depth - 1) return [];
    // For each of many it would cost too much; the same doors are reached from elsewhere.
    const isEnough = here.includes(rows.row) || here.some(isMany) || isListed(rows.row, schema);
    const inner = isEnough ? leaves(rows.row) : selection(rows.row, here, schema);
    return [
      rows.isConnection
        ? `${field.name}(${page(rows.row)}) { totalCount nodes { ${inner} } }`
        : `${field.name} { ${inner} }`,
    ];
  });
}

const leaves = (type: GraphQLObjectType) =>
  fieldsOf(type)
    .filter((field) => !isObjectType(getNamedType(field.type)) && !field.args.some(isRequired))
    .map(({ name }) => name)
    .join(' ');

/** Queries for each field of the root, one for each thing that its rows lead to: all at once would cost too much. `args` says, as GraphQL text, what to open those with that need arguments. */
export function queries(
  schema: GraphQLSchema,
  args: Record<string, string>,
): { field: string; query: string }[] {
  const root = schema.getQueryType()!;
  return fieldsOf(root)
    .filter((field) => field.name !== 'query' && rowsOf(field))
    .filter((field) => args[field.name] || !field.args.some(isRequired))
    .flatMap((field) => {
      const { row, isConnection } = rowsOf(field)!;
      const given = [args[field.name], isConnection && page(row)].filter(Boolean).join(', ');
      return ['', ...relations(row, [], schema)].map((relation) => ({
        field: field.name,
        query: `{ ${field.name}${given && `(${given})`} { ${isConnection ? `totalCount nodes { ${leaves(row)} ${relation} }` : `${leaves(row)} ${relation}`} } }`,
      }));
    });
}

/** The rows of an answer, each with the door that it came through. */
export function rowsIn(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  value: Record<string, unknown>,
): Row[] {
  return fieldsOf(type).flatMap((field) => {
    const rows = rowsOf(field);
    const answer = value[field.name];
    if (!rows || answer === undefined || answer === null) return [];
    const found = rows.isConnection ? (answer as { nodes: unknown[] }).nodes : [answer];
    return found.flatMap((each) => {
      const row = each as Record<string, unknown>;
      const values = Object.fromEntries(
        Object.entries(row).filter(([name]) => !rowsOf(rows.row.getFields()[name]!)),
      );
      return [
        { door: `${type.name}.${field.name}`, type: rows.row.name, values },
        ...rowsIn(schema, rows.row, row),
      ];
    });
  });
}

/** Connections whose count says more than their rows. */
export function miscounted(type: GraphQLObjectType, value: Record<string, unknown>): Door[] {
  return fieldsOf(type).flatMap((field) => {
    const rows = rowsOf(field);
    const answer = value[field.name];
    if (!rows || answer === undefined || answer === null) return [];
    if (!rows.isConnection) return miscounted(rows.row, answer as Record<string, unknown>);
    const { totalCount, nodes } = answer as { totalCount: number; nodes: Record<string, unknown>[] };
    return [
      ...(totalCount === nodes.length ? [] : [`${type.name}.${field.name}`]),
      ...nodes.flatMap((node) => miscounted(rows.row, node)),
    ];
  });
}
