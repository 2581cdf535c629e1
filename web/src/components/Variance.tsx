import {
  formatDifference,
  formatDollarDifference,
  formatShare,
  signOf,
  type Decimal,
} from '../format/numbers.ts';
import { EvenIcon, OverIcon, UnderIcon } from './icons.tsx';
import classes from './Variance.module.css';

interface Props {
  /** Forecast minus plan. */
  value: Decimal;
  /** If given, the variance is also shown as a share of it. */
  plan?: Decimal;
  withCents?: boolean;
}

const kinds = {
  1: { name: 'over', icon: OverIcon, words: 'over budget' },
  0: { name: 'even', icon: EvenIcon, words: 'on budget' },
  [-1]: { name: 'under', icon: UnderIcon, words: 'under budget' },
} as const;

/** A variance: over or under budget, by sign, arrow, word and colour. */
export function Variance({ value, plan, withCents = false }: Props) {
  const { name, icon: Icon, words } = kinds[signOf(value) as -1 | 0 | 1];
  const share = plan === undefined ? undefined : formatShare(value, plan);
  return (
    <span className={classes.variance} data-kind={name}>
      <Icon size={14} className={classes.icon} />
      <span className="figures">{withCents ? formatDifference(value) : formatDollarDifference(value)}</span>
      {plan === undefined ? (
        <span className="visually-hidden">{words}</span>
      ) : (
        <span className={classes.words}>
          {share !== undefined && `${share} `}
          {words}
        </span>
      )}
    </span>
  );
}
