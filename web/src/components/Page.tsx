import { Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import classes from './Page.module.css';

const product = 'PFA Vanguard';

/** Names the page in the tab of the browser, from the particular to the general. */
export function usePageTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter((part) => part !== undefined), product].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}

interface Props {
  title: string;
  /** Beside the title: what it is about. */
  subtitle?: ReactNode;
  /** In the title of the tab, after that of the page: the organization. */
  scope?: string;
  children: ReactNode;
}

/** A page with its heading. */
export function Page({ title, subtitle, scope, children }: Props) {
  usePageTitle(title, scope);
  return (
    <div className={classes.page}>
      <div className={classes.head}>
        <Title order={1}>{title}</Title>
        {subtitle !== undefined && (
          <Text size="sm" c="dimmed" component="div">
            {subtitle}
          </Text>
        )}
      </div>
      {children}
    </div>
  );
}
