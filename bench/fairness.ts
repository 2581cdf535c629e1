/** Effect on users of one organization while users of another one send as many requests as possible. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { named, users } from './data.ts';
import { httpClient, signIn } from './http.ts';
import { judged, summarize, timed } from './measure.ts';
import type { Measurement } from './measurements.ts';

const atMostTimes = 3;
const atOnce = 24;
const attackScript = fileURLToPath(new URL('attack.ts', import.meta.url));

const page = `query Page($code: String!) {
  organizationByCode(code: $code) {
    pfaRecords(first: 100, orderBy: [PFA_ID_ASC]) { nodes { pfaId revision category planCost forecastCost } }
  }
}`;
/** Shifts the dates of all records like the web app, with the token of a preview. */
const preview = `query Preview($id: Int!) {
  organization(id: $id) { bulkPreview(selection: { everything: true }, operation: { shiftDays: 1 }) { previewToken } }
}`;
const apply = `mutation Apply($id: Int!, $token: String!) {
  applyBulk(
    input: { organizationId: $id, selection: { everything: true }, operation: { shiftDays: 1 }, previewToken: $token, skipRefused: true }
  ) { clientMutationId }
}`;
const step = (name: string) =>
  `mutation Step($id: Int!) { ${name}(input: { organizationId: $id }) { clientMutationId } }`;
const repeated = (count: number, field: string) =>
  `query Read($id: Int!) { organization(id: $id) { ${Array.from({ length: count }, (_, i) => `f${i}: ${field}`).join(' ')} } }`;
/** Queries that take seconds of database time or are refused for their cost. */
const expensive = [
  repeated(45, 'bulkPreview(selection: { everything: true }, operation: { shiftDays: 1 }) { previewToken }'),
  repeated(12, 'sums(groupBy: month) { totalCount }'),
  repeated(12, 'foundRecords(search: "a", first: 1) { totalCount }'),
];

/**
 * Times a page of an ordinary organization: alone, and while two users of the large one each send 24 concurrent
 * requests.
 */
export const fairness: Measurement = async function* (world) {
  const { organizations } = world;
  const server = await world.startServer();
  const tokens = await signIn(world, server.url, [users.none, users.largeFew, users.largeMany]);
  const reader = httpClient(server.url, tokens.get(users.none));
  const member = httpClient(server.url, tokens.get(users.largeMany));
  const variables = { id: organizations.large };
  let failures = 0;
  const read = async (seconds: number) => {
    const times: number[] = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
      times.push(
        await timed(async () => {
          const { status } = await reader.send('POST', '/graphql', {
            query: page,
            variables: { code: named.none },
          });
          if (status >= 500) failures++;
        }),
      );
      await sleep(20);
    }
    return times;
  };
  const isReady = async () => {
    if ((await reader.send('GET', '/api/ready')).status !== 200) failures++;
  };

  const { organization } = await member.graphql<{ organization: { bulkPreview: { previewToken: string } } }>(
    preview,
    variables,
  );
  await member.graphql(apply, { ...variables, token: organization.bulkPreview.previewToken });
  await read(2);
  const quiet = summarize(await read(16 * world.scale.repeat));
  const cases: [string, [string, string[]][]][] = [
    ['undo and redo of everything', [[users.largeMany, [step('undoDraft'), step('redoDraft')]]]],
    ['expensive queries', [[users.largeFew, expensive]]],
    [
      'both',
      [
        [users.largeMany, [step('undoDraft'), step('redoDraft')]],
        [users.largeFew, expensive],
      ],
    ],
  ];
  for (const [name, attackers] of cases) {
    failures = 0;
    const attacks = await Promise.all(
      attackers.map(([user, queries]) =>
        world.startPart(attackScript, [
          JSON.stringify({
            ...{ url: server.url, token: tokens.get(user), atOnce },
            requests: queries.map((query) => ({ query, variables })),
          }),
        ]),
      ),
    );
    const times = await read(32 * world.scale.repeat);
    await isReady();
    for (const attack of attacks) await attack.stop();
    const result = judged(
      `page of ${world.scale.ordinary}, ${name}`,
      summarize(times),
      quiet,
      { atMostTimes },
      `quiet p95 ${quiet.p95.toFixed(0)} ms; ${failures} x 5xx`,
    );
    yield { ...result, goal: `${result.goal}, no 5xx`, held: result.held && failures === 0 };
  }
  for (const client of [reader, member]) client.close();
  await server.stop();
};
