import type { Json } from './make.ts';

// The plain definition of visible values, computed row by row with exact integers: tests compare views, generated
// columns and materialized totals with it.

export type Data = Record<string, Json>;

const text = (value: Json | undefined) => (typeof value === 'string' && value !== '' ? value : null);

/** A decimal as written in JSON, as numerator over 10^scale. */
function decimal(value: number | string): { units: bigint; scale: number } {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
  if (whole === undefined) throw new Error(`${value} is not a plain decimal.`);
  const units = BigInt(whole + fraction);
  return { units: sign ? -units : units, scale: fraction.length };
}

/** Rounds half away from zero, like numeric; for values that are not negative. */
const quotient = (numerator: bigint, denominator: bigint) =>
  (2n * numerator + denominator) / (2n * denominator);

const days = (first: string, last: string) => BigInt((Date.parse(last) - Date.parse(first)) / 86_400_000);

/** Returns the cost in cents from one day to another, by the rules of docs/explanation/costs.md. */
export function costCents(
  source: Json | undefined,
  first: Json | undefined,
  last: Json | undefined,
  monthlyRate: Json | undefined,
  purchasePrice: Json | undefined,
): bigint {
  if (source === 'Rental') {
    if (typeof monthlyRate !== 'number' && typeof monthlyRate !== 'string') return 0n;
    const [from, to] = [text(first), text(last)];
    if (from === null || to === null) return 0n;
    const length = days(from, to);
    if (length <= 0n) return 0n;
    const { units, scale } = decimal(monthlyRate);
    // days / 30.44 * rate * 100 = days * units * 10000 / (3044 * 10^scale)
    return quotient(length * units * 10_000n, 3044n * 10n ** BigInt(scale));
  }
  if (source === 'Purchase') {
    if (typeof purchasePrice !== 'number' && typeof purchasePrice !== 'string') return 0n;
    const { units, scale } = decimal(purchasePrice);
    return quotient(units * 100n, 10n ** BigInt(scale));
  }
  return 0n;
}

export type CostKind = 'plan' | 'forecast' | 'actual';

/** The source that decides the rule of a cost; the plan has its own if PEMS has one. */
export const sourceOf = (data: Data, kind: CostKind): Json | undefined =>
  kind === 'plan' ? (data.originalSource ?? data.source) : data.source;

export function costsOf(data: Data): Record<CostKind, bigint> {
  const over = (first: string, last: string) =>
    costCents(data.source, data[first], data[last], data.monthlyRate, data.purchasePrice);
  const hasActuals = text(data.actualStart) !== null && text(data.actualEnd) !== null;
  return {
    plan: costCents(
      sourceOf(data, 'plan'),
      ...([data.originalStart, data.originalEnd] as const),
      data.originalMonthlyRate ?? data.monthlyRate,
      data.originalPurchasePrice ?? data.purchasePrice,
    ),
    forecast: over('forecastStart', 'forecastEnd'),
    actual: hasActuals ? over('actualStart', 'actualEnd') : 0n,
  };
}

export const usd = (cents: bigint): string => {
  const sign = cents < 0n ? '-' : '';
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

/** Expected result of app_public.organizations_kpis for these merged records, none of them removed. */
export function kpisOf(records: Data[]) {
  const live = records.filter((data) => data.isDiscontinued !== true);
  const sum = (of: Data[], kind: CostKind) => of.reduce((total, data) => total + costsOf(data)[kind], 0n);
  const rental = live.filter((data) => data.source === 'Rental');
  const purchase = live.filter((data) => data.source === 'Purchase');
  return {
    record_count: String(live.length),
    actualized_count: String(live.filter((data) => data.isActualized === true).length),
    discontinued_count: String(records.length - live.length),
    plan_cost: usd(sum(live, 'plan')),
    forecast_cost: usd(sum(live, 'forecast')),
    actual_cost: usd(sum(live, 'actual')),
    variance: usd(sum(live, 'forecast') - sum(live, 'plan')),
    rental_count: String(rental.length),
    rental_plan_cost: usd(sum(rental, 'plan')),
    rental_forecast_cost: usd(sum(rental, 'forecast')),
    rental_actual_cost: usd(sum(rental, 'actual')),
    purchase_count: String(purchase.length),
    purchase_plan_cost: usd(sum(purchase, 'plan')),
    purchase_forecast_cost: usd(sum(purchase, 'forecast')),
    purchase_actual_cost: usd(sum(purchase, 'actual')),
  };
}

/** Expected result of app_public.organizations_bounds for these merged records, none of them removed. */
export function boundsOf(records: Data[]) {
  const live = records.filter((data) => data.isDiscontinued !== true);
  const days = (key: string) => live.map((data) => text(data[key])).filter((day) => day !== null);
  const first = (key: string) => days(key).sort()[0] ?? null;
  const last = (key: string) => days(key).sort().at(-1) ?? null;
  return {
    original_start: first('originalStart'),
    original_end: last('originalEnd'),
    forecast_start: first('forecastStart'),
    forecast_end: last('forecastEnd'),
    actual_start: first('actualStart'),
    actual_end: last('actualEnd'),
  };
}
