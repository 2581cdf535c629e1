import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { leftOutOf, type Search } from '../../web/src/filter/address.ts';
import { chipsOf, selectionOf, validateFilter } from '../../web/src/filter/filter.ts';
import { readSort as readBoardSort, validateBoardView } from '../../web/src/pages/board/view.ts';
import { validateChangesView } from '../../web/src/pages/changes/view.ts';
import { validateProblemsView } from '../../web/src/pages/problems/view.ts';
import { decidingFields, validateRecordsView } from '../../web/src/pages/records/view.ts';
import { orderOf, readColumns, readSort } from '../../web/src/records/columns.ts';

// Addresses with any content: pages use the valid parts and report the others.

beforeEach(() => {
  vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });
});

const records = (search: Search) => {
  const view = validateRecordsView(search);
  return { view, leftOut: leftOutOf(search, view as Search) };
};

test.each<[Search, Search, Record<string, string>]>([
  [{ startFrom: '2026-04-01)' }, {}, { startFrom: '2026-04-01)' }],
  [{ startFrom: '2026-02-30', endTo: '2026-03-01' }, { endTo: '2026-03-01' }, { startFrom: '2026-02-30' }],
  [{ costFrom: 'abc' }, {}, { costFrom: 'abc' }],
  [{ costFrom: '1e5', costTo: 12.345 }, {}, { costFrom: '1e5', costTo: '12.345' }],
  [{ costFrom: 5 }, { costFrom: '5' }, {}],
  [{ category: 5 }, { category: ['5'] }, {}],
  [{ category: [['Cranes'], 'Pumps', null] }, { category: ['Pumps'] }, { category: '["Cranes"], null' }],
  [{ q: [1] }, {}, { q: '1' }],
  [{ q: 7 }, { q: '7' }, {}],
  [{ q: '  ' }, {}, { q: '  ' }],
  [{ columns: [1] }, {}, { columns: '1' }],
  [{ columns: 'category,nothing,class:240' }, { columns: 'category,class:240' }, { columns: 'nothing' }],
  [{ columns: 'category:wide' }, {}, { columns: 'category:wide' }],
  [{ flags: ['constructor', 'drafted'] }, { flags: ['drafted'] }, { flags: 'constructor' }],
  [{ flags: ['__proto__'] }, {}, { flags: '__proto__' }],
  [{ sort: 'toString' }, {}, { sort: 'toString' }],
  [{ sort: 'category.desc' }, { sort: 'category.desc' }, {}],
  [{ sort: 'category.up' }, {}, { sort: 'category.up' }],
  [{ discontinued: 'yes' }, {}, { discontinued: 'yes' }],
  [{ unknown: { a: 1 } }, {}, { unknown: '{"a":1}' }],
])('from %j the records page reads %j and leaves out %j', (search, taken, left) => {
  const { view, leftOut } = records(search);
  expect(view).toEqual(taken);
  expect(
    Object.fromEntries(
      leftOut.map(({ name, value }) => [name, value.replaceAll(',', ', ').replaceAll(',  ', ', ')]),
    ),
  ).toEqual(left);
});

test('columns of the plan are optional', () => {
  const plan = [
    ...['originalCategory', 'originalClass', 'originalSource', 'originalDor'],
    ...['originalMonthlyRate', 'originalPurchasePrice'],
  ];
  expect(readColumns(plan.join()).map(({ label }) => label)).toEqual([
    ...['Record', 'Plan category', 'Plan class', 'Plan source', 'Plan DOR'],
    ...['Plan monthly rate', 'Plan purchase price'],
  ]);
  expect(readColumns(undefined).filter(({ key }) => plan.includes(key))).toEqual([]);
});

test('the board accepts only existing dimensions and sorts', () => {
  expect(validateBoardView({ by: 'constructor', sort: 'valueOf.desc', cost: 'x', months: 'table' })).toEqual({
    months: 'table',
  });
  expect(validateBoardView({ by: 'area', sort: 'variance.desc' })).toEqual({
    by: 'area',
    sort: 'variance.desc',
  });
  expect(readBoardSort('constructor')).toEqual(readBoardSort(undefined));
});

test.each([1, 0, -3, 2.5, 1e300, NaN, '2', [2], null])('%j is not a page number', (page) => {
  expect(validateProblemsView({ page })).toEqual({});
  expect(validateChangesView({ show: 'submitted', page })).toEqual({ show: 'submitted' });
});

const names = [
  ...[
    'q',
    'category',
    'class',
    'area',
    'source',
    'dor',
    'flags',
    'discontinued',
    'startFrom',
    'startTo',
    'endFrom',
  ],
  ...[
    'endTo',
    'costFrom',
    'costTo',
    'sort',
    'columns',
    'by',
    'show',
    'cost',
    'months',
    'page',
    'whose',
    'state',
  ],
];
const search = fc.dictionary(
  fc.constantFrom(...names, '__proto__', 'constructor'),
  fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty',
      '',
      '\u0000',
      '2026-13-45',
      '9'.repeat(400),
    ),
    fc.array(fc.constantFrom('constructor', 'drafted', '__proto__', '')),
  ),
);

describe('property: no address stops a page', () => {
  test('the view that a page reads can be shown, requested and read again', () => {
    fc.assert(
      fc.property(search, (asked) => {
        const view = validateRecordsView(asked);
        expect(validateRecordsView(view as Search)).toEqual(view);
        expect(leftOutOf(view as Search, view as Search)).toEqual([]);
        chipsOf(view);
        selectionOf(view);
        decidingFields(view, orderOf(readSort(view.sort)));
        expect(readColumns(view.columns).length).toBeGreaterThan(0);
        const board = validateBoardView(asked);
        expect(validateBoardView(board as Search)).toEqual(board);
        readBoardSort(board.sort);
        validateChangesView(asked);
        validateProblemsView(asked);
        expect(validateFilter(view as Search)).toEqual(validateFilter(asked));
      }),
    );
  });
});
