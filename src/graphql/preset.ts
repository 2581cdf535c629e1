import { PgSimplifyInflectionPreset } from '@graphile/simplify-inflection';
import { GraphQLError } from 'graphql';
import type pg from 'pg';
import type { Logger } from 'pino';
import { makePgService } from 'postgraphile/adaptors/pg';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { PostGraphileConnectionFilterPreset } from 'postgraphile-plugin-connection-filter';
import { anonymousSettings } from '../auth/identity.ts';
import { findIdentity } from '../http/request.ts';
import { refusal } from '../sqlstates.ts';

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

/** What the GraphQL API is made with. */
export interface GraphqlOptions {
  /** Connects as vanguard_authenticator. */
  pool: pg.Pool;
  production: boolean;
  logger?: Logger;
}

/** The GraphQL API over app_public: nothing is published but what the visitor has a right to, and no generated mutations. */
export function graphqlPreset({ pool, production, logger }: GraphqlOptions): GraphileConfig.Preset {
  return {
    extends: [PostGraphileAmberPreset, PgSimplifyInflectionPreset, PostGraphileConnectionFilterPreset],
    plugins: [OfferedViewColumnsPlugin, PlainIdPlugin],
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
      defaultBehavior: '-insert -update -delete -list -query:resource:connection',
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
        return { pgSettings: { ...(identity?.settings ?? anonymousSettings) } };
      },
    },
    grafserv: {
      graphqlPath: '/graphql',
      graphiqlPath: '/graphiql',
      graphiql: !production,
      graphiqlOnGraphQLGET: false,
      maxRequestLength: 100_000,
      maskError(error) {
        const cause = error.originalError;
        // Without a cause the error is the query's: it does not parse, or does not fit the schema.
        if (!cause || cause instanceof GraphQLError) {
          return Object.assign(error, { extensions: { code: 'INVALID_QUERY', ...error.extensions } });
        }
        const refused = refusal(cause);
        if (refused.status >= 500)
          logger?.error({ err: cause, path: error.path }, 'a GraphQL request failed');
        return new GraphQLError(refused.message, {
          nodes: error.nodes,
          source: error.source,
          positions: error.positions,
          path: error.path,
          extensions: {
            code: refused.code,
            ...(refused.details === undefined ? {} : { details: refused.details }),
          },
        });
      },
    },
  };
}
