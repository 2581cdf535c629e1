/** The screen of the default mapping, for tests. */
import type { Choice, RecordField, ScreenField } from '../../src/pems/index.ts';

type Line = [key: string, kind: RecordField['kind'], screenField: string | null, ...gridAliases: string[]];

const lines: Line[] = [
  ['areaSilo', 'text', null, 'pfs_a_corporate'],
  ['category', 'text', 'PFS_F_CATEGORY', 'pfs_f_category', 'pfs_a_category'],
  ['class', 'text', 'PFS_F_CLASS', 'pfs_f_class', 'pfs_a_class'],
  ['source', 'text', 'PFS_F_SOURCE', 'pfs_f_source', 'pfs_a_source'],
  ['dor', 'text', 'PFS_F_DOR', 'pfs_f_dor', 'pfs_a_dor'],
  ['monthlyRate', 'money', 'PFS_F_RATE', 'pfs_f_rate', 'pfs_a_rate'],
  ['purchasePrice', 'money', 'PFS_F_PRICE', 'pfs_f_price', 'pfs_a_price'],
  ['model', 'text', 'PFS_F_MODEL', 'pfs_f_model'],
  ['originalStart', 'date', null, 'pfs_a_startdate'],
  ['forecastStart', 'date', 'PFS_F_STARTDATE', 'pfs_f_startdate'],
  ['forecastEnd', 'date', 'PFS_F_ENDDATE', 'pfs_f_enddate'],
  ['actualStart', 'date', null, 'pfs_ac_startdate'],
  ['actualEnd', 'date', 'PFS_AC_ENDDATE', 'pfs_ac_enddate'],
  ['isActualized', 'flag', null, 'pfa_act'],
  ['isDiscontinued', 'flag', 'PFA_DIS', 'pfa_dis'],
  ['isFundsTransferable', 'flag', 'PFS_FT', 'pfs_ft'],
];

/** Notations of flags and choices in PEMS, as the database stores them. */
export const flagChoices: Choice[] = (
  [
    ['+', '-'],
    ['true', 'false'],
    ['1', '0'],
    ['-1', '0'],
    ['Y', 'N'],
    ['Yes', 'No'],
  ] as const
).flatMap(([on, off], index) => [
  { value: 'true', spelling: on, notation: index + 1 },
  { value: 'false', spelling: off, notation: index + 1 },
]);
export const sourceChoices: Choice[] = ['Rental', 'Purchase'].flatMap((value) => [
  { value, spelling: value, notation: 1 },
  { value, spelling: value.toUpperCase(), notation: 2 },
]);

export const screenFields: ScreenField[] = lines.map(([key, kind, screenField, ...gridAliases]) => ({
  key,
  kind,
  screenField,
  gridAliases,
  maxLength: kind === 'text' ? 200 : null,
  maxAmount: kind === 'money' ? 1e11 : null,
  ...(kind === 'flag' && { choices: flagChoices }),
  ...(key === 'source' && { allowed: ['Rental', 'Purchase'], choices: sourceChoices }),
}));

/** Returns a response of the screen about the record `A` of `RIO`. */
export function screenAnswer(
  values: Record<string, unknown> = {},
  service: Record<string, unknown> = {},
): Record<string, unknown> {
  const all = { PFS_ID: { TEXTDATA: 'A' }, PFS_A_ORG: { TEXTDATA: 'RIO' }, ...values };
  return {
    Result: {
      ResultData: {
        UserDefinedScreenService: {
          USERDEFINEDSCREENNAME: 'CUPFA2',
          recordid: 17,
          DATEUPDATED: { YEAR: 2026, MONTH: 4, DAY: 2, HOUR: 14, MINUTE: 30, SECOND: 5, TIMEZONE: '+0000' },
          UPDATEDBY: 'PLANNER',
          USERDEFINEDSCREENFIELDVALUELIST: {
            USERDEFINEDSCREENFIELDVALUEPAIR: Object.entries(all).map(([name, value]) => ({
              USERDEFINEDSCREENFIELDNAME: name,
              USERDEFINEDSCREENFIELDVALUE: value,
            })),
          },
          ...service,
        },
      },
    },
  };
}
