import { Alert, Button, List } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { graphql, query, request } from '../api/graphql.ts';
import { complain } from '../components/complain.ts';
import { Moment } from '../components/Moment.tsx';
import { formatCount } from '../format/numbers.ts';
import { useOrganization } from './organization.tsx';

const takeoversDocument = graphql(`
  query MyTakeovers($organizationId: Int!) {
    organization(id: $organizationId) {
      takeovers(last: 20) {
        nodes {
          id
          takenByName
          isDiscarded
          recordCount
          recordIds
          takenAt
          seenAt
        }
      }
    }
  }
`);

const dismissDocument = graphql(`
  mutation DismissTakeovers($organizationId: Int!) {
    dismissTakeovers(input: { organizationId: $organizationId }) {
      dismissed
    }
  }
`);

/** Tells a user who took over or discarded their drafts while they were away. */
export function TakeoverNotice() {
  const { organization } = useOrganization();
  const organizationId = organization.id;
  const queryClient = useQueryClient();
  const takeovers = query(takeoversDocument, { organizationId });
  const { data } = useQuery(takeovers);
  const dismiss = useMutation({
    mutationFn: () => request(dismissDocument, { organizationId }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: takeovers.queryKey }),
    onError: (thrown) => complain('The notice couldn’t be dismissed.', thrown),
  });
  const notices = (data?.organization?.takeovers.nodes ?? []).flatMap((notice) =>
    notice && notice.seenAt === null ? [notice] : [],
  );
  if (notices.length === 0) return null;
  return (
    <Alert color="yellow" title="Your drafts were taken over" mb="md">
      <List size="sm" mb="xs">
        {notices.map(({ id, takenByName, isDiscarded, recordCount, recordIds, takenAt }) => (
          <List.Item key={id}>
            {takenByName ?? 'A former user'} {isDiscarded ? 'discarded' : 'took over'}{' '}
            {formatCount(recordCount)} of your drafts <Moment at={takenAt} />: {recordIds.join(', ')}
            {recordCount > recordIds.length && ' …'}
          </List.Item>
        ))}
      </List>
      <Button
        size="compact-sm"
        variant="default"
        loading={dismiss.isPending}
        onClick={() => dismiss.mutate()}
      >
        Dismiss
      </Button>
    </Alert>
  );
}
