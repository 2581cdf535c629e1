import { Button } from '@mantine/core';
import { CloseIcon } from '../../components/icons.tsx';
import { formatCount } from '../../format/numbers.ts';
import classes from './SelectionBar.module.css';

interface Props {
  size: number;
  /** How many the filter leaves. */
  total: number;
  onAll: () => void;
  onChange: () => void;
  onClear: () => void;
}

/** Over the last rows of the grid while records are selected: how many, and what can be done with them. */
export function SelectionBar({ size, total, onAll, onChange, onClear }: Props) {
  return (
    <div className={classes.bar} role="region" aria-label="Selected records">
      <span role="status" className="figures">
        <b>{formatCount(size)}</b> of {formatCount(total)} selected
      </span>
      {size < total && (
        <Button size="compact-sm" variant="subtle" onClick={onAll}>
          Select all {formatCount(total)} that match
        </Button>
      )}
      <Button size="compact-sm" onClick={onChange}>
        Change …
      </Button>
      <Button size="compact-sm" variant="default" leftSection={<CloseIcon size={13} />} onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
