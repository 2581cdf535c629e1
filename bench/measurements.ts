import { graphql } from './graphql.ts';
import type { Result } from './measure.ts';
import { refresh } from './refresh.ts';
import { neighbour } from './neighbour.ts';
import { size } from './size.ts';
import { manyUsers } from './users.ts';
import { wholeOrganization } from './whole-organization.ts';
import type { World } from './world.ts';

/** Measures something, and says each figure when it has it. */
export type Measurement = (world: World) => AsyncIterable<Result>;

/** In the order of the table in docs/performance.md. */
export const measurements: Readonly<Record<string, Measurement>> = {
  'whole-organization': wholeOrganization,
  // Before anything that changes many records.
  size,
  refresh,
  graphql,
  users: manyUsers,
  neighbour,
};
