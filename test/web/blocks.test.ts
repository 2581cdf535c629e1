import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../../web/src/api/errors.ts';
import { EditQueue, type NewEdit, type Saver } from '../../web/src/records/edits.ts';

// Blocks of changes: saved in parts that form one operation, checked record by record, and stopped.

vi.mock('../../web/src/session/session.ts', () => ({
  sessionState: () => ({ status: 'signed-in', person: { id: 1 } }),
  subscribeToSession: () => () => undefined,
}));
vi.mock('../../web/src/api/connection.ts', () => ({ whenConnected: () => Promise.resolve() }));
vi.mock('../../web/src/api/graphql.ts', () => ({
  graphql: (text: string) => text,
  request: () => Promise.reject(new Error('Nobody is attached to the queue.')),
}));

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
  vi.stubGlobal('navigator', { language: 'en-US', languages: ['en-US'] });
});
afterEach(() => vi.unstubAllGlobals());

const edit = (recordId: string, key = 'category', value = 'New'): NewEdit => ({
  ...{ recordId, key, value, isAmount: false, seen: 'Old', revision: '1' },
});
const block = (count: number) => Array.from({ length: count }, (_, i) => edit(`R${i}`));

let organizations = 0;
function queueWith(save: Saver['save']): EditQueue {
  const queue = new EditQueue(1, ++organizations);
  queue.attach({ save, read: () => Promise.resolve() });
  return queue;
}

test("a large block is saved in parts, which all continue the first one's operation", async () => {
  const asked: [records: number, continues: string | undefined][] = [];
  const queue = queueWith((items, continues) => {
    asked.push([items.length, continues]);
    return Promise.resolve({ revisions: {}, operationId: continues ?? '77' });
  });
  const progress: number[] = [];
  expect(await queue.submitBlock(block(2500), { onProgress: (done) => progress.push(done) })).toEqual([]);
  expect(asked).toEqual([
    [1000, undefined],
    [1000, '77'],
    [500, '77'],
  ]);
  expect(progress).toEqual(expect.arrayContaining([0, 1000, 2000, 2500]));
  // Another block starts another operation.
  await queue.submitBlock(block(1));
  expect(asked.at(-1)).toEqual([1, undefined]);
});

test('all cells of a record are in the same part', async () => {
  const records: string[][] = [];
  const queue = queueWith((items) => {
    records.push(items.map(({ recordId }) => recordId));
    return Promise.resolve({ revisions: {} });
  });
  await queue.submitBlock(block(1500).flatMap((one) => [one, { ...one, key: 'class' }]));
  expect(records.map((ids) => ids.length)).toEqual([1000, 500]);
  expect(new Set(records.flat()).size).toBe(1500);
});

test('stopping a block discards unsent cells, and cells in a running request are saved', async () => {
  const stopping = new AbortController();
  let saved = 0;
  const queue = queueWith((items) => {
    stopping.abort();
    saved += items.length;
    return Promise.resolve({ revisions: {} });
  });
  expect(await queue.submitBlock(block(2500), { signal: stopping.signal })).toEqual([]);
  expect(saved).toBe(1000);
  expect(queue.all()).toEqual([]);
});

describe('a refusal', () => {
  /** A server that refuses records whose forecast ends before it starts, or whose category is bad. */
  const refusing: Saver['save'] = (items) => {
    const details = items.flatMap(({ recordId, changes }) => {
      const { forecastStart, category } = changes as Record<string, string>;
      return [
        ...(forecastStart === 'late'
          ? [{ recordId, key: 'forecastEnd', problem: 'lies before forecastStart' }]
          : []),
        ...(category === 'bad' ? [{ recordId, key: 'category', problem: 'is bad' }] : []),
      ];
    });
    return details.length > 0
      ? Promise.reject(new ApiError('VALIDATION_FAILED', 'It is refused.', { details }))
      : Promise.resolve({ revisions: {} });
  };

  test('that names another key affects only its record', async () => {
    const queue = queueWith(refusing);
    const left = await queue.submitBlock([
      ...block(20),
      edit('R3', 'forecastStart', 'late'),
      edit('R4', 'forecastStart', 'early'),
    ]);
    expect(left.map(({ recordId, key }) => [recordId, key])).toEqual([
      ['R3', 'category'],
      ['R3', 'forecastStart'],
    ]);
    for (const { message } of left) expect(message).toBe('Forecast end lies before forecast start.');
  });

  test('of a cell does not affect the other cells of its record', async () => {
    const queue = queueWith(refusing);
    const left = await queue.submitBlock([edit('R1', 'category', 'bad'), edit('R1', 'class'), edit('R2')]);
    expect(left.map(({ recordId, key }) => [recordId, key])).toEqual([['R1', 'category']]);
  });

  test('of several records gives each its own reason', async () => {
    const queue = queueWith(refusing);
    const left = await queue.submitBlock([
      edit('R1', 'category', 'bad'),
      edit('R2', 'forecastStart', 'late'),
      edit('R3'),
    ]);
    expect(left.map(({ recordId, message }) => [recordId, message])).toEqual([
      ['R1', 'Category is bad.'],
      ['R2', 'Forecast end lies before forecast start.'],
    ]);
  });

  test('without a record affects everything that was sent', async () => {
    const queue = queueWith(() => Promise.reject(new ApiError('FORBIDDEN', 'You may not.')));
    expect(await queue.submitBlock(block(3))).toHaveLength(3);
  });
});
