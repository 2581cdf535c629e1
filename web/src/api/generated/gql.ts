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
    "\n  query RecordFields {\n    pfaFields(orderBy: POSITION_ASC) {\n      nodes {\n        key\n        kind\n        description\n        allowedValues\n        isEditable\n        editableWhenActualized\n      }\n    }\n  }\n": typeof types.RecordFieldsDocument,
    "\n  query RecordPage(\n    $organizationId: Int!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: pfaRecords(filter: $filter, orderBy: $orderBy, first: $first, after: $after, offset: $offset) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n\n  fragment RecordRow on PfaRecord {\n    pfaId\n    revision\n    base\n    hasDraft\n    hasProblem\n    isPending\n    isActualized\n    removedAt\n    areaSilo\n    category\n    class\n    source\n    dor\n    monthlyRate\n    purchasePrice\n    manufacturer\n    model\n    contract\n    equipment\n    originalStart\n    originalEnd\n    forecastStart\n    forecastEnd\n    actualStart\n    actualEnd\n    isDiscontinued\n    isFundsTransferable\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": typeof types.RecordPageDocument,
    "\n  query FoundRecordPage(\n    $organizationId: Int!\n    $search: String!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: foundRecords(\n        search: $search\n        filter: $filter\n        orderBy: $orderBy\n        first: $first\n        after: $after\n        offset: $offset\n      ) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n": typeof types.FoundRecordPageDocument,
    "\n  query Records($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {\n    organization(id: $organizationId) {\n      pfaRecords(first: $first, filter: { pfaId: { in: $recordIds } }) {\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n": typeof types.RecordsDocument,
    "\n  query RecordsChangedSince($organizationId: Int!, $revision: BigInt!, $after: String) {\n    organization(id: $organizationId) {\n      recordsChangedSince(revision: $revision, first: 1000, after: $after) {\n        isComplete\n        revision\n        nextAfter\n        records {\n          recordId\n          revision\n        }\n      }\n    }\n  }\n": typeof types.RecordsChangedSinceDocument,
    "\n  query RecordSums($organizationId: Int!, $selection: PfaSelectionInput) {\n    organization(id: $organizationId) {\n      seen: sums(selection: $selection) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n      mirror: sums(selection: $selection, layer: mirror) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n    }\n  }\n\n  fragment RecordCosts on PfaSum {\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": typeof types.RecordSumsDocument,
    "\n  query RecordFacet($organizationId: Int!, $selection: PfaSelectionInput, $groupBy: PfaDimension!) {\n    organization(id: $organizationId) {\n      sums(selection: $selection, groupBy: $groupBy, first: 1000) {\n        nodes {\n          groupValue\n          recordCount\n        }\n      }\n    }\n  }\n": typeof types.RecordFacetDocument,
    "\n  query MyOperations($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myOperations(first: 50, orderBy: ID_DESC) {\n        nodes {\n          id\n          kind\n          recordCount\n          undoneAt\n        }\n      }\n    }\n  }\n": typeof types.MyOperationsDocument,
    "\n  mutation SaveDrafts($input: SaveDraftsInput!) {\n    saveDrafts(input: $input) {\n      result {\n        changedCount\n        revisions\n      }\n    }\n  }\n": typeof types.SaveDraftsDocument,
    "\n  mutation DiscardDrafts($input: DiscardDraftsInput!) {\n    discardDrafts(input: $input) {\n      discarded\n    }\n  }\n": typeof types.DiscardDraftsDocument,
    "\n  mutation UndoDraft($organizationId: Int!) {\n    undoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n": typeof types.UndoDraftDocument,
    "\n  mutation RedoDraft($organizationId: Int!) {\n    redoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n": typeof types.RedoDraftDocument,
};
const documents: Documents = {
    "\n  subscription OrganizationEvents($organizationId: Int!) {\n    organizationEvents(organizationId: $organizationId) {\n      kind\n      revision\n      sync {\n        runId\n        state\n        rowsRead\n        errorCode\n      }\n      commits {\n        id\n        recordId\n        state\n      }\n      records {\n        recordId\n        revision\n      }\n    }\n  }\n": types.OrganizationEventsDocument,
    "\n  query Me {\n    viewer {\n      id\n      username\n      firstName\n      lastName\n      email\n    }\n    organizations(first: 1000, orderBy: CODE_ASC) {\n      nodes {\n        id\n        code\n        name\n        myRole\n      }\n    }\n  }\n": types.MeDocument,
    "\n  query WorkCounts($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myDrafts(first: 1) {\n        totalCount\n      }\n      pending: pfaRecords(first: 1, filter: { isPending: { equalTo: true } }) {\n        totalCount\n      }\n      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {\n        totalCount\n      }\n    }\n  }\n": types.WorkCountsDocument,
    "\n  mutation RequestSync($organizationId: Int!) {\n    requestSync(input: { organizationId: $organizationId }) {\n      syncLog {\n        id\n        state\n      }\n    }\n  }\n": types.RequestSyncDocument,
    "\n  query Board($organizationId: Int!) {\n    organization(id: $organizationId) {\n      kpis {\n        recordCount\n        actualizedCount\n        discontinuedCount\n      }\n      bounds {\n        forecastStart\n        forecastEnd\n      }\n      seen: sums {\n        nodes {\n          ...Costs\n        }\n      }\n      mirror: sums(layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n      seenBySource: sums(groupBy: source) {\n        nodes {\n          ...Costs\n        }\n      }\n      mirrorBySource: sums(groupBy: source, layer: mirror) {\n        nodes {\n          ...Costs\n        }\n      }\n    }\n  }\n\n  fragment Costs on PfaSum {\n    groupValue\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": types.BoardDocument,
    "\n  query RecordFields {\n    pfaFields(orderBy: POSITION_ASC) {\n      nodes {\n        key\n        kind\n        description\n        allowedValues\n        isEditable\n        editableWhenActualized\n      }\n    }\n  }\n": types.RecordFieldsDocument,
    "\n  query RecordPage(\n    $organizationId: Int!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: pfaRecords(filter: $filter, orderBy: $orderBy, first: $first, after: $after, offset: $offset) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n\n  fragment RecordRow on PfaRecord {\n    pfaId\n    revision\n    base\n    hasDraft\n    hasProblem\n    isPending\n    isActualized\n    removedAt\n    areaSilo\n    category\n    class\n    source\n    dor\n    monthlyRate\n    purchasePrice\n    manufacturer\n    model\n    contract\n    equipment\n    originalStart\n    originalEnd\n    forecastStart\n    forecastEnd\n    actualStart\n    actualEnd\n    isDiscontinued\n    isFundsTransferable\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": types.RecordPageDocument,
    "\n  query FoundRecordPage(\n    $organizationId: Int!\n    $search: String!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: foundRecords(\n        search: $search\n        filter: $filter\n        orderBy: $orderBy\n        first: $first\n        after: $after\n        offset: $offset\n      ) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n": types.FoundRecordPageDocument,
    "\n  query Records($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {\n    organization(id: $organizationId) {\n      pfaRecords(first: $first, filter: { pfaId: { in: $recordIds } }) {\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n": types.RecordsDocument,
    "\n  query RecordsChangedSince($organizationId: Int!, $revision: BigInt!, $after: String) {\n    organization(id: $organizationId) {\n      recordsChangedSince(revision: $revision, first: 1000, after: $after) {\n        isComplete\n        revision\n        nextAfter\n        records {\n          recordId\n          revision\n        }\n      }\n    }\n  }\n": types.RecordsChangedSinceDocument,
    "\n  query RecordSums($organizationId: Int!, $selection: PfaSelectionInput) {\n    organization(id: $organizationId) {\n      seen: sums(selection: $selection) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n      mirror: sums(selection: $selection, layer: mirror) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n    }\n  }\n\n  fragment RecordCosts on PfaSum {\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n": types.RecordSumsDocument,
    "\n  query RecordFacet($organizationId: Int!, $selection: PfaSelectionInput, $groupBy: PfaDimension!) {\n    organization(id: $organizationId) {\n      sums(selection: $selection, groupBy: $groupBy, first: 1000) {\n        nodes {\n          groupValue\n          recordCount\n        }\n      }\n    }\n  }\n": types.RecordFacetDocument,
    "\n  query MyOperations($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myOperations(first: 50, orderBy: ID_DESC) {\n        nodes {\n          id\n          kind\n          recordCount\n          undoneAt\n        }\n      }\n    }\n  }\n": types.MyOperationsDocument,
    "\n  mutation SaveDrafts($input: SaveDraftsInput!) {\n    saveDrafts(input: $input) {\n      result {\n        changedCount\n        revisions\n      }\n    }\n  }\n": types.SaveDraftsDocument,
    "\n  mutation DiscardDrafts($input: DiscardDraftsInput!) {\n    discardDrafts(input: $input) {\n      discarded\n    }\n  }\n": types.DiscardDraftsDocument,
    "\n  mutation UndoDraft($organizationId: Int!) {\n    undoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n": types.UndoDraftDocument,
    "\n  mutation RedoDraft($organizationId: Int!) {\n    redoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n": types.RedoDraftDocument,
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
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordFields {\n    pfaFields(orderBy: POSITION_ASC) {\n      nodes {\n        key\n        kind\n        description\n        allowedValues\n        isEditable\n        editableWhenActualized\n      }\n    }\n  }\n"): typeof import('./graphql').RecordFieldsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordPage(\n    $organizationId: Int!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: pfaRecords(filter: $filter, orderBy: $orderBy, first: $first, after: $after, offset: $offset) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n\n  fragment RecordRow on PfaRecord {\n    pfaId\n    revision\n    base\n    hasDraft\n    hasProblem\n    isPending\n    isActualized\n    removedAt\n    areaSilo\n    category\n    class\n    source\n    dor\n    monthlyRate\n    purchasePrice\n    manufacturer\n    model\n    contract\n    equipment\n    originalStart\n    originalEnd\n    forecastStart\n    forecastEnd\n    actualStart\n    actualEnd\n    isDiscontinued\n    isFundsTransferable\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n"): typeof import('./graphql').RecordPageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FoundRecordPage(\n    $organizationId: Int!\n    $search: String!\n    $filter: PfaRecordFilter\n    $orderBy: [PfaRecordOrderBy!]!\n    $first: Int!\n    $after: Cursor\n    $offset: Int\n    $withCount: Boolean!\n  ) {\n    organization(id: $organizationId) {\n      page: foundRecords(\n        search: $search\n        filter: $filter\n        orderBy: $orderBy\n        first: $first\n        after: $after\n        offset: $offset\n      ) {\n        totalCount @include(if: $withCount)\n        pageInfo {\n          endCursor\n        }\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').FoundRecordPageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Records($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {\n    organization(id: $organizationId) {\n      pfaRecords(first: $first, filter: { pfaId: { in: $recordIds } }) {\n        nodes {\n          ...RecordRow\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').RecordsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordsChangedSince($organizationId: Int!, $revision: BigInt!, $after: String) {\n    organization(id: $organizationId) {\n      recordsChangedSince(revision: $revision, first: 1000, after: $after) {\n        isComplete\n        revision\n        nextAfter\n        records {\n          recordId\n          revision\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').RecordsChangedSinceDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordSums($organizationId: Int!, $selection: PfaSelectionInput) {\n    organization(id: $organizationId) {\n      seen: sums(selection: $selection) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n      mirror: sums(selection: $selection, layer: mirror) {\n        nodes {\n          ...RecordCosts\n        }\n      }\n    }\n  }\n\n  fragment RecordCosts on PfaSum {\n    recordCount\n    planCost\n    forecastCost\n    actualCost\n    variance\n  }\n"): typeof import('./graphql').RecordSumsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RecordFacet($organizationId: Int!, $selection: PfaSelectionInput, $groupBy: PfaDimension!) {\n    organization(id: $organizationId) {\n      sums(selection: $selection, groupBy: $groupBy, first: 1000) {\n        nodes {\n          groupValue\n          recordCount\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').RecordFacetDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MyOperations($organizationId: Int!) {\n    organization(id: $organizationId) {\n      myOperations(first: 50, orderBy: ID_DESC) {\n        nodes {\n          id\n          kind\n          recordCount\n          undoneAt\n        }\n      }\n    }\n  }\n"): typeof import('./graphql').MyOperationsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SaveDrafts($input: SaveDraftsInput!) {\n    saveDrafts(input: $input) {\n      result {\n        changedCount\n        revisions\n      }\n    }\n  }\n"): typeof import('./graphql').SaveDraftsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DiscardDrafts($input: DiscardDraftsInput!) {\n    discardDrafts(input: $input) {\n      discarded\n    }\n  }\n"): typeof import('./graphql').DiscardDraftsDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UndoDraft($organizationId: Int!) {\n    undoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n"): typeof import('./graphql').UndoDraftDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RedoDraft($organizationId: Int!) {\n    redoDraft(input: { organizationId: $organizationId }) {\n      result {\n        kind\n        changedCount\n        impossible\n      }\n    }\n  }\n"): typeof import('./graphql').RedoDraftDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
