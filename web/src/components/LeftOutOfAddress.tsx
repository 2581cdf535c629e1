import { Button } from '@mantine/core';
import type { LeftOut } from '../filter/address.ts';
import { WarningIcon } from './icons.tsx';
import classes from './Panel.module.css';

interface Props {
  leftOut: readonly LeftOut[];
  /** Removes the invalid parameters from the address. */
  onDismiss: () => void;
}

/** Lists the parts of the address that the page ignores. */
export function LeftOutOfAddress({ leftOut, onDismiss }: Props) {
  if (leftOut.length === 0) return null;
  const parts = leftOut.map(({ name, value }) => `${name}=${value}`).join(', ');
  return (
    <div className={classes.notice} role="status">
      <WarningIcon size={16} className={classes.errorIcon} />
      <span>
        This page can’t read part of its address and left it out: <code>{shortened(parts)}</code>
      </span>
      <Button size="compact-xs" variant="default" onClick={onDismiss}>
        Dismiss
      </Button>
    </div>
  );
}

const shortened = (text: string) => (text.length > 160 ? `${text.slice(0, 160)}…` : text);
