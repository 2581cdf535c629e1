import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldOf } from '../../simulator/fields.ts';
import { dialectNames, dialects } from '../../simulator/dialects.ts';
import { fromScreenValue, toPlain, toScreenValue } from '../../simulator/values.ts';
import { VanguardError } from '../../src/errors.ts';
import { createScreenMapper } from '../../src/pems/index.ts';
import type { ScreenRecord, ScreenValue, WritableValue } from '../../src/pems/index.ts';
import { parseScreenAnswer, screenRequest } from '../../src/pems/screen.ts';
import { screenAnswer, screenFields } from './screens.ts';

const screen = { name: 'CUPFA2', idField: 'PFS_ID', organizationField: 'PFS_A_ORG' };
const identity = { organization: 'RIO', id: 'A' };
const mapper = createScreenMapper(screenFields);

const parse = (answer: unknown): ScreenRecord => parseScreenAnswer(answer, { screen }, identity);
const valueOf = (wire: unknown): ScreenValue | undefined => parse(screenAnswer({ X: wire })).values.get('X');

function refusal(answer: unknown): VanguardError {
  try {
    parse(answer);
  } catch (error) {
    if (error instanceof VanguardError) return error;
    throw error;
  }
  return expect.unreachable('the answer was read');
}

/** Returns the encoded value, or null if it is invalid. */
function wireOf(value: WritableValue, yearFormat: 'milliseconds' | 'plain' = 'milliseconds'): unknown {
  const change = { recordId: 17, values: new Map([['X', value]]) };
  const request = screenRequest({ screen, yearFormat }, identity, change);
  return request?.USERDEFINEDSCREENFIELDVALUELIST.USERDEFINEDSCREENFIELDVALUEPAIR[2]
    ?.USERDEFINEDSCREENFIELDVALUE;
}

describe('a request', () => {
  test('for a read names only the record', () => {
    expect(screenRequest({ screen, yearFormat: 'plain' }, identity)).toEqual({
      USERDEFINEDSCREENNAME: 'CUPFA2',
      USERDEFINEDSERVICEACTION: 'GET',
      USERDEFINEDSCREENFIELDVALUELIST: {
        USERDEFINEDSCREENFIELDVALUEPAIR: [
          { USERDEFINEDSCREENFIELDNAME: 'PFS_ID', USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: 'A' } },
          { USERDEFINEDSCREENFIELDNAME: 'PFS_A_ORG', USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: 'RIO' } },
        ],
      },
    });
  });

  test('for a write contains only changes, over the version that was read', () => {
    const change = {
      recordId: '0017',
      values: new Map([['PFA_DIS', { type: 'text', value: '+' } as const]]),
    };
    const request = screenRequest({ screen, yearFormat: 'plain' }, identity, change);
    expect(request).toMatchObject({ USERDEFINEDSERVICEACTION: 'UPDATE', recordid: '0017' });
    const pairs = request?.USERDEFINEDSCREENFIELDVALUELIST.USERDEFINEDSCREENFIELDVALUEPAIR ?? [];
    expect(pairs.map((pair) => pair.USERDEFINEDSCREENFIELDNAME)).toEqual(['PFS_ID', 'PFS_A_ORG', 'PFA_DIS']);
  });

  test.each([
    ['1234.5', 123450, 2, '+'],
    ['-0.05', 5, 2, '-'],
    ['0', 0, 2, '+'],
    ['99999999999.99', 9999999999999, 2, '+'],
    ['1.2345', 12345, 4, '+'],
  ])('has %s as integer digits and their scale', (value, VALUE, NUMOFDEC, SIGN) => {
    expect(wireOf({ type: 'number', value })).toEqual({
      NUMERICDATA: { VALUE, NUMOFDEC, SIGN, CURRENCY: 'USD', DRCR: 'D', qualifier: 'OTHER' },
    });
  });

  test("has YEAR in the tenant's format", () => {
    const value = { type: 'date', value: '2026-04-02 00:00' } as const;
    expect(wireOf(value)).toMatchObject({
      DATETIMEDATA: { YEAR: Date.UTC(2026, 0, 1), MONTH: 4, DAY: 2, HOUR: 0 },
    });
    expect(wireOf(value, 'plain')).toMatchObject({ DATETIMEDATA: { YEAR: 2026 } });
  });

  test('empties a field with an empty value of its type', () => {
    expect(wireOf({ type: 'text', value: '' })).toEqual({ TEXTDATA: '' });
    expect(wireOf({ type: 'number', value: null })).toEqual({ NUMERICDATA: null });
    expect(wireOf({ type: 'date', value: null })).toEqual({ DATETIMEDATA: null });
  });

  test.each<WritableValue>([
    { type: 'number', value: '12345678901234.5' },
    { type: 'number', value: '1e3' },
    { type: 'number', value: 'NaN' },
    { type: 'date', value: '2026-04-02' },
    { type: 'date', value: '2026-02-30 00:00' },
  ])('for an inexact value is refused: %j', (value) => {
    expect(wireOf(value)).toBeUndefined();
  });
});

const none = { type: 'text', value: '' };

describe('a response', () => {
  test('contains version, values, author and time of the change', () => {
    const record = parse(screenAnswer({ PFS_F_MODEL: { TEXTDATA: ' x ' } }));
    expect(record).toMatchObject({ recordId: 17, updatedAt: '2026-04-02 14:30', updatedBy: 'PLANNER' });
    expect(Object.fromEntries(record.values)).toEqual({
      PFS_ID: { type: 'text', value: 'A' },
      PFS_A_ORG: { type: 'text', value: 'RIO' },
      PFS_F_MODEL: { type: 'text', value: ' x ' },
    });
    expect(parse(screenAnswer({}, { recordid: '17-b' })).recordId).toBe('17-b');
    const silent = parse(screenAnswer({}, { DATEUPDATED: null, UPDATEDBY: undefined }));
    expect(silent).toMatchObject({ updatedAt: null, updatedBy: null });
  });

  test.each([
    [{ TEXTDATA: '' }, { type: 'text', value: '' }],
    [{ TEXTDATA: null }, { type: 'text', value: '' }],
    [undefined, none],
    [null, none],
    [{}, none],
    [{ TEXTDATA: null, NUMERICDATA: null, DATETIMEDATA: null }, none],
    [{ NUMERICDATA: null }, none],
    [
      { TEXTDATA: '', NUMERICDATA: { VALUE: 5, NUMOFDEC: 1 } },
      { type: 'number', value: '0.5' },
    ],
    [{ TEXTDATA: 78001 }, { type: 'text', value: '78001' }],
    [{ NUMERICDATA: { VALUE: 5, NUMOFDEC: 0, SIGN: '' } }, { type: 'number', value: '5' }],
    [{ NUMERICDATA: { VALUE: 5, NUMOFDEC: null, SIGN: null } }, { type: 'number', value: '5' }],
    [
      { NUMERICDATA: { VALUE: -5, NUMOFDEC: 2, CURRENCY: 'USD', DRCR: 'D' } },
      { type: 'number', value: '-0.05' },
    ],
    [{ NUMERICDATA: { NUMOFDEC: 2 } }, { type: 'number', value: null }],
    [{ NUMERICDATA: { VALUE: null, NUMOFDEC: 0, SIGN: '+' } }, { type: 'number', value: null }],
    [{ NUMERICDATA: { VALUE: 123456, NUMOFDEC: 2, SIGN: '-' } }, { type: 'number', value: '-1234.56' }],
    [{ NUMERICDATA: { VALUE: '5', NUMOFDEC: '3' } }, { type: 'number', value: '0.005' }],
    [
      { TEXTDATA: 'x', NUMERICDATA: null, DATETIMEDATA: null },
      { type: 'text', value: 'x' },
    ],
    [{ DATETIMEDATA: null }, none],
    [{ DATETIMEDATA: { YEAR: null, MONTH: null, DAY: null } }, { type: 'date', value: null }],
    [{ DATETIMEDATA: { YEAR: 2026, MONTH: 4, DAY: 2 } }, { type: 'date', value: '2026-04-02 00:00' }],
    [{ DATETIMEDATA: { YEAR: 0, MONTH: 12, DAY: 31 } }, { type: 'date', value: '1970-12-31 00:00' }],
    [
      { DATETIMEDATA: { YEAR: Date.UTC(1950, 0, 1), MONTH: 2, DAY: 1 } },
      { type: 'date', value: '1950-02-01 00:00' },
    ],
    [
      { DATETIMEDATA: { YEAR: String(Date.UTC(2026, 0, 1)), MONTH: '04', DAY: '2' } },
      { type: 'date', value: '2026-04-02 00:00' },
    ],
  ])('has %j as %j', (wire, value) => {
    expect(valueOf(wire)).toEqual(value);
  });

  // 1 January at midnight of UTC or of the server's zone, any instant of the year, or the plain year.
  test.each([
    [1767225600000, undefined, 2026],
    [1767225600000, '-0500', 2026],
    [1767243600000, '-0500', 2026],
    [1767243600000, undefined, 2026],
    [1767196800000, '+0800', 2026],
    [1767196800000, undefined, 2026],
    [1778204604000, undefined, 2026],
    [1798761599999, undefined, 2026],
    [1798761599999, '+0100', 2027],
    [1767225600001, '-0500', 2025],
    [1767247200000, '-0500', 2026],
    [1767243600000, '-0600', 2026],
    [-62135596800000, undefined, 1],
    ['1767243600000', '-05:00', 2026],
    [2026, '-0500', 2026],
  ])('YEAR %j of a server at %s is %s', (YEAR, TIMEZONE, year) => {
    expect(valueOf({ DATETIMEDATA: { YEAR, MONTH: 4, DAY: 2, TIMEZONE } })).toEqual({
      type: 'date',
      value: `${String(year).padStart(4, '0')}-04-02 00:00`,
    });
  });

  test('property: YEAR is the same year, whatever the zone of midnight on its 1 January', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1900, max: 2199 }),
        fc.integer({ min: -56, max: 56 }),
        (year, quarters) => {
          const offset = quarters * 15 * 60_000;
          const YEAR = Date.UTC(year, 0, 1) - offset;
          expect(valueOf({ DATETIMEDATA: { YEAR, MONTH: 4, DAY: 2 } })).toMatchObject({
            value: `${year}-04-02 00:00`,
          });
        },
      ),
    );
  });

  test('may have names in any case, and unknown ones are ignored', () => {
    const pairs = [
      ['pfs_id', { TEXTDATA: 'A' }],
      ['Pfs_A_Org', { TEXTDATA: 'RIO', OTHER: null }],
      ['pfs_f_model', { TEXTDATA: 'x' }],
    ].map(([USERDEFINEDSCREENFIELDNAME, USERDEFINEDSCREENFIELDVALUE]) => ({
      ...{ USERDEFINEDSCREENFIELDNAME, USERDEFINEDSCREENFIELDVALUE, more: 1 },
    }));
    const list = { USERDEFINEDSCREENFIELDVALUEPAIR: pairs };
    const record = parse(screenAnswer({}, { USERDEFINEDSCREENFIELDVALUELIST: list }));
    expect(record.values.get('PFS_F_MODEL')).toEqual({ type: 'text', value: 'x' });
  });

  test.each([
    [{ USERCODE: 'JDOE', DESCRIPTION: 'J. Doe' }, 'JDOE'],
    [{ USERCODE: 4711 }, '4711'],
    [{ USERCODE: null, DESCRIPTION: 'J. Doe' }, null],
    [{}, null],
    ['JDOE', 'JDOE'],
  ])('with the author %j has the author %j', (UPDATEDBY, updatedBy) => {
    expect(parse(screenAnswer({}, { UPDATEDBY })).updatedBy).toBe(updatedBy);
  });

  test.each([
    'text',
    { TEXTDATA: {} },
    { TEXTDATA: 'x', NUMERICDATA: { VALUE: 1 } },
    { NUMERICDATA: { VALUE: -5, NUMOFDEC: 2, SIGN: '+' } },
    { CODEDATA: 'x' },
    { NUMERICDATA: 5 },
    { NUMERICDATA: { VALUE: 12.5, NUMOFDEC: 2 } },
    { NUMERICDATA: { VALUE: 2 ** 53, NUMOFDEC: 2 } },
    { NUMERICDATA: { VALUE: '1234567890123456789', NUMOFDEC: 2 } },
    { NUMERICDATA: { VALUE: 5, NUMOFDEC: 11 } },
    { DATETIMEDATA: '2026-04-02' },
    { DATETIMEDATA: { YEAR: 2026, MONTH: 2, DAY: 30 } },
    { DATETIMEDATA: { YEAR: 2026, MONTH: 4 } },
    { DATETIMEDATA: { YEAR: 2026.5, MONTH: 4, DAY: 2 } },
    { DATETIMEDATA: { YEAR: [2026], MONTH: 4, DAY: 2 } },
    { DATETIMEDATA: { YEAR: { toString: 2026 }, MONTH: 4, DAY: 2 } },
    { DATETIMEDATA: { YEAR: 8.64e15, MONTH: 4, DAY: 2 } },
    { DATETIMEDATA: { YEAR: 2026, MONTH: 4, DAY: 2, HOUR: 24 } },
  ])('has %j as unreadable, and reads all other fields', (wire) => {
    const record = parse(screenAnswer({ X: wire, PFS_F_MODEL: { TEXTDATA: 'x' } }));
    expect(record.values.get('X')).toEqual({ type: 'unreadable', problem: expect.any(String) as string });
    expect(record.values.get('PFS_F_MODEL')).toEqual({ type: 'text', value: 'x' });
  });

  test.each<[string, unknown]>([
    ['of another record', screenAnswer({ PFS_ID: { TEXTDATA: 'B' } })],
    ['of another organization', screenAnswer({ PFS_A_ORG: { TEXTDATA: 'RIO2' } })],
    ['without an identity', screenAnswer({}, { USERDEFINEDSCREENFIELDVALUELIST: {} })],
    ['without fields', screenAnswer({}, { USERDEFINEDSCREENFIELDVALUELIST: null })],
    ['without a version', screenAnswer({}, { recordid: null })],
    ['with half a version', screenAnswer({}, { recordid: 1.5 })],
    ['with an empty version', screenAnswer({}, { recordid: ' ' })],
    ['with a version that JavaScript has rounded', screenAnswer({}, { recordid: 2 ** 53 })],
    ['with a date of change that is none', screenAnswer({}, { DATEUPDATED: { YEAR: 2026 } })],
    ['with somebody who is no text', screenAnswer({}, { UPDATEDBY: { USERCODE: [] } })],
    ['of a grid', { Result: { ResultData: { GRID: {} } } }],
    ['without a result', {}],
    ['that is a list', []],
    ['that is nothing', null],
  ])('%s is malformed', (_what, answer) => {
    expect(refusal(answer).code).toBe('PEMS_MALFORMED_ANSWER');
  });

  test('with a duplicate field is malformed, because either might be the value in PEMS', () => {
    const pair = (value: string) => ({
      USERDEFINEDSCREENFIELDNAME: 'X',
      USERDEFINEDSCREENFIELDVALUE: { TEXTDATA: value },
    });
    const list = { USERDEFINEDSCREENFIELDVALUEPAIR: [pair('a'), pair('b')] };
    expect(refusal(screenAnswer({}, { USERDEFINEDSCREENFIELDVALUELIST: list })).message).toContain(
      'already has',
    );
  });

  test('of any form is read or refused', () => {
    const anything = fc.jsonValue() as fc.Arbitrary<unknown>;
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('recordid', 'DATEUPDATED', 'UPDATEDBY'), anything),
        fc.oneof(
          anything,
          fc.record({ TEXTDATA: anything }),
          fc.record({ NUMERICDATA: fc.record({ VALUE: anything, NUMOFDEC: anything, SIGN: anything }) }),
          fc.record({ DATETIMEDATA: fc.record({ YEAR: anything, MONTH: fc.nat(13), DAY: fc.nat(32) }) }),
        ),
        (service, wire) => {
          const answer = screenAnswer({ X: wire }, service);
          try {
            mapper.read(parse(answer).values);
          } catch (error) {
            expect(error).toMatchObject({ code: 'PEMS_MALFORMED_ANSWER' });
          }
        },
      ),
    );
  });

  test('has exact amounts', () => {
    const digits = fc.stringMatching(/^\d{1,15}$/);
    fc.assert(
      fc.property(
        digits,
        fc.nat(10),
        fc.constantFrom('+', '-'),
        fc.boolean(),
        (text, decimals, sign, asText) => {
          const VALUE = asText ? text : Number(text);
          const value = valueOf({ NUMERICDATA: { VALUE, NUMOFDEC: decimals, SIGN: sign } });
          if (value?.type !== 'number' || value.value === null) return expect.unreachable('no number');
          const [, minus = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value.value) ?? [];
          expect(BigInt(whole + fraction.padEnd(decimals, '0'))).toBe(BigInt(text));
          expect(minus).toBe(sign === '-' && BigInt(text) !== 0n ? '-' : '');
        },
      ),
    );
  });
});

describe('a write', () => {
  const write = (changes: Record<string, string | null>, read: [string, ScreenValue][] = []) => {
    const { values, problems } = mapper.write(changes, new Map(read));
    return { values: Object.fromEntries(values), problems: problems.map(({ key }) => key) };
  };

  test('goes to the field of its key with the type of its key', () => {
    const changes = {
      category: 'Cranes',
      monthlyRate: '1234.50',
      forecastEnd: '2026-04-02',
      isDiscontinued: 'true',
    };
    expect(write(changes)).toEqual({
      values: {
        PFS_F_CATEGORY: { type: 'text', value: 'Cranes' },
        PFS_F_RATE: { type: 'number', value: '1234.5' },
        PFS_F_ENDDATE: { type: 'date', value: '2026-04-02 00:00' },
        PFA_DIS: { type: 'text', value: '+' },
      },
      problems: [],
    });
  });

  test.each([null, ''])('of %j empties the field', (nothing) => {
    expect(write({ category: nothing, monthlyRate: nothing, forecastEnd: nothing }).values).toEqual({
      PFS_F_CATEGORY: { type: 'text', value: '' },
      PFS_F_RATE: { type: 'number', value: null },
      PFS_F_ENDDATE: { type: 'date', value: null },
    });
  });

  test.each([
    ['+', '-'],
    ['true', 'false'],
    ['0', '0'],
    ['', '-'],
  ])('of a flag has the notation of the record: after %j, off is %j', (shows, off) => {
    const read: [string, ScreenValue][] = [['PFA_DIS', { type: 'text', value: shows }]];
    expect(write({ isDiscontinued: 'false' }, read).values).toEqual({
      PFA_DIS: { type: 'text', value: off },
    });
  });

  test('omits values that PEMS cannot take, and contains the others', () => {
    const changes = {
      isFundsTransferable: null,
      isDiscontinued: 'yes',
      areaSilo: 'Silo 4',
      unknown: 'x',
      monthlyRate: '12345678901234.5',
      purchasePrice: 'a lot',
      forecastStart: '2026-02-30',
      forecastEnd: '02-APR-2026',
      model: 'x',
    };
    const { values, problems } = write(changes);
    expect(values).toEqual({ PFS_F_MODEL: { type: 'text', value: 'x' } });
    expect(problems).toEqual(Object.keys(changes).filter((key) => key !== 'model'));
  });
});

describe('a read', () => {
  const read = (wire: Record<string, unknown>) => mapper.read(parse(screenAnswer(wire)).values);

  test('returns the data of the mirror; a field that the screen lacks is not empty', () => {
    const { data, problems } = read({
      PFS_F_MODEL: { TEXTDATA: '"x"' },
      PFS_F_RATE: { NUMERICDATA: { VALUE: 1234567890123, NUMOFDEC: 2, SIGN: '+' } },
      PFS_F_PRICE: { NUMERICDATA: null },
      PFS_F_ENDDATE: { DATETIMEDATA: { YEAR: 2026, MONTH: 4, DAY: 2, HOUR: 14 } },
      PFA_DIS: { TEXTDATA: '-' },
    });
    expect(data).toBe(
      '{"monthlyRate":12345678901.23,"purchasePrice":null,"model":"\\"x\\"","forecastEnd":"2026-04-02","isDiscontinued":false}',
    );
    expect(problems).toEqual([]);
  });

  test('returns the forecast, else the plan, like the grid', () => {
    const plan = { PFS_A_CATEGORY: { TEXTDATA: 'Plan' } };
    expect(read({ ...plan, PFS_F_CATEGORY: { TEXTDATA: ' ' } }).data).toBe('{"category":"Plan"}');
    expect(read({ ...plan, PFS_F_CATEGORY: { TEXTDATA: 'Mine' } }).data).toBe('{"category":"Mine"}');
    expect(read({ PFS_F_CATEGORY: { TEXTDATA: '' } }).data).toBe('{"category":null}');
  });

  test.each<[string, unknown]>([
    ['PFS_F_CATEGORY', { NUMERICDATA: { VALUE: 5 } }],
    ['PFS_F_CATEGORY', { CODEDATA: 5 }],
    ['PFS_F_CATEGORY', { TEXTDATA: 'x'.repeat(201) }],
    ['PFS_F_CATEGORY', { TEXTDATA: 'a\0' }],
    ['PFS_F_RATE', { TEXTDATA: '5' }],
    ['PFS_F_RATE', { NUMERICDATA: { VALUE: 100_000_000_000 } }],
    ['PFS_F_ENDDATE', { TEXTDATA: '2026-04-02' }],
    ['PFA_DIS', { TEXTDATA: 'maybe' }],
  ])('of %s as %j is a problem of that key only', (name, wire) => {
    const { data, problems } = read({ [name]: wire, PFS_F_MODEL: { TEXTDATA: 'x' } });
    expect(data).toBe('{"model":"x"}');
    expect(problems.length).toBe(1);
  });
});

test('every value that may be drafted reaches PEMS unchanged and returns', () => {
  const money = fc.bigInt({ min: 0n, max: 9_999_999_999_999n }).map((cents) => {
    const text = String(cents).padStart(3, '0');
    return `${text.slice(0, -2)}.${text.slice(-2)}`;
  });
  const day = fc
    .integer({ min: Date.UTC(1900, 0, 1) / 86_400_000, max: Date.UTC(2200, 11, 31) / 86_400_000 })
    .map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
  const text = fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter((one) => one.trim() !== '' && one.length <= 80 && !one.includes('\0'));
  const change = fc.oneof(
    fc.tuple(fc.constant('model'), fc.option(text)),
    fc.tuple(fc.constant('monthlyRate'), fc.option(money)),
    fc.tuple(fc.constant('forecastEnd'), fc.option(day)),
    fc.tuple(fc.constant('isDiscontinued'), fc.constantFrom('true', 'false')),
  );
  fc.assert(
    fc.property(change, fc.constantFrom('milliseconds', 'plain'), ([key, drafted], yearFormat) => {
      const { values, problems } = mapper.write({ [key]: drafted }, new Map());
      expect(problems).toEqual([]);
      const [[name, value] = expect.unreachable('nothing to write')] = values;
      const field = fieldOf(name) ?? expect.unreachable('no field of the simulator');
      const tenant = { ...dialects.strict, yearFormat };
      const held = fromScreenValue(field, wireOf(value, yearFormat) as object, tenant);
      const plain = toPlain(field, held);
      if (field.kind === 'number') expect(plain).toBe(drafted === null ? null : Number(drafted));
      else if (field.kind === 'flag') expect(plain).toBe(drafted === 'true');
      else expect(plain).toBe(drafted);
      // For every dialect, with both formats of YEAR.
      for (const [dialect, format] of dialectNames.flatMap((one) => [
        [dialects[one], 'milliseconds'] as const,
        [dialects[one], 'plain'] as const,
      ])) {
        const shown = toScreenValue(field, held, { ...dialect, yearFormat: format });
        const { data } = mapper.read(parse(screenAnswer({ [name]: shown })).values);
        expect(JSON.parse(data)).toEqual({ [key]: plain });
        if (field.kind === 'number' && drafted !== null) {
          const amount = drafted.replace(/0+$/, '').replace(/\.$/, '');
          expect(data).toBe(`{"monthlyRate":${amount}}`);
        }
      }
    }),
    { numRuns: 500 },
  );
});
