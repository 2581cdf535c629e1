import { Text } from '@mantine/core';
import type { ApiError } from '../api/errors.ts';
import classes from './Refusal.module.css';

/** Why a form was refused; read out when it comes. */
export function Refusal({ error }: { error: ApiError | undefined }) {
  return (
    <div role="alert">
      {error && (
        <Text size="sm" className={classes.refusal}>
          {error.message} {error.hint}
        </Text>
      )}
    </div>
  );
}
