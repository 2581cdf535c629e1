import { compare } from './measure.ts';
import type { Measurement } from './measurements.ts';
import { views } from './viewers.ts';

/** Query for a page of organization $1's records that match the words $2 and contain the object $3. */
export const found = `select r.pfa_id, r.data from app_public.organizations o
  cross join lateral app_public.organizations_found_records(o, $2, $3) r where o.id = $1 order by r.forecast_start, r.pfa_id limit 200`;

/**
 * Times searches: by words, by contained values, by a range of money, and by a window of days. Pages of 200 by first
 * day.
 */
export const search: Measurement = async function* (world) {
  const { owner, scale } = world;
  const prepareNext = async () =>
    (await owner.query<{ had_work: string }>('select app_private.prepare_search() as had_work')).rows[0]!
      .had_work === 't';
  while (await prepareNext());
  const first = async (text: string, values: unknown[]) =>
    (await owner.query<Record<string, string>>(text, values)).rows[0]!;

  for (const { where, id, overlaid, viewer } of await views(world)) {
    if (overlaid !== scale.few) continue;
    const sample = await first(
      `select pfa_id, lower(right(pfa_id, 5)) as part, lower(data->>'equipment') as tag, lower(class) as class, lower(data->>'model') as model,
        data->>'model' as model_name, class as class_name, data->>'pfs_x_wbs' as wbs
      from app_core.pfa_mirror where organization_id = $1 and data ? 'equipment' and data ? 'model' and data ? 'pfs_x_wbs'
      order by hashtext(pfa_id) limit 1`,
      [id],
    );
    const words = {
      'an asset tag': sample.tag!,
      'five digits of an id': sample.part!,
      'a class': sample.class!,
      'a model': sample.model!,
    };
    for (const [what, word] of Object.entries(words)) {
      yield await compare(scale, `search for ${what}, ${where}`, {
        ours: () => viewer.query({ name: 'found', text: found, values: [id, word, null], rowMode: 'array' }),
        theirs: () =>
          owner.query({
            name: 'search mirror',
            text: `select pfa_id, data from app_core.pfa_mirror where organization_id = $1 and app_core.search_text(pfa_id, data) like all ($2)
              order by forecast_start, pfa_id limit 200`,
            values: [id, word.split(' ').map((each) => `%${each}%`)],
            rowMode: 'array',
          }),
        goal: { atMostTimes: 3, p95Below: 20 },
        runs: 30,
      });
    }
    const objects = {
      'a model': { model: sample.model_name },
      'a class and model': { class: sample.class_name, model: sample.model_name },
      'a field that we do not know': { pfs_x_wbs: sample.wbs },
    };
    for (const [what, containing] of Object.entries(objects)) {
      const json = JSON.stringify(containing);
      yield await compare(scale, `data @> ${what}, ${where}`, {
        ours: () => viewer.query({ name: 'found', text: found, values: [id, null, json], rowMode: 'array' }),
        theirs: () =>
          owner.query({
            name: 'contains mirror',
            text: `select pfa_id, data from app_core.pfa_mirror
              where organization_id = $1 and app_core.text_fields(data) @> app_core.text_fields($2) and data @> $2
              order by forecast_start, pfa_id limit 200`,
            values: [id, json],
            rowMode: 'array',
          }),
        goal: { atMostTimes: 3, p95Below: 20 },
        runs: 30,
      });
    }
    const range = await first(
      `select percentile_disc(0.50) within group (order by forecast_cost_cents) as low,
        percentile_disc(0.51) within group (order by forecast_cost_cents) as high
      from app_core.pfa_mirror where organization_id = $1`,
      [id],
    );
    const ranges = {
      'a range of money': {
        text: 'forecast_cost_cents between $2 and $3 order by forecast_cost_cents, pfa_id',
        values: [id, range.low, range.high],
      },
      'a window of a quarter': {
        text: 'forecast_start between $2 and $3 order by forecast_start, pfa_id',
        values: [id, '2026-04-01', '2026-06-30'],
      },
    };
    for (const [what, { text, values }] of Object.entries(ranges)) {
      const query = (table: string) =>
        `select pfa_id, data from ${table} where organization_id = $1 and ${text} limit 200`;
      yield await compare(scale, `${what}, ${where}`, {
        ours: () =>
          viewer.query({
            name: `merged ${what}`,
            text: query('app_public.pfa_record'),
            values,
            rowMode: 'array',
          }),
        theirs: () =>
          owner.query({
            name: `mirror ${what}`,
            text: query('app_core.pfa_mirror'),
            values,
            rowMode: 'array',
          }),
        goal: { atMostTimes: 3, p95Below: 20 },
        runs: 60,
      });
    }
  }
};
