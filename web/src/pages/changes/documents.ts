import { graphql } from '../../api/graphql.ts';

export const draftsDocument = graphql(`
  query MyDrafts($organizationId: Int!, $first: Int!, $offset: Int!) {
    organization(id: $organizationId) {
      myDrafts(first: $first, offset: $offset, orderBy: PFA_ID_ASC) {
        totalCount
        nodes {
          id
          pfaId
          base
          delta
          problems
          planCostChange
          forecastCostChange
          actualCostChange
        }
      }
    }
  }
`);

export const draftTotalsDocument = graphql(`
  query MyDraftTotals($organizationId: Int!, $selection: PfaSelectionInput) {
    organization(id: $organizationId) {
      myDraftTotals(selection: $selection) {
        recordCount
        keyCount
        problemCount
        planCostChange
        forecastCostChange
        actualCostChange
      }
    }
  }
`);

/** Ids of the user's drafts, page by page. */
export const draftIdsDocument = graphql(`
  query MyDraftIds($organizationId: Int!, $after: Cursor) {
    organization(id: $organizationId) {
      myDrafts(first: 1000, after: $after, orderBy: PFA_ID_ASC) {
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          pfaId
        }
      }
    }
  }
`);

/** Also returns the resulting operation, so that it can be undone. */
export const discardDocument = graphql(`
  mutation DiscardReviewed($organizationId: Int!, $recordIds: [String]) {
    discardDrafts(input: { organizationId: $organizationId, recordIds: $recordIds }) {
      discarded
      query {
        organization(id: $organizationId) {
          myOperations(first: 1, orderBy: ID_DESC) {
            nodes {
              id
              kind
            }
          }
        }
      }
    }
  }
`);

export const commitDocument = graphql(`
  mutation CommitDrafts($organizationId: Int!, $selection: PfaSelectionInput, $comment: String) {
    commitDrafts(input: { organizationId: $organizationId, selection: $selection, comment: $comment }) {
      result {
        recordCount
        keyCount
        refused
      }
    }
  }
`);

/** The user's last commit, and whether any of the user's changes are pending. */
export const lastCommitDocument = graphql(`
  query LastCommit($organizationId: Int!, $me: Int!) {
    organization(id: $organizationId) {
      last: commits(first: 1, orderBy: ID_DESC, filter: { userId: { equalTo: $me } }) {
        nodes {
          id
        }
      }
      open: commits(
        first: 1
        orderBy: ID_ASC
        filter: { userId: { equalTo: $me }, state: { in: ["committed", "syncing"] } }
      ) {
        totalCount
      }
    }
  }
`);

/** Commits since a given one, to learn the outcome of a submission whose response was lost. */
export const committedSinceDocument = graphql(`
  query CommittedSince($organizationId: Int!, $me: Int!, $since: BigInt!) {
    organization(id: $organizationId) {
      commits(first: 1, orderBy: ID_ASC, filter: { userId: { equalTo: $me }, id: { greaterThan: $since } }) {
        totalCount
      }
    }
  }
`);

export const progressDocument = graphql(`
  query CommitProgress($organizationId: Int!, $me: Int!, $since: BigInt!) {
    organization(id: $organizationId) {
      waiting: commits(
        first: 1
        orderBy: ID_ASC
        filter: { userId: { equalTo: $me }, state: { equalTo: "committed" } }
      ) {
        totalCount
      }
      writing: commits(
        first: 1
        orderBy: ID_ASC
        filter: { userId: { equalTo: $me }, state: { equalTo: "syncing" } }
      ) {
        totalCount
      }
      confirmed: commits(
        first: 1
        orderBy: ID_ASC
        filter: { userId: { equalTo: $me }, id: { greaterThan: $since }, state: { equalTo: "synced" } }
      ) {
        totalCount
      }
      problems: pfaRecords(first: 1, filter: { hasProblem: { equalTo: true } }) {
        totalCount
      }
      pushStatus {
        state
        uncertainCount
        pausedAt
        pausedBy
        breakerOpenedAt
        breakerMessage
        nextProbeAt
      }
    }
  }
`);

export const commitsDocument = graphql(`
  query Commits($organizationId: Int!, $filter: PfaCommitFilter, $first: Int!, $offset: Int!) {
    organization(id: $organizationId) {
      commits(first: $first, offset: $offset, orderBy: ID_DESC, filter: $filter) {
        totalCount
        nodes {
          id
          pfaId
          username
          isMine
          state
          delta
          base
          comment
          attempts
          committedAt
          retryAt
          settledAt
        }
      }
    }
  }
`);

export const withdrawDocument = graphql(`
  mutation WithdrawCommits($organizationId: Int!, $ids: [BigInt]) {
    withdrawCommits(input: { organizationId: $organizationId, modificationIds: $ids }) {
      result {
        recordCount
        refused
      }
    }
  }
`);
