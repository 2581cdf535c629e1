import { graphql } from '../../api/graphql.ts';

/** Ids of the records with a problem. The revision is read at the same time, for resolving all of them. */
export const problemIdsDocument = graphql(`
  query ProblemIds($organizationId: Int!, $first: Int!, $offset: Int!) {
    organization(id: $organizationId) {
      revision
      pfaRecords(
        first: $first
        offset: $offset
        orderBy: PFA_ID_ASC
        filter: { hasProblem: { equalTo: true } }
      ) {
        totalCount
        nodes {
          pfaId
        }
      }
    }
  }
`);

export const problemDraftsDocument = graphql(`
  query ProblemDrafts($organizationId: Int!, $recordIds: [String!]!, $first: Int!) {
    organization(id: $organizationId) {
      myDrafts(first: $first, filter: { pfaId: { in: $recordIds } }, orderBy: PFA_ID_ASC) {
        nodes {
          id
          pfaId
          base
          delta
          current
          problems
          record {
            revision
          }
        }
      }
    }
  }
`);

export const resolveDocument = graphql(`
  mutation ResolveProblems($organizationId: Int!, $resolutions: [PfaResolutionInput]!) {
    resolveProblems(input: { organizationId: $organizationId, resolutions: $resolutions }) {
      result {
        recordCount
        keyCount
        operationId
      }
    }
  }
`);

export const resolveAllDocument = graphql(`
  mutation ResolveAllProblems($organizationId: Int!, $choice: String!, $revision: BigInt!) {
    resolveAllProblems(input: { organizationId: $organizationId, choice: $choice, revision: $revision }) {
      result {
        recordCount
        keyCount
        operationId
        refused
      }
    }
  }
`);

export const draftAuthorsDocument = graphql(`
  query DraftAuthors($organizationId: Int!) {
    organization(id: $organizationId) {
      draftAuthors(first: 200) {
        nodes {
          userId
          username
          isMember
          recordCount
          problemCount
          updatedAt
          lastActiveAt
          isAway
        }
      }
    }
  }
`);

export const takeOverDocument = graphql(`
  mutation TakeOverDrafts($organizationId: Int!, $userId: Int!) {
    takeOverDrafts(input: { organizationId: $organizationId, userId: $userId }) {
      taken
    }
  }
`);

export const discardOfDocument = graphql(`
  mutation DiscardDraftsOf($organizationId: Int!, $userId: Int!) {
    discardDraftsOf(input: { organizationId: $organizationId, userId: $userId }) {
      discarded
    }
  }
`);
