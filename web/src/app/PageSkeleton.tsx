import { Skeleton, Stack } from '@mantine/core';
import classes from '../components/Page.module.css';

/** Placeholder for a page that is loading. */
export function PageSkeleton() {
  return (
    <div className={classes.page} aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading
      </span>
      <Stack gap="md">
        <Skeleton height={24} width={180} />
        <Skeleton height={120} />
        <Skeleton height={220} />
      </Stack>
    </div>
  );
}
