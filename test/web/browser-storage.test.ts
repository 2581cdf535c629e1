import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isNewer, keysOf, read, sessionStore, write } from '../../web/src/browserStorage.ts';
import { formatToEdit, formatValue } from '../../web/src/records/cells.ts';
import { allColumns } from '../../web/src/records/columns.ts';
import { isEdit, type Edit } from '../../web/src/records/edits.ts';
import { asSent, isSame } from '../../web/src/records/value.ts';
import { countUnsent, unsentOf, UnsentStore } from '../../web/src/records/unsent.ts';

// Entries in the browser's storage may come from another version or program; they must never break a page.

vi.mock('../../web/src/session/session.ts', () => ({
  sessionState: () => ({ status: 'starting' }),
  subscribeToSession: () => () => undefined,
}));

vi.mock('../../web/src/api/connection.ts', () => ({ whenConnected: () => Promise.resolve() }));
vi.mock('../../web/src/api/graphql.ts', () => ({ graphql: (text: string) => text }));

class FakeStorage {
  [key: string]: unknown;
  getItem(key: string) {
    return Object.hasOwn(this, key) ? String(this[key]) : null;
  }
  setItem(key: string, value: string) {
    this[key] = value;
  }
  removeItem(key: string) {
    delete this[key];
  }
}

let storage: FakeStorage;
beforeEach(() => {
  storage = new FakeStorage();
  vi.stubGlobal('localStorage', storage);
  vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });
});
afterEach(() => vi.unstubAllGlobals());

const edit: Edit = {
  ...{ recordId: 'A-1', key: 'forecastEnd', value: '2026-02-30', isAmount: false },
  ...{ seen: null, revision: '12', state: 'refused', message: 'Enter a valid date.', isUnreadable: true },
};

/** Returns a closed tab's edits as the next tab takes them over. */
async function takenOver(): Promise<unknown[]> {
  let found: unknown[] = [];
  new UnsentStore(unsentOf(1, 2), isEdit, (items) => (found = items));
  await Promise.resolve();
  await Promise.resolve();
  return found;
}

test('a stored value is read unchanged', () => {
  write('a', { b: [1, null] });
  expect(read('a')).toEqual({ b: [1, null] });
  expect(storage.getItem('a')).toBe('{"version":1,"value":{"b":[1,null]}}');
  write('a', undefined);
  expect(read('a')).toBeUndefined();
  expect(keysOf('a')).toEqual([]);
});

test('an entry without a version has the format of version 0', () => {
  storage.setItem('a', '["RIO"]');
  expect(read('a')).toEqual(['RIO']);
});

test.each(['{', '', 'undefined', '{"version":2,"value":1}', '{"version":"1","value":1}'])(
  'the entry %j has no value',
  (text) => {
    storage.setItem('a', text);
    expect(read('a')).toBeUndefined();
  },
);

test('a disabled storage has no values, and writing reports the failure', () => {
  const refuse = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  vi.stubGlobal('localStorage', { getItem: refuse, setItem: refuse, removeItem: refuse });
  expect(read('a')).toBeUndefined();
  expect(write('a', 1)).toBe(false);
  expect(read('a', sessionStore)).toBeUndefined();
});

describe('unsaved edits', () => {
  test('of a closed tab are taken over, with and without a version', async () => {
    storage.setItem(`${unsentOf(1, 2)}.old`, JSON.stringify([edit]));
    storage.setItem(`${unsentOf(1, 2)}.new`, JSON.stringify({ version: 1, value: [edit] }));
    expect(countUnsent(1)).toBe(2);
    expect(await takenOver()).toEqual([edit]);
    expect(keysOf(unsentOf(1, 2))).toEqual([]);
  });

  test('that are invalid are left out, and the others are taken', async () => {
    const wrong = [
      null,
      7,
      'edit',
      {},
      { ...edit, revision: 'x' },
      { ...edit, value: {} },
      { ...edit, state: 'new' },
    ];
    storage.setItem(`${unsentOf(1, 2)}.t`, JSON.stringify({ version: 1, value: [...wrong, edit] }));
    expect(await takenOver()).toEqual([edit]);
  });

  test('of a newer version stay where they are', async () => {
    const key = `${unsentOf(1, 2)}.t`;
    storage.setItem(key, JSON.stringify({ version: 2, value: [edit] }));
    expect(isNewer(key)).toBe(true);
    expect(await takenOver()).toEqual([]);
    expect(storage.getItem(key)).not.toBeNull();
  });

  test('property: every entry that passes the check can be shown and compared', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('2026-02-30', '0000-00-00', '9'.repeat(30)),
      fc.boolean(),
      fc.constant(null),
    );
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          ...{
            recordId: fc.string(),
            key: fc.constantFrom(...allColumns.map(({ key }) => key), '__proto__'),
          },
          ...{
            value,
            seen: value,
            isAmount: fc.boolean(),
            revision: fc.oneof(fc.string(), fc.nat().map(String)),
          },
          ...{
            state: fc.constantFrom('saving', 'waiting', 'refused', 'conflict', 'x'),
            theirs: value,
            message: value,
          },
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(anything, (item) => {
        if (!isEdit(item)) return;
        BigInt(item.revision);
        asSent(item);
        isSame(item.value, item.seen);
        for (const column of allColumns)
          for (const one of [item.value, item.seen, item.theirs ?? null])
            expect([typeof formatValue(column, one), typeof formatToEdit(column, one)]).toEqual([
              'string',
              'string',
            ]);
      }),
    );
  });
});
