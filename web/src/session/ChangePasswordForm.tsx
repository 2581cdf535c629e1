import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Refusal } from './Refusal.tsx';
import { changePassword } from './session.ts';
import { useSubmit } from './useSubmit.ts';

interface Props {
  username: string;
  /** True if another user set the password, so the account must change it first. */
  isForced?: boolean;
  onLater?: (() => void) | undefined;
  onSignOut?: () => Promise<void>;
  onChanged?: () => void;
}

/** The form for a new password. The server checks the rules and words the errors. */
export function ChangePasswordForm({ username, isForced = false, onLater, onSignOut, onChanged }: Props) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const differs = again !== '' && !next.startsWith(again) && again !== next;
  const { submit, isSending, error } = useSubmit(async () => {
    await changePassword(current, next);
    onChanged?.();
  });
  const signOut = useSubmit(onSignOut ?? (() => Promise.resolve()));
  const toggle = { 'aria-label': 'Show password', tabIndex: 0 };
  return (
    <form onSubmit={submit}>
      {/* For managers of passwords, so that they know whose it is. */}
      <input type="text" name="username" autoComplete="username" value={username} readOnly hidden />
      <Stack gap="md">
        {isForced && (
          <Text size="sm">
            You are signed in as <b>{username}</b> with a password that somebody else has set. Choose one that
            only you know.
          </Text>
        )}
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          autoFocus
          value={current}
          onChange={({ currentTarget }) => setCurrent(currentTarget.value)}
          visibilityToggleButtonProps={toggle}
        />
        <PasswordInput
          label="New password"
          description="Use at least 12 characters, for example several unrelated words. Don’t use your name or the product’s."
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={next}
          onChange={({ currentTarget }) => setNext(currentTarget.value)}
          visibilityToggleButtonProps={toggle}
        />
        <PasswordInput
          label="Confirm new password"
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={again}
          onChange={({ currentTarget }) => setAgain(currentTarget.value)}
          error={differs ? 'The passwords don’t match.' : undefined}
          visibilityToggleButtonProps={toggle}
        />
        <Refusal error={error ?? signOut.error} />
        <Group gap="sm">
          <Button type="submit" loading={isSending} disabled={next === '' || next !== again}>
            Change password
          </Button>
          {onLater && (
            <Button variant="default" onClick={onLater}>
              Later
            </Button>
          )}
          {onSignOut && (
            <Button variant="subtle" onClick={signOut.submit} loading={signOut.isSending}>
              Sign out
            </Button>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          Changing the password signs you out on all other devices.
        </Text>
      </Stack>
    </form>
  );
}
