import { expect, test, vi } from 'vitest';
import { explanations } from '../../src/codes.ts';
import { ApiError } from '../../web/src/api/errors.ts';
import { explain, explainedCodes } from '../../web/src/components/explain.ts';

vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });

test('every code of the API has an interface text, and no text lacks a code', () => {
  expect([...explainedCodes].sort()).toEqual(Object.keys(explanations['API errors']!).sort());
});

test.each(explainedCodes)('%s shows a user no text of the API', (code) => {
  const words = explain(
    new ApiError(code, 'forecastEnd is wrong', { hint: 'Send `details`.', retryAfter: 5 }),
  );
  if (code !== 'INVALID_VALUE') expect(words).not.toMatch(/forecastEnd|details|`|JSON|GraphQL|null/);
  // At most two short sentences.
  expect(words.split(/(?<=\.)\s/).length).toBeLessThanOrEqual(2);
});

test('a refused value is reported with its record and the label of its field', () => {
  const details = [
    { recordId: 'RIO-1', key: 'forecastEnd', problem: 'is before forecastStart (2027-03-01)' },
    { recordId: 'RIO-2', key: 'forecastEnd', problem: 'is before forecastStart (2027-04-01)' },
  ];
  expect(explain(new ApiError('INVALID_VALUE', 'Some values are not allowed.', { details }))).toBe(
    'RIO-1: Forecast end is before forecast start (Mar 1, 2027). 1 more value was rejected.',
  );
});

test.each([
  [1, 'in 1 second'],
  [30, 'in 30 seconds'],
  [100, 'in 2 minutes'],
  [undefined, 'later'],
])('a wait of %s seconds is shown as %s', (retryAfter, words) => {
  expect(explain(new ApiError('TOO_MANY_ATTEMPTS', '', { retryAfter }))).toBe(
    `Too many failed sign-ins. Try again ${words}.`,
  );
});

test("an unknown code keeps the API's text", () => {
  expect(explain(new ApiError('NEW_CODE', 'It failed.', { hint: 'Wait.' }))).toBe('It failed. Wait.');
});
