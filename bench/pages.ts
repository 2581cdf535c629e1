import type pg from 'pg';
import { compare } from './measure.ts';
import type { Measurement } from './measurements.ts';
import { views } from './viewers.ts';

/** Orders of record lists: `PfaRecordOrderBy` of the API. */
export const orders = [
  'pfa_id',
  'area_silo',
  'category',
  'class',
  'forecast_start',
  'forecast_end',
  'forecast_cost_cents',
] as const;

const rows = 200;

/** Builds a page query like the API's: rows after the last row of the previous page, by sort key and id. */
export function page(
  table: string,
  order: string,
  isFirst: boolean,
  filters = 'category = $2 and source = $3',
): string {
  const keyset = isFirst
    ? ''
    : order === 'pfa_id'
      ? 'and pfa_id > $4'
      : `and ${order} >= $5 and (${order} > $5 or ${order} = $5 and pfa_id > $4)`;
  return `select pfa_id, data from ${table} where organization_id = $1 and ${filters} ${keyset}
    order by ${order === 'pfa_id' ? '' : `${order}, `}pfa_id limit ${rows}`;
}

/** Returns the category with the most rented records, and their number. */
export async function commonest(
  owner: pg.Client,
  organizationId: number,
): Promise<{ category: string; count: number }> {
  const { rows: found } = await owner.query<{ category: string; count: string }>(
    `select category, count(*) from app_core.pfa_mirror where organization_id = $1 and source = 'Rental' group by 1 order by 2 desc limit 1`,
    [organizationId],
  );
  return { category: found[0]!.category, count: Number(found[0]!.count) };
}

/**
 * Times a page of 200, filtered by category and source, in each order, at the beginning and deep in the list. Ordinary
 * organizations have none, few or many overlaid records; only the large one has enough matches for deep pages.
 */
export const pages: Measurement = async function* (world) {
  const { owner, scale } = world;
  for (const { where, id, overlaid, viewer } of await views(world)) {
    const { category, count } = await commonest(owner, id);
    for (const depth of where === 'large' ? [0, Math.min(scale.deep, count - rows)] : [0]) {
      for (const order of orders) {
        const values: unknown[] = [id, category, 'Rental'];
        if (depth > 0) {
          const { rows: last } = await owner.query<{ pfa_id: string; key: string }>(
            `select pfa_id, ${order} as key from app_core.pfa_mirror where organization_id = $1 and category = $2 and source = $3
            order by ${order}, pfa_id offset $4 limit 1`,
            [...values, depth],
          );
          values.push(last[0]!.pfa_id, ...(order === 'pfa_id' ? [] : [last[0]!.key]));
        }
        const name = `${order} ${depth > 0}`;
        yield await compare(
          scale,
          `page by ${order}, ${depth ? `${depth} deep` : 'first'}, ${where}, ${overlaid} overlaid`,
          {
            ours: () =>
              viewer.query({
                name: `merged ${name}`,
                text: page('app_public.pfa_record', order, depth === 0),
                values,
                rowMode: 'array',
              }),
            theirs: () =>
              owner.query({
                name: `mirror ${name}`,
                text: page('app_core.pfa_mirror', order, depth === 0),
                values,
                rowMode: 'array',
              }),
            goal: { ...(overlaid === scale.few ? { atMostTimes: 2.5 } : {}), p95Below: 10 },
            runs: 60,
          },
        );
      }
    }
  }
};
