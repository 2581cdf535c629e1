/** Load of a whole company: most users read pages of their organizations, some read the board, and a few save. */
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../simulator/index.ts';
import { httpClient, signIn, type HttpClient } from './http.ts';
import { digits, summarize, type Result } from './measure.ts';
import type { Measurement } from './measurements.ts';
import type { World } from './world.ts';

const seconds = 60;
/** Shares of all requests for pages and totals; the rest saves drafts. */
const shares = { pages: 0.8, kpis: 0.15 };
/** Average time between a user's requests, in milliseconds; shorter than that of real users. */
const pause = 1000;
const p99Below = 500;

const pageQuery = `query Page($code: String!, $filter: PfaRecordFilter, $orderBy: [PfaRecordOrderBy!], $after: Cursor) {
  organizationByCode(code: $code) {
    pfaRecords(first: 100, after: $after, filter: $filter, orderBy: $orderBy) {
      nodes {
        pfaId revision hasDraft isPending areaSilo category class source dor contract
        forecastStart forecastEnd monthlyRate planCost forecastCost variance
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
const kpiQuery = `query Board($code: String!) {
  organizationByCode(code: $code) {
    kpis { recordCount planCost forecastCost actualCost variance rentalCount purchaseCount }
    bounds { originalStart originalEnd forecastStart forecastEnd actualStart actualEnd }
  }
}`;
const saveMutation = `mutation Save($organizationId: Int!, $recordId: String!, $changes: JSON!, $revision: BigInt!) {
  saveDraft(input: {organizationId: $organizationId, recordId: $recordId, changes: $changes, revision: $revision}) {
    record { pfaId revision hasDraft }
  }
}`;

const orders = [
  'PFA_ID',
  'CATEGORY',
  'CLASS',
  'AREA_SILO',
  'FORECAST_START',
  'FORECAST_END',
  'FORECAST_COST_CENTS',
];

interface Organization {
  id: number;
  code: string;
}

interface Row {
  pfaId: string;
  revision: string;
  areaSilo: string | null;
  category: string | null;
  class: string | null;
  source: string | null;
  forecastStart: string | null;
  forecastEnd: string | null;
}

/** Shifts by whole days. */
const later = (day: string, days: number) =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/** Simulates a working user: each call takes the next step and resolves when it is complete. */
function userAtWork(
  client: HttpClient,
  organizations: readonly Organization[],
  seed: number,
): () => Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
  let organization = pick(organizations);
  let rows: Row[] = [];
  let next: Record<string, unknown> | undefined;

  /** Searches by a user who has seen a page: for text of one of its rows. */
  const filter = (): object => {
    const row = rows.length > 0 ? pick(rows) : undefined;
    const equal = (names: (keyof Row)[]) =>
      Object.fromEntries(names.flatMap((name) => (row?.[name] ? [[name, { equalTo: row[name] }]] : [])));
    const from = row?.forecastStart;
    switch (Math.floor(random() * 6)) {
      case 0:
        return {};
      case 1:
        return equal(['category']);
      case 2:
        return equal(['areaSilo']);
      case 3:
        return equal(['class', 'source']);
      case 4:
        return from
          ? { forecastStart: { greaterThanOrEqualTo: from, lessThan: later(from, 90) } }
          : equal(['source']);
      default:
        return equal(['category', 'source']);
    }
  };

  const page = async () => {
    let variables = random() < 0.5 ? next : undefined;
    if (!variables) {
      if (random() < 0.3) {
        organization = pick(organizations);
        rows = [];
      }
      const chosen = filter();
      variables = {
        code: organization.code,
        orderBy: [`${pick(orders)}_${random() < 0.7 ? 'ASC' : 'DESC'}`],
        ...(Object.keys(chosen).length > 0 ? { filter: chosen } : {}),
      };
    }
    const data = await client.graphql<{
      organizationByCode: {
        pfaRecords: { nodes: Row[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
      };
    }>(pageQuery, variables);
    const { nodes, pageInfo } = data.organizationByCode.pfaRecords;
    rows = nodes;
    next = pageInfo.hasNextPage ? { ...variables, after: pageInfo.endCursor } : undefined;
  };

  const get = async (path: string) => {
    const { status, text } = await client.send('GET', path);
    if (status !== 200) throw new Error(`HTTP ${status}: ${text.slice(0, 500)}`);
  };

  const sums = async () => {
    if (random() < 0.5) await get(`/api/pfa/${organization.code}/kpis`);
    else await client.graphql(kpiQuery, { code: organization.code });
  };

  const save = async () => {
    const row = rows.length > 0 ? pick(rows) : undefined;
    if (!row) return page();
    const days = 1 + Math.floor(random() * 60);
    const changes =
      row.forecastStart && row.forecastEnd
        ? { forecastStart: later(row.forecastStart, days), forecastEnd: later(row.forecastEnd, days) }
        : { monthlyRate: 1000 + days };
    const { pfaId: recordId, revision } = row;
    if (random() < 0.5) {
      const variables = { organizationId: organization.id, recordId, changes, revision };
      const data = await client.graphql<{ saveDraft: { record: Row } }>(saveMutation, variables);
      row.revision = data.saveDraft.record.revision;
    } else {
      const path = `/api/pfa/${organization.code}/draft`;
      const { status, text } = await client.send('POST', path, { recordId, changes, revision });
      if (status !== 200) throw new Error(`HTTP ${status}: ${text.slice(0, 500)}`);
      row.revision = String((JSON.parse(text) as { revision: number }).revision);
    }
  };

  return () => {
    const dice = random();
    return dice < shares.pages ? page() : dice < shares.pages + shares.kpis ? sums() : save();
  };
}

/**
 * Runs all users for a given time. Each user pauses for this many milliseconds on average after each response; 0 means
 * no pause.
 */
async function work(
  everybody: readonly (() => Promise<void>)[],
  milliseconds: number,
  wait: number,
): Promise<{ times: number[]; errors: string[]; perSecond: number }> {
  const times: number[] = [];
  const errors: string[] = [];
  const began = performance.now();
  await Promise.all(
    everybody.map(async (act) => {
      // Users start at different moments.
      if (wait > 0) await sleep(Math.random() * wait);
      while (performance.now() - began < milliseconds) {
        const from = performance.now();
        await act().catch((error: Error) => errors.push(error.message));
        times.push(performance.now() - from);
        if (wait > 0) await sleep(Math.random() * 2 * wait);
      }
    }),
  );
  return { times, errors, perSecond: (times.length * 1000) / (performance.now() - began) };
}

async function organizationsOfUsers(world: World): Promise<[string, Organization[]][]> {
  const { rows } = await world.owner.query<{ username: string; organizations: string }>(
    `select u.username, json_agg(json_build_object('id', o.id, 'code', o.code) order by o.code)::text as organizations
    from app_public.users u
    join app_public.user_organizations m on m.user_id = u.id
    join app_public.organizations o on o.id = m.organization_id
    group by u.id, u.username order by u.id`,
  );
  return rows.map((row) => [row.username, JSON.parse(row.organizations) as Organization[]]);
}

/** Simulates 100 users for a minute, then without pauses for the maximum throughput. */
export const manyUsers: Measurement = async function* (world) {
  if (world.scale.name !== 'full') {
    world.say('  full scale only: this scale has too few users and records');
    return;
  }
  const server = await world.startServer();
  const everybody = await organizationsOfUsers(world);
  world.say(`  signing in ${everybody.length} users ...`);
  const tokens = await signIn(
    world,
    server.url,
    everybody.map(([username]) => username),
  );
  const clients = everybody.map(([username]) => httpClient(server.url, tokens.get(username)));
  const acts = clients.map((client, i) => userAtWork(client, everybody[i]![1], i + 1));
  // Fills connection pools and plan caches.
  await work(acts, 5000, pause);
  for (const [name, length, wait] of [
    [`${acts.length} users for ${seconds} s, a request a second each`, seconds, pause],
    [`${acts.length} users without a pause`, seconds / 3, 0],
  ] as const) {
    const { times, errors, perSecond } = await work(acts, length * 1000, wait);
    for (const error of new Set(errors)) world.say(`  ${error}`);
    const { median, p95, at } = summarize(times);
    const p99 = at(0.99);
    const asked = wait > 0;
    yield {
      ...{ name, median_ms: median, p95_ms: p95, ratio: null },
      goal: asked ? `no error, p99 < ${p99Below} ms` : '-',
      held: errors.length === 0 && (!asked || p99 < p99Below),
      note: `p99 ${digits(p99)} ms, longest ${digits(at(1))} ms, ${digits(perSecond)} requests a second, ${errors.length} errors`,
    } satisfies Result;
  }
  for (const client of clients) client.close();
  await server.stop();
};
