import type { RecordRowFragment } from '../api/generated/graphql.ts';

/** Fields that every row needs, whichever columns are visible. */
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

/** A record in the list; fields of hidden columns are missing. */
export type Row = Pick<RecordRowFragment, Always> & Partial<RecordRowFragment>;
