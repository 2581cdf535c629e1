import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  type SearchSchemaInput,
} from '@tanstack/react-router';
import { CrashPage } from '../components/CrashPanel.tsx';
import type { BoardView } from '../pages/board/view.ts';
import type { ChangesView } from '../pages/changes/view.ts';
import type { ProblemsView } from '../pages/problems/view.ts';
import type { RecordsView } from '../pages/records/view.ts';
import { HomePage } from './HomePage.tsx';
import { NotFoundPage } from './NotFoundPage.tsx';
import { OrganizationPages, Shell } from './Shell.tsx';

// Each page loads on its first visit; only the shell is part of the first bundle.

/**
 * Gives links the type of a page's view. Pages validate with `useView`, because the router would merge invalid
 * parameters back into what the page reads.
 */
const asItStands = <View extends object>(search: View & SearchSchemaInput): View => search;

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

/** Parent of all pages of one organization. */
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
  validateSearch: asItStands<BoardView>,
  component: lazyRouteComponent(() => import('../pages/board/BoardPage.tsx'), 'BoardPage'),
});

const recordsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'records',
  validateSearch: asItStands<RecordsView>,
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
  validateSearch: asItStands<ChangesView>,
  component: lazyRouteComponent(() => import('../pages/changes/ChangesPage.tsx'), 'ChangesPage'),
});

const problemsRoute = createRoute({
  getParentRoute: () => organizationRoute,
  path: 'problems',
  validateSearch: asItStands<ProblemsView>,
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
  defaultErrorComponent: CrashPage,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
