import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Simulator, SimulatorOptions } from '../../simulator/index.ts';
import { VanguardError } from '../../src/errors.ts';
import {
  createPemsClient,
  createRecordMapper,
  createScreenMapper,
  WriteFailure,
} from '../../src/pems/index.ts';
import type {
  PemsClient,
  PemsConnection,
  PemsRecord,
  PemsRequestEvent,
  UpdateRecordOptions,
} from '../../src/pems/index.ts';
import { control, dig, fault, start, stored } from '../simulator/client.ts';
import { until } from '../support/until.ts';
import { connectionTo, json, startLoopback, status } from './loopback.ts';
import type { Handler, Loopback } from './loopback.ts';
import { screenAnswer, screenFields } from './screens.ts';

const SECRET = 'correct horse battery';
const id = 'ONE-0000001';
const mapper = createScreenMapper(screenFields);

/** In the database's unit: microseconds since 1970. */
const clock = (): Promise<string> => Promise.resolve(String(Date.now() * 1_000));
const inMs = (milliseconds: number): string => String((Date.now() + milliseconds) * 1_000);

/** The simulator and a connection to it without delays. */
async function pemsWith(
  over: Partial<PemsConnection> = {},
  options: SimulatorOptions = {},
): Promise<{ simulator: Simulator; client: PemsClient }> {
  const simulator = await start(options);
  const { username, password, tenant } = simulator.credentials;
  const authorization = { type: 'basic', username, password } as const;
  const connection = connectionTo({ baseUrl: simulator.url }, { authorization, tenant, ...over });
  return { simulator, client: createPemsClient(connection) };
}

async function readOne(client: PemsClient, of = id): Promise<PemsRecord> {
  return (await client.readRecord({ organization: 'ONE', id: of, clock })) ?? expect.unreachable('no record');
}

const model = (value: string): UpdateRecordOptions['values'] =>
  new Map([['PFS_F_MODEL', { type: 'text', value }]]);

/** A write that takes missing parts from the current record. */
async function write(
  client: PemsClient,
  over: Partial<UpdateRecordOptions> = {},
): Promise<{ record: PemsRecord | null; failure: WriteFailure | null; events: PemsRequestEvent[] }> {
  const events: PemsRequestEvent[] = [];
  const options: UpdateRecordOptions = {
    organization: 'ONE',
    id,
    recordId: over.recordId ?? (await readOne(client)).recordId,
    values: model('new'),
    sendBefore: inMs(60_000),
    clock,
    onRequest: (event) => void events.push(event),
    ...over,
  };
  try {
    return { record: await client.updateRecord(options), failure: null, events };
  } catch (error) {
    expect(error).toBeInstanceOf(WriteFailure);
    return { record: null, failure: error as WriteFailure, events };
  }
}

/** Returns the screen writes of the record that the simulator accepted. */
async function log(simulator: Simulator): Promise<unknown[]> {
  const { body } = await control(simulator, 'GET', '/writes');
  return (body.writes as unknown[]).filter((entry) => dig(entry, 'via') === 'screen');
}

describe('reading a record', () => {
  test('returns the values of the grid, for every record', async () => {
    const { client } = await pemsWith();
    const fields = screenFields;
    const grid = createRecordMapper({
      fields,
      mappings: [
        { key: 'pfaId', gridAliases: ['pfs_id'] },
        { key: 'organization', gridAliases: ['pfs_a_org'] },
        { key: 'version', gridAliases: ['pfs_f_intlastupdated'] },
        { key: 'versionBy', gridAliases: ['pfs_f_last_change_by'] },
        ...screenFields.map(({ key, gridAliases }) => ({ key, gridAliases: [...gridAliases] })),
      ],
      dateOrder: 'MDY',
    });
    let compared = 0;
    for await (const page of client.readGrid({ organization: 'ONE2', clock })) {
      const map = grid.forAliases(page.aliases);
      for (const row of page.rows) {
        const record = map(row);
        const read = await client.readRecord({ organization: 'ONE2', id: record.pfaId ?? '', clock });
        const { data, problems } = mapper.read(read?.values ?? new Map());
        expect(problems).toEqual([]);
        const known = Object.entries(JSON.parse(record.data) as Record<string, unknown>).filter(([key]) =>
          fields.some((field) => field.key === key),
        );
        const held = Object.entries(JSON.parse(data) as Record<string, unknown>).filter(
          ([, value]) => value !== null,
        );
        expect(Object.fromEntries(held)).toEqual(Object.fromEntries(known));
        expect(read).toMatchObject({ updatedAt: record.version, updatedBy: record.versionBy });
        compared += 1;
      }
    }
    expect(compared).toBe(5);
  });

  test('returns null if it is missing; any other refusal is an error', async () => {
    const { client, simulator } = await pemsWith();
    expect(await client.readRecord({ organization: 'ONE', id: 'gone', clock })).toBeNull();
    const foreign = client.readRecord({ organization: 'NONE', id, clock });
    await expect(foreign).rejects.toMatchObject({ code: 'PEMS_UNAUTHORIZED' });
    await fault(simulator, { kind: 'error-alert', count: 1, message: 'The date is wrong' });
    await expect(readOne(client)).rejects.toMatchObject({ code: 'PEMS_ERROR_ALERT' });
  });

  test.each([
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'close' },
    { kind: 'half-body' },
    { kind: 'malformed', what: 'json' },
  ])('is retried after $kind, with the clock of the last attempt', async (given) => {
    const { client, simulator } = await pemsWith();
    await fault(simulator, { ...given, count: 2 });
    const events: PemsRequestEvent[] = [];
    let tick = 0;
    const record = await client.readRecord({
      organization: 'ONE',
      id,
      clock: () => Promise.resolve(String((tick += 1))),
      onRequest: (event) => void events.push(event),
    });
    expect(events.map(({ error }) => error === null)).toEqual([false, false, true]);
    expect(Number(record?.receivedAt)).toBe(tick);
    expect(Number(record?.requestedAt)).toBe(tick - 1);
    expect(events[2]?.exchange).toMatchObject({ status: 200, answer: expect.stringContaining(id) as string });
  });
});

describe('a write', () => {
  test('changes the sent fields with the version, and returns the new values', async () => {
    const { client, simulator } = await pemsWith();
    const before = await readOne(client);
    const changes = {
      model: 'X-1',
      monthlyRate: '1234.56',
      forecastStart: null,
      isFundsTransferable: 'true',
    };
    const { values } = mapper.write(changes, before.values);
    const { record, events } = await write(client, { values });
    expect(record?.recordId).not.toEqual(before.recordId);
    expect(record?.updatedBy).toBe(simulator.credentials.username);
    const { data } = mapper.read(record?.values ?? new Map());
    expect(JSON.parse(data)).toMatchObject({ model: 'X-1', monthlyRate: 1234.56, isFundsTransferable: true });
    const { recordId, values: held } = await readOne(client);
    expect(record).toMatchObject({ recordId, values: held });
    const came = {
      pfs_f_model: 'X-1',
      pfs_f_rate: 1234.56,
      pfs_f_startdate: null,
      pfs_ft: true,
    };
    expect(await log(simulator)).toMatchObject([{ came, recordidSent: before.recordId }]);
    expect(events).toMatchObject([{ attempt: 1, error: null, exchange: { status: 200 } }]);
  });

  test('accepts dates in the YEAR format of the tenant', async () => {
    for (const yearFormat of ['milliseconds', 'plain'] as const) {
      const { client, simulator } = await pemsWith({ yearFormat }, { yearFormat });
      await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_startdate: null } });
      const values = mapper.write({ forecastEnd: '2027-04-02' }, new Map()).values;
      expect((await write(client, { values })).failure).toBeNull();
      expect(await stored(simulator, id)).toMatchObject({ pfs_f_enddate: '2027-04-02' });
    }
  });
});

/** Long enough for the request to leave, on a slow machine too. */
const SHORT = 1_000;
const LATER = 3_600_000;
const uncertain = (code: string) => ({ code, certain: false });
const certain = (code: string) => ({ code, certain: true });

describe('a failed write reports whether PEMS may have written', () => {
  test.each<
    [fault: Record<string, unknown>, failure: { code: string; certain: boolean }, isWritten: boolean]
  >([
    [{ kind: 'latency', ms: LATER }, uncertain('PEMS_TIMEOUT'), false],
    [{ kind: 'hang' }, uncertain('PEMS_TIMEOUT'), false],
    [{ kind: 'status', status: 500 }, uncertain('PEMS_SERVER_ERROR'), false],
    [{ kind: 'status', status: 503 }, uncertain('PEMS_SERVER_ERROR'), false],
    [{ kind: 'status', status: 408 }, uncertain('PEMS_ERROR_ALERT'), false],
    [{ kind: 'status', status: 404 }, certain('PEMS_ERROR_ALERT'), false],
    [{ kind: 'status', status: 429, retryAfter: 7 }, certain('PEMS_RATE_LIMITED'), false],
    [{ kind: 'half-body' }, uncertain('PEMS_UNREACHABLE'), true],
    [{ kind: 'close' }, uncertain('PEMS_UNREACHABLE'), false],
    [{ kind: 'error-alert' }, certain('PEMS_ERROR_ALERT'), false],
    [{ kind: 'malformed', what: 'json' }, uncertain('PEMS_MALFORMED_ANSWER'), true],
    [{ kind: 'malformed', what: 'html' }, uncertain('PEMS_MALFORMED_ANSWER'), true],
    [{ kind: 'apply-no-answer', answer: 'close' }, uncertain('PEMS_UNREACHABLE'), true],
    [{ kind: 'apply-no-answer', answer: 'hang' }, uncertain('PEMS_TIMEOUT'), true],
    [{ kind: 'apply-no-answer', answer: 'status' }, uncertain('PEMS_SERVER_ERROR'), true],
    [{ kind: 'apply-late', ms: LATER, answer: 'close' }, uncertain('PEMS_UNREACHABLE'), false],
    [{ kind: 'apply-late', ms: LATER, answer: 'status' }, uncertain('PEMS_SERVER_ERROR'), false],
    [{ kind: 'bad-credentials' }, certain('PEMS_UNAUTHORIZED'), false],
  ])('%j', async (given, expected, isWritten) => {
    const timeoutMs = expected.code === 'PEMS_TIMEOUT' ? SHORT : 30_000;
    const { client, simulator } = await pemsWith({ timeoutMs });
    const { recordId } = await readOne(client);
    await fault(simulator, { ...given, probability: 1, match: { action: 'UPDATE' } });
    const { failure, events } = await write(client, { recordId });
    expect(failure).toMatchObject(expected);
    expect(failure?.hint).toBeTruthy();
    expect(failure?.retryAfter).toBe(given.retryAfter);
    expect(events).toEqual([expect.objectContaining({ attempt: 1, error: failure, retryInMs: null })]);
    const faults = await control(simulator, 'GET', '/faults');
    expect(dig(faults.body, 'faults')).toMatchObject([{ hits: 1 }]);
    const entries = await log(simulator);
    expect(entries.length).toBe(isWritten ? 1 : 0);
    expect((await stored(simulator, id)).pfs_f_model === 'new').toBe(isWritten);
    if (expected.certain) expect(entries).toEqual([]);
  });

  test('a slow PEMS may write after our timeout', async () => {
    for (const given of [
      { kind: 'latency', ms: LATER },
      { kind: 'apply-late', ms: 1, answer: 'close' },
    ]) {
      const { client, simulator } = await pemsWith({ timeoutMs: SHORT });
      const { recordId } = await readOne(client);
      await fault(simulator, { ...given, count: 1, match: { action: 'UPDATE' } });
      expect((await write(client, { recordId })).failure).toMatchObject({ certain: false });
      await control(simulator, 'DELETE', '/faults');
      await until('it is written', async () => (await log(simulator)).length === 1);
    }
  });

  test('a slow PEMS responds in time', async () => {
    const { client, simulator } = await pemsWith();
    await fault(simulator, { kind: 'latency', ms: 50, probability: 1 });
    expect((await write(client)).record).not.toBeNull();
  });

  test('a wrong response is returned as is: the caller compares the values', async () => {
    const { client, simulator } = await pemsWith();
    const modelOf = (record: PemsRecord | null) => record?.values.get('PFS_F_MODEL');
    await fault(simulator, { kind: 'drop-write', count: 1 });
    expect(modelOf((await write(client)).record)).toEqual({ type: 'text', value: 'new' });
    expect(modelOf(await readOne(client))).not.toEqual({ type: 'text', value: 'new' });
    await fault(simulator, { kind: 'alter-write', field: 'pfs_f_model', value: 'other', count: 1 });
    expect(modelOf((await write(client)).record)).toEqual({ type: 'text', value: 'other' });
    expect(await log(simulator)).toMatchObject([{ fault: 'drop-write' }, { fault: 'alter-write' }]);
  });

  test('an old version, a removed record, a refused value', async () => {
    const { client, simulator } = await pemsWith();
    const { recordId } = await readOne(client);
    await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_model: 'theirs' } });
    expect((await write(client, { recordId })).failure).toMatchObject(certain('PEMS_RECORD_MODIFIED'));
    const values = new Map([['PFS_F_SOURCE', { type: 'text', value: 'Lease' } as const]]);
    expect((await write(client, { values })).failure).toMatchObject({
      ...certain('PEMS_ERROR_ALERT'),
      message: expect.stringMatching(/Source must be .*"Lease"/) as string,
    });
    await control(simulator, 'DELETE', `/records/ONE/${id}`);
    expect((await write(client, { recordId })).failure).toMatchObject(certain('PEMS_RECORD_NOT_FOUND'));
    expect(await log(simulator)).toEqual([]);
  });

  test('an unreachable PEMS', async () => {
    const { client, simulator } = await pemsWith();
    const { recordId } = await readOne(client);
    await simulator.stop();
    expect((await write(client, { recordId })).failure).toMatchObject(certain('PEMS_UNREACHABLE'));
    const nowhere = createPemsClient(connectionTo({ baseUrl: 'http://pems.invalid/axis/restservices' }));
    expect((await write(nowhere, { recordId })).failure).toMatchObject(certain('PEMS_UNREACHABLE'));
  });
});

describe('against a PEMS with arbitrary responses', () => {
  let pems: Loopback;
  beforeAll(async () => {
    pems = await startLoopback();
  });
  afterAll(async () => {
    await pems[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    pems.requests.length = 0;
  });

  const of = { organization: 'RIO', id: 'A', recordId: 17 };
  const to = (over: Partial<PemsConnection> = {}): PemsClient => createPemsClient(connectionTo(pems, over));
  const kept = screenAnswer({ PFS_F_MODEL: { TEXTDATA: 'new' } });
  const close: Handler = (_response, _request, message) => void message.socket.destroy();
  const alert = { ErrorAlert: [{ Name: 'E', Message: 'No' }] };

  test('a write is one POST with credentials, tenant and organization', async () => {
    pems.answer(json(kept));
    expect((await write(to(), of)).record?.recordId).toBe(17);
    expect(pems.requests.map(({ url }) => url)).toEqual(['/axis/restservices/userdefinedscreenservices']);
    expect(pems.requests[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`reader:${SECRET}`).toString('base64')}`,
      tenant: 'ACME_PRD',
      organization: 'RIO',
      'content-type': 'application/json',
      'content-length': expect.any(String) as string,
    });
    expect(pems.requests[0]?.body).toMatchObject({ USERDEFINEDSERVICEACTION: 'UPDATE', recordid: 17 });
  });

  test.each<[string, Handler, { code: string; certain: boolean }]>([
    ['another record', json(screenAnswer({ PFS_ID: { TEXTDATA: 'B' } })), uncertain('PEMS_MALFORMED_ANSWER')],
    ['a grid', json({ Result: { ResultData: { GRID: {} } } }), uncertain('PEMS_MALFORMED_ANSWER')],
    ['nothing', status(200), uncertain('PEMS_MALFORMED_ANSWER')],
    ['no content', status(204), uncertain('PEMS_MALFORMED_ANSWER')],
    ['a redirect', status(302, { location: '/done' }), uncertain('PEMS_REDIRECTED')],
    ['a status that is none', status(777), uncertain('PEMS_SERVER_ERROR')],
    ['a closed connection', close, uncertain('PEMS_UNREACHABLE')],
    ['no HTTP', (_r, _q, { socket }) => void socket.end('SSH-2.0\r\n'), uncertain('PEMS_UNREACHABLE')],
    ['an alert', json(alert), certain('PEMS_ERROR_ALERT')],
    ['an alert, but also a result', json({ ...kept, ...alert }), uncertain('PEMS_ERROR_ALERT')],
    ['an alert as a refusal', json(alert, 400), certain('PEMS_ERROR_ALERT')],
    ['an alert as a failure', json(alert, 500), uncertain('PEMS_SERVER_ERROR')],
    ['a refusal', status(413), certain('PEMS_REFUSED')],
    ['no rights', status(403), certain('PEMS_UNAUTHORIZED')],
  ])('%s', async (_what, handler, expected) => {
    pems.answer(handler);
    expect((await write(to(), of)).failure).toMatchObject(expected);
    expect(pems.requests.length).toBe(1);
  });

  describe('nothing is sent', () => {
    test('from sendBefore on', async () => {
      for (const sendBefore of [inMs(-1), inMs(-LATER), '', 'soon', 'NaN']) {
        const { failure, events } = await write(to(), { ...of, sendBefore });
        expect(failure).toMatchObject(certain('PEMS_WRITE_TOO_LATE'));
        expect(events).toMatchObject([{ error: failure, exchange: { status: null, answer: null } }]);
      }
      const sendBefore = String(1_000_000);
      const now = (): Promise<string> => Promise.resolve(sendBefore);
      expect((await write(to(), { ...of, sendBefore, clock: now })).failure?.certain).toBe(true);
      expect(pems.requests.length).toBe(0);
    });

    test('if it passes while the write waits for the rate limit', async () => {
      pems.answer(json(kept));
      const client = to({ requestsPerSecond: 2 });
      const sendBefore = inMs(400);
      const results = await Promise.all([1, 2].map(() => write(client, { ...of, sendBefore })));
      expect(results[1]?.failure).toMatchObject(certain('PEMS_WRITE_TOO_LATE'));
      expect(pems.requests.length).toBeLessThan(2);
    });

    test('if it passes while the clock is being read, or this process is stopped', async () => {
      const slow = async (): Promise<string> => {
        const now = performance.now();
        await until('it has passed', () => performance.now() - now > 30);
        return '1000000';
      };
      const { failure } = await write(to(), { ...of, clock: slow, sendBefore: '1020000' });
      expect(failure).toMatchObject(certain('PEMS_WRITE_TOO_LATE'));
      expect(pems.requests.length).toBe(0);
    });

    test('if it passes while the connection opens', async () => {
      pems.answer(json(kept));
      // The machine sleeps right after it starts to connect.
      const beforeSleep = (): Promise<string> => {
        const now = clock();
        const morning = Date.now() + LATER;
        process.nextTick(() => vi.spyOn(Date, 'now').mockReturnValue(morning));
        return now;
      };
      const { failure } = await write(to(), { ...of, clock: beforeSleep });
      vi.restoreAllMocks();
      expect(failure).toMatchObject(certain('PEMS_WRITE_TOO_LATE'));
      expect(pems.requests.length).toBe(0);
    });

    test('if aborted before, or if the clock cannot be read', async () => {
      const reason = new Error('shutting down');
      const aborted = await write(to(), { ...of, signal: AbortSignal.abort(reason) });
      expect(aborted.failure).toMatchObject({ ...certain('PEMS_WRITE_INTERRUPTED'), cause: reason });
      const controller = new AbortController();
      const whileAsked = (): Promise<string> => {
        controller.abort(reason);
        return clock();
      };
      const late = await write(to(), { ...of, clock: whileAsked, signal: controller.signal });
      expect(late.failure).toMatchObject({ ...certain('PEMS_WRITE_INTERRUPTED'), cause: reason });
      const blind = await write(to(), { ...of, clock: () => Promise.reject(reason) });
      expect(blind.failure).toMatchObject({ ...certain('PEMS_WRITE_INTERRUPTED'), cause: reason });
      expect(pems.requests.length).toBe(0);
    });

    test('if a value is invalid, or the organization fits no header', async () => {
      const values = new Map([['PFS_F_RATE', { type: 'number', value: '1e99' } as const]]);
      const unfit = await write(to(), { ...of, values });
      expect(unfit.failure).toMatchObject(certain('PEMS_VALUE_UNWRITABLE'));
      const nowhere = await write(to(), { ...of, organization: 'RIO\r\nx: y' });
      expect(nowhere.failure).toMatchObject(certain('PEMS_CONNECTION_INVALID'));
      expect(pems.requests.length).toBe(0);
    });
  });

  test('a write that was aborted after sending, or whose end has no time, is uncertain', async () => {
    const reason = new Error('shutting down');
    const controller = new AbortController();
    pems.answer(() => controller.abort(reason));
    const aborted = await write(to(), { ...of, signal: controller.signal });
    expect(aborted.failure).toMatchObject({ ...uncertain('PEMS_WRITE_INTERRUPTED'), cause: reason });
    expect(pems.requests.length).toBe(1);

    pems.answer(json(kept));
    let readings = 0;
    const once = (): Promise<string> => ((readings += 1) === 1 ? clock() : Promise.reject(reason));
    const blind = await write(to(), { ...of, clock: once });
    expect(blind.failure).toMatchObject({ ...uncertain('PEMS_WRITE_INTERRUPTED'), cause: reason });
  });

  test('a write never uses an idle connection, because PEMS may be about to close it', async () => {
    const ports: unknown[] = [];
    pems.answer((response, request, message) => {
      ports.push(message.socket.remotePort);
      json(kept)(response, request, message);
    });
    const client = to();
    await client.readRecord({ ...of, clock });
    await write(client, of);
    await write(client, of);
    expect(new Set(ports).size).toBe(3);
  });

  test('credentials are in no failure and in no stored text, whatever PEMS responds', async () => {
    const escaped = (text: string): string =>
      [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    const answers = (echo: string): Handler[] => [
      json({ ErrorAlert: [{ Name: echo, Message: `Wrong: ${echo}` }] }),
      json({ ErrorAlert: { Name: '', Message: echo } }, 400),
      json(screenAnswer({ PFS_ID: { TEXTDATA: echo } })),
      json(screenAnswer({}, { recordid: null, [echo]: echo })),
      (response) => void response.end(`{"Result":"${escaped(echo)}"}`),
      (response) => void response.end(`{"${echo}`),
      (response) => void response.end(`<html>${echo}</html>`),
      (response) => void response.writeHead(401).end(echo),
      status(302, { location: `https://x.example/${encodeURIComponent(echo)}` }),
      status(500),
      close,
    ];
    const secret = fc.stringMatching(/^[!-~]{1,3}[QXZqxz0-9~^"\\]{6,12}[!-~]{0,3}$/);
    const texts = (value: unknown): string[] => {
      if (typeof value === 'string') return [value];
      if (typeof value !== 'object' || value === null) return [];
      return Object.getOwnPropertyNames(value).flatMap((name) => [name, ...texts(value[name as never])]);
    };
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom('basic', 'apiKey'), async (password, type) => {
        const token = Buffer.from(`reader:${password}`).toString('base64');
        const authorization =
          type === 'basic' ? { type, username: 'reader', password } : { type, key: password };
        const client = to({ authorization, maxAttempts: 1 });
        const forms = [password, JSON.stringify(password).slice(1, -1), token];
        for (const handler of answers(password)) {
          pems.answer(handler);
          const { failure, events } = await write(client, of);
          if (failure === null) expect.unreachable('the write did not fail');
          const readEvents: PemsRequestEvent[] = [];
          const reading = client.readRecord({
            ...of,
            clock,
            onRequest: (event) => void readEvents.push(event),
          });
          const error: unknown = await reading.catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(VanguardError);
          for (const text of texts([failure, events, error, readEvents])) {
            for (const form of forms) expect(text).not.toContain(form);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('request and response are stored unchanged', async () => {
    pems.answer(json(kept));
    const { events } = await write(to(), of);
    const exchange = events[0]?.exchange;
    expect(isDeepStrictEqual(JSON.parse(exchange?.request ?? ''), pems.requests[0]?.body)).toBe(true);
    expect(JSON.parse(exchange?.answer ?? '')).toEqual(kept);
    expect(exchange?.status).toBe(200);
    pems.answer((response) => void response.end(`<html>${'x'.repeat(200_000)}\0`));
    const long = (await write(to(), of)).events[0]?.exchange?.answer ?? '';
    expect(long.length).toBeLessThan(100_010);
  });
});
