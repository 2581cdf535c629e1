import { setTimeout as sleep } from 'node:timers/promises';
import { named, users } from './data.ts';
import { httpClient, load, signIn } from './http.ts';
import { judged, summarize, digits } from './measure.ts';
import type { Measurement } from './measurements.ts';

const query = `query Page($code: String!, $category: String!, $source: String!) {
  organizationByCode(code: $code) {
    pfaRecords(first: 100, filter: {category: {equalTo: $category}, source: {equalTo: $source}}, orderBy: [FORECAST_START_ASC]) {
      nodes {
        pfaId revision hasDraft isPending areaSilo category class source dor contract
        forecastStart forecastEnd monthlyRate planCost forecastCost variance
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

interface Page {
  nodes: Record<string, unknown>[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Concurrent requests, and the duration of each side's turn at full scale. */
const concurrency = 8;
const turn = 2000;
const turns = 6;

/** Times a page of records over HTTP: GraphQL against a hand-written server for the same page. */
export const graphql: Measurement = async function* (world) {
  const [ours, plain] = await Promise.all([world.startServer(), world.startPlainServer()]);
  const token = (await signIn(world, ours.url, [users.few])).get(users.few)!;
  const { rows } = await world.owner.query<{ category: string; source: string }>(
    `select category, source from app_core.pfa_mirror where organization_id = $1 and category is not null and source is not null
    group by 1, 2 having count(*) > 100 order by 1, 2`,
    [world.organizations.few],
  );
  const pages = rows.map((row) => ({ code: named.few, ...row }));

  // Both must return the same data.
  const [one, other] = [httpClient(ours.url, token), httpClient(plain.url, token)];
  for (const page of pages) {
    const mine = (await one.graphql<{ organizationByCode: { pfaRecords: Page } }>(query, page))
      .organizationByCode.pfaRecords;
    const theirs = JSON.parse((await other.send('POST', '/page', page)).text) as Page;
    const essence = ({ nodes, pageInfo }: Page) => JSON.stringify([nodes, pageInfo.hasNextPage]);
    if (mine.nodes.length !== 100 || essence(mine) !== essence(theirs))
      throw new Error(`GraphQL and the plain server differ on ${JSON.stringify(page)}.`);
  }
  one.close();
  other.close();

  const sides = [
    { url: ours.url, path: '/graphql', body: (variables: object) => ({ query, variables }) },
    { url: plain.url, path: '/page', body: (variables: object) => variables },
  ].map(({ url, path, body }) => ({
    clients: Array.from({ length: concurrency }, () => httpClient(url, token)),
    bodies: pages.map(body),
    path,
    times: [] as number[],
    perSecond: [] as number[],
  }));
  let n = 0;
  for (let i = 0; i <= turns; i++) {
    for (const side of sides) {
      const { times, perSecond } = await load(side.clients, turn * world.scale.repeat, async (client) => {
        const { status } = await client.send('POST', side.path, side.bodies[n++ % side.bodies.length]);
        if (status !== 200) throw new Error(`${side.path} answered ${status}.`);
      });
      // The first turn warms up.
      if (i > 0) {
        side.times.push(...times);
        side.perSecond.push(perSecond);
      }
      await sleep(50);
    }
  }
  for (const { clients } of sides) for (const client of clients) client.close();
  await ours.stop();
  await plain.stop();
  const [mine, theirs] = sides.map(({ perSecond }) => summarize(perSecond).median) as [number, number];
  const share = mine / theirs;
  yield {
    ...judged('GraphQL page of 100', summarize(sides[0]!.times), summarize(sides[1]!.times), {}),
    ratio: share,
    goal: '>= 0.4 of its requests a second',
    held: share >= 0.4,
    note: `${digits(mine)} requests a second, plain ${digits(theirs)}; ${concurrency} at once`,
  };
};
