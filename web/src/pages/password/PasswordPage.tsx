import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { Page } from '../../components/Page.tsx';
import { ChangePasswordForm } from '../../session/ChangePasswordForm.tsx';
import { useSession } from '../../session/session.ts';
import classes from './PasswordPage.module.css';

export function PasswordPage() {
  const session = useSession();
  const navigate = useNavigate();
  if (session.status !== 'signed-in') return null;
  return (
    <Page title="Change password">
      <div className={classes.form}>
        <ChangePasswordForm
          username={session.person.username}
          onChanged={() => {
            notifications.show({ message: 'Password changed.' });
            void navigate({ to: '/' });
          }}
        />
      </div>
    </Page>
  );
}
