/** The dearest that can be asked of each published field, so that what its cost says can be measured and tested. */
import { parse, type ExecutionArgs, type GraphQLSchema } from 'postgraphile/graphql';
import { findExcess } from '../src/graphql/limits.ts';

/** A field under a name of its own; `$f` is a filter with as many conditions as one may have. */
interface Field {
  text: (i: number) => string;
  filter?: object;
}

const conditions = (condition: (i: number) => object) => ({
  and: Array.from({ length: 200 }, (_, i) => condition(i)),
});
const everyText = conditions((i) => ({ dor: { notEqualTo: `x${i}` } }));
const manyValues = { not: { class: { in: Array.from({ length: 500 }, (_, i) => `x${i}`) } } };
const words = (i: number) => `search: "a e ${i}"`;

/** A list of which nothing is special. */
const list = (name: string, more = '') => ({
  text: (i: number) => `${name}(first: 1000, offset: ${i}${more}) { totalCount edges { cursor } }`,
});
/** Anything else that is small. */
const plain = (name: string, fields = '__typename') => ({
  text: (i: number) => `${name.replaceAll('#', String(i))} { ${fields} }`,
});
const selected = (name: string, fields: string, more = ''): Field[] => [
  { text: (i) => `${name}(${more}selection: { ${words(i)} }) { ${fields} }` },
  {
    text: (i) => `${name}(${more}selection: { filter: $f, search: "${i}" }) { ${fields} }`,
    filter: everyText,
  },
  { text: (i) => `${name}(${more}selection: { filter: {dor: {notEqualTo: "${i}"}} }) { ${fields} }` },
];
const sums = (more: string) => selected('sums', 'totalCount nodes { planCost }', more);
/** A mutation that is sent to an organization that nobody may change. */
const change = (name: string, input = '') => [
  { text: () => `${name}(input: { organizationId: 0${input} }) { clientMutationId }` },
];
const found = (more: string, fields: string) => ({
  text: (i: number) => `foundRecords(${words(i)}${more}) { ${fields} }`,
});

/** By type and field. A field that is published and not in here fails a test. */
export const dearest: Readonly<
  Record<'Query' | 'Organization' | 'Mutation', Readonly<Record<string, readonly Field[]>>>
> = {
  Organization: {
    aiConfig: [plain('aiConfig')],
    apiConfigurations: [list('apiConfigurations')],
    bounds: [plain('bounds')],
    bulkPreview: selected('bulkPreview', 'changedCount', 'operation: { shiftDays: 1 }, '),
    changes: [list('changes'), list('changes', ', key: "category"')],
    commits: [list('commits')],
    dataSourceMappings: [list('dataSourceMappings')],
    draftAuthors: [list('draftAuthors')],
    driftChecks: [list('driftChecks')],
    fieldConfigurations: [list('fieldConfigurations')],
    foundRecords: [
      found(', first: 0', 'totalCount'),
      found(', first: 10, orderBy: [CLASS_DESC, PFA_ID_ASC]', 'totalCount nodes { pfaId }'),
      found(', first: 1000', 'nodes { data base }'),
      { text: (i) => `foundRecords(first: 0, ${words(i)}, filter: $f) { totalCount }`, filter: everyText },
    ],
    gridColumns: [list('gridColumns')],
    kpis: [plain('kpis', 'planCost')],
    limits: [plain('limits')],
    memberships: [list('memberships')],
    mirrorBounds: [plain('mirrorBounds')],
    mirrorKpis: [list('mirrorKpis')],
    myDraftTotals: [plain('myDraftTotals', 'recordCount'), ...selected('myDraftTotals', 'recordCount')],
    myDrafts: [
      { text: (i) => `myDrafts(first: 1000, offset: ${i}) { totalCount nodes { base delta current } }` },
      { text: (i) => `myDrafts(first: 1, offset: ${1000 + i}) { totalCount }` },
    ],
    myOperations: [list('myOperations')],
    pfaFieldMappings: [list('pfaFieldMappings')],
    pfaRecords: [
      { text: (i) => `pfaRecords(first: 1000, offset: ${i}) { nodes { data base } }` },
      { text: (i) => `pfaRecords(first: 0, filter: {dor: {notEqualTo: "${i}"}}) { totalCount }` },
      { text: () => 'pfaRecords(first: 0, filter: $f) { totalCount }', filter: everyText },
      { text: () => 'pfaRecords(first: 0, filter: $f) { totalCount }', filter: manyValues },
      {
        text: (i) =>
          `pfaRecords(first: 10, offset: ${15_000 + i}, orderBy: [CATEGORY_DESC, CLASS_ASC, PFA_ID_ASC], filter: {dor: {notEqualTo: "${i}"}}) { totalCount nodes { pfaId } }`,
      },
      {
        text: (i) =>
          `pfaRecords(first: ${1 + i}) { nodes { organization { pfaRecords(first: 0) { totalCount } } } }`,
      },
    ],
    pushExchanges: [list('pushExchanges')],
    pushStatus: [plain('pushStatus')],
    referenceEntries: [
      list('referenceEntries'),
      list('referenceEntries', ', orderBy: [LIST_DESC, CODE_DESC]'),
    ],
    referenceLists: [plain('referenceLists(first: #)', 'nodes { entryCount } totalCount')],
    referenceRuns: [list('referenceRuns')],
    recordsChangedSince: [plain('recordsChangedSince(revision: "#")', 'isComplete')],
    sums: [
      ...sums(''),
      ...sums('layer: mirror, '),
      ...sums('groupBy: class, '),
      ...sums('groupBy: month, '),
      ...sums('groupBy: month, layer: mirror, '),
    ],
    suggestions: [
      {
        text: (i) =>
          `suggestions(list: "equipment", search: "a e ${i}", first: 50) { totalCount nodes { description } }`,
      },
    ],
    syncLogs: [list('syncLogs')],
    syncSchedule: [plain('syncSchedule')],
    takeovers: [list('takeovers')],
    unlistedValues: [
      { text: (i) => `unlistedValues(first: 1000, offset: ${i}) { totalCount nodes { problem } }` },
    ],
  },
  Query: {
    aiConfig: [plain('aiConfig(organizationId: #)')],
    aiProvider: [plain('aiProvider(id: "#")')],
    aiProviders: [list('aiProviders')],
    apiConfiguration: [plain('apiConfiguration(id: "#")')],
    apiConfigurations: [list('apiConfigurations')],
    dataSourceMapping: [plain('dataSourceMapping(id: "#")')],
    dataSourceMappings: [list('dataSourceMappings')],
    driftCheck: [plain('driftCheck(organizationId: 1, id: "#")')],
    fieldConfiguration: [plain('fieldConfiguration(id: "#")')],
    fieldConfigurations: [list('fieldConfigurations')],
    membership: [plain('membership(organizationId: 1, userId: #)')],
    organization: [plain('organization(id: #)', 'kpis { planCost }')],
    organizationByCode: [plain('organizationByCode(code: "#")', 'kpis { planCost }')],
    organizationProposals: [list('organizationProposals')],
    organizations: [
      list('organizations'),
      { text: (i) => `organizations(first: ${1 + i}) { nodes { sums { nodes { planCost } } } }` },
      { text: (i) => `organizations(first: ${1 + i}) { nodes { kpis { planCost } } }` },
    ],
    pfaChange: [plain('pfaChange(organizationId: 1, id: "#")')],
    pfaCommit: [plain('pfaCommit(organizationId: 1, id: "#")')],
    pfaDraft: [plain('pfaDraft(organizationId: 1, id: "#")')],
    pfaDraftOperation: [plain('pfaDraftOperation(organizationId: 1, id: "#")')],
    pfaField: [plain('pfaField(key: "#")')],
    pfaFieldMapping: [plain('pfaFieldMapping(id: #)')],
    pfaFieldMappings: [list('pfaFieldMappings')],
    pfaFields: [list('pfaFields')],
    pfaKpiSummary: [plain('pfaKpiSummary(organizationId: #, source: "Rental")')],
    pfaPushExchange: [plain('pfaPushExchange(organizationId: 1, id: "#")')],
    pfaRecord: [plain('pfaRecord(organizationId: 1, pfaId: "#")', 'data')],
    pfaTimelineBound: [plain('pfaTimelineBound(organizationId: #)')],
    query: [plain('query')],
    syncLog: [plain('syncLog(organizationId: 1, id: "#")')],
    syncReject: [plain('syncReject(organizationId: 1, id: "#")')],
    user: [plain('user(id: #)')],
    users: [list('users')],
    viewer: [plain('viewer')],
  },
  Mutation: {
    acceptListRemovals: change('acceptListRemovals', ', list: "class"'),
    acceptOrganization: [{ text: () => 'acceptOrganization(input: { code: "none" }) { clientMutationId }' }],
    acceptRemovals: change('acceptRemovals'),
    acceptRun: change('acceptRun', ', runId: "0"'),
    applyBulk: change('applyBulk', ', operation: { shiftDays: 1 }, selection: { everything: true }'),
    checkDrift: change('checkDrift'),
    commitDrafts: change('commitDrafts'),
    discardDrafts: change('discardDrafts'),
    discardDraftsOf: change('discardDraftsOf', ', userId: 0'),
    dismissTakeovers: change('dismissTakeovers'),
    dismissOrganization: [
      { text: () => 'dismissOrganization(input: { code: "none" }) { clientMutationId }' },
    ],
    pauseConnection: [
      { text: () => 'pauseConnection(input: { apiConfigurationId: "none" }) { clientMutationId }' },
    ],
    pausePush: change('pausePush'),
    pauseSync: change('pauseSync'),
    redoDraft: change('redoDraft'),
    requestLists: change('requestLists'),
    requestSync: change('requestSync'),
    resolveAllProblems: change('resolveAllProblems', ', choice: "mine", revision: "0"'),
    resolveProblems: change('resolveProblems', ', resolutions: []'),
    resumeConnection: [
      { text: () => 'resumeConnection(input: { apiConfigurationId: "none" }) { clientMutationId }' },
    ],
    resumePush: change('resumePush'),
    resumeSync: change('resumeSync'),
    saveDraft: change('saveDraft', ', recordId: "a", changes: { category: "x" }, revision: "0"'),
    saveDrafts: change(
      'saveDrafts',
      `, items: [${Array.from({ length: 2 }, (_, i) => `{recordId: "r${i}", revision: "0", changes: {}}`).join(' ')}]`,
    ),
    setLimits: change('setLimits'),
    setSyncSchedule: change('setSyncSchedule'),
    takeOverDrafts: change('takeOverDrafts', ', userId: 0'),
    undoDraft: change('undoDraft'),
    withdrawCommits: change('withdrawCommits'),
  },
};

/** A request for a field under so many names. */
export function requestFor(
  type: keyof typeof dearest,
  { text, filter }: Field,
  times: number,
  code: string,
): { query: string; variables: object } {
  const fields = Array.from({ length: times }, (_, i) => `a${i}: ${text(i)}`).join(' ');
  const inside =
    type === 'Organization' ? `organizationByCode(code: ${JSON.stringify(code)}) { ${fields} }` : fields;
  return {
    query: `${type === 'Mutation' ? 'mutation' : 'query'} ${filter ? '($f: PfaRecordFilter)' : ''} { ${inside} }`,
    variables: filter ? { f: filter } : {},
  };
}

/** The schema's objection to a request; undefined if it is accepted. */
export const excessOf = (schema: GraphQLSchema, query: string, variables: object) =>
  findExcess({ schema, document: parse(query), variableValues: variables } as ExecutionArgs);

/** The most that is tried. */
export const mostTimes = 200;

/** How often a field may be asked for in one request. */
export function mostAccepted(schema: GraphQLSchema, type: keyof typeof dearest, field: Field): number {
  const isAccepted = (times: number) => {
    const { query, variables } = requestFor(type, field, times, 'X');
    return excessOf(schema, query, variables) === undefined;
  };
  let [accepted, refused] = [0, mostTimes + 1];
  while (refused - accepted > 1) {
    const middle = Math.floor((accepted + refused) / 2);
    if (isAccepted(middle)) accepted = middle;
    else refused = middle;
  }
  return accepted;
}
