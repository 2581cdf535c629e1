import { NativeSelect, TextInput } from '@mantine/core';
import { useRef, useState, type ReactNode } from 'react';
import { datePattern } from '../format/dates.ts';
import { fieldOf } from './FieldValue.tsx';
import { useFields } from './useFields.ts';
import { useSuggestionBox } from './useSuggestionBox.tsx';

interface Props {
  /** Key of the field. */
  field: string;
  /** Text of the editor; see `formatToEdit` and `readValue`. */
  text: string;
  onChange: (text: string) => void;
  label: string;
  error?: ReactNode;
}

/** An editor for a value, by the field's kind. */
export function ValueField({ field, text, onChange, label, error }: Props) {
  const { kind } = fieldOf(field);
  const allowed = useFields().get(field)?.allowedValues;
  const choices =
    kind === 'flag'
      ? [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ]
      : allowed?.flatMap((one) => (one === null ? [] : [{ value: one, label: one }]));
  const input = useRef<HTMLInputElement>(null);
  const [hasFocus, setHasFocus] = useState(false);
  const box = useSuggestionBox({
    field,
    label: fieldOf(field).label,
    text,
    begun: '',
    context: {},
    input,
    isActive: hasFocus,
    onPick: (code) => {
      onChange(code);
      box.close();
    },
  });
  const shared = { size: 'xs', label, error, value: text, 'data-autofocus': true } as const;
  if (choices)
    return (
      <NativeSelect
        {...shared}
        data={
          choices.some(({ value }) => value === text) ? choices : [{ value: text, label: text }, ...choices]
        }
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      />
    );
  return (
    <>
      <TextInput
        {...shared}
        {...box.props}
        ref={input}
        // Otherwise Escape would close the dialog together with the list.
        data-mantine-stop-propagation={box.isOpen || undefined}
        inputMode={kind === 'money' ? 'decimal' : undefined}
        placeholder={kind === 'date' ? datePattern() : undefined}
        autoComplete="off"
        spellCheck={false}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.value);
          box.open();
        }}
        onFocus={() => setHasFocus(true)}
        onBlur={() => {
          setHasFocus(false);
          const listed = box.asListed(text);
          if (listed !== text) onChange(listed);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (box.onArrow(event)) event.preventDefault();
          else if (event.key === 'Escape' && box.isOpen) {
            // The dialog stays open.
            event.preventDefault();
            event.stopPropagation();
            box.close();
          } else if ((event.key === 'Enter' || event.key === 'Tab') && box.chosen !== undefined) {
            if (event.key === 'Enter') event.preventDefault();
            onChange(box.chosen);
            box.close();
          }
        }}
      />
      {box.list}
    </>
  );
}
