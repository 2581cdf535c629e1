/** Effect of a large organization on a user of an ordinary one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { named, users } from './data.ts';
import { httpClient, signIn, type HttpClient } from './http.ts';
import { judged, summarize, timed } from './measure.ts';
import type { Measurement } from './measurements.ts';
import type { World } from './world.ts';

const atMostTimes = 1.5;
/** Repetitions of each case at full scale, alternating. */
const rounds = 2;
/** Users of the large organization who read a page a second. */
const pagers = 5;
const crowdScript = fileURLToPath(new URL('crowd.ts', import.meta.url));

const pageQuery = `query Page($code: String!, $category: String!, $after: Cursor) {
  organizationByCode(code: $code) {
    pfaRecords(first: 100, after: $after, filter: {category: {equalTo: $category}}, orderBy: [FORECAST_START_ASC]) {
      nodes {
        pfaId revision hasDraft isPending areaSilo category class source dor contract
        forecastStart forecastEnd monthlyRate planCost forecastCost variance
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

interface Times {
  page: number[];
  kpis: number[];
}

async function get(client: HttpClient, path: string): Promise<void> {
  const { status } = await client.send('GET', path);
  if (status !== 200) throw new Error(`${path} answered ${status}.`);
}

/** One percent of the large organization's records change in PEMS. */
async function change({ simulator, scale }: World, round: number): Promise<void> {
  const client = httpClient(simulator.controlUrl);
  for (let n = round + 1; n <= scale.large; n += 100) {
    const id = `${named.large}-${String(n).padStart(7, '0')}`;
    const { status, text } = await client.send('PATCH', `/records/${named.large}/${id}`, {
      values: { pfs_f_model: `Model ${round}` },
    });
    if (status !== 200) throw new Error(text);
  }
  client.close();
}

/**
 * Times a page and the totals of an ordinary organization: alone, and while PEMS syncs and users read the large one.
 */
export const neighbour: Measurement = async function* (world) {
  const { owner, organizations } = world;
  const [server, worker] = await Promise.all([world.startServer(), world.startWorker()]);
  const tokens = await signIn(world, server.url, [users.none, users.largeFew, users.largeMany]);
  const reader = httpClient(server.url, tokens.get(users.none));
  const { rows } = await owner.query<{ category: string }>(
    'select distinct category from app_core.pfa_mirror where organization_id = $1 and category is not null order by 1',
    [organizations.small],
  );
  const categories = rows.map(({ category }) => category);
  let n = 0;
  /** Requests of the ordinary organization's user until the load ends. */
  const read = async (times: Times, isOver: () => boolean) => {
    while (!isOver()) {
      const variables = { code: named.small, category: categories[n++ % categories.length] };
      times.page.push(await timed(() => reader.graphql(pageQuery, variables)));
      times.kpis.push(await timed(() => get(reader, `/api/pfa/${named.small}/kpis`)));
      await sleep(20);
    }
  };
  const forSeconds = (seconds: number) => {
    const end = performance.now() + seconds * 1000;
    return () => performance.now() > end;
  };

  await read({ page: [], kpis: [] }, forSeconds(2 * world.scale.repeat));
  const alone: Times = { page: [], kpis: [] };
  const cases = [
    { name: 'large one synchronized, paged', readers: 0, times: { page: [], kpis: [] } as Times },
    { name: 'and read whole', readers: 1, times: { page: [], kpis: [] } as Times },
  ];
  for (let round = 0; round < rounds * world.scale.repeat; round++) {
    await read(alone, forSeconds(4 * world.scale.repeat));
    for (const [i, { readers, times }] of cases.entries()) {
      await change(world, round * cases.length + i);
      const crowd = await world.startPart(crowdScript, [
        JSON.stringify({
          ...{ url: server.url, code: named.large, query: pageQuery, categories },
          pagers: Array.from({ length: pagers }, (_, k) =>
            tokens.get(k % 2 ? users.largeFew : users.largeMany),
          ),
          readers: Array.from({ length: readers }, () => tokens.get(users.largeFew)),
        }),
      ]);
      let isOver = false;
      const sync = world.sync(organizations.large).finally(() => (isOver = true));
      await Promise.all([sync, read(times, () => isOver)]);
      await crowd.stop();
    }
  }
  reader.close();
  await worker.stop();
  await server.stop();
  for (const what of ['page', 'kpis'] as const) {
    for (const { name, times } of cases) {
      yield judged(
        `${what === 'page' ? 'page' : 'KPIs'} of ${world.scale.ordinary}, ${name}`,
        summarize(times[what]),
        summarize(alone[what]),
        { atMostTimes },
        `${times[what].length} times`,
      );
    }
  }
};
