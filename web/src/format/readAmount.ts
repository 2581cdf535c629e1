import { perLocale } from './locale.ts';
import type { Decimal } from './numbers.ts';
import { asPlainText, escapeForPattern, type Reading } from './reading.ts';

/** Separators of digit groups that look alike: a locale with one of them accepts all of its set. */
const alike = [' ', "'\u2019", '.', ',', '\u066C'];

/** How a locale writes numbers: a pattern with the groups whole and part, and an example. */
const notation = perLocale((locale) => {
  const format = new Intl.NumberFormat(locale, { useGrouping: 'always', minimumFractionDigits: 2 });
  const parts = format.formatToParts(123456789012.5);
  const written = (type: string) =>
    parts.filter((part) => part.type === type).map(({ value }) => asPlainText(value) || ' ');
  const decimal = written('decimal')[0] ?? '.';
  const group = written('group')[0] ?? '';
  const sizes = written('integer').map(({ length }) => length);
  // The last group, and those before it: `12,34,567` has groups of two.
  const last = sizes.at(-1) ?? 3;
  const others = sizes.at(-2) ?? last;
  const separator = `[${escapeForPattern(alike.find((set) => set.includes(group)) ?? group)}]`;
  const grouped = `[1-9]\\d{0,${others - 1}}(?:${separator}\\d{${others}})*${separator}\\d{${last}}`;
  return {
    pattern: new RegExp(`^(?<whole>${grouped}|\\d*)(?:${escapeForPattern(decimal)}(?<part>\\d+))?$`, 'u'),
    example: new Intl.NumberFormat(locale, { minimumFractionDigits: 2 }).format(1234.5),
  };
});

/** Whole digits of an amount. With two decimals, a JavaScript number represents this many digits exactly. */
const maxDigits = 13;

const currency = '(?:US ?\\$|USD|\\$)';
const sign = '[-+\\u2212]';
/** Pattern of a number with an optional currency and sign on either side; parentheses mean a negative number. */
const amount = new RegExp(
  `^(?<open>\\()?(?<sign>${sign})?(?: ?(?<before>${currency}))? ?(?<sign2>${sign})?(?<number>[^\\s()$+\\u2212-].*?|[^\\s()$+\\u2212-])(?: ?(?<after>${currency}))?(?<close>\\))?$`,
  'iu',
);

/**
 * Reads an amount in USD, as this app, Excel or PEMS write it: `$1,234.50`. Separators are those of the reader's locale, and
 * groups have its size. Any other text is refused whole: `0,125` is not 125. Fractions of cents are refused, not rounded.
 */
export function readAmount(text: string): Reading<Decimal> {
  const { pattern, example } = notation();
  const problem = { problem: `Enter a valid amount, such as ${example}.` };
  const groups = amount.exec(asPlainText(text))?.groups;
  if (!groups) return problem;
  const { open, close, number = '' } = groups;
  const signs = [groups.sign, groups.sign2].filter((one) => one !== undefined);
  if ((open === undefined) !== (close === undefined)) return problem;
  if (signs.length > (open ? 0 : 1) || (groups.before && groups.after)) return problem;
  const { whole, part } = pattern.exec(number)?.groups ?? {};
  if (whole === undefined || (whole === '' && part === undefined)) return problem;
  const isNegative = open !== undefined || (signs[0] !== undefined && signs[0] !== '+');
  const digits = whole.replace(/\D/g, '') || '0';
  if (digits.replace(/^0+/, '').length > maxDigits)
    return { problem: `Enter an amount of at most ${maxDigits} digits.` };
  if (part !== undefined && /[^0]/.test(part.slice(2)))
    return { problem: 'Enter an amount with at most two decimals.' };
  const fraction = part === undefined ? '' : `.${part.slice(0, 2)}`;
  return { value: `${isNegative ? '-' : ''}${digits}${fraction}` };
}
