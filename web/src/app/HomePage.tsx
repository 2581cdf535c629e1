import { Code, List, Text } from '@mantine/core';
import { Navigate } from '@tanstack/react-router';
import { EmptyState } from '../components/EmptyState.tsx';
import { ErrorPanel } from '../components/ErrorPanel.tsx';
import { PersonIcon } from '../components/icons.tsx';
import { Page } from '../components/Page.tsx';
import { useMe } from './organization.tsx';
import { PageSkeleton } from './PageSkeleton.tsx';
import { lastOrganization, rememberedSearch } from './rememberedView.ts';

/** Redirects to the organization visited last, or to the first one. */
export function HomePage() {
  const { data, error, refetch, isFetching } = useMe();
  if (error && !data) {
    return (
      <Page title="Organizations">
        <ErrorPanel
          title="Your organizations couldn’t be loaded."
          error={error}
          onRetry={() => void refetch()}
          isRetrying={isFetching}
        />
      </Page>
    );
  }
  if (!data) return <PageSkeleton />;
  const codes = (data.organizations?.nodes ?? []).flatMap((node) => node?.code ?? []);
  const last = lastOrganization();
  const code = codes.find((one) => one === last) ?? codes[0];
  if (code === undefined) return <NoOrganization username={data.viewer?.username ?? ''} />;
  return <Navigate to="/o/$code/board" params={{ code }} search={rememberedSearch(code, 'board')} replace />;
}

function NoOrganization({ username }: { username: string }) {
  return (
    <Page title="No organization yet">
      <EmptyState icon={PersonIcon} title="You are not a member of any organization.">
        <Text size="sm" mb="xs">
          Your account works. To see records, you need to be a member of an organization:
        </Text>
        <List size="sm" spacing={4}>
          <List.Item>
            Ask an owner or admin of your project, or the administrator who created your account.
          </List.Item>
          <List.Item>
            An administrator adds you with{' '}
            <Code>npx vanguard membership add {username} CODE --role member</Code>
          </List.Item>
        </List>
        <Text size="sm" mt="xs">
          Your organization then appears here without a reload.
        </Text>
      </EmptyState>
    </Page>
  );
}
