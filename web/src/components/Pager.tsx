import { Group, Pagination, Text } from '@mantine/core';
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

const names = { first: 'First page', previous: 'Page before', next: 'Next page', last: 'Last page' };

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
