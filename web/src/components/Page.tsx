import { Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import classes from './Page.module.css';

const product = 'PFA Vanguard';

/** Sets the title of the browser tab, the most specific part first. */
export function usePageTitle(...parts: (string | undefined)[]): void {
  const title = [...parts.filter((part) => part !== undefined), product].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}

interface Props {
  title: string;
  /** Subject of the page, beside its title. */
  subtitle?: ReactNode;
  /** Organization, shown in the tab's title after the page's title. */
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
