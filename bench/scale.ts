/** The amount of data. `full` is the scale of the goals; `small`, a tenth of it, is for trials. */
export interface Scale {
  name: 'small' | 'full';
  /** Records of an ordinary organization; real ones are of this size. */
  ordinary: number;
  /** Number of ordinary organizations. */
  organizations: number;
  /** Records of the large organization. */
  large: number;
  /** Drafts of all users together, and the number of users. */
  drafts: number;
  users: number;
  /** Overlaid records that viewers of the "few" and "many" cases see. */
  few: number;
  many: number;
  /** Rows that a deep page skips. */
  deep: number;
  /** Drafts saved in one call. */
  batch: number;
  /** Share of the repetitions of `full`; fewer take less time and say less about the slowest. */
  repeat: number;
}

export const scales: Record<Scale['name'], Scale> = {
  full: {
    name: 'full',
    ...{ ordinary: 20_000, organizations: 50, large: 200_000 },
    ...{ drafts: 10_000, users: 100, few: 200, many: 5_000, deep: 10_000, batch: 600, repeat: 1 },
  },
  small: {
    name: 'small',
    ...{ ordinary: 20_000, organizations: 5, large: 20_000 },
    ...{ drafts: 1_000, users: 10, few: 20, many: 500, deep: 1_000, batch: 600, repeat: 0.25 },
  },
};
