import { Button, Modal, Table, Text } from '@mantine/core';
import { formatCount } from '../../format/numbers.ts';
import classes from './BulkDialog.module.css';

/** A cell that a paste skipped. */
export interface LeftOut {
  recordId: string;
  column: string;
  value: string;
  why: string;
}

export interface Pasted {
  /** Number of pasted cells, and how many already had their value. */
  cells: number;
  unchanged: number;
  leftOut: LeftOut[];
}

const shownAtMost = 500;

/** Lists the cells that a paste did not save, each with the reason. */
export function PasteReport({
  pasted,
  onUndo,
  onClose,
}: {
  pasted: Pasted;
  onUndo: () => void;
  onClose: () => void;
}) {
  const { cells, unchanged, leftOut } = pasted;
  const changed = cells - unchanged - leftOut.length;
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={`${formatCount(leftOut.length)} of ${formatCount(cells)} cells weren’t pasted`}
    >
      <div className={classes.form}>
        <Text size="sm">
          {formatCount(changed)} cells are saved as drafts
          {unchanged > 0 && `, and ${formatCount(unchanged)} already had the value`}. These cells weren’t
          changed:
        </Text>
        <Table.ScrollContainer minWidth={420} maxHeight={360}>
          <Table stickyHeader verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Record</Table.Th>
                <Table.Th>Column</Table.Th>
                <Table.Th>Value</Table.Th>
                <Table.Th>Reason</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {leftOut.slice(0, shownAtMost).map(({ recordId, column, value, why }) => (
                <Table.Tr key={`${recordId} ${column}`}>
                  <Table.Th scope="row" fw={550}>
                    {recordId}
                  </Table.Th>
                  <Table.Td>{column}</Table.Td>
                  <Table.Td className={classes.value}>{value || 'empty'}</Table.Td>
                  <Table.Td>{why}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {leftOut.length > shownAtMost && (
          <Text size="xs" c="dimmed">
            And {formatCount(leftOut.length - shownAtMost)} more.
          </Text>
        )}
        <div className={classes.actions}>
          {changed > 0 && (
            <Button variant="default" onClick={onUndo}>
              Undo all
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
        </div>
      </div>
    </Modal>
  );
}
