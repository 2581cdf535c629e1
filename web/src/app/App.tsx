import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { CatchBoundary, RouterProvider } from '@tanstack/react-router';
import { queryClient } from '../api/queryClient.ts';
import { ConnectionBanner } from '../components/ConnectionBanner.tsx';
import { CrashPage } from '../components/CrashPanel.tsx';
import { SessionGate } from '../session/SessionGate.tsx';
import { styleNonce } from './environment.ts';
import { router } from './router.tsx';
import { cssVariablesResolver, theme } from './theme.ts';

export function App() {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      cssVariablesResolver={cssVariablesResolver}
      getStyleNonce={styleNonce}
    >
      <Notifications position="bottom-right" autoClose={6000} containerWidth={380} />
      <QueryClientProvider client={queryClient}>
        {/* Pages have boundaries of their own: here ends what fails around them. */}
        <CatchBoundary getResetKey={() => ''} errorComponent={CrashPage}>
          {/* Who has to sign in does so where they are: the address stays, and is gone on with afterwards. */}
          <SessionGate>
            <RouterProvider router={router} />
          </SessionGate>
          <ConnectionBanner />
        </CatchBoundary>
      </QueryClientProvider>
    </MantineProvider>
  );
}
