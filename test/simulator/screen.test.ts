import { expect, test } from 'vitest';
import {
  control,
  date,
  grid,
  money,
  post,
  screen,
  screenBody,
  startClassic,
  stored,
  text,
} from './client.ts';

const id = 'ONE-0000001';
const forecast = { PFS_F_STARTDATE: date(2026, 4, 2), PFS_F_ENDDATE: date(2026, 5, 1) };

test('the screen and the grid return written values', async () => {
  const simulator = await startClassic();
  const values = {
    ...forecast,
    PFS_F_RATE: money(123456),
    PFS_F_MODEL: text('"é" 中文 😀\\'),
    PFA_DIS: text('+'),
  };
  const written = await screen(simulator, { action: 'UPDATE', id, values });
  expect(written.alert).toBeUndefined();
  expect(written.updatedBy).toBe('vanguard');
  const read = await screen(simulator, { action: 'GET', id });
  expect(read).toEqual(written);
  expect(read.values).toMatchObject(values);
  const { rows } = await grid(simulator, { filters: [{ alias: 'pfs_id', op: '=', value: id }] });
  expect(rows[0]).toMatchObject({ pfs_f_rate: '1,234.56', pfs_f_startdate: '02-APR-2026', pfa_dis: '+' });
});

test('every write changes recordid and DATEUPDATED, also one with the same values', async () => {
  const simulator = await startClassic();
  await control(simulator, 'POST', '/clock', { now: '2026-06-01T10:00:00Z' });
  const first = await screen(simulator, { action: 'UPDATE', id, values: { PFS_FT: text('+') } });
  await control(simulator, 'POST', '/clock', { advanceMs: 3_600_000 });
  const second = await screen(simulator, { action: 'UPDATE', id, values: { PFS_FT: text('+') } });
  expect(second.recordid).not.toBe(first.recordid);
  expect(first.updated).toMatchObject({ YEAR: Date.UTC(2026, 0, 1), MONTH: 6, DAY: 1, HOUR: 10 });
  expect(second.updated).toMatchObject({ HOUR: 11 });
});

test('an old recordid is refused, none overwrites, and a tenant may skip the check', async () => {
  const simulator = await startClassic();
  const { recordid } = await screen(simulator, { action: 'GET', id });
  const update = (value: string, sent?: number | string): Promise<{ alert: string | undefined }> =>
    screen(simulator, { action: 'UPDATE', id, values: { PFS_F_MODEL: text(value) }, recordid: sent });
  expect((await update('A', String(recordid))).alert).toBeUndefined();
  expect((await update('B', recordid)).alert).toMatch(/^RECORD_MODIFIED: .*modified by another user/);
  expect(await stored(simulator, id)).toMatchObject({ pfs_f_model: 'A' });
  expect((await screen(simulator, { action: 'DELETE', id, recordid })).alert).toMatch('RECORD_MODIFIED');
  expect((await update('C')).alert).toBeUndefined();
  expect(await stored(simulator, id)).toMatchObject({ pfs_f_model: 'C' });

  const careless = await startClassic({ checksRecordId: false });
  const call = { action: 'UPDATE', id, values: { PFS_F_MODEL: text('D') }, recordid: 999 } as const;
  expect((await screen(careless, call)).alert).toBeUndefined();
});

test('ADD creates a record, DELETE removes it, and ids can be reused', async () => {
  const simulator = await startClassic();
  const values = {
    ...forecast,
    PFS_A_SOURCE: text('Rental'),
    PFS_A_RATE: money(900, 0),
    PFS_A_STARTDATE: date(2026, 1, 1),
  };
  const added = await screen(simulator, { action: 'ADD', id: 'NEW "1"', values });
  expect(added.alert).toBeUndefined();
  expect((await screen(simulator, { action: 'ADD', id: 'NEW "1"', values })).alert).toMatch('RECORD_EXISTS');
  expect(await stored(simulator, 'NEW "1"')).toMatchObject({
    pfs_a_rate: 900,
    pfs_a_startdate: '2026-01-01',
  });
  for (const gone of ['NEW "1"', id]) {
    expect((await screen(simulator, { action: 'DELETE', id: gone })).alert).toBeUndefined();
    expect((await screen(simulator, { action: 'GET', id: gone })).alert).toMatch('RECORD_NOT_FOUND');
    const again = await screen(simulator, { action: 'ADD', id: gone, values });
    expect(again.recordid).toBeGreaterThan(added.recordid);
  }
  expect((await grid(simulator, { organization: 'ONE' })).ids).toHaveLength(31);
});

test('numbers: VALUE is digits scaled by NUMOFDEC, SIGN counts, cents are rounded', async () => {
  const simulator = await startClassic();
  const rate = async (value: Record<string, unknown>): Promise<unknown> => {
    const { alert } = await screen(simulator, { action: 'UPDATE', id, values: { PFS_F_RATE: value } });
    return alert ?? (await stored(simulator, id)).pfs_f_rate;
  };
  expect(await rate(money(1234, 0))).toBe(1234);
  expect(await rate(money(12345, 1))).toBe(1234.5);
  expect(await rate(money(1234567, 3))).toBe(1234.57);
  expect(await rate(money(5, 2, '-'))).toMatch('cannot be negative');
  expect(await rate(money(1234.56, 2))).toMatch('VALUE must be whole digits');
  expect(await rate(text('12'))).toMatch('needs NUMERICDATA');
  expect(await rate(text(''))).toBe(null);
});

test.each([
  ['milliseconds', Date.UTC(2026, 0, 1), [2026, Date.UTC(2026, 3, 2), Date.UTC(2025, 11, 31, 23)]],
  ['plain', 2026, [Date.UTC(2026, 0, 1), 26]],
] as const)(
  'YEAR in %s is sent and accepted, any other format is refused',
  async (yearFormat, right, wrong) => {
    const simulator = await startClassic({ yearFormat });
    const update = (
      YEAR: number,
      MONTH = 4,
      DAY = 2,
    ): Promise<{ alert: string | undefined; values: unknown }> =>
      screen(simulator, {
        action: 'UPDATE',
        id,
        values: { PFS_F_ENDDATE: { DATETIMEDATA: { YEAR, MONTH, DAY } } },
      });
    await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfs_f_startdate: null } });
    const { alert, values } = await update(right);
    expect(alert).toBeUndefined();
    expect(values).toMatchObject({ PFS_F_ENDDATE: { DATETIMEDATA: { YEAR: right, MONTH: 4, DAY: 2 } } });
    for (const year of wrong) expect((await update(year)).alert).toMatch(/INVALID_VALUE: .*not a valid date/);
    expect((await update(right, 2, 30)).alert).toMatch('not a valid date');
  },
);

test('the rules of a record are enforced', async () => {
  const simulator = await startClassic();
  await control(simulator, 'PATCH', `/records/ONE/${id}`, { values: { pfa_act: false } });
  const refused = async (
    values: Record<string, Record<string, unknown>>,
    of = id,
  ): Promise<string | undefined> => (await screen(simulator, { action: 'UPDATE', id: of, values })).alert;
  expect(await refused({ ...forecast, PFS_F_ENDDATE: date(2026, 4, 1) })).toMatch(
    /Forecast End cannot be before/,
  );
  expect(await refused({ PFS_F_SOURCE: text('Lease') })).toMatch(/Source must be Rental or Purchase/);
  expect(await refused({ PFS_F_DOR: text('ME') })).toMatch(/DOR must be BEO or PROJECT/);
  expect(await refused({ PFS_AC_ENDDATE: date(2026, 4, 1) })).toMatch(/actualized record only/);
  expect(await refused({ PFS_A_STARTDATE: date(2026, 4, 1) })).toMatch('PROTECTED_FIELD');
  expect(await refused({ PFS_F_INTLASTUPDATED: date(2026, 4, 1) })).toMatch('PROTECTED_FIELD');
  expect(await refused({ PFS_F_COLOUR: text('red') })).toMatch('UNKNOWN_FIELD');
  expect(await refused({ PFS_F_MODEL: text('x'.repeat(81)) })).toMatch('longer than 80');
  expect(await refused({ PFA_DIS: text('maybe') })).toMatch('INVALID_VALUE');
  expect(await refused({})).toMatch('No field to change');
  expect(await refused(forecast, 'nobody')).toMatch('RECORD_NOT_FOUND');
  expect((await screen(simulator, { action: 'GET', id, organization: 'NONE' })).alert).toMatch(
    'UNKNOWN_ORGANIZATION',
  );
  const { body } = await control(simulator, 'GET', '/writes');
  expect(body.writes).toHaveLength(1);

  await control(simulator, 'PATCH', `/records/ONE/${id}`, {
    values: { pfa_act: true, pfs_ac_startdate: '2026-03-01', pfs_ac_enddate: null },
  });
  expect(await refused({ PFS_AC_ENDDATE: date(2026, 2, 1) })).toMatch(/Actual End cannot be before/);
  expect(await refused({ PFS_AC_ENDDATE: date(2027, 2, 1) })).toBeUndefined();
});

test('a single pair may be an object, and another screen does not exist', async () => {
  const simulator = await startClassic();
  const send = async (change: Record<string, unknown>): Promise<string> =>
    (
      await post(simulator, 'userdefinedscreenservices', { ...screenBody({ action: 'GET', id }), ...change })
    ).text();
  const pair = { USERDEFINEDSCREENFIELDNAME: 'PFS_ID', USERDEFINEDSCREENFIELDVALUE: text(id) };
  const list = { USERDEFINEDSCREENFIELDVALUELIST: { USERDEFINEDSCREENFIELDVALUEPAIR: pair } };
  expect(await send(list)).toMatch('PFS_ID and PFS_A_ORG are required');
  expect(await send({ USERDEFINEDSCREENNAME: 'OTHER' })).toMatch('UNKNOWN_SCREEN');
});
