import { Button } from '@mantine/core';
import { useLayoutEffect, useRef, useState } from 'react';
import { baseValue, formatValue, isDrafted } from '../../records/cells.ts';
import type { Column } from '../../records/columns.ts';
import type { Row } from '../../records/row.ts';
import type { Edit } from '../../records/edits.ts';
import classes from './Grid.module.css';

interface Props {
  row: Row;
  column: Column;
  edit: Edit | undefined;
  /** PEMS does not list the drafted value: the nearest that it lists. Undefined: it lists it. */
  nearest: readonly string[] | undefined;
  /** It is about the cell with the focus, so what it offers can be reached. */
  isActive: boolean;
  canEdit: boolean;
  /** Where the cell is, and how high. */
  top: number;
  height: number;
  /** How wide the first column is, which stays in sight. */
  fixed: number;
  onRevert: () => void;
  onDrop: (edit: Edit) => void;
  onSaveAnew: (edit: Edit) => void;
  onEdit: () => void;
}

/** As wide as it gets, with its distance from the cell. */
const widest = 330;
/** As wide as the window has to be for the first column to stay where it is. */
const narrow = 600;

type Side = 'end' | 'start' | 'below' | 'bottom';

/**
 * Beside the cell, so that the cells above and below it, where one goes on, are not covered; below it where there is no
 * room; and on a phone at the bottom of what is in sight.
 */
function sideOf(column: Column, scroller: HTMLElement, fixed: number): Side {
  const { scrollLeft, clientWidth } = scroller;
  if (column.left + column.width + widest <= scrollLeft + clientWidth) return 'end';
  if (clientWidth <= narrow) return 'bottom';
  return column.left - widest >= scrollLeft + fixed ? 'start' : 'below';
}

/** At a cell: what it was before it was drafted, or why it is not saved, and what can be done. */
export function CellNote({
  row,
  column,
  edit,
  nearest,
  isActive,
  canEdit,
  top,
  height,
  fixed,
  ...actions
}: Props) {
  const { onRevert, onDrop, onSaveAnew, onEdit } = actions;
  const show = (value: Parameters<typeof formatValue>[1]) => formatValue(column, value) || 'empty';
  const stays = { onMouseDown: (event: { preventDefault: () => void }) => event.preventDefault() };
  const anchor = useRef<HTMLDivElement>(null);
  const [side, setSide] = useState<Side>('below');
  useLayoutEffect(() => {
    const scroller = anchor.current?.parentElement;
    if (scroller) setSide(sideOf(column, scroller, fixed));
  }, [column, fixed]);
  const place = {
    end: { top, insetInlineStart: column.left + column.width },
    start: { top, insetInlineStart: column.left },
    below: {
      top: top + height,
      insetInlineStart: `min(${column.left}px, max(0px, var(--width) - ${widest}px))`,
    },
    bottom: {},
  }[side];
  return (
    <div ref={anchor} className={classes.noteAnchor} data-side={side} style={place}>
      <div
        id={isActive ? 'cell-note' : undefined}
        className={classes.note}
        role={edit?.message ? 'alert' : isActive ? 'note' : 'tooltip'}
        data-kind={edit?.state ?? 'drafted'}
      >
        {edit?.state === 'conflict' ? (
          <>
            <b>Somebody else has changed this meanwhile.</b>
            <dl className={classes.sides}>
              <dt>You saw</dt>
              <dd>{show(edit.seen)}</dd>
              <dt>Theirs</dt>
              <dd>{show(edit.theirs ?? null)}</dd>
              <dt>Yours</dt>
              <dd>{show(edit.value)}</dd>
            </dl>
            {isActive && (
              <div className={classes.noteActions}>
                <Button {...stays} size="compact-xs" variant="default" onClick={() => onDrop(edit)}>
                  Take theirs
                </Button>
                <Button {...stays} size="compact-xs" onClick={() => onSaveAnew(edit)}>
                  Save mine
                </Button>
              </div>
            )}
          </>
        ) : edit?.state === 'refused' ? (
          <>
            <b>Not saved.</b> {edit.message}
            {isActive && (
              <div className={classes.noteActions}>
                <Button {...stays} size="compact-xs" onClick={onEdit}>
                  Correct
                </Button>
                <Button {...stays} size="compact-xs" variant="default" onClick={() => onDrop(edit)}>
                  Leave it as it was
                </Button>
              </div>
            )}
          </>
        ) : edit ? (
          <>{edit.state === 'waiting' ? 'Not saved yet: the server cannot be reached.' : 'Saving …'}</>
        ) : (
          isDrafted(row, column.key) && (
            <>
              Drafted; it was <b>{show(baseValue(row, column.key))}</b>.
              {nearest && (
                <p className={classes.noteHint}>
                  PEMS does not list this value.
                  {nearest.length > 0 && ` Near it: ${nearest.join(', ')}.`}
                </p>
              )}
              {isActive && canEdit && (
                <div className={classes.noteActions}>
                  <Button {...stays} size="compact-xs" variant="default" onClick={onRevert}>
                    Revert
                  </Button>
                  <kbd className={classes.keys}>Ctrl Backspace</kbd>
                </div>
              )}
            </>
          )
        )}
      </div>
    </div>
  );
}
