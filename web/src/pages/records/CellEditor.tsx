import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { datePattern } from '../../format/dates.ts';
import { formatToEdit, readValue, type Field } from '../../records/cells.ts';
import type { Column } from '../../records/columns.ts';
import type { Reading } from '../../format/reading.ts';
import type { SuggestionContext } from '../../records/suggestions.ts';
import { useSuggestionBox } from '../../records/useSuggestionBox.tsx';
import type { Value } from '../../records/value.ts';
import classes from './Grid.module.css';

interface Props {
  column: Column;
  field: Field | undefined;
  value: Value;
  /** True if `value` is text that could not be read; the editor then shows it as typed. */
  isUnreadable: boolean;
  typed: string | undefined;
  /** Values of the record that narrow the suggestions of PEMS. */
  context: SuggestionContext;
  /**
   * `written` is the text and its meaning, or undefined if the user cancelled. `move` says where the keyboard focus
   * goes; undefined leaves it where the user put it.
   */
  onEnd: (written: Written | undefined, move: { row?: number; column?: number } | undefined) => void;
}

export interface Written {
  text: string;
  reading: Reading<Value>;
}

const yesNo = [
  ['true', 'Yes'],
  ['false', 'No'],
] as const;

/**
 * Replaces a cell while it is edited. Enter, Tab and leaving accept the text, or the suggestion that the arrow keys
 * reached. Escape cancels.
 */
export function CellEditor({ column, field, value, isUnreadable, typed, context, onEnd }: Props) {
  const begun = isUnreadable ? String(value) : formatToEdit(column, value);
  const control = useRef<HTMLInputElement & HTMLSelectElement>(null);
  const hasEnded = useRef(false);
  const choices =
    column.kind === 'flag'
      ? yesNo
      : field?.allowedValues?.flatMap((one) => (one === null ? [] : [[one, one] as const]));

  const [text, setText] = useState(() =>
    typed === undefined
      ? begun
      : // Typing selects the first choice that begins with the text.
        choices && typed !== ''
        ? (choices.find(([, label]) => begins(label, typed))?.[0] ?? begun)
        : typed,
  );

  useEffect(() => {
    control.current?.focus({ preventScroll: true });
    if (typed === undefined && !choices) control.current?.select();
    // Once: afterwards it is somebody's who writes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  const box = useSuggestionBox({
    field: column.key,
    label: column.label,
    text,
    begun,
    context,
    input: control,
    onPick: (code) => end(code, {}),
  });

  const end = (taken: string | undefined, move?: { row?: number; column?: number }) => {
    if (hasEnded.current) return;
    hasEnded.current = true;
    onEnd(taken === undefined ? undefined : { text: taken, reading: readValue(column, taken, field) }, move);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (box.onArrow(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const written = box.chosen ?? box.asListed(text);
    switch (event.key) {
      case 'Enter':
        end(written, { row: event.shiftKey ? -1 : 1 });
        break;
      case 'Tab':
        end(written, { column: event.shiftKey ? -1 : 1 });
        break;
      case 'Escape':
        end(undefined, {});
        break;
      default:
        event.stopPropagation();
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const shared = {
    ref: control,
    'aria-label': column.label,
    className: classes.editor,
    value: text,
    onKeyDown,
    onBlur: () => end(box.asListed(text)),
  };
  if (choices) {
    return (
      <select {...shared} onChange={(event) => setText(event.target.value)}>
        {!choices.some(([one]) => one === text) && <option value={text}>{text}</option>}
        {choices.map(([one, label]) => (
          <option key={one} value={one}>
            {label}
          </option>
        ))}
      </select>
    );
  }
  return (
    <>
      <input
        {...shared}
        {...box.props}
        type="text"
        inputMode={column.kind === 'money' ? 'decimal' : undefined}
        placeholder={column.kind === 'date' ? datePattern() : undefined}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          box.open();
        }}
      />
      {box.list}
    </>
  );
}

const begins = (label: string, typed: string) => label.toLowerCase().startsWith(typed.toLowerCase());
