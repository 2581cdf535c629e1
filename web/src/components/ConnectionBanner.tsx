import { Button, Text } from '@mantine/core';
import { lookNow, useIsConnectionLost } from '../api/connection.ts';
import classes from './ConnectionBanner.module.css';
import { WarningIcon } from './icons.tsx';

/** Tells the user that the server cannot be reached, until it can. */
export function ConnectionBanner() {
  const isLost = useIsConnectionLost();
  return (
    <div className={classes.place} role="status" aria-live="polite">
      {isLost && (
        <div className={classes.banner}>
          <WarningIcon className={classes.icon} />
          <Text size="sm">
            <b>Connection lost.</b> The page may be out of date. Reconnecting…
          </Text>
          <Button size="compact-sm" variant="default" onClick={lookNow}>
            Reconnect now
          </Button>
        </div>
      )}
    </div>
  );
}
