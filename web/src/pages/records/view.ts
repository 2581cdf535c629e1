import type { PfaRecordFilter, PfaSelectionInput } from '../../api/generated/graphql.ts';
import { formatDate, type IsoDate } from '../../format/dates.ts';
import { formatMoney, type Decimal } from '../../format/numbers.ts';

/** What the records page shows, as it is in the address. */
export interface RecordsView {
  q?: string;
  category?: string[];
  class?: string[];
  area?: string[];
  source?: string[];
  dor?: string[];
  /** All of them have to hold. */
  flags?: Flag[];
  /** Discontinued records too; they count in no sum. */
  discontinued?: true;
  startFrom?: IsoDate;
  startTo?: IsoDate;
  endFrom?: IsoDate;
  endTo?: IsoDate;
  costFrom?: Decimal;
  costTo?: Decimal;
  sort?: string;
  columns?: string;
}

/** What the database groups by; a filter of its own each. A record without a value is in the group ''. */
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

const texts = (value: unknown): string[] | undefined => {
  const list = (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
  return list.length > 0 ? [...new Set(list)].slice(0, 200) : undefined;
};
const matching = (pattern: RegExp) => (value: unknown) => {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && pattern.test(text) ? text : undefined;
};
const day = matching(/^\d{4}-\d\d-\d\d$/);
const amount = matching(/^-?\d{1,15}(\.\d{1,2})?$/);
const words = matching(/\S/);

/** Takes from an address what is a view; whatever else is in it is left out. */
export function validateRecordsView(search: Record<string, unknown>): RecordsView {
  const view: Record<keyof RecordsView, unknown> = {
    q: words(search.q),
    category: texts(search.category),
    class: texts(search.class),
    area: texts(search.area),
    source: texts(search.source),
    dor: texts(search.dor),
    flags: texts(search.flags)?.filter((name) => name in flags),
    discontinued: search.discontinued === true ? true : undefined,
    startFrom: day(search.startFrom),
    startTo: day(search.startTo),
    endFrom: day(search.endFrom),
    endTo: day(search.endTo),
    costFrom: amount(search.costFrom),
    costTo: amount(search.costTo),
    sort: words(search.sort),
    columns: words(search.columns),
  };
  return Object.fromEntries(
    Object.entries(view).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** Dollars as cents, without a float in between. */
const cents = (dollars: Decimal): string => {
  const [whole = '0', part = ''] = dollars.split('.');
  return `${whole}${part.padEnd(2, '0')}`.replace(/^(-?)0+(?=\d)/, '$1');
};

const range = <T>(from: T | undefined, to: T | undefined) => ({
  ...(from === undefined ? {} : { greaterThanOrEqualTo: from }),
  ...(to === undefined ? {} : { lessThanOrEqualTo: to }),
});

/** The filter that a view stands for; of one dimension it can be left out: its own choices are counted without it. */
export function filterOf(view: RecordsView, without?: Dimension): PfaRecordFilter {
  const and: PfaRecordFilter[] = [];
  for (const name of dimensionNames) {
    const values = view[name];
    if (!values || name === without) continue;
    const key = name === 'area' ? 'areaSilo' : name;
    const known = values.filter((value) => value !== '');
    const either: PfaRecordFilter[] = [];
    if (known.length > 0) either.push({ [key]: { in: known } });
    if (known.length < values.length) either.push({ [key]: { isNull: true } });
    and.push(either.length === 1 && either[0] ? either[0] : { or: either });
  }
  for (const flag of view.flags ?? []) and.push(flags[flag][1]);
  if (view.startFrom ?? view.startTo) and.push({ forecastStart: range(view.startFrom, view.startTo) });
  if (view.endFrom ?? view.endTo) and.push({ forecastEnd: range(view.endFrom, view.endTo) });
  if (view.costFrom ?? view.costTo)
    and.push({
      forecastCostCents: range(
        view.costFrom === undefined ? undefined : cents(view.costFrom),
        view.costTo === undefined ? undefined : cents(view.costTo),
      ),
    });
  if (!view.discontinued) and.push({ isDiscontinued: { equalTo: false } });
  const [only, ...more] = and;
  if (!only) return {};
  return more.length === 0 ? only : { and };
}

/** The same for sums and bulk operations. */
export function selectionOf(view: RecordsView, without?: Dimension): PfaSelectionInput {
  const filter = filterOf(view, without);
  const selection = {
    ...(Object.keys(filter).length > 0 ? { filter } : {}),
    ...(view.q ? { search: view.q } : {}),
  };
  return Object.keys(selection).length > 0 ? selection : { everything: true };
}

/** Which fields of a record decide whether it is in the list, and where. */
export function decidingFields(view: RecordsView, sortKey: string): Set<string> {
  const fields = new Set<string>([sortKey]);
  for (const name of dimensionNames) if (view[name]) fields.add(name === 'area' ? 'areaSilo' : name);
  for (const flag of view.flags ?? []) for (const field of Object.keys(flags[flag][1])) fields.add(field);
  if (view.startFrom ?? view.startTo) fields.add('forecastStart');
  if (view.endFrom ?? view.endTo) fields.add('forecastEnd');
  if (view.costFrom ?? view.costTo) fields.add('forecastCost');
  if (!view.discontinued) fields.add('isDiscontinued');
  return fields;
}

export interface Chip {
  key: string;
  label: string;
  /** The view without it. */
  without: Partial<RecordsView>;
}

export const nameOfValue = (value: string) => (value === '' ? 'Not known' : value);

/** What the list is narrowed down by, each to be taken away. */
export function chipsOf(view: RecordsView): Chip[] {
  const chips: Chip[] = [];
  if (view.q) chips.push({ key: 'q', label: `Search: ${view.q}`, without: { q: undefined } });
  for (const name of dimensionNames)
    for (const value of view[name] ?? []) {
      const rest = view[name]?.filter((one) => one !== value);
      chips.push({
        key: `${name} ${value}`,
        label: `${dimensions[name]}: ${nameOfValue(value)}`,
        without: { [name]: rest?.length ? rest : undefined },
      });
    }
  for (const flag of view.flags ?? []) {
    const rest = view.flags?.filter((one) => one !== flag);
    chips.push({ key: flag, label: flags[flag][0], without: { flags: rest?.length ? rest : undefined } });
  }
  for (const name of rangeNames) {
    const [label, from, to] = ranges[name];
    const [low, high] = [view[from], view[to]];
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
  if (view.discontinued)
    chips.push({
      key: 'discontinued',
      label: 'With discontinued ones',
      without: { discontinued: undefined },
    });
  return chips;
}

/** Everything that narrows down, taken away. */
export const noFilters: Partial<RecordsView> = Object.fromEntries(
  ['q', ...dimensionNames, 'flags', 'startFrom', 'startTo', 'endFrom', 'endTo', 'costFrom', 'costTo'].map(
    (key) => [key, undefined],
  ),
);
