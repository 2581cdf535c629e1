import type { RecordRowFragment } from '../api/generated/graphql.ts';

/** What every row is asked for, whatever is shown of it. */
export const always = [
  'pfaId',
  'revision',
  'base',
  'hasDraft',
  'hasProblem',
  'isPending',
  'isActualized',
  'removedAt',
] as const;
type Always = (typeof always)[number];

export type RowKey = Exclude<keyof RecordRowFragment, ' $fragmentName'>;

/** A record as the list holds it: of the columns that are not shown nothing is known. */
export type Row = Pick<RecordRowFragment, Always> & Partial<RecordRowFragment>;
