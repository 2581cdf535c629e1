import { expect, test } from 'vitest';
import { isRepresentable } from '../../src/numbers.ts';

test.each([
  '0',
  '-0',
  '0.000',
  '0e5',
  '0.0E-400',
  '1',
  '-12.50',
  '5e-324',
  '1.7e308',
  '12345678901234567890',
])('%s is a number or close to one', (text) => expect(isRepresentable(text)).toBe(true));

test.each(['1e400', '-1e400', '1e-400', '-0.01E-400', 'x'])('%s is not a number', (text) =>
  expect(isRepresentable(text)).toBe(false),
);
