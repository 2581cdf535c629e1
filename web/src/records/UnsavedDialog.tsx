import { Button, Modal, Table, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useOrganization } from '../app/organization.tsx';
import { formatCount } from '../format/numbers.ts';
import { FieldChange } from './FieldValue.tsx';
import { recordSearch } from './recordSearch.ts';
import { whyNotSaved, type Edit } from './edits.ts';
import classes from './UnsavedDialog.module.css';

const shownAtMost = 200;

const waits = ({ state }: Edit) => state === 'waiting';

/** Lists the user's unsaved edits in this organization, each with the reason and the possible actions. */
export function UnsavedDialog({ stuck, onClose }: { stuck: readonly Edit[]; onClose: () => void }) {
  const { organization, edits } = useOrganization();
  const open = stuck.filter((edit) => !waits(edit));
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title={
        stuck.length === 1 ? '1 change isn’t saved' : `${formatCount(stuck.length)} changes aren’t saved`
      }
    >
      <Text size="sm" mb="sm">
        {stuck.length === 1 ? 'It is' : 'They are'} kept only in this browser
        {edits.isKept ? '' : ' until you close the page'}.
        {open.length < stuck.length && ' Waiting changes are sent when the server is back.'}
      </Text>
      <Table.ScrollContainer minWidth={480} maxHeight={420}>
        <Table stickyHeader verticalSpacing={6} aria-label="Not saved">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Record</Table.Th>
              <Table.Th>Change</Table.Th>
              <Table.Th>Why</Table.Th>
              <Table.Th>
                <span className="visually-hidden">Actions</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {stuck.slice(0, shownAtMost).map((edit) => (
              <Table.Tr key={`${edit.recordId} ${edit.key}`}>
                <Table.Th scope="row" fw={550}>
                  <Link
                    to="/o/$code/records"
                    params={{ code: organization.code }}
                    search={recordSearch(edit.recordId)}
                    className={classes.link}
                    onClick={onClose}
                  >
                    {edit.recordId}
                  </Link>
                </Table.Th>
                <Table.Td>
                  <FieldChange
                    field={edit.key}
                    from={edit.state === 'conflict' ? edit.theirs : edit.seen}
                    to={edit.value}
                  />
                </Table.Td>
                <Table.Td>{waits(edit) ? 'Waiting for the server' : whyNotSaved(edit)}</Table.Td>
                <Table.Td className={classes.actions}>
                  {edit.state === 'conflict' && (
                    <Button size="compact-xs" onClick={() => edits.saveAnew(edit)}>
                      Save mine
                    </Button>
                  )}
                  {!waits(edit) && (
                    <Button size="compact-xs" variant="default" onClick={() => edits.drop(edit)}>
                      {edit.state === 'conflict' ? 'Take theirs' : 'Discard'}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {stuck.length > shownAtMost && (
        <Text size="xs" c="dimmed">
          And {formatCount(stuck.length - shownAtMost)} more.
        </Text>
      )}
      <div className={classes.footer}>
        {open.length > 1 && (
          <Button variant="default" onClick={() => edits.drop(...open)}>
            Discard all {formatCount(open.length)}
          </Button>
        )}
        <Button onClick={onClose}>Close</Button>
      </div>
    </Modal>
  );
}
