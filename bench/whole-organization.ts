import { compare, onServer } from './measure.ts';
import type { Measurement } from './measurements.ts';

/** All records of an organization through the merged view, against the same rows of the mirror; on the server. */
export const wholeOrganization: Measurement = async function* ({ owner, organizations, visitor, scale }) {
  const merged = onServer(
    await visitor(),
    'whole_merged',
    'select pfa_id, data from app_public.pfa_record where organization_id = $1',
  );
  const mirror = onServer(
    owner,
    'whole_mirror',
    'select pfa_id, data from app_core.pfa_mirror where organization_id = $1',
  );
  for (const [name, overlaid] of [
    ['none', 0],
    ['few', scale.few],
    ['many', scale.many],
  ] as const) {
    const values = [organizations[name]];
    yield await compare(`whole organization of ${scale.ordinary}, ${overlaid} overlaid`, {
      ours: () => merged(values),
      theirs: () => mirror(values),
      goal: { atMostTimes: 1.25, p95Below: 100 },
    });
  }
};
