import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Icon } from './icons.tsx';
import classes from './Panel.module.css';

interface Props {
  icon: Icon;
  title: string;
  /** The reason for the empty state, and the next step. */
  children: ReactNode;
  /** Buttons or links for the next step. */
  action?: ReactNode;
}

/** Placeholder for a list without entries. */
export function EmptyState({ icon: Icon, title, children, action }: Props) {
  return (
    <div className={classes.panel}>
      <Icon size={22} className={classes.icon} />
      <Stack gap={6} miw={0}>
        <Text fw={600}>{title}</Text>
        <Text size="sm" component="div">
          {children}
        </Text>
        {action && <div>{action}</div>}
      </Stack>
    </div>
  );
}
