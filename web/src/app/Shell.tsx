import { AppShell, Burger, Button } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { Link, Outlet, useParams, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { EmptyState } from '../components/EmptyState.tsx';
import { ErrorPanel } from '../components/ErrorPanel.tsx';
import { SearchIcon } from '../components/icons.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { HelpMenu, ThemeMenu, UserMenu } from './menus.tsx';
import { Navigation } from './Navigation.tsx';
import { OrganizationScope, useMe, type Organization } from './organization.tsx';
import { OrganizationSwitcher } from './OrganizationSwitcher.tsx';
import { PageSkeleton } from './PageSkeleton.tsx';
import { rememberOrganization } from './rememberedView.ts';
import classes from './Shell.module.css';
import { SyncStatus } from './SyncStatus.tsx';
import { WorkCounts } from './WorkCounts.tsx';

/** The frame of every page: organization, navigation, freshness and account. */
export function Shell({ children }: { children: ReactNode }) {
  const { data } = useMe();
  const { code } = useParams({ strict: false });
  const organizations = organizationsOf(data);
  const organization = organizations.find((one) => one.code === code);
  useEffect(() => {
    if (organization) rememberOrganization(organization.code);
  }, [organization]);

  const frame = (
    <Frame organizations={organizations} organization={organization}>
      {children}
    </Frame>
  );
  if (!organization) return frame;
  return (
    <OrganizationScope key={organization.id} organization={organization}>
      {frame}
    </OrganizationScope>
  );
}

function organizationsOf(data: ReturnType<typeof useMe>['data']): Organization[] {
  return (data?.organizations?.nodes ?? []).filter((node) => node !== null);
}

/** No server renders this page, so the width of the window is known at once. */
const atOnce = { getInitialValueInEffect: false };

interface FrameProps {
  organizations: Organization[];
  organization: Organization | undefined;
  children: ReactNode;
}

function Frame({ organizations, organization, children }: FrameProps) {
  const [isOpen, navigation] = useDisclosure(false);
  const isWide = useMediaQuery('(min-width: 75em)', true, atOnce);
  const hasRoomForNavigation = useMediaQuery('(min-width: 62em)', true, atOnce);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { close } = navigation;
  useEffect(close, [path, close]);
  const burger = useRef<HTMLButtonElement>(null);
  const navbar = useRef<HTMLDivElement>(null);
  const isOverlay = isOpen && !hasRoomForNavigation;
  // Moves the keyboard focus into the navigation that opens over the page.
  useEffect(() => {
    if (isOverlay) navbar.current?.querySelector('a')?.focus();
  }, [isOverlay]);
  return (
    <AppShell
      header={{ height: { base: organization ? 84 : 48, lg: 48 } }}
      navbar={organization && { width: 200, breakpoint: 'md', collapsed: { mobile: !isOpen } }}
      padding={0}
      transitionDuration={120}
    >
      <a className={classes.skip} href="#main">
        Skip to the content
      </a>
      {/* Above the navigation, which follows in the page, so that menus of the header open over it. */}
      <AppShell.Header className={classes.header} zIndex={150}>
        <div className={classes.bar}>
          {organization && (
            <Burger
              ref={burger}
              opened={isOpen}
              onClick={navigation.toggle}
              hiddenFrom="md"
              size="sm"
              aria-label={isOpen ? 'Close the navigation' : 'Open the navigation'}
              aria-expanded={isOpen}
            />
          )}
          <Link to="/" className={classes.brand} aria-label="PFA Vanguard, first page">
            <Mark /> <span className={classes.name}>Vanguard</span>
          </Link>
          {organizations.length > 0 && (
            <OrganizationSwitcher organizations={organizations} current={organization} />
          )}
          <div className={classes.status} data-wide>
            {organization && isWide && <Status />}
          </div>
          <div className={classes.menus}>
            <ThemeMenu />
            <HelpMenu />
            <UserMenu />
          </div>
        </div>
        {organization && !isWide && (
          <div className={classes.status} data-narrow>
            <Status />
          </div>
        )}
      </AppShell.Header>
      {organization && (
        <AppShell.Navbar
          ref={navbar}
          className={classes.navbar}
          aria-label="Pages"
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || !isOverlay) return;
            close();
            burger.current?.focus();
          }}
        >
          {/* Hidden links must not receive the keyboard focus. */}
          {(isOpen || hasRoomForNavigation) && <Navigation code={organization.code} />}
        </AppShell.Navbar>
      )}
      <AppShell.Main id="main" tabIndex={-1} className={classes.main}>
        {children}
      </AppShell.Main>
      <Announcer />
    </AppShell>
  );
}

/** The parts of an organization's status that are always visible. */
function Status() {
  return (
    <>
      <WorkCounts />
      <SyncStatus />
    </>
  );
}

/** Announces the new page to screen readers, which do not notice a change of address. */
function Announcer() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const [title, setTitle] = useState('');
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    // The page sets its title once it has rendered.
    const timer = setTimeout(() => setTitle(document.title), 300);
    return () => clearTimeout(timer);
  }, [path]);
  return (
    <div className="visually-hidden" role="status">
      {title}
    </div>
  );
}

/** The pages of the organization in the address, if the user may see it. */
export function OrganizationPages() {
  const { data, error, refetch, isFetching } = useMe();
  const { code = '' } = useParams({ strict: false });
  if (data) {
    if (organizationsOf(data).some((one) => one.code === code)) return <Outlet />;
    return (
      <Page title="Not available">
        <EmptyState
          icon={SearchIcon}
          title={`You can’t open the organization ${code}.`}
          action={
            <Button component={Link} to="/" size="xs" variant="default">
              Go to your organizations
            </Button>
          }
        >
          The code may be wrong, or you aren’t a member. An owner or admin of the organization can add you.
        </EmptyState>
      </Page>
    );
  }
  if (!error) return <PageSkeleton />;
  return (
    <Page title={code}>
      <ErrorPanel
        title="Your organizations couldn’t be loaded."
        error={error}
        onRetry={() => void refetch()}
        isRetrying={isFetching}
      />
    </Page>
  );
}
