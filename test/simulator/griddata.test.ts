import { describe, expect, test } from 'vitest';
import { simulatedFields } from '../../simulator/index.ts';
import { compareText } from '../../simulator/values.ts';
import { control, dig, grid, gridBody, idsByKeyset, post, startClassic, type Filter } from './client.ts';

const ids = (...numbers: number[]): string[] => numbers.map((n) => `ONE-${String(n).padStart(7, '0')}`);
const one: Filter = { alias: 'pfs_a_org', op: '=', value: 'ONE' };

describe('shapes', () => {
  test('DATA_ONLY and HEAD_DATA have the same content', async () => {
    const simulator = await startClassic();
    const data = await grid(simulator, { organization: 'ONE' });
    const head = await grid(simulator, { organization: 'ONE', head: true });
    expect(data.rows).toHaveLength(30);
    expect(head.rows).toEqual(data.rows);
    expect(Object.keys(data.rows[0] ?? {})).toEqual(simulatedFields.map(({ alias }) => alias));
    expect([data.more, head.more]).toEqual([false, false]);
  });

  test('DATA_ONLY has a single row as an object, several as an array, and no member for none', async () => {
    const simulator = await startClassic();
    const rowOf = async (filters: Filter[]): Promise<unknown> =>
      dig((await grid(simulator, { filters })).raw, 'Result', 'ResultData', 'GRID', 'DATA', 'ROW');
    expect(await rowOf([{ alias: 'pfs_id', op: '=', value: 'ONE-0000003' }])).toMatchObject({ id: '1' });
    expect(await rowOf([{ alias: 'pfs_id', op: 'IN', value: 'ONE-0000003,ONE-0000004' }])).toHaveLength(2);
    expect(await rowOf([{ alias: 'pfs_id', op: '=', value: 'nobody' }])).toBeUndefined();
  });

  test("values have the formats of PEMS's interface", async () => {
    const simulator = await startClassic();
    await control(simulator, 'POST', '/clock', { now: '2026-04-02T14:30:59Z' });
    const values = {
      pfs_f_rate: 1234.56,
      pfs_f_price: null,
      pfs_f_startdate: '2026-04-02',
      pfa_dis: true,
      pfs_ft: false,
      pfs_f_model: '"Größe\\" 中文 😀',
    };
    await control(simulator, 'PATCH', '/records/ONE/ONE-0000001', { values });
    for (const head of [false, true]) {
      const { rows } = await grid(simulator, {
        filters: [{ alias: 'pfs_id', op: '=', value: 'ONE-0000001' }],
        head,
      });
      expect(rows[0]).toMatchObject({
        pfs_f_rate: '1,234.56',
        pfs_f_price: '',
        pfs_f_startdate: '02-APR-2026',
        pfa_dis: '+',
        pfs_ft: '-',
        pfs_f_model: '"Größe\\" 中文 😀',
        pfs_f_intlastupdated: '02-APR-2026 14:30',
        pfs_f_last_change_by: 'OTHERWRITER',
      });
    }
  });

  test.each([
    ['YYYY-MM-DD', '2026-04-02'],
    ['MM/DD/YYYY', '04/02/2026'],
    ['DD/MM/YYYY', '02/04/2026'],
  ] as const)('dates as %s, in pages and in filters', async (dateFormat, shown) => {
    const simulator = await startClassic({ dateFormat });
    await control(simulator, 'PATCH', '/records/ONE/ONE-0000001', {
      values: { pfs_x_reviewed: '2026-04-02' },
    });
    const { rows } = await grid(simulator, {
      filters: [one, { alias: 'pfs_x_reviewed', op: '=', value: shown }],
    });
    expect(rows.map((row) => row.pfs_x_reviewed)).toEqual(expect.arrayContaining([shown]));
    const wrong = { filters: [{ alias: 'pfs_x_reviewed', op: '=', value: '02-APR-2026' }] };
    await expect(grid(simulator, wrong)).rejects.toThrow(/INVALID_VALUE.*format/);
  });
});

describe('paging', () => {
  test('by keyset each id comes once, in order, also from several organizations', async () => {
    const simulator = await startClassic();
    await control(simulator, 'POST', '/records/ONE', { id: 'ONE-0000010-B' });
    await control(simulator, 'POST', '/records/ONE', { id: '\u{1F600}' });
    await control(simulator, 'POST', '/records/ONE', { id: '\uFF5E' });
    await control(simulator, 'DELETE', '/records/ONE/ONE-0000011');
    for (const head of [false, true]) {
      const all = await idsByKeyset(simulator, { organization: 'ONE', rows: 4, head });
      expect(all).toHaveLength(32);
      expect(new Set(all).size).toBe(32);
      expect(all).toEqual([...all].sort(compareText));
      expect(all.slice(-2)).toEqual(['\uFF5E', '\u{1F600}']);
    }
  });

  test.each([false, true])('by cursor each id comes once (head: %s)', async (head) => {
    const simulator = await startClassic();
    for (const sort of ['pfs_id', 'pfs_f_enddate']) {
      const all: string[] = [];
      for (let page, position = 0; !page || page.more; position = page.next) {
        page = await grid(simulator, { organization: 'ONE', rows: 7, position, head, sort });
        all.push(...page.ids);
      }
      expect(all).toHaveLength(30);
      expect(new Set(all).size).toBe(30);
    }
  });

  test('a full last page reports the end', async () => {
    const simulator = await startClassic();
    expect(await grid(simulator, { filters: [one], rows: 25 })).toMatchObject({ more: false, records: 25 });
    expect(await grid(simulator, { filters: [one], rows: 24 })).toMatchObject({ more: true, records: 24 });
  });

  test('more than 10,000 rows a page are refused', async () => {
    const simulator = await startClassic();
    await expect(grid(simulator, { rows: 10_001 })).rejects.toThrow('TOO_MANY_ROWS');
  });

  test('a deep page of a large organization is found quickly', async () => {
    const simulator = await startClassic({ organizations: { BIG: 200_000 } });
    const after = { alias: 'pfs_id', op: '>', value: 'BIG-0190000' };
    await grid(simulator, { filters: [after], rows: 5 });
    const begun = performance.now();
    const { ids: found } = await grid(simulator, { organization: 'BIG', filters: [after], rows: 5 });
    expect(found[0]).toBe('BIG-0190001');
    // A scan takes hundreds of milliseconds, an indexed search one.
    expect(performance.now() - begun).toBeLessThan(200);
  });
});

describe('operators', () => {
  const cases: [op: string, value: string, expected: string[]][] = [
    ['=', 'ONE-0000002', ids(2)],
    ['<', 'ONE-0000003', ids(1, 2)],
    ['<=', 'ONE-0000003', ids(1, 2, 3)],
    ['>', 'ONE-0000023', ids(24, 25)],
    ['>=', 'ONE-0000023', ids(23, 24, 25)],
    ['BEGINS', 'ONE-000002', ids(20, 21, 22, 23, 24, 25)],
    ['CONTAINS', '07', ids(7)],
    ['IN', 'ONE-0000025, ONE-0000001,ONE2-0000001', ids(1, 25)],
  ];
  test.each(cases)('id %s %s', async (op, value, expected) => {
    const simulator = await startClassic();
    expect((await grid(simulator, { filters: [one, { alias: 'pfs_id', op, value }] })).ids).toEqual(expected);
  });

  test('id != excludes one', async () => {
    const simulator = await startClassic();
    const found = await grid(simulator, {
      filters: [one, { alias: 'pfs_id', op: '!=', value: 'ONE-0000002' }],
    });
    expect(found.ids).toHaveLength(24);
  });

  test('numbers compare as numbers, dates as dates, checkboxes by sign, and empty equals nothing else', async () => {
    const simulator = await startClassic();
    const set = (n: number, values: Record<string, unknown>): Promise<unknown> =>
      control(simulator, 'PATCH', `/records/ONE/${ids(n)[0] ?? ''}`, { values });
    for (let n = 1; n <= 25; n++) await set(n, { pfs_x_units: null, pfs_x_reviewed: null, pfs_ft: false });
    await set(1, { pfs_x_units: 9, pfs_x_reviewed: '2026-12-01', pfs_ft: true });
    await set(2, { pfs_x_units: 1000, pfs_x_reviewed: '2027-01-02' });
    const find = async (alias: string, op: string, value: string): Promise<string[]> =>
      (await grid(simulator, { filters: [one, { alias, op, value }] })).ids;
    expect(await find('pfs_x_units', '>', '10')).toEqual(ids(2));
    expect(await find('pfs_x_units', '=', '1,000.00')).toEqual(ids(2));
    expect(await find('pfs_x_units', '<=', '9')).toEqual(ids(1));
    expect(await find('pfs_x_units', '=', '')).toHaveLength(23);
    expect(await find('pfs_x_units', 'IN', '9,1000')).toEqual(ids(1, 2));
    expect(await find('pfs_x_reviewed', '<', '02-JAN-2027')).toEqual(ids(1));
    expect(await find('pfs_x_reviewed', '>=', '02-JAN-2027')).toEqual(ids(2));
    expect(await find('pfs_x_reviewed', 'CONTAINS', 'DEC')).toEqual(ids(1));
    expect(await find('pfs_ft', '=', '+')).toEqual(ids(1));
    await expect(find('pfs_ft', '<', '+')).rejects.toThrow('INVALID_OPERATOR');
    await expect(find('pfs_x_units', '>', 'ten')).rejects.toThrow('INVALID_VALUE');
    await expect(find('pfs_x_nothing', '=', '1')).rejects.toThrow('UNKNOWN_FIELD');
    await expect(find('pfs_id', 'LIKE', '1')).rejects.toThrow('INVALID_REQUEST');
    await expect(find('pfs_id', 'IN', Array(501).fill('x').join(','))).rejects.toThrow('at most 500');
  });

  test('last updated compares by the minute', async () => {
    const simulator = await startClassic();
    await control(simulator, 'POST', '/clock', { now: '2030-01-01T10:20:45Z' });
    await control(simulator, 'PATCH', '/records/ONE/ONE-0000004', { values: { pfs_x_units: 3 } });
    const find = async (op: string): Promise<string[]> =>
      (
        await grid(simulator, {
          filters: [{ alias: 'pfs_f_intlastupdated', op, value: '01-JAN-2030 10:20' }],
        })
      ).ids;
    expect(await find('>=')).toEqual(ids(4));
    expect(await find('=')).toEqual(ids(4));
    expect(await find('>')).toEqual([]);
  });

  test('JOINER joins a filter to the next by SEQNUM, AND binds tighter, ADDON_FILTER applies to all', async () => {
    const simulator = await startClassic();
    const id = (value: string, joiner: 'AND' | 'OR' = 'AND', op = '='): Filter => ({
      alias: 'pfs_id',
      op,
      value,
      joiner,
    });
    const filters = [
      id('ONE-0000001', 'OR'),
      id('ONE2-0000001', 'OR'),
      id('ONE-000000', 'AND', 'BEGINS'),
      id('7', 'AND', 'CONTAINS'),
    ];
    const found = await grid(simulator, { organization: 'ONE2', filters });
    expect(found.ids).toEqual(['ONE2-0000001']);
    expect((await grid(simulator, { organization: 'ONE', filters })).ids).toEqual([
      ...ids(1, 7),
      'ONE2-0000001',
    ]);

    const body = gridBody({ filters });
    (dig(body, 'MULTIADDON_FILTERS', 'MADDON_FILTER') as unknown[]).reverse();
    const raw: unknown = await (await post(simulator, 'griddata', body)).json();
    expect(dig(raw, 'Result', 'ResultData', 'GRID', 'METADATA', 'RECORDS')).toBe(3);
  });

  test('BEGINS on the organization also returns a longer code', async () => {
    const simulator = await startClassic();
    const { rows } = await grid(simulator, { organization: 'ONE' });
    expect(new Set(rows.map((row) => row.pfs_a_org))).toEqual(new Set(['ONE', 'ONE2']));
  });
});

describe('sort', () => {
  test('by any alias, ascending or descending, with empty values last', async () => {
    const simulator = await startClassic();
    for (let n = 1; n <= 25; n++) {
      const values = { pfs_x_units: n === 5 ? null : (n * 7) % 25, pfs_x_reviewed: null };
      await control(simulator, 'PATCH', `/records/ONE/${ids(n)[0] ?? ''}`, { values });
    }
    const up = await grid(simulator, { filters: [one], sort: 'pfs_x_units' });
    const down = await grid(simulator, { filters: [one], sort: 'pfs_x_units', descending: true });
    const numbers = (rows: Record<string, string>[]): number[] => rows.map((row) => Number(row.pfs_x_units));
    expect(up.ids.at(-1)).toBe('ONE-0000005');
    expect(down.ids[0]).toBe('ONE-0000005');
    expect(numbers(up.rows).slice(0, -1)).toEqual(
      numbers(up.rows)
        .slice(0, -1)
        .sort((a, b) => a - b),
    );
    expect(numbers(down.rows).slice(1)).toEqual(
      numbers(down.rows)
        .slice(1)
        .sort((a, b) => b - a),
    );
    expect((await grid(simulator, { filters: [one], sort: 'pfs_x_reviewed', descending: true })).ids[0]).toBe(
      ids(1)[0],
    );
  });

  test('by id descending', async () => {
    const simulator = await startClassic();
    await control(simulator, 'POST', '/records/ONE', { id: 'ONE-0000024-B' });
    const { ids: found } = await grid(simulator, { filters: [one], descending: true, rows: 3 });
    expect(found).toEqual(['ONE-0000025', 'ONE-0000024-B', 'ONE-0000024']);
  });
});

test('another grid does not exist', async () => {
  const simulator = await startClassic();
  const body = { ...gridBody({}), GRID: { GRID_NAME: 'OTHER', GRID_ID: '1' } };
  const raw: unknown = await (await post(simulator, 'griddata', body)).json();
  expect(dig(raw, 'ErrorAlert', '0', 'Name')).toBe('UNKNOWN_GRID');
});
