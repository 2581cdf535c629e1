import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection';
import { GraphQLError, Kind, visit, type GraphQLFormattedError } from 'postgraphile/graphql';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { PgSelectQueryBuilder } from 'postgraphile/@dataplan/pg';
import { makePgService } from 'postgraphile/adaptors/pg';
import { isSafeError } from 'postgraphile/grafast';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter';
import { anonymousSettings } from '../auth/identity.ts';
import { findIdentity, largestBody } from '../http/request.ts';
import { engineText, refusal, tooNested, type Refusal } from '../sqlstates.ts';
import { isRepresentable } from '../numbers.ts';
import type { Admission } from '../http/admission.ts';
import { isClientGone } from '../http/client-gone.ts';
import { admissionPlugin } from './admission.ts';
import { limitsPlugin } from './limits.ts';
import { subscriptionsPlugins, type Subscriber } from './subscriptions.ts';

/** Operators that an index can serve under row level security, or that cost nothing. */
const filterOperators = [
  'isNull',
  'equalTo',
  'notEqualTo',
  'in',
  'lessThan',
  'lessThanOrEqualTo',
  'greaterThan',
  'greaterThanOrEqualTo',
];

/** A view's columns could all be filtered and sorted by; here only those are that its comment offers (`@behavior +filterBy +orderBy`). */
const OfferedViewColumnsPlugin: GraphileConfig.Plugin = {
  name: 'OfferedViewColumnsPlugin',
  version: '1.0.0',
  schema: {
    entityBehavior: {
      pgCodecAttribute: {
        inferred: {
          after: ['inferred'],
          provides: ['offeredViewColumns'],
          callback: (behavior, [codec]) =>
            codec.extensions?.tags?.offersColumns ? [behavior, '-filterBy', '-orderBy'] : behavior,
        },
      },
    },
  },
};

/**
 * Of records that are found by words or values PostGraphile does not know what tells them apart, and refuses cursors: it is
 * their id, since they are all of one organization. The order has to end with it.
 */
const RecordIdOrderPlugin: GraphileConfig.Plugin = {
  name: 'RecordIdOrderPlugin',
  version: '1.0.0',
  schema: {
    hooks: {
      GraphQLEnumType_values: {
        after: ['PgOrderAllAttributesPlugin'],
        callback(values, _build, { scope: { isPgRowSortEnum, pgCodec } }) {
          if (!isPgRowSortEnum || pgCodec?.name !== 'pfaRecord') return values;
          for (const direction of ['ASC', 'DESC']) {
            const { grafast } = values[`PFA_ID_${direction}`]!.extensions!;
            const orderBy = grafast!.apply!;
            grafast!.apply = (queryBuilder: PgSelectQueryBuilder, ...more) => {
              orderBy(queryBuilder, ...more);
              queryBuilder.setOrderIsUnique();
            };
          }
          return values;
        },
      },
    },
  },
};

/** What selections of records are filtered by is the filter of the record list; the database gets it as the JSON that it is. */
const SelectionFilterPlugin: GraphileConfig.Plugin = {
  name: 'SelectionFilterPlugin',
  version: '1.0.0',
  schema: {
    hooks: {
      init: {
        // Which would make a scalar of the same name out of the domain.
        before: ['PgCodecs'],
        callback(init, build) {
          const { pfaRecordFilter } = build.input.pgRegistry.pgCodecs;
          if (pfaRecordFilter) build.setGraphQLTypeForPgCodec(pfaRecordFilter, 'input', 'PfaRecordFilter');
          return init;
        },
      },
    },
  },
};

/** Without Relay's global ids there is nothing that a column `id` could be mistaken for. */
const PlainIdPlugin: GraphileConfig.Plugin = {
  name: 'PlainIdPlugin',
  version: '1.0.0',
  inflection: {
    replace: {
      _attributeName: (previous, _options, details) => previous!({ ...details, skipRowId: true }),
    },
  },
};

/** As in REST: a number that JavaScript can only hold as Infinity or 0 would change a value in silence. */
const RepresentableNumbersPlugin: GraphileConfig.Plugin = {
  name: 'RepresentableNumbersPlugin',
  version: '1.0.0',
  schema: {
    hooks: {
      GraphQLScalarType(config) {
        const { parseLiteral } = config;
        if (config.name !== 'JSON' || !parseLiteral) return config;
        const refuse = (node: { value: string }) => {
          if (!isRepresentable(node.value))
            throw new GraphQLError(`The number ${node.value.slice(0, 30)} is too large or too small.`);
        };
        return {
          ...config,
          parseLiteral: (ast, variables) => {
            visit(ast, { [Kind.INT]: refuse, [Kind.FLOAT]: refuse });
            return parseLiteral(ast, variables) as unknown;
          },
        };
      },
    },
  },
};

/** How many things that are wrong with one query are said; there can be a hundred. */
const mostErrors = 5;

/** An answer without data, as bytes: what is wrong with the request itself. */
const errorsOnly = Buffer.from('{"errors":');

/** What is wrong with a request as a client is told it: not everything, and with what helps. */
export const presentable = (errors: readonly GraphQLFormattedError[], introspection: boolean) =>
  errors.slice(0, mostErrors).map((error) => ({
    ...error,
    message: helpful(introspection ? error.message : withoutSuggestions(error.message)),
  }));

/** Errors that come before a query is executed (it does not parse, does not fit, is no POST) pass by maskError: they get their code here. */
const errorCodesPlugin = (introspection: boolean): GraphileConfig.Plugin => ({
  name: 'ErrorCodesPlugin',
  version: '1.0.0',
  grafserv: {
    middleware: {
      async processRequest(next) {
        const result = await next();
        if (result?.type !== 'buffer' || !result.buffer.subarray(0, errorsOnly.length).equals(errorsOnly))
          return result;
        const { errors } = JSON.parse(result.buffer.toString()) as { errors: GraphQLFormattedError[] };
        const code = result.statusCode >= 500 ? 'INTERNAL' : 'INVALID_QUERY';
        const coded = presentable(errors, introspection).map((error) => ({
          ...error,
          extensions: { code, ...error.extensions, statusCode: undefined },
        }));
        const buffer = Buffer.from(JSON.stringify({ errors: coded }));
        const headers = { ...result.headers, 'content-length': String(buffer.length) };
        const { code: reason, retryAfter } = (coded[0]?.extensions ?? {}) as {
          code?: unknown;
          retryAfter?: number;
        };
        return reason === 'TOO_MANY_REQUESTS'
          ? { ...result, statusCode: 429, headers: { ...headers, 'retry-after': String(retryAfter) }, buffer }
          : { ...result, headers, buffer };
      },
    },
  },
});

/** Where the schema is not told, names that are like the wrong one would tell it piece by piece. */
const withoutSuggestions = (message: string) => message.replace(/ Did you mean [^]*\?$/, '');

/** What the GraphQL library refuses without saying what to do. */
const whatHelps: readonly [RegExp, string][] = [
  [/^Media type .* is not allowed$/, 'Send JSON with `Content-Type: application/json`.'],
  [/^query must be a string$/, 'Send `{"query": "{ ... }"}` and, where needed, `variables`.'],
  [/cursor when there is a unique defined order/, 'End `orderBy` with `PFA_ID_ASC`.'],
  [/exceeds operation depth limits/, 'Ask for fewer levels, in several queries if need be.'],
];

function helpful(message: string): string {
  if (engineText.test(message)) return tooNested.message;
  const hint = whatHelps.find(([words]) => words.test(message))?.[1];
  return hint ? `${message.replace(/\.?$/, '.')} ${hint}` : message;
}

/** Words of the GraphQL library for what is wrong with a query but is not marked as such, and ours for it. */
const faultsOfQueries: readonly [RegExp, string][] = [
  [
    /^Invalid cursor digest/,
    'The cursor belongs to another order. Page on with the order that it came from.',
  ],
  [
    /^Query planning error: Query is too complex/,
    'The query is nested too deeply. Ask for less in one query.',
  ],
];

function faultOfQuery(cause: Error): string | undefined {
  if (isSafeError(cause)) return helpful(cause.message);
  return faultsOfQueries.find(([words]) => words.test(cause.message))?.[1];
}

/** What a client is told of an error; of our own failures nothing, they are in the log. */
export const maskErrors =
  (logger: Logger | undefined) =>
  (error: GraphQLError): GraphQLError => {
    const cause = error.originalError;
    // Without a cause the error is the query's: it does not parse, or does not fit the schema.
    if (!cause || cause instanceof GraphQLError) {
      if (engineText.test(error.message))
        return new GraphQLError(tooNested.message, { extensions: { code: tooNested.code } });
      return Object.assign(error, { extensions: { code: 'INVALID_QUERY', ...error.extensions } });
    }
    const fault = faultOfQuery(cause);
    const refused: Refusal =
      fault === undefined ? refusal(cause) : { status: 400, code: 'INVALID_QUERY', message: fault };
    if (refused.status >= 500 && !isClientGone())
      logger?.error({ err: cause, path: error.path }, 'a GraphQL request failed');
    return new GraphQLError(refused.message, {
      nodes: error.nodes,
      source: error.source,
      positions: error.positions,
      path: error.path,
      extensions: {
        code: refused.code,
        ...(refused.details === undefined ? {} : { details: refused.details }),
        ...(refused.retryAfter === undefined ? {} : { retryAfter: refused.retryAfter }),
      },
    });
  };

/** What the GraphQL API is made with. */
export interface GraphqlOptions {
  /** Connects as vanguard_authenticator. */
  pool: pg.Pool;
  /** Whether who has signed in may ask what the schema is. */
  introspection: boolean;
  /** Absent where nothing is executed. */
  admission?: Admission;
  logger?: Logger;
  /** Who has subscribed through a websocket. */
  findSubscriber?: (socket: object) => Subscriber | undefined;
}

/** The GraphQL API over app_public: nothing is published but what the visitor has a right to, and no generated mutations. */
export function graphqlPreset({
  pool,
  introspection,
  admission,
  logger,
  findSubscriber,
}: GraphqlOptions): GraphileConfig.Preset {
  return {
    extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset, PostGraphileConnectionFilterPreset],
    plugins: [
      OfferedViewColumnsPlugin,
      RecordIdOrderPlugin,
      SelectionFilterPlugin,
      PlainIdPlugin,
      RepresentableNumbersPlugin,
      errorCodesPlugin(introspection),
      limitsPlugin(introspection),
      ...(admission ? [admissionPlugin(admission)] : []),
      ...subscriptionsPlugins,
    ],
    disablePlugins: [
      'NodePlugin',
      'AddNodeInterfaceToSuitableTypesPlugin',
      // One way to filter: the filter argument.
      'PgConditionArgumentPlugin',
      // Filters through relations reach tables without an index for them.
      'PgConnectionArgFilterForwardRelationsPlugin',
      'PgConnectionArgFilterBackwardRelationsPlugin',
    ],
    pgServices: [makePgService({ pool, schemas: ['app_public'], pubsub: false })],
    schema: {
      defaultBehavior: '-resource:insert -resource:update -resource:delete -list -query:resource:connection',
      dontSwallowErrors: true,
      connectionFilterAllowedOperators: filterOperators,
      connectionFilterComputedColumns: false,
      connectionFilterSetofFunctions: false,
      connectionFilterArrays: false,
    },
    grafast: {
      context: (requestContext) => {
        const request = requestContext.expressv4?.req;
        const identity = request && findIdentity(request);
        const socket = requestContext.ws?.socket;
        return {
          pgSettings: { ...(identity?.settings ?? anonymousSettings) },
          subscriber: (socket && findSubscriber?.(socket)) ?? null,
        };
      },
    },
    grafserv: {
      graphqlPath: '/graphql',
      // http/graphiql.ts serves it.
      graphiql: false,
      graphiqlOnGraphQLGET: false,
      websockets: true,
      maxRequestLength: largestBody,
      // http/body.ts reads it, with its limits.
      allowedRequestContentTypes: ['application/json'],
      // A parsed query can have megabytes.
      parseAndValidateCacheSize: 50,
      maskError: maskErrors(logger),
    },
  };
}
