import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { dialectNames, startSimulator, type DialectName, type Simulator } from '../../simulator/index.ts';
import type { ConnectionReport } from '../../src/cli/connection-report.ts';
import { json, startLoopback, status, type Handler } from '../pems/loopback.ts';
import { dataOnly } from '../pems/answers.ts';
import { testDatabase } from '../support/database.ts';
import { makeOrganization } from '../support/make.ts';
import { startReplay } from '../support/replay.ts';
import { processEnvironment } from '../worker/process.ts';
import { run, type Ran } from './vanguard.ts';

vi.setConfig({ testTimeout: 60_000 });

const db = await testDatabase();
const password = 'geheim-§-pässword';
const tenant = 'ACME_PRODUCTION';
const username = 'jane.doe';
const codeOf = (dialect: DialectName): string => dialect.slice(0, 4).toUpperCase();
const simulators = new Map<DialectName, Simulator>();
let folder: string;

const vanguard = (...args: string[]): Promise<Ran> => run(processEnvironment(db), args);
const folderOf = (name: string): string => join(folder, name);

/** A strict tenant accepts only the organization of the login in the header. */
const login = (dialect: DialectName): string[] => (dialect === 'strict' ? ['--login-organization', '*'] : []);

async function connect(code: string, url: string, ...more: string[]): Promise<void> {
  const credentials = ['--tenant', tenant, '--username', username, '--password', password];
  const created = await vanguard(
    ...['connection', 'create', '--id', code.toLowerCase(), '--organization', code, '--url', url],
    ...credentials,
    ...more,
  );
  expect(created).toMatchObject({ code: 0, complained: '' });
}

async function report(code: string): Promise<ConnectionReport> {
  const { said, complained } = await vanguard('connection', 'test', code, '--json');
  expect(complained).toBe('');
  return JSON.parse(said) as ConnectionReport;
}

async function control(simulator: Simulator, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${simulator.controlUrl}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return response.json();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vanguard-recording-'));
  for (const dialect of dialectNames) {
    const code = codeOf(dialect);
    // Dates in digits, so that the order of day and month can be found; RIO2 has the prefix RIO.
    const simulator = await startSimulator({
      ...{ dialect, dateFormat: 'MM/DD/YYYY', onlyListed: true, requestsPerSecond: 0 },
      organizations: { [code]: 40, [`${code}2`]: 3, [code.slice(0, 3)]: 0 },
      credentials: { username, password, tenant },
    });
    simulators.set(dialect, simulator);
    await makeOrganization(db, code);
    await connect(code, simulator.url, '--filter-dates', 'MM/DD/YYYY', ...login(dialect));
  }
});
afterAll(async () => {
  await Promise.all([...simulators.values()].map((simulator) => simulator.stop()));
  await rm(folder, { recursive: true, force: true });
});

describe.each(dialectNames)('a tenant with dialect %s', (dialect) => {
  const code = codeOf(dialect);

  test('shows columns, notations and the screen, and needs no change', async () => {
    const found = await report(code);
    expect(found).toMatchObject({
      ...{ organization: code, rows: 43, otherOrganizations: { [`${code}2`]: 3 }, missing: [] },
      signedIn: { user: username, by: 'password', tenant, organization: dialect === 'strict' ? '*' : null },
      dateOrder: { connection: 'MDY', found: 'MDY' },
      screen: { answers: true, id: `${code}-0000001`, different: [], missingFields: [] },
      findings: [{ level: 'note', code: 'COLUMN_UNMAPPED' }],
    });
    expect(found.columns).toHaveLength(34);
    expect(found.columns).toContainEqual(
      expect.objectContaining({ alias: 'pfs_f_startdate', keys: ['forecastStart'], kind: 'date' }),
    );
    const [source] = found.choices.filter(({ key }) => key === 'source');
    const spelled = dialect === 'classic' ? ['Purchase', 'Rental'] : ['PURCHASE', 'RENTAL'];
    expect(source?.spellings.map(({ notation }) => notation).sort()).toEqual(spelled);
    expect(found.screen?.equal.length).toBeGreaterThan(15);
    expect(found.dates[0]?.notation).toMatch(/^NN\/NN\/YYYY/);
    // A JSON number has no thousands separators.
    if (dialect !== 'terse') expect(found.numbers[0]?.notation).toBe('decimal point');
    const { code: exit, said } = await vanguard('connection', 'test', code);
    expect(exit).toBe(0);
    expect(said).toMatch(
      /answered in \d+ ms with 43 rows\.\nSigned in as jane\.doe by password, tenant ACME_/,
    );
    expect(said).toMatch(/^ {2}pfs_f_rate +monthlyRate +number +\d+ /m);
  });

  test('gives the same report from its recording, which contains no secrets', async () => {
    const before = await report(code);
    const recorded = await vanguard('connection', 'record', folderOf(dialect), code);
    expect(recorded).toMatchObject({ code: 0, complained: '' });
    const files = await readdir(folderOf(dialect));
    const texts = await Promise.all(files.map((file) => readFile(join(folderOf(dialect), file), 'utf8')));
    const whole = texts.join('\n');
    const { hostname, port } = new URL(simulators.get(dialect)?.url ?? '');
    const values = before.columns
      .filter(({ kind }) => kind === 'text')
      .flatMap(({ samples }) => samples.map((sample) => sample.trim()))
      .filter((sample) => sample.length > 6 && !/^(rental|purchase|project)$/i.test(sample));
    expect(values.length).toBeGreaterThan(15);
    const secrets = [password, tenant, username, `${hostname}:${port}`, `"${code}"`, ...values];
    expect(secrets.filter((secret) => whole.includes(secret))).toEqual([]);

    await using replay = await startReplay(folderOf(dialect));
    const masked = replay.manifest.organization;
    expect(masked).not.toBe(code);
    await makeOrganization(db, masked);
    await connect(masked, replay.url, '--filter-dates', 'MM/DD/YYYY');
    const after = await report(masked);
    expect(replay.unanswered).toEqual([]);
    const shape = ({
      columns,
      dates,
      numbers,
      flags,
      dateOrder,
      missing,
      findings,
      rows,
      screen,
      choices,
    }: ConnectionReport) => ({
      ...{ dateOrder, missing, findings, rows, choices },
      columns: columns.map(({ alias, keys, kind, filled }) => ({ alias, keys, kind, filled })),
      notations: [dates, numbers, flags].map((found) =>
        found.map(({ notation, count }) => [notation, count]),
      ),
      screen: { ...screen, id: '', updatedBy: '' },
    });
    expect(shape(after)).toEqual(shape(before));
  });

  test('receives no write', async () => {
    expect(await control(simulators.get(dialect) as Simulator, 'GET', '/writes')).toMatchObject({
      writes: [],
    });
  });
});

describe('mismatches are reported with the next step', () => {
  const simulator = () => simulators.get('official') as Simulator;
  const findings = async () =>
    (await report('OFFI')).findings.map(({ level, code: found, message, next }) =>
      [level, found, message, next].join(' '),
    );

  async function during(fault: Record<string, unknown>, look: () => Promise<void>): Promise<void> {
    await control(simulator(), 'POST', '/faults', { probability: 1, ...fault });
    try {
      await look();
    } finally {
      await control(simulator(), 'DELETE', '/faults');
    }
  }

  test('a renamed column, with the statement that maps it', async () => {
    await during({ kind: 'reshape', renamed: { pfs_f_manufact: 'pfs_manufacturer' } }, async () => {
      expect((await findings()).join('\n')).toMatch(
        /warning COLUMN_MISSING No column for manufacturer: .*pfs_manufacturer.*set grid_aliases = array\['pfs_manufacturer'\] where key = 'manufacturer'/,
      );
    });
  });

  test('dates in another order, numbers with a decimal comma: exit code 1', async () => {
    await during({ kind: 'reshape', dates: 'DD/MM/YYYY', comma: true }, async () => {
      const { code, said } = await vanguard('connection', 'test', 'OFFI');
      expect(code).toBe(1);
      expect(said).toMatch(/error DATE_ORDER: .*the connection says MDY\.\n {2}Next: .*--date-order DMY/);
      expect(said).toContain('error NUMBER_FORMAT: ');
      expect(said).toMatch(/SCREEN_DIFFERS: .*\n {2}Next: Day and month are exchanged/);
    });
  });

  test('months in another language, with the languages that know them', async () => {
    const [code, simulator] = ['LOCA', simulators.get('localized') as Simulator];
    // Like a tenant that ignores LOCALIZE_RESULT.
    const given = {
      kind: 'malformed',
      what: 'value',
      field: 'pfs_f_startdate',
      text: '02-MRZ-2026',
      id: `${code}-0000001`,
    };
    await control(simulator, 'POST', '/faults', { probability: 1, ...given });
    const { findings: found } = await report(code);
    await control(simulator, 'DELETE', '/faults');
    expect(found.find(({ code: name }) => name === 'MONTH_NAMES')?.next).toContain('--month-language de');
  });

  test('a screen that the user may not open', async () => {
    await during(
      { kind: 'error-alert', name: '', message: 'Authorization failed', match: { service: 'screen' } },
      async () => {
        expect((await findings()).join('\n')).toMatch(
          /error SCREEN_FAILED .*Authorization failed.*name of the screen/,
        );
      },
    );
  });

  test('control characters of PEMS are shown escaped', async () => {
    await during(
      {
        kind: 'malformed',
        what: 'value',
        field: 'pfs_f_model',
        id: 'OFFI-0000001',
        text: '\u001b[2J\u009b31mred',
      },
      async () => {
        for (const more of [[], ['--json']]) {
          const { said } = await vanguard('connection', 'test', 'OFFI', ...more);
          expect(said).toContain('\\u001b[2J');
          // eslint-disable-next-line no-control-regex -- these are what must not come through
          expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
        }
      },
    );
  });

  test('no records of the organization, and an empty page', async () => {
    await makeOrganization(db, 'OFF');
    await connect('OFF', simulator().url);
    const foreign = await vanguard('connection', 'test', 'OFF');
    expect(foreign.code).toBe(1);
    expect(foreign.said).toMatch(/error OTHER_ORGANIZATIONS: .*OFFI, OFFI2\.\n {2}Next: Compare the code/);
    await makeOrganization(db, 'NONE');
    await using pems = await startLoopback();
    pems.answer(json(dataOnly([], false)));
    await connect('NONE', pems.baseUrl);
    const empty = await vanguard('connection', 'test', 'NONE');
    expect(empty.code).toBe(1);
    expect(empty.said).toMatch(/error NO_ROWS: .*begins with NONE\.\n {2}Next: Compare the code/);
  });

  test.each<[string, Handler, RegExp]>([
    [
      '404',
      status(404),
      /^PEMS_REFUSED: .*404\.\nNothing is at this address.*connection create --id lost --url/,
    ],
    ['401', status(401), /^PEMS_UNAUTHORIZED: .*401.*\n.*organization that the user logs in with.*--id lost/],
    [
      'an alert about rights',
      json({ Result: null, ErrorAlert: [{ Message: 'Authorization failed', Name: '' }] }, 400),
      /^PEMS_UNAUTHORIZED: .*Authorization failed/,
    ],
    ['a sign-in page', (response) => void response.end('<html>'), /^PEMS_MALFORMED_ANSWER: /],
  ])('%s in response to the first request', async (_, handler, words) => {
    if (!(await db.owner.query("select from app_public.organizations where code = 'LOST'")).rowCount)
      await makeOrganization(db, 'LOST');
    await using pems = await startLoopback();
    pems.answer(handler);
    await connect('LOST', pems.baseUrl);
    const { code, complained } = await vanguard('connection', 'test', 'LOST');
    expect(code).toBe(1);
    expect(complained).toMatch(words);
    const asJson = await vanguard('connection', 'test', 'LOST', '--json');
    expect(asJson).toMatchObject({ code: 1, complained: '' });
    expect(JSON.parse(asJson.said)).toMatchObject({ error: { code: /^\w+/.exec(complained)?.[0] } });
    // The recording keeps this response for analysis.
    const name = folderOf(`lost-${complained.length}-${String(code)}-${Math.round(performance.now())}`);
    const recorded = await vanguard('connection', 'record', name, 'LOST');
    expect(recorded.code).toBe(0);
    expect(recorded.complained).toMatch(/^Not everything answered: PEMS_/);
    expect((await readdir(name)).length).toBeGreaterThan(1);
  });

  test('a folder that is not empty, before any request', async () => {
    await writeFile(folderOf('mine.txt'), 'mine');
    const { requests } = (await control(simulator(), 'GET', '/state')) as { requests: { served: number } };
    const { code, complained } = await vanguard('connection', 'record', folder, 'OFFI');
    expect(code).toBe(1);
    expect(complained).toMatch(/^RECORDING_FOLDER_TAKEN: /);
    expect(await readFile(folderOf('mine.txt'), 'utf8')).toBe('mine');
    expect(await control(simulator(), 'GET', '/state')).toMatchObject({ requests });
  });
});
