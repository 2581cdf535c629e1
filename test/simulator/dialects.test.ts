import { expect, test } from 'vitest';
import { dialectNames, type DialectName, type Simulator } from '../../simulator/index.ts';
import {
  control,
  date,
  dig,
  gridBody,
  headersOf,
  listOf,
  screenBody,
  start,
  stored,
  text,
} from './client.ts';

const id = 'ONE-0000001';
/** One tenant per dialect, over the same records. */
const everyTenant = Object.fromEntries(dialectNames.map((name) => [name.toUpperCase(), name]));

async function speaking(options: Parameters<typeof start>[0] = {}): Promise<Simulator> {
  const simulator = await start({ tenants: everyTenant, ...options });
  await control(simulator, 'POST', '/clock', { now: '2026-04-02T14:30:15Z' });
  const values = {
    pfs_f_source: 'Rental',
    pfs_f_rate: 1234.5,
    pfs_f_model: null,
    pfs_f_startdate: '2026-03-02',
  };
  await control(simulator, 'PATCH', `/records/ONE/${id}`, {
    values: { ...values, pfs_f_enddate: '2026-12-02', pfa_dis: false, pfs_ft: true },
  });
  return simulator;
}

interface Told {
  status: number;
  body: unknown;
}

async function ask(
  simulator: Simulator,
  dialect: DialectName,
  service: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Told> {
  const response = await fetch(`${simulator.url}/${service}`, {
    method: 'POST',
    headers: { ...headersOf(simulator), tenant: dialect.toUpperCase(), ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** A complete request for the one record, as a strict tenant requires it. */
function bodyOf(type = 'DATA_ONLY', localize = 'false', filters = [{ alias: 'pfs_id', op: '=', value: id }]) {
  const body = gridBody({ organization: 'ONE', filters });
  return {
    ...body,
    GRID: { ...(body.GRID as object), LOCALIZE_RESULT: localize },
    REQUEST_TYPE: `LIST.${type}.STORED`,
  };
}

async function grid(simulator: Simulator, dialect: DialectName, ...how: Parameters<typeof bodyOf>) {
  const { body } = await ask(simulator, dialect, 'griddata', bodyOf(...how));
  return dig(body, 'Result', 'ResultData', 'GRID') as Record<string, unknown>;
}

/** Returns the cells of the only row, by the names of the header. */
async function cells(simulator: Simulator, dialect: DialectName, localize?: string) {
  const [page, head] = [
    await grid(simulator, dialect, 'DATA_ONLY', localize),
    await grid(simulator, dialect, 'HEAD_ONLY'),
  ];
  const names = new Map(
    listOf(dig(head, 'FIELDS', 'FIELD')).map((field) => [dig(field, 'aliasnum'), dig(field, 'name')]),
  );
  const [row] = listOf(dig(page, 'DATA', dialect === 'terse' ? 'R' : 'ROW'));
  return Object.fromEntries(
    listOf(dig(row, 'D')).map((cell) => [String(names.get(dig(cell, 'n'))), dig(cell, 'value')]),
  );
}

test('official: a page without names, choices and flags like the API, alerts without a name', async () => {
  const simulator = await speaking();
  const page = await grid(simulator, 'official');
  expect(Object.keys(page)).toEqual(['METADATA', 'DATA']);
  expect(page.METADATA).toEqual({ CURRENTCURSORPOSITION: '0', MORERECORDPRESENT: '-', RECORDS: '1' });
  expect(dig(page, 'DATA', 'ROW')).toHaveLength(1);
  const none = await grid(simulator, 'official', 'DATA_ONLY', 'false', [
    { alias: 'pfs_id', op: '=', value: 'NONE' },
  ]);
  expect(none).toMatchObject({ METADATA: { RECORDS: '0' }, DATA: null });
  expect(await cells(simulator, 'official')).toMatchObject({
    ...{ pfs_id: id, pfs_f_rate: '1,234.50', pfs_f_startdate: '02-MAR-2026', pfs_f_model: '' },
    ...{ pfa_dis: 'false', pfs_ft: 'true', pfs_f_intlastupdated: '02-APR-2026 14:30' },
  });
  const missing = await ask(
    simulator,
    'official',
    'userdefinedscreenservices',
    screenBody({ action: 'GET', id: 'NONE' }),
  );
  expect(missing).toMatchObject({
    status: 400,
    body: { Result: null, ErrorAlert: [{ Name: '', Message: 'Record not found.' }] },
  });
});

test("official: the screen has users as objects, years in the server's zone, and every kind of empty field", async () => {
  const simulator = await speaking();
  const { body } = await ask(
    simulator,
    'official',
    'userdefinedscreenservices',
    screenBody({ action: 'GET', id }),
  );
  const service = dig(body, 'Result', 'ResultData', 'UserDefinedScreenService');
  const pair = (name: string): unknown =>
    dig(
      listOf(dig(service, 'USERDEFINEDSCREENFIELDVALUELIST', 'USERDEFINEDSCREENFIELDVALUEPAIR')).find(
        (one) => dig(one, 'USERDEFINEDSCREENFIELDNAME') === name,
      ),
      'USERDEFINEDSCREENFIELDVALUE',
    );
  const year = Date.UTC(2026, 0, 1, 5);
  expect(service).toMatchObject({
    UPDATEDBY: { USERCODE: 'OTHERWRITER', DESCRIPTION: 'User OTHERWRITER' },
    CREATEDBY: { USERCODE: 'MIGRATION' },
    DATEUPDATED: { YEAR: year, MONTH: 4, DAY: 2, HOUR: 14, MINUTE: 30, SECOND: 15, TIMEZONE: '-0500' },
  });
  const none = { TEXTDATA: null, NUMERICDATA: null, DATETIMEDATA: null };
  expect(pair('PFS_F_MODEL')).toEqual(none);
  expect(pair('PFS_F_RATE')).toEqual({
    ...none,
    NUMERICDATA: {
      VALUE: 123450,
      NUMOFDEC: 2,
      SIGN: '+',
      UOM: null,
      CURRENCY: 'USD',
      DRCR: 'D',
      qualifier: 'OTHER',
    },
  });
  expect(pair('PFS_F_STARTDATE')).toMatchObject({
    TEXTDATA: null,
    DATETIMEDATA: { YEAR: year, MONTH: 3, DAY: 2 },
  });
});

test('classic: names on each page, a single row as an object, a plain user, alerts with names and status 200', async () => {
  const simulator = await speaking();
  const page = await grid(simulator, 'classic');
  expect(page).toMatchObject({ METADATA: { RECORDS: 1 }, FIELDS: { FIELD: { length: 34 } } });
  expect(dig(page, 'DATA', 'ROW', 'id')).toBe('1');
  const read = await ask(
    simulator,
    'classic',
    'userdefinedscreenservices',
    screenBody({ action: 'GET', id }),
  );
  expect(dig(read.body, 'Result', 'ResultData', 'UserDefinedScreenService')).toMatchObject({
    UPDATEDBY: 'OTHERWRITER',
    DATEUPDATED: { YEAR: Date.UTC(2026, 0, 1), TIMEZONE: '+0000' },
  });
  expect(
    await ask(simulator, 'classic', 'userdefinedscreenservices', screenBody({ action: 'GET', id: 'NONE' })),
  ).toMatchObject({ status: 200, body: { ErrorAlert: [{ Name: 'RECORD_NOT_FOUND' }] } });
});

test('terse: rows in R, no METADATA or one without values, plain numbers, no value for null', async () => {
  const simulator = await speaking();
  await control(simulator, 'POST', '/records/ONE', { id: '78001', values: { pfs_f_rate: 900 } });
  const one = await grid(simulator, 'terse');
  expect(one).toMatchObject({ METADATA: { RECORDS: null, MORERECORDPRESENT: null }, DATA: { ROW: null } });
  const two = await grid(simulator, 'terse', 'DATA_ONLY', 'false', [
    { alias: 'pfs_id', op: 'IN', value: `78001,${id}` },
  ]);
  expect(two).not.toHaveProperty('METADATA');
  const values = listOf(dig(two, 'DATA', 'R', '0', 'D')).map((cell) => dig(cell, 'value'));
  expect(values).toContain(78001);
  expect(values).toContain(900);
  expect(await cells(simulator, 'terse')).toMatchObject({ pfs_f_rate: 1234.5, pfa_dis: 0, pfs_ft: 1 });
  const read = await ask(simulator, 'terse', 'userdefinedscreenservices', screenBody({ action: 'GET', id }));
  expect(JSON.stringify(read.body)).toContain('{"USERDEFINEDSCREENFIELDNAME":"PFS_F_MODEL"}');
});

test('localized: in the language of the login unless LOCALIZE_RESULT is "false", with a 12-hour clock', async () => {
  const simulator = await speaking();
  const shown = { pfs_f_rate: '1.234,50', pfs_f_startdate: '02-MRZ-2026', pfs_f_enddate: '02-DEZ-2026' };
  for (const localize of ['true', ''])
    expect(await cells(simulator, 'localized', localize)).toMatchObject(shown);
  expect(await cells(simulator, 'localized', 'false')).toMatchObject({
    ...{
      pfs_f_rate: '1,234.50',
      pfs_f_startdate: '02-MAR-2026',
      pfs_f_intlastupdated: '02-APR-2026 02:30 PM',
    },
    ...{ pfa_dis: 'N', pfs_ft: 'Y' },
  });
  // The others have no other language.
  expect(await cells(simulator, 'official', 'true')).toMatchObject({ pfs_f_rate: '1,234.50' });
  const slashes = await speaking({ dateFormat: 'MM/DD/YYYY' });
  expect(await cells(slashes, 'localized', 'true')).toMatchObject({ pfs_f_startdate: '02/03/2026' });
  expect(await cells(slashes, 'localized', 'false')).toMatchObject({ pfs_f_startdate: '03/02/2026' });
});

test('strict: unknown members, partial values, another header organization and a write without recordid are refused', async () => {
  const simulator = await speaking();
  expect((await ask(simulator, 'strict', 'griddata', bodyOf())).status).toBe(200);
  const more = { ...bodyOf(), GRID: { ...bodyOf().GRID, COLOUR: 'red' } };
  expect(await ask(simulator, 'strict', 'griddata', more)).toMatchObject({
    status: 400,
    body: { ErrorAlert: [{ Message: expect.stringContaining('COLOUR') as string }] },
  });
  expect((await ask(simulator, 'official', 'griddata', more)).status).toBe(200);
  expect((await ask(simulator, 'strict', 'griddata', bodyOf(), { organization: 'ONE' })).status).toBe(403);

  const update = (values: Record<string, Record<string, unknown>>, over: object = {}): Promise<Told> =>
    ask(simulator, 'strict', 'userdefinedscreenservices', {
      ...screenBody({ action: 'UPDATE', id, values }),
      ...over,
    });
  const { recordid } = (await control(simulator, 'GET', `/records/ONE/${id}`)).body;
  expect(await update({ PFS_F_MODEL: text('new') }, { recordid, COLOUR: 'red' })).toMatchObject({
    status: 400,
  });
  expect(await update({ PFS_F_ENDDATE: date(2026, 12, 3) }, { recordid })).toMatchObject({
    body: { ErrorAlert: [{ Message: 'Field PFS_F_ENDDATE needs qualifier' }] },
  });
  for (const without of [undefined, 0])
    expect(await update({ PFS_F_MODEL: text('new') }, { recordid: without })).toMatchObject({
      body: { ErrorAlert: [{ Message: 'The recordid of the record is required' }] },
    });
  expect(await stored(simulator, id)).toMatchObject({ pfs_f_model: null });
  expect((await update({ PFS_F_MODEL: text('new') }, { recordid })).status).toBe(200);
});

test('strict: a question before a record is discontinued, without a write', async () => {
  const simulator = await speaking();
  const { recordid } = (await control(simulator, 'GET', `/records/ONE/${id}`)).body;
  const call = {
    ...screenBody({ action: 'UPDATE', id, values: { PFA_DIS: text('+') } }),
    recordid,
  };
  expect(await ask(simulator, 'strict', 'userdefinedscreenservices', call)).toMatchObject({
    status: 200,
    body: {
      Result: null,
      ErrorAlert: [],
      ConfirmationAlert: { Message: expect.stringContaining('continue?') as string },
    },
  });
  expect(await stored(simulator, id)).toMatchObject({ pfa_dis: false });
});

test('a tenant can change its dialect between requests, and an unknown one is refused', async () => {
  const simulator = await speaking();
  expect(
    await control(simulator, 'POST', '/dialect', { tenant: 'OFFICIAL', dialect: 'classic' }),
  ).toMatchObject({
    status: 200,
    body: { dialects: { OFFICIAL: 'classic', VANGUARD_DEMO: 'official' } },
  });
  expect(await grid(simulator, 'official')).toHaveProperty('FIELDS');
  expect(await control(simulator, 'POST', '/dialect', { dialect: 'latin' })).toMatchObject({ status: 400 });
  expect(await control(simulator, 'POST', '/dialect', { dialect: 'terse' })).toMatchObject({
    body: { dialects: { VANGUARD_DEMO: 'terse' } },
  });
  const other = await fetch(`${simulator.url}/griddata`, {
    method: 'POST',
    headers: { ...headersOf(simulator), tenant: 'NOBODY' },
    body: JSON.stringify(bodyOf()),
  });
  expect(other.status).toBe(403);
});

test('the operators of the official API work', async () => {
  // A prefix filter for ONE also returns ONE2.
  const simulator = await speaking();
  const count = async (alias: string, op: string, value: string): Promise<number> =>
    listOf(
      dig(await grid(simulator, 'official', 'DATA_ONLY', 'false', [{ alias, op, value }]), 'DATA', 'ROW'),
    ).length;
  expect(await count('pfs_id', '=>', id)).toBe(await count('pfs_id', '>=', id));
  expect(await count('pfs_id', '=<', id)).toBe(1);
  expect(await count('pfs_id', 'ENDS', '0000001')).toBe(2);
  expect(await count('pfs_id', 'NOTCONTAINS', '0000001')).toBe(28);
  const empty = await count('pfs_f_model', 'IS EMPTY', '');
  expect(empty).toBeGreaterThan(0);
  expect((await count('pfs_f_model', 'NOT EMPTY', '')) + empty).toBe(25 + 5);
});
