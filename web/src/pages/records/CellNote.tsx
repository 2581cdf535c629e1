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
  /** The nearest listed values if PEMS does not list the drafted value; otherwise undefined. */
  nearest: readonly string[] | undefined;
  /** True if the note belongs to the focused cell, so its buttons can be reached. */
  isActive: boolean;
  canEdit: boolean;
  /** Position and height of the cell. */
  top: number;
  height: number;
  /** Width of the first column, which stays visible. */
  fixed: number;
  onRevert: () => void;
  onDrop: (edit: Edit) => void;
  onSaveAnew: (edit: Edit) => void;
  onEdit: () => void;
}

/** Maximum width of the note, including its distance from the cell. */
const widest = 330;
/** Minimum width of the grid for the first column to stay visible. */
const narrow = 600;

type Side = 'end' | 'start' | 'below' | 'bottom';

/**
 * Chooses the side of the note: beside the cell, so the cells above and below stay uncovered, or below it if there is no
 * room. On a phone, the note is at the bottom of the screen.
 */
function sideOf(column: Column, scroller: HTMLElement, fixed: number): Side {
  const { scrollLeft, clientWidth } = scroller;
  if (column.left + column.width + widest <= scrollLeft + clientWidth) return 'end';
  if (clientWidth <= narrow) return 'bottom';
  return column.left - widest >= scrollLeft + fixed ? 'start' : 'below';
}

/**
 * The note at a cell: the value before its draft, or the reason why an edit is not saved, with the possible actions.
 */
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
            <b>Another user changed this value.</b>
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
                  Discard
                </Button>
              </div>
            )}
          </>
        ) : edit ? (
          <>{edit.state === 'waiting' ? 'Not saved yet: the server can’t be reached.' : 'Saving …'}</>
        ) : (
          isDrafted(row, column.key) && (
            <>
              Drafted. Before: <b>{show(baseValue(row, column.key))}</b>.
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
