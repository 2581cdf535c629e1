import { notifications } from '@mantine/notifications';
import { asApiError } from '../api/errors.ts';

/** Says that something could not be done, and why. */
export function complain(title: string, thrown: unknown): void {
  const { message, hint } = asApiError(thrown);
  notifications.show({ color: 'red', title, message: `${message} ${hint ?? ''}` });
}
