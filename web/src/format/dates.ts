import { Temporal } from 'temporal-polyfill';
import { locale } from './locale.ts';

// A date of a record is a day on the calendar, the same everywhere: it never becomes a moment, which would be another day
// in another time zone. So it is text of the API (`2026-04-02`) or a Temporal.PlainDate, and never a Date.

/** A day as the API writes it, e.g. `2026-04-02`. */
export type IsoDate = string;

export const parseIsoDate = (text: IsoDate): Temporal.PlainDate => Temporal.PlainDate.from(text);

/** `Apr 2, 2026`. */
export const formatDate = (text: IsoDate): string =>
  parseIsoDate(text).toLocaleString(locale(), { dateStyle: 'medium' });
