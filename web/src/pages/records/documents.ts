import { graphql } from '../../api/graphql.ts';
import { always } from '../../records/row.ts';

/** A page of the list. A text search uses `foundRecords`, which costs more. */
export const pageDocument = graphql(`
  query RecordPage(
    $organizationId: Int!
    $filter: PfaRecordFilter
    $orderBy: [PfaRecordOrderBy!]!
    $first: Int!
    $after: Cursor
    $offset: Int
    $withCount: Boolean!
  ) {
    organization(id: $organizationId) {
      page: pfaRecords(filter: $filter, orderBy: $orderBy, first: $first, after: $after, offset: $offset) {
        totalCount @include(if: $withCount)
        pageInfo {
          endCursor
        }
        nodes {
          ...RecordRow
        }
      }
    }
  }

  fragment RecordRow on PfaRecord {
    pfaId
    revision
    base
    hasDraft
    hasProblem
    isPending
    isActualized
    removedAt
    areaSilo
    category
    class
    source
    dor
    monthlyRate
    purchasePrice
    manufacturer
    model
    contract
    equipment
    originalCategory
    originalClass
    originalSource
    originalDor
    originalMonthlyRate
    originalPurchasePrice
    originalStart
    originalEnd
    forecastStart
    forecastEnd
    actualStart
    actualEnd
    isDiscontinued
    isFundsTransferable
    planCost
    forecastCost
    actualCost
    variance
  }
`);

export const foundPageDocument = graphql(`
  query FoundRecordPage(
    $organizationId: Int!
    $search: String!
    $filter: PfaRecordFilter
    $orderBy: [PfaRecordOrderBy!]!
    $first: Int!
    $after: Cursor
    $offset: Int
    $withCount: Boolean!
  ) {
    organization(id: $organizationId) {
      page: foundRecords(
        search: $search
        filter: $filter
        orderBy: $orderBy
        first: $first
        after: $after
        offset: $offset
      ) {
        totalCount @include(if: $withCount)
        pageInfo {
          endCursor
        }
        nodes {
          ...RecordRow
        }
      }
    }
  }
`);

/** Current state of records, by id. */
export const recordsDocument = graphql(`
  query Records($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {
    organization(id: $organizationId) {
      pfaRecords(first: $first, filter: { pfaId: { in: $recordIds } }) {
        nodes {
          ...RecordRow
        }
      }
    }
  }
`);

export const changedSinceDocument = graphql(`
  query RecordsChangedSince($organizationId: Int!, $revision: BigInt!, $after: String) {
    organization(id: $organizationId) {
      recordsChangedSince(revision: $revision, first: 1000, after: $after) {
        isComplete
        revision
        nextAfter
        records {
          recordId
          revision
        }
      }
    }
  }
`);

export const sumsDocument = graphql(`
  query RecordSums($organizationId: Int!, $selection: PfaSelectionInput) {
    organization(id: $organizationId) {
      seen: sums(selection: $selection) {
        nodes {
          ...RecordCosts
        }
      }
      mirror: sums(selection: $selection, layer: mirror) {
        nodes {
          ...RecordCosts
        }
      }
    }
  }

  fragment RecordCosts on PfaSum {
    recordCount
    planCost
    forecastCost
    actualCost
    variance
  }
`);

export const operationsDocument = graphql(`
  query MyOperations($organizationId: Int!) {
    organization(id: $organizationId) {
      myOperations(first: 50, orderBy: ID_DESC) {
        nodes {
          id
          kind
          recordCount
          undoneAt
        }
      }
    }
  }
`);

/** Its response also has the changed rows, if they are few, and the new costs. */
export const saveDocument = graphql(`
  mutation SaveDrafts(
    $input: SaveDraftsInput!
    $organizationId: Int!
    $selection: PfaSelectionInput
    $recordIds: [String!]!
    $first: Int!
    $withRows: Boolean!
  ) {
    saveDrafts(input: $input) {
      result {
        operationId
        revisions
      }
      query {
        organization(id: $organizationId) {
          seen: sums(selection: $selection) {
            nodes {
              ...RecordCosts
            }
          }
          mirror: sums(selection: $selection, layer: mirror) {
            nodes {
              ...RecordCosts
            }
          }
          pfaRecords(first: $first, filter: { pfaId: { in: $recordIds } }) @include(if: $withRows) {
            nodes {
              ...RecordRow
            }
          }
        }
      }
    }
  }
`);

export const discardDocument = graphql(`
  mutation DiscardDrafts($input: DiscardDraftsInput!) {
    discardDrafts(input: $input) {
      discarded
    }
  }
`);

export const undoDocument = graphql(`
  mutation UndoDraft($organizationId: Int!) {
    undoDraft(input: { organizationId: $organizationId }) {
      result {
        kind
        changedCount
        impossible
      }
    }
  }
`);

export const redoDocument = graphql(`
  mutation RedoDraft($organizationId: Int!) {
    redoDraft(input: { organizationId: $organizationId }) {
      result {
        kind
        changedCount
        impossible
      }
    }
  }
`);

export const bulkPreviewDocument = graphql(`
  query BulkPreview(
    $organizationId: Int!
    $selection: PfaSelectionInput!
    $operation: PfaBulkOperationInput!
  ) {
    organization(id: $organizationId) {
      bulkPreview(selection: $selection, operation: $operation) {
        selectedCount
        changedCount
        unchangedCount
        refusedCount
        reasons
        planCostBefore
        planCostAfter
        forecastCostBefore
        forecastCostAfter
        actualCostBefore
        actualCostAfter
        changedKeys
        previewToken
      }
    }
  }
`);

export const applyBulkDocument = graphql(`
  mutation ApplyBulk($input: ApplyBulkInput!) {
    applyBulk(input: $input) {
      result {
        changedCount
        operationId
      }
    }
  }
`);

type RowDocument =
  typeof pageDocument | typeof foundPageDocument | typeof recordsDocument | typeof saveDocument;

/**
 * Returns the document without record fields that no column shows; rows with all fields are four times as large. The
 * server caches a plan for each text; a variable for each field would need as many plans.
 */
export function withFields<D extends RowDocument>(document: D, fields: ReadonlySet<string>): D {
  const text = document.toString();
  const at = text.indexOf('fragment RecordRow');
  const end = text.indexOf('\n}', at);
  const kept = text
    .slice(at, end)
    .split('\n')
    .filter((line) => {
      const name = /^\s+(\w+)$/.exec(line)?.[1];
      return name === undefined || always.some((key) => key === name) || fields.has(name);
    });
  const lean = Object.create(document) as D;
  lean.toString = () => text.slice(0, at) + kept.join('\n') + text.slice(end);
  return lean;
}
