import {
  getNamedType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

// Queries everything that a schema publishes, as an attacker would.

/** `Type.field`, for each field that leads to rows. */
export type Door = string;

export interface Row {
  door: Door;
  type: string;
  /** The leaf fields of the row. */
  values: Record<string, unknown>;
}

/** Lists of these types are longer than all others. */
const isMany = (row: GraphQLObjectType) => row.name.startsWith('PfaField');

/** Asks for few rows of fields that lead to expensive lists, however short these lists are here. */
const few: Readonly<Record<string, number>> = { Organization: 2, SyncLog: 3 };

/** Page size: lists are short here, and larger pages would cost too much. */
const page = (row: GraphQLObjectType) => `first: ${isMany(row) ? 40 : (few[row.name] ?? 5)}`;

/** Depth of a query: a field of the root and two levels of related rows. */
const depth = 3;

const isPaging = (type: GraphQLObjectType) => type.name === 'PageInfo' || type.name.endsWith('Edge');
const isRequired = (arg: GraphQLArgument) => isNonNullType(arg.type) && arg.defaultValue === undefined;

/** Returns the type of the rows of a field, through a connection or directly; undefined for other fields. */
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

/**
 * Returns all paths of the schema, except those of mutations and subscriptions, which test/api/websockets.test.ts
 * covers.
 */
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

/** Paths that need arguments are queried only at the root, where the arguments are known. */
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

/** Returns the selection for a row: all leaves and all related rows, except the row that the query came from. */
function selection(type: GraphQLObjectType, path: GraphQLObjectType[], schema: GraphQLSchema): string {
  return [leaves(type), ...relations(type, path, schema)].join(' ');
}

/** Skips the lists of the root: they are queried there, and would cost too much on every path to them. */
function isListed(row: GraphQLObjectType, schema: GraphQLSchema): boolean {
  return fieldsOf(schema.getQueryType()!).some((field) => {
    const rows = rowsOf(field);
    return rows?.isConnection && rows.row === row;
  });
}

/** Returns the related rows of a row, each with its selection. */
function relations(type: GraphQLObjectType, path: GraphQLObjectType[], schema: GraphQLSchema): string[] {
  const here = [...path, type];
  return fieldsOf(type).flatMap((field) => {
    if (field.args.some(isRequired)) return [];
    const rows = rowsOf(field);
    if (!rows || field.name === 'query') return [];
    if (path.length >= depth - 1) return [];
    // Skips lists inside lists: they would cost too much, and other paths reach the same fields.
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

/**
 * Returns queries for each field of the root, one for each relation of its rows: a single query would cost too much.
 * `args` holds the arguments, as GraphQL text, of the paths that need some.
 */
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

/** Returns the rows of a response, each with its path. */
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

/** Connections whose count reveals more than their rows. */
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
