/* eslint-disable */
import * as types from './graphql';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  subscription OrganizationEvents($organizationId: Int!) {\n    organizationEvents(organizationId: $organizationId) {\n      kind\n      revision\n      sync {\n        runId\n        state\n        rowsRead\n        errorCode\n      }\n      commits {\n        id\n        recordId\n        state\n      }\n      records {\n        recordId\n        revision\n      }\n    }\n  }\n": typeof types.OrganizationEventsDocument,
    "\n  query Me {\n    viewer {\n      id\n      username\n      firstName\n      lastName\n      email\n    }\n    organizations(first: 1000, orderBy: CODE_ASC) {\n      nodes {\n        id\n        code\n        name\n        myRole\n      }\n    }\n  }\n": typeof types.MeDocument,
    "\n  query WorkCounts($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myDrafts(first: 1) {\n        totalCount\n      }\n      pending: pfaRecords(first: 1, filter: { isPending: { equalTo: true } }) {\n        totalCount\n      }\n      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {\n        totalCount\n      }\n    }\n  }\n": typeof types.WorkCountsDocument,
    "\n  mutation RequestSync($organizationId: Int!) {\n    requestSync(input: { organizationId: $organizationId }) {\n      syncLog {\n        id\n        state\n      }\n    }\n  }\n": typeof types.RequestSyncDocument,
    "\n  query Board($organizationId: Int!) {\n    organization(id: $organizationId) {\n      kpis {\n        recordCount\n        actualizedCount\n        discontinuedCount\n      }\n      bounds {\n        forecastStart\n        forecastEnd\n      }\n      seen: sums {\n        nodes {\n          ...Costs\n        }\n      }\n      mirror: sums(layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n      seenBySource: sums(groupBy: source) {\n        nodes {\n          ...Costs\n        }\n      }\n      mirrorBySource: sums(groupBy: source, layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n    }\n  }\n\n  fragment Costs on PfaSum {\n    groupValue\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": typeof types.BoardDocument,
};
const documents: Documents = {
    "\n  subscription OrganizationEvents($organizationId: Int!) {\n    organizationEvents(organizationId: $organizationId) {\n      kind\n      revision\n      sync {\n        runId\n        state\n        rowsRead\n        errorCode\n      }\n      commits {\n        id\n        recordId\n        state\n      }\n      records {\n        recordId\n        revision\n      }\n    }\n  }\n": types.OrganizationEventsDocument,
    "\n  query Me {\n    viewer {\n      id\n      username\n      firstName\n      lastName\n      email\n    }\n    organizations(first: 1000, orderBy: CODE_ASC) {\n      nodes {\n        id\n        code\n        name\n        myRole\n      }\n    }\n  }\n": types.MeDocument,
    "\n  query WorkCounts($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myDrafts(first: 1) {\n        totalCount\n      }\n      pending: pfaRecords(first: 1, filter: { isPending: { equalTo: true } }) {\n        totalCount\n      }\n      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {\n        totalCount\n      }\n    }\n  }\n": types.WorkCountsDocument,
    "\n  mutation RequestSync($organizationId: Int!) {\n    requestSync(input: { organizationId: $organizationId }) {\n      syncLog {\n        id\n        state\n      }\n    }\n  }\n": types.RequestSyncDocument,
    "\n  query Board($organizationId: Int!) {\n    organization(id: $organizationId) {\n      kpis {\n        recordCount\n        actualizedCount\n        discontinuedCount\n      }\n      bounds {\n        forecastStart\n        forecastEnd\n      }\n      seen: sums {\n        nodes {\n          ...Costs\n        }\n      }\n      mirror: sums(layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n      seenBySource: sums(groupBy: source) {\n        nodes {\n          ...Costs\n        }\n      }\n      mirrorBySource: sums(groupBy: source, layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n    }\n  }\n\n  fragment Costs on PfaSum {\n    groupValue\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": types.BoardDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription OrganizationEvents($organizationId: Int!) {\n    organizationEvents(organizationId: $organizationId) {\n      kind\n      revision\n      sync {\n        runId\n        state\n        rowsRead\n        errorCode\n      }\n      commits {\n        id\n        recordId\n        state\n      }\n      records {\n        recordId\n        revision\n      }\n    }\n  }\n"): typeof import('./graphql').OrganizationEventsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Me {\n    viewer {\n      id\n      username\n      firstName\n      lastName\n      email\n    }\n    organizations(first: 1000, orderBy: CODE_ASC) {\n      nodes {\n        id\n        code\n        name\n        myRole\n      }\n    }\n  }\n"): typeof import('./graphql').MeDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query WorkCounts($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myDrafts(first: 1) {\n        totalCount\n      }\n      pending: pfaRecords(first: 1, filter: { isPending: { equalTo: true } }) {\n        totalCount\n      }\n      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {\n        totalCount\n      }\n    }\n  }\n"): typeof import('./graphql').WorkCountsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RequestSync($organizationId: Int!) {\n    requestSync(input: { organizationId: $organizationId }) {\n      syncLog {\n        id\n        state\n      }\n    }\n  }\n"): typeof import('./graphql').RequestSyncDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Board($organizationId: Int!) {\n    organization(id: $organizationId) {\n      kpis {\n        recordCount\n        actualizedCount\n        discontinuedCount\n      }\n      bounds {\n        forecastStart\n        forecastEnd\n      }\n      seen: sums {\n        nodes {\n          ...Costs\n        }\n      }\n      mirror: sums(layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n      seenBySource: sums(groupBy: source) {\n        nodes {\n          ...Costs\n        }\n      }\n      mirrorBySource: sums(groupBy: source, layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n    }\n  }\n\n  fragment Costs on PfaSum {\n    groupValue\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n"): typeof import('./graphql').BoardDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
