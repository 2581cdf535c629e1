import { Button } from '@mantine/core';
import { CloseIcon } from '../../components/icons.tsx';
import { formatCount } from '../../format/numbers.ts';
import classes from './SelectionBar.module.css';

interface Props {
  size: number;
  /** Number of records that match the filter. */
  total: number;
  onAll: () => void;
  onChange: () => void;
  onClear: () => void;
}

/** Shows the number of selected records and their actions, over the last rows of the grid. */
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
