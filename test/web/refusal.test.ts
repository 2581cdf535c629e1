import { expect, test } from 'vitest';
import { refusalInWords } from '../../web/src/records/refusal.ts';

test.each([
  [
    'forecastEnd',
    'lies before forecastStart (2026-04-02)',
    'Forecast end lies before forecast start (Apr 2, 2026).',
  ],
  ['source', 'is none of Rental, Purchase', 'Source is none of Rental, Purchase.'],
  ['pemsNewField', 'is not known to anyField.', 'pemsNewField is not known to anyField.'],
])('a message about %s uses column headings', (key, problem, said) => {
  expect(refusalInWords(key, problem)).toBe(said);
});
