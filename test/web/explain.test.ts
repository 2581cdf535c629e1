import { expect, test, vi } from 'vitest';
import { explanations } from '../../src/codes.ts';
import { ApiError } from '../../web/src/api/errors.ts';
import { explain, explainedCodes } from '../../web/src/components/explain.ts';

vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });

test('every code of the API has words of the interface, and there are no words without a code', () => {
  expect([...explainedCodes].sort()).toEqual(Object.keys(explanations['API errors']!).sort());
});

test.each(explainedCodes)('%s says nothing of the API to a user', (code) => {
  const words = explain(
    new ApiError(code, 'forecastEnd is wrong', { hint: 'Send `details`.', retryAfter: 5 }),
  );
  if (code !== 'INVALID_VALUE') expect(words).not.toMatch(/forecastEnd|details|`|JSON|GraphQL|null/);
  // At most two short sentences.
  expect(words.split(/(?<=\.)\s/).length).toBeLessThanOrEqual(2);
});

test('a refused value is told with its record and the label of its field', () => {
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
])('after %s seconds it is worth trying again %s', (retryAfter, words) => {
  expect(explain(new ApiError('TOO_MANY_ATTEMPTS', '', { retryAfter }))).toBe(
    `Too many failed sign-ins. Try again ${words}.`,
  );
});

test('an unknown code keeps the words of the API', () => {
  expect(explain(new ApiError('NEW_CODE', 'It failed.', { hint: 'Wait.' }))).toBe('It failed. Wait.');
});
