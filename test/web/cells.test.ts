import { expect, test, vi } from 'vitest';
import { readValue, type Field } from '../../web/src/records/cells.ts';

vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });

const field: Field = {
  ...{ key: 'x', kind: 'x', description: '', allowedValues: null, isEditable: true },
  ...{ editableWhenActualized: false, earliest: '1970-01-01', latest: '2100-12-31', largest: '999999999.99' },
  maxLength: 5,
};

test.each([
  ['date', '1970-01-01', '1970-01-01'],
  ['date', '1969-12-31', { problem: 'Enter a date on or after Jan 1, 1970.' }],
  ['date', '2101-01-01', { problem: 'Enter a date on or before Dec 31, 2100.' }],
  ['money', '999,999,999.99', '999999999.99'],
  ['money', '1,000,000,000', { problem: 'Enter an amount of at most $999,999,999.99.' }],
  ['money', '-1', { problem: 'Enter an amount of 0 or more.' }],
  ['money', '(0.01)', { problem: 'Enter an amount of 0 or more.' }],
  ['text', 'Crane', 'Crane'],
  ['text', 'Cranes', { problem: 'Enter at most 5 characters.' }],
] as const)('as a %s, %j is read within the limits of the field', (kind, text, expected) => {
  expect(readValue({ kind }, text, field)).toEqual(
    typeof expected === 'string' ? { value: expected } : expected,
  );
  // Without known limits, the client refuses nothing and leaves the decision to the server.
  expect(readValue({ kind }, text)).not.toEqual({ value: null });
});

test('a choice is read in any case, and other text is refused', () => {
  const choices = { ...field, allowedValues: ['Rental', null, 'Purchase'] };
  expect(readValue({ kind: 'text' }, ' RENTAL ', choices)).toEqual({ value: 'Rental' });
  expect(readValue({ kind: 'text' }, 'Lease', choices)).toEqual({ problem: 'Choose Rental or Purchase.' });
  expect(readValue({ kind: 'text' }, ' ', choices)).toEqual({ value: null });
});
