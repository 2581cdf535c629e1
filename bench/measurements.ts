import { cost } from './cost.ts';
import { counts } from './counts.ts';
import { drafts } from './drafts.ts';
import { fairness } from './fairness.ts';
import { graphql } from './graphql.ts';
import { movingIn } from './legacy.ts';
import type { Result } from './measure.ts';
import { neighbour } from './neighbour.ts';
import { pages } from './pages.ts';
import { push } from './push.ts';
import { refresh } from './refresh.ts';
import { search } from './search.ts';
import { size } from './size.ts';
import { groups, sums } from './sums.ts';
import { sync, upsert, workerMemory } from './sync.ts';
import { manyUsers } from './users.ts';
import { wholeOrganization } from './whole-organization.ts';
import type { World } from './world.ts';

/** Runs a measurement, which reports each figure as soon as it has it. */
export type Measurement = (world: World) => AsyncIterable<Result>;

/** In the order of the table in docs/explanation/performance.md. */
export const measurements: Readonly<Record<string, Measurement>> = {
  'whole-organization': wholeOrganization,
  pages,
  search,
  counts,
  sums,
  groups,
  cost,
  drafts,
  // Before measurements that change many records and leave dead rows.
  size,
  sync,
  upsert,
  'worker-memory': workerMemory,
  'moving-in': movingIn,
  refresh,
  push,
  graphql,
  users: manyUsers,
  neighbour,
  fairness,
};
