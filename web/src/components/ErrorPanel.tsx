import { Button, Group, Stack, Text } from '@mantine/core';
import { asApiError } from '../api/errors.ts';
import { WarningIcon } from './icons.tsx';
import classes from './Panel.module.css';
import { explain } from './explain.ts';

interface Props {
  error: unknown;
  /** The failure, e.g. `The costs couldn’t be loaded.` */
  title?: string;
  onRetry?: () => void;
  isRetrying?: boolean;
}

/** Shows why something couldn't be loaded and what to do, and offers to retry. */
export function ErrorPanel({
  error,
  title = 'This couldn’t be loaded.',
  onRetry,
  isRetrying = false,
}: Props) {
  const { code, requestId } = asApiError(error);
  return (
    <div className={classes.panel} role="alert">
      <WarningIcon size={22} className={classes.errorIcon} />
      <Stack gap={6} miw={0}>
        <Text fw={600}>{title}</Text>
        <Text size="sm">{explain(error)}</Text>
        <Group gap="sm" mt={4}>
          {onRetry && (
            <Button size="xs" onClick={onRetry} loading={isRetrying}>
              Try again
            </Button>
          )}
          <Text size="xs" c="dimmed" className={classes.code}>
            {code}
            {requestId && ` · request ${requestId}`}
          </Text>
        </Group>
      </Stack>
    </div>
  );
}
