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
