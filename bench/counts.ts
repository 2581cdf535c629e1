import { compare } from './measure.ts';
import type { Measurement } from './measurements.ts';
import { views } from './viewers.ts';

/** Counts the records of a filter, as the list shows them above its rows. */
export const counts: Measurement = async function* (world) {
  const { owner, scale } = world;
  const filter = 'organization_id = $1 and category = $2 and source = $3';
  for (const { where, id, viewer, overlaid } of await views(world)) {
    const { rows } = await owner.query<{ category: string }>(
      'select category from app_core.pfa_mirror where organization_id = $1 group by 1 order by count(*) desc limit 1',
      [id],
    );
    const values = [id, rows[0]!.category, 'Rental'];
    yield await compare(scale, `count of a filter, ${where}, ${overlaid} overlaid`, {
      ours: () =>
        viewer.query({
          name: 'count merged',
          text: `select count(*) from app_public.pfa_record where ${filter}`,
          values,
        }),
      theirs: () =>
        owner.query({
          name: 'count mirror',
          text: `select count(*) from app_core.pfa_mirror where ${filter}`,
          values,
        }),
      goal: { atMostTimes: 2 },
    });
  }
};
