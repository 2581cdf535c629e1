/**
 * A simulated PEMS over HTTP, for development and tests. It has grid and screen services in the format of the real
 * ones, repeatable invented data, durable writes, and a control port for faults. Independent: it shares no code with
 * its client.
 */
import { Faults } from './faults.ts';
import { serveControl } from './control.ts';
import type { DialectName, YearFormat } from './dialects.ts';
import { listen, type Listening } from './http.ts';
import { basePath, Service, type Credentials } from './service.ts';
import { Store } from './store.ts';
import { Texts } from './texts.ts';
import { Tenants } from './tenants.ts';
import type { DateFormat } from './values.ts';

export { simulatedOrganizations } from './catalogue.ts';
export { faultTable, malformedForms, type FaultKind } from './faults.ts';
export { fields as simulatedFields } from './fields.ts';
export { randomFrom } from './generate.ts';
export type { Credentials } from './service.ts';
export { dialectNames, type DialectName, type YearFormat } from './dialects.ts';
export type { DateFormat } from './values.ts';

/** Default credentials. */
export const defaultCredentials: Credentials = {
  username: 'vanguard',
  password: 'simulated',
  apiKey: 'simulated-key',
  tenant: 'VANGUARD_DEMO',
  organization: '*',
};

export interface SimulatorOptions {
  /** Default 0: any free port. */
  port?: number;
  /** Default: the port after `port`, or any free port if `port` is 0. */
  controlPort?: number;
  /** Folder of the log of writes; in memory only if absent. */
  folder?: string;
  /** Default 1. */
  seed?: number;
  /** Additional organizations, or different sizes, by code. */
  organizations?: Record<string, number>;
  /** Serve only `organizations`, none of the 28 default ones. */
  onlyListed?: boolean;
  /** Default: `defaultCredentials`, also for single missing members. */
  credentials?: Partial<Credentials>;
  /** Dialect of the tenant of the credentials; default `official`. */
  dialect?: DialectName;
  /** Additional tenants, with their dialects. They share records and credentials. */
  tenants?: Readonly<Record<string, DialectName>>;
  /** Default DD-MON-YYYY. */
  dateFormat?: DateFormat;
  /** Notation of YEAR in a DATETIMEDATA, in both directions; default milliseconds. */
  yearFormat?: YearFormat;
  /** Whether a stale recordid is refused; default: the dialect decides. */
  checksRecordId?: boolean;
  /** Delay before every response; default 0. */
  latencyMs?: number;
  /** Default 10; 0 means no limit. */
  requestsPerSecond?: number;
  /** Maximum size of the cache for the JSON of generated records, in bytes; default 0. */
  keptBytes?: number;
  /** Called for every request. */
  log?: (message: string, details: Record<string, unknown>) => void;
}

export interface Simulator {
  /** The base URL of the services. */
  readonly url: string;
  readonly port: number;
  readonly controlUrl: string;
  readonly controlPort: number;
  readonly credentials: Credentials;
  /** Closes both ports and every connection, and discards late writes. */
  stop(): Promise<void>;
}

/** Starts a simulator on 127.0.0.1. Rejects with `code` EADDRINUSE if one of its ports is in use. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, seed = 1, dateFormat = 'DD-MON-YYYY', yearFormat = 'milliseconds' } = options;
  const { dialect = 'official', checksRecordId, latencyMs = 0, requestsPerSecond = 10 } = options;
  if (!Number.isInteger(seed)) throw new Error(`The seed is a whole number, not ${seed}`);
  const credentials = { ...defaultCredentials, ...options.credentials };
  const { folder, organizations, onlyListed } = options;
  const store = new Store({ seed, folder, organizations, onlyListed });
  const faults = new Faults(seed);
  const tenants = new Tenants(
    credentials.tenant,
    { ...options.tenants, [credentials.tenant]: dialect },
    { dateFormat, yearFormat, checksRecordId },
  );
  const service = new Service({
    store,
    faults,
    tenants,
    texts: new Texts(options.keptBytes ?? 0),
    credentials,
    latencyMs,
    requestsPerSecond,
    log: options.log ?? (() => undefined),
  });
  const settings = { dateFormat, yearFormat, checksRecordId, latencyMs, requestsPerSecond };
  const { tenant } = credentials;
  const controlled = { store, faults, tenants, tenant, settings, requests: service.requests };

  let main: Listening | undefined;
  let control: Listening;
  try {
    main = await listen('simulator', port, (request, response) => service.serve(request, response));
    const controlPort = options.controlPort ?? (port === 0 ? 0 : port + 1);
    control = await listen('control', controlPort, (request, response) =>
      serveControl(controlled, request, response),
    );
  } catch (error) {
    await main?.close();
    await store.close();
    throw error;
  }
  const listening = main;
  let stopped: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${listening.port}${basePath}`,
    port: listening.port,
    controlUrl: `http://127.0.0.1:${control.port}`,
    controlPort: control.port,
    credentials,
    stop: () =>
      (stopped ??= (async () => {
        service.stop();
        faults.clear();
        await Promise.all([listening.close(), control.close()]);
        await store.close();
      })()),
  };
}
