import {
  ActionIcon,
  Button,
  Group,
  Popover,
  Progress,
  Skeleton,
  Stack,
  Text,
  Tooltip,
  UnstyledButton,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { request } from '../api/graphql.ts';
import { serverNow } from '../api/serverTime.ts';
import { complain } from '../components/complain.ts';
import { CheckIcon, SyncIcon, WarningIcon } from '../components/icons.tsx';
import { useNow } from '../components/useNow.ts';
import { formatCount } from '../format/numbers.ts';
import { formatAgo, formatMoment } from '../format/times.ts';
import { findColumn } from '../records/columns.ts';
import { useOrganization } from './organization.tsx';
import {
  acceptRunDocument,
  freshnessQuery,
  requestSyncDocument,
  type Freshness,
  type Withheld,
} from './queries.ts';
import classes from './SyncStatus.module.css';

/** Returns the label of a key of a record. */
const fieldLabel = (key: string): string => findColumn(key)?.label ?? key;

/** Age from which the mirror counts as old, in milliseconds. */
const old = 30 * 60_000;

/** Freshness of the mirror, progress of the current read, and a button to sync now. */
export function SyncStatus() {
  const { organization, canAdminister, runningSync } = useOrganization();
  const { data, isError } = useQuery(freshnessQuery);
  const id = useId();
  const [isOpen, setIsOpen] = useState(false);
  const now = Math.max(useNow(), serverNow());
  const freshness = data?.organizations.find(({ id }) => id === organization.id);
  if (!freshness)
    return isError ? <span className={classes.status}>Not known</span> : <Skeleton width={170} height={14} />;
  const state = stateOf(freshness, runningSync?.rowsRead, now);
  return (
    <div className={classes.place}>
      <Popover
        id={id}
        opened={isOpen}
        onChange={setIsOpen}
        position="bottom-end"
        width={300}
        shadow="md"
        withArrow
        trapFocus
        returnFocus
      >
        <Popover.Target>
          <Tooltip label={state.exact} disabled={isOpen}>
            <UnstyledButton
              // Popover.Target would set these props, but its child is the tooltip.
              id={id}
              aria-haspopup="dialog"
              aria-expanded={isOpen}
              className={classes.status}
              data-tone={state.tone}
              onClick={() => setIsOpen(!isOpen)}
            >
              {state.tone === 'ok' && <CheckIcon size={15} />}
              {state.tone === 'busy' && <SyncIcon size={15} className={classes.turning} />}
              {['partial', 'old', 'failed'].includes(state.tone) && <WarningIcon size={15} />}
              <span className={`figures ${classes.text}`}>{state.text}</span>
            </UnstyledButton>
          </Tooltip>
        </Popover.Target>
        <Popover.Dropdown>
          <Details freshness={freshness} now={now} />
        </Popover.Dropdown>
      </Popover>
      {state.share !== undefined && (
        <Progress
          className={classes.progress}
          value={state.share * 100}
          size={3}
          aria-label="Progress of the sync"
        />
      )}
      {canAdminister && <RefreshNow isBusy={state.tone === 'busy'} />}
      {/* Announces once that the data is old; the exact age is only visible. */}
      <span className="visually-hidden" role="status">
        {state.tone === 'old' && 'The data is more than 30 minutes old.'}
        {state.tone === 'partial' && 'The last sync could not read everything.'}
        {state.tone === 'failed' &&
          (freshness.run?.withheld ? 'The last sync was withheld.' : 'The last sync failed.')}
      </span>
    </div>
  );
}

type Tone = 'ok' | 'busy' | 'partial' | 'old' | 'failed';

interface State {
  tone: Tone;
  text: string;
  exact: string;
  /** Finished share of a full read, 0 to 1. */
  share?: number | undefined;
}

function stateOf(
  { lastSyncedAt, lastRowsRead, missingColumns, rejectedFields, run }: Freshness,
  rowsRead: number | undefined,
  now: number,
): State {
  const at = lastSyncedAt === null ? undefined : Date.parse(lastSyncedAt);
  const exact = at === undefined ? 'Not synced yet' : `Last synced ${formatMoment(at)}`;
  const isRunning = rowsRead !== undefined || run?.state === 'running';
  if (isRunning) {
    const rows = rowsRead ?? run?.rowsRead ?? 0;
    // The length of an incremental run is unknown.
    const share = run?.kind === 'full' && lastRowsRead ? Math.min(rows / lastRowsRead, 1) : undefined;
    const text = share === undefined ? `${formatCount(rows)} rows` : `${Math.floor(share * 100)} %`;
    return { tone: 'busy', text: `Syncing, ${text}`, exact, share };
  }
  if (run?.state === 'queued') return { tone: 'busy', text: 'Waiting to sync', exact };
  if (run?.state === 'failed' || run?.state === 'withheld') {
    const since = at === undefined ? '' : `, data from ${formatAgo(at, now)}`;
    return { tone: 'failed', text: `Sync ${run.state}${since}`, exact };
  }
  if (at === undefined) return { tone: 'old', text: 'Not synced yet', exact };
  const isPartial = missingColumns.length + rejectedFields.length > 0;
  const tone = now - at > old ? 'old' : isPartial ? 'partial' : 'ok';
  return { tone, text: `Synced ${formatAgo(at, now)}`, exact };
}

function Details({
  freshness: { lastSyncedAt, lastRowsRead, notice, missingColumns, columnChanges, rejectedFields, run },
  now,
}: {
  freshness: Freshness;
  now: number;
}) {
  const at = lastSyncedAt === null ? undefined : Date.parse(lastSyncedAt);
  // The lists below say the same of columns and values, in words of the interface.
  const listed = [...missingColumns.map(({ alias }) => alias), ...rejectedFields.map(({ key }) => key)];
  const otherNotices = notice
    ?.split(/(?<=\.)\s+(?=[\p{Lu}\d])/u)
    .filter((sentence) => !listed.some((name) => sentence.includes(name)))
    .join(' ');
  return (
    <Stack gap={8} fz="sm">
      <Text fw={600} size="sm">
        PEMS data
      </Text>
      {at === undefined ? (
        <div>Not synced yet.</div>
      ) : (
        <div>
          Last synced {formatAgo(at, now)}
          <br />
          <Text size="xs" c="dimmed">
            {formatMoment(at)}
          </Text>
        </div>
      )}
      {at !== undefined && now - at > old && (
        <div className={classes.warning}>
          The data is more than 30 minutes old. Newer changes in PEMS aren’t shown yet.
        </div>
      )}
      {lastRowsRead !== null && <div>{formatCount(lastRowsRead)} records</div>}
      {run?.withheld && <WithheldRun runId={run.id} withheld={run.withheld} />}
      {run?.error && !run.withheld && (
        <div className={classes.failure}>
          The last sync failed: {run.error.message} {run.error.hint}
        </div>
      )}
      {otherNotices && <div className={classes.warning}>{otherNotices}</div>}
      {missingColumns.length > 0 && (
        <div className={classes.warning}>
          Columns missing in PEMS. The last values are kept:
          <ul className={classes.list}>
            {missingColumns.map(({ alias, keys, lastSeenAt }) => (
              <li key={alias}>
                {[...keys.map(fieldLabel), alias].join(', ')}: last read{' '}
                {formatAgo(Date.parse(lastSeenAt), now)}
              </li>
            ))}
          </ul>
        </div>
      )}
      {rejectedFields.length > 0 && (
        <div className={classes.warning}>
          Can’t be read, last values kept:
          <ul className={classes.list}>
            {rejectedFields.map(({ key, alias, count, samples: [sample] }) => (
              <li key={key}>
                {[fieldLabel(key), alias].filter(Boolean).join(', ')}: {formatCount(count)}
                {sample && `, as “${sample.value}” in ${sample.recordId}`}
              </li>
            ))}
          </ul>
        </div>
      )}
      {columnChanges && (
        <div>
          Columns in PEMS changed {formatAgo(Date.parse(columnChanges.at), now)}
          <ul className={classes.list}>
            {(
              [
                ['New', columnChanges.came],
                ['Gone', columnChanges.went],
                ['Another type', columnChanges.retyped],
              ] as const
            ).map(
              ([what, columns]) =>
                columns.length > 0 && (
                  <li key={what}>
                    {what}: {columns.map(({ alias }) => alias).join(', ')}
                  </li>
                ),
            )}
          </ul>
        </div>
      )}
    </Stack>
  );
}

/** Explains why the last run was withheld and what it would change, with a button to accept it. */
function WithheldRun({ runId, withheld }: { runId: number; withheld: Withheld }) {
  const { reasons, preview, acceptedAt } = withheld;
  const { organization, canAdminister } = useOrganization();
  const queryClient = useQueryClient();
  const [isSure, setIsSure] = useState(false);
  const accept = useMutation({
    mutationFn: () => request(acceptRunDocument, { organizationId: organization.id, runId: String(runId) }),
    networkMode: 'always',
    onSuccess: () => queryClient.invalidateQueries({ queryKey: freshnessQuery.queryKey }),
    onError: (thrown) => complain('The sync wasn’t accepted.', thrown),
  });
  return (
    <div className={classes.failure}>
      The last sync was withheld. Nothing changed.
      <ul className={classes.list}>
        {reasons.map(({ code, key, message }) => (
          <li key={`${code} ${key}`}>{key === null ? message : message.replaceAll(key, fieldLabel(key))}</li>
        ))}
      </ul>
      <Text size="xs">
        It would add {formatCount(preview.added)} records, change {formatCount(preview.changed)} and refuse{' '}
        {formatCount(preview.rejected)} rows; {formatCount(preview.missing)} records are missing.
      </Text>
      {preview.columns.slice(0, 5).map(({ key, changed, emptied }) => (
        <Text size="xs" key={key}>
          {fieldLabel(key)}: {formatCount(changed)} values change
          {emptied > 0 && `, ${formatCount(emptied)} become empty`}
        </Text>
      ))}
      {acceptedAt !== null ? (
        <Text size="xs">Accepted. The next full sync applies it.</Text>
      ) : (
        canAdminister && (
          <Group gap="xs" mt={6}>
            {isSure && (
              <Button size="compact-xs" variant="default" onClick={() => setIsSure(false)}>
                Cancel
              </Button>
            )}
            <Button
              size="compact-xs"
              color="red"
              variant={isSure ? 'filled' : 'light'}
              loading={accept.isPending}
              onClick={() => (isSure ? accept.mutate() : setIsSure(true))}
            >
              {isSure ? 'Apply these changes' : 'Accept…'}
            </Button>
          </Group>
        )
      )}
    </div>
  );
}

function RefreshNow({ isBusy }: { isBusy: boolean }) {
  const { organization } = useOrganization();
  const queryClient = useQueryClient();
  const refresh = useMutation({
    mutationFn: () => request(requestSyncDocument, { organizationId: organization.id }),
    // Fails immediately without a connection, because a sync that starts an hour later would surprise the user.
    networkMode: 'always',
    onSuccess: () => queryClient.invalidateQueries({ queryKey: freshnessQuery.queryKey }),
    onError: (thrown) => complain('The sync didn’t start.', thrown),
  });
  return (
    <Tooltip label="Refresh now: read PEMS again">
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label="Refresh now"
        disabled={isBusy || refresh.isPending}
        onClick={() => refresh.mutate()}
      >
        <SyncIcon size={16} />
      </ActionIcon>
    </Tooltip>
  );
}
