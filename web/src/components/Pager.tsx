import { Group, Pagination, Text } from '@mantine/core';
import { useEffect } from 'react';
import { formatCount } from '../format/numbers.ts';

interface Props {
  /** From 1. */
  page: number;
  pageSize: number;
  total: number;
  onChange: (page: number) => void;
  /** Accessible name, e.g. `Pages of changes`. */
  label: string;
}

/** Goes to the last page if the current page no longer exists; does nothing while the total is unknown. */
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

/** Shows the current page of a long list, with links to the others. */
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
