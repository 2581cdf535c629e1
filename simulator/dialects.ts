/**
 * The dialects of PEMS: tenants differ in how they write the same answers, and in what they refuse. The data, the rules of
 * a record and the write log are the same in all of them.
 */

export const dialectNames = ['official', 'classic', 'terse', 'localized', 'strict'] as const;
export type DialectName = (typeof dialectNames)[number];

/** How YEAR of a DATETIMEDATA is sent and expected: milliseconds of 1 January in the server's zone, or the plain year. */
export type YearFormat = 'milliseconds' | 'plain';

export interface Dialect {
  /** Whether choices are shown in capitals and are taken in no other spelling: `RENTAL`, `PURCHASE`. */
  readonly capitalChoices: boolean;
  /** What a checkbox shows. Every form is taken. */
  readonly flags: readonly [on: string, off: string];
  /** Whether answers with DATA_ONLY name the columns; HEAD_ONLY does in each dialect. */
  readonly namesColumns: boolean;
  /** The member of DATA that holds the rows. */
  readonly rowsIn: 'ROW' | 'R';
  /** METADATA with numbers, with texts, or absent on one page and without values on the next. */
  readonly metadata: 'numbers' | 'texts' | 'missing';
  /** Whether a single row or column comes as an object instead of a list of one. */
  readonly unwrapsSingles: boolean;
  /** Whether numbers and ids of digits are JSON numbers. */
  readonly bareNumbers: boolean;
  /** Whether UPDATEDBY is an object; CREATEDBY and DATECREATED are there as well then. */
  readonly userObjects: boolean;
  /** What the clock of the server is ahead of UTC. Times are shown by that clock. */
  readonly zone: '+0000' | '-0500';
  /** An empty field of the screen: its own kind empty, all kinds null, or no value at all. */
  readonly emptyFields: 'own' | 'null' | 'absent';
  /** Whether an alert has an empty Name, HTTP status 400 and `Result: null`. */
  readonly namelessAlerts: boolean;
  /** Whether times have an AM and a PM. */
  readonly twelveHours: boolean;
  /** The language of months and numbers unless LOCALIZE_RESULT is "false". */
  readonly language: 'en' | 'de';
  /** Whether a stale recordid is refused. */
  readonly checksRecordId: boolean;
  /** Refuses unknown members, incomplete values, writes without recordid, and any header organization but the login's; asks before some writes. */
  readonly isStrict: boolean;
}

const classic: Dialect = {
  capitalChoices: false,
  flags: ['+', '-'],
  namesColumns: true,
  rowsIn: 'ROW',
  metadata: 'numbers',
  unwrapsSingles: true,
  bareNumbers: false,
  userObjects: false,
  zone: '+0000',
  emptyFields: 'own',
  namelessAlerts: false,
  twelveHours: false,
  language: 'en',
  checksRecordId: true,
  isStrict: false,
};

const official: Dialect = {
  ...classic,
  capitalChoices: true,
  flags: ['true', 'false'],
  namesColumns: false,
  metadata: 'texts',
  unwrapsSingles: false,
  userObjects: true,
  zone: '-0500',
  emptyFields: 'null',
  namelessAlerts: true,
};

/** By name. `official` follows the published API, `classic` what the simulator spoke at first. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  official,
  classic,
  terse: {
    ...official,
    flags: ['1', '0'],
    namesColumns: true,
    rowsIn: 'R',
    metadata: 'missing',
    unwrapsSingles: true,
    bareNumbers: true,
    emptyFields: 'absent',
    checksRecordId: false,
  },
  localized: { ...official, flags: ['Y', 'N'], twelveHours: true, language: 'de' },
  strict: { ...official, flags: ['-1', '0'], isStrict: true },
};
