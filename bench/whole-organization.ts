import { compare, onServer } from './measure.ts';
import type { Measurement } from './measurements.ts';
import { views } from './viewers.ts';

/**
 * Reads all records of an organization through the merged view, compared with the same rows of the mirror; on the
 * server.
 */
export const wholeOrganization: Measurement = async function* (world) {
  const mirror = onServer(
    world.owner,
    'whole_mirror',
    'select pfa_id, data from app_core.pfa_mirror where organization_id = $1',
  );
  for (const { where, id, overlaid, viewer } of await views(world)) {
    if (where === 'large') continue;
    const merged = onServer(
      viewer,
      'whole_merged',
      'select pfa_id, data from app_public.pfa_record where organization_id = $1',
    );
    yield await compare(world.scale, `whole organization of ${world.scale.ordinary}, ${overlaid} overlaid`, {
      ours: () => merged([id]),
      theirs: () => mirror([id]),
      goal: { atMostTimes: 1.25, p95Below: 100 },
    });
  }
};
