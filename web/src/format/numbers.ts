import { perLocale } from './locale.ts';

// Money is exact text, to the cent, and never becomes a JavaScript number; the formatters accept text.

const count = perLocale((locale) => new Intl.NumberFormat(locale));
const signedCount = perLocale((locale) => new Intl.NumberFormat(locale, { signDisplay: 'exceptZero' }));
const share = perLocale(
  (locale) =>
    new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' }),
);
const currency = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' } as const;
const cents = perLocale((locale) => new Intl.NumberFormat(locale, currency));
const dollars = perLocale(
  (locale) => new Intl.NumberFormat(locale, { ...currency, maximumFractionDigits: 0 }),
);
const compact = perLocale(
  (locale) => new Intl.NumberFormat(locale, { ...currency, notation: 'compact', maximumFractionDigits: 1 }),
);
const signed = { ...currency, signDisplay: 'exceptZero' } as const;
const signedCents = perLocale((locale) => new Intl.NumberFormat(locale, signed));
const signedDollars = perLocale(
  (locale) => new Intl.NumberFormat(locale, { ...signed, maximumFractionDigits: 0 }),
);

/** A decimal number as the API writes it, e.g. `-1234.5`. */
export type Decimal = string;

const exact = (value: Decimal) => value as Intl.StringNumericLiteral;

/** Formats a count; the API sends large counts as text. */
export const formatCount = (value: number | Decimal): string =>
  count().format(typeof value === 'number' ? value : exact(value));

/** `+12`: a difference between counts. */
export const formatCountDifference = (value: Decimal): string => signedCount().format(exact(value));

/** `1 record`, `1,234 records`. */
export const formatRecords = (count: number): string =>
  `${formatCount(count)} ${count === 1 ? 'record' : 'records'}`;

/** `$1,234.50`: the exact amount. */
export const formatMoney = (value: Decimal): string => cents().format(exact(value));

/** `$1,235`: rounded, where cents would distract. Show the exact amount nearby. */
export const formatDollars = (value: Decimal): string => dollars().format(exact(value));

/** `+$1,234.50`: a difference. */
export const formatDifference = (value: Decimal): string => signedCents().format(exact(value));

/** `+$1,235`. */
export const formatDollarDifference = (value: Decimal): string => signedDollars().format(exact(value));

/** `$1.2M`: for the axis of a chart only. */
export const formatAxisDollars = (value: number): string => compact().format(value);

/**
 * Converts dollars to cents. Totals that the database has not computed are added as whole numbers, so they stay exact.
 */
export function centsOf(value: Decimal): bigint {
  const [whole = '0', part = ''] = value.split('.');
  return BigInt(`${whole}${part.padEnd(2, '0')}`);
}

/** Converts cents to dollars. */
export function ofCents(cents: bigint): Decimal {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/**
 * `+3.2 %`: a difference as a share of the whole; undefined if the whole is zero. Display only: the share is a float.
 */
export function formatShare(difference: Decimal, whole: Decimal): string | undefined {
  const ratio = Number(difference) / Number(whole);
  return Number.isFinite(ratio) ? share().format(ratio) : undefined;
}

/** -1, 0 or 1. */
export const signOf = (value: Decimal): number =>
  /^-?[0.]*$/.test(value) ? 0 : value.startsWith('-') ? -1 : 1;

const separators = perLocale((locale) => {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.5);
  const of = (name: string) => parts.find(({ type }) => type === name)?.value ?? '';
  return { group: of('group'), decimal: of('decimal') };
});

/** `1234.5` for an editor, with the decimal sign of the locale; `readAmount` accepts it. */
export const formatDecimalToEdit = (value: Decimal): string => value.replace('.', separators().decimal);
