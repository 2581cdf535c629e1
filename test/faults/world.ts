import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { FaultKind, SimulatorOptions } from '../../simulator/index.ts';
import { defaultCredentials, faultTable } from '../../simulator/index.ts';
import { hashPassword } from '../../src/auth/passwords.ts';
import { saveConnection } from '../../src/connections.ts';
import { bootstrap, withClient } from '../../src/database/bootstrap.ts';
import { applyCurrent, migrate } from '../../src/database/migrate.ts';
import { urlTo } from '../../src/database/roles.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { freePorts } from '../start/vanguard.ts';
import { until } from '../support/until.ts';
import type { Evidence, PemsRecord, PemsWrite } from './checker.ts';
import { startPostgres, startProcess, type Part } from './parts.ts';
import { Ledger, Person, type Place } from './people.ts';
import { readTables } from './tables.ts';

// The whole product as processes that tests can kill: PostgreSQL, a server, two workers and a PEMS; and three users.

const organizationCode = 'STORM';
const secret = 'the secret of those who make everything fail';

/**
 * Maximum response time of PEMS, in milliseconds. After a write without a response, push does not write the record for
 * three times as long.
 */
export const pemsTimeout = 500;

export type Target = 'worker' | 'server' | 'postgres' | 'simulator';

export interface Strike {
  target: Target;
  how: 'kill' | 'pause';
  at: number;
}

export interface World {
  ledger: Ledger;
  members: [Person, Person];
  admin: Person;
  /** The ids that PEMS had at first. */
  ids: string[];
  /**
   * Kills a part with -9, or pauses it for a while; the caller chooses the worker. Does nothing if it is already down.
   */
  strike(target: Target, how: Strike['how'], which: number, pauseMs: number): void;
  /** Actions on the parts. */
  strikes: Strike[];
  /** Calls the control port; undefined if PEMS is down or refuses. */
  control: <T>(method: string, path: string, body?: unknown) => Promise<T | undefined>;
  /** Number of requests that each kind of fault affected. */
  hits(): Promise<Record<FaultKind, number>>;
  /** Waits until all parts run and no fault is active. */
  heal(): Promise<void>;
  /** Number of unconfirmed commits and due jobs. */
  unsettled(): Promise<number>;
  /** Waits until no work is pending; on a timeout, throws the remaining work. */
  drain(seconds: number): Promise<void>;
  /** Runs a full sync to its end. */
  sync(): Promise<void>;
  evidence(): Promise<Evidence>;
  /** All evidence about a record in order of time, for the analysis of a failure. */
  story(record: string): Promise<string>;
  /** For each kill, the time until the next confirmed value, in milliseconds. */
  recoveries(): Promise<{ strike: Strike; ms: number }[]>;
  /** Output of all processes. */
  log(): string;
  end(): Promise<void>;
}

/** Starts all parts; ends the started ones if a later step fails. */
export async function startWorld({ records, seed }: { records: number; seed: number }): Promise<World> {
  const ends: (() => Promise<void>)[] = [];
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one();
  };
  let said = '';
  const log = (text: string) => void (said += `${new Date().toISOString()} ${text}`);
  try {
    return { ...(await build(records, seed, ends, log)), end, log: () => said };
  } catch (error) {
    await end();
    throw new Error(`It did not start: ${String(error)}\n${said}`, { cause: error });
  }
}

async function build(
  size: number,
  seed: number,
  ends: (() => Promise<void>)[],
  log: (text: string) => void,
): Promise<Omit<World, 'end' | 'log'>> {
  const started = <T extends Part>(part: T): T => {
    ends.push(() => part.end());
    return part;
  };

  // PEMS and the database start in parallel.
  const folder = mkdtempSync(join(tmpdir(), `vanguard-test-${process.pid}-pems-`));
  ends.push(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })));
  const [serverPort, pemsPort, controlPort] = (await freePorts(3)) as [number, number, number];
  let lives = 0;
  const pemsOptions = (): SimulatorOptions => ({
    ...{ port: pemsPort, controlPort, folder: join(folder, 'simulator'), seed, requestsPerSecond: 0 },
    ...{ organizations: { [organizationCode]: size }, onlyListed: true },
    // Tenants of both kinds: if PEMS does not check recordid, only the product ensures the order.
    checksRecordId: (seed + lives++) % 2 === 0,
  });
  const [pems, postgres] = await Promise.all([
    startProcess('simulator', {
      file: fileURLToPath(new URL('pems-process.ts', import.meta.url)),
      args: () => [JSON.stringify(pemsOptions())],
      environment: {},
      log,
    }).then(started),
    startPostgres(log).then(started),
  ]);
  const database = 'vanguard';
  const urls = await bootstrap(postgres.superuserUrl, database, secret);
  await migrate(urls.owner);
  await applyCurrent(urls.owner);

  const encryptionKeys = newEncryptionKey('faults');
  const password = 'correct horse battery staple';
  const names = ['ann', 'bob', 'cleo'];
  const hash = await hashPassword(password);
  const { organization, users } = await withClient(urls.owner, async (client) => {
    const made = await client.query<{ id: number; code: string }>(
      'insert into app_public.organizations (code, name) values ($1, $1) returning id, code',
      [organizationCode],
    );
    const organization = made.rows[0]!;
    const people = await client.query<{ id: number; username: string }>(
      'insert into app_public.users (username) select unnest($1::text[]) returning id, username',
      [names],
    );
    for (const { id, username } of people.rows) {
      await client.query('select app_private.set_password($1, $2, false)', [id, hash]);
      await client.query(
        'insert into app_public.user_organizations (organization_id, user_id, role) values ($1, $2, $3)',
        [organization.id, id, username === 'cleo' ? 'admin' : 'member'],
      );
    }
    await saveConnection(client, createVault(encryptionKeys), {
      ...{ id: 'storm', name: 'storm', url: `http://127.0.0.1:${pemsPort}/axis/restservices` },
      ...{ ...defaultCredentials, dateOrder: 'MDY', requestType: 'LIST.DATA_ONLY.STORED' },
      ...{ organization: organizationCode, isSimulated: false },
    });
    await client.query(
      `update app_public.pems_settings set requests_per_second = 200, page_size = $1, timeout_ms = $2`,
      [Math.ceil(size / 3), pemsTimeout],
    );
    return { organization, users: people.rows };
  });

  const environment = {
    LOG_LEVEL: process.env.FAULT_LOG ?? 'warn',
    DATABASE_URL: urls.owner,
    AUTHENTICATOR_DATABASE_URL: urls.authenticator,
    WORKER_DATABASE_URL: urls.worker,
    VANGUARD_SECRET: secret,
    VANGUARD_ENCRYPTION_KEYS: encryptionKeys,
    PORT: String(serverPort),
    SIMULATOR_PORT: String(pemsPort),
    SIMULATOR_CONTROL_PORT: String(controlPort),
  };
  const product = {
    file: fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
    environment,
    log,
  };
  const startPart = (name: string) => startProcess(name, { ...product, args: () => [name] }).then(started);
  const [server, ...workers] = await Promise.all([
    startPart('server'),
    startPart('worker'),
    startPart('worker'),
  ]);
  const parts: Part[] = [pems, postgres, server, ...workers];
  const named: Record<Target, Part[]> = {
    ...{ worker: workers, server: [server], postgres: [postgres], simulator: [pems] },
  };

  const pool = new pg.Pool({
    connectionString: urlTo(postgres.superuserUrl, database),
    max: 2,
    allowExitOnIdle: true,
  });
  pool.on('error', () => undefined); // PostgreSQL is killed
  ends.push(() => pool.end());

  const ledger = new Ledger();
  const place: Place = { url: `http://127.0.0.1:${serverPort}`, organization, ledger, log };
  const people = new Map(
    users.map(({ id, username }) => [username, new Person(place, id, username, password)]),
  );
  const [ann, bob, cleo] = names.map((name) => people.get(name)) as [Person, Person, Person];

  const control = async <T>(method: string, path: string, body?: unknown): Promise<T | undefined> => {
    try {
      const response = await fetch(`http://127.0.0.1:${controlPort}${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(5000),
      });
      const answer = (await response.json()) as T;
      if (response.ok) return answer;
      log(`control ${method} ${path}: ${JSON.stringify(answer)}\n`);
    } catch (error) {
      log(`control ${method} ${path}: ${String(error)}\n`);
    }
    return undefined;
  };
  const must = async <T>(path: string): Promise<T> =>
    until(`PEMS answers ${path}`, () => control<T>('GET', path));

  // Adds the counts from before a kill of PEMS.
  const counted = Object.fromEntries(Object.keys(faultTable).map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  let current: Partial<Record<FaultKind, number>> = {};
  const hits = async () => {
    current = (await control<{ hits: Record<FaultKind, number> }>('GET', '/faults'))?.hits ?? current;
    return Object.fromEntries(
      Object.entries(counted).map(([kind, before]) => [kind, before + (current[kind as FaultKind] ?? 0)]),
    ) as Record<FaultKind, number>;
  };

  const strikes: Strike[] = [];
  const pauses = new Set<NodeJS.Timeout>();
  ends.push(() => Promise.resolve(pauses.forEach((timer) => clearTimeout(timer))));
  const strike: World['strike'] = (target, how, which, pauseMs) => {
    const part = named[target][which % named[target].length]!;
    const struck = how === 'kill' ? part.kill() : part.pause();
    if (!struck) return;
    strikes.push({ target, how, at: Date.now() });
    log(`${how} ${target}\n`);
    if (target === 'simulator' && how === 'kill') {
      for (const kind of Object.keys(counted) as FaultKind[]) counted[kind] += current[kind] ?? 0;
      current = {};
    }
    if (how === 'kill') return;
    const timer = setTimeout(() => {
      pauses.delete(timer);
      part.resume();
    }, pauseMs);
    pauses.add(timer);
  };

  const heal = async () => {
    for (const timer of pauses) clearTimeout(timer);
    pauses.clear();
    for (const part of parts) part.resume();
    await Promise.all(parts.map((part) => part.up()));
    await until('faults are deleted', () => control('DELETE', '/faults'));
  };

  const rows = async <T extends pg.QueryResultRow>(sql: string): Promise<T[]> =>
    (await pool.query<T>(sql, [organization.id])).rows;
  const work = `select
      (select count(*)::integer from app_core.pfa_modification m where m.organization_id = $1 and m.state in ('committed', 'syncing')) as changes,
      (select count(*)::integer from graphile_worker.jobs j where j.task_identifier = 'pfa__push' and j.attempts < j.max_attempts
        and (j.run_at <= now() or j.locked_at is not null)) as jobs`;
  const unsettled = async () => {
    const [left] = await rows<{ changes: number; jobs: number }>(work);
    return left!.changes + left!.jobs;
  };

  const world: Omit<World, 'end' | 'log'> = {
    ...{
      ledger,
      members: [ann, bob],
      admin: cleo,
      ids: [],
      strike,
      strikes,
      control,
      hits,
      heal,
      unsettled,
    },
    drain: async (seconds) => {
      const isDone = until('nothing is under way', async () => (await unsettled()) === 0, seconds);
      await isDone.catch(async (error: Error) => {
        const stuck = await rows(
          `select m.id, m.pfa_id, m.state, m.delta, m.attempts, to_jsonb(m) - '{delta,base,problems}'::text[] as change,
            (select jsonb_agg(to_jsonb(i) - 'read_values' order by i.id) from app_core.pfa_push_intent i
             where i.organization_id = m.organization_id and i.modification_id = m.id) as intents
          from app_core.pfa_modification m where m.organization_id = $1 and m.state in ('committed', 'syncing') order by m.commit_sequence limit 20`,
        );
        const jobs = await pool.query('select j.* from graphile_worker.jobs j order by j.run_at limit 20');
        throw new Error(
          `The queue is stuck. ${error.message}\n${JSON.stringify({ stuck, jobs: jobs.rows }, null, 1)}`,
          { cause: error },
        );
      });
    },
    sync: async () => {
      const run = await until('a read of PEMS is asked for', () => cleo.sync('full'));
      const ended = await until(
        `run ${run} has ended`,
        async () => {
          const { rows: found } = await pool.query<{ state: string; error_message: string | null }>(
            `select state, error_message from app_public.pfa_sync_log where organization_id = $1 and id = $2 and finished_at is not null`,
            [organization.id, run],
          );
          return found[0];
        },
        60,
      );
      if (ended.state !== 'succeeded') throw new Error(`Run ${run} failed: ${ended.error_message}`);
    },
    evidence: async () => ({
      ...{ commits: ledger.commits, sightings: ledger.sightings, surrenders: ledger.surrenders },
      pemsBefore,
      writes: (await must<{ writes: PemsWrite[] }>('/writes?since=0')).writes,
      pemsNow: (await must<{ records: PemsRecord[] }>(`/records/${organizationCode}`)).records,
      ...(await readTables(pool, organization.id)),
    }),
    story: async (record) => {
      const told = (what: string, list: readonly object[], at: (one: never) => unknown) =>
        list.map((one) => {
          const time = new Date(at(one as never) as string | number | Date).toISOString();
          return `${time} ${what} ${JSON.stringify(one)}`;
        });
      const { rows: tables } = await pool.query<{ what: string; at: Date; row: object }>(
        `select 'change' as what, changed_at as at, to_jsonb(c) as row from app_core.pfa_change c where pfa_id = $1
        union all select 'modification', updated_at, to_jsonb(m) from app_core.pfa_modification m where pfa_id = $1
        union all select 'exchange', answered_at, to_jsonb(e) - 'request' - 'answer' from app_core.pfa_push_exchange e where pfa_id = $1
        union all select 'intent', i.created_at, to_jsonb(i) from app_core.pfa_push_intent i
          join app_core.pfa_modification m on m.organization_id = i.organization_id and m.id = i.modification_id where m.pfa_id = $1`,
        [record],
      );
      const { writes } = await must<{ writes: PemsWrite[] }>('/writes?since=0');
      const of = <T extends { record: string }>(list: readonly T[]) =>
        list.filter((one) => one.record === record);
      return [
        ...told(
          'PEMS',
          writes.filter(({ id }) => id === record),
          ({ at }: PemsWrite) => at,
        ),
        ...told('committed', of(ledger.commits), ({ sent }: { sent: number }) => sent),
        ...told('seen', of(ledger.sightings), ({ at }: { at: number }) => at),
        ...told('surrendered', of(ledger.surrenders), ({ at }: { at: number }) => at),
        ...tables.map(({ what, at, row }) => `${at.toISOString()} ${what} ${JSON.stringify(row)}`),
      ]
        .sort()
        .join('\n');
    },
    recoveries: async () => {
      const confirmed = await rows<{ at: Date }>(
        `select changed_at as at from app_core.pfa_change where organization_id = $1 and route = 'push' order by 1`,
      );
      return strikes
        .filter(({ how }) => how === 'kill')
        .flatMap((one) => {
          const next = confirmed.find(({ at }) => at.getTime() > one.at);
          return next ? [{ strike: one, ms: next.at.getTime() - one.at }] : [];
        });
    },
  };
  const pemsBefore = (await must<{ records: PemsRecord[] }>(`/records/${organizationCode}`)).records;
  world.ids.push(...pemsBefore.map(({ id }) => id));
  await world.sync();
  return world;
}
