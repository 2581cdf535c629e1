import { ActionIcon, Popover, Tooltip } from '@mantine/core';
import { KeyboardIcon } from '../../components/icons.tsx';
import classes from './Records.module.css';

const keys: readonly (readonly [keys: string, does: string, onlyToEdit?: true])[] = [
  ['Arrows, Page Up, Home, Ctrl-End', 'go from cell to cell'],
  ['Enter on a record', 'show its history'],
  ['Enter on a heading', 'sort by it'],
  ['Shift-Left, Shift-Right on a heading', 'make a column narrower or wider; with Ctrl, move it'],
  ['Escape', 'put away the note at a cell, then what is selected'],
  ['Ctrl-C', 'copy the cell, or the selected rows'],
  ['Enter, F2, or typing', 'edit the cell; Escape leaves it as it was', true],
  ['Delete', 'empty the cell', true],
  ['Ctrl-Backspace', 'take back what I drafted in the cell', true],
  ['Ctrl-V', 'paste a block of a spreadsheet from here on', true],
  ['Ctrl-Z, Ctrl-Shift-Z', 'undo, and do again', true],
  ['Shift-Space', 'select the row', true],
  ['Shift-Up, Shift-Down', 'select rows one after the other', true],
  ['Ctrl-A', 'select all that match', true],
];

/** What the grid does by keyboard. */
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
