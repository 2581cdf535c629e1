import { Group, Pagination, Text } from '@mantine/core';
import { useEffect } from 'react';
import { formatCount } from '../format/numbers.ts';

interface Props {
  /** From 1. */
  page: number;
  pageSize: number;
  total: number;
  onChange: (page: number) => void;
  /** What there is, e.g. `Pages of changes`. */
  label: string;
}

/** Leads back to the last page when what was on this one is gone; without a total that is not known yet. */
export function usePageWithin(
  { page, pageSize, total }: { page: number; pageSize: number; total: number | undefined },
  onPage: (page: number) => void,
): void {
  const last = total === undefined ? page : Math.max(1, Math.ceil(total / pageSize));
  useEffect(() => {
    if (page > last) onPage(last);
  });
}

const names = { first: 'First page', previous: 'Previous page', next: 'Next page', last: 'Last page' };

/** Which part of a long list is shown, and the way to the others. */
export function Pager({ page, pageSize, total, onChange, label }: Props) {
  if (total <= pageSize) return null;
  const first = (page - 1) * pageSize + 1;
  return (
    <Group component="nav" aria-label={label} justify="space-between" gap="xs" py="xs">
      <Text size="sm" c="dimmed" className="figures" role="status">
        {formatCount(first)} to {formatCount(Math.min(page * pageSize, total))} of {formatCount(total)}
      </Text>
      <Pagination
        size="sm"
        value={page}
        total={Math.ceil(total / pageSize)}
        onChange={onChange}
        getControlProps={(control) => ({ 'aria-label': names[control] })}
        getItemProps={(item) => ({ 'aria-label': `Page ${formatCount(item)}` })}
      />
    </Group>
  );
}
