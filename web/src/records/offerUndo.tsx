import { Button, Group } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { ReactNode } from 'react';
import { request } from '../api/graphql.ts';
import { complain } from '../components/complain.ts';
import { formatCount } from '../format/numbers.ts';
import { undoOperationDocument } from './documents.ts';

interface Offer {
  organizationId: number;
  /** The operation on drafts; without one there is nothing to take back. */
  operationId: string | null | undefined;
  title: string;
  message?: ReactNode;
  /** What else can be done about it. */
  action?: { label: string; run: () => void };
  /** What is shown has to be asked for anew. */
  onUndone: () => void;
}

/** Says how many values an undo or redo had to leave, if any. Whether there were any. */
export function tellImpossible(title: string, impossible: unknown): boolean {
  const count = Array.isArray(impossible) ? impossible.length : 0;
  if (count > 0)
    notifications.show({
      color: 'yellow',
      title,
      message: `${formatCount(count)} values have changed since, and stay.`,
    });
  return count > 0;
}

/** Tells what was done to drafts, and takes it back when told to. Later the records page still can: it undoes step by step. */
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
