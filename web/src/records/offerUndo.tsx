import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { request } from '../api/graphql.ts';
import { complain } from '../components/complain.ts';
import { formatCount } from '../format/numbers.ts';
import { undoOperationDocument } from './documents.ts';

interface Offer {
  organizationId: number;
  /** Operation on the drafts; without it, there is nothing to undo. */
  operationId: string | null | undefined;
  title: string;
  message?: ReactNode;
  /** Another action to offer. */
  action?: { label: string; run: () => void };
  /** Reloads what the page shows. */
  onUndone: () => void;
}

/** Notifies the user of the values that an undo or redo could not change. Returns true if there were any. */
export function tellImpossible(title: string, impossible: unknown): boolean {
  const count = Array.isArray(impossible) ? impossible.length : 0;
  if (count > 0)
    notifications.show({
      color: 'yellow',
      title,
      message: `${formatCount(count)} values have changed since, so they were kept.`,
    });
  return count > 0;
}

/**
 * Notifies the user of a change of drafts and offers to undo it. After the notification has closed, the records page
 * can still undo it step by step.
 */
export function offerUndo({ organizationId, operationId, title, message, action, onUndone }: Offer): void {
  const undo = async () => {
    notifications.hide(id);
    try {
      const { undoDraft } = await request(undoOperationDocument, {
        organizationId,
        operationId: operationId ?? '',
      });
      if (!tellImpossible('Some values couldn’t be undone.', undoDraft?.result?.impossible))
        notifications.show({ title: 'Undone', message: null });
    } catch (thrown) {
      complain('The change couldn’t be undone.', thrown);
    }
    onUndone();
  };
  const id = notifications.show({
    title,
    autoClose: 12_000,
    message: (
      <Group gap="xs">
        {message}
        {action && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              action.run();
            }}
          >
            {action.label}
          </Button>
        )}
        {operationId && (
          <Button size="compact-xs" variant="default" onClick={() => void undo()}>
            Undo
          </Button>
        )}
      </Group>
    ),
  });
}
