import { ActionIcon, Menu, Text, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { Link } from '@tanstack/react-router';
import { asApiError } from '../api/errors.ts';
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
import { signOut, useSession } from '../session/session.ts';
import { isProduction } from './environment.ts';
import { useMe } from './organization.tsx';

const schemes: [MantineColorScheme, string, Icon][] = [
  ['auto', 'As the system', SystemIcon],
  ['light', 'Light', SunIcon],
  ['dark', 'Dark', MoonIcon],
];

export function ThemeMenu() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [, label, Chosen] = schemes.find(([scheme]) => scheme === colorScheme) ?? [
    'auto',
    'As the system',
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

/** Shown where there is something in it: nothing in production so far. */
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
  const session = useSession();
  const { data } = useMe();
  if (session.status !== 'signed-in') return null;
  const { username } = session.person;
  const name = [data?.viewer?.firstName, data?.viewer?.lastName].filter(Boolean).join(' ');
  const leave = (everywhere: boolean) => {
    signOut(everywhere).catch((error: unknown) => {
      const { message, hint } = asApiError(error);
      notifications.show({
        color: 'red',
        title: 'You are still signed in',
        message: `${message} ${hint ?? ''}`,
      });
    });
  };
  return (
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
        <Menu.Item leftSection={<SignOutIcon size={16} />} onClick={() => leave(false)}>
          Sign out
        </Menu.Item>
        <Menu.Item leftSection={<SignOutIcon size={16} />} onClick={() => leave(true)}>
          Sign out everywhere
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
