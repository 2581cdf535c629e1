import { depthLimit } from '@graphile/depth-limit';
import {
  fieldExtensionsEstimator,
  getComplexity,
  simpleEstimator,
  type ComplexityEstimator,
} from 'graphql-query-complexity';
import { access, constant, lambda, object, SafeError, type FieldArgs, type Step } from 'postgraphile/grafast';
import {
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  type ASTVisitor,
  type ExecutionArgs,
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
  /** What a whole query may cost; about the number of values in the largest answer it can have. */
  cost: 150_000,
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

/** What a field costs that is not merely a value of its row. */
const costs = {
  /** A change, or what the database computes anew from many rows, e.g. the sums of an organization. */
  call: 500,
  /** A list: one more look into the database, and maybe a count of everything that a filter matches. */
  list: 100,
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

/** What is wrong with the size of a request that is about to be executed, its variables known. */
function findExcess({
  schema,
  document,
  variableValues,
  operationName,
}: ExecutionArgs): GraphQLError | undefined {
  if (nesting(variableValues) > graphqlLimits.valueDepth + 1) return new GraphQLError(tooNested);
  let cost: number;
  try {
    cost = getComplexity({
      schema,
      query: document,
      variables: { ...variableValues },
      ...(operationName ? { operationName } : {}),
      estimators: [fieldExtensionsEstimator(), simpleEstimator({ defaultComplexity: 1 })],
    });
  } catch (error) {
    if (error instanceof GraphQLError) return error;
    throw error;
  }
  if (cost <= graphqlLimits.cost) return undefined;
  return new GraphQLError(
    `The query asks for too much: its cost is ${say(cost)}, at most ${say(graphqlLimits.cost)} is allowed. Ask for smaller pages with \`first\`, and for fewer lists within lists.`,
    { extensions: { code: 'QUERY_TOO_COSTLY', cost, maximum: graphqlLimits.cost } },
  );
}

/** How many items a list has at most. */
const itemsOf = ({ first, last }: PageArguments) => Math.max(0, first ?? last ?? graphqlLimits.defaultPage);

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
    },
  },
  schema: {
    hooks: {
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
        const own = isList
          ? costs.list
          : isFunction
            ? graphql.isCompositeType(type)
              ? costs.call
              : costs.computed
            : type.name === 'JSON'
              ? costs.json
              : 1;
        const complexity: ComplexityEstimator = ({ args, childComplexity }) =>
          own + (isList ? itemsOf(args) : 1) * childComplexity;
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
