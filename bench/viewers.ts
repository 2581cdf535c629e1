import type pg from 'pg';
import { users } from './data.ts';
import type { World } from './world.ts';

/** A user of an organization, and the number of overlaid records that the user sees there (and nowhere else). */
export interface View {
  where: 'ordinary' | 'large';
  id: number;
  overlaid: number;
  viewer: pg.Client;
}

/** An ordinary organization and the large one, each with none, few and many overlaid records. */
export async function views({ organizations, visitor, scale }: World): Promise<View[]> {
  const { none, few, many, large } = organizations;
  return [
    { where: 'ordinary', id: none, overlaid: 0, viewer: await visitor(users.none) },
    { where: 'ordinary', id: few, overlaid: scale.few, viewer: await visitor(users.few) },
    { where: 'ordinary', id: many, overlaid: scale.many, viewer: await visitor(users.many) },
    { where: 'large', id: large, overlaid: 0, viewer: await visitor(users.largeNone) },
    { where: 'large', id: large, overlaid: scale.few, viewer: await visitor(users.largeFew) },
    { where: 'large', id: large, overlaid: scale.many, viewer: await visitor(users.largeMany) },
  ];
}
