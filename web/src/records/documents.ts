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

/** Entries of a reference list of PEMS that match a text. */
export const suggestionsDocument = graphql(`
  query Suggestions(
    $organizationId: Int!
    $list: String!
    $search: String!
    $category: String!
    $manufacturer: String!
  ) {
    organization(id: $organizationId) {
      suggestions(list: $list, search: $search, category: $category, manufacturer: $manufacturer, first: 50) {
        nodes {
          code
          parent
          description
        }
      }
    }
  }
`);

/** The fields with a list in PEMS, and how values outside of the list are handled. */
export const referenceListsDocument = graphql(`
  query ReferenceLists($organizationId: Int!) {
    organization(id: $organizationId) {
      referenceLists {
        nodes {
          list
          entryCount
          checkMode
        }
      }
    }
  }
`);

/** The user's drafted values that PEMS does not list. */
export const unlistedValuesDocument = graphql(`
  query UnlistedValues($organizationId: Int!) {
    organization(id: $organizationId) {
      unlistedValues(first: 1000) {
        nodes {
          recordId
          key
          value
          suggestions
        }
      }
    }
  }
`);
