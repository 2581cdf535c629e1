import { formatDifference, signOf, type Decimal } from '../format/numbers.ts';
import { EvenIcon, OverIcon, UnderIcon } from './icons.tsx';
import classes from './Variance.module.css';

const kinds = {
  1: { name: 'over', icon: OverIcon, words: 'more' },
  0: { name: 'even', icon: EvenIcon, words: 'no change in cost' },
  [-1]: { name: 'under', icon: UnderIcon, words: 'less' },
} as const;

/** The effect of a change on a cost, by sign, arrow, word and colour. */
export function CostChange({ value }: { value: Decimal }) {
  const { name, icon: Icon, words } = kinds[signOf(value) as -1 | 0 | 1];
  return (
    <span className={classes.variance} data-kind={name}>
      <Icon size={14} className={classes.icon} />
      <span className="figures">{formatDifference(value)}</span>
      <span className="visually-hidden">{words}</span>
    </span>
  );
}
