import {
  buildClientSchema,
  getIntrospectionQuery,
  isObjectType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { beforeAll, describe, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { makeMembership, makeOrganization, makeUser, one, putRecords, syncRows } from '../support/make.ts';
import { doors, doorsWithArguments, miscounted, queries, rowsIn, type Door, type Row } from './crawl.ts';
import { makePerson, testApi } from './server.ts';

// Tests every place of the GraphQL schema that returns rows, found by introspection. A new place fails here until an
// entry below names its readers and the test has confirmed them.

const db = await testDatabase();
const api = await testApi(db);

/** Appears in every text that belongs to our organization. */
const mark = 'OURS';
const ours = await makeOrganization(db, mark);
const theirs = await makeOrganization(db, 'THEIRS');

/** Olga owns our organization and has drafts, Anna is a member of it, Boris owns another one, Nina belongs to none. */
const ids = {
  olga: await makePerson(db, `olga of ${mark}`, [[ours, 'owner']]),
  anna: await makePerson(db, `anna of ${mark}`, [[ours, 'member']]),
  root: await makePerson(db, 'root', [], 'admin'),
  boris: await makePerson(db, 'boris', [[theirs, 'owner']]),
  nina: await makePerson(db, 'nina'),
};
type Name = keyof typeof ids;
const names = Object.keys(ids) as Name[];
const usernames: Record<Name, string> = {
  olga: `olga of ${mark}`,
  anna: `anna of ${mark}`,
  root: 'root',
  boris: 'boris',
  nina: 'nina',
};

const everybody: Name[] = ['olga', 'anna', 'root', 'boris', 'nina'];
const members: Name[] = ['olga', 'anna', 'root'];
const managers: Name[] = ['olga', 'root'];
const administrators: Name[] = ['root'];
const author: Name[] = ['olga'];

/** Readers of our organization's rows, by path; `everybody` stands for rows that belong to no organization. */
const whoGetsRows: Record<Door, Name[]> = {
  'AiConfig.organization': managers,
  'AiConfig.primaryProvider': administrators,
  'AiProvider.aiConfigsByPrimaryProviderId': administrators,
  'ApiConfiguration.dataSourceMappings': managers,
  'ApiConfiguration.organization': managers,
  'ApiConfiguration.pemsSetting': administrators,
  'DataSourceMapping.apiConfiguration': managers,
  'DataSourceMapping.organization': managers,
  'DriftCheck.differences': managers,
  'DriftCheck.organization': managers,
  'DriftCheck.userByRequestedBy': managers,
  'DriftDifference.check': managers,
  'GridColumn.organization': members,
  'FieldConfiguration.organization': members,
  'Membership.organization': members,
  'Membership.user': members,
  'Organization.aiConfig': managers,
  'Organization.apiConfigurations': managers,
  'Organization.bounds': members,
  'Organization.changes': members,
  'Organization.commits': members,
  'Organization.dataSourceMappings': managers,
  'Organization.draftAuthors': managers,
  'Organization.driftChecks': managers,
  'Organization.fieldConfigurations': members,
  'Organization.foundRecords': members,
  'Organization.kpis': members,
  'Organization.memberships': members,
  'Organization.gridColumns': members,
  'Organization.limits': members,
  'Organization.mirrorBounds': members,
  'Organization.mirrorKpis': members,
  'Organization.myDrafts': author,
  'Organization.myOperations': author,
  'Organization.pfaFieldMappings': members,
  'Organization.takeovers': author,
  'Takeover.organization': author,
  'Organization.pfaRecords': members,
  'Organization.pushExchanges': managers,
  'Organization.pushStatus': members,
  'Organization.referenceEntries': members,
  'Organization.referenceLists': members,
  'Organization.referenceRuns': members,
  'Organization.unlistedValues': author,
  'ReferenceEntry.organization': members,
  'ReferenceRun.organization': members,
  'Organization.sums': members,
  'Organization.syncLogs': members,
  'Organization.syncSchedule': members,
  'PemsSetting.apiConfiguration': administrators,
  'PfaChange.organization': members,
  'PfaChange.record': members,
  'PfaCommit.organization': members,
  'PfaCommit.record': members,
  'PfaDraft.organization': author,
  'PfaDraft.record': author,
  'PfaDraftOperation.organization': author,
  'PfaField.pfaFieldMappingsByKey': members,
  'PfaFieldMapping.organization': members,
  'PfaFieldMapping.pfaField': everybody,
  'PfaKpiSummary.organization': members,
  'PfaPushExchange.organization': managers,
  'PfaRecord.organization': members,
  'PfaTimelineBound.organization': members,
  'Query.aiConfig': managers,
  'Query.aiProvider': administrators,
  'Query.aiProviders': administrators,
  'Query.apiConfiguration': managers,
  'Query.apiConfigurations': managers,
  'Query.dataSourceMapping': managers,
  'Query.dataSourceMappings': managers,
  'Query.driftCheck': managers,
  'Query.fieldConfiguration': members,
  'Query.fieldConfigurations': members,
  'Query.membership': members,
  'Query.organization': members,
  'Query.organizationByCode': members,
  'Query.organizationProposals': administrators,
  'Query.organizations': members,
  'Query.pfaChange': members,
  'Query.pfaCommit': members,
  'Query.pfaDraft': author,
  'Query.pfaDraftOperation': author,
  'Query.pfaField': everybody,
  'Query.pfaFieldMapping': members,
  'Query.pfaFieldMappings': members,
  'Query.pfaFields': everybody,
  'Query.pfaKpiSummary': members,
  'Query.pfaPushExchange': managers,
  'Query.pfaRecord': members,
  'Query.pfaTimelineBound': members,
  'Query.syncLog': members,
  'Query.syncReject': members,
  'Query.user': ['anna', 'root'], // asked for Anna: herself, and administrators
  'Query.users': members,
  'Query.viewer': members,
  'SyncLog.organization': members,
  'SyncLog.rejects': members,
  'SyncLog.sparedRemovals': members,
  'SyncLog.userByAcceptedBy': managers,
  'SyncLog.userByRemovalsAcceptedBy': managers,
  'SyncLog.userByRequestedBy': managers,
  'SyncReject.run': members,
  'User.memberships': members,
};

/** Lists at the root. Each leads to few rows; records, drafts and runs are reached through an organization. */
const rootLists = [
  ...[
    'aiProviders',
    'apiConfigurations',
    'dataSourceMappings',
    'fieldConfigurations',
    'organizationProposals',
  ],
  'organizations',
  ...['pfaFieldMappings', 'pfaFields', 'users'],
];

const schema = buildClientSchema(await api.data<IntrospectionQuery>(null, getIntrospectionQuery()));
const tokens = Object.fromEntries(
  await Promise.all(names.map(async (name) => [name, await api.token(usernames[name])] as const)),
) as Record<Name, string>;

interface Crawl {
  rows: Row[];
  text: string;
  miscounted: Door[];
}

/** Returns the rows that a user gets from all queries, with the ids of our rows. */
async function crawl(token: string, args: Record<string, string>): Promise<Crawl> {
  const root = schema.getQueryType()!;
  const found: Crawl = { rows: [], text: '', miscounted: [] };
  for (const { query } of queries(schema, args)) {
    const data = await api.data<Record<string, unknown>>(token, query);
    found.rows.push(...rowsIn(schema, root, data));
    found.text += JSON.stringify(data);
    found.miscounted.push(...miscounted(root, data));
  }
  return found;
}

let rootArguments: Record<string, string>;
/** A run with a withheld removal, which Olga accepted. */
let sparing: string;
const crawls = {} as Record<Name, Crawl>;

async function insert(table: string, row: Record<string, unknown>): Promise<{ id: string | number }> {
  const columns = Object.keys(row);
  const { rows } = await db.owner.query<{ id: string | number }>(
    `insert into app_public.${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})
    returning ${table === 'organization_ai_configs' ? 'organization_id as id' : table === 'pems_settings' ? 'api_configuration_id as id' : 'id'}`,
    Object.values(row),
  );
  return one(rows);
}

/** Rows of every kind, so that every path returns some. */
async function plant(): Promise<Record<string, string>> {
  await insert('ai_providers', { id: 'gemini', type: 'gemini', name: `Gemini, key of ${mark}` });
  for (const [organization, name] of [
    [ours, mark],
    [theirs, 'Other'],
  ] as const) {
    await putRecords(db, organization, [
      {
        pfaId: 'a',
        category: `${name} A`,
        source: 'Purchase',
        purchasePrice: organization.id * 1000,
        forecastStart: '2026-01-01',
        forecastEnd: `2026-01-${10 + organization.id}`,
      },
      { pfaId: 'b', category: `${name} B`, source: 'Rental', monthlyRate: 10 },
      { pfaId: 'c', category: `${name} C` },
    ]);
    await insert('api_configurations', {
      id: name,
      organization_id: organization.id,
      name: `connection of ${name}`,
      usage: 'PEMS_PFA_READ',
      url: `https://${name}.example`,
      custom_headers: JSON.stringify([{ key: 'x', value: name }]),
    });
    await insert('pems_settings', { api_configuration_id: name, tenant: `tenant of ${name}` });
    await insert('data_source_mappings', {
      id: `mapping of ${name}`,
      entity_type: 'pfa',
      organization_id: organization.id,
      api_configuration_id: name,
    });
    await insert('organization_ai_configs', {
      organization_id: organization.id,
      primary_provider_id: 'gemini',
      routing_rules: JSON.stringify({ for: name }),
    });
    await insert('field_configurations', {
      id: `layout of ${name}`,
      organization_id: organization.id,
      name: `layout of ${name}`,
    });
  }
  await insert('api_configurations', {
    id: 'for all',
    name: `For all, ${mark} too`,
    usage: 'PEMS_PFA_READ',
    url: `https://all.example`,
  });
  await insert('field_configurations', { id: 'for all', name: 'For all' });
  const mapping = await insert('pfa_field_mappings', {
    organization_id: ours.id,
    key: 'areaSilo',
    grid_aliases: [`alias of ${mark}`],
  });
  await insert('pfa_field_mappings', {
    organization_id: theirs.id,
    key: 'areaSilo',
    grid_aliases: ['alias of Other'],
  });

  await syncRows(db, ours, [
    {
      pfaId: 'a',
      data: {
        category: `${mark} A`,
        source: 'Purchase',
        purchasePrice: 1000,
        forecastEnd: '2026-01-11',
        forecastStart: '2026-01-01',
      },
    },
    { pfaId: 'b', data: { category: `${mark} B`, source: 'Rental', monthlyRate: 10 } },
    { pfaId: 'c', data: { category: `${mark} C` } },
    {
      pfaId: 'd',
      data: {},
      problems: [{ key: 'organization', value: `${mark} much`, message: 'is too long' }],
      rowContent: { of: mark },
    },
  ]);
  await db.owner.query(
    `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at)
    values ($1, $2, 'b', $3, '{"category": null}', 'committed', 1, now())`,
    [ours.id, ids.anna, JSON.stringify({ category: `pending of ${mark}` })],
  );
  await db.owner.query("select app_private.rewrite_overlay($1, '{b}')", [ours.id]);
  const { rows: seen } = await db.owner.query<{ revision: string }>(
    "select revision from app_core.pfa_mirror where organization_id = $1 and pfa_id = 'a'",
    [ours.id],
  );
  await api.data(
    tokens.olga,
    'mutation ($input: SaveDraftInput!) { saveDraft(input: $input) { record { pfaId } } }',
    {
      input: {
        organizationId: ours.id,
        recordId: 'a',
        changes: { model: `draft of ${mark}` },
        revision: one(seen).revision,
      },
    },
  );
  const { requestSync } = await api.data<{ requestSync: { syncLog: { id: string } } }>(
    tokens.olga,
    'mutation ($id: Int!) { requestSync(input: { organizationId: $id }) { syncLog { id } } }',
    { id: ours.id },
  );
  sparing = one(
    (
      await db.owner.query<{ id: string }>(
        `update app_public.pfa_sync_log set rows_spared = 1, removals_accepted_by = $2, removals_accepted_at = now(),
          rows_twin = 1, accepted_by = $2, accepted_at = now()
        where id = (select max(id) from app_public.pfa_sync_log where organization_id = $1 and state = 'succeeded') returning id`,
        [ours.id, ids.olga],
      )
    ).rows,
  ).id;
  await db.owner.query(
    `insert into app_public.pfa_removal_candidate (organization_id, pfa_id, missed_by_run, confirmed_at, spared_by_run)
    values ($1, 'c', $2, '-infinity', $2)`,
    [ours.id, sparing],
  );
  await db.owner.query(
    `insert into app_public.pfa_column (organization_id, alias, keys, first_seen_at, last_seen_at)
    values ($1, 'pfs_f_rate', '{monthlyRate}', now(), now())`,
    [ours.id],
  );
  await db.owner.query(
    `insert into app_public.pfa_takeover (organization_id, user_id, taken_by, is_discarded, record_count, record_ids)
    values ($1, $2, $2, true, 1, array[$3])`,
    [ours.id, ids.olga, mark],
  );
  await db.owner.query(
    'insert into app_private.pfa_limits (organization_id, changed_percent) values ($1, 77)',
    [ours.id],
  );
  await db.owner.query(
    "insert into app_public.reference_entries (organization_id, list, code) values ($1, 'model', $2)",
    [ours.id, `model of ${mark}`],
  );
  await db.owner.query(
    `insert into app_public.reference_runs (organization_id, list, trigger, requested_by, state, finished_at, rows_withheld)
    values ($1, 'model', 'user', $2, 'queued', null, 0), ($1, 'class', 'user', $2, 'succeeded', now(), 1)`,
    [ours.id, ids.olga],
  );
  await db.owner.query('insert into app_public.organization_proposals (code, name) values ($1, $1)', [
    `NEW ${mark}`,
  ]);
  await db.worker.query('select app_private.refresh_summaries()');

  const idOf = async (rows: string) =>
    one((await db.owner.query<{ id: string }>(`select id from ${rows}`)).rows).id;
  const draft = await idOf("app_core.pfa_modification where state = 'draft'");
  const commit = await idOf("app_core.pfa_modification where state = 'committed'");
  const operation = await idOf('app_core.pfa_draft_operation');
  const reject = one(
    (await db.owner.query<{ id: string }>('select id from app_public.pfa_sync_reject')).rows,
  );
  const change = one(
    (
      await db.owner.query<{ id: string }>(
        `insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
        values ($1, 'b', $2, 'commit', $3) returning id`,
        [ours.id, ids.anna, JSON.stringify({ category: { from: null, to: `pending of ${mark}` } })],
      )
    ).rows,
  );
  await db.owner.query(
    `select app_private.note_exchange($1, 'b', 1, 1, json_build_object('action', 'read', 'request', $2::text, 'milliseconds', 1)::jsonb)`,
    [ours.id, `request of ${mark}`],
  );
  const exchange = await idOf('app_core.pfa_push_exchange');
  // Differs from the default of other organizations.
  await db.owner.query(
    "insert into app_private.pfa_sync_schedule (organization_id, time_zone, changed_by) values ($1, 'Asia/Qatar', $2)",
    [ours.id, ids.olga],
  );
  const driftCheck = one(
    (
      await db.owner.query<{ id: string }>(
        `with c as (
          insert into app_public.pfa_drift_check (organization_id, sample, requested_by, state, started_at, finished_at)
          values ($1, 10, $2, 'succeeded', now(), now()) returning organization_id, id),
        d as (
          insert into app_public.pfa_drift_difference (organization_id, check_id, number, kind, pfa_id, key, pems_value)
          select organization_id, id, 1, 'differs', 'a', 'model', to_jsonb($3::text) from c)
        select id from c`,
        [ours.id, ids.olga, `difference of ${mark}`],
      )
    ).rows,
  );
  const organizationId = `organizationId: ${ours.id}`;
  return {
    aiConfig: organizationId,
    aiProvider: 'id: "gemini"',
    apiConfiguration: `id: "${mark}"`,
    dataSourceMapping: `id: "mapping of ${mark}"`,
    driftCheck: `${organizationId}, id: "${driftCheck.id}"`,
    fieldConfiguration: `id: "layout of ${mark}"`,
    membership: `${organizationId}, userId: ${ids.anna}`,
    organization: `id: ${ours.id}`,
    organizationByCode: `code: "${mark}"`,
    pfaChange: `${organizationId}, id: "${change.id}"`,
    pfaCommit: `${organizationId}, id: "${commit}"`,
    pfaDraft: `${organizationId}, id: "${draft}"`,
    pfaDraftOperation: `${organizationId}, id: "${operation}"`,
    pfaField: 'key: "areaSilo"',
    pfaFieldMapping: `id: ${mapping.id}`,
    pfaPushExchange: `${organizationId}, id: "${exchange}"`,
    pfaKpiSummary: `${organizationId}, source: "Purchase"`,
    pfaRecord: `${organizationId}, pfaId: "a"`,
    pfaTimelineBound: organizationId,
    syncLog: `${organizationId}, id: "${requestSync.syncLog.id}"`,
    syncReject: `${organizationId}, id: "${reject.id}"`,
    user: `id: ${ids.anna}`,
  };
}

beforeAll(async () => {
  rootArguments = await plant();
  for (const name of names) crawls[name] = await crawl(tokens[name], rootArguments);
}, 180_000);

/** Rows without organization and owner: all users get the same. */
const isShared = ({ type, values }: Row) =>
  type === 'PfaField' ||
  (['PfaFieldMapping', 'FieldConfiguration'].includes(type) && values.organizationId === null);

const text = ({ type, values }: Row) => `${type} ${JSON.stringify(values)}`;

/** Returns our rows of a path: those that our insiders see, without those that outsiders see of their own. */
function ourRows(door: Door): Set<string> {
  const isTheirs = ({ type, values }: Row) =>
    values.organizationId === theirs.id ||
    (type === 'Organization' && values.id === theirs.id) ||
    (type === 'User' && (values.id === ids.boris || values.id === ids.nina)) ||
    (type === 'ApiConfiguration' && values.id === 'Other') ||
    (type === 'PemsSetting' && values.apiConfigurationId === 'Other');
  const theirSums = new Set(
    crawls.boris.rows
      .filter(({ type }) =>
        [
          'PfaKpi',
          'PfaBound',
          'PfaSum',
          'ReferenceList',
          'SyncSchedule',
          'OrganizationLimit',
          'PfaPushStatus',
        ].includes(type),
      )
      .map(text),
  );
  return new Set(
    members
      .flatMap((name) => crawls[name].rows)
      .filter((row) => row.door === door && !isTheirs(row) && !theirSums.has(text(row)))
      .filter((row) => !isShared(row) || whoGetsRows[door] === everybody)
      .map(text),
  );
}

test('every path of the schema is listed above, with its readers', () => {
  const triedBelow = [
    'Organization.bulkPreview',
    'Organization.myDraftTotals',
    'Organization.recordsChangedSince',
    'Organization.suggestions',
    'PfaCatchUp.records',
  ];
  expect(doors(schema).filter((door) => !triedBelow.includes(door))).toEqual(Object.keys(whoGetsRows).sort());
});

test('every path that needs arguments is at the root and gets ours, except one that is tested below', () => {
  expect(doorsWithArguments(schema)).toEqual(
    [
      ...Object.keys(rootArguments).map((field) => `Query.${field}`),
      'Organization.bulkPreview',
      'Organization.suggestions',
    ].sort(),
  );
});

test('changes since a revision are visible to readers of the organization, drafts to their author', async () => {
  const since = async (who: Name) => {
    const query = `query ($id: Int!, $revision: BigInt!) { organization(id: $id) {
      recordsChangedSince(revision: $revision) { isComplete records { recordId } } } }`;
    const { organization } = await api.data<{
      organization: { recordsChangedSince: { isComplete: boolean; records: { recordId: string }[] } } | null;
    }>(tokens[who], query, { id: ours.id, revision: before });
    return organization?.recordsChangedSince.records.map(({ recordId }) => recordId);
  };
  const { rows } = await db.owner.query<{ revision: string }>(
    'select max(id) as revision from app_core.pfa_event where organization_id = $1 and viewer_id = 0',
    [ours.id],
  );
  const before = one(rows).revision;
  await db.owner.query(
    `insert into app_core.pfa_event (organization_id, kind, viewer_id, record_ids, revisions)
    select $1, 'records', viewer_id, array['of ' || viewer_id], '{1}'
    from unnest(array[0, $2::integer]) v (viewer_id)`,
    [ours.id, ids.anna],
  );
  const told = await Promise.all(names.map(async (name) => [name, await since(name)] as const));
  for (const [name, recordIds] of told) {
    const seen = recordIds?.filter((id) => id.startsWith('of ')).length;
    expect([name, seen]).toEqual([name, name === 'anna' ? 2 : members.includes(name) ? 1 : undefined]);
  }
});

test('the preview of a bulk operation covers records of a readable organization only', async () => {
  const preview = (who: Name, recordIds: string[]) =>
    api.data<{ organization: { bulkPreview: { selectedCount: number; refusedCount: number } } | null }>(
      tokens[who],
      `query ($id: Int!, $ids: [String]) { organization(id: $id) {
        bulkPreview(selection: { recordIds: $ids }, operation: { shiftDays: 1 }) { selectedCount refusedCount } } }`,
      { id: ours.id, ids: recordIds },
    );
  expect((await preview('anna', ['a'])).organization).toEqual({
    bulkPreview: { selectedCount: 1, refusedCount: 0 },
  });
  for (const who of ['boris', 'nina'] as const) expect((await preview(who, ['a'])).organization).toBeNull();
});

test('suggestions come from a readable organization only', async () => {
  for (const who of names) {
    const { organization } = await api.data<{ organization: { suggestions: { nodes: object[] } } | null }>(
      tokens[who],
      'query ($id: Int!) { organization(id: $id) { suggestions(list: "model") { nodes { code } } } }',
      { id: ours.id },
    );
    expect(organization?.suggestions.nodes).toEqual(
      members.includes(who) ? [{ code: `model of ${mark}` }] : undefined,
    );
  }
});

test('the totals of my drafts include only my drafts, in a readable organization', async () => {
  const totals = async (who: Name) =>
    (
      await api.data<{ organization: { myDraftTotals: { recordCount: number } } | null }>(
        tokens[who],
        'query ($id: Int!) { organization(id: $id) { myDraftTotals { recordCount } } }',
        { id: ours.id },
      )
    ).organization?.myDraftTotals.recordCount;
  expect(await totals('olga')).toBeGreaterThan(0);
  for (const who of ['anna', 'root'] as const) expect(await totals(who)).toBe(0);
  for (const who of ['boris', 'nina'] as const) expect(await totals(who)).toBeUndefined();
});

describe.each(Object.entries(whoGetsRows))('%s', (door, allowed) => {
  test(`returns our rows for ${allowed.join(', ')} and for no other user`, () => {
    const rows = ourRows(door);
    expect(rows.size).toBeGreaterThan(0);
    const who = names.filter((name) =>
      crawls[name].rows.some((row) => row.door === door && rows.has(text(row))),
    );
    expect(who).toEqual(names.filter((name) => allowed.includes(name)));
  });
});

test('outsiders get no text of our organization in any response', () => {
  expect(crawls.olga.text.split(mark).length).toBeGreaterThan(50);
  for (const name of ['boris', 'nina'] as const) {
    expect(crawls[name].text).not.toContain(mark);
    for (const row of crawls[name].rows) {
      expect(row.values.organizationId).not.toBe(ours.id);
      if (row.type === 'Organization') expect(row.values.id).not.toBe(ours.id);
    }
  }
});

test('an outsider gets the rows of their own organization from the same queries', () => {
  const seen = new Set(crawls.boris.rows.map(({ door }) => door));
  for (const door of [
    'Organization.pfaRecords',
    'Organization.kpis',
    'Organization.syncLogs',
    'Query.apiConfigurations',
  ]) {
    expect(seen).toContain(door);
  }
});

test('no count reveals more than the rows do', () => {
  for (const name of names) expect(crawls[name].miscounted).toEqual([]);
});

test('a draft and its base appear in no response to another member', () => {
  expect(crawls.olga.text).toContain(`draft of ${mark}`);
  for (const name of ['anna', 'root'] as const) expect(crawls[name].text).not.toContain(`draft of ${mark}`);
  for (const name of members) expect(crawls[name].text).toContain(`pending of ${mark}`);
});

test('anonymous clients get no row', async () => {
  for (const { query } of queries(schema, rootArguments)) {
    expect(await api.graphql(null, query)).toMatchObject({
      status: 401,
      body: { error: { code: 'UNAUTHENTICATED' } },
    });
  }
});

// Until the two functions return null without an organization, they fail, and the error drops the other rows too.
test('a row without organization has no totals, and the rows beside it have theirs', async () => {
  for (const field of ['kpis { planCost }', 'bounds { forecastEnd }']) {
    await api.data(tokens.olga, `{ fieldConfigurations(first: 10) { nodes { organization { ${field} } } } }`);
  }
});

test('there is no list of records, drafts or runs over all organizations', () => {
  const fields = Object.values(schema.getQueryType()!.getFields());
  const lists = fields.filter(
    (field) => String(field.type).endsWith('Connection') || String(field.type).includes('['),
  );
  expect(lists.map(({ name }) => name).sort()).toEqual(rootLists);
});

describe('mutations', () => {
  /** Each mutation with our ids, the users who may call it, and the error for insiders who may not. */
  const mutations: Record<string, { input: () => object; may: Name[]; mayNot: Name[] }> = {
    acceptListRemovals: { input: () => ({ list: 'class' }), may: ['olga', 'root'], mayNot: ['anna'] },
    acceptRemovals: { input: () => ({ runId: sparing }), may: ['olga', 'root'], mayNot: ['anna'] },
    acceptRun: { input: () => ({ runId: sparing }), may: ['olga', 'root'], mayNot: ['anna'] },
    applyBulk: {
      input: () => ({ selection: { recordIds: [] }, operation: { shiftDays: 1 } }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    checkDrift: { input: () => ({ sample: 10 }), may: ['olga', 'root'], mayNot: ['anna'] },
    commitDrafts: {
      input: () => ({ selection: { recordIds: [] } }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    discardDrafts: { input: () => ({ recordIds: ['nothing'] }), may: ['olga', 'anna', 'root'], mayNot: [] },
    discardDraftsOf: { input: () => ({ userId: ids.nina }), may: ['olga', 'root'], mayNot: ['anna'] },
    dismissTakeovers: { input: () => ({}), may: ['olga', 'anna', 'root'], mayNot: [] },
    pausePush: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    pauseSync: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    redoDraft: { input: () => ({}), may: [], mayNot: [] },
    requestLists: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    requestSync: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    resolveAllProblems: {
      input: () => ({ choice: 'mine', revision: '0' }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    resolveProblems: {
      input: () => ({ resolutions: [{ recordId: 'a', revision: '0', choice: 'mine', keys: ['model'] }] }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    resumePush: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    resumeSync: { input: () => ({}), may: ['olga', 'root'], mayNot: ['anna'] },
    saveDraft: {
      input: () => ({ recordId: 'c', changes: { model: 'M' }, revision: '0' }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    saveDrafts: {
      input: () => ({ items: [{ recordId: 'c', changes: { model: 'M' }, revision: '0' }] }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
    setLimits: { input: () => ({ absentDays: 14 }), may: ['olga', 'root'], mayNot: ['anna'] },
    setSyncSchedule: { input: () => ({ everyMinutes: 30 }), may: ['olga', 'root'], mayNot: ['anna'] },
    takeOverDrafts: { input: () => ({ userId: ids.nina }), may: ['olga', 'root'], mayNot: ['anna'] },
    undoDraft: { input: () => ({ operationId: '0' }), may: ['olga'], mayNot: [] },
    withdrawCommits: {
      input: () => ({ modificationIds: [] }),
      may: ['olga', 'anna', 'root'],
      mayNot: [],
    },
  };

  /** These are about a connection, not an organization. */
  const ofConnections = ['pauseConnection', 'resumeConnection'];
  /** These create an organization. */
  const ofAdministrators = ['acceptOrganization', 'dismissOrganization'];

  test('are exactly these: all changes go through functions', () => {
    expect(Object.keys(schema.getMutationType()!.getFields()).sort()).toEqual(
      [...Object.keys(mutations), ...ofConnections, ...ofAdministrators].sort(),
    );
    expect(Object.keys(schema.getSubscriptionType()!.getFields())).toEqual(['organizationEvents']);
  });

  test.each(ofAdministrators)(
    '%s: an administrator may, and the error for others does not reveal the proposal',
    async (name) => {
      const codeOf = async (who: Name, code: string) => {
        const mutation = `mutation { ${name}(input: { code: "${code}" }) { clientMutationId } }`;
        const { body } = await api.graphql(tokens[who], mutation);
        return body?.errors?.[0]?.extensions?.code;
      };
      for (const who of ['olga', 'anna', 'boris', 'nina'] as const)
        for (const code of [`NEW ${mark}`, 'none']) expect(await codeOf(who, code)).toBe('FORBIDDEN');
      expect(await codeOf('root', 'none')).toBe('NOT_FOUND');
    },
  );

  test.each(ofConnections)(
    '%s: a user who may not manage a connection gets the error of a missing one',
    async (name) => {
      const call = async (who: Name, apiConfigurationId: string) => {
        const { body } = await api.graphql(
          tokens[who],
          `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { clientMutationId } }`,
          { input: { apiConfigurationId } },
        );
        return body.errors?.[0];
      };
      await db.owner.query("update app_public.api_configurations set operation_type = 'read-write'");
      expect(await call('olga', mark)).toBeUndefined();
      for (const id of [mark, 'for all']) expect(await call('root', id)).toBeUndefined();
      for (const [who, id] of [
        ...(['anna', 'boris', 'nina'] as const).map((person) => [person, mark] as const),
        // An owner manages the connections of the organization, not shared ones.
        ['olga', 'for all'],
        ['olga', 'Other'],
      ] as const) {
        const [foreign, unknown] = [await call(who, id), await call(who, 'unknown')];
        expect(foreign).toMatchObject({ extensions: { code: 'NOT_FOUND' } });
        expect(foreign?.message.replace(id, 'unknown')).toBe(unknown?.message);
      }
    },
  );

  test.each(Object.entries(mutations))('%s', async (name, { input, may, mayNot }) => {
    const call = async (who: Name, organizationId = ours.id) => {
      const { body } = await api.graphql(
        tokens[who],
        `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { clientMutationId } }`,
        { input: { organizationId, ...input() } },
      );
      return body.errors?.[0];
    };
    // An unknown revision or a missing problem is refused last, so the error proves the right to write.
    for (const who of may)
      expect([undefined, 'REVISION_CONFLICT']).toContain((await call(who))?.extensions?.code);
    for (const who of mayNot) expect(await call(who)).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    for (const who of ['boris', 'nina'] as const) {
      const foreign = await call(who);
      const unknown = await call(who, 2_000_000_000);
      expect(foreign).toMatchObject({ extensions: { code: 'NOT_FOUND' } });
      expect(foreign?.message.replace(String(ours.id), '2000000000')).toBe(unknown?.message);
    }
  });

  test('an owner whose role is viewer writes nothing', async () => {
    const viewer = await makeUser(db, 'viewer', 'viewer');
    await makeMembership(db, ours, viewer, 'owner');
    await db.owner.query(
      'insert into app_private.user_passwords select $1, password_hash from app_private.user_passwords where user_id = $2',
      [viewer, ids.olga],
    );
    const token = await api.token('viewer');
    // Acknowledging the outcome of one's own drafts does not change the organization.
    const { dismissTakeovers: _, ...writing } = mutations;
    for (const [name, { input }] of Object.entries(writing)) {
      const { body } = await api.graphql(
        token,
        `mutation ($input: ${name[0]!.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { clientMutationId } }`,
        { input: { organizationId: ours.id, ...input() } },
      );
      expect(body.errors?.[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    }
  });
});

describe('names', () => {
  const published = publishedNames(schema);

  test('nothing of app_core and app_private is published', async () => {
    const { rows } = await db.owner.query<{ name: string }>(`
      select relname as name from pg_class where relnamespace in ('app_core'::regnamespace, 'app_private'::regnamespace) and relkind in ('r', 'v', 'm')
      union select proname from pg_proc where pronamespace in ('app_core'::regnamespace, 'app_private'::regnamespace)
      except select relname from pg_class where relnamespace = 'app_public'::regnamespace
      except select proname from pg_proc where pronamespace = 'app_public'::regnamespace`);
    expect(rows.length).toBeGreaterThan(40);
    const hidden = rows.flatMap(({ name }) => {
      const camel = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      const pascal = camel[0]!.toUpperCase() + camel.slice(1);
      return [camel, `${camel}s`, pascal, `${pascal}s`, pascal.replace(/ies$/, 'y').replace(/s$/, '')];
    });
    // A column of a record may have the name of a helper; a type, a root field or a mutation may not.
    const { types, roots } = published;
    expect([...types, ...roots].filter((name) => hidden.includes(name))).toEqual([]);
  });

  test('no name reveals secrets or internals', () => {
    const suspect =
      /password|secret|credential|cipher|nonce|hash|private|jwk|refresh|staging|overlay|modification|intent|legacy|viewerId|rowId|nodeId/i;
    expect(published.all.filter((name) => suspect.test(name))).toEqual([]);
  });

  test('records are filtered and sorted only by indexed columns', () => {
    const filter = schema.getType('PfaRecordFilter') as unknown as { getFields(): object };
    expect(
      Object.keys(filter.getFields())
        .filter((name) => !['and', 'or', 'not'].includes(name))
        .sort(),
    ).toEqual([
      ...[
        'areaSilo',
        'category',
        'class',
        'dor',
        'forecastCostCents',
        'forecastEnd',
        'forecastStart',
        'hasDraft',
        'hasProblem',
      ],
      ...['isActualized', 'isDiscontinued', 'isFundsTransferable', 'isPending', 'pfaId', 'source'],
    ]);
    const order = schema.getType('PfaRecordOrderBy') as unknown as { getValues(): { name: string }[] };
    const sorts = new Set(order.getValues().map(({ name }) => name.replace(/_(ASC|DESC)$/, '')));
    sorts.delete('NATURAL');
    sorts.delete('PRIMARY_KEY');
    expect([...sorts].sort()).toEqual([
      'AREA_SILO',
      'CATEGORY',
      'CLASS',
      'FORECAST_COST_CENTS',
      'FORECAST_END',
      'FORECAST_START',
      'PFA_ID',
    ]);
    expect(sorts.size).toBeLessThanOrEqual(8);
  });
});

function publishedNames(of: GraphQLSchema) {
  const types = Object.keys(of.getTypeMap()).filter((name) => !name.startsWith('__'));
  const fields = Object.values(of.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) => (isObjectType(type) ? Object.keys(type.getFields()) : []));
  const roots = [of.getQueryType(), of.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  return { types, roots, all: [...new Set([...types, ...fields])] };
}
