import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Icon } from './icons.tsx';
import classes from './Panel.module.css';

interface Props {
  icon: Icon;
  title: string;
  /** Why there is nothing, and what to do. */
  children: ReactNode;
  /** Buttons or links that do it. */
  action?: ReactNode;
}

/** In place of what is not there. */
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
