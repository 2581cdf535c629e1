import { Button, Group, Stack, Text } from '@mantine/core';
import { CatchBoundary, type ErrorComponentProps } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { useUnsavedEdits } from '../app/organization.tsx';
import { formatCount } from '../format/numbers.ts';
import { WarningIcon } from './icons.tsx';
import { Page } from './Page.tsx';
import classes from './Panel.module.css';

interface Props extends Pick<ErrorComponentProps, 'error' | 'info'> {
  title: string;
  /** Renders the failed part again. */
  onRetry: () => void;
}

/** Options after a part of the page fails to render: retry, reload, discard edits, copy details. */
function CrashPanel({ title, error, info, onRetry }: Props) {
  const unsaved = useUnsavedEdits();
  const [isCopied, setIsCopied] = useState(false);
  const details = detailsOf(error, info?.componentStack);
  const copy = async () => {
    await navigator.clipboard.writeText(details);
    setIsCopied(true);
  };
  return (
    <div className={classes.panel} role="alert">
      <WarningIcon size={22} className={classes.errorIcon} />
      <Stack gap={8} miw={0}>
        <Text fw={600}>{title}</Text>
        <Text size="sm">
          Reload the page. If this happens again, send the details to your administrator.
          {unsaved.count > 0 &&
            ` ${formatCount(unsaved.count)} unsaved ${unsaved.count === 1 ? 'edit is' : 'edits are'} kept in this browser.`}
        </Text>
        <Group gap="sm">
          <Button size="xs" onClick={() => window.location.reload()}>
            Reload
          </Button>
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
          {unsaved.count > 0 && (
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                unsaved.discard();
                onRetry();
              }}
            >
              {unsaved.count === 1 ? 'Discard the unsaved edit' : 'Discard the unsaved edits'}
            </Button>
          )}
          {/* A page that came over plain HTTP has no clipboard. */}
          {'clipboard' in navigator && (
            <Button size="xs" variant="default" onClick={() => void copy()}>
              {isCopied ? 'Details copied' : 'Copy details'}
            </Button>
          )}
        </Group>
        <details>
          <summary>Details</summary>
          <pre className={classes.details} tabIndex={0}>
            {details}
          </pre>
        </details>
      </Stack>
    </div>
  );
}

const detailsOf = (error: unknown, componentStack: string | undefined): string =>
  [
    `${new Date().toISOString()} ${window.location.href}`,
    navigator.userAgent,
    error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error),
    componentStack?.trim() ?? '',
  ]
    .filter((part) => part !== '')
    .join('\n\n');

/** Replaces a page that failed to render; the frame around it stays. */
export const CrashPage = ({ error, info, reset }: ErrorComponentProps) => (
  <Page title="Something went wrong">
    <CrashPanel title="This page couldn’t be displayed." error={error} info={info} onRetry={reset} />
  </Page>
);

interface BoundaryProps {
  /** The part's name, e.g. `The chart`. */
  name: string;
  /** A new key, for example another filter, renders the part again. */
  resetKey?: string;
  children: ReactNode;
}

/** Confines a failure to render to one part of a page. */
export const PanelBoundary = ({ name, resetKey = '', children }: BoundaryProps) => (
  <CatchBoundary
    getResetKey={() => resetKey}
    errorComponent={({ error, info, reset }) => (
      <CrashPanel title={`${name} couldn’t be displayed.`} error={error} info={info} onRetry={reset} />
    )}
  >
    {children}
  </CatchBoundary>
);
