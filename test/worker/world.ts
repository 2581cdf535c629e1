import type pg from 'pg';
import { afterAll, afterEach } from 'vitest';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/index.ts';
import { saveConnection, type NewConnection } from '../../src/connections.ts';
import { createVault, newEncryptionKey } from '../../src/encryption.ts';
import { startWorker, type RunningWorker, type WorkerOptions } from '../../worker/index.ts';
import { testDatabase, type TestDatabase } from '../support/database.ts';
import {
  makeMember,
  makeOrganization,
  one,
  type Json,
  type Organization,
  type SyncRun,
} from '../support/make.ts';
import { until } from '../support/until.ts';

// A PEMS, a database and workers: all real, with little data.

export const encryptionKeys = newEncryptionKey('test');
export const pemsPassword = 'geheim-§-pässword';

export type Values = Record<string, string | number | boolean | null>;

/** A record of PEMS, in plain values by grid alias. */
export interface PemsRecord {
  organization: string;
  id: string;
  updatedAt: string;
  updatedBy: string;
  values: Values;
}

/** A row of the mirror. */
export interface MirrorRow {
  pfa_id: string;
  data: Record<string, Json>;
  version: string;
  version_by: string;
  revision: string;
  observed_at: string;
  removed_at: Date | null;
  written_by: string;
}

/** A run with the reason of its failure. */
export interface Run extends SyncRun {
  error_message: string | null;
  error_hint: string | null;
  notice: string | null;
}

export interface World {
  db: TestDatabase;
  simulator: Simulator;
  /** Calls the control port; fails unless it succeeds. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  fault(fault: Record<string, unknown>): Promise<void>;
  /** Returns the number of requests that the active fault has affected. */
  faultHits(): Promise<number>;
  record(organization: Organization, id: string): Promise<PemsRecord>;
  /** Returns the current records of an organization in PEMS. */
  pems(organization: Organization): Promise<PemsRecord[]>;
  /** Returns the current generated records of an organization in PEMS. */
  generated(organization: Organization): Promise<PemsRecord[]>;
  /** Creates an organization of the simulator with its own connection and without a schedule. */
  organization(code: string, connection?: ConnectionSettings): Promise<Organization>;
  connect(organization: Organization, connection?: ConnectionSettings): Promise<void>;
  startWorker(options?: Partial<WorkerOptions>): Promise<RunningWorker>;
  /** All started workers. */
  stopWorkers(): Promise<void>;
  /** Requests a run like an admin of the organization: full, incremental, or (null) whichever is due. */
  request(organization: Organization, kind?: 'full' | 'incremental' | null): Promise<Run>;
  /** Requests a run and waits for its end. */
  sync(organization: Organization, kind?: 'full' | 'incremental' | null): Promise<Run>;
  ended(organization: Organization, runId: string): Promise<Run>;
  runs(organization: Organization): Promise<Run[]>;
  mirror(organization: Organization): Promise<MirrorRow[]>;
  /** Returns the `pfa_change` events of an organization, oldest first. */
  changes(
    organization: Organization,
  ): Promise<{ pfa_id: string; route: string; event: string; changes: Json }[]>;
}

export interface ConnectionSettings extends Partial<NewConnection> {
  pageSize?: number;
  timeoutMs?: number;
  keys?: string;
}

/**
 * Call it at the top of a test file. `organizations`: sizes by code; `pems`: other properties of this PEMS. All
 * processes stop at the end of the file.
 */
export async function testWorld(
  organizations: Record<string, number>,
  pems: SimulatorOptions = {},
): Promise<World> {
  const db = await testDatabase();
  const simulator = await startSimulator({
    organizations,
    onlyListed: true,
    requestsPerSecond: 0,
    credentials: { password: pemsPassword },
    ...pems,
  });
  const workers: RunningWorker[] = [];
  afterAll(() => simulator.stop());
  afterAll(() => world.stopWorkers());
  afterEach(async () => void (await world.control('DELETE', '/faults')));

  const admins = new Map<number, Promise<number>>();
  const world: World = {
    db,
    simulator,
    control: async (method, path, body) => {
      const response = await fetch(`${simulator.controlUrl}${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer: unknown = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return answer;
    },
    fault: async (fault) => void (await world.control('POST', '/faults', fault)),
    faultHits: async () => {
      const { faults } = (await world.control('GET', '/faults')) as { faults: { hits: number }[] };
      return faults.reduce((sum, { hits }) => sum + hits, 0);
    },
    record: async ({ code }, id) =>
      (await world.control('GET', `/records/${code}/${encodeURIComponent(id)}`)) as PemsRecord,
    pems: async ({ code }) =>
      ((await world.control('GET', `/records/${code}`)) as { records: PemsRecord[] }).records,
    generated: (organization) =>
      Promise.all(
        Array.from({ length: organizations[organization.code] ?? 0 }, (_, n) =>
          world.record(organization, idOf(organization, n + 1)),
        ),
      ),
    organization: async (code, connection) => {
      const organization = await makeOrganization(db, code);
      // Scheduled runs would disturb the tests.
      await db.owner.query(
        'insert into app_private.pfa_sync_schedule (organization_id, paused_at) values ($1, now())',
        [organization.id],
      );
      await world.connect(organization, connection);
      return organization;
    },
    connect: async (
      { code },
      { pageSize = 10_000, timeoutMs = 10_000, keys = encryptionKeys, ...connection } = {},
    ) => {
      const client = await db.owner.connect();
      try {
        const id = `test-${code.toLowerCase()}`;
        await saveConnection(client, createVault(keys), {
          id,
          name: id,
          url: simulator.url,
          tenant: simulator.credentials.tenant,
          username: simulator.credentials.username,
          password: simulator.credentials.password,
          dateOrder: 'MDY',
          requestType: 'LIST.DATA_ONLY.STORED',
          organization: code,
          isSimulated: false,
          ...connection,
        });
        await client.query(
          'update app_public.pems_settings set requests_per_second = 1000, page_size = $2, timeout_ms = $3 where api_configuration_id = $1',
          [id, pageSize, timeoutMs],
        );
      } finally {
        client.release();
      }
    },
    startWorker: async (options) => {
      const worker = await startWorker({
        workerUrl: db.urls.worker,
        encryptionKeys,
        concurrency: 4,
        logLevel: 'silent',
        pemsRetryDelayMs: 10,
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    stopWorkers: async () => void (await Promise.all(workers.splice(0).map((worker) => worker.stop()))),
    request: async (organization, kind = 'full') => {
      const admin = admins.get(organization.id) ?? makeMember(db, organization, 'admin');
      admins.set(organization.id, admin);
      return db.asUser(
        await admin,
        async (client) => {
          const { rows } = await client.query<Run>('select r.* from app_public.request_sync($1, $2) r', [
            organization.id,
            kind,
          ]);
          return one(rows);
        },
        { commit: true },
      );
    },
    sync: async (organization, kind) =>
      world.ended(organization, (await world.request(organization, kind)).id),
    ended: (organization, runId) =>
      until(`run ${runId} of ${organization.code} has ended`, async () =>
        (await world.runs(organization)).find(
          ({ id, state }) => id === runId && ['succeeded', 'withheld', 'failed'].includes(state),
        ),
      ),
    runs: async ({ id }) => {
      const { rows } = await db.owner.query<Run>(
        'select * from app_public.pfa_sync_log where organization_id = $1 order by id',
        [id],
      );
      return rows;
    },
    mirror: async ({ id }) => {
      const { rows } = await db.owner.query<MirrorRow>(
        `select pfa_id, data, to_char(version, 'YYYY-MM-DD"T"HH24:MI') as version, version_by, revision,
          observed_at::text as observed_at, removed_at, xmin::text as written_by
        from app_core.pfa_mirror where organization_id = $1 order by pfa_id`,
        [id],
      );
      return rows;
    },
    changes: async ({ id }) => {
      const { rows } = await db.owner.query<{ pfa_id: string; route: string; event: string; changes: Json }>(
        'select pfa_id, route, event, changes from app_core.pfa_change where organization_id = $1 order by id',
        [id],
      );
      return rows;
    },
  };
  return world;
}

/** Returns the id of the simulator's record n (from 1) of an organization. */
export const idOf = ({ code }: Organization, n: number) => `${code}-${String(n).padStart(7, '0')}`;

/** Returns the staged rows of all runs of the organization. */
export async function stagedRows(owner: pg.Pool, { id }: Organization): Promise<number> {
  const { rows } = await owner.query<{ n: number }>(
    'select count(*)::integer as n from app_private.pfa_staging where organization_id = $1',
    [id],
  );
  return one(rows).n;
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** Returns the mirrored data of a record of PEMS. Repeats the default field mapping on purpose. */
export function mirrored({ values: v }: PemsRecord): Record<string, Json> {
  const money = (value: string | number | boolean | null | undefined) =>
    typeof value === 'number' ? Math.round(value * 100) / 100 : null;
  const known: Record<string, Json | undefined> = {
    pfaId: v.pfs_id,
    organization: v.pfs_a_org,
    areaSilo: v.pfs_a_corporate,
    category: v.pfs_f_category ?? v.pfs_a_category,
    class: v.pfs_f_class ?? v.pfs_a_class,
    source: v.pfs_f_source ?? v.pfs_a_source,
    dor: v.pfs_f_dor ?? v.pfs_a_dor,
    monthlyRate: money(v.pfs_f_rate ?? v.pfs_a_rate),
    purchasePrice: money(v.pfs_f_price ?? v.pfs_a_price),
    originalCategory: v.pfs_a_category,
    originalClass: v.pfs_a_class,
    originalSource: v.pfs_a_source,
    originalDor: v.pfs_a_dor,
    originalMonthlyRate: money(v.pfs_a_rate),
    originalPurchasePrice: money(v.pfs_a_price),
    manufacturer: v.pfs_f_manufact,
    model: v.pfs_f_model,
    contract: v.pfa_ca_contract,
    equipment: v.pfs_equipment,
    originalStart: v.pfs_a_startdate,
    originalEnd: v.pfs_a_enddate,
    forecastStart: v.pfs_f_startdate,
    forecastEnd: v.pfs_f_enddate,
    actualStart: v.pfs_ac_startdate,
    actualEnd: v.pfs_ac_enddate,
    isActualized: v.pfa_act,
    isDiscontinued: v.pfa_dis,
    isFundsTransferable: v.pfs_ft,
  };
  // Unmapped columns keep the format that PEMS displays.
  const { pfs_x_vendor_note, pfs_x_wbs, pfs_x_units, pfs_x_reviewed } = v;
  const [year, month, day] = String(pfs_x_reviewed).split('-');
  const unknown: Record<string, Json | undefined> = {
    pfs_x_vendor_note,
    pfs_x_wbs,
    pfs_x_units: typeof pfs_x_units === 'number' ? `${pfs_x_units}.00` : null,
    pfs_x_reviewed: pfs_x_reviewed === null ? null : `${day}-${monthNames[Number(month) - 1]}-${year}`,
  };
  return Object.fromEntries(
    Object.entries({ ...known, ...unknown }).filter(
      (entry): entry is [string, Json] => entry[1] !== null && entry[1] !== undefined,
    ),
  );
}
