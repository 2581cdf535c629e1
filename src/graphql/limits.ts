// Before anything of PostGraphile is imported, whoever imports this.
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
 * How much one GraphQL request may ask for. A signed-in user could otherwise exhaust the server with a few hundred
 * characters: every list can be nested in another one.
 */
export const graphqlLimits = {
  /** Most items of one list, and how many it has when the query does not say. */
  page: 1000,
  defaultPage: 100,
  /** What a whole query may cost, in rows touched: see `costs`. */
  cost: 1_300_000,
  /** Comparisons of one filter. */
  conditions: 200,
  /** Looks into the database: lists, related rows, sums, changes. The plan of each takes memory, also while it is kept. */
  reads: 50,
  /** Questions for the schema as a whole, and for single types of it. */
  schemas: 1,
  types: 10,
  /** Fields in all, those of a fragment counted wherever it is used. */
  fields: 3000,
  /** Fields within fields, lists within lists, the same field within itself. */
  depth: 12,
  listDepth: 4,
  sameField: 2,
  /** Lists and objects within each other in an argument or a variable, e.g. in a filter. */
  valueDepth: 20,
  /** Brackets within each other, and fragments, which may lie within each other too: what reads a query recurses. */
  brackets: 60,
  fragments: 50,
  /** The text of the query. */
  characters: 20_000,
  tokens: 5000,
} as const;

/** How many plans are kept, so that the same query need not be planned again: a large one has megabytes. */
const keptPlans = { queries: 50, variants: 3 };

/**
 * The size of an organization that costs are counted for. In a larger one all of this takes longer in proportion, as a single
 * total of it does, which has to stay possible.
 */
const organizationSize = 20_000;

/**
 * What things cost, in rows touched: a row that a filtered count looks at takes the database half a microsecond. The whole limit is
 * thus 0.6 s of its CPU, and up to twice as much for a user who has drafts of all records. `npm run bench -- --only cost` measures it.
 */
const costs = {
  /** A value of a row in the answer, most of which is the work of the server; one that is computed; a whole record. */
  value: 8,
  computed: 40,
  json: 80,
  /** A list or a call: one more look into the database. */
  list: 800,
  call: 4000,
  /** A row that an index leads to by its id. */
  byId: 10,
  /** A row that is skipped. */
  skipped: 2,
  /** One draft that is saved, or one problem that is resolved. */
  saved: 100,
} as const;

/** How often the rows of a whole organization are touched. */
const passes = {
  scan: 1,
  /** Of each condition, and of each value in a list of values, which are compared one by one. In selections they are looked up. */
  condition: 0.05,
  lookedUp: 0.0001,
  /** Looking for words of which an index may know nothing, e.g. of one letter. */
  search: 8,
  sums: 2,
  sumsByMonth: 6,
  bulkPreview: 40,
  /** Changing everything in one call, which is one a request. */
  bulkChange: 40,
} as const;

/** Passes over the organization of fields that always go through much, by type and field. */
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

/** Lists of what happened, which are longer than the organization: counting them takes so many passes. */
const passesOfHistory = 5;
const histories = /\.(changes|commits|pushExchanges|rejects|sparedRemovals|myOperations)$/;

/** Mutations that may change everything in one call, unless they name records. */
const bulkChanges =
  /^Mutation\.(applyBulk|commitDrafts|discardDrafts|discardDraftsOf|takeOverDrafts|undoDraft|redoDraft|resolveAllProblems|withdrawCommits|acceptRemovals)$/;

const say = (n: number) => n.toLocaleString('en');

/** What a list field was asked for; null and undefined both say nothing. */
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

/** Counts the words and signs of a query, its fragments, and how deep brackets lie within each other; stops above the limit of words. */
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
    // What else is wrong with it is said when it is parsed for use.
    if (!(error instanceof GraphQLError)) throw error;
  }
  return found;
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

/** How many entries the lists of introspection have, by type and field; others: a few. */
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

/** What one operation asks for. */
interface Asked {
  cost: number;
  reads: number;
  /** Entries of the answer that are about the schema, and how often it is asked for. */
  introspection: { cost: number; schemas: number; types: number };
}

/** Measures what an operation asks for, its variables known. Throws a GraphQLError for what cannot be measured. */
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
      // Only counts: the next ones say what the field costs.
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

/** What the query costs that GraphiQL and code generators send, which has to be answered. */
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

/** Costs of requests that passed the limits. */
const knownCosts = new WeakMap<object, number>();

/** What a request costs that passed the limits, in rows of `graphqlLimits.cost`. */
export const costOf = (args: ExecutionArgs): number => knownCosts.get(args) ?? 0;

/** What is wrong with the size of a request that is about to be executed, its variables known. */
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

/** The answers to queries that ask for nothing but the schema, which is the same for everybody. */
const introspected = new WeakMap<DocumentNode, unknown>();

/** Whether the answer to a document depends on nothing: one query, for the schema alone, without variables. */
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

/** How many items a list has at most. */
const itemsOf = ({ first, last }: PageArguments) => Math.max(0, first ?? last ?? graphqlLimits.defaultPage);

/** Refuses what a filter must not hold: nothing would tell whether it means all records or none. */
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

/** Counts the comparisons of a filter, and the values that they compare with. */
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

/** How many passes over the rows the conditions of a filter take, besides the one that looks at the rows at all. */
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

/** How many ids a filter names, all of whose records an index leads to; undefined where it names none. */
function namedIds(filter: object | null | undefined): number | undefined {
  const { pfaId, and } = (filter ?? {}) as {
    pfaId?: { in?: readonly unknown[]; equalTo?: unknown };
    and?: readonly object[];
  };
  if (pfaId?.equalTo !== undefined) return 1;
  return pfaId?.in?.length ?? and?.map(namedIds).find((ids) => ids !== undefined);
}

/** What finding the records of a selection takes, apart from what is done with them. */
function passesOfSelection(selection: Selection | null | undefined): number {
  const { filter, search, containing } = selection ?? {};
  return passesOfFilter(filter ?? undefined, passes.lookedUp) + (search || containing ? passes.search : 0);
}

/** How large a part of the organization a selection may be: all of it, unless it names records. */
const shareOf = (recordIds: readonly unknown[] | null | undefined) =>
  recordIds ? recordIds.length / organizationSize : 1;

/** What a field takes to find its rows or its figures, in rows touched, apart from the values of its answer. */
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

/** Whether `totalCount` is among these fields; a fragment may hold it. */
const mayCount = (fields: SelectionSetNode | undefined): boolean =>
  fields?.selections.some((one) =>
    one.kind === Kind.FIELD
      ? one.name.value === 'totalCount'
      : one.kind === Kind.FRAGMENT_SPREAD || mayCount(one.selectionSet),
  ) ?? false;

/** A list costs what it takes to find its rows, once more to count them, and with each row a cursor of what it is sorted by. */
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
