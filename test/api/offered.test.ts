import {
  buildClientSchema,
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  type IntrospectionQuery,
} from 'graphql';
import { expect, test } from 'vitest';
import { testDatabase } from '../support/database.ts';
import { testApi } from './server.ts';

// Filters and orders: the API offers only columns and operators that an index serves.

const db = await testDatabase();
const api = await testApi(db);
const schema = buildClientSchema(await api.data<IntrospectionQuery>(null, getIntrospectionQuery()));

const operators = [
  'equalTo',
  'greaterThan',
  'greaterThanOrEqualTo',
  'in',
  'isNull',
  'lessThan',
  'lessThanOrEqualTo',
  'notEqualTo',
];

test('no filter has any other operator', () => {
  const filters = Object.values(schema.getTypeMap())
    .filter(isInputObjectType)
    .filter(({ name }) =>
      /^(BigFloat|BigInt|Boolean|Date|Datetime|Int|JSON|String|UUID).*Filter$/.test(name),
    );
  expect(filters.length).toBeGreaterThanOrEqual(6);
  for (const filter of filters)
    expect([filter.name, Object.keys(filter.getFields()).sort()]).toEqual([filter.name, operators]);
});

/** Returns the columns of an order, without direction: `FORECAST_END_ASC` -> `forecast_end`. */
function columnsOf(order: string): string[] {
  const type = schema.getType(order);
  if (!isEnumType(type)) throw new Error(`There is no order ${order}.`);
  const names = type.getValues().map(({ name }) => name.replace(/_(ASC|DESC)$/, '').toLowerCase());
  return [...new Set(names)].filter((name) => !['natural', 'primary_key'].includes(name));
}

test.each([
  ['app_core.pfa_mirror', 1],
  // Restricted by the viewer.
  ['app_core.pfa_overlay', 2],
])('each order of records has an index of %s, and there are eight at most', async (table, position) => {
  const offered = columnsOf('PfaRecordOrderBy');
  expect(offered.length).toBeGreaterThan(3);
  expect(offered.length).toBeLessThanOrEqual(8);
  // Restricted by the organization, which is part of every list.
  const { rows } = await db.owner.query<{ column: string }>(
    `select distinct a.attname as column
      from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[$2]
      where i.indrelid = $1::regclass and i.indpred is null
        and i.indkey[0] = (select attnum from pg_attribute where attrelid = i.indrelid and attname = 'organization_id')`,
    [table, position],
  );
  const indexed = rows.map(({ column }) => column);
  expect(offered.filter((column) => !indexed.includes(column))).toEqual([]);
});

test('each order of another list has an index too', async () => {
  const { rows } = await db.owner.query<{ columns: string[] }>(
    `select array_agg(distinct a.attname::text) as columns
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where c.relnamespace = 'app_public'::regnamespace or c.relname = 'pfa_modification' or c.relname like 'pfa_kpi%'`,
  );
  const indexed = new Set(rows[0]?.columns);
  const orders = Object.values(schema.getTypeMap())
    .filter(isEnumType)
    .map(({ name }) => name)
    // Few rows each, found by an index: one's own drafts, and the sums of an organization by source.
    .filter(
      (name) =>
        name.endsWith('OrderBy') &&
        !['PfaRecordOrderBy', 'PfaDraftOrderBy', 'PfaKpiSummaryOrderBy'].includes(name),
    );
  expect(orders.length).toBeGreaterThan(8);
  for (const order of orders)
    expect([order, columnsOf(order).filter((column) => !indexed.has(column))]).toEqual([order, []]);
});
