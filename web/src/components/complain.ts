import { notifications } from '@mantine/notifications';
import { explain } from './explain.ts';

/** Shows a notice that something failed, and why. */
export function complain(title: string, thrown: unknown): void {
  notifications.show({ color: 'red', title, message: explain(thrown) });
}
