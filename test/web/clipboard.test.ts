import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBlock, writeBlock } from '../../web/src/pages/records/clipboard.ts';

test('a block of a spreadsheet is read as rows of values, quoted ones whole', () => {
  expect(parseBlock('a\tb\r\nc\td\r\n')).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  expect(parseBlock('"two\nlines, ""quoted"""\tb\n')).toEqual([['two\nlines, "quoted"', 'b']]);
  expect(parseBlock('10" pipe\t"half')).toEqual([['10" pipe', '"half']]);
  expect(parseBlock('a\t\n\tb')).toEqual([
    ['a', ''],
    ['', 'b'],
  ]);
  expect(parseBlock('')).toEqual([['']]);
});

test('property: what is written is read again as it was', () => {
  const value = fc.string({ unit: fc.constantFrom('a', '"', '\t', '\n', '\r', ' ', 'ü') });
  const block = fc
    .integer({ min: 1, max: 4 })
    .chain((width) =>
      fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
    );
  fc.assert(
    fc.property(block, (rows) => {
      expect(parseBlock(`${writeBlock(rows)}\r\n`)).toEqual(rows);
    }),
  );
});
