/**
 * The fields of a PFA record in this PEMS: grid alias, label, kind of value, and whether the screen can write it. The
 * screen field of a grid alias is the alias in capitals (`pfs_f_rate` is `PFS_F_RATE`).
 *
 * Stored values are text, numbers (USD, or a count), booleans for flags, and `null` for no value. Dates and times are
 * milliseconds since 1970 UTC; a date is midnight UTC.
 */

export type Value = string | number | boolean | null;
/** One record: one value per field, in the order of `fields`. */
export type Row = Value[];
export type Kind = 'text' | 'number' | 'date' | 'datetime' | 'flag';

/**
 * - `key` identifies the record and is read-only.
 * - ADD and UPDATE set `editable` fields.
 * - Only ADD sets `protected` fields, because a record gets its plan once.
 * - PEMS itself maintains `system` fields.
 */
export type Access = 'key' | 'editable' | 'protected' | 'system';

interface FieldDefinition {
  readonly alias: string;
  readonly label: string;
  readonly kind: Kind;
  readonly access: Access;
  /** Maximum length of a text, in UTF-16 units. */
  readonly length?: number;
  /** The values of a choice, as stored; dialects show them in their own spellings. */
  readonly choices?: readonly string[];
}

const sources = ['Rental', 'Purchase'] as const;
const dors = ['BEO', 'PROJECT'] as const;

const definitions = [
  { alias: 'pfs_id', label: 'PFA ID', kind: 'text', access: 'key', length: 30 },
  { alias: 'pfs_a_org', label: 'Organization', kind: 'text', access: 'key', length: 15 },
  { alias: 'pfs_a_corporate', label: 'Area / Silo', kind: 'text', access: 'protected', length: 80 },
  { alias: 'pfs_a_category', label: 'Plan Category', kind: 'text', access: 'protected', length: 80 },
  { alias: 'pfs_f_category', label: 'Forecast Category', kind: 'text', access: 'editable', length: 80 },
  { alias: 'pfs_a_class', label: 'Plan Class', kind: 'text', access: 'protected', length: 80 },
  { alias: 'pfs_f_class', label: 'Forecast Class', kind: 'text', access: 'editable', length: 80 },
  {
    alias: 'pfs_a_source',
    label: 'Plan Source',
    kind: 'text',
    access: 'protected',
    length: 20,
    choices: sources,
  },
  {
    alias: 'pfs_f_source',
    label: 'Forecast Source',
    kind: 'text',
    access: 'editable',
    length: 20,
    choices: sources,
  },
  { alias: 'pfs_a_dor', label: 'Plan DOR', kind: 'text', access: 'protected', length: 20, choices: dors },
  { alias: 'pfs_f_dor', label: 'Forecast DOR', kind: 'text', access: 'editable', length: 20, choices: dors },
  { alias: 'pfs_a_rate', label: 'Plan Monthly Rate', kind: 'number', access: 'protected' },
  { alias: 'pfs_f_rate', label: 'Forecast Monthly Rate', kind: 'number', access: 'editable' },
  { alias: 'pfs_a_price', label: 'Plan Purchase Price', kind: 'number', access: 'protected' },
  { alias: 'pfs_f_price', label: 'Forecast Purchase Price', kind: 'number', access: 'editable' },
  { alias: 'pfs_f_manufact', label: 'Manufacturer', kind: 'text', access: 'editable', length: 80 },
  { alias: 'pfs_f_model', label: 'Model', kind: 'text', access: 'editable', length: 80 },
  { alias: 'pfs_a_startdate', label: 'Original Start', kind: 'date', access: 'protected' },
  { alias: 'pfs_a_enddate', label: 'Original End', kind: 'date', access: 'protected' },
  { alias: 'pfs_f_startdate', label: 'Forecast Start', kind: 'date', access: 'editable' },
  { alias: 'pfs_f_enddate', label: 'Forecast End', kind: 'date', access: 'editable' },
  { alias: 'pfs_ac_startdate', label: 'Actual Start', kind: 'date', access: 'protected' },
  { alias: 'pfs_ac_enddate', label: 'Actual End', kind: 'date', access: 'editable' },
  { alias: 'pfa_act', label: 'Actualized', kind: 'flag', access: 'protected' },
  { alias: 'pfa_dis', label: 'Discontinued', kind: 'flag', access: 'editable' },
  { alias: 'pfs_ft', label: 'Funds Transferable', kind: 'flag', access: 'editable' },
  { alias: 'pfa_ca_contract', label: 'Contract', kind: 'text', access: 'editable', length: 80 },
  { alias: 'pfs_equipment', label: 'Equipment', kind: 'text', access: 'editable', length: 80 },
  { alias: 'pfs_f_intlastupdated', label: 'Last Updated', kind: 'datetime', access: 'system' },
  { alias: 'pfs_f_last_change_by', label: 'Last Change By', kind: 'text', access: 'system' },
  // Fields that no mapping names: PEMS may add such fields at any time.
  { alias: 'pfs_x_vendor_note', label: 'Vendor Note', kind: 'text', access: 'protected', length: 2000 },
  { alias: 'pfs_x_wbs', label: 'WBS', kind: 'text', access: 'protected', length: 80 },
  { alias: 'pfs_x_units', label: 'Units', kind: 'number', access: 'protected' },
  { alias: 'pfs_x_reviewed', label: 'Reviewed On', kind: 'date', access: 'protected' },
] as const satisfies readonly FieldDefinition[];

export type Alias = (typeof definitions)[number]['alias'];
export interface Field extends FieldDefinition {
  readonly alias: Alias;
  readonly index: number;
  /** Number of the field in DATA_ONLY responses, deliberately different from its position. */
  readonly aliasnum: number;
  /** Name on the screen CUPFA2. */
  readonly screen: string;
}

/** All fields, in the order of the grid. */
export const fields: readonly Field[] = definitions.map((definition, index) => ({
  ...definition,
  index,
  aliasnum: 100 + ((index * 7) % definitions.length),
  screen: definition.alias.toUpperCase(),
}));

/** Position of each field in a row. */
export const at = Object.fromEntries(fields.map((field) => [field.alias, field.index])) as Record<
  Alias,
  number
>;

const byName = new Map(fields.map((field) => [field.alias as string, field]));

/** Returns the field of a grid alias or a screen name, in any case; undefined for other names. */
export function fieldOf(name: string): Field | undefined {
  return byName.get(name.toLowerCase());
}
