import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { EmptyState } from '../components/EmptyState.tsx';
import { SearchIcon } from '../components/icons.tsx';
import { Page } from '../components/Page.tsx';

export function NotFoundPage() {
  return (
    <Page title="Not found">
      <EmptyState
        icon={SearchIcon}
        title="No page exists at this address."
        action={
          <Anchor component={Link} to="/">
            Go to the first page
          </Anchor>
        }
      >
        Check the address for typing errors.
      </EmptyState>
    </Page>
  );
}
