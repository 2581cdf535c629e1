/**
 * `npm run bench -- --plans FILE`: generates docs/reference/plans.md. The page has the plans of the hot queries
 * for a signed-in visitor, including those inside functions, and the purpose and cost of each index of the mirror.
 */
import type pg from 'pg';
import { withClient } from '../src/database/bootstrap.ts';
import { users } from './data.ts';
import { untouched } from './drafts.ts';
import { digits } from './measure.ts';
import { commonest, orders, page } from './pages.ts';
import { found } from './search.ts';
import type { World } from './world.ts';

/** A statement whose plans are shown. */
interface Hot {
  title: string;
  /** The role of the statement: a user, or the worker. */
  who: string;
  text: string;
  values: unknown[];
  /** Runs before each execution in the same transaction, which is rolled back. */
  before?: (client: pg.Client) => Promise<unknown[]>;
}

/** A plan from auto_explain, of a statement or of one inside a function. */
interface Explained {
  query: string;
  plan: string;
  milliseconds: number;
}

/** PostgreSQL plans a named statement for its values five times, then decides; this execution shows the final plan. */
const executions = 7;
/** Statements inside functions with a smaller share of the total time are only counted. */
const worthShowing = 0.05;
const longestLine = 220;
const next = 'select 1';

const explain = `load 'auto_explain';
  set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on; set auto_explain.log_buffers = on; set auto_explain.log_timing = off;
  set auto_explain.log_nested_statements = on; set auto_explain.log_level = notice; set client_min_messages = notice`;

const record = 'select pfa_id, data from app_public.pfa_record where organization_id = $1';
const board = (what: 'kpis' | 'bounds') =>
  `select k.* from app_public.organizations o cross join lateral app_public.organizations_${what}(o) k where o.id = $1`;

async function hotQueries({ owner, organizations, scale }: World): Promise<Hot[]> {
  const { few, large, saving } = organizations;
  const one = async (text: string, values: unknown[]) =>
    (await owner.query<Record<string, string>>(text, values)).rows[0]!;
  const here = { who: users.few };
  const { category } = await commonest(owner, few);
  const most = await commonest(owner, large);
  const deep = Math.min(scale.deep, most.count - 200);
  const last = await one(
    `select pfa_id, forecast_start as key from app_core.pfa_mirror where organization_id = $1 and category = $2 and source = 'Rental'
    order by forecast_start, pfa_id offset $3 limit 1`,
    [large, most.category, deep],
  );
  const sample = await one(
    `select lower(data->>'equipment') as tag, lower(class) as class, class as class_name, data->>'model' as model_name
    from app_core.pfa_mirror where organization_id = $1 and data ? 'equipment' and data ? 'model' order by hashtext(pfa_id) limit 1`,
    [few],
  );
  const range = await one(
    `select percentile_disc(0.50) within group (order by forecast_cost_cents) as low,
      percentile_disc(0.51) within group (order by forecast_cost_cents) as high
    from app_core.pfa_mirror where organization_id = $1`,
    [few],
  );
  const containing = JSON.stringify({ class: sample.class_name, model: sample.model_name });
  const items = (await untouched(owner, saving, scale.batch)).map(({ pfa_id, revision, forecast_end }) => ({
    recordId: pfa_id,
    changes: { forecastEnd: forecast_end },
    revision,
  }));
  const [item] = items;
  const merge = (title: string, changedOf: number): Hot => ({
    title,
    who: 'worker',
    text: 'select state from app_private.merge_sync_run($1, $2)',
    values: [],
    before: (client) => stage(client, saving, changedOf),
  });
  return [
    { title: 'Whole organization', ...here, text: record, values: [few] },
    ...orders.map((order) => ({
      title: `Page of a category and source, by ${order}`,
      ...{ ...here, text: page('app_public.pfa_record', order, true), values: [few, category, 'Rental'] },
    })),
    {
      title: `Page of a category and source, ${deep} deep in the large organization, by forecast_start`,
      who: users.largeFew,
      text: page('app_public.pfa_record', 'forecast_start', false),
      values: [large, most.category, 'Rental', last.pfa_id, last.key],
    },
    { title: 'Search for an asset tag', ...here, text: found, values: [few, sample.tag, null] },
    { title: 'Search for a class', ...here, text: found, values: [few, sample.class, null] },
    { title: 'Records whose data contain an object', ...here, text: found, values: [few, null, containing] },
    {
      title: 'Range of money',
      ...here,
      text: `${record} and forecast_cost_cents between $2 and $3 order by forecast_cost_cents, pfa_id limit 200`,
      values: [few, range.low, range.high],
    },
    {
      title: 'Window of a quarter',
      ...here,
      text: `${record} and forecast_start between $2 and $3 order by forecast_start, pfa_id limit 200`,
      values: [few, '2026-04-01', '2026-06-30'],
    },
    {
      title: 'Count of a category and source',
      ...here,
      text: 'select count(*) from app_public.pfa_record where organization_id = $1 and category = $2 and source = $3',
      values: [few, category, 'Rental'],
    },
    { title: 'KPIs', ...here, text: board('kpis'), values: [few] },
    { title: 'Bounds', ...here, text: board('bounds'), values: [few] },
    {
      title: 'Save one draft',
      who: users.none,
      text: 'select revision from app_public.save_draft($1, $2, $3, $4)',
      values: [saving, item!.recordId, JSON.stringify(item!.changes), item!.revision],
    },
    {
      title: `Save ${items.length} drafts at once`,
      who: 'owner as a user',
      text: 'select app_private.save_checked_drafts($1, $2)',
      values: [saving, JSON.stringify(items)],
    },
    merge('Merge of an organization in which nothing changed', 0),
    merge('Merge of an organization in which one record in a hundred changed', 100),
  ];
}

/** Stages a run with the mirror's rows, where every nth row has another rate. */
async function stage(client: pg.Client, organization: number, changedOf: number): Promise<unknown[]> {
  const { rows } = await client.query<{ id: string }>(
    `select id from app_private.queue_sync($1, 'command', null, 'full')`,
    [organization],
  );
  const values = [organization, rows[0]!.id];
  await client.query('select state from app_private.begin_sync_run($1, $2)', values);
  await client.query(
    `insert into app_private.pfa_staging (organization_id, run_id, pfa_id, organization_code, data, version, version_by, requested_at, received_at)
    select m.organization_id, $2, m.pfa_id, o.code,
      case when $3 > 0 and row_number() over (order by m.pfa_id) % $3 = 0 then m.data || '{"monthlyRate": 4711}' else m.data end,
      m.version, m.version_by, clock_timestamp(), clock_timestamp()
    from app_core.pfa_mirror m join app_public.organizations o on o.id = m.organization_id where m.organization_id = $1 order by m.pfa_id`,
    [...values, changedOf],
  );
  return values;
}

/** Returns the server's notices of the last of several executions. */
async function explained(world: World, { who, text, values, before }: Hot): Promise<Explained[]> {
  return withClient(world.superuserUrl, async (client) => {
    const said: string[] = [];
    await client.query(explain);
    client.on('notice', ({ message }) => said.push(message ?? ''));
    const isUser = who !== 'worker';
    const settings = isUser
      ? await world.settings(who.startsWith('user') ? who : users.none)
      : { role: 'vanguard_worker' };
    if (isUser && !who.startsWith('user')) settings.role = 'vanguard_owner';
    for (let i = 0; i < executions; i++) {
      await client.query('begin');
      const found = (await before?.(client)) ?? values;
      const literal = client.escapeLiteral(JSON.stringify(settings));
      await client.query(`select set_config(key, value, true) from json_each_text(${literal})`);
      said.length = 0;
      await client.query({ name: 'hot', text, values: found });
      // auto_explain reports a statement with parameters only when the next statement begins.
      await client.query(next);
      await client.query('rollback');
      if (i === executions - 1)
        return said.flatMap((message) => {
          const parts =
            /^duration: ([\d.]+) ms +plan:\nQuery Text: ([^]*?)\n(?:Query Parameters: .*\n)?(?=\S[^\n]* {2}\(cost=)([^]*)$/.exec(
              message,
            );
          return parts && parts[2] !== next
            ? [{ milliseconds: Number(parts[1]), query: parts[2]!, plan: parts[3]! }]
            : [];
        });
    }
    return [];
  });
}

/** Conditions of policies and of the view, as plans write them and as the page names them. */
const settings: readonly [string, string][] = [
  [
    "(COALESCE(NULLIF(current_setting('jwt.claims.organization_ids'::text, true), ''::text), '{}'::text))::integer[]",
    'my organizations',
  ],
  ["(NULLIF(current_setting('jwt.claims.user_id'::text, true), ''::text))::integer", 'me'],
];

/** Shortens a plan for readers: no costs, buffers of the root only, long lists and conditions cut. */
const legible = (plan: string) =>
  plan
    .trimEnd()
    .split('\n')
    .filter((line) => !/^ {3,}(Buffers|Index Searches|Batches|Buckets|Storage): /.test(line))
    .map((line) =>
      settings
        .reduce((text, [long, short]) => text.replaceAll(long, short), line)
        .replace(/ {2}\(cost=\S+ rows=(\d+) width=\d+\)/, '  (expected rows=$1)')
        .replace(/'\{[^']{40,}\}'/g, "'{...}'"),
    )
    .map((line) => (line.length > longestLine ? `${line.slice(0, longestLine)} ...` : line))
    .join('\n');

const fenced = (text: string, language = 'text') => `\`\`\`${language}\n${text}\n\`\`\`\n`;
const indexesIn = (plans: readonly Explained[]) =>
  [
    ...new Set(
      plans.flatMap(({ plan }) =>
        [...plan.matchAll(/(?:using|Index Scan on) (\w+_(?:idx|key|pkey))/g)].map(([, name]) => name!),
      ),
    ),
  ].sort();

/** Documents a query: its own plan ends last, after those of the queries in its functions. */
function section({ title, who, text }: Hot, plans: readonly Explained[]): string {
  const whole = plans.at(-1);
  if (!whole) throw new Error(`The server reported no plan of: ${title}.`);
  const groups = Map.groupBy(plans.slice(0, -1), ({ query }) => query);
  const inner = [...groups.values()].map((each) => ({
    longest: each.reduce((a, b) => (b.milliseconds > a.milliseconds ? b : a)),
    times: each.length,
    total: each.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  }));
  const shown = inner.filter(
    ({ longest, total }) => total >= worthShowing * whole.milliseconds && /->|Scan/.test(longest.plan),
  );
  const rest = inner.filter((group) => !shown.includes(group));
  const used = indexesIn(plans);
  return [
    `### ${title}\n`,
    `As ${who}. Indexes: ${used.length > 0 ? used.map((name) => `\`${name}\``).join(', ') : 'none'}.\n`,
    fenced(text.replace(/\s*\n\s+/g, '\n'), 'sql'),
    fenced(legible(whole.plan)),
    ...shown.flatMap(({ longest, times, total }) => [
      `Inside, ${((total / whole.milliseconds) * 100).toFixed(0)} % of it${times > 1 ? `, ${times} times` : ''}: \`${shortened(longest.query)}\`\n`,
      fenced(legible(longest.plan)),
    ]),
    ...(rest.length > 0
      ? [
          `Also inside: ${rest.length} other statements that take less than ${worthShowing * 100} % each or only call one of these; ${rest.reduce((n, { times }) => n + times, 0)} executions.\n`,
        ]
      : []),
  ].join('\n');
}

const shortened = (query: string) => {
  if (query === '') return 'the body of a function';
  const line = query
    .replace(/--.*\n/g, ' ')
    .replace(/\s+/g, ' ')
    .replaceAll('`', '')
    .trim();
  return line.length > longestLine ? `${line.slice(0, longestLine)} ...` : line;
};

interface Index {
  name: string;
  definition: string;
  bytes: string;
  scans: string;
}

/** Returns the server's own measure of CPU seconds for a statement. */
async function cpu(client: pg.Client, text: string): Promise<number> {
  let seconds = 0;
  const hear = ({ detail }: { detail?: string | undefined }) => {
    const [, user, system] = /([\d.]+) s user, ([\d.]+) s system, [\d.]+ s elapsed/.exec(detail ?? '') ?? [];
    seconds += Number(user ?? 0) + Number(system ?? 0);
  };
  client.on('notice', hear);
  await client.query('set log_statement_stats = on; set client_min_messages = log');
  await client.query(text);
  await client.query('reset log_statement_stats; reset client_min_messages');
  client.off('notice', hear);
  return seconds;
}

/** Measures the extra cost of inserting the large organization's records for each index alone. */
async function costOfIndexes(world: World, indexes: readonly Index[]): Promise<Map<string, number>> {
  const rounds = 3;
  return withClient(world.superuserUrl, async (client) => {
    const times = new Map<string, number[]>();
    const source = 'app_core.pfa_mirror';
    const copy = 'app_private.bench_indexed';
    const none = { name: '', definition: '' };
    for (let round = 0; round < rounds; round++) {
      for (const { name, definition } of [none, ...indexes]) {
        await client.query(`drop table if exists ${copy}; create table ${copy} (like ${source})`);
        if (name)
          await client.query(
            definition.replace(`INDEX ${name} ON ${source}`, `INDEX bench_indexed_idx ON ${copy}`),
          );
        await client.query('checkpoint');
        let seconds = await cpu(
          client,
          `insert into ${copy} select * from ${source} where organization_id = ${world.organizations.large} order by pfa_id`,
        );
        if (definition.includes('USING gin'))
          seconds += await cpu(
            client,
            `select gin_clean_pending_list('app_private.bench_indexed_idx'::regclass)`,
          );
        times.set(name, [...(times.get(name) ?? []), seconds]);
      }
    }
    await client.query(`drop table ${copy}`);
    const median = (name: string) => times.get(name)!.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
    return new Map(indexes.map(({ name }) => [name, Math.max(0, median(name) - median(''))]));
  });
}

/** Lists the indexes of the tenants' tables, largest first. */
async function indexesOf(owner: pg.Client, table: string): Promise<Index[]> {
  const { rows } = await owner.query<Index>(
    `select c.relname as name, pg_get_indexdef(i.indexrelid) as definition, pg_relation_size(i.indexrelid) as bytes, s.idx_scan as scans
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    join pg_stat_all_indexes s on s.indexrelid = i.indexrelid
    where i.indrelid = $1::regclass order by 3 desc, 1`,
    [table],
  );
  return rows;
}

/** Lists indexes of records that no query has used: candidates for removal, or gaps in the measurements. */
export async function unusedIndexes({ owner }: World): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select s.indexrelname as name from pg_stat_all_indexes s
    where s.idx_scan = 0 and s.schemaname in ('app_core', 'app_private') and s.relname like 'pfa\\_%' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Writes the page. */
export async function plansPage(world: World): Promise<string> {
  const { owner, scale, organizations } = world;
  const sections: string[] = [];
  const uses = new Map<string, string[]>();
  for (const hot of await hotQueries(world)) {
    world.say(`  ${hot.title}`);
    const plans = await explained(world, hot);
    sections.push(section(hot, plans));
    for (const name of indexesIn(plans)) uses.set(name, [...(uses.get(name) ?? []), hot.title]);
  }
  world.say('  what each index costs an insert');
  const mirror = await indexesOf(owner, 'app_core.pfa_mirror');
  const overlay = await indexesOf(owner, 'app_core.pfa_overlay');
  const costs = await costOfIndexes(world, mirror);
  const { rows } = await owner.query<Record<'records' | 'inserted' | 'version', string>>(
    `select count(*) as records, count(*) filter (where organization_id = $1) as inserted, current_setting('server_version') as version from app_core.pfa_mirror`,
    [organizations.large],
  );
  const { records, inserted, version } = rows[0]!;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const usedBy = (name: string) => (uses.get(name) ?? []).join('; ') || '-';
  return [
    '# Plans of the hot queries\n',
    `Written by \`npm run bench -- --scale ${scale.name} --plans docs/reference/plans.md\` with PostgreSQL ${version.split(' ')[0]} at ${Number(records).toLocaleString('en')} records; nobody edits it.`,
    'Each plan is the one that a named statement settles on after its first executions, by auto_explain, with row level security as in a request. Long conditions are cut.\n',
    '## Indexes\n',
    `CPU is the extra time to insert ${Number(inserted).toLocaleString('en')} records with only this index; for the GIN index, it includes processing its pending list.\n`,
    line(['index of the mirror', 'bytes a record', 's of CPU', 'plans below that use it']),
    line(['---', '---', '---', '---']),
    ...mirror.map(({ name, bytes }) =>
      line([
        `\`${name}\``,
        digits(Number(bytes) / Number(records)),
        costs.get(name)!.toFixed(2),
        usedBy(name),
      ]),
    ),
    '',
    line(['index of the overlay', 'bytes a record of the mirror', 'plans below that use it']),
    line(['---', '---', '---']),
    ...overlay.map(({ name, bytes }) =>
      line([`\`${name}\``, digits(Number(bytes) / Number(records)), usedBy(name)]),
    ),
    '',
    '## Plans\n',
    ...sections,
  ].join('\n');
}
