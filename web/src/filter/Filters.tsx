import { Button, Checkbox, Loader, Popover, ScrollArea, Text, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { explain } from '../components/explain.ts';
import { graphql, query } from '../api/graphql.ts';
import { ChevronIcon, CloseIcon, SearchIcon } from '../components/icons.tsx';
import { datePattern, formatDateToEdit } from '../format/dates.ts';
import { formatCount, formatDecimalToEdit, type Decimal } from '../format/numbers.ts';
import { readAmount } from '../format/readAmount.ts';
import { readDate } from '../format/readDate.ts';
import type { Reading } from '../format/reading.ts';
import {
  chipsOf,
  dimensionNames,
  dimensions,
  flagNames,
  flags,
  isFilterAmount,
  nameOfValue,
  noFilters,
  ranges,
  selectionOf,
  type Dimension,
  type Filter,
} from './filter.ts';
import classes from './Filters.module.css';

const facetDocument = graphql(`
  query RecordFacet($organizationId: Int!, $selection: PfaSelectionInput, $groupBy: PfaDimension!) {
    organization(id: $organizationId) {
      sums(selection: $selection, groupBy: $groupBy, first: 1000) {
        nodes {
          groupValue
          recordCount
        }
      }
    }
  }
`);

interface Props {
  organizationId: number;
  filter: Filter;
  onChange: (changes: Partial<Filter>) => void;
  /** False on pages that never show discontinued records. */
  withDiscontinued?: boolean;
}

/** All filters: a text search, and choices with their counts. */
export function FilterBar(props: Props) {
  return (
    <div className={classes.filters} role="search" aria-label="Filters">
      <SearchField {...props} />
      <FilterButtons {...props} />
    </div>
  );
}

/** Debounce of the search field, in milliseconds. */
const patience = 250;

function SearchField({ filter, onChange }: Pick<Props, 'filter' | 'onChange'>) {
  const given = filter.q ?? '';
  const [text, setText] = useState(given);
  const [followed, setFollowed] = useState(given);
  // The search text was removed elsewhere: by a chip, or in the address.
  if (followed !== given) {
    setFollowed(given);
    setText(given);
  }
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (text.trim() === given.trim()) return;
    const timer = setTimeout(() => latest.current({ q: text.trim() || undefined }), patience);
    return () => clearTimeout(timer);
  }, [text, given]);
  return (
    <TextInput
      type="search"
      size="xs"
      className={classes.search}
      aria-label="Search records"
      placeholder="Search ID, category, model, contract…"
      leftSection={<SearchIcon size={15} />}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}

function FilterButtons({ organizationId, filter, onChange, withDiscontinued = true }: Props) {
  const flagCount = (filter.flags?.length ?? 0) + (filter.discontinued ? 1 : 0);
  const rangeCount = [
    filter.startFrom ?? filter.startTo,
    filter.endFrom ?? filter.endTo,
    filter.costFrom ?? filter.costTo,
  ].filter((value) => value !== undefined).length;
  return (
    <>
      {dimensionNames.map((name) => (
        <Dropdown key={name} label={dimensions[name]} count={filter[name]?.length ?? 0}>
          <Facet organizationId={organizationId} filter={filter} onChange={onChange} name={name} />
        </Dropdown>
      ))}
      <Dropdown label="Status" count={flagCount}>
        <div className={classes.choices}>
          {flagNames.map((flag) => (
            <Checkbox
              key={flag}
              size="xs"
              label={flags[flag][0]}
              checked={filter.flags?.includes(flag) ?? false}
              onChange={() => onChange({ flags: toggled(filter.flags, flag) })}
            />
          ))}
          {withDiscontinued && (
            <Checkbox
              size="xs"
              label="Include discontinued records"
              checked={filter.discontinued ?? false}
              onChange={() => onChange({ discontinued: filter.discontinued ? undefined : true })}
            />
          )}
        </div>
      </Dropdown>
      <Dropdown label="Dates and cost" count={rangeCount}>
        <Ranges filter={filter} onChange={onChange} />
      </Dropdown>
    </>
  );
}

const toggled = <T,>(list: readonly T[] | undefined, value: T): T[] | undefined => {
  const next = list?.includes(value) ? list.filter((one) => one !== value) : [...(list ?? []), value];
  return next.length > 0 ? next : undefined;
};

function Dropdown({ label, count, children }: { label: string; count: number; children: ReactNode }) {
  return (
    <Popover width={280} position="bottom-start" shadow="md" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Button
          size="xs"
          variant={count > 0 ? 'light' : 'default'}
          rightSection={<ChevronIcon size={14} />}
          className={classes.filterButton}
        >
          {label}
          {count > 0 && <span className="figures">&nbsp;({count})</span>}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>{children}</Popover.Dropdown>
    </Popover>
  );
}

/** A filter's choices, each with the number of records under all other filters. */
function Facet({ organizationId, filter, onChange, name }: Props & { name: Dimension }) {
  const [text, setText] = useState('');
  const { data, error, isPending } = useQuery({
    ...query(facetDocument, { organizationId, selection: selectionOf(filter, name), groupBy: name }),
    placeholderData: keepPreviousData,
  });
  const counts = new Map<string, string>();
  for (const group of data?.organization?.sums.nodes ?? [])
    if (group) counts.set(group.groupValue ?? '', group.recordCount ?? '0');
  // Selected choices stay visible, even with no matching records.
  for (const value of filter[name] ?? []) if (!counts.has(value)) counts.set(value, '0');
  const shown = [...counts].filter(([value]) =>
    nameOfValue(value).toLowerCase().includes(text.trim().toLowerCase()),
  );
  return (
    <div className={classes.facet}>
      {counts.size > 8 && (
        <TextInput
          size="xs"
          data-autofocus
          aria-label={`Search ${dimensions[name]}`}
          placeholder="Search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      {isPending && <Loader size="xs" />}
      {error && !data && <Text size="xs">{explain(error)}</Text>}
      <ScrollArea.Autosize mah={300} type="auto">
        <div className={classes.choices}>
          {shown.map(([value, count]) => (
            <Checkbox
              key={value}
              size="xs"
              label={
                <span className={classes.choice}>
                  <span>{nameOfValue(value)}</span> <span className="figures">{formatCount(count)}</span>
                </span>
              }
              checked={filter[name]?.includes(value) ?? false}
              onChange={() => onChange({ [name]: toggled(filter[name], value) })}
            />
          ))}
          {data && shown.length === 0 && <Text size="xs">No matches.</Text>}
        </div>
      </ScrollArea.Autosize>
      <Text size="xs" c="dimmed">
        Discontinued records aren’t counted.
      </Text>
    </div>
  );
}

function Ranges({ filter, onChange }: Pick<Props, 'filter' | 'onChange'>) {
  return (
    <div className={classes.ranges}>
      {(['start', 'end', 'cost'] as const).map((name) => {
        const [label, ...ends] = ranges[name];
        return (
          <fieldset key={name} className={classes.range}>
            <legend>{label}</legend>
            {ends.map((key, i) => (
              <RangeEnd
                key={key}
                label={`${label} ${i === 0 ? 'from' : 'to'}`}
                placeholder={`${i === 0 ? 'from' : 'to'} ${name === 'cost' ? '$' : datePattern()}`}
                isAmount={name === 'cost'}
                value={filter[key]}
                onChange={(value) => onChange({ [key]: value })}
              />
            ))}
          </fieldset>
        );
      })}
    </div>
  );
}

interface RangeEndProps {
  label: string;
  placeholder: string;
  isAmount: boolean;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** Costs are compared to the cent. */
function readFilterAmount(text: string): Reading<Decimal> {
  const reading = readAmount(text);
  return 'problem' in reading || isFilterAmount(reading.value)
    ? reading
    : { problem: 'Enter an amount with at most two decimals.' };
}

function RangeEnd({ label, placeholder, isAmount, value, onChange }: RangeEndProps) {
  const write = isAmount ? formatDecimalToEdit : formatDateToEdit;
  const [text, setText] = useState(value === undefined ? '' : write(value));
  const [problem, setProblem] = useState<string>();
  const take = () => {
    const reading =
      text.trim() === '' ? { value: undefined } : isAmount ? readFilterAmount(text) : readDate(text);
    setProblem('problem' in reading ? reading.problem : undefined);
    if ('value' in reading) onChange(reading.value);
  };
  return (
    <TextInput
      size="xs"
      aria-label={label}
      placeholder={placeholder}
      error={problem}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === 'Enter' && take()}
    />
  );
}

/** The active filters, each with a button that removes it. */
export function Chips({ filter, onChange }: Pick<Props, 'filter' | 'onChange'>) {
  const chips = chipsOf(filter);
  if (chips.length === 0) return null;
  return (
    <ul className={classes.chips} aria-label="Active filters">
      {chips.map(({ key, label, without }) => (
        <li key={key} className={classes.chip}>
          <span>{label}</span>
          <button type="button" aria-label={`Remove filter ${label}`} onClick={() => onChange(without)}>
            <CloseIcon size={12} />
          </button>
        </li>
      ))}
      <li>
        <Button size="compact-xs" variant="subtle" onClick={() => onChange(noFilters)}>
          Clear filters
        </Button>
      </li>
    </ul>
  );
}
