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

/** Filter operators that an index can serve under row level security, or that cost nothing. */
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

/**
 * Publishes filters and sorts only for the columns that the comment of a view offers (`@behavior +filterBy +orderBy`).
 */
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
 * Makes cursors work for records found by words or values. PostGraphile does not know what identifies these records and
 * refuses cursors; the record id does, because all belong to one organization. The order must end with the id.
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

/** Gives selections of records the filter type of the record list; the database receives the filter as JSON. */
const SelectionFilterPlugin: GraphileConfig.Plugin = {
  name: 'SelectionFilterPlugin',
  version: '1.0.0',
  schema: {
    hooks: {
      init: {
        // PgCodecs would make a scalar of the same name from the domain.
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

/** Keeps columns named `id`: without the global ids of Relay, the name is unambiguous. */
const PlainIdPlugin: GraphileConfig.Plugin = {
  name: 'PlainIdPlugin',
  version: '1.0.0',
  inflection: {
    replace: {
      _attributeName: (previous, _options, details) => previous!({ ...details, skipRowId: true }),
    },
  },
};

/** Refuses, as REST does, a number that JavaScript can only hold as Infinity or 0: the value would change silently. */
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

/** Maximum number of errors reported for one query; a query can have a hundred. */
const mostErrors = 5;

/** Beginning of a response without data: the request itself is invalid. */
const errorsOnly = Buffer.from('{"errors":');

/** Returns the errors of a request as a client sees them: not all of them, and each with a hint. */
export const presentable = (errors: readonly GraphQLFormattedError[], introspection: boolean) =>
  errors.slice(0, mostErrors).map((error) => ({
    ...error,
    message: helpful(introspection ? error.message : withoutSuggestions(error.message)),
  }));

/**
 * Adds codes to errors that bypass maskError because they come before execution: a query that does not parse or
 * validate, or is no POST.
 */
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

/** Removes suggestions of similar names, which would reveal a hidden schema piece by piece. */
const withoutSuggestions = (message: string) => message.replace(/ Did you mean [^]*\?$/, '');

/** Hints for errors of the GraphQL library that give none. */
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

/** Errors of the GraphQL library that are the client's but not marked so, with the messages of this API. */
const faultsOfQueries: readonly [RegExp, string][] = [
  [
    /^Invalid cursor digest/,
    'The cursor belongs to another order. Continue with the order that the cursor came from.',
  ],
  [
    /^Query planning error: Query is too complex/,
    'The query is nested too deeply. Request less in one query.',
  ],
];

function faultOfQuery(cause: Error): string | undefined {
  if (isSafeError(cause)) return helpful(cause.message);
  return faultsOfQueries.find(([words]) => words.test(cause.message))?.[1];
}

/** Returns the error that a client sees. Internal errors are hidden from the client and logged. */
export const maskErrors =
  (logger: Logger | undefined) =>
  (error: GraphQLError): GraphQLError => {
    const cause = error.originalError;
    // An error without a cause is the query's: it does not parse, or does not match the schema.
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

/** Parts and settings of the GraphQL API. */
export interface GraphqlOptions {
  /** Connects as vanguard_authenticator. */
  pool: pg.Pool;
  /** Whether signed-in users may query the schema. */
  introspection: boolean;
  /** Absent if no query is executed. */
  admission?: Admission;
  logger?: Logger;
  /** Returns the subscriber behind a websocket. */
  findSubscriber?: (socket: object) => Subscriber | undefined;
}

/**
 * Returns the preset of the GraphQL API over app_public: publishes only what the visitor has rights to, and no
 * generated mutations.
 */
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
      // The filter argument is the only way to filter.
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
      // A parsed query can take megabytes.
      parseAndValidateCacheSize: 50,
      maskError: maskErrors(logger),
    },
  };
}
