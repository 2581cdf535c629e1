import { notifications } from '@mantine/notifications';
import { explain } from './explain.ts';

/** Shows a notification about a failure and its reason. */
export function complain(title: string, thrown: unknown): void {
  notifications.show({ color: 'red', title, message: explain(thrown) });
}
