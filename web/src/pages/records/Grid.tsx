import { useVirtualizer, defaultRangeExtractor, type Range } from '@tanstack/react-virtual';
import {
  memo,
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
  type Ref,
} from 'react';
import {
  DraftIcon,
  HistoryIcon,
  OverIcon,
  PendingIcon,
  UnderIcon,
  WarningIcon,
} from '../../components/icons.tsx';
import { signOf } from '../../format/numbers.ts';
import { CellEditor, type Written } from './CellEditor.tsx';
import { CellNote } from './CellNote.tsx';
import { baseValue, editability, formatValue, isDrafted, valueOf, type Field } from '../../records/cells.ts';
import { findColumn, fitWidth, type Column, type Sort } from '../../records/columns.ts';
import type { Row } from '../../records/row.ts';
import { shortcutLetter } from '../../app/shortcut.ts';
import type { Edit, EditQueue } from '../../records/edits.ts';
import { isSame, type Value } from '../../records/value.ts';
import type { SuggestionContext, Unlisted } from '../../records/suggestions.ts';
import classes from './Grid.module.css';
import type { RecordList } from './recordList.ts';
import {
  everything,
  extentOf,
  isSelected,
  nothing,
  sizeOf,
  toggle as toggleIn,
  type Selection,
} from '../../records/selection.ts';

const rowHeight = 32;
/** Position of the header row for the focus. */
const head = -1;

export interface GridHandle {
  focus: () => void;
}

export interface Position {
  row: number;
  column: number;
}

interface Editing {
  recordId: string;
  key: string;
  /** The value and revision at the start of the edit, so that it cannot overwrite a later change of another user. */
  seen: Value;
  revision: string;
  /** Text that started the edit; undefined to edit the existing value. */
  typed: string | undefined;
}

interface Props {
  list: RecordList;
  columns: readonly Column[];
  fields: ReadonlyMap<string, Field>;
  edits: EditQueue;
  /** Drafted values that PEMS does not list. */
  unlisted: Unlisted;
  canEdit: boolean;
  isBusy: boolean;
  sort: Sort;
  onSort: (key: string) => void;
  onResize: (key: string, width: number) => void;
  onMove: (key: string, by: -1 | 1) => void;
  onRevert: (row: Row, key: string) => void;
  selection: Selection;
  onSelect: (change: (before: Selection) => Selection) => void;
  /** Selects the rows between two positions, even if they are not loaded yet. */
  onSelectBetween: (first: number, last: number) => void;
  onHistory: (recordId: string) => void;
  onPaste: (text: string, from: Position) => void;
  onCopy: (from: Position) => string | undefined;
  onEditing: (isEditing: boolean) => void;
  ref?: Ref<GridHandle>;
}

/**
 * The records as a grid: it renders visible rows only, has one cell in the tab order, and works entirely by keyboard.
 * Its virtualizer mutates its state, so a compiler must not memoize this component.
 */
export function Grid(props: Props) {
  'use no memo';
  const {
    list,
    columns,
    fields,
    edits,
    unlisted,
    canEdit,
    isBusy,
    sort,
    onSort,
    onResize,
    onMove,
    onRevert,
  } = props;
  const { selection, onSelect, onSelectBetween, onHistory, onPaste, onCopy, onEditing } = props;
  useSyncExternalStore(list.subscribe, list.getVersion);
  useSyncExternalStore(edits.subscribe, edits.getVersion);
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<Position>({ row: 0, column: 0 });
  const [editing, setEditing] = useState<Editing>();
  const [hovered, setHovered] = useState<Position>();
  /** The cell whose note was dismissed, until the focus leaves the cell. */
  const [dismissed, setDismissed] = useState<Position>();
  /** True if the next render must focus the active cell, because a key or a click moved it. */
  const wantsFocus = useRef(false);

  // Until the first page arrives, a screenful of placeholders stands for the unknown number of rows.
  const count = list.total ?? 30;
  const last = { row: Math.max(count - 1, 0), column: columns.length - 1 };
  const at = { row: Math.min(active.row, last.row), column: Math.min(active.column, last.column) };

  // eslint-disable-next-line react-hooks/incompatible-library -- not compiled, see above
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
    scrollPaddingStart: rowHeight,
    rangeExtractor: useCallback(
      (range: Range) => {
        const shown = defaultRangeExtractor(range);
        // Keeps the focused row rendered, so that the focus does not vanish.
        if (at.row >= 0 && at.row < range.count && !shown.includes(at.row)) shown.push(at.row);
        return shown.sort((a, b) => a - b);
      },
      [at.row],
    ),
  });
  const items = virtualizer.getVirtualItems();
  const [slots] = useState(() => new Slots());
  const slotOf = slots.place(items.map(({ index }) => index));
  const range = virtualizer.range;
  const [first, final] = [range?.startIndex ?? 0, range?.endIndex ?? 0];
  useEffect(() => {
    // Loads no pages while the user scrolls past them quickly.
    const timer = setTimeout(
      () => list.show(first, final),
      list.at(first) || list.total === undefined ? 0 : 60,
    );
    return () => clearTimeout(timer);
  }, [list, first, final]);

  // Another filter or order starts at the top.
  const { rows } = list.query;
  const shownRows = useRef(rows);
  useLayoutEffect(() => {
    if (shownRows.current === rows) return;
    shownRows.current = rows;
    virtualizer.scrollToOffset(0);
    setActive((before) => ({ row: Math.min(before.row, 0), column: before.column }));
  }, [rows, virtualizer]);

  const goTo = (position: Position) => {
    const next = {
      row: Math.min(Math.max(position.row, head), last.row),
      column: Math.min(Math.max(position.column, 0), last.column),
    };
    wantsFocus.current = true;
    setActive(next);
    setDismissed(undefined);
    if (next.row >= 0) virtualizer.scrollToIndex(next.row, { align: 'auto' });
    scrollSideways(scroller.current, columns, next.column);
  };

  useLayoutEffect(() => {
    if (!wantsFocus.current || editing) return;
    wantsFocus.current = false;
    const cell = scroller.current?.querySelector<HTMLElement>(
      `[data-row="${at.row}"][data-column="${at.column}"]`,
    );
    cell?.focus({ preventScroll: true });
    // A click puts the caret into the displayed text, where the user cannot type.
    const caret = cell?.querySelector('[data-caret]');
    if (caret) window.getSelection()?.collapse(caret, 0);
  });
  useImperativeHandle(props.ref, () => ({ focus: () => goTo(at) }));

  /** Row where the selection started; Shift extends it from there. */
  const anchor = useRef<number>(undefined);
  const toggle = (index: number) => {
    const record = list.at(index);
    if (!record) return;
    anchor.current = index;
    onSelect((before) => toggleIn(before, record.pfaId));
  };
  const reachTo = (index: number) => {
    const from = (anchor.current ??= at.row);
    onSelectBetween(Math.min(from, index), Math.max(from, index));
  };

  const column = columns[at.column];
  const row = at.row >= 0 ? list.at(at.row) : undefined;

  const isDismissed = dismissed?.row === at.row && dismissed.column === at.column;
  const noted = notedPosition(hovered, editing || isDismissed ? undefined : at, list, columns, edits);

  const beginEdit = (position: Position, typed?: string) => {
    const [target, wanted] = [list.at(position.row), columns[position.column]];
    if (!target || !wanted || !editability(fields.get(wanted.key), target, canEdit).isEditable) return;
    const edit = edits.of(target.pfaId)?.get(wanted.key);
    const isRefused = edit?.state === 'refused';
    setActive(position);
    setEditing({
      recordId: target.pfaId,
      key: wanted.key,
      seen: isRefused ? edit.seen : valueOf(target, wanted),
      revision: isRefused ? edit.revision : target.revision,
      typed,
    });
    onEditing(true);
  };

  const endEdit = (written: Written | undefined, move: Partial<Position> | undefined) => {
    if (!editing) return;
    const { recordId, key, seen, revision } = editing;
    const isAmount = findColumn(key)?.kind === 'money';
    setEditing(undefined);
    onEditing(false);
    const pending = edits.of(recordId)?.get(key);
    const reading = written?.reading;
    if (reading && 'problem' in reading)
      edits.keepUnreadable({ recordId, key, value: written.text, isAmount, seen, revision }, reading.problem);
    else if (reading) {
      const { value } = reading;
      const isOther = pending && pending.state !== 'conflict' && !isSame(value, pending.value);
      if (!isSame(value, seen) || isOther) edits.submit({ recordId, key, value, isAmount, seen, revision });
      else if (pending?.state === 'refused') edits.drop(pending);
    }
    if (move) goTo({ row: Math.max(at.row + (move.row ?? 0), 0), column: at.column + (move.column ?? 0) });
  };

  // Typed text starts an edit, from any source: a key, AltGr or Option, a dead key, an input method or dictation. The
  // active cell is contenteditable so that input methods can compose in it; it never keeps the text.
  const typing = useRef<(text: string) => void>(() => undefined);
  const transfer = useRef<(event: ClipboardEvent) => void>(() => undefined);
  useEffect(() => {
    typing.current = (text) => beginEdit(at, text);
    transfer.current = (event) => {
      if (editing || at.row < 0 || !event.clipboardData) return;
      if (event.type === 'paste') {
        event.preventDefault();
        onPaste(event.clipboardData.getData('text/plain'), at);
        return;
      }
      const text = onCopy(at);
      if (text === undefined || window.getSelection()?.toString()) return;
      event.preventDefault();
      event.clipboardData.setData('text/plain', text);
    };
  });
  useEffect(() => {
    const grid = scroller.current;
    if (!grid) return;
    const cellOf = ({ target }: Event) =>
      target instanceof HTMLElement && target.dataset.row !== undefined ? target : undefined;
    const onBeforeInput = (event: InputEvent) => {
      if (!cellOf(event) || event.isComposing || event.inputType === 'insertCompositionText') return;
      event.preventDefault();
      if (event.data && event.inputType.startsWith('insert')) typing.current(event.data);
    };
    const onCompositionStart = (event: CompositionEvent) => cellOf(event)?.setAttribute('data-composing', '');
    const onCompositionEnd = (event: CompositionEvent) => {
      const cell = cellOf(event);
      if (!cell) return;
      cell.removeAttribute('data-composing');
      cell.querySelector('[data-caret]')?.replaceChildren(document.createElement('br'));
      if (event.data) typing.current(event.data);
    };
    // Browsers send these events to the element with the caret, or to the page if the focused cell has no caret.
    const onTransfer = (event: ClipboardEvent) => {
      const { activeElement } = document;
      if (activeElement instanceof HTMLElement && grid.contains(activeElement) && activeElement.dataset.row)
        transfer.current(event);
    };
    document.addEventListener('copy', onTransfer);
    document.addEventListener('paste', onTransfer);
    grid.addEventListener('beforeinput', onBeforeInput);
    grid.addEventListener('compositionstart', onCompositionStart);
    grid.addEventListener('compositionend', onCompositionEnd);
    return () => {
      document.removeEventListener('copy', onTransfer);
      document.removeEventListener('paste', onTransfer);
      grid.removeEventListener('beforeinput', onBeforeInput);
      grid.removeEventListener('compositionstart', onCompositionStart);
      grid.removeEventListener('compositionend', onCompositionEnd);
    };
  }, []);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (editing || !(event.target instanceof HTMLElement) || event.target.dataset.row === undefined) return;
    const { key, shiftKey, altKey } = event;
    const control = event.ctrlKey || event.metaKey;
    const page = Math.max(Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2, 1);
    const go = (row: number, to: number) => goTo({ row, column: to });
    const isHead = at.row === head;
    const action = ((): (() => void) | undefined => {
      if (isHead && column && shiftKey && (key === 'ArrowLeft' || key === 'ArrowRight')) {
        if (control)
          return () => {
            const by = key === 'ArrowLeft' ? -1 : 1;
            if (at.column === 0 || at.column + by < 1 || at.column + by > last.column) return;
            onMove(column.key, by);
            goTo({ row: head, column: at.column + by });
          };
        return () => onResize(column.key, fitWidth(column.width + (key === 'ArrowLeft' ? -16 : 16)));
      }
      if (canEdit && !isHead && shiftKey && !control) {
        if (key === ' ') return () => toggle(at.row);
        if (key === 'ArrowUp' || key === 'ArrowDown')
          return () => {
            const to = Math.min(Math.max(at.row + (key === 'ArrowUp' ? -1 : 1), 0), last.row);
            reachTo(to);
            go(to, at.column);
          };
      }
      if (canEdit && control && !altKey && shortcutLetter(event.nativeEvent) === 'a')
        return () => onSelect(() => everything);
      switch (key) {
        case 'Escape':
          if (noted) return () => setDismissed(at);
          return sizeOf(selection, count) > 0 ? () => onSelect(() => nothing) : undefined;
        case 'ArrowUp':
          return () => go(control ? 0 : at.row - 1, at.column);
        case 'ArrowDown':
          return () => go(control ? last.row : at.row + 1, at.column);
        case 'ArrowLeft':
          return () => go(at.row, at.column - 1);
        case 'ArrowRight':
          return () => go(at.row, at.column + 1);
        case 'Home':
          return () => go(control ? 0 : at.row, 0);
        case 'End':
          return () => go(control ? last.row : at.row, last.column);
        case 'PageUp':
          return () => go(Math.max(at.row - page, 0), at.column);
        case 'PageDown':
          return () => go(at.row + page, at.column);
        case 'F2':
        case 'Enter':
          return () => {
            if (isHead) {
              if (column?.order) onSort(column.key);
            } else if (at.column === 0 && row) onHistory(row.pfaId);
            else beginEdit(at);
          };
        case 'Delete':
        case 'Backspace':
          if (control && row && column && isDrafted(row, column.key)) return () => onRevert(row, column.key);
          return isHead || control ? undefined : () => beginEdit(at, '');
        case ' ':
          return isHead || control || altKey || !row ? undefined : () => beginEdit(at);
        default:
          return undefined;
      }
    })();
    if (!action) return;
    event.preventDefault();
    action();
  };

  const positionOf = (event: MouseEvent | PointerEvent): Position | undefined => {
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
    if (!cell) return undefined;
    return { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  };

  const layout = useMemo(
    () =>
      ({
        '--columns': columns.map(({ width }) => `${width}px`).join(' '),
        '--width': `${columns.reduce((sum, { width }) => sum + width, 0)}px`,
      }) as CSSProperties,
    [columns],
  );

  const notedRow = noted && list.at(noted.row);
  const notedColumn = noted && columns[noted.column];

  return (
    <div className={classes.frame}>
      <div
        ref={scroller}
        className={classes.scroller}
        data-busy={isBusy || undefined}
        data-selecting={sizeOf(selection, count) > 0 || undefined}
        style={layout}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          const position = positionOf(event);
          if (!position || position.row < 0 || editing) return;
          if (event.target instanceof Element && event.target.closest('[data-history]')) {
            const record = list.at(position.row);
            setActive(position);
            if (record) onHistory(record.pfaId);
            return;
          }
          if (event.target instanceof Element && event.target.closest('[data-select]')) {
            if (event.shiftKey && anchor.current !== undefined) reachTo(position.row);
            else toggle(position.row);
          }
          goTo(position);
        }}
        onDoubleClick={(event) => {
          const position = positionOf(event);
          if (position && position.row >= 0 && !editing) beginEdit(position);
        }}
        onPointerOver={(event) => {
          // Rows that scroll under the pointer do not count as hovered.
          if (virtualizer.isScrolling) return;
          const position = event.pointerType === 'mouse' ? positionOf(event) : undefined;
          setHovered((before) =>
            before?.row === position?.row && before?.column === position?.column ? before : position,
          );
        }}
        onPointerLeave={() => setHovered(undefined)}
        onScroll={({ currentTarget }) =>
          // A sticky column costs a third of each frame while scrolling, so it is sticky only after scrolling sideways.
          currentTarget.toggleAttribute('data-sideways', currentTarget.scrollLeft > 0)
        }
      >
        <div
          role="grid"
          aria-label="Records"
          aria-rowcount={list.total === undefined ? -1 : list.total + 1}
          aria-colcount={columns.length}
          aria-busy={isBusy || list.total === undefined}
          aria-readonly={!canEdit}
          aria-multiselectable={canEdit}
        >
          <div role="row" aria-rowindex={1} className={classes.head}>
            {columns.map((one, i) => (
              <HeadCell
                key={one.key}
                column={one}
                index={i}
                isActive={at.row === head && at.column === i}
                sort={sort}
                onSort={onSort}
                onResize={onResize}
                onFocus={() => setActive({ row: head, column: i })}
              >
                {i === 0 && canEdit && (
                  <SelectAll
                    extent={extentOf(selection, count)}
                    onChange={() =>
                      onSelect((before) => (extentOf(before, count) === 'none' ? everything : nothing))
                    }
                  />
                )}
              </HeadCell>
            ))}
          </div>
          <div className={classes.body} style={{ height: virtualizer.getTotalSize() }} role="presentation">
            {items.map(({ index, start }) => {
              const record = list.at(index);
              const isEditing = editing !== undefined && record?.pfaId === editing.recordId;
              return (
                <RecordRow
                  key={slotOf.get(index)}
                  index={index}
                  top={start}
                  row={record}
                  columns={columns}
                  fields={fields}
                  canEdit={canEdit}
                  isSelected={record !== undefined && isSelected(selection, record.pfaId)}
                  edits={record && edits.of(record.pfaId)}
                  unlisted={record && unlisted.get(record.pfaId)}
                  activeColumn={at.row === index ? at.column : -1}
                  isNoted={noted?.row === index && at.row === index}
                  editing={isEditing ? editing : undefined}
                  onEnd={isEditing ? endEdit : undefined}
                />
              );
            })}
          </div>
        </div>
        {noted && notedRow && notedColumn && (
          <CellNote
            key={`${notedRow.pfaId} ${notedColumn.key}`}
            row={notedRow}
            column={notedColumn}
            edit={edits.of(notedRow.pfaId)?.get(notedColumn.key)}
            nearest={unlisted.get(notedRow.pfaId)?.get(notedColumn.key)}
            isActive={noted.row === at.row && noted.column === at.column}
            canEdit={canEdit}
            top={noted.row * rowHeight + rowHeight}
            height={rowHeight}
            fixed={columns[0]?.width ?? 0}
            onRevert={() => {
              onRevert(notedRow, notedColumn.key);
              goTo(noted);
            }}
            onDrop={(edit) => {
              edits.drop(edit);
              goTo(noted);
            }}
            onSaveAnew={(edit) => {
              edits.saveAnew(edit);
              goTo(noted);
            }}
            onEdit={() => beginEdit(noted)}
          />
        )}
      </div>
    </div>
  );
}

/**
 * Assigns elements to rows: new rows reuse the elements of rows that left, because an update is cheaper than a new
 * element. A row that stays keeps its element, and with it the focus.
 */
class Slots {
  #slots: ReadonlyMap<number, number> = new Map();

  place(indexes: readonly number[]): ReadonlyMap<number, number> {
    const placed = new Map<number, number>();
    for (const index of indexes) {
      const slot = this.#slots.get(index);
      if (slot !== undefined) placed.set(index, slot);
    }
    const taken = new Set(placed.values());
    let free = 0;
    for (const index of indexes) {
      if (placed.has(index)) continue;
      while (taken.has(free)) free++;
      placed.set(index, free++);
    }
    return (this.#slots = placed);
  }
}

/** Returns the cell whose note is shown: the hovered cell, or else the focused one. */
function notedPosition(
  hovered: Position | undefined,
  active: Position | undefined,
  list: RecordList,
  columns: readonly Column[],
  edits: EditQueue,
): Position | undefined {
  return [hovered, active].find((position) => {
    if (!position || position.row < 0) return false;
    const [row, column] = [list.at(position.row), columns[position.column]];
    if (!row || !column) return false;
    return isDrafted(row, column.key) || edits.of(row.pfaId)?.get(column.key) !== undefined;
  });
}

function scrollSideways(scroller: HTMLElement | null, columns: readonly Column[], index: number): void {
  const [column, fixed] = [columns[index], columns[0]];
  if (!scroller || !column || !fixed || index === 0) return;
  // On a narrow screen, the first column scrolls with the others.
  const covered = scroller.clientWidth > 600 ? fixed.width : 0;
  if (column.left - covered < scroller.scrollLeft) scroller.scrollLeft = column.left - covered;
  else if (column.left + column.width > scroller.scrollLeft + scroller.clientWidth)
    scroller.scrollLeft = column.left + column.width - scroller.clientWidth;
}

interface HeadCellProps {
  column: Column;
  index: number;
  isActive: boolean;
  sort: Sort;
  onSort: (key: string) => void;
  onResize: (key: string, width: number) => void;
  onFocus: () => void;
  children: ReactNode;
}

function HeadCell({ column, index, isActive, sort, onSort, onResize, onFocus, children }: HeadCellProps) {
  const [dragged, setDragged] = useState<number>();
  const isSorted = sort.key === column.key;
  const begin = (event: PointerEvent<HTMLElement>) => {
    const from = event.clientX;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    const width = (moved: globalThis.PointerEvent) => fitWidth(column.width + moved.clientX - from);
    const move = (moved: globalThis.PointerEvent) => setDragged(width(moved) - column.width);
    handle.addEventListener('pointermove', move);
    handle.addEventListener(
      'lostpointercapture',
      (ended) => {
        handle.removeEventListener('pointermove', move);
        setDragged(undefined);
        const next = width(ended as globalThis.PointerEvent);
        if (next !== column.width) onResize(column.key, next);
      },
      { once: true },
    );
  };
  return (
    <div
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={
        isSorted ? (sort.isDescending ? 'descending' : 'ascending') : column.order ? 'none' : undefined
      }
      data-row={head}
      data-column={index}
      data-kind={column.kind}
      data-sortable={column.order !== undefined || undefined}
      tabIndex={isActive ? 0 : -1}
      className={classes.headCell}
      onFocus={onFocus}
      onClick={() => column.order && onSort(column.key)}
    >
      {children}
      <span className={classes.headLabel}>{column.label}</span>
      {isSorted && (sort.isDescending ? <UnderIcon size={13} /> : <OverIcon size={13} />)}
      <span
        className={classes.handle}
        style={dragged === undefined ? undefined : { transform: `translateX(${dragged}px)` }}
        data-dragged={dragged !== undefined || undefined}
        onPointerDown={begin}
        onClick={(event) => event.stopPropagation()}
        aria-hidden
      />
    </div>
  );
}

/** Selects all records that match the filter, including rows that are not loaded. */
function SelectAll({ extent, onChange }: { extent: 'none' | 'some' | 'all'; onChange: () => void }) {
  return (
    <span className={classes.select} onClick={(event) => event.stopPropagation()}>
      <input
        type="checkbox"
        tabIndex={-1}
        aria-label="Select all records"
        checked={extent === 'all'}
        ref={(box) => {
          if (box) box.indeterminate = extent === 'some';
        }}
        onChange={onChange}
      />
    </span>
  );
}

/**
 * Attributes that the active cell needs for input methods. They must not open the on-screen keyboard of a touch device.
 */
const typed = {
  contentEditable: true,
  suppressContentEditableWarning: true,
  spellCheck: false,
  ...(window.matchMedia('(pointer: coarse)').matches ? ({ inputMode: 'none' } as const) : {}),
} as const;

interface RowProps {
  index: number;
  top: number;
  row: Row | undefined;
  columns: readonly Column[];
  fields: ReadonlyMap<string, Field>;
  canEdit: boolean;
  isSelected: boolean;
  edits: ReadonlyMap<string, Edit> | undefined;
  unlisted: ReadonlyMap<string, readonly string[]> | undefined;
  activeColumn: number;
  isNoted: boolean;
  editing: Editing | undefined;
  onEnd: ((written: Written | undefined, move: Partial<Position> | undefined) => void) | undefined;
}

const RecordRow = memo(function RecordRow(props: RowProps) {
  const {
    index,
    top,
    row,
    columns,
    fields,
    canEdit,
    edits,
    unlisted,
    activeColumn,
    isNoted,
    editing,
    onEnd,
  } = props;
  return (
    <div
      role="row"
      aria-selected={canEdit ? props.isSelected : undefined}
      aria-rowindex={index + 2}
      aria-busy={row === undefined || undefined}
      className={classes.row}
      data-odd={index % 2 === 1 || undefined}
      style={{ top }}
    >
      {columns.map((column, i) => {
        const edit = edits?.get(column.key);
        const isActive = i === activeColumn;
        const field = fields.get(column.key);
        const isEditing = editing !== undefined && editing.key === column.key;
        const isTyping = isActive && !isEditing && row && editability(field, row, canEdit).isEditable;
        return (
          <div
            key={column.key}
            role={i === 0 ? 'rowheader' : 'gridcell'}
            aria-colindex={i + 1}
            aria-readonly={row ? !editability(field, row, canEdit).isEditable : true}
            aria-invalid={edit?.state === 'refused' || edit?.state === 'conflict' || undefined}
            aria-describedby={isActive && isNoted ? 'cell-note' : undefined}
            data-row={index}
            data-column={i}
            data-kind={column.kind}
            data-state={edit?.state ?? (row && isDrafted(row, column.key) ? 'drafted' : undefined)}
            tabIndex={isActive && !isEditing ? 0 : -1}
            className={classes.cell}
            {...(isTyping && typed)}
          >
            {isTyping && (
              <span className={classes.caret} data-caret>
                <br />
              </span>
            )}
            {i === 0 && canEdit && row && (
              <span className={classes.select} data-select>
                <input
                  type="checkbox"
                  tabIndex={-1}
                  readOnly
                  aria-label={`Select ${row.pfaId}`}
                  checked={props.isSelected}
                />
              </span>
            )}
            {row === undefined ? (
              <span className={classes.skeleton} />
            ) : isEditing && editing && onEnd ? (
              <CellEditor
                column={column}
                field={field}
                value={edit?.state === 'refused' ? edit.value : editing.seen}
                isUnreadable={edit?.isUnreadable ?? false}
                typed={editing.typed}
                context={contextOf(row, edits)}
                onEnd={onEnd}
              />
            ) : (
              <span contentEditable={false} className={classes.content}>
                <CellContent
                  row={row}
                  column={column}
                  edit={edit}
                  isUnlisted={unlisted?.has(column.key) ?? false}
                />
              </span>
            )}
            {i === 0 && row && (
              <button
                type="button"
                tabIndex={-1}
                className={classes.history}
                data-history
                aria-label={`History of ${row.pfaId}`}
                title="History (Enter)"
              >
                <HistoryIcon size={14} />
              </button>
            )}
          </div>
        );
      })}
    </div>
  );
});

const stateWords = {
  saving: 'saving',
  waiting: 'not saved yet: waiting for the server',
  refused: 'not saved: refused',
  conflict: 'not saved: changed by another user',
} as const;

/** The record as its author sees it, with what is not saved yet. */
function contextOf(row: Row, edits: ReadonlyMap<string, Edit> | undefined): SuggestionContext {
  const text = (key: 'category' | 'manufacturer') => {
    const value = edits?.get(key)?.value ?? row[key];
    return typeof value === 'string' ? value : undefined;
  };
  return { category: text('category'), manufacturer: text('manufacturer') };
}

function CellContent({
  row,
  column,
  edit,
  isUnlisted,
}: {
  row: Row;
  column: Column;
  edit: Edit | undefined;
  isUnlisted: boolean;
}) {
  if (column.kind === 'status') return <Status row={row} />;
  const value = edit ? edit.value : valueOf(row, column);
  const text = edit?.isUnreadable ? String(value) : formatValue(column, value);
  const drafted = !edit && isDrafted(row, column.key);
  return (
    <>
      {column.kind === 'difference' && typeof value === 'string' && (
        <span className={classes.sign} data-sign={signOf(value)}>
          {signOf(value) > 0 ? <OverIcon size={12} /> : signOf(value) < 0 ? <UnderIcon size={12} /> : null}
        </span>
      )}
      <span className={classes.text}>{text}</span>
      {column.kind === 'difference' && typeof value === 'string' && signOf(value) !== 0 && (
        <span className="visually-hidden">{signOf(value) > 0 ? 'over budget' : 'under budget'}</span>
      )}
      {drafted && (
        <span className="visually-hidden">
          , drafted, before: {formatValue(column, baseValue(row, column.key)) || 'empty'}
        </span>
      )}
      {drafted && isUnlisted && (
        <span className={classes.hint}>
          <WarningIcon size={13} />
          <span className="visually-hidden">, not in the list of PEMS</span>
        </span>
      )}
      {edit && (
        <span className={classes.mark} data-state={edit.state}>
          {(edit.state === 'refused' || edit.state === 'conflict') && <WarningIcon size={13} />}
          {edit.state === 'saving' && <span className={classes.saving}>saving</span>}
          {edit.state === 'waiting' && <span className={classes.saving}>waiting</span>}
          <span className="visually-hidden">{stateWords[edit.state]}</span>
        </span>
      )}
    </>
  );
}

const statuses = [
  ['problem', 'Problem', WarningIcon, (row: Row) => row.hasProblem],
  ['problem', 'Removed from PEMS', WarningIcon, (row: Row) => row.removedAt !== null],
  ['draft', 'Draft', DraftIcon, (row: Row) => row.hasDraft],
  ['pending', 'Pending', PendingIcon, (row: Row) => row.isPending],
] as const;

/** Icons and words for a record's states; the words are visually hidden if there are several. */
function Status({ row }: { row: Row }) {
  const shown = statuses.filter(([, , , holds]) => holds(row));
  return (
    <span className={classes.statuses}>
      {shown.map(([kind, label, Icon]) => (
        <span key={label} className={classes.status} data-kind={kind} title={label}>
          <Icon size={13} />
          <span className={shown.length > 1 ? 'visually-hidden' : undefined}>{label}</span>
        </span>
      ))}
    </span>
  );
}
