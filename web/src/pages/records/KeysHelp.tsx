import { ActionIcon, Popover, Tooltip } from '@mantine/core';
import { KeyboardIcon } from '../../components/icons.tsx';
import classes from './Records.module.css';

const keys: readonly (readonly [keys: string, does: string, onlyToEdit?: true])[] = [
  ['Arrows, Page Up, Home, Ctrl-End', 'move between cells'],
  ['Enter on a record', 'show the history'],
  ['Enter on a heading', 'sort'],
  ['Shift-Left, Shift-Right on a heading', 'resize the column (with Ctrl: move it)'],
  ['Escape', 'close the note, then clear the selection'],
  ['Ctrl-C', 'copy the cell, or the selected rows'],
  ['Enter, F2, or typing', 'edit the cell (Escape cancels)', true],
  ['Delete', 'clear the cell', true],
  ['Ctrl-Backspace', 'revert the draft in the cell', true],
  ['Ctrl-V', 'paste cells from a spreadsheet', true],
  ['Ctrl-Z, Ctrl-Shift-Z', 'undo, redo', true],
  ['Shift-Space', 'select the row', true],
  ['Shift-Up, Shift-Down', 'select rows one after the other', true],
  ['Ctrl-A', 'select all that match', true],
];

/** Lists the keyboard shortcuts of the grid. */
export function KeysHelp({ canEdit }: { canEdit: boolean }) {
  return (
    <Popover width={400} position="bottom-end" shadow="md" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Tooltip label="Keys">
          <ActionIcon variant="default" size="md" aria-label="Keys" className={classes.keysHelp}>
            <KeyboardIcon size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label="Keys" tabIndex={0} data-autofocus>
        <dl className={classes.keys}>
          {keys
            .filter(([, , onlyToEdit]) => canEdit || !onlyToEdit)
            .map(([key, does]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{does}</dd>
              </div>
            ))}
        </dl>
      </Popover.Dropdown>
    </Popover>
  );
}
