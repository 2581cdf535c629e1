import type pg from 'pg';
import { compare } from './measure.ts';
import type { Measurement } from './measurements.ts';
import { views } from './viewers.ts';

/** Computes the same figures from every record that the user sees. */
const recomputed = {
  kpis: `select
      count(*) filter (where not is_discontinued) as record_count,
      count(*) filter (where not is_discontinued and is_actualized) as actualized_count,
      count(*) filter (where is_discontinued) as discontinued_count,
      coalesce(sum(plan_cost) filter (where not is_discontinued), 0) as plan_cost,
      coalesce(sum(forecast_cost) filter (where not is_discontinued), 0) as forecast_cost,
      coalesce(sum(actual_cost) filter (where not is_discontinued), 0) as actual_cost,
      coalesce(sum(variance) filter (where not is_discontinued), 0) as variance,
      count(*) filter (where not is_discontinued and source = 'Rental') as rental_count,
      coalesce(sum(plan_cost) filter (where not is_discontinued and source = 'Rental'), 0) as rental_plan_cost,
      coalesce(sum(forecast_cost) filter (where not is_discontinued and source = 'Rental'), 0) as rental_forecast_cost,
      coalesce(sum(actual_cost) filter (where not is_discontinued and source = 'Rental'), 0) as rental_actual_cost,
      count(*) filter (where not is_discontinued and source = 'Purchase') as purchase_count,
      coalesce(sum(plan_cost) filter (where not is_discontinued and source = 'Purchase'), 0) as purchase_plan_cost,
      coalesce(sum(forecast_cost) filter (where not is_discontinued and source = 'Purchase'), 0) as purchase_forecast_cost,
      coalesce(sum(actual_cost) filter (where not is_discontinued and source = 'Purchase'), 0) as purchase_actual_cost
    from app_public.pfa_record where organization_id = $1 and removed_at is null`,
  bounds: `select min(original_start) as original_start, max(original_end) as original_end, min(forecast_start) as forecast_start,
      max(forecast_end) as forecast_end, min(actual_start) as actual_start, max(actual_end) as actual_end
    from app_public.pfa_record where organization_id = $1 and removed_at is null and not is_discontinued`,
};

/** Compares totals and bounds with computing them from all records that the user sees; the figures must be equal. */
export const sums: Measurement = async function* (world) {
  const cases = await views(world);
  for (const kind of ['kpis', 'bounds'] as const) {
    const ask = (viewer: pg.Client, id: number) =>
      viewer.query<Record<string, string>>({
        name: `our ${kind}`,
        text: `select k.* from app_public.organizations o cross join lateral app_public.organizations_${kind}(o) k where o.id = $1`,
        values: [id],
      });
    const compute = (viewer: pg.Client, id: number) =>
      viewer.query<Record<string, string>>({ name: `plain ${kind}`, text: recomputed[kind], values: [id] });
    for (const { where, id, viewer, overlaid } of cases) {
      const [[ours], [plain]] = [(await ask(viewer, id)).rows, (await compute(viewer, id)).rows];
      const same = Object.entries(plain!).every(([key, value]) =>
        kind === 'bounds' ? value === ours![key] : Number(value) === Number(ours![key]),
      );
      const result = await compare(world.scale, `${kind}, ${where}, ${overlaid} overlaid`, {
        ours: () => ask(viewer, id),
        theirs: () => compute(viewer, id),
        goal: { ...(overlaid === world.scale.few ? { timesFaster: 10 } : {}), p95Below: 10 },
        runs: where === 'large' ? 20 : 40,
        note: same ? 'same figures' : 'OTHER FIGURES',
      });
      yield { ...result, held: result.held && same };
    }
  }
};

/** Other dimensions cost as much as the category; totals without groups cost slightly less. */
const dimensions = ['category', 'month'] as const;

/** A selection and layer in SQL. */
const summed = {
  everything: "null::app_public.pfa_selection, 'merged'",
  'of the mirror alone': "null::app_public.pfa_selection, 'mirror'",
  filtered: `row(null, '{"source": {"equalTo": "Rental"}, "forecastEnd": {"isNull": false}}', null, null, null)::app_public.pfa_selection, 'merged'`,
};

/** Times totals by group of an organization of 20,000 records, as the charts request them. */
export const groups: Measurement = async function* (world) {
  for (const { where, id, viewer, overlaid } of await views(world)) {
    if (where === 'large') continue;
    for (const dimension of dimensions) {
      for (const [what, selection] of Object.entries(summed)) {
        yield await compare(world.scale, `sums by ${dimension}, ${what}, ${overlaid} overlaid`, {
          ours: () =>
            viewer.query({
              name: `sums by ${dimension}, ${what}`,
              text: `select s.* from app_public.organizations o cross join lateral app_public.organizations_sums(o, '${dimension}', ${selection}) s where o.id = $1`,
              values: [id],
            }),
          goal: { p95Below: 50 },
        });
      }
    }
  }
};
