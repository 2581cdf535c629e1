import { depthLimit } from '@graphile/depth-limit';
import {
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
  type ComplexityEstimator,
} from 'graphql-query-complexity';
import { access, constant, lambda, object, SafeError, type FieldArgs, type Step } from 'postgraphile/grafast';
import {
  getNamedType,
  GraphQLError,
  isCompositeType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  type ASTVisitor,
  type ExecutionArgs,
  type GraphQLField,
  type SelectionSetNode,
  type ValidationContext,
} from 'postgraphile/graphql';
import { VanguardError } from '../errors.ts';

/**
 * How much one GraphQL request may ask for. A signed-in user could otherwise exhaust the server with a few hundred
 * characters: every list can be nested in another one.
 */
export const graphqlLimits = {
  /** Most items of one list, and how many it has when the query does not say. */
  page: 1000,
  defaultPage: 100,
  /** What a whole query may cost: about the time it can take at worst, in steps of 10 microseconds. */
  cost: 150_000,
  /** Looks into the database: lists, related rows, sums, changes. The plan of each takes memory, also while it is kept. */
  reads: 50,
  /** Fields in all, those of a fragment counted wherever it is used. */
  fields: 3000,
  /** Fields within fields, lists within lists, the same field within itself. */
  depth: 12,
  listDepth: 4,
  sameField: 2,
  /** Lists and objects within each other in an argument or a variable, e.g. in a filter. */
  valueDepth: 20,
  /** The text of the query. */
  characters: 20_000,
  tokens: 5000,
} as const;

/** How many plans are kept, so that the same query need not be planned again: a large one has megabytes. */
const keptPlans = { queries: 50, variants: 3 };

/** What a field costs that is not merely a value of its row. Measured with an organization of 20,000 records. */
const costs = {
  /** A change, or what the database computes anew from many rows, e.g. the sums of an organization. */
  call: 500,
  /** A list: one more look into the database. */
  list: 100,
  /** A list that no index may lead to, because it is filtered or does not begin at its beginning: in the worst case all is read. */
  scan: 1000,
  /** Looking for words of which an index may know nothing, e.g. of one letter. */
  search: 10_000,
  /** Adding up the records of an organization. */
  sums: 2000,
  /** A count of everything that a list could show. */
  count: 500,
  /** A condition of a filter, for every row that is looked at. */
  condition: 30,
  /** A value that is computed from its row. */
  computed: 5,
  /** A whole record. */
  json: 10,
};

const say = (n: number) => n.toLocaleString('en');

/** What a list field was asked for; null and undefined both say nothing. */
interface PageArguments {
  first?: number | null;
  last?: number | null;
  before?: string | null;
}

interface ListArguments extends PageArguments {
  after?: string | null;
  offset?: number | null;
  filter?: object | null;
  orderBy?: readonly unknown[] | null;
  selection?: { filter?: object | null; search?: string | null; containing?: unknown } | null;
  key?: string | null;
}

/** The page that a list field answers with. Refuses what is no size of a page. */
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

/** The text of a query, before anything is done with it: parsing and checking take a multiple of its length. */
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
  // Shorter texts cannot have more words than that.
  if (query.length <= graphqlLimits.tokens) return;
  try {
    parse(query, { maxTokens: graphqlLimits.tokens });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes('tokens'))
      refuse(
        `The query has more than ${say(graphqlLimits.tokens)} words and signs. Ask for less in one query.`,
      );
    // What else is wrong with it is said when it is parsed for use.
  }
}

/** How many lists and objects lie within each other. */
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

/** Validation rule: how deeply the values in the text of a query are nested, e.g. `not: {not: {...}}`. */
function valueDepthRule(context: ValidationContext): ASTVisitor {
  let depth = 0;
  const nested = {
    enter(node: object) {
      depth++;
      // Said once, at the place where it becomes too much.
      if (depth === graphqlLimits.valueDepth + 1)
        context.reportError(new GraphQLError(tooNested, { nodes: [node as never] }));
    },
    leave() {
      depth--;
    },
  };
  return { ObjectValue: nested, ListValue: nested };
}

/** Whether a field is another look into the database; those of a list's own types, e.g. `nodes`, are not. */
const readsDatabase = (parent: string, field: GraphQLField<unknown, unknown>) =>
  isCompositeType(getNamedType(field.type)) &&
  field.name !== 'query' &&
  !/^__|(Connection|Edge|Payload)$/.test(parent) &&
  !field.name.startsWith('__');

/** Costs of requests that passed the limits. */
const knownCosts = new WeakMap<object, number>();

/** What a request costs that passed the limits, in units of `graphqlLimits.cost`. */
export const costOf = (args: ExecutionArgs): number => knownCosts.get(args) ?? 0;

/** What is wrong with the size of a request that is about to be executed, its variables known. */
function findExcess(args: ExecutionArgs): GraphQLError | undefined {
  const { schema, document, variableValues, operationName } = args;
  if (nesting(variableValues) > graphqlLimits.valueDepth + 1) return new GraphQLError(tooNested);
  let cost: number;
  let reads = 0;
  try {
    cost = getComplexity({
      schema,
      query: document,
      variables: { ...variableValues },
      ...(operationName ? { operationName } : {}),
      maxQueryNodes: graphqlLimits.fields,
      estimators: [
        // Only counts: the next ones say what the field costs.
        ({ type, field }) => {
          if (readsDatabase(type.name, field)) reads++;
        },
        fieldExtensionsEstimator(),
        simpleEstimator({ defaultComplexity: 1 }),
      ],
    });
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
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
  return undefined;
}

/** How many items a list has at most. */
const itemsOf = ({ first, last }: PageArguments) => Math.max(0, first ?? last ?? graphqlLimits.defaultPage);

/** What the conditions of a filter cost: each by itself, and each value of an `in`. */
function costOfFilter(filter: unknown): number {
  if (typeof filter !== 'object' || filter === null) return costs.condition;
  if (Array.isArray(filter) && typeof filter[0] !== 'object') return costs.condition + filter.length;
  return Object.values(filter).reduce((sum: number, inner) => sum + costOfFilter(inner), 0);
}

/** What it costs to find the rows of a list, apart from what is asked of each. */
function costOfFinding({ filter, offset, after, before, key }: ListArguments): number {
  const scans = filter || offset || after || before || key;
  return (
    costs.list +
    (scans ? costs.scan : 0) +
    (filter ? costOfFilter(filter) : 0) +
    // Rows that are skipped are read.
    Math.max(0, offset ?? 0) / 5
  );
}

/** What adding up a selection of records costs. */
function costOfSums({ selection }: ListArguments): number {
  const { filter, search, containing } = selection ?? {};
  return costs.sums + (filter ? costOfFilter(filter) : 0) + (search || containing ? costs.search : 0);
}

/** Whether `totalCount` is among these fields; a fragment may hold it. */
const mayCount = (fields: SelectionSetNode | undefined): boolean =>
  fields?.selections.some((one) =>
    one.kind === Kind.FIELD
      ? one.name.value === 'totalCount'
      : one.kind === Kind.FRAGMENT_SPREAD || mayCount(one.selectionSet),
  ) ?? false;

/** A list costs its rows, and with each row a cursor that holds what the list is sorted by. */
const costOfList: ComplexityEstimator = ({ args, childComplexity, node, field }) =>
  costOfFinding(args) +
  (field.args.some(({ name }) => name === 'search') ? costs.search : 0) +
  (field.args.some(({ name }) => name === 'groupBy') ? costOfSums(args) : 0) +
  (mayCount(node.selectionSet) ? costs.count : 0) +
  itemsOf(args) * (childComplexity + ((args as ListArguments).orderBy?.length ?? 0));

/** Refuses what asks for too much before it is executed: see graphqlLimits. */
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
            // As deep as the introspection query of graphql-js, which GraphiQL and code generators send.
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
        const excess = findExcess(args);
        return excess ? { errors: [excess] } : next();
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
        // Done by the plan of the field, which knows all of them.
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
            : 1;
        const complexity: ComplexityEstimator = isList
          ? costOfList
          : ({ childComplexity }) => own + childComplexity;
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
