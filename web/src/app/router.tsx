import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { ErrorPanel } from '../components/ErrorPanel.tsx';
import { Page } from '../components/Page.tsx';
import { validateBoardView } from '../pages/board/view.ts';
import { validateChangesView } from '../pages/changes/view.ts';
import { validateProblemsView } from '../pages/problems/view.ts';
import { validateRecordsView } from '../pages/records/view.ts';
import { HomePage } from './HomePage.tsx';
import { NotFoundPage } from './NotFoundPage.tsx';
import { OrganizationPages, Shell } from './Shell.tsx';

// Every page is loaded when somebody goes there; only the shell is there from the beginning.

const rootRoute = createRootRoute({
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  notFoundComponent: NotFoundPage,
});

const homeRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: HomePage });

const passwordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: 'account/password',
  component: lazyRouteComponent(() => import('../pages/password/PasswordPage.tsx'), 'PasswordPage'),
});

/** Everything of one organization is below its code. */
const organizationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: 'o/$code',
  component: OrganizationPages,
});

const organizationHomeRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- how this router redirects
    throw redirect({ to: '/o/$code/board', params, replace: true });
  },
});

const boardRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'board',
  validateSearch: validateBoardView,
  component: lazyRouteComponent(() => import('../pages/board/BoardPage.tsx'), 'BoardPage'),
});

const recordsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'records',
  validateSearch: validateRecordsView,
  component: lazyRouteComponent(() => import('../pages/records/RecordsPage.tsx'), 'RecordsPage'),
});

const historyRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'records/$pfaId/history',
  component: lazyRouteComponent(() => import('../pages/history/HistoryPage.tsx'), 'HistoryPage'),
});

const changesRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'changes',
  validateSearch: validateChangesView,
  component: lazyRouteComponent(() => import('../pages/changes/ChangesPage.tsx'), 'ChangesPage'),
});

const problemsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'problems',
  validateSearch: validateProblemsView,
  component: lazyRouteComponent(() => import('../pages/problems/ProblemsPage.tsx'), 'ProblemsPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    homeRoute,
    passwordRoute,
    organizationRoute.addChildren([
      organizationHomeRoute,
      boardRoute,
      recordsRoute,
      historyRoute,
      changesRoute,
      problemsRoute,
    ]),
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => (
    <Page title="Something went wrong">
      <ErrorPanel title="This page could not be shown." error={error} onRetry={reset} />
    </Page>
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
