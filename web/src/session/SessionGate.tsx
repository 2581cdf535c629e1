import { useState, type ReactNode } from 'react';
import { isProduction } from '../app/environment.ts';
import { read, sessionStore, write } from '../browserStorage.ts';
import { ErrorPanel } from '../components/ErrorPanel.tsx';
import { usePageTitle } from '../components/Page.tsx';
import { ChangePasswordForm } from './ChangePasswordForm.tsx';
import { EntryPage } from './EntryPage.tsx';
import { restore, signOut, useSession } from './session.ts';
import { SignInForm } from './SignInForm.tsx';

/** Shows the app only to users who are signed in and have chosen their own password. */
export function SessionGate({ children }: { children: ReactNode }) {
  const session = useSession();
  const [postponedBy, setPostponedBy] = useState<unknown>(postponed.read);

  switch (session.status) {
    case 'starting':
      return <Starting />;
    case 'failed':
      return (
        <EntryPage title="Sign in">
          <ErrorPanel
            title="Your session couldn’t be checked."
            error={session.error}
            onRetry={() => void restore()}
          />
        </EntryPage>
      );
    case 'signed-out':
      return (
        <EntryPage title="Sign in">
          <SignInForm reason={session.reason} />
        </EntryPage>
      );
    case 'signed-in': {
      const { person, mustChangePassword } = session;
      if (!mustChangePassword || postponedBy === person.id) return <div key={person.id}>{children}</div>;
      return (
        <EntryPage title="Choose your own password">
          <ChangePasswordForm
            username={person.username}
            isForced
            onLater={isProduction ? undefined : () => setPostponedBy(postponed.write(person.id))}
            onSignOut={() => signOut(false)}
          />
        </EntryPage>
      );
    }
  }
}

/**
 * Users who postponed choosing a password, until this tab closes. The server allows that outside production, to make
 * the demo easy to try.
 */
const postponed = {
  read: () => (isProduction ? undefined : read('vanguard.password-later', sessionStore)),
  write: (personId: number) => {
    write('vanguard.password-later', personId, sessionStore);
    return personId;
  },
};

/** Shown while the session check runs; empty, to avoid a flash. */
function Starting() {
  usePageTitle();
  return <div aria-busy="true" aria-label="Loading" role="status" />;
}
