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
          {wordsOf(error)}
        </Text>
      )}
    </div>
  );
}

/** Codes whose messages the server writes for users: they say which password is wrong, and how to choose a better one. */
const writtenForUsers = ['INVALID_INPUT', 'WRONG_CREDENTIALS'];

const wordsOf = (error: ApiError): string =>
  writtenForUsers.includes(error.code) ? `${error.message} ${error.hint ?? ''}`.trim() : explain(error);
