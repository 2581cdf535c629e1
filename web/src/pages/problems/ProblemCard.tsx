import { ActionIcon, Button, Checkbox, Group, Tooltip } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { asApiError, hasCode, type ApiError } from '../../api/errors.ts';
import type { PfaResolutionInput } from '../../api/generated/graphql.ts';
import { useOrganization } from '../../app/organization.tsx';
import { HistoryIcon, WarningIcon } from '../../components/icons.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { formatToEdit, readValue } from '../../records/cells.ts';
import { asSent, asValue, type Value } from '../../records/value.ts';
import { fieldOf, FieldValue } from '../../records/FieldValue.tsx';
import { recordSearch } from '../../records/recordSearch.ts';
import { ValueField } from '../../records/ValueField.tsx';
import { explanations, type Problem, type ProblemRecord } from './problems.ts';
import classes from './Problems.module.css';
import { explain } from '../../components/explain.ts';
import { useFields } from '../../records/useFields.ts';

interface Props {
  record: ProblemRecord;
  isSelected: (key: string) => boolean;
  onSelect: (key: string) => void;
  onHistory: () => void;
  /** Resolves to the error, if any. */
  resolve: (resolution: PfaResolutionInput) => Promise<ApiError | undefined>;
}

/** A record with the problems of its draft, value by value. */
export function ProblemCard({ record, isSelected, onSelect, onHistory, resolve }: Props) {
  const { organization } = useOrganization();
  const { pfaId, revision, problems } = record;
  return (
    <li className={classes.card} aria-label={pfaId}>
      <div className={classes.head}>
        <PageLink
          to="/o/$code/records"
          params={{ code: organization.code }}
          search={recordSearch(pfaId)}
          className={classes.record}
        >
          {pfaId}
        </PageLink>
        <Tooltip label="History">
          <ActionIcon variant="subtle" color="gray" aria-label={`History of ${pfaId}`} onClick={onHistory}>
            <HistoryIcon size={16} />
          </ActionIcon>
        </Tooltip>
      </div>
      {problems.map((problem) => (
        <ProblemRow
          key={problem.key}
          pfaId={pfaId}
          problem={problem}
          isSelected={isSelected(problem.key)}
          onSelect={() => onSelect(problem.key)}
          resolve={(choice, value) =>
            resolve({
              recordId: pfaId,
              revision,
              choice,
              keys: [problem.key],
              ...(choice === 'value' ? { value } : {}),
            })
          }
        />
      ))}
    </li>
  );
}

function ProblemRow({
  pfaId,
  problem,
  isSelected,
  onSelect,
  resolve,
}: {
  pfaId: string;
  problem: Problem;
  isSelected: boolean;
  onSelect: () => void;
  resolve: (choice: 'mine' | 'theirs' | 'value', value?: Value | number) => Promise<ApiError | undefined>;
}) {
  const { canEdit } = useOrganization();
  const { key, kind, base, theirs, mine, message } = problem;
  const field = fieldOf(key);
  const fields = useFields();
  const { title, what, todo } = explanations[kind] ?? { title: kind, what: '', todo: '' };
  const [text, setText] = useState<string>();
  const [refusal, setRefusal] = useState<ApiError>();
  const [unreadable, setUnreadable] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const isGone = kind === 'removed';

  const decide = async (choice: 'mine' | 'theirs' | 'value', value?: Value | number) => {
    setIsBusy(true);
    const refused = await resolve(choice, value);
    setIsBusy(false);
    setRefusal(refused && asApiError(refused));
    if (!refused) setText(undefined);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const reading = readValue(field, text ?? '', fields.get(key));
    setUnreadable('problem' in reading ? reading.problem : undefined);
    if ('value' in reading)
      void decide('value', asSent({ value: reading.value, isAmount: field.kind === 'money' }));
  };
  return (
    <div className={classes.problem} data-key={key} role="group" aria-label={`${field.label} of ${pfaId}`}>
      <div className={classes.what}>
        {canEdit && (
          <Checkbox
            size="sm"
            checked={isSelected}
            onChange={onSelect}
            aria-label={`Select ${field.label} of ${pfaId}`}
          />
        )}
        <div>
          <b>{field.label}</b>{' '}
          <span className={classes.kind}>
            <WarningIcon size={13} /> {title}
          </span>
          <p className={classes.words}>
            {message ?? what} {todo}
          </p>
        </div>
      </div>
      <dl className={classes.sides}>
        <div data-side="base">
          <dt>It was</dt>
          <dd>
            <FieldValue field={key} value={base} />
          </dd>
        </div>
        <div data-side="theirs">
          <dt>Now</dt>
          <dd>{isGone ? 'gone' : <FieldValue field={key} value={theirs} />}</dd>
        </div>
        <div data-side="mine">
          <dt>Mine</dt>
          <dd>
            <FieldValue field={key} value={mine} />
          </dd>
        </div>
      </dl>
      {canEdit && (
        <div className={classes.decide}>
          {text === undefined ? (
            <Group gap={6}>
              <Button
                size="compact-sm"
                variant="default"
                disabled={isBusy}
                onClick={() => void decide('theirs')}
              >
                {isGone ? 'Discard mine' : 'Take theirs'}
              </Button>
              {!isGone && (
                <>
                  <Button
                    size="compact-sm"
                    variant="default"
                    disabled={isBusy}
                    onClick={() => void decide('mine')}
                  >
                    Keep mine
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    disabled={isBusy}
                    onClick={() => {
                      setRefusal(undefined);
                      setText(formatToEdit(field, asValue(mine)));
                    }}
                  >
                    Another value
                  </Button>
                </>
              )}
            </Group>
          ) : (
            <form onSubmit={onSubmit} className={classes.third}>
              <ValueField
                field={key}
                text={text}
                onChange={setText}
                label={`Another ${field.label.toLowerCase()}`}
                error={unreadable ?? (refusal && !isMoved(refusal) ? explain(refusal) : undefined)}
              />
              <Group gap={6}>
                <Button type="submit" size="compact-sm" loading={isBusy}>
                  Use this value
                </Button>
                <Button
                  size="compact-sm"
                  variant="default"
                  onClick={() => {
                    setText(undefined);
                    setRefusal(undefined);
                  }}
                >
                  Cancel
                </Button>
              </Group>
            </form>
          )}
          {refusal && (text === undefined || isMoved(refusal)) && (
            <p className={classes.refusal} role="alert">
              {isMoved(refusal)
                ? 'The record changed since you opened it, so nothing was saved. Check the values again.'
                : explain(refusal)}
            </p>
          )}
        </div>
      )}
    </div>
  );
}

const isMoved = (error: ApiError) => hasCode(error, 'REVISION_CONFLICT');
