// Must be imported before any part of PostGraphile, regardless of the importing module.
import './environment.ts';
import { depthLimit } from '@graphile/depth-limit';
import {
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
  type ComplexityEstimator,
} from 'graphql-query-complexity';
import { access, constant, lambda, object, SafeError, type FieldArgs, type Step } from 'postgraphile/grafast';
import {
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  GraphQLError,
  isCompositeType,
  isListType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  Lexer,
  OperationTypeNode,
  parse,
  Source,
  TokenKind,
  type ASTVisitor,
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLField,
  type GraphQLSchema,
  type SelectionSetNode,
  type ValidationContext,
} from 'postgraphile/graphql';
import { VanguardError } from '../errors.ts';

/**
 * Limits of one GraphQL request. Without them, a signed-in user could exhaust the server with a few hundred characters,
 * because lists can contain lists.
 */
export const graphqlLimits = {
  /** Maximum and default length of a list. */
  page: 1000,
  defaultPage: 100,
  /** Maximum cost of a query, in rows touched: see `costs`. */
  cost: 1_300_000,
  /** Comparisons in one filter. */
  conditions: 200,
  /** Reads of the database: lists, related rows, totals, changes. The plan of each takes memory, even in the cache. */
  reads: 50,
  /** Queries of the whole schema, and of single types. */
  schemas: 1,
  types: 10,
  /** Total number of fields; the fields of a fragment count at each use. */
  fields: 3000,
  /** Nesting of fields, of lists, and of the same field within itself. */
  depth: 12,
  listDepth: 4,
  sameField: 2,
  /** Nesting of lists and objects in an argument or a variable, e.g. in a filter. */
  valueDepth: 20,
  /** Nesting of brackets, and number of fragments, which may nest too: the readers of a query recurse. */
  brackets: 60,
  fragments: 50,
  /** Length of the query text. */
  characters: 20_000,
  tokens: 5000,
} as const;

/** Number of cached plans; the plan of a large query takes megabytes. */
const keptPlans = { queries: 50, variants: 3 };

/**
 * Size of the organization that the costs assume. In a larger one everything takes proportionally longer, even a single
 * total, which must stay possible.
 */
const organizationSize = 20_000;

/**
 * Costs in rows touched: a row that a filtered count reads takes the database half a microsecond. The whole limit is
 * thus 0.6 s of database CPU, and up to twice as much for a user with drafts of all records. `npm run bench -- --only
 * cost` measures it.
 */
const costs = {
  /** A value of a row in the response, mostly work of the server; a computed value; a whole record. */
  value: 8,
  computed: 40,
  json: 80,
  /** A list or a call, each of which reads the database once more. */
  list: 800,
  call: 4000,
  /** A row that an index finds by its id. */
  byId: 10,
  /** A skipped row. */
  skipped: 2,
  /** A saved draft or a resolved problem. */
  saved: 100,
} as const;

/** Number of times that an operation touches the rows of a whole organization. */
const passes = {
  scan: 1,
  /**
   * Per condition, and per value in a list of values, which are compared one by one. Selections look up their values
   * instead.
   */
  condition: 0.05,
  lookedUp: 0.0001,
  /** A search for words that may lack an index, e.g. of one letter. */
  search: 8,
  sums: 2,
  sumsByMonth: 6,
  bulkPreview: 40,
  /** A change of everything in one call; a request can contain one. */
  bulkChange: 40,
} as const;

/** Passes over the organization of fields that always read many rows, by type and field. */
const passesOf: Readonly<Record<string, number>> = {
  'Organization.kpis': 0.3,
  'Organization.bounds': 2,
  'Organization.myDraftTotals': 2,
  'Organization.recordsChangedSince': 2,
  'Organization.draftAuthors': 2,
  'Organization.suggestions': 1,
  'Organization.referenceLists': 1,
  'Organization.unlistedValues': 4,
  'Organization.myDrafts': 4,
};

/** Passes to count a list of history, which is longer than the organization. */
const passesOfHistory = 5;
const histories = /\.(changes|commits|pushExchanges|rejects|sparedRemovals|myOperations)$/;

/** Mutations that may change everything in one call, unless they name records. */
const bulkChanges =
  /^Mutation\.(applyBulk|commitDrafts|discardDrafts|discardDraftsOf|takeOverDrafts|undoDraft|redoDraft|resolveAllProblems|withdrawCommits|acceptRemovals)$/;

const say = (n: number) => n.toLocaleString('en');

/** Paging arguments of a list field; null and undefined both mean absent. */
interface PageArguments {
  first?: number | null;
  last?: number | null;
  before?: string | null;
}

interface Selection {
  recordIds?: readonly unknown[] | null;
  filter?: object | null;
  search?: string | null;
  containing?: unknown;
}

interface FieldArguments extends PageArguments {
  after?: string | null;
  offset?: number | null;
  filter?: object | null;
  orderBy?: readonly unknown[] | null;
  groupBy?: string | null;
  selection?: Selection | null;
  key?: string | null;
  input?: {
    recordIds?: readonly unknown[] | null;
    items?: readonly unknown[] | null;
    selection?: Selection | null;
  };
}

/** Returns the page of a list field. Refuses an invalid page size. */
function page({ first, last, before }: PageArguments): { first: number | null; last: number | null } {
  for (const size of [first, last]) {
    if (typeof size === 'number' && (size < 0 || size > graphqlLimits.page)) {
      throw new VanguardError(
        'INVALID_INPUT',
        `A page has 0 to ${say(graphqlLimits.page)} items, and ${say(size)} were asked for.`,
        { hint: 'Ask for fewer with `first`, and for the next page with `after: pageInfo.endCursor`.' },
      );
    }
  }
  if (typeof first === 'number' || typeof last === 'number')
    return { first: first ?? null, last: last ?? null };
  return typeof before === 'string'
    ? { first: null, last: graphqlLimits.defaultPage }
    : { first: graphqlLimits.defaultPage, last: null };
}

/** A step that reads a list. */
interface ListStep {
  setFirst(first: Step): void;
  setLast(last: Step): void;
}

function limitPage($list: ListStep, args: FieldArgs, backwards: boolean): void {
  const $page = lambda(
    object<Record<keyof PageArguments, Step>>({
      first: args.getRaw('first'),
      last: backwards ? args.getRaw('last') : constant(null),
      before: backwards ? args.getRaw('before') : constant(null),
    }),
    page,
  );
  $list.setFirst(access($page, 'first'));
  if (backwards) $list.setLast(access($page, 'last'));
}

/**
 * Checks the text of a query before parsing and validation, which take several times as long as a scan of its length.
 */
function checkText(query: unknown): void {
  if (typeof query !== 'string') return;
  const refuse = (message: string) => {
    throw new SafeError(message, { code: 'INVALID_QUERY', statusCode: 400 });
  };
  if (query.length > graphqlLimits.characters) {
    refuse(
      `The query has ${say(query.length)} characters; at most ${say(graphqlLimits.characters)} are allowed. Send values as variables, and ask for less in one query.`,
    );
  }
  const { tokens, fragments, brackets } = countWords(query);
  if (tokens > graphqlLimits.tokens)
    refuse(
      `The query has more than ${say(graphqlLimits.tokens)} words and signs. Ask for less in one query.`,
    );
  if (brackets > graphqlLimits.brackets)
    refuse(
      `The query has more than ${graphqlLimits.brackets} brackets within each other. Ask for fewer levels, in several queries if need be.`,
    );
  if (fragments > graphqlLimits.fragments)
    refuse(
      `The query has ${fragments} fragments; at most ${graphqlLimits.fragments} are allowed. Ask for less in one query.`,
    );
}

const opening: readonly string[] = [TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L];
const closing: readonly string[] = [TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R];

/** Counts the tokens and fragments of a query and the nesting of its brackets; stops above the limit of tokens. */
function countWords(query: string): { tokens: number; fragments: number; brackets: number } {
  const found = { tokens: 0, fragments: 0, brackets: 0 };
  const lexer = new Lexer(new Source(query));
  let depth = 0;
  try {
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
      if (++found.tokens > graphqlLimits.tokens) break;
      if (opening.includes(token.kind)) found.brackets = Math.max(found.brackets, ++depth);
      else if (closing.includes(token.kind)) depth--;
      else if (depth === 0 && token.kind === TokenKind.NAME && token.value === 'fragment') found.fragments++;
    }
  } catch (error) {
    // The parser reports all other errors.
    if (!(error instanceof GraphQLError)) throw error;
  }
  return found;
}

/** Returns the nesting of lists and objects. */
function nesting(value: unknown): number {
  let deepest = 0;
  const rest: [unknown, number][] = [[value, 0]];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const [current, depth] = next;
    if (typeof current !== 'object' || current === null) continue;
    deepest = Math.max(deepest, depth + 1);
    for (const inner of Object.values(current)) rest.push([inner, depth + 1]);
  }
  return deepest;
}

const tooNested = `A value has more than ${graphqlLimits.valueDepth} lists and objects within each other. Say it more simply, e.g. as one list of conditions.`;

/** Validation rule that limits the nesting of values in the text of a query, e.g. `not: {not: {...}}`. */
function valueDepthRule(context: ValidationContext): ASTVisitor {
  let depth = 0;
  const nested = {
    enter(node: object) {
      depth++;
      // Reports once, at the place that exceeds the limit.
      if (depth === graphqlLimits.valueDepth + 1)
        context.reportError(new GraphQLError(tooNested, { nodes: [node as never] }));
    },
    leave() {
      depth--;
    },
  };
  return { ObjectValue: nested, ListValue: nested };
}

/** Returns whether a field reads the database; the fields of a list's own types, e.g. `nodes`, do not. */
const readsDatabase = (parent: string, field: GraphQLField<unknown, unknown>) =>
  isCompositeType(getNamedType(field.type)) &&
  field.name !== 'query' &&
  !/^__|(Connection|Edge|Payload)$/.test(parent) &&
  !field.name.startsWith('__');

/** Estimated length of the lists of introspection, by type and field; other lists are short. */
const introspectionLists: Readonly<Record<string, number>> = {
  '__Schema.types': 300,
  '__Schema.directives': 10,
  '__Type.fields': 15,
  '__Type.inputFields': 10,
  '__Type.enumValues': 10,
  '__Type.possibleTypes': 5,
  '__Type.interfaces': 5,
};
const otherIntrospectionLists = 5;

/** Measured size of one operation. */
interface Asked {
  cost: number;
  reads: number;
  /** Entries about the schema in the response, and number of queries for them. */
  introspection: { cost: number; schemas: number; types: number };
}

/** Measures an operation with its variables. Throws a GraphQLError for an operation that cannot be measured. */
function measure({ schema, document, variableValues, operationName }: ExecutionArgs): Asked {
  const asked: Asked = { cost: 0, reads: 0, introspection: { cost: 0, schemas: 0, types: 0 } };
  const { introspection } = asked;
  asked.cost = getComplexity({
    schema,
    query: document,
    variables: { ...variableValues },
    ...(operationName ? { operationName } : {}),
    maxQueryNodes: graphqlLimits.fields,
    estimators: [
      // Only counts: the next estimators return the cost of the field.
      ({ type, field }) => {
        if (readsDatabase(type.name, field)) asked.reads++;
      },
      ({ type, field, childComplexity }) => {
        if (field.name === '__schema' || field.name === '__type') {
          introspection[field.name === '__schema' ? 'schemas' : 'types']++;
          introspection.cost += childComplexity;
          return 0;
        }
        if (!type.name.startsWith('__')) return undefined;
        const items = isListType(getNullableType(field.type))
          ? (introspectionLists[`${type.name}.${field.name}`] ?? otherIntrospectionLists)
          : 1;
        return 1 + items * childComplexity;
      },
      fieldExtensionsEstimator(),
      simpleEstimator({ defaultComplexity: costs.value }),
    ],
  });
  return asked;
}

/** Cost of the query that GraphiQL and code generators send, which must stay possible. */
const standardIntrospection = new WeakMap<GraphQLSchema, number>();
function introspectionLimit(schema: GraphQLSchema): number {
  let standard = standardIntrospection.get(schema);
  if (standard === undefined) {
    const query = getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    standard = measure({ schema, document: parse(query) }).introspection.cost;
    standardIntrospection.set(schema, standard);
  }
  return standard * 1.5;
}

/** Costs of requests within the limits. */
const knownCosts = new WeakMap<object, number>();

/** Returns the cost of a request within the limits, in rows of `graphqlLimits.cost`. */
export const costOf = (args: ExecutionArgs): number => knownCosts.get(args) ?? 0;

/** Returns the error of a request that exceeds a limit, given its variables; undefined if it exceeds none. */
export function findExcess(args: ExecutionArgs): GraphQLError | undefined {
  if (nesting(args.variableValues) > graphqlLimits.valueDepth + 1) return new GraphQLError(tooNested);
  let asked: Asked;
  try {
    asked = measure(args);
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
  const { cost, reads, introspection } = asked;
  const tooCostly = (message: string, details: object) =>
    new GraphQLError(message, { extensions: { code: 'QUERY_TOO_COSTLY', ...details } });
  if (cost > graphqlLimits.cost) {
    return tooCostly(
      `The query asks for too much: its cost is ${say(cost)}, at most ${say(graphqlLimits.cost)} is allowed. Ask for smaller pages with \`first\`, for fewer lists within lists, and for fewer filters, searches and counts.`,
      { cost, maximum: graphqlLimits.cost },
    );
  }
  knownCosts.set(args, cost);
  if (reads > graphqlLimits.reads) {
    return tooCostly(
      `The query asks for too much: it has ${say(reads)} lists, related rows and calls, at most ${say(graphqlLimits.reads)} are allowed. Ask for them in several requests.`,
      { reads, maximum: graphqlLimits.reads },
    );
  }
  if (introspection.schemas > graphqlLimits.schemas || introspection.types > graphqlLimits.types) {
    return tooCostly(
      `The query asks ${introspection.schemas} times for \`__schema\` and ${introspection.types} times for \`__type\`; at most ${graphqlLimits.schemas} and ${graphqlLimits.types} are allowed. Ask for the schema once.`,
      { reads: introspection.schemas + introspection.types },
    );
  }
  if (introspection.cost > 0) {
    const maximum = introspectionLimit(args.schema);
    if (introspection.cost > maximum)
      return tooCostly(
        'The query asks for more of the schema than all of it. Send the standard introspection query, or ask for single types.',
        { cost: introspection.cost, maximum },
      );
  }
  return undefined;
}

/** Cached responses to queries for the schema alone, which is the same for all users. */
const introspected = new WeakMap<DocumentNode, unknown>();

/** Returns whether a document always has the same response: one query, for the schema alone, without variables. */
function asksOnlyForSchema({ definitions }: DocumentNode): boolean {
  const operations = definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  return (
    operations.length === 1 &&
    operation?.operation === OperationTypeNode.QUERY &&
    !operation.variableDefinitions?.length &&
    operation.selectionSet.selections.every(
      (one) => one.kind === Kind.FIELD && /^__(schema|type)$/.test(one.name.value),
    )
  );
}

/** Returns the maximum number of items of a list. */
const itemsOf = ({ first, last }: PageArguments) => Math.max(0, first ?? last ?? graphqlLimits.defaultPage);

/** Refuses empty parts of a filter, which could mean all records or none. */
function checkFilter(filter: unknown, path: string): void {
  const isEmpty = filter === null || (typeof filter === 'object' && Object.keys(filter).length === 0);
  if (isEmpty) {
    const found = filter === null ? 'null' : Array.isArray(filter) ? 'an empty list' : 'empty';
    throw new GraphQLError(
      `The filter has ${found} at \`${path}\`. Leave it out for all records, or compare with {isNull: true}.`,
      { extensions: { code: 'INVALID_INPUT' } },
    );
  }
  if (typeof filter !== 'object') return;
  for (const [key, inner] of Object.entries(filter)) checkFilter(inner, `${path}.${key}`);
}

/** Counts the comparisons of a filter and the values in them. */
function countConditions(filter: unknown): { conditions: number; values: number } {
  if (typeof filter !== 'object' || filter === null) return { conditions: 1, values: 1 };
  if (Array.isArray(filter) && typeof filter[0] !== 'object') return { conditions: 1, values: filter.length };
  const found = { conditions: 0, values: 0 };
  for (const inner of Object.values(filter)) {
    const { conditions, values } = countConditions(inner);
    found.conditions += conditions;
    found.values += values;
  }
  return found;
}

/** Returns the number of passes that the conditions of a filter add to the pass that reads the rows. */
function passesOfFilter(filter: object | null | undefined, each: number = passes.condition): number {
  if (filter === undefined) return 0;
  checkFilter(filter, 'filter');
  const { conditions, values } = countConditions(filter);
  if (conditions > graphqlLimits.conditions) {
    throw new GraphQLError(
      `The query asks for too much: a filter has ${say(conditions)} conditions, at most ${graphqlLimits.conditions} are allowed. Use \`in\` with a list of values.`,
      { extensions: { code: 'QUERY_TOO_COSTLY', conditions, maximum: graphqlLimits.conditions } },
    );
  }
  return conditions * passes.condition + (values - conditions) * each;
}

/** Returns the number of ids that a filter names, whose records an index finds; undefined if it names none. */
function namedIds(filter: object | null | undefined): number | undefined {
  const { pfaId, and } = (filter ?? {}) as {
    pfaId?: { in?: readonly unknown[]; equalTo?: unknown };
    and?: readonly object[];
  };
  if (pfaId?.equalTo !== undefined) return 1;
  return pfaId?.in?.length ?? and?.map(namedIds).find((ids) => ids !== undefined);
}

/** Returns the number of passes that find the records of a selection, without the work on them. */
function passesOfSelection(selection: Selection | null | undefined): number {
  const { filter, search, containing } = selection ?? {};
  return passesOfFilter(filter ?? undefined, passes.lookedUp) + (search || containing ? passes.search : 0);
}

/** Returns the maximum share of the organization in a selection: all of it, unless the selection names records. */
const shareOf = (recordIds: readonly unknown[] | null | undefined) =>
  recordIds ? recordIds.length / organizationSize : 1;

/** Returns the cost of finding the rows or totals of a field, in rows touched, without the values of the response. */
function costOfFinding(coordinate: string, args: FieldArguments): number {
  const { filter, offset, after, before, last, key, orderBy, selection, input } = args;
  const always = passesOf[coordinate];
  switch (coordinate) {
    case 'Organization.sums':
      return (
        organizationSize *
        ((args.groupBy === 'month' ? passes.sumsByMonth : passes.sums) + passesOfSelection(selection))
      );
    case 'Organization.bulkPreview':
      return (
        organizationSize * (passes.bulkPreview * shareOf(selection?.recordIds) + passesOfSelection(selection))
      );
    case 'Organization.foundRecords':
      return organizationSize * (passes.search + passesOfFilter(filter));
    case 'Mutation.saveDrafts':
    case 'Mutation.resolveProblems':
      return costs.call + costs.saved * (input?.items?.length ?? 1);
  }
  if (bulkChanges.test(coordinate)) {
    const named = input?.selection?.recordIds ?? input?.recordIds;
    return (
      costs.call +
      organizationSize * (passes.bulkChange * shareOf(named) + passesOfSelection(input?.selection))
    );
  }
  const ids = /\.(pfaRecords|myDrafts)$/.test(coordinate) ? namedIds(filter) : undefined;
  if (ids !== undefined) return ids * (costs.byId + passesOfFilter(filter) / ids);
  const scans = filter || offset || after || before || last || key || (orderBy?.length ?? 0) > 1;
  return (
    organizationSize *
      ((always ?? 0) + (scans ? passes.scan : 0) + passesOfFilter(filter) + passesOfSelection(selection)) +
    costs.skipped * Math.max(0, offset ?? 0)
  );
}

/** Returns whether the fields may contain `totalCount`; a fragment may contain it. */
const mayCount = (fields: SelectionSetNode | undefined): boolean =>
  fields?.selections.some((one) =>
    one.kind === Kind.FIELD
      ? one.name.value === 'totalCount'
      : one.kind === Kind.FRAGMENT_SPREAD || mayCount(one.selectionSet),
  ) ?? false;

/** Cost of a list: finding its rows, counting them, and a cursor per row with the values of its sort. */
const costOfList: ComplexityEstimator = ({ args, childComplexity, node, field, type }) => {
  const coordinate = `${type.name}.${field.name}`;
  const finding = costOfFinding(coordinate, args);
  const counting = histories.test(coordinate) ? passesOfHistory : passes.scan;
  return (
    costs.list +
    finding +
    (mayCount(node.selectionSet) ? Math.max(finding, counting * organizationSize) : 0) +
    itemsOf(args) * (childComplexity + costs.value * ((args as FieldArguments).orderBy?.length ?? 0))
  );
};

/** Refuses requests above graphqlLimits before their execution. */
export const limitsPlugin = (introspection: boolean): GraphileConfig.Plugin => ({
  name: 'LimitsPlugin',
  version: '1.0.0',
  after: ['PgFirstLastBeforeAfterArgsPlugin'],
  grafserv: {
    middleware: {
      setPreset(next, event) {
        event.validationRules.push(
          depthLimit({
            maxDepth: graphqlLimits.depth,
            maxListDepth: graphqlLimits.listDepth,
            maxSelfReferentialDepth: graphqlLimits.sameField,
            // The depth of the introspection query of graphql-js, which GraphiQL and code generators send.
            maxIntrospectionDepth: 14,
            maxDepthByFieldCoordinates: { '__Type.ofType': 9 },
            revealDetails: true,
          }),
          valueDepthRule,
          ...(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
        );
        return next();
      },
      processGraphQLRequestBody(next, { body }) {
        checkText(body.query);
        return next();
      },
    },
  },
  grafast: {
    middleware: {
      execute(next, { args }) {
        const known = introspected.get(args.document);
        if (known) return known;
        const excess = findExcess(args);
        if (excess) return { errors: [excess] };
        const result = next();
        if (asksOnlyForSchema(args.document)) introspected.set(args.document, result);
        return result;
      },
      subscribe(next, { args }) {
        const excess = findExcess(args);
        return excess ? { errors: [excess] } : next();
      },
    },
  },
  schema: {
    hooks: {
      GraphQLSchema(schema) {
        const grafast = {
          ...schema.extensions?.grafast,
          operationsCacheMaxLength: keptPlans.queries,
          operationOperationPlansCacheMaxLength: keptPlans.variants,
        };
        return { ...schema, extensions: { ...schema.extensions, grafast } };
      },
      GraphQLObjectType_fields_field_args(args, _build, { scope }) {
        if (!scope.isPgFieldConnection && !scope.isPgFieldSimpleCollection) return args;
        // The plan of the field applies them, because it knows all of them.
        for (const name of ['first', 'last']) {
          const arg = args[name];
          if (arg) delete arg.applyPlan;
        }
        return args;
      },
      GraphQLObjectType_fields_field(field, { graphql }, { scope }) {
        const { plan } = field;
        const isList = scope.isPgFieldConnection || scope.isPgFieldSimpleCollection;
        const type = graphql.getNamedType(field.type);
        const isFunction = /^(typeField|queryField|mutationField)\b/.test(scope.fieldBehaviorScope ?? '');
        const own = isFunction
          ? graphql.isCompositeType(type)
            ? costs.call
            : costs.computed
          : type.name === 'JSON'
            ? costs.json
            : costs.value;
        const complexity: ComplexityEstimator = isList
          ? costOfList
          : ({ childComplexity, args, type: parent, field: { name } }) =>
              own + childComplexity + (isFunction ? costOfFinding(`${parent.name}.${name}`, args) : 0);
        const extensions = { ...field.extensions, complexity };
        if (!isList || !plan) return { ...field, extensions };
        return {
          ...field,
          extensions,
          plan($parent, args, info) {
            const $list = plan($parent, args, info) as ListStep;
            limitPage(
              $list,
              args,
              info.field.args.some(({ name }) => name === 'last'),
            );
            return $list as never;
          },
        };
      },
    },
  },
});
