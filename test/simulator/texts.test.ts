import { expect, test } from 'vitest';
import { control, fault, grid, startClassic } from './client.ts';

test.each([0, 2_000, 1_000_000])(
  'the cache of responses changes none of them: room for %d bytes',
  async (keptBytes) => {
    const clock = { now: '2026-04-02T14:30:00Z' };
    const [plain, keeping] = [await startClassic(), await startClassic({ keptBytes })];
    const same = async () => {
      for (const head of [false, true])
        for (const query of [{ organization: 'ONE' }, { organization: 'ONE', position: 3, rows: 5 }]) {
          const expected = await grid(plain, { ...query, head });
          expect((await grid(keeping, { ...query, head })).raw).toEqual(expected.raw);
        }
    };
    const both = async (method: string, path: string, body?: unknown) => {
      for (const simulator of [plain, keeping]) {
        const { status } = await control(simulator, method, path, body);
        expect(status).toBeLessThan(300);
      }
    };
    await both('POST', '/clock', clock);
    await same();
    await same();
    await both('PATCH', '/records/ONE/ONE-0000004', { values: { pfs_f_model: '"中文\\' } });
    await both('DELETE', '/records/ONE/ONE-0000005');
    await both('POST', '/records/ONE', { id: 'ONE-0000006x' });
    await same();
    await both('POST', '/records/ONE', { id: 'ONE-0000005' });
    await same();
    const garbled = { kind: 'malformed', what: 'value', of: 'date', id: 'ONE-0000009', count: 1 };
    for (const simulator of [plain, keeping]) await fault(simulator, garbled);
    expect((await grid(keeping, { organization: 'ONE' })).raw).toEqual(
      (await grid(plain, { organization: 'ONE' })).raw,
    );
    await same();
  },
);
