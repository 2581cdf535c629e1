import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { datePattern } from '../format/dates.ts';
import { fieldOf } from './FieldValue.tsx';
import { useFields } from './useFields.ts';

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
    <TextInput
      {...shared}
      inputMode={kind === 'money' ? 'decimal' : undefined}
      placeholder={kind === 'date' ? datePattern() : undefined}
      autoComplete="off"
      spellCheck={false}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}
