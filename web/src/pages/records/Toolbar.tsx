import { ActionIcon, Button, Checkbox, Popover, ScrollArea, Tooltip } from '@mantine/core';
import { ColumnsIcon, OverIcon, UnderIcon } from '../../components/icons.tsx';
import { allColumns, readColumns, writeColumns } from '../../records/columns.ts';
import classes from './Records.module.css';
import type { RecordsView } from './view.ts';

interface Props {
  view: RecordsView;
  onChange: (changes: Partial<RecordsView>) => void;
}

/** Shows, hides and moves columns; headings resize them. */
export function ColumnsMenu({ view, onChange }: Props) {
  const columns = readColumns(view.columns);
  const hidden = allColumns.filter(({ key }) => !columns.some((one) => one.key === key));
  const change = (next: typeof columns) => onChange({ columns: writeColumns(next) });
  const move = (from: number, by: number) => {
    const next = [...columns];
    next.splice(from + by, 0, ...next.splice(from, 1));
    change(next);
  };
  return (
    <Popover width={300} position="bottom-end" shadow="md" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Tooltip label="Columns">
          <ActionIcon variant="default" size="md" aria-label="Columns">
            <ColumnsIcon size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label="Columns">
        <ScrollArea.Autosize mah={420} type="auto">
          <ul className={classes.columns}>
            {columns.map((column, i) => (
              <li key={column.key}>
                <Checkbox
                  size="xs"
                  label={column.label}
                  checked
                  // The id column always stays.
                  disabled={i === 0}
                  onChange={() => change(columns.filter((one) => one !== column))}
                />
                {i > 0 && (
                  <span>
                    <ActionIcon
                      size="sm"
                      variant="subtle"
                      color="gray"
                      aria-label={`Move ${column.label} to the left`}
                      disabled={i === 1}
                      onClick={() => move(i, -1)}
                    >
                      <OverIcon size={13} />
                    </ActionIcon>
                    <ActionIcon
                      size="sm"
                      variant="subtle"
                      color="gray"
                      aria-label={`Move ${column.label} to the right`}
                      disabled={i === columns.length - 1}
                      onClick={() => move(i, 1)}
                    >
                      <UnderIcon size={13} />
                    </ActionIcon>
                  </span>
                )}
              </li>
            ))}
            {hidden.map((column) => (
              <li key={column.key}>
                <Checkbox
                  size="xs"
                  label={column.label}
                  checked={false}
                  onChange={() => change([...columns, { ...column, left: 0 }])}
                />
              </li>
            ))}
          </ul>
        </ScrollArea.Autosize>
        <Button
          mt={8}
          size="compact-xs"
          variant="subtle"
          disabled={view.columns === undefined}
          onClick={() => onChange({ columns: undefined })}
        >
          Reset columns
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
