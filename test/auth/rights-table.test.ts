import type { IRouter } from 'express';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { expect, test } from 'vitest';
import { openSigningKeys } from '../../src/auth/keys.ts';
import { createVault } from '../../src/encryption.ts';
import { createApp } from '../../src/http/app.ts';
import { createLogger } from '../../src/logger.ts';
import { cookieOf, encryptionKeys, makePerson, password, testApi, type ErrorBody } from '../api/server.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization, one, syncRows, type MembershipRole } from '../support/make.ts';

// The table of rights: each published operation for each kind of user, cell by cell. A new operation fails here until
// the table has a line for it.

const db = await testDatabase();
const api = await testApi(db);
const here = await makeOrganization(db, 'HERE');

/** All combinations of a user's role and membership that have different rights. */
const people = {
  administrator: ['admin', undefined],
  owner: ['user', 'owner'],
  admin: ['user', 'admin'],
  member: ['user', 'member'],
  viewer: ['user', 'viewer'],
  'viewer by role, though owner': ['viewer', 'owner'],
  'of no organization': ['user', undefined],
  'switched off': ['user', 'owner'],
} as const satisfies Record<string, ['admin' | 'user' | 'viewer', MembershipRole | undefined]>;
type Who = keyof typeof people | 'not signed in';
const everybody = [...(Object.keys(people) as (keyof typeof people)[]), 'not signed in'] as Who[];

/** Outcomes: done or visible; missing (as if it did not exist); visible but forbidden; sign-in required. */
type Outcome = 'yes' | 'nothing' | 'forbidden' | 'sign in';

/** Lines of the table: one outcome for each of `everybody`, in that order. */
const rights = (...line: (Outcome | Outcome[])[]) => line.flat();
const out: Outcome[] = ['sign in', 'sign in'];
const signedIn = rights('yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'yes', out);
const read = rights('yes', 'yes', 'yes', 'yes', 'yes', 'yes', 'nothing', out);
const write = rights('yes', 'yes', 'yes', 'yes', 'forbidden', 'forbidden', 'nothing', out);
const manage = rights('yes', 'yes', 'yes', 'forbidden', 'forbidden', 'forbidden', 'nothing', out);
const seeHowItIsManaged = rights('yes', 'yes', 'yes', 'nothing', 'nothing', 'nothing', 'nothing', out);
const administer = rights('yes', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', out);
const asItsAuthor = rights('nothing', 'yes', 'nothing', 'nothing', 'nothing', 'nothing', 'nothing', out);
const asThatMember = rights('yes', 'yes', 'yes', 'yes', 'nothing', 'nothing', 'nothing', out);
const asThatUser = rights('yes', 'nothing', 'nothing', 'yes', 'nothing', 'nothing', 'nothing', out);
const undoingNothing = rights(
  'nothing',
  'nothing',
  'nothing',
  'nothing',
  'forbidden',
  'forbidden',
  'nothing',
  out,
);
const administerAlone = rights('yes', ...Array.from({ length: 6 }, (): Outcome => 'forbidden'), out);
const anybody: Outcome[] = everybody.map(() => 'yes');

const names = Object.fromEntries(everybody.map((who) => [who, `who is ${who}`])) as Record<Who, string>;
const ids = {} as Record<Who, number>;
const tokens = {} as Record<Who, string | null>;
const cookies = {} as Record<Who, string>;
for (const [who, [role, membership]] of Object.entries(people) as [Who, (typeof people)['owner']][]) {
  ids[who] = await makePerson(db, names[who], membership ? [[here, membership]] : [], role);
  const login = await api.login(names[who]);
  tokens[who] = login.body.token;
  cookies[who] = cookieOf(login).header;
}
tokens['not signed in'] = null;
cookies['not signed in'] = '';
await db.owner.query('update app_public.users set is_active = false where id = $1', [ids['switched off']]);

await syncRows(db, here, [
  { pfaId: 'a', data: { category: 'A', source: 'Rental', monthlyRate: 1, forecastStart: '2026-01-01' } },
  { pfaId: 'bad', data: {}, problems: [{ key: 'monthlyRate', value: 'x', message: 'is not a number' }] },
]);
for (const statement of [
  "insert into app_public.ai_providers (id, type, name) values ('gemini', 'gemini', 'Gemini')",
  "insert into app_public.api_configurations (id, organization_id, name, usage, operation_type) values ('pems', $1, 'PEMS', 'PEMS_PFA_READ', 'read-write')",
  `insert into app_public.data_source_mappings (id, entity_type, organization_id, api_configuration_id) values ('pfa', 'pfa', $1, 'pems')`,
  'insert into app_public.organization_ai_configs (organization_id) values ($1)',
  "insert into app_public.field_configurations (id, organization_id, name) values ('layout', $1, 'Layout')",
  'update app_public.pfa_sync_log set rows_spared = 1, rows_twin = 1 where organization_id = $1',
  "insert into app_public.pfa_field_mappings (organization_id, key, grid_aliases) values ($1, 'areaSilo', '{x}')",
  `insert into app_public.organization_proposals (code, name) values ('SEEN', 'Seen'), ('TAKEN', 'Taken'), ('LEFT', 'Left')`,
  `insert into app_public.reference_runs (organization_id, list, trigger, state, finished_at, rows_withheld)
    values ($1, 'class', 'schedule', 'succeeded', now(), 1)`,
])
  await db.owner.query(statement, statement.includes('$1') ? [here.id] : []);
await db.owner.query('select app_private.refresh_summaries()');
const drafted = await api.rest<{ revision: number }>('GET', '/api/pfa/HERE?limit=1', { token: tokens.owner });
const { records } = drafted.body as unknown as { records: { revision: number }[] };
await api.rest('POST', '/api/pfa/HERE/draft', {
  token: tokens.owner,
  body: { recordId: 'a', changes: { model: 'M' }, revision: one(records).revision },
});
await db.owner.query(
  `insert into app_core.pfa_modification (organization_id, user_id, pfa_id, delta, base, state, commit_sequence, committed_at)
  values ($1, $2, 'a', '{"class": "C"}', '{"class": null}', 'committed', 1, now())`,
  [here.id, ids.owner],
);
const committed = one(
  (
    await db.owner.query<{ id: string }>(
      `insert into app_core.pfa_change (organization_id, pfa_id, user_id, route, changes)
      values ($1, 'a', $2, 'commit', '{}') returning id`,
      [here.id, ids.owner],
    )
  ).rows,
);
const theId = async (table: string) =>
  one(
    (await db.owner.query<{ id: string }>(`select id from ${table} t where organization_id = $1`, [here.id]))
      .rows,
  ).id;
const modification = (state: string) => `(select * from app_core.pfa_modification where state = '${state}')`;
await db.owner.query(
  `select app_private.note_exchange($1, 'a', 1, 1, '{"action": "read", "request": "{}", "milliseconds": 1}')`,
  [here.id],
);
const [draft, commit, operation, run, reject, mapping, exchange] = await Promise.all(
  [
    modification('draft'),
    modification('committed'),
    'app_core.pfa_draft_operation',
    'app_public.pfa_sync_log',
    'app_public.pfa_sync_reject',
    'app_public.pfa_field_mappings',
    'app_core.pfa_push_exchange',
  ].map(theId),
);

const drift = one(
  (
    await db.owner.query<{ id: string }>('select id from app_private.queue_drift_check($1, 10, null)', [
      here.id,
    ])
  ).rows,
).id;

const id = here.id;
const list = '{ nodes { __typename } }';
const row = '{ __typename }';

/** Each root field for the data of the organization; for lists, all rows. */
const queries: Record<string, [asked: string, Outcome[]]> = {
  aiConfig: [`(organizationId: ${id}) ${row}`, seeHowItIsManaged],
  aiProvider: [`(id: "gemini") ${row}`, administer],
  aiProviders: [list, administer],
  apiConfiguration: [`(id: "pems") ${row}`, seeHowItIsManaged],
  apiConfigurations: [list, seeHowItIsManaged],
  dataSourceMapping: [`(id: "pfa") ${row}`, seeHowItIsManaged],
  dataSourceMappings: [list, seeHowItIsManaged],
  driftCheck: [`(organizationId: ${id}, id: "${drift}") ${row}`, seeHowItIsManaged],
  fieldConfiguration: [`(id: "layout") ${row}`, read],
  fieldConfigurations: [list, read],
  membership: [`(organizationId: ${id}, userId: ${ids.member}) ${row}`, asThatMember],
  organization: [`(id: ${id}) ${row}`, read],
  organizationByCode: [`(code: "HERE") ${row}`, read],
  organizationProposals: [list, administer],
  organizations: [list, read],
  pfaChange: [`(organizationId: ${id}, id: "${committed.id}") ${row}`, read],
  pfaCommit: [`(organizationId: ${id}, id: "${commit}") ${row}`, read],
  pfaDraft: [`(organizationId: ${id}, id: "${draft}") ${row}`, asItsAuthor],
  pfaDraftOperation: [`(organizationId: ${id}, id: "${operation}") ${row}`, asItsAuthor],
  pfaField: [`(key: "category") ${row}`, signedIn],
  pfaFieldMapping: [`(id: ${mapping}) ${row}`, read],
  pfaPushExchange: [`(organizationId: ${id}, id: "${exchange}") ${row}`, seeHowItIsManaged],
  pfaFieldMappings: [`(filter: { organizationId: { equalTo: ${id} } }) ${list}`, read],
  pfaFields: [list, signedIn],
  pfaKpiSummary: [`(organizationId: ${id}, source: "Rental") ${row}`, read],
  pfaRecord: [`(organizationId: ${id}, pfaId: "a") ${row}`, read],
  pfaTimelineBound: [`(organizationId: ${id}) ${row}`, read],
  query: [row, signedIn],
  syncLog: [`(organizationId: ${id}, id: "${run}") ${row}`, read],
  syncReject: [`(organizationId: ${id}, id: "${reject}") ${row}`, read],
  user: [`(id: ${ids.member}) ${row}`, asThatUser],
  users: [list, signedIn],
  viewer: [row, signedIn],
};

/** Each mutation, on data of the organization. A stale revision is refused last. */
const mutations: Record<string, [input: string, Outcome[]]> = {
  acceptListRemovals: [`organizationId: ${id}, list: "class"`, manage],
  acceptOrganization: ['code: "TAKEN"', administerAlone],
  acceptRemovals: [`organizationId: ${id}, runId: "${run}"`, manage],
  acceptRun: [`organizationId: ${id}, runId: "${run}"`, manage],
  applyBulk: [`organizationId: ${id}, selection: { recordIds: [] }, operation: { shiftDays: 1 }`, write],
  checkDrift: [`organizationId: ${id}, sample: 10`, manage],
  commitDrafts: [`organizationId: ${id}, selection: { recordIds: [] }`, write],
  discardDrafts: [`organizationId: ${id}, recordIds: []`, write],
  discardDraftsOf: [`organizationId: ${id}, userId: ${ids.viewer}`, manage],
  dismissOrganization: ['code: "LEFT"', administerAlone],
  dismissTakeovers: [`organizationId: ${id}`, read],
  pauseConnection: ['apiConfigurationId: "pems"', seeHowItIsManaged],
  pausePush: [`organizationId: ${id}`, manage],
  pauseSync: [`organizationId: ${id}`, manage],
  redoDraft: [`organizationId: ${id}, operationId: "0"`, undoingNothing],
  requestLists: [`organizationId: ${id}`, manage],
  requestSync: [`organizationId: ${id}`, manage],
  resolveAllProblems: [`organizationId: ${id}, choice: "theirs", revision: "0"`, write],
  resolveProblems: [
    `organizationId: ${id}, resolutions: [{ recordId: "a", revision: "0", choice: "theirs" }]`,
    write,
  ],
  resumeConnection: ['apiConfigurationId: "pems"', seeHowItIsManaged],
  resumePush: [`organizationId: ${id}`, manage],
  resumeSync: [`organizationId: ${id}`, manage],
  saveDraft: [`organizationId: ${id}, recordId: "a", changes: { model: "N" }, revision: "0"`, write],
  saveDrafts: [
    `organizationId: ${id}, items: [{ recordId: "a", changes: { model: "N" }, revision: "0" }]`,
    write,
  ],
  setLimits: [`organizationId: ${id}, absentDays: 14`, manage],
  setSyncSchedule: [`organizationId: ${id}, everyMinutes: 30`, manage],
  takeOverDrafts: [`organizationId: ${id}, userId: ${ids['of no organization']}`, manage],
  undoDraft: [`organizationId: ${id}, operationId: "0"`, rights('nothing', 'yes', undoingNothing.slice(2))],
  withdrawCommits: [`organizationId: ${id}, modificationIds: []`, write],
};

interface Route {
  expected: Outcome[];
  path?: string;
  body?: unknown;
  /** Input of the request, where it depends on the user. */
  sent?: (who: Who) => object;
}
const byCookie = (who: Who) => ({ token: null, headers: { cookie: cookies[who] } });

/** Each REST route, in the order of the requests: those that end the session come last. */
const routes: Record<string, Route> = {
  'GET /.well-known/jwks.json': { expected: anybody },
  // Only in development; its queries run with the rights of the user.
  'GET /graphiql': { expected: anybody },
  'GET /api/health': { expected: anybody },
  'GET /api/ready': { expected: anybody },
  'POST /graphql': { expected: signedIn, body: { query: '{ viewer { id } }' } },
  'GET /api/pfa/:org/': { expected: read, path: '/api/pfa/HERE' },
  'GET /api/pfa/:org/kpis': { expected: read },
  'GET /api/pfa/:org/bounds': { expected: read },
  'POST /api/pfa/:org/draft': {
    expected: write,
    body: { recordId: 'a', changes: { model: 'N' }, revision: 0 },
  },
  'POST /api/pfa/:org/draft/batch': {
    expected: write,
    body: { items: [{ recordId: 'a', changes: { model: 'N' }, revision: 0 }] },
  },
  'POST /api/pfa/:org/commit': { expected: write, body: { recordIds: [] } },
  'POST /api/pfa/:org/discard': { expected: write, body: { recordIds: [] } },
  'GET /api/sync/status': { expected: signedIn },
  'POST /api/sync/trigger': { expected: manage, body: { organization: 'HERE' } },
  'POST /api/auth/login': {
    expected: signedIn,
    sent: (who) => ({ token: null, body: { username: names[who], password } }),
  },
  'POST /api/auth/refresh': { expected: signedIn, sent: byCookie },
  // A wrong current password is refused last.
  'POST /api/auth/change-password': {
    expected: signedIn,
    body: { currentPassword: 'wrong', newPassword: 'quite another password' },
  },
  'POST /api/auth/logout': { expected: anybody, sent: byCookie },
};

/** Errors that only a user with the right can receive. */
const late = ['REVISION_CONFLICT', 'INVALID_VALUE'];

function outcome(status: number, code: string | undefined): Outcome {
  if (code === undefined && status < 400) return 'yes';
  if (code !== undefined && late.includes(code)) return 'yes';
  if (status === 404 || code === 'NOT_FOUND') return 'nothing';
  if (status === 403 || code === 'FORBIDDEN') return 'forbidden';
  if (status === 401 || code === 'UNAUTHENTICATED') return 'sign in';
  throw new Error(`This is no answer of the table: ${status} ${code}.`);
}

async function inGraphql(who: Who, operation: string): Promise<Outcome> {
  const { status, body } = await api.graphql<{ asked: { nodes?: unknown[] } | null }>(tokens[who], operation);
  const code = body.errors?.[0]?.extensions?.code ?? (body as unknown as Partial<ErrorBody>).error?.code;
  const answered = outcome(status, code);
  const asked = body.data?.asked;
  return answered === 'yes' && code === undefined && (!asked || asked.nodes?.length === 0)
    ? 'nothing'
    : answered;
}

const asTable = (line: Outcome[]) => Object.fromEntries(everybody.map((who, i) => [who, line[i]]));
async function each(ask: (who: Who) => Promise<Outcome>) {
  const line: Outcome[] = [];
  for (const who of everybody) line.push(await ask(who));
  return asTable(line);
}

test.each(Object.entries(queries))('visibility of %s', async (field, [asked, expected]) => {
  expect(await each((who) => inGraphql(who, `{ asked: ${field} ${asked} }`))).toEqual(asTable(expected));
});

test.each(Object.entries(mutations))('rights to %s', async (field, [input, expected]) => {
  const mutation = `mutation { asked: ${field}(input: { ${input} }) { __typename } }`;
  expect(await each((who) => inGraphql(who, mutation))).toEqual(asTable(expected));
});

test.each(Object.entries(routes))('rights to call %s', async (route, { expected, path, body, sent }) => {
  const [method = '', pattern = ''] = route.split(' ');
  const ask = async (who: Who) => {
    const answer = await api.rest<Partial<ErrorBody> | undefined>(
      method,
      path ?? pattern.replace(':org', here.code),
      { token: tokens[who], body, ...sent?.(who) },
    );
    const code = answer.body?.error?.code;
    // Without a valid token, the response does not depend on the account.
    const reached = route.endsWith('change-password') && code === 'WRONG_CREDENTIALS';
    return reached ? 'yes' : outcome(answer.status, code);
  };
  expect(await each(ask)).toEqual(asTable(expected));
});

test('the table names all published operations', async () => {
  const schema = buildClientSchema(await api.data<IntrospectionQuery>(null, getIntrospectionQuery()));
  const fields = (type = schema.getQueryType()) => Object.keys(type?.getFields() ?? {}).sort();
  expect(fields(), 'queries').toEqual(Object.keys(queries).sort());
  expect(fields(schema.getMutationType()), 'mutations').toEqual(Object.keys(mutations).sort());
  expect(await publishedRoutes(), 'routes of REST').toEqual(Object.keys(routes).sort());
});

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
  /** Mount point of the route. */
  rawPath: string;
}

/** Returns the routes of the application, read from Express. */
async function publishedRoutes(): Promise<string[]> {
  const logger = createLogger('test', 'silent');
  const signingKeys = await openSigningKeys(db.authenticator, createVault(encryptionKeys), logger);
  const app = await createApp({
    pool: db.authenticator,
    reservedPool: db.authenticator,
    databaseUrl: db.urls.authenticator,
    signingKeys,
    production: false,
    introspection: true,
    trustProxy: 0,
    logger,
  });
  try {
    const [express] = app.server.listeners('request') as unknown as { router: IRouter }[];
    const walk = (stack: Layer[], prefix: string): string[] =>
      stack.flatMap((layer) => {
        if (layer.route) {
          const { path, methods } = layer.route;
          const address = `${prefix}${path}`.replace(/^\/\//, '/');
          return Object.keys(methods).map((method) => `${method.toUpperCase()} ${address}`);
        }
        return layer.handle.stack ? walk(layer.handle.stack, prefix + layer.rawPath) : [];
      });
    return walk(express!.router.stack as unknown as Layer[], '').sort();
  } finally {
    await app.release();
  }
}
