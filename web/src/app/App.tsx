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
        {/* Catches errors outside of the pages, which have boundaries of their own. */}
        <CatchBoundary getResetKey={() => ''} errorComponent={CrashPage}>
          {/* Shows the sign-in at the current address, which opens afterwards. */}
          <SessionGate>
            <RouterProvider router={router} />
          </SessionGate>
          <ConnectionBanner />
        </CatchBoundary>
      </QueryClientProvider>
    </MantineProvider>
  );
}
