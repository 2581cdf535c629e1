import fc from 'fast-check';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { beforeAll, expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { fuzzRequests, isAsked } from '../support/scale.ts';
import { makeOrganization, putRecords, syncRows } from '../support/make.ts';
import { graphqlRequest, restRequest, type HostileRequest, type Names } from './hostile.ts';
import { makePerson, testApi } from './server.ts';

// Thousands of malformed or malicious requests. `npm test` sends a few, always the same ones. `npm run test:fuzz` sends
// 10,000 different ones each time, and prints how to repeat a failure.

const requests = fuzzRequests;
const isRandom = isAsked('FUZZ_REQUESTS');
const seed = process.env.FUZZ_SEED ? Number(process.env.FUZZ_SEED) : isRandom ? undefined : 20_261_122;

const db = await testDatabase();
const api = await testApi(db);

/** Appears in all data of the hidden organization, and in no request. */
const secret = 'HIDDENDATA';
const mine = await makeOrganization(db, 'MINE');
const hidden = await makeOrganization(db, 'OTHER');
const olga = await makePerson(db, 'olga', [[hidden, 'owner']]);
await db.owner.query('update app_public.organizations set name = $2 where id = $1', [hidden.id, secret]);
await db.owner.query("update app_public.users set email = $2 || '@example.com' where id = $1", [
  olga,
  secret,
]);
await makePerson(db, 'mia', [[mine, 'owner']]);
await makePerson(db, 'victor', [[mine, 'viewer']]);
await makePerson(db, 'nobody');
const tokens = {
  mia: await api.token('mia'),
  victor: await api.token('victor'),
  nobody: await api.token('nobody'),
  stranger: null,
  forger: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
};
const asker = fc.oneof(
  { weight: 4, arbitrary: fc.constant<keyof typeof tokens>('mia') },
  fc.constantFrom<keyof typeof tokens>('victor', 'nobody', 'stranger', 'forger'),
);
const schema = buildClientSchema(await api.data<IntrospectionQuery>(null, getIntrospectionQuery()));
const names: Names = {
  ids: [mine.id, hidden.id, olga, 1, 2, 3],
  texts: ['a', 'b', mine.code, hidden.code, 'olga', 'mia', 'MINE-1', 'category', '2026-01-01'],
  organizations: [mine.code, String(mine.id), hidden.code, String(hidden.id)],
  revisions: ['1', '2', '3', '4', '5', '6'],
};

beforeAll(async () => {
  for (const [organization, mark] of [
    [mine, 'MINE'],
    [hidden, secret],
  ] as const) {
    await putRecords(db, organization, [
      {
        pfaId: 'a',
        category: `${mark} A`,
        source: 'Purchase',
        purchasePrice: 1000,
        forecastEnd: '2026-01-11',
      },
      { pfaId: `${mark}-1`, category: `${mark} B`, source: 'Rental', monthlyRate: 10 },
    ]);
    await syncRows(db, organization, [
      { pfaId: 'a', data: { category: `${mark} A2` } },
      { pfaId: `${mark}-1`, data: { category: `${mark} B` } },
      {
        pfaId: 'c',
        data: {},
        problems: [{ key: 'x', value: mark, message: 'no' }],
        rowContent: { of: mark },
      },
    ]);
  }
});

/** Reads all data of the hidden organization and all users: no request may change them. */
async function whatMustStay(): Promise<unknown> {
  const { rows } = await db.owner.query(
    `select
      (select json_agg(m order by m.pfa_id) from app_core.pfa_mirror m) as mirror,
      (select json_agg(m order by m.id) from app_core.pfa_modification m where m.organization_id = $1) as modifications,
      (select json_agg(l order by l.id) from app_public.pfa_sync_log l where l.organization_id = $1) as runs,
      (select json_agg(o order by o.id) from app_public.organizations o) as organizations,
      (select json_agg(u order by u.id) from app_public.users u) as users,
      (select json_agg(m order by m.user_id) from app_public.user_organizations m) as memberships,
      (select json_agg(p order by p.user_id) from app_private.user_passwords p) as passwords`,
    [hidden.id],
  );
  return rows;
}

const internals =
  /app_core|app_private|node_modules|\bat .*\.[jt]s:\d|select .* from |pg_catalog|grafast|stack/i;

async function isWithstood(who: keyof typeof tokens, request: HostileRequest): Promise<void> {
  const { method, path, ...rest } = request;
  const answer = await api.rest<{ error?: { code: string }; errors?: { extensions?: { code?: string } }[] }>(
    method,
    path,
    { token: tokens[who], ...rest },
  );
  expect(answer.status, answer.text.slice(0, 500)).toBeLessThan(500);
  expect(answer.text).not.toContain(secret);
  const refused = answer.body as
    { error?: { code: string }; errors?: { extensions?: { code?: string } }[] } | undefined;
  if (answer.status >= 400 && method !== 'HEAD') {
    expect(refused?.error?.code ?? refused?.errors?.[0]?.extensions?.code).toMatch(/^[A-Z_]+$/);
  }
  for (const error of refused?.errors ?? []) expect(error.extensions?.code).toMatch(/^(?!INTERNAL)[A-Z_]+$/);
  const sent = JSON.stringify([path, rest]);
  const said = [refused?.error, ...(refused?.errors ?? [])].map(
    (error) => (error as { message?: string } | undefined)?.message ?? '',
  );
  for (const message of said) {
    // An error may repeat the input.
    if (!internals.test(sent)) expect(message).not.toMatch(internals);
  }
}

async function fuzz(request: fc.Arbitrary<HostileRequest>, numRuns: number): Promise<void> {
  await fc.assert(fc.asyncProperty(asker, request, isWithstood), {
    numRuns,
    ...(seed === undefined ? {} : { seed }),
    endOnFailure: !isRandom,
  });
}

test(
  'no REST request breaks the server, or reads or changes data of others',
  async () => {
    const before = await whatMustStay();
    await fuzz(restRequest(names), Math.ceil(requests / 2));
    expect(await whatMustStay()).toEqual(before);
    await api.data(tokens.mia, '{ viewer { id } }');
  },
  requests * 100 + 20_000,
);

test(
  'no GraphQL request breaks the server, or reads or changes data of others',
  async () => {
    const before = await whatMustStay();
    await fuzz(graphqlRequest(schema, names), Math.ceil(requests / 2));
    expect(await whatMustStay()).toEqual(before);
    await api.data(tokens.mia, '{ viewer { id } }');
  },
  requests * 100 + 20_000,
);
