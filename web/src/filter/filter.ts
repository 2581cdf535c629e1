import type { PfaRecordFilter, PfaSelectionInput } from '../api/generated/graphql.ts';
import { formatDate, isIsoDate, type IsoDate } from '../format/dates.ts';
import { centsOf, formatMoney, type Decimal } from '../format/numbers.ts';
import { given, keyOf, texts, textThat, words, type Search } from './address.ts';

/** The filter of a page, as the address holds it. */
export interface Filter {
  q?: string;
  category?: string[];
  class?: string[];
  area?: string[];
  source?: string[];
  dor?: string[];
  /** All flags must apply to a record. */
  flags?: Flag[];
  /** Includes discontinued records, which no total counts. */
  discontinued?: true;
  startFrom?: IsoDate;
  startTo?: IsoDate;
  endFrom?: IsoDate;
  endTo?: IsoDate;
  costFrom?: Decimal;
  costTo?: Decimal;
}

/**
 * Dimensions that the database groups by, each with its own filter. A record without a value belongs to the group ''.
 */
export const dimensions = {
  category: 'Category',
  class: 'Class',
  area: 'Area',
  source: 'Source',
  dor: 'DOR',
} as const;
export type Dimension = keyof typeof dimensions;
export const dimensionNames = Object.keys(dimensions) as Dimension[];

export const flags = {
  drafted: ['Drafted by me', { hasDraft: { equalTo: true } }],
  pending: ['Pending', { isPending: { equalTo: true } }],
  problem: ['With a problem', { hasProblem: { equalTo: true } }],
  onSite: ['On site', { isActualized: { equalTo: true } }],
  transferable: ['Funds transferable', { isFundsTransferable: { equalTo: true } }],
} as const satisfies Record<string, readonly [string, PfaRecordFilter]>;
export type Flag = keyof typeof flags;
export const flagNames = Object.keys(flags) as Flag[];

export const ranges = {
  start: ['Forecast start', 'startFrom', 'startTo'],
  end: ['Forecast end', 'endFrom', 'endTo'],
  cost: ['Forecast cost', 'costFrom', 'costTo'],
} as const;
const rangeNames = ['start', 'end', 'cost'] as const;

const day = textThat(isIsoDate);
/** True for an amount that a filter can compare with, in dollars, to the cent. */
export const isFilterAmount = (text: Decimal): boolean => /^-?\d{1,15}(\.\d{1,2})?$/.test(text);
const amount = textThat(isFilterAmount);
const flag = keyOf(flags);

/** Reads the filter from an address. */
export const validateFilter = (search: Search): Filter =>
  given<Filter>({
    q: words(search.q),
    category: texts(search.category),
    class: texts(search.class),
    area: texts(search.area),
    source: texts(search.source),
    dor: texts(search.dor),
    flags: texts(search.flags)?.filter(flag),
    discontinued: search.discontinued === true ? true : undefined,
    startFrom: day(search.startFrom),
    startTo: day(search.startTo),
    endFrom: day(search.endFrom),
    endTo: day(search.endTo),
    costFrom: amount(search.costFrom),
    costTo: amount(search.costTo),
  });

const cents = (dollars: Decimal): string => String(centsOf(dollars));

const range = <T>(from: T | undefined, to: T | undefined) => ({
  ...(from === undefined ? {} : { greaterThanOrEqualTo: from }),
  ...(to === undefined ? {} : { lessThanOrEqualTo: to }),
});

/** Returns the filter for the API, optionally without one dimension, whose own choices are counted without it. */
export function filterOf(filter: Filter, without?: Dimension): PfaRecordFilter {
  const and: PfaRecordFilter[] = [];
  for (const name of dimensionNames) {
    const values = filter[name];
    if (!values || name === without) continue;
    const key = name === 'area' ? 'areaSilo' : name;
    const known = values.filter((value) => value !== '');
    const either: PfaRecordFilter[] = [];
    if (known.length > 0) either.push({ [key]: { in: known } });
    if (known.length < values.length) either.push({ [key]: { isNull: true } });
    and.push(either.length === 1 && either[0] ? either[0] : { or: either });
  }
  for (const flag of filter.flags ?? []) and.push(flags[flag][1]);
  if (filter.startFrom ?? filter.startTo)
    and.push({ forecastStart: range(filter.startFrom, filter.startTo) });
  if (filter.endFrom ?? filter.endTo) and.push({ forecastEnd: range(filter.endFrom, filter.endTo) });
  if (filter.costFrom ?? filter.costTo)
    and.push({
      forecastCostCents: range(
        filter.costFrom === undefined ? undefined : cents(filter.costFrom),
        filter.costTo === undefined ? undefined : cents(filter.costTo),
      ),
    });
  if (!filter.discontinued) and.push({ isDiscontinued: { equalTo: false } });
  const [only, ...more] = and;
  if (!only) return {};
  return more.length === 0 ? only : { and };
}

/** Returns the filter for totals and bulk operations. */
export function selectionOf(filter: Filter, without?: Dimension): PfaSelectionInput {
  const asked = filterOf(filter, without);
  const selection = {
    ...(Object.keys(asked).length > 0 ? { filter: asked } : {}),
    ...(filter.q ? { search: filter.q } : {}),
  };
  return Object.keys(selection).length > 0 ? selection : { everything: true };
}

export interface Chip {
  key: string;
  label: string;
  /** Changes that remove this filter. */
  without: Partial<Filter>;
}

export const nameOfValue = (value: string) => (value === '' ? 'Not known' : value);

/** Returns the active filters, each with the change that removes it. */
export function chipsOf(filter: Filter): Chip[] {
  const chips: Chip[] = [];
  if (filter.q) chips.push({ key: 'q', label: `Search: ${filter.q}`, without: { q: undefined } });
  for (const name of dimensionNames)
    for (const value of filter[name] ?? []) {
      const rest = filter[name]?.filter((one) => one !== value);
      chips.push({
        key: `${name} ${value}`,
        label: `${dimensions[name]}: ${nameOfValue(value)}`,
        without: { [name]: rest?.length ? rest : undefined },
      });
    }
  for (const flag of filter.flags ?? []) {
    const rest = filter.flags?.filter((one) => one !== flag);
    chips.push({ key: flag, label: flags[flag][0], without: { flags: rest?.length ? rest : undefined } });
  }
  for (const name of rangeNames) {
    const [label, from, to] = ranges[name];
    const [low, high] = [filter[from], filter[to]];
    const write = (value: string) => (name === 'cost' ? formatMoney(value) : formatDate(value));
    if (low === undefined && high === undefined) continue;
    const text =
      low === undefined
        ? `until ${write(high ?? '')}`
        : high === undefined
          ? `from ${write(low)}`
          : `${write(low)} to ${write(high)}`;
    chips.push({ key: name, label: `${label}: ${text}`, without: { [from]: undefined, [to]: undefined } });
  }
  if (filter.discontinued)
    chips.push({
      key: 'discontinued',
      label: 'With discontinued ones',
      without: { discontinued: undefined },
    });
  return chips;
}

/** The change that removes all filters. */
export const noFilters: Partial<Filter> = Object.fromEntries(
  ['q', ...dimensionNames, 'flags', 'startFrom', 'startTo', 'endFrom', 'endTo', 'costFrom', 'costTo'].map(
    (key) => [key, undefined],
  ),
);
