import { describe, expect, test } from 'vitest';
import { VanguardError } from '../../src/errors.ts';
import { createRecordMapper, createScreenMapper, inspect, type Inspection } from '../../src/pems/index.ts';
import { parseScreenAnswer } from '../../src/pems/screen.ts';
import { screenAnswer, screenFields } from './screens.ts';

const identity = [
  { key: 'pfaId', kind: 'identity', gridAliases: ['pfs_id'], screenField: null },
  { key: 'organization', kind: 'identity', gridAliases: ['pfs_a_org'], screenField: null },
];
const screen = { name: 'CUPFA2', idField: 'PFS_ID', organizationField: 'PFS_A_ORG' };
const recordOf = (values: Record<string, unknown>) =>
  parseScreenAnswer(screenAnswer(values), { screen }, { organization: 'RIO', id: 'A' });

type Row = Record<string, string>;
const row = (over: Row = {}): Row => ({ pfs_id: 'A', pfs_a_org: 'RIO', ...over });

/** Every column of the mapping, so that findings come only from the test. */
const complete = Object.fromEntries(
  screenFields.flatMap(({ gridAliases }) => gridAliases.map((alias) => [alias, ''])),
);

function look(
  rows: readonly Row[],
  {
    record,
    dateOrder = 'MDY',
    isComplete = true,
  }: {
    record?: Parameters<typeof inspect>[0]['record'];
    dateOrder?: 'MDY' | 'DMY';
    isComplete?: boolean;
  } = {},
): Inspection {
  const all = isComplete ? rows.map((one) => ({ ...complete, ...one })) : rows;
  const aliases = [...new Set(all.flatMap((one) => Object.keys(one)))];
  const text = { kind: 'text' as const };
  return inspect({
    organization: 'RIO',
    dateOrder,
    fields: [...identity, ...screenFields],
    grid: createRecordMapper({
      fields: [{ key: 'pfaId', ...text }, { key: 'organization', ...text }, ...screenFields],
      mappings: [...identity, ...screenFields].map(({ key, gridAliases }) => ({
        key,
        gridAliases: [...gridAliases],
      })),
      dateOrder,
    }),
    screen: createScreenMapper(screenFields),
    page: { aliases, rows: all.map((one) => aliases.map((alias) => one[alias])) },
    ...(record !== undefined && { record }),
  });
}
const codes = ({ findings }: Inspection): string[] => findings.map(({ level, code }) => `${level} ${code}`);

test('a matching page needs no change', () => {
  expect(look([row({ pfs_f_rate: '1,234.50', pfs_f_startdate: '04/13/2026' })]).findings).toEqual([]);
});

describe('the order of day and month', () => {
  test.each([
    [['13/04/2026'], 'DMY', 'MDY', ['error DATE_ORDER']],
    [['04/13/2026'], 'MDY', 'MDY', []],
    [['04/13/2026 14:30'], 'MDY', 'DMY', ['error DATE_ORDER']],
    [['04-02-2026', '11-12-2026'], 'undecided', 'MDY', ['note DATE_ORDER']],
    [['04/13/2026', '13/04/2026'], 'both', 'MDY', ['warning DATE_ORDER']],
    [['02-APR-2026', '2026-04-02'], 'none', 'DMY', []],
  ] as const)('%j is %s; the connection has %s', (dates, found, dateOrder, expected) => {
    const inspection = look(
      dates.map((date) => row({ pfs_x_reviewed: date })),
      { dateOrder },
    );
    expect(inspection.dateOrder).toEqual({ connection: dateOrder, found });
    expect(codes(inspection).filter((code) => code.includes('DATE'))).toEqual(expected);
  });

  test('is proved by the screen if the grid cannot', () => {
    const record = recordOf({
      PFS_F_STARTDATE: { DATETIMEDATA: { YEAR: 2026, MONTH: 2, DAY: 4 } },
    });
    const { findings } = look([row({ pfs_f_startdate: '04/02/2026' })], { record });
    expect(findings.find(({ code }) => code === 'SCREEN_DIFFERS')).toMatchObject({
      message: 'Grid and screen show forecastStart differently: "2026-04-02" and "2026-02-04".',
      next: expect.stringContaining('--date-order DMY') as string,
    });
  });
});

test.each([
  ['1,234.50', 'decimal point', []],
  ['12.5', 'decimal point', []],
  ['1.234,50', 'decimal comma', ['error NUMBER_FORMAT']],
  ['12,5', 'decimal comma', ['error NUMBER_FORMAT']],
  ['1,234', 'undecided', []],
  ['900', 'whole', []],
] as const)('the number %s has a %s', (value, notation, expected) => {
  const inspection = look([row({ pfs_f_rate: value })]);
  expect(inspection.numbers).toEqual([{ notation, count: 1, example: value }]);
  expect(codes(inspection).filter((code) => code.includes('NUMBER'))).toEqual(expected);
});

test('numbers in a text column do not affect the format of amounts', () => {
  expect(look([row({ pfs_id: '1.234,50', pfs_f_model: '1.234,50' })]).numbers).toEqual([]);
});

test('month names in another language, 12-hour clocks and forms of flags are reported', () => {
  const inspection = look([
    row({ pfs_f_startdate: '02-MRZ-2026', pfs_x_seen: '04/02/2026 02:30 PM', pfa_dis: 'Y', pfs_ft: 'N' }),
  ]);
  expect(inspection.dates.map(({ notation }) => notation)).toEqual(['DD-month-YYYY', 'NN/NN/YYYY hh:mm AM']);
  expect(inspection.flags.map(({ notation }) => notation)).toEqual(['Y', 'N']);
  expect(inspection.findings.find(({ code }) => code === 'MONTH_NAMES')?.next).toContain(
    '--month-language de',
  );
  expect(codes(look([row({ pfs_x_seen: '02-QQQ-2026' })]))).toContain('error MONTH_NAMES');
});

test('a missing column is reported with candidates by type and name', () => {
  const given = { ...complete };
  delete given.pfs_ac_startdate;
  const rows = [
    { ...given, ...row({ pfs_actual_start: '04/13/2026', pfs_actual_by: 'JDOE', pfs_x_start: '900.00' }) },
  ];
  const inspection = look(rows, { isComplete: false });
  expect(inspection.missing).toEqual([
    { key: 'actualStart', aliases: ['pfs_ac_startdate'], candidates: ['pfs_actual_start'] },
  ]);
  const [finding] = inspection.findings;
  expect(finding).toMatchObject({ level: 'warning', code: 'COLUMN_MISSING' });
  expect(finding?.next).toContain("grid_aliases = array['pfs_actual_start'] where key = 'actualStart'");
  // An invalid name never gets into a statement.
  const odd = look([{ ...given, ...row({ "start'; drop table x": '04/13/2026' }) }], { isComplete: false });
  expect(odd.missing[0]?.candidates).toEqual([]);
});

test('a missing id column is an error, and no record is created', () => {
  const inspection = look([{ ...complete, pfs_a_org: 'RIO' }], { isComplete: false });
  expect(codes(inspection)).toEqual(['error COLUMN_MISSING']);
});

test('unreadable values are counted, once per key', () => {
  const inspection = look([
    row({ pfs_f_rate: 'N/A' }),
    row({ pfs_id: 'B', pfs_f_rate: '-' }),
    row({ pfs_id: 'C' }),
  ]);
  const [finding] = inspection.findings.filter(({ code }) => code === 'VALUE_UNREADABLE');
  expect(finding?.message).toMatch(/^monthlyRate cannot be read in 2 of 3 rows, e\.g\. "N\/A"/);
});

test('an empty page, or one with other organizations only, is an error', () => {
  expect(codes(look([]))).toEqual(['error NO_ROWS']);
  const foreign = look([row({ pfs_a_org: 'RIO2' }), row({ pfs_a_org: 'RIO2' })]);
  expect(foreign.otherOrganizations).toEqual({ RIO2: 2 });
  expect(codes(foreign)).toEqual(['error OTHER_ORGANIZATIONS']);
  expect(codes(look([row(), row({ pfs_a_org: 'RIO2' })]))).toEqual([]);
});

describe('the screen', () => {
  const all = Object.fromEntries(
    screenFields.flatMap(({ screenField }) => (screenField ? [[screenField, {}]] : [])),
  );

  test('shows the record like the grid', () => {
    const rate = { NUMERICDATA: { VALUE: 123450, NUMOFDEC: 2, SIGN: '+' } };
    const record = recordOf({ ...all, PFS_F_RATE: rate, PFA_DIS: { TEXTDATA: 'true' } });
    const { screen: shown, findings } = look([row({ pfs_f_rate: '1,234.50', pfa_dis: '+' })], { record });
    expect(shown).toMatchObject({
      answers: true,
      id: 'A',
      updatedBy: 'PLANNER',
      different: [],
      missingFields: [],
    });
    expect(shown?.equal).toEqual(expect.arrayContaining(['monthlyRate', 'isDiscontinued']));
    expect(findings).toEqual([]);
  });

  test('lacks a field of a writable key', () => {
    const { PFS_F_MODEL: _, ...others } = all;
    const inspection = look([row()], { record: recordOf(others) });
    expect(inspection.screen?.missingFields).toEqual([{ key: 'model', field: 'PFS_F_MODEL' }]);
    expect(codes(inspection)).toEqual(['warning SCREEN_FIELD_MISSING']);
  });

  test('does not have the record, or does not respond', () => {
    expect(codes(look([row()], { record: null }))).toEqual(['error SCREEN_RECORD_MISSING']);
    const refused = look([row()], { record: new VanguardError('PEMS_UNAUTHORIZED', 'Not allowed.') });
    expect(codes(refused)).toEqual(['error SCREEN_FAILED']);
    expect(refused.screen).toMatchObject({ answers: false, error: { code: 'PEMS_UNAUTHORIZED' } });
  });
});
