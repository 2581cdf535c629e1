/**
 * The dialects of PEMS: tenants differ in how they write the same responses, and in what they refuse. All dialects
 * share the data, the rules of a record and the write log.
 */

export const dialectNames = ['official', 'classic', 'terse', 'localized', 'strict'] as const;
export type DialectName = (typeof dialectNames)[number];

/**
 * Notation of YEAR in a DATETIMEDATA, in both directions: milliseconds of 1 January in the server's zone, or the plain
 * year.
 */
export type YearFormat = 'milliseconds' | 'plain';

export interface Dialect {
  /** Whether choices are shown in capitals and accepted only in capitals: `RENTAL`, `PURCHASE`. */
  readonly capitalChoices: boolean;
  /** Texts of a checkbox. Every form is accepted. */
  readonly flags: readonly [on: string, off: string];
  /** Whether DATA_ONLY responses name the columns; HEAD_ONLY responses do in each dialect. */
  readonly namesColumns: boolean;
  /** The member of DATA that holds the rows. */
  readonly rowsIn: 'ROW' | 'R';
  /** METADATA with numbers, with texts, or alternately absent and without values. */
  readonly metadata: 'numbers' | 'texts' | 'missing';
  /** Whether a list of one row or column is sent as an object. */
  readonly unwrapsSingles: boolean;
  /** Whether numbers and numeric ids are JSON numbers. */
  readonly bareNumbers: boolean;
  /** Whether UPDATEDBY is an object; if so, CREATEDBY and DATECREATED are present too. */
  readonly userObjects: boolean;
  /** Offset of the server's clock from UTC. Times are shown by this clock. */
  readonly zone: '+0000' | '-0500';
  /** Form of an empty field of the screen: its own kind is empty, all kinds are null, or no value is present. */
  readonly emptyFields: 'own' | 'null' | 'absent';
  /** Whether an alert has an empty Name, HTTP status 400 and `Result: null`. */
  readonly namelessAlerts: boolean;
  /** Whether times use AM and PM. */
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

/** By name. `official` follows the published API, `classic` the first version of the simulator. */
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
