import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VanguardError } from '../../src/errors.ts';
import {
  confirmationAlerts,
  cutAtLastId,
  errorAlerts,
  gridRequest,
  parseGridAnswer,
  parseGridHeader,
} from '../../src/pems/grid.ts';
import type { GridPage } from '../../src/pems/grid.ts';
import { byAlias, dataOnly, headData, type Row } from './answers.ts';
import { quickest } from './quickest.ts';

const grid = {
  name: 'CUPFAG',
  id: '100541',
  idAlias: 'pfs_id',
  organizationAlias: 'pfs_a_org',
  versionAlias: 'pfs_f_intlastupdated',
};

describe('the request', () => {
  test("for a first page has exactly PEMS's format", () => {
    const connection = { grid, requestType: 'LIST.DATA_ONLY.STORED' } as const;
    const query = { organization: 'HOLNG', after: null, changedSince: null, rows: 10_000 };
    expect(gridRequest(connection, query)).toStrictEqual({
      GRID: {
        GRID_NAME: 'CUPFAG',
        GRID_ID: '100541',
        NUMBER_OF_ROWS_FIRST_RETURNED: 10000,
        CURSOR_POSITION: 0,
        LOCALIZE_RESULT: 'false',
      },
      GRID_TYPE: { TYPE: 'LIST' },
      ADDON_SORT: { ALIAS_NAME: 'pfs_id', TYPE: 'ASC' },
      ADDON_FILTER: { ALIAS_NAME: 'pfs_a_org', OPERATOR: 'BEGINS', VALUE: 'HOLNG' },
      REQUEST_TYPE: 'LIST.DATA_ONLY.STORED',
    });
  });

  test('for a later page of changes continues after the last id', () => {
    const connection = { grid, requestType: 'LIST.HEAD_DATA.STORED' } as const;
    const query = { organization: 'RIO', after: 'A,1', changedSince: '02-APR-2026 14:30', rows: 5 };
    const request = gridRequest(connection, query);
    expect(request.REQUEST_TYPE).toBe('LIST.HEAD_DATA.STORED');
    expect(request.GRID.CURSOR_POSITION).toBe(0);
    expect(request.MULTIADDON_FILTERS).toStrictEqual({
      MADDON_FILTER: [
        { ALIAS_NAME: 'pfs_id', OPERATOR: '>', VALUE: 'A,1', JOINER: 'AND', SEQNUM: 1 },
        {
          ALIAS_NAME: 'pfs_f_intlastupdated',
          OPERATOR: '>=',
          VALUE: '02-APR-2026 14:30',
          JOINER: 'AND',
          SEQNUM: 2,
        },
      ],
    });
  });
});

describe('a response in the shape DATA_ONLY', () => {
  const answer = (over: object, more = '-'): unknown => ({
    Result: { ResultData: { GRID: { METADATA: { MORERECORDPRESENT: more }, ...over } } },
  });
  const FIELDS = {
    FIELD: [
      { aliasnum: 1, name: 'PFS_ID' },
      { aliasnum: '7', name: 'pfs_f_rate' },
    ],
  };

  test('names its values by aliasnum, as number or text', () => {
    const DATA = {
      ROW: [
        {
          id: '1',
          D: [
            { n: '1', value: 'A' },
            { n: 7, value: '1,234.56' },
          ],
        },
        {
          id: '2',
          D: [
            { n: 1, value: 'B' },
            { n: '7', value: null },
          ],
        },
      ],
    };
    expect(read(answer({ FIELDS, DATA }, '+'))).toEqual({
      rows: [
        { pfs_id: 'A', pfs_f_rate: '1,234.56' },
        { pfs_id: 'B', pfs_f_rate: '' },
      ],
      more: true,
    });
  });

  test('may contain a single row, field or value without an array', () => {
    const over = {
      FIELDS: { FIELD: { aliasnum: 1, name: 'pfs_id' } },
      DATA: { ROW: { id: '1', D: { n: 1, value: 'A' } } },
    };
    expect(read(answer(over))).toEqual({ rows: [{ pfs_id: 'A' }], more: false });
  });

  test.each([[{}], [{ FIELDS: null, DATA: null }], [{ FIELDS, DATA: {} }], [{ FIELDS, DATA: { ROW: [] } }]])(
    'may have no rows: %j',
    (over) => {
      expect(read(answer(over))).toEqual({ rows: [], more: false });
    },
  );

  test.each<[object]>([
    [{ METADATA: undefined }],
    [{ METADATA: null }],
    [{ METADATA: {} }],
    [{ METADATA: { MORERECORDPRESENT: null, RECORDS: null } }],
  ])('has no more rows with %j, so a page that is not full is the last', (metadata) => {
    const DATA = { ROW: { id: 1, D: { n: 1, value: 'A' } } };
    expect(read(answer({ FIELDS, DATA, ...metadata }))).toEqual({ rows: [{ pfs_id: 'A' }], more: false });
  });

  test('may be terse, with plain numbers and flags', () => {
    const D = [
      { n: 1, value: 78001 },
      { n: 7, value: 12.5 },
    ];
    const rows = [{ pfs_id: '78001', pfs_f_rate: '12.5' }];
    expect(read(answer({ FIELDS, DATA: { ROW: null, R: [{ D }] } })).rows).toEqual(rows);
    const flag = { FIELDS, DATA: { R: { D: { n: 1, value: true } } } };
    expect(read(answer(flag)).rows).toEqual([{ pfs_id: 'true' }]);
  });

  test('without column names is read with the separate header', () => {
    const DATA = {
      ROW: [
        {
          id: 1,
          D: [
            { value: 'A', n: 1 },
            { value: '5', n: '7' },
          ],
        },
      ],
    };
    const METADATA = { RECORDS: '1', MORERECORDPRESENT: '-' };
    for (const over of [
      { METADATA, DATA },
      { METADATA, DATA, FIELDS: null },
    ]) {
      expect(parseGridAnswer(answer(over))).toBeNull();
      const header = parseGridHeader(answer({ FIELDS }));
      expect(byAlias(parseGridAnswer(answer(over), header)!)).toEqual([{ pfs_id: 'A', pfs_f_rate: '5' }]);
    }
    expect(() => parseGridHeader(answer({ FIELDS: null }))).toThrow('names no column');
  });

  test.each([
    ['METADATA', { METADATA: 'x' }],
    ['MORERECORDPRESENT', { METADATA: { MORERECORDPRESENT: true } }],
    ['DATA', { METADATA: { RECORDS: '2' } }],
    ['FIELDS', { FIELDS: 'x' }],
    ['FIELD[0].aliasnum', { FIELDS: { FIELD: [{ name: 'a' }] } }],
    ['FIELD[0].name', { FIELDS: { FIELD: [{ aliasnum: 1 }] } }],
    [
      'FIELD[1]',
      {
        FIELDS: {
          FIELD: [
            { aliasnum: 1, name: 'a' },
            { aliasnum: 2, name: 'A' },
          ],
        },
      },
    ],
    ['DATA', { DATA: [] }],
    ['ROW[0]', { FIELDS, DATA: { ROW: ['x'] } }],
    ['ROW[0].D[0]', { FIELDS, DATA: { ROW: { D: ['x'] } } }],
    ['ROW[0].D[0].n', { FIELDS, DATA: { ROW: { D: [{ n: 2, value: 'x' }] } } }],
    ['ROW[0].D[0]', { FIELDS, DATA: { ROW: { D: [{ n: 1, value: {} }] } } }],
    ['ROW[0].D[0]', { FIELDS, DATA: { ROW: { D: [{ n: 1, value: 2 ** 53 }] } } }],
    [
      'ROW[0].D[1]',
      {
        FIELDS,
        DATA: {
          ROW: {
            D: [
              { n: 1, value: 'x' },
              { n: '1', value: 'y' },
            ],
          },
        },
      },
    ],
  ])('that is malformed at %s causes an error with that place', (where, over) => {
    expectMalformed(answer(over), where);
  });
});

describe('a response in the shape HEAD_DATA', () => {
  const answer = (data: object): unknown => ({
    Result: { ResultData: { CURRENTCURSORPOSITION: 0, ...data } },
  });

  test('names its values itself', () => {
    const DATARECORD = [
      { DATAFIELD: [{ FIELDNAME: 'PFS_ID', FIELDLABEL: 'Id', FIELDVALUE: 'A' }] },
      { DATAFIELD: { FIELDNAME: 'pfs_id', FIELDLABEL: 'Id', FIELDVALUE: null } },
    ];
    expect(read(answer({ DATARECORD, NEXTCURSORPOSITION: 2 }))).toEqual({
      rows: [{ pfs_id: 'A' }, { pfs_id: '' }],
      more: true,
    });
  });

  test('may contain a single record without an array, or none', () => {
    const DATARECORD = { DATAFIELD: [{ FIELDNAME: 'pfs_id', FIELDVALUE: 'A' }] };
    expect(read(answer({ DATARECORD })).rows).toEqual([{ pfs_id: 'A' }]);
    expect(read(answer({}))).toEqual({ rows: [], more: false });
    expect(read(answer({ DATARECORD: [] }))).toEqual({ rows: [], more: false });
  });

  test.each([
    [undefined, false],
    [null, false],
    [0, false],
    ['0', false],
    [10_001, true],
    ['10001', true],
  ])('with NEXTCURSORPOSITION %j has more: %s', (NEXTCURSORPOSITION, more) => {
    expect(read(answer({ DATARECORD: [], NEXTCURSORPOSITION })).more).toBe(more);
  });

  test.each([
    ['NEXTCURSORPOSITION', { NEXTCURSORPOSITION: -1 }],
    ['NEXTCURSORPOSITION', { NEXTCURSORPOSITION: '' }],
    ['DATARECORD[0]', { DATARECORD: [null] }],
    ['DATARECORD[0].DATAFIELD[0]', { DATARECORD: [{ DATAFIELD: [1] }] }],
    ['DATARECORD[0].DATAFIELD[0].FIELDNAME', { DATARECORD: [{ DATAFIELD: [{}] }] }],
    ['DATARECORD[0].DATAFIELD[0]', { DATARECORD: [{ DATAFIELD: [{ FIELDNAME: 'a', FIELDVALUE: {} }] }] }],
  ])('that is malformed at %s causes an error with that place', (where, data) => {
    expectMalformed(answer(data), where);
  });
});

test.each([
  [null, 'The answer'],
  [[], 'The answer'],
  [{}, 'Result'],
  [{ Result: {} }, 'Result.ResultData'],
  [{ Result: { ResultData: {} } }, 'Result.ResultData'],
  [{ Result: { ResultData: [] } }, 'Result.ResultData'],
])('the response %j is not an empty page but malformed at %s', (answer, where) => {
  expectMalformed(answer, where);
});

test('an alias may have any name', () => {
  const rows = [
    Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['tostring', 'z'],
    ]),
  ] as Row[];
  for (const shape of [dataOnly, headData]) {
    const [row] = read(shape(rows, false)).rows;
    expect(Object.entries(row ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['tostring', 'z'],
    ]);
  }
});

test('both shapes return the same rows', () => {
  const row = fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string(), { noNullPrototype: false });
  fc.assert(
    fc.property(fc.array(row), fc.boolean(), (rows, more) => {
      for (const shape of [dataOnly, headData])
        expect(read(JSON.parse(JSON.stringify(shape(rows, more))))).toEqual({ rows, more });
    }),
  );
});

test('any JSON is either read or refused as malformed', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('GRID', 'DATARECORD'), (value, name) => {
      for (const answer of [value, { Result: value }, { Result: { ResultData: { [name]: value } } }]) {
        try {
          parseGridAnswer(answer);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PEMS_MALFORMED_ANSWER' });
        }
        errorAlerts(answer);
      }
    }),
  );
});

describe('ErrorAlert', () => {
  test.each([
    [{}, []],
    [{ ErrorAlert: null }, []],
    [{ ErrorAlert: [] }, []],
    [{ ErrorAlert: [{ Name: 'E1', Message: 'no' }] }, [{ name: 'E1', message: 'no' }]],
    [{ ErrorAlert: { Name: 'E1', Message: 'no' } }, [{ name: 'E1', message: 'no' }]],
    [{ ErrorAlert: [{}] }, [{ name: '', message: '' }]],
    [{ ErrorAlert: 'x' }, [{ name: '', message: 'x' }]],
    [{ ErrorAlert: [{ Message: 'no', Name: 17 }] }, [{ name: '17', message: 'no' }]],
  ])('in %j is %j', (answer, alerts) => {
    expect(errorAlerts(answer)).toEqual(alerts);
  });

  test('differs from a question', () => {
    const answer = { Result: null, ConfirmationAlert: { Message: 'Sure?', Name: 'ASK' }, ErrorAlert: [] };
    expect(errorAlerts(answer)).toEqual([]);
    expect(confirmationAlerts(answer)).toEqual([{ name: 'ASK', message: 'Sure?' }]);
  });
});

describe('a page that is not the last', () => {
  const rows = (...ids: string[]): [string][] => ids.map((id) => [id]);
  const page = (...ids: string[]) => ({ aliases: ['pfs_id'], rows: rows(...ids) });

  test('is cut before its last id, whose rows are all on the next page', () => {
    expect(cutAtLastId(page('A', 'B', 'C'), 'pfs_id')).toEqual({ rows: rows('A', 'B'), last: 'B' });
    expect(cutAtLastId(page('A', 'B', 'C', 'C'), 'pfs_id')).toEqual({ rows: rows('A', 'B'), last: 'B' });
  });

  test('keeps rows without an id, which cannot be requested again', () => {
    expect(cutAtLastId(page('', 'A', '', 'B', ' '), 'pfs_id')).toEqual({
      rows: rows('', 'A', '', ' '),
      last: 'A',
    });
  });

  test('with a single id cannot be cut', () => {
    for (const one of [page(), page('A'), page('A', 'A'), page('', 'A'), page('')]) {
      expect(cutAtLastId(one, 'pfs_id').last).toBeNull();
    }
  });
});

test('10,000 rows of 30 fields are read in well under 200 ms', () => {
  const rows = Array.from({ length: 10_000 }, (_, index) =>
    Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`alias_${n}`, `value ${index} ${n}`])),
  );
  for (const shape of [dataOnly, headData]) {
    const answer: unknown = JSON.parse(JSON.stringify(shape(rows, false)));
    expect(quickest(200, () => parseGridAnswer(answer))).toBeLessThan(200);
  }
});

/** Returns the page with its rows by alias. */
function read(answer: unknown): { rows: Row[]; more: GridPage['more'] } {
  const page = parseGridAnswer(answer);
  if (page === null) return expect.unreachable('no names of columns');
  return { rows: byAlias(page), more: page.more };
}

function expectMalformed(answer: unknown, where: string): void {
  try {
    parseGridAnswer(answer);
  } catch (error) {
    if (!(error instanceof VanguardError)) throw error;
    expect(error.code).toBe('PEMS_MALFORMED_ANSWER');
    expect((error.details as { where: string }).where.endsWith(where)).toBe(true);
    expect(error.message).toContain(where);
    return;
  }
  expect.unreachable('the answer was read');
}
