import { Text } from '@mantine/core';
import type { ApiError } from '../api/errors.ts';
import classes from './Refusal.module.css';
import { explain } from '../components/explain.ts';

/** Shows why the server refused a form. Screen readers announce it. */
export function Refusal({ error }: { error: ApiError | undefined }) {
  return (
    <div role="alert">
      {error && (
        <Text size="sm" className={classes.refusal}>
          {explain(error)}
        </Text>
      )}
    </div>
  );
}
