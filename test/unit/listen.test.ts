import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { listen } from '../../src/http/listen.ts';

// Without these, node waits for headers for a minute and for a body for five.
test('a client that sends slowly is not waited for as long as it likes', async () => {
  const server = createServer();
  await listen(server, '127.0.0.1', 0, 'PORT');
  server.close();
  expect([server.headersTimeout, server.requestTimeout]).toEqual([20_000, 60_000]);
});
