import { ActionIcon, Button, Title, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { query, request } from '../../api/graphql.ts';
import { useOrganization, useOrganizationEvents, useRefetch } from '../../app/organization.tsx';
import { useRememberedView } from '../../app/rememberedView.ts';
import { shortcutLetter } from '../../app/shortcut.ts';
import { useView } from '../../app/useView.ts';
import { complain } from '../../components/complain.ts';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorPanel } from '../../components/ErrorPanel.tsx';
import { RecordsIcon, RedoIcon, UndoIcon, WarningIcon } from '../../components/icons.tsx';
import { PanelBoundary } from '../../components/CrashPanel.tsx';
import { LeftOutOfAddress } from '../../components/LeftOutOfAddress.tsx';
import { usePageTitle } from '../../components/Page.tsx';
import { chipsOf, filterOf, noFilters, selectionOf } from '../../filter/filter.ts';
import { Chips, FilterBar } from '../../filter/Filters.tsx';
import { formatCount, formatRecords } from '../../format/numbers.ts';
import { offerUndo, tellImpossible } from '../../records/offerUndo.tsx';
import { HistoryDrawer } from '../../records/RecordHistory.tsx';
import { BulkDialog } from './BulkDialog.tsx';
import { BulkEffect, hiddenColumns } from './BulkEffect.tsx';
import {
  fieldsOf,
  orderOf,
  readColumns,
  readSort,
  writeColumns,
  writeSort,
  type Column,
  type ColumnDefinition,
} from '../../records/columns.ts';
import { savedOf } from '../../records/edits.ts';
import type { Row } from '../../records/row.ts';
import {
  discardDocument,
  operationsDocument,
  redoDocument,
  saveDocument,
  sumsDocument,
  undoDocument,
  withFields,
} from './documents.ts';
import { Grid, type GridHandle, type Position } from './Grid.tsx';
import { KeysHelp } from './KeysHelp.tsx';
import { KpiStrip } from './KpiStrip.tsx';
import { copyLater, withProgress } from './transfers.tsx';
import { copyOf, paste } from './paste.ts';
import { PasteReport, type Pasted } from './PasteReport.tsx';
import { RecordList, type ListQuery } from './recordList.ts';
import classes from './Records.module.css';
import {
  everything,
  inputOf,
  isSelected,
  nothing,
  sizeOf,
  withRecords,
  type Selection,
} from '../../records/selection.ts';
import { SelectionBar } from './SelectionBar.tsx';
import { useUnlistedValues } from '../../records/suggestions.ts';
import { ToBoard } from './ToBoard.tsx';
import { ColumnsMenu } from './Toolbar.tsx';
import { decidingFields, validateRecordsView, type RecordsView } from './view.ts';
import { explain } from '../../components/explain.ts';
import { useFields } from '../../records/useFields.ts';

/**
 * A change of at most this many rows returns them in its response; after a larger change, the visible rows are
 * reloaded.
 */
const rowsAtOnce = 100;

/** Maximum number of rows that can be selected one by one. */
const mostAtOnce = 5000;

const isAbort = (thrown: unknown) => thrown instanceof DOMException && thrown.name === 'AbortError';

const route = getRouteApi('/o/$code/records');

/** Finds, shows and edits the records of an organization. */
export function RecordsPage() {
  const { organization } = useOrganization();
  // Open and unsaved edits belong to one organization.
  return <Records key={organization.id} />;
}

function Records() {
  const { organization, canEdit, edits } = useOrganization();
  const organizationId = organization.id;
  usePageTitle('Records', organization.code);
  const { view, leftOut } = useView(route.useSearch(), validateRecordsView);
  const changeView = useRememberedView(
    { code: organization.code, page: 'records', view },
    validateRecordsView,
  );
  const columns = useMemo(() => readColumns(view.columns), [view.columns]);
  const sort = useMemo(() => readSort(view.sort), [view.sort]);
  const fields = useFields();
  const refetchFigures = useRefetch(
    'RecordSums',
    'RecordFacet',
    'WorkCounts',
    'MyOperations',
    'UnlistedValues',
  );
  const refetchOthers = useRefetch('RecordFacet', 'WorkCounts', 'MyOperations', 'UnlistedValues');
  const unlisted = useUnlistedValues();
  const { list, lists, pending, error, retry, reload } = useRecordList(organizationId, view, columns);
  useSyncExternalStore(list.subscribe, list.getVersion);
  const grid = useRef<GridHandle>(null);

  const selection = useMemo(() => selectionOf(view), [view]);
  const queryClient = useQueryClient();
  useEffect(
    () =>
      edits.attach({
        save: async (items, continues) => {
          const recordIds = items.map(({ recordId }) => recordId);
          const withRows = items.length <= rowsAtOnce;
          const { saveDrafts } = await request(withFields(saveDocument, list.query.fields), {
            ...{ input: { organizationId, items, continues: continues ?? null } },
            ...{ organizationId, selection, withRows },
            ...(withRows ? { recordIds, first: items.length } : { recordIds: [], first: 0 }),
          });
          const now = saveDrafts?.query?.organization;
          if (now)
            queryClient.setQueryData(query(sumsDocument, { organizationId, selection }).queryKey, {
              organization: { seen: now.seen, mirror: now.mirror },
            });
          if (now?.pfaRecords) list.take(now.pfaRecords.nodes.filter((row) => row !== null));
          else await list.refresh(recordIds);
          // The response of the change already contains the costs.
          refetchOthers();
          return savedOf(saveDrafts?.result);
        },
        read: (recordIds) => list.refresh(recordIds),
      }),
    [edits, list, selection, organizationId, queryClient, refetchOthers],
  );
  useSyncExternalStore(edits.subscribe, edits.getVersion);
  const isKept = edits.isKept;
  useEffect(() => {
    if (isKept) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isKept]);

  useOrganizationEvents(({ kind, revision, records, sync }) => {
    const follow = async (list: RecordList) => {
      if (kind === 'READY' && revision) await list.begin(revision);
      else if (kind === 'RESYNC') await list.catchUp();
      else if (kind === 'RECORDS') {
        await list.noteChanges((records ?? []).filter((record) => record !== null));
        list.advance(revision);
      } else if (kind === 'COMMITS') await list.catchUp();
    };
    // Ignores a failure: the subscription starts again with the connection and then requests the changes.
    for (const list of lists) follow(list).catch(() => undefined);
    if (kind !== 'SYNC' || sync?.state !== 'running') refetchFigures();
  });

  const steps = useSteps(organizationId, () => list.catchUp());
  const isEditing = useRef(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isEditing.current) return;
      if (event.target instanceof HTMLElement && event.target.matches('input, textarea, select')) return;
      const key = shortcutLetter(event);
      const step = key === 'y' || (key === 'z' && event.shiftKey) ? 'redo' : key === 'z' ? 'undo' : undefined;
      if (!step || !canEdit) return;
      event.preventDefault();
      steps.run(step);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  });

  const revert = async (row: Row, key: string) => {
    try {
      await request(discardDocument, {
        input: { organizationId, recordIds: [row.pfaId], keys: [key] },
      });
      refetchFigures();
      await list.refresh([row.pfaId]);
    } catch (thrown) {
      complain('The draft couldn’t be reverted.', thrown);
    }
  };

  const [chosen, setChosen] = useState<{ of: string; selection: Selection }>();
  // A new filter clears the selection, so that no action applies to rows out of sight.
  const filterKey = JSON.stringify(selection);
  const picked = chosen?.of === filterKey ? chosen.selection : nothing;
  const choose = (change: (before: Selection) => Selection) =>
    setChosen((before) => ({
      of: filterKey,
      selection: change(before?.of === filterKey ? before.selection : nothing),
    }));
  const pickedSize = sizeOf(picked, list.total ?? 0);
  const [isChangingMany, setIsChangingMany] = useState(false);
  const [pasted, setPasted] = useState<Pasted>();
  const [historyOf, setHistoryOf] = useState<string>();
  const focusGrid = () => grid.current?.focus();

  const selectBetween = async (first: number, last: number) => {
    if (last - first >= mostAtOnce) {
      notifications.show({
        title: `At most ${formatCount(mostAtOnce)} rows can be selected individually.`,
        message: 'Filter the list, then select all matching records.',
      });
      return;
    }
    try {
      const ids = await list.idsBetween(first, last);
      choose((before) => withRecords(before, ids, true));
    } catch (thrown) {
      complain('Some rows couldn’t be loaded.', thrown);
    }
  };

  const pasteBlock = async (text: string, from: Position) => {
    if (!canEdit || text === '') return;
    try {
      const active = list.at(from.row);
      const selected =
        active && isSelected(picked, active.pfaId) && pickedSize <= mostAtOnce
          ? await selectedIds()
          : undefined;
      const done = await withProgress('Pasting', (signal, onProgress) =>
        paste(text, from, { list, columns, fields, edits, canEdit }, { selected, signal, onProgress }),
      );
      if (done.leftOut.length > 0) setPasted(done);
      else if (done.cells > 1)
        notifications.show({
          title: `${formatCount(done.cells - done.unchanged)} of ${formatCount(done.cells)} cells have changed.`,
          message: 'They are drafts. Ctrl-Z undoes all of them.',
        });
    } catch (thrown) {
      complain('The cells couldn’t be pasted.', thrown);
    }
  };

  /** Ids of the selected records, in the order of the list. */
  const selectedIds = async (): Promise<string[]> => {
    const held = list.held().filter(({ pfaId }) => isSelected(picked, pfaId));
    if (held.length === pickedSize) return held.map(({ pfaId }) => pfaId);
    const ids = await list.idsBetween(0, (list.total ?? 1) - 1);
    return ids.filter((id) => isSelected(picked, id));
  };

  const copyAll = async () => {
    try {
      const rows = await withProgress('Copying', (signal, onProgress) =>
        list.readAll(signal, (read) => onProgress(read, list.total ?? read)),
      );
      const wanted = rows.filter(({ pfaId }) => isSelected(picked, pfaId));
      await copyLater(copyOf(wanted, columns), wanted.length);
    } catch (thrown) {
      if (!isAbort(thrown)) complain('The rows couldn’t be copied.', thrown);
    }
  };

  const copyFrom = ({ row, column }: Position): string | undefined => {
    if (pickedSize > 0) {
      const rows = list.held().filter(({ pfaId }) => isSelected(picked, pfaId));
      if (rows.length === pickedSize) return copyOf(rows, columns);
      void copyAll();
      return undefined;
    }
    const [one, wanted] = [list.at(row), columns[column]];
    return one && wanted && copyOf([one], [wanted]);
  };

  const setColumns = (next: readonly ColumnDefinition[]) => changeView({ columns: writeColumns(next) });
  const isEmpty = list.total === 0 && !pending;
  const hasFilters = chipsOf(view).length > 0;
  const failure = error ?? list.error;
  const waiting = edits.all().filter(({ state }) => state === 'waiting').length;

  return (
    <div className={classes.page}>
      <div className={classes.top}>
        <Title order={1}>Records</Title>
        <span className="figures" role="status">
          {list.total === undefined ? 'Loading …' : formatRecords(list.total)}
        </span>
        <ToBoard view={view} />
        <PanelBoundary name="The costs" resetKey={JSON.stringify(selection)}>
          <KpiStrip organizationId={organizationId} selection={selection} />
        </PanelBoundary>
      </div>
      <div className={classes.toolbar}>
        <FilterBar organizationId={organizationId} filter={view} onChange={changeView} />
        <div className={classes.tools}>
          {canEdit && (
            <>
              <Tooltip label={steps.undo ? `Undo: ${steps.undo} (Ctrl-Z)` : 'Nothing to undo'}>
                <ActionIcon
                  variant="default"
                  size="md"
                  aria-label="Undo"
                  data-disabled={!steps.undo || undefined}
                  aria-disabled={!steps.undo}
                  onClick={() => steps.run('undo')}
                >
                  <UndoIcon size={16} />
                </ActionIcon>
              </Tooltip>
              <Tooltip label={steps.redo ? `Redo: ${steps.redo} (Ctrl-Shift-Z)` : 'Nothing to redo'}>
                <ActionIcon
                  variant="default"
                  size="md"
                  aria-label="Redo"
                  data-disabled={!steps.redo || undefined}
                  aria-disabled={!steps.redo}
                  onClick={() => steps.run('redo')}
                >
                  <RedoIcon size={16} />
                </ActionIcon>
              </Tooltip>
            </>
          )}
          <KeysHelp canEdit={canEdit} />
          <ColumnsMenu view={view} onChange={changeView} />
        </div>
      </div>
      <Chips filter={view} onChange={changeView} />
      <LeftOutOfAddress leftOut={leftOut} onDismiss={() => changeView({})} />
      {failure && list.total !== undefined && (
        <div className={classes.bar} data-tone="error" role="alert">
          <WarningIcon />
          <span>Some records couldn’t be loaded: {explain(failure)}</span>
          <Button size="compact-xs" onClick={retry}>
            Try again
          </Button>
        </div>
      )}
      {waiting > 0 && (
        <div className={classes.bar} data-tone="warning" role="status">
          <WarningIcon />
          {waiting === 1 ? '1 change is' : `${formatCount(waiting)} changes are`} not saved yet. The app sends{' '}
          {waiting === 1 ? 'it' : 'them'} when the server is back
          {isKept ? ', even after a reload.' : '. Keep this page open.'}
        </div>
      )}
      {list.isOutdated && (
        <div className={classes.bar} role="status">
          <span>Records changed. The list may no longer match its filters and order.</span>
          <Button size="compact-xs" variant="default" onClick={reload}>
            Refresh list
          </Button>
        </div>
      )}
      {failure && list.total === undefined ? (
        <ErrorPanel title="The records couldn’t be loaded." error={failure} onRetry={retry} />
      ) : isEmpty ? (
        <EmptyState
          icon={RecordsIcon}
          title={hasFilters ? 'No records match.' : 'No records yet'}
          action={
            hasFilters && (
              <Button size="xs" onClick={() => changeView({ ...noFilters, discontinued: undefined })}>
                Clear filters
              </Button>
            )
          }
        >
          {hasFilters
            ? 'Remove some or all filters.'
            : 'Records appear with the first sync. Its progress is shown above.'}
        </EmptyState>
      ) : (
        <div className={classes.grid}>
          <PanelBoundary name="The list" resetKey={JSON.stringify(view)}>
            <Grid
              ref={grid}
              list={list}
              columns={columns}
              fields={fields}
              edits={edits}
              unlisted={unlisted}
              canEdit={canEdit}
              isBusy={pending}
              sort={sort}
              onSort={(key) =>
                changeView({
                  sort: writeSort({ key, isDescending: sort.key === key && !sort.isDescending }),
                })
              }
              onResize={(key, width) =>
                setColumns(columns.map((one) => (one.key === key ? { ...one, width } : one)))
              }
              onMove={(key, by) => {
                const next = [...columns];
                const from = next.findIndex((one) => one.key === key);
                next.splice(from + by, 0, ...next.splice(from, 1));
                setColumns(next);
              }}
              onRevert={(row, key) => void revert(row, key)}
              selection={picked}
              onSelect={choose}
              onSelectBetween={(first, last) => void selectBetween(first, last)}
              onHistory={setHistoryOf}
              onPaste={(text, from) => void pasteBlock(text, from)}
              onCopy={copyFrom}
              onEditing={(value) => (isEditing.current = value)}
            />
          </PanelBoundary>
          {pickedSize > 0 && (
            <SelectionBar
              size={pickedSize}
              total={list.total ?? 0}
              onAll={() => {
                choose(() => everything);
                focusGrid();
              }}
              onChange={() => setIsChangingMany(true)}
              onClear={() => {
                choose(() => nothing);
                focusGrid();
              }}
            />
          )}
        </div>
      )}
      {isChangingMany && (
        <BulkDialog
          organizationId={organizationId}
          selection={inputOf(picked, view)}
          fields={fields}
          shownKeys={new Set(columns.map(({ key }) => key))}
          onClose={() => setIsChangingMany(false)}
          onDone={({ changedCount, operationId, costs, keys }) => {
            setIsChangingMany(false);
            const hidden = hiddenColumns(keys, columns);
            const readAgain = () => {
              refetchFigures();
              list
                .catchUp()
                .catch((thrown: unknown) => complain('The records couldn’t be reloaded.', thrown));
            };
            readAgain();
            offerUndo({
              ...{ organizationId, operationId, onUndone: readAgain },
              title: `${formatCount(changedCount)} ${changedCount === 1 ? 'record has' : 'records have'} changed.`,
              message: <BulkEffect costs={costs} keys={keys} />,
              ...(hidden.length > 0
                ? {
                    action: {
                      label: `Show ${hidden.map(({ label }) => label).join(', ')}`,
                      run: () => setColumns([...columns, ...hidden]),
                    },
                  }
                : {}),
            });
          }}
        />
      )}
      <HistoryDrawer
        organizationId={organizationId}
        pfaId={historyOf}
        onClose={() => {
          setHistoryOf(undefined);
          focusGrid();
        }}
      />
      {pasted && (
        <PasteReport
          pasted={pasted}
          onClose={() => setPasted(undefined)}
          onUndo={() => {
            setPasted(undefined);
            steps.run('undo');
          }}
        />
      )}
    </div>
  );
}

/** Returns the list for the view; the previous list stays until the first page has arrived. */
function useRecordList(organizationId: number, view: RecordsView, columns: readonly Column[]) {
  const [generation, setGeneration] = useState(0);
  const { columns: _, ...narrowed } = view;
  const rows = JSON.stringify(narrowed);
  const shownFields = [...fieldsOf(columns)].sort().join();
  const wanted = useMemo<ListQuery>(() => {
    const narrowed = JSON.parse(rows) as RecordsView;
    const order = readSort(narrowed.sort);
    return {
      organizationId,
      filter: filterOf(narrowed),
      search: narrowed.q,
      orderBy: orderOf(order),
      fields: new Set(shownFields.split(',')),
      rows,
      deciding: decidingFields(narrowed, order.key),
    };
  }, [organizationId, rows, shownFields]);
  const made = useMemo(() => ({ list: new RecordList(wanted), generation }), [wanted, generation]);
  const next = made.list;
  const [shown, setShown] = useState(next);
  useSyncExternalStore(next.subscribe, next.getVersion);
  if (shown !== next && next.total !== undefined) setShown(next);
  const before = useRef(next);
  useEffect(() => {
    // Keeps the same rows visible when the columns change.
    const { first, last } =
      before.current.query.rows === next.query.rows ? before.current.seen : { first: 0, last: 0 };
    before.current = next;
    next.show(first, Math.max(last, first + 40));
    return () => next.stop();
  }, [next]);
  const isPending = shown !== next;
  return {
    list: shown,
    /** Lists that must receive changes: the visible one, and the one loading to replace it. */
    lists: isPending ? [shown, next] : [shown],
    pending: isPending && next.error === undefined,
    error: isPending ? next.error : undefined,
    retry: () => (isPending ? next : shown).retry(),
    reload: () => setGeneration((before) => before + 1),
  };
}

const names: Record<string, string> = {
  save: 'a change',
  shift: 'a shift of dates',
  duration: 'a change of duration',
  reset: 'a reset to plan',
  set: 'a bulk change',
  discard: 'discarding',
  resolve: 'resolving a problem',
};

/** Undo and redo of the user's operations in this organization, including those of other tabs and before a reload. */
function useSteps(organizationId: number, onDone: () => Promise<void>) {
  const queryClient = useQueryClient();
  const options = query(operationsDocument, { organizationId });
  const { data } = useQuery(options);
  const refetchFigures = useRefetch(
    'RecordSums',
    'RecordFacet',
    'WorkCounts',
    'MyOperations',
    'UnlistedValues',
  );
  const isRunning = useRef(false);
  const operations = (data?.organization?.myOperations.nodes ?? []).filter((one) => one !== null);
  const undone = operations.findLast(({ undoneAt }) => undoneAt !== null);
  const done = operations.find(({ undoneAt }) => undoneAt === null);
  const describe = (one: typeof done) =>
    one && `${names[one.kind] ?? one.kind}, ${formatRecords(one.recordCount)}`;
  const run = (step: 'undo' | 'redo') => {
    if (isRunning.current) return;
    isRunning.current = true;
    const doIt = async () => {
      // The cached operation may be outdated by a new change, or by another tab.
      const fresh = await queryClient.fetchQuery({ ...options, staleTime: 0 });
      const list = (fresh.organization?.myOperations.nodes ?? []).filter((one) => one !== null);
      if (!list.some(({ undoneAt }) => (undoneAt === null) === (step === 'undo'))) return;
      const answer =
        step === 'undo'
          ? (await request(undoDocument, { organizationId })).undoDraft?.result
          : (await request(redoDocument, { organizationId })).redoDraft?.result;
      tellImpossible(
        step === 'undo' ? 'Some values couldn’t be undone.' : 'Some values couldn’t be redone.',
        answer?.impossible,
      );
    };
    doIt()
      .catch((thrown: unknown) =>
        complain(
          step === 'undo' ? 'The change couldn’t be undone.' : 'The change couldn’t be redone.',
          thrown,
        ),
      )
      .then(() => {
        // The next step does not wait for the reload of the list.
        isRunning.current = false;
        refetchFigures();
        return onDone();
      })
      .catch((thrown: unknown) => complain('The records couldn’t be reloaded.', thrown));
  };
  return { undo: describe(done), redo: describe(undone), run };
}
