import {
  context,
  lambda,
  listen,
  type FieldArgs,
  type GrafastSubscriber,
  type Step,
} from 'postgraphile/grafast';
import { getOperationAST, GraphQLError, OperationTypeNode } from 'postgraphile/graphql';
import { extendSchema, gql } from 'postgraphile/utils';
import type { Subscription } from '../realtime/subscription.ts';

/** An operation of a websocket client. */
export interface Subscriber extends GrafastSubscriber<Record<string, unknown>> {
  /** The subscription of the operation, once it exists. */
  subscription: Subscription | undefined;
}

/**
 * Publishes the events of an organization as a subscription. The events hold only ids, revisions and states, so that no
 * event needs a query; clients request the rest.
 */
const organizationEvents = extendSchema(() => ({
  typeDefs: gql`
    """
    What kind of event it is.
    """
    enum OrganizationEventKind {
      """
      The first one: from now on everything is told. Load what you need, or ask \`recordsChangedSince\` with the revision that you know.
      """
      READY
      """
      A run of the sync began, has read more rows, or ended: \`sync\`.
      """
      SYNC
      """
      What became of what you committed, and of problems in your drafts: \`commits\`.
      """
      COMMITS
      """
      Records that you watch changed for you: \`records\`.
      """
      RECORDS
      """
      Something was not told: it was too much, you were too slow, or the database was restarted. Ask \`recordsChangedSince\` with the revision that you know.
      """
      RESYNC
    }

    """
    How far a run of the sync is.
    """
    type SyncEvent {
      """
      The run, an id of syncLogs.
      """
      runId: BigInt!
      """
      \`running\`, \`succeeded\` or \`failed\`.
      """
      state: String!
      """
      Rows read so far.
      """
      rowsRead: Int!
      """
      Why it failed.
      """
      errorCode: String
    }

    """
    What became of something that you committed, or of a problem in a draft of yours.
    """
    type CommitEvent {
      """
      The change, an id of myCommits or myDrafts.
      """
      id: BigInt!
      """
      The record.
      """
      recordId: String!
      """
      \`committed\`, \`syncing\` (being written to PEMS), \`synced\` (confirmed), \`problem\` (in your draft, with a problem), \`draft\` (there, its problem is settled),
      \`gone\` (taken back, or taken over by a later commit).
      """
      state: String!
    }

    """
    A record that changed for you.
    """
    type RecordEvent {
      """
      The record.
      """
      recordId: String!
      """
      The revision of the change. Read the record again when the one that you hold is less: perhaps it is gone.
      """
      revision: BigInt!
    }

    """
    Something that happened in an organization: ids only, no values.
    """
    type OrganizationEvent {
      """
      What kind of event it is; of the fields below it has the one of its kind.
      """
      kind: OrganizationEventKind!
      """
      The organization.
      """
      organizationId: Int!
      """
      Go on from here when you were away: with READY and RECORDS.
      """
      revision: BigInt
      """
      With SYNC.
      """
      sync: SyncEvent
      """
      With COMMITS, at most 1,000.
      """
      commits: [CommitEvent!]
      """
      With RECORDS, at most 1,000.
      """
      records: [RecordEvent!]
    }

    extend type Subscription {
      """
      What happens in an organization: syncs, what becomes of your own changes, and which records change for you, by a sync, by push, by a commit of anybody, or
      by a draft of yours. Over a websocket only. Your rights are read again with each event: it ends with UNAUTHENTICATED or FORBIDDEN once they are gone.
      """
      organizationEvents(
        """
        The organization.
        """
        organizationId: Int!
        """
        The records to watch, at most 1,000; all of the organization where it is left out.
        """
        recordIds: [String!]
      ): OrganizationEvent
    }
  `,
  objects: {
    Subscription: {
      plans: {
        organizationEvents: {
          subscribePlan(_$root: Step, args: FieldArgs) {
            const $interest = lambda(
              [args.getRaw('organizationId'), args.getRaw('recordIds')],
              ([organizationId, recordIds]: readonly [unknown, unknown]) =>
                JSON.stringify({ organizationId, recordIds }),
            );
            return listen(context().get('subscriber'), $interest);
          },
          plan($event: Step) {
            return $event;
          },
        },
      },
    },
  },
}));

/**
 * Refuses subscriptions over HTTP: only websockets end with the rights of the user and send no faster than the client
 * reads.
 */
const overWebsocketsOnly: GraphileConfig.Plugin = {
  name: 'OverWebsocketsOnlyPlugin',
  version: '1.0.0',
  grafast: {
    middleware: {
      execute(next, { args: { document, operationName } }) {
        if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.SUBSCRIPTION)
          return next();
        return {
          errors: [
            new GraphQLError(
              'Subscriptions require a websocket. Connect to ws(s)://HOST/graphql with the protocol graphql-transport-ws.',
            ),
          ],
        };
      },
    },
  },
};

export const subscriptionsPlugins: GraphileConfig.Plugin[] = [organizationEvents, overWebsocketsOnly];
