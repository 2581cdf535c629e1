import {
  ActionIcon,
  Button,
  Group,
  Menu,
  Modal,
  Text,
  useMantineColorScheme,
  type MantineColorScheme,
} from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { complain } from '../components/complain.ts';
import {
  HelpIcon,
  KeyIcon,
  MoonIcon,
  PersonIcon,
  SignOutIcon,
  SunIcon,
  SystemIcon,
  type Icon,
} from '../components/icons.tsx';
import { formatCount } from '../format/numbers.ts';
import { countUnsent } from '../records/unsent.ts';
import { signOut, useSession } from '../session/session.ts';
import { isProduction } from './environment.ts';
import { useMe } from './organization.tsx';

const schemes: [MantineColorScheme, string, Icon][] = [
  ['auto', 'System', SystemIcon],
  ['light', 'Light', SunIcon],
  ['dark', 'Dark', MoonIcon],
];

export function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [, label, Chosen] = schemes.find(([scheme]) => scheme === colorScheme) ?? [
    'auto',
    'System',
    SystemIcon,
  ];
  return (
    <Menu width={180} withinPortal={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Colours: ${label}`}>
          <Chosen />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}
        >
          {schemes.map(([scheme, name, Icon]) => (
            <Menu.RadioItem key={scheme} value={scheme} rightSection={<Icon size={16} />} closeMenuOnClick>
              {name}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Renders nothing if the menu would be empty, as in production. */
export function HelpMenu() {
  if (isProduction) return null;
  return (
    <Menu withinPortal={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Help">
          <HelpIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>For developers</Menu.Label>
        <Menu.Item component="a" href="/graphiql" target="_blank" rel="noopener">
          Explore the API (GraphiQL)
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function UserMenu() {
  /** Pending request to sign out, with the number of unsaved edits. */
  const [leaving, setLeaving] = useState<{ everywhere: boolean; unsent: number }>();
  const session = useSession();
  const { data } = useMe();
  if (session.status !== 'signed-in') return null;
  const { id, username } = session.person;
  const name = [data?.viewer?.firstName, data?.viewer?.lastName].filter(Boolean).join(' ');
  const ask = (everywhere: boolean) => {
    const unsent = countUnsent(id);
    if (unsent > 0) setLeaving({ everywhere, unsent });
    else leave(everywhere);
  };
  const leave = (everywhere: boolean) => {
    signOut(everywhere).catch((error: unknown) => complain('You are still signed in', error));
  };
  return (
    <>
      <Menu position="bottom-end" withinPortal={false}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Your account, ${username}`}>
            <PersonIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Text component="span" display="block" size="sm" fw={600} c="var(--mantine-color-text)" truncate>
              {name || username}
            </Text>
            {name && username}
          </Menu.Label>
          <Menu.Divider />
          <Menu.Item leftSection={<KeyIcon size={16} />} component={Link} to="/account/password">
            Change password
          </Menu.Item>
          <Menu.Item leftSection={<SignOutIcon size={16} />} onClick={() => ask(false)}>
            Sign out
          </Menu.Item>
          <Menu.Item leftSection={<SignOutIcon size={16} />} onClick={() => ask(true)}>
            Sign out everywhere
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={leaving !== undefined}
        onClose={() => setLeaving(undefined)}
        title={
          leaving?.unsent === 1
            ? 'You have 1 unsaved change.'
            : `${formatCount(leaving?.unsent ?? 0)} unsaved changes.`
        }
      >
        <Text size="sm" mb="md">
          They stay in this browser and are saved when you sign in here again.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => setLeaving(undefined)} data-autofocus>
            Stay signed in
          </Button>
          <Button onClick={() => leave(leaving?.everywhere ?? false)}>Sign out anyway</Button>
        </Group>
      </Modal>
    </>
  );
}
