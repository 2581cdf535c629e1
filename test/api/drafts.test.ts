import { describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, putRecords, type Json } from '../support/make.ts';
import { makePerson, testApi } from './server.ts';

// A day with drafts, through the GraphQL API.

const db = await testDatabase();
const api = await testApi(db);

/** A project with forty rentals in two areas, and two signed-in users. */
async function project() {
  const org = await makeOrganization(db);
  const [author, colleague] = [`author of ${org.code}`, `colleague of ${org.code}`];
  await makePerson(db, author, [[org, 'member']]);
  await makePerson(db, colleague, [[org, 'member']]);
  await putRecords(
    db,
    org,
    Array.from({ length: 40 }, (_, i) => ({
      pfaId: `r${String(i).padStart(2, '0')}`,
      areaSilo: i < 30 ? 'Silo 4' : 'Silo 5',
      category: i % 2 ? 'Cranes' : 'Pumps',
      source: 'Rental',
      monthlyRate: 3044,
      originalStart: '2026-01-01',
      originalEnd: '2026-01-31',
      forecastStart: '2026-03-01',
      forecastEnd: '2026-03-31',
    })),
  );
  const [mine, theirs] = [await api.token(author), await api.token(colleague)];
  const mutate = async <T>(name: string, input: object, fields: string, token = mine): Promise<T> => {
    const answer = await api.data<Record<string, { result: T }>>(
      token,
      `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { result { ${fields} } } }`,
      { input: { organizationId: org.id, ...input } },
    );
    return answer[name]!.result;
  };
  const read = async <T>(fields: string, token = mine, variables: object = {}, declared = ''): Promise<T> =>
    (
      await api.data<{ organization: T }>(
        token,
        `query ($id: Int! ${declared}) { organization(id: $id) { ${fields} } }`,
        {
          id: org.id,
          ...variables,
        },
      )
    ).organization;
  return { org, mine, theirs, mutate, read };
}

const storm = {
  selection: {
    filter: {
      areaSilo: { equalTo: 'Silo 4' },
      or: [{ category: { equalTo: 'Cranes' } }, { category: { in: ['Pumps'] } }],
    },
  },
  operation: { shiftDays: 14 },
};

interface Preview {
  selectedCount: number;
  changedCount: number;
  forecastCostBefore: string;
  forecastCostAfter: string;
  previewToken: string;
}

test('planned values have names, and a drafted rate creates a variance', async () => {
  const { org, mutate, read } = await project();
  await putRecords(db, org, [
    {
      pfaId: 'planned',
      ...{ originalCategory: 'Cranes', originalClass: '100 t', originalSource: 'Rental', originalDor: 'BEO' },
      ...{ originalMonthlyRate: 3044, originalPurchasePrice: 9.5, originalStart: '2026-01-01' },
      ...{ originalEnd: '2026-01-31', forecastStart: '2026-01-01', forecastEnd: '2026-01-31' },
      ...{ source: 'Rental', monthlyRate: 3044 },
    },
  ]);
  const seen = async () =>
    (
      await read<{ record: { nodes: { revision: string }[] } }>(
        `record: pfaRecords(filter: { pfaId: { equalTo: "planned" } }, first: 1) { nodes { revision originalCategory originalClass
          originalSource originalDor originalMonthlyRate originalPurchasePrice planCost forecastCost variance } }`,
      )
    ).record.nodes[0]!;
  const before = await seen();
  expect(before).toMatchObject({
    ...{ originalCategory: 'Cranes', originalClass: '100 t', originalSource: 'Rental', originalDor: 'BEO' },
    ...{ originalMonthlyRate: '3044', originalPurchasePrice: '9.5' },
    ...{ planCost: '3000.00', forecastCost: '3000.00', variance: '0.00' },
  });
  await mutate(
    'saveDrafts',
    { items: [{ recordId: 'planned', changes: { monthlyRate: 4566 }, revision: before.revision }] },
    'changedCount',
  );
  expect(await seen()).toMatchObject({ planCost: '3000.00', forecastCost: '4500.00', variance: '1500.00' });
});

describe('a storm closes Silo 4', () => {
  test('preview, shift, undo, redo and submit, and the view of another member', async () => {
    const { mutate, read, theirs } = await project();
    const { bulkPreview: preview } = await read<{ bulkPreview: Preview }>(
      `bulkPreview(selection: $selection, operation: $operation) {
        selectedCount changedCount forecastCostBefore forecastCostAfter previewToken }`,
      undefined,
      storm,
      '$selection: PfaSelectionInput!, $operation: PfaBulkOperationInput!',
    );
    expect(preview).toMatchObject({ selectedCount: 30, changedCount: 30, forecastCostBefore: '90000.00' });

    const applied = await mutate<{ operationId: string; changedCount: number; refused: Json[] }>(
      'applyBulk',
      { ...storm, previewToken: preview.previewToken },
      'operationId changedCount refused',
    );
    expect(applied).toMatchObject({ changedCount: 30, refused: [] });
    const drafts = () =>
      read<{ myDrafts: { totalCount: number; nodes: object[] } }>(
        'myDrafts(first: 1, orderBy: PFA_ID_ASC) { totalCount nodes { pfaId base delta current problems forecastCostChange record { forecastStart } } }',
      );
    expect((await drafts()).myDrafts).toEqual({
      totalCount: 30,
      nodes: [
        {
          pfaId: 'r00',
          base: { forecastStart: '2026-03-01', forecastEnd: '2026-03-31' },
          delta: { forecastStart: '2026-03-15', forecastEnd: '2026-04-14' },
          current: { forecastStart: '2026-03-01', forecastEnd: '2026-03-31' },
          problems: {},
          forecastCostChange: '0.00',
          record: { forecastStart: '2026-03-15' },
        },
      ],
    });

    expect(
      await mutate(
        'undoDraft',
        { operationId: applied.operationId },
        'operationId kind changedCount impossible',
      ),
    ).toEqual({
      ...{ operationId: applied.operationId, kind: 'shift', changedCount: 30, impossible: [] },
    });
    expect((await drafts()).myDrafts.totalCount).toBe(0);
    expect(await read('myOperations { nodes { kind recordCount undoneAt } }')).toMatchObject({
      myOperations: { nodes: [{ kind: 'shift', recordCount: 30, undoneAt: expect.any(String) as string }] },
    });
    await mutate('redoDraft', {}, 'changedCount');

    const committed = await mutate(
      'commitDrafts',
      { selection: storm.selection, comment: 'Storm' },
      'recordCount keyCount refused',
    );
    expect(committed).toEqual({ recordCount: 30, keyCount: 60, refused: [] });
    const seen = await read(
      `pfaRecords(first: 1, orderBy: PFA_ID_ASC) { nodes { forecastStart isPending } }
      commits(first: 1) { totalCount nodes { state comment isMine username delta record { pfaId } } }
      changes(first: 1, recordId: "r00", key: "forecastEnd") { nodes { route username changes } }`,
      theirs,
    );
    expect(seen).toMatchObject({
      pfaRecords: { nodes: [{ forecastStart: '2026-03-15', isPending: true }] },
      commits: { totalCount: 30, nodes: [{ state: 'committed', comment: 'Storm', isMine: false }] },
      changes: {
        nodes: [
          {
            route: 'commit',
            changes: {
              forecastStart: { from: '2026-03-01', to: '2026-03-15' },
              forecastEnd: { from: '2026-03-31', to: '2026-04-14' },
            },
          },
        ],
      },
    });
    expect(await mutate('withdrawCommits', {}, 'recordCount refused')).toEqual({
      recordCount: 30,
      refused: [],
    });
    expect((await drafts()).myDrafts.totalCount).toBe(30);
  });

  test('totals of one selection, with and without drafts, by area and by month', async () => {
    const { mutate, read } = await project();
    await mutate(
      'applyBulk',
      { selection: storm.selection, operation: { durationDays: 30 } },
      'changedCount',
    );
    const sums = await read(
      `mine: sums(groupBy: area) { nodes { groupValue recordCount planCost forecastCost variance forecastMonths } }
      theirs: sums(groupBy: area, layer: mirror) { nodes { groupValue forecastCost } }
      months: sums(groupBy: month, selection: $selection) { nodes { groupValue planCost forecastCost } }
      total: sums(selection: $selection) { nodes { recordCount forecastCost } }`,
      undefined,
      { selection: storm.selection },
      '$selection: PfaSelectionInput!',
    );
    expect(sums).toMatchObject({
      mine: {
        nodes: [
          {
            groupValue: 'Silo 4',
            recordCount: '30',
            planCost: '90000.00',
            forecastCost: '180000.00',
            variance: '90000.00',
          },
          { groupValue: 'Silo 5', recordCount: '10', planCost: '30000.00', forecastCost: '30000.00' },
        ],
      },
      theirs: { nodes: [{ forecastCost: '90000.00' }, { forecastCost: '30000.00' }] },
      months: {
        nodes: [
          { groupValue: '2026-01', planCost: '90000.00', forecastCost: '0.00' },
          { groupValue: '2026-03', planCost: '0.00', forecastCost: '93000.00' },
          { groupValue: '2026-04', planCost: '0.00', forecastCost: '87000.00' },
        ],
      },
      total: { nodes: [{ recordCount: '30', forecastCost: '180000.00' }] },
    });
  });
});

test('a second tab of the same user sees the changes, and a stale preview is refused', async () => {
  const { org, mine, mutate, read } = await project();
  const { pfaRecords } = await read<{ pfaRecords: { nodes: { pfaId: string; revision: string }[] } }>(
    'pfaRecords(first: 2, orderBy: PFA_ID_ASC) { nodes { pfaId revision } }',
  );
  const items = (category: string) =>
    pfaRecords.nodes.map(({ pfaId, revision }) => ({ recordId: pfaId, changes: { category }, revision }));
  const { bulkPreview } = await read<{ bulkPreview: Preview }>(
    'bulkPreview(selection: { everything: true }, operation: { set: { category: "Hoists" } }) { previewToken }',
  );
  const { revisions } = await mutate<{ revisions: Record<string, number> }>(
    'saveDrafts',
    { items: items('First') },
    'revisions',
  );
  expect(Object.keys(revisions)).toEqual(['r00', 'r01']);

  const refused = async (name: string, input: object) =>
    (
      await api.graphql(
        mine,
        `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { clientMutationId } }`,
        { input: { organizationId: org.id, ...input } },
      )
    ).body.errors?.[0]?.extensions;
  expect(await refused('saveDrafts', { items: items('Second') })).toMatchObject({
    code: 'REVISION_CONFLICT',
    details: [
      {
        recordId: 'r00',
        current: { category: 'First' },
        latestChanges: [{ route: 'draft', changes: { category: { from: 'Pumps', to: 'First' } } }],
      },
      { recordId: 'r01' },
    ],
  });
  expect(
    await refused('applyBulk', {
      selection: { everything: true },
      operation: { set: { category: 'Hoists' } },
      previewToken: bulkPreview.previewToken,
    }),
  ).toMatchObject({ code: 'REVISION_CONFLICT' });
});

test.each<[what: string, name: string, input: object]>([
  ['a bulk operation on nothing that was selected', 'applyBulk', { operation: { shiftDays: 1 } }],
  [
    'an empty search field',
    'applyBulk',
    { selection: { search: ' ', containing: {} }, operation: { shiftDays: 1 } },
  ],
  ['an empty selection', 'applyBulk', { selection: {}, operation: { shiftDays: 1 } }],
  ['no operation', 'applyBulk', { selection: { everything: true } }],
  ['an empty selection to commit', 'commitDrafts', { selection: {} }],
  ['no drafts', 'saveDrafts', { items: [] }],
  ['drafts that are null', 'saveDrafts', {}],
])('%s is refused', async (_, name, input) => {
  const { org, mine } = await project();
  const { body } = await api.graphql(
    mine,
    `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { clientMutationId } }`,
    { input: { organizationId: org.id, ...input } },
  );
  expect(body.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' });
});
