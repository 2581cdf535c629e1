/**
 * The plain lists, `GET /organizations`, `/categories`, `/classes`, `/manufacturers`, `/models`, `/equipment`:
 * `Result.ResultData: { DATARECORD: [ { NAME: "text", ... } ], CURRENTCURSORPOSITION, NEXTCURSORPOSITION }`, with all
 * values as text. `/equipment` returns the equipment of exactly `?organization=` (default: the `organization` header).
 * Every list takes `?cursorposition=` (default 0) and `?rows=` (default and maximum 10,000); NEXTCURSORPOSITION 0 means
 * the end.
 */
import { Alert, json, type Answer } from './answer.ts';
import { categories, manufacturers } from './catalogue.ts';
import { assetCount, generateAsset } from './generate.ts';
import type { Store } from './store.ts';
import { fields } from './fields.ts';
import type { Display } from './values.ts';

type ListRow = Record<string, string>;

interface List {
  readonly length: number;
  readonly row: (index: number) => ListRow;
}

const fixed = (rows: readonly ListRow[]): List => ({
  length: rows.length,
  row: (index) => rows[index] ?? {},
});

/** Names of the lists. */
export const listNames = [
  'organizations',
  'categories',
  'classes',
  'manufacturers',
  'models',
  'equipment',
] as const;
export type ListName = (typeof listNames)[number];

function listOf(name: ListName, store: Store, organization: string, display: Display): List {
  switch (name) {
    case 'organizations':
      return fixed(
        [...store.organizations.values()].map((one) => ({
          ORGANIZATIONCODE: one.code,
          ORGANIZATIONDESC: one.name,
          CURRENCYCODE: 'USD',
          OUTOFSERVICE: '-',
        })),
      );
    case 'categories':
      return fixed(
        categories.map(({ name: code }) => ({ CATEGORYCODE: code, CATEGORYDESC: code, OUTOFSERVICE: '-' })),
      );
    case 'classes':
      return fixed(
        categories.flatMap((category) =>
          category.classes.map((cls) => ({
            CLASSCODE: cls.name,
            CLASSDESC: cls.name,
            CATEGORYCODE: category.name,
            OUTOFSERVICE: '-',
          })),
        ),
      );
    case 'manufacturers':
      return fixed(
        manufacturers.map(([code]) => ({
          MANUFACTURERCODE: code,
          MANUFACTURERDESC: code,
          OUTOFSERVICE: '-',
        })),
      );
    case 'models':
      return fixed(
        manufacturers.flatMap(([maker, models]) =>
          models.map((code) => ({
            MODELCODE: code,
            MODELDESC: `${maker} ${code}`,
            MANUFACTURERCODE: maker,
            OUTOFSERVICE: '-',
          })),
        ),
      );
    case 'equipment': {
      const owner = store.organizations.get(organization);
      if (!owner) throw new Alert('UNKNOWN_ORGANIZATION', `Organization ${organization} does not exist`);
      const date = fields.find(({ kind }) => kind === 'date');
      return {
        length: assetCount(owner.size),
        row: (index) => {
          const asset = generateAsset(owner.profile, index);
          return {
            EQUIPMENTCODE: asset.code,
            EQUIPMENTDESC: `${asset.class} ${asset.manufacturer} ${asset.model}`,
            ORGANIZATIONCODE: owner.code,
            CATEGORYCODE: asset.category,
            CLASSCODE: asset.class,
            MANUFACTURER: asset.manufacturer,
            MODEL: asset.model,
            SERIALNUMBER: asset.serial,
            STATUS: 'I',
            COMMISSIONDATE: date ? display.text(date, asset.commissioned) : '',
          };
        },
      };
    }
  }
}

/** Returns one of the lists. `organization` is the value of the header. */
export function serveList(
  name: ListName,
  query: URLSearchParams,
  store: Store,
  organization: string,
  display: Display,
): Answer {
  const whole = (key: string, standard: number, most: number): number => {
    const value = Number(query.get(key) ?? standard);
    if (Number.isInteger(value) && value >= 0 && value <= most) return value;
    throw new Alert('INVALID_REQUEST', `${key} must be a whole number from 0 to ${most}`);
  };
  const position = whole('cursorposition', 0, Number.MAX_SAFE_INTEGER);
  const rows = whole('rows', 10_000, 10_000);
  const list = listOf(name, store, query.get('organization') ?? organization, display);
  const end = Math.min(position + rows, list.length);
  const records: ListRow[] = [];
  for (let i = position; i < end; i++) records.push(list.row(i));
  return json({
    Result: {
      ResultData: {
        DATARECORD: records,
        CURRENTCURSORPOSITION: position,
        NEXTCURSORPOSITION: end < list.length ? end : 0,
      },
    },
  });
}
