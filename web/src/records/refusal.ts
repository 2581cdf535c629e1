import { formatDate } from '../format/dates.ts';
import { findColumn } from './columns.ts';

const keyInText = /\b[a-z]+[A-Z]\w*\b/g;
const dateInText = /\b\d{4}-\d\d-\d\d\b/g;

/** Rewrites the server's message about a field with its column heading and the reader's date format. */
export function refusalInWords(key: string, problem: string): string {
  const text = problem
    .replace(keyInText, (word) => findColumn(word)?.label.toLowerCase() ?? word)
    .replace(dateInText, (day) => formatDate(day));
  return `${findColumn(key)?.label ?? key} ${text}${text.endsWith('.') ? '' : '.'}`;
}
