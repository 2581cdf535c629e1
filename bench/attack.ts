/**
 * Simulates a user who keeps many requests running, in a separate process: `node bench/attack.ts '{"url", "token",
 * "requests": [{"query", "variables"}, ...], "atOnce"}'`. It runs until the process that started it ends or
 * disconnects.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { httpClient } from './http.ts';

const { url, token, requests, atOnce } = JSON.parse(process.argv[2]!) as {
  url: string;
  token: string;
  requests: { query: string; variables: object }[];
  atOnce: number;
};

let n = 0;
const attack = async () => {
  const client = httpClient(url, token);
  for (;;) {
    const { status } = await client.send('POST', '/graphql', requests[n++ % requests.length]);
    // A refused request costs almost nothing; without a pause, the process would test a flood, which is another attack.
    if (status !== 200) await sleep(500);
  }
};
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());
process.send!({ type: 'ready' });
await Promise.all(Array.from({ length: atOnce }, attack));
