import { Button, Checkbox, Modal, NativeSelect, NumberInput, Skeleton, Table, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useRef, useState, type FormEvent } from 'react';
import { whenConnected } from '../../api/connection.ts';
import { hasCode, isPassing } from '../../api/errors.ts';
import { explain } from '../../components/explain.ts';
import type {
  BulkPreviewQuery,
  PfaBulkOperationInput,
  PfaSelectionInput,
} from '../../api/generated/graphql.ts';
import { query, request } from '../../api/graphql.ts';
import {
  centsOf,
  formatCount,
  formatDifference,
  formatMoney,
  formatRecords,
  ofCents,
  signOf,
  type Decimal,
} from '../../format/numbers.ts';
import { fieldOf, sortedKeys } from '../../records/FieldValue.tsx';
import { ValueField } from '../../records/ValueField.tsx';
import classes from './BulkDialog.module.css';
import type { Reading } from '../../format/reading.ts';
import { readValue, type Field } from '../../records/cells.ts';
import { findColumn, type ColumnDefinition } from '../../records/columns.ts';
import { applyBulkDocument, bulkPreviewDocument, operationsDocument } from './documents.ts';
import { asSent, type Value } from '../../records/value.ts';

interface Props {
  organizationId: number;
  selection: PfaSelectionInput;
  fields: ReadonlyMap<string, Field>;
  onClose: () => void;
  /** Keys of the visible columns, to warn about changes in hidden ones. */
  shownKeys: ReadonlySet<string>;
  onDone: (done: BulkDone) => void;
}

/** The result of a bulk operation. */
export interface BulkDone {
  changedCount: number;
  operationId: string | null | undefined;
  /** The totals that it changed. */
  costs: { label: string; difference: Decimal }[];
  /** The fields that it changed, in the order of the columns. */
  keys: string[];
}

const kinds = [
  { value: 'shift', label: 'Shift dates' },
  { value: 'duration', label: 'Change duration' },
  { value: 'reset', label: 'Reset to plan' },
  { value: 'set', label: 'Set field' },
];

const explanations: Record<string, string> = {
  shift: 'Moves both forecast dates. For records on site, moves only the actual end.',
  duration: 'Moves the forecast end, never before the start. For records on site, moves the actual end.',
  reset: 'Sets the forecast dates to the plan dates. Records on site can’t be reset.',
  set: 'Sets this value on every selected record. Leave it empty to clear the field.',
};

/** Debounce of the form, in milliseconds. */
const patience = 300;

/** Changes many records at once: choose an operation, preview its effect and cost, then apply it. */
export function BulkDialog({ organizationId, selection, fields, shownKeys, onClose, onDone }: Props) {
  const [kind, setKind] = useState('shift');
  const [days, setDays] = useState<number | string>(7);
  const [key, setKey] = useState<string>();
  const [text, setText] = useState('');
  const [leavesOut, setLeavesOut] = useState(false);
  const [isApplying, setIsApplying] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const before = useRef<string>(undefined);

  const editable = [...fields.values()].filter(({ isEditable }) => isEditable);
  const column = key === undefined ? undefined : findColumn(key);
  const reading = column && readValue(column, text, fields.get(column.key));
  const problem = kind === 'set' && reading && 'problem' in reading ? reading.problem : undefined;
  const operation = operationOf(kind, days, column, reading);
  const [asked] = useDebouncedValue(operation && JSON.stringify(operation), patience);
  const isSettled = asked === (operation && JSON.stringify(operation));
  const preview = useQuery({
    ...query(bulkPreviewDocument, {
      organizationId,
      selection,
      operation: JSON.parse(asked ?? '{}') as PfaBulkOperationInput,
    }),
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    // A cached preview is worthless after any change.
    staleTime: 0,
    gcTime: 0,
  });
  const shown = operation ? preview.data?.organization?.bulkPreview : undefined;
  const isCurrent = isSettled && !preview.isFetching && !preview.isError;
  const canApply =
    shown && isCurrent && shown.changedCount > 0 && (shown.refusedCount === 0 || leavesOut) && !isApplying;

  /** The user's newest operation; it shows whether an operation whose response was lost took effect. */
  const newestOperation = async () =>
    (await request(operationsDocument, { organizationId })).organization?.myOperations.nodes[0];

  const apply = async (event: FormEvent) => {
    event.preventDefault();
    if (!canApply || !operation) return;
    setIsApplying(true);
    setFailure(undefined);
    const effect = {
      costs: costsOf(shown).filter(({ difference }) => signOf(difference) !== 0),
      keys: changedKeysOf(shown).map(({ key }) => key),
    };
    try {
      before.current ??= (await newestOperation())?.id ?? '0';
      const { applyBulk } = await request(applyBulkDocument, {
        input: {
          ...{ organizationId, selection, operation },
          ...{ previewToken: shown.previewToken, skipRefused: leavesOut },
        },
      });
      const result = applyBulk?.result;
      onDone({ ...effect, changedCount: result?.changedCount ?? 0, operationId: result?.operationId });
    } catch (error) {
      try {
        if (isPassing(error)) await whenConnected();
        const newest = await newestOperation();
        if (newest?.kind === kind && BigInt(newest.id) > BigInt(before.current ?? newest.id)) {
          onDone({ ...effect, changedCount: newest.recordCount, operationId: newest.id });
          return;
        }
      } catch {
        // Then it is not known, and what is said below is true.
      }
      setFailure(error);
      setIsApplying(false);
      // A preview's token works once, so a retry with it never applies the change twice.
      if (!isPassing(error)) {
        before.current = undefined;
        await preview.refetch();
      }
    }
  };

  return (
    <Modal opened onClose={onClose} title="Change selected records" size="lg">
      <form className={classes.form} onSubmit={(event) => void apply(event)}>
        <NativeSelect
          data-autofocus
          label="Operation"
          description={explanations[kind]}
          data={kinds}
          value={kind}
          onChange={({ currentTarget }) => {
            setKind(currentTarget.value);
            setFailure(undefined);
          }}
        />
        {(kind === 'shift' || kind === 'duration') && (
          <NumberInput
            label="Days"
            description={kind === 'shift' ? 'Negative: earlier' : 'Negative: shorter'}
            value={days}
            onChange={setDays}
            allowDecimal={false}
            min={-3650}
            max={3650}
          />
        )}
        {kind === 'set' && (
          <div className={classes.pair}>
            <NativeSelect
              label="Field"
              data={[
                { value: '', label: 'Choose a field', disabled: true },
                ...editable.map((field) => ({
                  value: field.key,
                  label: findColumn(field.key)?.label ?? field.key,
                })),
              ]}
              value={key ?? ''}
              onChange={({ currentTarget }) => {
                setKey(currentTarget.value);
                setText('');
              }}
            />
            {key && <ValueField field={key} text={text} onChange={setText} label="Value" error={problem} />}
          </div>
        )}

        <section
          className={classes.preview}
          // Narrow screens scroll the figures sideways.
          tabIndex={0}
          aria-label="Preview"
          aria-busy={!isCurrent && operation !== undefined}
        >
          {failure !== undefined && <Failure error={failure} />}
          {preview.isError && isSettled ? (
            <p role="alert" className={classes.wrong}>
              {explain(preview.error)}{' '}
              {isPassing(preview.error) && (
                <Button size="compact-xs" variant="default" onClick={() => void preview.refetch()}>
                  Try again
                </Button>
              )}
            </p>
          ) : operation === undefined ? (
            <Text size="sm" c="dimmed">
              {kind !== 'set'
                ? 'Enter a number of days.'
                : problem
                  ? 'Correct the value to see a preview.'
                  : 'Choose a field to see a preview.'}
            </Text>
          ) : shown ? (
            <Preview preview={shown} shownKeys={shownKeys} isFaint={!isCurrent} />
          ) : (
            <Skeleton height={150} />
          )}
        </section>

        {shown && shown.refusedCount > 0 && (
          <Checkbox
            size="sm"
            label={`Leave out ${formatCount(shown.refusedCount)} that can’t be changed`}
            checked={leavesOut}
            onChange={(event) => setLeavesOut(event.currentTarget.checked)}
          />
        )}
        <div className={classes.actions}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={isApplying}
            data-disabled={!canApply || undefined}
            aria-disabled={!canApply}
          >
            {operation === undefined || (preview.isError && isSettled)
              ? 'Change'
              : !shown || !isCurrent
                ? 'Counting …'
                : shown.changedCount > 0
                  ? `Change ${formatRecords(shown.changedCount)}`
                  : 'Nothing to change'}
          </Button>
        </div>
        <Text size="xs" c="dimmed">
          The changes become drafts. Nothing is sent to PEMS until you submit. You can undo all of them in one
          step.
        </Text>
      </form>
    </Modal>
  );
}

function operationOf(
  kind: string,
  days: number | string,
  column: ColumnDefinition | undefined,
  reading: Reading<Value> | undefined,
): PfaBulkOperationInput | undefined {
  const by = typeof days === 'number' && Number.isSafeInteger(days) ? days : undefined;
  switch (kind) {
    case 'shift':
      return by === undefined ? undefined : { shiftDays: by };
    case 'duration':
      return by === undefined ? undefined : { durationDays: by };
    case 'reset':
      return { resetToPlan: true };
    default:
      if (!column || !reading || 'problem' in reading) return undefined;
      return { set: { [column.key]: asSent({ value: reading.value, isAmount: column.kind === 'money' }) } };
  }
}

type BulkPreview = NonNullable<NonNullable<BulkPreviewQuery['organization']>['bulkPreview']>;

interface Reason {
  problem: string;
  count: number;
  recordIds: string[];
}

const costKeys = [
  ['Plan', 'planCostBefore', 'planCostAfter'],
  ['Forecast', 'forecastCostBefore', 'forecastCostAfter'],
  ['Actual', 'actualCostBefore', 'actualCostAfter'],
] as const;

/** Each total with its current and its new value. */
const costsOf = (preview: BulkPreview) =>
  costKeys.map(([label, before, after]) => ({
    label,
    before: preview[before],
    after: preview[after],
    difference: ofCents(centsOf(preview[after]) - centsOf(preview[before])),
  }));

/** Fields that would change, in the order of the columns, with the number of records. */
function changedKeysOf(preview: BulkPreview): { key: string; count: number }[] {
  const counts = new Map(
    (preview.changedKeys as { key: string; count: number }[]).map(({ key, count }) => [key, count]),
  );
  return sortedKeys(Object.fromEntries(counts)).map((key) => ({ key, count: counts.get(key) ?? 0 }));
}

function Preview({
  preview,
  shownKeys,
  isFaint,
}: {
  preview: BulkPreview;
  shownKeys: ReadonlySet<string>;
  isFaint: boolean;
}) {
  const { selectedCount, changedCount, unchangedCount, refusedCount } = preview;
  const reasons = preview.reasons as Reason[];
  return (
    <div data-faint={isFaint || undefined} className={classes.result}>
      <p role="status" className={classes.counts}>
        Of {formatRecords(selectedCount)} <b>{formatCount(changedCount)} would change</b>
        {unchangedCount > 0 && <>, {formatCount(unchangedCount)} wouldn’t change</>}
        {refusedCount > 0 && <>, {formatCount(refusedCount)} can’t be changed</>}.
      </p>
      <Table withRowBorders={false} verticalSpacing={3} className="figures">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Cost</Table.Th>
            <Table.Th ta="right">Now</Table.Th>
            <Table.Th ta="right">Then</Table.Th>
            <Table.Th ta="right">Change</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {costsOf(preview).map(({ label, before, after, difference }) => (
            <Table.Tr key={label} data-cost={label}>
              <Table.Th scope="row" fw={550}>
                {label}
              </Table.Th>
              <Table.Td ta="right">{formatMoney(before)}</Table.Td>
              <Table.Td ta="right">{formatMoney(after)}</Table.Td>
              <Table.Td ta="right">{formatDifference(difference)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {changedCount > 0 && (
        <ul className={classes.reasons} aria-label="Changed fields">
          {changedKeysOf(preview).map(({ key, count }) => (
            <li key={key}>
              <b>{fieldOf(key).label}</b> in {formatRecords(count)}
              {!shownKeys.has(key) && ' (column is hidden)'}
            </li>
          ))}
        </ul>
      )}
      {reasons.length > 0 && (
        <ul className={classes.reasons}>
          {reasons.map(({ problem, count, recordIds }) => (
            <li key={problem}>
              <b>{formatCount(count)}</b> {problem}: {recordIds.slice(0, 5).join(', ')}
              {count > 5 && ' …'}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Failure({ error }: { error: unknown }) {
  return (
    <p role="alert" className={classes.wrong}>
      {hasCode(error, 'REVISION_CONFLICT')
        ? 'The selected records changed. Check the updated preview.'
        : isPassing(error)
          ? 'The response was lost. The change was probably not made. Try again. It is never applied twice.'
          : explain(error)}
    </p>
  );
}
