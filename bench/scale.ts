/** How much data there is. `full` is what the goals are about; `small`, a tenth of it, is for trying out. */
export interface Scale {
  name: 'small' | 'full';
  /** Records of an ordinary organization, as large as real ones. */
  ordinary: number;
  /** How many ordinary organizations. */
  organizations: number;
  /** Records of the large one. */
  large: number;
  /** Drafts of all users together, and how many users. */
  drafts: number;
  users: number;
  /** Overlaid records that the viewers of the "few" and "many" cases see. */
  few: number;
  many: number;
  /** Rows that a deep page skips. */
  deep: number;
  /** Drafts saved in one call. */
  batch: number;
  /** Which share of the repetitions of `full`: fewer tell less about the slowest, and take less time. */
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
