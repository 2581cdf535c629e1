import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRecordMapper } from '../../src/pems/mapping.ts';
import type { GridMapping, MappedRecord, RecordField, RecordMapperOptions } from '../../src/pems/mapping.ts';
import { mapRow, type Row } from './answers.ts';
import { quickest } from './quickest.ts';

const fields: RecordField[] = [
  { key: 'category', kind: 'text' },
  { key: 'class', kind: 'text' },
  { key: 'model', kind: 'text' },
  { key: 'monthlyRate', kind: 'money' },
  { key: 'forecastStart', kind: 'date' },
  { key: 'isActualized', kind: 'flag' },
  { key: 'hasPlan', kind: 'flag' },
];
const mappings: GridMapping[] = [
  { key: 'pfaId', gridAliases: ['PFS_ID'] },
  { key: 'organization', gridAliases: ['pfs_a_org'] },
  { key: 'category', gridAliases: ['pfs_f_category', 'pfs_a_category'] },
  { key: 'class', gridAliases: ['pfs_f_class', 'pfs_a_class'] },
  { key: 'model', gridAliases: ['pfs_f_model'] },
  { key: 'monthlyRate', gridAliases: ['pfs_f_rate', 'pfs_a_rate'] },
  { key: 'forecastStart', gridAliases: ['pfs_f_startdate'] },
  { key: 'isActualized', gridAliases: ['pfa_act'] },
  { key: 'version', gridAliases: ['pfs_f_intlastupdated'] },
  { key: 'versionBy', gridAliases: ['pfs_f_last_change_by'] },
];
const identity = { pfs_id: 'A-1', pfs_a_org: 'HOLNG' };

function map(row: Row, options: Partial<RecordMapperOptions> = {}): MappedRecord {
  return mapRow(createRecordMapper({ fields, mappings, dateOrder: 'MDY', ...options }), row);
}

test('a row becomes a record with typed values', () => {
  const record = map({
    ...identity,
    pfs_f_category: 'Crane "big"',
    pfs_f_rate: '12,345,678,901.23',
    pfs_f_startdate: '04/02/2026',
    pfa_act: '+',
    pfs_f_model: '',
    pfs_f_intlastupdated: '02-APR-2026 14:30',
    pfs_f_last_change_by: 'JDOE',
  });
  expect(record).toEqual({
    pfaId: 'A-1',
    organization: 'HOLNG',
    data: '{"category":"Crane \\"big\\"","monthlyRate":12345678901.23,"forecastStart":"2026-04-02","isActualized":true}',
    version: '2026-04-02 14:30',
    versionBy: 'JDOE',
    problems: [],
    unknown: [],
    implausible: [],
  });
});

test('money keeps digits that a float would lose', () => {
  expect(map({ ...identity, pfs_f_rate: '999,999,999,999,999.1234567891' }).data).toBe(
    '{"monthlyRate":999999999999999.1234567891}',
  );
});

test('id, organization and version are in the data only if mapped', () => {
  const row = { ...identity, pfs_f_intlastupdated: '2026-04-02' };
  expect(map(row).data).toBe('{}');
  expect(map(row).version).toBe('2026-04-02 00:00');
  expect(map(row, { fields: [...fields, { key: 'pfaId', kind: 'text' }] }).data).toBe('{"pfaId":"A-1"}');
});

describe('"X, else Y"', () => {
  test('takes the second alias only if the first is blank', () => {
    const data = (row: Row): unknown => JSON.parse(map({ ...identity, ...row }).data);
    expect(data({ pfs_f_category: 'F', pfs_a_category: 'P' })).toEqual({ category: 'F' });
    expect(data({ pfs_f_category: ' ', pfs_a_category: 'P' })).toEqual({ category: 'P' });
    expect(data({ pfs_a_category: 'P' })).toEqual({ category: 'P' });
    expect(data({ pfs_f_category: '', pfs_a_category: '' })).toEqual({});
    expect(data({ pfs_f_rate: '0', pfs_a_rate: '7' })).toEqual({ monthlyRate: 0 });
  });

  test('does not replace an unreadable first alias with the second', () => {
    const record = map({ ...identity, pfs_f_rate: 'lots', pfs_a_rate: '7' });
    expect(record.data).toBe('{}');
    expect(record.problems).toEqual([
      {
        key: 'monthlyRate',
        alias: 'pfs_f_rate',
        value: 'lots',
        message: expect.stringContaining('"lots" is no number') as string,
      },
    ]);
  });

  test('keeps the second alias beside the first if it is mapped to its own key', () => {
    const both = {
      fields: [...fields, { key: 'planCategory', kind: 'text' as const }],
      mappings: [...mappings, { key: 'planCategory', gridAliases: ['pfs_a_category'] }],
    };
    const record = map({ ...identity, pfs_f_category: 'F', pfs_a_category: 'P' }, both);
    expect(JSON.parse(record.data)).toEqual({ category: 'F', planCategory: 'P' });
  });
});

describe('an unmapped alias', () => {
  test('is kept unchanged as text, unless empty', () => {
    const record = map({ ...identity, pfs_new: ' 1,000 ', pfs_other: '', pfs_blank: ' ' });
    expect(JSON.parse(record.data)).toEqual({ pfs_new: ' 1,000 ', pfs_blank: ' ' });
  });

  test('cannot replace a field', () => {
    const row = { ...identity, model: 'not the model', version: '9', pfs_f_model: 'M' };
    const expected = { 'pems.model': 'not the model', 'pems.version': '9' };
    expect(JSON.parse(map(row).data)).toEqual({ model: 'M', ...expected });
    expect(JSON.parse(map({ ...row, pfs_f_model: '' }).data)).toEqual(expected);
  });

  test('with a text that PostgreSQL cannot store is a problem under its alias, in storable form', () => {
    const { data, problems } = map({ ...identity, pfs_new: 'a\0b', pfs_x: '\uD800' });
    expect(data).toBe('{}');
    expect(problems.map(({ key, value }) => [key, value])).toEqual([
      ['pfs_new', 'a\uFFFDb'],
      ['pfs_x', '\uFFFD'],
    ]);
  });
});

describe('the identity', () => {
  test('is the exact text', () => {
    const record = map({ pfs_id: ' A-1 ', pfs_a_org: 'RIO2' });
    expect([record.pfaId, record.organization, record.problems]).toEqual([' A-1 ', 'RIO2', []]);
  });

  test('is missing if blank', () => {
    const record = map({ pfs_id: ' ', pfs_a_org: '' });
    expect([record.pfaId, record.organization]).toEqual([null, null]);
    expect(record.problems.map((problem) => problem.key)).toEqual(['pfaId', 'organization']);
  });

  test('that cannot be stored is one problem', () => {
    const record = map(
      { ...identity, pfs_id: 'A\0' },
      { fields: [...fields, { key: 'pfaId', kind: 'text' }] },
    );
    expect(record.pfaId).toBeNull();
    expect(record.problems.map(({ key, value }) => [key, value])).toEqual([['pfaId', 'A\uFFFD']]);
  });
});

test('each unreadable value is a problem of its key, and the others remain', () => {
  const record = map({
    ...identity,
    pfs_f_startdate: '31-FEB-2026',
    pfa_act: 'maybe',
    pfs_f_intlastupdated: 'yesterday',
    pfs_f_model: 'M',
  });
  expect(record.problems.map((problem) => problem.key)).toEqual(['version', 'forecastStart', 'isActualized']);
  expect(record.version).toBeNull();
  expect(record.data).toBe('{"model":"M"}');
  // Neither is empty.
  expect(record.unknown).toEqual(['version', 'forecastStart', 'isActualized']);
});

test.each([
  ['maps the key "model" twice', [...mappings, { key: 'model', gridAliases: ['x'] }]],
  ['maps the key "nothing"', [...mappings, { key: 'nothing', gridAliases: ['x'] }]],
  ['where PEMS holds "pfaId"', mappings.filter(({ key }) => key !== 'pfaId')],
  [
    'where PEMS holds "organization"',
    mappings.map((m) => (m.key === 'organization' ? { ...m, gridAliases: [] } : m)),
  ],
])('a mapping that %s is refused', (words, wrong) => {
  expect(() => map(identity, { mappings: wrong })).toThrow(words);
});

test('data is always JSON that PostgreSQL can store and returns unchanged', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
    fc.constantFrom('1,234.5', '02-APR-2026', '+', '-', '"', '\\', '\u2028', '</script>', ''),
  );
  const aliases = mappings.flatMap(({ gridAliases }) => gridAliases.map((alias) => alias.toLowerCase()));
  const alias = fc.oneof(
    fc.constantFrom(...aliases),
    fc.constantFrom('__proto__', 'model', 'constructor'),
    text,
  );
  const mapper = createRecordMapper({ fields, mappings, dateOrder: 'DMY' });
  fc.assert(
    fc.property(fc.array(fc.tuple(alias, text)), (cells) => {
      const row = Object.assign(Object.create(null), identity) as Row;
      for (const [name, value] of cells) row[name] = value;
      const record = mapRow(mapper, row);
      const data = JSON.parse(record.data) as Record<string, unknown>;
      expect(JSON.stringify(record)).not.toMatch(/\\u0000|\\ud[89a-f]/);
      expect(record.data.isWellFormed()).toBe(true);
      // Every unmapped text is kept unchanged, or is a problem.
      const problems = new Set(record.problems.map((problem) => problem.key));
      for (const [name, value] of Object.entries(row)) {
        if (aliases.includes(name) || value === '' || value !== value.toWellFormed() || value.includes('\0'))
          continue;
        if (name !== name.toWellFormed() || name.includes('\0') || problems.has(name)) continue;
        const key = Object.hasOwn(data, `pems.${name}`) ? `pems.${name}` : name;
        expect(Object.getOwnPropertyDescriptor(data, key)?.value).toBe(value);
      }
    }),
  );
});

describe('a missing column', () => {
  const seenAliases = [...mappings.flatMap(({ gridAliases }) => gridAliases), 'pfs_x_note'];
  const whole: Row = Object.fromEntries(seenAliases.map((alias) => [alias, '']));
  const without = (...lost: string[]) =>
    Object.fromEntries(
      Object.entries({ ...whole, ...identity, pfs_a_rate: '5' }).filter(([alias]) => !lost.includes(alias)),
    );
  const unknownOf = (row: Row) => map(row, { seenAliases }).unknown;

  test.each([
    ['the only one of a key', ['pfs_f_startdate'], ['forecastStart']],
    ['a flag', ['pfa_act'], ['isActualized']],
    ['the version', ['pfs_f_intlastupdated', 'pfs_f_last_change_by'], ['version', 'versionBy']],
    ['one that no mapping names', ['pfs_x_note'], ['pfs_x_note']],
    ['several', ['pfs_f_model', 'pfs_f_category', 'pfs_a_category'], ['category', 'model']],
    ['none', [], []],
  ])('makes its key unknown: %s', (_what, lost, keys) => {
    expect(unknownOf(without(...lost))).toEqual(keys);
  });

  test('that the grid had before is not replaced by the next alias', () => {
    const record = map(without('pfs_f_rate'), { seenAliases });
    expect([record.data, record.unknown]).toEqual(['{}', ['monthlyRate']]);
    // The forecast has none, and the planned value is missing.
    expect(unknownOf(without('pfs_a_rate'))).toEqual(['monthlyRate']);
    expect(unknownOf({ ...without('pfs_a_rate'), pfs_f_rate: '7' })).toEqual([]);
  });

  test('that the grid never had is skipped', () => {
    const record = map(without('pfs_f_rate'));
    expect([record.data, record.unknown]).toEqual(['{"monthlyRate":5}', []]);
  });

  test('is one without a value on the whole page, even if the page names it', () => {
    const mapper = createRecordMapper({ fields, mappings, dateOrder: 'MDY', seenAliases });
    const row = without();
    const told = Object.keys(row).filter((alias) => alias !== 'pfs_f_model');
    expect(mapper.forAliases(Object.keys(row), told)(Object.values(row)).unknown).toEqual(['model']);
  });

  test.each(['pfs_id', 'pfs_a_org'])('is an error if it is %s', (alias) => {
    expect(() => map(without(alias), { seenAliases })).toThrow(
      expect.objectContaining({ code: 'PEMS_COLUMN_MISSING' }) as Error,
    );
  });
});

test.each([
  ['pfs_f_startdate', '23/04/2026', 'MDY', 'day-first'],
  ['pfs_f_intlastupdated', '23/04/2026 10:30', 'MDY', 'day-first'],
  ['pfs_f_startdate', '04/23/2026', 'DMY', 'month-first'],
  ['pfs_f_startdate', '13/13/2026', 'MDY', undefined],
  ['pfs_f_startdate', '30/02/2026', 'MDY', undefined],
  ['pfs_f_rate', '1.234,56', 'MDY', 'decimal-comma'],
  ['pfs_f_rate', '12,5', 'MDY', 'decimal-comma'],
  ['pfs_f_rate', '0,125', 'MDY', 'decimal-comma'],
  ['pfs_f_rate', '1.234.567', 'MDY', 'decimal-comma'],
  ['pfs_f_rate', '1,23,4.5', 'MDY', undefined],
  ['pfa_act', 'Y', 'MDY', undefined],
] as const)('for %s, "%s" proves with %s: %s', (alias, text, dateOrder, proves) => {
  const [problem] = map({ ...identity, [alias]: text }, { dateOrder }).problems;
  expect(problem?.proves).toBe(proves);
});

test('values outside of the limits of drafts are kept and reported', () => {
  const bounded = fields.map((field) =>
    field.kind === 'date'
      ? { ...field, earliest: '1990-01-01', latest: '2099-12-31' }
      : field.kind === 'money'
        ? { ...field, largest: 1000 }
        : field,
  );
  const seen = (pfs_f_startdate: string, pfs_f_rate: string) =>
    map({ ...identity, pfs_f_startdate, pfs_f_rate }, { fields: bounded });
  expect(seen('1990-01-01', '1000').implausible).toEqual([]);
  expect(seen('2099-12-31', '').implausible).toEqual([]);
  expect(seen('1989-12-31', '1000.01')).toMatchObject({
    data: '{"monthlyRate":1000.01,"forecastStart":"1989-12-31"}',
    problems: [],
    implausible: ['monthlyRate', 'forecastStart'],
  });
});

test('20,000 rows of 30 fields are mapped in well under a second', () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => ({
    ...identity,
    pfs_id: `A-${index}`,
    pfs_f_category: 'Crane',
    pfs_a_class: 'Crawler',
    pfs_f_rate: `${index % 999},234.56`,
    pfs_f_startdate: '02-APR-2026',
    pfa_act: '-',
    pfs_f_intlastupdated: '02-APR-2026 14:30',
    ...Object.fromEntries(Array.from({ length: 22 }, (_item, n) => [`pfs_new_${n}`, `text ${n}`])),
  }));
  const map = createRecordMapper({ fields, mappings, dateOrder: 'MDY' }).forAliases(
    Object.keys(rows[0] ?? {}),
  );
  const cells = rows.map((row) => Object.values<string>(row));
  const milliseconds = quickest(800, () => {
    for (const row of cells) map(row);
  });
  expect(milliseconds).toBeLessThan(800);
});
