import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Refusal } from './Refusal.tsx';
import classes from './Refusal.module.css';
import { signIn, type SessionState } from './session.ts';
import { useSubmit } from './useSubmit.ts';

const notices = {
  ended: 'Your session ended. Sign in to continue where you left off.',
  here: 'You are signed out.',
  everywhere: 'You are signed out on all devices.',
};

export function SignInForm({
  reason,
}: {
  reason: Extract<SessionState, { status: 'signed-out' }>['reason'];
}) {
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const { submit, isSending, error } = useSubmit(() => signIn(username.trim(), password));
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <div role="status">
          {reason && !error && (
            <Text size="sm" className={classes.notice}>
              {notices[reason]}
            </Text>
          )}
        </div>
        <TextInput
          label="User name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          withAsterisk={false}
          autoFocus
          size="md"
          value={username}
          onChange={({ currentTarget }) => setUsername(currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          size="md"
          value={password}
          onChange={({ currentTarget }) => setPassword(currentTarget.value)}
          visibilityToggleButtonProps={{ 'aria-label': 'Show password', tabIndex: 0 }}
        />
        <Refusal error={error} />
        <Button type="submit" size="md" loading={isSending} fullWidth>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
