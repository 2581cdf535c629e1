import { graphql } from '../api/graphql.ts';

export const historyDocument = graphql(`
  query RecordHistory($organizationId: Int!, $recordId: String!, $first: Int!, $after: Cursor) {
    organization(id: $organizationId) {
      changes(recordId: $recordId, first: $first, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          id
          username
          route
          event
          changes
          changedAt
        }
      }
    }
  }
`);

export const undoOperationDocument = graphql(`
  mutation UndoOperation($organizationId: Int!, $operationId: BigInt!) {
    undoDraft(input: { organizationId: $organizationId, operationId: $operationId }) {
      result {
        changedCount
        impossible
      }
    }
  }
`);

/** Fields of records, and whether and within which limits they may be edited. */
export const fieldsDocument = graphql(`
  query RecordFields {
    pfaFields(orderBy: POSITION_ASC) {
      nodes {
        key
        kind
        description
        allowedValues
        isEditable
        editableWhenActualized
        earliest
        latest
        largest
        maxLength
      }
    }
  }
`);

/** Saves without reading rows, when no page shows them. */
export const saveOnlyDocument = graphql(`
  mutation SaveDraftsOnly($input: SaveDraftsInput!) {
    saveDrafts(input: $input) {
      result {
        operationId
        revisions
      }
    }
  }
`);
