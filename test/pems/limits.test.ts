import { expect, test } from 'vitest';
import { createRecordMapper } from '../../src/pems/mapping.ts';
import { mapRow } from './answers.ts';

const mapper = createRecordMapper({
  fields: [
    { key: 'pfaId', kind: 'text', maxLength: 5 },
    { key: 'category', kind: 'text', maxLength: 3 },
    { key: 'monthlyRate', kind: 'money', maxAmount: 1000 },
  ],
  mappings: [
    { key: 'pfaId', gridAliases: ['id'] },
    { key: 'organization', gridAliases: ['org'] },
    { key: 'category', gridAliases: ['cat'] },
    { key: 'monthlyRate', gridAliases: ['rate'] },
  ],
  dateOrder: 'MDY',
});
const problems = (row: Record<string, string>) =>
  mapRow(mapper, { id: 'A-1', org: 'O', ...row }).problems.map(({ key }) => key);

test('a value that the database could not index or sum up is a problem of its row, not of the run', () => {
  expect(problems({ id: 'A-1234' })).toEqual(['pfaId']);
  expect(problems({ cat: 'abcd' })).toEqual(['category']);
  expect(problems({ rate: '1,000.00' })).toEqual(['monthlyRate']);
  expect(problems({ rate: '-1000' })).toEqual(['monthlyRate']);
});

test('the maximum length and amount, counted in characters, are accepted', () => {
  expect(problems({ id: 'A-123', cat: 'abc', rate: '999.99' })).toEqual([]);
  expect(problems({ cat: '\u{1F3D7}\u{1F3D7}\u{1F3D7}' })).toEqual([]);
});
