import { graphql } from '../../api/graphql.ts';
import type { CostsFragment, MonthCostsFragment } from '../../api/generated/graphql.ts';
import { centsOf, ofCents, type Decimal } from '../../format/numbers.ts';
import { monthAfter, monthsBetween, type IsoMonth } from '../../format/dates.ts';

export const boardDocument = graphql(`
  query Board($organizationId: Int!, $selection: PfaSelectionInput!) {
    organization(id: $organizationId) {
      kpis {
        recordCount
        actualizedCount
      }
      bounds {
        forecastStart
        forecastEnd
      }
      seen: sums(selection: $selection) {
        nodes {
          ...Costs
        }
      }
      mirror: sums(selection: $selection, layer: mirror) {
        nodes {
          ...Costs
        }
      }
      seenBySource: sums(selection: $selection, groupBy: source) {
        nodes {
          ...Costs
        }
      }
      mirrorBySource: sums(selection: $selection, groupBy: source, layer: mirror) {
        nodes {
          ...Costs
        }
      }
    }
  }

  fragment Costs on PfaSum {
    groupValue
    recordCount
    planCost
    forecastCost
    actualCost
    variance
  }
`);

export const groupsDocument = graphql(`
  query CostsByGroup($organizationId: Int!, $selection: PfaSelectionInput!, $groupBy: PfaDimension!) {
    organization(id: $organizationId) {
      seen: sums(selection: $selection, groupBy: $groupBy, first: 1000) {
        pageInfo {
          hasNextPage
        }
        nodes {
          ...Costs
        }
      }
      mirror: sums(selection: $selection, groupBy: $groupBy, layer: mirror, first: 1000) {
        nodes {
          ...Costs
        }
      }
    }
  }
`);

export const monthsDocument = graphql(`
  query CostsByMonth($organizationId: Int!, $selection: PfaSelectionInput!) {
    organization(id: $organizationId) {
      seen: sums(selection: $selection, groupBy: month, first: 1000) {
        nodes {
          ...MonthCosts
        }
      }
      mirror: sums(selection: $selection, groupBy: month, layer: mirror, first: 1000) {
        nodes {
          ...MonthCosts
        }
      }
    }
  }

  fragment MonthCosts on PfaSum {
    groupValue
    planCost
    forecastCost
    actualCost
    variance
  }
`);

/** The costs of a group of records. */
export interface Amounts {
  planCost: Decimal;
  forecastCost: Decimal;
  actualCost: Decimal;
  variance: Decimal;
}

export interface Costs extends Amounts {
  recordCount: Decimal;
}

/** The same figures in both layers: including drafts, and in PEMS. */
export interface Layers<T> {
  seen: T;
  mirror: T;
}

const nothing: Costs = {
  planCost: '0.00',
  forecastCost: '0.00',
  actualCost: '0.00',
  variance: '0.00',
  recordCount: '0',
};

/** Combines two costs, amount by amount. */
const each = (one: Amounts, other: Amounts, count: (a: bigint, b: bigint) => bigint): Amounts => {
  const amount = (key: keyof Amounts) => ofCents(count(centsOf(one[key]), centsOf(other[key])));
  return {
    planCost: amount('planCost'),
    forecastCost: amount('forecastCost'),
    actualCost: amount('actualCost'),
    variance: amount('variance'),
  };
};

/** Returns the difference that drafts and pending changes make to PEMS data. */
export const differenceOf = ({ seen, mirror }: Layers<Costs>): Costs => ({
  ...each(seen, mirror, (a, b) => a - b),
  recordCount: String(BigInt(seen.recordCount) - BigInt(mirror.recordCount)),
});

/** A group or a month; '' holds the records that have none. */
export interface Row<T> extends Layers<T> {
  value: string;
}

type Nodes<T> = readonly (T | null)[];

function byValue<T extends { groupValue: string | null }, C>(
  seen: Nodes<T>,
  mirror: Nodes<T>,
  read: (node: T | undefined) => C,
): Map<string, Layers<C>> {
  const [mine, theirs] = [seen, mirror].map(
    (nodes) => new Map(nodes.flatMap((node) => (node ? [[node.groupValue ?? '', node] as const] : []))),
  ) as [Map<string, T>, Map<string, T>];
  return new Map(
    [...new Set([...mine.keys(), ...theirs.keys()])].map((value) => [
      value,
      { seen: read(mine.get(value)), mirror: read(theirs.get(value)) },
    ]),
  );
}

const costsOf = (node: CostsFragment | null | undefined): Costs =>
  node ? { ...node, recordCount: node.recordCount ?? '0' } : nothing;

/** Returns the totals of a whole selection. */
export const totalOf = (seen: Nodes<CostsFragment>, mirror: Nodes<CostsFragment>): Layers<Costs> => ({
  seen: costsOf(seen[0]),
  mirror: costsOf(mirror[0]),
});

/** Returns the groups of either layer. */
export const groupsOf = (seen: Nodes<CostsFragment>, mirror: Nodes<CostsFragment>): Row<Costs>[] =>
  [...byValue(seen, mirror, costsOf)].map(([value, layers]) => ({ value, ...layers }));

/** A date centuries away is a mistake; the chart must not show every month until then. */
const mostMonths = 1200;

export interface Months {
  /** Every month of the range, if the range is not too long. */
  rows: Row<Amounts>[];
  /** Costs of records without dates. */
  undated: Layers<Amounts> | undefined;
  /** Costs before the first and after the last month, if the range is too long. */
  outside: Row<Amounts>[];
}

/** Returns the months from the first to the last with costs, including months without costs in between. */
export function monthsOf(seen: Nodes<MonthCostsFragment>, mirror: Nodes<MonthCostsFragment>): Months {
  const known = byValue(seen, mirror, (node): Amounts => node ?? nothing);
  const undated = known.get('');
  known.delete('');
  const isMonth = (value: string): boolean => /^\d/.test(value);
  const outside = [...known]
    .filter(([value]) => !isMonth(value))
    .map(([value, layers]) => ({ value, ...layers }))
    .sort((a, b) => (a.value < b.value ? 1 : -1));
  const months: IsoMonth[] = [...known.keys()].filter(isMonth).sort();
  const [from, to] = [months[0], months.at(-1)];
  if (from === undefined || to === undefined) return { rows: [], undated, outside };
  const span = monthsBetween(from, to);
  const all = span < mostMonths ? Array.from({ length: span + 1 }, (_, i) => monthAfter(from, i)) : months;
  const empty = { seen: nothing, mirror: nothing };
  return { rows: all.map((value) => ({ value, ...(known.get(value) ?? empty) })), undated, outside };
}

/** Returns cumulative costs: each month plus everything before it, including dates before the first month. */
export function addedUp(rows: readonly Row<Amounts>[], outside: readonly Row<Amounts>[]): Row<Amounts>[] {
  let [seen, mirror]: Amounts[] = [nothing, nothing];
  for (const row of outside.filter(({ value }) => value.startsWith('before'))) {
    seen = each(seen ?? nothing, row.seen, (a, b) => a + b);
    mirror = each(mirror ?? nothing, row.mirror, (a, b) => a + b);
  }
  return rows.map((row) => {
    seen = each(seen ?? nothing, row.seen, (a, b) => a + b);
    mirror = each(mirror ?? nothing, row.mirror, (a, b) => a + b);
    return { value: row.value, seen, mirror };
  });
}
