import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asTextCell, fromTextCell, parseBlock, writeBlock } from '../../web/src/pages/records/clipboard.ts';

test('a block is read as rows of values, including quoted ones', () => {
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

test('property: a written block is read unchanged', () => {
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

describe('a text for a spreadsheet', () => {
  test.each([
    ['=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'],
    ['+1', "'+1"],
    ['-A', "'-A"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['＝1+1', "'＝1+1"],
    ["'quoted", "''quoted"],
    ['CRANES', 'CRANES'],
    ['a=b', 'a=b'],
    ['', ''],
  ])('of %j is %j', (text, shown) => {
    expect(asTextCell(text)).toBe(shown);
    expect(fromTextCell(shown)).toBe(text);
  });

  test('property: copied cells are pasted unchanged and contain no formula', () => {
    const text = fc.string({ unit: fc.constantFrom(...'=\'+-@\t\r\n"＝aß '.split('')) });
    fc.assert(
      fc.property(text, (one) => {
        const cell = asTextCell(one);
        expect(fromTextCell(cell)).toBe(one);
        expect(/^[=+\-@\t\r＝＋－＠]/.test(cell)).toBe(false);
        expect(parseBlock(writeBlock([[cell, 'next']]))).toEqual([[cell, 'next']]);
      }),
    );
  });
});
