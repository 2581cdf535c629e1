import { describe, expect, test } from 'vitest';
import { createRateLimiter, MAX_RETRY_AFTER_MS, retryDelay, wait } from '../../src/pems/pacing.ts';

describe('the delay before another attempt', () => {
  test('doubles up to 30 seconds, half of it random', () => {
    const longest = [1, 2, 3, 4, 5, 6, 19].map((attempt) => retryDelay(attempt, 1_000, null, () => 0));
    expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(retryDelay(3, 1_000, null, () => 1)).toBe(2_000);
  });

  test('is at least the delay that PEMS requests, up to a minute', () => {
    expect(retryDelay(1, 10, '2')).toBe(2_000);
    expect(retryDelay(1, 1_000, '0', () => 0)).toBe(1_000);
    expect(retryDelay(1, 10, '86400')).toBe(MAX_RETRY_AFTER_MS);
    const inTenSeconds = retryDelay(1, 0, new Date(Date.now() + 10_000).toUTCString());
    expect(inTenSeconds).toBeGreaterThan(8_000);
    expect(inTenSeconds).toBeLessThanOrEqual(10_000);
  });

  test.each(['soon', '', '-5', 'Wed, 21 Oct 2015 07:28:00 GMT'])('ignores Retry-After %j', (header) => {
    expect(retryDelay(1, 100, header, () => 0)).toBe(100);
  });
});

describe('the rate limit', () => {
  test('spaces all requests', async () => {
    const takeTurn = createRateLimiter(200);
    const started = performance.now();
    await Promise.all(Array.from({ length: 7 }, () => takeTurn()));
    expect(performance.now() - started).toBeGreaterThanOrEqual(30);
  });

  test('releases an aborted caller', async () => {
    const takeTurn = createRateLimiter(0.001);
    await takeTurn();
    const controller = new AbortController();
    const turn = takeTurn(controller.signal);
    controller.abort(new Error('enough'));
    await expect(turn).rejects.toThrow('enough');
    await expect(wait(0, controller.signal)).rejects.toThrow('enough');
  });
});
