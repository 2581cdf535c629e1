import { formatDate } from '../format/dates.ts';
import { findColumn } from './columns.ts';

const keyInText = /\b[a-z]+[A-Z]\w*\b/g;
const dateInText = /\b\d{4}-\d\d-\d\d\b/g;

/** What the server says is wrong with a key, as the page speaks: columns by their headings, days as they are written here. */
export function refusalInWords(key: string, problem: string): string {
  const text = problem
    .replace(keyInText, (word) => findColumn(word)?.label.toLowerCase() ?? word)
    .replace(dateInText, (day) => formatDate(day));
  return `${findColumn(key)?.label ?? key} ${text}${text.endsWith('.') ? '' : '.'}`;
}
